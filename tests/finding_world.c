/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/finding_world_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* -------------------------------------------------------------- numbers */

uint32_t
world_rnd(struct world *w, uint32_t n)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((w->state >> 33) % n);
}

static double
uniform(struct world *w)
{
	return (world_rnd(w, 1u << 30) + 0.5) / (1u << 30);
}

static bool
chance(struct world *w, unsigned percent)
{
	return world_rnd(w, 100) < percent;
}

static struct addr
v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	uint8_t p[4] = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d };

	return addr_from_v4(p);
}

/* Host 'i' of a site; from 200 on its servers. */
static struct addr
host(unsigned site, unsigned i)
{
	return v4(10, site + 1, i / 200, i % 200 + 1);
}

static struct addr
server(unsigned site, unsigned i)
{
	return v4(10, site + 1, 200, i);
}

static struct addr
outside(unsigned net, unsigned i)
{
	return v4(100 + net, 64 + i / 65536, i / 256, i % 256);
}

/* ---------------------------------------------------------------- flows */

static void
room(struct world *w)
{
	if (w->n == w->cap) {
		w->cap = w->cap * 2 + 4096;
		w->flows = realloc(w->flows, w->cap * sizeof(*w->flows));
		if (w->flows == NULL) {
			abort();
		}
	}
}

static void
put(struct world *w, unsigned site, double at, struct addr from, struct addr to,
    unsigned port, unsigned proto, bool failed, uint32_t kb)
{
	bool refused = failed && chance(w, 25);
	struct flow *f;

	if (at < 0 || at >= (double)w->cfg.days * DAY) {
		return;
	}
	room(w);
	f = &w->flows[w->n++];
	*f = (struct flow){ .at = (uint32_t)at,
			    .ms = (uint16_t)((at - (uint32_t)at) * 1000),
			    .port = (uint16_t)port,
			    .site = (uint8_t)site,
			    .proto = (uint8_t)proto,
			    .worker = (uint8_t)world_rnd(w, w->cfg.workers),
			    .failed = failed && refused,
			    .begins = true,
			    .from = from,
			    .to = to,
			    .kb = failed ? 0 : MAX(kb, 1u) };
	if (failed && !refused && f->at + 60 < w->cfg.days * DAY) {
		struct flow later = *f;

		/* Nobody answers: it fails when its time is up. */
		later.at += 60;
		later.failed = true;
		later.begins = false;
		room(w);
		w->flows[w->n++] = later;
	}
}

static void
truth(struct world *w, enum finding_kind kind, bool may, const char *site,
      const struct addr *a, const char *more)
{
	struct world_truth *t;
	char text[ADDR_TEXT_CAP] = "";

	w->truth = realloc(w->truth, (w->n_truth + 1) * sizeof(*t));
	if (w->truth == NULL) {
		abort();
	}
	t = &w->truth[w->n_truth++];
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->may = may;
	if (a != NULL) {
		addr_format(a, text);
	}
	snprintf(t->key, sizeof(t->key), "%s%s%s%s", site,
		 site[0] != '\0' ? " " : "", text, more);
}

const char *
world_site(unsigned site)
{
	static char name[4][16];
	static unsigned at;

	at = (at + 1) % 4;
	snprintf(name[at], sizeof(name[at]), "site-%u", site);
	return name[at];
}

/* ---------------------------------------------------------- what is benign */

/* Pages and names by day, in sessions. */
static void
browse(struct world *w, unsigned s, unsigned h, unsigned day)
{
	double at = day * DAY + 8.0 * HOUR + uniform(w) * HOUR;

	while (at < day * DAY + 18.0 * HOUR) {
		unsigned pages = 1 + world_rnd(w, 6);

		for (unsigned i = 0; i < pages; i++) {
			/* Few are known to all, most to few. */
			double x = uniform(w);
			unsigned page = (unsigned)(x * x * x * 20000);
			struct addr to = outside(0, page);

			put(w, s, at, host(s, h), server(s, 53), 53, UDP,
			    chance(w, 1), 0);
			for (unsigned k = 0; k < 1 + world_rnd(w, 3); k++) {
				put(w, s, at + 0.1 * k, host(s, h), to, 443,
				    TCP, chance(w, 2), 1 + world_rnd(w, 200));
			}
			at += -log(uniform(w)) * 20;
		}
		at += -log(uniform(w)) * 900;
	}
}

