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
MASK = (1 << 64) - 1
# What was on its way from the sampler to the spool when the agent was killed was taken at most so long before.
ON_THE_WAY_SECONDS = 0.5


def value_of(number, series):
    """As counter.c computes it."""
    bits = (number * SERIES_MAX + series) * 0x9e3779b97f4a7c15 & MASK
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9 & MASK
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb & MASK
    return ((bits ^ bits >> 31) >> 11) * 2.0 ** -53


def query_rows(collector, *arguments):
    """All that a collector has, as ledger.parse() gives it."""
    result = ctl("--socket", collector.socket, "query", "*", "--all", "-o", "plain", *arguments, seconds=120)
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

    def __init__(self, case, name, n_series=10, interval_ms=50, prefix=(), **settings):
        """prefix: a program that runs it, and that program's arguments."""
        self.case, self.name, self.n_series, self.prefix = case, name, n_series, prefix
        self.settings = {"interval": f"{interval_ms}ms", "ship_interval": "200ms", "hostname": name, **settings}
        self.list_path = case.path(f"{name}.list")
        self.lost_before = []  # ends of its lives: what was on its way then may be missing
        self.agent = None

    def start(self, collector, ready=True, **settings):
        """@param collector  its address"""
        self.agent = self.case.start_agent(
            {"collector": collector, **self.settings, **settings},
            f"[plugin counter]\nfile = {self.list_path}\nseries = {self.n_series}\n", name=self.name,
            arguments=["--plugins", PLUGINS], ready=ready, prefix=self.prefix)
        return self.agent

    def killed(self, since=None):
        """It was killed just now, or has not run since then."""
        self.lost_before.append(time.time() if since is None else since)

    def listed(self):
        """{number: the time when the plugin was asked, in microseconds}"""
        try:
            with open(self.list_path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            data = b""
        rounds = dict(ROUND.iter_unpack(data[:len(data) // ROUND.size * ROUND.size]))
        assert list(rounds) == list(range(1, len(rounds) + 1)), f"{self.name}: the list is damaged"
        return rounds

    def tell_unsent(self):
        """Samples that the last life of the agent, which has ended, says it could not send."""
        said = re.findall(r"(\d+) samples were not sent", self.agent.log().rpartition("handing over")[2])
        return int(said[-1]) if said else 0

    def drain(self, collector):
        """Stop it; start it again until all of its spool is sent."""
        assert self.agent.process.poll() is None, self.agent.log()
        for _ in range(20):
            code, _ = self.agent.stop()
            assert code == 0, self.agent.log()
            if not self.tell_unsent():
                return
            self.case.daemons.remove(self.agent)
            self.start(collector)
            time.sleep(0.2 * PATIENCE)
        raise AssertionError(f"{self.name} does not get rid of its samples:\n{self.agent.log()}")

    # -- what there is to be ----------------------------------------------------------------------

    def may_be_missing(self, time_us):
        return any(end - ON_THE_WAY_SECONDS * PATIENCE <= time_us / 1e6 <= end for end in self.lost_before)

    def problems(self, found, allows=None, allows_doubles=False):
        """What of the store is not as it has to be.

        @param found   rows of query_rows(), of any hosts
        @param allows  further rounds that may be missing: called with their time in microseconds
        @return problems for people, numbers that are missing and may be
        """
        listed = self.listed()
        mine = {row: n for row, n in found.items() if row[1] == self.name}
        numbers = {row[0]: int(float.fromhex(row[3])) for row in mine if row[2] == ROUNDS}
        problems = [] if allows_doubles else [f"doubled: {row}" for row, n in mine.items() if n > 1]
        problems += [f"doubled: number {number}" for number, n in collections.Counter(numbers.values()).items() if n > 1]
        expected = set()
        for time_us, number in numbers.items():
            asked_us = listed.get(number)
            # A round has the time that it was due, and is taken then or later, but not after the next one.
            if asked_us is None or not listed.get(number - 1, 0) < asked_us or time_us > asked_us or \
                    time_us < listed.get(number - 1, time_us) - 1000000 * PATIENCE:
                problems.append(f"altered: number {number} at {time_us}, asked at {asked_us}")
            expected.add((time_us, self.name, ROUNDS, float(number).hex()))
            expected |= {(time_us, self.name, f'counter_value{{n="{i}"}}', value_of(number, i).hex())
                         for i in range(self.n_series)}
        problems += [f"altered or invented: {row}" for row in sorted(set(mine) - expected)]
        problems += [f"lost: {row}" for row in sorted(expected - set(mine))]
        missing = sorted(set(listed) - set(numbers.values()))
        problems += [f"lost: number {number}, of {len(listed)}, {self.name}" for number in missing
                     if not self.may_be_missing(listed[number]) and not (allows and allows(listed[number]))]
        return problems, missing

    def check(self, found, **options):
        problems, missing = self.problems(found, **options)
        self.case.assertEqual(problems[:5], [], f"{self.name}: {len(problems)} problems")
        return missing
