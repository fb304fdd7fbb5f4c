// SPDX-License-Identifier: Apache-2.0
// What every test of this room needs: cmocka with its prerequisites, and hex.
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/enc.h"
#include "base/macros.h"

// The bytes of a hex string, to be freed with buf_free.
static inline struct buf test_hex(const char *hex) {
	struct buf out = {0};
	assert_int_equal(dec_hex(&out, hex, strlen(hex)), 0);
	return out;
}
