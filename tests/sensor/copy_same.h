/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy_same.h - is a copy's text that of the transaction itself?
 *
 * For the tests of tx_copy and for the fuzzers of the protocols.
 */
#ifndef TESTS_SENSOR_COPY_SAME_H
#define TESTS_SENSOR_COPY_SAME_H

#include <stdio.h>
#include <stdlib.h>

#include "sensor/event_line.h"
#include "sensor/log_file.h"

/* What events say of 'tx' and of the files that have ended. */
static inline void
copy_same_text(struct json *j, const struct app_tx *tx, const struct file *f)
{
	json_reset(j);
	json_obj(j, NULL);
	json_u64(j, "tx_id", tx->id);
	line_tx(j, tx);
	if (f != NULL) {
		json_obj(j, "fileinfo");
		log_file(j, f, 1, tx->id, 0);
		json_obj_end(j);
	}
	json_obj_end(j);
}

/* Ends the program unless it is.  'f', settled or NULL, was carried by 'tx'. */
static inline void
copy_same(const struct app_tx *tx, const struct file *f)
{
	static struct json bytes, now, later;
	static struct tx_room *room;
	const struct app_tx *again;
	struct view left;
	struct file file;
	uint8_t *own;

	json_reset(&bytes);
	tx_copy_put(&bytes, tx);
	if (f != NULL) {
		tx_copy_put_file(&bytes, f);
	}
	room = room != NULL ? room : tx_room_new();
	own = malloc(bytes.len); /* of this length: a sanitizer sees its end */
	if (room == NULL || own == NULL || bytes.failed) {
		abort();
	}
	memcpy(own, bytes.p, bytes.len);
	left = view_of(own, bytes.len);
	copy_same_text(&now, tx, f);
	again = tx_copy_get(room, &left);
	if (f != NULL) {
		tx_copy_get_file(&file, &left);
	}
	copy_same_text(&later, again, f != NULL ? &file : NULL);
	if (left.len != 0 || !view_eq(json_view(&now), json_view(&later))) {
		fprintf(stderr, "%zu bytes left; now:\n%.*s\nlater:\n%.*s\n",
			left.len, (int)now.len, now.p, (int)later.len, later.p);
		abort();
	}
	free(own);
}

/* The same of a transaction with each of its files that have ended. */
static inline void
copy_same_all(const struct app_tx *tx)
{
	copy_same(tx, NULL);
	for (unsigned d = 0; d < 2; d++) {
		for (const struct file *f = tx->files[d].first; f != NULL;
		     f = f->next) {
			if (file_ended(f) && f->storing == NULL) {
				copy_same(tx, f);
			}
		}
	}
}

#endif
