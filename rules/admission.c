/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/admission.h"

#include <stdarg.h>
#include <stdlib.h>

#include "rules/admission_survey.h"

#define EITHER 3 /* 'arg' of facts that have two sides */

/* Room for one note more, or NULL. */
static struct admission_note *
note_room(struct survey *s)
{
	struct admission *a = s->a;

	if (a->n_notes == s->cap_notes) {
		uint32_t cap = s->cap_notes == 0 ? 64 : s->cap_notes * 2;
		struct admission_note *v = realloc(a->notes, cap * sizeof(*v));

		if (v == NULL) {
			s->failed = true;
			return NULL;
		}
		a->notes = v;
		s->cap_notes = cap;
	}
	return &a->notes[a->n_notes];
}

static void
note_text(struct survey *s, struct admission_note *n, const char *text)
{
	n->text = strdup(text);
	if (n->text == NULL) {
		s->failed = true;
		return;
	}
	s->a->n_notes++;
	s->a->n_never += n->kind == ADMISSION_NEVER;
}

void
admission_note(struct survey *s, const struct rule *rule,
	       enum admission_kind kind, const char *fmt, ...)
{
	struct admission_note *n = note_room(s);
	char text[256];
	va_list ap;

	if (n == NULL) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*n = (struct admission_note){ .rule = rule,
				      .kind = kind,
				      .file = rule->file,
				      .line = rule->line };
	note_text(s, n, text);
}

void
admission_note_line(struct survey *s, const struct unmet_line *line)
{
	struct admission_note *n = note_room(s);
	char text[160];

	if (n == NULL) {
		return;
	}
	*n = (struct admission_note){ .kind = ADMISSION_SUSPECT,
				      .file = line->file,
				      .line = line->line };
	snprintf(text, sizeof(text),
		 "no loaded rule has gen_id %llu and sig_id %llu: the line "
		 "does nothing",
		 (unsigned long long)line->gid, (unsigned long long)line->sid);
	note_text(s, n, text);
}

static void
mark_shared(struct survey *s, const struct rule_prog *p)
{
	for (uint16_t k = 0; k < p->n_shared; k++) {
		switch (p->shared[k].cmd) {
		case BIT_SET:
		case BIT_TOGGLE:
			survey_mark(s->set_shared, p->shared[k].id);
			break;
		case BIT_ISSET:
		case BIT_ISNOTSET:
			survey_mark(s->asked_shared, p->shared[k].id);
			break;
		default:
			break;
		}
	}
}

static void
mark_bits(struct survey *s)
{
	for (uint32_t i = 0; i < s->rs->n_progs; i++) {
		const struct rule_prog *p = s->rs->progs[i];

		mark_shared(s, p);
		for (uint16_t k = 0; k < p->n_bits_set; k++) {
			uint32_t id = p->bits_set[k].ids[0];

			if (p->bits_set[k].cmd != BIT_UNSET) {
				survey_mark(s->set_bits, id);
			}
		}
		for (uint16_t k = 0; k < p->n_bits; k++) {
			for (uint16_t n = 0; n < p->bits[k].n; n++) {
				survey_mark(s->asked_bits, p->bits[k].ids[n]);
			}
		}
	}
}

/* flowbits:isset of what no loaded rule sets. */
static void
look_at_bits(struct survey *s, const struct rule_prog *p)
{
	for (uint16_t k = 0; k < p->n_bits; k++) {
		const struct bit_op *b = &p->bits[k];
		bool any = b->cmd != BIT_ISSET;

		for (uint16_t n = 0; n < b->n; n++) {
			any = any || survey_has(s->set_bits, b->ids[n]);
		}
		if (!any) {
			admission_note(s, p->rule, ADMISSION_NEVER,
				       "flowbits: no loaded rule sets \"%s\"; "
				       "load the "
				       "rule that does, or leave this one out",
				       s->rs->env.flowbits.names[b->ids[0]]);
			return;
		}
	}
}

/* xbits or hostbits:isset of what no loaded rule sets. */
static void
look_at_shared(struct survey *s, const struct rule_prog *p)
{
	for (uint16_t k = 0; k < p->n_shared; k++) {
		if (p->shared[k].cmd == BIT_ISSET &&
		    !survey_has(s->set_shared, p->shared[k].id)) {
			admission_note(
				s, p->rule, ADMISSION_NEVER,
				"xbits, hostbits: no loaded rule sets \"%s\"; "
				"load the rule that does, or leave this one "
				"out",
				s->rs->env.sharedbits.names[p->shared[k].id]);
			return;
		}
	}
}

