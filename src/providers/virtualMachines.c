// SPDX-License-Identifier: Apache-2.0
// Microsoft.Compute/virtualMachines: what shall run. A hypervisor makes it so.
//
// hidden: desired  running | stopped | deallocated    what the operator asked for
//         abrupt   true when the guest need not be asked to turn itself off
//         power    what the hypervisor last reported of the same three, or absent while it is on its way
//         io       {state, code, message} of the disks of a running machine
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/compute.h"
#include "providers/machineSizes.h"
#include "providers/network.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
enum { NAME_LENGTH_MAX = 64, POWER_TIMEOUT = 600 };

static int choose_size(struct resource *r, const json_t *properties, const struct machine_size **out, struct err *err) {
	const char *given = json_str(properties, "hardwareProfile.vmSize");
	const struct machine_size *size = given ? machine_size_by_name(given) : NULL;
	if (!size)
		return compute_invalid(err, "The value %.80s provided for the VM size is not valid. The valid sizes in the current region "
					    "are: %s.", given ? given : "(null)", machine_size_names());
	json_t *profile = json_pack("{s:s}", "vmSize", size->name);
	if (json_set(resource_properties(r), "hardwareProfile", profile) < 0)
		return err_oom(err);
	*out = size;
	return 0;
}

struct attachment {
	const json_t *given;  // the entry of storageProfile
	bool os;
	int64_t lun;
};

static int load_disk(struct arm_call *call, const struct resource *r, const struct attachment *a, struct resource *disk,
	struct err *err) {
	const char *id = json_str(a->given, "managedDisk.id");
	const char *option = json_str(a->given, "createOption");
	struct arm_target t;
	if (!option || !strv_eq_nocase(option, "Attach"))
		return compute_invalid(err, "The createOption '%.40s' is not supported here; attach a disk that exists ('Attach').",
			option ? option : "(null)");
	if (!id)
		return compute_invalid(err, "Required parameter 'managedDisk.id' is missing (null).");
	int rc = arm_parse_id(id, DISK_TYPE, &t, err);
	if (rc == 0)
		rc = arm_authorize_linked(call, id, DISK_TYPE "/write", err);
	if (rc == 0)
		rc = resource_load(call->tx, id, disk, err);
	if (rc < 0)
		return rc;
	const char *owner = json_str(disk->body, "managedBy"), *state = resource_property(disk, "provisioningState");
	if (owner && !strv_eq_nocase(owner, r->id))
		return err_set(err, -EBUSY, 409, "ConflictingUserInput",
			"Disk '%s' cannot be attached as the disk is already owned by VM '%s'.", disk->display_id, owner);
	if (!state || strcmp(state, "Succeeded") != 0)
		return compute_not_allowed(err, "Disk '%s' cannot be attached: its provisioning state is %s.", disk->name,
			state ? state : "unknown");
	if (!strv_eq_nocase(json_str(disk->body, "location"), json_str(r->body, "location")))
		return compute_invalid(err, "Disk '%s' and virtual machine '%s' are in different locations.", disk->name, r->name);
	return 0;
}

// A set named beside the disk must be the disk's own, in the place for its kind.
static int check_named_set(const struct attachment *a, const struct resource *disk, struct err *err) {
	const char *secure = json_str(a->given, "managedDisk.securityProfile.diskEncryptionSet.id");
	const char *plain = json_str(a->given, "managedDisk.diskEncryptionSet.id");
	const char *own = compute_disk_set(disk);
	bool confidential = compute_disk_confidential(disk);
	if ((plain && confidential) || (secure && !confidential))
		return compute_invalid(err, "The type of the Disk Encryption Set in the request is %s the type that disk '%s' needs.",
			"not", disk->name);
	const char *named = secure ? secure : plain;
	if (named && !strv_eq_nocase(named, own))
		return compute_invalid(err, "The disk encryption set of disk '%s' is '%s'.", disk->name, own);
	return 0;
}

