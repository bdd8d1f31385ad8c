/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_control.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/control.h"
#include "common/redis_pool.h"

#define ANSWER_MS 5000

/* ERR_IO with diag for an error reply; the reply is freed unless ERR_OK. */
static enum err
good_reply(struct redis_pool *p, redisReply *r, struct diag *d)
{
	enum err e = ERR_OK;

	if (r->type == REDIS_REPLY_ERROR) {
		e = diag_set(d, ERR_IO, "%s: %.300s", redis_pool_name(p),
			     r->str);
		freeReplyObject(r);
	}
	return e;
}

/* The version of a stream's entry; 0 when it tells none. */
static uint64_t
version_of(const redisReply *entry)
{
	const redisReply *kv;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    entry->element[1]->type != REDIS_REPLY_ARRAY) {
		return 0;
	}
	kv = entry->element[1];
	for (size_t i = 0; i + 1 < kv->elements; i += 2) {
		if (kv->element[i]->type == REDIS_REPLY_STRING &&
		    kv->element[i + 1]->type == REDIS_REPLY_STRING &&
		    strcmp(kv->element[i]->str, "version") == 0) {
			return strtoull(kv->element[i + 1]->str, NULL, 10);
		}
	}
	return 0;
}

/*
 * Milliseconds since 1970, so that versions of many hands grow together;
 * beyond the newest in the stream when a clock is behind.
 */
