// SPDX-License-Identifier: Apache-2.0
// The functions, first by the examples of their documentation ("ARM template functions", Microsoft Learn).
#include "template/test-expr-util.h"

static struct host host;

static int set_up(void **state _unused_) {
	static const char variables[] =
		"{\"object\": {\"one\": \"a\", \"two\": \"b\", \"three\": \"c\"}, \"other\": {\"one\": \"a\", \"two\": \"z\", \"three\": \"c\"},"
		" \"third\": {\"three\": \"c2\", \"four\": \"d\", \"five\": \"e\"}, \"array\": [\"one\", \"two\", \"three\"],"
		" \"nested\": {\"a\": {\"b\": {\"c\": 1}, \"list\": [1, 2]}, \"empty\": null},"
		" \"nulls\": {\"null1\": null, \"string\": \"default\"}, \"keys\": {\"ghiKey\": 1, \"defKey\": 2, \"abcKey\": 3, \"123Key\": 4,"
		" \"GHIKey\": 5, \"DEFKey\": 6, \"ABCKey\": 7, \"456Key\": 8},"
		" \"float\": 2.5, \"dogs\": [{\"name\": \"Evie\", \"age\": 5, \"interests\": [\"Ball\", \"Frisbee\"]},"
		" {\"name\": \"Casper\", \"age\": 3, \"interests\": [\"Other dogs\"]}, {\"name\": \"Indy\", \"age\": 2, \"interests\": [\"Butter\"]},"
		" {\"name\": \"Kira\", \"age\": 8, \"interests\": [\"Rubs\"]}]}";
	host.variables = json_loads(variables, 0, NULL);
	return host.variables ? 0 : -1;
}

static int tear_down(void **state _unused_) {
	json_decref(host.variables);
	return 0;
}

#define V(name) "variables('" name "')"

