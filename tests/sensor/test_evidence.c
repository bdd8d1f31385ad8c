/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of alerts on disk: what libpcap reads back is what was kept, where the
 * alert says; the bound holds; what cannot be kept is counted and spoils nothing.
 */
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/evidence.h"
#include "sensor/evidence_name.h"

#define START_US (UINT64_C(1700000000) * US_PER_S)

static char dir[256];

static void
remove_all(const char *path)
{
	DIR *d = opendir(path);
	char at[1024];

	for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		snprintf(at, sizeof(at), "%s/%s", path, e->d_name);
		(void)unlink(at);
	}
	if (d != NULL) {
		closedir(d);
	}
	(void)rmdir(path);
}

static int
begin(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/evidence-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	remove_all(dir);
	return 0;
}

static struct evidence_conf
conf_of(enum evidence_mode mode)
{
	return (struct evidence_conf){ .dir = dir,
				       .mode = mode,
				       .limit = { .file_size = 1 << 20,
						  .flow_bytes = 1 << 20,
						  .flow_packets = 5,
						  .snaplen = 2000 },
				       .total_size = 8 << 20,
				       .buffer = 1 << 20 };
}

static uint8_t bytes[4096];

/* The i-th frame; its bytes and its length differ from those of others. */
static struct frame
frame_of(unsigned i, uint16_t linktype)
{
	struct frame f = { .data = bytes,
			   .caplen = 60 + i % 1000,
			   .wirelen = 60 + i % 1000,
			   .ts_us = START_US + i,
			   .ts_ns = (uint16_t)(i % 1000),
			   .linktype = linktype };

	for (unsigned k = 0; k < sizeof(bytes); k++) {
		bytes[k] = (uint8_t)(i + k * 7);
	}
	return f;
}

static struct evidence *
start(const struct evidence_conf *c, unsigned workers, bool patient)
{
	struct evidence *v;
	struct diag d = { "" };

	if (evidence_open(&v, c, workers, patient, &d) != ERR_OK ||
	    evidence_run(v, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return v;
}

/* Files there; '*size' is their sum. */
static unsigned
count_files(uint64_t *size)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	*size = 0;
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		uint32_t run;
		struct stat st;

		if (evidence_name_read(e->d_name, &run) &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			    0) {
			assert_int_equal(st.st_mode & 0777, 0640);
			*size += (uint64_t)st.st_size;
			n++;
		}
	}
	closedir(d);
	return n;
}

static pcap_t *
open_file(const struct evidence_at *at, char path[512])
{
	char name[EVIDENCE_NAME_CAP], why[PCAP_ERRBUF_SIZE];
	pcap_t *p;

	snprintf(path, 512, "%s/%s", dir, evidence_name(at, name));
	p = pcap_open_offline_with_tstamp_precision(
		path, PCAP_TSTAMP_PRECISION_NANO, why);
	if (p == NULL) {
		fail_msg("%s", why);
	}
	return p;
}

/* The packet is where 'at' says, and libpcap reads it as 'f'. */
static void
check_there(const struct evidence_at *at, const struct frame *f)
{
	char path[512];
	pcap_t *p = open_file(at, path);
	struct pcap_pkthdr *h;
	const u_char *data;
	int rc;

	while ((rc = pcap_next_ex(p, &h, &data)) == 1) {
		long behind = ftell(pcap_file(p));

		if ((uint64_t)behind ==
		    at->offset + EVIDENCE_PACKET_HEAD + h->caplen) {
			break;
		}
	}
	assert_int_equal(rc, 1);
	assert_int_equal(pcap_datalink(p), f->linktype);
	assert_int_equal(h->caplen, f->caplen);
	assert_int_equal(h->len, f->wirelen);
	assert_int_equal(h->ts.tv_sec, f->ts_us / US_PER_S);
	assert_int_equal(h->ts.tv_usec, f->ts_us % US_PER_S * 1000 + f->ts_ns);
	assert_memory_equal(data, f->data, f->caplen);
	pcap_close(p);
}

