/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failing_io.c - a library to preload that makes system calls and allocations
 * fail, kills the process at a call, or writes a journal of what was done
 *
 *   FAILING_IO="ACTION KIND PATTERN N [ERRNO]; ..."
 *
 * ACTION  fail, short (half of a write), before or after (SIGKILL around the
 *         call), count, wait (until the file FAILING_IO_GATE is there).
 * KIND    open read write fsync rename unlink truncate mmap fallocate close
 *         mkdir flock send alloc, or io for all but alloc.
 * PATTERN of fnmatch(3), for the path; of a descriptor it is what /proc says.
 * N       the Nth such call; "N+": from the Nth on; 0: never.
 * ERRNO   ENOSPC EIO EINTR EMFILE ENOMEM EACCES; EIO when not given.
 *
 *   FAILING_IO_OUT=FILE      at the end: hits of each rule; and what was fired
 *   FAILING_IO_BOOT=TEXT     what the system's boot_id reads
 *   FAILING_IO_JOURNAL=FILE  every change below FAILING_IO_UNDER, in order
 *
 * Journal, a text line and then the bytes of a write:
 *   create NAME | write NAME OFF LEN | truncate NAME LEN | sync NAME |
 *   rename A B | exchange A B | unlink NAME | mkdir NAME | mark TEXT
 * NAME is relative to FAILING_IO_UNDER, "." for the directory itself.
 *
 * Place    tests only.
 * Threads  any; rules count with atomics, the journal has a lock.
 * Memory   static.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "failing_rules.h"

/* The next definition of a function, found at its first use. */
#define NEXT(name) \
	static __typeof__(&name) next; \
	if (next == NULL) { \
		bool was = inside; \
		inside = true; \
		next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
		inside = was; \
	}

/* --- files --- */

static int
do_open(int dirfd, const char *name, int flags, mode_t mode)
{
	bool after, made = false;
	struct stat st;
	int fd;

	if (judge_name(K_OPEN, dirfd, name, &after) == 1) {
		return -1;
	}
	if (journal >= 0 && (flags & (O_CREAT | O_TRUNC)) != 0) {
		made = fstatat(dirfd, name, &st, 0) != 0;
	}
	fd = (int)syscall(SYS_openat, dirfd, name, flags, mode);
	if (fd >= 0 && made) {
		note_name("create", dirfd, name, "");
	} else if (fd >= 0 && (flags & O_TRUNC) != 0) {
		note_name("truncate", dirfd, name, " 0");
	}
	if (after) {
		die();
	}
	return fd;
}

#define MODE_OF(flags, mode) \
	do { \
		va_list ap; \
		va_start(ap, flags); \
		mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 \
			       ? (mode_t)va_arg(ap, int) \
			       : 0; \
		va_end(ap); \
	} while (0)

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		mode_t mode; \
		MODE_OF(flags, mode); \
		return do_open(AT_FDCWD, path, flags, mode); \
	}
#define OPENAT(name) \
	int name(int dirfd, const char *path, int flags, ...) \
	{ \
		mode_t mode; \
		MODE_OF(flags, mode); \
		return do_open(dirfd, path, flags, mode); \
	}
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
int __open_2(const char *path, int flags);
int
__open_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char *path, int flags);
int
__open64_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}
int __openat_2(int dirfd, const char *path, int flags);
int
__openat_2(int dirfd, const char *path, int flags)
{
	return do_open(dirfd, path, flags, 0);
}

#define FOPEN(name) \
	FILE *name(const char *path, const char *mode) \
	{ \
		bool after; \
		FILE *f; \
		NEXT(name) \
		if (judge_name(K_OPEN, AT_FDCWD, path, &after) == 1) { \
			return NULL; \
		} \
		f = next(path, mode); \
		if (after) { \
			die(); \
		} \
		return f; \
	}
FOPEN(fopen)
FOPEN(fopen64)

/* Cuts the vector to half of its bytes. */
static int
halve(const struct iovec *iov, int n, struct iovec *out)
{
	size_t all = 0, keep, have = 0;
	int k = 0;

	for (int i = 0; i < n; i++) {
		all += iov[i].iov_len;
	}
	keep = all > 1 ? all / 2 : all;
	for (; k < n && k < 16 && have < keep; k++) {
		out[k] = iov[k];
		if (have + out[k].iov_len > keep) {
			out[k].iov_len = keep - have;
		}
		have += out[k].iov_len;
	}
	return k;
}

