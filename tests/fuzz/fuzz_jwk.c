// SPDX-License-Identifier: Apache-2.0
// Keys as JSON Web Keys: the whole input is the text of one.
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "crypto/jwk.h"

// The proof that the halves of a larger key are primes takes most of a second.
enum { RSA_BITS_CHECKED = 2048 };

#define _cleanup_private_ _cleanup_(key_private_free)

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
	return 0;
}

static void must_be_public_half(const struct key *key, const struct key_public *pub) {
	struct key_public shown;
	must(key_public_of(key, &shown, NULL) == 0);
	must(memcmp(&shown, pub, sizeof(shown)) == 0);
}

// What is read is shown, and read again.
static void must_be_shown(const struct key_public *pub) {
	_cleanup_json_ json_t *shown = NULL;
	struct key_public again;
	must(jwk_from_public(pub, &shown, NULL) == 0);
	must(jwk_to_public(shown, &again, NULL) == 0);
	must(memcmp(&again, pub, sizeof(again)) == 0);
}

static void load_public(const json_t *jwk) {
	struct key_public pub;
	struct err err = {0};
	_cleanup_pkey_ struct key *key = NULL;
	if (jwk_to_public(jwk, &pub, &err) < 0) {
		must(err.status == 400);
		return;
	}
	must_be_shown(&pub);
	int rc = key_from_public(&pub, &key, &err);
	must(rc == 0 || (rc == -EINVAL && err.status == 400 && !key));
	if (rc == 0)
		must_be_public_half(key, &pub);
}

static void load_private(json_t *jwk) {
	_cleanup_private_ struct key_private material = {0};
	struct err err = {0};
	_cleanup_pkey_ struct key *key = NULL, *again = NULL;
	_cleanup_secret_ struct secret encoded = {0};
	if (jwk_to_private(jwk, &material, &err) < 0) {
		must(err.status == 400);
		return;
	}
	if (material.pub.kind == KEY_KIND_RSA && material.pub.bits > RSA_BITS_CHECKED)
		return;
	int rc = key_from_private(&material, &key, &err);
	must(rc == 0 || (rc == -EINVAL && err.status == 400 && !key));
	if (rc < 0)
		return;
	must_be_public_half(key, &material.pub);
	must(key_encode(key, &encoded, NULL) == 0);
	must(key_from_encoded(key_kind(key), encoded.data, encoded.len, &again, NULL) == 0);
	must_be_public_half(again, &material.pub);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_json_ json_t *jwk = NULL;
	if (json_parse(data, size, "BadParameter", &jwk, NULL) < 0)
		return 0;
	load_public(jwk);
	load_private(jwk);
	return 0;
}
