// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/webhook.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"

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

struct range {
	uint32_t first;
	unsigned bits;
};

static bool in_ranges(uint32_t address, const struct range *ranges, size_t count) {
	for (size_t i = 0; i < count; i++)
		if ((address ^ ranges[i].first) >> (32 - ranges[i].bits) == 0)
			return true;
	return false;
}

static bool permits_v4(uint32_t address, bool private_allowed, bool loopback) {
	// RFC 1918 and loopback, which an operator may open.
	static const struct range own[] = {{0x7f000000, 8}, {0x0a000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}};
	// "This" network, shared (RFC 6598), link-local with the metadata service, IETF assignments, documentation, 6to4 relays,
	// benchmarks, multicast, reserved, broadcast; and the platform's own address of Azure.
	static const struct range never[] = {{0x00000000, 8}, {0x64400000, 10}, {0xa9fe0000, 16}, {0xc0000000, 24}, {0xc0000200, 24},
		{0xc0586300, 24}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 3}, {0xa83f8110, 32}};
	if (loopback)
		return private_allowed && address >> 24 == 127;
	if (in_ranges(address, never, ARRAY_SIZE(never)))
		return false;
	return private_allowed || !in_ranges(address, own, ARRAY_SIZE(own));
}

static uint32_t v4_at(const struct in6_addr *a, size_t offset) {
	uint32_t address;
	memcpy(&address, a->s6_addr + offset, sizeof(address));
	return ntohl(address);
}

static bool permits_v6(const struct in6_addr *a, bool private_allowed, bool loopback) {
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
	// Addresses that carry another one are what they carry.
	if (IN6_IS_ADDR_V4MAPPED(a))
		return permits_v4(v4_at(a, 12), private_allowed, loopback);
	if (loopback || IN6_IS_ADDR_LOOPBACK(a))
		return private_allowed && IN6_IS_ADDR_LOOPBACK(a);
	if (memcmp(a->s6_addr, nat64, sizeof(nat64)) == 0)
		return permits_v4(v4_at(a, 12), private_allowed, false);
	if ((a->s6_addr[0] & 0xfe) == 0xfc)  // unique local (RFC 4193)
		return private_allowed;
	// Of the rest global unicast (2000::/3) alone, but for Teredo, ORCHID, documentation and 6to4.
	if ((a->s6_addr[0] & 0xe0) != 0x20 || (a->s6_addr[0] == 0x20 && a->s6_addr[1] == 0x02))
		return false;
	bool special = a->s6_addr[0] == 0x20 && a->s6_addr[1] == 0x01 &&
		(a->s6_addr[2] < 2 || (a->s6_addr[2] == 0x0d && a->s6_addr[3] == 0xb8));
	return !special;
}

bool webhook_permits(const struct sockaddr *address, bool private_allowed, bool loopback) {
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof(in));
		return permits_v4(ntohl(in.sin_addr.s_addr), private_allowed, loopback);
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in;
		memcpy(&in, address, sizeof(in));
		return permits_v6(&in.sin6_addr, private_allowed, loopback);
	}
	return false;
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
