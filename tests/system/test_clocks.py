# SPDX-License-Identifier: MIT
"""The time of a real kernel (P7): its clock is set, forward, back, and a year ahead from its boot on; it is suspended; it
is booted again. Nothing that the agent took is lost, doubled or out of order, and `agentctl why` tells what happened.

The plugin of the agent lists its rounds by itself (tests/plugins/counter.c).
"""

import json
import os
import re
import shlex
import shutil
import time

from guest import AGENTCTL_IN_GUEST, COLLECTOR_IN_GUEST, GuestCase  # first: it finds the others

import sampled
from support import BUILD, PATIENCE, ctl, wait_until

N_SERIES = 3
TICK_US = 200000
# A hole is what is longer.
PATIENCE_US = TICK_US * 3 // 2
# What is sampled may be on its way for so long; what is further ahead was sampled by a clock that was.
SHIPPED_SECONDS = 180
MOMENT_US = 2000000
HOUR, YEAR = 3600, 365 * 86400
IN_GUEST = "/run/hm/agentctl --socket /run/hm/collector.sock"
# So long before a reset what was taken may not have been stored in the guest.
ON_THE_WAY_SECONDS = 5 + 3

# CLOCK_REALTIME, _MONOTONIC and _BOOTTIME, in nanoseconds.
READ_CLOCKS = """perl -e '$t = "\\0" x 16; for (0, 1, 7) {
	syscall(228, $_, $t); @t = unpack("qq", $t); print $t[0] * 1e9 + $t[1], "\\n" }'"""
# The clock that outlives the kernel, which reads it when it boots: RTC_SET_TIME.
SET_HARDWARE_CLOCK = """perl -e 'open(F, "+<", "/dev/rtc0") or die $!; @t = gmtime(time + {});
	ioctl(F, 0x4024700a, pack("i9", @t[0..5], 0, 0, 0)) or die $!'"""


