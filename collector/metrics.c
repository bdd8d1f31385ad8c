/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "collector/metrics.h"

#include "collector/part_json.h"
#include "common/clock.h"
#include "common/redis_reply.h"

/* clang-format off */
const struct metric_row metrics_rows[] = {
	{ "info", "info", METRIC_INFO, NULL, "Which version this is." },
	{ "confined.is", "confined", METRIC_INFO, NULL,
	  "What is held back from the program, in words." },
	{ "confined.landlock", "confined_landlock_version", METRIC_GAUGE, NULL,
	  "Version of Landlock in force; 0: none." },
	{ "confined.seccomp", "confined_system_calls", METRIC_GAUGE, NULL,
	  "System calls that seccomp lets through; 0: all." },
	{ "confined.threads.*", "confined_thread_system_calls", METRIC_GAUGE,
	  "kind", "Of those, what a thread of this kind may call." },
	{ "confined.capabilities", "confined_capabilities", METRIC_GAUGE,
	  NULL, "Capabilities that are left." },
	{ "uptime", "uptime_seconds", METRIC_GAUGE, NULL,
	  "Seconds since the start." },
	{ "lease.held", "lease_held", METRIC_GAUGE, NULL,
	  "1 while this collector writes the store, 0 while it stands by." },
	{ "lease.number", "lease_number", METRIC_GAUGE, NULL,
	  "Number of its lease; each taking of the store has the next." },
	{ "lease.others", "lease_others", METRIC_GAUGE, NULL,
	  "Other collectors of the store that live." },
	{ "lease.takeovers", "takeovers_total", METRIC_COUNTER, NULL,
	  "Leases taken of who had not given it up, since the store was "
	  "made." },
	{ "arming.up", "arming_up", METRIC_GAUGE, NULL,
	  "1 while indicators can be published." },
	{ "arming.epoch", "arming_epoch", METRIC_GAUGE, NULL,
	  "Epoch of what is published; 0: nothing yet." },
	{ "arming.version", "arming_version", METRIC_GAUGE, NULL,
	  "Newest change of the common set that is published." },
	{ "arming.base_records", "arming_base_records", METRIC_GAUGE, NULL,
	  "Records of the base that a sensor begins with." },
	{ "arming.base_bytes", "arming_base_bytes", METRIC_GAUGE, NULL,
	  "Its bytes in Redis." },
	{ "arming.slowest_us", "arming_slowest_us", METRIC_GAUGE, NULL,
	  "The longest that a delta took to Redis." },
	{ "arming.*", "arming_%_total", METRIC_COUNTER, NULL,
	  "Publishing indicators: %." },
	{ "total.frames", "frames_total", METRIC_COUNTER, NULL,
	  "Batches stored." },
	{ "total.alerts", "alerts_total", METRIC_COUNTER, NULL,
	  "Alerts stored." },
	{ "total.other_events", "events_other_total", METRIC_COUNTER, NULL,
	  "Events stored that are no alerts." },
	{ "total.bytes", "bytes_total", METRIC_COUNTER, NULL,
	  "Bytes of stored batches, inflated." },
	{ "total.frames_refused", "frames_refused_total", METRIC_COUNTER,
	  NULL, "Batches that are not what they claim to be." },
	{ "refused.*", "refused_total", METRIC_COUNTER, "cause",
	  "Batches, lines and presence refused, by cause." },
	{ "total.keys_reloads", "keys_reloads_total", METRIC_COUNTER, NULL,
	  "Times that the keys were read again." },
	{ "total.keys_failed", "keys_failed_total", METRIC_COUNTER, NULL,
	  "Times that they could not be, and the former ones stayed." },
	{ "total.frames_repeated", "frames_repeated_total", METRIC_COUNTER,
	  NULL, "Batches that were stored already." },
	{ "total.lines_refused", "lines_refused_total", METRIC_COUNTER, NULL,
	  "Lines of batches that are no events." },
	{ "total.gaps", "gaps_total", METRIC_COUNTER, NULL,
	  "Gap records: ranges of batches that a sensor shed." },
	{ "total.frames_lost", "frames_lost_total", METRIC_COUNTER, NULL,
	  "Batches that sensors shed from full spools." },
	{ "total.frames_abandoned", "frames_abandoned_total", METRIC_COUNTER,
	  NULL, "Batches given up after every try." },
	{ "total.entries_oversize", "entries_oversize_total", METRIC_COUNTER,
	  NULL, "Stream entries too long to be taken." },
	{ "total.epochs_forgotten", "epochs_forgotten_total", METRIC_COUNTER,
	  NULL, "Epochs of sensors that memory has no room for." },
	{ "total.epochs_fetched", "epochs_fetched_total", METRIC_COUNTER,
	  NULL, "Of these: read from the store when a batch came." },
	{ "total.commits", "commits_total", METRIC_COUNTER, NULL,
	  "Transactions committed." },
	{ "total.incidents_opened", "incidents_opened_total", METRIC_COUNTER,
	  NULL, "Incidents opened." },
	{ "total.warnings", "warnings_total", METRIC_COUNTER, NULL,
	  "Indicators that all sites were armed with by a warning." },
	{ "total.warnings_held", "warnings_held_total", METRIC_COUNTER, NULL,
	  "Warnings that the gate holds for an analyst." },
	{ "total.warnings_refused", "warnings_refused_total", METRIC_COUNTER,
	  NULL, "Warnings not given: too many of one site within an hour." },
	{ "total.incidents_merged", "incidents_merged_total", METRIC_COUNTER,
	  NULL, "Incidents merged into others." },
	{ "total.busy_seconds", "busy_seconds_total", METRIC_COUNTER, NULL,
	  "Seconds between a read and its commit." },
	{ "total.keys_evicted", "correlation_evicted_total", METRIC_COUNTER,
	  NULL, "Runs of sightings forgotten for want of room." },
	{ "total.links_refused", "correlation_links_refused_total",
	  METRIC_COUNTER, NULL, "Links not kept for want of room." },
	{ "total.contacts", "contacts_total", METRIC_COUNTER, NULL,
	  "Summaries of contacts taken in." },
	{ "total.contacts_refused", "contacts_refused_total", METRIC_COUNTER,
	  NULL, "Summaries not looked at: of too many sites." },
	{ "total.contacts_ignored", "contacts_ignored_total", METRIC_COUNTER,
	  NULL, "Summaries of hosts that the correlators ignore." },
	{ "total.contact_states_evicted", "contact_states_evicted_total",
	  METRIC_COUNTER, NULL,
	  "Hosts, pairs and ports forgotten for want of room." },
	{ "now.contact_states", "contact_states", METRIC_GAUGE, NULL,
	  "Hosts, pairs and ports that findings are made from." },
	{ "total.findings.*", "findings_total", METRIC_COUNTER, "kind",
	  "Findings made, by their kind." },
	{ "total.findings_forgotten", "findings_forgotten_total",
	  METRIC_COUNTER, NULL, "Findings that made room for newer ones." },
	{ "total.correlators.*", "correlator_incidents_total", METRIC_COUNTER,
	  "kind", "Incidents begun, by the correlator that began them." },
	{ "indicators.seconds", "indicators_slice_seconds_max", METRIC_GAUGE,
	  NULL, "The longest slice in which indicators were taken." },
	{ "indicators.taken.*", "indicators_taken_total", METRIC_COUNTER,
	  "outcome", "Records of indicators taken, by what came of them." },
	{ "outputs.failing", "outputs_failing", METRIC_GAUGE, NULL,
	  "Outputs whose last try failed." },
	{ "outputs.*", "outputs_%_total", METRIC_COUNTER, NULL,
	  "Events for other consoles: %." },
	{ "taxii.failing", "taxii_failing", METRIC_GAUGE, NULL,
	  "TAXII sources whose last poll failed." },
	{ "taxii.*", "taxii_%_total", METRIC_COUNTER, NULL,
	  "Asking TAXII servers for indicators: %." },
	{ "indicators.*", "indicators_%_total", METRIC_COUNTER, NULL,
	  "Of the common set: %." },
	{ "now.redis_up", "redis_up", METRIC_GAUGE, NULL,
	  "1 while connected to Redis." },
	{ "now.sensors", "sensors", METRIC_GAUGE, NULL,
	  "Sensors that have a stream." },
	{ "now.sensors_silent", "sensors_silent", METRIC_GAUGE, NULL,
	  "Sensors whose presence ran out without a goodbye." },
	{ "now.sensors_left_out", "sensors_left_out", METRIC_GAUGE, NULL,
	  "Sensors that are not looked at: too many." },
	{ "redis_troubles.*", "redis_troubles_total", METRIC_COUNTER, "kind",
	  "Errors of Redis and of the connection to it." },
	{ "store.frames_expired", "store_frames_expired_total",
	  METRIC_COUNTER, NULL,
	  "Batches dropped by the store's limits, since it was made." },
	{ "store.alerts_expired", "store_alerts_expired_total",
	  METRIC_COUNTER, NULL,
	  "Alerts dropped by the store's limits, since it was made." },
	{ "store.sensors_fell_silent", "store_sensors_fell_silent_total",
	  METRIC_COUNTER, NULL,
	  "Times that a sensor fell silent, since the store was made." },
	{ "store.silences", "correlator_silences_total", METRIC_COUNTER, NULL,
	  "Sensors that went blind near an incident, since the store was made." },
	{ "dropped.*", "store_dropped_total", METRIC_COUNTER, "what",
	  "Rows of the store's small tables that went, since it was made." },
	{ "consult.open", "consultations_open", METRIC_GAUGE, NULL,
	  "Consultations that are open, but for exercises." },
	{ "consult.waiting", "consultations_waiting", METRIC_GAUGE, NULL,
	  "Of these: an owner has not acknowledged." },
	{ "consult.overdue", "consultations_overdue", METRIC_GAUGE, NULL,
	  "Of these: an owner was called again." },
	{ "consult.closed", "consultations_closed", METRIC_GAUGE, NULL,
	  "Consultations that are closed and kept." },
	{ "consult.events", "consultation_events", METRIC_GAUGE, NULL,
	  "What was said in consultations, kept." },
	{ "consult.refused", "consultation_events_refused_total",
	  METRIC_COUNTER, NULL,
	  "Events of consultations refused, since the store was made." },
	{ "consult.expired", "consultations_expired_total", METRIC_COUNTER,
	  NULL, "Closed consultations that made room for others." },
	{ "turns.exchange", "exchange_turn_seconds_max", METRIC_GAUGE, NULL,
	  "The longest turn in which partners' bundles were taken." },
	{ "exchange.*.up", "exchange_up", METRIC_GAUGE, "partner",
	  "1 while what is for a partner can be sent." },
	{ "exchange.*.made", "exchange_bundles_made", METRIC_GAUGE, "partner",
	  "Bundles made for a partner in this epoch." },
	{ "exchange.*.acknowledged", "exchange_bundles_acknowledged",
	  METRIC_GAUGE, "partner", "Of these: applied, by its signed point." },
	{ "exchange.*.waiting", "exchange_bundles_waiting", METRIC_GAUGE,
	  "partner", "Bundles that wait for a partner." },
	{ "exchange.*.waiting_bytes", "exchange_waiting_bytes", METRIC_GAUGE,
	  "partner", "Their size." },
	{ "exchange.*.objects", "exchange_objects_total", METRIC_COUNTER,
	  "partner", "Objects released to a partner, since the store was made." },
	{ "exchange.*.held", "exchange_held_total", METRIC_COUNTER, "partner",
	  "Things that changed and were held back from it." },
	{ "received.*.epoch", "exchange_received_epoch", METRIC_GAUGE,
	  "partner", "Epoch of a partner's bundles." },
	{ "received.*.seq", "exchange_received_bundle", METRIC_GAUGE, "partner",
	  "Number of the last bundle of a partner that was applied." },
	{ "received.*.at", "exchange_received_time_seconds", METRIC_GAUGE,
	  "partner", "When that was; 0: never." },
	{ "received.*.lag", "exchange_received_lag_seconds", METRIC_GAUGE,
	  "partner", "How long it had waited here." },
	{ "received.*.kept.*", "exchange_received_kept", METRIC_GAUGE,
	  "partner,what", "What is kept of what a partner told." },
	{ "received.*.taken.*", "exchange_received_total", METRIC_COUNTER,
	  "partner,what", "What came of a partner's bundles." },
	{ "received.*.refused.*", "exchange_refused_total", METRIC_COUNTER,
	  "partner,cause",
	  "Bundles of a partner, or objects of them, refused." },
	{ "parts.own.waiting", "part_records_waiting", METRIC_GAUGE, NULL,
	  "Of a part: records that the head does not have yet." },
	{ "parts.own.waiting_bytes", "part_waiting_bytes", METRIC_GAUGE, NULL,
	  "Of a part: bytes that are kept for the head." },
	{ "parts.own.full", "part_full", METRIC_GAUGE, NULL,
	  "1 while a part lets its sensors wait, because the head is behind." },
	{ "parts.own.*", "part_%_total", METRIC_COUNTER, NULL,
	  "Of a part, for the head: %." },
	{ "parts.head.*", "head_%_total", METRIC_COUNTER, NULL,
	  "Of the head, from its parts: %." },
	{ "parts.each.*.up", "parts_up", METRIC_GAUGE, "part",
	  "At the head: 1 while a part is heard of." },
	{ "parts.each.*.behind", "parts_records_behind", METRIC_GAUGE, "part",
	  "At the head: records that a part said and that did not come yet." },
	{ "parts.each.*.lost", "parts_records_lost", METRIC_GAUGE, "part",
	  "At the head: records of a part that nobody has any more." },
	{ "parts.each.*.alerts", "parts_alerts", METRIC_GAUGE, "part",
	  "At the head: alerts of a part that are joined." },
	{ "sensors.*.sensors.*.holds", "ledger_holds", METRIC_GAUGE,
	  "site,sensor",
	  "1 while a sensor's ledger adds up, 0 when it does not." },
	{ "sensors.*.sensors.*.equations.*", "ledger_equation_holds",
	  METRIC_GAUGE, "site,sensor,equation",
	  "The same by equation; absent while it cannot be said." },
	{ "sensors.*.sensors.*.lost.*", "ledger_events_lost", METRIC_GAUGE,
	  "site,sensor,cause",
	  "Events that a sensor lost since the birth of its spool." },
	{ "sensors.*.sensors.*.raised", "ledger_events_raised", METRIC_GAUGE,
	  "site,sensor",
	  "Events that a sensor raised since the birth of its spool." },
	{ "sensors.*.sensors.*.waiting", "ledger_events_waiting",
	  METRIC_GAUGE, "site,sensor",
	  "Events in a sensor's spool that are not stored." },
	{ "ledgers.broken", "ledgers_broken", METRIC_GAUGE, NULL,
	  "Sensors whose ledger does not add up." },
	{ "ledgers.unknown", "ledgers_unknown", METRIC_GAUGE, NULL,
	  "Sensors of whose ledger it cannot be said." },
	{ "ledgers.left_out", "ledgers_left_out", METRIC_GAUGE, NULL,
	  "Sensors of which nothing single is told here: too many." },
	{ "blind_open", "blind_open", METRIC_GAUGE, NULL,
	  "Blind intervals that are open now." },
	{ "blind.*.*", "blind_open_by_cause", METRIC_GAUGE, "site,cause",
	  "The same of sites that have one." },
	{ "now.posture", "posture_level", METRIC_GAUGE, NULL,
	  "Number of the level of readiness that holds for all sites." },
	{ "now.posture_sensors", "posture_sensors", METRIC_GAUGE, NULL,
	  "Sensors that run, as of the last look at their posture." },
	{ "now.posture_behind", "posture_sensors_behind", METRIC_GAUGE, NULL,
	  "Sensors that run and do not obey what was ordered yet." },
	{ "clocks.*.*.ahead", "clock_ahead_seconds", METRIC_GAUGE,
	  "site,sensor", "How far a sensor's clock is ahead of the others'." },
	{ "clocks.*.*.shared", "clock_shared_connections", METRIC_GAUGE,
	  "site,sensor", "Connections by which it was compared." },
	{ "clocks.*.*.off", "clock_off", METRIC_GAUGE, "site,sensor",
	  "1 while at least two others agree that it is wrong." },
	{ "taps.observations", "observations_total", METRIC_COUNTER, NULL,
	  "Alerts looked at for others of the same event." },
	{ "taps.events", "observations_distinct_total", METRIC_COUNTER, NULL,
	  "Events that these are." },
	{ "taps.rejoined", "observations_rejoined_total", METRIC_COUNTER, NULL,
	  "Events that turned out to be part of others." },
	{ "taps.evicted", "observations_forgotten_total", METRIC_COUNTER,
	  NULL, "Of these alerts, those forgotten for want of room." },
	{ "taps.anchors", "anchors_total", METRIC_COUNTER, NULL,
	  "Handshakes told of to compare clocks." },
	{ "taps.shared", "anchors_shared_total", METRIC_COUNTER, NULL,
	  "Comparisons that they made." },
	{ "taps.refused", "anchors_refused_total", METRIC_COUNTER, NULL,
	  "Anchors and comparisons left out for want of room." },
	{ "now.*", "correlation_%", METRIC_GAUGE, NULL,
	  "In the memory of the correlation: %." },
};
/* clang-format on */
const size_t metrics_n_rows = ARRAY_LEN(metrics_rows);

