// SPDX-License-Identifier: Apache-2.0
// The properties of each kind: their defaults, what may be written to them, and how a body changes an object.
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "graph/internal.h"

enum form {
	TEXT,      // at most `most` characters, or null
	NEEDED,    // text that is never null or empty
	FLAG,      // a boolean or null
	TEXTS,     // a list of text, at most `most`
	DOCUMENT,  // an object, merged into what is there
	OBJECTS,   // a list of objects, at most `most`
	CREDENTIALS, PASSWORD,  // written elsewhere
};

struct property {
	const char *name;
	enum form form;
	size_t most;
};

enum { TEXT_MAX = 2048, ENTRIES_MAX = 1200 };  // a manifest's, as Entra limits them

static const struct property application_properties[] = {
	{"displayName", NEEDED, 120}, {"description", TEXT, 1024}, {"notes", TEXT, 1024}, {"signInAudience", NEEDED, 64},
	{"groupMembershipClaims", TEXT, 64}, {"identifierUris", TEXTS, 50}, {"isDeviceOnlyAuthSupported", FLAG, 0},
	{"isFallbackPublicClient", FLAG, 0}, {"serviceManagementReference", TEXT, 256}, {"tags", TEXTS, 64},
	{"defaultRedirectUri", TEXT, 256}, {"tokenEncryptionKeyId", TEXT, 64}, {"optionalClaims", DOCUMENT, 0},
	{"addIns", OBJECTS, 100}, {"api", DOCUMENT, 0}, {"appRoles", OBJECTS, ENTRIES_MAX}, {"info", DOCUMENT, 0},
	{"keyCredentials", CREDENTIALS, 0}, {"passwordCredentials", CREDENTIALS, 0}, {"parentalControlSettings", DOCUMENT, 0},
	{"publicClient", DOCUMENT, 0}, {"requiredResourceAccess", OBJECTS, 50}, {"samlMetadataUrl", TEXT, 2048},
	{"servicePrincipalLockConfiguration", DOCUMENT, 0}, {"spa", DOCUMENT, 0}, {"web", DOCUMENT, 0}, {NULL, TEXT, 0},
};
static const struct property principal_properties[] = {
	{"accountEnabled", FLAG, 0}, {"alternativeNames", TEXTS, 50}, {"appRoleAssignmentRequired", FLAG, 0},
	{"description", TEXT, 1024}, {"displayName", NEEDED, 256}, {"homepage", TEXT, 255}, {"keyCredentials", CREDENTIALS, 0},
	{"loginUrl", TEXT, 1024}, {"logoutUrl", TEXT, 255}, {"notes", TEXT, 1024}, {"notificationEmailAddresses", TEXTS, 5},
	{"passwordCredentials", CREDENTIALS, 0}, {"preferredSingleSignOnMode", TEXT, 32}, {"replyUrls", TEXTS, 256},
	{"tags", TEXTS, 64}, {"tokenEncryptionKeyId", TEXT, 64}, {NULL, TEXT, 0},
};
static const struct property user_properties[] = {
	{"accountEnabled", FLAG, 0}, {"displayName", NEEDED, 256}, {"userPrincipalName", NEEDED, 113}, {"mailNickname", NEEDED, 64},
	{"passwordProfile", PASSWORD, 0}, {"businessPhones", TEXTS, 1}, {"city", TEXT, 128}, {"companyName", TEXT, 64},
	{"country", TEXT, 128}, {"department", TEXT, 64}, {"employeeId", TEXT, 16}, {"givenName", TEXT, 64}, {"jobTitle", TEXT, 128},
	{"mail", TEXT, 256}, {"mobilePhone", TEXT, 64}, {"officeLocation", TEXT, 128}, {"onPremisesImmutableId", TEXT, 64},
	{"otherMails", TEXTS, 50}, {"passwordPolicies", TEXT, 128}, {"postalCode", TEXT, 40}, {"preferredLanguage", TEXT, 16},
	{"state", TEXT, 128}, {"streetAddress", TEXT, 1024}, {"surname", TEXT, 64}, {"usageLocation", TEXT, 2}, {NULL, TEXT, 0},
};
static const struct property group_properties[] = {
	{"displayName", NEEDED, 256}, {"description", TEXT, 1024}, {"mailEnabled", FLAG, 0}, {"mailNickname", NEEDED, 64},
	{"securityEnabled", FLAG, 0}, {"visibility", TEXT, 16}, {"groupTypes", TEXTS, 0}, {NULL, TEXT, 0},
};
static const struct property *const tables[DIRECTORY_KINDS] = {
	[DIRECTORY_USER] = user_properties,
	[DIRECTORY_GROUP] = group_properties,
	[DIRECTORY_SERVICE_PRINCIPAL] = principal_properties,
	[DIRECTORY_APPLICATION] = application_properties,
};

