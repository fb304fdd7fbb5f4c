// SPDX-License-Identifier: Apache-2.0
// The faces of the server, chosen by the Host header.
#pragma once

#include "arm/arm.h"
#include "graph/graph.h"

struct faces {
	struct entra *entra;
	struct arm *arm;
	struct vault_service *vault;
	struct graph *graph;
	const char *resident;  // ARM id of the identity of whoever reaches these faces over plain HTTP, or NULL
};

// An http_handler; ctx is a struct faces.
void faces_handle(void *ctx, const struct http_request *req, struct http_response *res);
