// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "providers/compute.h"
#include "providers/machineSizes.h"
#include "store/test-scratch.h"

static void make_disk(struct store_tx *tx, const char *name) {
	char id[128];
	struct err err = {0};
	struct arm_target t;
	_cleanup_resource_ struct resource r = {0};
	(void)snprintf(id, sizeof(id), "/subscriptions/s/resourceGroups/rg/providers/" DISK_TYPE "/%s", name);
	assert_int_equal(arm_parse_path(id, &t, &err), 0);
	assert_int_equal(resource_new(&t, DISK_TYPE, &r, &err), 0);
	assert_int_equal(resource_save(tx, &r, &err), 0);
}

static void test_quota(void **state) {
	(void)state;
	struct scratch scratch;
	struct err err = {0};
	struct store *store = NULL;
	struct store_tx *tx = NULL;
	assert_int_equal(scratch_make(&scratch), 0);
	assert_int_equal(store_open(scratch.path, &store, &err), 0);
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	struct arm_call call = {.tx = tx};
	make_disk(tx, "one");
	assert_int_equal(compute_check_quota(&call, DISK_TYPE, 2, &err), 0);
	make_disk(tx, "two");
	assert_int_equal(compute_check_quota(&call, DISK_TYPE, 2, &err), -EBUSY);
	assert_int_equal(err.status, 409);
	assert_string_equal(err.code, "OperationNotAllowed");
	// Other types do not count.
	assert_int_equal(compute_check_quota(&call, MACHINE_TYPE, 1, &err), 0);
	store_rollback(&tx);
	store_close(store);
	assert_int_equal(scratch_remove(&scratch), 0);
}

static void test_sizes(void **state) {
	(void)state;
	const struct machine_size *size = machine_size_by_name("standard_dc2AS_v5");
	assert_non_null(size);
	assert_string_equal(size->name, "Standard_DC2as_v5");
	assert_true(size->confidential);
	assert_false(machine_size_by_name("Standard_B1s")->confidential);
	assert_null(machine_size_by_name("Standard_B1"));
	assert_non_null(strstr(machine_size_names(), "Standard_B1ls"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
