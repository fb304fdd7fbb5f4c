// SPDX-License-Identifier: Apache-2.0
// Templates that are made to take long, and large ones that are not.
#include <time.h>

#include "base/clock.h"
#include "base/strv.h"
#include "template/fixture.h"

#define DISK_HEAD "`type`: `Microsoft.Compute/disks`, `apiVersion`: `2024-03-02`"
// Of this process, whatever else the machine does; sanitizers take several times as much.
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#define SECONDS_MAX 30.0
#else
#define SECONDS_MAX 5.0
#endif

static double seconds(void) {
	struct timespec now;
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Everything that a deployment would ask of it. True when all of it succeeded.
static bool exhaust(json_t *document, const char *what) {
	_cleanup_json_ json_t *doc = document;
	_cleanup_template_ struct template *t = NULL;
	struct err err = {0};
	double start = seconds();
	size_t bytes = 0;
	int rc = template_open(doc, NULL, fixture_group(), &t, &err);
	for (size_t i = 0; rc == 0 && i < template_resource_count(t); i++) {
		_cleanup_json_ json_t *body = NULL;
		rc = template_resource_body(t, i, &body, &err);
		bytes += body ? json_dumpb(body, NULL, 0, JSON_COMPACT) : 0;
	}
	_cleanup_json_ json_t *outputs = NULL;
	if (rc == 0)
		rc = template_outputs(t, &outputs, &err);
	double taken = seconds() - start;
	print_message("%s: %.3f s, %zu bytes: %s\n", what, taken, bytes, rc < 0 ? err.message : "all of it");
	assert_true(taken < SECONDS_MAX);
	if (rc < 0)
		assert_int_equal(err.status, 400);
	return rc == 0;
}

static json_t *with(json_t *document, const char *member, json_t *value) {
	assert_int_equal(json_set(document, member, value), 0);
	return document;
}

static void refused_words(json_t *document, const char *words) {
	fixture_refused(document, NULL, "InvalidTemplate", words);
}

static json_t *disk(size_t i) {
	return json_pack("{s:s, s:s, s:o}", "type", "Microsoft.Compute/disks", "apiVersion", "2024-03-02", "name",
		json_sprintf("d%zu", i));
}

static json_t *disks(size_t count) {
	json_t *all = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, disk(i));
	return all;
}

static json_t *many_members(size_t count, const char *prefix, const char *value) {
	json_t *all = json_object();
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *name = strv_printf("%s%zu", prefix, i);
		json_object_set_new(all, name, fixture_json(value));
	}
	return all;
}

static void test_counts(void **state _unused_) {
	refused_words(with(fixture_v1(""), "parameters", many_members(TEMPLATE_PARAMETERS_MAX + 1, "p", "{`type`: `int`}")),
		"The number of template parameters limit exceeded. Limit: '256' and actual: '257'");
	refused_words(with(fixture_v1(""), "variables", many_members(TEMPLATE_VARIABLES_MAX + 1, "v", "1")), "more than '256'");
	refused_words(with(fixture_v1(""), "outputs", many_members(TEMPLATE_OUTPUTS_MAX + 1, "o", "{`type`: `int`, `value`: 1}")),
		"The number of template outputs limit exceeded");
	refused_words(with(fixture_v1(""), "resources", disks(TEMPLATE_RESOURCES_MAX + 1)), "The number of template resources limit");
	assert_true(exhaust(with(fixture_v1(""), "resources", disks(TEMPLATE_RESOURCES_MAX)), "as many as there may be"));
	refused_words(fixture_v1("`resources`: [{" DISK_HEAD ", `name`: `[concat('a', copyIndex())]`, `copy`: {`name`: `a`, `count`: 800}, "
		"`resources`: [{`type`: `a`, `name`: `a`, `apiVersion`: `1`}, {`type`: `b`, `name`: `a`, `apiVersion`: `1`}, {`type`: `c`, "
		"`name`: `a`, `apiVersion`: `1`}, {`type`: `d`, `name`: `a`, `apiVersion`: `1`}, {`type`: `e`, `name`: `a`, `apiVersion`: `1`}, "
		"{`type`: `f`, `name`: `a`, `apiVersion`: `1`}]}]"), "comes to more than '5000' resources");
	_cleanup_free_ char *large = malloc(TEMPLATE_SIZE_MAX + 1);
	assert_non_null(large);
	memset(large, 'x', TEMPLATE_SIZE_MAX);
	large[TEMPLATE_SIZE_MAX] = 0;
	refused_words(with(fixture_v1(""), "metadata", json_string(large)), "it may have '4194304'");
}

