/* SPDX-License-Identifier: MIT */
/*
 * Tests of agent/input.c, input_device.c and input_node.c, with the plugin that uses them: devices that
 * udev believes in, and an evdev that answers like the kernel's. Run under umockdev-wrapper.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <linux/input.h>
#include <stdio.h>
#include <sys/stat.h>
#include <umockdev.h>
#include <unistd.h>

#include "agent/input_node.h"
#include "agent/plugin.h"
#include "common/timestamp.h"
#include "tests/support/fake_evdev_umockdev.h"

#ifdef __SANITIZE_THREAD__
/*
 * umockdev has a thread of its own, and glib, which it uses, is not compiled for ThreadSanitizer: that
 * an ioctl is answered before the one who asked goes on, it cannot see.
 */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:libglib-2.0.so\ncalled_from_lib:libumockdev.so\n"
	       "called_from_lib:libgobject-2.0.so\ncalled_from_lib:libgio-2.0.so\nrace:on_ioctl\n";
}
#endif

extern const struct hm_plugin input_plugin;

static UMockdevTestbed *bed;
static struct hm_host host;
static struct loop *loop;
static struct plugin *plugin;
static struct fake_evdevs evdevs;
static struct buffer lines;

static void setup(void)
{
	bed = umockdev_testbed_new();
	cr_assert_lt(access("/sys/kernel", F_OK), 0, "not run under umockdev-wrapper");
	fake_evdevs_init(&evdevs, bed);
	cr_assert_eq(host_init(&host, ""), 0);
	cr_assert_eq(loop_new(&loop), 0);
}

static void teardown(void)
{
	if (plugin)
		plugin_stop(plugin);
	plugin_free(plugin);
	loop_free(loop);
	buffer_done(&lines);
	host_done(&host);
	fake_evdevs_done(&evdevs);
	g_object_unref(bed);
}

TestSuite(input_umockdev, .init = setup, .fini = teardown, .timeout = 60);

static void send(int number, unsigned int type, unsigned int code, int value)
{
	fake_evdevs_send(&evdevs, number, timestamp_monotonic_us() + 10 * TIMESTAMP_SECOND_US, type,
			 code, value);
}

static enum plugin_state start(const char *hotkeys)
{
	static const char *values[1];
	struct plugin_config config = {
		.table = &input_plugin, .host = &host, .option_values = values, .interval_us = 1};
	struct plugin_stats stats;

	values[0] = hotkeys;
	cr_assert_eq(plugin_new(&config, &plugin), 0);
	plugin_use_loop(plugin, loop);
	plugin_start(plugin, timestamp_monotonic_us());
	plugin_get_stats(plugin, &stats);
	return stats.state;
}

static const char *last_error(void)
{
	static struct plugin_stats stats;

	plugin_get_stats(plugin, &stats);
	return stats.last_error;
}

static bool round_has(const char *line)
{
	buffer_clear(&lines);
	(void)plugin_round(plugin, 0, timestamp_monotonic_us(), &lines);
	return strstr(buffer_text(&lines), line);
}

/* Turn the loop until a round has the line. */
static void wait_for(const char *line)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * TIMESTAMP_SECOND_US;

	while (!round_has(line) && timestamp_monotonic_us() < end_us)
		(void)loop_turn(loop, 5);
	cr_assert(strstr(buffer_text(&lines), line), "no %s in %s", line, buffer_text(&lines));
}

static const struct input_report *find(int number)
{
	static struct input_report report;
	char node[64];

	(void)snprintf(node, sizeof(node), "/dev/input/event%d", number);
	cr_assert(plugin_find_input(plugin, node, &report));
	return &report;
}

static const char *why(int number, bool is_used)
{
	const struct input_report *report = find(number);

	cr_assert_eq(report->is_used, is_used, "%s", report->why);
	return report->why;
}

#define CLICKS(device, n) "node_input_pointer_events_total{device=\"" device "\"} " #n "\n"

