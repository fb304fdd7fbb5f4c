// SPDX-License-Identifier: Apache-2.0
// A Managed HSM's pool: its roles, what it answers otherwise than a vault, and that it is apart from a vault of the same name.
#include "vault/fixture.h"

#include "base/clock.h"
#include "base/strv.h"
#include "vault/pool.h"

#define V "?api-version=7.4"
#define DAY 86400LL
#define POOL "alpha.managedhsm"  // beside the vault "alpha"
#define OTHER "delta.managedhsm"
#define EC "{\"kty\":\"EC\"}"
#define ROLES "/providers/Microsoft.Authorization/"
#define CRYPTO_USER "21dbd100-6940-42c2-9190-5d6cb909625b"
#define CRYPTO_OFFICER "515eb02d-2335-4d2d-92f2-b1cbdf9c3778"
#define AUDITOR "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3"
#define ENCRYPTION_USER "33413926-3206-4cdd-b39a-83574fe37a17"

static void save_pool(struct fixture *f, struct store_tx *tx, const char *label, bool protection) {
	struct vault_record v = {
		.rbac = true, .retention_days = 7, .purge_protection = protection, .created = clock_now(), .location = "westeurope",
		.sku = "Standard_B1",
	};
	vault_pool_name(label, v.name);
	(void)snprintf(v.resource_id, sizeof(v.resource_id), GROUP "/providers/Microsoft.KeyVault/managedHSMs/%s", label);
	(void)snprintf(v.tenant_id, sizeof(v.tenant_id), "%s", f->tenant);
	_cleanup_json_ json_t *admins = json_pack("[s]", f->admin_id.object_id);
	assert_int_equal(vault_save(tx, &v, NULL), 0);
	assert_int_equal(vault_pool_admins_set(tx, &v, admins, NULL), 0);
}

static int call(struct fixture *f, const char *token, const char *method, const char *path, const char *body, json_t **json) {
	return fixture_call(f, token, method, POOL, path, body, json);
}

static json_t *ok(struct fixture *f, const char *method, const char *host, const char *path, const char *body) {
	return fixture_ok(f, f->admin_hsm, method, host, path, body);
}

static void refused(struct fixture *f, const char *method, const char *path, const char *body, int status, const char *code,
	const char *words) {
	fixture_refused(f, f->admin_hsm, method, POOL, path, body, status, code, "", words);
}

static int assign(struct fixture *f, const char *host, const char *scope, const char *principal, const char *role, char *id) {
	char name[ENC_UUID_SIZE];
	assert_int_equal(enc_uuid(name), 0);
	_cleanup_free_ char *path = strv_printf("/%s" ROLES "roleAssignments/%s" V, scope, name);
	_cleanup_free_ char *body = strv_printf("{\"properties\":{\"roleDefinitionId\":\"Microsoft.KeyVault" ROLES
		"roleDefinitions/%s\",\"principalId\":\"%s\"}}", role, principal);
	if (id)
		memcpy(id, name, sizeof(name));
	return fixture_call(f, f->admin_hsm, "PUT", host, path, body, NULL);
}

static void withdraw(struct fixture *f, const char *scope, const char *id) {
	_cleanup_free_ char *path = strv_printf("/%s" ROLES "roleAssignments/%s" V, scope, id);
	json_decref(ok(f, "DELETE", POOL, path, NULL));
}

static int set_up(void **state) {
	if (fixture_set_up(state) < 0)
		return -1;
	struct fixture *f = *state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	save_pool(f, tx, "Alpha", true);
	save_pool(f, tx, "delta", false);
	assert_int_equal(store_commit(&tx, NULL), 0);
	assert_int_equal(assign(f, POOL, "/", f->admin_id.object_id, CRYPTO_USER, NULL), 201);
	assert_int_equal(assign(f, POOL, "/", f->admin_id.object_id, CRYPTO_OFFICER, NULL), 201);
	assert_int_equal(assign(f, OTHER, "/", f->admin_id.object_id, CRYPTO_USER, NULL), 201);
	return 0;
}

static void expect_header(const struct http_reply *reply, const char *name, const char *value) {
	char got[512];
	assert_int_equal(http_reply_header(reply, name, got, sizeof(got)), 0);
	assert_string_equal(got, value);
}

