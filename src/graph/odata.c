// SPDX-License-Identifier: Apache-2.0
// A recursive descent parser to a tree in one array of nodes, and its evaluation. Depth and size are bounded while parsing, so
// that evaluating is too.
#include "graph/odata.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/json.h"
#include "base/strv.h"

enum { NAME_MAX_LENGTH = 64 };

enum op { OP_AND, OP_OR, OP_NOT, OP_EQ, OP_NE, OP_GT, OP_GE, OP_LT, OP_LE, OP_IN, OP_STARTS, OP_ENDS, OP_ANY, OP_TRUTH };

struct node {
	enum op op;
	int left, right;      // operands; the condition of any() is left, or -1: is there any?
	char path[NAME_MAX_LENGTH * 2];  // of the property; "" for the variable of any()
	json_t *value;        // what is compared with; an array for `in`
};

struct odata_filter {
	struct node nodes[ODATA_NODES_MAX];
	int count, root;
};

struct parser {
	const char *at;
	const json_t *properties;
	const char *type;
	struct odata_filter *filter;
	struct err *err;
	int depth;
	char variable[NAME_MAX_LENGTH];  // of the any() that is being read, or ""
};

void odata_free(struct odata_filter *f) {
	if (!f)
		return;
	for (int i = 0; i < f->count; i++)
		json_decref(f->nodes[i].value);
	free(f);
}

static int malformed(struct parser *p, const char *what) {
	return err_set(p->err, -EINVAL, 400, "BadRequest", "Invalid filter clause: %s", what);
}

static int unsupported(struct parser *p, const char *property) {
	return err_set(p->err, -EINVAL, 400, "Request_UnsupportedQuery",
		"Unsupported or invalid query filter clause specified for property '%s' of resource '%s'.", property, p->type);
}

static void skip_blanks(struct parser *p) {
	while (*p->at == ' ')
		p->at++;
}

static bool name_character(char c) {
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '@';
}

// A word at the present place, which is not passed.
static size_t word_length(const struct parser *p) {
	size_t n = 0;
	while (name_character(p->at[n]))
		n++;
	return n;
}

static bool next_is(const struct parser *p, const char *word) {
	size_t n = strlen(word);
	return word_length(p) == n && strncmp(p->at, word, n) == 0;
}

static bool take_word(struct parser *p, const char *word) {
	skip_blanks(p);
	if (!next_is(p, word))
		return false;
	p->at += strlen(word);
	return true;
}

static bool take(struct parser *p, char c) {
	skip_blanks(p);
	if (*p->at != c)
		return false;
	p->at++;
	return true;
}

static int add_node(struct parser *p, enum op op, struct node **out) {
	struct odata_filter *f = p->filter;
	if (f->count == ODATA_NODES_MAX)
		return malformed(p, "the expression has too many parts.");
	struct node *n = &f->nodes[f->count++];
	*n = (struct node){.op = op, .left = -1, .right = -1};
	*out = n;
	return f->count - 1;
}

static int parse_or(struct parser *p);

// 'text', where a quote is written twice.
static int parse_string(struct parser *p, json_t **out) {
	_cleanup_buf_ struct buf text = {0};
	p->at++;
	for (;;) {
		const char *quote = strchr(p->at, '\'');
		if (!quote)
			return malformed(p, "there is an unterminated string literal.");
		bool doubled = quote[1] == '\'';
		if (buf_append(&text, p->at, (size_t)(quote - p->at) + doubled) < 0)
			return err_oom(p->err);
		p->at = quote + 1 + doubled;
		if (!doubled)
			break;
	}
	*out = json_string(buf_cstr(&text));
	return *out ? 0 : err_oom(p->err);
}

// true, false, null, a number, a GUID or a time, all written without quotes.
static int parse_bare(struct parser *p, json_t **out) {
	char text[64];
	size_t n = strcspn(p->at, " (),");
	int64_t number;
	if (n == 0 || n >= sizeof(text))
		return malformed(p, "a value is expected.");
	memcpy(text, p->at, n);
	text[n] = 0;
	if (strcmp(text, "null") == 0)
		*out = json_null();
	else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		*out = json_boolean(text[0] == 't');
	else if (strv_int(text, INT32_MIN, INT32_MAX, &number) == 0)
		*out = json_integer(number);
	else if (enc_is_uuid(text) || clock_parse(text, &number) == 0)
		*out = json_string(text);
	else
		return malformed(p, "a value is no literal.");
	p->at += n;
	return *out ? 0 : err_oom(p->err);
}

