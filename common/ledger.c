/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ledger.h"

#include "common/clock.h"

static const char *const class_names[LEDGER_CLASSES] = { "1", "2", "3",
							 "other" };
static const char *const lost_names[LEDGER_LOSTS] = {
#define X(name) #name,
	LEDGER_LOST_LIST(X)
#undef X
};
static const char *const gone_names[LEDGER_GONES] = {
#define X(name) #name,
	LEDGER_GONE_LIST(X)
#undef X
};
static const char *const skipped_names[LEDGER_SKIPPEDS] = {
#define X(name) #name,
	LEDGER_SKIPPED_LIST(X)
#undef X
};

const char *
ledger_class_name(unsigned cls)
{
	return class_names[MIN(cls, LEDGER_CLASSES - 1U)];
}

const char *
ledger_lost_name(enum ledger_lost cause)
{
	return lost_names[cause];
}

const char *
ledger_gone_name(enum ledger_gone cause)
{
	return gone_names[cause];
}

uint64_t
ledger_sum(const uint64_t by_class[LEDGER_CLASSES])
{
	return by_class[0] + by_class[1] + by_class[2] + by_class[3];
}

/* --- writing --- */

static void
put_classes(struct json *j, const char *key, const uint64_t v[LEDGER_CLASSES])
{
	json_arr(j, key);
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		json_u64(j, NULL, v[c]);
	}
	json_arr_end(j);
}

