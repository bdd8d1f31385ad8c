/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/watch.h"

#include <stdio.h>
#include <sys/stat.h>

#include "common/addr.h"
#include "common/clock.h"

struct list {
	char *out;
	size_t len, cap;
	const char *bad; /* the first that is no network */
	bool full;
};

static void
add_one(struct list *l, const char *value, size_t n)
{
	struct cidr net;

	if (!cidr_parse(view_of(value, n), &net)) {
		l->bad = l->bad == NULL ? value : l->bad;
	} else if (l->cap - l->len < n + 2) {
		l->full = true;
	} else {
		if (l->len > 0) {
			l->out[l->len++] = ' ';
		}
		memcpy(l->out + l->len, value, n);
		l->len += n;
		l->out[l->len] = '\0';
	}
}

/* An item of a list, or a list as --set takes it: "[a, b]". */
static void
add(void *arg, const char *key, const char *value)
{
	static const char parted[] = "[], \t";

	(void)key;
	while (*value != '\0') {
		size_t n;

		value += strspn(value, parted);
		n = strcspn(value, parted);
		if (n > 0) {
			add_one(arg, value, n);
		}
		value += n;
	}
}

static void
read_list(const struct conf *conf, struct list *l)
{
	l->out[0] = '\0';
	add(l, "watches", conf_str(conf, "watches", ""));
	conf_each(conf, "watches.", add, l);
}

enum err
watch_check(const struct conf *conf, struct diag *d)
{
	char text[sizeof(((struct presence_facts *)0)->watches)];
	struct list l = { .out = text, .cap = sizeof(text) };

	read_list(conf, &l);
	if (l.bad != NULL) {
		return diag_set(d, ERR_USAGE,
				"watches: '%.64s' is no network; write "
				"192.0.2.0/24 or 2001:db8::/32",
				l.bad);
	}
	return l.full ? diag_set(d, ERR_USAGE,
				 "watches: the list is longer than %zu bytes; "
				 "name larger networks",
				 sizeof(text))
		      : ERR_OK;
}

/* One that is not there is as old as can be. */
static bool
is_stale(const char *path, uint64_t max_age_s)
{
	uint64_t now = clock_wall_us() / US_PER_S;
	struct stat st;

	if (stat(path, &st) < 0) {
		return true;
	}
	return st.st_mtime < 0 || now > (uint64_t)st.st_mtime + max_age_s;
}

void
watch_fill(const struct conf *conf, const char *const *indicators,
	   size_t n_indicators, struct presence_facts *out)
{
	uint64_t max = conf_u64(conf, "indicator-max-age", 0, 0,
				UINT64_C(366) * 86400);
	struct list l = { .out = out->watches, .cap = sizeof(out->watches) };

	read_list(conf, &l);
	out->indicators_stale = false;
	for (size_t i = 0; max > 0 && i < n_indicators; i++) {
		out->indicators_stale |= is_stale(indicators[i], max);
	}
}
