// SPDX-License-Identifier: Apache-2.0
// Stands in for nbdkit-custodisk-plugin.so in the host agent's tests: serves the file itself, without a key. A file
// "refuse" in the data directory makes it fail to open; while there is a file "deny" every read and write fails.
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

static char *config_path;
static int fd = -1;

static int plugin_config(const char *key, const char *value) {
	if (strcmp(key, "config") != 0 || config_path)
		return -1;
	config_path = strdup(value);
	return config_path ? 0 : -1;
}

static int write_status(const char *path, const char *status) {
	return io_replace_file(path, status, strlen(status), 0600, NULL);
}

static int plugin_get_ready(void) {
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *config = NULL;
	if (!config_path || io_read_file(config_path, 65536, &text, NULL) < 0 ||
		json_parse(text.data, text.len, "Invalid", &config, NULL) < 0)
		return -1;
	const char *status = json_str(config, "statusFile");
	if (access("refuse", F_OK) == 0) {
		int rc = write_status(status, "{\"state\":\"failed\",\"code\":\"KeyVaultKeyNotEnabled\",\"message\":\"off\"}");
		return rc < 0 ? rc : -1;
	}
	fd = open(json_str(config, "disk.file"), O_RDWR | O_CLOEXEC);
	return fd < 0 || write_status(status, "{\"state\":\"open\",\"code\":\"\",\"message\":\"\"}") < 0 ? -1 : 0;
}

static void *plugin_open(int readonly) {
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t plugin_get_size(void *handle) {
	(void)handle;
	return lseek(fd, 0, SEEK_END);
}

static int plugin_pread(void *handle, void *data, uint32_t count, uint64_t offset, uint32_t flags) {
	(void)handle, (void)flags;
	if (access("deny", F_OK) != 0 && pread(fd, data, count, (off_t)offset) == (ssize_t)count)
		return 0;
	nbdkit_set_error(EIO);
	return -1;
}

static int plugin_pwrite(void *handle, const void *data, uint32_t count, uint64_t offset, uint32_t flags) {
	(void)handle, (void)flags;
	if (access("deny", F_OK) != 0 && io_pwrite_full(fd, data, count, (off_t)offset) == 0)
		return 0;
	nbdkit_set_error(EIO);
	return -1;
}

static void plugin_unload(void) {
	io_closep(&fd);
	strv_freep(&config_path);
}

static struct nbdkit_plugin plugin = {
	.name = "test",
	.version = "1",
	.unload = plugin_unload,
	.config = plugin_config,
	.get_ready = plugin_get_ready,
	.open = plugin_open,
	.get_size = plugin_get_size,
	.pread = plugin_pread,
	.pwrite = plugin_pwrite,
};
struct nbdkit_plugin *plugin_init(void);  // which the macro below defines
NBDKIT_REGISTER_PLUGIN(plugin)
