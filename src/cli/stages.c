// SPDX-License-Identifier: Apache-2.0
#include "cli/stages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.()"
enum { FILE_MAX = 4 << 20, STAGE_NAME_MAX = 64, GROUP_NAME_MAX = 90 };

#define invalid(err, ...) err_set(err, -EINVAL, 400, "InvalidStages", __VA_ARGS__)

void stages_free(struct stages *s) {
	for (size_t i = 0; i < s->count; i++) {
		json_decref(s->at[i].document);
		json_decref(s->at[i].parameters);
	}
	json_decref(s->document);
	*s = (struct stages){0};
}

static int read_json(const char *path, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	struct err why = {0};
	int rc = io_read_file(path, FILE_MAX, &text, err);
	if (rc < 0)
		return rc;
	// Editors on Windows put it there.
	static const char mark[] = "\xef\xbb\xbf";
	size_t skip = text.len >= 3 && memcmp(text.data, mark, 3) == 0 ? 3 : 0;
	rc = json_parse(text.data + skip, text.len - skip, "InvalidStages", out, &why);
	return rc < 0 ? invalid(err, "%s: %s", path, why.message) : 0;
}

// A file named in another one is searched for beside it.
static char *beside(const char *path, const char *name) {
	const char *slash = strrchr(path, '/');
	return name[0] == '/' || !slash ? strdup(name) : strv_printf("%.*s/%s", (int)(slash - path), path, name);
}

static int read_beside(const char *path, const char *name, json_t **out, struct err *err) {
	_cleanup_free_ char *file = beside(path, name);
	return file ? read_json(file, out, err) : err_oom(err);
}

static int check_members(const json_t *object, const char *const *known, const char *what, struct err *err) {
	const char *name;
	json_t *value;
	if (!json_is_object(object))
		return invalid(err, "%s must be a JSON object", what);
	json_object_foreach((json_t *)(uintptr_t)object, name, value) {
		const char *const *k = known;
		while (*k && strcmp(*k, name) != 0)
			k++;
		if (!*k)
			return invalid(err, "%s has no member '%s'", what, name);
	}
	return 0;
}

static int add_value(json_t *parameters, const char *name, json_t *value, struct err *err) {
	return json_set(parameters, name, json_pack("{s:O}", "value", value)) < 0 ? err_oom(err) : 0;
}

