/* SPDX-License-Identifier: MIT */
/* Conditions on the labels of a series. */

#include "common/matcher.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the library learns of an expression grows with what it is compared with, up to some KiB a byte:
 * after so many it begins anew. */
#define LEARNING_MAX_BYTES ((size_t)16 << 10)

/* The text that is being parsed, and where its names and values go. */
struct parser {
	const char *at;
	char *out;
	char *problem;
};

static int refuse(const struct parser *parser, const char *problem)
{
	(void)snprintf(parser->problem, MATCHER_PROBLEM_BYTES, "%s", problem);
	return -EINVAL;
}

static void skip_blanks(struct parser *parser)
{
	parser->at += strspn(parser->at, " \t");
}

static bool take_byte(struct parser *parser, char byte)
{
	if (*parser->at != byte)
		return false;
	parser->at++;
	return true;
}

static int take_name(struct parser *parser, struct series_text *ret_name)
{
	size_t length = strcspn(parser->at, " \t=!~,{}\";");

	if (length == 0)
		return refuse(parser, "a label's name is missing");
	memcpy(parser->out, parser->at, length);
	*ret_name = (struct series_text){parser->out, length};
	parser->out += length;
	parser->at += length;
	return 0;
}

static int take_operator(struct parser *parser, enum matcher_operator *ret_operator)
{
	if (take_byte(parser, '='))
		*ret_operator = take_byte(parser, '~') ? MATCHER_LIKE : MATCHER_EQUAL;
	else if (take_byte(parser, '!') && take_byte(parser, '='))
		*ret_operator = MATCHER_NOT_EQUAL;
	else if (parser->at[-1] == '!' && take_byte(parser, '~'))
		*ret_operator = MATCHER_NOT_LIKE;
	else
		return refuse(parser, "behind a label's name belongs =, !=, =~ or !~");
	return 0;
}

/* Put down what stands behind a backslash. @return false: it stands for nothing */
static bool take_escape(struct parser *parser, bool is_regex)
{
	char byte = *parser->at++;

	if (byte == 'n') {
		byte = '\n';
	} else if (byte != '"' && byte != '\\') {
		if (!is_regex || byte == '\0')
			return false;
		/* Of the expression, where PromQL would have it doubled. */
		*parser->out++ = '\\';
	}
	*parser->out++ = byte;
	return true;
}

static int take_value(struct parser *parser, bool is_regex, struct series_text *ret_value)
{
	char *start = parser->out;

	if (!take_byte(parser, '"'))
		return refuse(parser, "a label's value stands between double quotes");
	while (*parser->at && *parser->at != '"') {
		char byte = *parser->at++;

		if (byte != '\\')
			*parser->out++ = byte;
		else if (!take_escape(parser, is_regex))
			return refuse(parser, "in a value only \\\\, \\\" and \\n are escapes");
	}
	if (!take_byte(parser, '"'))
		return refuse(parser, "a label's value has no closing quote");
	*ret_value = (struct series_text){start, (size_t)(parser->out - start)};
	*parser->out++ = '\0';
	return 0;
}

/* -- regular expressions --------------------------------------------------------------------------- */

static int refuse_regex(const struct parser *parser, const char *problem, const char *regex)
{
	(void)snprintf(parser->problem, MATCHER_PROBLEM_BYTES, "the regular expression '%.100s' %s",
		       regex, problem);
	return -EDOM;
}

/* @param at  behind the opening bracket. @return behind the closing one, or at the end */
static const char *skip_brackets(const char *at)
{
	at += *at == '^';
	at += *at == ']';
	while (*at && *at != ']') {
		bool is_class = at[0] == '[' && at[1] && strchr(":.=", at[1]);
		char ending[] = {(char)(is_class ? at[1] : '\0'), ']', '\0'};
		const char *end = is_class ? strstr(at + 2, ending) : NULL;

		at = end ? end + 2 : at + 1;
	}
	return *at ? at + 1 : at;
}

/* @param at  behind the opening brace; moved behind the closing one of {n}, {n,} or {n,m}
 * @return how often it may write its operand; SIZE_MAX: it is none of these */
static size_t take_repeats(const char **at)
{
	size_t largest = 0;
	size_t length = strspn(*at, "0123456789,");

	if (length == 0 || (*at)[length] != '}')
		return SIZE_MAX;
	for (const char *end = *at + length; *at < end; ++*at) {
		size_t number = 0;

		for (; isdigit((unsigned char)**at) && number <= MATCHER_REGEX_MAX_SIZE; ++*at)
			number = number * 10 + (size_t)(**at - '0');
		if (number > largest)
			largest = number;
		if (number > MATCHER_REGEX_MAX_SIZE)
			return SIZE_MAX;
		if (*at == end)
			break;
	}
	++*at;
	return largest + 1;
}

