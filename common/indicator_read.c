/* SPDX-License-Identifier: Apache-2.0 */
#include "common/indicator_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/indicator_reading.h"
#include "common/indicator_value.h"

#define MAX_JSON ((size_t)50 << 20)
#define MAX_TEXT ((size_t)256 << 20)

struct indicator
indicator_blank(const struct indicator_reading *r)
{
	return (struct indicator){
		.mark = { .tlp = TLP_RED, .limited = true },
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
indicator_mark(struct indicator *i, enum tlp t)
{
	if (!i->marked) {
		i->mark = MARKING_CLEAR;
		i->marked = true;
	}
	i->mark.tlp = MAX(i->mark.tlp, t);
}

static void
tell(struct indicator_reading *r,
     void (*fn)(void *arg, const struct indicator_refusal *r), uint32_t line,
     const char *id, const char *reason)
{
	const struct indicator_refusal told = {
		.file = r->file,
		.line = line,
		.id = id != NULL ? id : "",
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
	tell(r, r->sink->doubted, line, id, reason);
}

void
indicator_reading_add(struct indicator_reading *r, uint32_t line,
		      const struct indicator *in, struct view value)
{
	char text[INDICATOR_VALUE_CAP];
	struct indicator i = *in;
	struct diag d;
	size_t len;
	enum err e;

	if (i.valid_until_us != 0 && i.valid_until_us <= i.valid_from_us) {
		indicator_reading_refuse(r, line, i.id,
					 "valid_until is not after valid_from");
		return;
	}
	i.value = text;
	e = indicator_value_canon(i.kind, i.exact, value, text, &len, &d);
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
		r->stop = diag_set(r->d, e, "%s: %s", r->file, d.msg);
	}
}

static enum err
read_json(struct indicator_reading *r, struct view data, struct diag *d)
{
	json_error_t je;
	json_t *root;
	enum err e = ERR_OK;

	if (data.len > MAX_JSON) {
		return diag_set(d, ERR_LIMIT,
				"%s: JSON of %zu bytes; at most %zu are read: "
				"split it, or convert it to CSV",
				r->file, data.len, MAX_JSON);
	}
	root = json_loadb((const char *)data.p, data.len,
			  JSON_REJECT_DUPLICATES, &je);
	if (root == NULL) {
		return diag_set(d,
				json_error_code(&je) == json_error_out_of_memory
					? ERR_NOMEM
					: ERR_FORMAT,
				"%s:%d:%d: %s", r->file, je.line, je.column,
				je.text);
	}
	if (json_is_array(json_object_get(root, "objects"))) {
		indicator_read_stix(r, root);
	} else if (json_is_object(json_object_get(root, "Event")) ||
		   json_is_array(json_object_get(root, "response")) ||
		   json_is_array(root)) {
		indicator_read_misp(r, root);
	} else {
		e = diag_set(d, ERR_FORMAT,
			     "%s: JSON, but neither a STIX 2.1 bundle "
			     "(\"objects\") nor a MISP event (\"Event\")",
			     r->file);
	}
	json_decref(root);
	return e;
}

enum err
indicator_read_bytes(const char *name, struct view data,
		     const struct indicator_sink *s, struct indicator_report *r,
		     struct diag *d)
{
	struct indicator_reading rd = {
		.sink = s, .report = r, .d = d, .file = name
	};
	const char *slash = strrchr(name, '/');
	enum err e = ERR_OK;
	size_t i = 0;

	rd.source = slash != NULL && slash[1] != '\0' ? slash + 1 : name;
	if (data.len >= 3 && memcmp(data.p, "\xef\xbb\xbf", 3) == 0) {
		data = view_sub(data, 3, data.len);
	}
	while (i < data.len && (data.p[i] == ' ' || data.p[i] == '\t' ||
				data.p[i] == '\r' || data.p[i] == '\n')) {
		i++;
	}
	if (i < data.len && (data.p[i] == '{' || data.p[i] == '[')) {
		e = read_json(&rd, data, d);
	} else if (data.len > MAX_TEXT) {
		e = diag_set(d, ERR_LIMIT, "%s: more than %zu bytes; split it",
			     name, MAX_TEXT);
	} else {
		indicator_read_text(&rd, data);
	}
	return rd.stop != ERR_OK ? rd.stop : e;
}

/* Reads what there is, up to one byte more than any format may have. */
static enum err
read_whole(FILE *f, const char *path, char **out, size_t *len, struct diag *d)
{
	const size_t max = MAX_TEXT + 1;
	size_t cap = 0;

	*out = NULL;
	*len = 0;
	for (;;) {
		size_t got;

		if (*len == cap) {
			size_t want = MIN(max, MAX(cap * 2, 1 << 16));
			char *bigger = realloc(*out, want);

			if (bigger == NULL) {
				return diag_set(d, ERR_NOMEM,
						"%s: no memory to read it",
						path);
			}
			*out = bigger;
			cap = want;
		}
		got = fread(*out + *len, 1, cap - *len, f);
		*len += got;
		if (got == 0 || *len == max) {
			break;
		}
	}
	if (ferror(f)) {
		return diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	}
	return ERR_OK;
}

enum err
indicator_read_path(const char *path, const struct indicator_sink *s,
		    struct indicator_report *r, struct diag *d)
{
	FILE *f = fopen(path, "re");
	char *data;
	size_t len;
	enum err e;

	if (f == NULL) {
		return diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	}
	e = read_whole(f, path, &data, &len, d);
	if (e == ERR_OK) {
		e = indicator_read_bytes(path, view_of(data, len), s, r, d);
	}
	free(data);
	fclose(f);
	return e;
}
