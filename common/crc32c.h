/* SPDX-License-Identifier: MIT */
#ifndef COMMON_CRC32C_H
#define COMMON_CRC32C_H

/* The checksum of files and frames: CRC32C (Castagnoli), as iSCSI has it. */

#include <stddef.h>
#include <stdint.h>

/*
 * Go on with a checksum over some more bytes, with the processor's own instruction where it has
 * one.
 * @param crc  0 to begin; else what the call for the bytes before returned
 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);

/* The same by table: for other processors, and to test the one against the other. */
uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t length);

#endif
