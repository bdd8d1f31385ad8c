/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/redis_tls.h"
#include "common/redis_url.h"

#define PREFIX "exchange.partners."
#define PREFIX_LEN (sizeof(PREFIX) - 1)

static const char *const words[] = { "url",   "ca",          "cert",
				     "key",   "server-name", "outbox",
				     "inbox", "public-key",  "quota" };

/* The settings while they are read. */
struct reading {
	struct exchange_conf *x;
	const struct conf *c;
	struct diag *d;
	enum err err;
	struct exchange_party *party; /* whose keys are read */
};

static void
fail(struct reading *r, enum err e, const char *key, const char *why)
{
	if (r->err == ERR_OK) {
		r->err = diag_set(r->d, e, "%.200s: %s", key, why);
	}
}

static void
add_party(struct reading *r, const char *key, struct view name)
{
	struct exchange_conf *x = r->x;

	for (unsigned i = 0; i < x->n; i++) {
		if (view_eq(name, view_cstr(x->parties[i].name))) {
			return;
		}
	}
	if (x->n == EXCHANGE_MAX_PARTIES) {
		fail(r, ERR_USAGE, "exchange.partners", "more than 16");
	} else if (!exchange_name_ok(name)) {
		fail(r, ERR_USAGE, key,
		     "a partner's name is 1 to 63 letters, digits, - and _");
	} else {
		memcpy(x->parties[x->n++].name, name.p, name.len);
	}
}

/* One setting of a partner: its name, and a word that there is. */
static void
add_key(void *arg, const char *key, const char *value)
{
	struct reading *r = arg;
	const char *name = key + PREFIX_LEN;
	size_t n = strcspn(name, ".");
	const char *word = name + n + (name[n] == '.');
	size_t len = strcspn(word, ".");

	(void)value;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		bool list = strcmp(words[i], "public-key") == 0;

		if (strlen(words[i]) == len &&
		    memcmp(word, words[i], len) == 0 &&
		    (word[len] == '\0' || list)) {
			add_party(r, key, view_of(name, n));
			return;
		}
	}
	fail(r, ERR_USAGE, key,
	     "there is no such setting; see picket-collector(8)");
}

static void
add_public(void *arg, const char *key, const char *value)
{
	struct reading *r = arg;
	struct exchange_party *p = r->party;

	if (r->err != ERR_OK || value[0] == '\0') {
		return;
	}
	if (p->n_keys == EXCHANGE_MAX_KEYS) {
		fail(r, ERR_USAGE, key, "more than 8 keys");
		return;
	}
	r->err = sign_key_load(&p->keys[p->n_keys], value, false, r->d);
	p->n_keys += r->err == ERR_OK;
}

/* A copy that lives as long as what is read; NULL is none. */
static const char *
keep(struct reading *r, const char *text)
{
	struct exchange_conf *x = r->x;
	char *copy = text != NULL ? strdup(text) : NULL;
	char **texts;

	if (copy == NULL) {
		if (text != NULL) {
			fail(r, ERR_NOMEM, PREFIX, "out of memory");
		}
		return NULL;
	}
	texts = realloc(x->texts, (x->n_texts + 1) * sizeof(*texts));
	if (texts == NULL) {
		free(copy);
		fail(r, ERR_NOMEM, PREFIX, "out of memory");
		return NULL;
	}
	x->texts = texts;
	x->texts[x->n_texts++] = copy;
	return copy;
}

static const char *
named(struct reading *r, const char *word)
{
	char key[160];

	snprintf(key, sizeof(key), PREFIX "%s.%s", r->party->name, word);
	return keep(r, conf_named(r->c, key));
}

static void
check_party(struct reading *r)
{
	const struct exchange_party *p = r->party;
	const struct share_partner *to;
	char key[160];

	snprintf(key, sizeof(key), PREFIX "%s", p->name);
	to = exchange_conf_policy(r->x, p);
	if (strcmp(p->name, r->x->us) == 0) {
		fail(r, ERR_USAGE, key, "this is our own name (producer)");
	} else if (p->url == NULL && p->outbox == NULL && p->inbox == NULL) {
		fail(r, ERR_USAGE, key, "give its url, outbox or inbox");
	} else if (p->n_keys == 0) {
		fail(r, ERR_USAGE, key,
		     "give public-key, a list of files with its keys");
	} else if ((p->cert != NULL) != (p->key != NULL)) {
		fail(r, ERR_USAGE, key, "cert and key: give both or none");
	} else if (to != NULL && strcmp(to->owner, p->name) != 0) {
		fail(r, ERR_USAGE, key,
		     "the policy has another owner for it: its name, the "
		     "policy's name and owner have to be the same");
	}
}

