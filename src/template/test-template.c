// SPDX-License-Identifier: Apache-2.0
#include "base/strv.h"
#include "template/fixture.h"

#define INVALID "InvalidTemplate"

static void refused(json_t *document, const char *parameters, const char *words) {
	fixture_refused(document, parameters, INVALID, words);
}

static void given(const struct template *t, const char *path, const char *json) {
	fixture_same(json_at(template_parameters(t), path), json);
}

// --- The document ---

static void test_document(void **state _unused_) {
	_cleanup_template_ struct template *t = fixture_open(fixture_v1(""), NULL);
	assert_int_equal(template_resource_count(t), 0);
	assert_null(template_resource_at(t, 0));
	assert_int_equal(json_object_size(template_parameters(t)), 0);
	json_t *plain = fixture_json("{`$schema`: `http://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json`, "
		"`ContentVersion`: `1.2.3.4`, `resources`: []}");
	_cleanup_template_ struct template *other = fixture_open(plain, NULL);
	assert_non_null(other);
	json_t *newest = fixture_v2("`asserts`: {}, `definitions`: {}");
	json_object_set_new(newest, "languageVersion", json_string("2.1-experimental"));
	_cleanup_template_ struct template *experimental = fixture_open(newest, NULL);
	assert_non_null(experimental);
}

static void test_document_refused(void **state _unused_) {
	refused(fixture_json("{`contentVersion`: `1.0.0.0`, `resources`: []}"), NULL, "Required property '$schema' not found");
	json_t *no_resources = fixture_v1("");
	json_object_del(no_resources, "resources");
	refused(no_resources, NULL, "Required property 'resources' not found");
	refused(fixture_json("[]"), NULL, "is not an object");
	json_t *wrong = fixture_v1("");
	json_object_set_new(wrong, "$schema", json_string("https://example.com/deploymentTemplate.json#"));
	refused(wrong, NULL, "is not supported");
	json_t *version = fixture_v1("");
	json_object_set_new(version, "contentVersion", json_integer(1));
	refused(version, NULL, "The template 'contentVersion' is not a string");
	refused(fixture_v1("`languageVersion`: `3.0`"), NULL, "languageVersion");
	refused(fixture_v1("`apiProfile`: `2018-03-01-hybrid`"), NULL, "apiProfile");
	refused(fixture_v2("`asserts`: {`a`: true}"), NULL, "'asserts', which are not supported");
	refused(fixture_v2("`imports`: {`g`: {`provider`: `MicrosoftGraph`}}"), NULL, "extensions");
	fixture_refused(fixture_v1("`nonsense`: 1"), NULL, "InvalidRequestContent", "Could not find member 'nonsense'");
	refused(fixture_v1("`resources`: {}"), NULL, "languageVersion");
	refused(fixture_v1("`definitions`: {}"), NULL, "languageVersion");
	refused(fixture_v1("`resources`: `x`"), NULL, "must be");
}

static void test_scope_of_schema(void **state _unused_) {
	const char *schema = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#";
	json_t *document = fixture_v1("");
	json_object_set_new(document, "$schema", json_string(schema));
	refused(json_incref(document), NULL, "is not that of a deployment at resource group scope");
	_cleanup_template_ struct template *t = fixture_open_at(document, NULL, fixture_subscription());
	assert_non_null(t);
	fixture_refused_at(fixture_v1(""), NULL, fixture_subscription(), INVALID, "at subscription scope");
}

// --- Parameters ---

static void test_parameters(void **state _unused_) {
	const char *members = "`parameters`: {`s`: {`type`: `string`}, `n`: {`type`: `INT`, `defaultValue`: 7}, `b`: {`type`: `bool`, "
		"`defaultValue`: true}, `o`: {`type`: `object`, `defaultValue`: {`a`: `[parameters('s')]`}}, `a`: {`type`: `array`, "
		"`defaultValue`: []}, `d`: {`type`: `string`, `defaultValue`: `[parameters('S')]`, `metadata`: {`x`: 1}}}";
	_cleanup_template_ struct template *t = fixture_open(fixture_v1(members), "{`S`: {`value`: `x`}}");
	given(t, "s.value", "`x`");
	given(t, "n.value", "7");
	given(t, "n.type", "`Int`");
	given(t, "b.value", "true");
	given(t, "o.value", "{`a`: `x`}");
	given(t, "d.value", "`x`");
	assert_true(json_equal(template_parameters(t), template_shown_parameters(t)));
	// As they are kept they can be given again.
	_cleanup_json_ json_t *kept = json_deep_copy(template_parameters(t));
	_cleanup_json_ json_t *document = fixture_v1(members);
	_cleanup_template_ struct template *again = NULL;
	assert_int_equal(template_open(document, kept, fixture_group(), &again, NULL), 0);
	assert_true(json_equal(template_parameters(again), kept));
}

