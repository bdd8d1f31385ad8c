/* SPDX-License-Identifier: Apache-2.0 */
/* Who is believed: signatures, replays, and the word on what was refused. */
#include "collector/pipeline_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/point_sign.h"

/* One word a sensor and cause in that time; and so many of all sensors. */
#define TELL_US (UINT64_C(60) * US_PER_S)
#define TELL_MAX 120
/*
 * A sensor's presence runs out after that long without another, in Redis; one
 * that somebody keeps there for longer says nothing any more.
 */
#define FRESH_US (UINT64_C(15) * US_PER_S)
/*
 * A spool's number is the moment of its birth.  So long after that of a newer
 * spool no older one begins to be sent: a batch of one of which nothing ever
 * came is played back.
 */
#define CLOSED_MS UINT64_C(3600000)

static const char *const names[PIPELINE_CAUSES] = {
	[CAUSE_UNSIGNED] = "unsigned",
	[CAUSE_MALFORMED] = "malformed-mac",
	[CAUSE_UNKNOWN_KEY] = "unknown-key",
	[CAUSE_REVOKED_KEY] = "revoked-key",
	[CAUSE_EXPIRED_KEY] = "expired-key",
	[CAUSE_FOREIGN] = "foreign",
	[CAUSE_FORGED] = "bad-signature",
	[CAUSE_REPLAYED] = "replayed",
	[CAUSE_HEADER] = "bad-header",
	[CAUSE_BODY] = "bad-body",
	[CAUSE_FOREIGN_LINE] = "foreign-line",
	[CAUSE_FORGOTTEN] = "forgotten-epoch",
#define PRESENCE(c) [CAUSE_PRESENCE + (c)-CAUSE_UNSIGNED]
	PRESENCE(CAUSE_UNSIGNED) = "presence-unsigned",
	PRESENCE(CAUSE_MALFORMED) = "presence-malformed-mac",
	PRESENCE(CAUSE_UNKNOWN_KEY) = "presence-unknown-key",
	PRESENCE(CAUSE_REVOKED_KEY) = "presence-revoked-key",
	PRESENCE(CAUSE_EXPIRED_KEY) = "presence-expired-key",
	PRESENCE(CAUSE_FOREIGN) = "presence-foreign",
	PRESENCE(CAUSE_FORGED) = "presence-bad-signature",
	PRESENCE(CAUSE_REPLAYED) = "presence-replayed",
#undef PRESENCE
};

static const enum pipeline_cause causes[] = {
	[KEYRING_SIGNED] = CAUSE_NONE,
	[KEYRING_PASSED] = CAUSE_NONE,
	[KEYRING_UNSIGNED] = CAUSE_UNSIGNED,
	[KEYRING_MALFORMED] = CAUSE_MALFORMED,
	[KEYRING_UNKNOWN] = CAUSE_UNKNOWN_KEY,
	[KEYRING_REVOKED] = CAUSE_REVOKED_KEY,
	[KEYRING_EXPIRED] = CAUSE_EXPIRED_KEY,
	[KEYRING_FOREIGN] = CAUSE_FOREIGN,
	[KEYRING_FORGED] = CAUSE_FORGED,
};

const char *
pipeline_cause_name(enum pipeline_cause c)
{
	return names[c];
}

/* Whether there is room for one more word of any sensor in this minute. */
static bool
may_tell(struct pipeline *p)
{
	if (p->now_us - p->told_since_us >= TELL_US) {
		p->told_since_us = p->now_us;
		p->told = 0;
	}
	return p->told++ < TELL_MAX;
}

enum err
pipeline_count_refused(struct pipeline *p, unsigned stream, int64_t sensor,
		       enum pipeline_cause cause, uint64_t n, const char *what)
{
	struct pipeline_trust *t = &p->trust[stream];
	const char *site = ingest_site(p->ingest, stream);
	const char *name = ingest_sensor(p->ingest, stream);
	enum err e = store_signed_refuse(p->signers, sensor, names[cause], n,
					 what, p->now_us);

