// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens in compact form (RFC 7515, 7519): our own are RS256 alone. The algorithm is fixed by the
// code, never by the token: "none", HMAC names and embedded keys are refused.
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/key.h"

#define JWT_MAX_LEN 16384  // characters of a token that is looked at

// Signs a SHA-256 digest with RS256; a private key elsewhere (the keeper) stands behind ctx.
typedef int (*jwt_signer)(void *ctx, const uint8_t digest[static 32], struct buf *signature, struct err *err);

// Append the compact form of {"alg":"RS256","typ":"JWT","kid":kid,"x5t":kid} . claims to out.
int jwt_sign(const json_t *claims, const char *kid, jwt_signer sign, void *ctx, struct buf *out, struct err *err)
	_must_check_;

// Finds the public key of a kid; -ENOENT when there is none. *key is the caller's reference.
typedef int (*jwt_key_lookup)(void *ctx, const char *kid, struct key **key, struct err *err);

// Check form, header (alg RS256, no "crit"), signature. The caller owns *claims. Times, issuer and
// audience are the caller's to judge (jwt_check_times helps). Failures are -EBADMSG with 401 Unauthorized.
int jwt_verify(const char *token, size_t len, jwt_key_lookup lookup, void *ctx, json_t **claims, struct err *err)
	_must_check_;

// nbf <= now < exp, both present and integers, with `leeway` seconds either side. -EBADMSG otherwise.
int jwt_check_times(const json_t *claims, int64_t now, int64_t leeway, struct err *err) _must_check_;

// The header and the claims of a token that others sign: nothing is verified, which is for jwt_check_signature once they
// have said whose key it takes. -EBADMSG when it is not of the form, or asks for an extension ("crit").
int jwt_peek(const char *token, size_t len, json_t **header, json_t **claims, struct err *err) _must_check_;

// Does the signature hold under this RSA key? By the algorithm in the header, RS256 or PS256; -EBADMSG when it is another
// one or the signature does not hold. A key in the header, or its place, is not looked at.
int jwt_check_signature(const char *token, size_t len, struct key *key, struct err *err) _must_check_;
