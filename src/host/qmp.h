// SPDX-License-Identifier: Apache-2.0
// Client of the QEMU Machine Protocol (docs/interop/qmp-spec.rst of QEMU), one connection, never blocking.
// Lines come from QEMU, which runs a guest that nobody trusts: their length is limited and they are parsed strictly.
#pragma once

#include <jansson.h>

#include "host/loop.h"

#define QMP_LINE_MAX (1u << 20)  // bytes

struct qmp;

struct qmp_handler {
	void (*ready)(void *data);                                              // commands are taken from now on
	void (*event)(void *data, const char *name, const json_t *event_data);  // event_data may be NULL
	void (*reply)(void *data, const char *command, const json_t *value);    // NULL when the command failed
	void (*closed)(void *data, const struct err *why);                      // the connection is gone; free it
};

// Connect to the Unix socket. -ECONNREFUSED and -ENOENT when QEMU does not listen yet. `handler` is borrowed.
int qmp_connect(struct loop *l, const char *path, const struct qmp_handler *handler, void *data, struct qmp **out,
	struct err *err) _must_check_;
int qmp_attach(struct loop *l, int fd, const struct qmp_handler *handler, void *data, struct qmp **out, struct err *err)
	_must_check_;  // to a connected socket, which is owned from then on
void qmp_free(struct qmp *q);

// Send a command without arguments. -ENOTCONN before `ready`, -EBUSY when too many are unanswered.
int qmp_send(struct qmp *q, const char *command, struct err *err) _must_check_;
