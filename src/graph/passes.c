// SPDX-License-Identifier: Apache-2.0
// How people sign in: temporary access passes, the only method here, and the end of their sign-ins.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "graph/internal.h"

enum { MINUTES_DEFAULT = 60 };

// A pass signs in as its user: who may make one may do all that the user may.
static int load(struct call *c, struct directory_object *o, struct err *err) {
	int rc = call_object(c, o, err);
	if (rc == -ENOENT && may_read(c, NULL) < 0)
		return call_denied(err);
	return rc < 0 ? rc : may_write(c, o, err);
}

static json_t *render(const struct entra_pass *p, const struct secret *text) {
	int64_t now = clock_now(), ends = p->starts + p->minutes * 60;
	bool spent = p->one_use && p->used;
	const char *reason = spent ? "OneTimeUsed" : now >= ends ? "Expired" : now < p->starts ? "NotYetValid" : "EnabledByPolicy";
	json_t *shown = text ? json_stringn((const char *)text->data, text->len) : json_null();
	return json_pack("{s:s, s:o, s:b, s:b, s:I, s:s, s:o, s:o}", "id", p->id, "temporaryAccessPass", shown, "isUsable",
		!spent && now >= p->starts && now < ends, "isUsableOnce", p->one_use, "lifetimeInMinutes", (json_int_t)p->minutes,
		"methodUsabilityReason", reason, "createdDateTime", render_time(p->created), "startDateTime", render_time(p->starts));
}

static int answer_pass(struct call *c, int status, const struct directory_object *o, json_t *shown, struct err *err) {
	_cleanup_json_ json_t *own = shown;
	_cleanup_json_ json_t *json = json_pack("{s:o}", "@odata.context",
		context_url(c, "users('%s')/authentication/temporaryAccessPassMethods/$entity", o->id));
	if (!own || !json || json_object_update(json, own) < 0)
		return err_oom(err);
	c->json = TAKE_PTR(json);
	c->status = status;
	return 0;
}

static int read_request(const struct call *c, int64_t *starts, int64_t *minutes, bool *once, struct err *err) {
	const json_t *start = json_object_get(c->body, "startDateTime"), *life = json_object_get(c->body, "lifetimeInMinutes"),
		     *use = json_object_get(c->body, "isUsableOnce");
	*starts = clock_now();
	*minutes = MINUTES_DEFAULT;
	*once = json_is_true(use);
	if (start && !json_is_null(start) && (!json_is_string(start) || clock_parse(json_string_value(start), starts) < 0))
		return call_bad_request(err, "Invalid value specified for property 'startDateTime'.");
	if (life && !json_is_integer(life))
		return call_bad_request(err, "Invalid value specified for property 'lifetimeInMinutes'.");
	if (use && !json_is_boolean(use))
		return call_bad_request(err, "Invalid value specified for property 'isUsableOnce'.");
	if (life)
		*minutes = json_integer_value(life);
	return 0;
}

int pass_create(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	_cleanup_secret_ struct secret text = {0};
	struct entra_pass p = {0};
	int64_t starts = 0, minutes = 0;
	bool once = false;
	int rc = load(c, &o, err);
	if (rc == 0)
		rc = read_request(c, &starts, &minutes, &once, err);
	if (rc == 0)
		rc = entra_pass_make(c->tx, o.id, starts, minutes, once, &p, &text, err);
	return rc < 0 ? rc : answer_pass(c, 201, &o, render(&p, &text), err);
}

int pass_list(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	_cleanup_json_ json_t *values = json_array();
	struct entra_pass p = {0};
	int rc = values ? load(c, &o, err) : err_oom(err);
	if (rc < 0)
		return rc;
	rc = entra_pass_find(c->tx, o.id, &p, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0 && json_array_append_new(values, render(&p, NULL)) < 0)
		return err_oom(err);
	return answer_values(c, "users/authentication/temporaryAccessPassMethods", TAKE_PTR(values), err);
}

static int not_found(const struct call *c, struct err *err) {
	return err_set(err, -ENOENT, 404, "resourceNotFound", "The authentication method '%.64s' does not exist.",
		route_param(&c->match, "other"));
}

int pass_get(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	struct entra_pass p = {0};
	int rc = load(c, &o, err);
	if (rc < 0)
		return rc;
	rc = entra_pass_find(c->tx, o.id, &p, err);
	if (rc == -ENOENT || (rc == 0 && strcmp(p.id, route_param(&c->match, "other")) != 0))
		return not_found(c, err);
	return rc < 0 ? rc : answer_pass(c, 200, &o, render(&p, NULL), err);
}

int pass_delete(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = load(c, &o, err);
	if (rc < 0)
		return rc;
	rc = entra_pass_remove(c->tx, o.id, route_param(&c->match, "other"), err);
	return rc == -ENOENT ? not_found(c, err) : rc;
}

int sessions_revoke(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = load(c, &o, err);
	if (rc == 0)
		rc = entra_revoke_sessions(c->tx, o.id, err);
	if (rc < 0)
		return rc;
	c->json = json_pack("{s:o, s:b}", "@odata.context", context_url(c, "Edm.Boolean"), "value", 1);
	return c->json ? 0 : err_oom(err);
}
