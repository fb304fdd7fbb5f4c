// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/checkResourceName: whether a name is, has in it, or begins with a word that Azure keeps to itself.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

static bool is_reserved(const char *name) {
	static const char *const whole[] = {"ACCESS", "APP_BROWSERS", "APP_CODE", "APP_DATA", "APP_GLOBALRESOURCES",
		"APP_LOCALRESOURCES", "APP_THEMES", "APP_WEBREFERENCES", "AZURE", "BING", "BIZSPARK", "BIZTALK", "CORTANA", "DIRECTX",
		"DOTNET", "DYNAMICS", "EXCEL", "EXCHANGE", "FOREFRONT", "GROOVE", "HOLOLENS", "HYPERV", "KINECT", "LYNC", "MSDN", "O365",
		"OFFICE", "OFFICE365", "ONEDRIVE", "ONENOTE", "OUTLOOK", "POWERPOINT", "SHAREPOINT", "SKYPE", "VISIO", "VISUALSTUDIO"};
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (strv_eq_nocase(name, whole[i]))
			return true;
	return strv_starts_with_nocase(name, "LOGIN") || strcasestr(name, "MICROSOFT") || strcasestr(name, "WINDOWS") ||
		strcasestr(name, "XBOX");
}

static int handle(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	if (strcmp(http_method(call->request), "POST") != 0 || call->target->scope[0] || call->target->name[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", http_method(call->request));
	int rc = arm_body(call->request, &body, err);
	if (rc < 0)
		return rc;
	const char *name = json_str(body, "name"), *type = json_str(body, "type");
	if (!name || !type)
		return err_set(err, -EINVAL, 400, "InvalidRequestContent", "The members 'name' and 'type' are needed.");
	call->response->json = json_pack("{s:s, s:s, s:s}", "name", name, "type", type, "status", is_reserved(name) ? "Reserved" : "Allowed");
	return call->response->json ? 0 : err_oom(err);
}

const struct arm_type resource_names_type = {
	.name = "Microsoft.Resources/checkResourceName", .versions = versions_resources, .raw = handle};
