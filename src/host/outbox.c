// SPDX-License-Identifier: Apache-2.0
#include "host/outbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/json.h"

static const char *const members[] = {[REPORT_DISK] = "disks", [REPORT_MACHINE] = "machines"};

struct outbox {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	json_t *reports[ARRAY_SIZE(members)];  // resource id -> report
	bool closed;
};

int outbox_new(struct outbox **out, struct err *err) {
	struct outbox *o = calloc(1, sizeof(*o));
	if (!o)
		return err_oom(err);
	(void)pthread_mutex_init(&o->mutex, NULL);
	(void)pthread_cond_init(&o->filled, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		o->reports[i] = json_object();
		if (!o->reports[i]) {
			outbox_free(o);
			return err_oom(err);
		}
	}
	*out = o;
	return 0;
}

void outbox_free(struct outbox *o) {
	if (!o)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		json_decref(o->reports[i]);
	(void)pthread_cond_destroy(&o->filled);
	(void)pthread_mutex_destroy(&o->mutex);
	free(o);
}

int outbox_put(struct outbox *o, enum report_kind kind, json_t *report, struct err *err) {
	const char *id = json_str(report, "id");
	if (!id) {
		json_decref(report);
		return err_oom(err);
	}
	(void)pthread_mutex_lock(&o->mutex);
	int rc = json_set(o->reports[kind], id, report);
	(void)pthread_cond_signal(&o->filled);
	(void)pthread_mutex_unlock(&o->mutex);
	return rc < 0 ? err_oom(err) : 0;
}

static bool is_empty(const struct outbox *o) {
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_object_size(o->reports[i]) > 0)
			return false;
	return true;
}

// Move up to *left reports of one kind into a list.
static json_t *take_some(json_t *reports, size_t *left) {
	json_t *list = json_array();
	const char *id;
	json_t *report;
	void *next;
	json_object_foreach_safe(reports, next, id, report) {
		if (!list || *left == 0)
			break;
		if (json_array_append(list, report) < 0)
			break;
		(void)json_object_del(reports, id);
		(*left)--;
	}
	return list;
}

int outbox_take(struct outbox *o, size_t max, json_t **out) {
	json_t *taken = NULL;
	int rc = 0;
	(void)pthread_mutex_lock(&o->mutex);
	while (is_empty(o) && !o->closed)
		(void)pthread_cond_wait(&o->filled, &o->mutex);
	if (o->closed) {
		rc = -ESHUTDOWN;
	} else {
		json_t *disks = take_some(o->reports[REPORT_DISK], &max);
		json_t *machines = take_some(o->reports[REPORT_MACHINE], &max);
		taken = json_pack("{s:o, s:o}", members[REPORT_DISK], disks, members[REPORT_MACHINE], machines);
	}
	(void)pthread_mutex_unlock(&o->mutex);
	if (!taken)
		return rc < 0 ? rc : -ENOMEM;
	*out = taken;
	return 0;
}

int outbox_return(struct outbox *o, json_t *taken) {
	int rc = 0;
	(void)pthread_mutex_lock(&o->mutex);
	for (size_t kind = 0; kind < ARRAY_SIZE(members); kind++) {
		size_t i;
		json_t *report;
		json_array_foreach(json_at(taken, members[kind]), i, report) {
			const char *id = json_str(report, "id");
			if (!json_object_get(o->reports[kind], id) && json_object_set(o->reports[kind], id, report) < 0)
				rc = -ENOMEM;
		}
	}
	(void)pthread_mutex_unlock(&o->mutex);
	json_decref(taken);
	return rc;
}

void outbox_close(struct outbox *o) {
	(void)pthread_mutex_lock(&o->mutex);
	o->closed = true;
	(void)pthread_cond_signal(&o->filled);
	(void)pthread_mutex_unlock(&o->mutex);
}
