// SPDX-License-Identifier: Apache-2.0
// addPassword, removePassword, and the lists of credentials in a body.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "graph/internal.h"

enum { KEY_TEXT_MAX = 65536 };
#define SECRET_LIFETIME (2 * 365 * 86400LL)

static int load(struct call *c, struct directory_object *o, struct err *err) {
	int rc = call_object(c, o, err);
	if (rc == -ENOENT && may_read(c, NULL) < 0)
		return call_denied(err);
	if (rc == 0)
		rc = may_write(c, o, err);
	if (rc == 0 && o->kind == DIRECTORY_SERVICE_PRINCIPAL && o->detail)
		return call_bad_request(err, "The service principal of a managed identity takes no credentials.");
	return rc;
}

// Text that is a time, or missing, which leaves *out as it is.
static int read_time(const json_t *object, const char *name, int64_t *out, struct err *err) {
	const json_t *value = json_object_get(object, name);
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value) || clock_parse(json_string_value(value), out) < 0)
		return call_bad_request(err, "Invalid value specified for property '%s'.", name);
	return 0;
}

static int read_name(const json_t *object, struct directory_credential *out, struct err *err) {
	const json_t *value = json_object_get(object, "displayName");
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value) || strv_copy(out->display_name, sizeof(out->display_name), json_string_value(value)) < 0)
		return call_bad_request(err, "Invalid value specified for property 'displayName'.");
	return 0;
}

int password_add(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	_cleanup_secret_ struct secret text = {0};
	const json_t *given = json_object_get(c->body, "passwordCredential");
	struct directory_credential s = {.not_before = clock_now()};
	int rc = load(c, &o, err);
	if (rc == 0 && given && !json_is_object(given) && !json_is_null(given))
		rc = call_bad_request(err, "Invalid value specified for property 'passwordCredential'.");
	if (rc == 0)
		rc = read_time(given, "startDateTime", &s.not_before, err);
	s.not_after = s.not_before + SECRET_LIFETIME;
	if (rc == 0)
		rc = read_time(given, "endDateTime", &s.not_after, err);
	if (rc == 0)
		rc = read_name(given, &s, err);
	if (rc == 0 && (s.not_after <= s.not_before || s.not_after <= clock_now() || s.not_after > CLOCK_MAX))
		rc = err_set(err, -EINVAL, 400, "CredentialInvalidEndDate", "Credential end date is invalid.");
	if (rc == 0)
		rc = directory_add_secret(c->tx, &o, &s, &text, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *json = render_secret(&s);
	if (!json || json_set(json, "secretText", json_stringn((const char *)text.data, text.len)) < 0 ||
		json_set(json, "@odata.context", context_url(c, "microsoft.graph.passwordCredential")) < 0)
		return err_oom(err);
	c->json = TAKE_PTR(json);
	return 0;
}

int password_remove(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	const char *key_id = json_str(c->body, "keyId");
	int rc = load(c, &o, err);
	if (rc == 0 && !key_id)
		rc = call_bad_request(err, "A value is required for property 'keyId'.");
	return rc < 0 ? rc : directory_remove_secret(c->tx, &o, key_id, err);
}

static bool has_id(const json_t *list, const char *key_id) {
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *id = json_str(json_array_get(list, i), "keyId");
		if (id && strv_eq_nocase(id, key_id))
			return true;
	}
	return false;
}

static bool is_present(const struct directory_credential *list, size_t count, const char *key_id) {
	for (size_t i = 0; key_id && i < count; i++)
		if (strv_eq_nocase(list[i].key_id, key_id))
			return true;
	return false;
}

// base64, which clients break into lines.
static int decode_key(const char *text, struct buf *der) {
	_cleanup_free_ char *plain = strlen(text) <= KEY_TEXT_MAX ? strdup(text) : NULL;
	size_t n = 0;
	if (!plain)
		return -EINVAL;
	for (const char *p = text; *p; p++)
		if (!strchr(" \t\r\n", *p))
			plain[n++] = *p;
	plain[n] = 0;
	return dec_base64(der, plain, n);
}

static int add_certificate(struct call *c, const struct directory_object *o, const json_t *given, struct err *err) {
	_cleanup_buf_ struct buf der = {0};
	struct directory_credential s = {0};
	const char *key = json_str(given, "key"), *type = json_str(given, "type"), *usage = json_str(given, "usage"),
		   *key_id = json_str(given, "keyId");
	if (!type || strcmp(type, "AsymmetricX509Cert") != 0 || !usage || strcmp(usage, "Verify") != 0)
		return err_set(err, -EINVAL, 400, "KeyCredentialsInvalidValue",
			"Key credential is invalid: only type AsymmetricX509Cert with usage Verify is served.");
	if (!key || decode_key(key, &der) < 0)
		return err_set(err, -EINVAL, 400, "KeyCredentialsInvalidValue", "Key credential is invalid: 'key' is no base64.");
	if (key_id && !enc_is_uuid(key_id))
		return call_bad_request(err, "Invalid value specified for property 'keyId'.");
	for (size_t i = 0; key_id && i < ENC_UUID_SIZE; i++)
		s.key_id[i] = (char)tolower((unsigned char)key_id[i]);
	int rc = read_time(given, "startDateTime", &s.not_before, err);
	if (rc == 0)
		rc = read_time(given, "endDateTime", &s.not_after, err);
	if (rc == 0)
		rc = read_name(given, &s, err);
	return rc < 0 ? rc : directory_add_certificate(c->tx, o, &s, der.data, der.len, err);
}

// The list is the whole: what is there and not named goes, what is named by its keyId stays, what brings a key comes.
static int apply_certificates(struct call *c, const struct directory_object *o, const json_t *list, struct err *err) {
	_cleanup_free_ struct directory_credential *present = NULL;
	size_t count = 0;
	int rc = directory_certificates(c->tx, o, &present, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!has_id(list, present[i].key_id))
			rc = directory_remove_certificate(c->tx, o, present[i].key_id, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		const json_t *given = json_array_get(list, i);
		if (!is_present(present, count, json_str(given, "keyId")))
			rc = add_certificate(c, o, given, err);
	}
	return rc;
}

// Of secrets none can be brought, for the directory makes them.
static int apply_secrets(struct call *c, const struct directory_object *o, const json_t *list, struct err *err) {
	_cleanup_free_ struct directory_credential *present = NULL;
	size_t count = 0;
	int rc = directory_secrets(c->tx, o, &present, &count, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
		if (!is_present(present, count, json_str(json_array_get(list, i), "keyId")))
			return call_bad_request(err, "New password credentials must be generated with service actions.");
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!has_id(list, present[i].key_id))
			rc = directory_remove_secret(c->tx, o, present[i].key_id, err);
	return rc;
}

int credentials_apply(struct call *c, const struct directory_object *o, struct err *err) {
	const json_t *certificates = json_object_get(c->body, "keyCredentials"),
		     *secrets = json_object_get(c->body, "passwordCredentials");
	int rc = 0;
	if (o->kind != DIRECTORY_APPLICATION && o->kind != DIRECTORY_SERVICE_PRINCIPAL)
		return 0;
	if (secrets)
		rc = apply_secrets(c, o, secrets, err);
	return rc == 0 && certificates ? apply_certificates(c, o, certificates, err) : rc;
}
