/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_prefilter - the literal matcher on the literals of real rules
 *
 *	bench_prefilter RULES CAPTURE [PATTERN [PATH]]
 *
 * For the literals of each buffer of the rules, and for all of them in one
 * set: build time, memory, and Gbit/s over what the packets of the capture
 * carry, by each path of the processor, and by Hyperscan where that was there
 * to compile with.  Then the same over pieces of 60 bytes, as URIs and names
 * are, in nanoseconds; how many times longer hostile bytes take; and growth
 * with made-up literals.  All engines must find the same, or it says so.  Only groups whose name contains PATTERN, and
 * only the processor's path of that name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "config.h"

#ifdef HAVE_HYPERSCAN
#include <hs.h>
#endif

#include "rules/rule_compile.h"
#include "rules/ruleset_db.h"
#include "sensor/capture.h"
#include "sensor/decode.h"

#define BUF_NAME(sym, keyword) keyword " (" #sym ")",

/* Of the buffers, then of what is not one. */
static const char *const place_name[BUF_COUNT + 3] = {
	INSPECT_BUF_LIST(BUF_NAME) "payload to server",
	"payload to client",
	"all",
};

#define RUNS 3
#define MAX_UNITS 400000
/* So much as stays in the cache: a sensor has just decoded what it scans. */
#define MAX_BYTES ((size_t)1500 << 10)
#define SAMPLE 64 /* every so many units */
#define ROUNDS 8
#define TINY 60
#define MAX_TINY 4000 /* so few that they stay in the cache */
#define TINY_ROUNDS 20
#define HOSTILE_UNIT 1400
#define HOSTILE_UNITS 300
#define GROUP_MIN 20 /* literals */

static uint8_t bytes[MAX_BYTES + 64];
static struct view units[MAX_UNITS], tiny[MAX_TINY];
static size_t n_units, n_tiny, n_bytes;
static uint8_t hostile_bytes[HOSTILE_UNITS * HOSTILE_UNIT];
static struct view hostile[HOSTILE_UNITS];
static uint64_t *bits;
static struct prefilter_hit *hits;
static struct prefilter_scratch *scratch;
static const char *only_path = "";

static double
cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_prefilter: %s: %s\n", what, why);
	exit(1);
}

static void
take(struct view v)
{
	static uint32_t seen;

	if (v.len == 0 || seen++ % SAMPLE != 0 || n_units == MAX_UNITS ||
	    n_bytes + v.len > MAX_BYTES) {
		return;
	}
	memcpy(bytes + n_bytes, v.p, v.len);
	units[n_units] = view_of(bytes + n_bytes, v.len);
	if (v.len >= TINY && n_tiny < MAX_TINY) {
		tiny[n_tiny++] = view_sub(units[n_units], 0, TINY);
	}
	n_units++;
	n_bytes += v.len;
}

static void
read_units(const struct conf *conf, const char *path)
{
	struct packet pkts[FRAME_MAX_PACKETS];
	struct pool *pool = pool_new((size_t)256 << 20);
	struct batch_frames *b = batch_frames_new();
	struct decoder *dec = decoder_new(conf, pool);
	struct capture *c = NULL;
	struct diag d;

	if (pool == NULL || b == NULL || dec == NULL ||
	    capture_open_files(&c, &path, 1, NULL, &d) != ERR_OK) {
		die(path, "cannot be read");
	}
	while (capture_next(c, b, &d) == ERR_OK) {
		for (uint32_t i = 0; i < b->n; i++) {
			unsigned n = decode_frame(dec, &b->frame[i], pkts);

			for (unsigned k = 0; k < n; k++) {
				take(pkts[k].payload);
			}
		}
	}
	capture_close(c);
	decoder_free(dec);
	batch_frames_free(b);
	pool_free(pool);
}

/* Seconds for all units, and what was found in them. */
static double
run_ours(const struct prefilter *p, const struct view *v, size_t n,
	 size_t rounds, uint64_t *found)
{
	double best = 1e9;

	for (unsigned r = 0; r < RUNS; r++) {
		double begin = cpu_s();

		*found = 0;
		for (size_t i = 0; i < n * rounds; i++) {
			struct prefilter_input in = { .data = v[i % n] };
			size_t k = prefilter_scan(p, scratch, &in, bits, hits);

			*found += k;
			while (k-- > 0) {
				bits[hits[k].id / 64] = 0;
			}
		}
		begin = cpu_s() - begin;
		best = MIN(best, begin);
	}
	return best;
}

