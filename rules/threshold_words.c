/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/threshold_words.h"

static bool
read_type(struct threshold_words *w, struct view v)
{
	static const struct {
		const char *word;
		enum threshold_type type;
	} types[] = { { "limit", THRESHOLD_LIMIT },
		      { "threshold", THRESHOLD_THRESHOLD },
		      { "both", THRESHOLD_BOTH },
		      { "backoff", THRESHOLD_BACKOFF } };

	if (w->t.type != THRESHOLD_NONE) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (text_is(v, types[i].word)) {
			w->t.type = types[i].type;
			return true;
		}
	}
	return false;
}

static bool
read_track(struct threshold_words *w, struct view v)
{
	static const struct {
		const char *word;
		enum threshold_track track;
	} tracks[] = { { "by_src", TRACK_BY_SRC },
		       { "by_dst", TRACK_BY_DST },
		       { "by_both", TRACK_BY_BOTH },
		       { "by_rule", TRACK_BY_RULE },
		       { "by_flow", TRACK_BY_FLOW } };

	for (size_t i = 0; i < ARRAY_LEN(tracks); i++) {
		if (text_is(v, tracks[i].word)) {
			w->t.track = tracks[i].track;
			w->track = true;
			return true;
		}
	}
	return false;
}

/* The actions that rate_filter may change to. */
static bool
read_action(struct threshold_words *w, struct view v)
{
	static const char *const loud[] = { "alert", "drop", "log", "reject",
					    "sdrop" };

	w->action = true;
	w->t.silent = text_is(v, "pass");
	for (size_t i = 0; i < ARRAY_LEN(loud); i++) {
		if (text_is(v, loud[i])) {
			return true;
		}
	}
	return w->t.silent;
}

static bool
read_number(struct view v, uint64_t min, uint32_t *out)
{
	uint64_t n;

	if (!text_u64(v, &n) || n < min || n > UINT32_MAX) {
		return false;
	}
	*out = (uint32_t)n;
	return true;
}

bool
threshold_word(struct threshold_words *w, struct view name, struct view v)
{
	if (text_is(name, "type")) {
		return read_type(w, v);
	}
	if (text_is(name, "track")) {
		return read_track(w, v);
	}
	if (text_is(name, "count")) {
		return read_number(v, 1, &w->t.count);
	}
	if (text_is(name, "seconds")) {
		w->seconds = true;
		return read_number(v, 1, &w->t.seconds);
	}
	if (text_is(name, "multiplier")) {
		return read_number(v, 1, &w->t.multiplier);
	}
	if (w->t.type != THRESHOLD_RATE) {
		return false;
	}
	if (text_is(name, "timeout")) {
		w->timeout = true;
		return read_number(v, 0, &w->t.timeout);
	}
	return text_is(name, "new_action") && read_action(w, v);
}

const char *
threshold_lacks(const struct threshold_words *w)
{
	if (w->t.type == THRESHOLD_NONE) {
		return "needs a type";
	}
	if (!w->track) {
		return "needs a track";
	}
	if (w->t.count == 0) {
		return "needs a count";
	}
	if (w->t.type == THRESHOLD_BACKOFF) {
		return w->t.multiplier == 0 ? "type backoff needs a multiplier"
		       : w->seconds         ? "type backoff has no seconds"
					    : NULL;
	}
	if (w->t.multiplier != 0) {
		return "multiplier goes with type backoff";
	}
	if (!w->seconds) {
		return "needs seconds";
	}
	if (w->t.type == THRESHOLD_RATE && !(w->timeout && w->action)) {
		return "needs new_action and timeout";
	}
	return NULL;
}