static void test_parameters_refused(void **state _unused_) {
	const char *one = "`parameters`: {`x`: {`type`: `string`}}";
	refused(fixture_v1(one), NULL, "Deployment template validation failed: 'The value for the template parameter 'x' at line '1' and "
		"column '1' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.'.");
	refused(fixture_v1(one), "{`x`: {`value`: null}}", "is not provided");
	refused(fixture_v1(one), "{`x`: {`value`: 1}}", "Template parameter JToken type is not valid. Expected 'String, Uri'. Actual "
		"'Integer'.");
	refused(fixture_v1(one), "{`x`: {`value`: `a`}, `y`: {`value`: 1}, `z`: {`value`: 1}}",
		"The template parameters 'y, z' in the parameters file are not valid; they are not present in the original template and can "
		"therefore not be provided at deployment time. The only supported parameters for this template are 'x'.");
	refused(fixture_v1(one), "{`x`: `a`}", "must be an object");
	refused(fixture_v1(one), "{`x`: {`value`: `a`}, `X`: {`value`: `b`}}", "given more than once");
	refused(fixture_v1(one), "[]", "must be an object");
	refused(fixture_v1("`parameters`: {`x`: {`type`: `float`}}"), NULL, "The type 'float' of 'x'");
	refused(fixture_v1("`parameters`: {`x`: {}}"), NULL, "The type '' of 'x'");
	refused(fixture_v1("`parameters`: {`x`: 3}"), NULL, "is not an object");
	refused(fixture_v1("`parameters`: {`x`: {`type`: `int`}, `X`: {`type`: `int`}}"), NULL, "defined more than once");
	refused(fixture_v1("`parameters`: []"), NULL, "must be an object");
	static const char *const others[][2] = {{"1.5", "Float"}, {"[]", "Array"}, {"true", "Boolean"}, {"{}", "Object"}};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		_cleanup_free_ char *parameters = strv_printf("{`x`: {`value`: %s}}", others[i][0]);
		_cleanup_free_ char *words = strv_printf("Expected 'String, Uri'. Actual '%s'", others[i][1]);
		refused(fixture_v1(one), parameters, words);
	}
	refused(fixture_v1("`parameters`: {`x`: {`type`: `bool`, `defaultValue`: `true`}}"), NULL, "Expected 'Boolean'. Actual 'String'");
	refused(fixture_v1("`parameters`: {`x`: {`type`: `string`, `defaultValue`: `[parameters('y')]`}}"), NULL,
		"The template parameter 'y' is not found");
	refused(fixture_v1("`parameters`: {`x`: {`type`: `string`, `defaultValue`: `[parameters('y')]`}, `y`: {`type`: `string`, "
		"`defaultValue`: `[parameters('x')]`}}"), NULL, "Circular dependency detected on template parameter");
	refused(fixture_v1("`variables`: {`v`: 1}, `parameters`: {`x`: {`type`: `int`, `defaultValue`: `[variables('v')]`}}"), NULL,
		"The template function 'variables' is not expected at this location");
	refused(fixture_v1("`parameters`: {`x`: {`type`: `object`, `defaultValue`: `[reference('a', '2020-01-01')]`}}"), NULL,
		"The template function 'reference' is not expected at this location");
}