static enum err
next_version(struct redis_pool *p, uint64_t *out, struct diag *d)
{
	uint64_t newest = 0;
	redisReply *r;
	enum err e =
		redis_pool_call(p, CONTROL_STREAM, ANSWER_MS, &r, d,
				"XREVRANGE %s + - COUNT 1", CONTROL_STREAM);

	if (e == ERR_OK) {
		e = good_reply(p, r, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (r->type == REDIS_REPLY_ARRAY && r->elements == 1) {
		newest = version_of(r->element[0]);
	}
	freeReplyObject(r);
	*out = clock_wall_us() / 1000;
	if (newest >= *out && newest < INT64_MAX) {
		*out = newest + 1;
	}
	return ERR_OK;
}

static enum err
send_doc(struct ctl *c, struct redis_pool *p, struct sign_key *k,
	 struct control_doc *doc, struct diag *d)
{
	uint8_t sig[SIGN_BYTES];
	struct view text;
	redisReply *r;
	enum err e = next_version(p, &doc->version, d);

	if (e != ERR_OK) {
		return e;
	}
	if (!control_write(&c->j, doc) ||
	    control_sign(k, json_view(&c->j), sig) != ERR_OK) {
		return diag_set(d, ERR_NOMEM, "cannot sign");
	}
	text = json_view(&c->j);
	/* "version" beside the document is for the next one's sake only */
	e = redis_pool_call(p, CONTROL_STREAM, ANSWER_MS, &r, d,
			    "XADD %s MAXLEN ~ " CONTROL_KEEP
			    " * doc %b sig %b version %llu",
			    CONTROL_STREAM, text.p, text.len, sig, sizeof(sig),
			    (unsigned long long)doc->version);
	if (e == ERR_OK) {
		e = good_reply(p, r, d);
	}
	if (e == ERR_OK) {
		freeReplyObject(r);
	}
	return e;
}

static enum err
copy_name(const char *option, const char *name, char out[CONTROL_NAME_CAP],
	  struct diag *d)
{
	if (name == NULL) {
		return ERR_OK;
	}
	if (name[0] == '\0' || strlen(name) >= CONTROL_NAME_CAP) {
		return diag_set(d, ERR_USAGE, "%s: a name of up to %d letters",
				option, CONTROL_NAME_CAP - 1);
	}
	memcpy(out, name, strlen(name) + 1);
	return ERR_OK;
}

/* Which sensors an order is for, as far as Redis knows them. */
struct reach {
	bool known; /* Redis told */
	uint64_t matched, running;
};

/* 'name' is SITE/SENSOR. */
static bool
is_meant(const char *name, const struct control_doc *doc)
{
	const char *slash = strchr(name, '/');
	size_t site = slash != NULL ? (size_t)(slash - name) : 0;

	return slash != NULL &&
	       (doc->site[0] == '\0' || (strlen(doc->site) == site &&
					 memcmp(doc->site, name, site) == 0)) &&
	       (doc->sensor[0] == '\0' || strcmp(doc->sensor, slash + 1) == 0);
}

/* A presence that is there, and not of a sensor that said goodbye. */
static bool
is_running(struct redis_pool *p, const char *name)
{
	redisReply *r;
	struct diag d;
	char key[256];
	bool yes;

	snprintf(key, sizeof(key), "picket:sensor:{%s}", name);
	if (redis_pool_call(p, key, ANSWER_MS, &r, &d, "HGET %s state", key) !=
	    ERR_OK) {
		return false;
	}
	yes = r->type == REDIS_REPLY_STRING && strcmp(r->str, "ended") != 0;
	freeReplyObject(r);
	return yes;
}

/* The order stands whatever comes of this: failures only leave it unknown. */
static struct reach
count_reach(struct redis_pool *p, const struct control_doc *doc)
{
	struct reach out = { .known = false };
	redisReply *r;
	struct diag d;

	if (redis_pool_call(p, "picket:sensors", ANSWER_MS, &r, &d,
			    "SMEMBERS picket:sensors") != ERR_OK) {
		return out;
	}
	out.known = r->type == REDIS_REPLY_ARRAY;
	for (size_t i = 0; out.known && i < r->elements; i++) {
		const redisReply *name = r->element[i];

		if (name->type == REDIS_REPLY_STRING &&
		    is_meant(name->str, doc)) {
			out.matched++;
			out.running += is_running(p, name->str);
		}
	}
	freeReplyObject(r);
	return out;
}

static enum err
say_sent(struct ctl *c, const struct control_doc *doc,
	 const struct reach *reach)
{
	if (c->json) {
		json_reset(&c->j);
		json_obj(&c->j, NULL);
		json_u64(&c->j, "version", doc->version);
		if (reach->known) {
			json_u64(&c->j, "matched", reach->matched);
			json_u64(&c->j, "running", reach->running);
		}
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	if (reach->known) {
		fprintf(c->text.out,
			"version %" PRIu64 " for %" PRIu64 " sensor%s, %" PRIu64
			" of them running\n",
			doc->version, reach->matched,
			reach->matched == 1 ? "" : "s", reach->running);
	} else {
		fprintf(c->text.out,
			"version %" PRIu64 "; Redis does not let this user "
			"see for how many sensors\n",
			doc->version);
	}
	fputs("picketctl sensors shows it under RULES once a sensor has taken "
	      "it, and what went wrong; a sensor that is not running takes it "
	      "at its start\n",
	      c->text.out);
	return ERR_OK;
}

static enum err
say_reach(struct ctl *c, const struct control_doc *doc,
	  const struct reach *reach, struct diag *d)
{
	enum err e = say_sent(c, doc, reach);

	if (e != ERR_OK || !reach->known || reach->matched > 0) {
		return e;
	}
	return diag_set(d, ERR_NOTFOUND,
			"warning: no sensor %s/%s known to this Redis "
			"matches; the order is kept for one that starts later "
			"(picketctl sensors lists names)",
			doc->site[0] != '\0' ? doc->site : "*",
			doc->sensor[0] != '\0' ? doc->sensor : "*");
}

enum err
ctl_rules_reload(struct ctl *c, const struct ctl_order *o, struct diag *d)
{
	struct control_doc doc = { .action = CONTROL_RULES_RELOAD };
	struct redis_pool *p = NULL;
	struct sign_key *k = NULL;
	struct reach reach = { .known = false };
	enum err e = copy_name("--site", o->site, doc.site, d);

	if (e == ERR_OK) {
		e = copy_name("--sensor", o->sensor, doc.sensor, d);
	}
	if (e == ERR_OK) {
		e = sign_key_load(&k, o->key, true, d);
	}
	if (e == ERR_OK) {
		e = redis_pool_new(&p, &o->redis, d);
	}
	if (e == ERR_OK) {
		e = redis_pool_connect(p, CONTROL_STREAM, ANSWER_MS, d);
	}
	if (e == ERR_OK) {
		e = send_doc(c, p, k, &doc, d);
	}
	if (e == ERR_OK) {
		reach = count_reach(p, &doc);
	}
	redis_pool_free(p);
	sign_key_free(k);
	return e == ERR_OK ? say_reach(c, &doc, &reach, d) : e;
}
