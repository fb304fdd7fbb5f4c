// SPDX-License-Identifier: Apache-2.0
// Import of keys in numbers and under exchange keys. Everything outside the vault is done by OpenSSL alone.
#include "vault/fixture.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/strv.h"

#define V "?api-version=7.4"
#define CRYPTO_OFFICER "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"

static const uint8_t data_key[32] = "a data key of thirty-two bytes..";

static EVP_PKEY *rsa, *ec;  // made once: a 2048-bit key, a key on P-256

#define _cleanup_evp_ _cleanup_(free_evp)
static void free_evp(EVP_PKEY **key) {
	EVP_PKEY_free(*key);
}

static char *base64url(const void *data, size_t len) {
	struct buf out = {0};
	assert_int_equal(enc_base64url(&out, data, len), 0);
	return buf_take_str(&out);
}

static void set_base64url(json_t *json, const char *name, const void *data, size_t len) {
	_cleanup_free_ char *text = base64url(data, len);
	assert_int_equal(json_set_str(json, name, text), 0);
}

static void decode(const json_t *json, const char *path, struct buf *out) {
	const char *text = json_str(json, path);
	assert_non_null(text);
	assert_int_equal(dec_base64url(out, text, strlen(text)), 0);
}

// A number of `key` as a member; of `size` bytes, or as long as it is.
static void set_number(json_t *jwk, const char *name, const EVP_PKEY *key, const char *param, size_t size) {
	BIGNUM *n = NULL;
	uint8_t bytes[512];
	assert_int_equal(EVP_PKEY_get_bn_param(key, param, &n), 1);
	int len = size ? (int)size : BN_num_bytes(n);
	assert_int_equal(BN_bn2binpad(n, bytes, len), len);
	BN_clear_free(n);
	set_base64url(jwk, name, bytes, (size_t)len);
}

static json_t *rsa_jwk(const EVP_PKEY *key, const char *kty) {
	json_t *jwk = json_pack("{s:s}", "kty", kty);
	set_number(jwk, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
	set_number(jwk, "e", key, OSSL_PKEY_PARAM_RSA_E, 0);
	set_number(jwk, "d", key, OSSL_PKEY_PARAM_RSA_D, 0);
	set_number(jwk, "p", key, OSSL_PKEY_PARAM_RSA_FACTOR1, 0);
	set_number(jwk, "q", key, OSSL_PKEY_PARAM_RSA_FACTOR2, 0);
	set_number(jwk, "dp", key, OSSL_PKEY_PARAM_RSA_EXPONENT1, 0);
	set_number(jwk, "dq", key, OSSL_PKEY_PARAM_RSA_EXPONENT2, 0);
	set_number(jwk, "qi", key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 0);
	return jwk;
}

static json_t *ec_jwk(const EVP_PKEY *key, const char *kty, const char *crv, size_t size) {
	json_t *jwk = json_pack("{s:s, s:s}", "kty", kty, "crv", crv);
	set_number(jwk, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, size);
	set_number(jwk, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
	set_number(jwk, "d", key, OSSL_PKEY_PARAM_PRIV_KEY, size);
	return jwk;
}

static json_t *oct_jwk(const char *kty, const void *key, size_t len) {
	json_t *jwk = json_pack("{s:s}", "kty", kty);
	set_base64url(jwk, "k", key, len);
	return jwk;
}

static char *body_of(json_t *jwk, const char *more) {
	_cleanup_free_ char *text = json_text(jwk);
	json_decref(jwk);
	char *body = strv_printf("{\"key\":%s%s}", text, more);
	assert_non_null(body);
	return body;
}

static json_t *ok(struct fixture *f, const char *method, const char *host, const char *path, const char *body) {
	return fixture_ok(f, f->admin, method, host, path, body);
}

// Takes jwk.
static json_t *import(struct fixture *f, const char *host, const char *name, json_t *jwk, const char *more) {
	_cleanup_free_ char *path = strv_printf("/keys/%s" V, name), *body = body_of(jwk, more);
	json_t *k = ok(f, "PUT", host, path, body);
	static const char *const private[] = {"d", "p", "q", "dp", "dq", "qi", "k", "key_hsm"};
	for (size_t i = 0; i < ARRAY_SIZE(private); i++)
		assert_null(json_object_get(json_at(k, "key"), private[i]));
	return k;
}

static void import_refused(struct fixture *f, const char *host, json_t *jwk, const char *more, int status,
	const char *code, const char *inner, const char *words) {
	_cleanup_free_ char *body = body_of(jwk, more);
	fixture_refused(f, f->admin, "PUT", host, "/keys/refused" V, body, status, code, inner, words);
	fixture_refused(f, f->admin, "GET", host, "/keys/refused" V, NULL, 404, "KeyNotFound", "", "refused");
}

static void bad(struct fixture *f, const char *host, json_t *jwk, const char *more, const char *words) {
	import_refused(f, host, jwk, more, 400, "BadParameter", "", words);
}

// RSA-OAEP under SHA-1 or SHA-256.
static void oaep(EVP_PKEY *key, const EVP_MD *md, const void *in, size_t len, struct buf *out) {
	uint8_t bytes[512];
	size_t n = sizeof(bytes);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, bytes, &n, in, len), 1);
	EVP_PKEY_CTX_free(ctx);
	assert_int_equal(buf_append(out, bytes, n), 0);
}

