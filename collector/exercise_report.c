/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exercise_report_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store_cases.h"
#include "collector/store_exercise.h"
#include "collector/store_read.h"

static void
copy(char *out, size_t cap, const char *text)
{
	snprintf(out, cap, "%s", text);
}

/* --- what the store has --- */

static void
note_exercise(void *arg, const struct store_exercise *e)
{
	struct exercise_report *x = arg;

	x->err = store_exercise_token(e->token, &x->exercise, x->d);
	x->id = e->id;
	x->at_us = e->at_us;
	x->end_us = e->end_us;
	x->misplaced = e->misplaced;
	copy(x->who, sizeof(x->who), e->who);
	copy(x->end_who, sizeof(x->end_who), e->end_who);
}

struct report_hit *
report_hit_new(struct exercise_report *x)
{
	struct report_hit *to;

	if (x->n_hits == x->cap_hits) {
		to = realloc(x->hit, (x->cap_hits * 2 + 16) * sizeof(*to));
		if (to == NULL) {
			x->err = ERR_NOMEM;
			return NULL;
		}
		x->hit = to;
		x->cap_hits = x->cap_hits * 2 + 16;
	}
	to = &x->hit[x->n_hits++];
	memset(to, 0, sizeof(*to));
	return to;
}

static void
note_hit(void *arg, const struct store_exercise_hit *h)
{
	struct exercise_report *x = arg;
	struct report_hit *to;

	if (h->inject >= x->exercise->n_injects) {
		x->beside += h->count;
		return;
	}
	to = report_hit_new(x);
	if (to == NULL) {
		return;
	}
	*to = (struct report_hit){ .inject = h->inject,
				   .first_us = h->first_us,
				   .last_us = h->last_us,
				   .seen_us = h->seen_us,
				   .count = h->count };
	copy(to->site, sizeof(to->site), h->site);
	copy(to->owner, sizeof(to->owner), h->owner);
	copy(to->signature, sizeof(to->signature), h->signature);
	x->alerts += h->count;
}

static void
note_incident(void *arg, const struct store_incident *i)
{
	struct exercise_report *x = arg;
	struct report_incident *to;

	if (strcmp(i->exercise, x->name) != 0) {
		return;
	}
	if (x->n_incidents == MAX_INCIDENTS) {
		x->incidents_left_out++;
		return;
	}
	to = &x->incident[x->n_incidents++];
	*to = (struct report_incident){ .id = i->id,
					.score = i->score,
					.level = i->level,
					.first_us = i->first_us,
					.created_us = i->created_us };
	copy(to->title, sizeof(to->title), i->title);
	copy(to->lead, sizeof(to->lead), i->lead);
	copy(to->state, sizeof(to->state), i->state);
}

static void
note_bucket(void *arg, const struct store_bucket *b)
{
	struct exercise_report *x = arg;
	uint64_t n;

	if (b->from_us + x->bar_us <= x->bar_from_us) {
		return;
	}
	n = b->from_us > x->bar_from_us
		    ? (b->from_us - x->bar_from_us) / x->bar_us
		    : 0;
	if (n < x->n_bars) {
		x->bar[n] += b->count;
	}
}

/* The time in which injects were seen, cut into bars of whole minutes. */
static enum err
read_timeline(struct exercise_report *x)
{
	struct store_alert_filter f = { .scope = STORE_EXERCISE,
					.exercise = x->name };
	const uint64_t minute = 60 * US_PER_S;
	uint64_t from = UINT64_MAX, to = 0, minutes;

	for (unsigned i = 0; i < x->n_hits; i++) {
		if (x->hit[i].told) {
			continue;
		}
		from = MIN(from, x->hit[i].first_us);
		to = MAX(to, x->hit[i].last_us);
	}
	if (to == 0) {
		return ERR_OK;
	}
	x->bar_from_us = from / minute * minute;
	minutes = (to - x->bar_from_us) / minute + 1;
	x->bar_us = (minutes + MAX_BARS - 1) / MAX_BARS * minute;
	x->n_bars = (unsigned)((to - x->bar_from_us) / x->bar_us + 1);
	return store_read_timeline(x->reader, &f, 60, note_bucket, x);
}

