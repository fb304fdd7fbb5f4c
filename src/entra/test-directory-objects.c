// SPDX-License-Identifier: Apache-2.0
// Users, groups, applications and service principals; references, credentials, federated credentials, directory roles.
#include "base/test-util.h"

#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "entra/directory_internal.h"

#define TENANT_A "11111111-aaaa-4111-8111-111111111111"
#define TENANT_B "22222222-bbbb-4222-8222-222222222222"
#define NOBODY "99999999-0000-4000-8000-000000000000"

struct fixture {
	char path[64];
	struct store *store;
	struct store_tx *tx;
	struct err err;
};

static int set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	*state = f;
	(void)snprintf(f->path, sizeof(f->path), "/tmp/test-directory-XXXXXX");
	int fd = mkstemp(f->path);
	if (fd < 0 || close(fd) < 0 || unlink(f->path) < 0)
		return -1;
	clock_set_offset(0);
	if (store_open(f->path, &f->store, &f->err) < 0 || store_begin(f->store, STORE_WRITE, &f->tx, &f->err) < 0)
		return -1;
	return entra_add_tenant(f->tx, TENANT_A, "Contoso Ltd.", &f->err) < 0 || entra_add_tenant(f->tx, TENANT_B, "contoso ltd", &f->err) < 0;
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	char path[80];
	store_rollback(&f->tx);
	store_close(f->store);
	for (size_t i = 0; i < 3; i++) {
		static const char *const suffixes[] = {"", "-wal", "-shm"};
		(void)snprintf(path, sizeof(path), "%s%s", f->path, suffixes[i]);
		(void)unlink(path);
	}
	free(f);
	return 0;
}

// Adds an object and returns its id.
static const char *make(struct fixture *f, enum directory_kind kind, const char *tenant, const char *name, const char *detail,
	struct directory_object *o) {
	*o = (struct directory_object){.kind = kind, .enabled = true, .display_name = strdup(name),
		.detail = detail ? strdup(detail) : NULL, .body = json_pack("{s:s}", "note", name)};
	(void)snprintf(o->tenant_id, sizeof(o->tenant_id), "%s", tenant);
	if (directory_add(f->tx, o, &f->err) < 0)
		fail_msg("%s: %s", name, f->err.message);
	return o->id;
}

static void make_principal(struct fixture *f, const char *tenant, const char *app_id, struct directory_object *o) {
	*o = (struct directory_object){.kind = DIRECTORY_SERVICE_PRINCIPAL, .enabled = true, .display_name = strdup("principal"),
		.body = json_object()};
	(void)snprintf(o->tenant_id, sizeof(o->tenant_id), "%s", tenant);
	(void)snprintf(o->app_id, sizeof(o->app_id), "%s", app_id);
	assert_int_equal(directory_add(f->tx, o, &f->err), 0);
}

// The names of a list's objects, each followed by a blank, in out.
static char *names(struct fixture *f, const struct directory_list *l, char out[static 256]) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc;
	out[0] = 0;
	assert_int_equal(directory_list_open(f->tx, l, &rows, &f->err), 0);
	for (;;) {
		_cleanup_object_ struct directory_object o = {0};
		rc = directory_list_next(rows, l->kind, &o, &f->err);
		if (rc <= 0)
			break;
		size_t n = strlen(out);
		(void)snprintf(out + n, 256 - n, "%s ", o.display_name);
	}
	assert_int_equal(rc, 0);
	return out;
}

static int64_t count(struct fixture *f, enum directory_kind kind, enum directory_relation relation, const char *of) {
	const struct directory_list l = {.tenant_id = TENANT_A, .kind = kind, .relation = relation, .of = of};
	int64_t n = -1;
	assert_int_equal(directory_count(f->tx, &l, &n, &f->err), 0);
	return n;
}