	t->untold[cause] += n;
	p->stats.refused[cause] += n;
	if (e != ERR_OK || p->now_us - t->told_us[cause] < TELL_US ||
	    !may_tell(p)) {
		return e;
	}
	log_warn("%s/%s: %" PRIu64 " refused: %s: %s", site, name,
		 t->untold[cause], names[cause], what);
	if (p->feed != NULL) {
		e = feed_refused(p->feed, site, name, names[cause],
				 t->untold[cause], what, p->now_us);
	}
	t->told_us[cause] = p->now_us;
	t->untold[cause] = 0;
	return e;
}

void
pipeline_forget_trust(struct pipeline *p)
{
	memset(p->trust, 0, sizeof(p->trust));
}

/*
 * Of a spool that a newer one has long taken the place of.  Not of one that is
 * known: what is here already is a repeat, and what is not comes for the first
 * time, also from a sensor whose clock ran ahead when the other began.
 */
static bool
is_replayed(const struct pipeline *p, const struct pipeline_trust *t,
	    int64_t sensor, const struct frame_header *h)
{
	uint64_t now_ms = p->now_us / 1000;

	return keyring_mode(p->cfg.keys) == KEYRING_REQUIRE &&
	       h->epoch < t->epoch && now_ms > t->epoch &&
	       now_ms - t->epoch >= CLOSED_MS &&
	       !dedupe_knows(p->dedupe, sensor, h->epoch);
}

/* A good signature; it may still be of long ago. */
static enum err
admit_signed(struct pipeline *p, unsigned stream, int64_t sensor,
	     const struct frame_header *h, const char *key,
	     enum pipeline_cause *cause)
{
	struct pipeline_trust *t = &p->trust[stream];
	enum err e = ERR_OK;

	if (!t->known) {
		e = store_signed_epoch(p->signers, sensor, &t->epoch);
		t->known = e == ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	if (is_replayed(p, t, sensor, h)) {
		*cause = CAUSE_REPLAYED;
		return ERR_OK;
	}
	if (h->epoch <= t->epoch && strcmp(t->key, key) == 0) {
		return ERR_OK;
	}
	t->epoch = MAX(t->epoch, h->epoch);
	snprintf(t->key, sizeof(t->key), "%s", key);
	return store_signed_note(p->signers, sensor, t->epoch, key, p->now_us);
}

static void
name_of(const struct pipeline *p, unsigned stream,
	char out[2 * INGEST_NAME_CAP])
{
	snprintf(out, 2 * INGEST_NAME_CAP, "%s/%s",
		 ingest_site(p->ingest, stream),
		 ingest_sensor(p->ingest, stream));
}

enum err
pipeline_admit(struct pipeline *p, unsigned stream, struct pipeline_tally *t,
	       const struct prepared *ready, enum pipeline_cause *cause)
{
	bool forgotten;
	enum err e;

	*cause = causes[ready->verdict];
	if (*cause != CAUSE_NONE) {
		return ERR_OK;
	}
	e = pipeline_know_epoch(p, t, ready->f.h.epoch, &forgotten);
	if (e == ERR_OK && forgotten) {
		*cause = CAUSE_FORGOTTEN;
		return ERR_OK;
	}
	return e == ERR_OK && ready->verdict == KEYRING_SIGNED
		       ? admit_signed(p, stream, t->sensor, &ready->f.h,
				      ready->key, cause)
		       : e;
}

/* --- presence --- */

static uint64_t
number(const struct ingest_presence *p, const char *name)
{
	struct view v = ingest_presence_field(p, name);
	uint64_t n = 0;

	for (size_t i = 0; i < v.len && v.len <= 18; i++) {
		if (v.p[i] < '0' || v.p[i] > '9') {
			return 0;
		}
		n = n * 10 + (v.p[i] - '0');
	}
	return n;
}

/*
 * A good signature: of a presence newer than all before, or the newest that
 * still stands.  A last word stands for as long as Redis keeps it.
 */
static bool
is_news(struct pipeline_trust *t, const struct ingest_presence *p)
{
	uint64_t epoch = number(p, "epoch"), order = number(p, "order");
	uint64_t now = clock_mono_us();

	if (epoch < t->presence_epoch ||
	    (epoch == t->presence_epoch && order < t->presence_order)) {
		return false;
	}
	if (epoch > t->presence_epoch || order > t->presence_order ||
	    t->presence_us == 0) {
		t->presence_epoch = epoch;
		t->presence_order = order;
		t->presence_us = now;
		return true;
	}
	return now - t->presence_us < FRESH_US ||
	       view_eq(ingest_presence_field(p, "state"), VIEW_LIT("ended"));
}

static enum err
refuse_presence(struct pipeline *p, unsigned stream, int64_t sensor,
		enum pipeline_cause cause, const char *key)
{
	char what[128];