static void test_the_challenge_names_the_pool(void **state) {
	struct fixture *f = *state;
	_cleanup_reply_ struct http_reply reply = {0};
	assert_int_equal(fixture_send(f, f->client, NULL, "GET", POOL, "/keys/x" V, NULL, NULL, &reply), 0);
	assert_int_equal(reply.status, 401);
	assert_int_equal(reply.body.len, 0);
	_cleanup_free_ char *challenge = strv_printf("Bearer authorization=\"https://login.microsoftonline.com/%s\", "
		"resource=\"https://managedhsm.azure.net\"", f->tenant);
	expect_header(&reply, "WWW-Authenticate", challenge);
	expect_header(&reply, "x-frame-options", "SAMEORIGIN");
	expect_header(&reply, "content-security-policy", "default-src 'self'");
	char latency[24];
	assert_int_equal(http_reply_header(&reply, "x-ms-server-latency", latency, sizeof(latency)), 0);
	expect_header(&reply, "x-ms-keyvault-region", "westeurope");
	// A vault's token is none here, and the other way round.
	assert_int_equal(call(f, f->admin, "GET", "/keys" V, NULL, NULL), 401);
	fixture_refused(f, f->admin_hsm, "GET", "alpha", "/keys" V, NULL, 401, "Unauthorized", "",
		"AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://managedhsm.azure.net");
	_cleanup_json_ json_t *record = fixture_last_record(f, POOL);
	assert_string_equal(json_str(record, "operationName"), "Authentication");
	assert_non_null(strstr(json_str(record, "resultDescription"), "Expected https://managedhsm.azure.net"));
}

static void test_keys_are_kept_in_hardware(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *body, *kty;
	} types[] = {
		{"{\"kty\":\"RSA\"}", "RSA-HSM"}, {"{\"kty\":\"RSA-HSM\",\"key_size\":3072}", "RSA-HSM"}, {"{\"kty\":\"EC\"}", "EC-HSM"},
		{"{\"kty\":\"oct\"}", "oct-HSM"}, {"{\"kty\":\"oct-HSM\",\"key_size\":128}", "oct-HSM"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_free_ char *path = strv_printf("/keys/type%zu/create" V, i);
		_cleanup_json_ json_t *k = ok(f, "POST", POOL, path, types[i].body);
		assert_string_equal(json_str(k, "key.kty"), types[i].kty);
		assert_null(json_at(k, "key.k"));
		_cleanup_free_ char *kid = strv_printf("https://alpha.managedhsm.azure.net/keys/type%zu/", i);
		assert_int_equal(strncmp(json_str(k, "key.kid"), kid, strlen(kid)), 0);
		assert_string_equal(json_str(k, "attributes.recoveryLevel"), "CustomizedRecoverable");
	}
	refused(f, "POST", "/keys/bad/create" V, "{\"kty\":\"oct-HSM\",\"key_size\":64}", 400, "BadParameter", "(Activity ID: ");
	// In a vault a symmetric key stays refused, and so does any HSM type without the tier.
	fixture_refused(f, f->admin, "POST", "alpha", "/keys/o/create" V, "{\"kty\":\"oct\"}", 400, "BadParameter", "KeyTypeNotSupported",
		"Invalid kty value: oct");
	fixture_refused(f, f->admin, "POST", "Beta", "/keys/o/create" V, "{\"kty\":\"oct\"}", 400, "BadParameter", "KeyTypeNotSupported",
		"Invalid kty value: oct");
	_cleanup_json_ json_t *premium = NULL;
	assert_int_equal(fixture_call(f, f->admin, "POST", "Beta", "/keys/o/create" V, "{\"kty\":\"oct-HSM\"}", &premium), 200);
	assert_string_equal(json_str(premium, "key.kty"), "oct-HSM");
}

static void test_names_of_pools_and_vaults_are_apart(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "POST", POOL, "/keys/here/create" V, EC));
	fixture_refused(f, f->admin, "GET", "alpha", "/keys/here" V, NULL, 404, "KeyNotFound", "", "here");
	_cleanup_json_ json_t *record = fixture_last_record(f, POOL);
	assert_string_equal(json_str(record, "operationName"), "KeyCreate");
	assert_non_null(strstr(json_str(record, "resourceId"), "/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/ALPHA"));
	// Neither is to be had by the other's host, and a pool has no secrets.
	assert_int_equal(fixture_call(f, f->admin, "GET", "beta.managedhsm", "/keys" V, NULL, NULL), 404);
	assert_int_equal(fixture_call(f, f->admin, "GET", "delta", "/keys" V, NULL, NULL), 404);
	refused(f, "PUT", "/secrets/s" V, "{\"value\":\"x\"}", 400, "BadParameter", "does not allow operation");
	refused(f, "GET", "/secrets" V, NULL, 400, "BadParameter", "does not allow operation");
	fixture_refused(f, f->admin, "POST", "alpha", "/rng" V, "{\"count\":1}", 400, "BadParameter", "", "does not allow operation");
	fixture_refused(f, f->admin, "GET", "alpha", ROLES "roleAssignments" V, NULL, 400, "BadParameter", "", "does not allow");
}