static void test_a_tenant_has_a_domain_and_microsofts_applications(void **state) {
	struct fixture *f = *state;
	struct entra_tenant tenant;
	_cleanup_object_ struct directory_object o = {0}, none = {0};
	assert_int_equal(directory_tenant(f->tx, TENANT_A, &tenant, &f->err), 0);
	assert_string_equal(tenant.domain, "contosoltd.onmicrosoft.com");
	// No two tenants share one.
	assert_int_equal(directory_tenant(f->tx, TENANT_B, &tenant, &f->err), 0);
	assert_string_equal(tenant.domain, "contosoltd22222222.onmicrosoft.com");
	assert_int_equal(directory_tenant(f->tx, NOBODY, &tenant, &f->err), -ENOENT);
	assert_int_equal(directory_get_by_app(f->tx, TENANT_B, DIRECTORY_SERVICE_PRINCIPAL,
		"CFA8B339-82a2-471a-a3c9-0fc0be7a4093", &o, &f->err), 0);
	assert_string_equal(o.display_name, "Azure Key Vault");
	assert_int_equal(directory_get_by_app(f->tx, TENANT_A, DIRECTORY_SERVICE_PRINCIPAL,
		"bf7b6499-ff71-4aa2-97a4-f372087be7f0", &none, &f->err), -ENOENT);
	// Nobody signs in as one of them, and none takes a secret.
	struct entra_service_principal p;
	struct directory_credential c = {.not_before = 1, .not_after = 2};
	_cleanup_secret_ struct secret text = {0};
	assert_int_equal(entra_application_find(f->tx, TENANT_B, o.app_id, &p, &f->err), -ENOENT);
	assert_int_equal(directory_add_secret(f->tx, &o, &c, &text, &f->err), -EPERM);
	assert_int_equal(f->err.status, 403);
	assert_null(text.data);
	// Idempotent.
	int64_t before = count(f, DIRECTORY_SERVICE_PRINCIPAL, DIRECTORY_ALL, NULL);
	assert_int_equal(directory_add_first_party(f->tx, TENANT_A, &f->err), 0);
	assert_int_equal(count(f, DIRECTORY_SERVICE_PRINCIPAL, DIRECTORY_ALL, NULL), before);
}

static void test_objects_are_found_in_their_tenant_alone(void **state) {
	struct fixture *f = *state;
	_cleanup_object_ struct directory_object user = {0}, group = {0}, app = {0}, found = {0}, again = {0}, none = {0};
	make(f, DIRECTORY_USER, TENANT_A, "Ada", "ada@contosoltd.onmicrosoft.com", &user);
	make(f, DIRECTORY_GROUP, TENANT_A, "Engines", NULL, &group);
	make(f, DIRECTORY_APPLICATION, TENANT_A, "Loom", "AzureADMyOrg", &app);
	assert_int_equal(directory_get(f->tx, TENANT_A, DIRECTORY_USER, user.id, &found, &f->err), 0);
	assert_string_equal(found.display_name, "Ada");
	assert_string_equal(found.detail, "ada@contosoltd.onmicrosoft.com");
	assert_string_equal(json_str(found.body, "note"), "Ada");
	assert_true(found.enabled);
	assert_int_equal(directory_find(f->tx, TENANT_A, DIRECTORY_KINDS, app.id, &again, &f->err), 0);
	assert_int_equal(again.kind, DIRECTORY_APPLICATION);
	// An application is no principal; another tenant's objects are not there.
	assert_int_equal(directory_find(f->tx, TENANT_A, DIRECTORY_PRINCIPAL_KINDS, app.id, &none, &f->err), -ENOENT);
	assert_int_equal(directory_find(f->tx, TENANT_B, DIRECTORY_KINDS, app.id, &none, &f->err), -ENOENT);
	assert_int_equal(directory_get(f->tx, TENANT_B, DIRECTORY_GROUP, group.id, &none, &f->err), -ENOENT);
	assert_string_equal(f->err.code, "Request_ResourceNotFound");
	assert_int_equal(directory_get_by_app(f->tx, TENANT_B, DIRECTORY_APPLICATION, app.app_id, &none, &f->err), -ENOENT);
	assert_int_equal(directory_get_user_by_name(f->tx, TENANT_B, user.detail, &none, &f->err), -ENOENT);
	assert_int_equal(directory_get(f->tx, TENANT_A, DIRECTORY_GROUP, "not-a-guid", &none, &f->err), -EINVAL);
	assert_int_equal(f->err.status, 400);
	assert_null(none.display_name);
	assert_int_equal(entra_find_principal(f->tx, TENANT_A, user.id, &f->err), 0);
	assert_int_equal(entra_find_principal(f->tx, TENANT_A, group.id, &f->err), 0);
	assert_int_equal(entra_find_principal(f->tx, TENANT_B, group.id, &f->err), -ENOENT);
	// A name is one user's; an appId one service principal's in a tenant.
	_cleanup_object_ struct directory_object twin = {.kind = DIRECTORY_USER, .display_name = strdup("Twin"),
		.detail = strdup(user.detail), .body = json_object()};
	(void)snprintf(twin.tenant_id, sizeof(twin.tenant_id), TENANT_A);
	assert_int_equal(directory_add(f->tx, &twin, &f->err), -EEXIST);
	assert_string_equal(f->err.message, "Another object with the same value for property userPrincipalName already exists.");
}

