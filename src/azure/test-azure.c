// SPDX-License-Identifier: Apache-2.0
// The client against services that answer as the reference says (azure-behaviour A.1 to A.10).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "azure/azure.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "net/cert.h"
#include "net/http_server.h"

#define KEY_URL "https://v.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef"
#define TOKEN "eyJ.first-token_x~.=="
#define TOKEN_BODY "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"" TOKEN "\"}"
#define OTHER_TOKEN_BODY "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"second\"}"
#define LOGIN "login.microsoftonline.com"

// One exchange: the request that must come, and its answer. NULL means that it is not looked at.
struct exchange {
	const char *method, *host, *target;
	int status;
	const char *answer;
	const char *bearer;       // of the Authorization header
	const char *in_body;      // a part of the request's body
	const char *field, *value;  // a header of the answer
	const char *header, *header_value;  // a header of the request
};

static struct {
	pthread_mutex_t mutex;
	const struct exchange *next;
	size_t left;
	char complaint[1024];
} script = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void complain(const char *what, const char *got, const char *want) {
	if (!script.complaint[0])
		(void)snprintf(script.complaint, sizeof(script.complaint), "%s: got '%s', want '%s'", what, got ? got : "(none)",
			want ? want : "(nothing more)");
}

static void expect(const char *what, const char *got, const char *want) {
	if (want && (!got || strcmp(got, want) != 0))
		complain(what, got, want);
}

static void play(const struct exchange *x, const struct http_request *req, struct http_response *res) {
	expect("method", http_method(req), x->method);
	expect("host", http_host(req), x->host);
	expect("target", http_target(req), x->target);
	if (x->header)
		expect(x->header, http_header(req, x->header), x->header_value);
	if (x->bearer) {
		char want[256];
		(void)snprintf(want, sizeof(want), "Bearer %s", x->bearer);
		expect("authorization", http_header(req, "Authorization"), want);
	}
	size_t len;
	const char *body = http_body(req, &len);
	if (x->in_body && (!body || !memmem(body, len, x->in_body, strlen(x->in_body))))
		complain("body", len ? body : NULL, x->in_body);
	res->status = x->status;
	if (x->field && http_set_header(res, x->field, "%s", x->value) < 0)
		complain("field", x->field, NULL);
	if (x->answer && buf_str(&res->body, x->answer) < 0)
		complain("memory", NULL, NULL);
}

static void handle(void *ctx, const struct http_request *req, struct http_response *res) {
	(void)ctx;
	(void)pthread_mutex_lock(&script.mutex);
	if (script.left == 0) {
		complain("request", http_target(req), NULL);
		res->status = 500;
	} else {
		play(script.next++, req, res);
		script.left--;
	}
	(void)pthread_mutex_unlock(&script.mutex);
}

static char folder[] = "/tmp/test-azure-XXXXXX";
static char https_at[64], http_at[64], ca_at[64];
static struct http_server *https_server, *http_server;
static const struct http_route route = {.https_socket = https_at, .http_socket = http_at, .ca_file = ca_at};

static int listen_at(char *path, const char *name, const struct http_tls *tls, struct http_server **out) {
	struct err err = {0};
	(void)snprintf(path, 64, "%s/%s", folder, name);
	int fd = io_unix_listen(path, SOCK_STREAM, &err);
	int rc = fd < 0 ? fd : http_server_start(fd, tls, 2, handle, NULL, out, &err);
	if (rc < 0)
		print_error("%s\n", err.message);
	return rc;
}

