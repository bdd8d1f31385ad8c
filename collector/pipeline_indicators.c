/* SPDX-License-Identifier: Apache-2.0 */
/* The common set beside the batches: its turn, and what is told of it. */
#include "collector/pipeline_state.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"

static enum err
read_lists(const struct pipeline_config *cfg, struct allow_lists **out,
	   struct diag *d)
{
	struct allow_lists *lists = allow_lists_new();
	enum err e = lists != NULL ? ERR_OK
				   : diag_set(d, ERR_NOMEM, "out of memory");

	for (unsigned i = 0; i < cfg->n_allow && e == ERR_OK; i++) {
		e = allow_lists_add(lists, cfg->allow[i], d);
	}
	if (e != ERR_OK) {
		allow_lists_free(lists);
		return e;
	}
	*out = lists;
	return ERR_OK;
}

enum err
pipeline_indicators_open(struct pipeline *p, struct diag *d)
{
	const struct pipeline_config *cfg = &p->cfg;
	struct allow_lists *lists = NULL;
	enum err e = read_lists(cfg, &lists, d);

	if (e == ERR_OK && cfg->common.gate.on && cfg->n_allow == 0) {
		log_info("gate.allow names no list: names and addresses that "
			 "many share, as 8.8.8.8, are not held for that");
	}
	return e == ERR_OK
		       ? common_set_new(&p->common, store_db(p->store),
					&cfg->common, lists, cfg->missions, d)
		       : e;
}

void
pipeline_indicators_reload(struct pipeline *p)
{
	struct allow_lists *lists = NULL;
	struct diag d = { "" };
	uint64_t n;

	if (p->cfg.n_allow == 0) {
		return;
	}
	if (read_lists(&p->cfg, &lists, &d) != ERR_OK) {
		log_err("allow lists are not reloaded, the former ones stay: "
			"%s",
			d.msg);
		return;
	}
	n = allow_lists_entries(lists);
	common_set_use_lists(p->common, lists);
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
