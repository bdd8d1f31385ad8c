/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_partner.h"

#include <inttypes.h>

#include "collector/partner_json.h"
#include "collector/severity.h"
#include "collector/store_partner.h"

struct answer {
	struct ctl *c;
	const char *party; /* that is asked for, or NULL */
	unsigned shown;
	bool known;
	enum err e;
};

/* ------------------------------------------------------------- all of them */

static void
put_count(void *arg, const char *name, uint64_t n, uint64_t at_us)
{
	struct ctl *c = arg;

	fprintf(c->text.out, "  %-28s %10" PRIu64 "  %s\n",
		ctl_clean(&c->text, name), n, ctl_time(&c->text, at_us));
}

static void
put_party(void *arg, const struct store_partner_row *r)
{
	struct answer *a = arg;
	struct ctl *c = a->c;
	struct ctl_text *x = &c->text;

	a->shown++;
	fprintf(x->out,
		"%s%s%s  %" PRIu64 " indicators, %" PRIu64
		" sightings, %" PRIu64 " incidents; bundle %" PRIu64
		" applied %s\n",
		ctl_sgr(x, "1"), ctl_clean(x, r->party), ctl_sgr(x, "0"),
		r->indicators, r->sightings, r->incidents, r->seq,
		ctl_time(x, r->at_us));
	if (a->e == ERR_OK) {
		a->e = store_partner_each_count(c->store->db, r->party,
						put_count, c);
	}
}

enum err
ctl_partners(struct ctl *c)
{
	struct answer a = { .c = c };
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		e = partner_json(c->store->db, &c->j, "partners");
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	e = store_partner_each(c->store->db, put_party, &a);
	e = e == ERR_OK ? a.e : e;
	if (e == ERR_OK && a.shown == 0) {
		fputs("nothing came from a partner yet\n", c->text.out);
	}
	return e;
}

/* --------------------------------------------------------------- of one */

static void
note_party(void *arg, const struct store_partner_row *r)
{
	struct answer *a = arg;

	a->known |= strcmp(r->party, a->party) == 0;
}

static void
put_line(struct ctl_text *x, const char *name, const char *text)
{
	if (text[0] != '\0') {
		fprintf(x->out, "  %-10s %s\n", name, ctl_clean(x, text));
	}
}

static void
put_incident(void *arg, const struct store_partner_incident *i)
{
	struct answer *a = arg;
	struct ctl_text *x = &a->c->text;

	a->shown++;
	fprintf(x->out, "%slevel %u %s%s, score %u: %s%s%s\n",
		ctl_level(x, i->level), i->level, severity_level_name(i->level),
		ctl_sgr(x, "0"), i->score, ctl_sgr(x, "1"),
		ctl_clean(x, i->title), ctl_sgr(x, "0"));
	put_line(x, "Exercise", i->exercise);
	put_line(x, "Lead", i->lead);
	put_line(x, "Support", i->support);
	put_line(x, "Missions", i->missions);
	put_line(x, "Sites", i->sites);
	put_line(x, "Stages", i->stages);
	put_line(x, "Marked", i->mark);
	fprintf(x->out, "  %-10s %" PRIu64 " alerts, %s to", "Seen", i->alerts,
		ctl_time(x, i->first_us));
	fprintf(x->out, " %s\n", ctl_time(x, i->last_us));
}

enum err
ctl_partner_show(struct ctl *c, const char *party, struct diag *d)
{
	struct answer a = { .c = c, .party = party };
	enum err e = store_partner_each(c->store->db, note_party, &a);

	if (e == ERR_OK && !a.known) {
		return diag_set(d, ERR_NOTFOUND,
				"nothing ever came from a partner %s",
				ctl_clean(&c->text, party));
	}
	if (c->json && e == ERR_OK) {
		json_obj(&c->j, NULL);
		e = partner_json_incidents(c->store->db, party, c->limit,
					   &c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	if (e == ERR_OK) {
		e = store_partner_each_incident(c->store->db, party, c->limit,
						put_incident, &a);
	}
	if (e == ERR_OK && a.shown == 0) {
		fputs("it told of no incident\n", c->text.out);
	}
	return e;
}
