/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.h - what the sensor knows, in the form that rules read
 *
 * Place    above every parser's own fill_*; below worker.  It includes
 *          rules/inspect.h because that form belongs to the rule language.
 * Threads  pure on the worker's scratch.
 * Memory   views borrow from packet, stream and transaction.
 * Cost     facts are copied; buffers only as far as a rule needs them.
 */
#ifndef SENSOR_FILL_H
#define SENSOR_FILL_H

#include "rules/inspect.h"
#include "sensor/app.h"
#include "sensor/stream.h"

/* Header facts of 'pkt' and its payload; kind becomes INSPECT_PACKET. */
void fill_packet(struct inspect *in, const struct packet *pkt,
		 enum flow_dir dir, bool in_stream);

/* TCP's handshake is done, or both sides were heard. */
bool flow_established(const struct flow *f);

/* Facts of 'f' at this packet; 'out' is what in->flow will point at. */
void fill_flow(struct inspect_flow *out, const struct flow *f);

/*
 * The raw window of 'dir'; kind becomes INSPECT_STREAM.  False: nothing new,
 * and this is not the 'last' look.
 */
bool fill_stream(struct inspect *in, const struct flow *f, enum flow_dir dir,
		 bool last);

/*
 * The buffers of 'tx' known by now; kind becomes INSPECT_TX.  'fresh' is
 * worked out against what was offered before.
 */
void fill_tx(struct inspect *in, struct app_tx *tx, enum flow_dir dir,
	     const uint64_t needed[2]);
/*
 * Adds the raw bytes of 'dir' to what fill_tx() gave, for rules that ask for
 * both: the stream's window, or the payload of 'pkt' when it went that way.
 */
void fill_tx_raw(struct inspect *in, const struct flow *f,
		 const struct packet *pkt, enum flow_dir packet_dir);
/* Remembers in 'tx' what 'in' offered. */
void fill_tx_done(const struct inspect *in, struct app_tx *tx);

#endif
