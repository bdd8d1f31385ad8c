/* SPDX-License-Identifier: Apache-2.0 */
/* The common set beside the batches: its turn, and what is told of it. */
#include "collector/pipeline_state.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"

enum err
pipeline_indicators_open(struct pipeline *p, struct diag *d)
{
	const struct pipeline_config *cfg = &p->cfg;
	struct allow_lists *lists = NULL;
	enum err e =
		allow_reader_read(cfg->allow, cfg->n_allow, NULL, &lists, d);

	if (e == ERR_OK && cfg->common.gate.on && cfg->n_allow == 0) {
		log_info("gate.allow names no list: names and addresses that "
			 "many share, as 8.8.8.8, are not held for that");
	}
	if (e == ERR_OK) {
		e = common_set_new(&p->common, store_db(p->store), &cfg->common,
				   lists, cfg->missions, d);
	}
	return e == ERR_OK && cfg->n_allow > 0
		       ? allow_reader_start(&p->allow, cfg->allow, cfg->n_allow,
					    d)
		       : e;
}

void
pipeline_indicators_reload(struct pipeline *p)
{
	if (p->allow != NULL) {
		allow_reader_ask(p->allow);
	}
}

/* Lists that were read meanwhile are those from now on. */
static void
use_lists(struct pipeline *p)
{
	struct allow_lists *lists;
	struct diag d;
	uint64_t n;

	if (p->allow == NULL || !allow_reader_take(p->allow, &lists, &d)) {
		return;
	}
	if (lists == NULL) {
		log_err("allow lists are not reloaded, the former ones stay: "
			"%s",
			d.msg);
		return;
	}
	n = allow_lists_entries(lists);
	allow_reader_drop(p->allow, common_set_use_lists(p->common, lists));
	/* What was on none may be on one now, or no longer on any. */
	pipeline_refute_all(p);
	log_info("allow lists are reloaded: %" PRIu64 " entries", n);
}

static void
on_import(void *arg, const struct common_set_import *i)
{
	struct pipeline *p = arg;

	log_info("indicators of %s: %" PRIu64 " of %" PRIu64
		 " supported, %" PRIu64 " refused; %" PRIu64 " new, %" PRIu64
		 " held, %" PRIu64 " withdrawn%s%s",
		 i->origin, i->supported, i->total, i->refused, i->added,
		 i->held, i->withdrawn, i->error[0] != '\0' ? "; " : "",
		 i->error);
	if (p->feed != NULL &&
	    feed_indicators(p->feed, i, clock_wall_us()) != ERR_OK) {
		log_warn("indicators: out of memory: the feed has no word of "
			 "this import");
	}
}

enum err
pipeline_indicators_turn(struct pipeline *p, struct diag *d)
{
	enum err e;

	use_lists(p);
	d->msg[0] = '\0';
	e = common_set_turn(p->common, clock_wall_us(), on_import, p, d);
	if (e == ERR_OK && p->indicators_stuck) {
		log_info("indicators are taken again");
	} else if (e != ERR_OK && !p->indicators_stuck) {
		log_warn("%s; trying on", d->msg);
	}
	p->indicators_stuck = e != ERR_OK;
	return p->feed != NULL ? feed_flush(p->feed, d) : ERR_OK;
}

enum err
pipeline_gate_past(struct pipeline *p, const struct alert *a)
{
	const struct alert_indicator *i = &a->indicator;
	char why[INDICATOR_REASON_CAP];
	enum indicator_kind kind;
	enum err e;

	if (!a->has_past || a->past_hosts == 0 || a->exercise.len != 0 ||
	    !a->has_indicator || !indicator_kind_read(i->type, &kind)) {
		return ERR_OK;
	}
	e = common_set_past(p->common, kind, i->value, a->past_hosts, a->site,
			    a->past_last_us, p->now_us, why);
	if (e == ERR_OK && why[0] != '\0') {
		log_info("indicator %.*s %.*s is held: %s", (int)i->type.len,
			 (const char *)i->type.p, (int)i->value.len,
			 (const char *)i->value.p, why);
		if (p->feed != NULL) {
			e = feed_held(p->feed, i->type, i->value, a->site, why,
				      p->now_us);
		}
	}
	return e;
}
