// SPDX-License-Identifier: Apache-2.0
// Who is let in, what everyone else is told, and that all of it is recorded.
#include "vault/fixture.h"

#include "base/clock.h"
#include "base/strv.h"

#define V "?api-version=7.4"

static void expect_challenge(struct fixture *f, const char *token, const char *host, const char *tenant, const char *words) {
	_cleanup_reply_ struct http_reply reply = {0};
	assert_int_equal(fixture_send(f, f->client, token, "GET", host, "/keys" V, NULL, NULL, &reply), 0);
	assert_int_equal(reply.status, 401);
	char got[512], wanted[512];
	assert_int_equal(http_reply_header(&reply, "WWW-Authenticate", got, sizeof(got)), 0);
	(void)snprintf(wanted, sizeof(wanted),
		"Bearer authorization=\"https://login.windows.net/%s\", resource=\"https://vault.azure.net\"", tenant);
	assert_string_equal(got, wanted);
	_cleanup_json_ json_t *body = NULL;
	assert_int_equal(json_parse(reply.body.data, reply.body.len, "x", &body, NULL), 0);
	assert_string_equal(json_str(body, "error.code"), "Unauthorized");
	if (!strstr(json_str(body, "error.message"), words))
		print_error("%s\n", json_str(body, "error.message"));
	assert_non_null(strstr(json_str(body, "error.message"), words));
	_cleanup_free_ char *vault = strv_lower(host);
	_cleanup_json_ json_t *record = fixture_last_record(f, vault);
	assert_string_equal(json_str(record, "operationName"), "Authentication");
	assert_string_equal(json_str(record, "resultSignature"), "Unauthorized");
	assert_int_equal(json_int(record, "properties.httpStatusCode", 0), 401);
}

static void test_challenge_without_a_token(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *body = NULL;
	assert_int_equal(fixture_call(f, NULL, "GET", "alpha", "/keys" V, NULL, &body), 401);
	_cleanup_free_ char *text = json_text(body);
	assert_string_equal(text,
		"{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AKV10000: Request is missing a Bearer or PoP token.\"}}");
	expect_challenge(f, NULL, "alpha", f->tenant, "AKV10000");
	expect_challenge(f, NULL, "foreign", f->other_tenant, "AKV10000");
}

static void test_challenge_comes_before_anything_else_is_told(void **state) {
	struct fixture *f = *state;
	static const char *const paths[] = {"/keys/no_name" V, "/keys", "/nonsense" V, "/keys?api-version=1"};
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		fixture_refused(f, NULL, "GET", "alpha", paths[i], NULL, 401, "Unauthorized", "", "AKV10000");
}

static void test_invalid_tokens(void **state) {
	struct fixture *f = *state;
	expect_challenge(f, "nonsense", "alpha", f->tenant, "[InvalidToken]");
	// Another signature: one bit of the last character but two is turned.
	_cleanup_free_ char *forged = strdup(f->admin);
	assert_non_null(forged);
	char *last = forged + strlen(forged) - 3;
	*last = *last == 'A' ? 'B' : 'A';
	expect_challenge(f, forged, "alpha", f->tenant, "[InvalidToken]");
	// No signature at all.
	_cleanup_free_ char *unsigned_token = strdup(f->admin);
	assert_non_null(unsigned_token);
	strrchr(unsigned_token, '.')[1] = 0;
	expect_challenge(f, unsigned_token, "alpha", f->tenant, "[InvalidToken]");
	expect_challenge(f, f->arm, "alpha", f->tenant,
		"AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com.");
}

static void test_expired_and_early_tokens(void **state) {
	struct fixture *f = *state;
	clock_set_offset(2 * 86400);
	expect_challenge(f, f->admin, "alpha", f->tenant, "[TokenExpired]");
	clock_set_offset(-86400);
	expect_challenge(f, f->admin, "alpha", f->tenant, "[TokenExpired]");
	clock_set_offset(0);
	assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", "/keys" V, NULL, NULL), 200);
}

