// SPDX-License-Identifier: Apache-2.0
// What asks an HSM or an attested environment to prove itself: release of a key, attestation of a key.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "vault/internal.h"

// Under what the target wants the key (KeyEncryptionAlgorithm).
static bool is_encryption(const json_t *enc) {
	static const char *const names[] = {"CKM_RSA_AES_KEY_WRAP", "RSA_AES_KEY_WRAP_256", "RSA_AES_KEY_WRAP_384"};
	const char *name = json_string_value(enc);
	for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int check_body(const void *body, size_t len, struct err *err) {
	_cleanup_json_ json_t *parsed = NULL;
	int rc = request_parse(body, len, &parsed, err);
	if (rc < 0)
		return rc;
	const json_t *target = request_member(parsed, "target"), *nonce = request_member(parsed, "nonce");
	const json_t *enc = request_member(parsed, "enc");
	if (!json_is_string(target) || json_string_length(target) == 0)
		return bad_parameter(err, "Property 'target' is required.");
	if (nonce && !json_is_string(nonce))
		return bad_parameter(err, "Property 'nonce' must be a string.");
	if (enc && !is_encryption(enc))
		return bad_parameter(err,
			"Property 'enc' must be CKM_RSA_AES_KEY_WRAP, RSA_AES_KEY_WRAP_256 or RSA_AES_KEY_WRAP_384.");
	return 0;
}

// No authority of a release policy is asked, so no statement can be verified and no key leaves.
int keys_release_look(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	int rc = check_body(body, len, err);
	if (rc == 0)
		rc = call_load(c, tx, err);
	if (rc == 0)
		rc = call_throttle_key(c, true, err);
	if (rc < 0)
		return rc;
	if (!c->object.enabled)
		return err_set_inner(err, -EPERM, 403, "Forbidden", "KeyDisabled",
			"Operation release is not allowed on a disabled key.");
	if (!c->object.exportable)
		return err_set_inner(err, -EPERM, 403, "Forbidden", "KeyOperationForbidden",
			"Operation release is not permitted on this key.");
	return err_set_inner(err, -EPERM, 403, "Forbidden", "AccessDenied",
		"Target environment attestation statement cannot be verified.");
}

// The bundle of an HSM's key; no HSM attests it, so it has no attributes.attestation.
int keys_attestation_look(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load(c, tx, err);
	struct key_type type;
	if (rc < 0)
		return rc;
	if (!key_type_parse(c->object.kty, &type) || !type.hsm)
		return bad_parameter(err, "Attestation is only available for keys that an HSM holds; this key is of type '%s'.",
			c->object.kty);
	return c->op->kind->answer(c, err);
}
