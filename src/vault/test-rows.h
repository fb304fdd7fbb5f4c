// SPDX-License-Identifier: Apache-2.0
// For the tests of this room that need rows and no more: a database for the program, a transaction for each test.
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "store/test-scratch.h"
#include "vault/internal.h"

static struct scratch scratch;
static struct store *store;

static inline int set_up(void **state) {
	(void)state;
	return scratch_make(&scratch) < 0 ? -1 : store_open(scratch.path, &store, NULL);
}

static inline int tear_down(void **state) {
	(void)state;
	store_close(store);
	return scratch_remove(&scratch);
}

// Every test runs in a transaction that is rolled back. `vault` is saved in it; NULL for none.
static inline struct store_tx *begin(const struct vault_record *vault) {
	struct store_tx *tx = NULL;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, NULL), 0);
	if (vault)
		assert_int_equal(vault_save(tx, vault, NULL), 0);
	return tx;
}

static inline json_t *parsed(const char *text) {
	json_t *value = NULL;
	struct err err = {0};
	if (json_parse(text, strlen(text), "x", &value, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return value;
}