static ssize_t
do_writev(int fd, const struct iovec *iov, int n, off_t off)
{
	struct iovec half[16];
	bool after;
	int verdict = judge_fd(K_WRITE, fd, &after);
	ssize_t got;

	if (verdict == 1) {
		return -1;
	}
	if (verdict == 2) {
		n = halve(iov, n, half);
		iov = half;
	}
	if (journal >= 0 && off < 0) {
		int saved = errno;
		off_t at = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);

		errno = saved;
		got = syscall(SYS_writev, fd, iov, n);
		off = at >= 0 ? at : 0;
	} else if (off < 0) {
		got = syscall(SYS_writev, fd, iov, n);
	} else {
		got = syscall(SYS_pwritev, fd, iov, n, (long)off, 0L);
	}
	for (ssize_t left = got, i = 0; journal >= 0 && left > 0; i++) {
		ssize_t k = (ssize_t)iov[i].iov_len < left
				    ? (ssize_t)iov[i].iov_len
				    : left;

		note_fd("write", fd, off, k, iov[i].iov_base);
		off += k;
		left -= k;
	}
	if (after) {
		die();
	}
	return got;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };

	return do_writev(fd, &iov, 1, -1);
}
ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	return do_writev(fd, iov, n, -1);
}
#define PWRITE(name) \
	ssize_t name(int fd, const void *p, size_t n, off_t off) \
	{ \
		struct iovec iov = { (void *)(uintptr_t)p, n }; \
		return do_writev(fd, &iov, 1, off); \
	}
#define PWRITEV(name) \
	ssize_t name(int fd, const struct iovec *iov, int n, off_t off) \
	{ \
		return do_writev(fd, iov, n, off); \
	}
PWRITE(pwrite)
PWRITE(pwrite64)
PWRITEV(pwritev)
PWRITEV(pwritev64)

/* A call with nothing to write down but that it was made. */
#define SIMPLE(kind, key, type, call, ...) \
	do { \
		bool after; \
		type rc; \
		if (judge_fd(kind, key, &after) == 1) { \
			return -1; \
		} \
		rc = (type)syscall(call, __VA_ARGS__); \
		if (after) { \
			die(); \
		} \
		return rc; \
	} while (0)

/* Another boot_id: what a system reads that has lost its memory. */
static ssize_t
other_boot(int fd, void *p, size_t n)
{
	const char *boot = getenv("FAILING_IO_BOOT");
	char path[64];

	if (boot == NULL) {
		return -1;
	}
	path_of_fd(fd, path, sizeof(path));
	if (strstr(path, "boot_id") == NULL || strlen(boot) > n) {
		return -1;
	}
	memcpy(p, boot, strlen(boot));
	return (ssize_t)strlen(boot);
}

ssize_t
read(int fd, void *p, size_t n)
{
	ssize_t boot = other_boot(fd, p, n);

	if (boot >= 0) {
		return boot;
	}
	SIMPLE(K_READ, fd, ssize_t, SYS_read, fd, p, n);
}
#define PREAD(name) \
	ssize_t name(int fd, void *p, size_t n, off_t off) \
	{ \
		SIMPLE(K_READ, fd, ssize_t, SYS_pread64, fd, p, n, off); \
	}
PREAD(pread)
PREAD(pread64)

#define SYNC(name, call) \
	int name(int fd) \
	{ \
		bool after; \
		int rc; \
		if (judge_fd(K_FSYNC, fd, &after) == 1) { \
			return -1; \
		} \
		rc = (int)syscall(call, fd); \
		if (rc == 0) { \
			note_fd("sync", fd, 0, -1, NULL); \
		} \
		if (after) { \
			die(); \
		} \
		return rc; \
	}
SYNC(fsync, SYS_fsync)
SYNC(fdatasync, SYS_fdatasync)

#define TRUNCATE(name) \
	int name(int fd, off_t len) \
	{ \
		bool after; \
		int rc; \
		if (judge_fd(K_TRUNCATE, fd, &after) == 1) { \
			return -1; \
		} \
		rc = (int)syscall(SYS_ftruncate, fd, len); \
		if (rc == 0) { \
			note_fd("truncate", fd, 0, len, NULL); \
		} \
		if (after) { \
			die(); \
		} \
		return rc; \
	}
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

static int
do_rename(int a_dir, const char *a, int b_dir, const char *b, unsigned flags)
{
	char rest[300];
	bool after;
	int rc;

	if (judge_name(K_RENAME, b_dir, b, &after) == 1) {
		return -1;
	}
	rc = (int)syscall(SYS_renameat2, a_dir, a, b_dir, b, flags);
	if (rc == 0 && journal >= 0) {
		const char *base = strrchr(b, '/');

		snprintf(rest, sizeof(rest), " %.250s",
			 base != NULL ? base + 1 : b);
		note_name(flags != 0 ? "exchange" : "rename", a_dir, a, rest);
	}
	if (after) {
		die();
	}
	return rc;
}

int
rename(const char *a, const char *b)
{
	return do_rename(AT_FDCWD, a, AT_FDCWD, b, 0);
}
int
renameat(int a_dir, const char *a, int b_dir, const char *b)
{
	return do_rename(a_dir, a, b_dir, b, 0);
}
int
renameat2(int a_dir, const char *a, int b_dir, const char *b, unsigned flags)
{
	return do_rename(a_dir, a, b_dir, b, flags);
}

int
unlinkat(int dirfd, const char *name, int flags)
{
	bool after;
	int rc;

	if (judge_name(K_UNLINK, dirfd, name, &after) == 1) {
		return -1;
	}
	rc = (int)syscall(SYS_unlinkat, dirfd, name, flags);
	if (rc == 0) {
		note_name("unlink", dirfd, name, "");
	}
	if (after) {
		die();
	}
	return rc;
}
int
unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

