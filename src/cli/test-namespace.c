// SPDX-License-Identifier: Apache-2.0
// What can be tested without privilege; tests/e2e/run-namespace.sh does the rest.
#include "cli/test-util.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "cli/namespace.h"

static void expect_nsswitch(const char *in, const char *wanted) {
	_cleanup_buf_ struct buf out = {0};
	assert_int_equal(namespace_nsswitch(in, &out), 0);
	assert_string_equal(buf_cstr(&out), wanted);
}

static void only_files_and_dns_are_asked_for_hosts(void **state) {
	(void)state;
	expect_nsswitch("", "hosts: files dns\n");
	expect_nsswitch("passwd: files\nhosts: mymachines resolve [!UNAVAIL=return] files dns\ngroup: files\n",
		"passwd: files\ngroup: files\nhosts: files dns\n");
	expect_nsswitch("  hosts:files\n# hosts: stays\nshadow: files", "# hosts: stays\nshadow: files\nhosts: files dns\n");
}

static void finds_the_setting_that_forbids(void **state) {
	(void)state;
	put("open", "1\n", 0600);
	put("closed", "0\n", 0600);
	put("odd", "x\n", 0600);
	char open[96], closed[96], odd[96];
	(void)snprintf(open, sizeof(open), "%s/open", scratch);
	(void)snprintf(closed, sizeof(closed), "%s/closed", scratch);
	(void)snprintf(odd, sizeof(odd), "%s/odd", scratch);
	const struct namespace_limit limits[] = {
		{"/nonexistent", "missing", 0}, {odd, "odd", 0}, {open, "open", 0}, {closed, "closed", 0}};
	assert_string_equal(namespace_limit_name(limits, 4), "closed");
	assert_string_equal(namespace_limit_name(limits, 3), "");
	const struct namespace_limit reversed[] = {{open, "restricted", 1}};
	assert_string_equal(namespace_limit_name(reversed, 1), "restricted");
}

static void a_socket_that_was_shut_down_listens_again(void **state) {
	(void)state;
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int fd = namespace_listen(0, NULL);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	(void)close(fd);
	// A port that was asked for by its number stays the socket's own; one that the kernel chose would not.
	fd = namespace_listen(ntohs(address.sin_port), NULL);
	assert_true(fd >= 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, size), -1);
	(void)close(client);
	assert_int_equal(namespace_relisten(fd, NULL), 0);
	assert_int_equal(namespace_relisten(fd, NULL), 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
	(void)close(client);
	(void)close(fd);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_files_and_dns_are_asked_for_hosts),
		cmocka_unit_test_setup_teardown(finds_the_setting_that_forbids, make_scratch, remove_scratch),
		cmocka_unit_test(a_socket_that_was_shut_down_listens_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
