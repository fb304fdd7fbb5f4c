// SPDX-License-Identifier: Apache-2.0
#include "server/instance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/access.h"
#include "arm/resource.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/strv.h"
#include "entra/directory.h"
#include "net/cert.h"

#define LOCATION "westeurope"
#define SYSTEM_GROUP "custodisk-system"
#define HYPERVISOR_TYPE "Custodisk.Host/hypervisors"

enum { CERTIFICATE_DAYS = 825, RENEW_DAYS = 30, PEM_MAX = 65536 };

static int write_json(const char *data_dir, const char *name, const json_t *value, struct err *err) {
	_cleanup_free_ char *path = strv_printf("%s/%s", data_dir, name);
	char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
	int rc = path && text ? io_replace_file(path, text, strlen(text), 0600, err) : err_oom(err);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}

static int save_document(struct store_tx *tx, const char *id, const char *type, struct err *err) {
	struct arm_target t;
	_cleanup_resource_ struct resource r = {0};
	int rc = arm_parse_path(id, &t, err);
	if (rc == 0)
		rc = resource_new(&t, type, &r, err);
	if (rc == 0 && json_set_str(r.body, "location", LOCATION) < 0)
		rc = err_oom(err);
	if (rc == 0)
		rc = resource_set_property(&r, "provisioningState", "Succeeded", err);
	return rc < 0 ? rc : resource_save(tx, &r, err);
}

static int assign(struct store_tx *tx, const char *scope, const char *role, const struct entra_principal *to, struct err *err) {
	char name[ENC_UUID_SIZE];
	if (enc_uuid(name) < 0)
		return err_errno(err, -EIO, "no random numbers");
	const struct access_assignment a = {.tenant = to->tenant_id, .scope = scope, .name = name,
		.principal_id = to->object_id, .principal_type = "ServicePrincipal", .role_id = role, .created_by = to->object_id};
	return access_assign(tx, &a, err);
}

static int make_administrator(struct store_tx *tx, const struct entra_principal *p, struct err *err) {
	struct directory_role_assignment a = {.role_id = DIRECTORY_GLOBAL_ADMINISTRATOR};
	memcpy(a.principal_id, p->object_id, sizeof(a.principal_id));
	return directory_assign_role(tx, p->tenant_id, &a, err);
}

