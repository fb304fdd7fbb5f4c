// SPDX-License-Identifier: Apache-2.0
#include "keeper/seal.h"

#include "keeper/client.h"
#include "keeper/test-util.h"

// Offsets of the layout in docs/protocol/keeper.md.
enum { AT_MAGIC = 0, AT_VERSION = 4, AT_KIND = 5, AT_USAGE = 6, AT_SALT = 7, AT_NONCE = 39, AT_LEN = 51, AT_SEALED = 55 };

static struct secret root, other_root, der;
static struct buf blob;

static int set_up(void **state _unused_) {
	assert_int_equal(secret_random(&root, SEAL_ROOT_SIZE), 0);
	assert_int_equal(secret_random(&other_root, SEAL_ROOT_SIZE), 0);
	assert_int_equal(secret_copy(&der, "what stands for a private key", 29), 0);
	assert_int_equal(seal(&root, SEAL_RSA, 1, "here", 4, der.data, der.len, &blob, NULL), 0);
	return 0;
}

static int tear_down(void **state _unused_) {
	secret_free(&root);
	secret_free(&other_root);
	secret_free(&der);
	buf_free(&blob);
	return 0;
}

static int open_it(const struct secret *with, const void *bytes, size_t len, const char *context, struct sealed *out) {
	struct err err = {0};
	int rc = seal_open(with, bytes, len, context, strlen(context), out, &err);
	if (rc < 0) {
		assert_int_equal(err.status, 500);
		assert_null(out->plain.data);
	}
	return rc;
}

static void expect_shut(const void *bytes, size_t len) {
	struct sealed out = {.usage = 77};
	assert_int_equal(open_it(&root, bytes, len, "here", &out), -EBADMSG);
	assert_int_equal(out.usage, 77);
}

static void test_round_trip(void **state _unused_) {
	_cleanup_sealed_ struct sealed out = {0};
	assert_int_equal(blob.len, AT_SEALED + 29 + 16);
	assert_int_equal(blob.data[AT_VERSION], 1);
	assert_int_equal(blob.data[AT_KIND], 1);
	assert_int_equal(open_it(&root, blob.data, blob.len, "here", &out), 0);
	assert_int_equal(out.kind, SEAL_RSA);
	assert_int_equal(out.usage, 1);
	assert_true(secret_equal(out.plain.data, out.plain.len, der.data, der.len));
	assert_null(memmem(blob.data, blob.len, der.data, der.len));
}

static void test_never_twice_the_same(void **state _unused_) {
	_cleanup_buf_ struct buf again = {0};
	assert_int_equal(seal(&root, SEAL_RSA, 1, "here", 4, der.data, der.len, &again, NULL), 0);
	assert_int_equal(again.len, blob.len);
	assert_memory_not_equal(again.data + AT_SALT, blob.data + AT_SALT, 32);
	assert_memory_not_equal(again.data + AT_NONCE, blob.data + AT_NONCE, 12);
	assert_memory_not_equal(again.data + AT_SEALED, blob.data + AT_SEALED, 29);
}

