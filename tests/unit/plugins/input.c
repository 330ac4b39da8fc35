/* SPDX-License-Identifier: MIT */
/* Tests of plugins/input.c on descriptors of the tests' own. */

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "common/timestamp.h"
#include "tests/support/fake_input.h"
#include "tests/support/plugin_run.h"

extern const struct hm_plugin input_plugin;

#define SECOND_US        INT64_C(1000000)
#define ACTIVE           "node_input_mouse_active_seconds_total"
#define EVENTS(device)   "node_input_pointer_events_total{device=\"" device "\"}"
#define OVERRUNS(device) "node_input_overruns_total{device=\"" device "\"}"
#define PRESSES(hotkey)  "node_input_hotkey_presses_total{hotkey=\"" hotkey "\"}"

static struct plugin_run run;
static int64_t second; /* the first one that counts whole */

static void setup(void)
{
	second = timestamp_monotonic_us() / SECOND_US + 10;
}

static void teardown(void)
{
	plugin_run_stop(&run);
	fake_input_reset();
}

TestSuite(input, .init = setup, .fini = teardown);

static void start(const char *hotkeys)
{
	static const char *values[1];

	values[0] = hotkeys;
	run.option_values = values;
	cr_assert_eq(plugin_run_start(&run, &input_plugin, ""), 0);
}

/* So many seconds and microseconds after the first one that counts. */
static int64_t at(int64_t seconds, int64_t us)
{
	return (second + seconds) * SECOND_US + us;
}

static double count(const char *series)
{
	cr_assert_eq(plugin_run_take(&run), 0);
	return plugin_run_value(&run, series);
}

static void move(int number, int64_t time_us)
{
	fake_input_send(number, time_us, EV_REL, REL_X, 3);
	fake_input_send(number, time_us, EV_SYN, SYN_REPORT, 0);
}

static void key(int number, int64_t time_us, unsigned int code, int value)
{
	fake_input_send(number, time_us, EV_KEY, code, value);
	fake_input_send(number, time_us, EV_SYN, SYN_REPORT, 0);
}

/* -- what it asks for -- */

Test(input, asks_for_no_key_without_hotkeys)
{
	start("");
	cr_expect_eq(fake_input_request->n_keys, 0);
}

Test(input, asks_for_the_modifiers_and_the_keys_of_its_hotkeys_alone)
{
	start("ctrl+c, f12");

	cr_assert_eq(fake_input_request->n_keys, 10);
	cr_expect_eq(fake_input_request->keys[8], KEY_C);
	cr_expect_eq(fake_input_request->keys[9], KEY_F12);
}

Test(input, says_what_its_host_says_when_nothing_can_be_opened)
{
	fake_input_result = -EACCES;
	cr_expect_eq(plugin_run_start(&run, &input_plugin, ""), -EACCES);
}

Test(input, says_einval_for_hotkeys_that_are_none)
{
	static const char *const values[] = {"ctrl+nonsense"};
	char reason[128];

	run.option_values = values;
	cr_expect_eq(plugin_run_start(&run, &input_plugin, ""), -EINVAL);
	cr_expect_eq(input_plugin.options[0].check(values[0], reason, sizeof(reason)), -EINVAL);
	cr_expect_eq(input_plugin.options[0].check("ctrl+c", reason, sizeof(reason)), 0);
}

/* -- seconds of use -- */

Test(input, counts_each_second_once_however_many_devices_moved)
{
	int mouse = fake_input_add("mouse", HM_INPUT_MOTION, NULL);
	int pad = fake_input_add("pad", HM_INPUT_MOTION, NULL);

	start("");
	move(mouse, at(0, 10));
	move(mouse, at(0, 900000));
	move(mouse, at(1, 0));
	move(pad, at(0, 500000));
	move(pad, at(3, 999999));
	(void)fake_input_ready(mouse);
	(void)fake_input_ready(pad);

	cr_expect_eq(count(ACTIVE), 3);
}

Test(input, counts_clicks_wheels_and_absolute_positions_as_use)
{
	int motion = fake_input_add("tablet", HM_INPUT_MOTION, NULL);
	int clicks = fake_input_add("tablet", HM_INPUT_CLICKS, NULL);

	start("");
	fake_input_send(motion, at(0, 0), EV_ABS, ABS_X, 100);
	fake_input_send(clicks, at(1, 0), EV_KEY, BTN_LEFT, 1);
	fake_input_send(clicks, at(2, 0), EV_REL, REL_WHEEL, -1);
	(void)fake_input_ready(motion);
	(void)fake_input_ready(clicks);

	cr_expect_eq(count(ACTIVE), 3);
}

