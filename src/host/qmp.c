// SPDX-License-Identifier: Apache-2.0
#include "host/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"

enum { PENDING_MAX = 16, COMMAND_MAX = 64, CHUNK = 16384 };

enum state { AWAITS_GREETING, AWAITS_CAPABILITIES, READY };

struct qmp {
	struct loop *loop;
	struct loop_io io;
	const struct qmp_handler *handler;
	void *data;
	enum state state;
	struct buf in;
	char pending[PENDING_MAX][COMMAND_MAX];  // commands without a reply, oldest first: QEMU answers in order
	size_t pending_count;
	bool *freed;  // set when a callback frees this
};

static int write_command(struct qmp *q, const char *command, struct err *err) {
	_cleanup_buf_ struct buf line = {0};
	if (q->pending_count == PENDING_MAX || strlen(command) >= COMMAND_MAX)
		return err_errno(err, -EBUSY, "cannot send %s to QEMU", command);
	if (buf_printf(&line, "{\"execute\":\"%s\"}\r\n", command) < 0)
		return err_oom(err);
	// A few short lines always fit into the socket's buffer, unless QEMU has stopped reading altogether.
	ssize_t n = send(q->io.fd, line.data, line.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 || (size_t)n != line.len)
		return err_errno(err, n < 0 ? -errno : -EPIPE, "cannot send %s to QEMU", command);
	memcpy(q->pending[q->pending_count++], command, strlen(command) + 1);
	return 0;
}

int qmp_send(struct qmp *q, const char *command, struct err *err) {
	if (q->state != READY)
		return err_errno(err, -ENOTCONN, "cannot send %s to QEMU", command);
	return write_command(q, command, err);
}

static int take_reply(struct qmp *q, const json_t *value, struct err *err) {
	char command[COMMAND_MAX];
	if (q->pending_count == 0)
		return err_errno(err, -EPROTO, "QEMU answered what was not asked");
	memcpy(command, q->pending[0], sizeof(command));
	q->pending_count--;
	memmove(q->pending[0], q->pending[1], q->pending_count * sizeof(q->pending[0]));
	if (q->state == READY) {
		q->handler->reply(q->data, command, value);
		return 0;
	}
	if (!value)
		return err_errno(err, -EPROTO, "QEMU refused to negotiate");
	q->state = READY;
	q->handler->ready(q->data);
	return 0;
}

static int take_message(struct qmp *q, const json_t *message, struct err *err) {
	const char *event = json_str(message, "event");
	if (q->state == AWAITS_GREETING) {
		if (!json_is_object(json_at(message, "QMP")))
			return err_errno(err, -EPROTO, "what listens is no QEMU");
		q->state = AWAITS_CAPABILITIES;
		return write_command(q, "qmp_capabilities", err);
	}
	if (json_at(message, "return"))
		return take_reply(q, json_at(message, "return"), err);
	if (json_at(message, "error"))
		return take_reply(q, NULL, err);
	if (!event)
		return err_errno(err, -EPROTO, "QEMU sent a message of no known kind");
	q->handler->event(q->data, event, json_at(message, "data"));
	return 0;
}

static int take_line(struct qmp *q, const char *line, size_t len, struct err *err) {
	_cleanup_json_ json_t *message = NULL;
	int rc = json_parse(line, len, "InvalidMessage", &message, err);
	return rc < 0 ? rc : take_message(q, message, err);
}

// All whole lines that are there; stops when a callback freed the connection.
static int take_lines(struct qmp *q, const bool *freed, struct err *err) {
	_cleanup_buf_ struct buf lines = q->in;
	q->in = (struct buf){0};
	const char *at = (const char *)lines.data;
	size_t left = lines.len;
	for (;;) {
		const char *end = left ? memchr(at, '\n', left) : NULL;
		if (!end)
			break;
		size_t len = (size_t)(end - at);
		bool blank = len == 0 || (len == 1 && at[0] == '\r');
		int rc = blank ? 0 : take_line(q, at, len, err);
		if (rc < 0 || *freed)
			return rc;
		at = end + 1;
		left -= len + 1;
	}
	if (left > QMP_LINE_MAX)
		return err_errno(err, -EMSGSIZE, "QEMU sent an endless line");
	return buf_append(&q->in, at, left) < 0 ? err_oom(err) : 0;
}

static int take_input(struct qmp *q, const bool *freed, struct err *err) {
	char chunk[CHUNK];
	ssize_t n = recv(q->io.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return err_errno(err, -errno, "cannot read from QEMU");
	if (n == 0)
		return err_errno(err, -ECONNRESET, "QEMU closed its monitor");
	if (buf_append(&q->in, chunk, (size_t)n) < 0)
		return err_oom(err);
	return take_lines(q, freed, err);
}

static void on_ready(void *data, uint32_t events) {
	struct qmp *q = data;
	struct err err = {0};
	bool freed = false;
	(void)events;
	q->freed = &freed;
	int rc = take_input(q, &freed, &err);
	if (freed)
		return;
	q->freed = NULL;
	if (rc < 0) {
		loop_unwatch(q->loop, &q->io);
		q->handler->closed(q->data, &err);
	}
}

int qmp_attach(struct loop *l, int fd, const struct qmp_handler *handler, void *data, struct qmp **out, struct err *err) {
	struct qmp *q = calloc(1, sizeof(*q));
	_cleanup_fd_ int owned = fd;
	if (!q)
		return err_oom(err);
	*q = (struct qmp){.loop = l, .io = LOOP_IO_NONE, .handler = handler, .data = data};
	int rc = loop_watch(l, &q->io, fd, EPOLLIN, on_ready, q, err);
	if (rc < 0) {
		free(q);
		return rc;
	}
	(void)TAKE_FD(owned);
	*out = q;
	return 0;
}

int qmp_connect(struct loop *l, const char *path, const struct qmp_handler *handler, void *data, struct qmp **out,
	struct err *err) {
	int fd = io_unix_connect(path, SOCK_STREAM, err);
	return fd < 0 ? fd : qmp_attach(l, fd, handler, data, out, err);
}

void qmp_free(struct qmp *q) {
	if (!q)
		return;
	if (q->freed)
		*q->freed = true;
	int fd = q->io.fd;
	loop_unwatch(q->loop, &q->io);
	io_closep(&fd);
	buf_free(&q->in);
	free(q);
}
