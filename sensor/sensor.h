/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sensor.h - everything that runs in one picket-sensor
 *
 * main.c has the order in which it starts and stops.  sensor_rules.c loads the
 * first rules, sensor_forward.c has what is told to Redis and heard from it,
 * sensor_tick.c does between rounds what signals and clocks ask for.
 *
 * Place    the program's own: included by main.c and sensor_*.c only.
 * Threads  main's, except for what the forwarder's thread calls back, which
 *          reads what does not change and 'packets'.
 * Memory   one, for the life of the process.
 */
#ifndef SENSOR_SENSOR_H
#define SENSOR_SENSOR_H

#include <signal.h>
#include <stdatomic.h>

#include "sensor/confined.h"
#include "sensor/drop_report.h"
#include "sensor/forward.h"
#include "sensor/live.h"
#include "sensor/options.h"
#include "sensor/packet_ledger.h"
#include "sensor/profile.h"
#include "sensor/progress.h"
#include "sensor/reload.h"
#include "sensor/replay.h"
#include "sensor/service.h"
#include "sensor/stats.h"

/* What the process ends with. */
enum { SENSOR_DONE = 0, SENSOR_FAILED = 1, SENSOR_USAGE = 2 };

/* Everything that runs, in the order it was started. */
struct sensor {
	struct options opt;
	struct reload_settings loading;
	struct ruleset *rules; /* the first; the reload's once that runs */
	struct reload *reload;
	struct capture *capture; /* of files, or */
	struct live *live;
	uint64_t stats_due_us; /* live: a stats event; 0: none */
	struct forward *forward;
	struct forward_stats forwarded; /* as last asked for */
	struct sink *sink;
	struct shared_state *shared;
	struct retro *retro; /* NULL: nothing is kept */
	struct worker *worker[64];
	unsigned n_workers;
	struct stats_source stats;
	struct profile_start profile;
	struct progress *progress;
	struct service service;
	struct confine_state confined;
	struct json json;
	bool reader_gone; /* of standard output: told */
	uint64_t started_ms;
	struct packet_ledger *packets_told;
	uint64_t next_ledger_us;
	struct drop_report drops;
	uint64_t next_drops_us;
	_Atomic uint64_t packets; /* published for the forwarder's thread */
};

/* A signal asked to end: the drivers of packets look at it. */
extern volatile sig_atomic_t sensor_stop_requested;
/* Somebody wants to read the workers' counters: see sensor_tick(). */
extern volatile sig_atomic_t sensor_idle_wanted;

/*
 * The first ruleset, into s->rules; with --check also all that can be told
 * before the first packet.  An exit status; what is wrong was logged.
 */
int sensor_load_rules(struct sensor *s);
/* --check-json prints JSON also when there is nothing else to tell. */
void sensor_print_failure(struct sensor *s, const char *why);

/* Where root has its spool is known while we are root. */
enum err sensor_place_spool(struct sensor *s, struct diag *d) MUST_CHECK;
/* Nothing without --redis; errors as forward_start(). */
enum err sensor_start_forward(struct sensor *s, struct diag *d) MUST_CHECK;
/* What is not yet in the collector's store waits in the spool. */
void sensor_stop_forward(struct sensor *s);
/* What the statistics say of Redis: as of now. */
void sensor_look_at_forward(struct sensor *s);

void sensor_catch_signals(void);
/* Between rounds, for 'arg', a struct sensor: what signals asked for, and
 * progress.  'idle': no worker runs, so that their counters may be read. */
void sensor_tick(void *arg, bool idle);
/* Takes the packets' counters down for the ledger, every other second. */
void sensor_tell_packets(struct sensor *s, bool idle);
/* All that was asked of the index is answered, and the answers are said. */
void sensor_end_retro(struct sensor *s);
void sensor_write_stats_event(struct sensor *s, uint64_t ts_us);
/* --stats; an exit status. */
int sensor_write_stats_file(struct sensor *s);

#endif
