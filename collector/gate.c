/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/gate.h"

#include <inttypes.h>
#include <libpsl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/host_bits.h"

#define DAY_US (UINT64_C(86400) * US_PER_S)
/* What the history may be behind. */
#define HISTORY_AGE_US (600 * US_PER_S)
/* An IPv4 /16 in the form of 128 bits; of IPv6 a /32. */
#define WIDEST_V4 112
#define WIDEST_V6 32
#define MIN_USER_AGENT 8
#define MIN_URL 6

const struct gate_config gate_defaults = {
	.on = true,
	.days = 7,
	.max_alerts = 1000,
	.max_hosts = 10,
	.max_sites = 5,
	.min_name = 6,
};

struct own_net {
	struct cidr cidr;
	char asset[64];
};

struct gate {
	struct gate_config cfg;
	struct allow_lists *lists;
	struct gate_history *history;
	const psl_ctx_t *psl; /* the library's own; NULL: it has none */
	struct own_net *own;
	size_t n_own;
};

static void
count_net(void *arg, const struct cidr *net, const char *asset)
{
	(void)net;
	(void)asset;
	++*(size_t *)arg;
}

static void
add_net(void *arg, const struct cidr *net, const char *asset)
{
	struct gate *g = arg;
	struct own_net *o = &g->own[g->n_own++];

	o->cidr = *net;
	snprintf(o->asset, sizeof(o->asset), "%s", asset);
}

enum err
gate_new(struct gate **out, const struct gate_config *cfg,
	 struct allow_lists *lists, const struct mission_map *map, sqlite3 *db,
	 struct diag *d)
{
	struct gate *g = calloc(1, sizeof(*g));
	size_t n = 1;

	*out = NULL;
	mission_each_net(map, count_net, &n);
	if (g != NULL) {
		g->cfg = *cfg;
		g->psl = psl_builtin();
		g->history = gate_history_new(db);
		g->own = calloc(n, sizeof(*g->own));
	}
	if (g == NULL || lists == NULL || g->history == NULL ||
	    g->own == NULL) {
		allow_lists_free(lists);
		gate_free(g);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	g->lists = lists;
	allow_lists_ready(lists);
	mission_each_net(map, add_net, g);
	*out = g;
	return ERR_OK;
}

struct allow_lists *
gate_use_lists(struct gate *g, struct allow_lists *lists)
{
	struct allow_lists *former = g->lists;

	g->lists = lists;
	allow_lists_ready(lists);
	return former;
}

void
gate_free(struct gate *g)
{
	if (g != NULL) {
		allow_lists_free(g->lists);
		gate_history_free(g->history);
		free(g->own);
		free(g);
	}
}

enum err
gate_turn(struct gate *g, uint64_t now_us, uint64_t budget_us, bool *ready)
{
	uint64_t span = g->cfg.days * DAY_US;

	*ready = true;
	return !g->cfg.on || g->cfg.days == 0
		       ? ERR_OK
		       : gate_history_turn(g->history,
					   now_us > span ? now_us - span : 0,
					   HISTORY_AGE_US, budget_us, ready);
}

/* ------------------------------------------------------------- what it says */

/* Room for "WHAT: WHICH"; always false, so that a check is one line. */
static bool held(char reason[INDICATOR_REASON_CAP], const char *fmt, ...)
	PRINTF_LIKE(2, 3);

static bool
held(char reason[INDICATOR_REASON_CAP], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, INDICATOR_REASON_CAP, fmt, ap);
	va_end(ap);
	return false;
}

static bool
pass_list(const char *list, char reason[INDICATOR_REASON_CAP])
{
	return list == NULL ||
	       held(reason, "shared by many: on the allow list %s", list);
}

static bool
pass_net(const struct gate *g, struct view value,
	 char reason[INDICATOR_REASON_CAP])
{
	struct cidr net;
	unsigned widest;

	if (!cidr_parse(value, &net)) {
		return held(reason, "no address or network");
	}
	/* Of 96 bits and fewer an IPv4 network is not one any more. */
	widest =
		addr_is_v4(&net.addr) && net.bits >= 96 ? WIDEST_V4 : WIDEST_V6;
	if (net.bits < widest) {
		return held(reason, "too wide: more than a /%u",
			    widest == WIDEST_V4 ? 16 : WIDEST_V6);
	}
	for (size_t i = 0; i < g->n_own; i++) {
		const struct own_net *o = &g->own[i];

		if (cidr_contains(&o->cidr, &net.addr) ||
		    cidr_contains(&net, &o->cidr.addr)) {
			return o->asset[0] != '\0'
				       ? held(reason, "our own: asset %s",
					      o->asset)
				       : held(reason, "our own: a network of "
						      "the mission map");
		}
	}
	return pass_list(allow_lists_net(g->lists, &net), reason);
}