// Every property of a kind at its default, in the order in which they are shown.
static const char *const templates[DIRECTORY_KINDS] = {
	[DIRECTORY_USER] =
		"{\"businessPhones\":[],\"displayName\":null,\"givenName\":null,\"jobTitle\":null,\"mail\":null,\"mobilePhone\":null,"
		"\"officeLocation\":null,\"preferredLanguage\":null,\"surname\":null,\"userPrincipalName\":null,\"id\":null,"
		"\"accountEnabled\":true,\"city\":null,\"companyName\":null,\"country\":null,\"createdDateTime\":null,"
		"\"deletedDateTime\":null,\"department\":null,\"employeeId\":null,\"mailNickname\":null,\"onPremisesImmutableId\":null,"
		"\"onPremisesSyncEnabled\":null,\"otherMails\":[],\"passwordPolicies\":null,\"postalCode\":null,\"state\":null,"
		"\"streetAddress\":null,\"usageLocation\":null,\"userType\":\"Member\"}",
	[DIRECTORY_GROUP] =
		"{\"id\":null,\"deletedDateTime\":null,\"classification\":null,\"createdDateTime\":null,\"creationOptions\":[],"
		"\"description\":null,\"displayName\":null,\"expirationDateTime\":null,\"groupTypes\":[],\"isAssignableToRole\":null,"
		"\"mail\":null,\"mailEnabled\":false,\"mailNickname\":null,\"membershipRule\":null,\"membershipRuleProcessingState\":null,"
		"\"onPremisesDomainName\":null,\"onPremisesLastSyncDateTime\":null,\"onPremisesNetBiosName\":null,"
		"\"onPremisesSamAccountName\":null,\"onPremisesSecurityIdentifier\":null,\"onPremisesSyncEnabled\":null,"
		"\"preferredDataLocation\":null,\"preferredLanguage\":null,\"proxyAddresses\":[],\"renewedDateTime\":null,"
		"\"resourceBehaviorOptions\":[],\"resourceProvisioningOptions\":[],\"securityEnabled\":true,\"securityIdentifier\":null,"
		"\"theme\":null,\"visibility\":null,\"onPremisesProvisioningErrors\":[]}",
	[DIRECTORY_SERVICE_PRINCIPAL] =
		"{\"id\":null,\"deletedDateTime\":null,\"accountEnabled\":true,\"alternativeNames\":[],\"appDisplayName\":null,"
		"\"appDescription\":null,\"appId\":null,\"applicationTemplateId\":null,\"appOwnerOrganizationId\":null,"
		"\"appRoleAssignmentRequired\":false,\"createdDateTime\":null,\"description\":null,\"disabledByMicrosoftStatus\":null,"
		"\"displayName\":null,\"homepage\":null,\"loginUrl\":null,\"logoutUrl\":null,\"notes\":null,"
		"\"notificationEmailAddresses\":[],\"preferredSingleSignOnMode\":null,\"preferredTokenSigningKeyThumbprint\":null,"
		"\"replyUrls\":[],\"servicePrincipalNames\":[],\"servicePrincipalType\":\"Application\",\"signInAudience\":null,"
		"\"tags\":[],\"tokenEncryptionKeyId\":null,\"samlSingleSignOnSettings\":null,\"addIns\":[],\"appRoles\":[],"
		"\"info\":{\"logoUrl\":null,\"marketingUrl\":null,\"privacyStatementUrl\":null,\"supportUrl\":null,"
		"\"termsOfServiceUrl\":null},\"keyCredentials\":[],\"oauth2PermissionScopes\":[],\"passwordCredentials\":[],"
		"\"resourceSpecificApplicationPermissions\":[],\"verifiedPublisher\":{\"displayName\":null,\"verifiedPublisherId\":null,"
		"\"addedDateTime\":null}}",
	[DIRECTORY_APPLICATION] =
		"{\"id\":null,\"deletedDateTime\":null,\"appId\":null,\"applicationTemplateId\":null,\"disabledByMicrosoftStatus\":null,"
		"\"createdDateTime\":null,\"displayName\":null,\"description\":null,\"groupMembershipClaims\":null,\"identifierUris\":[],"
		"\"isDeviceOnlyAuthSupported\":null,\"isFallbackPublicClient\":null,\"notes\":null,\"publisherDomain\":null,"
		"\"serviceManagementReference\":null,\"signInAudience\":null,\"tags\":[],\"tokenEncryptionKeyId\":null,"
		"\"samlMetadataUrl\":null,\"defaultRedirectUri\":null,\"certification\":null,\"optionalClaims\":null,"
		"\"servicePrincipalLockConfiguration\":null,\"requestSignatureVerification\":null,\"addIns\":[],"
		"\"api\":{\"acceptMappedClaims\":null,\"knownClientApplications\":[],\"requestedAccessTokenVersion\":null,"
		"\"oauth2PermissionScopes\":[],\"preAuthorizedApplications\":[]},\"appRoles\":[],\"info\":{\"logoUrl\":null,"
		"\"marketingUrl\":null,\"privacyStatementUrl\":null,\"supportUrl\":null,\"termsOfServiceUrl\":null},"
		"\"keyCredentials\":[],\"parentalControlSettings\":{\"countriesBlockedForMinors\":[],\"legalAgeGroupRule\":\"Allow\"},"
		"\"passwordCredentials\":[],\"publicClient\":{\"redirectUris\":[]},\"requiredResourceAccess\":[],"
		"\"verifiedPublisher\":{\"displayName\":null,\"verifiedPublisherId\":null,\"addedDateTime\":null},"
		"\"web\":{\"homePageUrl\":null,\"logoutUrl\":null,\"redirectUris\":[],\"implicitGrantSettings\":{"
		"\"enableAccessTokenIssuance\":false,\"enableIdTokenIssuance\":false},\"redirectUriSettings\":[]},"
		"\"spa\":{\"redirectUris\":[]}}",
};

