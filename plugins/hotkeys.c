/* SPDX-License-Identifier: MIT */
/* The hotkeys that are counted: what the configuration calls them, which keys are down. */

#include "plugins/hotkeys.h"

#include <bsd/string.h>
#include <errno.h>
#include <libevdev/libevdev.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BLANKS     " \t"
#define KEY_PREFIX "KEY_"

/* A hotkey in the configuration: so that it has room with every modifier's whole name before it. */
#define TEXT_MAX (HOTKEYS_NAME_MAX / 2)

enum modifier {
	MODIFIER_CTRL,
	MODIFIER_ALT,
	MODIFIER_SHIFT,
	MODIFIER_SUPER,
};

/* Left and right of each, in the order of the modifiers: the first keys that are watched. */
static const uint16_t modifier_keys[HOTKEYS_MODIFIER_KEYS] = {
	KEY_LEFTCTRL,  KEY_RIGHTCTRL,  KEY_LEFTALT,  KEY_RIGHTALT,
	KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_LEFTMETA, KEY_RIGHTMETA,
};

struct word {
	const char *text;
	unsigned int code;
};

static const struct word modifier_words[] = {
	{"ctrl", MODIFIER_CTRL},   {"alt", MODIFIER_ALT},      {"shift", MODIFIER_SHIFT},
	{"super", MODIFIER_SUPER}, {"control", MODIFIER_CTRL}, {"meta", MODIFIER_SUPER},
	{"win", MODIFIER_SUPER},
};

/* What people call keys that the kernel calls otherwise. */
static const struct word key_words[] = {
	{"return", KEY_ENTER},      {"escape", KEY_ESC},  {"del", KEY_DELETE},
	{"ins", KEY_INSERT},        {"pgup", KEY_PAGEUP}, {"pgdn", KEY_PAGEDOWN},
	{"printscreen", KEY_SYSRQ},
};

/* Keys that type: alone, or with shift, they would tell of what is written. */
static const uint16_t typing_keys[][2] = {
	{KEY_1, KEY_EQUAL},
	{KEY_Q, KEY_RIGHTBRACE},
	{KEY_A, KEY_GRAVE},
	{KEY_BACKSLASH, KEY_SLASH},
	{KEY_KPASTERISK, KEY_KPASTERISK},
	{KEY_SPACE, KEY_SPACE},
	{KEY_KP7, KEY_KPDOT},
	{KEY_102ND, KEY_102ND},
	{KEY_RO, KEY_RO},
	{KEY_KPSLASH, KEY_KPSLASH},
	{KEY_KPEQUAL, KEY_KPEQUAL},
	{KEY_KPCOMMA, KEY_KPCOMMA},
	{KEY_YEN, KEY_YEN},
	{KEY_KPJPCOMMA, KEY_KPJPCOMMA},
	{KEY_KPPLUSMINUS, KEY_KPPLUSMINUS},
	{KEY_KPLEFTPAREN, KEY_KPRIGHTPAREN},
	{KEY_QUESTION, KEY_QUESTION},
	{KEY_DOLLAR, KEY_EURO},
	{KEY_BRL_DOT1, KEY_BRL_DOT10},
	{KEY_NUMERIC_0, KEY_NUMERIC_D},
	{KEY_NUMERIC_11, KEY_NUMERIC_12},
};

/* Of ASCII only: names of keys have no other letters, and the locale has no say. */
static char to_upper(char letter)
{
	if (letter < 'a' || letter > 'z')
		return letter;
	return (char)(letter - 'a' + 'A');
}

static char to_lower(char letter)
{
	if (letter < 'A' || letter > 'Z')
		return letter;
	return (char)(letter - 'A' + 'a');
}

