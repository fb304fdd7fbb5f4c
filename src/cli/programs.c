// SPDX-License-Identifier: Apache-2.0
#include "cli/programs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"

static bool is_program(const char *path) {
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int program_find_from(const char *folder, const char *room, const char *name, char **out, struct err *err) {
	char *candidates[] = {
		strv_printf("%s/%s", folder, name),
		strv_printf("%s/../libexec/custodisk/%s", folder, name),
		strv_printf("%s/../%s/%s", folder, room, name),
	};
	char *found = NULL;
	bool complete = true;
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		if (!candidates[i])
			complete = false;
		else if (!found && is_program(candidates[i]))
			found = candidates[i];
		else
			free(candidates[i]);
	}
	if (found) {
		*out = found;
		return 0;
	}
	if (!complete)
		return err_oom(err);
	return err_set(err, -ENOENT, 500, "InternalServerError",
		"the program %s is neither in %s nor in %s/../libexec/custodisk", name, folder, folder);
}

int program_find(const char *room, const char *name, char **out, struct err *err) {
	_cleanup_free_ char *folder = NULL;
	int rc = io_program_folder(&folder, err);
	return rc < 0 ? rc : program_find_from(folder, room, name, out, err);
}

// Look in one folder of a search path, given by its start and length.
static int find_in(const char *folder, size_t len, const char *name, char **out) {
	char *path = strv_printf("%.*s/%s", (int)len, folder, name);
	if (!path)
		return -ENOMEM;
	if (len > 0 && folder[0] == '/' && is_program(path))
		*out = path;
	else
		free(path);
	return 0;
}

int program_find_system(const char *name, const char *path_variable, char **out, struct err *err) {
	const char *const lists[] = {path_variable ? path_variable : "", "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin"};
	char *found = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(lists) && !found; i++) {
		const char *at = lists[i];
		while (*at && !found) {
			size_t len = strcspn(at, ":");
			if (find_in(at, len, name, &found) < 0)
				return err_oom(err);
			at += len + (at[len] == ':');
		}
	}
	*out = found;
	return 0;
}
