// SPDX-License-Identifier: Apache-2.0
// What the files of this room share.
#pragma once

#include <pthread.h>

#include "crypto/key.h"
#include "entra/directory.h"
#include "entra/entra.h"
#include "entra/token_cache.h"

#define ENTRA_KID_SIZE 28         // 20 bytes in base64url, with the NUL
#define ENTRA_KEYS_MAX 16         // signing keys in the store
#define ENTRA_NAME_MAX 256        // bytes of a display name
#define ENTRA_AUDIENCE_MAX 64     // with the NUL
#define ENTRA_LIFETIME 3600       // seconds of an application's token
#define ENTRA_LIFETIME_IDENTITY 86400  // of a managed identity's
// Tokens are dated back by so much, so that a verifier whose clock is behind does not refuse them.
#define ENTRA_BACKDATE 300

// A new key is published for a day before it signs, and an old one until no token of it can live: who verifies may keep
// what it read of the keys endpoint for as long as its Cache-Control says.
#define ENTRA_KEY_LIFETIME (45 * 86400LL)
#define ENTRA_KEY_PUBLISHED 86400LL

struct entra_key {
	char kid[ENTRA_KID_SIZE];
	int64_t created;
	struct key_public pub;
	struct key *key;    // the public half, for verification
	struct buf sealed;  // the private half, sealed by the keeper
};

// Nothing in here changes after entra_open, but for what has a lock of its own: threads share it without one.
struct entra {
	struct store *store;
	struct keeper_client *keeper;
	pthread_rwlock_t lock;  // over the two below
	struct entra_key keys[ENTRA_KEYS_MAX];  // newest first
	size_t key_count;
	struct secret header_key;  // MACs identity headers
	struct token_cache *tokens;
	struct issuers *issuers;
};

// The place of the signing keys' blobs (struct keeper_key).
extern const char entra_signing_context[];

// What tokens are asked for.
struct entra_resource {
	const char *uri;  // without a trailing slash
	bool v2;          // form of its access tokens
	const char *permission;  // what a person's token for it may do (scp)
};

// A known resource by its URI, case and one trailing slash ignored; NULL when unknown. `audience` gets the aud claim:
// the slash stays when it was asked for, as Entra does.
const struct entra_resource *entra_resource_find(const char *uri, char audience[static ENTRA_AUDIENCE_MAX]);

// By id or default domain, in lower case. -ENOENT with err untouched when there is no such tenant.
int entra_tenant_find(struct store_tx *tx, const char *id, struct entra_tenant *out, struct err *err) _must_check_;
int entra_tenant_find_by_domain(struct store_tx *tx, const char *domain, struct entra_tenant *out, struct err *err)
	_must_check_;

// The kinds of service principals.
#define ENTRA_KIND_APPLICATION "Application"
#define ENTRA_KIND_IDENTITY "ManagedIdentity"

#define ENTRA_RESOURCE_ID_MAX 511  // bytes of an ARM id
struct entra_service_principal {
	struct entra_principal ids;
	char display_name[ENTRA_NAME_MAX + 1];
	char resource_id[ENTRA_RESOURCE_ID_MAX + 1];  // ARM id of a managed identity, lower case; "" for an application
	bool enabled;
};
// Ids in lower case. -ENOENT with err untouched. A managed identity's client id exists in its home tenant only.
int entra_application_find(struct store_tx *tx, const char *tenant_id, const char *app_id,
	struct entra_service_principal *out, struct err *err) _must_check_;
int entra_identity_find(struct store_tx *tx, const char *client_id, struct entra_service_principal *out, struct err *err)
	_must_check_;

// The SHA-256 of a text of high entropy as hex: how secrets, codes and tokens are kept.
int entra_hash_text(const void *text, size_t len, struct buf *hex, struct err *err) _must_check_;

// `bytes` (at most 64) random bytes in base64url, appended.
int entra_random_text(size_t bytes, struct buf *out, struct err *err) _must_check_;

#define ENTRA_USER_NAME_MAX 1024  // bytes: 256 characters of any kind
struct entra_user {
	char tenant_id[ENC_UUID_SIZE];
	char object_id[ENC_UUID_SIZE];
	char upn[ENTRA_NAME_MAX + 1];
	char display_name[ENTRA_USER_NAME_MAX + 1];
	bool enabled;
};
// By object id, or by user principal name in any case. -ENOENT with err untouched.
int entra_user_find(struct store_tx *tx, const char *id_or_upn, struct entra_user *out, struct err *err) _must_check_;

// The pass of a user is shown: 0 when it is good, and used now. -EACCES with err untouched when not.
int entra_pass_use(struct store_tx *tx, const char *user_id, const char *pass, struct err *err) _must_check_;

// How a client proved itself, as tokens tell it (appidacr).
#define ENTRA_PROOF_NONE "0"       // a public client
#define ENTRA_PROOF_SECRET "1"
#define ENTRA_PROOF_ASSERTION "2"  // a certificate, a federated token, or being a managed identity

struct entra_grant {
	const char *tenant_id, *client_id;
	const char *proof;
	// One of these two is who the token speaks for.
	const struct entra_service_principal *principal;
	const struct entra_user *user;
	const struct entra_resource *resource;
	const char *audience;
	int64_t now;
	int64_t lifetime;  // seconds
};
// Append a signed access token.
int entra_issue(struct entra *e, const struct entra_grant *grant, struct buf *token, struct err *err) _must_check_;
// Append a signed OpenID Connect ID token of the grant's user.
int entra_issue_id(struct entra *e, const struct entra_grant *grant, bool v2, const char *nonce, struct buf *token,
	struct err *err) _must_check_;

// The public key of a kid, a reference for the caller; a jwt_key_lookup with a struct entra as context.
int entra_key_lookup(void *entra, const char *kid, struct key **key, struct err *err) _must_check_;
// The key that signs now: its kid and its sealed half.
int entra_signing_key(struct entra *e, char kid[static ENTRA_KID_SIZE], struct buf *sealed, struct err *err) _must_check_;
// All keys, copied; *out is the caller's to free.
struct entra_published {
	char kid[ENTRA_KID_SIZE];
	struct key_public pub;
};
int entra_published_keys(struct entra *e, struct entra_published **out, size_t *count, struct err *err) _must_check_;
