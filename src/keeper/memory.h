// SPDX-License-Identifier: Apache-2.0
// Locked memory for everything the keeper computes with: OpenSSL copies parts of a key (Montgomery
// forms of the primes, temporaries) to ordinary memory and to the stack, so all of its allocations and
// the stacks of the threads that use it are locked here.
#pragma once

#include <pthread.h>

#include "base/err.h"

// Locked memory in bytes: heap and stacks together stay below the 8 MiB that an unprivileged process
// of Debian 12 may lock.
#define MEMORY_HEAP (4u << 20)
#define MEMORY_KEYS (5u << 19)  // of the heap: what keys that are kept may fill it to; the rest is for requests
#define MEMORY_STACK (192u << 10)  // a request lies on it, and a blob while it is sealed

// Let OpenSSL allocate from the heap that secret_init makes, wiping what it frees. Call it before
// anything else that touches OpenSSL, secret_init included.
int memory_lock_openssl(struct err *err) _must_check_;

// Start a thread on a locked stack of MEMORY_STACK bytes with a guard page below; the stack stays for
// the life of the process.
int memory_start_thread(pthread_t *thread, void *(*run)(void *), void *arg, struct err *err) _must_check_;
