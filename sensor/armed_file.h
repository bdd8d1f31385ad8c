/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armed_file.h - the documents that armed this sensor, on its disk
 *
 * The file "indicators" beside the spool holds a base, its parts and the deltas
 * since, each as it came: with its signature, so that nobody arms a sensor by
 * writing a file, and behind its length and CRC-32.  A base is written to
 * "indicators.new" and takes the other's place once it is whole and durable.
 * What a kill or power cut leaves at the end is cut off; the collector has it.
 *
 * Place    above armed_set.h and spool_file.h; below armed.
 * Threads  one.
 * Memory   one document while it reads.
 * Cost     a write a document, a sync a second at most.
 */
#ifndef SENSOR_ARMED_FILE_H
#define SENSOR_ARMED_FILE_H

#include "sensor/armed_set.h"

#define ARMED_FILE "indicators"
/* Deltas that a file may hold beyond as much as its base, before it is written
 * anew with another base. */
#define ARMED_FILE_SPARE (UINT64_C(4) << 20)

struct armed_file;

/* 'dir' exists.  ERR_IO with diag. */
enum err armed_file_open(struct armed_file **out, const char *dir,
			 struct diag *d) MUST_CHECK;
void armed_file_close(struct armed_file *f);
/*
 * Arms the set with what is there; nothing is no error.  ERR_FORMAT, ERR_AUTH
 * with diag: it is damaged or not of our key, and the set is empty.
 */
enum err armed_file_load(struct armed_file *f, struct armed_set *a,
			 struct diag *d) MUST_CHECK;

/* A base begins; an earlier one that was not finished is forgotten. */
enum err armed_file_begin(struct armed_file *f, struct view doc,
			  struct diag *d) MUST_CHECK;
enum err armed_file_part(struct armed_file *f, struct view doc,
			 struct diag *d) MUST_CHECK;
/*
 * The base is whole: it is the file from now on.  With 'keep' the deltas of the
 * former file that end behind version 'to' of this 'epoch' come with it.
 */
enum err armed_file_end(struct armed_file *f, bool keep, uint64_t epoch,
			uint64_t to, struct diag *d) MUST_CHECK;
/* A delta that was taken. */
enum err armed_file_delta(struct armed_file *f, struct view doc,
			  struct diag *d) MUST_CHECK;
/* Makes it durable when a second has passed since it last was. */
void armed_file_sync(struct armed_file *f, uint64_t now_us);
/* Whether there are so many deltas that another base is better. */
bool armed_file_is_long(const struct armed_file *f);

#endif
