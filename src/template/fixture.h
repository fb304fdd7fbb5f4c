// SPDX-License-Identifier: Apache-2.0
// A place for templates to be tried at: a resource group or a subscription whose resources answer what they were asked.
#pragma once

#include "base/json.h"
#include "base/test-util.h"
#include "template/template.h"

#define FIXTURE_SUBSCRIPTION "/subscriptions/11111111-1111-1111-1111-111111111111"
#define FIXTURE_GROUP FIXTURE_SUBSCRIPTION "/resourceGroups/rg1"
#define FIXTURE_NOW 1700000000  // 2023-11-14T22:13:20Z

#define _cleanup_template_ _cleanup_(template_closep)

// JSON with ` for ".
json_t *fixture_json(const char *text);

// A document of language version 1.0 for the group with these members after the obligatory ones; the same of 2.0.
json_t *fixture_v1(const char *members);
json_t *fixture_v2(const char *members);
json_t *fixture_file(const char *name);  // of the fuzzer's corpus

const struct template_place *fixture_group(void);
const struct template_place *fixture_subscription(void);

// Open what must be valid (the document and the parameters are taken over) …
struct template *fixture_open(json_t *document, const char *parameters);
struct template *fixture_open_at(json_t *document, const char *parameters, const struct template_place *place);
// … and what must be refused with this code and these words.
void fixture_refused(json_t *document, const char *parameters, const char *code, const char *words);
void fixture_refused_at(json_t *document, const char *parameters, const struct template_place *place, const char *code,
	const char *words);

// The value of the only output of a template with these members, and an output of this expression.
json_t *fixture_evaluate(const char *members, const char *type, const char *expression);
void fixture_gives(const char *members, const char *type, const char *expression, const char *json);
void fixture_fails(const char *members, const char *type, const char *expression, const char *words);

size_t fixture_find(const struct template *t, const char *name_or_symbol);
bool fixture_depends(const struct template *t, const char *from, const char *on);
json_t *fixture_body(struct template *t, const char *name_or_symbol);
void fixture_same(const json_t *value, const char *json);
