/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_POWER_SUPPLY_TABLE_H
#define PLUGINS_POWER_SUPPLY_TABLE_H

/*
 * The numbers that a power supply may have, and what node_exporter calls them. It does not ask what they are of: all
 * that the kernel has in millionths is told in units, charges in ampere-hours and energies in watt-hours.
 *
 * X(file, name, unit, help) for each, the unit being one of these: what it is, what the file holds, the divisor.
 */

#define PLAIN(f)   f("", "a number", 0)
#define PERCENT(f) f("percent", "percent", 0)
#define SECONDS(f) f("seconds", "seconds", 0)
#define VOLTS(f)   f("volts", "microvolts", 1000000)
#define AMPERES(f) f("amperes", "microamperes", 1000000)
#define CHARGE(f)  f("ampere_hours", "microampere-hours", 1000000)
#define ENERGY(f)  f("watt_hours", "microwatt-hours", 1000000)
#define WATTS(f)   f("watts", "microwatts", 1000000)
#define STEPS(f)   f("", "steps; node_exporter takes them for millionths", 1000000)
#define CELSIUS(f) f("celsius", "tenths of a degree Celsius", 10)

#define POWER_SUPPLY_STATES(X)                                                                     \
	X("authentic", "authentic", PLAIN, "Whether the part is a genuine one.")                   \
	X("calibrate", "calibrate", PLAIN, "Whether the battery is being calibrated.")             \
	X("capacity", "capacity", PERCENT, "How full the battery is.")                             \
	X("capacity_alert_max", "capacity_alert_max", PERCENT, "Above this there is an alert.")    \
	X("capacity_alert_min", "capacity_alert_min", PERCENT, "Below this there is an alert.")    \
	X("cycle_count", "cyclecount", PLAIN, "How often the battery was charged and used up.")    \
	X("online", "online", PLAIN, "Whether the supply delivers; 2 is at a programmed voltage.") \
	X("present", "present", PLAIN, "Whether the battery is there.")                            \
	X("time_to_empty_now", "time_to_empty_seconds", SECONDS, "Time until it is empty.")        \
	X("time_to_full_now", "time_to_full_seconds", SECONDS, "Time until it is full.")

#define POWER_SUPPLY_VOLTAGES(X)                                                                   \
	X("voltage_now", "voltage_volt", VOLTS, "Voltage.")                                        \
	X("voltage_boot", "voltage_boot", VOLTS, "Voltage when the system was started.")           \
	X("voltage_max", "voltage_max", VOLTS, "Highest voltage.")                                 \
	X("voltage_max_design", "voltage_max_design", VOLTS, "Highest voltage as designed.")       \
	X("voltage_min", "voltage_min", VOLTS, "Lowest voltage.")                                  \
	X("voltage_min_design", "voltage_min_design", VOLTS, "Lowest voltage as designed.")        \
	X("voltage_ocv", "voltage_ocv", VOLTS, "Voltage without a load.")                          \
	X("constant_charge_voltage", "constant_charge_voltage", VOLTS, "Voltage of charging.")     \
	X("constant_charge_voltage_max", "constant_charge_voltage_max", VOLTS,                     \
	  "Highest voltage of charging.")

#define POWER_SUPPLY_CURRENTS(X)                                                                   \
	X("current_now", "current_ampere", AMPERES, "Current.")                                    \
	X("current_boot", "current_boot", AMPERES, "Current when the system was started.")         \
	X("current_max", "current_max", AMPERES, "Highest current.")                               \
	X("charge_term_current", "charge_term_current", AMPERES, "Current at which it is full.")   \
	X("constant_charge_current", "constant_charge_current", AMPERES, "Current of charging.")   \
	X("constant_charge_current_max", "constant_charge_current_max", AMPERES,                   \
	  "Highest current of charging.")                                                          \
	X("precharge_current", "precharge_current", AMPERES, "Current of charging when empty.")    \
	X("input_current_limit", "input_current_limit", AMPERES, "Highest current taken in.")

#define POWER_SUPPLY_CHARGES(X)                                                                    \
	X("charge_now", "charge_ampere", CHARGE, "Charge.")                                        \
	X("charge_counter", "charge_counter", CHARGE, "Charge as the battery counts it.")          \
	X("charge_empty", "charge_empty", CHARGE, "Charge at which it was empty last.")            \
	X("charge_empty_design", "charge_empty_design", CHARGE, "The same as designed.")           \
	X("charge_full", "charge_full", CHARGE, "Charge at which it was full last.")               \
	X("charge_full_design", "charge_full_design", CHARGE, "The same as designed.")             \
	X("charge_control_limit", "charge_control_limit", STEPS, "How far charging is held back.") \
	X("charge_control_limit_max", "charge_control_limit_max", STEPS, "The most of that.")      \
	X("energy_now", "energy_watthour", ENERGY, "Energy.")                                      \
	X("energy_empty", "energy_empty", ENERGY, "Energy at which it was empty last.")            \
	X("energy_empty_design", "energy_empty_design", ENERGY, "The same as designed.")           \
	X("energy_full", "energy_full", ENERGY, "Energy at which it was full last.")               \
	X("energy_full_design", "energy_full_design", ENERGY, "The same as designed.")             \
	X("power_now", "power_watt", WATTS, "Power.")

#define POWER_SUPPLY_TEMPERATURES(X)                                                               \
	X("temp", "temp_celsius", CELSIUS, "Temperature.")                                         \
	X("temp_alert_max", "temp_alert_max_celsius", CELSIUS, "Above this there is an alert.")    \
	X("temp_alert_min", "temp_alert_min_celsius", CELSIUS, "Below this there is an alert.")    \
	X("temp_max", "temp_max_celsius", CELSIUS, "Highest temperature.")                         \
	X("temp_min", "temp_min_celsius", CELSIUS, "Lowest temperature.")                          \
	X("temp_ambient", "temp_ambient_celsius", CELSIUS, "Temperature around it.")               \
	X("temp_ambient_max", "temp_ambient_max_celsius", CELSIUS, "Highest of these.")            \
	X("temp_ambient_min", "temp_ambient_min_celsius", CELSIUS, "Lowest of these.")

#define POWER_SUPPLY_NUMBERS(X)                                                                    \
	POWER_SUPPLY_STATES(X)                                                                     \
	POWER_SUPPLY_VOLTAGES(X)                                                                   \
	POWER_SUPPLY_CURRENTS(X)                                                                   \
	POWER_SUPPLY_CHARGES(X)                                                                    \
	POWER_SUPPLY_TEMPERATURES(X)

#endif
