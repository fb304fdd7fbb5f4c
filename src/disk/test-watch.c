// SPDX-License-Identifier: Apache-2.0
// The permission of a served disk, with a cache of two seconds: what the vault says decides, and when.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "disk/create.h"
#include "disk/rewrap.h"
#include "disk/test-vault.h"
#include "disk/watch.h"

enum { SIZE = 1 << 20, CACHE_SECONDS = 2 };

static struct test_vault *vault;

struct fixture {
	struct disk_config config;
	struct opened disk;
	struct azure_client *azure;
	struct door *door;
	struct watch *watch;
};

static void sleep_ms(int ms) {
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	(void)nanosleep(&pause, NULL);
}

static int use(struct fixture *f) {
	uint8_t sector[XTS_SECTOR_SIZE] = {0};
	return door_encrypt(f->door, 0, sector, sector, sizeof(sector));
}

// How many milliseconds it takes until the door is open or shut; fails the test after ten seconds.
static int64_t wait_for(struct fixture *f, int rc) {
	int64_t begin = clock_monotonic_ns(), took;
	do {
		took = (clock_monotonic_ns() - begin) / 1000000;
		if (use(f) == rc)
			return took;
		sleep_ms(10);
	} while (took < 10000);
	fail_msg("the door did not change");
	return -1;
}

static json_t *status(struct fixture *f) {
	_cleanup_buf_ struct buf text = {0};
	json_t *json = NULL;
	assert_int_equal(io_read_file(f->config.status_file, 65536, &text, NULL), 0);
	assert_int_equal(json_parse(text.data, text.len, "X", &json, NULL), 0);
	return json;
}

// The file follows the door at once, but not in the same moment.
static void status_is(struct fixture *f, const char *state, const char *code, unsigned key) {
	json_t *json = NULL;
	for (int i = 0; i < 100; i++) {
		json_decref(json);
		json = status(f);
		if (strcmp(json_str(json, "state"), state) == 0 && strcmp(json_str(json, "code"), code) == 0)
			break;
		sleep_ms(20);
	}
	assert_string_equal(json_str(json, "state"), state);
	assert_string_equal(json_str(json, "code"), code);
	assert_string_equal(json_str(json, "keyUrl"), test_key_url(key));
	assert_in_range(json_int(json, "since", 0), clock_now() - 60, clock_now());
	json_decref(json);
}

static int set_up_for(void **state, int64_t cache_seconds) {
	static unsigned number;
	struct fixture *f = calloc(1, sizeof(*f));
	char path[128], name[16], uuid[SEALED_UUID_SIZE];
	struct err err = {0};
	uint64_t written;
	test_vault_reset(vault);
	(void)snprintf(name, sizeof(name), "watch%u", number++);
	test_config(vault, name, 0, SIZE, NULL, NULL, cache_seconds, path);
	if (disk_config_read(path, &f->config, &err) < 0 ||
		azure_client_new(&f->config.route, &f->config.credential, &f->azure, &err) < 0 ||
		create_disk(&f->config, f->azure, &f->disk, uuid, &written, &err) < 0 || door_new(&f->door, &err) < 0 ||
		watch_open(&f->config, f->door, &f->watch, &err) < 0 || watch_start(f->watch, &err) < 0) {
		print_error("%s\n", err.message);
		return -1;
	}
	*state = f;
	return 0;
}

static int set_up(void **state) {
	return set_up_for(state, CACHE_SECONDS);
}

static int set_up_long(void **state) {
	return set_up_for(state, 3600);
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	watch_free(f->watch);
	door_free(f->door);
	azure_client_free(f->azure);
	opened_free(&f->disk);
	disk_config_free(&f->config);
	free(f);
	return 0;
}

static void test_stays_open_while_the_vault_says_yes(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < 25; i++) {
		assert_int_equal(use(f), 0);
		sleep_ms(100);
	}
	status_is(f, "open", "", 0);
}

static void shuts_and_opens(struct fixture *f, const char *code) {
	int64_t took = wait_for(f, -EACCES);
	assert_in_range(took, 0, CACHE_SECONDS * 1000);
	status_is(f, "denied", code, 0);
	sleep_ms(500);
	assert_int_equal(use(f), -EACCES);
	test_vault_reset(vault);
	assert_in_range(wait_for(f, 0), 0, 3000);
	status_is(f, "open", "", 0);
}

static void test_no_shuts_and_yes_opens(void **state) {
	struct fixture *f = *state;
	atomic_store(&vault->keys[0].enabled, false);
	shuts_and_opens(f, "KeyVaultKeyNotEnabled");
	atomic_store(&vault->mode, TEST_FORBIDDEN);
	shuts_and_opens(f, "KeyVaultAccessForbidden");
	atomic_store(&vault->mode, TEST_NO_TOKEN);
	shuts_and_opens(f, "KeyVaultAccessTokenCannotBeAcquired");
	atomic_store(&vault->keys[0].exp, 1);
	shuts_and_opens(f, "KeyVaultAccessForbidden");
	atomic_store(&vault->keys[0].deleted, true);
	shuts_and_opens(f, "KeyVaultAccessForbidden");
}

static void test_an_outage_is_survived_until_the_permission_ends(void **state) {
	struct fixture *f = *state;
	atomic_store(&vault->requests, 0);
	while (atomic_load(&vault->requests) == 0)
		sleep_ms(10);
	sleep_ms(100);  // a question has just been answered with yes
	atomic_store(&vault->mode, TEST_UNAVAILABLE);
	int64_t took = wait_for(f, -EACCES);
	assert_in_range(took, CACHE_SECONDS * 1000 - 600, CACHE_SECONDS * 1000);
	status_is(f, "denied", "ServiceUnavailable", 0);
	test_vault_reset(vault);
	assert_in_range(wait_for(f, 0), 0, 2000);
}

