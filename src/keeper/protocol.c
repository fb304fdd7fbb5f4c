// SPDX-License-Identifier: Apache-2.0
#include "keeper/protocol.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"

// The wire number of each; the order in crypto/alg.h may change, these may not.
static const uint8_t algs[KEY_ALG_COUNT] = {
	[KEY_ALG_RSA_OAEP] = 1,
	[KEY_ALG_RSA_OAEP_256] = 2,
	[KEY_ALG_RS256] = 3,
	[KEY_ALG_RSA1_5] = 4,
	[KEY_ALG_RS384] = 5,
	[KEY_ALG_RS512] = 6,
	[KEY_ALG_RSNULL] = 7,
	[KEY_ALG_PS256] = 8,
	[KEY_ALG_PS384] = 9,
	[KEY_ALG_PS512] = 10,
	[KEY_ALG_ES256] = 11,
	[KEY_ALG_ES256K] = 12,
	[KEY_ALG_ES384] = 13,
	[KEY_ALG_ES512] = 14,
	[KEY_ALG_A128KW] = 15,
	[KEY_ALG_A192KW] = 16,
	[KEY_ALG_A256KW] = 17,
	[KEY_ALG_A128GCM] = 18,
	[KEY_ALG_A192GCM] = 19,
	[KEY_ALG_A256GCM] = 20,
	[KEY_ALG_A128CBC] = 21,
	[KEY_ALG_A192CBC] = 22,
	[KEY_ALG_A256CBC] = 23,
	[KEY_ALG_A128CBCPAD] = 24,
	[KEY_ALG_A192CBCPAD] = 25,
	[KEY_ALG_A256CBCPAD] = 26,
	[KEY_ALG_AES_KEY_WRAP] = 27,
	[KEY_ALG_AES_KEY_WRAP_PAD] = 28,
	[KEY_ALG_HS256] = 29,
	[KEY_ALG_HS384] = 30,
	[KEY_ALG_HS512] = 31,
};

static const uint8_t kinds[] = {
	[KEY_KIND_RSA] = 1,
	[KEY_KIND_EC] = 2,
	[KEY_KIND_OCT] = 3,
};

static const uint8_t curves[] = {
	[KEY_CURVE_P256] = 1,
	[KEY_CURVE_P256K] = 2,
	[KEY_CURVE_P384] = 3,
	[KEY_CURVE_P521] = 4,
};

static uint8_t wire_of(const uint8_t *table, size_t count, unsigned value) {
	return value < count ? table[value] : 0;
}

// The place of a number in a table; place 0 is that of NONE.
static unsigned value_of(const uint8_t *table, size_t count, uint8_t wire) {
	for (unsigned i = 1; i < count; i++)
		if (table[i] == wire && wire != 0)
			return i;
	return 0;
}

uint8_t keeper_wire_of_alg(enum key_alg alg) {
	return wire_of(algs, ARRAY_SIZE(algs), alg);
}

enum key_alg keeper_alg_of_wire(uint8_t wire) {
	return (enum key_alg)value_of(algs, ARRAY_SIZE(algs), wire);
}

uint8_t keeper_wire_of_kind(enum key_kind kind) {
	return wire_of(kinds, ARRAY_SIZE(kinds), kind);
}

enum key_kind keeper_kind_of_wire(uint8_t wire) {
	return (enum key_kind)value_of(kinds, ARRAY_SIZE(kinds), wire);
}

uint8_t keeper_wire_of_curve(enum key_curve curve) {
	return wire_of(curves, ARRAY_SIZE(curves), curve);
}

enum key_curve keeper_curve_of_wire(uint8_t wire) {
	return (enum key_curve)value_of(curves, ARRAY_SIZE(curves), wire);
}

int keeper_append_public(struct buf *b, const struct key_public *pub) {
	uint8_t kind = keeper_wire_of_kind(pub->kind);
	if (kind == 0 || pub->n_len > sizeof(pub->n) || pub->e_len > sizeof(pub->e) || pub->bits > UINT16_MAX)
		return -EINVAL;
	size_t coordinate = curve_bytes(pub->curve);
	int rc = buf_u8(b, kind);
	if (rc == 0)
		rc = buf_u16(b, (uint16_t)pub->bits);
	if (rc == 0)
		rc = buf_u8(b, keeper_wire_of_curve(pub->curve));
	if (rc == 0)
		rc = buf_blob(b, pub->n, pub->n_len);
	if (rc == 0)
		rc = buf_blob(b, pub->e, pub->e_len);
	if (rc == 0)
		rc = buf_blob(b, pub->x, coordinate);
	return rc < 0 ? rc : buf_blob(b, pub->y, coordinate);
}

bool keeper_read_public(struct cursor *c, struct key_public *pub) {
	struct key_public read = {.kind = keeper_kind_of_wire(cursor_u8(c)), .bits = cursor_u16(c)};
	uint8_t curve = cursor_u8(c);
	read.curve = keeper_curve_of_wire(curve);
	const uint8_t *n = cursor_blob(c, sizeof(read.n), &read.n_len);
	const uint8_t *e = cursor_blob(c, sizeof(read.e), &read.e_len);
	size_t x_len, y_len, coordinate = curve_bytes(read.curve);
	const uint8_t *x = cursor_blob(c, sizeof(read.x), &x_len);
	const uint8_t *y = cursor_blob(c, sizeof(read.y), &y_len);
	if (c->failed || read.kind == KEY_KIND_NONE || (curve != 0 && read.curve == KEY_CURVE_NONE) || x_len != coordinate ||
		y_len != coordinate)
		return false;
	memcpy(read.n, n, read.n_len);
	memcpy(read.e, e, read.e_len);
	memcpy(read.x, x, x_len);
	memcpy(read.y, y, y_len);
	*pub = read;
	return true;
}

void keeper_numbers(struct key_private *key, struct secret *numbers[static KEEPER_NUMBERS]) {
	struct secret *const all[KEEPER_NUMBERS] = {&key->d, &key->p, &key->q, &key->dp, &key->dq, &key->qi, &key->k};
	memcpy(numbers, all, sizeof(all));
}
