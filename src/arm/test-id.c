// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arm/id.h"

static struct arm_target parsed(const char *path) {
	struct arm_target t;
	struct err err = {0};
	assert_int_equal(arm_parse_path(path, &t, &err), 0);
	return t;
}

static void test_resource(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/disks/d");
	assert_string_equal(t.subscription, "s");
	assert_string_equal(t.group, "rg");
	assert_string_equal(t.type, "Microsoft.Compute/disks");
	assert_string_equal(t.name, "d");
	assert_string_equal(t.tail, "");
	assert_string_equal(t.scope, "/subscriptions/s/resourceGroups/rg");
}

static void test_action_is_a_tail_and_not_part_of_the_id(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v/start");
	assert_string_equal(t.name, "v");
	assert_string_equal(t.tail, "start");
	assert_string_equal(t.id, "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v");
}

static void test_a_deployments_operations_without_their_namespace(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/resourcegroups/rg/deployments/d/operations");
	assert_string_equal(t.id, "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Resources/deployments/d");
	assert_string_equal(t.tail, "operations");
	t = parsed("/subscriptions/s/resourcegroups/rg/deployments/d/operations/1");
	assert_string_equal(t.type, "Microsoft.Resources/deployments/operations");
	assert_string_equal(t.name, "1");
	struct err err = {0};
	assert_int_equal(arm_parse_path("/subscriptions/s/resourceGroups/rg/disks/d/operations", &t, &err), -EINVAL);
}

static void test_collection(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/providers/Microsoft.Compute/disks/");
	assert_string_equal(t.type, "Microsoft.Compute/disks");
	assert_string_equal(t.name, "");
	assert_string_equal(t.group, "");
}

static void test_containers(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/resourcegroups/rg");
	assert_string_equal(t.type, "Microsoft.Resources/resourceGroups");
	assert_string_equal(t.name, "rg");
	t = parsed("/subscriptions/s/resourceGroups");
	assert_string_equal(t.type, "Microsoft.Resources/resourceGroups");
	assert_string_equal(t.name, "");
	t = parsed("/subscriptions");
	assert_string_equal(t.type, "Microsoft.Resources/subscriptions");
	assert_string_equal(t.name, "");
	t = parsed("/subscriptions/s");
	assert_string_equal(t.name, "s");
}

static void test_extension_takes_the_last_provider_and_the_scope_before_it(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v/keys/k"
				     "/providers/Microsoft.Authorization/roleAssignments/g");
	assert_string_equal(t.type, "Microsoft.Authorization/roleAssignments");
	assert_string_equal(t.name, "g");
	assert_string_equal(t.group, "rg");
	assert_string_equal(t.scope, "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v/keys/k");
}

static void test_child_of_a_location(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/providers/Microsoft.Compute/locations/westeurope/operations/o");
	assert_string_equal(t.type, "Microsoft.Compute/locations/operations");
	assert_string_equal(t.name, "o");
}

static void test_what_stands_behind_a_container_is_its_collection(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/resources");
	assert_string_equal(t.type, "Microsoft.Resources/subscriptions");
	assert_string_equal(t.tail, "resources");
	assert_string_equal(t.id, "/subscriptions/s");
	t = parsed("/subscriptions/s/resourceGroups/rg/resources");
	assert_string_equal(t.type, "Microsoft.Resources/resourceGroups");
	assert_string_equal(t.tail, "resources");
	assert_string_equal(t.id, "/subscriptions/s/resourceGroups/rg");
	assert_string_equal(t.group, "rg");
}

static void test_namespaces_and_tenants(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/providers");
	assert_string_equal(t.type, "Microsoft.Resources/providers");
	assert_string_equal(t.name, "");
	t = parsed("/subscriptions/s/providers/Microsoft.Compute");
	assert_string_equal(t.name, "Microsoft.Compute");
	assert_string_equal(t.scope, "/subscriptions/s");
	t = parsed("/subscriptions/s/providers/Microsoft.Compute/register");
	assert_string_equal(t.type, "Microsoft.Resources/providers");
	assert_string_equal(t.name, "Microsoft.Compute");
	assert_string_equal(t.tail, "register");
	assert_string_equal(t.id, "/subscriptions/s/providers/Microsoft.Compute");
	t = parsed("/subscriptions/s/providers/Microsoft.Compute/unregister");
	assert_string_equal(t.name, "Microsoft.Compute");
	assert_string_equal(t.tail, "unregister");
	t = parsed("/tenants");
	assert_string_equal(t.type, "Microsoft.Resources/tenants");
	assert_string_equal(t.name, "");
}

static void test_ids_are_spelled_as_azure_does_and_names_as_given(void **state) {
	(void)state;
	struct arm_target t = parsed("/SUBSCRIPTIONS/s/resourcegroups/RG/Providers/microsoft.compute/DISKS/D");
	arm_target_respell(&t, "Microsoft.Compute/disks");
	assert_string_equal(t.id, "/subscriptions/s/resourceGroups/RG/providers/Microsoft.Compute/disks/D");
	t = parsed("/subscriptions/s/providers/microsoft.keyvault/LOCATIONS/westeurope/deletedvaults/V/purge");
	arm_target_respell(&t, "Microsoft.KeyVault/locations/deletedVaults");
	assert_string_equal(t.id, "/subscriptions/s/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/V");
	t = parsed("/subscriptions/s/providers/microsoft.compute/DISKS");
	arm_target_respell(&t, "Microsoft.Compute/disks");
	assert_string_equal(t.id, "/subscriptions/s/providers/Microsoft.Compute/disks");
	// A collection of children: the id is the parent's, and there is nothing behind its name.
	t = parsed("/subscriptions/s/resourceGroups/rg/providers/microsoft.keyvault/VAULTS/v/keys");
	arm_target_respell(&t, "Microsoft.KeyVault/vaults/keys");
	assert_string_equal(t.id, "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v");
	t = parsed("/subscriptions/s/resourcegroups/rg");
	arm_target_respell(&t, "Microsoft.Resources/resourceGroups");
	assert_string_equal(t.id, "/subscriptions/s/resourceGroups/rg");
}