static void test_lists_go_on_where_a_page_ended(void **state) {
	struct fixture *f = *state;
	char text[256];
	static const char *const given[] = {"delta", "Bravo", "alpha", "Charlie"};
	struct directory_object groups[4] = {0};
	for (size_t i = 0; i < 4; i++)
		make(f, DIRECTORY_GROUP, TENANT_A, given[i], NULL, &groups[i]);
	struct directory_list l = {.tenant_id = TENANT_A, .kind = DIRECTORY_GROUP, .by_name = true};
	assert_string_equal(names(f, &l, text), "alpha Bravo Charlie delta ");
	l.after_name = "bravo";
	l.after_id = groups[1].id;
	assert_string_equal(names(f, &l, text), "Charlie delta ");
	l.descending = true;
	assert_string_equal(names(f, &l, text), "alpha ");
	l.after_name = l.after_id = NULL;
	assert_string_equal(names(f, &l, text), "delta Charlie Bravo alpha ");
	const struct directory_list other = {.tenant_id = TENANT_B, .kind = DIRECTORY_GROUP};
	assert_string_equal(names(f, &other, text), "");
	l = (struct directory_list){.tenant_id = TENANT_A, .kind = DIRECTORY_GROUP};
	size_t all = strlen(names(f, &l, text));
	l.after_id = "00000000-0000-0000-0000-000000000000";
	assert_int_equal(strlen(names(f, &l, text)), all);
	l.after_id = "ffffffff-ffff-ffff-ffff-ffffffffffff";
	assert_string_equal(names(f, &l, text), "");
	for (size_t i = 0; i < 4; i++)
		directory_object_free(&groups[i]);
}