/* Where to say what is wrong with a configured text. */
struct complaint {
	char *reason;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int complain(const struct complaint *complaint,
							  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(complaint->reason, complaint->size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static const struct word *find_word(const struct word words[], size_t n_words, const char *text)
{
	for (size_t i = 0; i < n_words; i++) {
		if (strcmp(words[i].text, text) == 0)
			return &words[i];
	}
	return NULL;
}

#define FIND_WORD(words, text) find_word(words, sizeof(words) / sizeof((words)[0]), text)

/* @return the KEY_* code; 0 for what is no key */
static uint16_t find_key(const char *text)
{
	const struct word *word = FIND_WORD(key_words, text);
	char name[sizeof(KEY_PREFIX) + HOTKEYS_NAME_MAX] = KEY_PREFIX;
	int code;

	if (word)
		return (uint16_t)word->code;
	for (size_t i = 0; text[i]; i++)
		name[strlen(KEY_PREFIX) + i] = to_upper(text[i]);
	code = libevdev_event_code_from_name(EV_KEY, name);
	return code > 0 && code < KEY_MAX ? (uint16_t)code : 0;
}

static bool types_text(uint16_t key)
{
	for (size_t i = 0; i < sizeof(typing_keys) / sizeof(typing_keys[0]); i++) {
		if (key >= typing_keys[i][0] && key <= typing_keys[i][1])
			return true;
	}
	return false;
}

size_t hotkeys_find_key(const struct hotkeys *hotkeys, unsigned int code)
{
	size_t i = 0;

	while (i < hotkeys->n_keys && hotkeys->keys[i] != code)
		i++;
	return i;
}

static void name_hotkey(struct hotkey *hotkey, const char *key)
{
	for (size_t i = 0; i < HOTKEYS_MODIFIER_KEYS / 2; i++) {
		if (!(hotkey->modifiers & 1U << i))
			continue;
		(void)strlcat(hotkey->name, modifier_words[i].text, sizeof(hotkey->name));
		(void)strlcat(hotkey->name, "+", sizeof(hotkey->name));
	}
	(void)strlcat(hotkey->name, key, sizeof(hotkey->name));
}

/* Add one of which modifiers and key are known. `text` is what is written in the configuration. */
static int add_hotkey(struct hotkeys *hotkeys, unsigned int modifiers, const char *key_text,
		      const char *text, const struct complaint *complaint)
{
	const unsigned int shift = 1U << MODIFIER_SHIFT;
	uint16_t key = find_key(key_text);
	struct hotkey hotkey = {.modifiers = modifiers};

	if (FIND_WORD(modifier_words, key_text)) {
		return complain(complaint, "has '%s', which lacks a key beside its modifiers",
				text);
	}
	if (key == 0) {
		return complain(complaint,
				"has '%s', in which '%s' is no key; write c, f12, enter, volumeup: "
				"KEY_* of linux/input-event-codes.h",
				text, key_text);
	}
	hotkey.key = hotkeys_find_key(hotkeys, key);
	if (hotkey.key < HOTKEYS_MODIFIER_KEYS)
		return complain(complaint, "has '%s': write ctrl, alt, shift or super", text);
	if (types_text(key) && !(modifiers & ~shift)) {
		return complain(complaint,
				"has '%s', which would count what is typed; add ctrl, alt or super",
				text);
	}
	for (size_t i = 0; i < hotkeys->n_hotkeys; i++) {
		if (hotkeys->at[i].modifiers == modifiers && hotkeys->at[i].key == hotkey.key)
			return complain(complaint, "has '%s' twice", text);
	}
	if (hotkeys->n_hotkeys == HOTKEYS_MAX)
		return complain(complaint, "has more than %d hotkeys", HOTKEYS_MAX);
	if (hotkey.key == hotkeys->n_keys)
		hotkeys->keys[hotkeys->n_keys++] = key;
	name_hotkey(&hotkey, key_text);
	hotkeys->at[hotkeys->n_hotkeys++] = hotkey;
	return 0;
}

/* Parse one, in small letters, without blanks around it: "ctrl+shift+i". */
static int parse_hotkey(struct hotkeys *hotkeys, const char *text,
			const struct complaint *complaint)
{
	char words[HOTKEYS_NAME_MAX];
	char *word = words;
	char *plus;
	unsigned int modifiers = 0;

	(void)strlcpy(words, text, sizeof(words));
	while ((plus = strchr(word, '+'))) {
		const struct word *modifier;

		*plus = '\0';
		modifier = FIND_WORD(modifier_words, word);
		if (!modifier) {
			return complain(complaint,
					"has '%s', in which '%s' is no modifier; there are ctrl, "
					"alt, shift and super",
					text, word);
		}
		modifiers |= 1U << modifier->code;
		word = plus + 1;
	}
	return add_hotkey(hotkeys, modifiers, word, text, complaint);
}

/* Copy a hotkey's text, in small letters and without blanks. @return false when it does not fit */
static bool copy_text(const char *start, size_t length, char out[static HOTKEYS_NAME_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		if (strchr(BLANKS, start[i]))
			continue;
		/* The longest name, with every modifier before it, has to fit as well. */
		if (n == TEXT_MAX)
			return false;
		out[n++] = to_lower(start[i]);
	}
	out[n] = '\0';
	return true;
}

int hotkeys_parse(struct hotkeys *hotkeys, const char *list, char *reason, size_t size)
{
	struct complaint complaint;

	complaint.reason = reason;
	complaint.size = size;
	*hotkeys = (struct hotkeys){.n_keys = HOTKEYS_MODIFIER_KEYS};
	memcpy(hotkeys->keys, modifier_keys, sizeof(modifier_keys));
	if (strspn(list, BLANKS) == strlen(list))
		return 0;
	for (const char *start = list; start;) {
		const char *comma = strchrnul(start, ',');
		char text[HOTKEYS_NAME_MAX];
		int result;

		if (!copy_text(start, (size_t)(comma - start), text)) {
			return complain(&complaint, "has a hotkey of more than %d letters",
					TEXT_MAX);
		}
		if (!*text)
			return complain(&complaint, "has nothing before or behind a comma");
		result = parse_hotkey(hotkeys, text, &complaint);
		if (result < 0)
			return result;
		start = *comma ? comma + 1 : NULL;
	}
	return 0;
}

static unsigned int modifiers_down(const struct hotkeys *hotkeys)
{
	unsigned int modifiers = 0;

	for (size_t i = 0; i < HOTKEYS_MODIFIER_KEYS; i++) {
		if (hotkeys->n_down[i] > 0)
			modifiers |= 1U << i / 2;
	}
	return modifiers;
}

void hotkeys_hold(struct hotkeys *hotkeys, size_t key)
{
	hotkeys->n_down[key]++;
}

void hotkeys_press(struct hotkeys *hotkeys, size_t key)
{
	unsigned int modifiers = modifiers_down(hotkeys);

	hotkeys_hold(hotkeys, key);
	if (hotkeys->n_down[key] > 1)
		return;
	for (size_t i = 0; i < hotkeys->n_hotkeys; i++) {
		struct hotkey *hotkey = &hotkeys->at[i];

		if (hotkey->key == key && hotkey->modifiers == modifiers)
			hotkey->n_presses++;
	}
}

void hotkeys_release(struct hotkeys *hotkeys, size_t key)
{
	hotkeys->n_down[key]--;
}
