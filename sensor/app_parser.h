/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_parser.h - what an application protocol parser is
 *
 * A parser turns one flow's bytes into transactions: an HTTP request with its
 * response, a DNS query or answer, a TLS handshake.  It never calls rules,
 * logging or the driver (app.h); the worker looks at what it left behind.
 *
 * Place    above stream.h and file.h, below app_http, app_dns, app_tls; app.h is the
 *          driver above them all.
 * Threads  one app_ctx per worker; parsers are static tables.
 * Memory   flow state from the pool, a transaction's from its own arena.
 *          Every list and buffer traffic can fill has a cap and a counter.
 * Cost     linear in the bytes given; partial input is kept, never rescanned
 *          from its start without bound.
 */
#ifndef SENSOR_APP_PARSER_H
#define SENSOR_APP_PARSER_H

#include "common/arena.h"
#include "common/conf.h"
#include "common/events.h"
#include "common/proto.h"
#include "sensor/file.h"
#include "sensor/flow.h"

struct app_parser;
struct app_ctx; /* app.h: per worker settings, pool, scratch */
struct rule_tx; /* rules */

/* The common head of every transaction; first member of the parser's own. */
struct app_tx {
	struct app_tx *next; /* in the flow, oldest first */
	const struct app_parser *parser;
	uint64_t id; /* 0, 1, 2 ... within the flow; EVE's tx_id */
	uint64_t first_us; /* packet time of its first byte */
	struct arena arena; /* everything the transaction owns */
	struct event_set events;
	struct event_set events_logged; /* anomalies already written */
	bool done[2]; /* this direction is complete (enum flow_dir) */
	bool updated[2]; /* something new since the worker last looked */
	bool cut[2]; /* raw bytes were cut into chunks behind it */
	bool logged; /* its EVE event was written */
	bool log_off; /* a rule said that it is not to be logged */
	bool one_sided; /* only one direction exists (a DNS message) */
	struct file_list files[2]; /* what it carries, by enum flow_dir */
	bool store_files[2]; /* a rule wants all files of this direction */
	uint8_t noted; /* by retro_note.c: what of it is noted */
	/* The worker's marks for the rules. */
	struct rule_tx *rules;
	uint64_t inspected[2][2]; /* by dir: inspect.h 'done' bits offered */
	uint64_t body_inspected[2]; /* body bytes already offered, by dir */
	bool end_inspected[2];
};

/* Hangs on flow->app. */
struct app_flow {
	const struct app_parser *parser; /* NULL until detected */
	void *state; /* the parser's own, per flow */
	struct app_tx *txs, *last_tx; /* those not yet finished */
	uint32_t n_txs;
	uint64_t next_tx_id;
	struct event_set events; /* of the flow; the worker clears it */
	enum app_proto dir_proto[2]; /* as detected in each direction */
	struct buf pending[2]; /* bytes kept until the protocol is known */
	bool detect_done[2];
	bool failed[2]; /* this direction can no longer be parsed */
	bool finished[2]; /* the parser wants no more of this direction */
	bool eof[2]; /* this direction has ended */
	bool swap; /* app_data(): the flow's roles are the other way round */
	bool encrypted; /* nothing more to see (after TLS handshake) */
	bool dark; /* and that because keys are in use in both directions */
	bool unseen; /* the worker has drawn its conclusions from that */
	bool muted; /* known by name; nobody asked for what it says */
	/*
	 * Set by a parser that returns APP_PARSE_DONE: the connection goes on
	 * as something else (RFC 9110 7.8 and 9.3.6), which the driver finds
	 * out.  'used' tells how many of the bytes just given belonged to the
	 * parser; those of former calls, and of the other direction, that did
	 * not are in 'pending'.
	 */
	bool change;
	bool server_first; /* the server spoke before the client */
	size_t used;
	enum app_proto expect; /* what comes, when it was said; or unknown */
	enum app_proto before; /* the protocol that was left last; or unknown */
	uint8_t n_changes;
	uint64_t now_us; /* packet time of the bytes being parsed */
	const struct flow *flow; /* may be NULL in a test */
	bool store_files[2]; /* a rule wants all files of this direction */
};

