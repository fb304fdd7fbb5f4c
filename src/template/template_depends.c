// SPDX-License-Identifier: Apache-2.0
// What each resource must wait for: what it says ("dependsOn"), what it asks for (reference and list functions), and the
// batch before its own in a serial loop.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "template/template_internal.h"

#define SEE "Please see https://aka.ms/arm-syntax-resources for usage details."

static int circular(const struct template_instance *i, struct err *err) {
	return template_invalid(err, "Circular dependency detected on resource: '%.1024s'. " SEE, i->id);
}

// What is left out need not be waited for.
static int add_edge(struct template *t, size_t from, size_t to, struct err *err) {
	struct template_instance *i = &t->instances[from], *on = &t->instances[to];
	struct template_resource *r = &i->shown;
	if (from == to)
		return circular(i, err);
	if (on->shown.condition || on->mark == from + 1)
		return 0;
	int rc = template_spend(t, TEMPLATE_COST_EDGE, err);
	if (rc < 0)
		return rc;
	if (r->depend_count == i->depend_capacity) {
		size_t capacity = i->depend_capacity > 0 ? 2 * i->depend_capacity : 4;
		size_t *more = reallocarray(i->depends, capacity, sizeof(*more));
		if (!more)
			return err_oom(err);
		i->depends = more;
		i->depend_capacity = capacity;
		r->depends = more;
	}
	on->mark = from + 1;
	i->depends[r->depend_count++] = to;
	return 0;
}

static int add_all(struct template *t, size_t from, size_t definition, struct err *err) {
	const struct template_definition *d = &t->definitions[definition];
	int rc = 0;
	for (size_t i = d->first; rc == 0 && i < d->first + d->count; i++)
		rc = add_edge(t, from, i, err);
	return rc;
}

// --- dependsOn ---

static int add_named(struct template *t, size_t from, const char *text, struct err *err) {
	size_t found;
	if (template_names_find(t->symbols, text, &found))
		return add_all(t, from, found, err);
	found = template_find(t, text);
	if (found == TEMPLATE_AMBIGUOUS)
		return template_invalid(err, "The dependency '%.512s' of the template resource '%.256s' at line '1' and column '1' is the "
			"name of more than one resource: its id is needed. " SEE, text, t->instances[from].written_name);
	if (found != TEMPLATE_NONE)
		return add_edge(t, from, found, err);
	if (template_names_find(t->loops, text, &found))
		return add_all(t, from, found, err);
	return template_invalid(err, "The resource '%.512s' is not defined in the template. Please see https://aka.ms/arm-syntax for "
		"usage details.", text);
}

static int read_given(const struct template_context *c, size_t index, const json_t *source, struct err *err) {
	const json_t *written = template_member(source, "dependsOn");
	_cleanup_json_ json_t *list = NULL;
	int rc = written ? template_value(c, written, &list, err) : 0;
	if (rc == 0 && list && !json_is_array(list) && !json_is_null(list))
		return template_refuse(err, "The 'dependsOn' must be an array.");
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		rc = text ? add_named(c->t, index, text, err) : template_refuse(err, "The 'dependsOn' must be an array of strings.");
	}
	return rc;
}

// --- What is asked for ---

// Whatever cannot be known yet is no dependency: what it is made of is one by itself, or it stands where it will not be
// evaluated, and if it is, that fails then. An exhausted budget is not passed over.
static bool is_unknown_yet(const struct template *t, int rc) {
	return rc == -EINVAL && t->budget->left > 0;
}

static int add_meant(struct template *t, size_t from, const struct template_referral *r, const char *text, struct err *err) {
	size_t found;
	if (strv_eq_nocase(r->function, "references"))
		return template_names_find(t->symbols, text, &found) ? add_all(t, from, found, err) : 0;
	found = template_find(t, text);
	return found == TEMPLATE_NONE || found == TEMPLATE_AMBIGUOUS ? 0 : add_edge(t, from, found, err);
}

static int add_referral(const struct template_context *c, size_t index, const struct template_referral *r, struct err *err) {
	struct expr_scope scope = {.ctx = (void *)(uintptr_t)c, .call = template_scope_call, .budget = c->t->budget};
	_cleanup_json_ json_t *target = NULL;
	int rc = expr_evaluate(r->argument, &scope, &target, err);
	if (rc < 0)
		return is_unknown_yet(c->t, rc) ? 0 : rc;
	return json_is_string(target) ? add_meant(c->t, index, r, json_string_value(target), err) : 0;
}