static void test_pages_stay_in_the_pool(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "POST", OTHER, "/keys/a/create" V, EC));
	json_decref(ok(f, "POST", OTHER, "/keys/b/create" V, EC));
	_cleanup_json_ json_t *page = ok(f, "GET", OTHER, "/keys" V "&maxresults=1", NULL);
	assert_memory_equal(json_str(page, "nextLink"), "https://delta.managedhsm.azure.net:443/keys?", 44);
}

static void test_azure_roles_give_nothing(void **state) {
	struct fixture *f = *state;
	// admin is Key Vault Administrator of the group that both pools are in, and administers them.
	fixture_refused(f, f->admin_hsm, "GET", OTHER, "/deletedkeys" V, NULL, 403, "AccessDenied", "",
		"Not authorized to access Microsoft.KeyVault/managedHsm/keys/deletedKeys/read/action on /keys (Activity ID: ");
	fixture_refused(f, f->nobody_hsm, "GET", POOL, "/keys/Some" V, NULL, 403, "AccessDenied", "",
		"Microsoft.KeyVault/managedHsm/keys/read/action on /keys/some (");
	fixture_refused(f, f->nobody_hsm, "POST", POOL, "/rng" V, "{\"count\":1}", 403, "AccessDenied", "", "managedHsm/rng/action on /");
	fixture_refused(f, f->nobody_hsm, "GET", POOL, ROLES "roleAssignments" V, NULL, 403, "AccessDenied", "",
		"roleAssignments/read/action on / (");
	_cleanup_json_ json_t *record = fixture_last_record(f, POOL);
	assert_string_equal(json_str(record, "operationName"), "RoleAssignmentList");
	assert_int_equal(json_int(record, "properties.httpStatusCode", 0), 403);
}

// A role of nobody at a scope: what it may with two keys.
static void expect_access(struct fixture *f, const char *scope, const char *role, int one, int two, int list, int create) {
	char id[ENC_UUID_SIZE];
	assert_int_equal(assign(f, POOL, scope, f->nobody_id.object_id, role, id), 201);
	assert_int_equal(call(f, f->nobody_hsm, "GET", "/keys/One" V, NULL, NULL), one);
	assert_int_equal(call(f, f->nobody_hsm, "GET", "/keys/two" V, NULL, NULL), two);
	assert_int_equal(call(f, f->nobody_hsm, "GET", "/keys" V, NULL, NULL), list);
	assert_int_equal(call(f, f->nobody_hsm, "POST", "/keys/three/create" V, EC, NULL), create);
	withdraw(f, scope, id);
	assert_int_equal(call(f, f->nobody_hsm, "GET", "/keys/one" V, NULL, NULL), 403);
}

static void test_a_role_counts_at_its_scope_and_below(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "POST", POOL, "/keys/one/create" V, EC));
	json_decref(ok(f, "POST", POOL, "/keys/two/create" V, EC));
	expect_access(f, "/", CRYPTO_USER, 200, 200, 200, 200);
	expect_access(f, "/keys", CRYPTO_USER, 200, 200, 200, 200);
	expect_access(f, "/keys/ONE", CRYPTO_USER, 200, 403, 403, 403);
	expect_access(f, "/keys", AUDITOR, 200, 200, 200, 403);
	expect_access(f, "/", ENCRYPTION_USER, 200, 200, 200, 403);
	expect_access(f, "/", CRYPTO_OFFICER, 403, 403, 403, 403);
}

