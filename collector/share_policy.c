/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/share_policy.h"

#include <stdlib.h>

#include "collector/yaml_file.h"

/* The document being read, and what was first wrong with it. */
struct policy_reader {
	struct share_policy *policy;
	struct yaml_file *y;
};

static const struct yaml_kind policy_file = {
	.max = SHARE_POLICY_MAX,
	.fault = ERR_FORMAT,
	.unread = ERR_IO,
	.hint = ": partners.policy names the file",
	.no_yaml = "not YAML: ",
};

static const char *const kind_names[SHARE_KINDS] = { "indicator", "sighting",
						     "incident",
						     "consultation" };
static const char *const field_names[SHARE_FIELDS] = {
	[SHARE_TIMES] = "times",           [SHARE_COUNT] = "count",
	[SHARE_CONFIDENCE] = "confidence", [SHARE_SITES] = "sites",
	[SHARE_TITLE] = "title",           [SHARE_SEVERITY] = "severity",
	[SHARE_OWNERS] = "owners",         [SHARE_STAGES] = "stages",
	[SHARE_ACTORS] = "actors",         [SHARE_VICTIMS] = "victims",
	[SHARE_SERVICES] = "services",     [SHARE_MISSIONS] = "missions",
	[SHARE_LABELS] = "labels",
};

/* More than any mapping has; each is compared with those before it. */
#define MAX_KEYS 64

#define BIT(f) (1u << (f))
static const unsigned kind_fields[SHARE_KINDS] = {
	[SHARE_INDICATOR] = BIT(SHARE_TIMES) | BIT(SHARE_CONFIDENCE) |
			    BIT(SHARE_LABELS) | BIT(SHARE_STAGES),
	[SHARE_SIGHTING] =
		BIT(SHARE_TIMES) | BIT(SHARE_COUNT) | BIT(SHARE_SITES),
	[SHARE_INCIDENT] =
		BIT(SHARE_TIMES) | BIT(SHARE_COUNT) | BIT(SHARE_SITES) |
		BIT(SHARE_TITLE) | BIT(SHARE_SEVERITY) | BIT(SHARE_OWNERS) |
		BIT(SHARE_STAGES) | BIT(SHARE_ACTORS) | BIT(SHARE_VICTIMS) |
		BIT(SHARE_SERVICES) | BIT(SHARE_MISSIONS),
};

const char *
share_kind_name(enum share_kind k)
{
	return (size_t)k < SHARE_KINDS ? kind_names[k] : "unknown";
}

bool
share_kind_read(struct view word, enum share_kind *out)
{
	for (size_t i = 0; i < SHARE_KINDS; i++) {
		if (view_eq(word, view_cstr(kind_names[i]))) {
			*out = (enum share_kind)i;
			return true;
		}
	}
	return false;
}

const char *
share_field_name(enum share_field f)
{
	return (size_t)f < SHARE_FIELDS ? field_names[f] : "unknown";
}

/*
 * Hands each pair of a mapping to 'fn', which says whether it knows the key;
 * no key twice.
 */
static void
each_pair(struct policy_reader *r, yaml_node_t *map, const char *what,
	  bool (*fn)(struct policy_reader *r, void *arg, const char *key,
		     yaml_node_t *value),
	  void *arg)
{
	yaml_node_pair_t *p, *q;

	if (map == NULL || map->type != YAML_MAPPING_NODE) {
		yaml_file_fail(r->y, map, "%s: expected 'key: value' pairs",
			       what);
		return;
	}
	if (map->data.mapping.pairs.top - map->data.mapping.pairs.start >
	    MAX_KEYS) {
		yaml_file_fail(r->y, map, "%s: more than %d keys", what,
			       MAX_KEYS);
	}
	for (p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top && r->y->err == ERR_OK; p++) {
		const yaml_node_t *kn = yaml_file_node(r->y, p->key);
		const char *key = yaml_file_text(kn);

		for (q = map->data.mapping.pairs.start; q < p && key != NULL;
		     q++) {
			const char *other =
				yaml_file_text(yaml_file_node(r->y, q->key));

			if (other != NULL && strcmp(other, key) == 0) {
				yaml_file_fail(r->y, kn,
					       "%s: '%.64s' comes twice", what,
					       key);
			}
		}
		if (key == NULL ||
		    (r->y->err == ERR_OK &&
		     !fn(r, arg, key, yaml_file_node(r->y, p->value)))) {
			yaml_file_fail(r->y, kn, "%s: unknown key '%.64s'",
				       what,
				       key != NULL ? key : "(not a text)");
		}
	}
}

