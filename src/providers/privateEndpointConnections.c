// SPDX-License-Identifier: Apache-2.0
// Microsoft.KeyVault/vaults/privateEndpointConnections: recorded. A connection comes into being with a private endpoint; who
// owns the vault approves or rejects it here.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "providers/vaults.h"
#include "providers/versions.h"

#define TYPE "Microsoft.KeyVault/vaults/privateEndpointConnections"
#define ENDPOINT_TYPE "Microsoft.Network/privateEndpoints"
#define COLUMNS "SELECT name, endpoint_id, status, description, etag FROM vault_connections WHERE vault = $1"
enum { CONNECTIONS_MAX = 64, DESCRIPTION_MAX = 512, VAULT_KEY_MAX = VAULT_NAME_MAX + 1 };

static int vault_key(const struct vault_record *v, char out[static VAULT_KEY_MAX], struct err *err) {
	_cleanup_free_ char *key = strv_lower(v->name);
	if (!key)
		return err_oom(err);
	(void)snprintf(out, VAULT_KEY_MAX, "%s", key);
	return 0;
}

// A row of COLUMNS; `whole` adds what an item of the vault's own list does not have.
static json_t *render(const struct vault_record *v, struct store_rows *row, bool whole) {
	const char *name = store_text(row, 0), *description = store_text(row, 3);
	_cleanup_free_ char *id = strv_printf("%s/privateEndpointConnections/%s", v->resource_id, name);
	_cleanup_json_ json_t *state = json_pack("{s:s, s:s*, s:s}", "status", store_text(row, 2), "description", description,
		"actionsRequired", "None");
	_cleanup_json_ json_t *json = !id || !state ? NULL
		: json_pack("{s:s, s:s, s:{s:s, s:{s:s}, s:O}}", "id", id, "etag", store_text(row, 4), "properties",
			  "provisioningState", "Succeeded", "privateEndpoint", "id", store_text(row, 1),
			  "privateLinkServiceConnectionState", state);
	if (!json || (whole && (json_set_str(json, "name", name) < 0 || json_set_str(json, "type", TYPE) < 0)))
		return NULL;
	return TAKE_PTR(json);
}

// Those of the vault, or the one of this name, appended.
static int load(struct store_tx *tx, const struct vault_record *v, const char *name, bool whole, json_t *items,
	struct err *err) {
	char key[VAULT_KEY_MAX];
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = vault_key(v, key, err);
	if (rc == 0)
		rc = store_query(tx, &rows, err, COLUMNS " AND ($2 = '' OR lower(name) = lower($2)) ORDER BY name", "ss", key, name);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		if (json_array_append_new(items, render(v, rows, whole)) < 0)
			return err_oom(err);
	return rc;
}

int vaults_show_connections(struct store_tx *tx, const struct vault_record *v, json_t *properties, struct err *err) {
	_cleanup_json_ json_t *items = json_array();
	int rc = items ? load(tx, v, "", false, items, err) : err_oom(err);
	if (rc < 0 || json_array_size(items) == 0)
		return rc;
	return json_object_set(properties, "privateEndpointConnections", items) < 0 ? err_oom(err) : 0;
}

static int not_found(const struct arm_call *call, struct err *err) {
	return err_set(err, -ENOENT, 404, "ResourceNotFound",
		"The Resource '" TYPE "/%s' under resource group '%s' was not found. For more details please go to "
		"https://aka.ms/ARMResourceNotFoundFix", call->target->name, call->target->group);
}

static int open_vault(struct arm_call *call, const char *verb, struct vault_record *out, struct err *err) {
	_cleanup_free_ char *permission = strv_printf(TYPE "/%s", verb);
	if (!permission)
		return err_oom(err);
	int rc = arm_authorize(call, call->target->id, permission, err);
	return rc < 0 ? rc : vaults_parent(call, out, err);
}

static int answer_one(struct arm_call *call, const struct vault_record *v, struct err *err) {
	_cleanup_json_ json_t *found = json_array();
	int rc = found ? load(call->tx, v, call->target->name, true, found, err) : err_oom(err);
	if (rc < 0)
		return rc;
	if (json_array_size(found) == 0)
		return not_found(call, err);
	call->response->json = json_incref(json_array_get(found, 0));
	return 0;
}