static void test_tokens_of_another_tenant(void **state) {
	struct fixture *f = *state;
	// The token is good, and its principal even has a role at the vault: the tenant alone refuses it.
	_cleanup_free_ char *home = strv_printf("AKV10032: Invalid issuer. Expected one of https://sts.windows.net/%s/, found "
		"https://sts.windows.net/%s/.", f->tenant, f->other_tenant);
	expect_challenge(f, f->foreign, "alpha", f->tenant, home);
	expect_challenge(f, f->admin, "foreign", f->other_tenant, "AKV10032");
	assert_int_equal(fixture_call(f, f->foreign, "GET", "foreign", "/keys" V, NULL, NULL), 200);
}

static void test_forbidden_by_rbac(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *body = NULL;
	assert_int_equal(fixture_call(f, f->nobody, "GET", "alpha", "/keys/Some-Key" V, NULL, &body), 403);
	assert_string_equal(json_str(body, "error.code"), "Forbidden");
	assert_string_equal(json_str(body, "error.innererror.code"), "ForbiddenByRbac");
	_cleanup_free_ char *wanted = strv_printf(
		"Caller is not authorized to perform action on resource.\r\n"
		"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\n"
		"Caller: appid=%s;oid=%s;iss=https://sts.windows.net/%s/\r\n"
		"Action: 'Microsoft.KeyVault/vaults/keys/read'\r\n"
		"Resource: '/subscriptions/0f3e7a52-0000-4000-8000-000000000001/resourcegroups/rg/providers/microsoft.keyvault/vaults/"
		"alpha/keys/some-key'\r\n"
		"Assignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null\r\nVault: alpha;location=westeurope\r\n",
		f->nobody_id.app_id, f->nobody_id.object_id, f->tenant);
	assert_string_equal(json_str(body, "error.message"), wanted);
	_cleanup_json_ json_t *record = fixture_last_record(f, "alpha");
	assert_string_equal(json_str(record, "operationName"), "KeyGet");
	assert_string_equal(json_str(record, "resultSignature"), "Forbidden");
	assert_string_equal(json_str(record, "resultType"), "Failed");
	assert_string_equal(json_str(json_at(record, "identity.claim"), "appid"), f->nobody_id.app_id);
	assert_non_null(strstr(json_str(record, "resultDescription"), "not authorized"));
}

static void test_every_operation_asks(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *method, *path, *action;
	} cases[] = {
		{"GET", "/keys" V, "keys/read"}, {"GET", "/keys/k" V, "keys/read"}, {"GET", "/keys/k/versions" V, "keys/read"},
		{"GET", "/keys/k/00000000000000000000000000000000" V, "keys/read"}, {"POST", "/keys/k/create" V, "keys/create/action"},
		{"POST", "/keys/k/rotate" V, "keys/rotate/action"}, {"PATCH", "/keys/k" V, "keys/update/action"},
		{"PATCH", "/keys/k/00000000000000000000000000000000" V, "keys/update/action"}, {"DELETE", "/keys/k" V, "keys/delete"},
		{"POST", "/keys/k/wrapkey" V, "keys/wrap/action"}, {"POST", "/keys/k/unwrapkey" V, "keys/unwrap/action"},
		{"POST", "/keys/k/00000000000000000000000000000000/WrapKey" V, "keys/wrap/action"},
		{"POST", "/keys/k/00000000000000000000000000000000/unwrapKey" V, "keys/unwrap/action"},
		{"GET", "/deletedkeys" V, "keys/read"}, {"GET", "/deletedkeys/k" V, "keys/read"},
		{"POST", "/deletedkeys/k/recover" V, "keys/recover/action"}, {"DELETE", "/deletedkeys/k" V, "keys/purge/action"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *action = strv_printf("Action: 'Microsoft.KeyVault/vaults/%s'", cases[i].action);
		fixture_refused(f, f->nobody, cases[i].method, "alpha", cases[i].path, NULL, 403, "Forbidden", "ForbiddenByRbac", action);
		fixture_refused(f, NULL, cases[i].method, "alpha", cases[i].path, NULL, 401, "Unauthorized", "", "AKV10000");
	}
}

