// SPDX-License-Identifier: Apache-2.0
#include "host/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"

enum { RECORD_MAX = 1 << 18 };

static int unusable(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 500, "InternalServerError", "the record's \"%s\" is missing or invalid", what);
}

static int read_json(const char *path, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	int rc = io_read_file(path, RECORD_MAX, &text, err);
	return rc < 0 ? rc : json_parse(text.data, text.len, "InvalidRecord", out, err);
}

static int write_json(const char *path, const json_t *value, struct err *err) {
	_cleanup_free_ char *text = value ? json_text(value) : NULL;
	return text ? io_replace_file(path, text, strlen(text), 0600, err) : err_oom(err);
}

static int read_process(const json_t *json, pid_t *pid, uint64_t *start, struct err *err) {
	int64_t number = json_int(json, "pid", -1), ticks = json_int(json, "start", -1);
	// 0 and 1 are nobody's children, and signalling them would be fatal.
	if (number < 2 || number > INT32_MAX || ticks < 0)
		return unusable(err, "pid");
	*pid = (pid_t)number;
	*start = (uint64_t)ticks;
	return 0;
}

static int read_servers(const json_t *list, struct machine_record *r, struct err *err) {
	size_t count = json_array_size(list);
	if (!json_is_array(list) || count > DESIRED_MACHINE_DISKS_MAX)
		return unusable(err, "disks");
	for (size_t i = 0; i < count; i++) {
		const json_t *server = json_array_get(list, i);
		const char *id = json_str(server, "uniqueId");
		if (!id || !enc_is_uuid(id))
			return unusable(err, "uniqueId");
		int rc = read_process(server, &r->servers[i].pid, &r->servers[i].start, err);
		if (rc < 0)
			return rc;
		(void)snprintf(r->servers[i].unique_id, sizeof(r->servers[i].unique_id), "%s", id);
		r->server_count++;
	}
	return 0;
}

static int parse(const json_t *json, struct machine_record *out, struct err *err) {
	_cleanup_record_ struct machine_record r = {.settled = json_bool(json, "settled", false)};
	const char *power = json_str(json, "powerState"), *boot = json_str(json, "bootId");
	const char *code = json_str(json, "error.code"), *message = json_str(json, "error.message");
	if (!power || power_of(power, &r.power) < 0)
		return unusable(err, "powerState");
	if (!boot || strlen(boot) >= sizeof(r.boot_id))
		return unusable(err, "bootId");
	(void)snprintf(r.boot_id, sizeof(r.boot_id), "%s", boot);
	(void)snprintf(r.error_code, sizeof(r.error_code), "%s", code ? code : "");
	(void)snprintf(r.error_message, sizeof(r.error_message), "%s", message ? message : "");
	int rc = desired_machine_parse(json_at(json, "machine"), &r.machine, err);
	if (rc == 0)
		rc = read_servers(json_at(json, "disks"), &r, err);
	if (rc == 0 && json_at(json, "qemu"))
		rc = read_process(json_at(json, "qemu"), &r.qemu, &r.qemu_start, err);
	if (rc < 0)
		return rc;
	*out = r;
	r.machine = (struct desired_machine){0};
	return 0;
}

void machine_record_free(struct machine_record *r) {
	desired_machine_free(&r->machine);
}

int machine_record_read(const char *path, struct machine_record *out, struct err *err) {
	_cleanup_json_ json_t *json = NULL;
	int rc = read_json(path, &json, err);
	return rc < 0 ? rc : parse(json, out, err);
}

static json_t *servers_json(const struct machine_record *r) {
	_cleanup_json_ json_t *list = json_array();
	for (size_t i = 0; i < r->server_count; i++)
		if (json_array_append_new(list, json_pack("{s:i, s:I, s:s}", "pid", (int)r->servers[i].pid, "start",
			(json_int_t)r->servers[i].start, "uniqueId", r->servers[i].unique_id)) < 0)
			return NULL;
	return TAKE_PTR(list);
}

int machine_record_write(const char *path, const struct machine_record *r, struct err *err) {
	_cleanup_json_ json_t *json = json_pack("{s:O, s:b, s:s, s:s, s:o}", "machine", r->machine.json, "settled",
		(int)r->settled, "powerState", power_name(r->power), "bootId", r->boot_id, "disks", servers_json(r));
	int rc = json ? 0 : -ENOMEM;
	if (rc == 0 && r->error_code[0])
		rc = json_set(json, "error", json_error(r->error_code, r->error_message));
	if (rc == 0 && r->qemu)
		rc = json_set(json, "qemu", json_pack("{s:i, s:I}", "pid", (int)r->qemu, "start", (json_int_t)r->qemu_start));
	return rc < 0 ? err_oom(err) : write_json(path, json, err);
}

int record_boot_id(char out[static 40], struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	int rc = io_read_file("/proc/sys/kernel/random/boot_id", 64, &text, err);
	if (rc < 0)
		return rc;
	(void)snprintf(out, 40, "%.*s", (int)strcspn(buf_cstr(&text), "\n"), buf_cstr(&text));
	return 0;
}

int disk_outcome_read(const char *path, int64_t *generation, json_t **report, struct err *err) {
	_cleanup_json_ json_t *json = NULL;
	int rc = read_json(path, &json, err);
	if (rc < 0)
		return rc;
	int64_t g = json_int(json, "generation", -1);
	json_t *r = json_at(json, "report");
	if (g < 0 || !json_is_object(r))
		return unusable(err, "report");
	*generation = g;
	*report = json_incref(r);
	return 0;
}

int disk_outcome_write(const char *path, int64_t generation, const json_t *report, struct err *err) {
	_cleanup_json_ json_t *json = json_pack("{s:I, s:O}", "generation", (json_int_t)generation, "report", report);
	return json ? write_json(path, json, err) : err_oom(err);
}
