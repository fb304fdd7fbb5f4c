// SPDX-License-Identifier: Apache-2.0
// A disk's life against a vault with real keys: made, opened, refused, rewrapped, made again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/strv.h"
#include "disk/create.h"
#include "disk/lock.h"
#include "disk/rewrap.h"
#include "disk/test-vault.h"
#include "disk/xts.h"

enum { SIZE = 4 << 20 };

static struct test_vault *vault;

// A disk and how to reach it.
struct fixture {
	struct disk_config config;
	struct azure_client *azure;
	char uuid[SEALED_UUID_SIZE];
	uint64_t bytes_written;
};

static void prepare(struct fixture *f, const char *name, unsigned key, const char *source, const char *mac) {
	char path[128];
	struct err err;
	*f = (struct fixture){0};
	test_config(vault, name, key, SIZE, source, mac, 60, path);
	if (disk_config_read(path, &f->config, &err) < 0 ||
		azure_client_new(&f->config.route, &f->config.credential, &f->azure, &err) < 0)
		fail_msg("%s", err.message);
}

static void done(struct fixture *f) {
	azure_client_free(f->azure);
	disk_config_free(&f->config);
}

static void create(struct fixture *f, struct opened *disk) {
	struct err err = {0};
	if (create_disk(&f->config, f->azure, disk, f->uuid, &f->bytes_written, &err) < 0)
		fail_msg("%s", err.message);
}

static int rewrap(struct fixture *f, unsigned key, struct opened *disk, struct err *err) {
	const struct rewrap r = {.azure = f->azure, .file = f->config.file, .key_url = test_key_url(key),
		.disk_encryption_set = f->config.disk_encryption_set};
	return rewrap_disk(&r, disk, f->uuid, err);
}

static int open_it(struct fixture *f, struct opened *disk, struct err *err) {
	_cleanup_(sealed_freep) struct sealed *s = NULL;
	int rc = sealed_load(f->config.file, &s, err);
	return rc < 0 ? rc : access_open(s, f->azure, f->config.header_mac, f->config.disk_encryption_set, disk, err);
}

static void opens_with(struct fixture *f, unsigned key, const struct opened *like) {
	_cleanup_opened_ struct opened disk = {0};
	struct err err = {0};
	if (open_it(f, &disk, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(disk.token.key_url, test_key_url(key));
	assert_string_equal(disk.mac, like->mac);
	assert_true(secret_equal(disk.volume_key.data, disk.volume_key.len, like->volume_key.data, like->volume_key.len));
}

static size_t token_count(struct fixture *f) {
	struct sealed *s = NULL;
	size_t count;
	assert_int_equal(sealed_load(f->config.file, &s, NULL), 0);
	(void)sealed_tokens(s, &count);
	sealed_free(s);
	return count;
}

static bool is_there(const char *file, const char *suffix) {
	char path[256];
	(void)snprintf(path, sizeof(path), "%s%s", file, suffix);
	return access(path, F_OK) == 0;
}

static void read_at(const char *path, void *data, size_t len, off_t offset) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, data, len, offset), len);
	(void)close(fd);
}

// 2 MiB and 1000 bytes: text, a MiB of hole, text.
enum { SOURCE_SIZE = (2 << 20) + 1000 };
static const char marker[] = "plaintext that must not be seen";

static void fill_source(uint8_t *data) {
	memset(data, 0, SOURCE_SIZE);
	for (size_t i = 0; i + sizeof(marker) < SOURCE_SIZE; i += sizeof(marker))
		if (i < 512 << 10 || i > (1536 << 10))
			memcpy(data + i, marker, sizeof(marker));
}

static void make_source(const char *name) {
	char path[160];
	uint8_t *data = malloc(SOURCE_SIZE);
	fill_source(data);
	(void)snprintf(path, sizeof(path), "%s/import/%s", vault->folder, name);
	assert_int_equal(io_create_file(path, data, SOURCE_SIZE, 0600, NULL), 0);
	free(data);
}

static int set_up(void **state) {
	(void)state;
	struct err err = {0};
	if (secret_init(1 << 18, &err) < 0) {
		print_error("%s\n", err.message);
		return -1;
	}
	vault = test_vault_start();
	make_source("image.raw");
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	test_vault_stop(vault);
	return 0;
}

