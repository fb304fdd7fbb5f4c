// SPDX-License-Identifier: Apache-2.0
// From where a vault may be asked: publicNetworkAccess and networkAcls (Azure REST reference, NetworkRuleSet; "Configure
// Azure Key Vault networking settings"). IP rules are ranges of IPv4 addresses, in rows for the request and in the document
// for who reads it; rules of virtual networks are kept, and match nobody: there are no such networks here.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/ipv4.h"
#include "base/json.h"
#include "base/strv.h"
#include "vault/internal.h"

#define VIRTUAL_NETWORK_ID_MAX 1024

#define bad_network(err, ...) err_set(err, -EINVAL, 400, "BadRequest", __VA_ARGS__)

// Ranges that Azure does not take, because nobody of the public network has an address in them.
static bool is_reserved(const struct ipv4_range *r) {
	static const char *const reserved[] = {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
		"172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"};
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		struct ipv4_range other;
		if (ipv4_range(reserved[i], &other) && ipv4_within(r, &other))
			return true;
	}
	return false;
}

// One of two words in any case, written as the reference does; `def` when there is none.
static int take_word(json_t *shown, const json_t *acls, const char *name, const char *const words[static 2], const char *def,
	struct err *err) {
	const json_t *given = json_object_get(acls, name);
	const char *stored = json_str(shown, name), *word = stored ? stored : def;
	if (given && !json_is_null(given)) {
		const char *text = json_string_value(given);
		word = !text ? NULL : strv_eq_nocase(text, words[0]) ? words[0] : strv_eq_nocase(text, words[1]) ? words[1] : NULL;
	}
	if (!word)
		return bad_network(err, "The property \"networkAcls.%s\" must be %s or %s.", name, words[0], words[1]);
	return word != stored && json_set_str(shown, name, word) < 0 ? err_oom(err) : 0;
}

// The member of `acls` when it is there, else the stored one, else an empty array; checked for its length.
static int pick_list(const json_t *shown, const json_t *acls, const char *name, size_t most, const json_t **out,
	struct err *err) {
	const json_t *given = json_object_get(acls, name);
	const json_t *list = given && !json_is_null(given) ? given : json_object_get(shown, name);
	if (list && (!json_is_array(list) || json_array_size(list) > most))
		return bad_network(err, "The property \"networkAcls.%s\" must be an array of at most %zu rules.", name, most);
	*out = list;
	return 0;
}

static int save_range(struct store_tx *tx, const char *vault, int64_t ordinal, const struct ipv4_range *r, struct err *err) {
	int rc = store_exec(tx, err,
		"INSERT INTO vault_ip_rules (vault, ordinal, first_address, last_address) VALUES ($1,$2,$3,$4)", "siii", vault,
		ordinal, (int64_t)r->first, (int64_t)r->last);
	return rc < 0 ? rc : 0;
}

static int take_ip_rules(struct store_tx *tx, const char *vault, json_t *shown, const json_t *acls, const char **reserved,
	struct err *err) {
	const json_t *list = NULL;
	_cleanup_json_ json_t *rules = json_array();
	int rc = rules ? pick_list(shown, acls, "ipRules", VAULT_IP_RULES_MAX, &list, err) : err_oom(err);
	if (rc == 0)
		rc = store_exec(tx, err, "DELETE FROM vault_ip_rules WHERE vault = $1", "s", vault);
	for (size_t i = 0; rc >= 0 && i < json_array_size(list); i++) {
		const char *text = json_str(json_array_get(list, i), "value");
		struct ipv4_range r;
		if (!text || !ipv4_range(text, &r))
			return bad_network(err, "Invalid value found at properties.networkAcls.ipRules[%zu].value: %.64s", i,
				text ? text : "");
		// What is stored was told of when it was given, and does not outlive this call.
		if (reserved && !*reserved && list == json_object_get(acls, "ipRules") && is_reserved(&r))
			*reserved = text;
		rc = save_range(tx, vault, (int64_t)i, &r, err);
		// A single address is shown as the range it is.
		if (rc == 0 && json_array_append_new(rules, json_pack("{s:s+}", "value", text, strchr(text, '/') ? "" : "/32")) < 0)
			rc = err_oom(err);
	}
	if (rc < 0)
		return rc;
	return json_set(shown, "ipRules", TAKE_PTR(rules)) < 0 ? err_oom(err) : 0;
}

static int take_network_rules(json_t *shown, const json_t *acls, struct err *err) {
	const json_t *list = NULL;
	_cleanup_json_ json_t *rules = json_array();
	int rc = rules ? pick_list(shown, acls, "virtualNetworkRules", VAULT_NETWORK_RULES_MAX, &list, err) : err_oom(err);
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		const json_t *rule = json_array_get(list, i), *ignore = json_object_get(rule, "ignoreMissingVnetServiceEndpoint");
		const char *id = json_str(rule, "id");
		if (!id || id[0] != '/' || strlen(id) > VIRTUAL_NETWORK_ID_MAX || (ignore && !json_is_null(ignore) && !json_is_boolean(ignore)))
			return bad_network(err, "Invalid value found at properties.networkAcls.virtualNetworkRules[%zu].id: %.256s", i,
				id ? id : "");
		_cleanup_free_ char *lower = strv_lower(id);
		json_t *kept = lower ? json_pack("{s:s}", "id", lower) : NULL;
		if (json_is_boolean(ignore) && json_set_bool(kept, "ignoreMissingVnetServiceEndpoint", json_is_true(ignore)) < 0) {
			json_decref(kept);
			return err_oom(err);
		}
		if (json_array_append_new(rules, kept) < 0)
			return err_oom(err);
	}
	if (rc < 0)
		return rc;
	return json_set(shown, "virtualNetworkRules", TAKE_PTR(rules)) < 0 ? err_oom(err) : 0;
}

