// SPDX-License-Identifier: Apache-2.0
#include "disk/blocks.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"
#include "disk/sealed.h"

// Small enough that what was just read is decrypted, and what was just encrypted is written, out of the CPU's cache.
enum { CHUNK = 128 << 10 };

struct blocks {
	int fd;
	uint64_t size;
	struct door *door;
	pthread_rwlock_t sectors;  // shared: whole sectors are written or parts are read; exclusive: parts are written
};

int blocks_new(int fd, uint64_t data_size, struct door *door, struct blocks **out, struct err *err) {
	struct blocks *b = calloc(1, sizeof(*b));
	if (!b)
		return err_oom(err);
	*b = (struct blocks){.fd = fd, .size = data_size, .door = door};
	int rc = -pthread_rwlock_init(&b->sectors, NULL);
	if (rc < 0) {
		free(b);
		return err_errno(err, rc, "cannot make a lock");
	}
	*out = b;
	return 0;
}

void blocks_free(struct blocks *b) {
	if (!b)
		return;
	(void)pthread_rwlock_destroy(&b->sectors);
	free(b);
}

static int read_file(const struct blocks *b, uint8_t *data, size_t len, uint64_t offset) {
	while (len > 0) {
		ssize_t n = pread(b->fd, data, len, (off_t)(SEALED_DATA_OFFSET + offset));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;  // the file became shorter
		data += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static int read_sectors(struct blocks *b, uint8_t *data, size_t len, uint64_t offset) {
	for (size_t at = 0; at < len; at += CHUNK) {
		size_t n = len - at < CHUNK ? len - at : CHUNK;
		int rc = read_file(b, data + at, n, offset + at);
		if (rc == 0)
			rc = door_decrypt(b->door, offset + at, data + at, data + at, n);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// Through a buffer of our own: the caller's plaintext is not ours to change, and another process may be changing it.
static int write_sectors(struct blocks *b, const uint8_t *data, size_t len, uint64_t offset) {
	size_t size = len < CHUNK ? len : CHUNK;
	_cleanup_free_ uint8_t *bounce = malloc(size);
	if (!bounce)
		return -ENOMEM;
	for (size_t at = 0; at < len; at += CHUNK) {
		size_t n = len - at < CHUNK ? len - at : CHUNK;
		int rc = door_encrypt(b->door, offset + at, data + at, bounce, n);
		if (rc == 0)
			rc = io_pwrite_full(b->fd, bounce, n, (off_t)(SEALED_DATA_OFFSET + offset + at));
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_part(struct blocks *b, uint8_t *data, size_t len, uint64_t offset) {
	uint8_t sector[XTS_SECTOR_SIZE];
	size_t inside = (size_t)(offset % XTS_SECTOR_SIZE);
	(void)pthread_rwlock_rdlock(&b->sectors);
	int rc = read_sectors(b, sector, sizeof(sector), offset - inside);
	(void)pthread_rwlock_unlock(&b->sectors);
	if (rc == 0)
		memcpy(data, sector + inside, len);
	explicit_bzero(sector, sizeof(sector));
	return rc;
}

static int write_part(struct blocks *b, const uint8_t *data, size_t len, uint64_t offset) {
	uint8_t sector[XTS_SECTOR_SIZE];
	size_t inside = (size_t)(offset % XTS_SECTOR_SIZE);
	(void)pthread_rwlock_wrlock(&b->sectors);
	int rc = read_sectors(b, sector, sizeof(sector), offset - inside);
	if (rc == 0) {
		memcpy(sector + inside, data, len);
		rc = write_sectors(b, sector, sizeof(sector), offset - inside);
	}
	(void)pthread_rwlock_unlock(&b->sectors);
	explicit_bzero(sector, sizeof(sector));
	return rc;
}

// How much of the request comes next, and whether it is whole sectors: a part up to the next boundary, then whole
// sectors, then a part.
static size_t next_piece(size_t len, uint64_t offset, bool *whole) {
	size_t inside = (size_t)(offset % XTS_SECTOR_SIZE);
	*whole = inside == 0 && len >= XTS_SECTOR_SIZE;
	if (*whole)
		return len - len % XTS_SECTOR_SIZE;
	return len < XTS_SECTOR_SIZE - inside ? len : XTS_SECTOR_SIZE - inside;
}

static bool past_end(const struct blocks *b, size_t len, uint64_t offset) {
	return offset > b->size || len > b->size - offset;
}

int blocks_read(struct blocks *b, void *data, size_t len, uint64_t offset) {
	if (past_end(b, len, offset))
		return -EINVAL;
	for (uint8_t *p = data; len > 0;) {
		bool whole;
		size_t n = next_piece(len, offset, &whole);
		int rc = whole ? read_sectors(b, p, n, offset) : read_part(b, p, n, offset);
		if (rc < 0)
			return rc;
		p += n;
		offset += n;
		len -= n;
	}
	return 0;
}

int blocks_write(struct blocks *b, const void *data, size_t len, uint64_t offset) {
	if (past_end(b, len, offset))
		return -EINVAL;
	for (const uint8_t *p = data; len > 0;) {
		bool whole;
		size_t n = next_piece(len, offset, &whole);
		int rc;
		if (whole) {
			(void)pthread_rwlock_rdlock(&b->sectors);
			rc = write_sectors(b, p, n, offset);
			(void)pthread_rwlock_unlock(&b->sectors);
		} else {
			rc = write_part(b, p, n, offset);
		}
		if (rc < 0)
			return rc;
		p += n;
		offset += n;
		len -= n;
	}
	return 0;
}

int blocks_flush(struct blocks *b) {
	return fdatasync(b->fd) < 0 ? -errno : 0;
}
