// SPDX-License-Identifier: Apache-2.0
// Custodisk.Directory: what the operator of an instance does above all tenants. Tenants are made here; requests for preview
// features that wait for approval are seen and approved.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "entra/directory.h"
#include "providers/previewFeatures.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define TENANTS "Custodisk.Directory/tenants"
#define REQUESTS "Custodisk.Directory/featureRequests"
#define APPROVE "Custodisk.Directory/approveFeature"
#define ADMINISTRATOR "administrator"
#define LABEL_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

enum { TENANTS_MAX = 1000, LABEL_MAX = 40 };

// An operator has the right at "/" in the instance's first tenant: owners of other tenants have it in theirs.
static int authorize(struct arm_call *call, const char *permission, struct err *err) {
	if (!strv_eq_nocase(call->caller->tenant, arm_home_tenant(call->arm)))
		return err_set(err, -EACCES, 403, "AuthorizationFailed",
			"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '/': tenants are "
			"the operator's.",
			call->caller->appid, call->caller->oid, permission);
	return arm_authorize(call, "/", permission, err);
}

static int refuse_method(const struct arm_call *call, struct err *err) {
	return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", http_method(call->request));
}

static json_t *render(struct store_rows *rows) {
	char created[CLOCK_RFC3339_MAX];
	return json_pack("{s:s+, s:s, s:s, s:{s:s, s:s, s:s*, s:s}}", "id", "/providers/" TENANTS "/", store_text(rows, 0), "name",
		store_text(rows, 0), "type", TENANTS, "properties", "tenantId", store_text(rows, 0), "displayName", store_text(rows, 1),
		"defaultDomain", store_text(rows, 2), "createdTime", clock_rfc3339(store_int(rows, 3), created));
}

static int load(struct arm_call *call, json_t **out, struct err *err) {
	_cleanup_free_ char *key = strv_lower(call->target->name);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!key)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err, "SELECT id, display_name, domain, created FROM tenants WHERE id = $1", "s", key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc == 0)
		return err_set(err, -ENOENT, 404, "TenantNotFound", "The tenant '%s' does not exist.", call->target->name);
	if (rc < 0)
		return rc;
	json_t *shown = render(rows);
	if (!shown)
		return err_oom(err);
	*out = shown;
	return 0;
}

static int list(struct arm_call *call, struct err *err) {
	json_t *value = arm_list_answer(call);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!value)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err, "SELECT id, display_name, domain, created FROM tenants ORDER BY created, id", "");
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		if (json_array_append_new(value, render(rows)) < 0)
			return err_oom(err);
	return rc;
}

// A domain that was asked for, in place of the one made from the name.
static int set_domain(struct arm_call *call, const char *tenant, const char *domain, struct err *err) {
	_cleanup_free_ char *lower = strv_lower(domain);
	int64_t taken = 0;
	if (!lower)
		return err_oom(err);
	size_t n = strlen(lower), suffix = strlen(DIRECTORY_DOMAIN_SUFFIX);
	_cleanup_free_ char *label = n > suffix ? strndup(lower, n - suffix) : strdup("");
	if (!label)
		return err_oom(err);
	if (!strv_ends_with_nocase(lower, DIRECTORY_DOMAIN_SUFFIX) || !strv_made_of(label, LABEL_CHARACTERS, 1, LABEL_MAX) ||
		label[0] == '-')
		return err_set(err, -EINVAL, 400, "InvalidDomain",
			"The domain of a tenant is a label of at most %d letters, digits and '-', and '" DIRECTORY_DOMAIN_SUFFIX "'.", LABEL_MAX);
	int rc = store_query_int(call->tx, &taken, err, "SELECT COUNT(*) FROM tenants WHERE domain = $1 AND id <> $2", "ss", lower,
		tenant);
	if (rc == 0 && taken > 0)
		return err_set(err, -EEXIST, 409, "DomainTaken", "The domain '%s' is another tenant's.", lower);
	if (rc == 0)
		rc = store_exec(call->tx, err, "UPDATE tenants SET domain = $1 WHERE id = $2", "ss", lower, tenant);
	return rc < 0 ? rc : 0;
}

static int assign_owner(struct arm_call *call, const struct entra_principal *p, struct err *err) {
	char name[ENC_UUID_SIZE];
	if (enc_uuid(name) < 0)
		return err_errno(err, -EIO, "no random numbers");
	const struct access_assignment a = {.tenant = p->tenant_id, .scope = "/", .name = name, .principal_id = p->object_id,
		.principal_type = "ServicePrincipal", .role_id = ACCESS_ROLE_OWNER, .created_by = p->object_id};
	return access_assign(call->tx, &a, err);
}

