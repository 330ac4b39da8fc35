# SPDX-License-Identifier: MIT
"""Debian's prometheus-node-exporter, unpacked, and our agent: a round of each, below any root."""

import http.client
import os
import socket
import subprocess
import time

import exposition

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.abspath(os.path.join(HERE, "..", ".."))
BUILD = os.environ.get("HM_BUILD", os.path.join(PROJECT, "build"))
FOLDER = os.path.join(BUILD, "oracle")
ROOT = os.path.join(FOLDER, "root")
NAME = "prometheus-node-exporter"
# It leaves out less by default.
SAME_DEVICES = "".join(f"[plugin {name}]\nignore = {globs}\n" for name, globs in {
    "netdev": "", "netclass": "", "arp": "",
    "diskstats": "ram[0-9]* loop[0-9]* fd[0-9]* [hsv]d[a-z][0-9]* xvd[a-z][0-9]* nvme[0-9]*n[0-9]*p[0-9]*"}.items())


def unpack(packages):
    subprocess.run([os.path.join(HERE, "packages"), FOLDER, *packages], check=True)


def print_ours(path, form):
    """A round of the agent in a format; "": there is nothing."""
    config = os.path.join(FOLDER, "agent.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(f"[agent]\nspool = {FOLDER}/spool\nseries_max = 100000\n{SAME_DEVICES}")
    command = [os.path.join(BUILD, "hostmetrics-agent"), "--once", "-o", form, "--config", config,
               "--plugins", os.path.join(BUILD, "plugins")]
    done = subprocess.run([*command, *(["--root", path] if path else [])], capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0 and "nothing could be read" not in done.stderr:
        raise RuntimeError(f"{path}: {done.stderr}")
    return done.stdout


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
