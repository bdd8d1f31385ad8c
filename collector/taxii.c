/* SPDX-License-Identifier: Apache-2.0 */
/* TAXII 2.1 (OASIS, 10 June 2021): section 4 discovery, 5 collections. */
#include "collector/taxii.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json_read.h"
#include "common/json_stream.h"

#define NEXT_CAP 1024
#define MARK_PAGES 10 /* of markings and identities, of old */

struct poll {
	const struct taxii_options *o;
	struct taxii_http http;
	struct json_reader json;
	struct diag *d;
	char objects[TAXII_URL_CAP]; /* the URL that is paged through */
	char next[NEXT_CAP];
	int spool;
	uint64_t spooled, ends_us, n_objects;
	char first[TAXII_DATE_CAP], last[TAXII_DATE_CAP]; /* of the last page */
	unsigned pages;
	bool more;
};

static unsigned
or_else(unsigned value, unsigned usual)
{
	return value != 0 ? value : usual;
}

/* The last answer as JSON; small ones, by json_read's bounds. */
static enum err
answer_json(struct poll *p, const char *url)
{
	if (json_read(&p->json,
		      view_of(p->http.answer.body, p->http.answer.len)) &&
	    json_root(&p->json)->type == JSON_OBJECT) {
		return ERR_OK;
	}
	return diag_set(p->d, ERR_FORMAT, "%.200s: no JSON object", url);
}

static struct view
text_of(const struct poll *p, const struct json_value *o, const char *key)
{
	const struct json_value *v = json_member(&p->json, o, view_cstr(key));

	return v != NULL && v->type == JSON_STRING ? v->text : VIEW_NONE;
}

/* "BASE/PATH" whether or not BASE ends with a slash. */
static enum err
join(struct poll *p, const char *base, const char *path,
     char out[TAXII_URL_CAP])
{
	size_t n = strlen(base);
	int len = snprintf(out, TAXII_URL_CAP, "%s%s%s", base,
			   n > 0 && base[n - 1] == '/' ? "" : "/", path);

	return len < TAXII_URL_CAP
		       ? ERR_OK
		       : diag_set(p->d, ERR_LIMIT,
				  "%.100s: the URL is too long", base);
}

static bool
is_wanted(const struct poll *p, const struct json_value *c)
{
	const struct json_value *can =
		json_member(&p->json, c, VIEW_LIT("can_read"));
	static const char *const keys[] = { "id", "alias", "title" };

	if (can != NULL && can->type == JSON_FALSE) {
		return false;
	}
	if (p->o->collection == NULL) {
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (view_eq(text_of(p, c, keys[i]),
			    view_cstr(p->o->collection))) {
			return true;
		}
	}
	return false;
}

