// SPDX-License-Identifier: Apache-2.0
#include "host/disks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strv.h"
#include "host/disk_server.h"
#include "host/process.h"
#include "host/record.h"

enum { RUNNING_MAX = 2, RETRY_MS = 2000, RETRY_SECONDS = 60, KILL_MS = 5000, OUTPUT_MAX = 65536 };

enum disk_state { DISK_IDLE, DISK_RUNNING, DISK_RETRYING };

struct disk {
	struct disks *all;
	struct desired_disk want;
	enum disk_state state;
	int64_t settled;  // generation that `report` is about; -1 for none
	json_t *report;
	int64_t working;       // generation that is being worked on
	int64_t give_up_ns;    // when errors that may pass are reported; 0 before the first
	struct process process;
	struct loop_io io;
	struct loop_timer timer;
	int output;  // reading end
};

struct disks {
	struct host *host;
	const struct disks_handler *handler;
	void *data;
	struct disk **disks;
	size_t count;
	size_t running;
	bool stopping;
};

static void step(struct disk *d);

int disks_new(struct host *host, const struct disks_handler *handler, void *data, struct disks **out, struct err *err) {
	struct disks *d = calloc(1, sizeof(*d));
	if (!d)
		return err_oom(err);
	*d = (struct disks){.host = host, .handler = handler, .data = data};
	*out = d;
	return 0;
}

static void disk_free(struct disk *d) {
	loop_unwatch(d->all->host->loop, &d->io);
	loop_cancel(d->all->host->loop, &d->timer);
	process_kill(&d->process);
	io_closep(&d->output);
	json_decref(d->report);
	desired_disk_free(&d->want);
	free(d);
}

void disks_free(struct disks *d) {
	if (!d)
		return;
	for (size_t i = 0; i < d->count; i++)
		disk_free(d->disks[i]);
	free(d->disks);
	free(d);
}

// The generation has come to this end: write it down, then tell it.
static void settle(struct disk *d, json_t *report) {
	struct host *host = d->all->host;
	struct err err = {0};
	_cleanup_free_ char *path = host_disk_run(host, d->want.unique_id, HOST_OUTCOME);
	int rc = path && report ? disk_outcome_write(path, d->working, report, &err) : err_oom(&err);
	if (rc < 0)
		// The work is repeated after the agent's next start, which it is made for.
		host_complain("cannot write a disk's outcome down", &err);
	json_decref(d->report);
	d->report = report;
	d->settled = d->working;
	d->state = DISK_IDLE;
	if (outbox_put(host->outbox, REPORT_DISK, json_incref(report), &err) < 0)
		host_complain("cannot report a disk", &err);
	d->all->handler->settled(d->all->data);
}

static json_t *report_new(const char *id, int64_t generation, const char *state) {
	return json_pack("{s:s, s:I, s:s}", "id", id, "generation", (json_int_t)generation, "state", state);
}

static json_t *failure(const char *id, int64_t generation, const struct err *why) {
	return json_pack(
		"{s:s, s:I, s:s, s:o}", "id", id, "generation", (json_int_t)generation, "state", "Failed", "error", json_error(why->code, why->message));
}

static void settle_failed(struct disk *d, const struct err *why) {
	log_warning("disk %s: %s: %s", d->want.id, why->code, why->message);
	settle(d, failure(d->want.id, d->working, why));
}

static int report_ready(const char *id, int64_t generation, const json_t *output, json_t **out, struct err *err) {
	static const char *const members[] = {"keyUrl", "headerMac", "luksUuid"};
	_cleanup_json_ json_t *report = report_new(id, generation, "Ready");
	if (!report)
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const char *value = json_str(output, members[i]);
		if (!value || !*value)
			return err_set(err, -EINVAL, 500, "DiskProcessFailed", "The disk process printed no \"%s\".", members[i]);
		if (json_set_str(report, members[i], value) < 0)
			return err_oom(err);
	}
	*out = TAKE_PTR(report);
	return 0;
}

int disks_report_of(const char *id, int64_t generation, const char *text, size_t len, bool clean, const char *end, json_t **out,
	struct err *err) {
	_cleanup_json_ json_t *output = NULL;
	if (len == 0 || json_parse(text, len, "DiskProcessFailed", &output, NULL) < 0)
		return err_set(err, -EINVAL, 500, "DiskProcessFailed", "The disk process %s and printed no result.", end);
	if (clean)
		return report_ready(id, generation, output, out, err);
	const char *code = json_str(output, "error.code"), *message = json_str(output, "error.message");
	return err_set(err, json_bool(output, "error.transient", false) ? -EAGAIN : -EINVAL, 500, code && *code ? code : "DiskProcessFailed",
		"%s", message && *message ? message : "The disk process gave no reason.");
}

static void on_retry(void *data) {
	struct disk *d = data;
	d->state = DISK_IDLE;
	step(d);
}

