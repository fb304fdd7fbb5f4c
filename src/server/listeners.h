// SPDX-License-Identifier: Apache-2.0
// Where the server listens: its own sockets, and those that others hand to it over the control socket
// (docs/architecture.md): one message "https" or "http" with one listening socket; served until the sender hangs up. With
// "http {ARM id}" whoever reaches the socket is this managed identity to the metadata face; the answer is "ok {header}" then,
// a value of X-IDENTITY-HEADER for the same identity.
#pragma once

#include "server/faces.h"

struct listeners;

struct listeners_config {
	const char *data_dir;
	const char *listen;  // "ADDR:PORT" for TLS, or NULL
	const char *pem;     // certificate chain and key
	const struct faces *faces;
	struct store *store;
};

int listeners_start(const struct listeners_config *config, struct listeners **out, struct err *err) _must_check_;
void listeners_stop(struct listeners *l);