/* Packets of a file, all of which can be read. */
static unsigned
count_packets(const struct evidence_at *at)
{
	char path[512];
	pcap_t *p = open_file(at, path);
	struct pcap_pkthdr *h;
	const u_char *data;
	unsigned n = 0;
	int rc;

	while ((rc = pcap_next_ex(p, &h, &data)) == 1) {
		n++;
	}
	assert_int_equal(rc, PCAP_ERROR_BREAK);
	pcap_close(p);
	return n;
}

#define KEPT 300

static void
test_read_back(void **state)
{
	static struct evidence_at at[KEPT];
	struct evidence_conf c = conf_of(EVIDENCE_ALERTS);
	struct evidence *v = start(&c, 2, true);
	struct evidence_counters n;

	(void)state;
	for (unsigned i = 0; i < KEPT; i++) {
		struct evidence_tap *t = evidence_tap(v, i % 2);
		/* Ethernet, then PPP; each seventh is an exercise's */
		struct frame f = frame_of(i, i < KEPT / 2 ? 1 : 9);

		evidence_next_frame(t);
		at[i] = *evidence_keep(t, &f, i % 7 == 0);
		assert_true(at[i].there);
		/* once, however many alerts there are */
		assert_memory_equal(evidence_keep(t, &f, i % 7 == 0), &at[i],
				    sizeof(at[i]));
	}
	evidence_end(v);
	for (unsigned i = 0; i < KEPT; i++) {
		struct frame f = frame_of(i, i < KEPT / 2 ? 1 : 9);

		check_there(&at[i], &f);
	}
	evidence_get_counters(v, &n);
	assert_int_equal(n.dir.packets, KEPT);
	assert_int_equal(n.dir.lost + n.tap.lost_full + n.dir.errors, 0);
	/* two workers, two series, two link types */
	assert_int_equal(n.dir.files, 8);
	evidence_close(v);
}

/* Longer than the snap length. */
static void
test_cut(void **state)
{
	struct evidence_conf c = conf_of(EVIDENCE_ALERTS);
	struct evidence *v = start(&c, 1, true);
	struct frame f = frame_of(1, 1);
	struct evidence_at at;

	(void)state;
	f.caplen = f.wirelen = 4000;
	at = *evidence_keep(evidence_tap(v, 0), &f, false);
	evidence_end(v);
	f.caplen = 2000;
	check_there(&at, &f);
	evidence_close(v);
}

static void
test_bound(void **state)
{
	struct evidence_conf c = conf_of(EVIDENCE_ALERTS);
	struct evidence_at at = { 0 }, first = { 0 };
	struct evidence_counters n;
	char name[EVIDENCE_NAME_CAP], path[512];
	uint64_t size;

	(void)state;
	c.total_size = 1 << 20;
	for (unsigned run = 1; run <= 2; run++) {
		struct evidence *v = start(&c, 1, true), *other;
		struct diag d;

		/* one sensor a directory */
		assert_int_equal(evidence_open(&other, &c, 1, true, &d),
				 ERR_OK);
		assert_int_equal(evidence_run(other, &d), ERR_IO);
		assert_false(evidence_set_mode(other, EVIDENCE_FLOWS));
		evidence_close(other);
		for (unsigned i = 0; i < 4000; i++) {
			struct frame f = frame_of(i, 1);

			evidence_next_frame(evidence_tap(v, 0));
			at = *evidence_keep(evidence_tap(v, 0), &f, false);
			first = run == 1 && i == 0 ? at : first;
			if (i % 500 == 0) {
				assert_in_range(count_files(&size), 0, 5);
				assert_in_range(size, 0, c.total_size);
			}
		}
		evidence_end(v);
		evidence_get_counters(v, &n);
		assert_int_equal(n.dir.packets, 4000);
		assert_true(n.dir.removed > 0);
		count_files(&size);
		assert_int_equal(size, n.dir.stored_bytes);
		assert_in_range(size, c.total_size / 2, c.total_size);
		assert_int_equal(at.run, run);
		evidence_close(v);
	}
	{
		struct frame f = frame_of(3999, 1);

		check_there(&at, &f);
	}
	snprintf(path, sizeof(path), "%s/%s", dir, evidence_name(&first, name));
	assert_int_equal(access(path, F_OK), -1);
}

