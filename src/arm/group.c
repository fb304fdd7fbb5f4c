// SPDX-License-Identifier: Apache-2.0
// The end of a resource group: what it holds goes first, what is built on others before what it is built on.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm/internal.h"
#include "base/strv.h"

enum { ROUND_MS = 250 };

struct member {
	char *id;
	const struct arm_type *type;
	size_t depth;
};

struct members {
	struct arm *arm;
	struct member *list;
	size_t count;
};

static void members_free(struct members *m) {
	for (size_t i = 0; i < m->count; i++)
		free(m->list[i].id);
	free(m->list);
}

static size_t depth_of(const char *id) {
	size_t depth = 0;
	for (; *id; id++)
		depth += *id == '/';
	return depth;
}

static int add_member(void *ctx, struct store_tx *tx, struct resource *r, struct err *err) {
	(void)tx;
	struct members *m = ctx;
	const struct arm_type *type = arm_find_type(m->arm, r->type);
	if (!type || type->container)
		return 0;
	struct member *list = reallocarray(m->list, m->count + 1, sizeof(*list));
	if (!list)
		return err_oom(err);
	m->list = list;
	char *id = strdup(r->display_id);
	if (!id)
		return err_oom(err);
	m->list[m->count++] = (struct member){.id = id, .type = type, .depth = depth_of(id)};
	return 0;
}

// Parts before wholes, then by rank.
static int compare(const void *x, const void *y) {
	const struct member *a = x, *b = y;
	if (a->depth != b->depth)
		return a->depth > b->depth ? -1 : 1;
	if (a->type->deletion_rank != b->type->deletion_rank)
		return a->type->deletion_rank < b->type->deletion_rank ? -1 : 1;
	return strcmp(a->id, b->id);
}

static int collect(struct arm *arm, const char *group_id, struct members *m, struct caller *caller, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_resource_ struct resource group = {0};
	m->arm = arm;
	int rc = store_begin(arm->config.store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = arm_job_caller(tx, arm_group_deletion.name, group_id, caller, err);
	if (rc == 0)
		rc = resource_load(tx, group_id, &group, err);
	if (rc == 0)
		rc = resource_each(tx, group.subscription, group.group, "", add_member, m, err);
	if (rc == 0 && m->count > 0)
		qsort(m->list, m->count, sizeof(*m->list), compare);
	return rc;
}

static int is_running(struct arm *arm, const char *id, bool *running, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_resource_ struct resource r = {0};
	int rc = store_begin(arm->config.store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = resource_load(tx, id, &r, err);
	return rc == 0 ? arm_operation_running(tx, &r, running, err) : rc;
}

// Deletes one member. *moves: something happened to it, or is about to.
static int delete_member(struct arm *arm, const struct caller *caller, const struct member *m, bool *moves, struct err *err) {
	bool running = false;
	int rc = is_running(arm, m->id, &running, err);
	if (rc == -ENOENT || running) {
		*moves = true;
		return 0;
	}
	if (rc < 0)
		return rc;
	_cleanup_free_ char *target = strv_printf("%s?api-version=%s", m->id, arm_type_version(m->type));
	_cleanup_(arm_outcome_free) struct arm_outcome outcome = {0};
	if (!target)
		return err_oom(err);
	rc = arm_perform(arm, caller, NULL, "DELETE", target, NULL, &outcome, err);
	*moves = rc == 0;
	return rc;
}

static int finish(struct arm *arm, const char *group_id, const struct err *failure, const json_t *details, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(arm->config.store, STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = arm_job_end(arm, tx, arm_group_deletion.name, group_id, failure, details, err);
	return rc < 0 ? rc : store_commit(&tx, err);
}

static int add_detail(json_t *details, const struct member *m, const struct err *why, struct err *err) {
	_cleanup_json_ json_t *detail = arm_error_object(why, NULL);
	if (!detail || json_set_str(detail, "target", m->id) < 0 || json_array_append(details, detail) < 0)
		return err_oom(err);
	return 0;
}

// One round over what is left; another one follows as long as something moves.
static int delete_round(struct arm *arm, const char *group_id, int64_t *again_ms, struct err *err) {
	_cleanup_(members_free) struct members members = {0};
	_cleanup_json_ json_t *details = json_array();
	struct caller caller;
	bool moves = false;
	if (!details)
		return err_oom(err);
	int rc = collect(arm, group_id, &members, &caller, err);
	if (rc == -EACCES) {
		const struct err refused = *err;
		*again_ms = ARM_JOB_OVER;
		return finish(arm, group_id, &refused, NULL, err);
	}
	for (size_t i = 0; rc == 0 && i < members.count; i++) {
		struct err why = {0};
		bool moved = false;
		rc = delete_member(arm, &caller, &members.list[i], &moved, &why);
		moves = moves || moved;
		if (rc < 0 && why.status >= 500) {
			*err = why;
			return rc;
		}
		if (rc < 0)
			rc = add_detail(details, &members.list[i], &why, err);
	}
	if (rc < 0)
		return rc;
	if (moves) {
		*again_ms = ROUND_MS;
		return 0;
	}
	*again_ms = ARM_JOB_OVER;
	struct err blocked = {0};
	if (members.count > 0)
		(void)err_set(&blocked, -EBUSY, 409, "ResourceGroupDeletionBlocked",
			"Deletion of resource group '%s' failed as resources with identifiers '%s'%s could not be deleted. The provisioning "
			"state of the resource group will be rolled back. See details.",
			strrchr(group_id, '/') + 1, members.list[0].id, members.count > 1 ? " and others" : "");
	return finish(arm, group_id, members.count > 0 ? &blocked : NULL, details, err);
}

const struct arm_job_kind arm_group_deletion = {.name = "deleteGroup", .step = delete_round};

int arm_group_delete(struct arm_call *call, const struct resource *group, struct err *err) {
	return arm_job_enqueue(call, arm_group_deletion.name, group->id, err);
}

int arm_scope_removed(struct arm *arm, struct store_tx *tx, const char *scope, struct err *err) {
	for (size_t i = 0; i < arm->config.type_count; i++) {
		const struct arm_type *type = arm->config.types[i];
		int rc = type->scope_removed ? type->scope_removed(tx, scope, err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}
