/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/xform_domain.h"

#include <libpsl.h>

#define NAME_MAX_LEN 254 /* RFC 1035 2.3.4, with a final dot */

bool
domain_list_exists(void)
{
	return psl_builtin() != NULL;
}

/* The name as libpsl wants it: lower case, ended by a zero byte. */
static bool
lower_name(struct view name, char out[NAME_MAX_LEN + 1])
{
	if (name.len == 0 || name.len > NAME_MAX_LEN) {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];

		if (c <= ' ' || c >= 0x7f) {
			return false;
		}
		out[i] = (char)ascii_lower(c);
	}
	out[name.len] = '\0';
	return true;
}

typedef const char *psl_question(const psl_ctx_t *psl, const char *name);

/* What 'ask' finds is the end of the name: the same end of ours. */
static struct view
end_of(struct view name, psl_question *ask)
{
	char text[NAME_MAX_LEN + 1];
	const char *found;

	if (!lower_name(name, text)) {
		return VIEW_NONE;
	}
	found = ask(psl_builtin(), text);
	return found == NULL ? VIEW_NONE
			     : view_sub(name, (size_t)(found - text), name.len);
}

struct view
domain_registered(struct view name)
{
	return end_of(name, psl_registrable_domain);
}

struct view
domain_suffix(struct view name)
{
	return end_of(name, psl_unregistrable_domain);
}
