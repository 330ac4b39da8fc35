# SPDX-License-Identifier: MIT
"""Which series an agent takes: the limit on all of them, and the filters of a plugin."""

import os
import signal
import time
import unittest

from support import BUILD, Case, ctl, query, run, status, wait_until

EXAMPLE = os.path.join(BUILD, "example")


def name(index):
    return f'random_value{{index="{index}"}}'


class Series(Case):
    """An agent with a plugin that has as many series as it is told, and one more that counts them."""

    def setUp(self):
        super().setUp()
        if not os.path.isdir(EXAMPLE):
            self.skipTest(f"{EXAMPLE} was not built")
        self.collector = self.start_collector()
        self.begin = time.time()

    def configure(self, series_max=10000, **random):
        lines = ["[agent]", "hostname = web01", "interval = 200ms", "ship_interval = 200ms",
                 f"collector = 127.0.0.1:{self.collector.port}", f"spool = {self.path('spool')}",
                 f"series_max = {series_max}", "[plugin random]",
                 *(f"{key} = {value}" for key, value in random.items())]
        return self.write("agent.conf", "\n".join(lines) + "\n")

    def start(self, **settings):
        return self.start_daemon(
            "hostmetrics-agent", ["--config", self.configure(**settings), "--plugins", EXAMPLE], "agent")

    def reload(self, agent, **settings):
        self.configure(**settings)
        result = ctl("--socket", agent.socket, "reload")
        self.assertEqual(result.code, 0, result.err)

    def listed(self, daemon, pattern="random_value"):
        """The labels of what list-metrics shows, as numbers."""
        result = ctl("--socket", daemon.socket, "list-metrics", pattern, "-o", "json")
        return sorted(int(row["series"].split('"')[1]) for row in result.json()) if result.code == 0 else []

    def wait_listed(self, agent, indices):
        wait_until(lambda: self.listed(agent) == list(indices), what=f"{indices} are listed")

    def wait_stored(self, index):
        """Wait until the collector has samples that are taken from now on."""
        now = time.time()
        wait_until(lambda: any(row["time"] > now for row in query(self.collector, name(index))),
                   what=f"samples of {index}")

    def stored(self):
        """The indices of which the collector has samples."""
        return {int(row["series"].split('"')[1]) for row in query(self.collector, "random_value")}

    def why(self, index):
        """[(reason, does it go on), ...] since the beginning"""
        result = ctl("--socket", self.collector.socket, "why", name(index), "--since", f"{self.begin:.6f}",
                     "--until", "now", "-o", "json")
        self.assertEqual(result.code, 0, result.err)
        # A busy machine may hold the agent up; that it is stopped may be too short for a hole.
        return [(row["reason"], row["to"] is None) for row in result.json()
                if row["reason"] not in ("agent_held_up", "agent_stopped")]

    def wait_why(self, index, expected):
        wait_until(lambda: self.why(index) == expected, what=f"{index}: {expected}")


class Limit(Series):
    def test_who_comes_first_stays_and_why_tells_quota(self):
        agent = self.start(series_max=50, series=100)
        wait_until(lambda: status(agent)["series_left_out"] == 51)
        state = status(agent)
        self.assertEqual((state["series"], state["series_max"]), (50, 50))
        self.assertEqual((state["left_out_most"], state["left_out_plugin"]), ("random_value", "random"))
        self.wait_stored(49)
        self.assertEqual(self.listed(agent), list(range(50)))

        self.reload(agent, series_max=30, series=100)
        self.wait_listed(agent, range(30))
        self.assertEqual(status(agent)["series_left_out"], 71)
        self.wait_why(40, [("quota", True)])
        self.wait_stored(29)
        self.assertEqual(self.why(29), [])
        self.assertEqual(self.stored(), set(range(50)))
        # Of one that was never stored the collector does not know the name.
        unknown = ctl("--socket", self.collector.socket, "why", name(70))
        self.assertEqual((unknown.code, unknown.out), (1, ""))
        self.assertEqual(agent.log().count("more series than series_max"), 1)
        self.assertIn("more series than series_max = 50: 51 are left out, 50 of them random_value; raise series_max "
                      "in [agent], or exclude some in [plugin random]\n", agent.log())
        self.assertNotIn("no series is left out any more", agent.log())

        self.reload(agent, series_max=101, series=100)
        self.wait_listed(agent, range(100))
        self.wait_stored(40)
        self.assertEqual(self.why(40), [("quota", False)])
        self.assertEqual(status(agent)["series_left_out"], 0)
        self.assertEqual(status(agent)["left_out_most"], "")
        self.assertEqual(agent.log().count("no series is left out any more"), 1)

    def test_an_agent_that_starts_with_a_lower_limit_says_so_too(self):
        agent = self.start(series=20)
        self.wait_stored(19)
        agent.stop()
        agent = self.start(series_max=10, series=20)
        self.wait_stored(9)
        self.wait_why(15, [("quota", True)])
        self.assertEqual(self.why(5), [])

    def test_a_total_that_is_left_out_does_not_fall(self):
        agent = self.start(series=1)
        wait_until(lambda: query(self.collector, "random_draws_total"))
        self.reload(agent, series_max=1, series=1)
        self.wait_listed(agent, [0])
        wait_until(lambda: status(agent)["left_out_most"] == "random_draws_total")
        self.reload(agent, series_max=2, series=1)
        now = time.time()
        rows = wait_until(lambda: [row for row in query(self.collector, "random_draws_total") if row["time"] > now])
        n_values = len(query(self.collector, name(0)))
        totals = [row["value"] for row in query(self.collector, "random_draws_total")]
        self.assertEqual(totals, sorted(totals))
        # One is drawn each round, also while nobody is told.
        self.assertGreaterEqual(n_values, rows[-1]["value"])
        self.assertGreater(totals[-1], len(totals) - 1)

    def test_wrong_limits(self):
        for value in ("0", "-1", "1000001", "lots", ""):
            config = self.configure(series_max=value)
            result = run("hostmetrics-agent", "--config", config, "--plugins", EXAMPLE, "--check-config")
            self.assertEqual(result.code, 1)
            self.assertIn(f"{config}:7: series_max in [agent]: '{value}' is not a count", result.err)


