// SPDX-License-Identifier: Apache-2.0
// Client secrets and certificates.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "entra/certificate.h"
#include "entra/directory_internal.h"

enum { SECRET_BYTES = 30 };  // of entropy: a plain hash cannot be searched through

// Whose a credential is: NULL for an application, whose own are good in every tenant.
static const char *holder(const struct directory_object *o) {
	return o->kind == DIRECTORY_SERVICE_PRINCIPAL ? o->id : NULL;
}

static int count_rows(struct store_tx *tx, const char *table, const struct directory_object *o, int64_t *out, struct err *err) {
	char sql[200];
	(void)snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s WHERE app_id = $1 AND COALESCE(principal_id, '') = $2", table);
	return store_query_int(tx, out, err, sql, "ss", o->app_id, holder(o) ? holder(o) : "");
}

static int check_room(struct store_tx *tx, const char *table, const struct directory_object *o, struct err *err) {
	int64_t count = 0;
	int rc = count_rows(tx, table, o, &count, err);
	return rc == 0 && count >= DIRECTORY_CREDENTIALS_MAX ? directory_quota(err) : rc;
}

static void read_credential(struct store_rows *rows, struct directory_credential *c) {
	const char *name = store_text(rows, 1), *hint = store_text(rows, 2), *thumbprint = store_text(rows, 3);
	(void)snprintf(c->key_id, sizeof(c->key_id), "%s", store_text(rows, 0));
	(void)snprintf(c->display_name, sizeof(c->display_name), "%s", name ? name : "");
	(void)snprintf(c->hint, sizeof(c->hint), "%s", hint ? hint : "");
	(void)snprintf(c->thumbprint, sizeof(c->thumbprint), "%s", thumbprint ? thumbprint : "");
	c->not_before = store_int(rows, 4);
	c->not_after = store_int(rows, 5);
}

static int read_all(struct store_tx *tx, const char *table, const char *columns, const struct directory_object *o,
	struct directory_credential **out, size_t *count, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	char sql[300];
	int64_t expected = 0;
	int rc = count_rows(tx, table, o, &expected, err);
	if (rc < 0)
		return rc;
	struct directory_credential *found = calloc((size_t)expected + 1, sizeof(*found));
	if (!found)
		return err_oom(err);
	(void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s WHERE app_id = $1 AND COALESCE(principal_id, '') = $2"
		" ORDER BY not_before, key_id", columns, table);
	rc = store_query(tx, &rows, err, sql, "ss", o->app_id, holder(o) ? holder(o) : "");
	size_t n = 0;
	while (rc >= 0 && n < (size_t)expected && (rc = store_next(rows, err)) > 0)
		read_credential(rows, &found[n++]);
	if (rc < 0) {
		free(found);
		return rc;
	}
	*out = found;
	*count = n;
	return 0;
}

int directory_secrets(struct store_tx *tx, const struct directory_object *o, struct directory_credential **out, size_t *count,
	struct err *err) {
	return read_all(tx, "application_secrets", "key_id, display_name, hint, NULL, not_before, not_after", o, out, count, err);
}

int directory_certificates(struct store_tx *tx, const struct directory_object *o, struct directory_credential **out,
	size_t *count, struct err *err) {
	return read_all(tx, "application_certificates", "key_id, display_name, NULL, thumbprint, not_before, not_after", o, out,
		count, err);
}

static int make_secret(struct secret *out, struct err *err) {
	_cleanup_secret_ struct secret random = {0};
	_cleanup_buf_ struct buf text = {0};
	int rc = secret_random(&random, SECRET_BYTES);
	// Commands take what begins with '-' for an option: the first character is one of the first 32 of the alphabet, letters.
	if (rc == 0)
		random.data[0] &= 0x7f;
	rc = rc < 0 ? rc : enc_base64url(&text, random.data, random.len);
	rc = rc < 0 ? rc : secret_copy(out, text.data, text.len);
	return rc < 0 ? err_errno(err, rc, "cannot make a client secret") : 0;
}

static int no_application(const struct directory_object *o, struct err *err) {
	return err_set(err, -EPERM, 403, "Authorization_RequestDenied",
		"The service principal '%s' takes no credentials: its application is not registered in a directory here.", o->id);
}

int directory_add_secret(struct store_tx *tx, const struct directory_object *o, struct directory_credential *c,
	struct secret *text, struct err *err) {
	_cleanup_secret_ struct secret secret = {0};
	_cleanup_buf_ struct buf hash = {0};
	int rc = check_room(tx, "application_secrets", o, err);
	if (rc < 0 || (rc = make_secret(&secret, err)) < 0 || (rc = entra_hash_text(secret.data, secret.len, &hash, err)) < 0)
		return rc;
	if ((rc = enc_uuid(c->key_id)) < 0)
		return err_errno(err, rc, "cannot make an identifier");
	(void)snprintf(c->hint, sizeof(c->hint), "%.3s", (const char *)secret.data);
	rc = store_exec(tx, err,
		"INSERT INTO application_secrets (key_id, app_id, secret_hash, not_before, not_after, display_name, hint, principal_id)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		"sssiisss", c->key_id, o->app_id, buf_cstr(&hash), c->not_before, c->not_after,
		c->display_name[0] ? c->display_name : NULL, c->hint, holder(o));
	if (rc == -ENOTEMPTY)
		return no_application(o, err);
	if (rc < 0)
		return rc;
	*text = secret;
	secret = (struct secret){0};
	return 0;
}

