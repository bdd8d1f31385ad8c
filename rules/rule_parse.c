/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_parse.h"

#include <stdlib.h>

/* Words that are a match of their own, and may not be made a prefilter. */
static bool
is_never_hint(enum keyword_shape s)
{
	switch (s) {
	case KW_PCRE:
	case KW_BSIZE:
	case KW_URILEN:
	case KW_ISDATAAT:
	case KW_ABSENT:
	case KW_BYTE_TEST:
	case KW_BYTE_JUMP:
	case KW_BYTE_EXTRACT:
	case KW_BYTE_MATH:
	case KW_BASE64_DECODE:
	case KW_ENTROPY:
	case KW_ASN1:
	case KW_NOTE:
	case KW_FLOWBITS:
	case KW_FLOWINT:
		return true;
	default:
		return false;
	}
}

/* Words that say something of the match before them, or match nothing. */
static bool
is_no_match(const struct keyword *w)
{
	switch ((enum keyword_shape)w->shape) {
	case KW_NOCASE:
	case KW_RAWBYTES:
	case KW_STARTSWITH:
	case KW_ENDSWITH:
	case KW_OFFSET:
	case KW_DEPTH:
	case KW_DISTANCE:
	case KW_WITHIN:
	case KW_FAST_PATTERN:
	case KW_BUFFER:
	case KW_FRAME:
	case KW_MODIFIER:
	case KW_PKT_DATA:
	case KW_BASE64_DATA:
	case KW_XFORM:
	case KW_THRESHOLD:
	case KW_DETECTION_FILTER:
		return true;
	default:
		return w->shape <= KW_HINT;
	}
}

/*
 * prefilter: changes how fast a rule is, never whether it matches; but like
 * Suricata we refuse it where it means nothing.
 */
static enum err
parse_hint(struct rule_draft *r, const struct keyword *w, struct view value)
{
	(void)value;
	if (r->latest_match == NULL) {
		return diag_set(r->d, ERR_FORMAT, "%s: needs a match before it",
				w->name);
	}
	if (is_never_hint((enum keyword_shape)r->latest_match->shape)) {
		return diag_set(r->d, ERR_FORMAT, "%s: not on %s", w->name,
				r->latest_match->name);
	}
	return ERR_OK;
}

static enum err
parse_refused(struct rule_draft *r, const struct keyword *w, struct view value)
{
	(void)value;
	return diag_set(r->d, ERR_FORMAT, "%s: not supported: %s", w->name,
			w->note);
}

static rule_reader *const readers[] = {
	[KW_MSG] = parse_msg,
	[KW_SID] = parse_identity,
	[KW_GID] = parse_identity,
	[KW_REV] = parse_identity,
	[KW_CLASSTYPE] = parse_classtype,
	[KW_PRIORITY] = parse_priority,
	[KW_METADATA] = parse_metadata,
	[KW_REFERENCE] = parse_reference,
	[KW_TARGET] = parse_target,
	[KW_NOALERT] = parse_noalert,
	[KW_REQUIRES] = parse_requires,
	[KW_HINT] = parse_hint,
	[KW_CONTENT] = parse_content,
	[KW_URICONTENT] = parse_content,
	[KW_TEXT_IN] = parse_content,
	[KW_NOCASE] = parse_nocase,
	[KW_RAWBYTES] = parse_rawbytes,
	[KW_STARTSWITH] = parse_startswith,
	[KW_ENDSWITH] = parse_endswith,
	[KW_OFFSET] = parse_place,
	[KW_DEPTH] = parse_place,
	[KW_DISTANCE] = parse_place,
	[KW_WITHIN] = parse_place,
	[KW_FAST_PATTERN] = parse_fast_pattern,
	[KW_PCRE] = parse_pcre,
	[KW_BUFFER] = parse_buffer,
	[KW_FRAME] = parse_frame,
	[KW_MODIFIER] = parse_modifier,
	[KW_PKT_DATA] = parse_pkt_data,
	[KW_BASE64_DECODE] = parse_base64_decode,
	[KW_BASE64_DATA] = parse_base64_data,
	[KW_BSIZE] = parse_bsize,
	[KW_URILEN] = parse_urilen,
	[KW_ISDATAAT] = parse_isdataat,
	[KW_ABSENT] = parse_absent,
	[KW_BYTE_TEST] = parse_byte_test,
	[KW_BYTE_JUMP] = parse_byte_jump,
	[KW_BYTE_EXTRACT] = parse_byte_extract,
	[KW_BYTE_MATH] = parse_byte_math,
	[KW_ENTROPY] = parse_entropy,
	[KW_ASN1] = parse_asn1,
	[KW_NOTE] = parse_note,
	[KW_XFORM] = parse_xform,
	[KW_FLOW] = parse_flow,
	[KW_FLOWBITS] = parse_flowbits,
	[KW_FLOWINT] = parse_flowint,
	[KW_XBITS] = parse_xbits,
	[KW_HOSTBITS] = parse_hostbits,
	[KW_DATASET] = parse_dataset,
	[KW_DATAREP] = parse_datarep,
	[KW_THRESHOLD] = parse_threshold,
	[KW_DETECTION_FILTER] = parse_threshold,
	[KW_STREAM_SIZE] = parse_stream_size,
	[KW_FACT] = parse_fact,
	[KW_FLOW_COUNT] = parse_flow_count,
	[KW_ITS_NUM] = parse_its_num,
	[KW_TCP_FLAGS] = parse_tcp_flags,
	[KW_FRAGBITS] = parse_fragbits,
	[KW_FRAGOFFSET] = parse_fragoffset,
	[KW_IPOPTS] = parse_ipopts,
	[KW_CSUM] = parse_csum,
	[KW_IP_PROTO] = parse_ip_proto,
	[KW_SAMEIP] = parse_sameip,
	[KW_APP_PROTO] = parse_app_proto,
	[KW_EVENT] = parse_event,
	[KW_TLS_VERSION] = parse_tls_version,
	[KW_SSL_VERSION] = parse_tls_version,
	[KW_SSL_STATE] = parse_ssl_state,
	[KW_SSH_VERSION] = parse_ssh_version,
	[KW_CERT_TIME] = parse_cert_time,
	[KW_CERT_EXPIRED] = parse_cert_state,
	[KW_CERT_VALID] = parse_cert_state,
	[KW_TAG] = parse_tag,
	[KW_BYPASS] = parse_bypass,
	[KW_CONFIG] = parse_config,
	[KW_IPREP] = parse_iprep,
	[KW_GEOIP] = parse_geoip,
	[KW_FILE_SIZE] = parse_file_size,
	[KW_FILE_EXT] = parse_file_ext,
	[KW_FILE_DIGEST] = parse_file_digest,
	[KW_FILESTORE] = parse_filestore,
	[KW_REFUSED] = parse_refused,
};

