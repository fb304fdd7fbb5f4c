// SPDX-License-Identifier: Apache-2.0
// One thread's event loop: descriptors that become ready and timers that become due. Callbacks may add, change and
// remove any descriptor or timer, their own too.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/err.h"

struct loop;

int loop_new(struct loop **out, struct err *err) _must_check_;
void loop_free(struct loop *l);
static inline void loop_freep(struct loop **l) {
	loop_free(*l);
}

// A watched descriptor. The owner keeps this in place while it is watched, and removes it before the descriptor is
// closed. fd is -1 while nothing is watched.
struct loop_io {
	int fd;
	void (*ready)(void *data, uint32_t events);
	void *data;
};
#define LOOP_IO_NONE {.fd = -1}

// Watch fd for EPOLL events. 0 or a negative errno.
int loop_watch(struct loop *l, struct loop_io *io, int fd, uint32_t events, void (*ready)(void *data, uint32_t events),
	void *data, struct err *err) _must_check_;
void loop_rewatch(struct loop *l, struct loop_io *io, uint32_t events);  // watch for other events
void loop_unwatch(struct loop *l, struct loop_io *io);                   // nothing is done when it is not watched

// A timer, zeroed when it is not set. The owner keeps it in place while it is set.
struct loop_timer {
	int64_t due_ns;  // on clock_monotonic_ns()
	void (*fire)(void *data);
	void *data;
	struct loop_timer *next;
	bool set;
};

// Once, after so many milliseconds; a timer that is set already is moved.
void loop_after(struct loop *l, struct loop_timer *t, int64_t ms, void (*fire)(void *data), void *data);
void loop_cancel(struct loop *l, struct loop_timer *t);

// Until loop_stop().
int loop_run(struct loop *l, struct err *err) _must_check_;
void loop_stop(struct loop *l);
