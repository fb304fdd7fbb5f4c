// SPDX-License-Identifier: Apache-2.0
// Values of secure parameters, to be kept out of what errors say: texts of templates' and providers' errors quote what they
// were given.
#pragma once

#include "base/json.h"

#define SECRETS_LENGTH_MIN 4  // what is shorter stands in any text

// Append the strings in what was given for the secure parameters of a template: of the types securestring and secureObject,
// or with such a part.
int secrets_collect(const json_t *document, const json_t *parameters, json_t *list, struct err *err) _must_check_;

// Every string in value.
int secrets_add(const json_t *value, json_t *list, struct err *err) _must_check_;

// What was given for the parameters, as it may be shown: nothing for secure ones.
int secrets_hide(const json_t *document, const json_t *parameters, const json_t *list, json_t **out, struct err *err) _must_check_;

// "***" in the place of each of them, and of the beginning of one where the text was cut.
void secrets_strike_text(const json_t *list, char *text);
void secrets_strike_err(const json_t *list, struct err *e);
int secrets_strike_json(const json_t *list, json_t *value, struct err *err) _must_check_;  // every string in it
