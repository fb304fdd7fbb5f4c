// SPDX-License-Identifier: Apache-2.0
// The data directory of an instance: where it is, what it holds, which facts a client needs from it.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

// Where the data directory is: the option, else $CUSTODISK_DATA_DIR (`env`), else /var/lib/custodisk for root,
// else $XDG_DATA_HOME/custodisk when that is absolute, else $HOME/.local/share/custodisk. Any argument may be
// NULL. The caller frees *out. -ENOENT when nothing names a place.
int datadir_choose(const char *option, const char *env, uid_t uid, const char *xdg_data_home, const char *home,
	char **out, struct err *err) _must_check_;

// The same from this process's environment.
int datadir_find(const char *option, char **out, struct err *err) _must_check_;

// Make the directory (0700, parents too), its folders and its clock. *real is its absolute path, to be freed. An existing
// directory that belongs to another user, or that holds files of something else, is refused (-EPERM, -ENOTEMPTY).
int datadir_make(const char *path, char **real, struct err *err) _must_check_;

// Make a throwaway data directory under $TMPDIR or /tmp.
int datadir_make_throwaway(char **real, struct err *err) _must_check_;

// Remove a directory and all it holds. Symbolic links are removed, not followed.
int datadir_remove(const char *path, struct err *err) _must_check_;

// "path/name" to be freed, NULL when out of memory.
char *datadir_file(const char *path, const char *name);

bool datadir_has(const char *path, const char *name);

// The bootstrap principal (bootstrap.json).
struct bootstrap {
	char tenant[64], subscription[64], client_id[64];
	char client_secret[256];
};
#define _cleanup_bootstrap_ _cleanup_(bootstrap_wipe)
void bootstrap_wipe(struct bootstrap *b);
int bootstrap_read(const char *path, struct bootstrap *out, struct err *err) _must_check_;
