// SPDX-License-Identifier: Apache-2.0
// Messages to the keeper. The first byte says what the rest is: 'r' a message as it comes; 'A' and the letters behind it
// an operation and what follows its place, where the place is that of one of the things sealed here; 't' a kind of key and
// its encoding, which is wrapped here for a transfer.
#include "fuzz.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/cursor.h"
#include "base/enc.h"
#include "base/macros.h"
#include "crypto/test-vectors-rsa.h"
#include "keeper/answer.h"
#include "keeper/protocol.h"
#include "keeper/seal.h"

#define CONTEXT "here"

enum { SEALED_MAX = 16, EXCHANGE = 1 };

// The cache of keys asks how full the locked heap is, which no fuzzer has; OpenSSL would look for it in vain.
size_t CRYPTO_secure_used(void) {
	return 0;
}

static struct keeper keeper;
static struct buf sealed[SEALED_MAX];
static size_t sealed_count;

// What a transfer is made with: an AES key, and the same under the exchange key.
static struct key *transfer_key;
static struct key_output transfer_wrapped;

static void seal_one(enum seal_kind kind, unsigned usage, const void *plain, size_t len) {
	must(seal(&keeper.root, kind, usage, CONTEXT, strlen(CONTEXT), plain, len, &sealed[sealed_count++], NULL) == 0);
}

static void seal_curve(enum key_curve curve) {
	const struct key_spec spec = {.kind = KEY_KIND_EC, .curve = curve};
	_cleanup_pkey_ struct key *key = NULL;
	_cleanup_secret_ struct secret encoded = {0};
	must(key_make(&spec, &key, NULL) == 0 && key_encode(key, &encoded, NULL) == 0);
	seal_one(SEAL_EC, KEEPER_USE_SIGN, encoded.data, encoded.len);
}

static void prepare_transfer(struct key *exchange) {
	static const uint8_t bytes[32] = "an AES key that is used one time";
	const struct key_private material = {.pub.kind = KEY_KIND_OCT, .k = {.data = (uint8_t *)(uintptr_t)bytes, .len = 32}};
	const struct key_input in = {.value = bytes, .len = sizeof(bytes)};
	must(key_from_private(&material, &transfer_key, NULL) == 0);
	must(key_encrypt(exchange, KEY_ALG_RSA_OAEP, ALG_WRAP, &in, &transfer_wrapped, NULL) == 0);
}

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
	static const uint8_t bytes[SEAL_ROOT_SIZE] = "a root key that anybody may know";
	_cleanup_buf_ struct buf der = {0};
	_cleanup_pkey_ struct key *exchange = NULL;
	must(secret_copy(&keeper.root, bytes, sizeof(bytes)) == 0 && cache_new(SIZE_MAX, &keeper.cache) == 0);
	must(dec_hex(&der, rfc7515_a2_key, strlen(rfc7515_a2_key)) == 0);
	must(key_from_encoded(KEY_KIND_RSA, der.data, der.len, &exchange, NULL) == 0);
	prepare_transfer(exchange);
	seal_one(SEAL_RSA, KEEPER_USE_WRAP | KEEPER_USE_SIGN, der.data, der.len);
	seal_one(SEAL_RSA, KEEPER_USE_IMPORT, der.data, der.len);
	for (enum key_curve curve = KEY_CURVE_P256; curve <= KEY_CURVE_P521; curve++)
		seal_curve(curve);
	for (size_t len = 16; len <= 32; len += 8)
		seal_one(SEAL_OCT, KEEPER_USE_WRAP | KEEPER_USE_SIGN, bytes, len);
	seal_one(SEAL_OCT, KEEPER_USE_WRAP, bytes, 32);
	seal_one(SEAL_DATA, 0, "some data", 9);
	return 0;
}

// The fields of an answer, head and tail together; freed by the caller.
struct answer {
	uint8_t status;
	struct buf fields;
};
#define _cleanup_answer_ _cleanup_(answer_free)
static void answer_free(struct answer *a) {
	buf_free(&a->fields);
}