static int check_security(const struct resource *disk, const json_t *properties, const struct machine_size *size,
	struct err *err) {
	const char *type = json_str(properties, "securityProfile.securityType");
	bool wants = type && strv_eq_nocase(type, "ConfidentialVM");
	bool has = compute_disk_confidential(disk);
	if (wants != has)
		return compute_invalid(err, "The securityType of the virtual machine and the security type of its OS disk do not fit: a "
					    "confidential disk needs securityType ConfidentialVM, and the other way round.");
	if (!wants)
		return 0;
	if (!size->confidential)
		return compute_invalid(err, "The VM size '%s' is not supported for creation of VMs with 'ConfidentialVM' security type.",
			size->name);
	if (!json_bool(properties, "securityProfile.uefiSettings.vTpmEnabled", false))
		return compute_invalid(err, "vTpmEnabled must be true for securityType ConfidentialVM.");
	if (json_bool(properties, "securityProfile.encryptionAtHost", false))
		return compute_invalid(err, "encryptionAtHost cannot be used with securityType ConfidentialVM.");
	return 0;
}

static int attach(struct arm_call *call, struct resource *r, const struct attachment *a, struct resource *disk,
	json_t *plan, struct err *err) {
	int rc = load_disk(call, r, a, disk, err);
	if (rc == 0)
		rc = check_named_set(a, disk, err);
	size_t i;
	json_t *planned;
	json_array_foreach(plan, i, planned)
		if (rc == 0 && strcmp(json_str(planned, "id"), disk->id) == 0)
			rc = compute_invalid(err, "Disk '%s' is attached twice.", disk->name);
	if (rc < 0)
		return rc;
	if (json_set_str(disk->body, "managedBy", r->display_id) < 0 ||
		json_array_append_new(plan, json_pack("{s:s, s:b, s:o}", "id", disk->id, "osDisk", a->os, "lun",
						    a->os ? json_null() : json_integer(a->lun))) < 0)
		return err_oom(err);
	rc = resource_set_property(disk, "diskState", "Attached", err);
	return rc < 0 ? rc : resource_save(call->tx, disk, err);
}

