/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_parser.h"

void *
app_tx_new(struct app_ctx *ctx, struct app_flow *af,
	   const struct app_parser *parser, size_t size)
{
	struct arena arena;
	struct app_tx *tx;

	if (af->n_txs >= ctx->max_open_tx) {
		ctx->n_tx_limit++;
		return NULL;
	}
	arena_init(&arena, ctx->pool, ctx->tx_arena_limit);
	tx = arena_zalloc(&arena, MAX(size, sizeof(*tx)));
	if (tx == NULL) {
		ctx->n_no_memory++;
		return NULL;
	}
	tx->arena = arena; /* it lives in its own first chunk */
	tx->parser = parser;
	tx->id = af->next_tx_id++;
	tx->first_us = af->now_us;
	if (af->last_tx != NULL) {
		af->last_tx->next = tx;
	} else {
		af->txs = tx;
	}
	af->last_tx = tx;
	af->n_txs++;
	return tx;
}

void
app_tx_free(struct app_ctx *ctx, struct app_tx *tx)
{
	struct arena arena;

	if (tx->parser->tx_fini != NULL) {
		tx->parser->tx_fini(ctx, tx);
	}
	for (unsigned d = 0; d < 2; d++) {
		for (struct file *f = tx->files[d].first; f != NULL;
		     f = f->next) {
			file_fini(ctx->files, f);
		}
	}
	arena = tx->arena; /* 'tx' lies in it */
	arena_reset(&arena);
}
