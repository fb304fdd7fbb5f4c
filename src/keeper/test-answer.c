// SPDX-License-Identifier: Apache-2.0
#include "keeper/answer.h"

#include "base/cursor.h"
#include "base/enc.h"
#include "keeper/protocol.h"
#include "keeper/seal.h"
#include "keeper/test-old-store.h"
#include "keeper/test-util.h"

enum { RSA_OAEP = 1, RSA_OAEP_256 = 2, RS256 = 3, A256GCM = 20, HS256 = 29 };
enum { ENCRYPT = 1, WRAP = 2 };

static const struct key_spec rsa = {.kind = KEY_KIND_RSA, .bits = 2048}, oct = {.kind = KEY_KIND_OCT, .bits = 256},
			     ec = {.kind = KEY_KIND_EC, .curve = KEY_CURVE_P256};

static struct keeper keeper;
static struct buf wrap_blob, sign_blob, import_blob, oct_blob, ec_blob, data_blob;  // sealed under "here"
static struct key_public wrap_pub;

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

static void expect(struct buf request, uint8_t status) {
	_cleanup_buf_ struct buf q = request;
	assert_int_equal(ask_status(&q), status);
}

static void add_blob(struct buf *q, const void *data, size_t len) {
	assert_int_equal(buf_blob(q, data, len), 0);
}

static void add_u8(struct buf *q, unsigned n) {
	assert_int_equal(buf_u8(q, (uint8_t)n), 0);
}

static void add_place(struct buf *q, const struct buf *blob, const char *context) {
	add_blob(q, blob->data, blob->len);
	add_blob(q, context, strlen(context));
}

// The fields of a reply whose only field is a blob.
static struct buf only_blob(const struct buf *fields) {
	struct cursor c = cursor_of(fields->data, fields->len);
	size_t len;
	const uint8_t *bytes = cursor_blob(&c, KEEPER_BLOB_MAX, &len);
	assert_true(cursor_done(&c));
	struct buf blob = {0};
	assert_int_equal(buf_append(&blob, bytes, len), 0);
	return blob;
}

static struct buf make_request(unsigned kind, unsigned bits, uint32_t exponent, unsigned curve, unsigned usage,
	const char *context) {
	struct buf q = request_of(KEEPER_OP_MAKE);
	add_u8(&q, kind);
	assert_int_equal(buf_u16(&q, (uint16_t)bits), 0);
	assert_int_equal(buf_u32(&q, exponent), 0);
	add_u8(&q, curve);
	add_u8(&q, usage);
	add_blob(&q, context, strlen(context));
	return q;
}

static struct buf new_key(struct buf request, struct key_public *pub) {
	_cleanup_buf_ struct buf q = request, fields = {0};
	struct key_public ignored;
	assert_int_equal(ask(&q, &fields, NULL), KEEPER_OK);
	struct cursor c = cursor_of(fields.data, fields.len);
	size_t len;
	struct buf blob = {0};
	const uint8_t *bytes = cursor_blob(&c, KEEPER_BLOB_MAX, &len);
	assert_int_equal(buf_append(&blob, bytes, len), 0);
	assert_true(keeper_read_public(&c, pub ? pub : &ignored) && cursor_done(&c));
	return blob;
}

static struct buf make(const struct key_spec *spec, unsigned usage, struct key_public *pub) {
	return new_key(make_request(keeper_wire_of_kind(spec->kind), spec->bits, spec->exponent,
			       keeper_wire_of_curve(spec->curve), usage, "here"), pub);
}

static struct buf seal_request(const char *context, const void *data, size_t len) {
	struct buf q = request_of(KEEPER_OP_SEAL);
	add_blob(&q, context, strlen(context));
	add_blob(&q, data, len);
	return q;
}

static struct buf answer_blob(struct buf request) {
	_cleanup_buf_ struct buf q = request, fields = {0};
	assert_int_equal(ask(&q, &fields, NULL), KEEPER_OK);
	return only_blob(&fields);
}

static int set_up(void **state _unused_) {
	if (secret_init(1 << 20, NULL) < 0 || secret_random(&keeper.root, SEAL_ROOT_SIZE) < 0 || cache_new(SIZE_MAX, &keeper.cache) < 0)
		return -1;
	wrap_blob = make(&rsa, KEEPER_USE_WRAP, &wrap_pub);
	sign_blob = make(&rsa, KEEPER_USE_SIGN, NULL);
	import_blob = make(&rsa, KEEPER_USE_IMPORT, NULL);
	oct_blob = make(&oct, KEEPER_USE_WRAP | KEEPER_USE_SIGN, NULL);
	ec_blob = make(&ec, KEEPER_USE_SIGN, NULL);
	data_blob = answer_blob(seal_request("here", "some data", 9));
	return 0;
}

static int tear_down(void **state _unused_) {
	struct buf *blobs[] = {&wrap_blob, &sign_blob, &import_blob, &oct_blob, &ec_blob, &data_blob};
	for (size_t i = 0; i < ARRAY_SIZE(blobs); i++)
		buf_free(blobs[i]);
	cache_free(keeper.cache);
	secret_free(&keeper.root);
	return 0;
}

