// SPDX-License-Identifier: Apache-2.0
// The identity provider: tenants, applications, service principals, managed identities; the login and instance
// metadata faces; and the check of tokens for every other face. Tokens are RS256, signed by a key that only the
// keeper can use.
#pragma once

#include "access/caller.h"
#include "base/enc.h"
#include "base/secret.h"
#include "keeper/client.h"
#include "net/http_server.h"
#include "store/store.h"

struct entra;

// Loads the signing keys, or makes and stores one on first use. Borrows store and keeper. Safe for use by many threads.
int entra_open(struct store *store, struct keeper_client *keeper, struct entra **out, struct err *err) _must_check_;
void entra_close(struct entra *e);
static inline void entra_closep(struct entra **e) {
	entra_close(*e);
}

struct entra_principal {
	char tenant_id[ENC_UUID_SIZE];
	char app_id[ENC_UUID_SIZE];     // clientId of a managed identity
	char object_id[ENC_UUID_SIZE];  // principalId
};

// Ids are UUIDs in lower case in the store and in what comes back; arguments may be of either case. Names are 1 to
// 256 bytes of UTF-8. -EEXIST (409) when the tenant is there already.
int entra_add_tenant(struct store_tx *tx, const char *tenant_id, const char *display_name, struct err *err) _must_check_;

// An application with its service principal and one client secret, good for two years as in Graph's addPassword. The
// secret (40 characters without a NUL, from 30 random bytes) is returned once and stored as a hash. -ENOENT (404): no
// such tenant.
int entra_add_application(struct store_tx *tx, const char *tenant_id, const char *display_name,
	struct entra_principal *out, struct secret *client_secret, struct err *err) _must_check_;

// Take beginning and end off an application's secrets: for who must be able to log in whatever the clock shows.
int entra_unbind_secrets(struct store_tx *tx, const char *app_id, struct err *err) _must_check_;

// The principal of a user-assigned (or system-assigned) identity; resource_id is its ARM id. Idempotent for one
// resource_id: the existing principal comes back. -ENOENT (404): no such tenant; -EEXIST (409): the identity is another
// tenant's.
int entra_add_managed_identity(struct store_tx *tx, const char *tenant_id, const char *resource_id, const char *name,
	struct entra_principal *out, struct err *err) _must_check_;
int entra_find_managed_identity(struct store_tx *tx, const char *resource_id, struct entra_principal *out,
	struct err *err) _must_check_;  // -ENOENT (404 ResourceNotFound)

// Its tokens and capabilities stop working with the commit. 0 also when there is no such identity.
int entra_remove_managed_identity(struct store_tx *tx, const char *resource_id, struct err *err) _must_check_;

// 0 when a user, a group or a service principal (of an application or a managed identity) has this object id in the tenant;
// -ENOENT with 400 PrincipalNotFound when not.
int entra_find_principal(struct store_tx *tx, const char *tenant_id, const char *object_id, struct err *err) _must_check_;

// Verify the bearer token of a request for one of `audiences` (NULL-terminated, compared exactly): signature, issuer (v1
// https://sts.windows.net/{tid}/ or v2 https://login.microsoftonline.com/{tid}/v2.0 of a tenant that exists),
// audience, times, principal still enabled. The reason for a refusal:
enum entra_refusal {
	ENTRA_OK,
	ENTRA_MISSING,    // no bearer token
	ENTRA_INVALID,    // malformed, unsigned, wrong signature, disabled principal
	ENTRA_EXPIRED,    // or not yet valid
	ENTRA_AUDIENCE,   // caller->audience tells which one was found
	ENTRA_ISSUER,     // caller->iss likewise
	ENTRA_UNAVAILABLE,  // the token could not be judged (the store does not answer, no memory): 503, try again
};
// Opens a STORE_READ transaction of its own: the caller must hold none. caller is untouched but as said above.
enum entra_refusal entra_authenticate(struct entra *e, const struct http_request *req, const char *const *audiences,
	struct caller *caller);

// login.microsoftonline.com, login.windows.net, sts.windows.net: token endpoint, OpenID metadata, keys.
void entra_login_handle(void *entra, const struct http_request *req, struct http_response *res);

// 169.254.169.254: /metadata/identity/oauth2/token for what the host runs. The caller proves what it is with the
// X-IDENTITY-HEADER that the hypervisor gave to it (docs/protocol/host.md).
void entra_metadata_handle(void *entra, const struct http_request *req, struct http_response *res);

// The header value for a subject ("disk:{uniqueId}") that may act as the managed identity with this client id:
// "{client id}.{subject}.{MAC}", the MAC under a key derived by the keeper. To be freed by the caller.
int entra_identity_header(struct entra *e, const char *client_id, const char *subject, char **out, struct err *err)
	_must_check_;
