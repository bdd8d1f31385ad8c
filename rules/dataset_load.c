/* SPDX-License-Identifier: Apache-2.0 */
/* Files of values: read into a set, written from one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/dataset_json.h"
#include "rules/rule_text.h"

#define MAX_REP 65535
/* base64 of the longest value, a number behind it */
#define MAX_LINE (DATASET_MAX_VALUE / 3 * 4 + 64)

struct filling {
	struct dataset *set;
	const char *name;
	uint8_t *room; /* DATASET_MAX_VALUE bytes */
};

/* All of 'n' bytes in hexadecimal. */
static bool
read_hex(struct view v, uint8_t *out, size_t n)
{
	if (v.len != 2 * n) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		int hi = ascii_hex(v.p[2 * i]), lo = ascii_hex(v.p[2 * i + 1]);

		if (hi < 0 || lo < 0) {
			return false;
		}
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* RFC 4648 section 4, strictly; padding may be left out. */
static bool
read_base64(struct view v, uint8_t *out, size_t *len)
{
	size_t pad = 0, n = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	while (pad < 2 && v.len > 0 && v.p[v.len - 1] == '=') {
		v.len--;
		pad++;
	}
	if (v.len == 0 || v.len % 4 == 1 ||
	    (pad > 0 && (v.len + pad) % 4 != 0) ||
	    v.len / 4 * 3 + 2 > DATASET_MAX_VALUE) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		int digit = text_base64_digit(v.p[i]);

		if (digit < 0) {
			return false;
		}
		bits = (bits << 6 | (uint32_t)digit) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	*len = n;
	return true;
}

/* A value as files spell it; a string of a JSON file stands for itself. */
static bool
read_value(const struct dataset *set, struct view v, uint8_t *room,
	   struct view *key)
{
	struct addr a;
	size_t n;

	switch (set->type) {
	case DATASET_STRING:
		if (set->format != DATASET_CSV) {
			*key = v;
			return v.len > 0 && v.len <= DATASET_MAX_VALUE;
		}
		if (!read_base64(v, room, &n)) {
			return false;
		}
		*key = view_of(room, n);
		return true;
	case DATASET_MD5:
		*key = view_of(room, 16);
		return read_hex(v, room, 16);
	case DATASET_SHA256:
		*key = view_of(room, 32);
		return read_hex(v, room, 32);
	case DATASET_IPV4:
	case DATASET_IP:
		if (!addr_parse(v, &a) ||
		    (set->type == DATASET_IPV4 && !addr_is_v4(&a))) {
			return false;
		}
		memcpy(room, a.b, 16);
		*key = set->type == DATASET_IP ? view_of(room, 16)
					       : view_of(room + 12, 4);
		return true;
	case DATASET_NONE:
		break;
	}
	return false;
}

static const char *
type_spelling(enum dataset_type t)
{
	static const char *const words[] = {
		[DATASET_NONE] = "",
		[DATASET_STRING] = "base64",
		[DATASET_MD5] = "32 hexadecimal digits",
		[DATASET_SHA256] = "64 hexadecimal digits",
		[DATASET_IPV4] = "an IPv4 address",
		[DATASET_IP] = "an IPv4 or IPv6 address",
	};

	return words[t];
}

static enum err
take(void *arg, struct view value, char *json, uint32_t line, struct diag *d)
{
	struct filling *f = arg;
	struct dataset_value *v = NULL;
	struct view key = VIEW_NONE;
	enum err e;

	if (!read_value(f->set, value, f->room, &key)) {
		free(json);
		return diag_set(d, ERR_FORMAT, "%s:%u: \"%.*s\" is not %s",
				f->name, line, TEXT_ARG(value),
				f->set->format != DATASET_CSV &&
						f->set->type == DATASET_STRING
					? "a string that fits"
					: type_spelling(f->set->type));
	}
	e = dataset_table_add(&f->set->table, key, &v);
	if (e == ERR_OK && json != NULL) {
		v->json = json;
		return ERR_OK;
	}
	free(json);
	if (e == ERR_LIMIT) {
		return diag_set(d, e, "%s:%u: larger than memcap", f->name,
				line);
	}
	if (e == ERR_NOMEM) {
		return diag_set(d, e, "%s:%u: out of memory", f->name, line);
	}
	return ERR_OK; /* twice is as good as once */
}

static enum err
take_rep(struct filling *f, struct view value, struct view number,
	 uint32_t line, struct diag *d)
{
	const struct dataset_value *v;
	struct view key = VIEW_NONE;
	uint64_t n = 0;
	enum err e;

	if (!text_u64(text_trim(number), &n) || n > MAX_REP) {
		return diag_set(d, ERR_FORMAT,
				"%s:%u: \"%.*s\" is not a datarep value "
				"from 0 to %d",
				f->name, line, TEXT_ARG(number), MAX_REP);
	}
	e = take(f, value, NULL, line, d);
	if (e == ERR_OK && read_value(f->set, value, f->room, &key)) {
		v = dataset_table_find(&f->set->table, key);
		((struct dataset_value *)v)->rep = (uint16_t)n;
	}
	return e;
}

static enum err
read_csv(struct filling *f, struct view text, struct diag *d)
{
	bool first = true;
	uint32_t line = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK && text.len > 0) {
		size_t n = text_find(text, '\n'), comma;
		struct view one = text_trim(view_of(text.p, n));

		line++;
		text = view_sub(text, n + 1, text.len);
		if (one.len == 0) {
			continue;
		}
		if (one.len > MAX_LINE) {
			return diag_set(d, ERR_LIMIT,
					"%s:%u: longer than %zu bytes", f->name,
					line, MAX_LINE);
		}
		comma = text_find(one, ',');
		if (first) { /* it says what the file is */
			f->set->rep = comma < one.len;
			first = false;
		}
		if ((comma < one.len) != f->set->rep) {
			return diag_set(d, ERR_FORMAT,
					"%s:%u: %s; dataset and datarep values "
					"cannot be mixed in the set \"%s\"",
					f->name, line,
					f->set->rep ? "no value behind a comma"
						    : "a value behind a comma",
					f->set->name);
		}
		if (f->set->rep) {
			e = take_rep(f, text_trim(view_of(one.p, comma)),
				     view_sub(one, comma + 1, one.len), line,
				     d);
		} else {
			e = take(f, one, NULL, line, d);
		}
	}
	return e;
}

