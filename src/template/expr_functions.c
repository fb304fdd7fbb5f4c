// SPDX-License-Identifier: Apache-2.0
// The list of functions that only compute ("ARM template functions", Microsoft Learn).
#include "base/strv.h"
#include "template/expr_internal.h"

static const struct function *const lists[] = {array_functions, cidr_functions, comparison_functions, date_functions,
	encoding_functions, format_functions, hash_functions, lambda_functions, logical_functions, number_functions,
	object_functions, string_functions};

const struct function *function_find(const char *name) {
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const struct function *f = lists[i]; f->name; f++)
			if (strv_eq_nocase(f->name, name))
				return f;
	return NULL;
}

bool expr_is_function(const char *name) {
	return function_find(name) != NULL;
}
