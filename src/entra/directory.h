// SPDX-License-Identifier: Apache-2.0
// The directory: the users, groups, applications and service principals of a tenant, what applications prove themselves
// with, and who may manage all that. What is asked for is looked for in one tenant alone, so that nobody learns of another's
// objects. Errors are worded as Microsoft Graph does; a face with words of its own goes by the return value.
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/secret.h"
#include "entra/entra.h"

#define DIRECTORY_DOMAIN_SUFFIX ".onmicrosoft.com"
#define DIRECTORY_MICROSOFT "f8cdef31-a31e-4b4a-93e4-5f571e91255a"  // the tenant of Microsoft's own applications

enum directory_kind { DIRECTORY_USER, DIRECTORY_GROUP, DIRECTORY_SERVICE_PRINCIPAL, DIRECTORY_APPLICATION };
enum { DIRECTORY_PRINCIPAL_KINDS = 3, DIRECTORY_KINDS };  // the first three can be members, owners and holders of roles

struct directory_object {
	enum directory_kind kind;
	char tenant_id[ENC_UUID_SIZE], id[ENC_UUID_SIZE];
	char app_id[ENC_UUID_SIZE];  // of an application and a service principal, else ""
	char *display_name;
	// The name of a user (UPN, lower case), the sign-in audience of an application, the ARM id (lower case) of a managed
	// identity's service principal; NULL for all others.
	char *detail;
	bool enabled;
	int64_t created, deleted;  // deleted is 0 while it lives; only applications can be restored
	json_t *body;              // what else Graph shows and keeps
};
void directory_object_free(struct directory_object *o);
#define _cleanup_object_ _cleanup_(directory_object_free)

// By object id; by appId. -ENOENT (404 Request_ResourceNotFound), also for what is deleted.
int directory_get(struct store_tx *tx, const char *tenant_id, enum directory_kind kind, const char *id,
	struct directory_object *out, struct err *err) _must_check_;
int directory_get_by_app(struct store_tx *tx, const char *tenant_id, enum directory_kind kind, const char *app_id,
	struct directory_object *out, struct err *err) _must_check_;
int directory_get_user_by_name(struct store_tx *tx, const char *tenant_id, const char *upn, struct directory_object *out,
	struct err *err) _must_check_;

// Whatever has the object id: one of the first `kinds` kinds.
int directory_find(struct store_tx *tx, const char *tenant_id, int kinds, const char *id, struct directory_object *out,
	struct err *err) _must_check_;

// The object of an appId in whatever tenant it is registered, when it lives: for service principals of other tenants.
int directory_get_registration(struct store_tx *tx, const char *app_id, struct directory_object *out, struct err *err)
	_must_check_;

// Lists: the objects of one kind that stand in a relation to an object, in an order in which a page can go on.
enum directory_relation {
	DIRECTORY_ALL,
	DIRECTORY_DELETED,         // and can be restored: applications alone
	DIRECTORY_MEMBERS,         // of a group
	DIRECTORY_ALL_MEMBERS,     // and of the groups in it
	DIRECTORY_GROUPS,          // that an object is a member of; of groups alone
	DIRECTORY_ALL_GROUPS,      // and that these are in
	DIRECTORY_OWNERS,          // of an object
	DIRECTORY_OWNED,           // by a principal
};
struct directory_list {
	const char *tenant_id;
	enum directory_kind kind;
	enum directory_relation relation;
	const char *of;            // object id in lower case; NULL for the first two
	bool by_name, descending;  // by display name, then by object id; else by object id
	// Where the page before ended, or NULL.
	const char *after_name, *after_id;
};
int directory_list_open(struct store_tx *tx, const struct directory_list *l, struct store_rows **out, struct err *err)
	_must_check_;
// 1 and an object for the caller to free, 0 at the end.
int directory_list_next(struct store_rows *rows, enum directory_kind kind, struct directory_object *out, struct err *err)
	_must_check_;
int directory_count(struct store_tx *tx, const struct directory_list *l, int64_t *out, struct err *err) _must_check_;

// Is `member` in the group, itself or through groups?
int directory_is_member(struct store_tx *tx, const char *group_id, const char *member_id, bool *out, struct err *err)
	_must_check_;

// Limits; over them 403 Directory_QuotaExceeded (-EDQUOT).
#define DIRECTORY_OBJECTS_MAX 50000     // of one kind in a tenant
#define DIRECTORY_MEMBERS_MAX 10000     // of a group
#define DIRECTORY_OWNERS_MAX 100        // of an object
#define DIRECTORY_CREDENTIALS_MAX 100   // secrets of an object, certificates likewise
#define DIRECTORY_FEDERATED_MAX 20      // of an application or identity
#define DIRECTORY_RESTORE_SECONDS (30 * 86400LL)  // how long a deleted application can be restored

