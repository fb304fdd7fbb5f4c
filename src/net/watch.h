// SPDX-License-Identifier: Apache-2.0
// Connections with the time that their clients have used up. An idle timeout alone lets a client hold a connection for
// ever by sending, or reading, one byte now and then. Times are in nanoseconds of clock_monotonic_ns().
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct watched;
struct watch {
	pthread_mutex_t lock;
	struct watched *first;
};

void watch_init(struct watch *w);
void watch_destroy(struct watch *w);  // nothing may be watched any more

// Watch a socket, which stays open until watch_remove. -ENOMEM.
int watch_add(struct watch *w, int fd, int64_t now_ns, struct watched **out) _must_check_;
void watch_remove(struct watch *w, struct watched *x);

// The time between these two is the server's own; the client's begins anew with the second.
void watch_pause(struct watch *w, struct watched *x);
void watch_resume(struct watch *w, struct watched *x, int64_t now_ns);

// Shut down every connection whose client's time began before `before_ns`; how many.
size_t watch_cut(struct watch *w, int64_t before_ns);
