// SPDX-License-Identifier: Apache-2.0
#include "host/disk_server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "host/argv.h"
#include "host/qemu.h"

enum { STATUS_MAX = 65536, OPEN_MS = 90000, CLOSE_MS = 10000, REST_FIRST_MS = 500, REST_MAX_MS = 10000 };

#define IDENTITY_ENDPOINT "http://169.254.169.254/metadata/identity/oauth2/token"

static int start(struct disk_server *s, struct err *err);

static void change(struct disk_server *s, enum server_state state) {
	s->state = state;
	s->changed(s->data);
}

int disk_status_parse(const char *text, size_t len, bool *usable, struct err *why, struct err *err) {
	_cleanup_json_ json_t *json = NULL;
	int rc = json_parse(text, len, "InvalidStatus", &json, err);
	if (rc < 0)
		return rc;
	const char *state = json_str(json, "state"), *code = json_str(json, "code"), *message = json_str(json, "message");
	if (!state || (strcmp(state, "open") != 0 && strcmp(state, "denied") != 0 && strcmp(state, "failed") != 0))
		return err_set(err, -EINVAL, 500, "InvalidStatus", "the disk process's status names no known state");
	*usable = strcmp(state, "open") == 0;
	if (!*usable)
		(void)err_set(why, -EACCES, 403, code && *code ? code : "DiskServerFailed", "%s",
			message && *message ? message : "The disk process gave no reason.");
	return 0;
}

// The file is replaced whole, so what is there is complete. A disk whose state cannot be told is not usable.
static int read_status(struct disk_server *s) {
	_cleanup_free_ char *path = host_disk_run(s->host, s->unique_id, HOST_STATUS);
	_cleanup_buf_ struct buf text = {0};
	struct err err = {0};
	int rc = path ? io_read_file(path, STATUS_MAX, &text, &err) : err_oom(&err);
	if (rc == 0)
		rc = disk_status_parse(buf_cstr(&text), text.len, &s->usable, &s->why, &err);
	if (rc < 0) {
		s->usable = false;
		s->why = err;
	}
	return rc;
}

static void remove_run_file(const struct disk_server *s, const char *suffix) {
	_cleanup_free_ char *path = host_disk_run(s->host, s->unique_id, suffix);
	if (path)
		(void)unlink(path);
}

// The status is kept until the next start: it says why.
static void remove_traces(const struct disk_server *s) {
	_cleanup_free_ char *socket = qemu_disk_socket(s->unique_id);
	remove_run_file(s, HOST_SERVING);
	if (socket)
		(void)unlink(socket);
}

static void start_again(void *data) {
	struct disk_server *s = data;
	struct err err = {0};
	if (start(s, &err) < 0) {
		s->why = err;
		s->rest_ms = REST_MAX_MS;
		loop_after(s->host->loop, &s->timer, s->rest_ms, start_again, s);
	}
}

static void on_end(void *data, uint32_t events) {
	struct disk_server *s = data;
	char words[PROCESS_END_MAX];
	bool clean;
	int status;
	(void)events;
	loop_unwatch(s->host->loop, &s->io);
	loop_cancel(s->host->loop, &s->timer);
	process_reap(&s->process, &clean, &status, words);
	remove_traces(s);
	if (s->state == SERVER_CLOSING) {
		change(s, SERVER_CLOSED);
		return;
	}
	// "open" is from before it ended.
	if (read_status(s) < 0 || s->usable)
		(void)err_set(&s->why, -EIO, 500, "DiskServerFailed", "The disk process %s.", words);
	s->usable = false;
	if (!s->keep) {
		change(s, SERVER_CLOSED);
		return;
	}
	s->rest_ms = s->rest_ms == 0 ? REST_FIRST_MS : s->rest_ms * 2 > REST_MAX_MS ? REST_MAX_MS : s->rest_ms * 2;
	loop_after(s->host->loop, &s->timer, s->rest_ms, start_again, s);
	change(s, SERVER_RESTING);
}

static void kill_it(void *data) {
	struct disk_server *s = data;
	process_signal(&s->process, SIGKILL);
}

static int watch(struct disk_server *s, struct err *err) {
	return loop_watch(s->host->loop, &s->io, s->process.fd, EPOLLIN, on_end, s, err);
}

static int build_argv(const struct disk_server *s, struct argv *out, struct err *err) {
	_cleanup_free_ char *config = host_disk_run(s->host, s->unique_id, HOST_CONFIG);
	_cleanup_free_ char *serving = host_disk_run(s->host, s->unique_id, HOST_SERVING);
	_cleanup_free_ char *socket = qemu_disk_socket(s->unique_id);
	if (!config || !serving || !socket)
		return err_oom(err);
	_cleanup_argv_ struct argv a = {0};
	argv_add(&a, PROGRAM_NBDKIT);
	argv_add(&a, "--foreground");
	argv_add(&a, "--log=stderr");
	argv_add(&a, "--pidfile");
	argv_add(&a, "%s", serving);
	argv_add(&a, "--unix");
	// nbdkit makes the name absolute; this one stays short enough for a Unix socket in any data directory.
	argv_add(&a, "/proc/self/cwd/%s", socket);
	argv_add(&a, "%s", s->host->programs.plugin);
	argv_add(&a, "config=%s", config);
	int rc = argv_check(&a, err);
	if (rc < 0)
		return rc;
	*out = a;
	a = (struct argv){0};
	return 0;
}