static void test_members_of_members(void **state) {
	struct fixture *f = *state;
	char text[256];
	_cleanup_object_ struct directory_object user = {0}, inner = {0}, outer = {0};
	make(f, DIRECTORY_USER, TENANT_A, "Ada", "ada@x", &user);
	make(f, DIRECTORY_GROUP, TENANT_A, "inner", NULL, &inner);
	make(f, DIRECTORY_GROUP, TENANT_A, "outer", NULL, &outer);
	assert_int_equal(directory_add_member(f->tx, inner.id, user.id, &f->err), 0);
	assert_int_equal(directory_add_member(f->tx, outer.id, inner.id, &f->err), 0);
	// A circle ends.
	assert_int_equal(directory_add_member(f->tx, inner.id, outer.id, &f->err), 0);
	assert_int_equal(directory_add_member(f->tx, inner.id, user.id, &f->err), -EEXIST);
	assert_string_equal(f->err.message,
		"One or more added object references already exist for the following modified properties: 'members'.");
	assert_int_equal(directory_add_member(f->tx, inner.id, inner.id, &f->err), -EINVAL);
	bool is = false;
	assert_int_equal(directory_is_member(f->tx, outer.id, user.id, &is, &f->err), 0);
	assert_true(is);
	assert_int_equal(directory_is_member(f->tx, NOBODY, user.id, &is, &f->err), 0);
	assert_false(is);
	assert_int_equal(count(f, DIRECTORY_USER, DIRECTORY_MEMBERS, outer.id), 0);
	assert_int_equal(count(f, DIRECTORY_USER, DIRECTORY_ALL_MEMBERS, outer.id), 1);
	assert_int_equal(count(f, DIRECTORY_GROUP, DIRECTORY_GROUPS, user.id), 1);
	const struct directory_list groups = {.tenant_id = TENANT_A, .kind = DIRECTORY_GROUP, .relation = DIRECTORY_ALL_GROUPS,
		.of = user.id, .by_name = true};
	assert_string_equal(names(f, &groups, text), "inner outer ");
	assert_int_equal(directory_remove_member(f->tx, inner.id, user.id, &f->err), 0);
	assert_int_equal(directory_remove_member(f->tx, inner.id, user.id, &f->err), -ENOENT);
	assert_int_equal(count(f, DIRECTORY_USER, DIRECTORY_ALL_MEMBERS, outer.id), 0);
}

static void test_deleting_takes_everything_along(void **state) {
	struct fixture *f = *state;
	_cleanup_object_ struct directory_object user = {0}, group = {0}, none = {0};
	struct directory_role_assignment a = {.role_id = DIRECTORY_GLOBAL_ADMINISTRATOR}, *left = NULL,
		other = {.principal_id = NOBODY, .role_id = DIRECTORY_GLOBAL_ADMINISTRATOR};
	size_t n = 7;
	bool is = true;
	make(f, DIRECTORY_USER, TENANT_A, "Ada", "ada@x", &user);
	make(f, DIRECTORY_GROUP, TENANT_A, "group", NULL, &group);
	(void)snprintf(a.principal_id, sizeof(a.principal_id), "%s", user.id);
	assert_int_equal(directory_add_member(f->tx, group.id, user.id, &f->err), 0);
	assert_int_equal(directory_add_owner(f->tx, group.id, user.id, &f->err), 0);
	assert_int_equal(directory_assign_role(f->tx, TENANT_A, &a, &f->err), 0);
	// The last administrator stays.
	assert_int_equal(directory_delete(f->tx, &user, &f->err), -EPERM);
	assert_int_equal(directory_assign_role(f->tx, TENANT_A, &other, &f->err), 0);
	assert_int_equal(directory_delete(f->tx, &user, &f->err), 0);
	assert_int_equal(directory_get(f->tx, TENANT_A, DIRECTORY_USER, user.id, &none, &f->err), -ENOENT);
	assert_int_equal(count(f, DIRECTORY_USER, DIRECTORY_MEMBERS, group.id), 0);
	assert_int_equal(directory_is_owner(f->tx, group.id, user.id, &is, &f->err), 0);
	assert_false(is);
	assert_int_equal(directory_role_assignments(f->tx, TENANT_A, user.id, NULL, &left, &n, &f->err), 0);
	assert_int_equal(n, 0);
	free(left);
}

