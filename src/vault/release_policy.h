// SPDX-License-Identifier: Apache-2.0
// Release policies of exportable keys: who may have the key, said of an attested environment (Key Vault's policy grammar).
#pragma once

#include <jansson.h>

#include "base/err.h"

#define RELEASE_POLICY_MAX 40960  // bytes of the decoded policy: the one that confidential machines get has 38 KiB indented

// Check the wire form {"contentType", "data": base64url of the policy, "immutable"} and the grammar of the policy in it.
// *text is the wire form as it is stored and shown, its policy re-serialised with version "1.0.0"; the caller frees it.
int release_policy_read(const json_t *wire, char **text, struct err *err) _must_check_;

// May the stored policy `old` (NULL for none) become `wanted`? 400 AKV.SKR.1020 when it is immutable and differs.
int release_policy_check_change(const char *old, const char *wanted, struct err *err) _must_check_;
