/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HOTKEYS_H
#define PLUGINS_HOTKEYS_H

/*
 * The hotkeys that are counted: what the configuration calls them, which keys are down. Nothing is
 * known of keys that belong to none of them.
 */

#include <stddef.h>
#include <stdint.h>

#define HOTKEYS_MAX      64
#define HOTKEYS_NAME_MAX 64
/* Left and right of ctrl, alt, shift, super. */
#define HOTKEYS_MODIFIER_KEYS ((size_t)8)
#define HOTKEYS_KEYS_MAX      (HOTKEYS_MODIFIER_KEYS + HOTKEYS_MAX)

struct hotkey {
	char name[HOTKEYS_NAME_MAX]; /* "ctrl+shift+i": modifiers in one order */
	unsigned int modifiers;      /* a bit for each */
	size_t key;                  /* its place among the keys */
	uint64_t n_presses;          /* since it was last set to 0 */
};

struct hotkeys {
	struct hotkey at[HOTKEYS_MAX];
	size_t n_hotkeys;
	/* KEY_* codes that are watched: the modifiers, left and right, then those of the hotkeys. */
	uint16_t keys[HOTKEYS_KEYS_MAX];
	size_t n_keys;
	unsigned int n_down[HOTKEYS_KEYS_MAX]; /* on how many keyboards each is down */
};

/*
 * Parse a list: "ctrl+c, ctrl+shift+i, super+l, f12"; "" has none. No key is down then.
 * @param reason  on failure what is wrong, as a phrase that follows the list; `size` bytes
 * @return 0 or -EINVAL
 */
int hotkeys_parse(struct hotkeys *hotkeys, const char *list, char *reason, size_t size);

/* @return the place of a KEY_* code among the keys; n_keys when it is not watched */
size_t hotkeys_find_key(const struct hotkeys *hotkeys, unsigned int code);

/*
 * A key went down on one more keyboard, or up on one. The desktop sees it go down on the first only;
 * then every hotkey counts that has this key and exactly the modifiers that are down.
 */
void hotkeys_press(struct hotkeys *hotkeys, size_t key);
void hotkeys_release(struct hotkeys *hotkeys, size_t key);

/* It is down on one more keyboard since nobody saw when: no press. */
void hotkeys_hold(struct hotkeys *hotkeys, size_t key);

#endif
