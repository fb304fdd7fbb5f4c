// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "disk/blocks.h"
#include "disk/sealed.h"

enum { SIZE = 1 << 20 };

struct fixture {
	int fd;
	struct secret key;
	struct door *door;
	struct blocks *blocks;
	uint8_t *model;  // what the disk must hold
};

static int set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	f->model = calloc(1, SIZE);
	f->fd = memfd_create("disk", MFD_CLOEXEC);
	if (ftruncate(f->fd, SEALED_DATA_OFFSET + SIZE) < 0 || xts_make_key(&f->key, NULL) < 0 ||
		door_new(&f->door, NULL) < 0 || blocks_new(f->fd, SIZE, f->door, &f->blocks, NULL) < 0 ||
		door_open(f->door, &f->key, clock_monotonic_ns() + 1000 * CLOCK_NSEC_PER_SEC, NULL) < 0 ||
		blocks_write(f->blocks, f->model, SIZE, 0) < 0)
		return -1;
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	blocks_free(f->blocks);
	door_free(f->door);
	secret_free(&f->key);
	(void)close(f->fd);
	free(f->model);
	free(f);
	return 0;
}

static void check_all(struct fixture *f) {
	uint8_t *all = malloc(SIZE);
	assert_int_equal(blocks_read(f->blocks, all, SIZE, 0), 0);
	assert_memory_equal(all, f->model, SIZE);
	free(all);
}

static void test_any_offset_and_length(void **state) {
	struct fixture *f = *state;
	static const struct {
		uint32_t offset, len;
	} cases[] = {{0, 1}, {4095, 2}, {1, 4094}, {100, 4096}, {4096, 4096}, {8192, 300000}, {12345, 200001}, {SIZE - 1, 1},
		{SIZE - 5000, 5000}, {512, 512}, {7, 0}};
	uint8_t *back = malloc(SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(f->model + cases[i].offset, (int)i + 1, cases[i].len);
		assert_int_equal(blocks_write(f->blocks, f->model + cases[i].offset, cases[i].len, cases[i].offset), 0);
		assert_int_equal(blocks_read(f->blocks, back, cases[i].len, cases[i].offset), 0);
		assert_memory_equal(back, f->model + cases[i].offset, cases[i].len);
		check_all(f);
	}
	free(back);
}

static void test_random_requests_against_a_model(void **state) {
	struct fixture *f = *state;
	uint8_t *back = malloc(SIZE);
	unsigned seed = 1;
	for (int i = 0; i < 500; i++) {
		uint32_t offset = (uint32_t)rand_r(&seed) % SIZE, len = (uint32_t)rand_r(&seed) % 20000;
		len = len > SIZE - offset ? SIZE - offset : len;
		if (i % 2) {
			memset(f->model + offset, i, len);
			assert_int_equal(blocks_write(f->blocks, f->model + offset, len, offset), 0);
		} else {
			assert_int_equal(blocks_read(f->blocks, back, len, offset), 0);
			assert_memory_equal(back, f->model + offset, len);
		}
	}
	check_all(f);
	free(back);
}

// What dm-crypt finds: sector n of the data under IV 8n, from 1 MiB on; and nothing of the plaintext.
static void test_file_holds_the_ciphertext(void **state) {
	struct fixture *f = *state;
	struct xts *x = NULL;
	uint8_t sector[XTS_SECTOR_SIZE];
	memset(f->model + 3 * 4096, 0x5a, 4096);
	assert_int_equal(blocks_write(f->blocks, f->model + 3 * 4096, 4096, 3 * 4096), 0);
	assert_int_equal(pread(f->fd, sector, sizeof(sector), SEALED_DATA_OFFSET + 3 * 4096), sizeof(sector));
	assert_memory_not_equal(sector, f->model + 3 * 4096, 16);
	assert_int_equal(xts_new(&f->key, &x, NULL), 0);
	assert_int_equal(xts_decrypt(x, 3 * 4096, sector, sector, sizeof(sector)), 0);
	assert_memory_equal(sector, f->model + 3 * 4096, sizeof(sector));
	xts_free(x);
}

static void test_refused_past_the_end(void **state) {
	struct fixture *f = *state;
	uint8_t two[2] = {0};
	assert_int_equal(blocks_read(f->blocks, two, 2, SIZE - 1), -EINVAL);
	assert_int_equal(blocks_write(f->blocks, two, 2, SIZE - 1), -EINVAL);
	assert_int_equal(blocks_read(f->blocks, two, 1, UINT64_MAX), -EINVAL);
	check_all(f);
}

static void test_shut_door_changes_nothing(void **state) {
	struct fixture *f = *state;
	uint8_t data[8192];
	memset(data, 7, sizeof(data));
	door_shut(f->door);
	assert_int_equal(blocks_write(f->blocks, data, sizeof(data), 0), -EACCES);
	assert_int_equal(blocks_write(f->blocks, data, 100, 50), -EACCES);
	assert_int_equal(blocks_read(f->blocks, data, sizeof(data), 0), -EACCES);
	assert_int_equal(blocks_read(f->blocks, data, 100, 50), -EACCES);
	assert_int_equal(blocks_flush(f->blocks), 0);
	assert_int_equal(door_open(f->door, &f->key, clock_monotonic_ns() + 1000 * CLOCK_NSEC_PER_SEC, NULL), 0);
	check_all(f);
}

static void test_truncated_file_is_an_io_error(void **state) {
	struct fixture *f = *state;
	uint8_t data[4096];
	assert_int_equal(ftruncate(f->fd, SEALED_DATA_OFFSET + SIZE / 2), 0);
	assert_int_equal(blocks_read(f->blocks, data, sizeof(data), SIZE / 2), -EIO);
	assert_int_equal(blocks_read(f->blocks, data, 10, SIZE / 2 + 5), -EIO);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_any_offset_and_length, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_random_requests_against_a_model, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_holds_the_ciphertext, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused_past_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shut_door_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_truncated_file_is_an_io_error, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
