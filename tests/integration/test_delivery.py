# SPDX-License-Identifier: MIT
"""From agent to store: every round arrives, whatever happens to the collector in between."""

import os
import signal
import time
import unittest

from support import BUILD, Case, ctl, free_port, query, run, status, wait_until

MANY = "[plugin random]\nseries = 2000\n"


class Delivery(Case):
    def rounds(self, collector, pattern="node_load1"):
        return [row["time"] for row in query(collector, pattern)]

    def agent_for(self, port, plugins="", **settings):
        return self.start_agent({"interval": "1s", "ship_interval": "1s", "hostname": "web01",
                                 "collector": f"127.0.0.1:{port}", **settings}, plugins)

    def test_metrics_of_this_machine_within_seconds(self):
        collector = self.start_collector()
        begin = time.monotonic()
        self.agent_for(collector.port)
        wait_until(lambda: self.rounds(collector), 5, "the first round is stored")
        self.assertLess(time.monotonic() - begin, 5)
        listed = ctl("--socket", collector.socket, "list-metrics", "node_cpu_seconds_total", "-o", "json").json()
        self.assertEqual({(row["host"], row["kind"], row["unit"]) for row in listed},
                         {("web01", "counter", "seconds")})

    def test_the_first_round_is_now_and_the_others_lie_on_the_grid(self):
        collector = self.start_collector()
        self.agent_for(collector.port)
        times = wait_until(lambda: (len(self.rounds(collector)) >= 4) and self.rounds(collector))
        self.assertNotEqual(times[0] % 1, 0)
        self.assertEqual([moment % 1 for moment in times[1:]], [0] * len(times[1:]))
        self.assertEqual([b - a for a, b in zip(times[1:], times[2:])], [1] * (len(times) - 2))

    def test_an_agent_that_was_there_before_the_collector(self):
        port = free_port()
        agent = self.agent_for(port)
        time.sleep(2.5)
        collector = self.start_collector(listen=f"127.0.0.1:{port}")
        wait_until(lambda: len(self.rounds(collector)) >= 4, 45, "the waiting rounds arrive")
        self.assert_no_hole(collector)
        said = [line for line in agent.log().splitlines() if "collector" in line and "refused" in line.lower()]
        self.assertEqual(len(said), 1, agent.log())

    def test_a_collector_that_was_restarted_gets_the_rest(self):
        collector = self.start_collector()
        agent = self.agent_for(collector.port)
        wait_until(lambda: len(self.rounds(collector)) >= 2)
        port = collector.port
        self.assertEqual(collector.stop()[0], 0)
        time.sleep(2.5)
        again = self.start_collector(listen=f"127.0.0.1:{port}", name="again")
        before = len(self.rounds(again))
        self.assertGreaterEqual(before, 2)
        wait_until(lambda: len(self.rounds(again)) >= before + 4, 45, "rounds go on")
        self.assertEqual(status(agent)["samples_dropped"], 0)

    def assert_no_hole(self, collector, pattern="node_load1"):
        times = self.rounds(collector, pattern)
        grid = times[1:]
        self.assertEqual(grid, [grid[0] + i for i in range(len(grid))])

    def test_a_stopped_collector_never_delays_a_tick(self):
        """A minute of SIGSTOP, with more data than the sockets hold; then all of it is there, once."""
        plugins = os.path.join(BUILD, "plugins-and-example")
        if not os.path.isdir(plugins):
            self.skipTest(f"{plugins} was not built")
        seconds = float(os.environ.get("HM_STOP_SECONDS", "60"))
        collector = self.start_collector()
        agent = self.start_agent({"interval": "1s", "ship_interval": "1s", "hostname": "web01",
                                  "collector": f"127.0.0.1:{collector.port}"}, MANY,
                                 arguments=["--plugins", plugins])
        wait_until(lambda: len(self.rounds(collector)) >= 2)
        os.kill(collector.pid, signal.SIGSTOP)
        time.sleep(seconds)
        state = status(agent)
        self.assertEqual(state["rounds_missed"], 0)
        self.assertGreater(state["queue_bytes"], 0, "the sockets held it all: this proved nothing")
        os.kill(collector.pid, signal.SIGCONT)
        end = time.time()
        wait_until(lambda: self.rounds(collector)[-1] > end, 20, "the queue is empty again")
        self.assert_no_hole(collector)
        rows = query(collector, 'random_value{index="1999"}')
        self.assertEqual([row["time"] for row in rows][1:],
                         [rows[1]["time"] + i for i in range(len(rows) - 1)])
        self.assertGreaterEqual(len(rows), int(seconds))
        self.assertEqual(status(agent)["rounds_missed"], 0)

    def test_an_address_that_does_not_answer_is_told_once_and_costs_nothing(self):
        agent = self.agent_for(9, collector="192.0.2.1:9999")
        wait_until(lambda: status(agent)["rounds"] >= 3)
        self.assertEqual(status(agent)["rounds_missed"], 0)
        code, seconds = agent.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 2)
        self.assertIn("not sent", agent.log())

    def test_a_name_that_does_not_resolve_is_told(self):
        agent = self.agent_for(9, collector="no-such-host.invalid:9999")
        wait_until(lambda: "no-such-host.invalid" in agent.log(), 20)
        wait_until(lambda: status(agent)["rounds"] >= 3)


class OwnPlugin(Case):
    def test_an_out_of_tree_plugin_is_found_in_list_metrics(self):
        plugins = os.path.join(BUILD, "plugins-and-example")
        if not os.path.isdir(plugins):
            self.skipTest(f"{plugins} was not built")
        collector = self.start_collector()
        self.start_agent({"interval": "1s", "ship_interval": "1s", "collector": f"127.0.0.1:{collector.port}"},
                         arguments=["--plugins", plugins])
        wait_until(lambda: ctl("--socket", collector.socket, "list-metrics", "random_*").code == 0)

    def test_a_broken_plugin_is_refused_and_the_rest_goes_on(self):
        plugins = self.path("plugins")
        os.mkdir(plugins, 0o755)
        with open(os.path.join(BUILD, "plugins", "hostmetrics.so"), "rb") as file:
            good = file.read()
        for name, data in (("hostmetrics.so", good), ("broken.so", good[:3000]), ("empty.so", b""),
                           ("text.so", b"not an object\n")):
            with open(os.path.join(plugins, name), "wb") as file:
                file.write(data)
            os.chmod(os.path.join(plugins, name), 0o644)
        os.mkdir(os.path.join(plugins, "folder.so"))
        result = run("hostmetrics-agent", "--once", "--plugins", plugins)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn(" node_load1 ", result.out)
        for name in ("broken.so", "empty.so", "text.so", "folder.so"):
            self.assertEqual(len([line for line in result.err.splitlines() if name in line]), 1, name)

    @unittest.skipIf(os.geteuid() != 0, "only an agent of root's looks at who may write a plugin")
    def test_a_plugin_that_others_may_write_is_refused_by_root(self):
        plugins = self.path("plugins")
        os.mkdir(plugins, 0o755)
        with open(os.path.join(BUILD, "plugins", "hostmetrics.so"), "rb") as file:
            data = file.read()
        path = os.path.join(plugins, "hostmetrics.so")
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o664)
        result = run("hostmetrics-agent", "--once", "--plugins", plugins)
        self.assertNotEqual(result.code, 0)
        self.assertIn("hostmetrics.so", result.err)
        self.assertRegex(result.err, "writ")
        os.chmod(path, 0o644)
        self.assertEqual(run("hostmetrics-agent", "--once", "--plugins", plugins).code, 0)


if __name__ == "__main__":
    unittest.main()
