// SPDX-License-Identifier: Apache-2.0
// Whole templates in the form that Bicep compiles to, and one in the form that people wrote before.
#include "base/strv.h"
#include "template/fixture.h"

static struct template *open_file(const char *name, const struct template_place *place) {
	_cleanup_json_ json_t *document = fixture_file(name);
	const json_t *given = json_at(document, "metadata.given");
	struct template *t = NULL;
	struct err err = {0};
	if (template_open(document, given, place, &t, &err) < 0)
		fail_msg("%s: %s: %s", name, err.code, err.message);
	// cppcheck-suppress CastIntegerToAddressAtReturn ; to it a struct named `template` is an integer
	return t;
}

static json_t *outputs_of(struct template *t) {
	json_t *outputs = NULL;
	struct err err = {0};
	if (template_outputs(t, &outputs, &err) < 0)
		fail_msg("%s: %s", err.code, err.message);
	return outputs;
}

static void all_bodies(struct template *t) {
	for (size_t i = 0; i < template_resource_count(t); i++) {
		_cleanup_json_ json_t *body = NULL;
		struct err err = {0};
		if (template_resource_body(t, i, &body, &err) < 0)
			fail_msg("%s: %s", err.code, err.message);
	}
}

static void id_is(const struct template *t, const char *symbol, const char *id) {
	assert_string_equal(template_resource_at(t, fixture_find(t, symbol))->id, id);
}

static size_t depend_count(const struct template *t, const char *symbol) {
	return template_resource_at(t, fixture_find(t, symbol))->depend_count;
}

static void test_vault(void **state _unused_) {
	_cleanup_template_ struct template *t = open_file("bicep-vault.json", fixture_group());
	_cleanup_json_ json_t *outputs = outputs_of(t), *vault = fixture_body(t, "vault"), *role = fixture_body(t, "roles[2]");
	_cleanup_json_ json_t *set = fixture_body(t, "set");
	const char *name = json_str(template_parameters(t), "name.value");
	_cleanup_free_ char *vault_id = strv_printf(FIXTURE_GROUP "/providers/Microsoft.KeyVault/vaults/%s", name);
	_cleanup_free_ char *key_id = strv_printf("%s/keys/cmk", vault_id);
	assert_int_equal(template_resource_count(t), 10);
	all_bodies(t);
	id_is(t, "vault", vault_id);
	id_is(t, "key", key_id);
	id_is(t, "identity",
		FIXTURE_SUBSCRIPTION "/resourceGroups/rg-identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-des");
	assert_true(template_resource_at(t, fixture_find(t, "identity"))->existing);
	assert_int_equal(strncmp(template_resource_at(t, fixture_find(t, "roles[0]"))->id, vault_id, strlen(vault_id)), 0);
	assert_string_equal(template_resource_at(t, fixture_find(t, "roles[0]"))->type, "Microsoft.Authorization/roleAssignments");
	assert_non_null(template_resource_at(t, fixture_find(t, "diagnostics"))->condition);
	// What is left out is not waited for: neither audit nor, since it is left out itself, by anyone the lock.
	assert_int_equal(depend_count(t, "vaultLock"), 5);
	assert_false(fixture_depends(t, "vaultLock", "diagnostics"));
	assert_true(fixture_depends(t, "set", "key") && fixture_depends(t, "set", "desRole") && fixture_depends(t, "set", "identity"));
	fixture_same(json_at(vault, "properties.networkAcls.ipRules"), "[{`value`: `203.0.113.0`}, {`value`: `203.0.113.1`}]");
	fixture_same(json_at(vault, "tags"), "{`hidden-a`: `b`}");
	assert_string_equal(json_str(role, "properties.principalId"), "66666666-6666-6666-6666-666666666666");
	assert_non_null(json_object_get(json_at(set, "identity.userAssignedIdentities"),
		FIXTURE_SUBSCRIPTION "/resourceGroups/rg-identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-des"));
	assert_string_equal(json_str(outputs, "keyUrl.value"), key_id);
	assert_true(json_is_null(json_at(outputs, "principal.value")));
	assert_int_equal(json_array_size(json_at(outputs, "roleIds.value")), 3);
	assert_string_equal(json_string_value(json_array_get(json_at(outputs, "roleIds.value"), 2)),
		template_resource_at(t, fixture_find(t, "roles[2]"))->id);
}

