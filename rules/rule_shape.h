/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_shape.h - what a draft's lists together say of the rule
 *
 * Internal: included by rule_kind.h and rule_compile.c only.
 *
 * Refuses what only the whole rule shows: buffers of both directions or of two
 * protocols, a header and keywords that exclude each other.
 *
 * Place    above rule_draft; below rule_kind and rule_compile.
 * Threads  one thread, while rules load.
 * Memory   the draft's.
 * Cost     cold.
 */
#ifndef RULES_RULE_SHAPE_H
#define RULES_RULE_SHAPE_H

#include "rules/rule_draft.h"

struct rule_shape {
	bool payload, packet_bufs, addrs, tx;
	bool only_server, only_client; /* buffers of one direction alone */
	const char *server_word, *client_word;
	uint8_t app;
	uint8_t halves; /* of a "=>" rule: directions asked for */
};

/*
 * Puts lists of one buffer together, then fills '*s' (zeroed by the caller)
 * and narrows the directions and protocols of r->prog.
 */
enum err rule_shape_check(struct rule_draft *r,
			  struct rule_shape *s) MUST_CHECK;

/* The directions in which a list's buffer is looked at. */
uint8_t rule_shape_dirs(const struct draft_list *l);
/* Whether list 'i' asks for anything; sticky buffers merged away do not. */
bool rule_shape_asks(const struct rule_draft *r, uint8_t i);

#endif