static int read_connections(struct arm_call *call, struct err *err) {
	struct vault_record v;
	int rc = open_vault(call, "read", &v, err);
	if (rc < 0)
		return rc;
	if (call->target->name[0])
		return answer_one(call, &v, err);
	json_t *value = arm_list_answer(call);
	return value ? load(call->tx, &v, "", true, value, err) : err_oom(err);
}

static int read_state(const json_t *body, const char **status, const char **description, struct err *err) {
	static const char *const known[] = {"Approved", "Rejected"};
	const json_t *state = json_at(body, "properties.privateLinkServiceConnectionState");
	const char *given = json_str(state, "status");
	*status = NULL;
	*description = json_str(state, "description");
	for (size_t i = 0; given && i < ARRAY_SIZE(known); i++)
		if (strv_eq_nocase(known[i], given))
			*status = known[i];
	if (!*status)
		return vaults_bad_request(err, "The property \"privateLinkServiceConnectionState.status\" must be Approved or Rejected.");
	if (*description && strlen(*description) > DESCRIPTION_MAX)
		return vaults_bad_request(err, "The property \"privateLinkServiceConnectionState.description\" is longer than %d bytes.",
			DESCRIPTION_MAX);
	return 0;
}

static int decide(struct arm_call *call, struct err *err) {
	struct vault_record v;
	_cleanup_json_ json_t *body = NULL;
	const char *status = NULL, *description = NULL;
	char key[VAULT_KEY_MAX], etag[ENC_UUID_SIZE];
	int rc = open_vault(call, "write", &v, err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc == 0)
		rc = read_state(body, &status, &description, err);
	if (rc == 0)
		rc = vault_key(&v, key, err);
	if (rc == 0 && enc_uuid(etag) < 0)
		rc = err_errno(err, -EIO, "no random numbers");
	if (rc < 0)
		return rc;
	rc = store_exec(call->tx, err,
		"UPDATE vault_connections SET status = $1, description = $2, etag = $3 WHERE vault = $4 AND lower(name) = lower($5)",
		"sssss", status, description, etag, key, call->target->name);
	if (rc == 0)
		return not_found(call, err);
	return rc < 0 ? rc : answer_one(call, &v, err);
}

static int remove_connection(struct arm_call *call, struct err *err) {
	struct vault_record v;
	char key[VAULT_KEY_MAX];
	_cleanup_json_ json_t *found = json_array();
	int rc = found ? open_vault(call, "delete", &v, err) : err_oom(err);
	if (rc == 0)
		rc = load(call->tx, &v, call->target->name, true, found, err);
	if (rc == 0)
		rc = vault_key(&v, key, err);
	if (rc == 0)
		rc = store_exec(call->tx, err, "DELETE FROM vault_connections WHERE vault = $1 AND lower(name) = lower($2)", "ss", key,
			call->target->name);
	if (rc < 0)
		return rc;
	call->response->status = rc > 0 ? 200 : 204;
	if (rc == 0)
		return 0;
	call->response->json = json_incref(json_array_get(found, 0));
	json_t *properties = json_object_get(call->response->json, "properties");
	return json_set_str(properties, "provisioningState", "Disconnected") < 0 ? err_oom(err) : 0;
}

static int handle(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	bool named = call->target->name[0];
	if (!call->target->tail[0] && strcmp(method, "GET") == 0)
		return read_connections(call, err);
	if (!call->target->tail[0] && named && strcmp(method, "PUT") == 0)
		return decide(call, err);
	if (!call->target->tail[0] && named && strcmp(method, "DELETE") == 0)
		return remove_connection(call, err);
	return vaults_method_not_allowed(call, err);
}

// The live vault of an id that another provider's resource points to.
static int find_vault(struct arm_call *call, const char *vault_id, struct vault_record *out, struct err *err) {
	struct arm_target t;
	struct vault_record v;
	int rc = arm_parse_id(vault_id, "Microsoft.KeyVault/vaults", &t, err);
	if (rc == 0)
		rc = vault_find(call->tx, t.name, &v, err);
	if (rc == 0 && (v.deleted || !strv_eq_nocase(v.resource_id, vault_id)))
		rc = -ENOENT;
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "ResourceNotFound",
			"The Resource 'Microsoft.KeyVault/vaults/%s' under resource group '%s' was not found. For more details please go to "
			"https://aka.ms/ARMResourceNotFoundFix", t.name, t.group);
	if (rc == 0)
		*out = v;
	return rc;
}