// Every bit of every region: magic, version, kind, usage, salt, nonce, length, ciphertext, tag.
static void test_every_bit_counts(void **state _unused_) {
	for (size_t bit = 0; bit < 8 * blob.len; bit++) {
		blob.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_shut(blob.data, blob.len);
		blob.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_every_length_counts(void **state _unused_) {
	for (size_t len = 0; len < blob.len; len++)
		expect_shut(blob.data, len);
	assert_int_equal(buf_u8(&blob, 0), 0);
	expect_shut(blob.data, blob.len);
}

static void test_usage_is_authenticated(void **state _unused_) {
	assert_int_equal(blob.data[AT_USAGE], 1);
	blob.data[AT_USAGE] = 3;
	expect_shut(blob.data, blob.len);
	blob.data[AT_USAGE] = 1;
}

static void test_context_is_authenticated(void **state _unused_) {
	static const char *const contexts[] = {"", "her", "here ", "hera", "heree", "Here"};
	for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
		struct sealed out = {0};
		assert_int_equal(open_it(&root, blob.data, blob.len, contexts[i], &out), -EBADMSG);
	}
}

static void test_root_key_counts(void **state _unused_) {
	struct sealed out = {0};
	assert_int_equal(open_it(&other_root, blob.data, blob.len, "here", &out), -EBADMSG);
}

static void test_kinds(void **state _unused_) {
	static const enum seal_kind kinds[] = {SEAL_RSA, SEAL_EC, SEAL_OCT, SEAL_DATA};
	static const enum key_kind key_kinds[] = {KEY_KIND_RSA, KEY_KIND_EC, KEY_KIND_OCT, KEY_KIND_NONE};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_buf_ struct buf sealed = {0};
		_cleanup_sealed_ struct sealed out = {0};
		assert_int_equal(seal(&root, kinds[i], 2, "here", 4, "bytes", 5, &sealed, NULL), 0);
		assert_int_equal(sealed.data[AT_KIND], i + 1);
		assert_int_equal(open_it(&root, sealed.data, sealed.len, "here", &out), 0);
		assert_int_equal(out.kind, kinds[i]);
		assert_int_equal(seal_key_kind(kinds[i]), key_kinds[i]);
		assert_int_equal(seal_kind_of(key_kinds[i]), kinds[i]);
		// A blob of one kind is none of another, and the numbers end where they end.
		for (uint8_t kind = 0; kind < 6; kind++) {
			sealed.data[AT_KIND] = kind;
			if (kind != i + 1)
				expect_shut(sealed.data, sealed.len);
		}
	}
}

static void test_sizes(void **state _unused_) {
	static const struct {
		enum seal_kind kind;
		size_t len;
		int rc;
	} cases[] = {
		{SEAL_RSA, 0, -EINVAL},
		{SEAL_RSA, SEAL_KEY_MAX, 0},
		{SEAL_RSA, SEAL_KEY_MAX + 1, -EINVAL},
		{SEAL_EC, SEAL_KEY_MAX + 1, -EINVAL},
		{SEAL_OCT, 0, -EINVAL},
		{SEAL_DATA, 0, 0},
		{SEAL_DATA, KEEPER_DATA_MAX, 0},
		{SEAL_DATA, KEEPER_DATA_MAX + 1, -EINVAL},
	};
	static const uint8_t zeros[KEEPER_DATA_MAX + 1];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf sealed = {0};
		_cleanup_sealed_ struct sealed out = {0};
		assert_int_equal(seal(&root, cases[i].kind, 1, "here", 4, zeros, cases[i].len, &sealed, NULL), cases[i].rc);
		assert_int_equal(sealed.len, cases[i].rc < 0 ? 0 : AT_SEALED + cases[i].len + 16);
		assert_true(sealed.len <= KEEPER_BLOB_MAX);
		if (cases[i].rc == 0)
			assert_int_equal(open_it(&root, sealed.data, sealed.len, "here", &out), 0);
		assert_int_equal(out.plain.len, cases[i].rc < 0 ? 0 : cases[i].len);
	}
}

static void test_derive(void **state _unused_) {
	_cleanup_secret_ struct secret a = {0}, same = {0}, b = {0}, c = {0};
	assert_int_equal(seal_derive(&root, "one", &a, NULL), 0);
	assert_int_equal(seal_derive(&root, "one", &same, NULL), 0);
	assert_int_equal(seal_derive(&root, "two", &b, NULL), 0);
	assert_int_equal(seal_derive(&other_root, "one", &c, NULL), 0);
	assert_int_equal(a.len, 32);
	assert_true(secret_equal(a.data, a.len, same.data, same.len));
	assert_false(secret_equal(a.data, a.len, b.data, b.len));
	assert_false(secret_equal(a.data, a.len, c.data, c.len));
	assert_false(secret_equal(a.data, a.len, root.data, root.len));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_never_twice_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_bit_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_length_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_usage_is_authenticated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_context_is_authenticated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_root_key_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_derive, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
