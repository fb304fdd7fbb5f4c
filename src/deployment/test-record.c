// SPDX-License-Identifier: Apache-2.0
// Deployments in a real store, without a keeper.
#include "deployment/record.h"

#include "base/strv.h"
#include "base/test-util.h"
#include "store/test-scratch.h"

struct fixture {
	struct scratch scratch;
	struct store *store;
	struct store_tx *tx;
};

static int set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = {0};
	assert_non_null(f);
	assert_int_equal(scratch_make(&f->scratch), 0);
	assert_int_equal(store_open(f->scratch.path, &f->store, &err), 0);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &f->tx, &err), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	store_rollback(&f->tx);
	store_close(f->store);
	int rc = scratch_remove(&f->scratch);
	free(f);
	return rc;
}

static struct deployment made(const char *group, const char *name, const char *run, int64_t created, const char *parent) {
	struct deployment d = {.depth = 1, .created_ns = created, .changed_ns = created};
	(void)snprintf(d.run, sizeof(d.run), "%s", run);
	(void)snprintf(d.subscription, sizeof(d.subscription), "S");
	(void)snprintf(d.group, sizeof(d.group), "%s", group);
	(void)snprintf(d.name, sizeof(d.name), "%s", name);
	(void)snprintf(d.parent, sizeof(d.parent), "%s", parent);
	(void)snprintf(d.display_id, sizeof(d.display_id),
		"/subscriptions/s/resourceGroups/%s/providers/Microsoft.Resources/deployments/%s", group, name);
	_cleanup_free_ char *id = strv_lower(d.display_id);
	(void)snprintf(d.id, sizeof(d.id), "%s", id);
	d.details = json_pack("{s:s}", "mode", "Incremental");
	d.place = json_object();
	return d;
}

static void insert(struct fixture *f, const char *name, const char *run, int64_t created, const char *parent, bool ended) {
	struct err err = {0};
	_cleanup_deployment_ struct deployment d = made("RG", name, run, created, parent);
	if (deployment_insert(f->tx, &d, &err) < 0)
		fail_msg("%s", err.message);
	if (!ended)
		return;
	d.state = DEPLOYMENT_SUCCEEDED;
	d.ended_ns = created + 1;
	assert_int_equal(deployment_update(f->tx, &d, &err), 0);
}

static int64_t count(struct fixture *f, const char *sql) {
	struct err err = {0};
	int64_t n = -1;
	assert_int_equal(store_query_int(f->tx, &n, &err, sql, ""), 0);
	return n;
}

static void test_what_was_stored_comes_back(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_deployment_ struct deployment got = {0}, none = {0};
	insert(f, "Name", "r1", 5, "", false);
	assert_int_equal(deployment_load(f->tx, "/SUBSCRIPTIONS/s/resourcegroups/rg/providers/microsoft.resources/deployments/NAME", &got, &err), 0);
	assert_string_equal(got.run, "r1");
	assert_string_equal(got.name, "Name");
	assert_int_equal(got.state, DEPLOYMENT_ACCEPTED);
	assert_true(deployment_is_active(got.state));
	assert_string_equal(json_str(got.details, "mode"), "Incremental");
	assert_null(got.result);
	got.state = DEPLOYMENT_FAILED;
	got.ended_ns = 9;
	got.result = json_pack("{s:{s:s}}", "error", "code", "DeploymentFailed");
	assert_int_equal(deployment_update(f->tx, &got, &err), 0);
	deployment_free(&got);
	assert_int_equal(deployment_load_run(f->tx, "r1", &got, &err), 0);
	assert_int_equal(got.state, DEPLOYMENT_FAILED);
	assert_int_equal(got.ended_ns, 9);
	assert_string_equal(json_str(got.result, "error.code"), "DeploymentFailed");
	assert_int_equal(deployment_load_run(f->tx, "r2", &none, &err), -ENOENT);
	assert_string_equal(err.code, "DeploymentNotFound");
}

static void test_another_run_takes_the_place_of_the_one_before(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	insert(f, "d", "r1", 1, "", true);
	_cleanup_operations_ struct deployment_operations o = {0};
	assert_int_equal(deployment_operations_add(&o, "Create", "/x", "t", "n", &err), 0);
	assert_int_equal(deployment_operations_save(f->tx, "r1", &o, &err), 0);
	insert(f, "D", "r2", 2, "", false);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM deployments"), 1);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM deployment_operations"), 0);
}

