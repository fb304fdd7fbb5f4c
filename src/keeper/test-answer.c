// SPDX-License-Identifier: Apache-2.0
#include "keeper/answer.h"

#include "base/cursor.h"
#include "keeper/protocol.h"
#include "keeper/test-util.h"

static struct keeper keeper;
static struct buf wrap_blob, sign_blob;  // sealed under "here"
static struct rsa_public wrap_pub;

static struct buf request_of(enum keeper_op op) {
	struct buf q = {0};
	assert_int_equal(buf_u8(&q, KEEPER_PROTOCOL_VERSION), 0);
	assert_int_equal(buf_u8(&q, (uint8_t)op), 0);
	return q;
}

// The status; the fields of an OK reply, head and tail together, go to *fields, to be freed.
static uint8_t ask(const struct buf *q, struct buf *fields, bool *hang_up) {
	_cleanup_reply_ struct reply r = {0};
	assert_int_equal(keeper_answer(&keeper, q->data, q->len, &r), 0);
	assert_true(r.head.len >= 2 && r.head.len + r.tail.len <= KEEPER_RECORD_MAX);
	assert_int_equal(r.head.data[0], KEEPER_PROTOCOL_VERSION);
	uint8_t status = r.head.data[1];
	if (status != KEEPER_OK) {
		struct cursor c = cursor_of(r.head.data + 2, r.head.len - 2);
		size_t len;
		assert_non_null(cursor_blob(&c, KEEPER_TEXT_MAX, &len));
		assert_true(cursor_done(&c) && len > 0);
		assert_int_equal(r.tail.len, 0);
	}
	if (fields) {
		assert_int_equal(buf_append(fields, r.head.data + 2, r.head.len - 2), 0);
		assert_int_equal(buf_append(fields, r.tail.data, r.tail.len), 0);
	}
	if (hang_up)
		*hang_up = r.hang_up;
	return status;
}

static uint8_t ask_status(const struct buf *q) {
	bool hang_up;
	uint8_t status = ask(q, NULL, &hang_up);
	// Exactly what is no message of the protocol ends the connection.
	assert_true(hang_up == (status == KEEPER_BAD_REQUEST));
	return status;
}

static struct buf make_request(unsigned bits, unsigned usage, const char *context) {
	struct buf q = request_of(KEEPER_OP_MAKE_RSA);
	assert_int_equal(buf_u16(&q, (uint16_t)bits), 0);
	assert_int_equal(buf_u8(&q, (uint8_t)usage), 0);
	assert_int_equal(buf_blob(&q, context, strlen(context)), 0);
	return q;
}

static struct buf make(unsigned usage, struct rsa_public *pub) {
	_cleanup_buf_ struct buf q = make_request(2048, usage, "here"), fields = {0};
	assert_int_equal(ask(&q, &fields, NULL), KEEPER_OK);
	struct cursor c = cursor_of(fields.data, fields.len);
	size_t len;
	struct buf blob = {0};
	const uint8_t *bytes = cursor_blob(&c, KEEPER_BLOB_MAX, &len);
	assert_int_equal(buf_append(&blob, bytes, len), 0);
	const uint8_t *n = cursor_blob(&c, sizeof(pub->n), &pub->n_len);
	const uint8_t *e = cursor_blob(&c, sizeof(pub->e), &pub->e_len);
	assert_true(cursor_done(&c));
	memcpy(pub->n, n, pub->n_len);
	memcpy(pub->e, e, pub->e_len);
	return blob;
}

static int set_up(void **state _unused_) {
	struct rsa_public ignored;
	if (secret_random(&keeper.root, 32) < 0 || cache_new(&keeper.cache) < 0)
		return -1;
	wrap_blob = make(KEEPER_USE_WRAP, &wrap_pub);
	sign_blob = make(KEEPER_USE_SIGN, &ignored);
	return 0;
}

static int tear_down(void **state _unused_) {
	buf_free(&wrap_blob);
	buf_free(&sign_blob);
	cache_free(keeper.cache);
	secret_free(&keeper.root);
	return 0;
}

static struct buf key_request(enum keeper_op op, const struct buf *blob, const char *context, uint8_t alg, const void *in,
	size_t len) {
	struct buf q = request_of(op);
	assert_int_equal(buf_blob(&q, blob->data, blob->len), 0);
	assert_int_equal(buf_blob(&q, context, strlen(context)), 0);
	assert_int_equal(buf_u8(&q, alg), 0);
	if (op == KEEPER_OP_SIGN)
		assert_int_equal(buf_append(&q, in, len), 0);
	else
		assert_int_equal(buf_blob(&q, in, len), 0);
	return q;
}

static uint8_t ask_with_key(enum keeper_op op, const struct buf *blob, const char *context, uint8_t alg, const void *in,
	size_t len) {
	_cleanup_buf_ struct buf q = key_request(op, blob, context, alg, in, len);
	return ask_status(&q);
}

static const uint8_t digest[32] = {1, 2, 3};

