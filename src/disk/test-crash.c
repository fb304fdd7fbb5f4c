// SPDX-License-Identifier: Apache-2.0
// Power fails at every write and every fsync of a rewrap and of a creation in turn. What had been written since the
// last fsync is then kept, lost, or torn sector by sector at random. The disk must open with the same volume key
// afterwards, and the same command, given again, must finish.
//
// The C library's functions that change the disk file are replaced by the ones below, also for libcryptsetup.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "disk/create.h"
#include "disk/rewrap.h"
#include "disk/test-vault.h"

enum { SIZE = 1 << 20, SECTOR = 512, LOG_MAX = 64, CRASHED = 42 };

enum loss { KEEP_ALL, LOSE_ALL, TEAR, LOSSES = TEAR + 3 };

// What the storage has not been told to keep yet. In the child only.
static struct {
	bool armed;
	char path[256];  // of the file that is watched
	int crash_at;    // the step at which power fails, counted from 1
	int step;
	enum loss loss;
	unsigned seed;
	struct {
		off_t offset;
		size_t len;
		uint8_t *before;
	} log[LOG_MAX];
	size_t count;
} storage;

static bool is_watched(int fd) {
	struct stat a, b;
	return storage.armed && fstat(fd, &a) == 0 && stat(storage.path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static void undo(int fd, size_t i, size_t at, size_t len) {
	if (syscall(SYS_pwrite64, fd, storage.log[i].before + at, len, storage.log[i].offset + (off_t)at) != (long)len)
		_exit(99);
}

static _Noreturn void crash(void) {
	int fd = open(storage.path, O_RDWR | O_CLOEXEC);
	storage.seed = (unsigned)storage.step * 31 + (unsigned)storage.loss;
	for (size_t i = storage.count; i-- > 0 && storage.loss != KEEP_ALL;)
		for (size_t at = 0; at < storage.log[i].len; at += SECTOR)
			if (storage.loss == LOSE_ALL || rand_r(&storage.seed) % 2)
				undo(fd, i, at, storage.log[i].len - at < SECTOR ? storage.log[i].len - at : SECTOR);
	_exit(CRASHED);
}

static void next_step(void) {
	if (++storage.step == storage.crash_at)
		crash();
}

static void remember(int fd, size_t len, off_t offset) {
	next_step();
	if (storage.count == LOG_MAX)
		_exit(98);
	uint8_t *before = calloc(1, len);
	// libcryptsetup may have opened it for direct I/O, which wants aligned memory.
	int plain = open(storage.path, O_RDONLY | O_CLOEXEC);
	if (!before || plain < 0 || pread(plain, before, len, offset) < 0)
		_exit(97);
	(void)close(plain);
	(void)fd;
	storage.log[storage.count].offset = offset;
	storage.log[storage.count].len = len;
	storage.log[storage.count++].before = before;
}

ssize_t write(int fd, const void *data, size_t len) {
	if (is_watched(fd))
		remember(fd, len, lseek(fd, 0, SEEK_CUR));
	return syscall(SYS_write, fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) {
	if (is_watched(fd))
		remember(fd, len, offset);
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

static void kept(int fd) {
	if (!is_watched(fd))
		return;
	next_step();
	storage.count = 0;
}

int fsync(int fd) {
	kept(fd);
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
	kept(fd);
	return (int)syscall(SYS_fdatasync, fd);
}

static struct test_vault *vault;

static void reach(const char *name, unsigned key, struct disk_config *config, struct azure_client **azure) {
	char path[128];
	struct err err;
	test_config(vault, name, key, SIZE, "image.raw", NULL, 60, path);
	if (disk_config_read(path, config, &err) < 0 ||
		azure_client_new(&config->route, &config->credential, azure, &err) < 0)
		fail_msg("%s", err.message);
}

static int do_create(const char *name, unsigned key, struct opened *out) {
	struct disk_config config = {0};
	struct azure_client *azure = NULL;
	char uuid[SEALED_UUID_SIZE];
	uint64_t written;
	struct err err = {0};
	reach(name, key, &config, &azure);
	int rc = create_disk(&config, azure, out, uuid, &written, &err);
	if (rc < 0)
		print_error("%s\n", err.message);
	azure_client_free(azure);
	disk_config_free(&config);
	return rc;
}

static int do_rewrap(const char *name, unsigned key, struct opened *out) {
	struct disk_config config = {0};
	struct azure_client *azure = NULL;
	char uuid[SEALED_UUID_SIZE];
	struct err err = {0};
	reach(name, key, &config, &azure);
	const struct rewrap r = {.azure = azure, .file = config.file, .key_url = config.key_url,
		.disk_encryption_set = config.disk_encryption_set};
	int rc = rewrap_disk(&r, out, uuid, &err);
	if (rc < 0)
		print_error("%s\n", err.message);
	azure_client_free(azure);
	disk_config_free(&config);
	return rc;
}

// In a process of its own; CRASHED, or 0 when it was not reached because the work was done before.
static int crash_in(int (*work)(const char *name, unsigned key, struct opened *out), const char *name, unsigned key,
	const char *path, int crash_at, enum loss loss) {
	pid_t pid = fork();
	if (pid == 0) {
		struct opened out = {0};
		(void)snprintf(storage.path, sizeof(storage.path), "%s", path);
		storage.crash_at = crash_at;
		storage.loss = loss;
		storage.armed = true;
		_exit(work(name, key, &out) == 0 ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CRASHED);
	return WEXITSTATUS(status);
}

static void opens(const char *name, const struct opened *like, unsigned *key) {
	struct disk_config config = {0};
	struct azure_client *azure = NULL;
	_cleanup_opened_ struct opened disk = {0};
	struct sealed *s = NULL;
	struct err err = {0};
	reach(name, 0, &config, &azure);
	if (sealed_load(config.file, &s, &err) < 0 || access_open(s, azure, like->mac, TEST_ENCRYPTION_SET, &disk, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(secret_equal(disk.volume_key.data, disk.volume_key.len, like->volume_key.data, like->volume_key.len));
	for (*key = 0; strcmp(disk.token.key_url, test_key_url(*key)) != 0;)
		assert_true(++*key < TEST_KEYS);
	sealed_free(s);
	azure_client_free(azure);
	disk_config_free(&config);
}

static void test_rewrap_survives_a_power_failure_at_every_step(void **state) {
	(void)state;
	_cleanup_opened_ struct opened disk = {0};
	char path[128];
	int steps = 0;
	unsigned key = 0, crashes = 0;
	assert_int_equal(do_create("rewrapped", 0, &disk), 0);
	(void)snprintf(path, sizeof(path), "%s/rewrapped", vault->folder);
	for (int step = 1; steps == 0; step++) {
		for (enum loss loss = KEEP_ALL; loss < LOSSES; loss++) {
			_cleanup_opened_ struct opened out = {0};
			unsigned next = (key + 1) % TEST_KEYS, now;
			int result = crash_in(do_rewrap, "rewrapped", next, path, step, loss);
			opens("rewrapped", &disk, &now);
			assert_true(now == key || now == next);
			if (result == 0)
				steps = step;
			crashes += result != 0;
			assert_int_equal(do_rewrap("rewrapped", next, &out), 0);
			opens("rewrapped", &disk, &key);
			assert_int_equal(key, next);
		}
	}
	// Adding a token and removing one, each with two copies of at least two writes and an fsync.
	assert_true(crashes >= 2 * 6 * LOSSES);
}

// The disk is there, complete, or it is not there at all.
static void test_creation_survives_a_power_failure_at_every_step(void **state) {
	(void)state;
	char path[128], new_path[160];
	bool finished = false;
	(void)snprintf(path, sizeof(path), "%s/created", vault->folder);
	(void)snprintf(new_path, sizeof(new_path), "%s.new", path);
	for (int step = 1; !finished; step++) {
		for (enum loss loss = KEEP_ALL; loss < LOSSES; loss += 2) {
			_cleanup_opened_ struct opened disk = {0};
			unsigned key;
			(void)unlink(path);
			int result = crash_in(do_create, "created", 0, new_path, step, loss);
			finished = result == 0;
			assert_int_equal(access(path, F_OK), finished ? 0 : -1);
			assert_int_equal(do_create("created", 0, &disk), 0);
			opens("created", &disk, &key);
			assert_int_equal(access(new_path, F_OK), -1);
		}
	}
}

static int set_up(void **state) {
	(void)state;
	char path[128];
	struct err err;
	static uint8_t image[300000];
	if (secret_init(1 << 18, &err) < 0)
		return -1;
	vault = test_vault_start();
	memset(image, 0x5a, sizeof(image));
	(void)snprintf(path, sizeof(path), "%s/import/image.raw", vault->folder);
	return io_create_file(path, image, sizeof(image), 0600, &err);
}

static int tear_down(void **state) {
	(void)state;
	test_vault_stop(vault);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rewrap_survives_a_power_failure_at_every_step),
		cmocka_unit_test(test_creation_survives_a_power_failure_at_every_step),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