/*
 * Keywords of which all that is read lies in the rule's own memory, or stands
 * on numbers that the next set inherits (flowbits, flowint, xbits, hostbits,
 * captures).  A rule with only such keywords outlives its set; with any other
 * it is read anew: datasets, lists of digests, reputation and countries are
 * tables of the set, or come from files that change.
 */
static const bool self_contained[] = {
	[KW_MSG] = true,           [KW_SID] = true,
	[KW_GID] = true,           [KW_REV] = true,
	[KW_CLASSTYPE] = true,     [KW_PRIORITY] = true,
	[KW_METADATA] = true,      [KW_REFERENCE] = true,
	[KW_TARGET] = true,        [KW_NOALERT] = true,
	[KW_REQUIRES] = true,      [KW_HINT] = true,
	[KW_CONTENT] = true,       [KW_URICONTENT] = true,
	[KW_TEXT_IN] = true,       [KW_NOCASE] = true,
	[KW_RAWBYTES] = true,      [KW_STARTSWITH] = true,
	[KW_ENDSWITH] = true,      [KW_OFFSET] = true,
	[KW_DEPTH] = true,         [KW_DISTANCE] = true,
	[KW_WITHIN] = true,        [KW_FAST_PATTERN] = true,
	[KW_PCRE] = true,          [KW_BUFFER] = true,
	[KW_MODIFIER] = true,      [KW_PKT_DATA] = true,
	[KW_BASE64_DECODE] = true, [KW_BASE64_DATA] = true,
	[KW_BSIZE] = true,         [KW_URILEN] = true,
	[KW_ISDATAAT] = true,      [KW_ABSENT] = true,
	[KW_BYTE_TEST] = true,     [KW_BYTE_JUMP] = true,
	[KW_BYTE_EXTRACT] = true,  [KW_BYTE_MATH] = true,
	[KW_XFORM] = true,         [KW_FLOW] = true,
	[KW_FLOWBITS] = true,      [KW_FLOWINT] = true,
	[KW_THRESHOLD] = true,     [KW_DETECTION_FILTER] = true,
	[KW_STREAM_SIZE] = true,   [KW_FACT] = true,
	[KW_FLOW_COUNT] = true,    [KW_ITS_NUM] = true,
	[KW_TCP_FLAGS] = true,     [KW_FRAGBITS] = true,
	[KW_FRAGOFFSET] = true,    [KW_IPOPTS] = true,
	[KW_IP_PROTO] = true,      [KW_SAMEIP] = true,
	[KW_APP_PROTO] = true,     [KW_EVENT] = true,
	[KW_TLS_VERSION] = true,   [KW_SSL_VERSION] = true,
	[KW_SSL_STATE] = true,     [KW_CERT_TIME] = true,
	[KW_CSUM] = true,          [KW_TAG] = true,
	[KW_BYPASS] = true,        [KW_CONFIG] = true,
	[KW_CERT_EXPIRED] = true,  [KW_CERT_VALID] = true,
	[KW_ENTROPY] = true,       [KW_ASN1] = true,
	[KW_NOTE] = true,          [KW_XBITS] = true,
	[KW_HOSTBITS] = true,      [KW_SSH_VERSION] = true,
	[KW_FILE_SIZE] = true,     [KW_FILE_EXT] = true,
	[KW_FILESTORE] = true,
};

