/* SPDX-License-Identifier: Apache-2.0 */
/* The report as one page of HTML. */
#include "collector/exercise_report_state.h"

#include <inttypes.h>
#include <string.h>

#include "collector/severity.h"

static void
html(FILE *out, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		switch (c) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			if (c < ' ' || c == 0x7f) {
				fprintf(out, "\\x%02x", c);
			} else {
				fputc(c, out);
			}
		}
	}
}

static void
html_cell(FILE *out, const char *s)
{
	fputs("<td>", out);
	html(out, s);
	fputs("</td>", out);
}

/* A time is not broken at its hyphens, nor a length between its units. */
static void
time_cell(FILE *out, const char *s)
{
	fputs("<td class=\"t\">", out);
	html(out, s);
	fputs("</td>", out);
}

/* A heading, and a table whose rows are to follow. */
static void
html_table(const struct exercise_report *x, const char *title,
	   const char *const *heads, size_t n, FILE *out)
{
	fprintf(out, "<h2>%s</h2>\n<table><tr>", word(x->lang, title));
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "<th>%s", word(x->lang, heads[i]));
	}
	fputs("</tr>\n", out);
}

static void
html_inject(const struct exercise_report *x, unsigned n, FILE *out)
{
	const struct exercise_inject *i = &x->exercise->inject[n];
	char a[CLOCK_ISO_CAP], b[CLOCK_ISO_CAP], c[48], e[48];
	bool any = false;

	for (unsigned k = 0; k < x->n_hits; k++) {
		const struct report_hit *h = &x->hit[k];

		if (h->inject != n) {
			continue;
		}
		fputs("<tr>", out);
		html_cell(out, i->id);
		html_cell(out, i->title);
		time_cell(out, report_when(i->at_us, a));
		html_cell(out, h->owner[0] != '\0' ? h->owner : "?");
		html_cell(out, h->site);
		time_cell(out, report_when(h->first_us, b));
		time_cell(out, report_after(x->lang, i->at_us, h->first_us, c));
		time_cell(out,
			  report_after(x->lang, h->first_us, h->seen_us, e));
		fprintf(out, "<td>%" PRIu64 "%s</td>", h->count,
			h->told ? word(x->lang, " (sightings)") : "");
		html_cell(out, h->signature);
		fputs("</tr>\n", out);
		any = true;
	}
	if (!any) {
		fputs(report_is_later(x, n) ? "<tr>" : "<tr class=\"missed\">",
		      out);
		html_cell(out, i->id);
		html_cell(out, i->title);
		time_cell(out, report_when(i->at_us, a));
		fprintf(out, "<td colspan=\"7\">%s</td></tr>\n",
			word(x->lang, report_verdict(x, n)));
	}
}

/* Alerts over time, as bars. */
static void
svg_timeline(const struct exercise_report *x, FILE *out)
{
	uint64_t top = report_highest(x);
	char a[CLOCK_ISO_CAP];

	fprintf(out,
		"<svg viewBox=\"0 0 720 160\" role=\"img\" "
		"aria-label=\"%s\">\n",
		word(x->lang, "Alerts over time"));
	for (unsigned i = 0; i < x->n_bars; i++) {
		double w = 700.0 / x->n_bars;
		double h = 120.0 * (double)x->bar[i] / (double)top;

		fprintf(out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			"height=\"%.1f\"><title>%s: %" PRIu64
			"</title></rect>\n",
			10 + i * w, 130 - h, w * 0.9, h,
			report_when(x->bar_from_us + i * x->bar_us, a),
			x->bar[i]);
	}
	if (x->n_bars > 0) {
		fprintf(out, "<text x=\"10\" y=\"150\">%s</text>",
			report_when(x->bar_from_us, a));
		fprintf(out,
			"<text x=\"710\" y=\"150\" text-anchor=\"end\">%s"
			"</text>\n",
			report_when(x->bar_from_us + x->n_bars * x->bar_us, a));
	}
	fputs("</svg>\n", out);
}

