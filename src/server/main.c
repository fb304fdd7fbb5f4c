// SPDX-License-Identifier: Apache-2.0
// custodiskd: all HTTPS faces in one process, over one store and one keeper.
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "server/delivery.h"
#include "server/faces.h"
#include "server/instance.h"
#include "server/listeners.h"
#include "server/scheduler.h"

enum { SECRET_HEAP = 4 << 20, CACHE_SECONDS_DEFAULT = 3600, CACHE_SECONDS_MAX = 86400, KEEPER_WAIT_MS = 10000, KEEPER_PAUSE_MS = 50 };

struct options {
	const char *data_dir, *listen;
	bool strict, no_throttling, private_webhooks;
	int64_t cache_seconds, ready_fd;
};

struct server {
	struct store *store;
	struct keeper_client *keeper;
	struct entra *entra;
	struct vault_service *vault;
	struct graph *graph;
	struct arm *arm;
	struct scheduler *scheduler;
	struct delivery *delivery;
	char *storage;  // the folder of what is delivered; owned
	struct listeners *listeners;
	struct instance instance;
	struct faces faces;
	struct buf pem;
};

static int take_option(struct options *o, int option) {
	switch (option) {
	case 'd':
		o->data_dir = optarg;
		return 0;
	case 'l':
		o->listen = optarg;
		return 0;
	case 's':
		o->strict = true;
		return 0;
	case 't':
		o->no_throttling = true;
		return 0;
	case 'w':
		o->private_webhooks = true;
		return 0;
	case 'c':
		return strv_int(optarg, 1, CACHE_SECONDS_MAX, &o->cache_seconds);
	case 'r':
		return strv_int(optarg, 3, 1023, &o->ready_fd);
	default:
		return -EINVAL;
	}
}

static int parse_options(int argc, char **argv, struct options *out) {
	static const struct option known[] = {{"data-dir", required_argument, NULL, 'd'}, {"listen", required_argument, NULL, 'l'},
		{"strict", no_argument, NULL, 's'}, {"no-throttling", no_argument, NULL, 't'}, {"cache-seconds", required_argument, NULL, 'c'},
		{"ready-fd", required_argument, NULL, 'r'}, {"private-webhooks", no_argument, NULL, 'w'}, {0}};
	struct options o = {.cache_seconds = CACHE_SECONDS_DEFAULT, .ready_fd = -1};
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		int rc = take_option(&o, option);
		if (rc < 0)
			return rc;
	}
	if (!o.data_dir || optind != argc)
		return -EINVAL;
	*out = o;
	return 0;
}

// The keeper may be on its way, at the start as after an end of its own: a server that ended because of it would count as one
// that cannot live.
static int wait_for_keeper(struct keeper_client *keeper, struct err *err) {
	const struct timespec pause = {.tv_nsec = KEEPER_PAUSE_MS * 1000000L};
	int rc = keeper_ping(keeper, err);
	for (int i = 0; rc < 0 && i < KEEPER_WAIT_MS / KEEPER_PAUSE_MS; i++) {
		(void)nanosleep(&pause, NULL);
		rc = keeper_ping(keeper, err);
	}
	return rc;
}

static int open_parts(struct server *s, const struct options *o, struct err *err) {
	_cleanup_free_ char *keeper = strv_printf("%s/run/keeper.sock", o->data_dir);
	_cleanup_free_ char *folder = strv_printf("%s/store", o->data_dir);
	_cleanup_free_ char *database = strv_printf("%s/store/custodisk.db", o->data_dir);
	_cleanup_free_ char *clock = strv_printf("%s/clock", o->data_dir);
	_cleanup_free_ char *issuers = strv_printf("%s/issuers.pem", o->data_dir);
	if (!keeper || !folder || !database || !clock || !issuers)
		return err_oom(err);
	int rc = clock_follow(clock, err);
	if (rc == 0)
		rc = io_mkdir(folder, 0700, err);
	if (rc == 0)
		rc = store_open(database, &s->store, err);
	if (rc == 0)
		rc = keeper_client_open(keeper, &s->keeper, err);
	if (rc == 0)
		rc = wait_for_keeper(s->keeper, err);
	if (rc == 0)
		rc = entra_open(s->store, s->keeper, &s->entra, err);
	if (rc == 0)
		rc = entra_trust_issuers(s->entra, issuers, err);
	if (rc == 0)
		rc = instance_open(s->store, o->data_dir, &s->instance, err);
	if (rc == 0)
		rc = instance_certificate(o->data_dir, &s->pem, err);
	if (rc == 0)
		rc = graph_open(s->store, s->entra, &s->graph, err);
	if (rc == 0)
		rc = vault_service_open(s->store, s->keeper, s->entra, &s->vault, err);
	if (rc == 0 && !o->no_throttling)
		rc = vault_limit(s->vault, err);
	return rc;
}

