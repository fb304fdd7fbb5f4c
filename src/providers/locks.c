// SPDX-License-Identifier: Apache-2.0
// Microsoft.Authorization/locks: an extension of subscriptions, groups and resources; arm/locks.c enforces them.
#include "arm/locks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "providers/authorization.h"
#include "providers/providers.h"

enum { NOTES_MAX = 512, OWNERS_MAX = 20, SCOPE_MAX = 20 };

#define COLUMNS \
	"SELECT display_id, display_scope, level, notes, owners, created, created_by, updated, updated_by FROM management_locks "

static json_t *render(struct store_rows *rows) {
	char created[CLOCK_RFC3339_MAX], updated[CLOCK_RFC3339_MAX];
	const char *id = store_text(rows, 0), *notes = store_text(rows, 3), *owners = store_text(rows, 4);
	_cleanup_json_ json_t *shown = json_pack("{s:s, s:s, s:s, s:{s:s}, s:{s:s, s:s, s:s, s:s}}", "id", id, "name",
		strrchr(id, '/') + 1, "type", "Microsoft.Authorization/locks", "properties", "level", store_text(rows, 2),
		"systemData", "createdBy", store_text(rows, 6), "createdAt",
		clock_rfc3339(store_int(rows, 5), created), "lastModifiedBy", store_text(rows, 8), "lastModifiedAt", clock_rfc3339(store_int(rows, 7), updated));
	json_t *properties = json_object_get(shown, "properties");
	_cleanup_json_ json_t *list = NULL;
	if (!shown || (notes && json_set_str(properties, "notes", notes) < 0))
		return NULL;
	if (owners && (json_parse(owners, strlen(owners), "InternalServerError", &list, NULL) < 0 ||
			      json_object_set(properties, "owners", list) < 0))
		return NULL;
	return TAKE_PTR(shown);
}

// 1 and the lock at its first row, 0 when it is not there.
static int load(struct arm_call *call, struct store_rows **out, struct err *err) {
	_cleanup_free_ char *id = strv_lower(call->target->id);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!id)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err, COLUMNS "WHERE id = $1", "s", id);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc > 0)
		*out = TAKE_PTR(rows);
	return rc;
}

static int show(struct arm_call *call, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = load(call, &rows, err);
	if (rc == 0)
		return err_set(err, -ENOENT, 404, "LockNotFound", "The lock '%s' could not be found.", call->target->name);
	if (rc < 0)
		return rc;
	call->response->json = render(rows);
	return call->response->json ? 0 : err_oom(err);
}

// What is to be stored.
struct request {
	json_t *body;
	const char *level, *notes;
	char *owners;  // JSON, or NULL
};

static void request_free(struct request *r) {
	json_decref(r->body);
	free(r->owners);
}

static int invalid(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 400, "InvalidLockDefinition", "The lock definition is not valid: %s.", what);
}

static int read_owners(struct request *r, struct err *err) {
	const json_t *owners = json_at(r->body, "properties.owners");
	size_t i;
	json_t *owner;
	if (!owners || json_is_null(owners))
		return 0;
	if (!json_is_array(owners) || json_array_size(owners) > OWNERS_MAX)
		return invalid(err, "'owners' is an array of at most 20 owners");
	json_array_foreach(owners, i, owner) {
		const char *id = json_str(owner, "applicationId");
		if (!id || strlen(id) > 64 || json_object_size(owner) != 1)
			return invalid(err, "an owner has an 'applicationId'");
	}
	r->owners = json_text(owners);
	return r->owners ? 0 : err_oom(err);
}

static int read_request(struct arm_call *call, struct request *r, struct err *err) {
	static const char *const levels[] = {ARM_LOCK_CAN_NOT_DELETE, ARM_LOCK_READ_ONLY};
	int rc = arm_body(call->request, &r->body, err);
	if (rc < 0)
		return rc;
	const char *level = json_str(r->body, "properties.level");
	for (size_t i = 0; level && i < ARRAY_SIZE(levels); i++)
		if (strv_eq_nocase(level, levels[i]))
			r->level = levels[i];
	if (!r->level)
		return invalid(err, "the level must be 'CanNotDelete' or 'ReadOnly'");
	const json_t *notes = json_at(r->body, "properties.notes");
	if (notes && !json_is_null(notes) && (!json_is_string(notes) || json_string_length(notes) > NOTES_MAX))
		return invalid(err, "'notes' is a text of at most 512 characters");
	r->notes = json_string_value(notes);
	if (strpbrk(call->target->name, "<>%&:\\?"))
		return invalid(err, "its name has one of the characters < > % & : \\ ?");
	return read_owners(r, err);
}

