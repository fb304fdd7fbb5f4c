// SPDX-License-Identifier: Apache-2.0
// What all types below a vault share: which vault they stand in, lists in pages, records in the vault's audit log.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/vaults.h"
#include "vault/control.h"

// What follows "/providers/{namespace}" in the id.
static const char *own_part(const struct arm_target *target) {
	static const char word[] = "/providers/";
	const char *rest = target->id + strlen(target->scope);
	if (!strv_starts_with_nocase(rest, word))
		return "";
	rest += strlen(word);
	return rest + strcspn(rest, "/");
}

int vaults_name_at(const struct arm_target *target, size_t depth, char out[static ARM_NAME_MAX]) {
	const char *at = own_part(target);
	for (size_t i = 0; *at == '/'; i++) {
		at += 1 + strcspn(at + 1, "/");  // the type
		if (*at != '/')
			break;
		size_t n = strcspn(at + 1, "/");
		if (i == depth && n < ARM_NAME_MAX) {
			(void)snprintf(out, ARM_NAME_MAX, "%.*s", (int)n, at + 1);
			return 0;
		}
		at += 1 + n;
	}
	return -ENOENT;
}

static int no_parent(const struct arm_call *call, const char *id, const char *name, struct err *err) {
	if (strcmp(http_method(call->request), "GET") == 0)
		return err_set(err, -ENOENT, 404, "ResourceNotFound",
			"The Resource 'Microsoft.KeyVault/vaults/%s' under resource group '%s' was not found. For more details please go to "
			"https://aka.ms/ARMResourceNotFoundFix", name, call->target->group);
	return err_set(err, -ENOENT, 404, "ParentResourceNotFound",
		"Failed to perform 'write' on resource(s) of type '%s', because the parent resource '%s' could not be found.",
		strchr(call->target->type, '/') + 1, id);
}

int vaults_parent(struct arm_call *call, struct vault_record *out, struct err *err) {
	char name[ARM_NAME_MAX] = "";
	struct vault_record v;
	int rc = vaults_name_at(call->target, 0, name);
	_cleanup_free_ char *id = strv_printf("%s/providers/Microsoft.KeyVault/vaults/%s", call->target->scope, name);
	if (!id)
		return err_oom(err);
	if (rc == 0)
		rc = vault_find(call->tx, name, &v, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == -ENOENT || v.deleted || vault_is_pool(&v) || !strv_eq_nocase(v.resource_id, id))
		return no_parent(call, id, name, err);
	*out = v;
	return 0;
}

int vaults_method_not_allowed(const struct arm_call *call, struct err *err) {
	return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", http_method(call->request));
}

int vaults_page(const struct arm_call *call, size_t most, size_t *limit, const char **after, struct err *err) {
	const char *top = http_query(call->request, "$top"), *token = http_query(call->request, "$skiptoken");
	int64_t n = (int64_t)most;
	if (top && strv_int(top, 1, INT32_MAX, &n) < 0)
		return vaults_bad_request(err, "The value of the query parameter '$top' must be a number from 1.");
	if (token && strlen(token) >= ARM_NAME_MAX)
		return vaults_bad_request(err, "The value of the query parameter '$skiptoken' is invalid.");
	*limit = (uint64_t)n < most ? (size_t)n : most;
	*after = token ? token : "";
	return 0;
}

int vaults_set_next(struct arm_call *call, const char *position, struct err *err) {
	const char *target = http_target(call->request), *top = http_query(call->request, "$top");
	int port = http_port(call->request);
	char host_port[16] = "";
	if (port != 443)
		(void)snprintf(host_port, sizeof(host_port), ":%d", port);
	_cleanup_free_ char *link = strv_printf("https://%s%s%.*s?api-version=%s%s%s&$skiptoken=%s", http_host(call->request),
		host_port, (int)strcspn(target, "?"), target, http_query(call->request, "api-version"), top ? "&$top=" : "",
		top ? top : "", position);
	return !link || json_set_str(call->response->json, "nextLink", link) < 0 ? err_oom(err) : 0;
}

int vaults_record(struct arm_call *call, const struct vault_record *v, const char *operation, struct err *err) {
	const struct vault_control_request from = {.keeper = arm_keeper(call->arm), .vault = v, .kind = &object_keys,
		.http = call->request, .caller = call->caller};
	_cleanup_control_ struct vault_control *x = NULL;
	int rc = vault_control_open(&from, &x, err);
	return rc < 0 ? rc : vault_control_record(x, call->tx, operation, err);
}
