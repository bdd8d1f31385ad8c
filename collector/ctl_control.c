/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_control.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/control_send.h"
#include "common/redis_pool.h"

#define ANSWER_MS 5000

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
		e = control_send(p, k, &doc, ANSWER_MS, d);
	}
	if (e == ERR_OK) {
		reach = count_reach(p, &doc);
	}
	redis_pool_free(p);
	sign_key_free(k);
	return e == ERR_OK ? say_reach(c, &doc, &reach, d) : e;
}
