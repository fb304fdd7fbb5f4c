// SPDX-License-Identifier: Apache-2.0
// Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials: whose tokens stand for the identity.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/page.h"
#include "base/strv.h"
#include "entra/directory.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define IDENTITY_TYPE "Microsoft.ManagedIdentity/userAssignedIdentities"
#define TYPE IDENTITY_TYPE "/federatedIdentityCredentials"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
enum { NAME_LEAST = 3, NAME_MOST = 120 };

#define bad_request(err, ...) err_set(err, -EINVAL, 400, "BadRequest", __VA_ARGS__)

struct credentials {
	char owner[ARM_ID_MAX];  // the identity's id as it was created
	struct directory_federated *list;  // owned: all that it has
	size_t count;
	struct directory_federated *named;  // the one of the path's name, among them, or NULL
};

static void credentials_free(struct credentials *c) {
	free(c->list);
}
#define _cleanup_credentials_ _cleanup_(credentials_free)

// The identity that the path stands in.
static int open_owner(struct arm_call *call, const char *verb, struct credentials *out, struct err *err) {
	char permission[2 * ARM_NAME_MAX], id[ARM_ID_MAX];
	const char *name = call->target->name;
	(void)snprintf(permission, sizeof(permission), "%s/%s", TYPE, verb);
	int rc = arm_authorize(call, call->target->id, permission, err);
	if (rc < 0)
		return rc;
	// A collection's id is its owner's.
	if (name[0])
		arm_parent_id(call->target->id, id);
	else
		(void)snprintf(id, sizeof(id), "%s", call->target->id);
	_cleanup_resource_ struct resource identity = {0};
	rc = resource_load(call->tx, id, &identity, err);
	if (rc == -ENOENT && strcmp(http_method(call->request), "GET") != 0)
		return err_set(err, rc, 404, "ParentResourceNotFound",
			"Failed to perform 'write' on resource(s) of type 'userAssignedIdentities/federatedIdentityCredentials', because the "
			"parent resource '%s' could not be found.", id);
	if (rc == 0)
		rc = directory_federated_list(call->tx, identity.display_id, &out->list, &out->count, err);
	if (rc < 0)
		return rc;
	(void)snprintf(out->owner, sizeof(out->owner), "%s", identity.display_id);
	for (size_t i = 0; i < out->count; i++)
		if (strv_eq_nocase(out->list[i].name, name))
			out->named = &out->list[i];
	return 0;
}

static json_t *render(const char *owner, const struct directory_federated *f) {
	return json_pack("{s:s++, s:s, s:s, s:{s:s, s:s, s:[s]}}", "id", owner, "/federatedIdentityCredentials/", f->name, "name",
		f->name, "type", TYPE, "properties", "issuer", f->issuer, "subject", f->subject, "audiences", f->audience);
}

// False when it is missing, empty or too long.
static bool read_text(const json_t *value, char out[static DIRECTORY_FEDERATED_TEXT_MAX + 1]) {
	const char *text = json_string_value(value);
	if (!text || !*text || json_string_length(value) > DIRECTORY_FEDERATED_TEXT_MAX)
		return false;
	(void)snprintf(out, DIRECTORY_FEDERATED_TEXT_MAX + 1, "%s", text);
	return true;
}

static bool is_url(const char *text) {
	if (strncmp(text, "https://", 8) != 0 || strchr(" /?#", text[8] ? text[8] : ' '))
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return true;
}

static int read_body(const json_t *body, struct directory_federated *out, struct err *err) {
	const json_t *properties = json_object_get(body, "properties"), *audiences = json_object_get(properties, "audiences");
	if (!read_text(json_object_get(properties, "issuer"), out->issuer) || !is_url(out->issuer))
		return bad_request(err, "The property 'issuer' is required: a URL that begins with https:// and has at most %d characters.",
			DIRECTORY_FEDERATED_TEXT_MAX);
	if (!read_text(json_object_get(properties, "subject"), out->subject))
		return bad_request(err, "The property 'subject' is required: at most %d characters.", DIRECTORY_FEDERATED_TEXT_MAX);
	if (json_array_size(audiences) != 1 || !read_text(json_array_get(audiences, 0), out->audience))
		return bad_request(err, "The property 'audiences' is required: exactly one audience of at most %d characters.",
			DIRECTORY_FEDERATED_TEXT_MAX);
	return 0;
}

