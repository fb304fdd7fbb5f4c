// SPDX-License-Identifier: Apache-2.0
// Release policies: their wire form, their grammar, their limits, and what may change of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/enc.h"
#include "base/json.h"
#include "base/strv.h"
#include "vault/release_policy.h"

#define CLAIM "{\"claim\":\"a.b\",\"equals\":\"v\"}"
#define ENTRY(conditions) "{\"authority\":\"https://a.example/\"," conditions "}"
#define POLICY(entries) "{\"version\":\"1.0.0\",\"anyOf\":[" entries "]}"
#define CONDITION(condition) POLICY(ENTRY("\"allOf\":[" condition "]"))
#define PLAIN CONDITION(CLAIM)

// The wire form of a policy's text; `more` are further members.
static json_t *wire_of(const char *policy, const char *more) {
	_cleanup_buf_ struct buf data = {0};
	assert_int_equal(enc_base64url(&data, policy, strlen(policy)), 0);
	_cleanup_free_ char *text = strv_printf("{\"data\":\"%s\"%s}", buf_cstr(&data), more);
	json_t *wire = json_loads(text, 0, NULL);
	assert_non_null(wire);
	return wire;
}

static char *read_wire(const char *policy, const char *more) {
	_cleanup_json_ json_t *wire = wire_of(policy, more);
	struct err err = {0};
	char *text = NULL;
	int rc = release_policy_read(wire, &text, &err);
	if (rc < 0)
		print_error("%s: %s\n", policy, err.message);
	assert_int_equal(rc, 0);
	return text;
}

// The policy inside what would be stored.
static char *policy_in(const char *text) {
	_cleanup_json_ json_t *stored = json_loads(text, 0, NULL);
	const char *data = json_str(stored, "data");
	struct buf policy = {0};
	assert_non_null(data);
	assert_int_equal(dec_base64url(&policy, data, strlen(data)), 0);
	return buf_take_str(&policy);
}

static void refused_wire(const json_t *wire, const char *words) {
	struct err err = {0};
	char untouched[] = "untouched", *text = untouched;
	int rc = release_policy_read(wire, &text, &err);
	if (rc == 0 || !strstr(err.message, words))
		print_error("wanted \"%s\", got %d \"%s\"\n", words, rc, err.message);
	assert_true(rc < 0);
	assert_int_equal(err.status, 400);
	assert_string_equal(err.code, "BadParameter");
	assert_non_null(strstr(err.message, words));
	assert_ptr_equal(text, untouched);
}

static void refused(const char *policy, const char *words) {
	_cleanup_json_ json_t *wire = wire_of(policy, "");
	refused_wire(wire, words);
}

static void test_a_policy_is_stored_as_it_is_shown(void **state) {
	(void)state;
	_cleanup_free_ char *text = read_wire(" { \"anyOf\" : [ " ENTRY("\"anyOf\":[" CLAIM "]") " ] , \"version\":\"1.0.0\" }\n", "");
	_cleanup_json_ json_t *stored = json_loads(text, 0, NULL);
	assert_int_equal(json_object_size(stored), 2);
	assert_string_equal(json_str(stored, "contentType"), "application/json; charset=utf-8");
	_cleanup_free_ char *policy = policy_in(text);
	assert_string_equal(policy, POLICY(ENTRY("\"anyOf\":[" CLAIM "]")));
}

static void test_version_1_0_becomes_1_0_0(void **state) {
	(void)state;
	_cleanup_free_ char *text = read_wire("{\"version\":\"1.0\",\"anyOf\":[" ENTRY("\"allOf\":[" CLAIM "]") "]}", "");
	_cleanup_free_ char *policy = policy_in(text), *same = read_wire(PLAIN, "");
	assert_string_equal(policy, PLAIN);
	assert_string_equal(text, same);
}

static void test_immutable_is_shown_when_true(void **state) {
	(void)state;
	_cleanup_free_ char *a = read_wire(PLAIN, ",\"immutable\":true"), *b = read_wire(PLAIN, ",\"immutable\":false");
	_cleanup_free_ char *c = read_wire(PLAIN, ",\"immutable\":null,\"contentType\":null");
	_cleanup_json_ json_t *immutable = json_loads(a, 0, NULL);
	assert_true(json_is_true(json_object_get(immutable, "immutable")));
	assert_null(strstr(b, "immutable"));
	assert_string_equal(b, c);
}