static void
each_text(struct policy_reader *r, yaml_node_t *list, const char *what,
	  void (*fn)(struct policy_reader *r, void *arg, const yaml_node_t *n,
		     const char *s),
	  void *arg)
{
	if (list->type != YAML_SEQUENCE_NODE) {
		yaml_file_fail(r->y, list, "%s: expected a list of texts",
			       what);
		return;
	}
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->y->err == ERR_OK; i++) {
		yaml_node_t *n = yaml_file_node(r->y, *i);

		if (yaml_file_text(n) == NULL) {
			yaml_file_fail(r->y, n, "%s: expected a list of texts",
				       what);
		} else {
			fn(r, arg, n, yaml_file_text(n));
		}
	}
}

static void
put_text(struct policy_reader *r, const yaml_node_t *n, const char *key,
	 char **out)
{
	const char *s = yaml_file_text(n);

	if (s == NULL || s[0] == '\0' || strlen(s) > 1024) {
		yaml_file_fail(r->y, n, "'%s' must be a text", key);
		return;
	}
	*out = strdup(s);
	if (*out == NULL && r->y->err == ERR_OK) {
		yaml_file_no_memory(r->y);
	}
}

/* A name that can stand in a marking's list. */
static void
put_owner(struct policy_reader *r, const yaml_node_t *n, const char *key,
	  char **out)
{
	struct marking m = MARKING_CLEAR;
	const char *s = yaml_file_text(n);

	if (s == NULL || marking_release_to(&m, view_cstr(s)) != ERR_OK) {
		yaml_file_fail(
			r->y, n,
			"'%s': 1 to %d letters, digits, '.', '_', '-', as in a "
			"marking",
			key, MARKING_NAME_CAP - 1);
		return;
	}
	put_text(r, n, key, out);
}

static void
put_bool(struct policy_reader *r, const yaml_node_t *n, const char *key,
	 bool *out)
{
	const char *s = yaml_file_text(n);

	if (s != NULL && (strcmp(s, "yes") == 0 || strcmp(s, "true") == 0)) {
		*out = true;
	} else if (s == NULL ||
		   (strcmp(s, "no") != 0 && strcmp(s, "false") != 0)) {
		yaml_file_fail(r->y, n, "'%s': write yes or no", key);
	}
}

static void
add_kind(struct policy_reader *r, void *arg, const yaml_node_t *n,
	 const char *s)
{
	struct share_partner *p = arg;
	enum share_kind k;

	if (!share_kind_read(view_cstr(s), &k)) {
		yaml_file_fail(
			r->y, n,
			"kinds: '%.64s' is not one of indicator, sighting, "
			"incident, consultation",
			s);
		return;
	}
	p->kinds |= BIT(k);
}

struct field_list {
	struct share_partner *p;
	enum share_kind kind;
};

static void
add_field(struct policy_reader *r, void *arg, const yaml_node_t *n,
	  const char *s)
{
	static const char *const never[] = {
		"payload", "payloads", "packet",   "packets",  "pcap",
		"users",   "user",     "captures", "evidence", "capture_file"
	};
	struct field_list *l = arg;

	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		if (strcmp(s, never[i]) == 0) {
			yaml_file_fail(
				r->y, n,
				"fields: '%s' never leaves: take it out of the "
				"list",
				s);
			return;
		}
	}
	for (size_t f = 0; f < SHARE_FIELDS; f++) {
		if (strcmp(s, field_names[f]) == 0 &&
		    (kind_fields[l->kind] >> f & 1) != 0) {
			l->p->fields[l->kind] |= BIT(f);
			return;
		}
	}
	yaml_file_fail(r->y, n,
		       "fields: '%.64s' is no field of %s (docs: formats)", s,
		       kind_names[l->kind]);
}

static bool
fields_of_kind(struct policy_reader *r, void *arg, const char *key,
	       yaml_node_t *value)
{
	struct field_list l = { .p = arg };

	if (!share_kind_read(view_cstr(key), &l.kind)) {
		return false;
	}
	each_text(r, value, "fields", add_field, &l);
	return true;
}

static void
put_redaction(struct policy_reader *r, const yaml_node_t *n, const char *key,
	      unsigned allowed, enum share_redaction *out)
{
	static const char *const words[] = { "drop", "pseudonym", "role",
					     "keep" };
	const char *s = yaml_file_text(n);

	for (unsigned i = 0; s != NULL && i < ARRAY_LEN(words); i++) {
		if (strcmp(s, words[i]) == 0 && (allowed >> i & 1) != 0) {
			*out = (enum share_redaction)i;
			return;
		}
	}
	yaml_file_fail(r->y, n, "redact: %s: write drop, %srole or keep", key,
		       (allowed >> SHARE_PSEUDONYM & 1) != 0 ? "pseudonym, "
							     : "");
}

