// SPDX-License-Identifier: Apache-2.0
// The client and the real keeper, started in a throwaway folder. argv[1] is its executable.
#include "keeper/client.h"

#include <dirent.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/io.h"
#include "crypto/hash.h"
#include "keeper/protocol.h"
#include "keeper/test-util.h"

enum { NOBODY = 65534, MEMLOCK_OF_DEBIAN = 8 << 20 };

static char *executable, *folder;
static pid_t keeper_pid;
static struct keeper_client *client;

static void become_nobody(void) {
	const struct rlimit memlock = {MEMLOCK_OF_DEBIAN, MEMLOCK_OF_DEBIAN};
	if (setrlimit(RLIMIT_MEMLOCK, &memlock) < 0 || setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
		_exit(126);
}

// Run the keeper; its process id.
static pid_t run(bool as_nobody, char *const *arguments) {
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (as_nobody)
			become_nobody();
		execv(executable, arguments);
		_exit(127);
	}
	return pid;
}

static int exit_status(pid_t pid) {
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void make_key_file(bool as_nobody) {
	char *arguments[] = {executable, (char[]){"--make-key-file"}, (char[]){"root.key"}, NULL};
	assert_int_equal(exit_status(run(as_nobody, arguments)), 0);
}

// Start the keeper and wait until it says that it serves.
static void start_keeper(bool as_nobody) {
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(fcntl(ready[0], F_SETFD, FD_CLOEXEC), 0);
	_cleanup_free_ char *number = strv_printf("%d", ready[1]);
	char *arguments[] = {executable, (char[]){"--socket"}, (char[]){"socket"}, (char[]){"--key-file"}, (char[]){"root.key"},
		(char[]){"--ready-fd"}, number, NULL};
	keeper_pid = run(as_nobody, arguments);
	(void)close(ready[1]);
	char line[6];
	assert_int_equal(io_read_full(ready[0], line, sizeof(line)), 0);
	assert_memory_equal(line, "READY\n", 6);
	// Closed after the line: a supervisor that reads to the end is not held up.
	assert_int_equal(io_read_full(ready[0], line, 1), -ENODATA);
	(void)close(ready[0]);
}

static void kill_keeper(void) {
	assert_int_equal(kill(keeper_pid, SIGKILL), 0);
	assert_int_equal(exit_status(keeper_pid), 1000 + SIGKILL);
	keeper_pid = 0;
}

static int set_up(void **state _unused_) {
	folder = enter_folder();
	make_key_file(false);
	start_keeper(false);
	return keeper_client_open("socket", &client, NULL);
}

static int tear_down(void **state _unused_) {
	static const char *const files[] = {"socket", "root.key"};
	keeper_client_close(client);
	client = NULL;
	if (keeper_pid > 0) {
		assert_int_equal(kill(keeper_pid, SIGTERM), 0);
		assert_int_equal(exit_status(keeper_pid), 0);
		keeper_pid = 0;
	}
	leave_folder(folder, files, ARRAY_SIZE(files));
	return 0;
}

static const struct key_spec rsa_2048 = {.kind = KEY_KIND_RSA, .bits = 2048}, oct_256 = {.kind = KEY_KIND_OCT, .bits = 256},
			     p256 = {.kind = KEY_KIND_EC, .curve = KEY_CURVE_P256};

static struct buf make(const struct key_spec *spec, unsigned usage, const char *context, struct key_public *pub) {
	struct buf blob = {0};
	struct err err = {0};
	struct key_public ignored;
	if (keeper_make(client, spec, usage, context, &blob, pub ? pub : &ignored, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(blob.len > 0 && blob.len <= KEEPER_BLOB_MAX);
	return blob;
}

static struct keeper_key key_of(const struct buf *blob, const char *context) {
	return (struct keeper_key){.blob = blob->data, .blob_len = blob->len, .context = context};
}

static void encrypt(const struct keeper_key *key, enum key_alg alg, enum alg_use use, const struct key_input *in,
	struct key_output *out) {
	struct err err = {0};
	if (keeper_encrypt(client, key, alg, use, in, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void expect_plain(const struct keeper_key *key, enum key_alg alg, enum alg_use use, const struct key_input *in,
	const char *text) {
	_cleanup_key_output_ struct key_output out = {0};
	struct err err = {0};
	if (keeper_decrypt(client, key, alg, use, in, &out, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(secret_equal(out.value.data, out.value.len, text, strlen(text)));
}

// A key of every size and curve.
static const struct key_spec specs[] = {
	{.kind = KEY_KIND_RSA, .bits = 2048},
	{.kind = KEY_KIND_RSA, .bits = 3072, .exponent = 3},
	{.kind = KEY_KIND_RSA, .bits = 4096},
	{.kind = KEY_KIND_EC, .curve = KEY_CURVE_P256},
	{.kind = KEY_KIND_EC, .curve = KEY_CURVE_P256K},
	{.kind = KEY_KIND_EC, .curve = KEY_CURVE_P384},
	{.kind = KEY_KIND_EC, .curve = KEY_CURVE_P521},
	{.kind = KEY_KIND_OCT, .bits = 128},
	{.kind = KEY_KIND_OCT, .bits = 192},
	{.kind = KEY_KIND_OCT, .bits = 256},
};

static bool alg_is_for(const struct alg_info *info, const struct key_spec *spec) {
	return info->kind == spec->kind && info->curve == spec->curve && (info->bits == 0 || info->bits == spec->bits);
}

// What every algorithm takes: two AES blocks, which key wrap and CBC without padding need, and an iv where there is one.
#define BLOCKS "0123456789abcdef0123456789abcdef"
static const uint8_t cbc_iv[16] = {9};

static struct key_input input_of(enum key_alg alg) {
	struct key_input in = {.value = BLOCKS, .len = strlen(BLOCKS)};
	const char *name = alg_name(alg);
	if (strstr(name, "CBC")) {
		in.iv = cbc_iv;
		in.iv_len = sizeof(cbc_iv);
	} else if (strstr(name, "GCM")) {
		in.aad = "beside";
		in.aad_len = 6;
	}
	return in;
}

// Encryption under this algorithm and use, and back; with an RSA key the public half encrypts as well.
static void check_encryption(const struct keeper_key *key, const struct key_public *pub, enum key_alg alg, enum alg_use use) {
	struct key_input in = input_of(alg);
	_cleanup_key_output_ struct key_output out = {0}, elsewhere = {0};
	encrypt(key, alg, use, &in, &out);
	assert_int_equal(out.tag_len, strstr(alg_name(alg), "GCM") ? 16 : 0);
	struct key_input back = {.value = out.value.data, .len = out.value.len, .aad = in.aad, .aad_len = in.aad_len,
		.iv = out.iv, .iv_len = out.iv_len, .tag = out.tag, .tag_len = out.tag_len};
	expect_plain(key, alg, use, &back, BLOCKS);
	if (pub->kind != KEY_KIND_RSA)
		return;
	_cleanup_pkey_ struct key *public = NULL;
	assert_int_equal(key_from_public(pub, &public, NULL), 0);
	assert_int_equal(key_encrypt(public, alg, use, &in, &elsewhere, NULL), 0);
	back = (struct key_input){.value = elsewhere.value.data, .len = elsewhere.value.len};
	expect_plain(key, alg, use, &back, BLOCKS);
}

static void check_signature(const struct keeper_key *key, const struct key_public *pub, enum key_alg alg) {
	const struct alg_info *info = alg_info(alg);
	const uint8_t digest[64] = {1, 2, 3}, other[64] = {3, 2, 1};
	size_t len = info->digest ? info->digest : 50;
	_cleanup_buf_ struct buf signature = {0};
	assert_int_equal(keeper_sign(client, key, alg, digest, len, &signature, NULL), 0);
	bool valid = false;
	assert_int_equal(keeper_verify(client, key, alg, digest, len, signature.data, signature.len, &valid, NULL), 0);
	assert_true(valid);
	assert_int_equal(keeper_verify(client, key, alg, other, len, signature.data, signature.len, &valid, NULL), 0);
	assert_false(valid);
	assert_int_equal(keeper_verify(client, key, alg, digest, len, "", 0, &valid, NULL), 0);
	assert_false(valid);
	if (pub->kind == KEY_KIND_OCT)
		return;
	_cleanup_pkey_ struct key *public = NULL;
	assert_int_equal(key_from_public(pub, &public, NULL), 0);
	assert_int_equal(key_verify(public, alg, digest, len, signature.data, signature.len, &valid, NULL), 0);
	assert_true(valid);
}

// Everything that every key can do, inside the sandbox.
static void test_all_keys_and_algorithms(void **state _unused_) {
	size_t pairs = 0;
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct key_public pub;
		_cleanup_buf_ struct buf blob = make(&specs[i], KEEPER_USE_WRAP | KEEPER_USE_SIGN, "vault/key/1", &pub);
		assert_int_equal(pub.kind, specs[i].kind);
		assert_int_equal(pub.curve, specs[i].curve);
		struct keeper_key key = key_of(&blob, "vault/key/1");
		for (unsigned alg = KEY_ALG_NONE + 1; alg < KEY_ALG_COUNT; alg++) {
			const struct alg_info *info = alg_info((enum key_alg)alg);
			if (!alg_is_for(info, &specs[i]))
				continue;
			pairs++;
			for (unsigned use = ALG_ENCRYPT; use <= ALG_WRAP; use <<= 1)
				if (info->uses & use)
					check_encryption(&key, &pub, (enum key_alg)alg, (enum alg_use)use);
			if (info->uses & ALG_SIGN)
				check_signature(&key, &pub, (enum key_alg)alg);
		}
	}
	// 10 with each RSA key, one with each curve, 4 with each AES size and 5 with all of them.
	assert_int_equal(pairs, 3 * 10 + 4 + 3 * 4 + 3 * 5);
}

static void test_public_halves(void **state _unused_) {
	struct key_public pub;
	for (size_t i = 0; i < 3; i++) {
		_cleanup_buf_ struct buf blob = make(&specs[i], KEEPER_USE_WRAP, "c", &pub);
		assert_true(blob.len > specs[i].bits / 8);
		assert_int_equal(pub.bits, specs[i].bits);
		assert_int_equal(pub.n_len, specs[i].bits / 8);
		assert_int_equal(pub.e_len, specs[i].exponent ? 1 : 3);
	}
	_cleanup_buf_ struct buf secret = make(&oct_256, KEEPER_USE_WRAP, "c", &pub);
	assert_true(secret.len > 32);
	assert_int_equal(pub.bits, 256);
	assert_int_equal(pub.n_len + pub.e_len, 0);
}

static int secret_number(EVP_PKEY *key, const char *name, struct secret *out) {
	BIGNUM *n = NULL;
	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &n), 1);
	int rc = secret_alloc(out, (size_t)BN_num_bytes(n));
	if (rc == 0)
		(void)BN_bn2bin(n, out->data);
	BN_clear_free(n);
	return rc;
}

// The numbers of a key that was made elsewhere.
static void rsa_numbers(struct key_private *out) {
	EVP_PKEY *key = EVP_RSA_gen(2048);
	assert_non_null(key);
	static const char *const names[] = {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
		OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
	struct secret *const numbers[] = {&out->d, &out->p, &out->q, &out->dp, &out->dq, &out->qi};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(secret_number(key, names[i], numbers[i]), 0);
	_cleanup_secret_ struct secret n = {0};
	assert_int_equal(secret_number(key, OSSL_PKEY_PARAM_RSA_N, &n), 0);
	out->pub = (struct key_public){.kind = KEY_KIND_RSA, .bits = 2048, .n_len = n.len, .e = {1, 0, 1}, .e_len = 3};
	memcpy(out->pub.n, n.data, n.len);
	EVP_PKEY_free(key);
}

static void ec_numbers(struct key_private *out) {
	EVP_PKEY *key = EVP_EC_gen("P-521");
	assert_non_null(key);
	out->pub = (struct key_public){.kind = KEY_KIND_EC, .curve = KEY_CURVE_P521, .bits = 521};
	uint8_t point[1 + 2 * KEY_COORDINATE_MAX];
	size_t len;
	assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof(point), &len), 1);
	assert_int_equal(len, sizeof(point));
	memcpy(out->pub.x, point + 1, KEY_COORDINATE_MAX);
	memcpy(out->pub.y, point + 1 + KEY_COORDINATE_MAX, KEY_COORDINATE_MAX);
	assert_int_equal(secret_number(key, OSSL_PKEY_PARAM_PRIV_KEY, &out->d), 0);
	EVP_PKEY_free(key);
}

static void oct_numbers(struct key_private *out) {
	out->pub = (struct key_public){.kind = KEY_KIND_OCT, .bits = 256};
	assert_int_equal(secret_random(&out->k, 32), 0);
}

static void (*const foreign[])(struct key_private *) = {rsa_numbers, ec_numbers, oct_numbers};
static const enum key_alg foreign_algs[] = {KEY_ALG_RS256, KEY_ALG_ES512, KEY_ALG_HS256};

// The sealed key signs as the one that was imported does.
static void expect_same_key(const struct buf *blob, const struct key_private *material, enum key_alg alg) {
	const uint8_t digest[64] = {5};
	size_t len = alg_info(alg)->digest;
	struct keeper_key key = key_of(blob, "import");
	_cleanup_buf_ struct buf signature = {0};
	_cleanup_pkey_ struct key *original = NULL;
	bool valid = false;
	assert_int_equal(keeper_sign(client, &key, alg, digest, len, &signature, NULL), 0);
	assert_int_equal(key_from_private(material, &original, NULL), 0);
	assert_int_equal(key_verify(original, alg, digest, len, signature.data, signature.len, &valid, NULL), 0);
	assert_true(valid);
}

static void test_import(void **state _unused_) {
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		_cleanup_(key_private_free) struct key_private material = {0};
		_cleanup_buf_ struct buf blob = {0};
		struct key_public pub;
		struct err err = {0};
		foreign[i](&material);
		if (keeper_import(client, &material, KEEPER_USE_SIGN, "import", &blob, &pub, &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(pub.kind, material.pub.kind);
		assert_int_equal(pub.bits, material.pub.bits);
		assert_memory_equal(pub.n, material.pub.n, sizeof(pub.n));
		assert_memory_equal(pub.x, material.pub.x, sizeof(pub.x));
		expect_same_key(&blob, &material, foreign_algs[i]);
		assert_int_equal(keeper_import(client, &material, KEEPER_USE_SIGN, "", &blob, &pub, &err), -EINVAL);
		assert_int_equal(keeper_import(client, &material, 0x101, "import", &blob, &pub, &err), -EINVAL);
		assert_int_equal(keeper_import(client, &material, KEEPER_USE_SIGN | KEEPER_USE_IMPORT, "import", &blob, &pub, &err),
			-EINVAL);
		struct secret *damaged = i == 2 ? &material.k : &material.d;
		damaged->len--;
		assert_int_equal(keeper_import(client, &material, KEEPER_USE_SIGN, "import", &blob, &pub, &err), -EINVAL);
		assert_string_equal(err.code, "BadParameter");
		damaged->len = KEY_RSA_MAX_BYTES + 1;
		assert_int_equal(keeper_import(client, &material, KEEPER_USE_SIGN, "import", &blob, &pub, &err), -EINVAL);
		damaged->len = 0;
		material.pub.kind = KEY_KIND_NONE;
		assert_int_equal(keeper_import(client, &material, KEEPER_USE_SIGN, "import", &blob, &pub, &err), -EINVAL);
		assert_int_equal(keeper_ping(client, NULL), 0);
	}
}

// CKM_RSA_AES_KEY_WRAP of a key under the public half of an exchange key.
static void make_transfer(const struct key_public *exchange, const struct key *key, struct buf *out) {
	_cleanup_pkey_ struct key *public = NULL, *aes = NULL;
	_cleanup_secret_ struct secret aes_bytes = {0}, encoded = {0};
	_cleanup_key_output_ struct key_output head = {0}, tail = {0};
	assert_int_equal(key_from_public(exchange, &public, NULL), 0);
	assert_int_equal(key_make(&oct_256, &aes, NULL), 0);
	assert_int_equal(key_encode(aes, &aes_bytes, NULL), 0);
	assert_int_equal(key_encode(key, &encoded, NULL), 0);
	const struct key_input first = {.value = aes_bytes.data, .len = aes_bytes.len},
			       second = {.value = encoded.data, .len = encoded.len};
	assert_int_equal(key_encrypt(public, KEY_ALG_RSA_OAEP, ALG_WRAP, &first, &head, NULL), 0);
	assert_int_equal(key_encrypt(aes, KEY_ALG_AES_KEY_WRAP_PAD, ALG_WRAP, &second, &tail, NULL), 0);
	assert_int_equal(buf_append(out, head.value.data, head.value.len), 0);
	assert_int_equal(buf_append(out, tail.value.data, tail.value.len), 0);
}

static void test_import_transfer(void **state _unused_) {
	struct key_public exchange_pub;
	_cleanup_buf_ struct buf exchange_blob = make(&rsa_2048, KEEPER_USE_IMPORT, "exchange", &exchange_pub),
				 wrap_blob = make(&rsa_2048, KEEPER_USE_WRAP, "exchange", NULL);
	struct keeper_key exchange = key_of(&exchange_blob, "exchange"), wrong = key_of(&wrap_blob, "exchange");
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		_cleanup_(key_private_free) struct key_private material = {0};
		_cleanup_pkey_ struct key *key = NULL;
		_cleanup_buf_ struct buf transfer = {0}, blob = {0};
		struct key_public pub;
		struct err err = {0};
		foreign[i](&material);
		enum key_kind kind = material.pub.kind;
		assert_int_equal(key_from_private(&material, &key, NULL), 0);
		make_transfer(&exchange_pub, key, &transfer);
		if (keeper_import_transfer(client, &exchange, kind, transfer.data, transfer.len, KEEPER_USE_SIGN, "import", &blob, &pub,
			    &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(pub.kind, kind);
		expect_same_key(&blob, &material, foreign_algs[i]);
		size_t len = blob.len;
		assert_int_equal(keeper_import_transfer(client, &wrong, kind, transfer.data, transfer.len, KEEPER_USE_SIGN, "import",
			&blob, &pub, &err), -EPERM);
		assert_int_equal(keeper_import_transfer(client, &exchange, kind == KEY_KIND_RSA ? KEY_KIND_EC : KEY_KIND_RSA,
			transfer.data, transfer.len, KEEPER_USE_SIGN, "import", &blob, &pub, &err), -EINVAL);
		assert_int_equal(keeper_import_transfer(client, &exchange, kind, transfer.data, KEEPER_INPUT_MAX + 1, KEEPER_USE_SIGN,
			"import", &blob, &pub, &err), -EINVAL);
		transfer.data[transfer.len - 1] ^= 1;
		assert_int_equal(keeper_import_transfer(client, &exchange, kind, transfer.data, transfer.len, KEEPER_USE_SIGN, "import",
			&blob, &pub, &err), -EINVAL);
		assert_string_equal(err.code, "BadParameter");
		assert_int_equal(blob.len, len);
	}
}

static void expect_data(const struct buf *blob, const char *context, const void *want, size_t len) {
	struct keeper_key sealed = key_of(blob, context);
	_cleanup_secret_ struct secret data = {0};
	assert_int_equal(keeper_open(client, &sealed, &data, NULL), 0);
	assert_true(secret_equal(data.data, data.len, want, len));
}

static void test_data(void **state _unused_) {
	static uint8_t bytes[KEEPER_DATA_MAX + 1] = {1, 2, 3};
	static const size_t lengths[] = {0, 9, KEEPER_DATA_MAX};
	struct err err = {0};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		_cleanup_buf_ struct buf blob = {0}, moved = {0};
		_cleanup_secret_ struct secret none = {0};
		assert_int_equal(keeper_seal(client, "secret/1", bytes, lengths[i], &blob, &err), 0);
		assert_true(blob.len <= KEEPER_BLOB_MAX);
		expect_data(&blob, "secret/1", bytes, lengths[i]);
		struct keeper_key sealed = key_of(&blob, "secret/1"), elsewhere = key_of(&blob, "secret/2");
		assert_int_equal(keeper_reseal(client, &sealed, "secret/2", &moved, &err), 0);
		expect_data(&moved, "secret/2", bytes, lengths[i]);
		assert_int_equal(keeper_open(client, &elsewhere, &none, &err), -EBADMSG);
		assert_int_equal(err.status, 500);
		size_t len = moved.len;
		assert_int_equal(keeper_reseal(client, &elsewhere, "secret/3", &moved, &err), -EBADMSG);
		assert_int_equal(keeper_reseal(client, &sealed, "", &moved, &err), -EINVAL);
		assert_int_equal(moved.len, len);
	}
	_cleanup_buf_ struct buf blob = {0};
	assert_int_equal(keeper_seal(client, "secret/1", bytes, sizeof(bytes), &blob, &err), -EINVAL);
	assert_string_equal(err.code, "BadParameter");
	assert_int_equal(keeper_seal(client, "", bytes, 1, &blob, &err), -EINVAL);
	assert_int_equal(blob.len, 0);
}

// A key that moves stays what it is; data is no key and a key is no data.
static void test_reseal_key(void **state _unused_) {
	_cleanup_buf_ struct buf blob = make(&oct_256, KEEPER_USE_WRAP, "old", NULL), moved = {0}, data = {0}, signature = {0};
	struct keeper_key old = key_of(&blob, "old");
	struct key_input in = input_of(KEY_ALG_A256KW);
	_cleanup_key_output_ struct key_output wrapped = {0};
	encrypt(&old, KEY_ALG_A256KW, ALG_WRAP, &in, &wrapped);
	struct err err = {0};
	assert_int_equal(keeper_reseal(client, &old, "new", &moved, &err), 0);
	struct keeper_key key = key_of(&moved, "new");
	expect_plain(&key, KEY_ALG_A256KW, ALG_WRAP, &(struct key_input){.value = wrapped.value.data, .len = wrapped.value.len},
		BLOCKS);
	assert_int_equal(keeper_sign(client, &key, KEY_ALG_HS256, BLOCKS, 32, &signature, &err), -EPERM);
	_cleanup_secret_ struct secret none = {0};
	assert_int_equal(keeper_open(client, &key, &none, &err), -EBADMSG);
	assert_int_equal(keeper_seal(client, "data", "x", 1, &data, &err), 0);
	struct keeper_key no_key = key_of(&data, "data");
	_cleanup_key_output_ struct key_output nothing = {0};
	assert_int_equal(keeper_encrypt(client, &no_key, KEY_ALG_A256KW, ALG_WRAP, &in, &nothing, &err), -EBADMSG);
	assert_null(nothing.value.data);
}

static void test_derive(void **state _unused_) {
	_cleanup_secret_ struct secret a = {0}, b = {0}, again = {0};
	assert_int_equal(keeper_derive(client, "cookies", &a, NULL), 0);
	assert_int_equal(keeper_derive(client, "paging", &b, NULL), 0);
	assert_int_equal(a.len, 32);
	assert_false(secret_equal(a.data, a.len, b.data, b.len));
	kill_keeper();
	start_keeper(false);
	assert_int_equal(keeper_derive(client, "cookies", &again, NULL), 0);
	assert_true(secret_equal(a.data, a.len, again.data, again.len));
}

static int decrypt(const struct keeper_key *key, enum key_alg alg, const struct key_output *wrapped, struct err *err) {
	const struct key_input in = {.value = wrapped->value.data, .len = wrapped->value.len};
	_cleanup_key_output_ struct key_output out = {0};
	int rc = keeper_decrypt(client, key, alg, ALG_WRAP, &in, &out, err);
	assert_true(rc == 0 || !out.value.data);
	return rc;
}

static void test_errors(void **state _unused_) {
	struct key_public pub;
	_cleanup_buf_ struct buf blob = make(&rsa_2048, KEEPER_USE_WRAP, "here", &pub), out = {0};
	struct keeper_key key = key_of(&blob, "here"), there = key_of(&blob, "there"), cut = key_of(&blob, "here"),
			  large = key_of(&blob, "here"), empty = key_of(&blob, "here"), nowhere = key_of(&blob, "");
	cut.blob_len--;
	large.blob_len = KEEPER_BLOB_MAX + 1;
	empty.blob_len = 0;
	const uint8_t digest[32] = {0};
	static uint8_t zeros[KEEPER_INPUT_MAX + 1];
	_cleanup_key_output_ struct key_output wrapped = {0}, nothing = {0};
	struct err err = {0};
	encrypt(&key, KEY_ALG_RSA_OAEP, ALG_WRAP, &(struct key_input){.value = "x", .len = 1}, &wrapped);

	assert_int_equal(decrypt(&there, KEY_ALG_RSA_OAEP, &wrapped, &err), -EBADMSG);
	assert_int_equal(err.status, 500);
	assert_int_equal(decrypt(&cut, KEY_ALG_RSA_OAEP, &wrapped, &err), -EBADMSG);
	assert_int_equal(decrypt(&large, KEY_ALG_RSA_OAEP, &wrapped, &err), -EBADMSG);
	assert_int_equal(decrypt(&empty, KEY_ALG_RSA_OAEP, &wrapped, &err), -EBADMSG);
	assert_int_equal(decrypt(&nowhere, KEY_ALG_RSA_OAEP, &wrapped, &err), -EINVAL);
	assert_int_equal(keeper_sign(client, &key, KEY_ALG_RS256, digest, 32, &out, &err), -EPERM);
	assert_int_equal(err.status, 403);
	assert_string_equal(err.code, "Forbidden");
	bool valid = true;
	assert_int_equal(keeper_verify(client, &key, KEY_ALG_RS256, digest, 32, "", 0, &valid, &err), -EPERM);
	assert_int_equal(keeper_verify(client, &key, KEY_ALG_NONE, digest, 32, "", 0, &valid, &err), -EINVAL);
	assert_int_equal(keeper_verify(client, &key, KEY_ALG_RS256, zeros, sizeof(zeros), "", 0, &valid, &err), -EINVAL);
	assert_int_equal(keeper_verify(client, &key, KEY_ALG_RS256, digest, 32, zeros, sizeof(zeros), &valid, &err), -EINVAL);
	assert_true(valid);
	assert_int_equal(keeper_sign(client, &key, KEY_ALG_RS256, zeros, sizeof(zeros), &out, &err), -EINVAL);
	assert_int_equal(decrypt(&key, KEY_ALG_RSA_OAEP_256, &wrapped, &err), -EINVAL);
	assert_int_equal(err.status, 400);
	assert_string_equal(err.code, "BadParameter");
	assert_int_equal(decrypt(&key, KEY_ALG_RS256, &wrapped, &err), -EINVAL);
	assert_int_equal(decrypt(&key, KEY_ALG_NONE, &wrapped, &err), -EINVAL);
	const struct key_input inputs[] = {
		{.value = zeros, .len = sizeof(zeros)},
		{.value = zeros, .len = KEEPER_INPUT_MAX},
		{.aad = zeros, .aad_len = sizeof(zeros)},
		{.iv = zeros, .iv_len = KEY_IV_MAX + 1},
		{.tag = zeros, .tag_len = KEY_TAG_SIZE + 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++)
		assert_int_equal(keeper_encrypt(client, &key, KEY_ALG_RSA_OAEP, ALG_WRAP, &inputs[i], &nothing, &err), -EINVAL);
	assert_int_equal(keeper_encrypt(client, &key, KEY_ALG_RSA_OAEP, ALG_SIGN, &inputs[2], &nothing, &err), -EINVAL);
	const struct key_spec small = {.kind = KEY_KIND_RSA, .bits = 1024};
	const struct key_spec far = {.kind = KEY_KIND_RSA, .bits = 65536 + 2048};
	assert_int_equal(keeper_make(client, &small, KEEPER_USE_WRAP, "here", &out, &pub, &err), -EINVAL);
	assert_int_equal(keeper_make(client, &far, KEEPER_USE_WRAP, "here", &out, &pub, &err), -EINVAL);
	static const unsigned usages[] = {0, 5, 6, 7, 8, 0x101};
	for (size_t i = 0; i < ARRAY_SIZE(usages); i++)
		assert_int_equal(keeper_make(client, &rsa_2048, usages[i], "here", &out, &pub, &err), -EINVAL);
	assert_int_equal(keeper_make(client, &p256, KEEPER_USE_IMPORT, "here", &out, &pub, &err), -EINVAL);
	assert_int_equal(keeper_make(client, &rsa_2048, KEEPER_USE_WRAP, "", &out, &pub, &err), -EINVAL);
	_cleanup_secret_ struct secret derived = {0};
	assert_int_equal(keeper_derive(client, "", &derived, &err), -EINVAL);
	char label[KEEPER_LABEL_MAX + 2] = {0};
	memset(label, 'l', sizeof(label) - 1);
	assert_int_equal(keeper_derive(client, label, &derived, &err), -EINVAL);
	assert_null(derived.data);
	assert_null(nothing.value.data);
	assert_int_equal(out.len, 0);
	assert_int_equal(keeper_ping(client, &err), 0);
}

// A blob outlives the process; a client's connections need not.
static void test_restart(void **state _unused_) {
	_cleanup_buf_ struct buf rsa_blob = make(&rsa_2048, KEEPER_USE_WRAP, "here", NULL),
				 oct_blob = make(&oct_256, KEEPER_USE_WRAP, "here", NULL), ec_blob = make(&p256, KEEPER_USE_SIGN, "here", NULL),
				 data_blob = {0};
	struct keeper_key rsa = key_of(&rsa_blob, "here"), oct = key_of(&oct_blob, "here"), ec = key_of(&ec_blob, "here");
	const struct key_input in = input_of(KEY_ALG_A256KW);
	_cleanup_key_output_ struct key_output by_rsa = {0}, by_oct = {0};
	encrypt(&rsa, KEY_ALG_RSA_OAEP_256, ALG_WRAP, &in, &by_rsa);
	encrypt(&oct, KEY_ALG_A256KW, ALG_WRAP, &in, &by_oct);
	assert_int_equal(keeper_seal(client, "here", "data", 4, &data_blob, NULL), 0);
	for (int i = 0; i < 4; i++) {
		kill_keeper();
		start_keeper(false);
		// Another operation is the first one after each restart: any of them is repeated.
		switch (i) {
		case 0:
			expect_plain(&rsa, KEY_ALG_RSA_OAEP_256, ALG_WRAP,
				&(struct key_input){.value = by_rsa.value.data, .len = by_rsa.value.len}, BLOCKS);
			break;
		case 1:
			expect_plain(&oct, KEY_ALG_A256KW, ALG_WRAP,
				&(struct key_input){.value = by_oct.value.data, .len = by_oct.value.len}, BLOCKS);
			break;
		case 2:
			check_signature(&ec, &(struct key_public){.kind = KEY_KIND_OCT}, KEY_ALG_ES256);
			break;
		default:
			expect_data(&data_blob, "here", "data", 4);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		_cleanup_(key_private_free) struct key_private material = {0};
		_cleanup_buf_ struct buf blob = {0};
		struct key_public pub;
		foreign[i](&material);
		kill_keeper();
		start_keeper(false);
		assert_int_equal(keeper_import(client, &material, KEEPER_USE_SIGN, "import", &blob, &pub, NULL), 0);
		expect_same_key(&blob, &material, foreign_algs[i]);
	}
}

static void test_keeper_away(void **state _unused_) {
	struct err err = {0};
	assert_int_equal(keeper_ping(client, &err), 0);
	kill_keeper();
	assert_int_equal(keeper_ping(client, &err), -ECONNREFUSED);
	assert_int_equal(err.status, 503);
	assert_string_equal(err.code, "ServiceUnavailable");
	assert_int_equal(unlink("socket"), 0);
	assert_int_equal(keeper_ping(client, &err), -ENOENT);
	start_keeper(false);
	assert_int_equal(keeper_ping(client, &err), 0);
}

enum { THREADS = 24, ROUNDS = 20 };

struct shared {
	struct keeper_key keys[2];
	struct key_output wrapped[2];
	atomic_int good, away;
};

static void *use(void *arg) {
	struct shared *s = arg;
	for (int i = 0; i < ROUNDS; i++) {
		_cleanup_key_output_ struct key_output plain = {0};
		int which = i % 2;
		const struct key_input in = {.value = s->wrapped[which].value.data, .len = s->wrapped[which].value.len};
		struct err err = {0};
		int rc = keeper_decrypt(client, &s->keys[which], KEY_ALG_RSA_OAEP_256, ALG_WRAP, &in, &plain, &err);
		if (rc == 0 && secret_equal(plain.value.data, plain.value.len, which ? "second" : "first.", 6))
			atomic_fetch_add(&s->good, 1);
		else if (rc < 0 && err.status == 503)
			atomic_fetch_add(&s->away, 1);
	}
	return NULL;
}

static void run_threads(struct shared *s, struct buf blobs[static 2], bool restart) {
	pthread_t threads[THREADS];
	for (size_t i = 0; i < 2; i++) {
		blobs[i] = make(&rsa_2048, KEEPER_USE_WRAP, "here", NULL);
		s->keys[i] = key_of(&blobs[i], "here");
		const struct key_input in = {.value = i ? "second" : "first.", .len = 6};
		encrypt(&s->keys[i], KEY_ALG_RSA_OAEP_256, ALG_WRAP, &in, &s->wrapped[i]);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, s), 0);
	if (restart) {
		kill_keeper();
		start_keeper(false);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		buf_free(&blobs[i]);
		key_output_free(&s->wrapped[i]);
	}
}

// More threads than the client has connections: all of them get their own answers.
static void test_many_threads(void **state _unused_) {
	struct shared s = {0};
	struct buf blobs[2];
	run_threads(&s, blobs, false);
	assert_int_equal(atomic_load(&s.good), THREADS * ROUNDS);
}

// A keeper killed under load: a request is answered rightly or refused with 503, nothing else.
static void test_killed_under_load(void **state _unused_) {
	struct shared s = {0};
	struct buf blobs[2];
	run_threads(&s, blobs, true);
	assert_int_equal(atomic_load(&s.good) + atomic_load(&s.away), THREADS * ROUNDS);
	assert_int_equal(keeper_ping(client, NULL), 0);
}

static int raw_connection(void) {
	int fd = io_unix_connect("socket", SOCK_SEQPACKET, NULL);
	assert_true(fd >= 0);
	return fd;
}

static const uint8_t ping[] = {KEEPER_PROTOCOL_VERSION, KEEPER_OP_PING};

static void expect_pong(int fd) {
	uint8_t reply[16];
	assert_int_equal(recv(fd, reply, sizeof(reply), 0), 2);
	assert_int_equal(reply[1], KEEPER_OK);
}

// What is no request gets BAD_REQUEST at most, then the connection ends; the keeper goes on.
static void test_hang_up(void **state _unused_) {
	static uint8_t large[KEEPER_RECORD_MAX + 1] = {KEEPER_PROTOCOL_VERSION, KEEPER_OP_PING};
	static const struct {
		const void *bytes;
		size_t len;
		bool answered;
	} cases[] = {
		{"\x01\x01", 2, true},
		{"\x02\x63", 2, true},
		{"\x02\x01\x00", 3, true},
		{"\x02", 1, true},
		{large, KEEPER_RECORD_MAX, true},
		{large, KEEPER_RECORD_MAX + 1, false},
		{"", 0, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_fd_ int fd = raw_connection();
		uint8_t reply[600];
		assert_int_equal(send(fd, cases[i].bytes, cases[i].len, MSG_NOSIGNAL), (ssize_t)cases[i].len);
		if (cases[i].answered) {
			assert_true(recv(fd, reply, sizeof(reply), 0) > 2);
			assert_int_equal(reply[1], KEEPER_BAD_REQUEST);
		}
		assert_int_equal(recv(fd, reply, sizeof(reply), 0), 0);
	}
	_cleanup_fd_ int fd = raw_connection(), passed = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uint8_t reply[16];
	assert_int_equal(io_send_fds(fd, ping, sizeof(ping), &passed, 1), 0);
	assert_int_equal(recv(fd, reply, sizeof(reply), 0), 0);
	assert_int_equal(keeper_ping(client, NULL), 0);
}

// One connection more than there are workers waits its turn.
static void test_connection_limit(void **state _unused_) {
	int fds[KEEPER_WORKERS];
	for (size_t i = 0; i < KEEPER_WORKERS; i++) {
		fds[i] = raw_connection();
		assert_int_equal(send(fds[i], ping, sizeof(ping), MSG_NOSIGNAL), sizeof(ping));
		expect_pong(fds[i]);
	}
	_cleanup_fd_ int waiting = raw_connection();
	assert_int_equal(send(waiting, ping, sizeof(ping), MSG_NOSIGNAL), sizeof(ping));
	struct pollfd p = {.fd = waiting, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 200), 0);
	(void)close(fds[0]);
	expect_pong(waiting);
	for (size_t i = 1; i < KEEPER_WORKERS; i++)
		(void)close(fds[i]);
}

// SIGTERM ends idle connections and lets a request under way finish.
static void test_stop(void **state _unused_) {
	_cleanup_fd_ int idle = raw_connection(), busy = raw_connection();
	assert_int_equal(send(idle, ping, sizeof(ping), MSG_NOSIGNAL), sizeof(ping));
	expect_pong(idle);
	static const uint8_t make_4096[] = {KEEPER_PROTOCOL_VERSION, KEEPER_OP_MAKE, 1, 0x10, 0x00, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 'c'};
	assert_int_equal(send(busy, ping, sizeof(ping), MSG_NOSIGNAL), sizeof(ping));
	expect_pong(busy);
	assert_int_equal(send(busy, make_4096, sizeof(make_4096), MSG_NOSIGNAL), sizeof(make_4096));
	(void)poll(NULL, 0, 20);  // let it begin; a key of 4096 bits takes longer than that
	assert_int_equal(kill(keeper_pid, SIGTERM), 0);
	static uint8_t reply[KEEPER_RECORD_MAX];
	assert_true(recv(busy, reply, sizeof(reply), 0) > 500);
	assert_int_equal(reply[1], KEEPER_OK);
	assert_int_equal(recv(idle, reply, sizeof(reply), 0), 0);
	assert_int_equal(exit_status(keeper_pid), 0);
	keeper_pid = 0;
}

static bool proc_file_has(const char *name, const char *text) {
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)keeper_pid, name);
	_cleanup_buf_ struct buf contents = {0};
	assert_int_equal(io_read_file(path, 1 << 20, &contents, NULL), 0);
	return strstr(buf_cstr(&contents), text) != NULL;
}

static void test_sandbox(void **state _unused_) {
	assert_int_equal(keeper_ping(client, NULL), 0);
	_cleanup_free_ char *tasks = strv_printf("/proc/%d/task", (int)keeper_pid);
	DIR *dir = opendir(tasks);
	assert_non_null(dir);
	int count = 0;
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] == '.')
			continue;
#ifndef KEEPER_WITHOUT_SECCOMP
		_cleanup_free_ char *status = strv_printf("task/%s/status", e->d_name);
		assert_true(proc_file_has(status, "Seccomp:\t2"));
		assert_true(proc_file_has(status, "NoNewPrivs:\t1"));
#endif
		count++;
	}
	(void)closedir(dir);
	assert_true(count > KEEPER_WORKERS);
	assert_true(proc_file_has("limits", "Max core file size        0                    0"));
}

static void test_links_no_parsers(void **state _unused_) {
	static const char *const strangers[] = {"jansson", "sqlite", "libpq", "curl", "microhttpd", "libssl"};
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
		assert_false(proc_file_has("maps", strangers[i]));
	assert_true(proc_file_has("maps", "libcrypto"));
}

// With the rights and the memory-lock limit of an ordinary user. Of a process that may not be dumped
// /proc belongs to root, which is how one sees it from outside.
static void test_unprivileged(void **state _unused_) {
	if (geteuid() != 0)
		skip();
	pid_t probe = fork();
	assert_true(probe >= 0);
	if (probe == 0) {
		become_nobody();
		_exit(access(executable, X_OK) == 0 ? 0 : 1);
	}
	if (exit_status(probe) != 0)
		skip();

	kill_keeper();
	assert_int_equal(unlink("root.key"), 0);
	assert_int_equal(unlink("socket"), 0);
	assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
	make_key_file(true);
	start_keeper(true);
	char path[32];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)keeper_pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_true(proc_file_has("status", "Uid:\t65534\t65534"));

	// Neither side takes the other user's process for its peer.
	struct err err = {0};
	assert_int_equal(keeper_ping(client, &err), -EACCES);
	assert_int_equal(err.status, 503);
	_cleanup_fd_ int fd = raw_connection();
	uint8_t reply[16];
	(void)send(fd, ping, sizeof(ping), MSG_NOSIGNAL);
	assert_true(recv(fd, reply, sizeof(reply), 0) <= 0);
}

