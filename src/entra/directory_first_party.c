// SPDX-License-Identifier: Apache-2.0
// Microsoft's own applications. Nobody signs in as them here: their service principals are there to be found, and to be given
// roles.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "entra/directory_internal.h"

static const struct directory_first_party known[] = {
	{"00000003-0000-0000-c000-000000000000", "Microsoft Graph",
		"https://graph.microsoft.com/ https://graph.microsoft.com", true},
	{"00000002-0000-0000-c000-000000000000", "Windows Azure Active Directory",
		"https://graph.windows.net/ https://graph.windows.net", true},
	{"797f4846-ba00-4fd7-ba43-dac1f8f63013", "Windows Azure Service Management API",
		"https://management.azure.com/ https://management.azure.com https://management.core.windows.net/ "
		"https://management.core.windows.net", true},
	{"cfa8b339-82a2-471a-a3c9-0fc0be7a4093", "Azure Key Vault", "https://vault.azure.net", true},
	{"589d5083-6f11-4d30-a62a-a4b316a14abf", "Azure Key Vault Managed HSM", "https://managedhsm.azure.net", true},
	{"60e6cd67-9c8c-4951-9b3c-23c25a2169af", "Compute Resource Provider", "", true},
	{"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI", "", true},
	{"1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell", "", true},
	{"bf7b6499-ff71-4aa2-97a4-f372087be7f0", "Confidential VM Orchestrator", "", false},
	{"9cdead84-a844-4324-93f2-b2e6bb768d07", "Azure Virtual Desktop", "https://www.wvd.microsoft.com", false},
};

const struct directory_first_party *directory_first_party(const char *app_id) {
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strv_eq_nocase(known[i].app_id, app_id))
			return &known[i];
	return NULL;
}

static int add_one(struct store_tx *tx, const char *tenant_id, const struct directory_first_party *p, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM service_principals WHERE tenant_id = $1 AND app_id = $2",
		"ss", tenant_id, p->app_id);
	if (rc < 0 || count > 0)
		return rc;
	_cleanup_object_ struct directory_object o = {.kind = DIRECTORY_SERVICE_PRINCIPAL, .enabled = true,
		.display_name = strdup(p->display_name), .body = json_object()};
	if (!o.display_name || !o.body || strv_copy(o.tenant_id, sizeof(o.tenant_id), tenant_id) < 0 ||
		strv_copy(o.app_id, sizeof(o.app_id), p->app_id) < 0)
		return err_oom(err);
	return directory_add(tx, &o, err);
}

int directory_add_first_party(struct store_tx *tx, const char *tenant_id, struct err *err) {
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(known); i++)
		if (known[i].everywhere)
			rc = add_one(tx, tenant_id, &known[i], err);
	return rc;
}
