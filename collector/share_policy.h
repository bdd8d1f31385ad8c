/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share_policy.h - what each partner may see
 *
 * Read from one YAML file (docs/formats.md).  What it does not name does not
 * leave: a partner gets the kinds that are listed, of each the fields that are
 * listed, up to the TLP that is given.  TLP:RED never leaves, AMBER+STRICT
 * only within the organisation, and packets, payloads and names of users are
 * not to be had.  A key that is not known, or comes twice, is an error.
 *
 * Place    above marking.h, sign.h; below redact and release.
 * Threads  immutable once read.
 * Memory   heap, freed whole; a file has at most SHARE_POLICY_MAX bytes.
 * Cost     cold.
 */
#ifndef COLLECTOR_SHARE_POLICY_H
#define COLLECTOR_SHARE_POLICY_H

#include "common/marking.h"

#define SHARE_POLICY_MAX ((size_t)1 << 20)
#define SHARE_MAX_PARTNERS 1024
#define SHARE_MAX_DOMAINS 1024
#define SHARE_MAX_EXERCISES 64 /* of one partner */

enum share_kind {
	SHARE_INDICATOR,
	SHARE_SIGHTING,
	SHARE_INCIDENT,
	SHARE_CONSULTATION,
	SHARE_KINDS
};

/* Fields; bits of share_partner.fields[]. */
enum share_field {
	SHARE_TIMES,
	SHARE_COUNT,
	SHARE_CONFIDENCE,
	SHARE_SITES,
	SHARE_TITLE,
	SHARE_SEVERITY,
	SHARE_OWNERS,
	SHARE_STAGES,
	SHARE_ACTORS,
	SHARE_VICTIMS,
	SHARE_SERVICES,
	SHARE_MISSIONS,
	SHARE_LABELS,
	SHARE_FIELDS
};

/* What becomes of an address of ours, and of a site's name. */
enum share_redaction {
	SHARE_DROP,
	SHARE_PSEUDONYM, /* addresses only */
	SHARE_ROLE, /* addresses: the service; sites: the owner */
	SHARE_KEEP
};

struct share_partner {
	char *name, *owner; /* owner: whose name has to be in the marking */
	enum tlp highest;
	bool same_organisation; /* may see AMBER+STRICT */
	unsigned kinds; /* bits of enum share_kind */
	unsigned fields[SHARE_KINDS]; /* bits of enum share_field */
	enum share_redaction addresses, sites;
	bool keep_domains; /* names within our domains */
	char *key_file; /* of pseudonyms and ids; "" */
	char **exercises; /* whose events it may see */
	unsigned n_exercises;
};

struct share_policy {
	char *producer; /* the owner in whose name we share */
	char **domains; /* ours, in lower case, without a leading dot */
	unsigned n_domains;
	struct share_partner *partners;
	unsigned n_partners;
};

const char *share_kind_name(enum share_kind k);
bool share_kind_read(struct view word, enum share_kind *out) MUST_CHECK;
const char *share_field_name(enum share_field f);

/* ERR_NOTFOUND, ERR_IO, or ERR_FORMAT with file, line and mend in 'd'. */
enum err share_policy_load(struct share_policy **out, const char *path,
			   struct diag *d) MUST_CHECK;
enum err share_policy_read(struct share_policy **out, const char *name,
			   struct view text, struct diag *d) MUST_CHECK;
void share_policy_free(struct share_policy *p);

/* NULL: no partner of that name. */
const struct share_partner *share_partner(const struct share_policy *p,
					  const char *name);

/* Whether the policy lists that exercise. */
bool share_plays(const struct share_partner *p, const char *exercise);

static inline bool
share_has(const struct share_partner *p, enum share_kind k, enum share_field f)
{
	return (p->fields[k] >> f & 1) != 0;
}

#endif