static void test_refuses_to_start(void **state _unused_) {
	char *const serve[] = {executable, (char[]){"--socket"}, (char[]){"other"}, (char[]){"--key-file"}, (char[]){"root.key"}, NULL};
	char *const missing[] = {executable, (char[]){"--socket"}, (char[]){"other"}, NULL};
	char *const both[] = {executable, (char[]){"--make-key-file"}, (char[]){"k"}, (char[]){"--socket"}, (char[]){"s"}, NULL};
	char *const surplus[] = {executable, (char[]){"--make-key-file"}, (char[]){"k"}, (char[]){"x"}, NULL};
	char *const unknown[] = {executable, (char[]){"--verbose"}, NULL};
	char *const bad_fd[] = {executable, (char[]){"--socket"}, (char[]){"other"}, (char[]){"--key-file"}, (char[]){"root.key"},
		(char[]){"--ready-fd"}, (char[]){"1x"}, NULL};
	char *const again[] = {executable, (char[]){"--make-key-file"}, (char[]){"root.key"}, NULL};
	char *const *const usage_errors[] = {missing, both, surplus, unknown, bad_fd};
	for (size_t i = 0; i < ARRAY_SIZE(usage_errors); i++)
		assert_int_equal(exit_status(run(false, usage_errors[i])), 2);
	assert_int_equal(exit_status(run(false, again)), 1);
	assert_int_equal(chmod("root.key", 0644), 0);
	assert_int_equal(exit_status(run(false, serve)), 1);
	assert_int_equal(access("other", F_OK), -1);
}

int main(int argc, char **argv) {
	if (argc != 2)
		return 2;
	// The tests leave the folder that a relative path starts from.
	executable = realpath(argv[1], NULL);
	if (!executable || secret_init(1 << 20, NULL) < 0)
		return 1;
#define WITH_KEEPER(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_KEEPER(test_all_keys_and_algorithms),
		WITH_KEEPER(test_public_halves),
		WITH_KEEPER(test_import),
		WITH_KEEPER(test_import_transfer),
		WITH_KEEPER(test_data),
		WITH_KEEPER(test_reseal_key),
		WITH_KEEPER(test_derive),
		WITH_KEEPER(test_errors),
		WITH_KEEPER(test_restart),
		WITH_KEEPER(test_keeper_away),
		WITH_KEEPER(test_many_threads),
		WITH_KEEPER(test_killed_under_load),
		WITH_KEEPER(test_hang_up),
		WITH_KEEPER(test_connection_limit),
		WITH_KEEPER(test_stop),
		WITH_KEEPER(test_sandbox),
		WITH_KEEPER(test_links_no_parsers),
		WITH_KEEPER(test_unprivileged),
		WITH_KEEPER(test_refuses_to_start),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(executable);
	return failed;
}
