/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_draft.h - a rule while it is being read
 *
 * Internal to the rule reader: included by rule_parse*.c, rule_compile.c and
 * the parts of both.
 *
 * Place    above keyword, rule_vars, rule_class; below rule_parse.
 * Threads  one thread, while rules load.
 * Memory   one draft, reused; what a rule keeps is copied to the arena.
 * Cost     cold.
 */
#ifndef RULES_RULE_DRAFT_H
#define RULES_RULE_DRAFT_H

#include "rules/geo.h"
#include "rules/keyword.h"
#include "rules/name_table.h"
#include "rules/reputation.h"
#include "rules/rule_class.h"
#include "rules/rule_lex.h"
#include "rules/rule_refs.h"
#include "rules/rule_vars.h"

/* What outlives one rule while a set is read. */
struct rule_env {
	struct arena *arena;
	struct rule_vars *vars;
	struct rule_classes *classes;
	struct rule_refs *refs;
	struct reputation *reputation;
	struct geo *geo;
	const char *file; /* being read: lists are looked for beside it */
	const char *data_dir; /* and then here; NULL: nowhere */
	struct digest_list *digest_lists; /* all that were read */
	struct name_table flowbits, flowints;
	struct name_table notes; /* captures, and buffers of entropy */
	struct name_table sharedbits, txbits;
	struct name_table strings; /* that many rules have in common */
	struct dataset_catalog *datasets;
	const char *rule_dir; /* where the file at hand lies */
	void **codes; /* every pcre2_code of 'arena's rules */
	size_t n_codes, cap_codes;
};

struct draft_op {
	struct op op;
	bool fast, fast_only;
	bool has_chop;
	uint16_t chop_offset, chop_len;
	uint8_t base64_list; /* of base64_data; 0: none */
};

struct draft_list {
	const struct keyword *word; /* NULL: payload, or base64_data */
	bool is_base64;
	bool absent, absent_or;
	uint8_t dirs; /* of a "=>" rule, as written behind the buffer; or 0 */
	struct xform xforms[RULE_MAX_XFORMS];
	uint8_t n_xforms;
	struct draft_op *ops; /* heap, kept between rules */
	uint16_t n_ops, cap_ops;
	struct dataset_op datasets[RULE_MAX_DATASETS];
	uint8_t n_datasets;
};

struct rule_draft {
	struct rule_env *env;
	struct diag *d;
	struct rule *rule;
	struct rule_prog prog; /* header, flow and state parts */
	struct rule_words words;
	struct view at; /* the word being read; for reports */

	/* lists[0] is the payload's; 'cur' takes what comes next. */
	struct draft_list lists[RULE_MAX_LISTS];
	uint8_t n_lists, cur;
	int last_list, last_op; /* the latest content; -1: none */
	uint8_t latest; /* list of the latest test of bytes */
	const struct keyword *latest_match; /* NULL: none yet */

	struct test tests[RULE_MAX_TESTS];
	struct bit_op bits[RULE_MAX_BITS], bits_set[RULE_MAX_BITS];
	struct int_op ints[RULE_MAX_BITS];
	struct shared_bit_op shared[RULE_MAX_BITS];
	struct bit_op tx_bits[RULE_MAX_BITS];
	struct view vars[RULE_MAX_VARS];
	uint8_t var_list[RULE_MAX_VARS]; /* where each is known */
	uint8_t n_vars;
	uint16_t transport; /* KWF_TCP and so on, of keywords seen */

	bool header_is_app; /* "alert http" */
	bool tcp_pkt, tcp_stream;
	bool has_flow_word, has_class, has_priority;
	bool tx_only; /* has a test of transactions */
	bool of_files; /* has a test of files */
	bool skip; /* "requires" not met */
};

/* Copies into the arena; NULL (diag set) when memory runs out. */
char *draft_text(struct rule_draft *r, struct view v);
/* The same for a text that other rules are likely to have. */
const char *draft_word(struct rule_draft *r, struct view v);
void *draft_copy(struct rule_draft *r, const void *p, size_t size);
enum err draft_nomem(struct rule_draft *r);

struct draft_list *draft_cur(struct rule_draft *r);
/*
 * Turns to the list that a relative test means: without a sticky buffer, the
 * one of the latest test, which a modifier may have moved.  Returns the list
 * to turn back to.
 */
uint8_t draft_follow(struct rule_draft *r, bool relative);
/* A new op at the end of the current list; NULL with diag at the limits. */
struct draft_op *draft_add_op(struct rule_draft *r, enum op_type type);
/* A list of buffer 'w', without transforms: an old one or a new one. */
enum err draft_list_of(struct rule_draft *r, const struct keyword *w,
		       bool fresh, uint8_t *index) MUST_CHECK;
enum err draft_add_test(struct rule_draft *r, const struct test *t) MUST_CHECK;
/* A number from min to max, or a variable's name. */
enum err draft_operand(struct rule_draft *r, const char *word, struct view v,
		       int64_t min, int64_t max,
		       struct operand *out) MUST_CHECK;
/* "5", "!5", "<5", ">=5", "3-7", "3<>7" and the like. */
enum err draft_compare(struct rule_draft *r, const char *word, struct view v,
		       uint64_t max, struct test *t) MUST_CHECK;

/* A number up to 'max' with an optional unit: 10, 0x10, 10kb, 1 MiB. */
bool draft_sized(struct view v, uint64_t max, uint64_t *out) MUST_CHECK;
/* The bytes that a content's text means, in the arena; '!' before it too. */
enum err draft_bytes(struct rule_draft *r, const struct keyword *w,
		     struct view value, bool bare, bool *negated,
		     struct view *out) MUST_CHECK;
/* The content that a modifier means; NULL with diag when there is none. */
struct draft_op *draft_content(struct rule_draft *r, const struct keyword *w);
/* Compiles an expression, which the set then owns; 'options' are PCRE2's. */
enum err draft_code(struct rule_draft *r, const struct keyword *w,
		    struct view pattern, uint32_t options,
		    void **out) MUST_CHECK;

/* Action, protocol, addresses and ports: r->words to r->rule and r->prog. */
enum err draft_header(struct rule_draft *r) MUST_CHECK;

/* A reader takes one option. */
typedef enum err rule_reader(struct rule_draft *r, const struct keyword *w,
			     struct view value);

rule_reader parse_msg, parse_identity, parse_classtype, parse_priority,
	parse_metadata, parse_reference, parse_target, parse_noalert,
	parse_requires, parse_content, parse_nocase, parse_rawbytes,
	parse_startswith, parse_endswith, parse_place, parse_fast_pattern,
	parse_pcre, parse_buffer, parse_frame, parse_modifier, parse_pkt_data,
	parse_base64_decode, parse_base64_data, parse_bsize, parse_urilen,
	parse_isdataat, parse_absent, parse_byte_test, parse_byte_jump,
	parse_byte_extract, parse_byte_math, parse_xform, parse_flow,
	parse_flowbits, parse_flowint, parse_threshold, parse_stream_size,
	parse_fact, parse_flow_count, parse_its_num, parse_tcp_flags,
	parse_fragbits, parse_fragoffset, parse_ipopts, parse_csum,
	parse_ip_proto, parse_sameip, parse_app_proto, parse_event,
	parse_tls_version, parse_ssl_state, parse_cert_time, parse_cert_state,
	parse_iprep, parse_geoip, parse_tag, parse_bypass, parse_config,
	parse_ssh_version, parse_entropy, parse_asn1, parse_note,
	parse_file_size, parse_file_ext, parse_file_digest, parse_filestore,
	parse_xbits, parse_hostbits, parse_dataset, parse_datarep;

#endif
