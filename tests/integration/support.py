# SPDX-License-Identifier: MIT
"""Real daemons on loopback, for the integration tests: start, ask, stop, and leave nothing behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("HM_BUILD", os.path.join(ROOT, "build")))
SCRATCH = os.path.abspath(os.environ.get("HM_TEST_TMP", os.path.join(BUILD, "tmp")))

# Sanitized programs are several times slower; times that a test waits, not those that it measures.
PATIENCE = float(os.environ.get("HM_PATIENCE", "1"))


def wait_until(condition, seconds=10, what="condition"):
    """Ask until the answer is true; return it."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def with_plugins(program, arguments):
    """The agent looks where it would be installed, unless it is told."""
    if program == "hostmetrics-agent" and "--plugins" not in arguments:
        return ["--plugins", os.path.join(BUILD, "plugins"), *arguments]
    return arguments


class Daemon:
    """One daemon process, its log in a file."""

    def __init__(self, program, arguments, folder, name, environment=None, prefix=()):
        self.log_path = os.path.join(folder, f"{name}.log")
        self.socket = os.path.join(folder, f"{name}.sock")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, os.path.join(BUILD, program), "--socket", self.socket,
                 *with_plugins(program, arguments)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **(environment or {})))

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_ready(self):
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}:\n{self.log()}")
            return ctl("--socket", self.socket, "status").code == 0
        wait_until(answers, 10, f"{self.socket} answers")

    def stop(self, number=signal.SIGTERM):
        """End it; return its exit code and the seconds that took."""
        begin = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        code = self.process.wait(timeout=30 * PATIENCE)
        return code, time.monotonic() - begin


class Result:
    """What a program that has ended left."""

    def __init__(self, completed):
        self.code = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr

    def lines(self):
        return self.out.splitlines()

    def json(self):
        return json.loads(self.out)


def run(program, *arguments, text_in=None, seconds=60, environment=None, cwd=None):
    """Run a program of ours (or any, by its path) to its end."""
    path = program if os.sep in program else os.path.join(BUILD, program)
    return Result(subprocess.run([path, *with_plugins(program, arguments)], input=text_in, capture_output=True, text=True,
                                 stdin=None if text_in is not None else subprocess.DEVNULL,
                                 timeout=seconds * PATIENCE, check=False, cwd=cwd,
                                 env=dict(os.environ, **(environment or {}))))


def ctl(*arguments, **options):
    return run("agentctl", *arguments, **options)


class Case(unittest.TestCase):
    """A test with a folder of its own and daemons that end with it, whatever happens."""

    def setUp(self):
        os.makedirs(SCRATCH, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix=self._testMethodName[:40] + ".", dir=SCRATCH)
        # A socket's path holds 107 bytes; a checkout may lie deep.
        self.run_folder = tempfile.mkdtemp(prefix="hm.", dir=SCRATCH)
        if len(self.run_folder) > 80:
            self.skipTest(f"the path {self.run_folder} is too long for a local socket")
        self.daemons = []

    def tearDown(self):
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.process.kill()
            daemon.process.wait()
        if self._failed():
            for daemon in self.daemons:
                print(f"--- {daemon.log_path}\n{daemon.log()}")
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.run_folder, ignore_errors=True)

    def _failed(self):
        outcome = getattr(self, "_outcome", None)
        errors = getattr(getattr(outcome, "result", None), "failures", [])
        return any(test is self for test, _ in errors)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start_daemon(self, program, arguments, name, ready=True, environment=None, prefix=()):
        daemon = Daemon(program, arguments, self.run_folder, name, environment, prefix)
        self.daemons.append(daemon)
        if ready:
            daemon.wait_ready()
        return daemon

    def start_collector(self, *arguments, listen="127.0.0.1:0", name="collector", ready=True, prefix=()):
        """prefix: a program that runs it, and that program's arguments."""
        collector = self.start_daemon(
            "hostmetrics-collector",
            ["--listen", listen, "--store", self.path("store"), *arguments], name, ready,
            prefix=prefix)
        if ready:
            collector.address = status(collector)["listen"]
            collector.port = int(collector.address.rsplit(":", 1)[1])
        return collector

    def start_agent(self, settings, plugins="", name="agent", arguments=(), ready=True, environment=None, prefix=()):
        """settings: dict of [agent]; plugins: text of further sections; prefix: as of start_collector()."""
        settings = {"spool": self.path(f"spool-{name}"), **settings}
        lines = ["[agent]", *(f"{key} = {value}" for key, value in settings.items()), plugins]
        config = self.write(f"{name}.conf", "\n".join(lines) + "\n")
        return self.start_daemon(
            "hostmetrics-agent", ["--config", config, *arguments], name, ready, environment, prefix)

    def send(self, port, data):
        """Send bytes over one TCP connection and close it."""
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(data if isinstance(data, bytes) else data.encode())

    def wait_stored(self, collector, count, seconds=10):
        wait_until(lambda: status(collector)["samples_stored"] >= count, seconds,
                   f"{count} samples stored")
        stored = status(collector)["samples_stored"]
        self.assertEqual(stored, count)


def status(daemon):
    """status -o json as a dict."""
    return ctl("--socket", daemon.socket, "status", "-o", "json").json()


def query(daemon, pattern, *arguments):
    """query -o json: list of {time, host, series, value}."""
    result = ctl("--socket", daemon.socket, "query", pattern, *arguments, "-o", "json")
    assert result.code in (0, 1), result.err
    return result.json() if result.out.strip() else []


def free_port():
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    unittest.main()
