// SPDX-License-Identifier: Apache-2.0
#include "host/programs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"

// Relative to the agent's folder: installed together, then the build folder's rooms.
static const char *const disk_places[] = {"custodisk-disk", "../disk/custodisk-disk", NULL};
static const char *const plugin_places[] = {"nbdkit-custodisk-plugin.so", "../disk/nbdkit-custodisk-plugin.so",
	CUSTODISK_PLUGIN_DIR "/nbdkit-custodisk-plugin.so", NULL};

static int find(const char *dir, const char *const *places, int mode, char **out, struct err *err) {
	for (size_t i = 0; places[i]; i++) {
		_cleanup_free_ char *path = places[i][0] == '/' ? strdup(places[i]) : strv_printf("%s/%s", dir, places[i]);
		if (!path)
			return err_oom(err);
		if (access(path, mode) == 0) {
			*out = TAKE_PTR(path);
			return 0;
		}
	}
	return err_set(err, -ENOENT, 500, "InternalServerError", "%s is neither beside the host agent in %s nor installed",
		places[0], dir);
}

int programs_find(const char *dir, struct programs *out, struct err *err) {
	_cleanup_programs_ struct programs p = {0};
	int rc = find(dir, disk_places, X_OK, &p.disk, err);
	if (rc == 0)
		rc = find(dir, plugin_places, R_OK, &p.plugin, err);
	if (rc < 0)
		return rc;
	*out = p;
	p = (struct programs){0};
	return 0;
}

int programs_find_own(struct programs *out, struct err *err) {
	_cleanup_free_ char *folder = NULL;
	int rc = io_program_folder(&folder, err);
	return rc < 0 ? rc : programs_find(folder, out, err);
}

void programs_free(struct programs *p) {
	free(p->disk);
	free(p->plugin);
	*p = (struct programs){0};
}
