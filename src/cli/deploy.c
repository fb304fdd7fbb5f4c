// SPDX-License-Identifier: Apache-2.0
// custodisk deploy: templates in stages, each shown as what it would change, approved, and deployed; a client of Azure Resource
// Manager, be it custodisk's or the real one.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "azure/azure.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "cli/stages.h"

#define VERSION "2024-11-01"
#define GROUP_VERSION "2024-03-01"
enum { SECRET_HEAP = 65536, WAIT_SECONDS = 4 * 3600, DETAIL_DEPTH_MAX = 8, THROTTLED_SECONDS = 2, THROTTLED_TIMES = 30 };

struct deploy {
	// Options.
	const char *data_dir_option, *from, *subscription, *file;
	bool azure, yes, what_if;

	struct session session;
	struct bootstrap principal;
	struct azure_client *azure_client;
	struct stages stages;
	json_t *outputs;  // {"stage": {"output": {…}}}
};

static void deploy_free(struct deploy *d) {
	azure_client_free(d->azure_client);
	session_close(&d->session);
	bootstrap_wipe(&d->principal);
	stages_free(&d->stages);
	json_decref(d->outputs);
}

// CLI_OK, or the exit status. *help tells that usage was asked for.
static int parse_options(int argc, char **argv, struct deploy *d, bool *help) {
	static const struct option options[] = {
		{"data-dir", required_argument, NULL, 'd'},
		{"azure", no_argument, NULL, 'a'},
		{"subscription", required_argument, NULL, 's'},
		{"from", required_argument, NULL, 'f'},
		{"what-if", no_argument, NULL, 'w'},
		{"yes", no_argument, NULL, 'y'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt;
	optind = 0;
	while ((opt = getopt_long(argc, argv, ":hy", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			d->data_dir_option = optarg;
			break;
		case 'a':
			d->azure = true;
			break;
		case 's':
			d->subscription = optarg;
			break;
		case 'f':
			d->from = optarg;
			break;
		case 'w':
			d->what_if = true;
			break;
		case 'y':
			d->yes = true;
			break;
		case 'h':
			*help = true;
			return CLI_OK;
		default:
			return cli_bad_option(&cli_deploy, opt, argv);
		}
	}
	if (d->azure && d->data_dir_option)
		return cli_usage_error(&cli_deploy, "--azure and --data-dir exclude each other");
	if (argc - optind != 1)
		return cli_usage_error(&cli_deploy, "one file that describes the stages is needed");
	d->file = argv[optind];
	return CLI_OK;
}

static int connect_azure(struct deploy *d, struct err *err) {
	int rc = session_open(d->data_dir_option, d->azure, &d->session, err);
	if (rc == 0)
		rc = session_principal(&d->session, &d->principal, err);
	if (rc < 0)
		return rc;
	if (!d->subscription)
		d->subscription = d->principal.subscription;
	if (!strv_made_of(d->subscription, "0123456789abcdefABCDEF-", 1, 36))
		return err_set(err, -EINVAL, 400, "BadParameter", "no subscription is named; give --subscription or set AZURE_SUBSCRIPTION_ID");
	const struct http_route route = session_route(&d->session);
	const struct azure_credential credential = {.tenant = d->principal.tenant, .client_id = d->principal.client_id,
		.client_secret = d->principal.client_secret};
	return azure_client_new(&route, &credential, &d->azure_client, err);
}

// "/subscriptions/{s}[/resourceGroups/{g}]", to be freed.
static char *stage_scope(const struct deploy *d, const struct stage *s) {
	return s->group ? strv_printf("/subscriptions/%s/resourceGroups/%s", d->subscription, s->group)
			: strv_printf("/subscriptions/%s", d->subscription);
}

static char *deployment_path(const struct deploy *d, const struct stage *s, const char *action) {
	_cleanup_free_ char *scope = stage_scope(d, s);
	return scope ? strv_printf("%s/providers/Microsoft.Resources/deployments/%s%s?api-version=" VERSION, scope, s->name, action) : NULL;
}

// One call, made again while the service says that there were too many. (Other answers that may pass do not tell whether the
// call was taken.)
static int call(struct deploy *d, const char *method, const char *path, const json_t *body, json_t **reply, char *operation,
	struct err *err) {
	const struct timespec pause = {.tv_sec = THROTTLED_SECONDS};
	int status, rc;
	for (int i = 0;; i++) {
		rc = azure_arm(d->azure_client, method, path, body, reply, &status, operation, err);
		if (rc != -EAGAIN || err->status != 429 || i == THROTTLED_TIMES)
			return rc;
		(void)nanosleep(&pause, NULL);
	}
}

// One call and the end of what it started. *reply may be NULL for who does not need it.
static int ask(struct deploy *d, const char *method, const char *path, const json_t *body, json_t **reply, char *operation,
	struct err *err) {
	_cleanup_json_ json_t *answer = NULL;
	int rc = path ? call(d, method, path, body, &answer, operation, err) : err_oom(err);
	if (rc == 0 && operation[0])
		rc = azure_arm_wait(d->azure_client, operation, WAIT_SECONDS, err);
	if (rc == 0 && reply)
		*reply = TAKE_PTR(answer);
	return rc;
}

static int ensure_group(struct deploy *d, const struct stage *s, struct err *err) {
	_cleanup_free_ char *path = strv_printf("/subscriptions/%s/resourceGroups/%s?api-version=" GROUP_VERSION, d->subscription, s->group);
	_cleanup_json_ json_t *body = json_pack("{s:s}", "location", d->stages.location);
	char operation[AZURE_URL_MAX];
	if (!path || !body)
		return err_oom(err);
	struct err missing = {0};
	int rc = ask(d, "GET", path, NULL, NULL, operation, &missing);
	if (rc != -ENOENT) {
		if (rc < 0)
			*err = missing;
		return rc;
	}
	printf("  makes the resource group %s in %s\n", s->group, d->stages.location);
	return ask(d, "PUT", path, body, NULL, operation, err);
}

static int make_body(struct deploy *d, const struct stage *s, json_t **out, struct err *err) {
	_cleanup_json_ json_t *parameters = NULL;
	int rc = stage_parameters(s, d->outputs, &parameters, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *body = json_pack("{s:{s:s, s:O, s:O}}", "properties", "mode", "Incremental", "template", s->document,
		"parameters", parameters);
	if (!body || (!s->group && json_set_str(body, "location", d->stages.location) < 0))
		return err_oom(err);
	*out = TAKE_PTR(body);
	return 0;
}

// As JSON in ASCII: what a resource holds must not steer a terminal.
static char *printable(const json_t *value) {
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : strdup("nothing");
	return text;
}

static char mark_of(const char *type) {
	static const struct {
		const char *type;
		char mark;
	} marks[] = {{"Create", '+'}, {"Delete", '-'}, {"Modify", '~'}, {"Array", '~'}, {"NoChange", '='}, {"Ignore", '*'}, {"Deploy", '!'}};
	for (size_t i = 0; type && i < ARRAY_SIZE(marks); i++)
		if (strv_eq_nocase(type, marks[i].type))
			return marks[i].mark;
	return '?';
}

static int print_delta(const json_t *delta, int indent, struct err *err) {
	size_t i;
	json_t *change;
	json_array_foreach((json_t *)(uintptr_t)delta, i, change) {
		const char *type = json_str(change, "propertyChangeType");
		const json_t *children = json_object_get(change, "children");
		_cleanup_free_ char *path = printable(json_object_get(change, "path"));
		_cleanup_free_ char *before = printable(json_object_get(change, "before"));
		_cleanup_free_ char *after = printable(json_object_get(change, "after"));
		if (!path || !before || !after)
			return err_oom(err);
		printf("%*s%c %s", indent, "", mark_of(type), path);
		if (json_array_size(children) > 0 && indent < 2 * DETAIL_DEPTH_MAX) {
			printf("\n");
			int rc = print_delta(children, indent + 2, err);
			if (rc < 0)
				return rc;
		} else if (type && strv_eq_nocase(type, "Create")) {
			printf(": %s\n", after);
		} else if (type && strv_eq_nocase(type, "Delete")) {
			printf(": %s\n", before);
		} else {
			printf(": %s => %s\n", before, after);
		}
	}
	return 0;
}

// What stands in the stage's own scope is named by what is behind it.
static int print_change(const char *scope, const json_t *change, struct err *err) {
	const char *type = json_str(change, "changeType"), *id = json_str(change, "resourceId");
	size_t n = strlen(scope);
	bool inside = id && strncasecmp(id, scope, n) == 0 && id[n] == '/';
	_cleanup_json_ json_t *name = json_string(inside ? id + n + 1 : id ? id : "");
	_cleanup_free_ char *text = printable(name);
	if (!text)
		return err_oom(err);
	printf("  %c %s\n", mark_of(type), text);
	return print_delta(json_object_get(change, "delta"), 6, err);
}

static int print_changes(const char *scope, const json_t *result, struct err *err) {
	size_t i, count = 0;
	json_t *change;
	json_array_foreach(json_at(result, "properties.changes"), i, change) {
		const char *type = json_str(change, "changeType");
		if (type && strv_eq_nocase(type, "Ignore"))
			continue;
		count += !type || !strv_eq_nocase(type, "NoChange");
		int rc = print_change(scope, change, err);
		if (rc < 0)
			return rc;
	}
	if (count == 0)
		printf("  nothing changes\n");
	return 0;
}

static void print_error(const json_t *error, int indent) {
	_cleanup_free_ char *code = printable(json_object_get(error, "code"));
	_cleanup_free_ char *message = printable(json_object_get(error, "message"));
	if (!json_is_object(error) || !code || !message)
		return;
	fprintf(stderr, "%*s%s %s\n", indent, "", code, message);
	size_t i;
	json_t *detail;
	json_array_foreach(json_object_get(error, "details"), i, detail)
		if (indent < 2 * DETAIL_DEPTH_MAX)
			print_error(detail, indent + 2);
}

static int what_if(struct deploy *d, const struct stage *s, const json_t *body, struct err *err) {
	_cleanup_free_ char *path = deployment_path(d, s, "/whatIf");
	_cleanup_free_ char *scope = stage_scope(d, s);
	_cleanup_json_ json_t *result = NULL;
	char operation[AZURE_URL_MAX];
	int rc = ask(d, "POST", path, body, &result, operation, err);
	if (rc == 0 && operation[0]) {
		// The result stands where the operation was waited for.
		json_decref(result);
		result = NULL;
		char ignored[AZURE_URL_MAX];
		rc = call(d, "GET", operation + strlen(AZURE_ARM_RESOURCE), NULL, &result, ignored, err);
	}
	if (rc < 0)
		return rc;
	// A refused template is a result too.
	const json_t *error = json_object_get(result, "error");
	if (json_is_object(error)) {
		print_error(error, 2);
		return err_set(err, -EINVAL, 400, "InvalidTemplateDeployment", "stage '%s' cannot be deployed", s->name);
	}
	return scope ? print_changes(scope, result, err) : err_oom(err);
}

// 1 yes, 0 no.
static int approved(const struct deploy *d, const struct stage *s, struct err *err) {
	char answer[16];
	if (d->yes)
		return 1;
	if (!isatty(STDIN_FILENO))
		return err_set(err, -EPERM, 403, "NotApproved", "nobody can be asked whether to deploy stage '%s'; give --yes", s->name);
	printf("Deploy stage '%s'? [y/N] ", s->name);
	(void)fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		return 0;
	return strcmp(answer, "y\n") == 0 || strcmp(answer, "Y\n") == 0 || strcmp(answer, "yes\n") == 0;
}

static int read_deployment(struct deploy *d, const struct stage *s, json_t **out, struct err *err) {
	_cleanup_free_ char *path = deployment_path(d, s, "");
	char operation[AZURE_URL_MAX];
	return path ? call(d, "GET", path, NULL, out, operation, err) : err_oom(err);
}

static int keep_outputs(struct deploy *d, const struct stage *s, bool print, struct err *err) {
	_cleanup_json_ json_t *deployment = NULL;
	int rc = read_deployment(d, s, &deployment, err);
	if (rc < 0)
		return rc;
	const char *state = json_str(deployment, "properties.provisioningState");
	if (!state || !strv_eq_nocase(state, "Succeeded"))
		return err_set(err, -EIO, 409, "DeploymentFailed", "stage '%s' is %s", s->name, state ? state : "in no known state");
	json_t *outputs = json_at(deployment, "properties.outputs");
	const char *name;
	json_t *output;
	if (json_set(d->outputs, s->name, outputs ? json_incref(outputs) : json_object()) < 0)
		return err_oom(err);
	json_object_foreach(outputs, name, output) {
		_cleanup_free_ char *text = printable(json_object_get(output, "value"));
		if (!text)
			return err_oom(err);
		if (print)
			printf("  %s = %s\n", name, text);
	}
	return 0;
}

static int run(struct deploy *d, const struct stage *s, const json_t *body, struct err *err) {
	_cleanup_free_ char *path = deployment_path(d, s, "");
	char operation[AZURE_URL_MAX];
	int rc = ask(d, "PUT", path, body, NULL, operation, err);
	if (rc == 0)
		return keep_outputs(d, s, true, err);
	// What went wrong in it says more than that it went wrong.
	_cleanup_json_ json_t *deployment = NULL;
	if (rc == -ECANCELED && read_deployment(d, s, &deployment, NULL) == 0)
		print_error(json_at(deployment, "properties.error"), 2);
	return rc;
}

static int deploy_stage(struct deploy *d, size_t i, struct err *err) {
	const struct stage *s = &d->stages.at[i];
	_cleanup_json_ json_t *body = NULL;
	printf("Stage %zu of %zu: %s, %s %s\n", i + 1, d->stages.count, s->name, s->group ? "resource group" : "subscription",
		s->group ? s->group : d->subscription);
	(void)fflush(stdout);
	int rc = s->group ? ensure_group(d, s, err) : 0;
	if (rc == 0)
		rc = make_body(d, s, &body, err);
	if (rc == 0)
		rc = what_if(d, s, body, err);
	if (rc < 0 || d->what_if)
		return rc;
	rc = approved(d, s, err);
	if (rc == 0)
		return err_set(err, -ECANCELED, 403, "NotApproved", "stage '%s' was not approved", s->name);
	return rc < 0 ? rc : run(d, s, body, err);
}

static int find_first(const struct deploy *d, size_t *first, struct err *err) {
	*first = 0;
	while (d->from && *first < d->stages.count && strcmp(d->stages.at[*first].name, d->from) != 0)
		++*first;
	return *first < d->stages.count ? 0 : err_set(err, -ENOENT, 404, "StageNotFound", "there is no stage '%s'", d->from);
}

static int perform(struct deploy *d, struct err *err) {
	size_t first = 0;
	int rc = stages_read(d->file, &d->stages, err);
	if (rc == 0)
		rc = find_first(d, &first, err);
	if (rc < 0)
		return rc;
	d->outputs = json_object();
	rc = d->outputs ? connect_azure(d, err) : err_oom(err);
	for (size_t i = 0; rc == 0 && i < first; i++)
		rc = keep_outputs(d, &d->stages.at[i], false, err);
	for (size_t i = first; rc == 0 && i < d->stages.count; i++) {
		rc = deploy_stage(d, i, err);
		// A later stage needs what this one would have given.
		if (d->what_if)
			break;
	}
	return rc;
}

static int deploy(int argc, char **argv) {
	_cleanup_(deploy_free) struct deploy d = {0};
	bool help = false;
	int status = parse_options(argc, argv, &d, &help);
	if (status != CLI_OK)
		return status;
	if (help)
		return cli_help(&cli_deploy);
	struct err err = {0};
	int rc = secret_init(SECRET_HEAP, &err);
	if (rc == 0)
		rc = perform(&d, &err);
	return rc < 0 ? cli_fail(&cli_deploy, &err) : CLI_OK;
}

const struct cli_command cli_deploy = {
	.name = "deploy",
	.arguments = "[--data-dir DIR | --azure] [--subscription ID] [--from STAGE] [--what-if | --yes] STAGES.json",
	.summary = "Deploy templates in stages, each shown and approved before.",
	.main = deploy,
};
