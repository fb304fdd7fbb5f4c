// SPDX-License-Identifier: Apache-2.0
// Names that are the same for the same arguments: guid and uniqueString, both of the arguments joined by '-'.
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "template/expr_internal.h"

static int join_arguments(const struct call *c, struct buf *text, struct err *err) {
	for (size_t i = 0; i < c->count; i++) {
		const char *part;
		int rc = want_string(c, i, &part, err);
		if (rc == 0 && i > 0)
			rc = append_str(c->ev, text, "-", err);
		if (rc == 0)
			rc = append_str(c->ev, text, part, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// A UUID of version 5 (RFC 4122) in a namespace of Azure Resource Manager's own.
static int compute_guid(const struct call *c, json_t **out, struct err *err) {
	static const uint8_t namespace[] = {0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88,
		0x30};
	_cleanup_buf_ struct buf text = {0};
	uint8_t h[EVP_MAX_MD_SIZE];
	char guid[40];
	int rc = buf_append(&text, namespace, sizeof(namespace)) < 0 ? err_oom(err) : join_arguments(c, &text, err);
	if (rc < 0)
		return rc;
	if (EVP_Digest(text.data, text.len, h, NULL, EVP_sha1(), NULL) != 1)
		return err_errno(err, -EIO, "cannot work out a SHA-1");
	h[6] = (uint8_t)((h[6] & 0x0f) | 0x50);
	h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
	int len = snprintf(guid, sizeof(guid), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
		h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
	return deliver_text(c->ev, guid, (size_t)len, out, err);
}

static uint32_t rotate(uint32_t x, int by) {
	return x << by | x >> (32 - by);
}

// Up to four bytes, the first the lowest.
static uint32_t take_lane(struct cursor *c) {
	uint32_t lane = 0;
	for (int shift = 0; shift < 32 && c->left > 0; shift += 8)
		lane |= (uint32_t)cursor_u8(c) << shift;
	return lane;
}

static uint32_t finish(uint32_t h) {
	h = (h ^ h >> 16) * 0x85ebca6bU;
	h = (h ^ h >> 13) * 0xc2b2ae35U;
	return h ^ h >> 16;
}

// MurmurHash of 64 bits in two lanes of 32, seeds 0, as Azure Resource Manager uses it: the constants are those of
// MurmurHash3 for x86 and 128 bits (its second and third), two of whose four lanes these are like.
static uint64_t hash(const void *data, size_t len) {
	const uint32_t a = 0xab0e9789U, b = 0x239b961bU, length = (uint32_t)len;
	struct cursor in = cursor_of(data, len);
	uint32_t h1 = 0, h2 = 0;
	while (in.left > 0) {
		bool whole = in.left >= 8;
		h1 ^= rotate(take_lane(&in) * b, 15) * a;
		if (whole)
			h1 = (rotate(h1, 19) + h2) * 5 + 0x561ccd1bU;
		h2 ^= rotate(take_lane(&in) * a, 17) * b;
		if (whole)
			h2 = (rotate(h2, 13) + h1) * 5 + 0x0bcaa747U;
	}
	h1 ^= length;
	h2 ^= length;
	h1 += h2;
	h2 += h1;
	h1 = finish(h1);
	h2 = finish(h2);
	h1 += h2;
	h2 += h1;
	return (uint64_t)h2 << 32 | h1;
}

static int compute_unique_string(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	char name[13];
	int rc = join_arguments(c, &text, err);
	if (rc < 0)
		return rc;
	uint64_t h = hash(text.data, text.len);
	for (size_t i = 0; i < sizeof(name); i++, h <<= 5)
		name[i] = "abcdefghijklmnopqrstuvwxyz234567"[h >> 59];
	return deliver_text(c->ev, name, sizeof(name), out, err);
}

const struct function hash_functions[] = {
	{"guid", 1, ANY_COUNT, compute_guid, NULL},
	{"uniqueString", 1, ANY_COUNT, compute_unique_string, NULL},
	{0},
};
