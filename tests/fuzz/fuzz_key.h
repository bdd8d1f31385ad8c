/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_key.h - the key of targets that look at signatures: a new one each run */
#ifndef TESTS_FUZZ_KEY_H
#define TESTS_FUZZ_KEY_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/sign.h"

static struct sign_key *key;

static void
make_key(void)
{
	char dir[] = "/tmp/fuzz_key.XXXXXX", spec[64];
	struct diag d = { "" };

	if (mkdtemp(dir) == NULL) {
		abort();
	}
	snprintf(spec, sizeof(spec), "hmac:%s/secret", dir);
	if (sign_secret_make(spec + 5, &d) != ERR_OK ||
	    sign_key_load_any(&key, spec, true, &d) != ERR_OK) {
		fprintf(stderr, "%s\n", d.msg);
		abort();
	}
	unlink(spec + 5);
	rmdir(dir);
}

#endif
