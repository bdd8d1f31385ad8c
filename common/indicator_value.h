/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_value.h - what an indicator's value must look like, and its one spelling
 *
 * Place    above indicator.h.
 * Threads  pure.
 * Memory   caller's.
 * Cost     one pass over the value.
 */
#ifndef COMMON_INDICATOR_VALUE_H
#define COMMON_INDICATOR_VALUE_H

#include "common/indicator.h"

#define INDICATOR_DOMAIN_MAX 253 /* RFC 1035 3.1, as dotted text */
#define INDICATOR_URL_MAX 2048

/*
 * Writes the canonical text of 'in' and its length; ERR_FORMAT with the
 * reason in 'd' when 'in' is no value of its type.
 */
enum err indicator_value_canon(enum indicator_kind kind, bool exact,
			       struct view in, char out[INDICATOR_VALUE_CAP],
			       size_t *len, struct diag *d) MUST_CHECK;

/*
 * "host/path?query" of a request: the host in lower case without final dot
 * and without the ports 80 and 443, the URI as sent.  Returns the length, or
 * 0 when it is longer than any indicator may be.
 */
size_t indicator_url_text(struct view host, struct view uri,
			  char out[INDICATOR_VALUE_CAP]);

/* Lower-case hex without colons; 0 when it is not 'digits' of them. */
size_t indicator_hex_text(struct view in, size_t digits, char *out);

/* Hex digits in a value of this type; 0 for the others. */
size_t indicator_hex_digits(enum indicator_kind kind);

#endif
