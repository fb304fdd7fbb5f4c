// SPDX-License-Identifier: Apache-2.0
// The language: what is an expression, how it is read, members and elements, what the host is asked, and the limits.
#include <sys/resource.h>

#include "base/buf.h"
#include "template/test-expr-util.h"

static struct host host;

static int set_up(void **state _unused_) {
	host.variables = json_loads("{\"o\": {\"Name\": \"n\", \"list\": [1, [2, 3], {\"x\": null}], \"with blank\": true}, \"empty\": {},"
		" \"k\": \"name\"}", 0, NULL);
	return host.variables ? 0 : -1;
}

static int tear_down(void **state _unused_) {
	json_decref(host.variables);
	return 0;
}

static void test_classify(void **state _unused_) {
	static const struct {
		const char *text;
		const char *literal;  // NULL for an expression
	} cases[] = {
		{"[concat('a')]", NULL}, {"[]", NULL}, {"[a]b]", NULL}, {"", ""}, {"[", "["}, {"]", "]"}, {"x", "x"}, {"[[x]", "[x]"},
		{"[[]", "[]"}, {"[[[x]]", "[[x]]"}, {"[x] tail", "[x] tail"}, {"[[x", "[[x"}, {" [x]", " [x]"}, {"[x] ", "[x] "},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *literal = NULL;
		bool is_expression;
		assert_int_equal(expr_classify(cases[i].text, &is_expression, &literal, NULL), 0);
		assert_true(is_expression == !cases[i].literal);
		if (cases[i].literal)
			assert_string_equal(literal, cases[i].literal);
		else
			assert_null(literal);
	}
}

