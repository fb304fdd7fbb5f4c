// SPDX-License-Identifier: Apache-2.0
#include "keeper/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keeper/operations.h"
#include "keeper/protocol.h"

void reply_free(struct reply *r) {
	buf_free(&r->head);
	secret_free(&r->tail);
}

int operation_malformed(struct err *err, const char *what) {
	return err_set(err, -EPROTO, 500, "InternalServerError", "a request to %s is malformed", what);
}

struct sealed_field operation_read_sealed(struct cursor *c) {
	struct sealed_field f = {0};
	f.blob = cursor_blob(c, KEEPER_BLOB_MAX, &f.blob_len);
	f.context = cursor_blob(c, KEEPER_CONTEXT_MAX, &f.context_len);
	return f;
}

const uint8_t *operation_read_context(struct cursor *c, size_t *len) {
	const uint8_t *context = cursor_blob(c, KEEPER_CONTEXT_MAX, len);
	if (*len == 0)
		c->failed = true;
	return context;
}

int operation_append_secret(struct reply *r, struct secret *secret) {
	int rc = buf_u32(&r->head, (uint32_t)secret->len);
	if (rc < 0)
		return rc;
	r->tail = *secret;
	*secret = (struct secret){0};
	return 0;
}

static int answer_ping(struct keeper *k _unused_, struct cursor *c, struct reply *r _unused_, struct err *err) {
	return cursor_done(c) ? 0 : operation_malformed(err, "ping");
}

// Every request there is. What is not in the table does not exist.
static keeper_operation *const permitted[] = {
	[KEEPER_OP_PING] = answer_ping,
	[KEEPER_OP_MAKE] = keeper_answer_make,
	[KEEPER_OP_ENCRYPT] = keeper_answer_encrypt,
	[KEEPER_OP_DECRYPT] = keeper_answer_decrypt,
	[KEEPER_OP_SIGN] = keeper_answer_sign,
	[KEEPER_OP_DERIVE] = keeper_answer_derive,
	[KEEPER_OP_VERIFY] = keeper_answer_verify,
	[KEEPER_OP_IMPORT] = keeper_answer_import,
	[KEEPER_OP_IMPORT_TRANSFER] = keeper_answer_import_transfer,
	[KEEPER_OP_SEAL] = keeper_answer_seal,
	[KEEPER_OP_OPEN] = keeper_answer_open,
	[KEEPER_OP_RESEAL] = keeper_answer_reseal,
};

static int unknown_request(struct err *err, const char *what) {
	return err_set(err, -EPROTO, 500, "InternalServerError", "a request is %s", what);
}

static int dispatch(struct keeper *k, const void *request, size_t len, struct reply *r, struct err *err) {
	struct cursor c = cursor_of(request, len);
	uint8_t version = cursor_u8(&c), op = cursor_u8(&c);
	if (c.failed || version != KEEPER_PROTOCOL_VERSION)
		return unknown_request(err, "of another version of the protocol");
	if (buf_u8(&r->head, KEEPER_PROTOCOL_VERSION) < 0 || buf_u8(&r->head, KEEPER_OK) < 0)
		return err_oom(err);
	if (op >= ARRAY_SIZE(permitted) || !permitted[op])
		return unknown_request(err, "none that is permitted");
	return permitted[op](k, &c, r, err);
}

static enum keeper_status status_of(int rc) {
	switch (rc) {
	case -EINVAL:
		return KEEPER_BAD_PARAMETER;
	case -EPERM:
		return KEEPER_FORBIDDEN;
	case -EBADMSG:
		return KEEPER_BAD_BLOB;
	case -EPROTO:
		return KEEPER_BAD_REQUEST;
	default:
		return KEEPER_INTERNAL;
	}
}

static int refuse(struct reply *r, int failure, const struct err *err) {
	reply_free(r);
	*r = (struct reply){.hang_up = failure == -EPROTO};
	(void)snprintf(r->reason, sizeof(r->reason), "%.*s", (int)sizeof(r->reason) - 1, err->message);
	int rc = buf_u8(&r->head, KEEPER_PROTOCOL_VERSION);
	if (rc == 0)
		rc = buf_u8(&r->head, (uint8_t)status_of(failure));
	return rc < 0 ? rc : buf_blob(&r->head, err->message, strnlen(err->message, KEEPER_TEXT_MAX));
}

int keeper_answer(struct keeper *k, const void *request, size_t len, struct reply *r) {
	struct err err = {0};
	int rc = dispatch(k, request, len, r, &err);
	return rc < 0 ? refuse(r, rc, &err) : 0;
}
