// SPDX-License-Identifier: Apache-2.0
// The host agent: brings this hypervisor's disks and machines to the state that the control plane wants.
#pragma once

#include "host/host.h"
#include "host/link.h"

struct agent;

// `host` and `link` are borrowed. Takes over what an earlier agent left running and ends what it left half done.
int agent_new(struct host *host, struct agent **out, struct err *err) _must_check_;
void agent_free(struct agent *a);
static inline void agent_freep(struct agent **a) {
	agent_free(*a);
}

// An answer of the control plane, for link_start(). One that is not valid changes nothing.
void agent_desired(void *agent, json_t *answer);

// Turn the machines off, end what runs, then stop the loop.
void agent_end(struct agent *a);