static void test_a_deleted_application_can_be_restored_for_thirty_days(void **state) {
	struct fixture *f = *state;
	_cleanup_object_ struct directory_object app = {0}, principal = {0}, abroad = {0}, restored = {0}, none = {0};
	struct entra_service_principal p;
	make(f, DIRECTORY_APPLICATION, TENANT_A, "Loom", "AzureADMultipleOrgs", &app);
	make_principal(f, TENANT_A, app.app_id, &principal);
	make_principal(f, TENANT_B, app.app_id, &abroad);
	assert_int_equal(entra_application_find(f->tx, TENANT_B, app.app_id, &p, &f->err), 0);
	assert_int_equal(directory_delete(f->tx, &app, &f->err), 0);
	// Its principal goes at once; the one of another tenant stays, and nobody signs in as it.
	assert_int_equal(directory_get(f->tx, TENANT_A, DIRECTORY_APPLICATION, app.id, &none, &f->err), -ENOENT);
	assert_int_equal(directory_get(f->tx, TENANT_A, DIRECTORY_SERVICE_PRINCIPAL, principal.id, &none, &f->err), -ENOENT);
	assert_int_equal(directory_get_registration(f->tx, app.app_id, &none, &f->err), -ENOENT);
	assert_int_equal(entra_application_find(f->tx, TENANT_B, app.app_id, &p, &f->err), -ENOENT);
	assert_int_equal(count(f, DIRECTORY_APPLICATION, DIRECTORY_DELETED, NULL), 1);
	assert_int_equal(directory_restore(f->tx, TENANT_B, app.id, &none, &f->err), -ENOENT);
	assert_int_equal(directory_restore(f->tx, TENANT_A, app.id, &restored, &f->err), 0);
	assert_int_equal(restored.deleted, 0);
	assert_int_equal(entra_application_find(f->tx, TENANT_B, app.app_id, &p, &f->err), 0);
	assert_int_equal(directory_delete(f->tx, &restored, &f->err), 0);
	clock_set_offset(DIRECTORY_RESTORE_SECONDS + 10);
	assert_int_equal(directory_restore(f->tx, TENANT_A, app.id, &none, &f->err), -ENOENT);
	assert_int_equal(count(f, DIRECTORY_APPLICATION, DIRECTORY_DELETED, NULL), 0);
	// And it is erased when the next one goes.
	_cleanup_object_ struct directory_object next = {0};
	int64_t rows = 0;
	make(f, DIRECTORY_APPLICATION, TENANT_A, "Next", "AzureADMyOrg", &next);
	assert_int_equal(directory_delete(f->tx, &next, &f->err), 0);
	assert_int_equal(store_query_int(f->tx, &rows, &f->err, "SELECT COUNT(*) FROM applications", ""), 0);
	assert_int_equal(rows, 1);
	assert_int_equal(directory_purge(f->tx, TENANT_A, next.id, &f->err), 0);
	assert_int_equal(directory_purge(f->tx, TENANT_A, next.id, &f->err), -ENOENT);
	clock_set_offset(0);
}

static void test_an_application_of_one_tenant_is_not_one_of_another(void **state) {
	struct fixture *f = *state;
	_cleanup_object_ struct directory_object app = {0}, abroad = {0};
	struct entra_service_principal p;
	make(f, DIRECTORY_APPLICATION, TENANT_A, "Loom", "AzureADMultipleOrgs", &app);
	make_principal(f, TENANT_B, app.app_id, &abroad);
	assert_int_equal(entra_application_find(f->tx, TENANT_B, app.app_id, &p, &f->err), 0);
	free(app.detail);
	app.detail = strdup("AzureADMyOrg");
	assert_int_equal(directory_save(f->tx, &app, &f->err), 0);
	assert_int_equal(entra_application_find(f->tx, TENANT_B, app.app_id, &p, &f->err), -ENOENT);
}

static int check(struct fixture *f, const struct directory_object *o, const struct secret *text, int64_t now) {
	struct entra_principal p = {0};
	_cleanup_free_ char *secret = strndup((const char *)text->data, text->len);
	memcpy(p.app_id, o->app_id, sizeof(p.app_id));
	memcpy(p.object_id, o->id, sizeof(p.object_id));
	return directory_check_secret(f->tx, &p, secret, now, &f->err);
}

