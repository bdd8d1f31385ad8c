/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/log_file.h"

#include "sensor/hex_digest.h"

static void
put_digest(struct json *j, const char *key, const uint8_t *sum, size_t len)
{
	char hex[HEX_DIGEST_CAP];

	json_str(j, key,
		 view_of(hex, hex_text(view_of(sum, len), 0, false, hex,
				       sizeof(hex))));
}

/* Of a file that is not whole only the digest it is stored by means a thing. */
static void
put_digests(struct json *j, const struct file *f)
{
	const struct digest_sums *s = &f->sums;
	bool whole = f->state == FILE_CLOSED;

	if (whole && (s->has & DIGEST_MD5) != 0) {
		put_digest(j, "md5", s->md5, sizeof(s->md5));
	}
	if (whole && (s->has & DIGEST_SHA1) != 0) {
		put_digest(j, "sha1", s->sha1, sizeof(s->sha1));
	}
	if ((whole || f->stored) && (s->has & DIGEST_SHA256) != 0) {
		put_digest(j, "sha256", s->sha256, sizeof(s->sha256));
	}
}

uint32_t
log_file_id(const struct file *f, uint64_t flow_id, uint64_t tx_id,
	    unsigned dir)
{
	const uint64_t parts[] = { flow_id, tx_id, dir, f->number };
	uint64_t h = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		h = (h ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return (uint32_t)(h >> 32);
}

void
log_file(struct json *j, const struct file *f, uint64_t flow_id, uint64_t tx_id,
	 unsigned dir)
{
	static const char *const states[] = {
		[FILE_OPEN] = "UNKNOWN",
		[FILE_CLOSED] = "CLOSED",
		[FILE_TRUNCATED] = "TRUNCATED",
	};

	json_str(j, "filename", f->name);
	if (f->magic.len > 0) {
		json_str(j, "magic", f->magic);
	}
	json_bool(j, "gaps", f->gaps);
	json_cstr(j, "state", states[f->state]);
	put_digests(j, f);
	json_bool(j, "stored", f->stored);
	if (f->stored) {
		json_u64(j, "file_id", log_file_id(f, flow_id, tx_id, dir));
	} else if (f->wanted && f->storing != NULL) {
		json_bool(j, "storing", true);
	}
	json_u64(j, "size", f->size);
	if (f->has_range) {
		json_u64(j, "start", f->start);
		json_u64(j, "end", f->end);
	}
	json_u64(j, "tx_id", tx_id);
}
