// SPDX-License-Identifier: Apache-2.0
// For tests: a managed identity endpoint and a vault with three versions of a real RSA key, which answer over real
// HTTP as the reference says (A.2, A.4, A.10), and a folder for files.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "disk/config.h"

#define TEST_KEYS 3
#define TEST_ENCRYPTION_SET "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/des"

enum test_mode {
	TEST_OK,
	TEST_FORBIDDEN,      // 403 ForbiddenByRbac
	TEST_UNAVAILABLE,    // 503 from the vault
	TEST_NO_TOKEN,       // the identity is gone
	TEST_HANG,           // the vault answers after hang_ms only
};

struct test_vault {
	char folder[64];
	_Atomic enum test_mode mode;
	atomic_int hang_ms;
	atomic_int requests;    // that the vault has seen
	atomic_int fail_after;  // from this number of requests on it is TEST_UNAVAILABLE; negative for never
	struct {
		atomic_bool enabled, deleted;
		_Atomic int64_t nbf, exp;
	} keys[TEST_KEYS];
};

// Ends the test program when it cannot be made.
struct test_vault *test_vault_start(void);
void test_vault_stop(struct test_vault *v);  // removes the folder and everything in it

// Every key usable, every answer given.
void test_vault_reset(struct test_vault *v);

const char *test_key_url(unsigned key);

// A configuration for folder/name under a key; source may be NULL. Written to folder/name.json, its path in path.
void test_config(struct test_vault *v, const char *name, unsigned key, uint64_t size, const char *source, const char *mac,
	int64_t cache_seconds, char path[static 128]);