static int check_room(struct store_tx *tx, const char *key, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM vault_connections WHERE vault = $1", "s", key);
	if (rc == 0 && count >= CONNECTIONS_MAX)
		rc = vaults_bad_request(err, "The vault has the %d private endpoint connections that it can have.", CONNECTIONS_MAX);
	return rc;
}

static int insert(struct store_tx *tx, const char *key, const char *endpoint_id, const struct vaults_connection *c,
	struct err *err) {
	char etag[ENC_UUID_SIZE];
	if (enc_uuid(etag) < 0)
		return err_errno(err, -EIO, "no random numbers");
	int rc = store_exec(tx, err,
		"INSERT INTO vault_connections (vault, name, endpoint_id, status, description, etag, created)"
		" VALUES ($1,$2,$3,$4,$5,$6,$7)", "ssssssi", key, c->name, endpoint_id, c->status, c->description, etag, clock_now());
	return rc < 0 ? rc : 0;
}

int vaults_find_connection(struct store_tx *tx, const char *endpoint_id, const char *vault_id, struct vaults_connection *out,
	struct err *err) {
	const char *slash = strrchr(vault_id, '/');
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT name, status, description FROM vault_connections WHERE vault = lower($1) AND lower(endpoint_id) = lower($2)", "ss",
		slash ? slash + 1 : "", endpoint_id);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	const char *description = store_text(rows, 2);
	(void)snprintf(out->name, sizeof(out->name), "%s", store_text(rows, 0));
	(void)snprintf(out->status, sizeof(out->status), "%s", store_text(rows, 1));
	(void)snprintf(out->description, sizeof(out->description), "%s", description ? description : "");
	return 0;
}

int vaults_connect_private_endpoint(struct arm_call *call, const char *vault_id, const char *endpoint_id, const char *group_id,
	bool manual, const char *message, struct vaults_connection *out, struct err *err) {
	struct vault_record v;
	struct arm_target endpoint;
	struct vaults_connection c = {0};
	char key[VAULT_KEY_MAX], unique[ENC_UUID_SIZE];
	int rc = arm_parse_id(endpoint_id, ENDPOINT_TYPE, &endpoint, err);
	if (rc == 0 && !strv_eq_nocase(group_id, "vault"))
		rc = vaults_bad_request(err, "The group id '%.64s' is none of a vault's private link resources: vault.", group_id);
	if (rc == 0 && message && strlen(message) > DESCRIPTION_MAX)
		rc = vaults_bad_request(err, "The request message of the connection is longer than %d bytes.", DESCRIPTION_MAX);
	// Whoever may approve has a connection at once, everyone else asks for it.
	if (rc == 0 && !manual)
		rc = arm_authorize_linked(call, vault_id, "Microsoft.KeyVault/vaults/privateEndpointConnectionsApproval/action", err);
	if (rc == 0)
		rc = find_vault(call, vault_id, &v, err);
	if (rc < 0)
		return rc;
	rc = vaults_find_connection(call->tx, endpoint_id, vault_id, out, err);
	if (rc != -ENOENT)
		return rc;
	rc = vault_key(&v, key, err);
	if (rc == 0)
		rc = check_room(call->tx, key, err);
	if (rc == 0 && enc_uuid(unique) < 0)
		rc = err_errno(err, -EIO, "no random numbers");
	if (rc < 0)
		return rc;
	(void)snprintf(c.name, sizeof(c.name), "%.80s_%s", endpoint.name, unique);
	(void)snprintf(c.status, sizeof(c.status), "%s", manual ? "Pending" : "Approved");
	(void)snprintf(c.description, sizeof(c.description), "%s", message ? message : "");
	rc = insert(call->tx, key, endpoint_id, &c, err);
	if (rc == 0)
		*out = c;
	return rc;
}

int vaults_disconnect_private_endpoint(struct store_tx *tx, const char *endpoint_id, struct err *err) {
	int rc = store_exec(tx, err, "DELETE FROM vault_connections WHERE lower(endpoint_id) = lower($1)", "s", endpoint_id);
	return rc < 0 ? rc : 0;
}

const struct arm_type vault_connections_type = {.name = TYPE, .versions = versions_vaults, .raw = handle};
