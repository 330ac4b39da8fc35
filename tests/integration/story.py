# SPDX-License-Identifier: MIT
"""Agents that tell the collector what happened to them, in seconds from a beginning on."""

import native
from native import GAUGE, BATCH, CLOCK, GAP, SCHEDULE, Agent, ident

SECOND = 1000000
INTERVAL = 10

# Of CLOCK.
STARTED, STOPPED, STEPPED, RESUMED, HELD_UP, LOST = range(1, 7)
# enum hm_reason
SPOOL_FULL, SPOOL_ACKED = 45, 49
FAILED, STUCK, GONE, QUOTA = 50, 51, 52, 64

SERIES = [(GAUGE, "", "node_load1"), (GAUGE, "", 'node_temp{zone="0"}'), (GAUGE, "", 'node_temp{zone="1"}')]
OTHER_BOOT = b"\x44" * 16


def column(values):
    """Behind a series' id: numbers, and marks as strings of their reasons; (reason,) is a mark."""
    present = [value for value in values if not isinstance(value, tuple)]
    runs = b""
    at = 0
    while at < len(values):
        begin = at
        while at < len(values) and not isinstance(values[at], tuple):
            at += 1
        behind = at
        while behind < len(values) and values[behind] == values[at]:
            behind += 1
        runs += native.number(at - begin) + native.number(behind - at)
        if behind > at:
            runs += bytes(values[at])
        at = behind
    if not present:
        return b"\x20" + runs + native.number(0)
    if len(present) == len(values):
        return native.values(values)
    payload = b"\x30" + native.packed([native.bits_of(value) for value in present])
    return b"\x21" + runs + native.number(len(payload)) + payload


class Story(Agent):
    """An agent that tells what happened to it, in seconds from a beginning on."""

    def __init__(self, name, begin):
        super().__init__(ident("host", name), ident("epoch", name), name)
        self.start = begin
        self.boot = native.BOOT
        self.boot_at = -60
        self.declare(*SERIES)

    def us(self, second):
        return int((self.start + second) * SECOND)

    def clock(self, event, second, change=0):
        self.add(CLOCK, native.clock(event, self.boot, self.us(second), int((second - self.boot_at) * SECOND),
                                     int(change * SECOND)))

    def schedule(self, second, *metrics):
        self.add(SCHEDULE, native.schedule(*((INTERVAL * SECOND, name) for name in sorted(metrics)),
                                           since=self.us(second)))

    def begin(self, second):
        self.clock(STARTED, second)
        self.schedule(second, "node_load1", "node_temp")

    def gap(self, first, last, reason):
        self.add(GAP, native.gap(len(self.messages) + 1, self.us(first), self.us(last), 5, reason))

    def ticks(self, first, last, marks=None, ids=(0, 1, 2)):
        """Samples of all series at each tick, up to the last one. @param marks  {id: {second: reason}}"""
        marks = marks or {}
        seconds = list(range(first, last + 1, INTERVAL))
        columns = {}
        for one in ids:
            columns[one] = column([(marks[one][second],) if second in marks.get(one, {}) else float(second)
                                   for second in seconds])
        self.add(BATCH, native.batch(native.block([self.us(second) for second in seconds], columns)))

    def send(self, collector):
        self.connect(collector.port)
        self.deliver()
        self.leave()
