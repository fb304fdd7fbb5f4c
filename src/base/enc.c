// SPDX-License-Identifier: Apache-2.0
#include "base/enc.h"

#include <errno.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

static const char base64url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_alphabet[] = "0123456789abcdef";

static int encode64(struct buf *out, const uint8_t *p, size_t len, const char *alphabet, bool pad) {
	size_t rest = len % 3;
	uint8_t *at;
	int rc = buf_extend(out, len / 3 * 4 + (rest == 0 ? 0 : pad ? 4 : rest + 1), &at);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16;
		if (n > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		for (size_t k = 0; k <= n; k++)
			*at++ = (uint8_t)alphabet[v >> (18 - 6 * k) & 63];
	}
	if (pad && rest > 0)
		memset(at, '=', 3 - rest);
	return 0;
}

int enc_base64url(struct buf *out, const void *data, size_t len) {
	return encode64(out, data, len, base64url_alphabet, false);
}

int enc_base64(struct buf *out, const void *data, size_t len) {
	return encode64(out, data, len, base64_alphabet, true);
}

int enc_hex(struct buf *out, const void *data, size_t len) {
	const uint8_t *p = data;
	uint8_t *at;
	int rc = buf_extend(out, 2 * len, &at);
	for (size_t i = 0; rc == 0 && i < len; i++) {
		*at++ = (uint8_t)hex_alphabet[p[i] >> 4];
		*at++ = (uint8_t)hex_alphabet[p[i] & 15];
	}
	return rc;
}

static int value16(char c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The value of a character, -1 outside the alphabet. The two alphabets differ in their last two characters alone.
static int value64(const char *alphabet, char c) {
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == alphabet[62] ? 62 : c == alphabet[63] ? 63 : -1;
}

static int decode64(struct buf *out, const char *text, size_t len, const char *alphabet) {
	if (len % 4 == 1)
		return -EINVAL;
	_cleanup_buf_ struct buf bytes = {0};
	uint8_t *at;
	int rc = buf_extend(&bytes, len * 6 / 8, &at);
	if (rc < 0)
		return rc;
	uint32_t v = 0;
	unsigned bits = 0;
	for (size_t i = 0; i < len; i++) {
		int d = value64(alphabet, text[i]);
		if (d < 0)
			return -EINVAL;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*at++ = (uint8_t)(v >> bits);
			v &= (1u << bits) - 1;
		}
	}
	// A second spelling of the same bytes would be a second name for the same thing.
	if (v != 0)
		return -EINVAL;
	return buf_append(out, bytes.data, bytes.len);
}

int dec_base64url(struct buf *out, const char *text, size_t len) {
	return decode64(out, text, len, base64url_alphabet);
}

int dec_base64(struct buf *out, const char *text, size_t len) {
	if (len % 4 != 0)
		return -EINVAL;
	for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
		len--;
	return decode64(out, text, len, base64_alphabet);
}

int dec_hex(struct buf *out, const char *text, size_t len) {
	if (len % 2 != 0)
		return -EINVAL;
	_cleanup_buf_ struct buf bytes = {0};
	uint8_t *at;
	int rc = buf_extend(&bytes, len / 2, &at);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < len; i += 2) {
		int hi = value16(text[i]), lo = value16(text[i + 1]);
		if (hi < 0 || lo < 0)
			return -EINVAL;
		*at++ = (uint8_t)(hi << 4 | lo);
	}
	return buf_append(out, bytes.data, bytes.len);
}

int enc_uuid(char out[static ENC_UUID_SIZE]) {
	uint8_t b[16];
	// Every request has an id, and OpenSSL's generator takes longer than the kernel's.
	if (getentropy(b, sizeof(b)) < 0)
		return -errno;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex_alphabet[b[i] >> 4];
		*out++ = hex_alphabet[b[i] & 15];
	}
	*out = 0;
	return 0;
}

bool enc_is_uuid(const char *text) {
	for (size_t i = 0; i < ENC_UUID_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? text[i] != '-' : !text[i] || !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	}
	return text[ENC_UUID_SIZE - 1] == 0;
}

int enc_random_hex(char *out, size_t bytes) {
	uint8_t random[64];
	if (bytes > sizeof(random))
		return -EINVAL;
	if (RAND_bytes(random, (int)bytes) != 1)
		return -EIO;
	for (size_t i = 0; i < bytes; i++) {
		out[2 * i] = hex_alphabet[random[i] >> 4];
		out[2 * i + 1] = hex_alphabet[random[i] & 15];
	}
	out[2 * bytes] = 0;
	return 0;
}
