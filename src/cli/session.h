// SPDX-License-Identifier: Apache-2.0
// Whom a command asks, and as whom: an instance through its data directory, or the real Azure; the principal that the AZURE_*
// variables name, or the instance's first one.
#pragma once

#include "base/err.h"
#include "cli/datadir.h"
#include "net/http_client.h"

struct session {
	char *data_dir;  // NULL: by the real names, be it Azure or, inside of `custodisk run`, the instance
	char *socket_path, *ca_file;
};
void session_close(struct session *s);
#define _cleanup_session_ _cleanup_(session_close)

// Without `azure` and a data directory: inside of `run` the instance around it, else the instance of the usual place when
// there is one, so that the real Azure is never asked by mistake for a local instance that happens not to run.
// -ECONNREFUSED when it does not run.
int session_open(const char *data_dir_option, bool azure, struct session *out, struct err *err) _must_check_;

// Borrowed from the session.
struct http_route session_route(const struct session *s);

// -ENOENT (401 InvalidClient) when nothing names one. `subscription` is empty for a principal of the environment that has
// no AZURE_SUBSCRIPTION_ID.
int session_principal(const struct session *s, struct bootstrap *out, struct err *err) _must_check_;
