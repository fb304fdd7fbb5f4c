// SPDX-License-Identifier: Apache-2.0
// The device authorization grant (RFC 8628). A code is approved by nobody but its user, with a temporary access pass, or
// by who stands above the tenants; that one can reach this service is never enough.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "entra/aadsts.h"
#include "entra/login.h"

#define CODE_BYTES 48
#define USER_CODE_LENGTH 9
#define CODE_LIFETIME 900     // seconds
#define INTERVAL 5            // seconds between two polls
#define POLL_LEEWAY 2         // times are whole seconds, and clients wait whole seconds
#define PENDING_MAX 1024      // in the instance: whoever reaches the endpoint can make one
#define VERIFICATION_URL "https://login.microsoftonline.com/common/oauth2/deviceauth"

// Without vowels, so that no words come out, and without what is taken for each other.
static const char alphabet[] = "BCDFGHJKLMNPQRSTVWXZ23456789";

static int make_user_code(char out[static USER_CODE_LENGTH + 1], struct err *err) {
	size_t n = 0;
	while (n < USER_CODE_LENGTH) {
		_cleanup_secret_ struct secret random = {0};
		int rc = secret_random(&random, 32);
		if (rc < 0)
			return err_errno(err, rc, "no random numbers");
		// Only the largest multiple of the alphabet's size, so that no character is likelier than another.
		const unsigned size = sizeof(alphabet) - 1, limit = 256 / size * size;
		for (size_t i = 0; i < random.len && n < USER_CODE_LENGTH; i++)
			if (random.data[i] < limit)
				out[n++] = alphabet[random.data[i] % size];
	}
	out[n] = 0;
	return 0;
}

struct device_code {
	struct buf code, hash;
	char user_code[USER_CODE_LENGTH + 1];
};

static void device_code_free(struct device_code *d) {
	buf_free(&d->code);
	buf_free(&d->hash);
}

static int make_code(struct device_code *d, struct err *err) {
	int rc = buf_str(&d->code, "C") < 0 ? err_oom(err) : entra_random_text(CODE_BYTES, &d->code, err);
	if (rc < 0 || (rc = make_user_code(d->user_code, err)) < 0)
		return rc;
	return entra_hash_text(d->code.data, d->code.len, &d->hash, err);
}

static int check_room(struct store_tx *tx, int64_t now, struct err *err) {
	int64_t count = 0;
	// Those that ended a while ago: until then a poll is told that its code has ended.
	int rc = store_exec(tx, err, "DELETE FROM device_codes WHERE expires <= $1", "i", now - CODE_LIFETIME);
	if (rc >= 0)
		rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM device_codes", "");
	if (rc < 0)
		return rc;
	return count < PENDING_MAX ? 0 : aadsts_set(err, 90055, "The server has terminated the request because there are too many "
								"incoming requests.");
}

static int insert_code(const struct login_call *c, const struct device_code *d, const struct login_session *s,
	const char *tenant, const char *scope, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int64_t now = clock_now();
	int rc = store_begin(c->entra->store, STORE_WRITE, &tx, err);
	if (rc < 0 || (rc = check_room(tx, now, err)) < 0)
		return rc;
	rc = store_exec(tx, err,
		"INSERT INTO device_codes (hash, user_code, tenant_id, client_id, scope, state, polled, expires)"
		" VALUES ($1, $2, $3, $4, $5, 'pending', 0, $6)",
		"sssssi", buf_cstr(&d->hash), d->user_code, tenant, s->client.sp.ids.app_id, scope, now + CODE_LIFETIME);
	return rc < 0 ? rc : store_commit(&tx, err);
}

static json_t *code_answer(const struct device_code *d, bool v2) {
	_cleanup_free_ char *message = strv_printf("To sign in, use a web browser to open the page " VERIFICATION_URL
						   " and enter the code %s to authenticate, or have the operator run: custodisk sign-in %s --user NAME",
		d->user_code, d->user_code);
	if (!message)
		return NULL;
	if (v2)
		return json_pack("{s:s, s:s, s:s, s:i, s:i, s:s}", "user_code", d->user_code, "device_code", buf_cstr(&d->code),
			"verification_uri", VERIFICATION_URL, "expires_in", CODE_LIFETIME, "interval", INTERVAL, "message", message);
	char lifetime[16], interval[16];
	(void)snprintf(lifetime, sizeof(lifetime), "%d", CODE_LIFETIME);
	(void)snprintf(interval, sizeof(interval), "%d", INTERVAL);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "user_code", d->user_code, "device_code", buf_cstr(&d->code),
		"verification_url", VERIFICATION_URL, "expires_in", lifetime, "interval", interval, "message", message);
}

// Only who it is matters here: what a client has to prove it proves when it collects the tokens.
static int find_client(const struct login_call *c, const struct login_proof *proof, struct login_session *s, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_tenant tenant;
	bool shared = login_tenant_is_shared(c->tenant);
	int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
	if (rc < 0 || (!shared && (rc = login_tenant(tx, c->tenant, &tenant, err)) < 0))
		return rc;
	return login_client_find(tx, shared ? NULL : &tenant, proof, &s->client, err);
}

