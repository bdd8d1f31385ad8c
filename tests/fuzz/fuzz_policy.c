/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each partner may see, as it is read, and texts as they are redacted by
 * it: the policy up to the first NUL, the text behind it.
 *
 * Oracle: what is read is within the law (red never, amber+strict only within
 * the organisation), and a text that was redacted once has no address of ours.
 * (A longer name may become one of our domains' once its end is taken out.)
 */
#include <stdlib.h>

#include "collector/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
redact(const struct share_policy *p, const struct share_partner *to,
       struct view text)
{
	static const uint8_t key[32];
	static struct mission_map *map;
	struct redact *r = NULL;
	struct json out;

	if (map == NULL) {
		map = mission_empty();
	}
	if (map == NULL || redact_new(&r, map, p, to, key) != ERR_OK) {
		return;
	}
	json_init(&out);
	redact_text(r, SHARE_INCIDENT, &MARKING_CLEAR, text, &out);
	if (to->addresses == SHARE_DROP && p->n_domains == 0 && !out.failed &&
	    redact_finds(r, json_view(&out))) {
		abort();
	}
	json_fini(&out);
	redact_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_of(data, size), text = VIEW_NONE;
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	struct share_policy *p;
	struct diag d = { "" };

	if (nul != NULL) {
		in.len = (size_t)(nul - data);
		text = view_of(nul + 1, size - in.len - 1);
	}
	if (share_policy_read(&p, "policy", in, &d) != ERR_OK) {
		if (p != NULL || d.msg[0] == '\0') {
			abort();
		}
		return 0;
	}
	for (unsigned i = 0; i < p->n_partners && i < 4; i++) {
		const struct share_partner *to = &p->partners[i];

		if (to->highest >= TLP_RED ||
		    (to->highest == TLP_AMBER_STRICT &&
		     !to->same_organisation)) {
			abort();
		}
		redact(p, to, text);
	}
	share_policy_free(p);
	return 0;
}
