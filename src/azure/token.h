// SPDX-License-Identifier: Apache-2.0
// Access tokens: from the login endpoint (client credentials) or from a managed identity endpoint, kept until
// shortly before they end. Inside of the azure room only.
#pragma once

#include "azure/azure.h"

enum token_for { TOKEN_FOR_VAULT, TOKEN_FOR_HSM, TOKEN_FOR_ARM, TOKEN_FOR_COUNT };

struct token_cache {
	struct cached_token {
		struct secret bearer;  // empty while there is none
		int64_t from, until;   // when it may be used, clock_now(): a clock that was moved, either way, ends it
	} tokens[TOKEN_FOR_COUNT];
};

// The token for a resource, asked for when none is kept that still lasts. *out is borrowed until the next call.
// Failures carry AZURE_INNER_TOKEN and have azure.h's return values.
int token_get(struct token_cache *cache, struct http_client *http, const struct azure_credential *credential,
	enum token_for resource, const struct secret **out, struct err *err) _must_check_;

// Forget a token that the service did not take.
void token_drop(struct token_cache *cache, enum token_for resource);

void token_cache_free(struct token_cache *cache);