// Add, with a new id when it has none, and with a new app_id for an application. Write its present state. -EEXIST (400 or
// 409 Request_MultipleObjectsWithSameKeyValue): a service principal of this appId, a user of this name is there.
int directory_add(struct store_tx *tx, struct directory_object *o, struct err *err) _must_check_;
int directory_save(struct store_tx *tx, const struct directory_object *o, struct err *err) _must_check_;

// An application waits to be restored, and its service principal of the same tenant goes; all others are gone for good with
// their memberships, ownerships, directory roles, credentials and sign-ins. Managed identities and Microsoft's own
// applications go with what they belong to: entra_remove_managed_identity. -EPERM (400): the last Global Administrator.
int directory_delete(struct store_tx *tx, const struct directory_object *o, struct err *err) _must_check_;
int directory_restore(struct store_tx *tx, const char *tenant_id, const char *id, struct directory_object *out,
	struct err *err) _must_check_;
int directory_get_deleted(struct store_tx *tx, const char *tenant_id, const char *id, struct directory_object *out,
	struct err *err) _must_check_;
int directory_purge(struct store_tx *tx, const char *tenant_id, const char *id, struct err *err) _must_check_;

// References. Adding one that is there, and a group to itself, is -EEXIST or -EINVAL (400 Request_BadRequest), removing one
// that is not there -ENOENT (404). Both objects must be of one tenant, which is the caller's to have looked at.
int directory_add_member(struct store_tx *tx, const char *group_id, const char *member_id, struct err *err) _must_check_;
int directory_remove_member(struct store_tx *tx, const char *group_id, const char *member_id, struct err *err) _must_check_;
int directory_add_owner(struct store_tx *tx, const char *object_id, const char *owner_id, struct err *err) _must_check_;
int directory_remove_owner(struct store_tx *tx, const char *object_id, const char *owner_id, struct err *err) _must_check_;
int directory_is_owner(struct store_tx *tx, const char *object_id, const char *owner_id, bool *out, struct err *err)
	_must_check_;

#define DIRECTORY_DOMAIN_MAX 64  // with the NUL
struct entra_tenant {
	char id[ENC_UUID_SIZE];
	char display_name[257];
	char domain[DIRECTORY_DOMAIN_MAX];  // "custodisk.onmicrosoft.com"
	int64_t created;
};
// -ENOENT (404 Request_ResourceNotFound).
int directory_tenant(struct store_tx *tx, const char *tenant_id, struct entra_tenant *out, struct err *err) _must_check_;

// Give a tenant the service principals of Microsoft's own applications that every tenant has. Idempotent.
int directory_add_first_party(struct store_tx *tx, const char *tenant_id, struct err *err) _must_check_;
struct directory_first_party {
	const char *app_id, *display_name;
	const char *names;  // space-separated further service principal names
	bool everywhere;    // in every tenant from the start; the others are added by who needs them
};
const struct directory_first_party *directory_first_party(const char *app_id);  // NULL: none of these

// Credentials of an application, good in every tenant, or of a service principal, good in its own. Secrets are kept as
// hashes; the text is returned once.
#define DIRECTORY_HINT_SIZE 4        // the first three characters of a secret, with the NUL
#define DIRECTORY_CREDENTIAL_NAME_MAX 120
struct directory_credential {
	char key_id[ENC_UUID_SIZE];
	char display_name[DIRECTORY_CREDENTIAL_NAME_MAX + 1];
	char hint[DIRECTORY_HINT_SIZE];  // of a secret
	char thumbprint[41];             // of a certificate: SHA-1 in lower-case hex
	int64_t not_before, not_after;
};
// Newest last; an array for the caller to free, NULL when there are none.
int directory_secrets(struct store_tx *tx, const struct directory_object *o, struct directory_credential **out, size_t *count,
	struct err *err) _must_check_;
int directory_certificates(struct store_tx *tx, const struct directory_object *o, struct directory_credential **out,
	size_t *count, struct err *err) _must_check_;

// Times and display name are c's, and of a certificate the key id unless it is ""; the other members are filled. A certificate
// is X.509 in DER; its times are the certificate's where c's are 0, and within them (-EINVAL: 400).
int directory_add_secret(struct store_tx *tx, const struct directory_object *o, struct directory_credential *c,
	struct secret *text, struct err *err) _must_check_;