static int set_up(void **state) {
	(void)state;
	static const char *const names[] = {LOGIN, "*.vault.azure.net", "*.managedhsm.azure.net", "management.azure.com", NULL};
	_cleanup_buf_ struct buf ca = {0}, cert = {0}, key = {0};
	struct err err = {0};
	if (secret_init(1 << 18, &err) < 0 || !mkdtemp(folder) ||
		cert_issue(names, clock_now(), 2, &ca, &cert, &key, &err) < 0) {
		print_error("%s\n", err.message);
		return -1;
	}
	(void)snprintf(ca_at, sizeof(ca_at), "%s/ca.pem", folder);
	if (io_replace_file(ca_at, ca.data, ca.len, 0600, &err) < 0)
		return -1;
	const struct http_tls tls = {.certificate_pem = buf_cstr(&cert), .key_pem = buf_cstr(&key)};
	return listen_at(https_at, "https", &tls, &https_server) < 0 || listen_at(http_at, "http", NULL, &http_server) < 0
		? -1 : 0;
}

static int tear_down(void **state) {
	(void)state;
	http_server_stop(https_server, 1);
	http_server_stop(http_server, 1);
	(void)unlink(https_at);
	(void)unlink(http_at);
	(void)unlink(ca_at);
	return rmdir(folder);
}

static const struct azure_credential by_secret = {.tenant = "contoso", .client_id = "id", .client_secret = "s&cr=t +"};
static const struct azure_credential by_identity = {
	.identity_endpoint = "http://169.254.169.254/metadata/identity/oauth2/token",
	.identity_header = "capability",
	.identity_client_id = "11111111-2222-3333-4444-555555555555",
};

static struct azure_client *client(const struct azure_credential *credential) {
	struct azure_client *c = NULL;
	assert_int_equal(azure_client_new(&route, credential, &c, NULL), 0);
	return c;
}

static void begin(const struct exchange *exchanges, size_t count) {
	script.next = exchanges;
	script.left = count;
	script.complaint[0] = 0;
}

static void end(void) {
	if (script.complaint[0])
		fail_msg("%s", script.complaint);
	assert_int_equal(script.left, 0);
}

#define KEY_BODY                                                                                                        \
	"{\"key\":{\"kid\":\"" KEY_URL "\",\"kty\":\"RSA\"},\"attributes\":{\"enabled\":true,\"nbf\":5,\"exp\":1764000000," \
	"\"created\":1,\"updated\":1,\"recoveryLevel\":\"Recoverable\"}}"
#define GET_KEY .method = "GET", .host = "v.vault.azure.net", .target = "/keys/k/0123456789abcdef0123456789abcdef?api-version=7.4"
#define LOG_IN .method = "POST", .host = LOGIN, .target = "/contoso/oauth2/v2.0/token"

static void test_client_credentials_and_a_kept_token(void **state) {
	(void)state;
	static const struct exchange exchanges[] = {
		{LOG_IN, 200, TOKEN_BODY,
			.in_body = "grant_type=client_credentials&client_id=id&client_secret=s%26cr%3Dt%20%2B&"
				"scope=https%3A%2F%2Fvault.azure.net%2F.default",
			.header = "Content-Type", .header_value = "application/x-www-form-urlencoded"},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
	};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_secret);
	struct azure_key key;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(azure_key_get(c, KEY_URL, &key, NULL), 0);
		assert_string_equal(key.kid, KEY_URL);
		assert_true(key.enabled);
		assert_int_equal(key.nbf, 5);
		assert_int_equal(key.exp, 1764000000);
	}
	azure_client_free(c);
	end();
}

static void test_managed_identity(void **state) {
	(void)state;
	char body[256];
	(void)snprintf(body, sizeof(body),
		"{\"access_token\":\"" TOKEN "\",\"expires_on\":\"%lld\",\"resource\":\"https://vault.azure.net\",\"token_type\":\"Bearer\"}",
		(long long)clock_now() + 3600);
	const struct exchange exchanges[] = {
		{"GET", "169.254.169.254",
			"/metadata/identity/oauth2/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net"
			"&client_id=11111111-2222-3333-4444-555555555555",
			200, body, .header = "X-IDENTITY-HEADER", .header_value = "capability"},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
	};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_identity);
	struct azure_key key;
	assert_int_equal(azure_key_get(c, KEY_URL, &key, NULL), 0);
	assert_int_equal(azure_key_get(c, KEY_URL, &key, NULL), 0);
	azure_client_free(c);
	end();
}