static void test_conditions_of_the_grammar_are_taken(void **state) {
	(void)state;
	static const char *const policies[] = {
		CONDITION("{\"claim\":\"a\",\"equals\":true}"),
		CONDITION("{\"claim\":\"a\",\"equals\":5}"),
		CONDITION("{\"claim\":\"a\",\"equals\":1.5}"),
		CONDITION("{\"claim\":\"a\",\"equals\":\"\"}"),
		CONDITION(CLAIM "," CLAIM),
		CONDITION("{\"anyOf\":[" CLAIM "," CLAIM "]}"),
		CONDITION("{\"allOf\":[{\"anyOf\":[{\"allOf\":[" CLAIM "]}]}," CLAIM "]}"),
		POLICY(ENTRY("\"anyOf\":[" CLAIM "]") "," ENTRY("\"allOf\":[" CLAIM "]")),
	};
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		_cleanup_free_ char *text = read_wire(policies[i], ""), *policy = policy_in(text);
		assert_string_equal(policy, policies[i]);
	}
}

static void test_what_the_grammar_does_not_have_is_refused(void **state) {
	(void)state;
	static const struct {
		const char *policy, *words;
	} cases[] = {
		{"", "a JSON object"},
		{"[]", "a JSON object"},
		{"{\"version\":", "a JSON object"},
		{"{}", "\"version\""},
		{"{\"anyOf\":[" ENTRY("\"allOf\":[" CLAIM "]") "]}", "\"version\""},
		{"{\"version\":\"2.0.0\",\"anyOf\":[" ENTRY("\"allOf\":[" CLAIM "]") "]}", "\"version\""},
		{"{\"version\":1,\"anyOf\":[" ENTRY("\"allOf\":[" CLAIM "]") "]}", "\"version\""},
		{"{\"version\":\"1.0.0\",\"allOf\":[" ENTRY("\"allOf\":[" CLAIM "]") "]}", "list of authorities"},
		{"{\"version\":\"1.0.0\",\"x\":1,\"anyOf\":[" ENTRY("\"allOf\":[" CLAIM "]") "]}", "\"version\""},
		{"{\"version\":\"1.0.0\"}", "\"version\""},
		{POLICY(""), "list of authorities"},
		{"{\"version\":\"1.0.0\",\"anyOf\":{}}", "list of authorities"},
		{POLICY("5"), "\"authority\""},
		{POLICY("{}"), "\"authority\""},
		{POLICY("{\"allOf\":[" CLAIM "]}"), "\"authority\""},
		{POLICY("{\"authority\":\"https://a/\"}"), "\"authority\""},
		{POLICY("{\"authority\":5,\"allOf\":[" CLAIM "]}"), "\"authority\""},
		{POLICY("{\"authority\":\"\",\"allOf\":[" CLAIM "]}"), "\"authority\""},
		{POLICY("{\"authority\":\"http://a/\",\"allOf\":[" CLAIM "]}"), "\"authority\""},
		{POLICY(ENTRY("\"allOf\":[" CLAIM "],\"anyOf\":[" CLAIM "]")), "\"authority\""},
		{POLICY(ENTRY("\"oneOf\":[" CLAIM "]")), "either allOf or anyOf"},
		{POLICY(ENTRY("\"allOf\":[]")), "either allOf or anyOf"},
		{POLICY(ENTRY("\"allOf\":" CLAIM)), "either allOf or anyOf"},
		{CONDITION("5"), "a condition is"},
		{CONDITION("{}"), "a condition is"},
		{CONDITION("{\"equals\":1}"), "either allOf or anyOf"},
		{CONDITION("{\"claim\":\"a\"}"), "a condition is"},
		{CONDITION("{\"claim\":\"\",\"equals\":1}"), "a condition is"},
		{CONDITION("{\"claim\":5,\"equals\":1}"), "a condition is"},
		{CONDITION("{\"claim\":\"a\",\"equals\":1,\"notEquals\":2}"), "a condition is"},
		{CONDITION("{\"claim\":\"a\",\"notEquals\":1}"), "with equals"},
		{CONDITION("{\"claim\":\"a\",\"exists\":true}"), "with equals"},
		{CONDITION("{\"claim\":\"a\",\"greater\":1}"), "with equals"},
		{CONDITION("{\"claim\":\"a\",\"equals\":null}"), "with equals"},
		{CONDITION("{\"claim\":\"a\",\"equals\":[1]}"), "with equals"},
		{CONDITION("{\"claim\":\"a\",\"equals\":{}}"), "with equals"},
		{CONDITION("{\"anyOf\":[]}"), "either allOf or anyOf"},
		{CONDITION("{\"anyOf\":[" CLAIM "],\"allOf\":[" CLAIM "]}"), "a condition is"},
		{CONDITION("{\"anyOf\":[{\"claim\":\"a\",\"equals\":null}]}"), "with equals"},
		{CONDITION(CLAIM ",{\"authority\":\"https://a/\"}"), "either allOf or anyOf"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(cases[i].policy, cases[i].words);
}

static void test_wire_forms_that_are_none_are_refused(void **state) {
	(void)state;
	static const struct {
		const char *wire, *words;
	} cases[] = {
		{"[]", "must be an object"},
		{"{}", "data must be base64url"},
		{"{\"data\":null}", "data must be base64url"},
		{"{\"data\":5}", "data must be base64url"},
		{"{\"data\":\"e30=\"}", "data must be base64url"},
		{"{\"data\":\"\"}", "a JSON object"},
		{"{\"data\":\"e30\",\"contentType\":\"text/plain\"}", "contentType must be"},
		{"{\"data\":\"e30\",\"contentType\":5}", "contentType must be"},
		{"{\"data\":\"e30\",\"immutable\":\"true\"}", "immutable must be a boolean"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *wire = json_loads(cases[i].wire, 0, NULL);
		assert_non_null(wire);
		refused_wire(wire, cases[i].words);
	}
	_cleanup_free_ char *text = read_wire(PLAIN, ",\"contentType\":\"Application/JSON; charset=utf-8; version=1.0\"");
	assert_non_null(strstr(text, "\"application/json; charset=utf-8\""));
}

static char *nested(int depth) {
	struct buf b = {0};
	assert_int_equal(buf_str(&b, "{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a/\",\"allOf\":["), 0);
	for (int i = 1; i < depth; i++)
		assert_int_equal(buf_str(&b, "{\"allOf\":["), 0);
	assert_int_equal(buf_str(&b, CLAIM), 0);
	for (int i = 1; i < depth; i++)
		assert_int_equal(buf_str(&b, "]}"), 0);
	assert_int_equal(buf_str(&b, "]}]}"), 0);
	return buf_take_str(&b);
}

// A policy of `count` conditions over two authorities.
static char *numerous(int count) {
	struct buf b = {0};
	assert_int_equal(buf_str(&b, "{\"version\":\"1.0.0\",\"anyOf\":[" ENTRY("\"allOf\":[" CLAIM "]")
		",{\"authority\":\"https://a/\",\"anyOf\":["), 0);
	for (int i = 1; i < count; i++)
		assert_int_equal(buf_printf(&b, "%s" CLAIM, i > 1 ? "," : ""), 0);
	assert_int_equal(buf_str(&b, "]}]}"), 0);
	return buf_take_str(&b);
}

static char *padded(size_t size) {
	char *text = strv_printf("%*s", (int)size, PLAIN);
	assert_int_equal(strlen(text), size);
	return text;
}

static void test_policies_have_limits(void **state) {
	(void)state;
	_cleanup_free_ char *deep = nested(8), *deeper = nested(9), *abyss = nested(80);
	free(read_wire(deep, ""));
	refused(deeper, "nested too deeply");
	refused(abyss, "a JSON object");  // the parser's own limit
	_cleanup_free_ char *many = numerous(512), *more = numerous(513);
	free(read_wire(many, ""));
	refused(more, "too many conditions");
	_cleanup_free_ char *large = padded(RELEASE_POLICY_MAX), *larger = padded(RELEASE_POLICY_MAX + 1);
	free(read_wire(large, ""));
	refused(larger, "at most 40960 bytes");
	_cleanup_free_ char *long_claim = strv_printf(CONDITION("{\"claim\":\"%0512d\",\"equals\":1}"), 0);
	_cleanup_free_ char *longer_claim = strv_printf(CONDITION("{\"claim\":\"%0513d\",\"equals\":1}"), 0);
	free(read_wire(long_claim, ""));
	refused(longer_claim, "a condition is");
	_cleanup_free_ char *authority = strv_printf(POLICY("{\"authority\":\"https://%0505d\",\"allOf\":[" CLAIM "]}"), 0);
	refused(authority, "\"authority\"");
}

// The policy that confidential machines get has sixty authorities, and is sent indented.
static void test_the_policy_of_confidential_machines_fits(void **state) {
	(void)state;
	_cleanup_json_ json_t *policy = json_pack("{s:s, s:[]}", "version", "1.0.0", "anyOf");
	for (int i = 0; i < 60; i++) {
		_cleanup_free_ char *authority = strv_printf("https://sharedeus%d.eus%d.attest.azure.net/", i, i);
		json_t *kinds = json_pack("[{s:s, s:s}]", "claim", "x-ms-attestation-type", "equals", "sevsnpvm");
		if (i < 44)
			assert_int_equal(json_array_append_new(kinds, json_pack("{s:s, s:s}", "claim", "x-ms-attestation-type", "equals",
				"tdxvm")), 0);
		assert_int_equal(json_array_append_new(json_object_get(policy, "anyOf"), json_pack("{s:s, s:[{s:s, s:s}, {s:o}]}",
			"authority", authority, "allOf", "claim", "x-ms-compliance-status", "equals", "azure-compliant-cvm", "anyOf", kinds)), 0);
	}
	_cleanup_free_ char *indented = json_dumps(policy, JSON_INDENT(4)), *compact = json_text(policy);
	assert_true(strlen(indented) > 36000);
	_cleanup_free_ char *text = read_wire(indented, ",\"immutable\":false"), *stored = policy_in(text);
	assert_string_equal(stored, compact);
}

static void test_an_immutable_policy_stays(void **state) {
	(void)state;
	_cleanup_free_ char *plain = read_wire(PLAIN, ""), *other = read_wire(CONDITION("{\"claim\":\"a\",\"equals\":1}"), "");
	_cleanup_free_ char *fixed = read_wire(PLAIN, ",\"immutable\":true");
	_cleanup_free_ char *same = read_wire(" " PLAIN " ", ",\"immutable\":true");
	_cleanup_free_ char *fixed_other = read_wire(CONDITION("{\"claim\":\"a\",\"equals\":1}"), ",\"immutable\":true");
	struct err err = {0};
	assert_int_equal(release_policy_check_change(NULL, fixed, &err), 0);
	assert_int_equal(release_policy_check_change(plain, other, &err), 0);
	assert_int_equal(release_policy_check_change(plain, fixed, &err), 0);
	assert_int_equal(release_policy_check_change(fixed, same, &err), 0);
	assert_int_equal(release_policy_check_change(fixed, NULL, &err), 0);
	assert_int_equal(err.status, 0);
	const char *const changes[] = {plain, other, fixed_other};
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		err = (struct err){0};
		assert_true(release_policy_check_change(fixed, changes[i], &err) < 0);
		assert_int_equal(err.status, 400);
		assert_string_equal(err.code, "BadParameter");
		assert_string_equal(err.message, "AKV.SKR.1020: Immutable Key Release Policy cannot be modified.");
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_policy_is_stored_as_it_is_shown),
		cmocka_unit_test(test_version_1_0_becomes_1_0_0),
		cmocka_unit_test(test_immutable_is_shown_when_true),
		cmocka_unit_test(test_conditions_of_the_grammar_are_taken),
		cmocka_unit_test(test_what_the_grammar_does_not_have_is_refused),
		cmocka_unit_test(test_wire_forms_that_are_none_are_refused),
		cmocka_unit_test(test_policies_have_limits),
		cmocka_unit_test(test_the_policy_of_confidential_machines_fits),
		cmocka_unit_test(test_an_immutable_policy_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
