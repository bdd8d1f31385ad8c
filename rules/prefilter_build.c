/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rules/prefilter.h"
#include "rules/prefilter_db.h"

#define ESCAPED_BYTE 4 /* "\xHH" */
/*
 * For block mode Hyperscan adds an automaton of all literals, for buffers of
 * at most 70 bytes.  With some hundred literals it took 140 MB and most of the
 * time of a load to build (966 literals of ET Open: 0.3 s, without 0.03 s),
 * for no gain that could be measured.  One expression that asks for its start
 * keeps it away: the anchored twin of a literal, which nobody listens to.
 */
#define ANCHOR_MIN 100 /* literals; fewer cost nothing */

/* hs_compile_multi() takes its patterns as parallel arrays. */
struct patterns {
	char *text; /* all escaped literals, each NUL-terminated */
	size_t n; /* literals, and the anchored one */
	const char **expr;
	unsigned int *flags, *ids;
};

static void
patterns_fini(struct patterns *pt)
{
	free(pt->text);
	free(pt->expr);
	free(pt->flags);
	free(pt->ids);
}

/*
 * Writes every byte as \xHH: Hyperscan's own literal calls treat NUL
 * differently from release to release, its regular expressions do not.
 */
static char *
escape(char *out, struct view bytes)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[bytes.p[i] >> 4];
		*out++ = hex[bytes.p[i] & 15];
	}
	*out++ = '\0';
	return out;
}

static void
set_pattern(struct patterns *pt, size_t i, char *text, unsigned int flags,
	    const struct prefilter_literal *lit)
{
	pt->expr[i] = text;
	pt->flags[i] = flags | (lit->nocase ? HS_FLAG_CASELESS : 0);
	pt->ids[i] = lit->id;
}

static enum err
patterns_init(struct patterns *pt, const struct prefilter_literal *lits,
	      size_t n, struct diag *d)
{
	const struct prefilter_literal *longest = &lits[0];
	size_t text = 0;
	char *at, *from;

	for (size_t i = 0; i < n; i++) {
		text += lits[i].bytes.len * ESCAPED_BYTE + 1;
		if (lits[i].bytes.len > longest->bytes.len) {
			longest = &lits[i];
		}
	}
	pt->n = n + (n >= ANCHOR_MIN);
	pt->text = malloc(text + 1 + longest->bytes.len * ESCAPED_BYTE + 1);
	pt->expr = calloc(pt->n, sizeof(*pt->expr));
	pt->flags = calloc(pt->n, sizeof(*pt->flags));
	pt->ids = calloc(pt->n, sizeof(*pt->ids));
	if (pt->text == NULL || pt->expr == NULL || pt->flags == NULL ||
	    pt->ids == NULL) {
		return diag_set(d, ERR_NOMEM,
				"no memory to compile %zu literals", n);
	}
	at = pt->text;
	for (size_t i = 0; i < n; i++) {
		/* Reporting each end of a literal costs many times more than
		 * reporting that it occurs. */
		from = at;
		at = escape(at, lits[i].bytes);
		set_pattern(pt, i, from, HS_FLAG_SINGLEMATCH, &lits[i]);
	}
	if (pt->n > n) {
		from = at;
		*at++ = '^';
		escape(at, longest->bytes);
		set_pattern(pt, n, from, HS_FLAG_SOM_LEFTMOST, longest);
		pt->ids[n] = PREFILTER_NOBODY;
	}
	return ERR_OK;
}

static enum err
check_literals(const struct prefilter_literal *lits, size_t n, size_t *longest,
	       struct diag *d)
{
	if (n >= PREFILTER_NOBODY) {
		return diag_set(d, ERR_LIMIT, "%zu literals are too many", n);
	}
	for (size_t i = 0; i < n; i++) {
		if (lits[i].bytes.len == 0) {
			return diag_set(d, ERR_USAGE,
					"literal %zu of %zu is empty", i, n);
		}
		if (lits[i].bytes.len > PREFILTER_LITERAL_MAX) {
			return diag_set(d, ERR_LIMIT,
					"literal %zu of %zu has %zu bytes; at "
					"most %d can be looked for",
					i, n, lits[i].bytes.len,
					PREFILTER_LITERAL_MAX);
		}
		*longest = MAX(*longest, lits[i].bytes.len);
	}
	return ERR_OK;
}

