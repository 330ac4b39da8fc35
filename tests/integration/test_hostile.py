# SPDX-License-Identifier: MIT
"""What no agent would send, on the native protocol: which reason comes back, what is counted, what is kept.

An honest agent works beside each test: its messages are acknowledged within a second, and its samples are all there.

The numbers are those of the list of hostile inputs. Of its parts "Framing" and "Batch" there is not here:
* 83 (names that collide in a hash without a key): the key is random, so none can be made: tests/unit/collector/hash.c.
* 84 (nesting): nothing of the protocol is nested.
* 29 for ten minutes: ten seconds are what the protocol gives, and what is waited for.
* 32 with 10 000 connections, 82 with 10^6 series: 100 and 65 536, but with HM_TORTURE=1.
31 meets lines of text: the port speaks neither HTTP nor TLS. So all of "Login/TLS" waits for TLS, but for 46 (two sessions:
test_native.py).
"""

import collections
import os
import random
import socket
import threading
import time
import unittest

import native
from hostile import DECLARED, SECOND_US, Hostile
from native import (BASE_US, BATCH, BYE, HEADER_BYTES, HELLO, LOGIN_MAX_BYTES, NONE_US, STAMP_BYTES, WELCOME, batch, block,
                    frame, header, hello, stamp)
from support import PATIENCE, status, wait_until


