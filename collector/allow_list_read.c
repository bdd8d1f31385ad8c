/* SPDX-License-Identifier: Apache-2.0 */
/* Lists as files: lines, or MISP's warning lists. */
#include "collector/allow_list_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err
new_list(struct allow_lists *a, const char *name)
{
	if (a->n_lists == ALLOW_MAX_LISTS) {
		return ERR_LIMIT;
	}
	snprintf(a->names[a->n_lists++], ALLOW_NAME_CAP, "%s", name);
	return ERR_OK;
}

static enum err
add_entry(struct allow_lists *a, struct view v)
{
	struct cidr net;
	enum err e;

	if (allow_is_ending(a)) {
		return ERR_CLOSED;
	}
	if (a->entries >= ALLOW_MAX_ENTRIES) {
		return ERR_LIMIT;
	}
	if (v.len > 1 && v.p[0] == '=') {
		e = allow_put_text(a, OF_TEXT, view_sub(v, 1, SIZE_MAX));
	} else if (cidr_parse(v, &net)) {
		e = allow_put_net(a, &net);
	} else {
		const uint8_t *comma =
			v.len > 0 ? memchr(v.p, ',', v.len) : NULL;

		e = allow_put_domain(
			a, comma != NULL
				   ? view_sub(v, (size_t)(comma - v.p) + 1,
					      SIZE_MAX)
				   : v);
	}
	a->entries += e == ERR_OK;
	return e;
}

static struct view
trimmed(struct view v)
{
	const uint8_t *hash =
		v.len > 0 && v.p[0] != '=' ? memchr(v.p, '#', v.len) : NULL;

	if (hash != NULL) {
		v.len = (size_t)(hash - v.p);
	}
	while (v.len > 0 && strchr(" \t\r", v.p[v.len - 1]) != NULL &&
	       v.p[v.len - 1] != '\0') {
		v.len--;
	}
	while (v.len > 0 && (v.p[0] == ' ' || v.p[0] == '\t')) {
		v = view_sub(v, 1, SIZE_MAX);
	}
	return v;
}

static enum err
say(struct diag *d, enum err e, const char *name, unsigned line)
{
	switch (e) {
	case ERR_FORMAT:
		return diag_set(d, e,
				"%s:%u: no network, name or =TEXT; a line of "
				"comment begins with #",
				name, line);
	case ERR_LIMIT:
		return diag_set(d, e, "%s:%u: more than %d entries or %d lists",
				name, line, ALLOW_MAX_ENTRIES, ALLOW_MAX_LISTS);
	case ERR_CLOSED:
		return diag_set(d, e, "%s: not read to its end: we end", name);
	default:
		return diag_set(d, e, "%s: out of memory", name);
	}
}

static enum err
read_lines(struct allow_lists *a, const char *name, struct view data,
	   struct diag *d)
{
	unsigned line = 0;

	while (data.len > 0) {
		const uint8_t *end = memchr(data.p, '\n', data.len);
		size_t n = end != NULL ? (size_t)(end - data.p) : data.len;
		struct view v = trimmed(view_of(data.p, n));
		enum err e;

		line++;
		data = view_sub(data, n + 1, SIZE_MAX);
		e = v.len > 0 ? add_entry(a, v) : ERR_OK;
		if (e != ERR_OK) {
			return say(d, e, name, line);
		}
	}
	return ERR_OK;
}

/* One entry of a warning list; those of a type that we cannot use are left. */
static enum err
add_warning(struct allow_lists *a, const char *type, const char *s)
{
	struct view v = view_cstr(s);
	struct cidr net;
	enum err e;

	if (allow_is_ending(a)) {
		return ERR_CLOSED;
	}
	if (a->entries >= ALLOW_MAX_ENTRIES) {
		return ERR_LIMIT;
	}
	if (strcmp(type, "cidr") == 0) {
		e = cidr_parse(v, &net) ? allow_put_net(a, &net) : ERR_FORMAT;
	} else if (strcmp(type, "hostname") == 0) {
		e = allow_put_domain(a, v);
	} else {
		e = allow_put_text(a, OF_TEXT, v);
		if (e == ERR_OK && cidr_parse(v, &net)) {
			e = allow_put_net(a, &net);
		} else if (e == ERR_OK && allow_is_domain(v) &&
			   memchr(v.p, '.', v.len) != NULL) {
			e = allow_put_text(a, OF_NAME, v);
		}
	}
	a->entries += e == ERR_OK;
	return e == ERR_FORMAT ? ERR_OK : e;
}

