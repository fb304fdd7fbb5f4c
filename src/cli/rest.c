// SPDX-License-Identifier: Apache-2.0
// custodisk rest: one request to an Azure API, to custodisk or to the real Azure.
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "cli/target.h"
#include "net/http_client.h"

enum {
	SECRET_HEAP = 65536,
	HEADERS_MAX = 16,
	BODY_MAX = 4 << 20,
	REQUEST_TIMEOUT_MS = 120000,
	WAIT_MAX_S = 3600,         // for an operation to end
	RETRY_AFTER_MAX_S = 60,
	POLL_FIRST_MS = 100,       // without Retry-After: this, then growing
	POLL_LONGEST_MS = 2000,
	TOKEN_MAX = 16384,
};

struct rest {
	// Options.
	const char *data_dir_option, *output;
	bool wait, include, azure;
	const char *headers[HEADERS_MAX];
	size_t header_count;
	const char *method, *argument, *body_argument;

	struct session session;
	char *url;  // owned
	struct bootstrap principal;
	struct http_client *http;
	struct secret authorization;  // header line with its NUL, or empty for a host that takes no token
	struct buf body;
};

static void rest_free(struct rest *r) {
	http_client_free(r->http);
	secret_free(&r->authorization);
	bootstrap_wipe(&r->principal);
	buf_free(&r->body);
	session_close(&r->session);
	free(r->url);
}

