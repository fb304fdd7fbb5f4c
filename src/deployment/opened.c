// SPDX-License-Identifier: Apache-2.0
#include "deployment/opened.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "deployment/secrets.h"

void opened_free(struct opened *o) {
	template_close(o->template);
	json_decref(o->document);
	json_decref(o->parameters);
	json_decref(o->place);
	json_decref(o->deployment);
	json_decref(o->deployer);
	json_decref(o->read);
	json_decref(o->secrets);
	*o = (struct opened){0};
}

// One of another tenant is not there.
static int subscription_value(struct store_tx *tx, const char *id, const char *tenant, json_t **out, struct err *err) {
	_cleanup_free_ char *key = strv_lower(id);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!key)
		return err_oom(err);
	int rc = store_query(tx, &rows, err, "SELECT id, tenant_id, display_name FROM subscriptions WHERE id = $1", "s", key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0 || !strv_eq_nocase(store_text(rows, 1), tenant))
		return err_set(err, -ENOENT, 404, "SubscriptionNotFound", "The subscription '%s' could not be found.", id);
	*out = json_pack("{s:s+, s:s, s:s, s:s}", "id", "/subscriptions/", store_text(rows, 0), "subscriptionId",
		store_text(rows, 0), "tenantId", store_text(rows, 1), "displayName", store_text(rows, 2));
	return *out ? 0 : err_oom(err);
}

static int group_value(struct store_tx *tx, const char *subscription, const char *group, json_t **out, struct err *err) {
	_cleanup_resource_ struct resource r = {0};
	int rc = resource_load_group(tx, subscription, group, &r, err);
	return rc < 0 ? rc : resource_show(&r, out, err);
}

int opened_place(struct store_tx *tx, const struct arm_target *at, const char *tenant, json_t **out, struct err *err) {
	_cleanup_json_ json_t *subscription = NULL, *group = NULL;
	int rc = subscription_value(tx, at->subscription, tenant, &subscription, err);
	if (rc == 0 && at->group[0])
		rc = group_value(tx, at->subscription, at->group, &group, err);
	if (rc < 0)
		return rc;
	json_t *place = json_pack("{s:O, s:O*, s:{s:s, s:s+, s:s}}", "subscription", subscription, "resourceGroup", group,
		"tenant", "tenantId", tenant, "id", "/tenants/", tenant, "countryCode", "US");
	if (!place)
		return err_oom(err);
	*out = place;
	return 0;
}

int opened_scope(const char *subscription, const char *group, char out[static ARM_ID_MAX], struct err *err) {
	int n = group[0] ? snprintf(out, ARM_ID_MAX, "/subscriptions/%s/resourceGroups/%s", subscription, group)
			 : snprintf(out, ARM_ID_MAX, "/subscriptions/%s", subscription);
	return n < ARM_ID_MAX
		? 0
		: err_set(err, -ENAMETOOLONG, 400, "InvalidRequestUri", "The scope of the deployment is too long.");
}

// Names may have any characters; a request target has few.
int opened_target(const struct arm *arm, const char *id, const char *tail, const char *api_version, struct buf *out,
	struct err *err) {
	int rc = 0;
	for (const char *c = id; rc == 0 && *c; c++)
		rc = strchr("-._~/():@!$'*,;=", *c) || (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= 'a' && *c <= 'z')
			? buf_append(out, c, 1)
			: buf_printf(out, "%%%02X", (unsigned char)*c);
	if (rc == 0 && tail)
		rc = buf_printf(out, "/%s", tail);
	if (rc == 0)
		rc = buf_printf(out, "?api-version=%s", api_version ? api_version : arm_api_version(arm, id));
	return rc < 0 ? err_oom(err) : 0;
}

int opened_perform(struct arm *arm, const struct caller *caller, struct store_tx *tx, const char *method, const char *id,
	const char *tail, const char *api_version, const json_t *body, struct arm_outcome *out, struct err *err) {
	_cleanup_buf_ struct buf target = {0};
	int rc = opened_target(arm, id, tail, api_version, &target, err);
	return rc < 0 ? rc : arm_perform(arm, caller, tx, method, buf_cstr(&target), body, out, err);
}

int opened_request(const struct opened *o, const char *method, const char *id, const char *tail, const char *api_version,
	const json_t *body, struct arm_outcome *out, struct err *err) {
	return opened_perform(o->arm, o->caller, o->tx, method, id, tail, api_version, body, out, err);
}

// --- What a template asks for ---

static const char *version_in_template(const struct opened *o, const char *id) {
	for (size_t i = 0; o->template && i < template_resource_count(o->template); i++) {
		const struct template_resource *r = template_resource_at(o->template, i);
		if (strv_eq_nocase(r->id, id))
			return r->api_version;
	}
	return NULL;
}

