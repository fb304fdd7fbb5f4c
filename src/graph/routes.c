// SPDX-License-Identifier: Apache-2.0
// Every operation that is served. Literal segments stand before captures.
#include "graph/internal.h"

#define USER DIRECTORY_USER
#define GROUP DIRECTORY_GROUP
#define PRINCIPAL DIRECTORY_SERVICE_PRINCIPAL
#define APPLICATION DIRECTORY_APPLICATION
#define ANYONE KIND_BITS_PRINCIPALS

// Create, read, change and delete objects of a kind, by id.
#define OBJECTS(path, kind) \
	{{"GET", path}, entity_list, kind, DIRECTORY_ALL, 0}, {{"POST", path}, entity_create, kind, 0, 0}, \
	{{"GET", path "/$count"}, entity_count, kind, DIRECTORY_ALL, 0}, {{"GET", path "/{id}"}, entity_get, kind, 0, 0}, \
	{{"PATCH", path "/{id}"}, entity_update, kind, 0, 0}, {{"DELETE", path "/{id}"}, entity_delete, kind, 0, 0}

#define OWNERS(path, kind) \
	{{"GET", path "/{id}/owners"}, entity_list, kind, DIRECTORY_OWNERS, ANYONE}, \
	{{"POST", path "/{id}/owners/$ref"}, owner_add, kind, 0, 0}, \
	{{"DELETE", path "/{id}/owners/{other}/$ref"}, owner_remove, kind, 0, 0}

#define PASSWORDS(path, kind) \
	{{"POST", path "/{id}/addPassword"}, password_add, kind, 0, 0}, \
	{{"POST", path "/{id}/removePassword"}, password_remove, kind, 0, 0}

// What every principal has: groups that it is in.
#define MEMBERSHIPS(path, kind) \
	{{"GET", path "/{id}/memberOf"}, entity_list, kind, DIRECTORY_GROUPS, KIND_BIT(GROUP)}, \
	{{"GET", path "/{id}/transitiveMemberOf"}, entity_list, kind, DIRECTORY_ALL_GROUPS, KIND_BIT(GROUP)}, \
	{{"POST", path "/{id}/getMemberGroups"}, member_groups, kind, 0, 0}, \
	{{"POST", path "/{id}/getMemberObjects"}, member_groups, kind, 0, 0}, \
	{{"POST", path "/{id}/checkMemberGroups"}, member_check_groups, kind, 0, 0}, \
	{{"POST", path "/{id}/checkMemberObjects"}, member_check_objects, kind, 0, 0}

#define FEDERATED "/applications/{id}/federatedIdentityCredentials"
#define PASSES "/users/{id}/authentication/temporaryAccessPassMethods"
#define ROLES "/roleManagement/directory"

