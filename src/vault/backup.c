// SPDX-License-Identifier: Apache-2.0
#include "vault/backup.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/strv.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "vault/request.h"

enum { FORMAT = 1, SALT_SIZE = 32, HEAD_SIZE = 4 + 1 + SALT_SIZE + AEAD_NONCE_SIZE, SALT_AT = 5, NONCE_AT = SALT_AT + SALT_SIZE };
enum { TEXT_MAX = 131072 };  // of any text of an object: it came in a request, and may have grown as it was stored

static const char magic[4] = {'C', 'D', 'B', 'K'};

void backup_free(struct backup *b) {
	for (size_t i = 0; i < b->count; i++)
		object_free(&b->versions[i]);
	free(b->versions);
	*b = (struct backup){0};
}

char *backup_context(const struct backup *b, const struct object_kind *kind, const struct object *o) {
	_cleanup_free_ char *context = strv_printf("backup/%s/%s/%s/%s", b->id, kind->collection, o->name, o->version);
	return context ? strv_lower(context) : NULL;
}

const char *backup_geography(const char *location) {
	static const struct {
		const char *geography, *locations;
	} table[] = {
		{"unitedstates", "eastus eastus2 eastus3 centralus northcentralus southcentralus westcentralus westus westus2 westus3"},
		{"europe", "northeurope westeurope"},
		{"unitedkingdom", "uksouth ukwest"},
		{"france", "francecentral francesouth"},
		{"germany", "germanywestcentral germanynorth"},
		{"switzerland", "switzerlandnorth switzerlandwest"},
		{"norway", "norwayeast norwaywest"},
		{"sweden", "swedencentral swedensouth"},
		{"canada", "canadacentral canadaeast"},
		{"brazil", "brazilsouth brazilsoutheast"},
		{"australia", "australiaeast australiasoutheast australiacentral australiacentral2"},
		{"japan", "japaneast japanwest"},
		{"korea", "koreacentral koreasouth"},
		{"india", "centralindia southindia westindia jioindiawest jioindiacentral"},
		{"asiapacific", "eastasia southeastasia"},
		{"uae", "uaenorth uaecentral"},
		{"southafrica", "southafricanorth southafricawest"},
	};
	size_t n = strlen(location);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		for (const char *p = table[i].locations; *p;) {
			size_t len = strcspn(p, " ");
			if (len == n && strncasecmp(p, location, n) == 0)
				return table[i].geography;
			p += len + (p[len] == ' ');
		}
	return location;
}

// What the blob is bound to beside its own head.
static int additional_data(const uint8_t *head, const struct object_kind *kind, const struct vault_record *vault,
	struct buf *out) {
	char subscription[ENC_UUID_SIZE];
	_cleanup_free_ char *text = strv_printf("%s%s\n%s\n%s", vault_is_pool(vault) ? "pool " : "", kind->collection,
		vault_subscription(vault, subscription), backup_geography(vault->location));
	_cleanup_free_ char *lower = text ? strv_lower(text) : NULL;
	if (!lower || buf_append(out, head, HEAD_SIZE) < 0)
		return -ENOMEM;
	return buf_str(out, lower);
}

static int blob_key(const struct secret *key, const uint8_t *head, uint8_t out[static AEAD_KEY_SIZE]) {
	return hash_hkdf_sha256(key->data, key->len, head + SALT_AT, SALT_SIZE, "custodisk vault backup 1", out, AEAD_KEY_SIZE);
}

static int put_text(struct buf *b, const char *text) {
	return buf_blob(b, text ? text : "", text ? strlen(text) : 0);
}

static int put_version(struct buf *b, const struct object *o) {
	const char *const texts[] = {o->version, o->kty, o->tags, o->jwk, o->content_type};
	const int64_t numbers[] = {o->enabled, o->nbf, o->exp, o->created, o->updated, o->ops, o->exportable};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(texts); i++)
		rc = put_text(b, texts[i]);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(numbers); i++)
		rc = buf_u64(b, (uint64_t)numbers[i]);
	return rc < 0 ? rc : buf_blob(b, o->sealed.data, o->sealed.len);
}

// Fields: id, name, rotation policy, release policy, count, versions.
static int put_content(struct buf *b, const struct backup *backup) {
	const struct object *current = &backup->versions[backup->count - 1];
	int rc = put_text(b, backup->id);
	if (rc == 0)
		rc = put_text(b, current->name);
	if (rc == 0)
		rc = put_text(b, current->rotation_policy);
	if (rc == 0)
		rc = put_text(b, current->release_policy);
	if (rc == 0)
		rc = buf_u32(b, (uint32_t)backup->count);
	for (size_t i = 0; rc == 0 && i < backup->count; i++)
		rc = put_version(b, &backup->versions[i]);
	return rc;
}

static int make_head(uint8_t head[static HEAD_SIZE]) {
	memcpy(head, magic, sizeof(magic));
	head[sizeof(magic)] = FORMAT;
	return RAND_bytes(head + SALT_AT, SALT_SIZE + AEAD_NONCE_SIZE) == 1 ? 0 : -EIO;
}

static int seal_content(const uint8_t *head, const struct secret *key, const struct buf *aad, const struct buf *content,
	struct buf *out) {
	uint8_t own[AEAD_KEY_SIZE], tag[AEAD_TAG_SIZE];
	_cleanup_free_ uint8_t *ciphertext = malloc(content->len);
	int rc = ciphertext ? blob_key(key, head, own) : -ENOMEM;
	if (rc == 0)
		rc = aead_seal(own, head + NONCE_AT, aad->data, aad->len, content->data, content->len, ciphertext, tag);
	explicit_bzero(own, sizeof(own));
	if (rc == 0)
		rc = buf_append(out, head, HEAD_SIZE);
	if (rc == 0)
		rc = buf_append(out, ciphertext, content->len);
	return rc < 0 ? rc : buf_append(out, tag, sizeof(tag));
}

