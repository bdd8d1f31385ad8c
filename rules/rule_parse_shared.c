/* SPDX-License-Identifier: Apache-2.0 */
/* xbits, hostbits, dataset, datarep: what a rule asks beyond one flow. */
#include "rules/rule_draft.h"

#define XBITS_EXPIRE_S 30 /* unless the rule says */
#define HOSTBITS_EXPIRE_S 300

static const struct {
	const char *word;
	enum bit_cmd cmd;
} bit_words[] = { { "isset", BIT_ISSET },
		  { "isnotset", BIT_ISNOTSET },
		  { "set", BIT_SET },
		  { "unset", BIT_UNSET },
		  { "toggle", BIT_TOGGLE } };

static enum err
bit_command(struct rule_draft *r, const struct keyword *w, struct view word,
	    uint8_t *cmd)
{
	for (size_t i = 0; i < ARRAY_LEN(bit_words); i++) {
		if (text_is(word, bit_words[i].word)) {
			*cmd = (uint8_t)bit_words[i].cmd;
			return ERR_OK;
		}
	}
	return diag_set(r->d, ERR_FORMAT, "%s: unknown command \"%.*s\"",
			w->name, TEXT_ARG(word));
}

static enum err
bit_name(struct rule_draft *r, const struct keyword *w, struct view name,
	 struct name_table *t, uint32_t *id)
{
	for (size_t i = 0; i < name.len; i++) {
		if (text_is_space(name.p[i])) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: a name has no spaces: \"%.*s\"",
					w->name, TEXT_ARG(name));
		}
	}
	if (name.len == 0) {
		return diag_set(r->d, ERR_FORMAT, "%s: no name", w->name);
	}
	return name_table_add(t, name, id) ? ERR_OK : draft_nomem(r);
}

static enum err
add_shared(struct rule_draft *r, const struct keyword *w,
	   const struct shared_bit_op *op)
{
	if (r->prog.n_shared == RULE_MAX_BITS) {
		return diag_set(r->d, ERR_LIMIT, "more than %d %s",
				RULE_MAX_BITS, w->name);
	}
	r->shared[r->prog.n_shared++] = *op;
	return ERR_OK;
}

/* xbits:COMMAND,NAME,track tx */
static enum err
add_tx_bit(struct rule_draft *r, const struct keyword *w, uint8_t cmd,
	   struct view name)
{
	struct bit_op op = { .cmd = cmd, .n = 1 };
	uint32_t id = 0;
	enum err e;

	if (cmd != BIT_SET && cmd != BIT_ISSET) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: track tx goes with set and isset",
				w->name);
	}
	e = bit_name(r, w, name, &r->env->txbits, &id);
	if (e != ERR_OK) {
		return e;
	}
	if (id >= RULE_MAX_TX_BITS || r->prog.n_tx_bits == RULE_MAX_BITS) {
		return diag_set(r->d, ERR_LIMIT,
				"%s: more than %d names of transactions' bits "
				"in all, or %d in a rule",
				w->name, RULE_MAX_TX_BITS, RULE_MAX_BITS);
	}
	op.ids = draft_copy(r, &id, sizeof(id));
	if (op.ids == NULL) {
		return ERR_NOMEM;
	}
	r->tx_bits[r->prog.n_tx_bits++] = op;
	r->tx_only = true;
	return ERR_OK;
}

/* "track ip_src", "expire 60" */
static enum err
xbits_part(struct rule_draft *r, const struct keyword *w, struct view part,
	   struct shared_bit_op *op, bool *track, bool *tx)
{
	static const char *const tracks[] = { "ip_src", "ip_dst", "ip_pair" };
	struct view word = VIEW_NONE, v;
	uint64_t n;

