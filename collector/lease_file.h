/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease_file.h - which collectors of a store live, and which one holds it
 *
 * STORE.lock beside the store has a line for each collector: what it is, since
 * when, and its last sign of life.  A line is locked by the process that it
 * tells of; the kernel lets go of the lock when the process ends, however that
 * comes.  So who is dead is known at once, and who is stopped by signs of life
 * that stay the same.  The file decides nothing: whose the store is says its
 * own table (lease.h).
 *
 * The locks are those of open files (F_OFD_SETLK), which work between programs
 * of one host on a local file system.
 *
 * Place    below lease and ctl_collectors.
 * Threads  one at a time; lease_file_put() and _read() by another meanwhile.
 * Memory   a descriptor.
 * Cost     a system call a line.
 */
#ifndef COLLECTOR_LEASE_FILE_H
#define COLLECTOR_LEASE_FILE_H

#include "common/err.h"

#define LEASE_FILE_SLOTS 8 /* collectors of one store */
#define LEASE_NAME_CAP 64
#define LEASE_NAME_BYTES \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:@/"

enum lease_role {
	LEASE_STANDBY,
	LEASE_OPENING, /* holds the store and reads it */
	LEASE_SERVING, /* and takes batches in */
	LEASE_UNKNOWN, /* its line says nothing, as of one that just began */
};

/* What one collector says of itself. */
struct lease_record {
	unsigned slot;
	enum lease_role role;
	uint64_t pid;
	uint64_t number; /* of its lease; 0: it had none */
	uint64_t beat_us; /* of the last sign of life, CLOCK_MONOTONIC */
	bool guarded; /* ends itself should it hang */
	uint64_t since_us; /* in this role, wall clock */
	char name[LEASE_NAME_CAP]; /* of LEASE_NAME_BYTES, never empty */
};

struct lease_file;

/* Opens STORE.lock, makes it when 'write'.  ERR_NOTFOUND when there is none,
 * ERR_FORMAT when 'write' and STORE is some other file, ERR_IO, ERR_NOMEM; with
 * diag. */
enum err lease_file_open(struct lease_file **out, const char *store, bool write,
			 struct diag *d) MUST_CHECK;
/* What it said of itself goes with it. */
void lease_file_close(struct lease_file *f); /* NULL is fine */
const char *lease_file_path(const struct lease_file *f);

/* Takes a line of its own.  ERR_LIMIT with diag: all are taken. */
enum err lease_file_enter(struct lease_file *f, unsigned *slot,
			  struct diag *d) MUST_CHECK;
/* Says it in the line that was taken; 'r->slot' does not matter. */
enum err lease_file_put(struct lease_file *f,
			const struct lease_record *r) MUST_CHECK;

/* Those of others that live, and with 'own' that of 'f'; how many. */
unsigned lease_file_read(struct lease_file *f, bool own,
			 struct lease_record out[LEASE_FILE_SLOTS]);
/* Whether another collector lives at all. */
bool lease_file_company(struct lease_file *f);

/* One at a time decides whose the store becomes; false: another is at it. */
bool lease_file_lock(struct lease_file *f);
void lease_file_unlock(struct lease_file *f);

/* "standby", "opening", "serving", "unknown". */
const char *lease_role_name(enum lease_role role);

#endif