static int parse_value(struct parser *p, json_t **out) {
	skip_blanks(p);
	return *p->at == '\'' ? parse_string(p, out) : parse_bare(p, out);
}

static int parse_values(struct parser *p, json_t *list) {
	if (!take(p, '('))
		return malformed(p, "'(' is expected after 'in'.");
	do {
		json_t *value = NULL;
		int rc = parse_value(p, &value);
		if (rc < 0)
			return rc;
		if (json_array_append_new(list, value) < 0)
			return err_oom(p->err);
		if (json_array_size(list) > ODATA_VALUES_MAX)
			return malformed(p, "too many values are listed.");
	} while (take(p, ','));
	return take(p, ')') ? 0 : malformed(p, "')' is expected.");
}

static bool comparable(const json_t *sample, bool inside) {
	return inside || !(json_is_object(sample) || json_is_array(sample));
}

// The property at a path of the type. In any() the path is of an element, of which nothing is known here.
static int check_path(struct parser *p, const char *path, const json_t **sample) {
	const json_t *at = p->properties;
	char name[NAME_MAX_LENGTH * 2];
	size_t n = strcspn(path, ".");
	(void)snprintf(name, sizeof(name), "%.*s", (int)n, path);
	if (!json_object_get(at, name)) {
		char what[300];
		(void)snprintf(what, sizeof(what), "Could not find a property named '%s' on type 'microsoft.graph.%c%s'.", name,
			tolower((unsigned char)p->type[0]), p->type + 1);
		return malformed(p, what);
	}
	*sample = json_at(at, path);
	return *sample ? 0 : unsupported(p, name);
}

// name/name to name.name, at a variable what follows it.
static int parse_path(struct parser *p, char out[static NAME_MAX_LENGTH * 2], bool *of_variable) {
	size_t used = 0;
	*of_variable = false;
	skip_blanks(p);
	for (bool first = true;; first = false) {
		size_t n = word_length(p);
		if (n == 0 || n >= NAME_MAX_LENGTH)
			return malformed(p, "a property's name is expected.");
		if (memchr(p->at, '.', n))
			return malformed(p, "a property's name has no dots.");
		if (first && p->variable[0] && strlen(p->variable) == n && strncmp(p->at, p->variable, n) == 0) {
			*of_variable = true;
		} else {
			if (used + n + 2 > NAME_MAX_LENGTH * 2)
				return malformed(p, "a property's path is too long.");
			if (used > 0)
				out[used++] = '.';
			memcpy(out + used, p->at, n);
			used += n;
		}
		p->at += n;
		if (*p->at != '/' || strncmp(p->at, "/any(", 5) == 0 || strncmp(p->at, "/all(", 5) == 0)
			break;
		p->at++;
	}
	out[used] = 0;
	if (p->variable[0] && !*of_variable)
		return malformed(p, "a condition in any() is about its variable.");
	return 0;
}

static int parse_lambda(struct parser *p, const char *path) {
	struct node *n;
	p->at += 5;
	int index = add_node(p, OP_ANY, &n);
	if (index < 0)
		return index;
	(void)snprintf(n->path, sizeof(n->path), "%s", path);
	if (take(p, ')'))
		return index;
	size_t len = (skip_blanks(p), word_length(p));
	if (len == 0 || len >= sizeof(p->variable))
		return malformed(p, "any() needs a variable.");
	memcpy(p->variable, p->at, len);
	p->variable[len] = 0;
	p->at += len;
	if (!take(p, ':'))
		return malformed(p, "':' is expected after the variable of any().");
	int condition = parse_or(p);
	p->variable[0] = 0;
	if (condition < 0)
		return condition;
	p->filter->nodes[index].left = condition;
	return take(p, ')') ? index : malformed(p, "')' is expected.");
}

