// SPDX-License-Identifier: Apache-2.0
#include "disk/create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"
#include "disk/lock.h"
#include "disk/rewrap.h"
#include "disk/source.h"
#include "disk/xts.h"

enum {
	BLOCK = 1 << 20,  // bytes that are encrypted and written at a time
	SAMPLES = 64,     // sectors that are read back
};

struct making {
	const struct disk_config *config;
	struct azure_client *azure;
	char *path;           // of the temporary file
	int fd;               // of the temporary file, locked
	int source;           // -1 for an empty disk
	uint64_t source_size; // bytes
	uint8_t *block;       // BLOCK bytes
	struct xts *xts;
	struct opened disk;
	char uuid[SEALED_UUID_SIZE];
	uint64_t bytes_written;
};

static void making_end(struct making *m) {
	opened_free(&m->disk);
	xts_free(m->xts);
	if (m->block)
		explicit_bzero(m->block, BLOCK);
	free(m->block);
	io_closep(&m->source);
	io_closep(&m->fd);
	free(m->path);
}

static int write_error(const struct making *m, int rc, struct err *err) {
	if (rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG)
		return err_set(err, rc, 500, "InternalDiskManagementError", "There is not enough space for disk file %s: %s.",
			m->config->file, strerror(-rc));
	return err_errno(err, rc, "cannot write disk file %s", m->config->file);
}

