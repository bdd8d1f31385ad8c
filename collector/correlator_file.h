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

/*
 * Lays what the file says over '*out' and '*findings', which stay as they were
 * after an error.
 * ERR_USAGE, ERR_IO, ERR_NOMEM with diag that names file and line.
 */
enum err correlator_file_load(struct correlate_config *out,
			      struct finding_config *findings, const char *path,
			      struct diag *d) MUST_CHECK;
/* The same from memory; 'name' stands for the file. */
enum err correlator_file_read(struct correlate_config *out,
			      struct finding_config *findings, const char *name,
			      struct view text, struct diag *d) MUST_CHECK;

#endif
