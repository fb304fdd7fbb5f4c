// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test-util.h"

enum { HEAP = 1 << 16 };

static void test_process_is_closed(void **state _unused_) {
	struct rlimit core;
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_int_equal(core.rlim_cur, 0);
	assert_int_equal(core.rlim_max, 0);
}

static void test_heap(void **state _unused_) {
	struct secret s = {0};
	size_t before = CRYPTO_secure_used();
	assert_int_equal(secret_alloc(&s, 100), 0);
	assert_int_equal(s.len, 100);
	assert_true(CRYPTO_secure_allocated(s.data));
	static const uint8_t zeros[100];
	assert_memory_equal(s.data, zeros, sizeof(zeros));
	secret_free(&s);
	assert_null(s.data);
	assert_int_equal(s.len, 0);
	assert_int_equal(CRYPTO_secure_used(), before);
	secret_free(&s);
}

static void test_zero_length(void **state _unused_) {
	_cleanup_secret_ struct secret a = {0}, b = {0}, c = {0};
	assert_int_equal(secret_alloc(&a, 0), 0);
	assert_int_equal(secret_copy(&b, NULL, 0), 0);
	assert_int_equal(secret_random(&c, 0), 0);
	assert_true(a.data && b.data && c.data);
	assert_int_equal(a.len + b.len + c.len, 0);
}

static void test_copy(void **state _unused_) {
	_cleanup_secret_ struct secret s = {0};
	assert_int_equal(secret_copy(&s, "key", 3), 0);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.data, "key", 3);
}

static void test_random(void **state _unused_) {
	_cleanup_secret_ struct secret a = {0}, b = {0};
	assert_int_equal(secret_random(&a, 32), 0);
	assert_int_equal(secret_random(&b, 32), 0);
	assert_int_equal(a.len, 32);
	assert_false(secret_equal(a.data, a.len, b.data, b.len));
}

static void test_exhaustion(void **state _unused_) {
	struct secret s = {0};
	assert_int_equal(secret_alloc(&s, 2 * HEAP), -ENOMEM);
	assert_null(s.data);
	assert_int_equal(secret_copy(&s, "", 0), 0);
	secret_free(&s);
	assert_int_equal(secret_random(&s, 2 * HEAP), -ENOMEM);
	assert_null(s.data);

	// Many small ones, then room again.
	struct secret many[HEAP / 1024 + 1] = {0};
	int rc = 0;
	size_t count = 0;
	while (count < ARRAY_SIZE(many) && (rc = secret_alloc(&many[count], 1024)) == 0)
		count++;
	assert_int_equal(rc, -ENOMEM);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++)
		secret_free(&many[i]);
	assert_int_equal(secret_alloc(&s, 1024), 0);
	secret_free(&s);
}

static void test_equal(void **state _unused_) {
	assert_true(secret_equal("abc", 3, "abc", 3));
	assert_false(secret_equal("abc", 3, "abd", 3));
	assert_false(secret_equal("abc", 3, "abc", 2));
	assert_true(secret_equal("", 0, "", 0));
}

// Without the right to lock memory the heap is refused, not made in ordinary memory.
static void test_lock_limit(void **state _unused_) {
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = {0, 0};
		struct err err = {0};
		CRYPTO_secure_malloc_done();
		if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || (geteuid() == 0 && setuid(65534) < 0))
			_exit(2);
		int rc = secret_init(HEAP, &err);
		_exit(rc == -ENOMEM && err.status == 500 && strstr(err.message, "ulimit -l") ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
	if (secret_init(HEAP, NULL) < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_is_closed),
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_zero_length),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_lock_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
