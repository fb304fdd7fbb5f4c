// SPDX-License-Identifier: Apache-2.0
// Inside a template: what its parts share. The document is never changed; what is worked out stands beside it.
#pragma once

#include <errno.h>

#include "base/json.h"
#include "template/template.h"

#define TEMPLATE_FUNCTIONS_MAX 256     // of users, in all namespaces
#define TEMPLATE_REFERENCE_HOPS_MAX 64 // from definition to definition by $ref
#define TEMPLATE_NESTING_MAX 480       // of values and expressions that lead to each other
#define TEMPLATE_ID_MAX 1024           // of a resource, as the control plane has it, …
#define TEMPLATE_SEGMENT_MAX 128       // … and of a name in it

enum template_state { TEMPLATE_WAITING, TEMPLATE_BUSY, TEMPLATE_DONE };

struct template_parameter {
	const char *name;
	const json_t *definition;
	const json_t *given;      // the value of the request, or NULL
	const json_t *reference;  // to a secret, or NULL
	json_t *value;            // owned, once it is resolved
	enum template_state state;
};

struct template_variable {
	const char *name;
	const json_t *definition;
	bool copied;  // the definition is an element of "copy"
	json_t *value;  // owned, once it is asked for
	enum template_state state;
};

// A loop in a resource's body.
struct template_copy {
	struct template_copy *next;  // all of a definition
	const struct template_copy *outer;
	const json_t *copy;
};

// A call in a resource's body that says what must be there before: reference('x') and the like. `copies` are the loops in
// the body around it.
struct template_referral {
	struct expr *expression;  // owned by the first referral of it
	const struct expr *argument;
	const char *function;
	const struct template_copy *copies;
};

// A resource as it is written, which may come to several.
struct template_definition {
	const char *symbol;    // NULL without symbolic names
	const json_t *source;
	size_t parent;         // its parent's definition, TEMPLATE_NONE for none
	char *loop;            // owned: name of its "copy", or NULL
	bool serial;
	int64_t batch;
	size_t first, count;   // its instances
	struct template_referral *referrals;
	size_t referral_count;
	struct template_copy *copies;  // all of its body, a list to be freed
};
#define TEMPLATE_NONE SIZE_MAX

struct template_instance {
	struct template_resource shown;
	size_t definition;
	size_t parent;     // instance it stands in, or TEMPLATE_NONE
	int64_t iteration;
	enum template_state state;  // of the naming
	char *symbol, *id, *relative_id, *type, *name, *api_version;
	char *written_type, *written_name, *base;  // with those of the parent before them; the scope that it stands in
	size_t *depends;
	size_t depend_capacity;
	size_t mark;       // 1 + the resource whose dependencies are being collected, when it is among them
};

struct template {
	struct template_place place;
	json_t *document;
	bool v2;            // language version 2.0
	bool symbolic;      // resources is an object
	struct expr_budget own_budget, *budget;

	struct template_parameter *parameters;
	size_t parameter_count;
	json_t *parameter_names;  // lower case to place in the list; likewise the others
	json_t *resolved, *shown;

	struct template_variable *variables;
	size_t variable_count;
	json_t *variable_names;

	json_t *functions;  // "contoso.unique" in lower case to its definition

	struct template_definition *definitions;
	size_t definition_count;
	struct template_instance *instances;
	size_t instance_count;
	bool laid_out;               // the instances have their places: they can be asked for
	json_t *symbols, *loops;     // to definitions
	json_t *instance_symbols, *ids, *relative_ids, *names;  // to instances; of names TEMPLATE_AMBIGUOUS
};
#define TEMPLATE_AMBIGUOUS ((size_t)1 << 40)

// An iteration that an expression stands in.
struct template_loop {
	const struct template_loop *outer;
	const char *name;
	int64_t index;
	bool unnamed;  // copyIndex() without a name means it: loops of resources and outputs
};

// Where an expression stands, and so what it may ask for.
enum template_allowance {
	TEMPLATE_MAY_READ = 1,       // reference and list functions
	TEMPLATE_MAY_INVENT = 2,     // newGuid and utcNow: defaults of parameters
	TEMPLATE_MAY_USE_VARIABLES = 4,
	TEMPLATE_MAY_CALL = 8,       // functions of users
	TEMPLATE_MAY_INSPECT = 16,   // resourceInfo
};
struct template_context {
	struct template *t;
	unsigned allowed;
	const struct template_loop *loop;
	const json_t *arguments;  // inside a user function: its parameters, names in lower case
	bool in_function;
	bool escaping;  // what comes of it is a template again: nothing in it may read as an expression
};

// --- Errors, all -EINVAL with 400 InvalidTemplate ---

// "Deployment template validation failed: '…'."
int template_invalid(struct err *err, const char *fmt, ...) _printf_(2, 3);
// The same around what an expression failed with, behind "<what> is not valid: "; an error that is not of the template's
// making (a resource that cannot be read) stays what it is.
int template_invalid_at(struct err *err, int rc, const char *fmt, ...) _printf_(3, 4);
// What the functions of a scope fail with: the bare sentence.
#define template_refuse(err, ...) err_set(err, -EINVAL, 400, "InvalidTemplate", __VA_ARGS__)

// --- Cost ---