static int parse_comparison(struct parser *p, const char *path, const json_t *sample, bool of_variable) {
	static const struct {
		const char *word;
		enum op op;
	} operators[] = {{"eq", OP_EQ}, {"ne", OP_NE}, {"gt", OP_GT}, {"ge", OP_GE}, {"lt", OP_LT}, {"le", OP_LE}, {"in", OP_IN}};
	struct node *n;
	if (!comparable(sample, of_variable))
		return unsupported(p, path);
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (!take_word(p, operators[i].word))
			continue;
		int index = add_node(p, operators[i].op, &n);
		if (index < 0)
			return index;
		(void)snprintf(n->path, sizeof(n->path), "%s", path);
		if (operators[i].op == OP_IN)
			n->value = json_array();
		if (operators[i].op == OP_IN && !n->value)
			return err_oom(p->err);
		int rc = operators[i].op == OP_IN ? parse_values(p, n->value) : parse_value(p, &n->value);
		return rc < 0 ? rc : index;
	}
	if (json_is_boolean(sample) && !of_variable) {
		int index = add_node(p, OP_TRUTH, &n);
		if (index >= 0)
			(void)snprintf(n->path, sizeof(n->path), "%s", path);
		return index;
	}
	return malformed(p, "an operator is expected.");
}

static int parse_property(struct parser *p) {
	char path[NAME_MAX_LENGTH * 2];
	bool of_variable;
	const json_t *sample = NULL;
	int rc = parse_path(p, path, &of_variable);
	if (rc == 0 && !of_variable)
		rc = check_path(p, path, &sample);
	if (rc < 0)
		return rc;
	if (strncmp(p->at, "/any(", 5) == 0 && !of_variable && json_is_array(sample))
		return parse_lambda(p, path);
	if (*p->at == '/')
		return unsupported(p, path);
	return parse_comparison(p, path, sample, of_variable);
}

// startswith(property,'text')
static int parse_function(struct parser *p, enum op op) {
	char path[NAME_MAX_LENGTH * 2];
	bool of_variable;
	const json_t *sample = NULL;
	struct node *n;
	if (!take(p, '('))
		return malformed(p, "'(' is expected after a function.");
	int rc = parse_path(p, path, &of_variable);
	if (rc == 0 && !of_variable)
		rc = check_path(p, path, &sample);
	if (rc < 0)
		return rc;
	if (!comparable(sample, of_variable) || json_is_boolean(sample))
		return unsupported(p, path);
	int index = add_node(p, op, &n);
	if (index < 0)
		return index;
	(void)snprintf(n->path, sizeof(n->path), "%s", path);
	if (!take(p, ','))
		return malformed(p, "a function needs two arguments.");
	rc = parse_value(p, &n->value);
	if (rc < 0)
		return rc;
	if (!json_is_string(n->value))
		return malformed(p, "a function's second argument is text.");
	return take(p, ')') ? index : malformed(p, "')' is expected.");
}

static int parse_nested(struct parser *p) {
	int inner = parse_or(p);
	if (inner < 0)
		return inner;
	return take(p, ')') ? inner : malformed(p, "')' is expected.");
}

static int parse_not(struct parser *p);

static int parse_primary(struct parser *p) {
	skip_blanks(p);
	size_t n = word_length(p);
	if (p->at[n] == '(' && n > 0) {
		if (take_word(p, "startswith") || take_word(p, "startsWith"))
			return parse_function(p, OP_STARTS);
		if (take_word(p, "endswith") || take_word(p, "endsWith"))
			return parse_function(p, OP_ENDS);
		if (!next_is(p, "not"))
			return err_set(p->err, -EINVAL, 400, "Request_UnsupportedQuery", "The function '%.*s' is not supported in $filter.",
				n > 32 ? 32 : (int)n, p->at);
	}
	if (take_word(p, "not"))
		return parse_not(p);
	return take(p, '(') ? parse_nested(p) : parse_property(p);
}

// Every way down goes through here.
static int parse_operand(struct parser *p) {
	if (p->depth == ODATA_DEPTH_MAX)
		return malformed(p, "the expression is nested too deeply.");
	p->depth++;
	int index = parse_primary(p);
	p->depth--;
	return index;
}

static int parse_not(struct parser *p) {
	struct node *n;
	int operand = parse_operand(p);
	if (operand < 0)
		return operand;
	int index = add_node(p, OP_NOT, &n);
	if (index >= 0)
		n->left = operand;
	return index;
}

