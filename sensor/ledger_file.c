/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "common/clock.h"

#define PAGE ((size_t)LEDGER_FILE_SIZE)

#define MAGIC UINT64_C(0x01524744454c4b50)

/* The magic is written last: a head that has it is whole.  A torn 'boot', of
 * which there is no other copy, looks like another boot, and no worse. */
struct head {
	uint64_t magic;
	uint64_t epoch;
	uint64_t crc; /* of the epoch */
	char boot[CLOCK_BOOT_CAP];
};

/* A disk writes page by page: after a power cut the two halves of a slot may be
 * of different times. */
struct kept_slot {
	struct ledger_slot s;
	uint64_t crc; /* of it */
};

struct page {
	struct head head;
	_Atomic uint64_t clean; /* the run before ended well */
	_Atomic uint64_t beat_us;
	_Atomic uint64_t turn; /* its last bit says which slot is in use */
	_Atomic uint64_t raised[LEDGER_CLASSES];
	_Atomic uint64_t lost[LEDGER_LOSTS][LEDGER_CLASSES];
	struct kept_slot slot[2];
	_Atomic uint64_t order;
};
STATIC_ASSERT(sizeof(struct page) <= PAGE, "it fits its file");
/* So that whichever pages reached the disk, one of the slots is whole. */
STATIC_ASSERT(offsetof(struct page, slot[1]) <= 4096,
	      "the first slot is of one page with the turn");

struct ledger_file {
	struct page *p;
	int fd;
	uint64_t last_beat_us;
};

static uint64_t
head_crc(const struct head *h)
{
	return crc32_z(0, (const Bytef *)&h->epoch, sizeof(h->epoch));
}

static void
put_head(struct ledger_file *f, uint64_t epoch)
{
	struct head *h = &f->p->head;

	h->epoch = epoch;
	h->crc = head_crc(h);
	clock_boot_id(h->boot);
	atomic_thread_fence(memory_order_release);
	h->magic = MAGIC;
}

static uint64_t
slot_crc(const struct ledger_slot *s)
{
	return crc32_z(0, (const Bytef *)s, sizeof(*s));
}

/* What a disk gives back need not be what it was given. */
static bool
slot_is_sound(const struct ledger_file *f, uint64_t turn)
{
	const struct kept_slot *k = &f->p->slot[turn & 1];
	bool sound = k->crc == slot_crc(&k->s) && k->s.n_shed <= LEDGER_SHEDS;

	for (uint64_t i = 0; sound && i < k->s.n_shed; i++) {
		sound = k->s.shed[i].cls < LEDGER_CLASSES;
	}
	return sound;
}

/* Of the slots the one that counts.  The one before is only older, as all may
 * be after a power cut; at any other time the file would be damaged. */
static enum ledger_found
choose_slot(struct ledger_file *f, enum ledger_found found)
{
	uint64_t turn = atomic_load(&f->p->turn);

	if (slot_is_sound(f, turn)) {
		return found;
	}
	if (found != LEDGER_FILE_POWER || !slot_is_sound(f, turn - 1)) {
		return LEDGER_FILE_DAMAGED;
	}
	atomic_store(&f->p->turn, turn - 1);
	return found;
}

static enum ledger_found
look(struct ledger_file *f, uint64_t epoch, bool whole)
{
	const struct head *h = &f->p->head;
	char boot[CLOCK_BOOT_CAP];

	if (!whole || h->magic == 0) {
		return LEDGER_FILE_NEW;
	}
	if (h->magic != MAGIC || h->crc != head_crc(h)) {
		return LEDGER_FILE_DAMAGED;
	}
	if (h->epoch != epoch) {
		return LEDGER_FILE_NEW;
	}
	if (atomic_load(&f->p->clean) != 0) {
		return choose_slot(f, LEDGER_FILE_CLEAN);
	}
	clock_boot_id(boot);
	return choose_slot(
		f, boot[0] != '\0' && memcmp(boot, h->boot, CLOCK_BOOT_CAP) == 0
			   ? LEDGER_FILE_KILLED
			   : LEDGER_FILE_POWER);
}

static enum err
map(struct ledger_file *f, const char *dir, bool *whole)
{
	char path[600];
	struct stat st;
	void *p;

	snprintf(path, sizeof(path), "%s/" LEDGER_FILE, dir);
	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (f->fd < 0 || fstat(f->fd, &st) < 0) {
		return ERR_IO;
	}
	*whole = st.st_size == (off_t)PAGE;
	/* Blocks of its own, or a full disk would be met by a signal. */
	errno = posix_fallocate(f->fd, 0, PAGE);
	if (errno != 0 || ftruncate(f->fd, PAGE) < 0) {
		return ERR_IO;
	}
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (p == MAP_FAILED) {
		return ERR_IO;
	}
	f->p = p;
	return ERR_OK;
}

