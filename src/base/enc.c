// SPDX-License-Identifier: Apache-2.0
#include "base/enc.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static const char base64url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_alphabet[] = "0123456789abcdef";

static int encode64(struct buf *out, const uint8_t *p, size_t len, const char *alphabet, bool pad) {
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16;
		if (n > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		char quad[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63], alphabet[v & 63]};
		for (size_t k = n + 1; k < 4; k++)
			quad[k] = '=';
		int rc = buf_append(out, quad, pad ? 4 : n + 1);
		if (rc < 0)
			return rc;
	}
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
	for (size_t i = 0; i < len; i++) {
		int rc = buf_append(out, (char[]){hex_alphabet[p[i] >> 4], hex_alphabet[p[i] & 15]}, 2);
		if (rc < 0)
			return rc;
	}
	return 0;
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
			int rc = buf_u8(&bytes, (uint8_t)(v >> bits));
			if (rc < 0)
				return rc;
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
	for (size_t i = 0; i < len; i += 2) {
		int hi = value16(text[i]), lo = value16(text[i + 1]);
		if (hi < 0 || lo < 0)
			return -EINVAL;
		int rc = buf_u8(&bytes, (uint8_t)(hi << 4 | lo));
		if (rc < 0)
			return rc;
	}
	return buf_append(out, bytes.data, bytes.len);
}

int enc_uuid(char out[static ENC_UUID_SIZE]) {
	uint8_t b[16];
	if (RAND_bytes(b, sizeof(b)) != 1)
		return -EIO;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	(void)snprintf(out, ENC_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
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
