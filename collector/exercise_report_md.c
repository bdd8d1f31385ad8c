/* SPDX-License-Identifier: Apache-2.0 */
/* The report as Markdown. */
#include "collector/exercise_report_state.h"

#include <inttypes.h>
#include <string.h>

#include "collector/severity.h"

#define BAR_WIDTH 50

/* Whatever Markdown or HTML would take for its own, and control characters. */
static void
md(FILE *out, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c == 0x7f) {
			fprintf(out, "\\\\x%02x", c);
		} else {
			if (strchr("\\`*_{}[]()<>#+-.!|&~", c) != NULL) {
				fputc('\\', out);
			}
			fputc(c, out);
		}
	}
}

static void
md_hit(const struct exercise_report *x, unsigned n, FILE *out)
{
	const struct exercise_inject *i = &x->exercise->inject[n];
	char a[CLOCK_ISO_CAP], b[CLOCK_ISO_CAP], c[48], e[48];
	bool any = false;

	for (unsigned k = 0; k < x->n_hits; k++) {
		const struct report_hit *h = &x->hit[k];

		if (h->inject != n) {
			continue;
		}
		fputs("| ", out);
		md(out, i->id);
		fputs(" | ", out);
		md(out, i->title);
		fprintf(out, " | %s | ", report_when(i->at_us, a));
		md(out, h->owner[0] != '\0' ? h->owner : "?");
		fputs(" | ", out);
		md(out, h->site);
		fprintf(out, " | %s | %s | %s | %" PRIu64 "%s | ",
			report_when(h->first_us, b),
			report_after(x->lang, i->at_us, h->first_us, c),
			report_after(x->lang, h->first_us, h->seen_us, e),
			h->count, h->told ? word(x->lang, " (sightings)") : "");
		md(out, h->signature);
		fputs(" |\n", out);
		any = true;
	}
	if (!any) {
		fputs("| ", out);
		md(out, i->id);
		fputs(" | ", out);
		md(out, i->title);
		fprintf(out, " | %s | - | **%s** | - | - | - | 0 | - |\n",
			report_when(i->at_us, a),
			word(x->lang, report_verdict(x, n)));
	}
}

static void
md_incidents(const struct exercise_report *x, FILE *out)
{
	char a[CLOCK_ISO_CAP];

	fprintf(out, "\n## %s\n\n", word(x->lang, "Incidents"));
	if (x->n_incidents == 0) {
		fprintf(out, "%s\n", word(x->lang, "None."));
		return;
	}
	fputs(word(x->lang,
		   "| number | level | score | lead | state | begins | what |"),
	      out);
	fputs("\n|---|---|---|---|---|---|---|\n", out);
	for (unsigned i = 0; i < x->n_incidents; i++) {
		const struct report_incident *is = &x->incident[i];

		fprintf(out, "| %" PRId64 " | %u %s | %u | ", is->id, is->level,
			word(x->lang, severity_level_name(is->level)),
			is->score);
		md(out, is->lead);
		fputs(" | ", out);
		md(out, word(x->lang, is->state));
		fprintf(out, " | %s | ", report_when(is->first_us, a));
		md(out, is->title);
		fputs(" |\n", out);
	}
	if (x->incidents_left_out > 0) {
		fputc('\n', out);
		fprintf(out, word(x->lang, "and %u more."),
			x->incidents_left_out);
		fputc('\n', out);
	}
}

static void
md_missed(const struct exercise_report *x, FILE *out)
{
	static const char *const verdicts[] = { "not seen", "not begun" };
	static const char *const words[] = { WORD("Missed: "),
					     WORD("Not begun yet: ") };

	for (unsigned v = 0; v < ARRAY_LEN(verdicts); v++) {
		bool any = false;

		for (unsigned i = 0; i < x->exercise->n_injects; i++) {
			if (strcmp(report_verdict(x, i), verdicts[v]) != 0) {
				continue;
			}
			fprintf(out, "%s%s", any ? ", " : "\n",
				any ? "" : word(x->lang, words[v]));
			md(out, x->exercise->inject[i].id);
			any = true;
		}
		fputs(any ? "\n" : "", out);
	}
}

static void
md_nations(const struct exercise_report *x, FILE *out)
{
	char a[48], b[48];

	fprintf(out, "\n## %s\n\n%s\n|---|---|---|---|\n",
		word(x->lang, "Time to detection"),
		word(x->lang, "| nation | injects seen | median | longest |"));
	for (unsigned i = 0; i < x->n_nations; i++) {
		const struct report_nation *n = &x->nation[i];

		fputs("| ", out);
		md(out, n->name[0] != '\0' ? n->name : "?");
		fputs(" | ", out);
		fprintf(out, word(x->lang, "%u of %u"), n->seen,
			x->exercise->n_injects);
		fprintf(out, " | %s | %s |\n",
			n->timed > 0
				? report_after(x->lang, 1, n->median_us + 1, a)
				: "-",
			n->timed > 0
				? report_after(x->lang, 1, n->longest_us + 1, b)
				: "-");
	}
}

