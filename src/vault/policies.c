// SPDX-License-Identifier: Apache-2.0
// Access policies: who may do what in a vault that does not leave this to role assignments (Azure REST reference, Vaults,
// AccessPolicyEntry; "Assign a Key Vault access policy"). A policy is one row, so that a request finds its own without the
// others; the entry that was sent stands beside the bits that decide.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "vault/keys.h"

#define PERMISSIONS_MAX 64  // names in one list of an entry

#define bad_policies(err) err_set(err, -EINVAL, 400, "BadRequest", "An invalid value was provided for 'accessPolicies'.")

// A mask in the store has the bit of a name's place here.
static const char *const key_names[] = {"encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify", "get", "list", "create",
	"update", "import", "delete", "backup", "restore", "recover", "purge", "release", "rotate", "getrotationpolicy",
	"setrotationpolicy"};
static const char *const secret_names[] = {"get", "list", "set", "delete", "backup", "restore", "recover", "purge"};
static const char *const certificate_names[] = {"get", "list", "delete", "create", "import", "update", "managecontacts",
	"getissuers", "listissuers", "setissuers", "deleteissuers", "manageissuers", "recover", "purge", "backup", "restore"};
static const char *const storage_names[] = {"get", "list", "delete", "set", "update", "regeneratekey", "recover", "purge",
	"backup", "restore", "setsas", "listsas", "getsas", "deletesas"};

static const struct area {
	const char *collection;  // also the member of "permissions"
	const char *const *names;
	size_t count;
	int column;  // of the mask in the query of vault_policies_check; -1 where nothing is served that it could allow
} areas[] = {
	{"keys", key_names, ARRAY_SIZE(key_names), 0},
	{"secrets", secret_names, ARRAY_SIZE(secret_names), 1},
	{"certificates", certificate_names, ARRAY_SIZE(certificate_names), -1},
	{"storage", storage_names, ARRAY_SIZE(storage_names), -1},
};

static const struct area *area_of(const char *collection) {
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++)
		if (strcmp(areas[i].collection, collection) == 0)
			return &areas[i];
	return NULL;
}

// 0 when the area has no such permission.
static int64_t bit_of(const struct area *area, const char *name) {
	for (size_t i = 0; i < area->count; i++)
		if (strv_eq_nocase(area->names[i], name))
			return INT64_C(1) << i;
	return 0;
}

// "all" is everything but purge, which destroys what soft delete would keep: it has to be given by its name.
static int64_t bits_of_all(const struct area *area) {
	return ((INT64_C(1) << area->count) - 1) & ~bit_of(area, "purge");
}

static int read_mask(const struct area *area, const json_t *list, int64_t *out, struct err *err) {
	int64_t mask = 0;
	size_t i;
	json_t *item;
	if (list && !json_is_null(list) && !json_is_array(list))
		return bad_policies(err);
	if (json_array_size(list) > PERMISSIONS_MAX)
		return bad_policies(err);
	json_array_foreach((json_t *)(uintptr_t)list, i, item) {
		const char *name = json_string_value(item);
		int64_t bits = !name ? 0 : strv_eq_nocase(name, "all") ? bits_of_all(area) : bit_of(area, name);
		if (bits == 0)
			return bad_policies(err);
		mask |= bits;
	}
	*out = mask;
	return 0;
}

struct policy {
	char object[ENC_UUID_SIZE], application[ENC_UUID_SIZE];  // lower case; application "" for none
	int64_t masks[ARRAY_SIZE(areas)];
};

static void copy_lower(char out[static ENC_UUID_SIZE], const char *uuid) {
	size_t n = 0;
	for (; uuid[n]; n++)
		out[n] = (char)(uuid[n] >= 'A' && uuid[n] <= 'F' ? uuid[n] - 'A' + 'a' : uuid[n]);
	out[n] = 0;
}

static int read_ids(const struct vault_record *v, const json_t *entry, size_t index, struct policy *out, struct err *err) {
	const char *tenant = json_str(entry, "tenantId"), *object = json_str(entry, "objectId");
	const json_t *application = json_object_get(entry, "applicationId");
	if (!tenant || !strv_eq_nocase(tenant, v->tenant_id) || !object)
		return bad_policies(err);
	if (!enc_is_uuid(object))
		return err_set(err, -EINVAL, 400, "BadRequest", "Invalid value found at accessPolicies[%zu].ObjectId: %.64s", index, object);
	copy_lower(out->object, object);
	if (!application || json_is_null(application))
		return 0;
	if (!json_is_string(application) || !enc_is_uuid(json_string_value(application)))
		return bad_policies(err);
	copy_lower(out->application, json_string_value(application));
	return 0;
}

static int read_policy(const struct vault_record *v, const json_t *entry, size_t index, struct policy *out, struct err *err) {
	struct policy p = {0};
	const json_t *permissions = json_object_get(entry, "permissions");
	if (!json_is_object(entry) || !json_is_object(permissions))
		return bad_policies(err);
	int rc = read_ids(v, entry, index, &p, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(areas); i++)
		rc = read_mask(&areas[i], json_object_get(permissions, areas[i].collection), &p.masks[i], err);
	if (rc == 0)
		*out = p;
	return rc;
}

