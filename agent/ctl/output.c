/* SPDX-License-Identifier: MIT */
/* The rows of an answer, written in one of several formats. */

#include "agent/ctl/output.h"

#include <errno.h>
#include <string.h>

static const struct output_format *const formats[] = {
	&output_table,
	&output_plain,
	&output_json,
	&output_csv,
};

const char *const output_names[] = {"table", "plain", "json", "csv", NULL};

const struct output_format *output_find_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	}
	return NULL;
}

void output_init(struct output *output, const struct output_format *format, FILE *file)
{
	memset(output, 0, sizeof(*output));
	output->format = format;
	output->file = file;
}

/* Hand what was formatted to the file. */
static int write_text(struct output *output)
{
	if (output->error == 0 && buffer_failed(&output->text))
		output->error = -ENOMEM;
	errno = 0;
	if (output->error == 0 && output->text.length > 0 &&
	    fwrite(output->text.data, 1, output->text.length, output->file) < output->text.length)
		output->error = errno > 0 ? -errno : -EIO;
	buffer_clear(&output->text);
	return output->error;
}

int output_begin(struct output *output, const struct answer_columns *columns)
{
	output->columns = *columns;
	output->has_columns = true;
	output->format->begin(output);
	return write_text(output);
}

int output_row(struct output *output, char *const words[])
{
	output->format->row(output, words);
	output->n_rows++;
	return write_text(output);
}

int output_break(struct output *output)
{
	(void)write_text(output);
	errno = 0;
	if (fflush(output->file) != 0 && output->error == 0)
		output->error = errno > 0 ? -errno : -EIO;
	return output->error;
}

int output_end(struct output *output)
{
	if (output->has_columns)
		output->format->end(output);
	else
		buffer_append_text(&output->text, output->format->nothing);
	return output_break(output);
}

void output_done(struct output *output)
{
	buffer_done(&output->text);
	table_done(&output->table);
}