static void aes_wrap(const EVP_CIPHER *cipher, const uint8_t *key, const void *in, size_t len, struct buf *out) {
	uint8_t bytes[8192];
	int n = 0, last = 0;
	assert_true(len <= sizeof(bytes) - 16);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	assert_int_equal(EVP_EncryptInit_ex(ctx, cipher, NULL, key, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, bytes, &n, in, (int)len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, bytes + n, &last), 1);
	EVP_CIPHER_CTX_free(ctx);
	assert_int_equal(buf_append(out, bytes, (size_t)(n + last)), 0);
}

// What was encrypted outside to the imported key's public half comes back from the vault.
static void unwraps(struct fixture *f, const char *host, const char *name, const char *alg, const struct buf *wrapped) {
	_cleanup_free_ char *value = base64url(wrapped->data, wrapped->len), *path = strv_printf("/keys/%s/unwrapkey" V, name);
	_cleanup_free_ char *body = strv_printf("{\"alg\":\"%s\",\"value\":\"%s\"}", alg, value);
	_cleanup_json_ json_t *answer = ok(f, "POST", host, path, body);
	_cleanup_buf_ struct buf plain = {0};
	decode(answer, "value", &plain);
	assert_int_equal(plain.len, sizeof(data_key));
	assert_memory_equal(plain.data, data_key, sizeof(data_key));
}

static void rsa_unwraps(struct fixture *f, const char *host, const char *name, EVP_PKEY *key) {
	_cleanup_buf_ struct buf wrapped = {0};
	oaep(key, EVP_sha256(), data_key, sizeof(data_key), &wrapped);
	unwraps(f, host, name, "RSA-OAEP-256", &wrapped);
}

static void oct_unwraps(struct fixture *f, const char *host, const char *name, const char *alg, const EVP_CIPHER *cipher,
	const uint8_t *key) {
	_cleanup_buf_ struct buf wrapped = {0};
	aes_wrap(cipher, key, data_key, sizeof(data_key), &wrapped);
	unwraps(f, host, name, alg, &wrapped);
}

// What the vault signs is verified outside with the key that was imported.
static void ec_signs(struct fixture *f, const char *host, const char *name, const char *alg, size_t digest_len,
	EVP_PKEY *key, size_t size) {
	uint8_t digest[64];
	memset(digest, 0x5a, sizeof(digest));
	_cleanup_free_ char *value = base64url(digest, digest_len), *path = strv_printf("/keys/%s/sign" V, name);
	_cleanup_free_ char *body = strv_printf("{\"alg\":\"%s\",\"value\":\"%s\"}", alg, value);
	_cleanup_json_ json_t *answer = ok(f, "POST", host, path, body);
	_cleanup_buf_ struct buf raw = {0};
	decode(answer, "value", &raw);
	assert_int_equal(raw.len, 2 * size);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.data, (int)size, NULL), *s = BN_bin2bn(raw.data + size, (int)size, NULL);
	assert_int_equal(ECDSA_SIG_set0(sig, r, s), 1);
	uint8_t *der = NULL;
	int len = i2d_ECDSA_SIG(sig, &der);
	assert_true(len > 0);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
	assert_int_equal(EVP_PKEY_verify(ctx, der, (size_t)len, digest, digest_len), 1);
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
}

static void test_an_imported_rsa_key_unwraps_what_was_wrapped_outside(void **state) {
	struct fixture *f = *state;
	json_t *jwk = rsa_jwk(rsa, "RSA");
	_cleanup_free_ char *n = strdup(json_str(jwk, "n"));
	_cleanup_json_ json_t *k = import(f, "alpha", "Rsa1", jwk, "");
	assert_string_equal(json_str(k, "key.kty"), "RSA");
	assert_string_equal(json_str(k, "key.n"), n);
	assert_string_equal(json_str(k, "key.e"), "AQAB");
	assert_int_equal(json_array_size(json_at(k, "key.key_ops")), 6);
	assert_memory_equal(json_str(k, "key.kid"), "https://alpha.vault.azure.net/keys/Rsa1/", 40);
	assert_true(json_bool(k, "attributes.enabled", false));
	rsa_unwraps(f, "alpha", "rsa1", rsa);
	_cleanup_json_ json_t *read = ok(f, "GET", "alpha", "/keys/rsa1" V, NULL);
	assert_true(json_equal(read, k));
	_cleanup_json_ json_t *record = fixture_last_record(f, "alpha");
	assert_string_equal(json_str(record, "operationName"), "KeyGet");
}

static void test_import_keeps_what_was_asked(void **state) {
	struct fixture *f = *state;
	json_t *jwk = rsa_jwk(rsa, "RSA");
	assert_int_equal(json_set(jwk, "key_ops", json_pack("[s,s]", "unwrapKey", "wrapKey")), 0);
	assert_int_equal(json_set_str(jwk, "kid", "whatever-the-client-calls-it"), 0);
	// CRT numbers may be missing, or null, as some SDKs print what is not set.
	assert_int_equal(json_object_del(jwk, "dp"), 0);
	assert_int_equal(json_set(jwk, "dq", json_null()), 0);
	assert_int_equal(json_set(jwk, "qi", json_null()), 0);
	_cleanup_json_ json_t *k = import(f, "alpha", "asked-import", jwk,
		",\"Hsm\":false,\"attributes\":{\"enabled\":true,\"nbf\":1000,\"exp\":9000000000},\"tags\":{\"a\":\"b\"}");
	assert_int_equal(json_array_size(json_at(k, "key.key_ops")), 2);
	assert_int_equal(json_int(k, "attributes.nbf", 0), 1000);
	assert_int_equal(json_int(k, "attributes.exp", 0), 9000000000);
	assert_string_equal(json_str(k, "tags.a"), "b");
	_cleanup_json_ json_t *record = fixture_last_record(f, "alpha");
	assert_string_equal(json_str(record, "operationName"), "KeyImport");
	assert_string_equal(json_str(record, "properties.id"), json_str(k, "key.kid"));
	rsa_unwraps(f, "alpha", "asked-import", rsa);
}