static void test_a_token_that_has_ended_is_not_kept(void **state) {
	(void)state;
	static const struct exchange exchanges[] = {
		{LOG_IN, 200, "{\"token_type\":\"Bearer\",\"expires_in\":0,\"access_token\":\"a\"}"},
		{GET_KEY, 200, KEY_BODY, .bearer = "a"},
		{LOG_IN, 200, "{\"token_type\":\"Bearer\",\"expires_on\":\"1000\",\"access_token\":\"b\"}"},
		{GET_KEY, 200, KEY_BODY, .bearer = "b"},
		{LOG_IN, 200, TOKEN_BODY},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
	};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_secret);
	struct azure_key key;
	for (int i = 0; i < 3; i++)
		assert_int_equal(azure_key_get(c, KEY_URL, &key, NULL), 0);
	azure_client_free(c);
	end();
}

static void test_a_moved_clock_ends_a_token(void **state) {
	(void)state;
	static const struct exchange exchanges[] = {
		{LOG_IN, 200, TOKEN_BODY},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
		{LOG_IN, 200, OTHER_TOKEN_BODY},
		{GET_KEY, 200, KEY_BODY, .bearer = "second"},
		{LOG_IN, 200, TOKEN_BODY},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
	};
	// Less than the token's lifetime, more than it, and back to before it was made.
	static const int64_t offsets[] = {0, 3000, 365 * 86400LL, -60};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_secret);
	struct azure_key key;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		clock_set_offset(offsets[i]);
		assert_int_equal(azure_key_get(c, KEY_URL, &key, NULL), 0);
	}
	clock_set_offset(0);
	azure_client_free(c);
	end();
}

#define REFUSED_TOKEN                                                                                                 \
	401, "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AKV10022: Invalid audience.\"}}", .field = "WWW-Authenticate", \
		.value = "Bearer authorization=\"https://login.windows.net/t\", resource=\"https://vault.azure.net\""

static void test_401_is_asked_once_more_with_a_new_token(void **state) {
	(void)state;
	static const struct exchange exchanges[] = {
		{LOG_IN, 200, TOKEN_BODY},
		{GET_KEY, REFUSED_TOKEN},
		{LOG_IN, 200, OTHER_TOKEN_BODY},
		{GET_KEY, 200, KEY_BODY, .bearer = "second"},
		{GET_KEY, REFUSED_TOKEN},
		{LOG_IN, 200, TOKEN_BODY},
		{GET_KEY, REFUSED_TOKEN},
	};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_secret);
	struct azure_key key;
	struct err err = {0};
	assert_int_equal(azure_key_get(c, KEY_URL, &key, NULL), 0);
	assert_int_equal(azure_key_get(c, KEY_URL, &key, &err), -EACCES);
	assert_int_equal(err.status, 401);
	assert_string_equal(err.code, "Unauthorized");
	azure_client_free(c);
	end();
}

static void test_resources_have_tokens_of_their_own(void **state) {
	(void)state;
	static const struct exchange exchanges[] = {
		{LOG_IN, 200, TOKEN_BODY, .in_body = "vault.azure.net"},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
		{LOG_IN, 200, OTHER_TOKEN_BODY, .in_body = "scope=https%3A%2F%2Fmanagedhsm.azure.net%2F.default"},
		{"GET", "p.managedhsm.azure.net", "/keys/k?api-version=7.4", 200,
			"{\"key\":{\"kid\":\"https://p.managedhsm.azure.net/keys/k/abc\"},\"attributes\":{}}", .bearer = "second"},
		{GET_KEY, 200, KEY_BODY, .bearer = TOKEN},
	};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_secret);
	struct azure_key key;
	assert_int_equal(azure_key_get(c, KEY_URL, &key, NULL), 0);
	assert_int_equal(azure_key_get(c, "https://p.managedhsm.azure.net/keys/k", &key, NULL), 0);
	assert_string_equal(key.kid, "https://p.managedhsm.azure.net/keys/k/abc");
	assert_true(key.enabled);
	assert_int_equal(key.exp, 0);
	assert_int_equal(azure_key_get(c, KEY_URL, &key, NULL), 0);
	azure_client_free(c);
	end();
}

