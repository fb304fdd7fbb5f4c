// SPDX-License-Identifier: Apache-2.0
#include "keeper/memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Before the locked heap is there, OpenSSL only allocates its own bookkeeping.
static void *allocate(size_t size, const char *file, int line) {
	if (size == 0)
		return NULL;
	return CRYPTO_secure_malloc_initialized() ? CRYPTO_secure_malloc(size, file, line) : malloc(size);
}

static void release(void *p, const char *file, int line) {
	if (CRYPTO_secure_allocated(p))
		CRYPTO_secure_free(p, file, line);
	else
		free(p);
}

static void *resize(void *p, size_t size, const char *file, int line) {
	if (!p)
		return allocate(size, file, line);
	if (size == 0) {
		release(p, file, line);
		return NULL;
	}
	if (!CRYPTO_secure_allocated(p))
		return realloc(p, size);
	size_t had = CRYPTO_secure_actual_size(p);
	if (size <= had)
		return p;
	void *grown = allocate(size, file, line);
	if (grown) {
		memcpy(grown, p, had);
		release(p, file, line);
	}
	return grown;
}

int memory_lock_openssl(struct err *err) {
	// No configuration file: it could bring other providers, and code with them.
	if (CRYPTO_set_mem_functions(allocate, resize, release) != 1 ||
		OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return err_set(err, -EIO, 500, "InternalServerError", "cannot set the memory of the cryptographic library up");
	return 0;
}

static int make_stack(void **stack, struct err *err) {
	void *p = mmap(NULL, MEMORY_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (p == MAP_FAILED)
		return err_errno(err, -errno, "cannot map a stack");
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);
	if (mprotect(p, guard, PROT_NONE) < 0 || mlock((char *)p + guard, MEMORY_STACK - guard) < 0) {
		int rc = -errno;
		(void)munmap(p, MEMORY_STACK);
		return err_errno(err, rc, "cannot lock a stack of %u bytes; raise the memory-lock limit (ulimit -l)", MEMORY_STACK);
	}
	*stack = p;
	return 0;
}

int memory_start_thread(pthread_t *thread, void *(*run)(void *), void *arg, struct err *err) {
	void *stack;
	int rc = make_stack(&stack, err);
	if (rc < 0)
		return rc;
	pthread_attr_t attr;
	rc = -pthread_attr_init(&attr);
	if (rc == 0) {
		rc = -pthread_attr_setstack(&attr, stack, MEMORY_STACK);
		if (rc == 0)
			rc = -pthread_create(thread, &attr, run, arg);
		(void)pthread_attr_destroy(&attr);
	}
	if (rc < 0) {
		(void)munmap(stack, MEMORY_STACK);
		return err_errno(err, rc, "cannot start a thread");
	}
	return 0;
}
