// SPDX-License-Identifier: Apache-2.0
#include "disk/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/enc.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "disk/xts.h"

enum {
	METADATA_SIZE = 16384,   // bytes of one copy of binary header and JSON, the smallest that LUKS2 allows
	KEYSLOTS_SIZE = 258048,  // bytes: 64 bytes of key in 4000 stripes, rounded up to 4096
	ITERATIONS = 1000,       // LUKS2's minimum; the passphrase has 256 bits of entropy, so no cost is added to it
	KEYSLOT = 0,
	ID_MAX = 31,  // highest number that LUKS2 gives a token
};

// All of the JSON but its tokens. "?" stands for any base64 text.
static const char shape_text[] =
	"{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64,"
	"\"af\":{\"type\":\"luks1\",\"stripes\":4000,\"hash\":\"sha256\"},"
	"\"area\":{\"type\":\"raw\",\"offset\":\"32768\",\"size\":\"258048\",\"encryption\":\"aes-xts-plain64\",\"key_size\":64},"
	"\"kdf\":{\"type\":\"pbkdf2\",\"hash\":\"sha256\",\"iterations\":1000,\"salt\":\"?\"}}},"
	"\"segments\":{\"0\":{\"type\":\"crypt\",\"offset\":\"1048576\",\"size\":\"dynamic\",\"iv_tweak\":\"0\","
	"\"encryption\":\"aes-xts-plain64\",\"sector_size\":4096}},"
	"\"digests\":{\"0\":{\"type\":\"pbkdf2\",\"keyslots\":[\"0\"],\"segments\":[\"0\"],\"hash\":\"sha256\","
	"\"iterations\":1000,\"salt\":\"?\",\"digest\":\"?\"}},"
	"\"config\":{\"json_size\":\"12288\",\"keyslots_size\":\"258048\"}}";

static const char token_type[] = "custodisk";

struct sealed {
	struct crypt_device *cd;
	int fd;  // of the same file, to make its header durable
	uint64_t data_size;
	char uuid[SEALED_UUID_SIZE];
	json_t *header;  // the JSON without its tokens
	struct sealed_token tokens[SEALED_TOKENS_MAX];
	size_t token_count;
};

// What libcryptsetup said last on this thread. It would print it to standard output otherwise.
static _Thread_local char said[256];

static void remember(int level, const char *msg, void *ctx) {
	(void)ctx;
	if (level == CRYPT_LOG_ERROR) {
		(void)snprintf(said, sizeof(said), "%s", msg);
		said[strcspn(said, "\n")] = 0;
	}
}

static void set_up_library(void) {
	crypt_set_log_callback(NULL, remember, NULL);
}

static int library_error(struct err *err, int rc, const char *path, const char *what) {
	int result = err_set(err, rc, 500, "InternalDiskManagementError", "Disk file %s: %s: %s%s%s", path, what, strerror(-rc),
		said[0] ? ": " : "", said);
	said[0] = 0;
	return result;
}

static int refuse(struct err *err, const char *fmt, ...) _printf_(2, 3);
static int refuse(struct err *err, const char *fmt, ...) {
	char why[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return err_set(err, -EKEYREJECTED, 500, "InternalDiskManagementError", "The header of the disk is refused: %s.", why);
}

static int open_device(const char *path, struct crypt_device **out, struct err *err) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, set_up_library);
	said[0] = 0;
	int rc = crypt_init(out, path);
	return rc < 0 ? library_error(err, rc, path, "cannot be opened") : 0;
}

static void free_device(struct crypt_device **cd) {
	crypt_free(*cd);
}