static void test_assignments(void **state) {
	struct fixture *f = *state;
	char id[ENC_UUID_SIZE], at_key[ENC_UUID_SIZE];
	const char *nobody = f->nobody_id.object_id;
	assert_int_equal(assign(f, POOL, "/", nobody, AUDITOR, id), 201);
	assert_int_equal(assign(f, POOL, "/keys/one", nobody, CRYPTO_USER, at_key), 201);
	assert_int_equal(assign(f, POOL, "/", nobody, AUDITOR, NULL), 409);

	_cleanup_free_ char *path = strv_printf("//" ROLES "roleAssignments/%s" V, id);
	_cleanup_json_ json_t *got = ok(f, "GET", POOL, path, NULL);
	_cleanup_free_ char *full = strv_printf(ROLES "roleAssignments/%s", id);
	assert_string_equal(json_str(got, "id"), full);
	assert_string_equal(json_str(got, "type"), "Microsoft.Authorization/roleAssignments");
	assert_string_equal(json_str(got, "properties.scope"), "/");
	assert_string_equal(json_str(got, "properties.principalId"), nobody);
	assert_string_equal(json_str(got, "properties.roleDefinitionId"), "Microsoft.KeyVault" ROLES "roleDefinitions/" AUDITOR);

	// At another scope it is not there, neither to see nor to delete.
	_cleanup_free_ char *elsewhere = strv_printf("/keys" ROLES "roleAssignments/%s" V, id);
	refused(f, "GET", elsewhere, NULL, 404, "RoleAssignmentNotFound", "/keys");
	refused(f, "DELETE", elsewhere, NULL, 404, "RoleAssignmentNotFound", "/keys");

	_cleanup_free_ char *mine = strv_printf(ROLES "roleAssignments" V "&$filter=principalId%%20eq%%20'%s'", nobody);
	_cleanup_json_ json_t *of_nobody = ok(f, "GET", POOL, mine, NULL);
	assert_int_equal(json_array_size(json_at(of_nobody, "value")), 2);
	_cleanup_json_ json_t *all = ok(f, "GET", POOL, ROLES "roleAssignments" V, NULL);
	assert_int_equal(json_array_size(json_at(all, "value")), 5);
	assert_null(json_at(all, "nextLink"));
	_cleanup_json_ json_t *here = ok(f, "GET", POOL, ROLES "roleAssignments" V "&$filter=atScope()", NULL);
	assert_int_equal(json_array_size(json_at(here, "value")), 4);
	_cleanup_json_ json_t *below = ok(f, "GET", POOL, "/keys/one" ROLES "roleAssignments" V "&$filter=atScope()", NULL);
	assert_int_equal(json_array_size(json_at(below, "value")), 5);
	_cleanup_json_ json_t *aside = ok(f, "GET", POOL, "/keys/two" ROLES "roleAssignments" V, NULL);
	assert_int_equal(json_array_size(json_at(aside, "value")), 4);

	refused(f, "GET", ROLES "roleAssignments" V "&$filter=name", NULL, 400, "BadParameter", "$filter");
	refused(f, "GET", ROLES "roleAssignments" V "&$filter=principalId%20eq%20'x", NULL, 400, "BadParameter", "GUID");
	withdraw(f, "/", id);
	withdraw(f, "/keys/one", at_key);
	refused(f, "DELETE", path, NULL, 404, "RoleAssignmentNotFound", id);
}

static void test_who_manages_one_key_manages_no_more(void **state) {
	struct fixture *f = *state;
	char id[ENC_UUID_SIZE];
	assert_int_equal(assign(f, POOL, "/keys/one", f->nobody_id.object_id, CRYPTO_OFFICER, id), 201);
	_cleanup_free_ char *body = strv_printf("{\"properties\":{\"roleDefinitionId\":\"" CRYPTO_USER "\",\"principalId\":\"%s\"}}",
		f->nobody_id.object_id);
	static const char *const above[] = {"/", "/keys", "/keys/two"};
	for (size_t i = 0; i < ARRAY_SIZE(above); i++) {
		_cleanup_free_ char *path = strv_printf("/%s" ROLES "roleAssignments/11111111-2222-4333-8444-55555555555%zu" V, above[i], i);
		assert_int_equal(call(f, f->nobody_hsm, "PUT", path, body, NULL), 403);
	}
	assert_int_equal(call(f, f->nobody_hsm, "PUT", "/keys/one" ROLES "roleAssignments/11111111-2222-4333-8444-555555555555" V, body,
		NULL), 201);
	// The same once more is no other.
	assert_int_equal(call(f, f->nobody_hsm, "PUT", "/keys/one" ROLES "roleAssignments/11111111-2222-4333-8444-555555555555" V, body,
		NULL), 201);
	withdraw(f, "/keys/one", "11111111-2222-4333-8444-555555555555");
	withdraw(f, "/keys/one", id);
}