enum app_probe {
	PROBE_NO, /* certainly not */
	PROBE_MORE, /* cannot tell from so few bytes */
	PROBE_YES,
};

enum app_result {
	APP_PARSE_OK,
	APP_PARSE_FAILED, /* give this direction up: counted, app = its proto */
	APP_PARSE_DONE, /* encrypted or finished: send no more bytes */
};

struct app_parser {
	enum app_proto proto;
	bool tcp, udp;
	/* Ports that raise it above content-only guesses; 0-terminated. */
	const uint16_t *ports;
	/*
	 * Could these first bytes of direction 'dir' be this protocol?  'data'
	 * is all that came so far in that direction.  'by_port' tells that the
	 * flow's server port is one of 'ports'.
	 */
	enum app_probe (*probe)(struct view data, enum flow_dir dir,
				bool by_port);
	/*
	 * Do these first bytes come from the other role than 'dir' says?  Asked
	 * for datagrams only, after a probe said yes.  May be NULL.
	 */
	bool (*reversed)(struct view data, enum flow_dir dir);
	/* Per-flow state from ctx's pool; NULL: out of memory. */
	void *(*state_new)(struct app_ctx *ctx, struct app_flow *af);
	void (*state_free)(struct app_ctx *ctx, struct app_flow *af,
			   void *state);
	/* New bytes (TCP) or one datagram (UDP). Takes all of 'data'. */
	enum app_result (*parse)(struct app_ctx *ctx, struct app_flow *af,
				 enum flow_dir dir, struct view data);
	/* 'bytes' were lost here; NULL: the direction is given up. */
	enum app_result (*gap)(struct app_ctx *ctx, struct app_flow *af,
			       enum flow_dir dir, uint64_t bytes);
	/* The stream ended in this direction. May be NULL. */
	void (*eof)(struct app_ctx *ctx, struct app_flow *af,
		    enum flow_dir dir);
	/* Ends what a transaction holds outside its arena (z_stream...). */
	void (*tx_fini)(struct app_ctx *ctx, struct app_tx *tx);
};

/* Services of the driver that parsers use; implemented in app_ctx.c, which
 * stands below the parsers. */
enum app_encryption {
	ENCRYPTED_TRACK, /* rules are shown none of the bytes */
	ENCRYPTED_BYPASS, /* the flow is only counted */
	ENCRYPTED_FULL, /* rules go on looking at the bytes */
};

struct app_ctx {
	struct pool *pool;
	const struct conf *conf;
	uint64_t n_tx_limit; /* transactions refused: too many open */
	uint64_t n_no_memory;
	uint32_t max_open_tx; /* per flow */
	size_t tx_arena_limit; /* bytes per transaction */
	struct range_table *ranges; /* NULL: none are put together */
	struct file_ctx *files; /* NULL: no digests, types and store */
	bool keep_frames; /* rules look at messages as they were sent */
	void *http, *dns, *tls; /* each parser's settings, set by its _setup */
	/* What becomes of encrypted bytes. */
	enum app_encryption tls_encrypted, ssh_encrypted;
	/* Bit per enum app_proto: what app_want() asked for. */
	uint64_t parse_tcp, parse_udp;
};

/*
 * Opens a transaction of 'size' bytes (the parser's struct, whose first
 * member is struct app_tx), zeroed, in its own arena, at the list's end.
 * NULL at the cap or when memory is out; counted.
 */
void *app_tx_new(struct app_ctx *ctx, struct app_flow *af,
		 const struct app_parser *parser, size_t size);
/* Ends all that 'tx' holds, itself included; it is in no list any more. */
void app_tx_free(struct app_ctx *ctx, struct app_tx *tx);

#endif
