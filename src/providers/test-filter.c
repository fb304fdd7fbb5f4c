// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "providers/filter.h"

static struct filter parsed(const char *text) {
	struct filter f;
	struct err err = {0};
	if (filter_parse(text, &f, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return f;
}

// Terms "t eq '…'" are true, all others are not.
static bool is_t(void *ctx, const struct filter_term *term) {
	(void)ctx;
	return strcmp(term->field, "t") == 0;
}

static void test_terms(void **state) {
	(void)state;
	struct filter f = parsed("resourceType eq 'Microsoft.Compute/disks'");
	assert_string_equal(f.terms[0].field, "resourceType");
	assert_int_equal(f.terms[0].test, FILTER_EQ);
	assert_string_equal(f.terms[0].value, "Microsoft.Compute/disks");
	f = parsed(" substringof( 'it''s' , name ) ");
	assert_string_equal(f.terms[0].field, "name");
	assert_int_equal(f.terms[0].test, FILTER_SUBSTRING_OF);
	assert_string_equal(f.terms[0].value, "it's");
	f = parsed("startswith(tagname, 'cost')");
	assert_string_equal(f.terms[0].field, "tagname");
	assert_int_equal(f.terms[0].test, FILTER_STARTS_WITH);
	f = parsed("eventTimestamp ge 2026-11-22T02:37:36.123Z and eventTimestamp lt '2026-11-23T00:00:00Z'");
	assert_int_equal(f.terms[0].test, FILTER_GE);
	assert_string_equal(f.terms[0].value, "2026-11-22T02:37:36.123Z");
	assert_int_equal(f.terms[1].test, FILTER_LT);
	assert_string_equal(f.terms[1].value, "2026-11-23T00:00:00Z");
	f = parsed("identity/principalId ne ''");
	assert_string_equal(f.terms[0].field, "identity/principalId");
	assert_string_equal(f.terms[0].value, "");
}

static void test_and_binds_closer_than_or(void **state) {
	(void)state;
	static const struct {
		const char *text;
		bool holds;
	} known[] = {{"t eq '1'", true}, {"f eq '1'", false}, {"t eq '1' and f eq '1'", false}, {"f eq '1' or t eq '1'", true},
		{"t eq '1' or f eq '1' and f eq '1'", true}, {"(t eq '1' or f eq '1') and f eq '1'", false},
		{"f eq '1' AND f eq '1' OR t eq '1'", true}, {"t eq '1' and (f eq '1' or (t eq '1'))", true}};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct filter f = parsed(known[i].text);
		if (filter_holds(&f, is_t, NULL) != known[i].holds)
			fail_msg("%s", known[i].text);
	}
}

static void test_conjunctions_are_told(void **state) {
	(void)state;
	struct filter f = parsed("a eq '1' and (b eq '2' and c eq '3')");
	assert_true(filter_is_conjunction(&f));
	f = parsed("a eq '1' and (b eq '2' or c eq '3')");
	assert_false(filter_is_conjunction(&f));
}

static void refused(const char *text) {
	struct filter f = {.term_count = 77};
	struct err err = {0};
	if (filter_parse(text, &f, &err) != -EINVAL)
		fail_msg("taken: %s", text);
	assert_int_equal(err.status, 400);
	assert_string_equal(err.code, "InvalidFilterInQueryString");
	assert_int_equal(f.term_count, 77);
}

static void test_malformed_filters_are_refused(void **state) {
	(void)state;
	static const char *const bad[] = {"", " ", "name", "name eq", "name eq 'x", "name is 'x'", "eq 'x'", "'x' eq name", "name eq 'x' and",
		"and name eq 'x'", "name eq 'x' name eq 'y'", "(name eq 'x'", "name eq 'x')", "()", "contains('x', name)",
		"substringof(name, 'x'", "substringof('x' name)", "startswith('x', name)", "name eq 'x' andname eq 'y'", "name eq 'x';",
		"name eq 'x' or or name eq 'y'"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refused(bad[i]);
}

static void test_limits(void **state) {
	(void)state;
	_cleanup_buf_ struct buf text = {0};
	assert_int_equal(buf_str(&text, "a eq '1'"), 0);
	for (int i = 1; i < FILTER_TERMS_MAX; i++)
		assert_int_equal(buf_str(&text, " or a eq '1'"), 0);
	struct filter f = parsed(buf_cstr(&text));
	assert_int_equal(f.term_count, FILTER_TERMS_MAX);
	assert_false(filter_holds(&f, is_t, NULL));
	assert_int_equal(buf_str(&text, " or a eq '1'"), 0);
	refused(buf_cstr(&text));

	char deep[64];
	(void)snprintf(deep, sizeof(deep), "%.*sa eq '1'%.*s", FILTER_DEPTH_MAX, "((((((((((", FILTER_DEPTH_MAX, "))))))))))");
	(void)parsed(deep);
	(void)snprintf(deep, sizeof(deep), "%.*sa eq '1'%.*s", FILTER_DEPTH_MAX + 1, "((((((((((", FILTER_DEPTH_MAX + 1, "))))))))))");
	refused(deep);

	char value[FILTER_VALUE_MAX + 32];
	(void)snprintf(value, sizeof(value), "a eq '%0*d'", FILTER_VALUE_MAX - 1, 1);
	(void)parsed(value);
	(void)snprintf(value, sizeof(value), "a eq '%0*d'", FILTER_VALUE_MAX, 1);
	refused(value);
	(void)snprintf(value, sizeof(value), "%0*d eq '1'", FILTER_FIELD_MAX, 1);
	refused(value);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_and_binds_closer_than_or),
		cmocka_unit_test(test_conjunctions_are_told),
		cmocka_unit_test(test_malformed_filters_are_refused),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
