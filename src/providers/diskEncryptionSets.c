// SPDX-License-Identifier: Apache-2.0
// Microsoft.Compute/diskEncryptionSets: the link between a key and the disks under it.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/compute.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define CONFIDENTIAL "ConfidentialVmEncryptedWithCustomerKey"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// Rewrapping a token takes two calls to the vault; an hour bounds a hypervisor that is away.
enum { REWRAP_TIMEOUT = 3600, NAME_LENGTH_MAX = 80 };

static bool is_confidential(const struct resource *set) {
	const char *type = resource_property(set, "encryptionType");
	return type && strcmp(type, CONFIDENTIAL) == 0;
}

static int set_encryption_type(struct resource *r, const json_t *properties, struct err *err) {
	static const char *const types[] = {
		"EncryptionAtRestWithCustomerKey", "EncryptionAtRestWithPlatformAndCustomerKeys", CONFIDENTIAL};
	const char *stored = resource_property(r, "encryptionType");
	const char *given = json_str(properties, "encryptionType");
	if (!given)
		return stored ? 0 : resource_set_property(r, "encryptionType", types[0], err);
	if (stored && !strv_eq_nocase(stored, given))
		return err_set(err, -EINVAL, 400, "PropertyChangeNotAllowed", "Changing property 'encryptionType' is not allowed.");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strv_eq_nocase(types[i], given))
			return resource_set_property(r, "encryptionType", types[i], err);
	return compute_invalid(err, "The value '%.80s' of parameter 'encryptionType' is not valid for a disk encryption set.", given);
}

static int set_rotation(struct resource *r, const json_t *properties, struct err *err) {
	const json_t *given = json_object_get(properties, "rotationToLatestKeyVersionEnabled");
	if (!given)
		return 0;
	if (!json_is_boolean(given))
		return compute_invalid(err, "The parameter 'rotationToLatestKeyVersionEnabled' must be true or false.");
	if (json_is_true(given) && is_confidential(r))
		return err_set(err, -EINVAL, 400, "BadRequest",
			"Auto-key rotation for DiskEncryptionSet with EncryptionType '" CONFIDENTIAL "' not supported.");
	json_t *to = resource_properties(r);
	return to && json_set_bool(to, "rotationToLatestKeyVersionEnabled", json_is_true(given)) == 0 ? 0 : err_oom(err);
}

static int check_identity(const struct resource *r, struct err *err) {
	const char *type = json_str(r->body, "identity.type");
	if (type && !strv_eq_nocase(type, "None"))
		return 0;
	return compute_invalid(err, "The disk encryption set '%s' needs an identity: SystemAssigned or UserAssigned.", r->name);
}

// The vault: ours, of this tenant and region, and one that cannot lose keys by accident.
static int check_vault(struct arm_call *call, const struct resource *r, const struct vault_key_info *key, const char *source,
	struct err *err) {
	const struct vault_record *v = &key->vault;
	const char *location = json_str(r->body, "location");
	if (v->deleted)
		return compute_invalid(err, "The key vault '%s' is deleted.", v->name);
	if (!strv_eq_nocase(v->tenant_id, call->caller->tenant))
		return compute_invalid(err, "The key vault '%s' is in another tenant than the disk encryption set '%s'.", v->name, r->name);
	if (!strv_eq_nocase(v->location, location))
		return compute_invalid(err, "The key vault '%s' is in location '%s'; it must be in the location '%s' of the disk "
					    "encryption set.", v->name, v->location, location);
	if (!v->purge_protection)
		return compute_invalid(err, "The key vault '%s' must have soft delete and purge protection enabled.", v->name);
	if (!source)
		return 0;
	if (!strv_eq_nocase(source, v->resource_id))
		return compute_invalid(err, "The source vault '%.300s' is not the vault of the key '%s'.", source, key->kid);
	struct arm_target t;
	if (arm_parse_id(source, "Microsoft.KeyVault/vaults", &t, NULL) < 0 || !strv_eq_nocase(t.subscription, r->subscription))
		return compute_invalid(err, "The property 'sourceVault' cannot be used when the key vault is in another subscription.");
	return arm_authorize_linked(call, source, "Microsoft.KeyVault/vaults/deploy/action", err);
}