static int remove_row(struct store_tx *tx, const char *table, const char *what, const struct directory_object *o,
	const char *key_id, struct err *err) {
	char sql[200], id[ENC_UUID_SIZE];
	int rc = directory_id(key_id, id, err);
	if (rc < 0)
		return rc;
	(void)snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE key_id = $1 AND app_id = $2 AND COALESCE(principal_id, '') = $3",
		table);
	rc = store_exec(tx, err, sql, "sss", id, o->app_id, holder(o) ? holder(o) : "");
	if (rc == 0)
		return err_set(err, -ENOENT, 400, "Request_BadRequest", "No %s credential found with keyId.", what);
	return rc < 0 ? rc : 0;
}

int directory_remove_secret(struct store_tx *tx, const struct directory_object *o, const char *key_id, struct err *err) {
	return remove_row(tx, "application_secrets", "password", o, key_id, err);
}

int directory_remove_certificate(struct store_tx *tx, const struct directory_object *o, const char *key_id, struct err *err) {
	return remove_row(tx, "application_certificates", "key", o, key_id, err);
}

int directory_check_secret(struct store_tx *tx, const struct entra_principal *p, const char *secret, int64_t now,
	struct err *err) {
	_cleanup_buf_ struct buf hash = {0};
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = entra_hash_text(secret, strlen(secret), &hash, err);
	if (rc < 0)
		return rc;
	rc = store_query(tx, &rows, err,
		"SELECT secret_hash, not_before, not_after FROM application_secrets"
		" WHERE app_id = $1 AND (principal_id IS NULL OR principal_id = $2)",
		"ss", p->app_id, p->object_id);
	if (rc < 0)
		return rc;
	int answer = -EACCES;
	while ((rc = store_next(rows, err)) > 0) {
		const char *known = store_text(rows, 0);
		if (!secret_equal(known, strlen(known), hash.data, hash.len) || now < store_int(rows, 1))
			continue;
		if (now < store_int(rows, 2))
			answer = 0;
		else if (answer != 0)
			answer = -ETIME;
	}
	return rc < 0 ? rc : answer;
}

// Certificates.

static int invalid_certificate(struct err *err) {
	return err_set(err, -EINVAL, 400, "KeyCredentialsInvalidValue", "Key credential is invalid: it holds no X.509 certificate.");
}

// A credential's times lie within the certificate's; what is not given is the certificate's.
static int settle_times(const struct certificate *x, struct directory_credential *c, struct err *err) {
	int64_t not_before = c->not_before ? c->not_before : x->not_before, not_after = c->not_after ? c->not_after : x->not_after;
	if (not_before < x->not_before || not_before >= not_after)
		return err_set(err, -EINVAL, 400, "KeyCredentialsInvalidStartDate", "Key credential start date is invalid.");
	if (not_after > x->not_after)
		return err_set(err, -EINVAL, 400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid.");
	c->not_before = not_before;
	c->not_after = not_after;
	return 0;
}

static int insert_certificate(struct store_tx *tx, const struct directory_object *o, struct directory_credential *c,
	const struct certificate *x, const void *der, size_t len, struct err *err) {
	_cleanup_buf_ struct buf sha1 = {0}, sha256 = {0};
	int rc = enc_hex(&sha1, x->sha1, sizeof(x->sha1));
	rc = rc < 0 ? rc : enc_hex(&sha256, x->sha256, sizeof(x->sha256));
	if (rc == 0 && !c->key_id[0])
		rc = enc_uuid(c->key_id);
	if (rc < 0)
		return err_errno(err, rc, "cannot take a certificate's thumbprint");
	(void)snprintf(c->thumbprint, sizeof(c->thumbprint), "%s", buf_cstr(&sha1));
	rc = store_exec(tx, err,
		"INSERT INTO application_certificates (key_id, app_id, display_name, thumbprint, thumbprint_sha256, certificate,"
		" not_before, not_after, principal_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		"sssssbiis", c->key_id, o->app_id, c->display_name[0] ? c->display_name : NULL, buf_cstr(&sha1), buf_cstr(&sha256), der,
		len, c->not_before, c->not_after, holder(o));
	if (rc == -EEXIST)
		return err_set(err, rc, 400, "Request_BadRequest", "The application has this certificate already.");
	if (rc == -ENOTEMPTY)
		return no_application(o, err);
	return rc < 0 ? rc : 0;
}

int directory_add_certificate(struct store_tx *tx, const struct directory_object *o, struct directory_credential *c,
	const void *der, size_t len, struct err *err) {
	_cleanup_certificate_ struct certificate x = {0};
	int rc = certificate_read(der, len, &x, err);
	if (rc == -EINVAL)
		return invalid_certificate(err);
	if (rc == 0)
		rc = check_room(tx, "application_certificates", o, err);
	if (rc == 0)
		rc = settle_times(&x, c, err);
	return rc < 0 ? rc : insert_certificate(tx, o, c, &x, der, len, err);
}

int directory_find_certificate(struct store_tx *tx, const struct entra_principal *p, const void *print, size_t len,
	struct buf *der, int64_t *not_before, int64_t *not_after, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_buf_ struct buf hex = {0};
	int rc = enc_hex(&hex, print, len);
	if (rc < 0)
		return err_oom(err);
	rc = store_query(tx, &rows, err,
		"SELECT certificate, not_before, not_after FROM application_certificates WHERE app_id = $1"
		" AND (thumbprint = $2 OR thumbprint_sha256 = $2) AND (principal_id IS NULL OR principal_id = $3)",
		"sss", p->app_id, buf_cstr(&hex), p->object_id);
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	size_t size;
	const void *found = store_blob(rows, 0, &size);
	if (buf_append(der, found, size) < 0)
		return err_oom(err);
	*not_before = store_int(rows, 1);
	*not_after = store_int(rows, 2);
	return 0;
}