	snprintf(what, sizeof(what), "presence%s%s",
		 key[0] != '\0' ? ", key " : "", key);
	return pipeline_count_refused(p, stream, sensor,
				      CAUSE_PRESENCE + cause - CAUSE_UNSIGNED,
				      1, what);
}

enum err
pipeline_judge_presence(void *arg, unsigned stream, int64_t sensor,
			struct ingest_presence *presence,
			char key[KEYRING_ID_TEXT], enum health_belief *out)
{
	struct pipeline *p = arg;
	struct pipeline_trust *t = &p->trust[stream];
	char name[2 * INGEST_NAME_CAP];
	enum pipeline_cause cause;
	enum keyring_verdict v;
	enum err e = ERR_OK;

	*out = HEALTH_BELIEVED;
	key[0] = '\0';
	if (p->cfg.keys == NULL) {
		return ERR_OK;
	}
	if (!t->presence_known) {
		e = store_signed_presence(p->signers, sensor,
					  &t->presence_epoch,
					  &t->presence_order);
		t->presence_known = e == ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	name_of(p, stream, name);
	v = keyring_judge_presence(p->cfg.keys, view_cstr(name), presence,
				   (int64_t)(p->now_us / US_PER_S), key);
	cause = causes[v];
	if (v == KEYRING_SIGNED && !is_news(t, presence)) {
		cause = CAUSE_REPLAYED;
	}
	if (cause == CAUSE_NONE) {
		return ERR_OK;
	}
	*out = t->presence_us != 0 &&
			       clock_mono_us() - t->presence_us < FRESH_US
		       ? HEALTH_PASSED_OVER
		       : HEALTH_REFUSED;
	return refuse_presence(p, stream, sensor, cause, key);
}

/* --- our own word, and keys --- */

enum err
pipeline_publish(struct pipeline *p, const char *site, const char *sensor,
		 uint64_t epoch, uint64_t seq)
{
	char name[2 * INGEST_NAME_CAP], point[POINT_TEXT_CAP];
	enum err e;

	snprintf(name, sizeof(name), "%s/%s", site, sensor);
	e = point_write(keyring_own(p->cfg.keys), name, epoch, seq, point);
	return e == ERR_OK ? ingest_publish(p->ingest, site, sensor, point) : e;
}

void
pipeline_reload_keys(struct pipeline *p)
{
	struct keyring *next = NULL;
	struct diag d;

	if (p->cfg.read_keys == NULL) {
		return;
	}
	if (p->cfg.read_keys(p->cfg.read_keys_arg, &next, &d) != ERR_OK) {
		p->stats.keys_failed = ++p->committed.keys_failed;
		log_err("keys are not reloaded, the former ones stay: %s",
			d.msg);
		return;
	}
	prepare_set_keys(p->prepare, next);
	keyring_free(p->cfg.keys);
	p->cfg.keys = next;
	p->stats.keys_reloads = ++p->committed.keys_reloads;
	log_info("keys are reloaded");
}