static void
write_troubles(struct json *j, const uint64_t *n)
{
	json_obj(j, "redis_troubles");
	for (int t = REDIS_NO_TROUBLE + 1; t < REDIS_TROUBLES; t++) {
		json_u64(j, redis_trouble_name((enum redis_trouble)t), n[t]);
	}
	json_obj_end(j);
}

static void
write_refused(struct json *j, const uint64_t *n)
{
	json_obj(j, "refused");
	for (int c = CAUSE_NONE + 1; c < PIPELINE_CAUSES; c++) {
		json_u64(j, pipeline_cause_name((enum pipeline_cause)c), n[c]);
	}
	json_obj_end(j);
}

/* What sensors are told of the common indicators. */
static void
put_arm(struct json *j, struct arm *arm)
{
	struct arm_status s;

	if (arm == NULL) {
		return;
	}
	arm_read(arm, &s);
	json_obj(j, "arming");
	json_bool(j, "up", s.reachable);
	json_u64(j, "epoch", s.epoch);
	json_u64(j, "version", s.version);
	json_u64(j, "base_records", s.base_records);
	json_u64(j, "base_bytes", s.base_bytes);
	json_u64(j, "slowest_us", s.slowest_us);
	json_u64(j, "deltas", s.deltas);
	json_u64(j, "records", s.records);
	json_u64(j, "bases", s.bases);
	json_u64(j, "epochs", s.epochs);
	json_u64(j, "refused", s.refused);
	json_u64(j, "failed", s.failed);
	json_obj_end(j);
}

