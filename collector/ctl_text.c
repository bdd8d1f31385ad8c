/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_text.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"

void
ctl_text_init(struct ctl_text *t, FILE *out)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	*t = (struct ctl_text){ .out = out, .lang = lang_of_environment() };
	t->colour = isatty(fileno(out)) == 1 && (no == NULL || *no == '\0') &&
		    (term == NULL || strcmp(term, "dumb") != 0);
}

void
ctl_text_fini(struct ctl_text *t)
{
	for (unsigned i = 0; i < CTL_TURNS; i++) {
		free(t->turn[i]);
	}
	*t = (struct ctl_text){ .out = NULL };
}

/* The buffer whose turn it is, with room for 'cap' bytes. */
static char *
take_turn(struct ctl_text *t, size_t cap)
{
	unsigned i = t->next++ % CTL_TURNS;

	free(t->turn[i]);
	t->turn[i] = malloc(cap);
	if (t->turn[i] == NULL) {
		t->failed = true;
	}
	return t->turn[i];
}

/* Reads one code point (RFC 3629 section 4); 0 bytes when there is none. */
static size_t
code_point(const uint8_t *p, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = p[0] < 0x80           ? 1
		   : (p[0] >> 5) == 0x06 ? 2
		   : (p[0] >> 4) == 0x0e ? 3
		   : (p[0] >> 3) == 0x1e ? 4
					 : 0;

	*cp = n == 1 ? p[0] : n != 0 ? p[0] & (0x7fu >> n) : 0;
	for (size_t i = 1; i < n; i++) {
		/* The NUL at the end is no continuation: never read past. */
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	if (n == 0 || *cp < least[n] || *cp > 0x10ffff ||
	    (*cp >= 0xd800 && *cp <= 0xdfff)) {
		return 0;
	}
	return n;
}

/* Control, format and direction characters move more than the cursor. */
static bool
is_printable(uint32_t cp)
{
	return cp >= 0x20 && !(cp >= 0x7f && cp <= 0x9f) && cp != 0xad &&
	       cp != 0x61c && !(cp >= 0x200b && cp <= 0x200f) &&
	       !(cp >= 0x2028 && cp <= 0x202e) &&
	       !(cp >= 0x2060 && cp <= 0x206f) && cp != 0xfeff &&
	       !(cp >= 0xfff9 && cp <= 0xfffb) &&
	       !(cp >= 0xe0000 && cp <= 0xe007f);
}

const char *
ctl_clean(struct ctl_text *t, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p = (const uint8_t *)s;
	char *out = take_turn(t, strlen(s) * 4 + 1);
	char *o = out;

	if (out == NULL) {
		return "?";
	}
	while (*p != '\0') {
		uint32_t cp;
		size_t n = code_point(p, &cp);

		if (n != 0 && is_printable(cp)) {
			memcpy(o, p, n);
			o += n;
			p += n;
			continue;
		}
		for (size_t i = 0; i < MAX(n, (size_t)1); i++, p++) {
			*o++ = '\\';
			*o++ = 'x';
			*o++ = hex[*p >> 4];
			*o++ = hex[*p & 15];
		}
	}
	*o = '\0';
	return out;
}

const char *
ctl_name(const struct ctl_text *t, const char *s)
{
	static const char *const names[] = {
		WORD("open"),   WORD("ack"),    WORD("closed"), WORD("merged"),
		WORD("live"),   WORD("silent"), WORD("ended"),  WORD("unknown"),
		WORD("opened"), WORD("raised"), WORD("split"),  WORD("address"),
		WORD("domain"),
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], s) == 0) {
			return word(t->lang, names[i]);
		}
	}
	return s;
}

const char *
ctl_time(struct ctl_text *t, uint64_t wall_us)
{
	char iso[CLOCK_ISO_CAP];
	char *out;

	if (wall_us == 0) {
		return "-";
	}
	out = take_turn(t, CLOCK_ISO_CAP);
	if (out == NULL) {
		return "?";
	}
	clock_iso(wall_us, iso);
	snprintf(out, CLOCK_ISO_CAP, "%.10s %.8sZ", iso, iso + 11);
	return out;
}

/* How many cells of a terminal a character takes (Unicode's UAX 11: wide and
 * fullwidth).  Marks that combine are counted as one: a column is too wide
 * then, never too narrow. */
static unsigned
cells(uint32_t cp)
{
	static const uint32_t wide[][2] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },
		{ 0xa960, 0xa97c },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd }
	};

	for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
		if (cp >= wide[i][0] && cp <= wide[i][1]) {
			return 2;
		}
	}
	return 1;
}

void
ctl_column(struct ctl_text *t, unsigned width, const char *s)
{
	const char *clean = ctl_clean(t, s);
	const char *p = clean, *cut = clean;
	unsigned n = 0, kept = 0;

	while (*p != '\0') {
		uint32_t cp;

		/* What ctl_clean() gave is UTF-8; "?" when it had no memory. */
		p += MAX(code_point((const uint8_t *)p, &cp), (size_t)1);
		n += cells(cp);
		if (n < width) {
			cut = p;
			kept = n;
		}
	}
	if (n > width) {
		fprintf(t->out, "%.*s~%*s ", (int)(cut - clean), clean,
			(int)(width - kept) - 1, "");
	} else {
		fprintf(t->out, "%s%*s ", clean, (int)(width - n), "");
	}
}

void
ctl_column_right(struct ctl_text *t, unsigned width, const char *s)
{
	const char *clean = ctl_clean(t, s);
	unsigned n = 0;

	for (const char *p = clean; *p != '\0';) {
		uint32_t cp;

		p += MAX(code_point((const uint8_t *)p, &cp), (size_t)1);
		n += cells(cp);
	}
	fprintf(t->out, "%*s%s ", (int)(width - MIN(n, width)), "", clean);
}

const char *
ctl_sgr(const struct ctl_text *t, const char *code)
{
	static const struct {
		const char *code, *sequence;
	} known[] = { { "0", "\033[0m" },       { "1", "\033[1m" },
		      { "2", "\033[2m" },       { "7", "\033[1;7m" },
		      { "31;1", "\033[31;1m" }, { "33;1", "\033[33;1m" },
		      { "33", "\033[33m" },     { "32", "\033[32m" },
		      { "36", "\033[36m" } };

	for (size_t i = 0; t->colour && i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].code, code) == 0) {
			return known[i].sequence;
		}
	}
	return "";
}

const char *
ctl_level(const struct ctl_text *t, unsigned level)
{
	static const char *const code[] = {
		"2", "32", "33", "33;1", "31;1", "7"
	};

	return ctl_sgr(t, code[MIN(level, 5u)]);
}

const char *
ctl_severity(const struct ctl_text *t, unsigned severity)
{
	static const char *const code[] = { "2", "31;1", "33", "36", "2" };

	return ctl_sgr(t, code[MIN(severity, 4u)]);
}
