// SPDX-License-Identifier: Apache-2.0
// Microsoft.Network/privateDnsZones and their links to virtual networks. Recorded: nobody resolves names by them.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/network.h"
#include "providers/providers.h"
#include "providers/versions.h"

enum { LABELS_LEAST = 2, LABELS_MOST = 34, LABEL_MAX = 63, LINK_NAME_MAX = 80 };

static bool is_domain(const char *name) {
	size_t labels = 0;
	for (const char *p = name; *p; labels++) {
		size_t n = strcspn(p, ".");
		if (n == 0 || n > LABEL_MAX)
			return false;
		p += n + (p[n] == '.');
	}
	return labels >= LABELS_LEAST && labels <= LABELS_MOST &&
		strv_made_of(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", 1, 253);
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	(void)call;
	if (!is_domain(r->name))
		return err_set(err, -EINVAL, 400, "BadRequest", "The domain name '%s' is invalid.", r->name);
	if (strcmp(json_str(r->body, "location"), "global") != 0)
		return err_set(err, -EINVAL, 400, "LocationNotAvailableForResourceType",
			"The provided location '%s' is not available for resource type 'Microsoft.Network/privateDnsZones'. List of available "
			"regions for the resource type is 'global'.", json_str(r->body, "location"));
	return recorded_keep(r, body, patch, err);
}

static int put_link(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	int rc = recorded_check_name(r, LINK_NAME_MAX, err);
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	const char *network = resource_property(r, "virtualNetwork.id");
	if (rc == 0 && !network)
		rc = err_set(err, -EINVAL, 400, "BadRequest", "The property 'virtualNetwork' of the link '%s' is missing.", r->name);
	if (rc == 0)
		rc = recorded_require(call, r, network, NETWORK_TYPE, NETWORK_TYPE "/join/action", NULL, err);
	if (rc == 0)
		rc = resource_set_property(r, "virtualNetworkLinkState", "Completed", err);
	if (rc == 0 && !json_object_get(resource_properties(r), "registrationEnabled") &&
		json_set_bool(resource_properties(r), "registrationEnabled", false) < 0)
		rc = err_oom(err);
	return rc;
}

static int remove_link(struct arm_call *call, struct resource *r, struct err *err) {
	(void)call, (void)r, (void)err;
	return 0;
}

static int refuse_linked(void *ctx, struct store_tx *tx, struct resource *link, struct err *err) {
	(void)tx;
	const struct resource *zone = ctx;
	return err_set(err, -EBUSY, 409, "CannotDeleteResource",
		"Can not delete resource before nested resources are deleted: the zone '%s' has the link '%s'.", zone->name, link->name);
}

static int remove_zone(struct arm_call *call, struct resource *r, struct err *err) {
	char user[ARM_ID_MAX];
	int rc = network_find_holder(call->tx, r->id, user, err);
	if (rc == 0 && user[0])
		return err_set(err, -EBUSY, 409, "CannotDeleteResource", "The zone '%s' is used by '%s'.", r->name, user);
	return rc < 0 ? rc : resource_each_below(call->tx, r->id, DNS_ZONE_TYPE "/virtualNetworkLinks", refuse_linked, r, err);
}

const struct arm_type private_dns_zones_type = {
	.name = DNS_ZONE_TYPE,
	.versions = versions_private_dns,
	.deletion_rank = 4,
	.has_location = true,
	.put = put,
	.remove = remove_zone,
};

const struct arm_type private_dns_zone_links_type = {
	.name = DNS_ZONE_TYPE "/virtualNetworkLinks",
	.versions = versions_private_dns,
	.has_location = true,
	.put = put_link,
	.remove = remove_link,
};
