// SPDX-License-Identifier: Apache-2.0
// Published vectors of tests/vectors, or, named as arguments, files of a checkout of Project Wycheproof.
#include <jansson.h>
#include <openssl/evp.h>

#include "base/json.h"
#include "crypto/jwk.h"
#include "crypto/key.h"
#include "crypto/test-util.h"

static unsigned ran, passed_over;

// The private key of the group that is run, loaded once: to prove its numbers primes takes its time.
static struct key *group_key;

// Members of groups and tests.

static struct buf bytes_of(const json_t *object, const char *name) {
	const char *hex = json_str(object, name);
	if (!hex)
		fail_msg("there is no %s", name);
	return test_hex(hex);
}

// A number without leading zero octets.
static struct buf number_of(const json_t *object, const char *name) {
	_cleanup_buf_ struct buf bytes = bytes_of(object, name);
	size_t zeros = 0;
	while (zeros < bytes.len && bytes.data[zeros] == 0)
		zeros++;
	struct buf number = {0};
	assert_int_equal(buf_append(&number, bytes.data + zeros, bytes.len - zeros), 0);
	return number;
}

static void secret_number_of(const json_t *object, const char *name, struct secret *out) {
	_cleanup_buf_ struct buf number = number_of(object, name);
	assert_int_equal(secret_copy(out, number.data, number.len), 0);
}

// "acceptable" ones are as their implementation likes.
static bool is_valid(const json_t *test) {
	return strcmp(json_str(test, "result"), "valid") == 0;
}

static bool is_invalid(const json_t *test) {
	return strcmp(json_str(test, "result"), "invalid") == 0;
}

static void complain(const json_t *test, const char *what) {
	fail_msg("tcId %d (%s), %s: %s", (int)json_int(test, "tcId", 0), json_str(test, "comment"), json_str(test, "result"), what);
}

static bool is(const json_t *object, const char *name, const char *value) {
	const char *text = json_str(object, name);
	return text && strcmp(text, value) == 0;
}

// Keys.

static bool load_rsa_public(const json_t *numbers, struct key_public *pub) {
	_cleanup_buf_ struct buf n = number_of(numbers, "modulus"), e = number_of(numbers, "publicExponent");
	*pub = (struct key_public){.kind = KEY_KIND_RSA};
	if (n.len > sizeof(pub->n) || e.len > sizeof(pub->e))
		return false;
	memcpy(pub->n, n.data, n.len);
	memcpy(pub->e, e.data, e.len);
	pub->n_len = n.len;
	pub->e_len = e.len;
	return true;
}

// NULL when the size is not one of ours.
static struct key *rsa_public_key(const json_t *numbers) {
	struct key_public pub;
	struct key *key = NULL;
	struct err err = {0};
	if (load_rsa_public(numbers, &pub) && (pub.n_len == 256 || pub.n_len == 384 || pub.n_len == 512))
		assert_int_equal(key_from_public(&pub, &key, &err), 0);
	return key;
}

static struct key *rsa_private_key(const json_t *numbers) {
	struct key_private priv = {0};
	if (!load_rsa_public(numbers, &priv.pub) || (priv.pub.n_len != 256 && priv.pub.n_len != 384 && priv.pub.n_len != 512))
		return NULL;
	secret_number_of(numbers, "privateExponent", &priv.d);
	secret_number_of(numbers, "prime1", &priv.p);
	secret_number_of(numbers, "prime2", &priv.q);
	secret_number_of(numbers, "exponent1", &priv.dp);
	secret_number_of(numbers, "exponent2", &priv.dq);
	secret_number_of(numbers, "coefficient", &priv.qi);
	struct key *key = NULL;
	struct err err = {0};
	if (key_from_private(&priv, &key, &err) < 0)
		fail_msg("%s", err.message);
	key_private_free(&priv);
	return key;
}

static bool load_coordinate(const json_t *numbers, const char *name, uint8_t *out, size_t size) {
	_cleanup_buf_ struct buf number = number_of(numbers, name);
	if (number.len > size)
		return false;
	memcpy(out + size - number.len, number.data, number.len);
	return true;
}

static enum key_curve curve_of(const char *name) {
	return strcmp(name, "secp256r1") == 0   ? KEY_CURVE_P256
	       : strcmp(name, "secp256k1") == 0 ? KEY_CURVE_P256K
	       : strcmp(name, "secp384r1") == 0 ? KEY_CURVE_P384
	       : strcmp(name, "secp521r1") == 0 ? KEY_CURVE_P521
						: KEY_CURVE_NONE;
}