static void
put_links(struct json *j, const struct ledger *l)
{
	json_arr(j, "links");
	for (unsigned i = 0; i < l->n_links; i++) {
		const struct ledger_link *k = &l->link[i];

		json_obj(j, NULL);
		json_cstr(j, "interface", k->name);
#define X(name) json_u64(j, #name, k->name);
		LEDGER_LINK_LIST(X)
#undef X
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void
put_packets(struct json *j, const struct ledger *l)
{
	if (l->live) {
		put_links(j, l);
	} else {
		json_obj(j, "files");
#define X(name) json_u64(j, #name, l->files.name);
		LEDGER_FILES_LIST(X)
#undef X
		json_obj_end(j);
	}
	json_obj(j, "frames");
	json_u64(j, "delivered", l->frames.delivered);
	json_u64(j, "inspected", l->frames.inspected);
	json_obj(j, "skipped");
	for (unsigned i = 0; i < LEDGER_SKIPPEDS; i++) {
		json_u64(j, skipped_names[i], l->frames.skipped[i]);
	}
	json_obj_end(j);
	json_u64(j, "pending", l->frames.pending);
	json_obj_end(j);
	json_u64(j, "tcp_flows", l->tcp_flows);
	json_u64(j, "tcp_one_way", l->tcp_one_way);
}

static void
put_events(struct json *j, const struct ledger *l)
{
	json_obj(j, "events");
	put_classes(j, "raised", l->raised);
	put_classes(j, "memory", l->memory);
	put_classes(j, "spooled", l->spooled);
	put_classes(j, "held", l->held);
	json_obj(j, "lost");
	for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
		put_classes(j, lost_names[i], l->lost[i]);
	}
	json_obj_end(j);
	json_obj(j, "gone");
	for (unsigned i = 0; i < LEDGER_GONES; i++) {
		put_classes(j, gone_names[i], l->gone[i]);
	}
	json_obj_end(j);
	json_arr(j, "shed");
	for (unsigned i = 0; i < l->n_shed; i++) {
		json_obj(j, NULL);
		json_u64(j, "class", l->shed[i].cls);
		json_u64(j, "from", l->shed[i].from);
		json_u64(j, "to", l->shed[i].to);
		json_u64(j, "events", l->shed[i].events);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_u64(j, "shed_more", l->shed_more);
	json_obj_end(j);
}

void
ledger_write(struct json *j, const char *key, const struct ledger *l)
{
	json_obj(j, key);
	json_u64(j, "v", LEDGER_VERSION);
	json_u64(j, "epoch", l->epoch);
	json_u64(j, "at_us", l->at_us);
	json_u64(j, "order", l->order);
	json_u64(j, "started_us", l->started_us);
	json_u64(j, "last_seq", l->last_seq);
	json_u64(j, "committed", l->committed);
	json_name(j, "mode", l->live ? "live" : "replay");
	json_bool(j, "ended", l->ended);
	put_packets(j, l);
	ledger_overload_write(j, &l->overload);
	put_events(j, l);
	json_u64(j, "blind_from_us", l->blind_from_us);
	json_u64(j, "blind_to_us", l->blind_to_us);
	json_u64(j, "unknown_since_us", l->unknown_since_us);
	json_u64(j, "base_seq", l->base_seq);
	json_obj_end(j);
}

/* --- reading --- */

struct source {
	const struct json_reader *r;
	const struct json_value *obj;
};

static const struct json_value *
member(struct source s, const char *name)
{
	return json_member(s.r, s.obj, view_cstr(name));
}

static struct source
inside(struct source s, const char *name)
{
	return (struct source){ s.r, member(s, name) };
}

static uint64_t
number(struct source s, const char *name)
{
	const struct json_value *v = member(s, name);
	uint64_t n = 0;

	return v != NULL && json_uint(v, INT64_MAX, &n) ? n : 0;
}

static void
classes(struct source s, const char *name, uint64_t out[LEDGER_CLASSES])
{
	const struct json_value *arr = member(s, name), *v;
	unsigned c = 0;

	if (arr == NULL || arr->type != JSON_ARRAY) {
		return;
	}
	for (v = json_first(s.r, arr); v != NULL && c < LEDGER_CLASSES;
	     v = json_next(s.r, arr, v), c++) {
		if (!json_uint(v, INT64_MAX, &out[c])) {
			out[c] = 0;
		}
	}
}

static void
read_links(struct ledger *l, struct source s)
{
	const struct json_value *arr = member(s, "links"), *v;

	if (arr == NULL || arr->type != JSON_ARRAY) {
		return;
	}
	for (v = json_first(s.r, arr); v != NULL && l->n_links < LEDGER_LINKS;
	     v = json_next(s.r, arr, v)) {
		struct ledger_link *k = &l->link[l->n_links++];
		struct source o = { s.r, v };
		const struct json_value *name = member(o, "interface");

		if (name != NULL && name->type == JSON_STRING) {
			size_t n = MIN(name->text.len, sizeof(k->name) - 1);

			memcpy(k->name, name->text.p, n);
		}
#define X(field) k->field = number(o, #field);
		LEDGER_LINK_LIST(X)
#undef X
	}
}

static void
read_packets(struct ledger *l, struct source s)
{
	struct source files = inside(s, "files"), frames = inside(s, "frames");
	struct source skipped = inside(frames, "skipped");

	read_links(l, s);
#define X(field) l->files.field = number(files, #field);
	LEDGER_FILES_LIST(X)
#undef X
	l->frames.delivered = number(frames, "delivered");
	l->frames.inspected = number(frames, "inspected");
	l->frames.pending = number(frames, "pending");
	l->tcp_flows = number(s, "tcp_flows");
	l->tcp_one_way = number(s, "tcp_one_way");
	for (unsigned i = 0; i < LEDGER_SKIPPEDS; i++) {
		l->frames.skipped[i] = number(skipped, skipped_names[i]);
	}
}

static void
read_shed(struct ledger *l, struct source s)
{
	const struct json_value *arr = member(s, "shed"), *v;

	if (arr == NULL || arr->type != JSON_ARRAY) {
		return;
	}
	for (v = json_first(s.r, arr); v != NULL && l->n_shed < LEDGER_SHEDS;
	     v = json_next(s.r, arr, v)) {
		struct source o = { s.r, v };
		uint64_t cls = number(o, "class");

		if (cls < LEDGER_CLASSES) {
			l->shed[l->n_shed++] = (struct ledger_shed){
				.from = number(o, "from"),
				.to = number(o, "to"),
				.events = number(o, "events"),
				.cls = (unsigned)cls,
			};
		}
	}
}

static void
read_events(struct ledger *l, struct source s)
{
	struct source e = inside(s, "events");
	struct source lost = inside(e, "lost"), gone = inside(e, "gone");

	classes(e, "raised", l->raised);
	classes(e, "memory", l->memory);
	classes(e, "spooled", l->spooled);
	classes(e, "held", l->held);
	for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
		classes(lost, lost_names[i], l->lost[i]);
	}
	for (unsigned i = 0; i < LEDGER_GONES; i++) {
		classes(gone, gone_names[i], l->gone[i]);
	}
	read_shed(l, e);
	l->shed_more = number(e, "shed_more");
}

bool
ledger_read(struct ledger *l, const struct json_reader *r,
	    const struct json_value *obj)
{
	struct source s = { r, obj };
	const struct json_value *mode, *ended;

	*l = (struct ledger){ 0 };
	if (obj == NULL || obj->type != JSON_OBJECT ||
	    number(s, "v") != LEDGER_VERSION) {
		return false;
	}
	l->epoch = number(s, "epoch");
	l->at_us = number(s, "at_us");
	l->order = number(s, "order");
	l->started_us = number(s, "started_us");
	l->last_seq = number(s, "last_seq");
	l->committed = number(s, "committed");
	mode = member(s, "mode");
	l->live = mode != NULL && view_eq(mode->text, VIEW_LIT("live"));
	ended = member(s, "ended");
	l->ended = ended != NULL && ended->type == JSON_TRUE;
	read_packets(l, s);
	ledger_overload_read(&l->overload, r, obj);
	read_events(l, s);
	l->blind_from_us = number(s, "blind_from_us");
	l->blind_to_us = number(s, "blind_to_us");
	l->unknown_since_us = number(s, "unknown_since_us");
	l->base_seq = number(s, "base_seq");
	return l->epoch != 0;
}

/* --- what must add up --- */

struct sheet {
	struct ledger_equation *eq;
	unsigned n;
};

static struct ledger_equation *
begin(struct sheet *s, const char *name, const char *of, const char *left,
      uint64_t value)
{
	struct ledger_equation *e = &s->eq[s->n++];

	*e = (struct ledger_equation){ .name = name,
				       .of = of,
				       .left = { left, value },
				       .difference = (int64_t)value };
	return e;
}

static void
add(struct ledger_equation *e, const char *name, uint64_t value)
{
	e->term[e->n_terms++] = (struct ledger_term){ name, value };
	/* A hostile sensor's numbers may wrap; they then do not hold. */
	e->difference = (int64_t)((uint64_t)e->difference - value);
	e->verdict = e->difference == 0 ? LEDGER_HOLDS : LEDGER_BROKEN;
}

static void
check_links(struct sheet *s, const struct ledger *l, uint64_t *delivered)
{
	for (unsigned i = 0; i < l->n_links; i++) {
		const struct ledger_link *k = &l->link[i];
		struct ledger_equation *e =
			begin(s, "wire", k->name, "wire", k->wire);

		add(e, "kernel_seen", k->kernel_seen);
		add(e, "not_offered", k->not_offered);
		/* Two counters, of which one is read a moment earlier. */
		if (k->wire < k->kernel_seen) {
			e->verdict = LEDGER_UNKNOWN;
		}
		e = begin(s, "kernel", k->name, "kernel_seen", k->kernel_seen);
		add(e, "delivered", k->delivered);
		add(e, "kernel_dropped", k->kernel_dropped);
		add(e, "waiting", k->waiting);
		add(e, "unread", k->unread);
		*delivered += k->delivered;
	}
}

static void
check_packets(struct sheet *s, const struct ledger *l)
{
	struct ledger_equation *e;
	uint64_t delivered = 0;

	if (l->live) {
		check_links(s, l, &delivered);
	} else {
		e = begin(s, "files", "", "records", l->files.records);
		add(e, "delivered", l->files.delivered);
		add(e, "filtered", l->files.filtered);
		add(e, "oversized", l->files.oversized);
		delivered = l->files.delivered;
	}
	e = begin(s, "delivered", "", "captured", delivered);
	add(e, "to_workers", l->frames.delivered);
	e = begin(s, "frames", "", "delivered", l->frames.delivered);
	add(e, "inspected", l->frames.inspected);
	for (unsigned i = 0; i < LEDGER_SKIPPEDS; i++) {
		add(e, skipped_names[i], l->frames.skipped[i]);
	}
	add(e, "pending", l->frames.pending);
}

static void
check_raised(struct sheet *s, const struct ledger *l, unsigned c)
{
	struct ledger_equation *e =
		begin(s, "raised", class_names[c], "raised", l->raised[c]);

	add(e, "spooled", l->spooled[c]);
	add(e, "memory", l->memory[c]);
	for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
		add(e, lost_names[i], l->lost[i][c]);
	}
}

