// SPDX-License-Identifier: Apache-2.0
// Webhooks that tenants name, and what they may reach: addresses of the internet alone, checked where the connection is made,
// so that no name that resolves to another address, then or later, reaches what only this machine can.
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "net/http_client.h"

#define WEBHOOK_URL_MAX 2048
#define WEBHOOK_TIMEOUT_MS 10000

// "https://host[:port]/…", printable ASCII without user, password or fragment; "http://" too where private ones are allowed,
// which then has to be on this machine. -EINVAL (400 BadRequest).
int webhook_check_url(const char *url, bool private_allowed, struct err *err) _must_check_;

// May a connection to this address be made? Not to private, link-local, shared, multicast or otherwise special ranges;
// `private_allowed` opens loopback and private ones, and never link-local ones, where clouds have their metadata. `loopback`
// asks for that alone.
bool webhook_permits(const struct sockaddr *address, bool private_allowed, bool loopback);

struct webhook;  // one thread's

int webhook_new(bool private_allowed, struct webhook **out, struct err *err) _must_check_;
void webhook_free(struct webhook *w);
static inline void webhook_freep(struct webhook **w) {
	webhook_free(*w);
}

// 0 when it answered with a status of 2xx.
int webhook_post(struct webhook *w, const char *url, const void *body, size_t len, struct err *err) _must_check_;