// A key URL comes out of a disk's header, which anybody with access to the file may have written.
static void test_tokens_go_to_no_other_host(void **state) {
	(void)state;
	static const char *const urls[] = {"", "https://", "http://v.vault.azure.net/keys/k/1", "https://evil.example/keys/k/1",
		"https://v.vault.azure.net.evil.example/keys/k/1", "https://evil.example/.vault.azure.net/keys/k/1",
		"https://evil.example#.vault.azure.net/keys/k/1", "https://u@v.vault.azure.net/keys/k/1",
		"https://v.vault.azure.net:444/keys/k/1", "https://.vault.azure.net/keys/k/1", "https://a.b.vault.azure.net/keys/k/1",
		"https://v.vault.azure.net/secrets/k/1", "https://v.vault.azure.net/keys/", "https://v.vault.azure.net/keys/../secrets/s",
		"https://v.vault.azure.net/keys/k?x=1", "https://v.vault.azure.net/keys/k%2f1"};
	begin(NULL, 0);
	struct azure_client *c = client(&by_secret);
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct azure_key key;
		struct err err = {0};
		if (azure_key_get(c, urls[i], &key, &err) != -EINVAL)
			fail_msg("%s", urls[i]);
		assert_string_equal(err.code, "BadParameter");
	}
	azure_client_free(c);
	end();
}

static void test_wrap_and_unwrap(void **state) {
	(void)state;
	static const struct exchange exchanges[] = {
		{LOG_IN, 200, TOKEN_BODY},
		{"POST", "v.vault.azure.net", "/keys/k/0123456789abcdef0123456789abcdef/wrapkey?api-version=7.4", 200,
			"{\"kid\":\"" KEY_URL "\",\"value\":\"_-8\"}", .bearer = TOKEN,
			.in_body = "{\"alg\":\"RSA-OAEP-256\",\"value\":\"aGk\"}"},
		{"POST", "v.vault.azure.net", "/keys/k/0123456789abcdef0123456789abcdef/unwrapkey?api-version=7.4", 200,
			"{\"kid\":\"https://V.vault.azure.net/keys/K/0123456789abcdef0123456789abcdef\",\"value\":\"aGk\"}",
			.in_body = "{\"alg\":\"RSA-OAEP-256\",\"value\":\"_-8\"}"},
	};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_secret);
	_cleanup_secret_ struct secret plaintext = {0}, back = {0};
	_cleanup_buf_ struct buf wrapped = {0};
	assert_int_equal(secret_copy(&plaintext, "hi", 2), 0);
	assert_int_equal(azure_key_wrap(c, KEY_URL, "RSA-OAEP-256", &plaintext, &wrapped, NULL), 0);
	assert_int_equal(wrapped.len, 2);
	assert_memory_equal(wrapped.data, "\xff\xef", 2);
	assert_int_equal(azure_key_unwrap(c, KEY_URL, "RSA-OAEP-256", wrapped.data, wrapped.len, &back, NULL), 0);
	assert_true(secret_equal(back.data, back.len, "hi", 2));
	azure_client_free(c);
	end();
}

