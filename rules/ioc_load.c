/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/ioc_reading.h"

static bool
keep_refusal(struct ioc_reading *r, uint32_t line, const char *id,
	     const char *reason)
{
	struct ioc_load_report *rep = r->report;
	struct ioc_refusal *f;

	/* The list is reserved whole: its bound is low. */
	if (rep->refusals == NULL) {
		rep->refusals =
			calloc(IOC_LOAD_MAX_REFUSALS, sizeof(*rep->refusals));
		if (rep->refusals == NULL) {
			return false;
		}
	}
	f = &rep->refusals[rep->n_refusals];
	f->line = line;
	f->file = strdup(r->file);
	f->id = strdup(id != NULL ? id : "");
	f->reason = strdup(reason);
	rep->n_refusals++;
	return f->file != NULL && f->id != NULL && f->reason != NULL;
}

static void
refuse(struct ioc_reading *r, uint32_t line, const char *id, const char *reason)
{
	r->report->total++;
	r->report->refused++;
	if (r->report->n_refusals < IOC_LOAD_MAX_REFUSALS &&
	    !keep_refusal(r, line, id, reason)) {
		r->nomem = true;
	}
}

void
ioc_reading_refuse(struct ioc_reading *r, uint32_t line, const char *id,
		   const char *fmt, ...)
{
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	refuse(r, line, id, reason);
}

void
ioc_reading_add(struct ioc_reading *r, uint32_t line,
		const struct ioc_note *note, struct view value)
{
	uint32_t before = ioc_set_count(r->set);
	struct diag d;
	enum err e;

	if (note->valid_until_us != 0 &&
	    note->valid_until_us <= note->valid_from_us) {
		ioc_reading_refuse(r, line, note->id,
				   "valid_until is not after valid_from");
		return;
	}
	e = ioc_set_add(r->set, note, value, &d);
	if (e == ERR_OK) {
		r->report->total++;
		r->report->loaded++;
		r->report->repeated += ioc_set_count(r->set) == before;
	} else if (e == ERR_FORMAT) {
		ioc_reading_refuse(r, line, note->id, "%s '%.*s': %s",
				   ioc_type_name(note->type),
				   (int)MIN(value.len, 200), value.p, d.msg);
	} else {
		r->nomem = true;
	}
}

static enum err
read_json(struct ioc_reading *r, struct view data, struct diag *d)
{
	json_error_t je;
	json_t *root;
	enum err e = ERR_OK;

	if (data.len > IOC_LOAD_MAX_JSON) {
		return diag_set(d, ERR_LIMIT,
				"%s: JSON of %zu bytes; at most %zu are read: "
				"split it, or convert it to CSV",
				r->file, data.len, IOC_LOAD_MAX_JSON);
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
		ioc_read_stix(r, root);
	} else if (json_is_object(json_object_get(root, "Event")) ||
		   json_is_array(json_object_get(root, "response")) ||
		   json_is_array(root)) {
		ioc_read_misp(r, root);
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
ioc_load_bytes(struct ioc_set *set, const char *name, struct view data,
	       struct ioc_load_report *report, struct diag *d)
{
	struct ioc_reading r = { .set = set, .report = report, .file = name };
	const char *slash = strrchr(name, '/');
	enum err e = ERR_OK;
	size_t i = 0;

	r.source = slash != NULL && slash[1] != '\0' ? slash + 1 : name;
	if (data.len >= 3 && memcmp(data.p, "\xef\xbb\xbf", 3) == 0) {
		data = view_sub(data, 3, data.len);
	}
	while (i < data.len && (data.p[i] == ' ' || data.p[i] == '\t' ||
				data.p[i] == '\r' || data.p[i] == '\n')) {
		i++;
	}
	if (i < data.len && (data.p[i] == '{' || data.p[i] == '[')) {
		e = read_json(&r, data, d);
	} else if (data.len > IOC_LOAD_MAX_TEXT) {
		e = diag_set(d, ERR_LIMIT, "%s: more than %zu bytes; split it",
			     name, IOC_LOAD_MAX_TEXT);
	} else {
		ioc_read_text(&r, data);
	}
	if (r.nomem) {
		return diag_set(d, ERR_NOMEM, "%s: no memory for indicators",
				name);
	}
	return e;
}

/* Reads what there is, up to one byte more than any format may have. */
static enum err
read_whole(FILE *f, const char *path, char **out, size_t *len, struct diag *d)
{
	const size_t max = IOC_LOAD_MAX_TEXT + 1;
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
ioc_load_file(struct ioc_set *set, const char *path,
	      struct ioc_load_report *report, struct diag *d)
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
		e = ioc_load_bytes(set, path, view_of(data, len), report, d);
	}
	free(data);
	fclose(f);
	return e;
}

void
ioc_load_report_fini(struct ioc_load_report *report)
{
	for (uint32_t i = 0; i < report->n_refusals; i++) {
		free(report->refusals[i].file);
		free(report->refusals[i].id);
		free(report->refusals[i].reason);
	}
	free(report->refusals);
	*report = (struct ioc_load_report){ 0 };
}
