// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "disk/config.h"

static const char good[] =
	"{\"environment\":{\"httpsSocket\":\"/s\",\"httpSocket\":\"/p\",\"caFile\":\"/c\",\"clockFile\":\"/t\"},"
	"\"identity\":{\"endpoint\":\"http://169.254.169.254/metadata/identity/oauth2/token\",\"header\":\"h\",\"clientId\":\"i\"},"
	"\"disk\":{\"id\":\"/d\",\"file\":\"/f\",\"diskEncryptionSetId\":\"/e\",\"keyUrl\":\"https://k\",\"headerMac\":null,"
	"\"sizeBytes\":1048576,\"importDir\":\"/import\",\"source\":\"file:///import/x\"},"
	"\"cacheSeconds\":60,\"statusFile\":\"/status\"}";

static char path[] = "/tmp/test-config-XXXXXX";

static int set_up(void **state) {
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state) {
	(void)state;
	return unlink(path);
}

static int read_text(const char *text, mode_t mode, struct disk_config *out, struct err *err) {
	assert_int_equal(io_replace_file(path, text, strlen(text), mode, NULL), 0);
	return disk_config_read(path, out, err);
}

// The good configuration with one member replaced, or removed when value is NULL.
static char *changed(const char *object, const char *name, const char *value) {
	json_t *json = NULL;
	assert_int_equal(json_parse(good, strlen(good), "X", &json, NULL), 0);
	json_t *at = json_at(json, object);
	if (value)
		assert_int_equal(json_set(at, name, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
	else
		assert_int_equal(json_object_del(at, name), 0);
	char *text = json_text(json);
	json_decref(json);
	return text;
}

static void test_everything_is_read(void **state) {
	(void)state;
	_cleanup_disk_config_ struct disk_config c = {0};
	assert_int_equal(read_text(good, 0600, &c, NULL), 0);
	assert_string_equal(c.route.https_socket, "/s");
	assert_string_equal(c.route.http_socket, "/p");
	assert_string_equal(c.route.ca_file, "/c");
	assert_string_equal(c.clock_file, "/t");
	assert_string_equal(c.credential.identity_header, "h");
	assert_string_equal(c.credential.identity_client_id, "i");
	assert_null(c.credential.tenant);
	assert_string_equal(c.file, "/f");
	assert_string_equal(c.disk_encryption_set, "/e");
	assert_string_equal(c.key_url, "https://k");
	assert_null(c.header_mac);
	assert_string_equal(c.source, "file:///import/x");
	assert_string_equal(c.status_file, "/status");
	assert_int_equal(c.size, 1048576);
	assert_int_equal(c.cache_seconds, 60);
}

static void test_wrong_members(void **state) {
	(void)state;
	static const struct {
		const char *object, *name, *value;
	} cases[] = {{"identity", "endpoint", NULL}, {"disk", "file", NULL}, {"disk", "file", "\"\""}, {"disk", "file", "3"},
		{"disk", "keyUrl", NULL}, {"disk", "diskEncryptionSetId", NULL}, {"disk", "id", NULL}, {"disk", "headerMac", "7"},
		{"disk", "source", "{}"}, {"disk", "importDir", NULL}, {"disk", "sizeBytes", NULL}, {"disk", "sizeBytes", "0"},
		{"disk", "sizeBytes", "-4096"}, {"disk", "sizeBytes", "4097"}, {"disk", "sizeBytes", "\"4096\""},
		{"disk", "sizeBytes", "9223372036854771712"}, {"", "cacheSeconds", "0"}, {"", "cacheSeconds", "86401"},
		{"", "cacheSeconds", NULL}, {"", "statusFile", "1"}, {"environment", "caFile", "[]"},
		{"environment", "clockFile", "1"}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct disk_config c = {0};
		struct err err = {0};
		char *text = changed(cases[i].object, cases[i].name, cases[i].value);
		assert_int_equal(read_text(text, 0600, &c, &err), -EINVAL);
		assert_string_equal(err.code, "InvalidConfiguration");
		assert_non_null(strstr(err.message, cases[i].name));
		assert_null(c.json);
		free(text);
	}
}

static void test_files_others_can_read_are_refused(void **state) {
	(void)state;
	struct disk_config c = {0};
	struct err err = {0};
	assert_int_equal(read_text(good, 0640, &c, &err), -EPERM);
	assert_int_equal(read_text(good, 0604, &c, &err), -EPERM);
	assert_int_equal(read_text("{", 0600, &c, &err), -EINVAL);
	assert_int_equal(disk_config_read("/nonexistent/file", &c, &err), -ENOENT);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_read),
		cmocka_unit_test(test_wrong_members),
		cmocka_unit_test(test_files_others_can_read_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