static struct buf cipher_request(enum keeper_op op, const struct buf *blob, const char *context, unsigned alg, unsigned use,
	const struct key_input *in) {
	struct buf q = request_of(op);
	add_place(&q, blob, context);
	add_u8(&q, alg);
	add_u8(&q, use);
	add_blob(&q, in->iv, in->iv_len);
	add_blob(&q, in->aad, in->aad_len);
	add_blob(&q, in->tag, in->tag_len);
	add_blob(&q, in->value, in->len);
	return q;
}

static uint8_t ask_cipher(enum keeper_op op, const struct buf *blob, const char *context, unsigned alg, unsigned use,
	const void *value, size_t len) {
	const struct key_input in = {.value = value, .len = len};
	_cleanup_buf_ struct buf q = cipher_request(op, blob, context, alg, use, &in);
	return ask_status(&q);
}

static uint8_t wrap_one(const struct buf *blob, const char *context) {
	return ask_cipher(KEEPER_OP_ENCRYPT, blob, context, RSA_OAEP_256, WRAP, "x", 1);
}

static struct buf sign_request(const struct buf *blob, unsigned alg, const void *digest, size_t len) {
	struct buf q = request_of(KEEPER_OP_SIGN);
	add_place(&q, blob, "here");
	add_u8(&q, alg);
	add_blob(&q, digest, len);
	return q;
}

static struct buf verify_request(const struct buf *blob, unsigned alg, const void *digest, size_t len, const void *signature,
	size_t signature_len) {
	struct buf q = request_of(KEEPER_OP_VERIFY);
	add_place(&q, blob, "here");
	add_u8(&q, alg);
	add_blob(&q, digest, len);
	add_blob(&q, signature, signature_len);
	return q;
}

static struct buf transfer_request(const struct buf *exchange, unsigned kind, unsigned usage, const char *context,
	const void *in, size_t len) {
	struct buf q = request_of(KEEPER_OP_IMPORT_TRANSFER);
	add_place(&q, exchange, "here");
	add_u8(&q, kind);
	add_u8(&q, usage);
	add_blob(&q, context, strlen(context));
	add_blob(&q, in, len);
	return q;
}

// An oct key of `len` bytes; the other numbers are empty.
static struct buf import_request(unsigned usage, const char *context, const void *k, size_t len) {
	struct buf q = request_of(KEEPER_OP_IMPORT);
	const struct key_public pub = {.kind = KEY_KIND_OCT, .bits = (unsigned)(8 * len)};
	add_u8(&q, usage);
	add_blob(&q, context, strlen(context));
	assert_int_equal(keeper_append_public(&q, &pub), 0);
	for (size_t i = 0; i < KEEPER_NUMBERS; i++)
		assert_int_equal(buf_u16(&q, i == KEEPER_NUMBERS - 1 ? (uint16_t)len : 0), 0);
	assert_int_equal(buf_append(&q, k, len), 0);
	return q;
}

static struct buf open_request(const struct buf *blob, const char *context) {
	struct buf q = request_of(KEEPER_OP_OPEN);
	add_place(&q, blob, context);
	return q;
}

static struct buf reseal_request(const struct buf *blob, const char *from, const char *to) {
	struct buf q = request_of(KEEPER_OP_RESEAL);
	add_place(&q, blob, from);
	add_blob(&q, to, strlen(to));
	return q;
}

static const uint8_t digest[64] = {1, 2, 3};

// iv, tag and value of a reply.
struct output {
	struct buf fields;
	const uint8_t *iv, *tag, *value;
	size_t iv_len, tag_len, len;
};

static struct output run_cipher(enum keeper_op op, const struct buf *blob, unsigned alg, const struct key_input *in) {
	_cleanup_buf_ struct buf q = cipher_request(op, blob, "here", alg, WRAP, in);
	struct output out = {0};
	assert_int_equal(ask(&q, &out.fields, NULL), KEEPER_OK);
	struct cursor c = cursor_of(out.fields.data, out.fields.len);
	out.iv = cursor_blob(&c, KEY_IV_MAX, &out.iv_len);
	out.tag = cursor_blob(&c, KEY_TAG_SIZE, &out.tag_len);
	out.value = cursor_blob(&c, KEEPER_INPUT_MAX, &out.len);
	assert_true(cursor_done(&c));
	return out;
}

static void test_encrypt_and_decrypt(void **state _unused_) {
	const struct key_input plain = {.value = "data key", .len = 8};
	struct output wrapped = run_cipher(KEEPER_OP_ENCRYPT, &wrap_blob, RSA_OAEP_256, &plain);
	assert_int_equal(wrapped.iv_len + wrapped.tag_len, 0);
	assert_int_equal(wrapped.len, 256);
	struct output back = run_cipher(KEEPER_OP_DECRYPT, &wrap_blob, RSA_OAEP_256,
		&(struct key_input){.value = wrapped.value, .len = wrapped.len});
	assert_int_equal(back.len, 8);
	assert_memory_equal(back.value, "data key", 8);
	buf_free(&wrapped.fields);
	buf_free(&back.fields);
}

