/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis and the collector say, and where that leads the sender. */
#include <stdio.h>

#include "common/log.h"
#include "sensor/sender_entry.h"
#include "sensor/sender_state.h"

/*
 * Whoever may write to Redis could have a sensor free its spool.  A point that
 * the collector did not sign is counted once as long as it stands there, and
 * told once until a good one comes.
 */
static void
refuse_point(struct sender *s, const struct point *p)
{
	if (p->seq != s->forged_seq) {
		s->st.points_forged++;
	}
	s->forged_seq = p->seq;
	if (!s->forged_told) {
		log_warn("%s: the committed point \"%llu %llu\" is refused and "
			 "nothing is freed: %s; compare the collector's "
			 "ingest.sign-key with forward.sign.collector-key, or "
			 "see who else may write to Redis",
			 redis_pool_name(s->pool), (unsigned long long)p->epoch,
			 (unsigned long long)p->seq,
			 p->mac_len == 0
				 ? "it is not signed"
				 : "it is not signed with the collector's key");
	}
	s->forged_told = true;
}

/* Whether it moves us, and is the collector's. */
static bool
believe_point(struct sender *s, const struct point *p)
{
	uint64_t before = spool_committed(s->spool);

	if (p->epoch != spool_epoch(s->spool) || p->seq <= before) {
		/* Signed or not: it can do nothing. */
		if (p->epoch == spool_epoch(s->spool) && p->seq < before &&
		    p->seq != s->old_seq) {
			s->st.points_old++;
			s->old_seq = p->seq;
		}
		return false;
	}
	if (s->collector != NULL && !point_check(s->collector, s->name, p)) {
		refuse_point(s, p);
		return false;
	}
	s->forged_seq = s->old_seq = 0;
	s->forged_told = false;
	return true;
}

/*
 * The collector is behind what it once committed: its store is a new one, or
 * came back from a backup.  What it lacks is freed here, and to wait for it
 * would be to wait for ever: it is to be told as a gap.  Where the point alone
 * is old, played back or Redis', the gap is a repeat that is answered with the
 * right one.
 */
static void
hear_behind(struct sender *s, const struct point *p, uint64_t now)
{
	if (p->epoch == spool_epoch(s->spool) &&
	    p->seq < spool_committed(s->spool) && now >= s->next_lack_us &&
	    (s->collector == NULL || point_check(s->collector, s->name, p))) {
		s->lacks_from = p->seq + 1;
	}
}

static void
hear_committed(struct sender *s, const redisReply *r, uint64_t now)
{
	struct point point;
	uint64_t seq;
	struct diag d;

	s->asking_committed = false;
	s->next_poll_us = now + SENDER_POLL_US;
	if (!sender_read_committed(r, &point)) {
		return;
	}
	if (!believe_point(s, &point)) {
		hear_behind(s, &point, now);
		return;
	}
	seq = point.seq;
	if (spool_commit(s->spool, seq, &d) != ERR_OK) {
		log_err("%s", d.msg);
	}
	s->progress_us = now;
	s->stall_us = s->resend_us;
	if (s->acked < seq) {
		s->acked = seq;
	}
	if (s->probe_end != 0) {
		s->probe_hit_us = now;
		if (seq > s->probe_end) {
			s->probe_end = 0; /* the collector was just late */
		}
	}
}

/* Goes on behind 'from', or before it where something was refused. */
static void
rewind_to(struct sender *s, const uint64_t from[SPOOL_CLASSES])
{
	uint64_t next[SPOOL_CLASSES], front = spool_committed(s->spool) + 1;

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		next[c] = from[c] + 1;
		if (s->failed[c] != 0) {
			next[c] = MIN(next[c], s->failed[c]);
		}
	}
	memset(s->failed, 0, sizeof(s->failed));
	s->failing = false;
	spool_order_seek(&s->order, next, front);
	s->acked = spool_order_front(s->spool, &s->order) - 1;
}

void
sender_rewind_all(struct sender *s)
{
	uint64_t from[SPOOL_CLASSES];

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		from[c] = spool_committed(s->spool);
	}
	rewind_to(s, from);
}

/*
 * What Redis loses, it loses from the end of a stream: a failover, a log cut
 * short, all of it.  So behind its last entry is where to go on; what was
 * taken out in other ways, a stall will tell.
 */
static void
hear_last(struct sender *s, const redisReply *r, uint64_t now)
{
	uint64_t from[SPOOL_CLASSES], last = spool_last_seq(s->spool);
	struct sender_pos pos = { { 0 } };

	(void)sender_read_last(r, spool_epoch(s->spool), &pos);
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		from[c] = spool_committed(s->spool);
		if (pos.upto[c] > from[c] && pos.upto[c] <= last) {
			from[c] = pos.upto[c];
		}
	}
	rewind_to(s, from);
	s->ready = true;
	s->progress_us = now;
	s->stall_us = s->resend_us;
	s->probe_end = 0;
}