/* Of an id only what cannot lead elsewhere. */
static bool
is_plain_id(struct view id)
{
	for (size_t i = 0; i < id.len; i++) {
		uint8_t c = ascii_lower(id.p[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' &&
		    c != '_') {
			return false;
		}
	}
	return id.len > 0 && id.len <= 100;
}

static enum err
choose_collection(struct poll *p, const char *root)
{
	char url[TAXII_URL_CAP], path[128];
	const struct json_value *list, *c, *found = NULL;
	unsigned n = 0;
	struct view id;
	enum err e = join(p, root, "collections/", url);

	if (e == ERR_OK) {
		e = taxii_http_get(&p->http, url, p->d);
	}
	if (e == ERR_OK) {
		e = answer_json(p, url);
	}
	if (e != ERR_OK) {
		return e;
	}
	list = json_member(&p->json, json_root(&p->json),
			   VIEW_LIT("collections"));
	for (c = json_first(&p->json, list); c != NULL;
	     c = json_next(&p->json, list, c)) {
		if (is_wanted(p, c)) {
			found = c;
			n++;
		}
	}
	if (n != 1) {
		return diag_set(p->d, ERR_NOTFOUND,
				"%.200s: %u collections %s; name one", url, n,
				p->o->collection != NULL ? "of that name"
							 : "can be read");
	}
	id = text_of(p, found, "id");
	if (!is_plain_id(id)) {
		return diag_set(p->d, ERR_FORMAT,
				"%.200s: a collection without a proper id",
				url);
	}
	snprintf(path, sizeof(path), "%.*s/objects/", (int)id.len, id.p);
	return join(p, url, path, p->objects);
}

/* The API root that a discovery names first, or as its default. */
static enum err
choose_root(struct poll *p, const char *url, char root[TAXII_URL_CAP])
{
	const struct json_value *o = json_root(&p->json);
	const struct json_value *roots =
		json_member(&p->json, o, VIEW_LIT("api_roots"));
	const struct json_value *first = json_first(&p->json, roots);
	struct view ref = text_of(p, o, "default");
	char text[TAXII_URL_CAP];

	if (ref.len == 0 && first != NULL && first->type == JSON_STRING) {
		ref = first->text;
	}
	if (ref.len == 0 || ref.len >= sizeof(text)) {
		return diag_set(p->d, ERR_NOTFOUND, "%.200s: no API root", url);
	}
	memcpy(text, ref.p, ref.len);
	text[ref.len] = '\0';
	return taxii_http_resolve(url, text, root) == ERR_OK
		       ? ERR_OK
		       : diag_set(p->d, ERR_FORMAT,
				  "%.200s: '%.100s' is no URL", url, text);
}

/* What to page through, from what the user gave. */
static enum err
find_objects(struct poll *p)
{
	const char *url = p->o->url, *at = strstr(url, "/collections/");
	char root[TAXII_URL_CAP];
	enum err e;

	if (strchr(url, '?') != NULL || strchr(url, '#') != NULL) {
		return diag_set(p->d, ERR_USAGE,
				"%.200s: a URL with a query or fragment", url);
	}
	if (at != NULL && at[13] != '\0') {
		if (strstr(at, "/objects") != NULL) {
			return join(p, url, "", p->objects);
		}
		return join(p, url, "objects/", p->objects);
	}
	e = taxii_http_get(&p->http, url, p->d);
	if (e == ERR_OK) {
		e = answer_json(p, url);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (json_member(&p->json, json_root(&p->json), VIEW_LIT("versions")) !=
	    NULL) {
		return choose_collection(p, url);
	}
	e = choose_root(p, url, root);
	return e == ERR_OK ? choose_collection(p, root) : e;
}

static enum err
spool(struct poll *p, struct view v)
{
	while (v.len > 0) {
		ssize_t n = write(p->spool, v.p, v.len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return diag_set(p->d, ERR_IO, "%s: %s", p->o->spool_dir,
					strerror(errno));
		}
		p->spooled += (uint64_t)n;
		v = view_sub(v, (size_t)n, v.len);
	}
	return ERR_OK;
}

/* What is between the brackets of "objects", behind a comma if need be. */
static enum err
spool_objects(struct poll *p, struct view list)
{
	struct view inner = view_sub(list, 1, list.len - 2);
	enum err e = ERR_OK;

	while (inner.len > 0 && inner.p[0] <= ' ') {
		inner = view_sub(inner, 1, inner.len);
	}
	if (inner.len == 0) {
		return ERR_OK;
	}
	if (p->n_objects++ > 0) {
		e = spool(p, VIEW_LIT(",\n"));
	}
	return e == ERR_OK ? spool(p, inner) : e;
}

static enum err
take_member(struct poll *p, const char *name, struct view v)
{
	if (strcmp(name, "objects") == 0 && v.p[0] == '[') {
		return spool_objects(p, v);
	}
	if (strcmp(name, "more") == 0) {
		p->more = view_eq(v, VIEW_LIT("true"));
	} else if (strcmp(name, "next") == 0 && v.p[0] == '"' &&
		   v.len <= NEXT_CAP / 2 && json_read(&p->json, v)) {
		struct view text = json_root(&p->json)->text;

		memcpy(p->next, text.p, text.len);
		p->next[text.len] = '\0';
	}
	return ERR_OK;
}

/*
 * An envelope (section 3.7).  It is looked through before anything is kept of
 * it, so that a page that breaks off leaves no half of itself.
 */
static enum err
take_page(struct poll *p, bool keep)
{
	struct view body = view_of(p->http.answer.body, p->http.answer.len);
	char name[JSON_STREAM_NAME_CAP];
	struct block_read in;
	struct json_stream s;
	enum err e = ERR_OK;
	uint64_t n = 0;

	block_read_memory(&in, body);
	json_stream_init(&s, &in);
	if (!json_stream_enter(&s, '{')) {
		return diag_set(p->d, ERR_FORMAT, "%.200s: no envelope",
				p->objects);
	}
	while (e == ERR_OK && json_stream_member(&s, &n, name)) {
		struct view v;
		bool whole;

		if (json_stream_take(&s, body.len, &v, &whole) && keep) {
			e = take_member(p, name, v);
		}
	}
	if (e == ERR_OK) {
		e = json_stream_error(&s, p->objects, p->d);
	}
	json_stream_fini(&s);
	return e;
}

static enum err
page_url(struct poll *p, const char *added_after, const char *match,
	 char out[TAXII_URL_CAP])
{
	char *next = curl_easy_escape(p->http.curl, p->next, 0);
	char *after = curl_easy_escape(p->http.curl, added_after, 0);
	int len = TAXII_URL_CAP;

	if (next != NULL && after != NULL) {
		len = snprintf(out, TAXII_URL_CAP, "%s?limit=%u%s%s%s%s%s",
			       p->objects, or_else(p->o->page_objects, 1000),
			       match, after[0] != '\0' ? "&added_after=" : "",
			       after, next[0] != '\0' ? "&next=" : "", next);
	}
	curl_free(next);
	curl_free(after);
	return len < TAXII_URL_CAP
		       ? ERR_OK
		       : diag_set(p->d, ERR_LIMIT,
				  "%.100s: a page's URL is too long",
				  p->objects);
}

/* The date before which all is older than 'date'; false: that is none. */
static bool
just_before(const char *date, uint64_t *us, char out[TAXII_DATE_CAP])
{
	char text[CLOCK_ISO_CAP];
	size_t n;

	if (!clock_parse_iso(view_cstr(date), us) || *us == 0) {
		return false;
	}
	n = clock_iso(--*us, text);
	/* TAXII knows no other way to write UTC than "Z". */
	snprintf(out, TAXII_DATE_CAP, "%.*sZ", (int)(n - 5), text);
	return true;
}

/*
 * A server need not say where the next page begins (section 3.7): it begins
 * behind the last date, of which there may be more.
 */
static bool
by_date(const struct poll *p, char after[TAXII_DATE_CAP])
{
	char later[TAXII_DATE_CAP];
	uint64_t was = 0, is;

	if (after[0] != '\0' && !clock_parse_iso(view_cstr(after), &was)) {
		return false;
	}
	if (!just_before(p->last, &is, later) || is <= was) {
		return false;
	}
	memcpy(after, later, TAXII_DATE_CAP);
	return true;
}

/* Of one poll's bytes and time nothing is left. */
static bool
is_spent(const struct poll *p)
{
	size_t max = p->o->poll_bytes != 0 ? p->o->poll_bytes : (size_t)1 << 30;

	return p->spooled >= max || clock_mono_us() >= p->ends_us;
}

/* Whether to go on after a page; an error when it goes in circles. */
static enum err
go_on(struct poll *p, const char *before, char after[TAXII_DATE_CAP], bool *on)
{
	*on = p->more;
	if (!p->more) {
		return ERR_OK;
	}
	if (p->next[0] == '\0' ? !by_date(p, after)
			       : strcmp(before, p->next) == 0) {
		return diag_set(p->d, ERR_FORMAT,
				"%.200s: more pages, but not where",
				p->objects);
	}
	if (p->pages >= or_else(p->o->max_pages, 10000) || is_spent(p)) {
		return diag_set(p->d, ERR_LIMIT,
				"%.200s: more than one poll takes; the rest "
				"comes with the next",
				p->objects);
	}
	return ERR_OK;
}

static enum err
fetch_pages(struct poll *p, const char *added_after)
{
	char url[TAXII_URL_CAP], before[NEXT_CAP], after[TAXII_DATE_CAP];
	enum err e = spool(p, VIEW_LIT("{\"type\":\"bundle\",\"objects\":["));
	bool on = true;

	snprintf(after, sizeof(after), "%s", added_after);
	while (e == ERR_OK && on) {
		memcpy(before, p->next, sizeof(before));
		e = page_url(p, after, "", url);
		if (e == ERR_OK) {
			e = taxii_http_get(&p->http, url, p->d);
		}
		if (e == ERR_OK) {
			e = take_page(p, false);
		}
		if (e != ERR_OK) {
			break;
		}
		p->more = false;
		p->next[0] = '\0';
		e = take_page(p, true);
		p->pages++;
		memcpy(p->first, p->http.answer.first, sizeof(p->first));
		memcpy(p->last, p->http.answer.last, sizeof(p->last));
		if (e == ERR_OK) {
			e = go_on(p, before, after, &on);
		}
	}
	return e;
}

/*
 * What is new may be marked by what is not: definitions are asked for again.
 * A server that does not answer to that leaves these markings unknown, which
 * is red and for nobody.
 */
static void
fetch_marks(struct poll *p)
{
	char url[TAXII_URL_CAP];
	struct diag *told = p->d, ignored;
	enum err e = ERR_OK;

	p->d = &ignored;
	p->next[0] = '\0';
	p->more = true;
	for (unsigned i = 0;
	     e == ERR_OK && p->more && i < MARK_PAGES && !is_spent(p); i++) {
		p->more = false;
		e = page_url(p, "",
			     "&match%5Btype%5D=marking-definition,identity",
			     url);
		if (e == ERR_OK) {
			e = taxii_http_get(&p->http, url, p->d);
		}
		if (e == ERR_OK) {
			e = take_page(p, false);
		}
		p->next[0] = '\0';
		if (e == ERR_OK) {
			e = take_page(p, true);
		}
		p->more = p->more && p->next[0] != '\0';
	}
	p->d = told;
}

/*
 * After the last page all up to its last date is known.  After any other, the
 * next may have begun with objects of that same date: so only what is older
 * than all of the page is certain.
 */
static void
move_on(const struct poll *p, enum err e, struct taxii_state *state)
{
	char before[TAXII_DATE_CAP];
	uint64_t us;

	if (e == ERR_OK && p->last[0] != '\0' &&
	    clock_parse_iso(view_cstr(p->last), &us)) {
		memcpy(state->added_after, p->last, sizeof(p->last));
	} else if (e != ERR_OK && just_before(p->first, &us, before)) {
		memcpy(state->added_after, before, sizeof(before));
	}
}

static enum err
read_spool(struct poll *p, const struct indicator_sink *s,
	   struct indicator_report *r, struct diag *d)
{
	enum err e = spool(p, VIEW_LIT("]}"));

	return e == ERR_OK && p->pages > 0
		       ? indicator_read_fd(p->o->url, p->spool, s, r, d)
		       : e;
}

enum err
taxii_poll(const struct taxii_options *o, struct taxii_state *state,
	   const struct indicator_sink *s, struct indicator_report *r,
	   struct diag *d)
{
	struct poll p = { .o = o, .d = d, .spool = -1 };
	struct diag of_reading;
	enum err e, read;

	json_reader_init(&p.json);
	p.ends_us = clock_mono_us() + or_else(o->poll_s, 600) * 1000000ULL;
	e = taxii_http_init(&p.http, o->url, &o->login,
			    o->page_bytes != 0 ? o->page_bytes
					       : (size_t)32 << 20,
			    or_else(o->timeout_s, 60), d);
	if (e == ERR_OK) {
		p.http.stop = o->stop;
		p.spool = open(o->spool_dir, O_TMPFILE | O_RDWR | O_CLOEXEC,
			       0600);
		if (p.spool < 0) {
			e = diag_set(d, ERR_IO, "%s: %s", o->spool_dir,
				     strerror(errno));
		}
	}
	if (e == ERR_OK) {
		e = find_objects(&p);
		state->retry_after_s = p.http.answer.retry_after_s;
	}
	if (e == ERR_OK) {
		e = fetch_pages(&p, state->added_after);
		state->retry_after_s = p.http.answer.retry_after_s;
		if (p.n_objects > 0 && state->added_after[0] != '\0') {
			fetch_marks(&p);
		}
		read = read_spool(&p, s, r, &of_reading);
		if (read == ERR_OK) {
			move_on(&p, e, state);
		} else if (d != NULL) {
			*d = of_reading;
			e = read;
		}
	}
	state->pages = p.pages;
	if (p.spool >= 0) {
		close(p.spool);
	}
	json_reader_fini(&p.json);
	taxii_http_fini(&p.http);
	return e;
}
