/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission.h - what a loaded set is worth: the report before it is armed
 *
 * Beside the rules that failed (ruleset_report()), a set can hold rules that
 * loaded and never match, cover fewer ATT&CK techniques than its authors
 * meant, or ask far too much of every packet.  All of that can be told before
 * the first packet.
 *
 * Place    above ruleset; used by the sensor's --check and reload.
 * Threads  any, on a set that is built.
 * Memory   one owner; admission_free().  Names borrow from the set.
 * Cost     cold: some passes over the programs.
 */
#ifndef RULES_ADMISSION_H
#define RULES_ADMISSION_H

#include <stdio.h>

#include "common/json.h"
#include "rules/ruleset.h"

#define ADMISSION_SLOWEST 10

enum admission_kind {
	ADMISSION_NEVER, /* cannot match, whatever the traffic */
	ADMISSION_IDLE, /* may match, and nobody will hear of it */
	ADMISSION_SUSPECT, /* works, and hardly as it is written */
};

struct admission_note {
	const struct rule *rule; /* NULL: a line of another file */
	enum admission_kind kind;
	const char *file;
	uint32_t line;
	char *text; /* why, and the mend */
};

/* How rules become candidates; every rule counts once. */
struct admission_forms {
	uint32_t whole; /* looked up: a buffer's whole value */
	uint32_t suffix; /* looked up: a buffer's end */
	uint32_t address; /* looked up: the packet's addresses */
	uint32_t literal; /* found by scanning for a literal */
	uint32_t bare; /* tried whenever their buffer or packet comes */
};

struct admission_slow {
	const struct rule *rule;
	double cost; /* estimated units a megabyte of mixed traffic */
};

/* An ATT&CK technique that the files' metadata names. */
struct admission_technique {
	char id[16]; /* "T1071.001" */
	uint32_t loaded, lost; /* rules */
};

struct admission {
	struct admission_forms forms;
	struct admission_note *notes;
	uint32_t n_notes, n_never;
	struct admission_slow slow[ADMISSION_SLOWEST]; /* dearest first */
	uint32_t n_slow;
	struct admission_technique *techniques; /* by id */
	uint32_t n_techniques;
};

/* NULL when out of memory.  'conf' (may be NULL) says which protocols are
 * switched off. */
struct admission *admission_new(const struct ruleset *rs,
				const struct conf *conf) MUST_CHECK;
void admission_free(struct admission *a);

/*
 * ERR_FORMAT with diag when the set must not be armed: a rule failed or a line
 * was refused and 'strict', or fewer loaded than "rules.min-load-percent" of
 * 'conf' asks; ERR_IO when a file of rules could not be read, or a dataset could
 * not be saved where it should be.
 */
enum err ruleset_admit(const struct ruleset *rs, const struct conf *conf,
		       bool strict, struct diag *d) MUST_CHECK;

/* A problem as one line: file:line:column: sid N: reason; mend. */
void admission_problem(const struct rule_problem *p, char *out, size_t cap);
/* The refused lines alone, one a line, and the closing lines of counts. */
void admission_print_problems(const struct ruleset *rs, FILE *out);
/* Everything, for people; ends with the line of counts that scripts read. */
void admission_print(const struct admission *a, const struct ruleset *rs,
		     FILE *out);
/* The same as one JSON object. */
void admission_json(const struct admission *a, const struct ruleset *rs,
		    struct json *j);

/* admission_cost.c: the estimate that 'slow' is sorted by. */
double admission_cost(const struct rule_prog *p);

#endif