static void test_assignment_on_one_key(void **state) {
	struct fixture *f = *state;
	static const char rsa[] = "{\"kty\":\"RSA\"}";
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/only/create" V, rsa, NULL), 200);
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/only2/create" V, rsa, NULL), 200);
	assert_int_equal(fixture_call(f, f->single, "GET", "alpha", "/keys/ONLY" V, NULL, NULL), 200);
	static const char *const refused[] = {"/keys/only2" V, "/keys" V, "/keys/onl" V};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		fixture_refused(f, f->single, "GET", "alpha", refused[i], NULL, 403, "Forbidden", "ForbiddenByRbac", "(not found)");
	// The role is Crypto User: it wraps, and it does not delete.
	fixture_refused(f, f->single, "DELETE", "alpha", "/keys/only" V, NULL, 403, "Forbidden", "ForbiddenByRbac", "keys/delete");
	fixture_refused(f, f->single, "GET", "beta", "/keys/only" V, NULL, 403, "Forbidden", "ForbiddenByRbac", "vaults/beta");
}

static void expect_policy_refusal(struct fixture *f, const struct entra_principal *p, const char *token, const char *path,
	const char *permission) {
	_cleanup_free_ char *words = strv_printf("The user, group or application 'appid=%s;oid=%s;numgroups=0;iss=https://"
		"sts.windows.net/%s/' does not have keys %s permission on key vault 'policy;location=westeurope'. For help resolving "
		"this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287", p->app_id, p->object_id, f->tenant, permission);
	fixture_refused(f, token, "POST", "policy", path, "{}", 403, "Forbidden", "ForbiddenByPolicy", words);
	_cleanup_json_ json_t *record = fixture_last_record(f, "policy");
	assert_string_equal(json_str(record, "resultSignature"), "Forbidden");
	assert_int_equal(json_int(record, "properties.httpStatusCode", 0), 403);
	assert_non_null(strstr(json_str(record, "resultDescription"), "does not have keys"));
}

static void set_policies(struct fixture *f, json_t *list) {
	_cleanup_json_ json_t *owned = list;
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct vault_record v;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	assert_int_equal(vault_find(tx, "policy", &v, NULL), 0);
	assert_int_equal(vault_policies_set(tx, &v, owned, NULL), 0);
	assert_int_equal(store_commit(&tx, NULL), 0);
}

static void test_access_policies(void **state) {
	struct fixture *f = *state;
	// Roles count for nothing in a vault with access policies.
	expect_policy_refusal(f, &f->admin_id, f->admin, "/keys/k/wrapkey" V, "wrapKey");
	set_policies(f, json_pack("[{s:s, s:s, s:{s:[s,s]}}]", "tenantId", f->tenant, "objectId", f->nobody_id.object_id,
		"permissions", "keys", "create", "Get"));
	assert_int_equal(fixture_call(f, f->nobody, "POST", "policy", "/keys/k/create" V, "{\"kty\":\"RSA\"}", NULL), 200);
	assert_int_equal(fixture_call(f, f->nobody, "GET", "policy", "/keys/k" V, NULL, NULL), 200);
	expect_policy_refusal(f, &f->nobody_id, f->nobody, "/keys/k/wrapkey" V, "wrapKey");
	expect_policy_refusal(f, &f->admin_id, f->admin, "/keys/k/create" V, "create");
	set_policies(f, json_array());
	expect_policy_refusal(f, &f->nobody_id, f->nobody, "/keys/k/create" V, "create");
}