static bool load_ec_public(const json_t *numbers, const char *curve, struct key_public *pub) {
	*pub = (struct key_public){.kind = KEY_KIND_EC, .curve = curve_of(curve)};
	size_t size = curve_bytes(pub->curve);
	return size > 0 && load_coordinate(numbers, "wx", pub->x, size) && load_coordinate(numbers, "wy", pub->y, size);
}

static struct key *oct_key(const json_t *test) {
	_cleanup_buf_ struct buf bytes = bytes_of(test, "key");
	struct key *key = NULL;
	struct err err = {0};
	if (key_from_encoded(KEY_KIND_OCT, bytes.data, bytes.len, &key, &err) < 0)
		assert_false(bytes.len == 16 || bytes.len == 24 || bytes.len == 32);
	return key;
}

// What a test of one group does. All return whether there was something to do.

static void expect_verified(struct key *key, enum key_alg alg, const json_t *group, const json_t *test, bool expected) {
	_cleanup_buf_ struct buf message = bytes_of(test, "msg"), signature = bytes_of(test, "sig");
	const char *sha = json_str(group, "sha");
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t len = 0;
	assert_int_equal(EVP_Q_digest(NULL, sha, NULL, message.data, message.len, digest, &len), 1);
	bool valid = !expected;
	struct err err = {0};
	if (key_verify(key, alg, digest, len, signature.data, signature.len, &valid, &err) < 0)
		complain(test, err.message);
	if (valid != expected)
		complain(test, valid ? "holds" : "does not hold");
}

static enum key_alg by_hash(const json_t *group, enum key_alg sha256, enum key_alg sha384, enum key_alg sha512) {
	return is(group, "sha", "SHA-256")   ? sha256
	       : is(group, "sha", "SHA-384") ? sha384
	       : is(group, "sha", "SHA-512") ? sha512
					     : KEY_ALG_NONE;
}

static bool run_rsa_pkcs1_verify(const json_t *group, const json_t *test) {
	enum key_alg alg = by_hash(group, KEY_ALG_RS256, KEY_ALG_RS384, KEY_ALG_RS512);
	_cleanup_pkey_ struct key *key = rsa_public_key(json_at(group, "publicKey"));
	// What Wycheproof accepts if need be (a DigestInfo without NULL) is not PKCS #1: a single encoding is right.
	if (!key || alg == KEY_ALG_NONE)
		return false;
	expect_verified(key, alg, group, test, is_valid(test));
	return true;
}

static bool run_rsa_pss_verify(const json_t *group, const json_t *test) {
	enum key_alg alg = by_hash(group, KEY_ALG_PS256, KEY_ALG_PS384, KEY_ALG_PS512);
	_cleanup_pkey_ struct key *key = rsa_public_key(json_at(group, "publicKey"));
	if (!key || alg == KEY_ALG_NONE || !is(group, "mgf", "MGF1") || !is(group, "mgfSha", json_str(group, "sha")))
		return false;
	// RFC 7518 section 3.5: the salt is as long as the hash. What a group with another salt has as invalid may have ours.
	bool our_salt = json_int(group, "sLen", -1) == (int64_t)alg_info(alg)->digest;
	if (!our_salt && !is_valid(test))
		return false;
	expect_verified(key, alg, group, test, is_valid(test) && our_salt);
	return true;
}

static bool run_ecdsa_verify(const json_t *group, const json_t *test) {
	static const enum key_alg algs[] = {KEY_ALG_ES256, KEY_ALG_ES256K, KEY_ALG_ES384, KEY_ALG_ES512};
	struct key_public pub;
	const json_t *numbers = json_at(group, "publicKey");
	assert_true(load_ec_public(numbers, json_str(numbers, "curve"), &pub));
	enum key_alg alg = algs[pub.curve - KEY_CURVE_P256];
	if (by_hash(group, KEY_ALG_ES256, KEY_ALG_ES384, KEY_ALG_ES512) != (alg == KEY_ALG_ES256K ? KEY_ALG_ES256 : alg))
		return false;
	_cleanup_pkey_ struct key *key = NULL;
	struct err err = {0};
	assert_int_equal(key_from_public(&pub, &key, &err), 0);
	expect_verified(key, alg, group, test, is_valid(test));
	return true;
}

static bool run_ec_public_key(const json_t *group, const json_t *test) {
	struct key_public pub;
	assert_true(load_ec_public(test, json_str(group, "curve"), &pub));
	_cleanup_pkey_ struct key *key = NULL;
	struct err err = {0};
	int rc = key_from_public(&pub, &key, &err);
	if (rc != (is_valid(test) ? 0 : -EINVAL))
		complain(test, rc < 0 ? err.message : "loads");
	return true;
}

