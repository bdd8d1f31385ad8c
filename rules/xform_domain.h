/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xform_domain.h - the registered domain and the public suffix of a name
 *
 * By the list that libpsl was built with, so that the same input gives the
 * same output wherever the package is the same.
 *
 * Place    above base.h; below rule_xform.
 * Threads  any; the list is read only.
 * Memory   none.
 * Cost     a few look-ups; names that are not ASCII are not looked up,
 *          because libpsl would allocate for them.
 */
#ifndef RULES_XFORM_DOMAIN_H
#define RULES_XFORM_DOMAIN_H

#include "common/base.h"

/* Whether libpsl carries a list. */
bool domain_list_exists(void);

/*
 * "www.example.co.uk" to "example.co.uk"; empty when the name is a suffix
 * itself or no name.  A view into 'name'.
 */
struct view domain_registered(struct view name);
/* "www.example.co.uk" to "co.uk"; empty when it is no name. */
struct view domain_suffix(struct view name);

#endif