static void save_flags(struct fixture *f, bool deployment, bool disk_encryption) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct vault_record v;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	assert_int_equal(vault_find(tx, "policy", &v, NULL), 0);
	v.for_deployment = deployment;
	v.for_disk_encryption = disk_encryption;
	v.for_template_deployment = true;
	assert_int_equal(vault_save(tx, &v, NULL), 0);
	assert_int_equal(store_commit(&tx, NULL), 0);
}

static void make_hypervisor(struct fixture *f, const char *scope) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	char name[ENC_UUID_SIZE];
	assert_int_equal(enc_uuid(name), 0);
	const struct access_assignment a = {.tenant = f->tenant, .scope = scope, .name = name, .principal_id = f->single_id.object_id,
		.principal_type = "ServicePrincipal", .role_id = ACCESS_ROLE_HYPERVISOR, .created_by = f->single_id.object_id};
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	assert_int_equal(access_assign(tx, &a, NULL), 0);
	assert_int_equal(store_commit(&tx, NULL), 0);
}

// What enabledForDiskEncryption opens, and to whom.
static void test_the_platform_uses_what_is_opened_to_it(void **state) {
	struct fixture *f = *state;
	set_policies(f, json_pack("[{s:s, s:s, s:{s:[s]}}]", "tenantId", f->tenant, "objectId", f->nobody_id.object_id,
		"permissions", "keys", "create"));
	assert_int_equal(fixture_call(f, f->nobody, "POST", "policy", "/keys/ade/create" V, "{\"kty\":\"RSA\"}", NULL), 200);
	static const char wrap[] = "{\"alg\":\"RSA-OAEP\",\"value\":\"c2VjcmV0\"}";
	save_flags(f, true, true);
	// The role alone does not make a hypervisor, wherever it was given.
	make_hypervisor(f, GROUP);
	make_hypervisor(f, "/subscriptions/0f3e7a52-0000-4000-8000-000000000002/resourceGroups/g/providers/"
		"Custodisk.Host/hypervisors/other");
	expect_policy_refusal(f, &f->single_id, f->single, "/keys/ade/wrapkey" V, "wrapKey");
	make_hypervisor(f, GROUP "/providers/Custodisk.Host/hypervisors/local");
	assert_int_equal(fixture_call(f, f->single, "POST", "policy", "/keys/ade/wrapkey" V, wrap, NULL), 200);
	assert_int_equal(fixture_call(f, f->single, "GET", "policy", "/keys/ade" V, NULL, NULL), 200);
	expect_policy_refusal(f, &f->single_id, f->single, "/keys/ade/rotate" V, "rotate");
	expect_policy_refusal(f, &f->single_id, f->single, "/keys/ade/create" V, "create");
	expect_policy_refusal(f, &f->nobody_id, f->nobody, "/keys/ade/wrapkey" V, "wrapKey");
	// Deployment is about secrets, and no key.
	save_flags(f, true, false);
	expect_policy_refusal(f, &f->single_id, f->single, "/keys/ade/wrapkey" V, "wrapKey");
	save_flags(f, false, false);
	expect_policy_refusal(f, &f->single_id, f->single, "/keys/ade/unwrapkey" V, "unwrapKey");
}

static void set_network(struct fixture *f, bool private_only, json_t *acls) {
	_cleanup_json_ json_t *owned = acls;
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct vault_record v;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	assert_int_equal(vault_find(tx, "alpha", &v, NULL), 0);
	v.private_only = private_only;
	assert_int_equal(vault_save(tx, &v, NULL), 0);
	assert_int_equal(vault_network_set(tx, &v, owned, NULL, NULL), 0);
	assert_int_equal(store_commit(&tx, NULL), 0);
}

