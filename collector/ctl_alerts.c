/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picketctl alerts: those that came last, in the order in which they came, or
 * these same ones by the time of the event.  A sensor that was cut off sends
 * late: what it saw stands on top when it comes, and that is how it is found;
 * by time it stands among what others saw then.
 */
#include "collector/ctl_show.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/host_bits.h"

static void
end_text(char *out, size_t cap, const struct addr *a, uint16_t port)
{
	char text[ADDR_TEXT_CAP];

	addr_format(a, text);
	if (port == 0) {
		snprintf(out, cap, "%s", text);
	} else {
		snprintf(out, cap, addr_is_v4(a) ? "%s:%u" : "[%s]:%u", text,
			 port);
	}
}

static void
alert_text(struct ctl_text *x, const struct store_alert *a)
{
	char src[64], dst[64];

	end_text(src, sizeof(src), &a->src, a->src_port);
	end_text(dst, sizeof(dst), &a->dst, a->dst_port);
	fprintf(x->out, "%s %s%u%s ", ctl_time(x, a->timestamp_us),
		ctl_severity(x, a->severity), a->severity, ctl_sgr(x, "0"));
	ctl_column(x, 14, a->site);
	fprintf(x->out, "%s -> %s  [%" PRIu32 "] %s", src, dst, a->sid,
		ctl_clean(x, a->signature));
	if (a->indicator[0] != '\0') {
		fprintf(x->out, word(x->lang, "  indicator %s"),
			ctl_clean(x, a->indicator));
	}
	if (a->past_last_us > 0) {
		fprintf(x->out, word(x->lang, "  seen %s to %s"),
			ctl_time(x, a->past_first_us),
			ctl_time(x, a->past_last_us));
		if (a->past_hosts != 0) {
			fprintf(x->out,
				word(x->lang,
				     ", about %u hosts of ours in a week"),
				host_bits_count(a->past_hosts));
		}
	}
	if (a->exercise[0] != '\0') {
		fprintf(x->out, "  %s", ctl_sgr(x, "36"));
		fprintf(x->out, word(x->lang, "EXERCISE %s"),
			ctl_clean(x, a->exercise));
		fputs(ctl_sgr(x, "0"), x->out);
	}
	fputc('\n', x->out);
}

static void
put_alert(void *arg, const struct store_alert *a)
{
	struct ctl *c = arg;

	if (c->json) {
		store_json_alert(&c->j, a);
	} else {
		alert_text(&c->text, a);
	}
}

enum err
ctl_alerts_show(struct ctl *c, char *const *numbers, int n, struct diag *d)
{
	enum err e = ERR_OK, missing = ERR_OK;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "alerts");
	}
	for (int i = 0; i < n && e == ERR_OK; i++) {
		e = store_read_alert(c->store, strtoll(numbers[i], NULL, 10),
				     put_alert, c);
		if (e == ERR_NOTFOUND) {
			e = ERR_OK;
			missing = diag_set(d, ERR_NOTFOUND,
					   "there is no alert %s in this store",
					   numbers[i]);
		}
	}
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		e = e == ERR_OK ? ctl_flush_json(c) : e;
	}
	return e == ERR_OK ? missing : e;
}

/* --- by time --- */

/* A row as it will be shown: its text, or its JSON object. */
struct row {
	uint64_t us;
	int64_t id;
	char *text;
	size_t len;
};

struct rows {
	struct ctl *c;
	struct row *v; /* c->limit of them */
	size_t n;
	bool failed; /* out of memory */
};

static void
keep_row(void *arg, const struct store_alert *a)
{
	struct rows *rows = arg;
	struct ctl_text *x = &rows->c->text;
	struct row *r = &rows->v[rows->n];
	FILE *out = x->out;
	struct json j;

	if (rows->failed || rows->n == rows->c->limit) {
		return;
	}
	*r = (struct row){ .us = a->timestamp_us, .id = a->id };
	x->out = open_memstream(&r->text, &r->len);
	rows->failed = x->out == NULL;
	if (rows->failed) {
		x->out = out;
		return;
	}
	if (rows->c->json) {
		json_init(&j);
		store_json_alert(&j, a);
		rows->failed = j.failed;
		fwrite(j.p, 1, j.len, x->out);
		json_fini(&j);
	} else {
		alert_text(x, a);
	}
	/* A memory stream may end well and lack what found no room. */
	rows->failed |= ferror(x->out) != 0;
	rows->failed |= fclose(x->out) != 0 || r->len == 0;
	x->out = out;
	rows->n++;
}

/* The latest first; of the same moment, what came later. */
static int
by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->us != y->us) {
		return x->us < y->us ? 1 : -1;
	}
	return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

static enum err
put_by_time(struct ctl *c, size_t *n)
{
	struct rows rows = { .c = c };
	enum err e = ERR_NOMEM;

	rows.v = calloc(c->limit, sizeof(*rows.v));
	if (rows.v != NULL) {
		e = store_read_alerts(c->store, &c->filter, c->limit, keep_row,
				      &rows);
	}
	e = e == ERR_OK && rows.failed ? ERR_NOMEM : e;
	if (e == ERR_OK && rows.n > 1) {
		qsort(rows.v, rows.n, sizeof(*rows.v), by_time);
	}
	for (size_t i = 0; i < rows.n; i++) {
		struct view v = view_of(rows.v[i].text, rows.v[i].len);

		if (e == ERR_OK && c->json) {
			json_raw(&c->j, NULL, v);
		} else if (e == ERR_OK) {
			fwrite(v.p, 1, v.len, c->text.out);
		}
		free(rows.v[i].text);
	}
	*n = rows.n;
	free(rows.v);
	return e;
}

struct counted {
	struct ctl *c;
	size_t n;
};

static void
put_counted(void *arg, const struct store_alert *a)
{
	struct counted *o = arg;

	o->n++;
	put_alert(o->c, a);
}

static enum err
put_all(struct ctl *c, size_t *n)
{
	struct counted o = { .c = c };
	enum err e = c->by_time ? put_by_time(c, &o.n)
				: store_read_alerts(c->store, &c->filter,
						    c->limit, put_counted, &o);

	*n = o.n;
	return e;
}

enum err
ctl_alerts(struct ctl *c)
{
	size_t n;
	enum err e;

	if (!c->json) {
		e = put_all(c, &n);
		if (e == ERR_OK && n == 0) {
			fputs(word(c->text.lang, "no alerts\n"), c->text.out);
		}
		return e;
	}
	json_obj(&c->j, NULL);
	json_arr(&c->j, "alerts");
	e = put_all(c, &n);
	json_arr_end(&c->j);
	json_obj_end(&c->j);
	return e == ERR_OK ? ctl_flush_json(c) : e;
}