static void
row(const char *what, double build, size_t memory, double all, double small)
{
	printf("  %-10s %8.1f %9.2f %9.2f %8.0f", what, build * 1e3,
	       (double)memory / 1e6, (double)n_bytes * ROUNDS * 8 / all / 1e9,
	       small / (double)(n_tiny == 0 ? 1 : n_tiny) / TINY_ROUNDS * 1e9);
}

#ifdef HAVE_HYPERSCAN

static int
on_match(unsigned int id, unsigned long long from, unsigned long long to,
	 unsigned int flags, void *ctx)
{
	(void)id;
	(void)from;
	(void)to;
	(void)flags;
	++*(uint64_t *)ctx;
	return 0;
}

static hs_database_t *
hs_build(const struct prefilter_literal *l, size_t n)
{
	char **text = calloc(n, sizeof(*text));
	unsigned *flags = calloc(n, sizeof(*flags));
	unsigned *ids = calloc(n, sizeof(*ids));
	hs_expr_ext_t *ext = calloc(n, sizeof(*ext));
	const hs_expr_ext_t **exts = calloc(n, sizeof(*exts));
	hs_compile_error_t *why;
	hs_database_t *db = NULL;

	for (size_t i = 0; i < n; i++) {
		text[i] = malloc(4 * l[i].bytes.len + 1);
		for (size_t k = 0; k < l[i].bytes.len; k++) {
			sprintf(text[i] + 4 * k, "\\x%02x", l[i].bytes.p[k]);
		}
		flags[i] = HS_FLAG_SINGLEMATCH |
			   (l[i].nocase ? HS_FLAG_CASELESS : 0);
		ids[i] = l[i].id;
		exts[i] = &ext[i];
		if (l[i].to != PREFILTER_ANYWHERE) {
			ext[i].flags =
				HS_EXT_FLAG_MIN_OFFSET | HS_EXT_FLAG_MAX_OFFSET;
			ext[i].min_offset = l[i].from + l[i].bytes.len;
			ext[i].max_offset = l[i].to + l[i].bytes.len;
		}
	}
	if (hs_compile_ext_multi((const char *const *)text, flags, ids, exts,
				 (unsigned)n, HS_MODE_BLOCK, NULL, &db,
				 &why) != HS_SUCCESS) {
		die("hyperscan", why->message);
	}
	for (size_t i = 0; i < n; i++) {
		free(text[i]);
	}
	free(text);
	free(flags);
	free(ids);
	free(ext);
	free(exts);
	return db;
}

static double
run_hs(const hs_database_t *db, hs_scratch_t *s, const struct view *v, size_t n,
       size_t rounds, uint64_t *found)
{
	double best = 1e9;

	for (unsigned r = 0; r < RUNS; r++) {
		double begin = cpu_s();

		*found = 0;
		for (size_t i = 0; i < n * rounds; i++) {
			struct view u = v[i % n];

			hs_scan(db, (const char *)u.p, (unsigned)u.len, 0, s,
				on_match, found);
		}
		begin = cpu_s() - begin;
		best = MIN(best, begin);
	}
	return best;
}

/* Returns its seconds over all units; 'found' is then to be compared with. */
static double
bench_hs(const struct prefilter_literal *l, size_t n, double *small,
	 uint64_t *found)
{
	double begin = cpu_s(), build, all;
	hs_database_t *db = hs_build(l, n);
	hs_scratch_t *s = NULL;
	size_t memory = 0;
	uint64_t ignored;

	build = cpu_s() - begin;
	if (hs_alloc_scratch(db, &s) != HS_SUCCESS ||
	    hs_database_size(db, &memory) != HS_SUCCESS) {
		die("hyperscan", "no scratch");
	}
	all = run_hs(db, s, units, n_units, ROUNDS, found);
	*small = run_hs(db, s, tiny, n_tiny, TINY_ROUNDS, &ignored);
	row("hyperscan", build, memory, all, *small);
	putchar('\n');
	hs_free_scratch(s);
	hs_free_database(db);
	return all;
}

#else

