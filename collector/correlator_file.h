/* SPDX-License-Identifier: Apache-2.0 */
/*
 * correlator_file.h - correlators as they are declared
 *
 *   correlators:
 *     - kind: shared
 *       min-sites: 3
 *     - kind: beacon
 *       enabled: no
 *   ignore: [10.0.0.9, 10.1.0.0/24]
 *
 * What is ignored is what the kinds that look at contacts have nothing to say
 * of.  Each kind is declared once at most.  A kind that is not declared, and a
 * threshold that is not named, are as they come with Picket: that a line is
 * missing shall not make anybody blind.
 *
 * Place    above correlate.h; below pipeline.
 * Threads  one.
 * Memory   fixed size; the document is freed before the return.
 * Cost     cold.
 */
#ifndef COLLECTOR_CORRELATOR_FILE_H
#define COLLECTOR_CORRELATOR_FILE_H

#include "collector/correlate.h"
#include "collector/finding.h"

#define CORRELATOR_FILE_MAX ((size_t)64 << 10)

#define CORRELATOR_KINDS 11

/* Where each kind was declared; 0: it was not. */
struct correlator_lines {
	unsigned line[CORRELATOR_KINDS];
};

/* A correlator as it runs. */
struct correlator_row {
	const char *kind, *tactics;
	bool enabled;
	bool keyed; /* by keys that a silence of the window ends */
	unsigned line;
	/* of correlator_thresholds() */
	const void *of, *base;
};
void correlator_each(const struct correlate_config *c,
		     const struct finding_config *f,
		     const struct correlator_lines *lines,
		     void (*fn)(void *arg, const struct correlator_row *row),
		     void *arg);
/* The thresholds of a row that is handed out, by their names in the file. */
void correlator_thresholds(const struct correlator_row *row,
			   void (*fn)(void *arg, const char *key,
				      unsigned value),
			   void *arg);

/*
 * Lays what the file says over '*out' and '*findings', which stay as they were
 * after an error; so do '*lines' (NULL: nobody asks).
 * ERR_USAGE, ERR_IO, ERR_NOMEM with diag that names file and line.
 */
enum err correlator_file_load(struct correlate_config *out,
			      struct finding_config *findings,
			      struct correlator_lines *lines, const char *path,
			      struct diag *d) MUST_CHECK;
/* The same from memory; 'name' stands for the file. */
enum err correlator_file_read(struct correlate_config *out,
			      struct finding_config *findings,
			      struct correlator_lines *lines, const char *name,
			      struct view text, struct diag *d) MUST_CHECK;

#endif
