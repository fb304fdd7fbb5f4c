// SPDX-License-Identifier: Apache-2.0
#include "vault/rotation_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "vault/request.h"

#define ACTIONS_MAX 2
#define ROTATE_DAYS_LEAST 7   // after creation, and before expiry
#define POOL_DAYS_LEAST 28    // after creation, of a key in a pool; before expiry there is no limit
#define EXPIRY_DAYS_LEAST 28
#define NOTIFY_DEFAULT "P30D"

static int invalid(struct err *err, const char *what) {
	return bad_parameter(err, "The key rotation policy is not valid: %s.", what);
}

static int read_duration(const json_t *holder, const char *name, bool *has, struct duration *out, struct err *err) {
	const json_t *value = request_member(holder, name);
	if (!value)
		return 0;
	if (!json_is_string(value) || duration_parse(json_string_value(value), out, NULL) < 0)
		return bad_parameter(err, "The key rotation policy is not valid: '%s' must be an ISO 8601 duration.", name);
	*has = true;
	return 0;
}

static int read_trigger(const json_t *trigger, bool rotate, struct rotation_policy *out, struct err *err) {
	struct duration after = {0}, before = {0};
	bool has_after = false, has_before = false;
	int rc = read_duration(trigger, "timeAfterCreate", &has_after, &after, err);
	if (rc == 0)
		rc = read_duration(trigger, "timeBeforeExpiry", &has_before, &before, err);
	if (rc < 0)
		return rc;
	if (has_after == has_before)
		return invalid(err, "a trigger has either timeAfterCreate or timeBeforeExpiry");
	if (!rotate && has_after)
		return invalid(err, "an action of type Notify is triggered by timeBeforeExpiry");
	*(rotate ? &out->has_rotate : &out->has_notify) = true;
	*(rotate ? &out->rotate : &out->notify) = has_after ? after : before;
	if (rotate)
		out->rotate_before_expiry = has_before;
	return 0;
}

static int read_action(const json_t *entry, struct rotation_policy *out, struct err *err) {
	const char *type = json_str(entry, "action.type");
	bool rotate = type && strv_eq_nocase(type, "Rotate");
	if (!rotate && (!type || !strv_eq_nocase(type, "Notify")))
		return invalid(err, "the type of an action is Rotate or Notify");
	if (rotate ? out->has_rotate : out->has_notify)
		return invalid(err, "there is at most one action of each type");
	return read_trigger(request_member(entry, "trigger"), rotate, out, err);
}

static int read_policy(const json_t *json, struct rotation_policy *out, struct err *err) {
	struct rotation_policy p = {0};
	json_t *actions = request_member(json, "lifetimeActions"), *entry;
	const json_t *attributes = request_member(json, "attributes");
	if ((actions && !json_is_array(actions)) || (attributes && !json_is_object(attributes)))
		return invalid(err, "lifetimeActions is a list and attributes an object");
	if (json_array_size(actions) > ACTIONS_MAX)
		return invalid(err, "there are at most two actions");
	size_t i;
	json_array_foreach(actions, i, entry) {
		int rc = read_action(entry, &p, err);
		if (rc < 0)
			return rc;
	}
	int rc = read_duration(attributes, "expiryTime", &p.has_expiry, &p.expiry, err);
	if (rc == 0)
		*out = p;
	return rc;
}

// Whoever says nothing of it is told thirty days before a key expires.
static int add_notify(struct rotation_policy *p, struct err *err) {
	if (p->has_notify)
		return 0;
	p->has_notify = true;
	return duration_parse(NOTIFY_DEFAULT, &p->notify, err);
}

int rotation_policy_parse(const char *text, struct rotation_policy *out, struct err *err) {
	_cleanup_json_ json_t *json = NULL;
	struct rotation_policy p = {0};
	int rc = text ? request_parse(text, strlen(text), &json, err) : 0;
	if (rc == 0)
		rc = read_policy(json, &p, err);
	if (rc == 0)
		rc = add_notify(&p, err);
	if (rc == 0)
		*out = p;
	return rc;
}

static int64_t seconds_of(const struct duration *d, int64_t now) {
	return duration_add(now, d, 1) - now;
}

static int too_soon(struct err *err, int days, const char *when) {
	return bad_parameter(err, "The key rotation policy is not valid: rotation must be at least %d days %s.", days, when);
}

static int check_rotate(const struct rotation_policy *p, bool pool, int64_t now, struct err *err) {
	int created = pool ? POOL_DAYS_LEAST : ROTATE_DAYS_LEAST, expires = pool ? 0 : ROTATE_DAYS_LEAST;
	int least = p->rotate_before_expiry ? expires : created, rest = p->rotate_before_expiry ? created : expires;
	static const char after_creation[] = "after creation", before_expiry[] = "before expiry";
	int64_t rotate = seconds_of(&p->rotate, now);
	if (p->rotate_before_expiry && !p->has_expiry)
		return invalid(err, "a rotation before expiry needs attributes.expiryTime");
	if (rotate < (int64_t)least * CLOCK_DAY)
		return too_soon(err, least, p->rotate_before_expiry ? before_expiry : after_creation);
	if (p->has_expiry && seconds_of(&p->expiry, now) - rotate < (int64_t)rest * CLOCK_DAY)
		return too_soon(err, rest, p->rotate_before_expiry ? after_creation : before_expiry);
	return 0;
}