static void test_constraints(void **state _unused_) {
	const char *members = "`parameters`: {`s`: {`type`: `string`, `minLength`: 2, `maxLength`: 4, `defaultValue`: `abc`}, "
		"`n`: {`type`: `int`, `minValue`: -1, `maxValue`: 10, `defaultValue`: 0}, `a`: {`type`: `array`, `minLength`: 1, "
		"`defaultValue`: [1]}, `e`: {`type`: `string`, `allowedValues`: [`x`, `y`], `defaultValue`: `x`}, `m`: {`type`: `array`, "
		"`allowedValues`: [`x`, `y`], `defaultValue`: []}, `p`: {`type`: `securestring`, `allowedValues`: [`hidden`], "
		"`defaultValue`: `hidden`}}";
	static const struct {
		const char *parameters, *words;
	} wrong[] = {
		{"{`s`: {`value`: `a`}}", "'s' is not valid. Length of the value should be greater than or equal to '2'"},
		{"{`s`: {`value`: `abcde`}}", "Length of the value should be less than or equal to '4'"},
		{"{`n`: {`value`: -2}}", "The value should be greater than or equal to '-1'"},
		{"{`n`: {`value`: 11}}", "The value should be less than or equal to '10'"},
		{"{`a`: {`value`: []}}", "Length of the value should be greater than or equal to '1'"},
		{"{`e`: {`value`: `z`}}", "The provided value 'z' for the template parameter 'e' is not valid. The parameter value is not "
			"part of the allowed value(s): 'x,y'."},
		{"{`e`: {`value`: `X`}}", "is not part of the allowed"},
		{"{`m`: {`value`: [`x`, `z`]}}", "is not part of the allowed"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		refused(fixture_v1(members), wrong[i].parameters, wrong[i].words);
	_cleanup_template_ struct template *t = fixture_open(fixture_v1(members),
		"{`s`: {`value`: `\\u00e4\\u00f6\\u00fc\\u00df`}, `n`: {`value`: 10}, `m`: {`value`: [`y`, `x`]}}");
	assert_non_null(t);
	refused(fixture_v1("`parameters`: {`s`: {`type`: `string`, `minLength`: `2`}}"), NULL, "The 'minLength' of 's'");
	// A secure value is not repeated.
	_cleanup_json_ json_t *document = fixture_v1(members), *secret = fixture_json("{`p`: {`value`: `hunter2`}}");
	struct template *none = NULL;
	struct err err = {0};
	assert_int_equal(template_open(document, secret, fixture_group(), &none, &err), -EINVAL);
	assert_null(strstr(err.message, "hunter2"));
}

static void test_new_values(void **state _unused_) {
	const char *members = "`parameters`: {`g`: {`type`: `string`, `defaultValue`: `[newGuid()]`}, `t`: {`type`: `string`, "
		"`defaultValue`: `[utcNow()]`}, `y`: {`type`: `string`, `defaultValue`: `[utcNow('yyyy-MM')]`}, `u`: {`type`: `string`, "
		"`defaultValue`: `[utcNow('u')]`}, `e`: {`type`: `int`, `defaultValue`: `[dateTimeToEpoch(dateTimeAdd(utcNow('u'), 'P10D'))]`}}";
	_cleanup_template_ struct template *t = fixture_open(fixture_v1(members), NULL);
	const json_t *p = template_parameters(t);
	assert_int_equal(strlen(json_str(p, "g.value")), 36);
	assert_string_equal(json_str(p, "t.value"), "20231114T221320Z");
	assert_string_equal(json_str(p, "y.value"), "2023-11");
	assert_string_equal(json_str(p, "u.value"), "2023-11-14 22:13:20Z");
	assert_int_equal(json_int(p, "e.value", 0), FIXTURE_NOW + 10 * 86400);
	fixture_fails("", "string", "[newGuid()]", "The template function 'newGuid' is not expected at this location");
	fixture_fails("", "string", "[utcNow()]", "The template function 'utcNow' is not expected at this location");
	refused(fixture_v1("`parameters`: {`t`: {`type`: `string`, `defaultValue`: `[utcNow('y''y')]`}}"), NULL, "is not one for dates");
}

static void test_secure(void **state _unused_) {
	const char *members = "`parameters`: {`p`: {`type`: `securestring`}, `o`: {`type`: `secureObject`, `defaultValue`: {`a`: "
		"`hunter2`}}, `k`: {`type`: `string`}, `plain`: {`type`: `string`, `defaultValue`: `shown`}}, `outputs`: {`s`: {`type`: "
		"`securestring`, `value`: `[parameters('p')]`}, `t`: {`type`: `string`, `value`: `x`}}";
	_cleanup_template_ struct template *t = fixture_open(fixture_v1(members), "{`p`: {`value`: `hunter2`}, `k`: {`reference`: "
		"{`keyVault`: {`id`: `" FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/kv1`}, `secretName`: `s1`}}}");
	_cleanup_json_ json_t *outputs = NULL;
	_cleanup_free_ char *shown = json_text(template_shown_parameters(t));
	assert_null(strstr(shown, "hunter2"));
	assert_null(strstr(shown, "secret s1"));
	assert_non_null(strstr(shown, "SecureString"));
	assert_non_null(strstr(shown, "secretName"));
	assert_non_null(strstr(shown, "\"value\":\"shown\""));
	given(t, "p.value", "`hunter2`");
	given(t, "k.value", "`secret s1 latest of kv1`");
	assert_true(template_parameter_is_secure(t, "P"));
	assert_true(template_parameter_is_secure(t, "k"));
	assert_false(template_parameter_is_secure(t, "plain"));
	assert_false(template_parameter_is_secure(t, "none"));
	assert_int_equal(template_outputs(t, &outputs, NULL), 0);
	fixture_same(outputs, "{`s`: {`type`: `SecureString`}, `t`: {`type`: `String`, `value`: `x`}}");
	struct template_place no_secrets = *fixture_group();
	no_secrets.secret = NULL;
	fixture_refused_at(fixture_v1(members), "{`p`: {`reference`: {`keyVault`: {`id`: `/x`}, `secretName`: `a`}}}", &no_secrets, INVALID,
		"refers to a secret, which is not supported here");
	fixture_refused(fixture_v1(members), "{`p`: {`value`: `x`}, `k`: {`reference`: {`keyVault`: {`id`: `/x`}, `secretName`: "
		"`absent`}}}", "KeyVaultParameterReferenceSecretRetrieveFailed", "absent");
	refused(fixture_v1(members), "{`p`: {`value`: `x`}, `k`: {`reference`: {`secretName`: `a`}}}", "keyVault.id");
	refused(fixture_v1(members), "{`p`: {`value`: `x`}, `k`: {`value`: `x`, `reference`: {}}}", "either a 'value' or a 'reference'");
}

// --- Types of language version 2.0 ---

#define PET "`definitions`: {`name`: {`type`: `string`, `minLength`: 1}, `pet`: {`type`: `object`, `properties`: {`name`: {`$ref`: " \
	"`#/definitions/name`}, `age`: {`type`: `int`, `nullable`: true}, `pin`: {`type`: `securestring`, `nullable`: true}}, " \
	"`additionalProperties`: false}, `cat`: {`type`: `object`, `properties`: {`kind`: {`type`: `string`, `allowedValues`: [`cat`]}, " \
	"`lives`: {`type`: `int`}}}, `dog`: {`type`: `object`, `properties`: {`kind`: {`type`: `string`, `allowedValues`: [`dog`]}}, " \
	"`additionalProperties`: {`type`: `bool`}}, `animal`: {`type`: `object`, `discriminator`: {`propertyName`: `kind`, `mapping`: " \
	"{`cat`: {`$ref`: `#/definitions/cat`}, `dog`: {`$ref`: `#/definitions/dog`}}}}, `pets`: {`type`: `array`, `items`: {`$ref`: " \
	"`#/definitions/pet`}}, `pair`: {`type`: `array`, `prefixItems`: [{`type`: `string`}, {`type`: `int`}], `items`: false}, " \
	"`tree`: {`type`: `object`, `properties`: {`child`: {`$ref`: `#/definitions/tree`, `nullable`: true}}, `additionalProperties`: " \
	"false}, `loose`: {}, `odd/name~`: {`type`: `int`}}"

static void test_types(void **state _unused_) {
	static const struct {
		const char *type, *value, *words;
	} cases[] = {
		{"pet", "{`name`: `rex`}", NULL},
		{"pet", "{`NAME`: `rex`, `age`: null}", NULL},
		{"pet", "{`age`: 3}", "'x' is not valid. The required property 'name' is not provided"},
		{"pet", "{`name`: ``}", "'x.name' is not valid. Length"},
		{"pet", "{`name`: `rex`, `age`: `3`}", "Expected 'Integer'. Actual 'String'. The parameter is 'x.age'"},
		{"pet", "{`name`: `rex`, `tail`: 1}", "The property 'tail' is not permitted"},
		{"pet", "`rex`", "Expected 'Object'"},
		{"animal", "{`kind`: `cat`, `lives`: 9}", NULL},
		{"animal", "{`kind`: `cat`}", "The required property 'lives'"},
		{"animal", "{`kind`: `dog`, `good`: true}", NULL},
		{"animal", "{`kind`: `dog`, `good`: 1}", "Expected 'Boolean'"},
		{"animal", "{`kind`: `cow`}", "discriminator"},
		{"animal", "{}", "discriminator"},
		{"pets", "[{`name`: `a`}, {`name`: `b`}]", NULL},
		{"pets", "[{`name`: `a`}, {}]", "'x[1]' is not valid"},
		{"pair", "[`a`, 1]", NULL},
		{"pair", "[`a`]", "Expected an array of '2'"},
		{"pair", "[`a`, 1, 2]", "Expected an array of '2'"},
		{"pair", "[`a`, `b`]", "Expected 'Integer'"},
		{"tree", "{`child`: {`child`: {}}}", NULL},
		{"tree", "{`child`: {`child`: {`x`: 1}}}", "The property 'x' is not permitted"},
		{"loose", "[1, `x`, null]", NULL},
		{"pet/properties/age", "3", NULL},
		{"pet/properties/age", "`3`", "Expected 'Integer'"},
		{"pair/prefixItems/1", "`3`", "Expected 'Integer'"},
		{"odd~1name~0", "`3`", "Expected 'Integer'"},
		{"pets/items", "{}", "The required property 'name'"},
		{"animal/discriminator/mapping/cat", "{`kind`: `cat`, `lives`: `9`}", "Expected 'Integer'"},
		{"pet", "{`name`: null}", "Expected 'String, Uri'. Actual 'Null'"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *members = strv_printf(PET ", `parameters`: {`x`: {`$ref`: `#/definitions/%s`}}", cases[i].type);
		_cleanup_free_ char *parameters = strv_printf("{`x`: {`value`: %s}}", cases[i].value);
		if (cases[i].words)
			refused(fixture_v2(members), parameters, cases[i].words);
		else
			template_close(fixture_open(fixture_v2(members), parameters));
	}
}

static void test_types_shown(void **state _unused_) {
	_cleanup_template_ struct template *t = fixture_open(fixture_v2(PET ", `parameters`: {`p`: {`$ref`: `#/definitions/pets`}, `n`: "
		"{`type`: `string`, `nullable`: true}, `l`: {`$ref`: `#/definitions/loose`, `defaultValue`: 3}}, `outputs`: {`p`: {`$ref`: "
		"`#/definitions/pets`, `value`: `[parameters('p')]`}, `n`: {`type`: `string`, `nullable`: true, `value`: "
		"`[parameters('n')]`}}"), "{`p`: {`value`: [{`name`: `rex`, `pin`: `1234`}]}, `n`: {`value`: null}}");
	_cleanup_json_ json_t *outputs = NULL;
	fixture_same(template_shown_parameters(t), "{`p`: {`type`: `Array`, `value`: [{`name`: `rex`}]}, `n`: {`type`: `String`, "
		"`value`: null}, `l`: {`type`: `Int`, `value`: 3}}");
	given(t, "p.value", "[{`name`: `rex`, `pin`: `1234`}]");
	assert_int_equal(template_outputs(t, &outputs, NULL), 0);
	fixture_same(outputs, "{`p`: {`type`: `Array`, `value`: [{`name`: `rex`}]}, `n`: {`type`: `String`, `value`: null}}");
}

static void test_types_refused(void **state _unused_) {
	refused(fixture_v2("`parameters`: {`x`: {`$ref`: `#/definitions/no`}}"), NULL, "does not lead to a definition");
	refused(fixture_v2(PET ", `parameters`: {`x`: {`$ref`: `#/definitions/pet/properties/nope`}}"), NULL, "does not lead to a definition");
	refused(fixture_v2(PET ", `parameters`: {`x`: {`$ref`: `#/definitions/pair/prefixItems/2`}}"), NULL, "does not lead to a definition");
	refused(fixture_v2(PET ", `parameters`: {`x`: {`$ref`: `#/parameters/x`}}"), NULL, "does not lead to a definition");
	refused(fixture_v1("`parameters`: {`x`: {`$ref`: `#/definitions/no`}}"), NULL, "languageVersion");
	refused(fixture_v2("`definitions`: {`a`: {`$ref`: `#/definitions/b`}, `b`: {`$ref`: `#/definitions/a`}}"), NULL,
		"does not lead to a definition");
	refused(fixture_v2("`definitions`: {`a`: {`type`: `object`, `properties`: {`b`: {`type`: `thing`}}}}"), NULL, "'a.b'");
	refused(fixture_v2("`definitions`: {`a`: {`type`: `object`, `discriminator`: {`propertyName`: `k`}}}"), NULL, "discriminator");
	refused(fixture_v2("`definitions`: {`a`: {`type`: `object`, `discriminator`: {`propertyName`: `k`, `mapping`: {`x`: {`$ref`: "
		"`#/definitions/a`}}}}}"), NULL, "another one");
	refused(fixture_v2("`definitions`: {`a`: {`type`: `object`, `discriminator`: {`propertyName`: `k`, `mapping`: {`x`: {`$ref`: "
		"`#/definitions/b`, `discriminator`: {`propertyName`: `k`, `mapping`: {`x`: {`$ref`: `#/definitions/a/discriminator/mapping/x`}}}}}}}, "
		"`b`: {`type`: `object`}}"), NULL, "another one");
	// What no definition says is not looked at, and so leads nowhere.
	refused(fixture_v2("`definitions`: {`a`: {`type`: `object`, `metadata`: {`b`: {`type`: `thing`}}}}, `parameters`: {`x`: {`$ref`: "
		"`#/definitions/a/metadata/b`}}"), NULL, "does not lead to a definition");
	refused(fixture_v2(PET ", `parameters`: {`x`: {`$ref`: `#/definitions/animal/discriminator/mapping`}}"), NULL,
		"does not lead to a definition");
	refused(fixture_v2("`definitions`: {`a`: {`type`: `array`, `items`: 3}}"), NULL, "The 'items' of 'a'");
}

// --- Variables and loops in values ---

static void test_variables(void **state _unused_) {
	const char *members = "`variables`: {`a`: `x`, `b`: {`c`: `[variables('A')]`, `[variables('a')]`: 1}, `unused`: "
		"`[bool('neither')]`, `literal`: `[[not an expression]`, `copy`: [{`name`: `squares`, `count`: 3, `input`: "
		"`[mul(copyIndex('squares'), copyIndex('squares', 1))]`}], `nested`: {`copy`: [{`name`: `outer`, `count`: 2, `input`: {`copy`: "
		"[{`name`: `inner`, `count`: `[add(copyIndex('outer'), 1)]`, `input`: `[format('{0}{1}', copyIndex('outer'), "
		"copyIndex('inner'))]`}]}}]}}";
	fixture_gives(members, "object", "[variables('b')]", "{`c`: `x`, `x`: 1}");
	fixture_gives(members, "array", "[variables('squares')]", "[0, 2, 6]");
	fixture_gives(members, "string", "[variables('literal')]", "`[not an expression]`");
	fixture_gives(members, "object", "[variables('nested')]", "{`outer`: [{`inner`: [`00`]}, {`inner`: [`10`, `11`]}]}");
	fixture_fails(members, "string", "[variables('unused')]", "The template variable 'unused' is not valid");
}

static void test_variables_refused(void **state _unused_) {
	const char *cycle = "`variables`: {`a`: `[variables('b')]`, `b`: {`x`: [`[variables('a')]`]}}";
	fixture_fails(cycle, "string", "[variables('a')]", "Circular dependency detected on template variable 'a'");
	refused(fixture_v1("`variables`: {`a`: `[variables('none')]`}"), NULL, "The template variable 'none' is not found");
	refused(fixture_v1("`variables`: {`a`: `[nonsense('none')]`}"), NULL, "The template function 'nonsense' is not valid");
	refused(fixture_v1("`variables`: {`a`: `[concat('none']`}"), NULL, "The template variable 'a' is not valid");
	fixture_fails("`parameters`: {`p`: {`type`: `string`, `defaultValue`: `no`}}", "string", "[variables(concat(parameters('p'), 'ne'))]",
		"The template variable 'none' is not found");
	fixture_fails("", "string", "[variables(3)]", "the name of a variable is expected");
	refused(fixture_v1("`variables`: {`a`: {`x`: 1, `[concat('y', 'z')]`: 2}, `b`: `[variables(concat('c', 'd'))]`}"), NULL,
		"The template variable 'cd' is not found");
	fixture_fails("`variables`: {`a`: {`x`: 1, `[concat('', 'x')]`: 2}}", "object", "[variables('a')]", "given more than once");
	fixture_fails("`variables`: {`copy`: [{`name`: `a`, `count`: 1, `input`: `[copyIndex('a', 'b')]`}]}", "array", "[variables('a')]",
		"an integer offset");
	fixture_fails("`variables`: {`copy`: [{`name`: `a`, `count`: 2, `input`: `[copyIndex('a', 9223372036854775807)]`}]}", "array",
		"[variables('a')]", "the offset is too large");
	// A member that is called so and is no loop.
	fixture_gives("`variables`: {`a`: {`copy`: [{`name`: `x`}]}}", "object", "[variables('a')]", "{`copy`: [{`name`: `x`}]}");
	refused(fixture_v1("`variables`: {`a`: 1, `A`: 2}"), NULL, "defined more than once");
	refused(fixture_v1("`variables`: 3"), NULL, "must be an object");
	fixture_fails("`variables`: {`a`: `[reference('x', '2020-01-01')]`}", "object", "[variables('a')]",
		"The template function 'reference' is not expected at this location");
	fixture_fails("`variables`: {`copy`: [{`name`: `a`, `count`: 801, `input`: 1}]}", "array", "[variables('a')]",
		"cannot exceed '800'");
	fixture_fails("`variables`: {`copy`: [{`name`: `a`, `count`: -1, `input`: 1}]}", "array", "[variables('a')]", "copy count");
	fixture_fails("`variables`: {`copy`: [{`name`: `a`, `count`: 1, `input`: `[copyIndex()]`}]}", "array", "[variables('a')]",
		"The template function 'copyIndex' is not expected at this location");
	fixture_fails("`variables`: {`copy`: [{`name`: `a`, `count`: 1, `input`: `[copyIndex('b')]`}]}", "array", "[variables('a')]",
		"copyIndex");
	fixture_fails("`variables`: {`copy`: [{`name`: `a`, `count`: 1}]}", "array", "[variables('a')]", "has no 'input'");
}

// --- Functions of users ---

#define FUNCTIONS "`functions`: [{`namespace`: `contoso`, `members`: {`twice`: {`parameters`: [{`name`: `what`, `type`: `string`}], " \
	"`output`: {`type`: `string`, `value`: `[concat(parameters('What'), parameters('what'))]`}}, `shape`: {`parameters`: [], `output`: " \
	"{`type`: `object`, `value`: {`id`: `[subscription().subscriptionId]`}}}, `bad`: {`output`: {`type`: `int`, `value`: " \
	"`[variables('v')]`}}, `worse`: {`output`: {`type`: `object`, `value`: `[reference('x', '2020-01-01')]`}}, `outer`: {`output`: " \
	"{`type`: `string`, `value`: `[contoso.twice('a')]`}}, `endless`: {`output`: {`type`: `string`, `value`: `[contoso.endless()]`}}}}]"

static void test_functions(void **state _unused_) {
	const char *members = FUNCTIONS ", `variables`: {`v`: 1}, `parameters`: {`what`: {`type`: `string`, `defaultValue`: `outer`}}";
	fixture_gives(members, "string", "[Contoso.Twice('ab')]", "`abab`");
	fixture_gives(members, "object", "[contoso.shape()]", "{`id`: `11111111-1111-1111-1111-111111111111`}");
	fixture_fails(members, "int", "[contoso.bad()]", "The template function 'variables' is not expected at this location");
	fixture_fails(members, "object", "[contoso.worse()]", "The template function 'reference' is not expected at this location");
	fixture_fails(members, "string", "[contoso.outer()]", "'contoso.twice' is not valid");
	fixture_fails(members, "string", "[contoso.twice()]", "expects '1' argument(s) and is given '0'");
	fixture_fails(members, "string", "[contoso.twice(1)]", "Expected 'String, Uri'. Actual 'Integer'");
	const char *newer = "`languageVersion`: `2.0`, `resources`: {}, " FUNCTIONS;
	fixture_gives(newer, "string", "[contoso.outer()]", "`aa`");
	fixture_fails(newer, "string", "[contoso.endless()]", "deeper than");
	refused(fixture_v1("`functions`: [{`namespace`: `c`, `members`: {`f`: {}}}]"), NULL, "has no 'output'");
	fixture_fails("`functions`: [{`namespace`: `c`, `members`: {`f`: {`output`: {`type`: `string`, `value`: `[parameters('outer')]`}}}}], "
		"`parameters`: {`outer`: {`type`: `string`, `defaultValue`: `x`}}", "string", "[c.f()]", "has no parameter 'outer'");
	refused(fixture_v1("`functions`: [{`namespace`: `c`, `members`: {`f`: {`parameters`: [{`type`: `int`}], `output`: {`value`: 1}}}}]"),
		NULL, "has no name");
	refused(fixture_v1("`functions`: [{`members`: {}}]"), NULL, "namespace");
	refused(fixture_v1("`functions`: {}"), NULL, "must be an array");
	refused(fixture_v1("`functions`: [{`namespace`: `c`, `members`: {`f`: {`output`: {`value`: 1}}, `F`: {`output`: {`value`: 1}}}}]"),
		NULL, "defined more than once");
}

// --- Outputs ---

static void test_outputs(void **state _unused_) {
	_cleanup_template_ struct template *t = fixture_open(fixture_v1("`outputs`: {`none`: {`type`: `string`, `condition`: false, "
		"`value`: `[reference('x', '2020-01-01').gone]`}, `some`: {`type`: `int`, `condition`: `[bool('true')]`, `value`: 3}, `many`: "
		"{`type`: `array`, `copy`: {`count`: 3, `input`: `[copyIndex(5)]`}}, `o`: {`type`: `object`, `value`: {`copy`: [{`name`: `p`, "
		"`count`: 2, `input`: `[copyIndex('p')]`}]}}}"), NULL);
	_cleanup_json_ json_t *outputs = NULL;
	assert_int_equal(template_outputs(t, &outputs, NULL), 0);
	fixture_same(outputs, "{`some`: {`type`: `Int`, `value`: 3}, `many`: {`type`: `Array`, `value`: [5, 6, 7]}, `o`: {`type`: "
		"`Object`, `value`: {`p`: [0, 1]}}}");
	fixture_fails("", "int", "x", "Expected 'Integer'. Actual 'String'");
	fixture_fails("", "string", "[resourceGroup().nope]", "Unable to evaluate template outputs: 'o'");
	_cleanup_template_ struct template *odd = fixture_open(fixture_v1("`outputs`: {`x`: {`type`: `int`, `condition`: `yes`, `value`: 1}}"), NULL);
	json_t *none = NULL;
	struct err err = {0};
	assert_int_equal(template_outputs(odd, &none, &err), -EINVAL);
	assert_string_equal(err.code, "DeploymentOutputEvaluationFailed");
	assert_non_null(strstr(err.message, "The 'condition' must be a boolean"));
	refused(fixture_v1("`outputs`: {`x`: {`type`: `int`}}"), NULL, "either a 'value' or a 'copy'");
	refused(fixture_v1("`outputs`: {`x`: {`type`: `array`, `copy`: {`count`: 1}}}"), NULL, "'input'");
	refused(fixture_v1("`outputs`: {`x`: {`value`: 1}}"), NULL, "The type ''");
	refused(fixture_v1("`outputs`: {`x`: {`type`: `int`, `value`: `[parameters('none')]`}}"), NULL, "'none' is not found");
	refused(fixture_v1("`outputs`: []"), NULL, "must be an object");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document), cmocka_unit_test(test_document_refused), cmocka_unit_test(test_scope_of_schema),
		cmocka_unit_test(test_parameters), cmocka_unit_test(test_parameters_refused), cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_new_values), cmocka_unit_test(test_secure), cmocka_unit_test(test_types),
		cmocka_unit_test(test_types_shown), cmocka_unit_test(test_types_refused), cmocka_unit_test(test_variables),
		cmocka_unit_test(test_variables_refused), cmocka_unit_test(test_functions), cmocka_unit_test(test_outputs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
