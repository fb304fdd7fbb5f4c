// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: the call, who may do what in it, and how objects are shown and changed.
#pragma once

#include <errno.h>

#include "access/caller.h"
#include "base/json.h"
#include "entra/directory.h"
#include "graph/odata.h"
#include "graph/graph.h"
#include "net/router.h"

struct graph {
	struct store *store;
	struct entra *entra;
	json_t *templates[DIRECTORY_KINDS];  // objects with every property at its default
};

struct operation;

struct call {
	struct graph *graph;
	const struct http_request *req;
	struct http_response *res;
	struct store_tx *tx;
	const struct operation *op;
	struct route_match match;
	const char *version;            // "v1.0" or "beta"
	struct caller caller;
	enum directory_kind caller_kind;  // user or service principal
	unsigned rights;                // by directory roles
	const json_t *body;             // of a POST or PATCH: an object
	char id[ENC_UUID_SIZE];         // the request's
	// The answer; 200 with a body and 204 without when status is 0.
	int status;
	json_t *json;
};

struct operation {
	struct route route;  // behind the version
	int (*run)(struct call *c, struct err *err);
	enum directory_kind kind;          // what it is about
	enum directory_relation relation;  // lists: of what is named by {id}
	unsigned listed;                   // lists: kinds, a bit each; 0 for `kind` alone
};
extern const struct operation operations[];
extern const size_t operation_count;

// The words of a kind.
struct kind_words {
	const char *collection;  // "servicePrincipals"
	const char *type;        // "servicePrincipal", behind "#microsoft.graph."
	const char *resource;    // "ServicePrincipal", in messages
};
const struct kind_words *kind_words(enum directory_kind kind);
#define KIND_BIT(kind) (1u << (kind))
#define KIND_BITS_PRINCIPALS (KIND_BIT(DIRECTORY_USER) | KIND_BIT(DIRECTORY_GROUP) | KIND_BIT(DIRECTORY_SERVICE_PRINCIPAL))

// Errors in Graph's words; all return a negative errno.
int call_denied(struct err *err);                                     // 403 Authorization_RequestDenied
#define call_bad_request(err, ...) err_set(err, -EINVAL, 400, "Request_BadRequest", __VA_ARGS__)
int call_invalid_value(struct err *err, enum directory_kind kind, const char *property);
#define call_unsupported(err, ...) err_set(err, -EINVAL, 400, "Request_UnsupportedQuery", __VA_ARGS__)

// Who may do what: users of the tenant read it all and directory roles let others read; roles and ownership let write. -EACCES.
int may_read(const struct call *c, struct err *err) _must_check_;
int may_read_object(struct call *c, const struct directory_object *o, struct err *err) _must_check_;
int may_create(struct call *c, enum directory_kind kind, struct err *err) _must_check_;
int may_write(struct call *c, const struct directory_object *o, struct err *err) _must_check_;

// The object that {id} of the path names: an object id, an appId or a user's name; of the operation's kind.
int call_object(struct call *c, struct directory_object *out, struct err *err) _must_check_;
// Whatever has the id, of the kinds that the caller looks for.
int call_any_object(struct call *c, int kinds, const char *id, struct directory_object *out, struct err *err) _must_check_;

// The id at the end of the body's "@odata.id".
int call_reference(const struct call *c, char out[static ENC_UUID_SIZE], struct err *err) _must_check_;

// How objects look. `full` also shows credentials; without it everything that can be filtered by is there.
json_t *render_object(struct call *c, const struct directory_object *o, bool full, struct err *err);
// Credentials for an object that was rendered without them.
int render_credentials(struct call *c, const struct directory_object *o, json_t *shown, struct err *err) _must_check_;
json_t *render_secret(const struct directory_credential *s);
json_t *render_time(int64_t t);

// What of it the request selects, with its context. Steals `shown`.
int answer_object(struct call *c, int status, enum directory_kind kind, json_t *shown, struct err *err) _must_check_;
int answer_list(struct call *c, struct err *err) _must_check_;  // of the operation's relation
int answer_values(struct call *c, const char *context, json_t *values, struct err *err) _must_check_;  // steals values
json_t *context_url(const struct call *c, const char *fmt, ...) _printf_(2, 3);

// $select as a list of names, NULL when there is none and everything is shown that the kind shows by default.
int query_select(const struct call *c, enum directory_kind kind, json_t **out, struct err *err) _must_check_;
json_t *query_apply_select(const json_t *shown, const json_t *select);

// Take a body's members over into an object, each as the table of its kind says. `creating`: not a change.
int properties_apply(struct call *c, struct directory_object *o, bool creating, struct err *err) _must_check_;
json_t *properties_template(enum directory_kind kind);
// A user is shown these alone unless $select asks for others.
extern const char *const user_default_properties[];

// keyCredentials and passwordCredentials of a body.
int credentials_apply(struct call *c, const struct directory_object *o, struct err *err) _must_check_;

// Operations.
int entity_list(struct call *c, struct err *err);
int entity_count(struct call *c, struct err *err);
int entity_get(struct call *c, struct err *err);
int entity_create(struct call *c, struct err *err);
int entity_update(struct call *c, struct err *err);
int entity_delete(struct call *c, struct err *err);
int password_add(struct call *c, struct err *err);
int password_remove(struct call *c, struct err *err);
int federated_list(struct call *c, struct err *err);
int federated_get(struct call *c, struct err *err);
int federated_create(struct call *c, struct err *err);
int federated_update(struct call *c, struct err *err);
int federated_delete(struct call *c, struct err *err);
int owner_add(struct call *c, struct err *err);
int owner_remove(struct call *c, struct err *err);
int member_add(struct call *c, struct err *err);
int member_remove(struct call *c, struct err *err);
int member_groups(struct call *c, struct err *err);
int member_check_groups(struct call *c, struct err *err);
int member_check_objects(struct call *c, struct err *err);
int any_get(struct call *c, struct err *err);
int any_by_ids(struct call *c, struct err *err);
int me_get(struct call *c, struct err *err);
int me_owned(struct call *c, struct err *err);
int deleted_list(struct call *c, struct err *err);
int deleted_get(struct call *c, struct err *err);
int deleted_restore(struct call *c, struct err *err);
int deleted_purge(struct call *c, struct err *err);
int organization_list(struct call *c, struct err *err);
int organization_get(struct call *c, struct err *err);
int domain_list(struct call *c, struct err *err);
int domain_get(struct call *c, struct err *err);
int empty_list(struct call *c, struct err *err);
int pass_list(struct call *c, struct err *err);
int pass_get(struct call *c, struct err *err);
int pass_create(struct call *c, struct err *err);
int pass_delete(struct call *c, struct err *err);
int sessions_revoke(struct call *c, struct err *err);
int role_list(struct call *c, struct err *err);
int role_get(struct call *c, struct err *err);
int role_assignment_list(struct call *c, struct err *err);
int role_assignment_get(struct call *c, struct err *err);
int role_assignment_create(struct call *c, struct err *err);
int role_assignment_delete(struct call *c, struct err *err);
