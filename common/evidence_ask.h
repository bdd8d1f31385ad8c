/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_ask.h - which kept packets somebody wants to have, and the answer
 *
 * The question is part of a control document of "kind" "evidence" (control.h):
 *
 *   "id":"7f3a...","hosts":["192.0.2.7","198.51.100.9"],"ports":[49152,443],
 *   "proto":6,"from":1795380000000000,"to":1795380060000000,"max_bytes":4194304
 *
 * 'ports' stand in the order of 'hosts'; 0, and 'proto' 0, are any.  Packets of
 * both directions are meant.  The answer is a pcapng file in EVIDENCE_CHUNK
 * bytes an entry of the stream picket:evidence:{SITE/SENSOR}: docs/formats.md.
 *
 * Place    above addr.h, json.h and json_read.h; below control.h.
 * Threads  pure.
 * Memory   caller's.
 * Cost     cold.
 */
#ifndef COMMON_EVIDENCE_ASK_H
#define COMMON_EVIDENCE_ASK_H

#include "common/addr.h"
#include "common/json.h"
#include "common/json_read.h"

#define EVIDENCE_STREAM "picket:evidence:{%s}" /* of SITE/SENSOR */
#define EVIDENCE_ID_CAP 33 /* letters and digits, NUL-terminated */
#define EVIDENCE_CHUNK ((size_t)256 << 10)
#define EVIDENCE_ASK_MAX ((uint64_t)16 << 20) /* bytes of an answer */
#define EVIDENCE_ASK_LEAST ((uint64_t)64 << 10)
#define EVIDENCE_KEEP "128" /* entries of the stream: two of the largest */
#define EVIDENCE_KEEP_MS "3600000" /* the stream expires so long after */

struct evidence_ask {
	char id[EVIDENCE_ID_CAP];
	struct addr host[2];
	uint16_t port[2]; /* 0: any */
	uint8_t proto; /* 0: any */
	uint64_t from_us, to_us; /* both belong to it */
	uint64_t max_bytes; /* of the answer */
};

/* One entry of the answer. */
struct evidence_chunk {
	const char *id;
	const char *state; /* "whole", or "cut" where max_bytes was reached */
	const char *sha256; /* of the whole file, hexadecimal */
	uint32_t n, of; /* from 0 on */
	uint64_t packets; /* in the whole file */
	struct view data;
};

/* Writes the members into the object that is open. */
void evidence_ask_write(struct json *j, const struct evidence_ask *a);
/* False when a member is missing or out of its bounds. */
bool evidence_ask_read(const struct json_reader *r,
		       const struct json_value *obj,
		       struct evidence_ask *out) MUST_CHECK;
/* Whether it can be the name of a question: 1 to 32 letters and digits. */
bool evidence_id_ok(struct view id) MUST_CHECK;

#endif
