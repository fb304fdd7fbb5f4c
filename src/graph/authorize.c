// SPDX-License-Identifier: Apache-2.0
// Who may do what in a tenant's directory. Deny by default:
//
// - users read everything; applications need a directory role for that, but see themselves and what they own;
// - users may register applications, and are their owners; all else is made by who has a directory role for it;
// - objects are changed by who has a directory role for their kind, and applications, service principals and groups also by
//   their owners;
// - whoever is not an owner changes nothing that holds more rights than the caller, lest credentials of it be taken.
#include <errno.h>
#include <string.h>

#include "access/access.h"
#include "base/strv.h"
#include "graph/internal.h"

enum { REGISTRATIONS_MAX = 250 };  // of a user without a role

static unsigned right_to_write(enum directory_kind kind) {
	switch (kind) {
	case DIRECTORY_USER:
		return DIRECTORY_WRITE_USERS;
	case DIRECTORY_GROUP:
		return DIRECTORY_WRITE_GROUPS;
	case DIRECTORY_SERVICE_PRINCIPAL:
	case DIRECTORY_APPLICATION:
		break;
	}
	return DIRECTORY_WRITE_APPLICATIONS;
}

int may_read(const struct call *c, struct err *err) {
	return c->caller_kind == DIRECTORY_USER || (c->rights & DIRECTORY_READ) ? 0 : call_denied(err);
}

static bool is_self(const struct call *c, const struct directory_object *o) {
	return strcmp(o->id, c->caller.oid) == 0 ||
		(o->kind == DIRECTORY_APPLICATION && c->caller_kind == DIRECTORY_SERVICE_PRINCIPAL &&
			strcmp(o->app_id, c->caller.appid) == 0);
}

int may_read_object(struct call *c, const struct directory_object *o, struct err *err) {
	bool owner = false;
	if (may_read(c, NULL) == 0 || is_self(c, o))
		return 0;
	int rc = directory_is_owner(c->tx, o->id, c->caller.oid, &owner, err);
	if (rc < 0)
		return rc;
	return owner ? 0 : call_denied(err);
}

int may_create(struct call *c, enum directory_kind kind, struct err *err) {
	int64_t owned = 0;
	if (c->rights & right_to_write(kind))
		return 0;
	if (kind != DIRECTORY_APPLICATION || c->caller_kind != DIRECTORY_USER)
		return call_denied(err);
	const struct directory_list mine = {.tenant_id = c->caller.tenant, .kind = kind, .relation = DIRECTORY_OWNED,
		.of = c->caller.oid};
	int rc = directory_count(c->tx, &mine, &owned, err);
	if (rc == 0 && owned >= REGISTRATIONS_MAX)
		return err_set(err, -EDQUOT, 403, "Directory_QuotaExceeded",
			"The directory object quota limit for the Principal has been exceeded. Please ask your administrator to increase "
			"the quota limit or delete objects to reduce the used quota.");
	return rc;
}

// Is it, by itself or by a group, a hypervisor's, or has it a role in all that is the tenant's, as the operator has?
static int stands_above(struct call *c, const char *principal_id, bool *out, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(c->tx, &count, err,
		"WITH RECURSIVE principals(id) AS (SELECT CAST($1 AS TEXT) UNION"
		" SELECT m.group_id FROM group_members m JOIN principals p ON m.member_id = p.id)"
		" SELECT COUNT(*) FROM role_assignments WHERE principal_id IN (SELECT id FROM principals)"
		" AND (scope = '/' OR role_id = $2)",
		"ss", principal_id, ACCESS_ROLE_HYPERVISOR);
	if (rc == 0)
		*out = count > 0;
	return rc;
}

static int rights_of_principal(struct call *c, const char *tenant_id, const char *id, unsigned *out, struct err *err) {
	bool above = false;
	unsigned held = 0;
	int rc = directory_rights(c->tx, tenant_id, id, &held, err);
	if (rc == 0)
		rc = stands_above(c, id, &above, err);
	if (rc == 0)
		*out = above ? directory_role_by_id(DIRECTORY_GLOBAL_ADMINISTRATOR)->rights : held;
	return rc;
}

// What an object's principal may do by its directory roles; one that stands above the directory all.
static int rights_of(struct call *c, const struct directory_object *o, unsigned *out, struct err *err) {
	_cleanup_object_ struct directory_object principal = {0};
	if (o->kind != DIRECTORY_APPLICATION)
		return rights_of_principal(c, o->tenant_id, o->id, out, err);
	int rc = directory_get_by_app(c->tx, o->tenant_id, DIRECTORY_SERVICE_PRINCIPAL, o->app_id, &principal, err);
	*out = 0;
	if (rc == -ENOENT)
		return 0;
	return rc < 0 ? rc : rights_of_principal(c, o->tenant_id, principal.id, out, err);
}

int may_write(struct call *c, const struct directory_object *o, struct err *err) {
	bool owner = false;
	unsigned held = 0;
	int rc = directory_is_owner(c->tx, o->id, c->caller.oid, &owner, err);
	if (rc < 0 || owner)
		return rc;
	if (!(c->rights & right_to_write(o->kind)))
		return call_denied(err);
	rc = rights_of(c, o, &held, err);
	if (rc < 0)
		return rc;
	return (held & ~c->rights) == 0 ? 0 : call_denied(err);
}
