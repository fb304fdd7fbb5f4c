// SPDX-License-Identifier: Apache-2.0
// What is particular to secrets: values, content types.
#pragma once

#include "base/secret.h"
#include "vault/object.h"
#include "vault/request.h"

#define SECRET_VALUE_MAX 25600     // bytes, as Key Vault has it

// What a set or update body asks for.
struct secret_request {
	struct secret value;           // set only
	bool has_content_type;
	char *content_type;            // owned; NULL for an empty one
	struct common_request common;
};
void secret_request_free(struct secret_request *r);

int secret_request_set(const void *body, size_t len, struct secret_request *out, struct err *err) _must_check_;
int secret_request_update(const void *body, size_t len, struct secret_request *out, struct err *err) _must_check_;
// Of a body that was parsed; `set`: its value is read, and required.
int secret_request_read(const json_t *body, bool set, struct secret_request *out, struct err *err) _must_check_;
