// SPDX-License-Identifier: Apache-2.0
// The agent's two conversations with the control plane: one waits for the desired state, one sends reports as they
// come. Each is a thread of its own, so that the loop never waits for a network.
#pragma once

#include "azure/azure.h"
#include "host/loop.h"
#include "host/outbox.h"

struct link_options {
	struct http_route route;              // strings are borrowed
	struct azure_credential credential;  // likewise
	const char *hypervisor_id;
};

struct link;

// `desired` is called from the loop with the newest answer. The threads run as long as the process does: a request
// may take half a minute, and nobody waits for that at the end.
int link_start(struct loop *l, const struct link_options *options, struct outbox *outbox,
	void (*desired)(void *data, json_t *answer), void *data, struct err *err) _must_check_;