static const struct {
	const char *crv, *group, *alg;
	size_t size, digest;
} curves[] = {
	{"P-256", "P-256", "ES256", 32, 32},
	{"P-256K", "secp256k1", "ES256K", 32, 32},
	{"P-384", "P-384", "ES384", 48, 48},
	{"P-521", "P-521", "ES512", 66, 64},
};

static void test_an_imported_ec_key_signs_what_verifies_outside(void **state) {
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		_cleanup_evp_ EVP_PKEY *key = EVP_EC_gen(curves[i].group);
		_cleanup_free_ char *name = strv_printf("ec-%s", curves[i].crv);
		_cleanup_json_ json_t *k = import(f, "alpha", name, ec_jwk(key, "EC", curves[i].crv, curves[i].size), "");
		assert_string_equal(json_str(k, "key.kty"), "EC");
		assert_string_equal(json_str(k, "key.crv"), curves[i].crv);
		assert_int_equal(json_array_size(json_at(k, "key.key_ops")), 2);
		ec_signs(f, "alpha", name, curves[i].alg, curves[i].digest, key, curves[i].size);
	}
}

static void test_hardware_keys_are_imported_into_premium_vaults(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *a = import(f, "beta", "hsm-flag", rsa_jwk(rsa, "RSA"), ",\"Hsm\":true");
	assert_string_equal(json_str(a, "key.kty"), "RSA-HSM");
	_cleanup_json_ json_t *b = import(f, "beta", "hsm-kty", rsa_jwk(rsa, "RSA-HSM"), ",\"hsm\":false");
	assert_string_equal(json_str(b, "key.kty"), "RSA-HSM");
	rsa_unwraps(f, "beta", "hsm-kty", rsa);
	_cleanup_json_ json_t *c = import(f, "beta", "hsm-ec", ec_jwk(ec, "EC", "P-256", 32), ",\"hsm\":true");
	assert_string_equal(json_str(c, "key.kty"), "EC-HSM");
	_cleanup_json_ json_t *d = import(f, "beta", "hsm-soft", rsa_jwk(rsa, "RSA"), "");
	assert_string_equal(json_str(d, "key.kty"), "RSA");
}

static void test_an_imported_oct_key_unwraps_what_was_wrapped_outside(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *name, *alg;
		size_t size;
	} sizes[] = {{"oct128", "A128KW", 16}, {"oct192", "A192KW", 24}, {"oct256", "A256KW", 32}};
	const EVP_CIPHER *ciphers[] = {EVP_aes_128_wrap(), EVP_aes_192_wrap(), EVP_aes_256_wrap()};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t key[32];
		assert_int_equal(RAND_bytes(key, sizeof(key)), 1);
		_cleanup_json_ json_t *k = import(f, "beta", sizes[i].name, oct_jwk(i ? "oct" : "oct-HSM", key, sizes[i].size),
			i ? ",\"Hsm\":true" : "");
		assert_string_equal(json_str(k, "key.kty"), "oct-HSM");
		oct_unwraps(f, "beta", sizes[i].name, sizes[i].alg, ciphers[i], key);
	}
}

static json_t *with(json_t *jwk, const char *name, json_t *value) {
	assert_int_equal(value ? json_set(jwk, name, value) : json_object_del(jwk, name), 0);
	return jwk;
}

static void test_import_refuses_malformed_requests(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"", "must be a JSON object"},
		{"[]", "must be a JSON object"},
		{"{}", "must be a valid JsonWebKey"},
		{"{\"key\":null}", "must be a valid JsonWebKey"},
		{"{\"key\":\"RSA\"}", "must be a valid JsonWebKey"},
		{"{\"key\":{}}", "'kty' is required"},
		{"{\"key\":{\"kty\":\"RSA\"},\"Hsm\":\"true\"}", "'Hsm' must be a boolean"},
		{"{\"key\":{\"kty\":\"RSA\"},\"hsm\":1}", "'Hsm' must be a boolean"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		fixture_refused(f, f->admin, "PUT", "alpha", "/keys/refused" V, cases[i].body, 400, "BadParameter", "",
			cases[i].words);
	fixture_refused(f, f->admin, "PUT", "alpha", "/keys/Restore" V, "{}", 400, "BadParameter", "",
		"Method PUT does not allow operation 'Restore'");
	fixture_refused(f, f->admin, "PUT", "alpha", "/secrets/restore" V, "{\"value\":\"v\"}", 400, "BadParameter", "",
		"Method PUT does not allow operation 'restore'");
	bad(f, "alpha", rsa_jwk(rsa, "RSA"), ",\"attributes\":{\"exp\":-1}", "'attributes.exp'");
	bad(f, "alpha", rsa_jwk(rsa, "RSA"), ",\"tags\":[]", "object of strings");
	bad(f, "alpha", with(rsa_jwk(rsa, "RSA"), "key_ops", json_pack("[s]", "fly")), "", "'key_ops' has an invalid value");
	bad(f, "alpha", with(ec_jwk(ec, "EC", "P-256", 32), "key_ops", json_pack("[s]", "wrapKey")), "", "'key_ops' names");
	bad(f, "alpha", rsa_jwk(rsa, "RSA"), ",\"attributes\":{\"exportable\":true}", "AKV.SKR.1001");
	bad(f, "beta", rsa_jwk(rsa, "RSA-HSM"), ",\"attributes\":{\"exportable\":true}", "AKV.SKR.1004");
}

