// SPDX-License-Identifier: Apache-2.0
// custodisk-disk create|rewrap|inspect --config FILE
//
// Standard output carries one JSON object: {"keyUrl","headerMac","luksUuid","bytesWritten"}, or, with exit status 1,
// {"error": {"code", "message", "transient"}}. Exit status 2 means that the command line is wrong.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/strv.h"
#include "disk/access_errors.h"
#include "disk/create.h"
#include "disk/report.h"
#include "disk/rewrap.h"

enum { SECRET_HEAP = 1 << 18 };

struct facts {
	char key_url[SEALED_URL_MAX];
	char mac[SEALED_MAC_SIZE];
	char uuid[SEALED_UUID_SIZE];
	uint64_t bytes_written;
};

static void keep_facts(const struct opened *disk, struct facts *out) {
	memcpy(out->key_url, disk->token.key_url, sizeof(out->key_url));
	memcpy(out->mac, disk->mac, sizeof(out->mac));
}

static int do_create(const struct disk_config *config, struct azure_client *azure, struct facts *out, struct err *err) {
	_cleanup_opened_ struct opened disk = {0};
	int rc = create_disk(config, azure, &disk, out->uuid, &out->bytes_written, err);
	if (rc == 0)
		keep_facts(&disk, out);
	return rc;
}

static int do_rewrap(const struct disk_config *config, struct azure_client *azure, struct facts *out, struct err *err) {
	_cleanup_opened_ struct opened disk = {0};
	const struct rewrap rewrap = {.azure = azure, .file = config->file, .key_url = config->key_url,
		.disk_encryption_set = config->disk_encryption_set, .header_mac = config->header_mac};
	int rc = rewrap_disk(&rewrap, &disk, out->uuid, err);
	if (rc == 0)
		keep_facts(&disk, out);
	return rc;
}

static int do_inspect(const struct disk_config *config, struct azure_client *azure, struct facts *out, struct err *err) {
	_cleanup_opened_ struct opened disk = {0};
	_cleanup_(sealed_freep) struct sealed *s = NULL;
	int rc = sealed_load(config->file, &s, err);
	if (rc == 0)
		rc = access_open(s, azure, config->header_mac, config->disk_encryption_set, &disk, err);
	if (rc < 0)
		return rc;
	memcpy(out->uuid, sealed_uuid(s), sizeof(out->uuid));
	keep_facts(&disk, out);
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(const struct disk_config *config, struct azure_client *azure, struct facts *out, struct err *err);
} commands[] = {{"create", do_create}, {"rewrap", do_rewrap}, {"inspect", do_inspect}};

static int run(const struct command *command, const char *config_path, struct facts *out, struct err *err) {
	_cleanup_disk_config_ struct disk_config config = {0};
	_cleanup_(azure_client_freep) struct azure_client *azure = NULL;
	int rc = secret_init(SECRET_HEAP, err);
	if (rc == 0)
		rc = disk_config_read(config_path, &config, err);
	if (rc == 0 && config.clock_file)
		rc = clock_follow(config.clock_file, err);
	if (rc == 0)
		rc = azure_client_new(&config.route, &config.credential, &azure, err);
	return rc < 0 ? rc : command->run(&config, azure, out, err);
}

static int print(json_t *value) {
	_cleanup_json_ json_t *owned = value;
	_cleanup_free_ char *text = owned ? json_text(owned) : NULL;
	return text && printf("%s\n", text) > 0 && fflush(stdout) == 0 ? 0 : -EIO;
}

int main(int argc, char **argv) {
	const struct command *command = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(commands) && argc == 4; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			command = &commands[i];
	if (!command || strcmp(argv[2], "--config") != 0) {
		(void)fprintf(stderr, "usage: custodisk-disk create|rewrap|inspect --config FILE\n");
		return 2;
	}
	struct facts facts = {0};
	struct err err = {0};
	int rc = run(command, argv[3], &facts, &err);
	if (rc < 0) {
		(void)print(report_error(rc, &err));
		return 1;
	}
	return print(json_pack("{s:s, s:s, s:s, s:I}", "keyUrl", facts.key_url, "headerMac", facts.mac, "luksUuid", facts.uuid,
		"bytesWritten", (json_int_t)facts.bytes_written)) < 0;
}