static void test_the_oldest_that_ended_make_room(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	char name[16];
	for (int i = 0; i < DEPLOYMENT_HISTORY_MAX; i++) {
		(void)snprintf(name, sizeof(name), "d%d", i);
		insert(f, name, name, i + 1, "", i == 1);
	}
	insert(f, "more", "more", 5000, "", false);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM deployments"), DEPLOYMENT_HISTORY_MAX);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM deployments WHERE name = 'd1'"), 0);
	_cleanup_deployment_ struct deployment d = made("RG", "too-many", "x", 6000, ""), other = made("other", "d", "y", 6000, "");
	assert_int_equal(deployment_insert(f->tx, &d, &err), -EDQUOT);
	assert_int_equal(err.status, 409);
	assert_string_equal(err.code, "DeploymentQuotaExceeded");
	assert_int_equal(deployment_insert(f->tx, &other, &err), 0);
}

static void test_cancelling_reaches_what_is_nested_and_nobody_else(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	insert(f, "a", "a", 1, "", false);
	insert(f, "b", "b", 2, "a", false);
	insert(f, "c", "c", 3, "b", false);
	insert(f, "over", "over", 4, "a", true);
	insert(f, "x", "x", 5, "", false);
	assert_int_equal(deployment_cancel(f->tx, "a", &err), 0);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM deployments WHERE cancel = 1 AND run IN ('a', 'b', 'c')"), 3);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM deployments WHERE cancel = 1"), 3);
	bool canceled = false;
	assert_int_equal(deployment_canceled(f->tx, "c", &canceled, &err), 0);
	assert_true(canceled);
	assert_int_equal(deployment_canceled(f->tx, "x", &canceled, &err), 0);
	assert_false(canceled);
}

struct names {
	char text[128];
};

static int visit(void *ctx, struct deployment *d, struct err *err) {
	(void)err;
	struct names *n = ctx;
	size_t used = strlen(n->text);
	(void)snprintf(n->text + used, sizeof(n->text) - used, "%.20s ", d->name);
	return 0;
}

static void test_lists_go_from_the_newest_on(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	insert(f, "old", "1", 10, "", true);
	insert(f, "same-b", "2", 20, "", true);
	insert(f, "same-a", "3", 20, "", false);
	insert(f, "new", "4", 30, "", true);
	struct names all = {0}, ended = {0}, rest = {0};
	struct deployment_query q = {.subscription = "s", .group = "rg", .state = "", .limit = 10};
	assert_int_equal(deployment_each(f->tx, &q, visit, &all, &err), 0);
	assert_string_equal(all.text, "new same-a same-b old ");
	q.state = "Succeeded";
	assert_int_equal(deployment_each(f->tx, &q, visit, &ended, &err), 0);
	assert_string_equal(ended.text, "new same-b old ");
	q.state = "";
	q.before_ns = 20;
	q.after_id = "/subscriptions/s/resourcegroups/rg/providers/microsoft.resources/deployments/same-a";
	q.limit = 1;
	assert_int_equal(deployment_each(f->tx, &q, visit, &rest, &err), 0);
	assert_string_equal(rest.text, "same-b ");
}

