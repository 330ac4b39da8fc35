# SPDX-License-Identifier: MIT
"""Mice and keyboards of a real kernel: what the hands did, what the kernel saw, what is stored."""

import os
import pathlib
import random
import re
import shutil
import struct
import time
import unittest

import hands
from guest import AGENTCTL_IN_GUEST, COLLECTOR_IN_GUEST, HERE, GuestCase
from support import query, run, wait_until

HOTKEYS = "ctrl+c, ctrl+shift+i, super+l, f12"
PS2_KEYBOARD, PS2_MOUSE = "AT Translated Set 2 keyboard", "ImExPS/2 Generic Explorer Mouse"
USB_KEYBOARD, USB_MOUSE, USB_TABLET = "QEMU QEMU USB Keyboard", "QEMU QEMU USB Mouse", "QEMU QEMU USB Tablet"
VIRTIO_KEYBOARD, VIRTIO_MOUSE = "QEMU Virtio Keyboard", "QEMU Virtio Mouse"
VIRTIO_TABLET = "QEMU Virtio Tablet"

KEYBOARDS = ((None, PS2_KEYBOARD), ("usb-kbd", USB_KEYBOARD), ("virtio-keyboard-pci", VIRTIO_KEYBOARD))
MICE = ((None, PS2_MOUSE), ("usb-mouse", USB_MOUSE), ("usb-tablet", USB_TABLET),
        ("virtio-mouse-pci", VIRTIO_MOUSE), ("virtio-tablet-pci", VIRTIO_TABLET), ("usb-mouse", USB_MOUSE))

# Codes of linux/input-event-codes.h.
KEY_LEFTCTRL, KEY_C = 29, 46
BTN_LEFT, BTN_MIDDLE, BTN_TRIGGER, BTN_TOOL_FINGER, BTN_TOUCH = 0x110, 0x112, 0x120, 0x145, 0x14a

METRICS = {"seconds": "node_input_mouse_active_seconds_total", "pointers": "node_input_pointer_events_total",
           "hotkeys": "node_input_hotkey_presses_total"}


