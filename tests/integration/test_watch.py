# SPDX-License-Identifier: MIT
"""agentctl watch on a terminal, by its keys and signals."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unittest

from support import BUILD, PATIENCE, Case, ctl


class Terminal:
    """A program on a terminal of its own; under a shell with job control when it is to be stopped."""

    def __init__(self, command, lines=20, columns=100):
        self.seen = ""
        # The size is there before the program looks at it.
        self.fd, slave = pty.openpty()
        self.resize(lines, columns)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for number in range(3):
                os.dup2(slave, number)
            os.closerange(3, 256)
            os.environ["TERM"] = "xterm"
            os.execvp(command[0], command)

    def resize(self, lines, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                pass

    def screens(self):
        """What was drawn, drawing by drawing, each as lines without control sequences."""
        return [re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[78])", "", text).replace("\r", "").split("\n")
                for text in self.seen.split("\x1b[?25l\x1b[H")]

    def wait(self, condition, what, seconds=10):
        """Until the last drawing is so."""
        def is_so():
            try:
                return condition(self.screens()[-1])
            except IndexError:  # half of it has come
                return False

        end = time.monotonic() + seconds * PATIENCE
        while not is_so():
            if time.monotonic() > end:
                raise AssertionError(f"{what}: {self.seen[-3000:]!r}")
            self.read(0.05)

    def type(self, keys):
        os.write(self.fd, keys if isinstance(keys, bytes) else keys.encode())

    def has_mode(self, is_single_keys):
        """Is the terminal in the mode of single keys, or exactly as it was?"""
        now = termios.tcgetattr(self.slave)
        if is_single_keys:
            return not now[3] & (termios.ICANON | termios.ECHO) and now[3] & termios.ISIG
        return now == self.before

    def end(self, seconds=10):
        """Its exit code."""
        end = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < end:
            self.read(0.02)
            pid, state = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(state)
        raise AssertionError(f"still running: {self.seen[-2000:]!r}")

    def close(self):
        if self.pid:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
        os.close(self.slave)


class Watch(Case):
    def setUp(self):
        super().setUp()
        self.collector = self.start_collector()
        self.send(self.collector.port, "".join(f"1795416401 s{i:02} {(i * 7) % 30}\n" for i in range(30)) +
                  "1795416401 c_total 100\n")
        self.wait_stored(self.collector, 31)
        self.terminals = []

    def tearDown(self):
        for terminal in self.terminals:
            terminal.close()
        super().tearDown()

    def command(self, *arguments):
        return [os.path.join(BUILD, "agentctl"), "--socket", self.collector.socket, "watch",
                "--interval", "200ms", *arguments]

    def open(self, command, **size):
        terminal = Terminal(command, **size)
        self.terminals.append(terminal)
        return terminal

    def watch(self, *arguments, **size):
        terminal = self.open(self.command(*arguments), **size)
        terminal.wait(lambda lines: "31 series" in lines[0] and "q quit" in lines[-1], "the first table")
        return terminal

    def test_keys_sort_and_filter_and_q_ends_it(self):
        terminal = self.watch()
        self.assertTrue(terminal.has_mode(True))
        for key, first in (("s", "c_total"), ("s", "s29"), ("v", "c_total"), ("v", "s00"), ("h", "c_total")):
            terminal.type(key)
            terminal.wait(lambda lines: lines[2].startswith(first), f"{key}: {first} on top")
        terminal.type("/S1")
        terminal.wait(lambda lines: "10 of 31 series" in lines[0] and lines[-1] == "filter: S1", "a filter is typed")
        terminal.type("q\x7f\n")
        terminal.wait(lambda lines: "filter: S1 (Esc" in lines[-1] and len(lines) == 13, "it is taken")
        terminal.type("\x1b")
        terminal.wait(lambda lines: "31 series" in lines[0] and " of " not in lines[0], "it is dropped")
        terminal.type("/s?[05]\n")
        terminal.wait(lambda lines: "6 of 31 series" in lines[0], "a glob")
        terminal.type("q")
        self.assertEqual(terminal.end(), 0)
        self.assertTrue(terminal.has_mode(False))

    def test_arrows_scroll(self):
        terminal = self.watch("--sort", "series")
        for keys, first in ((b"\x1b[B", "s00"), (b"\x1b[6~", "s13"), (b"\x1b[F", "s13"), (b"\x1b[A", "s12"),
                            (b"\x1b[H", "c_total")):
            terminal.type(keys)
            terminal.wait(lambda lines: lines[2].startswith(first), f"{keys}: {first} on top")

    def test_options_choose_what_keys_would(self):
        terminal = self.watch("--sort", "-value", "--filter", "s2")
        terminal.wait(lambda lines: "10 of 31" in lines[0] and "by value, descending" in lines[0] and
                      [line[:3] for line in lines[2:5]] == ["s21", "s25", "s29"], "both")

    def test_every_signal_gives_the_terminal_back(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number=number):
                terminal = self.watch()
                self.assertTrue(terminal.has_mode(True))
                os.kill(terminal.pid, number)
                self.assertEqual(terminal.end(), 0)
                self.assertTrue(terminal.has_mode(False))

    def test_ctrl_c_is_still_a_signal(self):
        terminal = self.watch()
        terminal.type("\x03")
        self.assertEqual(terminal.end(), 0)
        self.assertTrue(terminal.has_mode(False))

    def test_q_ends_it_while_the_daemon_says_nothing(self):
        terminal = self.watch()
        os.kill(self.collector.pid, signal.SIGSTOP)
        time.sleep(0.5)
        terminal.type("v")
        terminal.wait(lambda lines: "by value" in lines[0], "keys work all the same")
        terminal.type("q")
        self.assertEqual(terminal.end(), 0)
        self.assertTrue(terminal.has_mode(False))

    def test_a_daemon_that_went_is_waited_for(self):
        terminal = self.watch()
        os.kill(self.collector.pid, signal.SIGTERM)
        terminal.wait(lambda lines: "trying again" in "".join(lines), "it is said")
        terminal.type("v")
        terminal.wait(lambda lines: "by value" in lines[0] and "trying again" in "".join(lines), "and said again")
        terminal.type("q")
        self.assertEqual(terminal.end(), 0)

    def test_it_can_be_stopped_and_continued(self):
        terminal = self.open(["bash", "--norc", "--noprofile", "-i"])
        terminal.type("PS1='prompt> '\n")
        terminal.wait(lambda lines: lines[-1] == "prompt> ", "a shell")
        terminal.type(" ".join(self.command()) + "\n")
        for _ in range(2):
            terminal.wait(lambda lines: "q quit" in lines[-1], "a table")
            self.assertTrue(terminal.has_mode(True))
            terminal.type("\x1a")
            terminal.wait(lambda lines: "Stopped" in "".join(lines) and lines[-1] == "prompt> ", "it is stopped")
            terminal.type("stty -a | tr ';' '\\n' | grep -wo -e '-*icanon' -e '-*echo' | tr '\\n' ,; echo\n")
            terminal.wait(lambda lines: "icanon,echo," in lines, "the shell has its terminal")
            terminal.type("fg\n")
        terminal.wait(lambda lines: "q quit" in lines[-1] and "31 series" in lines[0], "a table again")
        terminal.type("q")
        terminal.wait(lambda lines: lines[-1] == "prompt> ", "the shell is back")
        terminal.type("exit\n")
        self.assertEqual(terminal.end(), 0)

    def test_ctrl_z_without_a_shell_is_passed_over(self):
        terminal = self.watch()
        terminal.type("\x1av")
        terminal.wait(lambda lines: "by value" in lines[0], "it goes on")
        self.assertTrue(terminal.has_mode(True))

    def test_in_the_background_it_leaves_the_terminal_alone(self):
        terminal = self.open(["bash", "--norc", "--noprofile", "-i"])
        terminal.type("PS1='prompt> '\n")
        terminal.wait(lambda lines: lines[-1] == "prompt> ", "a shell")
        terminal.type(" ".join(self.command("--count", "3")) + " >/dev/tty & wait $!; echo code=$?\n")
        terminal.wait(lambda lines: "code=0" in "".join(lines), "it draws and ends")
        terminal.type("exit\n")
        self.assertEqual(terminal.end(), 0)

    def test_another_size_of_the_window(self):
        terminal = self.watch()
        terminal.resize(10, 40)
        terminal.wait(lambda lines: len(lines) == 10 and all(len(line) < 40 for line in lines), "drawn anew")

    def test_without_a_keyboard_it_says_how_it_ends(self):
        terminal = self.open(["sh", "-c", " ".join(self.command()) + " </dev/null"])
        terminal.wait(lambda lines: "(Ctrl-C ends)" in lines[0] and "more: choose with a GLOB" in lines[-1], "a table")
        self.assertTrue(terminal.has_mode(False))
        terminal.type("\x03")
        terminal.end()

    def test_rates_are_of_what_came_between_two_refreshes(self):
        terminal = self.open(self.command("c_*"))
        terminal.wait(lambda lines: "1 series" in lines[0] and lines[2].split()[2] == "-", "no rate at first")
        self.send(self.collector.port, "1795416403 c_total 150\n")
        terminal.wait(lambda lines: lines[2].split()[1:3] == ["150", "25"], "a rate")
        self.send(self.collector.port, "1795416405 c_total 10\n")
        terminal.wait(lambda lines: lines[2].split()[1:3] == ["10", "-"], "it began again")

    def test_without_a_terminal_it_prints_tables(self):
        result = ctl("--socket", self.collector.socket, "watch", "s0*", "--count", "2", "--interval", "100ms",
                     "--sort", "-value", "--filter", "0")
        self.assertEqual(result.code, 0)
        tables = result.out.split("\n\n")
        self.assertEqual([[line.split()[1] for line in table.splitlines()[1:]] for table in tables],
                         [["s04", "s08", "s03", "s07", "s02", "s06", "s01", "s05", "s09", "s00"]] * 2)
        self.assertEqual(ctl("--socket", self.collector.socket, "watch", "--count", "1", "--filter", "nosuch").code, 1)
        rows = ctl("--socket", self.collector.socket, "watch", "c_*", "--count", "1", "-o", "json").json()
        self.assertIsNone(rows[0]["rate"])


if __name__ == "__main__":
    unittest.main()
