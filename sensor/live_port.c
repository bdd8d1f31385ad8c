/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces: opened at the start, looked after, closed when they are gone and
 * opened again when they are back.  A socket outlives its interface being set
 * down and up; when the interface was taken away it is dead, also when another
 * one of the same name is there by now.
 */
#include "sensor/live_state.h"

#include <poll.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/decode.h"

#define WATCH_US UINT64_C(200000)
#define RETRY_US UINT64_C(250000) /* and twice as long each time, up to */
#define RETRY_MAX_US UINT64_C(8000000)
/* So long at once the keeper opens handles; at the start it waits between. */
#define OPEN_STEP_US UINT64_C(20000)
#define OPEN_WAIT_MS 10
#define LEAVE_US UINT64_C(1000000) /* for what a dead socket's ring holds */

static const char *
name_of(const struct live_port *p)
{
	return p->conf->open.name;
}

static void
drop_fresh(struct live *l, struct live_port *p)
{
	for (unsigned i = 0; i < l->n_workers; i++) {
		capture_live_close(p->fresh[i]);
		p->fresh[i] = NULL;
	}
	p->n_fresh = 0;
}

static enum err
check_link(const struct live_port *p, struct diag *d)
{
	uint16_t link = capture_live_linktype(p->fresh[0]);

	return decode_knows_link(link)
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE,
				  "interface %s: link type %u is not decoded; "
				  "see --list-interfaces",
				  name_of(p), link);
}

/* The next handle, as far as that goes without waiting; 'settling': it is open,
 * and has to be asked again. */
static enum err
open_next(struct live *l, struct live_port *p, bool *settling, struct diag *d)
{
	struct capture_live **c = &p->fresh[p->n_fresh];
	enum err e = ERR_OK;

	*settling = false;
	if (*c == NULL) {
		e = capture_live_open(c, &p->conf->open, d);
		if (e == ERR_OK && p->n_fresh == 0) {
			e = check_link(p, d);
		}
	}
	if (e == ERR_OK) {
		e = capture_live_settle(*c, d);
		*settling = e == ERR_AGAIN;
	}
	if (e == ERR_OK && l->n_workers > 1) {
		e = capture_live_join(*c, &p->group, p->conf->fanout, l->key,
				      d);
	}
	p->n_fresh += e == ERR_OK;
	return e;
}

/*
 * One handle a worker; all shut until they are taken in.  For a while: the
 * keeper has rounds to end meanwhile, and signs of life to give.
 */
static enum err
open_more(struct live *l, struct live_port *p, struct diag *d)
{
	uint64_t until = clock_mono_us() + OPEN_STEP_US;
	bool settling = false;
	enum err e = ERR_OK;

	while (e == ERR_OK && p->n_fresh < l->n_workers &&
	       clock_mono_us() < until) {
		e = open_next(l, p, &settling, d);
	}
	if (e != ERR_OK && !settling) {
		drop_fresh(l, p);
		p->state = PORT_AWAY;
		return e;
	}
	if (p->n_fresh == l->n_workers) {
		p->state = PORT_READY;
	}
	return ERR_OK;
}

/* The first look; what is left to do is open_more()'s. */
static enum err
begin_open(struct live *l, struct live_port *p, struct diag *d)
{
	struct iface_state now;
	enum err e = iface_look(l->watch, name_of(p), &now);
	char others[256];

	if (e == ERR_NOTFOUND) {
		iface_suggest(name_of(p), others, sizeof(others));
		return diag_set(d, e, "interface %s: no such interface%s",
				name_of(p), others);
	}
	if (e != ERR_OK) {
		return diag_set(d, e,
				"interface %s: the kernel does not tell its "
				"state",
				name_of(p));
	}
	p->group = (struct fanout_group){ 0 };
	p->state = PORT_OPENING;
	p->index = now.index;
	p->was_up = now.up;
	p->merges = iface_merges(name_of(p));
	p->base = now;
	return open_more(l, p, d);
}

enum err
live_port_open(struct live *l, struct live_port *p, struct diag *d)
{
	enum err e = begin_open(l, p, d);

	while (e == ERR_OK && p->state == PORT_OPENING) {
		(void)poll(NULL, 0, OPEN_WAIT_MS);
		e = open_more(l, p, d);
	}
	return e;
}

/* --- looking after --- */

static void
say_once(struct live_port *p, const struct diag *d)
{
	if (!p->told_error) {
		log_warn("%s; trying again", d->msg);
		p->told_error = true;
	}
}

static void
try_open(struct live *l, struct live_port *p, uint64_t now_us)
{
	struct diag d;
	enum err e;

	if (p->state == PORT_AWAY && now_us < p->retry_us) {
		return;
	}
	e = p->state == PORT_AWAY ? begin_open(l, p, &d) : open_more(l, p, &d);
	if (e == ERR_OK) {
		p->wait_us = p->state == PORT_READY ? 0 : p->wait_us;
		return;
	}
	if (e != ERR_NOTFOUND && e != ERR_AGAIN) {
		p->past.errors++;
		say_once(p, &d);
	}
	p->wait_us = MIN(MAX(p->wait_us * 2, RETRY_US), RETRY_MAX_US);
	p->retry_us = now_us + p->wait_us;
}

