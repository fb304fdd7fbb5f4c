// SPDX-License-Identifier: Apache-2.0
// For the tests of this room: a keeper process, a store, the login and vault faces on a Unix socket, tenants, vaults
// and principals.
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

#include "access/access.h"
#include "base/json.h"
#include "net/http_client.h"
#include "vault/internal.h"

#define GROUP "/subscriptions/0f3e7a52-0000-4000-8000-000000000001/resourceGroups/rg"
#define VAULT_ID(name) GROUP "/providers/Microsoft.KeyVault/vaults/" name

// Vaults: "alpha" standard, 90 days; "Beta" premium, 7 days, purge protection; "policy" with access policies and none yet; "foreign"
// of another tenant; "gone" deleted. All in "westeurope".

struct fixture {
	char dir[64];
	char keeper_socket[96], http_socket[96], db[96];
	pid_t keeper_pid;
	struct store *store;
	struct keeper_client *keeper;
	struct entra *entra;
	struct vault_service *vault;
	struct http_server *server;
	struct http_client *client;  // of the test's own thread
	char tenant[ENC_UUID_SIZE], other_tenant[ENC_UUID_SIZE];
	struct entra_principal admin_id, nobody_id, single_id, foreign_id;
	// Bearer tokens for https://vault.azure.net: Key Vault Administrator over everything; no role; Crypto User of the key
	// "only" in "alpha" alone; Administrator over everything, but from the other tenant.
	char *admin, *nobody, *single, *foreign;
	char *arm;  // of admin, for another audience
	char *admin_hsm, *nobody_hsm;  // for https://managedhsm.azure.net
};

// Environment CUSTODISK_KEEPER names the keeper's program.
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

// One request to vault `host` ("alpha"), or to a pool ("gamma.managedhsm"). `token` and `body` may be NULL; `extra` one more
// header line or NULL. The parsed body is *json unless json is NULL (set to NULL for an empty body).
int fixture_send(struct fixture *f, struct http_client *client, const char *token, const char *method, const char *host,
	const char *path, const char *body, const char *extra, struct http_reply *reply);
int fixture_call(struct fixture *f, const char *token, const char *method, const char *host, const char *path,
	const char *body, json_t **json);

// What a call answers that must answer 200; to be freed.
json_t *fixture_ok(struct fixture *f, const char *token, const char *method, const char *host, const char *path,
	const char *body);

struct http_client *fixture_client(struct fixture *f);

// New tokens for the time that the clock shows.
void fixture_renew_tokens(struct fixture *f);

// Status, error.code and error.innererror.code ("" for none) of a call as admin are these, and the message holds `words`.
void fixture_refused(struct fixture *f, const char *token, const char *method, const char *host, const char *path,
	const char *body, int status, const char *code, const char *inner, const char *words);

// The newest audit record of a vault; the caller frees it. Fails the test when there is none.
json_t *fixture_last_record(struct fixture *f, const char *vault);
int64_t fixture_record_count(struct fixture *f, const char *vault);
