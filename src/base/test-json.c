// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include "base/strv.h"
#include "base/test-util.h"

static json_t *parse(const char *text) {
	json_t *value = NULL;
	struct err err = {0};
	if (json_parse(text, strlen(text), "InvalidRequestContent", &value, &err) < 0)
		fail_msg("%s", err.message);
	return value;
}

static void expect_refused(const char *text, size_t len) {
	json_t *value = NULL;
	struct err err = {0};
	if (json_parse(text, len, "InvalidRequestContent", &value, &err) != -EINVAL)
		fail_msg("accepted: %s", text);
	assert_null(value);
	assert_int_equal(err.status, 400);
	assert_string_equal(err.code, "InvalidRequestContent");
	assert_true(err.message[0]);
}

static void test_parse(void **state _unused_) {
	_cleanup_json_ json_t *object = parse(" {\"a\": [1, 2.5, \"x\", true, null]} \n"), *array = parse("[]");
	assert_true(json_is_object(object));
	assert_true(json_is_array(array));
}

static void test_refused(void **state _unused_) {
	static const char *const refused[] = {"", " ", "7", "\"x\"", "null", "{", "}", "{}{}", "{} x", "[1,]", "{\"a\":}", "{'a':1}",
		"{\"a\":1,\"a\":1}", "{\"o\":{\"a\":1,\"a\":2}}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}", "{\"a\":01}", "{\"a\":NaN}",
		"// c\n{}", "\xef\xbb\xbf{}", "{\"a\":1e999}", "{\"a\":99999999999999999999}"};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		expect_refused(refused[i], strlen(refused[i]));
	expect_refused("{}\0", 3);
	expect_refused("{\"a\":\"\0\"}", 9);
}

// The body may hold a secret, and the message may end up in a log.
static void test_error_does_not_quote(void **state _unused_) {
	static const char *const bodies[] = {"{\"value\":\"hunter2\" \"x\"}", "{\"value\":hunter2}", "{\"hunter2\":1,\"hunter2\":2}",
		"{\"value\":\"hunter2"};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		json_t *value = NULL;
		struct err err = {0};
		assert_int_equal(json_parse(bodies[i], strlen(bodies[i]), "C", &value, &err), -EINVAL);
		if (strstr(err.message, "hunter2"))
			fail_msg("quoted: %s", err.message);
		assert_non_null(strstr(err.message, "line 1"));
	}
}

static char *nested(size_t depth, char open, char shut) {
	char *text = malloc(2 * depth + 1);
	assert_non_null(text);
	memset(text, open, depth);
	memset(text + depth, shut, depth);
	text[2 * depth] = 0;
	return text;
}

static void test_depth(void **state _unused_) {
	_cleanup_free_ char *deepest = nested(JSON_DEPTH_MAX, '[', ']'), *deeper = nested(JSON_DEPTH_MAX + 1, '[', ']'),
			    *abyss = nested(100000, '[', ']');
	_cleanup_json_ json_t *value = parse(deepest);
	assert_non_null(value);
	expect_refused(deeper, strlen(deeper));
	expect_refused(abyss, strlen(abyss));

	// Brackets in strings nest nothing, also behind an escaped quote.
	_cleanup_free_ char *open = nested(200, '[', '{'), *text = strv_printf("{\"a\":\"\\\"%s\"}", open);
	_cleanup_json_ json_t *harmless = parse(text);
	assert_non_null(harmless);
	// Brackets after an escaped backslash are real again.
	_cleanup_free_ char *after = strv_printf("[\"\\\\\",%s]", deepest);
	expect_refused(after, strlen(after));
}

static void test_text(void **state _unused_) {
	_cleanup_json_ json_t *value = parse("{ \"a\" : [ 1 , \"x\" ] }"), *number = json_integer(7);
	_cleanup_free_ char *text = json_text(value), *seven = json_text(number);
	assert_string_equal(text, "{\"a\":[1,\"x\"]}");
	assert_string_equal(seven, "7");
}

