// SPDX-License-Identifier: Apache-2.0
#include "vault/audit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

// Bytes of a text that a client controls, and that a record keeps.
#define AUDIT_TEXT_MAX 1024

// The record is written by hand because it is made for every request, and because what clients send need not be
// UTF-8: a byte that is not printable ASCII becomes '?'.
static int put_string(struct buf *b, const char *s) {
	int rc = buf_str(b, "\"");
	for (size_t left = AUDIT_TEXT_MAX; rc == 0 && s && *s && left > 0;) {
		size_t n = 0;
		while (n < left && s[n] >= 0x20 && s[n] <= 0x7e && s[n] != '"' && s[n] != '\\')
			n++;
		if (n > 0) {
			rc = buf_append(b, s, n);
		} else {
			n = 1;
			rc = *s == '"' ? buf_str(b, "\\\"") : *s == '\\' ? buf_str(b, "\\\\") : buf_str(b, strchr("\r\n", *s) ? " " : "?");
		}
		s += n;
		left -= n;
	}
	return rc < 0 ? rc : buf_str(b, "\"");
}

static int put_member(struct buf *b, const char *name, const char *value) {
	int rc = b->data[b->len - 1] == '{' ? 0 : buf_str(b, ",");
	if (rc == 0)
		rc = put_string(b, name);
	if (rc == 0)
		rc = buf_str(b, ":");
	return rc < 0 ? rc : put_string(b, value);
}

static const char *signature_of(int status) {
	switch (status) {
	case 200: return "OK";
	case 204: return "No Content";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 409: return "Conflict";
	case 413: return "Request Entity Too Large";
	case 429: return "Too Many Requests";
	case 503: return "Service Unavailable";
	default: return "Internal Server Error";
	}
}

static int put_resource(struct buf *b, const char *resource_id) {
	char upper[512];
	size_t n = 0;
	for (; resource_id && resource_id[n] && n < sizeof(upper) - 1; n++)
		upper[n] = (char)toupper((unsigned char)resource_id[n]);
	upper[n] = 0;
	return put_member(b, "resourceId", upper);
}

static int put_identity(struct buf *b, const struct audit_event *e) {
	int rc = buf_str(b, ",\"identity\":{\"claim\":{");
	if (rc == 0 && e->oid)
		rc = put_member(b, "http://schemas.microsoft.com/identity/claims/objectidentifier", e->oid);
	if (rc == 0 && e->appid)
		rc = put_member(b, "appid", e->appid);
	if (rc == 0 && e->tenant)
		rc = put_member(b, "http://schemas.microsoft.com/identity/claims/tenantid", e->tenant);
	return rc < 0 ? rc : buf_str(b, "}}");
}

static int put_properties(struct buf *b, const struct audit_event *e) {
	int rc = buf_str(b, ",\"properties\":{");
	if (rc == 0)
		rc = put_member(b, "clientInfo", e->agent);
	if (rc == 0)
		rc = put_member(b, "requestUri", e->uri);
	if (rc == 0)
		rc = put_member(b, "id", e->object);
	return rc < 0 ? rc : buf_printf(b, ",\"httpStatusCode\":%d}}", e->status);
}

static int compose(struct buf *b, const struct audit_event *e) {
	char time[CLOCK_RFC3339_MAX], duration[24];
	(void)snprintf(duration, sizeof(duration), "%lld", (long long)(e->duration_ns / 1000000));
	const struct {
		const char *name, *value;
	} members[] = {
		{"operationName", e->operation}, {"operationVersion", e->version}, {"category", "AuditEvent"},
		{"resultType", e->status < 400 ? "Success" : "Failed"}, {"resultSignature", signature_of(e->status)},
		{"resultDescription", e->description}, {"durationMs", duration}, {"callerIpAddress", e->address},
		{"correlationId", e->correlation},
	};
	int rc = buf_str(b, "{");
	if (rc == 0)
		rc = put_member(b, "time", clock_rfc3339_ns(e->time_ns, time));
	if (rc == 0)
		rc = put_resource(b, e->resource_id);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(members); i++)
		rc = put_member(b, members[i].name, members[i].value);
	if (rc == 0)
		rc = put_identity(b, e);
	return rc < 0 ? rc : put_properties(b, e);
}

int audit_insert(struct store_tx *tx, const struct audit_event *e, struct err *err) {
	_cleanup_buf_ struct buf record = {0};
	if (compose(&record, e) < 0)
		return err_oom(err);
	// Ids that grow put new entries side by side in the index: a commit of many records writes few pages.
	char id[16 + 1 + ENC_UUID_SIZE];
	(void)snprintf(id, sizeof(id), "%016llx-%s", (unsigned long long)e->time_ns, e->id);
	int rc = store_exec(tx, err,
		// The log of a vault is numbered as it is committed: times may go back, and are taken before the turn to write.
		"INSERT INTO audit (id, time_ns, vault, operation, status, record, seq)"
		" VALUES ($1,$2,$3,$4,$5,$6,(SELECT COALESCE(MAX(seq), 0) + 1 FROM audit WHERE vault = $3))", "sissis", id,
		e->time_ns, e->vault, e->operation, (int64_t)e->status, buf_cstr(&record));
	return rc < 0 ? rc : 0;
}