static bool
redaction_key(struct policy_reader *r, void *arg, const char *key,
	      yaml_node_t *value)
{
	struct share_partner *p = arg;
	enum share_redaction domains = SHARE_DROP;

	if (strcmp(key, "addresses") == 0) {
		put_redaction(r, value, key, 0xf, &p->addresses);
	} else if (strcmp(key, "sites") == 0) {
		put_redaction(r, value, key,
			      BIT(SHARE_DROP) | BIT(SHARE_ROLE) |
				      BIT(SHARE_KEEP),
			      &p->sites);
	} else if (strcmp(key, "domains") == 0) {
		put_redaction(r, value, key, BIT(SHARE_DROP) | BIT(SHARE_KEEP),
			      &domains);
		p->keep_domains = domains == SHARE_KEEP;
	} else {
		return false;
	}
	return true;
}

static void
add_exercise(struct policy_reader *r, void *arg, const yaml_node_t *n,
	     const char *s)
{
	struct share_partner *p = arg;

	if (s[0] == '\0' || p->n_exercises == SHARE_MAX_EXERCISES) {
		yaml_file_fail(r->y, n,
			       "exercises: names of exercises, at most %d",
			       SHARE_MAX_EXERCISES);
		return;
	}
	p->exercises[p->n_exercises] = strdup(s);
	if (p->exercises[p->n_exercises] == NULL) {
		yaml_file_no_memory(r->y);
		return;
	}
	p->n_exercises++;
}

static void
read_exercises(struct policy_reader *r, yaml_node_t *list,
	       struct share_partner *p)
{
	p->exercises = calloc(SHARE_MAX_EXERCISES, sizeof(*p->exercises));
	if (p->exercises == NULL) {
		yaml_file_no_memory(r->y);
		return;
	}
	each_text(r, list, "exercises", add_exercise, p);
}

static bool
partner_key(struct policy_reader *r, void *arg, const char *key,
	    yaml_node_t *value)
{
	struct share_partner *p = arg;
	const char *s = yaml_file_text(value);

	if (strcmp(key, "name") == 0) {
		put_owner(r, value, key, &p->name);
	} else if (strcmp(key, "owner") == 0) {
		put_owner(r, value, key, &p->owner);
	} else if (strcmp(key, "pseudonym-key") == 0) {
		put_text(r, value, key, &p->key_file);
	} else if (strcmp(key, "highest") == 0) {
		if (s == NULL || !tlp_read(view_cstr(s), &p->highest)) {
			yaml_file_fail(r->y, value,
				       "highest: write clear, green, amber or "
				       "amber+strict");
		} else if (p->highest == TLP_RED) {
			yaml_file_fail(r->y, value,
				       "highest: red never leaves");
		}
	} else if (strcmp(key, "same-organisation") == 0) {
		put_bool(r, value, key, &p->same_organisation);
	} else if (strcmp(key, "kinds") == 0) {
		each_text(r, value, "kinds", add_kind, p);
	} else if (strcmp(key, "fields") == 0) {
		each_pair(r, value, "fields", fields_of_kind, p);
	} else if (strcmp(key, "exercises") == 0) {
		read_exercises(r, value, p);
	} else if (strcmp(key, "redact") == 0) {
		each_pair(r, value, "redact", redaction_key, p);
	} else {
		return false;
	}
	return true;
}

static void
check_partner(struct policy_reader *r, const yaml_node_t *n,
	      const struct share_partner *p)
{
	const struct share_partner *all = r->policy->partners;

	if (p->name == NULL || p->owner == NULL) {
		yaml_file_fail(r->y, n,
			       "partners: each needs a name and an owner");
		return;
	}
	if (p->key_file == NULL) {
		yaml_file_fail(r->y, n,
			       "partner '%s': give pseudonym-key, a file of 64 "
			       "hexadecimal digits: addresses and ids are "
			       "hidden by it",
			       p->name);
	}
	if (p->highest == TLP_AMBER_STRICT && !p->same_organisation) {
		yaml_file_fail(
			r->y, n,
			"partner '%s': amber+strict stays in the organisation: "
			"say same-organisation: yes, or a lower one",
			p->name);
	}
	for (; all < p; all++) {
		if (strcmp(all->name, p->name) == 0) {
			yaml_file_fail(r->y, n, "partner '%s' is there twice",
				       p->name);
		}
	}
}

static void
read_partners(struct policy_reader *r, yaml_node_t *list)
{
	struct share_policy *p = r->policy;
	size_t n = 0;

	if (list->type == YAML_SEQUENCE_NODE) {
		n = (size_t)(list->data.sequence.items.top -
			     list->data.sequence.items.start);
	}
	if (list->type != YAML_SEQUENCE_NODE || n == 0 ||
	    n > SHARE_MAX_PARTNERS) {
		yaml_file_fail(r->y, list,
			       "partners: expected a list of 1 to %d",
			       SHARE_MAX_PARTNERS);
		return;
	}
	p->partners = calloc(n, sizeof(*p->partners));
	if (p->partners == NULL) {
		yaml_file_no_memory(r->y);
	}
	for (size_t i = 0; i < n && r->y->err == ERR_OK; i++) {
		yaml_node_t *at = yaml_file_node(
			r->y, list->data.sequence.items.start[i]);

		p->n_partners++;
		each_pair(r, at, "partners", partner_key, &p->partners[i]);
		if (r->y->err == ERR_OK) {
			check_partner(r, at, &p->partners[i]);
		}
	}
}