static double
bench_hs(const struct prefilter_literal *l, size_t n, double *small,
	 uint64_t *found)
{
	(void)l;
	(void)n;
	*small = 0;
	*found = UINT64_MAX;
	return 0;
}

#endif

/*
 * What somebody would send who knows the rules: literals without their last
 * byte, one behind the other, in units of 1400 bytes.
 */
static void
make_hostile(const struct prefilter_literal *l, size_t n)
{
	uint64_t x = 3;
	size_t at = 0;

	while (at < HOSTILE_UNITS * HOSTILE_UNIT) {
		struct view v;

		x = x * UINT64_C(6364136223846793005) + 1442695041;
		v = l[(x >> 33) % n].bytes;
		for (size_t k = 0; k + 1 < MAX(v.len, (size_t)2) &&
				   at < HOSTILE_UNITS * HOSTILE_UNIT;
		     k++) {
			hostile_bytes[at++] = v.p[k];
		}
	}
	for (size_t i = 0; i < HOSTILE_UNITS; i++) {
		hostile[i] =
			view_of(hostile_bytes + i * HOSTILE_UNIT, HOSTILE_UNIT);
	}
}

/* How many times the time of an ordinary byte a hostile one takes. */
static double
hostile_times(const struct prefilter *p, double all)
{
	uint64_t ignored;
	double s = run_ours(p, hostile, HOSTILE_UNITS, ROUNDS, &ignored);

	return s / (HOSTILE_UNITS * HOSTILE_UNIT) / (all / (double)n_bytes);
}

static void
bench_set(const char *name, const struct prefilter_literal *l, size_t n)
{
	uint64_t found, of_hs, first = UINT64_MAX, ignored;
	double hs, hs_small;

	printf("\n%s: %zu literals\n", name, n);
	printf("  %-10s %8s %9s %9s %8s\n", "", "build ms", "MB", "Gbit/s",
	       "ns/60 B");
	make_hostile(l, n);
	hs = bench_hs(l, n, &hs_small, &of_hs);
	for (unsigned i = 0; prefilter_path_name(i) != NULL; i++) {
		double begin = cpu_s(), all, small, build;
		struct prefilter *p;
		struct diag d;

		if (strstr(prefilter_path_name(i), only_path) == NULL) {
			continue;
		}
		prefilter_force_path(prefilter_path_name(i));
		p = prefilter_build(l, n, &d);
		build = cpu_s() - begin;
		if (p == NULL || prefilter_scratch_grow(scratch, p) != ERR_OK) {
			die(name, d.msg);
		}
		all = run_ours(p, units, n_units, ROUNDS, &found);
		small = run_ours(p, tiny, n_tiny, TINY_ROUNDS, &ignored);
		row(prefilter_path_name(i), build, prefilter_memory(p), all,
		    small);
		printf("  hostile x%.1f", hostile_times(p, all));
		if (hs > 0) {
			printf("  x%.2f x%.2f", hs / all, hs_small / small);
		}
		first = first == UINT64_MAX ? found : first;
		if (found != first || (hs > 0 && found != of_hs)) {
			printf("  DIFFERS: %llu found, not %llu",
			       (unsigned long long)found,
			       (unsigned long long)(hs > 0 ? of_hs : first));
		}
		putchar('\n');
		prefilter_free(p);
	}
	fflush(stdout);
}

static int
by_bytes(const void *a, const void *b)
{
	const struct prefilter_literal *x = a, *y = b;
	int c = memcmp(x->bytes.p, y->bytes.p, MIN(x->bytes.len, y->bytes.len));

	if (c == 0 && x->bytes.len != y->bytes.len) {
		c = x->bytes.len < y->bytes.len ? -1 : 1;
	}
	return c != 0 ? c : x->nocase - y->nocase;
}

/* Sorts, leaves out what is there twice, and numbers the rest. */
static size_t
distinct(struct prefilter_literal *l, size_t n)
{
	size_t kept = 0;

	qsort(l, n, sizeof(l[0]), by_bytes);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || by_bytes(&l[kept - 1], &l[i]) != 0) {
			l[kept] = l[i];
			l[kept].id = (uint32_t)kept;
			kept++;
		}
	}
	return kept;
}

/* The buffer that the literal of 'p' is looked for in; BUF_COUNT + direction:
 * the payload. */