static int full_value(const char *id, const char *api_version, const json_t *shown, json_t **out, struct err *err) {
	struct arm_target t = {0};
	int rc = arm_parse_path(id, &t, err);
	_cleanup_json_ json_t *full = json_copy((json_t *)(uintptr_t)shown);
	if (rc < 0)
		return rc;
	if (!full || json_set_str(full, "apiVersion", api_version ? api_version : "") < 0 ||
		json_set_str(full, "resourceId", id) < 0 || json_set_str(full, "subscriptionId", t.subscription) < 0 ||
		json_set_str(full, "resourceGroupName", t.group) < 0 || json_set_str(full, "scope", t.scope) < 0)
		return err_oom(err);
	*out = TAKE_PTR(full);
	return 0;
}

static int give(const char *id, const char *api_version, bool full, const json_t *shown, json_t **out, struct err *err) {
	if (full)
		return full_value(id, api_version, shown, out, err);
	json_t *properties = json_object_get(shown, "properties");
	*out = json_is_object(properties) ? json_incref(properties) : json_object();
	return *out ? 0 : err_oom(err);
}

static int reference(void *ctx, const char *id, const char *api_version, bool full, json_t **out, struct err *err) {
	const struct opened *o = ctx;
	_cleanup_(arm_outcome_free) struct arm_outcome outcome = {0};
	_cleanup_free_ char *key = strv_lower(id);
	if (!key)
		return err_oom(err);
	const json_t *made = json_object_get(o->made, key);
	if (!api_version)
		api_version = version_in_template(o, id);
	if (made)
		return give(id, api_version, full, made, out, err);
	int rc = opened_request(o, "GET", id, NULL, api_version, NULL, &outcome, err);
	if (rc == 0 && o->read && json_set(o->read, key, json_true()) < 0)
		rc = err_oom(err);
	return rc < 0 ? rc : give(id, api_version, full, outcome.json, out, err);
}

static int list(void *ctx, const char *function, const char *id, const char *api_version, const json_t *body, json_t **out,
	struct err *err) {
	const struct opened *o = ctx;
	_cleanup_(arm_outcome_free) struct arm_outcome outcome = {0};
	int rc = opened_request(o, "POST", id, function, api_version, body, &outcome, err);
	if (rc < 0)
		return rc;
	*out = outcome.json ? TAKE_PTR(outcome.json) : json_object();
	return *out ? 0 : err_oom(err);
}

static int provider(void *ctx, const char *name, json_t **out, struct err *err) {
	const struct opened *o = ctx;
	_cleanup_(arm_outcome_free) struct arm_outcome outcome = {0};
	_cleanup_free_ char *id = strv_printf("%s/providers/%s", json_str(o->place, "subscription.id"), name);
	if (!id)
		return err_oom(err);
	int rc = opened_request(o, "GET", id, NULL, "2021-04-01", NULL, &outcome, err);
	if (rc == 0)
		*out = TAKE_PTR(outcome.json);
	return rc;
}

// The vault lets templates have its secrets, and the caller may deploy from it.
static int check_vault(const struct opened *o, const char *vault_id, struct vault_record *vault, struct err *err) {
	struct arm_target t;
	struct access_decision decision;
	_cleanup_resource_ struct resource r = {0};
	int rc = arm_parse_id(vault_id, "Microsoft.KeyVault/vaults", &t, err);
	if (rc == 0)
		rc = access_check(o->tx, o->caller->oid, vault_id, "Microsoft.KeyVault/vaults/deploy/action", false,
			&decision, err);
	if (rc == -EACCES)
		return err_set(err, rc, 403, "KeyVaultParameterReferenceAuthorizationFailed",
			"The client '%s' with object id '%s' does not have permission to perform action(s) "
			"'Microsoft.KeyVault/vaults/deploy/action' on the linked scope(s) '%s'.",
			o->caller->appid, o->caller->oid, vault_id);
	if (rc == 0)
		rc = resource_load(o->tx, vault_id, &r, err);
	if (rc == 0)
		rc = vault_find(o->tx, r.name, vault, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "KeyVaultParameterReferenceNotFound",
			"The specified KeyVault '%s' could not be found.", vault_id);
	if (rc == 0 && (!strv_eq_nocase(vault->tenant_id, o->caller->tenant) || !vault->for_template_deployment))
		return err_set(err, -EACCES, 403, "KeyVaultParameterReferenceSecretRetrieveFailed",
			"The secret of KeyVault parameter cannot be retrieved: the vault '%s' is not enabled for template deployment.",
			vault_id);
	return rc;
}

