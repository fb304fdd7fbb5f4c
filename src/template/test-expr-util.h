// SPDX-License-Identifier: Apache-2.0
// Expressions tried in tables: what they come to as JSON, or what is wrong with them.
#pragma once

#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "base/test-util.h"
#include "template/expr.h"

enum { TEST_BUDGET = 50000000 };

struct vector {
	const char *expression;  // without the brackets
	const char *expected;    // JSON; of an error, a part of the message
};

// The host of the tests: variables('name') of what is in `variables` here, echo(…) gives its arguments as an array, count()
// how often it was called, broken() fails with 409.
struct host {
	json_t *variables;
	int calls;
};

static inline int host_call(void *ctx, const char *function, json_t *const *args, size_t count, json_t **out, struct err *err) {
	struct host *host = ctx;
	if (strv_eq_nocase(function, "variables")) {
		*out = json_incref(json_object_get(host->variables, json_string_value(args[0])));
		assert_non_null(*out);
		return 0;
	}
	if (strv_eq_nocase(function, "count")) {
		*out = json_integer(++host->calls);
		return 0;
	}
	if (strv_eq_nocase(function, "contoso.echo")) {
		*out = json_array();
		for (size_t i = 0; i < count; i++)
			assert_int_equal(json_array_append(*out, args[i]), 0);
		return 0;
	}
	return strv_eq_nocase(function, "broken") ? err_set(err, -EBUSY, 409, "Conflict", "broken") : -ENOSYS;
}

// The text is evaluated as a member of a template.
static inline int try_text(const char *text, struct host *host, int64_t cost, json_t **out, struct err *err) {
	struct expr_budget budget = {.left = cost};
	const struct expr_scope scope = {.ctx = host, .call = host_call, .budget = &budget};
	int rc = expr_text(text, &scope, out, err);
	assert_int_equal(budget.depth, 0);
	assert_true(budget.left >= 0);
	return rc;
}

static inline int try_expression(const char *expression, struct host *host, json_t **out, struct err *err) {
	_cleanup_free_ char *text = strv_printf("[%s]", expression);
	assert_non_null(text);
	return try_text(text, host, TEST_BUDGET, out, err);
}

static inline void comes_to(const struct vector *v, struct host *host) {
	_cleanup_json_ json_t *value = NULL, *expected = json_loads(v->expected, JSON_DECODE_ANY, NULL);
	struct err err = {0};
	if (!expected)
		fail_msg("%s: what is expected is no JSON: %s", v->expression, v->expected);
	if (try_expression(v->expression, host, &value, &err) < 0)
		fail_msg("%s: %s", v->expression, err.message);
	_cleanup_free_ char *shown = json_text(value);
	if (!json_equal(value, expected))
		fail_msg("%s: %s, expected %s", v->expression, shown, v->expected);
}

static inline void is_refused(const struct vector *v, struct host *host) {
	_cleanup_json_ json_t *value = NULL;
	struct err err = {0};
	int rc = try_expression(v->expression, host, &value, &err);
	if (rc == 0) {
		_cleanup_free_ char *shown = json_text(value);
		fail_msg("%s: came to %s", v->expression, shown);
	}
	if (!strstr(err.message, v->expected))
		fail_msg("%s: %s, expected %s", v->expression, err.message, v->expected);
	assert_int_equal(rc, -EINVAL);
	assert_int_equal(err.status, 400);
	assert_string_equal(err.code, "InvalidTemplate");
	assert_null(value);
}

#define all_come_to(table, host) do { for (size_t i_ = 0; i_ < ARRAY_SIZE(table); i_++) comes_to(&(table)[i_], host); } while (0)
#define all_are_refused(table, host) do { for (size_t i_ = 0; i_ < ARRAY_SIZE(table); i_++) is_refused(&(table)[i_], host); } while (0)
