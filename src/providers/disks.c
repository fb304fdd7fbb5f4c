// SPDX-License-Identifier: Apache-2.0
// Microsoft.Compute/disks: LUKS2 sealed disks, made empty or from an image of the user's.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/compute.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
#define GIB (1024LL * 1024 * 1024)

enum { NAME_LENGTH_MAX = 80, CREATE_TIMEOUT = 6 * 3600 };

static int choose(struct resource *r, json_t *to, const char *name, const char *given, const char *const *allowed,
	struct err *err) {
	for (size_t i = 0; allowed[i]; i++)
		if (strv_eq_nocase(allowed[i], given))
			return json_set_str(to, name, allowed[i]) < 0 ? err_oom(err) : 0;
	return compute_invalid(err, "The value '%.80s' of parameter '%s' of disk '%s' is not valid.", given, name, r->name);
}

// Import takes a file of the import folder: file:///path. Azure's own sources (blobs) are elsewhere.
static int read_source(struct resource *r, const json_t *properties, struct err *err) {
	static const char *const options[] = {"Empty", "Import", NULL};
	const char *option = json_str(properties, "creationData.createOption");
	if (!option)
		return compute_invalid(err, "Required parameter 'creationData.createOption' is missing (null).");
	_cleanup_json_ json_t *creation = json_object();
	if (!creation)
		return err_oom(err);
	int rc = choose(r, creation, "createOption", option, options, err);
	const char *source = json_str(properties, "creationData.sourceUri");
	bool import = rc == 0 && strcmp(json_str(creation, "createOption"), "Import") == 0;
	if (rc == 0 && import && (!source || !strv_starts_with_nocase(source, "file:///") || strlen(source) > 1024))
		rc = compute_invalid(err, "The parameter 'creationData.sourceUri' must be the file:/// URI of an image in the "
					  "import folder of the hypervisor.");
	if (rc == 0 && import && (json_set_str(creation, "sourceUri", source) < 0 || json_set_str(r->hidden, "source", source) < 0))
		rc = err_oom(err);
	if (rc == 0 && json_object_set(resource_properties(r), "creationData", creation) < 0)
		rc = err_oom(err);
	return rc;
}

static int read_size(struct resource *r, const json_t *properties, struct err *err) {
	int64_t gb = json_int(properties, "diskSizeGB", 0);
	if (gb < 1 || gb > COMPUTE_SIZE_GB_MAX)
		return compute_invalid(err, "The parameter 'diskSizeGB' of disk '%s' must be a whole number from 1 to %d.", r->name,
			COMPUTE_SIZE_GB_MAX);
	json_t *to = resource_properties(r);
	return json_set_int(to, "diskSizeGB", gb) < 0 || json_set_int(to, "diskSizeBytes", gb * GIB) < 0 ? err_oom(err) : 0;
}

static int read_os_type(struct resource *r, const json_t *properties, struct err *err) {
	static const char *const types[] = {"Linux", "Windows", NULL};
	static const char *const generations[] = {"V1", "V2", NULL};
	const char *type = json_str(properties, "osType"), *generation = json_str(properties, "hyperVGeneration");
	int rc = type ? choose(r, resource_properties(r), "osType", type, types, err) : 0;
	if (rc == 0 && generation)
		rc = choose(r, resource_properties(r), "hyperVGeneration", generation, generations, err);
	return rc;
}