static int reset(void **state) {
	(void)state;
	test_vault_reset(vault);
	return 0;
}

static void test_create_from_an_image(void **state) {
	(void)state;
	struct fixture f;
	_cleanup_opened_ struct opened disk = {0};
	prepare(&f, "image", 0, "image.raw", NULL);
	create(&f, &disk);
	assert_int_equal(f.bytes_written, (2 << 20) + 4096);
	struct stat st;
	assert_int_equal(stat(f.config.file, &st), 0);
	assert_int_equal(st.st_size, SEALED_DATA_OFFSET + SIZE);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_false(is_there(f.config.file, ".new"));
	opens_with(&f, 0, &disk);

	// All of the image decrypts to itself, padded with zeros; its hole is not seen in the file, nor is any plaintext.
	size_t len = (2 << 20) + 4096;
	uint8_t *plain = calloc(1, len), *stored = malloc(len);
	static const uint8_t zeros[XTS_SECTOR_SIZE];
	fill_source(plain);
	read_at(f.config.file, stored, len, SEALED_DATA_OFFSET);
	assert_null(memmem(stored, len, marker, sizeof(marker)));
	for (size_t i = 0; i < len; i += XTS_SECTOR_SIZE)
		assert_memory_not_equal(stored + i, zeros, XTS_SECTOR_SIZE);
	struct xts *x = NULL;
	assert_int_equal(xts_new(&disk.volume_key, &x, NULL), 0);
	assert_int_equal(xts_decrypt(x, 0, stored, stored, len), 0);
	assert_memory_equal(stored, plain, len);
	xts_free(x);
	free(plain);
	free(stored);
	done(&f);
}

static void test_create_empty_and_again(void **state) {
	(void)state;
	struct fixture f;
	_cleanup_opened_ struct opened disk = {0}, again = {0}, moved = {0}, other = {0};
	prepare(&f, "empty", 0, NULL, NULL);
	create(&f, &disk);
	assert_int_equal(f.bytes_written, 0);
	char uuid[SEALED_UUID_SIZE];
	memcpy(uuid, f.uuid, sizeof(uuid));
	create(&f, &again);
	assert_string_equal(again.mac, disk.mac);
	assert_string_equal(uuid, f.uuid);
	opens_with(&f, 0, &disk);
	done(&f);
	prepare(&f, "empty", 1, NULL, disk.mac);
	create(&f, &moved);
	assert_string_equal(moved.mac, disk.mac);
	assert_string_equal(moved.token.key_url, test_key_url(1));
	opens_with(&f, 1, &disk);

	struct err err = {0};
	f.config.size = SIZE / 2;
	assert_int_equal(create_disk(&f.config, f.azure, &other, f.uuid, &f.bytes_written, &err), -EEXIST);
	assert_string_equal(err.code, "Conflict");
	done(&f);
}

static void creation_fails(struct fixture *f, int rc, const char *code, const char *words) {
	struct opened disk = {0};
	struct err err = {0};
	int got = create_disk(&f->config, f->azure, &disk, f->uuid, &f->bytes_written, &err);
	if (got != rc)
		fail_msg("%d instead of %d: %s", got, rc, err.message);
	assert_string_equal(err.code, code);
	if (words && !strstr(err.message, words))
		fail_msg("'%s' not in '%s'", words, err.message);
	assert_null(disk.volume_key.data);
	assert_false(is_there(f->config.file, ""));
	assert_false(is_there(f->config.file, ".new"));
}