static void
leave(struct live_port *p, uint64_t now_us)
{
	p->state = PORT_LEAVING;
	p->leave_us = now_us + LEAVE_US;
	p->past.downs += p->was_up;
	p->was_up = false;
}

/* A handle that cannot be read: all are opened again, so that the packets are
 * shared out among as many as before. */
static bool
is_broken(struct live *l, unsigned i, const struct diag **why)
{
	for (unsigned k = 0; k < l->n_workers; k++) {
		const struct live_tap *t = &l->worker[k]->tap[i];

		if (t->handle != NULL && t->told.broken) {
			*why = &t->why;
			return true;
		}
	}
	return false;
}

static void
note_link(struct live_port *p, bool up)
{
	if (up != p->was_up) {
		p->was_up = up;
		p->past.downs += !up;
		if (up) {
			log_info("interface %s is up again", name_of(p));
		} else {
			log_warn("interface %s is down", name_of(p));
		}
	}
}

/* Since 'was', or since the interface began to count anew. */
static uint64_t
more(uint64_t now, uint64_t was)
{
	return now >= was ? now - was : now;
}

/* What is new on the wire. */
static void
add_wire(struct live_port *p, const struct iface_state *now)
{
	bool lo = strcmp(name_of(p), "lo") == 0; /* counts each twice */
	struct iface_state *was = &p->base;

	p->past.wire_packets += more(now->rx_packets, was->rx_packets);
	p->past.wire_bytes += more(now->rx_bytes, was->rx_bytes);
	if (!lo) {
		p->past.wire_packets += more(now->tx_packets, was->tx_packets);
		p->past.wire_bytes += more(now->tx_bytes, was->tx_bytes);
	}
	p->past.if_dropped += more(now->missed, was->missed);
	*was = *now;
}

static void
watch_open(struct live *l, struct live_port *p, unsigned i, uint64_t now_us)
{
	const struct diag *why = NULL;
	struct iface_state now;
	enum err e = iface_look(l->watch, name_of(p), &now);

	if (e == ERR_NOTFOUND || (e == ERR_OK && now.index != p->index)) {
		log_warn("interface %s is gone; waiting for it to come back",
			 name_of(p));
		leave(p, now_us);
		return;
	}
	if (e == ERR_OK) {
		add_wire(p, &now);
		note_link(p, now.up);
	}
	if (is_broken(l, i, &why)) {
		p->past.errors++;
		if (p->was_up) {
			log_warn("%s; opening it again", why->msg);
		}
		leave(p, now_us);
	}
}

/* Told once, whatever the clock does then. */
static void
look_at_clock(const struct live *l, struct live_port *p, unsigned i)
{
	for (unsigned k = 0; k < l->n_workers && !p->told_clock; k++) {
		const struct live_tap *t = &l->worker[k]->tap[i];
		int64_t us = t->told.clock_shift_us;

		if (t->handle == NULL || !t->told.clock_off) {
			continue;
		}
		log_warn("interface %s: its clock (capture.timestamp %s) is "
			 "%.1f s %s the host's; its packets are taken in the "
			 "order in which they come, with the host's time; "
			 "synchronise the adapter's clock, or set "
			 "capture.timestamp to host",
			 name_of(p), p->conf->open.timestamp,
			 (double)(us < 0 ? -us : us) / 1e6,
			 us < 0 ? "ahead of" : "behind");
		p->told_clock = true;
	}
}

/* Whether what its rings held is read. */
static bool
may_close(const struct live *l, const struct live_port *p, unsigned i,
	  uint64_t now_us)
{
	if (now_us >= p->leave_us) {
		return true;
	}
	for (unsigned k = 0; k < l->n_workers; k++) {
		const struct live_tap *t = &l->worker[k]->tap[i];

		if (t->told.n.seen > t->told.n.dropped + t->told.n.delivered) {
			return false;
		}
	}
	return true;
}

bool
live_ports_watch(struct live *l, uint64_t now_us)
{
	bool look = now_us >= l->watch_us, change = false;

	if (look) {
		l->watch_us = now_us + WATCH_US;
	}
	for (unsigned i = 0; i < l->n_ports; i++) {
		struct live_port *p = &l->port[i];

		if (look && p->state == PORT_OPEN) {
			watch_open(l, p, i, now_us);
			look_at_clock(l, p, i);
		} else if (p->state == PORT_OPENING ||
			   (look && p->state == PORT_AWAY)) {
			try_open(l, p, now_us);
		}
		change = change || p->state == PORT_READY ||
			 (p->state == PORT_LEAVING &&
			  may_close(l, p, i, now_us));
	}
	return change;
}

