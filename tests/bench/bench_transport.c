/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_transport - how many alerts a second go from a sensor to the store
 *
 *	bench_transport push URL SITE/SENSOR COUNT VARIANTS <eve.json
 *	bench_transport forward URL SPOOL COUNT <eve.json
 *	bench_transport run PROGRAM [ARGUMENT]...
 *
 * "push" puts COUNT alerts into Redis as a sensor's frames, taking the lines
 * again and again; with VARIANTS above 1 each further copy comes from source
 * addresses of its own, so that the store has more to tell apart.  "forward"
 * sends them through the sensor's forwarder: queue, batch, zlib, spool, sync,
 * Redis.  "run" runs PROGRAM.  Both print how many seconds that took, and how
 * many of processors; "push" how many alerts it pushed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/redis_link.h"
#include "sensor/batch.h"
#include "sensor/forward.h"
#include "sensor/sender_entry.h"

#define PIPELINE 64

struct lines {
	char *text;
	size_t len, cap;
	struct view *v;
	size_t n, n_cap;
};

struct packed {
	struct frame_header h;
	uint8_t *data;
	size_t len;
};

static int
die(const char *what)
{
	fprintf(stderr, "bench_transport: %s\n", what);
	return 1;
}

/* All of standard input, cut into lines. */
static bool
read_lines(struct lines *l)
{
	size_t got;

	do {
		if (l->len == l->cap) {
			l->cap = l->cap != 0 ? 2 * l->cap : (size_t)1 << 20;
			l->text = realloc(l->text, l->cap);
			if (l->text == NULL) {
				return false;
			}
		}
		got = fread(l->text + l->len, 1, l->cap - l->len, stdin);
		l->len += got;
	} while (got > 0);
	for (size_t at = 0; at < l->len;) {
		const char *nl = memchr(l->text + at, '\n', l->len - at);
		size_t end = nl != NULL ? (size_t)(nl - l->text) : l->len;

		if (l->n == l->n_cap) {
			l->n_cap = l->n_cap != 0 ? 2 * l->n_cap : 1024;
			l->v = realloc(l->v, l->n_cap * sizeof(*l->v));
			if (l->v == NULL) {
				return false;
			}
		}
		l->v[l->n++] = view_of(l->text + at, end - at);
		at = end + 1;
	}
	return l->n > 0;
}

/* The line with its source address replaced: one of 2^24 by 'k'. */
static struct view
other_source(struct view line, uint32_t k, char *out)
{
	static const char key[] = "\"src_ip\":\"";
	const uint8_t *p = memmem(line.p, line.len, key, sizeof(key) - 1), *end;
	size_t head, tail, n;

	if (p == NULL || (end = memchr(p + sizeof(key), '"',
				       line.len - (size_t)(p - line.p) -
					       sizeof(key))) == NULL) {
		return line;
	}
	k = k * 2654435761u;
	head = (size_t)(p - line.p) + sizeof(key) - 1;
	tail = line.len - (size_t)(end - line.p);
	memcpy(out, line.p, head);
	n = head + (size_t)sprintf(out + head, "10.%u.%u.%u", k >> 24,
				   k >> 16 & 255, k >> 8 & 255);
	memcpy(out + n, end, tail);
	return view_of(out, n + tail);
}

static bool
pack(struct batch *b, struct frame_codec *codec, struct packed **frames,
     size_t *n)
{
	struct view data;
	struct packed *f;

	*frames = realloc(*frames, (*n + 1) * sizeof(**frames));
	if (*frames == NULL) {
		return false;
	}
	f = &(*frames)[(*n)++];
	if (batch_pack(b, codec, &f->h, &data) != ERR_OK) {
		return false;
	}
	f->data = malloc(data.len);
	f->len = data.len;
	if (f->data == NULL) {
		return false;
	}
	memcpy(f->data, data.p, data.len);
	return true;
}

/* The lines as the sensor would send them, each variant of them. */
static struct packed *
pack_all(const struct lines *l, unsigned variants, size_t *n)
{
	struct frame_codec *codec = frame_codec_new(6);
	struct packed *frames = NULL;
	char *line = malloc(FRAME_MAX_RAW + 64);
	struct batch b;
	bool ok = codec != NULL && line != NULL && batch_init(&b) == ERR_OK;

	*n = 0;
	for (unsigned v = 0; v < variants; v++) {
		for (size_t i = 0; i < l->n && ok; i++) {
			struct view t = l->v[i];

			if (v > 0) {
				t = other_source(t, v * 1000003u + (uint32_t)i,
						 line);
			}
			if (b.len + t.len > BATCH_BYTES && b.n > 0) {
				ok = pack(&b, codec, &frames, n);
			}
			ok = ok && batch_add(&b, t, 1, 0) == ERR_OK;
		}
		ok = ok && (b.n == 0 || pack(&b, codec, &frames, n));
	}
	batch_fini(&b);
	frame_codec_free(codec);
	free(line);
	return ok ? frames : NULL;
}

static enum err
drain(struct redis_link *r, struct diag *d)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && redis_link_unanswered(r) > 0) {
		redisReply *reply = NULL;

		e = redis_link_reply(r, 30000, &reply, d);
		if (e == ERR_OK && reply->type == REDIS_REPLY_ERROR) {
			e = diag_set(d, redis_reply_err(reply), "%s",
				     reply->str);
		}
		freeReplyObject(reply);
	}
	return e;
}