/* The servers that are asked for indicators. */
static void
put_polls(struct json *j, const struct indicator_polls *polls)
{
	struct indicator_poll_stats s;

	if (polls == NULL) {
		return;
	}
	indicator_polls_stats(polls, &s);
	json_obj(j, "taxii");
	json_u64(j, "failing", s.failing);
	json_u64(j, "polls", s.polls);
	json_u64(j, "failed", s.failed);
	json_u64(j, "entries", s.entries);
	json_obj_end(j);
}

/* Other consoles that are told. */
static void
put_outputs(struct json *j, const struct outputs *outputs)
{
	struct output_stats s;

	if (outputs == NULL) {
		return;
	}
	outputs_stats(outputs, &s);
	json_obj(j, "outputs");
	json_u64(j, "failing", s.failing);
	json_u64(j, "told", s.told);
	json_u64(j, "refused", s.refused);
	json_u64(j, "lost", s.lost);
	json_u64(j, "failures", s.failures);
	json_obj_end(j);
}

static uint64_t
states_of(const uint64_t n[STATE_KINDS])
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < STATE_KINDS; k++) {
		sum += n[k];
	}
	return sum;
}

static void
put_findings(struct json *j, const struct pipeline_stats *s,
	     const struct finder_stats *f)
{
	json_u64(j, "contacts", s->contacts);
	json_u64(j, "contacts_refused", f->refused);
	json_u64(j, "contacts_ignored", f->ignored);
	json_u64(j, "contact_states_evicted", states_of(f->states.evicted));
	json_u64(j, "findings_forgotten", s->findings_forgotten);
	json_obj(j, "findings");
	for (unsigned k = 0; k < FINDING_KINDS; k++) {
		json_u64(j, finding_kind_name((enum finding_kind)k),
			 s->findings[k]);
	}
	json_obj_end(j);
}

