// SPDX-License-Identifier: Apache-2.0
// The programs as the host agent runs them: custodisk-disk, and nbdkit with the plugin, seen by an NBD client.
// Arguments: the plugin and the program.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <libnbd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/secret.h"
#include "disk/sealed.h"
#include "disk/test-vault.h"
#include "disk/xts.h"

enum { SIZE = 8 << 20, IMAGE = 2 << 20, CACHE_SECONDS = 2 };

static const char *plugin, *program;
static struct test_vault *vault;
static const char marker[] = "plaintext that must not be seen in the file";

struct served {
	char socket[128], file[128], config[128];
	pid_t pid;
	struct nbd_handle *nbd;
};

static void sleep_ms(int ms) {
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	(void)nanosleep(&pause, NULL);
}

// Run a command with its standard output in a file; wait for it unless `pid` is given.
static int run(const char *const *argv, const char *output, pid_t *pid) {
	pid_t child = fork();
	if (child == 0) {
		int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
			_exit(126);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(child > 0);
	if (pid) {
		*pid = child;
		return 0;
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void in_folder(const char *name, char out[static 128]) {
	assert_true(snprintf(out, 128, "%s/%s", vault->folder, name) < 128);
}

static json_t *json_in(const char *path) {
	_cleanup_buf_ struct buf text = {0};
	struct err err = {0};
	json_t *json = NULL;
	assert_int_equal(io_read_file(path, 65536, &text, NULL), 0);
	// nbdkit's own messages follow the JSON line.
	size_t len = strcspn(buf_cstr(&text), "\n");
	if (json_parse(text.data, len, "X", &json, &err) < 0)
		fail_msg("%s in '%s'", err.message, buf_cstr(&text));
	return json;
}

static void read_file(const char *name, uint8_t *data, size_t len) {
	char path[128];
	in_folder(name, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_read_full(fd, data, len), 0);
	(void)close(fd);
}

// custodisk-disk COMMAND; what it printed.
static json_t *disk_command(const char *command, const char *config, int exit_status) {
	char output[128];
	in_folder("output", output);
	const char *const argv[] = {program, command, "--config", config, NULL};
	assert_int_equal(run(argv, output, NULL), exit_status);
	return json_in(output);
}

static void start(struct served *s) {
	char argument[160], output[128];
	(void)snprintf(argument, sizeof(argument), "config=%s", s->config);
	in_folder("nbdkit.log", output);
	const char *const argv[] = {"nbdkit", "-f", "-U", s->socket, plugin, argument, NULL};
	(void)unlink(s->socket);
	assert_int_equal(run(argv, output, &s->pid), 0);
}

static void attach(struct served *s) {
	start(s);
	for (int i = 0; i < 500 && access(s->socket, F_OK) < 0; i++)
		sleep_ms(10);
	s->nbd = nbd_create();
	assert_non_null(s->nbd);
	// Misaligned requests are to reach the plugin.
	assert_int_equal(nbd_set_strict_mode(s->nbd, 0), 0);
	int rc = -1;
	for (int i = 0; i < 100 && rc < 0; i++) {
		rc = nbd_connect_unix(s->nbd, s->socket);
		if (rc < 0) {
			nbd_close(s->nbd);
			sleep_ms(20);
			s->nbd = nbd_create();
			(void)nbd_set_strict_mode(s->nbd, 0);
		}
	}
	if (rc < 0)
		fail_msg("%s", nbd_get_error());
}

static void stop(struct served *s) {
	if (s->nbd) {
		(void)nbd_shutdown(s->nbd, 0);
		nbd_close(s->nbd);
		s->nbd = NULL;
	}
	int status;
	assert_int_equal(kill(s->pid, SIGTERM), 0);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_int_equal(status, 0);
}

static void make(struct served *s, const char *name, const char *source) {
	*s = (struct served){0};
	char socket[32];
	(void)snprintf(socket, sizeof(socket), "%s.sock", name);
	in_folder(socket, s->socket);
	in_folder(name, s->file);
	test_config(vault, name, 0, SIZE, source, NULL, CACHE_SECONDS, s->config);
	json_t *json = disk_command("create", s->config, 0);
	assert_string_equal(json_str(json, "keyUrl"), test_key_url(0));
	assert_int_equal(strlen(json_str(json, "headerMac")), SEALED_MAC_SIZE - 1);
	assert_int_equal(json_int(json, "bytesWritten", -1), source ? IMAGE : 0);
	json_decref(json);
}

static bool file_has(const char *path, const char *text, size_t len) {
	_cleanup_buf_ struct buf contents = {0};
	assert_int_equal(io_read_file(path, 64 << 20, &contents, NULL), 0);
	return memmem(contents.data, contents.len, text, len) != NULL;
}

static void test_serves_the_image(void **state) {
	(void)state;
	struct served s;
	uint8_t *data = malloc(SIZE), *image = malloc(IMAGE);
	make(&s, "image", "image.raw");
	read_file("import/image.raw", image, IMAGE);
	attach(&s);
	assert_int_equal(nbd_get_size(s.nbd), SIZE);
	assert_int_equal(nbd_can_multi_conn(s.nbd), 1);
	assert_int_equal(nbd_can_trim(s.nbd), 0);
	assert_int_equal(nbd_can_flush(s.nbd), 1);
	assert_int_equal(nbd_can_fua(s.nbd), 1);
	assert_int_equal(nbd_can_zero(s.nbd), 1);
	assert_int_equal(nbd_get_block_size(s.nbd, LIBNBD_SIZE_PREFERRED), 4096);
	assert_int_equal(nbd_pread(s.nbd, data, IMAGE, 0, 0), 0);
	assert_memory_equal(data, image, IMAGE);
	stop(&s);
	free(data);
	free(image);
}

static void test_writes_zeros_and_restarts(void **state) {
	(void)state;
	struct served s;
	uint8_t data[10000], zeros[8192] = {0};
	make(&s, "written", NULL);
	attach(&s);
	for (size_t i = 0; i < sizeof(data); i += sizeof(marker))
		memcpy(data + i, marker, sizeof(data) - i < sizeof(marker) ? sizeof(data) - i : sizeof(marker));
	assert_int_equal(nbd_pwrite(s.nbd, data, sizeof(data), 5001, 0), 0);
	assert_int_equal(nbd_pwrite(s.nbd, data, 8192, 1 << 20, LIBNBD_CMD_FLAG_FUA), 0);
	assert_int_equal(nbd_zero(s.nbd, 8192, 2 << 20, 0), 0);
	assert_int_equal(nbd_flush(s.nbd, 0), 0);
	assert_int_equal(nbd_trim(s.nbd, 4096, 0, 0), -1);
	assert_int_equal(nbd_pread(s.nbd, zeros, 1, SIZE, 0), -1);
	stop(&s);
	assert_false(file_has(s.file, marker, sizeof(marker)));

	// Zeros are stored encrypted, not as a hole.
	int fd = open(s.file, O_RDONLY | O_CLOEXEC);
	uint8_t stored[8192];
	assert_int_equal(pread(fd, stored, sizeof(stored), SEALED_DATA_OFFSET + (2 << 20)), sizeof(stored));
	(void)close(fd);
	assert_memory_not_equal(stored, zeros, sizeof(zeros));

	attach(&s);
	uint8_t back[sizeof(data)];
	assert_int_equal(nbd_pread(s.nbd, back, sizeof(back), 5001, 0), 0);
	assert_memory_equal(back, data, sizeof(back));
	assert_int_equal(nbd_pread(s.nbd, back, 8192, 2 << 20, 0), 0);
	assert_memory_equal(back, zeros, 8192);
	stop(&s);
}

static int read_one(struct served *s) {
	uint8_t sector[4096];
	return nbd_pread(s->nbd, sector, sizeof(sector), 0, 0) == 0 ? 0 : -nbd_get_errno();
}

static void wait_for(struct served *s, int rc) {
	int64_t deadline = clock_monotonic_ns() + 10 * CLOCK_NSEC_PER_SEC;
	while (read_one(s) != rc) {
		assert_true(clock_monotonic_ns() < deadline);
		sleep_ms(20);
	}
}

static void status_is(struct served *s, const char *state, const char *code) {
	char path[160];
	(void)snprintf(path, sizeof(path), "%s.status", s->file);
	json_t *json = NULL;
	for (int i = 0; i < 100; i++) {
		json_decref(json);
		json = json_in(path);
		if (strcmp(json_str(json, "state"), state) == 0)
			break;
		sleep_ms(20);
	}
	assert_string_equal(json_str(json, "state"), state);
	assert_string_equal(json_str(json, "code"), code);
	json_decref(json);
}

static void test_revoked_and_granted_again(void **state) {
	(void)state;
	struct served s;
	uint8_t sector[4096] = {1};
	make(&s, "revoked", "image.raw");
	attach(&s);
	assert_int_equal(read_one(&s), 0);
	status_is(&s, "open", "");
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			atomic_store(&vault->mode, TEST_FORBIDDEN);
		else
			atomic_store(&vault->keys[0].enabled, false);
		wait_for(&s, -EIO);
		assert_int_equal(nbd_pwrite(s.nbd, sector, sizeof(sector), 0, 0), -1);
		assert_int_equal(nbd_get_errno(), EIO);
		assert_int_equal(nbd_pwrite(s.nbd, sector, 10, 77, 0), -1);
		assert_int_equal(nbd_flush(s.nbd, 0), 0);
		status_is(&s, "denied", i == 0 ? "KeyVaultAccessForbidden" : "KeyVaultKeyNotEnabled");
		test_vault_reset(vault);
		wait_for(&s, 0);
		status_is(&s, "open", "");
	}
	stop(&s);
}

static void test_rewrapped_while_served(void **state) {
	(void)state;
	struct served s;
	char config[128];
	make(&s, "online", "image.raw");
	attach(&s);
	test_config(vault, "online", 1, SIZE, NULL, NULL, CACHE_SECONDS, config);
	json_t *json = disk_command("rewrap", config, 0);
	assert_string_equal(json_str(json, "keyUrl"), test_key_url(1));
	json_decref(json);
	atomic_store(&vault->keys[0].deleted, true);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(read_one(&s), 0);
		sleep_ms(100);
	}
	stop(&s);
	test_vault_reset(vault);
	json = disk_command("inspect", config, 0);
	assert_string_equal(json_str(json, "keyUrl"), test_key_url(1));
	json_decref(json);
}

static void test_refused_at_the_start(void **state) {
	(void)state;
	struct served s;
	int status;
	make(&s, "refused", NULL);
	atomic_store(&vault->keys[0].enabled, false);
	json_t *json = disk_command("inspect", s.config, 1);
	assert_string_equal(json_str(json, "error.code"), "KeyVaultKeyNotEnabled");
	assert_false(json_bool(json, "error.transient", true));
	json_decref(json);
	start(&s);
	assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	assert_int_equal(access(s.socket, F_OK), -1);
	status_is(&s, "failed", "KeyVaultKeyNotEnabled");
	char log[128];
	in_folder("nbdkit.log", log);
	json = json_in(log);
	assert_string_equal(json_str(json, "error.code"), "KeyVaultKeyNotEnabled");
	json_decref(json);
	test_vault_reset(vault);

	atomic_store(&vault->mode, TEST_UNAVAILABLE);
	json = disk_command("rewrap", s.config, 1);
	assert_true(json_bool(json, "error.transient", false));
	json_decref(json);
	test_vault_reset(vault);
}

static void test_one_server_a_disk(void **state) {
	(void)state;
	struct served s, second;
	int status;
	make(&s, "single", NULL);
	attach(&s);
	second = s;
	in_folder("second.sock", second.socket);
	start(&second);
	assert_int_equal(waitpid(second.pid, &status, 0), second.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	assert_int_equal(read_one(&s), 0);
	stop(&s);
}

// A server that is killed loses nothing that was flushed, and the disk can be served again at once.
static void test_killed(void **state) {
	(void)state;
	struct served s;
	uint8_t data[4096], back[4096];
	int status;
	make(&s, "killed", NULL);
	for (int i = 0; i < 3; i++) {
		attach(&s);
		memset(data, 'a' + i, sizeof(data));
		assert_int_equal(nbd_pwrite(s.nbd, data, sizeof(data), 4096, LIBNBD_CMD_FLAG_FUA), 0);
		assert_int_equal(kill(s.pid, SIGKILL), 0);
		assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
		nbd_close(s.nbd);
		attach(&s);
		assert_int_equal(nbd_pread(s.nbd, back, sizeof(back), 4096, 0), 0);
		assert_memory_equal(back, data, sizeof(data));
		stop(&s);
	}
}

static void test_stock_tools_read_the_header(void **state) {
	(void)state;
	struct served s;
	char output[128];
	make(&s, "stock", NULL);
	in_folder("dump", output);
	const char *const argv[] = {"cryptsetup", "luksDump", s.file, NULL};
	assert_int_equal(run(argv, output, NULL), 0);
	assert_true(file_has(output, "aes-xts-plain64", 15));
	assert_true(file_has(output, "sector: 4096", 12));
	assert_true(file_has(output, "0: custodisk", 12));
}

// cryptsetup encrypts a file by itself, without device-mapper. With the same key we make the same ciphertext.
static void test_same_ciphertext_as_cryptsetup(void **state) {
	(void)state;
	char key_file[128], image[128], header[128], volume_key[128], output[128];
	uint8_t *ours = malloc(IMAGE), *theirs = malloc(IMAGE);
	_cleanup_secret_ struct secret key = {0};
	struct xts *x = NULL;
	in_folder("passphrase", key_file);
	in_folder("plain", image);
	in_folder("header", header);
	in_folder("volume-key", volume_key);
	in_folder("output", output);
	read_file("import/image.raw", ours, IMAGE);
	assert_int_equal(io_create_file(key_file, "passphrase", 10, 0600, NULL), 0);
	assert_int_equal(io_create_file(image, ours, IMAGE, 0600, NULL), 0);
	const char *const encrypt[] = {"cryptsetup", "reencrypt", "--encrypt", "--type", "luks2", "--header", header,
		"--sector-size", "4096", "--cipher", "aes-xts-plain64", "--key-size", "512", "--key-file", key_file, "--pbkdf", "pbkdf2",
		"--pbkdf-force-iterations", "1000", "--force-offline-reencrypt", "--batch-mode", image, NULL};
	const char *const dump[] = {"cryptsetup", "luksDump", "--dump-volume-key", "--volume-key-file", volume_key, "--key-file",
		key_file, "--batch-mode", header, NULL};
	assert_int_equal(run(encrypt, output, NULL), 0);
	assert_int_equal(run(dump, output, NULL), 0);
	assert_int_equal(secret_alloc(&key, XTS_KEY_SIZE), 0);
	read_file("volume-key", key.data, key.len);
	read_file("plain", theirs, IMAGE);
	assert_int_equal(xts_new(&key, &x, NULL), 0);
	assert_int_equal(xts_encrypt(x, 0, ours, ours, IMAGE), 0);
	assert_memory_equal(ours, theirs, IMAGE);
	xts_free(x);
	free(ours);
	free(theirs);
}

static void test_misuse(void **state) {
	(void)state;
	char output[128];
	in_folder("output", output);
	const char *const none[] = {program, NULL}, *const unknown[] = {program, "erase", "--config", "x", NULL},
		*const extra[] = {program, "create", "--config", "x", "y", NULL}, *const bare[] = {"nbdkit", "-f", plugin, NULL},
		*const twice[] = {"nbdkit", "-f", plugin, "config=/a", "config=/b", NULL},
		*const other[] = {"nbdkit", "-f", plugin, "key=secret", NULL};
	assert_int_equal(run(none, output, NULL), 2);
	assert_int_equal(run(unknown, output, NULL), 2);
	assert_int_equal(run(extra, output, NULL), 2);
	assert_int_not_equal(run(bare, output, NULL), 0);
	assert_int_not_equal(run(twice, output, NULL), 0);
	assert_int_not_equal(run(other, output, NULL), 0);
	json_t *json = disk_command("create", "/nonexistent", 1);
	assert_non_null(json_str(json, "error.message"));
	json_decref(json);

	// In the background its locked memory would not be locked any more.
	struct served s;
	make(&s, "background", NULL);
	char argument[160];
	(void)snprintf(argument, sizeof(argument), "config=%s", s.config);
	const char *const background[] = {"nbdkit", "-U", s.socket, plugin, argument, NULL};
	(void)run(background, output, NULL);
	struct nbd_handle *nbd = nbd_create();
	sleep_ms(500);
	assert_int_equal(nbd_connect_unix(nbd, s.socket), -1);
	nbd_close(nbd);
}

static int set_up(void **state) {
	(void)state;
	char path[128];
	struct err err;
	if (secret_init(1 << 18, &err) < 0)
		return -1;
	vault = test_vault_start();
	char *image = calloc(1, IMAGE);
	for (size_t i = 0; i + sizeof(marker) < IMAGE; i += 1000)
		memcpy(image + i, marker, sizeof(marker));
	in_folder("import/image.raw", path);
	int rc = io_create_file(path, image, IMAGE, 0600, &err);
	free(image);
	return rc;
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

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_serves_the_image, reset),
		cmocka_unit_test_setup(test_writes_zeros_and_restarts, reset),
		cmocka_unit_test_setup(test_revoked_and_granted_again, reset),
		cmocka_unit_test_setup(test_rewrapped_while_served, reset),
		cmocka_unit_test_setup(test_refused_at_the_start, reset),
		cmocka_unit_test_setup(test_one_server_a_disk, reset),
		cmocka_unit_test_setup(test_killed, reset),
		cmocka_unit_test_setup(test_stock_tools_read_the_header, reset),
		cmocka_unit_test_setup(test_same_ciphertext_as_cryptsetup, reset),
		cmocka_unit_test_setup(test_misuse, reset),
	};
	if (argc != 3)
		return 2;
	plugin = argv[1];
	program = argv[2];
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
