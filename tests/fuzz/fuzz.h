// SPDX-License-Identifier: Apache-2.0
// What every fuzzer has: libFuzzer's entry points, and a test that ends the program with what did not hold.
//
// Only the fuzzer of the whole server calls secret_init: without the locked heap, secrets come from the ordinary one, where
// the sanitizer sees every access beyond their ends.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define must(expression) \
	do { \
		if (!(expression)) { \
			(void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #expression); \
			abort(); \
		} \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
