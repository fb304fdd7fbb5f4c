// SPDX-License-Identifier: Apache-2.0
// What the files of the login face share.
#pragma once

#include "entra/form.h"
#include "entra/internal.h"

struct login_call {
	struct entra *entra;
	const struct http_request *req;
	const char *tenant;  // the path's first segment as sent
	bool v2;             // which of the two generations of the endpoint
};

// The tenant that a path names, by its id or its domain. A refusal (aadsts.h) in err when there is none.
int login_tenant(struct store_tx *tx, const char *segment, struct entra_tenant *out, struct err *err) _must_check_;

// The id of the tenant that the path names, or `shared` when that stands for any.
int login_tenant_id(const struct login_call *c, const char *shared, char out[static ENC_UUID_SIZE], struct err *err)
	_must_check_;

// "common", "organizations" and "consumers" stand for any tenant.
bool login_tenant_is_shared(const char *segment);

// A refusal of a request that is not of the form it should be: -EACCES.
int login_malformed(struct err *err, const char *why);

// The form of a request. A body of another type has no fields, as Entra sees it.
int login_read_form(const struct http_request *req, struct form *out, struct err *err) _must_check_;

// A field that must be there; NULL, with err filled, when it is missing or empty.
const char *login_required(const struct form *form, const char *name, struct err *err);

// What a client proves itself with, borrowed from the request; NULL where nothing came.
struct login_proof {
	const char *client_id;
	const char *secret;
	const char *assertion, *assertion_type;
};

// Who asks.
struct login_client {
	struct entra_service_principal sp;  // in the tenant that is asked; without an object id for the built-in public clients
	char owner[ENTRA_RESOURCE_ID_MAX + 1];  // of its federated credentials: an application's object id, an identity's ARM id
	bool is_public;  // it has nothing to prove itself with
};

// The client of a request to one tenant, or to any (NULL): then it must be one for several. Refused: unknown there,
// disabled, not for this tenant.
int login_client_find(struct store_tx *tx, const struct entra_tenant *tenant, const struct login_proof *proof,
	struct login_client *out, struct err *err) _must_check_;

// Is it who it says it is? *how is an ENTRA_PROOF_… then. Must be called without a transaction: keys of an outside issuer
// may have to be fetched. `tenant` is NULL for any.
int login_client_prove(const struct login_call *c, const struct entra_tenant *tenant, const struct login_client *client,
	const struct login_proof *proof, const char **how, struct err *err) _must_check_;

// The same for what is signed: by a certificate of the application, or by an issuer that one of the client's federated
// credentials names.
int login_assertion_check(const struct login_call *c, const struct entra_tenant *tenant, const struct login_client *client,
	const char *assertion, struct err *err) _must_check_;

// What is asked for.
#define LOGIN_SCOPE_MAX 2048  // bytes
struct login_scopes {
	const struct entra_resource *resource;
	char audience[ENTRA_AUDIENCE_MAX];
	bool openid, offline;
	char granted[LOGIN_SCOPE_MAX + 128];  // as the answer tells it
};
// Scopes of the second generation that a person's client asks for; `tenant` is for the words of a refusal.
int login_scopes_parse(const char *text, const char *tenant, struct login_scopes *out, struct err *err) _must_check_;
// The same from the form of a request of either generation.
int login_scopes_read(const struct login_call *c, const struct form *form, struct login_scopes *out, struct err *err)
	_must_check_;
// A resource by its URI. *audience and *out are set.
int login_resource(const char *uri, const char *tenant, const struct entra_resource **out,
	char audience[static ENTRA_AUDIENCE_MAX], struct err *err) _must_check_;

// A person who is signed in, and what the client showed for it.
struct login_session {
	struct entra_tenant tenant;
	struct login_client client;
	const char *how;  // the client proved itself
	struct entra_user user;
	struct login_scopes scopes;
	// Use up what was shown, in the transaction that makes the session last; -EACCES with err when it is not good any more.
	int (*use)(struct store_tx *tx, const struct login_session *s, struct err *err);
	const char *shown;  // borrowed
};

// The user must be enabled, and of the tenant that the path names when it names one. Fills the session's tenant and user.
int login_session_user(const struct login_call *c, struct store_tx *tx, const char *id_or_upn, struct login_session *s,
	struct err *err) _must_check_;

// Tokens of a session, and the answer that carries them; `form` tells what else the client wants.
int login_session_answer(const struct login_call *c, const struct login_session *s, const struct form *form, json_t **answer,
	struct err *err) _must_check_;

// The grants of people (RFC 6749 4.3 and 6, RFC 8628 3.4).
int login_grant_device(const struct login_call *c, const struct form *form, const struct login_proof *proof, json_t **answer,
	struct err *err) _must_check_;
int login_grant_refresh(const struct login_call *c, const struct form *form, const struct login_proof *proof,
	json_t **answer, struct err *err) _must_check_;
int login_grant_password(const struct login_call *c, const struct form *form, const struct login_proof *proof,
	json_t **answer, struct err *err) _must_check_;

// The client of one of them, found and proven; the session's client and `how` are set.
int login_grant_client(const struct login_call *c, const struct login_proof *proof, struct login_session *s, struct err *err)
	_must_check_;

// POST /{tenant}/oauth2[/v2.0]/token and …/devicecode. The answer's JSON is the caller's.
int login_token(const struct login_call *c, json_t **answer, struct err *err) _must_check_;
int login_device_code(const struct login_call *c, json_t **answer, struct err *err) _must_check_;
// GET /common/userrealm/{user}
int login_user_realm(const struct login_call *c, json_t **answer, struct err *err) _must_check_;

// The client id and proof of a token or device code request, from the form or from HTTP Basic, whose decoded text lives in
// `basic`.
int login_read_proof(const struct http_request *req, const struct form *form, struct buf *basic, struct login_proof *out,
	struct err *err) _must_check_;

// A decision over a device code that is pending, by who stands above the tenants or by the user's pass.
struct login_decision {
	const char *user_code;  // as typed: case, blanks and hyphens do not matter
	const char *user;       // user principal name or object id; NULL to decline
	char client[ENTRA_NAME_MAX + 1];  // who has asked, and for what
	char scope[LOGIN_SCOPE_MAX + 1];
	struct entra_user found;
	char tenant[ENC_UUID_SIZE];  // that the decision is in: the user's, or that of the code; "" when it has none
};
// `pass` NULL: whoever calls answers for the user.
int login_device_decide(struct store_tx *tx, struct login_decision *d, const char *pass, struct err *err) _must_check_;

// The page for it, and the operator's way (docs/operations/sign-in.md). They answer by themselves.
void login_device_page(struct entra *e, const struct http_request *req, struct http_response *res);
void login_device_operator(struct entra *e, const struct http_request *req, struct http_response *res);
