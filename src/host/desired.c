// SPDX-License-Identifier: Apache-2.0
#include "host/desired.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"
#include "base/strv.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

enum { URL_MAX = 1024, HEADER_MAX = 4096, CACHE_SECONDS_MAX = 86400, SECTOR = 4096 };
static const int64_t size_max = INT64_C(1) << 46;

static const char *const power_names[] = {
	[POWER_RUNNING] = "running", [POWER_STOPPED] = "stopped", [POWER_DEALLOCATED] = "deallocated"};

const char *power_name(enum power p) {
	return power_names[p];
}

int power_of(const char *name, enum power *out) {
	for (size_t i = 0; i < ARRAY_SIZE(power_names); i++)
		if (strcmp(name, power_names[i]) == 0) {
			*out = (enum power)i;
			return 0;
		}
	return -EINVAL;
}

static int wrong(struct err *err, const char *where, const char *what) {
	return err_set(err, -EINVAL, 502, "InvalidDesiredState", "The desired state's %s has a missing or invalid \"%s\".",
		where, what);
}

// Printable ASCII without blanks: identifiers, URLs and capabilities.
static bool is_graphic(const char *s, size_t max) {
	size_t len = strlen(s);
	if (len == 0 || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			return false;
	return true;
}

// Resource group names may hold letters of any script, so a resource id is only kept free of control characters.
static bool is_resource_id(const char *s) {
	size_t len = strlen(s);
	if (s[0] != '/' || len > DESIRED_ID_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return true;
}

static bool is_unique_id(const char *s) {
	return enc_is_uuid(s);
}

static bool is_machine_name(const char *s) {
	return strv_made_of(s, ALNUM "-_.", 1, DESIRED_NAME_MAX) && s[0] != '.' && s[0] != '-';
}

static bool is_url(const char *s) {
	return strncmp(s, "https://", strlen("https://")) == 0 && is_graphic(s, URL_MAX);
}

static bool is_source(const char *s) {
	size_t len = strlen(s);
	return len > 0 && len <= URL_MAX;
}

static bool is_capability(const char *s) {
	return is_graphic(s, HEADER_MAX);
}

static int read_text(const json_t *json, const char *where, const char *member, bool (*valid)(const char *s), const char **out,
	struct err *err) {
	const char *text = json_str(json, member);
	if (!text || !valid(text))
		return wrong(err, where, member);
	*out = text;
	return 0;
}

// As read_text, for a member that may be missing or null.
static int read_optional(const json_t *json, const char *where, const char *member, bool (*valid)(const char *s),
	const char **out, struct err *err) {
	const json_t *value = json_at(json, member);
	if (!value || json_is_null(value)) {
		*out = NULL;
		return 0;
	}
	return read_text(json, where, member, valid, out, err);
}

static int read_int(const json_t *json, const char *where, const char *member, int64_t min, int64_t max, int64_t *out,
	struct err *err) {
	const json_t *value = json_at(json, member);
	if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
		return wrong(err, where, member);
	*out = json_integer_value(value);
	return 0;
}

static int read_present_disk(const json_t *json, struct desired_disk *d, struct err *err) {
	static const char where[] = "disk";
	int rc = read_int(json, where, "sizeBytes", SECTOR, size_max, &d->size_bytes, err);
	if (rc == 0 && d->size_bytes % SECTOR != 0)
		rc = wrong(err, where, "sizeBytes");
	if (rc == 0)
		rc = read_optional(json, where, "source", is_source, &d->source, err);
	if (rc == 0)
		rc = read_text(json, where, "keyUrl", is_url, &d->key_url, err);
	if (rc == 0)
		rc = read_text(json, where, "diskEncryptionSetId", is_resource_id, &d->disk_encryption_set, err);
	if (rc == 0)
		rc = read_optional(json, where, "identity.header", is_capability, &d->identity_header, err);
	if (rc == 0)
		rc = read_optional(json, where, "identity.clientId", is_unique_id, &d->identity_client_id, err);
	if (rc == 0)
		rc = read_optional(json, where, "headerMac", is_capability, &d->header_mac, err);
	return rc;
}

static int read_disk(json_t *json, struct desired_disk *out, struct err *err) {
	static const char where[] = "disk";
	struct desired_disk d = {0};
	int rc = read_text(json, where, "id", is_resource_id, &d.id, err);
	if (rc == 0)
		rc = read_text(json, where, "uniqueId", is_unique_id, &d.unique_id, err);
	if (rc == 0)
		rc = read_int(json, where, "generation", 0, INT64_MAX, &d.generation, err);
	if (rc == 0 && !json_is_boolean(json_at(json, "present")))
		rc = wrong(err, where, "present");
	d.present = json_bool(json, "present", false);
	if (rc == 0 && d.present)
		rc = read_present_disk(json, &d, err);
	if (rc < 0)
		return rc;
	d.json = json_incref(json);
	*out = d;
	return 0;
}

// The disk to boot from goes first; the others keep their order, which is that of their logical units.
static int read_machine_disks(const json_t *disks, struct desired_machine *m, struct err *err) {
	static const char where[] = "machine";
	size_t count = json_array_size(disks), os_disks = 0;
	if (!json_is_array(disks) || count == 0 || count > DESIRED_MACHINE_DISKS_MAX)
		return wrong(err, where, "disks");
	m->disk_count = 1;
	for (size_t i = 0; i < count; i++) {
		const json_t *disk = json_array_get(disks, i);
		const char *id;
		int rc = read_text(disk, where, "id", is_resource_id, &id, err);
		if (rc < 0)
			return rc;
		bool os = json_bool(disk, "osDisk", false);
		os_disks += os;
		if (os_disks > 1 || m->disk_count + !os > count)
			return wrong(err, where, "disks");
		m->disks[os ? 0 : m->disk_count++] = id;
	}
	return os_disks == 1 ? 0 : wrong(err, where, "disks");
}

int desired_machine_parse(json_t *json, struct desired_machine *out, struct err *err) {
	static const char where[] = "machine";
	struct desired_machine m = {0};
	int rc = read_text(json, where, "id", is_resource_id, &m.id, err);
	if (rc == 0)
		rc = read_text(json, where, "vmId", is_unique_id, &m.vm_id, err);
	if (rc == 0)
		rc = read_text(json, where, "name", is_machine_name, &m.name, err);
	if (rc == 0)
		rc = read_int(json, where, "generation", 0, INT64_MAX, &m.generation, err);
	if (rc == 0 && (!json_str(json, "powerState") || power_of(json_str(json, "powerState"), &m.power) < 0))
		rc = wrong(err, where, "powerState");
	const json_t *skip = json_at(json, "skipShutdown");
	if (rc == 0 && skip && !json_is_boolean(skip))
		rc = wrong(err, where, "skipShutdown");
	m.skip_shutdown = json_is_true(skip);
	if (rc == 0)
		rc = read_int(json, where, "cpus", 1, DESIRED_CPUS_MAX, &m.cpus, err);
	if (rc == 0)
		rc = read_int(json, where, "memoryMiB", 1, DESIRED_MEMORY_MIB_MAX, &m.memory_mib, err);
	if (rc == 0)
		rc = read_machine_disks(json_at(json, "disks"), &m, err);
	if (rc < 0)
		return rc;
	m.json = json_incref(json);
	*out = m;
	return 0;
}

static int read_disks(const json_t *list, struct desired *d, struct err *err) {
	size_t count = json_array_size(list);
	if (!json_is_array(list) || count > DESIRED_DISKS_MAX)
		return wrong(err, "answer", "disks");
	d->disks = calloc(count ? count : 1, sizeof(*d->disks));
	if (!d->disks)
		return err_oom(err);
	for (size_t i = 0; i < count; i++) {
		int rc = read_disk(json_array_get(list, i), &d->disks[i], err);
		if (rc < 0)
			return rc;
		d->disk_count++;
		for (size_t j = 0; j < i; j++)
			if (strv_eq_nocase(d->disks[j].unique_id, d->disks[i].unique_id) ||
				strv_eq_nocase(d->disks[j].id, d->disks[i].id))
				return wrong(err, "disks: one of them is there twice; it", "id");
	}
	return 0;
}

static int read_machines(const json_t *list, struct desired *d, struct err *err) {
	size_t count = json_array_size(list);
	if (!json_is_array(list) || count > DESIRED_MACHINES_MAX)
		return wrong(err, "answer", "machines");
	d->machines = calloc(count ? count : 1, sizeof(*d->machines));
	if (!d->machines)
		return err_oom(err);
	for (size_t i = 0; i < count; i++) {
		int rc = desired_machine_parse(json_array_get(list, i), &d->machines[i], err);
		if (rc < 0)
			return rc;
		d->machine_count++;
		for (size_t j = 0; j < i; j++)
			if (strv_eq_nocase(d->machines[j].vm_id, d->machines[i].vm_id) ||
				strv_eq_nocase(d->machines[j].id, d->machines[i].id))
				return wrong(err, "machines: one of them is there twice; it", "id");
	}
	return 0;
}

int desired_parse(json_t *json, struct desired *out, struct err *err) {
	_cleanup_desired_ struct desired d = {0};
	int rc = read_int(json, "answer", "revision", 0, INT64_MAX, &d.revision, err);
	if (rc == 0)
		rc = read_int(json, "answer", "cacheSeconds", 1, CACHE_SECONDS_MAX, &d.cache_seconds, err);
	if (rc == 0)
		rc = read_disks(json_at(json, "disks"), &d, err);
	if (rc == 0)
		rc = read_machines(json_at(json, "machines"), &d, err);
	if (rc < 0)
		return rc;
	*out = d;
	d = (struct desired){0};
	return 0;
}

void desired_disk_free(struct desired_disk *d) {
	json_decref(d->json);
	*d = (struct desired_disk){0};
}

void desired_disk_copy(const struct desired_disk *d, struct desired_disk *out) {
	json_t *old = out->json;
	*out = *d;
	json_incref(out->json);
	json_decref(old);
}

void desired_machine_free(struct desired_machine *m) {
	json_decref(m->json);
	*m = (struct desired_machine){0};
}

void desired_machine_copy(const struct desired_machine *m, struct desired_machine *out) {
	json_t *old = out->json;
	*out = *m;
	json_incref(out->json);
	json_decref(old);
}

void desired_free(struct desired *d) {
	for (size_t i = 0; i < d->disk_count; i++)
		desired_disk_free(&d->disks[i]);
	for (size_t i = 0; i < d->machine_count; i++)
		desired_machine_free(&d->machines[i]);
	free(d->disks);
	free(d->machines);
	*d = (struct desired){0};
}