// `in` must open to the test's msg, or not at all.
static void expect_opens(struct key *key, enum key_alg alg, const json_t *test, const struct key_input *in) {
	_cleanup_buf_ struct buf message = bytes_of(test, "msg");
	_cleanup_key_output_ struct key_output out = {0};
	struct err err = {0};
	int rc = key_decrypt(key, alg, ALG_WRAP, in, &out, &err);
	if (rc == 0 && is_invalid(test) &&
		(alg != KEY_ALG_RSA1_5 || (out.value.len == message.len && memcmp(out.value.data, message.data, message.len) == 0)))
		complain(test, "opens");
	if (rc < 0 && is_valid(test))
		complain(test, err.message);
	if (rc == 0 && is_valid(test)) {
		assert_int_equal(out.value.len, message.len);
		assert_memory_equal(out.value.data, message.len > 0 ? message.data : out.value.data, message.len);
	}
	if (rc < 0 && rc != -EINVAL)
		complain(test, err.message);
}

// The test's msg must become its ct, where the algorithm leaves nothing to chance.
static void expect_seals(struct key *key, enum key_alg alg, const json_t *test, const struct key_input *in,
	const struct buf *ct) {
	_cleanup_key_output_ struct key_output out = {0};
	struct err err = {0};
	if (!is_valid(test))
		return;
	if (key_encrypt(key, alg, ALG_WRAP, in, &out, &err) < 0)
		complain(test, err.message);
	assert_int_equal(out.value.len, ct->len);
	assert_memory_equal(out.value.data, ct->data, ct->len);
}

static bool run_rsa_decrypt(enum key_alg alg, const json_t *group, const json_t *test) {
	if (!group_key)
		group_key = rsa_private_key(json_at(group, "privateKey"));
	if (!group_key)
		return false;
	_cleanup_buf_ struct buf ct = bytes_of(test, "ct");
	expect_opens(group_key, alg, test, &(struct key_input){.value = ct.data, .len = ct.len});
	return true;
}

static bool run_rsa_oaep(const json_t *group, const json_t *test) {
	enum key_alg alg = is(group, "sha", "SHA-1")	 ? KEY_ALG_RSA_OAEP
			   : is(group, "sha", "SHA-256") ? KEY_ALG_RSA_OAEP_256
							 : KEY_ALG_NONE;
	const char *label = json_str(test, "label");
	if (alg == KEY_ALG_NONE || !is(group, "mgfSha", json_str(group, "sha")) || (label && label[0]))
		return false;
	return run_rsa_decrypt(alg, group, test);
}

static bool run_rsa_pkcs1_decrypt(const json_t *group, const json_t *test) {
	return run_rsa_decrypt(KEY_ALG_RSA1_5, group, test);
}

static bool run_wrap(enum key_alg alg, const json_t *test) {
	_cleanup_pkey_ struct key *key = oct_key(test);
	if (!key)
		return false;
	_cleanup_buf_ struct buf message = bytes_of(test, "msg"), ct = bytes_of(test, "ct");
	expect_seals(key, alg, test, &(struct key_input){.value = message.data, .len = message.len}, &ct);
	expect_opens(key, alg, test, &(struct key_input){.value = ct.data, .len = ct.len});
	return true;
}

static bool run_kw(const json_t *group _unused_, const json_t *test) {
	_cleanup_pkey_ struct key *key = oct_key(test);
	if (!key)
		return false;
	return run_wrap(KEY_ALG_AES_KEY_WRAP, test) && run_wrap(KEY_ALG_A128KW + (key_bits(key) - 128) / 64, test);
}

static bool run_kwp(const json_t *group _unused_, const json_t *test) {
	return run_wrap(KEY_ALG_AES_KEY_WRAP_PAD, test);
}

static bool run_gcm(const json_t *group, const json_t *test) {
	_cleanup_pkey_ struct key *key = oct_key(test);
	if (!key || json_int(group, "ivSize", 0) != 96 || json_int(group, "tagSize", 0) != 128)
		return false;
	_cleanup_buf_ struct buf ct = bytes_of(test, "ct"), iv = bytes_of(test, "iv"), aad = bytes_of(test, "aad"),
				 tag = bytes_of(test, "tag");
	expect_opens(key, KEY_ALG_A128GCM + (key_bits(key) - 128) / 64, test,
		&(struct key_input){.value = ct.data, .len = ct.len, .iv = iv.data, .iv_len = iv.len, .aad = aad.data,
			.aad_len = aad.len, .tag = tag.data, .tag_len = tag.len});
	return true;
}

