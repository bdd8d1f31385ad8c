/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/control_feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/control_kept.h"

#define ID_CAP 48
#define AT_ONCE "16"

struct control_feed {
	struct control_feed_options o;
	struct sign_key *key;
	char *state;
	struct control_kept *kept;
	char last_id[ID_CAP]; /* of the stream */
	struct control_feed_stats st;
	bool refusal_told;
};

/* What an earlier run took last: "VERSION ID". */
static void
read_state(struct control_feed *c)
{
	FILE *f = c->state != NULL ? fopen(c->state, "r") : NULL;

	if (f != NULL) {
		if (fscanf(f, "%20" SCNu64 " %47[0-9-]", &c->st.version,
			   c->last_id) != 2) {
			c->st.version = 0;
			snprintf(c->last_id, sizeof(c->last_id), "0-0");
		}
		fclose(f);
	}
}

static void
write_state(const struct control_feed *c)
{
	char path[1024];
	bool good;
	FILE *f;

	if (c->state == NULL) {
		return;
	}
	snprintf(path, sizeof(path), "%s.new", c->state);
	f = fopen(path, "w");
	if (f == NULL) {
		log_warn("%s: %s", path, strerror(errno));
		return;
	}
	good = fprintf(f, "%" PRIu64 " %s\n", c->st.version, c->last_id) > 0 &&
	       fflush(f) == 0 && fsync(fileno(f)) == 0;
	if (fclose(f) != 0 || !good || rename(path, c->state) != 0) {
		log_warn("%s: cannot be written; after a restart an older "
			 "control document could be taken once more",
			 c->state);
	}
}

/* What an earlier run kept is handed on, if it is still signed by our key. */
static void
recall_one(void *arg, const char *name, struct view text, struct view sig)
{
	struct control_feed *c = arg;
	struct control_doc doc;

	if (control_read(c->key, text, sig, &doc) == ERR_OK &&
	    control_is_for(&doc, c->o.site, c->o.sensor)) {
		c->o.take(c->o.arg, &doc, text);
	} else {
		log_warn("control document kept as %s: not signed with the key "
			 "of control.public-key: passed over",
			 name);
	}
}

void
control_feed_recall(struct control_feed *c)
{
	control_kept_each(c->kept, recall_one, c);
}

/* What holds until another one comes stays over a restart. */
static void
keep(struct control_feed *c, const struct control_doc *doc, struct view text,
     struct view sig)
{
	char name[CONTROL_KEPT_NAME_CAP] = "posture";

	switch (doc->action) {
	case CONTROL_RULES_RELOAD:
	case CONTROL_EVIDENCE:
		return;
	case CONTROL_POSTURE:
		break;
	case CONTROL_EXERCISE:
	case CONTROL_EXERCISE_END:
		snprintf(name, sizeof(name), "exercise %s", doc->exercise);
		break;
	}
	control_kept_drop_over(c->kept, clock_wall_us());
	if (doc->action == CONTROL_EXERCISE_END) {
		control_kept_drop(c->kept, name);
	} else if (!control_kept_put(c->kept, name, text, sig)) {
		log_warn("control document: %s: too many are kept, or no "
			 "memory: a restart forgets it",
			 name);
	}
}

