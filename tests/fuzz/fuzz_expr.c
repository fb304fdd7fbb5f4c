// SPDX-License-Identifier: Apache-2.0
// Expressions of templates: after 'e' one without its brackets, after 'j' a JSON value with expressions in it.
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/strv.h"
#include "template/expr.h"

// Far less than a deployment may take, so that many are tried in a second.
enum { COST_MAX = 1000000, DEPTH_SEEN_MAX = JSON_DEPTH_MAX };

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
	return 0;
}

// A host that knows a value with all types inside, and gives back what it is given.
static int call_host(void *ctx, const char *function, json_t *const *args, size_t count, json_t **out, struct err *err _unused_) {
	if (strv_eq_nocase(function, "variables")) {
		*out = json_incref(ctx);
		return 0;
	}
	if (!strv_eq_nocase(function, "contoso.echo"))
		return -ENOSYS;
	*out = json_array();
	for (size_t i = 0; i < count; i++)
		must(json_array_append(*out, args[i]) == 0);
	return 0;
}

static size_t depth_of(const json_t *value) {
	size_t deepest = 0, i;
	const char *name;
	const json_t *element;
	json_t *inner;
	json_array_foreach (value, i, element)
		deepest = depth_of(element) > deepest ? depth_of(element) : deepest;
	json_object_foreach ((json_t *)(uintptr_t)value, name, inner)
		deepest = depth_of(inner) > deepest ? depth_of(inner) : deepest;
	return deepest + 1;
}

static int evaluate(const char *text, const json_t *template, json_t *variables, json_t **out) {
	struct expr_budget budget = {.left = COST_MAX};
	const struct expr_scope scope = {.ctx = variables, .call = call_host, .budget = &budget};
	struct err err = {0};
	int rc = text ? expr_text(text, &scope, out, &err) : expr_json(template, &scope, out, &err);
	must(budget.depth == 0);
	must(budget.left >= 0 && budget.left <= COST_MAX);
	must(rc == 0 || (rc == -EINVAL && err.status == 400 && strcmp(err.code, "InvalidTemplate") == 0));
	return rc;
}

// A string, written as a literal, is read as it was.
static void must_come_back(const char *string) {
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *value = NULL;
	must(buf_str(&text, "['") == 0);
	for (const char *at = string; *at; at++)
		must(buf_append(&text, "''", *at == '\'' ? 2 : 0) == 0 && (*at == '\'' || buf_u8(&text, (uint8_t)*at) == 0));
	must(buf_str(&text, "']") == 0);
	if (text.len > EXPR_LENGTH_MAX)
		return;
	must(evaluate(buf_cstr(&text), NULL, NULL, &value) == 0);
	must(strcmp(json_string_value(value), string) == 0);
}

// What comes out is JSON within the limits, that is read as it was written.
static void must_be_value(const json_t *value) {
	_cleanup_free_ char *text = json_text(value);
	must(text);
	_cleanup_json_ json_t *again = json_loads(text, JSON_DECODE_ANY, NULL);
	must(again && json_equal(value, again));
	must(depth_of(value) <= DEPTH_SEEN_MAX);
	if (json_is_string(value))
		must_come_back(json_string_value(value));
}

static void must_be_the_same_again(const char *text, const json_t *template, json_t *variables) {
	_cleanup_json_ json_t *value = NULL, *again = NULL;
	int rc = evaluate(text, template, variables, &value);
	must((rc == 0) == (value != NULL));
	must(evaluate(text, template, variables, &again) == rc);
	if (rc < 0)
		return;
	must(json_equal(value, again));
	must_be_value(value);
}

static int see_call(void *ctx, const struct expr_call *call, struct err *err _unused_) {
	size_t *calls = ctx;
	must(call->function && call->function[0]);
	must(call->argument_count == 0 || call->arguments[call->argument_count - 1]);
	return ++*calls > EXPR_LENGTH_MAX ? -E2BIG : 0;
}

static void parse(const char *text) {
	_cleanup_expr_ struct expr *e = NULL;
	struct err err = {0};
	size_t calls = 0;
	int rc = expr_parse(text, &e, &err);
	must(rc == 0 || (rc == -EINVAL && err.status == 400 && !e));
	must(rc < 0 || expr_each_call(e, see_call, &calls, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const char known[] = "{\"s\": \"text\", \"n\": -17, \"f\": 2.5, \"t\": true, \"z\": null, \"a\": [1, \"x\", [], {}], \"o\": {\"Key\": {\"k\": "
				    "[\"\\ud83d\\ude00\"]}}}";
	if (size == 0)
		return 0;
	_cleanup_json_ json_t *variables = json_loads(known, 0, NULL), *template = NULL;
	if (data[0] == 'j') {
		if (json_parse(data + 1, size - 1, "InvalidTemplate", &template, NULL) == 0)
			must_be_the_same_again(NULL, template, variables);
		return 0;
	}
	_cleanup_buf_ struct buf text = {0};
	must(buf_str(&text, "[") == 0 && buf_append(&text, data + 1, size - 1) == 0 && buf_str(&text, "]") == 0);
	parse(buf_cstr(&text));
	_cleanup_json_ json_t *is_utf8 = json_string(buf_cstr(&text));
	if (is_utf8)
		must_be_the_same_again(buf_cstr(&text), NULL, variables);
	return 0;
}