static void test_language(void **state _unused_) {
	static const struct vector values[] = {
		{"'it''s'", "\"it's\""},
		{"''", "\"\""},
		{"''''", "\"'\""},
		{"'[x]'", "\"[x]\""},
		{"'é'", "\"é\""},
		{"17", "17"},
		{"-17", "-17"},
		{"  concat( 'a' ,\n\t'b' )  ", "\"ab\""},
		{"CONCAT('a', 'b')", "\"ab\""},
		{"variables('o').Name", "\"n\""},
		{"variables('o').name", "\"n\""},
		{"variables('o')['NAME']", "\"n\""},
		{"variables('o')[variables('k')]", "\"n\""},
		{"variables('o')['with blank']", "true"},
		{"variables('o').list[1][0]", "2"},
		{"variables('o') . list [ add(0, 1) ] [1]", "3"},
		{"variables('o').list[2].x", "null"},
		{"createArray(1, 2)[0]", "1"},
		{"contoso.echo()", "[]"},
		{"Contoso.Echo(1, 'x')[1]", "\"x\""},
		{"contoso.echo(1, contoso.echo(2))", "[1, [2]]"},
	};
	static const struct vector errors[] = {
		{"concat('a'", "Unable to parse language expression '[concat('a']': expected token 'RightParenthesis' and actual 'EndOfData'."},
		{"", "expected token 'Identifier' and actual 'EndOfData'"},
		{"concat", "expected token 'LeftParenthesis' and actual 'EndOfData'"},
		{"concat('a'))", "expected token 'EndOfData' and actual 'RightParenthesis'"},
		{"concat('a' 'b')", "expected token 'RightParenthesis' and actual 'StringLiteral'"},
		{"concat('a',)", "expected token 'Identifier' and actual 'RightParenthesis'"},
		{"concat(,'a')", "expected token 'Identifier' and actual 'Comma'"},
		{"a..b()", "expected token 'Identifier' and actual 'Dot'"},
		{"a.'b'()", "expected token 'Identifier' and actual 'StringLiteral'"},
		{"variables('o').1", "expected token 'Identifier' and actual 'Integer'"},
		{"variables('o').", "expected token 'Identifier' and actual 'EndOfData'"},
		{"variables('o')[0", "expected token 'RightSquareBracket' and actual 'EndOfData'"},
		{"variables('o')[]", "expected token 'Identifier' and actual 'RightSquareBracket'"},
		{"1.5", "expected token 'Identifier' and actual 'Integer'"},
		{"'a", "The language expression '['a]' is not valid: the string character ''' at position '1' is not expected."},
		{"add(1; 2)", "the string character ';' at position '6' is not expected."},
		{"-", "the string character '-' at position '1' is not expected."},
		{"\"a\"", "the string character '\"' at position '1' is not expected."},
		{"é()", "at position '1' is not expected"},
		{"1 2", "expected token 'EndOfData' and actual 'Integer'"},
		{"nonexistent()", "The template function 'nonexistent' is not valid."},
		{"Contoso.Nonexistent(1)", "The template function 'Contoso.Nonexistent' is not valid."},
		{"contoso.concat('a')", "The template function 'contoso.concat' is not valid."},
		{"variables('o').foo", "The language expression property 'foo' doesn't exist, available properties are 'Name, list, with blank'."},
		{"variables('o')['foo']", "The language expression property 'foo' doesn't exist"},
		{"variables('empty').foo", "The language expression property 'foo' doesn't exist, available properties are ''."},
		{"variables('o').list[5]", "The language expression property array index '5' is out of bounds."},
		{"variables('o').list[-1]", "The language expression property array index '-1' is out of bounds."},
		{"variables('o').list[9223372036854775807]", "is out of bounds."},
		{"variables('o')[0]", "the value is of type 'Object' and not an array"},
		{"variables('o').Name.x", "the value is of type 'String' and has no properties"},
		{"variables('o').list.x", "the value is of type 'Array' and has no properties"},
		{"null().x", "the value is of type 'Null' and has no properties"},
		{"variables('o')[true()]", "must be a string or an integer; the provided value is of type 'Boolean'"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_host(void **state _unused_) {
	_cleanup_json_ json_t *value = NULL;
	struct err err = {0};

	// Arguments are evaluated once each, in their order, and what the host fails with is passed on.
	host.calls = 0;
	comes_to(&(struct vector){"contoso.echo(count(), count(), count())", "[1, 2, 3]"}, &host);
	comes_to(&(struct vector){"if(equals(count(), 4), 'yes', count())", "\"yes\""}, &host);
	assert_int_equal(host.calls, 4);
	assert_int_equal(try_expression("concat('a', broken())", &host, &value, &err), -EBUSY);
	assert_int_equal(err.status, 409);
	assert_string_equal(err.code, "Conflict");
	assert_null(value);

	// A function that computes is never asked of the host, whatever its case.
	assert_true(expr_is_function("concat"));
	assert_true(expr_is_function("UNIQUESTRING"));
	assert_true(expr_is_function("lambdaVariables"));
	assert_false(expr_is_function("reference"));
	assert_false(expr_is_function("utcNow"));
	assert_false(expr_is_function("contoso.concat"));
	assert_false(expr_is_function(""));
}

static void expect_json(const char *template, const char *expected) {
	_cleanup_json_ json_t *value = json_loads(template, JSON_DECODE_ANY, NULL), *wanted = json_loads(expected, JSON_DECODE_ANY, NULL),
			      *made = NULL;
	struct expr_budget budget = {.left = TEST_BUDGET};
	const struct expr_scope scope = {.ctx = &host, .call = host_call, .budget = &budget};
	struct err err = {0};
	assert_non_null(value);
	assert_non_null(wanted);
	if (expr_json(value, &scope, &made, &err) < 0)
		fail_msg("%s: %s", template, err.message);
	assert_true(json_equal(made, wanted));
}

static void refuse_json(const json_t *value, int64_t cost, const char *message) {
	_cleanup_json_ json_t *made = NULL;
	struct expr_budget budget = {.left = cost};
	const struct expr_scope scope = {.ctx = &host, .call = host_call, .budget = &budget};
	struct err err = {0};
	assert_int_equal(expr_json(value, &scope, &made, &err), -EINVAL);
	assert_int_equal(err.status, 400);
	assert_non_null(strstr(err.message, message));
	assert_null(made);
}

static void test_json(void **state _unused_) {
	expect_json("{\"a\": \"[add(1, 2)]\", \"b\": [\"[[x]\", \"[null()]\", 1.5, true, null, {}], \"[concat('k', 'ey')]\": {\"x\": \"y\"}}",
		"{\"a\": 3, \"b\": [\"[x]\", null, 1.5, true, null, {}], \"key\": {\"x\": \"y\"}}");
	expect_json("\"[createArray(1)]\"", "[1]");
	expect_json("17", "17");
	expect_json("[]", "[]");

	_cleanup_json_ json_t *twice = json_loads("{\"a\": 1, \"[concat('a')]\": 2}", 0, NULL),
			      *number = json_loads("{\"[add(1, 2)]\": 2}", 0, NULL),
			      *broken = json_loads("{\"a\": [\"[concat(]\"]}", 0, NULL);
	refuse_json(twice, TEST_BUDGET, "The property 'a' stands more than once");
	refuse_json(number, TEST_BUDGET, "must come to a string; it is of type 'Integer'");
	refuse_json(broken, TEST_BUDGET, "Unable to parse language expression");
	refuse_json(broken, 10, "takes more than is allowed");
}

static int count_call(void *ctx, const struct expr_call *call, struct err *err _unused_) {
	struct buf *seen = ctx;
	assert_int_equal(buf_printf(seen, "%s/%zu ", call->function, call->argument_count), 0);
	// An argument is an expression of its own.
	struct expr_budget budget = {.left = TEST_BUDGET};
	const struct expr_scope scope = {.ctx = &host, .call = host_call, .budget = &budget};
	_cleanup_json_ json_t *first = NULL;
	if (strcmp(call->function, "reference") == 0) {
		assert_int_equal(expr_evaluate(call->arguments[0], &scope, &first, NULL), 0);
		assert_string_equal(json_string_value(first), "ab");
	}
	return strcmp(call->function, "stop") == 0 ? -ECANCELED : 0;
}

static void test_each_call(void **state _unused_) {
	_cleanup_buf_ struct buf seen = {0}, until = {0};
	_cleanup_expr_ struct expr *all = NULL, *some = NULL;
	assert_int_equal(expr_parse("[f(reference(concat('a', 'b'), '1').x[g()], if(h(), 'x', map(i(), lambda('l', j()))))]", &all, NULL), 0);
	assert_int_equal(expr_each_call(all, count_call, &seen, NULL), 0);
	assert_string_equal(buf_cstr(&seen), "f/2 reference/2 concat/2 g/0 if/3 h/0 map/2 i/0 lambda/2 j/0 ");
	assert_int_equal(expr_parse("[f(stop(g()), h())]", &some, NULL), 0);
	assert_int_equal(expr_each_call(some, count_call, &until, NULL), -ECANCELED);
	assert_string_equal(buf_cstr(&until), "f/2 stop/1 ");
}

static void test_parse(void **state _unused_) {
	static const char *const refused[] = {"", "x", "[", "concat('a')", "[concat('a')", "[concat('a')] ", "['\xff']"};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct expr *e = NULL;
		struct err err = {0};
		assert_int_equal(expr_parse(refused[i], &e, &err), -EINVAL);
		assert_string_equal(err.code, "InvalidTemplate");
		assert_null(e);
	}
}

// `inner` inside of so many "open … shut".
static char *nested(const char *open, const char *inner, const char *shut, size_t depth) {
	struct buf text = {0};
	for (size_t i = 0; i < depth; i++)
		assert_int_equal(buf_str(&text, open), 0);
	assert_int_equal(buf_str(&text, inner), 0);
	for (size_t i = 0; i < depth; i++)
		assert_int_equal(buf_str(&text, shut), 0);
	char *taken = buf_take_str(&text);
	assert_non_null(taken);
	return taken;
}

static void test_depth(void **state _unused_) {
	_cleanup_free_ char *deepest = nested("concat(", "'a'", ")", EXPR_DEPTH_MAX - 1), *deeper = nested("concat(", "'a'", ")", EXPR_DEPTH_MAX),
			    *abyss = nested("concat(", "'a'", ")", 2000), *members = nested("", "variables('o')", ".o", EXPR_DEPTH_MAX),
			    *elements = nested("", "variables('o')", "[0]", EXPR_DEPTH_MAX), *brackets = nested("[", "", "", 20000), *open = strv_printf("concat(%s", brackets),
			    *indexes = nested("f()[", "1", "]", EXPR_DEPTH_MAX);
	comes_to(&(struct vector){deepest, "\"a\""}, &host);
	const struct vector refused[] = {{deeper, "is nested deeper than 64 levels"}, {abyss, "is nested deeper than 64 levels"},
		{members, "is nested deeper than 64 levels"}, {elements, "is nested deeper than 64 levels"},
		{open, "expected token 'Identifier' and actual 'LeftSquareBracket'"}, {indexes, "is nested deeper than 64 levels"}};
	all_are_refused(refused, &host);
}

static void test_length(void **state _unused_) {
	// With the brackets and quotes it has as many characters as it may have, then one more.
	_cleanup_free_ char *blanks = nested(" ", "1", "", EXPR_LENGTH_MAX - 3), *more = nested(" ", "1", "", EXPR_LENGTH_MAX - 2);
	comes_to(&(struct vector){blanks, "1"}, &host);
	is_refused(&(struct vector){more, "it must not have more than 24576"}, &host);
}

// A host whose variables refer to each other, as those of a template do: v(0) is the seed, v(n) an expression over v(n-1).
struct chain {
	const char *seed, *step;
	struct expr_budget budget;
};

static int chain_call(void *ctx, const char *function, json_t *const *args, size_t count _unused_, json_t **out, struct err *err) {
	struct chain *chain = ctx;
	if (strcmp(function, "v") != 0)
		return -ENOSYS;
	int64_t n = json_integer_value(args[0]);
	_cleanup_free_ char *previous = strv_printf("v(%lld)", (long long)n - 1), *text = NULL;
	_cleanup_buf_ struct buf made = {0};
	for (const char *at = n == 0 ? chain->seed : chain->step; *at; at++)
		assert_int_equal(*at == '@' ? buf_str(&made, previous) : buf_u8(&made, (uint8_t)*at), 0);
	text = buf_take_str(&made);
	const struct expr_scope scope = {.ctx = chain, .call = chain_call, .budget = &chain->budget};
	return expr_text(text, &scope, out, err);
}

// Ends with 400 in no more than so many seconds of work, which are many more than it takes.
enum { SECONDS_MAX = 20 };

static int64_t seconds_worked(void) {
	struct rusage usage;
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
}

static void ends_at(const char *seed, const char *step, const char *expression, const char *const messages[]) {
	struct chain chain = {seed, step, {.left = TEST_BUDGET}};
	const struct expr_scope scope = {.ctx = &chain, .call = chain_call, .budget = &chain.budget};
	_cleanup_json_ json_t *value = NULL;
	struct err err = {0};
	int64_t start = seconds_worked();
	int rc = expr_text(expression, &scope, &value, &err);
	while (*messages && !strstr(err.message, *messages))
		messages++;
	if (rc != -EINVAL || err.status != 400 || !*messages)
		fail_msg("%s: %d %s", expression, rc, err.message);
	assert_null(value);
	assert_int_equal(chain.budget.depth, 0);
	if (seconds_worked() - start > SECONDS_MAX)
		fail_msg("%s: %lld seconds", expression, (long long)(seconds_worked() - start));
}

static const char *const limits[] = {"takes more than is allowed", "is larger than", "nested deeper than", NULL};

static void grows(const char *seed, const char *step) {
	ends_at(seed, step, "[v(100000)]", limits);
}

static void runs_out(const char *expression) {
	ends_at("", "", expression, limits);
}

static void test_hostile(void **state _unused_) {
	// Doubling, by calls and by a fold that evaluates what it has once.
	ends_at("x", "[concat(@, @)]", "[v(60)]", limits);
	grows("x", "[concat(@, @)]");
	runs_out("[reduce(range(0, 100), 'x', lambda('a', 'b', concat(lambdaVariables('a'), lambdaVariables('a'))))]");
	runs_out("[reduce(range(0, 100), createArray(1), lambda('a', 'b', concat(lambdaVariables('a'), lambdaVariables('a'))))]");
	// The same, shared: small in memory, endless as JSON.
	runs_out("[reduce(range(0, 100), createArray(1), lambda('a', 'b', createArray(lambdaVariables('a'), lambdaVariables('a'))))]");
	runs_out("[reduce(range(0, 100), createObject(), lambda('a', 'b', createObject('x', lambdaVariables('a'), 'y', "
		"lambdaVariables('a'))))]");
	runs_out("[reduce(range(0, 10000), 0, lambda('a', 'b', array(createArray(lambdaVariables('a')))))]");
	runs_out("[reduce(range(0, 10000), 0, lambda('a', 'b', createObject('a', lambdaVariables('a'))))]");
	// Loops in loops.
	runs_out("[map(range(0, 10000), lambda('a', map(range(0, 10000), lambda('b', map(range(0, 10000), lambda('c', 1))))))]");
	runs_out("[length(map(range(0, 10000), lambda('a', range(0, 10000))))]");
	runs_out("[filter(range(0, 10000), lambda('a', contains(range(0, 10000), lambdaVariables('a'))))]");
	runs_out("[sort(range(0, 10000), lambda('a', 'b', less(length(range(0, 100)), lambdaVariables('a'))))]");
	// Recursion of the host's.
	grows("x", "[@]");
	grows("x", "[concat(@, 'y')]");
	// Strings that grow.
	runs_out("[reduce(range(0, 100), 'aa', lambda('a', 'b', replace(lambdaVariables('a'), 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')))]");
	ends_at("", "", "[format('{0,1000000000}', 1)]", (const char *const[]){"the format is invalid", NULL});
	runs_out("[map(range(0, 10000), lambda('a', format('{0,4000000}', 1)))]");
	runs_out("[format('{0,4000000}{0,4000000}', 1)]");
	runs_out("[map(range(0, 10000), lambda('a', length(format('{0,4000000}', 1))))]");
	runs_out("[map(range(0, 10000), lambda('a', toUpper(format('{0,1000000}', 'x'))))]");
	runs_out("[map(range(0, 10000), lambda('a', format('{0:D999}{0:F999}{0:N999}{0:P999}{0:E999}', 1)))]");
	runs_out("[reduce(range(0, 100), 'x', lambda('a', 'b', base64(lambdaVariables('a'))))]");
	runs_out("[reduce(range(0, 100), '\"', lambda('a', 'b', string(createArray(lambdaVariables('a')))))]");
	runs_out("[reduce(range(0, 100), '%', lambda('a', 'b', uriComponent(concat(lambdaVariables('a'), lambdaVariables('a')))))]");
	runs_out("[join(map(range(0, 10000), lambda('a', '')), format('{0,1000}', 1))]");
	// Much to look at again and again, with little to make.
	runs_out("[map(range(0, 10000), lambda('i', lastIndexOf(format('{0,4000000}', ''), format('{0,2000000}', ''))))]");
	runs_out("[lastIndexOf(format('{0,4000000}', ''), format('{0,2000000}', ''))]");
	runs_out("[split(format('{0,2000000}', ''), map(range(0, 10000), lambda('i', string(lambdaVariables('i')))))]");
	runs_out("[split(format('{0,4000000}', ''), ' ')]");
	runs_out("[map(range(0, 10000), lambda('i', json(format('{0,1000000}', lambdaVariables('i')))))]");
	// Texts of JSON.
	_cleanup_free_ char *brackets = nested("[", "", "]", 70), *json = strv_printf("[json('%s')]", brackets);
	runs_out(json);
	runs_out("[map(range(0, 2), lambda('i', json(format('[{0}1]', replace(format('{0,2000000}', ''), ' ', '1,')))))]");
	runs_out("[reduce(range(0, 1000), '1', lambda('a', 'b', format('[{0},{0}]', lambdaVariables('a'))))]");
}

// What templates really do stays far below the limits.
static void test_room(void **state _unused_) {
	_cleanup_json_ json_t *value = NULL;
	struct expr_budget budget = {.left = TEST_BUDGET};
	const struct expr_scope scope = {.ctx = &host, .call = host_call, .budget = &budget};
	assert_int_equal(expr_text("[reduce(range(0, 1000), createObject(), lambda('all', 'i', union(lambdaVariables('all'), createObject(format("
		"'resource-{0:D4}', lambdaVariables('i')), lambdaVariables('i')))))]", &scope, &value, NULL), 0);
	assert_int_equal(json_object_size(value), 1000);
	json_decref(value);
	value = NULL;
	budget.left = TEST_BUDGET;
	assert_int_equal(expr_text("[map(range(0, 10000), lambda('i', createObject('name', format('vm{0:000}', lambdaVariables('i')), 'tags', "
		"createObject('index', string(lambdaVariables('i'))))))]", &scope, &value, NULL), 0);
	assert_int_equal(json_array_size(value), 10000);
	assert_true(budget.left > TEST_BUDGET / 2);
}

static void test_time(void **state _unused_) {
	_cleanup_json_ json_t *value = NULL;
	struct expr_budget budget = {.left = 100};
	const struct expr_scope scope = {.ctx = &host, .call = host_call, .budget = &budget};
	struct err err = {0};
	assert_int_equal(expr_time(1551808388, "yyyyMMddTHHmmssZ", &scope, &value, NULL), 0);
	assert_string_equal(json_string_value(value), "20190305T175308Z");
	assert_int_equal(expr_time(1551808388, "?", &scope, &value, &err), -EINVAL);
	assert_string_equal(err.code, "InvalidTemplate");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classify),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_each_call),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_time),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
