/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/http_range.h"

#include "sensor/http_tx.h"

static bool
number(struct view *v, uint64_t *out)
{
	size_t i = 0;
	uint64_t n = 0;

	while (i < v->len && i < 18 && v->p[i] >= '0' && v->p[i] <= '9') {
		n = n * 10 + (uint64_t)(v->p[i++] - '0');
	}
	*out = n;
	*v = view_sub(*v, i, v->len);
	return i > 0;
}

bool
http_parse_range(struct view v, struct http_range *out)
{
	*out = (struct http_range){ 0 };
	v = http_trim(v);
	if (v.len == 0) {
		return false;
	}
	while (v.len > 0 && !http_is_space(v.p[0])) {
		v = view_sub(v, 1, v.len); /* the unit */
	}
	v = http_trim(v);
	if (number(&v, &out->start) && v.len > 0 && v.p[0] == '-') {
		v = view_sub(v, 1, v.len);
		out->has_bytes = number(&v, &out->end);
	} else if (v.len > 0 && v.p[0] == '*') {
		v = view_sub(v, 1, v.len);
	}
	if (v.len > 0 && v.p[0] == '/') {
		v = view_sub(v, 1, v.len);
		out->has_size = number(&v, &out->size);
	}
	return true;
}
