// SPDX-License-Identifier: Apache-2.0
// The audit log of the data plane: one record a request, durable before its answer leaves.
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/enc.h"
#include "base/err.h"
#include "store/store.h"

// What a record says (fields of Key Vault's AuditEvent category). Strings are borrowed; NULL is an empty one. None may
// hold key material or a value of a cryptographic operation.
struct audit_event {
	char id[ENC_UUID_SIZE];      // of the request
	int64_t time_ns;
	const char *vault;           // lower-case name
	const char *resource_id;     // of the vault
	const char *operation, *version;
	int status;                  // HTTP
	const char *description;     // of an error
	int64_t duration_ns;
	const char *address, *correlation, *agent, *uri, *object;
	const char *oid, *appid, *tenant;
};

// Insert the record in a transaction of the caller's.
int audit_insert(struct store_tx *tx, const struct audit_event *e, struct err *err) _must_check_;

// Writes the records of requests that change nothing, those of concurrent requests in one commit.
struct audit_writer;

int audit_writer_new(struct store *store, struct audit_writer **out, struct err *err) _must_check_;
void audit_writer_free(struct audit_writer *w);  // nobody may be in audit_writer_put any more; NULL is fine

// Returns 0 when the record is durable. The calling thread must hold no transaction.
int audit_writer_put(struct audit_writer *w, const struct audit_event *e, struct err *err) _must_check_;
