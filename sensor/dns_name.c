/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns_name.h"

#define LABEL_TYPE 0xc0 /* RFC 1035 4.1.4: 11 pointer, 00 label */

bool
dns_name_skip(struct view msg, size_t *pos)
{
	size_t p = *pos;

	for (;;) {
		uint8_t c;

		if (p >= msg.len) {
			return false;
		}
		c = msg.p[p];
		if (c == 0) {
			*pos = p + 1;
			return true;
		}
		if ((c & LABEL_TYPE) == LABEL_TYPE) {
			*pos = p + 2;
			return p + 2 <= msg.len;
		}
		if ((c & LABEL_TYPE) != 0) {
			return false;
		}
		p += 1 + (size_t)c;
	}
}

struct text {
	uint8_t b[DNS_NAME_MAX_TEXT];
	size_t len;
	bool full;
};

static void
put_bytes(struct text *t, const uint8_t *p, size_t n)
{
	size_t fit = MIN(n, sizeof(t->b) - t->len);

	memcpy(t->b + t->len, p, fit);
	t->len += fit;
	t->full |= fit < n;
}

static void
put_label(struct text *t, const uint8_t *p, size_t n)
{
	if (t->len > 0) {
		put_bytes(t, (const uint8_t *)".", 1);
	}
	put_bytes(t, p, n);
}

/*
 * Walks the name at 'p' into 't'.  '*end' becomes the position behind the
 * name, 0 while it is not known.  False when the walk could not finish.
 */
static bool
walk(struct view msg, size_t p, struct text *t, size_t *end,
     struct event_set *events)
{
	for (unsigned step = 0; step < DNS_NAME_MAX_STEPS; step++) {
		uint8_t c;
		size_t to;

		if (p >= msg.len) {
			return false;
		}
		c = msg.p[p];
		if (c == 0) {
			*end = *end != 0 ? *end : p + 1;
			return true;
		}
		if ((c & LABEL_TYPE) == 0) {
			if (msg.len - p - 1 < c) {
				return false;
			}
			put_label(t, msg.p + p + 1, c);
			p += 1 + (size_t)c;
			continue;
		}
		if ((c & LABEL_TYPE) != LABEL_TYPE || msg.len - p < 2) {
			return false;
		}
		to = load_be16(msg.p + p) & 0x3fff;
		*end = *end != 0 ? *end : p + 2;
		if (to == p) { /* points at itself */
			event_set_add(events, EV_DNS_INFINITE_LOOP);
			return true;
		}
		p = to;
	}
	event_set_add(events, EV_DNS_TOO_MANY_LABELS);
	return *end != 0;
}

bool
dns_name_read(struct view msg, size_t *pos, struct arena *a,
	      struct dns_name *out, struct event_set *events)
{
	struct text t;
	size_t end = 0;

	t.len = 0;
	t.full = false;
	*out = (struct dns_name){ { NULL, 0 }, false };
	if (!walk(msg, *pos, &t, &end, events)) {
		return false;
	}
	if (t.full) {
		event_set_add(events, EV_DNS_NAME_TOO_LONG);
	}
	out->text = arena_copy(a, view_of(t.b, t.len));
	out->truncated = t.full || out->text.len < t.len;
	*pos = end;
	return true;
}
