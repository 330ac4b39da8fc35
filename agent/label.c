/* SPDX-License-Identifier: MIT */
/* Texts of firmware as label values. */

#include <string.h>

#include "common/text.h"
#include "hostmetrics/sysfs.h"

#define BLANKS " \t\r\n\v\f"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* A file of sysfs has no more. */
#define LABEL_MAX_BYTES ((size_t)4096)

/* Of the character that begins here: its bytes where it may stay, 0 where it may not. */
static size_t clean_bytes(const char *text, size_t length)
{
	for (size_t n_bytes = 1; n_bytes <= 4 && n_bytes <= length; n_bytes++) {
		if (text_is_clean(text, n_bytes))
			return n_bytes;
	}
	return 0;
}

/* Is it a control character that is well-formed UTF-8: each of them is replaced by itself. */
static bool is_control(const char *text, size_t length)
{
	unsigned char first = (unsigned char)text[0];

	return first < 0x20 || first == 0x7f ||
	       (first == 0xc2 && length > 1 && ((unsigned char)text[1] & 0xe0) == 0x80);
}

void hm_label_clean(char *text, size_t size)
{
	char clean[LABEL_MAX_BYTES];
	size_t length = strnlen(text, size);
	size_t n_bytes = 0;
	bool is_broken = false; /* the last character was one that is no UTF-8 */

	for (size_t i = 0; i < length;) {
		size_t n_kept = clean_bytes(text + i, length - i);
		bool is_lone = n_kept == 0 && is_control(text + i, length - i);
		const char *from = n_kept > 0 ? text + i : REPLACEMENT;
		size_t n_more = n_kept > 0 ? n_kept : strlen(REPLACEMENT);

		if (n_kept > 0 || is_lone || !is_broken) {
			if (n_bytes + n_more >= size || n_bytes + n_more >= sizeof(clean))
				break;
			memcpy(clean + n_bytes, from, n_more);
			n_bytes += n_more;
		}
		is_broken = n_kept == 0 && !is_lone;
		i += n_kept > 0 ? n_kept : 1 + (size_t)(is_lone && text[i] == '\xc2');
	}
	if (size > 0) {
		memcpy(text, clean, n_bytes);
		text[n_bytes] = '\0';
	}
}

void hm_trim(char *text)
{
	size_t length = strlen(text);
	size_t n_leading;

	while (length > 0 && strchr(BLANKS, text[length - 1]))
		length--;
	text[length] = '\0';
	n_leading = strspn(text, BLANKS);
	memmove(text, text + n_leading, length - n_leading + 1);
}
