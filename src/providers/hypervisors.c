// SPDX-License-Identifier: Apache-2.0
// Custodisk.Host/hypervisors: where a host agent takes the desired state and reports what is (docs/protocol/host.md).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/compute.h"
#include "providers/machineSizes.h"
#include "providers/providers.h"
#include "providers/versions.h"

enum { WAIT_SECONDS_MAX = 30, REPORTS_MAX = 4096 };

// A poll answers with the capabilities of all disks, so a hypervisor comes with the instance and goes with it: rights on
// a resource group are not enough to be one.
static int refuse(const struct resource *r, struct err *err) {
	return err_set(err, -EPERM, 403, "OperationNotAllowed", "The hypervisor '%s' is neither created nor deleted by requests.",
		r->name);
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	(void)call, (void)body, (void)patch;
	if (!r->stored)
		return refuse(r, err);
	return resource_set_property(r, "provisioningState", "Succeeded", err);
}

static int remove_hypervisor(struct arm_call *call, struct resource *r, struct err *err) {
	(void)call;
	return refuse(r, err);
}

// A failure in the hypervisor's words. True when the report carries one.
static bool read_failure(const json_t *report, struct err *failure) {
	const json_t *error = json_object_get(report, "error");
	if (!json_is_object(error))
		return false;
	const char *code = json_str(error, "code"), *message = json_str(error, "message");
	(void)err_set(failure, -EIO, 409, code ? code : "InternalExecutionError", "%s", message ? message : "The hypervisor failed.");
	return true;
}

static int take_string(struct resource *r, const json_t *report, const char *from, const char *to, struct err *err) {
	const char *value = json_str(report, from);
	if (!value)
		return 0;
	if (strlen(value) > 1024)
		return err_set(err, -EINVAL, 400, "InvalidParameter", "The report's '%s' is too long.", from);
	return resource_set_hidden(r, to, value, err);
}

static int take_disk(struct resource *r, const json_t *report, bool failed, struct err *err) {
	int rc = take_string(r, report, "state", "state", err);
	if (rc == 0)
		rc = take_string(r, report, "keyUrl", "currentKeyUrl", err);
	if (rc == 0)
		rc = take_string(r, report, "luksUuid", "luksUuid", err);
	// What the header is was settled when the disk was made; a later report cannot move it.
	if (rc == 0 && !failed && !resource_hidden(r, "headerMac"))
		rc = take_string(r, report, "headerMac", "headerMac", err);
	// A failed rewrap leaves a disk that is as ready as it was.
	if (rc == 0 && failed && resource_hidden(r, "currentKeyUrl"))
		rc = resource_set_hidden(r, "state", "Ready", err);
	return rc;
}

