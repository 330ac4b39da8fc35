# SPDX-License-Identifier: MIT
"""agentctl query with functions, steps and labels, against a second implementation of its manual page."""

import math
import os
import random
import re
import signal
import socket
import subprocess
import time

from support import BUILD, Case, ctl, status, wait_until

SEED = int(os.environ.get("HM_TEST_SEED", time.time_ns() % 1_000_000_000))
BEGIN = 1_795_400_000  # not a multiple of any step
FUNCTIONS = ("avg", "min", "max", "sum", "count", "last", "rate", "increase", "quantile=0", "quantile=0.3",
             "quantile=0.99", "quantile=1")
GAP = 300


def label_set(series):
    return dict(re.findall(r'(\w+)="([^"]*)"', series))


def quantile(q, values):
    values = sorted(values)
    rank = q * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    return values[low] * (1 - (rank - low)) + values[high] * (rank - low)


def over_samples(function, values):
    if function == "count":
        return len(values)
    if function == "sum":
        return math.fsum(values)
    if function == "avg":
        return math.fsum(values) / len(values)
    if function in ("min", "max"):
        return {"min": min, "max": max}[function](values)
    return quantile(float(function.partition("=")[2]), values)


def start_of(at, since, step):
    return math.floor(at / step) * step if step else since


def differences(samples, since, until, step):
    """{start: [(difference, seconds)]} of a counter."""
    longest = max(GAP, 2 * step) if step else math.inf
    found = {}
    kept = [(at, value) for at, value in samples if at <= until]
    for (before, old), (at, new) in zip(kept, kept[1:]):
        is_read = step or round(since - before, 3) <= GAP
        # The times are milliseconds; floats of today are not.
        seconds = round(at - before, 3)
        if at >= since and seconds <= longest and is_read:
            found.setdefault(start_of(at, since, step), []).append((new if new < old else new - old, seconds))
    return found


def of_series(function, samples, since, until, step):
    """{start: value}"""
    if function in ("rate", "increase"):
        found = {start: (math.fsum(part[0] for part in parts), math.fsum(part[1] for part in parts))
                 for start, parts in differences(samples, since, until, step).items()}
        if function == "increase":
            return {start: total for start, (total, _) in found.items()}
        return {start: total / seconds for start, (total, seconds) in found.items() if seconds > 0}
    windows = {}
    for at, value in samples:
        if since <= at <= until:
            windows.setdefault(start_of(at, since, step), []).append(value)
    if function == "last":
        return {start: values[-1] for start, values in windows.items()}
    return {start: over_samples(function, values) for start, values in windows.items()}


def of_cohort(function, all_samples, since, until, step):
    if function in ("rate", "increase", "last"):
        found = {}
        for samples in all_samples:
            for start, value in of_series(function, samples, since, until, step).items():
                found.setdefault(start, []).append(value)
        return {start: math.fsum(values) for start, values in found.items()}
    # Sorted by time alone: what these functions give does not hang on the order.
    return of_series(function, sorted(sum(all_samples, [])), since, until, step)


def draw_samples(rng):
    """Times with gaps, and values of a counter with resets. No NaN: text lines cannot bring any."""
    at = BEGIN * 1000 + rng.randrange(0, 60_000)
    value = rng.randrange(1000)
    samples = []
    for _ in range(rng.randrange(0, 400)):
        at += rng.choice((rng.randrange(1, 20_000), 10_000, 10_000, 10_000))
        if rng.random() < 0.02:
            at += rng.randrange(0, 2_000_000)
        value += rng.choice((0, 1, rng.random() * 100))
        if rng.random() < 0.03:
            value = rng.randrange(20)
        samples.append((at / 1000, value))
    return samples


