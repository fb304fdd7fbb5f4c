// SPDX-License-Identifier: Apache-2.0
// What went wrong, in the words that reach the client.
//
// A function that can fail returns 0 or a negative errno and fills a struct err. The struct carries
// what Azure's error bodies carry: HTTP status, `error.code`, `error.innererror.code`, message. Its
// text must never hold a key, a token or a plaintext. Outputs of a failed function are untouched.
#pragma once

#include "base/macros.h"

#define ERR_CODE_MAX 96
#define ERR_MESSAGE_MAX 1536

struct err {
	int status;                 // HTTP status, 0 when nothing has been set
	char code[ERR_CODE_MAX];    // Azure error code, e.g. "KeyNotFound"
	char inner[ERR_CODE_MAX];   // innererror.code, empty when there is none
	char message[ERR_MESSAGE_MAX];
};

// Fill err (may be NULL) and return rc, which must be negative.
int err_set(struct err *err, int rc, int status, const char *code, const char *fmt, ...) _printf_(5, 6);

// As err_set, with innererror.code.
int err_set_inner(struct err *err, int rc, int status, const char *code, const char *inner, const char *fmt, ...)
	_printf_(6, 7);

// 500 InternalServerError: "<what>: <strerror(-rc)>". Returns rc (negative errno).
int err_errno(struct err *err, int rc, const char *fmt, ...) _printf_(3, 4);

// 500 InternalServerError out of memory. Returns -ENOMEM.
int err_oom(struct err *err);