static enum err
compile(struct prefilter *p, const struct prefilter_literal *lits, size_t n,
	struct diag *d)
{
	struct patterns pt = { 0 };
	hs_compile_error_t *why = NULL;
	enum err e = patterns_init(&pt, lits, n, d);

	if (e != ERR_OK) {
		goto out;
	}
	if (hs_compile_multi(pt.expr, pt.flags, pt.ids, (unsigned int)pt.n,
			     HS_MODE_BLOCK, NULL, &p->db, &why) != HS_SUCCESS) {
		e = diag_set(d, ERR_NOMEM, "cannot compile %zu literals: %s", n,
			     why != NULL ? why->message : "no reason given");
		goto out;
	}
	if (hs_database_size(p->db, &p->memory) != HS_SUCCESS) {
		p->memory = 0;
	}
out:
	hs_free_compile_error(why);
	patterns_fini(&pt);
	return e;
}

/* What makes one prefilter another one: bytes, case, ids, and their order. */
static bool
digest(const struct prefilter_literal *lits, size_t n, uint8_t key[16])
{
	XXH3_state_t *x = XXH3_createState();
	XXH128_canonical_t out;

	if (x == NULL) {
		return false;
	}
	XXH3_128bits_reset(x);
	for (size_t i = 0; i < n; i++) {
		uint64_t head[3] = { lits[i].bytes.len, lits[i].nocase,
				     lits[i].id };

		XXH3_128bits_update(x, head, sizeof(head));
		XXH3_128bits_update(x, lits[i].bytes.p, lits[i].bytes.len);
	}
	XXH128_canonicalFromHash(&out, XXH3_128bits_digest(x));
	XXH3_freeState(x);
	memcpy(key, out.digest, sizeof(out.digest));
	return true;
}

struct prefilter *
prefilter_build_like(const struct prefilter *like,
		     const struct prefilter_literal *lits, size_t n,
		     struct diag *d)
{
	uint8_t key[16];
	struct prefilter *p;

	if (!digest(lits, n, key)) {
		diag_set(d, ERR_NOMEM, "no memory for a prefilter");
		return NULL;
	}
	if (like != NULL && memcmp(like->key, key, sizeof(key)) == 0) {
		/* only the count of its users is not constant */
		p = (struct prefilter *)(uintptr_t)like;
		atomic_fetch_add(&p->refs, 1);
		return p;
	}
	p = prefilter_build(lits, n, d);
	if (p != NULL) {
		memcpy(p->key, key, sizeof(key));
	}
	return p;
}

struct prefilter *
prefilter_build(const struct prefilter_literal *lits, size_t n, struct diag *d)
{
	struct prefilter *p;

	if (hs_valid_platform() != HS_SUCCESS) {
		diag_set(d, ERR_USAGE,
			 "this processor lacks SSSE3, which Hyperscan needs");
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		diag_set(d, ERR_NOMEM, "no memory for a prefilter");
		return NULL;
	}
	atomic_init(&p->refs, 1);
	if (check_literals(lits, n, &p->longest, d) != ERR_OK ||
	    (n > 0 && compile(p, lits, n, d) != ERR_OK)) {
		prefilter_free(p);
		return NULL;
	}
	p->memory += sizeof(*p);
	return p;
}

void
prefilter_free(struct prefilter *p)
{
	if (p != NULL && atomic_fetch_sub(&p->refs, 1) == 1) {
		hs_free_database(p->db);
		free(p);
	}
}

struct prefilter_scratch *
prefilter_scratch_new(void)
{
	return calloc(1, sizeof(struct prefilter_scratch));
}

enum err
prefilter_scratch_grow(struct prefilter_scratch *s, const struct prefilter *p)
{
	if (p->db != NULL && hs_alloc_scratch(p->db, &s->hs) != HS_SUCCESS) {
		return ERR_NOMEM;
	}
	return ERR_OK;
}

void
prefilter_scratch_free(struct prefilter_scratch *s)
{
	if (s != NULL) {
		hs_free_scratch(s->hs);
		free(s);
	}
}
