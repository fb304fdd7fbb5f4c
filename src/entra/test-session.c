// SPDX-License-Identifier: Apache-2.0
// People: device codes, passes, refresh tokens, and what their tokens say; and the keys that sign them.
#include "entra/fixture.h"

#include "access/access.h"
#include "base/clock.h"
#include "base/strv.h"

#define LOGIN "http://login.microsoftonline.com/"
#define CLI "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
#define ALICE "aaaaaaaa-0000-4000-8000-000000000001"
#define BOB "bbbbbbbb-0000-4000-8000-000000000002"
#define ALICE_NAME "alice@contoso.onmicrosoft.com"
#define ARM_SCOPE "https%3A%2F%2Fmanagement.core.windows.net%2F%2F.default+offline_access+openid+profile"
#define DEVICE_GRANT "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=" CLI
#define SHARED LOGIN "organizations/oauth2/v2.0/token"

static int set_up(void **state) {
	int rc = fixture_set_up(state);
	if (rc < 0)
		return rc;
	fixture_sql(*state, "INSERT INTO users (object_id, tenant_id, upn, display_name, enabled, created, body)"
			    " VALUES ('" ALICE "', '" TENANT_A "', $1, 'Alice', 1, 0, '{}')", ALICE_NAME);
	fixture_sql(*state, "INSERT INTO users (object_id, tenant_id, upn, display_name, enabled, created, body)"
			    " VALUES ('" BOB "', '" TENANT_B "', $1, 'Bob', 1, 0, '{}')", "bob@fabrikam.onmicrosoft.com");
	return 0;
}

