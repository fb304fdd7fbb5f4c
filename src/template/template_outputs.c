// SPDX-License-Identifier: Apache-2.0
// Outputs ("Outputs in ARM templates", Microsoft Learn).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "template/template_internal.h"

#define SEE "Please see https://aka.ms/arm-syntax-outputs for usage details."

static int check_output(struct template *t, const char *name, const json_t *output, struct err *err) {
	const json_t *value = template_member(output, "value"), *copy = template_member(output, "copy");
	int rc = template_type_valid(t, output, name, err);
	if (rc == 0 && (value != NULL) == (copy != NULL))
		return template_invalid(err, "The template output '%.128s' at line '1' and column '1' must have either a 'value' or a "
			"'copy'. " SEE, name);
	if (rc == 0 && copy && (!template_member(copy, "count") || !template_member(copy, "input")))
		return template_invalid(err, "The 'copy' of the template output '%.128s' at line '1' and column '1' must have a 'count' and "
			"an 'input'. " SEE, name);
	return rc;
}

int template_outputs_read(struct template *t, struct err *err) {
	json_t *outputs = template_member(t->document, "outputs"), *output;
	const char *name;
	if (outputs && !json_is_object(outputs))
		return template_invalid(err, "The template 'outputs' at line '1' and column '1' must be an object. " SEE);
	if (json_object_size(outputs) > TEMPLATE_OUTPUTS_MAX)
		return template_invalid(err, "The number of template outputs limit exceeded. Limit: '%d' and actual: '%zu'. " SEE,
			TEMPLATE_OUTPUTS_MAX, json_object_size(outputs));
	json_object_foreach (outputs, name, output) {
		int rc = check_output(t, name, output, err);
		if (rc == 0) {
			rc = template_inspect(t, output, NULL, err);
			rc = rc < 0 ? template_invalid_at(err, rc, "The template output '%.128s'", name) : 0;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int is_wanted(const struct template_context *c, const json_t *output, bool *wanted, struct err *err) {
	const json_t *written = template_member(output, "condition");
	_cleanup_json_ json_t *condition = NULL;
	int rc = written ? template_value(c, written, &condition, err) : 0;
	if (rc == 0 && condition && !json_is_boolean(condition))
		return template_refuse(err, "The 'condition' must be a boolean.");
	*wanted = !condition || json_is_true(condition);
	return rc;
}

static int evaluate_output(const struct template_context *c, const char *name, const json_t *output, json_t **out,
	struct err *err) {
	_cleanup_json_ json_t *value = NULL;
	const json_t *copy = template_member(output, "copy");
	int rc = copy ? template_iterate(c, name, copy, "input", true, &value, err) :
		template_value(c, template_member(output, "value"), &value, err);
	if (rc == 0)
		rc = template_type_check(c->t, output, value, name, err);
	if (rc == 0)
		*out = TAKE_PTR(value);
	return rc;
}

static int show_output(struct template *t, const json_t *output, const json_t *value, json_t **out, struct err *err) {
	_cleanup_json_ json_t *shown = json_pack("{s:s}", "type", template_type_shown(t, output, value));
	bool secure = template_type_is_secure(t, output);
	if (!shown || (!secure && json_set(shown, "value", template_type_redact(t, output, value)) < 0))
		return err_oom(err);
	*out = TAKE_PTR(shown);
	return 0;
}

static int failed(const char *name, int rc, struct err *err) {
	if (!err || rc != -EINVAL || strcmp(err->code, "InvalidTemplate") != 0)
		return rc;
	char why[ERR_MESSAGE_MAX];
	(void)snprintf(why, sizeof(why), "%s", err->message);
	return err_set(err, -EINVAL, 400, "DeploymentOutputEvaluationFailed", "Unable to evaluate template outputs: '%.128s'. Please "
		"see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details. The "
		"template output '%.128s' is not valid: %.1000s", name, name, why);
}

static int add_output(struct template *t, const char *name, const json_t *output, json_t *to, struct err *err) {
	struct template_context c = {.t = t,
		.allowed = TEMPLATE_MAY_READ | TEMPLATE_MAY_USE_VARIABLES | TEMPLATE_MAY_CALL | TEMPLATE_MAY_INSPECT};
	_cleanup_json_ json_t *value = NULL;
	json_t *shown = NULL;
	bool wanted = false;
	int rc = is_wanted(&c, output, &wanted, err);
	if (rc < 0 || !wanted)
		return rc;
	rc = evaluate_output(&c, name, output, &value, err);
	if (rc == 0)
		rc = show_output(t, output, value, &shown, err);
	return rc == 0 && json_set(to, name, shown) < 0 ? err_oom(err) : rc;
}

int template_outputs(struct template *t, json_t **out, struct err *err) {
	json_t *outputs = template_member(t->document, "outputs"), *output;
	_cleanup_json_ json_t *made = json_object();
	const char *name;
	if (!made)
		return err_oom(err);
	json_object_foreach (outputs, name, output) {
		int rc = add_output(t, name, output, made, err);
		if (rc < 0)
			return failed(name, rc, err);
	}
	*out = TAKE_PTR(made);
	return 0;
}
