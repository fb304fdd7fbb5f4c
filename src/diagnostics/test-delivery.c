// SPDX-License-Identifier: Apache-2.0
// Settings and the delivery of records over a real store, to files and to a webhook that nobody serves.
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/test-util.h"
#include "diagnostics/delivery.h"
#include "diagnostics/storage.h"
#include "store/test-scratch.h"
#include "vault/audit.h"

#define ID "/subscriptions/s/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/Vault"
#define NOBODY "http://127.0.0.1:1/"
#define HOUR_NS (3600 * CLOCK_NSEC_PER_SEC)
#define NOON 1795348800  // 2026-11-22T12:00:00Z

struct fixture {
	struct scratch scratch;
	char folder[64];
	struct store *store;
	struct diagnostics *diagnostics;
	struct webhook *webhook;
};

static int set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = {0};
	assert_non_null(f);
	clock_set_offset(NOON - clock_real_now());
	assert_int_equal(scratch_make(&f->scratch), 0);
	(void)snprintf(f->folder, sizeof(f->folder), "%s/storage", f->scratch.folder);
	assert_int_equal(io_mkdir(f->folder, 0700, &err), 0);
	assert_int_equal(store_open(f->scratch.path, &f->store, &err), 0);
	assert_int_equal(diagnostics_open(f->store, f->folder, &f->diagnostics, &err), 0);
	assert_int_equal(webhook_new(true, &f->webhook, &err), 0);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
	(void)st, (void)kind, (void)where;
	return remove(path);
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	webhook_free(f->webhook);
	diagnostics_close(f->diagnostics);
	store_close(f->store);
	int rc = nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	rc |= scratch_remove(&f->scratch);
	free(f);
	return rc;
}

static struct store_tx *begin(struct fixture *f) {
	struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	return tx;
}

static int save(struct fixture *f, const char *name, const char *account, const char *url, bool *created) {
	_cleanup_json_ json_t *properties = json_pack("{s:s*}", "storageAccountId", account);
	const struct diagnostics_setting s = {.resource_id = ID, .vault = "Vault", .name = name, .properties = properties,
		.targets = {[DIAGNOSTICS_STORAGE] = account, [DIAGNOSTICS_WEBHOOK] = url}};
	_cleanup_tx_ struct store_tx *tx = begin(f);
	struct err err = {0};
	int rc = diagnostics_save(tx, &s, created, &err);
	return rc < 0 ? rc : store_commit(&tx, &err);
}

// A record of an operation at a time, with an id that tells which.
static void log_at(struct fixture *f, const char *vault, const char *operation, int64_t time_ns) {
	struct audit_event e = {.time_ns = time_ns, .vault = vault, .resource_id = ID, .operation = operation, .status = 200};
	_cleanup_tx_ struct store_tx *tx = begin(f);
	assert_int_equal(enc_uuid(e.id), 0);
	assert_int_equal(audit_insert(tx, &e, NULL), 0);
	assert_int_equal(store_commit(&tx, NULL), 0);
}

static void log_one(struct fixture *f, const char *operation) {
	log_at(f, "vault", operation, clock_now_ns());
}

static int64_t number(struct fixture *f, const char *sql) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int64_t n = -1;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, NULL), 0);
	assert_int_equal(store_query_int(tx, &n, NULL, sql, ""), 0);
	return n;
}

static void path_of(struct fixture *f, const char *account, const char *hour, char out[static 512]) {
	(void)snprintf(out, 512,
		"%s/%s/insights-logs-auditevent/resourceId=/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/VAULT/"
		"y=2026/m=11/d=22/h=%s/m=00/PT1H.json", f->folder, account, hour);
}

