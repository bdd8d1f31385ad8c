/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/digest_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_CAP 4096
#define SUM_MAX 32

/* The digest that a line begins with; false when it begins with none. */
static bool
read_sum(const char *line, size_t size, uint8_t *out)
{
	for (size_t i = 0; i < size; i++) {
		int hi = ascii_hex((uint8_t)line[2 * i]);
		int lo = hi < 0 ? -1 : ascii_hex((uint8_t)line[2 * i + 1]);

		if (lo < 0) {
			return false;
		}
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return line[2 * size] == '\0' ||
	       isspace((unsigned char)line[2 * size]) != 0;
}

static bool
push(struct digest_list *l, size_t *cap, const uint8_t *sum)
{
	if ((l->n + 1u) * (size_t)l->size > *cap) {
		size_t more = MAX(*cap * 2, (size_t)4096);
		uint8_t *p = realloc(l->sums, more);

		if (p == NULL) {
			return false;
		}
		l->sums = p;
		*cap = more;
	}
	memcpy(l->sums + (size_t)l->n++ * l->size, sum, l->size);
	return true;
}

static enum err
read_lines(struct digest_list *l, FILE *in, struct diag *d)
{
	char line[LINE_CAP];
	uint8_t sum[SUM_MAX];
	size_t cap = 0, total = 0;

	for (unsigned n = 1; fgets(line, sizeof(line), in) != NULL; n++) {
		size_t len = strlen(line), at = 0;

		total += len;
		if (total > DIGEST_LIST_MAX_BYTES) {
			return diag_set(d, ERR_LIMIT, "%s:%u: too large",
					l->path, n);
		}
		while (isspace((unsigned char)line[at]) != 0) {
			at++;
		}
		if (line[at] == '\0' || line[at] == '#') {
			continue;
		}
		if (!read_sum(line + at, l->size, sum)) {
			return diag_set(d, ERR_FORMAT,
					"%s:%u: not %u hexadecimal digits",
					l->path, n, l->size * 2u);
		}
		if (!push(l, &cap, sum)) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	return ferror(in) != 0
		       ? diag_set(d, ERR_IO, "%s: cannot be read", l->path)
		       : ERR_OK;
}

static int
compare_16(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static int
compare_20(const void *a, const void *b)
{
	return memcmp(a, b, 20);
}

static int
compare_32(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static int (*compare_of(size_t size))(const void *, const void *)
{
	return size == 16 ? compare_16 : size == 20 ? compare_20 : compare_32;
}

struct digest_list *
digest_list_read(const char *path, size_t size, struct diag *d)
{
	struct digest_list *l = calloc(1, sizeof(*l));
	FILE *in;

	if (l == NULL || (l->path = strdup(path)) == NULL) {
		digest_list_free(l);
		diag_set(d, ERR_NOMEM, "out of memory");
		return NULL;
	}
	l->size = (uint8_t)size;
	in = fopen(path, "re");
	if (in == NULL) {
		diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
		digest_list_free(l);
		return NULL;
	}
	if (read_lines(l, in, d) != ERR_OK) {
		fclose(in);
		digest_list_free(l);
		return NULL;
	}
	fclose(in);
	if (l->n > 0) {
		qsort(l->sums, l->n, l->size, compare_of(l->size));
	}
	return l;
}

void
digest_list_free(struct digest_list *l)
{
	while (l != NULL) {
		struct digest_list *next = l->next;

		free(l->path);
		free(l->sums);
		free(l);
		l = next;
	}
}

bool
digest_list_has(const struct digest_list *l, const uint8_t *sum)
{
	return l->n > 0 && bsearch(sum, l->sums, l->n, l->size,
				   compare_of(l->size)) != NULL;
}
