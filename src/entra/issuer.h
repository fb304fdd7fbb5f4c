// SPDX-License-Identifier: Apache-2.0
// Signing keys of outside issuers of OpenID Connect tokens (OpenID Connect Discovery 1.0): fetched over HTTPS, and kept.
// Only issuers that a federated credential names are ever asked. Safe to use from many threads.
#pragma once

#include "base/enc.h"
#include "base/err.h"
#include "crypto/key.h"

#define ISSUER_MAX 600            // bytes of an issuer's URL
#define ISSUER_DOCUMENT_MAX 262144  // bytes of one of its documents
#define ISSUER_TIMEOUT_MS 5000      // for one of them
#define ISSUER_KEYS_MAX 64
#define ISSUERS_MAX 32

struct issuers;

int issuers_new(struct issuers **out, struct err *err) _must_check_;
void issuers_free(struct issuers *s);

// A PEM file of authorities, which need not be there, whose servers may be at private addresses. The system's are trusted
// for public addresses alone: who may make a federated credential shall not make this process ask its neighbours.
int issuers_trust(struct issuers *s, const char *ca_file, struct err *err) _must_check_;

// The key that the issuer calls `kid`, a reference for the caller. -ENOENT when it has no such key; other errors, with the
// reason in err, when it could not be asked. For `tenant` two issuers are asked at a time, and what is kept for it makes way
// first when it is most: its issuers may be slow, or many, at no cost to the others.
int issuers_key(struct issuers *s, const char *tenant, const char *issuer, const char *kid, struct key **out, struct err *err)
	_must_check_;
