/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - one core's pipeline, frame in to event lines out
 *
 * The order of the stages stands in worker*.c and nowhere else:
 * decode, flow, stream, app, fill, match, event_log.
 *
 * Place    root of the packet path.
 * Threads  one worker, one thread; shares only the published ruleset.
 * Memory   its pool bounds all that traffic can grow.
 * Cost     no heap allocation, lock, system call or print per packet.
 */
#ifndef SENSOR_WORKER_H
#define SENSOR_WORKER_H

#include "rules/rule_match.h"
#include "sensor/alert_conf.h"
#include "sensor/contacts.h"
#include "sensor/decode.h"
#include "sensor/event_log.h"
#include "sensor/overload.h"
#include "sensor/pair_owners.h"

struct worker;
struct retro_notes;
struct evidence_tap;
struct tag_counters;
struct rule_profile;

struct worker_settings {
	const struct conf *conf;
	const struct ruleset *rules;
	struct event_origin origin;
	/* Bit per enum event_type that somebody wants. */
	uint32_t event_types;
	size_t memory_limit; /* of the pool, bytes */
	size_t memory_ready; /* so much of it is there from the start */
	bool profile; /* count and time the rules */
	/* The writer makes the lines of all events, not of alerts alone: it has
	 * time to spare, with few workers. */
	bool late_events;
	/* Settles claims at once, for a lone worker; NULL: the sink does. */
	struct shared_state *shared;
	/* Where what it sees is noted for later questions; NULL: nowhere.
	 * Outlives the worker. */
	struct retro_notes *retro;
	/* Where packets of alerts are kept; NULL: nowhere.  Outlives the
	 * worker. */
	struct evidence_tap *evidence;
	/* How contacts of hosts are summed up; NULL: they are not.  Outlives
	 * the worker. */
	const struct contacts_conf *contacts;
	/* What it may give up when it is behind; NULL: nothing.  Outlives the
	 * worker. */
	const struct overload_conf *overload;
};

/* Every frame is in exactly one of inspected, skipped_* (docs/design.md). */
/* clang-format off */
#define WORKER_COUNTER_LIST(C) \
	C(frames) \
	C(bytes) \
	C(inspected) \
	C(skipped_not_ip) \
	C(skipped_invalid) \
	C(skipped_shed) \
	C(packets) \
	C(alerts) C(alerts_lost) C(tunnel_packets) C(pseudo_packets) \
		C(anomalies) C(events_lost) C(bypassed_packets) \
		C(bypassed_bytes) C(bypassed_by_rule) C(bypassed_encrypted) \
		C(bypassed_depth) C(unseen_flows) C(unseen_packets) C(unseen_bytes)
/* clang-format on */

struct worker_counters {
#define C(name) uint64_t name;
	WORKER_COUNTER_LIST(C)
#undef C
};

/* NULL when out of memory. */
struct worker *worker_new(const struct worker_settings *s);
void worker_free(struct worker *w);
/* Has contacts summed up by a thread of their own, before the first frame; see
 * contacts_desk.h.  Of a worker that has none: nothing. */
enum err worker_start_contacts(struct worker *w, bool wait,
			       struct diag *d) MUST_CHECK;

/*
 * Goes on with another ruleset, between two frames: takes 'next' and returns
 * the former matcher, which is the caller's now.  What flows remember stays.
 */
struct rule_matcher *worker_change_rules(struct worker *w,
					 struct rule_matcher *next);

/* Other events, other things shown by alerts, and other exercises (or NULL),
 * from the next frame on. */
bool worker_set_posture(struct worker *w, uint32_t event_types,
			const struct alert_conf *alert,
			const struct event_lanes *lanes) MUST_CHECK;

/* Runs one frame through the pipeline; event lines go to 'out'. */
void worker_frame(struct worker *w, const struct frame *f, struct outbox *out);
/*
 * The same for several, in their order: knowing those to come it has what they
 * need in the cache by then.
 */
void worker_frames(struct worker *w, struct frame *const *v, unsigned n,
		   struct outbox *out);

/*
 * Bytes that are going to be frames: the next call of worker_frames() sends for
 * as many of them as its own frames have, a few with each.
 */
void worker_expect(struct worker *w, struct view next);

/*
 * One frame with packets of several pairs of addresses, or with a fragment,
 * which holds who knows what: every worker that owns one of its packets is
 * given it, decodes all of it and goes on with what is its own.  A fragment
 * goes to all workers, so that each knows the datagrams that it is part of.
 */
void worker_frame_part(struct worker *w, const struct frame *f,
		       struct pair_owners *owners, unsigned self,
		       struct outbox *out);
/* For the dispatcher: decode_lone_pair() and decode_pairs(). */
const struct decoder *worker_decoder(const struct worker *w);

/*
 * Ends flows whose time is up at 'now_us', which is believed: the caller saw
 * the packets of all workers.  'number' orders their events:
 * the last frame of the round, so that rounds give the same output whoever
 * does the work.
 */
void worker_expire(struct worker *w, uint64_t now_us, uint64_t number,
		   struct outbox *out);
/* Ends all flows at the capture's end. */
void worker_finish(struct worker *w, uint64_t now_us, uint64_t number,
		   struct outbox *out);

/*
 * How full the buffer is that its frames come from, of OVERLOAD_FULL; decides
 * what the next frames give up.  As overload_gauge().
 */
void worker_behind(struct worker *w, unsigned fill, uint64_t now_us);
/* What it gave up so far, and its level. */
const struct overload *worker_overload(const struct worker *w);

const struct worker_counters *worker_counters(const struct worker *w);
void worker_decode(const struct worker *w, struct decode_counters *out);
const struct flow_counters *worker_flows(const struct worker *w);
const struct stream_counters *worker_streams(const struct worker *w);
const struct app_counters *worker_apps(const struct worker *w);
const struct file_ctx *worker_files(const struct worker *w);
const struct rule_matcher_stats *worker_matcher(const struct worker *w);
/* NULL without 'contacts'. */
const struct contacts_counters *worker_contacts(const struct worker *w);
/* NULL unless 'profile' was set. */
const struct rule_profile *worker_costs(const struct worker *w);
/* NULL when no rule tags. */
const struct tag_counters *worker_tags(const struct worker *w);
size_t worker_memory(const struct worker *w); /* pool bytes in use */
/* Times that the pool asked the system for more than 'memory_ready'. */
uint64_t worker_pool_misses(const struct worker *w);

#endif