/* Does a match leave anything else behind? */
static bool
changes_more(const struct rule_prog *p)
{
	if (p->rule->bypass || p->rule->no_tx_log || p->rule->n_tags > 0 ||
	    p->store != STORE_NONE) {
		return true;
	}
	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];

		for (uint8_t k = 0; k < l->n_datasets; k++) {
			if (l->datasets[k].cmd == DATASET_SET ||
			    l->datasets[k].cmd == DATASET_UNSET) {
				return true;
			}
		}
		for (uint16_t k = 0; k < l->n_ops; k++) {
			if (l->ops[k].type == OP_PCRE &&
			    l->ops[k].pcre.n_captures > 0) {
				return true;
			}
		}
	}
	return false;
}

/* noalert, and nobody asks for what it sets. */
static void
look_at_silence(struct survey *s, const struct rule_prog *p)
{
	/* numbers, values and bits of a transaction are not followed */
	bool heard = !p->rule->noalert || p->rule->action == ACTION_PASS ||
		     p->n_ints > 0 || p->n_tx_bits > 0 || changes_more(p);

	for (uint16_t k = 0; k < p->n_bits_set; k++) {
		heard = heard ||
			survey_has(s->asked_bits, p->bits_set[k].ids[0]);
	}
	for (uint16_t k = 0; k < p->n_shared; k++) {
		heard = heard || survey_has(s->asked_shared, p->shared[k].id);
	}
	if (!heard) {
		admission_note(
			s, p->rule, ADMISSION_IDLE,
			"noalert, and no loaded rule asks for what it sets");
	}
}

/* The values that a test lets through, as far as one interval can say. */
static bool
interval(const struct test *t, uint64_t *lo, uint64_t *hi)
{
	*lo = 0;
	*hi = UINT64_MAX;
	if (t->negated || t->fact >= FACT_NUM ||
	    (t->fact >= FACT_FLOW_PKTS && t->arg == EITHER)) {
		return false; /* not one number, or not known to be */
	}
	switch (t->compare) {
	case CMP_EQ:
		*lo = *hi = t->a;
		return true;
	case CMP_LT:
		*hi = t->a > 0 ? t->a - 1 : 0;
		return true;
	case CMP_LE:
		*hi = t->a;
		return true;
	case CMP_GT:
		*lo = t->a < UINT64_MAX ? t->a + 1 : t->a;
		return true;
	case CMP_GE:
		*lo = t->a;
		return true;
	case CMP_IN:
		*lo = t->a + 1;
		*hi = t->b > 0 ? t->b - 1 : 0;
		return true;
	default:
		return false;
	}
}

/* Two tests of one number that leave no number over. */
static void
look_at_tests(struct survey *s, const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_tests; i++) {
		const struct test *x = &p->tests[i];
		uint64_t lo, hi;

		if (!interval(x, &lo, &hi)) {
			continue;
		}
		for (uint16_t k = 0; k <= i; k++) {
			const struct test *y = &p->tests[k];
			uint64_t lo2, hi2;

			if (y->fact != x->fact || y->arg != x->arg ||
			    !interval(y, &lo2, &hi2)) {
				continue;
			}
			if (MAX(lo, lo2) > MIN(hi, hi2)) {
				admission_note(
					s, p->rule, ADMISSION_NEVER,
					"two tests of the same number leave no "
					"value that passes both");
				return;
			}
		}
	}
}

/* Contents that are longer than the buffer may be. */
static void
look_at_list(struct survey *s, const struct rule_prog *p,
	     const struct rule_list *l)
{
	uint64_t least = 0, most = UINT64_MAX;

	for (uint16_t k = 0; k < l->n_ops; k++) {
		const struct op *op = &l->ops[k];

		if (op->type == OP_CONTENT && (op->flags & OPF_NEGATED) == 0) {
			least = MAX(least, (uint64_t)op->content.len);
		} else if (op->type == OP_BSIZE) {
			uint64_t lo, hi;
			struct test t = { .fact = FACT_TTL,
					  .compare = op->bsize.compare,
					  .a = op->bsize.a,
					  .b = op->bsize.b };

			if (interval(&t, &lo, &hi)) {
				most = MIN(most, hi);
				least = MAX(least, lo);
			}
		}
	}
	if (least > most) {
		admission_note(
			s, p->rule, ADMISSION_NEVER,
			"a content of %llu bytes in a buffer of at most %llu",
			(unsigned long long)least, (unsigned long long)most);
	}
}

