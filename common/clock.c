/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static uint64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * US_PER_S + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
clock_wall_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t
clock_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/*
 * Civil date from days since 1970-01-01, proleptic Gregorian; eras of 400
 * years that start on 1 March, so that the leap day ends a year.
 */
static void
civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468;
	int64_t era = z / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = (int64_t)yoe + era * 400 + (*month <= 2);
}

static int64_t
days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2);
	int64_t era = y / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy =
		(153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + (int64_t)doe - 719468;
}

static inline char *
put_two(char *p, unsigned v, char behind)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
	p[2] = behind;
	return p + 3;
}

void
clock_iso_date(uint64_t days, char out[CLOCK_DATE_LEN])
{
	int64_t year;
	unsigned month, day, short_year;
	char *p = out;

	civil_from_days((int64_t)days, &year, &month, &day);
	/* A hostile timestamp reaches year 586912; four digits is the form. */
	short_year = (unsigned)((uint64_t)year % 10000);
	p = put_two(p, short_year / 100, '-') - 1;
	p = put_two(p, short_year % 100, '-');
	p = put_two(p, month, '-');
	put_two(p, day, 'T');
}

void
clock_iso_time(uint64_t us, char out[CLOCK_TIME_LEN])
{
	unsigned s = (unsigned)(us / US_PER_S);
	unsigned part = (unsigned)(us - s * US_PER_S);
	char *p = out;

	p = put_two(p, s / 3600, ':');
	p = put_two(p, s / 60 % 60, ':');
	p = put_two(p, s % 60, '.');
	p = put_two(p, part / 10000, '0') - 1;
	p = put_two(p, part / 100 % 100, '0') - 1;
	p = put_two(p, part % 100, '+');
	memcpy(p, "0000", 4);
}

size_t
clock_iso(uint64_t wall_us, char *out)
{
	uint64_t days = wall_us / CLOCK_US_PER_DAY;

	clock_iso_date(days, out);
	clock_iso_time(wall_us - days * CLOCK_US_PER_DAY, out + CLOCK_DATE_LEN);
	out[CLOCK_DATE_LEN + CLOCK_TIME_LEN] = '\0';
	return CLOCK_DATE_LEN + CLOCK_TIME_LEN;
}

static bool
get_digits(struct view s, size_t off, size_t n, unsigned *out)
{
	*out = 0;
	if (off + n > s.len) {
		return false;
	}
	for (size_t i = off; i < off + n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') {
			return false;
		}
		*out = *out * 10 + (unsigned)(s.p[i] - '0');
	}
	return true;
}

/* Reads "Z", "+09:00" or "+0900" at 'off', to the end of 's'. */
static bool
get_zone(struct view s, size_t off, int64_t *offset_s)
{
	unsigned h, m;
	size_t mpos;

	*offset_s = 0;
	if (off == s.len) {
		return true;
	}
	if (s.p[off] == 'Z' || s.p[off] == 'z') {
		return off + 1 == s.len;
	}
	if (s.p[off] != '+' && s.p[off] != '-') {
		return false;
	}
	mpos = off + 3 < s.len && s.p[off + 3] == ':' ? off + 4 : off + 3;
	if (!get_digits(s, off + 1, 2, &h) || !get_digits(s, mpos, 2, &m) ||
	    mpos + 2 != s.len || h > 23 || m > 59) {
		return false;
	}
	*offset_s = (int64_t)h * 3600 + (int64_t)m * 60;
	if (s.p[off] == '-') {
		*offset_s = -*offset_s;
	}
	return true;
}

bool
clock_parse_iso(struct view s, uint64_t *wall_us)
{
	unsigned year, month, day, h = 0, m = 0, sec = 0;
	uint64_t frac = 0;
	int64_t zone = 0, total;
	size_t off = 10;

	if (!get_digits(s, 0, 4, &year) || s.len < 10 || s.p[4] != '-' ||
	    !get_digits(s, 5, 2, &month) || s.p[7] != '-' ||
	    !get_digits(s, 8, 2, &day) || month < 1 || month > 12 || day < 1 ||
	    day > 31 || year < 1970) {
		return false;
	}
	if (s.len > 10) {
		if ((s.p[10] != 'T' && s.p[10] != ' ' && s.p[10] != 't') ||
		    !get_digits(s, 11, 2, &h) || s.len < 19 || s.p[13] != ':' ||
		    !get_digits(s, 14, 2, &m) || s.p[16] != ':' ||
		    !get_digits(s, 17, 2, &sec) || h > 23 || m > 59 ||
		    sec > 60) {
			return false;
		}
		off = 19;
		if (off < s.len && s.p[off] == '.') {
			uint64_t scale = US_PER_S / 10;

			for (off++;
			     off < s.len && s.p[off] >= '0' && s.p[off] <= '9';
			     off++) {
				frac += scale * (uint64_t)(s.p[off] - '0');
				scale /= 10;
			}
		}
		if (!get_zone(s, off, &zone)) {
			return false;
		}
	}
	total = days_from_civil(year, month, day) * 86400 + (int64_t)h * 3600 +
		(int64_t)m * 60 + (int64_t)sec - zone;
	if (total < 0) {
		return false;
	}
	*wall_us = (uint64_t)total * US_PER_S + frac;
	return true;
}

void
clock_boot_id(char out[CLOCK_BOOT_CAP])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	memset(out, 0, CLOCK_BOOT_CAP);
	if (fd >= 0) {
		n = read(fd, out, CLOCK_BOOT_CAP - 1);
		close(fd);
	}
	for (ssize_t i = 0; i < n; i++) {
		if (out[i] <= ' ') {
			memset(out + i, 0, CLOCK_BOOT_CAP - (size_t)i);
			break;
		}
	}
}
