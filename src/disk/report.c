// SPDX-License-Identifier: Apache-2.0
#include "disk/report.h"

#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "disk/access_errors.h"

json_t *report_error(int rc, const struct err *err) {
	return json_pack("{s:{s:o, s:o, s:b}}", "error", "code", json_lossy(err->code), "message", json_lossy(err->message), "transient",
		(int)access_may_pass(rc));
}

int report_status(const char *path, enum report_state state, const struct err *why, const char *key_url, struct err *err) {
	static const char *const names[] = {[REPORT_OPEN] = "open", [REPORT_DENIED] = "denied", [REPORT_FAILED] = "failed"};
	_cleanup_json_ json_t *status = json_pack("{s:s, s:o, s:o, s:I, s:s}", "state", names[state], "code",
		json_lossy(why ? why->code : ""), "message", json_lossy(why ? why->message : ""), "since", (json_int_t)clock_now(), "keyUrl", key_url);
	_cleanup_free_ char *text = status ? json_text(status) : NULL;
	return text ? io_replace_file(path, text, strlen(text), 0600, err) : err_oom(err);
}