static void test_assignments_that_are_refused(void **state) {
	struct fixture *f = *state;
#define GUID "11111111-2222-4333-8444-555555555555"
#define AT ROLES "roleAssignments/" GUID V
	refused(f, "PUT", ROLES "roleAssignments/notaguid" V, "{\"properties\":{\"roleDefinitionId\":\"" CRYPTO_USER
		"\",\"principalId\":\"" GUID "\"}}", 400, "BadParameter", "must be a GUID");
	refused(f, "PUT", AT, "{\"properties\":{\"roleDefinitionId\":\"" CRYPTO_USER "\",\"principalId\":\"me\"}}", 400, "BadParameter",
		"principalId");
	refused(f, "PUT", AT, "{\"properties\":{\"roleDefinitionId\":\"" GUID "\",\"principalId\":\"" GUID "\"}}", 404,
		"RoleDefinitionNotFound", GUID);
	refused(f, "PUT", AT, "{\"properties\":{\"principalId\":\"" GUID "\"}}", 404, "RoleDefinitionNotFound", "");
	refused(f, "PUT", AT, "[]", 400, "BadParameter", "JSON object");
	refused(f, "PUT", "/keys/b*d" ROLES "roleAssignments/" GUID V, "{}", 400, "BadParameter", "key name");
	refused(f, "PUT", ROLES "roleDefinitions/" CRYPTO_USER V, "{}", 400, "BadParameter", "Cannot re-use the name/GUID");
	refused(f, "PUT", ROLES "roleDefinitions/" GUID V, "{}", 400, "BadParameter", "not offered");
	refused(f, "DELETE", ROLES "roleDefinitions/" GUID V, NULL, 400, "BadParameter", "not offered");
	refused(f, "GET", ROLES "roleDefinitions/" GUID V, NULL, 404, "RoleDefinitionNotFound", GUID);
	for (int i = 0; i < POOL_ASSIGNMENTS_OF_KEY_MAX; i++) {
		_cleanup_free_ char *principal = strv_printf("11111111-2222-4333-8444-5555555555%02d", i);
		assert_int_equal(assign(f, POOL, "/keys/many", principal, AUDITOR, NULL), 201);
	}
	assert_int_equal(assign(f, POOL, "/keys/many", GUID, AUDITOR, NULL), 400);
}

static void test_assignments_come_in_pages(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < 110; i++) {
		_cleanup_free_ char *principal = strv_printf("22222222-2222-4333-8444-555555555%03d", i);
		_cleanup_free_ char *scope = strv_printf("/keys/page%d", i / 10);
		assert_int_equal(assign(f, OTHER, scope, principal, AUDITOR, NULL), 201);
	}
	_cleanup_json_ json_t *first = ok(f, "GET", OTHER, ROLES "roleAssignments" V, NULL);
	assert_int_equal(json_array_size(json_at(first, "value")), 100);
	const char *link = json_str(first, "nextLink"), *host = "https://delta.managedhsm.azure.net/";
	assert_int_equal(strncmp(link, host, strlen(host)), 0);
	_cleanup_json_ json_t *second = ok(f, "GET", OTHER, link + strlen(host), NULL);
	assert_int_equal(json_array_size(json_at(second, "value")), 12);
	assert_null(json_at(second, "nextLink"));
}

static void test_definitions(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *list = ok(f, "GET", POOL, "//" ROLES "roleDefinitions" V, NULL);
	assert_int_equal(json_array_size(json_at(list, "value")), 9);
	_cleanup_json_ json_t *one = ok(f, "GET", POOL, ROLES "roleDefinitions/" ENCRYPTION_USER V, NULL);
	assert_string_equal(json_str(one, "id"), "Microsoft.KeyVault" ROLES "roleDefinitions/" ENCRYPTION_USER);
	assert_string_equal(json_str(one, "properties.roleName"), "Managed HSM Crypto Service Encryption User");
	assert_string_equal(json_str(one, "properties.type"), "AKVBuiltInRole");
	const json_t *permissions = json_array_get(json_at(one, "properties.permissions"), 0);
	assert_int_equal(json_array_size(json_at(permissions, "dataActions")), 3);
	assert_string_equal(json_string_value(json_array_get(json_at(permissions, "dataActions"), 1)),
		"Microsoft.KeyVault/managedHsm/keys/wrap/action");
	assert_int_equal(json_array_size(json_at(permissions, "actions")), 0);
}

