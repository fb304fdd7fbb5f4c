// SPDX-License-Identifier: Apache-2.0
// Import of keys that were made elsewhere: in numbers, or under an exchange key of the vault that nobody outside can open.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "vault/internal.h"
#include "vault/key_rotate.h"

// The exchange key into c->exchange. Its own permissions do not count: the caller must be allowed to import, no more.
static int load_exchange(struct call *c, struct store_tx *tx, struct err *err) {
	const struct key_url *url = &c->request.transfer.exchange;
	if (!strv_eq_nocase(url->vault, c->vault_key))
		return bad_parameter(err, "The key exchange key must be in the vault into which the key is imported.");
	int rc = object_load(tx, c->vault_key, &object_keys, url->name, url->version, OBJECT_LIVE, c->now, &c->exchange, err);
	if (rc == -ENOENT)
		return bad_parameter(err, "The key exchange key %s/%s was not found in this key vault.", url->name, url->version);
	if (rc < 0)
		return rc;
	if (strcmp(c->exchange.kty, "RSA-HSM") != 0)
		return bad_parameter(err, "The key exchange key must be of type 'RSA-HSM'.");
	return key_check_allowed(&c->exchange, KEY_OP_IMPORT, c->now, err);
}

int keys_import_look(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	int rc = key_request_import(body, len, &c->vault, &c->request, err);
	if (rc == 0)
		rc = call_claim_name(c, tx, err);
	return rc == 0 && c->request.transfer.ciphertext.len > 0 ? load_exchange(c, tx, err) : rc;
}

static int open_transfer(struct call *c, const char *context, struct key_public *pub, struct err *err) {
	const struct key_request *r = &c->request;
	_cleanup_free_ char *exchange_context = object_context(&c->vault, &object_keys, c->exchange.name, c->exchange.version);
	if (!exchange_context)
		return err_oom(err);
	struct keeper_key exchange = {c->exchange.sealed.data, c->exchange.sealed.len, exchange_context};
	int rc = keeper_import_transfer(c->service->keeper, &exchange, r->type.kind, r->transfer.ciphertext.data,
		r->transfer.ciphertext.len, key_usage(r), context, &c->object.sealed, pub, err);
	if (rc == 0 && r->type.kind == KEY_KIND_EC && pub->curve != r->spec.curve)
		return bad_parameter(err, "The transferred key is not on the curve %s.", curve_name(r->spec.curve));
	return rc;
}

int keys_import(struct call *c, struct err *err) {
	const struct key_request *r = &c->request;
	_cleanup_free_ char *context = NULL;
	struct key_public pub;
	int rc = key_version_begin(&c->vault, c->now, &c->object, &context, err);
	if (rc < 0)
		return rc;
	rc = r->transfer.ciphertext.len > 0
		? open_transfer(c, context, &pub, err)
		: keeper_import(c->service->keeper, &r->material, key_usage(r), context, &c->object.sealed, &pub, err);
	return rc < 0 ? rc : key_set_public(&c->object, &r->type, &pub, err);
}
