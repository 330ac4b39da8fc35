/* SPDX-License-Identifier: MIT */
/* Tests of plugins/hotkeys.c. */

#include "plugins/hotkeys.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>

static struct hotkeys hotkeys;
static char reason[256];

static void parse(const char *list)
{
	cr_assert_eq(hotkeys_parse(&hotkeys, list, reason, sizeof(reason)), 0, "%s: %s", list,
		     reason);
}

static void press(unsigned int code)
{
	hotkeys_press(&hotkeys, hotkeys_find_key(&hotkeys, code));
}

static void release(unsigned int code)
{
	hotkeys_release(&hotkeys, hotkeys_find_key(&hotkeys, code));
}

Test(hotkeys, names_each_in_small_letters_with_its_modifiers_in_one_order)
{
	static const char *const names[] = {"ctrl+c", "ctrl+shift+i", "super+l", "f12",
					    "ctrl+alt+shift+super+escape"};

	parse("Ctrl + C,shift+control+i, WIN+L ,f12,meta+shift+alt+ctrl+Escape");

	cr_assert_eq(hotkeys.n_hotkeys, sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < hotkeys.n_hotkeys; i++)
		cr_expect_str_eq(hotkeys.at[i].name, names[i]);
}

Test(hotkeys, watches_the_modifiers_and_each_key_once)
{
	parse("ctrl+c, ctrl+shift+c, f12");

	cr_expect_eq(hotkeys.n_keys, HOTKEYS_MODIFIER_KEYS + 2);
	cr_expect_eq(hotkeys_find_key(&hotkeys, KEY_A), hotkeys.n_keys);
	cr_expect_eq(hotkeys.keys[hotkeys_find_key(&hotkeys, KEY_F12)], KEY_F12);
}

Test(hotkeys, has_none_in_an_empty_list)
{
	parse("");
	cr_expect_eq(hotkeys.n_hotkeys, 0);
	parse(" \t ");
	cr_expect_eq(hotkeys.n_hotkeys, 0);
}

struct wrong {
	char list[64];
	char reason[64];
};

ParameterizedTestParameters(hotkeys, refuses_and_says_why)
{
	static struct wrong wrong[] = {
		{"ctrl+foo", "'foo' is no key"},
		{"ctrl+btn_left", "'btn_left' is no key"},
		{"ctrl+max", "'max' is no key"},
		{"ctrl+reserved", "'reserved' is no key"},
		{"hyper+c", "'hyper' is no modifier"},
		{"c+ctrl", "'c' is no modifier"},
		{"+c", "'' is no modifier"},
		{"ctrl+", "'' is no key"},
		{"ctrl", "lacks a key"},
		{"ctrl+shift", "lacks a key"},
		{"ctrl+leftalt", "write ctrl, alt, shift or super"},
		{"c", "would count what is typed"},
		{"shift+c", "would count what is typed"},
		{"7", "would count what is typed"},
		{"space", "would count what is typed"},
		{"kp5", "would count what is typed"},
		{"dot", "would count what is typed"},
		{"brl_dot1", "would count what is typed"},
		{"numeric_0", "would count what is typed"},
		{"numeric_12", "would count what is typed"},
		{"shift+euro", "would count what is typed"},
		{"question", "would count what is typed"},
		{"kpjpcomma", "would count what is typed"},
		{"kpplusminus", "would count what is typed"},
		{"kpleftparen", "would count what is typed"},
		{"ctrl+c, f1, control+C", "'control+c' twice"},
		{"ctrl+c,", "before or behind a comma"},
		{",", "before or behind a comma"},
		{"ctrl+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "more than 32 letters"},
		{"ctrl+\xc3\xa4", "is no key"},
	};

	return cr_make_param_array(struct wrong, wrong, sizeof(wrong) / sizeof(wrong[0]));
}

ParameterizedTest(struct wrong *wrong, hotkeys, refuses_and_says_why)
{
	cr_expect_eq(hotkeys_parse(&hotkeys, wrong->list, reason, sizeof(reason)), -EINVAL, "%s",
		     wrong->list);
	cr_expect(strstr(reason, wrong->reason), "'%s': %s", wrong->list, reason);
}

Test(hotkeys, takes_sixty_four_and_refuses_more)
{
	char list[2048] = "";
	size_t length = 0;

	for (int i = 1; i <= 24; i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length,
					   "%sf%d,ctrl+f%d,alt+f%d", i > 1 ? "," : "", i, i, i);
	cr_expect_eq(hotkeys_parse(&hotkeys, list, reason, sizeof(reason)), -EINVAL);
	cr_expect(strstr(reason, "more than 64 hotkeys"), "%s", reason);
	cr_expect_eq(hotkeys.n_hotkeys, 64);
}

Test(hotkeys, cuts_the_reason_to_its_room)
{
	char small[8];

	cr_expect_eq(hotkeys_parse(&hotkeys, "ctrl+foo", small, sizeof(small)), -EINVAL);
	cr_expect_eq(strlen(small), sizeof(small) - 1);
}

Test(hotkeys, counts_a_press_with_exactly_its_modifiers_left_and_right_alike)
{
	parse("ctrl+c, ctrl+shift+c");
	press(KEY_C);
	release(KEY_C);
	press(KEY_LEFTCTRL);
	press(KEY_C);
	release(KEY_C);
	press(KEY_RIGHTSHIFT);
	press(KEY_C);
	release(KEY_C);
	release(KEY_LEFTCTRL);
	press(KEY_RIGHTCTRL);
	press(KEY_C);

	cr_expect_eq(hotkeys.at[0].n_presses, 1);
	cr_expect_eq(hotkeys.at[1].n_presses, 2);
}

Test(hotkeys, counts_once_while_the_key_is_down_on_two_keyboards)
{
	parse("f12");
	press(KEY_F12);
	press(KEY_F12);
	release(KEY_F12);
	press(KEY_F12);
	cr_expect_eq(hotkeys.at[0].n_presses, 1);
	release(KEY_F12);
	release(KEY_F12);
	press(KEY_F12);
	cr_expect_eq(hotkeys.at[0].n_presses, 2);
}

Test(hotkeys, keeps_a_modifier_down_until_the_last_of_its_keys_is_up)
{
	parse("ctrl+c");
	press(KEY_LEFTCTRL);
	press(KEY_RIGHTCTRL);
	release(KEY_LEFTCTRL);
	press(KEY_C);
	release(KEY_C);
	release(KEY_RIGHTCTRL);
	press(KEY_C);

	cr_expect_eq(hotkeys.at[0].n_presses, 1);
}

Test(hotkeys, takes_a_key_that_was_down_before_as_no_press)
{
	parse("f12");
	hotkeys_hold(&hotkeys, hotkeys_find_key(&hotkeys, KEY_F12));

	cr_expect_eq(hotkeys.at[0].n_presses, 0);
}
