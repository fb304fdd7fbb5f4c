// SPDX-License-Identifier: Apache-2.0
#include "net/cert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum {
	DAYS_MAX = 36500,
	SERIAL_BITS = 127,
	BACKDATED_SECONDS = 3600,  // clocks of clients may be behind
};

#define DEFINE_CLEANUP(type, free)                  \
	static inline void cleanup_##type(type **p) { \
		free(*p);                             \
	}
DEFINE_CLEANUP(X509, X509_free)
DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(BIO, BIO_free_all)
DEFINE_CLEANUP(BIGNUM, BN_free)
DEFINE_CLEANUP(GENERAL_NAMES, GENERAL_NAMES_free)
DEFINE_CLEANUP(GENERAL_NAME, GENERAL_NAME_free)
DEFINE_CLEANUP(X509_EXTENSION, X509_EXTENSION_free)
#define _cleanup_ssl_(type) _cleanup_(cleanup_##type) type *

static int fail(struct err *err, const char *what) {
	const char *reason = ERR_reason_error_string(ERR_get_error());
	ERR_clear_error();
	return err_set(err, -EIO, 500, "InternalServerError", "cannot %s: %s", what, reason ? reason : "unknown reason");
}

static bool set_random_serial(X509 *x) {
	_cleanup_ssl_(BIGNUM) serial = BN_new();
	return serial && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x));
}

static bool set_extension(X509 *x, X509 *issuer, int nid, const char *value) {
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	_cleanup_ssl_(X509_EXTENSION) e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	return e && X509_add_ext(x, e, -1);
}

// A new certificate with everything that authority and server share, not signed yet.
static X509 *begin(const char *common_name, EVP_PKEY *key, int64_t now, unsigned days) {
	_cleanup_ssl_(X509) x = X509_new();
	if (!x || !X509_set_version(x, X509_VERSION_3) || !set_random_serial(x) ||
		!ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now - BACKDATED_SECONDS)) ||
		!ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now + (int64_t)days * CLOCK_DAY)) ||
		!X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_organizationName, MBSTRING_UTF8,
			(const unsigned char *)"custodisk", -1, -1, 0) ||
		!X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8,
			(const unsigned char *)common_name, -1, -1, 0) ||
		!X509_set_pubkey(x, key))
		return NULL;
	return TAKE_PTR(x);
}

static X509 *make_authority(EVP_PKEY *key, int64_t now, unsigned days) {
	_cleanup_ssl_(X509) x = begin("custodisk local authority", key, now, days);
	if (!x || !X509_set_issuer_name(x, X509_get_subject_name(x)) ||
		!set_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
		!set_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") ||
		!set_extension(x, x, NID_subject_key_identifier, "hash") ||
		!set_extension(x, x, NID_authority_key_identifier, "keyid:always") || !X509_sign(x, key, EVP_sha256()))
		return NULL;
	return TAKE_PTR(x);
}

static GENERAL_NAME *general_name(const char *text) {
	unsigned char address[16];
	int len = inet_pton(AF_INET, text, address) == 1 ? 4 : inet_pton(AF_INET6, text, address) == 1 ? 16 : 0;
	_cleanup_ssl_(GENERAL_NAME) name = GENERAL_NAME_new();
	ASN1_STRING *value = len ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (!name || !value || !ASN1_STRING_set(value, len ? (const void *)address : text, len ? len : -1)) {
		ASN1_STRING_free(value);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, len ? GEN_IPADD : GEN_DNS, value);
	return TAKE_PTR(name);
}

static bool set_names(X509 *x, const char *const *names) {
	_cleanup_ssl_(GENERAL_NAMES) list = GENERAL_NAMES_new();
	if (!list)
		return false;
	for (; *names; names++) {
		_cleanup_ssl_(GENERAL_NAME) name = general_name(*names);
		if (!name || !sk_GENERAL_NAME_push(list, name))
			return false;
		name = NULL;
	}
	return X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;
}

static X509 *make_server(EVP_PKEY *key, const char *const *names, X509 *authority, EVP_PKEY *authority_key, int64_t now,
	unsigned days) {
	_cleanup_ssl_(X509) x = begin("custodisk", key, now, days);
	if (!x || !X509_set_issuer_name(x, X509_get_subject_name(authority)) ||
		!set_extension(x, authority, NID_basic_constraints, "critical,CA:FALSE") ||
		!set_extension(x, authority, NID_key_usage, "critical,digitalSignature") ||
		!set_extension(x, authority, NID_ext_key_usage, "serverAuth") ||
		!set_extension(x, authority, NID_subject_key_identifier, "hash") ||
		!set_extension(x, authority, NID_authority_key_identifier, "keyid:always") || !set_names(x, names) ||
		!X509_sign(x, authority_key, EVP_sha256()))
		return NULL;
	return TAKE_PTR(x);
}

static int append_bio(BIO *bio, struct buf *out, struct err *err) {
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	int rc = buf_append(out, data, (size_t)len);
	return rc < 0 ? err_errno(err, rc, "cannot keep a PEM text") : 0;
}

static int certificate_text(X509 *x, struct buf *out, struct err *err) {
	_cleanup_ssl_(BIO) bio = BIO_new(BIO_s_mem());
	if (!bio || !PEM_write_bio_X509(bio, x))
		return fail(err, "write a certificate");
	return append_bio(bio, out, err);
}

static int key_text(EVP_PKEY *key, struct buf *out, struct err *err) {
	_cleanup_ssl_(BIO) bio = BIO_new(BIO_s_secmem());
	if (!bio || !PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return fail(err, "write a private key");
	return append_bio(bio, out, err);
}

static void move(struct buf *to, struct buf *from) {
	buf_free(to);
	*to = *from;
	*from = (struct buf){0};
}

int cert_issue(const char *const *names, int64_t now, unsigned days, struct buf *ca_pem, struct buf *cert_pem,
	struct buf *key_pem, struct err *err) {
	if (!names[0] || days == 0 || days > DAYS_MAX)
		return err_set(err, -EINVAL, 500, "InternalServerError", "a certificate needs a name and 1 to %d days",
			DAYS_MAX);
	_cleanup_ssl_(EVP_PKEY) authority_key = EVP_EC_gen("P-256");
	_cleanup_ssl_(EVP_PKEY) key = EVP_EC_gen("P-256");
	if (!authority_key || !key)
		return fail(err, "make a P-256 key");
	_cleanup_ssl_(X509) authority = make_authority(authority_key, now, days);
	if (!authority)
		return fail(err, "make the authority's certificate");
	_cleanup_ssl_(X509) server = make_server(key, names, authority, authority_key, now, days);
	if (!server)
		return fail(err, "make the server's certificate");
	_cleanup_buf_ struct buf ca = {0}, cert = {0}, private = {0};
	int rc = certificate_text(authority, &ca, err);
	if (rc == 0)
		rc = certificate_text(server, &cert, err);
	if (rc == 0)
		rc = key_text(key, &private, err);
	if (rc < 0)
		return rc;
	move(ca_pem, &ca);
	move(cert_pem, &cert);
	move(key_pem, &private);
	return 0;
}

int cert_not_after(const char *pem, size_t len, int64_t *out, struct err *err) {
	_cleanup_ssl_(BIO) bio = len <= INT32_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	_cleanup_ssl_(X509) x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	struct tm tm;
	if (!x || !ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm)) {
		(void)fail(err, "read a certificate");
		return -EINVAL;
	}
	*out = timegm(&tm);
	return 0;
}
