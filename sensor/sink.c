/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/json.h"
#include "common/log.h"
#include "rules/rule_prog.h"
#include "sensor/forward.h"

#define WRITE_BUFFER ((size_t)1 << 20)

/* Which line of which outbox comes next. */
struct slot {
	uint64_t order, sub;
	uint32_t box, index;
};

/* A claim, and where it stands among the claims of its slot. */
struct turn {
	struct slot slot;
	uint64_t turn;
	uint32_t prog;
};

struct sink {
	struct sink_settings set;
	struct forward *forward;
	struct threshold_table *thresholds;
	struct held *held;
	struct json json; /* a line with what only the sink knows */
	int fd;
	uint8_t *buf;
	size_t len;
	struct slot *slots;
	size_t cap;
	struct turn *turns; /* claims of a round, in the order to settle them */
	size_t n_turns, cap_turns;
	bool failed; /* said once; further errors are only counted */
	struct sink_counters count;
};

static enum err
open_eve(struct sink *s, struct diag *d)
{
	const char *path = s->set.eve_path;

	s->fd = -1;
	if (path == NULL) {
		return ERR_OK;
	}
	if (strcmp(path, "-") == 0) {
		s->fd = STDOUT_FILENO;
		return ERR_OK;
	}
	s->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (s->fd < 0) {
		return diag_set(d, ERR_USAGE, "--eve %s: %s", path,
				strerror(errno));
	}
	return ERR_OK;
}

