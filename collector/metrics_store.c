/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/metrics_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/exchange_json.h"
#include "collector/partner_json.h"
#include "collector/store_blind.h"
#include "collector/store_consult.h"
#include "collector/store_ledger.h"
#include "collector/store_read.h"
#include "collector/taps_json.h"
#include "common/log.h"

#define NAME_CAP 64
#define CLOCKS_MAX 512 /* sensors of which it is told */

/* ------------------------------------------------------------ the counters */

struct counters {
	uint64_t frames_expired, alerts_expired, fell_silent, silences;
};

static void
take_counter(void *arg, const char *name, uint64_t value)
{
	struct counters *c = arg;

	if (strcmp(name, "frames_expired") == 0) {
		c->frames_expired = value;
	} else if (strcmp(name, "alerts_expired") == 0) {
		c->alerts_expired = value;
	} else if (strcmp(name, "sensors_fell_silent") == 0) {
		c->fell_silent = value;
	} else if (strcmp(name, "correlator_silence") == 0) {
		c->silences = value;
	}
}

static enum err
write_counters(struct store_reader *r, struct json *j)
{
	struct counters c = { 0 };
	enum err e = store_read_counters(r, take_counter, &c);

	if (e == ERR_OK) {
		json_obj(j, "store");
		json_u64(j, "frames_expired", c.frames_expired);
		json_u64(j, "alerts_expired", c.alerts_expired);
		json_u64(j, "sensors_fell_silent", c.fell_silent);
		json_u64(j, "silences", c.silences);
		json_obj_end(j);
	}
	return e;
}

/* ------------------------------------------------------ what went, by kind */

static void
take_dropped(void *arg, const struct store_dropped *row)
{
	uint64_t *n = arg;

	for (unsigned i = 0; i < STORE_DROPS; i++) {
		if (strcmp(row->what, store_drop_name((enum store_drop)i)) ==
		    0) {
			n[i] += row->n;
		}
	}
}

static enum err
write_dropped(struct store_reader *r, struct json *j)
{
	uint64_t n[STORE_DROPS] = { 0 };
	enum err e = store_read_dropped(r, NULL, NULL, take_dropped, n);

	if (e == ERR_OK) {
		json_obj(j, "dropped");
		for (unsigned i = 0; i < STORE_DROPS; i++) {
			json_u64(j, store_drop_name((enum store_drop)i), n[i]);
		}
		json_obj_end(j);
	}
	return e;
}

/* ------------------------------------------------------- consultations */

static enum err
write_consults(struct store_reader *r, struct json *j)
{
	struct store_consult_sums s;
	enum err e = store_consult_sums(r->db, &s);

	if (e == ERR_OK) {
		json_obj(j, "consult");
		json_u64(j, "open", s.open);
		json_u64(j, "waiting", s.waiting);
		json_u64(j, "overdue", s.overdue);
		json_u64(j, "closed", s.closed);
		json_u64(j, "events", s.events);
		json_u64(j, "refused", s.refused);
		json_u64(j, "expired", s.expired);
		json_obj_end(j);
	}
	return e;
}

/* ------------------------------------------------------------- the ledgers */

struct ledgers {
	struct json *j;
	char site[NAME_CAP]; /* whose list is open; "" none */
	unsigned written, left_out, broken, unknown;
};

/* One sample for each name: broken when one of that name is. */
static void
write_equations(struct json *j, const struct ledger_equation *e, unsigned n)
{
	json_obj(j, "equations");
	for (unsigned i = 0; i < n; i++) {
		bool first = true, known = true, holds = true;

		for (unsigned k = 0; k < n; k++) {
			if (strcmp(e[k].name, e[i].name) == 0) {
				first = first && k >= i;
				known &= e[k].verdict != LEDGER_UNKNOWN;
				holds &= e[k].verdict != LEDGER_BROKEN;
			}
		}
		if (first && (known || !holds)) {
			json_bool(j, e[i].name, holds);
		}
	}
	json_obj_end(j);
}

/* The sum of one term over the classes. */
static uint64_t
term_sum(const struct ledger_equation *e, unsigned n, const char *name,
	 const char *term)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < e[i].n_terms; k++) {
			if (strcmp(e[i].name, name) == 0 &&
			    strcmp(e[i].term[k].name, term) == 0) {
				sum += e[i].term[k].value;
			}
		}
	}
	return sum;
}

/* Before the spool the sensor knows what it lost; behind it, the store: what a
 * sensor shed and that arrived all the same is no loss. */
static void
write_losses(struct json *j, const struct ledger *l,
	     const struct ledger_equation *e, unsigned n)
{
	static const char *const behind[] = { "shed", "damaged", "unreadable" };

	json_obj(j, "lost");
	for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
		json_u64(j, ledger_lost_name(i), ledger_sum(l->lost[i]));
	}
	for (unsigned i = 0; i < ARRAY_LEN(behind); i++) {
		json_u64(j, behind[i], term_sum(e, n, "spooled", behind[i]));
	}
	json_obj_end(j);
}

static enum ledger_verdict
verdict_of(const struct ledger_equation *e, unsigned n)
{
	enum ledger_verdict v = n > 0 ? LEDGER_HOLDS : LEDGER_UNKNOWN;

	for (unsigned i = 0; i < n && v != LEDGER_BROKEN; i++) {
		v = e[i].verdict != LEDGER_HOLDS ? e[i].verdict : v;
	}
	return v;
}

