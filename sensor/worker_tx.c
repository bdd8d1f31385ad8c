/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/worker_state.h"

#include "sensor/log_file.h"

static void
log_tx(struct worker *w, struct event_subject *s, struct app_tx *tx)
{
	struct event_what what = { .type = event_type_of(tx) };
	enum flow_dir dir = s->dir;

	if (tx->logged) {
		return;
	}
	tx->logged = true;
	if (tx->log_off || what.type == EVENT_TYPE_COUNT ||
	    !worker_wants(w, what.type)) {
		return;
	}
	/* EVE shows a transaction from the one who began it. */
	if (!tx->one_sided) {
		s->dir = FLOW_TOSERVER;
	}
	s->tx = tx;
	worker_remember(w, s);
	worker_tell(w, s, &what);
	s->dir = dir;
	s->tx = NULL;
}

static void
end_tx(struct worker *w, struct flow *f, struct app_tx *tx)
{
	rule_tx_free(tx->rules, w->pool);
	tx->rules = NULL;
	for (unsigned d = 0; d < 2; d++) {
		for (struct file *x = tx->files[d].first; x != NULL;
		     x = x->next) {
			rule_tx_free(x->rules, w->pool);
			x->rules = NULL;
		}
	}
	app_tx_end(w->apps, f, tx);
}

static void
want_files(struct app_tx *tx, unsigned d)
{
	tx->store_files[d] = true;
	for (struct file *f = tx->files[d].first; f != NULL; f = f->next) {
		f->wanted = true;
	}
}

/* What filestore asked for besides the file that its rule was about. */
static void
note_store(const struct inspect_store *store, struct app_flow *af,
	   struct app_tx *tx)
{
	for (unsigned d = 0; d < 2; d++) {
		if (store->tx[d]) {
			want_files(tx, d);
		}
		if (!store->flow[d]) {
			continue;
		}
		af->store_files[d] = true;
		for (struct app_tx *t = af->txs; t != NULL; t = t->next) {
			want_files(t, d);
		}
	}
}

/* The event of a file that ended, and its copy beside it in the store. */
static void
log_file_end(struct worker *w, const struct event_subject *s,
	     const struct file *f)
{
	struct event_what what = { .type = EVENT_TYPE_FILEINFO, .file = f };
	bool wanted = worker_wants(w, EVENT_TYPE_FILEINFO);
	struct view line;

	if (!f->stored || !file_writes_info(w->apps->files)) {
		if (wanted) {
			worker_tell(w, s, &what);
		}
		return;
	}
	line = event_line(w->log, s, &what);
	if (line.len > 0) {
		file_write_info(w->apps->files, f, s->ts_us,
				log_file_id(f, s->f->id, s->tx->id, s->dir),
				line);
	}
	if (wanted) {
		worker_put_line(w, s, EVENT_TYPE_FILEINFO, line);
	}
}

/* Writes what ended of the files that 'tx' carried; s->tx is 'tx'. */
static void
log_files(struct worker *w, struct event_subject *s, struct app_tx *tx)
{
	enum flow_dir dir = s->dir;

	for (unsigned d = 0; d < 2; d++) {
		s->dir = (enum flow_dir)d;
		for (struct file *f = tx->files[d].first; f != NULL;
		     f = f->next) {
			if (!file_ended(f)) {
				if (f->storing != NULL) {
					stream_deepen((struct flow *)s->f,
						      s->dir);
				}
				continue;
			}
			if (f->logged) {
				continue;
			}
			f->logged = true;
			file_settle(w->apps->files, f);
			if (w->retro != NULL) {
				retro_note_file(w->retro, s->f, f, s->ts_us);
			}
			log_file_end(w, s, f);
		}
	}
	s->dir = dir;
}

/* Offers what is new of 'tx' in direction s->dir to the rules. */
static void
match_tx(struct worker *w, struct event_subject *s, struct flow *f,
	 struct app_tx *tx, enum flow_dir packet_dir)
{
	worker_need_facts(w, s);
	w->in.pkt_is_reverse = s->dir != packet_dir;
	fill_tx(&w->in, tx, s->dir, w->needed);
	fill_tx_raw(&w->in, f, s->pkt, packet_dir);
	w->in.flow_state = &f->rules;
	w->in.tx_state = &tx->rules;
	worker_match(w, s);
	w->in.pkt_is_reverse = false;
	tx->log_off = tx->log_off || w->hits.no_tx_log;
	note_store(&w->in.store, f->app, tx);
	fill_tx_done(&w->in, tx);
}

static void
put_flow_anomalies(struct worker *w, const struct event_subject *s,
		   struct flow *f)
{
	if (!event_set_empty(&f->app->events)) {
		worker_put_anomalies(w, s, &f->app->events);
		memset(&f->app->events, 0, sizeof(f->app->events));
	}
}

void
worker_inspect_txs(struct worker *w, struct event_subject *s, struct flow *f)
{
	struct app_tx *tx = f->app->txs, *next;
	enum flow_dir packet_dir = s->dir;

	for (; tx != NULL; tx = next) {
		struct event_set new_events;

		next = tx->next;
		s->tx = tx;
		if (UNLIKELY(w->retro != NULL)) {
			retro_note_tx(w->retro, f, tx, s->ts_us);
		}
		for (unsigned d = 0; d < 2; d++) {
			if (!tx->updated[d]) {
				continue;
			}
			tx->updated[d] = false;
			s->dir = (enum flow_dir)d;
			if (w->asks.match) {
				match_tx(w, s, f, tx, packet_dir);
			}
			if (tx->done[d] && !tx->cut[d]) {
				tx->cut[d] = true;
				stream_raw_cut(f, s->dir);
			}
		}
		s->dir = packet_dir;
		log_files(w, s, tx);
		for (unsigned i = 0; i < EVENT_WORDS; i++) {
			new_events.w[i] =
				tx->events.w[i] & ~tx->events_logged.w[i];
			tx->events_logged.w[i] = tx->events.w[i];
		}
		worker_put_anomalies(w, s, &new_events);
		s->tx = NULL;
		if (tx->done[0] && tx->done[1]) {
			log_tx(w, s, tx);
			end_tx(w, f, tx);
		}
	}
	put_flow_anomalies(w, s, f);
}

void
worker_end_txs(struct worker *w, struct event_subject *s, struct flow *f)
{
	while (f->app != NULL && f->app->txs != NULL) {
		log_tx(w, s, f->app->txs);
		end_tx(w, f, f->app->txs);
	}
}
