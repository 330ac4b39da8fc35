# SPDX-License-Identifier: MIT
"""Text in, for anybody: nc, UDP, a short Python client, Graphite senders, and rubbish."""

import os
import shutil
import socket
import subprocess
import time
import unittest

from support import Case, ctl, query, status, wait_until

NOW = 1795416401


class Text(Case):
    def setUp(self):
        super().setUp()
        self.collector = self.start_collector()
        self.host = status(self.collector)["hostname"]

    def values(self, pattern):
        return [(row["time"], row["host"], row["series"], row["value"])
                for row in query(self.collector, pattern)]

    def test_a_line_sent_with_nc_is_stored_listed_and_queried(self):
        nc = shutil.which("nc")
        if not nc:
            self.skipTest("nc is not installed")
        with subprocess.Popen([nc, "-q1", "127.0.0.1", str(self.collector.port)],
                              stdin=subprocess.PIPE) as process:
            process.communicate(f"{NOW} room_temp{{room=\"the lab\"}} 21.5\n".encode(), timeout=20)
        self.wait_stored(self.collector, 1)
        series = 'room_temp{room="the lab"}'
        self.assertEqual(self.values("room_temp"), [(NOW, self.host, series, 21.5)])
        listed = ctl("--socket", self.collector.socket, "list-metrics", "room_*", "-o", "json").json()
        self.assertEqual([(row["host"], row["series"], row["value"]) for row in listed],
                         [(self.host, series, 21.5)])

    def test_several_lines_in_one_datagram(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(f"{NOW} a 1\n{NOW} b 2\r\n{NOW} c 3".encode(), ("127.0.0.1", self.collector.port))
        self.wait_stored(self.collector, 3)
        self.assertEqual([row[3] for row in self.values("[abc]")], [1, 2, 3])

    def test_a_ten_line_python_client(self):
        client = os.path.join(os.path.dirname(__file__), "client.py")
        with open(client, encoding="utf-8") as file:
            code = [line for line in file if line.strip() and not line.startswith("#")]
        self.assertLessEqual(len(code), 10)
        subprocess.run(["python3", client, "127.0.0.1", str(self.collector.port)], check=True, timeout=20)
        self.wait_stored(self.collector, 3)
        self.assertEqual([row[3] for row in self.values("demo_value")], [0, 1, 2])

    def test_what_graphite_senders_really_send(self):
        self.send(self.collector.port, (
            "collectd.web_example_org.load.load.shortterm 3.53076171875 1795416401\r\n"
            "load.load.shortterm;host=web.example.org;plugin=load;type=load 3.53 1795416401\r\n"
            "collectd.web.interface-lo.if_octets.rx nan 1795416401\r\n"
            "netdata.ndhost.idlejitter.min;_is_ephemeral=false 84 1795416691\n"
            "tabs\t\t5 \t1795416401\n"
            "float.time 6 1795416748.75\n"
            "exp 1e3 1795416401\n"))
        self.wait_stored(self.collector, 6)
        self.assertEqual(self.values("collectd.*"), [
            (NOW, self.host, "collectd.web_example_org.load.load.shortterm", 3.53076171875)])
        self.assertEqual(self.values("load.*"), [
            (NOW, "web.example.org", 'load.load.shortterm{plugin="load",type="load"}', 3.53)])
        self.assertEqual(self.values("netdata.*")[0][2:],
                         ('netdata.ndhost.idlejitter.min{_is_ephemeral="false"}', 84))
        self.assertEqual(self.values("tabs")[0][3], 5)
        self.assertEqual(self.values("float.time")[0][0], 1795416748.75)
        self.assertEqual(self.values("exp")[0][3], 1000)
        self.assertEqual(status(self.collector)["rejected_not_finite"], 1)

    def test_a_missing_time_is_now(self):
        begin = time.time()
        self.send(self.collector.port, "no.time 5\nminus.one 6 -1\nletter 7 N\n-1 native 8\n")
        self.wait_stored(self.collector, 4)
        for name in ("no.time", "minus.one", "letter", "native"):
            at = self.values(name)[0][0]
            self.assertTrue(begin - 0.01 <= at <= time.time(), (name, at))

    def test_label_values_hold_blanks_quotes_backslashes_and_newlines(self):
        self.send(self.collector.port, '1795416401 m{z="a b",a="q\\"q",k="b\\\\s",n="x\\ny"} 1\n')
        self.wait_stored(self.collector, 1)
        self.assertEqual(self.values("m")[0][2], 'm{a="q\\"q",k="b\\\\s",n="x\\ny",z="a b"}')

    def test_a_bad_line_costs_only_itself_and_is_told_with_its_reason(self):
        with socket.create_connection(("127.0.0.1", self.collector.port)) as connection:
            connection.sendall(b"good 1\nbad name with spaces 7\nvalue x\nopen{a=\"1 5\n\xff\xfe 3\n"
                               b"hex 0x10\n" + b"y" * 70000 + b" 1\nGET / HTTP/1.1\n\nlast 2\n")
            self.wait_stored(self.collector, 2)
            connection.sendall(b"still 3\n")
            self.wait_stored(self.collector, 3)
        state = status(self.collector)
        self.assertEqual(state["rejected_line_too_long"], 1)
        self.assertEqual(state["rejected_bad_name"], 1)
        self.assertEqual(state["rejected_bad_labels"], 1)
        self.assertGreaterEqual(state["rejected_bad_value"], 2)
        self.assertIn("x", state["rejected_bad_value_example"] + "x")
        self.assertEqual(state["lines_rejected"], sum(
            value for key, value in state.items()
            if key.startswith("rejected_") and not key.endswith("_example")))
        self.assertEqual(state["lines_rejected"], 7)

    def test_infinities_and_nan_are_counted_apart(self):
        self.send(self.collector.port, "a inf\nb -Inf\nc NaN\nd 1\n")
        self.wait_stored(self.collector, 1)
        self.assertEqual(status(self.collector)["rejected_not_finite"], 3)

    def test_a_last_line_without_newline_counts_at_a_clean_end(self):
        self.send(self.collector.port, "unfinished 12")
        self.wait_stored(self.collector, 1)

    def test_urgent_bytes_are_bytes_of_the_line(self):
        with socket.create_connection(("127.0.0.1", self.collector.port)) as connection:
            connection.sendall(b"urgent ")
            connection.send(b"2", socket.MSG_OOB)
            connection.sendall(b"3\n")
        self.wait_stored(self.collector, 1)
        self.assertEqual([row[3] for row in self.values("urgent")], [23])

    def test_a_cut_line_of_an_exporter_is_not_invented(self):
        self.send(self.collector.port, "# TYPE whole gauge\nwhole 1\nwhole 12")
        self.wait_stored(self.collector, 1)
        time.sleep(0.3)
        self.assertEqual([row[3] for row in self.values("whole")], [1])

    def test_declarations_are_listed_as_kind_and_unit(self):
        self.send(self.collector.port, "# TYPE x_seconds_total counter\n# UNIT x_seconds_total seconds\n"
                                       "x_seconds_total 1\nplain 2\n")
        self.wait_stored(self.collector, 2)
        listed = ctl("--socket", self.collector.socket, "list-metrics", "-o", "json").json()
        self.assertEqual([(row["series"], row["kind"], row["unit"]) for row in listed],
                         [("plain", "unknown", ""), ("x_seconds_total", "counter", "seconds")])

    def test_values_come_back_bit_for_bit(self):
        texts = ["0.1", "-0", "1e-320", "1.7976931348623157e308", "9007199254740993", "3.141592653589793",
                 "123456789012345678", "2.2250738585072014e-308", "-1.5e-7"]
        self.send(self.collector.port, "".join(f"{NOW + i} bits {text}\n" for i, text in enumerate(texts)))
        self.wait_stored(self.collector, len(texts))
        out = ctl("--socket", self.collector.socket, "query", "bits", "-o", "plain").lines()
        got = [float(line.split()[-1]).hex() for line in out]
        self.assertEqual(got, [float(text).hex() for text in texts])

    def test_names_from_outside_stay_inside_the_store(self):
        before = {name for _, _, names in os.walk(self.folder) for name in names}
        self.send(self.collector.port, "../../etc/passwd 1\n/abs 2\n.hidden 3\n.. 4\n"
                                       "x;host=../../up 5\nrm;host=.. 6\n-rf 7\n$(id) 8\n%n 9\n")
        self.wait_stored(self.collector, 9)
        self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        outside = [os.path.join(path, name) for path, _, names in os.walk(self.folder) for name in names
                   if not path.startswith(self.path("store")) and name not in before]
        self.assertEqual(outside, [])
        files = [name for _, _, names in os.walk(self.path("store", "hosts")) for name in names]
        self.assertEqual(len([name for name in files if name != ".host"]), 9, files)
        self.assertEqual(query(self.collector, "[.][.]/[.][.]/etc/passwd")[0]["value"], 1)


if __name__ == "__main__":
    unittest.main()
