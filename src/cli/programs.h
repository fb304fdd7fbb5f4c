// SPDX-License-Identifier: Apache-2.0
// Where the other programs are.
#pragma once

#include "base/err.h"

// The program `name` ("custodiskd") of the room `room` ("server"), looked for relative to this executable: in its
// own folder, in ../libexec/custodisk (installed), or in ../<room> (a build tree). The caller frees *out.
int program_find(const char *room, const char *name, char **out, struct err *err) _must_check_;

// The same below a given folder instead of this executable's.
int program_find_from(const char *folder, const char *room, const char *name, char **out, struct err *err) _must_check_;

// A system program, looked for in $PATH and then in the folders for administrators. *out NULL when missing.
int program_find_system(const char *name, const char *path_variable, char **out, struct err *err) _must_check_;