static enum err
read_option(struct rule_draft *r, const struct rule_option *o)
{
	const struct keyword *w = keyword_find(o->name);
	enum err e;

	r->at = o->name;
	if (w == NULL) {
		return diag_set(r->d, ERR_FORMAT, "unknown keyword \"%.*s\"",
				TEXT_ARG(o->name));
	}
	if ((w->flags & KWF_VALUE) != 0 && o->value.len == 0) {
		return diag_set(r->d, ERR_FORMAT, "%s: needs a value", w->name);
	}
	if ((w->flags & KWF_NO_VALUE) != 0 && o->value.len > 0 &&
	    w->shape != KW_BUFFER) {
		return diag_set(r->d, ERR_FORMAT, "%s: takes no value",
				w->name);
	}
	r->transport |= w->flags & (KWF_TCP | KWF_UDP | KWF_ICMP4 | KWF_ICMP6 |
				    KWF_V4 | KWF_V6);
	r->rule->self_contained = r->rule->self_contained &&
				  w->shape < ARRAY_LEN(self_contained) &&
				  self_contained[w->shape];
	e = readers[w->shape](r, w, o->value);
	if (e == ERR_OK && !is_no_match(w)) {
		r->latest_match = w;
	}
	return e;
}

struct rule_draft *
rule_draft_new(struct rule_env *env)
{
	struct rule_draft *r = calloc(1, sizeof(*r));

	if (r != NULL) {
		r->env = env;
	}
	return r;
}

void
rule_draft_free(struct rule_draft *r)
{
	if (r != NULL) {
		for (size_t i = 0; i < ARRAY_LEN(r->lists); i++) {
			free(r->lists[i].ops);
		}
		free(r);
	}
}

static void
reset(struct rule_draft *r, struct diag *d)
{
	r->d = d;
	r->at = VIEW_NONE;
	memset(&r->prog, 0, sizeof(r->prog));
	r->prog.dirs = 1 << DIR_TOSERVER | 1 << DIR_TOCLIENT;
	r->prog.fast_list = -1;
	r->n_lists = 1;
	r->lists[0].word = NULL;
	r->lists[0].n_ops = 0;
	r->lists[0].n_xforms = 0;
	r->lists[0].n_datasets = 0;
	r->cur = 0;
	r->last_list = 0;
	r->last_op = -1;
	r->latest = 0;
	r->latest_match = NULL;
	r->n_vars = 0;
	r->transport = 0;
	r->header_is_app = r->tcp_pkt = r->tcp_stream = false;
	r->has_flow_word = r->has_class = r->has_priority = false;
	r->tx_only = r->of_files = r->skip = false;
}

enum err
rule_parse(struct rule_draft *r, struct view text, struct diag *d)
{
	enum err e;

	reset(r, d);
	r->rule = arena_zalloc(r->env->arena, sizeof(*r->rule));
	if (r->rule == NULL) {
		return draft_nomem(r);
	}
	r->rule->gid = 1;
	r->rule->self_contained = true;
	r->rule->priority = 3;
	r->rule->msg = r->rule->category = "";
	e = rule_lex(text, &r->words, d);
	/* "requires" first: it excuses what else is not understood */
	for (uint32_t i = 0; e == ERR_OK && i < r->words.n_options; i++) {
		if (text_is(r->words.options[i].name, "requires")) {
			e = read_option(r, &r->words.options[i]);
		}
	}
	if (e != ERR_OK || r->skip) {
		return e;
	}
	e = draft_header(r);
	for (uint32_t i = 0; e == ERR_OK && i < r->words.n_options; i++) {
		e = read_option(r, &r->words.options[i]);
	}
	if (e == ERR_OK) {
		r->at = VIEW_NONE;
	}
	if (e == ERR_OK && r->rule->sid == 0) {
		e = diag_set(d, ERR_FORMAT, "no sid");
	}
	return e;
}
