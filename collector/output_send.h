/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_send.h - a batch to where an output leads
 *
 * What the other end took, or will never take, is told of; the rest comes again.
 * A sender that failed is asked again later and connects anew by itself.
 *
 * Place    above output_conf, output_read (the batch) and output_ecs; below
 *          output.
 * Threads  one a sender.
 * Memory   one batch, as it is sent.
 * Cost     a round trip a batch; waits at most the output's 'timeout'.
 */
#ifndef COLLECTOR_OUTPUT_SEND_H
#define COLLECTOR_OUTPUT_SEND_H

#include <stdatomic.h>

#include "collector/output_read.h"

struct output_told {
	size_t n; /* of the first: taken, or refused for good */
	uint64_t refused; /* of these: the other end says that it wants none */
};

/* By HTTP: OUTPUT_WEBHOOK, OUTPUT_ECS.  '*stop' ends a request. */
struct output_http;
enum err output_http_new(struct output_http **out, const struct output_conf *is,
			 const atomic_bool *stop, struct diag *d) MUST_CHECK;
void output_http_free(struct output_http *h);
/* ERR_IO, ERR_AGAIN, ERR_AUTH, ERR_FORMAT, ERR_NOMEM with diag; 'told' counts
 * then, too. */
enum err output_http_send(struct output_http *h, const struct output_batch *b,
			  struct output_told *told, struct diag *d) MUST_CHECK;

/* Into a Unix socket: a line is told when the other end has read it. */
struct output_sock;
enum err output_sock_new(struct output_sock **out, const struct output_conf *is,
			 const atomic_bool *stop, struct diag *d) MUST_CHECK;
void output_sock_free(struct output_sock *s);
enum err output_sock_send(struct output_sock *s, const struct output_batch *b,
			  struct output_told *told, struct diag *d) MUST_CHECK;

#endif