static void test_random_bytes(void **state) {
	struct fixture *f = *state;
	for (int n = 1; n <= POOL_RANDOM_MAX; n += n == 1 ? 31 : 48) {
		_cleanup_free_ char *body = strv_printf("{\"count\":%d}", n);
		_cleanup_json_ json_t *a = ok(f, "POST", POOL, "/rng" V, body), *b = ok(f, "POST", POOL, "/rng" V, body);
		_cleanup_buf_ struct buf bytes = {0};
		assert_int_equal(dec_base64url(&bytes, json_str(a, "value"), strlen(json_str(a, "value"))), 0);
		assert_int_equal(bytes.len, n);
		assert_true(n == 1 || strcmp(json_str(a, "value"), json_str(b, "value")) != 0);
	}
	static const char *const bad[] = {"{\"count\":0}", "{\"count\":129}", "{\"count\":\"8\"}", "{}", "{\"count\":-1}"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refused(f, "POST", "/rng" V, bad[i], 400, "BadParameter", "'count' must be between 1 and 128. (Activity ID: ");
	_cleanup_json_ json_t *record = fixture_last_record(f, POOL);
	assert_string_equal(json_str(record, "operationName"), "RandomBytesGet");
	refused(f, "POST", "/rng?api-version=7.1", "{\"count\":1}", 400, "BadParameter", "7.1");
}

#define VALUE "AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8"  // 32 bytes

// What the one operation makes, the other undoes.
static void round_trip(struct fixture *f, const char *key, const char *alg, const char *there, const char *back, const char *iv) {
	_cleanup_free_ char *path = strv_printf("/keys/%s/%s" V, key, there), *path_back = strv_printf("/keys/%s/%s" V, key, back);
	_cleanup_free_ char *body = strv_printf("{\"alg\":\"%s\",\"value\":\"" VALUE "\"%s%s%s}", alg, iv ? ",\"iv\":\"" : "", iv ? iv : "",
		iv ? "\"" : "");
	_cleanup_json_ json_t *made = ok(f, "POST", POOL, path, body);
	_cleanup_json_ json_t *request = json_pack("{s:s, s:s, s:s*, s:s*}", "alg", alg, "value", json_str(made, "value"), "iv",
		json_str(made, "iv") ? json_str(made, "iv") : iv, "tag", json_str(made, "tag"));
	_cleanup_free_ char *undo = json_text(request);
	assert_true(strcmp(json_str(made, "value"), VALUE) != 0);
	_cleanup_json_ json_t *undone = ok(f, "POST", POOL, path_back, undo);
	assert_string_equal(json_str(undone, "value"), VALUE);
}

static void test_symmetric_algorithms(void **state) {
	struct fixture *f = *state;
	static const int sizes[] = {128, 192, 256};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *key = strv_printf("aes%d", sizes[i]);
		_cleanup_free_ char *path = strv_printf("/keys/%s/create" V, key);
		_cleanup_free_ char *body = strv_printf("{\"kty\":\"oct-HSM\",\"key_size\":%d,\"key_ops\":[\"encrypt\",\"decrypt\",\"wrapKey\","
			"\"unwrapKey\",\"sign\",\"verify\"]}", sizes[i]);
		json_decref(ok(f, "POST", POOL, path, body));
		_cleanup_free_ char *kw = strv_printf("A%dKW", sizes[i]), *gcm = strv_printf("A%dGCM", sizes[i]),
				    *cbc = strv_printf("A%dCBC", sizes[i]), *pad = strv_printf("A%dCBCPAD", sizes[i]);
		round_trip(f, key, kw, "wrapkey", "unwrapkey", NULL);
		round_trip(f, key, gcm, "encrypt", "decrypt", NULL);
		round_trip(f, key, cbc, "encrypt", "decrypt", "AAECAwQFBgcICQoLDA0ODw");
		round_trip(f, key, pad, "encrypt", "decrypt", "AAECAwQFBgcICQoLDA0ODw");
		refused(f, "POST", "/keys/aes128/wrapkey" V, "{\"alg\":\"A256KW\",\"value\":\"" VALUE "\"}", 400, "BadParameter", "(Activity ID: ");
	}
	_cleanup_json_ json_t *mac = ok(f, "POST", POOL, "/keys/aes256/sign" V, "{\"alg\":\"HS256\",\"value\":\"" VALUE "\"}");
	_cleanup_free_ char *check = strv_printf("{\"alg\":\"HS256\",\"digest\":\"" VALUE "\",\"value\":\"%s\"}", json_str(mac, "value"));
	_cleanup_json_ json_t *good = ok(f, "POST", POOL, "/keys/aes256/verify" V, check);
	assert_true(json_is_true(json_at(good, "value")));
}

static void test_a_key_has_at_most_so_many_versions(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < POOL_VERSIONS_MAX; i++)
		json_decref(ok(f, "POST", OTHER, "/keys/much/create" V, "{\"kty\":\"oct-HSM\"}"));
	fixture_refused(f, f->admin_hsm, "POST", OTHER, "/keys/much/create" V, "{\"kty\":\"oct-HSM\"}", 400, "BadParameter", "", "100 versions");
	// A policy does not make the scheduler try what cannot be.
	json_decref(ok(f, "PUT", OTHER, "/keys/much/rotationpolicy" V,
		"{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P28D\"},\"action\":{\"type\":\"Rotate\"}}]}"));
	fixture_refused(f, f->admin_hsm, "POST", OTHER, "/keys/much/rotate" V, NULL, 400, "BadParameter", "", "100 versions");
	clock_set_offset(40 * DAY);
	assert_int_equal(vault_lifetime_due(f->vault, NULL), 0);
	clock_set_offset(0);
}

