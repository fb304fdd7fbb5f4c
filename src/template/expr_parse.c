// SPDX-License-Identifier: Apache-2.0
// Text of an expression to its tree. The grammar:
//   expression = (literal | call) { "." name | "[" expression "]" }
//   call = name { "." name } "(" [ expression { "," expression } ] ")"
//   literal = "'" … "'" with "''" for a quote, or an integer
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/strv.h"
#include "template/expr_internal.h"

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_STRING,
	TOKEN_INTEGER,
	TOKEN_DOT,
	TOKEN_COMMA,
	TOKEN_LEFT_PARENTHESIS,
	TOKEN_RIGHT_PARENTHESIS,
	TOKEN_LEFT_BRACKET,
	TOKEN_RIGHT_BRACKET,
};

// As Azure's messages call them.
static const char *const token_names[] = {
	[TOKEN_END] = "EndOfData",
	[TOKEN_NAME] = "Identifier",
	[TOKEN_STRING] = "StringLiteral",
	[TOKEN_INTEGER] = "Integer",
	[TOKEN_DOT] = "Dot",
	[TOKEN_COMMA] = "Comma",
	[TOKEN_LEFT_PARENTHESIS] = "LeftParenthesis",
	[TOKEN_RIGHT_PARENTHESIS] = "RightParenthesis",
	[TOKEN_LEFT_BRACKET] = "LeftSquareBracket",
	[TOKEN_RIGHT_BRACKET] = "RightSquareBracket",
};

struct parser {
	const char *text;    // the whole, for messages
	struct cursor rest;  // behind the token
	enum token_kind token;
	const char *start;  // of the token, without quotes
	size_t len;
	unsigned depth;
	struct err *err;
};

static void free_parts(struct expr *e) {
	for (size_t i = 0; i < e->count; i++)
		expr_free(e->parts[i]);
	free(e->parts);
}

void expr_free(struct expr *e) {
	if (!e)
		return;
	free_parts(e);
	free(e->name);
	json_decref(e->literal);
	free(e);
}

// Some of the text, which may be long.
static int shown(const struct parser *p) {
	size_t len = strlen(p->text);
	return len > 256 ? 256 : (int)len;
}

static int refuse_character(struct parser *p, const char *at) {
	return invalid(p->err, "The language expression '%.*s' is not valid: the string character '%.1s' at position '%zu' is not "
		"expected.", shown(p), p->text, (unsigned char)*at < 0x80 ? at : "?", (size_t)(at - p->text));
}

static int refuse_token(struct parser *p, enum token_kind expected) {
	return invalid(p->err, "Unable to parse language expression '%.*s': expected token '%s' and actual '%s'.", shown(p),
		p->text, token_names[expected], token_names[p->token]);
}

static const char *at(const struct parser *p) {
	return (const char *)p->rest.next;
}

