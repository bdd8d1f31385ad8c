/* SPDX-License-Identifier: Apache-2.0 */
/* Values that were written so that nobody follows them by mistake. */
#include "common/indicator_lines.h"

static const struct {
	struct view written;
	const char *meant;
} marks[] = {
	{ VIEW_LIT("[.]"), "." },   { VIEW_LIT("(.)"), "." },
	{ VIEW_LIT("{.}"), "." },   { VIEW_LIT("[dot]"), "." },
	{ VIEW_LIT("(dot)"), "." }, { VIEW_LIT("{dot}"), "." },
	{ VIEW_LIT("[:]"), ":" },   { VIEW_LIT("[://]"), "://" },
};

/* The bytes of the mark that stands at 'i', and what it means; 0: none. */
static size_t
mark_at(struct view in, size_t i, const char **meant)
{
	for (size_t m = 0; m < ARRAY_LEN(marks); m++) {
		size_t n = marks[m].written.len;

		if (in.len - i >= n &&
		    view_caseeq(view_sub(in, i, n), marks[m].written)) {
			*meant = marks[m].meant;
			return n;
		}
	}
	return 0;
}

/* Whether the byte behind 'n' of 'out' ends a URL's host: a path or query. */
static bool
ends_host(const char *out, size_t n, uint8_t c)
{
	return c == '?' ||
	       (c == '/' && n > 0 && out[n - 1] != ':' && out[n - 1] != '/');
}

struct view
indicator_refanged(struct view in, char out[INDICATOR_VALUE_CAP])
{
	size_t n = 0, i = 0;

	/* What is meant is never longer than what is written. */
	if (in.len >= INDICATOR_VALUE_CAP) {
		return in;
	}
	while (i < in.len && !ends_host(out, n, in.p[i])) {
		const char *meant = NULL;
		size_t bytes = mark_at(in, i, &meant);

		if (bytes == 0) {
			out[n++] = (char)in.p[i++];
			continue;
		}
		memcpy(out + n, meant, strlen(meant));
		n += strlen(meant);
		i += bytes;
	}
	if (i < in.len) {
		memcpy(out + n, in.p + i, in.len - i);
	}
	return view_of(out, n + in.len - i);
}
