/* SPDX-License-Identifier: Apache-2.0 */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>

const char *
err_name(enum err e)
{
	switch (e) {
	case ERR_OK:
		return "success";
	case ERR_NOMEM:
		return "out of memory";
	case ERR_IO:
		return "input/output error";
	case ERR_FORMAT:
		return "malformed input";
	case ERR_LIMIT:
		return "limit reached";
	case ERR_USAGE:
		return "wrong usage";
	case ERR_NOTFOUND:
		return "not found";
	case ERR_AGAIN:
		return "try again";
	case ERR_CLOSED:
		return "connection closed";
	case ERR_AUTH:
		return "not permitted";
	case ERR_EOF:
		return "end of input";
	case ERR_TRUNCATED:
		return "input ends early";
	}
	return "unknown error";
}

enum err
diag_set(struct diag *d, enum err e, const char *fmt, ...)
{
	va_list ap;

	if (d != NULL) {
		va_start(ap, fmt);
		vsnprintf(d->msg, sizeof(d->msg), fmt, ap);
		va_end(ap);
	}
	return e;
}
