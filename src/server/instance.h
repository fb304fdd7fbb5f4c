// SPDX-License-Identifier: Apache-2.0
// What a data directory holds once: the tenant, the subscription, the first principals, the certificate.
#pragma once

#include "base/buf.h"
#include "base/enc.h"
#include "base/err.h"
#include "store/store.h"

struct instance {
	char tenant_id[ENC_UUID_SIZE];
	char subscription_id[ENC_UUID_SIZE];
	char location[32];
};

// Load the instance, or make it: in one transaction, with its files (bootstrap.json, host.json, instance.json)
// written before the commit, so that a crash leaves nothing half made.
int instance_open(struct store *store, const char *data_dir, struct instance *out, struct err *err) _must_check_;

// The server's certificate chain and key in one PEM text, issued anew when missing or close to its end; keeps ca.pem.
int instance_certificate(const char *data_dir, struct buf *pem, struct err *err) _must_check_;