const struct operation operations[] = {
	OBJECTS("/applications", APPLICATION),
	OWNERS("/applications", APPLICATION),
	PASSWORDS("/applications", APPLICATION),
	{{"GET", FEDERATED}, federated_list, APPLICATION, 0, 0},
	{{"POST", FEDERATED}, federated_create, APPLICATION, 0, 0},
	{{"GET", FEDERATED "/{other}"}, federated_get, APPLICATION, 0, 0},
	{{"PATCH", FEDERATED "/{other}"}, federated_update, APPLICATION, 0, 0},
	{{"DELETE", FEDERATED "/{other}"}, federated_delete, APPLICATION, 0, 0},

	OBJECTS("/servicePrincipals", PRINCIPAL),
	OWNERS("/servicePrincipals", PRINCIPAL),
	PASSWORDS("/servicePrincipals", PRINCIPAL),
	MEMBERSHIPS("/servicePrincipals", PRINCIPAL),
	{{"GET", "/servicePrincipals/{id}/ownedObjects"}, entity_list, PRINCIPAL, DIRECTORY_OWNED, ~0u},
	{{"GET", "/servicePrincipals/{id}/appRoleAssignments"}, empty_list, PRINCIPAL, 0, 0},
	{{"GET", "/servicePrincipals/{id}/appRoleAssignedTo"}, empty_list, PRINCIPAL, 0, 0},
	{{"GET", "/servicePrincipals/{id}/oauth2PermissionGrants"}, empty_list, PRINCIPAL, 0, 0},

	OBJECTS("/users", USER),
	MEMBERSHIPS("/users", USER),
	{{"GET", "/users/{id}/ownedObjects"}, entity_list, USER, DIRECTORY_OWNED, ~0u},

	{{"GET", PASSES}, pass_list, USER, 0, 0},
	{{"POST", PASSES}, pass_create, USER, 0, 0},
	{{"GET", PASSES "/{other}"}, pass_get, USER, 0, 0},
	{{"DELETE", PASSES "/{other}"}, pass_delete, USER, 0, 0},
	{{"POST", "/users/{id}/revokeSignInSessions"}, sessions_revoke, USER, 0, 0},

	OBJECTS("/groups", GROUP),
	OWNERS("/groups", GROUP),
	MEMBERSHIPS("/groups", GROUP),
	{{"GET", "/groups/{id}/members"}, entity_list, GROUP, DIRECTORY_MEMBERS, ANYONE},
	{{"GET", "/groups/{id}/transitiveMembers"}, entity_list, GROUP, DIRECTORY_ALL_MEMBERS, ANYONE},
	{{"POST", "/groups/{id}/members/$ref"}, member_add, GROUP, 0, 0},
	{{"DELETE", "/groups/{id}/members/{other}/$ref"}, member_remove, GROUP, 0, 0},

	{{"POST", "/directoryObjects/getByIds"}, any_by_ids, 0, 0, 0},
	{{"GET", "/directoryObjects/{id}"}, any_get, 0, 0, 0},
	{{"POST", "/directoryObjects/{id}/getMemberGroups"}, member_groups, USER, 0, ANYONE},
	{{"POST", "/directoryObjects/{id}/checkMemberGroups"}, member_check_groups, USER, 0, ANYONE},
	{{"POST", "/directoryObjects/{id}/checkMemberObjects"}, member_check_objects, USER, 0, ANYONE},

	{{"GET", "/me"}, me_get, USER, 0, 0},
	{{"GET", "/me/ownedObjects"}, me_owned, USER, DIRECTORY_OWNED, ~0u},
	{{"GET", "/me/memberOf"}, me_owned, USER, DIRECTORY_GROUPS, KIND_BIT(GROUP)},
	{{"GET", "/me/transitiveMemberOf"}, me_owned, USER, DIRECTORY_ALL_GROUPS, KIND_BIT(GROUP)},

	{{"GET", "/directory/deletedItems/microsoft.graph.application"}, deleted_list, APPLICATION, DIRECTORY_DELETED, 0},
	{{"GET", "/directory/deletedItems/{id}"}, deleted_get, APPLICATION, 0, 0},
	{{"POST", "/directory/deletedItems/{id}/restore"}, deleted_restore, APPLICATION, 0, 0},
	{{"DELETE", "/directory/deletedItems/{id}"}, deleted_purge, APPLICATION, 0, 0},

	{{"GET", "/organization"}, organization_list, 0, 0, 0},
	{{"GET", "/organization/{id}"}, organization_get, 0, 0, 0},
	{{"GET", "/domains"}, domain_list, 0, 0, 0},
	{{"GET", "/domains/{id}"}, domain_get, 0, 0, 0},
	{{"GET", "/oauth2PermissionGrants"}, empty_list, 0, 0, 0},

	{{"GET", ROLES "/roleDefinitions"}, role_list, 0, 0, 0},
	{{"GET", ROLES "/roleDefinitions/{id}"}, role_get, 0, 0, 0},
	{{"GET", ROLES "/roleAssignments"}, role_assignment_list, 0, 0, 0},
	{{"POST", ROLES "/roleAssignments"}, role_assignment_create, 0, 0, 0},
	{{"GET", ROLES "/roleAssignments/{id}"}, role_assignment_get, 0, 0, 0},
	{{"DELETE", ROLES "/roleAssignments/{id}"}, role_assignment_delete, 0, 0, 0},
};
const size_t operation_count = sizeof(operations) / sizeof(operations[0]);
