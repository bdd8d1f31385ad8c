/* SPDX-License-Identifier: Apache-2.0 */
/* The base, when the stream does not lead on, or the file has grown long. */
#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/armed_state.h"

#define ANSWER_MS 10000
#define GAP_US UINT64_C(100000) /* between two looks while one is wanted */
#define LOOK_US UINT64_C(2000000) /* while the stream is silent */
#define RENEW_US UINT64_C(10000000) /* between two bases for the file alone */

bool
armed_base_due(const struct armed *a)
{
	uint64_t now = clock_mono_us();

	if (now < a->looked_us + (a->base_wanted ? GAP_US : LOOK_US)) {
		return false;
	}
	return a->base_wanted || a->idle ||
	       (armed_file_is_long(a->file) && now >= a->renew_us);
}

/* A string, the caller's to free; NULL with ERR_OK: there is none. */
static enum err
get(struct armed *a, const char *key, redisReply **out)
{
	struct diag d = { "" };
	enum err e = redis_pool_call(a->pool, key, ANSWER_MS, out, &d, "GET %s",
				     key);

	e = armed_answer(a, e, *out, &d);
	if (e == ERR_OK && ((*out)->type != REDIS_REPLY_STRING)) {
		freeReplyObject(*out);
		*out = NULL;
	}
	return e;
}

/* One part; false: it is not there or is none, and the base is given up. */
static enum err
fetch_part(struct armed *a, const struct delta_head *h, uint32_t part,
	   bool *good)
{
	char key[DELTA_KEY_CAP];
	struct diag d = { "" };
	enum armed_verdict v;
	struct view doc;
	redisReply *r;
	enum err e = get(a, delta_part_key(h->epoch, h->base, part, key), &r);

	*good = false;
	if (e != ERR_OK || r == NULL) {
		return e;
	}
	doc = view_of(r->str, r->len);
	v = armed_set_part(a->set, doc, part, &d);
	if (v == ARMED_TAKEN) {
		*good = true;
		armed_saved(a, armed_file_part(a->file, doc, &d), &d);
	} else {
		armed_refused(a, v, "a part of the base of indicators", &d);
	}
	freeReplyObject(r);
	return ERR_OK;
}

static enum err
fetch_parts(struct armed *a, const struct delta_head *h, bool dry)
{
	struct diag d = { "" };
	bool good = true;
	enum err e = ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && good && i < h->parts; i++) {
		if (atomic_load(&a->ending)) {
			return ERR_OK;
		}
		e = fetch_part(a, h, i, &good);
	}
	if (e != ERR_OK || !good) {
		return e;
	}
	armed_set_base_end(a->set);
	armed_saved(a, armed_file_end(a->file, dry, h->epoch, h->to, &d), &d);
	a->base_wanted = false;
	if (!dry) {
		/* the stream is read again for what comes behind it */
		snprintf(a->last_id, sizeof(a->last_id), "0-0");
		log_info("%" PRIu64 " indicators armed, version %" PRIu64
			 "-%" PRIu64,
			 ioc_live_count(a->live), h->epoch, h->to);
	}
	return ERR_OK;
}

/* A base that is not newer serves the file alone; a gap waits for a newer. */
static bool
for_the_file(struct armed *a, uint64_t now)
{
	if (!armed_file_is_long(a->file) || now < a->renew_us) {
		return false;
	}
	a->renew_us = now + RENEW_US;
	return true;
}

enum err
armed_fetch(struct armed *a)
{
	uint64_t now = clock_mono_us();
	struct delta_head h;
	struct diag d = { "" };
	enum armed_verdict v;
	redisReply *r = NULL;
	struct view doc;
	bool dry = false;
	enum err e = get(a, DELTA_BASE, &r);

	a->looked_us = now;
	if (e != ERR_OK || r == NULL) {
		a->base_wanted = false; /* the stream will say so again */
		return e;
	}
	doc = view_of(r->str, r->len);
	v = armed_set_base(a->set, doc, false, &h, &d);
	if (v == ARMED_OLD && for_the_file(a, now)) {
		dry = true;
		v = armed_set_base(a->set, doc, true, &h, &d);
	}
	if (v == ARMED_TAKEN) {
		armed_saved(a, armed_file_begin(a->file, doc, &d), &d);
		e = fetch_parts(a, &h, dry);
	} else {
		armed_refused(a, v, "the base of indicators", &d);
		a->base_wanted = false;
	}
	freeReplyObject(r);
	return e;
}