static void test_import_refuses_hardware_in_standard_vaults(void **state) {
	struct fixture *f = *state;
	static const char words[] = "Hardware key operation not allowed on standard vault";
	uint8_t key[32] = {1};
	bad(f, "alpha", rsa_jwk(rsa, "RSA"), ",\"Hsm\":true", words);
	bad(f, "alpha", rsa_jwk(rsa, "RSA-HSM"), "", words);
	bad(f, "alpha", ec_jwk(ec, "EC-HSM", "P-256", 32), "", words);
	bad(f, "alpha", oct_jwk("oct", key, 32), ",\"Hsm\":true", words);
	import_refused(f, "alpha", oct_jwk("oct", key, 32), "", 400, "BadParameter", "KeyTypeNotSupported", "oct");
	import_refused(f, "beta", oct_jwk("oct", key, 32), "", 400, "BadParameter", "KeyTypeNotSupported", "oct");
	import_refused(f, "alpha", with(rsa_jwk(rsa, "RSA"), "kty", json_string("DSA")), "", 400, "BadParameter",
		"KeyTypeNotSupported", "DSA");
}

static void test_import_names_the_missing_member(void **state) {
	struct fixture *f = *state;
	static const char *const of_rsa[] = {"n", "e", "d", "p", "q"}, *const of_ec[] = {"x", "y", "d"};
	for (size_t i = 0; i < ARRAY_SIZE(of_rsa); i++) {
		_cleanup_free_ char *words = strv_printf("%s must be", of_rsa[i]);
		bad(f, "alpha", with(rsa_jwk(rsa, "RSA"), of_rsa[i], NULL), "", words);
		bad(f, "alpha", with(rsa_jwk(rsa, "RSA"), of_rsa[i], json_null()), "", words);
		bad(f, "alpha", with(rsa_jwk(rsa, "RSA"), of_rsa[i], json_string("AQ+/")), "", words);
		bad(f, "alpha", with(rsa_jwk(rsa, "RSA"), of_rsa[i], json_integer(5)), "", words);
	}
	for (size_t i = 0; i < ARRAY_SIZE(of_ec); i++) {
		_cleanup_free_ char *words = strv_printf("%s must be", of_ec[i]);
		bad(f, "alpha", with(ec_jwk(ec, "EC", "P-256", 32), of_ec[i], NULL), "", words);
	}
	bad(f, "alpha", with(ec_jwk(ec, "EC", "P-256", 32), "crv", NULL), "", "crv must be");
	bad(f, "beta", json_pack("{s:s}", "kty", "oct-HSM"), "", "k must be");
}

static void test_import_refuses_numbers_that_make_no_key(void **state) {
	struct fixture *f = *state;
	_cleanup_evp_ EVP_PKEY *other = EVP_RSA_gen(2048), *small = EVP_RSA_gen(1024), *other_ec = EVP_EC_gen("P-256");
	_cleanup_json_ json_t *o = rsa_jwk(other, "RSA"), *e = ec_jwk(other_ec, "EC", "P-256", 32);
	static const char *const numbers[] = {"n", "d", "p", "q"};
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		bad(f, "alpha", with(rsa_jwk(rsa, "RSA"), numbers[i], json_string(json_str(o, numbers[i]))), "",
			"RSA private key is not valid");
	bad(f, "alpha", rsa_jwk(small, "RSA"), "", "RSA key is not valid");
	bad(f, "alpha", with(ec_jwk(ec, "EC", "P-256", 32), "d", json_string(json_str(e, "d"))), "", "EC key is not valid");
	bad(f, "alpha", with(ec_jwk(ec, "EC", "P-256", 32), "x", json_string(json_str(e, "x"))), "", "EC key is not valid");
	bad(f, "alpha", with(ec_jwk(ec, "EC", "P-256", 32), "crv", json_string("P-384")), "", "EC key is not valid");
	uint8_t key[33] = {1};
	bad(f, "beta", oct_jwk("oct-HSM", key, 33), "", "oct key is not valid");
	bad(f, "beta", oct_jwk("oct-HSM", key, 8), "", "oct key is not valid");
}

static void test_import_over_a_live_name_makes_a_version(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *one = ok(f, "POST", "alpha", "/keys/over/create" V, "{\"kty\":\"RSA\"}");
	_cleanup_json_ json_t *two = import(f, "alpha", "OVER", ec_jwk(ec, "EC", "P-256", 32), "");
	_cleanup_json_ json_t *current = ok(f, "GET", "alpha", "/keys/over" V, NULL);
	assert_true(json_equal(current, two));
	assert_string_equal(json_str(two, "key.kty"), "EC");
	assert_non_null(strstr(json_str(two, "key.kid"), "/keys/over/"));
	_cleanup_json_ json_t *versions = ok(f, "GET", "alpha", "/keys/over/versions" V, NULL);
	assert_int_equal(json_array_size(json_at(versions, "value")), 2);
	_cleanup_free_ char *path = strv_printf("/keys/over/%s" V, strrchr(json_str(one, "key.kid"), '/') + 1);
	_cleanup_json_ json_t *old = ok(f, "GET", "alpha", path, NULL);
	assert_true(json_equal(old, one));
	json_decref(ok(f, "DELETE", "alpha", "/keys/over" V, NULL));
	_cleanup_free_ char *body = body_of(ec_jwk(ec, "EC", "P-256", 32), "");
	fixture_refused(f, f->admin, "PUT", "alpha", "/keys/over" V, body, 409, "Conflict",
		"ObjectIsDeletedButRecoverable", "over");
}

