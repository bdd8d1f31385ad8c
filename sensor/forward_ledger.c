/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/forward_ledger.h"

#include "common/clock.h"
#include "common/log.h"
#include "sensor/ledger_ranges.h"

#define SYNC_US (2 * US_PER_S)
/* Who lives less long than this has watched nothing. */
#define RESTART_US (5 * US_PER_S)

/* --- the spool sheds --- */

static void
go(struct forward_ledger *l, enum ledger_gone why, const struct spool_news *n)
{
	struct ledger_shed r = { .from = n->from,
				 .to = n->to,
				 .events = n->events,
				 .cls = n->cls,
				 .alone = why == LEDGER_GONE_damaged };

	if (n->events > 0) {
		l->slot.gone[why][n->cls] += n->events;
		ledger_range_note(&l->slot, &r);
		ledger_file_put(l->file, &l->slot);
	}
}

/*
 * Before files go.  Killed before a file is shed that is counted here, the
 * next start finds it there and takes this back; killed before files go that
 * are committed, it finds them and commits again.
 */
static void
on_news(void *arg, const struct spool_news *n)
{
	struct forward_ledger *l = arg;

	switch (n->what) {
	case SPOOL_SHEDS:
		l->unshed = l->slot;
		go(l, LEDGER_GONE_shed, n);
		break;
	case SPOOL_KEEPS:
		l->slot = l->unshed;
		ledger_file_put(l->file, &l->slot);
		break;
	case SPOOL_COMMITS:
		forward_ledger_commit(l);
		break;
	case SPOOL_LOSES:
		if (!l->damage_told) {
			log_err("spool: a batch is damaged on the disk: %llu "
				"events of severity class %s are lost; what "
				"else is found so is counted",
				(unsigned long long)n->events,
				ledger_class_name(n->cls));
		}
		l->damage_told = true;
		go(l, LEDGER_GONE_damaged, n);
		break;
	}
}

/* --- the start --- */

/* Batches that reached the spool when the program was killed before it could
 * write that down.  False: numbers behind those noted are not there. */
static bool
count_unnoted(struct forward_ledger *l)
{
	uint64_t last = l->slot.seq;
	struct spool_cursor cur;
	struct spool_item it;
	bool whole = true;
	enum err e;

	spool_seek(&cur, l->slot.seq + 1);
	/* What is refused is given up some time: there is an end. */
	while ((e = spool_next(l->spool, &cur, &it)) == ERR_OK || e == ERR_IO) {
		if (e == ERR_OK && it.gap_from == 0) {
			l->slot.spooled[spool_class(it.hdr.sev)] += it.hdr.n;
			whole &= it.hdr.seq == ++last;
		}
	}
	l->slot.seq = spool_last_seq(l->spool);
	return whole && last >= l->slot.seq;
}

/* A file that was to be shed is still there: it was not shed.  Or what was
 * damaged can be read again. */
static void
take_back(struct forward_ledger *l, unsigned cls, uint64_t events)
{
	uint64_t *shed = &l->slot.gone[LEDGER_GONE_shed][cls];
	uint64_t *damaged = &l->slot.gone[LEDGER_GONE_damaged][cls];

	if (ledger_range_take_back(&l->slot, l->spool, cls, events)) {
		*shed -= MIN(events, *shed);
		return;
	}
	*damaged -= MIN(events, *damaged);
	ledger_range_damaged(&l->slot, l->spool, cls, *damaged);
}

/* spooled = done + held + gone, or something happened to the files. */
static void
compare_with_spool(struct forward_ledger *l)
{
	struct spool_stats st;
	struct diag d;

	if (spool_committed(l->spool) > l->slot.committed) {
		return; /* 'done' is older than that: nothing to compare */
	}
	if (l->slot.committed <= spool_last_seq(l->spool) &&
	    spool_commit(l->spool, l->slot.committed, &d) != ERR_OK) {
		log_warn("%s", d.msg);
	}
	spool_get_stats(l->spool, &st);
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		uint64_t should = l->slot.spooled[c];
		uint64_t is = l->slot.done[c] + st.held_events[c] +
			      l->slot.gone[LEDGER_GONE_shed][c] +
			      l->slot.gone[LEDGER_GONE_damaged][c];

		if (is < should) {
			l->slot.gone[LEDGER_GONE_damaged][c] += should - is;
			ledger_range_damaged(&l->slot, l->spool, c,
					     should - is);
			log_warn("spool: %llu events of severity class %s are "
				 "no longer there",
				 (unsigned long long)(should - is),
				 ledger_class_name(c));
		} else if (is > should) {
			take_back(l, c, is - should);
		}
	}
}

