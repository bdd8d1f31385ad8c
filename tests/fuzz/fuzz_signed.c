/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What else is signed and lies in Redis, where whoever may write can change it:
 * a committed point, and the fields of a presence.  None is believed but what
 * the key signed, in whatever order its fields come and whatever stands beside
 * them.
 */
#include <assert.h>

#include "common/point_sign.h"
#include "common/presence_sign.h"
#include "tests/fuzz/fuzz_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

#define NAME "hq/tap1"

/* Takes up to the next line end from the front of 'v'. */
static struct view
line(struct view *v)
{
	const uint8_t *end = v->len > 0 ? memchr(v->p, '\n', v->len) : NULL;
	size_t n = end != NULL ? (size_t)(end - v->p) : v->len;
	struct view out = view_sub(*v, 0, n);

	*v = view_sub(*v, MIN(n + 1, v->len), v->len);
	return out;
}

/* --- the committed point --- */

/* What was read, signed and written, is read and believed; another is not. */
static void
sign_point(struct point *p)
{
	char text[POINT_TEXT_CAP];
	struct point again;

	assert(point_write(key, NAME, p->epoch, p->seq, text) == ERR_OK);
	assert(strlen(text) < sizeof(text));
	assert(point_read(view_cstr(text), &again));
	assert(again.epoch == p->epoch && again.seq == p->seq);
	assert(point_check(key, NAME, &again));
	assert(!point_check(key, NAME "x", &again));
	again.seq++;
	assert(!point_check(key, NAME, &again));
	again.seq--;
	again.epoch ^= 1;
	assert(!point_check(key, NAME, &again));
	again.epoch ^= 1;
	again.mac[again.mac_len - 1] ^= 1;
	assert(!point_check(key, NAME, &again));
	/* Without a key it is the two numbers only. */
	assert(point_write(NULL, NAME, p->epoch, p->seq, text) == ERR_OK);
	assert(point_read(view_cstr(text), &again) && again.mac_len == 0);
	assert(!point_check(key, NAME, &again));
}

static void
try_point(struct view text)
{
	struct point p;

	if (point_read(text, &p)) {
		assert(p.mac_len <= sizeof(p.mac));
		assert(!point_check(key, NAME, &p)); /* the key is a new one */
		sign_point(&p);
	}
}

/* --- the presence --- */

static size_t
read_fields(struct view v, struct presence_field f[PRESENCE_MAX_FIELDS])
{
	size_t n = 0;

	while (v.len > 0 && n < PRESENCE_MAX_FIELDS) {
		struct view name = line(&v);

		f[n++] = (struct presence_field){ name, line(&v) };
	}
	return n;
}

/* A blank parts names and an empty one is lost in the list; two that are the
 * same cannot be told apart. */
static bool
can_be_listed(const struct presence_field *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].name.len == 0 ||
		    memchr(f[i].name.p, ' ', f[i].name.len) != NULL ||
		    memchr(f[i].name.p, '\0', f[i].name.len) != NULL) {
			return false;
		}
		for (size_t k = 0; k < i; k++) {
			if (view_eq(f[i].name, f[k].name)) {
				return false;
			}
		}
	}
	return n > 0;
}

static bool
believed(struct view list, struct presence_field *f, size_t n, struct view mac)
{
	struct frame_mac m;

	return frame_mac_read(mac, &m) && presence_pick(list, f, &n) &&
	       presence_check(key, view_cstr(NAME), f, n, &m);
}

/* Signed, shuffled and with a stranger among them; then one value changed. */
static void
sign_presence(struct presence_field *f, size_t n, unsigned turn)
{
	static const uint8_t other[] = "?";
	struct presence_field all[PRESENCE_MAX_FIELDS + 1];
	char list[PRESENCE_LIST_CAP], text[PRESENCE_MAC_CAP];
	uint8_t mac[FRAME_MAC_MAX];
	size_t len;

	if (presence_sign(key, NAME, f, n, list, text) != ERR_OK) {
		return; /* too long */
	}
	assert(frame_mac_unhex(view_cstr(text), mac, &len));
	for (size_t i = 0; i < n; i++) {
		all[(i + turn) % n] = f[i];
	}
	all[n] = (struct presence_field){ VIEW_LIT("a stranger"),
					  VIEW_LIT("to be passed over") };
	assert(believed(view_cstr(list), all, n + 1, view_of(mac, len)));
	all[turn % n].value =
		view_of(other, 1 + (all[turn % n].value.len == 1));
	assert(!believed(view_cstr(list), all, n + 1, view_of(mac, len)));
}

static void
try_presence(struct view v, unsigned turn)
{
	static struct presence_field f[PRESENCE_MAX_FIELDS];
	struct view list = line(&v), hex = line(&v);
	size_t n = read_fields(v, f), picked = n, len = 0;
	uint8_t raw[FRAME_MAC_MAX];
	struct frame_mac m;

	if (presence_pick(list, f, &picked)) {
		assert(picked > 0 && picked <= n);
		if (frame_mac_unhex(hex, raw, &len) &&
		    frame_mac_read(view_of(raw, len), &m)) {
			assert(!presence_check(key, view_cstr(NAME), f, picked,
					       &m));
		}
	}
	if (can_be_listed(f, n)) {
		sign_presence(f, n, turn);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct view v = view_of(p, len);

	if (key == NULL) {
		make_key();
	}
	if (len == 0) {
		return 0;
	}
	v = view_sub(v, 1, len);
	if (p[0] == 'c') {
		try_point(v);
	} else {
		try_presence(v, p[0]);
	}
	return 0;
}
