/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_share.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/audit.h"
#include "collector/share.h"
#include "common/clock.h"

/* What the settings named, loaded. */
struct parts {
	struct mission_map *map;
	struct share_policy *policy;
	struct share_request request;
	struct share_bundle bundle;
	bool made; /* the bundle */
};

static void
parts_fini(struct parts *p)
{
	if (p->made) {
		share_bundle_fini(&p->bundle);
	}
	share_policy_free(p->policy);
	mission_free(p->map);
}

static enum err
read_kinds(const char *list, unsigned *out, struct diag *d)
{
	/* A list of none asks for nothing, which is not to be taken for all. */
	while (list != NULL && (*list != '\0' || *out == 0)) {
		size_t n = strcspn(list, ",");
		enum share_kind k;

		if (!share_kind_read(view_of(list, n), &k)) {
			return diag_set(d, ERR_USAGE,
					"--kinds: '%.*s' is not one of "
					"indicator, sighting, incident, "
					"consultation",
					(int)MIN(n, 64u), list);
		}
		*out |= 1u << k;
		list += n + (list[n] == ',');
	}
	return ERR_OK;
}

static enum err
load_map(struct parts *p, const struct conf *conf, struct diag *d)
{
	const char *missions = conf_named(conf, "missions");
	enum err e = ERR_OK;

	if (missions != NULL) {
		e = mission_load(&p->map, missions, d);
	} else {
		p->map = mission_empty();
		e = p->map != NULL ? ERR_OK
				   : diag_set(d, ERR_NOMEM, "out of memory");
	}
	return e == ERR_OK ? mission_default_read(
				     p->map,
				     conf_str(conf, "release.default-mark",
					      "amber"),
				     d)
			   : e;
}

/* Who asks for a partner that there is not learns whom there is. */
static enum err
no_partner(const struct share_policy *p, const char *to, const char *policy,
	   struct diag *d)
{
	char names[256] = "";
	size_t n = 0;

	for (unsigned i = 0; i < p->n_partners && n < sizeof(names); i++) {
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				      i > 0 ? ", " : "", p->partners[i].name);
	}
	return diag_set(d, ERR_USAGE,
			"--to: '%.64s' is no partner of %.200s, which has %s",
			to, policy, n > 0 ? names : "none");
}

/* All that it takes, and the bundle made. */
static enum err
make(struct ctl *c, const struct conf *conf, const struct ctl_share *s,
     struct parts *p, struct diag *d)
{
	const char *policy = conf_named(conf, "partners.policy");
	enum err e;

	if (policy == NULL) {
		return diag_set(d, ERR_USAGE,
				"no policy: name the file by partners.policy "
				"in --config FILE or by --set "
				"partners.policy=FILE");
	}
	e = share_policy_load(&p->policy, policy, d);
	if (e == ERR_OK) {
		e = load_map(p, conf, d);
	}
	if (e == ERR_OK) {
		e = read_kinds(s->kinds, &p->request.kinds, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	p->request.policy = p->policy;
	p->request.map = p->map;
	p->request.since_us = s->since_us;
	p->request.to = share_partner(p->policy, s->to);
	if (p->request.to == NULL) {
		return no_partner(p->policy, s->to, policy, d);
	}
	p->made = true;
	e = share_bundle_write(c->store, &p->request, &p->bundle, d);
	if (e != ERR_OK && d->msg[0] == '\0') {
		diag_set(d, e,
			 e == ERR_NOMEM ? "out of memory"
					: "the store cannot be read");
	}
	return e;
}

/* ------------------------------------------------------------ what was done */

static void
json_counts(struct ctl *c, const struct share_bundle *b)
{
	struct json *j = &c->j;

	json_obj(j, "released");
	for (unsigned k = 0; k < SHARE_KINDS; k++) {
		json_u64(j, share_kind_name((enum share_kind)k),
			 b->counts[k][RELEASE_GOES]);
	}
	json_obj_end(j);
	json_obj(j, "held");
	for (unsigned k = 0; k < SHARE_KINDS; k++) {
		json_obj(j, share_kind_name((enum share_kind)k));
		for (unsigned v = RELEASE_GOES + 1; v < RELEASE_VERDICTS; v++) {
			if (b->counts[k][v] > 0) {
				json_u64(j,
					 release_verdict_name(
						 (enum release_verdict)v),
					 b->counts[k][v]);
			}
		}
		json_obj_end(j);
	}
	json_obj_end(j);
}

static void
json_items(struct ctl *c, const struct share_bundle *b)
{
	json_arr(&c->j, "items");
	for (size_t i = 0; i < b->n_notes; i++) {
		const struct share_note *n = &b->notes[i];

		json_obj(&c->j, NULL);
		json_cstr(&c->j, "kind", share_kind_name(n->kind));
		json_i64(&c->j, "number", n->local);
		json_cstr(&c->j, "verdict", release_verdict_name(n->verdict));
		json_cstr(&c->j, "mark", n->mark);
		json_obj_end(&c->j);
	}
	json_arr_end(&c->j);
}

static void
text_counts(struct ctl *c, const struct share_bundle *b, const char *to)
{
	FILE *f = c->text.out;

	fprintf(f, "for %s: %" PRIu64 " released, %" PRIu64 " held\n",
		ctl_clean(&c->text, to), share_released(b), share_held(b));
	for (unsigned k = 0; k < SHARE_KINDS; k++) {
		for (unsigned v = 0; v < RELEASE_VERDICTS; v++) {
			if (b->counts[k][v] > 0) {
				fprintf(f, "  %-12s  %-11s %" PRIu64 "\n",
					share_kind_name((enum share_kind)k),
					release_verdict_name(
						(enum release_verdict)v),
					b->counts[k][v]);
			}
		}
	}
}

static enum err
tell(struct ctl *c, const struct parts *p, bool items)
{
	const struct share_bundle *b = &p->bundle;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_cstr(&c->j, "partner", p->request.to->name);
		json_counts(c, b);
		if (items) {
			json_items(c, b);
		}
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	text_counts(c, b, p->request.to->name);
	for (size_t i = 0; items && i < b->n_notes; i++) {
		const struct share_note *n = &b->notes[i];

		if (n->verdict != RELEASE_GOES) {
			fprintf(c->text.out, "%s %" PRId64 ": %s (%s)\n",
				share_kind_name(n->kind), n->local,
				release_verdict_name(n->verdict),
				ctl_clean(&c->text, n->mark));
		}
	}
	return ERR_OK;
}

/* That somebody looked, and at what. */
static enum err
audit_read(struct ctl *c, const struct parts *p, const char *command,
	   const char *who, struct diag *d)
{
	uint64_t now = clock_wall_us();
	sqlite3 *db;
	struct json j;
	int64_t id;
	enum err e = audit_begin(&db, c->store->path, d);

	if (e != ERR_OK) {
		return e;
	}
	json_init(&j);
	json_obj(&j, NULL);
	json_cstr(&j, "command", command);
	json_u64(&j, "held", share_held(&p->bundle));
	json_cstr(&j, "partner", p->request.to->name);
	json_u64(&j, "released", share_released(&p->bundle));
	json_obj_end(&j);
	e = share_audit_policy(db, p->policy, who, now, d);
	if (e == ERR_OK) {
		e = audit_append(db, AUDIT_READ, who, now, json_view(&j), &id);
	}
	json_fini(&j);
	if (e != ERR_OK && d->msg[0] == '\0') {
		diag_set(d, e, "the audit log cannot be written");
	}
	return audit_end(db, e == ERR_OK, d) == ERR_OK ? e : ERR_IO;
}

/* ----------------------------------------------------------------- the file */

static enum err
write_file(const char *path, struct view v, struct diag *d)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	enum err e = fd >= 0 ? ERR_OK : ERR_IO;

	while (e == ERR_OK && v.len > 0) {
		ssize_t n = write(fd, v.p, v.len);

		if (n > 0) {
			v = view_of(v.p + n, v.len - (size_t)n);
		} else if (n < 0 && errno != EINTR) {
			e = ERR_IO;
		}
	}
	if (e == ERR_OK && fsync(fd) != 0) {
		e = ERR_IO;
	}
	if (e != ERR_OK) {
		diag_set(d, e, "%s: %s", path, strerror(errno));
	}
	if (fd >= 0) {
		close(fd);
		if (e != ERR_OK) {
			unlink(path);
		}
	}
	return e;
}

static enum err
audit_release(struct ctl *c, const struct parts *p, const char *who,
	      struct diag *d)
{
	sqlite3 *db;
	enum err e = audit_begin(&db, c->store->path, d);

