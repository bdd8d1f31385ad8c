/* SPDX-License-Identifier: Apache-2.0 */
/* Who is believed: signatures, replays, and the word on what was refused. */
#include "collector/pipeline_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

/* One word a sensor and cause in that time; and so many of all sensors. */
#define TELL_US (UINT64_C(60) * US_PER_S)
#define TELL_MAX 120
/*
 * A spool's number is the moment of its birth.  So long after that of a newer
 * spool no batch of an older one is on its way: one that comes is played back.
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
	[CAUSE_FORGOTTEN] = "forgotten-epoch",
	[CAUSE_HEADER] = "bad-header",
	[CAUSE_BODY] = "bad-body",
	[CAUSE_FOREIGN_LINE] = "foreign-line",
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

/* Of a spool that a newer one has long taken the place of, and not here. */
static bool
is_replayed(const struct pipeline *p, const struct pipeline_trust *t,
	    int64_t sensor, const struct frame_header *h)
{
	uint64_t now_ms = p->now_us / 1000;

	return keyring_mode(p->cfg.keys) == KEYRING_REQUIRE &&
	       h->epoch < t->epoch && now_ms > t->epoch &&
	       now_ms - t->epoch >= CLOSED_MS &&
	       !dedupe_has(p->dedupe, sensor, h->epoch, h->seq);
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

enum err
pipeline_admit(struct pipeline *p, unsigned stream, int64_t sensor,
	       const struct prepared *ready, enum pipeline_cause *cause)
{
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

	*cause = causes[ready->verdict];
	return ready->verdict == KEYRING_SIGNED
		       ? admit_signed(p, stream, sensor, &ready->f.h,
				      ready->key, cause)
		       : ERR_OK;
}