/* Nobody empties the ring. */
static void
test_full_ring(void **state)
{
	struct evidence_conf c = conf_of(EVIDENCE_ALERTS);
	struct evidence *v;
	struct evidence_tap *t;
	struct evidence_counters n;
	struct diag d;
	unsigned kept = 0;

	(void)state;
	assert_int_equal(evidence_open(&v, &c, 1, false, &d), ERR_OK);
	t = evidence_tap(v, 0);
	for (unsigned i = 0; i < 5000; i++) {
		struct frame f = frame_of(i, 1);

		evidence_next_frame(t);
		kept += evidence_keep(t, &f, false)->there;
	}
	assert_in_range(kept, 1000, 4000);
	assert_int_equal(evidence_run(v, &d), ERR_OK);
	evidence_end(v);
	evidence_get_counters(v, &n);
	assert_int_equal(n.tap.lost_full, 5000 - kept);
	assert_int_equal(n.dir.packets, kept);
	assert_int_equal(n.dir.lost, 0);
	evidence_close(v);
}

static void
put(struct evidence_dir *v, struct evidence_tap *t, unsigned i,
    struct evidence_at *at)
{
	static uint8_t data[4096];
	struct frame f = frame_of(i, 1);
	struct evidence_head h;

	evidence_next_frame(t);
	*at = *evidence_keep(t, &f, false);
	assert_true(evidence_take(t, &h, data));
	evidence_dir_put(v, &h, data, &t->broken[0]);
	evidence_dir_flush(v);
}

static struct evidence_dir *
open_dir(struct evidence_tap *t, uint8_t *room)
{
	struct evidence_conf c = conf_of(EVIDENCE_ALERTS);
	struct evidence_dir_settings set = { .dir = dir,
					     .total_size = 8 << 20,
					     .snaplen = 2000,
					     .n_workers = 1 };
	struct evidence_dir *v;
	struct diag d;

	memset(t, 0, sizeof(*t));
	evidence_tap_init(t, room, 20, &c.limit, false);
	t->worker = 1;
	assert_int_equal(evidence_dir_open(&v, &set, &d), ERR_OK);
	t->run = evidence_dir_run(v);
	return v;
}

/* The disk takes a part of a packet, then nothing, then all again. */
static void
test_full_disk(void **state)
{
	static struct evidence_tap t;
	uint8_t *room = malloc(1 << 20);
	struct evidence_dir *v = open_dir(&t, room);
	const struct evidence_dir_counters *n = evidence_dir_counters(v);
	struct rlimit was, small;
	struct evidence_at first, at;
	uint64_t until;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	put(v, &t, 0, &first);
	put(v, &t, 1, &at);
	getrlimit(RLIMIT_FSIZE, &was);
	small = was;
	small.rlim_cur = at.offset + EVIDENCE_PACKET_HEAD + 61 + 30;
	setrlimit(RLIMIT_FSIZE, &small);
	put(v, &t, 2, &at);
	assert_int_equal(n->lost, 1);
	assert_int_equal(n->errors, 1);
	put(v, &t, 3, &at); /* of another file, which is not tried */
	assert_int_equal(at.file, 2);
	assert_int_equal(n->lost, 2);
	assert_int_equal(n->errors, 1);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(count_packets(&first), 2);
	until = clock_mono_us() + 60 * US_PER_S;
	for (unsigned i = 4; n->packets == 2 && clock_mono_us() < until; i++) {
		put(v, &t, i, &at);
		usleep(20000);
	}
	assert_int_equal(n->packets, 3);
	assert_int_equal(count_packets(&at), 1);
	evidence_dir_close(v);
	free(room);
}

