/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storefill - makes the store of tests/store_fixture.h
 *
 *	storefill FILE.db          fills it and ends
 *	storefill FILE.db --serve  then serves the console on a free port, prints
 *	                           its number, and ends with standard input
 */
#include <stdio.h>
#include <unistd.h>

#include "collector/console.h"
#include "common/log.h"
#include "tests/store_fixture.h"

static int
serve(const char *path, struct diag *d)
{
	struct console_config cfg = { .listen = "127.0.0.1:0", .store = path };
	struct mission_map *map = mission_empty();
	struct console *c;
	char byte;

	cfg.missions = map;
	if (map == NULL || console_start(&c, &cfg, d) != ERR_OK) {
		mission_free(map);
		return 1;
	}
	printf("%u\n", console_port(c));
	fflush(stdout);
	while (read(0, &byte, 1) == 1) {
	}
	console_stop(c);
	mission_free(map);
	return 0;
}

int
main(int argc, char **argv)
{
	struct diag d = { "the store refused the fixture" };
	struct store *s = NULL;
	int status = 1;

	if (argc < 2) {
		fputs("usage: storefill FILE.db [--serve]\n", stderr);
		return 2;
	}
	log_init("storefill", LOG_ERR, false);
	if (store_open(&s, argv[1], &d) == ERR_OK && store_fixture_fill(s)) {
		status = argc > 2 ? serve(argv[1], &d) : 0;
	}
	if (status != 0) {
		fprintf(stderr, "storefill: %s\n", d.msg);
	}
	store_close(s);
	return status;
}