/* The time, mail, logs: at a rhythm, by everybody. */
static void
services(struct world *w, unsigned s, unsigned h)
{
	double end = (double)w->cfg.days * DAY, at;
	unsigned ntp = world_rnd(w, 2);

	for (at = uniform(w) * 64; at < end; at += 64) {
		put(w, s, at + uniform(w) * 0.2, host(s, h), outside(1, ntp),
		    123, UDP, chance(w, 1), 0);
	}
	for (at = uniform(w) * 300; at < end; at += 300) {
		put(w, s, at + uniform(w), host(s, h), outside(1, 25), 993, TCP,
		    chance(w, 1), 2);
	}
	for (at = uniform(w) * 600; at < end; at += 600) {
		put(w, s, at + uniform(w) * 60, host(s, h), server(s, 14), 514,
		    UDP, true, 0);
	}
}

static void
servers(struct world *w, unsigned s)
{
	for (unsigned day = 0; day < w->cfg.days; day++) {
		double night = day * DAY + 2.0 * HOUR;

		/* Backups: within, and to a cloud. */
		for (unsigned i = 0; i < 3; i++) {
			put(w, s, night + uniform(w) * 600, server(s, 10 + i),
			    server(s, 20), 445, TCP, false, 2000000);
		}
		for (unsigned i = 0; i < 20; i++) {
			put(w, s, night + i * 60, server(s, 20), outside(1, 77),
			    443, TCP, false, 50000);
		}
		/* Names, of everybody's pages. */
		for (unsigned i = 0; i < 1500; i++) {
			put(w, s, day * DAY + uniform(w) * DAY, server(s, 53),
			    outside(3, world_rnd(w, 3000)), 53, UDP,
			    chance(w, 4), 0);
		}
		/* Administrators at the hosts that they know, and a scanner of
		 * our own. */
		for (unsigned i = 0; i < 60; i++) {
			put(w, s, day * DAY + uniform(w) * DAY, server(s, 30),
			    server(s, 10 + i % 8), 22, TCP, false, 20);
		}
		for (unsigned i = 0; i < 2000; i++) {
			put(w, s, day * DAY + 4.0 * HOUR + i, server(s, 99),
			    host(s, i % w->cfg.hosts), 1 + i % 1000, TCP, true,
			    0);
		}
	}
}

/* Visitors, an hour in which the server was down, and those who knock. */
static void
outsiders(struct world *w, unsigned s)
{
	double end = (double)w->cfg.days * DAY;
	double down = end - 20.0 * HOUR;

	for (unsigned i = 0; i < w->cfg.days * 2400; i++) {
		double at = uniform(w) * end;

		put(w, s, at, outside(4, world_rnd(w, 60000)), server(s, 80),
		    443, TCP, at >= down && at < down + HOUR, 1);
	}
	for (unsigned i = 0; i < w->cfg.days * 24 * 12; i++) {
		static const uint16_t ports[] = { 22,   23,   80,   445,
						  3389, 5900, 8080, 6379 };

		put(w, s, uniform(w) * end, outside(5, world_rnd(w, 60000)),
		    host(s, world_rnd(w, w->cfg.hosts)), ports[world_rnd(w, 8)],
		    TCP, true, 0);
	}
	/* A server within is down as well. */
	for (unsigned i = 0; i < 3 * w->cfg.hosts; i++) {
		put(w, s, down + uniform(w) * HOUR, host(s, i % w->cfg.hosts),
		    server(s, 12), 443, TCP, true, 0);
	}
}

/* -------------------------------------------------------- what is planted */

/* A moment after the learning, with room for what takes 'hours'. */
static double
moment(struct world *w, double hours)
{
	double from = (double)(w->cfg.days - 2) * DAY;

	return from + uniform(w) * (2.0 * DAY - hours * HOUR);
}