static int parse_chain(struct parser *p, const char *word, enum op op, int (*next)(struct parser *)) {
	int left = next(p);
	while (left >= 0 && take_word(p, word)) {
		struct node *n;
		int right = next(p);
		if (right < 0)
			return right;
		int index = add_node(p, op, &n);
		if (index < 0)
			return index;
		n->left = left;
		n->right = right;
		left = index;
	}
	return left;
}

static int parse_and(struct parser *p) {
	return parse_chain(p, "and", OP_AND, parse_operand);
}

static int parse_or(struct parser *p) {
	return parse_chain(p, "or", OP_OR, parse_and);
}

int odata_parse(const char *text, const json_t *properties, const char *type, struct odata_filter **out, struct err *err) {
	_cleanup_odata_ struct odata_filter *f = calloc(1, sizeof(*f));
	struct parser p = {.at = text, .properties = properties, .type = type, .filter = f, .err = err};
	if (!f)
		return err_oom(err);
	if (strlen(text) > ODATA_TEXT_MAX)
		return malformed(&p, "the expression is too long.");
	f->root = parse_or(&p);
	if (f->root < 0)
		return f->root;
	skip_blanks(&p);
	if (*p.at)
		return malformed(&p, "something follows the expression.");
	*out = TAKE_PTR(f);
	return 0;
}


static bool equal(const json_t *a, const json_t *b) {
	if (json_is_string(a) && json_is_string(b))
		return strv_eq_nocase(json_string_value(a), json_string_value(b));
	return a && json_equal(a, b);
}

// Of times and numbers; everything else has no order. False when they have none.
static bool compare(const json_t *a, const json_t *b, int *out) {
	int64_t x, y;
	if (json_is_integer(a) && json_is_integer(b)) {
		x = json_integer_value(a);
		y = json_integer_value(b);
	} else if (!json_is_string(a) || !json_is_string(b)) {
		return false;
	} else if (clock_parse(json_string_value(a), &x) < 0 || clock_parse(json_string_value(b), &y) < 0) {
		*out = strcasecmp(json_string_value(a), json_string_value(b));
		return true;
	}
	*out = (x > y) - (x < y);
	return true;
}

static bool contains(const json_t *list, const json_t *value) {
	for (size_t i = 0; i < json_array_size(list); i++)
		if (equal(value, json_array_get(list, i)))
			return true;
	return false;
}

static bool compare_node(const struct node *n, const json_t *value) {
	int order = 0;
	const char *text = json_string_value(value), *other = json_string_value(n->value);
	switch (n->op) {
	case OP_EQ:
		return equal(value, n->value);
	case OP_NE:
		return !equal(value, n->value);
	case OP_IN:
		return contains(n->value, value);
	case OP_STARTS:
		return text && strv_starts_with_nocase(text, other);
	case OP_ENDS:
		return text && strv_ends_with_nocase(text, other);
	case OP_TRUTH:
		return json_is_true(value);
	default:
		break;
	}
	if (!compare(value, n->value, &order))
		return false;
	return n->op == OP_GT ? order > 0 : n->op == OP_GE ? order >= 0 : n->op == OP_LT ? order < 0 : order <= 0;
}

static bool evaluate(const struct odata_filter *f, int index, const json_t *object) {
	const struct node *n = &f->nodes[index];
	const json_t *value;
	switch (n->op) {
	case OP_AND:
		return evaluate(f, n->left, object) && evaluate(f, n->right, object);
	case OP_OR:
		return evaluate(f, n->left, object) || evaluate(f, n->right, object);
	case OP_NOT:
		return !evaluate(f, n->left, object);
	case OP_ANY:
		value = json_at(object, n->path);
		for (size_t i = 0; i < json_array_size(value); i++)
			if (n->left < 0 || evaluate(f, n->left, json_array_get(value, i)))
				return true;
		return false;
	default:
		value = n->path[0] ? json_at(object, n->path) : object;
		// What is missing is null.
		return compare_node(n, value ? value : json_null());
	}
}

bool odata_matches(const struct odata_filter *f, const json_t *object) {
	return evaluate(f, f->root, object);
}
