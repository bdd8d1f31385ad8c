/* SPDX-License-Identifier: Apache-2.0 */
/*
 * without.c - runs a program on a kernel that lacks something
 *
 *   without CALL[,CALL...] PROGRAM [ARGUMENT...]
 *
 * These system calls fail as if they were not there (ENOSYS).
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc = ctx == NULL ? -ENOMEM : 0;

	if (argc < 3) {
		fputs("Usage: without CALL,... PROGRAM...\n", stderr);
		return 99;
	}
	for (char *c = strtok(argv[1], ","); c != NULL && rc == 0;
	     c = strtok(NULL, ",")) {
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
				      seccomp_syscall_resolve_name(c), 0);
	}
	if (rc == 0) {
		rc = seccomp_load(ctx);
	}
	if (rc != 0) {
		fprintf(stderr, "without: %s\n", strerror(-rc));
		return 77;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 99;
}
