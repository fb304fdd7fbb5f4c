// SPDX-License-Identifier: Apache-2.0
#include "cli/operator.h"

#include <getopt.h>
#include <string.h>

#include "base/secret.h"

enum { SECRET_HEAP = 65536, OPTIONS_MAX = 8, FIRST_OPTION = 256 };

void operator_close(struct operator *o) {
	azure_client_free(o->client);
	session_close(&o->session);
	bootstrap_wipe(&o->principal);
}

// Into *o, which is where the client goes on reading its credential.
int operator_open(const char *data_dir_option, struct operator *o, struct err *err) {
	int rc = session_open(data_dir_option, false, &o->session, err);
	if (rc == 0)
		rc = session_principal(&o->session, &o->principal, err);
	if (rc < 0)
		return rc;
	const struct http_route route = session_route(&o->session);
	const struct azure_credential credential = {.tenant = o->principal.tenant, .client_id = o->principal.client_id,
		.client_secret = o->principal.client_secret};
	return azure_client_new(&route, &credential, &o->client, err);
}

int operator_call(struct operator *o, const char *method, const char *path, const json_t *body, json_t **out, struct err *err) {
	char operation[AZURE_URL_MAX];
	int status;
	return azure_arm(o->client, method, path, body, out, &status, operation, err);
}

int operator_options(const struct cli_command *command, int argc, char **argv, const struct operator_option *options,
	size_t option_count, int *first_word, bool *help) {
	struct option known[OPTIONS_MAX + 2] = {{"help", no_argument, NULL, 'h'}};
	for (size_t i = 0; i < option_count && i < OPTIONS_MAX; i++)
		known[i + 1] = (struct option){options[i].name, required_argument, NULL, FIRST_OPTION + (int)i};
	optind = 0;
	for (int opt; (opt = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		if (opt == 'h') {
			*help = true;
			return CLI_OK;
		}
		if (opt < FIRST_OPTION)
			return cli_bad_option(command, opt, argv);
		*options[opt - FIRST_OPTION].value = optarg;
	}
	*first_word = optind;
	return CLI_OK;
}

int operator_run(const struct cli_command *command, int (*perform)(void *ctx, struct err *err), void *ctx) {
	struct err err = {0};
	int rc = secret_init(SECRET_HEAP, &err);
	if (rc == 0)
		rc = perform(ctx, &err);
	return rc < 0 ? cli_fail(command, &err) : CLI_OK;
}
