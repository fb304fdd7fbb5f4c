// SPDX-License-Identifier: Apache-2.0
// Azure's public regions, as `az account list-locations` shows them.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arm_location {
	const char *name, *display_name;
	const char *geography, *group;      // "Switzerland", "Europe"
	const char *place;
	const char *longitude, *latitude;   // degrees, as text
	const char *paired;                 // name of the region that backs it up, or NULL
	bool recommended;
};

const struct arm_location *arm_locations(size_t *count);

// By name ("westeurope"), in any case; NULL when there is none.
const struct arm_location *arm_location_find(const char *name);