static void test_authenticated_encryption(void **state _unused_) {
	struct key_input in = {.value = "data key", .len = 8, .aad = "beside", .aad_len = 6};
	const unsigned use = ENCRYPT;
	_cleanup_buf_ struct buf q = cipher_request(KEEPER_OP_ENCRYPT, &oct_blob, "here", A256GCM, use, &in), fields = {0};
	assert_int_equal(ask(&q, &fields, NULL), KEEPER_OK);
	struct cursor c = cursor_of(fields.data, fields.len);
	struct key_input back = {.aad = "beside", .aad_len = 6};
	back.iv = cursor_blob(&c, KEY_IV_MAX, &back.iv_len);
	back.tag = cursor_blob(&c, KEY_TAG_SIZE, &back.tag_len);
	back.value = cursor_blob(&c, KEEPER_INPUT_MAX, &back.len);
	assert_true(cursor_done(&c) && back.iv_len == 12 && back.tag_len == 16 && back.len == 8);
	_cleanup_buf_ struct buf again = cipher_request(KEEPER_OP_DECRYPT, &oct_blob, "here", A256GCM, use, &back), out = {0};
	assert_int_equal(ask(&again, &out, NULL), KEEPER_OK);
	assert_int_equal(out.len, 3 * 4 + 8);
	assert_memory_equal(out.data + 12, "data key", 8);
	back.aad_len = 5;
	expect(cipher_request(KEEPER_OP_DECRYPT, &oct_blob, "here", A256GCM, use, &back), KEEPER_BAD_PARAMETER);
	back.aad_len = 6;
	back.iv_len = 11;
	expect(cipher_request(KEEPER_OP_DECRYPT, &oct_blob, "here", A256GCM, use, &back), KEEPER_BAD_PARAMETER);
	back.iv_len = 12;
	back.tag_len = 15;
	expect(cipher_request(KEEPER_OP_DECRYPT, &oct_blob, "here", A256GCM, use, &back), KEEPER_BAD_PARAMETER);
}

// What is encrypted fits into a request to decrypt it.
static void test_longest_value(void **state _unused_) {
	enum { A256CBCPAD = 26 };
	static uint8_t zeros[KEEPER_INPUT_MAX];
	const uint8_t iv[16] = {0};
	struct key_input in = {.value = zeros, .len = KEEPER_INPUT_MAX, .iv = iv, .iv_len = sizeof(iv)};
	expect(cipher_request(KEEPER_OP_ENCRYPT, &oct_blob, "here", A256CBCPAD, ENCRYPT, &in), KEEPER_BAD_PARAMETER);
	in.len--;
	expect(cipher_request(KEEPER_OP_ENCRYPT, &oct_blob, "here", A256CBCPAD, ENCRYPT, &in), KEEPER_OK);
}

static void test_secrets_are_in_the_tail(void **state _unused_) {
	_cleanup_pkey_ struct key *public = NULL;
	_cleanup_key_output_ struct key_output wrapped = {0};
	const struct key_input plain = {.value = "data key", .len = 8};
	assert_int_equal(key_from_public(&wrap_pub, &public, NULL), 0);
	assert_int_equal(key_encrypt(public, KEY_ALG_RSA_OAEP, ALG_WRAP, &plain, &wrapped, NULL), 0);
	const struct key_input in = {.value = wrapped.value.data, .len = wrapped.value.len};
	struct buf requests[] = {
		cipher_request(KEEPER_OP_DECRYPT, &wrap_blob, "here", RSA_OAEP, WRAP, &in),
		open_request(&data_blob, "here"),
	};
	static const char *const secrets[] = {"data key", "some data"};
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		_cleanup_buf_ struct buf q = requests[i];
		_cleanup_reply_ struct reply r = {0};
		assert_int_equal(keeper_answer(&keeper, q.data, q.len, &r), 0);
		assert_int_equal(r.tail.len, strlen(secrets[i]));
		assert_memory_equal(r.tail.data, secrets[i], r.tail.len);
		assert_null(memmem(r.head.data, r.head.cap, secrets[i], r.tail.len));
	}
}

static void test_sign_and_verify(void **state _unused_) {
	_cleanup_buf_ struct buf signature = answer_blob(sign_request(&sign_blob, RS256, digest, 32));
	assert_int_equal(signature.len, 256);
	for (int i = 0; i < 3; i++) {
		_cleanup_buf_ struct buf q = verify_request(&sign_blob, RS256, digest, 32, signature.data, signature.len - (i == 2)),
					 fields = {0};
		assert_int_equal(ask(&q, &fields, NULL), KEEPER_OK);
		assert_int_equal(fields.len, 1);
		assert_int_equal(fields.data[0], i == 0);
		signature.data[8] ^= 1;
	}
}

