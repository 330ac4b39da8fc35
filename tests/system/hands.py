# SPDX-License-Identifier: MIT
"""Somebody at the keyboards and mice of a guest, who keeps a list of what was done.

The events go where QEMU sends them: to the keyboard, and the pointer of that kind, plugged in last.
"""

import collections
import math
import time

# Codes of linux/input-event-codes.h.
EV_KEY, EV_REL, EV_ABS = 1, 2, 3
REL_HWHEEL, REL_WHEEL, REL_WHEEL_HI_RES = 6, 8, 11
BTN_MISC, BTN_GAMEPAD = 0x100, 0x130
# Keys in the order of their codes, from KEY_Q, KEY_A and KEY_Z on.
LETTER_CODES = {letter: first + i for first, row in ((16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm"))
                for i, letter in enumerate(row)}

# A PS/2 device holds 16 bytes, a USB one 16 events that are fetched every 10 ms; what is more is lost.
PAUSE_SECONDS = 0.012
# Of a virtio device, which holds 64 events.
MOVES_AT_ONCE = 10
# A burst begins so far into a second of the guest, and is over long before the next one.
BURST_BEGINS = 0.15
BURST_SECONDS_MAX = 0.7


class Hands:
    def __init__(self, guest):
        self.guest = guest
        self.pointer = None  # the name that the kernel gives to the one in use
        self.seconds = set()  # of CLOCK_MONOTONIC, in which a pointer was used
        self.pointer_events = collections.Counter()  # clicks and wheel steps, by pointer
        self.hotkeys = collections.Counter()
        self.keys_down = 0
        self.pause_seconds = PAUSE_SECONDS

    def _send(self, *events):
        self.guest.tell("input-send-event", events=list(events))
        time.sleep(self.pause_seconds)

    # -- keys ------------------------------------------------------------------------------------

    def key(self, key, down):
        self.keys_down += down
        self._send({"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}})

    def press(self, *keys):
        for key in keys:
            self.key(key, True)

    def release(self, *keys):
        for key in reversed(keys):
            self.key(key, False)

    def chord(self, *keys, hotkey=None, hold_seconds=0):
        """Press in this order, release in reverse. hotkey: which this is, if one."""
        self.press(*keys)
        time.sleep(hold_seconds)
        self.release(*keys)
        if hotkey:
            self.hotkeys[hotkey] += 1

    def type(self, letters):
        for letter in letters:
            self.chord(letter)

    # -- pointers --------------------------------------------------------------------------------

    def in_one_second(self, action):
        """Call it within one second of the guest, which then is one of use."""
        now = self.guest.monotonic()
        begin = math.floor(now) + BURST_BEGINS
        if now > begin:
            begin += 1
        time.sleep(begin - now)
        action()
        took = self.guest.monotonic() - begin
        if took > BURST_SECONDS_MAX:
            raise AssertionError(f"this machine is too busy: what was to be over in a second took {took:.2f} s")
        self.seconds.add(math.floor(begin))

    def move(self, dx, dy):
        self._send({"type": "rel", "data": {"axis": "x", "value": dx}},
                   {"type": "rel", "data": {"axis": "y", "value": dy}})

    def keep_moving(self, n_seconds, per_second):
        """Through whole seconds of the guest; returns how many movements that were."""
        begin = math.floor(self.guest.monotonic()) + 1
        n_moves = 0
        # Not where one second becomes the next: which of both a movement is in could not be told.
        first, last = begin + BURST_BEGINS, begin + n_seconds - BURST_BEGINS
        while (now := self.guest.monotonic()) < last:
            n_due = max(1, min(int((now - first) * per_second) - n_moves, MOVES_AT_ONCE))
            time.sleep(max(0, first + n_moves / per_second - now))
            self.guest.tell_all("input-send-event", [
                {"events": [{"type": "rel", "data": {"axis": "x", "value": 1}}]} for _ in range(n_due)])
            n_moves += n_due
        if self.guest.monotonic() > begin + n_seconds:
            raise AssertionError("this machine is too busy: the last movements came too late")
        self.seconds |= set(range(begin, begin + n_seconds))
        return n_moves

    def point(self, x, y):
        """Of a tablet; 0 to 32767."""
        self._send({"type": "abs", "data": {"axis": "x", "value": x}},
                   {"type": "abs", "data": {"axis": "y", "value": y}})

    def _button(self, button, down):
        self._send({"type": "btn", "data": {"down": down, "button": button}})

    def click(self, button="left"):
        self._button(button, True)
        self._button(button, False)
        self.pointer_events[self.pointer] += 1

    def scroll(self, direction, steps):
        """up, down"""
        for _ in range(steps):
            self._button(f"wheel-{direction}", True)
            self._button(f"wheel-{direction}", False)
        self.pointer_events[self.pointer] += steps

    def play(self, node, events):
        """Events (type, code, value) of a device that a program in the guest made, each followed by EV_SYN."""
        lines = "".join(f"E: 0.000001 {kind:04x} {code:04x} {value}\nE: 0.000001 0000 0000 0\n"
                        for kind, code, value in events)
        self.guest.run(f"evemu-play {node} <<'END'\n{lines}END")
        self.pointer_events += count_pointer_events([Event(0, *event, self.pointer) for event in events])
        self.keys_down += count_keys([Event(0, *event, self.pointer) for event in events])


def describe_device(name, bits, axes=(), properties=0):
    """For evemu-device. bits: {type: codes}; axes: codes of EV_ABS, 0 to 1000 each."""
    def rows(prefix, codes, n_bytes):
        mask = sum(1 << code for code in codes).to_bytes(n_bytes, "little")
        return [f"{prefix}{' '.join(f'{byte:02x}' for byte in mask[i:i + 8])}" for i in range(0, n_bytes, 8)]

    lines = ["# EVEMU 1.3", f"N: {name}", "I: 0003 1234 5678 0110", f"P: {properties:02x} 00 00 00 00 00 00 00",
             *rows("B: 00 ", [0, *bits], 8)]
    for kind, codes in bits.items():
        lines += rows(f"B: {kind:02x} ", codes, 96)
    return "\n".join([*lines, *(f"A: {axis:02x} 0 1000 0 0 10" for axis in axes)]) + "\n"


Event = collections.namedtuple("Event", "time type code value device")


def parse_log(text):
    """What input_log printed."""
    events = []
    for line in text.splitlines():
        if not line.startswith("#"):
            seconds, kind, code, value, device = line.split(" ", 4)
            events.append(Event(float(seconds), int(kind), int(code), int(value), device))
    return events


def is_of_pointer(event):
    """Motion, a button or the wheel."""
    return event.type in (EV_REL, EV_ABS) or event.type == EV_KEY and BTN_MISC <= event.code < BTN_GAMEPAD


def count_seconds(events):
    return {math.floor(event.time) for event in events if is_of_pointer(event)}


def count_pointer_events(events):
    """Clicks and wheel steps, by device."""
    counts = collections.Counter()
    for event in events:
        if is_of_pointer(event) and event.type == EV_KEY and event.value == 1:
            counts[event.device] += 1
        elif event.type == EV_REL and event.code in (REL_WHEEL, REL_HWHEEL):
            counts[event.device] += abs(event.value)
    return counts


def count_keys(events):
    """Presses of keys of keyboards; a key that repeats has value 2."""
    return sum(event.type == EV_KEY and event.code < BTN_MISC and event.value == 1 for event in events)