enum err
dataset_read(struct dataset *set, const struct dataset_spec *spec,
	     struct view text, const char *name, struct diag *d)
{
	struct filling f = { .set = set, .name = name };
	enum err e;

	f.room = malloc(DATASET_MAX_VALUE);
	if (f.room == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	switch (set->format) {
	case DATASET_JSON:
		e = dataset_json_array(spec, text, name, take, &f, d);
		break;
	case DATASET_NDJSON:
		e = dataset_json_lines(spec, text, name, take, &f, d);
		break;
	default:
		e = read_csv(&f, text, d);
		break;
	}
	free(f.room);
	return e;
}

static void
write_base64(FILE *out, struct view v)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
				     "pqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < v.len; i += 3) {
		size_t left = MIN(v.len - i, (size_t)3);
		uint32_t x = (uint32_t)v.p[i] << 16;
		char four[4];

		x |= left > 1 ? (uint32_t)v.p[i + 1] << 8 : 0;
		x |= left > 2 ? v.p[i + 2] : 0;
		for (unsigned k = 0; k < 4; k++) {
			four[k] = k <= left ? digits[x >> (18 - 6 * k) & 63]
					    : '=';
		}
		fwrite(four, 1, 4, out);
	}
}

static void
write_value(FILE *out, enum dataset_type type, struct view v)
{
	char text[ADDR_TEXT_CAP];
	struct addr a;

	switch (type) {
	case DATASET_STRING:
		write_base64(out, v);
		break;
	case DATASET_IPV4:
	case DATASET_IP:
		a = v.len == 4 ? addr_from_v4(v.p) : addr_from_v6(v.p);
		fwrite(text, 1, addr_format(&a, text), out);
		break;
	default:
		for (size_t i = 0; i < v.len; i++) {
			fprintf(out, "%02x", v.p[i]);
		}
		break;
	}
}

enum err
dataset_write(const struct dataset *set, const struct dataset_table *table,
	      struct diag *d)
{
	char *temp = NULL;
	FILE *out = NULL;
	int fd = -1;
	bool good = false;

	if (asprintf(&temp, "%s.XXXXXX", set->save) < 0) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	fd = mkstemp(temp);
	if (fd >= 0) {
		out = fdopen(fd, "w");
	}
	if (out != NULL) {
		for (uint32_t i = 0; i < table->n; i++) {
			const struct dataset_value *v = &table->v[i];

			if (!v->live) {
				continue;
			}
			write_value(out, set->type, dataset_value_bytes(v));
			if (set->rep) {
				fprintf(out, ",%u", v->rep);
			}
			fputc('\n', out);
		}
		good = !ferror(out) && fchmod(fd, 0640) == 0 &&
		       fflush(out) == 0 && fsync(fd) == 0;
		good = fclose(out) == 0 && good;
		good = good && rename(temp, set->save) == 0;
	}
	if (!good) {
		diag_set(d, ERR_IO, "dataset %s: cannot be saved to %s: %s",
			 set->name, set->save, strerror(errno));
		if (out == NULL && fd >= 0) {
			close(fd);
		}
		if (fd >= 0) {
			unlink(temp);
		}
	}
	free(temp);
	return good ? ERR_OK : ERR_IO;
}

enum err
dataset_can_write(const struct dataset *set, struct diag *d)
{
	const char *slash = strrchr(set->save, '/');
	struct stat st;
	char *dir;
	enum err e = ERR_OK;

	dir = slash == NULL
		      ? strdup(".")
		      : strndup(set->save, (size_t)MAX(slash - set->save, 1));
	if (dir == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		e = ERR_IO;
	} else if (access(dir, W_OK | X_OK) != 0) {
		e = ERR_IO;
	} else if (stat(set->save, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		e = ERR_IO;
	}
	if (e != ERR_OK) {
		diag_set(d, ERR_IO,
			 "dataset %s: cannot be saved to %s: %s; make that "
			 "directory, or name another with --data-dir",
			 set->name, set->save, strerror(errno));
	}
	free(dir);
	return e;
}