/* That what is hidden from it can be hidden: found at the start, not with the
 * first bundle. */
static void
check_pseudonyms(struct reading *r)
{
	const struct share_partner *to = exchange_conf_policy(r->x, r->party);
	struct sign_key *key = NULL;
	struct diag why = { "" };
	char spec[1100], what[160];

	if (to == NULL) {
		return;
	}
	snprintf(spec, sizeof(spec), "hmac:%s", to->key_file);
	if (sign_key_load_any(&key, spec, true, &why) != ERR_OK) {
		snprintf(what, sizeof(what),
			 "policy, partner '%s': pseudonym-key", to->name);
		fail(r, ERR_USAGE, what, why.msg);
	}
	sign_key_free(key);
}

/* That what is named for its Redis can be used. */
static void
check_url(struct reading *r)
{
	const struct exchange_party *p = r->party;
	const struct redis_tls_files tls = { .ca = p->ca,
					     .cert = p->cert,
					     .key = p->key,
					     .server_name = p->server_name };
	struct redis_url url;
	struct diag why = { "" };
	char key[160];
	enum err e = redis_url_parse(&url, p->url, &why);

	if (e == ERR_OK && url.tls) {
		e = redis_tls_check(&tls, &why);
	}
	redis_url_wipe(&url);
	if (e != ERR_OK) {
		snprintf(key, sizeof(key), PREFIX "%s.url", p->name);
		fail(r, ERR_USAGE, key, why.msg);
	}
}