/* Each inject's time from its plan to its first alert, the longest is full. */
static void
svg_detection(const struct exercise_report *x, FILE *out)
{
	const struct exercise *e = x->exercise;
	uint64_t top = 1;
	char c[48];

	for (unsigned i = 0; i < e->n_injects; i++) {
		const struct report_hit *h = report_first(x, i);

		if (h != NULL && e->inject[i].at_us != 0 &&
		    h->first_us > e->inject[i].at_us) {
			top = MAX(top, h->first_us - e->inject[i].at_us);
		}
	}
	fprintf(out,
		"<svg viewBox=\"0 0 720 %u\" role=\"img\" "
		"aria-label=\"%s\">\n",
		e->n_injects * 22 + 8, word(x->lang, "Time to detection"));
	for (unsigned i = 0; i < e->n_injects; i++) {
		const struct report_hit *h = report_first(x, i);
		uint64_t at = e->inject[i].at_us;
		double w = 0;

		if (h != NULL && at != 0 && h->first_us > at) {
			w = 380.0 * (double)(h->first_us - at) / (double)top;
		}
		fprintf(out, "<text x=\"0\" y=\"%u\">", i * 22 + 17);
		html(out, e->inject[i].id);
		fprintf(out,
			"</text><rect x=\"220\" y=\"%u\" width=\"%.1f\" "
			"height=\"14\"/><text x=\"%.1f\" y=\"%u\">%s</text>\n",
			i * 22 + 6, w, 226 + w, i * 22 + 17,
			h == NULL ? word(x->lang, report_verdict(x, i))
				  : report_after(x->lang, at, h->first_us, c));
	}
	fputs("</svg>\n", out);
}

