// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "disk/sealed.h"
#include "disk/xts.h"

// LUKS2 On-Disk Format Specification 1.1.1, section 2.1.
enum {
	DATA_SIZE = 1 << 20,
	COPY_SIZE = 16384,
	BINARY_SIZE = 4096,
	AT_HEADER_SIZE = 8,
	AT_UUID = 168,
	AT_CHECKSUM = 448,
};

struct fixture {
	char path[64];
	struct secret key, passphrase;
	struct sealed_token token;
};

static int set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	(void)snprintf(f->path, sizeof(f->path), "/tmp/test-sealed-XXXXXX");
	f->token = (struct sealed_token){.generation = 1, .wrapped_len = 384};
	(void)snprintf(f->token.key_url, sizeof(f->token.key_url), "https://v.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef");
	(void)snprintf(f->token.alg, sizeof(f->token.alg), "RSA-OAEP-256");
	(void)snprintf(f->token.disk_encryption_set, sizeof(f->token.disk_encryption_set), "/subscriptions/s/x");
	memset(f->token.wrapped, 0xa5, f->token.wrapped_len);
	int fd = mkstemp(f->path);
	if (fd < 0 || ftruncate(fd, SEALED_DATA_OFFSET + DATA_SIZE) < 0 || close(fd) < 0 || xts_make_key(&f->key, NULL) < 0 ||
		secret_random(&f->passphrase, SEALED_PASSPHRASE_SIZE) < 0)
		return -1;
	struct err err;
	struct sealed *s = NULL;
	if (sealed_format(f->path, &f->key, &f->passphrase, &err) < 0 || sealed_load(f->path, &s, &err) < 0 ||
		sealed_token_add(s, &f->token, &err) < 0) {
		print_error("%s\n", err.message);
		return -1;
	}
	sealed_free(s);
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	(void)unlink(f->path);
	secret_free(&f->key);
	secret_free(&f->passphrase);
	free(f);
	return 0;
}

static struct sealed *load(const struct fixture *f) {
	struct sealed *s = NULL;
	struct err err = {0};
	if (sealed_load(f->path, &s, &err) < 0)
		fail_msg("%s", err.message);
	return s;
}

static void loads_not(const struct fixture *f, const char *what) {
	struct sealed *s = NULL;
	struct err err = {0};
	int rc = sealed_load(f->path, &s, &err);
	if (rc != -EKEYREJECTED)
		fail_msg("%s: %d %s", what, rc, err.message);
	assert_null(s);
	assert_string_equal(err.code, "InternalDiskManagementError");
}

static void mac_of(const struct fixture *f, char out[static SEALED_MAC_SIZE]) {
	_cleanup_secret_ struct secret key = {0};
	struct sealed *s = load(f);
	assert_int_equal(sealed_unlock(s, &f->passphrase, &key, NULL), 0);
	assert_int_equal(sealed_mac(s, &key, out, NULL), 0);
	sealed_free(s);
}

// The two copies of binary header and JSON, edited in memory and written back with right checksums.
struct header {
	uint8_t copies[2][COPY_SIZE];
};

static void read_header(const struct fixture *f, struct header *h) {
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_read_full(fd, h, sizeof(*h)), 0);
	(void)close(fd);
}

static void write_header(const struct fixture *f, struct header *h, bool fix_checksums) {
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);
	for (int i = 0; i < 2 && fix_checksums; i++) {
		memset(h->copies[i] + AT_CHECKSUM, 0, 64);
		uint8_t digest[HASH_SHA256_SIZE];
		assert_int_equal(hash_sha256(h->copies[i], COPY_SIZE, digest), 0);
		memcpy(h->copies[i] + AT_CHECKSUM, digest, sizeof(digest));
	}
	assert_int_equal(io_pwrite_full(fd, h, sizeof(*h), 0), 0);
	(void)close(fd);
}

static json_t *json_of(const struct header *h) {
	json_t *json = NULL;
	const char *text = (const char *)h->copies[0] + BINARY_SIZE;
	assert_int_equal(json_parse(text, strlen(text), "X", &json, NULL), 0);
	return json;
}

