// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/io.h"
#include "base/strv.h"


static const char magic[] = "cdclock1";

struct clock_file {
	char magic[sizeof(magic) - 1];
	_Atomic int64_t offset;
};
_Static_assert(sizeof(struct clock_file) == 16, "the form of the file");
// Another process loads what one stores, from memory that it cannot write: no lock can stand beside it.
_Static_assert(ATOMIC_LONG_LOCK_FREE == 2 && sizeof(long) == sizeof(int64_t), "lock-free offset");

static _Atomic int64_t own_offset;
static _Atomic int64_t *_Atomic followed = &own_offset;

static int64_t read_ns(clockid_t id) {
	struct timespec ts;
	// Cannot fail for the two clocks used here.
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * CLOCK_NSEC_PER_SEC + ts.tv_nsec;
}

int64_t clock_offset(void) {
	return atomic_load(atomic_load(&followed));
}

int64_t clock_now_ns(void) {
	return read_ns(CLOCK_REALTIME) + clock_offset() * CLOCK_NSEC_PER_SEC;
}

int64_t clock_now(void) {
	return clock_real_now() + clock_offset();
}

int64_t clock_real_now(void) {
	return read_ns(CLOCK_REALTIME) / CLOCK_NSEC_PER_SEC;
}

int64_t clock_monotonic_ns(void) {
	return read_ns(CLOCK_MONOTONIC);
}

void clock_set_offset(int64_t seconds) {
	atomic_store(&own_offset, seconds);
	atomic_store(&followed, &own_offset);
}

static int not_a_clock(const char *path, struct err *err) {
	return err_set(err, -EINVAL, 500, "InternalServerError",
		"%s is not the clock of an instance; without it, a new one that shows the real time is made at the next start", path);
}

static int check_file(int fd, const char *path, struct err *err) {
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(err, -errno, "cannot read %s", path);
	if (S_ISREG(st.st_mode) && (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0))
		return err_set(err, -EPERM, 500, "InternalServerError",
			"%s belongs to another user or can be written by others; who can write it decides which keys have expired", path);
	return S_ISREG(st.st_mode) && st.st_size == sizeof(struct clock_file) ? 0 : not_a_clock(path, err);
}

static int map_file(const char *path, bool writable, struct clock_file **out, struct err *err) {
	// Not blocking: a FIFO in its place is opened, and refused.
	_cleanup_fd_ int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, -errno, "cannot open %s", path);
	int rc = check_file(fd, path, err);
	if (rc < 0)
		return rc;
	struct clock_file *file =
		mmap(NULL, sizeof(*file), writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
		return err_errno(err, -errno, "cannot map %s", path);
	int64_t offset = atomic_load(&file->offset);
	if (memcmp(file->magic, magic, sizeof(file->magic)) != 0 || offset < -CLOCK_LATEST || offset > CLOCK_LATEST) {
		(void)munmap(file, sizeof(*file));
		return not_a_clock(path, err);
	}
	*out = file;
	return 0;
}

int clock_follow(const char *path, struct err *err) {
	struct clock_file *file;
	int rc = map_file(path, false, &file, err);
	if (rc < 0)
		return rc;
	atomic_store(&followed, &file->offset);
	return 0;
}

int clock_make(const char *path, struct err *err) {
	struct stat st;
	if (lstat(path, &st) == 0)
		return 0;
	struct clock_file file = {0};
	memcpy(file.magic, magic, sizeof(file.magic));
	int rc = io_create_file(path, &file, sizeof(file), 0600, err);
	return rc == -EEXIST ? 0 : rc;
}

int clock_move(const char *path, int64_t from, int64_t to, struct err *err) {
	int64_t target;
	if (__builtin_add_overflow(clock_real_now(), to, &target) || target < CLOCK_EARLIEST || target > CLOCK_LATEST) {
		char earliest[CLOCK_RFC3339_MAX], latest[CLOCK_RFC3339_MAX];
		return err_set(err, -ERANGE, 400, "BadParameter", "the clock can show times from %s to %s",
			clock_rfc3339(CLOCK_EARLIEST, earliest), clock_rfc3339(CLOCK_LATEST, latest));
	}
	struct clock_file *file;
	int rc = map_file(path, true, &file, err);
	if (rc < 0)
		return rc;
	if (!atomic_compare_exchange_strong(&file->offset, &from, to))
		rc = err_set(err, -EAGAIN, 409, "Conflict", "somebody else has moved the clock meanwhile");
	else if (msync(file, sizeof(*file), MS_SYNC) < 0)
		rc = err_errno(err, -errno, "cannot write %s", path);
	(void)munmap(file, sizeof(*file));
	return rc;
}

