// SPDX-License-Identifier: Apache-2.0
// Bodies of the token endpoint.
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "entra/form.h"

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
	return 0;
}

static bool is_printable(const char *text) {
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_form_ struct form form = {0};
	_cleanup_buf_ struct buf text = {0};
	struct err err = {0};
	int rc = form_parse(data, size, &form, &err);
	must(rc == 0 || ((rc == -EINVAL || rc == -EEXIST) && err.status == 400 && form.count == 0));
	for (size_t i = 0; i < form.count; i++) {
		const char *name = (const char *)form.text.data + form.fields[i].name;
		const char *value = form_get(&form, name);
		must(value == (const char *)form.text.data + form.fields[i].value);
		must(is_printable(name) && is_printable(value));
	}
	rc = form_decode(data, size, &text);
	must(rc == 0 ? text.len <= size : rc == -EINVAL);
	return 0;
}
