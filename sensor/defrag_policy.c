/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/defrag_policy.h"

#include <stdlib.h>

#define MAX_NETWORKS 256
#define PREFIX "host-os-policy."

struct network {
	struct cidr cidr;
	enum defrag_policy policy;
};

struct defrag_policies {
	struct network net[MAX_NETWORKS]; /* longest prefix first */
	size_t n;
};

/* Suricata's names of systems; what each does to fragments. */
static const struct {
	const char *name;
	enum defrag_policy policy;
} systems[] = {
	{ "first", DEFRAG_FIRST },
	{ "last", DEFRAG_LAST },
	{ "bsd", DEFRAG_BSD },
	{ "bsd-right", DEFRAG_BSD_RIGHT },
	{ "old-linux", DEFRAG_LINUX },
	{ "linux", DEFRAG_LINUX },
	{ "old-solaris", DEFRAG_FIRST },
	{ "solaris", DEFRAG_SOLARIS },
	{ "hpux10", DEFRAG_BSD },
	{ "hpux11", DEFRAG_FIRST },
	{ "irix", DEFRAG_BSD },
	{ "macos", DEFRAG_FIRST },
	{ "windows", DEFRAG_WINDOWS },
	{ "vista", DEFRAG_WINDOWS },
	{ "windows2k3", DEFRAG_WINDOWS },
};

/* One leaf "host-os-policy.OS.N", or "host-os-policy.OS" for a bare value. */
static void
add_network(void *arg, const char *key, const char *value)
{
	struct defrag_policies *p = arg;
	struct view os = view_cstr(key + strlen(PREFIX));
	struct network new;
	size_t at;

	for (size_t i = 0; i < os.len; i++) {
		if (os.p[i] == '.') {
			os.len = i;
		}
	}
	if (p->n == MAX_NETWORKS || !cidr_parse(view_cstr(value), &new.cidr)) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(systems); i++) {
		if (!view_caseeq(os, view_cstr(systems[i].name))) {
			continue;
		}
		new.policy = systems[i].policy;
		for (at = p->n++;
		     at > 0 && p->net[at - 1].cidr.bits < new.cidr.bits; at--) {
			p->net[at] = p->net[at - 1];
		}
		p->net[at] = new;
		return;
	}
}

struct defrag_policies *
defrag_policies_new(const struct conf *conf)
{
	struct defrag_policies *p = calloc(1, sizeof(*p));

	if (p != NULL && conf != NULL) {
		conf_each(conf, PREFIX, add_network, p);
	}
	return p;
}

void
defrag_policies_free(struct defrag_policies *p)
{
	free(p);
}

enum defrag_policy
defrag_policy_for(const struct defrag_policies *p, const struct addr *dst)
{
	for (size_t i = 0; i < p->n; i++) {
		if (cidr_contains(&p->net[i].cidr, dst)) {
			return p->net[i].policy;
		}
	}
	return DEFRAG_BSD;
}
