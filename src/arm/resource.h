// SPDX-License-Identifier: Apache-2.0
// A resource as a document in the store.
#pragma once

#include "arm/id.h"
#include "base/enc.h"
#include "base/json.h"
#include "store/store.h"

struct resource {
	char id[ARM_ID_MAX];          // lower case
	char display_id[ARM_ID_MAX];  // as it was created
	char type[ARM_NAME_MAX];      // as its provider spells it
	char subscription[64];
	char group[ARM_NAME_MAX];
	char name[ARM_NAME_MAX];
	json_t *body;    // owned: location, tags, sku, identity, properties, …, as GET shows it, less id, name and type
	json_t *hidden;  // owned: the provider's own state, never shown
	int64_t generation;  // grows when what the hypervisor shall do with it changes
	int64_t created, changed;
	char etag[ENC_UUID_SIZE];  // another one after each save; "" for what was stored before there were any
	bool stored;     // false until it was saved or loaded
};

void resource_free(struct resource *r);
#define _cleanup_resource_ _cleanup_(resource_free)

// An empty one for a target. 0 or -ENOMEM.
int resource_new(const struct arm_target *t, const char *type, struct resource *out, struct err *err) _must_check_;

// By id in any case. -ENOENT with 404 ResourceNotFound, or ResourceGroupNotFound for the id of a group.
int resource_load(struct store_tx *tx, const char *id, struct resource *out, struct err *err) _must_check_;
// A group in which something is to be made: also 409 ResourceGroupBeingDeleted (-EBUSY).
int resource_load_group(struct store_tx *tx, const char *subscription, const char *name, struct resource *out,
	struct err *err) _must_check_;

// 413 RequestEntityTooLarge (-EMSGSIZE) when what several requests put together came to more than one may bring.
#define RESOURCE_SIZE_MAX (4 << 20)  // bytes of its JSON
int resource_save(struct store_tx *tx, struct resource *r, struct err *err) _must_check_;
// With all that stands below it, resources and role assignments.
int resource_delete(struct store_tx *tx, const struct resource *r, struct err *err) _must_check_;

// Calls `each` for the resources of a type ("" for all) in a subscription ("" for all) and group ("" for all), by id.
// A negative return of `each` ends the walk and is returned. `each` may save the resource it is given.
typedef int (*resource_visitor)(void *ctx, struct store_tx *tx, struct resource *r, struct err *err);
int resource_each(struct store_tx *tx, const char *subscription, const char *group, const char *type,
	resource_visitor each, void *ctx, struct err *err) _must_check_;

// The same for at most `limit` of them behind the id `after` ("" from the beginning); *more tells whether others follow.
int resource_page(struct store_tx *tx, const char *subscription, const char *group, const char *type, const char *after,
	int64_t limit, resource_visitor each, void *ctx, bool *more, struct err *err) _must_check_;

// The same for those of a type below another resource: its parts and what extends it.
int resource_each_below(struct store_tx *tx, const char *id, const char *type, resource_visitor each, void *ctx,
	struct err *err) _must_check_;

// What GET shows: id, name, type and the body. The caller owns *out.
int resource_show(const struct resource *r, json_t **out, struct err *err) _must_check_;

// Shorthands for members of body.properties and of hidden. The setters return 0 or -ENOMEM (err filled).
json_t *resource_properties(struct resource *r);  // made when missing; NULL when out of memory
const char *resource_property(const struct resource *r, const char *path);
const char *resource_hidden(const struct resource *r, const char *path);
int resource_set_property(struct resource *r, const char *name, const char *value, struct err *err) _must_check_;
int resource_set_hidden(struct resource *r, const char *name, const char *value, struct err *err) _must_check_;
