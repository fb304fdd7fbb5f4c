// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "vault/lifetime.h"

static const char *const vault_audiences[] = {"https://vault.azure.net", NULL};
static const char *const pool_audiences[] = {"https://managedhsm.azure.net", NULL};

// Versions of the REST API that are answered, oldest first. Released SDKs stay with the preview they were made for.
static const char *const api_versions[] = {
	"2015-06-01", "2016-10-01", "7.0-preview", "7.0", "7.1-preview", "7.1", "7.2-preview", "7.2", "7.3-preview", "7.3",
	"7.4-preview.1", "7.4", "7.5-preview.1", "7.5", "7.6-preview.1", "7.6-preview.2", "7.6", "2025-07-01", "2026-04-01",
};

int vault_service_open(struct store *store, struct keeper_client *keeper, struct entra *entra, struct vault_service **out,
	struct err *err) {
	_cleanup_free_ struct vault_service *v = calloc(1, sizeof(*v));
	if (!v)
		return err_oom(err);
	v->store = store;
	v->keeper = keeper;
	v->entra = entra;
	int rc = keeper_derive(keeper, "vault backup", &v->backup_key, err);
	if (rc == 0)
		rc = audit_writer_new(store, &v->audit, err);
	if (rc < 0) {
		secret_free(&v->backup_key);
		return rc;
	}
	*out = TAKE_PTR(v);
	return 0;
}

int vault_limit(struct vault_service *v, struct err *err) {
	return throttle_new(&v->throttle, err);
}

void vault_service_close(struct vault_service *v) {
	if (!v)
		return;
	audit_writer_free(v->audit);
	secret_free(&v->backup_key);
	throttle_free(v->throttle);
	free(v);
}

static int version_index(const char *version) {
	for (size_t i = 0; i < ARRAY_SIZE(api_versions); i++)
		if (strv_eq_nocase(api_versions[i], version))
			return (int)i;
	return -1;
}

bool api_version_at_least(const char *version, const char *least) {
	return version_index(version) >= version_index(least);
}

// A date ("2027-01-01", "2027-01-01-preview") that is later than every version that is known.
static bool is_later(const char *version) {
	const char *newest = api_versions[ARRAY_SIZE(api_versions) - 1];
	size_t n = strlen(newest);
	static const char shape[] = "dddd-dd-dd";
	for (size_t i = 0; i < n; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)version[i]) : version[i] != shape[i])
			return false;
	return (!version[n] || strv_eq_nocase(version + n, "-preview")) && strncmp(version, newest, n) > 0;
}

static int check_api_version(struct call *c, struct err *err) {
	const char *newest = api_versions[ARRAY_SIZE(api_versions) - 1];
	const char *wanted = http_query(c->req, "api-version");
	if (!wanted)
		return err_set(err, -EINVAL, 400, "BadParameter", "The query parameter 'api-version' is required.");
	int index = version_index(wanted);
	if (index < 0 && !is_later(wanted))
		return err_set(err, -EINVAL, 400, "BadParameter",
			"The specified version (%.32s) is not recognized. Consider using the latest supported version (%s).", wanted,
			newest);
	c->api_version = index < 0 ? newest : api_versions[index];
	return 0;
}

// An operation that a version does not know is none.
static int check_since(const struct call *c, struct err *err) {
	if (!c->op->since || api_version_at_least(c->api_version, c->op->since))
		return 0;
	return err_set(err, -EINVAL, 400, "BadParameter", "Method %s does not allow operation '%s' in version %s", c->method,
		c->op->route.pattern, c->api_version);
}

static int check_body_size(const struct call *c, struct err *err) {
	size_t len;
	(void)http_body(c->req, &len);
	if (len > VAULT_BODY_MAX && !c->op->large)
		return err_set(err, -EFBIG, 413, "BadParameter", "The request body is longer than %d bytes.", VAULT_BODY_MAX);
	return 0;
}

// The vault that the first label of the host names. A vault that does not exist, or no longer, has no name in Azure's
// DNS either.
static int find_vault(struct call *c, struct store_tx *tx, struct err *err) {
	const char *host = http_host(c->req);
	size_t n = strcspn(host, ".");
	char label[VAULT_NAME_MAX + 2];
	(void)snprintf(label, sizeof(label), "%.*s", (int)n, host);
	if (c->pool)
		vault_pool_name(label, c->vault_key);
	else
		vault_lower_name(label, c->vault_key);
	struct vault_record v;
	int rc = vault_find(tx, c->vault_key, &v, err);
	if (rc == 0 && v.deleted != 0)
		rc = err_set(err, -ENOENT, 404, "VaultNotFound", "The vault '%s' was not found.", v.name);
	if (rc == 0)
		c->vault = v;
	return rc;
}

int call_throttle(struct call *c, enum throttle_class class, struct err *err) {
	c->counted = true;
	// A pool has its capacity, and no limits beside it.
	if (!c->service->throttle || c->pool)
		return 0;
	char subscription[ENC_UUID_SIZE];
	return throttle_take(c->service->throttle, c->vault_key, vault_subscription(&c->vault, subscription), class,
		&c->retry_after, err);
}

int call_throttle_key(struct call *c, bool create, struct err *err) {
	struct key_public pub = {0};
	int rc = c->service->throttle ? key_public_stored(&c->object, &pub, err) : 0;
	return rc < 0 ? rc : call_throttle(c, throttle_class_of(c->object.kty, pub.bits, create), err);
}

