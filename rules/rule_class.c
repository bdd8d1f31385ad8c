/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_class.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/rule_file.h"

struct rule_classes {
	struct rule_class *v;
	size_t n, cap;
	struct arena *arena;
};

static const struct rule_class builtin[] = {
	{ "not-suspicious", "Not Suspicious Traffic", 3 },
	{ "unknown", "Unknown Traffic", 3 },
	{ "bad-unknown", "Potentially Bad Traffic", 2 },
	{ "attempted-recon", "Attempted Information Leak", 2 },
	{ "successful-recon-limited", "Information Leak", 2 },
	{ "successful-recon-largescale", "Large Scale Information Leak", 2 },
	{ "attempted-dos", "Attempted Denial of Service", 2 },
	{ "successful-dos", "Denial of Service", 2 },
	{ "attempted-user", "Attempted User Privilege Gain", 1 },
	{ "unsuccessful-user", "Unsuccessful User Privilege Gain", 1 },
	{ "successful-user", "Successful User Privilege Gain", 1 },
	{ "attempted-admin", "Attempted Administrator Privilege Gain", 1 },
	{ "successful-admin", "Successful Administrator Privilege Gain", 1 },
	{ "rpc-portmap-decode", "Decode of an RPC Query", 2 },
	{ "shellcode-detect", "Executable code was detected", 1 },
	{ "string-detect", "A suspicious string was detected", 3 },
	{ "suspicious-filename-detect", "A suspicious filename was detected",
	  2 },
	{ "suspicious-login",
	  "An attempted login using a suspicious username was detected", 2 },
	{ "system-call-detect", "A system call was detected", 2 },
	{ "tcp-connection", "A TCP connection was detected", 4 },
	{ "trojan-activity", "A Network Trojan was detected", 1 },
	{ "unusual-client-port-connection",
	  "A client was using an unusual port", 2 },
	{ "network-scan", "Detection of a Network Scan", 3 },
	{ "denial-of-service", "Detection of a Denial of Service Attack", 2 },
	{ "non-standard-protocol",
	  "Detection of a non-standard protocol or event", 2 },
	{ "protocol-command-decode", "Generic Protocol Command Decode", 3 },
	{ "web-application-activity",
	  "access to a potentially vulnerable web application", 2 },
	{ "web-application-attack", "Web Application Attack", 1 },
	{ "misc-activity", "Misc activity", 3 },
	{ "misc-attack", "Misc Attack", 2 },
	{ "icmp-event", "Generic ICMP event", 3 },
	{ "inappropriate-content", "Inappropriate Content was Detected", 1 },
	{ "policy-violation", "Potential Corporate Privacy Violation", 1 },
	{ "default-login-attempt",
	  "Attempt to login by a default username and password", 2 },
	{ "targeted-activity", "Targeted Malicious Activity was Detected", 1 },
	{ "exploit-kit", "Exploit Kit Activity Detected", 1 },
	{ "external-ip-check", "Device Retrieving External IP Address Detected",
	  2 },
	{ "domain-c2", "Domain Observed Used for C2 Detected", 1 },
	{ "pup-activity", "Possibly Unwanted Program Detected", 2 },
	{ "credential-theft", "Successful Credential Theft Detected", 1 },
	{ "social-engineering", "Possible Social Engineering Attempted", 2 },
	{ "coin-mining", "Crypto Currency Mining Activity Detected", 2 },
	{ "command-and-control",
	  "Malware Command and Control Activity Detected", 1 },
};

static const char *
copy_text(struct arena *a, struct view v)
{
	char *s = arena_alloc(a, v.len + 1);

	if (s != NULL) {
		if (v.len > 0) {
			memcpy(s, v.p, v.len);
		}
		s[v.len] = '\0';
	}
	return s;
}

static bool
add_class(struct rule_classes *c, const char *name, const char *text,
	  uint8_t priority)
{
	if (name == NULL || text == NULL) {
		return false;
	}
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->v[i].name, name) == 0) {
			c->v[i].text = text;
			c->v[i].priority = priority;
			return true;
		}
	}
	if (c->n == c->cap) {
		size_t cap = c->cap == 0 ? 64 : c->cap * 2;
		struct rule_class *v = realloc(c->v, cap * sizeof(*v));

		if (v == NULL) {
			return false;
		}
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = (struct rule_class){ name, text, priority };
	return true;
}

/* "config classification: name,words,priority" */
static bool
class_line(struct rule_classes *c, struct view line)
{
	struct view rest, name, text, priority;
	uint64_t n;
	size_t at;

	if (!text_find_str(line, "classification:", &at)) {
		return false;
	}
	rest = view_sub(line, at + strlen("classification:"), line.len);
	if (!text_next(&rest, ',', &name) || !text_next(&rest, ',', &text) ||
	    !text_next(&rest, ',', &priority) || name.len == 0 ||
	    !text_u64(priority, &n) || n < 1 || n > 255) {
		return false;
	}
	return add_class(c, copy_text(c->arena, name),
			 copy_text(c->arena, text), (uint8_t)n);
}

static enum err
read_file(struct rule_classes *c, const char *path, struct diag *d)
{
	struct rule_file f;
	struct view text;
	uint32_t line;
	enum err e = rule_file_open_setting(&f, "classification-file", path, d);

	while (e == ERR_OK && rule_file_next(&f, &text, &line)) {
		if (!class_line(c, text)) {
			e = diag_set(d, ERR_FORMAT,
				     "classification-file: %s:%u: not "
				     "understood: \"%.*s\"; write config "
				     "classification: NAME,WORDS,PRIORITY",
				     path, line, TEXT_ARG(text));
		}
	}
	rule_file_close(&f);
	return e;
}

struct rule_classes *
rule_classes_new(const struct conf *conf, struct arena *a, struct diag *d)
{
	struct rule_classes *c = calloc(1, sizeof(*c));
	const char *classes;

	if (c == NULL) {
		diag_set(d, ERR_NOMEM, "out of memory");
		return NULL;
	}
	c->arena = a;
	for (size_t i = 0; i < ARRAY_LEN(builtin); i++) {
		if (!add_class(c, builtin[i].name, builtin[i].text,
			       builtin[i].priority)) {
			goto fail;
		}
	}
	classes = conf != NULL ? conf_get(conf, "classification-file") : NULL;
	if (classes != NULL && classes[0] != '\0' &&
	    read_file(c, classes, d) != ERR_OK) {
		goto told;
	}
	return c;
fail:
	diag_set(d, ERR_NOMEM, "out of memory");
told:
	rule_classes_free(c);
	return NULL;
}

void
rule_classes_free(struct rule_classes *c)
{
	if (c != NULL) {
		free(c->v);
		free(c);
	}
}

const struct rule_class *
rule_class_find(const struct rule_classes *c, struct view name)
{
	for (size_t i = 0; i < c->n; i++) {
		if (view_caseeq(view_cstr(c->v[i].name), name)) {
			return &c->v[i];
		}
	}
	return NULL;
}

void
rule_classes_each(const struct rule_classes *c,
		  void (*fn)(void *arg, const char *name, const char *value),
		  void *arg)
{
	char priority[8];

	for (size_t i = 0; i < c->n; i++) {
		snprintf(priority, sizeof(priority), "%u", c->v[i].priority);
		fn(arg, c->v[i].name, c->v[i].text);
		fn(arg, c->v[i].name, priority);
	}
}