class InputCase(GuestCase):
    """A guest whose agent counts input, with hands, and a log of all events beside the agent."""

    def setUp(self):
        if "[plugin input]" not in run("hostmetrics-agent", "--sample-config").out:
            self.skipTest("this agent has no plugin input")
        super().setUp()
        self.start_guest()
        self.guest.run("/run/hm/input_log >/run/hm/events 2>&1 & echo $!")
        self.hands = hands.Hands(self.guest)
        self.hands.pointer = PS2_MOUSE
        self.pid = None

    def start_counting(self, settings=f"hotkeys = {HOTKEYS}", before=""):
        self.pid = self.start_agent_in_guest(f"[plugin input]\nenabled = yes\n{settings}\n", before)
        wait_until(lambda: PS2_MOUSE in self.opened() and (not settings or PS2_KEYBOARD in self.opened()),
                   30, "the agent has opened what is plugged in")
        time.sleep(1)  # the second in which it began does not count

    # -- devices ---------------------------------------------------------------------------------

    def opened(self):
        """Names of the input devices that the agent has open, each as often as there are nodes."""
        # Descriptors and devices may be gone before they are looked at.
        nodes = re.findall(r"/dev/input/(event\d+)", self.guest.try_run(f"readlink /proc/{self.pid}/fd/*")[1])
        names = {node: self.guest.try_run(f"cat /sys/class/input/{node}/device/name 2>/dev/null")[1] for node in set(nodes)}
        return sorted(names[node].strip() for node in nodes if names[node])

    def plug(self, driver, name):
        """Plug it in, and wait until the agent has it; returns what unplug() wants."""
        before = self.opened().count(name)
        where = {"bus": "usb.0"} if driver.startswith("usb") else {"bus": "slot1"}
        self.guest.plug(driver, "hot", **where)
        wait_until(lambda: self.opened().count(name) > before, 30, f"the agent has opened {name}")
        wait_until(lambda: f": {name}\n" in self.printed_by_log("opened"), 10, f"{name} is in the log")
        return name

    def unplug(self, name, while_agent_sleeps=False):
        """While it sleeps, the agent misses the releases that the kernel sends in the name of the device."""
        before = self.opened().count(name)
        if while_agent_sleeps:
            self.guest.run(f"kill -STOP {self.pid}")
        self.guest.unplug("hot")
        wait_until(lambda: f": {name}\n" in self.printed_by_log("gone"), 10, f"{name} is gone")
        self.guest.run(f"kill -CONT {self.pid}")
        wait_until(lambda: self.opened().count(name) < before, 30, f"the agent has closed {name}")
        # The slot is free once QEMU, too, is done with it.
        time.sleep(0.5)

    def printed_by_log(self, word):
        return self.guest.try_run(f"grep '^# {word}' /run/hm/events")[1]

    # -- what was counted ------------------------------------------------------------------------

    def events(self):
        return hands.parse_log(self.guest.run("cat /run/hm/events"))

    def stored(self):
        """The last value of each series, zeros left out: {metric: {label: value}}."""
        counts = {name: {} for name in METRICS}
        for sample in sorted(query(self.collector, "node_input_*"), key=lambda sample: sample["time"]):
            for name, metric in METRICS.items():
                series = re.fullmatch(rf'{metric}(?:{{\w+="(.*)"}})?', sample["series"])
                if series:
                    counts[name][series[1] or ""] = sample["value"]
        return {name: {label: value for label, value in values.items() if value} for name, values in counts.items()}

    def overruns(self):
        """How often the kernel had to drop events before they were read, by device."""
        return {re.search('"(.*)"', sample["series"])[1]: sample["value"]
                for sample in query(self.collector, "node_input_overruns_total") if sample["value"]}

    def compare(self, without=""):
        """What the hands did is what the kernel saw is what is stored, also two rounds later. The kernel saw
        a device, too, that is none of those that count: `without` it."""
        wanted = {"seconds": {"": len(self.hands.seconds)} if self.hands.seconds else {},
                  "pointers": dict(self.hands.pointer_events), "hotkeys": dict(self.hands.hotkeys)}
        wait_until(lambda: hands.count_keys(self.events()) >= self.hands.keys_down, 10, "all keys reach the guest")
        try:
            wait_until(lambda: self.stored() == wanted, 15, "the counts are stored")
            time.sleep(2.5)
        except AssertionError:
            pass  # what differs is told below
        events = [event for event in self.events() if event.device != without]
        stored = self.stored()
        self.note(f"hands:  {wanted}")
        self.note(f"stored: {stored}")
        self.note(f"overruns: {self.overruns()}")
        self.note(f"the kernel saw {len(events)} events of {len({event.device for event in events})} devices, "
                  f"{hands.count_keys(events)} presses of keys")
        self.assertEqual(hands.count_keys(events), self.hands.keys_down, "keys in the guest")
        self.assertEqual(dict(hands.count_pointer_events(events)), wanted["pointers"], "clicks and steps in the guest")
        self.assertEqual(hands.count_seconds(events), self.hands.seconds, "seconds in the guest")
        self.assertEqual(stored, wanted)


class Pointers(InputCase):
    def use(self, name):
        """Three seconds of it: motion, clicks and the wheel, motion again."""
        self.hands.pointer = name

        def move():
            for step in range(8):
                if "Tablet" in name:
                    self.hands.point(1000 * step + 1000 * len(self.hands.seconds), 20000 - 1000 * step)
                else:
                    self.hands.move(3 + step, -4)

        def click_and_scroll():
            for button in ("left", "right", "left", "middle"):
                self.hands.click(button)
            self.hands.scroll("up", 3)
            self.hands.scroll("down", 2)

        for action in (move, click_and_scroll, move):
            self.hands.in_one_second(action)
            # A second without anything, whose keys are no use of a pointer.
            self.hands.type("ab")
            time.sleep(1)

    def test_every_pointer_is_counted_as_it_comes_and_goes(self):
        self.start_counting()
        for driver, name in MICE:
            if driver:
                self.plug(driver, name)
            self.use(name)
            if driver:
                self.unplug(name)
        self.compare()

    def test_without_hotkeys_no_keyboard_is_opened_and_pointers_count(self):
        self.start_counting("")
        self.use(PS2_MOUSE)
        self.hands.chord("ctrl", "c")
        self.assertEqual(set(self.opened()), {PS2_MOUSE})
        self.compare()

    def test_motion_without_a_pause_counts_each_second_once(self):
        self.start_counting("")
        n_moves = self.hands.keep_moving(12, per_second=60)
        self.note(f"{n_moves} movements")
        self.compare()

    def test_two_devices_used_in_one_second_are_one_second(self):
        self.start_counting()
        self.plug("usb-tablet", USB_TABLET)

        def use_both():
            self.hands.move(5, 5)  # the mouse is of another kind, and still gets these
            self.hands.point(3000 + len(self.hands.seconds), 3000)
        for _ in range(4):
            self.hands.in_one_second(use_both)
        self.compare()
        self.assertEqual({event.device for event in self.events() if hands.is_of_pointer(event)},
                         {PS2_MOUSE, USB_TABLET})