static void test_features_stand_below_a_namespace_that_is_a_name(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/providers/microsoft.features/providers/Microsoft.Compute/features/F/register");
	assert_string_equal(t.type, "microsoft.features/providers/features");
	assert_string_equal(t.name, "F");
	assert_string_equal(t.tail, "register");
	assert_string_equal(t.scope, "/subscriptions/s");
	assert_int_equal(t.providers, 1);
	t = parsed("/subscriptions/s/providers/Microsoft.Features/providers/Microsoft.Compute/features");
	assert_string_equal(t.type, "Microsoft.Features/providers");
	assert_string_equal(t.name, "Microsoft.Compute");
	assert_string_equal(t.tail, "features");
}

static void test_names_and_values_of_tags(void **state) {
	(void)state;
	struct arm_target t = parsed("/subscriptions/s/tagNames");
	assert_string_equal(t.tail, "tagNames");
	t = parsed("/subscriptions/s/tagnames/cost");
	assert_string_equal(t.type, "Microsoft.Resources/subscriptions/tagNames");
	assert_string_equal(t.name, "cost");
	assert_string_equal(t.subscription, "s");
	t = parsed("/subscriptions/s/tagNames/cost/tagValues/high");
	assert_string_equal(t.type, "Microsoft.Resources/subscriptions/tagNames/tagValues");
	assert_string_equal(t.name, "high");
	assert_string_equal(t.id, "/subscriptions/s/tagNames/cost/tagValues/high");
}

static void test_malformed_paths_are_refused(void **state) {
	(void)state;
	char longest[2 * ARM_ID_MAX];
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = 0;
	const char *const bad[] = {"", "subscriptions/s", "/nothing/s", "/subscriptions//resourceGroups/rg",
		"/subscriptions/s/resourceGroups/rg/disks/d", "/subscriptions/s/resourceGroups/rg/providers",
		"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute", "/subscriptions/s/resources/providers/N/t/n",
		"/subscriptions/s/resources/more", "/subscriptions/s/tagNames/n/more", "/subscriptions/s/tagNames/n/tagValues/v/w",
		"/subscriptions/s/tagNames/n/tagValues/providers/N/t/n", "/tenants/t", "//tenants", longest,
		"/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct arm_target t = {.name = "untouched"};
		struct err err = {0};
		assert_int_equal(arm_parse_path(bad[i], &t, &err), -EINVAL);
		assert_string_equal(t.name, "untouched");
		assert_int_not_equal(err.status, 0);
	}
}

static void test_an_id_of_another_type_is_refused(void **state) {
	(void)state;
	struct arm_target t;
	struct err err = {0};
	const char *disk = "/subscriptions/s/resourceGroups/rg/providers/microsoft.compute/DISKS/d";
	assert_int_equal(arm_parse_id(disk, "Microsoft.Compute/disks", &t, &err), 0);
	assert_int_equal(arm_parse_id(disk, "Microsoft.Compute/diskEncryptionSets", &t, &err), -EINVAL);
	assert_string_equal(err.code, "LinkedInvalidPropertyId");
	assert_int_equal(arm_parse_id("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/disks/d/start",
				 "Microsoft.Compute/disks", &t, &err),
		-EINVAL);
}

static void test_parent_of_a_part(void **state) {
	(void)state;
	static const char *const pairs[][2] = {
		{"/subscriptions/s/resourceGroups/rg/providers/N/t/n/u/m", "/subscriptions/s/resourceGroups/rg/providers/N/t/n"},
		{"/subscriptions/s/resourceGroups/rg", "/subscriptions/s"}, {"/subscriptions/s", ""}, {"/tenants", ""}, {"", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		char out[ARM_ID_MAX] = "before";
		arm_parent_id(pairs[i][0], out);
		assert_string_equal(out, pairs[i][1]);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resource),
		cmocka_unit_test(test_action_is_a_tail_and_not_part_of_the_id),
		cmocka_unit_test(test_a_deployments_operations_without_their_namespace),
		cmocka_unit_test(test_collection),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_extension_takes_the_last_provider_and_the_scope_before_it),
		cmocka_unit_test(test_child_of_a_location),
		cmocka_unit_test(test_what_stands_behind_a_container_is_its_collection),
		cmocka_unit_test(test_namespaces_and_tenants),
		cmocka_unit_test(test_ids_are_spelled_as_azure_does_and_names_as_given),
		cmocka_unit_test(test_features_stand_below_a_namespace_that_is_a_name),
		cmocka_unit_test(test_names_and_values_of_tags),
		cmocka_unit_test(test_malformed_paths_are_refused),
		cmocka_unit_test(test_an_id_of_another_type_is_refused),
		cmocka_unit_test(test_parent_of_a_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
