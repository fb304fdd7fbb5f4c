// SPDX-License-Identifier: Apache-2.0
#include "providers/filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"

struct parser {
	const char *next;
	struct filter *out;
	unsigned depth;
};

static void skip_blanks(struct parser *p) {
	while (*p->next == ' ')
		p->next++;
}

static bool take(struct parser *p, char c) {
	skip_blanks(p);
	if (*p->next != c)
		return false;
	p->next++;
	return true;
}

static bool is_word_character(char c) {
	return isalnum((unsigned char)c) || c == '/' || c == '_';
}

// A field's, function's or operator's name; false, and nothing taken, when none stands there or it is too long.
static bool take_name(struct parser *p, char out[static FILTER_FIELD_MAX]) {
	skip_blanks(p);
	size_t n = 0;
	while (is_word_character(p->next[n]))
		n++;
	if (n == 0 || n >= FILTER_FIELD_MAX)
		return false;
	(void)snprintf(out, FILTER_FIELD_MAX, "%.*s", (int)n, p->next);
	p->next += n;
	return true;
}

static bool take_keyword(struct parser *p, const char *word) {
	skip_blanks(p);
	size_t n = strlen(word);
	if (strncasecmp(p->next, word, n) != 0 || is_word_character(p->next[n]))
		return false;
	p->next += n;
	return true;
}

// 'text', with two quotes for one.
static bool take_quoted(struct parser *p, char out[static FILTER_VALUE_MAX]) {
	size_t n = 0;
	const char *at = p->next + 1;
	for (; *at && !(at[0] == '\'' && at[1] != '\''); at++) {
		if (*at == '\'')
			at++;
		if (n + 1 == FILTER_VALUE_MAX)
			return false;
		out[n++] = *at;
	}
	if (!*at)
		return false;
	out[n] = 0;
	p->next = at + 1;
	return true;
}

// Times, numbers and the like stand without quotes.
static bool take_bare(struct parser *p, char out[static FILTER_VALUE_MAX]) {
	size_t n = strcspn(p->next, " )',(");
	if (n == 0 || n >= FILTER_VALUE_MAX)
		return false;
	(void)snprintf(out, FILTER_VALUE_MAX, "%.*s", (int)n, p->next);
	p->next += n;
	return true;
}

static bool take_value(struct parser *p, char out[static FILTER_VALUE_MAX]) {
	skip_blanks(p);
	return *p->next == '\'' ? take_quoted(p, out) : take_bare(p, out);
}

static bool take_comparison(struct parser *p, enum filter_test *out) {
	static const struct {
		const char *word;
		enum filter_test test;
	} known[] = {{"eq", FILTER_EQ}, {"ne", FILTER_NE}, {"ge", FILTER_GE}, {"gt", FILTER_GT}, {"le", FILTER_LE}, {"lt", FILTER_LT}};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (take_keyword(p, known[i].word)) {
			*out = known[i].test;
			return true;
		}
	return false;
}

// substringof('value', field) and startswith(field, 'value').
static bool take_arguments(struct parser *p, struct filter_term *t) {
	if (strv_eq_nocase(t->field, "substringof")) {
		t->test = FILTER_SUBSTRING_OF;
		return take_value(p, t->value) && take(p, ',') && take_name(p, t->field) && take(p, ')');
	}
	if (!strv_eq_nocase(t->field, "startswith"))
		return false;
	t->test = FILTER_STARTS_WITH;
	return take_name(p, t->field) && take(p, ',') && take_value(p, t->value) && take(p, ')');
}

static bool add_node(struct filter *f, struct filter_node node, size_t *at) {
	if (f->node_count == ARRAY_SIZE(f->nodes))
		return false;
	*at = f->node_count;
	f->nodes[f->node_count++] = node;
	return true;
}

static bool take_term(struct parser *p, size_t *at) {
	struct filter *f = p->out;
	if (f->term_count == FILTER_TERMS_MAX)
		return false;
	struct filter_term *t = &f->terms[f->term_count];
	if (!take_name(p, t->field))
		return false;
	bool good = take(p, '(') ? take_arguments(p, t) : take_comparison(p, &t->test) && take_value(p, t->value);
	return good && add_node(f, (struct filter_node){.kind = FILTER_TERM, .left = f->term_count++}, at);
}

static bool take_alternatives(struct parser *p, size_t *at);

static bool take_operand(struct parser *p, size_t *at) {
	if (!take(p, '('))
		return take_term(p, at);
	if (p->depth == FILTER_DEPTH_MAX)
		return false;
	p->depth++;
	bool good = take_alternatives(p, at) && take(p, ')');
	p->depth--;
	return good;
}

static bool take_conjunction(struct parser *p, size_t *at) {
	if (!take_operand(p, at))
		return false;
	while (take_keyword(p, "and")) {
		size_t right;
		if (!take_operand(p, &right) || !add_node(p->out, (struct filter_node){FILTER_AND, *at, right}, at))
			return false;
	}
	return true;
}

static bool take_alternatives(struct parser *p, size_t *at) {
	if (!take_conjunction(p, at))
		return false;
	while (take_keyword(p, "or")) {
		size_t right;
		if (!take_conjunction(p, &right) || !add_node(p->out, (struct filter_node){FILTER_OR, *at, right}, at))
			return false;
	}
	return true;
}

int filter_parse(const char *text, struct filter *out, struct err *err) {
	struct filter f = {0};
	struct parser p = {.next = text, .out = &f};
	bool good = take_alternatives(&p, &f.root);
	skip_blanks(&p);
	if (!good || *p.next)
		return err_set(err, -EINVAL, 400, "InvalidFilterInQueryString",
			"Invalid $filter '%.200s' specified in the query string.", text);
	*out = f;
	return 0;
}

bool filter_is_conjunction(const struct filter *f) {
	for (size_t i = 0; i < f->node_count; i++)
		if (f->nodes[i].kind == FILTER_OR)
			return false;
	return true;
}

static bool node_holds(const struct filter *f, size_t at, filter_judge judge, void *ctx) {
	const struct filter_node *n = &f->nodes[at];
	if (n->kind == FILTER_TERM)
		return judge(ctx, &f->terms[n->left]);
	bool left = node_holds(f, n->left, judge, ctx);
	if (left == (n->kind == FILTER_OR))
		return left;
	return node_holds(f, n->right, judge, ctx);
}

bool filter_holds(const struct filter *f, filter_judge judge, void *ctx) {
	return node_holds(f, f->root, judge, ctx);
}
