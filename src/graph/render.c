// SPDX-License-Identifier: Apache-2.0
// Objects as Graph shows them.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "graph/internal.h"

const struct kind_words *kind_words(enum directory_kind kind) {
	static const struct kind_words words[DIRECTORY_KINDS] = {
		[DIRECTORY_USER] = {"users", "user", "User"},
		[DIRECTORY_GROUP] = {"groups", "group", "Group"},
		[DIRECTORY_SERVICE_PRINCIPAL] = {"servicePrincipals", "servicePrincipal", "ServicePrincipal"},
		[DIRECTORY_APPLICATION] = {"applications", "application", "Application"},
	};
	return &words[kind];
}

json_t *render_time(int64_t t) {
	char text[CLOCK_RFC3339_MAX];
	return json_string(clock_rfc3339(t, text));
}

static json_t *text_or_null(const char *text) {
	return text && *text ? json_string(text) : json_null();
}

json_t *render_secret(const struct directory_credential *s) {
	return json_pack("{s:n, s:o, s:o, s:s, s:s, s:n, s:o}", "customKeyIdentifier", "displayName",
		text_or_null(s->display_name), "endDateTime", render_time(s->not_after), "hint", s->hint, "keyId", s->key_id,
		"secretText", "startDateTime", render_time(s->not_before));
}

static json_t *render_certificate(const struct directory_credential *s) {
	char print[sizeof(s->thumbprint)];
	for (size_t i = 0; i < sizeof(print); i++)
		print[i] = (char)toupper((unsigned char)s->thumbprint[i]);
	return json_pack("{s:s, s:o, s:o, s:n, s:s, s:o, s:s, s:s}", "customKeyIdentifier", print, "displayName",
		text_or_null(s->display_name), "endDateTime", render_time(s->not_after), "key", "keyId", s->key_id, "startDateTime",
		render_time(s->not_before), "type", "AsymmetricX509Cert", "usage", "Verify");
}