static bool tail_allowed(unsigned op) {
	return op == KEEPER_OP_ENCRYPT || op == KEEPER_OP_DECRYPT || op == KEEPER_OP_OPEN || op == KEEPER_OP_DERIVE;
}

static struct answer ask(const void *message, size_t len) {
	_cleanup_reply_ struct reply r = {0};
	const uint8_t *bytes = message;
	must(keeper_answer(&keeper, message, len, &r) == 0);
	must(r.head.len >= 2 && r.head.len + r.tail.len <= KEEPER_RECORD_MAX && r.head.data[0] == KEEPER_PROTOCOL_VERSION);
	struct answer a = {.status = r.head.data[1]};
	must(a.status <= KEEPER_BAD_REQUEST && a.status != KEEPER_INTERNAL && r.hang_up == (a.status == KEEPER_BAD_REQUEST));
	must(r.tail.len == 0 || (a.status == KEEPER_OK && tail_allowed(bytes[1])));
	must(buf_append(&a.fields, r.head.data + 2, r.head.len - 2) == 0);
	must(buf_append(&a.fields, r.tail.data, r.tail.len) == 0);
	return a;
}

struct span {
	const uint8_t *bytes;
	size_t len;
};

static struct span take_blob(struct cursor *c, size_t max) {
	struct span s = {0};
	s.bytes = cursor_blob(c, max, &s.len);
	must(!c->failed);
	return s;
}

static struct span only_blob(const struct answer *a, size_t max) {
	struct cursor c = cursor_of(a->fields.data, a->fields.len);
	struct span s = take_blob(&c, max);
	must(cursor_done(&c));
	return s;
}

static void add_blob(struct buf *q, struct span s) {
	must(buf_blob(q, s.bytes, s.len) == 0);
}

static void add_u8(struct buf *q, unsigned n) {
	must(buf_u8(q, (uint8_t)n) == 0);
}

static struct buf request(enum keeper_op op) {
	struct buf q = {0};
	add_u8(&q, KEEPER_PROTOCOL_VERSION);
	add_u8(&q, op);
	return q;
}

