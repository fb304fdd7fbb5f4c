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
// A PEM file of authorities for outside issuers of tokens, which need not be there (entra/issuer.h). Before the first request.
int entra_trust_issuers(struct entra *e, const char *ca_file, struct err *err) _must_check_;
// Make a new signing key when the newest is old enough, and drop those that no living token needs.
int entra_rotate_due(struct entra *e, struct err *err) _must_check_;
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

// Does the tenant of this caller still exist, and is the principal still there and enabled? ENTRA_OK, with what the directory
// says of it now; ENTRA_ISSUER, ENTRA_INVALID or ENTRA_UNAVAILABLE, as a token of it would be refused.
enum entra_refusal entra_judge_principal(struct store_tx *tx, struct caller *caller);

// Temporary access passes: what a person signs in with here, for nobody has a password. Each is made once for a user by who
// may administer the user, is shown once and kept as a hash.
#define ENTRA_PASS_MINUTES_MIN 10
#define ENTRA_PASS_MINUTES_MAX 43200
struct entra_pass {
	char id[ENC_UUID_SIZE];
	int64_t created, starts;  // seconds since 1970
	int64_t minutes;          // from `starts`
	bool one_use, used;
};
// -EEXIST (409): the user has one already, which is still to be used. -EINVAL (400): minutes out of range, or it would end
// in the past. Whether there is such a user is the caller's to know.
int entra_pass_make(struct store_tx *tx, const char *user_id, int64_t starts, int64_t minutes, bool one_use,
	struct entra_pass *out, struct secret *pass, struct err *err) _must_check_;
// -ENOENT with err untouched when the user has none.
int entra_pass_find(struct store_tx *tx, const char *user_id, struct entra_pass *out, struct err *err) _must_check_;
// -ENOENT with err untouched.
int entra_pass_remove(struct store_tx *tx, const char *user_id, const char *pass_id, struct err *err) _must_check_;

// The user's refresh tokens, and sign-ins that are approved and not collected yet, are over.
int entra_revoke_sessions(struct store_tx *tx, const char *user_id, struct err *err) _must_check_;

// May the caller sign people of this tenant in? The instance's own first principal may, and an Owner at "/" of the same tenant.
int entra_is_operator(struct store_tx *tx, const struct caller *caller, const char *tenant_id, bool *out, struct err *err)
	_must_check_;
// Say who the first principal is; once.
int entra_set_operator(struct store_tx *tx, const char *object_id, struct err *err) _must_check_;

// login.microsoftonline.com, login.windows.net, sts.windows.net: token and device code endpoints, OpenID metadata, keys.
void entra_login_handle(void *entra, const struct http_request *req, struct http_response *res);

// 169.254.169.254: /metadata/identity/oauth2/token for what the host runs, and /msi/token, App Service's form of it. The
// caller proves what it is with the X-IDENTITY-HEADER that was given to it (docs/protocol/host.md), or stands where nobody
// else does: `resident` is the ARM id of the identity of whoever reaches this listener at all, NULL for nobody.
void entra_metadata_handle(struct entra *e, const char *resident, const struct http_request *req,
	struct http_response *res);

// The header value for a subject ("disk:{uniqueId}", "run:{random}") that may act as the managed identity with this client id:
// "{client id}.{subject}.{MAC}", the MAC under a key derived by the keeper. To be freed by the caller.
int entra_identity_header(struct entra *e, const char *client_id, const char *subject, char **out, struct err *err)
	_must_check_;