static int start_delivery(struct server *s, const struct options *o, struct err *err) {
	s->storage = strv_printf("%s/storage", o->data_dir);
	int rc = s->storage ? io_mkdir(s->storage, 0700, err) : err_oom(err);
	return rc < 0 ? rc : delivery_start(s->store, s->storage, o->private_webhooks, &s->delivery, err);
}

static void report_job(const char *kind, const char *id, const struct err *err) {
	log_warning("the job %s of %s is tried again: %s", kind, id, err->message);
}

static int serve(struct server *s, const struct options *o, struct err *err) {
	const struct arm_config arm = {.store = s->store, .entra = s->entra, .keeper = s->keeper, .job_failed = report_job,
		.tenant_id = s->instance.tenant_id, .types = provider_types, .type_count = provider_type_count,
		.jobs = provider_jobs, .job_count = provider_job_count,
		.throttle = !o->no_throttling, .strict = o->strict, .private_webhooks = o->private_webhooks, .cache_seconds = o->cache_seconds};
	int rc = arm_open(&arm, &s->arm, err);
	if (rc == 0)
		rc = arm_start_jobs(s->arm, err);
	if (rc == 0)
		rc = scheduler_start(s->arm, s->vault, s->entra, &s->scheduler, err);
	if (rc == 0)
		rc = start_delivery(s, o, err);
	if (rc < 0)
		return rc;
	s->faces = (struct faces){.entra = s->entra, .arm = s->arm, .vault = s->vault, .graph = s->graph};
	const struct listeners_config listeners = {.data_dir = o->data_dir, .listen = o->listen, .pem = buf_cstr(&s->pem),
		.faces = &s->faces, .store = s->store};
	return listeners_start(&listeners, &s->listeners, err);
}

// In the order in which they depend on each other: first nobody new, then who still works, then what they use.
static void shut_down(struct server *s) {
	if (s->arm)
		arm_interrupt(s->arm);
	listeners_stop(s->listeners);
	scheduler_stop(s->scheduler);
	delivery_stop(s->delivery);
	arm_close(s->arm);
	vault_service_close(s->vault);
	graph_close(s->graph);
	entra_close(s->entra);
	keeper_client_close(s->keeper);
	store_close(s->store);
	free(s->storage);
	buf_free(&s->pem);
}

static void say_ready(int64_t fd) {
	if (fd < 0)
		return;
	if (io_write_full((int)fd, "READY\n", 6) < 0)
		log_warning("nobody waits for this server to be ready");
	(void)close((int)fd);
}

int main(int argc, char **argv) {
	struct options o;
	struct err err = {0};
	struct server server = {0};
	log_init("custodiskd", LOG_LEVEL_INFO);
	if (parse_options(argc, argv, &o) < 0) {
		(void)fprintf(stderr, "usage: custodiskd --data-dir DIR [--listen ADDR:PORT] [--strict] [--no-throttling] [--cache-seconds N] "
				      "[--private-webhooks] [--ready-fd N]\n");
		return 2;
	}
	// Blocked before any thread starts: only the wait below takes them.
	sigset_t signals;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);

	int rc = secret_init(SECRET_HEAP, &err);
	if (rc == 0)
		rc = open_parts(&server, &o, &err);
	if (rc == 0)
		rc = serve(&server, &o, &err);
	if (rc == 0) {
		int number;
		log_info("serves %s", o.data_dir);
		say_ready(o.ready_fd);
		(void)sigwait(&signals, &number);
		log_info("stops on signal %d", number);
	} else {
		log_error("cannot start: %s", err.message);
	}
	shut_down(&server);
	return rc < 0 ? 1 : 0;
}
