// SPDX-License-Identifier: Apache-2.0
// Microsoft.Network/networkSecurityGroups and their rules. Recorded: nothing is filtered by them.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "providers/network.h"
#include "providers/providers.h"
#include "providers/versions.h"

enum { NAME_LENGTH_MAX = 80, PRIORITY_LEAST = 100, PRIORITY_MOST = 4096 };

static bool is_one_of(const char *text, const char *const *words) {
	for (; text && *words; words++)
		if (strv_eq_nocase(text, *words))
			return true;
	return false;
}

static int refuse_rule(const char *name, const char *other, struct err *err) {
	return err_set(err, -EINVAL, 400, "SecurityRuleConflict",
		"Security rule %s conflicts with rule %s. Rules cannot have the same Priority and Direction.", name, other);
}

struct clash {
	const struct resource *rule;
	int64_t priority;
	const char *direction;
};

static int refuse_clash(void *ctx, struct store_tx *tx, struct resource *other, struct err *err) {
	(void)tx;
	const struct clash *c = ctx;
	if (strcmp(other->id, c->rule->id) == 0 || json_int(other->body, "properties.priority", 0) != c->priority ||
		!strv_eq_nocase(resource_property(other, "direction"), c->direction))
		return 0;
	return refuse_rule(c->rule->name, other->name, err);
}

static int keep_rule(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	(void)call;
	static const char *const accesses[] = {"Allow", "Deny", NULL}, *const directions[] = {"Inbound", "Outbound", NULL},
				*const protocols[] = {"*", "Tcp", "Udp", "Icmp", "Esp", "Ah", NULL};
	int rc = recorded_check_name(r, NAME_LENGTH_MAX, err);
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	if (rc < 0)
		return rc;
	int64_t priority = json_int(r->body, "properties.priority", 0);
	if (priority < PRIORITY_LEAST || priority > PRIORITY_MOST)
		return err_set(err, -EINVAL, 400, "SecurityRuleInvalidPriority",
			"Security rule has invalid Priority. Value provided: %lld Allowed range %d-%d.", (long long)priority, PRIORITY_LEAST,
			PRIORITY_MOST);
	if (!is_one_of(resource_property(r, "access"), accesses) || !is_one_of(resource_property(r, "direction"), directions) ||
		!is_one_of(resource_property(r, "protocol"), protocols))
		return err_set(err, -EINVAL, 400, "SecurityRuleParameterContainsUnsupportedValue",
			"Security rule %s must have an access (Allow, Deny), a direction (Inbound, Outbound) and a protocol (*, Tcp, Udp, Icmp, "
			"Esp, Ah).", r->name);
	return 0;
}

static int put_rule(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	int rc = keep_rule(call, r, body, patch, err);
	if (rc < 0)
		return rc;
	char group[ARM_ID_MAX];
	arm_parent_id(r->id, group);
	struct clash clash = {.rule = r, .priority = json_int(r->body, "properties.priority", 0),
		.direction = resource_property(r, "direction")};
	return resource_each_below(call->tx, group, r->type, refuse_clash, &clash, err);
}

static int remove_rule(struct arm_call *call, struct resource *r, struct err *err) {
	(void)call, (void)r, (void)err;
	return 0;
}

const struct arm_type security_rules_type = {
	.name = SECURITY_GROUP_TYPE "/securityRules",
	.versions = versions_network,
	.put = put_rule,
	.remove = remove_rule,
};

// Rules as keep_rule took them.
static int check_rules(const struct resource *whole, const json_t *given, struct err *err) {
	(void)whole;
	_cleanup_free_ const char **names = calloc((size_t)2 * (PRIORITY_MOST + 1), sizeof(*names));
	size_t i;
	const json_t *rule;
	if (!names)
		return err_oom(err);
	json_array_foreach(given, i, rule) {
		bool inbound = strv_eq_nocase(json_str(rule, "properties.direction"), "Inbound");
		const char **place = &names[2 * json_int(rule, "properties.priority", 0) + inbound];
		if (*place)
			return refuse_rule(json_str(rule, "name"), *place, err);
		*place = json_str(rule, "name");
	}
	return 0;
}

static const struct recorded_parts rules = {.member = "securityRules", .type = &security_rules_type, .put = keep_rule,
	.check = check_rules};

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	_cleanup_json_ json_t *given = json_incref(json_at(body, "properties.securityRules"));
	int rc = recorded_check_name(r, NAME_LENGTH_MAX, err);
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	(void)json_object_del(resource_properties(r), "securityRules");
	return rc < 0 ? rc : recorded_write_parts(call, r, given, &rules, err);
}

static int show(struct arm_call *call, struct resource *r, json_t *shown, struct err *err) {
	return recorded_show_parts(call, r, shown, &rules, err);
}

static int remove_group(struct arm_call *call, struct resource *r, struct err *err) {
	char user[ARM_ID_MAX];
	int rc = network_find_holder(call->tx, r->id, user, err);
	if (rc == 0 && user[0])
		return err_set(err, -EBUSY, 400, "InUseNetworkSecurityGroupCannotBeDeleted",
			"Network security group %s cannot be deleted because it is in use by the following resources: %s. In order to delete the "
			"Network security group, remove the association with the resource(s).", r->display_id, user);
	return rc;
}

const struct arm_type network_security_groups_type = {
	.name = SECURITY_GROUP_TYPE,
	.versions = versions_network,
	.deletion_rank = 6,
	.has_location = true,
	.put = put,
	.show = show,
	.remove = remove_group,
};
