/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter_path.h"

#include "common/cpu.h"

static bool
always(void)
{
	return true;
}

/* Best first. */
static const struct {
	const struct prefilter_path *path;
	bool (*there)(void);
} paths[] = {
#if defined(__x86_64__)
	{ &prefilter_avx512, cpu_has_avx512vbmi2 },
	{ &prefilter_avx2, cpu_has_avx2 },
	{ &prefilter_ssse3, cpu_has_ssse3 },
#elif defined(__aarch64__)
	{ &prefilter_neon, always },
#endif
	{ &prefilter_portable, always },
};

static const struct prefilter_path *forced;

const struct prefilter_path *
prefilter_path(void)
{
	size_t i = 0;

	if (forced != NULL) {
		return forced;
	}
	while (!paths[i].there()) {
		i++;
	}
	return paths[i].path;
}

const char *
prefilter_path_name(unsigned i)
{
	for (size_t k = 0; k < ARRAY_LEN(paths); k++) {
		if (paths[k].there() && i-- == 0) {
			return paths[k].path->name;
		}
	}
	return NULL;
}

bool
prefilter_force_path(const char *name)
{
	forced = NULL;
	for (size_t k = 0; name != NULL && k < ARRAY_LEN(paths); k++) {
		if (strcmp(paths[k].path->name, name) == 0 &&
		    paths[k].there()) {
			forced = paths[k].path;
		}
	}
	return name == NULL || forced != NULL;
}
