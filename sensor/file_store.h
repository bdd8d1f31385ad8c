/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_store.h - files from the wire on disk, by their SHA-256
 *
 * Suricata's layout, version 2: DIR/ab/abcd... by the hexadecimal digest, so
 * that the same bytes lie there once, and beside it, when asked for, a JSON
 * text per time it was seen.  A file is written to DIR/tmp while it comes and
 * moved when it is whole and wanted.
 *
 * Place    above file_digest; below file.
 * Threads  one store per worker on one directory: names in DIR/tmp are
 *          unique, a rename is atomic.
 * Memory   at most file-store.max-open-files files are written at a time.
 * Cost     system calls per file and per piece of it; only where switched on.
 */
#ifndef SENSOR_FILE_STORE_H
#define SENSOR_FILE_STORE_H

#include "common/conf.h"
#include "sensor/file_digest.h"

struct file_store_counters {
	uint64_t stored, errors;
	uint64_t too_many; /* refused: max-open-files were open */
	uint64_t too_large; /* given up at max-size */
};

struct file_store;
struct stored_file;

/* Who a file is, while it has no digest. */
struct store_name {
	uint64_t flow_id, tx_id;
	unsigned dir;
	uint32_t number;
};

/*
 * Keys read: file-store.{enabled,dir,force-filestore,write-fileinfo,
 * max-open-files,max-size,stream-depth}, or Suricata's outputs list.  '*out' is NULL when
 * it is not enabled; false when out of memory.  A directory that cannot be
 * made is an error of every file.
 */
bool file_store_new(const struct conf *conf, struct file_store **out);
/* Where it is, in the settings' words; NULL: not enabled. */
const char *file_store_dir(const struct conf *conf);
void file_store_free(struct file_store *s); /* all files were ended */
bool file_store_takes_all(const struct file_store *s);
/* Bytes of a stream to read on for the store; UINT64_MAX: all. */
uint64_t file_store_depth(const struct file_store *s);
bool file_store_writes_info(const struct file_store *s);
/* Zeros for NULL. */
const struct file_store_counters *
file_store_counters(const struct file_store *s);

/* NULL: refused, counted. */
struct stored_file *file_store_open(struct file_store *s,
				    const struct store_name *name);
void file_store_write(struct file_store *s, struct stored_file *f,
		      struct view data);
/* Both end 'f'.  False when it could not be kept; counted. */
bool file_store_keep(struct file_store *s, struct stored_file *f,
		     const struct digest_sums *sums);
void file_store_drop(struct file_store *s, struct stored_file *f);
/* The JSON text beside a stored file; 'number' tells sightings apart. */
void file_store_info(struct file_store *s, const struct digest_sums *sums,
		     uint64_t ts_us, uint64_t number, struct view json);

#endif
