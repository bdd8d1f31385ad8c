/* SPDX-License-Identifier: Apache-2.0 */
/* Names that no rule, file or setting gives a meaning. */
#include <stdio.h>
#include <stdlib.h>

#include "rules/admission_survey.h"

/* What loaded rules leave behind, by number of the name. */
struct left {
	uint64_t *ints;
	uint64_t *notes[2]; /* by enum note_kind: NOTE_FLOW, NOTE_PKT */
	bool keeps_files;
};

static void
mark_captures(struct left *m, const struct rule_list *l)
{
	for (uint16_t k = 0; k < l->n_ops; k++) {
		const struct op *op = &l->ops[k];

		if (op->type == OP_BASE64 && op->base64.data != NULL) {
			const struct rule_list *in = op->base64.data;

			/* decoded bytes are not decoded again */
			for (uint16_t i = 0; in != l && i < in->n_ops; i++) {
				const struct rule_list one = {
					.n_ops = in->ops[i].type == OP_PCRE,
					.ops = &in->ops[i]
				};

				if (one.n_ops > 0) {
					mark_captures(m, &one);
				}
			}
		}
		for (uint8_t c = 0;
		     op->type == OP_PCRE && c < op->pcre.n_captures; c++) {
			const struct capture *g = &op->pcre.captures[c];

			if (g->key_group == 0 &&
			    g->kind < ARRAY_LEN(m->notes)) {
				survey_mark(m->notes[g->kind], g->name);
			}
		}
	}
}

static void
mark_left(struct left *m, const struct rule_prog *p)
{
	for (uint16_t k = 0; k < p->n_ints; k++) {
		survey_mark(m->ints, p->ints[k].var);
	}
	for (uint16_t k = 0; k < p->n_lists; k++) {
		mark_captures(m, &p->lists[k]);
	}
}

/* flowvar, pktvar and flowint of what nothing gives a value. */
static void
look_at_values(struct survey *s, const struct left *m,
	       const struct rule_prog *p)
{
	const char *const *ints = s->rs->env.flowints.names;

	for (uint16_t k = 0; k < p->n_tests; k++) {
		const struct test *t = &p->tests[k];

		if (t->fact == FACT_NOTE && t->arg < ARRAY_LEN(m->notes) &&
		    !survey_has(m->notes[t->arg], (uint32_t)t->a)) {
			admission_note(
				s, p->rule, ADMISSION_NEVER,
				"%s: no pcre of a loaded rule captures \"%s\"",
				t->arg == NOTE_FLOW ? "flowvar" : "pktvar",
				s->rs->env.notes.names[t->a]);
		} else if ((t->fact == FACT_FLOWINT_ISSET ||
			    t->fact == FACT_FLOWINT) &&
			   !survey_has(m->ints, t->arg)) {
			admission_note(s, p->rule, ADMISSION_NEVER,
				       "flowint: no loaded rule sets \"%s\"",
				       ints[t->arg]);
		} else if (t->fact == FACT_FLOWINT && t->negated &&
			   !survey_has(m->ints, (uint32_t)t->b)) {
			admission_note(s, p->rule, ADMISSION_NEVER,
				       "flowint: no loaded rule sets \"%s\"",
				       ints[t->b]);
		}
	}
}

/* Sets that are asked for values and have none, now and later. */
static void
look_at_datasets(struct survey *s, const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];

		for (uint8_t k = 0; k < l->n_datasets; k++) {
			const struct dataset_op *op = &l->datasets[k];

			if ((op->cmd == DATASET_ISSET ||
			     op->cmd == DATASET_REP) &&
			    op->set->table.n == 0 && !op->set->changes &&
			    !op->set->inherited) {
				admission_note(
					s, p->rule, ADMISSION_NEVER,
					"dataset: \"%s\" is empty: no file "
					"fills it and no loaded rule sets "
					"values in it",
					op->set->name);
			}
		}
	}
}

/* What an alert would say of its rule. */
static void
look_at_words(struct survey *s, const struct rule *r)
{
	if (r->classtype != NULL && r->category[0] == '\0') {
		admission_note(s, r, ADMISSION_SUSPECT,
			       "classtype: \"%.60s\" is neither built in nor "
			       "in the classification-file: its alerts have no "
			       "category",
			       r->classtype);
	}
	for (uint32_t i = 0; i < r->n_references; i++) {
		struct view kind = view_cstr(r->references[i]);
		struct view link = view_cstr(r->links[i]);

		kind = text_trim(view_sub(kind, 0, text_find(kind, ',')));
		/* a kind that is known is replaced by its prefix */
		if (link.len > kind.len && link.p[kind.len] == ',' &&
		    view_eq(view_sub(link, 0, kind.len), kind)) {
			admission_note(s, r, ADMISSION_SUSPECT,
				       "reference: kind \"%.*s\" is neither "
				       "built in nor in the "
				       "reference-config-file: it has no link",
				       (int)MIN(kind.len, (size_t)60),
				       (const char *)kind.p);
		}
	}
}

struct store_setting {
	const struct conf *conf;
	bool on;
};

/* file-store.enabled, wherever Suricata's settings have it. */
static void
on_setting(void *arg, const char *key, const char *value)
{
	static const char name[] = "file-store.enabled";
	struct store_setting *w = arg;
	size_t n = strlen(key), k = strlen(name);

	(void)value;
	if (n >= k && strcmp(key + n - k, name) == 0 &&
	    (n == k || key[n - k - 1] == '.')) {
		w->on = conf_bool(w->conf, key, false);
	}
}

static bool
keeps_files(const struct conf *conf)
{
	struct store_setting w = { .conf = conf };

	if (conf != NULL) {
		conf_each(conf, "outputs", on_setting, &w);
		conf_each(conf, "file-store", on_setting, &w);
	}
	return w.on;
}

static void
look_at_all(struct survey *s, struct left *m)
{
	for (uint32_t i = 0; i < s->rs->n_progs; i++) {
		mark_left(m, s->rs->progs[i]);
	}
	for (uint32_t i = 0; i < s->rs->n_rules; i++) {
		const struct rule_prog *p = s->rs->rules[i]->prog;

		look_at_values(s, m, p);
		look_at_datasets(s, p);
		look_at_words(s, p->rule);
		if (p->store != STORE_NONE && !m->keeps_files) {
			admission_note(s, p->rule, ADMISSION_SUSPECT,
				       "filestore: file-store.enabled is off: "
				       "nothing will be kept");
		}
	}
	for (const struct unmet_line *u = s->rs->unmet; u != NULL;
	     u = u->next) {
		admission_note_line(s, u);
	}
}

void
admission_look_at_names(struct survey *s)
{
	size_t ints = s->rs->env.flowints.n / 64 + 1;
	size_t notes = s->rs->env.notes.n / 64 + 1;
	struct left m = {
		.ints = calloc(ints, sizeof(uint64_t)),
		.notes = { calloc(notes, sizeof(uint64_t)),
			   calloc(notes, sizeof(uint64_t)) },
		.keeps_files = keeps_files(s->conf),
	};

	if (m.ints == NULL || m.notes[0] == NULL || m.notes[1] == NULL) {
		s->failed = true;
	} else {
		look_at_all(s, &m);
	}
	free(m.ints);
	free(m.notes[0]);
	free(m.notes[1]);
}
