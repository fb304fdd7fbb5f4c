// SPDX-License-Identifier: Apache-2.0
// The environment of a command in `custodisk run`.
#pragma once

#include "base/err.h"
#include "cli/datadir.h"

// Remove proxy settings from this process's environment: what talks to custodisk talks to it directly.
void environment_drop_proxies(void);

// Change this process's environment to that of the command: proxies and settings that would steer a login elsewhere
// are removed, trust settings name `ca_bundle`, AZURE_* name the bootstrap principal. With an identity header, which
// speaks for a managed identity, the command is that one and not the principal: AZURE_* name tenant and subscription alone,
// IDENTITY_* where the identity's tokens are.
int environment_enter(const struct bootstrap *principal, const char *identity_header, const char *data_dir,
	const char *ca_bundle, struct err *err) _must_check_;