static void test_a_short_outage_is_not_noticed(void **state) {
	struct fixture *f = *state;
	atomic_store(&vault->requests, 0);
	while (atomic_load(&vault->requests) == 0)
		sleep_ms(10);
	sleep_ms(100);
	atomic_store(&vault->mode, TEST_UNAVAILABLE);
	for (int i = 0; i < 50; i++) {
		if (i == 30)
			test_vault_reset(vault);  // a question or two have failed by now, at 1.5 s and after
		assert_int_equal(use(f), 0);
		sleep_ms(50);
	}
	status_is(f, "open", "", 0);
}

static void test_a_vault_that_hangs_does_not_prolong_the_permission(void **state) {
	struct fixture *f = *state;
	atomic_store(&vault->hang_ms, 3000);
	atomic_store(&vault->mode, TEST_HANG);
	assert_in_range(wait_for(f, -EACCES), 0, CACHE_SECONDS * 1000);
	status_is(f, "denied", "ServiceUnavailable", 0);
	test_vault_reset(vault);
	wait_for(f, 0);
}

static void test_a_rewrap_is_followed(void **state) {
	struct fixture *f = *state;
	_cleanup_opened_ struct opened out = {0};
	char uuid[SEALED_UUID_SIZE];
	const struct rewrap r = {.azure = f->azure, .file = f->config.file, .key_url = test_key_url(1),
		.disk_encryption_set = f->config.disk_encryption_set};
	assert_int_equal(rewrap_disk(&r, &out, uuid, NULL), 0);
	atomic_store(&vault->keys[0].deleted, true);
	for (int i = 0; i < 25; i++) {
		assert_int_equal(use(f), 0);
		sleep_ms(100);
	}
	status_is(f, "open", "", 1);
	atomic_store(&vault->keys[1].enabled, false);
	wait_for(f, -EACCES);
	status_is(f, "denied", "KeyVaultKeyNotEnabled", 1);
}

// Another disk's header in place of this one's: the data would be destroyed by the next write.
static void test_a_replaced_header_shuts(void **state) {
	struct fixture *f = *state;
	struct secret key = {0};
	assert_int_equal(xts_make_key(&key, NULL), 0);
	struct err err;
	if (sealed_format(f->config.file, &key, &f->disk.passphrase, &err) < 0)
		fail_msg("%s", err.message);
	struct sealed *s = NULL;
	assert_int_equal(sealed_load(f->config.file, &s, NULL), 0);
	assert_int_equal(sealed_token_add(s, &f->disk.token, NULL), 0);
	sealed_free(s);
	secret_free(&key);
	wait_for(f, -EACCES);
	status_is(f, "denied", "InternalDiskManagementError", 0);
	sleep_ms(2500);
	assert_int_equal(use(f), -EACCES);
}

// With a permission that lasts an hour: only the move makes it ask.
static void test_a_moved_clock_is_followed(void **state) {
	struct fixture *f = *state;
	atomic_store(&vault->keys[0].exp, clock_now() + 30 * 86400);
	atomic_store(&vault->requests, 0);
	clock_set_offset(365 * 86400LL);
	assert_in_range(wait_for(f, -EACCES), 0, 2500);
	status_is(f, "denied", "KeyVaultAccessForbidden", 0);
	clock_set_offset(0);
	assert_in_range(wait_for(f, 0), 0, 2500);
	// A move by which nothing ends is not felt, but asked about.
	sleep_ms(1500);
	atomic_store(&vault->requests, 0);
	clock_set_offset(86400);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(use(f), 0);
		sleep_ms(50);
	}
	assert_in_range(atomic_load(&vault->requests), 2, 3);  // one question: the key, the unwrapping
	clock_set_offset(0);
}

static void test_refused_at_the_start(void **state) {
	struct fixture *f = *state;
	struct watch *w = NULL;
	struct err err = {0};
	watch_free(f->watch);
	f->watch = NULL;
	atomic_store(&vault->keys[0].enabled, false);
	assert_int_equal(watch_open(&f->config, f->door, &w, &err), -EACCES);
	assert_string_equal(err.code, "KeyVaultKeyNotEnabled");
	test_vault_reset(vault);
	f->config.size = SIZE / 2;
	assert_int_equal(watch_open(&f->config, f->door, &w, &err), -EKEYREJECTED);
	f->config.size = SIZE;
	f->config.header_mac = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	assert_int_equal(watch_open(&f->config, f->door, &w, &err), -EKEYREJECTED);
	assert_int_equal(use(f), -EACCES);
	f->config.header_mac = f->disk.mac;
	assert_int_equal(watch_open(&f->config, f->door, &f->watch, &err), 0);
	assert_int_equal(use(f), 0);
}

static int begin(void **state) {
	(void)state;
	struct err err = {0};
	if (secret_init(1 << 18, &err) < 0)
		return -1;
	vault = test_vault_start();
	return 0;
}

static int end(void **state) {
	(void)state;
	test_vault_stop(vault);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stays_open_while_the_vault_says_yes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_shuts_and_yes_opens, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_outage_is_survived_until_the_permission_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_short_outage_is_not_noticed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_vault_that_hangs_does_not_prolong_the_permission, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_rewrap_is_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_replaced_header_shuts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_moved_clock_is_followed, set_up_long, tear_down),
		cmocka_unit_test_setup_teardown(test_refused_at_the_start, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
