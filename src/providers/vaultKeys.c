// SPDX-License-Identifier: Apache-2.0
// Microsoft.KeyVault/vaults/keys and their versions. PUT makes a key where there is none, and leaves alone the one that is.
#include <errno.h>
#include <string.h>

#include "providers/providers.h"
#include "providers/vaultObjects.h"
#include "providers/versions.h"

static bool makes_key(const struct arm_call *call) {
	return strcmp(http_method(call->request), "PUT") == 0 && call->target->name[0] && !call->target->tail[0];
}

// 1 and answered when the key is there already; 0, and the request read, when it is to be made.
static int find_or_read(struct arm_call *call, const struct vault_record *vault, struct vault_control *x, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	struct err missing = {0};
	int rc = vault_control_load(x, call->tx, &missing);
	if (rc == 0) {
		rc = vault_objects_answer(call, vault, x, err);
		return rc < 0 ? rc : 1;
	}
	if (rc != -ENOENT) {
		*err = missing;
		return rc;
	}
	rc = arm_body(call->request, &body, err);
	return rc < 0 ? rc : vault_control_key_read(x, body, err);
}

static int look(struct arm_call *call, struct err *err) {
	struct vault_record vault;
	_cleanup_control_ struct vault_control *x = NULL;
	if (!makes_key(call))
		return 0;
	int rc = vault_objects_open(call, "write", &object_keys, &vault, &x, err);
	if (rc == 0)
		rc = find_or_read(call, &vault, x, err);
	if (rc == 0)
		call->prepared = TAKE_PTR(x);
	// The answer is given again in the transaction.
	json_decref(TAKE_PTR(call->response->json));
	return rc < 0 ? rc : 0;
}

static int work(struct arm_call *call, struct err *err) {
	return vault_control_key_make(call->prepared, err);
}

static void forget(void *prepared) {
	vault_control_close(prepared);
}

static int put(struct arm_call *call, struct err *err) {
	struct vault_record vault;
	_cleanup_control_ struct vault_control *x = NULL;
	int rc = vault_objects_open(call, "write", &object_keys, &vault, &x, err);
	if (rc == 0)
		rc = find_or_read(call, &vault, x, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	struct vault_control *made = call->prepared ? call->prepared : x;
	if (!call->prepared)
		rc = call->tried ? vault_control_key_sketch(x, err) : vault_control_key_make(x, err);
	if (rc == 0)
		rc = vault_control_key_add(made, call->tx, err);
	return rc < 0 ? rc : vault_objects_answer(call, &vault, made, err);
}

static int handle(struct arm_call *call, struct err *err) {
	if (makes_key(call))
		return put(call, err);
	if (strcmp(http_method(call->request), "GET") == 0 && !call->target->tail[0])
		return vault_objects_read(call, &object_keys, false, err);
	return vaults_method_not_allowed(call, err);
}

static int handle_versions(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") == 0 && !call->target->tail[0])
		return vault_objects_read(call, &object_keys, true, err);
	return vaults_method_not_allowed(call, err);
}

const struct arm_type vault_keys_type = {
	.name = "Microsoft.KeyVault/vaults/keys", .versions = versions_vaults, .raw = handle, .look = look, .work = work, .forget = forget};
const struct arm_type vault_key_versions_type = {
	.name = "Microsoft.KeyVault/vaults/keys/versions", .versions = versions_vaults, .raw = handle_versions};
