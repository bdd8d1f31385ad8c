/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/evidence_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"

/* Years of more than four digits are written as this one. */
#define LAST_SECOND 253402300799

const char *
evidence_name(const struct evidence_at *at, char out[EVIDENCE_NAME_CAP])
{
	uint64_t s = at->start_us / US_PER_S;
	time_t t = (time_t)MIN(s, (uint64_t)LAST_SECOND);
	struct tm tm;
	char when[32];

	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm);
	snprintf(out, EVIDENCE_NAME_CAP, "%s-%s.%06uZ-r%u-w%u-%u.pcap",
		 at->exercise ? "exercise" : "evidence", when,
		 (unsigned)(at->start_us % US_PER_S), at->run, at->worker,
		 at->file);
	return out;
}

/* Skips 'n' digits, or with 0 those of one number of 32 bits, into '*value'. */
static bool
digits(const char **p, unsigned n, uint32_t *value)
{
	size_t have = strspn(*p, "0123456789");

	if (n > 0 ? have != n : have == 0 || have > 10) {
		return false;
	}
	if (value != NULL) {
		unsigned long long v = strtoull(*p, NULL, 10);

		if (v > UINT32_MAX) {
			return false;
		}
		*value = (uint32_t)v;
	}
	*p += have;
	return true;
}

static bool
word(const char **p, const char *w)
{
	size_t n = strlen(w);

	if (strncmp(*p, w, n) != 0) {
		return false;
	}
	*p += n;
	return true;
}

bool
evidence_name_read(const char *name, uint32_t *run)
{
	const char *p = name;

	return (word(&p, "evidence-") || word(&p, "exercise-")) &&
	       digits(&p, 8, NULL) && word(&p, "T") && digits(&p, 6, NULL) &&
	       word(&p, ".") && digits(&p, 6, NULL) && word(&p, "Z-r") &&
	       digits(&p, 0, run) && word(&p, "-w") && digits(&p, 0, NULL) &&
	       word(&p, "-") && digits(&p, 0, NULL) && word(&p, ".pcap") &&
	       *p == '\0';
}
