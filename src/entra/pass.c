// SPDX-License-Identifier: Apache-2.0
// Temporary access passes (Graph's temporaryAccessPassAuthenticationMethod), and the end of a person's sign-ins.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "entra/internal.h"

#define PASS_LENGTH 16  // characters of five bits each

// Without what is taken for each other in print.
static const char alphabet[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

static int make_text(struct secret *out, struct err *err) {
	_cleanup_secret_ struct secret random = {0};
	int rc = secret_random(&random, PASS_LENGTH);
	rc = rc < 0 ? rc : secret_alloc(out, PASS_LENGTH);
	if (rc < 0)
		return err_errno(err, rc, "cannot make a temporary access pass");
	for (size_t i = 0; i < PASS_LENGTH; i++)
		out->data[i] = (uint8_t)alphabet[random.data[i] % (sizeof(alphabet) - 1)];
	return 0;
}

static int check_lifetime(int64_t starts, int64_t minutes, struct err *err) {
	if (minutes < ENTRA_PASS_MINUTES_MIN || minutes > ENTRA_PASS_MINUTES_MAX)
		return err_set(err, -EINVAL, 400, "badRequest", "Temporary Access Pass lifetime must be between %d and %d minutes.",
			ENTRA_PASS_MINUTES_MIN, ENTRA_PASS_MINUTES_MAX);
	if (starts < 0 || starts > CLOCK_LATEST || starts + minutes * 60 <= clock_now())
		return err_set(err, -EINVAL, 400, "badRequest", "The Temporary Access Pass would end in the past.");
	return 0;
}

static bool is_over(const struct entra_pass *p, int64_t now) {
	return now >= p->starts + p->minutes * 60 || (p->one_use && p->used);
}

int entra_pass_find(struct store_tx *tx, const char *user_id, struct entra_pass *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT id, created, starts, minutes, one_use, used FROM temporary_passes WHERE user_id = $1", "s", user_id);
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	(void)snprintf(out->id, sizeof(out->id), "%s", store_text(rows, 0));
	out->created = store_int(rows, 1);
	out->starts = store_int(rows, 2);
	out->minutes = store_int(rows, 3);
	out->one_use = store_int(rows, 4) != 0;
	out->used = store_int(rows, 5) != 0;
	return 0;
}

// Make room: one that is over is replaced, one that is not stays.
static int clear_place(struct store_tx *tx, const char *user_id, struct err *err) {
	struct entra_pass found;
	int rc = entra_pass_find(tx, user_id, &found, err);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (!is_over(&found, clock_now()))
		return err_set(err, -EEXIST, 409, "conflict",
			"Temporary Access Pass cannot be added to an user with an existing Temporary Access Pass.");
	return entra_pass_remove(tx, user_id, found.id, err);
}

int entra_pass_make(struct store_tx *tx, const char *user_id, int64_t starts, int64_t minutes, bool one_use,
	struct entra_pass *out, struct secret *pass, struct err *err) {
	_cleanup_secret_ struct secret text = {0};
	_cleanup_buf_ struct buf hash = {0};
	struct entra_pass p = {.created = clock_now(), .starts = starts, .minutes = minutes, .one_use = one_use};
	int rc = check_lifetime(starts, minutes, err);
	if (rc < 0 || (rc = clear_place(tx, user_id, err)) < 0 || (rc = make_text(&text, err)) < 0 ||
		(rc = entra_hash_text(text.data, text.len, &hash, err)) < 0)
		return rc;
	if ((rc = enc_uuid(p.id)) < 0)
		return err_errno(err, rc, "cannot make an identifier");
	rc = store_exec(tx, err,
		"INSERT INTO temporary_passes (id, user_id, hash, created, starts, minutes, one_use, used)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
		"sssiiii", p.id, user_id, buf_cstr(&hash), p.created, starts, minutes, (int64_t)one_use);
	if (rc < 0)
		return rc;
	*out = p;
	*pass = text;
	text = (struct secret){0};
	return 0;
}

int entra_pass_remove(struct store_tx *tx, const char *user_id, const char *pass_id, struct err *err) {
	int rc = store_exec(tx, err, "DELETE FROM temporary_passes WHERE user_id = $1 AND id = $2", "ss", user_id, pass_id);
	if (rc < 0)
		return rc;
	return rc > 0 ? 0 : -ENOENT;
}

int entra_pass_use(struct store_tx *tx, const char *user_id, const char *pass, struct err *err) {
	_cleanup_buf_ struct buf hash = {0};
	struct entra_pass p;
	int64_t now = clock_now(), matches = 0;
	int rc = entra_hash_text(pass, strlen(pass), &hash, err);
	if (rc < 0 || (rc = entra_pass_find(tx, user_id, &p, err)) < 0)
		return rc == -ENOENT ? -EACCES : rc;
	// The pass has 80 bits of entropy of its own: what a comparison of hashes tells by its time is of no use.
	rc = store_query_int(tx, &matches, err, "SELECT COUNT(*) FROM temporary_passes WHERE id = $1 AND hash = $2", "ss", p.id,
		buf_cstr(&hash));
	if (rc < 0)
		return rc;
	if (!matches || now < p.starts || is_over(&p, now))
		return -EACCES;
	rc = store_exec(tx, err, "UPDATE temporary_passes SET used = 1 WHERE id = $1", "s", p.id);
	return rc < 0 ? rc : 0;
}

int entra_revoke_sessions(struct store_tx *tx, const char *user_id, struct err *err) {
	int rc = store_exec(tx, err, "DELETE FROM refresh_tokens WHERE user_id = $1", "s", user_id);
	if (rc >= 0)
		rc = store_exec(tx, err, "DELETE FROM device_codes WHERE user_id = $1", "s", user_id);
	return rc < 0 ? rc : 0;
}
