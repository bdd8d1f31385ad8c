/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts to findings, and these to the store, the feed and the correlator. */
#include <inttypes.h>
#include <stdio.h>

#include "collector/finding_store.h"
#include "collector/pipeline_state.h"
#include "common/log.h"

struct told {
	struct pipeline *p;
	const char *what;
};

static enum err
to_feed(void *arg, const struct finding_row *r)
{
	struct told *t = arg;

	return feed_finding(t->p->feed, r, t->what, t->p->now_us);
}

static enum err
tell(struct pipeline *p, const struct finding *f, int64_t id,
     enum finding_news news)
{
	struct told t = { p, news == FINDING_NEW ? "new" : "raised" };
	char title[192];

	finding_title(f, title, sizeof(title));
	log_info("finding %" PRId64 " %s at %s%s: %s: %s", id, t.what,
		 f->places[0].site, f->exercise[0] != '\0' ? ", exercise" : "",
		 finding_kind_name(f->kind), title);
	return p->feed != NULL
		       ? finding_store_get(store_db(p->store), id, to_feed, &t)
		       : ERR_OK;
}

static enum err
found(void *arg, const struct finding *f)
{
	struct pipeline *p = arg;
	enum finding_news news;
	uint64_t forgotten;
	int64_t id;
	enum err e = finding_store_put(store_db(p->store), f, p->now_us, &id,
				       &news, &forgotten);

	if (e != ERR_OK) {
		return e;
	}
	p->stats.findings[f->kind] += news == FINDING_NEW;
	p->stats.findings_forgotten += forgotten;
	if (news == FINDING_NEW) {
		e = pipeline_correlator_found(p, finding_kind_name(f->kind), 1);
	}
	if (e == ERR_OK && news != FINDING_MORE) {
		e = tell(p, f, id, news);
	}
	/* What goes on is told by where it goes on; where it was before, the
	 * correlator knows. */
	for (unsigned i = 0;
	     i < (news == FINDING_MORE ? 1 : f->n_places) && e == ERR_OK; i++) {
		finding_sighting(f, i, &p->set);
		e = pipeline_sight(p, &p->set);
	}
	return e;
}

/* Whether the line is of the exercise that it names: each destination, as of
 * an alert. */
static bool
is_misplaced(struct pipeline *p, const struct alert *a,
	     const struct contacts *c)
{
	struct alert probe = *a, real;
	int inject;

	probe.has_addrs = true;
	probe.src = probe.dst = c->ip;
	probe.timestamp_us = c->start_us;
	for (unsigned i = 0; a->exercise.len > 0 && i < MAX(c->n_to, 1u); i++) {
		if (c->n_to > 0) {
			probe.dst = c->to[i].ip;
			probe.timestamp_us = c->to[i].n_starts > 0
						     ? c->to[i].starts_us[0]
						     : c->start_us;
		}
		if (pipeline_exercise_judge(p->exercises, &probe, &real,
					    &inject) != &probe) {
			return true;
		}
	}
	return false;
}

enum err
pipeline_contacts(struct pipeline *p, const struct alert *a, struct view line,
		  bool *good)
{
	struct finder_sink sink = { p, found };
	struct alert origin = *a;
	struct sighting_set from;
	struct contacts c;
	const char *why;

	*good = contacts_read(&c, &p->contacts, line, &why);
	if (!*good) {
		log_debug("a line of contacts is refused: %s", why);
		return p->contacts.no_memory ? ERR_NOMEM : ERR_OK;
	}
	if (is_misplaced(p, a, &c)) {
		origin.exercise = VIEW_NONE;
	}
	/* Its site, owner and marks are read as those of an alert. */
	sighting_from_alert(&origin, p->cfg.missions, &from);
	return finder_take(p->finder,
			   &(struct finder_line){ .exercise = from.exercise,
						  .site = from.site,
						  .owner = from.owner,
						  .mark = &from.mark,
						  .contacts = &c },
			   &sink);
}