static void test_usage(void **state _unused_) {
	uint8_t in[256] = {0};
	const struct buf *const not_wrapping[] = {&sign_blob, &import_blob}, *const not_signing[] = {&wrap_blob, &import_blob},
			  *const not_importing[] = {&wrap_blob, &sign_blob};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(wrap_one(not_wrapping[i], "here"), KEEPER_FORBIDDEN);
		for (unsigned use = ENCRYPT; use <= WRAP; use++)
			assert_int_equal(ask_cipher(KEEPER_OP_DECRYPT, not_wrapping[i], "here", RSA_OAEP_256, use, in, 256),
				KEEPER_FORBIDDEN);
		expect(sign_request(not_signing[i], RS256, digest, 32), KEEPER_FORBIDDEN);
		expect(verify_request(not_signing[i], RS256, digest, 32, in, 256), KEEPER_FORBIDDEN);
		expect(transfer_request(not_importing[i], 1, KEEPER_USE_WRAP, "there", in, 256), KEEPER_FORBIDDEN);
	}
	expect(sign_request(&sign_blob, RS256, digest, 32), KEEPER_OK);
	expect(verify_request(&sign_blob, RS256, digest, 32, in, 256), KEEPER_OK);
	expect(transfer_request(&import_blob, 1, KEEPER_USE_WRAP, "there", in, 256), KEEPER_BAD_PARAMETER);
}

static void test_context(void **state _unused_) {
	// Once with the key in the cache, once before it gets there.
	_cleanup_buf_ struct buf blob = make(&rsa, KEEPER_USE_WRAP, NULL);
	assert_int_equal(wrap_one(&blob, "there"), KEEPER_BAD_BLOB);
	assert_int_equal(wrap_one(&blob, "here"), KEEPER_OK);
	assert_int_equal(wrap_one(&blob, "there"), KEEPER_BAD_BLOB);
	assert_int_equal(wrap_one(&blob, ""), KEEPER_BAD_BLOB);
	// Where the blob ends and the context begins is part of what the cache goes by.
	assert_int_equal(buf_str(&blob, "he"), 0);
	assert_int_equal(wrap_one(&blob, "re"), KEEPER_BAD_BLOB);
	expect(open_request(&data_blob, "there"), KEEPER_BAD_BLOB);
	expect(reseal_request(&data_blob, "there", "here"), KEEPER_BAD_BLOB);
}

static void test_blob(void **state _unused_) {
	_cleanup_buf_ struct buf bad = {0}, empty = {0};
	assert_int_equal(buf_append(&bad, wrap_blob.data, wrap_blob.len), 0);
	assert_int_equal(wrap_one(&wrap_blob, "here"), KEEPER_OK);
	bad.data[bad.len / 2] ^= 1;
	const struct buf *const blobs[] = {&bad, &empty};
	for (size_t i = 0; i < ARRAY_SIZE(blobs); i++) {
		assert_int_equal(wrap_one(blobs[i], "here"), KEEPER_BAD_BLOB);
		assert_int_equal(ask_cipher(KEEPER_OP_DECRYPT, blobs[i], "here", RSA_OAEP, WRAP, "x", 1), KEEPER_BAD_BLOB);
		expect(sign_request(blobs[i], RS256, digest, 32), KEEPER_BAD_BLOB);
		expect(verify_request(blobs[i], RS256, digest, 32, "x", 1), KEEPER_BAD_BLOB);
		expect(open_request(blobs[i], "here"), KEEPER_BAD_BLOB);
		expect(reseal_request(blobs[i], "here", "there"), KEEPER_BAD_BLOB);
		expect(transfer_request(blobs[i], 1, KEEPER_USE_WRAP, "there", "x", 1), KEEPER_BAD_BLOB);
	}
}

// A key is no data and data is no key; a kind that is not its own opens nothing.
static void test_kinds_of_blobs(void **state _unused_) {
	const struct buf *const keys[] = {&wrap_blob, &sign_blob, &import_blob, &oct_blob, &ec_blob};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		expect(open_request(keys[i], "here"), KEEPER_BAD_BLOB);
	assert_int_equal(wrap_one(&data_blob, "here"), KEEPER_BAD_BLOB);
	expect(sign_request(&data_blob, RS256, digest, 32), KEEPER_BAD_BLOB);
	expect(transfer_request(&data_blob, 1, KEEPER_USE_WRAP, "there", "x", 1), KEEPER_BAD_BLOB);

	_cleanup_buf_ struct buf blob = {0};
	static const enum seal_kind kinds[] = {SEAL_RSA, SEAL_EC};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		buf_clear(&blob);
		assert_int_equal(seal(&keeper.root, kinds[i], KEEPER_USE_WRAP, "here", 4, "no DER", 6, &blob, NULL), 0);
		assert_int_equal(wrap_one(&blob, "here"), KEEPER_BAD_BLOB);
	}
	buf_clear(&blob);
	assert_int_equal(seal(&keeper.root, SEAL_OCT, KEEPER_USE_WRAP, "here", 4, "seventeen bytes..", 17, &blob, NULL), 0);
	assert_int_equal(wrap_one(&blob, "here"), KEEPER_BAD_BLOB);
}