static bool same(struct span a, struct span b) {
	return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

// What was asked for and what was answered, as the operations below have them: c is at the fields behind the operation.

static void check_new_key(struct span context, const struct answer *a) {
	struct cursor c = cursor_of(a->fields.data, a->fields.len);
	struct span blob = take_blob(&c, KEEPER_BLOB_MAX);
	struct key_public pub;
	must(keeper_read_public(&c, &pub) && cursor_done(&c));
	_cleanup_buf_ struct buf q = request(KEEPER_OP_RESEAL);
	add_blob(&q, blob);
	add_blob(&q, context);
	add_blob(&q, context);
	_cleanup_answer_ struct answer again = ask(q.data, q.len);
	must(again.status == KEEPER_OK);
	(void)only_blob(&again, KEEPER_BLOB_MAX);
}

static void check_made(struct cursor *c, const struct answer *a) {
	(void)cursor_bytes(c, 1 + 2 + 4 + 1 + 1);
	check_new_key(take_blob(c, KEEPER_CONTEXT_MAX), a);
}

static void check_imported(struct cursor *c, const struct answer *a) {
	(void)cursor_u8(c);
	struct span context = take_blob(c, KEEPER_CONTEXT_MAX);
	check_new_key(context, a);
	struct key_public given, shown;
	must(keeper_read_public(c, &given));
	struct cursor fields = cursor_of(a->fields.data, a->fields.len);
	(void)take_blob(&fields, KEEPER_BLOB_MAX);
	must(keeper_read_public(&fields, &shown) && shown.kind == given.kind);
	// Numbers may be given with zeros before them, and sizes are taken from the numbers.
	must(given.kind != KEY_KIND_EC || (memcmp(shown.x, given.x, sizeof(given.x)) == 0 && shown.curve == given.curve));
}

static void check_transferred(struct cursor *c, const struct answer *a) {
	(void)take_blob(c, KEEPER_BLOB_MAX);
	(void)take_blob(c, KEEPER_CONTEXT_MAX);
	(void)cursor_bytes(c, 1 + 1);
	check_new_key(take_blob(c, KEEPER_CONTEXT_MAX), a);
}

struct cipher {
	struct span blob, context, iv, aad, tag, value;
	uint8_t alg, use;
};

static void take_output(const struct answer *a, struct cipher *out) {
	struct cursor c = cursor_of(a->fields.data, a->fields.len);
	out->iv = take_blob(&c, KEY_IV_MAX);
	out->tag = take_blob(&c, KEY_TAG_SIZE);
	out->value = take_blob(&c, KEEPER_INPUT_MAX);
	must(cursor_done(&c));
}

// What is encrypted is decrypted again.
static void check_encrypted(struct cursor *c, const struct answer *a) {
	struct cipher in = {.blob = take_blob(c, KEEPER_BLOB_MAX), .context = take_blob(c, KEEPER_CONTEXT_MAX)};
	in.alg = cursor_u8(c);
	in.use = cursor_u8(c);
	in.iv = take_blob(c, KEY_IV_MAX);
	in.aad = take_blob(c, KEEPER_INPUT_MAX);
	in.tag = take_blob(c, KEY_TAG_SIZE);
	in.value = take_blob(c, KEEPER_INPUT_MAX);
	struct cipher out = {0}, plain = {0};
	take_output(a, &out);
	_cleanup_buf_ struct buf q = request(KEEPER_OP_DECRYPT);
	add_blob(&q, in.blob);
	add_blob(&q, in.context);
	add_u8(&q, in.alg);
	add_u8(&q, in.use);
	add_blob(&q, out.iv);
	add_blob(&q, in.aad);
	add_blob(&q, out.tag);
	add_blob(&q, out.value);
	_cleanup_answer_ struct answer back = ask(q.data, q.len);
	must(back.status == KEEPER_OK);
	take_output(&back, &plain);
	must(same(plain.value, in.value));
}

static void check_decrypted(struct cursor *c _unused_, const struct answer *a) {
	struct cipher out;
	take_output(a, &out);
}

// What is signed is verified.
static void check_signed(struct cursor *c, const struct answer *a) {
	struct span blob = take_blob(c, KEEPER_BLOB_MAX), context = take_blob(c, KEEPER_CONTEXT_MAX);
	uint8_t alg = cursor_u8(c);
	struct span digest = take_blob(c, KEEPER_INPUT_MAX);
	_cleanup_buf_ struct buf q = request(KEEPER_OP_VERIFY);
	add_blob(&q, blob);
	add_blob(&q, context);
	add_u8(&q, alg);
	add_blob(&q, digest);
	add_blob(&q, only_blob(a, KEY_RSA_MAX_BYTES));
	_cleanup_answer_ struct answer verified = ask(q.data, q.len);
	must(verified.status == KEEPER_OK && verified.fields.len == 1 && verified.fields.data[0] == 1);
}

static void check_verified(struct cursor *c _unused_, const struct answer *a) {
	must(a->fields.len == 1 && a->fields.data[0] <= 1);
}

// What is sealed opens.
static void check_sealed(struct cursor *c, const struct answer *a) {
	struct span context = take_blob(c, KEEPER_CONTEXT_MAX), data = take_blob(c, KEEPER_DATA_MAX);
	_cleanup_buf_ struct buf q = request(KEEPER_OP_OPEN);
	add_blob(&q, only_blob(a, KEEPER_BLOB_MAX));
	add_blob(&q, context);
	_cleanup_answer_ struct answer opened = ask(q.data, q.len);
	must(opened.status == KEEPER_OK && same(only_blob(&opened, KEEPER_DATA_MAX), data));
}

static void check_opened(struct cursor *c _unused_, const struct answer *a) {
	(void)only_blob(a, KEEPER_DATA_MAX);
}

static void check_resealed(struct cursor *c _unused_, const struct answer *a) {
	(void)only_blob(a, KEEPER_BLOB_MAX);
}

static void check_derived(struct cursor *c _unused_, const struct answer *a) {
	must(only_blob(a, KEEPER_DERIVED_SIZE).len == KEEPER_DERIVED_SIZE);
}

static void check_pinged(struct cursor *c _unused_, const struct answer *a) {
	must(a->fields.len == 0);
}

static void (*const checks[])(struct cursor *c, const struct answer *a) = {
	[KEEPER_OP_PING] = check_pinged,
	[KEEPER_OP_MAKE] = check_made,
	[KEEPER_OP_ENCRYPT] = check_encrypted,
	[KEEPER_OP_DECRYPT] = check_decrypted,
	[KEEPER_OP_SIGN] = check_signed,
	[KEEPER_OP_DERIVE] = check_derived,
	[KEEPER_OP_VERIFY] = check_verified,
	[KEEPER_OP_IMPORT] = check_imported,
	[KEEPER_OP_IMPORT_TRANSFER] = check_transferred,
	[KEEPER_OP_SEAL] = check_sealed,
	[KEEPER_OP_OPEN] = check_opened,
	[KEEPER_OP_RESEAL] = check_resealed,
};

// Seconds of nothing but arithmetic that is not ours.
static bool makes_rsa(const uint8_t *message, size_t len) {
	return len > 2 && message[1] == KEEPER_OP_MAKE && keeper_kind_of_wire(message[2]) == KEY_KIND_RSA;
}

static void converse(const uint8_t *message, size_t len) {
	if (len > KEEPER_RECORD_MAX || makes_rsa(message, len))
		return;
	_cleanup_answer_ struct answer a = ask(message, len);
	if (a.status != KEEPER_OK) {
		must(only_blob(&a, KEEPER_TEXT_MAX).len > 0);
		return;
	}
	struct cursor c = cursor_of(message + 2, len - 2);
	must(message[1] < ARRAY_SIZE(checks) && checks[message[1]]);
	checks[message[1]](&c, &a);
}

static void converse_about(const struct buf *blob, const uint8_t *rest, size_t len) {
	_cleanup_buf_ struct buf q = request(len > 0 ? rest[0] : 0);
	add_blob(&q, (struct span){blob->data, blob->len});
	add_blob(&q, (struct span){(const uint8_t *)CONTEXT, strlen(CONTEXT)});
	if (len > 1)
		must(buf_append(&q, rest + 1, len - 1) == 0);
	converse(q.data, q.len);
}

static void transfer(const uint8_t *rest, size_t len) {
	const struct key_input in = {.value = rest + 1, .len = len - 1};
	_cleanup_key_output_ struct key_output wrapped = {0};
	if (key_encrypt(transfer_key, KEY_ALG_AES_KEY_WRAP_PAD, ALG_WRAP, &in, &wrapped, NULL) < 0)
		return;
	_cleanup_buf_ struct buf blob = {0}, q = request(KEEPER_OP_IMPORT_TRANSFER);
	must(buf_append(&blob, transfer_wrapped.value.data, transfer_wrapped.value.len) == 0);
	must(buf_append(&blob, wrapped.value.data, wrapped.value.len) == 0);
	add_blob(&q, (struct span){sealed[EXCHANGE].data, sealed[EXCHANGE].len});
	add_blob(&q, (struct span){(const uint8_t *)CONTEXT, strlen(CONTEXT)});
	add_u8(&q, rest[0]);
	add_u8(&q, KEEPER_USE_SIGN);
	add_blob(&q, (struct span){(const uint8_t *)"there", 5});
	add_blob(&q, (struct span){blob.data, blob.len});
	converse(q.data, q.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0)
		return 0;
	if (data[0] == 'r')
		converse(data + 1, size - 1);
	else if (data[0] == 't' && size > 2)
		transfer(data + 1, size - 1);
	else if (data[0] >= 'A' && (size_t)(data[0] - 'A') < sealed_count)
		converse_about(&sealed[data[0] - 'A'], data + 1, size - 1);
	return 0;
}