/* --- changes, at rest --- */

/* Adds up what the handles of interface 'i' told, and when they are closed
 * what they left. */
static void
sum_taps(const struct live *l, unsigned i, struct live_counters *out)
{
	for (unsigned k = 0; k < l->n_workers; k++) {
		const struct live_tap *t = &l->worker[k]->tap[i];
		const struct capture_live_counters *n = &t->told.n;

		out->kernel_seen += n->seen;
		out->kernel_dropped += n->dropped;
		out->delivered += n->delivered;
		out->bytes += n->bytes;
		out->truncated += n->truncated;
		out->waiting += n->seen - n->dropped - n->delivered;
		out->last_packet_us = MAX(out->last_packet_us, t->told.last_us);
	}
}

static void
close_port(struct live *l, unsigned i)
{
	struct live_port *p = &l->port[i];

	for (unsigned k = 0; k < l->n_workers; k++) {
		struct live_tap *t = &l->worker[k]->tap[i];

		if (t->handle != NULL) {
			/* with what is still to be inspected of the batch */
			capture_live_count(t->handle, &t->told.n);
		}
	}
	sum_taps(l, i, &p->past);
	p->past.unread += p->past.waiting;
	p->past.waiting = 0;
	for (unsigned k = 0; k < l->n_workers; k++) {
		struct live_tap *t = &l->worker[k]->tap[i];

		capture_live_close(t->handle);
		t->handle = NULL;
		memset(&t->told, 0, sizeof(t->told));
		t->broken = false;
	}
	p->state = PORT_AWAY;
	p->retry_us = p->wait_us = 0;
	p->told_error = false;
}

static enum err
take_in(struct live *l, unsigned i, struct diag *d)
{
	struct live_port *p = &l->port[i];
	struct iface_state now;
	enum err e = ERR_OK;

	for (unsigned k = 0; k < l->n_workers && e == ERR_OK; k++) {
		e = capture_live_begin(p->fresh[k], d);
	}
	if (e != ERR_OK) {
		drop_fresh(l, p);
		p->state = PORT_AWAY;
		return e;
	}
	for (unsigned k = 0; k < l->n_workers; k++) {
		l->worker[k]->tap[i].handle = p->fresh[k];
		/* one interface has nothing to be put in order with */
		tap_clock_reset(
			&l->worker[k]->tap[i].clock,
			l->n_ports > 1 &&
				tap_clock_is_foreign(p->conf->open.timestamp));
		p->fresh[k] = NULL;
	}
	p->n_fresh = 0;
	if (iface_look(l->watch, name_of(p), &now) == ERR_OK) {
		p->base = now; /* counted from here on, as the rest is */
	}
	p->state = PORT_OPEN;
	if (p->past.opens++ > 0) {
		log_info("interface %s is open again", name_of(p));
	} else {
		log_info("capturing on %s with %u worker%s", name_of(p),
			 l->n_workers, l->n_workers == 1 ? "" : "s");
		if (p->merges) {
			log_warn("interface %s puts packets together before "
				 "they are seen; to see each: ethtool -K %s "
				 "gro off lro off",
				 name_of(p), name_of(p));
		}
	}
	p->told_error = false;
	return ERR_OK;
}

enum err
live_ports_change(struct live *l, struct diag *d)
{
	uint64_t now_us = clock_mono_us();
	enum err e = ERR_OK;

	for (unsigned i = 0; i < l->n_ports; i++) {
		struct live_port *p = &l->port[i];

		if (p->state == PORT_LEAVING && may_close(l, p, i, now_us)) {
			close_port(l, i);
		}
		if (p->state == PORT_READY) {
			enum err one = take_in(l, i, d);

			e = e == ERR_OK ? one : e;
		}
	}
	return e;
}

void
live_ports_publish(struct live *l)
{
	for (unsigned i = 0; i < l->n_ports; i++) {
		const struct live_port *p = &l->port[i];
		struct live_counters n = p->past;

		snprintf(n.name, sizeof(n.name), "%s", name_of(p));
		n.up = p->state == PORT_OPEN && p->was_up;
		sum_taps(l, i, &n);
		pthread_mutex_lock(&l->lock);
		l->told[i] = n;
		pthread_mutex_unlock(&l->lock);
	}
}

void
live_ports_close(struct live *l)
{
	for (unsigned i = 0; i < l->n_ports; i++) {
		struct iface_state now;

		drop_fresh(l, &l->port[i]);
		if (l->port[i].state != PORT_OPEN) {
			continue;
		}
		if (iface_look(l->watch, name_of(&l->port[i]), &now) ==
			    ERR_OK &&
		    now.index == l->port[i].index) {
			add_wire(&l->port[i], &now);
		}
	}
	live_ports_publish(l);
	for (unsigned i = 0; i < l->n_ports; i++) {
		if (l->port[i].state == PORT_OPEN ||
		    l->port[i].state == PORT_LEAVING) {
			close_port(l, i);
		}
	}
}