static int attach_data_disks(struct arm_call *call, struct resource *r, const json_t *given, json_t *plan, struct err *err) {
	uint64_t used = 0;
	size_t i;
	json_t *entry;
	if (given && !json_is_null(given) && !json_is_array(given))
		return compute_invalid(err, "The parameter 'storageProfile.dataDisks' must be an array.");
	if (json_array_size(given) > COMPUTE_DATA_DISKS_MAX)
		return compute_invalid(err, "A virtual machine has at most %d data disks.", COMPUTE_DATA_DISKS_MAX);
	json_array_foreach((json_t *)(uintptr_t)given, i, entry) {
		_cleanup_resource_ struct resource disk = {0};
		const struct attachment a = {.given = entry, .lun = json_int(entry, "lun", -1)};
		if (a.lun < 0 || a.lun > 63 || (used >> a.lun & 1))
			return compute_invalid(err, "The lun of a data disk must be a number from 0 to 63 that no other disk has.");
		used |= UINT64_C(1) << a.lun;
		int rc = attach(call, r, &a, &disk, plan, err);
		if (rc == 0 && compute_disk_confidential(&disk))
			rc = compute_invalid(err, "Disk '%s' is a confidential OS disk and cannot be a data disk.", disk.name);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// Give back the disks that the machine had; those it still has are taken again.
static int release_disks(struct arm_call *call, struct resource *r, struct err *err) {
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(r->hidden, "disks"), i, entry) {
		_cleanup_resource_ struct resource disk = {0};
		int rc = resource_load(call->tx, json_str(entry, "id"), &disk, err);
		if (rc < 0)
			return rc;
		(void)json_object_del(disk.body, "managedBy");
		rc = resource_set_property(&disk, "diskState", "Unattached", err);
		if (rc == 0)
			rc = resource_save(call->tx, &disk, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int attach_all(struct arm_call *call, struct resource *r, const json_t *properties, const struct machine_size *size,
	struct err *err) {
	const json_t *os = json_at(properties, "storageProfile.osDisk");
	_cleanup_resource_ struct resource disk = {0};
	_cleanup_json_ json_t *plan = json_array();
	if (!json_is_object(os))
		return compute_invalid(err, "Required parameter 'storageProfile.osDisk' is missing (null).");
	if (!plan)
		return err_oom(err);
	const struct attachment a = {.given = os, .os = true};
	int rc = release_disks(call, r, err);
	if (rc == 0)
		rc = attach(call, r, &a, &disk, plan, err);
	if (rc == 0)
		rc = check_security(&disk, properties, size, err);
	if (rc == 0)
		rc = attach_data_disks(call, r, json_at(properties, "storageProfile.dataDisks"), plan, err);
	if (rc == 0 && json_object_set(r->hidden, "disks", plan) < 0)
		rc = err_oom(err);
	return rc;
}

// What is secret is not ours to keep, nor to show; names of members have no case in Azure.
static void drop_secrets(json_t *profile) {
	static const char *const secrets[] = {"adminPassword", "customData", "secrets"};
	const char *name;
	void *next;
	json_t *value;
	json_object_foreach_safe(profile, next, name, value)
		for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
			if (strv_eq_nocase(name, secrets[i])) {
				(void)json_object_del(profile, name);
				break;
			}
}

// The parts of the request that are kept as they came; docs/fidelity.md says which of them are enacted.
// An attached disk has the name of its resource unless it is given one.
static int name_disk(json_t *disk, struct err *err) {
	const char *id = json_str(disk, "managedDisk.id");
	const char *slash = id && !json_str(disk, "name") ? strrchr(id, '/') : NULL;
	return slash && json_set_str(disk, "name", slash + 1) < 0 ? err_oom(err) : 0;
}

// A storage profile as it is kept and shown, whatever was left out.
static int complete_storage(json_t *storage, struct err *err) {
	size_t i;
	json_t *disk;
	if (!json_is_object(storage))
		return 0;
	if (!json_object_get(storage, "dataDisks") && json_set(storage, "dataDisks", json_array()) < 0)
		return err_oom(err);
	int rc = name_disk(json_object_get(storage, "osDisk"), err);
	json_array_foreach(json_object_get(storage, "dataDisks"), i, disk) {
		if (rc == 0)
			rc = name_disk(disk, err);
	}
	return rc;
}

static int keep_profiles(struct resource *r, const json_t *properties, struct err *err) {
	static const char *const kept[] = {"storageProfile", "securityProfile", "osProfile", "networkProfile",
		"diagnosticsProfile", "priority", "licenseType"};
	json_t *to = resource_properties(r);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		_cleanup_json_ json_t *copy = json_deep_copy(json_object_get(properties, kept[i]));
		if (strcmp(kept[i], "osProfile") == 0)
			drop_secrets(copy);
		if (copy && json_object_set(to, kept[i], copy) < 0)
			return err_oom(err);
	}
	return complete_storage(json_object_get(to, "storageProfile"), err);
}

static int want_power(struct arm_call *call, struct resource *r, const char *power, const char *operation, struct err *err);

static int create(struct arm_call *call, struct resource *r, const json_t *properties, struct err *err) {
	char id[ENC_UUID_SIZE], now[CLOCK_RFC3339_MAX];
	// The name becomes a part of file names and of arguments on the hypervisor, which takes no '-' in front.
	if (!strv_made_of(r->name, NAME_CHARACTERS, 1, NAME_LENGTH_MAX) || strchr("-_", r->name[0]) ||
		r->name[strlen(r->name) - 1] == '-')
		return err_set(err, -EINVAL, 400, "InvalidResourceName",
			"The virtual machine name '%s' must have at most %d letters, digits, '-' and '_', and begin with a letter or digit "
			"and not end with '-'.", r->name, NAME_LENGTH_MAX);
	const struct machine_size *size = NULL;
	int rc = compute_check_quota(call, MACHINE_TYPE, COMPUTE_MACHINES_MAX, err);
	if (rc == 0)
		rc = choose_size(r, properties, &size, err);
	if (rc == 0)
		rc = attach_all(call, r, properties, size, err);
	if (rc == 0)
		rc = network_attach_interfaces(call, r, json_object_get(properties, "networkProfile"), err);
	if (rc == 0)
		rc = keep_profiles(r, properties, err);
	if (rc == 0 && enc_uuid(id) < 0)
		rc = err_errno(err, -EIO, "no random numbers");
	if (rc == 0)
		rc = resource_set_property(r, "vmId", id, err);
	if (rc == 0)
		rc = resource_set_property(r, "timeCreated", clock_rfc3339_ns(clock_now_ns(), now), err);
	return rc < 0 ? rc : want_power(call, r, "running", "Microsoft.Compute/virtualMachines/write", err);
}

// Neither having it is the same too.
static bool same_member(const json_t *a, const json_t *b, const char *name) {
	const json_t *in_a = json_object_get(a, name), *in_b = json_object_get(b, name);
	return in_a && in_b ? json_equal(in_a, in_b) : in_a == in_b;
}

static int update(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	const json_t *given = json_object_get(body, "properties");
	_cleanup_json_ json_t *wanted = json_deep_copy(json_object_get(r->body, "properties"));
	if (!wanted || (given && patch && json_object_update_recursive(wanted, (json_t *)(uintptr_t)given) < 0) ||
		(given && !patch && json_object_update(wanted, (json_t *)(uintptr_t)given) < 0))
		return err_oom(err);
	const json_t *now = json_object_get(r->body, "properties");
	int rc = complete_storage(json_object_get(wanted, "storageProfile"), err);
	if (rc < 0)
		return rc;
	if (!same_member(wanted, now, "networkProfile")) {
		rc = network_attach_interfaces(call, r, json_object_get(wanted, "networkProfile"), err);
		if (rc < 0)
			return rc;
	}
	bool same = same_member(wanted, now, "storageProfile") && same_member(wanted, now, "hardwareProfile") &&
		same_member(wanted, now, "securityProfile");
	if (same)
		return keep_profiles(r, wanted, err);
	if (!compute_machine_deallocated(r))
		return compute_not_allowed(err, "The size, disks and security of virtual machine '%s' can only be changed while it is "
						"deallocated.", r->name);
	const struct machine_size *size = NULL;
	rc = choose_size(r, wanted, &size, err);
	if (rc == 0)
		rc = attach_all(call, r, wanted, size, err);
	r->generation++;
	call->hosts_concerned = true;
	return rc < 0 ? rc : keep_profiles(r, wanted, err);
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	const json_t *properties = json_object_get(body, "properties");
	return r->stored ? update(call, r, body, patch, err) : create(call, r, properties, err);
}

static int check_disks_at_rest(struct arm_call *call, struct resource *r, struct err *err) {
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(r->hidden, "disks"), i, entry) {
		_cleanup_resource_ struct resource disk = {0};
		bool pending = false;
		int rc = resource_load(call->tx, json_str(entry, "id"), &disk, err);
		if (rc == 0)
			rc = arm_operation_pending(call->tx, &disk, &pending, err);
		if (rc == 0 && pending)
			rc = compute_not_allowed(err, "Disk '%s' of virtual machine '%s' is being given another key; wait for the operation "
						      "to end.", disk.name, r->name);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// Ask for a power state, and let the operation end when a hypervisor reports it.
static int want_power(struct arm_call *call, struct resource *r, const char *power, const char *operation, struct err *err) {
	const char *desired = resource_hidden(r, "desired"), *reported = resource_hidden(r, "power");
	bool there = desired && reported && strcmp(desired, power) == 0 && strcmp(reported, power) == 0;
	int rc = 0;
	if (!there && strcmp(power, "running") == 0)
		rc = check_disks_at_rest(call, r, err);
	if (rc == 0 && !there)
		rc = arm_operation_preempt(call, r, err);
	if (rc == 0)
		rc = arm_operation_start(call, r, operation, POWER_TIMEOUT, err);
	if (rc < 0 || there)
		return rc;
	r->generation++;
	(void)json_object_del(r->hidden, "power");
	(void)json_object_del(r->hidden, "abrupt");
	rc = resource_set_hidden(r, "desired", power, err);
	if (rc == 0)
		rc = resource_set_property(r, "provisioningState", r->stored ? "Updating" : "Creating", err);
	if (rc == 0)
		rc = arm_operation_wait(call, r, err);
	return rc;
}

static int act(struct arm_call *call, struct resource *r, const char *power, const char *operation, struct err *err) {
	int rc = want_power(call, r, power, operation, err);
	return rc < 0 ? rc : resource_save(call->tx, r, err);
}

static int start(struct arm_call *call, struct resource *r, struct err *err) {
	return act(call, r, "running", "Microsoft.Compute/virtualMachines/start/action", err);
}

// The request may say that the guest is not to be asked: skipShutdown of powerOff, forceDeletion of DELETE.
static int read_abrupt(struct arm_call *call, struct resource *r, const char *parameter, struct err *err) {
	const char *given = http_query(call->request, parameter);
	if (!given || strv_eq_nocase(given, "false"))
		return 0;
	if (!strv_eq_nocase(given, "true"))
		return compute_invalid(err, "The query parameter '%s' must be true or false.", parameter);
	return json_set_bool(r->hidden, "abrupt", true) < 0 ? err_oom(err) : 0;
}

static int power_off(struct arm_call *call, struct resource *r, struct err *err) {
	const char *desired = resource_hidden(r, "desired");
	if (desired && strcmp(desired, "deallocated") == 0)
		return compute_not_allowed(err, "Virtual machine '%s' is deallocated.", r->name);
	int rc = want_power(call, r, "stopped", "Microsoft.Compute/virtualMachines/powerOff/action", err);
	if (rc == 0)
		rc = read_abrupt(call, r, "skipShutdown", err);
	return rc < 0 ? rc : resource_save(call->tx, r, err);
}

static int deallocate(struct arm_call *call, struct resource *r, struct err *err) {
	return act(call, r, "deallocated", "Microsoft.Compute/virtualMachines/deallocate/action", err);
}

static int remove_machine(struct arm_call *call, struct resource *r, struct err *err) {
	int rc = want_power(call, r, "deallocated", "Microsoft.Compute/virtualMachines/delete", err);
	if (rc == 0)
		rc = read_abrupt(call, r, "forceDeletion", err);
	return rc < 0 ? rc : resource_set_property(r, "provisioningState", "Deleting", err);
}

// When the hypervisor could not do it, the machine is where it was: a failed start leaves it deallocated.
static int give_up(struct arm *arm, struct store_tx *tx, struct resource *r, const char *kind, struct err *err) {
	int rc = resource_set_property(r, "provisioningState",
		strcmp(kind, "Microsoft.Compute/virtualMachines/write") == 0 ? "Failed" : "Succeeded", err);
	if (rc == 0)
		rc = resource_set_hidden(r, "desired", "deallocated", err);
	if (rc == 0)
		rc = resource_set_hidden(r, "power", "deallocated", err);
	r->generation++;
	if (rc == 0)
		rc = resource_save(tx, r, err);
	return rc < 0 ? rc : arm_revision_bump(arm, tx, err);
}

static int delete_machine(struct store_tx *tx, struct resource *r, struct arm *arm, struct err *err) {
	struct arm_call call = {.arm = arm, .tx = tx};
	int rc = release_disks(&call, r, err);
	struct entra_principal principal;
	if (rc == 0 && entra_find_managed_identity(tx, r->id, &principal, NULL) == 0)
		rc = entra_remove_managed_identity(tx, r->id, err);
	if (rc == 0)
		rc = network_free_interfaces(tx, r, err);
	if (rc == 0)
		rc = resource_delete(tx, r, err);
	return rc < 0 ? rc : arm_revision_bump(arm, tx, err);
}

static int settled(struct arm *arm, struct store_tx *tx, struct resource *r, const char *kind, const struct err *failure,
	struct err *err) {
	if (failure && strcmp(failure->code, ARM_PREEMPTED) == 0)
		return 0;
	if (failure)
		return give_up(arm, tx, r, kind, err);
	if (strcmp(kind, "Microsoft.Compute/virtualMachines/delete") == 0)
		return delete_machine(tx, r, arm, err);
	int rc = resource_set_property(r, "provisioningState", "Succeeded", err);
	return rc < 0 ? rc : resource_save(tx, r, err);
}

struct status {
	const char *code, *text;
};

// While it is on its way there is no power state of its own: it says where it goes.
static struct status power_status(const struct resource *r) {
	const char *desired = resource_hidden(r, "desired"), *power = resource_hidden(r, "power");
	bool moving = !power || !desired || strcmp(power, desired) != 0;
	const char *state = power && !moving ? power : desired ? desired : "deallocated";
	if (power && strcmp(power, "stopped") == 0 && desired && strcmp(desired, "running") == 0)
		return (struct status){"PowerState/stopped", "VM stopped"};  // it powered itself off
	if (strcmp(state, "running") == 0)
		return moving ? (struct status){"PowerState/starting", "VM starting"}
			      : (struct status){"PowerState/running", "VM running"};
	if (strcmp(state, "stopped") == 0)
		return moving ? (struct status){"PowerState/stopping", "VM stopping"}
			      : (struct status){"PowerState/stopped", "VM stopped"};
	return moving ? (struct status){"PowerState/deallocating", "VM deallocating"}
		      : (struct status){"PowerState/deallocated", "VM deallocated"};
}

static json_t *render_status(const char *code, const char *level, const char *text, const char *message, int64_t when) {
	char time[CLOCK_RFC3339_MAX];
	return json_pack("{s:s, s:s, s:s, s:s*, s:s}", "code", code, "level", level, "displayStatus", text, "message", message,
		"time", clock_rfc3339_ns(when * CLOCK_NSEC_PER_SEC, time));
}

static json_t *render_provisioning(const struct resource *r) {
	const char *state = resource_property(r, "provisioningState");
	char code[64], text[64];
	_cleanup_free_ char *low = strv_lower(state);
	(void)snprintf(code, sizeof(code), "ProvisioningState/%s", low ? low : "");
	(void)snprintf(text, sizeof(text), "Provisioning %s", low ? low : "");
	return render_status(code, strcmp(state, "Failed") == 0 ? "Error" : "Info", text, NULL, r->changed);
}

// Why the disks do not answer, for whoever wonders why the machine stands still.
static json_t *render_disks(const struct resource *r) {
	json_t *out = json_array();
	size_t i;
	json_t *entry;
	bool failed = strcmp(resource_hidden(r, "io.state") ? resource_hidden(r, "io.state") : "ok", "failed") == 0;
	json_array_foreach(json_object_get(r->hidden, "disks"), i, entry) {
		const char *id = json_str(entry, "id");
		json_t *status = failed ? render_status("DiskIO/failed", "Error", resource_hidden(r, "io.code"),
						  resource_hidden(r, "io.message"), r->changed)
					: render_status("DiskIO/ok", "Info", "Disk serves", NULL, r->changed);
		(void)json_array_append_new(out, json_pack("{s:s, s:[o]}", "name", strrchr(id, '/') + 1, "statuses", status));
	}
	return out;
}

static json_t *render_instance_view(const struct resource *r) {
	struct status power = power_status(r);
	return json_pack("{s:o, s:[o, o]}", "disks", render_disks(r), "statuses", render_provisioning(r),
		render_status(power.code, "Info", power.text, NULL, r->changed));
}

static int instance_view(struct arm_call *call, struct resource *r, struct err *err) {
	call->response->json = render_instance_view(r);
	return call->response->json ? 0 : err_oom(err);
}

static int show(struct arm_call *call, struct resource *r, json_t *shown, struct err *err) {
	const char *expand = http_query(call->request, "$expand");
	if (!expand || !strv_eq_nocase(expand, "instanceView"))
		return 0;
	return json_set(json_object_get(shown, "properties"), "instanceView", render_instance_view(r)) < 0 ? err_oom(err) : 0;
}

static const struct arm_action actions[] = {
	{.method = "POST", .name = "start", .permission = "start/action", .run = start},
	{.method = "POST", .name = "powerOff", .permission = "powerOff/action", .run = power_off},
	{.method = "POST", .name = "deallocate", .permission = "deallocate/action", .run = deallocate},
	{.method = "GET", .name = "instanceView", .permission = "instanceView/read", .run = instance_view},
};

const struct arm_type virtual_machines_type = {
	.name = MACHINE_TYPE,
	.versions = versions_machines,
	.has_location = true,
	.has_identity = true,
	.put = put,
	.show = show,
	.remove = remove_machine,
	.settled = settled,
	.actions = actions,
	.action_count = ARRAY_SIZE(actions),
};