static void
write_indicators(struct json *j, const struct pipeline *p)
{
	struct common_set_stats s;

	pipeline_common(p, &s);
	json_obj(j, "indicators");
	json_f64(j, "seconds", (double)s.slice_max_us / (double)US_PER_S);
	json_obj(j, "taken");
	json_u64(j, "new", s.added);
	json_u64(j, "changed", s.changed);
	json_u64(j, "same", s.same);
	json_u64(j, "older", s.stale);
	json_u64(j, "revoked", s.revoked);
	json_u64(j, "no_room", s.no_room);
	json_obj_end(j);
	json_u64(j, "held", s.held);
	json_u64(j, "expired", s.expired);
	json_u64(j, "withdrawn", s.withdrawn);
	json_u64(j, "forgotten", s.forgotten);
	json_u64(j, "imports", s.imports);
	json_u64(j, "slices", s.slices);
	json_u64(j, "slices_failed", s.failed);
	json_obj_end(j);
}

/* Who we are, and whether it is us who writes. */
static void
begin(struct json *j, struct lease *lease, const struct confine_state *confined,
      uint64_t uptime_us)
{
	struct lease_status l;

	json_reset(j);
	json_obj(j, NULL);
	json_obj(j, "info");
	json_cstr(j, "version", PACKAGE_VERSION);
	json_obj_end(j);
	confine_json(confined, j, "confined");
	json_u64(j, "uptime", uptime_us / US_PER_S);
	if (lease == NULL) {
		return;
	}
	lease_status(lease, &l);
	json_obj(j, "lease");
	json_bool(j, "held", l.held);
	json_u64(j, "number", l.number);
	json_u64(j, "others", l.others);
	if (l.held) {
		json_u64(j, "takeovers", l.takeovers);
	}
	json_obj_end(j);
}

