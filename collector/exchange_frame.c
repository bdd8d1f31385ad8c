/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_frame.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "common/json_read.h"

#define PURPOSE "picket-exchange"
#define DIGEST 32
/* Two names with their length, the numbers, how it is packed, the digest. */
#define CLAIM_MAX \
	(FRAME_MAC_HEAD + 1 + 2 * EXCHANGE_NAME_CAP + 4 * 8 + 1 + DIGEST)

static const char *const verdicts[EXCHANGE_VERDICTS] = {
	[EXCHANGE_OK] = "ok",
	[EXCHANGE_UNSIGNED] = "unsigned",
	[EXCHANGE_MALFORMED] = "malformed",
	[EXCHANGE_UNKNOWN_KEY] = "unknown-key",
	[EXCHANGE_FORGED] = "forged",
	[EXCHANGE_MISADDRESSED] = "misaddressed",
};

const char *
exchange_verdict_name(enum exchange_verdict v)
{
	return (size_t)v < EXCHANGE_VERDICTS ? verdicts[v] : "unknown";
}

bool
exchange_name_ok(struct view name)
{
	if (name.len == 0 || name.len >= EXCHANGE_NAME_CAP ||
	    name.p[0] == '-' || name.p[0] == '_') {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '_')) {
			return false;
		}
	}
	return true;
}

static bool
digest_of(struct view data, uint8_t out[DIGEST])
{
	return EVP_Digest(data.len > 0 ? data.p : (const uint8_t *)"", data.len,
			  out, NULL, EVP_sha256(), NULL) == 1;
}

static size_t
put_name(uint8_t *out, const char *name)
{
	size_t n = strnlen(name, EXCHANGE_NAME_CAP - 1);

	out[0] = (uint8_t)n;
	memcpy(out + 1, name, n);
	return 1 + n;
}

static size_t
put_number(uint8_t *out, uint64_t v)
{
	for (int i = 0; i < 8; i++) {
		out[i] = (uint8_t)(v >> (56 - 8 * i));
	}
	return 8;
}

/* What is signed; 'head' is the mac's.  0: the library failed. */
static size_t
write_claim(uint8_t out[CLAIM_MAX], const uint8_t *head,
	    const struct exchange_frame *f)
{
	size_t at = FRAME_MAC_HEAD;

	memcpy(out, head, FRAME_MAC_HEAD);
	out[at++] = EXCHANGE_VERSION;
	at += put_name(out + at, f->from);
	at += put_name(out + at, f->to);
	at += put_number(out + at, f->epoch);
	at += put_number(out + at, f->seq);
	at += put_number(out + at, f->n);
	at += put_number(out + at, f->len);
	out[at++] = f->deflated;
	return digest_of(f->data, out + at) ? at + DIGEST : 0;
}

enum err
exchange_frame_sign(struct sign_key *k, const struct exchange_frame *f,
		    uint8_t mac[FRAME_MAC_MAX], size_t *len)
{
	uint8_t claim[CLAIM_MAX];
	size_t n;

	*len = frame_mac_head(k, mac);
	n = write_claim(claim, mac, f);
	return n > 0 ? sign_make(k, PURPOSE, view_of(claim, n),
				 mac + FRAME_MAC_HEAD)
		     : ERR_NOMEM;
}

/* The party's key that the mac names. */
static struct sign_key *
find_key(const struct exchange_party *party, const struct frame_mac *m)
{
	for (unsigned i = 0; i < party->n_keys; i++) {
		if (frame_mac_is_of(m, party->keys[i])) {
			return party->keys[i];
		}
	}
	return NULL;
}

/* Anything beyond cannot be a bundle of ours, whoever signed it. */
static bool
in_bounds(const struct exchange_frame *f)
{
	return f->seq > 0 && f->seq <= INT64_MAX && f->epoch > 0 &&
	       f->epoch <= INT64_MAX && f->n <= EXCHANGE_MAX_OBJECTS &&
	       f->len > 0 && f->len <= EXCHANGE_MAX_LEN && f->data.len > 0 &&
	       f->data.len <= EXCHANGE_MAX_DATA &&
	       (f->deflated || f->data.len == f->len);
}

