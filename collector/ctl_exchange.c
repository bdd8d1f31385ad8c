/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_exchange.h"

#include <inttypes.h>

#include "collector/exchange_json.h"
#include "collector/exchange_out_store.h"

struct answer {
	struct ctl *c;
	unsigned n;
};

static void
put_line(void *arg, const char *party, const struct exchange_state *s)
{
	struct answer *a = arg;
	struct ctl_text *x = &a->c->text;
	bool down = s->down_us != 0;

	a->n++;
	ctl_column(x, 12, party);
	fputs(down ? ctl_sgr(x, "31;1") : "", x->out);
	ctl_column(x, 5, down ? "down" : "up");
	fputs(down ? ctl_sgr(x, "0") : "", x->out);
	fprintf(x->out,
		"%8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %9" PRIu64
		" %9" PRIu64 "  %s\n",
		s->seq, s->sent, s->acked, s->waiting, s->objects, s->held,
		ctl_time(x, s->acked_us));
	if (down) {
		fprintf(x->out, "  since %s: %s\n", ctl_time(x, s->down_us),
			ctl_clean(x, s->error));
	} else if (s->error[0] != '\0') {
		fprintf(x->out, "  last trouble: %s\n", ctl_clean(x, s->error));
	}
}

enum err
ctl_share_status(struct ctl *c)
{
	struct answer a = { .c = c };
	struct ctl_text *x = &c->text;
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		e = exchange_json(c->store, &c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	fprintf(x->out, "%s%-12s %-5s %8s %8s %8s %8s %9s %9s  %s%s\n",
		ctl_sgr(x, "1"), "PARTNER", "LINK", "MADE", "SENT", "ACKED",
		"WAITING", "OBJECTS", "HELD", "ACKED AT", ctl_sgr(x, "0"));
	e = exchange_out_list(c->store, put_line, &a);
	if (e == ERR_OK && a.n == 0) {
		fputs("nothing is exchanged: exchange.partners names nobody\n",
		      x->out);
	}
	return e;
}
