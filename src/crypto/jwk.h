// SPDX-License-Identifier: Apache-2.0
// Keys as JSON Web Keys (RFC 7517, 7518).
#pragma once

#include <jansson.h>

#include "crypto/key.h"

// {"kty":"RSA","n":…,"e":…} or {"kty":"EC","crv":…,"x":…,"y":…}, {"kty":"oct"}; the caller owns *out and may add members.
int jwk_from_public(const struct key_public *pub, json_t **out, struct err *err) _must_check_;

// kty RSA, EC or oct, or those with "-HSM" behind (the caller judges which may be). Numbers are strict base64url; leading
// zero octets of RSA numbers are dropped, coordinates may be shorter than the curve's length by leading zero octets.
int jwk_to_public(const json_t *jwk, struct key_public *out, struct err *err) _must_check_;

// With the private members. What of them stays in `jwk` is wiped when it is freed (base/json.h).
int jwk_to_private(const json_t *jwk, struct key_private *out, struct err *err) _must_check_;
