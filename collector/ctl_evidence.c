/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/audit.h"
#include "collector/evidence_bundle.h"
#include "collector/evidence_fetch.h"
#include "common/clock.h"

#define ABOUT_US (UINT64_C(600) * US_PER_S) /* before and after the alert */

struct target {
	struct control_doc doc;
	bool found, fits;
	char *raw; /* the EVE line */
};

/* By its name in EVE; 0: any. */
static uint8_t
proto_of(const char *name)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} known[] = { { "TCP", 6 },
		      { "UDP", 17 },
		      { "SCTP", 132 },
		      { "ICMP", 1 },
		      { "IPv6-ICMP", 58 } };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcasecmp(name, known[i].name) == 0) {
			return known[i].proto;
		}
	}
	return 0;
}

static void
take_alert(void *arg, const struct store_alert *a)
{
	struct target *t = arg;
	struct evidence_ask *q = &t->doc.evidence;

	t->found = true;
	t->fits = strlen(a->site) < CONTROL_NAME_CAP &&
		  strlen(a->sensor) < CONTROL_NAME_CAP && a->site[0] != '\0' &&
		  a->sensor[0] != '\0';
	if (!t->fits) {
		return;
	}
	memcpy(t->doc.site, a->site, strlen(a->site) + 1);
	memcpy(t->doc.sensor, a->sensor, strlen(a->sensor) + 1);
	t->raw = strdup(a->raw);
	q->proto = proto_of(a->proto);
	q->host[0] = a->src;
	q->host[1] = a->dst;
	/* ICMP has none, whatever stands there. */
	if (q->proto == 6 || q->proto == 17 || q->proto == 132) {
		q->port[0] = a->src_port;
		q->port[1] = a->dst_port;
	}
	q->from_us = a->timestamp_us - MIN(ABOUT_US, a->timestamp_us);
	q->to_us = a->timestamp_us + ABOUT_US;
	q->max_bytes = EVIDENCE_ASK_MAX;
}

static enum err
note_read(struct ctl *c, const struct ctl_evidence *o,
	  const struct control_doc *doc, const struct evidence_got *got,
	  struct diag *d)
{
	sqlite3 *db;
	struct json j;
	int64_t id;
	enum err e = audit_begin(&db, c->store->path, d);

	if (e != ERR_OK) {
		return e;
	}
	json_init(&j);
	json_obj(&j, NULL);
	json_i64(&j, "alert", o->alert);
	json_cstr(&j, "command",
		  o->bundle ? "evidence bundle" : "evidence get");
	json_u64(&j, "packets", got->packets);
	json_cstr(&j, "sensor", doc->sensor);
	json_cstr(&j, "sha256", got->sha256);
	json_cstr(&j, "site", doc->site);
	json_obj_end(&j);
	e = audit_append(db, AUDIT_READ, o->who, clock_wall_us(), json_view(&j),
			 &id);
	json_fini(&j);
	if (e != ERR_OK && d->msg[0] == '\0') {
		diag_set(d, e, "the audit log cannot be written");
	}
	return audit_end(db, e == ERR_OK, d) == ERR_OK ? e : ERR_IO;
}

