// SPDX-License-Identifier: Apache-2.0
// What the files of the login face share.
#pragma once

#include "entra/internal.h"

struct login_call {
	struct entra *entra;
	const struct http_request *req;
	const char *tenant;  // the path's first segment as sent
	bool v2;             // which of the two generations of the endpoint
};

// The tenant that a path names. A refusal (aadsts.h) in err when there is none.
int login_tenant(struct store_tx *tx, const char *segment, struct entra_tenant *out, struct err *err) _must_check_;

// "common", "organizations" and "consumers" stand for any tenant.
bool login_tenant_is_shared(const char *segment);

// POST /{tenant}/oauth2[/v2.0]/token with grant_type=client_credentials. The answer's JSON is the caller's.
int login_token(const struct login_call *c, json_t **answer, struct err *err) _must_check_;
