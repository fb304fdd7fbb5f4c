// SPDX-License-Identifier: Apache-2.0
// Making access tokens: the claims that Entra gives to application-only callers.
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "crypto/jwt.h"
#include "entra/internal.h"

static const struct entra_resource resources[] = {
	{"https://management.azure.com", false},
	{"https://management.core.windows.net", false},
	{"https://vault.azure.net", false},
	{"https://managedhsm.azure.net", false},
	{"https://graph.microsoft.com", false},
	// Asked for to be presented to Entra itself, which takes version 2 tokens only.
	{"api://AzureADTokenExchange", true},
};

const struct entra_resource *entra_resource_find(const char *uri, char audience[static ENTRA_AUDIENCE_MAX]) {
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		size_t n = strlen(resources[i].uri);
		if (strncasecmp(uri, resources[i].uri, n) != 0 || (strcmp(uri + n, "") != 0 && strcmp(uri + n, "/") != 0))
			continue;
		(void)snprintf(audience, ENTRA_AUDIENCE_MAX, "%s%s", resources[i].uri, uri + n);
		return &resources[i];
	}
	return NULL;
}

// `bytes` random bytes in base64url, appended with the NUL that buf keeps.
static int random_text(size_t bytes, struct buf *out) {
	uint8_t random[64];
	if (bytes > sizeof(random))
		return -EINVAL;
	return RAND_bytes(random, (int)bytes) == 1 ? enc_base64url(out, random, bytes) : -EIO;
}

// How the caller proved itself: "1" with a client secret, "2" with a certificate (as managed identities do).
static const char *proof(const struct entra_grant *g) {
	return g->principal->resource_id[0] ? "2" : "1";
}

static json_t *make_claims(const struct entra_grant *g, const char *issuer, const char *aio, const char *uti) {
	const struct entra_principal *p = &g->principal->ids;
	const char *identity = g->principal->resource_id[0] ? g->principal->resource_id : NULL;
	json_int_t start = g->now - ENTRA_BACKDATE, end = g->now + g->lifetime;
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s*}", "aud", g->audience,
		"iss", issuer, "iat", start, "nbf", start, "exp", end, "aio", aio,
		g->resource->v2 ? "azp" : "appid", p->app_id, g->resource->v2 ? "azpacr" : "appidacr", proof(g), "idtyp", "app",
		"oid", p->object_id, "sub", p->object_id, "tid", p->tenant_id, "uti", uti, "ver", g->resource->v2 ? "2.0" : "1.0",
		"xms_mirid", identity);
}

static int sign_in_keeper(void *ctx, const uint8_t digest[static 32], struct buf *signature, struct err *err) {
	struct entra *e = ctx;
	const struct keeper_key key = {.blob = e->sealed.data, .blob_len = e->sealed.len, .context = entra_signing_context};
	return keeper_sign(e->keeper, &key, KEY_ALG_RS256, digest, 32, signature, err);
}

int entra_issue(struct entra *e, const struct entra_grant *g, struct buf *token, struct err *err) {
	_cleanup_buf_ struct buf aio = {0}, uti = {0};
	int rc = random_text(48, &aio);
	rc = rc < 0 ? rc : random_text(16, &uti);
	if (rc < 0)
		return err_errno(err, rc, "cannot make a token");
	const char *tenant = g->principal->ids.tenant_id;
	_cleanup_free_ char *sts = strv_printf("https://sts.windows.net/%s/", tenant);
	_cleanup_free_ char *login = strv_printf("https://login.microsoftonline.com/%s/v2.0", tenant);
	if (!sts || !login)
		return err_oom(err);
	_cleanup_json_ json_t *claims = make_claims(g, g->resource->v2 ? login : sts, buf_cstr(&aio), buf_cstr(&uti));
	if (!claims || (!g->resource->v2 && json_set_str(claims, "idp", sts) < 0))
		return err_oom(err);
	return jwt_sign(claims, e->keys[0].kid, sign_in_keeper, e, token, err);
}
