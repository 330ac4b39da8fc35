# SPDX-License-Identifier: MIT
"""The daemons as processes: edge-triggered throughout, clean ends, one of each."""

import os
import re
import signal
import socket
import time
import unittest

from support import Case, ctl, free_port, query, status, wait_until

EPOLLET = 1 << 31


def epoll_registrations(pid):
    """(descriptor, events) of everything registered in any epoll instance of the process."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
                found += [(int(fd), int(events, 16)) for fd, events in
                          re.findall(r"^tfd:\s*(\d+) events:\s*([0-9a-f]+)", file.read(), re.M)]
        except FileNotFoundError:
            pass
    return found


class Server(Case):
    def test_nothing_is_registered_level_triggered(self):
        collector = self.start_collector()
        agent = self.start_agent({"interval": "1s", "ship_interval": "1s",
                                  "collector": f"127.0.0.1:{collector.port}"})
        with socket.create_connection(("127.0.0.1", collector.port)) as connection:
            connection.sendall(b"x 1\n")
            wait_until(lambda: status(collector)["connections"] >= 2)
            for daemon in (collector, agent):
                registrations = epoll_registrations(daemon.pid)
                self.assertGreaterEqual(len(registrations), 4)
                self.assertEqual([entry for entry in registrations if not entry[1] & EPOLLET], [])

    def test_more_than_a_budget_in_one_edge_is_all_read(self):
        collector = self.start_collector()
        lines = b"".join(b"%d budget %d\n" % (1795416401 + i, i) for i in range(100000))
        os.kill(collector.pid, signal.SIGSTOP)
        with socket.create_connection(("127.0.0.1", collector.port)) as connection:
            connection.setblocking(False)
            sent = 0
            try:
                while sent < len(lines):
                    sent += connection.send(lines[sent:])
            except BlockingIOError:
                pass
            self.assertGreater(sent, 256 * 1024, "less than a budget's worth was waiting")
            os.kill(collector.pid, signal.SIGCONT)
            connection.setblocking(True)
            connection.sendall(lines[sent:])
        self.wait_stored(collector, 100000, 20)
        rows = query(collector, "budget")
        self.assertEqual([row["value"] for row in rows], list(range(100000)))

    def test_a_client_that_sends_without_end_does_not_hold_up_another(self):
        collector = self.start_collector()
        with socket.create_connection(("127.0.0.1", collector.port)) as loud:
            loud.setblocking(False)
            noise = b"1795416401 noise 1\n" * 50000
            for _ in range(5):
                try:
                    loud.send(noise)
                except BlockingIOError:
                    pass
            begin = time.monotonic()
            self.send(collector.port, "quiet 1\n")
            wait_until(lambda: query(collector, "quiet"), 5)
            self.assertLess(time.monotonic() - begin, 5)

    def test_bytes_one_at_a_time(self):
        collector = self.start_collector()
        with socket.create_connection(("127.0.0.1", collector.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b"1795416401 slow 1\r\n1795416402 slow 2\n":
                connection.sendall(bytes([byte]))
                time.sleep(0.001)
            self.wait_stored(collector, 2)

    def test_many_connections_at_once(self):
        collector = self.start_collector()
        connections = [socket.create_connection(("127.0.0.1", collector.port)) for _ in range(500)]
        for i, connection in enumerate(connections):
            connection.sendall(b"1795416401 many{i=\"%d\"} %d\n" % (i, i))
        self.wait_stored(collector, 500)
        self.assertEqual(sorted(row["value"] for row in query(collector, "many")), list(range(500)))
        for connection in connections:
            connection.close()
        wait_until(lambda: status(collector)["connections"] == 0)

    def test_several_reactors(self):
        config = self.write("collector.conf", "[collector]\nreactors = 3\n")
        collector = self.start_collector("--config", config)
        for i in range(60):
            self.send(collector.port, f"1795416401 shared{{i=\"{i}\"}} {i}\n")
        self.wait_stored(collector, 60)

    def test_ipv6(self):
        try:
            collector = self.start_collector(listen="[::1]:0", ready=False)
            collector.wait_ready()
        except AssertionError:
            self.skipTest("this machine has no IPv6 loopback")
        port = int(status(collector)["listen"].rsplit(":", 1)[1])
        with socket.create_connection(("::1", port)) as connection:
            connection.sendall(b"six 6\n")
        self.wait_stored(collector, 1)


class Ends(Case):
    def test_sigterm_stores_what_has_arrived_within_2_seconds(self):
        collector = self.start_collector()
        connection = socket.create_connection(("127.0.0.1", collector.port))
        connection.sendall(b"".join(b"1795416401 last{i=\"%d\"} %d\n" % (i, i) for i in range(5000)))
        code, seconds = collector.stop()
        connection.close()
        self.assertEqual(code, 0, collector.log())
        self.assertLess(seconds, 2)
        again = self.start_collector(name="again")
        self.assertEqual(len(query(again, "last")), 5000)

    def test_an_agent_that_ends_hands_over_what_it_has(self):
        collector = self.start_collector()
        agent = self.start_agent({"interval": "1s", "ship_interval": "1h",
                                  "collector": f"127.0.0.1:{collector.port}"})
        wait_until(lambda: status(agent)["rounds"] >= 3)
        rounds = status(agent)["rounds"]
        code, seconds = agent.stop(signal.SIGINT)
        self.assertEqual(code, 0, agent.log())
        self.assertLess(seconds, 2)
        wait_until(lambda: len(query(collector, "node_load1")) >= rounds)

    def test_nothing_is_left_of_a_daemon_that_ended(self):
        collector = self.start_collector()
        agent = self.start_agent({"collector": f"127.0.0.1:{collector.port}"})
        agent.stop()
        collector.stop()
        left = [name for name in os.listdir(self.run_folder) if not name.endswith(".log")]
        self.assertEqual(left, [])

    def test_a_second_daemon_on_the_same_store_is_refused_with_the_first_ones_pid(self):
        first = self.start_collector()
        second = self.start_collector(name="second", ready=False)
        self.assertEqual(second.process.wait(timeout=20), 1)
        self.assertIn(str(first.pid), second.log())
        self.assertIn(self.path("store"), second.log())
        self.assertEqual(ctl("--socket", first.socket, "status").code, 0)

    def test_a_second_daemon_on_the_same_socket_is_refused_with_the_first_ones_pid(self):
        first = self.start_agent({"collector": f"127.0.0.1:{free_port()}"})
        second = self.start_daemon("hostmetrics-agent", ["--config", self.path("agent.conf")], "agent",
                                   ready=False)
        self.assertEqual(second.process.wait(timeout=20), 1)
        self.assertIn(str(first.pid), second.log())
        self.assertEqual(ctl("--socket", first.socket, "status").code, 0)

    def test_a_socket_left_by_a_killed_daemon_is_taken_over(self):
        first = self.start_collector()
        first.process.kill()
        first.process.wait()
        self.assertTrue(os.path.exists(first.socket))
        again = self.start_collector(name="collector")
        self.assertEqual(status(again)["pid"], again.pid)

    def test_a_port_that_is_taken_is_an_error_with_the_address(self):
        first = self.start_collector()
        os.rename(self.path("store"), self.path("other"))
        second = self.start_collector(listen=f"127.0.0.1:{first.port}", name="second", ready=False)
        self.assertEqual(second.process.wait(timeout=20), 1)
        self.assertIn(f"127.0.0.1:{first.port}", second.log())
        self.assertIn("in use", second.log())

    def test_kill_9_loses_no_sample_that_was_counted_as_stored(self):
        collector = self.start_collector()
        self.send(collector.port, "".join(f"{1795416401 + i} kept {i}\n" for i in range(1000)))
        wait_until(lambda: status(collector)["samples_stored"] == 1000)
        collector.process.kill()
        collector.process.wait()
        again = self.start_collector(name="again")
        self.assertEqual([row["value"] for row in query(again, "kept")], list(range(1000)))


if __name__ == "__main__":
    unittest.main()
