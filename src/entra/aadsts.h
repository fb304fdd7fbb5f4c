// SPDX-License-Identifier: Apache-2.0
// Refusals in Entra's words: AADSTS codes inside OAuth 2.0 errors (RFC 6749 5.2; Entra's error code reference).
#pragma once

#include <jansson.h>

#include "base/enc.h"
#include "base/err.h"

// Fill err: status and OAuth error that belong to the AADSTS code, the code's digits in err->inner, the text without
// its "AADSTS…: ". Returns -EACCES.
int aadsts_set(struct err *err, unsigned code, const char *fmt, ...) _printf_(3, 4);

// What a client sent, fit to be quoted in a refusal: cut, and unprintable bytes replaced.
#define AADSTS_QUOTE_MAX 160
const char *aadsts_quote(const char *text, char out[static AADSTS_QUOTE_MAX]);

// Make an err of another origin (a keeper that does not answer, no memory) a transient error of the service.
void aadsts_transient(struct err *err);

// The error body; NULL when out of memory. `seconds` is the time to print.
json_t *aadsts_body(const struct err *err, const char *trace_id, const char *correlation_id, int64_t seconds);
