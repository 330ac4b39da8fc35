# SPDX-License-Identifier: MIT
"""Debian's prometheus-node-exporter, unpacked, and our agent: a round of each, below any root."""

import fcntl
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import termios
import time

import exposition

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.abspath(os.path.join(HERE, "..", ".."))
BUILD = os.environ.get("HM_BUILD", os.path.join(PROJECT, "build"))
FOLDER = os.path.join(BUILD, "oracle")
ROOT = os.path.join(FOLDER, "root")
NAME = "prometheus-node-exporter"
HELD_BYTES = 4096  # the smallest pipe
TIMEOUT_SECONDS = 120
# It leaves out less by default.
SAME_DEVICES = "".join(f"[plugin {name}]\nignore = {globs}\n" for name, globs in {
    "netdev": "", "netclass": "", "arp": "",
    "diskstats": "ram[0-9]* loop[0-9]* fd[0-9]* [hsv]d[a-z][0-9]* xvd[a-z][0-9]* nvme[0-9]*n[0-9]*p[0-9]*"}.items())


def unpack(packages):
    if subprocess.run([os.path.join(HERE, "packages"), FOLDER, *packages], check=False).returncode != 0:
        sys.exit(1)


class Round:
    """A round of the agent in a format, held where it prints until finish(): so long its own memory and open files are there."""

    def __init__(self, path, form):
        self.path = path
        config = os.path.join(FOLDER, "agent.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[agent]\nspool = {FOLDER}/spool\nseries_max = 100000\n{SAME_DEVICES}")
        command = [os.path.join(BUILD, "hostmetrics-agent"), "--once", "-o", form, "--config", config,
                   "--plugins", os.path.join(BUILD, "plugins"), *(["--root", path] if path else [])]
        self.errors = tempfile.TemporaryFile("w+")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdout=subprocess.PIPE, stderr=self.errors, text=True, pipesize=HELD_BYTES)

    def wait(self):
        """Until it has read all: what it prints fills the pipe. What is shorter is not held."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            n_bytes = fcntl.ioctl(self.process.stdout, termios.FIONREAD, b"\0" * 4)
            if int.from_bytes(n_bytes, sys.byteorder) >= HELD_BYTES:
                return
            time.sleep(0.002)

    def finish(self):
        """What it prints; "": there is nothing."""
        text = self.process.communicate(timeout=TIMEOUT_SECONDS)[0]
        self.errors.seek(0)
        errors = self.errors.read()
        self.errors.close()
        if self.process.returncode != 0 and "nothing could be read" not in errors:
            raise RuntimeError(f"{self.path}: {errors}")
        return text


def print_ours(path, form):
    return Round(path, form).finish()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Oracle:
    """It runs meanwhile: its own memory and connections are part of what it tells."""

    def __init__(self, path):
        self.port = free_port()
        roots = [f"--path.procfs={path}/proc", f"--path.sysfs={path}/sys", f"--path.rootfs={path}",
                 f"--path.udev.data={path}/run/udev/data"] if path else []
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [os.path.join(ROOT, "usr/bin", NAME), *roots, "--no-collector.netdev.netlink",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.kill()
        self.process.wait()

    def get(self):
        """Its text, over one connection, which is part of what it tells; None: it has crashed."""
        for _ in range(100):
            try:
                self.connection.request("GET", "/metrics")
                return self.connection.getresponse().read().decode()
            except (OSError, http.client.HTTPException):
                self.connection.close()
                if self.process.poll() is not None:
                    return None
                time.sleep(0.1)
        raise RuntimeError(f"{NAME} does not answer")

    def read(self):
        text = self.get()
        return None if text is None else exposition.parse(text)