const char *const user_default_properties[] = {"businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone",
	"officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id", NULL};

json_t *properties_template(enum directory_kind kind) {
	return json_loads(templates[kind], 0, NULL);
}

static size_t characters(const char *text) {
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool is_text(const json_t *value, size_t most) {
	return json_is_string(value) && characters(json_string_value(value)) <= most &&
		strlen(json_string_value(value)) == json_string_length(value);
}

static bool is_list(const json_t *value, size_t most, bool of_text) {
	if (!json_is_array(value) || json_array_size(value) > most)
		return false;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *item = json_array_get(value, i);
		if (of_text ? !is_text(item, TEXT_MAX) : !json_is_object(item))
			return false;
	}
	return true;
}

static bool fits(const struct property *p, const json_t *value) {
	switch (p->form) {
	case TEXT:
		return json_is_null(value) || is_text(value, p->most);
	case NEEDED:
		return is_text(value, p->most) && json_string_length(value) > 0;
	case FLAG:
		return json_is_null(value) || json_is_boolean(value);
	case TEXTS:
		return is_list(value, p->most, true);
	case OBJECTS:
		return is_list(value, p->most, false);
	case DOCUMENT:
		return json_is_object(value) || json_is_null(value);
	case CREDENTIALS:
		return json_is_array(value);
	case PASSWORD:
		return json_is_object(value);
	}
	return false;
}