static int check_policy(const struct rotation_policy *p, bool pool, int64_t now, struct err *err) {
	if (p->has_expiry && seconds_of(&p->expiry, now) < EXPIRY_DAYS_LEAST * CLOCK_DAY)
		return invalid(err, "attributes.expiryTime must be at least 28 days");
	// It may come before the creation of what expires, as the one that is added to a policy of 28 days does: it is due at once.
	if (p->has_notify && seconds_of(&p->notify, now) <= 0)
		return invalid(err, "a notification comes before expiry");
	return p->has_rotate ? check_rotate(p, pool, now, err) : 0;
}

static json_t *action_json(const char *type, const char *trigger, const struct duration *d) {
	char text[DURATION_TEXT_MAX];
	return json_pack("{s:{s:s}, s:{s:s}}", "trigger", trigger, duration_print(d, text), "action", "type", type);
}

static json_t *policy_json(const struct rotation_policy *p, int64_t created, int64_t updated) {
	char text[DURATION_TEXT_MAX];
	_cleanup_json_ json_t *actions = json_array(), *attributes = json_object();
	int rc = actions && attributes ? 0 : -ENOMEM;
	if (rc == 0 && p->has_rotate)
		rc = json_array_append_new(actions,
			action_json("Rotate", p->rotate_before_expiry ? "timeBeforeExpiry" : "timeAfterCreate", &p->rotate));
	if (rc == 0 && p->has_notify)
		rc = json_array_append_new(actions, action_json("Notify", "timeBeforeExpiry", &p->notify));
	if (rc == 0 && p->has_expiry)
		rc = json_set_str(attributes, "expiryTime", duration_print(&p->expiry, text));
	if (rc == 0 && created)
		rc = json_set_int(attributes, "created", created);
	if (rc == 0 && updated)
		rc = json_set_int(attributes, "updated", updated);
	return rc < 0 ? NULL : json_pack("{s:O, s:O}", "lifetimeActions", actions, "attributes", attributes);
}

static int created_of(const char *old, int64_t now, int64_t *out, struct err *err) {
	_cleanup_json_ json_t *json = NULL;
	int rc = old ? request_parse(old, strlen(old), &json, err) : 0;
	if (rc == 0)
		*out = json_int(json, "attributes.created", now);
	return rc;
}

int rotation_policy_read(const struct vault_record *vault, const json_t *wire, int64_t now, const char *old, char **text,
	struct err *err) {
	struct rotation_policy p = {0};
	int64_t created = now;
	bool pool = vault_is_pool(vault);
	int rc = read_policy(wire, &p, err);
	if (rc == 0 && pool && !p.has_rotate && !p.has_notify && !p.has_expiry) {
		*text = NULL;
		return 0;
	}
	if (rc == 0 && !pool)
		rc = add_notify(&p, err);
	if (rc == 0)
		rc = check_policy(&p, pool, now, err);
	if (rc == 0)
		rc = created_of(old, now, &created, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *json = policy_json(&p, created, now);
	char *made = json ? json_text(json) : NULL;
	if (!made)
		return err_oom(err);
	*text = made;
	return 0;
}

int rotation_policy_request(const struct vault_record *vault, const void *body, size_t len, int64_t now, const char *old,
	char **text, struct err *err) {
	_cleanup_json_ json_t *parsed = NULL;
	int rc = request_parse(body, len, &parsed, err);
	return rc < 0 ? rc : rotation_policy_read(vault, parsed, now, old, text, err);
}

// What a key has of which nothing was said.
static int default_policy(const struct vault_record *vault, struct rotation_policy *out) {
	*out = (struct rotation_policy){0};
	return vault_is_pool(vault) ? 0 : add_notify(out, NULL);
}

json_t *rotation_policy_json(const struct vault_record *vault, const char *name, const char *text) {
	char id[OBJECT_ID_MAX];
	object_id(vault, object_keys.collection, name, "rotationpolicy", id);
	_cleanup_json_ json_t *json = json_pack("{s:s}", "id", id), *stored = NULL;
	struct rotation_policy p;
	if (text ? request_parse(text, strlen(text), &stored, NULL) < 0
		 : default_policy(vault, &p) < 0 || !(stored = policy_json(&p, 0, 0)))
		return NULL;
	return json && json_object_update(json, stored) == 0 ? TAKE_PTR(json) : NULL;
}