// Who begins there: an application that owns the root of the tenant and manages its directory. Its secret leaves with this
// answer alone, and works whatever the clock shows.
static int add_administrator(struct arm_call *call, const char *tenant, json_t *properties, struct err *err) {
	struct entra_principal p;
	_cleanup_secret_ struct secret secret = {0};
	int rc = entra_add_application(call->tx, tenant, ADMINISTRATOR, &p, &secret, err);
	if (rc == 0)
		rc = entra_unbind_secrets(call->tx, p.app_id, err);
	if (rc == 0)
		rc = assign_owner(call, &p, err);
	struct directory_role_assignment role = {0};
	if (rc == 0)
		rc = strv_copy(role.principal_id, sizeof(role.principal_id), p.object_id);
	if (rc == 0)
		rc = strv_copy(role.role_id, sizeof(role.role_id), DIRECTORY_GLOBAL_ADMINISTRATOR);
	if (rc == 0)
		rc = directory_assign_role(call->tx, tenant, &role, err);
	if (rc < 0)
		return rc;
	return json_set(properties, ADMINISTRATOR, json_pack("{s:s, s:s, s:s%}", "clientId", p.app_id, "objectId", p.object_id,
		"clientSecret", (const char *)secret.data, secret.len)) < 0 ? err_oom(err) : 0;
}

static int check_limit(struct arm_call *call, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(call->tx, &count, err, "SELECT COUNT(*) FROM tenants", "");
	if (rc == 0 && count >= TENANTS_MAX)
		return err_set(err, -EDQUOT, 409, "TenantQuotaExceeded", "An instance has at most %d tenants.", TENANTS_MAX);
	return rc;
}

static int create(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	_cleanup_free_ char *tenant = strv_lower(call->target->name);
	if (!tenant)
		return err_oom(err);
	int rc = arm_body(call->request, &body, err);
	if (rc == 0 && load(call, &call->response->json, NULL) == 0)
		return 0;  // as it is; the administrator's secret was told once
	if (rc == 0)
		rc = check_limit(call, err);
	const char *name = json_str(body, "properties.displayName"), *domain = json_str(body, "properties.domain");
	if (rc == 0)
		rc = entra_add_tenant(call->tx, tenant, name ? name : "", err);
	if (rc == 0 && domain)
		rc = set_domain(call, tenant, domain, err);
	if (rc == 0)
		rc = load(call, &call->response->json, err);
	if (rc == 0)
		rc = add_administrator(call, tenant, json_object_get(call->response->json, "properties"), err);
	call->response->status = 201;
	return rc;
}

static int handle_tenants(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	const struct arm_target *t = call->target;
	bool reads = strcmp(method, "GET") == 0;
	if (t->scope[0] || t->tail[0] || !(reads || (t->name[0] && strcmp(method, "PUT") == 0)))
		return refuse_method(call, err);
	int rc = authorize(call, reads ? TENANTS "/read" : TENANTS "/write", err);
	if (rc < 0)
		return rc;
	if (!reads)
		return create(call, err);
	return t->name[0] ? load(call, &call->response->json, err) : list(call, err);
}

static int handle_requests(struct arm_call *call, struct err *err) {
	if (call->target->scope[0] || call->target->name[0] || strcmp(http_method(call->request), "GET") != 0)
		return refuse_method(call, err);
	int rc = authorize(call, REQUESTS "/read", err);
	if (rc < 0)
		return rc;
	json_t *value = arm_list_answer(call);
	return value ? feature_requests(call->tx, value, err) : err_oom(err);
}

static int handle_approve(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	if (call->target->scope[0] || call->target->name[0] || strcmp(http_method(call->request), "POST") != 0)
		return refuse_method(call, err);
	int rc = authorize(call, APPROVE "/action", err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc < 0)
		return rc;
	const char *subscription = json_str(body, "subscriptionId"), *space = json_str(body, "namespace"),
		   *feature = json_str(body, "feature");
	if (!subscription || !space || !feature)
		return err_set(err, -EINVAL, 400, "InvalidRequestContent",
			"The members 'subscriptionId', 'namespace' and 'feature' are needed.");
	return feature_approve(call->tx, subscription, space, feature, err);
}

const struct arm_type directory_tenants_type = {.name = TENANTS, .versions = versions_own, .raw = handle_tenants};
const struct arm_type feature_requests_type = {.name = REQUESTS, .versions = versions_own, .raw = handle_requests};
const struct arm_type approve_feature_type = {.name = APPROVE, .versions = versions_own, .raw = handle_approve};
