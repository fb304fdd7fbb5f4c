// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/webhook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "net/address.h"

#define HTTPS "https://"
#define HTTP "http://"

static int refuse_url(struct err *err, const char *why) {
	return err_set(err, -EINVAL, 400, "BadRequest", "The property 'customWebhook.serviceUri' is invalid: %s.", why);
}

static bool is_plain(const char *url) {
	return strv_starts_with_nocase(url, HTTP);
}

int webhook_check_url(const char *url, bool private_allowed, struct err *err) {
	bool plain = is_plain(url);
	if (strlen(url) > WEBHOOK_URL_MAX)
		return refuse_url(err, "it is too long");
	if (!strv_starts_with_nocase(url, HTTPS) && !(plain && private_allowed))
		return refuse_url(err, "it must begin with https://");
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '#' || *p == '\\')
			return refuse_url(err, "it has a character that is not allowed");
	const char *host = url + (plain ? strlen(HTTP) : strlen(HTTPS));
	size_t n = strcspn(host, "/?");
	if (n == 0 || host[0] == ':' || memchr(host, '@', n))
		return refuse_url(err, "it must name a host, and no user");
	return 0;
}

bool webhook_permits(const struct sockaddr *address, bool private_allowed, bool loopback) {
	enum address_kind kind = address_kind(address);
	if (loopback)
		return private_allowed && kind == ADDRESS_LOOPBACK;
	return kind == ADDRESS_PUBLIC || (private_allowed && (kind == ADDRESS_PRIVATE || kind == ADDRESS_LOOPBACK));
}

struct webhook {
	struct http_client *client;
	bool private_allowed, plain;  // plain: of the request that runs
};

static bool permits(void *ctx, const struct sockaddr *address) {
	const struct webhook *w = ctx;
	return webhook_permits(address, w->private_allowed, w->plain);
}

int webhook_new(bool private_allowed, struct webhook **out, struct err *err) {
	_cleanup_(webhook_freep) struct webhook *w = calloc(1, sizeof(*w));
	if (!w)
		return err_oom(err);
	w->private_allowed = private_allowed;
	const struct http_route route = {.permits = permits, .permits_ctx = w};
	int rc = http_client_new(&route, &w->client, err);
	if (rc == 0)
		*out = TAKE_PTR(w);
	return rc;
}

void webhook_free(struct webhook *w) {
	if (!w)
		return;
	http_client_free(w->client);
	free(w);
}

int webhook_post(struct webhook *w, const char *url, const void *body, size_t len, struct err *err) {
	static const char *const headers[] = {"Content-Type: application/json; charset=utf-8", "User-Agent: custodisk", NULL};
	_cleanup_reply_ struct http_reply reply = {0};
	// What was allowed once may not be any more.
	int rc = webhook_check_url(url, w->private_allowed, err);
	if (rc < 0)
		return rc;
	w->plain = is_plain(url);
	rc = http_client_send(w->client, "POST", url, headers, body, len, WEBHOOK_TIMEOUT_MS, &reply, err);
	if (rc < 0)
		return rc;
	return reply.status / 100 == 2 ? 0
				       : err_set(err, -EIO, 503, "ServiceUnavailable", "the webhook answered with status %d", reply.status);
}
