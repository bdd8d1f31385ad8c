/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of values.  The first byte says of which type and
 * format; what loads is found again, and its JSON is one line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_read.h"
#include "rules/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok) {
		abort();
	}
}

static void
check_value(const struct dataset *set, const struct dataset_value *v)
{
	struct dataset_op op = { .cmd = DATASET_ISSET,
				 .subdomain = set->type == DATASET_STRING,
				 .set = (struct dataset *)set };
	const struct dataset_value *found;
	struct json_reader r;

	require(dataset_holds(&set->table, &op, dataset_value_bytes(v),
			      &found));
	require(found == v);
	if (v->json != NULL) {
		json_reader_init(&r);
		require(strchr(v->json, '\n') == NULL);
		require(json_read(&r, view_cstr(v->json)));
		json_reader_fini(&r);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t kind = size > 0 ? data[0] : 0;
	struct dataset set = { .name = "fuzz" };
	struct dataset_spec spec = {
		.type = (enum dataset_type)(DATASET_STRING + kind % 5),
		.format = (enum dataset_format)(kind / 5 % 3),
		.value_key = kind & 64 ? VIEW_LIT("a.v") : VIEW_LIT("v"),
		.array_key = kind & 128 ? VIEW_LIT("x.y") : VIEW_NONE,
		.remove_key = kind % 2 != 0,
	};
	struct diag d = { "" };
	enum err e;

	set.type = spec.type;
	set.format = spec.format;
	require(dataset_table_init(&set.table, 1 << 20) == ERR_OK);
	e = dataset_read(&set, &spec, view_sub(view_of(data, size), 1, size),
			 "fuzz", &d);
	require(e == ERR_OK || d.msg[0] != '\0');
	for (uint32_t i = 0; i < set.table.n; i++) {
		check_value(&set, &set.table.v[i]);
	}
	dataset_table_fini(&set.table);
	return 0;
}
