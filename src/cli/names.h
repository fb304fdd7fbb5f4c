// SPDX-License-Identifier: Apache-2.0
// The name server inside of `custodisk run`: dnsmasq, which answers the names of Azure with 127.0.0.1 and every
// other name with "no such name".
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct name_server {
	char *program;        // owned path of dnsmasq
	const char *log_path; // borrowed
	bool keep_user;       // the namespace has no other user to change to
	pid_t pid;            // 0 while it does not run
};

// Find dnsmasq. -ENOENT says which package to install.
int names_find(struct name_server *n, struct err *err) _must_check_;

// Start it in this process's namespaces, as a child that dies with this process, and wait until it listens.
int names_start(struct name_server *n, struct err *err) _must_check_;

// End it and wait for it.
void names_stop(struct name_server *n);

void names_free(struct name_server *n);