enum err
ledger_file_open(struct ledger_file **out, const char *dir, uint64_t epoch,
		 enum ledger_found *found, struct diag *d)
{
	struct ledger_file *f = calloc(1, sizeof(*f));
	bool whole = false;

	*out = NULL;
	if (f == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	f->fd = -1;
	if (map(f, dir, &whole) != ERR_OK) {
		diag_set(d, ERR_IO,
			 "spool %s: " LEDGER_FILE ": %s; mend it or name "
			 "another directory with --spool",
			 dir, strerror(errno));
		ledger_file_close(f, false);
		return ERR_IO;
	}
	*found = look(f, epoch, whole);
	if (*found == LEDGER_FILE_NEW || *found == LEDGER_FILE_DAMAGED) {
		memset(f->p, 0, PAGE);
		ledger_file_put(f, &(struct ledger_slot){ 0 });
	}
	f->last_beat_us = atomic_load(&f->p->beat_us);
	put_head(f, epoch);
	atomic_store(&f->p->clean, 0);
	*out = f;
	return ERR_OK;
}

void
ledger_file_close(struct ledger_file *f, bool clean)
{
	if (f == NULL) {
		return;
	}
	if (f->p != NULL) {
		/* What is said to be clean is on the disk before the word.
		 * Failing leaves what a kill would have left. */
		(void)msync(f->p, PAGE, MS_SYNC);
		atomic_store(&f->p->clean, clean ? 1 : 0);
		(void)msync(f->p, PAGE, MS_SYNC);
		munmap(f->p, PAGE);
	}
	if (f->fd >= 0) {
		close(f->fd);
	}
	free(f);
}

uint64_t
ledger_file_last_beat(const struct ledger_file *f)
{
	return f->last_beat_us;
}

void
ledger_file_beat(struct ledger_file *f, uint64_t wall_us, bool sync)
{
	atomic_store(&f->p->beat_us, wall_us);
	if (sync) {
		/* Only a power cut asks for it: the spool's own syncs tell
		 * when the disk is dying. */
		(void)msync(f->p, PAGE, MS_SYNC);
	}
}

/* The wall clock, so that counters that had to begin anew are not behind those
 * that were told before; but never back. */
uint64_t
ledger_file_order(struct ledger_file *f, uint64_t wall_us)
{
	uint64_t order = MAX(atomic_load(&f->p->order) + 1, wall_us);

	atomic_store(&f->p->order, order);
	return order;
}

/* One writer a word: no need for more than a store. */
static void
bump(_Atomic uint64_t *v, uint64_t n)
{
	atomic_store_explicit(v,
			      atomic_load_explicit(v, memory_order_relaxed) + n,
			      memory_order_release);
}

void
ledger_file_raise(struct ledger_file *f, unsigned cls, uint64_t n)
{
	bump(&f->p->raised[cls], n);
}

void
ledger_file_lose(struct ledger_file *f, enum ledger_lost cause, unsigned cls,
		 uint64_t n)
{
	bump(&f->p->lost[cause][cls], n);
}

const struct ledger_slot *
ledger_file_slot(const struct ledger_file *f)
{
	return &f->p->slot[atomic_load(&f->p->turn) & 1].s;
}

void
ledger_file_put(struct ledger_file *f, const struct ledger_slot *s)
{
	uint64_t turn = atomic_load(&f->p->turn) + 1;

	f->p->slot[turn & 1].s = *s;
	f->p->slot[turn & 1].crc = slot_crc(s);
	atomic_store(&f->p->turn, turn);
}

void
ledger_file_lost(const struct ledger_file *f, enum ledger_lost cause,
		 uint64_t out[LEDGER_CLASSES])
{
	const struct ledger_slot *s = ledger_file_slot(f);

	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		out[c] = s->lost[cause][c] + atomic_load(&f->p->lost[cause][c]);
	}
}

void
ledger_file_raised(const struct ledger_file *f, uint64_t out[LEDGER_CLASSES])
{
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		out[c] = atomic_load(&f->p->raised[c]);
	}
}

void
ledger_file_raised_least(struct ledger_file *f, unsigned cls, uint64_t n)
{
	if (atomic_load(&f->p->raised[cls]) < n) {
		atomic_store(&f->p->raised[cls], n);
	}
}