static void
end_site(struct ledgers *s)
{
	if (s->site[0] != '\0') {
		json_arr_end(s->j);
		json_obj_end(s->j);
	}
}

static void
open_site(struct ledgers *s, const char *site)
{
	if (strcmp(s->site, site) != 0) {
		end_site(s);
		snprintf(s->site, sizeof(s->site), "%s", site);
		json_obj(s->j, NULL);
		json_cstr(s->j, "name", site);
		json_arr(s->j, "sensors");
	}
}

static void
write_ledger(void *arg, const struct store_ledger_row *row)
{
	struct ledgers *s = arg;
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	enum ledger_verdict v;
	unsigned n;

	if (!row->newest || row->ledger.epoch == 0) {
		return;
	}
	n = ledger_check(&row->ledger, &row->store, e);
	v = verdict_of(e, n);
	s->broken += v == LEDGER_BROKEN;
	s->unknown += v == LEDGER_UNKNOWN;
	if (s->written == METRICS_SENSORS) {
		s->left_out++;
		return;
	}
	s->written++;
	open_site(s, row->site);
	json_obj(s->j, NULL);
	json_cstr(s->j, "name", row->sensor);
	if (v != LEDGER_UNKNOWN) {
		json_bool(s->j, "holds", v == LEDGER_HOLDS);
	}
	json_u64(s->j, "raised", ledger_sum(row->ledger.raised));
	json_u64(s->j, "waiting", term_sum(e, n, "spooled", "waiting"));
	write_equations(s->j, e, n);
	write_losses(s->j, &row->ledger, e, n);
	json_obj_end(s->j);
}

static enum err
write_ledgers(struct store_reader *r, struct json *j)
{
	struct ledgers s = { .j = j };
	enum err e;

	json_arr(j, "sensors");
	e = store_read_ledgers(r, NULL, NULL, write_ledger, &s);
	end_site(&s);
	json_arr_end(j);
	if (e == ERR_OK) {
		json_obj(j, "ledgers");
		json_u64(j, "broken", s.broken);
		json_u64(j, "unknown", s.unknown);
		json_u64(j, "left_out", s.left_out);
		json_obj_end(j);
	}
	return e;
}

/* ------------------------------------------------------------ blind sensors */

struct blind_site {
	char name[NAME_CAP];
	unsigned open[BLIND_CAUSES];
};

struct blind_sites {
	struct blind_site *v;
	unsigned n;
	uint64_t open; /* of all sites, also of those that found no room */
};

static void
take_blind(void *arg, const struct store_blind_row *row)
{
	struct blind_sites *s = arg;
	enum blind_cause c = blind_cause_find(row->cause);
	unsigned i = 0;

	s->open++;
	while (i < s->n && strcmp(s->v[i].name, row->site) != 0) {
		i++;
	}
	if (i == METRICS_SITES || c == BLIND_CAUSES) {
		return;
	}
	if (i == s->n) {
		snprintf(s->v[i].name, sizeof(s->v[i].name), "%s", row->site);
		s->n++;
	}
	s->v[i].open[c]++;
}

static enum err
write_blind(struct store_reader *r, struct json *j)
{
	uint64_t left_out;
	struct blind_sites s = { .v = calloc(METRICS_SITES, sizeof(*s.v)) };
	enum err e = ERR_NOMEM;

	if (s.v != NULL) {
		/* What ended is older than any time: what is open remains. */
		e = store_read_blind(r, INT64_MAX, NULL, NULL, UINT32_MAX,
				     take_blind, &s, &left_out);
	}
	if (e == ERR_OK) {
		json_u64(j, "blind_open", s.open);
		json_arr(j, "blind");
		for (unsigned i = 0; i < s.n; i++) {
			json_obj(j, NULL);
			json_cstr(j, "name", s.v[i].name);
			for (unsigned c = 0; c < BLIND_CAUSES; c++) {
				json_u64(j, blind_cause_name(c),
					 s.v[i].open[c]);
			}
			json_obj_end(j);
		}
		json_arr_end(j);
	}
	free(s.v);
	return e;
}

/* --------------------------------------------------------------- all of it */

void
metrics_store_write(struct metrics_store *m, const char *path, struct json *j)
{
	struct diag d = { "the store could not be read" };
	enum err e = ERR_OK;

	if (m->reader == NULL) {
		e = store_reader_open(&m->reader, path, &d);
	}
	if (e == ERR_OK) {
		e = write_counters(m->reader, j);
	}
	if (e == ERR_OK) {
		e = write_dropped(m->reader, j);
	}
	if (e == ERR_OK) {
		e = write_consults(m->reader, j);
	}
	if (e == ERR_OK) {
		e = exchange_json_metrics(m->reader, j);
	}
	if (e == ERR_OK) {
		e = partner_json_metrics(m->reader->db, j);
	}
	if (e == ERR_OK) {
		e = write_ledgers(m->reader, j);
	}
	if (e == ERR_OK) {
		e = write_blind(m->reader, j);
	}
	if (e == ERR_OK) {
		e = taps_json_metrics(m->reader, CLOCKS_MAX, j);
	}
	if (e != ERR_OK && !m->failing) {
		log_warn("metrics: what the store knows is left out: %s: %s",
			 path, d.msg);
	}
	m->failing = e != ERR_OK;
}

void
metrics_store_close(struct metrics_store *m)
{
	store_reader_close(m->reader);
	m->reader = NULL;
}
