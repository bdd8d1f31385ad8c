/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_value.h - what an indicator's value must look like, and its one spelling
 *
 * Place    above ioc_set.h's types; below ioc_set and ioc_find.
 * Threads  pure.
 * Memory   caller's.
 * Cost     one pass over the value.
 */
#ifndef RULES_IOC_VALUE_H
#define RULES_IOC_VALUE_H

#include "rules/ioc_set.h"

#define IOC_DOMAIN_MAX 253 /* RFC 1035 3.1, as dotted text */
#define IOC_URL_MAX 2048
#define IOC_VALUE_CAP (IOC_URL_MAX + 1)

/*
 * Writes the canonical text of 'in' and its length; ERR_FORMAT with the
 * reason in 'd' when 'in' is no value of its type.
 */
enum err ioc_value_canon(enum ioc_type type, bool exact, struct view in,
			 char out[IOC_VALUE_CAP], size_t *len,
			 struct diag *d) MUST_CHECK;

/*
 * "host/path?query" of a request: the host in lower case without final dot
 * and without the ports 80 and 443, the URI as sent.  Returns the length, or
 * 0 when it is longer than any indicator may be.
 */
size_t ioc_url_text(struct view host, struct view uri, char out[IOC_VALUE_CAP]);

/* Lower-case hex without colons; 0 when it is not 'digits' of them. */
size_t ioc_hex_text(struct view in, size_t digits, char *out);

/* Hex digits in a value of this type; 0 for the others. */
size_t ioc_hex_digits(enum ioc_type type);

#endif
