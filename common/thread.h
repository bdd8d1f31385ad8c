/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - threads that leave signals to the main one
 *
 * Place    above base.h.
 * Threads  any.
 * Memory   none of its own.
 * Cost     a start.
 */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include <pthread.h>

#include "common/base.h"

/*
 * Starts 'run' with 'arg' in a thread that takes no signals.  As
 * pthread_create(): 0, or the error's number and no thread.
 */
int thread_start(pthread_t *thread, void *(*run)(void *), void *arg) MUST_CHECK;

#endif