// What is kept and shown of an entry: the members of the reference, in the spelling that was sent.
static char *entry_text(const json_t *entry) {
	static const char *const members[] = {"tenantId", "objectId", "applicationId", "permissions"};
	_cleanup_json_ json_t *kept = json_object();
	_cleanup_json_ json_t *permissions = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		json_t *list = json_at(json_object_get(entry, "permissions"), areas[i].collection);
		if (json_is_array(list) && json_object_set(permissions, areas[i].collection, list) < 0)
			return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = strcmp(members[i], "permissions") == 0 ? permissions : json_object_get(entry, members[i]);
		if (value && !json_is_null(value) && json_object_set(kept, members[i], value) < 0)
			return NULL;
	}
	return json_text(kept);
}

static int insert(struct store_tx *tx, const char *vault, const struct policy *p, const json_t *entry, int64_t ordinal,
	struct err *err) {
	_cleanup_free_ char *text = entry_text(entry);
	if (!text)
		return err_oom(err);
	int rc = store_exec(tx, err,
		"INSERT INTO vault_policies (vault, object_id, application_id, ordinal, entry, key_mask, secret_mask)"
		" VALUES ($1,$2,$3,$4,$5,$6,$7)", "sssisii", vault, p->object, p->application, ordinal, text, p->masks[0],
		p->masks[1]);
	return rc < 0 ? rc : 0;
}

static int check_list(const json_t *list, struct err *err) {
	if (!json_is_array(list))
		return bad_policies(err);
	if (json_array_size(list) > VAULT_POLICIES_MAX)
		return err_set(err, -EINVAL, 400, "BadRequest", "A vault has at most %d access policies.", VAULT_POLICIES_MAX);
	return 0;
}

int vault_policies_set(struct store_tx *tx, const struct vault_record *v, const json_t *list, struct err *err) {
	char vault[VAULT_NAME_MAX + 1];
	vault_lower_name(v->name, vault);
	int rc = check_list(list, err);
	if (rc == 0)
		rc = store_exec(tx, err, "DELETE FROM vault_policies WHERE vault = $1", "s", vault);
	for (size_t i = 0; rc >= 0 && i < json_array_size(list); i++) {
		struct policy p;
		rc = read_policy(v, json_array_get(list, i), i, &p, err);
		if (rc == 0)
			rc = insert(tx, vault, &p, json_array_get(list, i), (int64_t)i, err);
		// The same object twice.
		if (rc == -EEXIST)
			rc = bad_policies(err);
	}
	return rc < 0 ? rc : 0;
}

int vault_policies_get(struct store_tx *tx, const char *name, json_t **out, struct err *err) {
	char vault[VAULT_NAME_MAX + 1];
	vault_lower_name(name, vault);
	_cleanup_json_ json_t *list = json_array();
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT entry FROM vault_policies WHERE vault = $1 ORDER BY ordinal", "s", vault);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		json_t *entry = NULL;
		const char *text = store_text(rows, 0);
		rc = json_parse(text, strlen(text), "InternalServerError", &entry, err);
		if (rc == 0 && json_array_append_new(list, entry) < 0)
			rc = err_oom(err);
	}
	if (rc < 0)
		return rc;
	if (!list)
		return err_oom(err);
	*out = TAKE_PTR(list);
	return 0;
}

// A list of permissions with the names of another added, each once. The new reference, or NULL.
static json_t *names_added(const json_t *have, const json_t *more) {
	_cleanup_json_ json_t *sum = json_array();
	const json_t *const both[] = {have, more};
	for (size_t i = 0; sum && i < ARRAY_SIZE(both); i++) {
		for (size_t j = 0; j < json_array_size(both[i]); j++) {
			json_t *name = json_array_get(both[i], j);
			bool there = false;
			for (size_t k = 0; k < json_array_size(sum) && !there; k++)
				there = strv_eq_nocase(json_string_value(json_array_get(sum, k)), json_string_value(name));
			if (!there && json_array_append(sum, name) < 0)
				return NULL;
		}
	}
	return TAKE_PTR(sum);
}

static json_t *names_of_mask(const struct area *area, int64_t mask) {
	_cleanup_json_ json_t *list = json_array();
	for (size_t i = 0; list && i < area->count; i++)
		if ((mask & (INT64_C(1) << i)) && json_array_append_new(list, json_string(area->names[i])) < 0)
			return NULL;
	return TAKE_PTR(list);
}