/* Two labels or more as they stand in DNS: what is written otherwise would be
 * found in no text, and nothing of it taken out. */
static bool
is_domain(const char *s)
{
	unsigned labels = 0;

	if (strlen(s) > 253) {
		return false;
	}
	for (;; s++) {
		size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_");

		if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-') {
			return false;
		}
		labels++;
		s += n;
		if (*s != '.') {
			return *s == '\0' && labels > 1;
		}
	}
}

static void
add_domain(struct policy_reader *r, void *arg, const yaml_node_t *n,
	   const char *s)
{
	struct share_policy *p = arg;
	char *copy;

	s += s[0] == '.';
	if (!is_domain(s) || p->n_domains == SHARE_MAX_DOMAINS) {
		yaml_file_fail(
			r->y, n,
			"our-domains: '%.64s': at most %d names with a dot, of "
			"letters, digits, '-' and '_' (others as xn--...); all "
			"below each is meant, without '*'",
			s, SHARE_MAX_DOMAINS);
		return;
	}
	copy = strdup(s);
	if (copy == NULL) {
		yaml_file_no_memory(r->y);
		return;
	}
	for (char *c = copy; *c != '\0'; c++) {
		*c = (char)ascii_lower((uint8_t)*c);
	}
	p->domains[p->n_domains++] = copy;
}

static bool
root_key(struct policy_reader *r, void *arg, const char *key,
	 yaml_node_t *value)
{
	struct share_policy *p = arg;

	if (strcmp(key, "producer") == 0) {
		put_owner(r, value, key, &p->producer);
	} else if (strcmp(key, "our-domains") == 0) {
		p->domains = calloc(SHARE_MAX_DOMAINS, sizeof(char *));
		if (p->domains == NULL) {
			yaml_file_no_memory(r->y);
		} else {
			each_text(r, value, key, add_domain, p);
		}
	} else if (strcmp(key, "partners") == 0) {
		read_partners(r, value);
	} else {
		return false;
	}
	return true;
}

static void
read_policy(struct yaml_file *y, yaml_node_t *root, void *arg)
{
	struct policy_reader reader = { .policy = arg, .y = y }, *r = &reader;

	each_pair(r, root, "policy", root_key, r->policy);
	if (r->y->err == ERR_OK &&
	    (r->policy->producer == NULL || r->policy->n_partners == 0)) {
		yaml_file_fail(
			r->y, root,
			"policy: 'producer' (the owner in whose name this is "
			"shared) and 'partners' have to be there");
	}
}

static enum err
settle(enum err e, struct share_policy *p, struct share_policy **out)
{
	if (e != ERR_OK) {
		share_policy_free(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

enum err
share_policy_read(struct share_policy **out, const char *name, struct view text,
		  struct diag *d)
{
	struct share_policy *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (p == NULL) {
		return diag_set(d, ERR_NOMEM, "%s: out of memory", name);
	}
	return settle(
		yaml_file_parse(&policy_file, name, text, read_policy, p, d), p,
		out);
}

enum err
share_policy_load(struct share_policy **out, const char *path, struct diag *d)
{
	struct share_policy *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (p == NULL) {
		return diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	}
	return settle(yaml_file_load(&policy_file, path, read_policy, p, d), p,
		      out);
}

void
share_policy_free(struct share_policy *p)
{
	if (p == NULL) {
		return;
	}
	for (unsigned i = 0; i < p->n_partners; i++) {
		free(p->partners[i].name);
		free(p->partners[i].owner);
		free(p->partners[i].key_file);
		for (unsigned k = 0; k < p->partners[i].n_exercises; k++) {
			free(p->partners[i].exercises[k]);
		}
		free(p->partners[i].exercises);
	}
	for (unsigned i = 0; i < p->n_domains; i++) {
		free(p->domains[i]);
	}
	free(p->domains);
	free(p->partners);
	free(p->producer);
	free(p);
}

bool
share_plays(const struct share_partner *p, const char *exercise)
{
	for (unsigned i = 0; i < p->n_exercises; i++) {
		if (strcmp(p->exercises[i], exercise) == 0) {
			return true;
		}
	}
	return false;
}

const struct share_partner *
share_partner(const struct share_policy *p, const char *name)
{
	for (unsigned i = 0; i < p->n_partners; i++) {
		if (strcmp(p->partners[i].name, name) == 0) {
			return &p->partners[i];
		}
	}
	return NULL;
}