static void test_answers_that_are_not_the_apis(void **state) {
	(void)state;
	static const char *const answers[] = {"", "[]", "{", "{\"value\":\"aGk\"}", "{\"kid\":\"" KEY_URL "\"}",
		"{\"kid\":\"" KEY_URL "\",\"value\":7}", "{\"kid\":\"" KEY_URL "\",\"value\":\"a+b\"}",
		"{\"kid\":\"https://v.vault.azure.net/keys/k/ffffffffffffffffffffffffffffffff\",\"value\":\"aGk\"}",
		"{\"kid\":\"" KEY_URL "0\",\"value\":\"aGk\"}"};
	struct exchange exchanges[2 * ARRAY_SIZE(answers) + 5];
	size_t n = 0;
	exchanges[n++] = (struct exchange){LOG_IN, 200, TOKEN_BODY};
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		exchanges[n++] = (struct exchange){.method = "POST", .status = 200, .answer = answers[i]};
	static const char *const keys[] = {"{}", "{\"key\":{\"kid\":\"" KEY_URL "\"}}",
		"{\"key\":{\"kid\":\"" KEY_URL "\"},\"attributes\":{\"enabled\":\"true\"}}",
		"{\"key\":{\"kid\":\"https://v.vault.azure.net/keys/other/1\"},\"attributes\":{\"enabled\":true}}"};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		exchanges[n++] = (struct exchange){.method = "GET", .status = 200, .answer = keys[i]};
	begin(exchanges, n);
	struct azure_client *c = client(&by_secret);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct secret out = {0};
		struct err err = {0};
		assert_int_equal(azure_key_unwrap(c, KEY_URL, "RSA-OAEP-256", "x", 1, &out, &err), -EBADMSG);
		assert_int_equal(err.status, 502);
		assert_null(out.data);
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct azure_key key;
		assert_int_equal(azure_key_get(c, KEY_URL, &key, NULL), -EBADMSG);
	}
	struct secret out = {0};
	assert_int_equal(azure_key_unwrap(c, "https://v.vault.azure.net/keys/k", "RSA-OAEP-256", "x", 1, &out, NULL), -EINVAL);
	assert_int_equal(azure_key_unwrap(c, "https://v.vault.azure.net/keys/k/", "RSA-OAEP-256", "x", 1, &out, NULL), -EINVAL);
	azure_client_free(c);
	end();
}

static void test_service_errors(void **state) {
	(void)state;
	static const struct {
		int status, rc;
		const char *body, *code, *inner;
	} cases[] = {
		{403, -EACCES,
			"{\"error\":{\"code\":\"Forbidden\",\"message\":\"Caller is not authorized.\",\"innererror\":{\"code\":\"ForbiddenByRbac\"}}}",
			"Forbidden", "ForbiddenByRbac"},
		{403, -EACCES,
			"{\"error\":{\"code\":\"Forbidden\",\"message\":\"Operation unwrapKey is not allowed on a disabled key.\","
			"\"innererror\":{\"code\":\"KeyDisabled\"}}}",
			"Forbidden", "KeyDisabled"},
		{404, -ENOENT, "{\"error\":{\"code\":\"KeyNotFound\",\"message\":\"A key with (name/id) k was not found.\"}}", "KeyNotFound", ""},
		{409, -EEXIST, "{\"error\":{\"code\":\"Conflict\",\"message\":\"m\"}}", "Conflict", ""},
		{429, -EAGAIN, "{\"error\":{\"code\":\"Throttled\",\"message\":\"m\"}}", "Throttled", ""},
		{408, -EAGAIN, NULL, "UnknownError", ""},
		{500, -EAGAIN, "{\"error\":{\"code\":\"InternalServerError\",\"message\":\"m\"}}", "InternalServerError", ""},
		{503, -EAGAIN, "<html>busy</html>", "ServiceUnavailable", ""},
		{400, -EINVAL, "{\"error\":{\"code\":\"BadParameter\",\"message\":\"m\"}}", "BadParameter", ""},
		{400, -EINVAL, "{\"error\":7}", "UnknownError", ""},
	};
	struct exchange exchanges[ARRAY_SIZE(cases) + 1] = {{LOG_IN, 200, TOKEN_BODY}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		exchanges[i + 1] = (struct exchange){.method = "GET", .status = cases[i].status, .answer = cases[i].body};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_secret);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct azure_key key;
		struct err err = {0};
		assert_int_equal(azure_key_get(c, KEY_URL, &key, &err), cases[i].rc);
		assert_int_equal(err.status, cases[i].status);
		assert_string_equal(err.code, cases[i].code);
		assert_string_equal(err.inner, cases[i].inner);
		assert_true(err.message[0]);
	}
	azure_client_free(c);
	end();
}

