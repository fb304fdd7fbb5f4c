// SPDX-License-Identifier: Apache-2.0
#include "server/faces.h"

#include <string.h>

#include "base/strv.h"

static void refuse(struct http_response *res, int status, const char *code, const char *message) {
	res->status = status;
	res->json = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
}

static bool is_login(const char *host) {
	static const char *const hosts[] = {"login.microsoftonline.com", "login.windows.net", "sts.windows.net"};
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (strcmp(host, hosts[i]) == 0)
			return true;
	return false;
}

void faces_handle(void *ctx, const struct http_request *req, struct http_response *res) {
	struct faces *f = ctx;
	const char *host = http_host(req);
	// Instance metadata is plain HTTP and nothing else is: no token ever crosses an unencrypted connection.
	if (!http_is_tls(req)) {
		if (strcmp(host, "169.254.169.254") == 0)
			entra_metadata_handle(f->entra, f->resident, req, res);
		else
			refuse(res, 403, "HttpsRequired", "This host is served over HTTPS only.");
	} else if (is_login(host)) {
		entra_login_handle(f->entra, req, res);
	} else if (strcmp(host, "management.azure.com") == 0) {
		arm_handle(f->arm, req, res);
	} else if (strcmp(host, "graph.microsoft.com") == 0) {
		graph_handle(f->graph, req, res);
	} else if (strv_ends_with_nocase(host, ".vault.azure.net") || strv_ends_with_nocase(host, ".managedhsm.azure.net")) {
		vault_handle(f->vault, req, res);
	} else {
		refuse(res, 404, "HostNotServed",
			"No service of this host name is served here. The Host header must be login.microsoftonline.com, "
			"management.azure.com, graph.microsoft.com, {vault}.vault.azure.net or {pool}.managedhsm.azure.net.");
	}
}