class Clocks(GuestCase):
    def setUp(self):
        super().setUp()
        self.start_guest(self.path("root.qcow2"))
        shutil.copy(os.path.join(BUILD, "test-plugins", "counter.so"), self.path("shared"))
        self.bring_programs()
        self.folder_of_list = "/mnt"
        self.host = sampled.Host(self, "guest", n_series=N_SERIES)
        self.host.list_path = self.path("shared", "guest.list")
        self.is_inside = False  # the collector runs in the guest, too
        self.n_backwards = 0
        self.n_steps = 0
        self.least_us = 60000000  # by which the clock goes forward, at least, where it is set

    # -- the guest and what runs in it -------------------------------------------------------------

    def bring_programs(self):
        """The disk of the guest does not have them."""
        self.guest.run("mkdir -p /run/hm/counter; cp -r /mnt/. /run/hm; cp /run/hm/counter.so /run/hm/counter")

    def start_collector_in_guest(self):
        self.is_inside = True
        shutil.copy(os.path.join(BUILD, "hostmetrics-collector"), self.path("shared"))
        self.guest.run("cp /mnt/hostmetrics-collector /run/hm; cd /run/hm; ./hostmetrics-collector --socket collector.sock "
                       "--listen 127.0.0.1:9900 --store /var/lib/hm-store >>/mnt/collector.log 2>&1 & echo $!")
        wait_until(lambda: self.guest.try_run(f"{IN_GUEST} status")[0] == 0, 30, "the collector answers")

    def start_agent_here(self):
        collector = "127.0.0.1:9900" if self.is_inside else COLLECTOR_IN_GUEST
        self.write("shared/clocks.conf", "[agent]\nhostname = guest\ninterval = 200ms\nship_interval = 400ms\n"
                                         f"spool = /var/lib/hm-spool\nsocket = /run/hm/agent.sock\ncollector = {collector}\n"
                                         f"[plugin counter]\nfile = {self.folder_of_list}/guest.list\nseries = {N_SERIES}\n")
        self.guest.run("cp /mnt/clocks.conf /run/hm; cd /run/hm; ./hostmetrics-agent --plugins counter --config clocks.conf "
                       f">>{self.folder_of_list}/agent.log 2>&1 & echo $! >/run/hm/agent.pid")
        wait_until(lambda: self.guest.try_run(f"{AGENTCTL_IN_GUEST} status")[0] == 0, 30, "the agent answers")

    def stop_agent_here(self):
        """Once all of its samples are stored."""
        last = max(self.listed())
        wait_until(lambda: max((number for _, number in self.rounds()), default=0) >= last, 60, "what was taken is stored")
        self.guest.run("kill $(cat /run/hm/agent.pid); while [ -e /proc/$(cat /run/hm/agent.pid) ]; do sleep 0.1; done")

    def read_clocks(self):
        """CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME of the guest, in seconds."""
        return [int(line) / 1e9 for line in self.guest.run(READ_CLOCKS).split()]

    def set_clock(self, seconds):
        self.guest.run(f"date -s '{seconds:+} seconds'")
        self.n_steps += 1
        self.n_backwards += seconds < 0

    def listed(self):
        """{number: the time when the plugin was asked, in microseconds}"""
        if self.folder_of_list != "/mnt":
            self.guest.run(f"cp {self.folder_of_list}/guest.list {self.folder_of_list}/agent.log /mnt")
        return self.host.listed()

    def run_on(self, n_rounds=15):
        """So many more rounds are taken, and more come."""
        n_before = len(self.listed())
        wait_until(lambda: len(self.listed()) >= n_before + n_rounds, 60, "rounds are taken")

    # -- what is stored ----------------------------------------------------------------------------

    def ask(self, *words):
        """agentctl of the collector; what it printed."""
        if not self.is_inside:
            result = ctl("--socket", self.collector.socket, *words)
            self.assertIn(result.code, (0, 1), result.err)
            return result.out
        self.guest.try_run(f"{IN_GUEST} {shlex.join(words)} >/mnt/answer")
        with open(self.path("shared", "answer"), encoding="utf-8") as file:
            return file.read()

    def rows(self, pattern, *options):
        """[(time in microseconds, series, value), ...] as they are shown."""
        rows = []
        for line in self.ask("query", pattern, *options, "-o", "plain").splitlines():
            when, _, series, value = line.split("\t")
            seconds, _, fraction = when.partition(".")
            rows.append((int(seconds) * 1000000 + int(fraction.ljust(6, "0")), series, float(value)))
        return rows

    def rounds(self):
        """[(time, number), ...]: of one time in the order in which they came."""
        return [(when, int(number)) for when, _, number in self.rows(sampled.ROUNDS, "--all")]

    def check_samples(self, may_miss=()):
        """All are there, once, in order; each with the time at which it was due."""
        listed = self.listed()
        rounds = self.rounds()
        numbers = [number for _, number in rounds]
        self.assertEqual(len(numbers), len(set(numbers)), "doubled")
        self.assertEqual(sorted(set(listed) - set(numbers) - set(may_miss)), [], "lost")
        self.assertEqual(sorted(set(numbers) - set(listed)), [], "invented")
        by_number = sorted((number, when) for when, number in rounds)
        times = [when for _, when in by_number]
        self.assertEqual(sum(b <= a for a, b in zip(times, times[1:])), self.n_backwards, "the order")
        # A clock may be set between the moment when a round is due and that when the plugin lists it.
        apart = [number for number, when in by_number if not 0 <= listed[number] - when < TICK_US + 500000 * PATIENCE]
        self.assertLessEqual(len(apart), self.n_steps, "these have another time")
        self.assertEqual(rounds, sorted(rounds), "of one time: in the order of their taking")
        self.assertEqual(self.rows(sampled.ROUNDS), [
            (when, sampled.ROUNDS, float(number)) for when, number in sorted(dict(rounds).items())], "the last one counts")
        self.assertEqual(sorted(self.rows("counter_value", "--all")), sorted(
            (when, f'counter_value{{n="{i}"}}', sampled.value_of(number, i))
            for when, number in rounds for i in range(N_SERIES)))
        self.note(f"{len(listed)} rounds taken, {len(rounds)} stored, {len(rounds) - len(dict(rounds))} times twice, "
                  f"{self.n_steps} steps of the clock")

    def holes(self):
        """[(from, to), ...] between the samples that are stored, in microseconds; up to now."""
        times = sorted(set(when for when, _ in self.rounds()))
        return [pair for pair in zip(times, times[1:])
                if pair[1] - pair[0] > PATIENCE_US and pair[1] < (time.time() + SHIPPED_SECONDS) * 1e6]

    def why(self, *what):
        """[(from, to, reason), ...]: from and to in microseconds."""
        what = what or (sampled.ROUNDS, "--since", str(min(when for when, _ in self.rounds()) // 1000000 - 60), "--until",
                        str(max(when for when, _ in self.rounds()) // 1000000 + 60))
        rows = json.loads(self.ask("why", *what, "-o", "json") or "[]")
        told = [(*(None if row[end] is None else round(row[end] * 1e6) for end in ("from", "to")), row["reason"])
                for row in rows]
        self.note(f"why {shlex.join(what)}: {told}")
        return told

    def check_holes(self, expected, last_us=None):
        """Each hole is told, and no other; expected: {(from, to): its reasons, one behind the other}. What is not among them
        a busy machine has made: it has held the agent up. The same from the log, from files, and of the host as a whole.
        last_us: of the sample behind which the agent was stopped."""
        holes = self.holes()
        self.assertLessEqual(set(expected), set(holes))
        expected = [(*hole, expected.get(hole, ["agent_held_up"])) for hole in holes]
        # A sample has to be due.
        wait_until(lambda: last_us is None or any(row[1] is None for row in self.why()), 10, "the end is told")
        for _ in range(2):
            told = self.why()
            self.assertEqual([row for row in told if row[1] is None], [(last_us, None, "agent_stopped")] if last_us else [])
            self.assertEqual(self.join(told, holes), expected)
            self.ask("flush")

    @staticmethod
    def join(told, holes):
        """One row a hole, with its reasons. For a moment an agent is held up before its host sleeps, say, or has its plugins
        not yet after its start."""
        joined = []
        for since, until in holes:
            parts = [row for row in told if row[1] is not None and since <= row[0] and row[1] <= until]
            is_whole = [since, *(row[1] for row in parts)] == [*(row[0] for row in parts), until]
            reasons = [reason for begin, end, reason in parts
                       if len(parts) == 1 or reason not in ("agent_held_up", "source_gone") or
                       end - begin > MOMENT_US * PATIENCE]
            joined.append((since, until, reasons if is_whole else parts))
        outside = [row for row in told if row[1] is not None and not any(a <= row[0] and row[1] <= b for a, b in holes)]
        return joined + outside

    def check_nothing_unknown(self):
        """While the agent runs."""
        for what in ("guest", "-2d"), (sampled.ROUNDS, "-1h"):
            for until in ("now", str(int(time.time()) + 2 * HOUR)):
                rows = self.why(what[0], "--since", what[1], "--until", until)
                self.assertNotIn("unknown", [row[2] for row in rows])

    def phases(self):
        """The times that are stored, in the order in which they were taken: a list for each time that the clock went on."""
        phases = [[]]
        for _, when in sorted((number, when) for when, number in self.rounds()):
            if phases[-1] and not 0 < when - phases[-1][-1] < self.least_us:
                phases.append([])
            phases[-1].append(when)
        return phases

    def events(self, name):
        """[(time, seconds), ...] of what a checkpoint has written of the clock."""
        self.ask("flush")
        if self.is_inside:
            printed = self.guest.run("/run/hm/agentctl dump /var/lib/hm-store/hosts/guest/.host -o json")
        else:
            printed = ctl("dump", self.path("store", "hosts", "guest", ".host"), "-o", "json").out
        rows = [row for row in json.loads(printed) if row["event"] == name]
        return [(row["time"], float((re.match(r"by (-?[0-9.]+) s, ", row["detail"]) or [0, 0])[1])) for row in rows]

    # -- tests -------------------------------------------------------------------------------------

    def check_hour_forward(self):
        """Then back, then back a little: some times come twice."""
        self.start_agent_here()
        self.run_on()
        for seconds in (HOUR, -HOUR, -4):
            self.set_clock(seconds)
            self.run_on(25)
            self.check_nothing_unknown()
        self.stop_agent_here()
        self.check_samples()
        before, ahead, after, again = self.phases()
        after = sorted(after + again)
        self.assertGreater(ahead[0], after[-1])
        self.check_holes({(before[-1], after[0]): ["clock_stepped"]}, after[-1])
        self.check_steps(HOUR, -HOUR, -4)

    def check_hour_back(self):
        """Then forward."""
        self.start_agent_here()
        self.run_on()
        for seconds in (-HOUR, HOUR):
            self.set_clock(seconds)
            self.run_on()
            self.check_nothing_unknown()
        self.stop_agent_here()
        self.check_samples()
        first, back, last = self.phases()
        self.check_holes({(back[-1], first[0]): ["clock_stepped"], (first[-1], last[0]): ["clock_stepped"]}, last[-1])
        self.check_steps(-HOUR, HOUR)

    def check_steps(self, *expected):
        steps = [seconds for _, seconds in sorted(self.events("clock_set"))]
        self.assertEqual(sorted(round(seconds) for seconds in steps), sorted(expected))
        for name in ("host_slept", "agent_lost"):
            self.assertEqual(self.events(name), [])

    def test_a_clock_that_is_set_an_hour_forward_and_back(self):
        self.check_hour_forward()

    def test_a_clock_that_is_set_an_hour_back_and_forward(self):
        self.check_hour_back()

    def test_a_clock_that_is_set_an_hour_forward_and_back_with_that_of_the_collector(self):
        self.start_collector_in_guest()
        self.check_hour_forward()

    def test_a_clock_that_is_set_an_hour_back_and_forward_with_that_of_the_collector(self):
        self.start_collector_in_guest()
        self.check_hour_back()

    def test_a_clock_that_is_a_year_ahead_from_the_boot_on(self):
        self.start_agent_here()
        self.run_on()
        self.guest.run(SET_HARDWARE_CLOCK.format(YEAR))
        self.guest.reboot("systemctl reboot")
        self.assertGreater(self.read_clocks()[0], time.time() + YEAR - 60)
        self.bring_programs()
        self.start_agent_here()
        self.run_on()
        self.guest.run(f"date -s @{time.time():.3f}")
        self.n_steps, self.n_backwards = 1, 1
        self.run_on()
        self.check_nothing_unknown()
        self.stop_agent_here()
        self.check_samples()
        before, ahead, after = self.phases()
        self.assertGreater(ahead[0], after[-1])
        # It was there before its clock was right, with samples of another time.
        self.check_holes({(before[-1], after[0]): ["host_rebooted", "clock_stepped"]}, after[-1])

    def test_a_host_that_is_suspended(self):
        self.folder_of_list = "/run/hm"
        self.start_agent_here()
        self.run_on()
        before = self.read_clocks()
        asleep, awake = self.guest.sleep(10)
        after = self.read_clocks()
        self.run_on()
        self.stop_agent_here()
        self.check_samples()
        slept = (after[2] - before[2]) - (after[1] - before[1])
        self.note(f"suspended for {awake - asleep:.3f} s of this machine, {slept:.6f} s by its clocks")
        # It reads a clock that tells whole seconds.
        self.assertLess(abs(slept - (awake - asleep)), 2)
        (hole,) = [(since, until) for since, until in self.holes() if until - since >= slept * 1e6 - TICK_US]
        self.check_holes({hole: ["host_slept"]}, self.phases()[-1][-1])
        ((until, told),) = self.events("host_slept")
        self.assertLess(abs(told - slept), 0.02)
        # It lies in it, and what is left of it is no hole of its own.
        self.assertLess(hole[0], (until - told) * 1e6 + TICK_US)
        self.assertLess(until * 1e6 - TICK_US, hole[1])
        self.assertEqual(self.events("clock_set"), [])
        middle = (hole[0] + hole[1]) // 2
        ((since, end, reason),) = self.why(sampled.ROUNDS, "--at", f"{middle / 1e6:.6f}")
        self.assertEqual((end, reason), (hole[1], "host_slept"))
        self.assertLess(since - hole[0], MOMENT_US * PATIENCE)
        self.assertIn("the host was suspended", self.ask("why", sampled.ROUNDS, "--at", f"{middle / 1e6:.6f}"))

    def test_a_host_that_is_booted_again(self):
        """After a shutdown, then without one."""
        self.least_us = 2000000
        self.start_agent_here()
        self.run_on()
        self.guest.reboot("systemctl reboot")
        self.bring_programs()
        self.start_agent_here()
        self.run_on()
        reset = time.time()
        self.guest.reboot()
        self.bring_programs()
        self.start_agent_here()
        self.run_on()
        self.stop_agent_here()
        listed = self.listed()
        self.check_samples(may_miss=[
            number for number, when in listed.items() if -ON_THE_WAY_SECONDS * PATIENCE <= when / 1e6 - reset <= 2])
        first, second, third = self.phases()
        self.check_holes({(first[-1], second[0]): ["host_rebooted"], (second[-1], third[0]): ["host_rebooted"]}, third[-1])
        self.assertEqual(len(self.events("agent_started")), 3)
        self.assertEqual(len(self.events("agent_stopped")), 2)
