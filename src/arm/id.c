// SPDX-License-Identifier: Apache-2.0
#include "arm/id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"

enum { SEGMENTS_MAX = 24 };

struct segments {
	char text[ARM_ID_MAX];
	const char *at[SEGMENTS_MAX];
	size_t count;
};

static int malformed(const char *path, struct err *err) {
	return err_set(err, -EINVAL, 404, "InvalidResourceType", "The path '%.200s' does not address a resource.", path);
}

static int split(const char *path, struct segments *s, struct err *err) {
	if (path[0] != '/' || strlen(path) >= sizeof(s->text))
		return malformed(path, err);
	(void)snprintf(s->text, sizeof(s->text), "%s", path + 1);
	char *rest = s->text;
	for (char *part; (part = strsep(&rest, "/"));) {
		if (!*part && !rest)
			break;  // one trailing slash
		if (!*part || s->count == SEGMENTS_MAX || strlen(part) >= ARM_NAME_MAX)
			return malformed(path, err);
		s->at[s->count++] = part;
	}
	return 0;
}

// "…/resourceGroups/{rg}/deployments/…", as clients ask for the operations of a deployment, leaves out what stands before.
static void complete_deployment(struct segments *s) {
	if (s->count < 6 || s->count + 2 > SEGMENTS_MAX || !strv_eq_nocase(s->at[0], "subscriptions") ||
		!strv_eq_nocase(s->at[2], "resourceGroups") || !strv_eq_nocase(s->at[4], "deployments"))
		return;
	memmove(&s->at[6], &s->at[4], (s->count - 4) * sizeof(s->at[0]));
	s->at[4] = "providers";
	s->at[5] = "Microsoft.Resources";
	s->count += 2;
}

// Append "/segment" for each of the segments [from, to).
static void join(char *out, size_t size, const struct segments *s, size_t from, size_t to) {
	size_t used = strlen(out);
	for (size_t i = from; i < to && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "/%s", s->at[i]);
}

static void copy(char *out, size_t size, const char *in) {
	(void)snprintf(out, size, "%s", in);
}

// ids are printed with these words as Azure spells them, whatever case a request uses.
static bool is_word(struct segments *s, size_t i, const char *word) {
	if (!strv_eq_nocase(s->at[i], word))
		return false;
	s->at[i] = word;
	return true;
}

static bool read_tail(const struct segments *s, size_t at, struct arm_target *t) {
	if (strlen(s->at[at]) >= sizeof(t->tail))
		return false;
	copy(t->tail, sizeof(t->tail), s->at[at]);
	return true;
}

// subscriptions/{s}/tagNames/{name}[/tagValues[/{value}]]: names of tags that a subscription keeps.
static bool read_tag_name(struct segments *s, size_t end, struct arm_target *t) {
	if (!is_word(s, 2, "tagNames") || end > 6 || (end > 4 && !is_word(s, 4, "tagValues")))
		return false;
	copy(t->type, sizeof(t->type), "Microsoft.Resources/subscriptions/tagNames");
	if (end == 6)
		copy(t->type, sizeof(t->type), "Microsoft.Resources/subscriptions/tagNames/tagValues");
	copy(t->name, sizeof(t->name), s->at[end == 6 ? 5 : 3]);
	return end != 5 || read_tail(s, 4, t);
}

// The segments before any "providers": the tenants, a subscription, a group, or nothing.
static bool read_container(struct segments *s, size_t end, struct arm_target *t) {
	if (end == 0)
		return true;
	if (end == 1 && is_word(s, 0, "tenants")) {
		copy(t->type, sizeof(t->type), "Microsoft.Resources/tenants");
		return true;
	}
	if (!is_word(s, 0, "subscriptions"))
		return false;
	if (end == 1) {
		copy(t->type, sizeof(t->type), "Microsoft.Resources/subscriptions");
		return true;
	}
	if (strlen(s->at[1]) >= sizeof(t->subscription))
		return false;
	copy(t->subscription, sizeof(t->subscription), s->at[1]);
	copy(t->type, sizeof(t->type), "Microsoft.Resources/subscriptions");
	copy(t->name, sizeof(t->name), s->at[1]);
	if (end == 2)
		return true;
	if (!is_word(s, 2, "resourceGroups"))
		return end == 3 ? read_tail(s, 2, t) : read_tag_name(s, end, t);
	copy(t->type, sizeof(t->type), "Microsoft.Resources/resourceGroups");
	t->name[0] = 0;
	if (end == 3)
		return true;
	copy(t->group, sizeof(t->group), s->at[3]);
	copy(t->name, sizeof(t->name), s->at[3]);
	return end == 4 || (end == 5 && read_tail(s, 4, t));
}