// Once for every round of the loops in the body around it: `copies` from the outermost.
static int add_rounds(const struct template_context *c, size_t index, const struct template_referral *r,
	const struct template_copy *const *copies, size_t count, struct err *err) {
	_cleanup_free_ char *name = NULL;
	size_t rounds = 0;
	if (count == 0)
		return add_referral(c, index, r, err);
	int rc = template_string(c, template_member(copies[0]->copy, "name"), "The name of a 'copy'", &name, err);
	if (rc == 0)
		rc = template_copy_count(c, copies[0]->copy, &rounds, err);
	if (rc < 0)
		return is_unknown_yet(c->t, rc) ? 0 : rc;
	for (size_t i = 0; rc == 0 && i < rounds; i++) {
		struct template_loop loop = {.outer = c->loop, .name = name, .index = (int64_t)i};
		struct template_context inner = *c;
		inner.loop = &loop;
		rc = add_rounds(&inner, index, r, copies + 1, count - 1, err);
	}
	return rc;
}

static int read_referral(const struct template_context *c, size_t index, const struct template_referral *r, struct err *err) {
	const struct template_copy *copies[JSON_DEPTH_MAX];
	size_t count = 0;
	for (const struct template_copy *at = r->copies; at && count < JSON_DEPTH_MAX; at = at->outer)
		count++;
	size_t place = count;
	for (const struct template_copy *at = r->copies; at && place > 0; at = at->outer)
		copies[--place] = at;
	return add_rounds(c, index, r, copies, count, err);
}

// --- Serial loops ---

static int add_batch(struct template *t, size_t index, struct err *err) {
	const struct template_instance *i = &t->instances[index];
	const struct template_definition *d = &t->definitions[i->definition];
	int64_t batch = d->serial ? i->iteration / d->batch : 0;
	int rc = 0;
	for (int64_t n = (batch - 1) * d->batch; batch > 0 && rc == 0 && n < batch * d->batch; n++)
		rc = add_edge(t, index, d->first + (size_t)n, err);
	return rc;
}

// --- Cycles ---

struct walk {
	size_t *path;   // from the first resource down
	size_t *next;   // of each on the path: which of its dependencies is looked at next
	enum template_state *states;
};

static void walk_free(struct walk *w) {
	free(w->path);
	free(w->next);
	free(w->states);
}

static int follow(const struct template *t, struct walk *w, size_t start, struct err *err) {
	size_t depth = 1;
	w->path[0] = start;
	w->next[0] = 0;
	w->states[start] = TEMPLATE_BUSY;
	while (depth > 0) {
		size_t at = w->path[depth - 1];
		const struct template_resource *r = &t->instances[at].shown;
		if (w->next[depth - 1] == r->depend_count) {
			w->states[at] = TEMPLATE_DONE;
			depth--;
			continue;
		}
		size_t on = r->depends[w->next[depth - 1]++];
		if (w->states[on] == TEMPLATE_BUSY)
			return circular(&t->instances[on], err);
		if (w->states[on] == TEMPLATE_DONE)
			continue;
		w->states[on] = TEMPLATE_BUSY;
		w->path[depth] = on;
		w->next[depth++] = 0;
	}
	return 0;
}

static int refuse_cycles(const struct template *t, struct err *err) {
	size_t n = t->instance_count + 1;
	_cleanup_(walk_free) struct walk w = {
		.path = calloc(n, sizeof(*w.path)), .next = calloc(n, sizeof(*w.next)), .states = calloc(n, sizeof(*w.states))};
	if (!w.path || !w.next || !w.states)
		return err_oom(err);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->instance_count; i++)
		if (w.states[i] == TEMPLATE_WAITING)
			rc = follow(t, &w, i, err);
	return rc;
}

static int read_instance(struct template *t, size_t index, struct err *err) {
	const struct template_definition *d = &t->definitions[t->instances[index].definition];
	struct template_loop loop;
	struct template_context c = template_instance_context(t, index, TEMPLATE_MAY_INSPECT, &loop);
	int rc = read_given(&c, index, d->source, err);
	for (size_t i = 0; rc == 0 && i < d->referral_count; i++)
		rc = read_referral(&c, index, &d->referrals[i], err);
	if (rc == 0)
		rc = add_batch(t, index, err);
	return rc < 0 ? template_invalid_at(err, rc, "The template resource '%.256s' at line '1' and column '1'",
		t->instances[index].written_name) : 0;
}

int template_depends_read(struct template *t, struct err *err) {
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->instance_count; i++)
		rc = read_instance(t, i, err);
	return rc == 0 ? refuse_cycles(t, err) : rc;
}