// Not strftime: it may read the system's time zone file on every call, which a sandboxed process cannot.
// A second that no calendar has is printed as the first one there is.
static const char *format(int64_t seconds, const char *fraction, char *out) {
	time_t t = (time_t)seconds;
	struct tm tm;
	if (!gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900)
		tm = (struct tm){.tm_year = 70, .tm_mday = 1};
	(void)snprintf(out, CLOCK_RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%s", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
	return out;
}

const char *clock_rfc3339(int64_t seconds, char out[static CLOCK_RFC3339_MAX]) {
	return format(seconds, "Z", out);
}

const char *clock_rfc3339_ns(int64_t ns, char out[static CLOCK_RFC3339_MAX]) {
	char fraction[16];
	unsigned ticks = (unsigned)(ns % CLOCK_NSEC_PER_SEC / 100) % 10000000u;
	(void)snprintf(fraction, sizeof(fraction), ".%07u+00:00", ticks);
	return format(ns / CLOCK_NSEC_PER_SEC, fraction, out);
}

// So many digits; the cursor fails when there are others.
static int take_number(struct cursor *c, size_t width) {
	char text[8];
	int64_t value = 0;
	const uint8_t *p = cursor_bytes(c, width);
	if (!p || width >= sizeof(text))
		return 0;
	memcpy(text, p, width);
	text[width] = 0;
	if (strv_int(text, 0, 9999, &value) < 0)
		c->failed = true;
	return (int)value;
}

static void skip(struct cursor *c, char expected) {
	if (cursor_u8(c) != (uint8_t)expected)
		c->failed = true;
}

static void skip_fraction(struct cursor *c) {
	if (c->left == 0 || *c->next != '.')
		return;
	skip(c, '.');
	(void)take_number(c, 1);
	while (c->left > 0 && *c->next >= '0' && *c->next <= '9')
		(void)cursor_u8(c);
}

// Seconds that the local time is ahead of UTC.
static int take_zone(struct cursor *c) {
	uint8_t sign = cursor_u8(c);
	if (sign == 'Z')
		return 0;
	int hours = take_number(c, 2);
	skip(c, ':');
	int minutes = take_number(c, 2);
	if ((sign != '+' && sign != '-') || hours > 23 || minutes > 59)
		c->failed = true;
	return (sign == '-' ? -60 : 60) * (hours * 60 + minutes);
}

int clock_parse(const char *text, int64_t *out) {
	struct cursor c = cursor_of(text, strlen(text));
	struct tm tm = {0};
	tm.tm_year = take_number(&c, 4) - 1900;
	skip(&c, '-');
	tm.tm_mon = take_number(&c, 2) - 1;
	skip(&c, '-');
	tm.tm_mday = take_number(&c, 2);
	skip(&c, 'T');
	tm.tm_hour = take_number(&c, 2);
	skip(&c, ':');
	tm.tm_min = take_number(&c, 2);
	skip(&c, ':');
	tm.tm_sec = take_number(&c, 2);
	skip_fraction(&c);
	int ahead = take_zone(&c);
	if (!cursor_done(&c))
		return -EINVAL;
	// A field that is out of its range is carried into the next one, which shows.
	struct tm carried = tm;
	int64_t seconds = timegm(&carried);
	if (carried.tm_mon != tm.tm_mon || carried.tm_mday != tm.tm_mday || carried.tm_hour != tm.tm_hour ||
		carried.tm_min != tm.tm_min || carried.tm_sec != tm.tm_sec ||
		seconds < ahead || seconds - ahead > CLOCK_MAX)
		return -EINVAL;
	*out = seconds - ahead;
	return 0;
}
