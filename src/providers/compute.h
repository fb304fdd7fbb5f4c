// SPDX-License-Identifier: Apache-2.0
// What the types of Microsoft.Compute know of each other.
#pragma once

#include <errno.h>

#include "arm/type.h"

#define DISK_TYPE "Microsoft.Compute/disks"
#define SET_TYPE "Microsoft.Compute/diskEncryptionSets"
#define MACHINE_TYPE "Microsoft.Compute/virtualMachines"

// Limits; of disks and machines an instance's, as a hypervisor takes all of them at once.
enum { COMPUTE_DISKS_MAX = 2048, COMPUTE_MACHINES_MAX = 512, COMPUTE_DATA_DISKS_MAX = 16, COMPUTE_SIZE_GB_MAX = 32767 };

// Refuse in the compute provider's words: 400 InvalidParameter (-EINVAL), 409 OperationNotAllowed (-EBUSY).
#define compute_invalid(err, ...) err_set(err, -EINVAL, 400, "InvalidParameter", __VA_ARGS__)
#define compute_not_allowed(err, ...) err_set(err, -EBUSY, 409, "OperationNotAllowed", __VA_ARGS__)

// 409 OperationNotAllowed when there are `most` resources of a type already: a hypervisor takes all of them at once.
int compute_check_quota(struct arm_call *call, const char *type, int64_t most, struct err *err) _must_check_;

// The id of the disk encryption set of a disk, wherever its kind puts it, or NULL.
const char *compute_disk_set(const struct resource *disk);
// The key its token holds as last reported, or NULL; and the key it shall hold.
const char *compute_disk_current_key(const struct resource *disk);

// Is the type a confidential one (securityType of a disk begins with "ConfidentialVM")?
bool compute_disk_confidential(const struct resource *disk);

// The virtual machine that owns the disk, loaded; -ENOENT when nobody does.
int compute_disk_owner(struct store_tx *tx, const struct resource *disk, struct resource *machine, struct err *err)
	_must_check_;

// "deallocated" when nothing of the machine is left on a hypervisor: its disks are closed.
bool compute_machine_deallocated(const struct resource *machine);

// The client id of the identity that a set asks for keys with; -ENOENT (403 KeyVaultAccessTokenCannotBeAcquired)
// when it has none any more.
int compute_set_identity(struct store_tx *tx, const struct resource *set, char client_id[static ENC_UUID_SIZE],
	struct err *err) _must_check_;
