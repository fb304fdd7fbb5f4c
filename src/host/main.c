// SPDX-License-Identifier: Apache-2.0
// custodisk-host --data-dir DIR [--ready-fd N]
//
// The host agent. It talks to the control plane through DIR/run/https.sock as the principal in DIR/host.json.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/strv.h"
#include "host/agent.h"
#include "host/consoles.h"
#include "host/record.h"

enum { SECRET_HEAP = 1 << 18, CREDENTIAL_FILE_MAX = 65536 };

struct options {
	const char *data_dir;
	int ready_fd;
};

struct credential {
	json_t *json;  // owns the strings, without the secret
	struct secret secret;
	struct link_options link;
};

static void usage(void) {
	(void)fprintf(stderr, "usage: custodisk-host --data-dir DIR [--ready-fd N]\n");
}

static int read_options(int argc, char **argv, struct options *out) {
	static const struct option names[] = {
		{"data-dir", required_argument, NULL, 'd'}, {"ready-fd", required_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
	int64_t fd;
	*out = (struct options){.ready_fd = -1};
	for (int c = getopt_long(argc, argv, "", names, NULL); c != -1; c = getopt_long(argc, argv, "", names, NULL)) {
		if (c == 'd')
			out->data_dir = optarg;
		else if (c == 'r' && strv_int(optarg, 3, INT_MAX, &fd) == 0)
			out->ready_fd = (int)fd;
		else
			return -EINVAL;
	}
	return out->data_dir && optind == argc ? 0 : -EINVAL;
}

// Names of Unix sockets are short, so everything is named from inside of the data directory.
static int enter(const char *dir, char **absolute, struct err *err) {
	static const char *const folders[] = {"disks", "import", "serial", "log", "run", "run/disks", "run/machines"};
	_cleanup_free_ char *path = realpath(dir, NULL);
	if (!path || chdir(path) < 0)
		return err_errno(err, -errno, "cannot enter %s", dir);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		int rc = io_mkdir(folders[i], 0700, err);
		if (rc < 0)
			return rc;
	}
	*absolute = TAKE_PTR(path);
	return 0;
}

// Held until the process ends: two agents would fight over the machines.
static int lock(int *fd, struct err *err) {
	_cleanup_fd_ int locked = open("run/host.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (locked < 0)
		return err_errno(err, -errno, "cannot open run/host.lock");
	if (flock(locked, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? err_set(err, -EBUSY, 409, "Conflict", "another host agent works in this data directory")
					    : err_errno(err, -errno, "cannot lock run/host.lock");
	*fd = TAKE_FD(locked);
	return 0;
}

static int take_secret(json_t *json, struct secret *out, struct err *err) {
	json_t *value = json_at(json, "clientSecret");
	const char *text = json_string_value(value);
	if (!text || !*text)
		return err_set(err, -EINVAL, 400, "InvalidConfiguration", "host.json has no clientSecret");
	// With its NUL: it is used as a string.
	int rc = secret_copy(out, text, strlen(text) + 1);
	explicit_bzero((char *)(uintptr_t)text, strlen(text));
	return rc < 0 ? err_oom(err) : 0;
}

static int read_credential(struct credential *out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	int rc = io_read_file("host.json", CREDENTIAL_FILE_MAX, &text, err);
	if (rc == 0)
		rc = json_parse(text.data, text.len, "InvalidConfiguration", &out->json, err);
	if (rc == 0)
		rc = take_secret(out->json, &out->secret, err);
	if (rc < 0)
		return rc;
	out->link = (struct link_options){
		.route = {.https_socket = "run/https.sock", .http_socket = "run/http.sock", .ca_file = "ca.pem"},
		.credential = {.tenant = json_str(out->json, "tenantId"), .client_id = json_str(out->json, "clientId"),
			.client_secret = (const char *)out->secret.data},
		.hypervisor_id = json_str(out->json, "hypervisorId")};
	if (!out->link.credential.tenant || !out->link.credential.client_id || !out->link.hypervisor_id)
		return err_set(err, -EINVAL, 400, "InvalidConfiguration", "host.json lacks tenantId, clientId or hypervisorId");
	return 0;
}

static int open_log(int *out, struct err *err) {
	int fd = open("log/host.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, -errno, "cannot open log/host.log");
	*out = fd;
	return 0;
}

static void on_signal(void *data, uint32_t events) {
	struct agent **agent = data;
	(void)events;
	agent_end(*agent);
}

// Before any thread: they inherit the mask.
static int catch_signals(int *fd, struct err *err) {
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(err, -errno, "cannot block signals");
	int caught = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (caught < 0)
		return err_errno(err, -errno, "cannot catch signals");
	*fd = caught;
	return 0;
}

static int tell_ready(int fd, struct err *err) {
	static const char ready[] = "READY\n";
	if (fd < 0)
		return 0;
	int rc = io_write_full(fd, ready, strlen(ready));
	(void)close(fd);
	return rc < 0 ? err_errno(err, rc, "cannot tell that the agent is ready") : 0;
}

static int serve(struct host *host, const struct credential *credential, int signals, int ready_fd, struct err *err) {
	_cleanup_(agent_freep) struct agent *agent = NULL;
	struct loop_io signal_io = LOOP_IO_NONE;
	struct consoles consoles;
	int rc = loop_watch(host->loop, &signal_io, signals, EPOLLIN, on_signal, &agent, err);
	if (rc == 0)
		rc = agent_new(host, &agent, err);
	if (rc == 0)
		rc = link_start(host->loop, &credential->link, host->outbox, agent_desired, agent, err);
	if (rc == 0)
		rc = tell_ready(ready_fd, err);
	if (rc < 0)
		return rc;
	consoles_watch(&consoles, host->loop);
	rc = loop_run(host->loop, err);
	consoles_end(&consoles);
	return rc;
}

static int run(const struct options *options, struct err *err) {
	struct host host = {.log_fd = -1};
	struct credential credential = {0};
	char *data_dir = NULL;
	int lock_fd, signals;
	int rc = secret_init(SECRET_HEAP, err);
	if (rc == 0)
		rc = catch_signals(&signals, err);
	if (rc == 0)
		rc = programs_find_own(&host.programs, err);
	if (rc == 0)
		rc = enter(options->data_dir, &data_dir, err);
	if (rc == 0)
		rc = clock_follow("clock", err);
	if (rc == 0)
		rc = lock(&lock_fd, err);
	if (rc == 0)
		rc = read_credential(&credential, err);
	if (rc == 0)
		rc = open_log(&host.log_fd, err);
	if (rc == 0)
		rc = record_boot_id(host.boot_id, err);
	if (rc == 0)
		rc = outbox_new(&host.outbox, err);
	if (rc == 0)
		rc = loop_new(&host.loop, err);
	if (rc < 0)
		return rc;
	host.data_dir = data_dir;
	rc = serve(&host, &credential, signals, options->ready_fd, err);
	// The conversations with the control plane still use the credential and the outbox, so those are left to the end
	// of the process, which is now.
	return rc;
}

int main(int argc, char **argv) {
	struct options options;
	struct err err = {0};
	log_init("host", LOG_LEVEL_INFO);
	if (read_options(argc, argv, &options) < 0) {
		usage();
		return 2;
	}
	int rc = run(&options, &err);
	if (rc < 0)
		host_complain("the host agent ends", &err);
	// Not exit(): threads may be inside of a request, whose libraries must not be torn down around them.
	_exit(rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