enum exchange_verdict
exchange_frame_judge(const struct exchange_party *party, const char *us,
		     const struct exchange_frame *f)
{
	uint8_t claim[CLAIM_MAX];
	struct frame_mac m;
	struct sign_key *k;
	size_t n;

	if (f->mac.len == 0) {
		return EXCHANGE_UNSIGNED;
	}
	if (strcmp(f->from, party->name) != 0 || strcmp(f->to, us) != 0) {
		return EXCHANGE_MISADDRESSED;
	}
	if (!frame_mac_read(f->mac, &m) || !in_bounds(f)) {
		return EXCHANGE_MALFORMED;
	}
	k = find_key(party, &m);
	if (k == NULL) {
		return EXCHANGE_UNKNOWN_KEY;
	}
	n = write_claim(claim, f->mac.p, f);
	return n > 0 && sign_check(k, PURPOSE, view_of(claim, n), m.sig)
		       ? EXCHANGE_OK
		       : EXCHANGE_FORGED;
}

void
exchange_stream_key(const char *from, char out[EXCHANGE_KEY_CAP])
{
	snprintf(out, EXCHANGE_KEY_CAP, "picket:exchange:{%.63s}", from);
}

void
exchange_point_key(const char *from, char out[EXCHANGE_KEY_CAP])
{
	snprintf(out, EXCHANGE_KEY_CAP, "picket:exchanged:{%.63s}", from);
}

void
exchange_file_name(const struct exchange_frame *f, const char *end,
		   char out[EXCHANGE_FILE_CAP])
{
	snprintf(out, EXCHANGE_FILE_CAP,
		 "%.63s-%.63s-%" PRIu64 "-%" PRIu64 "%.15s", f->from, f->to,
		 f->epoch, f->seq, end);
}

void
exchange_point_file(const char *from, const char *to,
		    char out[EXCHANGE_FILE_CAP])
{
	snprintf(out, EXCHANGE_FILE_CAP, "%.63s-%.63s-point", to, from);
}

void
exchange_sig_write(struct json *j, const struct exchange_frame *f)
{
	uint8_t digest[DIGEST];

	if (!digest_of(f->data, digest)) {
		j->failed = true;
		return;
	}
	json_obj(j, NULL);
	json_u64(j, "v", EXCHANGE_VERSION);
	json_cstr(j, "from", f->from);
	json_cstr(j, "to", f->to);
	json_u64(j, "epoch", f->epoch);
	json_u64(j, "seq", f->seq);
	json_u64(j, "n", f->n);
	json_cstr(j, "enc", f->deflated ? "zlib" : "none");
	json_u64(j, "len", f->len);
	json_hex(j, "sha256", view_of(digest, DIGEST));
	json_hex(j, "mac", f->mac);
	json_obj_end(j);
}

/* A .sig file that is read. */
struct sig {
	struct json_reader r;
	const struct json_value *root;
	const char *missing; /* the first field that is not as it has to be */
};

static struct view
sig_text(struct sig *s, const char *name)
{
	const struct json_value *v =
		json_member(&s->r, s->root, view_cstr(name));

	if (v == NULL || v->type != JSON_STRING) {
		s->missing = s->missing != NULL ? s->missing : name;
		return view_cstr("");
	}
	return v->text;
}

static uint64_t
sig_number(struct sig *s, const char *name, uint64_t max)
{
	const struct json_value *v =
		json_member(&s->r, s->root, view_cstr(name));
	uint64_t n = 0;

	if (v == NULL || !json_uint(v, max, &n)) {
		s->missing = s->missing != NULL ? s->missing : name;
	}
	return n;
}

