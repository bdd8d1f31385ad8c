/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter_path.h"

#if defined(__x86_64__)

static bool
has_avx512(void)
{
	return __builtin_cpu_supports("avx512vbmi") &&
	       __builtin_cpu_supports("avx512vbmi2") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512cd") &&
	       __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("gfni") && __builtin_cpu_supports("bmi2");
}

static bool
has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

static bool
has_ssse3(void)
{
	return __builtin_cpu_supports("ssse3");
}

#endif

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
	{ &prefilter_avx512, has_avx512 },
	{ &prefilter_avx2, has_avx2 },
	{ &prefilter_ssse3, has_ssse3 },
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
