# SPDX-License-Identifier: MIT
"""agentctl export and import: exact round trips, refusals, memory, interruptions; with real daemons."""

import csv
import io
import json
import math
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time
from decimal import Decimal

from support import BUILD, PATIENCE, ROOT, Case, ctl, status, wait_until

SEED = int(os.environ.get("HM_TEST_SEED", time.time_ns() % 1_000_000_000))
FORMATS = ("csv", "jsonl", "openmetrics")
HOSTS = ("web01", "über host", "'quoted", "=cmd()", "-1", "a,b\"c")
METRICS = (  # name, kind, unit: those that TYPE and UNIT can tell, and all the others
    ("node_seconds_total", "counter", "seconds"), ("node_seconds", "gauge", "seconds"), ("plain", "", ""),
    ("temp_celsius", "gauge", "celsius"), ("temp", "gauge", "celsius"), ("ticks", "counter", ""),
    ("room.temp", "gauge", ""), ("zähler_total", "counter", "°C"), ("+sum", "", "x y"),
    ("hits_total", "counter", ""), ("x_total", "gauge", ""))
LABELS = ("", '{cpu="0"}', '{a="x\\"y",host2="n\\nl",zz="\\\\"}', '{odd-name="1",ä="ö"}', '{a=",",h="",hosts="1"}')
VALUES = ("NaN", "NaN(0x7ff8000000000001)", "NaN(0xfff8000000000000)", "NaN(0x7ff0000000000002)", "+Inf", "-Inf",
          "-0", "0", "5e-324", "-5e-324", "2.2250738585072009e-308", "1.7976931348623157e308", "0.1", "9007199254740993")
TIMES = ("1795416401", "1795416401.000001", "0", "-1", "-5.5", "1577836799.999999", "9223372036854.775807",
         "-9223372036854.775807", "4102444800")


def bits_of(text):
    special = re.fullmatch(r"NaN\(0x([0-9a-f]{16})\)", text)
    if special:
        return int(special.group(1), 16)
    if text.lower() == "nan":
        return 0x7FF8000000000000
    return struct.unpack("<Q", struct.pack("<d", float(text)))[0]


def value_of(chooser):
    if chooser.random() < 0.5:
        return chooser.choice(VALUES)
    bits = chooser.getrandbits(64)
    value = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return f"NaN(0x{bits:016x})" if math.isnan(value) else {"inf": "+Inf"}.get(repr(value), repr(value))


def nasty_samples(seed):
    """Rows (time, host, series, kind, unit, value); many of one time, and some thrice the same."""
    chooser = random.Random(seed)
    rows = []
    for host in HOSTS:
        for metric, kind, unit in METRICS:
            # One host that knows nothing of a metric, or something else.
            kind = {0: "", 1: "gauge"}.get(chooser.randrange(12), kind)
            for labels in chooser.sample(LABELS, 3):
                for _ in range(chooser.randrange(1, 9)):
                    at = (chooser.choice(TIMES) if chooser.random() < 0.5 else
                          f"{chooser.randrange(1795416401, 1795416403)}.{chooser.randrange(10 ** 6):06}")
                    row = (at, host, metric + labels, kind, unit, value_of(chooser))
                    rows += [row] * (3 if chooser.random() < 0.05 else 1)
    chooser.shuffle(rows)
    return rows


def guard(text):
    return "'" + text if text[:1] in tuple("=+-@'") and text else text


def as_csv(rows):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("time", "host", "series", "kind", "unit", "value"))
    for row in rows:
        writer.writerow((row[0], *(guard(text) for text in row[1:5]), row[5]))
    return out.getvalue()


def canonical(series):
    metric, _, labels = series.partition("{")
    labels = [label for label in re.findall(r'[^,{}]*?="(?:[^"\\]|\\.)*"', labels) if not label.endswith('=""')]
    return metric + ("{" + ",".join(sorted(labels, key=lambda label: label.split("=")[0].encode())) + "}" if labels else "")


def expected(rows):
    """By host and series: kind and unit, and in the order of times what came, exactly."""
    series = {}
    for at, host, name, _, _, value in rows:
        series.setdefault((host, canonical(name)), []).append((Decimal(at), bits_of(value)))
    return {key: sorted(samples, key=lambda sample: sample[0]) for key, samples in series.items()}


def read_csv(text):
    series = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        host, name = (row[key][1:] if row[key].startswith("'") else row[key] for key in ("host", "series"))
        series.setdefault((host, name), []).append((Decimal(row["time"]), bits_of(row["value"])))
    return series


