// SPDX-License-Identifier: Apache-2.0
// Ranges of addresses, "10.144.0.0/20" and "fdad:3236:5555::/48", as numbers of 32 or 128 bits.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "template/expr_internal.h"

typedef unsigned __int128 address;

struct network {
	int family;
	int bits;       // 32 or 128
	int prefix;
	address first;  // the network's own
};

static address host_mask(int bits, int prefix) {
	int hosts = bits - prefix;
	return hosts == 128 ? ~(address)0 : ((address)1 << hosts) - 1;
}

static address last_of(const struct network *n) {
	return n->first | host_mask(n->bits, n->prefix);
}

static const char *print(const struct network *n, address a, char out[static INET6_ADDRSTRLEN]) {
	uint8_t bytes[16];
	for (int i = n->bits / 8 - 1; i >= 0; i--, a >>= 8)
		bytes[i] = (uint8_t)a;
	return inet_ntop(n->family, bytes, out, INET6_ADDRSTRLEN);
}

static int parse(const char *text, struct network *out) {
	char part[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	int64_t prefix;
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : sizeof(part);
	if (len >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, len);
	part[len] = 0;
	int family = strchr(part, ':') ? AF_INET6 : AF_INET;
	int bits = family == AF_INET6 ? 128 : 32;
	if (inet_pton(family, part, bytes) != 1 || strv_int(slash + 1, 0, bits, &prefix) < 0)
		return -EINVAL;
	address a = 0;
	for (int i = 0; i < bits / 8; i++)
		a = a << 8 | bytes[i];
	*out = (struct network){family, bits, (int)prefix, a & ~host_mask(bits, (int)prefix)};
	return 0;
}

static int want_network(const struct call *c, struct network *out, struct err *err) {
	const char *text;
	int rc = want_string(c, 0, &text, err);
	if (rc == 0 && parse(text, out) < 0)
		return expects(c, err, "its first parameter to be a range of addresses in CIDR notation. The provided value is '%.128s'.", text);
	return rc;
}

// Of IPv4, the network's own address and the one to all of them are no hosts', where there is room for others.
static address first_usable(const struct network *n) {
	return n->family == AF_INET && n->prefix < 31 ? n->first + 1 : n->first;
}

static address last_usable(const struct network *n) {
	return n->family == AF_INET && n->prefix < 31 ? last_of(n) - 1 : last_of(n);
}

static int compute_parse_cidr(const struct call *c, json_t **out, struct err *err) {
	struct network n;
	char network[INET6_ADDRSTRLEN], netmask[INET6_ADDRSTRLEN], broadcast[INET6_ADDRSTRLEN], first[INET6_ADDRSTRLEN],
		last[INET6_ADDRSTRLEN];
	int rc = want_network(c, &n, err);
	if (rc < 0)
		return rc;
	json_t *made = json_pack("{s:s, s:s, s:s*, s:s, s:s, s:i}",
		"network", print(&n, n.first, network),
		"netmask", print(&n, ~host_mask(n.bits, n.prefix), netmask),
		"broadcast", n.family == AF_INET ? print(&n, last_of(&n), broadcast) : NULL,
		"firstUsable", print(&n, first_usable(&n), first),
		"lastUsable", print(&n, last_usable(&n), last),
		"cidr", n.prefix);
	return deliver(c->ev, made, out, err);
}

static int compute_cidr_subnet(const struct call *c, json_t **out, struct err *err) {
	struct network n;
	char text[INET6_ADDRSTRLEN + 8];
	int64_t prefix, index;
	int rc = want_network(c, &n, err);
	if (rc == 0)
		rc = want_int(c, 1, &prefix, err);
	if (rc == 0)
		rc = want_int(c, 2, &index, err);
	if (rc < 0)
		return rc;
	if (prefix < n.prefix || prefix > n.bits)
		return expects(c, err, "its second parameter to be between %d and %d. The provided value is '%lld'.", n.prefix, n.bits,
			(long long)prefix);
	if (index < 0 || (uint64_t)index > host_mask((int)prefix, n.prefix))
		return expects(c, err, "its third parameter to be the index of a subnet in the range. The provided value is '%lld'.",
			(long long)index);
	// A shift by all bits is only of index 0.
	address at = n.first + (prefix == 0 ? 0 : (address)(uint64_t)index << (n.bits - prefix));
	(void)print(&n, at, text);
	size_t len = strlen(text);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "/%d", (int)prefix);
	return deliver_text(c->ev, text, len, out, err);
}

static int compute_cidr_host(const struct call *c, json_t **out, struct err *err) {
	struct network n;
	char text[INET6_ADDRSTRLEN];
	int64_t index;
	int rc = want_network(c, &n, err);
	if (rc == 0)
		rc = want_int(c, 1, &index, err);
	if (rc < 0)
		return rc;
	// Hosts are counted from behind the network's own address, of IPv6 too.
	address first = n.prefix < n.bits - 1 ? n.first + 1 : n.first;
	if (index < 0 || (uint64_t)index > last_usable(&n) - first)
		return expects(c, err, "its second parameter to be the index of a usable address in the range. The provided value is '%lld'.",
			(long long)index);
	(void)print(&n, first + (uint64_t)index, text);
	return deliver_text(c->ev, text, strlen(text), out, err);
}

const struct function cidr_functions[] = {
	{"cidrHost", 2, 2, compute_cidr_host, NULL},
	{"cidrSubnet", 3, 3, compute_cidr_subnet, NULL},
	{"parseCidr", 1, 1, compute_parse_cidr, NULL},
	{0},
};