static void test_hosts(void **state _unused_) {
	_cleanup_template_ struct template *t = open_file("bicep-hosts.json", fixture_group());
	_cleanup_json_ json_t *outputs = outputs_of(t), *vm = fixture_body(t, "vms[1]"), *pool = fixture_body(t, "pool");
	_cleanup_free_ char *shown = json_text(template_shown_parameters(t));
	assert_int_equal(template_resource_count(t), 2 + 3 + 6 + 3 + 3 + 2);
	all_bodies(t);
	assert_null(strstr(shown, json_str(template_parameters(t), "adminPassword.value")));
	fixture_same(json_at(template_shown_parameters(t), "domain.value"), "{`name`: `contoso.com`}");
	assert_true(fixture_depends(t, "nics[0]", "network::hosts") && fixture_depends(t, "network::hosts", "network"));
	assert_true(fixture_depends(t, "disks[5]", "disks[2]") && fixture_depends(t, "disks[5]", "disks[3]"));
	assert_false(fixture_depends(t, "disks[5]", "disks[4]"));
	assert_true(fixture_depends(t, "vms[1]", "vms[0]") && fixture_depends(t, "vms[1]", "nics[1]"));
	assert_int_equal(depend_count(t, "vms[1]"), 6 + 1 + 1);
	assert_true(fixture_depends(t, "extensions[2]", "vms[2]"));
	assert_int_equal(depend_count(t, "extensions[2]"), 1);
	assert_true(fixture_depends(t, "pool", "vms[2]") && fixture_depends(t, "pool", "pool2"));
	fixture_same(json_at(vm, "zones"), "[`2`]");
	fixture_same(json_at(vm, "properties.networkProfile"), "{`networkInterfaces`: [{`id`: `" FIXTURE_GROUP
		"/providers/Microsoft.Network/networkInterfaces/sh-nic-01`}]}");
	fixture_same(json_array_get(json_at(vm, "properties.storageProfile.dataDisks"), 1), "{`lun`: 1, `createOption`: `Attach`, "
		"`managedDisk`: {`id`: `" FIXTURE_GROUP "/providers/Microsoft.Compute/disks/sh-disk-1-1`}}");
	assert_int_equal(json_array_size(json_at(pool, "properties.hosts")), 3);
	assert_string_equal(json_str(pool, "properties.token"),
		FIXTURE_GROUP "/providers/Microsoft.DesktopVirtualization/hostPools/pool-existing");
	fixture_same(json_object_get(outputs, "names"), "{`type`: `Array`, `value`: [`sh-0`, `sh-1`, `sh-2`]}");
	fixture_same(json_object_get(outputs, "password"), "{`type`: `SecureString`}");
}

static void test_modules(void **state _unused_) {
	_cleanup_template_ struct template *t = open_file("bicep-modules.json", fixture_group());
	_cleanup_json_ json_t *outputs = outputs_of(t), *hosts = NULL;
	const struct template_resource *vault = template_resource_at(t, 0), *second = template_resource_at(t, 3);
	assert_int_equal(template_resource_count(t), 4);
	assert_true(vault->nested && second->nested);
	id_is(t, "hosts", "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-hosts/providers/"
		"Microsoft.Resources/deployments/hosts");
	assert_true(fixture_depends(t, "hosts", vault->name));
	assert_true(fixture_depends(t, "region-northeurope", "hosts"));
	assert_true(fixture_depends(t, "region-northeurope", "region-westeurope"));
	assert_int_equal(template_resource_body(t, 1, &hosts, NULL), -EINVAL);  // the fixture's deployments have no such output
	assert_string_equal(json_str(outputs, "uri.value"), vault->id);
	assert_string_equal(json_str(outputs, "hosts.value"), template_resource_at(t, 1)->id);
	_cleanup_json_ json_t *region = fixture_body(t, "region-northeurope");
	fixture_same(json_at(region, "properties.parameters"), "{`region`: {`value`: `northeurope`}}");
	assert_string_equal(json_str(region, "properties.template.outputs.echo.value"), "[parameters('region')]");
}