static void
sig_name(struct sig *s, const char *name, char out[EXCHANGE_NAME_CAP])
{
	struct view v = sig_text(s, name);

	if (exchange_name_ok(v)) {
		memcpy(out, v.p, v.len);
	} else if (s->missing == NULL) {
		s->missing = name;
	}
}

static void
read_sig(struct sig *s, struct exchange_frame *f, uint8_t mac[FRAME_MAC_MAX])
{
	struct view enc;
	size_t len = 0;

	if (sig_number(s, "v", EXCHANGE_VERSION) != EXCHANGE_VERSION) {
		s->missing = "v";
	}
	sig_name(s, "from", f->from);
	sig_name(s, "to", f->to);
	f->epoch = sig_number(s, "epoch", INT64_MAX);
	f->seq = sig_number(s, "seq", INT64_MAX);
	f->n = (uint32_t)sig_number(s, "n", EXCHANGE_MAX_OBJECTS);
	f->len = sig_number(s, "len", EXCHANGE_MAX_LEN);
	enc = sig_text(s, "enc");
	f->deflated = view_eq(enc, view_cstr("zlib"));
	if (!f->deflated && !view_eq(enc, view_cstr("none"))) {
		s->missing = s->missing != NULL ? s->missing : "enc";
	}
	if (frame_mac_unhex(sig_text(s, "mac"), mac, &len)) {
		f->mac = view_of(mac, len);
	} else if (s->missing == NULL) {
		s->missing = "mac";
	}
}

bool
exchange_sig_read(struct view text, struct exchange_frame *f,
		  uint8_t mac[FRAME_MAC_MAX], struct diag *d)
{
	struct sig s = { .root = NULL };
	bool ok = false;

	*f = (struct exchange_frame){ .n = 0 };
	json_reader_init(&s.r);
	if (text.len > EXCHANGE_SIG_MAX || !json_read(&s.r, text)) {
		diag_set(d, ERR_FORMAT, "it is no JSON object of %d bytes",
			 EXCHANGE_SIG_MAX);
	} else {
		s.root = json_root(&s.r);
		read_sig(&s, f, mac);
		ok = s.missing == NULL;
		if (!ok) {
			diag_set(d, ERR_FORMAT, "'%s' is missing or wrong",
				 s.missing);
		}
	}
	json_reader_fini(&s.r);
	return ok;
}

/* No name of a sensor, which has a '/' in it: what a key signed for one thing
 * is not taken for another. */
static void
point_name(const char *from, const char *to, char out[160])
{
	snprintf(out, 160, "exchange %.63s %.63s", from, to);
}

enum err
exchange_point_write(struct sign_key *k, const char *from, const char *to,
		     uint64_t epoch, uint64_t seq, char out[POINT_TEXT_CAP])
{
	char name[160];

	point_name(from, to, name);
	return point_write(k, name, epoch, seq, out);
}

enum exchange_verdict
exchange_point_read(const struct exchange_party *party, const char *us,
		    struct view text, uint64_t *epoch, uint64_t *seq)
{
	struct frame_mac m;
	struct sign_key *k;
	struct point p;
	char name[160];

	if (text.len > 0 && text.p[text.len - 1] == '\n') {
		text.len--;
	}
	if (!point_read(text, &p) || p.epoch > INT64_MAX || p.seq > INT64_MAX) {
		return EXCHANGE_MALFORMED;
	}
	if (p.mac_len == 0) {
		return EXCHANGE_UNSIGNED;
	}
	if (!frame_mac_read(view_of(p.mac, p.mac_len), &m)) {
		return EXCHANGE_MALFORMED;
	}
	k = find_key(party, &m);
	if (k == NULL) {
		return EXCHANGE_UNKNOWN_KEY;
	}
	point_name(us, party->name, name);
	if (!point_check(k, name, &p)) {
		return EXCHANGE_FORGED;
	}
	*epoch = p.epoch;
	*seq = p.seq;
	return EXCHANGE_OK;
}
