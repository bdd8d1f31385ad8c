/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "common/indicator_reading.h"
#include "common/indicator_value.h"
#include "common/pattern.h"

struct marking
indicator_mark_strictest(void)
{
	return (struct marking){ .tlp = TLP_RED, .limited = true };
}

struct indicator
indicator_blank(const struct indicator_reading *r)
{
	return (struct indicator){
		.mark = indicator_mark_strictest(),
		.severity = 1,
		.confidence = INDICATOR_CONFIDENCE_UNKNOWN,
		.value = "",
		.id = "",
		.source = r->source,
		.created_by = "",
		.description = "",
		.labels = "",
		.tactic = "",
		.kill_chain = "",
	};
}

void
indicator_mark(struct indicator *i, const struct marking *m)
{
	if (!i->marked) {
		i->mark = MARKING_CLEAR;
		i->marked = true;
	}
	marking_join(&i->mark, m);
}

void
indicator_mark_label(struct indicator *i, struct view label)
{
	struct marking m = MARKING_CLEAR;

	if (!view_caseeq(view_sub(label, 0, 4), VIEW_LIT("tlp:"))) {
		return;
	}
	if (!tlp_read(label, &m.tlp)) {
		/* "tlp:ex:chr" and the like ask for something. */
		m = indicator_mark_strictest();
	}
	indicator_mark(i, &m);
}

/* What strangers wrote is shown on terminals. */
static void
show_safely(char *text)
{
	for (; *text != '\0'; text++) {
		uint8_t c = (uint8_t)*text;

		*text = c < ' ' || c == 0x7f ? '?' : *text;
	}
}

static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		uint8_t c = (uint8_t)*text;

		if (c < ' ' || c == 0x7f) {
			return false;
		}
	}
	return true;
}

static void
tell(struct indicator_reading *r,
     void (*fn)(void *arg, const struct indicator_refusal *r), uint32_t line,
     const char *id, const char *reason)
{
	const struct indicator_refusal told = {
		.file = r->file,
		.line = line,
		.id = id != NULL && is_plain(id) ? id : "",
		.reason = reason,
	};

	if (fn != NULL) {
		fn(r->sink->arg, &told);
	}
}

void
indicator_reading_refuse(struct indicator_reading *r, uint32_t line,
			 const char *id, const char *fmt, ...)
{
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	show_safely(reason);
	r->report->total++;
	r->report->refused++;
	tell(r, r->sink->refused, line, id, reason);
}

void
indicator_reading_doubt(struct indicator_reading *r, uint32_t line,
			const char *id, const char *fmt, ...)
{
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	show_safely(reason);
	tell(r, r->sink->doubted, line, id, reason);
}

void
indicator_reading_stop(struct indicator_reading *r, enum err e, const char *why)
{
	if (r->stop == ERR_OK) {
		r->stop = diag_set(r->d, e, "%s: %s", r->file, why);
	}
}

void
indicator_reading_add(struct indicator_reading *r, uint32_t line,
		      const struct indicator *in, struct view value)
{
	char text[INDICATOR_VALUE_CAP];
	struct indicator i = *in;
	struct diag d = { "" };
	enum err e = ERR_OK;
	size_t len;

	if (i.valid_until_us != 0 && i.valid_until_us <= i.valid_from_us) {
		indicator_reading_refuse(r, line, i.id,
					 "valid_until is not after valid_from");
		return;
	}
	if (!is_plain(i.id)) {
		indicator_reading_refuse(r, line, NULL,
					 "control bytes in its id");
		return;
	}
	if (i.kind == INDICATOR_PATTERN) {
		i.value = (const char *)value.p;
	} else {
		i.value = text;
		e = indicator_value_canon(i.kind, i.exact, value, text, &len,
					  &d);
	}
	if (e == ERR_OK) {
		e = r->sink->take(r->sink->arg, &i, &d);
	}
	if (e == ERR_OK) {
		r->report->total++;
		r->report->loaded++;
	} else if (e == ERR_FORMAT) {
		indicator_reading_refuse(r, line, i.id, "%s '%.*s': %s",
					 indicator_kind_name(i.kind),
					 (int)MIN(value.len, 200), value.p,
					 d.msg);
	} else {
		indicator_reading_stop(r, e, d.msg);
	}
}

/* The entries that one pattern is. */
struct alternatives {
	struct indicator_reading *r;
	uint32_t line;
	struct indicator i;
};

static enum err
on_value(void *arg, enum indicator_kind kind, bool exact, struct view value)
{
	struct alternatives *x = arg;

	x->i.kind = kind;
	x->i.exact = exact;
	indicator_reading_add(x->r, x->line, &x->i, value);
	return x->r->stop;
}

/*
 * What its source takes back is taken back whatever its pattern says by now:
 * handed on by its id, under a name that nobody has.  False: its id is no part
 * of a name, so it goes the way of all others.
 */
static bool
add_taken_back(struct indicator_reading *r, uint32_t line,
	       const struct indicator *in)
{
	char name[INDICATOR_ID_CAP + 32];
	char text[INDICATOR_VALUE_CAP];
	struct indicator i = *in;
	size_t len;
	int n = snprintf(name, sizeof(name), "%s.forgotten.invalid", i.id);
	struct view value = view_of(name, (size_t)n);

	if (!i.revoked || i.id[0] == '\0' ||
	    indicator_value_canon(INDICATOR_DOMAIN, true, value, text, &len,
				  NULL) != ERR_OK) {
		return false;
	}
	i.kind = INDICATOR_DOMAIN;
	i.exact = true;
	indicator_reading_add(r, line, &i, value);
	return true;
}

static enum err
on_unseen(void *arg, const char *why)
{
	struct alternatives *x = arg;

	if (!add_taken_back(x->r, x->line, &x->i)) {
		indicator_reading_refuse(x->r, x->line, x->i.id, "%s", why);
	}
	return x->r->stop;
}

/* What says more than a list of values is one entry, in its one spelling. */
static void
add_whole(struct indicator_reading *r, uint32_t line,
	  const struct indicator *in, const struct pattern *p)
{
	char text[INDICATOR_PATTERN_CAP];
	struct indicator i = *in;
	struct diag d;

	if (pattern_supported(p, &d) != ERR_OK) {
		if (add_taken_back(r, line, in)) {
			return;
		}
		indicator_reading_refuse(r, line, i.id, "%s", d.msg);
	} else if (pattern_print(p, text, sizeof(text)) >= sizeof(text)) {
		indicator_reading_refuse(r, line, i.id,
					 "a pattern of more than %d bytes",
					 INDICATOR_PATTERN_CAP - 1);
	} else {
		i.kind = INDICATOR_PATTERN;
		i.exact = false;
		indicator_reading_add(r, line, &i, view_cstr(text));
	}
}

void
indicator_reading_pattern(struct indicator_reading *r, uint32_t line,
			  const struct indicator *i, struct view text)
{
	struct alternatives x = { r, line, *i };
	struct pattern *p = NULL;
	struct diag d = { "" };
	enum err e = pattern_parse(&p, text, &d);

	if (e == ERR_NOMEM) {
		indicator_reading_stop(r, e, "out of memory");
	} else if (e != ERR_OK) {
		if (!add_taken_back(r, line, i)) {
			indicator_reading_refuse(r, line, i->id, "%s", d.msg);
		}
	} else if (!pattern_alternatives(p, on_value, on_unseen, &x, &e)) {
		add_whole(r, line, i, p);
	} else if (e != ERR_OK) {
		indicator_reading_stop(r, e, "it cannot be read on");
	}
	pattern_free(p);
}
