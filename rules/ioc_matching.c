/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "rules/ioc_pattern_match.h"

struct ioc_matching *
ioc_matching_new(void)
{
	struct ioc_matching *m = calloc(1, sizeof(*m));

	if (m == NULL || !ioc_run_init(&m->run)) {
		free(m);
		return NULL;
	}
	m->run.obs = &m->obs;
	return m;
}

void
ioc_matching_free(struct ioc_matching *m)
{
	if (m != NULL) {
		ioc_run_fini(&m->run);
		free(m);
	}
}
