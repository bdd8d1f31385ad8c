/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/part.h"

#include <stdio.h>

#include "common/frame_sign.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define TRY_HELP "; see picket-collector(8)"

static const char *const of_the_head[] = {
	"control.sign-key",
	"exchange.partners",
	"indicators.files",
	"indicators.taxii",
};

enum err
part_config_read(struct part_config *p, const struct conf *conf, struct diag *d)
{
	*p = (struct part_config){
		.of = (unsigned)conf_u64(conf, "parts.of", 0, 0, PART_MAX),
		.number = (unsigned)conf_u64(conf, "parts.number", 0, 0,
					     PART_MAX),
		.head = conf_bool(conf, "parts.head", false),
		.max_waiting =
			conf_u64(conf, "parts.max-waiting", UINT64_C(256) << 20,
				 UINT64_C(1) << 20, UINT64_C(1) << 40),
	};
	if (p->of == 0 && (p->number != 0 || p->head)) {
		return diag_set(d, ERR_USAGE,
				"parts.of: say how many parts there "
				"are" TRY_HELP);
	}
	if (p->of != 0 && (p->number != 0) == p->head) {
		return diag_set(d, ERR_USAGE,
				"parts.of: say which part this is with "
				"parts.number, or parts.head: yes" TRY_HELP);
	}
	/* One voice: what sensors and partners are told comes of all parts. */
	for (size_t i = 0; p->number != 0 && i < ARRAY_LEN(of_the_head); i++) {
		if (conf_has(conf, of_the_head[i])) {
			return diag_set(d, ERR_USAGE,
					"%s: a setting of the head: no part "
					"has it" TRY_HELP,
					of_the_head[i]);
		}
	}
	if (p->number > p->of) {
		return diag_set(d, ERR_USAGE,
				"parts.number: %u, but parts.of is "
				"%u" TRY_HELP,
				p->number, p->of);
	}
	return ERR_OK;
}

struct reading {
	struct part_config *p;
	struct diag *d;
	enum err e;
};

static void
add_key(void *arg, const char *key, const char *value)
{
	struct reading *r = arg;

	(void)key;
	if (r->e != ERR_OK) {
		return;
	}
	if (r->p->n_keys == PART_MAX_KEYS) {
		r->e = diag_set(r->d, ERR_USAGE,
				"parts.keys: more than %d" TRY_HELP,
				PART_MAX_KEYS);
		return;
	}
	r->e = sign_key_load_any(&r->p->keys[r->p->n_keys], value, false, r->d);
	r->p->n_keys += r->e == ERR_OK;
}

enum err
part_config_keys(struct part_config *p, const struct conf *conf, struct diag *d)
{
	struct reading r = { p, d, ERR_OK };

	if (p->of == 0) {
		return ERR_OK;
	}
	if (conf_has(conf, "parts.sign-key")) {
		r.e = sign_key_load_any(
			&p->own, conf_str(conf, "parts.sign-key", ""), true, d);
	}
	conf_each(conf, "parts.keys", add_key, &r);
	if (r.e != ERR_OK) {
		part_config_fini(p);
	}
	return r.e;
}

void
part_config_fini(struct part_config *p)
{
	sign_key_free(p->own);
	p->own = NULL;
	while (p->n_keys > 0) {
		sign_key_free(p->keys[--p->n_keys]);
	}
}

struct sign_key *
part_key_of(const struct part_config *p, const uint8_t id[SIGN_ID_BYTES])
{
	for (unsigned i = 0; i < p->n_keys; i++) {
		if (memcmp(sign_key_id(p->keys[i]), id, SIGN_ID_BYTES) == 0) {
			return p->keys[i];
		}
	}
	return NULL;
}

bool
part_believes(const struct part_config *p, const char *name,
	      const struct point *pt)
{
	struct frame_mac mac;
	struct sign_key *k;

	if (p->n_keys == 0) {
		return true;
	}
	if (pt->mac_len == 0 ||
	    !frame_mac_read(view_of(pt->mac, pt->mac_len), &mac)) {
		return false;
	}
	k = part_key_of(p, mac.id);
	return k != NULL && point_check(k, name, pt);
}

uint64_t
part_behind(uint64_t epoch, uint64_t seq, uint64_t said_epoch,
	    uint64_t said_seq)
{
	uint64_t has = said_epoch == epoch ? seq : 0;

	return said_epoch >= epoch && said_seq > has ? said_seq - has : 0;
}

unsigned
part_of(const char *site, const char *sensor, unsigned of)
{
	uint64_t best = 0;
	unsigned part = 1;

	for (unsigned k = 1; k <= of; k++) {
		uint64_t h = XXH64(site, strlen(site), k);

		/* The blank keeps "a" of "bc" and "ab" of "c" apart. */
		h = XXH64(" ", 1, h);
		h = XXH64(sensor, strlen(sensor), h);
		if (k == 1 || h > best) {
			best = h;
			part = k;
		}
	}
	return part;
}

void
part_name(unsigned k, char out[PART_NAME_CAP])
{
	snprintf(out, PART_NAME_CAP, "{part}/%u", k);
}

void
part_stream_key(unsigned k, char out[PART_NAME_CAP])
{
	snprintf(out, PART_NAME_CAP, "picket:sightings:{%u}", k);
}

void
part_point_key(unsigned k, char out[PART_NAME_CAP])
{
	snprintf(out, PART_NAME_CAP, "picket:sighted:{%u}", k);
}

void
part_alive_key(unsigned k, char out[PART_NAME_CAP])
{
	snprintf(out, PART_NAME_CAP, "picket:part:{%u}", k);
}

void
part_alive_name(unsigned k, char out[PART_NAME_CAP])
{
	snprintf(out, PART_NAME_CAP, "{part}/%u/alive", k);
}

int64_t
part_alert_join(unsigned part, int64_t alert)
{
	const int64_t mask = (INT64_C(1) << PART_ALERT_BITS) - 1;

	return (int64_t)part << PART_ALERT_BITS | (alert & mask);
}

bool
part_alert_split(int64_t id, unsigned *part, int64_t *alert)
{
	uint64_t k = (uint64_t)id >> PART_ALERT_BITS;

	*part = (unsigned)k;
	*alert = id & ((INT64_C(1) << PART_ALERT_BITS) - 1);
	return k >= 1 && k <= PART_MAX;
}
