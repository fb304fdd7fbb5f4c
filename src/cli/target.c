// SPDX-License-Identifier: Apache-2.0
#include "cli/target.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"

#define ARM_URL "https://management.azure.com"

enum { HOST_MAX = 256 };

int target_url(const char *argument, char **out, struct err *err) {
	char *url;
	if (argument[0] == '/')
		url = strv_printf("%s%s", ARM_URL, argument);
	else if (strv_starts_with_nocase(argument, "https://") && argument[strlen("https://")] != 0)
		url = strdup(argument);
	else
		return err_set(err, -EINVAL, 400, "BadParameter", "'%s' is neither an https:// URL nor a path that starts with '/'",
			argument);
	if (!url)
		return err_oom(err);
	*out = url;
	return 0;
}

// Host of an https URL, with its port if it has one. User information is part of it and so matches no known host.
static int host_of(const char *url, char host[static HOST_MAX]) {
	if (!strv_starts_with_nocase(url, "https://"))
		return -EINVAL;
	const char *start = url + strlen("https://");
	size_t len = strcspn(start, "/?#\\");
	if (len == 0 || len >= HOST_MAX)
		return -EINVAL;
	memcpy(host, start, len);
	host[len] = 0;
	if (strv_ends_with_nocase(host, ":443"))
		host[len - strlen(":443")] = 0;
	return 0;
}

const char *target_resource(const char *url) {
	static const struct {
		const char *host;  // with a leading dot: every name below it
		const char *resource;
	} known[] = {
		{"management.azure.com", "https://management.azure.com"},
		{".vault.azure.net", "https://vault.azure.net"},
		{".managedhsm.azure.net", "https://managedhsm.azure.net"},
		{".attest.azure.net", "https://attest.azure.net"},
		{"graph.microsoft.com", "https://graph.microsoft.com"},
		{"login.microsoftonline.com", ""},
	};
	char host[HOST_MAX];
	if (host_of(url, host) < 0 || strpbrk(host, "@:"))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].host[0] == '.' ? strv_ends_with_nocase(host, known[i].host) && host[0] != '.'
				: strv_eq_nocase(host, known[i].host))
			return known[i].resource;
	return NULL;
}

bool target_same_host(const char *a, const char *b) {
	char host_a[HOST_MAX], host_b[HOST_MAX];
	return host_of(a, host_a) == 0 && host_of(b, host_b) == 0 && strv_eq_nocase(host_a, host_b);
}

const json_t *target_select(const json_t *value, const char *path) {
	while (value && *path) {
		char name[128];
		size_t len = strcspn(path, ".");
		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = 0;
		int64_t index;
		if (!json_is_array(value))
			value = json_object_get(value, name);
		else if (strv_int(name, 0, INT32_MAX, &index) == 0)
			value = json_array_get(value, (size_t)index);
		else
			return NULL;
		path += len + (path[len] == '.');
	}
	return value;
}

char *target_print(const json_t *value) {
	return json_is_string(value) ? strdup(json_string_value(value)) : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}
