// SPDX-License-Identifier: Apache-2.0
#include "entra/certificate.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

static void x509_free(X509 **x) {
	X509_free(*x);
}

static void bn_free(BIGNUM **n) {
	BN_free(*n);
}

void certificate_free(struct certificate *c) {
	key_unref(c->key);
	c->key = NULL;
}

static int refuse(struct err *err, const char *why) {
	ERR_clear_error();
	return err_set(err, -EINVAL, 400, "BadRequest", "The certificate is not valid: %s.", why);
}

static bool read_number(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t size, size_t *len) {
	_cleanup_(bn_free) BIGNUM *n = NULL;
	if (EVP_PKEY_get_bn_param(pkey, name, &n) != 1 || BN_num_bytes(n) <= 0 || (size_t)BN_num_bytes(n) > size)
		return false;
	*len = (size_t)BN_bn2bin(n, out);
	return true;
}

// 0 and no key for one of another kind.
static int read_key(EVP_PKEY *pkey, struct key **out, struct err *err) {
	struct key_public pub = {.kind = KEY_KIND_RSA};
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA ||
		!read_number(pkey, OSSL_PKEY_PARAM_RSA_N, pub.n, sizeof(pub.n), &pub.n_len) ||
		!read_number(pkey, OSSL_PKEY_PARAM_RSA_E, pub.e, sizeof(pub.e), &pub.e_len))
		return 0;
	pub.bits = (unsigned)EVP_PKEY_get_bits(pkey);
	int rc = key_from_public(&pub, out, NULL);
	return rc == -EINVAL || rc == 0 ? 0 : err_errno(err, rc, "cannot load a key");
}

static bool read_time(const ASN1_TIME *t, int64_t *out) {
	struct tm tm;
	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = (int64_t)timegm(&tm);
	return true;
}

int certificate_read(const void *der, size_t len, struct certificate *out, struct err *err) {
	const unsigned char *p = der;
	struct certificate c = {0};
	if (len == 0 || len > CERTIFICATE_MAX)
		return refuse(err, "it is empty or too long");
	_cleanup_(x509_free) X509 *x = d2i_X509(NULL, &p, (long)len);
	if (!x || p != (const unsigned char *)der + len)
		return refuse(err, "it is not the DER form of an X.509 certificate");
	EVP_PKEY *pkey = X509_get0_pubkey(x);
	if (!pkey)
		return refuse(err, "its public key cannot be read");
	unsigned sha1 = sizeof(c.sha1), sha256 = sizeof(c.sha256);
	if (!read_time(X509_get0_notBefore(x), &c.not_before) || !read_time(X509_get0_notAfter(x), &c.not_after))
		return refuse(err, "its dates cannot be read");
	if (X509_digest(x, EVP_sha1(), c.sha1, &sha1) != 1 || X509_digest(x, EVP_sha256(), c.sha256, &sha256) != 1)
		return err_errno(err, -EIO, "cannot hash a certificate");
	int rc = read_key(pkey, &c.key, err);
	if (rc == 0)
		*out = c;
	return rc;
}