static void test_parameters(void **state _unused_) {
	uint8_t in[256] = {0};
	static const uint8_t not_wrapping[] = {0, RS256, A256GCM, HS256, 32, 255};
	for (size_t i = 0; i < ARRAY_SIZE(not_wrapping); i++) {
		assert_int_equal(ask_cipher(KEEPER_OP_ENCRYPT, &wrap_blob, "here", not_wrapping[i], WRAP, in, 8), KEEPER_BAD_PARAMETER);
		assert_int_equal(ask_cipher(KEEPER_OP_DECRYPT, &wrap_blob, "here", not_wrapping[i], WRAP, in, 256), KEEPER_BAD_PARAMETER);
	}
	static const uint8_t not_signing[] = {0, RSA_OAEP, RSA_OAEP_256, HS256, 32};
	for (size_t i = 0; i < ARRAY_SIZE(not_signing); i++) {
		expect(sign_request(&sign_blob, not_signing[i], digest, 32), KEEPER_BAD_PARAMETER);
		expect(verify_request(&sign_blob, not_signing[i], digest, 32, in, 256), KEEPER_BAD_PARAMETER);
	}
	static const uint8_t uses[] = {0, 3, 4, 255};
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++)
		assert_int_equal(ask_cipher(KEEPER_OP_ENCRYPT, &wrap_blob, "here", RSA_OAEP, uses[i], in, 8), KEEPER_BAD_PARAMETER);
	assert_int_equal(ask_cipher(KEEPER_OP_ENCRYPT, &wrap_blob, "here", RSA_OAEP_256, WRAP, in, 191), KEEPER_BAD_PARAMETER);
	assert_int_equal(ask_cipher(KEEPER_OP_DECRYPT, &wrap_blob, "here", RSA_OAEP_256, WRAP, in, 256), KEEPER_BAD_PARAMETER);
	assert_int_equal(ask_cipher(KEEPER_OP_DECRYPT, &wrap_blob, "here", RSA_OAEP_256, WRAP, in, 0), KEEPER_BAD_PARAMETER);
	expect(sign_request(&sign_blob, RS256, digest, 31), KEEPER_BAD_PARAMETER);
	expect(sign_request(&sign_blob, RS256, digest, 33), KEEPER_BAD_PARAMETER);
	expect(verify_request(&sign_blob, RS256, digest, 48, in, 256), KEEPER_BAD_PARAMETER);
}