static const struct property *find(enum directory_kind kind, const char *name) {
	for (const struct property *p = tables[kind]; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static int set_text(char **out, const json_t *value, struct err *err) {
	char *text = strdup(json_string_value(value));
	if (!text)
		return err_oom(err);
	free(*out);
	*out = text;
	return 0;
}

// A member that has a column of its own, or none. -ENOENT: one of the document.
static int apply_column(struct directory_object *o, const char *name, json_t *value, struct err *err) {
	if (strcmp(name, "displayName") == 0)
		return set_text(&o->display_name, value, err);
	if (strcmp(name, "signInAudience") == 0 || strcmp(name, "userPrincipalName") == 0)
		return set_text(&o->detail, value, err);
	if (strcmp(name, "accountEnabled") == 0) {
		o->enabled = json_is_true(value);
		return json_is_boolean(value) ? 0 : call_invalid_value(err, o->kind, name);
	}
	return -ENOENT;
}

static int apply_member(struct call *c, struct directory_object *o, const char *name, json_t *value, struct err *err) {
	const struct property *p = find(o->kind, name);
	if (!p && json_object_get(c->graph->templates[o->kind], name))
		return call_bad_request(err, "Property '%s' is read-only and cannot be set.", name);
	if (!p)
		return call_bad_request(err, "Invalid property '%.128s'.", name);
	if (!fits(p, value))
		return call_invalid_value(err, o->kind, name);
	if (p->form == CREDENTIALS || p->form == PASSWORD)
		return 0;
	int rc = apply_column(o, name, value, err);
	if (rc != -ENOENT)
		return rc;
	if (json_is_null(value)) {
		(void)json_object_del(o->body, name);
		return 0;
	}
	json_t *present = json_object_get(o->body, name);
	if (p->form == DOCUMENT && json_is_object(present))
		return json_object_update_recursive(present, value) < 0 ? err_oom(err) : 0;
	return json_object_set_new(o->body, name, json_deep_copy(value)) < 0 ? err_oom(err) : 0;
}

static int check_audience(const struct directory_object *o, struct err *err) {
	static const char *const known[] = {"AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(o->detail, known[i]) == 0)
			return 0;
	return call_invalid_value(err, o->kind, "signInAudience");
}

// Is the host the tenant's domain or under it?
static bool host_is_ours(const char *host, size_t n, const char *domain) {
	size_t d = strlen(domain);
	return n >= d && strncasecmp(host + n - d, domain, d) == 0 && (n == d || host[n - d - 1] == '.');
}

static bool segment_is(const char *from, size_t n, const char *id) {
	return n == strlen(id) && strncasecmp(from, id, n) == 0;
}

// What names the application in tokens: only with its own appId, its tenant or its tenant's domain in it, so that nobody takes
// another's name.
static bool uri_is_ours(const struct directory_object *o, const char *uri, const char *domain) {
	const char *rest = strstr(uri, "://");
	if (!rest || strlen(uri) > 255 || strpbrk(uri, " \t\"'<>#?") || uri[strlen(uri) - 1] == '/')
		return false;
	rest += 3;
	size_t host = strcspn(rest, "/:");
	if (host_is_ours(rest, host, domain))
		return true;
	const char *last = strrchr(rest, '/');
	last = last ? last + 1 : rest;
	return strv_starts_with_nocase(uri, "api://") && (segment_is(rest, host, o->app_id) || segment_is(rest, host, o->tenant_id) ||
		segment_is(last, strlen(last), o->app_id));
}

static bool has_text(const json_t *list, const char *text) {
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strv_eq_nocase(json_string_value(json_array_get(list, i)), text))
			return true;
	return false;
}

// Another application of the tenant with one of these names.
static int find_duplicate(struct call *c, const struct directory_object *o, const json_t *uris, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	const struct directory_list all = {.tenant_id = o->tenant_id, .kind = DIRECTORY_APPLICATION};
	int rc = directory_list_open(c->tx, &all, &rows, err);
	while (rc >= 0) {
		_cleanup_object_ struct directory_object other = {0};
		rc = directory_list_next(rows, DIRECTORY_APPLICATION, &other, err);
		if (rc <= 0)
			break;
		for (size_t i = 0; strcmp(other.id, o->id) != 0 && i < json_array_size(uris); i++)
			if (has_text(json_object_get(other.body, "identifierUris"), json_string_value(json_array_get(uris, i))))
				return err_set(err, -EEXIST, 400, "Request_MultipleObjectsWithSameKeyValue",
					"Another object with the same value for property identifierUris already exists.");
	}
	return rc;
}

static int check_uris(struct call *c, const struct directory_object *o, struct err *err) {
	struct entra_tenant tenant;
	const json_t *uris = json_object_get(o->body, "identifierUris");
	if (json_array_size(uris) == 0)
		return 0;
	int rc = directory_tenant(c->tx, o->tenant_id, &tenant, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < json_array_size(uris); i++) {
		const char *uri = json_string_value(json_array_get(uris, i));
		if (!uri_is_ours(o, uri, tenant.domain))
			return err_set(err, -EINVAL, 400, "HostNameNotOnVerifiedDomain",
				"Values of identifierUris property must use a verified domain of the organization or its subdomain: '%.256s'",
				uri);
	}
	return find_duplicate(c, o, uris, err);
}

// Redirects go to https, to this machine, or to an app's own scheme; never into a page.
static int check_redirects(const struct directory_object *o, struct err *err) {
	static const char *const places[] = {"web", "spa", "publicClient"};
	for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
		const json_t *uris = json_object_get(json_object_get(o->body, places[p]), "redirectUris");
		if (uris && !is_list(uris, 256, true))
			return call_invalid_value(err, o->kind, "redirectUris");
		for (size_t i = 0; i < json_array_size(uris); i++) {
			const char *uri = json_string_value(json_array_get(uris, i));
			if (!strchr(uri, ':') || strv_starts_with_nocase(uri, "javascript:") || strv_starts_with_nocase(uri, "data:") ||
				strchr(uri, '*'))
				return call_invalid_value(err, o->kind, "redirectUris");
		}
	}
	return 0;
}

static int check_ids(const struct directory_object *o, const char *list, const char *id, bool unique, struct err *err) {
	const json_t *items = json_object_get(o->body, list);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *value = json_str(json_array_get(items, i), id);
		if (!value || !enc_is_uuid(value))
			return call_invalid_value(err, o->kind, list);
		for (size_t j = 0; unique && j < i; j++)
			if (strv_eq_nocase(value, json_str(json_array_get(items, j), id)))
				return call_invalid_value(err, o->kind, list);
	}
	return 0;
}

