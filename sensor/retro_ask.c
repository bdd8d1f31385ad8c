/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/retro_ask.h"

#include <errno.h>

#include "common/clock.h"
#include "common/indicator_value.h"
#include "common/proto.h"
#include "sensor/retro_answer.h"

struct asking {
	struct retro_index *index;
	FILE *out;
	bool json;
	bool *seen;
	struct json j;
};

static void
print_text(struct asking *a, const struct indicator *i,
	   const struct retro_past *p)
{
	const struct retro_entry *e = &p->example;
	char first[40], last[40], src[ADDR_TEXT_CAP], dst[ADDR_TEXT_CAP],
		num[4], hosts[60] = "";

	if (retro_answer_hosts(p) != 0) {
		snprintf(hosts, sizeof(hosts),
			 ", about %u hosts of ours in a week",
			 host_bits_count(retro_answer_hosts(p)));
	}
	clock_iso(p->first_s * US_PER_S, first);
	clock_iso(p->last_s * US_PER_S, last);
	addr_format(&e->src, src);
	addr_format(&e->dst, dst);
	fprintf(a->out,
		"%s %s: first %.19sZ, last %.19sZ, %s%llu times%s; %s to "
		"%s port %u %s\n",
		indicator_kind_name(i->kind), i->value, first, last,
		p->cut ? "at least " : "",
		(unsigned long long)MAX(p->count, (uint64_t)1), hosts, src, dst,
		e->port, ip_proto_name(e->proto, num));
}

static void
print_json(struct asking *a, const struct indicator *i,
	   const struct retro_past *p)
{
	const struct retro_entry *e = &p->example;
	char num[4];

	json_reset(&a->j);
	json_obj(&a->j, NULL);
	json_name(&a->j, "type", indicator_kind_name(i->kind));
	json_cstr(&a->j, "value", i->value);
	retro_answer_past(&a->j, "past", p);
	json_addr(&a->j, "src_ip", &e->src);
	json_addr(&a->j, "dest_ip", &e->dst);
	json_u64(&a->j, "dest_port", e->port);
	json_name(&a->j, "proto", ip_proto_name(e->proto, num));
	json_obj_end(&a->j);
	fprintf(a->out, "%.*s\n", (int)a->j.len, a->j.p);
}

/* False: 'v' has not the form of this kind. */
static bool
ask_as(struct asking *a, enum indicator_kind k, struct view v, struct diag *d)
{
	char value[INDICATOR_VALUE_CAP];
	struct indicator i = { .kind = k,
			       .value = value,
			       .id = "",
			       .source = "",
			       .created_by = "",
			       .description = "",
			       .labels = "",
			       .tactic = "",
			       .kill_chain = "" };
	struct retro_past p;
	size_t len;

	if (k == INDICATOR_PATTERN ||
	    indicator_value_canon(k, false, v, value, &len, d) != ERR_OK) {
		return false;
	}
	if (retro_answer_find(a->index, &i, &p) && p.found) {
		*a->seen = true;
		(a->json ? print_json : print_text)(a, &i, &p);
	}
	return true;
}

/* The kinds that a value without a word before it may be of. */
static bool
goes_without_word(enum indicator_kind k, struct view v)
{
	switch (k) {
	case INDICATOR_URL:
		return memchr(v.p, '/', v.len) != NULL;
	case INDICATOR_USER_AGENT: /* which any text is */
	case INDICATOR_PATTERN:
	case INDICATOR_KINDS:
		return false;
	default:
		return true;
	}
}

static enum err
ask_value(struct asking *a, const char *text, struct diag *d)
{
	struct view v = view_cstr(text);
	const char *colon = strchr(text, ':');
	enum indicator_kind k;
	bool any = false;

	if (colon != NULL &&
	    indicator_kind_read(view_of(text, (size_t)(colon - text)), &k)) {
		v = view_sub(v, (size_t)(colon - text) + 1, v.len);
		return ask_as(a, k, v, d) ? ERR_OK : ERR_USAGE;
	}
	for (unsigned i = 0; i < INDICATOR_KINDS; i++) {
		k = (enum indicator_kind)i;
		if (goes_without_word(k, v)) {
			any = ask_as(a, k, v, NULL) || any;
		}
	}
	if (!any) {
		return diag_set(d, ERR_USAGE,
				"--retro-ask %s: no value of any kind; "
				"user-agent:TEXT asks for a user agent",
				text);
	}
	return ERR_OK;
}

enum err
retro_ask_values(const char *dir, const char *const *v, size_t n, bool as_json,
		 FILE *out, bool *seen, struct diag *d)
{
	struct asking a = { .out = out, .json = as_json, .seen = seen };
	enum err e = retro_index_open_read(&a.index, dir, d);

	*seen = false;
	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		e = ask_value(&a, v[i], d);
	}
	if (e == ERR_OK && (fflush(out) != 0 || ferror(out))) {
		e = diag_set(d, ERR_IO, "cannot write: %s", strerror(errno));
	}
	retro_index_close(a.index);
	json_fini(&a.j);
	return e;
}
