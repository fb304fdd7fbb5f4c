// SPDX-License-Identifier: Apache-2.0
// Members of groups and owners of objects.
#include <errno.h>
#include <string.h>

#include "entra/directory_internal.h"

static int exists_already(const char *property, struct err *err) {
	return err_set(err, -EEXIST, 400, "Request_BadRequest",
		"One or more added object references already exist for the following modified properties: '%s'.", property);
}

static int check_room(struct store_tx *tx, const char *sql, const char *id, int64_t most, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err, sql, "s", id);
	return rc == 0 && count >= most ? directory_quota(err) : rc;
}

int directory_add_member(struct store_tx *tx, const char *group_id, const char *member_id, struct err *err) {
	if (strcmp(group_id, member_id) == 0)
		return err_set(err, -EINVAL, 400, "Request_BadRequest", "A group cannot be a member of itself.");
	int rc = check_room(tx, "SELECT COUNT(*) FROM group_members WHERE group_id = $1", group_id, DIRECTORY_MEMBERS_MAX, err);
	if (rc == 0)
		rc = store_exec(tx, err, "INSERT INTO group_members (group_id, member_id) VALUES ($1, $2)", "ss", group_id, member_id);
	if (rc == -EEXIST)
		return exists_already("members", err);
	return rc < 0 ? rc : 0;
}

int directory_remove_member(struct store_tx *tx, const char *group_id, const char *member_id, struct err *err) {
	int rc = store_exec(tx, err, "DELETE FROM group_members WHERE group_id = $1 AND member_id = $2", "ss", group_id, member_id);
	return rc == 0 ? directory_not_found(member_id, err) : rc < 0 ? rc : 0;
}

int directory_is_member(struct store_tx *tx, const char *group_id, const char *member_id, bool *out, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err,
		"WITH RECURSIVE found (id) AS (SELECT group_id FROM group_members WHERE member_id = $1"
		" UNION SELECT m.group_id FROM group_members m JOIN found f ON m.member_id = f.id)"
		" SELECT COUNT(*) FROM found WHERE id = $2",
		"ss", member_id, group_id);
	if (rc == 0)
		*out = count > 0;
	return rc;
}

int directory_add_owner(struct store_tx *tx, const char *object_id, const char *owner_id, struct err *err) {
	int rc = check_room(tx, "SELECT COUNT(*) FROM directory_owners WHERE object_id = $1", object_id, DIRECTORY_OWNERS_MAX, err);
	if (rc == 0)
		rc = store_exec(tx, err, "INSERT INTO directory_owners (object_id, owner_id) VALUES ($1, $2)", "ss", object_id,
			owner_id);
	if (rc == -EEXIST)
		return exists_already("owners", err);
	return rc < 0 ? rc : 0;
}

int directory_remove_owner(struct store_tx *tx, const char *object_id, const char *owner_id, struct err *err) {
	int rc = store_exec(tx, err, "DELETE FROM directory_owners WHERE object_id = $1 AND owner_id = $2", "ss", object_id,
		owner_id);
	return rc == 0 ? directory_not_found(owner_id, err) : rc < 0 ? rc : 0;
}

int directory_is_owner(struct store_tx *tx, const char *object_id, const char *owner_id, bool *out, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err,
		"SELECT COUNT(*) FROM directory_owners WHERE object_id = $1 AND owner_id = $2", "ss", object_id, owner_id);
	if (rc == 0)
		*out = count > 0;
	return rc;
}
