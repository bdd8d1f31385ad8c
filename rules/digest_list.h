/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_list.h - a list of file digests from a text, to be looked up
 *
 * One digest in hexadecimal a line; what follows it behind white space (a file
 * name, as md5sum writes it) is ignored, as are empty lines and comments (#).
 *
 * Place    above base.h and err.h; below rule_prog.
 * Threads  built by one thread, then read only.
 * Memory   the heap, freed with the ruleset.
 * Cost     digest_list_has() is a binary search.
 */
#ifndef RULES_DIGEST_LIST_H
#define RULES_DIGEST_LIST_H

#include "common/err.h"

#define DIGEST_LIST_MAX_BYTES ((size_t)256 << 20) /* of the text */

struct digest_list {
	struct digest_list *next; /* of all that a ruleset read */
	char *path;
	uint8_t *sums; /* sorted */
	uint32_t n;
	uint8_t size; /* of one: 16, 20 or 32 */
};

/*
 * Reads the file 'path' of digests of 'size' bytes; on the heap, NULL with
 * diag ("FILE:LINE: what") when it cannot be read or a line is none.
 */
struct digest_list *digest_list_read(const char *path, size_t size,
				     struct diag *d) MUST_CHECK;
void digest_list_free(struct digest_list *l); /* and all behind it */
bool digest_list_has(const struct digest_list *l, const uint8_t *sum);

#endif
