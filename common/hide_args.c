/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hide_args.h"

#include <stdlib.h>

/* So that it counts as in use at the end; nobody reads it. */
static char **volatile kept;

/* SCHEME://[USER]:PASSWORD@: up to the last @ of the authority (RFC 3986
 * section 3.2), as redis_url.c reads it. */
static struct view
url_password(const char *arg)
{
	const char *from = strstr(arg, "://"), *at = NULL, *colon;

	if (from == NULL) {
		return VIEW_NONE;
	}
	from += strlen("://");
	for (const char *p = from; *p != '\0' && *p != '/'; p++) {
		if (*p == '@') {
			at = p;
		}
	}
	if (at == NULL) {
		return VIEW_NONE;
	}
	colon = memchr(from, ':', (size_t)(at - from));
	from = colon != NULL ? colon + 1 : from;
	return view_of(from, (size_t)(at - from));
}

static struct view
set_password(const char *arg)
{
	const char *from = strstr(arg, "password=");

	return from != NULL ? view_cstr(from + strlen("password=")) : VIEW_NONE;
}

/* Where 'v', which is a part of 'arg', lies in 'copy' of at most 'n' bytes. */
static void
cover(char *copy, size_t n, const char *arg, struct view v)
{
	size_t at;

	if (v.len > 0) {
		at = (size_t)((const char *)v.p - arg);
		memset(copy + MIN(at, n), '*', MIN(at + v.len, n) - MIN(at, n));
	}
}

const char *
hide_arg(const char *arg, char out[HIDE_ARG_CAP])
{
	size_t n = MIN(strlen(arg), (size_t)HIDE_ARG_CAP - 1);

	memcpy(out, arg, n);
	out[n] = '\0';
	cover(out, n, arg, url_password(arg));
	cover(out, n, arg, set_password(arg));
	return out;
}

bool
hide_arg_has(const char *arg)
{
	return url_password(arg).len > 0 || set_password(arg).len > 0;
}

char **
hide_args(int argc, char **argv)
{
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));
	bool good = copy != NULL;

	for (int i = 0; good && i < argc; i++) {
		copy[i] = strdup(argv[i]);
		good = copy[i] != NULL;
	}
	if (!good) {
		for (int i = 0; copy != NULL && i < argc; i++) {
			free(copy[i]);
		}
		free(copy);
		return argv;
	}
	for (int i = 1; i < argc; i++) {
		struct view url = url_password(argv[i]);
		struct view set = set_password(argv[i]);
		size_t n = strlen(argv[i]);

		cover(argv[i], n, argv[i], url);
		cover(argv[i], n, argv[i], set);
	}
	kept = copy;
	return copy;
}
