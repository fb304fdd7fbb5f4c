// SPDX-License-Identifier: Apache-2.0
// The peer is this test: it writes what QEMU would, or what it must not.
#include "host/qmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"

#define GREETING "{\"QMP\":{\"version\":{},\"capabilities\":[]}}\r\n"

struct fixture {
	struct loop *loop;
	struct qmp *qmp;
	int peer;
	int ready, closed;
	char events[256], replies[256];
	char why[ERR_MESSAGE_MAX];
	bool free_on_event;
	struct loop_timer feeder;
};

static void on_ready(void *data) {
	struct fixture *f = data;
	f->ready++;
	loop_stop(f->loop);
}

static void on_event(void *data, const char *name, const json_t *event_data) {
	struct fixture *f = data;
	size_t len = strlen(f->events);
	(void)snprintf(f->events + len, sizeof(f->events) - len, "%s%s;", name, json_bool(event_data, "guest", false) ? "+guest" : "");
	if (f->free_on_event) {
		qmp_free(f->qmp);
		f->qmp = NULL;
	}
	loop_stop(f->loop);
}

static void on_reply(void *data, const char *command, const json_t *value) {
	struct fixture *f = data;
	size_t len = strlen(f->replies);
	(void)snprintf(f->replies + len, sizeof(f->replies) - len, "%s=%s;", command, value ? "ok" : "error");
	loop_stop(f->loop);
}

static void on_closed(void *data, const struct err *why) {
	struct fixture *f = data;
	f->closed++;
	(void)snprintf(f->why, sizeof(f->why), "%s", why->message);
	loop_stop(f->loop);
}

static const struct qmp_handler handler = {.ready = on_ready, .event = on_event, .reply = on_reply, .closed = on_closed};

static void on_timeout(void *data) {
	(void)data;
	fail_msg("nothing happened");
}

static void run(struct fixture *f) {
	struct loop_timer timeout = {0};
	loop_after(f->loop, &timeout, 5000, on_timeout, NULL);
	assert_int_equal(loop_run(f->loop, NULL), 0);
	loop_cancel(f->loop, &timeout);
}

static void say(struct fixture *f, const char *text) {
	assert_int_equal(io_write_full(f->peer, text, strlen(text)), 0);
}

static void expect(struct fixture *f, const char *line) {
	char got[256] = {0};
	ssize_t n = recv(f->peer, got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	assert_string_equal(got, line);
}

static int setup(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];
	assert_non_null(f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	f->peer = fds[1];
	assert_int_equal(loop_new(&f->loop, NULL), 0);
	assert_int_equal(qmp_attach(f->loop, fds[0], &handler, f, &f->qmp, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state) {
	struct fixture *f = *state;
	qmp_free(f->qmp);
	io_closep(&f->peer);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void negotiate(struct fixture *f) {
	say(f, GREETING "{\"return\":{}}\r\n");
	run(f);
	assert_int_equal(f->ready, 1);
	expect(f, "{\"execute\":\"qmp_capabilities\"}\r\n");
}

static void test_conversation(void **state) {
	struct fixture *f = *state;
	assert_int_equal(qmp_send(f->qmp, "cont", NULL), -ENOTCONN);
	negotiate(f);
	assert_int_equal(qmp_send(f->qmp, "cont", NULL), 0);
	expect(f, "{\"execute\":\"cont\"}\r\n");
	assert_int_equal(qmp_send(f->qmp, "query-status", NULL), 0);
	// Events may come between a command and its reply, and lines in pieces.
	say(f, "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true}}\r\n\r\n{\"event\":\"STOP\"}\r\n{\"return\":{}}\r\n{\"err");
	run(f);
	assert_string_equal(f->events, "SHUTDOWN+guest;STOP;");
	assert_string_equal(f->replies, "cont=ok;");
	say(f, "or\":{\"class\":\"GenericError\",\"desc\":\"x\"}}\r\n");
	run(f);
	assert_string_equal(f->replies, "cont=ok;query-status=error;");
	assert_int_equal(f->closed, 0);
}

static void test_freed_in_a_callback(void **state) {
	struct fixture *f = *state;
	negotiate(f);
	f->free_on_event = true;
	say(f, "{\"event\":\"STOP\"}\r\n{\"event\":\"RESUME\"}\r\n");
	run(f);
	assert_string_equal(f->events, "STOP;");
	assert_null(f->qmp);
}

static void test_too_many_commands(void **state) {
	struct fixture *f = *state;
	negotiate(f);
	int rc = 0, sent = 0;
	for (; rc == 0 && sent < 100; sent++)
		rc = qmp_send(f->qmp, "cont", NULL);
	assert_int_equal(rc, -EBUSY);
	assert_int_equal(sent, 17);
}

static void refused(struct fixture *f, const char *text, const char *why) {
	say(f, text);
	run(f);
	assert_int_equal(f->closed, 1);
	if (!strstr(f->why, why))
		fail_msg("%s", f->why);
}

static void test_no_greeting(void **state) {
	refused(*state, "{\"return\":{}}\r\n", "no QEMU");
}

static void test_not_json(void **state) {
	refused(*state, "SSH-2.0-OpenSSH\r\n", "not valid");
}

static void test_negotiation_refused(void **state) {
	refused(*state, GREETING "{\"error\":{}}\r\n", "refused to negotiate");
}

static void test_unasked_reply(void **state) {
	struct fixture *f = *state;
	negotiate(f);
	refused(f, "{\"return\":{}}\r\n", "not asked");
}

static void test_unknown_message(void **state) {
	struct fixture *f = *state;
	negotiate(f);
	refused(f, "{\"hello\":1}\r\n", "no known kind");
}

static void test_hang_up(void **state) {
	struct fixture *f = *state;
	negotiate(f);
	assert_int_equal(shutdown(f->peer, SHUT_WR), 0);
	run(f);
	assert_int_equal(f->closed, 1);
	assert_non_null(strstr(f->why, "closed its monitor"));
}

static void feed(void *data) {
	struct fixture *f = data;
	static const char part[4096] = "never a line's end";
	(void)send(f->peer, part, sizeof(part), MSG_DONTWAIT | MSG_NOSIGNAL);
	loop_after(f->loop, &f->feeder, 0, feed, f);
}

static void test_endless_line(void **state) {
	struct fixture *f = *state;
	feed(f);
	run(f);
	loop_cancel(f->loop, &f->feeder);
	assert_int_equal(f->closed, 1);
	assert_non_null(strstr(f->why, "endless"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_conversation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freed_in_a_callback, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_commands, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_greeting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_negotiation_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unasked_reply, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hang_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endless_line, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
