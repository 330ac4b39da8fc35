# SPDX-License-Identifier: MIT
"""Messages that no agent would send, in frames as they should be; their list is told in test_hostile.py."""

import collections
import os
import struct
import unittest

import load
from hostile import CONSTANT, SECOND_US, Hostile
from native import (BASE_US, BATCH, CLOCK, COUNTER, DECLARE, FRAME_MAX_BYTES, GAP, GAP_MAX, GAUGE, HEADER_BYTES,
                    HELLO, NONE_US, SCHEDULE, SERIES_MAX, STAMP_BYTES, UNKNOWN, batch, block, clock, declare, frame,
                    gap, header, hello, ident, number, same, schedule, signed, stamp, times, values)
from support import ctl, status


class Messages(Hostile):
    def refuse_messages(self, cases):
        """Each as the first message behind the declarations, of an epoch of its own."""
        for name, reason, kind, body, *sequence in cases:
            agent = self.agent()
            self.refuse(name, reason, agent.wire, agent.make(kind, body, *sequence))
            agent.connect(self.port)
            self.assertEqual((agent.welcome.durable, agent.welcome.n_series), (1, 2), name)
            agent.wire.close()
        self.assertEqual(self.n_samples("hostile"), 0)

    def test_stamps(self):
        body = batch(block([BASE_US], {0: [1.0]}))
        self.refuse_messages([
            ("53 sequence 0", "bad_sequence", BATCH, body, 0),
            ("54 a sequence is left out", "sequence_ahead", BATCH, body, 3),
            ("57 2^64 - 1", "bad_sequence", BATCH, body, (1 << 64) - 1),
            ("57 2^63", "bad_sequence", BATCH, body, 1 << 63),
            ("57 2^63 - 1", "sequence_ahead", BATCH, body, (1 << 63) - 1),
            ("56 another one of the same sequence", "sequence_other", BATCH, body, 1),
        ])
        agent = self.agent()
        other = frame(BATCH, stamp(agent.host, ident("other"), 2) + body)
        self.refuse("58 another epoch", "other_stamp", agent.wire, other)
        agent = self.agent()
        self.refuse("another host", "other_stamp", agent.wire, frame(BATCH, stamp(ident("other"), agent.epoch, 2) + body))
        agent = self.agent()
        self.refuse("a stamp's first byte", "bad_message", agent.wire,
                    frame(BATCH, b"\1" + stamp(agent.host, agent.epoch, 2)[1:] + body))
        agent = self.agent(is_open=False)
        agent.connect(self.port)
        self.refuse("59 an epoch that begins at 10^9", "sequence_ahead", agent.wire, agent.make(BATCH, body, 10**9))
        self.refuse("an epoch of another host", "bad_id", self.wire(), frame(HELLO, hello(ident("new"), agent.epoch, "new")))

        # 55: an old one once more, of whatever content: nothing is stored twice
        agent = self.agent()
        self.accept(agent, BATCH, body, m=[(BASE_US, 1)])
        self.accept(agent, BATCH, batch(block([BASE_US + 1], {0: [2.0]})), m=[(BASE_US + 1, 2)])
        for message in (agent.messages[1], agent.make(BATCH, batch(block([BASE_US + 2], {0: [3.0]})), 2)):
            agent.wire.send(message)
            self.assertEqual(agent.wire.ack(), 3)
        self.assertEqual(self.rows("hostile"), self.expected)
        self.check_honest()

    def test_blocks_that_do_not_decode(self):
        at = [BASE_US + i * SECOND_US for i in range(3)]
        good = block(at, {0: [1.0, 2.0, 3.0]})
        column = values([1.0, 2.0, 3.0])
        one = number(1) + number(1)

        def of_integers(payload):
            return batch(number(2) + number(1) + times(at[:2]) + number(0) + b"\x05" + number(len(payload)) + payload)

        def of_times(n, payload):
            return batch(number(n) + number(1) + b"\x05" + number(len(payload)) + payload + number(0) + same(1.0))
        steps = number(1) + signed(1) + b"\0" + number(0)
        self.refuse_messages([
            ("60 more times than there are", "bad_block", BATCH, batch(number(4) + good[1:])),
            ("60 more columns", "bad_block", BATCH, batch(good[:1] + number(2) + good[2:])),
            ("60 a longer block", "bad_message", BATCH, struct.pack("<I", len(good) + 1) + good),
            ("61 fewer times", "bad_block", BATCH, batch(number(2) + good[1:])),
            ("61 no column", "bad_block", BATCH, batch(good[:1] + number(0) + good[2:])),
            ("61 no time", "bad_block", BATCH, batch(number(0) + good[1:])),
            ("61 a shorter block", "bad_block", BATCH, batch(good[:-1])),
            ("a byte behind", "bad_block", BATCH, batch(good + b"\0")),
            ("62 2^32 - 1 times", "bad_block", BATCH, batch(number((1 << 32) - 1) + good[1:])),
            ("62 2^32 - 1 columns", "bad_block", BATCH, batch(good[:1] + number((1 << 32) - 1) + good[2:])),
            ("63 a number of 11 bytes", "bad_block", BATCH, batch(b"\x80" * 10 + b"\1" + good[1:])),
            ("64 a long zero", "bad_block", BATCH, batch(good[:2] + times(at) + b"\x80\0" + column)),
            ("65 a number is cut", "bad_block", BATCH, batch(b"\x80")),
            ("66 times overflow", "bad_block", BATCH, of_times(2, signed((1 << 63) - 1) + steps)),
            ("67 values overflow", "bad_block", BATCH, of_integers(b"\0" + signed((1 << 51) - 1) + steps)),
            ("73 times decrease", "bad_block", BATCH, batch(block([BASE_US, BASE_US - SECOND_US], {0: [1.0, 2.0]}))),
            ("a later version's encoding", "unknown_encoding", BATCH, batch(one + times(at[:1]) + b"\0\x40" + same(1.0)[1:])),
            ("76 no block", "empty", BATCH, b""),
            ("76 a block of nothing", "bad_block", BATCH, batch(b"")),
            ("68 NaN", "not_finite", BATCH, batch(block(at, {0: [1.0, float("nan"), 2.0]}))),
            ("68 infinity", "not_finite", BATCH, batch(block(at, {0: [1.0, float("inf"), 2.0]}))),
            ("68 -infinity, constant", "not_finite", BATCH, batch(block(at, {0: same(float("-inf"))}))),
            ("71 no time", "bad_time", BATCH, batch(block([NONE_US], {0: [1.0]}))),
            ("80 an id that was not declared", "not_declared", BATCH, batch(block(at, {2: same(1.0)}))),
            ("80 the highest id", "not_declared", BATCH, batch(block(at, {(1 << 32) - 1: same(1.0)}))),
            ("80 one more", "bad_block", BATCH, batch(block(at, {1 << 32: same(1.0)}))),
            ("74 a million samples of one time", "too_many_samples", BATCH,
             batch(*[of_times(65536, signed(BASE_US) + number(1) + signed(0) + b"\0\0")[4:]] * 16)),
            ("85 it would be 9 GiB", "bad_block", BATCH, batch(block(
                [BASE_US] * 65536, {i: same(1.0) for i in range(18000)}, CONSTANT))),
        ])
        if not os.environ.get("HM_SAN"):
            self.assertLess(load.memory_kib(self.collector.pid)["VmHWM"], 256 << 10)
        self.check_honest()

    def test_declarations_gaps_clocks_and_schedules(self):
        def named(name, kind=GAUGE, unit=""):
            return declare(2, [(kind, unit, name)])
        labels = ",".join(f'l{i:02}="x"' for i in range(65))
        cases = [
            ("81 of another kind", "declared_otherwise", DECLARE, declare(0, [(COUNTER, "", "m")])),
            ("81 of another unit", "declared_otherwise", DECLARE, declare(1, [(COUNTER, "s", "n_total")])),
            ("81 of another name", "declared_otherwise", DECLARE, declare(1, [(COUNTER, "bytes", "o_total")])),
            ("a kind that there is not", "bad_message", DECLARE, named("x", 3)),
            ("ids are left out", "not_declared", DECLARE, declare(3, [(GAUGE, "", "x")])),
            ("82 an id that is too high", "too_many_series", DECLARE, declare(SERIES_MAX, [(GAUGE, "", "x")])),
            ("no series", "empty", DECLARE, declare(2, [])),
            ("labels out of order", "bad_labels", DECLARE, named('x{b="1",a="2"}')),
            ("braces of nothing", "bad_labels", DECLARE, named("x{}")),
            ("65 labels", "too_many_labels", DECLARE, named(f"x{{{labels}}}")),
            ("86 a gap over more than may be", "bad_gap", GAP, gap(1), GAP_MAX + 1),
            ("87 the first beyond the last", "bad_gap", GAP, gap(3), 2),
            ("87 no first", "bad_gap", GAP, gap(0), 2),
            ("a gap whose times go back", "bad_gap", GAP, gap(2, BASE_US, BASE_US - 1), 2),
            ("a gap without a reason", "bad_message", GAP, gap(2, reason=0), 2),
            ("an event that there is not", "bad_clock", CLOCK, clock(7, change=1)),
            ("a start with a change", "bad_clock", CLOCK, clock(1, change=1)),
            ("a step by nothing", "bad_clock", CLOCK, clock(3)),
            ("held up for no time", "bad_clock", CLOCK, clock(5)),
            ("75 boot of zeros", "bad_id", CLOCK, clock(boot=bytes(16))),
            ("a schedule from no time on", "bad_time", SCHEDULE, schedule(since=NONE_US)),
            ("an interval of 0", "bad_message", SCHEDULE, schedule((0, "m"))),
            ("an interval above all", "bad_message", SCHEDULE, schedule(((1 << 53) + 1, "m"))),
            ("a metric twice", "bad_message", SCHEDULE, schedule((1, "m"), (1, "m"))),
            ("sent so often, and so often", "bad_name", SCHEDULE, schedule((1, ""), (1, ""))),
            ("metrics out of order", "bad_message", SCHEDULE, schedule((1, "n"), (1, "m"))),
            ("a schedule cut short", "bad_message", SCHEDULE, schedule((1, "m"))[:-1]),
            ("a metric with labels", "bad_name", SCHEDULE, schedule((1, 'm{a="b"}'))),
        ]
        for name in (b"", b"a\0b", b"a\nb", b"\x1b[31mred", b"\xc0\xaf", b"\xff", b"x" * 201, b"x" * 65000):
            cases.append((f"9x series {name[:9]}", "bad_name", DECLARE, named(name)))
            if name:  # without one it is how often the agent sends
                cases.append((f"9x metric {name[:9]}", "bad_name", SCHEDULE, schedule((1, name))))
        self.refuse_messages(cases)
        listed = ctl("--socket", self.collector.socket, "list-metrics", "--host", "hostile", "-o", "json").json()
        self.assertEqual(sorted((row["series"], row["kind"], row["unit"]) for row in listed),
                         [("m", "gauge", ""), ("n_total", "counter", "bytes")])
        self.check_honest()

    def test_odd_batches_that_are_none_the_worse(self):
        agent = self.agent()
        us = SECOND_US

        def of(column, number=0, at=BASE_US):
            """A block a second."""
            self.n_blocks = getattr(self, "n_blocks", 0) + 100
            at += self.n_blocks * us
            samples = [(at + i * us, value) for i, value in enumerate(column)]
            return batch(block([when for when, _ in samples], {number: list(column)})), samples
        body, samples = of([-0.0, 5e-324, 1.7976931348623157e308, 0.1])
        self.accept(agent, BATCH, body, m=samples)  # 68
        body, samples = of([5.0, -7.5, 3.0], 1)
        self.accept(agent, BATCH, body, n_total=samples)  # 69
        body = batch(block([BASE_US], {0: [1.0]}), block([BASE_US - us], {0: [2.0]}), block([BASE_US], {0: [3.0]}))
        self.accept(agent, BATCH, body, m=[(BASE_US, 1), (BASE_US - us, 2), (BASE_US, 3)])  # 73, 79
        agent.declare((GAUGE, "", "m"))  # 79: a second id of the same series
        self.accept(agent, BATCH, batch(block([BASE_US + 1], {0: [4.0], 2: [5.0]})), m=[(BASE_US + 1, 4), (BASE_US + 1, 5)])
        self.assertEqual(self.rows("hostile"), self.expected)
        # 70, 71, 72: impossible times are stored apart
        years = [(0, 1.0), ((1 << 63) - 1, 2.0), (-2177452800 * us, 3.0), (2147483648 * us, 4.0), (4291747200 * us, 5.0),
                 (253370764800 * us, 6.0)]
        for year in years:
            self.accept(agent, BATCH, batch(block([year[0]], {0: [year[1]]})))
        self.assertEqual(status(self.collector)["samples_odd"], len(years))
        self.assertEqual(self.n_samples("hostile"), self.expected.total() + len(years))
        for _ in range(2):
            self.assertEqual(self.rows("hostile"), self.expected | self.odd_rows(years))
            self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        self.check_honest()

    def odd_rows(self, samples):
        return collections.Counter((when, "hostile", "m", value.hex()) for when, value in samples)

    def test_batches_at_the_limits(self):
        agent = self.agent()
        n = 0
        # 74, 77: one series, 65 536 times, all the same
        self.accept(agent, BATCH, batch(block([BASE_US] * 65536, {0: same(1.0)}, CONSTANT)))
        n += 65536
        self.assertEqual(self.n_samples("hostile"), n)
        # 78: of 65 535 series in one frame a byte each for id, encoding, length, scale and value is too much
        for first in range(2, 52002, 6500):
            agent.declare(*((UNKNOWN, "", f'w{{n="{i}"}}') for i in range(first, first + 6500)))
        column = b"\0" + number(2) + b"\0" + signed(7)
        self.accept(agent, BATCH, batch(block([BASE_US], {i: column for i in range(2, 52002)})))
        n += 52000
        self.assertEqual(self.n_samples("hostile"), n)
        # 10: the longest frame; and one byte more, which is 11
        body, more = self.padded(FRAME_MAX_BYTES - HEADER_BYTES)
        self.accept(agent, BATCH, body)
        self.assertEqual(len(agent.messages[-1]), FRAME_MAX_BYTES)
        n += more
        self.assertEqual(self.n_samples("hostile"), n)
        self.refuse("11 one byte more", "frame_length", agent.wire, header(BATCH, FRAME_MAX_BYTES - HEADER_BYTES + 1, 0))
        # 86: all that may be gone at once, in the first message
        agent = self.agent(is_open=False)
        agent.connect(self.port)
        agent.skip(GAP_MAX, gap(1))
        agent.wire.send(agent.messages[-1])
        self.assertEqual(agent.wire.ack(), GAP_MAX)
        agent.wire.send(agent.add(CLOCK, clock()))
        self.assertEqual(agent.wire.ack(), GAP_MAX + 1)
        # the longest schedule there can be, and one of nothing
        names = (f"{i:07}{'m' * 193}" for i in range((FRAME_MAX_BYTES - HEADER_BYTES - STAMP_BYTES - 8) // 210))
        agent.wire.send(agent.add(SCHEDULE, schedule(*((1 << 53, name) for name in names))))
        self.assertEqual(agent.wire.ack(), GAP_MAX + 2)
        agent.wire.send(agent.add(SCHEDULE, schedule()))
        self.assertEqual(agent.wire.ack(), GAP_MAX + 3)
        # 88
        agent = self.agent("clocks")
        for _ in range(2000):
            agent.add(CLOCK, clock(3, change=1000000))
        agent.deliver()
        self.check_honest()

    def test_a_flood_of_series(self):
        """82: a series costs little, and there are only so many in an epoch."""
        n = SERIES_MAX if os.environ.get("HM_TORTURE") else 1 << 16
        agent = self.agent()
        for first in range(2, n, 8192):
            agent.declare(*((UNKNOWN, "", f'w{{n="{i}"}}') for i in range(first, min(first + 8192, n))))
        before = load.memory_kib(self.collector.pid)["Pss"]
        agent.deliver()
        if not os.environ.get("HM_SAN"):
            self.assertLess((load.memory_kib(self.collector.pid)["Pss"] - before) * 1024 / n, 256)
        for i in range(2):
            body = batch(block([BASE_US + i], {2: [1.0], n - 1: [2.0]}))
            self.accept(agent, BATCH, body, **{'w{n="2"}': [(BASE_US + i, 1)], f'w{{n="{n - 1}"}}': [(BASE_US + i, 2)]})
            self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        self.assertEqual(self.rows("hostile"), self.expected)
        if n == SERIES_MAX:
            self.refuse("82 one more", "too_many_series", agent.wire, agent.make(DECLARE, declare(n, [(UNKNOWN, "", "x")])))
        self.check_honest()

    def padded(self, length):
        """Blocks that fill a message to its last byte, and how many samples they have."""
        def of(n, width):
            return batch(block([BASE_US] * n, {0: values([0.5] * n, width)}, CONSTANT))
        left = length - STAMP_BYTES
        for n in range(left // 8, 0, -1):
            # A value of eight bytes each; then one of as many as are left, which need not be used.
            body = of(n, 64)
            for width in range(0, 72, 8):
                last = of(1, width)
                if len(body) + len(last) == left:
                    return body + last, n + 1
        raise AssertionError("it cannot be filled")


if __name__ == "__main__":
    unittest.main()