static void
md_real(const struct exercise_report *x, FILE *out)
{
	fprintf(out, "\n## %s\n\n", word(x->lang, "Real events meanwhile"));
	fprintf(out,
		word(x->lang, "%" PRIu64 " real alerts while it was held; real "
			      "incidents: %u."),
		x->real_alerts, x->n_real + x->real_left_out);
	fputs(x->n_real > 0 ? "\n\n" : "\n", out);
	for (unsigned i = 0; i < x->n_real; i++) {
		fprintf(out, "- %" PRId64 ", ", x->real[i].id);
		fprintf(out, word(x->lang, "level %u %s, "), x->real[i].level,
			word(x->lang, severity_level_name(x->real[i].level)));
		md(out, word(x->lang, x->real[i].state));
		fputs(": ", out);
		md(out, x->real[i].title);
		fputc('\n', out);
	}
}

static void
md_events(const struct exercise_report *x, FILE *out)
{
	char a[CLOCK_ISO_CAP];

	fprintf(out, "\n## %s\n\n%s\n|---|---|\n",
		word(x->lang, "What happened when"),
		word(x->lang, "| when | what |"));
	for (unsigned i = 0; i < x->n_events; i++) {
		fprintf(out, "| %s | ", report_when(x->event[i].at_us, a));
		md(out, x->event[i].text);
		fputs(" |\n", out);
	}
}

static void
md_timeline(const struct exercise_report *x, FILE *out)
{
	uint64_t top = report_highest(x);
	char a[CLOCK_ISO_CAP];

	fprintf(out, "\n## %s\n\n", word(x->lang, "Alerts over time"));
	if (x->n_bars == 0) {
		fprintf(out, "%s\n", word(x->lang, "None."));
		return;
	}
	fputs("```\n", out);
	for (unsigned i = 0; i < x->n_bars; i++) {
		unsigned n = (unsigned)(x->bar[i] * BAR_WIDTH / top);

		fprintf(out, "%s %8" PRIu64 " ",
			report_when(x->bar_from_us + i * x->bar_us, a),
			x->bar[i]);
		for (unsigned k = 0; k < n; k++) {
			fputc('#', out);
		}
		fputc('\n', out);
	}
	fputs("```\n", out);
}

void
exercise_report_markdown(const struct exercise_report *x, FILE *out)
{
	const struct exercise *e = x->exercise;
	char a[CLOCK_ISO_CAP], b[CLOCK_ISO_CAP];
	char net[ADDR_TEXT_CAP + 4];

	fprintf(out, "# %s", word(x->lang, "After-action report: "));
	md(out, e->name);
	fputs("\n\n", out);
	fprintf(out,
		word(x->lang, "An exercise, not real events. From %s to %s, "),
		report_when(e->from_us, a), report_when(e->until_us, b));
	fputs(word(x->lang, "ordered by "), out);
	md(out, x->who);
	fprintf(out, word(x->lang, " at %s"), report_when(x->at_us, a));
	if (x->end_us != 0) {
		fputs(word(x->lang, ", ended by "), out);
		md(out, x->end_who);
		fprintf(out, word(x->lang, " at %s"),
			report_when(x->end_us, a));
	}
	fprintf(out, "%s\n%s", word(x->lang, "."), word(x->lang, "Ranges:"));
	for (unsigned i = 0; i < e->n_ranges; i++) {
		cidr_format(&e->range[i], net);
		fprintf(out, " %s", net);
	}
	fprintf(out, "%s\n\n**", word(x->lang, "."));
	fprintf(out, word(x->lang, "%u of %u injects were seen"),
		report_detected(x), e->n_injects);
	fputs("**", out);
	fprintf(out,
		word(x->lang, ", by %" PRIu64 " alerts. %" PRIu64
			      " alerts bore the exercise's name and were of "
			      "none of its injects: they count as real."),
		x->alerts, x->misplaced);
	fputc('\n', out);
	if (x->beside > 0) {
		fprintf(out,
			word(x->lang, "Players raised %" PRIu64
				      " more that are of no inject."),
			x->beside);
		fputc('\n', out);
	}
	md_missed(x, out);
	md_nations(x, out);
	fprintf(out, "\n## %s\n\n", word(x->lang, "Injects"));
	fputs(word(x->lang, "\"After\" is from the planned begin to the first "
			    "packet that "
			    "raised an alert, \"told\" from there to the "
			    "collector. What a "
			    "partner's collector "
			    "told is counted in sightings."),
	      out);
	fprintf(out, "\n\n%s\n|---|---|---|---|---|---|---|---|---|---|\n",
		word(x->lang, "| inject | what | planned | nation | site | "
			      "first seen | after | told | alerts | first "
			      "alert |"));
	for (unsigned i = 0; i < e->n_injects; i++) {
		md_hit(x, i, out);
	}
	md_incidents(x, out);
	md_real(x, out);
	md_events(x, out);
	md_timeline(x, out);
}
