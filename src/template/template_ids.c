// SPDX-License-Identifier: Apache-2.0
// Ids of resources, from types and names, and the functions of the resourceId family ("Resource functions for ARM
// templates", Microsoft Learn).
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/enc.h"
#include "base/strv.h"
#include "template/template_internal.h"

static size_t segments(const char *text) {
	size_t n = 1;
	for (; *text; text++)
		n += *text == '/';
	return n;
}

// Names become part of the path of a request: nothing in them may mean more than a name there.
static bool name_is_plain(const char *name, size_t len) {
	if (len == 0 || len >= TEMPLATE_SEGMENT_MAX || (len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || strchr("<>%&\\?#", name[i]))
			return false;
	return true;
}

static bool all_plain(const char *text) {
	for (const char *at = text;; at++) {
		size_t len = strcspn(at, "/");
		if (!name_is_plain(at, len))
			return false;
		at += len;
		if (!*at)
			return true;
	}
}

bool template_id_is_plain(const char *id) {
	return id[0] == '/' && strlen(id) < TEMPLATE_ID_MAX && all_plain(id + 1);
}

bool template_version_is_plain(const char *version) {
	static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-";
	return strv_made_of(version, allowed, 1, TEMPLATE_SEGMENT_MAX - 1);
}

int template_name_check(const char *type, const char *name, struct err *err) {
	if (!name[0])
		return template_invalid(err, "The template resource '' at line '1' and column '1' is not valid. The name property cannot be "
			"null or empty. Please see https://aka.ms/arm-template/#resources for usage details.");
	if (segments(type) < 2 || !strchr(type, '.') || !all_plain(type))
		return template_invalid(err, "The template resource '%.256s' at line '1' and column '1' has the type '%.128s', which is "
			"not valid. Please see https://aka.ms/arm-syntax-resources for usage details.", name, type);
	if (segments(name) + 1 != segments(type))
		return template_invalid(err, "The template resource '%.256s' for type '%.128s' at line '1' and column '1' has incorrect "
			"segment lengths. A nested resource type must have identical number of segments as its resource name. A root "
			"resource type must have segment length one greater than its resource name. Please see "
			"https://aka.ms/arm-syntax-resources for usage details.", name, type);
	if (!all_plain(name))
		return template_invalid(err, "The template resource '%.256s' for type '%.128s' at line '1' and column '1' has an invalid "
			"name. A segment must have 1 to %d characters and none of '<>%%&\\?/#'. Please see "
			"https://aka.ms/arm-syntax-resources for usage details.", name, type, TEMPLATE_SEGMENT_MAX - 1);
	return 0;
}

// "{ns}/{type}/{name}[/{type}/{name}…]"
static int interleave(struct buf *b, const char *type, const char *name) {
	size_t namespace = strcspn(type, "/");
	int rc = buf_append(b, type, namespace);
	for (type += namespace; rc == 0 && *type == '/';) {
		size_t t = strcspn(type + 1, "/") + 1, n = strcspn(name, "/");
		rc = buf_append(b, type, t);
		if (rc == 0)
			rc = buf_append(b, "/", 1);
		if (rc == 0)
			rc = buf_append(b, name, n);
		type += t;
		name += n + (name[n] == '/');
	}
	return rc;
}

int template_id(const char *scope, const char *type, const char *name, char **out, struct err *err) {
	_cleanup_buf_ struct buf b = {0};
	int rc;
	if (strv_eq_nocase(type, "Microsoft.Resources/subscriptions"))
		rc = buf_printf(&b, "/subscriptions/%s", name);
	else if (strv_eq_nocase(type, "Microsoft.Resources/resourceGroups"))
		rc = buf_printf(&b, "%s/resourceGroups/%s", scope, name);
	else if ((rc = buf_printf(&b, "%s/providers/", scope)) == 0)
		rc = interleave(&b, type, name);
	*out = rc == 0 ? buf_take_str(&b) : NULL;
	return *out ? 0 : err_oom(err);
}

int template_relative_id(const char *type, const char *name, char **out, struct err *err) {
	_cleanup_buf_ struct buf b = {0};
	*out = interleave(&b, type, name) == 0 ? buf_take_str(&b) : NULL;
	return *out ? 0 : err_oom(err);
}

// --- resourceId and its family ---

struct id_call {
	const struct template *t;
	const char *function;
	const char *const *args;
	size_t count;
};

// What stands before the type. `at` is the type's place among the arguments.
typedef int (*scope_maker)(const struct id_call *call, size_t at, struct buf *scope, struct err *err);

static const char *own_subscription(const struct template *t) {
	const char *id = json_str(t->place.subscription, "subscriptionId");
	return id ? id : "";
}

static int bad_arguments(const struct id_call *call, struct err *err) {
	return template_refuse(err, "Unable to evaluate template language function '%s': the arguments are not valid. A fully "
		"qualified resource type and its names are expected, behind what scope the function takes. Please see "
		"https://aka.ms/arm-functions for usage details.", call->function);
}

static int group_scope(const struct id_call *call, size_t at, struct buf *scope, struct err *err) {
	const char *subscription = own_subscription(call->t);
	bool in_group = call->t->place.resource_group != NULL;
	if (at > 2)
		return bad_arguments(call, err);
	if (at == 2)
		return buf_printf(scope, "/subscriptions/%s/resourceGroups/%s", call->args[0], call->args[1]);
	if (at == 0)
		return buf_str(scope, call->t->place.scope);
	if (in_group)
		return buf_printf(scope, "/subscriptions/%s/resourceGroups/%s", subscription, call->args[0]);
	return enc_is_uuid(call->args[0]) ? buf_printf(scope, "/subscriptions/%s", call->args[0]) : bad_arguments(call, err);
}

static int subscription_scope(const struct id_call *call, size_t at, struct buf *scope, struct err *err) {
	if (at > 1)
		return bad_arguments(call, err);
	return buf_printf(scope, "/subscriptions/%s", at == 1 ? call->args[0] : own_subscription(call->t));
}

static int tenant_scope(const struct id_call *call, size_t at, struct buf *scope _unused_, struct err *err) {
	return at > 0 ? bad_arguments(call, err) : 0;
}

static int extended_scope(const struct id_call *call, size_t at, struct buf *scope, struct err *err) {
	if (at != 1)
		return bad_arguments(call, err);
	size_t len = strlen(call->args[0]);
	while (len > 0 && call->args[0][len - 1] == '/')
		len--;
	return buf_append(scope, call->args[0], len);
}

static int join_names(const struct id_call *call, size_t at, struct buf *names) {
	int rc = 0;
	for (size_t i = at + 1; rc == 0 && i < call->count; i++)
		rc = buf_printf(names, "%s%s", i > at + 1 ? "/" : "", call->args[i]);
	return rc;
}

// "Microsoft.Network/virtualNetworks/" is written too, and means what it does without the last slash.
static size_t without_slashes(const char *text) {
	size_t len = strlen(text);
	while (len > 0 && text[len - 1] == '/')
		len--;
	return len;
}

static int make_id(const struct id_call *call, scope_maker make_scope, size_t at, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf scope = {0}, names = {0};
	_cleanup_free_ char *id = NULL, *type = NULL;
	if (at >= call->count)
		return bad_arguments(call, err);
	type = strndup(call->args[at], without_slashes(call->args[at]));
	if (!type)
		return err_oom(err);
	size_t needed = segments(type) - 1;
	if (call->count - at - 1 != needed)
		return template_refuse(err, "Unable to evaluate template language function '%s': the type '%.128s' requires '%zu' resource "
			"name argument(s). Please see https://aka.ms/arm-functions-resource#resourceid for usage details.", call->function,
			type, needed);
	int rc = make_scope(call, at, &scope, err);
	if (rc == 0)
		rc = join_names(call, at, &names);
	if (rc < 0)
		return rc == -EINVAL ? rc : err_oom(err);
	rc = template_id(buf_cstr(&scope), type, buf_cstr(&names), &id, err);
	if (rc < 0)
		return rc;
	*out = json_string(id);
	return *out ? 0 : err_oom(err);
}

// The type is the first argument with a slash; of an extension the scope comes before it, which has some too.
static size_t type_place(const struct id_call *call, bool extension) {
	size_t at = extension ? 1 : 0;
	while (at < call->count && !strchr(call->args[at], '/'))
		at++;
	return at;
}

int template_resource_id(const struct template *t, const char *function, json_t *const *args, size_t count, json_t **out,
	struct err *err) {
	static const struct {
		const char *name;
		scope_maker scope;
	} family[] = {
		{"resourceId", group_scope}, {"subscriptionResourceId", subscription_scope}, {"tenantResourceId", tenant_scope},
		{"extensionResourceId", extended_scope},
	};
	enum { ARGUMENTS_MAX = 32 };
	const char *texts[ARGUMENTS_MAX];
	struct id_call call = {.t = t, .function = function, .args = texts, .count = count};
	if (count < 2 || count > ARGUMENTS_MAX)
		return bad_arguments(&call, err);
	for (size_t i = 0; i < count; i++)
		if (!(texts[i] = json_string_value(args[i])))
			return bad_arguments(&call, err);
	for (size_t i = 0; i < ARRAY_SIZE(family); i++)
		if (strv_eq_nocase(family[i].name, function))
			return make_id(&call, family[i].scope, type_place(&call, family[i].scope == extended_scope), out, err);
	return -ENOSYS;
}
