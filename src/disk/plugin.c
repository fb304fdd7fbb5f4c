// SPDX-License-Identifier: Apache-2.0
// nbdkit plugin that serves a sealed disk:  nbdkit -f -U SOCKET nbdkit-custodisk-plugin.so config=FILE
//
// The socket appears when the disk is open. A disk that cannot be opened makes nbdkit exit with a failure; standard
// output and the status file say why. While the customer's key is not usable every read and write fails with EIO.
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/strv.h"
#include "disk/blocks.h"
#include "disk/config.h"
#include "disk/lock.h"
#include "disk/report.h"
#include "disk/watch.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

enum { SECRET_HEAP = 1 << 18, BLOCK_MIN = 512, BLOCK_PREFERRED = 4096 };

static char *config_path;
static struct disk_config config;
static pid_t opener;
static int disk_fd = -1;
static struct door *door;
static struct watch *watch;
static struct blocks *blocks;

static int plugin_config(const char *key, const char *value) {
	if (strcmp(key, "config") != 0) {
		nbdkit_error("unknown parameter: %s", key);
		return -1;
	}
	if (config_path) {
		nbdkit_error("config is given twice");
		return -1;
	}
	config_path = nbdkit_absolute_path(value);
	return config_path ? 0 : -1;
}

static int plugin_config_complete(void) {
	if (config_path)
		return 0;
	nbdkit_error("config=FILE is missing");
	return -1;
}

static int open_disk(struct err *err) {
	int rc = secret_init(SECRET_HEAP, err);
	if (rc == 0)
		rc = disk_config_read(config_path, &config, err);
	if (rc == 0 && config.clock_file)
		rc = clock_follow(config.clock_file, err);
	if (rc < 0)
		return rc;
	disk_fd = disk_open_locked(config.file, DISK_DATA, err);
	if (disk_fd < 0)
		return disk_fd;
	rc = door_new(&door, err);
	if (rc == 0)
		rc = blocks_new(disk_fd, config.size, door, &blocks, err);
	if (rc == 0)
		rc = watch_open(&config, door, &watch, err);
	return rc;
}

static void tell_failure(int rc, const struct err *err) {
	_cleanup_json_ json_t *value = report_error(rc, err);
	_cleanup_free_ char *text = value ? json_text(value) : NULL;
	if (text) {
		(void)printf("%s\n", text);
		(void)fflush(stdout);
	}
	struct err why;
	if (config.status_file && report_status(config.status_file, REPORT_FAILED, err, "", &why) < 0)
		nbdkit_error("%s", why.message);
	nbdkit_error("%s: %s", err->code, err->message);
}

static int plugin_get_ready(void) {
	struct err err = {0};
	opener = getpid();
	int rc = open_disk(&err);
	if (rc < 0)
		tell_failure(rc, &err);
	return rc < 0 ? -1 : 0;
}

static int plugin_after_fork(void) {
	struct err err = {0};
	// Locked memory is not inherited: the key would be in memory that may be swapped out.
	if (getpid() != opener) {
		nbdkit_error("the disk can only be served in the foreground: use nbdkit -f");
		return -1;
	}
	if (watch_start(watch, &err) == 0)
		return 0;
	nbdkit_error("%s", err.message);
	return -1;
}

static void plugin_unload(void) {
	watch_free(watch);
	blocks_free(blocks);
	door_free(door);
	io_closep(&disk_fd);
	disk_config_free(&config);
	strv_freep(&config_path);
}

// Connections share everything.
static void *plugin_open(int readonly) {
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t plugin_get_size(void *handle) {
	(void)handle;
	return (int64_t)config.size;
}

static int plugin_can_multi_conn(void *handle) {
	(void)handle;
	return 1;
}

static int plugin_block_size(void *handle, uint32_t *minimum, uint32_t *preferred, uint32_t *maximum) {
	(void)handle;
	*minimum = BLOCK_MIN;
	*preferred = BLOCK_PREFERRED;
	*maximum = UINT32_MAX;
	return 0;
}

// A guest learns that its I/O failed, not why: that is in the status file.
static int result_of(int rc, const char *what) {
	if (rc == 0)
		return 0;
	if (rc == -EACCES) {
		nbdkit_debug("%s: the disk's key is not usable", what);
		nbdkit_set_error(EIO);
	} else {
		nbdkit_error("%s: %s", what, strerror(-rc));
		nbdkit_set_error(-rc);
	}
	return -1;
}

static int plugin_pread(void *handle, void *data, uint32_t count, uint64_t offset, uint32_t flags) {
	(void)handle;
	(void)flags;
	return result_of(blocks_read(blocks, data, count, offset), "read");
}

static int plugin_pwrite(void *handle, const void *data, uint32_t count, uint64_t offset, uint32_t flags) {
	(void)handle;
	(void)flags;  // FUA becomes a flush after the write
	return result_of(blocks_write(blocks, data, count, offset), "write");
}

static int plugin_flush(void *handle, uint32_t flags) {
	(void)handle;
	(void)flags;
	return result_of(blocks_flush(blocks), "flush");
}

// No trim: it would show which sectors are free. No zero: nbdkit writes zeros through pwrite, which encrypts them.
static struct nbdkit_plugin plugin = {
	.name = "custodisk",
	.version = CUSTODISK_VERSION,
	.longname = "custodisk sealed disk",
	.description = "Serves a LUKS2 disk whose key is wrapped by a customer-managed key.",
	.magic_config_key = "config",
	.config = plugin_config,
	.config_complete = plugin_config_complete,
	.config_help = "config=<FILE>  (required)  The disk's configuration, a JSON file of mode 0600.",
	.get_ready = plugin_get_ready,
	.after_fork = plugin_after_fork,
	.unload = plugin_unload,
	.open = plugin_open,
	.get_size = plugin_get_size,
	.can_multi_conn = plugin_can_multi_conn,
	.block_size = plugin_block_size,
	.pread = plugin_pread,
	.pwrite = plugin_pwrite,
	.flush = plugin_flush,
};

// What the macro defines, and the header does not declare.
extern struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
