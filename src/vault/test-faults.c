// SPDX-License-Identifier: Apache-2.0
// Races, a store that somebody tampered with, a full disk, a keeper that is gone.
#include "vault/fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/strv.h"

#define V "?api-version=7.4"
#define PLAIN "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
#define RSA "{\"kty\":\"RSA\"}"

struct racer {
	struct fixture *f;
	pthread_t thread;
	const char *method, *path, *body;
	int rounds;
	int ok, refused, other;
};

static void *race(void *arg) {
	struct racer *r = arg;
	struct http_client *client = fixture_client(r->f);
	for (int i = 0; i < r->rounds; i++) {
		_cleanup_reply_ struct http_reply reply = {0};
		int rc = fixture_send(r->f, client, r->f->admin, r->method, "alpha", r->path, r->body, NULL, &reply);
		if (rc == 0 && reply.status == 200)
			r->ok++;
		else if (rc == 0 && (reply.status == 404 || reply.status == 409))
			r->refused++;
		else
			r->other++;
	}
	http_client_free(client);
	return NULL;
}

static void run(struct racer *racers, size_t count) {
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
}

static int64_t query_int(struct fixture *f, const char *sql) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int64_t n = -1;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, NULL), 0);
	assert_int_equal(store_query_int(tx, &n, NULL, sql, ""), 0);
	return n;
}

static void test_eight_threads_rotate_and_create_one_key(void **state) {
	struct fixture *f = *state;
	struct racer racers[8] = {0};
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/race/create" V, RSA, NULL), 200);
	for (size_t i = 0; i < ARRAY_SIZE(racers); i++)
		racers[i] = (struct racer){.f = f, .method = "POST", .path = i % 2 ? "/keys/race/rotate" V : "/keys/race/create" V,
			.body = i % 2 ? "" : RSA, .rounds = 2};
	run(racers, ARRAY_SIZE(racers));
	for (size_t i = 0; i < ARRAY_SIZE(racers); i++)
		assert_int_equal(racers[i].ok, 2);
	assert_int_equal(query_int(f, "SELECT COUNT(DISTINCT ordinal) FROM vault_versions WHERE name = 'race'"), 17);
	assert_int_equal(query_int(f, "SELECT MAX(ordinal) FROM vault_versions WHERE name = 'race'"), 17);
	assert_int_equal(query_int(f, "SELECT v.ordinal FROM vault_objects k JOIN vault_versions v ON v.vault = k.vault"
		" AND v.name = k.name AND v.version = k.current_version WHERE k.name = 'race'"), 17);
}

// The first creation of a name by many at once makes one key with that many versions.
static void test_eight_threads_create_a_new_key(void **state) {
	struct fixture *f = *state;
	struct racer racers[8] = {0};
	for (size_t i = 0; i < ARRAY_SIZE(racers); i++)
		racers[i] = (struct racer){.f = f, .method = "POST", .path = "/keys/race2/create" V, .body = RSA, .rounds = 1};
	run(racers, ARRAY_SIZE(racers));
	assert_int_equal(query_int(f, "SELECT COUNT(DISTINCT ordinal) FROM vault_versions WHERE name = 'race2'"), 8);
}

static void test_deletion_races_creation(void **state) {
	struct fixture *f = *state;
	struct racer racers[6] = {0};
	for (size_t i = 0; i < ARRAY_SIZE(racers); i++)
		racers[i] = i % 3 == 0 ? (struct racer){.f = f, .method = "POST", .path = "/keys/race3/create" V, .body = RSA, .rounds = 4}
			: i % 3 == 1 ? (struct racer){.f = f, .method = "DELETE", .path = "/keys/race3" V, .rounds = 40}
				     : (struct racer){.f = f, .method = "POST", .path = "/deletedkeys/race3/recover" V, .rounds = 40};
	run(racers, ARRAY_SIZE(racers));
	for (size_t i = 0; i < ARRAY_SIZE(racers); i++)
		assert_int_equal(racers[i].other, 0);
	// No version without its key, no current version that is not there.
	assert_int_equal(query_int(f, "SELECT COUNT(*) FROM vault_objects k WHERE NOT EXISTS (SELECT 1 FROM vault_versions v"
		" WHERE v.vault = k.vault AND v.name = k.name AND v.version = k.current_version)"), 0);
}

static char *wrap(struct fixture *f, const char *host, const char *name) {
	_cleanup_free_ char *create = strv_printf("/keys/%s/create" V, name), *path = strv_printf("/keys/%s/wrapkey" V, name);
	_cleanup_json_ json_t *json = NULL;
	assert_int_equal(fixture_call(f, f->admin, "POST", host, create, RSA, NULL), 200);
	assert_int_equal(fixture_call(f, f->admin, "POST", host, path, "{\"alg\":\"RSA-OAEP\",\"value\":\"" PLAIN "\"}", &json), 200);
	return strv_printf("{\"alg\":\"RSA-OAEP\",\"value\":\"%s\"}", json_str(json, "value"));
}

static void execute(struct fixture *f, const char *sql) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct err err = {0};
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	if (store_exec(tx, &err, sql, "") < 0)
		fail_msg("%s", err.message);
	assert_int_equal(store_commit(&tx, &err), 0);
}

