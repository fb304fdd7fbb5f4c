// SPDX-License-Identifier: Apache-2.0
#include "host/argv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void argv_add(struct argv *a, const char *fmt, ...) {
	if (a->rc < 0)
		return;
	if (a->count == ARGV_MAX) {
		a->rc = -E2BIG;
		return;
	}
	va_list ap;
	va_start(ap, fmt);
	if (vasprintf(&a->items[a->count], fmt, ap) < 0) {
		a->items[a->count] = NULL;
		a->rc = -ENOMEM;
	} else {
		a->count++;
	}
	va_end(ap);
}

int argv_check(const struct argv *a, struct err *err) {
	return a->rc < 0 ? err_errno(err, a->rc, "cannot build a command line") : 0;
}

void argv_free(struct argv *a) {
	for (size_t i = 0; i < a->count; i++)
		free(a->items[i]);
	*a = (struct argv){0};
}
