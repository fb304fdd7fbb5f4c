// SPDX-License-Identifier: Apache-2.0
// The configuration of one disk process: a JSON file that only its owner can read, because it holds the capability
// to ask for the disk encryption set's tokens.
//
// {"environment": {"httpsSocket", "httpSocket", "caFile",             how to reach the services; all optional
//                  "clockFile"},                                      the instance's clock (base/clock.h); optional
//  "identity": {"endpoint", "header", "clientId"},                    header and clientId optional
//  "disk": {"id", "file", "diskEncryptionSetId", "keyUrl", "sizeBytes", "headerMac", "importDir", "source"},
//  "cacheSeconds": 3600, "statusFile": "/…"}                          from headerMac on, and statusFile: optional
#pragma once

#include "azure/azure.h"

#define CONFIG_DISK_SIZE_MAX (1ull << 46)  // bytes

struct disk_config {
	json_t *json;  // owns the strings below
	struct http_route route;
	struct azure_credential credential;
	const char *id, *file, *disk_encryption_set, *key_url;
	const char *header_mac;  // NULL before the control plane has recorded one
	const char *import_dir, *source;  // NULL for an empty disk
	const char *status_file;          // NULL for none
	const char *clock_file;           // NULL for the real time
	uint64_t size;                    // bytes of data, a multiple of 4096
	int64_t cache_seconds;
};

// 400 InvalidConfiguration says which member is wrong. The caller frees *out.
int disk_config_read(const char *path, struct disk_config *out, struct err *err) _must_check_;
void disk_config_free(struct disk_config *c);
#define _cleanup_disk_config_ _cleanup_(disk_config_free)