int backup_encode(const struct backup *b, const struct object_kind *kind, const struct secret *key,
	const struct vault_record *vault, struct buf *out, struct err *err) {
	_cleanup_buf_ struct buf content = {0}, aad = {0}, blob = {0};
	uint8_t head[HEAD_SIZE];
	if (put_content(&content, b) < 0)
		return err_oom(err);
	if (b->count > BACKUP_VERSIONS_MAX || content.len > BACKUP_MAX - HEAD_SIZE - AEAD_TAG_SIZE)
		return bad_parameter(err, "%s %s has too many versions to be backed up.", kind->noun, b->versions[0].name);
	int rc = make_head(head);
	if (rc == 0)
		rc = additional_data(head, kind, vault, &aad);
	if (rc == 0)
		rc = seal_content(head, key, &aad, &content, &blob);
	if (rc == 0)
		rc = buf_append(out, blob.data, blob.len);
	return rc < 0 ? err_errno(err, rc, "encrypt a backup") : 0;
}

static int undecryptable(struct err *err) {
	return bad_parameter(err, "Cannot decrypt backup blob.");
}

// A text of a blob's: up to max bytes, without NUL. "" is fine.
static bool get_text(struct cursor *c, char *out, size_t max) {
	size_t len;
	const uint8_t *text = cursor_blob(c, max, &len);
	if (!text || memchr(text, 0, len))
		return false;
	memcpy(out, text, len);
	out[len] = 0;
	return true;
}

// An owned one; NULL for "".
static bool get_string(struct cursor *c, char **out) {
	size_t len;
	const uint8_t *text = cursor_blob(c, TEXT_MAX, &len);
	if (!text || memchr(text, 0, len))
		return false;
	*out = len ? strndup((const char *)text, len) : NULL;
	return !len || *out;
}

static bool get_version(struct cursor *c, struct object *o) {
	bool ok = get_text(c, o->version, OBJECT_VERSION_LEN) && get_text(c, o->kty, sizeof(o->kty) - 1) &&
		get_string(c, &o->tags) && get_string(c, &o->jwk) && get_string(c, &o->content_type);
	if (!ok || !object_version_valid(o->version))
		return false;
	o->enabled = cursor_u64(c) != 0;
	o->nbf = (int64_t)cursor_u64(c);
	o->exp = (int64_t)cursor_u64(c);
	o->created = (int64_t)cursor_u64(c);
	o->updated = (int64_t)cursor_u64(c);
	o->ops = (unsigned)cursor_u64(c);
	o->exportable = cursor_u64(c) != 0;
	size_t len;
	const uint8_t *sealed = cursor_blob(c, BACKUP_MAX, &len);
	return sealed && buf_append(&o->sealed, sealed, len) == 0;
}

static bool get_content(const struct buf *content, struct backup *b) {
	struct cursor c = cursor_of(content->data, content->len);
	char name[OBJECT_NAME_MAX + 1];
	_cleanup_object_ struct object whole = {0};
	if (!get_text(&c, b->id, BACKUP_ID_LEN) || !get_text(&c, name, OBJECT_NAME_MAX) || !object_name_valid(name) ||
		!get_string(&c, &whole.rotation_policy) || !get_string(&c, &whole.release_policy))
		return false;
	uint32_t count = cursor_u32(&c);
	if (count == 0 || count > BACKUP_VERSIONS_MAX || !(b->versions = calloc(count, sizeof(*b->versions))))
		return false;
	for (b->count = 0; b->count < count;) {
		struct object *o = &b->versions[b->count++];
		memcpy(o->name, name, sizeof(name));
		if (!get_version(&c, o))
			return false;
	}
	struct object *current = &b->versions[count - 1];
	current->rotation_policy = TAKE_PTR(whole.rotation_policy);
	current->release_policy = TAKE_PTR(whole.release_policy);
	return cursor_done(&c);
}

static int open_content(const uint8_t *blob, size_t len, const struct secret *key, const struct buf *aad, struct buf *out) {
	uint8_t own[AEAD_KEY_SIZE];
	size_t n = len - HEAD_SIZE - AEAD_TAG_SIZE;
	_cleanup_free_ uint8_t *content = malloc(n + 1);
	int rc = content ? blob_key(key, blob, own) : -ENOMEM;
	if (rc == 0)
		rc = aead_open(own, blob + NONCE_AT, aad->data, aad->len, blob + HEAD_SIZE, n, content, blob + HEAD_SIZE + n);
	explicit_bzero(own, sizeof(own));
	return rc < 0 ? rc : buf_append(out, content, n);
}

int backup_decode(const void *blob, size_t len, const struct object_kind *kind, const struct secret *key,
	const struct vault_record *vault, struct backup *out, struct err *err) {
	const uint8_t *bytes = blob;
	_cleanup_buf_ struct buf aad = {0}, content = {0};
	_cleanup_backup_ struct backup b = {0};
	if (len < HEAD_SIZE + AEAD_TAG_SIZE || len > BACKUP_MAX || memcmp(bytes, magic, sizeof(magic)) != 0 ||
		bytes[sizeof(magic)] != FORMAT)
		return undecryptable(err);
	int rc = additional_data(bytes, kind, vault, &aad);
	if (rc == 0)
		rc = open_content(bytes, len, key, &aad, &content);
	if (rc == -EBADMSG || (rc == 0 && !get_content(&content, &b)))
		return undecryptable(err);
	if (rc < 0)
		return err_errno(err, rc, "decrypt a backup");
	*out = b;
	b = (struct backup){0};
	return 0;
}
