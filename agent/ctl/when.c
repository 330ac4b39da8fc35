/* SPDX-License-Identifier: MIT */
/* Points in time as a person types them. */

#include "agent/ctl/when.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "common/timestamp.h"

/* Midnight and clock time as typed. */
struct moment {
	struct tm tm;
	int64_t fraction_us;
	bool has_zone;
	int64_t zone_seconds; /* east of Greenwich */
};

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* Take exactly `n` digits, at least `low`, at most `high`. */
static bool take_number(const char **cursor, int n, int low, int high, int *ret_number)
{
	int number = 0;

	for (int i = 0; i < n; i++) {
		if (!is_digit((*cursor)[i]))
			return false;
		number = number * 10 + ((*cursor)[i] - '0');
	}
	if (number < low || number > high)
		return false;
	*cursor += n;
	*ret_number = number;
	return true;
}

static bool take_byte(const char **cursor, char byte)
{
	if (**cursor != byte)
		return false;
	(*cursor)++;
	return true;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

/* YYYY-MM-DD */
static bool take_date(const char **cursor, struct moment *moment)
{
	int year;
	int month;
	int day;

	if (!take_number(cursor, 4, 0, 9999, &year) || !take_byte(cursor, '-') ||
	    !take_number(cursor, 2, 1, 12, &month) || !take_byte(cursor, '-') ||
	    !take_number(cursor, 2, 1, month_days(year, month), &day))
		return false;
	moment->tm.tm_year = year - 1900;
	moment->tm.tm_mon = month - 1;
	moment->tm.tm_mday = day;
	return true;
}

/* The digits behind a second's point; those behind the sixth are cut off. */
static bool take_fraction(const char **cursor, int64_t *ret_fraction_us)
{
	int64_t unit_us = TIMESTAMP_SECOND_US / 10;
	int64_t fraction_us = 0;

	if (!is_digit(**cursor))
		return false;
	for (; is_digit(**cursor); (*cursor)++) {
		fraction_us += (**cursor - '0') * unit_us;
		unit_us /= 10;
	}
	*ret_fraction_us = fraction_us;
	return true;
}

/* HH:MM[:SS[.FRACTION]] */
static bool take_clock(const char **cursor, struct moment *moment)
{
	if (!take_number(cursor, 2, 0, 23, &moment->tm.tm_hour) || !take_byte(cursor, ':') ||
	    !take_number(cursor, 2, 0, 59, &moment->tm.tm_min))
		return false;
	if (!take_byte(cursor, ':'))
		return true;
	if (!take_number(cursor, 2, 0, 59, &moment->tm.tm_sec))
		return false;
	return !take_byte(cursor, '.') || take_fraction(cursor, &moment->fraction_us);
}

/* Z, +HH, +HHMM or +HH:MM, or nothing */
static bool take_zone(const char **cursor, struct moment *moment)
{
	int hours;
	int minutes = 0;
	int sign = **cursor == '-' ? -1 : 1;

	if (**cursor == '\0')
		return true;
	moment->has_zone = true;
	if (take_byte(cursor, 'Z') || take_byte(cursor, 'z'))
		return true;
	if (!take_byte(cursor, '+') && !take_byte(cursor, '-'))
		return false;
	if (!take_number(cursor, 2, 0, 23, &hours))
		return false;
	if (**cursor != '\0') {
		(void)take_byte(cursor, ':');
		if (!take_number(cursor, 2, 0, 59, &minutes))
			return false;
	}
	moment->zone_seconds = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
	return true;
}

static int64_t moment_time(const struct moment *moment, enum zone_choice choice)
{
	struct tm clock = moment->tm;
	int64_t seconds;

	if (moment->has_zone)
		seconds = (int64_t)timegm(&clock) - moment->zone_seconds;
	else
		seconds = zone_find_time(&clock, choice);
	return seconds * TIMESTAMP_SECOND_US + moment->fraction_us;
}

/* The midnight of a day so many days from today. */
static int local_day(int64_t now_us, int n_days, struct moment *ret_moment)
{
	time_t now = (time_t)(now_us / TIMESTAMP_SECOND_US);
	struct moment moment = {0};

	if (!localtime_r(&now, &moment.tm))
		return -ERANGE;
	moment.tm.tm_mday += n_days;
	moment.tm.tm_hour = 0;
	moment.tm.tm_min = 0;
	moment.tm.tm_sec = 0;
	*ret_moment = moment;
	return 0;
}

static int parse_day(int n_days, int64_t now_us, enum zone_choice choice, int64_t *ret_time_us)
{
	struct moment moment;
	int error = local_day(now_us, n_days, &moment);

	if (error < 0)
		return error;
	*ret_time_us = moment_time(&moment, choice);
	return 0;
}

static int parse_ago(const char *text, int64_t now_us, int64_t *ret_time_us)
{
	int64_t ago_us;
	int64_t time_us;
	int error = is_digit(*text) ? duration_parse(text, &ago_us) : -EINVAL;

	if (error < 0)
		return error;
	if (__builtin_sub_overflow(now_us, ago_us, &time_us))
		return -ERANGE;
	*ret_time_us = time_us;
	return 0;
}

static int parse_clock(const char *text, int64_t now_us, enum zone_choice choice,
		       int64_t *ret_time_us)
{
	struct moment moment;
	int error = local_day(now_us, 0, &moment);

	if (error < 0)
		return error;
	if (!take_clock(&text, &moment) || *text != '\0')
		return -EINVAL;
	*ret_time_us = moment_time(&moment, choice);
	return 0;
}

static int parse_date(const char *text, enum zone_choice choice, int64_t *ret_time_us)
{
	struct moment moment = {0};

	if (!take_date(&text, &moment))
		return -EINVAL;
	if (take_byte(&text, 'T') || take_byte(&text, 't') || take_byte(&text, ' ')) {
		if (!take_clock(&text, &moment) || !take_zone(&text, &moment))
			return -EINVAL;
	}
	if (*text != '\0')
		return -EINVAL;
	*ret_time_us = moment_time(&moment, choice);
	return 0;
}

int when_parse(const char *text, int64_t now_us, enum zone_choice choice, int64_t *ret_time_us)
{
	if (strcmp(text, "now") == 0) {
		*ret_time_us = now_us;
		return 0;
	}
	if (strcmp(text, "today") == 0)
		return parse_day(0, now_us, choice, ret_time_us);
	if (strcmp(text, "yesterday") == 0)
		return parse_day(-1, now_us, choice, ret_time_us);
	if (text[0] == '-')
		return parse_ago(text + 1, now_us, ret_time_us);
	if (strspn(text, "0123456789") == 2 && text[2] == ':')
		return parse_clock(text, now_us, choice, ret_time_us);
	if (strspn(text, "0123456789") == 4 && text[4] == '-')
		return parse_date(text, choice, ret_time_us);
	return timestamp_parse(text, strlen(text), ret_time_us);
}
