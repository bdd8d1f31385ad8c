/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_text.h - what picketctl writes on a terminal
 *
 * Texts from the store are an attacker's: an escape sequence in a signature
 * would run on the analyst's terminal.  Whatever passes ctl_clean() is one
 * line of printable UTF-8; nothing else may reach the screen.
 *
 * Place    above clock.h and words.h.
 * Threads  one.
 * Memory   a few buffers that are reused in turn.
 */
#ifndef COLLECTOR_CTL_TEXT_H
#define COLLECTOR_CTL_TEXT_H

#include <stdio.h>

#include "common/words.h"

#define CTL_TURNS 8

struct ctl_text {
	FILE *out;
	bool colour;
	enum lang lang; /* of word() */
	char *turn[CTL_TURNS];
	unsigned next;
	bool failed; /* out of memory: something is missing on the screen */
};

/* Colours only on a terminal, and not with NO_COLOR in the environment; the
 * language is that of the environment. */
void ctl_text_init(struct ctl_text *t, FILE *out);
void ctl_text_fini(struct ctl_text *t);

/* 's' with everything that is not printable as \xNN; valid until CTL_TURNS
 * further calls. */
const char *ctl_clean(struct ctl_text *t, const char *s);
/* A name of the store's, as a state or what was done, in the screen's
 * language; of those that are ours, any other text as it is and not cleaned. */
const char *ctl_name(const struct ctl_text *t, const char *s);
/* "2026-11-20 10:00:00Z", or "-" for 0; valid as ctl_clean()'s. */
const char *ctl_time(struct ctl_text *t, uint64_t wall_us);
/* 's' cleaned, cut or filled up to 'width' cells of the screen and a blank;
 * most characters of East Asia take two cells. */
void ctl_column(struct ctl_text *t, unsigned width, const char *s);
/* 's' cleaned and filled up to 'width' cells at its left, never cut, and a
 * blank. */
void ctl_column_right(struct ctl_text *t, unsigned width, const char *s);
/* SGR sequences, "" without colours: "1", "31;1", "0". */
const char *ctl_sgr(const struct ctl_text *t, const char *code);
/* The colour of an incident's level (0 to 5), of an alert's severity. */
const char *ctl_level(const struct ctl_text *t, unsigned level);
const char *ctl_severity(const struct ctl_text *t, unsigned severity);

#endif