// An error that may pass is waited out for a while.
static bool retry(struct disk *d, int rc) {
	int64_t now = clock_monotonic_ns();
	if (rc != -EAGAIN || d->all->stopping)
		return false;
	if (d->give_up_ns == 0)
		d->give_up_ns = now + RETRY_SECONDS * CLOCK_NSEC_PER_SEC;
	if (now >= d->give_up_ns)
		return false;
	d->state = DISK_RETRYING;
	loop_after(d->all->host->loop, &d->timer, RETRY_MS, on_retry, d);
	return true;
}

// What a process that has ended left in the pipe.
static int read_output(int fd, struct buf *out) {
	char chunk[OUTPUT_MAX];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || out->len + (size_t)n > OUTPUT_MAX)
			return n < 0 && errno != EAGAIN ? -errno : n > 0 ? -EFBIG : 0;
		int rc = buf_append(out, chunk, (size_t)n);
		if (rc < 0)
			return rc;
	}
}

static void on_end(void *data, uint32_t events) {
	struct disk *d = data;
	_cleanup_buf_ struct buf output = {0};
	char words[PROCESS_END_MAX];
	json_t *report = NULL;
	struct err err = {0};
	bool clean;
	int status;
	(void)events;
	loop_unwatch(d->all->host->loop, &d->io);
	loop_cancel(d->all->host->loop, &d->timer);
	process_reap(&d->process, &clean, &status, words);
	int rc = read_output(d->output, &output);
	io_closep(&d->output);
	d->all->running--;
	d->state = DISK_IDLE;
	if (d->all->stopping)
		return;  // whatever came of it is found out after the next start
	rc = rc < 0 ? err_errno(&err, rc, "cannot read the disk process's result")
		    : disks_report_of(d->want.id, d->working, buf_cstr(&output), output.len, clean, words, &report, &err);
	if (rc == 0)
		settle(d, report);
	else if (!retry(d, rc))
		settle_failed(d, &err);
	disks_step(d->all);
}

static int run(struct disk *d, const char *command, struct err *err) {
	struct host *host = d->all->host;
	_cleanup_free_ char *config = host_disk_run(host, d->want.unique_id, HOST_CONFIG);
	int pipe_fds[2];
	if (!config)
		return err_oom(err);
	int rc = disk_server_configure(host, &d->want, err);
	if (rc < 0)
		return rc;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, -errno, "cannot make a pipe");
	_cleanup_fd_ int out = pipe_fds[1];
	d->output = pipe_fds[0];
	const char *const argv[] = {host->programs.disk, command, "--config", config, NULL};
	rc = fcntl(d->output, F_SETFL, O_NONBLOCK) < 0 ? err_errno(err, -errno, "cannot prepare a pipe")
						       : process_spawn(argv, out, host->log_fd, &d->process, err);
	if (rc == 0)
		rc = loop_watch(host->loop, &d->io, d->process.fd, EPOLLIN, on_end, d, err);
	if (rc < 0) {
		process_kill(&d->process);
		io_closep(&d->output);
	}
	return rc;
}

static int unlink_if_there(char *path, struct err *err) {
	_cleanup_free_ char *owned = path;
	if (!owned)
		return err_oom(err);
	return unlink(owned) < 0 && errno != ENOENT ? err_errno(err, -errno, "cannot remove %s", owned) : 0;
}

static int remove_files(const struct disk *d, struct err *err) {
	const struct host *host = d->all->host;
	static const char *const suffixes[] = {HOST_STATUS, HOST_CONFIG};
	_cleanup_free_ char *file = host_disk_file(host, d->want.unique_id);
	if (!file)
		return err_oom(err);
	int rc = unlink_if_there(strv_printf("%s.new", file), err);
	if (rc == 0)
		rc = unlink_if_there(strdup(file), err);
	for (size_t i = 0; i < ARRAY_SIZE(suffixes) && rc == 0; i++)
		rc = unlink_if_there(host_disk_run(host, d->want.unique_id, suffixes[i]), err);
	if (rc < 0)
		return rc;
	rc = io_sync_parent(file);
	return rc < 0 ? err_errno(err, rc, "cannot make the removal of %s durable", file) : 0;
}

static void remove_disk(struct disk *d) {
	struct err err = {0};
	if (d->all->handler->in_use(d->all->data, d->want.unique_id))
		return;  // until its machine lets go of it
	if (remove_files(d, &err) < 0)
		settle_failed(d, &err);
	else
		settle(d, report_new(d->want.id, d->working, "Absent"));
}

// A disk whose header has been recorded exists: it is never made again, even when its file is missing.
static void make_disk(struct disk *d) {
	struct err err = {0};
	if (d->all->running == RUNNING_MAX)
		return;  // until another one has ended
	if (run(d, d->want.header_mac ? "rewrap" : "create", &err) < 0) {
		settle_failed(d, &err);
		return;
	}
	d->all->running++;
	d->state = DISK_RUNNING;
}

static void step(struct disk *d) {
	if (d->state != DISK_IDLE || d->settled == d->want.generation || d->all->stopping)
		return;
	if (d->working != d->want.generation)
		d->give_up_ns = 0;
	d->working = d->want.generation;
	if (d->want.present)
		make_disk(d);
	else
		remove_disk(d);
}