/* BENCH_SIGN: the key that signs, as forward.sign.key. */
static struct sign_key *sign_with;

static enum err
add_frame(struct redis_link *r, const char *name, const char *key,
	  const struct packed *f, uint64_t epoch, uint64_t seq, struct diag *d)
{
	static const struct sender_pos pos;
	struct spool_item it = { .hdr = f->h,
				 .data = view_of(f->data, f->len) };
	struct sender_entry entry;
	enum err e = ERR_OK;

	it.hdr.epoch = epoch;
	it.hdr.seq = seq;
	sender_entry_make(&entry, key, &it, &pos, VIEW_NONE, 0);
	if (sign_with != NULL) {
		e = sender_entry_sign(&entry, sign_with, name, &it, VIEW_NONE,
				      0);
	}
	if (e == ERR_OK) {
		e = redis_link_queue(r, entry.n, entry.argv, entry.len);
	}
	return e == ERR_OK && redis_link_unanswered(r) >= PIPELINE ? drain(r, d)
								   : e;
}

static int
push(const char *url, const char *name, uint64_t count, unsigned variants)
{
	struct lines l = { NULL, 0, 0, NULL, 0, 0 };
	struct diag d = { "out of memory" };
	struct redis_link *r = NULL;
	redisReply *reply = NULL;
	struct packed *frames;
	uint64_t done = 0, seq = 1, epoch = clock_wall_us() / 1000;
	char key[256];
	size_t n = 0;
	enum err e;

	if (!read_lines(&l) || (frames = pack_all(&l, variants, &n)) == NULL) {
		return die("no lines, or no memory for them");
	}
	snprintf(key, sizeof(key), "picket:alerts:{%s}", name);
	e = redis_link_new(&r, url, &d);
	if (e == ERR_OK && getenv("BENCH_SIGN") != NULL) {
		e = sign_key_load_any(&sign_with, getenv("BENCH_SIGN"), true,
				      &d);
	}
	if (e == ERR_OK) {
		e = redis_link_connect(r, 5000, &d);
	}
	if (e == ERR_OK) {
		e = redis_link_call(r, 5000, &reply, &d,
				    "SADD picket:sensors %s", name);
	}
	freeReplyObject(reply);
	for (; e == ERR_OK && done < count; seq++) {
		const struct packed *f = &frames[(seq - 1) % n];

		e = add_frame(r, name, key, f, epoch, seq, &d);
		done += f->h.n;
	}
	if (e == ERR_OK) {
		e = drain(r, &d);
	}
	if (e != ERR_OK) {
		return die(d.msg);
	}
	/* What was really pushed: whole frames. */
	printf("%" PRIu64 "\n", done);
	redis_link_free(r);
	return 0;
}

static double
cpu_of(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6 +
	       (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6;
}

/* For a script: seconds on the wall, seconds of processors. */
static void
report(double wall, double cpu)
{
	printf("%.3f %.3f\n", wall, cpu);
}

static int
forward(const char *url, const char *spool, uint64_t count)
{
	struct lines l = { NULL, 0, 0, NULL, 0, 0 };
	struct forward_options o = {
		.redis_url = url,
		.site = "bench",
		.sensor = "forward",
		.sign_key = getenv("BENCH_SIGN"),
		.spool_dir = spool,
		.spool_max_bytes = UINT64_C(16) << 30,
		.window_bytes = UINT64_C(16) << 30,
		.block = true,
	};
	struct forward_result result;
	struct diag d = { "" };
	struct forward *f;
	uint64_t start;
	double cpu;

	if (!read_lines(&l)) {
		return die("no lines, or no memory for them");
	}
	if (forward_start(&f, &o, &d) != ERR_OK) {
		return die(d.msg);
	}
	start = clock_mono_us();
	cpu = cpu_of(RUSAGE_SELF);
	for (uint64_t i = 0; i < count; i++) {
		forward_push(f, l.v[i % l.n], 2);
	}
	forward_finish(f, FORWARD_SENT, 120000, &result);
	/* It gives a collector that is not there 0.75 s to commit. */
	report((double)(clock_mono_us() - start) / 1e6 - 0.75,
	       cpu_of(RUSAGE_SELF) - cpu);
	forward_free(f);
	return result.reached ? 0 : die("not all was sent in two minutes");
}

static int
run(char **argv)
{
	uint64_t start = clock_mono_us();
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		return die("the program failed");
	}
	report((double)(clock_mono_us() - start) / 1e6,
	       cpu_of(RUSAGE_CHILDREN));
	return 0;
}

int
main(int argc, char **argv)
{
	log_init("bench_transport", LOG_WARN, false);
	if (argc == 6 && strcmp(argv[1], "push") == 0) {
		return push(argv[2], argv[3], strtoull(argv[4], NULL, 10),
			    (unsigned)strtoul(argv[5], NULL, 10));
	}
	if (argc == 5 && strcmp(argv[1], "forward") == 0) {
		return forward(argv[2], argv[3], strtoull(argv[4], NULL, 10));
	}
	if (argc >= 3 && strcmp(argv[1], "run") == 0) {
		return run(argv + 2);
	}
	fputs("usage: bench_transport push|forward|run ...; see its source\n",
	      stderr);
	return 2;
}
