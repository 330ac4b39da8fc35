# SPDX-License-Identifier: MIT
"""What of node_exporter's series is to be compared with ours, and what is known to differ or miss (the file `known`)."""

import fnmatch
import os
import re

import exposition

HERE = os.path.dirname(os.path.abspath(__file__))
# What it tells of itself.
OWN = re.compile(r"^(go_|process_|promhttp_|node_scrape_|node_exporter_)")
# Labels that newer versions of it have.
NEWER_LABELS = {"node_network_info": {"adminstate"}, "node_nvme_info": {"cntlid"}}


def read_known():
    """Lines of `TREE METRIC REASON`, the first two as globs."""
    with open(os.path.join(HERE, "known"), encoding="utf-8") as file:
        return [line.split(maxsplit=2) for line in file if line.strip() and not line.startswith("#")]


def find_reason(known, tree, series):
    for tree_glob, series_glob, reason in known:
        if fnmatch.fnmatchcase(tree.replace(" ", "-"), tree_glob) and fnmatch.fnmatchcase(exposition.show(series), series_glob):
            return reason.strip()
    return None


def without_newer(series):
    names = NEWER_LABELS.get(series[0], ())
    return series[0], tuple(label for label in series[1] if label[0] not in names)
