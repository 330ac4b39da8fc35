# SPDX-License-Identifier: MIT
"""A Btrfs of two disks, of which the second one has a block that is not what was written, for a program that runs in namespaces of
its own, as root.

    btrfs.py FOLDER PROGRAM [ARGUMENT...]

It is mounted at FOLDER/disk; FOLDER/usage and FOLDER/stats are what `btrfs device` says of it. Ends with CANNOT where there is no
Btrfs to be had; else its exit code is the program's.
"""

import os
import subprocess
import sys

import namespaces

CANNOT = 77
N_BYTES = 128 << 20
TEXT = b"what only this file holds\n" * 4000


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def damage(image):
    """Change a byte of the file's data, but not of the checksums that are written of it."""
    with open(image, "r+b") as file:
        data = file.read()
        at = data.index(TEXT[:8192])
        file.seek(at + 100)
        file.write(b"X")
        os.fsync(file.fileno())


def make(folder):
    images = [os.path.join(folder, name) for name in ("image1", "image2")]
    disk = os.path.join(folder, "disk")
    for image in images:
        with open(image, "wb") as file:
            file.truncate(N_BYTES)
    run("mkfs.btrfs", "-q", "-d", "raid1", "-m", "raid1", *images)
    os.makedirs(disk)
    second = run("losetup", "--find", "--show", images[1])
    try:
        run("mount", "-o", f"loop,device={second}", images[0], disk)
    finally:
        # It goes when it is not used any more.
        run("losetup", "--detach", second)
    with open(os.path.join(disk, "file"), "wb") as file:
        file.write(TEXT)
    run("sync", "-f", disk)
    damage(images[1])
    run("btrfs", "scrub", "start", "-B", disk)
    write(folder, "usage", run("btrfs", "device", "usage", "--raw", disk))
    write(folder, "stats", run("btrfs", "device", "stats", disk))


def run_inside(folder, words):
    try:
        make(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no Btrfs: {error} {getattr(error, 'stderr', '')}", file=sys.stderr)
        return CANNOT
    pid = namespaces.start(words)
    while True:
        ended, code = os.wait()  # who has no parent any more, too
        if ended == pid:
            return os.waitstatus_to_exitcode(code)


def main(folder, *words):
    return namespaces.run(lambda: run_inside(folder, words))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
