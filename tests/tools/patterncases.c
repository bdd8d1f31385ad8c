/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patterncases: what patterns say of observations, for an oracle to compare
 *
 *     patterncases --properties      number, object, path, type, moment each
 *     patterncases <cases            a line of 0 and 1 a case
 *
 * A case is lines of fields parted by tabs: "P" and the pattern; for each
 * observation "O", moment, time, bits known, bits fresh, and its facts, "F",
 * property, object, type of the object, news, index, header, value; then "E".
 * Its answer has a digit an observation, 1 where a match is complete; or
 * "refused: " and why.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rules/ioc_pattern_state.h"

#define FIELDS 8
#define OBSERVATIONS 64

struct cases {
	struct ioc_run run;
	struct observation obs;
	struct ioc_pattern_hits hits;
	struct ioc_pattern_set *set;
	struct ioc_pattern_state *state;
	bool open; /* an observation's facts are being read */
	char why[600], out[OBSERVATIONS + 1];
	unsigned n_out;
};

static int
print_properties(void)
{
	for (int p = 0; p < PATTERN_PROPERTIES; p++) {
		const struct pattern_property_row *r =
			pattern_property_row((enum pattern_property)p);

		printf("%d\t%s\t%s\t%d\t%d\n", p, r->object, r->path,
		       (int)r->type, (int)r->at);
	}
	return 0;
}

static void
must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "patterncases: %s\n", what);
		exit(1);
	}
}

static void
begin_case(struct cases *c, char *pattern)
{
	struct ioc_prog *prog;
	struct diag d;

	c->set = ioc_pattern_set_new();
	must(c->set != NULL, "out of memory");
	c->why[0] = '\0';
	if (ioc_prog_new(&prog, view_cstr(pattern), &d) != ERR_OK) {
		snprintf(c->why, sizeof(c->why), "refused: %s", d.msg);
		return;
	}
	must(ioc_pattern_set_add(c->set, prog, 0, &d) == ERR_OK, d.msg);
	c->state = ioc_pattern_state_new(1);
	must(c->state != NULL, "out of memory");
	c->n_out = 0;
	c->open = false;
}

static void
judge(struct cases *c)
{
	bool met = false;

	if (!c->open || c->why[0] != '\0') {
		return;
	}
	c->open = false;
	ioc_pattern_find(c->set, &c->run, &c->hits);
	if (c->hits.n > 0) {
		const struct ioc_pattern_hit *h = &c->hits.v[0];

		met = h->prog->stateful
			      ? ioc_pattern_state_apply(c->state, h->prog,
							h->leaves, c->obs.ts_us)
			      : ioc_pattern_holds(h->prog, h->leaves,
						  c->obs.ts_us);
	}
	must(c->n_out < OBSERVATIONS, "too many observations");
	c->out[c->n_out++] = met ? '1' : '0';
}

static void
end_case(struct cases *c)
{
	judge(c);
	c->out[c->n_out] = '\0';
	puts(c->why[0] != '\0' ? c->why : c->out);
	c->n_out = 0;
	ioc_pattern_state_free(c->state);
	ioc_pattern_set_free(c->set);
	c->state = NULL;
	c->set = NULL;
}

static void
begin_observation(struct cases *c, char **f)
{
	judge(c);
	c->open = true;
	observation_reset(&c->obs, (enum pattern_moment)atoi(f[1]),
			  strtoull(f[2], NULL, 10));
	c->obs.known = strtoull(f[3], NULL, 10);
	c->obs.fresh = strtoull(f[4], NULL, 10);
}

/* The value's text must outlive the line: it goes to the room. */
static struct view
keep(struct cases *c, const char *text)
{
	size_t n = strlen(text);
	uint8_t *at = c->obs.room + c->obs.used;

	must(n <= sizeof(c->obs.room) - c->obs.used, "no room");
	memcpy(at, text, n);
	c->obs.used += n;
	return view_of(at, n);
}

static void
add_fact(struct cases *c, char **f)
{
	enum pattern_property p = (enum pattern_property)atoi(f[1]);
	unsigned object = (unsigned)atoi(f[2]);
	enum pattern_type type = pattern_property_row(p)->type;
	struct observed_fact *fact;

	while (c->obs.n_objects <= object) {
		(void)observation_object(&c->obs,
					 (enum observed_type)atoi(f[3]));
	}
	fact = observation_add(&c->obs, p, (uint8_t)object, f[4][0] == '1');
	must(fact != NULL, "too many facts");
	fact->index = (uint16_t)atoi(f[5]);
	fact->name = keep(c, f[6]);
	fact->text = keep(c, f[7]);
	if (type == PATTERN_T_ADDR) {
		must(addr_parse(fact->text, &fact->addr), "no address");
	} else if (type >= PATTERN_T_INTEGER) {
		fact->number = atoll(f[7]);
	}
}

int
main(int argc, char **argv)
{
	static char line[65536];
	static struct cases c;

	if (argc > 1 && strcmp(argv[1], "--properties") == 0) {
		return print_properties();
	}
	must(ioc_run_init(&c.run), "out of memory");
	c.run.obs = &c.obs;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *f[FIELDS] = { line }, *p = line;

		line[strcspn(line, "\n")] = '\0';
		for (unsigned i = 1; i < FIELDS; i++) {
			p = strchr(p, '\t');
			if (p == NULL) {
				f[i] = "";
				p = "";
				continue;
			}
			*p++ = '\0';
			f[i] = p;
		}
		if (f[0][0] == 'P') {
			begin_case(&c, f[1]);
		} else if (f[0][0] == 'O') {
			begin_observation(&c, f);
		} else if (f[0][0] == 'F') {
			add_fact(&c, f);
		} else if (f[0][0] == 'E') {
			end_case(&c);
		}
	}
	ioc_run_fini(&c.run);
	return 0;
}
