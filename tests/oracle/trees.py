# SPDX-License-Identifier: MIT
"""Trees of /proc and /sys of real hosts, as Debian packages ship them, unpacked below a folder; and our own."""

import glob
import os
import re
import shutil
import subprocess
import tarfile

PACKAGES = ("golang-github-prometheus-procfs-dev", "pcp-testsuite")
TTAR = "usr/share/gocode/src/github.com/prometheus/procfs/testdata/fixtures.ttar"
PCP = "var/lib/pcp/testsuite/linux/*-root-*.tgz"


# Those of tests/fixtures that have all that kernels have had for long, and nothing wrong.
FIXTURES = ("big_machine", "board", "laptop", "linux_6_18", "network", "storage")


def unpack_ttar(path, folder):
    """A text archive: Path, Lines or SymlinkTo, Mode; in the lines NULLBYTE stands for a NUL."""
    target, n_lines = None, 0
    with open(path, encoding="utf-8", errors="surrogateescape") as archive:
        for line in archive:
            word, _, rest = line.rstrip("\n").partition(": ")
            if word == "Path":
                target = os.path.join(folder, os.path.relpath(rest, "fixtures"))
                os.makedirs(os.path.dirname(target), exist_ok=True)
            elif word == "SymlinkTo":
                os.symlink(rest, target)
            elif word == "Directory":
                os.makedirs(os.path.join(folder, os.path.relpath(rest, "fixtures")), exist_ok=True)
            elif word == "Lines":
                n_lines = int(rest)
                with open(target, "w", encoding="utf-8", errors="surrogateescape") as file:
                    file.write("".join(read_line(archive.readline()) for _ in range(n_lines)))


def read_line(line):
    """An EOF at the end of a line says that the file has no newline there."""
    line = line.replace("NULLBYTE", "\0").replace("\0NULLBYTE", "NULLBYTE")
    return re.sub(r"EOF\n$", "", line)


def has_sources(folder):
    return os.path.isdir(os.path.join(folder, "proc")) or os.path.isdir(os.path.join(folder, "sys"))


def make_parts(path):
    """node_exporter wants both."""
    for part in ("proc", "sys"):
        os.makedirs(os.path.join(path, part), exist_ok=True)


def copy_fixtures(source, folder):
    """Copy ours below `folder`; return {name: path}."""
    found = {}
    for name in FIXTURES:
        found[f"fixture {name}"] = path = os.path.join(folder, f"fixture-{name}")
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(os.path.join(source, name), path, symlinks=True)
        make_parts(path)
    return found


def unpack(root, folder):
    """Unpack all trees below `folder`; return {name: path}."""
    found = {}
    os.makedirs(folder, exist_ok=True)
    name = os.path.join(folder, "procfs")
    if not os.path.isdir(name):
        unpack_ttar(os.path.join(root, TTAR), name)
    found["procfs"] = name
    for archive in sorted(glob.glob(os.path.join(root, PCP))):
        name = os.path.basename(archive)[:-len(".tgz")]
        target = os.path.join(folder, name)
        if not os.path.isdir(target):
            os.makedirs(target)
            with tarfile.open(archive) as tar:
                tar.extractall(target, members=[m for m in tar if m.isfile() or m.isdir() or m.issym()])
        # Some have a folder around it.
        inner = [target, *glob.glob(os.path.join(target, "*"))]
        for path in (path for path in inner if has_sources(path)):
            make_parts(path)
            subprocess.run(["chmod", "-R", "u+rwX", path], check=False)
            found[name] = path
            break
    return found