#define ROTATE(trigger, span, expiry) \
	"{\"lifetimeActions\":[{\"trigger\":{\"" trigger "\":\"" span "\"},\"action\":{\"type\":\"Rotate\"}}],\"attributes\":{" expiry "}}"

static void test_rotation(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "POST", POOL, "/keys/turn/create" V, EC));
	_cleanup_json_ json_t *none = ok(f, "GET", POOL, "/keys/turn/rotationpolicy" V, NULL);
	assert_int_equal(json_array_size(json_at(none, "lifetimeActions")), 0);
	refused(f, "POST", "/keys/turn/rotate" V, NULL, 400, "BadParameter", "rotation policy");

	refused(f, "PUT", "/keys/turn/rotationpolicy" V, ROTATE("timeAfterCreate", "P27D", ""), 400, "BadParameter", "28 days after creation");
	refused(f, "PUT", "/keys/turn/rotationpolicy" V, ROTATE("timeBeforeExpiry", "P3D", "\"expiryTime\":\"P30D\""), 400, "BadParameter",
		"28 days after creation");
	refused(f, "PUT", "/keys/turn/rotationpolicy" V, ROTATE("timeAfterCreate", "P28D", "\"expiryTime\":\"P27D\""), 400, "BadParameter",
		"expiryTime");
	_cleanup_json_ json_t *short_notice = ok(f, "PUT", POOL, "/keys/turn/rotationpolicy" V,
		ROTATE("timeBeforeExpiry", "P2D", "\"expiryTime\":\"P30D\""));
	assert_int_equal(json_array_size(json_at(short_notice, "lifetimeActions")), 1);
	json_decref(ok(f, "PUT", POOL, "/keys/turn/rotationpolicy" V, ROTATE("timeAfterCreate", "P28D", "\"expiryTime\":\"P60D\"")));

	_cleanup_json_ json_t *turned = ok(f, "POST", POOL, "/keys/turn/rotate" V, NULL);
	assert_true(json_int(turned, "attributes.exp", 0) > clock_now() + 59 * DAY);
	clock_set_offset(29 * DAY);
	fixture_renew_tokens(f);
	assert_int_equal(vault_lifetime_due(f->vault, NULL), 0);
	_cleanup_json_ json_t *now = ok(f, "GET", POOL, "/keys/turn" V, NULL);
	assert_string_not_equal(json_str(now, "key.kid"), json_str(turned, "key.kid"));

	json_decref(ok(f, "PUT", POOL, "/keys/turn/rotationpolicy" V, "{\"lifetimeActions\":[],\"attributes\":{}}"));
	refused(f, "POST", "/keys/turn/rotate" V, NULL, 400, "BadParameter", "rotation policy");
	clock_set_offset(0);
	fixture_renew_tokens(f);
}

static int restore(struct fixture *f, const char *token, const char *host, const json_t *blob) {
	_cleanup_free_ char *body = json_text(blob);
	return fixture_call(f, token, "POST", host, "/keys/restore" V, body, NULL);
}

static void test_a_backup_goes_into_pools_alone(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "POST", POOL, "/keys/carry/create" V, "{\"kty\":\"oct-HSM\"}"));
	_cleanup_json_ json_t *blob = ok(f, "POST", POOL, "/keys/carry/backup" V, NULL);
	assert_int_equal(restore(f, f->admin, "Beta", blob), 400);
	assert_int_equal(restore(f, f->admin_hsm, OTHER, blob), 200);
	_cleanup_json_ json_t *vault_blob = NULL;
	assert_int_equal(fixture_call(f, f->admin, "POST", "Beta", "/keys/stay/create" V, "{\"kty\":\"EC-HSM\"}", NULL), 200);
	assert_int_equal(fixture_call(f, f->admin, "POST", "Beta", "/keys/stay/backup" V, NULL, &vault_blob), 200);
	assert_int_equal(restore(f, f->admin_hsm, OTHER, vault_blob), 400);
}

static void test_deleted_keys(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "POST", POOL, "/keys/fade/create" V, EC));
	_cleanup_json_ json_t *gone = ok(f, "DELETE", POOL, "/keys/fade" V, NULL);
	assert_string_equal(json_str(gone, "recoveryId"), "https://alpha.managedhsm.azure.net/deletedkeys/fade");
	refused(f, "DELETE", "/deletedkeys/fade" V, NULL, 403, "Forbidden", "purge");
	json_decref(ok(f, "POST", POOL, "/deletedkeys/fade/recover" V, NULL));
	json_decref(ok(f, "GET", POOL, "/keys/fade" V, NULL));
}

