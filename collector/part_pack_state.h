/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_pack_state.h - the bytes that packer and reader agree on
 *
 * Internal: included by part_pack.c and part_unpack.c only.
 *
 * Place    with part_pack.
 * Threads  pure.
 * Memory   none.
 * Cost     none.
 */
#ifndef COLLECTOR_PART_PACK_STATE_H
#define COLLECTOR_PART_PACK_STATE_H

#include "collector/part_pack.h"

/* What stands before each piece. */
enum part_piece {
	PIECE_NAME = 1,
	PIECE_SUBJECT = 2,
	PIECE_ALERT = 3,
	PIECE_ANCHOR = 4,
	PIECE_CONTACTS = 5,
};

enum {
	SUBJECT_ADDRS = 1,
	SUBJECT_INDICATOR = 2,
	SUBJECT_WARNING = 4, /* a warning of ours armed the indicator */
	SUBJECT_SUBDOMAINS = 8,
	SUBJECT_FLAGS = 15,
};

enum {
	SIGHT_CLIENT = 1, /* initial sequence numbers */
	SIGHT_SERVER = 2,
	SIGHT_CONTENT = 4,
	SIGHT_IP_ID = 8,
	SIGHT_PAST = 16,
	SIGHT_HOSTS = 32, /* of the past */
	SIGHT_FLAGS = 63,
};

/* The texts of a subject, in the order in which they are written. */
static inline unsigned
part_pack_texts(struct alert *a, struct view *out[PART_PACK_TEXTS])
{
	struct view *const all[] = {
		&a->owner,           &a->exercise,
		&a->proto,           &a->http_host,
		&a->dns_rrname,      &a->tls_sni,
		&a->tls_fingerprint, &a->tls_ja3,
		&a->indicator.value, &a->indicator.id,
		&a->indicator.type,  &a->tlp,
		&a->rule_tlp,        &a->releasable_to,
		&a->signature, /* of an exercise's alone */
	};

	STATIC_ASSERT(ARRAY_LEN(all) <= PART_PACK_TEXTS, "room for all");
	memcpy(out, all, sizeof(all));
	return ARRAY_LEN(all);
}

/* The most bytes of one of the texts of 'a'. */
static inline size_t
part_pack_most(const struct view *text, const struct alert *a)
{
	return text == &a->indicator.value ? PART_PACK_VALUE : PART_PACK_TEXT;
}

/* Differences go up and down: the sign becomes the lowest bit. */
static inline uint64_t
part_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t
part_unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

#endif
