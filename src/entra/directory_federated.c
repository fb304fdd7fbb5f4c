// SPDX-License-Identifier: Apache-2.0
// Federated credentials: whose tokens stand in for a secret of an application or of a user-assigned identity.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "entra/directory_internal.h"

#define COLUMNS "SELECT id, name, issuer, subject, audience, description FROM federated_credentials"

static void copy(char *out, size_t size, const char *text) {
	(void)snprintf(out, size, "%s", text ? text : "");
}

static void read_row(struct store_rows *rows, struct directory_federated *f) {
	copy(f->id, sizeof(f->id), store_text(rows, 0));
	copy(f->name, sizeof(f->name), store_text(rows, 1));
	copy(f->issuer, sizeof(f->issuer), store_text(rows, 2));
	copy(f->subject, sizeof(f->subject), store_text(rows, 3));
	copy(f->audience, sizeof(f->audience), store_text(rows, 4));
	copy(f->description, sizeof(f->description), store_text(rows, 5));
}

int directory_federated_list(struct store_tx *tx, const char *owner, struct directory_federated **out, size_t *count,
	struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_free_ char *key = strv_lower(owner);
	_cleanup_free_ struct directory_federated *found = calloc(DIRECTORY_FEDERATED_MAX, sizeof(*found));
	if (!key || !found)
		return err_oom(err);
	int rc = store_query(tx, &rows, err, COLUMNS " WHERE owner = $1 ORDER BY name", "s", key);
	size_t n = 0;
	while (rc >= 0 && n < DIRECTORY_FEDERATED_MAX && (rc = store_next(rows, err)) > 0)
		read_row(rows, &found[n++]);
	if (rc < 0)
		return rc;
	*out = n > 0 ? TAKE_PTR(found) : NULL;
	*count = n;
	return 0;
}

int directory_federated_get(struct store_tx *tx, const char *owner, const char *id_or_name, struct directory_federated *out,
	struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_free_ char *key = strv_lower(owner);
	_cleanup_free_ char *id = strv_lower(id_or_name);
	if (!key || !id)
		return err_oom(err);
	// A name can look like another credential's id: the id goes first.
	int rc = store_query(tx, &rows, err,
		COLUMNS " WHERE owner = $1 AND (id = $2 OR name = $3) ORDER BY CASE WHEN id = $2 THEN 0 ELSE 1 END", "sss", key, id,
		id_or_name);
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return directory_not_found(id_or_name, err);
	struct directory_federated f = {0};
	read_row(rows, &f);
	*out = f;
	return 0;
}

static int invalid(struct err *err, const char *property, const char *value, const char *why) {
	return err_set(err, -EINVAL, 400, "InvalidFederatedIdentityCredentialValue",
		"%s paramName: FederatedIdentityCredential.%s, paramValue: %.300s, objectType: Microsoft.Online.DirectoryServices."
		"Application", why, property, value);
}

// Exact matches are made later: a blank or a wildcard could never be one that was meant.
static int check_text(const char *property, const char *value, struct err *err) {
	if (!*value)
		return invalid(err, property, value, "The value cannot be empty.");
	if (strlen(value) >= DIRECTORY_FEDERATED_TEXT_MAX + 1)
		return invalid(err, property, value, "The value is too long.");
	return 0;
}

static int check_values(const struct directory_federated *f, struct err *err) {
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (!strv_made_of(f->name, allowed, 3, 120) || f->name[0] == '-' || f->name[0] == '_')
		return invalid(err, "Name", f->name, "The name must be 3 to 120 letters, digits, '-' or '_', beginning with a letter or "
			"digit.");
	int rc = check_text("Issuer", f->issuer, err);
	if (rc == 0)
		rc = check_text("Subject", f->subject, err);
	return rc < 0 ? rc : check_text("Audiences", f->audience, err);
}