static void test_operations_come_back_with_their_plan(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	insert(f, "d", "r", 1, "", false);
	{
		_cleanup_operations_ struct deployment_operations o = {0};
		for (int i = 0; i < 3; i++)
			assert_int_equal(deployment_operations_add(&o, "Create", "/T", "Test/things", "n", &err), 0);
		o.plan.items[2].depends = calloc(2, sizeof(size_t));
		o.plan.items[2].depends[1] = 1;
		o.plan.items[2].depend_count = 2;
		assert_int_equal(deployment_operations_save(f->tx, "r", &o, &err), 0);
		o.plan.items[1].state = PLAN_FAILED;
		o.list[1].changed = true;
		o.list[1].error = json_pack("{s:s}", "code", "Conflict");
		o.plan.items[0].state = PLAN_SUCCEEDED;  // not said to be changed
		assert_int_equal(deployment_operations_save(f->tx, "r", &o, &err), 0);
	}
	_cleanup_operations_ struct deployment_operations got = {0};
	assert_int_equal(deployment_operations_load(f->tx, "r", &got, &err), 0);
	assert_int_equal(got.plan.count, 3);
	assert_int_equal(got.plan.items[0].state, PLAN_WAITING);
	assert_int_equal(got.plan.items[1].state, PLAN_FAILED);
	assert_string_equal(json_str(got.list[1].error, "code"), "Conflict");
	assert_int_equal(got.plan.items[2].depend_count, 2);
	assert_int_equal(got.plan.items[2].depends[1], 1);
	assert_int_equal(strlen(got.list[0].id), 16);
	bool named = true;
	assert_int_equal(deployment_names(f->tx, "r", "/t", &named, &err), 0);
	assert_false(named);
	got.plan.items[0].state = PLAN_SUCCEEDED;
	got.list[0].changed = true;
	assert_int_equal(deployment_operations_save(f->tx, "r", &got, &err), 0);
	insert(f, "parent", "p", 2, "", false);
	assert_int_equal(store_exec(f->tx, &err, "UPDATE deployments SET parent = 'p' WHERE run = 'r'", ""), 1);
	assert_int_equal(deployment_names(f->tx, "p", "/t", &named, &err), 0);
	assert_true(named);
}

static void test_a_plan_that_points_outside_is_not_read(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	insert(f, "d", "r", 1, "", false);
	_cleanup_operations_ struct deployment_operations o = {0}, got = {0};
	assert_int_equal(deployment_operations_add(&o, "Create", "/T", "t", "n", &err), 0);
	assert_int_equal(deployment_operations_save(f->tx, "r", &o, &err), 0);
	assert_int_equal(store_exec(f->tx, &err, "UPDATE deployment_operations SET depends = '[7]'", ""), 1);
	assert_int_equal(deployment_operations_load(f->tx, "r", &got, &err), -EINVAL);
	assert_int_equal(err.status, 500);
}

static void test_a_scope_that_goes_takes_its_deployments_along(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	insert(f, "a", "a", 1, "", true);
	_cleanup_deployment_ struct deployment like = made("RG2", "b", "b", 2, "");
	assert_int_equal(deployment_insert(f->tx, &like, &err), 0);
	assert_int_equal(deployment_delete_scope(f->tx, "/subscriptions/s/resourcegroups/rg", &err), 0);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM deployments"), 1);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM deployments WHERE run = 'b'"), 1);
	assert_int_equal(deployment_delete(f->tx, &like, &err), 0);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM deployments"), 0);
}

static void stands_alone(const char *id, const char *type, bool wanted) {
	struct resource r = {0};
	(void)snprintf(r.id, sizeof(r.id), "%s", id);
	(void)snprintf(r.type, sizeof(r.type), "%s", type);
	assert_int_equal(deployment_stands_alone(&r), wanted);
}

static void test_what_stands_by_itself(void **state) {
	(void)state;
	stands_alone("/subscriptions/s/resourcegroups/g/providers/a.b/c/d", "A.B/c", true);
	stands_alone("/subscriptions/s/resourcegroups/g/providers/a.b/c/d/e/f", "A.B/c/e", false);
	stands_alone("/subscriptions/s/resourcegroups/g/providers/a.b/c/d/providers/x.y/z/1", "X.Y/z", false);
	stands_alone("/subscriptions/s/resourcegroups/g", "Microsoft.Resources/resourceGroups", false);
	struct resource nic = {.id = "/subscriptions/s/resourcegroups/g/providers/a.b/c/d", .type = "A.B/c",
		.body = json_pack("{s:{s:{s:s}}}", "properties", "privateEndpoint", "id", "/e")};
	assert_false(deployment_stands_alone(&nic));
	json_decref(nic.body);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_was_stored_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_run_takes_the_place_of_the_one_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_oldest_that_ended_make_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancelling_reaches_what_is_nested_and_nobody_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lists_go_from_the_newest_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_operations_come_back_with_their_plan, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_plan_that_points_outside_is_not_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_scope_that_goes_takes_its_deployments_along, set_up, tear_down),
		cmocka_unit_test(test_what_stands_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
