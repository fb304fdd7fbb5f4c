// SPDX-License-Identifier: Apache-2.0
// What arrives at the server's socket, in front of the data plane and the token endpoint. The input is sent as it is, but
// for names in braces: {admin} and {nobody} are tokens, {version} and {hard} the versions of the keys "ec" and "oct", {backup}
// is a backup of the former, and {length} the number of bytes behind the first empty line.
#include "fuzz.h"

#include <sys/socket.h>
#include <sys/time.h>

#include "base/io.h"
#include "base/strv.h"
#include "vault/fixture.h"

#define V "?api-version=7.4"

enum { REQUESTS_A_FILL = 10000, ANSWER_SECONDS = 20, NAMES = 6 };

static void *world;
static char *version, *hard, *backup;
static unsigned requests;

// Nothing here has to outlive the machine.
int fsync(int fd _unused_) {
	return 0;
}
int fdatasync(int fd _unused_) {
	return 0;
}

static json_t *ok(const char *method, const char *host, const char *path, const char *body) {
	struct fixture *f = world;
	json_t *json = NULL;
	must(fixture_call(f, f->admin, method, host, path, body, &json) == 200 && json);
	return json;
}

static void forget_all(void) {
	static const char *const tables[] = {"audit", "vault_versions", "vault_objects"};
	struct fixture *f = world;
	_cleanup_tx_ struct store_tx *tx = NULL;
	must(store_begin(f->store, STORE_WRITE, &tx, NULL) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		_cleanup_free_ char *sql = strv_printf("DELETE FROM %s", tables[i]);
		must(sql && store_exec(tx, NULL, sql, "") >= 0);
	}
	must(store_commit(&tx, NULL) == 0);
	free(version);
	free(hard);
	free(backup);
}

// Some of everything. Requests change it, so it is made anew from time to time.
static void fill(void) {
	fixture_renew_tokens(world);
	_cleanup_json_ json_t *ec = ok("POST", "alpha", "/keys/ec/create" V, "{\"kty\":\"EC\"}");
	_cleanup_json_ json_t *oct = ok("POST", "beta", "/keys/oct/create" V, "{\"kty\":\"oct-HSM\"}");
	_cleanup_json_ json_t *blob = ok("POST", "alpha", "/keys/ec/backup" V, "");
	json_decref(ok("POST", "alpha", "/keys/rsa/create" V, "{\"kty\":\"RSA\"}"));
	json_decref(ok("POST", "alpha", "/keys/gone/create" V, "{\"kty\":\"EC\"}"));
	json_decref(ok("DELETE", "alpha", "/keys/gone" V, NULL));
	json_decref(ok("PUT", "alpha", "/secrets/s" V, "{\"value\":\"v\",\"tags\":{\"a\":\"b\"}}"));
	json_decref(ok("PUT", "alpha", "/secrets/gone" V, "{\"value\":\"v\"}"));
	json_decref(ok("DELETE", "alpha", "/secrets/gone" V, NULL));
	version = strdup(strrchr(json_str(ec, "key.kid"), '/') + 1);
	hard = strdup(strrchr(json_str(oct, "key.kid"), '/') + 1);
	backup = strdup(json_str(blob, "value"));
	must(version && hard && backup);
}

static void end_world(void) {
	forget_all();
	must(fixture_tear_down(&world) == 0);
}

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
	must(fixture_set_up(&world) == 0);
	fill();
	must(atexit(end_world) == 0);
	return 0;
}

// The bytes behind the first empty line.
static size_t body_length(const uint8_t *data, size_t size) {
	const uint8_t *end = size > 0 ? memmem(data, size, "\r\n\r\n", 4) : NULL;
	return end ? size - (size_t)(end + 4 - data) : 0;
}

static bool replace(const struct fixture *f, const uint8_t *at, size_t left, const char *length, struct buf *out, size_t *len) {
	const char *const names[NAMES][2] = {
		{"{admin}", f->admin}, {"{nobody}", f->nobody}, {"{version}", version}, {"{hard}", hard}, {"{backup}", backup},
		{"{length}", length},
	};
	for (size_t i = 0; i < NAMES; i++) {
		*len = strlen(names[i][0]);
		if (*len <= left && memcmp(at, names[i][0], *len) == 0) {
			must(buf_str(out, names[i][1]) == 0);
			return true;
		}
	}
	return false;
}

static void expand(const uint8_t *data, size_t size, const char *length, struct buf *out) {
	size_t len;
	for (size_t i = 0; i < size; i += len)
		if (!replace(world, data + i, size - i, length, out, &len)) {
			len = 1;
			must(buf_u8(out, data[i]) == 0);
		}
}

// Twice: the length is that of the body with all in it that is not the length.
static void expand_all(const uint8_t *data, size_t size, struct buf *out) {
	_cleanup_buf_ struct buf first = {0};
	char length[24];
	expand(data, size, "{length}", &first);
	(void)snprintf(length, sizeof(length), "%zu", body_length(first.data, first.len));
	expand(first.data, first.len, length, out);
}

static void receive_all(int fd, struct buf *out) {
	uint8_t room[16384];
	ssize_t n;
	// libFuzzer's clock interrupts.
	while ((n = recv(fd, room, sizeof(room), 0)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			must(buf_append(out, room, (size_t)n) == 0);
	// The server may have closed a connection whose bytes it did not want.
must(n == 0 || errno == ECONNRESET);
}

static void exchange(const struct buf *bytes, struct buf *answer) {
	const struct timeval timeout = {.tv_sec = ANSWER_SECONDS};
	struct fixture *f = world;
	_cleanup_fd_ int fd = io_unix_connect(f->http_socket, SOCK_STREAM, NULL);
	must(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
	for (size_t sent = 0; sent < bytes->len;) {
		ssize_t n = send(fd, bytes->data + sent, bytes->len - sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			break;
		sent += n > 0 ? (size_t)n : 0;
	}
	(void)shutdown(fd, SHUT_WR);
	receive_all(fd, answer);
}

// The first answer, if there is one, is no failure of the server's: 505 is for what is no HTTP/1.
static void check_answer(const struct buf *answer) {
	static const char start[] = "HTTP/1.";
	if (answer->len == 0)
		return;
	must(answer->len > 12 && memcmp(answer->data, start, strlen(start)) == 0);
	int status = (answer->data[9] - '0') * 100 + (answer->data[10] - '0') * 10 + answer->data[11] - '0';
	must(status >= 100 && (status < 500 || status == 505));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_buf_ struct buf bytes = {0}, answer = {0};
	if (++requests % REQUESTS_A_FILL == 0) {
		forget_all();
		fill();
	}
	expand_all(data, size, &bytes);
	exchange(&bytes, &answer);
	check_answer(&answer);
	return 0;
}
