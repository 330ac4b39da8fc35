# SPDX-License-Identifier: MIT
"""An independent list of every line that is sent to a collector, against which what it stores is checked."""

import collections

BASE_SECONDS = 1795416401
HOSTS = ("web", "db", "with blank")


class Life:
    """What was sent to one process, and what it said of it before it was killed."""

    def __init__(self, number, chooser, n_lines, metric, is_steady=False):
        self.since_us = (BASE_SECONDS + number) * 1000000
        self.lines = []
        self.rows = []  # what each line is, when it is read
        self.n_durable = 0  # so many of the first lines are stored
        self.n_stored = 0  # so many lines are stored, whichever
        self.seen = collections.Counter()  # rows that a query showed
        if is_steady:
            self.make_steady(n_lines, metric)
            return
        times = chooser.sample(range(1000000), n_lines)
        for i, offset in enumerate(times):
            host, label = chooser.choice(HOSTS), chooser.randrange(6)
            value = chooser.choice((chooser.random(), chooser.randrange(1000), chooser.gauss(0, 1e200), -0.0))
            time_us = self.since_us + offset
            if i and chooser.random() < 0.02:
                # Two equal lines are two samples.
                self.lines.append(self.lines[-1])
                self.rows.append(self.rows[-1])
                continue
            self.lines.append(f'{time_us // 1000000}.{time_us % 1000000:06} {metric}{{host="{host}",n="{label}"}} '
                              f'{value!r}\n'.encode())
            self.rows.append((time_us, host, f'{metric}{{n="{label}"}}', float(value).hex()))

    def make_steady(self, n_lines, metric):
        """A thousand counters on the grid: many times larger in the log than in files."""
        for i in range(n_lines):
            time_us = self.since_us + i // 1000 * 1000
            label = f"a long name of which the log has each batch tell once more: {i % 1000:04}"
            self.lines.append(f'{time_us // 1000000}.{time_us % 1000000:06} {metric}{{host="{HOSTS[0]}",n="{label}"}} '
                              f'{i // 1000}\n'.encode())
            self.rows.append((time_us, HOSTS[0], f'{metric}{{n="{label}"}}', float(i // 1000).hex()))

    def check(self, found):
        """Compare with what is read after the kill. Return what is wrong with it."""
        sent = collections.Counter(self.rows)
        durable = collections.Counter(self.rows[:self.n_durable]) | self.seen
        problems = [f"invented or doubled: {row}" for row in (found - sent)]
        problems += [f"lost: {row}" for row in (durable - found)]
        if found.total() < self.n_stored:
            problems.append(f"{self.n_stored} were stored, {found.total()} are there")
        return problems


def parse(text):
    """Rows of agentctl query -o plain."""
    rows = collections.Counter()
    for line in text.splitlines():
        when, host, series, value = line.split("\t")
        seconds, _, fraction = when.partition(".")
        rows[int(seconds) * 1000000 + int(fraction.ljust(6, "0")), host, series, float(value).hex()] += 1
    return rows
