# SPDX-License-Identifier: MIT
"""Real agents whose only plugin is tests/plugins/counter.c, which lists by itself what it was asked for: what the store
has is compared with that list."""

import collections
import os
import re
import struct
import time

from ledger import parse
from support import BUILD, PATIENCE, ctl

PLUGINS = os.path.join(BUILD, "test-plugins")
ROUNDS = "counter_rounds_total"
ROUND = struct.Struct("<Qq")
SERIES_MAX = 1000
ROUNDS_MAX = 1000000
MASK = (1 << 64) - 1
# What was on its way from the sampler to the spool when the agent was killed was taken at most so long before: the spool
# may be waiting for its disk.
ON_THE_WAY_SECONDS = 0.5


def value_of(number, series):
    """As counter.c computes it."""
    bits = (number * SERIES_MAX + series) * 0x9e3779b97f4a7c15 & MASK
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9 & MASK
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb & MASK
    return ((bits ^ bits >> 31) >> 11) * 2.0 ** -53


def query_rows(collector, pattern="*"):
    """All that a collector has, as ledger.parse() gives it."""
    result = ctl("--socket", collector.socket, "query", pattern, "--all", "-o", "plain", seconds=120)
    assert result.code == 0 or (result.code == 1 and not result.out), result.err
    return parse(result.out)


def by_host(rows):
    """{host: rows}"""
    hosts = collections.defaultdict(collections.Counter)
    for row, n in rows.items():
        hosts[row[1]][row] = n
    return hosts


class Host:
    """An agent, one life after the other, and the list of its rounds."""

    def __init__(self, case, name, n_series=10, interval_ms=50, prefix=(), first=1, **settings):
        """prefix: a program that runs it, and that program's arguments. first: its rounds are this number to that plus
        ROUNDS_MAX. Further settings: of [agent]; it has its name where no hostname is among them."""
        self.case, self.name, self.n_series, self.prefix, self.first = case, name, n_series, prefix, first
        self.settings = {"interval": f"{interval_ms}ms", "ship_interval": "200ms", "hostname": name, **settings}
        self.hostname = self.settings["hostname"]
        self.list_path = case.path(f"{name}.list")
        self.kills = []  # when, and the last number that was given by then
        self.agent = None

    def start(self, collector, ready=True, **settings):
        """@param collector  its address"""
        self.agent = self.case.start_agent(
            {"collector": collector, **self.settings, **settings},
            f"[plugin counter]\nfile = {self.list_path}\nseries = {self.n_series}\nfirst = {self.first}\n", name=self.name,
            arguments=["--plugins", PLUGINS], ready=ready, prefix=self.prefix)
        return self.agent

    def killed(self, when):
        """It was killed, and has not run since then."""
        self.kills.append((when, max(self.listed(), default=0)))

    def listed(self):
        """{number: the time when the plugin was asked, in microseconds}"""
        try:
            with open(self.list_path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            data = b""
        rounds = dict(ROUND.iter_unpack(data[:len(data) // ROUND.size * ROUND.size]))
        assert list(rounds) == list(range(self.first, self.first + len(rounds))), f"{self.name}: the list is damaged"
        return rounds

    def tell_unsent(self):
        """Samples that the last life of the agent, which has ended, says it could not send."""
        said = re.findall(r"(\d+) samples were not sent", self.agent.log().rpartition("handing over")[2])
        return int(said[-1]) if said else 0

    def drain(self, collector, **settings):
        """Stop it; start it again until all of its spool is sent. @param settings  as of start()"""
        assert self.agent.process.poll() is None, self.agent.log()
        for _ in range(20):
            # Before that a signal would just end it.
            self.agent.wait_ready()
            code, _ = self.agent.stop()
            assert code == 0, f"{self.name} ended with {code}: {self.agent.log()}"
            if not self.tell_unsent():
                return
            self.case.daemons.remove(self.agent)
            self.start(collector, **settings)
            time.sleep(0.2 * PATIENCE)
        raise AssertionError(f"{self.name} does not get rid of its samples:\n{self.agent.log()}")

    # -- what there is to be ----------------------------------------------------------------------

    def on_the_way(self, listed, missing):
        """Those that may be missing: the last ones before a kill, and all behind them."""
        numbers = set()
        for when, number in self.kills:
            while number in missing and listed[number] / 1e6 >= when - ON_THE_WAY_SECONDS * PATIENCE:
                numbers.add(number)
                number -= 1
        return numbers

    def problems(self, found, gaps=(), is_shared=False, series=None, last=None):
        """What of the store is not as it has to be.

        @param found      rows of query_rows(), of any hosts
        @param gaps       as of read_gaps(): rounds of these times may be missing
        @param is_shared  others have its host name, and samples there
        @param series     indices of the values that were asked for; None: all
        @param last       later rounds need not be there yet
        @return problems for people, numbers that are missing and may be
        """
        listed = self.listed()
        series = range(self.n_series) if series is None else series
        mine = {row: n for row, n in found.items() if row[1] == self.hostname}
        numbers = [(row[0], int(float.fromhex(row[3]))) for row in mine if row[2] == ROUNDS]
        numbers = {when: number for when, number in numbers if self.first <= number < self.first + ROUNDS_MAX}
        problems = [f"doubled: {row}" for row, n in mine.items() if n > 1]
        problems += [f"doubled: number {number}" for number, n in collections.Counter(numbers.values()).items() if n > 1]
        expected = set()
        for time_us, number in numbers.items():
            asked_us = listed.get(number)
            # A round has the time when it was due, and is taken then or later.
            if asked_us is None or not listed.get(number - 1, asked_us - 1000000) - 1000000 * PATIENCE < time_us <= asked_us:
                problems.append(f"altered: number {number} at {time_us}, asked at {asked_us}")
            expected.add((time_us, self.hostname, ROUNDS, float(number).hex()))
            expected |= {(time_us, self.hostname, f'counter_value{{n="{i}"}}', value_of(number, i).hex()) for i in series}
        if not is_shared:
            problems += [f"altered or invented: {row}" for row in sorted(set(mine) - expected)]
        problems += [f"lost: {row}" for row in sorted(expected - set(mine))]
        missing = {number for number in listed if last is None or number <= last} - set(numbers.values())
        problems += [f"lost: number {number}, of {len(listed)}, {self.name}"
                     for number in sorted(missing - self.on_the_way(listed, missing))
                     if not any(since <= listed[number] and self.due_us(listed, number) <= until for since, until in gaps)]
        return problems, sorted(missing)

    @staticmethod
    def due_us(listed, number):
        """The earliest time that a round can have: that of the one before."""
        return listed.get(number - 1, listed[number])

    def check(self, found, **options):
        problems, missing = self.problems(found, **options)
        self.case.assertEqual(problems[:5], [], f"{self.name}: {len(problems)} problems")
        return missing

    def read_gaps(self, store):
        """[(first, last time in microseconds), ...] of what the store says is gone, after a flush."""
        result = ctl("dump", os.path.join(store, "hosts", self.hostname, ".host"), "-o", "plain")
        self.case.assertEqual(result.code, 0, result.err)
        gaps = []
        for line in result.lines():
            when, _, event, _, detail = line.split("\t")
            if event == "gap":
                until = re.match(r"until ([0-9.]+),", detail)[1]
                gaps.append(tuple(round(float(moment) * 1e6) for moment in (when, until)))
        return gaps
