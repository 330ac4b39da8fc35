/* SPDX-License-Identifier: MIT */
/* Lines of numbers as in /proc/net/rpc. */

#include "plugins/rpc_lines.h"

#include <errno.h>

const char *const rpc_methods_v2[RPC_N_METHODS_V2] = {
	"Null",   "GetAttr", "SetAttr", "Root", "Lookup",  "ReadLink", "Read",  "WrCache", "Write",
	"Create", "Remove",  "Rename",  "Link", "SymLink", "MkDir",    "RmDir", "ReadDir", "FsStat",
};

const char *const rpc_methods_v3[RPC_N_METHODS_V3] = {
	"Null",    "GetAttr",     "SetAttr", "Lookup", "Access",   "ReadLink", "Read",   "Write",
	"Create",  "MkDir",       "SymLink", "MkNod",  "Remove",   "RmDir",    "Rename", "Link",
	"ReadDir", "ReadDirPlus", "FsStat",  "FsInfo", "PathConf", "Commit",
};

static void emit_number(struct hm_batch *out, const struct hm_metric *metric, struct hm_span word,
			const char *const labels[])
{
	uint64_t number = 0;
	int error = hm_span_uint64(word, &number);

	if (error < 0)
		hm_emit_missing_labels(out, metric, error, labels);
	else
		hm_emit_labels(out, metric, (double)number, labels);
}

static void emit_line(struct hm_batch *out, const struct rpc_line *line, struct hm_span rest)
{
	struct hm_span word;

	for (size_t i = 0; i < line->n_before; i++)
		(void)hm_next_word(&rest, &word);
	for (size_t i = 0; i < line->n && hm_next_word(&rest, &word); i++) {
		const struct rpc_value *value = line->values ? &line->values[i] : NULL;

		if (value && value->metric)
			emit_number(out, value->metric, word, HM_LABEL_VALUES(value->label));
		if (!value && line->methods[i])
			emit_number(out, line->calls, word,
				    HM_LABEL_VALUES(line->proto, line->methods[i]));
	}
}

static void emit_lines(struct hm_batch *out, const char *text, const struct rpc_line *lines,
		       size_t n_lines)
{
	uint32_t done = 0;
	const char *cursor = text;
	struct hm_span rest;
	struct hm_span word;

	while (hm_next_line(&cursor, &rest)) {
		if (!hm_next_word(&rest, &word))
			continue;
		for (size_t i = 0; i < n_lines; i++) {
			if ((done & UINT32_C(1) << i) != 0 || !hm_span_equals(word, lines[i].word))
				continue;
			done |= UINT32_C(1) << i;
			emit_line(out, &lines[i], rest);
		}
	}
}

int rpc_lines_open(struct hm_text *file, const struct hm_host *host, const char *path)
{
	int result = hm_text_open(file, host, path);

	return result == -ENOENT ? -ENODEV : result;
}

int rpc_lines_take(struct hm_text *file, struct hm_batch *out, const struct rpc_line *lines,
		   size_t n_lines)
{
	int result = hm_text_read(file);

	emit_lines(out, file->data, lines, n_lines);
	return result;
}

void rpc_lines_close(void *file)
{
	hm_text_close(file);
}