int vault_network_set(struct store_tx *tx, const struct vault_record *v, const json_t *acls, const char **reserved,
	struct err *err) {
	static const char *const bypasses[2] = {"AzureServices", "None"}, *const actions[2] = {"Allow", "Deny"};
	char vault[VAULT_NAME_MAX + 1];
	vault_lower_name(v->name, vault);
	_cleanup_json_ json_t *shown = NULL;
	if (!json_is_object(acls))
		return bad_network(err, "The property \"networkAcls\" must be an object.");
	int rc = vault_network_get(tx, vault, &shown, err);
	if (rc == 0 && !shown && !(shown = json_object()))
		rc = err_oom(err);
	if (rc == 0)
		rc = take_word(shown, acls, "bypass", bypasses, "AzureServices", err);
	// Rules without a default action are meant to shut out whom they do not name.
	if (rc == 0)
		rc = take_word(shown, acls, "defaultAction", actions, "Deny", err);
	if (rc == 0)
		rc = take_ip_rules(tx, vault, shown, acls, reserved, err);
	if (rc == 0)
		rc = take_network_rules(shown, acls, err);
	if (rc < 0)
		return rc;
	_cleanup_free_ char *text = json_text(shown);
	if (!text)
		return err_oom(err);
	rc = store_exec(tx, err, "UPDATE vaults SET network_acls = $1, network_deny = $2, network_no_bypass = $3 WHERE name = $4",
		"siis", text, (int64_t)(strcmp(json_str(shown, "defaultAction"), "Deny") == 0),
		(int64_t)(strcmp(json_str(shown, "bypass"), "None") == 0), vault);
	return rc < 0 ? rc : 0;
}

int vault_network_get(struct store_tx *tx, const char *name, json_t **out, struct err *err) {
	char vault[VAULT_NAME_MAX + 1];
	vault_lower_name(name, vault);
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT network_acls FROM vaults WHERE name = $1", "s", vault);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	const char *text = store_text(rows, 0);
	json_t *acls = NULL;
	rc = text ? json_parse(text, strlen(text), "InternalServerError", &acls, err) : 0;
	if (rc == 0)
		*out = acls;
	return rc;
}

// The IPv4 address that the client has, also in the form that a socket of both families gives it. Who comes over the Unix
// socket is on this machine.
static bool client_address(const char *peer, uint32_t *out) {
	struct in6_addr six;
	if (strcmp(peer, "local") == 0)
		return ipv4_address("127.0.0.1", out);
	if (inet_pton(AF_INET6, peer, &six) == 1 && IN6_IS_ADDR_V4MAPPED(&six)) {
		uint32_t mapped;
		memcpy(&mapped, &six.s6_addr[12], sizeof(mapped));
		*out = ntohl(mapped);
		return true;
	}
	return ipv4_address(peer, out);
}

int network_matches(struct store_tx *tx, const char *vault, const char *peer, bool *out, struct err *err) {
	uint32_t address;
	int64_t count = 0;
	if (!client_address(peer, &address)) {
		*out = false;
		return 0;
	}
	int rc = store_query_int(tx, &count, err,
		"SELECT COUNT(*) FROM vault_ip_rules WHERE vault = $1 AND first_address <= $2 AND last_address >= $3", "sii", vault,
		(int64_t)address, (int64_t)address);
	if (rc == 0)
		*out = count > 0;
	return rc;
}

// The platform's own services: the disk service, which acts as the identity of a disk encryption set, and the compute service.
// Nobody else gets a managed identity's token on this machine, and over the Unix socket nobody comes from another.
static int is_trusted(const struct call *c, struct store_tx *tx, bool *out, struct err *err) {
	*out = false;
	if (c->vault.network_no_bypass || strcmp(http_peer(c->req), "local") != 0)
		return 0;
	*out = c->caller.kind == CALLER_IDENTITY;
	return *out ? 0 : platform_calls(c, tx, out, err);
}

static int forbidden_by_connection(const struct call *c, struct err *err) {
	return err_set_inner(err, -EACCES, 403, "Forbidden", "ForbiddenByConnection",
		"Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\n"
		"Caller: appid=%s;oid=%s;iss=%s\r\nVault: %s;location=%s", c->caller.appid, c->caller.oid, c->caller.iss, c->vault.name,
		c->vault.location);
}

static int forbidden_by_firewall(const struct call *c, struct err *err) {
	const char *peer = http_peer(c->req);
	return err_set_inner(err, -EACCES, 403, "Forbidden", "ForbiddenByFirewall",
		"Client address is not authorized and caller is not a trusted service.\r\n"
		"Client address: %s\r\nCaller: appid=%s;oid=%s;iss=%s\r\nVault: %s;location=%s",
		strcmp(peer, "local") == 0 ? "127.0.0.1" : peer, c->caller.appid, c->caller.oid, c->caller.iss, c->vault.name,
		c->vault.location);
}

int call_check_network(const struct call *c, struct store_tx *tx, struct err *err) {
	bool allowed = false;
	if (!c->vault.private_only && !c->vault.network_deny)
		return 0;
	int rc = is_trusted(c, tx, &allowed, err);
	if (rc == 0 && !allowed && c->vault.private_only)
		return forbidden_by_connection(c, err);
	if (rc == 0 && !allowed)
		rc = network_matches(tx, c->vault_key, http_peer(c->req), &allowed, err);
	if (rc < 0)
		return rc;
	return allowed ? 0 : forbidden_by_firewall(c, err);
}
