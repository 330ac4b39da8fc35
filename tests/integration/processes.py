# SPDX-License-Identifier: MIT
"""Processes of the agent's, as /proc shows them."""

import os


def processes_below(pid):
    """All that a process has started, and what these have."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            for child in file.read().split():
                found += [int(child), *processes_below(child)]
    return found


def name_of(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        return file.read().strip()