// A principal with a role at a scope, and the file that carries its secret to who shall act as it.
static int make_principal(struct store_tx *tx, const struct instance *in, const char *data_dir, const char *name,
	const char *scope, const char *role, const char *file, const char *hypervisor, struct entra_principal *out,
	struct err *err) {
	struct entra_principal principal;
	_cleanup_secret_ struct secret secret = {0};
	int rc = entra_add_application(tx, in->tenant_id, name, &principal, &secret, err);
	// Nobody could log in to renew it when the clock has left its lifetime.
	if (rc == 0)
		rc = entra_unbind_secrets(tx, principal.app_id, err);
	if (rc == 0)
		rc = assign(tx, scope, role, &principal, err);
	if (rc == 0 && strcmp(role, ACCESS_ROLE_OWNER) == 0)
		rc = entra_set_operator(tx, principal.object_id, err);
	// Who owns the subscription of a new instance manages its directory too.
	if (rc == 0 && strcmp(role, ACCESS_ROLE_OWNER) == 0)
		rc = make_administrator(tx, &principal, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *value = json_pack("{s:s, s:s, s:s, s:s%, s:s}", "tenantId", in->tenant_id, "subscriptionId",
		in->subscription_id, "clientId", principal.app_id, "clientSecret", (const char *)secret.data, secret.len, "hypervisorId",
		hypervisor);
	rc = write_json(data_dir, file, value, err);
	if (rc == 0)
		*out = principal;
	return rc;
}

static int make(struct store_tx *tx, const char *data_dir, struct instance *in, struct err *err) {
	if (enc_uuid(in->tenant_id) < 0 || enc_uuid(in->subscription_id) < 0)
		return err_errno(err, -EIO, "no random numbers");
	(void)snprintf(in->location, sizeof(in->location), "%s", LOCATION);
	_cleanup_free_ char *subscription = strv_printf("/subscriptions/%s", in->subscription_id);
	_cleanup_free_ char *group = strv_printf("%s/resourceGroups/" SYSTEM_GROUP, subscription);
	_cleanup_free_ char *hypervisor = strv_printf("%s/providers/" HYPERVISOR_TYPE "/local", group);
	if (!subscription || !group || !hypervisor)
		return err_oom(err);

	struct entra_principal bootstrap, host;
	int rc = entra_add_tenant(tx, in->tenant_id, "custodisk", err);
	if (rc == 0)
		rc = store_exec(tx, err, "INSERT INTO subscriptions (id, tenant_id, display_name) VALUES ($1,$2,$3)", "sss",
			in->subscription_id, in->tenant_id, "custodisk");
	if (rc >= 0)
		rc = save_document(tx, group, "Microsoft.Resources/resourceGroups", err);
	if (rc == 0)
		rc = save_document(tx, hypervisor, HYPERVISOR_TYPE, err);
	if (rc == 0)
		rc = make_principal(tx, in, data_dir, "custodisk-bootstrap", subscription, ACCESS_ROLE_OWNER, "bootstrap.json",
			hypervisor, &bootstrap, err);
	// Whoever has the first secret operates the instance: makes subscriptions and other tenants.
	if (rc == 0)
		rc = assign(tx, "/", ACCESS_ROLE_OWNER, &bootstrap, err);
	if (rc == 0)
		rc = make_principal(tx, in, data_dir, "custodisk-host", hypervisor, ACCESS_ROLE_HYPERVISOR, "host.json", hypervisor,
			&host, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *facts = json_pack("{s:s, s:s, s:s, s:s}", "tenantId", in->tenant_id, "subscriptionId",
		in->subscription_id, "location", in->location, "hypervisorId", hypervisor);
	_cleanup_free_ char *text = facts ? json_text(facts) : NULL;
	rc = text ? write_json(data_dir, "instance.json", facts, err) : err_oom(err);
	if (rc == 0)
		rc = store_exec(tx, err, "INSERT INTO settings (name, value) VALUES ('instance', $1)", "s", text);
	return rc < 0 ? rc : 0;
}

static int read_facts(const char *text, struct instance *out, struct err *err) {
	_cleanup_json_ json_t *facts = NULL;
	int rc = json_parse(text, strlen(text), "InternalServerError", &facts, err);
	if (rc < 0)
		return rc;
	const char *tenant = json_str(facts, "tenantId"), *subscription = json_str(facts, "subscriptionId"),
		   *location = json_str(facts, "location");
	if (!tenant || !subscription || !location || strv_copy(out->tenant_id, sizeof(out->tenant_id), tenant) < 0 ||
		strv_copy(out->subscription_id, sizeof(out->subscription_id), subscription) < 0 ||
		strv_copy(out->location, sizeof(out->location), location) < 0)
		return err_set(err, -EINVAL, 500, "InternalServerError", "The instance's facts in the store cannot be read.");
	return 0;
}

int instance_open(struct store *store, const char *data_dir, struct instance *out, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(store, STORE_WRITE, &tx, err);
	if (rc < 0)
		return rc;
	struct instance in = {0};
	{
		_cleanup_rows_ struct store_rows *rows = NULL;
		rc = store_query(tx, &rows, err, "SELECT value FROM settings WHERE name = 'instance'", "");
		if (rc == 0)
			rc = store_next(rows, err);
		if (rc > 0)
			rc = read_facts(store_text(rows, 0), &in, err);
		if (rc < 0)
			return rc;
	}
	// An instance that an older program made knows fewer of Microsoft's applications.
	rc = in.tenant_id[0] ? directory_add_first_party(tx, in.tenant_id, err) : make(tx, data_dir, &in, err);
	if (rc == 0)
		rc = store_commit(&tx, err);
	if (rc == 0)
		*out = in;
	return rc;
}

// By the real time, which is what TLS clients judge it by.
static bool still_good(const struct buf *pem) {
	int64_t ends = 0;
	return cert_not_after(buf_cstr(pem), pem->len, &ends, NULL) == 0 && ends - clock_real_now() > RENEW_DAYS * CLOCK_DAY;
}

static int issue(const char *path, struct buf *pem, struct err *err) {
	static const char *const names[] = {"management.azure.com", "login.microsoftonline.com", "login.windows.net",
		"sts.windows.net", "graph.microsoft.com", "*.vault.azure.net", "*.managedhsm.azure.net", "*.attest.azure.net",
		"localhost", "127.0.0.1", "::1", NULL};
	_cleanup_buf_ struct buf ca = {0};
	_cleanup_buf_ struct buf leaf = {0};
	_cleanup_buf_ struct buf key = {0};
	int rc = cert_issue(names, clock_real_now(), CERTIFICATE_DAYS, &ca, &leaf, &key, err);
	if (rc == 0 && (buf_append(&leaf, ca.data, ca.len) < 0 || buf_append(&leaf, key.data, key.len) < 0))
		rc = err_oom(err);
	if (rc == 0)
		rc = io_replace_file(path, leaf.data, leaf.len, 0600, err);
	if (rc == 0)
		*pem = (struct buf){.data = TAKE_PTR(leaf.data), .len = leaf.len, .cap = leaf.cap};
	return rc;
}

// The authority is the second certificate of the chain; clients read it from a file of its own.
static int publish_authority(const char *data_dir, const struct buf *pem, struct err *err) {
	static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----\n";
	const char *first = strstr(buf_cstr(pem), begin);
	const char *from = first ? strstr(first + 1, begin) : NULL;
	const char *to = from ? strstr(from, end) : NULL;
	_cleanup_free_ char *path = strv_printf("%s/ca.pem", data_dir);
	if (!to)
		return err_set(err, -EINVAL, 500, "InternalServerError", "%s/tls/server.pem holds no certificate chain.", data_dir);
	if (!path)
		return err_oom(err);
	return io_replace_file(path, from, (size_t)(to - from) + strlen(end), 0644, err);
}

int instance_certificate(const char *data_dir, struct buf *pem, struct err *err) {
	_cleanup_free_ char *folder = strv_printf("%s/tls", data_dir);
	_cleanup_free_ char *path = strv_printf("%s/tls/server.pem", data_dir);
	_cleanup_buf_ struct buf found = {0};
	if (!folder || !path)
		return err_oom(err);
	int rc = io_mkdir(folder, 0700, err);
	if (rc == 0 && access(path, F_OK) == 0)
		rc = io_read_file(path, PEM_MAX, &found, err);
	if (rc == 0 && !still_good(&found)) {
		buf_free(&found);
		rc = issue(path, &found, err);
	}
	if (rc == 0)
		rc = publish_authority(data_dir, &found, err);
	if (rc == 0)
		*pem = (struct buf){.data = TAKE_PTR(found.data), .len = found.len, .cap = found.cap};
	return rc;
}