// Where the disk encryption set stands depends on what it is for (confidential OS disk, or encryption at rest).
static int read_encryption(struct resource *r, const json_t *properties, const char **set_id, bool *confidential,
	struct err *err) {
	const char *security = json_str(properties, "securityProfile.securityType");
	const char *secure_set = json_str(properties, "securityProfile.secureVMDiskEncryptionSetId");
	const char *rest_set = json_str(properties, "encryption.diskEncryptionSetId");
	const char *rest_type = json_str(properties, "encryption.type");
	*confidential = security && strv_starts_with_nocase(security, "ConfidentialVM");
	*set_id = *confidential ? secure_set : rest_set;
	if (security && !strv_eq_nocase(security, "ConfidentialVM_DiskEncryptedWithCustomerKey"))
		return compute_invalid(err, "The security type '%.80s' is not supported here; use "
					    "ConfidentialVM_DiskEncryptedWithCustomerKey or none.", security);
	if (*confidential && !json_str(properties, "osType"))
		return err_set(err, -EINVAL, 400, "InvalidParameter", "OS type must be specified for Trusted VM and Confidential VM disks.");
	if (secure_set && !*confidential)
		return compute_invalid(err, "The parameter 'securityProfile.secureVMDiskEncryptionSetId' needs the security type "
					    "ConfidentialVM_DiskEncryptedWithCustomerKey.");
	if (*confidential && rest_set)
		return compute_invalid(err, "A confidential disk has its disk encryption set in securityProfile alone.");
	if (!*set_id)
		return compute_invalid(err, "Disk '%s' names no disk encryption set; disks under platform-managed keys are not "
					    "supported here.", r->name);
	json_t *to = resource_properties(r);
	json_t *shown = *confidential ? json_pack("{s:s, s:s}", "securityType", "ConfidentialVM_DiskEncryptedWithCustomerKey",
						"secureVMDiskEncryptionSetId", *set_id)
				      : json_pack("{s:s, s:s}", "type",
						rest_type ? rest_type : "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId", *set_id);
	return json_set(to, *confidential ? "securityProfile" : "encryption", shown) < 0 ? err_oom(err) : 0;
}

static int check_set(struct arm_call *call, struct resource *r, const char *set_id, bool confidential, struct err *err) {
	struct arm_target t;
	_cleanup_resource_ struct resource set = {0};
	int rc = arm_parse_id(set_id, SET_TYPE, &t, err);
	if (rc == 0)
		rc = arm_authorize_linked(call, set_id, SET_TYPE "/read", err);
	if (rc == 0)
		rc = resource_load(call->tx, set_id, &set, err);
	if (rc < 0)
		return rc;
	const char *type = resource_property(&set, "encryptionType");
	bool set_is_confidential = strv_starts_with_nocase(type, "ConfidentialVm");
	if (set_is_confidential != confidential)
		return compute_invalid(err, "The type of the Disk Encryption Set in the request is %s, but the type %s was expected.",
			type, confidential ? "ConfidentialVmEncryptedWithCustomerKey" : "EncryptionAtRestWithCustomerKey");
	if (!confidential && !strv_eq_nocase(type, resource_property(r, "encryption.type")))
		return compute_invalid(err, "The encryption type of disk '%s' must be that of its disk encryption set, %s.", r->name, type);
	if (!strv_eq_nocase(json_str(set.body, "location"), json_str(r->body, "location")))
		return compute_invalid(err, "The disk encryption set '%s' is in another location than disk '%s'.", set.name, r->name);
	char client_id[ENC_UUID_SIZE];
	rc = compute_set_identity(call->tx, &set, client_id, err);
	return rc < 0 ? rc : resource_set_hidden(r, "keyUrl", resource_property(&set, "activeKey.keyUrl"), err);
}

static int keep_sku(struct resource *r, const char *name, struct err *err) {
	static const char *const skus[] = {"Standard_LRS", "StandardSSD_LRS", "Premium_LRS", NULL};
	_cleanup_json_ json_t *shown = json_object();
	int rc = shown ? choose(r, shown, "name", name, skus, err) : err_oom(err);
	return rc < 0 ? rc : json_object_set(r->body, "sku", shown) < 0 ? err_oom(err) : 0;
}

static int create(struct arm_call *call, struct resource *r, const json_t *body, struct err *err) {
	const json_t *properties = json_object_get(body, "properties");
	const char *sku = json_str(body, "sku.name");
	const char *set_id;
	bool confidential;
	char unique[ENC_UUID_SIZE], now[CLOCK_RFC3339_MAX];
	if (!strv_made_of(r->name, NAME_CHARACTERS, 1, NAME_LENGTH_MAX))
		return compute_invalid(err, "The disk name '%s' must have at most %d letters, digits, '-', '_' and '.'.", r->name,
			NAME_LENGTH_MAX);
	int rc = compute_check_quota(call, DISK_TYPE, COMPUTE_DISKS_MAX, err);
	if (rc == 0)
		rc = read_source(r, properties, err);
	if (rc == 0)
		rc = read_size(r, properties, err);
	if (rc == 0)
		rc = read_os_type(r, properties, err);
	if (rc == 0)
		rc = read_encryption(r, properties, &set_id, &confidential, err);
	if (rc == 0)
		rc = check_set(call, r, set_id, confidential, err);
	if (rc == 0)
		rc = keep_sku(r, sku ? sku : "Standard_LRS", err);
	if (rc == 0 && enc_uuid(unique) < 0)
		rc = err_errno(err, -EIO, "no random numbers");
	if (rc == 0)
		rc = resource_set_property(r, "uniqueId", unique, err);
	if (rc == 0)
		rc = resource_set_property(r, "timeCreated", clock_rfc3339_ns(clock_now_ns(), now), err);
	if (rc == 0)
		rc = resource_set_property(r, "diskState", "Unattached", err);
	return rc;
}