static void
html_incidents(const struct exercise_report *x, FILE *out)
{
	char a[CLOCK_ISO_CAP];

	static const char *const heads[] = { WORD("number"), WORD("level"),
					     WORD("score"),  WORD("lead"),
					     WORD("state"),  WORD("begins"),
					     WORD("what") };

	html_table(x, "Incidents", heads, ARRAY_LEN(heads), out);
	for (unsigned i = 0; i < x->n_incidents; i++) {
		const struct report_incident *is = &x->incident[i];

		fprintf(out,
			"<tr><td>%" PRId64 "</td><td>%u %s</td><td>%u</td>",
			is->id, is->level,
			word(x->lang, severity_level_name(is->level)),
			is->score);
		html_cell(out, is->lead);
		html_cell(out, word(x->lang, is->state));
		time_cell(out, report_when(is->first_us, a));
		html_cell(out, is->title);
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
	if (x->incidents_left_out > 0) {
		fputs("<p>", out);
		fprintf(out, word(x->lang, "and %u more."),
			x->incidents_left_out);
		fputs("</p>\n", out);
	}
}

static void
html_nations(const struct exercise_report *x, FILE *out)
{
	char a[48];

	static const char *const heads[] = { WORD("nation"),
					     WORD("injects seen"),
					     WORD("median"), WORD("longest") };

	html_table(x, "Time to detection", heads, ARRAY_LEN(heads), out);
	for (unsigned i = 0; i < x->n_nations; i++) {
		const struct report_nation *n = &x->nation[i];

		fputs("<tr>", out);
		html_cell(out, n->name[0] != '\0' ? n->name : "?");
		fputs("<td>", out);
		fprintf(out, word(x->lang, "%u of %u"), n->seen,
			x->exercise->n_injects);
		fputs("</td>", out);
		time_cell(out, n->timed > 0 ? report_after(x->lang, 1,
							   n->median_us + 1, a)
					    : "-");
		time_cell(out, n->timed > 0 ? report_after(x->lang, 1,
							   n->longest_us + 1, a)
					    : "-");
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
}

static void
html_real(const struct exercise_report *x, FILE *out)
{
	fprintf(out, "<h2>%s</h2>\n<p>",
		word(x->lang, "Real events meanwhile"));
	fprintf(out,
		word(x->lang, "%" PRIu64 " real alerts while it was held; real "
			      "incidents: %u."),
		x->real_alerts, x->n_real + x->real_left_out);
	fputs("</p>\n<ul>\n", out);
	for (unsigned i = 0; i < x->n_real; i++) {
		fprintf(out, "<li>%" PRId64 ", ", x->real[i].id);
		fprintf(out, word(x->lang, "level %u %s, "), x->real[i].level,
			word(x->lang, severity_level_name(x->real[i].level)));
		html(out, word(x->lang, x->real[i].state));
		fputs(": ", out);
		html(out, x->real[i].title);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

static void
html_events(const struct exercise_report *x, FILE *out)
{
	char a[CLOCK_ISO_CAP];

	fprintf(out, "<h2>%s</h2>\n<table>\n",
		word(x->lang, "What happened when"));
	for (unsigned i = 0; i < x->n_events; i++) {
		fputs("<tr>", out);
		time_cell(out, report_when(x->event[i].at_us, a));
		html_cell(out, x->event[i].text);
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
}

/* What it was, and how much of it was seen. */
static void
html_head(const struct exercise_report *x, FILE *out)
{
	const struct exercise *e = x->exercise;
	char a[CLOCK_ISO_CAP], b[CLOCK_ISO_CAP];

	fprintf(out, "<h1>%s", word(x->lang, "After-action report: "));
	html(out, e->name);
	fputs("</h1>\n<p>", out);
	fprintf(out,
		word(x->lang, "An exercise, not real events. From %s to %s, "),
		report_when(e->from_us, a), report_when(e->until_us, b));
	fputs(word(x->lang, "ordered by "), out);
	html(out, x->who);
	fprintf(out, word(x->lang, " at %s"), report_when(x->at_us, a));
	if (x->end_us != 0) {
		fputs(word(x->lang, ", ended by "), out);
		html(out, x->end_who);
		fprintf(out, word(x->lang, " at %s"),
			report_when(x->end_us, b));
	}
	fprintf(out, "%s</p>\n<p><b>", word(x->lang, "."));
	fprintf(out, word(x->lang, "%u of %u injects were seen"),
		report_detected(x), e->n_injects);
	fputs("</b>", out);
	fprintf(out,
		word(x->lang, ", by %" PRIu64 " alerts. %" PRIu64
			      " alerts bore the exercise's name and were of "
			      "none of its injects: they count as real."),
		x->alerts, x->misplaced);
	fputs("</p>\n", out);
	if (x->beside > 0) {
		fputs("<p>", out);
		fprintf(out,
			word(x->lang, "Players raised %" PRIu64
				      " more that are of no inject."),
			x->beside);
		fputs("</p>\n", out);
	}
}

void
exercise_report_html(const struct exercise_report *x, FILE *out)
{
	static const char *const heads[] = {
		WORD("inject"),     WORD("what"), WORD("planned"),
		WORD("nation"),     WORD("site"), WORD("first seen"),
		WORD("after"),      WORD("told"), WORD("alerts"),
		WORD("first alert")
	};
	const struct exercise *e = x->exercise;

	fprintf(out,
		"<!DOCTYPE html>\n<html lang=\"%s\"><head><meta "
		"charset=\"utf-8\"><title>%s",
		lang_name(x->lang), word(x->lang, "After-action report: "));
	html(out, e->name);
	fputs("</title>\n<style>body{font:16px sans-serif;margin:2em auto;"
	      "max-width:75em;padding:0 1em}table{border-collapse:collapse}"
	      "td,th{border:1px solid #999;padding:.2em .5em;text-align:left}"
	      "td.t{white-space:nowrap}"
	      "rect{fill:#27648f}text{font:12px sans-serif}"
	      ".missed{background:#fbdcd9}</style></head>\n<body>",
	      out);
	html_head(x, out);
	html_nations(x, out);
	svg_detection(x, out);
	html_table(x, "Injects", heads, ARRAY_LEN(heads), out);
	for (unsigned i = 0; i < e->n_injects; i++) {
		html_inject(x, i, out);
	}
	fputs("</table>\n", out);
	html_incidents(x, out);
	html_real(x, out);
	html_events(x, out);
	fprintf(out, "<h2>%s</h2>\n", word(x->lang, "Alerts over time"));
	svg_timeline(x, out);
	fputs("</body></html>\n", out);
}
