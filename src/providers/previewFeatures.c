// SPDX-License-Identifier: Apache-2.0
// Microsoft.Features: preview features that a subscription registers. Registration takes a while by the instance's clock;
// some wait for an operator first. Afterwards clients register the namespace again, as for Azure.
#include "providers/previewFeatures.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define TYPE "Microsoft.Features/providers/features"
#define COMPUTE "Microsoft.Compute"

enum { REGISTRATION_SECONDS = 60 };

static const struct feature {
	const char *space, *name;
	bool approval;  // nobody gets it by asking alone
} features[] = {
	{COMPUTE, "AutomaticZoneRebalancing", false},
	{COMPUTE, "DCasv5", false},
	{COMPUTE, "DCav6Series", true},
	{COMPUTE, "ECasv5", false},
	{COMPUTE, "EncryptionAtHost", false},
	{COMPUTE, "InGuestAutoPatchVMPreview", false},
	{COMPUTE, "InGuestHotPatchVMPreview", false},
	{COMPUTE, "SharedDisksForPremium", false},
	{COMPUTE, "UseStandardSecurityType", false},
	{COMPUTE, "VMHibernationPreview", false},
	{COMPUTE, "VMSKUPreview", false},
};

static const struct feature *find(const char *space, const char *name) {
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (strv_eq_nocase(features[i].space, space) && strv_eq_nocase(features[i].name, name))
			return &features[i];
	return NULL;
}

// What a stored state has become with time.
static const char *state_now(const char *stored, int64_t changed) {
	if (clock_now() < changed + REGISTRATION_SECONDS)
		return stored;
	if (strcmp(stored, "Registering") == 0)
		return "Registered";
	return strcmp(stored, "Unregistering") == 0 ? "Unregistered" : stored;
}

static int read_state(struct store_tx *tx, const char *subscription, const struct feature *f, const char **out,
	struct err *err) {
	static const char *const known[] = {"Registering", "Registered", "Pending", "Unregistering", "Unregistered"};
	_cleanup_free_ char *key = strv_lower(subscription);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!key)
		return err_oom(err);
	int rc = store_query(tx, &rows, err,
		"SELECT state, changed FROM feature_registrations WHERE subscription_id = $1 AND namespace = $2 AND name = $3", "sss", key,
		f->space, f->name);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	const char *state = rc > 0 ? state_now(store_text(rows, 0), store_int(rows, 1)) : "NotRegistered";
	*out = "NotRegistered";
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i], state) == 0)
			*out = known[i];
	return 0;
}

static int write_state(struct store_tx *tx, const char *subscription, const struct feature *f, const char *state,
	struct err *err) {
	_cleanup_free_ char *key = strv_lower(subscription);
	if (!key)
		return err_oom(err);
	int rc = store_exec(tx, err,
		"DELETE FROM feature_registrations WHERE subscription_id = $1 AND namespace = $2 AND name = $3", "sss", key, f->space,
		f->name);
	if (rc >= 0)
		rc = store_exec(tx, err,
			"INSERT INTO feature_registrations (subscription_id, namespace, name, state, changed) VALUES ($1,$2,$3,$4,$5)", "ssssi",
			key, f->space, f->name, state, clock_now());
	return rc < 0 ? rc : 0;
}

int feature_approve(struct store_tx *tx, const char *subscription, const char *space, const char *name, struct err *err) {
	const struct feature *f = find(space, name);
	const char *state = "NotRegistered";
	int rc = f ? read_state(tx, subscription, f, &state, err) : 0;
	if (rc == 0 && strcmp(state, "Pending") != 0)
		return err_set(err, -ENOENT, 404, "FeatureRequestNotFound",
			"The subscription '%.64s' has no request for the feature '%.64s/%.64s' that waits for approval.", subscription, space,
			name);
	return rc < 0 ? rc : write_state(tx, subscription, f, "Registering", err);
}

int feature_requests(struct store_tx *tx, json_t *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT subscription_id, namespace, name, changed FROM feature_registrations WHERE state = 'Pending'"
		" ORDER BY changed, subscription_id, namespace, name",
		"");
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		char time[CLOCK_RFC3339_MAX];
		if (json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s}", "subscriptionId", store_text(rows, 0), "namespace",
						       store_text(rows, 1), "feature", store_text(rows, 2), "requested",
						       clock_rfc3339(store_int(rows, 3), time))) < 0)
			return err_oom(err);
	}
	return rc;
}