// A parameter file ("deploymentParameters.json") or the values themselves.
static int add_own(struct stage *s, const json_t *given, const char *path, struct err *err) {
	_cleanup_json_ json_t *file = NULL;
	const char *name;
	json_t *value;
	if (json_is_string(given)) {
		int rc = read_beside(path, json_string_value(given), &file, err);
		if (rc < 0)
			return rc;
		json_t *listed = json_object_get(file, "parameters");
		if (!json_is_object(listed))
			return invalid(err, "%s has no parameters", json_string_value(given));
		return json_object_update(s->parameters, listed) < 0 ? err_oom(err) : 0;
	}
	if (given && !json_is_object(given))
		return invalid(err, "the parameters of stage '%s' must be an object or the name of a file", s->name);
	json_object_foreach((json_t *)(uintptr_t)given, name, value) {
		int rc = add_value(s->parameters, name, value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_common(struct stage *s, const json_t *common, struct err *err) {
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)common, name, value) {
		if (!json_object_get(json_object_get(s->document, "parameters"), name) || json_object_get(s->parameters, name) ||
			json_object_get(s->inputs, name))
			continue;
		int rc = add_value(s->parameters, name, value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool comes_before(const struct stages *all, const struct stage *s, const char *name, size_t len) {
	for (const struct stage *other = all->at; other < s; other++)
		if (strlen(other->name) == len && strncmp(other->name, name, len) == 0)
			return true;
	return false;
}

static int check_inputs(const struct stages *all, const struct stage *s, struct err *err) {
	const char *name;
	json_t *value;
	if (s->inputs && !json_is_object(s->inputs))
		return invalid(err, "the inputs of stage '%s' must be an object", s->name);
	json_object_foreach((json_t *)(uintptr_t)s->inputs, name, value) {
		const char *from = json_string_value(value), *dot = from ? strrchr(from, '.') : NULL;
		if (!dot || dot == from || !dot[1])
			return invalid(err, "the input '%s' of stage '%s' must be \"stage.output\"", name, s->name);
		if (!comes_before(all, s, from, (size_t)(dot - from)))
			return invalid(err, "the input '%s' of stage '%s' is from '%.*s', which is no earlier stage", name, s->name,
				(int)(dot - from), from);
	}
	return 0;
}

// Said before the first stage is deployed, not in the middle.
static int check_parameters(const struct stage *s, struct err *err) {
	const json_t *declared = json_object_get(s->document, "parameters");
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)declared, name, value)
		if (!json_object_get(value, "defaultValue") && !json_is_true(json_object_get(value, "nullable")) &&
			!json_object_get(s->parameters, name) && !json_object_get(s->inputs, name))
			return invalid(err, "stage '%s' has no value for the parameter '%s' of its template", s->name, name);
	const json_t *given[] = {s->parameters, s->inputs};
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		json_object_foreach((json_t *)(uintptr_t)given[i], name, value)
			if (!json_object_get(declared, name))
				return invalid(err, "the template of stage '%s' has no parameter '%s'", s->name, name);
	return 0;
}

static int read_stage(struct stages *all, const json_t *given, const char *path, struct err *err) {
	static const char *const known[] = {"name", "resourceGroup", "template", "parameters", "inputs", NULL};
	int rc = check_members(given, known, "a stage", err);
	if (rc < 0)
		return rc;
	if (all->count == STAGES_MAX)
		return invalid(err, "there are more than %d stages", STAGES_MAX);
	struct stage *s = &all->at[all->count];
	const char *template = json_str(given, "template");
	*s = (struct stage){.name = json_str(given, "name"), .group = json_str(given, "resourceGroup"),
		.inputs = json_object_get(given, "inputs"), .parameters = json_object()};
	if (!s->parameters)
		return err_oom(err);
	all->count++;
	if (!s->name || !strv_made_of(s->name, NAME_CHARACTERS, 1, STAGE_NAME_MAX) || strchr(s->name, '.'))
		return invalid(err, "the name of a stage must be 1 to %d letters, digits, '-', '_' and parentheses", STAGE_NAME_MAX);
	if (comes_before(all, s, s->name, strlen(s->name)))
		return invalid(err, "there are two stages '%s'", s->name);
	if (json_object_get(given, "resourceGroup") &&
		(!s->group || !strv_made_of(s->group, NAME_CHARACTERS, 1, GROUP_NAME_MAX)))
		return invalid(err, "the resource group of stage '%s' has no valid name", s->name);
	if (!template)
		return invalid(err, "stage '%s' has no template", s->name);
	rc = read_beside(path, template, &s->document, err);
	if (rc == 0)
		rc = check_inputs(all, s, err);
	if (rc == 0)
		rc = add_own(s, json_object_get(given, "parameters"), path, err);
	if (rc == 0)
		rc = add_common(s, json_object_get(all->document, "parameters"), err);
	return rc < 0 ? rc : check_parameters(s, err);
}

int stages_read(const char *path, struct stages *out, struct err *err) {
	static const char *const known[] = {"location", "parameters", "stages", NULL};
	_cleanup_stages_ struct stages all = {0};
	int rc = read_json(path, &all.document, err);
	if (rc == 0)
		rc = check_members(all.document, known, path, err);
	if (rc < 0)
		return rc;
	all.location = json_str(all.document, "location");
	const json_t *list = json_object_get(all.document, "stages");
	if (!all.location)
		return invalid(err, "%s has no location", path);
	if (json_array_size(list) == 0)
		return invalid(err, "%s has no stages", path);
	size_t i;
	json_t *given;
	json_array_foreach((json_t *)(uintptr_t)list, i, given) {
		rc = read_stage(&all, given, path, err);
		if (rc < 0)
			return rc;
	}
	*out = all;
	all = (struct stages){0};
	return 0;
}

int stage_parameters(const struct stage *s, const json_t *outputs, json_t **out, struct err *err) {
	_cleanup_json_ json_t *parameters = json_copy(s->parameters);
	const char *name;
	json_t *from;
	if (!parameters)
		return err_oom(err);
	json_object_foreach((json_t *)(uintptr_t)s->inputs, name, from) {
		const char *text = json_string_value(from), *dot = strrchr(text, '.');
		_cleanup_free_ char *stage = strndup(text, (size_t)(dot - text));
		if (!stage)
			return err_oom(err);
		json_t *value = json_object_get(json_object_get(json_object_get(outputs, stage), dot + 1), "value");
		if (!value)
			return err_set(err, -ENOENT, 404, "OutputNotFound", "stage '%s' needs the output '%s' of stage '%s', which has none",
				s->name, dot + 1, stage);
		int rc = add_value(parameters, name, value, err);
		if (rc < 0)
			return rc;
	}
	*out = TAKE_PTR(parameters);
	return 0;
}