	text_next_word(&part, &word);
	v = text_trim(part);
	if (text_is(word, "track") && !*track) {
		*tx = text_is(v, "tx");
		*track = *tx;
		for (size_t i = 0; i < ARRAY_LEN(tracks); i++) {
			if (text_is(v, tracks[i])) {
				op->track = (uint8_t)i;
				*track = true;
			}
		}
		if (*track) {
			return ERR_OK;
		}
	}
	if (text_is(word, "expire") && text_u64(v, &n) && n > 0 &&
	    n <= UINT32_MAX) {
		op->expire_s = (uint32_t)n;
		return ERR_OK;
	}
	return diag_set(r->d, ERR_FORMAT,
			"%s: \"%.*s %.*s\" is not understood: track ip_src, "
			"ip_dst, ip_pair or tx; expire SECONDS, at least 1",
			w->name, TEXT_ARG(word), TEXT_ARG(v));
}

/* COMMAND,NAME,track WHAT[,expire SECONDS]; "noalert" alone */
enum err
parse_xbits(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct shared_bit_op op = { .expire_s = XBITS_EXPIRE_S };
	struct view cmd = VIEW_NONE, name = VIEW_NONE, part;
	bool track = false, tx = false;
	enum err e;

	value = text_unquote(value);
	text_next(&value, ',', &cmd);
	if (text_is(cmd, "noalert") && text_trim(value).len == 0) {
		r->rule->noalert = true;
		return ERR_OK;
	}
	text_next(&value, ',', &name);
	e = bit_command(r, w, cmd, &op.cmd);
	while (e == ERR_OK && text_next(&value, ',', &part)) {
		e = xbits_part(r, w, part, &op, &track, &tx);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!track) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: write COMMAND,NAME,track ip_src, ip_dst, "
				"ip_pair or tx",
				w->name);
	}
	if (tx) {
		return add_tx_bit(r, w, op.cmd, name);
	}
	e = bit_name(r, w, name, &r->env->sharedbits, &op.id);
	return e == ERR_OK ? add_shared(r, w, &op) : e;
}

/* COMMAND,NAME[,src|dst]; "noalert" alone */
enum err
parse_hostbits(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct shared_bit_op op = { .expire_s = HOSTBITS_EXPIRE_S };
	struct view cmd = VIEW_NONE, name = VIEW_NONE, side;
	enum err e;

	value = text_unquote(value);
	text_next(&value, ',', &cmd);
	if (text_is(cmd, "noalert") && text_trim(value).len == 0) {
		r->rule->noalert = true;
		return ERR_OK;
	}
	text_next(&value, ',', &name);
	side = text_trim(value);
	if (text_is(side, "dst")) {
		op.track = SHARED_DST;
	} else if (side.len > 0 && !text_is(side, "src")) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: \"%.*s\": the side is src or dst; for "
				"both write two %s",
				w->name, TEXT_ARG(side), w->name);
	}
	e = bit_command(r, w, cmd, &op.cmd);
	if (e == ERR_OK) {
		e = bit_name(r, w, name, &r->env->sharedbits, &op.id);
	}
	return e == ERR_OK ? add_shared(r, w, &op) : e;
}

static bool
sized(struct view v, uint64_t *out)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = { { "kib", 10 }, { "mib", 20 }, { "gib", 30 }, { "kb", 10 },
		      { "mb", 20 },  { "gb", 30 },  { "b", 0 } };

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t n = strlen(units[i].unit);

		if (v.len > n &&
		    text_is(view_of(v.p + v.len - n, n), units[i].unit)) {
			v = text_trim(view_of(v.p, v.len - n));
			if (!text_u64(v, out) ||
			    *out > UINT64_MAX >> units[i].shift) {
				return false;
			}
			*out <<= units[i].shift;
			return *out > 0;
		}
	}
	return text_u64(v, out) && *out > 0;
}

/* While one dataset or datarep is read. */
struct set_words {
	struct dataset_spec spec;
	struct dataset_op op;
	struct view context;
};

