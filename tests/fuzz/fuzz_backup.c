// SPDX-License-Identifier: Apache-2.0
// Backups. The first byte says what the rest is: 'k' or 's' the content of a blob of a key or a secret, which is encrypted
// here; 'K' or 'S' a blob as it comes; 'b' the body of a request that sets a secret, which is backed up here.
#include "fuzz.h"

// What makes a blob of any content is nobody else's business.
#include "vault/backup.c"  // NOLINT(bugprone-suspicious-include)

#include "vault/internal.h"

static const struct vault_record vault = {
	.resource_id = "/subscriptions/0f3e7a52-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v",
	.location = "westeurope",
};
static struct secret key;

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
	must(secret_copy(&key, "a backup key that anyone may know", AEAD_KEY_SIZE) == 0);
	return 0;
}

static bool same_text(const char *a, const char *b) {
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void must_be_same(const struct object *a, const struct object *b) {
	must(strcmp(a->name, b->name) == 0 && strcmp(a->version, b->version) == 0 && strcmp(a->kty, b->kty) == 0);
	must(a->enabled == b->enabled && a->exportable == b->exportable && a->ops == b->ops);
	must(a->nbf == b->nbf && a->exp == b->exp && a->created == b->created && a->updated == b->updated);
	must(same_text(a->tags, b->tags) && same_text(a->jwk, b->jwk) && same_text(a->content_type, b->content_type));
	must(same_text(a->rotation_policy, b->rotation_policy) && same_text(a->release_policy, b->release_policy));
	must(a->sealed.len == b->sealed.len);
	must(a->sealed.len == 0 || memcmp(a->sealed.data, b->sealed.data, a->sealed.len) == 0);
}

// What can be backed up can be restored, and nothing of it is lost.
static void must_return(const struct backup *b, const struct object_kind *kind) {
	_cleanup_buf_ struct buf blob = {0};
	_cleanup_backup_ struct backup back = {0};
	must(backup_encode(b, kind, &key, &vault, &blob, NULL) == 0);
	must(backup_decode(blob.data, blob.len, kind, &key, &vault, &back, NULL) == 0);
	must(strcmp(back.id, b->id) == 0 && back.count == b->count);
	for (size_t i = 0; i < b->count; i++)
		must_be_same(&back.versions[i], &b->versions[i]);
}

static void decode(const void *blob, size_t len, const struct object_kind *kind) {
	_cleanup_backup_ struct backup b = {0};
	struct err err = {0};
	int rc = backup_decode(blob, len, kind, &key, &vault, &b, &err);
	must(rc == 0 ? b.count > 0 : rc == -EINVAL && err.status == 400 && b.count == 0);
	if (rc == 0)
		must_return(&b, kind);
}

static void decode_content(const uint8_t *bytes, size_t len, const struct object_kind *kind) {
	uint8_t head[HEAD_SIZE];
	_cleanup_buf_ struct buf content = {0}, aad = {0}, blob = {0};
	must(make_head(head) == 0 && additional_data(head, kind, &vault, &aad) == 0);
	must(buf_append(&content, bytes, len) == 0 && seal_content(head, &key, &aad, &content, &blob) == 0);
	decode(blob.data, blob.len, kind);
}

static void back_up_request(const void *body, size_t len) {
	struct secret_request request = {0};
	if (len > VAULT_BODY_MAX || secret_request_set(body, len, &request, NULL) < 0)
		return;
	struct object o = {.name = "n", .version = "0123456789abcdef0123456789abcdef", .enabled = true};
	request_apply(&o, &request.common);
	o.content_type = TAKE_PTR(request.content_type);
	must_return(&(struct backup){.id = "0123456789abcdef0123456789abcdef", .versions = &o, .count = 1}, &object_secrets);
	object_free(&o);
	secret_request_free(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0)
		return 0;
	const uint8_t *rest = data + 1;
	switch (data[0]) {
	case 'k': decode_content(rest, size - 1, &object_keys); break;
	case 's': decode_content(rest, size - 1, &object_secrets); break;
	case 'K': decode(rest, size - 1, &object_keys); break;
	case 'S': decode(rest, size - 1, &object_secrets); break;
	case 'b': back_up_request(rest, size - 1); break;
	default: break;
	}
	return 0;
}
