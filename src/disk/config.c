// SPDX-License-Identifier: Apache-2.0
#include "disk/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "disk/xts.h"

enum { FILE_MAX = 65536, CACHE_SECONDS_MAX = 86400 };

static int invalid(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 400, "InvalidConfiguration", "The configuration's \"%s\" is missing or invalid.", what);
}

static int check_private(const char *path, struct err *err) {
	struct stat st;
	if (stat(path, &st) < 0)
		return err_errno(err, -errno, "cannot read %s", path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, -EPERM, 400, "InvalidConfiguration", "Others than its owner can read %s; make its mode 0600.", path);
	return 0;
}

// A member that may be missing, but not be of another type.
static int optional_text(const json_t *json, const char *path, const char **out, struct err *err) {
	const json_t *value = json_at(json, path);
	if (value && !json_is_null(value) && !json_is_string(value))
		return invalid(err, path);
	*out = json_string_value(value);
	return 0;
}

static int required_text(const json_t *json, const char *path, const char **out, struct err *err) {
	const char *text = json_str(json, path);
	if (!text || !text[0])
		return invalid(err, path);
	*out = text;
	return 0;
}

static int read_texts(struct disk_config *c, struct err *err) {
	const struct {
		const char *path;
		const char **out;
		int (*read)(const json_t *json, const char *path, const char **out, struct err *err);
	} members[] = {
		{"environment.httpsSocket", &c->route.https_socket, optional_text},
		{"environment.httpSocket", &c->route.http_socket, optional_text},
		{"environment.caFile", &c->route.ca_file, optional_text},
		{"environment.clockFile", &c->clock_file, optional_text},
		{"identity.endpoint", &c->credential.identity_endpoint, required_text},
		{"identity.header", &c->credential.identity_header, optional_text},
		{"identity.clientId", &c->credential.identity_client_id, optional_text},
		{"disk.id", &c->id, required_text},
		{"disk.file", &c->file, required_text},
		{"disk.diskEncryptionSetId", &c->disk_encryption_set, required_text},
		{"disk.keyUrl", &c->key_url, required_text},
		{"disk.headerMac", &c->header_mac, optional_text},
		{"disk.importDir", &c->import_dir, optional_text},
		{"disk.source", &c->source, optional_text},
		{"statusFile", &c->status_file, optional_text},
	};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		int rc = members[i].read(c->json, members[i].path, members[i].out, err);
		if (rc < 0)
			return rc;
	}
	return c->source && !c->import_dir ? invalid(err, "disk.importDir") : 0;
}

static int read_numbers(struct disk_config *c, struct err *err) {
	int64_t size = json_int(c->json, "disk.sizeBytes", 0);
	if (size <= 0 || (uint64_t)size > CONFIG_DISK_SIZE_MAX || size % XTS_SECTOR_SIZE != 0)
		return invalid(err, "disk.sizeBytes");
	c->size = (uint64_t)size;
	c->cache_seconds = json_int(c->json, "cacheSeconds", 0);
	if (c->cache_seconds <= 0 || c->cache_seconds > CACHE_SECONDS_MAX)
		return invalid(err, "cacheSeconds");
	return 0;
}

int disk_config_read(const char *path, struct disk_config *out, struct err *err) {
	_cleanup_disk_config_ struct disk_config c = {0};
	_cleanup_buf_ struct buf text = {0};
	int rc = check_private(path, err);
	if (rc == 0)
		rc = io_read_file(path, FILE_MAX, &text, err);
	if (rc == 0)
		rc = json_parse(text.data, text.len, "InvalidConfiguration", &c.json, err);
	if (rc == 0)
		rc = read_texts(&c, err);
	if (rc == 0)
		rc = read_numbers(&c, err);
	if (rc < 0)
		return rc;
	*out = c;
	c.json = NULL;
	return 0;
}

void disk_config_free(struct disk_config *c) {
	json_decref(c->json);
	*c = (struct disk_config){0};
}