/* What the library makes of an expression: it writes x+ as xx*, and x{3} as xxx. */
struct extent {
	size_t size; /* of an alternative or group so far */
	size_t last; /* of what a repetition would repeat */
	int depth;   /* of repetitions in each other */
	int last_depth;
	bool has_empty;      /* one of the alternatives before may be empty */
	bool is_begin_empty; /* this one may, but for its last operand */
	bool is_last_empty;  /* and that may, or there is none */
};

static const struct extent extent_none = {.is_begin_empty = true, .is_last_empty = true};

/* Repeat the last operand so often in all. @return false: it is too large then */
static bool repeat(struct extent *extent, size_t n)
{
	if (extent->last > MATCHER_REGEX_MAX_SIZE || n > MATCHER_REGEX_MAX_SIZE + 1)
		return false;
	extent->size += extent->last * (n - 1);
	extent->last *= n;
	extent->last_depth++;
	if (extent->last_depth > extent->depth)
		extent->depth = extent->last_depth;
	return extent->size <= MATCHER_REGEX_MAX_SIZE;
}

static void add_operand(struct extent *extent, const struct extent *operand)
{
	extent->size += operand->size;
	extent->last = operand->size;
	extent->last_depth = operand->depth;
	if (operand->depth > extent->depth)
		extent->depth = operand->depth;
	extent->is_begin_empty = extent->is_begin_empty && extent->is_last_empty;
	extent->is_last_empty = operand->is_last_empty;
}

static bool may_be_empty(const struct extent *extent)
{
	return extent->has_empty || (extent->is_begin_empty && extent->is_last_empty);
}

static void open_alternative(struct extent *extent)
{
	extent->has_empty = may_be_empty(extent);
	extent->is_begin_empty = extent->is_last_empty = true;
	extent->size++;
}

/* How often a repetition writes its operand. @param at  behind its first byte */
static size_t find_repeats(char byte, const char **at)
{
	if (byte == '{')
		return take_repeats(at);
	return byte == '+' ? 2 : 1;
}

static const char too_large[] =
	"repeats too much: with its + and {n,m} written out it is longer than 512 "
	"characters, or has a { without {n,m}";

/* @param at  at a repetition, which it is moved behind. @return what is wrong with it; NULL: nothing */
static const char *take_repetition(const char **at, struct extent *extent)
{
	char byte = *(*at)++;
	bool is_optional =
		byte == '*' || byte == '?' || (byte == '{' && (**at == '0' || **at == ','));

	/* The library would take memory with n^3 for (){1,3}{n}, and time with 2^n for (a*)*{n}. */
	if (byte != '?' && extent->is_last_empty)
		return "repeats what may be empty, or nothing";
	if (!repeat(extent, find_repeats(byte, at)))
		return too_large;
	extent->is_last_empty = extent->is_last_empty || is_optional;
	return extent->depth > MATCHER_REGEX_MAX_DEPTH
		       ? "repeats what is repeated more than three times"
		       : NULL;
}

/* Take the next character, or all of a [...], or a parenthesis. */
static void take_operand(const char **at, struct extent **extent)
{
	char byte = *(*at)++;

	if (byte == '\\')
		*at += **at != '\0';
	if (byte == '[')
		*at = skip_brackets(*at);
	if (byte == '(') {
		*++*extent = extent_none;
	} else if (byte == ')') {
		struct extent group = *(*extent)--;

		group.size++;
		group.is_last_empty = may_be_empty(&group);
		add_operand(*extent, &group);
	} else if (byte == '|') {
		open_alternative(*extent);
	} else {
		add_operand(*extent, &(struct extent){.size = 1,
						      .is_last_empty = byte == '^' || byte == '$'});
	}
}

/* @return what of the expression the library would take, and we do not; NULL: nothing */
static const char *find_objection(const char *regex)
{
	struct extent extents[MATCHER_REGEX_MAX_BYTES + 1] = {extent_none};
	struct extent *extent = extents;
	const char *objection = NULL;

	for (const char *at = regex; *at && !objection;) {
		if (at[0] == '\\' && isalnum((unsigned char)at[1]))
			return "has a backslash before a letter or digit: it is a POSIX extended "
			       "one, a digit is [0-9]";
		if (*at == ')' && extent == extents)
			return "closes a parenthesis that is not open";
		if (strchr("*+?{", *at))
			objection = take_repetition(&at, extent);
		else
			take_operand(&at, &extent);
		if (extent->size > MATCHER_REGEX_MAX_SIZE)
			objection = too_large;
	}
	return objection;
}

/* @return 0 or an error of regcomp(3) */
static int compile(const struct matcher *matcher, regex_t *ret_regex)
{
	char anchored[MATCHER_REGEX_MAX_BYTES + 8];

	(void)snprintf(anchored, sizeof(anchored), "^(%s)$", matcher->value.start);
	return regcomp(ret_regex, anchored, REG_EXTENDED | REG_NOSUB);
}

