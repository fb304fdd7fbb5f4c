// SPDX-License-Identifier: Apache-2.0
// What the files of the directory share.
#pragma once

#include "entra/directory.h"
#include "entra/internal.h"

// 404 Request_ResourceNotFound. Returns -ENOENT.
int directory_not_found(const char *id, struct err *err);

// 403 Directory_QuotaExceeded. Returns -EDQUOT.
int directory_quota(struct err *err);

// An object id in lower case; -EINVAL (400) when it is none.
int directory_id(const char *id, char out[static ENC_UUID_SIZE], struct err *err) _must_check_;

// -EPERM (400) when the principal is the only Global Administrator of its tenant.
int directory_check_others(struct store_tx *tx, const char *tenant_id, const char *principal_id, struct err *err) _must_check_;

// Take an object out of groups, ownerships, directory roles and sign-ins, with credentials of its own.
int directory_forget(struct store_tx *tx, const char *id, struct err *err) _must_check_;