/* A disk that takes the head of a file and no packet, or not even that: nothing
 * is left of the files that came to nothing, for they would push out those that
 * hold something. */
static void
test_empty_files(void **state)
{
	static const rlim_t rooms[] = { 0, 10, EVIDENCE_FILE_HEAD,
					EVIDENCE_FILE_HEAD + 40 };
	static struct evidence_tap t;
	uint8_t *room = malloc(1 << 20);
	struct evidence_at first, at;
	struct rlimit was, small;
	uint64_t size;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		struct evidence_dir *v = open_dir(&t, room);
		const struct evidence_dir_counters *n =
			evidence_dir_counters(v);

		small = was;
		small.rlim_cur = rooms[i];
		setrlimit(RLIMIT_FSIZE, &small);
		put(v, &t, 1, &at);
		setrlimit(RLIMIT_FSIZE, &was);
		assert_int_equal(n->lost, 1);
		assert_int_equal(n->errors, 1);
		assert_int_equal(count_files(&size), i);
		assert_int_equal(n->stored_bytes, size);
		evidence_dir_close(v);
		v = open_dir(&t, room);
		put(v, &t, 2, &first);
		assert_int_equal(count_packets(&first), 1);
		evidence_dir_close(v);
	}
	free(room);
}

/* A file that cannot be taken away: the bound holds all the same. */
static void
test_no_room(void **state)
{
	static struct evidence_tap t;
	uint8_t *room = malloc(1 << 20);
	struct evidence_at old = {
		.start_us = START_US, .run = 1, .file = 1, .worker = 1
	};
	char name[EVIDENCE_NAME_CAP], path[512];
	const struct evidence_dir_counters *n;
	struct evidence_dir *v;
	struct evidence_at at;
	unsigned i = 0;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/%s", dir, evidence_name(&old, name));
	fd = open(path, O_WRONLY | O_CREAT, 0640);
	assert_int_equal(ftruncate(fd, (8 << 20) - (64 << 10)), 0);
	close(fd);
	v = open_dir(&t, room);
	n = evidence_dir_counters(v);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0750), 0);
	for (; i < 1000 && n->lost == 0; i++) {
		put(v, &t, i, &at);
		assert_in_range(n->stored_bytes, 0, 8 << 20);
	}
	assert_in_range(n->packets, 10, 900);
	assert_int_equal(n->lost, 1);
	assert_int_equal(n->errors, 1);
	assert_int_equal(n->removed, 0);
	evidence_dir_close(v);
	assert_int_equal(rmdir(path), 0);
	free(room);
}

/* What waits under a file's name is left alone, and nothing goes through it. */
static void
test_link(void **state)
{
	static struct evidence_tap t;
	uint8_t *room = malloc(1 << 20);
	struct evidence_dir *v = open_dir(&t, room);
	struct evidence_at at = {
		.start_us = START_US, .run = 1, .file = 1, .worker = 1
	};
	char name[EVIDENCE_NAME_CAP], path[512], victim[512];
	struct stat st;

	(void)state;
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	snprintf(path, sizeof(path), "%s/%s", dir, evidence_name(&at, name));
	assert_int_equal(symlink(victim, path), 0);
	put(v, &t, 0, &at);
	assert_int_equal(evidence_dir_counters(v)->lost, 1);
	assert_int_equal(stat(victim, &st), -1);
	evidence_dir_close(v);
	free(room);
}

