/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_file.h - a YAML file that an operator wrote, as a document
 *
 * What all of them have in common: a limit of size, one document, and the first
 * thing that is wrong with it, with file and line.  A reader goes on with what
 * it wants and 'err' is asked once; what comes after a fault is not looked at.
 *
 * Place    above common/err.h; below every reader of such a file.
 * Threads  one.
 * Memory   the document while it is read; nodes and texts belong to it.
 * Cost     the file twice.
 */
#ifndef COLLECTOR_YAML_FILE_H
#define COLLECTOR_YAML_FILE_H

#include <yaml.h>

#include "common/err.h"

/* What kind of file it is, and how its faults are told. */
struct yaml_kind {
	size_t max; /* bytes */
	enum err fault; /* what a fault in it is: ERR_USAGE or ERR_FORMAT */
	enum err unread; /* it can be opened, and not be read */
	/* Before the path of a file that cannot be read, and behind the reason:
	 * what named it.  May be NULL. */
	const char *named, *hint;
	const char *no_yaml; /* before what libyaml says; may be NULL */
};

struct yaml_file {
	yaml_document_t doc;
	const struct yaml_kind *kind;
	const char *name;
	struct diag *d;
	enum err err; /* the first fault */
};

/* 'root' may be NULL: an empty document. */
typedef void yaml_file_reader(struct yaml_file *y, yaml_node_t *root,
			      void *arg);

/*
 * Has 'read' read the document; returns its 'err', or why there is none.  A
 * file that cannot be opened is ERR_USAGE, or, where faults are ERR_FORMAT,
 * ERR_NOTFOUND or ERR_IO.
 */
enum err yaml_file_load(const struct yaml_kind *kind, const char *path,
			yaml_file_reader *read, void *arg,
			struct diag *d) MUST_CHECK;
/* The same from memory; 'name' stands for the file. */
enum err yaml_file_parse(const struct yaml_kind *kind, const char *name,
			 struct view text, yaml_file_reader *read, void *arg,
			 struct diag *d) MUST_CHECK;

/* A fault at the line of 'n' (NULL: the first), unless there was one before. */
void yaml_file_fail(struct yaml_file *y, const yaml_node_t *n, const char *fmt,
		    ...) PRINTF_LIKE(3, 4);
/* Likewise ERR_NOMEM. */
void yaml_file_no_memory(struct yaml_file *y);
yaml_node_t *yaml_file_node(struct yaml_file *y, int id);
/* NULL: it is NULL, no text, or one with a NUL in it. */
const char *yaml_file_text(const yaml_node_t *n);

#endif