// What a disk is made of cannot be changed under it; saying the same again is fine.
static int check_unchanged(const struct resource *r, const json_t *properties, struct err *err) {
	static const char *const fixed[] = {"diskSizeGB", "creationData.createOption", "creationData.sourceUri", "osType",
		"encryption.diskEncryptionSetId", "encryption.type", "securityProfile.securityType",
		"securityProfile.secureVMDiskEncryptionSetId", "hyperVGeneration"};
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		const json_t *given = json_at(properties, fixed[i]);
		const json_t *stored = json_at(json_object_get(r->body, "properties"), fixed[i]);
		if (given && !json_equal(given, stored) &&
			!(json_is_string(given) && json_is_string(stored) &&
				strv_eq_nocase(json_string_value(given), json_string_value(stored))))
			return err_set(err, -EINVAL, 409, "PropertyChangeNotAllowed", "Changing property '%s' is not allowed.", fixed[i]);
	}
	return 0;
}

static int change(struct resource *r, const json_t *body, struct err *err) {
	const char *sku = json_str(body, "sku.name");
	int rc = check_unchanged(r, json_object_get(body, "properties"), err);
	return rc == 0 && sku ? keep_sku(r, sku, err) : rc;
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	(void)patch;
	bool pending = false;
	const char *state = resource_hidden(r, "state");
	int rc = r->stored ? change(r, body, err) : create(call, r, body, err);
	if (rc == 0)
		rc = arm_operation_pending(call->tx, r, &pending, err);
	if (rc == 0 && pending)
		rc = compute_not_allowed(err, "Disk '%s' is being changed; wait for the operation to end.", r->name);
	if (rc == 0)
		rc = arm_operation_start(call, r, "Microsoft.Compute/disks/write", CREATE_TIMEOUT, err);
	if (rc < 0)
		return rc;
	if (!state || strcmp(state, "Ready") != 0 || resource_hidden(r, "absent")) {
		// New, or an earlier attempt failed, or its removal did: (re)make it, or see that it is still there.
		(void)json_object_del(r->hidden, "absent");
		r->generation++;
		rc = resource_set_property(r, "provisioningState", "Updating", err);
		if (rc == 0)
			rc = arm_operation_wait(call, r, err);
	}
	return rc;
}

static int remove_disk(struct arm_call *call, struct resource *r, struct err *err) {
	const char *owner = json_str(r->body, "managedBy");
	if (owner)
		return compute_not_allowed(err, "Disk %s is attached to VM %s.", r->name, owner);
	int rc = arm_operation_preempt(call, r, err);
	if (rc == 0)
		rc = arm_operation_start(call, r, "Microsoft.Compute/disks/delete", CREATE_TIMEOUT, err);
	if (rc == 0)
		rc = resource_set_hidden(r, "absent", "true", err);
	r->generation++;
	if (rc == 0)
		rc = resource_set_property(r, "provisioningState", "Deleting", err);
	return rc < 0 ? rc : arm_operation_wait(call, r, err);
}

static int settled(struct arm *arm, struct store_tx *tx, struct resource *r, const char *kind, const struct err *failure,
	struct err *err) {
	(void)arm;
	if (strcmp(kind, "Microsoft.Compute/disks/delete") == 0 && !failure)
		return resource_delete(tx, r, err);
	if (failure && strcmp(failure->code, ARM_PREEMPTED) == 0)
		return 0;
	int rc = resource_set_property(r, "provisioningState", failure ? "Failed" : "Succeeded", err);
	return rc < 0 ? rc : resource_save(tx, r, err);
}

const struct arm_type disks_type = {
	.name = DISK_TYPE,
	.versions = versions_disks,
	.deletion_rank = 3,
	.has_location = true,
	.accepts = true,
	.put = put,
	.remove = remove_disk,
	.settled = settled,
};