static void test_import_needs_its_permission(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *body = body_of(ec_jwk(ec, "EC", "P-256", 32), "");
	fixture_refused(f, f->nobody, "PUT", "alpha", "/keys/no" V, body, 403, "Forbidden", "ForbiddenByRbac",
		"keys/import/action");
	// A Crypto User may use keys, not bring them.
	fixture_refused(f, f->single, "PUT", "alpha", "/keys/only" V, body, 403, "Forbidden", "ForbiddenByRbac",
		"keys/import/action");
	fixture_refused(f, f->admin, "PUT", "policy", "/keys/no" V, body, 403, "Forbidden", "ForbiddenByPolicy",
		"keys import permission");
	_cleanup_json_ json_t *record = fixture_last_record(f, "policy");
	assert_string_equal(json_str(record, "operationName"), "KeyImport");
}

// Keys under an exchange key.

static EVP_PKEY *public_key(const json_t *bundle) {
	_cleanup_buf_ struct buf n = {0}, e = {0};
	decode(bundle, "key.n", &n);
	decode(bundle, "key.e", &e);
	BIGNUM *bn = BN_bin2bn(n.data, (int)n.len, NULL), *be = BN_bin2bn(e.data, (int)e.len, NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, bn), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, be), 1);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	BN_free(bn);
	BN_free(be);
	return key;
}

#define EXCHANGE_BODY(kty, more) "{\"kty\":\"" kty "\",\"key_ops\":[\"import\"]" more "}"

static json_t *exchange_key(struct fixture *f, const char *name, const char *body) {
	_cleanup_free_ char *path = strv_printf("/keys/%s/create" V, name);
	return ok(f, "POST", "beta", path, body);
}

// CKM_RSA_AES_KEY_WRAP of `plain`.
static void transfer(const json_t *exchange, const void *plain, size_t len, struct buf *out) {
	_cleanup_evp_ EVP_PKEY *key = public_key(exchange);
	uint8_t aes[32];
	assert_int_equal(RAND_bytes(aes, sizeof(aes)), 1);
	oaep(key, EVP_sha1(), aes, sizeof(aes), out);
	aes_wrap(EVP_aes_256_wrap_pad(), aes, plain, len, out);
}

static void transfer_pkey(const json_t *exchange, EVP_PKEY *key, struct buf *out) {
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	uint8_t *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	assert_true(len > 0);
	transfer(exchange, der, (size_t)len, out);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
}

static json_t *blob_of(const char *kid, const struct buf *ciphertext) {
	json_t *blob = json_pack("{s:s, s:{s:s, s:s, s:s}, s:s}", "schema_version", "1.0.0", "header", "kid", kid, "alg", "dir",
		"enc", "CKM_RSA_AES_KEY_WRAP", "generator", "a tool; an HSM");
	set_base64url(blob, "ciphertext", ciphertext->data, ciphertext->len);
	return blob;
}

// Takes blob.
static json_t *transfer_jwk(const char *kty, json_t *blob) {
	_cleanup_free_ char *text = json_dumps(blob, JSON_INDENT(2));
	json_t *jwk = json_pack("{s:s}", "kty", kty);
	set_base64url(jwk, "key_hsm", text, strlen(text));
	json_decref(blob);
	return jwk;
}

static void test_keys_come_under_an_exchange_key(void **state) {
	struct fixture *f = *state;
	static const char *const sizes[] = {"2048", "3072", "4096"};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *body = strv_printf(EXCHANGE_BODY("RSA-HSM", ",\"key_size\":%s"), sizes[i]);
		_cleanup_json_ json_t *kek = exchange_key(f, "kek-sizes", body);
		_cleanup_buf_ struct buf sealed = {0};
		transfer_pkey(kek, rsa, &sealed);
		json_t *jwk = transfer_jwk("RSA-HSM", blob_of(json_str(kek, "key.kid"), &sealed));
		_cleanup_json_ json_t *k = import(f, "beta", "byok-rsa", jwk, "");
		assert_string_equal(json_str(k, "key.kty"), "RSA-HSM");
		assert_int_equal(json_array_size(json_at(k, "key.key_ops")), 6);
		rsa_unwraps(f, "beta", "byok-rsa", rsa);
	}
	_cleanup_json_ json_t *record = fixture_last_record(f, "beta");
	assert_string_equal(json_str(record, "operationName"), "KeyUnwrap");
}

static void test_ec_keys_come_under_an_exchange_key(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *kek = exchange_key(f, "kek-ec", EXCHANGE_BODY("RSA-HSM", ""));
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		_cleanup_evp_ EVP_PKEY *key = EVP_EC_gen(curves[i].group);
		_cleanup_buf_ struct buf sealed = {0};
		transfer_pkey(kek, key, &sealed);
		json_t *jwk = transfer_jwk("EC-HSM", blob_of(json_str(kek, "key.kid"), &sealed));
		assert_int_equal(json_set_str(jwk, "crv", curves[i].crv), 0);
		assert_int_equal(json_set(jwk, "key_ops", json_pack("[s]", "sign")), 0);
		_cleanup_json_ json_t *k = import(f, "beta", "byok-ec", jwk, ",\"Hsm\":false");
		assert_string_equal(json_str(k, "key.kty"), "EC-HSM");
		assert_string_equal(json_str(k, "key.crv"), curves[i].crv);
		assert_int_equal(json_array_size(json_at(k, "key.key_ops")), 1);
		ec_signs(f, "beta", "byok-ec", curves[i].alg, curves[i].digest, key, curves[i].size);
	}
}

