// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_printf_(6, 0)
static int fill(struct err *err, int rc, int status, const char *code, const char *inner, const char *fmt, va_list ap) {
	if (!err)
		return rc;
	err->status = status;
	(void)snprintf(err->code, sizeof(err->code), "%s", code);
	(void)snprintf(err->inner, sizeof(err->inner), "%s", inner);
	(void)vsnprintf(err->message, sizeof(err->message), fmt, ap);
	return rc;
}

int err_set(struct err *err, int rc, int status, const char *code, const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	rc = fill(err, rc, status, code, "", fmt, ap);
	va_end(ap);
	return rc;
}

int err_set_inner(struct err *err, int rc, int status, const char *code, const char *inner, const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	rc = fill(err, rc, status, code, inner, fmt, ap);
	va_end(ap);
	return rc;
}

int err_errno(struct err *err, int rc, const char *fmt, ...) {
	char what[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(err, rc, 500, "InternalServerError", "%s: %s", what, strerror(-rc));
}

int err_oom(struct err *err) {
	return err_set(err, -ENOMEM, 500, "InternalServerError", "out of memory");
}
