// SPDX-License-Identifier: Apache-2.0
// Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials: whose tokens stand for the identity. The
// login face reads them from the same table.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define IDENTITY_TYPE "Microsoft.ManagedIdentity/userAssignedIdentities"
#define TYPE IDENTITY_TYPE "/federatedIdentityCredentials"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
enum { CREDENTIALS_MAX = 20, NAME_LEAST = 3, NAME_MOST = 120, TEXT_MOST = 600 };

#define bad_request(err, ...) err_set(err, -EINVAL, 400, "BadRequest", __VA_ARGS__)

struct credential {
	char owner[ARM_ID_MAX];  // the identity's id as it was created
	char *key;               // owned: the same in lower case
	const char *name, *issuer, *subject, *audience;  // borrowed
};

static void credential_free(struct credential *c) {
	free(c->key);
}
#define _cleanup_credential_ _cleanup_(credential_free)

// The identity that the path stands in.
static int open_owner(struct arm_call *call, const char *verb, struct credential *out, struct err *err) {
	char permission[2 * ARM_NAME_MAX], id[ARM_ID_MAX];
	(void)snprintf(permission, sizeof(permission), "%s/%s", TYPE, verb);
	int rc = arm_authorize(call, call->target->id, permission, err);
	if (rc < 0)
		return rc;
	// A collection's id is its owner's.
	if (call->target->name[0])
		arm_parent_id(call->target->id, id);
	else
		(void)snprintf(id, sizeof(id), "%s", call->target->id);
	_cleanup_resource_ struct resource identity = {0};
	rc = resource_load(call->tx, id, &identity, err);
	if (rc == -ENOENT && strcmp(http_method(call->request), "GET") != 0)
		return err_set(err, rc, 404, "ParentResourceNotFound",
			"Failed to perform 'write' on resource(s) of type 'userAssignedIdentities/federatedIdentityCredentials', because the "
			"parent resource '%s' could not be found.", id);
	if (rc < 0)
		return rc;
	char *key = strv_lower(identity.display_id);
	if (!key)
		return err_oom(err);
	out->key = key;
	(void)snprintf(out->owner, sizeof(out->owner), "%s", identity.display_id);
	out->name = call->target->name;
	return 0;
}

static json_t *render(const struct credential *c, const char *name, const char *issuer, const char *subject,
	const char *audience) {
	_cleanup_free_ char *id = strv_printf("%s/federatedIdentityCredentials/%s", c->owner, name);
	return id ? json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:[s]}}", "id", id, "name", name, "type", TYPE, "properties", "issuer",
			    issuer, "subject", subject, "audiences", audience)
		  : NULL;
}

static const char *text_of(const json_t *value) {
	const char *text = json_string_value(value);
	return text && *text && json_string_length(value) <= TEXT_MOST ? text : NULL;
}

static bool is_url(const char *text) {
	if (strncmp(text, "https://", 8) != 0 || strchr(" /?#", text[8] ? text[8] : ' '))
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return true;
}

static int read_body(const json_t *body, struct credential *out, struct err *err) {
	const json_t *properties = json_object_get(body, "properties"), *audiences = json_object_get(properties, "audiences");
	out->issuer = text_of(json_object_get(properties, "issuer"));
	out->subject = text_of(json_object_get(properties, "subject"));
	out->audience = text_of(json_array_get(audiences, 0));
	if (!out->issuer || !is_url(out->issuer))
		return bad_request(err, "The property 'issuer' is required: a URL that begins with https:// and has at most %d characters.",
			TEXT_MOST);
	if (!out->subject)
		return bad_request(err, "The property 'subject' is required: at most %d characters.", TEXT_MOST);
	if (json_array_size(audiences) != 1 || !out->audience)
		return bad_request(err, "The property 'audiences' is required: exactly one audience of at most %d characters.", TEXT_MOST);
	return 0;
}

static int check_name(const char *name, struct err *err) {
	if (strv_made_of(name, NAME_CHARACTERS, NAME_LEAST, NAME_MOST) && isalnum((unsigned char)name[0]))
		return 0;
	return bad_request(err, "The name '%s' of the federated identity credential is invalid: %d to %d letters, digits, hyphens and "
		"underscores, the first one a letter or digit.", name, NAME_LEAST, NAME_MOST);
}