enum err
exercise_report_new(struct exercise_report **out, struct store_reader *r,
		    const char *name, enum lang lang, struct diag *d)
{
	struct exercise_report *x = calloc(1, sizeof(*x));
	enum err e = ERR_NOMEM;

	*out = NULL;
	if (x != NULL) {
		x->incident = calloc(MAX_INCIDENTS, sizeof(*x->incident));
		x->real = calloc(MAX_INCIDENTS, sizeof(*x->real));
		x->event = calloc(MAX_EVENTS, sizeof(*x->event));
	}
	if (x != NULL && x->incident != NULL && x->real != NULL &&
	    x->event != NULL) {
		x->now_us = clock_wall_us();
		x->lang = lang;
		x->reader = r;
		x->name = name;
		x->d = d;
		e = store_exercise_each(r->db, name, note_exercise, x);
		e = e == ERR_OK ? x->err : e;
		if (e == ERR_OK && x->exercise == NULL) {
			e = diag_set(d, ERR_NOTFOUND,
				     "exercise: none is called %.60s "
				     "(picketctl exercise lists them)",
				     name);
		}
	}
	if (e == ERR_OK) {
		e = store_exercise_each_hit(r->db, x->id, note_hit, x);
		e = e == ERR_OK ? x->err : e;
	}
	if (e == ERR_OK) {
		e = store_read_incidents(r, STORE_EXERCISE, NULL, 0,
					 STORE_MAX_ROWS, note_incident, x);
	}
	if (e == ERR_OK) {
		e = read_timeline(x);
	}
	if (e == ERR_OK) {
		e = report_read_rest(x);
	}
	if (e != ERR_OK) {
		if (e == ERR_NOMEM) {
			diag_set(d, e, "out of memory");
		} else if (e == ERR_IO) {
			diag_set(d, e, "%s: cannot be read", r->path);
		}
		exercise_report_free(x);
		return e;
	}
	*out = x;
	return ERR_OK;
}

void
exercise_report_free(struct exercise_report *x)
{
	if (x != NULL) {
		exercise_free(x->exercise);
		free(x->hit);
		free(x->incident);
		free(x->real);
		free(x->event);
		free(x);
	}
}

/* --- what the texts say alike --- */

const char *
report_when(uint64_t us, char out[CLOCK_ISO_CAP])
{
	if (us == 0) {
		return "-";
	}
	clock_iso(us, out);
	memcpy(out + 19, "Z", 2);
	return out;
}

/* "4.2 s", "3 min 5 s", "2 h 10 min"; "-" where nothing was planned. */
const char *
report_after(enum lang lang, uint64_t from_us, uint64_t to_us, char out[48])
{
	const char *sign = to_us < from_us ? "-" : "";
	uint64_t ms =
		(to_us < from_us ? from_us - to_us : to_us - from_us) / 1000;

	if (from_us == 0 || to_us == 0) {
		return "-";
	}
	if (ms < 60000) {
		snprintf(out, 48, word(lang, "%s%" PRIu64 ".%" PRIu64 " s"),
			 sign, ms / 1000, ms % 1000 / 100);
	} else if (ms < 3600000) {
		snprintf(out, 48, word(lang, "%s%" PRIu64 " min %" PRIu64 " s"),
			 sign, ms / 60000, ms / 1000 % 60);
	} else {
		snprintf(out, 48, word(lang, "%s%" PRIu64 " h %" PRIu64 " min"),
			 sign, ms / 3600000, ms / 60000 % 60);
	}
	return out;
}

/* Where it was seen first; NULL: nowhere. */
const struct report_hit *
report_first(const struct exercise_report *x, unsigned inject)
{
	const struct report_hit *first = NULL;

	for (unsigned i = 0; i < x->n_hits; i++) {
		const struct report_hit *h = &x->hit[i];

		if (h->inject == inject &&
		    (first == NULL || h->first_us < first->first_us)) {
			first = h;
		}
	}
	return first;
}

unsigned
report_detected(const struct exercise_report *x)
{
	unsigned n = 0;

	for (unsigned i = 0; i < x->exercise->n_injects; i++) {
		n += report_first(x, i) != NULL;
	}
	return n;
}

bool
report_is_later(const struct exercise_report *x, unsigned inject)
{
	uint64_t end = x->end_us != 0 ? x->end_us : UINT64_MAX;

	return report_first(x, inject) == NULL &&
	       x->exercise->inject[inject].at_us > MIN(x->now_us, end);
}

