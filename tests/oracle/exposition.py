# SPDX-License-Identifier: MIT
"""Metrics as Prometheus' text tells them: {(name, ((label, value), ...)): number}."""

import re

LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def parse(text):
    found = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = LINE.match(line)
        if not match:
            raise ValueError(line)
        labels = tuple(sorted((name, value) for name, value in LABEL.findall(match[2] or "") if value))
        found[match[1], labels] = float(match[3])
    return found


def show(series):
    name, labels = series
    return name + ("{" + ",".join(f'{label}="{value}"' for label, value in labels) + "}" if labels else "")