def escape(value):
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def read_jsonl(text):
    series = {}
    for line in text.splitlines():
        row = json.loads(line, parse_float=lambda number: number, parse_int=lambda number: number)
        labels = ",".join(f'{name}="{escape(value)}"' for name, value in row.get("labels", {}).items())
        name = row["metric"] + ("{" + labels + "}" if labels else "")
        series.setdefault((row["host"], name), []).append((Decimal(row["time"]), bits_of(row["value"])))
    return series


class ExportTests(Case):
    """Each test begins with the store of one collector, and has a second one to import into."""

    def setUp(self):
        super().setUp()
        print(f"{self.id()}: seed {SEED}", file=sys.stderr)
        self.n_started = 0

    def collector(self):
        self.n_started += 1
        name = f"c{self.n_started}"
        return self.start_collector("--store", self.path(name), name=name)

    def export(self, collector, *arguments, code=0):
        result = ctl("--socket", collector.socket, "export", *arguments, seconds=120)
        self.assertEqual(result.code, code, result.err)
        return result.out

    def import_text(self, collector, text, *arguments, code=0):
        result = ctl("--socket", collector.socket, "import", "-", *arguments, text_in=text, seconds=120)
        self.assertEqual(result.code, code, result.err)
        return result

    def check_round_trips(self, collector, *arguments):
        for name in FORMATS:
            with self.subTest(format=name):
                text = self.export(collector, "-o", name, *arguments)
                other = self.collector()
                self.import_text(other, text)
                again = self.export(other, "-o", name, *arguments)
                self.assertEqual(again == text, True, f"{name}: {len(again)} bytes of {len(text)}")
                # Out of files as well as out of the log.
                self.assertEqual(ctl("--socket", other.socket, "flush").code, 0)
                self.assertEqual(self.export(other, "-o", name, *arguments) == text, True, name)
                other.stop()

    def test_round_trips_of_nasty_samples_are_exact(self):
        rows = nasty_samples(SEED)
        collector = self.collector()
        half = len(rows) // 2
        self.import_text(collector, as_csv(rows[:half]))
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        self.import_text(collector, as_csv(rows[half:]))
        wanted = expected(rows)
        for reader, name in ((read_csv, "csv"), (read_jsonl, "jsonl")):
            self.assertEqual(reader(self.export(collector, "-o", name)), wanted)
        self.check_round_trips(collector)

    def test_round_trips_of_a_recorded_host_are_exact(self):
        path = os.path.join(ROOT, "tests", "fixtures", "host-1s.txt.zst")
        collector = self.collector()
        unpack = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE, text=True)
        at = 0
        lines = []
        for line in unpack.stdout:
            if line.startswith("@"):
                at = int(line.split()[1])
            elif len(lines) < 40000:
                name, value = line.rsplit(" ", 1)
                name = name[:-1] + ',host="rec01"}' if name.endswith("}") else name + '{host="rec01"}'
                lines.append(f"{at} {name} {value}")
            else:
                break
        unpack.kill()
        unpack.communicate()
        self.send(collector.port, "# TYPE node_context_switches_total counter\n# UNIT node_boot_time_seconds seconds\n" +
                  "".join(lines))
        self.wait_stored(collector, len(lines), 30)
        self.assertEqual(len(self.export(collector).splitlines()), len(lines) + 1)
        self.check_round_trips(collector)

    def test_kind_unit_and_host_come_back(self):
        rows = nasty_samples(SEED + 1)
        collector = self.collector()
        self.import_text(collector, as_csv(rows))
        listed = ctl("--socket", collector.socket, "list-metrics", "-o", "json").json()
        known = sorted((row["host"], row["series"], row["kind"], row["unit"]) for row in listed)
        self.assertGreater(len({row[2:] for row in known}), 5)
        for name in FORMATS:
            other = self.collector()
            self.import_text(other, self.export(collector, "-o", name))
            listed = ctl("--socket", other.socket, "list-metrics", "-o", "json").json()
            self.assertEqual(sorted((row["host"], row["series"], row["kind"], row["unit"]) for row in listed), known)
            other.stop()

    def test_only_what_is_asked_for_is_exported(self):
        collector = self.collector()
        self.import_text(collector, as_csv([(str(1795416401 + i), host, f'm{{i="{i % 2}"}}', "", "", str(i))
                                            for i in range(10) for host in ("a", "b")]))
        out = self.export(collector, 'm{i="1"}', "--host", "a", "--since", "1795416403", "--until", "1795416408")
        self.assertEqual([line.split(",")[-1] for line in out.splitlines()[1:]], ["3", "5", "7"])
        self.assertEqual(ctl("--socket", collector.socket, "export", "nothing").code, 1)
        self.assertEqual(self.export(collector, "--since", "1795416501", code=1), "time,host,series,kind,unit,value\n")
        self.assertEqual(self.export(collector, "--since", "1795416501", "-o", "openmetrics", code=1), "# EOF\n")
        self.assertEqual(ctl("export", "-o", "json").code, 2)

    def test_text_of_prometheus_is_taken(self):
        collector = self.collector()
        text = ("# HELP node_load1 1m load average.\n# TYPE node_load1 gauge\nnode_load1 0.25 1795416401123\n"
                "# TYPE node_cpu_seconds_total counter\n"
                'node_cpu_seconds_total{cpu="0",mode="idle"} 1.5e+3 1795416401123\n'
                'node_cpu_seconds_total{cpu="0",mode="idle",host="b"} NaN 1795416401124 \n\n')
        self.import_text(collector, text, "--host", "web01")
        self.assertEqual(self.export(collector).splitlines()[1:], [
            '1795416401.124,b,"node_cpu_seconds_total{cpu=""0"",mode=""idle""}",counter,,NaN',
            '1795416401.123,web01,"node_cpu_seconds_total{cpu=""0"",mode=""idle""}",counter,,1500',
            "1795416401.123,web01,node_load1,gauge,,0.25"])
        other = self.collector()
        self.import_text(other, "x 1 1795416401\n# EOF\n", "-i", "prometheus", "--host", "h")
        self.assertIn("1795416.401,h,x,", self.export(other))

    def test_refused_lines_are_told_one_by_one(self):
        collector = self.collector()
        text = ("good 1 1795416401.5\nno_time 1\nbad{ 1 1795416401.5\nvalue x 1795416401.5\n"
                "time 1 x\n{} 1 1\n" + "long" * 20000 + "\ngood 2 1795416402.5\n" + "m" * 201 + " 1 1795416401.5\n# EOF\n")
        result = self.import_text(collector, text, "--host", "h", code=1)
        self.assertEqual(result.out, "2 samples stored, 7 lines refused\n")
        told = re.findall(r"standard input:(\d+): ", result.err)
        self.assertEqual(sorted(map(int, told)), [2, 3, 4, 5, 6, 7, 9])
        self.assertEqual(status(collector)["samples_stored"], 2)
        header = "time,host,series,kind,unit,value\n"
        for line in ("1,h,m,,,", "1,h,m,,", "x,h,m,,,1", '1,h,"m,,,1', "1,h,m{,,,1", "1,h,\"m{host=\"\"x\"\"}\",,,1",
                     "99999999999999,h,m,,,1", f"1,h,m,,{'u' * 65},1", f"1,{'h' * 201},m,,,1", "1,h,m,,,NaN(0x1)"):
            self.assertEqual(self.import_text(collector, header + line + "\n", code=1).out,
                             "0 samples stored, 1 lines refused\n", line)
        for line in ("{}", "[1]", '{"time":1}', '{"time":1,"metric":"m","value":"x"}', '{"time":1,"metric":"m","value":1} x',
                     '{"time":1,"time":2,"metric":"m","value":1}', '{"time":1,"metric":"m\\u0000","value":1}',
                     '{"time":1,"metric":"m","value":1,"labels":{"a":1}}', '{"time":1,"metric":"\\ud800","value":1}'):
            self.assertEqual(self.import_text(collector, line + "\n", "-i", "jsonl", code=1).out,
                             "0 samples stored, 1 lines refused\n", line)
        self.assertEqual(status(collector)["samples_stored"], 2)

    # -- what may happen meanwhile -----------------------------------------------------------------

    def start_import(self, collector):
        return subprocess.Popen([os.path.join(BUILD, "agentctl"), "--socket", collector.socket, "import", "-"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def values(self, collector):
        return [int(line.rsplit(",", 1)[1]) for line in self.export(collector).splitlines()[1:]]

    def test_an_interrupted_import_goes_on_without_doubling(self):
        collector = self.collector()
        lines = [f"{1795416401 + i},h,m,,,{i}\n" for i in range(50000)]
        text = "time,host,series,kind,unit,value\n" + "".join(lines)
        program = self.start_import(collector)
        program.stdin.write(text[:len(text) * 2 // 3])
        program.stdin.flush()
        wait_until(lambda: status(collector)["samples_stored"] > 20000, 20, "some are stored")
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=20 * PATIENCE)
        self.assertEqual(program.returncode, 1, err)
        skip = int(re.search(r"--skip (\d+)", err).group(1))
        n_stored = int(out.split()[0])
        self.assertEqual((skip, "not known" in err), (n_stored + 1, False))
        self.assertEqual(status(collector)["samples_stored"], n_stored)
        self.import_text(collector, text, "--skip", str(skip))
        self.assertEqual(self.values(collector), list(range(50000)))

    def test_what_is_said_to_be_stored_survives_the_collectors_end(self):
        collector = self.collector()
        program = self.start_import(collector)
        written = 0
        try:
            program.stdin.write("time,host,series,kind,unit,value\n")
            for written in range(2000000):
                program.stdin.write(f"{1795416401 + written},h,m,,,{written}\n")
                if written == 120000:
                    collector.process.kill()
        except BrokenPipeError:
            pass
        try:
            out, err = program.communicate(timeout=20 * PATIENCE)
        except BrokenPipeError:
            program.wait()
            out, err = program.stdout.read(), program.stderr.read()
        self.assertEqual(program.returncode, 3, err)
        n_stored = int(out.split()[0])
        last = int(re.search(r"of the lines from \d+ to (\d+)", err).group(1)) if "of the lines" in err else n_stored + 1
        self.assertGreater(n_stored, 0)
        again = self.start_collector("--store", self.path("c1"), name="again")
        values = self.values(again)
        self.assertEqual(values, list(range(len(values))))
        self.assertTrue(n_stored <= len(values) <= last - 1, (n_stored, len(values), last))

    def test_nobody_waits_for_an_import(self):
        collector = self.collector()
        program = self.start_import(collector)
        longest = 0
        try:
            for i in range(20):
                program.stdin.write("".join(f'm{{i="{j % 97}",host="h"}} {j} {1795416401 + i * 5000 + j}.5\n' for j in range(5000)))
                begin = time.monotonic()
                status(collector)
                longest = max(longest, time.monotonic() - begin)
        finally:
            program.stdin.close()
        self.assertEqual(program.wait(), 0, program.stderr.read())
        self.assertLess(longest, 1 * PATIENCE)
        program.stdout.close()
        program.stderr.close()

    def test_a_reader_that_goes_away_ends_an_export(self):
        collector = self.collector()
        self.import_text(collector, as_csv([(str(1795416401 + i), "h", "m", "", "", str(i)) for i in range(50000)]))
        program = subprocess.Popen([os.path.join(BUILD, "agentctl"), "--socket", collector.socket, "export"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        program.stdout.readline()
        program.stdout.close()
        self.assertEqual(program.wait(timeout=10 * PATIENCE), -signal.SIGPIPE)
        self.assertEqual(program.stderr.read(), b"")
        program.stderr.close()
        self.assertEqual(status(collector)["samples_stored"], 50000)

    # -- memory ------------------------------------------------------------------------------------

    @staticmethod
    def peak_kib(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            found = re.search(r"VmHWM:\s+(\d+)", file.read())
        # One that has ended has no memory.
        return int(found.group(1)) if found else 0

    def measure(self, n_samples):
        """Peaks in KiB: collector and agentctl while they export, the same two while they import."""
        source, target = self.collector(), self.collector()
        with open(self.path("in"), "w", encoding="ascii") as file:
            file.write("time,host,series,kind,unit,value\n")
            for i in range(n_samples):
                file.write(f"{1700000000 + i // 2},h,m,,,{i % 1000}\n")
        self.assertEqual(ctl("--socket", source.socket, "import", self.path("in"), seconds=300).code, 0)
        self.assertEqual(ctl("--socket", source.socket, "flush").code, 0)
        before = status(source)["samples_stored"]
        peaks = {}
        source.stop()
        # A new process has no peak of taking them in.
        source = self.start_collector("--store", self.path(f"c{self.n_started - 1}"), name=f"again{self.n_started}")
        agentctl = [os.path.join(BUILD, "agentctl")]
        with subprocess.Popen([*agentctl, "--socket", source.socket, "export"], stdout=subprocess.PIPE) as out, \
                subprocess.Popen([*agentctl, "--socket", target.socket, "import", "-"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE) as to:
            n_lines = 0
            while chunk := out.stdout.read(1 << 16):
                peaks["export"] = max(peaks.get("export", 0), self.peak_kib(out.pid))
                to.stdin.write(chunk)
                n_lines += chunk.count(b"\n")
            to.stdin.flush()
            peaks["import"] = self.peak_kib(to.pid)
            to.stdin.close()
            self.assertEqual((out.wait(), to.wait(), n_lines), (0, 0, before + 1))
        peaks["source"], peaks["target"] = self.peak_kib(source.pid), self.peak_kib(target.pid)
        self.assertEqual(status(target)["samples_stored"], n_samples)
        source.stop()
        target.stop()
        return peaks

    def test_memory_does_not_grow_with_the_samples(self):
        many = int(os.environ.get("HM_EXPORT_SAMPLES", "1000000"))
        few, lots = self.measure(100000), self.measure(many)
        print(f"peaks in KiB: 100000 samples {few}, {many} samples {lots}", file=sys.stderr)
        if "HM_SAN" in os.environ and os.environ["HM_SAN"]:
            self.skipTest("a sanitizer keeps memory that was freed")
        for name, peak in few.items():
            self.assertGreater(peak, 0, name)
            self.assertLess(lots[name], peak + 6144, name)