int directory_add_certificate(struct store_tx *tx, const struct directory_object *o, struct directory_credential *c,
	const void *der, size_t len, struct err *err) _must_check_;
int directory_remove_secret(struct store_tx *tx, const struct directory_object *o, const char *key_id, struct err *err)
	_must_check_;
int directory_remove_certificate(struct store_tx *tx, const struct directory_object *o, const char *key_id, struct err *err)
	_must_check_;

// For who signs in as a service principal. Is this a secret of it or of its application? 0 yes, -EACCES no, -ETIME it was one
// and has expired (err untouched for both).
int directory_check_secret(struct store_tx *tx, const struct entra_principal *p, const char *secret, int64_t now,
	struct err *err) _must_check_;
// Its certificate, or its application's, with this SHA-1 (20 bytes) or SHA-256 (32 bytes) thumbprint: appends the DER.
// -ENOENT with err untouched.
int directory_find_certificate(struct store_tx *tx, const struct entra_principal *p, const void *thumbprint, size_t len,
	struct buf *der, int64_t *not_before, int64_t *not_after, struct err *err) _must_check_;

// Federated credentials; owner is the object id of an application or the ARM id of a user-assigned identity, of any case.
#define DIRECTORY_FEDERATED_TEXT_MAX 600
struct directory_federated {
	char id[ENC_UUID_SIZE];
	char name[121];  // 3 to 120 characters of letters, digits, - and _; never changes
	char issuer[DIRECTORY_FEDERATED_TEXT_MAX + 1], subject[DIRECTORY_FEDERATED_TEXT_MAX + 1];
	char audience[DIRECTORY_FEDERATED_TEXT_MAX + 1], description[DIRECTORY_FEDERATED_TEXT_MAX + 1];
};
// In the order of their names; for the caller to free, NULL when there are none.
int directory_federated_list(struct store_tx *tx, const char *owner, struct directory_federated **out, size_t *count,
	struct err *err) _must_check_;
// By id or name. -ENOENT (404).
int directory_federated_get(struct store_tx *tx, const char *owner, const char *id_or_name, struct directory_federated *out,
	struct err *err) _must_check_;
// With a new id when it has none. -EINVAL (400): a value that cannot be; -EEXIST: 409 for the name, 400 for the pair of issuer
// and subject; -EDQUOT (400): there are 20.
int directory_federated_add(struct store_tx *tx, const char *owner, struct directory_federated *f, struct err *err)
	_must_check_;
int directory_federated_save(struct store_tx *tx, const char *owner, const struct directory_federated *f, struct err *err)
	_must_check_;
int directory_federated_remove(struct store_tx *tx, const char *owner, const char *id_or_name, struct err *err)
	_must_check_;  // -ENOENT (404)
int directory_federated_remove_all(struct store_tx *tx, const char *owner, struct err *err) _must_check_;

// Directory roles: who may manage what in a tenant. Deny by default.
enum directory_right {
	DIRECTORY_READ = 1,
	DIRECTORY_WRITE_APPLICATIONS = 2,  // and service principals
	DIRECTORY_WRITE_USERS = 4,
	DIRECTORY_WRITE_GROUPS = 8,
	DIRECTORY_WRITE_ROLES = 16,
};
struct directory_role {
	const char *id;  // GUID of the built-in role, its template's too
	const char *name, *description;
	unsigned rights;  // enum directory_right
};
const struct directory_role *directory_roles(size_t *count);
const struct directory_role *directory_role_by_id(const char *id);  // NULL when unknown
#define DIRECTORY_GLOBAL_ADMINISTRATOR "62e90394-69f5-4237-9190-012177145e10"

struct directory_role_assignment {
	char id[ENC_UUID_SIZE], principal_id[ENC_UUID_SIZE], role_id[ENC_UUID_SIZE];
};
// With a new id when it has none. -EEXIST (400): it is there.
int directory_assign_role(struct store_tx *tx, const char *tenant_id, struct directory_role_assignment *a, struct err *err)
	_must_check_;
int directory_unassign_role(struct store_tx *tx, const char *tenant_id, const char *id, struct err *err) _must_check_;
// Those of the tenant, or of one principal, or the one with an id (NULL: any); for the caller to free.
int directory_role_assignments(struct store_tx *tx, const char *tenant_id, const char *principal_id, const char *id,
	struct directory_role_assignment **out, size_t *count, struct err *err) _must_check_;

// What a principal may do by its roles. Users may read whatever roles they have.
int directory_rights(struct store_tx *tx, const char *tenant_id, const char *principal_id, unsigned *out, struct err *err)
	_must_check_;
