/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_filter.h - which records of a capture are taken, pcap-filter(7)
 *
 * Internal to the capture_*.c files.
 *
 * Place    above capture_format.h; below capture.
 * Threads  one reader, one thread.
 * Memory   a compiled program for each link type, at most eight.
 * Cost     libpcap's interpreter for each record.
 */
#ifndef SENSOR_CAPTURE_FILTER_H
#define SENSOR_CAPTURE_FILTER_H

#include "sensor/capture_format.h"

struct capture_filter;

/* ERR_USAGE when the expression makes sense for no usual link type. */
enum err capture_filter_new(struct capture_filter **out, const char *bpf,
			    struct diag *d) MUST_CHECK;
void capture_filter_free(struct capture_filter *f);
/*
 * ERR_OK to take the record, ERR_NOTFOUND to pass over it; ERR_FORMAT, with
 * diag, when the expression does not go with its link type.
 */
enum err capture_filter_take(struct capture_filter *f,
			     const struct capture_record *rec,
			     struct diag *d) MUST_CHECK;

#endif