static void set_json(struct header *h, const json_t *json) {
	char *text = json_text(json);
	assert_true(strlen(text) < COPY_SIZE - BINARY_SIZE);
	for (int i = 0; i < 2; i++) {
		memset(h->copies[i] + BINARY_SIZE, 0, COPY_SIZE - BINARY_SIZE);
		memcpy(h->copies[i] + BINARY_SIZE, text, strlen(text));
	}
	free(text);
}

// Merge a JSON patch (RFC 7396) into the header.
static void merge(json_t *target, const json_t *patch) {
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)patch, name, value) {
		json_t *there = json_object_get(target, name);
		if (json_is_null(value))
			(void)json_object_del(target, name);
		else if (json_is_object(value) && json_is_object(there))
			merge(there, value);
		else
			assert_int_equal(json_object_set(target, name, value), 0);
	}
}

static void patch_header(const struct fixture *f, const char *patch_text) {
	struct header h;
	json_t *patch = NULL;
	struct err err = {0};
	if (json_parse(patch_text, strlen(patch_text), "X", &patch, &err) < 0)
		fail_msg("%s", err.message);
	read_header(f, &h);
	json_t *json = json_of(&h);
	merge(json, patch);
	set_json(&h, json);
	write_header(f, &h, true);
	json_decref(json);
	json_decref(patch);
}

static void test_what_was_made_is_read(void **state) {
	struct fixture *f = *state;
	_cleanup_secret_ struct secret key = {0}, wrong = {0};
	struct err err = {0};
	struct sealed *s = load(f);
	assert_int_equal(sealed_data_size(s), DATA_SIZE);
	assert_true(enc_is_uuid(sealed_uuid(s)));
	size_t count;
	const struct sealed_token *tokens = sealed_tokens(s, &count);
	assert_int_equal(count, 1);
	assert_string_equal(tokens[0].key_url, f->token.key_url);
	assert_string_equal(tokens[0].alg, f->token.alg);
	assert_string_equal(tokens[0].disk_encryption_set, f->token.disk_encryption_set);
	assert_int_equal(tokens[0].wrapped_len, f->token.wrapped_len);
	assert_memory_equal(tokens[0].wrapped, f->token.wrapped, f->token.wrapped_len);
	assert_int_equal(secret_random(&wrong, SEALED_PASSPHRASE_SIZE), 0);
	assert_int_equal(sealed_unlock(s, &wrong, &key, &err), -EKEYREJECTED);
	assert_null(key.data);
	assert_int_equal(sealed_unlock(s, &f->passphrase, &key, NULL), 0);
	assert_true(secret_equal(key.data, key.len, f->key.data, f->key.len));
	sealed_free(s);
}

static void test_tokens_come_newest_first_and_leave_the_mac(void **state) {
	struct fixture *f = *state;
	char before[SEALED_MAC_SIZE], after[SEALED_MAC_SIZE];
	mac_of(f, before);
	struct sealed *s = load(f);
	struct sealed_token second = f->token;
	second.generation = 7;
	second.wrapped_len = SEALED_WRAPPED_MAX;
	assert_int_equal(sealed_token_add(s, &second, NULL), 0);
	sealed_free(s);
	s = load(f);
	size_t count;
	const struct sealed_token *tokens = sealed_tokens(s, &count);
	assert_int_equal(count, 2);
	assert_int_equal(tokens[0].generation, 7);
	assert_int_equal(tokens[1].generation, 1);
	mac_of(f, after);
	assert_string_equal(before, after);
	assert_int_equal(sealed_token_remove(s, tokens[1].slot, NULL), 0);
	tokens = sealed_tokens(s, &count);
	assert_int_equal(count, 1);
	assert_int_equal(tokens[0].generation, 7);
	mac_of(f, after);
	assert_string_equal(before, after);
	while (count < SEALED_TOKENS_MAX) {
		assert_int_equal(sealed_token_add(s, &second, NULL), 0);
		tokens = sealed_tokens(s, &count);
	}
	assert_int_equal(sealed_token_add(s, &second, NULL), -ENOSPC);
	sealed_free(s);
}

