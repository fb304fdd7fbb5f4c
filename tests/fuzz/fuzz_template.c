// SPDX-License-Identifier: Apache-2.0
// A deployment's template, from the request to its last output. Parameters are what its metadata.given says; a template for
// a subscription is opened at one.
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "template/template.h"

#define SUBSCRIPTION_ID "11111111-1111-1111-1111-111111111111"
#define SUBSCRIPTION "/subscriptions/" SUBSCRIPTION_ID

#define _cleanup_template_ _cleanup_(template_closep)

static json_t *subscription, *group, *other;

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
	subscription = json_pack("{s:s, s:s}", "id", SUBSCRIPTION, "subscriptionId", SUBSCRIPTION_ID);
	group = json_pack("{s:s, s:s, s:s}", "id", SUBSCRIPTION "/resourceGroups/rg", "name", "rg", "location", "westeurope");
	other = json_pack("{s:s, s:s}", "name", "x", "tenantId", "t");
	must(subscription && group && other);
	return 0;
}

// Nothing but an id may reach the control plane.
static void must_be_id(const char *id) {
	must(id[0] == '/' && !strpbrk(id, "?#%\\<>&") && !strstr(id, "//") && !strstr(id, "/../") && !strstr(id, "/./"));
	for (const char *p = id; *p; p++)
		must((unsigned char)*p >= 0x20);
}

static int answer_reference(void *ctx _unused_, const char *id, const char *api_version, bool full, json_t **out,
	struct err *err) {
	must_be_id(id);
	must(api_version);
	if (strlen(id) % 7 == 0)
		return err_set(err, -ENOENT, 404, "ResourceNotFound", "There is none.");
	*out = full ? json_pack("{s:s, s:{s:[s]}}", "id", id, "properties", "a", "[b]") :
		json_pack("{s:s, s:s, s:{s:{s:s}}}", "id", id, "a", "[b]", "outputs", "it", "value", "c");
	must(*out);
	return 0;
}

static int answer_list(void *ctx _unused_, const char *function, const char *id, const char *api_version,
	const json_t *body _unused_, json_t **out, struct err *err _unused_) {
	must_be_id(id);
	must(api_version && strv_starts_with_nocase(function, "list") && !strpbrk(function, "/?#"));
	*out = json_pack("{s:s}", "value", "key");
	must(*out);
	return 0;
}

static int answer_provider(void *ctx _unused_, const char *name _unused_, json_t **out, struct err *err _unused_) {
	*out = json_pack("{s:[{s:s, s:[{s:s, s:[s, s]}]}]}", "resourceTypes", "resourceType", "vms", "zoneMappings", "location",
		"westeurope", "zones", "1", "2");
	must(*out);
	return 0;
}

static int answer_secret(void *ctx _unused_, const char *vault_id _unused_, const char *name _unused_,
	const char *version _unused_, json_t **out, struct err *err _unused_) {
	*out = json_string("fuzz-secret-value");
	must(*out);
	return 0;
}

static void must_be_refusal(int rc, const struct err *err) {
	must((rc == -EINVAL && err->status == 400) || (rc == -ENOENT && err->status == 404));
	must(err->code[0] && err->message[0]);
}

// No resource waits for itself, for one twice, or for one that is left out.
static void must_be_ordered(const struct template *t) {
	size_t count = template_resource_count(t), done = 0, before = SIZE_MAX;
	bool *ready = calloc(count + 1, sizeof(*ready));
	must(ready);
	while (done != before) {
		before = done;
		for (size_t i = 0; i < count; i++) {
			const struct template_resource *r = template_resource_at(t, i);
			size_t waits = 0;
			for (size_t d = 0; d < r->depend_count; d++) {
				must(r->depends[d] < count && !template_resource_at(t, r->depends[d])->condition);
				waits += !ready[r->depends[d]];
			}
			if (!ready[i] && waits == 0) {
				ready[i] = true;
				done++;
			}
		}
	}
	must(done == count);
	free(ready);
}

static void must_hide(const struct template *t) {
	const json_t *shown = template_shown_parameters(t);
	json_t *all = (json_t *)(uintptr_t)template_parameters(t), *parameter;
	const char *name;
	must(json_object_size(shown) == json_object_size(all));
	json_object_foreach (all, name, parameter)
		must(!template_parameter_is_secure(t, name) || !json_object_get(json_object_get(shown, name), "value"));
	_cleanup_free_ char *text = json_text(shown);
	must(text && !strstr(text, "fuzz-secret-value"));
}

static void deploy(struct template *t) {
	must_be_ordered(t);
	must_hide(t);
	for (size_t i = 0; i < template_resource_count(t); i++) {
		const struct template_resource *r = template_resource_at(t, i);
		_cleanup_json_ json_t *body = NULL;
		struct err err = {0};
		must_be_id(r->id);
		must(strchr(r->type, '/') && r->name[0] && r->api_version);
		int rc = template_resource_body(t, i, &body, &err);
		if (rc < 0)
			must_be_refusal(rc, &err);
		else
			must(json_is_object(body));
	}
	_cleanup_json_ json_t *outputs = NULL;
	struct err err = {0};
	int rc = template_outputs(t, &outputs, &err);
	if (rc < 0)
		must_be_refusal(rc, &err);
	else
		must(json_is_object(outputs));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_json_ json_t *document = NULL, *kept = NULL;
	_cleanup_template_ struct template *t = NULL, *again = NULL;
	struct err err = {0};
	if (json_parse(data, size, "x", &document, NULL) < 0)
		return 0;
	const char *schema = json_str(document, "$schema");
	bool at_subscription = schema && strstr(schema, "subscription");
	const struct template_place place = {.scope = at_subscription ? SUBSCRIPTION : SUBSCRIPTION "/resourceGroups/rg",
		.subscription = subscription, .resource_group = at_subscription ? NULL : group, .tenant = other, .deployment = other,
		.environment = other, .deployer = other, .now = 1700000000, .reference = answer_reference, .list = answer_list,
		.provider = answer_provider, .secret = answer_secret};
	int rc = template_open(document, json_at(document, "metadata.given"), &place, &t, &err);
	if (rc < 0) {
		must_be_refusal(rc, &err);
		return 0;
	}
	deploy(t);
	// As its parameters are kept it can be opened again, to the same resources.
	kept = json_deep_copy(template_parameters(t));
	rc = template_open(document, kept, &place, &again, &err);
	must(rc == 0 && json_equal(template_parameters(again), kept));
	must(template_resource_count(again) == template_resource_count(t));
	for (size_t i = 0; i < template_resource_count(t); i++)
		must(strcmp(template_resource_at(again, i)->id, template_resource_at(t, i)->id) == 0);
	return 0;
}