// namespace/type/name[/type/name…][/tail] after the last "providers".
static bool read_provider(const struct segments *s, size_t at, struct arm_target *t) {
	size_t left = s->count - at;
	if (left < 2)
		return false;
	bool ends_with_type = left % 2 == 0;
	// "ns/t" is a collection; "ns/t/n/x" is an action or a child collection of "ns/t/n".
	bool has_tail = ends_with_type && left > 2;
	size_t end = has_tail ? s->count - 1 : s->count;

	size_t used = (size_t)snprintf(t->type, sizeof(t->type), "%s", s->at[at]);
	for (size_t i = at + 1; i < end && used < sizeof(t->type); i += 2)
		used += (size_t)snprintf(t->type + used, sizeof(t->type) - used, "/%s", s->at[i]);
	if (used >= sizeof(t->type))
		return false;
	copy(t->name, sizeof(t->name), ends_with_type && !has_tail ? "" : s->at[end - 1]);
	if (has_tail && !read_tail(s, end, t))
		return false;
	join(t->id, sizeof(t->id), s, 0, end);
	return true;
}

// "providers", "providers/{namespace}" and "providers/{namespace}/register" or "/unregister": the namespaces themselves.
static bool read_namespace(const struct segments *s, size_t at, struct arm_target *t) {
	size_t left = s->count - at;
	bool has_tail = left == 2 && (strv_eq_nocase(s->at[at + 1], "register") || strv_eq_nocase(s->at[at + 1], "unregister"));
	if ((left > 1 && !has_tail) || t->group[0])
		return false;
	copy(t->type, sizeof(t->type), "Microsoft.Resources/providers");
	copy(t->name, sizeof(t->name), left > 0 ? s->at[at] : "");
	join(t->id, sizeof(t->id), s, 0, has_tail ? s->count - 1 : s->count);
	return !has_tail || read_tail(s, at + 1, t);
}

// Does a provider's part begin behind this segment? In "providers/Microsoft.Features/providers/{namespace}/features" the
// second one is the name of a type.
static bool begins_provider(const struct segments *s, size_t i) {
	return strv_eq_nocase(s->at[i], "providers") && !(i >= 2 && strv_eq_nocase(s->at[i - 1], "Microsoft.Features") &&
		strv_eq_nocase(s->at[i - 2], "providers"));
}

static size_t last_providers(const struct segments *s) {
	for (size_t i = s->count; i > 0; i--)
		if (begins_provider(s, i - 1))
			return i - 1;
	return s->count;
}

static size_t first_providers(const struct segments *s) {
	for (size_t i = 0; i < s->count; i++)
		if (strv_eq_nocase(s->at[i], "providers"))
			return i;
	return s->count;
}

int arm_parse_path(const char *path, struct arm_target *out, struct err *err) {
	struct segments s = {0};
	struct arm_target t = {0};
	int rc = split(path, &s, err);
	if (rc < 0)
		return rc;
	complete_deployment(&s);
	for (size_t i = 0; i < s.count; i++)
		t.providers += begins_provider(&s, i);
	// The container ends at the first "providers"; an extension resource has a second one.
	size_t first = first_providers(&s), last = last_providers(&s);
	if (!read_container(&s, first, &t) || (t.tail[0] && first < s.count))
		return malformed(path, err);
	join(t.scope, sizeof(t.scope), &s, 0, t.tail[0] ? s.count - 1 : last);
	if (last == s.count) {
		copy(t.id, sizeof(t.id), t.scope);
	} else {
		(void)is_word(&s, first, "providers");
		(void)is_word(&s, last, "providers");
		if (!(first == last && read_namespace(&s, last + 1, &t)) && !read_provider(&s, last + 1, &t))
			return malformed(path, err);
	}
	*out = t;
	return 0;
}

void arm_target_respell(struct arm_target *t, const char *type) {
	static const char word[] = "/providers/";
	char *to = t->id + strlen(t->scope);
	if (strncmp(to, word, sizeof(word) - 1) != 0)
		return;
	to += sizeof(word) - 1;
	// The same letters in another case, so every part keeps its length: "namespace/type", then "/type" after each name.
	size_t n = strcspn(type, "/") + 1;
	n += strcspn(type + n, "/");
	for (;;) {
		memcpy(to, type, n);
		to += n;
		type += n;
		if (*to)
			to += 1 + strcspn(to + 1, "/");
		if (!*to || !*type)
			return;
		n = 1 + strcspn(type + 1, "/");
	}
}

void arm_parent_id(const char *id, char out[static ARM_ID_MAX]) {
	copy(out, ARM_ID_MAX, id);
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(out, '/');
		*(slash ? slash : out) = 0;
	}
}

int arm_parse_id(const char *id, const char *type, struct arm_target *out, struct err *err) {
	struct arm_target t;
	if (arm_parse_path(id, &t, NULL) < 0 || !strv_eq_nocase(t.type, type) || !t.name[0] || t.tail[0])
		return err_set(err, -EINVAL, 400, "LinkedInvalidPropertyId",
			"Property id '%.300s' is not a valid id of a resource of type '%s'.", id, type);
	*out = t;
	return 0;
}