static bool
set_format(struct set_words *s, struct view v)
{
	static const struct {
		const char *word;
		enum dataset_format format;
	} words[] = { { "csv", DATASET_CSV },
		      { "json", DATASET_JSON },
		      { "ndjson", DATASET_NDJSON },
		      { "jsonline", DATASET_NDJSON } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(v, words[i].word)) {
			s->spec.format = words[i].format;
			return true;
		}
	}
	return false;
}

static bool
set_text(struct view *to, struct view v)
{
	bool first = to->len == 0;

	*to = v;
	return first && v.len > 0;
}

/* "load FILE" and so on; false when it is not understood. */
static bool
set_option(struct set_words *s, struct view part)
{
	struct dataset_spec *spec = &s->spec;
	struct view word = VIEW_NONE, v;

	text_next_word(&part, &word);
	v = text_trim(part);
	if (text_is(word, "type")) {
		spec->type = dataset_type_of(v);
		return spec->type != DATASET_NONE;
	}
	if (text_is(word, "load")) {
		return set_text(&spec->load, v);
	}
	if (text_is(word, "save")) {
		return set_text(&spec->save, v);
	}
	if (text_is(word, "state")) {
		return set_text(&spec->state, v);
	}
	if (text_is(word, "memcap")) {
		return sized(v, &spec->memcap);
	}
	if (text_is(word, "hashsize")) {
		return text_u64(v, &spec->hashsize) && spec->hashsize > 0;
	}
	if (s->op.cmd == DATASET_REP) {
		return false;
	}
	if (text_is(word, "format")) {
		return set_format(s, v);
	}
	if (text_is(word, "value_key")) {
		return set_text(&spec->value_key, v);
	}
	if (text_is(word, "array_key")) {
		return set_text(&spec->array_key, v);
	}
	if (text_is(word, "context_key") || text_is(word, "enrichment_key")) {
		return set_text(&s->context, v);
	}
	if (text_is(word, "remove_key")) {
		spec->remove_key = true;
		return v.len == 0;
	}
	if (text_is(word, "match")) {
		s->op.subdomain = text_is(v, "subdomain");
		return s->op.subdomain;
	}
	return false;
}

static enum err
check_json(struct rule_draft *r, const struct set_words *s)
{
	const struct dataset_spec *spec = &s->spec;

	if (spec->format == DATASET_CSV) {
		if (spec->value_key.len > 0 || spec->array_key.len > 0 ||
		    s->context.len > 0 || spec->remove_key) {
			return diag_set(r->d, ERR_FORMAT,
					"dataset: value_key, array_key, "
					"context_key and remove_key need "
					"format json or ndjson");
		}
		return ERR_OK;
	}
	if (s->op.cmd == DATASET_SET || s->op.cmd == DATASET_UNSET ||
	    spec->save.len > 0 || spec->state.len > 0) {
		return diag_set(r->d, ERR_FORMAT,
				"dataset: a set from JSON is only asked: "
				"isset or isnotset, and load");
	}
	if (spec->load.len == 0 || spec->value_key.len == 0 ||
	    s->context.len == 0) {
		return diag_set(r->d, ERR_FORMAT,
				"dataset: JSON needs load, value_key and "
				"context_key");
	}
	if (spec->array_key.len > 0 && spec->format == DATASET_NDJSON) {
		return diag_set(r->d, ERR_FORMAT,
				"dataset: array_key goes with format json");
	}
	return ERR_OK;
}

/* The key becomes a name in the alert, which is not escaped. */
static bool
plain_key(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];

		if (c <= ' ' || c >= 127 || c == '"' || c == '\\') {
			return false;
		}
	}
	return true;
}

static enum err
add_set(struct rule_draft *r, const struct keyword *w, struct set_words *s,
	struct view name)
{
	struct draft_list *l = draft_cur(r);
	enum err e;

