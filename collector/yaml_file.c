/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/yaml_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_READ ((size_t)64 << 10)

void
yaml_file_fail(struct yaml_file *y, const yaml_node_t *n, const char *fmt, ...)
{
	char what[384];
	va_list ap;

	if (y->err != ERR_OK) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	y->err = diag_set(y->d, y->kind->fault, "%s:%zu: %s", y->name,
			  n != NULL ? n->start_mark.line + 1 : 1, what);
}

void
yaml_file_no_memory(struct yaml_file *y)
{
	if (y->err == ERR_OK) {
		y->err =
			diag_set(y->d, ERR_NOMEM, "%s: out of memory", y->name);
	}
}

yaml_node_t *
yaml_file_node(struct yaml_file *y, int id)
{
	return yaml_document_get_node(&y->doc, id);
}

const char *
yaml_file_text(const yaml_node_t *n)
{
	return n != NULL && n->type == YAML_SCALAR_NODE &&
			       strlen((const char *)n->data.scalar.value) ==
				       n->data.scalar.length
		       ? (const char *)n->data.scalar.value
		       : NULL;
}

static void
no_yaml(struct yaml_file *y, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR) {
		yaml_file_no_memory(y);
		return;
	}
	y->err = diag_set(y->d, y->kind->fault, "%s:%zu: %s%s", y->name,
			  parser->problem_mark.line + 1,
			  y->kind->no_yaml != NULL ? y->kind->no_yaml : "",
			  parser->problem != NULL ? parser->problem
						  : "no YAML that can be read");
}

/* What stands behind a "---" would be left out and nobody told. */
static void
read_end(struct yaml_file *y, yaml_parser_t *parser)
{
	yaml_document_t more;

	if (!yaml_parser_load(parser, &more)) {
		no_yaml(y, parser);
		return;
	}
	if (yaml_document_get_root_node(&more) != NULL) {
		yaml_file_fail(y, yaml_document_get_root_node(&more),
			       "a second document");
	}
	yaml_document_delete(&more);
}

enum err
yaml_file_parse(const struct yaml_kind *kind, const char *name,
		struct view text, yaml_file_reader *read, void *arg,
		struct diag *d)
{
	struct yaml_file y = { .kind = kind, .name = name, .d = d };
	yaml_parser_t parser;

	if (text.len > kind->max) {
		return diag_set(d, kind->fault, "%s: larger than %zu bytes",
				name, kind->max);
	}
	if (!yaml_parser_initialize(&parser)) {
		return diag_set(d, ERR_NOMEM, "%s: out of memory", name);
	}
	yaml_parser_set_input_string(
		&parser, text.len > 0 ? text.p : (const uint8_t *)"", text.len);
	if (yaml_parser_load(&parser, &y.doc)) {
		read(&y, yaml_document_get_root_node(&y.doc), arg);
		if (y.err == ERR_OK) {
			read_end(&y, &parser);
		}
		yaml_document_delete(&y.doc);
	} else {
		no_yaml(&y, &parser);
	}
	yaml_parser_delete(&parser);
	return y.err;
}

/* All of it, or one byte more than it may have. */
static enum err
read_bytes(FILE *f, size_t max, uint8_t **out, size_t *len)
{
	size_t cap = 0;
	uint8_t *grown;

	*out = NULL;
	*len = 0;
	do {
		cap = cap == 0 ? FIRST_READ : cap * 2;
		cap = MIN(cap, max + 1);
		grown = realloc(*out, cap);
		if (grown == NULL) {
			return ERR_NOMEM;
		}
		*out = grown;
		*len += fread(grown + *len, 1, cap - *len, f);
	} while (*len == cap && cap <= max);
	return ferror(f) != 0 ? ERR_IO : ERR_OK;
}

static enum err
cannot_open(const struct yaml_kind *kind, const char *path, struct diag *d)
{
	enum err e = kind->fault != ERR_FORMAT ? kind->fault
		     : errno == ENOENT         ? ERR_NOTFOUND
					       : ERR_IO;

	return diag_set(d, e, "%s%s: %s%s",
			kind->named != NULL ? kind->named : "", path,
			strerror(errno), kind->hint != NULL ? kind->hint : "");
}

enum err
yaml_file_load(const struct yaml_kind *kind, const char *path,
	       yaml_file_reader *read, void *arg, struct diag *d)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;
	size_t len;
	enum err e;

	if (f == NULL) {
		return cannot_open(kind, path, d);
	}
	e = read_bytes(f, kind->max, &bytes, &len);
	fclose(f);
	if (e == ERR_NOMEM) {
		diag_set(d, e, "%s: out of memory", path);
	} else if (e != ERR_OK) {
		e = diag_set(d, kind->unread, "%s%s: cannot be read",
			     kind->named != NULL ? kind->named : "", path);
	} else {
		e = yaml_file_parse(kind, path, view_of(bytes, len), read, arg,
				    d);
	}
	free(bytes);
	return e;
}
