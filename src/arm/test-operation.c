// SPDX-License-Identifier: Apache-2.0
// Asynchronous operations over a real store, with a type of the test's own.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arm/arm.h"
#include "base/clock.h"
#include "store/test-scratch.h"

#define ID "/subscriptions/s/resourceGroups/rg/providers/Test.Things/things/"

struct fixture {
	struct scratch scratch;
	struct store *store;
	struct arm *arm;
	struct store_tx *tx;
	struct arm_target target;
	struct arm_call call;
};

static char last_settled[64];  // "kind code" of the last settled operation
static int settled_count;

static int settled(struct arm *arm, struct store_tx *tx, struct resource *r, const char *kind, const struct err *failure,
	struct err *err) {
	(void)arm, (void)tx, (void)r, (void)err;
	settled_count++;
	(void)snprintf(last_settled, sizeof(last_settled), "%.20s %.30s", kind, failure ? failure->code : "ok");
	return 0;
}

static const struct arm_type things = {.name = "Test.Things/things", .settled = settled};
static const struct arm_type *const types[] = {&things};

static int set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = {0};
	assert_non_null(f);
	assert_int_equal(scratch_make(&f->scratch), 0);
	assert_int_equal(store_open(f->scratch.path, &f->store, &err), 0);
	const struct arm_config config = {.store = f->store, .types = types, .type_count = ARRAY_SIZE(types)};
	assert_int_equal(arm_open(&config, &f->arm, &err), 0);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &f->tx, &err), 0);
	f->call = (struct arm_call){.arm = f->arm, .tx = f->tx, .target = &f->target};
	settled_count = 0;
	last_settled[0] = 0;
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	store_rollback(&f->tx);
	arm_close(f->arm);
	store_close(f->store);
	int rc = scratch_remove(&f->scratch);
	free(f);
	return rc;
}

static void make(struct fixture *f, const char *name, struct resource *out) {
	char id[128];
	struct err err = {0};
	struct arm_target t;
	(void)snprintf(id, sizeof(id), ID "%s", name);
	assert_int_equal(arm_parse_path(id, &t, &err), 0);
	assert_int_equal(resource_new(&t, things.name, out, &err), 0);
	out->generation = 1;
	assert_int_equal(resource_save(f->tx, out, &err), 0);
}

static void start(struct fixture *f, const struct resource *r, const char *kind) {
	struct err err = {0};
	assert_int_equal(arm_operation_start(&f->call, r, kind, 60, &err), 0);
}

static void report(struct fixture *f, const struct resource *r, int64_t generation, const struct err *failure) {
	struct err err = {0};
	assert_int_equal(arm_operation_report(f->arm, f->tx, r, generation, failure, &err), 0);
}

static void assert_status(struct fixture *f, const char *wanted) {
	struct err err = {0};
	_cleanup_rows_ struct store_rows *rows = NULL;
	assert_int_equal(store_query(f->tx, &rows, &err, "SELECT status FROM operations WHERE id = $1", "s", f->call.operation), 0);
	assert_int_equal(store_next(rows, &err), 1);
	assert_string_equal(store_text(rows, 0), wanted);
}

static void test_ends_when_every_wait_is_met(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_resource_ struct resource a = {0}, b = {0};
	make(f, "a", &a);
	make(f, "b", &b);
	start(f, &a, "write");
	assert_int_equal(arm_operation_wait(&f->call, &a, &err), 0);
	assert_int_equal(arm_operation_wait(&f->call, &b, &err), 0);
	assert_true(f->call.hosts_concerned);
	report(f, &a, 1, NULL);
	assert_status(f, "InProgress");
	assert_int_equal(settled_count, 0);
	report(f, &b, 1, NULL);
	assert_status(f, "Succeeded");
	assert_string_equal(last_settled, "write ok");
	report(f, &b, 1, NULL);
	assert_int_equal(settled_count, 1);
}

static void test_a_report_of_an_older_generation_ends_nothing(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_resource_ struct resource a = {0};
	make(f, "a", &a);
	a.generation = 5;
	start(f, &a, "write");
	assert_int_equal(arm_operation_wait(&f->call, &a, &err), 0);
	report(f, &a, 4, NULL);
	assert_status(f, "InProgress");
	report(f, &a, 5, NULL);
	assert_status(f, "Succeeded");
}

static void test_one_failure_fails_it(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_resource_ struct resource a = {0}, b = {0};
	const struct err failure = {.code = "KeyVaultKeyNotEnabled", .message = "must be enabled"};
	make(f, "a", &a);
	make(f, "b", &b);
	start(f, &a, "write");
	assert_int_equal(arm_operation_wait(&f->call, &a, &err), 0);
	assert_int_equal(arm_operation_wait(&f->call, &b, &err), 0);
	report(f, &b, 1, &failure);
	assert_status(f, "Failed");
	assert_string_equal(last_settled, "write KeyVaultKeyNotEnabled");
	bool pending = true;
	assert_int_equal(arm_operation_pending(f->tx, &a, &pending, &err), 0);
	assert_false(pending);
}