	if (s->spec.state.len > 0 &&
	    (s->spec.load.len > 0 || s->spec.save.len > 0)) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: state stands for load and save: leave "
				"them out",
				w->name);
	}
	e = check_json(r, s);
	if (e != ERR_OK) {
		return e;
	}
	if (!plain_key(s->context)) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: context_key \"%.*s\" is not a plain name",
				w->name, TEXT_ARG(s->context));
	}
	if (l->word == NULL) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: goes behind a sticky buffer", w->name);
	}
	if (l->n_datasets == RULE_MAX_DATASETS) {
		return diag_set(r->d, ERR_LIMIT,
				"more than %d datasets of one buffer",
				RULE_MAX_DATASETS);
	}
	e = dataset_declare(r->env->datasets, name, &s->spec, r->env->rule_dir,
			    &s->op.set, r->d);
	if (e != ERR_OK) {
		return e;
	}
	if (s->context.len > 0) {
		s->op.context = draft_text(r, s->context);
		if (s->op.context == NULL) {
			return ERR_NOMEM;
		}
	}
	if (s->op.subdomain && s->op.set->type != DATASET_STRING) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: match subdomain needs type string",
				w->name);
	}
	if ((s->op.cmd == DATASET_SET || s->op.cmd == DATASET_UNSET) &&
	    s->op.set->format != DATASET_CSV) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: a set from JSON is only asked", w->name);
	}
	r->latest = r->cur;
	l->datasets[l->n_datasets++] = s->op;
	return ERR_OK;
}

static enum err
read_options(struct rule_draft *r, const struct keyword *w, struct set_words *s,
	     struct view value)
{
	struct view part;

	while (text_next(&value, ',', &part)) {
		if (!set_option(s, part)) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: \"%.*s\" is not understood, or "
					"stands twice",
					w->name, TEXT_ARG(part));
		}
	}
	return ERR_OK;
}

/* COMMAND,NAME[,type T][,load F]... */
enum err
parse_dataset(struct rule_draft *r, const struct keyword *w, struct view value)
{
	static const struct {
		const char *word;
		enum dataset_cmd cmd;
	} words[] = { { "isset", DATASET_ISSET },
		      { "isnotset", DATASET_ISNOTSET },
		      { "set", DATASET_SET },
		      { "unset", DATASET_UNSET } };
	struct view cmd = VIEW_NONE, name = VIEW_NONE;
	struct set_words s = { .op = { .cmd = 255 } };
	enum err e;

	value = text_unquote(value);
	text_next(&value, ',', &cmd);
	text_next(&value, ',', &name);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(cmd, words[i].word)) {
			s.op.cmd = (uint8_t)words[i].cmd;
		}
	}
	if (s.op.cmd == 255) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: unknown command \"%.*s\": set, unset, "
				"isset or isnotset",
				w->name, TEXT_ARG(cmd));
	}
	e = read_options(r, w, &s, value);
	return e == ERR_OK ? add_set(r, w, &s, name) : e;
}

/* NAME,OPERATOR,VALUE[,load F][,type T]... */
enum err
parse_datarep(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view name = VIEW_NONE, sign = VIEW_NONE, number = VIEW_NONE;
	struct set_words s = { .spec = { .rep = true },
			       .op = { .cmd = DATASET_REP } };
	uint64_t n;
	enum err e;

	value = text_unquote(value);
	text_next(&value, ',', &name);
	text_next(&value, ',', &sign);
	text_next(&value, ',', &number);
	s.op.compare = text_is(sign, "<")    ? '<'
		       : text_is(sign, ">")  ? '>'
		       : text_is(sign, "==") ? '='
					     : 0;
	if (s.op.compare == 0 || !text_u64(number, &n) || n > UINT16_MAX) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: write NAME,OPERATOR,VALUE with <, > or "
				"== and 0 to 65535",
				w->name);
	}
	s.op.rep = (uint16_t)n;
	e = read_options(r, w, &s, value);
	return e == ERR_OK ? add_set(r, w, &s, name) : e;
}
