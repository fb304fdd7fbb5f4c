// SPDX-License-Identifier: Apache-2.0
// One line a record to standard error: time, process, level, text. Programs log; library code
// returns errors instead. Never pass a key, a token, a PIN or a plaintext.
#pragma once

#include "base/macros.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

// The name that every line carries; a string that outlives the process. Lines below `least` are dropped.
void log_init(const char *process, enum log_level least);

// Control characters in the text are printed as '?', so that a client cannot forge a line.
void log_msg(enum log_level level, const char *fmt, ...) _printf_(2, 3);

#define log_debug(...) log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_msg(LOG_LEVEL_ERROR, __VA_ARGS__)