static void expect_network_refusal(struct fixture *f, const char *inner, const char *first, const char *second) {
	_cleanup_free_ char *words = strv_printf("%s\r\n%sCaller: appid=%s;oid=%s;iss=https://sts.windows.net/%s/\r\n"
		"Vault: alpha;location=westeurope", first, second, f->admin_id.app_id, f->admin_id.object_id, f->tenant);
	fixture_refused(f, f->admin, "GET", "alpha", "/keys" V, NULL, 403, "Forbidden", inner, words);
	_cleanup_json_ json_t *record = fixture_last_record(f, "alpha");
	assert_string_equal(json_str(record, "operationName"), "KeyList");
	assert_string_equal(json_str(record, "resultSignature"), "Forbidden");
	assert_int_equal(json_int(record, "properties.httpStatusCode", 0), 403);
	assert_memory_equal(json_str(record, "resultDescription"), first, strlen(first));
	// Before anything about the request is told, and after who asks is known.
	fixture_refused(f, f->admin, "GET", "alpha", "/keys?api-version=1", NULL, 403, "Forbidden", inner, first);
	fixture_refused(f, f->admin, "POST", "alpha", "/nonsense" V, NULL, 403, "Forbidden", inner, first);
	fixture_refused(f, f->nobody, "GET", "alpha", "/keys" V, NULL, 403, "Forbidden", inner, first);
	fixture_refused(f, NULL, "GET", "alpha", "/keys" V, NULL, 401, "Unauthorized", "", "AKV10000");
}

#define CONNECTION "Public network access is disabled and request is not from a trusted service nor via an approved private link."
#define FIREWALL "Client address is not authorized and caller is not a trusted service."

static void test_networks(void **state) {
	struct fixture *f = *state;
	set_network(f, false, json_pack("{s:s}", "defaultAction", "Deny"));
	expect_network_refusal(f, "ForbiddenByFirewall", FIREWALL, "Client address: 127.0.0.1\r\n");
	set_network(f, false, json_pack("{s:[{s:s}]}", "ipRules", "value", "126.0.0.0/7"));
	assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", "/keys" V, NULL, NULL), 200);
	// No rule of an address helps where only private links are left.
	set_network(f, true, json_pack("{s:s}", "defaultAction", "Allow"));
	expect_network_refusal(f, "ForbiddenByConnection", CONNECTION, "");
	set_network(f, false, json_pack("{s:s, s:[]}", "defaultAction", "Deny", "ipRules"));
	expect_network_refusal(f, "ForbiddenByFirewall", FIREWALL, "Client address: 127.0.0.1\r\n");
	set_network(f, false, json_pack("{s:s}", "defaultAction", "Allow"));
	assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", "/keys" V, NULL, NULL), 200);
}

// The host agent's principal (made so by a test before) over the Unix socket, also where nobody else comes in; and as Azure
// says, not when the bypass is closed.
static void test_trusted_services_pass(void **state) {
	struct fixture *f = *state;
	static const char path[] = "/keys/only" V;
	for (int private_only = 0; private_only < 2; private_only++) {
		const char *inner = private_only ? "ForbiddenByConnection" : "ForbiddenByFirewall";
		set_network(f, private_only, json_pack("{s:s, s:s}", "defaultAction", "Deny", "bypass", "AzureServices"));
		assert_int_equal(fixture_call(f, f->single, "GET", "alpha", path, NULL, NULL), 200);
		fixture_refused(f, f->admin, "GET", "alpha", path, NULL, 403, "Forbidden", inner, "trusted service");
		set_network(f, private_only, json_pack("{s:s}", "bypass", "None"));
		fixture_refused(f, f->single, "GET", "alpha", path, NULL, 403, "Forbidden", inner, "trusted service");
	}
	set_network(f, false, json_pack("{s:s, s:s}", "defaultAction", "Allow", "bypass", "AzureServices"));
}

static void spend(struct fixture *f, enum throttle_class class, int times) {
	int64_t retry = 0;
	for (int i = 0; i < times; i++)
		assert_int_equal(throttle_take(f->vault->throttle, "alpha", "0f3e7a52-0000-4000-8000-000000000001", class, &retry, NULL),
			0);
}

