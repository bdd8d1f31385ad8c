/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_conf.h - the settings of live capture
 *
 * Keys read: capture.{snaplen, promiscuous, ring-size, timeout-ms, immediate,
 * timestamp, fanout, cpu-affinity}, bpf-filter, and the same but the last but
 * one by interface below capture.interfaces, a list of maps with a name each.
 *
 * Place    above capture_live.h and conf.h; below live and options.
 * Threads  main's.
 * Memory   texts are those of the settings.
 */
#ifndef SENSOR_LIVE_CONF_H
#define SENSOR_LIVE_CONF_H

#include "common/conf.h"
#include "sensor/capture_live.h"

#define LIVE_MAX_INTERFACES 64
#define LIVE_MAX_WORKERS 64

struct live_iface_conf {
	struct capture_live_options open;
	enum fanout_mode fanout;
};

struct live_conf {
	struct live_iface_conf iface[LIVE_MAX_INTERFACES];
	const char *name[LIVE_MAX_INTERFACES]; /* of the same */
	unsigned n;
	int cpu[LIVE_MAX_WORKERS]; /* of the workers in turn */
	unsigned n_cpus; /* 0: the system places them */
};

/*
 * 'names' are those of the command line; without any, those of the settings
 * count.  None at all is fine: n is 0.  ERR_USAGE with diag.
 */
enum err live_conf_read(struct live_conf *out, const struct conf *c,
			const char *const *names, size_t n_names,
			struct diag *d) MUST_CHECK;

#endif