	if (e == ERR_OK) {
		e = share_audit(db, &p->request, &p->bundle, who,
				clock_wall_us(), d);
		if (audit_end(db, e == ERR_OK, d) != ERR_OK) {
			e = ERR_IO;
		}
	}
	return e;
}

/* The file stands under its name once the log says that it left. */
static enum err
release_file(struct ctl *c, const struct parts *p, const struct ctl_share *s,
	     struct diag *d)
{
	char part[4096];
	enum err e;

	if ((size_t)snprintf(part, sizeof(part), "%s.part", s->out) >=
	    sizeof(part)) {
		return diag_set(d, ERR_USAGE, "--out: too long a name");
	}
	e = write_file(part, json_view(&p->bundle.stix.j), d);
	if (e == ERR_OK) {
		e = audit_release(c, p, s->who, d);
		if (e == ERR_OK && rename(part, s->out) != 0) {
			e = diag_set(d, ERR_IO, "%s: %s", s->out,
				     strerror(errno));
		}
		if (e != ERR_OK) {
			unlink(part);
		}
	}
	return e == ERR_OK ? tell(c, p, false) : e;
}

enum err
ctl_share_export(struct ctl *c, const struct conf *conf,
		 const struct ctl_share *s, struct diag *d)
{
	struct parts p = { .made = false };
	enum err e = make(c, conf, s, &p, d);

	if (e == ERR_OK && s->dry_run) {
		e = audit_read(c, &p, "share export --dry-run", s->who, d);
		e = e == ERR_OK ? tell(c, &p, true) : e;
	} else if (e == ERR_OK && s->out != NULL && strcmp(s->out, "-") != 0) {
		e = release_file(c, &p, s, d);
	} else if (e == ERR_OK) {
		struct view v = json_view(&p.bundle.stix.j);

		e = audit_release(c, &p, s->who, d);
		if (e == ERR_OK &&
		    (fwrite(v.p, 1, v.len, c->text.out) != v.len ||
		     fputc('\n', c->text.out) == EOF)) {
			e = diag_set(d, ERR_IO, "not everything was written");
		}
	}
	parts_fini(&p);
	return e;
}

enum err
ctl_share_held(struct ctl *c, const struct conf *conf,
	       const struct ctl_share *s, struct diag *d)
{
	struct parts p = { .made = false };
	enum err e = make(c, conf, s, &p, d);

	if (e == ERR_OK) {
		e = audit_read(c, &p, "share held", s->who, d);
	}
	if (e == ERR_OK) {
		e = tell(c, &p, c->all);
	}
	parts_fini(&p);
	return e;
}
