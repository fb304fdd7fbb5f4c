// SPDX-License-Identifier: Apache-2.0
// custodisk tenant: the tenants of an instance, which its operator makes.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "cli/operator.h"

#define TENANTS "/providers/Custodisk.Directory/tenants"
#define VERSION "?api-version=2026-11-01"

struct tenant {
	const char *data_dir, *name, *domain, *output;
	bool create;
};

// Before the tenant is made: its administrator's secret is told once.
static int reserve_file(const char *path, struct err *err) {
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, -errno, "cannot make %s", path);
	return close(fd) < 0 ? err_errno(err, -errno, "cannot make %s", path) : 0;
}

static int write_credentials(const char *path, const char *tenant, const json_t *made, struct err *err) {
	const char *client = json_str(made, "properties.administrator.clientId"),
		   *secret = json_str(made, "properties.administrator.clientSecret");
	if (!client || !secret)
		return err_set(err, -EBADMSG, 502, "BadGateway", "the answer names no administrator");
	_cleanup_json_ json_t *value = json_pack("{s:s, s:s, s:s}", "tenantId", tenant, "clientId", client, "clientSecret", secret);
	char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
	int rc = text ? io_replace_file(path, text, strlen(text), 0600, err) : err_oom(err);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}

// Where the credentials go when nobody says: into the data directory, or where the command is run inside of `run`.
static char *default_output(const struct operator *o, const char *tenant) {
	return o->session.data_dir ? strv_printf("%s/tenants/%s.json", o->session.data_dir, tenant) : strv_printf("%s.json", tenant);
}

static int make(struct operator *o, const struct tenant *t, const char *id, const char *file, struct err *err) {
	_cleanup_free_ char *path = strv_printf(TENANTS "/%s" VERSION, id);
	_cleanup_json_ json_t *body = json_pack("{s:{s:s, s:s*}}", "properties", "displayName", t->name, "domain", t->domain);
	_cleanup_json_ json_t *made = NULL;
	if (!path || !body)
		return err_oom(err);
	int rc = operator_call(o, "PUT", path, body, &made, err);
	if (rc == 0)
		rc = write_credentials(file, id, made, err);
	if (rc < 0)
		return rc;
	const char *domain = json_str(made, "properties.defaultDomain");
	printf("tenant       %s\ndomain       %s\ncredentials  %s\n", id, domain ? domain : "", file);
	return 0;
}

static int create(struct operator *o, const struct tenant *t, struct err *err) {
	char id[ENC_UUID_SIZE];
	int rc = enc_uuid(id);
	if (rc < 0)
		return err_errno(err, rc, "no random numbers");
	_cleanup_free_ char *file = t->output ? strdup(t->output) : default_output(o, id);
	if (!file)
		return err_oom(err);
	rc = reserve_file(file, err);
	if (rc < 0)
		return rc;
	rc = make(o, t, id, file, err);
	if (rc < 0)
		(void)unlink(file);
	return rc;
}

static int list(struct operator *o, struct err *err) {
	_cleanup_json_ json_t *all = NULL;
	int rc = operator_call(o, "GET", TENANTS VERSION, NULL, &all, err);
	size_t i;
	json_t *tenant;
	json_array_foreach(json_object_get(all, "value"), i, tenant) {
		const char *name = json_str(tenant, "properties.displayName"), *domain = json_str(tenant, "properties.defaultDomain"),
			   *id = json_str(tenant, "name");
		printf("%s  %-32s  %s\n", id ? id : "", domain ? domain : "", name ? name : "");
	}
	return rc;
}

static int perform(void *ctx, struct err *err) {
	const struct tenant *t = ctx;
	_cleanup_operator_ struct operator o = {0};
	int rc = operator_open(t->data_dir, &o, err);
	if (rc < 0)
		return rc;
	return t->create ? create(&o, t, err) : list(&o, err);
}

static int tenant(int argc, char **argv) {
	struct tenant t = {0};
	const struct operator_option options[] = {
		{"data-dir", &t.data_dir}, {"name", &t.name}, {"domain", &t.domain}, {"output", &t.output}};
	int first = 0;
	bool help = false;
	int status = operator_options(&cli_tenant, argc, argv, options, ARRAY_SIZE(options), &first, &help);
	if (status != CLI_OK)
		return status;
	if (help)
		return cli_help(&cli_tenant);
	const char *word = argc - first == 1 ? argv[first] : "";
	t.create = strcmp(word, "create") == 0;
	if (!t.create && strcmp(word, "list") != 0)
		return cli_usage_error(&cli_tenant, "expected 'create' or 'list'");
	if (t.create ? !t.name : t.name || t.domain || t.output)
		return cli_usage_error(&cli_tenant, "'create' needs --name, and 'list' takes no more than --data-dir");
	return operator_run(&cli_tenant, perform, &t);
}

const struct cli_command cli_tenant = {
	.name = "tenant",
	.arguments = "[--data-dir DIR] list | create --name NAME [--domain LABEL.onmicrosoft.com] [--output FILE]",
	.summary = "Show the tenants of an instance, or make one with its first administrator.",
	.main = tenant,
};
