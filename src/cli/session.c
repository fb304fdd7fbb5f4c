// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "cli/lock.h"

void session_close(struct session *s) {
	free(s->data_dir);
	free(s->socket_path);
	free(s->ca_file);
	*s = (struct session){0};
}

static bool inside_run(void) {
	const char *value = getenv("CUSTODISK_RUN");
	return value && strcmp(value, "1") == 0;
}

// *out stays NULL when there is no instance to ask.
static int find_instance(const char *option, char **out, struct err *err) {
	_cleanup_free_ char *data_dir = NULL;
	const char *env = getenv("CUSTODISK_DATA_DIR");
	bool named = option || (env && env[0]);
	int rc = datadir_find(option, &data_dir, err);
	if (rc < 0)
		return named ? rc : 0;
	if (!named && !datadir_has(data_dir, "bootstrap.json"))
		return 0;
	struct lock_holder holder;
	rc = lock_find(data_dir, &holder, err);
	if (rc < 0)
		return rc;
	if (!holder.held)
		return err_set(err, -ECONNREFUSED, 503, "ServiceUnavailable",
			"custodisk is not running on %s; start it with `custodisk up`%s", data_dir,
			named ? "" : ", or give --azure for the real Azure");
	*out = TAKE_PTR(data_dir);
	return 0;
}

int session_open(const char *data_dir_option, bool azure, struct session *out, struct err *err) {
	_cleanup_session_ struct session s = {0};
	bool by_name = azure || (inside_run() && !data_dir_option);
	int rc = by_name ? 0 : find_instance(data_dir_option, &s.data_dir, err);
	if (rc < 0)
		return rc;
	if (s.data_dir) {
		s.socket_path = datadir_file(s.data_dir, "run/https.sock");
		s.ca_file = datadir_file(s.data_dir, "ca.pem");
		if (!s.socket_path || !s.ca_file)
			return err_oom(err);
	}
	*out = s;
	s = (struct session){0};
	return 0;
}

struct http_route session_route(const struct session *s) {
	return (struct http_route){.https_socket = s->socket_path, .ca_file = s->data_dir ? s->ca_file : getenv("SSL_CERT_FILE")};
}

static int take_variable(const char *name, char *out, size_t size, struct err *err) {
	const char *value = getenv(name);
	if (!value || !value[0])
		return err_set(err, -ENOENT, 401, "InvalidClient", "%s is not set; the AZURE_* variables name the principal to use",
			name);
	int rc = strv_copy(out, size, value);
	return rc < 0 ? err_set(err, rc, 401, "InvalidClient", "%s is too long", name) : 0;
}

int session_principal(const struct session *s, struct bootstrap *out, struct err *err) {
	_cleanup_bootstrap_ struct bootstrap b = {0};
	const char *client = getenv("AZURE_CLIENT_ID"), *subscription = getenv("AZURE_SUBSCRIPTION_ID");
	if (s->data_dir && !(client && client[0]))
		return bootstrap_read(s->data_dir, out, err);
	int rc = take_variable("AZURE_TENANT_ID", b.tenant, sizeof(b.tenant), err);
	if (rc == 0)
		rc = take_variable("AZURE_CLIENT_ID", b.client_id, sizeof(b.client_id), err);
	if (rc == 0)
		rc = take_variable("AZURE_CLIENT_SECRET", b.client_secret, sizeof(b.client_secret), err);
	if (rc == 0 && subscription)
		rc = take_variable("AZURE_SUBSCRIPTION_ID", b.subscription, sizeof(b.subscription), err);
	if (rc == 0)
		*out = b;
	return rc;
}