enum err
sink_open(struct sink **out, const struct sink_settings *set, struct diag *d)
{
	struct sink *s = calloc(1, sizeof(*s));
	enum err e;

	*out = NULL;
	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	s->set = *set;
	s->thresholds = threshold_table_new(set->threshold_entries);
	s->held = held_new();
	s->buf = malloc(WRITE_BUFFER);
	if (s->thresholds == NULL || s->held == NULL || s->buf == NULL) {
		sink_close(s);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = open_eve(s, d);
	if (e != ERR_OK) {
		sink_close(s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

void
sink_set_forward(struct sink *s, struct forward *f)
{
	s->forward = f;
}

static void
write_all(struct sink *s, const uint8_t *p, size_t n)
{
	while (n > 0 && s->fd >= 0) {
		ssize_t k = write(s->fd, p, n);

		if (k < 0 && errno == EINTR) {
			continue;
		}
		if (k < 0) {
			s->count.write_errors++;
			if (!s->failed) {
				log_err("writing %s: %s; events are being lost",
					s->set.eve_path, strerror(errno));
				s->failed = true;
			}
			return;
		}
		p += k;
		n -= (size_t)k;
	}
}

void
sink_flush(struct sink *s)
{
	write_all(s, s->buf, s->len);
	s->len = 0;
}

static void
write_line(struct sink *s, struct view line)
{
	if (s->fd < 0) {
		/* Not asked for, or could not be opened again. */
		s->count.lost += s->set.eve_path != NULL;
		return;
	}
	if (s->len + line.len + 1 > WRITE_BUFFER) {
		sink_flush(s);
	}
	s->count.bytes += line.len + 1;
	if (line.len + 1 > WRITE_BUFFER) {
		write_all(s, line.p, line.len);
		write_all(s, (const uint8_t *)"\n", 1);
		return;
	}
	memcpy(s->buf + s->len, line.p, line.len);
	s->len += line.len;
	s->buf[s->len++] = '\n';
}

static void
emit(struct sink *s, enum event_type type, uint8_t severity, struct view line)
{
	s->count.events[type]++;
	if (s->set.eve_types >> type & 1) {
		write_line(s, line);
	}
	if (s->forward != NULL && (s->set.forward_types >> type & 1) != 0) {
		if (forward_push(s->forward, line, severity)) {
			s->count.forwarded++;
		}
	}
}

void
sink_line(struct sink *s, enum event_type type, struct view line)
{
	emit(s, type, 0, line);
	sink_flush(s);
}

/* HELD_NOT: the alert is said. */
static enum held_cause
cause_of(struct sink *s, const struct record *r)
{
	if (r->held != HELD_NOT) {
		return (enum held_cause)r->held;
	}
	switch (threshold_check(s->thresholds, r->rule, &r->key, r->ts_us)) {
	case THRESHOLD_BY_LIMIT:
		return HELD_THRESHOLD;
	case THRESHOLD_BY_FILTER:
		return HELD_DETECTION_FILTER;
	case THRESHOLD_BY_RATE:
		return HELD_RATE_FILTER;
	case THRESHOLD_PASS:
		break;
	}
	return HELD_NOT;
}

static void
put_verdict(struct json *j, const struct record *r)
{
	static const char *const whom[] = { [REJECT_SRC] = "to_client",
					    [REJECT_DST] = "to_server",
					    [REJECT_BOTH] = "both" };

	json_obj(j, "verdict");
	/* A tap cannot drop: "drop" and "reject" let the packet pass too. */
	json_cstr(j, "action", r->passed ? "pass" : "alert");
	if (r->rule->action == ACTION_REJECT) {
		json_cstr(j, "reject-target", whom[r->rule->reject]);
		json_arr(j, "reject");
		json_cstr(j, NULL,
			  r->proto == IPP_TCP ? "tcp-reset" : "icmp-prohib");
		json_arr_end(j);
	}
	json_obj_end(j);
}

static void
put_held(struct json *j, struct held_rule *h)
{
	json_obj(j, "suppressed");
	for (unsigned c = 0; c < HELD_CAUSES; c++) {
		if (h->fresh[c] > 0) {
			json_u64(j, held_cause_name((enum held_cause)c),
				 h->fresh[c]);
		}
	}
	json_obj_end(j);
	held_told(h);
}

/*
 * The line with what only shows where all alerts meet.  Its last member is
 * taken off, and put back behind the new ones: lines are our own, and
 * record.h says where "picket" begins.
 */
static struct view
complete(struct sink *s, const struct record *r, struct view line)
{
	struct held_rule *h = held_news(s->held, r->rule);
	struct view head = view_of(line.p, line.len - 1), picket = VIEW_NONE;
	struct json *j = &s->json;

	if (h == NULL && !s->set.verdict) {
		return line;
	}
	if (r->picket_at > 0) {
		head.len = r->picket_at;
		picket = view_sub(line, r->picket_at + 1,
				  line.len - r->picket_at - 3);
	}
	json_reset(j);
	json_open(j, head);
	if (s->set.verdict) {
		put_verdict(j, r);
	}
	if (picket.len > 0) {
		json_open(j, picket);
	} else if (h != NULL) {
		json_obj(j, "picket");
	}
	if (h != NULL) {
		put_held(j, h);
	}
	if (picket.len > 0 || h != NULL) {
		json_obj_end(j);
	}
	json_obj_end(j);
	return j->failed ? line : json_view(j);
}

static void
emit_record(struct sink *s, const struct outbox *box, const struct record *r)
{
	struct view line = outbox_line(box, r);

	if (r->unmet || (r->len == 0 && r->rule == NULL)) {
		s->count.unmet += r->unmet && r->rule != NULL;
		return;
	}
	if (r->rule != NULL) {
		enum held_cause c = cause_of(s, r);

		if (c != HELD_NOT) {
			s->count.suppressed += c <= HELD_RATE_FILTER;
			held_add(s->held, r->rule, c);
			return;
		}
		s->count.threshold_evicted = threshold_evicted(s->thresholds);
		s->count.alerts++;
		line = complete(s, r, line);
	}
	emit(s, r->type, r->severity, line);
}

static int
by_order(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	if (x->order != y->order) {
		return x->order < y->order ? -1 : 1;
	}
	if (x->sub != y->sub) {
		return x->sub < y->sub ? -1 : 1;
	}
	if (x->box != y->box) {
		return x->box < y->box ? -1 : 1;
	}
	return x->index < y->index ? -1 : x->index > y->index;
}

static int
by_turn(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->slot.order != y->slot.order || x->slot.sub != y->slot.sub ||
	    x->slot.box != y->slot.box) {
		return by_order(&x->slot, &y->slot);
	}
	if (x->turn != y->turn) {
		return x->turn < y->turn ? -1 : 1;
	}
	return x->prog < y->prog ? -1 : x->prog > y->prog;
}

static void
settle(struct sink *s, const struct outbox *box, struct record *r)
{
	struct shared_claim c = outbox_claim(box, r);

	r->unmet =
		s->set.shared == NULL || !shared_state_apply(s->set.shared, &c);
}

/* All claims of the round, before anything of it is written. */
static void
settle_claims(struct sink *s, struct outbox *const *boxes, size_t n)
{
	s->n_turns = 0;
	for (size_t i = 0; i < n; i++) {
		const struct slot *slot = &s->slots[i];
		const struct record *r = &boxes[slot->box]->rec[slot->index];
		struct turn *p = s->turns;

		if (r->claim.prog == NULL) {
			continue;
		}
		if (s->n_turns == s->cap_turns) {
			p = realloc(p, (s->cap_turns * 2 + 64) * sizeof(*p));
			if (p == NULL) {
				boxes[slot->box]->rec[slot->index].len = 0;
				boxes[slot->box]->rec[slot->index].rule = NULL;
				s->count.lost++;
				continue;
			}
			s->turns = p;
			s->cap_turns = s->cap_turns * 2 + 64;
		}
		p[s->n_turns++] =
			(struct turn){ *slot, r->turn, r->claim.prog->order };
	}
	if (s->n_turns > 1) {
		qsort(s->turns, s->n_turns, sizeof(*s->turns), by_turn);
	}
	for (size_t i = 0; i < s->n_turns; i++) {
		struct outbox *box = boxes[s->turns[i].slot.box];

		settle(s, box, &box->rec[s->turns[i].slot.index]);
	}
}

static bool
reserve(struct sink *s, size_t n)
{
	struct slot *p;

	if (n <= s->cap) {
		return true;
	}
	p = realloc(s->slots, n * 2 * sizeof(*p));
	if (p == NULL) {
		return false;
	}
	s->slots = p;
	s->cap = n * 2;
	return true;
}

void
sink_round(struct sink *s, struct outbox *const *boxes, unsigned n)
{
	size_t total = 0, k = 0;

	for (unsigned i = 0; i < n; i++) {
		total += boxes[i]->n;
		s->count.lost += boxes[i]->lost;
	}
	if (total == 0) {
		return;
	}
	if (!reserve(s, total)) {
		/* Without memory to sort, late order beats loss. */
		for (unsigned i = 0; i < n; i++) {
			for (size_t r = 0; r < boxes[i]->n; r++) {
				if (boxes[i]->rec[r].claim.prog != NULL) {
					settle(s, boxes[i], &boxes[i]->rec[r]);
				}
				emit_record(s, boxes[i], &boxes[i]->rec[r]);
			}
		}
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		for (size_t r = 0; r < boxes[i]->n; r++) {
			s->slots[k++] = (struct slot){
				.order = boxes[i]->rec[r].order,
				.sub = boxes[i]->rec[r].sub,
				.box = i,
				.index = (uint32_t)r,
			};
		}
	}
	qsort(s->slots, k, sizeof(*s->slots), by_order);
	settle_claims(s, boxes, k);
	for (size_t i = 0; i < k; i++) {
		const struct outbox *box = boxes[s->slots[i].box];

		emit_record(s, box, &box->rec[s->slots[i].index]);
	}
}

void
sink_reopen(struct sink *s)
{
	struct diag d;

	if (s->set.eve_path == NULL || strcmp(s->set.eve_path, "-") == 0) {
		return;
	}
	sink_flush(s);
	if (s->fd >= 0) {
		close(s->fd);
	}
	s->failed = false;
	if (open_eve(s, &d) != ERR_OK) {
		s->count.write_errors++;
		log_err("%s; events are being lost", d.msg);
	}
}

const struct held *
sink_held(const struct sink *s)
{
	return s->held;
}

const struct sink_counters *
sink_counters(const struct sink *s)
{
	return &s->count;
}

enum err
sink_close(struct sink *s)
{
	enum err e;

	if (s == NULL) {
		return ERR_OK;
	}
	if (s->buf != NULL) {
		sink_flush(s);
	}
	e = s->count.write_errors > 0 ? ERR_IO : ERR_OK;
	if (s->fd > STDERR_FILENO && close(s->fd) != 0) {
		e = ERR_IO;
	}
	threshold_table_free(s->thresholds);
	held_free(s->held);
	json_fini(&s->json);
	free(s->slots);
	free(s->turns);
	free(s->buf);
	free(s);
	return e;
}
