/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_digests - a line for each capture: what was written of it, as numbers
 *
 *	alert_digests RULES PREFIX < LIST-OF-CAPTURES
 *
 * Loads the rules once and runs each capture through a sensor of its own,
 * twice: with nothing wanted but alerts; then with every kind of event, and
 * connections whose beginning was missed.  Prints
 *
 *	ALERTS DIGEST EVENTS DIGEST PATH
 *
 * where a digest is that of all lines in their order, and PATH is relative to
 * PREFIX.  Captures with the same rules give the same lines, so that a change
 * of any byte of any alert shows.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/log.h"
#include "rules/shared_state.h"
#include "sensor/alert_conf.h"
#include "sensor/replay.h"
#include "sensor/sink.h"

#define ALERTS (1u << EVENT_TYPE_ALERT)
/* Handshakes for clocks are no events of the capture. */
#define ALL (((1u << EVENT_TYPE_COUNT) - 1) & ~(1u << EVENT_TYPE_ANCHOR))

struct digest {
	uint64_t lines, hash;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "alert_digests: %s: %s\n", what, why);
	exit(1);
}

/*
 * Of all but the traces, by which collectors know an event again: what they are
 * made of has tests of its own.
 */
static uint64_t
hash_of(struct view v)
{
	static const char member[] = ",\"trace\":\"";
	XXH3_state_t *s = XXH3_createState();
	const uint8_t *at;
	uint64_t hash;

	if (s == NULL || XXH3_64bits_reset(s) != XXH_OK) {
		die("XXH3", "failed");
	}
	while ((at = memmem(v.p, v.len, member, sizeof(member) - 1)) != NULL) {
		size_t n = (size_t)(at - v.p);
		const uint8_t *end = memchr(at + sizeof(member) - 1, '"',
					    v.len - n - (sizeof(member) - 1));

		if (end == NULL) {
			die("trace", "does not end");
		}
		XXH3_64bits_update(s, v.p, n);
		v = view_sub(v, (size_t)(end + 1 - v.p),
			     v.len - (size_t)(end + 1 - v.p));
	}
	XXH3_64bits_update(s, v.p, v.len);
	hash = XXH3_64bits_digest(s);
	XXH3_freeState(s);
	return hash;
}

/* The lines that stand in the file 'fd'. */
static void
digest_of(int fd, struct digest *out)
{
	off_t n = lseek(fd, 0, SEEK_END);
	const char *p;

	*out = (struct digest){ 0 };
	if (n <= 0) {
		return;
	}
	p = mmap(NULL, (size_t)n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		die("mmap", "failed");
	}
	for (off_t i = 0; i < n; i++) {
		out->lines += p[i] == '\n';
	}
	out->hash = hash_of(view_of(p, (size_t)n));
	munmap((void *)p, (size_t)n);
}

static struct worker *
make_worker(const struct conf *conf, const struct ruleset *rules,
	    struct shared_state *shared, uint32_t types)
{
	struct worker_settings set = {
		.conf = conf,
		.rules = rules,
		.origin = { "site", "sensor", "", "", "", NULL },
		.event_types = types,
		.memory_limit = (size_t)1 << 30,
		.late_events = true, /* as the program has it with one */
		.shared = ruleset_undivided(rules) != NULL ? shared : NULL,
	};

	return worker_new(&set);
}

static void
run(const char *path, const struct conf *conf, const struct ruleset *rules,
    uint32_t types, struct digest *out)
{
	int fd = memfd_create("eve", 0);
	char eve[64];
	struct alert_conf alert;
	struct sink_settings to = { .eve_path = eve,
				    .eve_types = types,
				    .threshold_entries = 1 << 16 };
	struct replay_settings set = { .n_workers = 1 };
	struct replay_result result;
	struct worker *w;
	struct diag d = { "" };

	if (fd < 0) {
		die("memfd_create", "failed");
	}
	snprintf(eve, sizeof(eve), "/proc/self/fd/%d", fd);
	alert_conf_read(&alert, conf);
	to.verdict = alert.verdict;
	if (capture_open_files(&set.capture, &path, 1, NULL, &d) != ERR_OK ||
	    shared_state_new(&to.shared, rules, conf, &d) != ERR_OK ||
	    sink_open(&set.sink, &to, &d) != ERR_OK) {
		die(path, d.msg);
	}
	w = make_worker(conf, rules, to.shared, types);
	if (w == NULL) {
		die(path, "out of memory");
	}
	set.workers = &w;
	if (replay_run(&set, &result, &d) != ERR_OK ||
	    sink_close(set.sink) != ERR_OK) {
		die(path, d.msg);
	}
	worker_free(w);
	shared_state_free(to.shared);
	capture_close(set.capture);
	digest_of(fd, out);
	close(fd);
}

static struct conf *
settings(const char *midstream)
{
	static const char *const any[] = { "HOME_NET", "EXTERNAL_NET" };
	struct conf *conf = conf_new();

	for (unsigned i = 0; i < ARRAY_LEN(any); i++) {
		char key[64];

		snprintf(key, sizeof(key), "vars.address-groups.%s", any[i]);
		if (conf == NULL || conf_set(conf, key, "any") != ERR_OK) {
			die(key, "cannot be set");
		}
	}
	if (conf_set(conf, "stream.checksum-validation", "no") != ERR_OK ||
	    conf_set(conf, "stream.midstream", midstream) != ERR_OK) {
		die("settings", "cannot be set");
	}
	return conf;
}

int
main(int argc, char **argv)
{
	struct conf *conf = settings("no"), *more = settings("yes");
	struct ruleset *rules;
	char path[4096];
	struct diag d = { "" };

	if (argc != 3) {
		fputs("usage: alert_digests RULES PREFIX < CAPTURES\n", stderr);
		return 2;
	}
	log_init("alert_digests", LOG_ERR, false);
	rules = ruleset_load(conf, (const char *const *)argv + 1, 1, NULL, 0,
			     &d);
	if (rules == NULL) {
		die(argv[1], d.msg);
	}
	while (fgets(path, sizeof(path), stdin) != NULL) {
		size_t prefix = strlen(argv[2]);
		struct digest alerts, events;

		path[strcspn(path, "\n")] = '\0';
		run(path, conf, rules, ALERTS, &alerts);
		run(path, more, rules, ALL, &events);
		printf("%" PRIu64 " %016" PRIx64 " %" PRIu64 " %016" PRIx64
		       " %s\n",
		       alerts.lines, alerts.hash, events.lines, events.hash,
		       path + (strncmp(path, argv[2], prefix) == 0 ? prefix
								   : 0));
		fflush(stdout);
	}
	ruleset_free(rules);
	conf_free(conf);
	conf_free(more);
	return 0;
}