static void test_no_token(void **state) {
	(void)state;
	static const struct {
		int status, rc;
		const char *body, *code;
	} cases[] = {
		{401, -EACCES, "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret provided.\"}",
			"invalid_client"},
		{400, -EINVAL, "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}", "invalid_request"},
		{404, -ENOENT, NULL, "UnknownError"},
		{503, -EAGAIN, NULL, "ServiceUnavailable"},
		{200, -EBADMSG, "{}", "BadGateway"},
		{200, -EBADMSG, "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"a\\r\\nX: y\"}", "BadGateway"},
		{200, -EBADMSG, "{\"token_type\":\"Bearer\",\"expires_in\":-1,\"access_token\":\"a\"}", "BadGateway"},
		{200, -EBADMSG, "{\"token_type\":\"pop\",\"expires_in\":3599,\"access_token\":\"a\"}", "BadGateway"},
	};
	struct exchange exchanges[ARRAY_SIZE(cases)];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		exchanges[i] = (struct exchange){LOG_IN, cases[i].status, cases[i].body};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_secret);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct azure_key key;
		struct err err = {0};
		assert_int_equal(azure_key_get(c, KEY_URL, &key, &err), cases[i].rc);
		assert_string_equal(err.code, cases[i].code);
		assert_string_equal(err.inner, AZURE_INNER_TOKEN);
		assert_null(strstr(err.message, by_secret.client_secret));
	}
	azure_client_free(c);
	end();
}

static void test_nobody_answers(void **state) {
	(void)state;
	const struct http_route nowhere = {.https_socket = "/nonexistent/socket", .http_socket = "/nonexistent/socket", .ca_file = ca_at};
	struct azure_client *c = NULL;
	struct azure_key key;
	struct err err = {0};
	assert_int_equal(azure_client_new(&nowhere, &by_secret, &c, NULL), 0);
	assert_int_equal(azure_key_get(c, KEY_URL, &key, &err), -EAGAIN);
	assert_int_equal(err.status, 503);
	assert_string_equal(err.inner, AZURE_INNER_TOKEN);
	azure_client_free(c);
	const struct azure_credential none = {0};
	assert_int_equal(azure_client_new(&nowhere, &none, &c, &err), -EINVAL);
}

static void test_arm_call(void **state) {
	(void)state;
	static const struct exchange exchanges[] = {
		{LOG_IN, 200, TOKEN_BODY, .in_body = "scope=https%3A%2F%2Fmanagement.azure.com%2F.default"},
		{"PUT", "management.azure.com", "/subscriptions/s?api-version=2024-01-01", 202, "{\"name\":\"x\"}", .bearer = TOKEN,
			.in_body = "{\"a\":1}", .field = "Azure-AsyncOperation", .value = "https://management.azure.com/op/1"},
		{"POST", "management.azure.com", "/start", 202, NULL, .field = "Location", .value = "https://management.azure.com/op/2"},
		{.method = "DELETE", .host = "management.azure.com", .target = "/x", .status = 204},
		{"GET", "management.azure.com", "/x", 404, "{\"error\":{\"code\":\"ResourceNotFound\",\"message\":\"m\"}}",
			.bearer = TOKEN},
	};
	begin(exchanges, ARRAY_SIZE(exchanges));
	struct azure_client *c = client(&by_secret);
	json_t *reply = NULL, *body = json_pack("{s:i}", "a", 1);
	char operation[AZURE_URL_MAX];
	int status = 0;
	struct err err = {0};
	assert_int_equal(azure_arm(c, "PUT", "/subscriptions/s?api-version=2024-01-01", body, &reply, &status, operation, &err), 0);
	assert_int_equal(status, 202);
	assert_string_equal(json_str(reply, "name"), "x");
	assert_string_equal(operation, "https://management.azure.com/op/1");
	json_decref(reply);
	assert_int_equal(azure_arm(c, "POST", "/start", NULL, &reply, &status, operation, &err), 0);
	assert_null(reply);
	assert_string_equal(operation, "https://management.azure.com/op/2");
	assert_int_equal(azure_arm(c, "DELETE", "/x", NULL, &reply, &status, operation, &err), 0);
	assert_int_equal(status, 204);
	assert_string_equal(operation, "");
	assert_int_equal(azure_arm(c, "GET", "/x", NULL, &reply, &status, operation, &err), -ENOENT);
	assert_string_equal(err.code, "ResourceNotFound");
	json_decref(body);
	azure_client_free(c);
	end();
}

