/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum err
rule_file_open(struct rule_file *f, const char *path, struct diag *d)
{
	FILE *in = fopen(path, "r");
	size_t cap = 0, n;
	char *more;

	*f = (struct rule_file){ .line = 1 };
	if (in == NULL) {
		return diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	}
	do {
		if (f->len + 1 >= cap) {
			cap = cap == 0 ? 65536 : cap * 2;
			more = cap <= RULE_FILE_MAX ? realloc(f->text, cap)
						    : NULL;
			if (more == NULL) {
				fclose(in);
				rule_file_close(f);
				return diag_set(d, ERR_LIMIT, "%s: too large",
						path);
			}
			f->text = more;
		}
		n = fread(f->text + f->len, 1, cap - f->len - 1, in);
		f->len += n;
	} while (n > 0);
	if (ferror(in)) {
		int number = errno;

		fclose(in);
		rule_file_close(f);
		return diag_set(d, ERR_IO, "%s: %s", path, strerror(number));
	}
	fclose(in);
	return ERR_OK;
}

enum err
rule_file_open_setting(struct rule_file *f, const char *setting,
		       const char *path, struct diag *d)
{
	enum err e = rule_file_open(f, path, d);
	struct diag why;
	char *here;

	if (e == ERR_OK) {
		return e;
	}
	why = *d;
	here = path[0] != '/' ? getcwd(NULL, 0) : NULL;
	diag_set(d, e,
		 "%s: %.200s%s%.120s; name a file that can be read, or leave "
		 "the setting out",
		 setting, why.msg, here != NULL ? ", looked for in " : "",
		 here != NULL ? here : "");
	free(here);
	return e;
}

void
rule_file_close(struct rule_file *f)
{
	free(f->text);
	free(f->joined);
	*f = (struct rule_file){ .line = 1 };
}

static bool
physical_line(struct rule_file *f, struct view *line)
{
	size_t n;

	if (f->at >= f->len) {
		return false;
	}
	n = text_find(view_of(f->text + f->at, f->len - f->at), '\n');
	*line = text_trim(view_of(f->text + f->at, n));
	f->at += n + 1;
	f->line++;
	return true;
}

static bool
goes_on(struct view *line)
{
	if (line->len == 0 || line->p[line->len - 1] != '\\') {
		return false;
	}
	line->len--;
	return true;
}

static bool
join(struct rule_file *f, size_t at, struct view more)
{
	if (at + more.len + 1 > f->joined_cap) {
		size_t cap = (at + more.len + 1) * 2;
		char *p = realloc(f->joined, cap);

		if (p == NULL) {
			return false;
		}
		f->joined = p;
		f->joined_cap = cap;
	}
	if (more.len > 0) {
		memcpy(f->joined + at, more.p, more.len);
	}
	return true;
}

bool
rule_file_next(struct rule_file *f, struct view *text, uint32_t *line)
{
	struct view part;

	while (*line = f->line, physical_line(f, &part)) {
		size_t n = 0;
		bool more = goes_on(&part);

		if (!more) {
			*text = part;
		} else {
			for (;;) {
				if (!join(f, n, part)) {
					return false;
				}
				n += part.len;
				if (!more || !physical_line(f, &part)) {
					break;
				}
				more = goes_on(&part);
			}
			*text = text_trim(view_of(f->joined, n));
		}
		if (text->len > 0 && text->p[0] != '#') {
			return true;
		}
	}
	return false;
}