static void expect_throttled(struct fixture *f, const char *method, const char *path, const char *body, const char *operation) {
	_cleanup_reply_ struct http_reply reply = {0};
	int64_t before = fixture_record_count(f, "alpha"), seconds;
	assert_int_equal(fixture_send(f, f->client, f->admin, method, "alpha", path, body, NULL, &reply), 0);
	assert_int_equal(reply.status, 429);
	assert_string_equal(buf_cstr(&reply.body), "{\"error\":{\"code\":\"Throttled\",\"message\":\"Request was not processed "
		"because too many requests were received. Reason: VaultRequestTypeLimitReached\"}}");
	char retry[16];
	assert_int_equal(http_reply_header(&reply, "Retry-After", retry, sizeof(retry)), 0);
	assert_int_equal(strv_int(retry, 1, 10, &seconds), 0);
	assert_int_equal(fixture_record_count(f, "alpha"), before + 1);
	_cleanup_json_ json_t *record = fixture_last_record(f, "alpha");
	assert_string_equal(json_str(record, "operationName"), operation);
	assert_string_equal(json_str(record, "resultSignature"), "Too Many Requests");
	assert_int_equal(json_int(record, "properties.httpStatusCode", 0), 429);
}

// What each request takes of a vault's 4000 shares. Ten seconds are enough for what follows the spending.
static void test_limits(void **state) {
	struct fixture *f = *state;
	static const char wrap[] = "{\"alg\":\"RSA-OAEP\",\"value\":\"c2VjcmV0\"}", key[] = "{\"kty\":\"RSA\"}";
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/small/create" V, key, NULL), 200);
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/large/create" V,
		"{\"kty\":\"RSA\",\"key_size\":3072}", NULL), 200);
	assert_int_equal(vault_limit(f->vault, NULL), 0);
	spend(f, THROTTLE_TRANSACTION, 4000 - 3);
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/small/wrapkey" V, wrap, NULL), 200);
	expect_throttled(f, "POST", "/keys/large/wrapkey" V, wrap, "KeyWrap");
	expect_throttled(f, "POST", "/keys/new/create" V, key, "KeyCreate");
	expect_throttled(f, "POST", "/keys/small/rotate" V, NULL, "KeyRotate");
	assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", "/keys/absent" V, NULL, NULL), 404);
	assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", "/keys/small" V, NULL, NULL), 200);
	expect_throttled(f, "GET", "/keys/small" V, NULL, "KeyGet");
	expect_throttled(f, "GET", "/keys/absent" V, NULL, "KeyGet");
	expect_throttled(f, "GET", "/keys" V, NULL, "KeyList");
	expect_throttled(f, "PATCH", "/keys/small" V, "{}", "KeyUpdate");
	expect_throttled(f, "DELETE", "/keys/small" V, NULL, "KeyDelete");
	expect_throttled(f, "POST", "/keys/small/unwrapkey" V, wrap, "KeyUnwrap");
	// Who may not ask takes nothing, and is told so.
	fixture_refused(f, f->nobody, "GET", "alpha", "/keys/small" V, NULL, 403, "Forbidden", "ForbiddenByRbac", "(not found)");
	fixture_refused(f, NULL, "GET", "alpha", "/keys/small" V, NULL, 401, "Unauthorized", "", "AKV10000");
	assert_int_equal(fixture_call(f, f->admin, "GET", "beta", "/keys" V, NULL, NULL), 200);
}

static void expect_header(const struct http_reply *reply, const char *name, const char *value) {
	char got[512];
	assert_int_equal(http_reply_header(reply, name, got, sizeof(got)), 0);
	assert_string_equal(got, value);
}