Test(input_umockdev, counts_clicks_of_a_mouse_that_udev_knows)
{
	fake_evdevs_add(&evdevs, 0, "Fake Mouse", FAKE_EVDEV_MOUSE);

	cr_assert_eq(start(""), PLUGIN_RUNNING);
	send(0, EV_KEY, BTN_LEFT, 1);
	send(0, EV_KEY, BTN_LEFT, 0);
	send(0, EV_REL, REL_WHEEL, 2);

	wait_for(CLICKS("Fake Mouse", 3));
	cr_expect(strstr(buffer_text(&lines), "node_input_mouse_active_seconds_total 1\n") ||
		  strstr(buffer_text(&lines), "node_input_mouse_active_seconds_total 2\n"));
	cr_expect_str_eq(why(0, true),
			 "motion, clicks and wheel steps; the kernel withholds all else");
}

Test(input_umockdev, has_the_kernel_withhold_what_is_not_of_its_role)
{
	const struct input_node_mask *motion = &evdevs.at[0].masks[0];
	const struct input_node_mask *clicks = &evdevs.at[0].masks[1];

	fake_evdevs_add(&evdevs, 0, "Fake Mouse", FAKE_EVDEV_MOUSE);
	cr_assert_eq(start(""), PLUGIN_RUNNING);

	cr_assert_eq(evdevs.at[0].n_masks, 2);
	cr_expect_eq(evdevs.at[0].clock, CLOCK_MONOTONIC);
	cr_expect_eq(motion->types[0], 1UL << EV_SYN | 1UL << EV_REL | 1UL << EV_ABS);
	cr_expect_eq(motion->keys[BTN_LEFT / INPUT_NODE_LONG_BITS], 0);
	cr_expect(input_node_has_bit(motion->rels, REL_X));
	cr_expect_not(input_node_has_bit(motion->rels, REL_WHEEL));
	cr_expect_eq(clicks->types[0], 1UL << EV_SYN | 1UL << EV_KEY | 1UL << EV_REL);
	cr_expect(input_node_has_bit(clicks->keys, BTN_LEFT));
	cr_expect_not(input_node_has_bit(clicks->keys, BTN_TOUCH));
	for (unsigned int code = 0; code < BTN_MISC; code++)
		cr_expect_not(input_node_has_bit(clicks->keys, code));
	cr_expect_eq(clicks->rels[0], 1UL << REL_WHEEL | 1UL << REL_HWHEEL);
}

Test(input_umockdev, takes_the_tip_of_a_pen_for_a_button_on_tablets_alone)
{
	fake_evdevs_add(&evdevs, 0, "Pen", "E: ID_INPUT_TABLET=1\n");
	cr_assert_eq(start(""), PLUGIN_RUNNING);

	cr_expect(input_node_has_bit(evdevs.at[0].masks[1].keys, BTN_TOUCH));
}

Test(input_umockdev, opens_no_keyboard_without_hotkeys)
{
	fake_evdevs_add_keyboard(&evdevs, 0);
	fake_evdevs_add(&evdevs, 1, "Fake Mouse", FAKE_EVDEV_MOUSE);
	cr_assert_eq(start(""), PLUGIN_RUNNING);

	cr_expect_eq(evdevs.at[0].n_masks, 0);
	cr_expect_str_eq(why(0, false), "no hotkeys are configured: keyboards stay closed");
}

Test(input_umockdev, has_the_kernel_withhold_all_keys_but_those_of_its_hotkeys)
{
	size_t n_keys = 0;

	fake_evdevs_add_keyboard(&evdevs, 0);
	cr_assert_eq(start("ctrl+c, f12"), PLUGIN_RUNNING);

	cr_assert_eq(evdevs.at[0].n_masks, 1);
	cr_expect_eq(evdevs.at[0].masks[0].types[0], 1UL << EV_SYN | 1UL << EV_KEY);
	for (unsigned int code = 0; code < KEY_CNT; code++)
		n_keys += input_node_has_bit(evdevs.at[0].masks[0].keys, code);
	cr_expect_eq(n_keys, 10);
	cr_expect(input_node_has_bit(evdevs.at[0].masks[0].keys, KEY_C));
	cr_expect(input_node_has_bit(evdevs.at[0].masks[0].keys, KEY_RIGHTMETA));
	cr_expect_str_eq(why(0, true), "the keys of the hotkeys; the kernel withholds all else");
}

