/* SPDX-License-Identifier: Apache-2.0 */
#include "common/exercise.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"

#define DAY_US (UINT64_C(86400) * US_PER_S)

struct exercise *
exercise_new(void)
{
	struct exercise *e = calloc(1, sizeof(*e));

	if (e != NULL) {
		e->source = calloc(EXERCISE_MAX_SOURCES, sizeof(*e->source));
		e->host = calloc(EXERCISE_MAX_NAMES, sizeof(*e->host));
		if (e->source == NULL || e->host == NULL) {
			exercise_free(e);
			e = NULL;
		}
	}
	return e;
}

void
exercise_free(struct exercise *e)
{
	if (e != NULL) {
		free(e->source);
		free(e->host);
		free(e);
	}
}

bool
exercise_name_ok(struct view v)
{
	if (v.len == 0 || v.len >= EXERCISE_NAME_CAP) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];

		if (!(c >= '0' && c <= '9') && c != '.' && c != '_' &&
		    c != '-' &&
		    !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')) {
			return false;
		}
	}
	return true;
}

static void
copy(char *out, size_t cap, struct view v)
{
	size_t n = MIN(v.len, cap - 1);

	if (n > 0) {
		memcpy(out, v.p, n);
	}
	out[n] = '\0';
}

static enum err
read_net(struct view text, struct cidr *out, struct diag *d)
{
	if (cidr_parse(text, out)) {
		return ERR_OK;
	}
	return diag_set(d, ERR_FORMAT,
			"'%.*s' is no network: write 192.0.2.0/24, "
			"2001:db8::/32 or one address",
			(int)MIN(text.len, (size_t)60), (const char *)text.p);
}

enum err
exercise_add_range(struct exercise *e, struct view net, struct diag *d)
{
	enum err err = ERR_OK;

	if (e->n_ranges == EXERCISE_MAX_RANGES) {
		return diag_set(d, ERR_LIMIT, "ranges: more than %d",
				EXERCISE_MAX_RANGES);
	}
	err = read_net(net, &e->range[e->n_ranges], d);
	e->n_ranges += err == ERR_OK;
	return err;
}

enum err
exercise_add_inject(struct exercise *e, struct view id, struct view title,
		    uint64_t at_us, struct diag *d)
{
	struct exercise_inject *i;

	if (e->n_injects == EXERCISE_MAX_INJECTS) {
		return diag_set(d, ERR_LIMIT, "injects: more than %d",
				EXERCISE_MAX_INJECTS);
	}
	if (!exercise_name_ok(id)) {
		return diag_set(d, ERR_FORMAT,
				"id of an inject: 1 to %d letters, digits, "
				"'.', '_' and '-'",
				EXERCISE_NAME_CAP - 1);
	}
	for (unsigned k = 0; k < e->n_injects; k++) {
		if (view_eq(view_cstr(e->inject[k].id), id)) {
			return diag_set(d, ERR_FORMAT,
					"inject %s: another one is called so",
					e->inject[k].id);
		}
	}
	i = &e->inject[e->n_injects++];
	copy(i->id, sizeof(i->id), id);
	copy(i->title, sizeof(i->title), title);
	i->at_us = at_us;
	return ERR_OK;
}

enum err
exercise_add_source(struct exercise *e, struct view net, struct diag *d)
{
	enum err err;

	if (e->n_injects == 0 || e->n_sources == EXERCISE_MAX_SOURCES) {
		return diag_set(d, ERR_LIMIT, "sources: more than %d",
				EXERCISE_MAX_SOURCES);
	}
	err = read_net(net, &e->source[e->n_sources].net, d);
	if (err == ERR_OK) {
		e->source[e->n_sources++].inject = e->n_injects - 1;
	}
	return err;
}

enum err
exercise_add_host(struct exercise *e, struct view name, struct diag *d)
{
	struct exercise_host *h;
	bool good = name.len > 2 && name.len <= EXERCISE_MAX_HOST &&
		    name.p[0] != '.' && name.p[name.len - 1] != '.' &&
		    memchr(name.p, '.', name.len) != NULL;

	for (size_t i = 0; good && i < name.len; i++) {
		good = name.p[i] > ' ' && name.p[i] < 0x7f;
	}
	if (!good) {
		return diag_set(d, ERR_FORMAT,
				"'%.*s' is no name of a host: two labels at "
				"least, at most %d bytes",
				(int)MIN(name.len, (size_t)60),
				(const char *)name.p, EXERCISE_MAX_HOST);
	}
	if (e->n_injects == 0 || e->n_hosts == EXERCISE_MAX_NAMES) {
		return diag_set(d, ERR_LIMIT, "names: more than %d",
				EXERCISE_MAX_NAMES);
	}
	h = &e->host[e->n_hosts++];
	for (size_t i = 0; i < name.len; i++) {
		h->name[i] = (char)ascii_lower(name.p[i]);
	}
	h->name[name.len] = '\0';
	h->inject = e->n_injects - 1;
	return ERR_OK;
}

