// SPDX-License-Identifier: Apache-2.0
// The messages between a client and the keeper: numbers, limits, and how a public key lies in them.
// docs/protocol/keeper.md is the text; one message is one SOCK_SEQPACKET record, integers are big-endian.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "crypto/key.h"
#include "keeper/client.h"

#define KEEPER_PROTOCOL_VERSION 2

#define KEEPER_RECORD_MAX 49152  // bytes of one message, either way
#define KEEPER_LABEL_MAX 128     // bytes of a derivation label
#define KEEPER_TEXT_MAX 512      // bytes of an error's text
#define KEEPER_DERIVED_SIZE 32
#define KEEPER_NUMBERS 7         // of a private key: d, p, q, dp, dq, qi, k

// Connections that the keeper serves at a time, and how many of them one client takes at most.
#define KEEPER_WORKERS 16
#define KEEPER_CLIENT_CONNECTIONS 12

enum keeper_op {
	KEEPER_OP_PING = 1,
	KEEPER_OP_MAKE = 2,
	KEEPER_OP_ENCRYPT = 3,
	KEEPER_OP_DECRYPT = 4,
	KEEPER_OP_SIGN = 5,
	KEEPER_OP_DERIVE = 6,
	KEEPER_OP_VERIFY = 7,
	KEEPER_OP_IMPORT = 8,
	KEEPER_OP_IMPORT_TRANSFER = 9,
	KEEPER_OP_SEAL = 10,
	KEEPER_OP_OPEN = 11,
	KEEPER_OP_RESEAL = 12,
};

enum keeper_status {
	KEEPER_OK = 0,
	KEEPER_BAD_PARAMETER = 1,  // the algorithm or the rules of keys refuse the input
	KEEPER_FORBIDDEN = 2,      // the key was not made for this use
	KEEPER_BAD_BLOB = 3,       // the sealed key does not open
	KEEPER_INTERNAL = 4,       // memory, entropy, the library
	KEEPER_BAD_REQUEST = 5,    // not a message of this protocol; the keeper hangs up after it
};

// Numbers of algorithms, kinds and curves on the wire; they never change their meaning. 0 and …_NONE when unknown.
uint8_t keeper_wire_of_alg(enum key_alg alg);
enum key_alg keeper_alg_of_wire(uint8_t wire);
uint8_t keeper_wire_of_kind(enum key_kind kind);
enum key_kind keeper_kind_of_wire(uint8_t wire);
uint8_t keeper_wire_of_curve(enum key_curve curve);
enum key_curve keeper_curve_of_wire(uint8_t wire);

// The public half of a key. -EINVAL for one of no kind or with what is too long; false when the fields are none.
int keeper_append_public(struct buf *b, const struct key_public *pub) _must_check_;
bool keeper_read_public(struct cursor *c, struct key_public *pub) _must_check_;

// The numbers of a private key in the order of the wire.
void keeper_numbers(struct key_private *key, struct secret *numbers[static KEEPER_NUMBERS]);