// Every way in which somebody with access to the file may edit its header, with right checksums.
static void test_edited_headers_are_refused(void **state) {
	struct fixture *f = *state;
	static const char *const patches[] = {
		// The data would be stored in the clear, or with less than what was promised.
		"{\"segments\":{\"0\":{\"encryption\":\"cipher_null-ecb\"}}}",
		"{\"segments\":{\"0\":{\"encryption\":\"aes-cbc-essiv:sha256\"}}}",
		"{\"segments\":{\"0\":{\"encryption\":\"aes-xts-plain\"}}}",
		"{\"segments\":{\"0\":{\"type\":\"linear\",\"encryption\":null,\"iv_tweak\":null,\"sector_size\":null}}}",
		"{\"segments\":{\"0\":{\"sector_size\":512}}}",
		"{\"segments\":{\"0\":{\"iv_tweak\":\"8\"}}}",
		"{\"segments\":{\"0\":{\"offset\":\"1052672\"}}}",
		"{\"segments\":{\"0\":{\"size\":\"524288\"}}}",
		"{\"segments\":{\"0\":{\"flags\":[\"backup-final\"]}}}",
		"{\"segments\":{\"0\":{\"integrity\":{\"type\":\"hmac(sha256)\",\"journal_encryption\":\"none\",\"journal_integrity\":\"none\"}}}}",
		"{\"segments\":{\"0\":{\"size\":\"524288\"},\"1\":{\"type\":\"linear\",\"offset\":\"1572864\",\"size\":\"dynamic\"}}}",
		"{\"segments\":{\"0\":null}}",
		// The keyslot would give the key away, or cost the reader much.
		"{\"keyslots\":{\"0\":{\"area\":{\"encryption\":\"cipher_null-ecb\"}}}}",
		"{\"keyslots\":{\"0\":{\"area\":{\"key_size\":32}}}}",
		"{\"keyslots\":{\"0\":{\"area\":{\"offset\":\"36864\",\"size\":\"253952\"}}}}",
		"{\"keyslots\":{\"0\":{\"key_size\":32}}}",
		"{\"keyslots\":{\"0\":{\"priority\":0}}}",
		"{\"keyslots\":{\"0\":{\"af\":{\"stripes\":4001}}}}",
		"{\"keyslots\":{\"0\":{\"af\":{\"hash\":\"sha1\"}}}}",
		"{\"keyslots\":{\"0\":{\"kdf\":{\"hash\":\"sha1\"}}}}",
		"{\"keyslots\":{\"0\":{\"kdf\":{\"iterations\":4000000000}}}}",
		"{\"keyslots\":{\"0\":{\"kdf\":{\"type\":\"argon2id\",\"time\":4,\"memory\":4194304,\"cpus\":4,\"iterations\":null,\"hash\":null}}}}",
		"{\"keyslots\":{\"1\":{\"type\":\"luks2\",\"key_size\":64,\"af\":{\"type\":\"luks1\",\"stripes\":4000,\"hash\":\"sha256\"},"
		"\"area\":{\"type\":\"raw\",\"offset\":\"32768\",\"size\":\"258048\",\"encryption\":\"aes-xts-plain64\",\"key_size\":64},"
		"\"kdf\":{\"type\":\"pbkdf2\",\"hash\":\"sha256\",\"iterations\":1000,\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}}}",
		"{\"keyslots\":{\"0\":null}}",
		// Nothing would say that it is the right key.
		"{\"digests\":{\"0\":{\"segments\":[]}}}",
		"{\"digests\":{\"0\":{\"keyslots\":[]}}}",
		"{\"digests\":{\"0\":{\"hash\":\"sha1\"}}}",
		"{\"digests\":{\"0\":{\"iterations\":4000000000}}}",
		("{\"digests\":{\"1\":{\"type\":\"pbkdf2\",\"keyslots\":[],\"segments\":[],\"hash\":\"sha256\",\"iterations\":1000,"
		"\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"digest\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}}"),
		"{\"digests\":{\"0\":null}}",
		// Features that this program does not know.
		"{\"config\":{\"flags\":[\"allow-discards\"]}}",
		"{\"config\":{\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]}}}",
		"{\"config\":{\"requirements\":{\"mandatory\":[]}}}",
		"{\"config\":{\"keyslots_size\":\"262144\"}}",
		"{\"config\":{\"x\":1}}",
		"{\"config\":null}",
		"{\"x\":{}}",
		// Tokens.
		"{\"tokens\":null}",
		"{\"tokens\":{\"1\":{\"type\":\"luks2-keyring\",\"keyslots\":[\"0\"],\"key_description\":\"x\"}}}",
		"{\"tokens\":{\"1\":{\"type\":\"other\",\"keyslots\":[]}}}",
		"{\"tokens\":{\"0\":{\"keyslots\":[]}}}",
		"{\"tokens\":{\"0\":{\"gen\":0}}}",
		"{\"tokens\":{\"0\":{\"gen\":\"1\"}}}",
		"{\"tokens\":{\"0\":{\"gen\":null}}}",
		"{\"tokens\":{\"0\":{\"key_url\":null}}}",
		"{\"tokens\":{\"0\":{\"key_url\":\"\"}}}",
		"{\"tokens\":{\"0\":{\"key_url\":7}}}",
		"{\"tokens\":{\"0\":{\"alg\":\"RSA1_5\"}}}",
		"{\"tokens\":{\"0\":{\"alg\":\"none\"}}}",
		"{\"tokens\":{\"0\":{\"wrapped\":\"\"}}}",
		"{\"tokens\":{\"0\":{\"wrapped\":\"a+b/\"}}}",
		"{\"tokens\":{\"0\":{\"x\":1}}}",
	};
	struct header original;
	read_header(f, &original);
	for (size_t i = 0; i < ARRAY_SIZE(patches); i++) {
		patch_header(f, patches[i]);
		loads_not(f, patches[i]);
		write_header(f, &original, false);
	}
	sealed_free(load(f));
}

