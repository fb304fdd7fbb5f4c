// SPDX-License-Identifier: Apache-2.0
// Base64, data URIs, URIs and their components.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/strv.h"
#include "template/expr_internal.h"

static int append_base64(const struct call *c, struct buf *out, const void *data, size_t len, struct err *err) {
	_cleanup_buf_ struct buf encoded = {0};
	if (enc_base64(&encoded, data, len) < 0)
		return err_oom(err);
	return append(c->ev, out, encoded.data, encoded.len, err);
}

static int compute_base64(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf made = {0};
	const char *text;
	int rc = want_string(c, 0, &text, err);
	if (rc == 0)
		rc = append_base64(c, &made, text, strlen(text), err);
	return rc < 0 ? rc : deliver_buf(&made, out, err);
}

static int want_plain_string(const struct call *c, const char **out, struct err *err) {
	if (!json_is_string(c->args[0]))
		return expects(c, err, "its parameter to be a string. The provided value is of type '%s'.", expr_type_name(c->args[0]));
	*out = json_string_value(c->args[0]);
	return 0;
}

static int decode_base64(const struct call *c, struct buf *out, struct err *err) {
	const char *text;
	int rc = want_plain_string(c, &text, err);
	if (rc < 0)
		return rc;
	rc = dec_base64(out, text, strlen(text));
	if (rc == -EINVAL)
		return invalid(err, "The template language function '%s' was invoked with a parameter that is not valid. The value cannot be "
			"decoded from base64 representation.", c->name);
	return rc < 0 ? err_oom(err) : spend(c->ev, out->len, err);
}

static int compute_base64_to_string(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	int rc = decode_base64(c, &text, err);
	return rc < 0 ? rc : deliver_buf(&text, out, err);
}

