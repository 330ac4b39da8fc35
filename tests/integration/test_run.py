# SPDX-License-Identifier: MIT
"""`make run` as a user sees it."""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

from support import BUILD, ROOT, PATIENCE, Case, wait_until


class Run(Case):
    def setUp(self):
        super().setUp()
        # A build folder of its own: the user's build/run is left alone.
        self.build = os.path.join(self.run_folder, "b")
        os.mkdir(self.build)
        for name in ("hostmetrics-agent", "hostmetrics-collector", "agentctl"):
            os.symlink(os.path.join(BUILD, name), os.path.join(self.build, name))
        os.symlink(os.path.join(BUILD, "plugins"), os.path.join(self.build, "plugins"))
        self.command = ["sh", os.path.join(ROOT, "packaging", "run"), self.build]

    def daemons_running(self):
        listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        return [line for line in listing.splitlines() if self.build in line and "hostmetrics-" in line]

    def test_without_a_terminal_ten_seconds_and_exit_0(self):
        begin = time.monotonic()
        done = subprocess.run(self.command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=60 * PATIENCE, check=False, cwd=ROOT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreaterEqual(time.monotonic() - begin, 8)
        self.assertGreaterEqual(done.stdout.count("node_load1 "), 8)
        self.assertIn("collector.sock list-metrics", done.stdout)
        self.assertEqual(self.daemons_running(), [])

    def test_a_taken_port_is_no_trouble(self):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", 9999))
                taken.listen()
            except OSError:
                pass  # somebody else has it: as good
            done = subprocess.run(self.command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                                  timeout=60 * PATIENCE, check=False, cwd=ROOT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreaterEqual(done.stdout.count("node_load1 "), 8)

    def test_on_a_terminal_until_ctrl_c(self):
        self.run_on_a_terminal(b"\x03")

    def test_on_a_terminal_until_q(self):
        self.run_on_a_terminal(b"q")

    def run_on_a_terminal(self, key):
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(ROOT)
            os.environ["TERM"] = "xterm"
            os.execvp(self.command[0], self.command)
        # All fits: what sorts before node_cpu depends on the host, and on file systems that other tests mount meanwhile.
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 2000, 80, 0, 0))
        seen = b""
        try:
            end = time.monotonic() + 30 * PATIENCE
            while seen.count(b"node_cpu_guest_seconds_total") < 3 and time.monotonic() < end:
                if select.select([terminal], [], [], 0.5)[0]:
                    seen += os.read(terminal, 65536)
            self.assertGreaterEqual(seen.count(b"node_cpu_guest_seconds_total"), 3, seen[-2000:])
            os.write(terminal, key)
            code = None
            while code is None and time.monotonic() < end + 15:
                if select.select([terminal], [], [], 0.1)[0]:
                    try:
                        seen += os.read(terminal, 65536)
                    except OSError:
                        pass
                done, state = os.waitpid(pid, os.WNOHANG)
                code = state if done else None
            self.assertIsNotNone(code, seen[-2000:])
            self.assertEqual(os.waitstatus_to_exitcode(code), 0, seen[-2000:])
        finally:
            os.close(terminal)
        wait_until(lambda: not self.daemons_running(), 5)
        self.assertEqual([name for name in os.listdir(os.path.join(self.build, "run"))
                          if name.endswith(".sock")], [])


if __name__ == "__main__":
    unittest.main()