int login_device_code(const struct login_call *c, json_t **answer, struct err *err) {
	_cleanup_form_ struct form form = {0};
	_cleanup_(device_code_free) struct device_code d = {0};
	struct login_session s = {0};
	struct login_proof proof = {0};
	char tenant[ENC_UUID_SIZE];
	int rc = login_tenant_id(c, "", tenant, err);
	if (rc < 0 || (rc = login_read_form(c->req, &form, err)) < 0)
		return rc;
	proof.client_id = login_required(&form, "client_id", err);
	if (!proof.client_id)
		return -EACCES;
	if ((rc = find_client(c, &proof, &s, err)) < 0 || (rc = login_scopes_read(c, &form, &s.scopes, err)) < 0 ||
		(rc = make_code(&d, err)) < 0)
		return rc;
	const char *scope = form_get(&form, c->v2 ? "scope" : "resource");
	if ((rc = insert_code(c, &d, &s, tenant, scope, err)) < 0)
		return rc;
	*answer = code_answer(&d, c->v2);
	return *answer ? 0 : err_oom(err);
}

// Polling.

struct code_row {
	char tenant[ENC_UUID_SIZE], client[ENC_UUID_SIZE], user[ENC_UUID_SIZE], state[16];
	char scope[LOGIN_SCOPE_MAX + 1];
	int64_t polled, expires;
};

static int bad_code(struct err *err) {
	return aadsts_set(err, 70018, "Invalid verification code: the device code is not known, or was used already.");
}

static int find_code(struct store_tx *tx, const char *hash, struct code_row *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT tenant_id, client_id, user_id, state, scope, polled, expires FROM device_codes WHERE hash = $1", "s", hash);
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return bad_code(err);
	const char *user = store_text(rows, 2);
	(void)snprintf(out->tenant, sizeof(out->tenant), "%s", store_text(rows, 0));
	(void)snprintf(out->client, sizeof(out->client), "%s", store_text(rows, 1));
	(void)snprintf(out->user, sizeof(out->user), "%s", user ? user : "");
	(void)snprintf(out->state, sizeof(out->state), "%s", store_text(rows, 3));
	(void)snprintf(out->scope, sizeof(out->scope), "%s", store_text(rows, 4));
	out->polled = store_int(rows, 5);
	out->expires = store_int(rows, 6);
	return 0;
}

// What to say while there is no decision. When it was asked last is kept.
static int still_pending(struct store_tx **tx, const char *hash, const struct code_row *row, int64_t now, struct err *err) {
	bool early = row->polled <= now && now - row->polled < INTERVAL - POLL_LEEWAY;
	int rc = store_exec(*tx, err, "UPDATE device_codes SET polled = $1 WHERE hash = $2", "is", now, hash);
	if (rc < 0 || (rc = store_commit(tx, err)) < 0)
		return rc;
	if (early)
		return aadsts_set(err, 50196,
			"The server terminated an operation because it encountered a client request loop. Wait %d seconds between two polls.",
			INTERVAL);
	return aadsts_set(err, 70016,
		"OAuth 2.0 device flow error. Authorization is pending. Continue polling.");
}

static int judge_code(const struct code_row *row, int64_t now, struct err *err) {
	if (now >= row->expires)
		return aadsts_set(err, 70020,
			"The provided value for the input parameter 'device_code' is not valid. This device code has expired.");
	if (strcmp(row->state, "declined") == 0)
		return aadsts_set(err, 65004, "User declined to consent to access the app.");
	return 0;
}

// The scope as it was asked for with the code; a request for tokens need not repeat it.
static int read_scopes(const struct login_call *c, const struct code_row *row, struct login_scopes *out, struct err *err) {
	if (c->v2)
		return login_scopes_parse(row->scope, c->tenant, out, err);
	struct login_scopes s = {.openid = true, .offline = true};
	int rc = login_resource(row->scope, c->tenant, &s.resource, s.audience, err);
	if (rc < 0)
		return rc;
	(void)snprintf(s.granted, sizeof(s.granted), "%s", s.resource->permission);
	*out = s;
	return 0;
}

static int load_session(const struct login_call *c, struct login_session *s, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct code_row row;
	int64_t now = clock_now();
	int rc = store_begin(c->entra->store, STORE_WRITE, &tx, err);
	if (rc < 0 || (rc = find_code(tx, s->shown, &row, err)) < 0)
		return rc;
	if (strcmp(row.client, s->client.sp.ids.app_id) != 0)
		return bad_code(err);
	if ((rc = judge_code(&row, now, err)) < 0)
		return rc;
	if (strcmp(row.state, "approved") != 0)
		return still_pending(&tx, s->shown, &row, now, err);
	if ((rc = read_scopes(c, &row, &s->scopes, err)) < 0)
		return rc;
	return login_session_user(c, tx, row.user, s, err);
}