static void test_response_headers(void **state) {
	struct fixture *f = *state;
	static const char *const tokens[] = {NULL, "good"};
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		_cleanup_reply_ struct http_reply reply = {0};
		assert_int_equal(fixture_send(f, f->client, tokens[i] ? f->admin : NULL, "GET", "alpha", "/keys" V, NULL,
			"x-ms-client-request-id: f3b4b5f0-1111-4222-8333-444455556666", &reply), 0);
		expect_header(&reply, "Cache-Control", "no-cache");
		expect_header(&reply, "Pragma", "no-cache");
		expect_header(&reply, "Expires", "-1");
		expect_header(&reply, "Content-Type", "application/json; charset=utf-8");
		expect_header(&reply, "x-ms-keyvault-region", "westeurope");
		expect_header(&reply, "x-ms-client-request-id", "f3b4b5f0-1111-4222-8333-444455556666");
		expect_header(&reply, "x-ms-keyvault-network-info", "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;");
		expect_header(&reply, "Strict-Transport-Security", "max-age=31536000;includeSubDomains");
		expect_header(&reply, "X-Content-Type-Options", "nosniff");
		char id[64], assignment[64];
		assert_int_equal(http_reply_header(&reply, "x-ms-request-id", id, sizeof(id)), 0);
		assert_true(enc_is_uuid(id));
		assert_int_equal(http_reply_header(&reply, "x-ms-keyvault-service-version", assignment, sizeof(assignment)), 0);
		int rc = http_reply_header(&reply, "x-ms-keyvault-rbac-assignment-id", assignment, sizeof(assignment));
		assert_int_equal(rc, tokens[i] ? 0 : -ENOENT);
		assert_true(!tokens[i] || enc_is_uuid(assignment));
	}
}

static void test_record_of_a_request(void **state) {
	struct fixture *f = *state;
	int64_t before = fixture_record_count(f, "alpha");
	_cleanup_reply_ struct http_reply reply = {0};
	assert_int_equal(fixture_send(f, f->client, f->admin, "POST", "alpha", "/keys/recorded/create" V, "{\"kty\":\"RSA\"}",
		"User-Agent: te\"st\xc3\xa4/1", &reply), 0);
	assert_int_equal(reply.status, 200);
	assert_int_equal(fixture_record_count(f, "alpha"), before + 1);
	_cleanup_json_ json_t *r = fixture_last_record(f, "alpha");
	char id[64];
	assert_int_equal(http_reply_header(&reply, "x-ms-request-id", id, sizeof(id)), 0);
	assert_string_equal(json_str(r, "correlationId"), id);
	assert_string_equal(json_str(r, "resourceId"), "/SUBSCRIPTIONS/0F3E7A52-0000-4000-8000-000000000001/RESOURCEGROUPS/RG/"
		"PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/ALPHA");
	assert_string_equal(json_str(r, "operationName"), "KeyCreate");
	assert_string_equal(json_str(r, "operationVersion"), "7.4");
	assert_string_equal(json_str(r, "category"), "AuditEvent");
	assert_string_equal(json_str(r, "resultType"), "Success");
	assert_string_equal(json_str(r, "resultSignature"), "OK");
	assert_string_equal(json_str(r, "resultDescription"), "");
	assert_string_equal(json_str(r, "callerIpAddress"), "local");
	assert_true(json_str(r, "durationMs")[0] >= '0' && json_str(r, "durationMs")[0] <= '9');
	assert_int_equal(strlen(json_str(r, "time")), 33);
	const json_t *claim = json_at(r, "identity.claim");
	assert_string_equal(json_string_value(json_object_get(claim,
		"http://schemas.microsoft.com/identity/claims/objectidentifier")), f->admin_id.object_id);
	assert_string_equal(json_str(claim, "appid"), f->admin_id.app_id);
	assert_string_equal(json_str(r, "properties.clientInfo"), "te\"st?" "?/1");
	assert_string_equal(json_str(r, "properties.requestUri"), "https://alpha.vault.azure.net/keys/recorded/create?api-version=7.4");
	assert_memory_equal(json_str(r, "properties.id"), "https://alpha.vault.azure.net/keys/recorded/", 44);
	assert_int_equal(json_int(r, "properties.httpStatusCode", 0), 200);
}