enum err
control_feed_new(struct control_feed **out,
		 const struct control_feed_options *o, struct diag *d)
{
	struct control_feed *c = calloc(1, sizeof(*c));
	enum err e = ERR_OK;

	if (c == NULL) {
		sign_key_free(o->key);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	c->o = *o;
	c->key = o->key;
	snprintf(c->last_id, sizeof(c->last_id), "0-0");
	if (o->state != NULL) {
		c->state = strdup(o->state);
		e = c->state != NULL ? ERR_OK
				     : diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (e == ERR_OK) {
		c->kept = control_kept_open(o->kept);
		e = c->kept != NULL ? ERR_OK
				    : diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (e != ERR_OK) {
		control_feed_free(c);
		return e;
	}
	read_state(c);
	*out = c;
	return ERR_OK;
}

void
control_feed_free(struct control_feed *c)
{
	if (c != NULL) {
		sign_key_free(c->key);
		free(c->state);
		control_kept_free(c->kept);
		free(c);
	}
}

void
control_feed_set_key(struct control_feed *c, struct sign_key *key)
{
	sign_key_free(c->key);
	c->key = key;
}

enum err
control_feed_ask(struct control_feed *c, struct redis_pool *p, uint64_t tag)
{
	const char *argv[] = { "XREAD",   "COUNT",        AT_ONCE,
			       "STREAMS", CONTROL_STREAM, c->last_id };

	return redis_pool_queue(p, CONTROL_STREAM, (int)ARRAY_LEN(argv), argv,
				NULL, tag);
}

static struct view
field(const redisReply *kv, const char *name)
{
	for (size_t i = 0; i + 1 < kv->elements; i += 2) {
		const redisReply *k = kv->element[i], *v = kv->element[i + 1];

		if (k->type == REDIS_REPLY_STRING &&
		    v->type == REDIS_REPLY_STRING &&
		    strcmp(k->str, name) == 0) {
			return view_of(v->str, v->len);
		}
	}
	return VIEW_NONE;
}

/* One entry: who may write to the stream is not who may command. */
static void
hear_entry(struct control_feed *c, const char *id, const redisReply *kv)
{
	struct control_doc doc;
	enum err e =
		control_read(c->key, field(kv, "doc"), field(kv, "sig"), &doc);

	if (e == ERR_AUTH) {
		/* told once: whoever forges must not fill the log */
		if (c->st.forged++ == 0) {
			log_warn("control document %s refused: not signed "
				 "with the key of control.public-key",
				 id);
		}
		return;
	}
	if (e != ERR_OK) {
		c->st.unknown++;
		log_warn("control document %s is signed, but not understood",
			 id);
		return;
	}
	if (!control_is_for(&doc, c->o.site, c->o.sensor)) {
		return;
	}
	if (doc.version <= c->st.version) {
		if (c->st.replayed++ == 0) {
			log_warn("control document %s refused: version "
				 "%" PRIu64 " is not newer than %" PRIu64,
				 id, doc.version, c->st.version);
		}
		return;
	}
	c->st.version = doc.version;
	c->st.taken++;
	keep(c, &doc, field(kv, "doc"), field(kv, "sig"));
	write_state(c);
	c->o.take(c->o.arg, &doc, field(kv, "doc"));
}

static bool
is_entry(const redisReply *e)
{
	return e->type == REDIS_REPLY_ARRAY && e->elements == 2 &&
	       e->element[0]->type == REDIS_REPLY_STRING &&
	       e->element[0]->len < ID_CAP &&
	       e->element[1]->type == REDIS_REPLY_ARRAY;
}

bool
control_feed_hear(struct control_feed *c, const redisReply *r)
{
	const redisReply *entries;

	if (r->type == REDIS_REPLY_ERROR && !c->refusal_told) {
		c->refusal_told = true;
		log_warn("control documents cannot be read: %.200s", r->str);
	}
	/* [[stream, [[id, [field, value, ...]], ...]]], or nil */
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 1 ||
	    r->element[0]->type != REDIS_REPLY_ARRAY ||
	    r->element[0]->elements != 2 ||
	    r->element[0]->element[1]->type != REDIS_REPLY_ARRAY) {
		return false;
	}
	entries = r->element[0]->element[1];
	for (size_t i = 0; i < entries->elements; i++) {
		const redisReply *e = entries->element[i];

		if (is_entry(e)) {
			snprintf(c->last_id, sizeof(c->last_id), "%s",
				 e->element[0]->str);
			hear_entry(c, c->last_id, e->element[1]);
		}
	}
	return entries->elements > 0;
}

void
control_feed_get_stats(const struct control_feed *c,
		       struct control_feed_stats *out)
{
	*out = c->st;
}