class OtherDevices(InputCase):
    """Those that QEMU has not: made by a program in the guest (uinput)."""

    def make_device(self, name, *description, **more):
        """Returns its node, once the log has it, and udev has said what it is."""
        self.write("shared/device", hands.describe_device(name, *description, **more))
        self.guest.run("evemu-device /mnt/device >/dev/null 2>&1 & echo")
        wait_until(lambda: f": {name}\n" in self.printed_by_log("opened"), 10, f"{name} is in the log")
        self.guest.run("udevadm settle")
        self.hands.pointer = name
        return "/dev/input/" + re.search(rf"(event\d+): {name}\n", self.printed_by_log("opened"))[1]

    def wait_opened(self, name):
        wait_until(lambda: name in self.opened(), 10, f"the agent has opened {name}")

    def use(self, node, events):
        self.hands.in_one_second(lambda: self.hands.play(node, events))

    def test_touchpad_trackpoint_and_wheels_count(self):
        self.start_counting()
        touchpad = self.make_device("Touchpad", {1: [BTN_LEFT, BTN_TOUCH, BTN_TOOL_FINGER], 3: [0, 1]}, axes=[0, 1],
                                    properties=1)
        self.wait_opened("Touchpad")
        self.use(touchpad, [(1, BTN_TOUCH, 1), (1, BTN_TOOL_FINGER, 1), (3, 0, 100), (3, 1, 200), (3, 0, 300),
                            (1, BTN_TOUCH, 0), (1, BTN_TOOL_FINGER, 0)])
        self.use(touchpad, [(1, BTN_LEFT, 1), (1, BTN_LEFT, 0), (1, BTN_LEFT, 1), (1, BTN_LEFT, 0)])
        trackpoint = self.make_device("Trackpoint", {1: [BTN_LEFT, BTN_MIDDLE], 2: [0, 1]}, properties=0x21)
        self.wait_opened("Trackpoint")
        self.use(trackpoint, [(2, 0, 1), (2, 1, -1), (1, BTN_MIDDLE, 1), (1, BTN_MIDDLE, 0)])
        wheels = self.make_device("Wheels", {1: [BTN_LEFT], 2: [0, 1, hands.REL_HWHEEL, hands.REL_WHEEL,
                                                                 hands.REL_WHEEL_HI_RES]})
        self.wait_opened("Wheels")
        self.use(wheels, [(2, hands.REL_WHEEL, -3), (2, hands.REL_WHEEL_HI_RES, -360), (2, hands.REL_HWHEEL, 2),
                          (2, hands.REL_HWHEEL, -1)])
        self.compare()

    def test_a_joystick_counts_as_nothing(self):
        self.start_counting()
        joystick = self.make_device("Joystick", {1: [BTN_TRIGGER, BTN_TRIGGER + 1], 3: [0, 1]}, axes=[0, 1])
        self.hands.play(joystick, [(1, BTN_TRIGGER, 1), (3, 0, 900), (3, 1, 100), (1, BTN_TRIGGER, 0)])
        self.assertEqual(sum(event.device == "Joystick" for event in self.events()), 4)
        self.hands.pointer_events.clear()
        self.assertNotIn("Joystick", self.opened())
        self.compare(without="Joystick")

    def test_one_device_may_be_keyboard_and_mouse(self):
        """As receivers of wireless keyboards are."""
        self.start_counting()
        both = self.make_device("Receiver", {1: [*range(1, 100), BTN_LEFT], 2: [0, 1, hands.REL_WHEEL]})
        self.wait_opened("Receiver")
        chord = [(1, KEY_LEFTCTRL, 1), (1, KEY_C, 1), (1, KEY_C, 0), (1, KEY_LEFTCTRL, 0), (1, KEY_C, 1), (1, KEY_C, 0)]
        self.use(both, [*chord, (2, 0, 3), (2, hands.REL_WHEEL, 1), (1, BTN_LEFT, 1), (1, BTN_LEFT, 0), *chord])
        self.hands.hotkeys["ctrl+c"] += 2
        self.hands.play(both, chord)
        self.hands.hotkeys["ctrl+c"] += 1
        self.compare()