// The operations of the lines of a file, joined by blanks; "" when there is none. Every line must be a whole record.
static const char *operations_in(struct fixture *f, const char *account, const char *hour) {
	static char text[512];
	char path[512];
	_cleanup_buf_ struct buf file = {0};
	path_of(f, account, hour, path);
	text[0] = 0;
	if (access(path, F_OK) < 0)
		return text;
	assert_int_equal(io_read_file(path, 1 << 20, &file, NULL), 0);
	for (char *line = (char *)file.data, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		_cleanup_json_ json_t *record = NULL;
		assert_int_equal(json_parse(line, (size_t)(end - line), "x", &record, NULL), 0);
		assert_non_null(json_str(record, "recordId"));
		size_t n = strlen(text);
		(void)snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "", json_str(record, "operationName"));
	}
	return text;
}

static int deliver(struct fixture *f, enum diagnostics_kind kind) {
	struct err err = {0};
	int rc = diagnostics_deliver(f->diagnostics, kind, f->webhook, &err);
	assert_true(rc >= 0 || err.message[0]);
	return rc;
}

static void settings_are_kept(void **state) {
	struct fixture *f = *state;
	bool created = false;
	assert_int_equal(save(f, "One", "account1", NULL, &created), 0);
	assert_true(created);
	created = false;
	assert_int_equal(save(f, "ONE", "account2", NULL, &created), 0);
	assert_false(created);
	const char *const more[] = {"b", "c", "d", "e"};
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		assert_int_equal(save(f, more[i], NULL, NULL, NULL), 0);
	assert_int_equal(save(f, "f", NULL, NULL, NULL), -EUSERS);
	assert_int_equal(save(f, "e", "account3", NULL, NULL), 0);

	_cleanup_tx_ struct store_tx *tx = begin(f);
	_cleanup_json_ json_t *all = json_array(), *one = json_array(), *none = json_array();
	assert_int_equal(diagnostics_list(tx, ID, "", all, NULL), 0);
	assert_int_equal(json_array_size(all), 5);
	assert_int_equal(diagnostics_list(tx, ID, "oNe", one, NULL), 0);
	assert_string_equal(json_str(json_array_get(one, 0), "name"), "One");
	assert_string_equal(json_str(json_array_get(one, 0), "properties.storageAccountId"), "account2");
	assert_int_equal(diagnostics_list(tx, ID "2", "", none, NULL), 0);
	assert_int_equal(json_array_size(none), 0);
	assert_int_equal(diagnostics_remove(tx, ID, "one", NULL), 1);
	assert_int_equal(diagnostics_remove(tx, ID, "one", NULL), 0);
	assert_int_equal(diagnostics_remove(tx, ID "2", "e", NULL), 0);
	assert_int_equal(store_commit(&tx, NULL), 0);
	assert_int_equal(number(f, "SELECT COUNT(*) FROM diagnostic_sinks"), 1);
}

static void records_arrive_in_order(void **state) {
	struct fixture *f = *state;
	log_one(f, "Before");
	assert_int_equal(save(f, "one", "account1", NULL, NULL), 0);
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 0);
	log_at(f, "vault", "A", (NOON + 10) * CLOCK_NSEC_PER_SEC);
	log_at(f, "vault", "B", (NOON + 5) * CLOCK_NSEC_PER_SEC);  // times need not be in order
	log_at(f, "other", "X", (NOON + 6) * CLOCK_NSEC_PER_SEC);
	log_at(f, "vault", "C", NOON * CLOCK_NSEC_PER_SEC + HOUR_NS);
	log_at(f, "vault", "D", (NOON + 20) * CLOCK_NSEC_PER_SEC);
	assert_int_equal(deliver(f, DIAGNOSTICS_WEBHOOK), 0);
	// One hour at a time.
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	assert_string_equal(operations_in(f, "account1", "12"), "A B");
	assert_string_equal(operations_in(f, "account1", "13"), "");
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 0);
	assert_string_equal(operations_in(f, "account1", "13"), "C");
	assert_string_equal(operations_in(f, "account1", "12"), "A B D");

	// Another account goes on where the first one was; a setting that is made anew begins anew.
	log_one(f, "E");
	assert_int_equal(save(f, "one", "account2", NULL, NULL), 0);
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	assert_string_equal(operations_in(f, "account2", "12"), "E");
	log_one(f, "F");
	assert_int_equal(save(f, "one", NULL, NULL, NULL), 0);
	assert_int_equal(save(f, "one", "account2", NULL, NULL), 0);
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 0);
}

