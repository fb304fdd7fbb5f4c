// SPDX-License-Identifier: Apache-2.0
#include "net/router.h"

#include <string.h>
#include <strings.h>

// The segment at *p, without its slash; *p moves behind it.
static const char *next_segment(const char **p, size_t *len) {
	const char *segment = **p == '/' ? *p + 1 : *p;
	*len = strcspn(segment, "/");
	*p = segment + *len;
	return segment;
}

static bool ended(const char *p) {
	return p[0] == 0 || (p[0] == '/' && p[1] == 0);
}

static bool capture(struct route_match *m, const char *name, size_t name_len, const char *value, size_t value_len) {
	if (m->count == ROUTE_PARAMS_MAX || name_len >= sizeof(m->params[0].name) || value_len == 0 ||
		value_len >= ROUTE_VALUE_MAX)
		return false;
	memcpy(m->params[m->count].name, name, name_len);
	m->params[m->count].name[name_len] = 0;
	memcpy(m->params[m->count].value, value, value_len);
	m->params[m->count].value[value_len] = 0;
	m->count++;
	return true;
}

static bool match_path(const char *pattern, const char *path, struct route_match *m) {
	if (path[0] != '/')
		return false;
	while (!ended(pattern) && !ended(path)) {
		size_t want_len, have_len;
		const char *want = next_segment(&pattern, &want_len), *have = next_segment(&path, &have_len);
		if (want_len > 2 && want[0] == '{' && want[want_len - 1] == '}') {
			if (!capture(m, want + 1, want_len - 2, have, have_len))
				return false;
		} else if (want_len != have_len || strncasecmp(want, have, want_len) != 0) {
			return false;
		}
	}
	return ended(pattern) && ended(path);
}

static enum route_result find(const void *table, size_t count, size_t stride, const char *method, const char *path,
	struct route_match *out) {
	enum route_result result = ROUTE_NO_PATH;
	for (size_t i = 0; i < count; i++) {
		const struct route *r = (const void *)((const char *)table + i * stride);
		struct route_match m = {.index = i};
		if (!match_path(r->pattern, path, &m))
			continue;
		if (strcmp(r->method, method) == 0) {
			*out = m;
			return ROUTE_FOUND;
		}
		result = ROUTE_NO_METHOD;
	}
	return result;
}

enum route_result route_find(const void *table, size_t count, size_t stride, const char *method, const char *path,
	struct route_match *out) {
	enum route_result result = find(table, count, stride, method, path, out);
	if (result == ROUTE_NO_METHOD && strcmp(method, "HEAD") == 0)
		result = find(table, count, stride, "GET", path, out);
	return result;
}

const char *route_param(const struct route_match *m, const char *name) {
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->params[i].name, name) == 0)
			return m->params[i].value;
	return "";
}