// One record a request, whatever became of it.
static void test_every_request_is_recorded(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *method, *path, *body, *operation;
		int status;
	} cases[] = {
		{"POST", "/keys/audit/create" V, "{\"kty\":\"RSA\"}", "KeyCreate", 200},
		{"POST", "/keys/audit/create" V, "{\"kty\":\"oct\"}", "KeyCreate", 400},
		{"GET", "/keys/audit" V, NULL, "KeyGet", 200}, {"GET", "/keys" V, NULL, "KeyList", 200},
		{"GET", "/keys/audit/versions" V, NULL, "KeyListVersions", 200}, {"PATCH", "/keys/audit" V, "{}", "KeyUpdate", 200},
		{"POST", "/keys/audit/rotate" V, NULL, "KeyRotate", 200},
		{"POST", "/keys/audit/wrapkey" V, "{\"alg\":\"RSA-OAEP\",\"value\":\"c2VjcmV0LXBsYWludGV4dA\"}", "KeyWrap", 200},
		{"POST", "/keys/audit/wrapkey" V, "{\"alg\":\"RSA-OAEP\",\"value\":\"c2VjcmV0LXBsYWludGV4dA", "KeyWrap", 400},
		{"POST", "/keys/audit/unwrapkey" V, "{\"alg\":\"RSA-OAEP\",\"value\":\"c2VjcmV0LXBsYWludGV4dA\"}", "KeyUnwrap", 400},
		{"DELETE", "/keys/audit" V, NULL, "KeyDelete", 200}, {"GET", "/keys/audit" V, NULL, "KeyGet", 404},
		{"POST", "/keys/audit/create" V, "{\"kty\":\"RSA\"}", "KeyCreate", 409},
		{"GET", "/deletedkeys" V, NULL, "KeyListDeleted", 200}, {"GET", "/deletedkeys/audit" V, NULL, "KeyGetDeleted", 200},
		{"POST", "/deletedkeys/audit/recover" V, NULL, "KeyRecover", 200}, {"DELETE", "/keys/audit" V, NULL, "KeyDelete", 200},
		{"DELETE", "/deletedkeys/audit" V, NULL, "KeyPurge", 204}, {"DELETE", "/deletedkeys/audit" V, NULL, "KeyPurge", 404},
		{"GET", "/nonsense" V, NULL, "Unknown", 400},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t before = fixture_record_count(f, "alpha");
		int status = fixture_call(f, f->admin, cases[i].method, "alpha", cases[i].path, cases[i].body, NULL);
		assert_int_equal(status, cases[i].status);
		assert_int_equal(fixture_record_count(f, "alpha"), before + 1);
		_cleanup_json_ json_t *record = fixture_last_record(f, "alpha");
		assert_string_equal(json_str(record, "operationName"), cases[i].operation);
		assert_int_equal(json_int(record, "properties.httpStatusCode", 0), status);
		_cleanup_free_ char *text = json_text(record);
		assert_null(strstr(text, "c2VjcmV0"));
		assert_null(strstr(text, "eyJ"));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_challenge_without_a_token),
		cmocka_unit_test(test_challenge_comes_before_anything_else_is_told),
		cmocka_unit_test(test_invalid_tokens),
		cmocka_unit_test(test_expired_and_early_tokens),
		cmocka_unit_test(test_tokens_of_another_tenant),
		cmocka_unit_test(test_forbidden_by_rbac),
		cmocka_unit_test(test_every_operation_asks),
		cmocka_unit_test(test_assignment_on_one_key),
		cmocka_unit_test(test_access_policies),
		cmocka_unit_test(test_the_platform_uses_what_is_opened_to_it),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_trusted_services_pass),
		cmocka_unit_test(test_response_headers),
		cmocka_unit_test(test_record_of_a_request),
		cmocka_unit_test(test_every_request_is_recorded),
		// The last one: from then on there are limits.
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
