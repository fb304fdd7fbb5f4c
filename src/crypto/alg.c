// SPDX-License-Identifier: Apache-2.0
#include "crypto/alg.h"

#include <string.h>

#include "base/macros.h"

static const struct {
	const char *name;
	size_t oaep_hash;  // bytes of the OAEP hash, 0 when the algorithm does not wrap
} algs[] = {
	[KEY_ALG_NONE] = {"", 0},
	[KEY_ALG_RSA_OAEP] = {"RSA-OAEP", 20},
	[KEY_ALG_RSA_OAEP_256] = {"RSA-OAEP-256", 32},
	[KEY_ALG_RS256] = {"RS256", 0},
};

enum key_alg alg_by_name(const char *name) {
	for (size_t i = KEY_ALG_NONE + 1; i < ARRAY_SIZE(algs); i++)
		if (strcmp(algs[i].name, name) == 0)
			return (enum key_alg)i;
	return KEY_ALG_NONE;
}

const char *alg_name(enum key_alg alg) {
	return (size_t)alg < ARRAY_SIZE(algs) ? algs[alg].name : "";
}

size_t alg_max_plaintext(enum key_alg alg, size_t modulus_bytes) {
	size_t hash = (size_t)alg < ARRAY_SIZE(algs) ? algs[alg].oaep_hash : 0;
	// RFC 8017 section 7.1.1: mLen <= k - 2hLen - 2.
	return hash > 0 && modulus_bytes > 2 * hash + 2 ? modulus_bytes - 2 * hash - 2 : 0;
}
