/* SPDX-License-Identifier: MIT */
/* Fuzz target: the text of an id (agent/host_id.c), and back. */

#include "agent/host_id.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	uint8_t id[HM_ID_BYTES];
	uint8_t again[HM_ID_BYTES];
	char text[HOST_ID_TEXT_BYTES];

	if (host_id_parse((const char *)data, n_bytes, id) < 0)
		return 0;
	if (!wire_id_is_set(id))
		abort();
	host_id_format(id, text);
	if (host_id_parse(text, sizeof(text), again) < 0 || memcmp(id, again, HM_ID_BYTES) != 0)
		abort();
	return 0;
}
