# SPDX-License-Identifier: MIT
"""SIGHUP and `agentctl reload`: what has changed is taken over, and nothing else notices."""

import os
import signal
import socket
import time
import unittest

from support import BUILD, Case, ctl, free_port, query, status, wait_until

TICK_US = 200000


def reload(daemon, *arguments):
    """agentctl reload -o json: its rows as {section.key: (old, new, effect)}."""
    result = ctl("--socket", daemon.socket, "reload", "-o", "json", *arguments)
    assert result.code == 0, result.err
    return {f"{row['section']}.{row['key']}": (row["old"], row["new"], row["effect"])
            for row in result.json()}


def times_us(rows):
    return [round(float(row["time"]) * 1000000) for row in rows]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class NotifySocket:
    """What a daemon tells the service manager."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(10)

    def receive(self):
        return self.socket.recv(4096).decode()


class Reload(Case):
    def configure(self, name, sections):
        """Write a configuration in one step: a daemon reads the old or the new one."""
        text = "".join(f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
                       for section, keys in sections.items())
        path = self.write(name + ".new", text)
        os.replace(path, self.path(name))
        return self.path(name)

    def configure_agent(self, collector, agent=None, **plugins):
        settings = {"interval": "200ms", "ship_interval": "200ms", "hostname": "web01",
                    "spool": self.path("spool"), "collector": f"127.0.0.1:{collector.port}", **(agent or {})}
        return self.configure("agent.conf", {
            "agent": settings,
            **{f"plugin {name}": keys for name, keys in plugins.items()}})

    def start_configured_agent(self, collector, agent=None, environment=None, **plugins):
        folder = os.path.join(BUILD, "plugins-and-example")
        if not os.path.isdir(folder):
            self.skipTest(f"{folder} was not built")
        config = self.configure_agent(collector, agent, **plugins)
        return self.start_daemon("hostmetrics-agent", ["--config", config, "--plugins", folder],
                                 "agent", environment=environment)

    def assert_on_every_tick(self, rows, tick_us=TICK_US):
        """Exactly one sample on each tick, from the second sample (the first is the start) on."""
        ticks = times_us(rows)[1:]
        self.assertGreater(len(ticks), 5)
        self.assertEqual(ticks, list(range(ticks[0], ticks[-1] + 1, tick_us)))
        self.assertEqual(ticks[0] % tick_us, 0)


class Agent(Reload):
    def test_no_tick_is_missing_or_doubled_and_no_total_falls(self):
        collector = self.start_collector()
        agent = self.start_configured_agent(collector, random={"series": 1})
        wait_until(lambda: query(collector, "random_draws_total"))
        pid = status(agent)["pid"]
        connections = status(collector)["connections_total"]
        for i in range(50):
            self.configure_agent(collector, random={"series": 1 + (i + 1) % 2})
            if i % 2:
                agent.process.send_signal(signal.SIGHUP)
            else:
                self.assertEqual(reload(agent), {
                    "plugin random.series": ("1", "2", "plugin random restarted")})
            # Before that it may not have read what the signal told it of.
            time.sleep(0.03)
            wait_until(lambda n=i + 1: agent.log().count("plugin random restarted") >= n)
        time.sleep(0.5)
        self.assertEqual(status(agent)["pid"], pid)
        self.assertEqual(status(agent)["rounds_missed"], 0)
        self.assertEqual(status(collector)["connections_total"], connections)
        agent.stop()

        self.assert_on_every_tick(query(collector, "node_load1"))
        self.assert_on_every_tick(query(collector, "random_draws_total"))
        totals = [row["value"] for row in query(collector, "random_draws_total")]
        self.assertEqual(totals, sorted(totals))
        self.assertGreaterEqual(totals[-1], len(totals))
        self.assertEqual(agent.log().count("plugin random restarted"), 50)

    def test_a_hundred_reloads_in_a_tight_loop(self):
        collector = self.start_collector()
        agent = self.start_configured_agent(collector)
        for i in range(100):
            self.configure_agent(collector, {"ship_interval": f"{200 + i}ms"})
            agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: status(agent)["ship_interval"] == 0.299, 10, "the last one is in force")
        time.sleep(1.5)
        agent.stop()
        self.assert_on_every_tick(query(collector, "node_load1"))

    def test_nothing_has_changed(self):
        agent = self.start_configured_agent(self.start_collector())
        result = ctl("--socket", agent.socket, "reload")
        self.assertEqual((result.code, result.err), (0, "agentctl: nothing has changed\n"))
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: agent.log().count("reload: nothing has changed") == 2)

    def test_dry_run_changes_nothing(self):
        collector = self.start_collector()
        agent = self.start_configured_agent(collector)
        self.configure_agent(collector, {"hostname": "web02", "user": "root", "interval": "1s"},
                             loadavg={"enabled": "no"}, random={"series": 3})
        before = status(agent)
        rows = reload(agent, "--dry-run")
        self.assertEqual(rows, {
            "agent.interval": ("200ms", "1s", "applied"),
            "agent.hostname": ("web01", "web02", "applied"),
            "agent.user": ("", "root", "needs a restart"),
            "plugin loadavg.enabled": ("auto", "no", "applied"),
            "plugin random.series": ("1", "3", "plugin random restarted"),
        })
        for key in ("hostname", "interval", "plugins_running"):
            self.assertEqual(status(agent)[key], before[key])
        self.assertNotIn("reload:", agent.log())
        self.assertEqual(reload(agent), rows)
        self.assertEqual(status(agent)["hostname"], "web02")
        # What needs a restart is still to come; all else is there.
        self.assertEqual(list(reload(agent)), ["agent.user"])

    def test_a_wrong_configuration_changes_nothing_and_says_why(self):
        collector = self.start_collector()
        agent = self.start_configured_agent(collector)
        config = self.write("agent.conf", "[agent]\ninterval = 1s\nhostnam = x\n")
        result = ctl("--socket", agent.socket, "reload")
        self.assertEqual(result.code, 1)
        self.assertIn(f"{config}:3: unknown key 'hostnam'", result.err)
        self.assertIn("the configuration in force stays as it was", result.err)
        self.assertEqual(ctl("--socket", agent.socket, "reload", "--dry-run").code, 1)
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: agent.log().count(f"{config}:3: unknown key") == 2)
        self.assertEqual(status(agent)["hostname"], "web01")
        os.unlink(config)
        result = ctl("--socket", agent.socket, "reload")
        self.assertEqual(result.code, 1)
        self.assertIn(f"cannot open '{config}'", result.err)
        time.sleep(1.5)
        agent.stop()
        self.assert_on_every_tick(query(collector, "node_load1"))

    def test_a_file_that_cannot_be_read_any_more_is_told(self):
        # Root reads everything; but the agent has become somebody who may not even enter the folder.
        agent = self.start_configured_agent(
            self.start_collector(), {"user": "nobody"} if os.geteuid() == 0 else {})
        os.chmod(self.path("agent.conf"), 0)
        result = ctl("--socket", agent.socket, "reload")
        self.assertEqual(result.code, 1)
        self.assertIn("Permission denied", result.err)

    def test_a_plugin_is_disabled_and_enabled(self):
        collector = self.start_collector()
        agent = self.start_configured_agent(collector, random={"enabled": "no"})
        connections = status(collector)["connections_total"]
        self.assertEqual(ctl("--socket", agent.socket, "get", "random_value").code, 1)

        self.configure_agent(collector)
        self.assertEqual(reload(agent), {"plugin random.enabled": ("no", "auto", "applied")})
        wait_until(lambda: query(collector, "random_draws_total"))
        # Its kind was declared, though the connection is an old one.
        rows = ctl("--socket", collector.socket, "list-metrics", "random_draws_total",
                   "-o", "json").json()
        self.assertEqual(rows[0]["kind"], "counter")
        self.assertEqual(status(collector)["connections_total"], max(connections, 1))

        total = query(collector, "random_draws_total")[-1]["value"]
        self.configure_agent(collector, random={"enabled": "no"})
        reload(agent)
        self.assertEqual(ctl("--socket", agent.socket, "list-metrics", "random_*").code, 1)
        self.configure_agent(collector)
        reload(agent)
        wait_until(lambda: query(collector, "random_draws_total")[-1]["value"] > total)
        totals = [row["value"] for row in query(collector, "random_draws_total")]
        self.assertEqual(totals, sorted(totals))

    def test_another_interval_keeps_the_grid(self):
        collector = self.start_collector()
        agent = self.start_configured_agent(collector)
        time.sleep(0.7)
        self.configure_agent(collector, {"interval": "100ms"}, random={"interval": "200ms"})
        self.assertEqual(reload(agent), {
            "agent.interval": ("200ms", "100ms", "applied"),
            "plugin random.interval": ("", "200ms", "applied")})
        time.sleep(0.7)
        agent.stop()
        ticks = times_us(query(collector, "node_load1"))[1:]
        steps = [after - before for before, after in zip(ticks, ticks[1:])]
        change = steps.index(100000)
        self.assertGreater(change, 0)
        self.assertEqual(set(steps[:change]), {200000})
        self.assertEqual(set(steps[change:]), {100000})
        self.assert_on_every_tick(query(collector, "random_draws_total"))

    def test_another_host_name(self):
        collector = self.start_collector()
        agent = self.start_configured_agent(collector)
        wait_until(lambda: len(query(collector, "node_load1", "--host", "web01")) > 2)
        self.configure_agent(collector, {"hostname": "web02"})
        reload(agent)
        time.sleep(1.4)
        agent.stop()
        # It is the same host, by its id, and the collector keeps the name that it knows it by.
        self.assertEqual({row["host"] for row in query(collector, "*")}, {"web01"})
        self.assert_on_every_tick(query(collector, "node_load1"))

    def test_another_collector_gets_what_waits(self):
        first = self.start_collector()
        port = free_port()
        agent = self.start_configured_agent(first)
        wait_until(lambda: query(first, "node_load1"))
        first.stop()
        time.sleep(0.5)
        second = self.start_collector(listen=f"127.0.0.1:{port}", name="second")
        self.configure_agent(second)
        self.assertEqual(list(reload(agent)), ["agent.collector"])
        time.sleep(0.7)
        agent.stop()
        # Both have the same store, one after the other.
        self.assert_on_every_tick(query(second, "node_load1"))

    def test_while_the_collector_is_down(self):
        collector = self.start_collector()
        agent = self.start_configured_agent(collector)
        wait_until(lambda: query(collector, "node_load1"))
        collector.stop()
        for i in range(10):
            self.configure_agent(collector, random={"series": 2 + i})
            reload(agent)
            time.sleep(0.05)
        collector = self.start_collector(listen=collector.address, name="again")
        time.sleep(3)
        wait_until(lambda: query(collector, "random_draws_total"))
        agent.stop()
        self.assert_on_every_tick(query(collector, "node_load1"))

    def test_the_service_manager_is_told(self):
        manager = NotifySocket(os.path.join(self.run_folder, "notify"))
        collector = self.start_collector()
        agent = self.start_configured_agent(collector, environment={"NOTIFY_SOCKET": manager.path})
        self.assertEqual(manager.receive(), "READY=1")
        for series in (2, 2):
            self.configure_agent(collector, random={"series": series})
            agent.process.send_signal(signal.SIGHUP)
            begin = manager.receive()
            self.assertRegex(begin, r"^RELOADING=1\nMONOTONIC_USEC=[0-9]+$")
            self.assertEqual(manager.receive(), "READY=1")
        reload(agent)
        self.assertIn("RELOADING=1", manager.receive())
        self.assertEqual(manager.receive(), "READY=1")


class Collector(Reload):
    def start_configured(self, listen, environment=None, **more):
        config = self.configure("collector.conf", {"collector": {
            "listen": listen, "store": self.path("store"), **more}})
        return self.start_daemon("hostmetrics-collector", ["--config", config], "collector",
                                 environment=environment)

    def change(self, listen, **more):
        self.configure("collector.conf", {"collector": {
            "listen": listen, "store": self.path("store"), **more}})

    def check_move(self, reactors):
        old, new = free_port(), free_port()
        collector = self.start_configured(f"127.0.0.1:{old}", reactors=reactors)
        with socket.create_connection(("127.0.0.1", old)) as connection:
            connection.sendall(b"1 early 1\n2 ear")
            self.change(f"127.0.0.1:{new}", reactors=reactors)
            self.assertEqual(reload(collector), {"collector.listen": (
                f"127.0.0.1:{old}", f"127.0.0.1:{new}", "applied")})
            self.assertTrue(listens(new))
            wait_until(lambda: not listens(old), 5, "the old address refuses")
            connection.sendall(b"ly 2\n3 early 3\n")
            self.send(new, "4 late 4\n")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
                datagrams.sendto(b"5 late 5", ("127.0.0.1", new))
            wait_until(lambda: len(query(collector, "late")) == 2)
            self.assertEqual([row["value"] for row in query(collector, "early")], [1, 2, 3])
        self.assertEqual(status(collector)["listen"], f"127.0.0.1:{new}")
        self.assertEqual(collector.stop()[0], 0)

    def test_another_address(self):
        self.check_move(1)

    def test_another_address_for_several_reactors(self):
        self.check_move(4)

    def test_another_address_of_the_same_port(self):
        port = free_port()
        collector = self.start_configured(f"127.0.0.1:{port}")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for listen in (f"0.0.0.0:{port}", f"127.0.0.1:{port}"):
                self.change(listen)
                self.assertEqual(reload(collector)["collector.listen"][1:], (listen, "applied"))
            connection.sendall(b"1 same 1\n")
            self.send(port, "2 same 2\n")
            wait_until(lambda: len(query(collector, "same")) == 2)
        second = self.start_collector(listen=f"127.0.0.1:{port}", name="second", ready=False)
        self.assertEqual(second.process.wait(timeout=30), 1)
        self.assertIn("in use by another process", second.log())

    def test_the_limits_of_text_clients_follow(self):
        port = free_port()
        collector = self.start_configured(f"127.0.0.1:{port}", text_idle="20s")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(20)
            self.change(f"127.0.0.1:{port}", text_idle="100ms", text_clients=3)
            self.assertEqual(reload(collector)["collector.text_idle"][2], "applied")
            self.assertEqual(connection.recv(1), b"")
        self.assertEqual(status(collector)["connections_max"], 3)

    def test_an_address_in_use_changes_nothing(self):
        port = free_port()
        collector = self.start_configured(f"127.0.0.1:{port}")
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            self.change(f"127.0.0.1:{other.getsockname()[1]}")
            result = ctl("--socket", collector.socket, "reload")
        self.assertEqual(result.code, 1)
        self.assertIn("in use by another process", result.err)
        self.send(port, "1 still 1\n")
        wait_until(lambda: query(collector, "still"))
        self.assertEqual(status(collector)["listen"], f"127.0.0.1:{port}")

    def test_what_needs_a_restart_and_what_is_wrong(self):
        listen = f"127.0.0.1:{free_port()}"
        collector = self.start_configured(listen)
        self.change(listen, reactors=2)
        expected = {"collector.reactors": ("1", "2", "needs a restart")}
        self.assertEqual(reload(collector, "--dry-run"), expected)
        self.assertEqual(reload(collector), expected)
        self.assertEqual(reload(collector), expected)
        # The command line stays over the file: the socket is the one that is asked.
        self.change(listen, socket="/nowhere/else.sock")
        self.assertEqual(reload(collector), {})

        self.change(listen, reactors="many")
        result = ctl("--socket", collector.socket, "reload")
        self.assertEqual(result.code, 1)
        self.assertRegex(result.err, r"collector\.conf:4: reactors in \[collector\]: 'many'")
        collector.process.send_signal(signal.SIGHUP)
        wait_until(lambda: collector.log().count("collector.conf:4: reactors") == 2)
        self.assertEqual(status(collector)["pid"], collector.pid)

    def test_the_service_manager_is_told(self):
        manager = NotifySocket(os.path.join(self.run_folder, "notify"))
        collector = self.start_configured("127.0.0.1:0", {"NOTIFY_SOCKET": manager.path})
        self.assertEqual(manager.receive(), "READY=1")
        collector.process.send_signal(signal.SIGHUP)
        self.assertRegex(manager.receive(), r"^RELOADING=1\nMONOTONIC_USEC=[0-9]+$")
        self.assertEqual(manager.receive(), "READY=1")

    def test_a_hundred_moves_lose_no_line(self):
        ports = [free_port() for _ in range(2)]
        collector = self.start_configured(f"127.0.0.1:{ports[0]}")
        self.send(ports[0], "0 moved -1\n")
        wait_until(lambda: query(collector, "moved"))
        wait_until(lambda: status(collector)["connections"] == 0)
        n_descriptors = len(os.listdir(f"/proc/{collector.pid}/fd"))
        for i in range(100):
            port = ports[i % 2]
            self.send(port, f"{i + 1} moved {i}\n")
            self.change(f"127.0.0.1:{ports[(i + 1) % 2]}")
            self.assertEqual(list(reload(collector)), ["collector.listen"])
            # The reactor's thread lets go of a port a moment later; only then it can be had again.
            wait_until(lambda port=port: not listens(port))
        wait_until(lambda: len(query(collector, "moved")) == 101)
        # Every socket that was given up is closed. The count before may hold the client that asked for the status.
        wait_until(lambda: len(os.listdir(f"/proc/{collector.pid}/fd")) <= n_descriptors)


if __name__ == "__main__":
    unittest.main()