/* What was raised and is nowhere else was in memory. */
static void
declare_killed(struct forward_ledger *l)
{
	uint64_t raised[LEDGER_CLASSES], lost[LEDGER_CLASSES], n = 0;

	ledger_file_raised(l->file, raised);
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		uint64_t known = l->slot.spooled[c];

		for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
			ledger_file_lost(l->file, i, lost);
			known += lost[c];
		}
		if (raised[c] > known) {
			l->slot.lost[LEDGER_LOST_killed][c] +=
				raised[c] - known;
			n += raised[c] - known;
		}
		ledger_file_raised_least(l->file, c, known);
	}
	if (n > 0) {
		log_warn("the last run was killed with %llu events in memory: "
			 "they are lost, and declared so",
			 (unsigned long long)n);
	}
}

static void
note_unknown(struct forward_ledger *l, uint64_t since_us)
{
	if (l->slot.unknown_since_us == 0) {
		l->slot.unknown_since_us = since_us;
	}
	log_warn("how many events were raised is not exactly known: the "
		 "ledger did not survive the end of the last run");
}

/* Counters that are gone: from here on, exactly. */
static void
begin_anew(struct forward_ledger *l)
{
	if (spool_last_seq(l->spool) > 0) {
		l->slot.base_seq = spool_last_seq(l->spool);
		note_unknown(l, spool_epoch(l->spool) * 1000);
	}
	l->slot.seq = spool_last_seq(l->spool);
	l->slot.committed = spool_committed(l->spool);
}

static void
settle(struct forward_ledger *l, enum ledger_found found)
{
	uint64_t beat = ledger_file_last_beat(l->file);
	bool whole;

	l->slot = *ledger_file_slot(l->file);
	if (found == LEDGER_FILE_NEW || found == LEDGER_FILE_DAMAGED) {
		begin_anew(l);
		ledger_file_put(l->file, &l->slot);
		return;
	}
	whole = count_unnoted(l);
	if (found == LEDGER_FILE_POWER &&
	    (!whole || spool_committed(l->spool) > l->slot.committed)) {
		/* Older than the spool: batches came and went since then. */
		l->slot.base_seq = l->slot.seq;
	}
	/* Behind counters that began anew stand batches that they leave out. */
	if (l->slot.base_seq == 0) {
		compare_with_spool(l);
	}
	/* The slot speaks of what was written before; the two put together
	 * must reach the file at once. */
	ledger_file_put(l->file, &l->slot);
	declare_killed(l);
	if (found == LEDGER_FILE_POWER) {
		note_unknown(l, beat);
	}
	if (found != LEDGER_FILE_CLEAN) {
		/* Killed again before anybody could be told: one interval. */
		if (l->slot.blind_to_us == 0 ||
		    beat > l->slot.blind_to_us + RESTART_US) {
			l->slot.blind_from_us = beat;
		}
		l->slot.blind_to_us = clock_wall_us();
	}
	ledger_file_put(l->file, &l->slot);
}

enum err
forward_ledger_open(struct forward_ledger *l, const char *dir,
		    struct spool *spool, struct diag *d)
{
	enum ledger_found found;
	enum err e =
		ledger_file_open(&l->file, dir, spool_epoch(spool), &found, d);

	if (e != ERR_OK) {
		return e;
	}
	l->spool = spool;
	settle(l, found);
	ledger_file_beat(l->file, clock_wall_us(), true);
	spool_on_news(spool, on_news, l);
	return ERR_OK;
}

