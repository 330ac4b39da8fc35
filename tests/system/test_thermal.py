# SPDX-License-Identifier: MIT
"""Thermal zones and fans of a real kernel: what the hardware shows is what the collector has."""

import unittest

from guest import GuestCase
from support import query, wait_until

# Tenths of a degree: steps of one, below zero, zero itself, far jumps; never one twice in a row.
ZONE_0 = [375, 376, 377, 813, -400, -399, -1, 0, 1, 1100, 424, 210]
ZONE_1 = [-5, 5, 999, 1000, 1001, 333, -273, 667, 450, 451, 452, -100]
FAN_0 = [0, 1, 2, 3, 2, 1, 0, 3]
FAN_1 = [0, 1, 0, 1, 0, 1, 0, 1]




def without_repeats(values):
    return [value for i, value in enumerate(values) if i == 0 or value != values[i - 1]]


class Thermal(GuestCase):
    def setUp(self):
        super().setUp()
        self.start_guest()

    def set_hardware(self, step):
        self.guest.write_page(0, [2732 + ZONE_0[step], 2732 + ZONE_1[step],
                                  FAN_0[step % len(FAN_0)], FAN_1[step % len(FAN_1)]])

    def stored(self, pattern):
        """Values by series, in the order of their times."""
        values = {}
        for sample in sorted(query(self.collector, pattern), key=lambda sample: sample["time"]):
            values.setdefault(sample["series"], []).append(sample["value"])
        return values

    def compare(self, pattern, expected, n_steps):
        """expected: all values of each series in the steps; each step lasts until it is stored."""
        def is_stored(step):
            stored = self.stored(pattern)
            return all(stored.get(series, [None])[-1] == values[min(step, len(values) - 1)]
                       for series, values in expected.items())

        self.set_hardware(0)
        self.start_agent_in_guest()
        for step in range(n_steps):
            self.set_hardware(step)
            wait_until(lambda step=step: is_stored(step), 30, f"step {step} is stored")
        stored = self.stored(pattern)
        self.assertEqual({series: without_repeats(values) for series, values in stored.items()}, expected)
        for series, values in sorted(stored.items()):
            self.note(f"{series}: {len(values)} samples: {' '.join(map(str, without_repeats(values)))}")

    def test_every_temperature_that_was_set_is_stored_and_no_other(self):
        zone = 'node_thermal_zone_temp{{type="acpitz",zone="{}"}}'.format
        self.compare("node_thermal_zone_temp", {
            zone(0): [tenths / 10 for tenths in ZONE_0],
            zone(1): [tenths / 10 for tenths in ZONE_1],
            zone(2): [42],
        }, len(ZONE_0))

    def test_hwmon_tells_every_temperature_too(self):
        sensor = 'node_hwmon_temp_celsius{{chip="thermal_thermal_zone0",sensor="temp{}"}}'.format
        self.compare("node_hwmon_temp_celsius", {
            sensor(1): [tenths * 100 * 0.001 for tenths in ZONE_0],
            sensor(2): [tenths * 100 * 0.001 for tenths in ZONE_1],
            sensor(3): [42000 * 0.001],
        }, len(ZONE_0))

    def test_every_state_of_a_fan_is_stored_and_no_other(self):
        device = 'node_cooling_device_{}_state{{name="{}",type="{}"}}'.format
        self.compare("node_cooling_device_*", {
            device("cur", 0, "Processor"): [0], device("max", 0, "Processor"): [0],
            device("cur", 1, "Fan"): FAN_0, device("max", 1, "Fan"): [3],
            device("cur", 2, "Fan"): FAN_1, device("max", 2, "Fan"): [1],
        }, len(FAN_0))


if __name__ == "__main__":
    unittest.main()