static void test_the_control_plane_knows_a_key_of_a_pool(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *k = ok(f, "POST", POOL, "/keys/disks/create" V, "{\"kty\":\"RSA\"}");
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct vault_key_info info;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, NULL), 0);
	assert_int_equal(vault_key_info(tx, json_str(k, "key.kid"), &info, NULL), 0);
	assert_string_equal(info.kid, json_str(k, "key.kid"));
	assert_string_equal(info.kty, "RSA-HSM");
	assert_true(vault_is_pool(&info.vault));
	assert_int_equal(vault_key_info(tx, "https://alpha.vault.azure.net/keys/disks", &info, NULL), -ENOENT);
	assert_int_equal(vault_key_info(tx, "https://nopool.managedhsm.azure.net/keys/disks", &info, NULL), -ENOENT);
	assert_int_equal(vault_key_info(tx, "https://alpha.managedhsm.example.net/keys/disks", &info, NULL), -EINVAL);
}

static void test_initial_administrators_are_given_once(void **state) {
	struct fixture *f = *state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct vault_record v;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	assert_int_equal(vault_find(tx, POOL, &v, NULL), 0);
	_cleanup_json_ json_t *same = json_pack("[s]", f->admin_id.object_id), *more = json_pack("[s, s]", f->admin_id.object_id,
		f->nobody_id.object_id), *bad = json_pack("[s]", "me"), *empty = json_array();
	assert_int_equal(vault_pool_admins_set(tx, &v, same, NULL), 0);
	assert_int_equal(vault_pool_admins_set(tx, &v, more, NULL), -EINVAL);
	assert_int_equal(vault_pool_admins_set(tx, &v, bad, NULL), -EINVAL);
	assert_int_equal(vault_pool_admins_set(tx, &v, empty, NULL), -EINVAL);
	_cleanup_json_ json_t *shown = NULL;
	assert_int_equal(vault_pool_admins_get(tx, &v, &shown, NULL), 0);
	assert_true(json_equal(shown, same));
}

static void test_a_purged_pool_leaves_no_roles(void **state) {
	struct fixture *f = *state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	int64_t left = -1;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	assert_int_equal(vault_delete(tx, OTHER, clock_now(), NULL), 0);
	assert_int_equal(vault_purge(tx, OTHER, NULL), 0);
	assert_int_equal(store_query_int(tx, &left, NULL, "SELECT COUNT(*) FROM pool_assignments WHERE vault = $1", "s", OTHER), 0);
	assert_int_equal(left, 0);
}

static void test_names_of_records(void **state) {
	(void)state;
	char name[VAULT_NAME_MAX + 1];
	vault_pool_name("Pool-1", name);
	assert_string_equal(name, "Pool-1" VAULT_POOL_SUFFIX);
	vault_pool_name("a234567890123456789012345", name);
	assert_string_equal(name, "");
	vault_pool_name("a.managedhsm", name);
	assert_string_equal(name, "");
	assert_true(pool_scope_covers("/keys", "/keys/a"));
	assert_false(pool_scope_covers("/keys", "/"));
	assert_false(pool_scope_covers("/keys/a", "/keys/ab"));
	assert_false(pool_scope_covers("/keys/ab", "/keys"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_records),
		cmocka_unit_test(test_the_challenge_names_the_pool),
		cmocka_unit_test(test_keys_are_kept_in_hardware),
		cmocka_unit_test(test_names_of_pools_and_vaults_are_apart),
		cmocka_unit_test(test_pages_stay_in_the_pool),
		cmocka_unit_test(test_azure_roles_give_nothing),
		cmocka_unit_test(test_a_role_counts_at_its_scope_and_below),
		cmocka_unit_test(test_assignments),
		cmocka_unit_test(test_who_manages_one_key_manages_no_more),
		cmocka_unit_test(test_assignments_that_are_refused),
		cmocka_unit_test(test_assignments_come_in_pages),
		cmocka_unit_test(test_definitions),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_symmetric_algorithms),
		cmocka_unit_test(test_a_key_has_at_most_so_many_versions),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_a_backup_goes_into_pools_alone),
		cmocka_unit_test(test_deleted_keys),
		cmocka_unit_test(test_the_control_plane_knows_a_key_of_a_pool),
		cmocka_unit_test(test_initial_administrators_are_given_once),
		cmocka_unit_test(test_a_purged_pool_leaves_no_roles),
	};
	return cmocka_run_group_tests(tests, set_up, fixture_tear_down);
}
