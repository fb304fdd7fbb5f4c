// SPDX-License-Identifier: Apache-2.0
#include "cli/environment.h"

#include <errno.h>
#include <stdlib.h>

static const char *const proxies[] = {
	"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
	"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
};

// Other clouds, other credentials, other identity endpoints: the caller's real ones must not be tried in a rehearsal.
static const char *const other_logins[] = {
	"AZURE_AUTHORITY_HOST", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD",
	"AZURE_FEDERATED_TOKEN_FILE", "AZURE_USERNAME", "AZURE_PASSWORD", "IDENTITY_ENDPOINT", "IDENTITY_HEADER",
	"IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET",
};

static const char *const trust[] = {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"};

struct setting {
	const char *name, *value;
};

void environment_drop_proxies(void) {
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++)
		(void)unsetenv(proxies[i]);  // fails for malformed names only
}

static int set_all(const struct setting *settings, size_t count, struct err *err) {
	for (size_t i = 0; i < count; i++)
		if (setenv(settings[i].name, settings[i].value, 1) < 0)
			return err_errno(err, -errno, "cannot set %s", settings[i].name);
	return 0;
}

// Who the command is: the principal by its secret, or the managed identity by its header.
static int set_login(const struct bootstrap *principal, const char *identity_header, struct err *err) {
	const struct setting secret[] = {
		{"AZURE_CLIENT_ID", principal->client_id},
		{"AZURE_CLIENT_SECRET", principal->client_secret},
	};
	const struct setting identity[] = {
		{"IDENTITY_ENDPOINT", "http://169.254.169.254/msi/token"},
		{"IDENTITY_HEADER", identity_header},
	};
	if (!identity_header)
		return set_all(secret, ARRAY_SIZE(secret), err);
	for (size_t i = 0; i < ARRAY_SIZE(secret); i++)
		(void)unsetenv(secret[i].name);
	return set_all(identity, ARRAY_SIZE(identity), err);
}

int environment_enter(const struct bootstrap *principal, const char *identity_header, const char *data_dir,
	const char *ca_bundle, struct err *err) {
	const struct setting own[] = {
		{"AZURE_TENANT_ID", principal->tenant},
		{"AZURE_SUBSCRIPTION_ID", principal->subscription},
		{"CUSTODISK_DATA_DIR", data_dir},
		{"CUSTODISK_RUN", "1"},
	};
	environment_drop_proxies();
	for (size_t i = 0; i < ARRAY_SIZE(other_logins); i++)
		(void)unsetenv(other_logins[i]);
	int rc = set_all(own, ARRAY_SIZE(own), err);
	if (rc == 0)
		rc = set_login(principal, identity_header, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(trust); i++)
		if (setenv(trust[i], ca_bundle, 1) < 0)
			rc = err_errno(err, -errno, "cannot set %s", trust[i]);
	return rc;
}
