// SPDX-License-Identifier: Apache-2.0
// The local certificate authority: made together with the one server certificate it signs, after which its
// private key is forgotten, so that nobody can ever sign another certificate for Microsoft's names with it.
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

// PEM texts: the authority's certificate, the server's certificate, the server's private key (P-256).
// `names` is a NULL-terminated list of DNS names (wildcards allowed) and IP addresses; valid from `now`
// (less an hour) for `days`.
int cert_issue(const char *const *names, int64_t now, unsigned days, struct buf *ca_pem, struct buf *cert_pem,
	struct buf *key_pem, struct err *err) _must_check_;

// When the first certificate of a PEM text ends, in seconds since 1970.
int cert_not_after(const char *pem, size_t len, int64_t *out, struct err *err) _must_check_;
