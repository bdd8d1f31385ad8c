/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header_index.h - which rules' headers fit the ends of this packet?
 *
 * Protocol, version, addresses and ports stay the same for a direction of a
 * flow.  Each is a class with one row of bits, and the programs whose header
 * fits are the rows' common bits.  The rows never say less than is true: the
 * verifier still asks the header itself, so that what cannot be told by rows
 * (rules both ways, lists of addresses by the thousand) is simply in them.
 *
 * Place    above range_classes.h and rule_prog.h; below rule_group.
 * Threads  built by one thread, then read only.
 * Memory   heap; a few hundred rows of a bit per program.
 * Cost     a row is read a word at a time, only where there are candidates.
 */
#ifndef RULES_HEADER_INDEX_H
#define RULES_HEADER_INDEX_H

#include "rules/range_classes.h"
#include "rules/rule_prog.h"

#define HEADER_KINDS 6 /* bits of enum prog_proto */

struct header_index {
	uint32_t n_words; /* of a row */
	struct range_classes src, dst, sport, dport;
	uint16_t *sport_class, *dport_class; /* by port */
	uint64_t *rows; /* all those below */
	uint64_t *proto[HEADER_KINDS];
	uint64_t *version[3]; /* 0: not IP */
	uint64_t *flowless; /* may match packets without a flow */
	/* What may change while a flow lasts: of packets, and of the stream,
	 * where programs that wait for the end of a chunk are in all rows. */
	uint64_t *app[2][APP_PROTO_COUNT];
	uint64_t *established[2][2];
	/* Programs on the payload of packets whose payload is in the stream,
	 * and on the stream. */
	uint64_t *role[2];
};

enum err header_index_build(struct header_index *h,
			    const struct rule_prog *const *progs,
			    uint32_t n) MUST_CHECK;
void header_index_fini(struct header_index *h);
size_t header_index_memory(const struct header_index *h); /* bytes */

/* Whether a program about 'p' looks at a flow that is 'app'. */
bool header_app_covers(const struct rule_prog *p, enum app_proto app);

#endif