static void
refused(struct sender *s, const struct pending *p, const redisReply *r)
{
	enum redis_trouble t = redis_reply_trouble(r);
	enum err e = redis_reply_err(r);
	const char *mend = redis_trouble_mend(t);
	char why[480];

	s->st.refused++;
	s->refused_kinds |= 1U << p->kind;
	snprintf(why, sizeof(why), "%s: %.200s%s%s", redis_pool_name(s->pool),
		 r->str, mend != NULL ? ": " : "", mend != NULL ? mend : "");
	sender_set_state(s, e == ERR_AUTH ? SENDER_REFUSED : SENDER_BUSY,
			 UINT64_C(1) << t, why);
	if (p->kind == PUT_BATCH &&
	    (s->failed[p->cls] == 0 || p->first < s->failed[p->cls])) {
		s->failed[p->cls] = p->first;
		s->failing = true;
	}
	if (e == ERR_AUTH) {
		s->failures = 8; /* will not mend by itself: go slowly */
	}
}

static void
hear_batch(struct sender *s, const struct pending *p)
{
	if (p->seq > s->high[p->cls]) {
		s->high[p->cls] = p->seq;
		s->st.sent++;
	} else {
		s->st.resent++;
	}
	s->st.bytes += p->bytes;
	if (p->kind == PUT_BATCH && !s->failing) {
		s->acked = MAX(s->acked, p->front);
		s->failures = 0;
	}
}

/* Once the last of a refused pipeline is in: wait, and go back. */
static void
settle_refusal(struct sender *s, uint64_t now)
{
	uint64_t from[SPOOL_CLASSES];

	if (!s->failing || s->n_batches > 0) {
		return;
	}
	s->pause_until_us =
		now + sender_jitter(MIN(PAUSE_MIN_US << MIN(s->failures, 6U),
					PAUSE_MAX_US),
				    now);
	s->failures++;
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		from[c] = s->order.next[c].seq - 1;
	}
	rewind_to(s, from);
}

/* A command whose server went away before it answered. */
static void
lost(struct sender *s, const struct pending *p, uint64_t now)
{
	if (p->kind == ASK_CONTROL) {
		s->asking_control = false;
		s->next_control_us = now + CONTROL_PERIOD_US;
	} else if (p->kind != TELL_PRESENCE && p->kind != PUT_EVIDENCE) {
		sender_lost_link(s, TOLD_DOWN, redis_pool_why(s->pool));
	}
}

/* Told once: whoever asked waits in vain. */
static void
refused_evidence(struct sender *s, const redisReply *r)
{
	s->st.evidence_refused++;
	if (!s->evidence_told) {
		log_warn("%s: kept packets that were asked for are refused: "
			 "%.200s",
			 redis_pool_name(s->pool), r->str);
	}
	s->evidence_told = true;
}

/* Replies that are no reason to hold alerts back, whatever they say. */
static bool
hear_aside(struct sender *s, const struct pending *p, const redisReply *r,
	   uint64_t now)
{
	if (p->kind == ASK_CONTROL) {
		s->asking_control = false;
		s->next_control_us = now + CONTROL_PERIOD_US;
		if (control_feed_hear(s->control, r)) {
			s->next_control_us = now;
		}
	} else if (p->kind == ASK_LENGTH) {
		s->asking_length = false;
		s->knows_length = r->type == REDIS_REPLY_INTEGER;
		s->length = s->knows_length && r->integer > 0
				    ? (uint64_t)r->integer
				    : 0;
	} else if (p->kind == PUT_EVIDENCE) {
		if (r->type == REDIS_REPLY_ERROR) {
			refused_evidence(s, r);
		}
	} else {
		return false;
	}
	return true;
}

/*
 * A batch that was taken ends all trouble.  A sensor that has none to send
 * writes its presence, from which it can tell at least that the server it is
 * connected to takes something.
 */
static void
note_taken(struct sender *s, const struct pending *p)
{
	if (p->kind == PUT_BATCH && !s->failing) {
		sender_taken(s, TOLD_ALL);
	} else if (p->kind == TELL_PRESENCE) {
		sender_taken(s, TOLD_LINK);
	}
}

static void
hear_reply(struct sender *s, const struct pending *p, const redisReply *r,
	   uint64_t now)
{
	if (hear_aside(s, p, r, now)) {
		return;
	}
	if (r->type == REDIS_REPLY_ERROR && p->kind != ASK_LAST) {
		refused(s, p, r);
		s->asking_committed &= p->kind != ASK_COMMITTED;
		s->next_poll_us = now + SENDER_POLL_US;
		settle_refusal(s, now);
		return;
	}
	s->refused_kinds &= ~(1U << p->kind);
	if (p->kind == ASK_COMMITTED) {
		hear_committed(s, r, now);
	} else if (p->kind == ASK_LAST) {
		hear_last(s, r, now);
	} else if (p->kind != TELL_PRESENCE) {
		hear_batch(s, p);
	}
	if (s->ready && s->refused_kinds == 0) {
		sender_set_state(s, SENDER_UP, 0, NULL);
		note_taken(s, p);
	}
	settle_refusal(s, now);
}

void
sender_hear(struct sender *s, const struct redis_answer *a, uint64_t now)
{
	struct pending *at = &s->pending[a->tag], p = *at;

	if (p.kind == TELL_PRESENCE && --at->seq > 0) {
		p.seq = at->seq; /* more replies come with this tag */
	} else {
		*at = (struct pending){ .kind = NOTHING };
		s->n_pending--;
		s->n_batches -= p.kind == PUT_BATCH;
		s->n_evidence -= p.kind == PUT_EVIDENCE;
	}
	if (a->reply == NULL) {
		lost(s, &p, now);
	} else {
		hear_reply(s, &p, a->reply, now);
	}
}