static int check_key(struct arm_call *call, const struct resource *r, const struct vault_key_info *key, struct err *err) {
	if (strcmp(key->kty, "RSA") != 0 && strcmp(key->kty, "RSA-HSM") != 0)
		return compute_invalid(err, "The key '%s' is of type %s; only RSA keys of 2048, 3072 and 4096 bits can be used.", key->kid,
			key->kty);
	if (key->deleted)
		return compute_invalid(err, "The key '%s' is deleted.", key->kid);
	if (!is_confidential(r))
		return 0;
	int rc = 0;
	if (!vault_has_hsm(&key->vault))
		rc = arm_advise(call, err, "InvalidParameter",
			"Azure needs a Premium vault or a Managed HSM for a " CONFIDENTIAL " set; '%s' is %s.", key->vault.name,
			key->vault.sku);
	if (rc == 0 && !key->exportable)
		rc = arm_advise(call, err, "InvalidParameter",
			"The target key has no key release policy: Azure refuses '%s' for a " CONFIDENTIAL " set.", key->kid);
	return rc;
}

// The URL to a key as Azure spells it, after every check.
static int resolve_key(struct arm_call *call, const struct resource *r, const json_t *active, struct vault_key_info *key,
	struct err *err) {
	const char *url = json_str(active, "keyUrl");
	if (!url)
		return compute_invalid(err, "Required parameter 'activeKey.keyUrl' is missing (null).");
	int rc = vault_key_info(call->tx, url, key, err);
	if (rc == -EINVAL)
		return compute_invalid(err, "%.300s is not a valid versioned Key Vault Key URL. It should be in the format "
					    "https://<vaultEndpoint>/keys/<keyName>/<keyVersion>.", url);
	if (rc == -ENOENT)
		return err_set(err, rc, 400, "KeyVaultAccessForbidden",
			"Unable to access key vault resource '%.300s' to enable encryption at rest: the key was not found.", url);
	if (rc < 0)
		return rc;
	size_t n = strlen(key->kid);
	size_t given = strlen(url);
	// The canonical identifier ends with a version. A URL that ends otherwise had none, and was resolved to the newest.
	if (given < 33 || !strv_eq_nocase(url + given - 33, key->kid + n - 33)) {
		rc = arm_advise(call, err, "InvalidParameter",
			"Azure needs a versioned key URL; '%.200s' was resolved to its newest version.", url);
		if (rc < 0)
			return rc;
	}
	rc = check_vault(call, r, key, json_str(active, "sourceVault.id"), err);
	return rc < 0 ? rc : check_key(call, r, key, err);
}

struct members {
	const struct resource *set;
	const char *key;      // disks that hold another key are behind
	json_t *ids;          // of all the disks of the set
	json_t *behind;       // ids of those
	char running[ARM_ID_MAX];  // a machine that is not deallocated
};

static int collect_member(void *ctx, struct store_tx *tx, struct resource *disk, struct err *err) {
	struct members *m = ctx;
	const char *set = compute_disk_set(disk);
	if (!set || !strv_eq_nocase(set, m->set->id))
		return 0;
	const char *held = compute_disk_current_key(disk);
	if (json_array_append_new(m->ids, json_string(disk->display_id)) < 0)
		return err_oom(err);
	// A disk that is not made yet takes the set's key when it is.
	if (m->key && held && !strv_eq_nocase(held, m->key) && json_array_append_new(m->behind, json_string(disk->id)) < 0)
		return err_oom(err);
	_cleanup_resource_ struct resource machine = {0};
	int rc = compute_disk_owner(tx, disk, &machine, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0 && !compute_machine_deallocated(&machine))
		rc = strv_copy(m->running, sizeof(m->running), machine.display_id);
	return rc;
}

static int find_members(struct store_tx *tx, const struct resource *set, const char *key, struct members *out,
	struct err *err) {
	*out = (struct members){.set = set, .key = key, .ids = json_array(), .behind = json_array()};
	if (!out->ids || !out->behind)
		return err_oom(err);
	return resource_each(tx, "", "", DISK_TYPE, collect_member, out, err);
}

static void members_free(struct members *m) {
	json_decref(m->ids);
	json_decref(m->behind);
}

