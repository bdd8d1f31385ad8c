/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that go with rules, each up to a NUL: rules, threshold file,
 * reputation categories, reputation scores, references; what is left is a
 * MaxMind database, if it is anything: one that cannot be opened ends the load.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rules/held.h"
#include "rules/ruleset.h"
#include "rules/threshold.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define N_FILES 6

struct part {
	int fd;
	char path[64];
};

static bool
keep(struct part *p, struct view v)
{
	p->fd = memfd_create("part", 0);
	snprintf(p->path, sizeof(p->path), "/proc/self/fd/%d", p->fd);
	return p->fd >= 0 &&
	       (v.len == 0 || write(p->fd, v.p, v.len) == (ssize_t)v.len);
}

/* Every rule matches a few times, from two hosts, at leaping times. */
static void
count(const struct ruleset *rs)
{
	struct threshold_table *t = threshold_table_new(8);
	struct held *h = held_new();
	struct threshold_key key = { .flow_id = 1 };

	for (uint32_t i = 0; t != NULL && h != NULL && i < 64; i++) {
		const struct rule *r =
			ruleset_rule(rs, i % MAX(ruleset_count(rs), 1u));

		key.src.b[15] = (uint8_t)(i / 7 & 1);
		if (r != NULL &&
		    threshold_check(t, r, &key, (uint64_t)i << (i % 40)) !=
			    THRESHOLD_PASS) {
			held_add(h, r, HELD_THRESHOLD);
		}
	}
	if (h != NULL && t != NULL &&
	    held_total(h, HELD_THRESHOLD) != threshold_suppressed(t)) {
		abort();
	}
	threshold_table_free(t);
	held_free(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[N_FILES] = {
		NULL,
		"threshold-file",
		"reputation-categories-file",
		"reputation-files.0",
		"reference-config-file",
		"geoip-database",
	};
	struct view rest = view_of(data, size);
	struct part parts[N_FILES];
	struct conf *conf = conf_new();
	struct ruleset *rs = NULL;
	const char *patterns[1];
	bool good = conf != NULL;
	struct diag d;

	for (unsigned i = 0; i < N_FILES; i++) {
		const uint8_t *nul = i + 1 < N_FILES && rest.len > 0
					     ? memchr(rest.p, 0, rest.len)
					     : NULL;
		size_t n = nul != NULL ? (size_t)(nul - rest.p) : rest.len;
		bool named = keys[i] != NULL && (i + 1 < N_FILES || n > 0);

		good = keep(&parts[i], view_sub(rest, 0, n)) && good;
		rest = view_sub(rest, MIN(n + 1, rest.len), rest.len);
		good = good && (!named || conf_set(conf, keys[i],
						   parts[i].path) == ERR_OK);
	}
	if (good) {
		patterns[0] = parts[0].path;
		rs = ruleset_load(conf, patterns, 1, NULL, 0, &d);
	}
	if (rs != NULL) {
		count(rs);
	}
	ruleset_free(rs);
	conf_free(conf);
	for (unsigned i = 0; i < N_FILES; i++) {
		if (parts[i].fd >= 0) {
			close(parts[i].fd);
		}
	}
	return 0;
}
