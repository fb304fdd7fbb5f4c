// SPDX-License-Identifier: Apache-2.0
// RSA public keys as JSON Web Keys (RFC 7517): kty, n, e.
#pragma once

#include <jansson.h>

#include "crypto/rsa.h"

// {"kty":"RSA","n":…,"e":…}; the caller owns *out and may add members.
int jwk_from_rsa(const struct rsa_public *pub, json_t **out, struct err *err) _must_check_;

// Strict: kty "RSA", n and e base64url. Leading zero octets of e and n are accepted and dropped.
int jwk_to_rsa(const json_t *jwk, struct rsa_public *out, struct err *err) _must_check_;