static void batches_are_limited(void **state) {
	struct fixture *f = *state;
	assert_int_equal(save(f, "one", "account1", NULL, NULL), 0);
	{
		_cleanup_tx_ struct store_tx *tx = begin(f);
		struct audit_event e = {.time_ns = NOON * CLOCK_NSEC_PER_SEC, .vault = "vault", .operation = "K", .status = 200};
		for (int i = 0; i < DIAGNOSTICS_BATCH_RECORDS + 1; i++) {
			assert_int_equal(enc_uuid(e.id), 0);
			assert_int_equal(audit_insert(tx, &e, NULL), 0);
		}
		assert_int_equal(store_commit(&tx, NULL), 0);
	}
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	assert_int_equal(number(f, "SELECT position FROM diagnostic_sinks"), DIAGNOSTICS_BATCH_RECORDS);
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 0);
}

// Of two that have something due, the one that was served longest ago.
static void sinks_take_turns(void **state) {
	struct fixture *f = *state;
	assert_int_equal(save(f, "a", "account1", NULL, NULL), 0);
	assert_int_equal(save(f, "b", "account2", NULL, NULL), 0);
	log_one(f, "A");
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	bool first = operations_in(f, "account1", "12")[0];
	log_one(f, "B");
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	assert_string_equal(operations_in(f, first ? "account2" : "account1", "12"), "A B");
	assert_string_equal(operations_in(f, first ? "account1" : "account2", "12"), "A");
}

static void torn_lines_are_cut_off(void **state) {
	struct fixture *f = *state;
	char path[512];
	static char filler[9000];
	assert_int_equal(save(f, "one", "account1", NULL, NULL), 0);
	log_one(f, "A");
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	path_of(f, "account1", "12", path);
	// Short, and longer than what is read at once.
	const size_t lengths[] = {1, 100, 4095, 4096, sizeof(filler)};
	memset(filler, 'x', sizeof(filler));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		_cleanup_fd_ int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
		assert_int_equal(io_write_full(fd, filler, lengths[i]), 0);
		log_one(f, "B");
		assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	}
	assert_string_equal(operations_in(f, "account1", "12"), "A B B B B B");
	// A file without any whole line.
	assert_int_equal(io_replace_file(path, filler, 5000, 0600, NULL), 0);
	log_one(f, "C");
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	assert_string_equal(operations_in(f, "account1", "12"), "C");
}

static void storage_is_tried_until_it_works(void **state) {
	struct fixture *f = *state;
	char blocked[128];
	assert_int_equal(save(f, "one", "account1", NULL, NULL), 0);
	log_one(f, "A");
	(void)snprintf(blocked, sizeof(blocked), "%s/account1", f->folder);
	assert_int_equal(io_create_file(blocked, "x", 1, 0600, NULL), 0);
	assert_true(deliver(f, DIAGNOSTICS_STORAGE) < 0);
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 0);  // not due again yet
	clock_set_offset(NOON + 11 - clock_real_now());
	assert_true(deliver(f, DIAGNOSTICS_STORAGE) < 0);
	assert_int_equal(number(f, "SELECT attempts FROM diagnostic_sinks"), 2);
	clock_set_offset(NOON + 30 * CLOCK_DAY - clock_real_now());
	assert_true(deliver(f, DIAGNOSTICS_STORAGE) < 0);
	assert_int_equal(number(f, "SELECT COUNT(*) FROM diagnostic_dead_letters"), 0);
	assert_int_equal(unlink(blocked), 0);
	// A clock that is set back does not put it off.
	clock_set_offset(NOON - clock_real_now());
	assert_int_equal(deliver(f, DIAGNOSTICS_STORAGE), 1);
	assert_string_equal(operations_in(f, "account1", "12"), "A");
	assert_int_equal(number(f, "SELECT attempts + COALESCE(failing_since, 0) FROM diagnostic_sinks"), 0);
}

