// SPDX-License-Identifier: Apache-2.0
// The two ways to decide over a device code: a page for the person, and an endpoint of our own for the operator. Nothing
// that was sent is repeated on the page.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "entra/login.h"

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in to your account</title>"
	"<meta name=\"viewport\" content=\"width=device-width\"></head><body><h1>Sign in</h1>\n";
static const char page_form[] =
	"<form method=\"post\" autocomplete=\"off\">\n"
	"<p><label>Code shown by your device or app <input name=\"code\" maxlength=\"16\" required autofocus></label></p>\n"
	"<p><label>User name <input name=\"user\" maxlength=\"256\" required></label></p>\n"
	"<p><label>Temporary access pass <input name=\"pass\" type=\"password\" maxlength=\"256\" required></label></p>\n"
	"<p>Go on only if you have started this sign-in yourself: whoever shows this code will act as you.</p>\n"
	"<p><button>Sign in</button></p>\n</form>\n";
static const char page_tail[] = "</body></html>\n";

static void show(struct http_response *res, int status, const char *message, bool form) {
	res->status = status;
	res->content_type = "text/html; charset=utf-8";
	bool said = message[0] != 0;
	if (buf_str(&res->body, page_head) < 0 || (said && buf_str(&res->body, "<p><strong>") < 0) ||
		buf_str(&res->body, message) < 0 || (said && buf_str(&res->body, "</strong></p>\n") < 0) ||
		(form && buf_str(&res->body, page_form) < 0) || buf_str(&res->body, page_tail) < 0 ||
		http_set_header(res, "Content-Security-Policy",
			"default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'") < 0 ||
		http_set_header(res, "X-Frame-Options", "DENY") < 0 || http_set_header(res, "X-Content-Type-Options", "nosniff") < 0 ||
		http_set_header(res, "Referrer-Policy", "no-referrer") < 0 ||
		http_set_header(res, "Cache-Control", "no-store, no-cache") < 0)
		res->status = 500;
}

static int decide(struct entra *e, struct login_decision *d, const char *pass, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(e->store, STORE_WRITE, &tx, err);
	if (rc < 0 || (rc = login_device_decide(tx, d, pass, err)) < 0)
		return rc;
	return store_commit(&tx, err);
}

void login_device_page(struct entra *e, const struct http_request *req, struct http_response *res) {
	_cleanup_form_ struct form form = {0};
	struct err err = {0};
	if (strcmp(http_method(req), "POST") != 0) {
		show(res, 200, "", true);
		return;
	}
	if (login_read_form(req, &form, &err) < 0) {
		show(res, 400, "The form could not be read.", true);
		return;
	}
	const char *pass = form_get(&form, "pass");
	struct login_decision d = {.user_code = form_get(&form, "code"), .user = form_get(&form, "user")};
	if (!d.user_code || !*d.user_code || !d.user || !*d.user || !pass || !*pass) {
		show(res, 400, "Code, user name and pass are all needed.", true);
		return;
	}
	int rc = decide(e, &d, pass, &err);
	if (rc == 0)
		show(res, 200, "You have signed in on your device. You may now close this window.", false);
	else if (rc == -EACCES)
		show(res, 400, "The code has ended or is not known, or the user name and the pass do not fit.", true);
	else
		show(res, 503, "The service cannot answer now. Try again.", true);
}

// The operator's way.

static void answer_error(struct http_response *res, int status, const char *code, const char *message) {
	res->status = status;
	res->json = json_pack("{s:o}", "error", json_error(code, message));
}

static int identify(struct entra *e, const struct http_request *req, struct caller *out, struct err *err) {
	static const char *const audiences[] = {"https://management.azure.com", "https://management.azure.com/",
		"https://management.core.windows.net", "https://management.core.windows.net/", NULL};
	enum entra_refusal refusal = entra_authenticate(e, req, audiences, out);
	if (refusal == ENTRA_UNAVAILABLE)
		return err_set(err, -EIO, 503, "ServiceUnavailable", "The token could not be judged. Try again.");
	if (refusal != ENTRA_OK)
		return err_set(err, -EACCES, 401, "InvalidAuthenticationToken",
			"A valid access token for https://management.azure.com is needed.");
	return 0;
}

static int forbidden(struct err *err) {
	return err_set(err, -EPERM, 403, "AuthorizationFailed",
		"Only the instance's first principal, or an Owner at '/' of the user's tenant, may sign people in.");
}

// The decision is made first, and undone when it is not the caller's to make: only then is it known whose it is. One who may
// not decide is told nothing else.
static int decide_as(struct entra *e, const struct caller *caller, struct login_decision *d, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct err why = {0};
	bool anywhere = false, here = false;
	int rc = store_begin(e->store, STORE_WRITE, &tx, err);
	if (rc < 0 || (rc = entra_is_operator(tx, caller, "", &anywhere, err)) < 0)
		return rc;
	int decided = login_device_decide(tx, d, NULL, &why);
	if (!anywhere && (rc = entra_is_operator(tx, caller, d->tenant, &here, err)) < 0)
		return rc;
	if (!anywhere && !here)
		return forbidden(err);
	if (decided < 0) {
		*err = why;
		return decided;
	}
	return store_commit(&tx, err);
}

// {"user_code", "user"}; without a user the sign-in is declined.
static int read_decision(const struct http_request *req, json_t **body, struct login_decision *out, struct err *err) {
	size_t len;
	const void *text = http_body(req, &len);
	int rc = json_parse(text, len, "BadRequest", body, err);
	if (rc < 0)
		return rc;
	const json_t *user = json_object_get(*body, "user");
	out->user_code = json_str(*body, "user_code");
	out->user = json_string_value(user);
	if (!out->user_code || (user && !out->user))
		return err_set(err, -EINVAL, 400, "BadRequest", "The member 'user_code', and 'user' if it is there, must be strings.");
	return 0;
}

static int operate(struct entra *e, const struct http_request *req, json_t **answer, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	struct caller caller = {0};
	struct login_decision d = {0};
	int rc = identify(e, req, &caller, err);
	if (rc < 0 || (rc = read_decision(req, &body, &d, err)) < 0 || (rc = decide_as(e, &caller, &d, err)) < 0)
		return rc;
	*answer = d.user ? json_pack("{s:s, s:s, s:s, s:s}", "user", d.found.upn, "tenant", d.found.tenant_id, "client", d.client,
				   "scope", d.scope)
			 : json_pack("{s:b}", "declined", 1);
	return *answer ? 0 : err_oom(err);
}

void login_device_operator(struct entra *e, const struct http_request *req, struct http_response *res) {
	struct err err = {0};
	if (operate(e, req, &res->json, &err) < 0)
		answer_error(res, err.status, err.code, err.message);
	else
		res->status = 200;
	if (http_set_header(res, "Cache-Control", "no-store, no-cache") < 0)
		res->status = 500;
}