// Nothing is told about a request's contents to somebody who did not say who they are.
static int look(struct call *c, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(c->service->store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = find_vault(c, tx, err);
	if (rc < 0)
		return rc;
	struct err route_err = {0};
	int routed = call_route(c, &route_err);
	rc = call_authenticate(c, err);
	if (rc == 0)
		rc = call_check_network(c, tx, err);
	if (rc == 0)
		rc = check_api_version(c, err);
	if (rc == 0 && routed < 0) {
		*err = route_err;
		rc = routed;
	}
	if (rc == 0)
		rc = check_since(c, err);
	if (rc == 0)
		rc = check_body_size(c, err);
	if (rc == 0)
		rc = call_authorize(c, tx, err);
	if (rc < 0)
		return rc;
	rc = c->op->look ? c->op->look(c, tx, err) : 0;
	int limited = c->counted ? 0 : call_throttle(c, THROTTLE_TRANSACTION, err);
	return limited < 0 ? limited : rc;
}

static const char *correlation_of(const struct call *c) {
	const char *id = http_header(c->req, "x-ms-client-request-id");
	return id && strlen(id) == ENC_UUID_SIZE - 1 && enc_is_uuid(id) ? id : c->id;
}

static const char *operation_of(const struct call *c, int status) {
	if (status == 401)
		return "Authentication";
	return c->op ? c->op->audit : "Unknown";
}

// Strings of the event that have no other home.
struct event_text {
	char uri[1024], object[OBJECT_ID_MAX];
};

static struct audit_event event_of(const struct call *c, const struct err *err, struct event_text *text) {
	(void)snprintf(text->uri, sizeof(text->uri), "https://%s%s", http_host(c->req), http_target(c->req));
	text->object[0] = 0;
	// A version that could not be made is no object.
	const char *version = !err && c->object.version[0] ? c->object.version : c->version;
	if (c->op && c->op->kind && c->name && object_name_valid(c->name))
		object_id(&c->vault, c->op->kind->collection, c->name, version && object_version_valid(version) ? version : NULL,
			text->object);
	int status = err ? err->status : c->status;
	bool known = c->refusal == ENTRA_OK;
	struct audit_event e = {
		.time_ns = clock_now_ns(),
		.vault = c->vault_key,
		.resource_id = c->vault.resource_id,
		.operation = operation_of(c, status),
		.version = c->api_version,
		.status = status,
		.description = err ? err->message : NULL,
		.duration_ns = clock_monotonic_ns() - c->started,
		.address = http_peer(c->req),
		.correlation = correlation_of(c),
		.agent = http_header(c->req, "User-Agent"),
		.uri = text->uri,
		.object = text->object,
		.oid = known ? c->caller.oid : NULL,
		.appid = known ? c->caller.appid : NULL,
		.tenant = known ? c->caller.tenant : NULL,
	};
	memcpy(e.id, c->id, sizeof(e.id));
	return e;
}

// The change and the record of it become durable together or not at all. Whether the caller may is asked again: much
// can have happened since `look`, which did not hold the write lock; the vault may even be one of another tenant.
static int change(struct call *c, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(c->service->store, STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = find_vault(c, tx, err);
	if (rc == 0)
		rc = call_authenticate(c, err);
	if (rc == 0)
		rc = call_check_network(c, tx, err);
	if (rc == 0)
		rc = call_authorize(c, tx, err);
	if (rc == 0)
		rc = c->op->change(c, tx, err);
	if (rc == 0 && c->op->kind)
		rc = lifetime_schedule(tx, c->vault_key, c->op->kind, c->name, err);
	if (rc < 0)
		return rc;
	struct event_text text;
	struct audit_event e = event_of(c, NULL, &text);
	rc = audit_insert(tx, &e, err);
	return rc < 0 ? rc : store_commit(&tx, err);
}

static int run(struct call *c, struct err *err) {
	c->refusal = entra_authenticate(c->service->entra, c->req, c->pool ? pool_audiences : vault_audiences,
		&c->caller);
	int rc = look(c, err);
	if (rc == 0 && c->op->work)
		rc = c->op->work(c, err);
	if (rc == 0 && c->op->change)
		rc = change(c, err);
	if (rc < 0 && err->status == 0)
		(void)err_errno(err, rc, "request");
	return rc;
}

// The record of a request that changed nothing. A request that found no vault has no log to be written to.
static int record(struct call *c, const struct err *outcome, struct err *err) {
	if (!c->vault.name[0])
		return 0;
	struct event_text text;
	struct audit_event e = event_of(c, outcome, &text);
	return audit_writer_put(c->service->audit, &e, err);
}

void call_free(struct call *c) {
	key_request_free(&c->request);
	key_operation_free(&c->operation);
	secret_request_free(&c->secret);
	backup_free(&c->backup);
	object_free(&c->object);
	object_free(&c->exchange);
	buf_free(&c->body);
	json_decref(c->json);
}

void vault_handle(void *service, const struct http_request *req, struct http_response *res) {
	_cleanup_(call_free) struct call c = {
		.service = service, .req = req, .status = 200, .now = clock_now(), .started = clock_monotonic_ns(),
		.method = http_method(req), .pool = strv_ends_with_nocase(http_host(req), ".managedhsm.azure.net"),
	};
	struct err err = {0}, audit_err = {0};
	int rc = enc_uuid(c.id);
	rc = rc < 0 ? err_errno(&err, rc, "request id") : run(&c, &err);
	bool recorded = rc == 0 && c.op->change;
	if (!recorded && record(&c, rc < 0 ? &err : NULL, &audit_err) < 0)
		call_respond_withheld(&c, &audit_err, res);
	else
		call_respond(&c, rc < 0 ? &err : NULL, res);
}
