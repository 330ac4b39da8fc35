/* SPDX-License-Identifier: MIT */
#ifndef COMMON_FILE_FRONT_H
#define COMMON_FILE_FRONT_H

/* From where on a metric file counts: what lies before its front may be a hole. */

#include <stdbool.h>
#include <stdint.h>

#include "common/file_reader.h"

/*
 * Have a reader begin at the front of its file, where it has one: it reads nothing before that then.
 * @param reader         begun by file_reader_init()
 * @param position_max   a front of a later position does not count
 * @param ret_has_front  it has one: of the parts before nothing counts
 * @return 0; -ENOMEM; -errno of the disk
 */
int file_front_seek(struct file_reader *reader, uint64_t position_max, bool *ret_has_front);

#endif
