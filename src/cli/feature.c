// SPDX-License-Identifier: Apache-2.0
// custodisk feature: requests for preview features that wait for the operator's approval.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "cli/operator.h"

#define VERSION "?api-version=2026-11-01"

struct feature {
	const char *data_dir, *subscription;
	const char *name;  // "Microsoft.Compute/DCav6Series"; NULL to list
};

static int approve(struct operator *o, const struct feature *f, struct err *err) {
	const char *slash = strchr(f->name, '/');
	_cleanup_json_ json_t *body = json_pack("{s:s, s:s%, s:s}", "subscriptionId",
		f->subscription ? f->subscription : o->principal.subscription, "namespace", f->name, (size_t)(slash - f->name), "feature",
		slash + 1);
	_cleanup_json_ json_t *answer = NULL;
	if (!body)
		return err_oom(err);
	return operator_call(o, "POST", "/providers/Custodisk.Directory/approveFeature" VERSION, body, &answer, err);
}

static int list(struct operator *o, struct err *err) {
	_cleanup_json_ json_t *all = NULL;
	int rc = operator_call(o, "GET", "/providers/Custodisk.Directory/featureRequests" VERSION, NULL, &all, err);
	size_t i;
	json_t *r;
	json_array_foreach(json_object_get(all, "value"), i, r) {
		const char *id = json_str(r, "subscriptionId"), *space = json_str(r, "namespace"), *name = json_str(r, "feature"),
			   *since = json_str(r, "requested");
		printf("%s  %s/%s  %s\n", id ? id : "", space ? space : "", name ? name : "", since ? since : "");
	}
	return rc;
}

static int perform(void *ctx, struct err *err) {
	const struct feature *f = ctx;
	_cleanup_operator_ struct operator o = {0};
	int rc = operator_open(f->data_dir, &o, err);
	if (rc < 0)
		return rc;
	return f->name ? approve(&o, f, err) : list(&o, err);
}

static int feature(int argc, char **argv) {
	struct feature f = {0};
	const struct operator_option options[] = {{"data-dir", &f.data_dir}, {"subscription", &f.subscription}};
	int first = 0;
	bool help = false;
	int status = operator_options(&cli_feature, argc, argv, options, ARRAY_SIZE(options), &first, &help);
	if (status != CLI_OK)
		return status;
	if (help)
		return cli_help(&cli_feature);
	int words = argc - first;
	bool lists = words == 1 && strcmp(argv[first], "list") == 0;
	bool approves = words == 2 && strcmp(argv[first], "approve") == 0 && strchr(argv[first + 1], '/');
	if (!lists && !approves)
		return cli_usage_error(&cli_feature, "expected 'list', or 'approve' and NAMESPACE/FEATURE");
	f.name = approves ? argv[first + 1] : NULL;
	return operator_run(&cli_feature, perform, &f);
}

const struct cli_command cli_feature = {
	.name = "feature",
	.arguments = "[--data-dir DIR] list | approve [--subscription ID] NAMESPACE/FEATURE",
	.summary = "Show which preview features wait for approval, or approve one.",
	.main = feature,
};