static void test_thousand(void **state _unused_) {
	assert_true(exhaust(fixture_v1("`parameters`: {`n`: {`type`: `int`, `defaultValue`: 250}}, `variables`: {`tags`: {`a`: `b`, `c`: "
		"`d`}, `prefix`: `[uniqueString(resourceGroup().id)]`}, `resources`: [{`type`: `Microsoft.Network/networkInterfaces`, "
		"`apiVersion`: `2023-11-01`, `name`: `[format('{0}-nic{1}', variables('prefix'), copyIndex())]`, `copy`: {`name`: `nics`, "
		"`count`: `[parameters('n')]`}, `tags`: `[variables('tags')]`, `properties`: {`ipConfigurations`: [{`name`: `a`}]}}, "
		"{`type`: `Microsoft.Compute/disks`, `apiVersion`: `2024-03-02`, `name`: `[format('{0}-disk{1}', variables('prefix'), "
		"copyIndex())]`, `copy`: {`name`: `disks`, `count`: `[parameters('n')]`}, `properties`: {`diskSizeGB`: 4}}, {`type`: "
		"`Microsoft.Compute/virtualMachines`, `apiVersion`: `2024-03-01`, `name`: `[format('{0}-vm{1}', variables('prefix'), "
		"copyIndex())]`, `copy`: {`name`: `vms`, `count`: `[parameters('n')]`}, `dependsOn`: "
		"[`[resourceId('Microsoft.Network/networkInterfaces', format('{0}-nic{1}', variables('prefix'), copyIndex()))]`], "
		"`properties`: {`d`: `[reference(format('{0}-disk{1}', variables('prefix'), copyIndex())).id]`, `copy`: [{`name`: `list`, "
		"`count`: 8, `input`: {`lun`: `[copyIndex('list')]`, `name`: `[format('{0}-{1}', copyIndex(), copyIndex('list'))]`}}]}, "
		"`resources`: [{`type`: `extensions`, `apiVersion`: `2024-03-01`, `name`: `agent`, `dependsOn`: [`[resourceId("
		"'Microsoft.Compute/virtualMachines', format('{0}-vm{1}', variables('prefix'), copyIndex()))]`]}]}]"), "a thousand"));
}

static void test_dense(void **state _unused_) {
	assert_true(exhaust(fixture_v1("`resources`: [{" DISK_HEAD ", `name`: `[concat('a', copyIndex())]`, `copy`: {`name`: `as`, `count`: "
		"800}}, {" DISK_HEAD ", `name`: `[concat('b', copyIndex())]`, `copy`: {`name`: `bs`, `count`: 800}, `dependsOn`: [`as`]}]"),
		"800 that depend on 800"));
	assert_true(exhaust(fixture_v1("`resources`: [{" DISK_HEAD ", `name`: `[concat('a', copyIndex())]`, `copy`: {`name`: `as`, `count`: "
		"800, `mode`: `serial`, `batchSize`: 400}}]"), "two batches of 400"));
	// A chain as long as it can be.
	json_t *chain = disks(TEMPLATE_RESOURCES_MAX);
	for (size_t i = 1; i < TEMPLATE_RESOURCES_MAX; i++)
		json_object_set_new(json_array_get(chain, i - 1), "dependsOn", json_pack("[o]", json_sprintf("d%zu", i)));
	assert_true(exhaust(with(fixture_v1(""), "resources", chain), "a chain"));
}