// What is left of `have` in the spelling it has, unless it says "all", which is said by its names when not all is left.
static json_t *names_left(const struct area *area, const json_t *have, int64_t had, int64_t left) {
	_cleanup_json_ json_t *list = json_array();
	for (size_t i = 0; list && i < json_array_size(have); i++) {
		json_t *name = json_array_get(have, i);
		bool all = strv_eq_nocase(json_string_value(name), "all");
		if (all && left != had)
			return names_of_mask(area, left);
		if ((all || (left & bit_of(area, json_string_value(name)))) && json_array_append(list, name) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

// Bring the stored entry of a policy to what `add` or `remove` of another makes of it.
static int merge_entry(json_t *stored, const struct policy *had, const json_t *sent, const struct policy *change,
	enum vault_policy_merge how, struct policy *out, struct err *err) {
	struct policy merged = *had;
	json_t *permissions = json_object_get(stored, "permissions");
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		json_t *have = json_object_get(permissions, areas[i].collection);
		if (change->masks[i] == 0)
			continue;
		merged.masks[i] = how == VAULT_POLICY_ADD ? had->masks[i] | change->masks[i] : had->masks[i] & ~change->masks[i];
		json_t *list = how == VAULT_POLICY_ADD
			? names_added(have, json_at(json_object_get(sent, "permissions"), areas[i].collection))
			: names_left(&areas[i], have, had->masks[i], merged.masks[i]);
		if (json_set(permissions, areas[i].collection, list) < 0)
			return err_oom(err);
	}
	*out = merged;
	return 0;
}

// The stored policy of the same object and application, and its place. -ENOENT leaves err untouched.
static int load(struct store_tx *tx, const struct vault_record *v, const char *vault, const struct policy *like, json_t **entry,
	struct policy *out, int64_t *ordinal, struct err *err) {
	_cleanup_json_ json_t *found = NULL;
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT entry, ordinal FROM vault_policies WHERE vault = $1 AND object_id = $2 AND application_id = $3", "sss", vault,
		like->object, like->application);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	const char *text = store_text(rows, 0);
	rc = json_parse(text, strlen(text), "InternalServerError", &found, err);
	if (rc == 0)
		rc = read_policy(v, found, 0, out, err);
	if (rc < 0)
		return rc;
	*ordinal = store_int(rows, 1);
	*entry = TAKE_PTR(found);
	return 0;
}

static int next_ordinal(struct store_tx *tx, const char *vault, int64_t *out, struct err *err) {
	return store_query_int(tx, out, err, "SELECT COALESCE(MAX(ordinal) + 1, 0) FROM vault_policies WHERE vault = $1", "s", vault);
}

static bool allows_nothing(const struct policy *p) {
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++)
		if (p->masks[i] != 0)
			return false;
	return true;
}

static int merge_one(struct store_tx *tx, const struct vault_record *v, const char *vault, enum vault_policy_merge how,
	const json_t *sent, const struct policy *change, struct err *err) {
	_cleanup_json_ json_t *stored = NULL;
	struct policy had, merged = *change;
	int64_t ordinal = 0;
	int rc = load(tx, v, vault, change, &stored, &had, &ordinal, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	bool there = rc == 0;
	if (!there && how == VAULT_POLICY_REMOVE)
		return 0;
	rc = there ? 0 : next_ordinal(tx, vault, &ordinal, err);
	if (rc == 0 && there && how != VAULT_POLICY_REPLACE)
		rc = merge_entry(stored, &had, sent, change, how, &merged, err);
	if (rc == 0 && there)
		rc = store_exec(tx, err, "DELETE FROM vault_policies WHERE vault = $1 AND object_id = $2 AND application_id = $3",
			"sss", vault, merged.object, merged.application);
	if (rc < 0 || (how == VAULT_POLICY_REMOVE && allows_nothing(&merged)))
		return rc < 0 ? rc : 0;
	return insert(tx, vault, &merged, there && how != VAULT_POLICY_REPLACE ? stored : sent, ordinal, err);
}

int vault_policies_merge(struct store_tx *tx, const struct vault_record *v, enum vault_policy_merge how, const json_t *list,
	struct err *err) {
	char vault[VAULT_NAME_MAX + 1];
	vault_lower_name(v->name, vault);
	int rc = check_list(list, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		struct policy change;
		rc = read_policy(v, json_array_get(list, i), i, &change, err);
		if (rc == 0)
			rc = merge_one(tx, v, vault, how, json_array_get(list, i), &change, err);
	}
	int64_t count = 0;
	if (rc == 0)
		rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM vault_policies WHERE vault = $1", "s", vault);
	if (rc == 0 && count > VAULT_POLICIES_MAX)
		rc = err_set(err, -EINVAL, 400, "BadRequest", "A vault has at most %d access policies.", VAULT_POLICIES_MAX);
	return rc;
}

int vault_policies_check(struct store_tx *tx, const char *vault, const struct caller *caller, const char *collection,
	const char *permission, struct err *err) {
	const struct area *area = area_of(collection);
	int64_t bit = area && area->column >= 0 ? bit_of(area, permission) : 0;
	if (bit == 0)
		return -EACCES;
	_cleanup_rows_ struct store_rows *rows = NULL;
	// A policy with an application is for the object through that application alone.
	int rc = store_query(tx, &rows, err,
		"SELECT key_mask, secret_mask FROM vault_policies WHERE vault = $1 AND object_id = $2"
		" AND (application_id = '' OR application_id = $3)", "sss", vault, caller->oid, caller->appid);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		if (store_int(rows, area->column) & bit)
			return 0;
	return rc < 0 ? rc : -EACCES;
}
