/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_magic.h - what kind of file these bytes begin, in libmagic's words
 *
 * Place    above base.h; below file.
 * Threads  one handle per worker.
 * Memory   libmagic's tables, loaded when first asked.
 * Cost     up to milliseconds a file: only where a rule or a setting asks.
 */
#ifndef SENSOR_FILE_MAGIC_H
#define SENSOR_FILE_MAGIC_H

#include "common/base.h"

struct file_magic;

struct file_magic *file_magic_new(void); /* NULL: out of memory */
void file_magic_free(struct file_magic *m);
/* Valid until the next call; NULL when libmagic cannot say. */
const char *file_magic_of(struct file_magic *m, struct view front);

#endif