// A new pass; the caller frees it.
static char *make_pass(struct fixture *f, const char *user, bool one_use) {
	struct store_tx *tx = NULL;
	_cleanup_secret_ struct secret pass = {0};
	struct entra_pass made;
	struct err err = {0};
	fixture_sql(f, "DELETE FROM temporary_passes WHERE user_id = $1", user);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_pass_make(tx, user, clock_now(), 60, one_use, &made, &pass, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	return strndup((const char *)pass.data, pass.len);
}

struct code {
	char device[128], user[32];
};

static void start(struct fixture *f, const char *tenant, struct code *out) {
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *url = strv_printf(LOGIN "%s/oauth2/v2.0/devicecode", tenant);
	assert_int_equal(fixture_post_form(f, url, "client_id=" CLI "&scope=" ARM_SCOPE, &answer), 200);
	assert_int_equal(json_int(answer, "interval", 0), 5);
	assert_int_equal(json_int(answer, "expires_in", 0), 900);
	assert_non_null(strstr(json_str(answer, "message"), json_str(answer, "user_code")));
	assert_string_equal(json_str(answer, "verification_uri"), "https://login.microsoftonline.com/common/oauth2/deviceauth");
	(void)snprintf(out->device, sizeof(out->device), "%s", json_str(answer, "device_code"));
	(void)snprintf(out->user, sizeof(out->user), "%s", json_str(answer, "user_code"));
	assert_int_equal(strlen(out->user), 9);
}

static char *poll_form(const struct code *c) {
	char *form = strv_printf("%s&device_code=%s&client_info=1", DEVICE_GRANT, c->device);
	assert_non_null(form);
	return form;
}

// What the page answers to a form; *said gets its text.
static int post_page(struct fixture *f, const char *code, const char *user, const char *pass, char **said) {
	_cleanup_reply_ struct http_reply reply = {0};
	struct err err = {0};
	_cleanup_free_ char *form = strv_printf("code=%s&user=%s&pass=%s", code, user, pass);
	const char *const headers[] = {FORM, NULL};
	assert_int_equal(http_client_send(f->client, "POST", LOGIN "common/oauth2/deviceauth", headers, form, strlen(form), 10000,
		&reply, &err), 0);
	int status = reply.status;
	if (said)
		*said = buf_take_str(&reply.body);
	return status;
}

static void approve(struct fixture *f, const struct code *c, const char *user_id, const char *name) {
	_cleanup_free_ char *pass = make_pass(f, user_id, false);
	assert_int_equal(post_page(f, c->user, name, pass, NULL), 200);
}

static int collect(struct fixture *f, const char *url, const struct code *c, json_t **answer) {
	_cleanup_free_ char *form = poll_form(c);
	return fixture_post_form(f, url, form, answer);
}

static void test_device_code(void **state) {
	struct fixture *f = *state;
	struct code c;
	_cleanup_json_ json_t *answer = NULL;
	start(f, "organizations", &c);
	_cleanup_free_ char *form = poll_form(&c);
	fixture_refused(f, SHARED, form, 400, "authorization_pending", 70016);
	fixture_refused(f, SHARED, form, 400, "slow_down", 50196);
	clock_set_offset(5);
	fixture_refused(f, SHARED, form, 400, "authorization_pending", 70016);
	approve(f, &c, ALICE, "Alice@Contoso.onmicrosoft.com");
	assert_int_equal(collect(f, SHARED, &c, &answer), 200);
	assert_string_equal(json_str(answer, "scope"),
		"https://management.core.windows.net//.default https://management.core.windows.net//user_impersonation");
	assert_non_null(json_str(answer, "refresh_token"));
	_cleanup_json_ json_t *claims = fixture_claims(json_str(answer, "access_token")),
			      *id = fixture_claims(json_str(answer, "id_token"));
	assert_string_equal(json_str(claims, "aud"), "https://management.core.windows.net/");
	assert_string_equal(json_str(claims, "iss"), "https://sts.windows.net/" TENANT_A "/");
	assert_string_equal(json_str(claims, "idtyp"), "user");
	assert_string_equal(json_str(claims, "oid"), ALICE);
	assert_string_equal(json_str(claims, "upn"), ALICE_NAME);
	assert_string_equal(json_str(claims, "unique_name"), ALICE_NAME);
	assert_string_equal(json_str(claims, "name"), "Alice");
	assert_string_equal(json_str(claims, "scp"), "user_impersonation");
	assert_string_equal(json_str(claims, "appid"), CLI);
	assert_string_equal(json_str(claims, "appidacr"), "0");
	assert_string_equal(json_str(id, "aud"), CLI);
	assert_string_equal(json_str(id, "iss"), "https://login.microsoftonline.com/" TENANT_A "/v2.0");
	assert_string_equal(json_str(id, "preferred_username"), ALICE_NAME);
	assert_string_equal(json_str(id, "oid"), ALICE);
	assert_string_equal(json_str(id, "tid"), TENANT_A);
	assert_null(json_object_get(id, "nbf"));
	_cleanup_buf_ struct buf info = {0};
	const char *text = json_str(answer, "client_info");
	assert_int_equal(dec_base64url(&info, text, strlen(text)), 0);
	assert_string_equal(buf_cstr(&info), "{\"uid\":\"" ALICE "\",\"utid\":\"" TENANT_A "\"}");
	// Once collected it is used up.
	fixture_refused(f, SHARED, form, 400, "bad_verification_code", 70018);
	clock_set_offset(0);
}

static void test_device_code_ends(void **state) {
	struct fixture *f = *state;
	struct code c, other;
	start(f, TENANT_A, &c);
	start(f, "contoso.onmicrosoft.com", &other);
	_cleanup_free_ char *form = poll_form(&c), *pass = make_pass(f, ALICE, false);
	clock_set_offset(901);
	fixture_refused(f, TOKEN_URL, form, 400, "expired_token", 70020);
	assert_int_equal(post_page(f, c.user, ALICE_NAME, pass, NULL), 400);
	clock_set_offset(0);
	fixture_refused(f, SHARED, DEVICE_GRANT "&device_code=unknown", 400, "bad_verification_code", 70018);
	fixture_refused(f, SHARED, DEVICE_GRANT, 400, "invalid_request", 900144);
	// Another client has seen the code.
	_cleanup_free_ char *stolen = strv_printf("%s&device_code=%s",
		"grant_type=device_code&client_id=1950a258-227b-4e31-a9cf-717495945fc2", other.device);
	approve(f, &other, ALICE, ALICE_NAME);
	fixture_refused(f, TOKEN_URL, stolen, 400, "bad_verification_code", 70018);
}

static void test_device_code_requests(void **state) {
	struct fixture *f = *state;
	static const char url[] = LOGIN "organizations/oauth2/v2.0/devicecode";
	fixture_refused(f, url, "scope=" ARM_SCOPE, 400, "invalid_request", 900144);
	fixture_refused(f, url, "client_id=" CLI, 400, "invalid_request", 900144);
	fixture_refused(f, url, "client_id=" NOBODY "&scope=" ARM_SCOPE, 400, "unauthorized_client", 700016);
	fixture_refused(f, url, "client_id=" CLI "&scope=https%3A%2F%2Fevil.example%2Fx", 400, "invalid_resource", 500011);
	fixture_refused(f, url, "client_id=" CLI "&scope=https%3A%2F%2Fvault.azure.net%2F", 400, "invalid_scope", 70011);
	fixture_refused(f, url, "client_id=" CLI "&scope=https%3A%2F%2Fvault.azure.net%2F.default+User.Read", 400,
		"invalid_request", 28000);
	// An application of one tenant cannot ask for people of any.
	_cleanup_free_ char *single = strv_printf("client_id=%s&scope=openid", f->app.app_id);
	fixture_refused(f, url, single, 400, "invalid_request", 50194);
	fixture_refused(f, LOGIN NOBODY "/oauth2/v2.0/devicecode", "client_id=" CLI "&scope=openid", 400, "invalid_request", 90002);
}

static void test_confidential_client(void **state) {
	struct fixture *f = *state;
	struct code c = {0};
	_cleanup_json_ json_t *started = NULL, *answer = NULL;
	_cleanup_free_ char *ask = strv_printf("client_id=%s&scope=openid+User.Read", f->app.app_id);
	assert_int_equal(fixture_post_form(f, LOGIN TENANT_A "/oauth2/v2.0/devicecode", ask, &started), 200);
	(void)snprintf(c.user, sizeof(c.user), "%s", json_str(started, "user_code"));
	approve(f, &c, ALICE, ALICE_NAME);
	_cleanup_free_ char *bare = strv_printf("grant_type=device_code&client_id=%s&device_code=%s", f->app.app_id,
		json_str(started, "device_code"));
	_cleanup_free_ char *wrong = strv_printf("%s&client_secret=x", bare);
	_cleanup_free_ char *good = strv_printf("%s&client_secret=%s", bare, f->secret);
	fixture_refused(f, TOKEN_URL, bare, 401, "invalid_client", 7000218);
	fixture_refused(f, TOKEN_URL, wrong, 401, "invalid_client", 7000215);
	assert_int_equal(fixture_post_form(f, TOKEN_URL, good, &answer), 200);
	assert_null(json_str(answer, "refresh_token"));
	_cleanup_json_ json_t *claims = fixture_claims(json_str(answer, "access_token"));
	assert_string_equal(json_str(claims, "aud"), "https://graph.microsoft.com");
	assert_string_equal(json_str(claims, "appidacr"), "1");
	// A public client proves nothing, so it is nobody by itself.
	fixture_refused(f, TOKEN_URL, "grant_type=client_credentials&client_id=" CLI "&scope=" VAULT_SCOPE, 401, "invalid_client",
		7000218);
}

static void test_page(void **state) {
	struct fixture *f = *state;
	struct code c;
	start(f, TENANT_A, &c);
	_cleanup_free_ char *pass = make_pass(f, ALICE, true), *said = NULL, *form = poll_form(&c), *spaced = NULL;
	_cleanup_free_ char *bobs = make_pass(f, BOB, false);
	assert_int_equal(post_page(f, c.user, ALICE_NAME, "%3Cscript%3E", &said), 400);
	assert_null(strstr(said, "script>"));
	assert_int_equal(post_page(f, c.user, ALICE_NAME, "", NULL), 400);
	assert_int_equal(post_page(f, c.user, "nobody@contoso.onmicrosoft.com", pass, NULL), 400);
	assert_int_equal(post_page(f, "ZZZZZZZZZ", ALICE_NAME, pass, NULL), 400);
	assert_int_equal(post_page(f, c.user, "bob@fabrikam.onmicrosoft.com", bobs, NULL), 400);  // of another tenant
	clock_set_offset(10);
	fixture_refused(f, TOKEN_URL, form, 400, "authorization_pending", 70016);
	clock_set_offset(0);
	// As a person types it.
	spaced = strv_printf("%.3s-%.3s%%20%s", c.user, c.user + 3, c.user + 6);
	for (char *p = spaced; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	assert_int_equal(post_page(f, spaced, ALICE_NAME, pass, NULL), 200);
	// A pass for one use is over.
	struct code again;
	start(f, TENANT_A, &again);
	assert_int_equal(post_page(f, again.user, ALICE_NAME, pass, NULL), 400);
}

static void test_page_is_still(void **state) {
	struct fixture *f = *state;
	_cleanup_reply_ struct http_reply reply = {0};
	struct err err = {0};
	char value[256];
	assert_int_equal(http_client_send(f->client, "GET", LOGIN "common/oauth2/deviceauth", NULL, NULL, 0, 10000, &reply, &err), 0);
	assert_int_equal(reply.status, 200);
	assert_int_equal(http_reply_header(&reply, "Content-Security-Policy", value, sizeof(value)), 0);
	assert_non_null(strstr(value, "default-src 'none'"));
	assert_int_equal(http_reply_header(&reply, "Content-Type", value, sizeof(value)), 0);
	assert_string_equal(value, "text/html; charset=utf-8");
	assert_non_null(strstr(buf_cstr(&reply.body), "name=\"pass\" type=\"password\""));
}

// The operator's way.

static int decide(struct fixture *f, const char *token, const char *body, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	_cleanup_free_ char *header = strv_printf("Authorization: Bearer %s", token);
	return fixture_call(f, "POST", LOGIN "custodisk/devicecodes", (const char *[]){header, NULL}, body, out, &reply);
}

static char *decision(const char *code, const char *user) {
	return user ? strv_printf("{\"user_code\":\"%s\",\"user\":\"%s\"}", code, user)
		    : strv_printf("{\"user_code\":\"%s\"}", code);
}

static void test_operator(void **state) {
	struct fixture *f = *state;
	struct code c;
	start(f, TENANT_A, &c);
	_cleanup_json_ json_t *no = NULL, *forbidden = NULL, *unknown = NULL, *nobody = NULL, *good = NULL, *answer = NULL,
			      *missing = NULL, *audience = NULL, *foreign = NULL, *late = NULL;
	_cleanup_free_ char *arm = fixture_token(f, TENANT_A, f->app.app_id, f->secret, "https://management.azure.com/.default");
	_cleanup_free_ char *vault = fixture_vault_token(f);
	_cleanup_free_ char *form = decision(c.user, ALICE_NAME);
	_cleanup_free_ char *for_nobody = decision(c.user, "x");
	_cleanup_free_ char *for_bob = decision(c.user, "bob@fabrikam.onmicrosoft.com");
	assert_int_equal(decide(f, "x", form, &no), 401);
	assert_int_equal(decide(f, arm, form, &forbidden), 403);
	assert_string_equal(json_str(forbidden, "error.code"), "AuthorizationFailed");
	struct store_tx *tx = NULL;
	struct err err = {0};
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_set_operator(tx, f->app.object_id, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_int_equal(decide(f, vault, form, &audience), 401);
	assert_int_equal(decide(f, arm, "{\"user_code\":\"ZZZZZZZZZ\",\"user\":\"" ALICE_NAME "\"}", &unknown), 400);
	assert_int_equal(decide(f, arm, "{\"user\":\"" ALICE_NAME "\"}", &missing), 400);
	assert_int_equal(decide(f, arm, for_nobody, &nobody), 400);
	assert_int_equal(decide(f, arm, for_bob, &foreign), 400);
	assert_int_equal(decide(f, arm, form, &good), 200);
	assert_string_equal(json_str(good, "user"), ALICE_NAME);
	assert_string_equal(json_str(good, "client"), "Microsoft Azure CLI");
	assert_int_equal(decide(f, arm, form, &late), 400);  // decided already
	assert_int_equal(collect(f, TOKEN_URL, &c, &answer), 200);
}

// In the own tenant alone.
static void test_owner_of_everything(void **state) {
	struct fixture *f = *state;
	struct code c, own;
	_cleanup_json_ json_t *no = NULL, *yes = NULL, *foreign = NULL, *absent = NULL;
	_cleanup_free_ char *arm = fixture_token(f, TENANT_B, f->app_b.app_id, f->secret_b, "https://management.azure.com/.default");
	struct err err = {0};
	struct access_assignment a = {.tenant = TENANT_B, .scope = "/subscriptions/s", .name = NOBODY, .principal_id = f->app_b.object_id,
		.principal_type = "ServicePrincipal", .role_id = ACCESS_ROLE_OWNER, .created_by = "x"};
	start(f, TENANT_A, &c);
	start(f, TENANT_B, &own);
	_cleanup_free_ char *declined = decision(own.user, NULL), *form = poll_form(&own);
	_cleanup_free_ char *others = decision(c.user, ALICE_NAME);
	for (int i = 0; i < 2; i++) {
		struct store_tx *tx = NULL;
		assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
		a.scope = i ? "/" : a.scope;
		a.name = i ? ALICE : a.name;
		assert_int_equal(access_assign(tx, &a, &err), 0);
		assert_int_equal(store_commit(&tx, &err), 0);
		assert_int_equal(decide(f, arm, declined, i ? &yes : &no), i ? 200 : 403);
	}
	fixture_refused(f, LOGIN TENANT_B "/oauth2/v2.0/token", form, 400, "authorization_declined", 65004);
	assert_int_equal(decide(f, arm, others, &foreign), 403);
	assert_int_equal(decide(f, arm, "{\"user_code\":\"ZZZZZZZZZ\",\"user\":\"x\"}", &absent), 403);
	_cleanup_free_ char *pending = poll_form(&c);
	fixture_refused(f, TOKEN_URL, pending, 400, "authorization_pending", 70016);
}

// Passwords' place.

static char *password_form(const char *user, const char *pass) {
	return strv_printf("grant_type=password&client_id=%s&username=%s&password=%s&scope=%s", CLI, user, pass, VAULT_SCOPE);
}

static void test_password(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *pass = make_pass(f, ALICE, false);
	_cleanup_free_ char *good = password_form(ALICE_NAME, pass), *wrong = password_form(ALICE_NAME, "ABCDEFGHABCDEFGH"),
			    *nobody = password_form("nobody@contoso.onmicrosoft.com", pass),
			    *bob = password_form("bob@fabrikam.onmicrosoft.com", pass);
	for (int i = 0; i < 2; i++) {
		_cleanup_json_ json_t *answer = NULL;
		assert_int_equal(fixture_post_form(f, i ? SHARED : TOKEN_URL, good, &answer), 200);
		_cleanup_json_ json_t *found = NULL;
		_cleanup_free_ char *header = strv_printf("Bearer %s", json_str(answer, "access_token"));
		assert_int_equal(fixture_judged(f, header, &found), ENTRA_OK);
		assert_int_equal(json_int(found, "kind", -1), CALLER_USER);
		assert_string_equal(json_str(found, "name"), ALICE_NAME);
		assert_string_equal(json_str(found, "oid"), ALICE);
		assert_string_equal(json_str(found, "appid"), CLI);
	}
	fixture_refused(f, TOKEN_URL, wrong, 400, "invalid_grant", 50126);
	fixture_refused(f, TOKEN_URL, nobody, 400, "invalid_grant", 50126);
	fixture_refused(f, TOKEN_URL, bob, 400, "invalid_grant", 50126);  // the pass is Alice's
	clock_set_offset(3601);
	fixture_refused(f, TOKEN_URL, good, 400, "invalid_grant", 50126);
	clock_set_offset(0);
	_cleanup_free_ char *bobs_pass = make_pass(f, BOB, false);
	_cleanup_free_ char *elsewhere = password_form("bob@fabrikam.onmicrosoft.com", bobs_pass);
	fixture_refused(f, TOKEN_URL, elsewhere, 400, "invalid_grant", 50020);
}

static void test_pass_for_one_use(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *pass = make_pass(f, ALICE, true);
	_cleanup_free_ char *form = password_form(ALICE_NAME, pass);
	_cleanup_json_ json_t *answer = NULL;
	assert_int_equal(fixture_post_form(f, TOKEN_URL, form, &answer), 200);
	fixture_refused(f, TOKEN_URL, form, 400, "invalid_grant", 50126);
}

static void test_passes(void **state) {
	struct fixture *f = *state;
	struct store_tx *tx = NULL;
	struct err err = {0};
	struct entra_pass p, again;
	_cleanup_secret_ struct secret text = {0};
	fixture_sql(f, "DELETE FROM temporary_passes", NULL);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_pass_find(tx, ALICE, &p, &err), -ENOENT);
	assert_int_equal(entra_pass_make(tx, ALICE, clock_now(), 9, false, &p, &text, &err), -EINVAL);
	assert_int_equal(entra_pass_make(tx, ALICE, clock_now(), 43201, false, &p, &text, &err), -EINVAL);
	assert_int_equal(entra_pass_make(tx, ALICE, clock_now() - 601, 10, false, &p, &text, &err), -EINVAL);
	assert_null(text.data);
	assert_int_equal(entra_pass_make(tx, ALICE, clock_now() + 60, 10, false, &p, &text, &err), 0);
	assert_int_equal(text.len, 16);
	_cleanup_free_ char *early = strndup((const char *)text.data, text.len);
	assert_int_equal(entra_pass_use(tx, ALICE, early, &err), -EACCES);  // not yet
	clock_set_offset(61);
	assert_int_equal(entra_pass_use(tx, ALICE, early, &err), 0);
	assert_int_equal(entra_pass_use(tx, BOB, early, &err), -EACCES);
	_cleanup_secret_ struct secret second = {0};
	assert_int_equal(entra_pass_make(tx, ALICE, clock_now(), 60, false, &again, &second, &err), -EEXIST);
	clock_set_offset(661);
	assert_int_equal(entra_pass_use(tx, ALICE, early, &err), -EACCES);  // over
	assert_int_equal(entra_pass_make(tx, ALICE, clock_now(), 60, false, &again, &second, &err), 0);
	assert_int_equal(entra_pass_remove(tx, BOB, again.id, &err), -ENOENT);
	assert_int_equal(entra_pass_remove(tx, ALICE, again.id, &err), 0);
	store_rollback(&tx);
	clock_set_offset(0);
}

// Refresh tokens.

static char *sign_in(struct fixture *f) {
	struct code c;
	_cleanup_json_ json_t *answer = NULL;
	start(f, TENANT_A, &c);
	approve(f, &c, ALICE, ALICE_NAME);
	assert_int_equal(collect(f, TOKEN_URL, &c, &answer), 200);
	return strdup(json_str(answer, "refresh_token"));
}

static char *refresh_form(const char *token, const char *scope) {
	return strv_printf("grant_type=refresh_token&client_id=%s&refresh_token=%s&scope=%s", CLI, token, scope);
}

static void test_refresh(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = sign_in(f);
	_cleanup_free_ char *form = refresh_form(token, "https%3A%2F%2Fgraph.microsoft.com%2F%2F.default+openid");
	_cleanup_json_ json_t *answer = NULL, *second = NULL, *third = NULL;
	assert_int_equal(fixture_post_form(f, SHARED, form, &answer), 200);
	_cleanup_json_ json_t *claims = fixture_claims(json_str(answer, "access_token"));
	assert_string_equal(json_str(claims, "aud"), "https://graph.microsoft.com/");
	assert_string_equal(json_str(claims, "scp"), "Directory.AccessAsUser.All");
	assert_string_not_equal(json_str(answer, "refresh_token"), token);
	// The old one lives for an hour more, the new one for ninety days.
	clock_set_offset(3500);
	assert_int_equal(fixture_post_form(f, SHARED, form, &second), 200);
	clock_set_offset(3700);
	fixture_refused(f, SHARED, form, 400, "invalid_grant", 700082);
	clock_set_offset(89 * 86400);
	_cleanup_free_ char *next = refresh_form(json_str(answer, "refresh_token"), VAULT_SCOPE);
	assert_int_equal(fixture_post_form(f, SHARED, next, &third), 200);
	clock_set_offset(0);
}

static void test_refresh_refusals(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = sign_in(f), *form = refresh_form(token, VAULT_SCOPE);
	_cleanup_free_ char *unknown = refresh_form("1.AAAA", VAULT_SCOPE);
	_cleanup_free_ char *other = strv_printf("grant_type=refresh_token&client_id=%s&refresh_token=%s&scope=%s",
		"1950a258-227b-4e31-a9cf-717495945fc2", token, VAULT_SCOPE);
	struct store_tx *tx = NULL;
	struct err err = {0};
	fixture_refused(f, TOKEN_URL, unknown, 400, "invalid_grant", 70000);
	fixture_refused(f, TOKEN_URL, other, 400, "invalid_grant", 70000);
	fixture_refused(f, LOGIN TENANT_B "/oauth2/v2.0/token", form, 400, "invalid_grant", 50020);
	fixture_sql(f, "UPDATE users SET enabled = 0 WHERE object_id = $1", ALICE);
	fixture_refused(f, TOKEN_URL, form, 400, "invalid_grant", 50057);
	fixture_sql(f, "UPDATE users SET enabled = 1 WHERE object_id = $1", ALICE);
	clock_set_offset(91 * 86400LL);
	fixture_refused(f, TOKEN_URL, form, 400, "invalid_grant", 700082);
	clock_set_offset(0);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_revoke_sessions(tx, ALICE, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	fixture_refused(f, TOKEN_URL, form, 400, "invalid_grant", 70000);
}

static void test_refresh_tokens_are_bounded(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *pass = make_pass(f, ALICE, false);
	_cleanup_free_ char *form = strv_printf("grant_type=password&client_id=%s&username=%s&password=%s&scope=%s+offline_access",
		CLI, ALICE_NAME, pass, VAULT_SCOPE);
	struct store_tx *tx = NULL;
	struct err err = {0};
	int64_t count;
	for (int i = 0; i < 70; i++) {
		_cleanup_json_ json_t *answer = NULL;
		assert_int_equal(fixture_post_form(f, TOKEN_URL, form, &answer), 200);
	}
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, &err), 0);
	assert_int_equal(store_query_int(tx, &count, &err, "SELECT COUNT(*) FROM refresh_tokens WHERE user_id = $1", "s", ALICE), 0);
	store_rollback(&tx);
	assert_int_equal(count, 64);
}

static void test_disabled_user(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *pass = make_pass(f, ALICE, false), *form = password_form(ALICE_NAME, pass);
	_cleanup_json_ json_t *answer = NULL;
	assert_int_equal(fixture_post_form(f, TOKEN_URL, form, &answer), 200);
	assert_int_equal(fixture_judge(f, json_str(answer, "access_token")), ENTRA_OK);
	fixture_sql(f, "UPDATE users SET enabled = 0 WHERE object_id = $1", ALICE);
	assert_int_equal(fixture_judge(f, json_str(answer, "access_token")), ENTRA_INVALID);
	fixture_refused(f, TOKEN_URL, form, 400, "invalid_grant", 50126);
	fixture_sql(f, "UPDATE users SET enabled = 1 WHERE object_id = $1", ALICE);
}

// What says who somebody is opens nothing.
static void test_id_token_is_no_access_token(void **state) {
	struct fixture *f = *state;
	struct code c;
	_cleanup_json_ json_t *answer = NULL;
	start(f, TENANT_A, &c);
	approve(f, &c, ALICE, ALICE_NAME);
	assert_int_equal(collect(f, TOKEN_URL, &c, &answer), 200);
	assert_int_equal(fixture_judge(f, json_str(answer, "id_token")), ENTRA_INVALID);
}

static void test_first_generation(void **state) {
	struct fixture *f = *state;
	struct code c = {0};
	_cleanup_json_ json_t *started = NULL, *answer = NULL;
	assert_int_equal(fixture_post_form(f, LOGIN "common/oauth2/devicecode",
		"client_id=" CLI "&resource=https%3A%2F%2Fmanagement.azure.com%2F", &started), 200);
	assert_string_equal(json_str(started, "expires_in"), "900");
	assert_non_null(json_str(started, "verification_url"));
	(void)snprintf(c.user, sizeof(c.user), "%s", json_str(started, "user_code"));
	approve(f, &c, ALICE, ALICE_NAME);
	_cleanup_free_ char *form = strv_printf("grant_type=device_code&client_id=%s&resource=https%%3A%%2F%%2Fmanagement.azure.com"
						"%%2F&code=%s", CLI, json_str(started, "device_code"));
	assert_int_equal(fixture_post_form(f, LOGIN "common/oauth2/token", form, &answer), 200);
	assert_string_equal(json_str(answer, "resource"), "https://management.azure.com/");
	assert_string_equal(json_str(answer, "expires_in"), "3599");
	assert_non_null(json_str(answer, "refresh_token"));
	_cleanup_json_ json_t *id = fixture_claims(json_str(answer, "id_token"));
	assert_string_equal(json_str(id, "upn"), ALICE_NAME);
}

static void test_user_realm(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *own = NULL, *other = NULL;
	assert_int_equal(fixture_get(f, LOGIN "common/userrealm/nobody%40contoso.onmicrosoft.com?api-version=1.0", &own), 200);
	assert_string_equal(json_str(own, "account_type"), "Managed");
	assert_int_equal(fixture_get(f, LOGIN "common/userrealm/x%40example.com?api-version=1.0", &other), 200);
	assert_string_equal(json_str(other, "account_type"), "Unknown");
}

static void test_tenant_by_domain(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *answer = NULL, *document = NULL;
	_cleanup_free_ char *form = fixture_credentials(f->app.app_id, f->secret, "scope=" VAULT_SCOPE);
	assert_int_equal(fixture_post_form(f, LOGIN "Contoso.onmicrosoft.com/oauth2/v2.0/token", form, &answer), 200);
	assert_int_equal(fixture_get(f, LOGIN "contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration", &document), 200);
	assert_string_equal(json_str(document, "token_endpoint"),
		"https://login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/token");
	assert_string_equal(json_str(document, "device_authorization_endpoint"),
		"https://login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/devicecode");
	fixture_refused(f, LOGIN "northwind.onmicrosoft.com/oauth2/v2.0/token", form, 400, "invalid_request", 90002);
}

// The keys that sign.

static size_t published(struct fixture *f) {
	_cleanup_json_ json_t *keys = NULL;
	assert_int_equal(fixture_get(f, LOGIN "common/discovery/v2.0/keys", &keys), 200);
	return json_array_size(json_object_get(keys, "keys"));
}

static char *kid_of(const char *token) {
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *header = NULL;
	struct err err = {0};
	assert_int_equal(dec_base64url(&text, token, strcspn(token, ".")), 0);
	assert_int_equal(json_parse(text.data, text.len, "Bad", &header, &err), 0);
	return strdup(json_str(header, "kid"));
}

static void rotate_at(struct fixture *f, int64_t seconds) {
	struct err err = {0};
	clock_set_offset(seconds);
	assert_int_equal(entra_rotate_due(f->entra, &err), 0);
}

static void test_rotation(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *first = NULL, *before = NULL, *after = NULL;
	rotate_at(f, 44 * 86400);
	assert_int_equal(published(f), 1);
	rotate_at(f, 45 * 86400 + 60);
	assert_int_equal(published(f), 2);
	rotate_at(f, 45 * 86400 + 60);
	assert_int_equal(published(f), 2);
	// For a day it is published and does not sign.
	_cleanup_free_ char *old_token = fixture_vault_token(f);
	first = kid_of(old_token);
	rotate_at(f, 46 * 86400 + 50);
	_cleanup_free_ char *last_token = fixture_vault_token(f);
	before = kid_of(last_token);
	assert_string_equal(before, first);
	rotate_at(f, 46 * 86400 + 70);
	_cleanup_free_ char *new_token = fixture_vault_token(f);
	after = kid_of(new_token);
	assert_string_not_equal(after, first);
	assert_int_equal(fixture_judge(f, last_token), ENTRA_OK);  // its key is still known
	assert_int_equal(fixture_judge(f, new_token), ENTRA_OK);
	assert_int_equal(published(f), 2);
	rotate_at(f, 47 * 86400 + 500);
	assert_int_equal(published(f), 1);
	_cleanup_free_ char *token = fixture_vault_token(f);
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	// Moved back, the instance goes on with what it has.
	rotate_at(f, 0);
	_cleanup_free_ char *back = fixture_vault_token(f);
	assert_int_equal(fixture_judge(f, back), ENTRA_OK);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_code),
		cmocka_unit_test(test_device_code_ends),
		cmocka_unit_test(test_device_code_requests),
		cmocka_unit_test(test_confidential_client),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_page_is_still),
		cmocka_unit_test(test_operator),
		cmocka_unit_test(test_owner_of_everything),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_pass_for_one_use),
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_refresh_refusals),
		cmocka_unit_test(test_refresh_tokens_are_bounded),
		cmocka_unit_test(test_disabled_user),
		cmocka_unit_test(test_id_token_is_no_access_token),
		cmocka_unit_test(test_first_generation),
		cmocka_unit_test(test_user_realm),
		cmocka_unit_test(test_tenant_by_domain),
		cmocka_unit_test(test_rotation),
	};
	return cmocka_run_group_tests(tests, set_up, fixture_tear_down);
}
