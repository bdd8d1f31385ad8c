/* SPDX-License-Identifier: Apache-2.0 */
/* What was read, made ready for matching. */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "rules/ruleset_read.h"
#include "rules/threshold_file.h"

/* The rules that stay, numbered in load order. */
static enum err
number_rules(struct ruleset *rs, struct diag *d)
{
	rs->rules = calloc(rs->n_entries + 1, sizeof(*rs->rules));
	if (rs->rules == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < rs->n_entries; i++) {
		if (!rs->entries[i].replaced) {
			rs->entries[i].rule->index = rs->n_rules;
			rs->rules[rs->n_rules++] = rs->entries[i].rule;
		}
	}
	rs->report.loaded = rs->n_rules;
	return ERR_OK;
}

static unsigned
file_needs_of(const struct rule_prog *p)
{
	unsigned needs = p->store != STORE_NONE ? RULES_NEED_STORE : 0;

	for (uint16_t i = 0; i < p->n_tests; i++) {
		if (p->tests[i].fact == FACT_FILE_DIGEST) {
			needs |= RULES_NEED_MD5 << p->tests[i].arg;
		}
	}
	for (uint16_t i = 0; i < p->n_lists; i++) {
		if (p->lists[i].buf == BUF_FILE_MAGIC) {
			needs |= RULES_NEED_MAGIC;
		}
	}
	return needs;
}

static void
note_needs(struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->n_progs; i++) {
		const struct rule_prog *p = rs->progs[i];

		rs->file_needs |= file_needs_of(p);
		for (uint16_t k = 0; k < p->n_lists; k++) {
			enum inspect_buf b = p->lists[k].buf;

			rs->needed[b / 64] |= UINT64_C(1) << (b % 64);
			if (b == BUF_PAYLOAD &&
			    (p->on_stream || p->kind == PROG_TX)) {
				rs->needed[0] |= UINT64_C(1) << BUF_STREAM;
				rs->needs_stream[0] = rs->needs_stream[0] ||
						      (p->dirs & 1) != 0;
				rs->needs_stream[1] = rs->needs_stream[1] ||
						      (p->dirs & 2) != 0;
			}
		}
	}
	if (rs->iocs != NULL) {
		uint64_t more[2] = { 0, 0 };

		ioc_set_needed(rs->iocs, more);
		rs->needed[0] |= more[0];
		rs->needed[1] |= more[1];
		rs->file_needs |= RULES_NEED_MD5 * ioc_set_digests(rs->iocs);
	}
}

static enum err
make_digest(struct ruleset *rs, struct diag *d)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t out[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char id[IOC_ID_CAP];
	bool good =
		ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	for (uint32_t i = 0; good && i < rs->n_rules; i++) {
		good = EVP_DigestUpdate(ctx, rs->rules[i]->text,
					strlen(rs->rules[i]->text) + 1) == 1;
	}
	for (uint32_t i = 0; good && i < ruleset_indicator_count(rs); i++) {
		ioc_id(ioc_set_at(rs->iocs, i), id, sizeof(id));
		good = EVP_DigestUpdate(ctx, id, strlen(id) + 1) == 1;
	}
	good = good && EVP_DigestFinal_ex(ctx, out, &n) == 1 && n == 32;
	EVP_MD_CTX_free(ctx);
	if (!good) {
		return diag_set(d, ERR_NOMEM, "SHA-256 failed");
	}
	for (unsigned i = 0; i < n; i++) {
		snprintf(rs->digest + i * 2, 3, "%02x", out[i]);
	}
	return ERR_OK;
}

enum err
ruleset_finish(struct ruleset_reading *l, const struct conf *conf)
{
	struct ruleset *rs = l->rs;
	struct diag *d = l->d;
	const char *thresholds =
		conf != NULL ? conf_get(conf, "threshold-file") : NULL;
	enum err e = ERR_OK;

	if (thresholds != NULL && thresholds[0] != '\0') {
		rs->env.vars = rule_vars_new(conf, &rs->arena);
		if (rs->env.vars == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
		e = threshold_file_apply(rs, thresholds, d);
	}
	if (e == ERR_OK) {
		e = ruleset_refuse_shared(rs, l->prev, d);
	}
	if (e == ERR_OK) {
		e = number_rules(rs, d);
	}
	if (e == ERR_OK) {
		e = ruleset_order(rs, conf, d);
	}
	if (e == ERR_OK) {
		ruleset_settle_shared(rs);
		e = ruleset_rest_shared(rs, d);
	}
	if (e == ERR_OK) {
		e = ruleset_inherit_uids(rs, l->prev, d);
	}
	if (e == ERR_OK) {
		e = rule_groups_build(&rs->groups,
				      l->prev != NULL ? &l->prev->groups : NULL,
				      rs->progs, rs->n_progs, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	note_needs(rs);
	return make_digest(rs, d);
}
