// SPDX-License-Identifier: Apache-2.0
#include "net/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

struct watched {
	int fd;
	bool paused;
	int64_t since_ns;
	struct watched *next, **link;
};

void watch_init(struct watch *w) {
	(void)pthread_mutex_init(&w->lock, NULL);
	w->first = NULL;
}

void watch_destroy(struct watch *w) {
	(void)pthread_mutex_destroy(&w->lock);
}

int watch_add(struct watch *w, int fd, int64_t now_ns, struct watched **out) {
	struct watched *x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	*x = (struct watched){.fd = fd, .since_ns = now_ns, .link = &w->first};
	(void)pthread_mutex_lock(&w->lock);
	x->next = w->first;
	if (x->next)
		x->next->link = &x->next;
	w->first = x;
	(void)pthread_mutex_unlock(&w->lock);
	*out = x;
	return 0;
}

void watch_remove(struct watch *w, struct watched *x) {
	(void)pthread_mutex_lock(&w->lock);
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	(void)pthread_mutex_unlock(&w->lock);
	free(x);
}

void watch_pause(struct watch *w, struct watched *x) {
	(void)pthread_mutex_lock(&w->lock);
	x->paused = true;
	(void)pthread_mutex_unlock(&w->lock);
}

void watch_resume(struct watch *w, struct watched *x, int64_t now_ns) {
	(void)pthread_mutex_lock(&w->lock);
	x->paused = false;
	x->since_ns = now_ns;
	(void)pthread_mutex_unlock(&w->lock);
}

size_t watch_cut(struct watch *w, int64_t before_ns) {
	size_t cut = 0;
	(void)pthread_mutex_lock(&w->lock);
	for (struct watched *x = w->first; x; x = x->next)
		if (!x->paused && x->since_ns < before_ns && shutdown(x->fd, SHUT_RDWR) == 0)
			cut++;
	(void)pthread_mutex_unlock(&w->lock);
	return cut;
}
