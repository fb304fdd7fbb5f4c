// SPDX-License-Identifier: Apache-2.0
// graph.microsoft.com: the directory as Microsoft Graph serves it, v1.0 and what is the same in beta.
#pragma once

#include "entra/entra.h"

struct graph;

// Borrows both. Safe for use by many threads.
int graph_open(struct store *store, struct entra *entra, struct graph **out, struct err *err) _must_check_;
void graph_close(struct graph *g);

void graph_handle(void *graph, const struct http_request *req, struct http_response *res);