static int read_name(const char *name, struct directory_federated *out, struct err *err) {
	if (!strv_made_of(name, NAME_CHARACTERS, NAME_LEAST, NAME_MOST) || !isalnum((unsigned char)name[0]))
		return bad_request(err, "The name '%s' of the federated identity credential is invalid: %d to %d letters, digits, hyphens "
			"and underscores, the first one a letter or digit.", name, NAME_LEAST, NAME_MOST);
	if (!out->name[0])
		(void)snprintf(out->name, sizeof(out->name), "%.*s", NAME_MOST, name);
	return 0;
}

// Only one of an identity's credentials may say so; and it has so many at most.
static int check_others(const struct credentials *c, const struct directory_federated *f, struct err *err) {
	for (size_t i = 0; i < c->count; i++)
		if (&c->list[i] != c->named && strcmp(c->list[i].issuer, f->issuer) == 0 && strcmp(c->list[i].subject, f->subject) == 0)
			return err_set(err, -EEXIST, 409, "Conflict",
				"Issuer and subject combination already exists for this Managed Identity.");
	if (!c->named && c->count >= DIRECTORY_FEDERATED_MAX)
		return bad_request(err, "Too many Federated Identity Credentials for the managed identity '%s': it can have at most %d.",
			c->owner, DIRECTORY_FEDERATED_MAX);
	return 0;
}

static int answer_one(struct arm_call *call, const char *owner, const struct directory_federated *f, struct err *err) {
	call->response->json = render(owner, f);
	return call->response->json ? 0 : err_oom(err);
}

static int put(struct arm_call *call, struct err *err) {
	_cleanup_credentials_ struct credentials c = {0};
	_cleanup_json_ json_t *body = NULL;
	int rc = open_owner(call, "write", &c, err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc < 0)
		return rc;
	struct directory_federated f = c.named ? *c.named : (struct directory_federated){0};
	rc = read_name(call->target->name, &f, err);
	if (rc == 0)
		rc = read_body(body, &f, err);
	if (rc == 0)
		rc = check_others(&c, &f, err);
	if (rc == 0)
		rc = c.named ? directory_federated_save(call->tx, c.owner, &f, err) : directory_federated_add(call->tx, c.owner, &f, err);
	call->response->status = c.named ? 200 : 201;
	return rc < 0 ? rc : answer_one(call, c.owner, &f, err);
}

static int read_one(struct arm_call *call, struct err *err) {
	_cleanup_credentials_ struct credentials c = {0};
	int rc = open_owner(call, "read", &c, err);
	if (rc == 0 && !c.named)
		return err_set(err, -ENOENT, 404, "NotFound",
			"The Federated Identity Credential '%s' was not found within the managed identity '%s'.", call->target->name, c.owner);
	return rc < 0 ? rc : answer_one(call, c.owner, c.named, err);
}

// At most twenty: one page.
static int list(struct arm_call *call, struct err *err) {
	_cleanup_credentials_ struct credentials c = {0};
	struct arm_page page;
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	int rc = open_owner(call, "read", &c, err);
	if (rc == 0)
		rc = arm_page_read(call, DIRECTORY_FEDERATED_MAX, &page, err);
	for (size_t i = 0; rc == 0 && i < c.count; i++) {
		if (strcmp(c.list[i].name, page.after) <= 0)
			continue;
		if (json_array_size(value) == (size_t)page.top)
			return arm_page_next(call, call->response->json, c.list[i - 1].name, err);
		if (json_array_append_new(value, render(c.owner, &c.list[i])) < 0)
			rc = err_oom(err);
	}
	return rc;
}

static int remove_credential(struct arm_call *call, struct err *err) {
	_cleanup_credentials_ struct credentials c = {0};
	int rc = open_owner(call, "delete", &c, err);
	if (rc == 0 && c.named)
		rc = directory_federated_remove(call->tx, c.owner, c.named->id, err);
	call->response->status = c.named ? 200 : 204;
	return rc;
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
