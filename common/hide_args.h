/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hide_args.h - passwords of the command line, out of what is shown
 *
 * Everybody on the machine may read a program's arguments.  A settings file is
 * the better place for a password; one that is given as an argument all the
 * same is seen for the moment until this is called.  Nor may a message that
 * repeats an argument show it: logs go further than a command line.
 *
 * Place    above base.h; hide_args() is called first by each main.c.
 * Threads  before there is another.
 * Memory   a copy of the arguments, for as long as the program runs.
 * Cost     cold.
 */
#ifndef COMMON_HIDE_ARGS_H
#define COMMON_HIDE_ARGS_H

#include "common/base.h"

/*
 * Returns a copy to read options from, and writes '*' over each password in
 * 'argv' itself: in URLs (SCHEME://USER:PASSWORD@...) and in settings
 * (KEY.password=...).  Without memory, 'argv' as it is.
 */
char **hide_args(int argc, char **argv);

#define HIDE_ARG_CAP 200

/*
 * 'arg' for a message: cut to what 'out' holds, with '*' over each password.
 * Returns 'out'.
 */
const char *hide_arg(const char *arg, char out[HIDE_ARG_CAP]);
/* Whether there is a password in it. */
bool hide_arg_has(const char *arg) MUST_CHECK;

#endif
