// SPDX-License-Identifier: Apache-2.0
#include "keeper/protocol.h"

#include "base/macros.h"

static const struct {
	uint8_t wire;
	enum key_alg alg;
} algs[] = {
	{1, KEY_ALG_RSA_OAEP},
	{2, KEY_ALG_RSA_OAEP_256},
	{3, KEY_ALG_RS256},
};

uint8_t keeper_wire_of_alg(enum key_alg alg) {
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].alg == alg)
			return algs[i].wire;
	return 0;
}

enum key_alg keeper_alg_of_wire(uint8_t wire) {
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].wire == wire)
			return algs[i].alg;
	return KEY_ALG_NONE;
}