static void
look_at_header(struct survey *s, const struct rule_prog *p)
{
	const struct range_set *const sets[] = { p->src, p->dst, p->sport,
						 p->dport };
	static const char *const what[] = { "source address",
					    "destination address",
					    "source port", "destination port" };
	char key[64];

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		if (sets[i] != NULL && sets[i]->n == 0) {
			admission_note(
				s, p->rule, ADMISSION_NEVER,
				"no %s is left over; look at its variables and "
				"exclamation marks",
				what[i]);
		}
	}
	if (p->app <= APP_FAILED || s->conf == NULL) {
		return;
	}
	snprintf(key, sizeof(key), "app-layer.protocols.%s.enabled",
		 app_proto_name((enum app_proto)p->app));
	if (!conf_bool(s->conf, key, true)) {
		admission_note(s, p->rule, ADMISSION_NEVER,
			       "protocol %s is switched off by %s",
			       app_proto_name((enum app_proto)p->app), key);
	}
}

static void
look_at_suppression(struct survey *s, const struct rule_prog *p)
{
	for (const struct suppress *x = p->suppress; x != NULL; x = x->next) {
		if (x->by == SUPPRESS_ALL ||
		    (x->addrs == NULL && x->by == SUPPRESS_EITHER)) {
			admission_note(
				s, p->rule, ADMISSION_IDLE,
				"the threshold file suppresses all its alerts");
			return;
		}
	}
}

static void
count_form(struct admission_forms *f, const struct rule_prog *p)
{
	bool by_addr = p->kind == PROG_IPONLY && !p->both_ways &&
		       (addr_index_suits(p->src) || addr_index_suits(p->dst));

	if (p->fast_list >= 0) {
		f->whole += p->fast_form == FAST_WHOLE;
		f->suffix += p->fast_form == FAST_SUFFIX;
		f->literal += p->fast_form == FAST_SCAN;
	} else if (by_addr) {
		f->address++;
	} else {
		f->bare++;
	}
}

/* Keeps the dearest ones, dearest first. */
static void
rank(struct admission *a, const struct rule_prog *p)
{
	double cost = admission_cost(p);
	uint32_t i = a->n_slow;

	if (i == ADMISSION_SLOWEST) {
		if (cost <= a->slow[--i].cost) {
			return;
		}
	} else {
		a->n_slow++;
	}
	for (; i > 0 && a->slow[i - 1].cost < cost; i--) {
		a->slow[i] = a->slow[i - 1];
	}
	a->slow[i] = (struct admission_slow){ p->rule, cost };
}

static void
count_technique(struct survey *s, struct view id, bool loaded)
{
	struct admission *a = s->a;
	struct admission_technique *t = NULL;

	if (id.len == 0 || id.len >= sizeof(t->id)) {
		return;
	}
	for (uint32_t i = 0; i < a->n_techniques && t == NULL; i++) {
		if (view_eq(view_cstr(a->techniques[i].id), id)) {
			t = &a->techniques[i];
		}
	}
	if (t == NULL) {
		if (a->n_techniques == s->cap_techniques) {
			uint32_t cap = s->cap_techniques == 0
					       ? 64
					       : s->cap_techniques * 2;

			t = realloc(a->techniques, cap * sizeof(*t));
			if (t == NULL) {
				s->failed = true;
				return;
			}
			a->techniques = t;
			s->cap_techniques = cap;
		}
		t = &a->techniques[a->n_techniques++];
		*t = (struct admission_technique){ .loaded = 0 };
		memcpy(t->id, id.p, id.len);
	}
	t->loaded += loaded;
	t->lost += !loaded;
}