static int use_code(struct store_tx *tx, const struct login_session *s, struct err *err) {
	int rc = store_exec(tx, err, "DELETE FROM device_codes WHERE hash = $1 AND state = 'approved'", "s", s->shown);
	if (rc < 0)
		return rc;
	return rc > 0 ? 0 : bad_code(err);
}

int login_grant_device(const struct login_call *c, const struct form *form, const struct login_proof *proof, json_t **answer,
	struct err *err) {
	_cleanup_buf_ struct buf hash = {0};
	struct login_session s = {.use = use_code};
	// The first generation calls it a code.
	const char *code = form_get(form, "device_code");
	if (!code)
		code = login_required(form, c->v2 ? "device_code" : "code", err);
	int rc = code ? login_grant_client(c, proof, &s, err) : -EACCES;
	if (rc < 0 || (rc = entra_hash_text(code, strlen(code), &hash, err)) < 0)
		return rc;
	s.shown = buf_cstr(&hash);
	rc = load_session(c, &s, err);
	return rc < 0 ? rc : login_session_answer(c, &s, form, answer, err);
}

// Decisions.

static int read_user_code(const char *typed, char out[static USER_CODE_LENGTH + 1], struct err *err) {
	size_t n = 0;
	for (; *typed; typed++) {
		if (*typed == ' ' || *typed == '-')
			continue;
		if (n == USER_CODE_LENGTH)
			return aadsts_set(err, 70019, "The code is not known, or has ended.");
		out[n++] = (char)toupper((unsigned char)*typed);
	}
	out[n] = 0;
	return 0;
}

static int find_pending(struct store_tx *tx, const char *user_code, struct code_row *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT tenant_id, client_id, scope FROM device_codes WHERE user_code = $1 AND state = 'pending' AND expires > $2", "si",
		user_code, clock_now());
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return aadsts_set(err, 70019, "The code is not known, or has ended.");
	(void)snprintf(out->tenant, sizeof(out->tenant), "%s", store_text(rows, 0));
	(void)snprintf(out->client, sizeof(out->client), "%s", store_text(rows, 1));
	(void)snprintf(out->scope, sizeof(out->scope), "%s", store_text(rows, 2));
	return 0;
}

// Who has asked, by the name it has in the user's tenant.
static int find_asker(struct store_tx *tx, const struct code_row *row, const struct entra_user *user, struct login_decision *d,
	struct err *err) {
	const struct login_proof proof = {.client_id = row->client};
	struct entra_tenant tenant;
	struct login_client client;
	int rc = user ? entra_tenant_find(tx, user->tenant_id, &tenant, err) : 0;
	if (rc == 0)
		rc = login_client_find(tx, user ? &tenant : NULL, &proof, &client, err);
	if (rc < 0)
		return rc;
	(void)snprintf(d->client, sizeof(d->client), "%s", client.sp.display_name);
	(void)snprintf(d->scope, sizeof(d->scope), "%s", row->scope);
	return 0;
}

static int refused_sign_in(struct err *err) {
	return aadsts_set(err, 50126, "Error validating credentials due to invalid username or password.");
}

static int find_signer(struct store_tx *tx, const struct code_row *row, struct login_decision *d, const char *pass,
	struct err *err) {
	int rc = strlen(d->user) > ENTRA_NAME_MAX ? -ENOENT : entra_user_find(tx, d->user, &d->found, err);
	if (pass) {
		if (rc == -ENOENT || (rc == 0 && !d->found.enabled))
			return refused_sign_in(err);
		if (rc == 0 && (rc = entra_pass_use(tx, d->found.object_id, pass, err)) == -EACCES)
			return refused_sign_in(err);
	}
	if (rc == -ENOENT)
		return aadsts_set(err, 50034, "The user account does not exist in the directory.");
	if (rc == 0 && !d->found.enabled)
		return aadsts_set(err, 50057, "The user account is disabled.");
	if (rc == 0 && row->tenant[0] && strcmp(row->tenant, d->found.tenant_id) != 0)
		return aadsts_set(err, 50020, "The user account '%s' does not exist in the tenant '%s', which the code was made for.",
			d->found.upn, row->tenant);
	return rc;
}

int login_device_decide(struct store_tx *tx, struct login_decision *d, const char *pass, struct err *err) {
	char code[USER_CODE_LENGTH + 1];
	struct code_row row = {0};
	int rc = read_user_code(d->user_code, code, err);
	if (rc < 0 || (rc = find_pending(tx, code, &row, err)) < 0 ||
		(d->user && (rc = find_signer(tx, &row, d, pass, err)) < 0) ||
		(d->user && (rc = find_asker(tx, &row, &d->found, d, err)) < 0))
		return rc;
	(void)snprintf(d->tenant, sizeof(d->tenant), "%s", d->user ? d->found.tenant_id : row.tenant);
	rc = store_exec(tx, err, "UPDATE device_codes SET state = $1, user_id = $2 WHERE user_code = $3", "sss",
		d->user ? "approved" : "declined", d->user ? d->found.object_id : NULL, code);
	return rc < 0 ? rc : 0;
}