enum {
	TEMPLATE_COST_NODE = 8,     // a value that is made, …
	TEMPLATE_COST_ARRAY = 32,   // … more where it takes more memory
	TEMPLATE_COST_OBJECT = 64,
	TEMPLATE_COST_MEMBER = 16,
	TEMPLATE_COST_EDGE = 16,    // a dependency
};
int template_spend(struct template *t, size_t cost, struct err *err) _must_check_;

// --- Members and names ---

// The member of this name in any case; NULL when there is none. Borrowed.
json_t *template_member(const json_t *object, const char *name);
int template_names_add(json_t *names, const char *name, size_t place, bool *added, struct err *err) _must_check_;
bool template_names_find(const json_t *names, const char *name, size_t *place);

// --- Evaluation (template_evaluate.c) ---

int template_text(const struct template_context *c, const char *text, json_t **out, struct err *err) _must_check_;
// A JSON value, with "copy" in its objects worked out.
int template_value(const struct template_context *c, const json_t *value, json_t **out, struct err *err) _must_check_;
// The members of an object, but for those of a list that is ended by NULL.
int template_members(const struct template_context *c, const json_t *object, const char *const *omitted, json_t *out,
	struct err *err) _must_check_;
// A string; `what` is for the message.
int template_string(const struct template_context *c, const json_t *value, const char *what, char **out, struct err *err)
	_must_check_;
// {"count", "input"} to an array.
int template_iterate(const struct template_context *c, const char *name, const json_t *copy, const char *member, bool unnamed,
	json_t **out, struct err *err) _must_check_;
int template_copy_count(const struct template_context *c, const json_t *copy, size_t *out, struct err *err) _must_check_;
bool template_is_omitted(const char *const *omitted, const char *name);
// Is this member "copy" of an object one of loops over its members?
bool template_is_copy(const char *name, const json_t *value);

// --- Parts ---

int template_type_check(struct template *t, const json_t *type, const json_t *value, const char *path, struct err *err)
	_must_check_;
int template_type_valid(const struct template *t, const json_t *type, const char *path, struct err *err) _must_check_;
// The built-in type as Azure shows it ("SecureString"): the one behind definitions, or that of the value where none is said.
const char *template_type_shown(const struct template *t, const json_t *type, const json_t *value);
bool template_type_is_secure(const struct template *t, const json_t *type);
bool template_type_is_nullable(const struct template *t, const json_t *type);
// The value without what is secure in it. NULL when out of memory.
json_t *template_type_redact(const struct template *t, const json_t *type, const json_t *value);

int template_parameters_read(struct template *t, const json_t *given, struct err *err) _must_check_;
int template_parameters_resolve(struct template *t, struct err *err) _must_check_;
int template_parameter(struct template *t, const char *name, json_t **out, struct err *err) _must_check_;

int template_variables_read(struct template *t, struct err *err) _must_check_;
int template_variable(struct template *t, const char *name, json_t **out, struct err *err) _must_check_;

int template_functions_read(struct template *t, struct err *err) _must_check_;
// -ENOSYS when there is none of this name.
int template_function_call(const struct template_context *c, const char *name, json_t *const *args, size_t count,
	json_t **out, struct err *err) _must_check_;

int template_scope_call(void *ctx, const char *function, json_t *const *args, size_t count, json_t **out, struct err *err);
bool template_scope_knows(const struct template *t, const char *function);

int template_resources_read(struct template *t, struct err *err) _must_check_;
int template_instance_ready(struct template *t, size_t index, struct err *err) _must_check_;
struct template_context template_instance_context(struct template *t, size_t index, unsigned allowed,
	struct template_loop *loop);

int template_depends_read(struct template *t, struct err *err) _must_check_;
// The resource that an expression means by a symbolic name, an id or a name; TEMPLATE_NONE, or TEMPLATE_AMBIGUOUS.
size_t template_find(const struct template *t, const char *text);
size_t template_find_symbol(const struct template *t, const char *symbol);
bool template_is_list(const char *function);

int template_outputs_read(struct template *t, struct err *err) _must_check_;

// Look over a value whose expressions cannot be evaluated yet: whether each is well formed and names what there is.
int template_inspect(struct template *t, const json_t *value, struct template_definition *into, struct err *err)
	_must_check_;
// A resource's, less the members that are evaluated already.
int template_inspect_resource(struct template *t, struct template_definition *d, struct err *err) _must_check_;
extern const char *const template_not_in_body[];
// Is this the resource of a nested deployment whose template is evaluated by that deployment itself?
bool template_is_inner(const struct template *t, const json_t *resource);
void template_definition_free(struct template_definition *d);

// --- Ids (template_ids.c) ---

// "{scope}/providers/{ns}/{type}/{name}…" from a type and a name with their segments.
int template_id(const char *scope, const char *type, const char *name, char **out, struct err *err) _must_check_;
// The same without a scope: "{ns}/{type}/{name}…".
int template_relative_id(const char *type, const char *name, char **out, struct err *err) _must_check_;
// May it become part of a request's path as it is?
bool template_id_is_plain(const char *id);
bool template_version_is_plain(const char *version);  // likewise of an API version, or a namespace
int template_name_check(const char *type, const char *name, struct err *err) _must_check_;
int template_resource_id(const struct template *t, const char *function, json_t *const *args, size_t count, json_t **out,
	struct err *err);