// The file under its temporary name, ours alone and empty. One that a crash left behind is used again.
static int begin(struct making *m, struct err *err) {
	m->path = strv_printf("%s.new", m->config->file);
	if (!m->path)
		return err_oom(err);
	_cleanup_fd_ int fd = open(m->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return write_error(m, -errno, err);
	int rc = disk_lock(fd, DISK_HEADER, m->path, err);
	if (rc == 0)
		rc = disk_lock(fd, DISK_DATA, m->path, err);
	if (rc < 0)
		return rc;
	// Another maker may have renamed or removed the file between open and lock: then it is not ours to empty.
	struct stat ours, named;
	if (fstat(fd, &ours) < 0 || lstat(m->path, &named) < 0 || ours.st_ino != named.st_ino || ours.st_dev != named.st_dev)
		return err_set(err, -EBUSY, 409, "Conflict", "Disk file %s is in use by another process.", m->config->file);
	m->fd = TAKE_FD(fd);
	return 0;
}

static int lay_out(struct making *m, struct err *err) {
	if (fchmod(m->fd, 0600) < 0 || ftruncate(m->fd, 0) < 0 ||
		ftruncate(m->fd, (off_t)(SEALED_DATA_OFFSET + m->config->size)) < 0)
		return write_error(m, -errno, err);
	int rc = xts_make_key(&m->disk.volume_key, err);
	if (rc < 0)
		return rc;
	if (secret_random(&m->disk.passphrase, SEALED_PASSPHRASE_SIZE) < 0)
		return err_oom(err);
	// First the vault: without its consent nothing needs to be written.
	rc = rewrap_make_token(m->azure, m->config->key_url, m->config->disk_encryption_set, &m->disk.passphrase, 1,
		&m->disk.token, err);
	if (rc == 0)
		rc = sealed_format(m->path, &m->disk.volume_key, &m->disk.passphrase, err);
	if (rc == 0)
		rc = xts_new(&m->disk.volume_key, &m->xts, err);
	if (rc < 0)
		return rc;
	_cleanup_(sealed_freep) struct sealed *s = NULL;
	rc = sealed_load(m->path, &s, err);
	return rc < 0 ? rc : sealed_token_add(s, &m->disk.token, err);
}

// len bytes of the source at an offset, followed by zeros up to a whole sector; their number in *padded.
static int read_source(const struct making *m, uint64_t offset, size_t len, size_t *padded, struct err *err) {
	size_t done = 0;
	while (done < len) {
		ssize_t n = pread(m->source, m->block + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, -errno, "cannot read the source");
		if (n == 0)
			return err_set(err, -EINVAL, 400, "InvalidParameter", "The source became shorter while it was read.");
		done += (size_t)n;
	}
	*padded = (len + XTS_SECTOR_SIZE - 1) / XTS_SECTOR_SIZE * XTS_SECTOR_SIZE;
	memset(m->block + len, 0, *padded - len);
	return 0;
}

static int write_data(struct making *m, struct err *err) {
	for (uint64_t at = 0; at < m->source_size; at += BLOCK) {
		size_t padded = 0, len = m->source_size - at < BLOCK ? (size_t)(m->source_size - at) : BLOCK;
		int rc = read_source(m, at, len, &padded, err);
		if (rc < 0)
			return rc;
		rc = xts_encrypt(m->xts, at, m->block, m->block, padded);
		if (rc < 0)
			return err_errno(err, rc, "cannot encrypt");
		rc = io_pwrite_full(m->fd, m->block, padded, (off_t)(SEALED_DATA_OFFSET + at));
		if (rc < 0)
			return write_error(m, rc, err);
		m->bytes_written += padded;
	}
	return fsync(m->fd) < 0 ? write_error(m, -errno, err) : 0;
}

static int check_sector(struct making *m, uint64_t offset, struct err *err) {
	size_t padded = 0, len = m->source_size - offset < XTS_SECTOR_SIZE ? (size_t)(m->source_size - offset) : XTS_SECTOR_SIZE;
	uint8_t *stored = m->block + XTS_SECTOR_SIZE;
	int rc = read_source(m, offset, len, &padded, err);
	if (rc < 0)
		return rc;
	ssize_t n = pread(m->fd, stored, XTS_SECTOR_SIZE, (off_t)(SEALED_DATA_OFFSET + offset));
	if (n != XTS_SECTOR_SIZE || xts_decrypt(m->xts, offset, stored, stored, XTS_SECTOR_SIZE) < 0 ||
		memcmp(stored, m->block, XTS_SECTOR_SIZE) != 0)
		return err_set(err, -EIO, 500, "InternalDiskManagementError", "The disk file does not read back as it was written.");
	return 0;
}

// Read it as somebody who opens it does: the header from the medium, the key from the header, sectors with that key.
static int verify(struct making *m, struct err *err) {
	(void)posix_fadvise(m->fd, 0, 0, POSIX_FADV_DONTNEED);  // only advice: the medium rather than the page cache
	_cleanup_(sealed_freep) struct sealed *s = NULL;
	_cleanup_opened_ struct opened read_back = {0};
	int rc = sealed_load(m->path, &s, err);
	if (rc == 0)
		rc = access_open(s, m->azure, NULL, m->config->disk_encryption_set, &read_back, err);
	if (rc < 0)
		return rc;
	if (!secret_equal(read_back.volume_key.data, read_back.volume_key.len, m->disk.volume_key.data, m->disk.volume_key.len))
		return err_set(err, -EIO, 500, "InternalDiskManagementError", "The disk file does not open with its own key.");
	memcpy(m->disk.mac, read_back.mac, sizeof(m->disk.mac));
	memcpy(m->uuid, sealed_uuid(s), sizeof(m->uuid));
	uint64_t sectors = (m->source_size + XTS_SECTOR_SIZE - 1) / XTS_SECTOR_SIZE;
	uint64_t samples = sectors < SAMPLES ? sectors : SAMPLES;
	for (uint64_t i = 0; i < samples && rc == 0; i++) {
		// From the first to the last one.
		uint64_t sector = samples == 1 ? 0 : (sectors - 1) / (samples - 1) * i;
		rc = check_sector(m, (i == samples - 1 ? sectors - 1 : sector) * XTS_SECTOR_SIZE, err);
	}
	return rc;
}

static int publish(struct making *m, struct err *err) {
	if (renameat2(AT_FDCWD, m->path, AT_FDCWD, m->config->file, RENAME_NOREPLACE) < 0)
		return write_error(m, -errno, err);
	int rc = io_sync_parent(m->config->file);
	return rc < 0 ? write_error(m, rc, err) : 0;
}

static int make(struct making *m, struct err *err) {
	int rc = begin(m, err);
	if (rc < 0)
		return rc;
	rc = lay_out(m, err);
	if (rc == 0)
		rc = write_data(m, err);
	if (rc == 0)
		rc = verify(m, err);
	if (rc == 0)
		rc = publish(m, err);
	if (rc < 0)
		(void)unlink(m->path);
	return rc;
}

static int adopt(const struct disk_config *config, struct azure_client *azure, struct opened *out,
	char uuid[static SEALED_UUID_SIZE], struct err *err) {
	const struct rewrap rewrap = {.azure = azure, .file = config->file, .key_url = config->key_url,
		.disk_encryption_set = config->disk_encryption_set, .header_mac = config->header_mac};
	struct stat st;
	if (stat(config->file, &st) < 0)
		return err_errno(err, -errno, "cannot examine disk file %s", config->file);
	if ((uint64_t)st.st_size != SEALED_DATA_OFFSET + config->size)
		return err_set(err, -EEXIST, 409, "Conflict", "Disk file %s is there already and has another size.", config->file);
	return rewrap_disk(&rewrap, out, uuid, err);
}

static int prepare(struct making *m, struct err *err) {
	m->block = malloc(BLOCK);
	if (!m->block)
		return err_oom(err);
	if (!m->config->source)
		return 0;
	m->source = source_open(m->config->source, m->config->import_dir, &m->source_size, err);
	if (m->source < 0)
		return m->source;
	if (m->source_size > m->config->size)
		return err_set(err, -EINVAL, 400, "InvalidParameter", "The source has %llu bytes, the disk only %llu.",
			(unsigned long long)m->source_size, (unsigned long long)m->config->size);
	return 0;
}

int create_disk(const struct disk_config *config, struct azure_client *azure, struct opened *out,
	char uuid[static SEALED_UUID_SIZE], uint64_t *bytes_written, struct err *err) {
	if (access(config->file, F_OK) == 0) {
		int rc = adopt(config, azure, out, uuid, err);
		if (rc == 0)
			*bytes_written = 0;
		return rc;
	}
	struct making m = {.config = config, .azure = azure, .fd = -1, .source = -1};
	int rc = prepare(&m, err);
	if (rc == 0)
		rc = make(&m, err);
	if (rc == 0) {
		opened_move(&m.disk, out);
		memcpy(uuid, m.uuid, sizeof(m.uuid));
		*bytes_written = m.bytes_written;
	}
	making_end(&m);
	return rc;
}
