// SPDX-License-Identifier: Apache-2.0
#include "cli/record.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "cli/datadir.h"

enum { RECORD_MAX = 65536, LEFTOVER_PATIENCE_MS = 30000 };

static const char *state_name(enum service_state state) {
	static const char *const names[] = {
		[SERVICE_STOPPED] = "stopped",
		[SERVICE_STARTING] = "starting",
		[SERVICE_SERVING] = "serving",
		[SERVICE_WAITING] = "restarting",
	};
	return names[state];
}

static json_t *describe(const struct service *v) {
	_cleanup_json_ json_t *o = json_object();
	char when[CLOCK_RFC3339_MAX];
	if (json_set_str(o, "name", v->name) < 0 || json_set_str(o, "state", state_name(v->state)) < 0 ||
		json_set_int(o, "restarts", v->restarts) < 0)
		return NULL;
	// No number where there is no process: kill(2) would take a 0 for the caller's own group.
	if (v->pid > 0 && (json_set_int(o, "pid", v->pid) < 0 || json_set_int(o, "startTicks", (int64_t)v->start_ticks) < 0))
		return NULL;
	if (v->state == SERVICE_SERVING && json_set_str(o, "since", clock_rfc3339(v->since, when)) < 0)
		return NULL;
	return json_incref(o);
}

// Process start times count from the boot, so a record of an earlier boot names nobody.
static int read_boot_id(struct buf *out, struct err *err) {
	int rc = io_read_file("/proc/sys/kernel/random/boot_id", 64, out, err);
	if (rc == 0 && out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = 0;
	return rc;
}

int record_write(const char *data_dir, const char *phase, const char *listen, const struct service *services, size_t count,
	struct err *err) {
	_cleanup_buf_ struct buf boot = {0};
	int rc = read_boot_id(&boot, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *o = json_object();
	_cleanup_json_ json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(list, describe(&services[i])) < 0)
			return err_oom(err);
	if (json_set_int(o, "supervisor", getpid()) < 0 || json_set_str(o, "phase", phase) < 0 ||
		json_set_str(o, "bootId", buf_cstr(&boot)) < 0 ||
		(listen && json_set_str(o, "listen", listen) < 0) || json_set(o, "processes", json_incref(list)) < 0)
		return err_oom(err);
	_cleanup_free_ char *text = json_text(o);
	_cleanup_free_ char *path = datadir_file(data_dir, "run/status.json");
	if (!text || !path)
		return err_oom(err);
	return io_replace_file(path, text, strlen(text), 0600, err);
}

int record_read(const char *data_dir, json_t **out, struct err *err) {
	_cleanup_free_ char *path = datadir_file(data_dir, "run/status.json");
	if (!path)
		return err_oom(err);
	_cleanup_buf_ struct buf text = {0};
	int rc = io_read_file(path, RECORD_MAX, &text, err);
	return rc < 0 ? rc : json_parse(text.data, text.len, "InternalServerError", out, err);
}

int record_remove(const char *data_dir, struct err *err) {
	_cleanup_free_ char *path = datadir_file(data_dir, "run/status.json");
	if (!path)
		return err_oom(err);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, -errno, "cannot remove %s", path);
	return 0;
}

static bool wait_gone(int pidfd, int timeout_ms) {
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int64_t end = clock_monotonic_ns() + timeout_ms * 1000000LL;
	for (;;) {
		int64_t left = (end - clock_monotonic_ns()) / 1000000;
		int n = poll(&p, 1, left > 0 ? (int)left : 0);
		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

static int end_leftover(const json_t *process, struct err *err) {
	pid_t pid = (pid_t)json_int(process, "pid", 0);
	uint64_t ticks = (uint64_t)json_int(process, "startTicks", 0);
	if (pid <= 0 || ticks == 0)
		return 0;
	_cleanup_fd_ int pidfd = pidfd_open(pid, 0);
	// The start time is read after the descriptor is held, so that it belongs to the process that gets the signal.
	if (pidfd < 0 || service_start_ticks(pid) != ticks)
		return 0;
	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) < 0 || wait_gone(pidfd, LEFTOVER_PATIENCE_MS))
		return 0;
	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	if (wait_gone(pidfd, LEFTOVER_PATIENCE_MS))
		return 0;
	return err_set(err, -EBUSY, 500, "InternalServerError", "the %s of a killed supervisor (process %d) does not end",
		json_str(process, "name"), (int)pid);
}

int record_end_leftovers(const char *data_dir, struct err *err) {
	if (!datadir_has(data_dir, "run/status.json"))
		return 0;
	_cleanup_json_ json_t *record = NULL;
	_cleanup_buf_ struct buf boot = {0};
	int rc = record_read(data_dir, &record, err);
	if (rc == 0)
		rc = read_boot_id(&boot, err);
	if (rc < 0)
		return rc;
	const char *recorded = json_str(record, "bootId");
	if (!recorded || strcmp(recorded, buf_cstr(&boot)) != 0)
		return 0;
	const json_t *list = json_at(record, "processes");
	// Who was started last ends first, as in a stop in order.
	for (size_t i = json_array_size(list); i-- > 0;) {
		rc = end_leftover(json_array_get(list, i), err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
