// SPDX-License-Identifier: Apache-2.0
#include "base/enc.h"

#include "base/test-util.h"

typedef int (*encoder)(struct buf *out, const void *data, size_t len);
typedef int (*decoder)(struct buf *out, const char *text, size_t len);

static void expect(encoder enc, decoder dec, const char *plain, const char *text) {
	_cleanup_buf_ struct buf encoded = {0}, decoded = {0};
	assert_int_equal(enc(&encoded, plain, strlen(plain)), 0);
	assert_string_equal(buf_cstr(&encoded), text);
	assert_int_equal(dec(&decoded, text, strlen(text)), 0);
	assert_int_equal(decoded.len, strlen(plain));
	assert_string_equal(buf_cstr(&decoded), plain);
}

// RFC 4648 section 10.
static void test_rfc4648(void **state _unused_) {
	static const char *const vectors[][4] = {
		{"", "", "", ""},
		{"f", "Zg==", "Zg", "66"},
		{"fo", "Zm8=", "Zm8", "666f"},
		{"foo", "Zm9v", "Zm9v", "666f6f"},
		{"foob", "Zm9vYg==", "Zm9vYg", "666f6f62"},
		{"fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261"},
		{"foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		expect(enc_base64, dec_base64, vectors[i][0], vectors[i][1]);
		expect(enc_base64url, dec_base64url, vectors[i][0], vectors[i][2]);
		expect(enc_hex, dec_hex, vectors[i][0], vectors[i][3]);
	}
}

static void test_alphabets(void **state _unused_) {
	expect(enc_base64, dec_base64, "\xfb\xff\xfe", "+//+");
	expect(enc_base64url, dec_base64url, "\xfb\xff\xfe", "-__-");
}

static void test_every_byte(void **state _unused_) {
	static const struct {
		encoder enc;
		decoder dec;
	} pairs[] = {{enc_base64, dec_base64}, {enc_base64url, dec_base64url}, {enc_hex, dec_hex}};
	uint8_t bytes[259];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t p = 0; p < ARRAY_SIZE(pairs); p++)
		for (size_t len = 0; len <= sizeof(bytes); len++) {
			_cleanup_buf_ struct buf text = {0}, back = {0};
			assert_int_equal(pairs[p].enc(&text, bytes, len), 0);
			assert_int_equal(pairs[p].dec(&back, buf_cstr(&text), text.len), 0);
			assert_int_equal(back.len, len);
			assert_memory_equal(back.data, bytes, len);
		}
}

static void expect_refused(decoder dec, const char *text, size_t len) {
	_cleanup_buf_ struct buf out = {0};
	assert_int_equal(buf_str(&out, "before"), 0);
	if (dec(&out, text, len) != -EINVAL)
		fail_msg("accepted: %s", text);
	assert_string_equal(buf_cstr(&out), "before");
}

static void test_refused(void **state _unused_) {
	static const char *const base64url[] = {"A", "AAAAA", "Zg==", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm9v ", " Zm9v", "Zm\n9", "Zm=", "Z g"};
	for (size_t i = 0; i < ARRAY_SIZE(base64url); i++)
		expect_refused(dec_base64url, base64url[i], strlen(base64url[i]));
	static const char *const base64[] = {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "A===", "Zm9v====", "Z=g=", "Zg==Zg==", "Zm-v",
		"Zm_v", "Zm9v\n", "=Zg="};
	for (size_t i = 0; i < ARRAY_SIZE(base64); i++)
		expect_refused(dec_base64, base64[i], strlen(base64[i]));
	static const char *const hex[] = {"6", "666", "6g", "g6", "0x", " 6", "6 ", "\x16\x16", "``", "@@"};
	for (size_t i = 0; i < ARRAY_SIZE(hex); i++)
		expect_refused(dec_hex, hex[i], strlen(hex[i]));
	// A NUL byte is no character of any alphabet.
	expect_refused(dec_base64url, "Zm\0v", 4);
	expect_refused(dec_base64, "Zm\0v", 4);
	expect_refused(dec_hex, "6\0", 2);
}

static void test_hex_cases(void **state _unused_) {
	_cleanup_buf_ struct buf out = {0};
	assert_int_equal(dec_hex(&out, "aBcDeF", 6), 0);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "\xab\xcd\xef", 3);
}

static void test_appends(void **state _unused_) {
	_cleanup_buf_ struct buf out = {0};
	assert_int_equal(buf_str(&out, "a."), 0);
	assert_int_equal(enc_base64url(&out, "foo", 3), 0);
	assert_int_equal(enc_hex(&out, "f", 1), 0);
	assert_int_equal(dec_base64(&out, "Zm8=", 4), 0);
	assert_string_equal(buf_cstr(&out), "a.Zm9v66fo");
}

static void test_uuid(void **state _unused_) {
	char a[ENC_UUID_SIZE], b[ENC_UUID_SIZE];
	assert_int_equal(enc_uuid(a), 0);
	assert_int_equal(enc_uuid(b), 0);
	assert_true(enc_is_uuid(a) && enc_is_uuid(b));
	assert_string_not_equal(a, b);
	// RFC 4122 section 4.4: version 4, variant 10.
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
	for (const char *p = a; *p; p++)
		assert_false(*p >= 'A' && *p <= 'Z');
}

static void test_is_uuid(void **state _unused_) {
	assert_true(enc_is_uuid("00000000-0000-0000-0000-000000000000"));
	assert_true(enc_is_uuid("ABCDEFab-1234-5678-9abc-DEF012345678"));
	static const char *const no[] = {"", "0", "00000000", "00000000-", "00000000-0000-0000-0000-00000000000",
		"00000000-0000-0000-0000-0000000000000", "000000000000-0000-0000-000000000000", "0000000g-0000-0000-0000-000000000000",
		"{0000000-0000-0000-0000-00000000000}", "00000000_0000_0000_0000_000000000000", "00000000-0000-0000-0000-00000000000-"};
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (enc_is_uuid(no[i]))
			fail_msg("accepted: %s", no[i]);
}

static void test_random_hex(void **state _unused_) {
	char a[129], b[129];
	memset(a, '?', sizeof(a));
	assert_int_equal(enc_random_hex(a, 64), 0);
	assert_int_equal(strlen(a), 128);
	assert_int_equal(strspn(a, "0123456789abcdef"), 128);
	assert_int_equal(enc_random_hex(b, 64), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(enc_random_hex(a, 0), 0);
	assert_string_equal(a, "");
	assert_int_equal(enc_random_hex(b, 65), -EINVAL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc4648),
		cmocka_unit_test(test_alphabets),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hex_cases),
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_is_uuid),
		cmocka_unit_test(test_random_hex),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