static int render(struct arm_call *call, const struct feature *f, json_t **out, struct err *err) {
	const char *state;
	int rc = read_state(call->tx, call->target->subscription, f, &state, err);
	if (rc < 0)
		return rc;
	_cleanup_free_ char *id = strv_printf("/subscriptions/%s/providers/Microsoft.Features/providers/%s/features/%s",
		call->target->subscription, f->space, f->name);
	json_t *shown = id ? json_pack("{s:s, s:s, s:s++, s:{s:s}}", "id", id, "type", TYPE, "name", f->space, "/", f->name, "properties",
				    "state", state)
			   : NULL;
	if (!shown)
		return err_oom(err);
	*out = shown;
	return 0;
}

// All features, or those of a namespace.
static int list(struct arm_call *call, const char *space, struct err *err) {
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		json_t *shown = NULL;
		if (space[0] && !strv_eq_nocase(space, features[i].space))
			continue;
		int rc = render(call, &features[i], &shown, err);
		if (rc < 0)
			return rc;
		if (json_array_append_new(value, shown) < 0)
			return err_oom(err);
	}
	return 0;
}

// The namespace in ".../providers/Microsoft.Features/providers/{namespace}/features/{name}".
static void namespace_of(const struct arm_target *t, char out[static ARM_NAME_MAX]) {
	static const char word[] = "/providers/Microsoft.Features/providers/";
	const char *at = t->id + strlen(t->scope);
	at = strv_starts_with_nocase(at, word) ? at + sizeof(word) - 1 : "";
	(void)snprintf(out, ARM_NAME_MAX, "%.*s", (int)strcspn(at, "/"), at);
}

static int change(struct arm_call *call, const struct feature *f, struct err *err) {
	const char *state, *subscription = call->target->subscription;
	int rc = read_state(call->tx, subscription, f, &state, err);
	if (rc < 0)
		return rc;
	bool on = strcmp(state, "Registered") == 0 || strcmp(state, "Registering") == 0 || strcmp(state, "Pending") == 0;
	if (strv_eq_nocase(call->target->tail, "register"))
		return on ? 0 : write_state(call->tx, subscription, f, f->approval ? "Pending" : "Registering", err);
	return on ? write_state(call->tx, subscription, f, "Unregistering", err) : 0;
}

static int run(struct arm_call *call, const char *space, bool reads, struct err *err) {
	const struct arm_target *t = call->target;
	if (!t->name[0])
		return list(call, space, err);
	const struct feature *f = find(space, t->name);
	if (!f)
		return err_set(err, -ENOENT, 404, "FeatureNotFound", "The feature '%s' could not be found.", t->name);
	int rc = reads ? 0 : change(call, f, err);
	return rc < 0 ? rc : render(call, f, &call->response->json, err);
}

static int handle(struct arm_call *call, struct err *err) {
	const struct arm_target *t = call->target;
	char space[ARM_NAME_MAX], permission[ARM_NAME_MAX + 64];
	bool reads = strcmp(http_method(call->request), "GET") == 0 && !t->tail[0];
	bool changes = strcmp(http_method(call->request), "POST") == 0 && t->name[0] &&
		(strv_eq_nocase(t->tail, "register") || strv_eq_nocase(t->tail, "unregister"));
	if ((!reads && !changes) || !t->subscription[0] || t->group[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Features of a subscription can be read, registered and unregistered.");
	namespace_of(t, space);
	(void)snprintf(permission, sizeof(permission), TYPE "/%s%s", reads ? "read" : t->tail, reads ? "" : "/action");
	int rc = arm_authorize(call, t->scope, permission, err);
	return rc < 0 ? rc : run(call, space, reads, err);
}

static int handle_all(struct arm_call *call, struct err *err) {
	const struct arm_target *t = call->target;
	if (strcmp(http_method(call->request), "GET") != 0 || t->name[0] || t->tail[0] || !t->subscription[0] || t->group[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The features of a subscription can be listed.");
	int rc = arm_authorize(call, t->scope, "Microsoft.Features/features/read", err);
	return rc < 0 ? rc : list(call, "", err);
}

const struct arm_type features_type = {.name = TYPE, .versions = versions_features, .raw = handle};
const struct arm_type all_features_type = {
	.name = "Microsoft.Features/features", .versions = versions_features, .raw = handle_all};
