# SPDX-License-Identifier: MIT
"""`agentctl why`: each hole has its reason, the same before and after a checkpoint and a restart."""

import datetime
import os
import time
import unittest

import native
from asking import Asking
from story import (FAILED, GONE, HELD_UP, INTERVAL, LOST, OTHER_BOOT, QUOTA, RESUMED, SPOOL_ACKED, SPOOL_FULL, STEPPED,
                   STOPPED, STUCK, Story)
from support import ctl, query, wait_until


class Why(Asking):
    def test_every_reason_that_an_agent_tells(self):
        agent = Story("web01", self.begin)
        agent.begin(5)
        agent.ticks(10, 100, {1: {50: FAILED, 60: FAILED, 80: STUCK}})
        agent.ticks(110, 200, {2: {150: GONE}}, ids=(0, 1, 2))
        agent.clock(STOPPED, 203)
        agent.begin(385)
        agent.ticks(390, 450)
        agent.gap(460, 600, SPOOL_FULL)
        agent.ticks(610, 650)
        agent.clock(RESUMED, 921, 268)
        agent.ticks(930, 980)
        agent.clock(STEPPED, 1601, 618)
        agent.ticks(1610, 1650)
        agent.clock(HELD_UP, 1699, 45)
        agent.ticks(1700, 1750)
        agent.clock(LOST, 1799, 45)
        agent.ticks(1800, 1850)
        agent.begin(1935)  # kill -9
        agent.ticks(1940, 2000)
        agent.boot, agent.boot_at = OTHER_BOOT, 2070
        agent.begin(2095)
        agent.ticks(2100, 2200)
        agent.schedule(2205, "node_load1")
        agent.ticks(2210, 2300, ids=(0,))
        agent.schedule(2305, "node_load1", "node_temp")
        agent.ticks(2310, 2400, {2: {2330: QUOTA}})
        agent.send(self.collector)
        self.expect([
            (40, 70, "source_failed", 'node_temp{zone="0"}'),
            (70, 90, "source_stuck", 'node_temp{zone="0"}'),
            (140, 160, "source_gone", 'node_temp{zone="1"}'),
            (200, 390, "agent_stopped", 3),
            (450, 610, "spool_full", 3),
            (650, 930, "host_slept", 3),
            (980, 1610, "clock_stepped", 3),
            (1650, 1700, "agent_held_up", 3),
            (1750, 1800, "agent_lost", 3),
            (1850, 1940, "agent_killed", 3),
            (2000, 2100, "host_rebooted", 3),
            (2200, 2310, "not_sampled", 2),
            (2320, 2340, "quota", 'node_temp{zone="1"}'),
            (2400, None, "no_contact", 3),
        ], arguments=self.since())

    def small(self):
        """A host whose agent was stopped for a while, and whose latest sample is new."""
        self.begin = int(time.time()) // INTERVAL * INTERVAL - 600
        agent = Story("web01", self.begin)
        agent.begin(5)
        agent.ticks(10, 100, {1: {50: FAILED}})
        agent.clock(STOPPED, 103)
        agent.begin(205)
        agent.ticks(210, 590)
        agent.send(self.collector)

    def sentences(self, *arguments, code=0, zone="UTC0"):
        result = ctl("--socket", self.collector.socket, "why", *arguments, environment={"TZ": zone})
        self.assertEqual(result.code, code, result.err)
        return result.out.splitlines() or result.err.splitlines()

    def clock_of(self, second, hours=0):
        return datetime.datetime.fromtimestamp(self.begin + second + hours * 3600, datetime.timezone.utc)

    def test_sentences_for_people(self):
        self.small()
        now = datetime.datetime.now(datetime.timezone.utc)

        def told(second, hours=0):
            when = self.clock_of(second, hours)
            is_today = when.date() == (now + datetime.timedelta(hours=hours)).date()
            return when.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S")

        def span(first, last, hours=0):
            """The day of the end is left out where it is that of the beginning."""
            begin, end = told(first, hours), told(last, hours)
            return f"{begin} to {end[11:] if begin[:11] == end[:11] and len(end) > 11 else end}"

        self.assertEqual(self.sentences("web01"), [
            f"{span(40, 60)}: its source could not be read (web01, node_temp{{zone=\"0\"}})",
            f"{span(100, 210)}: the agent was stopped (web01, all 3 series)"])
        self.assertEqual(self.sentences("node_load1", zone="XXX-3"), [
            f"{span(100, 210, 3)}: the agent was stopped (web01, node_load1)"])
        self.assertEqual(self.sentences("node_load1", "--utc", zone="XXX-3"),
                         [f"{span(100, 210)}: the agent was stopped (web01, node_load1)"])
        self.assertEqual(self.sentences("node_temp", "--at", self.at(50)), [
            f"{span(40, 60)}: its source could not be read (web01, node_temp{{zone=\"0\"}})",
            f"{told(50)}: there is a sample (web01, node_temp{{zone=\"1\"}})"])
        self.assertEqual(self.sentences("web01", *self.since(210, 580)),
                         ["no holes: every sample that was due is there"])
        self.assertEqual(ctl("--socket", self.collector.socket, "why", "web01", "-o", "json",
                             *self.since(210, 580)).json(), [])
        old = Story("old", self.begin - 10 * 86400)
        old.begin(5)
        old.ticks(10, 100)
        old.begin(205)
        old.ticks(210, 300)
        old.send(self.collector)
        when = self.clock_of(100 - 10 * 86400).strftime("%Y-%m-%d %H:%M:%S")
        lines = self.sentences("old", "--since", "-20d")
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith(when + " to ") and
                        lines[0].endswith(": the agent ended without being told to (old, all 3 series)"), lines[0])
        self.assertTrue(lines[1].endswith(" to now: nothing has come from the agent since (old, all 3 series)"))

    def test_at_one_moment(self):
        self.small()
        hole = (100, 210, "agent_stopped", "node_load1")
        for second in (101, 150, 209):
            self.expect_at(second, hole)
        self.expect_at(10, (10, 10, "sample", "node_load1"))
        self.expect_at(14, (10, 10, "sample", "node_load1"))
        self.expect_at(100, (100, 100, "sample", "node_load1"))
        self.expect_at(210, (210, 210, "sample", "node_load1"))
        self.expect_at(9, (None, 10, "no_data_yet", "node_load1"))
        self.expect_at(-90000, (None, 10, "no_data_yet", "node_load1"))
        self.expect_at(700, (590, 590, "not_due", "node_load1"))

    def expect_at(self, second, expected):
        self.assertEqual(self.holes("node_load1", "--at", self.at(second)), [expected], second)

    def test_what_came_as_text_has_no_interval(self):
        self.small()
        self.send(self.collector.port, f'{self.at(0)} room_temp{{host="room"}} 1\n{self.at(0)} b{{host="web01"}} 1\n')
        wait_until(lambda: query(self.collector, "b"), what="a line is stored")
        words = "it is sent as text: no interval is known, so no hole can be told"
        self.assertEqual(self.sentences("room_temp"), [f"{words} (room, room_temp)"])
        self.assertEqual(self.sentences("room"), [f"{words} (room, room_temp)"])
        self.assertEqual(self.sentences("room_temp", "--at", self.at(5)), [f"{words} (room, room_temp)"])
        # It is none of those that the agent samples.
        self.assertEqual(self.holes("web01", *self.since()), [
            (40, 60, "source_failed", 'node_temp{zone="0"}'), (100, 210, "agent_stopped", 3)])
        self.assertEqual(self.holes("b", *self.since()), [(None, None, "no_interval", "b")])

    def test_who_is_not_there(self):
        self.small()
        result = ctl("--socket", self.collector.socket, "why", "nobody")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertIn("no series matches", result.err)
        for arguments, words in ((("node_load1", "--at", "soon"), "--at soon: not a time"),
                                 (("node_load1", "--at", "now", "--since", "today"), "--at is one moment"),
                                 (("a{b",), "{"), ((), "one word is missing")):
            result = ctl("--socket", self.collector.socket, "why", *arguments)
            self.assertEqual((result.code, result.out), (2, ""), arguments)
            self.assertIn(words, result.err)
        # A host's name is none with --host.
        self.assertEqual(ctl("--socket", self.collector.socket, "why", "web01", "--host", "*").code, 1)

    def test_hosts_are_told_apart(self):
        agents = [Story(name, self.begin) for name in ("a*", "ab", "b")]
        for i, agent in enumerate(agents):
            agent.begin(5)
            agent.ticks(10, 100)
            agent.gap(110, 200 + i * 10, SPOOL_FULL)
            agent.ticks(210 + i * 10, 300)
            agent.send(self.collector)
        rows = ctl("--socket", self.collector.socket, "why", "*", "--host", "a*", "-o", "json", *self.since(0, 290)).json()
        self.assertEqual([(row["host"], self.second(row["to"]), row["n_series"], row["of_series"]) for row in rows],
                         [("a*", 210, 3, 3), ("ab", 220, 3, 3)])
        # The name of a host is no glob.
        self.expect([(100, 210, "spool_full", 3)], "a*", self.since(0, 290))

    def test_what_was_lost_before_the_first_sample_and_what_was_acknowledged_once(self):
        agent = Story("web01", self.begin)
        agent.begin(5)
        agent.gap(10, 200, SPOOL_FULL)
        agent.ticks(210, 300)
        agent.gap(310, 400, SPOOL_ACKED)
        agent.ticks(410, 500)
        agent.send(self.collector)
        self.expect([(10, 210, "spool_full", 3), (300, 410, "spool_acked", 3)], "web01", self.since(0, 490))

    def test_holes_that_are_longer_than_what_is_asked_for_are_told_whole(self):
        self.begin -= 40 * 86400
        agent = Story("web01", self.begin)
        agent.begin(5)
        agent.ticks(10, 100)
        agent.clock(STOPPED, 103)
        agent.begin(30 * 86400 + 5)
        agent.ticks(30 * 86400 + 10, 30 * 86400 + 100)
        agent.send(self.collector)
        self.expect([(100, 30 * 86400 + 10, "agent_stopped", 3)], "web01", ("--at", self.at(15 * 86400)))

    def test_what_fails_or_is_gone_for_long_began_when_it_began(self):
        agent = Story("web01", self.begin - 86400)
        agent.start = self.begin
        agent.begin(5)
        for first in range(10, 7000, 1000):
            agent.ticks(first, first + 990, {0: {s: FAILED for s in range(500, 7000, 10)}, 1: {1000: GONE}},
                        ids=(0, 1, 2) if first < 1000 else (0, 2))
        agent.send(self.collector)
        self.expect([(990, None, "source_gone", 'node_temp{zone="0"}')], 'node_temp{zone="0"}', ("--at", self.at(6000)))
        rows = self.holes("node_load1", "--at", self.at(6000))
        self.assertEqual([row[0] for row in rows], [490])
        self.assertEqual(rows[0][2:], ("source_failed", "node_load1"))

    def test_what_a_person_deleted(self):
        agent = Story("web01", self.begin)
        agent.begin(5)
        agent.ticks(10, 7190)
        agent.send(self.collector)
        for series, since, until in (('node_temp{zone="0"}', 100, 200), ("node_load1", -1000, 300), ("*", 500, 600)):
            self.assertEqual(ctl("--socket", self.collector.socket, "delete", series, "--yes", "--since", self.at(since),
                                 "--until", self.at(until)).code, 0)
        self.expect([(-1000, 310, "deleted", "node_load1"), (90, 210, "deleted", 'node_temp{zone="0"}'),
                     (490, 610, "deleted", 3)], "web01", self.since(0, 7000))
        self.expect_at(-5, (-1000, 310, "deleted", "node_load1"))

    def test_what_is_too_old_to_be_kept(self):
        agent = Story("web01", self.begin)
        agent.begin(5)
        agent.ticks(10, 1000)
        agent.gap(1010, 1990, SPOOL_FULL)
        agent.ticks(2000, 7200)
        agent.send(self.collector)
        self.collector.stop()
        config = self.write("collector.conf", "[retention]\nweb* = 1h\n")
        begin = time.time()
        self.collector = self.start_collector("--config", config, name="collector-with-an-age")
        wait_until(lambda: self.holes("node_load1", "--at", self.at(50))[0][2] == "too_old", 30, "the age is in force")
        for _ in range(2):
            (first, last, reason, series), = self.holes("web01", *self.since(0, 7100))
            # All that there was before is one, whatever else was the matter then.
            self.assertEqual((first, reason, series), (None, "too_old", 3))
            # To the first sample that is kept.
            self.assertLessEqual(abs(last - (begin - self.begin - 3600)), 300)
            self.assertEqual(last, self.second(query(self.collector, "node_load1")[0]["time"]))
            self.flush()

    def test_it_takes_no_more_memory_than_a_query_may(self):
        agent = Story("web01", self.begin)
        agent.begin(5)
        for i in range(5000):
            agent.clock(RESUMED, 6 + i / 1000, 0.0001)
        agent.ticks(20, 100)
        agent.send(self.collector)
        self.assertEqual(self.holes("node_load1", *self.since(0, 90)), [])
        self.collector.stop()
        config = self.write("collector.conf", "[collector]\nquery_memory_mib = 1\n")
        self.collector = self.start_collector("--config", config, name="collector-with-a-limit")
        result = ctl("--socket", self.collector.socket, "why", "node_load1")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertIn("takes more than 1 MiB of memory", result.err)

    def spoil(self, path, first, behind):
        """Overwrite a part of a file."""
        self.is_damaged = True
        with open(path, "r+b") as file:
            file.seek(first)
            file.write(b"\xa5" * (behind - first))

    def test_what_was_damaged_in_a_file(self):
        agent = Story("web01", self.begin)
        agent.begin(5)
        path = self.path("store", "hosts", "web01", "node_load1.hm")
        ends = []
        for first in (10, 1010, 2010):
            agent.ticks(first, first + 990)
            agent.send(self.collector)
            self.flush()
            ends.append(os.path.getsize(path))
        self.restart(lambda: self.spoil(path, ends[1] - 60, ends[1] - 50))
        for _ in range(2):
            self.assertEqual(self.holes("web01", *self.since(0, 2900)), [(1000, 2010, "quarantined", "node_load1")])
            agent.gap(3010, 3990, SPOOL_FULL)
            agent.ticks(4000, 4100)
            agent.send(self.collector)
            self.flush()
        # All of it.
        self.restart(lambda: self.spoil(path, 0, os.path.getsize(path)))
        agent.ticks(6000, 6100)
        agent.send(self.collector)
        for _ in range(2):
            self.assertEqual(self.holes("node_load1", "--at", self.at(50)), [(None, 6000, "quarantined", "node_load1")])
            self.flush()

    def test_what_was_damaged_in_the_log(self):
        agent = Story("web01", self.begin)
        agent.begin(5)
        agent.ticks(10, 1000)
        agent.ticks(1010, 2000)
        lost = agent.messages[-1][native.HEADER_BYTES:]
        agent.ticks(2010, 3000)
        agent.send(self.collector)
        log = self.path("store", "log", "00000001.log")
        with open(log, "rb") as file:
            at = file.read().index(lost)
        self.restart(lambda: self.spoil(log, at + 60, at + 70))
        self.expect([(1000, 2010, "quarantined", 3)], "web01", self.since(0, 2900))


if __name__ == "__main__":
    unittest.main()