static void test_wrap_and_unwrap(void **state _unused_) {
	_cleanup_buf_ struct buf q = key_request(KEEPER_OP_WRAP, &wrap_blob, "here", 2, "data key", 8), wrapped = {0};
	assert_int_equal(ask(&q, &wrapped, NULL), KEEPER_OK);
	assert_int_equal(wrapped.len, 4 + 256);
	_cleanup_buf_ struct buf back = key_request(KEEPER_OP_UNWRAP, &wrap_blob, "here", 2, wrapped.data + 4, 256), plain = {0};
	assert_int_equal(ask(&back, &plain, NULL), KEEPER_OK);
	assert_int_equal(plain.len, 4 + 8);
	assert_memory_equal(plain.data, "\0\0\0\x08" "data key", 12);
}

static void test_unwrap_secret_is_in_the_tail(void **state _unused_) {
	_cleanup_pkey_ EVP_PKEY *public = NULL;
	_cleanup_buf_ struct buf wrapped = {0};
	assert_int_equal(rsa_from_public(&wrap_pub, &public, NULL), 0);
	assert_int_equal(rsa_wrap(public, KEY_ALG_RSA_OAEP, "data key", 8, &wrapped, NULL), 0);
	_cleanup_buf_ struct buf q = key_request(KEEPER_OP_UNWRAP, &wrap_blob, "here", 1, wrapped.data, wrapped.len);
	_cleanup_reply_ struct reply r = {0};
	assert_int_equal(keeper_answer(&keeper, q.data, q.len, &r), 0);
	assert_int_equal(r.head.len, 2 + 4);
	assert_int_equal(r.tail.len, 8);
	assert_memory_equal(r.tail.data, "data key", 8);
}

static void test_usage(void **state _unused_) {
	uint8_t in[256] = {0};
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &sign_blob, "here", 2, in, 8), KEEPER_FORBIDDEN);
	assert_int_equal(ask_with_key(KEEPER_OP_UNWRAP, &sign_blob, "here", 2, in, 256), KEEPER_FORBIDDEN);
	assert_int_equal(ask_with_key(KEEPER_OP_SIGN, &wrap_blob, "here", 3, digest, 32), KEEPER_FORBIDDEN);
	assert_int_equal(ask_with_key(KEEPER_OP_SIGN, &sign_blob, "here", 3, digest, 32), KEEPER_OK);
}

static void test_context(void **state _unused_) {
	// Once with the key in the cache, once before it gets there.
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, "there", 2, "x", 1), KEEPER_BAD_BLOB);
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, "here", 2, "x", 1), KEEPER_OK);
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, "there", 2, "x", 1), KEEPER_BAD_BLOB);
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, "", 2, "x", 1), KEEPER_BAD_BLOB);
}

static void test_blob(void **state _unused_) {
	_cleanup_buf_ struct buf bad = {0}, empty = {0};
	assert_int_equal(buf_append(&bad, wrap_blob.data, wrap_blob.len), 0);
	bad.data[bad.len / 2] ^= 1;
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &bad, "here", 2, "x", 1), KEEPER_BAD_BLOB);
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &empty, "here", 2, "x", 1), KEEPER_BAD_BLOB);
}

static void test_parameters(void **state _unused_) {
	uint8_t in[256] = {0};
	static const uint8_t not_wrapping[] = {0, 3, 4, 255};
	for (size_t i = 0; i < ARRAY_SIZE(not_wrapping); i++) {
		assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, "here", not_wrapping[i], in, 8), KEEPER_BAD_PARAMETER);
		assert_int_equal(ask_with_key(KEEPER_OP_UNWRAP, &wrap_blob, "here", not_wrapping[i], in, 256), KEEPER_BAD_PARAMETER);
	}
	static const uint8_t not_signing[] = {0, 1, 2, 4};
	for (size_t i = 0; i < ARRAY_SIZE(not_signing); i++)
		assert_int_equal(ask_with_key(KEEPER_OP_SIGN, &sign_blob, "here", not_signing[i], digest, 32), KEEPER_BAD_PARAMETER);
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, "here", 2, in, 191), KEEPER_BAD_PARAMETER);
	assert_int_equal(ask_with_key(KEEPER_OP_UNWRAP, &wrap_blob, "here", 2, in, 256), KEEPER_BAD_PARAMETER);
	assert_int_equal(ask_with_key(KEEPER_OP_UNWRAP, &wrap_blob, "here", 2, in, 0), KEEPER_BAD_PARAMETER);
}

static void test_make_parameters(void **state _unused_) {
	static const struct {
		unsigned bits, usage;
		const char *context;
		uint8_t status;
	} cases[] = {
		{1024, 1, "c", KEEPER_BAD_PARAMETER},
		{0, 1, "c", KEEPER_BAD_PARAMETER},
		{2048, 0, "c", KEEPER_BAD_PARAMETER},
		{2048, 4, "c", KEEPER_BAD_PARAMETER},
		{2048, 0x81, "c", KEEPER_BAD_PARAMETER},
		{2048, 1, "", KEEPER_BAD_REQUEST},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf q = make_request(cases[i].bits, cases[i].usage, cases[i].context);
		assert_int_equal(ask_status(&q), cases[i].status);
	}
}

