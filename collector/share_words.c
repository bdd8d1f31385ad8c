/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/share_words.h"

#include <stdio.h>

#include "common/indicator_read.h"

static void
keep(char *to, size_t cap, const char *text)
{
	if (to[0] == '\0') {
		snprintf(to, cap, "%s", text);
	}
}

void
share_words_take(struct share_words *w, const struct share_said *said)
{
	keep(w->labels, sizeof(w->labels), said->labels);
	keep(w->kill_chain, sizeof(w->kill_chain), said->kill_chain);
	keep(w->tactic, sizeof(w->tactic), said->tactic);
	if (w->n++ == 0) {
		w->confidence = said->confidence;
		w->from_us = said->from_us;
		w->until_us = said->until_us;
		return;
	}
	if (said->confidence <= 100 &&
	    (w->confidence > 100 || said->confidence > w->confidence)) {
		w->confidence = said->confidence;
	}
	w->from_us = MIN(w->from_us, said->from_us);
	w->until_us = w->until_us == 0 || said->until_us == 0
			      ? 0
			      : MAX(w->until_us, said->until_us);
}

/* The next word of a list that commas part, cut out of it; NULL: no more. */
static char *
next_word(char **list)
{
	char *word;

	do {
		word = strsep(list, ",");
	} while (word != NULL && word[0] == '\0');
	return word;
}

static void
put_labels(struct sharing *s, const struct marking *mark, const char *labels)
{
	struct json *j = &s->b->stix.j;
	char text[INDICATOR_TEXT_CAP], *at = text, *word;
	bool any = false; /* a list in STIX has members */

	snprintf(text, sizeof(text), "%s", labels);
	while ((word = next_word(&at)) != NULL) {
		if (strncasecmp(word, "tlp:", 4) == 0) {
			continue;
		}
		if (!any) {
			json_arr(j, "labels");
			any = true;
		}
		share_text(s, SHARE_INDICATOR, mark, NULL, word);
	}
	if (any) {
		json_arr_end(j);
	}
}

static void
put_phase(struct sharing *s, const struct marking *mark, const char *chain,
	  const char *phase, bool *any)
{
	struct json *j = &s->b->stix.j;

	if (!*any) {
		json_arr(j, "kill_chain_phases");
		*any = true;
	}
	json_obj(j, NULL);
	share_text(s, SHARE_INDICATOR, mark, "kill_chain_name", chain);
	share_text(s, SHARE_INDICATOR, mark, "phase_name", phase);
	json_obj_end(j);
}

static void
put_phases(struct sharing *s, const struct marking *mark,
	   const struct share_words *w)
{
	const char *of_tactic = indicator_tactic_phase(w->tactic);
	char text[INDICATOR_TEXT_CAP], *at = text, *word;
	bool any = false;

	snprintf(text, sizeof(text), "%s", w->kill_chain);
	while ((word = next_word(&at)) != NULL) {
		char *colon = strchr(word, ':');

		if (colon != NULL && colon > word && colon[1] != '\0') {
			*colon = '\0';
			put_phase(s, mark, word, colon + 1, &any);
		}
	}
	if (!any && of_tactic != NULL) {
		put_phase(s, mark, "mitre-attack", of_tactic, &any);
	}
	if (any) {
		json_arr_end(&s->b->stix.j);
	}
}

void
share_words_put(struct sharing *s, const struct marking *mark,
		const struct share_words *w)
{
	if (share_has(s->r->to, SHARE_INDICATOR, SHARE_LABELS)) {
		put_labels(s, mark, w->labels);
	}
	if (share_has(s->r->to, SHARE_INDICATOR, SHARE_STAGES)) {
		put_phases(s, mark, w);
	}
}
