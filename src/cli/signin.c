// SPDX-License-Identifier: Apache-2.0
// custodisk sign-in: the operator answers for the person who signs in on a device. Whoever may read the data directory is
// the operator.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "azure/azure.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/session.h"

enum { SECRET_HEAP = 65536, CODE_MAX = 32, USER_MAX = 256 };

struct sign_in {
	const char *data_dir_option, *code, *user;
	bool decline;
};

static int parse_options(int argc, char **argv, struct sign_in *s, bool *help) {
	static const struct option options[] = {
		{"data-dir", required_argument, NULL, 'd'},
		{"user", required_argument, NULL, 'u'},
		{"decline", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt;
	optind = 0;
	while ((opt = getopt_long(argc, argv, ":hu:", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			s->data_dir_option = optarg;
			break;
		case 'u':
			s->user = optarg;
			break;
		case 'n':
			s->decline = true;
			break;
		case 'h':
			*help = true;
			return CLI_OK;
		default:
			return cli_bad_option(&cli_sign_in, opt, argv);
		}
	}
	if (argc - optind != 1)
		return cli_usage_error(&cli_sign_in, "one code is needed, as the device shows it");
	if (s->decline == (s->user != NULL))
		return cli_usage_error(&cli_sign_in, "either --user or --decline is needed");
	s->code = argv[optind];
	if (strlen(s->code) > CODE_MAX || (s->user && strlen(s->user) > USER_MAX))
		return cli_usage_error(&cli_sign_in, "the code or the user name is too long");
	return CLI_OK;
}

// The instance of the data directory and its first principal, also inside of `run`, where the environment may name another.
static int open_instance(const struct sign_in *s, struct session *session, struct bootstrap *principal, struct err *err) {
	const char *env = getenv("CUSTODISK_DATA_DIR");
	int rc = session_open(s->data_dir_option ? s->data_dir_option : env && env[0] ? env : NULL, false, session, err);
	if (rc == 0 && !session->data_dir)
		rc = err_set(err, -ENOENT, 404, "NotFound", "there is no instance; name its data directory with --data-dir");
	return rc < 0 ? rc : bootstrap_read(session->data_dir, principal, err);
}

static int decide(const struct sign_in *s, json_t **reply, struct err *err) {
	_cleanup_session_ struct session session = {0};
	_cleanup_bootstrap_ struct bootstrap principal = {0};
	struct azure_client *client = NULL;
	int rc = open_instance(s, &session, &principal, err);
	if (rc < 0)
		return rc;
	const struct http_route route = session_route(&session);
	const struct azure_credential credential = {.tenant = principal.tenant, .client_id = principal.client_id,
		.client_secret = principal.client_secret};
	rc = azure_client_new(&route, &credential, &client, err);
	if (rc == 0)
		rc = azure_device_decide(client, s->code, s->user, reply, err);
	azure_client_free(client);
	return rc;
}

static int sign_in(int argc, char **argv) {
	struct sign_in s = {0};
	bool help = false;
	int status = parse_options(argc, argv, &s, &help);
	if (status != CLI_OK)
		return status;
	if (help)
		return cli_help(&cli_sign_in);
	struct err err = {0};
	_cleanup_json_ json_t *reply = NULL;
	int rc = secret_init(SECRET_HEAP, &err);
	if (rc == 0)
		rc = decide(&s, &reply, &err);
	if (rc < 0)
		return cli_fail(&cli_sign_in, &err);
	const char *user = json_str(reply, "user"), *client = json_str(reply, "client"), *scope = json_str(reply, "scope");
	if (s.decline)
		printf("declined\n");
	else
		printf("%s is signed in to %s (%s)\n", user ? user : s.user, client ? client : "", scope ? scope : "");
	return CLI_OK;
}

const struct cli_command cli_sign_in = {
	.name = "sign-in",
	.arguments = "[--data-dir DIR] CODE {--user NAME | --decline}",
	.summary = "Sign a person in whose device or app shows a code.",
	.main = sign_in,
};
