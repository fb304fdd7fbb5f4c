// SPDX-License-Identifier: Apache-2.0
// Attributes and small macros that every room uses.
#pragma once

#include <stddef.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

// Hand a scope-bound pointer over to the caller: yields it and forgets it here.
#define TAKE_PTR(p)                      \
	({                               \
		typeof(p) _taken_ = (p); \
		(p) = NULL;              \
		_taken_;                 \
	})

// The same for a file descriptor.
#define TAKE_FD(fd)               \
	({                        \
		int _taken_ = (fd); \
		(fd) = -1;        \
		_taken_;          \
	})