static bool
is_told(const struct exercise *e, unsigned inject)
{
	for (unsigned i = 0; i < e->n_sources; i++) {
		if (e->source[i].inject == inject) {
			return true;
		}
	}
	for (unsigned i = 0; i < e->n_hosts; i++) {
		if (e->host[i].inject == inject) {
			return true;
		}
	}
	return false;
}

enum err
exercise_check(const struct exercise *e, struct diag *d)
{
	if (!exercise_name_ok(view_cstr(e->name))) {
		return diag_set(d, ERR_FORMAT,
				"name: 1 to %d letters, digits, '.', '_' and "
				"'-'",
				EXERCISE_NAME_CAP - 1);
	}
	if (e->from_us == 0 || e->until_us <= e->from_us ||
	    e->until_us - e->from_us > EXERCISE_MAX_DAYS * DAY_US) {
		return diag_set(d, ERR_FORMAT,
				"from, until: a window of at most %d days",
				EXERCISE_MAX_DAYS);
	}
	if (e->n_ranges == 0 || e->n_injects == 0) {
		return diag_set(d, ERR_FORMAT,
				"an exercise needs a range and an inject");
	}
	for (unsigned i = 0; i < e->n_injects; i++) {
		if (!is_told(e, i)) {
			return diag_set(d, ERR_FORMAT,
					"inject %s: neither sources nor names "
					"to tell it by",
					e->inject[i].id);
		}
	}
	return ERR_OK;
}

/* --- the token --- */

static void
write_inject(struct json *j, const struct exercise *e, unsigned k)
{
	const struct exercise_inject *i = &e->inject[k];
	char net[ADDR_TEXT_CAP + 4];

	json_obj(j, NULL);
	json_cstr(j, "id", i->id);
	json_cstr(j, "title", i->title);
	if (i->at_us != 0) {
		json_u64(j, "at", i->at_us);
	}
	json_arr(j, "sources");
	for (unsigned n = 0; n < e->n_sources; n++) {
		if (e->source[n].inject == k) {
			cidr_format(&e->source[n].net, net);
			json_cstr(j, NULL, net);
		}
	}
	json_arr_end(j);
	json_arr(j, "names");
	for (unsigned n = 0; n < e->n_hosts; n++) {
		if (e->host[n].inject == k) {
			json_cstr(j, NULL, e->host[n].name);
		}
	}
	json_arr_end(j);
	json_obj_end(j);
}

void
exercise_write(struct json *j, const struct exercise *e)
{
	char net[ADDR_TEXT_CAP + 4];

	json_cstr(j, "name", e->name);
	json_u64(j, "from", e->from_us);
	json_u64(j, "until", e->until_us);
	json_arr(j, "ranges");
	for (unsigned i = 0; i < e->n_ranges; i++) {
		cidr_format(&e->range[i], net);
		json_cstr(j, NULL, net);
	}
	json_arr_end(j);
	json_arr(j, "injects");
	for (unsigned i = 0; i < e->n_injects; i++) {
		write_inject(j, e, i);
	}
	json_arr_end(j);
}

static struct view
text_of(const struct json_reader *r, const struct json_value *obj,
	const char *key)
{
	const struct json_value *v = json_member(r, obj, view_cstr(key));

	return v != NULL && v->type == JSON_STRING ? v->text : VIEW_NONE;
}

static bool
time_of(const struct json_reader *r, const struct json_value *obj,
	const char *key, uint64_t *out)
{
	const struct json_value *v = json_member(r, obj, view_cstr(key));

	return v != NULL && json_uint(v, INT64_MAX, out);
}

/* Each text of a list. */
static enum err
read_texts(struct exercise *e, const struct json_reader *r,
	   const struct json_value *obj, const char *key,
	   enum err (*add)(struct exercise *e, struct view v, struct diag *d),
	   struct diag *d)
{
	const struct json_value *list = json_member(r, obj, view_cstr(key));
	enum err err = ERR_OK;