const char *
report_verdict(const struct exercise_report *x, unsigned inject)
{
	return report_first(x, inject) != NULL ? WORD("seen")
	       : report_is_later(x, inject)    ? WORD("not begun")
					       : WORD("not seen");
}

uint64_t
report_highest(const struct exercise_report *x)
{
	uint64_t top = 1;

	for (unsigned i = 0; i < x->n_bars; i++) {
		top = MAX(top, x->bar[i]);
	}
	return top;
}

/* --- JSON --- */

static void
json_hits(const struct exercise_report *x, unsigned n, struct json *j)
{
	uint64_t at = x->exercise->inject[n].at_us;

	json_arr(j, "seen");
	for (unsigned k = 0; k < x->n_hits; k++) {
		const struct report_hit *h = &x->hit[k];

		if (h->inject != n) {
			continue;
		}
		json_obj(j, NULL);
		json_cstr(j, "site", h->site);
		json_cstr(j, "owner", h->owner);
		json_bool(j, "by_partner", h->told);
		json_time(j, "first", h->first_us);
		json_time(j, "last", h->last_us);
		if (at != 0) {
			json_f64(j, "after_seconds",
				 ((double)h->first_us - (double)at) / 1e6);
		}
		if (!h->told) {
			json_f64(j, "told_seconds",
				 ((double)h->seen_us - (double)h->first_us) /
					 1e6);
		}
		json_u64(j, h->told ? "sightings" : "alerts", h->count);
		json_cstr(j, "signature", h->signature);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void
json_rest(const struct exercise_report *x, struct json *j)
{
	json_arr(j, "nations");
	for (unsigned i = 0; i < x->n_nations; i++) {
		const struct report_nation *n = &x->nation[i];

		json_obj(j, NULL);
		json_cstr(j, "owner", n->name);
		json_u64(j, "injects_seen", n->seen);
		if (n->timed > 0) {
			json_f64(j, "median_seconds",
				 (double)n->median_us / 1e6);
			json_f64(j, "longest_seconds",
				 (double)n->longest_us / 1e6);
		}
		json_obj_end(j);
	}
	json_arr_end(j);
	json_arr(j, "events");
	for (unsigned i = 0; i < x->n_events; i++) {
		json_obj(j, NULL);
		json_time(j, "at", x->event[i].at_us);
		json_cstr(j, "what", x->event[i].text);
		json_obj_end(j);
	}
	json_arr_end(j);
}

void
exercise_report_json(const struct exercise_report *x, struct json *j)
{
	const struct exercise *e = x->exercise;

	json_obj(j, NULL);
	json_cstr(j, "exercise", e->name);
	json_time(j, "from", e->from_us);
	json_time(j, "until", e->until_us);
	json_u64(j, "injects_seen", report_detected(x));
	json_u64(j, "alerts", x->alerts);
	json_u64(j, "misplaced", x->misplaced);
	json_u64(j, "beside", x->beside);
	json_obj(j, "real");
	json_u64(j, "alerts", x->real_alerts);
	json_arr(j, "incidents");
	for (unsigned i = 0; i < x->n_real; i++) {
		json_i64(j, NULL, x->real[i].id);
	}
	json_arr_end(j);
	json_obj_end(j);
	json_rest(x, j);
	json_arr(j, "injects");
	for (unsigned i = 0; i < e->n_injects; i++) {
		json_obj(j, NULL);
		json_cstr(j, "id", e->inject[i].id);
		json_cstr(j, "title", e->inject[i].title);
		if (e->inject[i].at_us != 0) {
			json_time(j, "planned", e->inject[i].at_us);
		}
		json_cstr(j, "verdict", report_verdict(x, i));
		json_hits(x, i, j);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_arr(j, "incidents");
	for (unsigned i = 0; i < x->n_incidents; i++) {
		const struct report_incident *is = &x->incident[i];

		json_obj(j, NULL);
		json_i64(j, "id", is->id);
		json_u64(j, "score", is->score);
		json_u64(j, "level", is->level);
		json_cstr(j, "lead", is->lead);
		json_cstr(j, "title", is->title);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_obj_end(j);
}