static int
by_id(const void *a, const void *b)
{
	const struct admission_technique *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static void
count_techniques(struct survey *s)
{
	for (uint32_t i = 0; i < s->rs->n_rules; i++) {
		const struct rule *r = s->rs->rules[i];

		for (uint32_t k = 0; k < r->n_metadata; k++) {
			if (strcmp(r->metadata[k].key, "mitre_technique_id") ==
			    0) {
				count_technique(s,
						view_cstr(r->metadata[k].value),
						true);
			}
		}
	}
	for (uint32_t i = 0; i < s->rs->report.n_problems; i++) {
		const struct rule_problem *p = &s->rs->report.problems[i];

		if (!p->skipped) {
			count_technique(s, view_cstr(p->technique), false);
		}
	}
	if (s->a->n_techniques > 0) {
		qsort(s->a->techniques, s->a->n_techniques,
		      sizeof(s->a->techniques[0]), by_id);
	}
}

static void
look_at_all(struct survey *s)
{
	for (uint32_t i = 0; i < s->rs->n_rules; i++) {
		const struct rule_prog *p = s->rs->rules[i]->prog;

		count_form(&s->a->forms, p);
		rank(s->a, p);
		look_at_header(s, p);
		look_at_bits(s, p);
		look_at_shared(s, p);
		look_at_silence(s, p);
		look_at_tests(s, p);
		look_at_suppression(s, p);
		for (uint16_t k = 0; k < p->n_lists; k++) {
			look_at_list(s, p, &p->lists[k]);
		}
	}
}

struct admission *
admission_new(const struct ruleset *rs, const struct conf *conf)
{
	struct admission *a = calloc(1, sizeof(*a));
	size_t words = rs->env.flowbits.n / 64 + 1;
	size_t more = rs->env.sharedbits.n / 64 + 1;
	struct survey s = { .a = a, .rs = rs, .conf = conf };

	s.set_bits = calloc(words, sizeof(uint64_t));
	s.asked_bits = calloc(words, sizeof(uint64_t));
	s.set_shared = calloc(more, sizeof(uint64_t));
	s.asked_shared = calloc(more, sizeof(uint64_t));
	if (a == NULL || s.set_bits == NULL || s.asked_bits == NULL ||
	    s.set_shared == NULL || s.asked_shared == NULL) {
		s.failed = true;
	} else {
		mark_bits(&s);
		look_at_all(&s);
		admission_look_at_names(&s);
		count_techniques(&s);
	}
	free(s.set_bits);
	free(s.asked_bits);
	free(s.set_shared);
	free(s.asked_shared);
	if (s.failed) {
		admission_free(a);
		return NULL;
	}
	return a;
}

void
admission_free(struct admission *a)
{
	if (a == NULL) {
		return;
	}
	for (uint32_t i = 0; i < a->n_notes; i++) {
		free(a->notes[i].text);
	}
	free(a->notes);
	free(a->techniques);
	free(a);
}

enum err
ruleset_admit(const struct ruleset *rs, const struct conf *conf, bool strict,
	      struct diag *d)
{
	const struct ruleset_report *r = ruleset_report(rs);
	uint64_t percent =
		conf != NULL
			? conf_u64(conf, "rules.min-load-percent", 0, 0, 100)
			: 0;
	uint64_t all = (uint64_t)r->loaded + r->failed;

	for (uint32_t i = 0; i < r->n_problems; i++) {
		if (r->problems[i].kind == PROBLEM_FILE) {
			return diag_set(d, ERR_IO, "%.400s%s",
					r->problems[i].reason,
					r->unread > 1 ? ", and others" : "");
		}
	}
	if (strict && r->failed == 0 && r->refused > 0) {
		return diag_set(d, ERR_FORMAT,
				"%u lines of threshold or reputation files "
				"were refused and --strict is set; mend or "
				"remove them",
				r->refused);
	}
	if (strict && r->failed > 0) {
		return diag_set(d, ERR_FORMAT,
				"%u rules did not load and --strict is set; "
				"mend or remove them",
				r->failed);
	}
	if (r->failed > 0 && r->loaded * UINT64_C(100) < percent * all) {
		return diag_set(d, ERR_FORMAT,
				"only %u of %u rules loaded, less than the "
				"%u %% of rules.min-load-percent; --check "
				"says why",
				r->loaded, (unsigned)all, (unsigned)percent);
	}
	/* Now, not when what was gathered would be lost. */
	for (const struct dataset *set = rs->datasets.first; set != NULL;
	     set = set->next) {
		enum err e =
			set->save != NULL ? dataset_can_write(set, d) : ERR_OK;

		if (e != ERR_OK) {
			return e;
		}
	}
	return ERR_OK;
}
