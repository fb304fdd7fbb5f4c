// SPDX-License-Identifier: Apache-2.0
#include "base/strv.h"
#include "template/fixture.h"

#define INVALID "InvalidTemplate"
#define VAULT(name) "{`type`: `Microsoft.KeyVault/vaults`, `apiVersion`: `2023-07-01`, `name`: `" name "`}"
#define DISK_HEAD "`type`: `Microsoft.Compute/disks`, `apiVersion`: `2024-03-02`"

static void refused(const char *resources, const char *words) {
	_cleanup_free_ char *members = strv_printf("`resources`: [%s]", resources);
	fixture_refused(fixture_v1(members), NULL, INVALID, words);
}

static struct template *open_v1(const char *resources) {
	_cleanup_free_ char *members = strv_printf("`resources`: [%s]", resources);
	// cppcheck-suppress CastIntegerToAddressAtReturn ; to it a struct named `template` is an integer
	return fixture_open(fixture_v1(members), NULL);
}

static struct template *open_v2(const char *resources) {
	_cleanup_free_ char *members = strv_printf("`resources`: {%s}", resources);
	// cppcheck-suppress CastIntegerToAddressAtReturn ; to it a struct named `template` is an integer
	return fixture_open(fixture_v2(members), NULL);
}

static void refused_v2(const char *resources, const char *words) {
	_cleanup_free_ char *members = strv_printf("`resources`: {%s}", resources);
	fixture_refused(fixture_v2(members), NULL, INVALID, words);
}

// --- Names, ids, bodies ---