static int set_disk_states(struct store_tx *tx, const struct resource *machine, const char *state, struct err *err) {
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(machine->hidden, "disks"), i, entry) {
		_cleanup_resource_ struct resource disk = {0};
		int rc = resource_load(tx, json_str(entry, "id"), &disk, err);
		if (rc == 0)
			rc = resource_set_property(&disk, "diskState", state, err);
		if (rc == 0)
			rc = resource_save(tx, &disk, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int take_machine(struct store_tx *tx, struct resource *r, const json_t *report, struct err *err) {
	json_t *io = json_object_get(report, "io");
	int rc = take_string(r, report, "powerState", "power", err);
	if (rc == 0 && json_is_object(io) && json_object_set(r->hidden, "io", io) < 0)
		rc = err_oom(err);
	const char *power = resource_hidden(r, "power");
	if (rc == 0 && power)
		rc = set_disk_states(tx, r, strcmp(power, "deallocated") == 0 ? "Reserved" : "Attached", err);
	return rc;
}

static int take_report(struct arm_call *call, const json_t *report, const char *type, struct err *err) {
	const char *id = json_str(report, "id");
	int64_t generation = json_int(report, "generation", -1);
	struct err failure = {0};
	struct arm_target t;
	_cleanup_resource_ struct resource r = {0};
	if (!id || generation < 0)
		return err_set(err, -EINVAL, 400, "InvalidParameter", "A report needs an id and a generation.");
	int rc = arm_parse_id(id, type, &t, err);
	if (rc == 0)
		rc = resource_load(call->tx, id, &r, err);
	// Gone meanwhile, or about an older wish: nothing to learn.
	if (rc == -ENOENT || (rc == 0 && generation != r.generation))
		return 0;
	if (rc < 0)
		return rc;
	bool failed = read_failure(report, &failure);
	rc = strcmp(type, DISK_TYPE) == 0 ? take_disk(&r, report, failed, err) : take_machine(call->tx, &r, report, err);
	if (rc == 0)
		rc = resource_save(call->tx, &r, err);
	if (rc == 0)
		rc = arm_operation_report(call->arm, call->tx, &r, generation, failed ? &failure : NULL, err);
	return rc;
}

static int take_reports(struct arm_call *call, const json_t *body, const char *member, const char *type, struct err *err) {
	size_t i;
	json_t *report;
	json_array_foreach(json_object_get(body, member), i, report) {
		int rc = take_report(call, report, type, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

struct desired {
	struct arm_call *call;
	json_t *list;
};

static int want_disk(void *ctx, struct store_tx *tx, struct resource *disk, struct err *err) {
	struct desired *d = ctx;
	_cleanup_resource_ struct resource set = {0};
	char client_id[ENC_UUID_SIZE] = "", subject[64];
	_cleanup_free_ char *header = NULL;
	const char *unique = resource_property(disk, "uniqueId");
	int rc = resource_load(tx, compute_disk_set(disk), &set, err);
	if (rc == 0)
		rc = compute_set_identity(tx, &set, client_id, err);
	if (rc == 0) {
		(void)snprintf(subject, sizeof(subject), "disk:%s", unique);
		rc = entra_identity_header(arm_entra(d->call->arm), client_id, subject, &header, err);
	}
	// A set without an identity cannot open its disks: they stay in the list, without one (a member that is null).
	if (rc < 0 && rc != -ENOENT)
		return rc;
	json_t *entry = json_pack("{s:s, s:s, s:I, s:b, s:I, s:s?, s:s, s:s, s:{s:s?, s:s?}, s:s?}", "id", disk->id, "uniqueId", unique,
		"generation", (json_int_t)disk->generation, "present", resource_hidden(disk, "absent") == NULL, "sizeBytes",
		(json_int_t)json_int(disk->body, "properties.diskSizeBytes", 0), "source", resource_hidden(disk, "source"), "keyUrl",
		resource_hidden(disk, "keyUrl"), "diskEncryptionSetId", compute_disk_set(disk), "identity", "clientId",
		header ? client_id : NULL, "header", header, "headerMac", resource_hidden(disk, "headerMac"));
	return json_array_append_new(d->list, entry) < 0 ? err_oom(err) : 0;
}

static int want_machine(void *ctx, struct store_tx *tx, struct resource *machine, struct err *err) {
	(void)tx;
	struct desired *d = ctx;
	const struct machine_size *size = machine_size_by_name(resource_property(machine, "hardwareProfile.vmSize"));
	json_t *entry = json_pack("{s:s, s:s, s:s, s:I, s:s, s:b, s:i, s:i, s:O}", "id", machine->id, "vmId",
		resource_property(machine, "vmId"), "name", machine->name, "generation", (json_int_t)machine->generation, "powerState",
		resource_hidden(machine, "desired"), "skipShutdown", json_bool(machine->hidden, "abrupt", false), "cpus", size ? size->cpus : 1, "memoryMiB", size ? size->memory_mib : 512, "disks",
		json_object_get(machine->hidden, "disks"));
	return json_array_append_new(d->list, entry) < 0 ? err_oom(err) : 0;
}

static int answer_desired(struct arm_call *call, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_json_ json_t *disks = json_array();
	_cleanup_json_ json_t *machines = json_array();
	int64_t revision = 0;
	if (!disks || !machines)
		return err_oom(err);
	int rc = store_begin(arm_store(call->arm), STORE_READ, &tx, err);
	if (rc == 0)
		rc = arm_revision_read(tx, &revision, err);
	struct desired d = {.call = call, .list = disks};
	if (rc == 0)
		rc = resource_each(tx, "", "", DISK_TYPE, want_disk, &d, err);
	d.list = machines;
	if (rc == 0)
		rc = resource_each(tx, "", "", MACHINE_TYPE, want_machine, &d, err);
	if (rc < 0)
		return rc;
	call->response->json = json_pack("{s:I, s:I, s:O, s:O}", "revision", (json_int_t)revision, "cacheSeconds",
		(json_int_t)arm_cache_seconds(call->arm), "disks", disks, "machines", machines);
	return call->response->json ? 0 : err_oom(err);
}

static int poll(struct arm_call *call, struct resource *r, struct err *err) {
	(void)r;
	_cleanup_json_ json_t *body = NULL;
	int rc = arm_body(call->request, &body, err);
	if (rc < 0)
		return rc;
	size_t reports = json_array_size(json_object_get(body, "disks")) + json_array_size(json_object_get(body, "machines"));
	int64_t wait = json_int(body, "waitSeconds", 0);
	if (reports > REPORTS_MAX || wait < 0 || wait > WAIT_SECONDS_MAX)
		return err_set(err, -EINVAL, 400, "InvalidParameter", "At most %d reports and %d seconds of waiting.", REPORTS_MAX,
			WAIT_SECONDS_MAX);
	if (reports > 0) {
		_cleanup_tx_ struct store_tx *tx = NULL;
		rc = store_begin(arm_store(call->arm), STORE_WRITE, &tx, err);
		call->tx = tx;
		if (rc == 0)
			rc = take_reports(call, body, "disks", DISK_TYPE, err);
		if (rc == 0)
			rc = take_reports(call, body, "machines", MACHINE_TYPE, err);
		if (rc == 0)
			rc = store_commit(&tx, err);
		call->tx = NULL;
		if (rc < 0)
			return rc;
		arm_revision_publish(call->arm);
	} else {
		(void)arm_revision_wait(call->arm, json_int(body, "seen", 0), wait);
	}
	return answer_desired(call, err);
}

static const struct arm_action actions[] = {
	{.method = "POST", .name = "poll", .permission = "poll/action", .data = true, .run = poll, .own_transaction = true},
};

const struct arm_type hypervisors_type = {
	.name = "Custodisk.Host/hypervisors",
	.versions = versions_own,
	.has_location = true,
	.put = put,
	.remove = remove_hypervisor,
	.actions = actions,
	.action_count = ARRAY_SIZE(actions),
};