static void test_oct_keys_come_under_an_exchange_key(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *kek = exchange_key(f, "kek-oct", EXCHANGE_BODY("RSA-HSM", ""));
	uint8_t key[32];
	assert_int_equal(RAND_bytes(key, sizeof(key)), 1);
	_cleanup_buf_ struct buf sealed = {0};
	transfer(kek, key, sizeof(key), &sealed);
	json_t *jwk = transfer_jwk("oct", blob_of(json_str(kek, "key.kid"), &sealed));
	_cleanup_json_ json_t *k = import(f, "beta", "byok-oct", jwk, ",\"Hsm\":true");
	assert_string_equal(json_str(k, "key.kty"), "oct-HSM");
	oct_unwraps(f, "beta", "byok-oct", "A256KW", EVP_aes_256_wrap(), key);
}

static void test_malformed_transfers_are_refused(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *kek = exchange_key(f, "kek-bad", EXCHANGE_BODY("RSA-HSM", ""));
	const char *kid = json_str(kek, "key.kid");
	_cleanup_buf_ struct buf sealed = {0};
	transfer_pkey(kek, rsa, &sealed);
	static const struct {
		const char *path, *json, *words;  // a member and what stands for it, or NULL for nothing
	} cases[] = {
		{"schema_version", NULL, "schema_version must be"},
		{"schema_version", "\"2.0.0\"", "schema_version must be"},
		{"schema_version", "1", "schema_version must be"},
		{"header", NULL, "header.alg must be"},
		{"header", "\"dir\"", "header.alg must be"},
		{"header.alg", NULL, "header.alg must be"},
		{"header.alg", "\"RSA-OAEP\"", "header.alg must be"},
		{"header.enc", NULL, "header.enc must be"},
		{"header.enc", "\"RSA_AES_KEY_WRAP_256\"", "header.enc must be"},
		{"header.kid", NULL, "header.kid must be"},
		{"header.kid", "17", "header.kid must be"},
		{"header.kid", "\"kek-bad\"", "header.kid must be"},
		{"header.kid", "\"https://beta.vault.azure.net/keys/kek-bad\"", "header.kid must be"},
		{"header.kid", "\"https://beta.vault.azure.net/secrets/kek-bad/00000000000000000000000000000000\"", "header.kid must be"},
		{"header.kid", "\"https://beta.example.net/keys/kek-bad/00000000000000000000000000000000\"", "header.kid must be"},
		{"header.kid", "\"https://alpha.vault.azure.net/keys/kek-bad/00000000000000000000000000000000\"", "must be in the vault"},
		{"header.kid", "\"https://beta.vault.azure.net/keys/kek-bad/00000000000000000000000000000000\"", "was not found"},
		{"header.kid", "\"https://beta.vault.azure.net/keys/nothing/00000000000000000000000000000000\"", "was not found"},
		{"ciphertext", NULL, "ciphertext must be"},
		{"ciphertext", "\"\"", "ciphertext must be"},
		{"ciphertext", "\"+/+/\"", "ciphertext must be"},
		{"ciphertext", "[]", "ciphertext must be"},
		{"generator", "{}", "generator must be"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *blob = blob_of(kid, &sealed), *holder = blob;
		const char *name = cases[i].path;
		if (strchr(name, '.')) {
			holder = json_at(blob, "header");
			name = strchr(name, '.') + 1;
		}
		(void)with(holder, name, cases[i].json ? json_loads(cases[i].json, JSON_DECODE_ANY, NULL) : NULL);
		bad(f, "beta", transfer_jwk("RSA-HSM", blob), "", cases[i].words);
	}
	// What is not looked at may be missing.
	_cleanup_json_ json_t *k = import(f, "beta", "byok-plain",
		transfer_jwk("RSA-HSM", with(blob_of(kid, &sealed), "generator", NULL)), "");
	assert_string_equal(json_str(k, "key.kty"), "RSA-HSM");
}

static void test_blobs_that_are_none_are_refused(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *json, *words;
	} cases[] = {
		{"5", "base64url of at most"},
		{"\"{}\"", "base64url of at most"},
		{"\"\"", "a JSON object"},
		{"\"W10\"", "a JSON object"},
		{"\"e30\"", "schema_version must be"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		bad(f, "beta", with(json_pack("{s:s}", "kty", "RSA-HSM"), "key_hsm", json_loads(cases[i].json, JSON_DECODE_ANY, NULL)),
			"", cases[i].words);
	char *lengthy = calloc(1, 2 * KEY_TRANSFER_MAX);
	memset(lengthy, 'A', 2 * KEY_TRANSFER_MAX - 2);
	bad(f, "beta", json_pack("{s:s, s:s}", "kty", "RSA-HSM", "key_hsm", lengthy), "", "base64url of at most");
	free(lengthy);
	_cleanup_buf_ struct buf big = {0};
	for (int i = 0; i < 8193; i++)
		assert_int_equal(buf_u8(&big, 1), 0);
	bad(f, "beta", transfer_jwk("RSA-HSM",
		blob_of("https://beta.vault.azure.net/keys/a/00000000000000000000000000000000", &big)),
		"", "1 to 8192 bytes");
}

static void test_transferred_keys_are_hardware_keys(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *kek = exchange_key(f, "kek-soft", EXCHANGE_BODY("RSA-HSM", ""));
	_cleanup_buf_ struct buf sealed = {0};
	transfer_pkey(kek, ec, &sealed);
	const char *kid = json_str(kek, "key.kid");
	bad(f, "beta", transfer_jwk("RSA", blob_of(kid, &sealed)), "", "must be RSA-HSM, EC-HSM or oct-HSM");
	bad(f, "alpha", transfer_jwk("EC-HSM", blob_of(kid, &sealed)), "", "not allowed on standard vault");
	bad(f, "beta", transfer_jwk("EC-HSM", blob_of(kid, &sealed)), "", "'crv' is required");
	bad(f, "beta", with(transfer_jwk("EC-HSM", blob_of(kid, &sealed)), "crv", json_string("P-1")), "", "'crv' must be");
	bad(f, "beta", with(transfer_jwk("EC-HSM", blob_of(kid, &sealed)), "crv", json_string("P-384")), "",
		"not on the curve P-384");
	// What is inside is not what is said.
	bad(f, "beta", transfer_jwk("RSA-HSM", blob_of(kid, &sealed)), "", "PKCS#8");
	bad(f, "beta", transfer_jwk("oct-HSM", blob_of(kid, &sealed)), "", "oct key is not valid");
}

static char *refusal(struct fixture *f, const char *kid, const struct buf *sealed) {
	_cleanup_free_ char *body = body_of(transfer_jwk("RSA-HSM", blob_of(kid, sealed)), "");
	_cleanup_json_ json_t *json = NULL;
	assert_int_equal(fixture_call(f, f->admin, "PUT", "beta", "/keys/refused" V, body, &json), 400);
	assert_string_equal(json_str(json, "error.code"), "BadParameter");
	return strdup(json_str(json, "error.message"));
}

static void test_a_ciphertext_that_does_not_open_says_nothing_more(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *kek = exchange_key(f, "kek-shut", EXCHANGE_BODY("RSA-HSM", ""));
	_cleanup_json_ json_t *other = exchange_key(f, "kek-other", EXCHANGE_BODY("RSA-HSM", ""));
	_cleanup_evp_ EVP_PKEY *key = public_key(kek);
	const char *kid = json_str(kek, "key.kid");
	_cleanup_buf_ struct buf sealed = {0}, foreign = {0}, short_aes = {0}, sha256 = {0};
	transfer_pkey(other, rsa, &foreign);
	_cleanup_free_ char *words = refusal(f, kid, &foreign);
	// A byte of the wrapped AES key, a byte of the wrapped key, a cut, an AES key of another size, another hash.
	transfer_pkey(kek, rsa, &sealed);
	const size_t places[] = {0, 100, 256, sealed.len - 1};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		sealed.data[places[i]] ^= 1;
		_cleanup_free_ char *same = refusal(f, kid, &sealed);
		assert_string_equal(same, words);
		sealed.data[places[i]] ^= 1;
	}
	const size_t lengths[] = {1, 255, 256, 264, sealed.len - 8};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct buf cut = {.data = sealed.data, .len = lengths[i]};
		_cleanup_free_ char *same = refusal(f, kid, &cut);
		assert_string_equal(same, words);
	}
	uint8_t aes[32] = {7};
	oaep(key, EVP_sha1(), aes, 16, &short_aes);
	aes_wrap(EVP_aes_128_wrap_pad(), aes, data_key, sizeof(data_key), &short_aes);
	_cleanup_free_ char *a = refusal(f, kid, &short_aes);
	assert_string_equal(a, words);
	oaep(key, EVP_sha256(), aes, 32, &sha256);
	aes_wrap(EVP_aes_256_wrap_pad(), aes, data_key, sizeof(data_key), &sha256);
	_cleanup_free_ char *b = refusal(f, kid, &sha256);
	assert_string_equal(b, words);
	fixture_refused(f, f->admin, "GET", "beta", "/keys/refused" V, NULL, 404, "KeyNotFound", "", "refused");
}