static int take_regex(const struct parser *parser, struct matcher *matcher)
{
	const char *regex = matcher->value.start;
	const char *objection;
	int error;

	if (matcher->value.length > MATCHER_REGEX_MAX_BYTES)
		return refuse_regex(parser, "is longer than 256 bytes", regex);
	objection = find_objection(regex);
	if (objection)
		return refuse_regex(parser, objection, regex);
	error = compile(matcher, &matcher->regex);
	if (error == REG_ESPACE)
		return -ENOMEM;
	if (error) {
		char text[100];

		(void)regerror(error, &matcher->regex, text, sizeof(text));
		return refuse_regex(parser, text, regex);
	}
	matcher->has_regex = true;
	return 0;
}

/* Have the library forget what it learned. */
static void compile_again(struct matcher *matcher)
{
	regex_t fresh;

	matcher->n_bytes = 0;
	if (compile(matcher, &fresh) != 0)
		return;
	regfree(&matcher->regex);
	matcher->regex = fresh;
}

/* -- lists ----------------------------------------------------------------------------------------- */

static int take_matcher(struct parser *parser, struct matcher *matcher)
{
	bool is_regex;
	int result = take_name(parser, &matcher->name);

	skip_blanks(parser);
	if (result == 0)
		result = take_operator(parser, &matcher->operator);
	if (result < 0)
		return result;
	is_regex = matcher->operator== MATCHER_LIKE || matcher->operator== MATCHER_NOT_LIKE;
	skip_blanks(parser);
	result = take_value(parser, is_regex, &matcher->value);
	if (result == 0 && is_regex)
		result = take_regex(parser, matcher);
	return result;
}

static int parse(struct matcher_list *list, struct parser *parser)
{
	if (!take_byte(parser, '{'))
		return refuse(parser, "matchers begin with {");
	for (;;) {
		int result;

		skip_blanks(parser);
		if (take_byte(parser, '}'))
			break;
		if (list->n == MATCHER_MAX) {
			(void)refuse(parser, "there are more labels than a series can have");
			return -EDOM;
		}
		result = take_matcher(parser, &list->at[list->n++]);
		if (result < 0)
			return result;
		skip_blanks(parser);
		if (!take_byte(parser, ',') && *parser->at != '}')
			return refuse(parser, "behind a label's value belongs a comma or }");
	}
	return *parser->at ? refuse(parser, "something follows the }") : 0;
}

int matcher_list_parse(struct matcher_list *list, const char *text,
		       char ret_problem[static MATCHER_PROBLEM_BYTES])
{
	struct parser parser = {.at = text};
	int result;

	memset(list, 0, sizeof(*list));
	/* A value's NUL has the room of its quote. */
	list->text = malloc(strlen(text) + 1);
	if (!list->text)
		return -ENOMEM;
	parser.out = list->text;
	parser.problem = ret_problem;
	result = parse(list, &parser);
	list->failed_at = (size_t)(parser.at - text);
	if (result < 0)
		matcher_list_done(list);
	return result;
}

void matcher_list_done(struct matcher_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->at[i].has_regex)
			regfree(&list->at[i].regex);
	}
	free(list->text);
	list->text = NULL;
	list->n = 0;
}

static bool is_same(struct series_text a, struct series_text b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.start, b.start, a.length) == 0);
}

static bool is_text(struct series_text a, const char *text)
{
	return is_same(a, (struct series_text){text, strlen(text)});
}

static struct series_text find_value(const struct matcher *matcher, const char *host,
				     const struct series *series)
{
	struct series_text none = {"", 0};

	for (size_t i = 0; i < series->n_labels; i++) {
		if (is_same(series->labels[i].name, matcher->name))
			return series->labels[i].value;
	}
	if (host && is_text(matcher->name, "host"))
		return (struct series_text){host, strlen(host)};
	return is_text(matcher->name, "__name__") ? series->metric : none;
}

static bool matches_regex(struct matcher *matcher, struct series_text value)
{
	char text[HM_LABEL_SET_MAX_BYTES + 1];

	if (value.length >= sizeof(text))
		return false;
	memcpy(text, value.start, value.length);
	text[value.length] = '\0';
	matcher->n_bytes += value.length;
	if (matcher->n_bytes > LEARNING_MAX_BYTES)
		compile_again(matcher);
	return regexec(&matcher->regex, text, 0, NULL, 0) == 0;
}

static bool takes(struct matcher *matcher, struct series_text value)
{
	switch (matcher->operator) {
	case MATCHER_EQUAL:
		return is_same(matcher->value, value);
	case MATCHER_NOT_EQUAL:
		return !is_same(matcher->value, value);
	case MATCHER_LIKE:
		return matches_regex(matcher, value);
	default: /* MATCHER_NOT_LIKE */
		return !matches_regex(matcher, value);
	}
}

bool matcher_list_takes(struct matcher_list *list, const char *host, const struct series *series)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!takes(&list->at[i], find_value(&list->at[i], host, series)))
			return false;
	}
	return true;
}
