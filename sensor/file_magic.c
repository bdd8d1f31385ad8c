/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_magic.h"

#include <stdlib.h>

#include <magic.h>

struct file_magic {
	magic_t handle;
	bool failed;
};

struct file_magic *
file_magic_new(void)
{
	return calloc(1, sizeof(struct file_magic));
}

void
file_magic_free(struct file_magic *m)
{
	if (m != NULL) {
		if (m->handle != NULL) {
			magic_close(m->handle);
		}
		free(m);
	}
}

static bool
load(struct file_magic *m)
{
	m->failed = true;
	m->handle = magic_open(MAGIC_NONE);
	if (m->handle == NULL || magic_load(m->handle, NULL) != 0) {
		return false;
	}
	m->failed = false;
	return true;
}

const char *
file_magic_of(struct file_magic *m, struct view front)
{
	if (m->failed || (m->handle == NULL && !load(m))) {
		return NULL;
	}
	return magic_buffer(m->handle, front.p, front.len);
}