/* The kernel sends EV_SYN only behind an event that was asked for, and may have dropped that one. */
Test(input, counts_the_second_of_motion_of_which_only_syn_is_left)
{
	int mouse = fake_input_add("mouse", HM_INPUT_MOTION, NULL);

	start("");
	move(mouse, at(0, 0));
	fake_input_send(mouse, at(1, 0), EV_SYN, SYN_DROPPED, 0);
	fake_input_send(mouse, at(1, 0), EV_SYN, SYN_REPORT, 0);
	(void)fake_input_ready(mouse);

	cr_expect_eq(count(ACTIVE), 2);
	cr_expect_eq(count(OVERRUNS("mouse")), 0);
}

Test(input, tells_that_seconds_of_motion_may_be_missing)
{
	int mouse = fake_input_add("mouse", HM_INPUT_MOTION, NULL);

	start("");
	move(mouse, at(0, 0));
	fake_input_send(mouse, at(4, 0), EV_SYN, SYN_DROPPED, 0);
	move(mouse, at(4, 1));
	(void)fake_input_ready(mouse);

	cr_expect_eq(count(ACTIVE), 2);
	cr_expect_eq(count(OVERRUNS("mouse")), 1);
}

Test(input, does_not_count_the_second_in_which_it_starts)
{
	int mouse = fake_input_add("mouse", HM_INPUT_MOTION, NULL);

	start("");
	move(mouse, timestamp_monotonic_us() / SECOND_US * SECOND_US);
	move(mouse, at(0, 0));
	(void)fake_input_ready(mouse);

	cr_expect_eq(count(ACTIVE), 1);
}

Test(input, counts_old_seconds_of_a_device_that_is_read_late)
{
	int mouse = fake_input_add("mouse", HM_INPUT_MOTION, NULL);
	int late = fake_input_add("late", HM_INPUT_MOTION, NULL);

	start("");
	move(mouse, at(1000, 0));
	(void)fake_input_ready(mouse);
	move(late, at(2, 0));
	move(late, at(999, 0));
	move(late, at(1000, 5));
	(void)fake_input_ready(late);

	cr_expect_eq(count(ACTIVE), 3);
}

Test(input, forgets_seconds_long_past_without_counting_one_twice)
{
	int mouse = fake_input_add("mouse", HM_INPUT_MOTION, NULL);

	start("");
	move(mouse, at(0, 0));
	move(mouse, at(4096, 0));
	move(mouse, at(0, 0));
	move(mouse, at(1000000, 0));
	move(mouse, at(1000000 - 4095, 0));
	move(mouse, at(4096, 0));
	(void)fake_input_ready(mouse);

	cr_expect_eq(count(ACTIVE), 4);
}

Test(input, wants_motion_no_more_until_the_next_second)
{
	int mouse = fake_input_add("mouse", HM_INPUT_MOTION, NULL);
	int clicks = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);

	start("");
	cr_expect_eq(fake_input_ready(mouse), 0);
	move(mouse, at(0, 400000));
	cr_expect_eq(fake_input_ready(mouse), at(1, 0));
	fake_input_send(clicks, at(0, 500000), EV_KEY, BTN_LEFT, 1);
	cr_expect_eq(fake_input_ready(clicks), 0);
}

Test(input, waits_for_motion_when_all_that_was_there_is_old)
{
	int mouse = fake_input_add("mouse", HM_INPUT_MOTION, NULL);

	start("");
	move(mouse, timestamp_monotonic_us() - 5 * SECOND_US);
	cr_expect_eq(fake_input_ready(mouse), 0);
}

/* -- clicks and wheel steps -- */

Test(input, counts_presses_and_wheel_steps_of_each_device)
{
	int mouse = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);
	int other = fake_input_add("other", HM_INPUT_CLICKS, NULL);

	start("");
	key(mouse, at(0, 0), BTN_LEFT, 1);
	key(mouse, at(0, 1), BTN_LEFT, 0);
	key(mouse, at(0, 2), BTN_RIGHT, 1);
	fake_input_send(mouse, at(0, 3), EV_REL, REL_WHEEL, -3);
	fake_input_send(mouse, at(0, 3), EV_REL, REL_WHEEL_HI_RES, -360);
	fake_input_send(mouse, at(0, 4), EV_REL, REL_HWHEEL, 2);
	key(other, at(0, 5), BTN_SIDE, 1);
	(void)fake_input_ready(mouse);
	(void)fake_input_ready(other);

	cr_expect_eq(count(EVENTS("mouse")), 7);
	cr_expect_eq(count(EVENTS("other")), 1);
}

Test(input, adds_up_devices_of_one_name)
{
	int first = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);
	int second_one = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);

	start("");
	key(first, at(0, 0), BTN_LEFT, 1);
	key(second_one, at(0, 0), BTN_LEFT, 1);
	(void)fake_input_ready(first);
	(void)fake_input_ready(second_one);

	cr_expect_eq(count(EVENTS("mouse")), 2);
}

