/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_lists.h - settings with scores and countries of addresses,
 * and lists of digests
 *
 * Category "bad": 192.168.1.0/24 has 20, 192.168.1.5 in it 90; "new": 2001:
 * db8::/32 has 0.  Countries: 192.168.1.0/24 is DE, 198.51.100.0/24 is JP.
 * Lists of digests: "md5", "sha1", "sha256", each with one that begins with 10.
 *
 * Place    tests only; runs ./geoip2mmdb of the build.
 * Threads  one.
 * Memory   the caller frees the settings; files are removed by
 *          address_lists_end().
 */
#ifndef TESTS_ADDRESS_LISTS_H
#define TESTS_ADDRESS_LISTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"

#define DIGEST_10 "10000000000000000000000000000000"

struct address_lists {
	char dir[40];
	struct conf *conf;
};

static inline bool
address_lists_file(const struct address_lists *a, const char *name,
		   const char *text)
{
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", a->dir, name);
	f = fopen(path, "w");
	if (f == NULL) {
		return false;
	}
	fputs(text, f);
	return fclose(f) == 0;
}

static inline bool
address_lists_set(const struct address_lists *a, const char *key,
		  const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/%s", a->dir, name);
	return conf_set(a->conf, key, path) == ERR_OK;
}

static inline bool
address_lists_begin(struct address_lists *a)
{
	char command[200];

	strcpy(a->dir, "/tmp/picket-lists-XXXXXX");
	a->conf = conf_new();
	if (a->conf == NULL || mkdtemp(a->dir) == NULL ||
	    !address_lists_file(a, "categories",
				"# a comment\n1,bad,Known bad\n2,new,New\n") ||
	    !address_lists_file(a, "scores",
				"192.168.1.5,1,90\n"
				"192.168.1.77/24,1,20\n"
				"2001:db8::/32, 2, 0\n") ||
	    !address_lists_file(a, "countries",
				"192.168.1.0/24;DE;;;;;\n"
				"198.51.100.0/24;JP;;;;;\n") ||
	    !address_lists_file(a, "md5", DIGEST_10 "\n") ||
	    !address_lists_file(a, "sha1", DIGEST_10 "00000000\n") ||
	    !address_lists_file(a, "sha256",
				DIGEST_10
				"00000000000000000000000000000000\n")) {
		return false;
	}
	snprintf(command, sizeof(command),
		 "./geoip2mmdb %s/db Test %s/countries >/dev/null", a->dir,
		 a->dir);
	return system(command) == 0 &&
	       address_lists_set(a, "reputation-categories-file",
				 "categories") &&
	       address_lists_set(a, "geoip-database", "db") &&
	       conf_set(a->conf, "default-reputation-path", a->dir) == ERR_OK &&
	       conf_set(a->conf, "default-data-dir", a->dir) == ERR_OK &&
	       conf_set(a->conf, "reputation-files.0", "scores") == ERR_OK;
}

static inline void
address_lists_end(struct address_lists *a)
{
	static const char *const names[] = { "categories", "scores",
					     "countries",  "db",
					     "md5",        "sha1",
					     "sha256" };
	char path[80];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", a->dir, names[i]);
		unlink(path);
	}
	rmdir(a->dir);
	conf_free(a->conf);
}

#endif
