/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_state.h - the inside of live capture: rounds, workers, interfaces
 *
 * Internal: included by live.c and live_*.c only.
 *
 * Who may touch what is settled by rounds.  The keeper (who called live_run())
 * asks for the end of a round; each worker hands over at its next batch and
 * goes on.  What a worker handed over is the keeper's until it asks again.  In
 * a round that rests the workers wait, and everything is the keeper's.
 *
 * Place    with live.
 * Threads  as said at each part.
 * Memory   as live.h.
 * Cost     as live.h.
 */
#ifndef SENSOR_LIVE_STATE_H
#define SENSOR_LIVE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "sensor/iface.h"
#include "sensor/live.h"
#include "sensor/tap_clock.h"

/* Frames that a worker takes at once, at most. */
#define LIVE_GATHER (4 * BATCH_FRAMES)

/* One worker's handle of one interface. */
struct live_tap {
	/* The keeper's, changed at rest. */
	struct capture_live *handle; /* NULL: not open */
	uint16_t iface;
	/* The worker's. */
	struct batch_frames *batch;
	uint32_t at; /* the next one of it */
	bool more; /* the latest read gave something */
	bool broken;
	struct tap_clock clock;
	uint64_t last_us;
	uint64_t dropped; /* by its ring, as live_load.c saw last */
	/* Handed over at the end of a round. */
	struct {
		struct capture_live_counters n;
		uint64_t last_us;
		bool broken;
		bool clock_off;
		int64_t clock_shift_us;
	} told;
	struct diag why; /* it is broken */
};

enum live_mode {
	LIVE_RUN,
	LIVE_REST, /* wait behind this round until told to go on */
	LIVE_END, /* read what is there; the last round ends all flows */
};

struct live_worker {
	struct live *live;
	unsigned index;
	struct worker *worker;
	pthread_t thread;
	int wake_fd; /* eventfd: the keeper wants something */
	_Atomic uint64_t closed; /* the latest round handed over */

	/* The worker's. */
	struct live_tap tap[LIVE_MAX_INTERFACES];
	struct frame *frame[LIVE_GATHER];
	struct outbox *out;
	unsigned n_open; /* handles that can be read */
	uint64_t looked_us; /* wall clock before they were */
	uint64_t held_us; /* when the frame that waits may go; 0: none does */
	struct flow_clock clock;
	uint64_t clock_mono_us; /* when it was set */
	uint32_t busy;
	uint64_t load_us; /* when live_load.c looked last */
	bool shut; /* the end was told */
	uint64_t progress_us, progress_n; /* while shut */

	/* Handed over. */
	struct outbox *full;
	struct live_load load;
	bool ended;
};

/* One interface; the keeper's. */
struct live_port {
	const struct live_iface_conf *conf;
	enum {
		PORT_AWAY,
		PORT_OPENING,
		PORT_READY,
		PORT_OPEN,
		PORT_LEAVING
	} state;
	unsigned index; /* the interface's own, when it was opened */
	bool was_up;
	bool merges; /* see iface.h */
	struct fanout_group group;
	/* PORT_OPENING: the first 'n_fresh' are settled and in the group;
	 * PORT_READY: all are, to be handed to the workers at rest. */
	struct capture_live *fresh[LIVE_MAX_WORKERS];
	unsigned n_fresh;
	struct live_counters past; /* of handles that are closed */
	struct iface_state base; /* of the wire: told of already */
	uint64_t retry_us, wait_us; /* when to try again; how long then */
	uint64_t leave_us; /* PORT_LEAVING: closed by then */
	bool told_error; /* the same trouble is told once */
	bool told_clock; /* that the adapter's is far from the host's */
};

struct live {
	const struct live_conf *conf;
	const struct live_settings *set;
	unsigned n_workers, n_ports;
	uint32_t key; /* of the fanout */
	uint64_t hold_us; /* see live_worker.c */
	struct live_worker *worker[LIVE_MAX_WORKERS];
	struct live_port port[LIVE_MAX_INTERFACES];
	struct iface_watch *watch;
	uint64_t watch_us; /* when to look at the interfaces again */

	int done_fd; /* eventfd: a worker closed its round */
	_Atomic uint64_t wanted; /* the round that workers are to close */
	enum live_mode mode; /* of it */
	pthread_mutex_t lock; /* for resumed and told */
	pthread_cond_t go_on;
	uint64_t resumed;
	struct live_counters told[LIVE_MAX_INTERFACES];

	/* A set that went in use, until its former one's last alert is out. */
	struct reload_change *change;
	uint64_t change_mark;
};

/* live_worker.c: the thread of a worker. */
void *live_worker_run(void *arg);

/* live_load.c: tells the worker how far it is behind, now and then. */
void live_look_at_load(struct live_worker *w);

/* live_port.c: interfaces; called by the keeper. */
/* For the start: ERR_AGAIN when it is down, and will be waited for. */
enum err live_port_open(struct live *l, struct live_port *p,
			struct diag *d) MUST_CHECK;
/* Looks after all; whether one is to be taken in or closed, at rest. */
bool live_ports_watch(struct live *l, uint64_t now_us);
/* At rest: takes in what is ready, closes what is over.  Only a filter that
 * does not fit is an error. */
enum err live_ports_change(struct live *l, struct diag *d) MUST_CHECK;
/* From what workers told last. */
void live_ports_publish(struct live *l);
void live_ports_close(struct live *l);

#endif
