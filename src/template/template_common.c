// SPDX-License-Identifier: Apache-2.0
// What every part of a template needs: its errors, its budget, members and names without case.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "template/template_internal.h"

#define FAILED "Deployment template validation failed: '"

_printf_(2, 0)
static int set_invalid(struct err *err, const char *fmt, va_list ap) {
	char what[ERR_MESSAGE_MAX - sizeof(FAILED) - 8];
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	return err_set(err, -EINVAL, 400, "InvalidTemplate", FAILED "%s'.", what);
}

int template_invalid(struct err *err, const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	int rc = set_invalid(err, fmt, ap);
	va_end(ap);
	return rc;
}

int template_invalid_at(struct err *err, int rc, const char *fmt, ...) {
	if (!err || rc != -EINVAL || strcmp(err->code, "InvalidTemplate") != 0 || strncmp(err->message, FAILED, strlen(FAILED)) == 0)
		return rc;
	char where[512], why[ERR_MESSAGE_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(where, sizeof(where), fmt, ap);
	va_end(ap);
	(void)snprintf(why, sizeof(why), "%s", err->message);
	size_t len = strlen(why);
	if (len > 0 && why[len - 1] == '.')
		why[len - 1] = 0;
	return template_invalid(err, "%s is not valid: %s.%s", where, why,
		strstr(why, "aka.ms") ? "" : " Please see https://aka.ms/arm-functions for usage details.");
}

int template_spend(struct template *t, size_t cost, struct err *err) {
	if (t->budget->left < 0 || cost > (size_t)t->budget->left) {
		t->budget->left = 0;
		return template_refuse(err, "The template takes more to evaluate than the '%d' steps that a deployment may take.",
			TEMPLATE_COST_MAX);
	}
	t->budget->left -= (int64_t)cost;
	return 0;
}

json_t *template_member(const json_t *object, const char *name) {
	json_t *exact = json_object_get(object, name);
	if (exact || !json_is_object(object))
		return exact;
	json_t *o = (json_t *)(uintptr_t)object, *value;
	const char *key;
	json_object_foreach (o, key, value)
		if (strv_eq_nocase(key, name))
			return value;
	return NULL;
}

int template_names_add(json_t *names, const char *name, size_t place, bool *added, struct err *err) {
	_cleanup_free_ char *lower = strv_lower(name);
	if (!lower)
		return err_oom(err);
	*added = !json_object_get(names, lower);
	if (*added && json_set_int(names, lower, (int64_t)place) < 0)
		return err_oom(err);
	return 0;
}

bool template_names_find(const json_t *names, const char *name, size_t *place) {
	_cleanup_free_ char *lower = strv_lower(name);
	const json_t *found = lower ? json_object_get(names, lower) : NULL;
	if (!found)
		return false;
	*place = (size_t)json_integer_value(found);
	return true;
}
