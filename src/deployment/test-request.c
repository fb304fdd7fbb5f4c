// SPDX-License-Identifier: Apache-2.0
// What clients ask for, and what templates come to.
#include "base/strv.h"
#include "base/test-util.h"
#include "deployment/internal.h"

#define TEMPLATE "{\"$schema\":\"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#\"," \
		 "\"contentVersion\":\"1.0.0.0\",\"variables\":{},\"resources\":["
#define THING "{\"type\":\"Test.Things/things\",\"apiVersion\":\"2024-01-01\",\"name\":"

static struct arm_target at(const char *scope, const char *name) {
	struct arm_target t;
	struct err err = {0};
	_cleanup_free_ char *id = strv_printf("%s/providers/" DEPLOYMENT_TYPE "/%s", scope, name);
	assert_int_equal(arm_parse_path(id, &t, &err), 0);
	return t;
}

static void refuses(const char *scope, const char *name, const char *text, const char *code) {
	struct err err = {0};
	struct deployment_request q = {0};
	const struct arm_target t = at(scope, name);
	assert_int_equal(deployment_request_read(text, strlen(text), &t, &q, &err), -EINVAL);
	assert_int_equal(err.status, 400);
	if (strcmp(err.code, code) != 0)
		fail_msg("%s: %s, not %s", text, err.code, code);
	assert_null(q.body);
}

#define SUB "/subscriptions/s"
#define RG SUB "/resourceGroups/g"

static void test_what_is_asked_for(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_(deployment_request_free) struct deployment_request q = {0};
	const struct arm_target t = at(SUB, "d");
	const char *text = "{\"location\":\"West Europe\",\"tags\":{\"a\":\"b\"},\"properties\":{\"mode\":\"incremental\",\"template\":\"{/* */}\","
			   "\"parameters\":{\"p\":{\"value\":1}},\"debugSetting\":{\"detailLevel\":\"none\"},\"templateLink\":null,"
			   "\"whatIfSettings\":{\"resultFormat\":\"ResourceIdOnly\"}}}";
	assert_int_equal(deployment_request_read(text, strlen(text), &t, &q, &err), 0);
	assert_string_equal(q.location, "West Europe");
	assert_false(q.complete);
	assert_true(q.ids_only);
	assert_true(json_is_object(q.template));
	assert_int_equal(json_int(q.parameters, "p.value", 0), 1);
	assert_string_equal(json_str(q.debug, "detailLevel"), "none");
	assert_string_equal(json_str(q.tags, "a"), "b");
}

static void test_what_is_refused(void **state) {
	(void)state;
	refuses(RG, "d", "{", "InvalidRequestContent");
	refuses(RG, "d", "{}", "InvalidRequestContent");
	refuses(RG, "d", "{\"properties\":{\"template\":{}}}", "InvalidRequestContent");
	refuses(RG, "d", "{\"properties\":{\"mode\":\"Default\",\"template\":{}}}", "InvalidRequestContent");
	refuses(RG, "d", "{\"properties\":{\"mode\":\"Complete\"}}", "InvalidTemplate");
	refuses(RG, "d", "{\"properties\":{\"mode\":\"Complete\",\"template\":7}}", "InvalidRequestContent");
	refuses(RG, "d", "{\"properties\":{\"mode\":\"Complete\",\"template\":{},\"parameters\":[]}}", "InvalidRequestContent");
	refuses(RG, "d", "{\"tags\":1,\"properties\":{\"mode\":\"Complete\",\"template\":{}}}", "InvalidTags");
	refuses(RG, "d", "{\"properties\":{\"mode\":\"Complete\",\"template\":{},\"debugSetting\":1}}", "InvalidRequestContent");
	refuses(RG, "d", "{\"properties\":{\"mode\":\"Complete\",\"templateLink\":{\"id\":\"x\"}}}", "InvalidContentLink");
	refuses(RG, "d", "{\"properties\":{\"mode\":\"Complete\",\"template\":{},\"onErrorDeployment\":{}}}", "OnErrorDeploymentNotSupported");
	refuses(RG, "d", "{\"location\":\"x\",\"properties\":{\"mode\":\"Complete\",\"template\":{}}}", "InvalidDeployment");
	refuses(SUB, "d", "{\"location\":\"x\",\"properties\":{\"mode\":\"Complete\",\"template\":{}}}", "InvalidDeployment");
	refuses(SUB, "d", "{\"properties\":{\"mode\":\"Incremental\",\"template\":{}}}", "LocationRequired");
	refuses(SUB, "d", "{\"location\":\"a/b\",\"properties\":{\"mode\":\"Incremental\",\"template\":{}}}", "LocationNotAvailableForDeployment");
	refuses(RG, "a b", "{}", "DeploymentNameInvalidCharacters");
	refuses(RG, "0123456789012345678901234567890123456789012345678901234567890123456789", "{}", "DeploymentNameLengthLimitExceeded");
}

