/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xform_inflate.h - inflates one buffer for a rule
 *
 * Place    above base.h; below rule_xform.
 * Threads  one inflater per matcher.
 * Memory   all that zlib asks for is reserved by inflater_new().
 * Cost     linear in input and output; the caller bounds the output.
 */
#ifndef RULES_XFORM_INFLATE_H
#define RULES_XFORM_INFLATE_H

#include "common/base.h"

enum inflate_format { INFLATE_GZIP, INFLATE_ZLIB }; /* RFC 1952, RFC 1950 */

struct inflater;

struct inflater *inflater_new(void); /* NULL when out of memory */
void inflater_free(struct inflater *f);

/*
 * Inflates 'in' into 'out' until its end, the first broken byte, or 'cap'.
 * Returns the bytes written: what came before damage still counts.
 */
size_t inflater_run(struct inflater *f, enum inflate_format format,
		    struct view in, uint8_t *out, size_t cap);

#endif
