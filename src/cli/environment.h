// SPDX-License-Identifier: Apache-2.0
// The environment of a command in `custodisk run`.
#pragma once

#include "base/err.h"
#include "cli/datadir.h"

// Remove proxy settings from this process's environment: what talks to custodisk talks to it directly.
void environment_drop_proxies(void);

// Change this process's environment to that of the command: proxies and settings that would steer a login elsewhere
// are removed, trust settings name `ca_bundle`, AZURE_* name the bootstrap principal.
int environment_enter(const struct bootstrap *principal, const char *data_dir, const char *ca_bundle, struct err *err)
	_must_check_;
