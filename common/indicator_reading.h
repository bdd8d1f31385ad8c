/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_reading.h - what the readers of the single formats share
 *
 * Place    between indicator_read.c and the formats: indicator_text.c,
 *          indicator_stix.c, indicator_misp.c and what stands with them;
 *          nobody else includes it.
 * Threads  one reading, one thread.
 * Memory   what is handed on is borrowed for the call.
 * Cost     cold.
 */
#ifndef COMMON_INDICATOR_READING_H
#define COMMON_INDICATOR_READING_H

#include "common/indicator_read.h"
#include "common/json_read.h"
#include "common/json_stream.h"

#define INDICATOR_MAX_OBJECT ((size_t)1 << 20) /* bytes of one JSON object */
#define INDICATOR_SCRATCH ((size_t)48 << 10) /* texts of one entry */

struct indicator_reading {
	const struct indicator_sink *sink;
	struct indicator_report *report;
	struct diag *d;
	const char *file; /* as named by the user */
	const char *source; /* its last path component */
	enum err stop; /* not ERR_OK: the reading ends; 'd' says why */
};

/* Absent in all respects, and so marked for nobody. */
struct indicator indicator_blank(const struct indicator_reading *r);
/*
 * Counts one entry and hands it over with the canonical form of 'value', or
 * refuses it.  The value of a pattern is taken as it is and ends with a NUL.
 */
void indicator_reading_add(struct indicator_reading *r, uint32_t line,
			   const struct indicator *i, struct view value);
/* The same of a STIX pattern: each value that is joined by OR is an entry. */
void indicator_reading_pattern(struct indicator_reading *r, uint32_t line,
			       const struct indicator *i, struct view text);
void indicator_reading_refuse(struct indicator_reading *r, uint32_t line,
			      const char *id, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void indicator_reading_doubt(struct indicator_reading *r, uint32_t line,
			     const char *id, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Ends the reading with 'e'. */
void indicator_reading_stop(struct indicator_reading *r, enum err e,
			    const char *why);

/* A JSON document at hand. */
struct indicator_doc {
	struct indicator_reading *r;
	struct json_stream s;
	struct json_reader json; /* the object at hand */
	char *text; /* INDICATOR_SCRATCH bytes */
	size_t used;
};

/* The next value read as one object. */
struct indicator_object {
	const struct json_value *v; /* NULL: 'why' it cannot be read */
	const char *why;
	struct view raw; /* what is there of it */
	uint64_t offset; /* of its first byte */
};

/*
 * Takes the next value and forgets the texts of the one before.  False when
 * the document goes no further, or the reading has ended.
 */
bool indicator_doc_object(struct indicator_doc *doc,
			  struct indicator_object *o) MUST_CHECK;
/* The string member 'key' of 'o', with a NUL and cut to 'cap', or "". */
const char *indicator_doc_text(struct indicator_doc *doc,
			       const struct json_value *o, const char *key,
			       size_t cap);
const char *indicator_doc_copy(struct indicator_doc *doc, struct view text,
			       size_t cap);
/* The string member 'key' as it lies, or VIEW_NONE; 'o' may be NULL. */
struct view indicator_doc_view(const struct indicator_doc *doc,
			       const struct json_value *o, const char *key);
bool indicator_doc_true(const struct indicator_doc *doc,
			const struct json_value *o, const char *key);
/*
 * Adds 'word' to a list that is parted by commas and begins at '*list' (""
 * before the first); a word for which there is no room is left out.
 */
void indicator_doc_append(struct indicator_doc *doc, const char **list,
			  struct view word);
/* "2026-01-01T00:00:00Z" of member 'key' to '*us'; false: it is no time. */
bool indicator_doc_time(const struct indicator_doc *doc,
			const struct json_value *o, const char *key,
			uint64_t *us) MUST_CHECK;

void indicator_read_text(struct indicator_reading *r, struct block_read *in);
/* The document is at its first byte and so much is known: it is JSON. */
void indicator_read_json(struct indicator_reading *r, struct block_read *in);
/* 'doc' is before the array of objects, or before an event or a list of them;
 * it is left behind it. */
void indicator_read_stix(struct indicator_doc *doc);
void indicator_read_misp(struct indicator_doc *doc);
/* The files that the manifest of a MISP feed names. */
void indicator_read_feed(struct indicator_reading *r, const char *dir);
/* One more file of the same reading. */
void indicator_read_file(struct indicator_reading *r, const char *path);

/* Words that several formats share. */

/* "critical" and "high" 1, "medium" 2, "low" 3, "info" 4, or 1 to 255;
 * 0: neither. */
uint8_t indicator_severity(struct view word);
/* "TA0011", or ATT&CK's name of it ("command-and-control"), to the id;
 * NULL when it is neither. */
const char *indicator_tactic(struct view word);
/* 0 to 100; false: neither. */
bool indicator_confidence(struct view word, uint8_t *out) MUST_CHECK;
/* Joins 'm' to the marking of 'i', or makes it the first. */
void indicator_mark(struct indicator *i, const struct marking *m);
/* The same of a label or tag: "tlp:amber"; others say nothing.  One that begins
 * so and is not understood restricts most. */
void indicator_mark_label(struct indicator *i, struct view label);
/* Nobody but who has it may see it: how the unmarked and unknown is marked. */
struct marking indicator_mark_strictest(void);

#endif