class Filters(Series):
    def test_what_is_excluded_is_neither_listed_nor_stored(self):
        agent = self.start(series=20, exclude_index="1? [5-8]")
        self.wait_stored(9)
        self.assertEqual(self.listed(agent), [0, 1, 2, 3, 4, 9])
        self.assertEqual(self.stored(), {0, 1, 2, 3, 4, 9})
        self.assertEqual(self.listed(self.collector), [0, 1, 2, 3, 4, 9])
        self.assertEqual(status(agent)["series"], 7)
        self.assertNotIn("more series than", agent.log())

        self.reload(agent, series=20, include="random_value", include_index="0 1*", exclude_index="1")
        self.wait_listed(agent, [0, *range(10, 20)])
        self.wait_stored(19)
        self.assertEqual(self.stored(), {0, 1, 2, 3, 4, 9, *range(10, 20)})
        self.wait_why(4, [("not_sampled", True)])
        self.assertEqual(self.why(0), [])
        # The plugin goes on as it was.
        self.assertNotIn("restarted", agent.log())

        self.reload(agent, series=20)
        self.wait_listed(agent, range(20))
        self.wait_stored(4)
        self.assertEqual(self.why(4), [("not_sampled", False)])

    def test_what_is_excluded_takes_no_place(self):
        agent = self.start(series_max=6, series=20, include="random_value", exclude_index="[0-7]")
        self.wait_listed(agent, range(8, 14))
        wait_until(lambda: status(agent)["series_left_out"] == 6)

    def test_what_is_wrong_is_told_with_its_line(self):
        for key, value, told in (
                ("exclude_device", "sda", "exclude_device in [plugin random]: no metric of it has a label 'device'; "
                                          "they have index"),
                ("exclude", "a[b", "exclude in [plugin random]: 'a[b' has a '[' without its ']'"),
                ("exclud", "a", "unknown key 'exclud' in [plugin random]; did you mean 'exclude'?")):
            config = self.configure(**{key: value})
            result = run("hostmetrics-agent", "--config", config, "--plugins", EXAMPLE, "--check-config")
            self.assertEqual(result.code, 1)
            self.assertIn(f"{config}:9: {told}", result.err)

    def test_once_shows_what_is_left(self):
        config = self.configure(series=20, include="random_value", include_index="1*", series_max=5)
        result = run("hostmetrics-agent", "--config", config, "--plugins", EXAMPLE, "--once")
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual([line.split()[1] for line in result.lines()],
                         [name(index) for index in (1, 10, 11, 12, 13)])


class Made(Case):
    """Metrics that a plugin makes while it runs."""

    def test_a_hole_in_what_a_text_file_gives_has_its_reason(self):
        collector = self.start_collector()
        with open(self.path("a.prom"), "w", encoding="utf-8") as file:
            file.write("made_value 1\n")
        config = self.write("agent.conf", "\n".join([
            "[agent]", "hostname = web01", "interval = 200ms", "ship_interval = 200ms",
            f"collector = 127.0.0.1:{collector.port}", f"spool = {self.path('spool')}",
            "[plugin textfile]", f"directory = {os.path.dirname(self.path('a.prom'))}"]) + "\n")

        def start():
            begin = time.time()
            agent = self.start_daemon("hostmetrics-agent", ["--config", config], "agent")
            wait_until(lambda: any(row["time"] > begin for row in query(collector, "made_value")),
                       what="samples")
            return agent

        start().stop(signal.SIGKILL)
        time.sleep(1)
        start()
        result = ctl("--socket", collector.socket, "why", "made_value", "-o", "json")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual([row["reason"] for row in result.json()], ["agent_killed"])


if __name__ == "__main__":
    unittest.main()