static void webhooks_that_fail_are_given_up_after_a_day(void **state) {
	struct fixture *f = *state;
	assert_int_equal(save(f, "one", NULL, NOBODY, NULL), 0);
	log_one(f, "A");
	assert_int_equal(deliver(f, DIAGNOSTICS_WEBHOOK), -ECONNREFUSED);
	assert_int_equal(deliver(f, DIAGNOSTICS_WEBHOOK), 0);
	static const int64_t pauses[] = {10, 30, 60, 300, 600, 1800, 3600, 3600};
	int64_t at = NOON;
	for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
		clock_set_offset(at + pauses[i] - 3 - clock_real_now());
		assert_int_equal(deliver(f, DIAGNOSTICS_WEBHOOK), 0);
		at += pauses[i] + 3;
		clock_set_offset(at - clock_real_now());
		assert_int_equal(deliver(f, DIAGNOSTICS_WEBHOOK), -ECONNREFUSED);
	}
	assert_int_equal(number(f, "SELECT COUNT(*) FROM diagnostic_dead_letters"), 0);
	clock_set_offset(NOON + CLOCK_DAY + 60 - clock_real_now());
	log_one(f, "B");
	assert_int_equal(deliver(f, DIAGNOSTICS_WEBHOOK), -ECONNREFUSED);
	assert_int_equal(number(f, "SELECT first_seq * 10 + last_seq FROM diagnostic_dead_letters"), 11);
	assert_int_equal(number(f, "SELECT position FROM diagnostic_sinks"), 1);
	assert_int_equal(number(f, "SELECT COUNT(*) FROM audit WHERE vault = 'vault'"), 2);
}

static void a_corrected_target_is_tried_at_once(void **state) {
	struct fixture *f = *state;
	assert_int_equal(save(f, "one", NULL, NOBODY, NULL), 0);
	log_one(f, "A");
	assert_int_equal(deliver(f, DIAGNOSTICS_WEBHOOK), -ECONNREFUSED);
	assert_int_equal(save(f, "one", NULL, "http://127.0.0.1:2/", NULL), 0);
	assert_int_equal(deliver(f, DIAGNOSTICS_WEBHOOK), -ECONNREFUSED);
	// What was allowed when it was set may not be any more.
	struct webhook *strict = NULL;
	struct err err = {0};
	assert_int_equal(save(f, "one", NULL, NOBODY, NULL), 0);
	assert_int_equal(webhook_new(false, &strict, &err), 0);
	assert_int_equal(diagnostics_deliver(f->diagnostics, DIAGNOSTICS_WEBHOOK, strict, &err), -EINVAL);
	webhook_free(strict);
}

static void paths_lead_nowhere_else(void **state) {
	struct fixture *f = *state;
	_cleanup_buf_ struct buf line = {0};
	struct err err = {0};
	assert_int_equal(buf_str(&line, "{}\n"), 0);
	const char *const accounts[] = {"", "ab", "Account", "../../etc", "a/b", "aaaaaaaaaaaaaaaaaaaaaaaaa", "a.b.c"};
	for (size_t i = 0; i < ARRAY_SIZE(accounts); i++)
		assert_int_equal(storage_append(f->folder, accounts[i], ID, NOON, &line, &err), -EINVAL);
	const char *const ids[] = {"", "x", "/a/../b", "/a/..", "/./a", "/a//b", "/.hidden"};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_int_equal(storage_append(f->folder, "account1", ids[i], NOON, &line, &err), -EINVAL);
	// Not through a link that somebody left.
	char path[512];
	assert_int_equal(storage_append(f->folder, "account1", ID, NOON, &line, &err), 0);
	path_of(f, "account1", "12", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/tmp/none", path), 0);
	assert_int_equal(storage_append(f->folder, "account1", ID, NOON, &line, &err), -ELOOP);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(settings_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(records_arrive_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(batches_are_limited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sinks_take_turns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(torn_lines_are_cut_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(storage_is_tried_until_it_works, set_up, tear_down),
		cmocka_unit_test_setup_teardown(webhooks_that_fail_are_given_up_after_a_day, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_corrected_target_is_tried_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(paths_lead_nowhere_else, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
