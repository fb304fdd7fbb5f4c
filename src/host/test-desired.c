// SPDX-License-Identifier: Apache-2.0
#include "host/desired.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"

#define DISK_ID "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d"
#define DISK                                                                                                           \
	"{'id':'" DISK_ID "','uniqueId':'11111111-2222-4333-8444-555555555555','generation':3,'present':true,"             \
	"'sizeBytes':8388608,'source':'file:///i/a.raw','keyUrl':'https://v.vault.azure.net/keys/k/1',"                  \
	"'diskEncryptionSetId':'/des','identity':{'clientId':'aaaaaaaa-2222-4333-8444-555555555555','header':'cap'}," \
	"'headerMac':null}"
#define MACHINE                                                                                           \
	"{'id':'/m','vmId':'99999999-2222-4333-8444-555555555555','name':'web-1','generation':5,"             \
	"'powerState':'running','cpus':2,'memoryMiB':512,'disks':[{'id':'/data','osDisk':false,'lun':0}," \
	"{'id':'" DISK_ID "','osDisk':true,'lun':null}]}"
#define ANSWER "{'revision':18,'cacheSeconds':3600,'disks':[" DISK "],'machines':[" MACHINE "]}"

static json_t *json_of(const char *text) {
	_cleanup_free_ char *copy = strdup(text);
	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json_t *json = json_loads(copy, 0, NULL);
	assert_non_null(json);
	return json;
}

static void test_whole(void **state) {
	(void)state;
	_cleanup_json_ json_t *json = json_of(ANSWER);
	_cleanup_desired_ struct desired d = {0};
	struct err err = {0};
	assert_int_equal(desired_parse(json, &d, &err), 0);
	assert_int_equal(d.revision, 18);
	assert_int_equal(d.cache_seconds, 3600);
	assert_int_equal(d.disk_count, 1);
	assert_string_equal(d.disks[0].identity_header, "cap");
	assert_null(d.disks[0].header_mac);
	assert_true(d.disks[0].present);
	assert_int_equal(d.machine_count, 1);
	const struct desired_machine *m = &d.machines[0];
	assert_int_equal(m->power, POWER_RUNNING);
	assert_int_equal(m->disk_count, 2);
	assert_string_equal(m->disks[0], DISK_ID);  // the one to boot from comes first
	assert_string_equal(m->disks[1], "/data");
}

static void test_outlives_the_answer(void **state) {
	(void)state;
	json_t *json = json_of(ANSWER);
	struct desired_machine copy = {0};
	{
		_cleanup_desired_ struct desired d = {0};
		assert_int_equal(desired_parse(json, &d, NULL), 0);
		desired_machine_copy(&d.machines[0], &copy);
	}
	json_decref(json);
	assert_string_equal(copy.name, "web-1");
	desired_machine_free(&copy);
}

static void test_absent_disk_needs_no_more(void **state) {
	(void)state;
	_cleanup_json_ json_t *json = json_of("{'revision':1,'cacheSeconds':1,'machines':[],'disks':[{'id':'/d',"
		"'uniqueId':'11111111-2222-4333-8444-555555555555','generation':3,'present':false}]}");
	_cleanup_desired_ struct desired d = {0};
	assert_int_equal(desired_parse(json, &d, NULL), 0);
	assert_false(d.disks[0].present);
}