/*
 * What the sensor still holds and the collector already has is in both counts.
 * Once all batches up to the ledger's last are there, nothing can be waiting.
 */
static void
check_stored(struct sheet *s, const struct ledger *l,
	     const struct ledger_store *st, unsigned c)
{
	struct ledger_equation *e =
		begin(s, "spooled", class_names[c], "spooled", l->spooled[c]);
	bool complete = st->upto >= l->last_seq;
	uint64_t shed = l->gone[LEDGER_GONE_shed][c];
	uint64_t damaged = l->gone[LEDGER_GONE_damaged][c];
	uint64_t returned = MIN(st->returned[c], shed);

	add(e, "stored", st->stored[c] + st->ahead[c]);
	add(e, "waiting",
	    complete || l->held[c] < st->ahead[c] ? 0
						  : l->held[c] - st->ahead[c]);
	add(e, "shed", shed - returned);
	add(e, "damaged", damaged - MIN(st->returned[c] - returned, damaged));
	add(e, "unreadable", st->unreadable[c]);
	if (l->base_seq > 0 || st->committed > l->committed) {
		e->verdict = LEDGER_UNKNOWN;
	}
	/* Of what is gone, batches may have come that no range tells: they are
	 * in two terms then.  It does not excuse what is in none. */
	if (l->shed_more > 0 && e->difference < 0 && shed + damaged > 0) {
		e->verdict = LEDGER_UNKNOWN;
	}
}