void
forward_ledger_close(struct forward_ledger *l, bool clean)
{
	if (l->file != NULL) {
		forward_ledger_commit(l);
		ledger_file_beat(l->file, clock_wall_us(), false);
	}
	ledger_file_close(l->file, clean);
	l->file = NULL;
}

/* --- under way --- */

void
forward_ledger_raise(struct forward_ledger *l, unsigned cls, bool fits)
{
	ledger_file_raise(l->file, cls, 1);
	if (fits) {
		l->queued[cls]++;
	} else {
		ledger_file_lose(l->file, LEDGER_LOST_queue_full, cls, 1);
	}
}

void
forward_ledger_lose(struct forward_ledger *l, enum ledger_lost cause,
		    unsigned cls, uint64_t n)
{
	ledger_file_raise(l->file, cls, n);
	ledger_file_lose(l->file, cause, cls, n);
}

void
forward_ledger_drop(struct forward_ledger *l, enum ledger_lost cause,
		    unsigned cls, uint64_t n)
{
	l->slot.lost[cause][cls] += n;
	ledger_file_put(l->file, &l->slot);
}

void
forward_ledger_batch(struct forward_ledger *l, const struct frame_header *h,
		     enum err e)
{
	unsigned c = spool_class(h->sev);

	l->slot.seq = h->seq;
	switch (e) {
	case ERR_OK:
		l->slot.spooled[c] += h->n;
		break;
	case ERR_LIMIT:
		l->slot.lost[LEDGER_LOST_spool_full][c] += h->n;
		break;
	case ERR_NOMEM:
		l->slot.lost[LEDGER_LOST_no_memory][c] += h->n;
		break;
	default:
		l->slot.lost[LEDGER_LOST_disk][c] += h->n;
		break;
	}
	ledger_file_put(l->file, &l->slot);
}

void
forward_ledger_commit(struct forward_ledger *l)
{
	struct spool_stats st;

	if (spool_committed(l->spool) == l->slot.committed) {
		return;
	}
	spool_get_stats(l->spool, &st);
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		uint64_t left = st.held_events[c] +
				l->slot.gone[LEDGER_GONE_shed][c] +
				l->slot.gone[LEDGER_GONE_damaged][c];

		l->slot.done[c] =
			l->slot.spooled[c] - MIN(left, l->slot.spooled[c]);
	}
	l->slot.committed = spool_committed(l->spool);
	ledger_file_put(l->file, &l->slot);
}

void
forward_ledger_beat(struct forward_ledger *l, uint64_t now_us)
{
	bool sync = now_us >= l->next_sync_us;

	if (sync) {
		l->next_sync_us = now_us + SYNC_US;
	}
	ledger_file_beat(l->file, clock_wall_us(), sync);
}

/* --- told --- */

void
forward_ledger_raised(const struct forward_ledger *l, struct ledger *out)
{
	ledger_file_raised(l->file, out->raised);
	for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
		ledger_file_lost(l->file, i, out->lost[i]);
	}
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		out->memory[c] = l->queued[c] - l->taken[c];
	}
}

void
forward_ledger_fill(const struct forward_ledger *l,
		    const uint64_t batched[LEDGER_CLASSES], struct ledger *out)
{
	const struct ledger_slot *s = &l->slot;
	struct spool_stats st;

	spool_get_stats(l->spool, &st);
	out->epoch = spool_epoch(l->spool);
	out->at_us = clock_wall_us();
	out->order = ledger_file_order(l->file, out->at_us);
	out->last_seq = spool_last_seq(l->spool);
	out->committed = spool_committed(l->spool);
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		out->memory[c] += batched[c];
		out->spooled[c] = s->spooled[c];
		out->held[c] = st.held_events[c];
		for (unsigned i = 0; i < LEDGER_GONES; i++) {
			out->gone[i][c] = s->gone[i][c];
		}
	}
	out->n_shed = (unsigned)s->n_shed;
	memcpy(out->shed, s->shed, sizeof(out->shed));
	out->shed_more = s->shed_more;
	out->blind_from_us = s->blind_from_us;
	out->blind_to_us = s->blind_to_us;
	out->unknown_since_us = s->unknown_since_us;
	out->base_seq = s->base_seq;
}