	if (list == NULL || list->type != JSON_ARRAY) {
		return diag_set(d, ERR_FORMAT, "%s: no list", key);
	}
	for (const struct json_value *v = json_first(r, list);
	     v != NULL && err == ERR_OK; v = json_next(r, list, v)) {
		err = v->type == JSON_STRING
			      ? add(e, v->text, d)
			      : diag_set(d, ERR_FORMAT, "%s: no text", key);
	}
	return err;
}

static enum err
read_inject(struct exercise *e, const struct json_reader *r,
	    const struct json_value *obj, struct diag *d)
{
	uint64_t at_us = 0;
	enum err err;

	if (json_member(r, obj, VIEW_LIT("at")) != NULL &&
	    !time_of(r, obj, "at", &at_us)) {
		return diag_set(d, ERR_FORMAT, "at: no time");
	}
	err = exercise_add_inject(e, text_of(r, obj, "id"),
				  text_of(r, obj, "title"), at_us, d);
	if (err == ERR_OK) {
		err = read_texts(e, r, obj, "sources", exercise_add_source, d);
	}
	return err == ERR_OK
		       ? read_texts(e, r, obj, "names", exercise_add_host, d)
		       : err;
}

static enum err
read_all(struct exercise *e, const struct json_reader *r,
	 const struct json_value *obj, struct diag *d)
{
	struct view name = text_of(r, obj, "name");
	const struct json_value *list =
		json_member(r, obj, VIEW_LIT("injects"));
	enum err err;

	if (!exercise_name_ok(name) || !time_of(r, obj, "from", &e->from_us) ||
	    !time_of(r, obj, "until", &e->until_us)) {
		return diag_set(d, ERR_FORMAT, "no name, from or until");
	}
	copy(e->name, sizeof(e->name), name);
	err = read_texts(e, r, obj, "ranges", exercise_add_range, d);
	if (err == ERR_OK && (list == NULL || list->type != JSON_ARRAY)) {
		err = diag_set(d, ERR_FORMAT, "injects: no list");
	}
	for (const struct json_value *v = err == ERR_OK ? json_first(r, list)
							: NULL;
	     v != NULL && err == ERR_OK; v = json_next(r, list, v)) {
		err = read_inject(e, r, v, d);
	}
	return err == ERR_OK ? exercise_check(e, d) : err;
}

enum err
exercise_read(struct exercise **out, const struct json_reader *r,
	      const struct json_value *obj, struct diag *d)
{
	struct exercise *e = exercise_new();
	enum err err;

	*out = NULL;
	if (e == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	err = read_all(e, r, obj, d);
	if (err != ERR_OK) {
		exercise_free(e);
		return err;
	}
	*out = e;
	return ERR_OK;
}

/* --- what is of it --- */

static bool
in_range(const struct exercise *e, const struct addr *a)
{
	for (unsigned i = 0; i < e->n_ranges; i++) {
		if (cidr_contains(&e->range[i], a)) {
			return true;
		}
	}
	return false;
}

static int
source_of(const struct exercise *e, const struct addr *a)
{
	for (unsigned i = 0; i < e->n_sources; i++) {
		if (cidr_contains(&e->source[i].net, a)) {
			return (int)e->source[i].inject;
		}
	}
	return EXERCISE_REAL;
}

/* The name itself, or one below it; a final dot means nothing. */
static bool
is_below(struct view name, const char *host)
{
	size_t n = strlen(host);

	name.len -= name.len > 0 && name.p[name.len - 1] == '.';
	if (name.len < n || (name.len > n && name.p[name.len - n - 1] != '.')) {
		return false;
	}
	return view_caseeq(view_of(name.p + name.len - n, n), view_cstr(host));
}

static int
host_of(const struct exercise *e, struct view name)
{
	for (unsigned i = 0; i < e->n_hosts; i++) {
		if (is_below(name, e->host[i].name)) {
			return (int)e->host[i].inject;
		}
	}
	return EXERCISE_REAL;
}

int
exercise_inject_of(const struct exercise *e, const struct addr *a,
		   const struct addr *b, uint64_t at_us,
		   const struct view *hosts, size_t n_hosts)
{
	bool a_in, b_in;
	int i = EXERCISE_REAL;

	if (at_us < e->from_us || at_us >= e->until_us) {
		return EXERCISE_REAL;
	}
	a_in = in_range(e, a);
	b_in = in_range(e, b);
	if (a_in) {
		i = source_of(e, b);
	}
	if (i == EXERCISE_REAL && b_in) {
		i = source_of(e, a);
	}
	for (size_t k = 0; k < n_hosts && i == EXERCISE_REAL && (a_in || b_in);
	     k++) {
		i = host_of(e, hosts[k]);
	}
	return i;
}