Test(input, takes_the_largest_step_that_a_device_can_tell)
{
	int mouse = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);

	start("");
	fake_input_send(mouse, at(0, 0), EV_REL, REL_WHEEL, INT_MIN);
	(void)fake_input_ready(mouse);

	cr_expect_eq(count(EVENTS("mouse")), 2147483648.0);
}

Test(input, says_the_same_until_cleanup_and_then_counts_from_nothing)
{
	int mouse = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);

	start("f12");
	key(mouse, at(0, 0), BTN_LEFT, 1);
	(void)fake_input_ready(mouse);
	cr_expect_eq(count(EVENTS("mouse")), 1);
	cr_expect_eq(count(EVENTS("mouse")), 1);
	cr_expect_eq(count(ACTIVE), 1);
	plugin_run_cleanup(&run);

	cr_expect_eq(count(EVENTS("mouse")), 0);
	cr_expect_eq(count(ACTIVE), 0);
	cr_expect_eq(count(PRESSES("f12")), 0);
}

Test(input, tells_what_a_device_had_counted_when_it_was_unplugged_then_forgets_it)
{
	int mouse = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);

	start("");
	key(mouse, at(0, 0), BTN_LEFT, 1);
	(void)fake_input_ready(mouse);
	fake_input_remove(mouse);
	cr_expect_eq(count(EVENTS("mouse")), 1);
	plugin_run_cleanup(&run);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_not(plugin_run_has(&run, EVENTS("mouse")));
	cr_expect_eq(count(ACTIVE), 0);
}

Test(input, counts_clicks_that_were_lost_as_an_overrun)
{
	int mouse = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);

	start("");
	fake_input_send(mouse, at(0, 0), EV_SYN, SYN_DROPPED, 0);
	key(mouse, at(0, 1), BTN_LEFT, 1);
	cr_expect_eq(fake_input_ready(mouse), 0);

	cr_expect_eq(count(OVERRUNS("mouse")), 1);
	cr_expect_eq(count(EVENTS("mouse")), 1);
}

Test(input, ends_a_turn_that_has_no_end_and_wants_another)
{
	int mouse = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);

	start("");
	for (int i = 0; i < 64 * 20; i++)
		fake_input_send(mouse, at(0, i), EV_KEY, BTN_LEFT, 1);
	cr_expect_eq(fake_input_ready(mouse), 1);
	cr_expect_eq(fake_input_ready(mouse), 0);

	cr_expect_eq(count(EVENTS("mouse")), 64 * 20);
}

Test(input, tells_its_host_when_a_device_cannot_be_read)
{
	int mouse = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);

	start("");
	fake_input_send_bytes(mouse, "half", 4);
	cr_expect_eq(fake_input_ready(mouse), -EIO);
}

/* -- hotkeys -- */

Test(input, counts_presses_of_a_hotkey_but_no_repeats)
{
	int keyboard = fake_input_add("keyboard", HM_INPUT_KEYS, NULL);

	start("ctrl+c, f12");
	key(keyboard, at(0, 0), KEY_LEFTCTRL, 1);
	key(keyboard, at(0, 1), KEY_C, 1);
	key(keyboard, at(0, 2), KEY_C, 2);
	key(keyboard, at(0, 3), KEY_C, 2);
	key(keyboard, at(0, 4), KEY_C, 0);
	key(keyboard, at(0, 5), KEY_C, 1);
	key(keyboard, at(0, 6), KEY_C, 0);
	key(keyboard, at(0, 7), KEY_LEFTCTRL, 0);
	key(keyboard, at(0, 8), KEY_F12, 1);
	cr_expect_eq(fake_input_ready(keyboard), 0);

	cr_expect_eq(count(PRESSES("ctrl+c")), 2);
	cr_expect_eq(count(PRESSES("f12")), 1);
	cr_expect_eq(count(ACTIVE), 0);
}

Test(input, combines_keyboards_in_the_order_of_their_times)
{
	int left = fake_input_add("left", HM_INPUT_KEYS, NULL);
	int right = fake_input_add("right", HM_INPUT_KEYS, NULL);

	start("ctrl+c");
	key(right, at(0, 20), KEY_C, 1);
	key(right, at(0, 30), KEY_C, 0);
	key(right, at(0, 50), KEY_C, 1);
	key(left, at(0, 10), KEY_RIGHTCTRL, 1);
	key(left, at(0, 40), KEY_RIGHTCTRL, 0);
	(void)fake_input_ready(right);
	(void)fake_input_ready(left);

	cr_expect_eq(count(PRESSES("ctrl+c")), 1);
}

