/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_xform.h - transforms of a buffer before a rule looks at it
 *
 * Place    above rule_prog.h.
 * Threads  scratch is one matcher's.
 * Memory   two buffers of XFORM_MAX bytes; longer input is cut there.
 * Cost     one pass over the buffer.
 */
#ifndef RULES_RULE_XFORM_H
#define RULES_RULE_XFORM_H

#include "rules/rule_prog.h"
#include "rules/xform_inflate.h"

#define XFORM_MAX ((size_t)64 << 10)
#define XFORM_MATCH_LIMIT 3500

struct xform_scratch {
	void *digest; /* EVP_MD_CTX */
	void *md5, *sha1, *sha256; /* EVP_MD */
	void *match_data, *match_context; /* PCRE2's */
	struct inflater *inflater;
	/* What was transformed last, since xform_forget(): many rules ask for
	 * the same. */
	struct {
		struct view in, out;
		const struct xform *x; /* NULL: nothing */
		size_t n;
	} last;
	uint8_t a[XFORM_MAX], b[XFORM_MAX];
};

/* NULL when out of memory. */
struct xform_scratch *xform_scratch_new(void);
void xform_scratch_free(struct xform_scratch *s);

/* The bytes at the addresses seen so far may be others now. */
void xform_forget(struct xform_scratch *s);

/*
 * 'in' after all of 'x'; a view into 'in' or the scratch, good until the next
 * call.  False when a transform refuses the bytes.
 */
bool xform_apply(struct xform_scratch *s, const struct xform *x, size_t n,
		 struct view in, struct view *out) MUST_CHECK;

/* RFC 4648 section 4 until the first byte that is none; returns the length.
 * 'skip' passes over such bytes, as RFC 2045 6.8 has it. */
size_t base64_decode(struct view in, uint8_t *out, size_t cap, bool skip);

#endif