static void test_make_parameters(void **state _unused_) {
	static const struct {
		unsigned kind, bits;
		uint32_t exponent;
		unsigned curve, usage;
		const char *context;
		uint8_t status;
	} cases[] = {
		{1, 1024, 0, 0, 1, "c", KEEPER_BAD_PARAMETER},
		{1, 0, 0, 0, 1, "c", KEEPER_BAD_PARAMETER},
		{1, 2048, 1, 0, 1, "c", KEEPER_BAD_PARAMETER},
		{1, 2048, 4, 0, 1, "c", KEEPER_BAD_PARAMETER},
		{2, 0, 0, 0, 2, "c", KEEPER_BAD_PARAMETER},
		{2, 0, 0, 5, 2, "c", KEEPER_BAD_PARAMETER},
		{3, 64, 0, 0, 1, "c", KEEPER_BAD_PARAMETER},
		{0, 2048, 0, 0, 1, "c", KEEPER_BAD_PARAMETER},
		{4, 2048, 0, 0, 1, "c", KEEPER_BAD_PARAMETER},
		{1, 2048, 0, 0, 0, "c", KEEPER_BAD_PARAMETER},
		{1, 2048, 0, 0, 5, "c", KEEPER_BAD_PARAMETER},
		{1, 2048, 0, 0, 6, "c", KEEPER_BAD_PARAMETER},
		{1, 2048, 0, 0, 7, "c", KEEPER_BAD_PARAMETER},
		{1, 2048, 0, 0, 8, "c", KEEPER_BAD_PARAMETER},
		{1, 2048, 0, 0, 0x81, "c", KEEPER_BAD_PARAMETER},
		{2, 0, 0, 1, 4, "c", KEEPER_BAD_PARAMETER},
		{3, 256, 0, 0, 4, "c", KEEPER_BAD_PARAMETER},
		{1, 2048, 0, 0, 1, "", KEEPER_BAD_REQUEST},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect(make_request(cases[i].kind, cases[i].bits, cases[i].exponent, cases[i].curve, cases[i].usage, cases[i].context),
			cases[i].status);
}

static void test_import(void **state _unused_) {
	static const uint8_t k[32] = {7};
	_cleanup_buf_ struct buf blob = new_key(import_request(KEEPER_USE_WRAP, "here", k, 32), NULL);
	assert_int_equal(ask_cipher(KEEPER_OP_ENCRYPT, &blob, "here", A256GCM, ENCRYPT, "x", 1), KEEPER_OK);
	expect(import_request(KEEPER_USE_WRAP, "here", k, 17), KEEPER_BAD_PARAMETER);
	expect(import_request(KEEPER_USE_IMPORT, "here", k, 32), KEEPER_BAD_PARAMETER);
	expect(import_request(0, "here", k, 32), KEEPER_BAD_PARAMETER);
	expect(import_request(KEEPER_USE_WRAP | KEEPER_USE_IMPORT, "here", k, 32), KEEPER_BAD_PARAMETER);
	expect(import_request(KEEPER_USE_WRAP, "", k, 32), KEEPER_BAD_REQUEST);
	// The kind, 2 + 1 + 4 + 4 bytes into the request; then a curve without coordinates.
	static const size_t at_kind = 11, at_curve = 14;
	struct buf q = import_request(KEEPER_USE_WRAP, "here", k, 32);
	q.data[at_kind] = 4;
	expect(q, KEEPER_BAD_REQUEST);
	q = import_request(KEEPER_USE_WRAP, "here", k, 32);
	q.data[at_curve] = 1;
	expect(q, KEEPER_BAD_REQUEST);
	q = import_request(KEEPER_USE_WRAP, "here", k, 32);
	q.data[at_curve] = 5;
	expect(q, KEEPER_BAD_REQUEST);
	q = import_request(KEEPER_USE_WRAP, "here", k, 32);
	q.data[at_kind] = 1;
	expect(q, KEEPER_BAD_PARAMETER);
}

static void test_transfer_parameters(void **state _unused_) {
	static const uint8_t zeros[600];
	for (unsigned kind = 0; kind < 5; kind++)
		expect(transfer_request(&import_blob, kind, KEEPER_USE_WRAP, "there", zeros, sizeof(zeros)), KEEPER_BAD_PARAMETER);
	expect(transfer_request(&import_blob, 1, KEEPER_USE_WRAP, "there", zeros, 0), KEEPER_BAD_PARAMETER);
	expect(transfer_request(&import_blob, 1, 7, "there", zeros, 256), KEEPER_BAD_PARAMETER);
	expect(transfer_request(&import_blob, 1, KEEPER_USE_WRAP, "", zeros, 256), KEEPER_BAD_REQUEST);
}

static void test_data(void **state _unused_) {
	static uint8_t zeros[KEEPER_DATA_MAX + 1];
	static const size_t lengths[] = {0, 1, KEEPER_DATA_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		_cleanup_buf_ struct buf blob = answer_blob(seal_request("here", zeros, lengths[i]));
		assert_true(blob.len <= KEEPER_BLOB_MAX);
		_cleanup_buf_ struct buf data = answer_blob(open_request(&blob, "here"));
		assert_int_equal(data.len, lengths[i]);
		assert_true(lengths[i] == 0 || memcmp(data.data, zeros, lengths[i]) == 0);
	}
	expect(seal_request("here", zeros, KEEPER_DATA_MAX + 1), KEEPER_BAD_REQUEST);
	expect(seal_request("", zeros, 1), KEEPER_BAD_REQUEST);
}

static void test_reseal(void **state _unused_) {
	_cleanup_buf_ struct buf data = answer_blob(reseal_request(&data_blob, "here", "there"));
	expect(open_request(&data, "here"), KEEPER_BAD_BLOB);
	_cleanup_buf_ struct buf back = answer_blob(open_request(&data, "there"));
	assert_int_equal(back.len, 9);
	assert_memory_equal(back.data, "some data", 9);
	// The first one is as good as before.
	expect(open_request(&data_blob, "here"), KEEPER_OK);

	_cleanup_buf_ struct buf wrapping = answer_blob(reseal_request(&wrap_blob, "here", "there")),
				 importing = answer_blob(reseal_request(&import_blob, "here", "here")),
				 ellipse = answer_blob(reseal_request(&ec_blob, "here", "here"));
	assert_int_equal(wrap_one(&wrapping, "here"), KEEPER_BAD_BLOB);
	assert_int_equal(wrap_one(&wrapping, "there"), KEEPER_OK);
	// Kind and usage stay.
	expect(open_request(&wrapping, "there"), KEEPER_BAD_BLOB);
	assert_int_equal(wrap_one(&importing, "here"), KEEPER_FORBIDDEN);
	expect(sign_request(&ellipse, 11, digest, 32), KEEPER_OK);
	assert_int_equal(wrap_one(&ellipse, "here"), KEEPER_FORBIDDEN);
	expect(reseal_request(&data_blob, "here", ""), KEEPER_BAD_REQUEST);
}

static struct buf derive_request(const void *label, size_t len) {
	struct buf q = request_of(KEEPER_OP_DERIVE);
	add_blob(&q, label, len);
	return q;
}

static void test_derive(void **state _unused_) {
	_cleanup_buf_ struct buf key = answer_blob(derive_request("label", 5));
	assert_int_equal(key.len, 32);
	char long_label[KEEPER_LABEL_MAX + 1];
	memset(long_label, 'l', sizeof(long_label));
	expect(derive_request(long_label, KEEPER_LABEL_MAX), KEEPER_OK);
	expect(derive_request(long_label, sizeof(long_label)), KEEPER_BAD_REQUEST);
	expect(derive_request("", 0), KEEPER_BAD_REQUEST);
	expect(derive_request("a\0b", 3), KEEPER_BAD_REQUEST);
}

// Every good request: cut short anywhere, and with a byte too many.
static void test_lengths(void **state _unused_) {
	const struct key_input in = {.value = "x", .len = 1};
	const uint8_t k[32] = {0};
	struct buf requests[] = {
		request_of(KEEPER_OP_PING),
		make_request(1, 1024, 0, 0, 1, "here"),
		cipher_request(KEEPER_OP_ENCRYPT, &wrap_blob, "here", RSA_OAEP, WRAP, &in),
		cipher_request(KEEPER_OP_DECRYPT, &wrap_blob, "here", RSA_OAEP, WRAP, &in),
		sign_request(&sign_blob, RS256, digest, 32),
		verify_request(&sign_blob, RS256, digest, 32, "x", 1),
		import_request(KEEPER_USE_WRAP, "here", k, 32),
		transfer_request(&import_blob, 1, KEEPER_USE_WRAP, "here", "x", 1),
		seal_request("here", "x", 1),
		open_request(&data_blob, "here"),
		reseal_request(&data_blob, "here", "there"),
		derive_request("label", 5),
	};
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		_cleanup_buf_ struct buf q = requests[i];
		assert_int_not_equal(ask_status(&q), KEEPER_BAD_REQUEST);
		size_t len = q.len;
		for (q.len = 0; q.len < len; q.len++)
			assert_int_equal(ask_status(&q), KEEPER_BAD_REQUEST);
		add_u8(&q, 0);
		assert_int_equal(ask_status(&q), KEEPER_BAD_REQUEST);
	}
}