Test(input, lets_go_of_what_was_down_on_an_unplugged_keyboard)
{
	int left = fake_input_add("left", HM_INPUT_KEYS, NULL);
	int right = fake_input_add("right", HM_INPUT_KEYS, NULL);

	start("ctrl+c, f12");
	key(left, at(0, 0), KEY_LEFTCTRL, 1);
	(void)fake_input_ready(left);
	fake_input_remove(left);
	key(right, at(1, 0), KEY_C, 1);
	key(right, at(1, 1), KEY_F12, 1);
	(void)fake_input_ready(right);

	cr_expect_eq(count(PRESSES("ctrl+c")), 0);
	cr_expect_eq(count(PRESSES("f12")), 1);
}

Test(input, knows_what_is_down_when_a_keyboard_is_opened)
{
	static const unsigned int down[] = {KEY_LEFTCTRL, KEY_F12, 0};
	int keyboard = fake_input_add("keyboard", HM_INPUT_KEYS, down);

	start("ctrl+c, ctrl+f12");
	key(keyboard, at(0, 0), KEY_F12, 2);
	key(keyboard, at(0, 1), KEY_C, 1);
	(void)fake_input_ready(keyboard);

	cr_expect_eq(count(PRESSES("ctrl+c")), 1);
	cr_expect_eq(count(PRESSES("ctrl+f12")), 0);
}

Test(input, wants_a_keyboard_opened_anew_when_its_events_were_lost)
{
	static const unsigned int down[] = {KEY_LEFTCTRL, 0};
	int keyboard = fake_input_add("keyboard", HM_INPUT_KEYS, NULL);

	start("ctrl+c");
	key(keyboard, at(0, 0), KEY_LEFTSHIFT, 1);
	fake_input_send(keyboard, at(0, 1), EV_SYN, SYN_DROPPED, 0);
	key(keyboard, at(0, 2), KEY_C, 1);
	cr_expect_eq(fake_input_ready(keyboard), -ESTALE);
	fake_input_remove(keyboard);
	keyboard = fake_input_add("keyboard", HM_INPUT_KEYS, down);
	key(keyboard, at(0, 3), KEY_C, 1);
	cr_expect_eq(fake_input_ready(keyboard), 0);

	cr_expect_eq(count(PRESSES("ctrl+c")), 1);
	cr_expect_eq(count(OVERRUNS("keyboard")), 1);
}

/* The kernel leaves one when the host sets the clock, and delivers it with the first event. */
Test(input, takes_syn_dropped_of_the_opening_for_no_loss)
{
	int keyboard = fake_input_add("keyboard", HM_INPUT_KEYS, NULL);
	int mouse = fake_input_add("mouse", HM_INPUT_CLICKS, NULL);

	start("f12");
	fake_input_send(keyboard, FAKE_INPUT_SINCE_US, EV_SYN, SYN_DROPPED, 0);
	key(keyboard, at(0, 0), KEY_F12, 1);
	fake_input_send(mouse, FAKE_INPUT_SINCE_US, EV_SYN, SYN_DROPPED, 0);
	key(mouse, at(0, 0), BTN_LEFT, 1);
	cr_expect_eq(fake_input_ready(keyboard), 0);
	cr_expect_eq(fake_input_ready(mouse), 0);

	cr_expect_eq(count(PRESSES("f12")), 1);
	cr_expect_eq(count(EVENTS("mouse")), 1);
	cr_expect_eq(count(OVERRUNS("keyboard")), 0);
	cr_expect_eq(count(OVERRUNS("mouse")), 0);
}

Test(input, says_so_of_the_keyboard_that_lost_them_when_another_is_read)
{
	int left = fake_input_add("left", HM_INPUT_KEYS, NULL);
	int right = fake_input_add("right", HM_INPUT_KEYS, NULL);

	start("ctrl+c");
	fake_input_send(left, at(0, 1), EV_SYN, SYN_DROPPED, 0);
	cr_expect_eq(fake_input_ready(right), 0);
	cr_expect_eq(fake_input_ready(left), -ESTALE);
}

Test(input, takes_a_thousand_key_events_over_many_keyboards)
{
	int keyboards[16];

	for (int i = 0; i < 16; i++)
		keyboards[i] = fake_input_add("keyboard", HM_INPUT_KEYS, NULL);
	start("f12");
	for (int i = 0; i < 16; i++) {
		for (int j = 0; j < 60; j++)
			fake_input_send(keyboards[i], at(0, i * 60 + j), EV_KEY, KEY_F12,
					j % 2 == 0);
	}
	for (int turn = 0; turn < 4; turn++)
		(void)fake_input_ready(keyboards[turn]);

	cr_expect_eq(count(PRESSES("f12")), 16 * 30);
}

Test(input, has_no_sample_of_keyboards_clicks)
{
	(void)fake_input_add("keyboard", HM_INPUT_KEYS, NULL);

	start("f12");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_not(plugin_run_has(&run, EVENTS("keyboard")));
}
