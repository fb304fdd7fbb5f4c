// SPDX-License-Identifier: Apache-2.0
// Sealed data, sealed things that change their place, and what the root key gives.
#include <errno.h>
#include <string.h>

#include "keeper/operations.h"
#include "keeper/protocol.h"
#include "keeper/seal.h"

int keeper_answer_seal(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	size_t context_len, len;
	const uint8_t *context = operation_read_context(c, &context_len), *data = cursor_blob(c, KEEPER_DATA_MAX, &len);
	if (!cursor_done(c))
		return operation_malformed(err, "seal data");
	_cleanup_buf_ struct buf blob = {0};
	int rc = seal(&k->root, SEAL_DATA, 0, context, context_len, data, len, &blob, err);
	if (rc < 0)
		return rc;
	return buf_blob(&r->head, blob.data, blob.len) < 0 ? err_oom(err) : 0;
}

int keeper_answer_open(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct sealed_field f = operation_read_sealed(c);
	if (!cursor_done(c))
		return operation_malformed(err, "open data");
	_cleanup_sealed_ struct sealed s = {0};
	int rc = seal_open(&k->root, f.blob, f.blob_len, f.context, f.context_len, &s, err);
	if (rc < 0)
		return rc;
	// A key never leaves in the clear.
	if (s.kind != SEAL_DATA)
		return seal_does_not_open(err);
	return operation_append_secret(r, &s.plain) < 0 ? err_oom(err) : 0;
}

int keeper_answer_reseal(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct sealed_field f = operation_read_sealed(c);
	size_t context_len;
	const uint8_t *context = operation_read_context(c, &context_len);
	if (!cursor_done(c))
		return operation_malformed(err, "seal for another place");
	_cleanup_sealed_ struct sealed s = {0};
	_cleanup_buf_ struct buf blob = {0};
	int rc = seal_open(&k->root, f.blob, f.blob_len, f.context, f.context_len, &s, err);
	if (rc == 0)
		rc = seal(&k->root, s.kind, s.usage, context, context_len, s.plain.data, s.plain.len, &blob, err);
	if (rc < 0)
		return rc;
	return buf_blob(&r->head, blob.data, blob.len) < 0 ? err_oom(err) : 0;
}

int keeper_answer_derive(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	size_t len;
	const uint8_t *bytes = cursor_blob(c, KEEPER_LABEL_MAX, &len);
	if (!cursor_done(c) || len == 0 || memchr(bytes, 0, len))
		return operation_malformed(err, "derive a key");
	char label[KEEPER_LABEL_MAX + 1] = {0};
	memcpy(label, bytes, len);
	_cleanup_secret_ struct secret derived = {0};
	int rc = seal_derive(&k->root, label, &derived, err);
	if (rc < 0)
		return rc;
	return operation_append_secret(r, &derived) < 0 ? err_oom(err) : 0;
}
