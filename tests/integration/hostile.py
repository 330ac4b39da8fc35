# SPDX-License-Identifier: MIT
"""For tests of hostile agents: what each does, and an honest one beside it."""

import collections
import random
import threading
import time

import native
from ledger import parse
from native import BASE_US, COUNTER, GAUGE, Agent, Sender, Wire, ident, number, signed
from support import PATIENCE, Case, ctl, status, wait_until

ACK_MAX_SECONDS = 1
SECOND_US = 1000000
# A column of times that are all the same.
CONSTANT = b"\0" + number(len(signed(BASE_US))) + signed(BASE_US)
# The series of every epoch: 0 and 1.
DECLARED = ((GAUGE, "", "m"), (COUNTER, "bytes", "n_total"))


class Honest(threading.Thread):
    """An agent that sends a batch twenty times a second, and takes the time until each is acknowledged."""

    def __init__(self, port):
        super().__init__()
        self.sender = Sender("honest")
        self.sender.begin()
        self.sender.connect(port)
        self.is_over = threading.Event()
        self.longest = 0
        self.problem = None

    def run(self):
        chooser = random.Random(1)
        try:
            while not self.is_over.wait(0.05):
                self.sender.tick(chooser)
                begin = time.monotonic()
                self.sender.deliver()
                self.longest = max(self.longest, time.monotonic() - begin)
        except (native.Closed, native.ProtocolError, OSError) as error:
            self.problem = repr(error)


class Hostile(Case):
    def setUp(self):
        super().setUp()
        self.collector = self.start_collector()
        self.port = self.collector.port
        self.honest = Honest(self.port)
        self.honest.start()
        self.n_agents = 0
        self.wires = []
        self.expected = collections.Counter()

    def tearDown(self):
        self.honest.is_over.set()
        self.honest.join()
        for wire in self.wires:
            wire.close()
        self.honest.sender.wire.close()
        super().tearDown()

    def check_honest(self):
        """And what was stored of others."""
        wait_until(lambda: self.honest.problem or self.honest.sender.acknowledged > 2, 10,
                   "the honest agent's ACKs")
        self.honest.is_over.set()
        self.honest.join()
        self.assertIsNone(self.honest.problem)
        self.assertGreater(self.honest.sender.acknowledged, 2)
        self.assertLess(self.honest.longest, ACK_MAX_SECONDS * PATIENCE)
        self.assertEqual(self.rows("honest"), self.honest.sender.rows)
        self.assertIsNone(self.collector.process.poll())

    def rows(self, host):
        result = ctl("--socket", self.collector.socket, "query", "*", "--all", "-o", "plain", "--host", host)
        self.assertEqual(result.err, "")
        return parse(result.out)

    def counts(self):
        state = status(self.collector)
        found = {key: value for key, value in state.items() if key.startswith(("closed_", "rejected_"))
                 and not key.endswith("_example")}
        return collections.Counter(found)

    def agent(self, name="hostile", is_open=True):
        """Another epoch of the hostile host; its two series are declared."""
        self.n_agents += 1
        agent = Agent(ident(name), ident(name, self.n_agents), name)
        if is_open:
            agent.connect(self.port)
            self.wires.append(agent.wire)
            agent.declare(*DECLARED)
            agent.deliver()
        return agent

    def wire(self, receive_bytes=0):
        wire = Wire(self.port, receive_bytes)
        self.wires.append(wire)
        return wire

    def refuse(self, name, reason, wire, data):
        """Send it: this ERROR comes back, the connection is closed, and that is counted once."""
        with self.subTest(name):
            before = self.counts()
            wire.send(data)
            self.ends(name, reason, wire, before)

    def ends(self, name, reason, wire, before):
        end = wire.end()
        self.assertEqual((end.kind, end.reason, bool(end.words)), (native.ERROR, reason, True), name)
        self.assertEqual(end.wait_ms, 1000 if reason in ("sequence_ahead", "too_slow") else 60000)
        wire.close()
        wait_until(lambda: self.counts() != before, 5, f"{name}: it is counted")
        self.assertEqual(self.counts() - before, {f"closed_{reason}": 1}, name)

    def accept(self, agent, kind, body, **samples):
        """It is acknowledged. @param samples  {series: [(microseconds, value), ...]} that are there then"""
        agent.add(kind, body)
        agent.deliver()
        for series, column in samples.items():
            for when, value in column:
                self.expected[when, agent.name, series, float(value).hex()] += 1

    def n_samples(self, host):
        listed = ctl("--socket", self.collector.socket, "list-hosts", "-o", "json").json()
        return {row["host"]: row["samples"] for row in listed}.get(host, 0)
