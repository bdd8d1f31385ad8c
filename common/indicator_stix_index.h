/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_stix_index.h - what a STIX bundle says before its indicators can
 * be understood: markings, who is who, and the last version of each indicator
 *
 * All of it may stand behind the indicators that refer to it, so a bundle is
 * read twice.
 *
 * Place    below indicator_stix.c and the collector's stix_in; nobody else
 *          includes it.
 * Threads  one reading, one thread.
 * Memory   about 16 bytes an indicator; markings and names are bounded.
 * Cost     cold.
 */
#ifndef COMMON_INDICATOR_STIX_INDEX_H
#define COMMON_INDICATOR_STIX_INDEX_H

#include "common/id_map.h"
#include "common/indicator_reading.h"

#define STIX_MAX_INDICATORS (UINT64_C(4) << 20)
#define STIX_MAX_VERSIONED (UINT64_C(1) << 20)
#define STIX_MAX_MARKINGS 4096
#define STIX_MAX_NAMES 65536
#define STIX_NAME_CAP 256

/* What one marking-definition means. */
struct stix_mark {
	bool restricts; /* false: a statement, which asks for nothing here */
	struct marking mark;
};

struct stix_index {
	struct id_map seen; /* a set of indicators' ids */
	struct id_map versions; /* of ids seen twice; see stix_index_newest() */
	struct id_map mark_at, name_at;
	struct stix_mark *marks;
	char (*names)[STIX_NAME_CAP];
	size_t n_marks, cap_marks, n_names, cap_names;
};

/* Reads the objects of the array that 'doc' stands before. */
enum err stix_index_build(struct stix_index *x,
			  struct indicator_doc *doc) MUST_CHECK;
void stix_index_fini(struct stix_index *x);

/*
 * Whether this version of 'id' is the one that counts: the last modified (STIX
 * 2.1, 3.6), and of equal ones the first that is asked for.
 */
bool stix_index_newest(struct stix_index *x, struct view id,
		       uint64_t modified_us);
/* NULL: no such marking, or none that is understood. */
const struct stix_mark *stix_index_mark(const struct stix_index *x,
					struct view id);
/* "": the identity is not in the bundle. */
const char *stix_index_name(const struct stix_index *x, struct view id);

/*
 * Joins the releasability that 'o' itself states ("x_picket_releasable_to") to
 * 'm'; '*stated' says whether it does.  False: it is no list of names, and 'm'
 * is for nobody.
 */
bool stix_releasable(const struct indicator_doc *doc,
		     const struct json_value *o, struct marking *m,
		     bool *stated) MUST_CHECK;

#endif