class QueryFunctions(Case):
    def setUp(self):
        super().setUp()
        print(f"# HM_TEST_SEED={SEED}")
        self.rng = random.Random(SEED)

    def ask(self, pattern, *arguments, code=(0, 1)):
        result = ctl("--socket", self.collector.socket, "query", pattern, *arguments, "-o", "plain")
        self.assertIn(result.code, code, result.err)
        rows = [line.split("\t") for line in result.out.splitlines()]
        return {(float(at), host, series): float(value) for at, host, series, value in rows}, result.err

    def feed(self, data):
        """data: {(host, series): [(time, value)]}. Late and replaced samples among them."""
        lines = []
        for (host, series), samples in data.items():
            name, brace, labels = series.partition("{")
            full = f'{name}{{host="{host}"{"," + labels if brace else "}"}'
            lines += [(at, f"{at:.3f} {full} {value!r}\n") for at, value in samples]
        # What was written earlier with the same time does not count.
        self.rng.shuffle(lines)
        replaced = [f"{line.rsplit(' ', 1)[0]} 77777777\n" for _, line in lines if self.rng.random() < 0.05]
        self.send(self.collector.port, "".join(replaced))
        wait_until(lambda: status(self.collector)["samples_stored"] == len(replaced), 10, "replaced samples")
        self.send(self.collector.port, "".join(line for _, line in lines))
        wait_until(lambda: status(self.collector)["samples_stored"] == len(lines) + len(replaced), 20, "all samples")

    def compare(self, found, expected, what):
        self.assertEqual(sorted(found), sorted(expected), what)
        for key, value in expected.items():
            self.assertTrue(math.isclose(found[key], value, rel_tol=1e-11, abs_tol=1e-9),
                            (what, key, found[key], value))

    def check_series(self, data, function, since, until, step):
        arguments = ["-f", function, "--since", f"{since:.3f}", "--until", f"{until:.3f}"]
        found, _ = self.ask("m", *arguments, *(["--step", f"{step}s"] if step else []))
        expected = {(start, host, series): value for (host, series), samples in data.items()
                    for start, value in of_series(function, samples, since, until, step).items()}
        self.compare(found, expected, (SEED, arguments, step))

    def check_cohorts(self, data, function, since, until, step, by):
        arguments = ["-f", function, "--since", f"{since:.3f}", "--until", f"{until:.3f}", "--by", ",".join(by)]
        found, _ = self.ask("m", *arguments, *(["--step", f"{step}s"] if step else []))
        cohorts = {}
        for (host, series), samples in data.items():
            kept = {name: value for name, value in sorted(label_set(series).items()) if name in by}
            text = ",".join(f'{name}="{value}"' for name, value in kept.items())
            key = (host if "host" in by else "-", f"m{{{text}}}" if text else "m")
            cohorts.setdefault(key, []).append(samples)
        expected = {(start, *key): value for key, members in cohorts.items()
                    for start, value in of_cohort(function, members, since, until, step).items()}
        self.compare(found, expected, (SEED, arguments, step))

    def test_functions_are_those_of_the_manual_page(self):
        self.collector = self.start_collector()
        data = {(host, f'm{{cpu="{cpu}",mode="{mode}"}}'): draw_samples(self.rng)
                for host in ("a", "b") for cpu in range(2) for mode in ("idle", "user")}
        self.feed(data)
        for is_flushed in (False, True):
            if is_flushed:
                self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
            for function in FUNCTIONS:
                since = BEGIN + self.rng.randrange(0, 2000) + self.rng.choice((0, 0.5))
                until = since + self.rng.randrange(1, 8000)
                step = self.rng.choice((0, 1, 60, 300, 3600, 86400))
                self.check_series(data, function, since, until, step)
                by = self.rng.choice(([], ["cpu"], ["host"], ["mode", "host"], ["nosuch"], ["cpu", "mode"]))
                self.check_cohorts(data, function, since, until, self.rng.choice((0, 60, 3600)), by)

    def test_increases_of_all_windows_add_up(self):
        self.collector = self.start_collector()
        self.send(self.collector.port, "".join(
            f"{BEGIN + 10 * i} c_total {value}\n" for i, value in enumerate((5, 7, 9, 2, 4, 4, 10))))
        wait_until(lambda: status(self.collector)["samples_stored"] == 7)
        found, _ = self.ask("c_total", "-f", "increase", "--step", "20s")
        self.assertEqual(sum(found.values()), 2 + 2 + 2 + 2 + 0 + 6)
        found, _ = self.ask("c_total", "-f", "increase")
        self.assertEqual(list(found.values()), [14])
        # The sample before counts as the baseline.
        found, _ = self.ask("c_total", "-f", "increase", "--since", str(BEGIN + 10), "--until", str(BEGIN + 10))
        self.assertEqual(list(found.values()), [2])

    def test_kinds_choose_the_function(self):
        self.collector = self.start_collector()
        self.send(self.collector.port, "# TYPE g gauge\n# TYPE c counter\n" + "".join(
            f"{BEGIN + 10 * i} {name} {10 * i}\n" for i in range(3) for name in ("g", "c", "u", "u_total")))
        wait_until(lambda: status(self.collector)["samples_stored"] == 12)
        found, _ = self.ask("*", "--step", "1d")
        self.assertEqual({series: value for (_, _, series), value in found.items()},
                         {"g": 10, "c": 1, "u": 20, "u_total": 1})
        # --all: samples that others of the same time replaced count as well.
        self.send(self.collector.port, f"{BEGIN} g 30\n")
        wait_until(lambda: status(self.collector)["samples_stored"] == 13)
        self.assertEqual(list(self.ask("g", "--step", "1d")[0].values()), [20])
        self.assertEqual(list(self.ask("g", "--step", "1d", "--all")[0].values()), [15])
        self.assertEqual(len(self.ask("g", "--all")[0]), 3)

    def test_matchers_choose_series(self):
        self.collector = self.start_collector()
        names = [f'm{{cpu="{cpu}",host="{host}",mode="{mode}"}}'
                 for cpu in (0, 1) for host in ("a", "b") for mode in ("idle", "user")]
        self.send(self.collector.port, "".join(f"{BEGIN} {name} 1\n" for name in [*names, "n"]))
        wait_until(lambda: status(self.collector)["samples_stored"] == 9)
        for pattern, count in (("m", 8), ('m{cpu="0"}', 4), ('{mode!="idle"}', 5), ('m{mode!="idle",host="a"}', 2),
                               ('m{cpu=~"0|1",mode!~"i.*"}', 4), ('{__name__="n"}', 1), ('m{nosuch=""}', 8)):
            self.assertEqual(len(self.ask(pattern)[0]), count, pattern)
        for pattern in ('m{cpu=0}', 'm{cpu=~"("}', 'm{cpu=~"(x*)\\1"}'):
            for verb in ("query", "get", "list-metrics", "watch"):
                result = ctl("--socket", self.collector.socket, verb, pattern)
                self.assertEqual((result.code, result.out), (2, ""), (verb, pattern, result.err))

    def test_wrong_words_are_told(self):
        self.collector = self.start_collector()
        for arguments in (("-f", "averag"), ("-f", "quantile"), ("-f", "quantile=2"), ("--step", "0s"), ("--step", "x")):
            result = ctl("--socket", self.collector.socket, "query", "m", *arguments)
            self.assertEqual((result.code, result.out), (2, ""), arguments)
        self.assertIn("did you mean 'avg'", ctl("query", "m", "-f", "avgg").err)
        self.assertIn("'nope{': a label's name is missing, at character 6",
                      ctl("--socket", self.collector.socket, "query", "nope{").err)