static void test_secrets(void **state) {
	struct fixture *f = *state;
	_cleanup_object_ struct directory_object app = {0}, here = {0}, abroad = {0};
	_cleanup_secret_ struct secret shared = {0}, own = {0};
	struct directory_credential c = {.display_name = "rbac", .not_before = 1000, .not_after = 2000}, of_here = c, *list = NULL;
	size_t n = 0;
	make(f, DIRECTORY_APPLICATION, TENANT_A, "Loom", "AzureADMultipleOrgs", &app);
	make_principal(f, TENANT_A, app.app_id, &here);
	make_principal(f, TENANT_B, app.app_id, &abroad);
	assert_int_equal(directory_add_secret(f->tx, &app, &c, &shared, &f->err), 0);
	assert_int_equal(directory_add_secret(f->tx, &here, &of_here, &own, &f->err), 0);
	assert_int_equal(strlen(c.hint), 3);
	assert_memory_equal(c.hint, shared.data, 3);
	// The application's is good everywhere, a principal's in its tenant alone; neither before nor after its time.
	assert_int_equal(check(f, &here, &shared, 1500), 0);
	assert_int_equal(check(f, &abroad, &shared, 1500), 0);
	assert_int_equal(check(f, &here, &own, 1500), 0);
	assert_int_equal(check(f, &abroad, &own, 1500), -EACCES);
	assert_int_equal(check(f, &here, &shared, 999), -EACCES);
	assert_int_equal(check(f, &here, &shared, 2000), -ETIME);
	assert_int_equal(directory_secrets(f->tx, &app, &list, &n, &f->err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].key_id, c.key_id);
	assert_string_equal(list[0].display_name, "rbac");
	assert_string_equal(list[0].hint, c.hint);
	assert_int_equal(list[0].not_after, 2000);
	free(list);
	// Removed by who has it.
	assert_int_equal(directory_remove_secret(f->tx, &here, c.key_id, &f->err), -ENOENT);
	assert_int_equal(directory_remove_secret(f->tx, &app, c.key_id, &f->err), 0);
	assert_int_equal(check(f, &here, &shared, 1500), -EACCES);
	// A principal's go with it.
	assert_int_equal(directory_delete(f->tx, &here, &f->err), 0);
	assert_int_equal(check(f, &here, &own, 1500), -EACCES);
}

static size_t make_certificate(uint8_t **der) {
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	assert_non_null(key);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)ASN1_TIME_set(X509_getm_notBefore(x), 10000);
	(void)ASN1_TIME_set(X509_getm_notAfter(x), 20000);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	int len = i2d_X509(x, der);
	X509_free(x);
	EVP_PKEY_free(key);
	assert_true(len > 0);
	return (size_t)len;
}

