/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_people.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "collector/audit.h"
#include "collector/console_pace.h"
#include "collector/console_question.h"
#include "common/clock.h"
#include "common/log.h"

struct console_people {
	struct store_reader *store;
	struct share_policy *policy;
	bool open;
	pthread_mutex_t lock; /* over 'pace' */
	struct pace pace;
};

enum err
console_people_new(struct console_people **out,
		   const struct console_people_config *cfg, struct diag *d)
{
	struct console_people *p = calloc(1, sizeof(*p));
	enum err e;

	*out = NULL;
	if (p == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	pthread_mutex_init(&p->lock, NULL);
	p->open = cfg->open;
	e = store_reader_open(&p->store, cfg->store, d);
	if (e == ERR_OK && cfg->policy != NULL) {
		e = share_policy_load(&p->policy, cfg->policy, d);
	}
	if (e != ERR_OK) {
		console_people_free(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

void
console_people_free(struct console_people *p)
{
	if (p != NULL) {
		store_reader_close(p->store);
		share_policy_free(p->policy);
		pthread_mutex_destroy(&p->lock);
		free(p);
	}
}

/* ---------------------------------------------------------------- who it is */

/* What somebody of that owner is to us: NULL, one of ours; a partner without
 * any kind, whom nobody knows. */
static const struct share_partner *
partner_of(const struct console_people *p, const char *owner)
{
	static const struct share_partner stranger = { .name = (char *)"",
						       .owner = (char *)"" };

	if (owner[0] == '\0' ||
	    (p->policy != NULL && strcmp(p->policy->producer, owner) == 0)) {
		return NULL;
	}
	for (unsigned i = 0; p->policy != NULL && i < p->policy->n_partners;
	     i++) {
		if (strcmp(p->policy->partners[i].owner, owner) == 0) {
			return &p->policy->partners[i];
		}
	}
	return &stranger;
}

enum err
console_people_viewer(struct console_people *p, const char *token,
		      struct viewer *out)
{
	enum err e = ERR_NOTFOUND;
	int64_t n;

	*out = (struct viewer){ 0 };
	if (token != NULL) {
		e = session_find(p->store, token, out);
	}
	if (e == ERR_OK) {
		out->partner = partner_of(p, out->owner);
	}
	if (e != ERR_NOTFOUND || !p->open) {
		return e == ERR_NOTFOUND ? ERR_OK : e;
	}
	n = user_count(p->store);
	if (n == 0) {
		out->role = ROLE_ADMINISTRATOR;
		snprintf(out->name, sizeof(out->name), "local");
		snprintf(out->csrf, sizeof(out->csrf), "1");
	}
	return n < 0 ? ERR_IO : ERR_OK;
}

/* ---------------------------------------------------------------- questions */

static const char *
text_of(const json_t *doc, const char *key)
{
	const json_t *v = json_object_get(doc, key);

	return json_is_string(v) ? json_string_value(v) : NULL;
}

static unsigned
failure(struct json *j, enum err e, const struct diag *d)
{
	return e == ERR_USAGE || e == ERR_LIMIT
		       ? question_refuse(j, 400, d->msg)
	       : e == ERR_NOTFOUND
		       ? question_refuse(j, 404, "there is no such user")
		       : question_refuse(j, 503,
					 "the store is busy: try again");
}

static unsigned
done(struct json *j)
{
	json_reset(j);
	json_obj(j, NULL);
	json_bool(j, "done", true);
	json_obj_end(j);
	return 200;
}

static unsigned
me(const struct console_people *p, const struct viewer *v, struct json *j)
{
	json_obj(j, NULL);
	json_cstr(j, "name", v->name);
	json_cstr(j, "role", role_name(v->role));
	json_cstr(j, "owner", v->owner);
	json_cstr(j, "producer", p->policy != NULL ? p->policy->producer : "");
	json_bool(j, "partner", v->partner != NULL);
	json_cstr(j, "lang", v->lang);
	json_cstr(j, "zone", v->zone);
	json_cstr(j, "csrf", v->csrf);
	json_arr(j, "rights");
	for (size_t i = 0; i < n_console_rights; i++) {
		char text[160];

		if (v->role != ROLE_NONE &&
		    console_right_check(&console_rights[i], v) == 0) {
			snprintf(text, sizeof(text), "%s %s",
				 console_rights[i].post ? "POST" : "GET",
				 console_rights[i].path);
			json_cstr(j, NULL, text);
		}
	}
	json_arr_end(j);
	json_obj_end(j);
	return 200;
}

/* The password is looked at only when it is this one's turn. */
static enum err
try_password(struct console_people *p, const struct people_request *r,
	     const char *name, const char *password, struct user *u,
	     unsigned *wait_s)
{
	uint64_t now = clock_mono_us();
	enum err found, e;

	pthread_mutex_lock(&p->lock);
	*wait_s = pace_wait(&p->pace, name, r->address, now);
	pthread_mutex_unlock(&p->lock);
	if (*wait_s > 0) {
		return ERR_LIMIT;
	}
	found = user_get(p->store, name, u);
	if (found != ERR_OK && found != ERR_NOTFOUND) {
		return found;
	}
	e = user_verify(password, u->hash);
	if (e == ERR_OK && (found != ERR_OK || u->disabled)) {
		e = ERR_AUTH;
	}
	if (e == ERR_OK || e == ERR_AUTH) {
		pthread_mutex_lock(&p->lock);
		pace_note(&p->pace, name, r->address, e == ERR_OK, now);
		pthread_mutex_unlock(&p->lock);
	}
	if (found == ERR_OK && (e == ERR_OK || e == ERR_AUTH) &&
	    user_note_login(p->store, u, e == ERR_OK) != ERR_OK) {
		log_warn("console: a log-in could not be counted");
	}
	return e;
}

static unsigned
refused(struct people_request *r, struct json *j, enum err e)
{
	if (e == ERR_LIMIT || e == ERR_AGAIN) {
		r->wait_s = r->wait_s > 0 ? r->wait_s : 1;
		return question_refuse(j, 429, "too many log-ins failed: wait");
	}
	return e == ERR_AUTH
		       ? question_refuse(j, 401,
					 "the name or the password is "
					 "wrong")
		       : question_refuse(j, 503, "the store does not answer");
}

static unsigned
login(struct console_people *p, struct people_request *r, const json_t *doc,
      struct json *j)
{
	const char *name = text_of(doc, "name");
	const char *password = text_of(doc, "password");
	struct viewer v;
	struct diag d;
	struct user u;
	enum err e;

	if (name == NULL || password == NULL || strlen(name) >= USER_NAME_CAP ||
	    strlen(password) > USER_PASSWORD_MAX) {
		return question_refuse(
			j, 400, "name and password are needed, as texts");
	}
	e = try_password(p, r, name, password, &u, &r->wait_s);
	if (e != ERR_OK) {
		if (e == ERR_AUTH) {
			log_info("console: a log-in from %s failed",
				 r->address);
		}
		return refused(r, j, e);
	}
	e = session_open(p->store, &u, r->address, r->token, &d);
	if (e == ERR_OK) {
		e = console_people_viewer(p, r->token, &v);
	}
	if (e != ERR_OK) {
		r->token[0] = '\0';
		return failure(j, e, &d);
	}
	return me(p, &v, j);
}

static unsigned
change_me(struct console_people *p, struct people_request *r, const json_t *doc,
	  struct json *j)
{
	struct user_change c = USER_CHANGE_NONE;
	const char *old = text_of(doc, "old");
	struct diag d = { "" };
	struct user u;
	enum err e = ERR_OK;

	c.lang = text_of(doc, "lang");
	c.zone = text_of(doc, "zone");
	c.password = text_of(doc, "password");
	if (c.password != NULL) {
		e = old == NULL ? ERR_AUTH
				: try_password(p, r, r->viewer->name, old, &u,
					       &r->wait_s);
		if (e != ERR_OK) {
			return refused(r, j, e);
		}
		r->ended = true;
	}
	e = user_change(p->store, r->viewer->name, &c, r->viewer->name, &d);
	r->ended &= e == ERR_OK;
	return e == ERR_OK ? done(j) : failure(j, e, &d);
}

/* ------------------------------------------------------------------- people */

static void
on_user(void *arg, const struct user *u)
{
	json_obj(arg, NULL);
	user_json(arg, u);
	json_obj_end(arg);
}

static unsigned
list_users(struct console_people *p, struct json *j)
{
	enum err e;

	json_obj(j, NULL);
	json_arr(j, "rows");
	e = user_each(p->store, on_user, j);
	json_arr_end(j);
	json_arr(j, "sessions");
	if (e == ERR_OK) {
		e = session_list(p->store, j);
	}
	json_arr_end(j);
	json_nil(j, "next");
	json_obj_end(j);
	return e == ERR_OK ? 200 : failure(j, e, NULL);
}

/* {act: add, name, role, owner, password} */
static enum err
add_user(struct console_people *p, const struct people_request *r,
	 const json_t *doc, struct diag *d)
{
	const char *name = text_of(doc, "name"), *role = text_of(doc, "role");
	const char *owner = text_of(doc, "owner");
	const char *password = text_of(doc, "password");
	struct user u = { .role = role_read(role != NULL ? role : "") };

	owner = owner != NULL ? owner : "";
	if (name == NULL || password == NULL || strlen(name) >= USER_NAME_CAP ||
	    strlen(owner) >= USER_NAME_CAP) {
		return diag_set(d, ERR_USAGE,
				"name, role and password are needed; names "
				"have at most 64 letters");
	}
	snprintf(u.name, sizeof(u.name), "%s", name);
	snprintf(u.owner, sizeof(u.owner), "%s", owner);
	return user_add(p->store, &u, password, r->viewer->name, d);
}

static enum err
act_on_user(struct console_people *p, const struct people_request *r,
	    const json_t *doc, struct diag *d)
{
	const char *act = text_of(doc, "act"), *name = text_of(doc, "name");
	const char *role = text_of(doc, "role");
	struct user_change c = USER_CHANGE_NONE;

	if (act == NULL || name == NULL) {
		return diag_set(d, ERR_USAGE, "act and name are needed");
	}
	if (strcmp(act, "add") == 0) {
		return add_user(p, r, doc, d);
	}
	if (strcmp(act, "logout") == 0) {
		return session_close_all(p->store, name, r->viewer->name, d);
	}
	if (strcmp(act, "role") == 0 && role != NULL) {
		c.role = role_read(role);
		c.owner = text_of(doc, "owner");
	} else if (strcmp(act, "password") == 0) {
		c.password = text_of(doc, "password");
	} else if (strcmp(act, "disable") == 0 || strcmp(act, "enable") == 0) {
		c.disabled = act[0] == 'd';
	} else if (strcmp(act, "remove") == 0) {
		c.remove = strcmp(name, r->viewer->name) != 0;
	}
	if (c.role == ROLE_NONE && c.password == NULL && c.disabled < 0 &&
	    !c.remove) {
		return diag_set(
			d, ERR_USAGE,
			"act: add, role, password, disable, enable, "
			"remove (not oneself) or logout, each with what "
			"it needs");
	}
	return user_change(p->store, name, &c, r->viewer->name, d);
}

/* ------------------------------------------------------------------ answers */

bool
console_people_mine(const char *path)
{
	return strcmp(path, "/api/me") == 0 ||
	       strcmp(path, "/api/login") == 0 ||
	       strcmp(path, "/api/logout") == 0 ||
	       strcmp(path, "/api/users") == 0;
}

static unsigned
answer_post(struct console_people *p, struct people_request *r,
	    const json_t *doc, struct json *j)
{
	struct diag d = { "" };
	enum err e = ERR_OK;

	if (strcmp(r->path, "/api/logout") == 0) {
		if (r->viewer->role != ROLE_NONE) {
			e = session_close(p->store, r->viewer, &d);
		}
		r->ended = true;
		return e == ERR_OK ? done(j) : failure(j, e, &d);
	}
	if (!json_is_object(doc)) {
		return question_refuse(j, 400, "the body is no JSON object");
	}
	if (strcmp(r->path, "/api/login") == 0) {
		return login(p, r, doc, j);
	}
	if (strcmp(r->path, "/api/me") == 0) {
		return change_me(p, r, doc, j);
	}
	e = act_on_user(p, r, doc, &d);
	return e == ERR_OK ? done(j) : failure(j, e, &d);
}

unsigned
console_people_answer(struct console_people *p, struct people_request *r,
		      struct json *j)
{
	unsigned status;
	json_t *doc;

	r->token[0] = '\0';
	json_reset(j);
	if (!r->post) {
		return strcmp(r->path, "/api/users") == 0 ? list_users(p, j)
							  : me(p, r->viewer, j);
	}
	doc = json_loadb((const char *)r->body.p, r->body.len,
			 JSON_REJECT_DUPLICATES, NULL);
	status = answer_post(p, r, doc, j);
	json_decref(doc);
	return status;
}

enum err
console_people_record(struct console_people *p, const struct console_right *row,
		      const char *path, struct view body,
		      const struct viewer *v)
{
	struct diag d = { "" };
	struct json j;
	sqlite3 *db;
	int64_t id;
	enum err e;

	/* Changes of people write their own, without the passwords. */
	if (row->record == RIGHT_QUIET || console_people_mine(path)) {
		return ERR_OK;
	}
	json_init(&j);
	json_obj(&j, NULL);
	json_cstr(&j, "act", path);
	if (body.len > 0) {
		json_str(&j, "body", body);
	}
	json_obj_end(&j);
	e = j.failed ? ERR_NOMEM : store_change_begin(p->store, &db, &d);
	if (e == ERR_OK) {
		e = audit_append(db,
				 row->record == RIGHT_READ ? AUDIT_READ
							   : AUDIT_ACTED,
				 v->name, clock_wall_us(), json_view(&j), &id);
		e = audit_end(db, e == ERR_OK, &d) == ERR_OK ? e : ERR_IO;
	}
	json_fini(&j);
	return e;
}