class QueryLimits(Case):
    """A long query holds up nobody, and ends."""

    SAMPLES = 2_000_000 if os.environ.get("HM_SAN") else 10_000_000
    SERIES = 1000

    def fill(self, collector):
        """Millions of samples of one metric, as fast as lines are taken."""
        each = self.SAMPLES // self.SERIES
        with socket.create_connection(("127.0.0.1", collector.port)) as connection:
            for step in range(each):
                at = BEGIN + 10 * step
                connection.sendall("".join(f'{at} big{{i="{i}"}} {step + i}\n'
                                           for i in range(self.SERIES)).encode())
        wait_until(lambda: status(collector)["samples_stored"] >= each * self.SERIES, 120, "stored")

    def start_query(self, collector, *arguments):
        """A client that asks and reads nothing."""
        client = socket.socket(socket.AF_UNIX)
        client.connect(collector.socket)
        client.sendall("\t".join(("query", *arguments)).encode() + b"\n")
        return client

    def threads(self, collector):
        return len(os.listdir(f"/proc/{collector.pid}/task"))

    def test_a_long_query_holds_up_nobody(self):
        collector = self.start_collector()
        self.fill(collector)
        usual = self.threads(collector)
        clients = [self.start_query(collector, "series=big"),
                   self.start_query(collector, "series=big", "step=60000000", "by=")]
        slowest = 0
        for i in range(20):
            begin = time.monotonic()
            before = status(collector)["samples_stored"]
            self.send(collector.port, f"small {i}\n")
            wait_until(lambda: status(collector)["samples_stored"] > before, 10, "stored")
            slowest = max(slowest, time.monotonic() - begin)
        self.assertGreater(self.threads(collector), usual)
        print(f"# the slowest of 20 lines was stored within {slowest:.3f} s beside a query over {self.SAMPLES} samples")
        self.assertLess(slowest, 1.0 * float(os.environ.get("HM_PATIENCE", "1")))
        for client in clients:
            client.close()
        wait_until(lambda: self.threads(collector) == usual, 2, "the queries end with their clients")
        begin = time.monotonic()
        client = self.start_query(collector, "series=big", "step=60000000", "by=")
        time.sleep(0.1)
        self.assertEqual(collector.stop()[0], 0)
        self.assertLess(time.monotonic() - begin, 5 * float(os.environ.get("HM_PATIENCE", "1")))
        client.close()

    def test_an_interrupt_ends_a_query_at_once(self):
        collector = self.start_collector()
        self.fill(collector)
        self.assertEqual(status(collector)["queries_running"], 0)
        # One that works; both wait for their reader in the end.
        for arguments in (("-f", "quantile=0.5", "--step", "1000s"), ("-o", "plain")):
            process = subprocess.Popen([os.path.join(BUILD, "agentctl"), "--socket", collector.socket, "query", "big", *arguments],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       # A job in the background is begun with the signal ignored.
                                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
            wait_until(lambda: status(collector)["queries_running"] == 1, 10, "it runs")
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=10), -signal.SIGINT)
            wait_until(lambda: status(collector)["queries_running"] == 0, 10, "the thread has ended")
            took = time.monotonic() - begin
            print(f"# the query's thread had ended {took:.3f} s after the signal")
            self.assertLess(took, 1.0 * float(os.environ.get("HM_PATIENCE", "1")))
            process.stdout.close()
            process.stderr.close()

    def test_lists_take_the_places_of_queries(self):
        """They too run on threads, and hold up nobody."""
        config = self.write("collector.conf", "[collector]\nqueries = 1\n")
        collector = self.start_collector("--config", config)
        self.send(collector.port, "".join(f'{BEGIN} m{{i="{i:05}",long="{"x" * 200}"}} {i}\n' for i in range(20_000)))
        wait_until(lambda: status(collector)["samples_stored"] == 20_000, 20)
        for verb in ("list-metrics", "get\tseries=m"):
            client = socket.socket(socket.AF_UNIX)
            client.connect(collector.socket)
            client.sendall(verb.encode() + b"\n")
            wait_until(lambda: status(collector)["queries_running"] == 1, 10, "it runs")
            client.close()
            wait_until(lambda: status(collector)["queries_running"] == 0, 10, "it has ended")
        self.assertEqual(len(ctl("--socket", collector.socket, "get", "m", "-o", "plain").lines()), 20_000)

    def test_limits_end_a_query_with_a_message(self):
        config = self.write("collector.conf", "[collector]\nquery_memory_mib = 2\nqueries = 1\n")
        collector = self.start_collector("--config", config)
        # The newest first: what is not in order is sorted, and takes memory.
        self.send(collector.port, "".join(f"{BEGIN + i // 3} x{{i=\"{i % 3}\"}} {i}\n" for i in range(89_999, -1, -1)))
        wait_until(lambda: status(collector)["samples_stored"] == 90_000, 20)
        result = ctl("--socket", collector.socket, "query", "x", "-f", "max")
        self.assertEqual(result.code, 1)
        self.assertIn("the query takes more than 2 MiB of memory: ask for a shorter time (--since, --until), "
                      "for fewer series, or for a longer --step, or raise query_memory_mib in collector.conf", result.err)
        # Samples that fill their share of it leave the windows theirs.
        found = ctl("--socket", collector.socket, "query", "x", "-f", "max", "--step", "1m", "-o", "plain",
                    "--since", str(BEGIN), "--until", str(BEGIN + 8000))
        self.assertEqual((found.code, len(found.lines())), (0, 3 * 134), found.err)
        # A part fits, and what fits only series by series is read so.
        arguments = ("--since", str(BEGIN), "--until", str(BEGIN + 5000), "-o", "plain")
        for _ in range(2):
            rows = ctl("--socket", collector.socket, "query", "x", *arguments).lines()
            self.assertEqual([float(row.split("\t")[3]) for row in rows],
                             [3.0 * at + i for i in range(3) for at in range(5001)])
            self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)

        # One that nobody reads takes the only place, and gives way.
        client = self.start_query(collector, "series=x", f"until={(BEGIN + 10_000) * 1_000_000}")
        wait_until(lambda: ctl("--socket", collector.socket, "query", "x", *arguments).code == 0, 10)
        client.settimeout(10)
        text = b""
        while b"\nend\t" not in text:
            part = client.recv(1 << 20)
            if not part:
                break
            text += part
        self.assertIn(b"end\tfailed\tended in the middle", text)
        client.close()

    def test_time_ends_a_query(self):
        config = self.write("collector.conf", "[collector]\nquery_time = 1ms\n")
        collector = self.start_collector("--config", config)
        self.send(collector.port, "".join(f"{BEGIN + i} x {i}\n" for i in range(200_000)))
        wait_until(lambda: status(collector)["samples_stored"] == 200_000, 20)
        result = ctl("--socket", collector.socket, "query", "x", "-f", "max")
        self.assertEqual(result.code, 1)
        self.assertIn("the query takes more than 1ms: ask for a shorter time", result.err)


if __name__ == "__main__":
    import unittest
    unittest.main()