static void test_certificates(void **state) {
	struct fixture *f = *state;
	_cleanup_object_ struct directory_object app = {0}, here = {0};
	struct directory_credential c = {0}, again = {0}, early = {.not_before = 9999}, late = {.not_after = 20001}, *list = NULL;
	_cleanup_buf_ struct buf found = {0}, digest = {0};
	uint8_t *der = NULL;
	int64_t from = 0, to = 0;
	size_t n = 0, len = make_certificate(&der);
	make(f, DIRECTORY_APPLICATION, TENANT_A, "Loom", "AzureADMyOrg", &app);
	make_principal(f, TENANT_A, app.app_id, &here);
	assert_int_equal(directory_add_certificate(f->tx, &app, &early, der, len, &f->err), -EINVAL);
	assert_string_equal(f->err.code, "KeyCredentialsInvalidStartDate");
	assert_int_equal(directory_add_certificate(f->tx, &app, &late, der, len, &f->err), -EINVAL);
	assert_string_equal(f->err.code, "KeyCredentialsInvalidEndDate");
	assert_int_equal(directory_add_certificate(f->tx, &app, &c, der, len - 1, &f->err), -EINVAL);
	assert_int_equal(directory_add_certificate(f->tx, &app, &c, "", 0, &f->err), -EINVAL);
	assert_int_equal(directory_add_certificate(f->tx, &app, &c, der, len, &f->err), 0);
	assert_int_equal(directory_add_certificate(f->tx, &app, &again, der, len, &f->err), -EEXIST);
	assert_int_equal(c.not_before, 10000);
	assert_int_equal(c.not_after, 20000);
	struct entra_principal p = {0};
	memcpy(p.app_id, app.app_id, sizeof(p.app_id));
	memcpy(p.object_id, here.id, sizeof(p.object_id));
	assert_int_equal(dec_hex(&digest, c.thumbprint, 40), 0);
	assert_int_equal(directory_find_certificate(f->tx, &p, digest.data, 20, &found, &from, &to, &f->err), 0);
	assert_int_equal(found.len, len);
	assert_memory_equal(found.data, der, len);
	assert_int_equal(from, 10000);
	digest.data[0] ^= 1;
	assert_int_equal(directory_find_certificate(f->tx, &p, digest.data, 20, &found, &from, &to, &f->err), -ENOENT);
	assert_int_equal(directory_certificates(f->tx, &app, &list, &n, &f->err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].thumbprint, c.thumbprint);
	free(list);
	assert_int_equal(directory_remove_certificate(f->tx, &app, c.key_id, &f->err), 0);
	assert_int_equal(directory_remove_certificate(f->tx, &app, c.key_id, &f->err), -ENOENT);
	assert_int_equal(directory_remove_certificate(f->tx, &app, "x", &f->err), -EINVAL);
	OPENSSL_free(der);
}

static void test_federated_credentials(void **state) {
	struct fixture *f = *state;
	static const char owner[] = "/Subscriptions/S/identity";
	struct directory_federated a = {.name = "main", .issuer = "https://issuer/", .subject = "s", .audience = "api://x"}, b = a, got, *list;
	size_t n;
	assert_int_equal(directory_federated_add(f->tx, owner, &a, &f->err), 0);
	assert_int_equal(directory_federated_get(f->tx, "/subscriptions/s/IDENTITY", "main", &got, &f->err), 0);
	assert_string_equal(got.id, a.id);
	assert_int_equal(directory_federated_get(f->tx, owner, a.id, &got, &f->err), 0);
	// Names are spelled one way.
	assert_int_equal(directory_federated_get(f->tx, owner, "MAIN", &got, &f->err), -ENOENT);
	b.id[0] = 0;
	assert_int_equal(directory_federated_add(f->tx, owner, &b, &f->err), -EEXIST);
	assert_string_equal(f->err.code, "InvalidFederatedIdentityCredentialValue");
	(void)snprintf(b.subject, sizeof(b.subject), "S");
	assert_int_equal(directory_federated_add(f->tx, owner, &b, &f->err), -EEXIST);
	assert_int_equal(f->err.status, 409);
	assert_string_equal(f->err.message, "FederatedIdentityCredential with name main already exists.");
	static const char *const bad[] = {"", "ab", "a b", "-abc", "a/bc"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(b.name, sizeof(b.name), "%s", bad[i]);
		assert_int_equal(directory_federated_add(f->tx, owner, &b, &f->err), -EINVAL);
	}
	(void)snprintf(b.name, sizeof(b.name), "other");
	b.issuer[0] = 0;
	assert_int_equal(directory_federated_add(f->tx, owner, &b, &f->err), -EINVAL);
	(void)snprintf(b.issuer, sizeof(b.issuer), "https://issuer/");
	assert_int_equal(directory_federated_add(f->tx, owner, &b, &f->err), 0);
	(void)snprintf(b.subject, sizeof(b.subject), "s");
	assert_int_equal(directory_federated_save(f->tx, owner, &b, &f->err), -EEXIST);
	(void)snprintf(b.subject, sizeof(b.subject), "t");
	assert_int_equal(directory_federated_save(f->tx, owner, &b, &f->err), 0);
	assert_int_equal(directory_federated_save(f->tx, "another", &b, &f->err), -ENOENT);
	for (int i = 2; i < DIRECTORY_FEDERATED_MAX + 1; i++) {
		struct directory_federated c = {.issuer = "i", .audience = "a"};
		(void)snprintf(c.name, sizeof(c.name), "more%d", i);
		(void)snprintf(c.subject, sizeof(c.subject), "s%d", i);
		assert_int_equal(directory_federated_add(f->tx, owner, &c, &f->err), i < DIRECTORY_FEDERATED_MAX ? 0 : -EDQUOT);
	}
	assert_int_equal(directory_federated_list(f->tx, owner, &list, &n, &f->err), 0);
	assert_int_equal(n, DIRECTORY_FEDERATED_MAX);
	assert_string_equal(list[0].name, "main");
	free(list);
	assert_int_equal(directory_federated_remove(f->tx, owner, "main", &f->err), 0);
	assert_int_equal(directory_federated_remove(f->tx, owner, "main", &f->err), -ENOENT);
	assert_int_equal(directory_federated_remove_all(f->tx, owner, &f->err), 0);
	assert_int_equal(directory_federated_list(f->tx, owner, &list, &n, &f->err), 0);
	assert_int_equal(n, 0);
}