static int check_limit(struct arm_call *call, const char *scope, struct err *err) {
	int64_t count;
	int rc = store_query_int(call->tx, &count, err, "SELECT COUNT(*) FROM management_locks WHERE scope = $1", "s", scope);
	if (rc == 0 && count >= SCOPE_MAX)
		return err_set(err, -EDQUOT, 409, "LockLimitExceeded", "The scope '%s' has %d locks, the most that one may have.",
			call->target->scope, SCOPE_MAX);
	return rc;
}

static int save(struct arm_call *call, const struct request *r, struct err *err) {
	_cleanup_free_ char *id = strv_lower(call->target->id);
	_cleanup_free_ char *scope = strv_lower(call->target->scope);
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	if (!id || !scope || !subscription)
		return err_oom(err);
	int rc = store_exec(call->tx, err,
		"UPDATE management_locks SET level = $1, notes = $2, owners = $3, updated = $4, updated_by = $5 WHERE id = $6", "sssiss",
		r->level, r->notes, r->owners, clock_now(), call->caller->oid, id);
	call->response->status = rc > 0 ? 200 : 201;
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = check_limit(call, scope, err);
	if (rc < 0)
		return rc;
	rc = store_exec(call->tx, err,
		"INSERT INTO management_locks (id, display_id, subscription_id, name, scope, display_scope, level, notes, owners,"
		" created, created_by, updated, updated_by) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$10,$11)",
		"sssssssssis", id, call->target->id, subscription, call->target->name, scope, call->target->scope, r->level, r->notes,
		r->owners, clock_now(), call->caller->oid);
	return rc < 0 ? rc : 0;
}

static int write_lock(struct arm_call *call, struct err *err) {
	_cleanup_(request_free) struct request r = {0};
	int rc = arm_authorize(call, authorization_scope(call), "Microsoft.Authorization/locks/write", err);
	if (rc == 0)
		rc = authorization_check_scope(call, authorization_scope(call), false, err);
	if (rc == 0)
		rc = read_request(call, &r, err);
	if (rc == 0)
		rc = save(call, &r, err);
	return rc < 0 ? rc : show(call, err);
}

static int remove_lock(struct arm_call *call, struct err *err) {
	int rc = arm_authorize(call, authorization_scope(call), "Microsoft.Authorization/locks/delete", err);
	if (rc < 0)
		return rc;
	_cleanup_free_ char *id = strv_lower(call->target->id);
	rc = id ? store_exec(call->tx, err, "DELETE FROM management_locks WHERE id = $1", "s", id) : err_oom(err);
	call->response->status = rc > 0 ? 200 : 204;
	return rc < 0 ? rc : 0;
}

// Those at the scope and above it, and below it unless atScope() keeps them out.
static int list(struct arm_call *call, struct err *err) {
	struct authorization_filter f;
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!subscription)
		return err_oom(err);
	int rc = authorization_read_filter(call, "atScope", &f, err);
	if (rc == 0)
		rc = store_query(call->tx, &rows, err, COLUMNS "WHERE subscription_id = $1 ORDER BY id", "s", subscription);
	if (rc < 0)
		return rc;
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	while ((rc = store_next(rows, err)) > 0) {
		const char *scope = store_text(rows, 1);
		if (!access_scope_within(call->target->scope, scope) &&
			(f.at_scope || !access_scope_within(scope, call->target->scope)))
			continue;
		if (json_array_append_new(value, render(rows)) < 0)
			return err_oom(err);
	}
	return rc;
}

static int handle(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	bool named = call->target->name[0] != 0;
	if (named && !call->target->tail[0] && strcmp(method, "PUT") == 0)
		return write_lock(call, err);
	if (named && !call->target->tail[0] && strcmp(method, "DELETE") == 0)
		return remove_lock(call, err);
	if (strcmp(method, "GET") != 0 || call->target->tail[0])
		return authorization_refuse_method(call, err);
	int rc = arm_authorize(call, authorization_scope(call), "Microsoft.Authorization/locks/read", err);
	if (rc < 0)
		return rc;
	return named ? show(call, err) : list(call, err);
}

static const char *const versions[] = {"2020-05-01", "2017-04-01", "2016-09-01", "2015-06-01", "2015-05-01-preview",
	"2015-01-01", NULL};

const struct arm_type locks_type = {.name = "Microsoft.Authorization/locks", .versions = versions, .extends = true, .raw = handle};