// Only one of an identity's credentials may say so; and it has so many at most.
static int check_others(struct arm_call *call, const struct credential *c, struct err *err) {
	int64_t same = 0, all = 0;
	int rc = store_query_int(call->tx, &same, err,
		"SELECT COUNT(*) FROM federated_credentials WHERE owner = $1 AND lower(name) <> lower($2) AND issuer = $3 AND subject = $4",
		"ssss", c->key, c->name, c->issuer, c->subject);
	if (rc == 0)
		rc = store_query_int(call->tx, &all, err,
			"SELECT COUNT(*) FROM federated_credentials WHERE owner = $1 AND lower(name) <> lower($2)", "ss", c->key, c->name);
	if (rc < 0)
		return rc;
	if (same > 0)
		return err_set(err, -EEXIST, 409, "Conflict",
			"Issuer and subject combination already exists for this Managed Identity.");
	if (all >= CREDENTIALS_MAX)
		return bad_request(err, "Too many Federated Identity Credentials for the managed identity '%s': it can have at most %d.",
			c->owner, CREDENTIALS_MAX);
	return 0;
}

static int save(struct arm_call *call, const struct credential *c, bool *created, struct err *err) {
	char id[ENC_UUID_SIZE];
	int rc = store_exec(call->tx, err,
		"UPDATE federated_credentials SET issuer = $1, subject = $2, audience = $3 WHERE owner = $4 AND lower(name) = lower($5)",
		"sssss", c->issuer, c->subject, c->audience, c->key, c->name);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (enc_uuid(id) < 0)
		return err_errno(err, -EIO, "no random numbers");
	rc = store_exec(call->tx, err,
		"INSERT INTO federated_credentials (id, owner, name, issuer, subject, audience, created) VALUES ($1,$2,$3,$4,$5,$6,$7)",
		"ssssssi", id, c->key, c->name, c->issuer, c->subject, c->audience, clock_now());
	*created = rc >= 0;
	return rc < 0 ? rc : 0;
}

// One credential, or with an empty name all of them, appended to items.
static int load(struct arm_call *call, const struct credential *c, json_t *items, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(call->tx, &rows, err,
		"SELECT name, issuer, subject, audience FROM federated_credentials WHERE owner = $1 AND ($2 = '' OR lower(name) = lower($2))"
		" ORDER BY lower(name)", "ss", c->key, c->name);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		if (json_array_append_new(items,
			    render(c, store_text(rows, 0), store_text(rows, 1), store_text(rows, 2), store_text(rows, 3))) < 0)
			return err_oom(err);
	return rc;
}

static int answer_one(struct arm_call *call, const struct credential *c, struct err *err) {
	_cleanup_json_ json_t *found = json_array();
	int rc = found ? load(call, c, found, err) : err_oom(err);
	if (rc < 0)
		return rc;
	if (json_array_size(found) == 0)
		return err_set(err, -ENOENT, 404, "NotFound",
			"The Federated Identity Credential '%s' was not found within the managed identity '%s'.", c->name, c->owner);
	call->response->json = json_incref(json_array_get(found, 0));
	return 0;
}

static int put(struct arm_call *call, struct err *err) {
	_cleanup_credential_ struct credential c = {0};
	_cleanup_json_ json_t *body = NULL;
	bool created = false;
	int rc = open_owner(call, "write", &c, err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc == 0)
		rc = check_name(c.name, err);
	if (rc == 0)
		rc = read_body(body, &c, err);
	if (rc == 0)
		rc = check_others(call, &c, err);
	if (rc == 0)
		rc = save(call, &c, &created, err);
	call->response->status = created ? 201 : 200;
	return rc < 0 ? rc : answer_one(call, &c, err);
}

static int read_one(struct arm_call *call, struct err *err) {
	_cleanup_credential_ struct credential c = {0};
	int rc = open_owner(call, "read", &c, err);
	return rc < 0 ? rc : answer_one(call, &c, err);
}

// At most twenty: one page.
static int list(struct arm_call *call, struct err *err) {
	_cleanup_credential_ struct credential c = {0};
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	int rc = open_owner(call, "read", &c, err);
	return rc < 0 ? rc : load(call, &c, value, err);
}

static int remove_credential(struct arm_call *call, struct err *err) {
	_cleanup_credential_ struct credential c = {0};
	int rc = open_owner(call, "delete", &c, err);
	if (rc == 0)
		rc = store_exec(call->tx, err, "DELETE FROM federated_credentials WHERE owner = $1 AND lower(name) = lower($2)", "ss",
			c.key, c.name);
	call->response->status = rc > 0 ? 200 : 204;
	return rc < 0 ? rc : 0;
}

static int handle(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	bool named = call->target->name[0];
	if (!call->target->tail[0] && strcmp(method, "GET") == 0)
		return named ? read_one(call, err) : list(call, err);
	if (!call->target->tail[0] && named && strcmp(method, "PUT") == 0)
		return put(call, err);
	if (!call->target->tail[0] && named && strcmp(method, "DELETE") == 0)
		return remove_credential(call, err);
	return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", method);
}

const struct arm_type federated_identity_credentials_type = {
	.name = TYPE, .versions = versions_federated_credentials, .raw = handle};
