// SPDX-License-Identifier: Apache-2.0
// A certificate that an application proves itself with: its key, its dates, and what it is called by. Nobody has to have
// signed it, as in Entra.
#pragma once

#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/key.h"

#define CERTIFICATE_SHA1_SIZE 20
#define CERTIFICATE_MAX 16384  // bytes of DER

struct certificate {
	struct key *key;  // NULL unless it is an RSA key of 2048 to 4096 bits: no other signs what is taken here
	int64_t not_before, not_after;  // seconds since 1970
	uint8_t sha1[CERTIFICATE_SHA1_SIZE], sha256[HASH_SHA256_SIZE];  // over the DER
};

void certificate_free(struct certificate *c);
#define _cleanup_certificate_ _cleanup_(certificate_free)

// -EINVAL with 400 BadRequest when it is no X.509 certificate.
int certificate_read(const void *der, size_t len, struct certificate *out, struct err *err) _must_check_;
