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

static struct buf make(unsigned bits, unsigned usage, const char *context, struct rsa_public *pub) {
	struct buf blob = {0};
	struct err err = {0};
	if (keeper_make_rsa(client, bits, usage, context, &blob, pub, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(blob.len > 0 && blob.len <= KEEPER_BLOB_MAX);
	return blob;
}

static struct keeper_key key_of(const struct buf *blob, const char *context) {
	return (struct keeper_key){.blob = blob->data, .blob_len = blob->len, .context = context};
}

static void test_wrap(void **state _unused_) {
	static const unsigned sizes[] = {2048, 3072, 4096};
	static const enum key_alg algs[] = {KEY_ALG_RSA_OAEP, KEY_ALG_RSA_OAEP_256};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct rsa_public pub;
		_cleanup_buf_ struct buf blob = make(sizes[i], KEEPER_USE_WRAP, "vault/key/1", &pub);
		assert_int_equal(pub.n_len, sizes[i] / 8);
		_cleanup_pkey_ EVP_PKEY *public = NULL;
		assert_int_equal(rsa_from_public(&pub, &public, NULL), 0);
		struct keeper_key key = key_of(&blob, "vault/key/1");
		for (size_t a = 0; a < ARRAY_SIZE(algs); a++) {
			_cleanup_buf_ struct buf here = {0}, there = {0};
			_cleanup_secret_ struct secret first = {0}, second = {0};
			assert_int_equal(rsa_wrap(public, algs[a], "data key", 8, &here, NULL), 0);
			assert_int_equal(keeper_wrap(client, &key, algs[a], "data key", 8, &there, NULL), 0);
			assert_int_equal(keeper_unwrap(client, &key, algs[a], here.data, here.len, &first, NULL), 0);
			assert_int_equal(keeper_unwrap(client, &key, algs[a], there.data, there.len, &second, NULL), 0);
			assert_true(secret_equal(first.data, first.len, "data key", 8));
			assert_true(secret_equal(second.data, second.len, "data key", 8));
		}
	}
}

static void test_sign(void **state _unused_) {
	struct rsa_public pub;
	_cleanup_buf_ struct buf blob = make(2048, KEEPER_USE_SIGN, "tokens", &pub), signature = {0};
	struct keeper_key key = key_of(&blob, "tokens");
	uint8_t digest[32];
	assert_int_equal(hash_sha256("text", 4, digest), 0);
	assert_int_equal(keeper_sign(client, &key, digest, &signature, NULL), 0);
	_cleanup_pkey_ EVP_PKEY *public = NULL;
	assert_int_equal(rsa_from_public(&pub, &public, NULL), 0);
	assert_int_equal(rsa_verify_digest(public, digest, signature.data, signature.len, NULL), 0);
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

static void test_errors(void **state _unused_) {
	struct rsa_public pub;
	_cleanup_buf_ struct buf blob = make(2048, KEEPER_USE_WRAP, "here", &pub), out = {0}, wrapped = {0};
	struct keeper_key key = key_of(&blob, "here"), there = key_of(&blob, "there"), cut = key_of(&blob, "here"),
			  large = key_of(&blob, "here"), nowhere = key_of(&blob, "");
	cut.blob_len--;
	large.blob_len = KEEPER_BLOB_MAX + 1;
	const uint8_t digest[32] = {0};
	static uint8_t zeros[KEEPER_INPUT_MAX + 1];
	_cleanup_secret_ struct secret plain = {0};
	struct err err = {0};
	assert_int_equal(keeper_wrap(client, &key, KEY_ALG_RSA_OAEP, "x", 1, &wrapped, NULL), 0);

	assert_int_equal(keeper_unwrap(client, &there, KEY_ALG_RSA_OAEP, wrapped.data, wrapped.len, &plain, &err), -EBADMSG);
	assert_int_equal(err.status, 500);
	assert_int_equal(keeper_unwrap(client, &cut, KEY_ALG_RSA_OAEP, wrapped.data, wrapped.len, &plain, &err), -EBADMSG);
	assert_int_equal(keeper_unwrap(client, &large, KEY_ALG_RSA_OAEP, wrapped.data, wrapped.len, &plain, &err), -EBADMSG);
	assert_int_equal(keeper_unwrap(client, &nowhere, KEY_ALG_RSA_OAEP, wrapped.data, wrapped.len, &plain, &err), -EINVAL);
	assert_int_equal(keeper_sign(client, &key, digest, &out, &err), -EPERM);
	assert_int_equal(err.status, 403);
	assert_string_equal(err.code, "Forbidden");
	assert_int_equal(keeper_unwrap(client, &key, KEY_ALG_RSA_OAEP_256, wrapped.data, wrapped.len, &plain, &err), -EINVAL);
	assert_int_equal(err.status, 400);
	assert_string_equal(err.code, "BadParameter");
	assert_int_equal(keeper_unwrap(client, &key, KEY_ALG_RS256, wrapped.data, wrapped.len, &plain, &err), -EINVAL);
	assert_int_equal(keeper_unwrap(client, &key, KEY_ALG_NONE, wrapped.data, wrapped.len, &plain, &err), -EINVAL);
	assert_int_equal(keeper_wrap(client, &key, KEY_ALG_RSA_OAEP, zeros, sizeof(zeros), &out, &err), -EINVAL);
	assert_int_equal(keeper_wrap(client, &key, KEY_ALG_RSA_OAEP, zeros, KEEPER_INPUT_MAX, &out, &err), -EINVAL);
	assert_int_equal(keeper_make_rsa(client, 1024, KEEPER_USE_WRAP, "here", &out, &pub, &err), -EINVAL);
	assert_int_equal(keeper_make_rsa(client, 2048, 0, "here", &out, &pub, &err), -EINVAL);
	assert_int_equal(keeper_make_rsa(client, 2048, 4, "here", &out, &pub, &err), -EINVAL);
	assert_int_equal(keeper_make_rsa(client, 2048, KEEPER_USE_WRAP, "", &out, &pub, &err), -EINVAL);
	assert_int_equal(keeper_derive(client, "", &plain, &err), -EINVAL);
	char label[KEEPER_LABEL_MAX + 2] = {0};
	memset(label, 'l', sizeof(label) - 1);
	assert_int_equal(keeper_derive(client, label, &plain, &err), -EINVAL);
	assert_null(plain.data);
	assert_int_equal(out.len, 0);
	assert_int_equal(keeper_ping(client, &err), 0);
}

// A blob outlives the process; a client's connections need not.
static void test_restart(void **state _unused_) {
	struct rsa_public pub;
	_cleanup_buf_ struct buf blob = make(2048, KEEPER_USE_WRAP, "here", &pub), wrapped = {0};
	struct keeper_key key = key_of(&blob, "here");
	assert_int_equal(keeper_wrap(client, &key, KEY_ALG_RSA_OAEP_256, "data key", 8, &wrapped, NULL), 0);
	for (int i = 0; i < 3; i++) {
		kill_keeper();
		start_keeper(false);
		_cleanup_secret_ struct secret plain = {0};
		assert_int_equal(keeper_unwrap(client, &key, KEY_ALG_RSA_OAEP_256, wrapped.data, wrapped.len, &plain, NULL), 0);
		assert_true(secret_equal(plain.data, plain.len, "data key", 8));
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
	struct buf wrapped[2];
	atomic_int good, away;
};

static void *use(void *arg) {
	struct shared *s = arg;
	for (int i = 0; i < ROUNDS; i++) {
		_cleanup_secret_ struct secret plain = {0};
		int which = i % 2;
		struct err err = {0};
		int rc = keeper_unwrap(client, &s->keys[which], KEY_ALG_RSA_OAEP_256, s->wrapped[which].data, s->wrapped[which].len,
			&plain, &err);
		if (rc == 0 && secret_equal(plain.data, plain.len, which ? "second" : "first.", 6))
			atomic_fetch_add(&s->good, 1);
		else if (rc < 0 && err.status == 503)
			atomic_fetch_add(&s->away, 1);
	}
	return NULL;
}

static void run_threads(struct shared *s, struct buf blobs[static 2], bool restart) {
	pthread_t threads[THREADS];
	for (size_t i = 0; i < 2; i++) {
		struct rsa_public pub;
		blobs[i] = make(2048, KEEPER_USE_WRAP, "here", &pub);
		s->keys[i] = key_of(&blobs[i], "here");
		assert_int_equal(keeper_wrap(client, &s->keys[i], KEY_ALG_RSA_OAEP_256, i ? "second" : "first.", 6, &s->wrapped[i], NULL),
			0);
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
		buf_free(&s->wrapped[i]);
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
		{"\x02\x01", 2, true},
		{"\x01\x63", 2, true},
		{"\x01\x01\x00", 3, true},
		{"\x01", 1, true},
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
	static const uint8_t make_4096[] = {KEEPER_PROTOCOL_VERSION, KEEPER_OP_MAKE_RSA, 0x10, 0x00, 1, 0, 0, 0, 1, 'c'};
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
		WITH_KEEPER(test_wrap),
		WITH_KEEPER(test_sign),
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
