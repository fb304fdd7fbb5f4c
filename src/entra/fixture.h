// SPDX-License-Identifier: Apache-2.0
// For the tests of this room: a keeper process, a store in a temporary folder, and the faces behind real HTTP over Unix
// sockets. A failure of the fixture itself fails the test.
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "entra/internal.h"
#include "net/http_client.h"

#define TENANT_A "11111111-aaaa-4111-8111-111111111111"
#define TENANT_B "22222222-bbbb-4222-8222-222222222222"
#define NOBODY "99999999-0000-4000-8000-000000000000"
#define IDENTITY_ID "/subscriptions/S/resourceGroups/G/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Disk"
#define FORM "Content-Type: application/x-www-form-urlencoded"
#define VAULT_SCOPE "https%3A%2F%2Fvault.azure.net%2F.default"
#define TOKEN_URL "http://login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/token"
#define METADATA_URL "http://169.254.169.254/metadata/identity/oauth2/token"
#define IDENTITY_QUERY "api-version=2019-08-01&resource=https://vault.azure.net"

struct fixture {
	char dir[64];
	pid_t keeper_pid;
	struct keeper_client *keeper;
	struct store *store;
	struct entra *entra;
	struct http_server *plain, *tls;
	struct http_client *client;
	char http_socket[96], https_socket[96], ca_file[96];
	struct entra_principal app, app_b, identity;  // app and identity of TENANT_A, app_b of TENANT_B
	char secret[64], secret_b[64];  // of app and app_b
	const char *resident;  // identity of whoever reaches the metadata face without a header, or NULL
};

// Environment CUSTODISK_KEEPER names the keeper's program.
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

// For the tests that need it gone; once it is stopped, this does nothing.
void fixture_stop_keeper(struct fixture *f);

// One request; returns the status. *out is the body of the answer parsed, NULL when it has none.
int fixture_call(struct fixture *f, const char *method, const char *url, const char *const *headers, const char *body,
	json_t **out, struct http_reply *reply);
int fixture_get(struct fixture *f, const char *url, json_t **out);
int fixture_post_form(struct fixture *f, const char *url, const char *body, json_t **out);

// A form that asks for a token with a client secret; `rest` is appended to it. The caller frees it.
char *fixture_credentials(const char *client_id, const char *secret, const char *rest);

// New access tokens from the login face; the second is of app, for the vault. The caller frees them.
char *fixture_token(struct fixture *f, const char *tenant, const char *client_id, const char *secret, const char *scope);
char *fixture_vault_token(struct fixture *f);

// The claims of a token, unverified.
json_t *fixture_claims(const char *token);

// The enum entra_refusal that a resource server for https://vault.azure.net and https://other.example gives an
// Authorization header, or "Bearer" with a token. *out holds that answer and the caller it found; its "iss" is
// "untouched" when it found none.
int fixture_judged(struct fixture *f, const char *authorization, json_t **out);
int fixture_judge(struct fixture *f, const char *token);

// The body is a complete error document with this error and this AADSTS code; the second posts the form for it.
void fixture_assert_error(const json_t *body, const char *error, int64_t code);
void fixture_refused(struct fixture *f, const char *url, const char *form, int status, const char *error, int64_t code);

// A GET from the metadata face: the query and the headers decide.
int fixture_metadata(struct fixture *f, const char *query, const char *const *headers, json_t **out);

// The header line that names an identity to the metadata face. The caller frees it.
char *fixture_capability(struct fixture *f, const char *client_id);

// One statement in a transaction of its own. `parameter` is $1, or NULL.
void fixture_sql(struct fixture *f, const char *sql, const char *parameter);
