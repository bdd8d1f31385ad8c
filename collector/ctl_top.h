/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_top.h - picketctl top: what goes on, drawn anew each second
 *
 * Place    above ctl_show; below ctl.
 * Threads  one.
 * Memory   a screenful.
 * Cost     what status, sensors and incidents cost, once a second.
 */
#ifndef COLLECTOR_CTL_TOP_H
#define COLLECTOR_CTL_TOP_H

#include "collector/ctl_show.h"

/*
 * Until q, SIGINT, SIGTERM or SIGHUP, and the screen is as it was before; once,
 * and whole, where the answer does not go to a terminal.  ERR_IO with diag:
 * the terminal cannot be set; else as the answers it is made of.
 */
enum err ctl_top(struct ctl *c, struct diag *d) MUST_CHECK;

#endif