static void test_limits(void **state _unused_) {
	_cleanup_buf_ struct buf blob = {0};
	static uint8_t zeros[KEEPER_BLOB_MAX + 1];
	assert_int_equal(buf_append(&blob, zeros, KEEPER_BLOB_MAX), 0);
	assert_int_equal(wrap_one(&blob, "here"), KEEPER_BAD_BLOB);
	expect(open_request(&blob, "here"), KEEPER_BAD_BLOB);
	add_u8(&blob, 0);
	assert_int_equal(wrap_one(&blob, "here"), KEEPER_BAD_REQUEST);
	expect(open_request(&blob, "here"), KEEPER_BAD_REQUEST);

	char context[KEEPER_CONTEXT_MAX + 2] = {0};
	memset(context, 'c', KEEPER_CONTEXT_MAX);
	assert_int_equal(wrap_one(&wrap_blob, context), KEEPER_BAD_BLOB);
	expect(reseal_request(&data_blob, "here", context), KEEPER_OK);
	context[KEEPER_CONTEXT_MAX] = 'c';
	assert_int_equal(wrap_one(&wrap_blob, context), KEEPER_BAD_REQUEST);
	expect(reseal_request(&data_blob, "here", context), KEEPER_BAD_REQUEST);

	// All fields at their limits make the longest request; each beyond its limit is none.
	const struct key_input most = {.value = zeros, .iv = zeros, .aad = zeros, .tag = zeros, .len = KEEPER_INPUT_MAX,
		.iv_len = KEY_IV_MAX, .aad_len = KEEPER_INPUT_MAX, .tag_len = KEY_TAG_SIZE};
	blob.len = KEEPER_BLOB_MAX;
	context[KEEPER_CONTEXT_MAX] = 0;
	_cleanup_buf_ struct buf longest = cipher_request(KEEPER_OP_DECRYPT, &blob, context, A256GCM, WRAP, &most);
	assert_true(longest.len <= KEEPER_RECORD_MAX);
	assert_int_equal(ask_status(&longest), KEEPER_BAD_BLOB);
	struct key_input over[] = {most, most, most, most};
	over[0].len++;
	over[1].iv_len++;
	over[2].aad_len++;
	over[3].tag_len++;
	for (size_t i = 0; i < ARRAY_SIZE(over); i++)
		expect(cipher_request(KEEPER_OP_DECRYPT, &wrap_blob, "here", RSA_OAEP, WRAP, &over[i]), KEEPER_BAD_REQUEST);
	expect(sign_request(&sign_blob, RS256, zeros, KEEPER_INPUT_MAX), KEEPER_BAD_PARAMETER);
	expect(sign_request(&sign_blob, RS256, zeros, KEEPER_INPUT_MAX + 1), KEEPER_BAD_REQUEST);
	expect(verify_request(&sign_blob, RS256, digest, 32, zeros, KEEPER_INPUT_MAX), KEEPER_OK);
	expect(verify_request(&sign_blob, RS256, digest, 32, zeros, KEEPER_INPUT_MAX + 1), KEEPER_BAD_REQUEST);
	expect(transfer_request(&import_blob, 1, 1, "c", zeros, KEEPER_INPUT_MAX), KEEPER_BAD_PARAMETER);
	expect(transfer_request(&import_blob, 1, 1, "c", zeros, KEEPER_INPUT_MAX + 1), KEEPER_BAD_REQUEST);
}

static void test_versions_and_operations(void **state _unused_) {
	for (unsigned version = 0; version < 256; version++) {
		struct buf q = request_of(KEEPER_OP_PING);
		q.data[0] = (uint8_t)version;
		expect(q, version == 2 ? KEEPER_OK : KEEPER_BAD_REQUEST);
	}
	for (unsigned op = 0; op < 256; op++)
		expect(request_of((enum keeper_op)op), op == KEEPER_OP_PING ? KEEPER_OK : KEEPER_BAD_REQUEST);
}