static void test_too_many_tokens_and_too_long_ones(void **state) {
	struct fixture *f = *state;
	struct header h;
	read_header(f, &h);
	json_t *json = json_of(&h), *tokens = json_object_get(json, "tokens");
	for (int i = 1; i <= SEALED_TOKENS_MAX; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(json_object_set(tokens, name, json_object_get(tokens, "0")), 0);
	}
	set_json(&h, json);
	write_header(f, &h, true);
	loads_not(f, "five tokens");
	json_decref(json);

	char text[2000], patch[2200];
	memset(text, 'A', 1000);
	text[1000] = 0;
	(void)snprintf(patch, sizeof(patch), "{\"tokens\":{\"1\":null,\"2\":null,\"3\":null,\"4\":null,\"0\":{\"wrapped\":\"%s\"}}}", text);
	patch_header(f, patch);
	loads_not(f, "a wrapped key of 750 bytes");
	(void)snprintf(patch, sizeof(patch), "{\"tokens\":{\"0\":{\"wrapped\":\"AAAA\",\"key_url\":\"%s\"}}}", text);
	patch_header(f, patch);
	loads_not(f, "a key URL of 1000 characters");
}

// What the checks cannot see, the MAC or the digest does.
static void test_replaced_values_change_the_mac(void **state) {
	struct fixture *f = *state;
	char before[SEALED_MAC_SIZE], after[SEALED_MAC_SIZE];
	struct header original, h;
	mac_of(f, before);
	read_header(f, &original);
	h = original;
	h.copies[0][AT_UUID] = h.copies[1][AT_UUID] = h.copies[0][AT_UUID] == '0' ? '1' : '0';
	write_header(f, &h, true);
	mac_of(f, after);
	assert_string_not_equal(before, after);

	write_header(f, &original, false);
	patch_header(f, "{\"digests\":{\"0\":{\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}}");
	_cleanup_secret_ struct secret key = {0};
	struct sealed *s = load(f);
	assert_int_equal(sealed_unlock(s, &f->passphrase, &key, NULL), -EKEYREJECTED);
	sealed_free(s);

	// The MAC depends on the volume key: nobody without it can make one.
	write_header(f, &original, false);
	_cleanup_secret_ struct secret other = {0};
	assert_int_equal(xts_make_key(&other, NULL), 0);
	s = load(f);
	assert_int_equal(sealed_mac(s, &other, after, NULL), 0);
	assert_string_not_equal(before, after);
	sealed_free(s);
}