class Hotkeys(InputCase):
    def press_all(self, rng):
        """Each hotkey with modifiers of either side, and between them what is none."""
        chords = [(("ctrl", "c"), "ctrl+c"), (("ctrl_r", "c"), "ctrl+c"), (("f12",), "f12"),
                  (("meta_l", "l"), "super+l"), (("meta_r", "l"), "super+l"),
                  *((("ctrl" + left, "shift" + right, "i"), "ctrl+shift+i") for left in ("", "_r") for right in ("", "_r")),
                  (("shift_r", "ctrl", "i"), "ctrl+shift+i"), (("ctrl", "ctrl_r", "c"), "ctrl+c"),
                  # One modifier too many or too few, another one, none; a key that is none of ours.
                  (("ctrl", "shift", "c"), None), (("c",), None), (("alt", "c"), None), (("ctrl", "i"), None),
                  (("shift", "i"), None), (("l",), None), (("ctrl", "l"), None), (("ctrl", "f12"), None),
                  (("c", "ctrl"), None), (("ctrl", "v"), None), (("f11",), None), (("ctrl", "meta_l", "l"), None)]
        rng.shuffle(chords)
        for keys, hotkey in chords:
            self.hands.chord(*keys, hotkey=hotkey)
            self.hands.type(rng.choices("abcdefghijklmnopqrstuvwxyz", k=2))

    def test_hotkeys_of_every_keyboard_are_counted_exactly(self):
        rng = random.Random(3)
        self.start_counting()
        for driver, name in KEYBOARDS:
            if driver:
                self.plug(driver, name)
            self.press_all(rng)
            if driver:
                self.unplug(name)
        self.compare()

    def test_a_key_held_down_counts_once(self):
        self.start_counting()
        self.plug("usb-kbd", USB_KEYBOARD)  # a PS/2 one repeats by itself, and QEMU's does not
        self.hands.chord("ctrl", "c", hotkey="ctrl+c", hold_seconds=1.2)
        self.hands.chord("f12", hotkey="f12", hold_seconds=1.2)
        self.compare()
        repeats = sum(event.type == hands.EV_KEY and event.value == 2 for event in self.events())
        self.note(f"the kernel repeated held keys {repeats} times")
        self.assertGreater(repeats, 20)

    def test_keys_pressed_again_while_the_modifier_stays_down_count_each_time(self):
        self.start_counting()
        self.hands.press("ctrl")
        for _ in range(5):
            self.hands.chord("c", hotkey="ctrl+c")
            self.hands.chord("v")
        self.hands.release("ctrl")
        self.hands.chord("c")
        self.compare()

    def test_a_modifier_on_one_keyboard_and_a_key_on_another_are_a_chord(self):
        self.start_counting()
        self.hands.press("ctrl")  # on PS/2; what follows goes to the USB keyboard
        keyboard = self.plug("usb-kbd", USB_KEYBOARD)
        self.hands.chord("c", hotkey="ctrl+c")
        self.hands.chord("shift", "i", hotkey="ctrl+shift+i")
        self.unplug(keyboard)
        self.hands.chord("c", hotkey="ctrl+c")
        self.hands.release("ctrl")
        self.hands.chord("c")
        self.compare()
        pressed_on = {event.device for event in self.events() if event.type == hands.EV_KEY and event.value == 1}
        self.assertEqual(pressed_on, {PS2_KEYBOARD, USB_KEYBOARD})

    def test_a_modifier_that_was_down_on_an_unplugged_keyboard_is_up(self):
        self.start_counting()
        for (driver, name), while_agent_sleeps in zip(KEYBOARDS[1:], (False, True)):
            self.plug(driver, name)
            self.hands.chord("ctrl", "c", hotkey="ctrl+c")
            self.hands.press("ctrl")
            self.unplug(name, while_agent_sleeps)
            self.hands.chord("c")
            self.hands.chord("ctrl", "c", hotkey="ctrl+c")
        self.compare()

    def overrun(self, action):
        """Do it while the agent sleeps, and then so much that the kernel keeps none of it (but 64 events), and
        says SYN_DROPPED."""
        time.sleep(0.5)
        self.guest.run(f"kill -STOP {self.pid}")
        action()
        for _ in range(40):
            self.hands.chord("shift")
        self.guest.run(f"kill -CONT {self.pid}")
        time.sleep(1)

    def test_events_that_the_kernel_had_to_drop_leave_no_key_down_or_up(self):
        self.start_counting()
        self.hands.chord("ctrl", "c", hotkey="ctrl+c")
        wait_until(lambda: self.stored()["hotkeys"] == dict(self.hands.hotkeys), 15, "a press is stored")
        self.hands.press("ctrl")
        self.overrun(lambda: self.hands.release("ctrl"))
        self.hands.chord("c")
        self.hands.chord("ctrl", "c", hotkey="ctrl+c")
        # Of another hotkey, lest one too many and one too few look right together.
        self.overrun(lambda: self.hands.press("meta_l"))
        self.hands.chord("l", hotkey="super+l")
        self.hands.release("meta_l")
        self.hands.chord("l")
        self.compare()
        self.assertEqual(self.overruns(), {PS2_KEYBOARD: 2})


