// SPDX-License-Identifier: Apache-2.0
// Texts of errors as JSON. They are cut at a byte and may repeat what another process sent: bytes that are no UTF-8
// must not cost the whole report.
#pragma once

#include <jansson.h>

json_t *text_json(const char *text);                              // NULL when out of memory
json_t *text_error(const char *code, const char *message);  // {"code", "message"}; NULL when out of memory