int sealed_format(const char *path, const struct secret *volume_key, const struct secret *passphrase, struct err *err) {
	static const struct crypt_pbkdf_type pbkdf = {
		.type = CRYPT_KDF_PBKDF2, .hash = "sha256", .iterations = ITERATIONS, .flags = CRYPT_PBKDF_NO_BENCHMARK};
	struct crypt_params_luks2 params = {.pbkdf = &pbkdf, .sector_size = XTS_SECTOR_SIZE, .subsystem = token_type};
	_cleanup_(free_device) struct crypt_device *cd = NULL;
	int rc = open_device(path, &cd, err);
	if (rc < 0)
		return rc;
	rc = crypt_set_data_offset(cd, SEALED_DATA_OFFSET / XTS_IV_UNIT);
	if (rc == 0)
		rc = crypt_set_metadata_size(cd, METADATA_SIZE, KEYSLOTS_SIZE);
	if (rc == 0)
		rc = crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", NULL, (const char *)volume_key->data, volume_key->len,
			&params);
	if (rc == 0)
		rc = crypt_keyslot_add_by_volume_key(cd, KEYSLOT, (const char *)volume_key->data, volume_key->len,
			(const char *)passphrase->data, passphrase->len);
	return rc < 0 ? library_error(err, rc, path, "cannot be formatted") : 0;
}

// Whether actual is the shape, no member more or less. *where names the first difference; it holds ERR_CODE_MAX bytes.
static bool has_shape(const json_t *actual, const json_t *shape, const char *name, char *where) {
	bool same;
	if (json_is_object(shape)) {
		const char *key;
		json_t *want;
		if (json_is_object(actual)) {
			json_object_foreach((json_t *)(uintptr_t)shape, key, want)
				if (!has_shape(json_object_get(actual, key), want, key, where))
					return false;
		}
		same = json_object_size(actual) == json_object_size(shape);
	} else if (json_is_string(shape) && strcmp(json_string_value(shape), "?") == 0) {
		same = json_string_length(actual) > 0;
	} else {
		same = json_equal(actual, shape);
	}
	if (!same)
		(void)snprintf(where, ERR_CODE_MAX, "%s", name);
	return same;
}

static int check_header(struct crypt_device *cd, const json_t *header, struct err *err) {
	uint64_t metadata_size, keyslots_size;
	if (crypt_get_metadata_size(cd, &metadata_size, &keyslots_size) < 0 || metadata_size != METADATA_SIZE ||
		keyslots_size != KEYSLOTS_SIZE)
		return refuse(err, "its areas have other sizes");
	_cleanup_json_ json_t *shape = NULL;
	int rc = json_parse(shape_text, sizeof(shape_text) - 1, "InternalServerError", &shape, err);
	if (rc < 0)
		return rc;
	char where[ERR_CODE_MAX] = "";
	if (!has_shape(header, shape, "header", where))
		return refuse(err, "its \"%s\" is not what this program writes", where);
	return 0;
}

static int copy_text(const json_t *object, const char *name, char *out, size_t size) {
	const char *text = json_string_value(json_object_get(object, name));
	if (!text || !text[0] || strlen(text) >= size)
		return -EINVAL;
	(void)snprintf(out, size, "%s", text);
	return 0;
}

static int parse_token(const json_t *value, struct sealed_token *out) {
	enum { MEMBERS = 7 };
	const char *type = json_string_value(json_object_get(value, "type"));
	const json_t *keyslots = json_object_get(value, "keyslots");
	const char *keyslot = json_string_value(json_array_get(keyslots, 0));
	if (json_object_size(value) != MEMBERS || !type || strcmp(type, token_type) != 0 || json_array_size(keyslots) != 1 ||
		!keyslot || strcmp(keyslot, "0") != 0)
		return -EINVAL;
	out->generation = json_int(value, "gen", 0);
	if (out->generation < 1 || copy_text(value, "key_url", out->key_url, sizeof(out->key_url)) < 0 ||
		copy_text(value, "alg", out->alg, sizeof(out->alg)) < 0 ||
		copy_text(value, "disk_encryption_set", out->disk_encryption_set, sizeof(out->disk_encryption_set)) < 0)
		return -EINVAL;
	if (strcmp(out->alg, "RSA-OAEP-256") != 0 && strcmp(out->alg, "RSA-OAEP") != 0)
		return -EINVAL;
	_cleanup_buf_ struct buf wrapped = {0};
	const char *text = json_str(value, "wrapped");
	if (!text || strlen(text) > SEALED_WRAPPED_MAX * 2 || dec_base64url(&wrapped, text, strlen(text)) < 0 ||
		wrapped.len == 0 || wrapped.len > sizeof(out->wrapped))
		return -EINVAL;
	memcpy(out->wrapped, wrapped.data, wrapped.len);
	out->wrapped_len = wrapped.len;
	return 0;
}

