// SPDX-License-Identifier: Apache-2.0
// The messages between a client and the keeper: numbers and limits. docs/protocol/keeper.md is the
// text; one message is one SOCK_SEQPACKET record, integers are big-endian.
#pragma once

#include <stdint.h>

#include "crypto/alg.h"
#include "keeper/client.h"

#define KEEPER_PROTOCOL_VERSION 1

#define KEEPER_RECORD_MAX 16384  // bytes of one message, either way
#define KEEPER_LABEL_MAX 128     // bytes of a derivation label
#define KEEPER_TEXT_MAX 512      // bytes of an error's text
#define KEEPER_DIGEST_SIZE 32
#define KEEPER_DERIVED_SIZE 32

// Connections that the keeper serves at a time, and how many of them one client takes at most.
#define KEEPER_WORKERS 16
#define KEEPER_CLIENT_CONNECTIONS 12

enum keeper_op {
	KEEPER_OP_PING = 1,
	KEEPER_OP_MAKE_RSA = 2,
	KEEPER_OP_WRAP = 3,
	KEEPER_OP_UNWRAP = 4,
	KEEPER_OP_SIGN = 5,
	KEEPER_OP_DERIVE = 6,
};

enum keeper_status {
	KEEPER_OK = 0,
	KEEPER_BAD_PARAMETER = 1,  // the algorithm refuses the input
	KEEPER_FORBIDDEN = 2,      // the key was not made for this use
	KEEPER_BAD_BLOB = 3,       // the sealed key does not open
	KEEPER_INTERNAL = 4,       // memory, entropy, the library
	KEEPER_BAD_REQUEST = 5,    // not a message of this protocol; the keeper hangs up after it
};

// Numbers of algorithms on the wire; they never change their meaning. 0 and KEY_ALG_NONE when unknown.
uint8_t keeper_wire_of_alg(enum key_alg alg);
enum key_alg keeper_alg_of_wire(uint8_t wire);
