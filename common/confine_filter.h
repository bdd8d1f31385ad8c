/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine_filter.h - a seccomp filter while it is made; included by confine*.c
 *
 * A filter says what is let through; everything else fails with EPERM.  Calls
 * of which the kernel does many things are let through for some of their
 * arguments only: those functions are here, for the process's filter and for
 * those of its threads alike.
 */
#ifndef COMMON_CONFINE_FILTER_H
#define COMMON_CONFINE_FILTER_H

#include <seccomp.h>

#include "common/base.h"

#define FILTER_MAX_CALLS 1024 /* numbers of calls are below it */

struct filter {
	scmp_filter_ctx ctx;
	unsigned calls; /* let through */
	bool counted[FILTER_MAX_CALLS];
	int rc; /* the first that went wrong: libseccomp's negative errno */
};

/* What code may be made of: see filter_memory(). */
enum filter_code {
	FILTER_NO_CODE, /* a request for any ends the process */
	FILTER_LIBRARIES, /* mapped to be run, and never written */
	FILTER_JIT, /* written and then run */
};

/* False: out of memory.  filter_fini() in any case. */
bool filter_init(struct filter *f) MUST_CHECK;
void filter_fini(struct filter *f);

/* "a|b": b where this processor's kernel has no a; neither: no rule. */
void filter_call(struct filter *f, uint32_t action, const char *call,
		 unsigned n, const struct scmp_arg_cmp *args);
void filter_calls(struct filter *f, uint32_t action, const char *const *calls,
		  size_t n);
void filter_allow_if(struct filter *f, const char *call,
		     struct scmp_arg_cmp arg);
/* Who asks for these has an older way, and takes it only for ENOSYS. */
void filter_not_there(struct filter *f);

void filter_memory(struct filter *f, enum filter_code code);
/* Locks and flags; not whom to send signals to. */
void filter_fcntl(struct filter *f);
/* Threads, no processes and no namespaces. */
void filter_clone(struct filter *f);
/* Its name, and its filter: only ever a narrower one. */
void filter_thread_begin(struct filter *f);
/* A terminal's size, what can be read. */
void filter_ioctl(struct filter *f);
/* Unix, IPv4 and IPv6; Netlink to ask for addresses and interfaces. */
void filter_sockets(struct filter *f);
/* Packet sockets, and ioctl of interfaces. */
void filter_packet_sockets(struct filter *f);

#endif