static struct buf derive_request(const void *label, size_t len) {
	struct buf q = request_of(KEEPER_OP_DERIVE);
	assert_int_equal(buf_blob(&q, label, len), 0);
	return q;
}

static void test_derive(void **state _unused_) {
	_cleanup_buf_ struct buf q = derive_request("label", 5), fields = {0};
	assert_int_equal(ask(&q, &fields, NULL), KEEPER_OK);
	assert_int_equal(fields.len, 4 + 32);
	char long_label[KEEPER_LABEL_MAX + 1];
	memset(long_label, 'l', sizeof(long_label));
	_cleanup_buf_ struct buf longest = derive_request(long_label, KEEPER_LABEL_MAX),
				 too_long = derive_request(long_label, sizeof(long_label)), none = derive_request("", 0),
				 with_nul = derive_request("a\0b", 3);
	assert_int_equal(ask_status(&longest), KEEPER_OK);
	assert_int_equal(ask_status(&too_long), KEEPER_BAD_REQUEST);
	assert_int_equal(ask_status(&none), KEEPER_BAD_REQUEST);
	assert_int_equal(ask_status(&with_nul), KEEPER_BAD_REQUEST);
}

// Every good request: cut short anywhere, and with a byte too many.
static void test_lengths(void **state _unused_) {
	struct buf requests[] = {
		request_of(KEEPER_OP_PING),
		make_request(1024, 1, "here"),
		key_request(KEEPER_OP_WRAP, &wrap_blob, "here", 2, "x", 1),
		key_request(KEEPER_OP_UNWRAP, &wrap_blob, "here", 2, "x", 1),
		key_request(KEEPER_OP_SIGN, &sign_blob, "here", 3, digest, 32),
		derive_request("label", 5),
	};
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		_cleanup_buf_ struct buf q = requests[i];
		assert_int_not_equal(ask_status(&q), KEEPER_BAD_REQUEST);
		size_t len = q.len;
		for (q.len = 0; q.len < len; q.len++)
			assert_int_equal(ask_status(&q), KEEPER_BAD_REQUEST);
		assert_int_equal(buf_u8(&q, 0), 0);
		assert_int_equal(ask_status(&q), KEEPER_BAD_REQUEST);
	}
}

static void test_limits(void **state _unused_) {
	_cleanup_buf_ struct buf blob = {0};
	static uint8_t zeros[KEEPER_BLOB_MAX + 1];
	assert_int_equal(buf_append(&blob, zeros, KEEPER_BLOB_MAX), 0);
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &blob, "here", 2, "x", 1), KEEPER_BAD_BLOB);
	assert_int_equal(buf_u8(&blob, 0), 0);
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &blob, "here", 2, "x", 1), KEEPER_BAD_REQUEST);

	char context[KEEPER_CONTEXT_MAX + 2] = {0};
	memset(context, 'c', KEEPER_CONTEXT_MAX);
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, context, 2, "x", 1), KEEPER_BAD_BLOB);
	context[KEEPER_CONTEXT_MAX] = 'c';
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, context, 2, "x", 1), KEEPER_BAD_REQUEST);

	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, "here", 2, zeros, KEEPER_INPUT_MAX), KEEPER_BAD_PARAMETER);
	assert_int_equal(ask_with_key(KEEPER_OP_WRAP, &wrap_blob, "here", 2, zeros, KEEPER_INPUT_MAX + 1), KEEPER_BAD_REQUEST);
}

static void test_versions_and_operations(void **state _unused_) {
	for (unsigned version = 0; version < 256; version++) {
		_cleanup_buf_ struct buf q = request_of(KEEPER_OP_PING);
		q.data[0] = (uint8_t)version;
		assert_int_equal(ask_status(&q), version == KEEPER_PROTOCOL_VERSION ? KEEPER_OK : KEEPER_BAD_REQUEST);
	}
	for (unsigned op = 0; op < 256; op++) {
		_cleanup_buf_ struct buf q = request_of((enum keeper_op)op);
		assert_int_equal(ask_status(&q), op == KEEPER_OP_PING ? KEEPER_OK : KEEPER_BAD_REQUEST);
	}
}

static void test_wire_algorithms(void **state _unused_) {
	assert_int_equal(keeper_wire_of_alg(KEY_ALG_RSA_OAEP), 1);
	assert_int_equal(keeper_wire_of_alg(KEY_ALG_RSA_OAEP_256), 2);
	assert_int_equal(keeper_wire_of_alg(KEY_ALG_RS256), 3);
	assert_int_equal(keeper_wire_of_alg(KEY_ALG_NONE), 0);
	for (unsigned wire = 1; wire <= 3; wire++)
		assert_int_equal(keeper_wire_of_alg(keeper_alg_of_wire((uint8_t)wire)), wire);
	assert_int_equal(keeper_alg_of_wire(0), KEY_ALG_NONE);
	assert_int_equal(keeper_alg_of_wire(4), KEY_ALG_NONE);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap_and_unwrap),
		cmocka_unit_test(test_unwrap_secret_is_in_the_tail),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_blob),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_make_parameters),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_versions_and_operations),
		cmocka_unit_test(test_wire_algorithms),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