static void test_directory_roles(void **state) {
	struct fixture *f = *state;
	struct directory_role_assignment a = {.principal_id = NOBODY, .role_id = DIRECTORY_GLOBAL_ADMINISTRATOR}, b = a,
		reader = {.principal_id = TENANT_B, .role_id = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"}, *list = NULL;
	unsigned rights = 99;
	size_t n = 0;
	assert_int_equal(directory_rights(f->tx, TENANT_A, NOBODY, &rights, &f->err), 0);
	assert_int_equal(rights, 0);
	assert_int_equal(directory_assign_role(f->tx, TENANT_A, &a, &f->err), 0);
	assert_int_equal(directory_assign_role(f->tx, TENANT_A, &b, &f->err), -EEXIST);
	assert_int_equal(directory_assign_role(f->tx, TENANT_A, &reader, &f->err), 0);
	assert_int_equal(directory_rights(f->tx, TENANT_A, NOBODY, &rights, &f->err), 0);
	assert_true(rights & DIRECTORY_WRITE_ROLES);
	assert_int_equal(directory_rights(f->tx, TENANT_A, TENANT_B, &rights, &f->err), 0);
	assert_int_equal(rights, DIRECTORY_READ);
	// In its tenant alone.
	assert_int_equal(directory_rights(f->tx, TENANT_B, NOBODY, &rights, &f->err), 0);
	assert_int_equal(rights, 0);
	assert_int_equal(directory_role_assignments(f->tx, TENANT_A, NOBODY, NULL, &list, &n, &f->err), 0);
	assert_int_equal(n, 1);
	free(list);
	assert_int_equal(directory_unassign_role(f->tx, TENANT_B, reader.id, &f->err), -ENOENT);
	assert_int_equal(directory_unassign_role(f->tx, TENANT_A, reader.id, &f->err), 0);
	assert_int_equal(directory_unassign_role(f->tx, TENANT_A, a.id, &f->err), -EPERM);
	assert_null(directory_role_by_id(NOBODY));
}

int main(void) {
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_tenant_has_a_domain_and_microsofts_applications, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_objects_are_found_in_their_tenant_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lists_go_on_where_a_page_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_members_of_members, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deleting_takes_everything_along, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_deleted_application_can_be_restored_for_thirty_days, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_application_of_one_tenant_is_not_one_of_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_secrets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_certificates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_federated_credentials, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_directory_roles, set_up, tear_down),
	};
	struct err err;
	if (secret_init(1 << 16, &err) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