static void test_landing(void **state _unused_) {
	_cleanup_template_ struct template *t = open_file("bicep-landing.json", fixture_subscription());
	_cleanup_json_ json_t *outputs = outputs_of(t), *group = fixture_body(t, "rgs[1]"), *wide = fixture_body(t, "subscriptionWide");
	all_bodies(t);
	id_is(t, "rgs[1]", FIXTURE_SUBSCRIPTION "/resourceGroups/rg-b");
	id_is(t, "vaults[1]", FIXTURE_SUBSCRIPTION "/resourceGroups/rg-b/providers/Microsoft.Resources/deployments/vault-1");
	id_is(t, "subscriptionWide", FIXTURE_SUBSCRIPTION "/providers/Microsoft.Resources/deployments/wide");
	assert_true(fixture_depends(t, "vaults[1]", "rgs[1]"));
	assert_false(fixture_depends(t, "vaults[1]", "rgs[0]"));
	assert_int_equal(depend_count(t, "subscriptionWide"), 2);
	fixture_same(group, "{`location`: `dep1`, `tags`: {`group`: `RG-B`, `index`: `1`}}");
	assert_int_equal(json_array_size(json_at(wide, "properties.parameters.all.value")), 2);
	assert_string_equal(json_string_value(json_array_get(json_at(wide, "properties.parameters.ids.value"), 1)),
		template_resource_at(t, fixture_find(t, "vaults[1]"))->id);
	fixture_same(json_at(outputs, "groupIds.value"),
		"[`" FIXTURE_SUBSCRIPTION "/resourceGroups/rg-a`, `" FIXTURE_SUBSCRIPTION "/resourceGroups/rg-b`]");
	assert_string_equal(json_str(outputs, "location.value"), "westeurope");
}

static void test_classic(void **state _unused_) {
	_cleanup_template_ struct template *t = open_file("classic.json", fixture_group());
	_cleanup_json_ json_t *outputs = outputs_of(t), *vnet = fixture_body(t, "vnet1"), *vm = fixture_body(t, "vm1");
	_cleanup_json_ json_t *outer = fixture_body(t, "outer");
	const char *storage = json_str(outputs, "storage.value");
	assert_int_equal(template_resource_count(t), 8);
	all_bodies(t);
	assert_int_equal(strlen(storage), 2 + 13);
	assert_true(fixture_depends(t, "vnet1/late", "vnet1") && fixture_depends(t, "nic1", "vnet1"));
	assert_true(fixture_depends(t, "vm0", "nic1") && fixture_depends(t, "vm0", storage));
	assert_int_equal(depend_count(t, "vm0"), 3);
	assert_true(fixture_depends(t, "outer", "vm1"));
	fixture_same(json_at(vnet, "properties.subnets"), "[{`name`: `a`, `properties`: {`addressPrefix`: `10.0.0.0/24`}}, {`name`: `b`, "
		"`properties`: {`addressPrefix`: `10.0.1.0/24`}}]");
	assert_null(json_object_get(vnet, "resources"));
	assert_string_equal(json_str(vm, "properties.osProfile.adminPassword"), "Secret-1");
	assert_string_equal(json_str(vm, "plan.publisher"), "q");
	assert_int_equal(json_array_size(json_at(vm, "properties.storageProfile.dataDisks")), 3);
	const json_t *address = json_array_get(json_at(outer, "properties.template.resources"), 1);
	assert_string_equal(json_str(address, "name"), "ip1");
	assert_string_equal(json_str(address, "properties.tag"), storage);
	assert_string_equal(json_str(outputs, "vm.value.location"), "westeurope");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vault), cmocka_unit_test(test_hosts), cmocka_unit_test(test_modules), cmocka_unit_test(test_landing),
		cmocka_unit_test(test_classic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
