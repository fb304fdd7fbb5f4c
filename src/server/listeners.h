// SPDX-License-Identifier: Apache-2.0
// Where the server listens: its own sockets, and those that others hand to it over the control socket
// (docs/architecture.md): one message "https" or "http" with one listening socket; served until the sender hangs up.
#pragma once

#include "net/http_server.h"

struct listeners;

struct listeners_config {
	const char *data_dir;
	const char *listen;  // "ADDR:PORT" for TLS, or NULL
	const char *pem;     // certificate chain and key
	http_handler handler;
	void *ctx;
};

int listeners_start(const struct listeners_config *config, struct listeners **out, struct err *err) _must_check_;
void listeners_stop(struct listeners *l);
