// SPDX-License-Identifier: Apache-2.0
// The operator's decision over a device code.
#include "azure/call.h"
#include "azure/reply.h"
#include "base/json.h"

int azure_device_decide(struct azure_client *c, const char *user_code, const char *user, json_t **reply, struct err *err) {
	_cleanup_reply_ struct http_reply http = {0};
	_cleanup_json_ json_t *body = json_pack("{s:s, s:s*}", "user_code", user_code, "user", user);
	if (!body)
		return err_oom(err);
	int rc = call_send(c, TOKEN_FOR_ARM, "POST", "https://login.microsoftonline.com/custodisk/devicecodes", body, &http, err);
	return rc < 0 ? rc : reply_object(&http, reply, err);
}