unsigned
ledger_check(const struct ledger *l, const struct ledger_store *st,
	     struct ledger_equation *out)
{
	struct sheet s = { out, 0 };

	check_packets(&s, l);
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		check_raised(&s, l, c);
	}
	if (st != NULL && st->known) {
		struct ledger_equation *e;

		for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
			check_stored(&s, l, st, c);
		}
		e = begin(&s, "numbers", "", "batches", st->numbers);
		add(e, "stored", st->frames);
		add(e, "gaps", st->gap_frames);
	}
	return s.n;
}

void
ledger_equation_write(struct json *j, const struct ledger_equation *e)
{
	json_obj(j, NULL);
	json_cstr(j, "name", e->name);
	if (e->of[0] != '\0') {
		json_cstr(j, "of", e->of);
	}
	json_obj(j, "left");
	json_u64(j, e->left.name, e->left.value);
	json_obj_end(j);
	json_obj(j, "right");
	for (unsigned i = 0; i < e->n_terms; i++) {
		json_u64(j, e->term[i].name, e->term[i].value);
	}
	json_obj_end(j);
	json_i64(j, "difference", e->difference);
	if (e->verdict == LEDGER_UNKNOWN) {
		json_nil(j, "holds");
	} else {
		json_bool(j, "holds", e->verdict == LEDGER_HOLDS);
	}
	json_obj_end(j);
}
