// SPDX-License-Identifier: Apache-2.0
// bench-keeper SOCKET BITS THREADS SECONDS: unwraps a second, RSA-OAEP-256, one line to standard output.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/strv.h"
#include "keeper/client.h"

enum { MAX_THREADS = 64 };

struct job {
	struct keeper_client *client;
	struct keeper_key key;
	struct key_output wrapped;
	int64_t until_ns;
	atomic_llong done;
	atomic_bool failed;
};

static void *run(void *arg) {
	struct job *j = arg;
	while (clock_monotonic_ns() < j->until_ns && !atomic_load(&j->failed)) {
		_cleanup_key_output_ struct key_output plain = {0};
		const struct key_input in = {.value = j->wrapped.value.data, .len = j->wrapped.value.len};
		if (keeper_decrypt(j->client, &j->key, KEY_ALG_RSA_OAEP_256, ALG_WRAP, &in, &plain, NULL) < 0)
			atomic_store(&j->failed, true);
		else
			atomic_fetch_add(&j->done, 1);
	}
	return NULL;
}

static int measure(struct job *j, int64_t threads, int64_t seconds) {
	pthread_t ids[MAX_THREADS];
	int64_t begun = clock_monotonic_ns();
	j->until_ns = begun + seconds * CLOCK_NSEC_PER_SEC;
	for (int64_t i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, run, j) != 0)
			return -1;
	for (int64_t i = 0; i < threads; i++)
		(void)pthread_join(ids[i], NULL);
	double took = (double)(clock_monotonic_ns() - begun) / (double)CLOCK_NSEC_PER_SEC;
	(void)printf("%.1f\n", (double)atomic_load(&j->done) / took);
	return atomic_load(&j->failed) ? -1 : 0;
}

int main(int argc, char **argv) {
	int64_t bits, threads, seconds;
	if (argc != 5 || strv_int(argv[2], 0, 4096, &bits) < 0 || strv_int(argv[3], 1, MAX_THREADS, &threads) < 0 ||
		strv_int(argv[4], 1, 3600, &seconds) < 0) {
		(void)fputs("usage: bench-keeper SOCKET BITS THREADS SECONDS\n", stderr);
		return 2;
	}
	struct err err = {0};
	_cleanup_(keeper_client_closep) struct keeper_client *client = NULL;
	_cleanup_buf_ struct buf blob = {0};
	struct key_public pub;
	static struct job job;
	int rc = secret_init(1u << 20, &err);
	if (rc == 0)
		rc = keeper_client_open(argv[1], &client, &err);
	if (rc == 0)
		rc = keeper_make(client, &(struct key_spec){.kind = KEY_KIND_RSA, .bits = (unsigned)bits}, KEEPER_USE_WRAP, "bench",
			&blob, &pub, &err);
	if (rc == 0) {
		job.client = client;
		job.key = (struct keeper_key){.blob = blob.data, .blob_len = blob.len, .context = "bench"};
		const struct key_input in = {.value = "0123456789abcdef0123456789abcdef", .len = 32};
		rc = keeper_encrypt(client, &job.key, KEY_ALG_RSA_OAEP_256, ALG_WRAP, &in, &job.wrapped, &err);
	}
	if (rc == 0)
		rc = measure(&job, threads, seconds);
	key_output_free(&job.wrapped);
	if (rc < 0)
		(void)fprintf(stderr, "bench-keeper: %s\n", err.message);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