static void exchange_refused(struct fixture *f, const json_t *kek, int status, const char *code, const char *inner,
	const char *words) {
	_cleanup_buf_ struct buf sealed = {0};
	transfer_pkey(kek, rsa, &sealed);
	import_refused(f, "beta", transfer_jwk("RSA-HSM", blob_of(json_str(kek, "key.kid"), &sealed)), "", status, code,
		inner, words);
}

static void test_only_a_usable_exchange_key_opens_transfers(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *plain = exchange_key(f, "kek-plain", "{\"kty\":\"RSA-HSM\"}");
	exchange_refused(f, plain, 403, "Forbidden", "KeyOperationForbidden", "Operation import is not permitted");
	_cleanup_json_ json_t *soft = exchange_key(f, "kek-software", EXCHANGE_BODY("RSA", ""));
	exchange_refused(f, soft, 400, "BadParameter", "", "must be of type 'RSA-HSM'");
	_cleanup_json_ json_t *off = exchange_key(f, "kek-off", EXCHANGE_BODY("RSA-HSM",
		",\"attributes\":{\"enabled\":false}"));
	exchange_refused(f, off, 403, "Forbidden", "KeyDisabled", "disabled");
	_cleanup_json_ json_t *old = exchange_key(f, "kek-old", EXCHANGE_BODY("RSA-HSM", ",\"attributes\":{\"exp\":1000}"));
	exchange_refused(f, old, 403, "Forbidden", "", "expired");
	_cleanup_json_ json_t *young = exchange_key(f, "kek-young", EXCHANGE_BODY("RSA-HSM",
		",\"attributes\":{\"nbf\":9000000000}"));
	exchange_refused(f, young, 403, "Forbidden", "", "not yet valid");
	_cleanup_json_ json_t *gone = exchange_key(f, "kek-gone", EXCHANGE_BODY("RSA-HSM", ""));
	json_decref(ok(f, "DELETE", "beta", "/keys/kek-gone" V, NULL));
	exchange_refused(f, gone, 400, "BadParameter", "", "was not found");
	// An older version stays an exchange key; each opens what was made for it.
	_cleanup_json_ json_t *first = exchange_key(f, "kek-twice", EXCHANGE_BODY("RSA-HSM", ""));
	json_decref(exchange_key(f, "kek-twice", EXCHANGE_BODY("RSA-HSM", "")));
	_cleanup_buf_ struct buf sealed = {0};
	transfer_pkey(first, rsa, &sealed);
	json_decref(import(f, "beta", "byok-first", transfer_jwk("RSA-HSM", blob_of(json_str(first, "key.kid"), &sealed)), ""));
}

