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

int vaults_record(struct arm_call *call, const struct vault_record *v, const char *operation, struct err *err) {
	const struct vault_control_request from = {.keeper = arm_keeper(call->arm), .vault = v, .kind = &object_keys,
		.http = call->request, .caller = call->caller};
	_cleanup_control_ struct vault_control *x = NULL;
	int rc = vault_control_open(&from, &x, err);
	return rc < 0 ? rc : vault_control_record(x, call->tx, operation, err);
}
