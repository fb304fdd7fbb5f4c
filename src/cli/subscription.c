// SPDX-License-Identifier: Apache-2.0
// custodisk subscription: the subscriptions of a tenant, made through Azure's aliases.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"
#include "base/strv.h"
#include "cli/operator.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

enum { ALIAS_MAX = 63 };

struct subscription {
	const char *data_dir, *name, *alias, *workload;
	bool create;
};

static int create(struct operator *o, const struct subscription *s, struct err *err) {
	char id[ENC_UUID_SIZE];
	int rc = enc_uuid(id);
	if (rc < 0)
		return err_errno(err, rc, "no random numbers");
	_cleanup_free_ char *path =
		strv_printf("/providers/Microsoft.Subscription/aliases/%s?api-version=2021-10-01", s->alias ? s->alias : id);
	_cleanup_json_ json_t *body =
		json_pack("{s:{s:s, s:s}}", "properties", "displayName", s->name, "workload", s->workload ? s->workload : "Production");
	_cleanup_json_ json_t *made = NULL;
	if (!path || !body)
		return err_oom(err);
	rc = operator_call(o, "PUT", path, body, &made, err);
	const char *subscription = json_str(made, "properties.subscriptionId");
	if (rc == 0 && !subscription)
		return err_set(err, -EBADMSG, 502, "BadGateway", "the answer names no subscription");
	if (rc == 0)
		printf("%s\n", subscription);
	return rc;
}

static int list(struct operator *o, struct err *err) {
	_cleanup_json_ json_t *all = NULL;
	int rc = operator_call(o, "GET", "/subscriptions?api-version=2022-12-01", NULL, &all, err);
	size_t i;
	json_t *s;
	json_array_foreach(json_object_get(all, "value"), i, s) {
		const char *id = json_str(s, "subscriptionId"), *state = json_str(s, "state"), *name = json_str(s, "displayName");
		printf("%s  %-8s  %s\n", id ? id : "", state ? state : "", name ? name : "");
	}
	return rc;
}

static int perform(void *ctx, struct err *err) {
	const struct subscription *s = ctx;
	_cleanup_operator_ struct operator o = {0};
	int rc = operator_open(s->data_dir, &o, err);
	if (rc < 0)
		return rc;
	return s->create ? create(&o, s, err) : list(&o, err);
}

static int subscription(int argc, char **argv) {
	struct subscription s = {0};
	const struct operator_option options[] = {
		{"data-dir", &s.data_dir}, {"name", &s.name}, {"alias", &s.alias}, {"workload", &s.workload}};
	int first = 0;
	bool help = false;
	int status = operator_options(&cli_subscription, argc, argv, options, ARRAY_SIZE(options), &first, &help);
	if (status != CLI_OK)
		return status;
	if (help)
		return cli_help(&cli_subscription);
	const char *word = argc - first == 1 ? argv[first] : "";
	s.create = strcmp(word, "create") == 0;
	if (!s.create && strcmp(word, "list") != 0)
		return cli_usage_error(&cli_subscription, "expected 'create' or 'list'");
	if (s.create ? !s.name : s.name || s.alias || s.workload)
		return cli_usage_error(&cli_subscription, "'create' needs --name, and 'list' takes no more than --data-dir");
	if (s.alias && !strv_made_of(s.alias, NAME_CHARACTERS, 1, ALIAS_MAX))
		return cli_usage_error(&cli_subscription, "an alias is made of letters, digits, '-', '_' and '.'");
	return operator_run(&cli_subscription, perform, &s);
}

const struct cli_command cli_subscription = {
	.name = "subscription",
	.arguments = "[--data-dir DIR] list | create --name NAME [--alias ALIAS] [--workload Production|DevTest]",
	.summary = "Show the subscriptions that a principal has a role in, or make one.",
	.main = subscription,
};