static bool starts_name(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

// Moves over all characters that `of` accepts.
static void take_while(struct parser *p, bool (*of)(char c)) {
	while (p->rest.left > 0 && of(*at(p)))
		(void)cursor_u8(&p->rest);
	p->len = (size_t)(at(p) - p->start);
}

static bool goes_on_in_name(char c) {
	return starts_name(c) || is_digit(c);
}

static bool is_blank(char c) {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Up to the quote that ends the string; one that is doubled does not.
static int take_string(struct parser *p) {
	const char *quote = at(p) - 1;
	p->start = at(p);
	for (;;) {
		const char *next = memchr(at(p), '\'', p->rest.left);
		if (!next)
			return refuse_character(p, quote);
		p->len = (size_t)(next - p->start);
		(void)cursor_bytes(&p->rest, (size_t)(next - at(p)) + 1);
		if (p->rest.left == 0 || *at(p) != '\'')
			return 0;
		(void)cursor_u8(&p->rest);
	}
}

static int take_token(struct parser *p) {
	static const char marks[] = ".,()[]";
	static const enum token_kind of_mark[] = {TOKEN_DOT, TOKEN_COMMA, TOKEN_LEFT_PARENTHESIS, TOKEN_RIGHT_PARENTHESIS,
		TOKEN_LEFT_BRACKET, TOKEN_RIGHT_BRACKET};
	p->start = at(p);
	take_while(p, is_blank);
	p->start = at(p);
	if (p->rest.left == 0) {
		p->token = TOKEN_END;
		return 0;
	}
	char c = (char)cursor_u8(&p->rest);
	const char *mark = strchr(marks, c);
	if (mark) {
		p->token = of_mark[mark - marks];
		return 0;
	}
	if (c == '\'') {
		p->token = TOKEN_STRING;
		return take_string(p);
	}
	bool sign = (c == '-' || c == '+') && p->rest.left > 0 && is_digit(*at(p));
	if (!is_digit(c) && !sign && !starts_name(c))
		return refuse_character(p, p->start);
	p->token = starts_name(c) ? TOKEN_NAME : TOKEN_INTEGER;
	take_while(p, p->token == TOKEN_NAME ? goes_on_in_name : is_digit);
	return 0;
}

static int expect(struct parser *p, enum token_kind token) {
	return p->token == token ? take_token(p) : refuse_token(p, token);
}

static int new_expr(struct parser *p, enum expr_kind kind, struct expr **out) {
	struct expr *e = calloc(1, sizeof(*e));
	if (!e)
		return err_oom(p->err);
	e->kind = kind;
	*out = e;
	return 0;
}

// Takes over `part`, also on failure.
static int add_part(struct parser *p, struct expr *e, struct expr *part) {
	// Powers of two, so that the capacity need not be kept.
	if ((e->count & (e->count - 1)) == 0) {
		struct expr **parts = reallocarray(e->parts, e->count ? 2 * e->count : 1, sizeof(struct expr *));
		if (!parts) {
			expr_free(part);
			return err_oom(p->err);
		}
		e->parts = parts;
	}
	e->parts[e->count++] = part;
	return 0;
}

static int parse_expression(struct parser *p, struct expr **out);

static int parse_string(struct parser *p, struct expr *e) {
	_cleanup_buf_ struct buf text = {0};
	for (size_t i = 0; i < p->len; i++) {
		if (buf_u8(&text, (uint8_t)p->start[i]) < 0)
			return err_oom(p->err);
		i += p->start[i] == '\'';
	}
	e->literal = json_stringn(buf_cstr(&text), text.len);
	// The whole text was found to be UTF-8 before.
	return e->literal ? take_token(p) : err_oom(p->err);
}

static int parse_integer(struct parser *p, struct expr *e) {
	char digits[24];
	int64_t value;
	bool plus = *p->start == '+';
	size_t len = p->len - plus;
	int rc = len < sizeof(digits) ? 0 : -ERANGE;
	if (rc == 0) {
		memcpy(digits, p->start + plus, len);
		digits[len] = 0;
		rc = strv_int(digits, INT64_MIN, INT64_MAX, &value);
	}
	if (rc < 0)
		return invalid(p->err, "Unable to parse language expression '%.*s': the number '%.*s' is out of range.", shown(p),
			p->text, p->len > 64 ? 64 : (int)p->len, p->start);
	e->literal = json_integer(value);
	return e->literal ? take_token(p) : err_oom(p->err);
}

static int parse_arguments(struct parser *p, struct expr *call) {
	int rc = expect(p, TOKEN_LEFT_PARENTHESIS);
	if (rc < 0 || p->token == TOKEN_RIGHT_PARENTHESIS)
		return rc < 0 ? rc : take_token(p);
	for (;;) {
		struct expr *argument;
		rc = parse_expression(p, &argument);
		if (rc == 0)
			rc = add_part(p, call, argument);
		if (rc < 0 || p->token != TOKEN_COMMA)
			return rc < 0 ? rc : expect(p, TOKEN_RIGHT_PARENTHESIS);
		rc = take_token(p);
		if (rc < 0)
			return rc;
	}
}

// "concat", "contoso.unique".
static int parse_function_name(struct parser *p, struct expr *call) {
	_cleanup_buf_ struct buf name = {0};
	for (;;) {
		if (p->token != TOKEN_NAME)
			return refuse_token(p, TOKEN_NAME);
		if (buf_append(&name, p->start, p->len) < 0)
			return err_oom(p->err);
		int rc = take_token(p);
		if (rc < 0)
			return rc;
		if (p->token != TOKEN_DOT)
			break;
		rc = buf_u8(&name, '.') < 0 ? err_oom(p->err) : take_token(p);
		if (rc < 0)
			return rc;
	}
	call->name = buf_take_str(&name);
	if (!call->name)
		return err_oom(p->err);
	call->function = function_find(call->name);
	return 0;
}

static int parse_start(struct parser *p, struct expr **out) {
	_cleanup_expr_ struct expr *e = NULL;
	int rc = new_expr(p, p->token == TOKEN_NAME ? EXPR_CALL : EXPR_LITERAL, &e);
	if (rc < 0)
		return rc;
	if (p->token == TOKEN_STRING)
		rc = parse_string(p, e);
	else if (p->token == TOKEN_INTEGER)
		rc = parse_integer(p, e);
	else
		rc = parse_function_name(p, e);
	if (rc == 0 && e->kind == EXPR_CALL)
		rc = parse_arguments(p, e);
	if (rc == 0)
		*out = TAKE_PTR(e);
	return rc;
}

static int parse_member(struct parser *p, struct expr *e) {
	int rc = take_token(p);
	if (rc < 0)
		return rc;
	if (p->token != TOKEN_NAME)
		return refuse_token(p, TOKEN_NAME);
	e->name = strndup(p->start, p->len);
	return e->name ? take_token(p) : err_oom(p->err);
}

static int parse_element(struct parser *p, struct expr *e) {
	struct expr *index;
	int rc = take_token(p);
	if (rc == 0)
		rc = parse_expression(p, &index);
	if (rc == 0)
		rc = add_part(p, e, index);
	return rc < 0 ? rc : expect(p, TOKEN_RIGHT_BRACKET);
}

static int too_deep(struct parser *p) {
	return invalid(p->err, "The language expression '%.*s' is nested deeper than %d levels.", shown(p), p->text, EXPR_DEPTH_MAX);
}

// What follows: takes *e over and gives what it is inside of. Each step is a level that evaluation goes down.
static int parse_steps(struct parser *p, struct expr **e) {
	unsigned steps = 0;
	while (p->token == TOKEN_DOT || p->token == TOKEN_LEFT_BRACKET) {
		_cleanup_expr_ struct expr *step = NULL;
		bool is_member = p->token == TOKEN_DOT;
		if (p->depth + ++steps > EXPR_DEPTH_MAX)
			return too_deep(p);
		int rc = new_expr(p, is_member ? EXPR_MEMBER : EXPR_ELEMENT, &step);
		if (rc == 0)
			rc = add_part(p, step, TAKE_PTR(*e));
		if (rc == 0)
			rc = is_member ? parse_member(p, step) : parse_element(p, step);
		if (rc < 0)
			return rc;
		*e = TAKE_PTR(step);
	}
	return 0;
}

static int parse_expression(struct parser *p, struct expr **out) {
	_cleanup_expr_ struct expr *e = NULL;
	if (++p->depth > EXPR_DEPTH_MAX)
		return too_deep(p);
	int rc = parse_start(p, &e);
	if (rc == 0)
		rc = parse_steps(p, &e);
	p->depth--;
	if (rc == 0)
		*out = TAKE_PTR(e);
	return rc;
}

int expr_parse(const char *text, struct expr **out, struct err *err) {
	size_t len = strlen(text);
	_cleanup_expr_ struct expr *e = NULL;
	if (len > EXPR_LENGTH_MAX)
		return invalid(err, "The language expression has %zu characters; it must not have more than %d.", len, EXPR_LENGTH_MAX);
	if (len < 2 || text[0] != '[' || text[len - 1] != ']')
		return invalid(err, "The language expression '%.256s' is not enclosed in square brackets.", text);
	_cleanup_json_ json_t *is_utf8 = json_string(text);
	if (!is_utf8)
		return invalid(err, "The language expression is not UTF-8.");
	struct parser p = {.text = text, .rest = cursor_of(text + 1, len - 2), .err = err};
	int rc = take_token(&p);
	if (rc == 0)
		rc = parse_expression(&p, &e);
	if (rc == 0 && p.token != TOKEN_END)
		rc = refuse_token(&p, TOKEN_END);
	if (rc == 0)
		*out = TAKE_PTR(e);
	return rc;
}
