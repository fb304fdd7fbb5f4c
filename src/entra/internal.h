// SPDX-License-Identifier: Apache-2.0
// What the files of this room share.
#pragma once

#include "crypto/key.h"
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

struct entra_key {
	char kid[ENTRA_KID_SIZE];
	struct key_public pub;
	struct key *key;  // the public half, for verification
};

// Nothing in here changes after entra_open, but for what has a lock of its own: threads share it without one.
struct entra {
	struct store *store;
	struct keeper_client *keeper;
	struct entra_key keys[ENTRA_KEYS_MAX];  // the newest, which signs, first
	size_t key_count;
	struct buf sealed;         // the private half of keys[0], sealed by the keeper
	struct secret header_key;  // MACs identity headers
	struct token_cache *tokens;
};

// The place of the signing keys' blobs (struct keeper_key).
extern const char entra_signing_context[];

// What tokens are asked for.
struct entra_resource {
	const char *uri;  // without a trailing slash
	bool v2;          // form of its access tokens
};

// A known resource by its URI, case and one trailing slash ignored; NULL when unknown. `audience` gets the aud claim:
// the slash stays when it was asked for, as Entra does.
const struct entra_resource *entra_resource_find(const char *uri, char audience[static ENTRA_AUDIENCE_MAX]);

struct entra_tenant {
	char id[ENC_UUID_SIZE];
	char display_name[ENTRA_NAME_MAX + 1];
};
// -ENOENT with err untouched when there is no such tenant.
int entra_tenant_find(struct store_tx *tx, const char *id, struct entra_tenant *out, struct err *err) _must_check_;

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

struct entra_grant {
	const struct entra_service_principal *principal;
	const struct entra_resource *resource;
	const char *audience;
	int64_t now;
	int64_t lifetime;  // seconds
};
// Append a signed access token.
int entra_issue(struct entra *e, const struct entra_grant *grant, struct buf *token, struct err *err) _must_check_;

// The public key of a kid, a reference for the caller; a jwt_key_lookup with a struct entra as context.
int entra_key_lookup(void *entra, const char *kid, struct key **key, struct err *err) _must_check_;
