// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/io.h"
#include "net/cert.h"

static const char *const names[] = {"management.azure.com", "*.vault.azure.net", "169.254.169.254", "::1", NULL};

struct fixture {
	int64_t now;
	struct buf ca, cert, key;
	X509 *ca_x, *cert_x;
};

static X509 *parse(const struct buf *pem) {
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return x;
}

static int set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = {0};
	if (!f)
		return -1;
	f->now = clock_now();
	*state = f;
	int rc = cert_issue(names, f->now, 30, &f->ca, &f->cert, &f->key, &err);
	if (rc < 0)
		return rc;
	f->ca_x = parse(&f->ca);
	f->cert_x = parse(&f->cert);
	return f->ca_x && f->cert_x ? 0 : -1;
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	X509_free(f->ca_x);
	X509_free(f->cert_x);
	buf_free(&f->ca);
	buf_free(&f->cert);
	buf_free(&f->key);
	free(f);
	return 0;
}

static void test_authority_signs_the_server(void **state) {
	struct fixture *f = *state;
	EVP_PKEY *ca_key = X509_get0_pubkey(f->ca_x), *key = X509_get0_pubkey(f->cert_x);
	assert_int_equal(X509_verify(f->ca_x, ca_key), 1);
	assert_int_equal(X509_verify(f->cert_x, ca_key), 1);
	assert_int_not_equal(X509_verify(f->cert_x, key), 1);
	assert_int_equal(EVP_PKEY_get_bits(ca_key), 256);
	BIO *bio = BIO_new_mem_buf(f->key.data, (int)f->key.len);
	EVP_PKEY *private = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(private);
	assert_int_equal(EVP_PKEY_eq(private, key), 1);
	// The authority's own key is nowhere.
	assert_int_not_equal(EVP_PKEY_eq(private, ca_key), 1);
	EVP_PKEY_free(private);
	assert_null(strstr(buf_cstr(&f->ca), "PRIVATE"));
	assert_null(strstr(buf_cstr(&f->cert), "PRIVATE"));
}

static void test_what_each_may_do(void **state) {
	struct fixture *f = *state;
	assert_int_equal(X509_check_ca(f->ca_x), 1);
	assert_int_equal(X509_get_pathlen(f->ca_x), 0);
	assert_int_equal(X509_get_key_usage(f->ca_x), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_check_ca(f->cert_x), 0);
	assert_int_equal(X509_get_key_usage(f->cert_x), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(f->cert_x), XKU_SSL_SERVER);
	assert_non_null(X509_get0_subject_key_id(f->cert_x));
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(f->cert_x), X509_get0_subject_key_id(f->ca_x)), 0);
	assert_int_equal(X509_get_version(f->cert_x), X509_VERSION_3);
	static const int critical[] = {NID_basic_constraints, NID_key_usage};
	for (size_t i = 0; i < ARRAY_SIZE(critical); i++) {
		assert_true(X509_EXTENSION_get_critical(X509_get_ext(f->ca_x, X509_get_ext_by_NID(f->ca_x, critical[i], -1))));
		assert_true(X509_EXTENSION_get_critical(X509_get_ext(f->cert_x, X509_get_ext_by_NID(f->cert_x, critical[i], -1))));
	}
}

static void test_names(void **state) {
	struct fixture *f = *state;
	assert_int_equal(X509_check_host(f->cert_x, "management.azure.com", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(f->cert_x, "any.vault.azure.net", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(f->cert_x, "a.b.vault.azure.net", 0, 0, NULL), 0);
	assert_int_equal(X509_check_host(f->cert_x, "vault.azure.net", 0, 0, NULL), 0);
	assert_int_equal(X509_check_host(f->cert_x, "example.org", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(f->cert_x, "169.254.169.254", 0), 1);
	assert_int_equal(X509_check_ip_asc(f->cert_x, "::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(f->cert_x, "127.0.0.1", 0), 0);
}

static void test_validity_follows_now(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	time_t before = (time_t)f->now - 3601, from = (time_t)f->now - 3599, now = (time_t)f->now;
	assert_int_equal(X509_cmp_time(X509_get0_notBefore(f->cert_x), &before), 1);
	assert_int_equal(X509_cmp_time(X509_get0_notBefore(f->cert_x), &from), -1);
	assert_int_equal(X509_cmp_time(X509_get0_notAfter(f->cert_x), &now), 1);
	int64_t end = 0;
	assert_int_equal(cert_not_after(buf_cstr(&f->cert), f->cert.len, &end, &err), 0);
	assert_int_equal(end, f->now + 30 * 86400);
	assert_int_equal(cert_not_after(buf_cstr(&f->ca), f->ca.len, &end, &err), 0);
	assert_int_equal(end, f->now + 30 * 86400);

	// Far from today, beyond what a UTCTime can say.
	_cleanup_buf_ struct buf ca = {0}, cert = {0}, key = {0};
	assert_int_equal(cert_issue(names, 4102444800, 10, &ca, &cert, &key, &err), 0);
	assert_int_equal(cert_not_after(buf_cstr(&cert), cert.len, &end, &err), 0);
	assert_int_equal(end, 4102444800 + 10 * 86400);
}

static void test_every_issue_is_new(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_buf_ struct buf ca = {0}, cert = {0}, key = {0};
	assert_int_equal(cert_issue(names, f->now, 30, &ca, &cert, &key, &err), 0);
	X509 *other = parse(&ca);
	assert_non_null(other);
	assert_int_not_equal(X509_verify(f->cert_x, X509_get0_pubkey(other)), 1);
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(other), X509_get0_serialNumber(f->ca_x)), 0);
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(f->cert_x), X509_get0_serialNumber(f->ca_x)), 0);
	X509_free(other);
}

static void test_bad_input_is_refused(void **state _unused_) {
	struct err err = {0};
	_cleanup_buf_ struct buf ca = {0}, cert = {0}, key = {0};
	const char *const none[] = {NULL};
	assert_int_equal(cert_issue(none, 0, 30, &ca, &cert, &key, &err), -EINVAL);
	assert_int_equal(cert_issue(names, 0, 0, &ca, &cert, &key, &err), -EINVAL);
	assert_int_equal(cert_issue(names, 0, 36501, &ca, &cert, &key, &err), -EINVAL);
	assert_null(ca.data);
	assert_null(key.data);
	int64_t end = 7;
	assert_int_equal(cert_not_after("nonsense", 8, &end, &err), -EINVAL);
	assert_int_equal(cert_not_after("", 0, &end, &err), -EINVAL);
	assert_int_equal(end, 7);
}

static void test_openssl_accepts_the_chain(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	char dir[] = "/tmp/test-cert-XXXXXX", ca[64], cert[64];
	assert_non_null(mkdtemp(dir));
	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	(void)snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	assert_int_equal(io_create_file(ca, f->ca.data, f->ca.len, 0600, &err), 0);
	assert_int_equal(io_create_file(cert, f->cert.data, f->cert.len, 0600, &err), 0);
	const char *const argv[] = {"openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname",
		"k.vault.azure.net", "-no-CApath", "-no-CAstore", "-CAfile", ca, cert, NULL};
	pid_t pid;
	int status = -1;
	assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(unlink(ca), 0);
	assert_int_equal(unlink(cert), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authority_signs_the_server),
		cmocka_unit_test(test_what_each_may_do),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_validity_follows_now),
		cmocka_unit_test(test_every_issue_is_new),
		cmocka_unit_test(test_bad_input_is_refused),
		cmocka_unit_test(test_openssl_accepts_the_chain),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