// Ask the hypervisor to rewrap the tokens of the disks that are behind.
static int rewrap_members(struct arm_call *call, const struct members *m, struct err *err) {
	size_t i;
	json_t *id;
	json_array_foreach(m->behind, i, id) {
		_cleanup_resource_ struct resource disk = {0};
		int rc = resource_load(call->tx, json_string_value(id), &disk, err);
		if (rc == 0)
			rc = resource_set_hidden(&disk, "keyUrl", m->key, err);
		disk.generation++;
		if (rc == 0)
			rc = resource_save(call->tx, &disk, err);
		if (rc == 0)
			rc = arm_operation_wait(call, &disk, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// Microsoft's rule for confidential machines: while one runs, none of the disks gets the new key.
static int hold_back(struct resource *r, const struct members *m, struct err *err) {
	char message[ARM_ID_MAX + 256];
	(void)snprintf(message, sizeof(message),
		"The virtual machine '%s' is not deallocated, so no disk of the set was given the new key. Deallocate all virtual "
		"machines of the set and repeat the update.", m->running);
	json_t *properties = resource_properties(r);
	_cleanup_json_ json_t *error = json_pack("{s:s, s:s, s:s}", "code", "OperationNotAllowed", "message", message, "target",
		m->running);
	return properties && error && json_object_set(properties, "autoKeyRotationError", error) == 0 ? 0 : err_oom(err);
}

// Every key that a disk may still hold stays in previousKeys until the disks have left it.
static int remember_previous(struct resource *r, struct err *err) {
	json_t *properties = resource_properties(r);
	json_t *active = json_object_get(properties, "activeKey");
	json_t *previous = json_object_get(properties, "previousKeys");
	if (!json_is_array(previous)) {
		previous = json_array();
		if (json_set(properties, "previousKeys", previous) < 0)
			return err_oom(err);
	}
	if (!active)
		return 0;
	size_t i;
	json_t *known;
	json_array_foreach(previous, i, known)
		if (json_equal(known, active))
			return 0;
	return json_array_append(previous, active) < 0 ? err_oom(err) : 0;
}

static int write_active(struct resource *r, const struct vault_key_info *key, bool with_source, struct err *err) {
	char now[CLOCK_RFC3339_MAX];
	_cleanup_json_ json_t *active = json_pack("{s:s}", "keyUrl", key->kid);
	if (!active)
		return err_oom(err);
	if (with_source && json_set(active, "sourceVault", json_pack("{s:s}", "id", key->vault.resource_id)) < 0)
		return err_oom(err);
	if (json_object_set(resource_properties(r), "activeKey", active) < 0)
		return err_oom(err);
	return resource_set_property(r, "lastKeyRotationTimestamp", clock_rfc3339_ns(clock_now_ns(), now), err);
}

static int change_key(struct arm_call *call, struct resource *r, const struct vault_key_info *key, bool with_source,
	struct err *err) {
	_cleanup_(members_free) struct members m = {0};
	int rc = find_members(call->tx, r, key->kid, &m, err);
	if (rc < 0)
		return rc;
	bool changed = !strv_eq_nocase(key->kid, resource_property(r, "activeKey.keyUrl"));
	if (json_array_size(m.behind) > 0 && changed)
		rc = remember_previous(r, err);
	if (rc == 0 && changed)
		rc = write_active(r, key, with_source, err);
	(void)json_object_del(resource_properties(r), "autoKeyRotationError");
	if (rc < 0 || json_array_size(m.behind) == 0)
		return rc;
	if (is_confidential(r) && m.running[0])
		return hold_back(r, &m, err);
	return rewrap_members(call, &m, err);
}

static int apply_key(struct arm_call *call, struct resource *r, const json_t *active, struct err *err) {
	struct vault_key_info key = {0};
	bool with_source = json_at(active, "sourceVault.id") != NULL;
	int rc = resolve_key(call, r, active, &key, err);
	if (rc < 0)
		return rc;
	if (r->stored)
		return change_key(call, r, &key, with_source, err);
	rc = write_active(r, &key, with_source, err);
	// Creation is no rotation.
	(void)json_object_del(resource_properties(r), "lastKeyRotationTimestamp");
	return rc < 0 || json_set(resource_properties(r), "previousKeys", json_array()) == 0 ? rc : err_oom(err);
}

static int check_name(const struct resource *r, struct err *err) {
	if (r->stored || strv_made_of(r->name, NAME_CHARACTERS, 1, NAME_LENGTH_MAX))
		return 0;
	return err_set(err, -EINVAL, 400, "InvalidResourceName",
		"The disk encryption set name '%s' must have at most %d letters, digits, '-' and '_'.", r->name, NAME_LENGTH_MAX);
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	const json_t *properties = json_object_get(body, "properties");
	const json_t *active = json_object_get(properties, "activeKey");
	bool pending = false;
	if (json_at(properties, "federatedClientId") && !json_is_null(json_at(properties, "federatedClientId")) &&
		!strv_eq_nocase(json_str(properties, "federatedClientId") ? json_str(properties, "federatedClientId") : "", "None"))
		return compute_invalid(err, "The property 'federatedClientId' (a key in another tenant) is not supported here.");
	int rc = check_name(r, err);
	if (rc == 0)
		rc = arm_operation_running(call->tx, r, &pending, err);
	if (rc == 0 && pending)
		rc = compute_not_allowed(err, "The disk encryption set '%s' is being updated; wait for the operation to end.", r->name);
	if (rc == 0)
		rc = check_identity(r, err);
	if (rc == 0)
		rc = set_encryption_type(r, properties, err);
	if (rc == 0)
		rc = set_rotation(r, properties, err);
	if (rc == 0)
		rc = arm_operation_start(call, r, "Microsoft.Compute/diskEncryptionSets/write", REWRAP_TIMEOUT, err);
	if (rc == 0 && (active || !patch))
		rc = apply_key(call, r, active, err);
	return rc < 0 ? rc : resource_set_property(r, "provisioningState", "Updating", err);
}

static int settled(struct arm *arm, struct store_tx *tx, struct resource *r, const char *kind, const struct err *failure,
	struct err *err) {
	(void)arm, (void)kind;
	json_t *properties = resource_properties(r);
	json_t *previous = json_object_get(properties, "previousKeys");
	if (failure && json_array_size(previous) > 0) {
		// Some disks carry the new key, some the old: the set shows the old one until a repeated update completes.
		if (json_object_set(properties, "activeKey", json_array_get(previous, json_array_size(previous) - 1)) < 0)
			return err_oom(err);
	}
	_cleanup_(members_free) struct members m = {0};
	int rc = find_members(tx, r, resource_property(r, "activeKey.keyUrl"), &m, err);
	if (rc == 0 && json_array_size(m.behind) == 0)
		(void)json_array_clear(previous);
	if (rc == 0)
		rc = resource_set_property(r, "provisioningState", failure ? "Failed" : "Succeeded", err);
	return rc < 0 ? rc : resource_save(tx, r, err);
}

static int remove_set(struct arm_call *call, struct resource *r, struct err *err) {
	_cleanup_(members_free) struct members m = {0};
	int rc = find_members(call->tx, r, NULL, &m, err);
	if (rc == 0 && json_array_size(m.ids) > 0)
		rc = compute_not_allowed(err, "Disk encryption set '%s' is in use by %zu resources, among them '%s'.", r->name,
			json_array_size(m.ids), json_string_value(json_array_get(m.ids, 0)));
	return rc;
}

static int associated_resources(struct arm_call *call, struct resource *r, struct err *err) {
	_cleanup_(members_free) struct members m = {0};
	int rc = find_members(call->tx, r, NULL, &m, err);
	if (rc < 0)
		return rc;
	call->response->json = json_pack("{s:O}", "value", m.ids);
	return call->response->json ? 0 : err_oom(err);
}

static const struct arm_action actions[] = {
	{.method = "GET", .name = "associatedResources", .permission = "read", .run = associated_resources},
};

const struct arm_type disk_encryption_sets_type = {
	.name = SET_TYPE,
	.versions = versions_disk_encryption_sets,
	.deletion_rank = 4,
	.has_location = true,
	.has_identity = true,
	.accepts = true,
	.put = put,
	.remove = remove_set,
	.settled = settled,
	.actions = actions,
	.action_count = ARRAY_SIZE(actions),
};