// The pair of issuer and subject is another credential's.
static int check_pair(struct store_tx *tx, const char *owner, const struct directory_federated *f, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err,
		"SELECT COUNT(*) FROM federated_credentials WHERE owner = $1 AND issuer = $2 AND subject = $3 AND id <> $4", "ssss",
		owner, f->issuer, f->subject, f->id);
	if (rc < 0 || count == 0)
		return rc;
	return err_set(err, -EEXIST, 400, "InvalidFederatedIdentityCredentialValue",
		"The combination of issuer and subject must be unique for the application. Issuer %.300s and Subject: %.300s already "
		"exist. paramName: FederatedIdentityCredential.Subject, paramValue: %.300s, objectType: Microsoft.Online."
		"DirectoryServices.Application", f->issuer, f->subject, f->subject);
}

static int check_room(struct store_tx *tx, const char *owner, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM federated_credentials WHERE owner = $1", "s", owner);
	if (rc == 0 && count >= DIRECTORY_FEDERATED_MAX)
		return err_set(err, -EDQUOT, 400, "Request_BadRequest",
			"The number of federated identity credentials on the object has reached the maximum of %d.",
			DIRECTORY_FEDERATED_MAX);
	return rc;
}

int directory_federated_add(struct store_tx *tx, const char *owner, struct directory_federated *f, struct err *err) {
	_cleanup_free_ char *key = strv_lower(owner);
	if (!key)
		return err_oom(err);
	int rc = check_values(f, err);
	if (rc == 0)
		rc = check_pair(tx, key, f, err);
	if (rc == 0)
		rc = check_room(tx, key, err);
	if (rc < 0)
		return rc;
	if (!f->id[0] && (rc = enc_uuid(f->id)) < 0)
		return err_errno(err, rc, "cannot make an identifier");
	rc = store_exec(tx, err,
		"INSERT INTO federated_credentials (id, owner, name, issuer, subject, audience, description, created)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		"sssssssi", f->id, key, f->name, f->issuer, f->subject, f->audience, f->description[0] ? f->description : NULL,
		clock_now());
	if (rc == -EEXIST)
		return err_set(err, rc, 409, "Request_MultipleObjectsWithSameKeyValue",
			"FederatedIdentityCredential with name %s already exists.", f->name);
	return rc < 0 ? rc : 0;
}

int directory_federated_save(struct store_tx *tx, const char *owner, const struct directory_federated *f, struct err *err) {
	_cleanup_free_ char *key = strv_lower(owner);
	if (!key)
		return err_oom(err);
	int rc = check_values(f, err);
	if (rc == 0)
		rc = check_pair(tx, key, f, err);
	if (rc < 0)
		return rc;
	rc = store_exec(tx, err,
		"UPDATE federated_credentials SET issuer = $1, subject = $2, audience = $3, description = $4"
		" WHERE owner = $5 AND id = $6",
		"ssssss", f->issuer, f->subject, f->audience, f->description[0] ? f->description : NULL, key, f->id);
	return rc == 0 ? directory_not_found(f->id, err) : rc < 0 ? rc : 0;
}

int directory_federated_remove(struct store_tx *tx, const char *owner, const char *id_or_name, struct err *err) {
	_cleanup_free_ char *key = strv_lower(owner);
	struct directory_federated f;
	if (!key)
		return err_oom(err);
	int rc = directory_federated_get(tx, owner, id_or_name, &f, err);
	if (rc == 0)
		rc = store_exec(tx, err, "DELETE FROM federated_credentials WHERE owner = $1 AND id = $2", "ss", key, f.id);
	return rc < 0 ? rc : 0;
}

int directory_federated_remove_all(struct store_tx *tx, const char *owner, struct err *err) {
	_cleanup_free_ char *key = strv_lower(owner);
	if (!key)
		return err_oom(err);
	int rc = store_exec(tx, err, "DELETE FROM federated_credentials WHERE owner = $1", "s", key);
	return rc < 0 ? rc : 0;
}