def windows(sequence, length=4):
    return [sequence[i:i + length] for i in range(len(sequence) - length + 1)]


def find_secret(data, secret):
    """How often four letters of it in a row are there, by the way in which they are written."""
    codes = [hands.LETTER_CODES[letter] for letter in secret]
    usages = [0x70004 + ord(letter) - ord("a") for letter in secret]  # what a USB keyboard sends
    hits = {}
    ways = {"text": (secret.encode(), secret.upper().encode(), secret.encode("utf-16-le")),
            # For letters, key codes are the scan codes of a PS/2 keyboard.
            "codes": tuple(struct.pack(f"<{len(codes)}{size}", *codes) for size in "BHIQ"),
            "usages": (bytes(usage & 0xff for usage in usages), struct.pack(f"<{len(usages)}I", *usages))}
    for way, texts in ways.items():
        hits[way] = sum(data.count(window) for text in texts
                        for window in windows(text, 4 * len(text) // len(secret))[::len(text) // len(secret)])
    # struct input_event, whatever lies between: EV_KEY, or EV_MSC with MSC_SCAN.
    events = [code for code, value in struct.iter_unpack("<HI", b"".join(re.findall(
        rb"\x01\x00(..[\x00\x01]\x00\x00\x00)", data, re.S))) if value == 1]
    scans = [code for (code,) in struct.iter_unpack("<I", b"".join(re.findall(
        rb"\x04\x00\x04\x00(....)", data, re.S)))][::2]
    hits["events"] = sum(events[i:i + 4] == window for window in windows(codes) for i in range(len(events)))
    hits["scans"] = sum(scans[i:i + 4] == window for window in windows(codes) + windows(usages)
                        for i in range(len(scans)))
    return hits


class Search(unittest.TestCase):
    def test_a_secret_is_found_in_each_way_it_could_be_written(self):
        codes = [hands.LETTER_CODES[letter] for letter in "xqzv"]
        press = [struct.pack("<qqHHi", 5, 6, 1, code, 1) for code in codes]
        syn, scan = struct.pack("<qqHHi", 5, 6, 0, 0, 0), [struct.pack("<qqHHi", 5, 6, 4, 4, code) for code in codes]
        release = [struct.pack("<qqHHi", 5, 6, 1, code, 0) for code in codes]
        for way, data in (("text", b"-xqzv-"), ("text", b"XQZV"), ("text", "xqzv".encode("utf-16-le")),
                          ("codes", bytes(codes)), ("codes", struct.pack("<4I", *codes)),
                          ("usages", bytes([27, 20, 29, 25])), ("events", b"".join(press)),
                          ("events", b"".join(down + syn + up + syn for down, up in zip(press, release))),
                          ("scans", b"".join(code + code for code in scan))):
            with self.subTest(way=way):
                self.assertGreater(find_secret(data, "xqzv")[way], 0)
        self.assertEqual(sum(find_secret(b"".join(reversed(press)) + b"xqvz", "xqzv").values()), 0)


class Privacy(InputCase):
    SECRET = "xqzvkwjybmfd"  # none of its letters is in a hotkey

    def read_files(self, *folders):
        paths = [path for folder in folders for path in pathlib.Path(folder).rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in paths)

    def test_what_is_typed_is_nowhere_in_the_agent_or_what_it_wrote(self):
        rng = random.Random(7)
        letters = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=1988))
        self.start_counting()
        self.guest.run("cat /dev/input/by-path/*-event-kbd >/run/hm/raw & echo $!")
        self.hands.type(letters[:994] + self.SECRET)
        self.hands.chord("ctrl", "c", hotkey="ctrl+c")
        dumps = [self.dump_memory()]
        self.hands.type(letters[994:])
        dumps.append(self.dump_memory())
        self.compare()
        raw = find_secret(self.read_guest_file("/run/hm/raw"), self.SECRET)
        self.note(f"in what the keyboard sent: {raw}")
        self.assertGreater(raw["events"], 0)
        self.assertGreater(raw["scans"], 0)
        places = {"memory after the secret": dumps[0], "memory in the end": dumps[1],
                  "agent's log": self.read_guest_file("/mnt/agent.log"),
                  "collector's store and log": self.read_files(self.path("store"), self.run_folder)}
        self.assertIn(b"ctrl+shift+i", dumps[0])
        for place, data in places.items():
            hits = find_secret(data, self.SECRET)
            self.note(f"in {place}, {len(data)} bytes: {sum(hits.values())} hits")
            self.assertEqual(sum(hits.values()), 0, f"{place}: {hits}")

    def read_guest_file(self, path):
        self.guest.run(f"cat {path} >/mnt/copied")
        with open(self.path("shared", "copied"), "rb") as file:
            return file.read()

    def dump_memory(self):
        """All that the agent could read of its own memory, while it stands still."""
        self.guest.run(f"""kill -STOP {self.pid}
            while read -r range permissions rest; do
                case $permissions$rest in r*vvar* | r*vsyscall*) ;; r*)
                    dd if=/proc/{self.pid}/mem bs=1M iflag=skip_bytes,count_bytes status=none \
                        skip=$((0x${{range%-*}})) count=$((0x${{range#*-}} - 0x${{range%-*}})) || echo "$range $rest" >&2
                esac
            done </proc/{self.pid}/maps >/run/hm/memory
            kill -CONT {self.pid}""", seconds=120)
        return self.read_guest_file("/run/hm/memory")


