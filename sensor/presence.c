/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/presence.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_ARGS 112

struct args {
	const char *argv[MAX_ARGS];
	int n;
	char numbers[32][24];
	int n_numbers;
	char list[PRESENCE_LIST_CAP], mac[PRESENCE_MAC_CAP];
};

static void
add_text(struct args *a, const char *field, const char *text)
{
	if (text[0] != '\0' && a->n + 2 <= MAX_ARGS) {
		a->argv[a->n++] = field;
		a->argv[a->n++] = text;
	}
}

static void
add_number(struct args *a, const char *field, uint64_t v)
{
	char *text;

	if (a->n_numbers == (int)ARRAY_LEN(a->numbers)) {
		return;
	}
	text = a->numbers[a->n_numbers++];
	snprintf(text, sizeof(a->numbers[0]), "%" PRIu64, v);
	add_text(a, field, text);
}

/* Signs the fields so far and adds who says so. */
static enum err
add_mac(struct args *a, const char *name, struct sign_key *k)
{
	struct presence_field f[MAX_ARGS / 2];
	size_t n = 0;
	enum err e;

	for (int i = 2; i < a->n; i += 2) {
		f[n++] = (struct presence_field){ view_cstr(a->argv[i]),
						  view_cstr(a->argv[i + 1]) };
	}
	e = presence_sign(k, name, f, n, a->list, a->mac);
	if (e == ERR_OK) {
		add_text(a, PRESENCE_SIGNED, a->list);
		add_text(a, PRESENCE_MAC, a->mac);
	}
	return e;
}

static enum err
queue_hash(struct redis_pool *p, uint64_t tag, const char *key,
	   const char *name, struct sign_key *k, const struct presence_facts *f,
	   const struct presence_spool *sp, bool ended)
{
	struct args a = { .argv = { "HSET", key }, .n = 2 };
	enum err e = ERR_OK;

	add_text(&a, "version", f->version);
	add_text(&a, "ruleset", f->ruleset);
	add_text(&a, "indicator_version", f->indicator_version);
	add_text(&a, "posture", f->posture);
	/* What was told last and what is wrong with it; empty: nothing is. */
	a.argv[a.n++] = "posture_error";
	a.argv[a.n++] = f->posture_error;
	add_number(&a, "posture_version", f->posture_version);
	add_text(&a, "owner", f->owner);
	add_text(&a, "rules_digest", f->ruleset);
	add_number(&a, "rules_version", f->rules_version);
	add_number(&a, "rules_loaded", f->rules_loaded);
	add_number(&a, "rules_failed", f->rules_failed);
	add_number(&a, "reloads", f->reloads);
	add_number(&a, "reloads_failed", f->reloads_failed);
	/* Empty is a value here too: it says that the error is over. */
	a.argv[a.n++] = "reload_error";
	a.argv[a.n++] = f->reload_error;
	add_number(&a, "indicators", f->indicators);
	if (f->indicator_version[0] != '\0') {
		add_number(&a, "indicators_armed", f->indicators_armed);
		add_number(&a, "indicators_refused", f->indicators_refused);
		add_number(&a, "indicators_forged", f->indicators_forged);
		add_number(&a, "indicators_lag_us", f->indicators_lag_us);
		add_number(&a, "indicators_taken_us", f->indicators_taken_us);
		add_number(&a, "patterns", f->patterns);
		add_number(&a, "patterns_wait", f->patterns_wait);
		add_number(&a, "patterns_lag_us", f->patterns_lag_us);
		/* Empty is a value: what was refused may be gone. */
		a.argv[a.n++] = "patterns_refused";
		a.argv[a.n++] = f->patterns_refused;
	}
	add_text(&a, "indicators_stale", f->indicators_stale ? "1" : "0");
	/* Empty is a value: the list may have been taken away. */
	a.argv[a.n++] = "watches";
	a.argv[a.n++] = f->watches;
	add_text(&a, "confined", f->confined);
	add_number(&a, "packets", f->packets);
	add_number(&a, "drops", f->drops);
	add_number(&a, "started", f->started_ms);
	add_number(&a, "epoch", sp->epoch);
	add_number(&a, "order", sp->order);
	add_number(&a, "last_seq", sp->last_seq);
	add_number(&a, "committed", sp->committed);
	add_number(&a, "spool_depth", sp->depth_frames);
	add_number(&a, "spool_bytes", sp->depth_bytes);
	add_number(&a, "shed", sp->shed_events);
	add_number(&a, "control_version", sp->control_version);
	add_number(&a, "control_refused", sp->control_refused);
	add_number(&a, "points_refused", sp->points_forged);
	add_text(&a, "ledger", sp->ledger != NULL ? sp->ledger : "");
	/* Empty is a value here: an exercise that is over must not linger. */
	a.argv[a.n++] = "exercises";
	a.argv[a.n++] = f->exercises;
	a.argv[a.n++] = "exercise";
	a.argv[a.n++] = f->exercise;
	add_text(&a, "state",
		 ended                 ? "ended"
		 : f->state[0] != '\0' ? f->state
				       : "running");
	if (k != NULL) {
		e = add_mac(&a, name, k);
	}
	return e == ERR_OK ? redis_pool_queue(p, key, a.n, a.argv, NULL, tag)
			   : e;
}

enum err
presence_queue(struct redis_pool *p, uint64_t tag, const char *name,
	       struct sign_key *k, const struct presence_facts *f,
	       const struct presence_spool *sp, bool ended, unsigned *queued)
{
	char key[256], ttl[16];
	const char *expire[] = { "PEXPIRE", key, ttl };
	const char *member[] = { "SADD", "picket:sensors", name };
	enum err e;

	snprintf(key, sizeof(key), "picket:sensor:{%s}", name);
	snprintf(ttl, sizeof(ttl), "%d",
		 ended ? PRESENCE_ENDED_TTL_MS : PRESENCE_TTL_MS);
	e = queue_hash(p, tag, key, name, k, f, sp, ended);
	*queued = e == ERR_OK;
	if (e == ERR_OK) {
		e = redis_pool_queue(p, key, 3, expire, NULL, tag);
		*queued += e == ERR_OK;
	}
	if (e == ERR_OK) {
		e = redis_pool_queue(p, member[1], 3, member, NULL, tag);
		*queued += e == ERR_OK;
	}
	return e;
}
