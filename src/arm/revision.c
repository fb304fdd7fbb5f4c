// SPDX-License-Identifier: Apache-2.0
// The revision of what hypervisors shall do: a counter in the store, and a condition to wait on.
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "arm/internal.h"
#include "base/clock.h"
#include "base/strv.h"

int arm_revision_bump(struct arm *arm, struct store_tx *tx, struct err *err) {
	(void)arm;
	int rc = store_exec(tx, err,
		"INSERT INTO settings (name, value) VALUES ('host_revision', '1')"
		" ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(settings.value AS BIGINT) + 1 AS TEXT)",
		"");
	return rc < 0 ? rc : 0;
}

int arm_revision_read(struct store_tx *tx, int64_t *out, struct err *err) {
	int64_t revision = 0;
	int rc = store_query_int(tx, &revision, err, "SELECT CAST(value AS BIGINT) FROM settings WHERE name = 'host_revision'", "");
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*out = revision;
	return 0;
}

void arm_revision_publish(struct arm *arm) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int64_t revision = 0;
	int rc = store_begin(arm->config.store, STORE_READ, &tx, NULL);
	if (rc == 0)
		rc = arm_revision_read(tx, &revision, NULL);
	pthread_mutex_lock(&arm->lock);
	// Revisions are read outside the lock: a late reader must not set the number back. When it cannot be read, a
	// hypervisor that is told too early only looks once more.
	if (rc < 0)
		arm->revision++;
	else if (revision > arm->revision)
		arm->revision = revision;
	pthread_cond_broadcast(&arm->changed);
	pthread_mutex_unlock(&arm->lock);
}

int64_t arm_revision_wait(struct arm *arm, int64_t seen, int64_t seconds) {
	int64_t until = clock_monotonic_ns() + seconds * CLOCK_NSEC_PER_SEC;
	const struct timespec deadline = {.tv_sec = until / CLOCK_NSEC_PER_SEC, .tv_nsec = until % CLOCK_NSEC_PER_SEC};
	pthread_mutex_lock(&arm->lock);
	while (!arm->interrupted && arm->revision == seen &&
		pthread_cond_timedwait(&arm->changed, &arm->lock, &deadline) != ETIMEDOUT)
		;
	int64_t revision = arm->revision;
	pthread_mutex_unlock(&arm->lock);
	return revision;
}

void arm_interrupt(struct arm *arm) {
	pthread_mutex_lock(&arm->lock);
	arm->interrupted = true;
	pthread_cond_broadcast(&arm->changed);
	pthread_mutex_unlock(&arm->lock);
}
