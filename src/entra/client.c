// SPDX-License-Identifier: Apache-2.0
// The clients of the login face: registered applications, managed identities that prove themselves by a federated token,
// and the public clients that everybody's tools bring along.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "entra/aadsts.h"
#include "entra/directory.h"
#include "entra/login.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// They exist in every tenant without being registered there.
static const struct {
	const char *id, *name;
} built_in[] = {
	{"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI"},
	{"1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell"},
	{"aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code"},
	{"872cd9fa-d31f-45e0-9eab-6e460a02d1f1", "Visual Studio"},
	{"14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools"},
};

static int not_found(const char *client_id, const struct entra_tenant *tenant, struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	return aadsts_set(err, 700016,
		"Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not "
		"been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your "
		"authentication request to the wrong tenant.", aadsts_quote(client_id, quoted),
		tenant ? tenant->display_name : "organizations");
}

static bool find_built_in(const char *id, const struct entra_tenant *tenant, struct login_client *out) {
	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++) {
		if (strcmp(built_in[i].id, id) != 0)
			continue;
		*out = (struct login_client){.is_public = true, .sp.enabled = true};
		(void)snprintf(out->sp.ids.tenant_id, sizeof(out->sp.ids.tenant_id), "%s", tenant ? tenant->id : "");
		(void)snprintf(out->sp.ids.app_id, sizeof(out->sp.ids.app_id), "%s", id);
		(void)snprintf(out->sp.display_name, sizeof(out->sp.display_name), "%s", built_in[i].name);
		return true;
	}
	return false;
}

// What the directory says of an application beside its service principal.
struct registration {
	char tenant_id[ENC_UUID_SIZE];
	bool several;  // its audience is not its own tenant alone
};

static bool body_allows_public(const char *text) {
	_cleanup_json_ json_t *body = NULL;
	return text && json_parse(text, strlen(text), "InternalServerError", &body, NULL) == 0 &&
		json_bool(body, "isFallbackPublicClient", false);
}

static int find_registration(struct store_tx *tx, const char *id, struct registration *out, struct login_client *client,
	struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT tenant_id, object_id, sign_in_audience, body FROM applications WHERE app_id = $1 AND deleted IS NULL", "s", id);
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	(void)snprintf(out->tenant_id, sizeof(out->tenant_id), "%s", store_text(rows, 0));
	(void)snprintf(client->owner, sizeof(client->owner), "%s", store_text(rows, 1));
	out->several = strcmp(store_text(rows, 2), "AzureADMyOrg") != 0;
	client->is_public = body_allows_public(store_text(rows, 3));
	return 0;
}

static int not_for_several(const struct login_client *client, struct err *err) {
	return aadsts_set(err, 50194,
		"Application '%s'(%s) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported "
		"for such apps. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
		client->sp.ids.app_id, client->sp.display_name);
}

// -ENOENT with err untouched when there is no such application for this tenant.
static int find_application(struct store_tx *tx, const struct entra_tenant *tenant, const char *id, struct login_client *out,
	struct err *err) {
	struct registration r;
	struct login_client client = {0};
	int rc = find_registration(tx, id, &r, &client, err);
	if (rc < 0)
		return rc;
	rc = entra_application_find(tx, tenant ? tenant->id : r.tenant_id, id, &client.sp, err);
	if (rc < 0)
		return rc;
	if (!tenant && !r.several)
		return not_for_several(&client, err);
	if (tenant && !r.several && strcmp(tenant->id, r.tenant_id) != 0)
		return -ENOENT;
	*out = client;
	return 0;
}

// A managed identity has no secret: it asks here with another issuer's token only, and in its own tenant.
static int find_identity(struct store_tx *tx, const struct entra_tenant *tenant, const char *id, struct login_client *out,
	struct err *err) {
	struct login_client client = {0};
	int rc = entra_identity_find(tx, id, &client.sp, err);
	if (rc < 0)
		return rc;
	if (!tenant || strcmp(client.sp.ids.tenant_id, tenant->id) != 0)
		return -ENOENT;
	(void)snprintf(client.owner, sizeof(client.owner), "%s", client.sp.resource_id);
	*out = client;
	return 0;
}

int login_client_find(struct store_tx *tx, const struct entra_tenant *tenant, const struct login_proof *proof,
	struct login_client *out, struct err *err) {
	_cleanup_free_ char *id = strv_lower(proof->client_id);
	if (!id)
		return err_oom(err);
	if (find_built_in(id, tenant, out))
		return 0;
	int rc = find_application(tx, tenant, id, out, err);
	if (rc == -ENOENT && proof->assertion)
		rc = find_identity(tx, tenant, id, out, err);
	return rc == -ENOENT ? not_found(proof->client_id, tenant, err) : rc;
}

static int wrong_secret(int rc, const char *id, struct err *err) {
	if (rc == -EACCES)
		return aadsts_set(err, 7000215,
			"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the "
			"client secret ID, for a secret added to app '%s'.", id);
	return aadsts_set(err, 7000222,
		"The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your "
		"app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
		"https://aka.ms/certCreds.", id);
}

static int check_secret(const struct login_call *c, const struct entra_principal *p, const char *secret, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
	if (rc < 0)
		return rc;
	rc = directory_check_secret(tx, p, secret, clock_now(), err);
	return rc == -EACCES || rc == -ETIME ? wrong_secret(rc, p->app_id, err) : rc;
}

static int check_assertion(const struct login_call *c, const struct entra_tenant *tenant, const struct login_client *client,
	const struct login_proof *proof, struct err *err) {
	if (!proof->assertion_type || !*proof->assertion_type)
		return aadsts_set(err, 900144, "The request body must contain the following parameter: 'client_assertion_type'.");
	if (strcmp(proof->assertion_type, ASSERTION_TYPE) != 0)
		return login_malformed(err, "The 'client_assertion_type' must be '" ASSERTION_TYPE "'.");
	return login_assertion_check(c, tenant, client, proof->assertion, err);
}

int login_client_prove(const struct login_call *c, const struct entra_tenant *tenant, const struct login_client *client,
	const struct login_proof *proof, const char **how, struct err *err) {
	const char *id = client->sp.ids.app_id;
	bool secret = proof->secret && *proof->secret, assertion = proof->assertion && *proof->assertion;
	int rc = 0;
	if (secret && assertion)
		return login_malformed(err, "The client authenticates in two ways.");
	if (!secret && !assertion && !client->is_public)
		return aadsts_set(err, 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
	if (secret)
		rc = check_secret(c, &client->sp.ids, proof->secret, err);
	else if (assertion)
		rc = check_assertion(c, tenant, client, proof, err);
	if (rc < 0)
		return rc;
	// Only told to one who has proven itself, where there is a proof.
	if (!client->sp.enabled)
		return aadsts_set(err, 7000112, "Application '%s'(%s) is disabled.", id, client->sp.display_name);
	*how = secret ? ENTRA_PROOF_SECRET : assertion ? ENTRA_PROOF_ASSERTION : ENTRA_PROOF_NONE;
	return 0;
}