static int start(struct disk_server *s, struct err *err) {
	_cleanup_argv_ struct argv argv = {0};
	remove_traces(s);
	remove_run_file(s, HOST_STATUS);
	s->usable = false;
	int rc = build_argv(s, &argv, err);
	if (rc == 0)
		rc = process_spawn((const char *const *)argv.items, s->host->log_fd, s->host->log_fd, &s->process, err);
	if (rc < 0)
		return rc;
	rc = watch(s, err);
	if (rc < 0) {
		process_kill(&s->process);
		return rc;
	}
	loop_after(s->host->loop, &s->timer, OPEN_MS, kill_it, s);
	s->state = SERVER_OPENING;
	return 0;
}

int disk_server_start(struct disk_server *s, struct err *err) {
	s->rest_ms = 0;
	return start(s, err);
}

int disk_server_adopt(struct disk_server *s, pid_t pid, uint64_t start_time, struct err *err) {
	int rc = process_adopt(pid, start_time, &s->process);
	if (rc < 0)
		return err_errno(err, rc, "cannot take over the process of disk %s", s->unique_id);
	rc = watch(s, err);
	if (rc < 0) {
		process_forget(&s->process);
		return rc;
	}
	s->state = SERVER_OPEN;
	s->keep = true;
	(void)read_status(s);  // on failure it is not usable, and says so
	return 0;
}

void disk_server_stop(struct disk_server *s) {
	s->keep = false;
	if (s->state == SERVER_CLOSED || s->state == SERVER_CLOSING)
		return;
	loop_cancel(s->host->loop, &s->timer);
	if (s->state == SERVER_RESTING) {
		s->state = SERVER_CLOSED;
		return;
	}
	s->state = SERVER_CLOSING;
	process_signal(&s->process, SIGTERM);
	loop_after(s->host->loop, &s->timer, CLOSE_MS, kill_it, s);
}

void disk_server_file_changed(struct disk_server *s, const char *name) {
	size_t len = strlen(s->unique_id);
	if (strncmp(name, s->unique_id, len) != 0 || (s->state != SERVER_OPENING && s->state != SERVER_OPEN))
		return;
	if (strcmp(name + len, HOST_SERVING) == 0 && s->state == SERVER_OPENING) {
		loop_cancel(s->host->loop, &s->timer);
		s->rest_ms = 0;
		(void)read_status(s);
		change(s, SERVER_OPEN);
	} else if (strcmp(name + len, HOST_STATUS) == 0) {
		(void)read_status(s);
		change(s, s->state);
	}
}

bool disk_server_serves(const struct disk_server *s) {
	return s->state == SERVER_OPEN && s->usable;
}

void disk_server_init(struct disk_server *s, struct host *host, const char *unique_id, void (*changed)(void *data), void *data) {
	*s = (struct disk_server){
		.host = host, .process = PROCESS_NONE, .io = LOOP_IO_NONE, .changed = changed, .data = data};
	(void)snprintf(s->unique_id, sizeof(s->unique_id), "%s", unique_id);
}

void disk_server_free(struct disk_server *s) {
	loop_unwatch(s->host->loop, &s->io);
	loop_cancel(s->host->loop, &s->timer);
	process_forget(&s->process);
}

static json_t *disk_json(const struct host *host, const struct desired_disk *d) {
	_cleanup_free_ char *file = host_disk_file(host, d->unique_id);
	_cleanup_free_ char *import = strv_printf("%s/import", host->data_dir);
	if (!file || !import)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:I, s:s, s:s?}", "id", d->id, "file", file, "diskEncryptionSetId",
		d->disk_encryption_set, "keyUrl", d->key_url, "headerMac", d->header_mac, "sizeBytes", (json_int_t)d->size_bytes,
		"importDir", import, "source", d->source);
}

int disk_server_configure(const struct host *host, const struct desired_disk *d, struct err *err) {
	_cleanup_free_ char *path = host_disk_run(host, d->unique_id, HOST_CONFIG);
	_cleanup_free_ char *status = host_disk_run(host, d->unique_id, HOST_STATUS);
	// Sockets and files by their names in the working directory, which every process of the agent inherits.
	_cleanup_json_ json_t *config = json_pack("{s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s?, s:s?}, s:o, s:I, s:s}", "environment",
		"httpsSocket", "run/https.sock", "httpSocket", "run/http.sock", "caFile", "ca.pem", "clockFile", "clock", "identity",
		"endpoint", IDENTITY_ENDPOINT, "header", d->identity_header, "clientId", d->identity_client_id, "disk", disk_json(host, d), "cacheSeconds",
		(json_int_t)host->cache_seconds, "statusFile", status ? status : "");
	_cleanup_free_ char *text = config ? json_text(config) : NULL;
	if (!path || !status || !text)
		return err_oom(err);
	return io_replace_file(path, text, strlen(text), 0600, err);
}