static void
test_flows(void **state)
{
	struct evidence_conf c = conf_of(EVIDENCE_FLOWS);
	struct evidence *v = start(&c, 1, true);
	struct evidence_tap *t = evidence_tap(v, 0);
	struct evidence_counters n;
	uint8_t seen[2] = { EVIDENCE_UNSEEN, EVIDENCE_UNSEEN };

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		struct frame f = frame_of(i, 1);
		unsigned flow = i % 2;

		evidence_next_frame(t);
		if (i == 2 || i == 31) { /* both of flow 0 and 1, in turn */
			evidence_keep(t, &f, false);
			evidence_follow(t, 100 + flow, f.ts_us, false,
					&seen[flow]);
		}
		if (seen[flow] == EVIDENCE_FOLLOWED) {
			evidence_flow_frame(t, 100 + flow, &f, &seen[flow]);
		}
	}
	assert_int_equal(seen[0], EVIDENCE_ENOUGH);
	assert_int_equal(seen[1], EVIDENCE_FOLLOWED);
	assert_true(evidence_set_mode(v, EVIDENCE_ALERTS));
	seen[1] = EVIDENCE_UNSEEN;
	evidence_follow(t, 101, START_US, false, &seen[1]);
	assert_int_equal(seen[1], EVIDENCE_UNSEEN);
	evidence_end(v);
	evidence_get_counters(v, &n);
	/* flow-packets is 5, all with the alert's own */
	assert_int_equal(n.dir.packets, 10);
	assert_int_equal(n.tap.flows, 2);
	assert_int_equal(n.tap.flows_cut, 1);
	evidence_close(v);
}

/* More flows than there are shares: the oldest are forgotten, and counted. */
static void
test_many_flows(void **state)
{
	struct evidence_conf c = conf_of(EVIDENCE_FLOWS);
	static uint8_t seen[3 * EVIDENCE_SHARES];
	struct evidence *v = start(&c, 1, true);
	struct evidence_tap *t = evidence_tap(v, 0);
	uint64_t left = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(seen); i++) {
		evidence_follow(t, i + 1, START_US + i, false, &seen[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(seen); i++) {
		struct frame f = frame_of(0, 1);

		f.caplen = 1;
		evidence_next_frame(t);
		evidence_flow_frame(t, i + 1, &f, &seen[i]);
		left += seen[i] == EVIDENCE_ENOUGH;
	}
	assert_int_equal(left, t->count.flows_left);
	assert_in_range(left, 2 * EVIDENCE_SHARES,
			2 * EVIDENCE_SHARES + EVIDENCE_SHARES / 4);
	evidence_close(v);
}

static void
test_names(void **state)
{
	struct evidence_at at = { .start_us = START_US + 7,
				  .run = 12,
				  .file = 345,
				  .worker = 6,
				  .exercise = true };
	char name[EVIDENCE_NAME_CAP];
	uint32_t run = 0;

	(void)state;
	assert_string_equal(evidence_name(&at, name),
			    "exercise-20231114T221320.000007Z-r12-w6-345.pcap");
	assert_true(evidence_name_read(name, &run));
	assert_int_equal(run, 12);
	at = (struct evidence_at){ .start_us = UINT64_MAX,
				   .run = UINT32_MAX,
				   .file = UINT32_MAX,
				   .worker = UINT16_MAX };
	assert_true(evidence_name_read(evidence_name(&at, name), &run));
	assert_false(evidence_name_read("evidence-.pcap", &run));
	assert_false(evidence_name_read(
		"evidence-20231114T221320.000007Z-r99999999999-w6-3.pcap",
		&run));
	assert_false(evidence_name_read(
		"evidence-20231114T221320.000007Z-r1-w6-3.pcap.gz", &run));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read_back, begin, end),
		cmocka_unit_test_setup_teardown(test_cut, begin, end),
		cmocka_unit_test_setup_teardown(test_bound, begin, end),
		cmocka_unit_test_setup_teardown(test_full_ring, begin, end),
		cmocka_unit_test_setup_teardown(test_full_disk, begin, end),
		cmocka_unit_test_setup_teardown(test_empty_files, begin, end),
		cmocka_unit_test_setup_teardown(test_no_room, begin, end),
		cmocka_unit_test_setup_teardown(test_link, begin, end),
		cmocka_unit_test_setup_teardown(test_flows, begin, end),
		cmocka_unit_test_setup_teardown(test_many_flows, begin, end),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
