/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_DUMP_PART_H
#define AGENT_CTL_DUMP_PART_H

/* What the parts of `agentctl dump` share: one for each kind of file. */

#include <stdint.h>

#include "agent/ctl/output.h"
#include "common/block.h"
#include "common/series.h"

struct dump {
	const char *path;
	int fd;
	bool is_damaged; /* which was said */
	size_t n_rows;
	struct output output;
	struct block_decoder *decoder;
};

/* A series whose samples are printed: texts that become words of a row. */
struct dump_series {
	uint32_t id;
	char *name; /* metric and labels */
};

/* Say what is wrong with the file at an offset. @return -EBADMSG */
int dump_refuse(struct dump *dump, uint64_t offset, const char *problem);

/* Say that a range is damaged, and go on. */
void dump_pass_over(struct dump *dump, uint64_t offset, uint64_t length_bytes);

/* Print the rows of samples `time host series value missing`. @return 0 or -errno */
int dump_begin_samples(struct dump *dump);

/*
 * Print all samples of a block, series after series, and where it says why there is none the reason.
 * @param find_name  the name of a series; NULL: it was not declared
 * @return 0; -EBADMSG: damaged, unsaid; -errno
 */
int dump_print_block(struct dump *dump, const char *host, const uint8_t *bytes, size_t length,
		     const char *(*find_name)(void *context, uint32_t id), void *context);

/* Print a file; say what is damaged. @return 0; -EBADMSG: said; -errno */
int dump_print_metric(struct dump *dump); /* also .host */
int dump_print_log(struct dump *dump);

#endif