static unsigned
place_of(const struct rule_prog *p)
{
	if (p->kind == PROG_TX) {
		return p->lists[p->fast_list].buf;
	}
	return BUF_COUNT + (p->dirs == 2);
}

static void
bench_groups(const struct ruleset *rs, struct prefilter_literal *l,
	     const char *pattern)
{

	for (unsigned place = 0; place <= BUF_COUNT + 2; place++) {
		size_t n = 0;

		for (uint32_t i = 0; i < rs->n_progs; i++) {
			const struct rule_prog *p = rs->progs[i];

			if (p->fast_list < 0 || p->fast_form != FAST_SCAN ||
			    (place <= BUF_COUNT + 1 && place_of(p) != place)) {
				continue;
			}
			l[n++] = (struct prefilter_literal){
				p->fast, p->fast_nocase,     0,
				0,       PREFILTER_ANYWHERE,
			};
		}
		n = distinct(l, n);
		if (n >= GROUP_MIN &&
		    strstr(place_name[place], pattern) != NULL) {
			bench_set(place_name[place], l, n);
		}
	}
}

/* More literals by changing the bytes of those there are. */
static void
bench_growth(const struct prefilter_literal *from, size_t n, size_t want)
{
	struct prefilter_literal *l = calloc(want, sizeof(*l));
	uint8_t *text = malloc(want * 64);
	uint64_t x = 7;
	char name[64];

	if (l == NULL || text == NULL) {
		die("growth", "out of memory");
	}
	for (size_t i = 0; i < want; i++) {
		size_t len = MIN(from[i % n].bytes.len, (size_t)40);

		l[i] = from[i % n];
		memcpy(text + 64 * i, l[i].bytes.p, len);
		for (unsigned k = 0; i >= n && k < 3; k++) {
			x = x * UINT64_C(6364136223846793005) + 1442695041;
			text[64 * i + (x >> 33) % len] =
				(uint8_t)("etaoinshr0123./=&"[(x >> 50) % 17]);
		}
		l[i].bytes = view_of(text + 64 * i, len);
	}
	want = distinct(l, want);
	snprintf(name, sizeof(name), "made up");
	bench_set(name, l, want);
	free(text);
	free(l);
}

int
main(int argc, char **argv)
{
	struct conf *conf = conf_new();
	const char *pattern = argc > 3 ? argv[3] : "";
	struct prefilter_literal *l;
	struct ruleset *rs;
	struct diag d;
	size_t n = 0;

	only_path = argc > 4 ? argv[4] : "";
	if (argc < 3 || conf == NULL) {
		fputs("usage: bench_prefilter RULES CAPTURE [GROUP [PATH]]\n",
		      stderr);
		return 2;
	}
	if (conf_set(conf, "vars.address-groups.HOME_NET", "any") != ERR_OK ||
	    conf_set(conf, "vars.address-groups.EXTERNAL_NET", "any") !=
		    ERR_OK) {
		return 1;
	}
	rs = ruleset_load(conf, (const char *const *)argv + 1, 1, NULL, 0, &d);
	if (rs == NULL) {
		die(argv[1], d.msg);
	}
	read_units(conf, argv[2]);
	printf("%zu units, %.1f MB\n", n_units, (double)n_bytes / 1e6);
	l = calloc(rs->n_progs + 1, sizeof(*l));
	bits = calloc(200000 / 64, sizeof(*bits));
	hits = calloc(200000, sizeof(*hits));
	scratch = prefilter_scratch_new();
	if (l == NULL || bits == NULL || hits == NULL || scratch == NULL) {
		die("memory", "there is none");
	}
	bench_groups(rs, l, pattern);
	for (uint32_t i = 0; i < rs->n_progs; i++) {
		if (rs->progs[i]->fast_list >= 0 &&
		    rs->progs[i]->fast.len >= 6) {
			l[n++] = (struct prefilter_literal){
				rs->progs[i]->fast,
				rs->progs[i]->fast_nocase,
				0,
				0,
				PREFILTER_ANYWHERE,
			};
		}
	}
	n = distinct(l, n);
	for (size_t k = 500;
	     strstr("made up", pattern) != NULL && n > 0 && k <= 128000;
	     k *= 4) {
		bench_growth(l, n, k);
	}
	prefilter_scratch_free(scratch);
	free(l);
	free(bits);
	free(hits);
	ruleset_free(rs);
	conf_free(conf);
	return 0;
}