class Permission(InputCase):
    NOBODY = "setpriv --reuid=nobody --regid=nogroup --clear-groups"

    def setUp(self):
        super().setUp()
        self.guest.run("chmod 777 /run/hm; chmod 666 /mnt/agent.log || install -m 666 /dev/null /mnt/agent.log")

    def test_without_permission_the_agent_says_so_and_the_rest_goes_on(self):
        self.start_agent_in_guest(f"[plugin input]\nenabled = yes\nhotkeys = {HOTKEYS}\n", self.NOBODY)
        wait_until(lambda: query(self.collector, "node_load1"), 15, "the rest is stored")
        self.hands.in_one_second(lambda: self.hands.move(1, 1))
        time.sleep(2)
        self.assertEqual(self.stored(), {"seconds": {}, "pointers": {}, "hotkeys": {}})
        printed = self.guest.run(f"{AGENTCTL_IN_GUEST} list-plugins -o plain")
        self.note(f"list-plugins: {printed}")
        self.assertRegex(printed + self.guest.run("cat /mnt/agent.log"), r"(?i)/dev/input\S* .*(permission|allowed|group)")

    def test_the_group_input_is_permission_enough(self):
        self.start_counting(before="setpriv --reuid=nobody --regid=nogroup --groups=input")
        self.use_two_mice_and_a_hotkey()

    def test_the_unit_of_the_packages_counts_with_its_drop_in(self):
        shutil.copytree(os.path.join(HERE, "..", "..", "packaging", "systemd"), self.path("shared", "systemd"))
        self.write("shared/agent.conf", f"[agent]\ninterval = 1s\nship_interval = 1s\ncollector = {COLLECTOR_IN_GUEST}\n"
                                        f"hostname = guest\n[plugin input]\nhotkeys = {HOTKEYS}\n")
        self.guest.run("""set -e
            install -m 755 /run/hm/hostmetrics-agent /usr/sbin
            install -D -m 644 -t /usr/local/lib/hostmetrics/plugins /run/hm/plugins/*.so
            install -D -m 644 /mnt/agent.conf /etc/hostmetrics/agent.conf
            cd /mnt/systemd
            systemd-sysusers "$PWD/hostmetrics-agent.sysusers"
            systemd-tmpfiles --create "$PWD/hostmetrics-agent.tmpfiles"
            install -m 644 hostmetrics-agent.service /etc/systemd/system
            install -D -m 644 -t /etc/systemd/system/hostmetrics-agent.service.d input.conf
            systemctl daemon-reload
            systemctl start hostmetrics-agent || { journalctl -u hostmetrics-agent; exit 1; }""", seconds=120)
        self.pid = int(self.guest.run("systemctl show -P MainPID hostmetrics-agent"))
        self.note("unit: " + self.guest.run(f"grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' /proc/{self.pid}/status"))
        wait_until(lambda: PS2_MOUSE in self.opened() and PS2_KEYBOARD in self.opened(), 30, "both are open")
        time.sleep(1)
        self.use_two_mice_and_a_hotkey()

    def use_two_mice_and_a_hotkey(self):
        self.hands.pointer = PS2_MOUSE
        self.hands.in_one_second(self.hands.click)
        self.hands.chord("ctrl", "c", hotkey="ctrl+c")
        self.plug("usb-mouse", USB_MOUSE)
        self.hands.pointer = USB_MOUSE
        self.hands.in_one_second(self.hands.click)
        self.compare()


