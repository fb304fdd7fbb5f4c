// SPDX-License-Identifier: Apache-2.0
// Making tokens: the claims that Entra gives to applications, to managed identities and to people.
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "crypto/jwt.h"
#include "entra/internal.h"

#define GRAPH_ID "00000003-0000-0000-c000-000000000000"

static const struct entra_resource resources[] = {
	{"https://management.azure.com", false, "user_impersonation"},
	{"https://management.core.windows.net", false, "user_impersonation"},
	{"https://vault.azure.net", false, "user_impersonation"},
	{"https://managedhsm.azure.net", false, "user_impersonation"},
	{"https://graph.microsoft.com", false, "Directory.AccessAsUser.All"},
	{GRAPH_ID, false, "Directory.AccessAsUser.All"},
	// Asked for to be presented to Entra itself, which takes version 2 tokens only.
	{"api://AzureADTokenExchange", true, "user_impersonation"},
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

int entra_random_text(size_t bytes, struct buf *out, struct err *err) {
	uint8_t random[64];
	int rc = bytes > sizeof(random) ? -EINVAL : 0;
	if (rc == 0 && RAND_priv_bytes(random, (int)bytes) != 1)
		rc = -EIO;
	rc = rc < 0 ? rc : enc_base64url(out, random, bytes);
	return rc < 0 ? err_errno(err, rc, "no random numbers") : 0;
}

// What the claims of every token are made of.
struct frame {
	struct buf aio, uti;
	char *sts, *login;  // the tenant's two issuers
};

static void frame_free(struct frame *f) {
	buf_free(&f->aio);
	buf_free(&f->uti);
	free(f->sts);
	free(f->login);
}

static int make_frame(const struct entra_grant *g, struct frame *out, struct err *err) {
	int rc = entra_random_text(48, &out->aio, err);
	if (rc < 0 || (rc = entra_random_text(16, &out->uti, err)) < 0)
		return rc;
	out->sts = strv_printf("https://sts.windows.net/%s/", g->tenant_id);
	out->login = strv_printf("https://login.microsoftonline.com/%s/v2.0", g->tenant_id);
	return out->sts && out->login ? 0 : err_oom(err);
}

static json_t *common_claims(const struct entra_grant *g, const struct frame *f) {
	bool v2 = g->resource->v2;
	json_int_t start = g->now - ENTRA_BACKDATE, end = g->now + g->lifetime;
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s*}", "aud", g->audience, "iss",
		v2 ? f->login : f->sts, "iat", start, "nbf", start, "exp", end, "aio", buf_cstr(&f->aio), v2 ? "azp" : "appid",
		g->client_id, v2 ? "azpacr" : "appidacr", g->proof, "tid", g->tenant_id, "uti", buf_cstr(&f->uti), "ver",
		v2 ? "2.0" : "1.0", "idp", v2 ? NULL : f->sts);
}

static int add_principal(json_t *claims, const struct entra_service_principal *p) {
	if (json_set_str(claims, "idtyp", "app") < 0 || json_set_str(claims, "oid", p->ids.object_id) < 0 ||
		json_set_str(claims, "sub", p->ids.object_id) < 0)
		return -ENOMEM;
	return p->resource_id[0] ? json_set_str(claims, "xms_mirid", p->resource_id) : 0;
}

// The same person has another subject for every client.
static int pairwise_subject(const struct entra_grant *g, struct buf *out, struct err *err) {
	uint8_t digest[HASH_SHA256_SIZE];
	_cleanup_free_ char *text = strv_printf("%s %s", g->client_id, g->user->object_id);
	if (!text)
		return err_oom(err);
	int rc = hash_sha256(text, strlen(text), digest);
	rc = rc < 0 ? rc : enc_base64url(out, digest, sizeof(digest));
	return rc < 0 ? err_errno(err, rc, "cannot make a subject") : 0;
}

static int add_names(json_t *claims, const struct entra_user *u, bool v2) {
	if (json_set_str(claims, "oid", u->object_id) < 0 || json_set_str(claims, "name", u->display_name) < 0)
		return -ENOMEM;
	if (v2)
		return json_set_str(claims, "preferred_username", u->upn);
	return json_set_str(claims, "upn", u->upn) < 0 ? -ENOMEM : json_set_str(claims, "unique_name", u->upn);
}

static int add_user(json_t *claims, const struct entra_grant *g, struct err *err) {
	_cleanup_buf_ struct buf subject = {0};
	int rc = pairwise_subject(g, &subject, err);
	if (rc < 0)
		return rc;
	if (json_set_str(claims, "idtyp", "user") < 0 || json_set_str(claims, "sub", buf_cstr(&subject)) < 0 ||
		json_set_str(claims, "scp", g->resource->permission) < 0 || json_set_str(claims, "acr", "1") < 0 ||
		add_names(claims, g->user, g->resource->v2) < 0)
		return err_oom(err);
	return 0;
}

struct signer {
	struct entra *entra;
	struct buf sealed;
};

static int sign_in_keeper(void *ctx, const uint8_t digest[static 32], struct buf *signature, struct err *err) {
	struct signer *s = ctx;
	const struct keeper_key key = {.blob = s->sealed.data, .blob_len = s->sealed.len, .context = entra_signing_context};
	return keeper_sign(s->entra->keeper, &key, KEY_ALG_RS256, digest, 32, signature, err);
}

static int sign(struct entra *e, const json_t *claims, struct buf *token, struct err *err) {
	struct signer s = {.entra = e};
	char kid[ENTRA_KID_SIZE];
	int rc = entra_signing_key(e, kid, &s.sealed, err);
	if (rc == 0)
		rc = jwt_sign(claims, kid, sign_in_keeper, &s, token, err);
	buf_free(&s.sealed);
	return rc;
}

int entra_issue(struct entra *e, const struct entra_grant *g, struct buf *token, struct err *err) {
	_cleanup_(frame_free) struct frame f = {0};
	int rc = make_frame(g, &f, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *claims = common_claims(g, &f);
	if (!claims)
		return err_oom(err);
	if (g->user)
		rc = add_user(claims, g, err);
	else if (add_principal(claims, g->principal) < 0)
		rc = err_oom(err);
	return rc < 0 ? rc : sign(e, claims, token, err);
}

int entra_issue_id(struct entra *e, const struct entra_grant *g, bool v2, const char *nonce, struct buf *token,
	struct err *err) {
	_cleanup_(frame_free) struct frame f = {0};
	_cleanup_buf_ struct buf subject = {0};
	int rc = make_frame(g, &f, err);
	if (rc < 0 || (rc = pairwise_subject(g, &subject, err)) < 0)
		return rc;
	// Without nbf, which clients hold against their own clock: the instance's may be ahead of it.
	_cleanup_json_ json_t *claims = json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s*}", "aud", g->client_id, "iss",
		v2 ? f.login : f.sts, "iat", (json_int_t)(g->now - ENTRA_BACKDATE), "exp", (json_int_t)(g->now + g->lifetime), "aio",
		buf_cstr(&f.aio), "sub", buf_cstr(&subject), "tid", g->tenant_id, "uti", buf_cstr(&f.uti), "ver", v2 ? "2.0" : "1.0",
		"nonce", nonce);
	if (!claims || add_names(claims, g->user, v2) < 0)
		return err_oom(err);
	return sign(e, claims, token, err);
}