static int secret(void *ctx, const char *vault_id, const char *name, const char *version, json_t **out, struct err *err) {
	struct opened *o = ctx;
	struct vault_record vault;
	_cleanup_secret_ struct secret value = {0};
	int rc = check_vault(o, vault_id, &vault, err);
	if (rc == 0)
		rc = vault_secret_value(o->tx, arm_keeper(o->arm), &vault, o->caller, name, version, &value, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "KeyVaultParameterReferenceSecretRetrieveFailed",
			"The secret '%s' of KeyVault '%s' could not be found.", name, vault_id);
	if (rc < 0)
		return rc;
	json_t *text = json_stringn((const char *)value.data, value.len);
	if (!text || json_array_append(o->secrets, text) < 0) {
		json_decref(text);
		return err_oom(err);
	}
	*out = text;
	return 0;
}

static json_t *environment(void) {
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s,"
			 " s:{s:s, s:[s, s], s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s}}",
		"name", "AzureCloud", "gallery", "https://gallery.azure.com/", "graph", "https://graph.windows.net/",
		"portal", "https://portal.azure.com", "graphAudience", "https://graph.windows.net/",
		"activeDirectoryDataLake", "https://datalake.azure.net/", "batch", "https://batch.core.windows.net/", "media",
		"https://rest.media.azure.net", "sqlManagement", "https://management.core.windows.net:8443/",
		"vmImageAliasDoc",
		"https://raw.githubusercontent.com/Azure/azure-rest-api-specs/main/arm-compute/quickstart-templates/aliases.json",
		"resourceManager", "https://management.azure.com/", "microsoftGraph", "https://graph.microsoft.com/",
		// where to sign in
		"authentication", "loginEndpoint", "https://login.microsoftonline.com/", "audiences",
		"https://management.core.windows.net/", "https://management.azure.com/", "tenant", "common",
		"identityProvider", "AAD",
		// what names end with
		"suffixes", "keyvaultDns", ".vault.azure.net", "storage", "core.windows.net", "sqlServerHostname",
		".database.windows.net", "azureDatalakeStoreFileSystem", "azuredatalakestore.net",
		"azureFrontDoorEndpointSuffix", "azurefd.net", "azureDatalakeAnalyticsCatalogAndJob",
		"azuredatalakeanalytics.net", "acrLoginServer", ".azurecr.io");
}

static int describe(struct opened *o, const char *name, const char *location, bool complete, struct err *err) {
	_cleanup_json_ json_t *parameters = NULL;
	int rc = o->parameters ? secrets_hide(o->document, o->parameters, o->secrets, &parameters, err) : 0;
	if (rc < 0)
		return rc;
	o->deployment = json_pack("{s:s, s:s*, s:{s:O, s:O*, s:s, s:s}}", "name", name, "location",
		location[0] ? location : NULL, "properties", "template", o->document, "parameters", parameters, "mode",
		complete ? "Complete" : "Incremental", "provisioningState", "Running");
	o->deployer = json_pack("{s:s, s:s}", "objectId", o->caller->oid, "tenantId", o->caller->tenant);
	return o->deployment && o->deployer ? 0 : err_oom(err);
}

int opened_open(struct opened *o, const char *subscription, const char *group, const char *name, const char *location,
	bool complete, struct err *err) {
	_cleanup_json_ json_t *around = environment();
	if (!o->secrets)
		o->secrets = json_array();
	int rc = o->secrets ? opened_scope(subscription, group, o->scope, err) : err_oom(err);
	if (rc == 0)
		rc = secrets_collect(o->document, o->parameters, o->secrets, err);
	if (rc == 0)
		rc = around ? describe(o, name, location, complete, err) : err_oom(err);
	if (rc < 0)
		return rc;
	if (json_set(o->place, "environment", json_incref(around)) < 0)
		return err_oom(err);
	const struct template_place place = {.scope = o->scope,
		.subscription = json_object_get(o->place, "subscription"),
		.resource_group = json_object_get(o->place, "resourceGroup"),
		.tenant = json_object_get(o->place, "tenant"),
		.deployment = o->deployment,
		.environment = around,
		.deployer = o->deployer,
		.now = clock_now(),
		.budget = o->budget,
		.ctx = o,
		.reference = reference,
		.list = list,
		.provider = provider,
		.secret = secret};
	rc = template_open(o->document, o->parameters, &place, &o->template, err);
	if (rc < 0 && err)
		secrets_strike_err(o->secrets, err);
	// With what defaults came to.
	return rc < 0 ? rc : secrets_collect(o->document, template_parameters(o->template), o->secrets, err);
}

int opened_strike(const struct opened *o, struct err *why, json_t *details, struct err *err) {
	secrets_strike_err(o->secrets, why);
	return secrets_strike_json(o->secrets, details, err);
}