static int compute_base64_to_json(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	int rc = decode_base64(c, &text, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *string = NULL;
	rc = deliver_buf(&text, &string, err);
	return rc < 0 ? rc : parse_json(c, json_string_value(string), out, err);
}

// A string as text, everything else as JSON.
static int compute_data_uri(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf content = {0}, made = {0};
	bool is_text = json_is_string(c->args[0]);
	int rc = is_text ? append_value(c->ev, &content, c->args[0], err) : append_json(c->ev, &content, c->args[0], err);
	if (rc == 0)
		rc = append_str(c->ev, &made, is_text ? "data:text/plain;charset=utf8;base64," : "data:application/json;charset=utf8;base64,",
			err);
	if (rc == 0)
		rc = append_base64(c, &made, content.data, content.len, err);
	return rc < 0 ? rc : deliver_buf(&made, out, err);
}

static int hex_digit(char c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "%20" and the like; a '%' that begins none stays.
static int unescape(const struct call *c, const char *text, struct buf *out, struct err *err) {
	int rc = 0;
	while (*text && rc == 0) {
		size_t plain = strcspn(text, "%");
		int hi = text[plain] ? hex_digit(text[plain + 1]) : -1, lo = hi >= 0 ? hex_digit(text[plain + 2]) : -1;
		if (lo >= 0) {
			const uint8_t byte = (uint8_t)(hi << 4 | lo);
			rc = append(c->ev, out, text, plain, err);
			if (rc == 0)
				rc = append(c->ev, out, &byte, 1, err);
			text += plain + 3;
		} else {
			plain += text[plain] == '%';
			rc = append(c->ev, out, text, plain, err);
			text += plain;
		}
	}
	return rc;
}

// data:[type[;name=value]…][;charset=…][;base64],content. The names of parameters are the type's: without one, there are none.
struct data_uri {
	bool is_json, is_base64;
	char charset[32];
	const char *content;
};

static int parse_parameter(const char *at, size_t len, bool has_type, struct data_uri *uri) {
	static const char charset[] = "charset=";
	if (len == 6 && strncasecmp(at, "base64", len) == 0) {
		uri->is_base64 = true;
		return 0;
	}
	if (len >= sizeof(charset) && strncasecmp(at, charset, sizeof(charset) - 1) == 0) {
		len -= sizeof(charset) - 1;
		// What is cut is no name of one that is known.
		(void)snprintf(uri->charset, sizeof(uri->charset), "%.*s", len > 64 ? 64 : (int)len, at + sizeof(charset) - 1);
		return 0;
	}
	return has_type && memchr(at, '=', len) ? 0 : -EINVAL;
}

static int parse_data_uri(const char *text, struct data_uri *out) {
	static const char json[] = "application/json";
	struct data_uri uri = {0};
	const char *comma = strchr(text, ',');
	if (!strv_starts_with_nocase(text, "data:") || !comma)
		return -EINVAL;
	const char *at = text + 5;
	size_t type = strcspn(at, ";,");
	uri.is_json = type == sizeof(json) - 1 && strncasecmp(at, json, type) == 0;
	if (type > 0 && !memchr(at, '/', type))
		return -EINVAL;
	for (at += type; *at == ';';) {
		size_t len = strcspn(++at, ";,");
		if (parse_parameter(at, len, type > 0, &uri) < 0)
			return -EINVAL;
		at += len;
	}
	uri.content = at + 1;
	*out = uri;
	return 0;
}

static int decode_data(const struct call *c, const struct data_uri *uri, struct buf *out, struct err *err) {
	int rc = uri->is_base64 ? 0 : unescape(c, uri->content, out, err);
	if (rc < 0 || !uri->is_base64)
		return rc;
	rc = dec_base64(out, uri->content, strlen(uri->content));
	if (rc == -ENOMEM)
		return err_oom(err);
	return rc < 0 ? rc : spend(c->ev, out->len, err);
}

static int compute_data_uri_to_string(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf content = {0};
	struct data_uri uri;
	struct err reason = {0};
	const char *text;
	int rc = want_plain_string(c, &text, err);
	if (rc < 0)
		return rc;
	rc = parse_data_uri(text, &uri);
	if (rc == 0 && *uri.charset && strcasecmp(uri.charset, "UTF-8") != 0 && strcasecmp(uri.charset, "US-ASCII") != 0)
		return invalid(err, "The template language function '%s' parameter is not valid. The provided charset '%s' is not supported.",
			c->name, uri.charset);
	if (rc == 0)
		rc = decode_data(c, &uri, &content, &reason);
	if (rc < 0 && reason.status == 0)
		return expects(c, err, "its parameter to be formatted as a valid data URI. The provided value '%.256s' was not formatted "
			"correctly.", text);
	if (rc < 0)
		return err_set(err, rc, reason.status, reason.code, "%s", reason.message);
	_cleanup_json_ json_t *string = NULL;
	rc = deliver_buf(&content, &string, err);
	if (rc < 0)
		return rc;
	if (uri.is_json)
		return parse_json(c, json_string_value(string), out, err);
	*out = TAKE_PTR(string);
	return 0;
}

static int compute_uri_component(const struct call *c, json_t **out, struct err *err) {
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
	_cleanup_buf_ struct buf made = {0};
	const char *text;
	int rc = want_string(c, 0, &text, err);
	while (rc == 0 && *text) {
		size_t plain = strspn(text, unreserved);
		rc = append(c->ev, &made, text, plain, err);
		text += plain;
		if (rc == 0 && *text) {
			char escaped[4];
			(void)snprintf(escaped, sizeof(escaped), "%%%02X", (unsigned char)*text++);
			rc = append(c->ev, &made, escaped, 3, err);
		}
	}
	return rc < 0 ? rc : deliver_buf(&made, out, err);
}

static int compute_uri_component_to_string(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf made = {0};
	const char *text;
	int rc = want_string(c, 0, &text, err);
	if (rc == 0)
		rc = unescape(c, text, &made, err);
	return rc < 0 ? rc : deliver_buf(&made, out, err);
}

// A part of a URI (RFC 3986): where it begins, NULL when it is not there, and its length.
struct part {
	const char *at;
	size_t len;
};

struct uri {
	struct part scheme, authority, path, query, fragment;
};

static struct part take_until(const char **at, const char *stops) {
	struct part p = {*at, strcspn(*at, stops)};
	*at += p.len;
	return p;
}

static bool is_scheme(const char *text, size_t len) {
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	return len > 1 && text[len] == ':' && strchr(letters, text[0]) &&
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.") >= len;
}

static struct uri split_uri(const char *text) {
	struct uri u = {0};
	size_t scheme = strcspn(text, ":/?#");
	if (is_scheme(text, scheme)) {
		u.scheme = (struct part){text, scheme};
		text += scheme + 1;
	}
	if (text[0] == '/' && text[1] == '/') {
		text += 2;
		u.authority = take_until(&text, "/?#");
	}
	u.path = take_until(&text, "?#");
	if (*text == '?') {
		text++;
		u.query = take_until(&text, "#");
	}
	if (*text == '#')
		u.fragment = (struct part){text + 1, strlen(text + 1)};
	return u;
}

static void cut_last_segment(struct buf *path) {
	while (path->len > 0 && path->data[path->len - 1] != '/')
		path->data[--path->len] = 0;
	if (path->len > 0)
		path->data[--path->len] = 0;
}

// "." and ".." are worked out (RFC 3986, 5.2.4). Each segment is given with the '/' before it.
static int append_segments(const struct call *c, struct buf *out, const char *path, size_t len, struct err *err) {
	_cleanup_buf_ struct buf made = {0};
	const char *end = path + len;
	int rc = 0;
	while (path < end && rc == 0) {
		size_t segment = strcspn(++path, "/");
		if (segment > (size_t)(end - path))
			segment = (size_t)(end - path);
		bool up = segment == 2 && memcmp(path, "..", 2) == 0, here = segment == 1 && *path == '.';
		if (up)
			cut_last_segment(&made);
		else if (!here)
			rc = append(c->ev, &made, "/", 1, err);
		if (rc == 0 && !up && !here)
			rc = append(c->ev, &made, path, segment, err);
		path += segment;
		// "a/.." ends in a folder.
		if (rc == 0 && (up || here) && path == end)
			rc = append(c->ev, &made, "/", 1, err);
	}
	return rc < 0 ? rc : append(c->ev, out, made.data, made.len, err);
}

static int append_part(const struct call *c, struct buf *out, const char *before, struct part p, struct err *err) {
	if (!p.at)
		return 0;
	int rc = append_str(c->ev, out, before, err);
	return rc < 0 ? rc : append(c->ev, out, p.at, p.len, err);
}

static int append_lower(const struct call *c, struct buf *out, struct part p, struct err *err) {
	size_t from = out->len;
	int rc = append(c->ev, out, p.at, p.len, err);
	for (size_t i = from; i < out->len; i++)
		if (out->data[i] >= 'A' && out->data[i] <= 'Z')
			out->data[i] |= 0x20;
	return rc;
}

// A path that begins with '/': the relative one itself, or in the place of the base's last segment.
static int append_path(const struct call *c, struct buf *out, const struct uri *base, struct part relative, struct err *err) {
	_cleanup_buf_ struct buf joined = {0};
	int rc = 0;
	if (relative.len == 0 || relative.at[0] != '/') {
		size_t folder = base->path.len;
		while (relative.len > 0 && folder > 0 && base->path.at[folder - 1] != '/')
			folder--;
		rc = folder > 0 ? append(c->ev, &joined, base->path.at, folder, err) : append(c->ev, &joined, "/", 1, err);
	}
	if (rc == 0)
		rc = append(c->ev, &joined, relative.at, relative.len, err);
	return rc < 0 ? rc : append_segments(c, out, buf_cstr(&joined), joined.len, err);
}

// RFC 3986, 5.2.2, of an absolute base with an authority.
static int resolve(const struct call *c, const struct uri *base, const struct uri *relative, struct buf *out, struct err *err) {
	bool own_authority = relative->authority.at;
	const struct part authority = own_authority ? relative->authority : base->authority;
	const struct uri *of_path = own_authority ? relative : base;
	struct part query = relative->query;
	if (!query.at && !own_authority && relative->path.len == 0)
		query = base->query;
	int rc = append_lower(c, out, relative->scheme.at ? relative->scheme : base->scheme, err);
	if (rc == 0)
		rc = append_str(c->ev, out, "://", err);
	if (rc == 0)
		rc = append_lower(c, out, authority, err);
	if (rc == 0)
		rc = append_path(c, out, of_path, relative->path, err);
	if (rc == 0)
		rc = append_part(c, out, "?", query, err);
	return rc < 0 ? rc : append_part(c, out, "#", relative->fragment, err);
}

static int compute_uri(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf made = {0};
	const char *first, *second;
	int rc = want_two_strings(c, &first, &second, err);
	if (rc < 0)
		return rc;
	struct uri base = split_uri(first), relative = split_uri(second);
	if (!base.scheme.at || base.authority.len == 0)
		return expects(c, err, "its first argument to be a uri string. The provided value is '%.256s'.", first);
	if (relative.scheme.at && relative.authority.len == 0)
		return expects(c, err, "its second argument to be a relative uri string. The provided value is '%.256s'.", second);
	rc = resolve(c, &base, &relative, &made, err);
	return rc < 0 ? rc : deliver_buf(&made, out, err);
}

const struct function encoding_functions[] = {
	{"base64", 1, 1, compute_base64, NULL},
	{"base64ToJson", 1, 1, compute_base64_to_json, NULL},
	{"base64ToString", 1, 1, compute_base64_to_string, NULL},
	{"dataUri", 1, 1, compute_data_uri, NULL},
	{"dataUriToString", 1, 1, compute_data_uri_to_string, NULL},
	{"uri", 2, 2, compute_uri, NULL},
	{"uriComponent", 1, 1, compute_uri_component, NULL},
	{"uriComponentToString", 1, 1, compute_uri_component_to_string, NULL},
	{0},
};
