// SPDX-License-Identifier: Apache-2.0
// Names and identifiers of what a vault holds.
#include "vault/object.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"

const struct object_kind *object_kind_stored(const char *collection) {
	return strcmp(collection, object_keys.collection) == 0 ? &object_keys : &object_secrets;
}

void object_free(struct object *o) {
	free(o->tags);
	free(o->jwk);
	free(o->rotation_policy);
	free(o->release_policy);
	free(o->content_type);
	buf_free(&o->sealed);
	*o = (struct object){0};
}

void vault_lower_name(const char *name, char out[static VAULT_NAME_MAX + 1]) {
	size_t n = 0;
	for (; n < VAULT_NAME_MAX && name[n]; n++)
		out[n] = (char)tolower((unsigned char)name[n]);
	// A longer name is cut to nothing: no vault has the empty name.
	out[name[n] ? 0 : n] = 0;
}

void vault_pool_name(const char *label, char out[static VAULT_NAME_MAX + 1]) {
	bool fits = strlen(label) <= VAULT_LABEL_MAX && !vault_name_is_pool(label);
	(void)snprintf(out, VAULT_NAME_MAX + 1, "%.*s%s", VAULT_LABEL_MAX, fits ? label : "", fits ? VAULT_POOL_SUFFIX : "");
}

const char *vault_url(const struct vault_record *vault, char out[static VAULT_URL_MAX]) {
	char name[VAULT_NAME_MAX + 1];
	vault_lower_name(vault->name, name);
	(void)snprintf(out, VAULT_URL_MAX, "https://%s%s", name, vault_is_pool(vault) ? ".azure.net" : ".vault.azure.net");
	return out;
}

bool object_name_valid(const char *name) {
	return strv_made_of(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", 1, OBJECT_NAME_MAX);
}

bool object_version_valid(const char *version) {
	return strv_made_of(version, "0123456789abcdefABCDEF", OBJECT_VERSION_LEN, OBJECT_VERSION_LEN);
}

void object_id(const struct vault_record *vault, const char *collection, const char *name, const char *version,
	char out[static OBJECT_ID_MAX]) {
	char url[VAULT_URL_MAX];
	(void)snprintf(out, OBJECT_ID_MAX, "%s/%s/%s%s%s", vault_url(vault, url), collection, name, version ? "/" : "",
		version ? version : "");
}

char *object_context(const struct vault_record *vault, const struct object_kind *kind, const char *name,
	const char *version) {
	// The version is random, so a vault made anew under the same name and id never has the same context.
	_cleanup_free_ char *context = strv_printf("%s/%s/%s/%s", vault->resource_id, kind->collection, name, version);
	return context ? strv_lower(context) : NULL;
}