static json_t *render_all(const struct directory_credential *list, size_t count,
	json_t *(*render)(const struct directory_credential *)) {
	_cleanup_json_ json_t *array = json_array();
	for (size_t i = 0; array && i < count; i++)
		if (json_array_append_new(array, render(&list[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

int render_credentials(struct call *c, const struct directory_object *o, json_t *shown, struct err *err) {
	_cleanup_free_ struct directory_credential *secrets = NULL;
	_cleanup_free_ struct directory_credential *certificates = NULL;
	size_t secret_count = 0, certificate_count = 0;
	if (o->kind != DIRECTORY_APPLICATION && o->kind != DIRECTORY_SERVICE_PRINCIPAL)
		return 0;
	int rc = directory_secrets(c->tx, o, &secrets, &secret_count, err);
	if (rc == 0)
		rc = directory_certificates(c->tx, o, &certificates, &certificate_count, err);
	if (rc < 0)
		return rc;
	if (json_set(shown, "passwordCredentials", render_all(secrets, secret_count, render_secret)) < 0 ||
		json_set(shown, "keyCredentials", render_all(certificates, certificate_count, render_certificate)) < 0)
		return err_oom(err);
	return 0;
}

// What an object keeps, over the defaults.
static int lay_over(json_t *shown, const json_t *body) {
	const char *name;
	json_t *value;
	// json_object_foreach takes no const object; nothing is changed.
	json_object_foreach((json_t *)(uintptr_t)body, name, value) {
		json_t *present = json_object_get(shown, name);
		int rc = json_is_object(present) && json_is_object(value) ? json_object_update_recursive(present, value)
									    : json_object_set(shown, name, value);
		if (rc < 0)
			return -ENOMEM;
	}
	return 0;
}

static int set_application(struct call *c, const struct directory_object *o, json_t *shown, struct err *err) {
	struct entra_tenant tenant;
	int rc = directory_tenant(c->tx, o->tenant_id, &tenant, err);
	if (rc < 0)
		return rc;
	if (json_set_str(shown, "appId", o->app_id) < 0 || json_set_str(shown, "signInAudience", o->detail) < 0 ||
		json_set_str(shown, "publisherDomain", tenant.domain) < 0 ||
		(o->deleted && json_set(shown, "deletedDateTime", render_time(o->deleted)) < 0))
		return err_oom(err);
	return 0;
}

static int append_text(json_t *list, const char *text, size_t n) {
	return json_array_append_new(list, json_stringn(text, n)) < 0 ? -ENOMEM : 0;
}

// A managed identity: of which resource it is, and whether it is one of its own.
static int set_identity(const struct directory_object *o, json_t *shown) {
	static const char type[] = "/providers/microsoft.managedidentity/userassignedidentities/";
	bool own = strstr(o->detail, type) != NULL;
	if (json_set_str(shown, "servicePrincipalType", "ManagedIdentity") < 0)
		return -ENOMEM;
	return json_set(shown, "alternativeNames", json_pack("[s, s]", own ? "isExplicit=True" : "isExplicit=False", o->detail));
}

static int set_first_party(const struct directory_first_party *p, json_t *shown, json_t *names) {
	int rc = 0;
	for (const char *at = p->names; rc == 0 && *at; at += strcspn(at, " "), at += *at == ' ')
		rc = append_text(names, at, strcspn(at, " "));
	if (rc == 0)
		rc = json_set_str(shown, "appDisplayName", p->display_name);
	if (rc == 0)
		rc = json_set_str(shown, "appOwnerOrganizationId", DIRECTORY_MICROSOFT);
	return rc < 0 ? rc : json_set_str(shown, "signInAudience", "AzureADMultipleOrgs");
}

static int copy_member(json_t *to, const char *name, const json_t *value) {
	return value ? json_set(to, name, json_deep_copy(value)) : 0;
}

// What a service principal shows of its application. Another tenant sees what every tenant does.
static int set_registration(const struct directory_object *app, json_t *shown, json_t *names) {
	const json_t *uris = json_object_get(app->body, "identifierUris");
	int rc = json_set_str(shown, "appDisplayName", app->display_name);
	if (rc == 0)
		rc = json_set_str(shown, "appOwnerOrganizationId", app->tenant_id);
	if (rc == 0)
		rc = json_set_str(shown, "signInAudience", app->detail);
	if (rc == 0)
		rc = copy_member(shown, "appRoles", json_object_get(app->body, "appRoles"));
	if (rc == 0)
		rc = copy_member(shown, "oauth2PermissionScopes", json_at(app->body, "api.oauth2PermissionScopes"));
	for (size_t i = 0; rc == 0 && i < json_array_size(uris); i++)
		rc = append_text(names, json_string_value(json_array_get(uris, i)), json_string_length(json_array_get(uris, i)));
	return rc;
}

static int set_principal(struct call *c, const struct directory_object *o, json_t *shown, struct err *err) {
	_cleanup_json_ json_t *names = json_array();
	_cleanup_object_ struct directory_object app = {0};
	const struct directory_first_party *first = directory_first_party(o->app_id);
	int rc = names ? append_text(names, o->app_id, strlen(o->app_id)) : -ENOMEM;
	if (rc == 0)
		rc = json_set_str(shown, "appId", o->app_id);
	if (rc == 0)
		rc = json_set_bool(shown, "accountEnabled", o->enabled);
	if (rc == 0 && o->detail)
		rc = set_identity(o, shown);
	if (rc == 0 && first)
		rc = set_first_party(first, shown, names);
	if (rc < 0)
		return err_oom(err);
	rc = o->detail || first ? -ENOENT : directory_get_registration(c->tx, o->app_id, &app, err);
	if (rc == 0 && set_registration(&app, shown, names) < 0)
		return err_oom(err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	return json_set(shown, "servicePrincipalNames", TAKE_PTR(names)) < 0 ? err_oom(err) : 0;
}

static int set_kind(struct call *c, const struct directory_object *o, json_t *shown, struct err *err) {
	switch (o->kind) {
	case DIRECTORY_APPLICATION:
		return set_application(c, o, shown, err);
	case DIRECTORY_SERVICE_PRINCIPAL:
		return set_principal(c, o, shown, err);
	case DIRECTORY_USER:
		return json_set_str(shown, "userPrincipalName", o->detail) < 0 || json_set_bool(shown, "accountEnabled", o->enabled) < 0
			? err_oom(err) : 0;
	case DIRECTORY_GROUP:
		break;
	}
	return 0;
}

json_t *render_object(struct call *c, const struct directory_object *o, bool full, struct err *err) {
	_cleanup_json_ json_t *shown = json_deep_copy(c->graph->templates[o->kind]);
	if (!shown || lay_over(shown, o->body) < 0 || json_set_str(shown, "id", o->id) < 0 ||
		json_set_str(shown, "displayName", o->display_name) < 0 ||
		json_set(shown, "createdDateTime", render_time(o->created)) < 0) {
		(void)err_oom(err);
		return NULL;
	}
	if (set_kind(c, o, shown, err) < 0 || (full && render_credentials(c, o, shown, err) < 0))
		return NULL;
	return TAKE_PTR(shown);
}