void
metrics_standby(struct json *j, struct lease *lease,
		const struct confine_state *confined, uint64_t uptime_us)
{
	begin(j, lease, confined, uptime_us);
	json_obj_end(j);
}

void
metrics_write(struct json *j, const struct pipeline *p, struct lease *lease,
	      struct arm *arm, struct indicator_polls *polls,
	      struct outputs *outputs, struct metrics_store *store,
	      const struct confine_state *confined, uint64_t uptime_us)
{
	struct pipeline_stats s;
	struct pipeline_facts f;

	pipeline_stats(p, &s);
	pipeline_facts(p, &f);
	begin(j, lease, confined, uptime_us);
	put_arm(j, arm);
	put_polls(j, polls);
	put_outputs(j, outputs);
	json_obj(j, "total");
	json_u64(j, "frames", s.frames);
	json_u64(j, "alerts", s.alerts);
	json_u64(j, "other_events", s.other_events);
	json_u64(j, "bytes", s.bytes);
	json_u64(j, "frames_refused", s.frames_refused);
	json_u64(j, "keys_reloads", s.keys_reloads);
	json_u64(j, "keys_failed", s.keys_failed);
	json_u64(j, "frames_repeated", s.frames_repeated);
	json_u64(j, "lines_refused", s.lines_refused);
	json_u64(j, "gaps", s.gaps);
	json_u64(j, "frames_lost", s.frames_lost);
	json_u64(j, "frames_abandoned", s.frames_abandoned);
	json_u64(j, "warnings", s.warnings);
	json_u64(j, "warnings_held", s.warnings_held);
	json_u64(j, "warnings_refused", s.warnings_refused);
	json_u64(j, "entries_oversize", s.entries_oversize);
	json_u64(j, "epochs_forgotten", f.epochs_forgotten);
	json_u64(j, "epochs_fetched", s.epochs_fetched);
	json_u64(j, "commits", s.commits);
	json_u64(j, "incidents_opened", s.incidents_opened);
	json_u64(j, "incidents_merged", s.incidents_merged);
	json_f64(j, "busy_seconds", (double)s.busy_us / (double)US_PER_S);
	json_u64(j, "keys_evicted", f.correlate.evicted);
	json_u64(j, "links_refused", f.correlate.links_refused);
	put_findings(j, &s, &f.finder);
	json_obj(j, "correlators");
	json_u64(j, "shared", f.correlate.shared);
	json_u64(j, "stages", f.correlate.stages);
	json_u64(j, "flood", f.correlate.flood);
	json_obj_end(j);
	json_obj_end(j);
	json_obj(j, "now");
	json_bool(j, "redis_up", f.broker_up);
	json_u64(j, "sensors", f.sensors);
	json_u64(j, "sensors_silent", f.sensors_silent);
	json_u64(j, "sensors_left_out", f.sensors_left_out);
	json_u64(j, "contact_states", states_of(f.finder.states.n));
	json_u64(j, "keys", f.correlate.runs);
	json_u64(j, "links", f.correlate.links);
	json_u64(j, "mutes", f.correlate.mutes);
	json_u64(j, "incidents", f.correlate.incidents);
	json_u64(j, "posture", f.posture_number);
	json_u64(j, "posture_sensors", f.posture_sensors);
	json_u64(j, "posture_behind", f.posture_behind);
	json_obj_end(j);
	write_indicators(j, p);
	json_obj(j, "turns");
	json_f64(j, "exchange", (double)f.exchange_turn_us / (double)US_PER_S);
	json_obj_end(j);
	json_obj(j, "taps");
	json_u64(j, "observations", f.taps.twins.observed);
	json_u64(j, "events", f.taps.twins.events);
	json_u64(j, "rejoined", f.taps.twins.rejoined);
	json_u64(j, "evicted", f.taps.twins.evicted);
	json_u64(j, "anchors", f.taps.skew.anchors);
	json_u64(j, "shared", f.taps.skew.shared);
	json_u64(j, "refused", f.taps.skew.refused);
	json_obj_end(j);
	part_json(j, f.part_out, f.part_in);
	write_troubles(j, f.redis_troubles);
	write_refused(j, s.refused);
	metrics_store_write(store, f.store, j);
	json_obj_end(j);
}
