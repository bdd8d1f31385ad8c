/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles of a partner: whatever they hold, what is handed over is whole, within
 * its bounds, and counted; and all of it is read twice alike.
 */
#include <assert.h>
#include <string.h>

#include "collector/stix_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

struct seen {
	uint64_t objects, refused;
};

static enum err
on_indicator(void *arg, const struct indicator *i, const char *exercise)
{
	struct seen *seen = arg;

	assert(i->id != NULL && i->value != NULL && exercise != NULL);
	seen->objects++;
	return ERR_OK;
}

static enum err
on_sighting(void *arg, const struct stix_in_sighting *s)
{
	struct seen *seen = arg;

	assert(s->count >= 1 && s->place != NULL && s->of != NULL);
	seen->objects++;
	return ERR_OK;
}

static enum err
on_incident(void *arg, const struct stix_in_incident *i)
{
	struct seen *seen = arg;

	assert(i->title != NULL && i->lead != NULL && i->support != NULL);
	assert(i->actors.len <= STIX_IN_ACTORS * (STIX_IN_ACTOR_CAP + 8));
	assert(i->actors.len == 0 || i->actors.p[i->actors.len - 1] == '\0');
	seen->objects++;
	return ERR_OK;
}

static enum err
on_event(void *arg, const struct stix_in_object *o,
	 const struct consult_event *e)
{
	struct seen *seen = arg;

	assert(o->id != NULL && e->n_sides <= CONSULT_SIDES);
	assert(memchr(e->side, '\0', sizeof(e->side)) != NULL);
	seen->objects++;
	return ERR_OK;
}

static void
on_refused(void *arg, enum stix_in_cause cause, const char *what)
{
	struct seen *seen = arg;

	assert(cause < STIX_IN_CAUSES && what != NULL && what[0] != '\0');
	seen->refused++;
}

static enum err
read_it(struct view v, struct seen *seen)
{
	const struct stix_in_sink sink = { seen,        on_indicator,
					   on_sighting, on_incident,
					   on_event,    on_refused };
	struct stix_in_report r;
	struct diag d = { "" };
	uint64_t refused = 0;
	enum err e = stix_in_read(v, "US", &sink, &r, &d);

	for (unsigned i = 0; i < STIX_IN_CAUSES; i++) {
		refused += r.refused[i];
	}
	assert(refused == seen->refused);
	assert(seen->objects <= STIX_IN_MAX_OBJECTS);
	assert(e == ERR_OK || d.msg[0] != '\0' || e == ERR_NOMEM);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct seen once = { 0 }, again = { 0 };
	enum err e = read_it(view_of(p, len), &once);

	assert(read_it(view_of(p, len), &again) == e);
	assert(once.objects == again.objects && once.refused == again.refused);
	return 0;
}
