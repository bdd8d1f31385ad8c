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
		time_cell(out, report_after(i->at_us, h->first_us, c));
		time_cell(out, report_after(h->first_us, h->seen_us, e));
		fprintf(out, "<td>%" PRIu64 "%s</td>", h->count,
			h->told ? " (sightings)" : "");
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
			report_verdict(x, n));
	}
}

/* Alerts over time, as bars. */
static void
svg_timeline(const struct exercise_report *x, FILE *out)
{
	uint64_t top = report_highest(x);
	char a[CLOCK_ISO_CAP];

	fputs("<svg viewBox=\"0 0 720 160\" role=\"img\" "
	      "aria-label=\"alerts over time\">\n",
	      out);
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
		"aria-label=\"time to detection\">\n",
		e->n_injects * 22 + 8);
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
			h == NULL ? report_verdict(x, i)
				  : report_after(at, h->first_us, c));
	}
	fputs("</svg>\n", out);
}

static void
html_incidents(const struct exercise_report *x, FILE *out)
{
	char a[CLOCK_ISO_CAP];

	fputs("<h2>Incidents</h2>\n<table><tr><th>number<th>level<th>score"
	      "<th>lead<th>state<th>begins<th>what</tr>\n",
	      out);
	for (unsigned i = 0; i < x->n_incidents; i++) {
		const struct report_incident *is = &x->incident[i];

		fprintf(out,
			"<tr><td>%" PRId64 "</td><td>%u %s</td><td>%u</td>",
			is->id, is->level, severity_level_name(is->level),
			is->score);
		html_cell(out, is->lead);
		html_cell(out, is->state);
		time_cell(out, report_when(is->first_us, a));
		html_cell(out, is->title);
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
	if (x->incidents_left_out > 0) {
		fprintf(out, "<p>and %u more</p>\n", x->incidents_left_out);
	}
}

static void
html_nations(const struct exercise_report *x, FILE *out)
{
	char a[48];

	fputs("<table><tr><th>nation<th>injects seen<th>median<th>longest"
	      "</tr>\n",
	      out);
	for (unsigned i = 0; i < x->n_nations; i++) {
		const struct report_nation *n = &x->nation[i];

		fputs("<tr>", out);
		html_cell(out, n->name[0] != '\0' ? n->name : "?");
		fprintf(out, "<td>%u of %u</td>", n->seen,
			x->exercise->n_injects);
		time_cell(out, n->timed > 0
				       ? report_after(1, n->median_us + 1, a)
				       : "-");
		time_cell(out, n->timed > 0
				       ? report_after(1, n->longest_us + 1, a)
				       : "-");
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
}

static void
html_real(const struct exercise_report *x, FILE *out)
{
	fprintf(out,
		"<h2>Real events meanwhile</h2>\n<p>%" PRIu64
		" real alerts while it was held; real incidents: %u.</p>\n"
		"<ul>\n",
		x->real_alerts, x->n_real + x->real_left_out);
	for (unsigned i = 0; i < x->n_real; i++) {
		fprintf(out, "<li>%" PRId64 ", level %u %s, ", x->real[i].id,
			x->real[i].level,
			severity_level_name(x->real[i].level));
		html(out, x->real[i].state);
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

	fputs("<h2>What happened when</h2>\n<table>\n", out);
	for (unsigned i = 0; i < x->n_events; i++) {
		fputs("<tr>", out);
		time_cell(out, report_when(x->event[i].at_us, a));
		html_cell(out, x->event[i].text);
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
}

void
exercise_report_html(const struct exercise_report *x, FILE *out)
{
	const struct exercise *e = x->exercise;
	char a[CLOCK_ISO_CAP], b[CLOCK_ISO_CAP];

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
	      "charset=\"utf-8\">"
	      "<title>After-action report: ",
	      out);
	html(out, e->name);
	fputs("</title>\n<style>body{font:16px sans-serif;margin:2em auto;"
	      "max-width:75em;padding:0 1em}table{border-collapse:collapse}"
	      "td,th{border:1px solid #999;padding:.2em .5em;text-align:left}"
	      "td.t{white-space:nowrap}"
	      "rect{fill:#27648f}text{font:12px sans-serif}"
	      ".missed{background:#fbdcd9}</style></head>\n<body><h1>"
	      "After-action report: ",
	      out);
	html(out, e->name);
	fprintf(out,
		"</h1>\n<p>An exercise, not real events. From %s to %s, "
		"ordered by ",
		report_when(e->from_us, a), report_when(e->until_us, b));
	html(out, x->who);
	fprintf(out, " at %s", report_when(x->at_us, a));
	if (x->end_us != 0) {
		fputs(", ended by ", out);
		html(out, x->end_who);
		fprintf(out, " at %s", report_when(x->end_us, b));
	}
	fprintf(out,
		".</p>\n<p><b>%u of %u injects were seen</b>, by %" PRIu64
		" alerts. %" PRIu64
		" alerts bore the exercise's name and were of none of its "
		"injects: they count as real.</p>\n",
		report_detected(x), e->n_injects, x->alerts, x->misplaced);
	if (x->beside > 0) {
		fprintf(out,
			"<p>Players raised %" PRIu64
			" more that are of no inject.</p>\n",
			x->beside);
	}
	fputs("<h2>Time to detection</h2>\n", out);
	html_nations(x, out);
	svg_detection(x, out);
	fputs("<h2>Injects</h2>\n<table><tr><th>inject<th>what<th>planned"
	      "<th>nation<th>site<th>first seen<th>after<th>told<th>alerts"
	      "<th>first alert</tr>\n",
	      out);
	for (unsigned i = 0; i < e->n_injects; i++) {
		html_inject(x, i, out);
	}
	fputs("</table>\n", out);
	html_incidents(x, out);
	html_real(x, out);
	html_events(x, out);
	fputs("<h2>Alerts over time</h2>\n", out);
	svg_timeline(x, out);
	fputs("</body></html>\n", out);
}