static bool run_cbc(enum key_alg alg, const json_t *test) {
	_cleanup_pkey_ struct key *key = oct_key(test);
	if (!key)
		return false;
	alg += (key_bits(key) - 128) / 64;
	_cleanup_buf_ struct buf message = bytes_of(test, "msg"), ct = bytes_of(test, "ct"), iv = bytes_of(test, "iv");
	expect_seals(key, alg, test, &(struct key_input){.value = message.data, .len = message.len, .iv = iv.data, .iv_len = iv.len},
		&ct);
	expect_opens(key, alg, test, &(struct key_input){.value = ct.data, .len = ct.len, .iv = iv.data, .iv_len = iv.len});
	return true;
}

static bool run_cbc_whole(const json_t *group _unused_, const json_t *test) {
	return run_cbc(KEY_ALG_A128CBC, test);
}

static bool run_cbc_padded(const json_t *group _unused_, const json_t *test) {
	return run_cbc(KEY_ALG_A128CBCPAD, test);
}

static const struct {
	const char *algorithm, *type;
	bool (*run)(const json_t *group, const json_t *test);
} runners[] = {
	{"RSAES-OAEP", "RsaesOaepDecrypt", run_rsa_oaep},
	{"RSAES-PKCS1-v1_5", "RsaesPkcs1Decrypt", run_rsa_pkcs1_decrypt},
	{"RSASSA-PKCS1-v1_5", "RsassaPkcs1Verify", run_rsa_pkcs1_verify},
	{"RSASSA-PSS", "RsassaPssVerify", run_rsa_pss_verify},
	{"ECDSA", "EcdsaP1363Verify", run_ecdsa_verify},
	{"EC public key", "EcPublicKeyVerify", run_ec_public_key},
	{"AES-WRAP", "KeywrapTest", run_kw},
	{"AES-KWP", "KeywrapTest", run_kwp},
	{"AES-GCM", "AeadTest", run_gcm},
	{"AES-CBC", "IndCpaTest", run_cbc_whole},
	{"AES-CBC-PKCS5", "IndCpaTest", run_cbc_padded},
};

static void run_group(const json_t *file, const json_t *group) {
	for (size_t i = 0; i < ARRAY_SIZE(runners); i++) {
		if (!is(file, "algorithm", runners[i].algorithm) || !is(group, "type", runners[i].type))
			continue;
		size_t n;
		const json_t *test;
		json_array_foreach(json_at(group, "tests"), n, test) {
			if (runners[i].run(group, test))
				ran++;
			else
				passed_over++;
		}
		key_unref(group_key);
		group_key = NULL;
		return;
	}
	fail_msg("nothing runs tests of %s, %s", json_str(file, "algorithm"), json_str(group, "type"));
}

static void run_file(const char *path) {
	json_error_t why;
	_cleanup_json_ json_t *file = json_load_file(path, 0, &why);
	if (!file)
		fail_msg("%s: %s", path, why.text);
	ran = passed_over = 0;
	size_t n;
	const json_t *group;
	json_array_foreach(json_at(file, "testGroups"), n, group) {
		run_group(file, group);
	}
	assert_int_equal(ran + passed_over, json_int(file, "numberOfTests", -1));
	print_message("%s: %u ran, %u passed over\n", path, ran, passed_over);
}

// All of what is in the repository must run.
static void test_selected(void **state) {
	_cleanup_buf_ struct buf path = {0};
	assert_int_equal(buf_printf(&path, "%s/%s", VECTORS, (const char *)*state), 0);
	run_file(buf_cstr(&path));
	assert_int_not_equal(ran, 0);
	assert_int_equal(passed_over, 0);
}

static char **paths;

static void test_given(void **state _unused_) {
	for (size_t i = 0; paths[i]; i++)
		run_file(paths[i]);
}

int main(int argc, char **argv) {
	if (argc > 1) {
		paths = argv + 1;
		const struct CMUnitTest given[] = {cmocka_unit_test(test_given)};
		return cmocka_run_group_tests(given, NULL, NULL);
	}
#define SELECTED(name) {name, test_selected, NULL, NULL, (char[]){name}}
	const struct CMUnitTest tests[] = {
		SELECTED("rsa_oaep_sha1.json"),
		SELECTED("rsa_oaep_sha256.json"),
		SELECTED("rsa_pkcs1_decrypt.json"),
		SELECTED("rsa_pkcs1_signature.json"),
		SELECTED("rsa_pss_signature.json"),
		SELECTED("ecdsa_p256.json"),
		SELECTED("ecdsa_p256k.json"),
		SELECTED("ecdsa_p384.json"),
		SELECTED("ecdsa_p521.json"),
		SELECTED("ec_public_key.json"),
		SELECTED("aes_kw.json"),
		SELECTED("aes_kwp.json"),
		SELECTED("aes_gcm.json"),
		SELECTED("aes_cbc.json"),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