// Somebody with write access to the store puts the sealed key of one vault into another.
static void test_a_swapped_blob_is_found_out(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *alpha = wrap(f, "alpha", "swap"), *beta = wrap(f, "beta", "swap");
	execute(f, "UPDATE vault_versions SET sealed = (SELECT sealed FROM vault_versions WHERE vault = 'alpha' AND"
		" name = 'swap') WHERE vault = 'beta' AND name = 'swap'");
	for (int i = 0; i < 2; i++) {
		// Not with what either key wrapped: neither a wrong plaintext nor the key of another vault.
		fixture_refused(f, f->admin, "POST", "beta", "/keys/swap/unwrapkey" V, i ? alpha : beta, 500, "InternalServerError", "",
			"An internal error has occurred");
		_cleanup_json_ json_t *record = fixture_last_record(f, "beta");
		assert_string_equal(json_str(record, "operationName"), "KeyUnwrap");
		assert_int_equal(json_int(record, "properties.httpStatusCode", 0), 500);
	}
	fixture_refused(f, f->admin, "POST", "beta", "/keys/swap/wrapkey" V, "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}", 500,
		"InternalServerError", "", "");
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/swap/unwrapkey" V, alpha, NULL), 200);
}

// Within one vault and key, the blob of another version is no better.
static void test_a_blob_of_another_version_is_found_out(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *first = wrap(f, "alpha", "swap2"), *second = wrap(f, "alpha", "swap2");
	execute(f, "UPDATE vault_versions SET sealed = (SELECT sealed FROM vault_versions WHERE name = 'swap2' AND"
		" ordinal = 1) WHERE name = 'swap2' AND ordinal = 2");
	fixture_refused(f, f->admin, "POST", "alpha", "/keys/swap2/unwrapkey" V, first, 500, "InternalServerError", "", "");
	fixture_refused(f, f->admin, "POST", "alpha", "/keys/swap2/unwrapkey" V, second, 500, "InternalServerError", "", "");
}

static void test_a_row_without_its_public_half_is_found_out(void **state) {
	struct fixture *f = *state;
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/half/create" V, "{\"kty\":\"EC\"}", NULL), 200);
	execute(f, "UPDATE vault_versions SET jwk = NULL WHERE name = 'half'");
	fixture_refused(f, f->admin, "GET", "alpha", "/keys/half" V, NULL, 500, "InternalServerError", "", "");
	fixture_refused(f, f->admin, "POST", "alpha", "/keys/half/rotate" V, "", 500, "InternalServerError", "", "");
}

// No file of this process can grow: nothing can be recorded, so nothing is told and nothing is done.
static void test_a_full_disk_reveals_and_changes_nothing(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *wrapped = wrap(f, "alpha", "full");
	int64_t before = fixture_record_count(f, "alpha");
	struct rlimit old;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 1, .rlim_max = old.rlim_max}), 0);
	static const struct {
		const char *method, *path;
	} cases[] = {
		{"GET", "/keys/full" V}, {"POST", "/keys/full/unwrapkey" V}, {"POST", "/keys/new/create" V},
		{"DELETE", "/keys/full" V}, {"GET", "/keys/absent" V},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_reply_ struct http_reply reply = {0};
		const char *body = i == 1 ? wrapped : i == 2 ? RSA : NULL;
		assert_int_equal(fixture_send(f, f->client, f->admin, cases[i].method, "alpha", cases[i].path, body, NULL, &reply), 0);
		assert_int_equal(reply.status, 500);
		assert_null(strstr(buf_cstr(&reply.body), PLAIN));
		assert_null(strstr(buf_cstr(&reply.body), "\"kid\""));
		assert_non_null(strstr(buf_cstr(&reply.body), "audit record"));
	}
	fixture_refused(f, NULL, "GET", "alpha", "/keys" V, NULL, 500, "InternalServerError", "", "audit record");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(fixture_record_count(f, "alpha"), before);
	fixture_refused(f, f->admin, "GET", "alpha", "/keys/new" V, NULL, 404, "KeyNotFound", "", "new");
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/full/unwrapkey" V, wrapped, NULL), 200);
}

// Requests in flight while the service closes: here, the writer gets everything to disk that was queued.
static void test_records_of_concurrent_requests_are_all_there(void **state) {
	struct fixture *f = *state;
	struct racer racers[8] = {0};
	int64_t before = fixture_record_count(f, "alpha");
	for (size_t i = 0; i < ARRAY_SIZE(racers); i++)
		racers[i] = (struct racer){.f = f, .method = "GET", .path = "/keys" V, .rounds = 50};
	run(racers, ARRAY_SIZE(racers));
	assert_int_equal(fixture_record_count(f, "alpha"), before + 400);
}

// Last, because the keeper does not come back.
static void test_no_keeper(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *wrapped = wrap(f, "alpha", "orphan");
	assert_int_equal(kill(f->keeper_pid, SIGKILL), 0);
	fixture_refused(f, f->admin, "POST", "alpha", "/keys/orphan/unwrapkey" V, wrapped, 503, "ServiceUnavailable", "", "");
	fixture_refused(f, f->admin, "POST", "alpha", "/keys/orphan2/create" V, RSA, 503, "ServiceUnavailable", "", "");
	fixture_refused(f, f->admin, "GET", "alpha", "/keys/orphan2" V, NULL, 404, "KeyNotFound", "", "");
	assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", "/keys/orphan" V, NULL, NULL), 200);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eight_threads_rotate_and_create_one_key),
		cmocka_unit_test(test_eight_threads_create_a_new_key),
		cmocka_unit_test(test_deletion_races_creation),
		cmocka_unit_test(test_a_swapped_blob_is_found_out),
		cmocka_unit_test(test_a_blob_of_another_version_is_found_out),
		cmocka_unit_test(test_a_row_without_its_public_half_is_found_out),
		cmocka_unit_test(test_a_full_disk_reveals_and_changes_nothing),
		cmocka_unit_test(test_records_of_concurrent_requests_are_all_there),
		cmocka_unit_test(test_no_keeper),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