static void test_what_is_nested(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_json_ json_t *fine = json_pack("{s:{s:s}}", "properties", "mode", "Incremental");
	_cleanup_json_ json_t *complete = json_pack("{s:{s:s}}", "properties", "mode", "complete");
	assert_int_equal(deployment_check_nested(fine, DEPLOYMENT_DEPTH_MAX, &err), 0);
	assert_int_equal(deployment_check_nested(fine, DEPLOYMENT_DEPTH_MAX + 1, &err), -EINVAL);
	assert_int_equal(deployment_check_nested(complete, 2, &err), -EINVAL);
	assert_string_equal(err.code, "InvalidDeployment");
}

static int no_resource(void *ctx, const char *id, const char *version, bool full, json_t **out, struct err *err) {
	(void)ctx, (void)version, (void)full, (void)out;
	return err_set(err, -ENOENT, 404, "ResourceNotFound", "There is no %s.", id);
}

static void open_resources(const char *resources, json_t **document, struct template **out) {
	struct err err = {0};
	_cleanup_free_ char *text = strv_printf(TEMPLATE "%s]}", resources);
	json_error_t where;
	*document = json_loads(text, 0, &where);
	assert_non_null(*document);
	// A part of the document, so that it lives as long.
	json_t *group = json_object();
	assert_int_equal(json_object_set_new(json_object_get(*document, "variables"), "group", group), 0);
	const struct template_place place = {.scope = RG, .resource_group = group, .reference = no_resource};
	if (template_open(*document, NULL, &place, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void test_a_plan_follows_the_template(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_json_ json_t *document = NULL;
	struct template *t = NULL;
	open_resources(THING "\"a\"}," THING "\"b\",\"dependsOn\":[\"a\"]}," THING "\"c\",\"condition\":false}", &document, &t);
	_cleanup_operations_ struct deployment_operations o = {0};
	assert_int_equal(deployment_plan(t, &o, &err), 0);
	assert_int_equal(o.plan.count, 3);
	assert_string_equal(o.list[1].target, RG "/providers/Test.Things/things/b");
	assert_string_equal(o.list[1].kind, "Create");
	assert_int_equal(o.plan.items[1].depend_count, 1);
	assert_int_equal(o.plan.items[1].depends[0], 0);
	assert_int_equal(o.plan.items[2].state, PLAN_SKIPPED);
	assert_false(deployment_operation_is_shown(&o, 0));
	template_close(t);
}

static void test_what_is_known_from_the_start(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_json_ json_t *document = NULL, *details = NULL;
	struct template *t = NULL;
	open_resources(THING "\"a\"}," THING "\"b\",\"dependsOn\":[\"a\"]}", &document, &t);
	const struct deployment_request q = {.template = document};
	assert_int_equal(deployment_describe(&q, t, &details, &err), 0);
	assert_string_equal(json_str(details, "mode"), "Incremental");
	assert_int_equal(json_array_size(json_object_get(details, "providers")), 1);
	const json_t *on = json_array_get(json_object_get(details, "dependencies"), 0);
	assert_string_equal(json_str(on, "resourceName"), "b");
	assert_string_equal(json_str(json_array_get(json_object_get(on, "dependsOn"), 0), "resourceName"), "a");
	char hash[24];
	assert_int_equal(deployment_template_hash(document, hash, NULL, &err), 0);
	assert_string_equal(json_str(details, "templateHash"), hash);
	template_close(t);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_asked_for),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_what_is_nested),
		cmocka_unit_test(test_a_plan_follows_the_template),
		cmocka_unit_test(test_what_is_known_from_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
