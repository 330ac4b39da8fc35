# SPDX-License-Identifier: MIT
"""An agent whose spool has no folder at first: what it has in memory is stored, and it is the same host all the time."""

import os
import shutil
import time
import unittest

from support import Case, ctl, free_port, query, wait_until

SERIES = "node_load1"


class Folder(Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.spool = self.path("spool")

    def start(self, name):
        return self.start_agent({"interval": "200ms", "ship_interval": "200ms", "spool": self.spool, "hostname": "web01",
                                 "collector": f"127.0.0.1:{self.port}"}, name=name)

    def queue(self, agent):
        return ctl("--socket", agent.socket, "queue", "-o", "json").json()

    def hosts(self, collector):
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        return sorted(os.listdir(self.path("store", "hosts")))

    def times(self, collector):
        return [row["time"] for row in query(collector, SERIES, "--all")]

    def check_complete(self, times):
        """One sample at each grid point, but for the first."""
        steps = [round((later - earlier) / 0.2) for earlier, later in zip(times[1:], times[2:])]
        self.assertEqual(set(steps), {1}, times)

    def test_what_is_in_memory_and_what_is_on_disk_then_is_stored_once(self):
        self.write("spool", "in the way")
        agent = self.start("agent")
        started = time.time()
        wait_until(lambda: self.queue(agent)["samples"] > 50)
        self.assertEqual(self.queue(agent)["kept_in"], "memory")
        os.unlink(self.spool)
        wait_until(lambda: self.queue(agent)["kept_in"] == "disk", 20, "the folder is used")
        self.assertEqual(agent.log().count("wait on disk again"), 1, agent.log())
        n_waiting = self.queue(agent)["samples"]
        wait_until(lambda: self.queue(agent)["samples"] > n_waiting)
        begin = time.time()
        collector = self.start_collector(listen=f"127.0.0.1:{self.port}")
        wait_until(lambda: max(self.times(collector), default=0) > begin + 8, 30, "all that waited is sent")
        self.check_complete(self.times(collector))
        self.assertLess(self.times(collector)[0], started + 1, "what was in memory")
        # What is behind it goes on to be sent, and nothing waits.
        wait_until(lambda: self.queue(agent)["epochs"] == 1 and self.queue(agent)["samples"] < 100)
        agent.stop()
        self.check_complete(self.times(collector))
        self.assertEqual(self.hosts(collector), ["web01"])

    def test_a_folder_that_is_removed_is_made_again_and_what_was_in_it_is_told_as_lost(self):
        begin = time.time()
        collector = self.start_collector(listen=f"127.0.0.1:{self.port}")
        agent = self.start("agent")
        wait_until(lambda: len(self.times(collector)) > 5)
        collector.stop()
        wait_until(lambda: self.queue(agent)["samples"] > 50)
        shutil.rmtree(self.spool)
        removed = time.time()
        wait_until(lambda: "it was removed" in agent.log() and self.queue(agent)["kept_in"] == "disk", 20, agent.log())
        collector = self.start_collector(listen=f"127.0.0.1:{self.port}", name="collector-again")
        wait_until(lambda: max(self.times(collector), default=0) > removed + 8, 30, "what is taken since")
        rows = ctl("--socket", collector.socket, "why", SERIES, "--since", f"{begin:.6f}", "-o", "json").json()
        self.assertEqual([row["reason"] for row in rows], ["spool_damaged"], rows)
        self.assertLess(rows[0]["to"], removed + 8)
        agent.stop()
        self.assertEqual(self.hosts(collector), ["web01"])

    def test_a_host_is_the_same_with_a_folder_and_without(self):
        collector = self.start_collector(listen=f"127.0.0.1:{self.port}")
        for number, is_usable in enumerate((True, False, True, False)):
            if is_usable and os.path.isfile(self.spool):
                os.unlink(self.spool)
            if not is_usable:
                os.rename(self.spool, self.spool + f".{number}")
                self.write("spool", "in the way")
            n_before = len(self.times(collector))
            agent = self.start(f"agent{number}")
            wait_until(lambda: len(self.times(collector)) > n_before + 2)
            agent.stop()
        if os.path.exists("/etc/machine-id"):
            self.assertEqual(self.hosts(collector), ["web01"])


if __name__ == "__main__":
    unittest.main()
