// SPDX-License-Identifier: Apache-2.0
#include "host/text.h"

#include <string.h>

#include "base/strv.h"

json_t *text_json(const char *text) {
	json_t *value = json_string(text);
	_cleanup_free_ char *ascii = value ? NULL : strdup(text);
	if (!ascii)
		return value;
	for (char *p = ascii; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(ascii);
}

json_t *text_error(const char *code, const char *message) {
	return json_pack("{s:o, s:o}", "code", text_json(code), "message", text_json(message));
}