static void
plant_scans(struct world *w, unsigned i)
{
	unsigned s = i % w->cfg.sites, h = i % w->cfg.hosts;
	double at = moment(w, 1), slow = moment(w, 21);
	struct addr from;

	/* Within, at one port of all. */
	from = host(s, h);
	truth(w, FINDING_SCAN, false, world_site(s), &from, "");
	truth(w, FINDING_LATERAL, true, world_site(s), &from, "");
	for (unsigned k = 0; k < 200; k++) {
		put(w, s, at + k * 2.0 + uniform(w), from,
		    v4(10, s + 1, 210, k + 1), 445, TCP, !chance(w, 5), 0);
	}
	/* From outside, all ports of one. */
	from = outside(6, i);
	truth(w, FINDING_SCAN, false, "", &from, "");
	at = moment(w, 1);
	for (unsigned k = 0; k < 600; k++) {
		put(w, s, at + k * 0.5, from, server(s, 80), k + 1, TCP,
		    k + 1 != 443, 0);
	}
	/* Slowly, from outside and within. */
	from = outside(6, 1000 + i);
	truth(w, FINDING_SLOW_SCAN, false, "", &from, "");
	for (unsigned k = 0; k < 120; k++) {
		put(w, s, slow + k * 600.0 + uniform(w) * 300, from,
		    host(s, world_rnd(w, w->cfg.hosts)),
		    1 + world_rnd(w, 10000), TCP, true, 0);
	}
	from = host(s, h + 1);
	truth(w, FINDING_SLOW_SCAN, false, world_site(s), &from, "");
	slow = moment(w, 21);
	for (unsigned k = 0; k < 120; k++) {
		put(w, s, slow + k * 600.0 + uniform(w) * 300, from,
		    v4(10, s + 1, 220, k), 80, TCP, true, 0);
	}
}

static void
plant_spread(struct world *w, unsigned i)
{
	unsigned s = i % w->cfg.sites;
	double at = moment(w, 1);
	struct addr target;
	char more[32];

	/* One port, sources that each try few. */
	snprintf(more, sizeof(more), "port %u/6", 7001 + i);
	truth(w, FINDING_SPREAD, false, "", NULL, more);
	for (unsigned k = 0; k < 90; k++) {
		for (unsigned m = 0; m < 2; m++) {
			put(w, (s + k) % w->cfg.sites, at + k * 20.0 + m,
			    outside(7, i * 100 + k),
			    host((s + k) % w->cfg.sites,
				 world_rnd(w, w->cfg.hosts)),
			    7001 + i, TCP, true, 0);
		}
	}
	/* One target, a port each. */
	target = server(s, 120 + i % 100);
	truth(w, FINDING_SPREAD, false, world_site(s), &target, "");
	at = moment(w, 1);
	for (unsigned k = 0; k < 80; k++) {
		put(w, s, at + k * 20.0, outside(8, i * 100 + k), target,
		    20000 + k, TCP, true, 0);
	}
}

static void
plant_beacon(struct world *w, unsigned i)
{
	static const unsigned periods[] = { 30,  60,   120,  300,
					    600, 1800, 3600, 45 };
	static const double jitters[] = { 0, 0.05, 0.1, 0.2 };
	unsigned s = i % w->cfg.sites, h = (i * 7 + 3) % w->cfg.hosts;
	double period = periods[i % 8], jitter = jitters[i / 2 % 4];
	double beats = 20 + world_rnd(w, 20);
	double at = moment(w, beats * period * 1.2 / HOUR);
	struct addr from = host(s, h), to = outside(9, i);
	char more[80], text[ADDR_TEXT_CAP];

	addr_format(&to, text);
	snprintf(more, sizeof(more), " %s 443/6", text);
	truth(w, FINDING_BEACON, false, world_site(s), &from, more);
	for (unsigned k = 0; k < beats; k++) {
		/* One in twenty is lost. */
		if (!chance(w, 5)) {
			put(w, s, at, from, to, 443, TCP, false, 1);
		}
		at += period * (1 + jitter * (2 * uniform(w) - 1));
	}
}