static void
read_party(struct reading *r)
{
	struct exchange_party *p = r->party;
	char key[160];

	p->url = named(r, "url");
	p->ca = named(r, "ca");
	p->cert = named(r, "cert");
	p->key = named(r, "key");
	p->server_name = named(r, "server-name");
	p->outbox = named(r, "outbox");
	p->inbox = named(r, "inbox");
	snprintf(key, sizeof(key), PREFIX "%s.quota", p->name);
	p->quota = conf_u64(r->c, key, EXCHANGE_QUOTA, 1, 100000000);
	snprintf(key, sizeof(key), PREFIX "%s.public-key", p->name);
	conf_each(r->c, key, add_public, r);
	if (r->err == ERR_OK) {
		check_party(r);
	}
	if (r->err == ERR_OK) {
		check_pseudonyms(r);
	}
	if (r->err == ERR_OK && p->url != NULL) {
		check_url(r);
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct exchange_party *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* What all parties have in common. */
static void
read_own(struct reading *r)
{
	struct exchange_conf *x = r->x;
	const char *policy = conf_named(r->c, "partners.policy");

	x->key_file = keep(r, conf_named(r->c, "exchange.sign-key"));
	if (policy == NULL) {
		fail(r, ERR_USAGE, "exchange.partners",
		     "name the policy, which has our own name, by "
		     "partners.policy");
	} else if (x->key_file == NULL) {
		fail(r, ERR_USAGE, "exchange.partners",
		     "name our key by exchange.sign-key; picketctl keys make "
		     "FILE makes one");
	} else {
		r->err = share_policy_load(&x->policy, policy, r->d);
	}
	if (r->err == ERR_OK) {
		x->us = x->policy->producer;
		r->err = exchange_conf_own(x, &x->own, r->d);
	}
	if (r->err == ERR_OK && !exchange_name_ok(view_cstr(x->us))) {
		fail(r, ERR_USAGE, policy,
		     "producer: to exchange, a name of 1 to 63 letters, "
		     "digits, - and _");
	}
}

enum err
exchange_conf_load(struct exchange_conf *out, const struct conf *c,
		   struct diag *d)
{
	struct reading r = { .x = out, .c = c, .d = d };
	const char *s = conf_str(c, "exchange.interval", "1");
	char *end;
	double v = strtod(s, &end);

	*out = (struct exchange_conf){ .n = 0 };
	out->outbox_bytes =
		conf_u64(c, "exchange.outbox-size", EXCHANGE_OUTBOX_BYTES,
			 4 * EXCHANGE_MAX_LEN, UINT64_C(1) << 40);
	out->outbox_bundles = conf_u64(c, "exchange.outbox-bundles",
				       EXCHANGE_OUTBOX_BUNDLES, 4, 1000000);
	if (end == s || *end != '\0' || !(v >= 0.05 && v <= 86400)) {
		return diag_set(d, ERR_USAGE,
				"exchange.interval: '%.32s' is no number of "
				"seconds from 0.05 to 86400",
				s);
	}
	out->interval_us = (uint64_t)(v * (double)US_PER_S);
	out->parties = calloc(EXCHANGE_MAX_PARTIES, sizeof(*out->parties));
	if (out->parties == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	conf_each(c, PREFIX, add_key, &r);
	if (r.err == ERR_OK && out->n > 0) {
		qsort(out->parties, out->n, sizeof(*out->parties), by_name);
		read_own(&r);
	}
	for (unsigned i = 0; i < out->n && r.err == ERR_OK; i++) {
		r.party = &out->parties[i];
		read_party(&r);
	}
	if (r.err != ERR_OK) {
		exchange_conf_free(out);
	}
	return r.err;
}

void
exchange_conf_free(struct exchange_conf *x)
{
	for (unsigned i = 0; i < x->n; i++) {
		for (unsigned k = 0; k < x->parties[i].n_keys; k++) {
			sign_key_free(x->parties[i].keys[k]);
		}
	}
	for (unsigned i = 0; i < x->n_texts; i++) {
		free(x->texts[i]);
	}
	free(x->texts);
	free(x->parties);
	sign_key_free(x->own);
	share_policy_free(x->policy);
	*x = (struct exchange_conf){ .n = 0 };
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What of a party cannot change while it is talked to; NULL: nothing did. */
static const char *
other_way(const struct exchange_party *a, const struct exchange_party *b)
{
	return !same_text(a->url, b->url)                   ? "url"
	       : !same_text(a->ca, b->ca)                   ? "ca"
	       : !same_text(a->cert, b->cert)               ? "cert"
	       : !same_text(a->key, b->key)                 ? "key"
	       : !same_text(a->outbox, b->outbox)           ? "outbox"
	       : !same_text(a->inbox, b->inbox)             ? "inbox"
	       : !same_text(a->server_name, b->server_name) ? "server-name"
							    : NULL;
}

enum err
exchange_conf_reload(struct exchange_conf *out, const struct exchange_conf *was,
		     const struct conf *c, struct diag *d)
{
	enum err e = exchange_conf_load(out, c, d);

	if (e == ERR_OK && out->n != was->n) {
		e = diag_set(d, ERR_USAGE,
			     "exchange.partners: one that is new "
			     "or gone takes a restart");
	}
	if (e == ERR_OK && !same_text(out->us, was->us)) {
		e = diag_set(d, ERR_USAGE,
			     "producer: another name of ours "
			     "takes a restart");
	}
	for (unsigned i = 0; i < was->n && e == ERR_OK; i++) {
		const struct exchange_party *a = &was->parties[i];
		const struct exchange_party *b = &out->parties[i];
		const char *other = other_way(a, b);

		if (strcmp(a->name, b->name) != 0 || other != NULL) {
			e = diag_set(d, ERR_USAGE,
				     PREFIX "%s%s%s: takes a restart", b->name,
				     other != NULL ? "." : "",
				     other != NULL ? other : "");
		}
	}
	if (e != ERR_OK) {
		exchange_conf_free(out);
	}
	return e;
}

enum err
exchange_conf_own(const struct exchange_conf *x, struct sign_key **out,
		  struct diag *d)
{
	return sign_key_load(out, x->key_file, true, d);
}

const struct exchange_party *
exchange_conf_party(const struct exchange_conf *x, const char *name)
{
	for (unsigned i = 0; i < x->n; i++) {
		if (strcmp(x->parties[i].name, name) == 0) {
			return &x->parties[i];
		}
	}
	return NULL;
}

const struct share_partner *
exchange_conf_policy(const struct exchange_conf *x,
		     const struct exchange_party *party)
{
	return x->policy != NULL ? share_partner(x->policy, party->name) : NULL;
}

/* Who is told of paths. */
struct paths {
	void (*fn)(void *arg, const char *path, bool write);
	void *arg;
};

static void
tell_path(void *arg, const char *key, const char *value)
{
	static const char *const files[] = { "ca",         "cert",   "key",
					     "public-key", "outbox", "inbox" };
	const struct paths *p = arg;
	const char *word = strchr(key + PREFIX_LEN, '.');

	if (word == NULL || value[0] == '\0') {
		return;
	}
	word++;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		size_t n = strlen(files[i]);

		if (strncmp(word, files[i], n) == 0 &&
		    (word[n] == '\0' || word[n] == '.')) {
			p->fn(p->arg, value, strstr(files[i], "box") != NULL);
		}
	}
}

void
exchange_conf_paths(const struct conf *c,
		    void (*fn)(void *arg, const char *path, bool write),
		    void *arg)
{
	struct paths p = { fn, arg };
	const char *own = conf_named(c, "exchange.sign-key");

	if (own != NULL) {
		fn(arg, own, false);
	}
	conf_each(c, PREFIX, tell_path, &p);
}