static int newest_first(const void *a, const void *b) {
	const struct sealed_token *x = a, *y = b;
	return (x->generation < y->generation) - (x->generation > y->generation);
}

static int parse_tokens(struct sealed *s, const json_t *tokens, struct err *err) {
	s->token_count = 0;
	if (json_object_size(tokens) > SEALED_TOKENS_MAX)
		return refuse(err, "it has %zu tokens", json_object_size(tokens));
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)tokens, name, value) {
		struct sealed_token token = {0};
		int64_t slot;
		if (strv_int(name, 0, ID_MAX, &slot) < 0 || parse_token(value, &token) < 0)
			return refuse(err, "its token %.8s is not one that this program writes", name);
		token.slot = (int)slot;
		s->tokens[s->token_count++] = token;
	}
	qsort(s->tokens, s->token_count, sizeof(s->tokens[0]), newest_first);
	return 0;
}

// Take over what the library holds of the header.
static int read_header(struct sealed *s, struct err *err) {
	const char *text = NULL;
	if (crypt_dump_json(s->cd, &text, 0) < 0 || !text)
		return refuse(err, "it has no JSON");
	_cleanup_json_ json_t *header = NULL;
	struct err why;
	if (json_parse(text, strlen(text), "InternalDiskManagementError", &header, &why) < 0)
		return refuse(err, "%.200s", why.message);
	_cleanup_json_ json_t *tokens = json_incref(json_object_get(header, "tokens"));
	if (!json_is_object(tokens) || json_object_del(header, "tokens") < 0)
		return refuse(err, "it has no \"tokens\"");
	int rc = check_header(s->cd, header, err);
	if (rc == 0)
		rc = parse_tokens(s, tokens, err);
	if (rc < 0)
		return rc;
	json_decref(s->header);
	s->header = TAKE_PTR(header);
	return 0;
}

static int measure(struct sealed *s, const char *path, struct err *err) {
	s->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return err_errno(err, -errno, "cannot open disk file %s", path);
	if (!S_ISREG(st.st_mode))
		return refuse(err, "it is not in a regular file");
	if (st.st_size <= SEALED_DATA_OFFSET || (st.st_size - SEALED_DATA_OFFSET) % XTS_SECTOR_SIZE != 0)
		return refuse(err, "the file has %lld bytes, which no disk has", (long long)st.st_size);
	s->data_size = (uint64_t)st.st_size - SEALED_DATA_OFFSET;
	return 0;
}

static int load(struct sealed *s, const char *path, struct err *err) {
	int rc = measure(s, path, err);
	if (rc == 0)
		rc = open_device(path, &s->cd, err);
	if (rc < 0)
		return rc;
	rc = crypt_load(s->cd, CRYPT_LUKS2, NULL);
	if (rc == -EINVAL)
		return refuse(err, "it is no valid LUKS2 header%s%.200s", said[0] ? ": " : "", said);
	if (rc < 0)
		return library_error(err, rc, path, "cannot be read");
	const char *uuid = crypt_get_uuid(s->cd);
	if (!uuid || !enc_is_uuid(uuid))
		return refuse(err, "it has no UUID");
	(void)snprintf(s->uuid, sizeof(s->uuid), "%s", uuid);
	return read_header(s, err);
}

