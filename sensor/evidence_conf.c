/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/evidence_conf.h"

static const char *const modes[] = { [EVIDENCE_NONE] = "none",
				     [EVIDENCE_ALERTS] = "alerts",
				     [EVIDENCE_FLOWS] = "flows" };

const char *
evidence_mode_name(enum evidence_mode m)
{
	return modes[m];
}

bool
evidence_mode_read(const char *word, enum evidence_mode *out)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (strcmp(word, modes[i]) == 0) {
			*out = (enum evidence_mode)i;
			return true;
		}
	}
	return false;
}

enum err
evidence_conf_read(struct evidence_conf *c, const struct conf *conf,
		   struct diag *d)
{
	const char *mode = conf_str(conf, "evidence.mode", "none");

	*c = (struct evidence_conf){
		.dir = conf_named(conf, "evidence.dir"),
		.limit = { .file_size = conf_u64(conf, "evidence.file-size",
						 UINT64_C(64) << 20, 1 << 16,
						 UINT64_C(1) << 40),
			   .flow_bytes = conf_u64(conf, "evidence.flow-bytes",
						  UINT64_C(10) << 20, 1,
						  UINT64_C(1) << 40),
			   .flow_packets = (uint32_t)conf_u64(
				   conf, "evidence.flow-packets", 10000, 1,
				   UINT32_MAX),
			   .snaplen =
				   (uint32_t)conf_u64(conf, "evidence.snaplen",
						      262144, 64, 262144) },
		.total_size =
			conf_u64(conf, "evidence.total-size", UINT64_C(1) << 30,
				 1 << 20, UINT64_C(1) << 50),
		.buffer = conf_u64(conf, "evidence.buffer", UINT64_C(4) << 20,
				   1 << 20, UINT64_C(1) << 30),
		.before = conf_u64(conf, "evidence.before", UINT64_C(4) << 20,
				   0, UINT64_C(1) << 30),
	};
	if (c->before != 0) {
		c->before = UINT64_C(1) << (63 - __builtin_clzll(c->before));
	}
	if (!evidence_mode_read(mode, &c->mode)) {
		return diag_set(d, ERR_USAGE,
				"evidence.mode: '%s' is none of none, alerts "
				"and flows",
				mode);
	}
	if (c->mode != EVIDENCE_NONE && c->dir == NULL) {
		return diag_set(d, ERR_USAGE,
				"evidence.mode: %s needs evidence.dir, where "
				"the packets go",
				mode);
	}
	return ERR_OK;
}