// 800 × 800 × 800.
static void test_copies_of_copies(void **state _unused_) {
	assert_false(exhaust(fixture_v1("`variables`: {`v`: {`copy`: [{`name`: `a`, `count`: 800, `input`: {`copy`: [{`name`: `b`, `count`: "
		"800, `input`: {`copy`: [{`name`: `c`, `count`: 800, `input`: 1}]}}]}}]}}, `outputs`: {`o`: {`type`: `object`, `value`: "
		"`[variables('v')]`}}"), "loops in a variable"));
	assert_false(exhaust(fixture_v1("`resources`: [{" DISK_HEAD ", `name`: `[concat('d', copyIndex())]`, `copy`: {`name`: `d`, `count`: "
		"800}, `properties`: {`copy`: [{`name`: `a`, `count`: 800, `input`: {`copy`: [{`name`: `b`, `count`: 800, `input`: "
		"`[copyIndex()]`}]}}]}}]"), "loops in bodies"));
	assert_false(exhaust(fixture_v1("`resources`: [{" DISK_HEAD ", `name`: `[concat('d', copyIndex())]`, `copy`: {`name`: `d`, `count`: "
		"800}, `properties`: {`copy`: [{`name`: `a`, `count`: 800, `input`: {`copy`: [{`name`: `b`, `count`: 800, `input`: "
		"`[reference(concat('e', copyIndex('a'))).x]`}]}}]}}]"), "references in loops"));
	assert_false(exhaust(fixture_v1("`outputs`: {`o`: {`type`: `array`, `copy`: {`count`: 800, `input`: {`copy`: [{`name`: `a`, `count`: "
		"800, `input`: `[range(0, 800)]`}]}}}}"), "loops in an output"));
	assert_false(exhaust(fixture_v1("`resources`: [{" DISK_HEAD ", `name`: `[concat('d', copyIndex())]`, `copy`: {`name`: `d`, `count`: "
		"800}, `dependsOn`: `[map(range(0, 800), lambda('i', 'd0'))]`}]"), "lists of dependencies"));
	json_t *wide = fixture_v1("`resources`: [{" DISK_HEAD ", `name`: `[concat('d', copyIndex())]`, `copy`: {`name`: `d`, `count`: 800}}]");
	_cleanup_json_ json_t *members = many_members(50000, "m", "1");
	json_object_update(json_array_get(json_object_get(wide, "resources"), 0), members);
	assert_false(exhaust(wide, "a loop of wide resources"));
}

// Each of 64 variables twice the one before.
static void doubling(const char *first, const char *twice, const char *what) {
	json_t *document = fixture_v1(""), *variables = json_object();
	json_object_set_new(variables, "v0", fixture_json(first));
	for (int i = 1; i < 64; i++) {
		_cleanup_free_ char *name = strv_printf("v%d", i);
		char text[128];
		(void)snprintf(text, sizeof(text), "variables('v%d')", i - 1);
		json_object_set_new(variables, name, json_sprintf("[%s(%s, %s)]", twice, text, text));
	}
	document = with(document, "variables", variables);
	document = with(document, "outputs", fixture_json("{`o`: {`type`: `int`, `value`: `[length(variables('v63'))]`}}"));
	assert_false(exhaust(document, what));
}

