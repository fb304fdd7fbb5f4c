// SPDX-License-Identifier: Apache-2.0
// $filter: what it matches, what is refused, and that its limits hold.
#include "base/test-util.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/strv.h"
#include "graph/odata.h"

static const char object_text[] =
	"{\"displayName\":\"O'Hara\",\"appId\":\"0000aaaa-0000-4000-8000-000000000000\",\"accountEnabled\":true,\"count\":7,"
	"\"notes\":null,\"createdDateTime\":\"2026-11-22T10:00:00Z\",\"web\":{\"homePageUrl\":\"https://x\"},"
	"\"identifierUris\":[\"api://one\",\"https://Two\"],\"tags\":[]}";

static json_t *object(void) {
	json_t *o = json_loads(object_text, 0, NULL);
	assert_non_null(o);
	return o;
}

static bool matches(const char *text) {
	_cleanup_json_ json_t *o = object();
	_cleanup_odata_ struct odata_filter *f = NULL;
	struct err err = {0};
	if (odata_parse(text, o, "Application", &f, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return odata_matches(f, o);
}

static void test_what_matches(void **state) {
	(void)state;
	static const char *const yes[] = {
		"displayName eq 'O''Hara'", "displayName eq 'o''hara'", "displayName ne 'x'", "startswith(displayName,'o''h')",
		"startsWith(displayName, 'O')", "endswith(displayName,'RA')", "not startswith(displayName,'x')", "not(displayName eq 'x')",
		"appId eq '0000AAAA-0000-4000-8000-000000000000'", "appId eq 0000aaaa-0000-4000-8000-000000000000",
		"appId in ('x', '0000aaaa-0000-4000-8000-000000000000')", "accountEnabled eq true", "accountEnabled", "not (accountEnabled eq false)",
		"notes eq null", "displayName ne null", "web/homePageUrl eq 'HTTPS://X'", "identifierUris/any(s:s eq 'https://two')",
		"identifierUris/any(s:startswith(s,'api:'))", "identifierUris/any(s:s eq 'no' or s eq 'api://one')", "identifierUris/any()",
		"not tags/any()", "createdDateTime ge 2026-11-22T10:00:00Z", "createdDateTime lt 2026-11-22T10:00:01Z",
		"createdDateTime gt 2020-01-01T00:00:00+02:00", "count gt 6 and count le 7", "displayName eq 'x' or count eq 7",
		// and binds before or; parentheses before both.
		"count eq 7 or count eq 8 and count eq 9", " ( count eq 7 ) ",
	};
	static const char *const no[] = {
		"displayName eq 'O'", "displayName ne 'O''Hara'", "not accountEnabled", "notes ne null", "notes eq ''",
		"identifierUris/any(s:s eq 'api://o')", "tags/any(t:t eq 'x')", "tags/any()", "(count eq 7 or count eq 8) and count eq 9",
		"createdDateTime lt 2026-11-22T10:00:00Z", "displayName in ('a','b')", "startswith(notes,'')", "count eq '7'", "notes gt 'a'",
	};
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!matches(yes[i]))
			fail_msg("does not match: %s", yes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (matches(no[i]))
			fail_msg("matches: %s", no[i]);
}

static void refused(const char *text, const char *code) {
	_cleanup_json_ json_t *o = object();
	struct odata_filter *f = NULL;
	struct err err = {0};
	if (odata_parse(text, o, "Application", &f, &err) != -EINVAL || f)
		fail_msg("not refused: %s", text);
	assert_int_equal(err.status, 400);
	if (strcmp(err.code, code) != 0)
		fail_msg("%s: %s instead of %s", text, err.code, code);
}

static void test_what_is_refused(void **state) {
	(void)state;
	static const char *const malformed[] = {
		"", " ", "displayName", "displayName eq", "displayName eq 'x", "displayName eq x", "eq 'x'", "displayName 'x'",
		"displayName eq 'a' and", "(displayName eq 'a'", "displayName eq 'a')", "displayName eq 'a' displayName eq 'b'",
		"nonsense eq 'x'", "web/nonsense/deep eq 'x", "startswith(displayName)", "startswith(displayName,)", "startswith(displayName,7)",
		"startswith(displayName,'x'", "displayName in", "displayName in ()", "displayName in ('a'", "displayName in ('a' 'b')",
		"identifierUris/any(", "identifierUris/any(s", "identifierUris/any(s:", "identifierUris/any(s:s eq 'x'", "not", "and", "()",
		"identifierUris/any(s:displayName eq 'x')", "identifierUris/$count eq 0", "identifierUris/any(:s eq 'x')", "display.Name eq 'x'", "displayName eq 99999999999",
	};
	static const char *const unsupported[] = {
		"contains(displayName,'x')", "web eq 'x'", "identifierUris eq 'x'", "identifierUris/all(s:s eq 'x')", "displayName/any(s:s eq 'x')",
		"tolower(displayName) eq 'x'", "startswith(accountEnabled,'x')", "startswith(identifierUris,'x')",
		"web/nonsense eq 'x'",
	};
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
		refused(malformed[i], strstr(malformed[i], "web/nonsense") ? "Request_UnsupportedQuery" : "BadRequest");
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++)
		refused(unsupported[i], "Request_UnsupportedQuery");
	_cleanup_json_ json_t *o = object();
	struct odata_filter *f = NULL;
	struct err err = {0};
	assert_int_equal(odata_parse("nonsense eq 'x'", o, "ServicePrincipal", &f, &err), -EINVAL);
	assert_string_equal(err.message,
		"Invalid filter clause: Could not find a property named 'nonsense' on type 'microsoft.graph.servicePrincipal'.");
}

static char *repeated(const char *first, const char *again, size_t times, const char *last) {
	_cleanup_buf_ struct buf b = {0};
	assert_int_equal(buf_str(&b, first), 0);
	for (size_t i = 0; i < times; i++)
		assert_int_equal(buf_str(&b, again), 0);
	assert_int_equal(buf_str(&b, last), 0);
	return buf_take_str(&b);
}

static void test_limits(void **state) {
	(void)state;
	// Nodes: n comparisons and n - 1 operators.
	_cleanup_free_ char *most = repeated("count eq 7", " or count eq 7", 63, "");
	_cleanup_free_ char *more = repeated("count eq 7", " or count eq 7", 64, "");
	assert_true(matches(most));
	refused(more, "BadRequest");
	_cleanup_free_ char *deepest = repeated("", "(", ODATA_DEPTH_MAX - 1, "count eq 7)))))))))))))))");
	_cleanup_free_ char *deeper = repeated("", "(", ODATA_DEPTH_MAX, "count eq 7))))))))))))))))");
	assert_true(matches(deepest));
	refused(deeper, "BadRequest");
	_cleanup_free_ char *nots = repeated("", "not ", 3000 / 4, "accountEnabled");
	refused(nots, "BadRequest");
	_cleanup_free_ char *values = repeated("displayName in ('o''hara'", ",'x'", ODATA_VALUES_MAX - 1, ")");
	_cleanup_free_ char *too_many = repeated("displayName in ('o''hara'", ",'x'", ODATA_VALUES_MAX, ")");
	assert_true(matches(values));
	refused(too_many, "BadRequest");
	_cleanup_free_ char *longest = repeated("displayName eq '", "x", ODATA_TEXT_MAX, "'");
	refused(longest, "BadRequest");
	_cleanup_free_ char *name = repeated("", "n", 200, " eq 'x'");
	refused(name, "BadRequest");
	_cleanup_free_ char *path = repeated("web", "/web", 60, " eq 'x'");
	refused(path, "BadRequest");
}

int main(void) {
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_matches),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