static void test_create_leaves_nothing_behind_when_it_fails(void **state) {
	(void)state;
	struct fixture f;
	prepare(&f, "failing", 0, "image.raw", NULL);
	atomic_store(&vault->mode, TEST_FORBIDDEN);
	creation_fails(&f, -EACCES, "KeyVaultAccessForbidden", "Please grant get, wrap and unwrap key permissions");
	atomic_store(&vault->mode, TEST_UNAVAILABLE);
	creation_fails(&f, -EAGAIN, "ServiceUnavailable", NULL);
	test_vault_reset(vault);
	// GET and wrap and unwrap succeed before anything is written, the last ones fail after.
	for (int n = 0; n < 6; n++) {
		atomic_store(&vault->requests, 0);
		atomic_store(&vault->fail_after, n);
		creation_fails(&f, -EAGAIN, "ServiceUnavailable", NULL);
	}
	test_vault_reset(vault);
	f.config.size = SOURCE_SIZE / 4096 * 4096;
	creation_fails(&f, -EINVAL, "InvalidParameter", "only");
	done(&f);
	prepare(&f, "failing", 0, "missing.raw", NULL);
	creation_fails(&f, -EINVAL, "InvalidParameter", "missing.raw");
	done(&f);
	prepare(&f, "failing", 0, "../ca.pem", NULL);
	creation_fails(&f, -EINVAL, "InvalidParameter", "ca.pem");
	done(&f);
}

static void test_create_takes_over_what_a_crash_left(void **state) {
	(void)state;
	struct fixture f;
	_cleanup_opened_ struct opened disk = {0};
	char path[256];
	prepare(&f, "crashed", 0, "image.raw", NULL);
	(void)snprintf(path, sizeof(path), "%s.new", f.config.file);
	assert_int_equal(io_create_file(path, marker, sizeof(marker), 0600, NULL), 0);

	// While another process makes it, it is not touched.
	int other = disk_open_locked(path, DISK_DATA, NULL);
	assert_true(other >= 0);
	struct err err = {0};
	assert_int_equal(create_disk(&f.config, f.azure, &disk, f.uuid, &f.bytes_written, &err), -EBUSY);
	assert_string_equal(err.code, "Conflict");
	assert_true(is_there(path, ""));
	(void)close(other);
	create(&f, &disk);
	opens_with(&f, 0, &disk);
	done(&f);
}

struct small {
	struct fixture f;
	char at[128];
	bool mounted;
	int rc;
	struct err err;
	bool left;  // a file, whole or not
};

// A thread can have a mount namespace of its own, which ends with it. A child would inherit the locks of the vault's threads.
static void *create_where_it_is_small(void *ctx) {
	struct small *s = ctx;
	struct opened disk = {0};
	s->mounted = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount("tmpfs", s->at, "tmpfs", 0, "size=2m") == 0;
	if (!s->mounted)
		return NULL;
	s->rc = create_disk(&s->f.config, s->f.azure, &disk, s->f.uuid, &s->f.bytes_written, &s->err);
	s->left = is_there(s->f.config.file, "") || is_there(s->f.config.file, ".new");
	return NULL;
}