static void test_bombs(void **state _unused_) {
	doubling("`xxxxxxxx`", "concat", "a string that doubles");
	doubling("[1]", "createArray", "an array of twice itself");
	doubling("[1]", "concat", "an array that doubles");
	// Written out, without a function: {"a": v, "b": v}.
	json_t *variables = json_object();
	json_object_set_new(variables, "v0", json_string("x"));
	for (int i = 1; i < 64; i++) {
		_cleanup_free_ char *name = strv_printf("v%d", i), *text = strv_printf("[variables('v%d')]", i - 1);
		json_object_set_new(variables, name, json_pack("{s:s, s:s}", "a", text, "b", text));
	}
	assert_false(exhaust(with(with(fixture_v1(""), "variables", variables), "outputs",
		fixture_json("{`o`: {`type`: `object`, `value`: `[variables('v63')]`}}")), "an object of twice itself"));
	assert_false(exhaust(fixture_v1("`functions`: [{`namespace`: `f`, `members`: {`g`: {`parameters`: [{`name`: `x`, `type`: `array`}], "
		"`output`: {`type`: `array`, `value`: `[createArray(parameters('x'), parameters('x'))]`}}}}], `outputs`: {`o`: {`type`: `array`, "
		"`value`: `[f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(f.g(createArray(1)))))))"
		"))))))))))))))))))]`}}"), "a function that doubles"));
	assert_false(exhaust(fixture_v1("`outputs`: {`o`: {`type`: `array`, `value`: `[reduce(range(0, 9000), createArray(), lambda('a', 'b', "
		"createArray(lambdaVariables('a'))))]`}}"), "an array that is nested"));
	assert_false(exhaust(fixture_v1("`outputs`: {`o`: {`type`: `array`, `value`: `[reduce(range(0, 64), createArray(1), lambda('a', 'b', "
		"createArray(lambdaVariables('a'), lambdaVariables('a'))))]`}}"), "a reduction that doubles"));
	assert_false(exhaust(fixture_v1("`resources`: [{" DISK_HEAD ", `name`: `[concat('d', copyIndex())]`, `copy`: {`name`: `d`, `count`: "
		"800}, `properties`: {`x`: `[string(range(0, 10000))]`}}]"), "long strings in every body"));
}

// Recursion of each kind ends with an error and not with the stack.
static void test_depth(void **state _unused_) {
	enum { NEST = 50 };
	json_t *variables = json_object();
	for (int i = 0; i < TEMPLATE_VARIABLES_MAX; i++) {
		_cleanup_free_ char *name = strv_printf("v%d", i);
		json_t *value = i == 0 ? json_string("x") : json_sprintf("[variables('v%d')]", i - 1);
		for (int n = 0; n < NEST; n++)
			value = json_pack("[o]", value);
		json_object_set_new(variables, name, value);
	}
	assert_false(exhaust(with(with(fixture_v1(""), "variables", variables), "outputs",
		fixture_json("{`o`: {`type`: `array`, `value`: `[variables('v255')]`}}")), "variables inside each other"));
	json_t *parameters = json_object();
	for (int i = 0; i < TEMPLATE_PARAMETERS_MAX; i++) {
		_cleanup_free_ char *name = strv_printf("p%d", i);
		json_object_set_new(parameters, name, json_pack("{s:s, s:o}", "type", "string", "defaultValue",
			i == 255 ? json_string("x") : json_sprintf("[concat(parameters('p%d'), 'x')]", i + 1)));
	}
	(void)exhaust(with(fixture_v1(""), "parameters", parameters), "parameters of parameters");
	json_t *resources = json_object();
	for (int i = 0; i < 700; i++) {
		_cleanup_free_ char *symbol = strv_printf("r%d", i);
		json_object_set_new(resources, symbol, json_pack("{s:s, s:s, s:o}", "type", "A.B/c", "apiVersion", "1", "name",
			i == 699 ? json_string("x") : json_sprintf("[concat('a', resourceInfo('r%d').name)]", i + 1)));
	}
	assert_false(exhaust(with(fixture_v2(""), "resources", resources), "names of names"));
	assert_false(exhaust(fixture_v2("`functions`: [{`namespace`: `f`, `members`: {`g`: {`output`: {`type`: `array`, `value`: [[[[[[[["
		"`[map(range(0, 1), lambda('i', f.g()))]`]]]]]]]]}}}}], `outputs`: {`o`: {`type`: `array`, `value`: `[f.g()]`}}"),
		"a function that calls itself"));
	_cleanup_free_ char *inner = strdup("{`type`: `A.B/c`, `apiVersion`: `1`, `name`: `[variables('v')]`}");
	for (int i = 0; i < 14; i++) {
		char *outer = strv_printf("{`type`: `Microsoft.Resources/deployments`, `apiVersion`: `1`, `name`: `n`, `properties`: {`template`: "
			"{`resources`: [%s]}}}", inner);
		free(inner);
		inner = outer;
	}
	_cleanup_free_ char *members = strv_printf("`variables`: {`v`: `x`}, `resources`: [%s]", inner);
	assert_true(exhaust(fixture_v1(members), "inner templates of inner templates"));
	// A chain that people could write.
	json_t *chain = json_object();
	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *name = strv_printf("v%d", i);
		json_object_set_new(chain, name, i == 0 ? json_string("x") : json_sprintf("[concat(variables('v%d'), 'x')]", i - 1));
	}
	assert_true(exhaust(with(with(fixture_v1(""), "variables", chain), "outputs",
		fixture_json("{`o`: {`type`: `string`, `value`: `[variables('v99')]`}}")), "a chain of variables"));
}

