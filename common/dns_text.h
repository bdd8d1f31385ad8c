/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_text.h - names of DNS record types, response codes and operations
 *
 * The sensor prints them, the rule language reads them.
 *
 * Place    above base.h.
 * Threads  pure; static tables.
 * Memory   none.
 */
#ifndef COMMON_DNS_TEXT_H
#define COMMON_DNS_TEXT_H

#include "common/base.h"

/* "A", "HTTPS"; NULL for a type without a name. */
const char *dns_type_name(uint16_t type);
/* "NOERROR", "NXDOMAIN"; NULL for a code without a name. */
const char *dns_rcode_name(unsigned rcode);

/* The number of a name in any case; -1 when there is none such. */
int dns_type_by_name(struct view name);
int dns_rcode_by_name(struct view name);

#endif