static bool
pass_name(const struct gate *g, struct view name, bool exact,
	  char reason[INDICATOR_REASON_CAP])
{
	char text[256];
	const char *list;
	struct addr ignored;

	if (name.len == 0 || name.len >= sizeof(text)) {
		return held(reason, "no name");
	}
	memcpy(text, name.p, name.len);
	text[name.len] = '\0';
	if (addr_parse(name, &ignored)) {
		return pass_net(g, name, reason);
	}
	if (strchr(text, '.') == NULL) {
		return held(reason, "too wide: a single label");
	}
	if (g->psl != NULL && psl_is_public_suffix(g->psl, text)) {
		return held(reason, "too wide: a public suffix, under which "
				    "anybody registers names");
	}
	list = allow_lists_domain(g->lists, name, exact);
	if (list != NULL) {
		return pass_list(list, reason);
	}
	return name.len >= g->cfg.min_name ||
	       held(reason, "too short: %zu characters", name.len);
}

/* "host/path?query": a page of a shared host may be an adversary's, the host
 * as a whole is not. */
static bool
pass_url(const struct gate *g, struct view url,
	 char reason[INDICATOR_REASON_CAP])
{
	const uint8_t *slash = memchr(url.p, '/', url.len);
	struct view host = view_of(
		url.p, slash != NULL ? (size_t)(slash - url.p) : url.len);
	const uint8_t *colon;

	if (url.len < MIN_URL) {
		return held(reason, "too short: %zu characters", url.len);
	}
	if (url.len > host.len + 1) {
		return true;
	}
	colon = host.len > 0 && host.p[0] != '[' ? memchr(host.p, ':', host.len)
						 : NULL;
	if (colon != NULL) {
		host.len = (size_t)(colon - host.p);
	}
	return pass_name(g, host, true, reason);
}

static bool
pass_history(const struct gate *g, const struct indicator *i,
	     char reason[INDICATOR_REASON_CAP])
{
	struct gate_hits h = gate_history_ask(g->history, i);

	if (g->cfg.days > 0 && h.callers > g->cfg.max_hosts) {
		return held(reason,
			    "too common: about %" PRIu64
			    " hosts of ours called it in two days",
			    h.callers);
	}
	if (g->cfg.days == 0 ||
	    (h.alerts <= g->cfg.max_alerts && h.hosts <= g->cfg.max_hosts &&
	     h.sites <= g->cfg.max_sites)) {
		return true;
	}
	return held(reason,
		    "would have raised %" PRIu64 " in %u days at %" PRIu64
		    " hosts of %" PRIu64 " sites",
		    h.alerts, g->cfg.days, h.hosts, h.sites);
}

bool
gate_flood(const struct gate *g, uint32_t hosts, struct view site,
	   uint64_t last_us, uint64_t now_us, char reason[INDICATOR_REASON_CAP])
{
	unsigned n = host_bits_count(hosts);
	char last[40];

	/* of more than can be told apart nobody can say that they are few */
	if (!g->cfg.on || g->cfg.days == 0 ||
	    last_us + g->cfg.days * DAY_US < now_us ||
	    n <= MIN(g->cfg.max_hosts, (uint64_t)HOST_BITS_MOST - 1)) {
		return false;
	}
	clock_iso(last_us, last);
	return !held(reason,
		     "too common: about %u%s hosts of ours at %.*s used it in "
		     "a week, last at %.19sZ",
		     n, n == HOST_BITS_MOST ? " or more" : "",
		     (int)MIN(site.len, (size_t)64), (const char *)site.p,
		     last);
}

const char *
gate_allow_list(const struct gate *g, enum indicator_kind kind,
		const char *value)
{
	struct view v = view_cstr(value);
	struct cidr net;

	if (!g->cfg.on) {
		return NULL;
	}
	if (cidr_parse(v, &net)) {
		return allow_lists_net(g->lists, &net);
	}
	return kind == INDICATOR_DOMAIN ? allow_lists_domain(g->lists, v, true)
					: allow_lists_text(g->lists, v);
}

bool
gate_pass(void *arg, const struct indicator *i,
	  char reason[INDICATOR_REASON_CAP])
{
	const struct gate *g = arg;
	struct view v = view_cstr(i->value);
	bool pass = true;

	if (!g->cfg.on) {
		return true;
	}
	switch (i->kind) {
	case INDICATOR_IP:
		pass = pass_net(g, v, reason);
		break;
	case INDICATOR_DOMAIN:
		pass = pass_name(g, v, i->exact, reason);
		break;
	case INDICATOR_URL:
		pass = pass_url(g, v, reason);
		break;
	case INDICATOR_PATTERN:
		pass = g->cfg.patterns ||
		       held(reason, "a pattern: what it would have raised is "
				    "not known");
		break;
	case INDICATOR_USER_AGENT:
		pass = v.len >= MIN_USER_AGENT ||
		       held(reason, "too short: %zu characters", v.len);
		break;
	default:
		break;
	}
	if (pass && i->kind != INDICATOR_IP && i->kind != INDICATOR_DOMAIN) {
		pass = pass_list(allow_lists_text(g->lists, v), reason);
	}
	return pass && pass_history(g, i, reason);
}