#define POLL .method = "GET", .host = "management.azure.com", .target = "/op/1"
#define AT_ONCE .field = "Retry-After", .value = "0"

static void test_arm_operation(void **state) {
	(void)state;
	static const struct exchange exchanges[] = {
		{LOG_IN, 200, TOKEN_BODY},
		{POLL, 200, "{\"status\":\"InProgress\"}", AT_ONCE},
		{POLL, 202, NULL, AT_ONCE},
		{POLL, 503, NULL},
		{POLL, 200, "{\"status\":\"Succeeded\"}"},
		{POLL, 200, "{\"status\":\"Failed\",\"error\":{\"code\":\"KeyVaultKeyNotEnabled\",\"message\":\"m\"}}"},
		{POLL, 200, "{\"status\":\"Canceled\"}"},
		{POLL, 204, NULL},
		{POLL, 403, "{\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"m\"}}"},
		{POLL, 200, "{\"status\":\"Running\"}", AT_ONCE},
	};
	begin(exchanges, ARRAY_SIZE(exchanges));
	static const char operation[] = "https://management.azure.com/op/1";
	struct azure_client *c = client(&by_secret);
	struct err err = {0};
	assert_int_equal(azure_arm_wait(c, operation, 30, &err), 0);
	assert_int_equal(azure_arm_wait(c, operation, 30, &err), -ECANCELED);
	assert_string_equal(err.code, "KeyVaultKeyNotEnabled");
	assert_int_equal(azure_arm_wait(c, operation, 30, &err), -ECANCELED);
	assert_int_equal(azure_arm_wait(c, operation, 30, &err), 0);
	assert_int_equal(azure_arm_wait(c, operation, 30, &err), -EACCES);
	assert_int_equal(azure_arm_wait(c, operation, 0, &err), -ETIMEDOUT);
	assert_int_equal(azure_arm_wait(c, "https://evil.example/op/1", 1, &err), -EINVAL);
	assert_int_equal(azure_arm_wait(c, "https://management.azure.com.evil.example/op/1", 1, &err), -EINVAL);
	azure_client_free(c);
	end();
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_credentials_and_a_kept_token),
		cmocka_unit_test(test_managed_identity),
		cmocka_unit_test(test_a_token_that_has_ended_is_not_kept),
		cmocka_unit_test(test_a_moved_clock_ends_a_token),
		cmocka_unit_test(test_401_is_asked_once_more_with_a_new_token),
		cmocka_unit_test(test_resources_have_tokens_of_their_own),
		cmocka_unit_test(test_tokens_go_to_no_other_host),
		cmocka_unit_test(test_wrap_and_unwrap),
		cmocka_unit_test(test_answers_that_are_not_the_apis),
		cmocka_unit_test(test_service_errors),
		cmocka_unit_test(test_no_token),
		cmocka_unit_test(test_nobody_answers),
		cmocka_unit_test(test_arm_call),
		cmocka_unit_test(test_arm_operation),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
