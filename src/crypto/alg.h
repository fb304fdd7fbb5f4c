// SPDX-License-Identifier: Apache-2.0
// The algorithms this program knows, by their JOSE names (RFC 7518, Key Vault REST reference). A
// name that is not in the table does not exist.
#pragma once

#include <stddef.h>

enum key_alg {
	KEY_ALG_NONE,
	KEY_ALG_RSA_OAEP,      // "RSA-OAEP": RSAES-OAEP, SHA-1 and MGF1-SHA-1 (RFC 8017)
	KEY_ALG_RSA_OAEP_256,  // "RSA-OAEP-256": SHA-256 and MGF1-SHA-256
	KEY_ALG_RS256,         // "RS256": RSASSA-PKCS1-v1_5, SHA-256; signs a 32-byte digest
};

// Exact, case-sensitive match as in JOSE; KEY_ALG_NONE when unknown.
enum key_alg alg_by_name(const char *name);
const char *alg_name(enum key_alg alg);

// The longest plaintext (bytes) that the algorithm wraps under a modulus of so many bytes; 0 when it cannot wrap.
size_t alg_max_plaintext(enum key_alg alg, size_t modulus_bytes);