static void test_shared_budget(void **state _unused_) {
	struct template_place place = *fixture_group();
	struct expr_budget budget = {.left = 100000};
	place.budget = &budget;
	_cleanup_json_ json_t *document = fixture_v1("`variables`: {`v`: {`copy`: [{`name`: `a`, `count`: 800, `input`: 1}]}}, `outputs`: "
		"{`o`: {`type`: `object`, `value`: `[variables('v')]`}}");
	int rc = 0, rounds = 0;
	struct err err = {0};
	for (; rc == 0; rounds++) {
		_cleanup_template_ struct template *t = NULL;
		_cleanup_json_ json_t *outputs = NULL;
		rc = template_open(document, NULL, &place, &t, &err);
		if (rc == 0)
			rc = template_outputs(t, &outputs, &err);
	}
	assert_int_equal(rc, -EINVAL);
	assert_int_equal(err.status, 400);
	assert_in_range(rounds, 3, 20);
	assert_true(budget.left <= 0);
}

static void test_wide(void **state _unused_) {
	// Names that are looked for without case where there are many.
	json_t *definitions = json_object(), *value = json_object();
	for (int i = 0; i < 20000; i++) {
		_cleanup_free_ char *name = strv_printf("member%d", i), *upper = strv_printf("MEMBER%d", i);
		json_object_set_new(definitions, name, json_pack("{s:s}", "type", "int"));
		json_object_set_new(value, upper, json_integer(i));
	}
	json_t *document = fixture_v2("`parameters`: {`x`: {`type`: `object`}}");
	json_t *x = json_at(document, "parameters.x");
	json_object_set_new(x, "properties", definitions);
	json_object_set_new(x, "defaultValue", value);
	assert_false(exhaust(document, "an object of many members in another case"));
	json_t *allowed = json_array(), *many = json_array();
	for (int i = 0; i < 100000; i++) {
		json_array_append_new(allowed, json_integer(i));
		json_array_append_new(many, json_integer(i + 50000));
	}
	json_t *other = fixture_v1("`parameters`: {`x`: {`type`: `array`}}");
	x = json_at(other, "parameters.x");
	json_object_set_new(x, "allowedValues", allowed);
	json_object_set_new(x, "defaultValue", many);
	assert_false(exhaust(other, "many values that are many allowed ones"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts), cmocka_unit_test(test_thousand), cmocka_unit_test(test_dense),
		cmocka_unit_test(test_copies_of_copies), cmocka_unit_test(test_bombs), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_wide), cmocka_unit_test(test_shared_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
