/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads indicator files and says what became of them: the account, what it took
 * of time and memory, with -v each entry and each refusal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/indicator_read.h"

static bool verbose;
static uint64_t sink_sum;

static enum err
take(void *arg, const struct indicator *i, struct diag *d)
{
	char mark[MARKING_TEXT_CAP];

	(void)arg;
	(void)d;
	sink_sum += strlen(i->value);
	if (verbose) {
		printf("+ %s %s%s | %s | %s | %s | %s | %u%s\n",
		       indicator_kind_name(i->kind), i->value,
		       i->revoked ? " (revoked)" : "", i->id,
		       i->marked ? marking_text(&i->mark, mark) : "unmarked",
		       i->created_by, i->labels, i->confidence,
		       i->exact ? " exact" : "");
	}
	return ERR_OK;
}

static void
refused(void *arg, const struct indicator_refusal *r)
{
	if (verbose) {
		printf("%s %s:%u: %s: %s\n", (const char *)arg, r->file,
		       r->line, r->id, r->reason);
	}
}

static void
told_refused(void *arg, const struct indicator_refusal *r)
{
	(void)arg;
	refused("-", r);
}

static void
told_doubted(void *arg, const struct indicator_refusal *r)
{
	(void)arg;
	refused("?", r);
}

int
main(int argc, char **argv)
{
	const struct indicator_sink sink = { NULL, take, told_refused,
					     told_doubted };
	struct indicator_report r = { 0 };
	struct rusage use;
	struct diag d = { "" };
	int rc = EXIT_SUCCESS;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0) {
			verbose = true;
		} else if (indicator_read_path(argv[i], &sink, &r, &d) !=
			   ERR_OK) {
			fprintf(stderr, "%s\n", d.msg);
			rc = EXIT_FAILURE;
		}
	}
	getrusage(RUSAGE_SELF, &use);
	printf("total=%llu loaded=%llu refused=%llu others=%llu "
	       "rss_kib=%ld cpu_ms=%ld\n",
	       (unsigned long long)r.total, (unsigned long long)r.loaded,
	       (unsigned long long)r.refused, (unsigned long long)r.others,
	       use.ru_maxrss,
	       use.ru_utime.tv_sec * 1000L + use.ru_utime.tv_usec / 1000 +
		       use.ru_stime.tv_sec * 1000L +
		       use.ru_stime.tv_usec / 1000);
	if (r.total != r.loaded + r.refused) {
		fprintf(stderr, "the account does not add up\n");
		return EXIT_FAILURE;
	}
	return rc;
}