// CLI_OK, or the exit status. *help tells that usage was asked for.
static int parse_options(int argc, char **argv, struct rest *r, bool *help) {
	static const struct option options[] = {
		{"data-dir", required_argument, NULL, 'd'},
		{"azure", no_argument, NULL, 'a'},
		{"wait", no_argument, NULL, 'w'},
		{"include", no_argument, NULL, 'i'},
		{"header", required_argument, NULL, 'H'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt;
	optind = 0;
	while ((opt = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			r->data_dir_option = optarg;
			break;
		case 'a':
			r->azure = true;
			break;
		case 'w':
			r->wait = true;
			break;
		case 'i':
			r->include = true;
			break;
		case 'H':
			if (r->header_count == HEADERS_MAX)
				return cli_usage_error(&cli_rest, "more than %d headers", HEADERS_MAX);
			if (!strchr(optarg, ':') || strpbrk(optarg, "\r\n"))
				return cli_usage_error(&cli_rest, "'%s' is not a header (\"Name: value\")", optarg);
			r->headers[r->header_count++] = optarg;
			break;
		case 'o':
			r->output = optarg;
			break;
		case 'h':
			*help = true;
			return CLI_OK;
		default:
			return cli_bad_option(&cli_rest, opt, argv);
		}
	}
	if (r->azure && r->data_dir_option)
		return cli_usage_error(&cli_rest, "--azure and --data-dir exclude each other");
	if (argc - optind < 2 || argc - optind > 3)
		return cli_usage_error(&cli_rest, "a method and a path or URL are needed, and at most a body");
	r->method = argv[optind];
	r->argument = argv[optind + 1];
	r->body_argument = argv[optind + 2];
	if (!strv_made_of(r->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1, 16))
		return cli_usage_error(&cli_rest, "'%s' is not a method; methods are written in capitals", r->method);
	return CLI_OK;
}

static int read_body(struct rest *r, struct err *err) {
	const char *argument = r->body_argument;
	if (!argument)
		return 0;
	if (strcmp(argument, "-") == 0)
		return io_read_file("/dev/stdin", BODY_MAX, &r->body, err);
	if (argument[0] == '@')
		return io_read_file(argument + 1, BODY_MAX, &r->body, err);
	return buf_str(&r->body, argument) < 0 ? err_oom(err) : 0;
}

static int connect_client(struct rest *r, struct err *err) {
	const struct http_route route = session_route(&r->session);
	return http_client_new(&route, &r->http, err);
}

static int append_escaped(struct buf *out, const char *name, const char *value) {
	int rc = buf_printf(out, "%s%s=", out->len ? "&" : "", name);
	for (const char *p = value; rc == 0 && *p; p++) {
		unsigned char c = (unsigned char)*p;
		bool plain = (c < 128 && isalnum(c)) || strchr("-._~", c);
		rc = plain ? buf_append(out, &c, 1) : buf_printf(out, "%%%02X", c);
	}
	return rc;
}

// The service's own words, "(Code) message".
static int service_error(const struct http_reply *reply, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	const char *code = NULL, *message = NULL;
	if (reply->body.len > 0 && json_parse(reply->body.data, reply->body.len, "BadGateway", &body, NULL) == 0) {
		code = json_str(body, "error.code");
		message = json_str(body, "error.message");
		if (!code) {
			code = json_str(body, "error");  // OAuth 2.0, RFC 6749 5.2
			message = json_str(body, "error_description");
		}
	}
	if (!code)
		return err_set(err, -EIO, reply->status, "BadGateway", "HTTP status %d without an error that can be read",
			reply->status);
	return err_set(err, -EIO, reply->status, code, "(%s) %s", code, message ? message : "no message");
}

static int parse_token(const struct http_reply *reply, struct secret *authorization, struct err *err) {
	static const char prefix[] = "Authorization: Bearer ";
	_cleanup_json_ json_t *body = NULL;
	int rc = json_parse(reply->body.data, reply->body.len, "BadGateway", &body, err);
	if (rc < 0)
		return rc;
	const char *token = json_str(body, "access_token");
	size_t len = token ? strlen(token) : 0;
	if (len == 0 || len > TOKEN_MAX || strpbrk(token, "\r\n"))
		return err_set(err, -EBADMSG, 502, "BadGateway", "the login endpoint's answer has no token in it");
	if (secret_alloc(authorization, sizeof(prefix) + len) < 0)
		return err_oom(err);
	memcpy(authorization->data, prefix, sizeof(prefix) - 1);
	memcpy(authorization->data + sizeof(prefix) - 1, token, len + 1);
	return 0;
}

static int fetch_token(struct rest *r, const char *resource, struct err *err) {
	static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
	_cleanup_buf_ struct buf url = {0}, form = {0};
	_cleanup_reply_ struct http_reply reply = {0};
	char scope[128];
	int rc = session_principal(&r->session, &r->principal, err);
	if (rc < 0)
		return rc;
	if (!strv_made_of(r->principal.tenant, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", 1, 63))
		return err_set(err, -EINVAL, 400, "BadParameter", "AZURE_TENANT_ID is neither an id nor a domain");
	(void)snprintf(scope, sizeof(scope), "%s/.default", resource);
	if (buf_printf(&url, "https://login.microsoftonline.com/%s/oauth2/v2.0/token", r->principal.tenant) < 0 ||
		append_escaped(&form, "grant_type", "client_credentials") < 0 ||
		append_escaped(&form, "client_id", r->principal.client_id) < 0 ||
		append_escaped(&form, "client_secret", r->principal.client_secret) < 0 ||
		append_escaped(&form, "scope", scope) < 0)
		return err_oom(err);
	rc = http_client_send(r->http, "POST", buf_cstr(&url), headers, form.data, form.len, REQUEST_TIMEOUT_MS, &reply, err);
	if (rc < 0)
		return rc;
	return reply.status == 200 ? parse_token(&reply, &r->authorization, err) : service_error(&reply, err);
}

static bool has_header(const struct rest *r, const char *name) {
	for (size_t i = 0; i < r->header_count; i++)
		if (strv_starts_with_nocase(r->headers[i], name) && r->headers[i][strlen(name)] == ':')
			return true;
	return false;
}

static int send_request(struct rest *r, const char *method, const char *url, bool with_body, struct http_reply *reply,
	struct err *err) {
	const char *headers[HEADERS_MAX + 3];
	size_t n = 0;
	for (size_t i = 0; i < r->header_count; i++)
		headers[n++] = r->headers[i];
	if (r->authorization.data && !has_header(r, "Authorization"))
		headers[n++] = (const char *)r->authorization.data;
	if (with_body && r->body_argument && !has_header(r, "Content-Type"))
		headers[n++] = "Content-Type: application/json";
	headers[n] = NULL;
	const void *body = with_body && r->body_argument ? (r->body.data ? r->body.data : (const void *)"") : NULL;
	return http_client_send(r->http, method, url, headers, body, body ? r->body.len : 0, REQUEST_TIMEOUT_MS, reply, err);
}

static void print_head(const struct http_reply *reply) {
	fprintf(stderr, "HTTP %d\n%s", reply->status, buf_cstr(&reply->header_lines));
}

// One more GET on the way of an operation. The token goes to no other host than the first request's.
static int get(struct rest *r, const char *url, struct http_reply *reply, struct err *err) {
	_cleanup_reply_ struct http_reply next = {0};
	if (!target_same_host(url, r->url))
		return err_set(err, -EBADMSG, 502, "BadGateway", "the operation's URL is on another host: %s", url);
	int rc = send_request(r, "GET", url, false, &next, err);
	if (rc < 0)
		return rc;
	if (next.status >= 400)
		return service_error(&next, err);
	http_reply_free(reply);
	*reply = next;
	next = (struct http_reply){0};
	return 0;
}

static void pause_ms(int64_t ms) {
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static int64_t poll_pause_ms(const struct http_reply *reply, int64_t previous_ms) {
	char text[32];
	int64_t seconds;
	if (http_reply_header(reply, "Retry-After", text, sizeof(text)) == 0 &&
		strv_int(text, 0, RETRY_AFTER_MAX_S, &seconds) == 0 && seconds > 0)
		return seconds * 1000;
	int64_t next = previous_ms ? previous_ms * 2 : POLL_FIRST_MS;
	return next < POLL_LONGEST_MS ? next : POLL_LONGEST_MS;
}

// Whether the answer to a poll says that the operation has ended: by its status member when it is an asynchronous
// operation, by its HTTP status when it is a Location. -EIO with the operation's error when it failed.
static int operation_ended(const struct http_reply *reply, bool by_body, bool *ended, struct err *err) {
	if (!by_body) {
		*ended = reply->status != 202;
		return 0;
	}
	_cleanup_json_ json_t *body = NULL;
	int rc = json_parse(reply->body.data, reply->body.len, "BadGateway", &body, err);
	if (rc < 0)
		return rc;
	const char *status = json_str(body, "status");
	if (!status)
		return err_set(err, -EBADMSG, 502, "BadGateway", "the operation's answer has no status");
	if (strv_eq_nocase(status, "Failed") || strv_eq_nocase(status, "Canceled")) {
		const char *code = json_str(body, "error.code"), *message = json_str(body, "error.message");
		return err_set(err, -EIO, 500, code ? code : status, "(%s) %s", code ? code : status,
			message ? message : "the operation has no message");
	}
	*ended = strv_eq_nocase(status, "Succeeded");
	return 0;
}

static int poll_operation(struct rest *r, const char *url, bool by_body, struct http_reply *reply, struct err *err) {
	int64_t end = clock_monotonic_ns() + WAIT_MAX_S * CLOCK_NSEC_PER_SEC, pause = 0;
	bool ended = false;
	for (;;) {
		pause = poll_pause_ms(reply, pause);
		if (clock_monotonic_ns() + pause * 1000000 > end)
			return err_set(err, -ETIMEDOUT, 504, "OperationTimedOut", "the operation has not ended after %d seconds",
				WAIT_MAX_S);
		pause_ms(pause);
		int rc = get(r, url, reply, err);
		if (rc == 0)
			rc = operation_ended(reply, by_body, &ended, err);
		if (rc < 0 || ended)
			return rc;
	}
}

// Wait for what the first answer started. Afterwards `reply` is what the request was about: the resource after a PUT
// or PATCH, the result at Location after others, or an answer without a body.
static int wait_operation(struct rest *r, struct http_reply *reply, struct err *err) {
	char operation[2048] = "", location[2048] = "";
	bool by_body = http_reply_header(reply, "Azure-AsyncOperation", operation, sizeof(operation)) == 0;
	bool has_location = http_reply_header(reply, "Location", location, sizeof(location)) == 0;
	if (!by_body && !(reply->status == 202 && has_location))
		return 0;
	int rc = poll_operation(r, by_body ? operation : location, by_body, reply, err);
	if (rc < 0)
		return rc;
	if (strcmp(r->method, "PUT") == 0 || strcmp(r->method, "PATCH") == 0)
		return get(r, r->url, reply, err);
	if (by_body && has_location && strcmp(r->method, "POST") == 0)
		return get(r, location, reply, err);
	if (by_body)
		buf_clear(&reply->body);  // the operation's own record is not what was asked for
	return 0;
}

static int print_text(const char *text, size_t len, struct err *err) {
	bool newline = len > 0 && text[len - 1] != '\n';
	if (fwrite(text, 1, len, stdout) != len || (newline && putchar('\n') == EOF))
		return err_errno(err, -EIO, "cannot write to standard output");
	return 0;
}

static int print_member(const struct rest *r, const struct http_reply *reply, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	int rc = json_parse(reply->body.data, reply->body.len, "BadGateway", &body, err);
	if (rc < 0)
		return rc;
	const json_t *value = target_select(body, r->output);
	if (!value)
		return err_set(err, -ENOENT, 404, "NotFound", "the answer has no member '%s'", r->output);
	_cleanup_free_ char *text = target_print(value);
	return text ? print_text(text, strlen(text), err) : err_oom(err);
}

static int print_body(const struct rest *r, const struct http_reply *reply, struct err *err) {
	if (r->output)
		return print_member(r, reply, err);
	_cleanup_json_ json_t *body = NULL;
	if (reply->body.len > 0 && json_parse(reply->body.data, reply->body.len, "BadGateway", &body, NULL) == 0) {
		_cleanup_free_ char *text = json_dumps(body, JSON_INDENT(2));
		return text ? print_text(text, strlen(text), err) : err_oom(err);
	}
	return print_text(buf_cstr(&reply->body), reply->body.len, err);
}

static int perform(struct rest *r, struct err *err) {
	_cleanup_reply_ struct http_reply reply = {0};
	int rc = target_url(r->argument, &r->url, err);
	if (rc < 0)
		return rc;
	const char *resource = target_resource(r->url);
	if (!resource)
		return err_set(err, -EINVAL, 400, "BadParameter", "%s is on no host of Azure; no token goes there", r->url);
	rc = session_open(r->data_dir_option, r->azure, &r->session, err);
	if (rc == 0)
		rc = read_body(r, err);
	if (rc == 0)
		rc = connect_client(r, err);
	if (rc == 0 && resource[0] && !has_header(r, "Authorization"))
		rc = fetch_token(r, resource, err);
	if (rc == 0)
		rc = send_request(r, r->method, r->url, true, &reply, err);
	if (rc < 0)
		return rc;
	if (r->include)
		print_head(&reply);
	if (reply.status >= 400)
		return service_error(&reply, err);
	if (r->wait) {
		rc = wait_operation(r, &reply, err);
		if (rc < 0)
			return rc;
	}
	return print_body(r, &reply, err);
}

static int rest(int argc, char **argv) {
	_cleanup_(rest_free) struct rest r = {0};
	bool help = false;
	int status = parse_options(argc, argv, &r, &help);
	if (status != CLI_OK)
		return status;
	if (help)
		return cli_help(&cli_rest);
	struct err err;
	int rc = secret_init(SECRET_HEAP, &err);
	if (rc == 0)
		rc = perform(&r, &err);
	if (rc < 0) {
		// The service's words alone: scripts compare them.
		fprintf(stderr, "%s\n", err.message);
		return CLI_FAILED;
	}
	return CLI_OK;
}

const struct cli_command cli_rest = {
	.name = "rest",
	.arguments = "[--data-dir DIR | --azure] [--wait] [--include] [--header 'NAME: VALUE']... [-o PATH] METHOD PATH|URL "
		     "[BODY|@FILE|-]",
	.summary = "Send one request to an Azure API and print the answer.",
	.main = rest,
};
