/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hide_args.h"

#include <stdlib.h>

static char **kept; /* so that it counts as in use at the end */

/* SCHEME://[USER]:PASSWORD@: up to the last @ of the authority (RFC 3986
 * section 3.2), as redis_url.c reads it. */
static void
hide_url(char *arg)
{
	char *from = strstr(arg, "://"), *at = NULL, *colon;

	if (from == NULL) {
		return;
	}
	from += strlen("://");
	for (char *p = from; *p != '\0' && *p != '/'; p++) {
		if (*p == '@') {
			at = p;
		}
	}
	if (at == NULL) {
		return;
	}
	colon = memchr(from, ':', (size_t)(at - from));
	from = colon != NULL ? colon + 1 : from;
	memset(from, '*', (size_t)(at - from));
}

static void
hide_setting(char *arg)
{
	char *from = strstr(arg, "password=");

	if (from != NULL) {
		from += strlen("password=");
		memset(from, '*', strlen(from));
	}
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
		hide_url(argv[i]);
		hide_setting(argv[i]);
	}
	kept = copy;
	return kept;
}
