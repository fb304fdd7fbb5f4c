// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static const char *process_name = "custodisk";
static enum log_level least_level = LOG_LEVEL_INFO;

void log_init(const char *process, enum log_level least) {
	process_name = process;
	least_level = least;
}

void log_msg(enum log_level level, const char *fmt, ...) {
	static const char *const names[] = {"debug", "info", "warning", "error"};
	if (level < least_level)
		return;

	char when[CLOCK_RFC3339_MAX], text[2048], line[2200];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';

	int n = snprintf(line, sizeof(line), "%s %s[%d] %s: %s\n", clock_rfc3339(clock_real_now(), when), process_name,
		(int)getpid(), names[level], text);
	if (n > 0) {
		// One write a line keeps the lines of many processes apart. There is nowhere to report a failure to.
		ssize_t written = write(STDERR_FILENO, line, (size_t)n);
		(void)written;
	}
}
