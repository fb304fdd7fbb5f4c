// SPDX-License-Identifier: Apache-2.0
// One authenticated call with a JSON body, shared by the typed calls. Inside of the azure room only.
#pragma once

#include "azure/token.h"

struct azure_client {
	struct http_client *http;
	struct azure_credential credential;
	struct token_cache cache;
};

// Sends with a bearer token; on 401 once more with a new token. 0 when a 2xx came back; otherwise err and the return
// value are those of azure.h. body may be NULL.
int call_send(struct azure_client *c, enum token_for resource, const char *method, const char *url, const json_t *body,
	struct http_reply *out, struct err *err) _must_check_;