Test(input_umockdev, counts_presses_and_knows_what_was_down_before)
{
	input_node_set_bit(evdevs.at[0].down, KEY_LEFTCTRL);
	fake_evdevs_add_keyboard(&evdevs, 0);
	cr_assert_eq(start("ctrl+c"), PLUGIN_RUNNING);
	send(0, EV_KEY, KEY_C, 1);

	wait_for("node_input_hotkey_presses_total{hotkey=\"ctrl+c\"} 1\n");
}

Test(input_umockdev, leaves_out_keyboards_without_any_of_the_keys)
{
	fake_evdevs_add(&evdevs, 0, "Power Button", "E: ID_INPUT_KEY=1\n");
	fake_evdevs_add(&evdevs, 1, "Fake Mouse", FAKE_EVDEV_MOUSE);
	cr_assert_eq(start("f12"), PLUGIN_RUNNING);

	cr_expect_str_eq(why(0, false), "it has none of the hotkeys' keys");
}

Test(input_umockdev, opens_what_comes_and_closes_what_goes_and_leaves_the_rest_alone)
{
	fake_evdevs_add(&evdevs, 0, "First", FAKE_EVDEV_MOUSE);
	cr_assert_eq(start(""), PLUGIN_RUNNING);
	send(0, EV_KEY, BTN_LEFT, 1);
	fake_evdevs_add(&evdevs, 1, "Second", FAKE_EVDEV_MOUSE);
	plugin_restart(plugin, timestamp_monotonic_us());
	send(1, EV_KEY, BTN_LEFT, 1);
	wait_for(CLICKS("Second", 1));
	wait_for(CLICKS("First", 1));
	cr_expect_eq(evdevs.at[0].n_masks, 2, "the first one was opened again");

	fake_evdevs_remove(&evdevs, 0);
	plugin_restart(plugin, timestamp_monotonic_us());
	plugin_commit(plugin, 0);
	send(1, EV_KEY, BTN_RIGHT, 1);
	wait_for(CLICKS("Second", 2));
	cr_expect_not(round_has("First"));
}

Test(input_umockdev, is_absent_on_a_host_with_neither_and_says_what_each_device_is)
{
	fake_evdevs_add(&evdevs, 0, "Lid", "E: ID_INPUT_SWITCH=1\n");

	cr_expect_eq(start(""), PLUGIN_ABSENT);
	cr_expect_str_eq(why(0, false), "neither a pointer nor a keyboard");
}

Test(input_umockdev, refuses_a_kernel_that_does_not_withhold)
{
	evdevs.at[0].forgets_masks = true;
	fake_evdevs_add(&evdevs, 0, "Fake Mouse", FAKE_EVDEV_MOUSE);

	cr_expect_eq(start(""), PLUGIN_FAILED);
	cr_expect(strstr(last_error(), "the kernel does not withhold"), "%s", last_error());
}

Test(input_umockdev, refuses_a_kernel_that_cannot_withhold)
{
	evdevs.at[0].error = EINVAL;
	fake_evdevs_add(&evdevs, 0, "Fake Mouse", FAKE_EVDEV_MOUSE);

	cr_expect_eq(start(""), PLUGIN_FAILED);
	cr_expect(strstr(last_error(), "since Linux 4.4"), "%s", last_error());
}

static int let_all_in(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)walk;
	return type == FTW_SL ? 0 : chmod(path, (status->st_mode & 07777) | 0777);
}

