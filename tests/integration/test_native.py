# SPDX-License-Identifier: MIT
"""The native protocol, spoken to a live collector: what is acknowledged is there, once, and as it was sent."""

import collections
import copy
import os
import random
import shutil
import signal
import struct
import threading
import time
import unittest

import load
import native
import store_block
import store_log
from ledger import parse
from native import BASE_US, SERIES, Agent, Sender, Wire, ident
from support import PATIENCE, Case, ctl, status, wait_until

# A connection of an agent that is idle, without TLS.
IDLE_MAX_BYTES = 12 * 1024


class Native(Case):
    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 32)
        self.chooser = random.Random(self.seed)

    def sender(self, name="web01", n_batches=0):
        sender = Sender(name)
        sender.begin()
        for _ in range(n_batches):
            sender.tick(self.chooser)
        return sender

    def found(self, collector, *arguments):
        result = ctl("--socket", collector.socket, "query", "*", "--all", "-o", "plain", *arguments)
        self.assertEqual(result.err, "")
        return parse(result.out)

    def check(self, collector, *senders):
        """All samples of the senders are there once, and nothing else is; in files, too."""
        wanted = sum((sender.rows for sender in senders), collections.Counter())
        for _ in range(2):
            found = self.found(collector)
            self.assertEqual(sorted(wanted - found)[:3], [], f"lost, seed {self.seed}")
            self.assertEqual(sorted(found - wanted)[:3], [], f"doubled or altered, seed {self.seed}")
            self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)

    def check_store(self, *senders):
        """What another program reads in the store of a collector that has ended."""
        wanted = sum((sender.rows for sender in senders), collections.Counter())
        in_files, in_log = store_log.read_store(self.path("store"))
        found = collections.Counter((when, host, metric + labels, value.hex())
                                    for host, metric, labels, when, value in in_files + in_log)
        self.assertEqual(found, wanted)
        wanted = sum((sender.absences for sender in senders), collections.Counter())
        in_files, in_log = store_log.read_store(self.path("store"), store_block.decode_absences)
        found = collections.Counter((when, host, metric + labels, reason)
                                    for host, metric, labels, when, reason in in_files + in_log)
        self.assertEqual(found, wanted)
        agents = store_log.read_agents(self.path("store"))
        for sender in senders:
            self.assertEqual(agents[sender.name].marks[sender.epoch], (len(sender.messages), sender.crcs[-1]))
        checked = ctl("check", self.path("store"))
        self.assertEqual(checked.code, 0, checked.out + checked.err)

    # -- an honest session ------------------------------------------------------------------------

    def test_samples_of_a_session_are_read_back_once(self):
        collector = self.start_collector()
        sender = self.sender(n_batches=40)

        welcome = sender.connect(collector.port)
        self.assertEqual((welcome.durable, welcome.crc, welcome.n_series, welcome.max_unacked), (0, 0, 0, 32))
        sender.deliver()

        self.assertEqual(sender.acknowledged, 42)
        self.check(collector, sender)
        listed = ctl("--socket", collector.socket, "list-metrics", "-o", "json").json()
        self.assertEqual([(row["host"], row["series"], row["kind"], row["unit"]) for row in listed],
                         [("web01", SERIES[1][2], "counter", "seconds"), ("web01", SERIES[0][2], "gauge", "")])
        sender.leave()
        state = status(collector)
        self.assertEqual([key for key in state if key.startswith(("closed_", "rejected_"))], [])
        self.assertEqual(state["lines_accepted"], sender.rows.total())

    def test_reasons_are_kept_and_are_no_samples(self):
        """Of ticks at which no series has a sample, too; and of a series that never has one."""
        collector = self.start_collector()
        sender = self.sender()
        sender.connect(collector.port)
        for i in range(20):
            at = [BASE_US + (10 * i + second) * 1000000 for second in range(10)]
            columns = {0: [None] * 10, 1: [None] * 10 if i % 2 else [2.5] * 5 + [None] * 5}
            for number, column in columns.items():
                for when, value in zip(at, column):
                    counted = sender.rows if value else sender.absences
                    counted[when, sender.name, SERIES[number][2], value.hex() if value else 10] += 1
            sender.add(native.BATCH, native.batch(native.block(at, columns)))
        sender.deliver()
        for _ in range(2):
            self.check(collector, sender)
            listed = {row["series"]: row for row in
                      ctl("--socket", collector.socket, "list-metrics", "-o", "json").json()}
            self.assertIsNone(listed[SERIES[0][2]]["value"])
            self.assertEqual(listed[SERIES[1][2]]["time"], (BASE_US // 1000000 + 184))
            counted = ctl("--socket", collector.socket, "list-hosts", "-o", "json").json()
            self.assertEqual([row["samples"] for row in counted if row["host"] == sender.name], [50])
            self.assertEqual(collector.stop()[0], 0)
            self.check_store(sender)
            collector = self.start_collector()

    def test_a_session_goes_on_where_the_one_before_ended(self):
        collector = self.start_collector()
        sender = self.sender(n_batches=5)
        sender.connect(collector.port)
        sender.deliver()
        sender.leave()
        for _ in range(5):
            sender.tick(self.chooser)

        welcome = sender.connect(collector.port)
        self.assertEqual((welcome.durable, welcome.n_series), (7, 2))
        sender.deliver()
        sender.wire.reset()
        wait_until(lambda: status(collector)["connections"] == 0, 5, "the session has ended")

        # All of it once more: what is there already is acknowledged again, and not stored again.
        welcome = sender.connect(collector.port)
        self.assertEqual((welcome.durable, welcome.crc, welcome.n_series), (12, sender.crcs[12], 2))
        for message in sender.messages:
            sender.wire.send(message)
            self.assertEqual(sender.wire.ack(), 12)
        sender.leave()
        self.check(collector, sender)
        self.assertEqual(collector.stop()[0], 0)
        self.check_store(sender)

    def test_an_ack_is_told_of_what_is_in_the_log(self):
        """A copy of the store is taken as soon as each ACK is read: it has all of it."""
        collector = self.start_collector("--config", self.write("small.conf", "[collector]\nlog_segment_mib = 1\n"))
        sender = self.sender(n_batches=2)
        sender.connect(collector.port)
        sender.deliver()
        for i in range(5):
            sender.tick(self.chooser)
            sender.deliver()
            shutil.copytree(self.path("store"), self.path(f"copy{i}"), ignore=shutil.ignore_patterns("reserve"))
            in_files, in_log = store_log.read_store(self.path(f"copy{i}"))
            self.assertEqual(len(in_files) + len(in_log), sender.rows.total())
            marks = store_log.read_agents(self.path(f"copy{i}"))["web01"].marks
            self.assertEqual(marks, {sender.epoch: (sender.acknowledged, sender.crcs[sender.acknowledged])})

    def test_a_stopping_collector_acknowledges_what_it_has_and_says_bye(self):
        collector = self.start_collector()
        sender = self.sender(n_batches=30)
        sender.connect(collector.port)
        sender.wire.send(b"".join(sender.messages))
        time.sleep(self.chooser.random() * 0.01)
        collector.process.send_signal(signal.SIGTERM)
        with self.assertRaisesRegex(native.Refused, "stopping"):
            while True:
                sender.hear(len(sender.messages))
        sender.wire.closed()
        sender.wire.close()
        self.assertEqual(collector.stop()[0], 0)
        # What it had, and could not say any more, it has.
        collector = self.start_collector()
        sender.connect(collector.port)
        sender.deliver()
        sender.leave()
        self.assertEqual(collector.stop()[0], 0)
        self.check_store(sender)

    def test_a_store_that_was_removed_is_filled_again(self):
        collector = self.start_collector()
        sender = self.sender(n_batches=20)
        before = sender.connect(collector.port)
        sender.deliver()
        self.assertEqual(collector.stop(signal.SIGKILL)[0], -signal.SIGKILL)
        shutil.rmtree(self.path("store"))

        collector = self.start_collector()
        # It was told of more than there is now: the collector went back, and the agent goes by WELCOME.
        sender.acknowledged = 0
        after = sender.connect(collector.port)
        self.assertNotEqual(after.store, before.store)
        self.assertEqual((after.durable, after.crc, after.n_series), (0, 0, 0))
        sender.deliver()
        sender.leave()
        self.check(collector, sender)
        self.assertEqual(collector.stop()[0], 0)
        self.check_store(sender)

    # -- kill -9 ----------------------------------------------------------------------------------

    def live(self, sender, port, chooser, is_last):
        """Send, and be cut off, until all is acknowledged and no kill is to come."""
        while not (is_last.is_set() and sender.acknowledged == len(sender.messages)):
            try:
                sender.connect(port)
                self.seen_marks.add(sender.acknowledged)
                while not is_last.is_set():
                    for _ in range(chooser.randrange(1, 40)):
                        sender.tick(chooser)
                    sender.deliver()
                    time.sleep(chooser.random() * 0.05)
                sender.deliver()
                sender.leave()
            except (native.Closed, OSError):
                sender.wire.close()
                time.sleep(0.01)
            except native.ProtocolError as error:
                self.problems.append(f"{sender.name}: {error}")
                return

    def test_kills_lose_double_and_alter_nothing(self):
        collector = self.start_collector()
        port = collector.port
        senders = [self.sender(f"web{i}") for i in range(4)]
        is_last = threading.Event()
        self.problems, self.seen_marks = [], set()
        threads = [threading.Thread(target=self.live, args=(sender, port, random.Random(self.chooser.random()), is_last))
                   for sender in senders]
        for thread in threads:
            thread.start()
        try:
            for _ in range(200 if os.environ.get("HM_TORTURE") else 10):
                time.sleep(self.chooser.uniform(0, 0.2))
                # Some of them in the midst of a checkpoint.
                flush = threading.Thread(target=ctl, args=("--socket", collector.socket, "flush"))
                flush.start()
                time.sleep(self.chooser.uniform(0, 0.1))
                collector.stop(signal.SIGKILL)
                flush.join()
                collector = self.start_collector(listen=f"127.0.0.1:{port}")
        finally:
            is_last.set()
            for thread in threads:
                thread.join(60 * PATIENCE)
        self.assertEqual(self.problems, [], f"seed {self.seed}")
        self.assertEqual([thread for thread in threads if thread.is_alive()], [])
        self.assertEqual([sender.acknowledged for sender in senders], [len(sender.messages) for sender in senders])
        self.assertGreater(len(self.seen_marks), 10)
        self.check(collector, *senders)
        self.assertEqual(status(collector)["damaged_ranges"], 0)
        self.assertEqual(collector.stop()[0], 0)
        self.check_store(*senders)

    # -- cuts -------------------------------------------------------------------------------------

    def example(self, epoch):
        """The agent of docs/protocol.md, in some epoch."""
        frames = [(kind, payload) for is_agents, kind, payload in native.example() if is_agents]
        agent = Agent(b"\x11" * 16, epoch, "web01")
        for kind, payload in frames[1:-1]:
            sequence, = struct.unpack_from("<Q", payload, 17)
            body = payload[native.STAMP_BYTES:]
            agent.skip(sequence - len(agent.messages), body) if kind == native.GAP else agent.add(kind, body)
        agent.whole = agent.hello() + b"".join(agent.messages) + native.frame(*frames[-1])
        return agent

    def rows_of_example(self, n):
        columns = {SERIES[0][2]: (0.25, 0.25, 0.5), SERIES[1][2]: (100.5, 101.25)}
        return collections.Counter({(BASE_US + i * 1000000, "web01", series, value.hex()): n
                                    for series, column in columns.items() for i, value in enumerate(column)})

    def test_the_example_of_the_page_is_what_is_said(self):
        collector = self.start_collector()
        agent = self.example(b"\x22" * 16)
        frames = native.example()
        self.assertEqual(agent.whole, b"".join(native.frame(*frame[1:]) for frame in frames if frame[0]))

        wire = Wire(collector.port)
        for is_agents, kind, payload in frames:
            if is_agents:
                wire.send(native.frame(kind, payload))
            elif kind == native.WELCOME:
                self.assertEqual(wire.expect(kind)[16:36], payload[16:36])
            else:
                last, = struct.unpack("<Q", payload)
                while wire.ack() != last:
                    pass
        wire.closed()
        wire.close()
        self.assertEqual(self.found(collector), self.rows_of_example(1))

    def cut_at(self, port, agent, cut):
        """A session that is reset behind so many bytes; the next one sends the rest, split at the same place."""
        first = Wire(port)
        first.send(agent.whole[:cut])
        if cut >= len(agent.hello()) and cut % 2:
            first.welcome()
        first.reset()
        agent.connect(port)
        rest = b"".join(agent.messages[agent.acknowledged:])
        split = cut % (len(rest) or 1)
        agent.wire.send(rest[:split])
        agent.wire.send(rest[split:])
        while agent.acknowledged < len(agent.messages):
            agent.hear(len(agent.messages))
        agent.leave()

    def test_a_session_that_is_cut_at_any_byte_is_gone_on_with(self):
        collector = self.start_collector()
        length = len(self.example(ident(0)).whole)
        agents = [self.example(ident("cut", cut)) for cut in range(length + 1)]
        problems = []

        def run(share):
            for cut in range(share, len(agents), 8):
                try:
                    self.cut_at(collector.port, agents[cut], cut)
                except (native.ProtocolError, native.Closed, OSError) as error:
                    problems.append(f"cut at {cut}: {error!r}")
        threads = [threading.Thread(target=run, args=(share,)) for share in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60 * PATIENCE)
        self.assertEqual(problems[:3], [])
        self.assertEqual(self.found(collector), self.rows_of_example(len(agents)))
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        self.assertEqual(self.found(collector), self.rows_of_example(len(agents)))

    # -- two sessions of one epoch ----------------------------------------------------------------

    def test_the_newer_session_of_an_epoch_stays(self):
        collector = self.start_collector()
        sender = self.sender(n_batches=2)
        sender.connect(collector.port)
        sender.deliver()
        stored = self.found(collector)
        older = sender.wire

        sender.connect(collector.port)
        end = older.end()
        self.assertEqual((end.kind, end.reason, end.wait_ms), (native.ERROR, "replaced", 60000))
        older.send(sender.tick(self.chooser))
        time.sleep(0.05)
        self.assertEqual(self.found(collector), stored)
        older.close()
        wait_until(lambda: status(collector).get("closed_replaced") == 1, 5, "it is counted")
        sender.deliver()
        sender.leave()
        self.check(collector, sender)

    def race(self, sender, port, n_turns, chooser):
        """Send some of it again and again; the others do so at the same time."""
        mine = copy.copy(sender)
        for _ in range(n_turns):
            try:
                mine.acknowledged = 0
                mine.connect(port)
                upto = min(len(mine.messages), mine.acknowledged + chooser.randrange(1, 33))
                mine.wire.send(b"".join(mine.messages[mine.acknowledged:upto]))
                while mine.acknowledged < upto:
                    mine.hear(upto)
            except native.Refused as refused:
                self.reasons[str(refused)] += 1
            except (native.Closed, native.ProtocolError) as error:
                self.reasons[repr(error)] += 1
            finally:
                mine.wire.close()

    def test_sessions_that_replace_each_other_double_nothing(self):
        collector = self.start_collector()
        sender = self.sender(n_batches=300)
        self.reasons = collections.Counter()
        threads = [threading.Thread(target=self.race, args=(sender, collector.port, 40, random.Random(i)))
                   for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60 * PATIENCE)
        sender.connect(collector.port)
        sender.deliver()
        sender.leave()
        self.check(collector, sender)
        self.assertGreater(self.reasons.pop("replaced"), 0)
        self.assertEqual(self.reasons, {})
        self.assertEqual(collector.stop()[0], 0)
        self.check_store(sender)

    # -- memory -----------------------------------------------------------------------------------

    def test_an_idle_agent_takes_little_memory(self):
        collector = self.start_collector()
        self.sender("warm").connect(collector.port)
        n = 1000
        before = load.memory_kib(collector.pid)["Pss"]
        senders = [Sender(f"idle{i}") for i in range(n)]
        for sender in senders:
            sender.connect(collector.port)
        after = load.memory_kib(collector.pid)["Pss"]
        for sender in senders:
            sender.wire.close()
        if not os.environ.get("HM_SAN"):
            self.assertLessEqual((after - before) * 1024 / n, IDLE_MAX_BYTES)


if __name__ == "__main__":
    unittest.main()
