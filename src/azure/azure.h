// SPDX-License-Identifier: Apache-2.0
// Typed client of the public APIs: token endpoint, managed identity endpoint, Key Vault, Azure Resource
// Manager. The same calls reach custodisk or the real Azure; only the http_route differs.
// An azure_client belongs to one thread. Tokens are kept until shortly before they end; a service that answers
// 401 to a kept token is asked once more with a new one. All other retries are the caller's.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "net/http_client.h"

// Where tokens come from. Strings are borrowed and must outlive the client.
struct azure_credential {
	// Client credentials (RFC 6749 4.4), when tenant is set.
	const char *tenant, *client_id, *client_secret;
	// Managed identity, when identity_endpoint is set: GET endpoint?api-version=2019-08-01&resource=…&client_id=…
	// with X-IDENTITY-HEADER and Metadata: true.
	const char *identity_endpoint, *identity_header, *identity_client_id;
};

struct azure_client;

int azure_client_new(const struct http_route *route, const struct azure_credential *credential, struct azure_client **out,
	struct err *err) _must_check_;
void azure_client_free(struct azure_client *c);
static inline void azure_client_freep(struct azure_client **c) {
	azure_client_free(*c);
}

#define AZURE_VAULT_RESOURCE "https://vault.azure.net"
#define AZURE_HSM_RESOURCE "https://managedhsm.azure.net"
#define AZURE_ARM_RESOURCE "https://management.azure.com"

// Service errors: err carries the service's status, code, innererror.code and message, and the return value is
// -EACCES (401, 403), -ENOENT (404), -EEXIST (409), -EAGAIN (408, 429, 5xx and no answer at all), -EINVAL (other 4xx),
// -EBADMSG (a success whose body is not what the API promises; 502 BadGateway).

// When no token could be had, err->inner is this, whatever the token endpoint said in code and message.
#define AZURE_INNER_TOKEN "AccessTokenCannotBeAcquired"

// A key's public state. `url` may have a version or none (the newest).
//
// A key URL is https://{vault}.vault.azure.net/keys/… or https://{pool}.managedhsm.azure.net/keys/… and nothing
// else: a token for vaults is never sent to another host. -EINVAL with 400 BadParameter otherwise.
struct azure_key {
	char kid[512];
	bool enabled;
	int64_t nbf, exp;  // 0 when unset
};
int azure_key_get(struct azure_client *c, const char *key_url, struct azure_key *out, struct err *err) _must_check_;

// `alg` is "RSA-OAEP" or "RSA-OAEP-256"; the key URL is versioned. `kid` of the answer must equal the URL's key.
int azure_key_wrap(struct azure_client *c, const char *key_url, const char *alg, const struct secret *plaintext,
	struct buf *wrapped, struct err *err) _must_check_;
int azure_key_unwrap(struct azure_client *c, const char *key_url, const char *alg, const void *wrapped, size_t len,
	struct secret *plaintext, struct err *err) _must_check_;

// One ARM call. `path` starts with '/', with query; body may be NULL. The caller owns *reply (may be NULL when the
// answer has no body). *status is the HTTP status of a success. The Azure-AsyncOperation or Location URL, if any,
// is copied to `operation` (at least AZURE_URL_MAX bytes) or it is made empty.
#define AZURE_URL_MAX 1024
int azure_arm(struct azure_client *c, const char *method, const char *path, const json_t *body, json_t **reply,
	int *status, char *operation, struct err *err) _must_check_;

// Poll an operation URL until it ends; error of a failed operation in err. `timeout_seconds` bounds the wait (-ETIMEDOUT).
// A failed operation is -ECANCELED. Answers that may pass (-EAGAIN) are waited out.
int azure_arm_wait(struct azure_client *c, const char *operation, unsigned timeout_seconds, struct err *err) _must_check_;

// custodisk's own (docs/operations/sign-in.md): decide over a device code that waits, for a user, or decline it (NULL). The
// caller owns *reply, which tells for whom and for what.
int azure_device_decide(struct azure_client *c, const char *user_code, const char *user, json_t **reply, struct err *err)
	_must_check_;