// A hypervisor's words may have been cut anywhere.
static void test_a_failure_with_half_a_character_fails_it_too(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_resource_ struct resource a = {0};
	const struct err failure = {.code = "InternalExecutionError", .message = "cut: \xc3"};
	make(f, "a", &a);
	start(f, &a, "write");
	assert_int_equal(arm_operation_wait(&f->call, &a, &err), 0);
	report(f, &a, 1, &failure);
	assert_status(f, "Failed");
	_cleanup_rows_ struct store_rows *rows = NULL;
	assert_int_equal(store_query(f->tx, &rows, &err, "SELECT error FROM operations WHERE id = $1", "s", f->call.operation), 0);
	assert_int_equal(store_next(rows, &err), 1);
	assert_string_equal(store_text(rows, 0), "{\"code\":\"InternalExecutionError\",\"message\":\"cut: ?\"}");
}

static void test_a_newer_wish_preempts(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_resource_ struct resource a = {0};
	make(f, "a", &a);
	start(f, &a, "start");
	assert_int_equal(arm_operation_wait(&f->call, &a, &err), 0);
	bool running = false;
	assert_int_equal(arm_operation_running(f->tx, &a, &running, &err), 0);
	assert_true(running);
	assert_int_equal(arm_operation_preempt(&f->call, &a, &err), 0);
	assert_status(f, "Failed");
	assert_string_equal(last_settled, "start " ARM_PREEMPTED);
}

static void test_an_operation_nobody_ends_fails_at_its_deadline(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_resource_ struct resource a = {0};
	make(f, "a", &a);
	start(f, &a, "write");
	assert_int_equal(arm_operation_wait(&f->call, &a, &err), 0);
	assert_int_equal(store_commit(&f->tx, &err), 0);
	assert_int_equal(arm_expire_operations(f->arm, &err), 0);
	assert_int_equal(settled_count, 0);
	clock_set_offset(61);
	assert_int_equal(arm_expire_operations(f->arm, &err), 0);
	clock_set_offset(0);
	assert_string_equal(last_settled, "write OperationTimedOut");
	assert_int_equal(store_begin(f->store, STORE_READ, &f->tx, &err), 0);
	assert_status(f, "Failed");
}

static void test_revisions_grow_and_wake(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	int64_t revision = -1;
	assert_int_equal(arm_revision_read(f->tx, &revision, &err), 0);
	assert_int_equal(revision, 0);
	assert_int_equal(arm_revision_bump(f->arm, f->tx, &err), 0);
	assert_int_equal(arm_revision_bump(f->arm, f->tx, &err), 0);
	assert_int_equal(store_commit(&f->tx, &err), 0);
	arm_revision_publish(f->arm);
	// Newer than what was seen: no waiting.
	assert_int_equal(arm_revision_wait(f->arm, 0, 30), 2);
	assert_int_equal(arm_revision_wait(f->arm, 2, 0), 2);
	arm_interrupt(f->arm);
	assert_int_equal(arm_revision_wait(f->arm, 2, 30), 2);
}

struct names {
	char text[64];
	size_t used;
};

static int visit(void *ctx, struct store_tx *tx, struct resource *r, struct err *err) {
	(void)tx, (void)err;
	struct names *n = ctx;
	n->used += (size_t)snprintf(n->text + n->used, sizeof(n->text) - n->used, "%.20s ", r->name);
	return 0;
}

static void test_resources_round_trip(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_resource_ struct resource a = {0}, again = {0};
	make(f, "Mixed-Case", &a);
	assert_int_equal(resource_set_property(&a, "p", "v", &err), 0);
	assert_int_equal(resource_set_hidden(&a, "h", "w", &err), 0);
	a.generation = 7;
	assert_int_equal(resource_save(f->tx, &a, &err), 0);
	assert_int_equal(resource_load(f->tx, "/SUBSCRIPTIONS/S/resourcegroups/RG/providers/test.things/THINGS/mixed-case", &again,
		&err), 0);
	assert_string_equal(again.name, "Mixed-Case");
	assert_string_equal(resource_property(&again, "p"), "v");
	assert_string_equal(resource_hidden(&again, "h"), "w");
	assert_int_equal(again.generation, 7);
	struct names seen = {0};
	_cleanup_resource_ struct resource second = {0};
	make(f, "second", &second);
	assert_int_equal(resource_each(f->tx, "S", "RG", things.name, visit, &seen, &err), 0);
	assert_string_equal(seen.text, "Mixed-Case second ");
	assert_int_equal(resource_delete(f->tx, &again, &err), 0);
	_cleanup_resource_ struct resource gone = {0};
	assert_int_equal(resource_load(f->tx, a.id, &gone, &err), -ENOENT);
	assert_string_equal(err.code, "ResourceNotFound");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ends_when_every_wait_is_met, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_report_of_an_older_generation_ends_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_failure_fails_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_failure_with_half_a_character_fails_it_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_newer_wish_preempts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_operation_nobody_ends_fails_at_its_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_revisions_grow_and_wake, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_resources_round_trip, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