int
mkdirat(int dirfd, const char *name, mode_t mode)
{
	bool after;
	int rc;

	if (judge_name(K_MKDIR, dirfd, name, &after) == 1) {
		return -1;
	}
	rc = (int)syscall(SYS_mkdirat, dirfd, name, mode);
	if (rc == 0) {
		note_name("mkdir", dirfd, name, "");
	}
	if (after) {
		die();
	}
	return rc;
}
int
mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}

int
flock(int fd, int how)
{
	SIMPLE(K_FLOCK, fd, int, SYS_flock, fd, how);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	SIMPLE(K_SEND, fd, ssize_t, SYS_sendto, fd, p, n, flags, NULL, 0);
}

int
close(int fd)
{
	bool after;
	int verdict = judge_fd(K_CLOSE, fd, &after), saved = errno;
	int rc = (int)syscall(SYS_close, fd);

	if (verdict == 1) { /* the descriptor is gone all the same */
		errno = saved;
		return -1;
	}
	if (after) {
		die();
	}
	return rc;
}

#define FALLOCATE(name) \
	int name(int fd, int mode, off_t off, off_t len) \
	{ \
		SIMPLE(K_FALLOCATE, fd, int, SYS_fallocate, fd, mode, off, \
		       len); \
	}
FALLOCATE(fallocate)
FALLOCATE(fallocate64)
#define POSIX_FALLOCATE(name) \
	int name(int fd, off_t off, off_t len) \
	{ \
		bool after; \
		if (judge_fd(K_FALLOCATE, fd, &after) == 1) { \
			return errno; \
		} \
		return syscall(SYS_fallocate, fd, 0, off, len) == 0 ? 0 \
								    : errno; \
	}
POSIX_FALLOCATE(posix_fallocate)
POSIX_FALLOCATE(posix_fallocate64)

/* Mappings without a file are memory: they count as allocations. */
#define MMAP(name) \
	void *name(void *p, size_t n, int prot, int flags, int fd, off_t off) \
	{ \
		bool after; \
		int v = fd >= 0 ? judge_fd(K_MMAP, fd, &after) \
				: judge(K_ALLOC, "", &after); \
		if (v == 1) { \
			return MAP_FAILED; \
		} \
		return (void *)syscall(SYS_mmap, p, n, prot, flags, fd, off); \
	}
MMAP(mmap)
MMAP(mmap64)

/* --- memory --- */

/* dlsym() allocates before the allocator is found. */
static _Alignas(16) char bootstrap[8192];
static atomic_size_t bootstrapped;

static void *
boot_alloc(size_t n)
{
	size_t at = atomic_fetch_add(&bootstrapped, (n + 15) & ~(size_t)15);

	return at + n <= sizeof(bootstrap) ? bootstrap + at : NULL;
}

static bool
refuse(void)
{
	bool after;

	if (judge(K_ALLOC, "", &after) == 1) {
		errno = ENOMEM;
		return true;
	}
	return false;
}

/* Under a sanitizer its allocator is next; without one, the C library's. */
#define NEXT_ALLOC(type, name, ...) \
	static type (*next)(__VA_ARGS__); \
	if (next == NULL && !inside) { \
		inside = true; \
		next = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name); \
		inside = false; \
	}

void *
malloc(size_t n)
{
	NEXT_ALLOC(void *, malloc, size_t)
	if (refuse()) {
		return NULL;
	}
	return next != NULL ? next(n) : boot_alloc(n);
}

void *
calloc(size_t n, size_t m)
{
	NEXT_ALLOC(void *, calloc, size_t, size_t)
	if (refuse()) {
		return NULL;
	}
	return next != NULL ? next(n, m) : boot_alloc(n * m);
}

void *
realloc(void *p, size_t n)
{
	NEXT_ALLOC(void *, realloc, void *, size_t)
	if (refuse()) {
		return NULL;
	}
	return next != NULL ? next(p, n) : boot_alloc(n);
}

void
free(void *p)
{
	NEXT_ALLOC(void, free, void *)
	if ((char *)p >= bootstrap &&
	    (char *)p < bootstrap + sizeof(bootstrap)) {
		return;
	}
	if (next != NULL) {
		next(p);
	}
}

void *
aligned_alloc(size_t a, size_t n)
{
	NEXT_ALLOC(void *, aligned_alloc, size_t, size_t)
	return refuse() || next == NULL ? NULL : next(a, n);
}

int
posix_memalign(void **p, size_t a, size_t n)
{
	NEXT_ALLOC(int, posix_memalign, void **, size_t, size_t)
	return refuse() || next == NULL ? ENOMEM : next(p, a, n);
}

char *
strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = malloc(n);

	return p != NULL ? memcpy(p, s, n) : NULL;
}

char *
strndup(const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	char *p = malloc(n + 1);

	if (p != NULL) {
		memcpy(p, s, n);
		p[n] = '\0';
	}
	return p;
}
