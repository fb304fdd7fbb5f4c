// SPDX-License-Identifier: Apache-2.0
// The place where `custodisk run` runs its command: a network namespace with nothing but loopback, and a mount
// namespace in which the names and the authority of custodisk take the place of the system's.
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

// Move this process, which must have one thread, into new network and mount namespaces, and into a user namespace
// that maps the caller to itself when it may not make the others. Loopback is up and has 169.254.169.254 beside
// 127.0.0.1. *user_namespace tells which it was. -EPERM or -ENOSPC names the setting that forbids it.
int namespace_enter(bool *user_namespace, struct err *err) _must_check_;

// Inside: let the resolver ask 127.0.0.1 and nobody else, and let the system's bundle of authorities hold that of the
// data directory too. `scratch` is a folder for files that are gone again afterwards. *ca_bundle is the bundle's
// path, to be freed: the system's, or DIR/ca.pem where the system has none.
int namespace_cover_files(const char *data_dir, const char *scratch, char **ca_bundle, struct err *err) _must_check_;

// Inside: a TCP socket listening at every address of the namespace.
int namespace_listen(unsigned port, struct err *err) _must_check_;

// Make it listen again after a shutdown(2) by another holder; one that listens is left as it is.
int namespace_relisten(int fd, struct err *err) _must_check_;

// Text of /etc/nsswitch.conf with its hosts line replaced by one that asks files and DNS only.
int namespace_nsswitch(const char *text, struct buf *out) _must_check_;

// The setting of this machine that forbids namespaces, "" when none is found. For error messages.
struct namespace_limit {
	const char *path, *name;
	int forbids;  // the value that forbids
};
const char *namespace_limit_name(const struct namespace_limit *limits, size_t count);