static void test_paths(void **state _unused_) {
	_cleanup_json_ json_t *o =
		parse("{\"properties\":{\"activeKey\":{\"keyUrl\":\"u\"},\"n\":5,\"b\":true,\"f\":1.5,\"z\":null},\"list\":[{\"a\":1}]}");
	assert_string_equal(json_str(o, "properties.activeKey.keyUrl"), "u");
	assert_null(json_str(o, "properties.activeKey"));
	assert_null(json_str(o, "properties.n"));
	assert_null(json_str(o, "properties.missing.keyUrl"));
	assert_null(json_str(o, "list.a"));
	assert_null(json_str(NULL, "a"));
	assert_true(json_is_object(json_at(o, "properties.activeKey")));
	assert_true(json_is_null(json_at(o, "properties.z")));
	assert_null(json_at(o, "properties.activeKey.keyUrl.more"));
	assert_null(json_at(o, "Properties"));

	assert_int_equal(json_int(o, "properties.n", -1), 5);
	assert_int_equal(json_int(o, "properties.b", -1), -1);
	assert_int_equal(json_int(o, "properties.f", -1), -1);
	assert_int_equal(json_int(o, "properties.missing", -1), -1);
	assert_true(json_bool(o, "properties.b", false));
	assert_true(json_bool(o, "properties.n", true));
	assert_false(json_bool(o, "properties.missing", false));

	char name[200];
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_null(json_at(o, name));
}

static void test_set(void **state _unused_) {
	_cleanup_json_ json_t *o = json_object();
	assert_int_equal(json_set(o, "o", json_object()), 0);
	assert_int_equal(json_set_str(o, "s", "x"), 0);
	assert_int_equal(json_set_int(o, "i", INT64_MAX), 0);
	assert_int_equal(json_set_bool(o, "b", false), 0);
	assert_int_equal(json_set_str(o, "s", "y"), 0);
	_cleanup_free_ char *text = json_text(o);
	assert_string_equal(text, "{\"o\":{},\"s\":\"y\",\"i\":9223372036854775807,\"b\":false}");

	// What a constructor that failed gives, and what is no UTF-8.
	assert_int_equal(json_set(o, "n", NULL), -ENOMEM);
	assert_int_equal(json_set_str(o, "n", "\xff"), -ENOMEM);
	assert_int_equal(json_set_str(NULL, "n", "x"), -ENOMEM);
	assert_null(json_at(o, "n"));
}

static void test_lossy(void **state) {
	(void)state;
	_cleanup_json_ json_t *good = json_lossy("gr\xc3\xb6\xc3\x9f"
						 "e"),
			      *cut = json_lossy("gr\xc3"), *error = json_error("Code", "cut \xc3");
	assert_string_equal(json_string_value(good), "gr\xc3\xb6\xc3\x9f"
						     "e");
	assert_string_equal(json_string_value(cut), "gr?");
	assert_string_equal(json_str(error, "code"), "Code");
	assert_string_equal(json_str(error, "message"), "cut ?");
}

enum { SECRET_LEN = 64 };

// A text that stands nowhere in this program.
static char secret_at(size_t i) {
	return (char)("AaBb"[i % 4] + (char)(i / 4));
}

// Does the heap hold the second half of it? The allocator itself writes over the beginning of what is freed.
static bool heap_holds_secret(void) {
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[256];
	bool found = false;
	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		if (!strstr(line, "[heap]") || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		for (const char *p = (const char *)from; p + SECRET_LEN < (const char *)to && !found; p++) {
			size_t i = SECRET_LEN / 2;
			while (i < SECRET_LEN && p[i] == secret_at(i))
				i++;
			found = i == SECRET_LEN;
		}
	}
	if (maps)
		(void)fclose(maps);
	return found;
}

// A body may hold a secret's value or a private key.
static void test_what_was_parsed_is_wiped(void **state) {
	(void)state;
	char body[SECRET_LEN + 32];
	for (int broken = 0; broken < 2; broken++) {
		const size_t at = sizeof("{\"value\":\"") - 1;
		(void)snprintf(body, sizeof(body), "{\"value\":\"%*s\"%s", SECRET_LEN, "", broken ? "" : "}");
		for (size_t i = 0; i < SECRET_LEN; i++)
			body[at + i] = secret_at(i);
		json_t *value = NULL;
		assert_int_equal(json_parse(body, strlen(body), "BadParameter", &value, NULL), broken ? -EINVAL : 0);
		json_decref(value);
		assert_false(heap_holds_secret());
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_error_does_not_quote),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_lossy),
		cmocka_unit_test(test_what_was_parsed_is_wiped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