class Framing(Hostile):
    def test_frames_before_hello(self):
        agent = self.agent(is_open=False)
        whole = agent.hello()
        n = len(whole) - HEADER_BYTES
        crc = native.crc32c(whole[HEADER_BYTES:])
        most = LOGIN_MAX_BYTES - HEADER_BYTES
        long = stamp(agent.host, agent.epoch, 1) + bytes(most - STAMP_BYTES)
        cases = [
            ("3 wrong magic", "frame_magic", header(HELLO, n, crc, b"\xfahmx")),
            ("3 a first byte, and text", "frame_magic", b"\xfa 1 2 3\n"),
            ("4 an old version", "frame_version", header(HELLO, n, crc, version=0)),
            ("5 the next version", "frame_version", header(HELLO, n, crc, version=2)),
            ("5 a far version", "frame_version", header(HELLO, n, crc, version=255)),
            ("6 an unknown type", "frame_type", header(11, n, crc)),
            ("7 type 0", "frame_type", header(0, n, crc)),
            ("7 type 255", "frame_type", header(255, n, crc)),
            ("reserved bytes", "frame_reserved", header(HELLO, n, crc, reserved=256)),
            ("8 length 0", "frame_length", header(HELLO, 0, 0)),
            ("9 length 1", "frame_length", header(HELLO, 1, crc)),
            ("length 64", "frame_length", header(HELLO, 64, crc)),
            ("length 329", "frame_length", header(HELLO, 329, crc)),
            ("10 the longest before WELCOME", "out_of_turn", frame(BATCH, long)),
            ("11 one more", "frame_length", header(BATCH, most + 1, crc)),
            ("12 0x7fffffff", "frame_length", header(BATCH, 0x7fffffff, crc)),
            ("13 0x80000000", "frame_length", header(BATCH, 0x80000000, crc)),
            ("14 0xffffffff", "frame_length", header(BATCH, 0xffffffff, crc)),
            ("16 less than there is", "bad_message", frame(HELLO, whole[HEADER_BYTES:-1])),
            ("16 what is behind it", "frame_magic", whole + b"trailing"),
            ("17 checksum of the header", "frame_header_checksum", header(HELLO, n, crc, crc=1) + whole[HEADER_BYTES:]),
            ("18 checksum of the payload", "frame_checksum", header(HELLO, n, crc ^ 1) + whole[HEADER_BYTES:]),
            ("19 header's checksum 0", "frame_header_checksum", header(HELLO, n, crc, crc=0) + whole[HEADER_BYTES:]),
            ("19 payload's checksum 0", "frame_checksum", header(HELLO, n, 0) + whole[HEADER_BYTES:]),
            ("20 a good checksum of a wrong length", "frame_checksum", header(HELLO, n + 1, crc) + whole[HEADER_BYTES:] * 2),
            ("a second HELLO", "out_of_turn", whole * 2),
            ("what a collector sends", "out_of_turn", frame(WELCOME, bytes(48))),
            ("75 boot of zeros", "bad_id", agent.hello(boot=bytes(16))),
            ("host of zeros", "bad_id", frame(HELLO, hello(bytes(16), agent.epoch))),
            ("epoch of zeros", "bad_id", frame(HELLO, hello(agent.host, bytes(16)))),
            ("no time", "bad_time", agent.hello(clock=NONE_US)),
        ]
        for name in (b"", b"a\0b", b"a\nb", b"\x1b[31mred", b"\xc0\xaf", b"\xff", b"x" * 201):
            cases.append((f"93 host {name[:9]}", "bad_name", frame(HELLO, hello(agent.host, agent.epoch, name))))
        for name, reason, data in cases:
            self.refuse(name, reason, self.wire(), data)
        self.check_honest()

    def test_connections_that_end_early(self):
        before = self.counts()
        self.wire().close()  # 1
        self.wire().reset()
        agent = self.agent(is_open=False)
        for name, data in (("15 a header", agent.hello()[:19]), ("15 a payload", agent.hello()[:-1])):
            with self.subTest(name):
                wire = self.wire()
                counts = self.counts()
                wire.send(data)
                wire.half_close()
                self.ends(name, "frame_cut", wire, counts)
        before["closed_frame_cut"] += 2
        agent = self.agent()
        again = agent.messages[0]
        for name, n_bytes in (("25 RST within a header", 7), ("26 RST within a payload", 60)):
            with self.subTest(name):
                # The ACK says that the collector has read what came with it.
                agent.wire.send(again + again[:n_bytes])
                self.assertEqual(agent.wire.ack(), 1)
                agent.wire.reset()
                before["closed_frame_cut"] += 1
                wait_until(lambda: self.counts() == before, 5, "it is counted")
                agent.connect(self.port)
        with self.subTest("27 half-close"):
            agent.wire.send(agent.add(BATCH, batch(block([BASE_US], {0: [1.0]}))))
            agent.wire.half_close()
            self.assertEqual((agent.wire.ack(), agent.wire.closed()), (2, "closed"))
        self.assertEqual(self.counts(), before)
        self.check_honest()

    def test_frames_that_come_in_pieces_or_many_at_once(self):
        agent = self.agent(is_open=False)
        for split in range(1, HEADER_BYTES):  # 21
            wire = self.wire()
            wire.send(agent.hello()[:split])
            time.sleep(0.002)
            wire.send(agent.hello()[split:])
            self.assertEqual(wire.welcome().durable, 0)
            wire.send(frame(BYE, native.end()))
            wire.closed()
        wire = self.wire()  # 30: the last byte is urgent
        wire.send(agent.hello()[:-1])
        wire.socket.send(agent.hello()[-1:], socket.MSG_OOB)
        self.assertEqual(wire.welcome().durable, 0)
        wire.close()

        agent.declare(*DECLARED)
        agent.add(BATCH, batch(block([BASE_US], {0: [1.0]})))
        agent.connect(self.port)
        agent.wire.send(b"".join(agent.messages))  # 23
        while agent.acknowledged < 2:
            agent.hear(2)
        # 24: of the same frame a thousand are nothing
        before = self.counts()
        agent.wire.send(agent.messages[1] * 1000)
        self.assertEqual(agent.wire.ack(), 2)
        agent.wire.close()
        self.assertEqual(self.counts(), before)
        # 24: of new ones only so many as WELCOME said may wait
        agent.connect(self.port)
        for i in range(1000):
            agent.add(BATCH, batch(block([BASE_US + (i + 1) * SECOND_US], {0: [float(i)]})))
        self.refuse("24 a thousand frames", "out_of_turn", agent.wire, b"".join(agent.messages[2:]))
        self.assertLessEqual(agent.connect(self.port).durable, 2 + agent.welcome.max_unacked)
        agent.deliver()
        self.assertEqual(self.rows("hostile"), collections.Counter(
            (BASE_US + i * SECOND_US, "hostile", "m", float(max(i - 1, i == 0)).hex()) for i in range(1001)))
        self.check_honest()

    def test_what_is_not_of_the_protocol(self):
        n = 10000 if os.environ.get("HM_TORTURE") else 100
        chooser = random.Random(3)
        before = self.counts()
        for _ in range(n):  # 32
            wire = self.wire()
            wire.send(b"\xfa" + chooser.randbytes(65535))
            self.assertEqual(wire.end().reason, "frame_magic")
            wire.close()
        wait_until(lambda: (self.counts() - before)["closed_frame_magic"] == n, 5, "all are counted")
        for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"SSH-2.0-OpenSSH_9.9\r\n",
                     b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03" + bytes(200) + b"\n"):  # 31
            n_rejected = status(self.collector)["lines_rejected"]
            wire = self.wire()
            wire.send(data)
            wire.half_close()
            self.assertEqual(wire.closed(), "closed")
            self.assertGreater(status(self.collector)["lines_rejected"], n_rejected, data)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for _ in range(10):
                udp.sendto(chooser.randbytes(65000), ("127.0.0.1", self.port))
        wait_until(lambda: status(self.collector)["udp_datagrams"] == 10, 5, "they came")
        self.assertEqual(status(self.collector)["hosts"], 1)
        self.check_honest()

    def flood(self, agent, until):
        """Ask for an ACK, again and again, and read none."""
        try:
            while time.monotonic() < until:
                agent.wire.send(agent.messages[0])
                time.sleep(0.0002)
        except OSError:
            pass

    def test_who_is_slow_is_let_go(self):
        began = time.monotonic()
        before = self.counts()
        agents = {name: self.agent(name) for name in ("drip", "flood", "shut")}
        silent, dripping = self.wire(), self.wire()
        silent.send(b"\xfa")  # 2
        for name in ("flood", "shut"):  # 28, 29
            agents[name].wire.close()
            agents[name].connect(self.port, receive_bytes=2048)
            agents[name].wire.socket.settimeout(0.2)
        whole = agents["drip"].hello()
        floods = [threading.Thread(target=self.flood, args=(agents[name], began + seconds))
                  for name, seconds in (("flood", 11), ("shut", 2 * PATIENCE))]
        for flood in floods:
            flood.start()
        for second in range(1, 12):  # 22
            for wire, data in ((dripping, whole), (agents["drip"].wire, agents["drip"].messages[0])):
                try:
                    wire.send(data[second - 1:second])
                except OSError:
                    pass
            time.sleep(max(0, began + second - time.monotonic()))
        for flood in floods:
            flood.join()
        for wire in (silent, dripping, agents["drip"].wire):
            end = wire.end()
            self.assertEqual((end.kind, end.reason, end.wait_ms), (native.ERROR, "too_slow", 1000))
            wire.close()
        wanted = {"closed_too_slow": 3, "closed_not_reading": 2}
        wait_until(lambda: self.counts() - before == wanted, 5 * PATIENCE, f"{wanted}: {self.counts() - before}")
        self.check_honest()


if __name__ == "__main__":
    unittest.main()