// Each line puts one wrong thing in place of a right one.
static const struct {
	const char *right, *wrong, *names;
} negatives[] = {
	{"'revision':18", "'revision':-1", "revision"},
	{"'revision':18", "'revision':'18'", "revision"},
	{"'cacheSeconds':3600", "'cacheSeconds':0", "cacheSeconds"},
	{"'cacheSeconds':3600", "'cacheSeconds':86401", "cacheSeconds"},
	{"'uniqueId':'11111111-2222-4333-8444-555555555555'", "'uniqueId':'../../etc/passwd'", "uniqueId"},
	{"'uniqueId':'11111111-2222-4333-8444-555555555555'", "'uniqueId':7", "uniqueId"},
	{"'id':'" DISK_ID "','uniqueId'", "'id':'relative','uniqueId'", "id"},
	{"'id':'" DISK_ID "','uniqueId'", "'id':'/a\\nb','uniqueId'", "id"},
	{"'generation':3", "'generation':-3", "generation"},
	{"'generation':3", "'generation':3.5", "generation"},
	{"'present':true", "'present':1", "present"},
	{"'sizeBytes':8388608", "'sizeBytes':0", "sizeBytes"},
	{"'sizeBytes':8388608", "'sizeBytes':8388609", "sizeBytes"},
	{"'sizeBytes':8388608", "'sizeBytes':140737488355328", "sizeBytes"},
	{"'source':'file:///i/a.raw'", "'source':''", "source"},
	{"'source':'file:///i/a.raw'", "'source':[]", "source"},
	{"'keyUrl':'https://v.vault.azure.net/keys/k/1'", "'keyUrl':'http://v/keys/k/1'", "keyUrl"},
	{"'keyUrl':'https://v.vault.azure.net/keys/k/1'", "'keyUrl':'https://v/ k'", "keyUrl"},
	{"'diskEncryptionSetId':'/des'", "'diskEncryptionSetId':null", "diskEncryptionSetId"},
	{"'header':'cap'", "'header':'a\\r\\nX-Evil: 1'", "identity.header"},
	{"'clientId':'aaaaaaaa-2222-4333-8444-555555555555'", "'clientId':'a&b'", "identity.clientId"},
	{"'headerMac':null", "'headerMac':5", "headerMac"},
	{"'vmId':'99999999-2222-4333-8444-555555555555'", "'vmId':'x'", "vmId"},
	{"'name':'web-1'", "'name':'-display'", "name"},
	{"'name':'web-1'", "'name':'../web'", "name"},
	{"'name':'web-1'", "'name':'a,b'", "name"},
	{"'name':'web-1'", "'name':''", "name"},
	{"'powerState':'running'", "'powerState':'flying'", "powerState"},
	{"'powerState':'running'", "'powerState':'stopped','skipShutdown':'yes'", "skipShutdown"},
	{"'cpus':2", "'cpus':0", "cpus"},
	{"'cpus':2", "'cpus':256", "cpus"},
	{"'memoryMiB':512", "'memoryMiB':4194305", "memoryMiB"},
	{"'osDisk':true", "'osDisk':false", "disks"},
	{"'osDisk':false", "'osDisk':true", "disks"},
	{"'disks':[{'id':'/data'", "'disks':7,'other':[{'id':'/data'", "disks"},
	{"'machines':[" MACHINE "]", "'machines':[" MACHINE "," MACHINE "]", "id"},
	{"'disks':[" DISK "]", "'disks':[" DISK "," DISK "]", "id"},
	{"'disks':[" DISK "]", "'disks':{}", "disks"},
};

static void test_negatives(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(negatives); i++) {
		const char *at = strstr(ANSWER, negatives[i].right);
		assert_non_null(at);
		_cleanup_free_ char *text = strv_printf("%.*s%s%s", (int)(at - ANSWER), ANSWER, negatives[i].wrong,
			at + strlen(negatives[i].right));
		_cleanup_json_ json_t *json = json_of(text);
		struct desired d = {.revision = 77};
		struct err err = {0};
		_cleanup_free_ char *quoted = strv_printf("\"%s\"", negatives[i].names);
		if (desired_parse(json, &d, &err) != -EINVAL || !strstr(err.message, quoted))
			fail_msg("%s: %s", negatives[i].wrong, err.message);
		assert_string_equal(err.code, "InvalidDesiredState");
		assert_int_equal(d.revision, 77);
	}
}

static void test_too_many(void **state) {
	(void)state;
	_cleanup_json_ json_t *json = json_of(ANSWER);
	json_t *disks = json_object_get(json_array_get(json_object_get(json, "machines"), 0), "disks");
	for (size_t i = 2; i <= DESIRED_MACHINE_DISKS_MAX; i++)
		assert_int_equal(json_array_append_new(disks, json_pack("{s:s}", "id", "/x")), 0);
	struct desired d;
	assert_int_equal(desired_parse(json, &d, NULL), -EINVAL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_outlives_the_answer),
		cmocka_unit_test(test_absent_disk_needs_no_more),
		cmocka_unit_test(test_negatives),
		cmocka_unit_test(test_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