/* All of it, or no file. */
static enum err
write_file(const char *path, struct view file, struct diag *d)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t at = 0;
	bool written;

	if (fd < 0) {
		return diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	}
	while (at < file.len) {
		ssize_t n = write(fd, file.p + at, file.len - at);

		if (n < 0 && errno != EINTR) {
			break;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	written = at == file.len && fsync(fd) == 0;
	/* Closed in any case: it may be where a full disk is told. */
	if (close(fd) != 0 || !written) {
		diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
		(void)unlink(path);
		return ERR_IO;
	}
	return ERR_OK;
}

static enum err
write_bundle(const char *path, const struct ctl_evidence *o,
	     const struct target *t, const struct evidence_got *got,
	     struct diag *d)
{
	const struct bundle b = {
		.alert = o->alert,
		.site = t->doc.site,
		.sensor = t->doc.sensor,
		.who = o->who,
		.created_us = clock_wall_us(),
		.cut = got->cut,
		.part = { [BUNDLE_ALERT] = view_cstr(t->raw),
			  [BUNDLE_PACKETS] = view_of(got->file, got->len) },
	};
	struct sign_key *k = NULL;
	uint8_t *file = NULL;
	size_t len;
	enum err e = sign_key_load(&k, o->order->key, true, d);

	if (e == ERR_OK && bundle_write(&b, k, &file, &len) != ERR_OK) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (e == ERR_OK) {
		e = write_file(path, view_of(file, len), d);
	}
	free(file);
	sign_key_free(k);
	return e;
}

static enum err
say(struct ctl *c, const struct control_doc *doc,
    const struct evidence_got *got, const char *path)
{
	if (c->json) {
		json_reset(&c->j);
		json_obj(&c->j, NULL);
		json_cstr(&c->j, "file", path);
		json_cstr(&c->j, "site", doc->site);
		json_cstr(&c->j, "sensor", doc->sensor);
		json_u64(&c->j, "packets", got->packets);
		json_u64(&c->j, "bytes", got->len);
		json_cstr(&c->j, "sha256", got->sha256);
		json_bool(&c->j, "cut", got->cut);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	fprintf(c->text.out, "%s: %" PRIu64 " packets of %s/%s%s\nsha256 %s\n",
		ctl_clean(&c->text, path), got->packets, doc->site, doc->sensor,
		got->cut ? ", the first; there may be more" : "", got->sha256);
	return ERR_OK;
}

static enum err
fetch(const struct ctl_evidence *o, struct control_doc *doc,
      struct evidence_got *got, struct diag *d)
{
	struct redis_pool *p = NULL;
	struct sign_key *k = NULL;
	enum err e = sign_key_load(&k, o->order->key, true, d);

	if (e == ERR_OK) {
		e = redis_pool_new(&p, &o->order->redis, d);
	}
	if (e == ERR_OK) {
		e = evidence_fetch(p, k, doc, o->wait_ms, got, d);
	}
	redis_pool_free(p);
	sign_key_free(k);
	return e;
}

enum err
ctl_evidence_get(struct ctl *c, const struct ctl_evidence *o, struct diag *d)
{
	struct target t = { .doc = { .action = CONTROL_EVIDENCE } };
	struct evidence_got got = { .file = NULL };
	char usual[64];
	const char *path = o->out != NULL ? o->out : usual;
	enum err e = store_read_alert(c->store, o->alert, take_alert, &t);

	snprintf(usual, sizeof(usual), "alert-%" PRId64 ".%s", o->alert,
		 o->bundle ? "picket-evidence.tar" : "pcapng");
	if (e == ERR_NOTFOUND || (e == ERR_OK && !t.found)) {
		return diag_set(d, ERR_NOTFOUND, "there is no alert %" PRId64,
				o->alert);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!t.fits || t.raw == NULL) {
		free(t.raw);
		return diag_set(d, ERR_NOTFOUND,
				"alert %" PRId64 " is of no sensor that could "
				"be asked",
				o->alert);
	}
	e = fetch(o, &t.doc, &got, d);
	if (e == ERR_OK && got.packets == 0) {
		e = diag_set(d, ERR_NOTFOUND,
			     "%s/%s keeps no packet of that flow: none were "
			     "kept then (evidence.mode), or they had to go "
			     "(evidence.total-size)",
			     t.doc.site, t.doc.sensor);
	}
	if (e == ERR_OK) {
		e = note_read(c, o, &t.doc, &got, d);
	}
	if (e == ERR_OK) {
		e = o->bundle ? write_bundle(path, o, &t, &got, d)
			      : write_file(path, view_of(got.file, got.len), d);
	}
	if (e == ERR_OK) {
		e = say(c, &t.doc, &got, path);
	}
	free(got.file);
	free(t.raw);
	return e;
}

/* --- checked --- */

static enum err
read_file(const char *path, uint8_t **out, size_t *len, struct diag *d)
{
	FILE *f = fopen(path, "re");
	enum err e = ERR_OK;

	*len = 0;
	*out = malloc(BUNDLE_MAX + 1);
	if (f == NULL || *out == NULL) {
		e = diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	} else {
		*len = fread(*out, 1, BUNDLE_MAX + 1, f);
		if (ferror(f)) {
			e = diag_set(d, ERR_IO, "%s: %s", path,
				     strerror(errno));
		} else if (*len > BUNDLE_MAX) {
			e = diag_set(d, ERR_LIMIT,
				     "%s: longer than a bundle may be", path);
		}
	}
	if (f != NULL) {
		fclose(f);
	}
	return e;
}

enum err
ctl_evidence_verify(struct ctl *c, const char *path, const char *key,
		    struct diag *d)
{
	struct view part[BUNDLE_MEMBERS];
	struct sign_key *k = NULL;
	struct diag why = { "" };
	uint8_t *file = NULL;
	size_t len = 0;
	enum err e = sign_key_load(&k, key, false, d);

	if (e == ERR_OK) {
		e = read_file(path, &file, &len, d);
	}
	if (e == ERR_OK) {
		e = bundle_check(view_of(file, len), k, part, &why);
		if (e != ERR_OK) {
			diag_set(d, e, "%s: %.400s", path, why.msg);
		}
	}
	if (e == ERR_OK) {
		if (c->json) {
			json_reset(&c->j);
			json_obj(&c->j, NULL);
			json_bool(&c->j, "whole", true);
			json_raw(&c->j, "manifest", part[BUNDLE_MANIFEST]);
			json_obj_end(&c->j);
			e = ctl_flush_json(c);
		} else {
			fprintf(c->text.out,
				"%s: whole, and signed with this key\n",
				ctl_clean(&c->text, path));
		}
	}
	free(file);
	sign_key_free(k);
	return e;
}
