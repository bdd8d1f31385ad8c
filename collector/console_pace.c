/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_pace.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "common/clock.h"

/* A row that was calm for so long begins anew. */
#define FORGET_US (3600 * US_PER_S)

static void
key_of(char kind, const char *what, uint8_t out[32])
{
	struct in6_addr v6;
	uint8_t raw[256] = { (uint8_t)kind };
	size_t n;

	if (kind == 'a' && inet_pton(AF_INET6, what, &v6) == 1) {
		memcpy(raw + 1, &v6, 8);
		n = 8;
	} else {
		n = MIN(strlen(what), sizeof(raw) - 1);
		memcpy(raw + 1, what, n);
	}
	SHA256(raw, n + 1, out);
}

static struct pace_row *
find(struct pace *p, const uint8_t key[32], uint64_t now, bool make)
{
	struct pace_row *calm = &p->rows[0];

	for (size_t i = 0; i < PACE_ROWS; i++) {
		struct pace_row *r = &p->rows[i];

		if (r->failed > 0 && memcmp(r->key, key, 32) == 0) {
			if (now > r->last_us + FORGET_US) {
				r->failed = 0;
				r->until_us = 0;
			}
			return r;
		}
		if (r->until_us < calm->until_us ||
		    (r->until_us == calm->until_us &&
		     r->last_us < calm->last_us)) {
			calm = r;
		}
	}
	if (make) {
		*calm = (struct pace_row){ 0 };
		memcpy(calm->key, key, 32);
	}
	return make ? calm : NULL;
}

unsigned
pace_wait(struct pace *p, const char *name, const char *address,
	  uint64_t now_us)
{
	uint64_t until = 0;

	for (unsigned i = 0; i < 2; i++) {
		uint8_t key[32];
		const struct pace_row *r;

		key_of(i == 0 ? 'n' : 'a', i == 0 ? name : address, key);
		r = find(p, key, now_us, false);
		until = r != NULL && r->until_us > until ? r->until_us : until;
	}
	return until > now_us ? (unsigned)((until - now_us) / US_PER_S + 1) : 0;
}

void
pace_note(struct pace *p, const char *name, const char *address, bool good,
	  uint64_t now_us)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t most = i == 0 ? PACE_NAME_MAX_S : PACE_ADDRESS_MAX_S;
		uint8_t key[32];
		struct pace_row *r;

		key_of(i == 0 ? 'n' : 'a', i == 0 ? name : address, key);
		r = find(p, key, now_us, !good);
		if (good) {
			if (i == 0 && r != NULL) {
				*r = (struct pace_row){ 0 };
			}
			continue;
		}
		r->failed++;
		r->last_us = now_us;
		if (r->failed > PACE_FREE) {
			unsigned n = MIN(r->failed - PACE_FREE - 1, 20U);

			r->until_us =
				now_us + MIN(most, UINT64_C(1) << n) * US_PER_S;
		}
	}
}