static void test_files_that_are_no_disks(void **state) {
	struct fixture *f = *state;
	struct header original, h;
	read_header(f, &original);

	h = original;
	memset(h.copies[0] + AT_CHECKSUM, 1, 8);
	memset(h.copies[1] + AT_CHECKSUM, 1, 8);
	write_header(f, &h, false);
	loads_not(f, "wrong checksums");

	memset(&h, 0, sizeof(h));
	write_header(f, &h, false);
	loads_not(f, "zeros");
	memset(&h, 0xee, sizeof(h));
	write_header(f, &h, false);
	loads_not(f, "garbage");

	// A header that claims 4 MiB, which is there, and one that claims nearly everything.
	assert_int_equal(truncate(f->path, 8 << 20), 0);
	h = original;
	for (int i = 0; i < 2; i++) {
		memset(h.copies[i] + AT_HEADER_SIZE, 0, 8);
		h.copies[i][AT_HEADER_SIZE + 5] = 0x40;
	}
	write_header(f, &h, true);
	loads_not(f, "4 MiB of header");
	for (int i = 0; i < 2; i++)
		memset(h.copies[i] + AT_HEADER_SIZE, 0xff, 8);
	write_header(f, &h, true);
	loads_not(f, "2^64 bytes of header");
	assert_int_equal(truncate(f->path, SEALED_DATA_OFFSET + DATA_SIZE), 0);

	// JSON that does not end, nests deeply, or is something else.
	static const char *const texts[] = {"{", "[]", "7", "", "{\"keyslots\":{}}"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		h = original;
		for (int k = 0; k < 2; k++) {
			memset(h.copies[k] + BINARY_SIZE, 0, COPY_SIZE - BINARY_SIZE);
			memcpy(h.copies[k] + BINARY_SIZE, texts[i], strlen(texts[i]));
		}
		write_header(f, &h, true);
		loads_not(f, texts[i]);
	}
	h = original;
	memset(h.copies[0] + BINARY_SIZE, '[', COPY_SIZE - BINARY_SIZE);
	memset(h.copies[1] + BINARY_SIZE, '[', COPY_SIZE - BINARY_SIZE);
	write_header(f, &h, true);
	loads_not(f, "deep nesting, no NUL");

	write_header(f, &original, false);
	static const off_t sizes[] = {0, 4096, 40000, SEALED_DATA_OFFSET, SEALED_DATA_OFFSET + 4095, SEALED_DATA_OFFSET + 4097};
	sealed_free(load(f));
	for (size_t i = ARRAY_SIZE(sizes); i-- > 0;) {
		assert_int_equal(truncate(f->path, sizes[i]), 0);
		loads_not(f, "truncated file");
	}

	struct sealed *s = NULL;
	struct err err = {0};
	assert_int_equal(sealed_load("/dev/null", &s, &err), -EKEYREJECTED);
	assert_int_equal(sealed_load("/nonexistent", &s, &err), -ENOENT);
	char link[80];
	(void)snprintf(link, sizeof(link), "%s.link", f->path);
	assert_int_equal(symlink(f->path, link), 0);
	assert_int_equal(sealed_load(link, &s, &err), -ELOOP);
	(void)unlink(link);
}

// A write that was torn by a crash spoils one copy: the other one still opens the disk, with the same MAC.
static void test_either_copy_is_enough(void **state) {
	struct fixture *f = *state;
	char before[SEALED_MAC_SIZE], after[SEALED_MAC_SIZE];
	struct header original;
	mac_of(f, before);
	read_header(f, &original);
	for (int i = 0; i < 2; i++) {
		struct header h = original;
		memset(h.copies[i] + 100, 0x55, COPY_SIZE - 100);
		write_header(f, &h, false);
		mac_of(f, after);
		assert_string_equal(before, after);
		h = original;
		memset(h.copies[i], 0, COPY_SIZE);
		write_header(f, &h, false);
		mac_of(f, after);
		assert_string_equal(before, after);
	}
}

static void test_spoilt_keyslot_does_not_open(void **state) {
	struct fixture *f = *state;
	_cleanup_secret_ struct secret key = {0};
	uint8_t junk[4096] = {1};
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(io_pwrite_full(fd, junk, sizeof(junk), 2 * COPY_SIZE + 8192), 0);
	(void)close(fd);
	struct sealed *s = load(f);
	assert_int_equal(sealed_unlock(s, &f->passphrase, &key, NULL), -EKEYREJECTED);
	sealed_free(s);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_was_made_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tokens_come_newest_first_and_leave_the_mac, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_edited_headers_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many_tokens_and_too_long_ones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaced_values_change_the_mac, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_files_that_are_no_disks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_either_copy_is_enough, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spoilt_keyslot_does_not_open, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
