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

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "sensor/armed.h"
#include "sensor/confined.h"
#include "sensor/drop_report.h"
#include "sensor/event_lane.h"
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

/* The posture: told by the forwarder's thread, put in force between rounds. */
struct sensor_posture {
	pthread_mutex_t lock; /* for all of it */
	bool waits; /* 'told' is not looked at yet */
	struct posture told, running;
	uint64_t told_version, running_version;
	char error[160]; /* why 'told' is not in force; "": it is */
};

/* Exercises: told by the forwarder's thread, marked between rounds. */
struct sensor_exercises {
	pthread_mutex_t lock; /* for all but 'retired' */
	bool waits; /* 'told' differs from what is on */
	struct event_lanes *told; /* what is to be; or NULL */
	char names[EVENT_LANES_MAX * EXERCISE_NAME_CAP]; /* that are on */
	uint64_t refused; /* there were too many already */
	/* All that were made: events that are not written yet name them. */
	struct retired_lanes *retired;
};

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
	struct armed *armed; /* NULL: no common indicators */
	struct evidence *evidence; /* NULL: no packet is ever kept */
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
	struct sensor_posture posture;
	struct sensor_exercises exercises;
	const struct event_lanes *lanes; /* that are on, or NULL */
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
/* Common indicators, where they are to come from: ERR_USAGE, ERR_NOMEM. */
enum err sensor_open_armed(struct sensor *s, struct diag *d) MUST_CHECK;
/* With what is on the disk and, of interfaces, what comes from now on. */
enum err sensor_start_armed(struct sensor *s, struct diag *d) MUST_CHECK;
/* Nothing without --redis; errors as forward_start(). */
enum err sensor_start_forward(struct sensor *s, struct diag *d) MUST_CHECK;
/* What is not yet in the collector's store waits in the spool. */
void sensor_stop_forward(struct sensor *s);
/* What the statistics say of Redis: as of now. */
void sensor_look_at_forward(struct sensor *s);

/* sensor_posture.c: what the collector's posture changes. */
/* A document came; any thread. */
void sensor_posture_told(struct sensor *s, const struct control_doc *doc);
/* Puts the one that was told last in force; no worker runs. */
void sensor_posture_turn(struct sensor *s, bool idle);
/* What presence says of it; any thread. */
void sensor_posture_facts(struct sensor *s, struct presence_facts *out);
/* sensor_exercise.c: which exercises are on. */
void sensor_exercise_told(struct sensor *s, const struct control_doc *doc,
			  struct view text);
void sensor_exercise_turn(struct sensor *s, bool idle);
void sensor_exercise_facts(struct sensor *s, struct presence_facts *out);
/* When no event is left to be written. */
void sensor_exercise_free(struct sensor *s);

/* Has the workers go by the posture and the exercises that hold; no worker runs.
 * ERR_USAGE, ERR_NOMEM with diag: all stays as it was. */
enum err sensor_put_in_force(struct sensor *s, const struct posture *p,
			     struct diag *d) MUST_CHECK;
/* How soon things are told, by settings and 'p', which may be NULL. */
struct forward_pace sensor_pace(const struct sensor *s,
				const struct posture *p);

void sensor_catch_signals(void);
/* Between rounds, for 'arg', a struct sensor: what signals asked for, and
 * progress.  'idle': no worker runs, so that their counters may be read. */
void sensor_tick(void *arg, bool idle);
/* Takes the packets' counters down for the ledger, every other second. */
void sensor_tell_packets(struct sensor *s, bool idle);
/* Asks the index for what was armed from the disk; no thread does. */
void sensor_ask_armed(struct sensor *s);
/* Has the armed patterns of the disk taken into the set of rules. */
void sensor_load_patterns(struct sensor *s);
/* All that was asked of the index is answered, and the answers are said. */
void sensor_end_retro(struct sensor *s);
void sensor_write_stats_event(struct sensor *s, uint64_t ts_us);
/* --stats; an exit status. */
int sensor_write_stats_file(struct sensor *s);

#endif