static void test_array(void **state _unused_) {
	static const struct vector values[] = {
		{"array(1)", "[1]"},
		{"array('efgh')", "[\"efgh\"]"},
		{"array(createObject('a', 'b', 'c', 'd'))", "[{\"a\": \"b\", \"c\": \"d\"}]"},
		{"array(createArray(1))", "[1]"},
		{"concat(createArray('1-1', '1-2'), createArray('2-1'))", "[\"1-1\", \"1-2\", \"2-1\"]"},
		{"concat('prefix', '-', 'x')", "\"prefix-x\""},
		{"concat(100, 'aaa', true())", "\"100aaaTrue\""},
		{"contains('OneTwoThree', 'e')", "true"},
		{"contains('OneTwoThree', 'z')", "false"},
		{"contains('OneTwoThree', 'one')", "false"},
		{"contains(" V("object") ", 'one')", "true"},
		{"contains(" V("object") ", 'ONE')", "true"},
		{"contains(" V("object") ", 'a')", "false"},
		{"contains(" V("array") ", 'three')", "true"},
		{"contains(" V("array") ", 'THREE')", "false"},
		{"contains(" V("array") ", 'four')", "false"},
		{"contains(createArray(createObject('a', 1)), createObject('a', 1))", "true"},
		{"contains(createArray(1), '1')", "false"},
		{"createArray('a', 'b', 'c')", "[\"a\", \"b\", \"c\"]"},
		{"createArray()", "[]"},
		{"createArray(" V("array") ")", "[[\"one\", \"two\", \"three\"]]"},
		{"empty(createArray())", "true"},
		{"empty(createObject())", "true"},
		{"empty('')", "true"},
		{"empty(null())", "true"},
		{"empty('x')", "false"},
		{"empty(" V("object") ")", "false"},
		{"first(" V("array") ")", "\"one\""},
		{"first('One Two Three')", "\"O\""},
		{"first(createArray())", "null"},
		{"first('')", "\"\""},
		{"last(" V("array") ")", "\"three\""},
		{"last('One Two Three')", "\"e\""},
		{"last(createArray())", "null"},
		{"last('')", "\"\""},
		{"last('aé')", "\"é\""},
		{"flatten(createArray(createArray(0, 1), createArray(), createArray(2, createArray(3))))", "[0, 1, 2, [3]]"},
		{"flatten(createArray())", "[]"},
		{"indexOf('test', 't')", "0"},
		{"lastIndexOf('test', 't')", "3"},
		{"indexOf('abcdef', 'CD')", "2"},
		{"lastIndexOf('abcdef', 'AB')", "0"},
		{"indexOf('abcdef', 'z')", "-1"},
		{"lastIndexOf('abcdef', 'z')", "-1"},
		{"lastIndexOf('aaaa', 'aa')", "2"},
		{"indexOf('abc', '')", "0"},
		{"lastIndexOf('abc', '')", "3"},
		{"indexOf('\xf0\x9f\x98\x80x', 'X')", "2"},
		{"indexOf(createArray('a', 'b', 'a'), 'a')", "0"},
		{"lastIndexOf(createArray('a', 'b', 'a'), 'a')", "2"},
		{"indexOf(createArray('a'), 'A')", "-1"},
		{"indexOf(createArray(false()), false())", "0"},
		{"intersection(" V("object") ", " V("other") ")", "{\"one\": \"a\", \"three\": \"c\"}"},
		{"intersection(" V("array") ", createArray('two', 'three'))", "[\"two\", \"three\"]"},
		{"intersection(createArray(3, 1, 2, 1), createArray(1, 3), createArray(1, '3'))", "[1]"},
		{"length(" V("array") ")", "3"},
		{"length('One Two Three')", "13"},
		{"length(" V("object") ")", "3"},
		{"length('\xf0\x9f\x98\x80\xc3\xa9')", "3"},
		{"min(0, 3, 2, 5, 4)", "0"},
		{"max(0, 3, 2, 5, 4)", "5"},
		{"min(createArray(0, 3, 2, -5, 4))", "-5"},
		{"max(createArray(0, 3, 2, 5, 4))", "5"},
		{"range(5, 3)", "[5, 6, 7]"},
		{"range(-1, 0)", "[]"},
		{"skip(" V("array") ", 2)", "[\"three\"]"},
		{"skip('one two three', 4)", "\"two three\""},
		{"skip('abc', -1)", "\"abc\""},
		{"skip('abc', 9)", "\"\""},
		{"skip('\xf0\x9f\x98\x80x', 2)", "\"x\""},
		{"take(" V("array") ", 2)", "[\"one\", \"two\"]"},
		{"take('one two three', 2)", "\"on\""},
		{"take(" V("array") ", -2)", "[]"},
		{"take(" V("array") ", 99)", "[\"one\", \"two\", \"three\"]"},
		{"union(" V("object") ", " V("third") ")",
			"{\"one\": \"a\", \"two\": \"b\", \"three\": \"c2\", \"four\": \"d\", \"five\": \"e\"}"},
		{"union(" V("array") ", createArray('three', 'four'))", "[\"one\", \"two\", \"three\", \"four\"]"},
		{"union(createArray(1, 1), createArray('1', createObject('a', 1, 'b', 2)), createArray(createObject('b', 2, 'a', 1)))",
			"[1, \"1\", {\"a\": 1, \"b\": 2}]"},
		{"union(json('{\"a\": {\"x\": 1, \"l\": [1, 2]}, \"k\": 1}'), json('{\"A\": {\"y\": 2, \"l\": [3]}}'))",
			"{\"a\": {\"x\": 1, \"l\": [3], \"y\": 2}, \"k\": 1}"},
		{"indexFromEnd(" V("array") ", 1)", "\"three\""},
		{"tryIndexFromEnd(" V("array") ", 3)", "\"one\""},
		{"tryIndexFromEnd(" V("array") ", 4)", "null"},
		{"tryIndexFromEnd(" V("array") ", 0)", "null"},
		{"tryIndexFromEnd(" V("dogs") ", 1, 'name')", "\"Kira\""},
		{"tryIndexFromEnd(null(), 1)", "null"},
		{"tryGet(" V("object") ", 'ONE')", "\"a\""},
		{"tryGet(" V("object") ", 'nine')", "null"},
		{"tryGet(" V("array") ", 0)", "\"one\""},
		{"tryGet(" V("array") ", 3)", "null"},
		{"tryGet(" V("array") ", -1)", "null"},
		{"tryGet(null(), 'x')", "null"},
		{"tryGet(" V("nested") ", 'a', 'b', 'c')", "1"},
		{"tryGet(" V("nested") ", 'a', 'list', 1)", "2"},
		{"tryGet(" V("nested") ", 'x', 'b', 'c')", "null"},
		{"tryGet(tryGet(" V("nested") ", 'empty'), 'x')", "null"},
		{"coalesce(tryGet(" V("nested") ", 'x'), 'fallback')", "\"fallback\""},
	};
	static const struct vector errors[] = {
		{"concat()", "Unable to evaluate template language function 'concat'. At least one parameter should be provided."},
		{"concat(createArray('hello', 100), 200)",
			"The provided parameters for language function 'concat' are invalid. Either all or none of the parameters must be an array."},
		{"concat('a', createObject())", "function 'concat' expects"},
		{"concat('a', null())", "function 'concat' expects"},
		{"empty()", "Unable to evaluate template language function 'empty': function requires 1 argument(s) while 0 were provided."},
		{"empty(100)", "The template function 'empty' expects its parameter to be an object, an array, or a string. The provided value is of "
			"type 'Integer'."},
		{"first(100)", "The template language function 'first' expects its parameter be an array or a string. The provided value is of type "
			"'Integer'."},
		{"last(100)", "The template language function 'last' expects its parameter be an array or a string. The provided value is of type "
			"'Integer'."},
		{"length(100)", "The template language function 'length' expects its parameter to be an array, object, or a string. The provided "
			"value is of type 'Integer'."},
		{"indexOf(100, 1)", "The template language function 'indexOf' expects its parameters to be of type string and string. The provided "
			"value is of type 'Integer' and 'Integer'."},
		{"contains(1, 1)", "'Integer' and 'Integer'"},
		{"contains('1', 1)", "'String' and 'Integer'"},
		{"contains(createObject(), 1)", "its second parameter to be of type 'String'"},
		{"flatten(createArray(1))", "an array of arrays"},
		{"flatten(1)", "'Array'"},
		{"range(0, 10001)", "between 0 and 10000"},
		{"range(0, -1)", "between 0 and 10000"},
		{"range(2147483647, 1)", "2147483647"},
		{"range('0', 1)", "'Integer'"},
		{"skip(1, 1)", "array or a string"},
		{"take('x', 'y')", "its second parameter to be of type 'Integer'. The provided value is of type 'String'."},
		{"union('a', createArray())", "all arrays or all objects"},
		{"intersection(createObject(), createArray())", "all arrays or all objects"},
		{"min(createArray())", "at least one integer"},
		{"max('a')", "integers"},
		{"indexFromEnd(" V("array") ", 4)", "The language expression property array index '^4' is out of bounds."},
		{"indexFromEnd(" V("array") ", 0)", "out of bounds"},
		{"tryGet(" V("nested") ", 'a', 'x', 'c')", "The language expression property 'x' doesn't exist, available properties are 'b, list'."},
		{"tryGet('text', 'x')", "'String' and 'String'"},
		{"tryGet(" V("array") ", 'x')", "'Array' and 'String'"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_cidr(void **state _unused_) {
	static const struct vector values[] = {
		{"parseCidr('10.144.0.0/20')", "{\"network\": \"10.144.0.0\", \"netmask\": \"255.255.240.0\", \"broadcast\": \"10.144.15.255\","
			" \"firstUsable\": \"10.144.0.1\", \"lastUsable\": \"10.144.15.254\", \"cidr\": 20}"},
		{"parseCidr('fdad:3236:5555::/48')", "{\"network\": \"fdad:3236:5555::\", \"netmask\": \"ffff:ffff:ffff::\","
			" \"firstUsable\": \"fdad:3236:5555::\", \"lastUsable\": \"fdad:3236:5555:ffff:ffff:ffff:ffff:ffff\", \"cidr\": 48}"},
		{"parseCidr('10.1.2.3/32').lastUsable", "\"10.1.2.3\""},
		{"parseCidr('0.0.0.0/0').broadcast", "\"255.255.255.255\""},
		{"map(range(0, 5), lambda('i', cidrSubnet('10.144.0.0/20', 24, lambdaVariables('i'))))",
			"[\"10.144.0.0/24\", \"10.144.1.0/24\", \"10.144.2.0/24\", \"10.144.3.0/24\", \"10.144.4.0/24\"]"},
		{"map(range(0, 5), lambda('i', cidrSubnet('fdad:3236:5555::/48', 52, lambdaVariables('i'))))",
			"[\"fdad:3236:5555::/52\", \"fdad:3236:5555:1000::/52\", \"fdad:3236:5555:2000::/52\", \"fdad:3236:5555:3000::/52\","
			" \"fdad:3236:5555:4000::/52\"]"},
		{"cidrSubnet('::/0', 0, 0)", "\"::/0\""},
		{"cidrSubnet('::/0', 128, 9223372036854775807)", "\"::7fff:ffff:ffff:ffff/128\""},
		{"map(range(0, 3), lambda('i', cidrHost('10.144.3.0/24', lambdaVariables('i'))))",
			"[\"10.144.3.1\", \"10.144.3.2\", \"10.144.3.3\"]"},
		{"cidrHost('10.144.3.0/24', 253)", "\"10.144.3.254\""},
		{"cidrHost('fdad:3236:5555:3000::/52', 4)", "\"fdad:3236:5555:3000::5\""},
	};
	static const struct vector errors[] = {
		{"cidrHost('10.144.3.0/24', 254)", "usable address"},
		{"cidrHost('10.144.3.0/24', -1)", "usable address"},
		{"cidrSubnet('10.144.0.0/20', 24, 16)", "index of a subnet"},
		{"cidrSubnet('10.144.0.0/20', 19, 0)", "between 20 and 32"},
		{"cidrSubnet('10.144.0.0/20', 33, 0)", "between 20 and 32"},
		{"parseCidr('10.144.0.0')", "CIDR notation"},
		{"parseCidr('10.144.0.0/33')", "CIDR notation"},
		{"parseCidr('10.144.0/8')", "CIDR notation"},
		{"parseCidr('::1/129')", "CIDR notation"},
		{"parseCidr('/8')", "CIDR notation"},
		{"parseCidr(1)", "'String'"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_comparison(void **state _unused_) {
	static const struct vector values[] = {
		{"equals(1, 1)", "true"},
		{"equals('a', 'a')", "true"},
		{"equals('a', 'A')", "false"},
		{"equals(createArray('a', 'b'), createArray('a', 'b'))", "true"},
		{"equals(createObject('a', 'b'), createObject('a', 'b'))", "true"},
		{"equals(1, '1')", "false"},
		{"equals(null(), null())", "true"},
		{"greater(1, 2)", "false"},
		{"greater('A', 'a')", "false"},
		{"greaterOrEquals(1, 2)", "false"},
		{"greaterOrEquals(2, 2)", "true"},
		{"less(1, 2)", "true"},
		{"less('A', 'a')", "true"},
		{"less('a', 'ab')", "true"},
		{"less('\xf0\x9f\x98\x80', '\xef\xbf\xbd')", "true"},
		{"lessOrEquals(1, 2)", "true"},
		{"lessOrEquals('a', 'a')", "true"},
		{"coalesce(" V("nulls") ".null1, " V("nulls") ".string)", "\"default\""},
		{"coalesce(null(), null())", "null"},
		{"coalesce('', 'x')", "\"\""},
		{"coalesce('x', fail('not evaluated'))", "\"x\""},
	};
	static const struct vector errors[] = {
		{"less(1, 'a')", "The template language function 'less' expects two parameter of matching types. The function was invoked with values "
			"of type 'Integer' and 'String' that do not match."},
		{"greater(createArray(), createArray())", "integers or strings"},
		{"equals(1)", "function requires 2 argument(s) while 1 were provided."},
		{"coalesce()", "At least one parameter"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_date(void **state _unused_) {
	static const struct vector values[] = {
		{"dateTimeAdd('2023-01-01 00:00:00Z', 'P1Y')", "\"2024-01-01T00:00:00Z\""},
		{"dateTimeAdd('2024-01-01 00:00:00Z', 'P1Y')", "\"2024-12-31T00:00:00Z\""},
		{"dateTimeAdd('2023-02-01 00:00:00Z', 'P1M')", "\"2023-03-03T00:00:00Z\""},
		{"dateTimeAdd('2024-02-01 00:00:00Z', 'P1M')", "\"2024-03-02T00:00:00Z\""},
		{"dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", "\"2023-04-07T14:53:14Z\""},
		{"dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", "\"2020-03-29T14:53:14Z\""},
		{"dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H')", "\"2020-04-07T15:53:14Z\""},
		{"dateTimeAdd('20200407T145314Z', 'P1DT1M', 'yyyyMMddTHHmmssZ')", "\"20200408T145414Z\""},
		{"dateTimeAdd('4/7/2020 2:53:14 PM', 'PT0S')", "\"2020-04-07T14:53:14Z\""},
		{"dateTimeAdd('04/07/2020 14:53:14', 'PT0S')", "\"2020-04-07T14:53:14Z\""},
		{"dateTimeAdd('2020-04-07T14:53:14.1234567+02:00', 'PT0S')", "\"2020-04-07T12:53:14Z\""},
		{"dateTimeAdd('2020-04-07', 'PT12H')", "\"2020-04-07T12:00:00Z\""},
		{"dateTimeFromEpoch(1683040573)", "\"2023-05-02T15:16:13Z\""},
		{"dateTimeToEpoch('20230502T151613Z')", "1683040573"},
		{"dateTimeToEpoch(dateTimeAdd('2023-05-02T15:16:13Z', 'P1Y'))", "1714576573"},
		{"dateTimeAdd('2019-03-05 17:53:08Z', 'PT0S', 'd')", "\"03/05/2019\""},
		{"dateTimeAdd('2019-03-05 17:53:08Z', 'PT0S', 'M d')", "\"3 5\""},
		{"dateTimeAdd('2019-03-05 17:53:08Z', 'PT0S', 'D')", "\"Tuesday, 05 March 2019\""},
		{"dateTimeAdd('2019-03-05 17:53:08Z', 'PT0S', 'F')", "\"Tuesday, 05 March 2019 17:53:08\""},
		{"dateTimeAdd('2019-03-05 17:53:08Z', 'PT0S', 'R')", "\"Tue, 05 Mar 2019 17:53:08 GMT\""},
		{"dateTimeAdd('2019-03-05 17:53:08Z', 'PT0S', 'o')", "\"2019-03-05T17:53:08.0000000Z\""},
		{"dateTimeAdd('2019-03-05 17:53:08Z', 'PT0S', 'u')", "\"2019-03-05 17:53:08Z\""},
		{"dateTimeAdd('2019-03-05 17:53:08Z', 'PT0S', 's')", "\"2019-03-05T17:53:08\""},
		{"dateTimeAdd('2019-03-05 17:53:08Z', 'PT0S', 'yy-MMM-dd h:m:s tt ''at''')", "\"19-Mar-05 5:53:8 PM at\""},
		{"dateTimeAdd('2019-03-05 00:53:08Z', 'PT0S', '%h')", "\"12\""},
		{"dateTimeAdd('2019-03-05 00:53:08Z', 'PT0S', 'yyyyy \\y t zzz K')", "\"02019 y A +00:00 Z\""},
	};
	static const struct vector errors[] = {
		{"dateTimeAdd('2023-02-30', 'P1D')", "date and time in ISO 8601"},
		{"dateTimeAdd('13/1/2023 13:00:00 PM', 'P1D')", "date and time in ISO 8601"},
		{"dateTimeAdd('yesterday', 'P1D')", "date and time in ISO 8601"},
		{"dateTimeAdd('2023-02-03', '1D')", "duration in ISO 8601"},
		{"dateTimeAdd('2023-02-03', 'P1D', 'x')", "The format 'x' is not one for dates and times."},
		{"dateTimeAdd('2023-02-03', 'P1D', '')", "is not one for dates and times."},
		{"dateTimeAdd('2023-02-03', 'P1D', 'yyyy''')", "is not one for dates and times."},
		{"dateTimeAdd('2023-02-03', 'P1D', 'ffffffff')", "is not one for dates and times."},
		{"dateTimeAdd('1971-01-01', '-P1000Y')", "outside the years"},
		{"dateTimeAdd('9999-12-31', 'P1D')", "outside the years"},
		{"dateTimeFromEpoch(-1)", "outside the years"},
		{"dateTimeFromEpoch('1')", "'Integer'"},
		{"dateTimeToEpoch(1)", "'String'"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_lambda(void **state _unused_) {
	static const struct vector values[] = {
		{"map(filter(" V("dogs") ", lambda('dog', greaterOrEquals(lambdaVariables('dog').age, 5))), lambda('d', "
			"lambdaVariables('d').name))", "[\"Evie\", \"Kira\"]"},
		{"filter(range(0, 10), lambda('i', equals(0, mod(lambdaVariables('i'), 2))))", "[0, 2, 4, 6, 8]"},
		{"filter(createArray('a', 'b'), lambda('x', 'i', equals(lambdaVariables('i'), 1)))", "[\"b\"]"},
		{"map(" V("dogs") ", lambda('dog', format('Hello {0}!', lambdaVariables('dog').name)))",
			"[\"Hello Evie!\", \"Hello Casper!\", \"Hello Indy!\", \"Hello Kira!\"]"},
		{"map(range(0, 2), lambda('i', createObject('i', lambdaVariables('i'), 'dog', " V("dogs") "[lambdaVariables('i')].name)))",
			"[{\"i\": 0, \"dog\": \"Evie\"}, {\"i\": 1, \"dog\": \"Casper\"}]"},
		{"map(createArray('a', 'b'), lambda('x', 'i', concat(lambdaVariables('X'), lambdaVariables('I'))))", "[\"a0\", \"b1\"]"},
		{"map(createArray(), lambda('x', fail('never')))", "[]"},
		{"map(range(1, 2), lambda('a', map(range(1, 2), lambda('b', mul(lambdaVariables('a'), lambdaVariables('b'))))))",
			"[[1, 2], [2, 4]]"},
		{"map(range(1, 2), lambda('a', map(range(5, 1), lambda('a', lambdaVariables('a')))))", "[[5], [5]]"},
		{"reduce(map(" V("dogs") ", lambda('dog', lambdaVariables('dog').age)), 0, lambda('cur', 'next', add(lambdaVariables('cur'), "
			"lambdaVariables('next'))))", "18"},
		{"reduce(createArray(createObject('foo', 123), createObject('bar', 456)), createObject(), lambda('cur', 'next', "
			"union(lambdaVariables('cur'), lambdaVariables('next'))))", "{\"foo\": 123, \"bar\": 456}"},
		{"reduce(createArray('a', 'b'), '', lambda('c', 'n', 'i', concat(lambdaVariables('c'), lambdaVariables('n'), "
			"lambdaVariables('i'))))", "\"a0b1\""},
		{"reduce(createArray(), 7, lambda('c', 'n', 0))", "7"},
		{"map(sort(" V("dogs") ", lambda('a', 'b', less(lambdaVariables('a').age, lambdaVariables('b').age))), lambda('d', "
			"lambdaVariables('d').name))", "[\"Indy\", \"Casper\", \"Evie\", \"Kira\"]"},
		{"sort(createArray(8, 3, 10, -13, 5), lambda('x', 'y', less(lambdaVariables('x'), lambdaVariables('y'))))",
			"[-13, 3, 5, 8, 10]"},
		{"sort(createArray('ghi', 'abc', 'def'), lambda('x', 'y', greater(lambdaVariables('x'), lambdaVariables('y'))))",
			"[\"ghi\", \"def\", \"abc\"]"},
		{"sort(createArray('b1', 'a1', 'b2', 'a2'), lambda('x', 'y', less(first(lambdaVariables('x')), first(lambdaVariables('y')))))",
			"[\"a1\", \"a2\", \"b1\", \"b2\"]"},
		{"sort(createArray(), lambda('x', 'y', true()))", "[]"},
		{"toObject(take(" V("dogs") ", 2), lambda('entry', lambdaVariables('entry').name), lambda('entry', lambdaVariables('entry').age))",
			"{\"Evie\": 5, \"Casper\": 3}"},
		{"toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')))", "{\"a\": \"a\", \"b\": \"b\"}"},
		{"groupBy(createArray('foo', 'bar', 'baz'), lambda('x', substring(lambdaVariables('x'), 0, 1)))",
			"{\"f\": [\"foo\"], \"b\": [\"bar\", \"baz\"]}"},
		{"groupBy(createArray('foo', 'bar', 'baz'), lambda('x', substring(lambdaVariables('x'), 0, 1)), lambda('x', "
			"toUpper(lambdaVariables('x'))))", "{\"f\": [\"FOO\"], \"b\": [\"BAR\", \"BAZ\"]}"},
		{"mapValues(createObject('foo', 'foo', 'bar', 'bar'), lambda('v', toUpper(lambdaVariables('v'))))",
			"{\"foo\": \"FOO\", \"bar\": \"BAR\"}"},
	};
	static const struct vector errors[] = {
		{"map(1, lambda('x', 1))", "its first parameter to be of type 'Array'"},
		{"mapValues(createArray(), lambda('x', 1))", "its first parameter to be of type 'Object'"},
		{"map(createArray(), 1)", "argument 2 to be a lambda"},
		{"map(createArray(), lambda('x'))", "a lambda with 1 to 2 parameters"},
		{"sort(createArray(), lambda('x', true()))", "a lambda with 2 to 2 parameters"},
		{"reduce(createArray(), 0, lambda('a', 'b', 'c', 'd', 0))", "a lambda with 2 to 3 parameters"},
		{"map(createArray(), lambda(concat('x'), 1))", "names in quotes"},
		{"filter(range(0, 1), lambda('x', 1))", "must give a boolean; it gave a value of type 'Integer'"},
		{"sort(range(0, 2), lambda('x', 'y', 'z'))", "must give a boolean"},
		{"toObject(range(0, 1), lambda('x', lambdaVariables('x')))", "must give a string"},
		{"lambda('x', 1)", "The template function 'lambda' is not expected at this location"},
		{"lambdaVariables('x')", "The lambda variable 'x' is not defined here."},
		{"createArray(map(range(0, 1), lambda('x', 1)), lambdaVariables('x'))", "The lambda variable 'x' is not defined here."},
		{"map(range(0, 1), lambda('x', fail('inside')))", "inside"},
		{"toObject(createArray())", "function requires between 2 and 3 argument(s) while 1 were provided."},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_logical(void **state _unused_) {
	static const struct vector values[] = {
		{"and(bool('true'), bool('false'))", "false"},
		{"or(bool('true'), bool('false'))", "true"},
		{"not(bool('true'))", "false"},
		{"not(equals(1, 2))", "true"},
		{"and(true(), true(), true())", "true"},
		{"and(false(), fail('not evaluated'))", "false"},
		{"or(true(), fail('not evaluated'))", "true"},
		{"or(false(), false(), false())", "false"},
		{"bool('true')", "true"},
		{"bool(1)", "true"},
		{"bool('false')", "false"},
		{"bool(0)", "false"},
		{"bool('TRUE')", "true"},
		{"bool(true())", "true"},
		{"true()", "true"},
		{"false()", "false"},
		{"if(equals('a', 'a'), 'yes', 'no')", "\"yes\""},
		{"if(true(), 1, fail('not evaluated'))", "1"},
		{"if(false(), fail('not evaluated'), 2)", "2"},
	};
	static const struct vector errors[] = {
		{"and(true(), 'true')", "expects its parameters to be of type 'Boolean'. The provided value is of type 'String'."},
		{"and(true())", "function requires at least 2 argument(s) while 1 were provided."},
		{"if(1, 2, 3)", "'Boolean'"},
		{"not(1)", "'Boolean'"},
		{"bool('yes')", "The template language function 'bool' was invoked with a parameter that is not valid. The value cannot be converted "
			"to the target type."},
		{"bool(null())", "cannot be converted"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_number(void **state _unused_) {
	static const struct vector values[] = {
		{"add(5, 3)", "8"},
		{"div(8, 3)", "2"},
		{"div(-8, 3)", "-2"},
		{"mod(7, 3)", "1"},
		{"mod(-7, 3)", "-1"},
		{"mul(5, 3)", "15"},
		{"sub(7, 3)", "4"},
		{"int('4')", "4"},
		{"int(4)", "4"},
		{"int(' -17 ')", "-17"},
		{"int('+5')", "5"},
		{"int(float('2.6'))", "3"},
		{"float('3.0')", "3.0"},
		{"float(3)", "3.0"},
		{"float('-1e3')", "-1000.0"},
		{"add(9223372036854775806, 1)", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"+5", "5"},
	};
	static const struct vector errors[] = {
		{"add(9223372036854775807, 1)", "does not fit in 64 bits"},
		{"sub(-9223372036854775808, 1)", "does not fit in 64 bits"},
		{"mul(4611686018427387904, 2)", "does not fit in 64 bits"},
		{"div(-9223372036854775808, -1)", "does not fit in 64 bits"},
		{"mod(-9223372036854775808, -1)", "does not fit in 64 bits"},
		{"div(1, 0)", "Attempt to divide an integral or decimal value by zero in function 'div'."},
		{"mod(1, 0)", "Attempt to divide an integral or decimal value by zero in function 'mod'."},
		{"add('1', 2)", "its first parameter to be of type 'Integer'. The provided value is of type 'String'."},
		{"add(1, 2, 3)", "function requires 2 argument(s) while 3 were provided."},
		{"int('4x')", "The template language function 'int' was invoked with a parameter that is not valid. The value cannot be converted to "
			"the target type."},
		{"int('')", "cannot be converted"},
		{"int('99999999999999999999')", "cannot be converted"},
		{"int(createArray())", "cannot be converted"},
		{"int(float('1e30'))", "does not fit in 64 bits"},
		{"float('x')", "cannot be converted"},
		{"float(true())", "cannot be converted"},
		{"9223372036854775808", "the number '9223372036854775808' is out of range"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_object(void **state _unused_) {
	static const struct vector values[] = {
		{"createObject('intProp', 1, 'stringProp', 'abc', 'boolProp', true(), 'arrayProp', createArray('a', 'b', 'c'), 'objectProp', "
			"createObject('key1', 'value1'))", "{\"intProp\": 1, \"stringProp\": \"abc\", \"boolProp\": true, \"arrayProp\": [\"a\", \"b\", "
			"\"c\"], \"objectProp\": {\"key1\": \"value1\"}}"},
		{"createObject()", "{}"},
		{"items(createObject('item002', createObject('enabled', false()), 'item001', 1))",
			"[{\"key\": \"item001\", \"value\": 1}, {\"key\": \"item002\", \"value\": {\"enabled\": false}}]"},
		{"map(items(" V("keys") "), lambda('i', lambdaVariables('i').key))",
			"[\"123Key\", \"456Key\", \"abcKey\", \"ABCKey\", \"defKey\", \"DEFKey\", \"ghiKey\", \"GHIKey\"]"},
		{"objectKeys(createObject('b', 1, 'A', 2))", "[\"A\", \"b\"]"},
		{"json('null')", "null"},
		{"json('{\"a\": [1, 2.5, \"x\"]}')", "{\"a\": [1, 2.5, \"x\"]}"},
		{"json('\"text\"')", "\"text\""},
		{"json(' 17 ')", "17"},
		{"json('true')", "true"},
		{"json(concat('{\"a\":\"', 'demo', '\"}')).a", "\"demo\""},
		{"null()", "null"},
		{"empty(null())", "true"},
		{"shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2), 'b', 3)))",
			"{\"a\": {\"y\": 2}, \"b\": 3}"},
		{"shallowMerge(createArray())", "{}"},
	};
	static const struct vector errors[] = {
		{"createObject('a')", "an even number of parameters"},
		{"createObject(1, 2)", "'String'"},
		{"items(createArray())", "its parameter to be of type 'Object'. The provided value is of type 'Array'."},
		{"objectKeys('x')", "'Object'"},
		{"json('')", "not a valid JSON"},
		{"json('{')", "not a valid JSON"},
		{"json('1, 2')", "not a valid JSON"},
		{"json('1], [2')", "not a valid JSON"},
		{"json('{\"a\": 1, \"a\": 2}')", "not a valid JSON"},
		{"json(1)", "'String'"},
		{"shallowMerge(createArray(1))", "an array of objects"},
		{"shallowMerge(createObject())", "'Array'"},
		{"null(1)", "function requires 0 argument(s) while 1 were provided."},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_string(void **state _unused_) {
	static const struct vector values[] = {
		{"endsWith('abcdef', 'ef')", "true"},
		{"endsWith('abcdef', 'F')", "true"},
		{"endsWith('abcdef', 'e')", "false"},
		{"endsWith('f', 'ef')", "false"},
		{"startsWith('abcdef', 'ab')", "true"},
		{"startsWith('abcdef', 'A')", "true"},
		{"startsWith('abcdef', 'e')", "false"},
		{"startsWith('É', 'é')", "true"},
		{"join(createArray('one', 'two', 'three'), ',')", "\"one,two,three\""},
		{"join(createArray('one', 2, true()), ';')", "\"one;2;True\""},
		{"join(createArray(), ',')", "\"\""},
		{"padLeft('123', 10, '0')", "\"0000000123\""},
		{"padLeft(123, 5)", "\"  123\""},
		{"padLeft('12345', 3, '0')", "\"12345\""},
		{"replace('123-123-1234', '-', '')", "\"1231231234\""},
		{"replace('123-123-1234', '1234', 'xxxx')", "\"123-123-xxxx\""},
		{"replace('aA', 'a', 'aa')", "\"aaA\""},
		{"split('one,two,three', ',')", "[\"one\", \"two\", \"three\"]"},
		{"split('one;two,three', createArray(',', ';'))", "[\"one\", \"two\", \"three\"]"},
		{"split('', ',')", "[\"\"]"},
		{"split(',a,', ',')", "[\"\", \"a\", \"\"]"},
		{"split('abc', '')", "[\"abc\"]"},
		{"split('a--b-c', createArray('-', '--'))", "[\"a\", \"\", \"b\", \"c\"]"},
		{"split('a--b-c', createArray('--', '-'))", "[\"a\", \"b\", \"c\"]"},
		{"string(createObject('valueA', 10, 'valueB', 'Example Text'))", "\"{\\\"valueA\\\":10,\\\"valueB\\\":\\\"Example Text\\\"}\""},
		{"string(createArray('a', 'b', 'c'))", "\"[\\\"a\\\",\\\"b\\\",\\\"c\\\"]\""},
		{"string(5)", "\"5\""},
		{"string(true())", "\"True\""},
		{"string('x')", "\"x\""},
		{"string(float('2.5'))", "\"2.5\""},
		{"string(float('-3.0'))", "\"-3\""},
		{"string(createArray(float('3')))", "\"[3.0]\""},
		{"substring('one two three', 4, 3)", "\"two\""},
		{"substring('one two three', 8)", "\"three\""},
		{"substring('abc', 3, 0)", "\"\""},
		{"toLower('One Two Three')", "\"one two three\""},
		{"toUpper('One Two Three')", "\"ONE TWO THREE\""},
		{"toUpper('straße é ж')", "\"STRAßE É Ж\""},
		{"trim('    one two three   ')", "\"one two three\""},
		{"trim('\xc2\xa0\tx\xe3\x80\x80')", "\"x\""},
		{"trim('  ')", "\"\""},
	};
	static const struct vector errors[] = {
		{"endsWith()", "Unable to evaluate template language function 'endsWith': function requires 2 argument(s) while 0 were provided."},
		{"endsWith('a', 100)", "The template language function 'endsWith' expects its parameters to be of type string and string. The "
			"provided value is of type 'String' and 'Integer'."},
		{"fail('this must not be')", "this must not be"},
		{"join('a', ',')", "'Array'"},
		{"join(createArray(), 1)", "'String'"},
		{"padLeft('a', 17)", "Unable to evaluate template language function 'padLeft': the second parameter is invalid. Total width must be a "
			"positive integer value and not greater than '16', while '17' was provided. The syntax is padLeft(string, totalWidth [, "
			"paddingChar])."},
		{"padLeft('a', -1)", "while '-1' was provided"},
		{"padLeft('a', 5, 'abc')", "the third parameter is invalid. The padding character must be a single character, while 'abc' was "
			"provided."},
		{"padLeft('a', 5, 1)", "The padding character must be a string type, while 'Integer' was provided."},
		{"padLeft(createArray(), 5)", "the first parameter is invalid. The source string must be a String or integer type, while 'Array' was "
			"provided."},
		{"replace('a', '', 'b')", "not to be empty"},
		{"replace('a', 'b', 1)", "its third parameter to be of type 'String'"},
		{"split(1, ',')", "The template language function 'split' expects its first parameter to be of type 'String'. The provided value is "
			"of type 'Integer'."},
		{"split('a', 1)", "The template language function 'split' expects its second parameter to be of type 'String or Array of Strings'. The "
			"provided value is of type 'Integer'."},
		{"split('a', createArray(1))", "'String or Array of Strings'"},
		{"substring('abc', 2, 2)", "The template language function 'substring' parameters are out of range: 'start index' and 'length' must be "
			"non-negative integers and their sum must be no larger than the length of the string."},
		{"substring('abc', -1, 2)", "out of range"},
		{"substring('abc', 4)", "out of range"},
		{"substring('abc', 1, 9223372036854775807)", "out of range"},
		{"toLower(1)", "'String'"},
		{"trim(null())", "'Null'"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_encoding(void **state _unused_) {
	static const struct vector values[] = {
		{"base64('one, two, three')", "\"b25lLCB0d28sIHRocmVl\""},
		{"base64ToString('b25lLCB0d28sIHRocmVl')", "\"one, two, three\""},
		{"base64ToJson(base64('{\"one\": \"a\", \"two\": \"b\"}'))", "{\"one\": \"a\", \"two\": \"b\"}"},
		{"base64('')", "\"\""},
		{"dataUri('Hello')", "\"data:text/plain;charset=utf8;base64,SGVsbG8=\""},
		{"dataUri(100)", "\"data:application/json;charset=utf8;base64,MTAw\""},
		{"dataUri(createArray('one', 'two'))", "\"data:application/json;charset=utf8;base64,WyJvbmUiLCJ0d28iXQ==\""},
		{"dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", "\"Hello, World!\""},
		{"dataUriToString('data:application/json;charset=UTF-8;base64,MTAw')", "100"},
		{"dataUriToString('data:text/plain;charset=UTF-8;page=21,the%20data:1234,5678')", "\"the data:1234,5678\""},
		{"dataUriToString('data:,x%')", "\"x%\""},
		{"uri('http://contoso.com/resources/', 'nested/azuredeploy.json')", "\"http://contoso.com/resources/nested/azuredeploy.json\""},
		{"uri('http://contoso.org/firstpath', 'myscript.sh')", "\"http://contoso.org/myscript.sh\""},
		{"uri('http://contoso.org/firstpath/', 'myscript.sh')", "\"http://contoso.org/firstpath/myscript.sh\""},
		{"uri('http://contoso.org/firstpath/azuredeploy.json', 'myscript.sh')", "\"http://contoso.org/firstpath/myscript.sh\""},
		{"uri('http://contoso.org/firstpath/azuredeploy.json/', 'myscript.sh')",
			"\"http://contoso.org/firstpath/azuredeploy.json/myscript.sh\""},
		{"uri('HTTPS://Contoso.org', 'A?x=1#f')", "\"https://contoso.org/A?x=1#f\""},
		{"uri('http://a/b/c/d;p?q', '../g')", "\"http://a/b/g\""},
		{"uri('http://a/b/c/d;p?q', '../../../g')", "\"http://a/g\""},
		{"uri('http://a/b/c/d;p?q', './g/')", "\"http://a/b/c/g/\""},
		{"uri('http://a/b/c/d;p?q', '..')", "\"http://a/b/\""},
		{"uri('http://a/b/c/d;p?q', '?y')", "\"http://a/b/c/d;p?y\""},
		{"uri('http://a/b/c/d;p?q', '#s')", "\"http://a/b/c/d;p?q#s\""},
		{"uri('http://a/b/c/d;p?q', '')", "\"http://a/b/c/d;p?q\""},
		{"uri('http://a/b/c/d;p?q', '/g')", "\"http://a/g\""},
		{"uri('http://a/b/c/d;p?q', '//g')", "\"http://g/\""},
		{"uri('http://a/b', 'https://x/y')", "\"https://x/y\""},
		{"uriComponent('http://contoso.com/resources/nested/azuredeploy.json')",
			"\"http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json\""},
		{"uriComponentToString('http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json')",
			"\"http://contoso.com/resources/nested/azuredeploy.json\""},
		{"uriComponent('é ~')", "\"%C3%A9%20~\""},
		{"uriComponentToString('%c3%A9%zz%')", "\"é%zz%\""},
	};
	static const struct vector errors[] = {
		{"base64(100)", "The template language function 'base64' expects its parameter to be of type 'String'. The provided value is of type "
			"'Integer'."},
		{"base64ToString(100)", "The template language function 'base64ToString' expects its parameter to be a string. The provided value is "
			"of type 'Integer'."},
		{"base64ToString('b25l*')", "cannot be decoded from base64"},
		{"base64ToString('AA==')", "U+0000"},
		{"base64ToString('/w==')", "not UTF-8"},
		{"base64ToJson(base64('x'))", "not a valid JSON"},
		{"dataUriToString(100)", "The template language function 'dataUriToString' expects its parameter to be a string. The provided value is "
			"of type 'Integer'."},
		{"dataUriToString('invalid datauri')", "The template language function 'dataUriToString' expects its parameter to be formatted as a "
			"valid data URI. The provided value 'invalid datauri' was not formatted correctly."},
		{"dataUriToString('data:invalid datauri')", "was not formatted correctly"},
		{"dataUriToString('data:;foo=bar;base64,R0lGODdh')", "was not formatted correctly"},
		{"dataUriToString('data:;base64,*')", "was not formatted correctly"},
		{"dataUriToString('data:text/plain;charset=UTF-8UTF-8UTF-8UTF-8UTF-8UTF-8UTF-8UTF-8,x')", "is not supported"},
		{"dataUriToString(dataUri(100))", "The template language function 'dataUriToString' parameter is not valid. The provided charset "
			"'utf8' is not supported."},
		{"uri('http://', 'x')", "The template language function 'uri' expects its first argument to be a uri string. The provided value is "
			"'http://'."},
		{"uri('contoso.com', 'x')", "its first argument to be a uri string"},
		{"uri('http://a', 'mailto:x')", "its second argument"},
		{"uri('http://a', 1)", "'String' and 'Integer'"},
		{"uriComponentToString('%ff')", "not UTF-8"},
		{"uriComponent(1)", "'String'"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

static void test_format(void **state _unused_) {
	static const struct vector values[] = {
		{"format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)", "\"Hello, User. Formatted number: 8,175,133\""},
		{"format('>{0}<>{1}<>{2}<>{3}<>{4}<', false(), 12948, 'hello!', json('{\"a\":\"b\",\"!c\":2}'), json('[true,2893,\"abc\"]'))",
			"\">False<>12948<>hello!<>{'a':'b','!c':2}<>[true,2893,'abc']<\""},
		{"format('{0}', createArray('it''s \"x\"\\n'))", "\"['it\\\\'s \\\"x\\\"\\\\\\\\n']\""},
		{"format('{{{0}}}', 1)", "\"{1}\""},
		{"format('no holes')", "\"no holes\""},
		{"format('{0}{0}', null())", "\"\""},
		{"format('[{0,5}|{0,-5}|{1,2}]', 42, 'abc')", "\"[   42|42   |abc]\""},
		{"format('{0:D5} {1:d3} {2:D}', 42, -7, 5)", "\"00042 -007 5\""},
		{"format('{0:X} {0:x4} {1:X}', 255, -1)", "\"FF 00ff FFFFFFFFFFFFFFFF\""},
		{"format('{0:N} {1:N1} {2:n0}', 1234567, -12, 999)", "\"1,234,567.00 -12.0 999\""},
		{"format('{0:F} {0:F0} {0:f3}', 42)", "\"42.00 42 42.000\""},
		{"format('{0:C} {1:C0}', 1234, -5)", "\"¤1,234.00 (¤5)\""},
		{"format('{0:P} {0:P0}', 2)", "\"200.00 % 200 %\""},
		{"format('{0:E} {0:e2}', 12345)", "\"1.234500E+004 1.23e+004\""},
		{"format('{0:G} {0:g}', 12345)", "\"12345 12345\""},
		{"format('{0:000} {1:00000}', 7, -42)", "\"007 -00042\""},
		{"format('{0:#,##0} {0:#,##0.00} {1:#}', 1234567, 0)", "\"1,234,567 1,234,567.00 \""},
		{"format('{0:0.##} {1:0.##} {2:0.0#}', float('2.5'), 3, float('2.256'))", "\"2.5 3 2.26\""},
		{"format('{0:disk-00''x''}', 3)", "\"disk-03x\""},
		{"format('{0:N2} {0:F1}', float('-1234.567'))", "\"-1,234.57 -1234.6\""},
		{"format('{0:N0}', 'text')", "\"text\""},
		{"format('{ 0 , 3 }', 1)", "\"  1\""},
		{"format('{0:D2}', -9223372036854775808)", "\"-9223372036854775808\""},
	};
	static const struct vector errors[] = {
		{"format('{0}')", "Index (zero based) must be greater than or equal to zero and less than the size of the argument list."},
		{"format('{1}', 1)", "Index (zero based)"},
		{"format('{', 1)", "the format is invalid"},
		{"format('}', 1)", "the format is invalid"},
		{"format('{x}', 1)", "the format is invalid"},
		{"format('{-1}', 1)", "the format is invalid"},
		{"format('{0', 1)", "the format is invalid"},
		{"format('{0,x}', 1)", "the format is invalid"},
		{"format('{0:Q}', 1)", "the format is invalid"},
		{"format('{0:D2000}', 1)", "the format is invalid"},
		{"format('{0:0%}', 1)", "the format is invalid"},
		{"format('{0:D}', float('1.5'))", "the format is invalid"},
		{"format('{0:P}', float('1e308'))", "cannot show this number"},
		{"format(1)", "'String'"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

// uniqueString by values that templates gave on Azure; guid by RFC 4122 and its namespace.
static void test_hash(void **state _unused_) {
	static const struct vector values[] = {
		{"uniqueString('test')", "\"rbgf3xv4ufgzg\""},
		{"uniqueString('hello', 'world')", "\"a7wkljktk6wne\""},
		{"uniqueString('abc')", "\"cgtzqvhu4i23s\""},
		{"uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/my-rg')", "\"bmg7c6xu4tw46\""},
		{"uniqueString('/subscriptions/12345678-1234-1234-1234-123456789012/resourceGroups/my-rg', 'Microsoft.Storage/storageAccounts')",
			"\"z22rah77jfqry\""},
		{"uniqueString('foo', 'bar', 'baz')", "\"xzi4ioaxtmth4\""},
		{"equals(uniqueString('a', 'b'), uniqueString('a-b'))", "true"},
		{"length(uniqueString(''))", "13"},
		{"guid('a', 'b')", "\"2d796349-8c7e-55ec-9624-54ece82ed031\""},
		{"equals(guid('a', 'b'), guid('a-b'))", "true"},
		{"equals(guid('a'), guid('A'))", "false"},
		{"substring(guid('x'), 14, 1)", "\"5\""},
	};
	static const struct vector errors[] = {
		{"guid()", "At least one parameter"},
		{"uniqueString()", "At least one parameter"},
		{"guid(1)", "'String'"},
		{"uniqueString('a', 1)", "its second parameter to be of type 'String'"},
	};
	all_come_to(values, &host);
	all_are_refused(errors, &host);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_cidr),
		cmocka_unit_test(test_comparison),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_lambda),
		cmocka_unit_test(test_logical),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_hash),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