// The table of docs/protocol/keeper.md.
static void test_wire_numbers(void **state _unused_) {
	static const char *const names[] = {"", "RSA-OAEP", "RSA-OAEP-256", "RS256", "RSA1_5", "RS384", "RS512", "RSNULL", "PS256",
		"PS384", "PS512", "ES256", "ES256K", "ES384", "ES512", "A128KW", "A192KW", "A256KW", "A128GCM", "A192GCM", "A256GCM",
		"A128CBC", "A192CBC", "A256CBC", "A128CBCPAD", "A192CBCPAD", "A256CBCPAD", "CKM_AES_KEY_WRAP",
		"CKM_AES_KEY_WRAP_PAD", "HS256", "HS384", "HS512"};
	assert_int_equal(ARRAY_SIZE(names), KEY_ALG_COUNT);
	for (unsigned wire = 0; wire < 256; wire++) {
		enum key_alg alg = keeper_alg_of_wire((uint8_t)wire);
		if (wire == 0 || wire >= ARRAY_SIZE(names)) {
			assert_int_equal(alg, KEY_ALG_NONE);
			continue;
		}
		assert_string_equal(alg_name(alg), names[wire]);
		assert_int_equal(keeper_wire_of_alg(alg), wire);
	}
	assert_int_equal(keeper_wire_of_alg(KEY_ALG_NONE), 0);
	assert_int_equal(keeper_wire_of_alg(KEY_ALG_COUNT), 0);
	static const enum key_kind kinds[] = {KEY_KIND_NONE, KEY_KIND_RSA, KEY_KIND_EC, KEY_KIND_OCT, KEY_KIND_NONE};
	for (uint8_t wire = 0; wire < ARRAY_SIZE(kinds); wire++)
		assert_int_equal(keeper_kind_of_wire(wire), kinds[wire]);
	static const char *const curves[] = {"", "P-256", "P-256K", "P-384", "P-521", ""};
	for (uint8_t wire = 0; wire < ARRAY_SIZE(curves); wire++)
		assert_string_equal(curve_name(keeper_curve_of_wire(wire)), curves[wire]);
}

// A public half whose lengths do not fit is not sent.
static void test_public_half(void **state _unused_) {
	_cleanup_buf_ struct buf b = {0};
	struct key_public pub = wrap_pub;
	pub.n_len = sizeof(pub.n) + 1;
	assert_int_equal(keeper_append_public(&b, &pub), -EINVAL);
	pub = wrap_pub;
	pub.e_len = sizeof(pub.e) + 1;
	assert_int_equal(keeper_append_public(&b, &pub), -EINVAL);
	pub = wrap_pub;
	pub.bits = UINT16_MAX + 1;
	assert_int_equal(keeper_append_public(&b, &pub), -EINVAL);
	pub = wrap_pub;
	pub.kind = KEY_KIND_NONE;
	assert_int_equal(keeper_append_public(&b, &pub), -EINVAL);
	assert_int_equal(b.len, 0);
}

static struct buf bytes_of(const char *hex) {
	struct buf b = {0};
	assert_int_equal(dec_hex(&b, hex, strlen(hex)), 0);
	return b;
}

// What a keeper before this protocol left in a store opens, with what was made with it.
static void test_old_store(void **state _unused_) {
	struct keeper newest = keeper;
	keeper = (struct keeper){0};
	assert_int_equal(cache_new(SIZE_MAX, &keeper.cache), 0);
	assert_int_equal(secret_alloc(&keeper.root, SEAL_ROOT_SIZE), 0);
	for (uint8_t i = 0; i < SEAL_ROOT_SIZE; i++)
		keeper.root.data[i] = i;
	_cleanup_buf_ struct buf blob = bytes_of(old_blob), wrapped = bytes_of(old_wrapped),
				 signature = bytes_of(old_signature), derived = bytes_of(old_derived);
	_cleanup_buf_ struct buf q = request_of(KEEPER_OP_DECRYPT), fields = {0};
	add_place(&q, &blob, OLD_CONTEXT);
	add_u8(&q, RSA_OAEP_256);
	add_u8(&q, WRAP);
	for (int i = 0; i < 3; i++)
		add_blob(&q, "", 0);
	add_blob(&q, wrapped.data, wrapped.len);
	assert_int_equal(ask(&q, &fields, NULL), KEEPER_OK);
	assert_int_equal(fields.len, 3 * 4 + 8);
	assert_memory_equal(fields.data + 12, "data key", 8);

	_cleanup_buf_ struct buf moved = answer_blob(reseal_request(&blob, OLD_CONTEXT, "here"));
	_cleanup_buf_ struct buf again = answer_blob(sign_request(&moved, RS256, digest, 32));
	assert_int_equal(again.len, signature.len);
	assert_memory_equal(again.data, signature.data, signature.len);
	_cleanup_buf_ struct buf key = answer_blob(derive_request(OLD_LABEL, strlen(OLD_LABEL)));
	assert_int_equal(key.len, derived.len);
	assert_memory_equal(key.data, derived.data, derived.len);
	assert_int_equal(wrap_one(&blob, "here"), KEEPER_BAD_BLOB);
	expect(open_request(&blob, OLD_CONTEXT), KEEPER_BAD_BLOB);
	cache_free(keeper.cache);
	secret_free(&keeper.root);
	keeper = newest;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encrypt_and_decrypt),
		cmocka_unit_test(test_authenticated_encryption),
		cmocka_unit_test(test_longest_value),
		cmocka_unit_test(test_secrets_are_in_the_tail),
		cmocka_unit_test(test_sign_and_verify),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_blob),
		cmocka_unit_test(test_kinds_of_blobs),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_make_parameters),
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_transfer_parameters),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_reseal),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_versions_and_operations),
		cmocka_unit_test(test_wire_numbers),
		cmocka_unit_test(test_public_half),
		cmocka_unit_test(test_old_store),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