class Cost(InputCase):
    SECONDS = 10

    def threads(self):
        """{name: (voluntary switches, nanoseconds on the processor)}, those of one name added up."""
        printed = self.guest.run(f"""cd /proc/{self.pid}/task; exec 2>/dev/null; for thread in *; do
            read -r nanoseconds rest <$thread/schedstat || continue  # that has just ended
            while read -r key value; do [ $key = voluntary_ctxt_switches: ] && switches=$value; done <$thread/status
            read -r name <$thread/comm; echo "$switches $nanoseconds $name"; done""")
        totals = {}
        for line in printed.splitlines():
            switches, nanoseconds, name = line.split(" ", 2)
            before = totals.get(name, (0, 0))
            totals[name] = (before[0] + int(switches), before[1] + int(nanoseconds))
        return totals

    def measure(self, what, action):
        """Note what the agent's threads took, a second; returns the switches of all of them."""
        before, begin = self.threads(), time.monotonic()
        what = what.format(action())
        seconds = time.monotonic() - begin
        after = self.threads()
        each = {name: ((after[name][0] - before[name][0]) / seconds, (after[name][1] - before[name][1]) / seconds)
                for name in after}
        self.note(f"{what}, in {seconds:.1f} s; a second: " + "; ".join(
            f"{name} {switches:.1f} switches, {nanoseconds / 1e6:.2f} ms" for name, (switches, nanoseconds) in each.items()))
        return sum(switches for switches, _ in each.values())

    def test_a_mouse_that_moves_wakes_the_agent_a_few_times_a_second(self):
        self.start_counting()
        self.guest.run("kill $(pidof input_log)")
        self.guest.plug("virtio-mouse-pci", "hot", bus="slot1")
        wait_until(lambda: VIRTIO_MOUSE in self.opened(), 30, "the agent has opened the mouse")
        idle = self.measure("nothing", lambda: time.sleep(self.SECONDS))
        for per_second in (500, 1000):
            moving = self.measure("{} movements", lambda rate=per_second: self.hands.keep_moving(self.SECONDS, rate))
            self.assertLess(moving - idle, 20)
        self.hands.pause_seconds = 0.02
        typing = self.measure("200 letters", lambda: self.hands.type("abdefghjkm" * 20))
        self.assertLess(typing - idle, 20)
        wait_until(lambda: self.stored()["seconds"] == {"": len(self.hands.seconds)}, 15, "seconds are stored")


if __name__ == "__main__":
    unittest.main()