static void
plant_lateral(struct world *w, unsigned i)
{
	unsigned s = i % w->cfg.sites, h = (i * 11 + 5) % w->cfg.hosts;
	double at = moment(w, 1);
	struct addr from = host(s, h);

	/* On and on. */
	truth(w, FINDING_LATERAL, false, world_site(s), &from, "");
	for (unsigned k = 0; k < 4; k++) {
		struct addr to =
			v4(10, s + 1, 230 + i / 40, i % 40 * 6 + k + 1);

		put(w, s, at, from, to, 3389, TCP, false, 500);
		from = to;
		at += 200 + world_rnd(w, 500);
	}
	/* To several at once. */
	from = host(s, h + 2);
	truth(w, FINDING_LATERAL, false, world_site(s), &from, "");
	at = moment(w, 1);
	for (unsigned k = 0; k < 5; k++) {
		put(w, s, at + k * 120.0, from,
		    v4(10, s + 1, 251, (i * 5 + k) % 250), 5985, TCP, false,
		    50);
	}
}

static void
plant_unusual(struct world *w, unsigned i)
{
	unsigned s = i % w->cfg.sites, h = (i * 13 + 8) % w->cfg.hosts;
	double at = moment(w, 2);
	struct addr from = host(s, h);

	truth(w, FINDING_VOLUME, false, world_site(s), &from, "");
	for (unsigned k = 0; k < 30; k++) {
		put(w, s, at + k * 60.0 + uniform(w) * 30, from, outside(10, i),
		    443, TCP, false, 60000);
	}
	/* The critical servers, each once. */
	if (i >= 4 * w->cfg.sites) {
		return;
	}
	from = server(s, 10 + i / w->cfg.sites % 4);
	truth(w, FINDING_FIRST_SEEN, false, world_site(s), &from, "");
	put(w, s, moment(w, 1), from, outside(11, i), 8443, TCP, false, 10);
}

/* ------------------------------------------------------------------ world */

struct world *
world_new(const struct world_config *cfg)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		abort();
	}
	w->cfg = *cfg;
	w->state = cfg->seed;
	json_init(&w->j);
	for (unsigned s = 0; s < cfg->sites; s++) {
		for (unsigned h = 0; h < cfg->hosts; h++) {
			services(w, s, h);
			for (unsigned day = 0; day < cfg->days; day++) {
				browse(w, s, h, day);
			}
		}
		servers(w, s);
		outsiders(w, s);
	}
	for (unsigned i = 0; i < cfg->planted; i++) {
		plant_scans(w, i);
		plant_spread(w, i);
		plant_beacon(w, i);
		plant_lateral(w, i);
		plant_unusual(w, i);
	}
	return w;
}

void
world_free(struct world *w)
{
	free(w->flows);
	free(w->truth);
	json_fini(&w->j);
	free(w);
}

void
world_configure(const struct world *w, struct finding_config *cfg)
{
	*cfg = finding_defaults;
	for (unsigned s = 0; s < w->cfg.sites; s++) {
		cfg->ignore[cfg->n_ignore++] =
			(struct cidr){ server(s, 99), 128 };
	}
	/* Where there are few, a service has few clients. */
	cfg->beacon_clients =
		MIN(cfg->beacon_clients, w->cfg.sites * w->cfg.hosts / 4);
	cfg->first_learn = 24 * (w->cfg.days - 2) - 1;
	cfg->lateral_learn = MIN(cfg->lateral_learn, cfg->first_learn);
}

const char *
world_missions(const struct world *w)
{
	char *p = ((struct world *)w)->missions;
	size_t cap = sizeof(w->missions);
	int n = snprintf(p, cap, "networks: [10.0.0.0/8]\nsites:\n");

	for (unsigned s = 0; s < w->cfg.sites; s++) {
		n += snprintf(p + n, cap - (size_t)n, "  - name: site-%u\n", s);
	}
	n += snprintf(p + n, cap - (size_t)n, "assets:\n");
	for (unsigned s = 0; s < w->cfg.sites; s++) {
		n += snprintf(p + n, cap - (size_t)n,
			      "  - name: core-%u\n    site: site-%u\n"
			      "    networks: [10.%u.200.10/31, 10.%u.200.12/31]"
			      "\n    criticality: 90\n",
			      s, s, s + 1, s + 1);
	}
	return p;
}

size_t
world_truths(const struct world *w, struct world_truth **out)
{
	*out = w->truth;
	return w->n_truth;
}

uint64_t
world_flows(const struct world *w)
{
	return w->n;
}