static enum err
read_json(struct allow_lists *a, const char *name, struct view data,
	  struct diag *d)
{
	json_error_t why;
	json_t *o = json_loadb((const char *)data.p, data.len, 0, &why);
	const char *type = json_string_value(json_object_get(o, "type"));
	const char *says = json_string_value(json_object_get(o, "name"));
	const json_t *list = json_object_get(o, "list");
	enum err e = ERR_OK;

	if (o == NULL) {
		e = diag_set(d, ERR_FORMAT, "%s:%d: %s", name, why.line,
			     why.text);
	} else if (type == NULL || !json_is_array(list)) {
		e = diag_set(d, ERR_FORMAT,
			     "%s: not a warning list: no \"type\" and \"list\"",
			     name);
	} else if (strcmp(type, "cidr") != 0 && strcmp(type, "hostname") != 0 &&
		   strcmp(type, "string") != 0) {
		e = diag_set(d, ERR_FORMAT,
			     "%s: a list of type '%.32s': only cidr, hostname "
			     "and string are read: leave it out",
			     name, type);
	}
	if (e == ERR_OK && says != NULL) {
		snprintf(a->names[a->n_lists - 1], ALLOW_NAME_CAP, "%s", says);
	}
	for (size_t i = 0; e == ERR_OK && i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		e = s != NULL ? add_warning(a, type, s) : ERR_OK;
		if (e != ERR_OK) {
			e = say(d, e, name, (unsigned)i);
		}
	}
	json_decref(o);
	return e;
}

enum err
allow_lists_add_bytes(struct allow_lists *a, const char *name, struct view data,
		      struct diag *d)
{
	const char *slash = strrchr(name, '/');
	enum err e = new_list(a, slash != NULL ? slash + 1 : name);

	if (e != ERR_OK) {
		return say(d, e, name, 0);
	}
	return trimmed(data).len > 0 && trimmed(data).p[0] == '{'
		       ? read_json(a, name, data, d)
		       : read_lines(a, name, data, d);
}

static enum err
add_file(struct allow_lists *a, const char *path, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st = { .st_size = 0 };
	uint8_t *bytes = NULL;
	size_t have = 0;
	ssize_t n = 1;
	enum err e = ERR_OK;

	if (fd < 0 || fstat(fd, &st) != 0) {
		e = diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) ||
		   (uint64_t)st.st_size > ALLOW_MAX_FILE) {
		e = diag_set(d, ERR_LIMIT, "%s: no file, or too large", path);
	} else if ((bytes = malloc((size_t)st.st_size + 1)) == NULL) {
		e = diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	}
	while (e == ERR_OK && have < (size_t)st.st_size && n > 0) {
		n = read(fd, bytes + have, (size_t)st.st_size - have);
		have += n > 0 ? (size_t)n : 0;
		if (n < 0 && errno == EINTR) {
			n = 1;
		} else if (n < 0) {
			e = diag_set(d, ERR_IO, "%s: %s", path,
				     strerror(errno));
		}
	}
	if (e == ERR_OK) {
		e = allow_lists_add_bytes(a, path, view_of(bytes, have), d);
	}
	free(bytes);
	if (fd >= 0) {
		close(fd);
	}
	return e;
}

static bool
is_list(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && name[0] != '.' &&
	       (strcmp(dot, ".txt") == 0 || strcmp(dot, ".csv") == 0 ||
		strcmp(dot, ".json") == 0);
}

enum err
allow_lists_add(struct allow_lists *a, const char *path, struct diag *d)
{
	struct dirent **names = NULL;
	char file[4096];
	enum err e = ERR_OK;
	int n = scandir(path, &names, NULL, alphasort);

	if (n < 0) {
		return errno == ENOTDIR ? add_file(a, path, d)
					: diag_set(d, ERR_IO, "%s: %s", path,
						   strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		if (e == ERR_OK && is_list(names[i]->d_name)) {
			snprintf(file, sizeof(file), "%s/%s", path,
				 names[i]->d_name);
			e = add_file(a, file, d);
		}
		free(names[i]);
	}
	free(names);
	return e;
}