int sealed_load(const char *path, struct sealed **out, struct err *err) {
	struct sealed *s = calloc(1, sizeof(*s));
	if (!s)
		return err_oom(err);
	s->fd = -1;
	int rc = load(s, path, err);
	if (rc < 0) {
		sealed_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void sealed_free(struct sealed *s) {
	if (!s)
		return;
	crypt_free(s->cd);
	io_closep(&s->fd);
	json_decref(s->header);
	free(s);
}

uint64_t sealed_data_size(const struct sealed *s) {
	return s->data_size;
}

const char *sealed_uuid(const struct sealed *s) {
	return s->uuid;
}

const struct sealed_token *sealed_tokens(const struct sealed *s, size_t *count) {
	*count = s->token_count;
	return s->tokens;
}

int sealed_unlock(struct sealed *s, const struct secret *passphrase, struct secret *volume_key, struct err *err) {
	_cleanup_secret_ struct secret key = {0};
	if (secret_alloc(&key, XTS_KEY_SIZE) < 0)
		return err_oom(err);
	size_t len = key.len;
	int rc = crypt_volume_key_get(s->cd, KEYSLOT, (char *)key.data, &len, (const char *)passphrase->data, passphrase->len);
	if (rc == -EPERM || (rc >= 0 && len != XTS_KEY_SIZE))
		return refuse(err, "its keyslot does not open with the key in its token");
	if (rc < 0)
		return library_error(err, rc, crypt_get_device_name(s->cd), "its keyslot cannot be read");
	*volume_key = key;
	key = (struct secret){0};
	return 0;
}

int sealed_mac(const struct sealed *s, const struct secret *volume_key, char out[static SEALED_MAC_SIZE], struct err *err) {
	_cleanup_buf_ struct buf canonical = {0}, text = {0};
	char *json = json_dumps(s->header, JSON_COMPACT | JSON_SORT_KEYS);
	int rc = json ? buf_printf(&canonical, "%s\n%s", s->uuid, json) : -ENOMEM;
	free(json);
	_cleanup_secret_ struct secret key = {0};
	static const uint8_t no_salt[HASH_SHA256_SIZE];  // what RFC 5869 takes when there is none
	uint8_t mac[HASH_SHA256_SIZE];
	if (rc == 0)
		rc = secret_alloc(&key, HASH_SHA256_SIZE);
	if (rc == 0)
		rc = hash_hkdf_sha256(volume_key->data, volume_key->len, no_salt, sizeof(no_salt), "custodisk header mac v1", key.data,
			key.len);
	if (rc == 0)
		rc = hash_hmac_sha256(key.data, key.len, canonical.data, canonical.len, mac);
	if (rc == 0)
		rc = enc_base64url(&text, mac, sizeof(mac));
	if (rc < 0)
		return err_errno(err, rc, "cannot compute the header's MAC");
	(void)snprintf(out, SEALED_MAC_SIZE, "%s", buf_cstr(&text));
	return 0;
}

static int make_durable(struct sealed *s, struct err *err) {
	return fsync(s->fd) < 0 ? err_errno(err, -errno, "cannot make the disk's header durable") : 0;
}

static int token_json(const struct sealed_token *token, char **out) {
	_cleanup_buf_ struct buf wrapped = {0};
	_cleanup_json_ json_t *value = json_pack("{s:s, s:[s], s:I, s:s, s:s, s:s}", "type", token_type, "keyslots", "0", "gen",
		(json_int_t)token->generation, "key_url", token->key_url, "alg", token->alg, "disk_encryption_set",
		token->disk_encryption_set);
	if (enc_base64url(&wrapped, token->wrapped, token->wrapped_len) < 0 || !value ||
		json_set_str(value, "wrapped", buf_cstr(&wrapped)) < 0)
		return -ENOMEM;
	*out = json_text(value);
	return *out ? 0 : -ENOMEM;
}

int sealed_token_add(struct sealed *s, const struct sealed_token *token, struct err *err) {
	if (s->token_count == SEALED_TOKENS_MAX)
		return err_set(err, -ENOSPC, 500, "InternalDiskManagementError", "The disk's header has no room for another token.");
	_cleanup_free_ char *text = NULL;
	if (token_json(token, &text) < 0)
		return err_oom(err);
	int rc = crypt_token_json_set(s->cd, CRYPT_ANY_TOKEN, text);
	if (rc < 0)
		return library_error(err, rc, crypt_get_device_name(s->cd), "its token cannot be written");
	rc = make_durable(s, err);
	return rc < 0 ? rc : read_header(s, err);
}

int sealed_token_remove(struct sealed *s, int slot, struct err *err) {
	int rc = crypt_token_json_set(s->cd, slot, NULL);
	if (rc < 0)
		return library_error(err, rc, crypt_get_device_name(s->cd), "its token cannot be removed");
	rc = make_durable(s, err);
	return rc < 0 ? rc : read_header(s, err);
}