static void test_resource(void **state _unused_) {
	_cleanup_template_ struct template *t = fixture_open(fixture_v1("`parameters`: {`n`: {`type`: `string`, `defaultValue`: `kv1`}}, "
		"`variables`: {`api`: `2023-07-01`, `tags`: {`a`: `b`}}, `resources`: [{`type`: `Microsoft.KeyVault/vaults`, `apiVersion`: "
		"`[variables('api')]`, `name`: `[parameters('n')]`, `location`: `[resourceGroup().location]`, `tags`: `[variables('tags')]`, "
		"`comments`: `c`, `zones`: [`1`], `sku`: {`name`: `s`}, `kind`: `k`, `identity`: {`type`: `SystemAssigned`}, `condition`: "
		"true, `dependsOn`: [], `properties`: {`[concat('x', 'y')]`: `[[literal]`, `subnets`: {`copy`: [{`name`: `list`, `count`: 2, "
		"`input`: {`name`: `[concat('s', copyIndex('list'))]`}}]}}}]"), NULL);
	const struct template_resource *r = template_resource_at(t, 0);
	assert_int_equal(template_resource_count(t), 1);
	assert_string_equal(r->id, FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/kv1");
	assert_string_equal(r->type, "Microsoft.KeyVault/vaults");
	assert_string_equal(r->name, "kv1");
	assert_string_equal(r->api_version, "2023-07-01");
	assert_null(r->symbol);
	assert_null(r->condition);
	assert_false(r->nested || r->existing);
	_cleanup_json_ json_t *body = fixture_body(t, "kv1");
	fixture_same(body, "{`location`: `westeurope`, `tags`: {`a`: `b`}, `zones`: [`1`], `sku`: {`name`: `s`}, `kind`: `k`, `identity`: "
		"{`type`: `SystemAssigned`}, `properties`: {`xy`: `[literal]`, `subnets`: {`list`: [{`name`: `s0`}, {`name`: `s1`}]}}}");
	// The body is the caller's own: changing it changes no variable.
	json_object_clear(json_object_get(body, "tags"));
	_cleanup_json_ json_t *again = fixture_body(t, "kv1");
	fixture_same(json_object_get(again, "tags"), "{`a`: `b`}");
}

static void test_resource_refused(void **state _unused_) {
	refused("{`type`: `Microsoft.KeyVault/vaults`, `name`: `kv`}", "has no 'apiVersion'");
	refused("{`type`: `Microsoft.KeyVault/vaults`, `apiVersion`: `2023-07-01`}", "The 'name' of a resource must be a string");
	refused("{`name`: `kv`, `apiVersion`: `2023-07-01`}", "The 'type' of a resource must be a string");
	refused("{`type`: `Microsoft.KeyVault/vaults`, `apiVersion`: 3, `name`: `kv`}", "The 'apiVersion' must be a string");
	refused("{`type`: `Microsoft.KeyVault/vaults`, `apiVersion`: `2023-07-01&parent=x`, `name`: `kv`}", "The 'apiVersion' '2023-07-01&"
		"parent=x' is not one");
	refused("{`type`: `Microsoft.KeyVault/vaults`, `apiVersion`: ``, `name`: `kv`}", "is not one");
	refused(VAULT("a/b"), "The template resource 'a/b' for type 'Microsoft.KeyVault/vaults' at line '1' and column '1' has incorrect "
		"segment lengths");
	refused("{`type`: `vaults`, `apiVersion`: `2023-07-01`, `name`: `kv`}", "is not valid");
	refused(VAULT(""), "The name property cannot be null or empty");
	refused(VAULT(".."), "invalid name");
	refused(VAULT("a?x=y"), "invalid name");
	refused(VAULT("a%2fb"), "invalid name");
	refused(VAULT("a#b"), "invalid name");
	refused("{`type`: `Microsoft.KeyVault/../vaults`, `apiVersion`: `2023-07-01`, `name`: `a/b`}", "which is not valid");
	refused("3", "is not an object");
	refused("{" DISK_HEAD ", `name`: `a`, `condition`: `true`}", "The 'condition' must be a boolean");
	refused("{" DISK_HEAD ", `name`: `a`, `import`: `x`}", "'import', which is not supported");
	refused("{" DISK_HEAD ", `name`: `[reference('x', '2020-01-01').name]`}", "The template function 'reference' is not expected");
	refused("{" DISK_HEAD ", `name`: `a`, `properties`: {`x`: `[nonsense()]`}}", "The template function 'nonsense' is not valid");
	refused("{" DISK_HEAD ", `name`: `a`, `properties`: {`x`: `[parameters('p')]`}}", "The template parameter 'p' is not found");
	refused("{" DISK_HEAD ", `name`: `a`, `properties`: {`x`: `[concat('a']`}}", "The template resource 'a'");
	refused("{" DISK_HEAD ", `name`: `a`, `resourceGroup`: `other`}", "Only deployments and existing resources");
	refused("{`type`: `Microsoft.Resources/resourceGroups`, `apiVersion`: `2024-03-01`, `name`: `rg`}", "subscription scope only");
	refused(VAULT("kv") ", " VAULT("KV"), "The resource 'Microsoft.KeyVault/vaults/KV' at line '1' and column '1' is defined multiple "
		"times in a template");
}

static void test_body_refused(void **state _unused_) {
	_cleanup_template_ struct template *t = open_v1("{" DISK_HEAD ", `name`: `a`, `properties`: {`x`: `[resourceGroup().nope]`}}, "
		"{" DISK_HEAD ", `name`: `b`, `properties`: {`x`: `[reference(resourceId('Microsoft.X/y', 'missing'), '2020-01-01').z]`}}");
	json_t *body = NULL;
	struct err err = {0};
	assert_int_equal(template_resource_body(t, 0, &body, &err), -EINVAL);
	assert_null(body);
	assert_non_null(strstr(err.message, "Unable to process template language expressions for resource '" FIXTURE_GROUP
		"/providers/Microsoft.Compute/disks/a' at line '1' and column '1'. 'The language expression property 'nope' doesn't exist"));
	assert_int_equal(template_resource_body(t, 1, &body, &err), -ENOENT);
	assert_string_equal(err.code, "ResourceNotFound");
}

static void test_children(void **state _unused_) {
	_cleanup_template_ struct template *t = open_v1("{`type`: `Microsoft.KeyVault/vaults`, `apiVersion`: `2023-07-01`, `name`: `kv`, "
		"`properties`: {}, `resources`: [{`type`: `keys`, `apiVersion`: `2023-07-01`, `name`: `k`, `dependsOn`: [`kv`], `properties`: "
		"{`kty`: `RSA`}, `resources`: [{`type`: `versions`, `apiVersion`: `2023-07-01`, `name`: `v`}]}, {`type`: "
		"`providers/diagnosticSettings`, `apiVersion`: `2021-05-01-preview`, `name`: `Microsoft.Insights/log`}]}");
	assert_int_equal(template_resource_count(t), 4);
	const struct template_resource *key = template_resource_at(t, fixture_find(t, "kv/k"));
	assert_string_equal(key->type, "Microsoft.KeyVault/vaults/keys");
	assert_string_equal(key->id, FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/kv/keys/k");
	assert_string_equal(template_resource_at(t, fixture_find(t, "kv/k/v"))->id,
		FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/kv/keys/k/versions/v");
	assert_true(fixture_depends(t, "kv/k", "kv"));
	assert_false(fixture_depends(t, "kv/k/v", "kv/k"));  // as in Azure, only what says so
	const struct template_resource *log = template_resource_at(t, fixture_find(t, "log"));
	assert_string_equal(log->type, "Microsoft.Insights/diagnosticSettings");
	assert_string_equal(log->id,
		FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/kv/providers/Microsoft.Insights/diagnosticSettings/log");
	_cleanup_json_ json_t *body = fixture_body(t, "kv");
	fixture_same(body, "{`properties`: {}}");
	_cleanup_template_ struct template *whole = open_v1("{`type`: `Microsoft.KeyVault/vaults`, `apiVersion`: `1`, `name`: `kv`, `resources`: "
		"[{`type`: `Microsoft.KeyVault/vaults/keys`, `apiVersion`: `1`, `name`: `kv/a`}, {`type`: `microsoft.keyvault/vaults/keys`, "
		"`apiVersion`: `1`, `name`: `b`}]}");
	assert_string_equal(template_resource_at(whole, 1)->id, FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/kv/keys/a");
	assert_string_equal(template_resource_at(whole, 2)->name, "kv/b");
	refused("{`type`: `Microsoft.KeyVault/vaults`, `apiVersion`: `2023-07-01`, `name`: `kv`, `resources`: [{`type`: `keys`, "
		"`apiVersion`: `2023-07-01`, `name`: `k`, `copy`: {`name`: `c`, `count`: 2}}]}", "can have no 'copy'");
}

static void test_extensions(void **state _unused_) {
	_cleanup_template_ struct template *t = open_v1(VAULT("kv") ", {`type`: `Microsoft.Authorization/locks`, `apiVersion`: "
		"`2020-05-01`, `name`: `l1`, `scope`: `[format('Microsoft.KeyVault/vaults/{0}', 'kv')]`, `dependsOn`: "
		"[`Microsoft.KeyVault/vaults/kv`], `properties`: {`level`: `CanNotDelete`}}, {`type`: `Microsoft.Authorization/locks`, "
		"`apiVersion`: `2020-05-01`, `name`: `l2`, `scope`: `[resourceId('Microsoft.KeyVault/vaults', 'kv')]`}, {`type`: "
		"`Microsoft.KeyVault/vaults/providers/roleAssignments`, `apiVersion`: `2022-04-01`, `name`: "
		"`kv/Microsoft.Authorization/33333333-3333-3333-3333-333333333333`}, {`type`: `Microsoft.Authorization/locks`, `apiVersion`: "
		"`2020-05-01`, `name`: `l3`}");
	assert_string_equal(template_resource_at(t, fixture_find(t, "l1"))->id,
		FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/kv/providers/Microsoft.Authorization/locks/l1");
	assert_string_equal(template_resource_at(t, fixture_find(t, "l2"))->id,
		FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/kv/providers/Microsoft.Authorization/locks/l2");
	assert_string_equal(template_resource_at(t, fixture_find(t, "l3"))->id,
		FIXTURE_GROUP "/providers/Microsoft.Authorization/locks/l3");
	const struct template_resource *role = template_resource_at(t, 3);
	assert_string_equal(role->type, "Microsoft.Authorization/roleAssignments");
	assert_string_equal(role->name, "33333333-3333-3333-3333-333333333333");
	assert_true(fixture_depends(t, "l1", "kv"));
	refused("{`type`: `Microsoft.Authorization/locks`, `apiVersion`: `1`, `name`: `l`, `scope`: `kv`}", "neither the id");
	refused("{`type`: `Microsoft.Authorization/locks`, `apiVersion`: `1`, `name`: `l`, `scope`: `/a/../b`}", "not the id");
	refused("{`type`: `Microsoft.Authorization/locks`, `apiVersion`: `1`, `name`: `l`, `scope`: `Microsoft.X/y/z?a`}", "neither");
	refused("{`type`: `Microsoft.Authorization/locks`, `apiVersion`: `1`, `name`: `l`, `scope`: `Microsoft.X/y/z/w`}", "neither");
}

static void test_subscription(void **state _unused_) {
	json_t *document = fixture_v1("`resources`: [{`type`: `Microsoft.Resources/resourceGroups`, `apiVersion`: `2024-03-01`, `name`: "
		"`rg-new`, `location`: `westeurope`, `properties`: {}}, {`type`: `Microsoft.Resources/deployments`, `apiVersion`: "
		"`2022-09-01`, `name`: `m`, `resourceGroup`: `rg-new`, `dependsOn`: [`[subscriptionResourceId("
		"'Microsoft.Resources/resourceGroups', 'rg-new')]`], `properties`: {`expressionEvaluationOptions`: {`scope`: `inner`}, `mode`: "
		"`Incremental`, `template`: {`x`: `[parameters('inner')]`}}}, {`type`: `Microsoft.Authorization/roleAssignments`, "
		"`apiVersion`: `2022-04-01`, `name`: `33333333-3333-3333-3333-333333333333`}]");
	_cleanup_json_ json_t *document_schema = fixture_json("{`$schema`: "
		"`https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#`}");
	json_object_update(document, document_schema);
	_cleanup_template_ struct template *t = fixture_open_at(document, NULL, fixture_subscription());
	assert_string_equal(template_resource_at(t, 0)->id, FIXTURE_SUBSCRIPTION "/resourceGroups/rg-new");
	assert_string_equal(template_resource_at(t, 1)->id,
		FIXTURE_SUBSCRIPTION "/resourceGroups/rg-new/providers/Microsoft.Resources/deployments/m");
	assert_true(template_resource_at(t, 1)->nested);
	assert_string_equal(template_resource_at(t, 2)->id, FIXTURE_SUBSCRIPTION
		"/providers/Microsoft.Authorization/roleAssignments/33333333-3333-3333-3333-333333333333");
	assert_true(fixture_depends(t, "m", "rg-new"));
	_cleanup_json_ json_t *body = fixture_body(t, "m");
	fixture_same(json_at(body, "properties.template"), "{`x`: `[parameters('inner')]`}");
	json_t *ids = fixture_v1("`outputs`: {`a`: {`type`: `string`, `value`: `[resourceId('Microsoft.X/y', 'n')]`}, `b`: {`type`: `string`, "
		"`value`: `[resourceId('44444444-4444-4444-4444-444444444444', 'Microsoft.X/y', 'n')]`}, `c`: {`type`: `string`, `value`: "
		"`[resourceId('44444444-4444-4444-4444-444444444444', 'g', 'Microsoft.X/y', 'n')]`}}");
	json_object_set(ids, "$schema", json_object_get(document_schema, "$schema"));
	_cleanup_template_ struct template *with_ids = fixture_open_at(ids, NULL, fixture_subscription());
	_cleanup_json_ json_t *outputs = NULL;
	assert_int_equal(template_outputs(with_ids, &outputs, NULL), 0);
	assert_string_equal(json_str(outputs, "a.value"), FIXTURE_SUBSCRIPTION "/providers/Microsoft.X/y/n");
	assert_string_equal(json_str(outputs, "b.value"), "/subscriptions/44444444-4444-4444-4444-444444444444/providers/Microsoft.X/y/n");
	assert_string_equal(json_str(outputs, "c.value"),
		"/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/g/providers/Microsoft.X/y/n");
}

// --- Conditions, dependencies ---

static void test_conditions(void **state _unused_) {
	_cleanup_template_ struct template *t = open_v1("{" DISK_HEAD ", `name`: `off`, `condition`: `[equals(1, 2)]`, `dependsOn`: "
		"[`base`]}, {" DISK_HEAD ", `name`: `on`, `condition`: `[equals(1, 1)]`, `dependsOn`: [`off`, `base`, `BASE`]}, {" DISK_HEAD
		", `name`: `base`}");
	assert_non_null(template_resource_at(t, fixture_find(t, "off"))->condition);
	assert_null(template_resource_at(t, fixture_find(t, "on"))->condition);
	assert_false(fixture_depends(t, "on", "off"));
	assert_true(fixture_depends(t, "on", "base"));
	assert_int_equal(template_resource_at(t, fixture_find(t, "on"))->depend_count, 1);
}

static void test_depends(void **state _unused_) {
	_cleanup_template_ struct template *t = open_v1(VAULT("kv") ", {`type`: `Microsoft.KeyVault/vaults/keys`, `apiVersion`: "
		"`2023-07-01`, `name`: `kv/k`, `dependsOn`: [`[resourceId('Microsoft.KeyVault/vaults', 'kv')]`]}, {" DISK_HEAD ", `name`: "
		"`relative`, `dependsOn`: [`Microsoft.KeyVault/vaults/kv/keys/k`]}, {" DISK_HEAD ", `name`: `plain`, `dependsOn`: [`kv/k`]}, {"
		DISK_HEAD ", `name`: `asks`, `properties`: {`a`: [`[if(true(), reference('kv').vaultUri, '')]`], `b`: "
		"`[listKeys(resourceId('Microsoft.KeyVault/vaults/keys', 'kv', 'k'), '2023-07-01').value]`, `c`: "
		"`[reference(reference('relative').id, '2020-01-01').x]`, `d`: `[reference('/subscriptions/s/providers/Microsoft.X/y/z', "
		"'2020-01-01')]`}}, {" DISK_HEAD ", `name`: `rounds`, `properties`: {`copy`: [{`name`: `list`, `count`: 2, `input`: "
		"`[reference(createArray('kv', 'kv/k')[copyIndex('list')]).x]`}]}}");
	assert_true(fixture_depends(t, "kv/k", "kv"));
	assert_true(fixture_depends(t, "relative", "kv/k"));
	assert_true(fixture_depends(t, "plain", "kv/k"));
	assert_true(fixture_depends(t, "asks", "kv"));
	assert_true(fixture_depends(t, "asks", "kv/k"));
	assert_true(fixture_depends(t, "asks", "relative"));
	assert_int_equal(template_resource_at(t, fixture_find(t, "asks"))->depend_count, 3);
	assert_true(fixture_depends(t, "rounds", "kv") && fixture_depends(t, "rounds", "kv/k"));
}

static void test_depends_refused(void **state _unused_) {
	refused("{" DISK_HEAD ", `name`: `a`, `dependsOn`: [`none`]}", "The resource 'none' is not defined in the template. Please see "
		"https://aka.ms/arm-syntax for usage details.");
	refused("{" DISK_HEAD ", `name`: `a`, `dependsOn`: [3]}", "an array of strings");
	refused("{" DISK_HEAD ", `name`: `a`, `dependsOn`: `a`}", "must be an array");
	refused("{" DISK_HEAD ", `name`: `a`, `dependsOn`: [`a`]}", "Circular dependency detected on resource: '" FIXTURE_GROUP
		"/providers/Microsoft.Compute/disks/a'. Please see https://aka.ms/arm-syntax-resources for usage details.");
	refused("{" DISK_HEAD ", `name`: `a`, `dependsOn`: [`b`]}, {" DISK_HEAD ", `name`: `b`, `dependsOn`: [`c`]}, {" DISK_HEAD
		", `name`: `c`, `properties`: {`x`: `[reference('a').y]`}}", "Circular dependency detected on resource");
	refused("{" DISK_HEAD ", `name`: `a`, `properties`: {`x`: `[reference('a').y]`}}", "Circular dependency detected on resource");
	refused(VAULT("same") ", {" DISK_HEAD ", `name`: `same`}, {" DISK_HEAD ", `name`: `x`, `dependsOn`: [`same`]}",
		"the name of more than one resource");
	refused("{" DISK_HEAD ", `name`: `a`, `dependsOn`: [`[reference('b').id]`]}, {" DISK_HEAD ", `name`: `b`}",
		"The template function 'reference' is not expected");
}

// --- Loops ---

static void test_loops(void **state _unused_) {
	_cleanup_template_ struct template *t = open_v1("{" DISK_HEAD ", `name`: `[concat('d', copyIndex())]`, `copy`: {`name`: `disks`, "
		"`count`: 3}, `condition`: `[not(equals(copyIndex('disks'), 1))]`, `properties`: {`n`: `[copyIndex(10)]`, `m`: "
		"`[copyIndex('disks', 20)]`, `copy`: [{`name`: `in`, `count`: 2, `input`: `[add(mul(copyIndex(), 10), copyIndex('in'))]`}]}, "
		"`resources`: [{`type`: `parts`, `apiVersion`: `1`, `name`: `[concat('p', copyIndex())]`, `dependsOn`: [`[concat('d', "
		"copyIndex())]`]}]}, {" DISK_HEAD ", `name`: `none`, `copy`: {`name`: `empty`, `count`: 0}}, {" DISK_HEAD ", `name`: `after`, "
		"`dependsOn`: [`disks`, `empty`]}");
	assert_int_equal(template_resource_count(t), 7);
	assert_string_equal(template_resource_at(t, 3)->name, "d0/p0");  // parents first
	assert_true(fixture_depends(t, "after", "d0") && fixture_depends(t, "after", "d2"));
	assert_false(fixture_depends(t, "after", "d1"));
	assert_non_null(template_resource_at(t, 1)->condition);
	assert_true(fixture_depends(t, "d2/p2", "d2"));
	assert_int_equal(template_resource_at(t, 0)->batch, 0);
	_cleanup_json_ json_t *body = fixture_body(t, "d2");
	fixture_same(body, "{`properties`: {`n`: 12, `m`: 22, `in`: [20, 21]}}");
}

static void test_serial_loops(void **state _unused_) {
	_cleanup_template_ struct template *t = open_v1("{" DISK_HEAD ", `name`: `[concat('d', copyIndex())]`, `copy`: {`name`: `disks`, "
		"`count`: 5, `mode`: `Serial`, `batchSize`: 2}}, {" DISK_HEAD ", `name`: `[concat('e', copyIndex())]`, `copy`: {`name`: `es`, "
		"`count`: 2, `mode`: `serial`}}");
	assert_int_equal(template_resource_at(t, fixture_find(t, "d1"))->depend_count, 0);
	assert_true(fixture_depends(t, "d2", "d0") && fixture_depends(t, "d2", "d1"));
	assert_int_equal(template_resource_at(t, fixture_find(t, "d4"))->depend_count, 2);
	assert_true(fixture_depends(t, "d4", "d2") && fixture_depends(t, "d4", "d3"));
	assert_true(fixture_depends(t, "e1", "e0"));
	assert_int_equal(template_resource_at(t, fixture_find(t, "d4"))->batch, 2);
	assert_int_equal(template_resource_at(t, fixture_find(t, "e1"))->batch, 1);
}

static void test_loops_refused(void **state _unused_) {
	refused("{" DISK_HEAD ", `name`: `d`, `copy`: {`name`: `c`, `count`: 801}}", "cannot exceed '800'");
	refused("{" DISK_HEAD ", `name`: `d`, `copy`: {`name`: `c`, `count`: -1}}", "invalid copy count");
	refused("{" DISK_HEAD ", `name`: `d`, `copy`: {`name`: `c`, `count`: `three`}}", "invalid copy count");
	refused("{" DISK_HEAD ", `name`: `d`, `copy`: {`name`: `c`}}", "has no 'count'");
	refused("{" DISK_HEAD ", `name`: `d`, `copy`: {`count`: 2}}", "a 'name' and a 'count'");
	refused("{" DISK_HEAD ", `name`: `d`, `copy`: {`name`: `c`, `count`: 2}}", "is defined multiple times");
	refused("{" DISK_HEAD ", `name`: `d`, `copy`: {`name`: `c`, `count`: 1, `mode`: `random`}}", "'serial' or 'parallel'");
	refused("{" DISK_HEAD ", `name`: `d`, `copy`: {`name`: `c`, `count`: 1, `mode`: `serial`, `batchSize`: 0}}", "positive");
	refused("{" DISK_HEAD ", `name`: `d`, `copy`: {`name`: `c`, `count`: 1}}, {" DISK_HEAD ", `name`: `e`, `copy`: {`name`: `C`, "
		"`count`: 1}}", "used by more than one resource");
	refused("{" DISK_HEAD ", `name`: `[concat('d', copyIndex())]`}", "The template function 'copyIndex' is not expected at this location");
}

// --- Symbolic names ---

#define VMS "`vms`: {`copy`: {`name`: `vms`, `count`: 3}, `type`: `Microsoft.Compute/virtualMachines`, `apiVersion`: `2024-03-01`, " \
	"`name`: `[format('vm{0}', copyIndex())]`, `condition`: `[less(copyIndex(), 2)]`}"

static void test_symbols(void **state _unused_) {
	_cleanup_template_ struct template *t = open_v2("`kv`: {`existing`: true, `type`: `Microsoft.KeyVault/vaults`, `apiVersion`: "
		"`2023-07-01`, `subscriptionId`: `44444444-4444-4444-4444-444444444444`, `resourceGroup`: `other`, `name`: `kv1`}, `key`: "
		"{`existing`: true, `type`: `Microsoft.KeyVault/vaults/keys`, `apiVersion`: `2023-07-01`, `name`: `kv1/k`, `dependsOn`: "
		"[`kv`]}, " VMS ", `disk`: {" DISK_HEAD ", `name`: `d`, `properties`: {`u`: `[reference('kv').id]`, `all`: "
		"`[map(references('vms', 'full'), lambda('r', lambdaVariables('r').location))]`, `one`: `[reference('vms[1]', '2024-03-01', "
		"'full').id]`, `info`: `[resourceInfo('vms[0]')]`, `keys`: `[listKeys('vms[0]', '2024-03-01', createObject('a', 1)).body]`}, "
		"`dependsOn`: [`key`]}, `byLoop`: {" DISK_HEAD ", `name`: `l`, `dependsOn`: [`vms`, `[format('vms[{0}]', 1)]`]}, `lock`: "
		"{`type`: `Microsoft.Authorization/locks`, `apiVersion`: `2020-05-01`, `name`: `[resourceInfo('disk').name]`, `scope`: "
		"`[resourceInfo('disk').id]`, `dependsOn`: [`disk`]}");
	const struct template_resource *kv = template_resource_at(t, fixture_find(t, "kv"));
	assert_true(kv->existing);
	assert_string_equal(kv->id,
		"/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/other/providers/Microsoft.KeyVault/vaults/kv1");
	assert_string_equal(template_resource_at(t, fixture_find(t, "vms[2]"))->name, "vm2");
	assert_string_equal(template_resource_at(t, fixture_find(t, "lock"))->id,
		FIXTURE_GROUP "/providers/Microsoft.Compute/disks/d/providers/Microsoft.Authorization/locks/d");
	assert_true(fixture_depends(t, "disk", "kv") && fixture_depends(t, "disk", "key"));
	assert_true(fixture_depends(t, "disk", "vms[0]") && fixture_depends(t, "disk", "vms[1]"));
	assert_false(fixture_depends(t, "disk", "vms[2]"));
	assert_true(fixture_depends(t, "byLoop", "vms[0]") && fixture_depends(t, "byLoop", "vms[1]"));
	_cleanup_json_ json_t *body = fixture_body(t, "disk");
	fixture_same(json_at(body, "properties.all"), "[`westeurope`, `westeurope`]");
	fixture_same(json_at(body, "properties.one"), "`" FIXTURE_GROUP "/providers/Microsoft.Compute/virtualMachines/vm1`");
	fixture_same(json_at(body, "properties.info"), "{`id`: `" FIXTURE_GROUP "/providers/Microsoft.Compute/virtualMachines/vm0`, `name`: "
		"`vm0`, `type`: `Microsoft.Compute/virtualMachines`, `apiVersion`: `2024-03-01`}");
	fixture_same(json_at(body, "properties.keys"), "{`a`: 1}");
}

static void test_symbols_refused(void **state _unused_) {
	refused_v2("`a`: {" DISK_HEAD ", `name`: `a`, `dependsOn`: [`none`]}", "The resource 'none' is not defined in the template");
	refused_v2("`a`: {" DISK_HEAD ", `name`: `a`}, `A`: {" DISK_HEAD ", `name`: `b`}", "The symbolic name 'A'");
	refused_v2("`a`: {" DISK_HEAD ", `name`: `[resourceInfo('b').name]`}, `b`: {" DISK_HEAD ", `name`: `[resourceInfo('a').name]`}",
		"Circular dependency");
	refused_v2("`a`: {" DISK_HEAD ", `name`: `[resourceInfo('none').name]`}", "symbolic name of a resource");
	refused_v2("`a`: {" DISK_HEAD ", `name`: `a`, `@options`: {`onlyIfNotExists`: true}}", "'@options', which is not supported");
	refused_v2("`a`: {" DISK_HEAD ", `name`: `a`, `resources`: []}", "must be objects throughout");
	refused_v2("`a`: {" DISK_HEAD ", `name`: `a`, `dependsOn`: [`b`]}, `b`: {" DISK_HEAD ", `name`: `b`, `properties`: {`x`: "
		"`[references('c')]`}}, `c`: {" DISK_HEAD ", `name`: `[format('c{0}', copyIndex())]`, `copy`: {`name`: `c`, `count`: 2}, "
		"`properties`: {`x`: `[reference('a').y]`}}", "Circular dependency");
}

// --- Nested deployments ---

static void test_nested_outer(void **state _unused_) {
	_cleanup_template_ struct template *t = fixture_open(fixture_v1("`parameters`: {`evil`: {`type`: `string`, `defaultValue`: "
		"`[concat('[', 'deployment().name]')]`}}, `variables`: {`v`: `outer`, `o`: {`a`: [`[parameters('evil')]`], `b`: 1}}, "
		"`resources`: [" VAULT("kv") ", {`type`: `Microsoft.Resources/deployments`, `apiVersion`: `2021-04-01`, `name`: `n`, "
		"`properties`: {`mode`: `Incremental`, `parameters`: {`p`: {`value`: `[variables('v')]`}}, `template`: {`$schema`: `s`, "
		"`contentVersion`: `1.0.0.0`, `parameters`: {`p`: {`type`: `string`}}, `variables`: {`v`: `inner`}, `resources`: [{`type`: "
		"`Microsoft.Compute/disks`, `apiVersion`: `1`, `name`: `[concat('d', copyIndex())]`, `copy`: {`name`: `loop`, `count`: 2}, "
		"`properties`: {`v`: `[variables('v')]`, `e`: `[parameters('evil')]`, `o`: `[variables('o')]`}}, {`type`: "
		"`Microsoft.Compute/disks`, `apiVersion`: `1`, `name`: `after`, `dependsOn`: [`Loop`, `other`], `properties`: {`u`: "
		"`[reference('kv').id]`}}, {`type`: `Microsoft.Resources/deployments`, `apiVersion`: `1`, `name`: `nn`, `properties`: "
		"{`expressionEvaluationOptions`: {`scope`: `Inner`}, `mode`: `[variables('v')]`, `template`: {`x`: "
		"`[parameters('innermost')]`}}}], `outputs`: {`o`: {`type`: `string`, `value`: `[variables('v')]`}}}}}]"), NULL);
	assert_true(fixture_depends(t, "n", "kv"));
	_cleanup_json_ json_t *body = fixture_body(t, "n");
	fixture_same(json_at(body, "properties.parameters"), "{`p`: {`value`: `outer`}}");
	const json_t *inner = json_at(body, "properties.template"), *resources = json_object_get(inner, "resources");
	fixture_same(json_at(inner, "outputs.o.value"), "`outer`");
	fixture_same(json_at(inner, "$schema"), "`s`");
	assert_int_equal(json_array_size(resources), 4);
	fixture_same(json_array_get(resources, 1), "{`type`: `Microsoft.Compute/disks`, `apiVersion`: `1`, `name`: `d1`, `properties`: "
		"{`v`: `outer`, `e`: `[[deployment().name]`, `o`: {`a`: [`[[deployment().name]`], `b`: 1}}}");
	fixture_same(json_object_get(json_array_get(resources, 2), "dependsOn"),
		"[`Microsoft.Compute/disks/d0`, `Microsoft.Compute/disks/d1`, `other`]");
	fixture_same(json_object_get(json_array_get(resources, 3), "properties"), "{`expressionEvaluationOptions`: {`scope`: `Inner`}, "
		"`mode`: `outer`, `template`: {`x`: `[parameters('innermost')]`}}");
}

static void test_nested_scopes(void **state _unused_) {
#define NESTED "`type`: `Microsoft.Resources/deployments`, `apiVersion`: `2022-09-01`, `properties`: {`mode`: `Incremental`}"
	_cleanup_template_ struct template *t = open_v1("{" NESTED ", `name`: `own`}, {" NESTED ", `name`: `group`, `resourceGroup`: "
		"`other`}, {" NESTED ", `name`: `both`, `resourceGroup`: `other`, `subscriptionId`: `44444444-4444-4444-4444-444444444444`}, {"
		NESTED ", `name`: `sub`, `subscriptionId`: `[subscription().subscriptionId]`}, {" NESTED ", `name`: `scope`, `scope`: "
		"`/subscriptions/44444444-4444-4444-4444-444444444444`}, {" NESTED ", `name`: `empty`, `resourceGroup`: ``}");
	static const char *const scopes[] = {FIXTURE_GROUP, FIXTURE_SUBSCRIPTION "/resourceGroups/other",
		"/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/other", FIXTURE_SUBSCRIPTION,
		"/subscriptions/44444444-4444-4444-4444-444444444444", FIXTURE_GROUP};
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		assert_int_equal(strncmp(template_resource_at(t, i)->id + strlen(scopes[i]), "/providers/Microsoft.Resources/deployments/", 43), 0);
	refused("{" NESTED ", `name`: `m`, `scope`: `Microsoft.Management/managementGroups/mg`}", "is not supported here");
	refused("{" DISK_HEAD ", `name`: `d`, `scope`: `Microsoft.Management/managementGroups/mg`}", "a management group");
	refused("{" NESTED ", `name`: `m`, `scope`: `/`}", "is not supported here");
	refused("{" NESTED ", `name`: `m`, `resourceGroup`: `a/../b`}", "is not a name");
	_cleanup_template_ struct template *newer = open_v2("`m`: {`type`: `Microsoft.Resources/deployments`, `apiVersion`: `2022-09-01`, "
		"`name`: `m`, `properties`: {`mode`: `Incremental`, `template`: {`x`: `[parameters('inner')]`}}}, `o`: {`type`: "
		"`Microsoft.Resources/deployments`, `apiVersion`: `2022-09-01`, `name`: `o`, `properties`: {`expressionEvaluationOptions`: "
		"{`scope`: `outer`}, `template`: {`resources`: []}}}");
	_cleanup_json_ json_t *body = fixture_body(newer, "m");
	fixture_same(json_at(body, "properties.template"), "{`x`: `[parameters('inner')]`}");
	_cleanup_template_ struct template *odd = open_v1("{`type`: `Microsoft.Resources/deployments`, `apiVersion`: `1`, `name`: `m`, "
		"`properties`: {`template`: {`resources`: {}}}}");
	json_t *none = NULL;
	struct err err = {0};
	assert_int_equal(template_resource_body(odd, 0, &none, &err), -EINVAL);
	assert_non_null(strstr(err.message, "must have an array of resources"));
	assert_int_equal(template_resource_body(newer, fixture_find(newer, "o"), &none, &err), -EINVAL);
	assert_non_null(strstr(err.message, "must have the scope 'inner'"));
}

// --- Functions of the place ---

static void test_ids(void **state _unused_) {
	static const struct {
		const char *expression, *id;
	} cases[] = {
		{"[resourceId('Microsoft.X/y', 'n')]", FIXTURE_GROUP "/providers/Microsoft.X/y/n"},
		{"[resourceId('Microsoft.X/y/z', 'n', 'm')]", FIXTURE_GROUP "/providers/Microsoft.X/y/n/z/m"},
		{"[resourceId('Microsoft.X/y/', 'n')]", FIXTURE_GROUP "/providers/Microsoft.X/y/n"},
		{"[resourceId('other', 'Microsoft.X/y', 'n')]", FIXTURE_SUBSCRIPTION "/resourceGroups/other/providers/Microsoft.X/y/n"},
		{"[resourceId('s', 'other', 'Microsoft.X/y', 'n')]", "/subscriptions/s/resourceGroups/other/providers/Microsoft.X/y/n"},
		{"[subscriptionResourceId('Microsoft.X/y', 'n')]", FIXTURE_SUBSCRIPTION "/providers/Microsoft.X/y/n"},
		{"[subscriptionResourceId('s', 'Microsoft.X/y', 'n')]", "/subscriptions/s/providers/Microsoft.X/y/n"},
		{"[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'g')]", FIXTURE_SUBSCRIPTION "/resourceGroups/g"},
		{"[tenantResourceId('Microsoft.X/y', 'n')]", "/providers/Microsoft.X/y/n"},
		{"[extensionResourceId(resourceGroup().id, 'Microsoft.X/y', 'n')]", FIXTURE_GROUP "/providers/Microsoft.X/y/n"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *id = fixture_evaluate("", "string", cases[i].expression);
		assert_string_equal(json_string_value(id), cases[i].id);
	}
	fixture_fails("", "string", "[resourceId('Microsoft.X/y/z', 'n')]", "Unable to evaluate template language function 'resourceId': the "
		"type 'Microsoft.X/y/z' requires '2' resource name argument(s). Please see "
		"https://aka.ms/arm-functions-resource#resourceid for usage details.");
	fixture_fails("", "string", "[resourceId('Microsoft.X/y')]", "their number is wrong");
	fixture_fails("", "string", "[subscriptionResourceId('a', 'b', 'Microsoft.X/y', 'n')]", "the arguments are not valid");
	fixture_fails("", "string", "[extensionResourceId('/a', 'b', 'Microsoft.X/y', 'n')]", "the arguments are not valid");
	fixture_gives("", "string", "[tenantResourceId('Microsoft.Resources/subscriptions', 's')]", "`/subscriptions/s`");
	fixture_fails("", "string", "[resourceId('a', 'b')]", "the arguments are not valid");
	fixture_fails("", "string", "[resourceId('a', 'b', 'c', 'Microsoft.X/y', 'n')]", "the arguments are not valid");
	fixture_fails("", "string", "[resourceId('Microsoft.X/y', 3)]", "the arguments are not valid");
	fixture_fails("", "string", "[tenantResourceId('s', 'Microsoft.X/y', 'n')]", "the arguments are not valid");
	fixture_fails("", "string", "[managementGroupResourceId('Microsoft.X/y', 'n')]", "is not expected at this location");
}

static void test_place(void **state _unused_) {
	fixture_gives("", "string", "[resourceGroup().tags.env]", "`test`");
	fixture_gives("", "string", "[subscription().displayName]", "`one`");
	fixture_gives("", "string", "[tenant().tenantId]", "`22222222-2222-2222-2222-222222222222`");
	fixture_gives("", "string", "[deployment().name]", "`dep1`");
	fixture_gives("", "string", "[deployer().objectId]", "`o`");
	fixture_gives("", "string", "[environment().suffixes.keyvaultDns]", "`.vault.azure.net`");
	fixture_gives("", "string", "[providers('Microsoft.Compute', 'virtualMachines').apiVersions[0]]", "`2024-03-01`");
	fixture_gives("", "array", "[pickZones('Microsoft.Compute', 'virtualMachines', 'westeurope', 2, 1)]", "[`2`, `3`]");
	fixture_gives("", "array", "[pickZones('Microsoft.Compute', 'virtualMachines', 'northeurope')]", "[]");
	fixture_gives("", "string", "[toLogicalZone('s', 'West Europe', 'westeurope-az3')]", "`3`");
	fixture_gives("", "array", "[toLogicalZones('s', 'westeurope', createArray('westeurope-az1'))]", "[`1`]");
	fixture_gives("", "string", "[toPhysicalZone('s', 'westeurope', '2')]", "`westeurope-az2`");
	fixture_fails("", "object", "[providers('Microsoft.Compute', 'nothing')]", "'nothing' is not one of the provider");
	fixture_fails("", "object", "[providers('Microsoft.Nothing')]", "There is no Microsoft.Nothing");
	fixture_fails("", "array", "[pickZones('Microsoft.Compute', 'virtualMachines', 'westeurope', 4)]", "1 to 3 zones");
	fixture_fails("", "string", "[toPhysicalZone('s', 'westeurope', '4')]", "a zone of it");
	fixture_fails("", "string", "[toPhysicalZone(1, 'westeurope', '4')]", "a location and zones");
	fixture_fails("", "object", "[managementGroup()]", "is not expected at this location");
	fixture_fails("", "string", "[pickZones('Microsoft.Compute', 'virtualMachines', 'westeurope', 3, 1)]", "fewer zones");
	fixture_fails("", "string", "[pickZones('Microsoft.Compute', 'nothing', 'westeurope')]", "'nothing' is not one of the provider");
	fixture_fails("", "string", "[toLogicalZone('s', 'westeurope', 'northeurope-az3')]", "a physical zone of it");
	fixture_fails("", "object", "[providers('Microsoft.Compute/../x')]", "the namespace of a provider");
	fixture_fails("", "string", "[parameters()]", "their number is wrong");
	fixture_fails("", "string", "[parameters(3)]", "the name of a parameter is expected");
	json_t *document = fixture_v1("`resources`: [], `outputs`: {`o`: {`type`: `object`, `value`: `[resourceGroup()]`}}");
	json_object_set_new(document, "$schema",
		json_string("https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"));
	_cleanup_template_ struct template *t = fixture_open_at(document, NULL, fixture_subscription());
	json_t *none = NULL;
	struct err err = {0};
	assert_int_equal(template_outputs(t, &none, &err), -EINVAL);
	assert_non_null(strstr(err.message, "The template function 'resourceGroup' is not expected at this location"));
}

static void test_reference(void **state _unused_) {
	const char *members = "`resources`: [" VAULT("kv") ", {`type`: `Microsoft.KeyVault/vaults/keys`, `apiVersion`: `2024-11-01`, `name`: "
		"`kv/k`}]";
	fixture_gives(members, "string", "[reference('kv').apiVersion]", "`2023-07-01`");
	fixture_gives(members, "string", "[reference('KV', '2024-11-01').apiVersion]", "`2024-11-01`");
	fixture_gives(members, "string", "[reference('kv/k').id]", "`" FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/kv/keys/k`");
	fixture_gives(members, "string", "[reference('Microsoft.KeyVault/vaults/kv', '2023-07-01', 'Full').location]", "`westeurope`");
	fixture_gives(members, "string", "[reference(resourceId('Microsoft.Resources/deployments', 'm'), '2022-09-01').outputs.it.value]",
		"`" FIXTURE_GROUP "/providers/Microsoft.Resources/deployments/m`");
	fixture_gives(members, "string", "[listSecrets('kv', '2023-07-01').function]", "`listSecrets`");
	fixture_fails(members, "object", "[reference('nope')]", "The template reference 'nope' is not valid: could not find template "
		"resource or resource copy with this name.");
	fixture_fails(members, "object", "[reference(resourceId('Microsoft.X/y', 'z'))]", "requires the argument 'apiVersion'");
	fixture_fails(members, "object", "[reference('/subscriptions/s/providers/Microsoft.X/y/../z', '2020-01-01')]", "not the id");
	fixture_fails(members, "object", "[reference('/subscriptions/s/providers/Microsoft.X/y/z?a=b', '2020-01-01')]", "not the id");
	fixture_fails(members, "object", "[reference('kv', '2020-01-01&x=y')]", "the API version is not one");
	fixture_fails(members, "object", "[reference('kv', '2020-01-01', 'Half')]", "'Full' or 'Properties'");
	fixture_fails(members, "object", "[references('kv')]", "a resource with a copy loop");
	fixture_fails("`resources`: [" VAULT("same") ", {" DISK_HEAD ", `name`: `same`}]", "object", "[reference('same')]",
		"more than one resource of the template has this name");
	fixture_fails(members, "object", "[listKeys('kv', '2020-01-01', 3)]", "and an object are expected");
	fixture_fails(members, "object", "[listKeys(3, '2020-01-01')]", "the name or id of a resource");
	fixture_fails(members, "object", "[reference(resourceId('Microsoft.X/y', 'missing'), '2020-01-01')]", "There is no");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resource), cmocka_unit_test(test_resource_refused), cmocka_unit_test(test_body_refused),
		cmocka_unit_test(test_children), cmocka_unit_test(test_extensions), cmocka_unit_test(test_subscription),
		cmocka_unit_test(test_conditions), cmocka_unit_test(test_depends), cmocka_unit_test(test_depends_refused),
		cmocka_unit_test(test_loops), cmocka_unit_test(test_serial_loops), cmocka_unit_test(test_loops_refused),
		cmocka_unit_test(test_symbols), cmocka_unit_test(test_symbols_refused), cmocka_unit_test(test_nested_outer),
		cmocka_unit_test(test_nested_scopes), cmocka_unit_test(test_ids), cmocka_unit_test(test_place),
		cmocka_unit_test(test_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
