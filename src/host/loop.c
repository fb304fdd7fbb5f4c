// SPDX-License-Identifier: Apache-2.0
#include "host/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

enum { NSEC_PER_MSEC = 1000000, WAIT_MAX_MSEC = 3600000 };

struct loop {
	int epoll;
	struct loop_timer *timers;
	bool stop;
};

int loop_new(struct loop **out, struct err *err) {
	struct loop *l = calloc(1, sizeof(*l));
	if (!l)
		return err_oom(err);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		int rc = -errno;
		free(l);
		return err_errno(err, rc, "cannot make an event loop");
	}
	*out = l;
	return 0;
}

void loop_free(struct loop *l) {
	if (!l)
		return;
	io_closep(&l->epoll);
	free(l);
}

int loop_watch(struct loop *l, struct loop_io *io, int fd, uint32_t events, void (*ready)(void *data, uint32_t events),
	void *data, struct err *err) {
	struct epoll_event event = {.events = events, .data.ptr = io};
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(err, -errno, "cannot watch a descriptor");
	*io = (struct loop_io){.fd = fd, .ready = ready, .data = data};
	return 0;
}

void loop_rewatch(struct loop *l, struct loop_io *io, uint32_t events) {
	struct epoll_event event = {.events = events, .data.ptr = io};
	(void)epoll_ctl(l->epoll, EPOLL_CTL_MOD, io->fd, &event);
}

void loop_unwatch(struct loop *l, struct loop_io *io) {
	if (io->fd >= 0)
		(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, io->fd, NULL);
	io->fd = -1;
}

void loop_cancel(struct loop *l, struct loop_timer *t) {
	if (!t->set)
		return;
	struct loop_timer **at = &l->timers;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	*t = (struct loop_timer){0};
}

void loop_after(struct loop *l, struct loop_timer *t, int64_t ms, void (*fire)(void *data), void *data) {
	loop_cancel(l, t);
	*t = (struct loop_timer){
		.due_ns = clock_monotonic_ns() + ms * NSEC_PER_MSEC, .fire = fire, .data = data, .next = l->timers, .set = true};
	l->timers = t;
}

static struct loop_timer *next_due(struct loop *l) {
	struct loop_timer *first = l->timers;
	for (struct loop_timer *t = l->timers; t; t = t->next)
		if (t->due_ns < first->due_ns)
			first = t;
	return first;
}

// Fire the timer that is due first, if one is. Milliseconds until the next one otherwise, -1 for none.
static int fire_or_wait(struct loop *l) {
	struct loop_timer *t = next_due(l);
	if (!t)
		return -1;
	int64_t left = t->due_ns - clock_monotonic_ns();
	if (left > 0)
		return left > (int64_t)WAIT_MAX_MSEC * NSEC_PER_MSEC ? WAIT_MAX_MSEC : (int)(left / NSEC_PER_MSEC) + 1;
	void (*fire)(void *data) = t->fire;
	void *data = t->data;
	loop_cancel(l, t);
	fire(data);
	return 0;
}

int loop_run(struct loop *l, struct err *err) {
	while (!l->stop) {
		int wait = fire_or_wait(l);
		if (l->stop)
			break;
		// One event at a time: a callback may free what a second event of the same batch would point to.
		struct epoll_event event;
		int n = epoll_wait(l->epoll, &event, 1, wait);
		if (n < 0 && errno != EINTR)
			return err_errno(err, -errno, "cannot wait for events");
		if (n == 1) {
			const struct loop_io *io = event.data.ptr;
			io->ready(io->data, event.events);
		}
	}
	l->stop = false;
	return 0;
}

void loop_stop(struct loop *l) {
	l->stop = true;
}