/* As root nothing is denied: become somebody else, who may look into the bed. */
Test(input_umockdev, says_which_permission_is_missing)
{
	char *root = umockdev_testbed_get_root_dir(bed);

	if (geteuid() != 0)
		cr_skip_test("only root can become another user");
	fake_evdevs_add(&evdevs, 0, "Fake Mouse", FAKE_EVDEV_MOUSE);
	cr_assert_eq(nftw(root, let_all_in, 16, FTW_PHYS), 0);
	cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(start(""), PLUGIN_FAILED);
	cr_assert_eq(seteuid(0), 0);

	cr_expect(strstr(last_error(),
			 "cannot read /dev/input/event0: Permission denied; reading it "
			 "takes root, or membership in the group"),
		  "%s", last_error());
	g_free(root);
}

Test(input_umockdev, opens_a_keyboard_anew_when_its_events_were_lost)
{
	fake_evdevs_add_keyboard(&evdevs, 0);
	cr_assert_eq(start("ctrl+c"), PLUGIN_RUNNING);
	pthread_mutex_lock(&evdevs.lock);
	input_node_set_bit(evdevs.at[0].down, KEY_LEFTCTRL);
	pthread_mutex_unlock(&evdevs.lock);
	send(0, EV_SYN, SYN_DROPPED, 0);
	wait_for("node_input_overruns_total{device=\"Fake Keyboard\"} 1\n");
	cr_expect_eq(evdevs.at[0].n_masks, 2);
	send(0, EV_KEY, KEY_C, 1);

	wait_for("node_input_hotkey_presses_total{hotkey=\"ctrl+c\"} 1\n");
}

static void set_error(int number, int error)
{
	pthread_mutex_lock(&evdevs.lock);
	evdevs.at[number].error = error;
	pthread_mutex_unlock(&evdevs.lock);
}

Test(input_umockdev, says_that_it_could_not_open_a_keyboard_anew_and_tries_a_minute_later)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * TIMESTAMP_SECOND_US;

	fake_evdevs_add_keyboard(&evdevs, 0);
	cr_assert_eq(start("f12"), PLUGIN_RUNNING);
	set_error(0, EINVAL);
	send(0, EV_SYN, SYN_DROPPED, 0);
	while (find(0)->is_used && timestamp_monotonic_us() < end_us)
		(void)loop_turn(loop, 5);

	cr_expect(strstr(why(0, false), "cannot read /dev/input/event0"));
	set_error(0, 0);
	(void)plugin_round(plugin, 0, timestamp_monotonic_us(), &lines);
	(void)why(0, false);
	(void)plugin_round(plugin, 0, timestamp_monotonic_us() + PLUGIN_RETRY_US, &lines);
	(void)why(0, true);
}

/* What was typed as it was opened: the kernel tells of it with the first event that comes. */
Test(input_umockdev, takes_what_was_dropped_by_its_opening_for_no_loss)
{
	int64_t before_us = timestamp_monotonic_us();

	fake_evdevs_add_keyboard(&evdevs, 0);
	cr_assert_eq(start("f12"), PLUGIN_RUNNING);
	fake_evdevs_send(&evdevs, 0, before_us, EV_SYN, SYN_DROPPED, 0);
	send(0, EV_KEY, KEY_F12, 1);

	wait_for("node_input_hotkey_presses_total{hotkey=\"f12\"} 1\n");
	cr_expect_eq(evdevs.at[0].n_masks, 1);
}

Test(input_umockdev, opens_nothing_but_event_devices)
{
	struct input_node_mask mask = {.types = {1}};

	cr_expect_eq(input_node_open("/dev/null", &mask), -EINVAL);
	cr_expect_eq(input_node_open("/dev/input/event", &mask), -EINVAL);
	cr_expect_eq(input_node_open("/dev/input/event0/../../sda", &mask), -EINVAL);
	cr_expect_eq(input_node_open("/dev/input/event0", &mask), -ENOENT);
}

Test(input_umockdev, waits_for_nothing_without_a_loop)
{
	struct plugin_config config = {.table = &input_plugin, .host = &host, .interval_us = 1};

	fake_evdevs_add(&evdevs, 0, "Fake Mouse", FAKE_EVDEV_MOUSE);
	cr_assert_eq(plugin_new(&config, &plugin), 0);
	plugin_start(plugin, timestamp_monotonic_us());

	cr_expect(strstr(last_error(), "--once"), "%s", last_error());
}