void disks_step(struct disks *d) {
	for (size_t i = 0; i < d->count; i++)
		step(d->disks[i]);
}

// What an earlier agent has come to, so that it is told again and not done again.
static void recall(struct disk *d) {
	_cleanup_free_ char *path = host_disk_run(d->all->host, d->want.unique_id, HOST_OUTCOME);
	struct err err = {0};
	int64_t generation = -1;
	int rc = path ? disk_outcome_read(path, &generation, &d->report, &err) : err_oom(&err);
	if (rc < 0) {
		if (rc != -ENOENT)
			host_complain("cannot read a disk's outcome", &err);
		return;
	}
	d->settled = generation;
	if (generation == d->want.generation && outbox_put(d->all->host->outbox, REPORT_DISK, json_incref(d->report), &err) < 0)
		host_complain("cannot report a disk", &err);
}

static struct disk *find(const struct disks *d, const char *unique_id) {
	for (size_t i = 0; i < d->count; i++)
		if (strv_eq_nocase(d->disks[i]->want.unique_id, unique_id))
			return d->disks[i];
	return NULL;
}

static struct disk *add(struct disks *d) {
	struct disk **grown = reallocarray(d->disks, d->count + 1, sizeof(struct disk *));
	if (!grown)
		return NULL;
	d->disks = grown;
	struct disk *disk = calloc(1, sizeof(*disk));
	if (!disk)
		return NULL;
	*disk = (struct disk){.all = d, .settled = -1, .working = -1, .process = PROCESS_NONE, .io = LOOP_IO_NONE, .output = -1};
	d->disks[d->count++] = disk;
	return disk;
}

static bool is_wanted(const struct disk *disk, const struct desired *desired) {
	for (size_t i = 0; i < desired->disk_count; i++)
		if (strv_eq_nocase(desired->disks[i].unique_id, disk->want.unique_id))
			return true;
	return false;
}

// The control plane has heard that the disk is gone.
static void forget_outcome(const struct disk *disk) {
	struct err err = {0};
	if (unlink_if_there(host_disk_run(disk->all->host, disk->want.unique_id, HOST_OUTCOME), &err) < 0)
		host_complain("cannot forget a disk", &err);
}

// Forget the disks that are not spoken of any more and that nothing is done about.
static void prune(struct disks *d, const struct desired *desired) {
	size_t kept = 0;
	for (size_t i = 0; i < d->count; i++) {
		struct disk *disk = d->disks[i];
		if (disk->state == DISK_RUNNING || is_wanted(disk, desired))
			d->disks[kept++] = disk;
		else {
			if (!disk->want.present)
				forget_outcome(disk);
			disk_free(disk);
		}
	}
	d->count = kept;
}

int disks_want(struct disks *d, const struct desired *desired, struct err *err) {
	prune(d, desired);
	for (size_t i = 0; i < desired->disk_count; i++) {
		struct disk *disk = find(d, desired->disks[i].unique_id);
		bool is_new = !disk;
		if (is_new)
			disk = add(d);
		if (!disk)
			return err_oom(err);
		desired_disk_copy(&desired->disks[i], &disk->want);
		if (is_new)
			recall(disk);
	}
	disks_step(d);
	return 0;
}

int disks_get(struct disks *d, const char *id, const struct desired_disk **out, struct err *err) {
	struct disk *disk = NULL;
	for (size_t i = 0; i < d->count && !disk; i++)
		if (strv_eq_nocase(d->disks[i]->want.id, id))
			disk = d->disks[i];
	if (!disk || !disk->want.present)
		return err_set(err, -ENOENT, 404, "NotFound", "Disk %s is not on this hypervisor.", id);
	if (disk->settled != disk->want.generation)
		return err_set(err, -EAGAIN, 409, "Conflict", "Disk %s is being worked on.", id);
	const char *code = json_str(disk->report, "error.code"), *message = json_str(disk->report, "error.message");
	// One that could not be put under a new key still opens with the old one, if its customer lets it.
	if (code && !disk->want.header_mac)
		return err_set(err, -EIO, 409, code, "%s", message ? message : "");
	*out = &disk->want;
	return 0;
}

static void on_kill(void *data) {
	struct disk *d = data;
	process_signal(&d->process, SIGKILL);
}

void disks_stop(struct disks *d) {
	d->stopping = true;
	for (size_t i = 0; i < d->count; i++) {
		struct disk *disk = d->disks[i];
		if (disk->state == DISK_RETRYING) {
			loop_cancel(d->host->loop, &disk->timer);
			disk->state = DISK_IDLE;
		} else if (disk->state == DISK_RUNNING) {
			process_signal(&disk->process, SIGTERM);
			loop_after(d->host->loop, &disk->timer, KILL_MS, on_kill, disk);
		}
	}
}

bool disks_idle(const struct disks *d) {
	return d->running == 0;
}
