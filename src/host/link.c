// SPDX-License-Identifier: Apache-2.0
#include "host/link.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/strv.h"

enum { WAIT_SECONDS = 20, BACKOFF_FIRST_SECONDS = 1, BACKOFF_MAX_SECONDS = 15, REPORTS_MAX = 256 };

#define API_VERSION "2026-11-01"

struct link {
	struct link_options options;
	struct outbox *outbox;
	struct loop_io io;
	int wake;  // eventfd
	void (*desired)(void *data, json_t *answer);
	void *data;
	pthread_mutex_t mutex;
	json_t *answer;  // newest, not yet taken by the loop
};

static void on_answer(void *data, uint32_t events) {
	struct link *l = data;
	eventfd_t count;
	(void)events;
	(void)eventfd_read(l->wake, &count);
	(void)pthread_mutex_lock(&l->mutex);
	_cleanup_json_ json_t *answer = TAKE_PTR(l->answer);
	(void)pthread_mutex_unlock(&l->mutex);
	if (answer)
		l->desired(l->data, answer);
}

static void hand_over(struct link *l, json_t *answer) {
	(void)pthread_mutex_lock(&l->mutex);
	json_decref(l->answer);
	l->answer = answer;
	(void)pthread_mutex_unlock(&l->mutex);
	(void)eventfd_write(l->wake, 1);
}

static int post(struct azure_client *azure, const struct link *l, const json_t *body, json_t **reply, struct err *err) {
	char operation[AZURE_URL_MAX];
	int status;
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *path = strv_printf("%s/poll?api-version=" API_VERSION, l->options.hypervisor_id);
	if (!path || !body)
		return err_oom(err);
	int rc = azure_arm(azure, "POST", path, body, &answer, &status, operation, err);
	if (rc < 0)
		return rc;
	if (!json_is_object(answer))
		return err_set(err, -EBADMSG, 502, "BadGateway", "The control plane answered without a desired state.");
	*reply = TAKE_PTR(answer);
	return 0;
}

// Say once what is wrong, and once that it is over; wait a little longer each time.
static void after_failure(const char *what, const struct err *err, unsigned *seconds) {
	if (*seconds == 0)
		log_warning("%s: %s: %s", what, err->code, err->message);
	*seconds = *seconds == 0 ? BACKOFF_FIRST_SECONDS : *seconds * 2 > BACKOFF_MAX_SECONDS ? BACKOFF_MAX_SECONDS : *seconds * 2;
	(void)sleep(*seconds);
}

static void after_success(const char *what, unsigned *seconds) {
	if (*seconds > 0)
		log_info("%s: works again", what);
	*seconds = 0;
}

// Nothing can be promised without memory; the next agent begins where this one was.
static void give_up(const struct err *err) {
	log_error("%s", err->message);
	_exit(EXIT_FAILURE);
}

static struct azure_client *new_client(const struct link *l) {
	struct azure_client *azure = NULL;
	struct err err = {0};
	if (azure_client_new(&l->options.route, &l->options.credential, &azure, &err) < 0)
		give_up(&err);
	return azure;
}

static void *poll_loop(void *data) {
	static const char what[] = "fetching the desired state";
	struct link *l = data;
	struct azure_client *azure = new_client(l);
	unsigned backoff = 0;
	for (int64_t seen = 0;;) {
		struct err err = {0};
		_cleanup_json_ json_t *answer = NULL;
		_cleanup_json_ json_t *body = json_pack(
			"{s:I, s:i, s:[], s:[]}", "seen", (json_int_t)seen, "waitSeconds", WAIT_SECONDS, "disks", "machines");
		if (post(azure, l, body, &answer, &err) < 0) {
			after_failure(what, &err, &backoff);
			continue;
		}
		after_success(what, &backoff);
		int64_t revision = json_int(answer, "revision", 0);
		if (revision == seen)
			continue;
		seen = revision;
		hand_over(l, TAKE_PTR(answer));
	}
	return NULL;
}

static void *report_loop(void *data) {
	static const char what[] = "reporting";
	struct link *l = data;
	struct azure_client *azure = new_client(l);
	unsigned backoff = 0;
	for (;;) {
		struct err err = {0};
		_cleanup_json_ json_t *answer = NULL;
		json_t *reports = NULL;
		int rc = outbox_take(l->outbox, REPORTS_MAX, &reports);
		if (rc == -ESHUTDOWN)
			break;
		if (rc < 0)
			give_up((err_oom(&err), &err));
		_cleanup_json_ json_t *body = json_pack("{s:i, s:i, s:O, s:O}", "seen", 0, "waitSeconds", 0, "disks", json_at(reports, "disks"),
			"machines", json_at(reports, "machines"));
		rc = post(azure, l, body, &answer, &err);
		if (rc == 0) {
			json_decref(reports);
			after_success(what, &backoff);
			continue;
		}
		if (outbox_return(l->outbox, reports) < 0)
			give_up((err_oom(&err), &err));
		after_failure(what, &err, &backoff);
	}
	azure_client_free(azure);
	return NULL;
}

static int start_thread(void *(*run)(void *data), struct link *l, struct err *err) {
	pthread_t thread;
	int rc = -pthread_create(&thread, NULL, run, l);
	if (rc < 0)
		return err_errno(err, rc, "cannot start a thread");
	(void)pthread_detach(thread);
	return 0;
}

int link_start(struct loop *loop, const struct link_options *options, struct outbox *outbox,
	void (*desired)(void *data, json_t *answer), void *data, struct err *err) {
	struct link *l = calloc(1, sizeof(*l));
	if (!l)
		return err_oom(err);
	*l = (struct link){.options = *options, .outbox = outbox, .io = LOOP_IO_NONE, .desired = desired, .data = data};
	(void)pthread_mutex_init(&l->mutex, NULL);
	l->wake = eventfd(0, EFD_CLOEXEC);
	int rc = l->wake < 0 ? err_errno(err, -errno, "cannot make an eventfd")
			     : loop_watch(loop, &l->io, l->wake, EPOLLIN, on_answer, l, err);
	if (rc == 0)
		rc = start_thread(poll_loop, l, err);
	if (rc == 0)
		rc = start_thread(report_loop, l, err);
	return rc;  // on failure the program ends, and with it what has been started
}
