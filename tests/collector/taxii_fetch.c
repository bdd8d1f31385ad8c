/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polls a TAXII collection as the collector does and prints what came, for
 * tests/e2e/taxii.sh: a line an indicator, then the account and the state.
 * KEY=VALUE arguments: url, collection, basic, token, cert, key, ca, dir,
 * after, timeout, pages, page_bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "collector/taxii.h"

static enum err
take(void *arg, const struct indicator *i, struct diag *d)
{
	char mark[MARKING_TEXT_CAP];

	(void)arg;
	(void)d;
	printf("+ %s %s %s\n", indicator_kind_name(i->kind), i->value,
	       i->marked ? marking_text(&i->mark, mark) : "unmarked");
	return ERR_OK;
}

static void
refused(void *arg, const struct indicator_refusal *r)
{
	(void)arg;
	printf("- %s: %s\n", r->id, r->reason);
}

/* The value of argument 'key', or NULL. */
static const char *
value_of(char **argv, const char *key)
{
	size_t n = strlen(key);

	for (int i = 1; argv[i] != NULL; i++) {
		if (strncmp(argv[i], key, n) == 0 && argv[i][n] == '=') {
			return argv[i] + n + 1;
		}
	}
	return NULL;
}

static unsigned
number(char **argv, const char *key)
{
	const char *text = value_of(argv, key);

	return text != NULL ? (unsigned)strtoul(text, NULL, 10) : 0;
}

int
main(int argc, char **argv)
{
	const struct indicator_sink sink = { NULL, take, refused, refused };
	const struct taxii_options o = {
		.url = value_of(argv, "url"),
		.collection = value_of(argv, "collection"),
		.login = { .basic_file = value_of(argv, "basic"),
			   .token_file = value_of(argv, "token"),
			   .cert_file = value_of(argv, "cert"),
			   .key_file = value_of(argv, "key"),
			   .ca_file = value_of(argv, "ca") },
		.spool_dir = value_of(argv, "dir"),
		.timeout_s = number(argv, "timeout"),
		.max_pages = number(argv, "pages"),
		.page_bytes = number(argv, "page_bytes"),
		.page_objects = 2,
	};
	struct taxii_state state = { 0 };
	struct indicator_report r = { 0 };
	struct diag d = { "" };
	const char *after = value_of(argv, "after");
	enum err e;

	if (argc < 2 || o.url == NULL || o.spool_dir == NULL) {
		fprintf(stderr, "url=URL and dir=DIR are needed\n");
		return 2;
	}
	if (after != NULL) {
		snprintf(state.added_after, sizeof(state.added_after), "%s",
			 after);
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	e = taxii_poll(&o, &state, &sink, &r, &d);
	printf("total=%llu loaded=%llu refused=%llu others=%llu pages=%llu "
	       "retry=%llu after=%s error=%s %s\n",
	       (unsigned long long)r.total, (unsigned long long)r.loaded,
	       (unsigned long long)r.refused, (unsigned long long)r.others,
	       (unsigned long long)state.pages,
	       (unsigned long long)state.retry_after_s, state.added_after,
	       err_name(e), d.msg);
	curl_global_cleanup();
	return e == ERR_OK ? 0 : 1;
}