static void test_an_exchange_key_does_nothing_else(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *kek = exchange_key(f, "kek-only", EXCHANGE_BODY("RSA-HSM", ""));
	assert_int_equal(json_array_size(json_at(kek, "key.key_ops")), 1);
	static const char *const operations[] = {"encrypt", "decrypt", "wrapkey", "unwrapkey", "sign"};
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		_cleanup_free_ char *path = strv_printf("/keys/kek-only/%s" V, operations[i]);
		fixture_refused(f, f->admin, "POST", "beta", path,
			i == 4 ? "{\"alg\":\"RS256\",\"value\":\"AA\"}" : "{\"alg\":\"RSA-OAEP\",\"value\":\"AA\"}", 403, "Forbidden",
			"KeyOperationForbidden", "not permitted on this key");
	}
	fixture_refused(f, f->admin, "PATCH", "beta", "/keys/kek-only" V, "{\"key_ops\":[\"unwrapKey\"]}", 400,
		"BadParameter", "",
		"mutually exclusive");
	// Nor does one come from outside, where its private half is known.
	json_t *jwk = with(rsa_jwk(rsa, "RSA-HSM"), "key_ops", json_pack("[s]", "import"));
	bad(f, "beta", jwk, "", "made in the key vault");
}

static void test_a_transfer_needs_permission_on_the_target_alone(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *kek = exchange_key(f, "kek-rights", EXCHANGE_BODY("RSA-HSM", ""));
	_cleanup_buf_ struct buf sealed = {0};
	transfer_pkey(kek, rsa, &sealed);
	_cleanup_free_ char *body = body_of(transfer_jwk("RSA-HSM", blob_of(json_str(kek, "key.kid"), &sealed)), "");
	fixture_refused(f, f->single, "PUT", "beta", "/keys/target" V, body, 403, "Forbidden", "ForbiddenByRbac",
		"keys/import/action");
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct err err = {0};
	char name[ENC_UUID_SIZE];
	assert_int_equal(enc_uuid(name), 0);
	struct access_assignment a = {
		.tenant = f->tenant, .scope = VAULT_ID("Beta") "/keys/target", .name = name, .principal_id = f->single_id.object_id,
		.principal_type = "ServicePrincipal", .role_id = CRYPTO_OFFICER, .created_by = f->admin_id.object_id,
	};
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(access_assign(tx, &a, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_int_equal(fixture_call(f, f->single, "PUT", "beta", "/keys/target" V, body, NULL), 200);
	assert_int_equal(fixture_call(f, f->single, "GET", "beta", "/keys/kek-rights" V, NULL, NULL), 403);
}

static int set_up(void **state) {
	rsa = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	return rsa && ec ? fixture_set_up(state) : -1;
}

static int tear_down(void **state) {
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	return fixture_tear_down(state);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_imported_rsa_key_unwraps_what_was_wrapped_outside),
		cmocka_unit_test(test_import_keeps_what_was_asked),
		cmocka_unit_test(test_an_imported_ec_key_signs_what_verifies_outside),
		cmocka_unit_test(test_hardware_keys_are_imported_into_premium_vaults),
		cmocka_unit_test(test_an_imported_oct_key_unwraps_what_was_wrapped_outside),
		cmocka_unit_test(test_import_refuses_malformed_requests),
		cmocka_unit_test(test_import_refuses_hardware_in_standard_vaults),
		cmocka_unit_test(test_import_names_the_missing_member),
		cmocka_unit_test(test_import_refuses_numbers_that_make_no_key),
		cmocka_unit_test(test_import_over_a_live_name_makes_a_version),
		cmocka_unit_test(test_import_needs_its_permission),
		cmocka_unit_test(test_keys_come_under_an_exchange_key),
		cmocka_unit_test(test_ec_keys_come_under_an_exchange_key),
		cmocka_unit_test(test_oct_keys_come_under_an_exchange_key),
		cmocka_unit_test(test_malformed_transfers_are_refused),
		cmocka_unit_test(test_blobs_that_are_none_are_refused),
		cmocka_unit_test(test_transferred_keys_are_hardware_keys),
		cmocka_unit_test(test_a_ciphertext_that_does_not_open_says_nothing_more),
		cmocka_unit_test(test_only_a_usable_exchange_key_opens_transfers),
		cmocka_unit_test(test_an_exchange_key_does_nothing_else),
		cmocka_unit_test(test_a_transfer_needs_permission_on_the_target_alone),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