static int check_application(struct call *c, const struct directory_object *o, struct err *err) {
	int rc = check_audience(o, err);
	if (rc == 0)
		rc = check_redirects(o, err);
	if (rc == 0)
		rc = check_ids(o, "appRoles", "id", true, err);
	if (rc == 0)
		rc = check_ids(o, "requiredResourceAccess", "resourceAppId", false, err);
	return rc == 0 && json_object_get(c->body, "identifierUris") ? check_uris(c, o, err) : rc;
}

static int required(struct err *err, enum directory_kind kind, const char *property) {
	return call_bad_request(err, "A value is required for property '%s' of resource '%s'.", property, kind_words(kind)->resource);
}

// name@domain of the tenant, kept in lower case.
static int check_user(struct call *c, struct directory_object *o, struct err *err) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_'!#^~";
	struct entra_tenant tenant;
	for (char *p = o->detail; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	char *at = strchr(o->detail, '@');
	int rc = directory_tenant(c->tx, o->tenant_id, &tenant, err);
	if (rc < 0)
		return rc;
	if (!at || at == o->detail || (size_t)(at - o->detail) > 64 || strspn(o->detail, allowed) != (size_t)(at - o->detail) ||
		at[-1] == '.')
		return call_bad_request(err, "Property userPrincipalName is invalid.");
	if (strcmp(at + 1, tenant.domain) != 0)
		return call_bad_request(err, "The domain portion of the userPrincipalName property is invalid. You must use one of the "
			"verified domain names in your organization.");
	return 0;
}

static int check_group(const struct directory_object *o, struct err *err) {
	if (json_is_true(json_object_get(o->body, "mailEnabled")))
		return call_bad_request(err, "Mail-enabled groups are not served: mailEnabled must be false.");
	if (!json_bool(o->body, "securityEnabled", true))
		return call_bad_request(err, "Only security groups are served: securityEnabled must be true.");
	return 0;
}

static int check_required(const struct call *c, enum directory_kind kind, struct err *err) {
	static const char *const names[DIRECTORY_KINDS][7] = {
		[DIRECTORY_USER] = {"accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"},
		[DIRECTORY_GROUP] = {"displayName", "mailEnabled", "mailNickname", "securityEnabled"},
		[DIRECTORY_SERVICE_PRINCIPAL] = {"appId"},
		[DIRECTORY_APPLICATION] = {"displayName"},
	};
	for (size_t i = 0; names[kind][i]; i++)
		if (!json_object_get(c->body, names[kind][i]))
			return required(err, kind, names[kind][i]);
	return 0;
}

// Of the password only that there is one: it is kept nowhere, for nobody signs in with it.
static int check_password(const struct call *c, enum directory_kind kind, struct err *err) {
	const json_t *profile = json_object_get(c->body, "passwordProfile");
	const char *password = json_str(profile, "password");
	if (profile && password && (strlen(password) < 8 || strlen(password) > 256))
		return call_bad_request(err, "The specified password does not comply with password complexity requirements. Please "
			"provide a different password.");
	return profile && json_object_get(profile, "password") && !password ? call_invalid_value(err, kind, "passwordProfile") : 0;
}

int properties_apply(struct call *c, struct directory_object *o, bool creating, struct err *err) {
	const char *name;
	json_t *value;
	int rc = creating ? check_required(c, o->kind, err) : 0;
	if (rc < 0)
		return rc;
	// json_object_foreach takes no const object; nothing is changed.
	json_object_foreach((json_t *)(uintptr_t)c->body, name, value) {
		// appId says whose a new service principal is; annotations say nothing.
		if (strchr(name, '@') || (creating && strcmp(name, "appId") == 0 && o->kind == DIRECTORY_SERVICE_PRINCIPAL))
			continue;
		rc = apply_member(c, o, name, value, err);
		if (rc < 0)
			return rc;
	}
	switch (o->kind) {
	case DIRECTORY_APPLICATION:
		return check_application(c, o, err);
	case DIRECTORY_GROUP:
		return check_group(o, err);
	case DIRECTORY_USER:
		rc = check_user(c, o, err);
		return rc < 0 ? rc : check_password(c, o->kind, err);
	case DIRECTORY_SERVICE_PRINCIPAL:
		break;
	}
	return 0;
}