static void test_no_space(void **state) {
	(void)state;
	if (geteuid() != 0)
		skip();
	struct small s = {0};
	pthread_t thread;
	(void)snprintf(s.at, sizeof(s.at), "%s/small", vault->folder);
	assert_int_equal(io_mkdir(s.at, 0700, NULL), 0);
	prepare(&s.f, "small/disk", 0, "image.raw", NULL);
	assert_int_equal(pthread_create(&thread, NULL, create_where_it_is_small, &s), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	done(&s.f);
	if (!s.mounted)
		skip();
	assert_int_equal(s.rc, -ENOSPC);
	assert_string_equal(s.err.code, "InternalDiskManagementError");
	assert_non_null(strstr(s.err.message, "not enough space"));
	assert_false(s.left);
}

static void opening_fails(struct fixture *f, int rc, const char *code, const char *words) {
	struct opened disk = {0};
	struct err err = {0};
	int got = open_it(f, &disk, &err);
	if (got != rc)
		fail_msg("%d instead of %d: %s", got, rc, err.message);
	assert_string_equal(err.code, code);
	if (!strstr(err.message, words))
		fail_msg("'%s' not in '%s'", words, err.message);
	assert_null(disk.volume_key.data);
	assert_null(disk.passphrase.data);
}

static void test_reasons_in_the_platforms_words(void **state) {
	(void)state;
	struct fixture f;
	_cleanup_opened_ struct opened disk = {0};
	char words[512];
	prepare(&f, "reasons", 0, NULL, NULL);
	create(&f, &disk);

	atomic_store(&vault->mode, TEST_FORBIDDEN);
	(void)snprintf(words, sizeof(words),
		"Unable to access key vault resource '%s' to enable encryption at rest. Please grant get, wrap and unwrap key permissions "
		"to disk encryption set '%s'. Please visit https://aka.ms/keyvaultaccessssecmk for more information.",
		test_key_url(0), TEST_ENCRYPTION_SET);
	opening_fails(&f, -EACCES, "KeyVaultAccessForbidden", words);
	atomic_store(&vault->mode, TEST_NO_TOKEN);
	opening_fails(&f, -EINVAL, "KeyVaultAccessTokenCannotBeAcquired", "Identity not found");
	atomic_store(&vault->mode, TEST_UNAVAILABLE);
	opening_fails(&f, -EAGAIN, "ServiceUnavailable", "busy");
	test_vault_reset(vault);

	atomic_store(&vault->keys[0].enabled, false);
	(void)snprintf(words, sizeof(words), "The key vault key '%s' used for disk encryption set '%s' must be enabled state",
		test_key_url(0), TEST_ENCRYPTION_SET);
	opening_fails(&f, -EACCES, "KeyVaultKeyNotEnabled", words);
	test_vault_reset(vault);

	// The vault would still unwrap: it is the platform that refuses.
	atomic_store(&vault->keys[0].exp, clock_now());
	(void)snprintf(words, sizeof(words), "Unable to access key '%s'. Key is expired.", test_key_url(0));
	opening_fails(&f, -EACCES, "KeyVaultAccessForbidden", words);
	atomic_store(&vault->keys[0].exp, clock_now() + 1000);
	opens_with(&f, 0, &disk);
	atomic_store(&vault->keys[0].nbf, clock_now() + 1000);
	opening_fails(&f, -EACCES, "KeyVaultAccessForbidden", "not yet valid");
	test_vault_reset(vault);

	atomic_store(&vault->keys[0].deleted, true);
	opening_fails(&f, -ENOENT, "KeyVaultAccessForbidden", "was not found");
	test_vault_reset(vault);
	opens_with(&f, 0, &disk);

	static const char other_mac[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	f.config.header_mac = other_mac;
	opening_fails(&f, -EKEYREJECTED, "InternalDiskManagementError", "not the one that was recorded");
	f.config.header_mac = disk.mac;
	opens_with(&f, 0, &disk);
	done(&f);
}

// Somebody swapped in a token of another disk, or one that was made up.
static void test_foreign_tokens_do_not_open(void **state) {
	(void)state;
	struct fixture f, g;
	_cleanup_opened_ struct opened disk = {0}, other = {0};
	prepare(&f, "own", 0, NULL, NULL);
	create(&f, &disk);
	prepare(&g, "foreign", 0, NULL, NULL);
	create(&g, &other);
	struct sealed *s = NULL;
	assert_int_equal(sealed_load(f.config.file, &s, NULL), 0);
	size_t count;
	int own = sealed_tokens(s, &count)[0].slot;
	struct sealed_token token = other.token;
	token.generation = 5;
	assert_int_equal(sealed_token_add(s, &token, NULL), 0);
	opens_with(&f, 0, &disk);  // by its own token, the older one
	assert_int_equal(sealed_token_remove(s, own, NULL), 0);
	opening_fails(&f, -EKEYREJECTED, "InternalDiskManagementError", "keyslot");
	assert_int_equal(sealed_token_remove(s, sealed_tokens(s, &count)[0].slot, NULL), 0);
	memset(token.wrapped, 1, token.wrapped_len);
	assert_int_equal(sealed_token_add(s, &token, NULL), 0);
	opening_fails(&f, -EINVAL, "InternalDiskManagementError", "cannot be used");
	assert_int_equal(sealed_token_remove(s, sealed_tokens(s, &count)[0].slot, NULL), 0);
	opening_fails(&f, -EKEYREJECTED, "InternalDiskManagementError", "no token");
	sealed_free(s);
	done(&f);
	done(&g);
}

static void test_rewrap_changes_the_header_only(void **state) {
	(void)state;
	struct fixture f;
	_cleanup_opened_ struct opened disk = {0}, after = {0}, same = {0};
	prepare(&f, "rewrapped", 0, "image.raw", NULL);
	create(&f, &disk);
	uint8_t *before = malloc(SIZE), *now = malloc(SIZE);
	read_at(f.config.file, before, SIZE, SEALED_DATA_OFFSET);
	char uuid[SEALED_UUID_SIZE];
	memcpy(uuid, f.uuid, sizeof(uuid));
	struct err err = {0};
	if (rewrap(&f, 1, &after, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(after.mac, disk.mac);
	assert_string_equal(f.uuid, uuid);
	assert_string_equal(after.token.key_url, test_key_url(1));
	assert_int_equal(token_count(&f), 1);
	read_at(f.config.file, now, SIZE, SEALED_DATA_OFFSET);
	assert_memory_equal(before, now, SIZE);
	free(before);
	free(now);
	// The old key is of no more use, the new one is needed.
	atomic_store(&vault->keys[0].deleted, true);
	opens_with(&f, 1, &disk);
	atomic_store(&vault->keys[1].enabled, false);
	opening_fails(&f, -EACCES, "KeyVaultKeyNotEnabled", test_key_url(1));
	test_vault_reset(vault);
	assert_int_equal(rewrap(&f, 1, &same, &err), 0);
	assert_int_equal(token_count(&f), 1);
	opens_with(&f, 1, &disk);
	done(&f);
}

static void test_rewrap_needs_both_keys(void **state) {
	(void)state;
	struct fixture f;
	_cleanup_opened_ struct opened disk = {0};
	struct opened out = {0};
	struct err err = {0};
	prepare(&f, "both", 0, NULL, NULL);
	create(&f, &disk);
	atomic_store(&vault->keys[0].enabled, false);
	assert_int_equal(rewrap(&f, 1, &out, &err), -EACCES);
	assert_string_equal(err.code, "KeyVaultKeyNotEnabled");
	assert_non_null(strstr(err.message, test_key_url(0)));
	test_vault_reset(vault);
	atomic_store(&vault->keys[1].enabled, false);
	assert_int_equal(rewrap(&f, 1, &out, &err), -EACCES);
	assert_string_equal(err.code, "KeyVaultKeyNotEnabled");
	assert_non_null(strstr(err.message, test_key_url(1)));
	atomic_store(&vault->keys[1].enabled, true);
	atomic_store(&vault->keys[1].exp, 1);
	assert_int_equal(rewrap(&f, 1, &out, &err), -EACCES);
	assert_non_null(strstr(err.message, "Key is expired"));
	test_vault_reset(vault);
	assert_int_equal(token_count(&f), 1);
	opens_with(&f, 0, &disk);

	int other = disk_open_locked(f.config.file, DISK_HEADER, NULL);
	assert_true(other >= 0);
	assert_int_equal(rewrap(&f, 1, &out, &err), -EBUSY);
	(void)close(other);
	other = disk_open_locked(f.config.file, DISK_DATA, NULL);  // a server does not hinder it
	assert_int_equal(disk_open_locked(f.config.file, DISK_DATA, &err), -EBUSY);
	assert_int_equal(rewrap(&f, 1, &out, &err), 0);
	opened_free(&out);
	(void)close(other);
	done(&f);
}

// The vault goes away before each of its answers in turn: the disk opens all the same, and a second try finishes.
static void test_rewrap_interrupted_by_the_vault(void **state) {
	(void)state;
	struct fixture f;
	_cleanup_opened_ struct opened disk = {0};
	prepare(&f, "interrupted", 0, NULL, NULL);
	create(&f, &disk);
	unsigned key = 0;
	int rc;
	for (int n = 0;; n++) {
		_cleanup_opened_ struct opened out = {0}, now = {0};
		struct err err = {0};
		assert_true(n < 20);
		atomic_store(&vault->requests, 0);
		atomic_store(&vault->fail_after, n);
		unsigned next = (key + 1) % TEST_KEYS;
		rc = rewrap(&f, next, &out, &err);
		test_vault_reset(vault);
		if (rc == 0)
			break;
		assert_int_equal(rc, -EAGAIN);
		assert_true(token_count(&f) <= 2);
		assert_int_equal(open_it(&f, &now, &err), 0);
		assert_string_equal(now.mac, disk.mac);
		if (n % 2)
			continue;  // leave it as it is, and try the next step on that
		assert_int_equal(rewrap(&f, next, &out, &err), 0);
		assert_int_equal(token_count(&f), 1);
		key = next;
		opens_with(&f, key, &disk);
	}
	done(&f);
}

// What earlier, interrupted rewraps may have left: an older and a newer token, one of them of no use.
static void test_rewrap_tidies_up(void **state) {
	(void)state;
	struct fixture f;
	_cleanup_opened_ struct opened disk = {0};
	prepare(&f, "tidied", 0, NULL, NULL);
	create(&f, &disk);
	for (unsigned broken = 0; broken < 2; broken++) {
		for (unsigned target = 0; target < TEST_KEYS; target++) {
			_cleanup_opened_ struct opened out = {0}, back = {0};
			struct sealed *s = NULL;
			struct sealed_token token;
			struct err err = {0};
			assert_int_equal(sealed_load(f.config.file, &s, NULL), 0);
			size_t count;
			int64_t newer = sealed_tokens(s, &count)[0].generation + 1;
			assert_int_equal(rewrap_make_token(f.azure, test_key_url(1), TEST_ENCRYPTION_SET, &disk.passphrase, newer, &token, NULL), 0);
			if (broken)
				memset(token.wrapped, 1, token.wrapped_len);
			assert_int_equal(sealed_token_add(s, &token, NULL), 0);
			sealed_free(s);
			assert_int_equal(token_count(&f), 2);
			opens_with(&f, broken ? 0 : 1, &disk);
			if (rewrap(&f, target, &out, &err) < 0)
				fail_msg("%s", err.message);
			assert_int_equal(token_count(&f), 1);
			opens_with(&f, target, &disk);
			assert_int_equal(rewrap(&f, 0, &back, NULL), 0);
		}
	}
	done(&f);
}

// The newest token's key is disabled, the older one's is not: it opens. Both disabled: the newest one's reason.
static void test_newest_usable_token_opens(void **state) {
	(void)state;
	struct fixture f;
	_cleanup_opened_ struct opened disk = {0};
	struct sealed *s = NULL;
	struct sealed_token token;
	prepare(&f, "newest", 0, NULL, NULL);
	create(&f, &disk);
	assert_int_equal(rewrap_make_token(f.azure, test_key_url(1), TEST_ENCRYPTION_SET, &disk.passphrase, 2, &token, NULL), 0);
	assert_int_equal(sealed_load(f.config.file, &s, NULL), 0);
	assert_int_equal(sealed_token_add(s, &token, NULL), 0);
	sealed_free(s);
	opens_with(&f, 1, &disk);
	atomic_store(&vault->keys[1].enabled, false);
	opens_with(&f, 0, &disk);
	atomic_store(&vault->keys[0].deleted, true);
	opening_fails(&f, -EACCES, "KeyVaultKeyNotEnabled", test_key_url(1));
	done(&f);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_create_from_an_image, reset),
		cmocka_unit_test_setup(test_create_empty_and_again, reset),
		cmocka_unit_test_setup(test_create_leaves_nothing_behind_when_it_fails, reset),
		cmocka_unit_test_setup(test_create_takes_over_what_a_crash_left, reset),
		cmocka_unit_test_setup(test_no_space, reset),
		cmocka_unit_test_setup(test_reasons_in_the_platforms_words, reset),
		cmocka_unit_test_setup(test_foreign_tokens_do_not_open, reset),
		cmocka_unit_test_setup(test_rewrap_changes_the_header_only, reset),
		cmocka_unit_test_setup(test_rewrap_needs_both_keys, reset),
		cmocka_unit_test_setup(test_rewrap_interrupted_by_the_vault, reset),
		cmocka_unit_test_setup(test_rewrap_tidies_up, reset),
		cmocka_unit_test_setup(test_newest_usable_token_opens, reset),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
