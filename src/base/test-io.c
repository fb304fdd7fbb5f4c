// SPDX-License-Identifier: Apache-2.0
#include "base/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test-util.h"

static char *folder;

static int set_up(void **state _unused_) {
	folder = strdup("/tmp/custodisk-test-XXXXXX");
	return folder && mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

// Every file is removed, and a test that leaves a folder behind fails here.
static int tear_down(void **state _unused_) {
	DIR *dir = opendir(".");
	if (!dir)
		return -1;
	for (struct dirent *e; (e = readdir(dir));)
		if (e->d_name[0] != '.')
			(void)unlink(e->d_name);
	(void)closedir(dir);
	int rc = chdir("/") < 0 || rmdir(folder) < 0 ? -1 : 0;
	free(folder);
	return rc;
}

static int file_count(void) {
	DIR *dir = opendir(".");
	assert_non_null(dir);
	int n = 0;
	for (struct dirent *e; (e = readdir(dir));)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	(void)closedir(dir);
	return n;
}

static void expect_file(const char *path, const char *text, mode_t mode) {
	_cleanup_buf_ struct buf contents = {0};
	struct stat st;
	assert_int_equal(io_read_file(path, 1000, &contents, NULL), 0);
	assert_string_equal(buf_cstr(&contents), text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void test_replace(void **state _unused_) {
	assert_int_equal(io_replace_file("f", "one", 3, 0600, NULL), 0);
	expect_file("f", "one", 0600);
	assert_int_equal(io_replace_file("f", "second", 6, 0644, NULL), 0);
	expect_file("f", "second", 0644);
	assert_int_equal(io_replace_file("f", "", 0, 0600, NULL), 0);
	expect_file("f", "", 0600);
	assert_int_equal(file_count(), 1);
}

static void test_create(void **state _unused_) {
	struct err err = {0};
	assert_int_equal(io_create_file("f", "one", 3, 0600, &err), 0);
	assert_int_equal(io_create_file("f", "two", 3, 0600, &err), -EEXIST);
	assert_int_equal(err.status, 500);
	expect_file("f", "one", 0600);
	assert_int_equal(symlink("nowhere", "link"), 0);
	assert_int_equal(io_create_file("link", "two", 3, 0600, &err), -EEXIST);
	assert_int_equal(file_count(), 2);
}

static void test_write_failures(void **state _unused_) {
	struct err err = {0};
	assert_int_equal(io_replace_file("missing/f", "x", 1, 0600, &err), -ENOENT);
	assert_non_null(strstr(err.message, "missing/f"));
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(io_replace_file("d", "x", 1, 0600, &err), -EISDIR);
	assert_int_equal(file_count(), 1);
	assert_int_equal(rmdir("d"), 0);
}

static void test_read_limits(void **state _unused_) {
	_cleanup_buf_ struct buf out = {0};
	struct err err = {0};
	static char large[40000];
	memset(large, 'x', sizeof(large));
	assert_int_equal(buf_str(&out, "before"), 0);
	assert_int_equal(io_create_file("f", large, sizeof(large), 0600, NULL), 0);
	assert_int_equal(io_read_file("f", sizeof(large) - 1, &out, &err), -EFBIG);
	assert_int_equal(io_read_file("missing", 10, &out, &err), -ENOENT);
	assert_int_equal(io_read_file(".", 10, &out, &err), -EISDIR);
	assert_string_equal(buf_cstr(&out), "before");
	assert_int_equal(io_read_file("f", sizeof(large), &out, &err), 0);
	assert_int_equal(out.len, 6 + sizeof(large));
	assert_memory_equal(out.data + 6, large, sizeof(large));
	assert_int_equal(io_create_file("empty", "", 0, 0600, NULL), 0);
	assert_int_equal(io_read_file("empty", 0, &out, &err), 0);
}

static void test_mkdir(void **state _unused_) {
	struct err err = {0};
	assert_int_equal(io_mkdir("d", 0700, &err), 0);
	assert_int_equal(io_mkdir("d", 0700, &err), 0);
	assert_int_equal(io_mkdir("missing/d", 0700, &err), -ENOENT);
	assert_int_equal(rmdir("d"), 0);
}

static void test_sync_parent(void **state _unused_) {
	assert_int_equal(io_sync_parent("f"), 0);
	assert_int_equal(io_sync_parent("./f"), 0);
	assert_int_equal(io_sync_parent("missing/f"), -ENOENT);
}

static void test_full(void **state _unused_) {
	int ends[2];
	char in[6] = "";
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(io_write_full(ends[1], "abc", 3), 0);
	assert_int_equal(io_write_full(ends[1], "def", 3), 0);
	assert_int_equal(io_read_full(ends[0], in, sizeof(in)), 0);
	assert_memory_equal(in, "abcdef", 6);
	assert_int_equal(io_write_full(ends[1], "x", 1), 0);
	io_closep(&ends[1]);
	assert_int_equal(ends[1], -1);
	assert_int_equal(io_read_full(ends[0], in, 2), -ENODATA);
	io_closep(&ends[0]);
	io_closep(&ends[0]);
	assert_int_equal(io_read_full(-1, in, 1), -EBADF);
	assert_int_equal(io_write_full(-1, in, 1), -EBADF);
	assert_int_equal(io_write_full(-1, in, 0), 0);
}

static void test_pwrite(void **state _unused_) {
	_cleanup_fd_ int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(io_pwrite_full(fd, "world", 5, 6), 0);
	assert_int_equal(io_pwrite_full(fd, "hello ", 6, 0), 0);
	expect_file("f", "hello world", 0600);
	assert_int_equal(io_pwrite_full(-1, "x", 1, 0), -EBADF);
}

static void test_unix_sockets(void **state _unused_) {
	struct err err = {0};
	struct stat st;
	_cleanup_fd_ int listener = io_unix_listen("s", SOCK_SEQPACKET, &err);
	assert_true(listener >= 0);
	assert_int_equal(stat("s", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	_cleanup_fd_ int client = io_unix_connect("s", SOCK_SEQPACKET, &err), server = accept(listener, NULL, NULL);
	assert_true(client >= 0 && server >= 0);
	assert_int_equal(fcntl(client, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(listener, F_GETFD), FD_CLOEXEC);
	char in[4];
	assert_int_equal(io_write_full(client, "ping", 4), 0);
	assert_int_equal(io_read_full(server, in, 4), 0);
	assert_memory_equal(in, "ping", 4);

	// Nobody listens any more: refused, and the stale socket makes way for a new one.
	io_closep(&listener);
	assert_int_equal(io_unix_connect("s", SOCK_SEQPACKET, &err), -ECONNREFUSED);
	_cleanup_fd_ int again = io_unix_listen("s", SOCK_STREAM, &err);
	assert_true(again >= 0);
	assert_int_equal(io_unix_connect("s", SOCK_SEQPACKET, &err), -EPROTOTYPE);
}

static void test_unix_socket_failures(void **state _unused_) {
	struct err err = {0};
	assert_int_equal(io_unix_connect("missing", SOCK_STREAM, &err), -ENOENT);
	assert_int_equal(io_unix_listen("missing/s", SOCK_STREAM, &err), -ENOENT);
	assert_int_equal(io_unix_listen("", SOCK_STREAM, &err), -EINVAL);
	assert_int_equal(io_unix_connect("", SOCK_STREAM, &err), -EINVAL);
	char path[200];
	memset(path, 'p', sizeof(path));
	path[108] = 0;
	assert_int_equal(io_unix_listen(path, SOCK_STREAM, &err), -ENAMETOOLONG);
	assert_int_equal(io_unix_connect(path, SOCK_STREAM, &err), -ENAMETOOLONG);
	path[107] = 0;
	_cleanup_fd_ int fd = io_unix_listen(path, SOCK_STREAM, &err);
	assert_true(fd >= 0);

	// A path that is a file by mistake keeps its contents.
	assert_int_equal(io_create_file("f", "precious", 8, 0600, NULL), 0);
	assert_int_equal(io_unix_listen("f", SOCK_STREAM, &err), -EEXIST);
	expect_file("f", "precious", 0600);
}

static int open_fds(void) {
	int n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void make_pair(int ends[static 2]) {
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void test_pass_fds(void **state _unused_) {
	int ends[2], pipes[2], got[16];
	size_t count = 77;
	char in[8];
	make_pair(ends);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(io_send_fds(ends[0], "two", 3, pipes, 2), 0);
	assert_int_equal(io_recv_fds(ends[1], in, sizeof(in), got, 16, &count), 3);
	assert_memory_equal(in, "two", 3);
	assert_int_equal(count, 2);
	assert_int_equal(fcntl(got[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(io_write_full(got[1], "x", 1), 0);
	assert_int_equal(io_read_full(pipes[0], in, 1), 0);
	for (size_t i = 0; i < 2; i++) {
		(void)close(got[i]);
		(void)close(pipes[i]);
	}
	assert_int_equal(io_send_fds(ends[0], "none", 4, NULL, 0), 0);
	assert_int_equal(io_recv_fds(ends[1], in, sizeof(in), NULL, 0, &count), 4);
	assert_int_equal(count, 0);
	(void)close(ends[0]);
	assert_int_equal(io_recv_fds(ends[1], in, sizeof(in), got, 16, &count), 0);
	assert_int_equal(io_send_fds(ends[1], "x", 1, NULL, 0), -EPIPE);
	(void)close(ends[1]);
}

// Descriptors that were not asked for are closed, never leaked, and so are those of a cut message.
static void test_unwanted_fds(void **state _unused_) {
	int ends[2], got[16], many[17];
	size_t count = 77;
	char in[4];
	make_pair(ends);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = ends[0];
	int before = open_fds();
	assert_int_equal(io_send_fds(ends[0], "x", 1, many, 2), 0);
	assert_int_equal(io_recv_fds(ends[1], in, sizeof(in), got, 1, &count), -EMSGSIZE);
	assert_int_equal(io_send_fds(ends[0], "x", 1, many, 16), 0);
	assert_int_equal(io_recv_fds(ends[1], in, sizeof(in), got, 0, &count), -EMSGSIZE);
	assert_int_equal(io_send_fds(ends[0], "longer", 6, many, 1), 0);
	assert_int_equal(io_recv_fds(ends[1], in, sizeof(in), got, 16, &count), -EMSGSIZE);
	assert_int_equal(open_fds(), before);
	assert_int_equal(count, 77);

	assert_int_equal(io_send_fds(ends[0], "x", 1, many, 17), -EINVAL);
	assert_int_equal(io_send_fds(ends[0], "", 0, many, 1), -EINVAL);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void) {
#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_replace),
		IN_FOLDER(test_create),
		IN_FOLDER(test_write_failures),
		IN_FOLDER(test_read_limits),
		IN_FOLDER(test_mkdir),
		IN_FOLDER(test_sync_parent),
		IN_FOLDER(test_full),
		IN_FOLDER(test_pwrite),
		IN_FOLDER(test_unix_sockets),
		IN_FOLDER(test_unix_socket_failures),
		IN_FOLDER(test_pass_fds),
		IN_FOLDER(test_unwanted_fds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
