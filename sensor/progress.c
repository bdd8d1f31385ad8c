/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/progress.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"

#define BAR_WIDTH 24
#define REDRAW_US 200000

struct progress {
	uint64_t start_us, drawn_us;
};

struct progress *
progress_new(bool wanted)
{
	struct progress *p = wanted ? calloc(1, sizeof(*p)) : NULL;

	if (p != NULL) {
		p->start_us = clock_mono_us();
	}
	return p;
}

void
progress_update(struct progress *p, const struct capture_stats *c)
{
	char bar[BAR_WIDTH + 1], left[32] = "";
	uint64_t now;
	double s, share = 0;

	if (p == NULL) {
		return;
	}
	now = clock_mono_us();
	if (now - p->drawn_us < REDRAW_US) {
		return;
	}
	p->drawn_us = now;
	s = (double)(now - p->start_us) / US_PER_S;
	if (c->file_bytes_total > 0) {
		share = MIN((double)c->file_bytes_done /
				    (double)c->file_bytes_total,
			    1.0);
		if (share > 0.001) {
			snprintf(left, sizeof(left), ", %.0f s left",
				 s / share - s);
		}
	}
	for (int i = 0; i < BAR_WIDTH; i++) {
		bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : '.';
	}
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr,
		"\r[%s] %3.0f %%  %llu packets, %.1f MB, %.0f Mbit/s%s\033[K",
		bar, share * 100, (unsigned long long)c->frames,
		(double)c->bytes / 1e6,
		s > 0 ? (double)c->bytes * 8 / 1e6 / s : 0, left);
	fflush(stderr);
}

void
progress_end(struct progress *p)
{
	if (p != NULL && p->drawn_us > 0) {
		fputs("\r\033[K", stderr);
	}
	free(p);
}
