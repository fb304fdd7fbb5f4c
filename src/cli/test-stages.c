// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/strv.h"
#include "cli/datadir.h"
#include "cli/stages.h"

static char *folder;

static int set_up(void **state) {
	(void)state;
	char name[] = "/tmp/stages-XXXXXX";
	if (!mkdtemp(name))
		return -1;
	folder = strdup(name);
	return folder ? 0 : -1;
}

static int tear_down(void **state) {
	(void)state;
	int rc = datadir_remove(folder, NULL);
	free(folder);
	return rc;
}

static void write_file(const char *name, const char *text) {
	_cleanup_free_ char *path = strv_printf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static int read_stages(const char *text, struct stages *out, struct err *err) {
	_cleanup_free_ char *path = strv_printf("%s/STAGES.json", folder);
	write_file("STAGES.json", text);
	return stages_read(path, out, err);
}

static void write_templates(void) {
	write_file("a.json", "{\"parameters\":{\"prefix\":{\"type\":\"string\"},\"size\":{\"type\":\"int\",\"defaultValue\":3}}}");
	write_file("b.json", "{\"parameters\":{\"id\":{\"type\":\"string\"},\"prefix\":{\"type\":\"string\"}}}");
	write_file("b.parameters.json", "\xef\xbb\xbf{\"parameters\":{\"prefix\":{\"value\":\"own\"}}}");
}

static void test_parameters_come_from_where_they_should(void **state) {
	(void)state;
	_cleanup_stages_ struct stages s = {0};
	struct err err = {0};
	write_templates();
	assert_int_equal(read_stages("{\"location\":\"westeurope\",\"parameters\":{\"prefix\":\"p\",\"unused\":1},\"stages\":["
				     "{\"name\":\"one\",\"template\":\"a.json\"},"
				     "{\"name\":\"two\",\"resourceGroup\":\"rg\",\"template\":\"b.json\",\"parameters\":\"b.parameters.json\","
				     "\"inputs\":{\"id\":\"one.vaultId\"}}]}", &s, &err), 0);
	assert_int_equal(s.count, 2);
	assert_null(s.at[0].group);
	assert_string_equal(s.at[1].group, "rg");
	assert_string_equal(json_str(s.at[0].parameters, "prefix.value"), "p");
	assert_int_equal(json_object_size(s.at[0].parameters), 1);
	assert_string_equal(json_str(s.at[1].parameters, "prefix.value"), "own");
	_cleanup_json_ json_t *outputs = json_pack("{s:{s:{s:s, s:s}}}", "one", "vaultId", "type", "String", "value", "/x");
	_cleanup_json_ json_t *parameters = NULL, *none = NULL;
	assert_int_equal(stage_parameters(&s.at[1], outputs, &parameters, &err), 0);
	assert_string_equal(json_str(parameters, "id.value"), "/x");
	assert_int_equal(stage_parameters(&s.at[1], NULL, &none, &err), -ENOENT);
	assert_null(none);
}

static void test_what_is_refused(void **state) {
	(void)state;
	static const char *const bad[] = {
		"[]",
		"{\"stages\":[{\"name\":\"one\",\"template\":\"b.json\"}]}",
		"{\"location\":\"l\",\"stages\":[]}",
		"{\"location\":\"l\",\"stages\":[{}],\"other\":1}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"one\"}]}",
		"{\"location\":\"l\",\"stages\":[{\"template\":\"a.json\"}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"o/ne\",\"template\":\"a.json\"}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"o.ne\",\"template\":\"a.json\",\"parameters\":{\"prefix\":\"p\"}}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"one\",\"template\":\"none.json\"}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"one\",\"template\":\"a.json\"}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"one\",\"template\":\"a.json\",\"parameters\":{\"prefix\":\"p\",\"x\":1}}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"one\",\"template\":\"a.json\",\"parameters\":7}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"one\",\"template\":\"a.json\",\"inputs\":{\"prefix\":\"one.x\"}}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"one\",\"template\":\"a.json\",\"inputs\":{\"prefix\":\"x\"}}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"one\",\"template\":\"a.json\",\"parameters\":{\"prefix\":\"p\"},\"what\":1}]}",
		"{\"location\":\"l\",\"stages\":[{\"name\":\"one\",\"resourceGroup\":\"a b\",\"template\":\"a.json\",\"parameters\":{\"prefix\":\"p\"}}]}",
		"{\"location\":\"l\",\"parameters\":{\"prefix\":\"p\"},\"stages\":[{\"name\":\"one\",\"template\":\"a.json\"},"
		"{\"name\":\"one\",\"template\":\"a.json\"}]}",
	};
	write_templates();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct stages s = {0};
		struct err err = {0};
		if (read_stages(bad[i], &s, &err) >= 0)
			fail_msg("taken: %s", bad[i]);
		assert_true(err.message[0]);
		assert_int_equal(s.count, 0);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parameters_come_from_where_they_should, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_refused, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
