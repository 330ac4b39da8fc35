/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HWMON_TABLE_H
#define PLUGINS_HWMON_TABLE_H

/*
 * What the files of hwmon's sensors hold and what node_exporter calls it: "temp1_max" is the property "max" of the
 * type "temp", node_hwmon_temp_max_celsius. Those that Documentation/hwmon/sysfs-interface names, and what the
 * drivers of boards have beside. As node_exporter does it, what a type's table gives no unit of its own has the
 * type's: an alarm of one limit is told in thousandths.
 *
 * X(type, property, name, unit, help) for each, the unit being one of those below.
 */

/* How the unit ends the name; what it is; what the number in the file is; how it is scaled; the kind. */
#define VOLTS(f)   f("_volts", "volts", "millivolts", HM_GAUGE, .factor = 0.001)
#define CELSIUS(f) f("_celsius", "celsius", "millidegrees Celsius", HM_GAUGE, .factor = 0.001)
#define AMPERES(f) f("_amps", "amperes", "milliamperes", HM_GAUGE, .factor = 0.001)
#define JOULES(f)  f("_joule_total", "joules", "microjoules", HM_COUNTER, .divisor = 1000000)
#define WATTS(f)   f("_watt", "watts", "microwatts", HM_GAUGE, .divisor = 1000000)
#define SECONDS(f) f("_seconds", "seconds", "milliseconds", HM_GAUGE, .factor = 0.001)
#define RATIO(f)   f("", "ratio", "millionths", HM_GAUGE, .divisor = 1000000)
#define RPM(f)     f("_rpm", "rpm", "revolutions per minute", HM_GAUGE, .factor = 0)
#define MHZ(f)     f("_freq_mhz", "megahertz", "hertz", HM_GAUGE, .divisor = 1000000)
/* ACPI's power meter writes "90.0%", which is no number to node_exporter either. */
#define ACCURACY(f) f("", "ratio", "millionths", HM_GAUGE, .divisor = 1000000, .is_optional = true)
#define PLAIN(f)    f("", "", "a number", HM_GAUGE, .factor = 0)

#define HWMON_LIMITS(X, type, unit, what)                                                          \
	X(type, "min", type "_min", unit, what ", lower limit.")                                   \
	X(type, "max", type "_max", unit, what ", upper limit.")                                   \
	X(type, "min_alarm", type "_min_alarm", unit, what " is or was below its lower limit.")    \
	X(type, "max_alarm", type "_max_alarm", unit, what " is or was above its upper limit.")    \
	X(type, "rated_min", type "_rated_min", unit, what ", lowest that the part is made for.")  \
	X(type, "rated_max", type "_rated_max", unit, what ", highest that the part is made for.") \
	X(type, "enable", type "_enable", unit, "Whether the sensor is switched on.")              \
	X(type, "alarm", type "_alarm", PLAIN, what " is or was out of its limits.")

#define HWMON_CRITICAL(X, type, unit, what)                                                        \
	X(type, "lcrit", type "_lcrit", unit, what ", critical lower limit.")                      \
	X(type, "crit", type "_crit", unit, what ", critical upper limit.")                        \
	X(type, "lcrit_alarm", type "_lcrit_alarm", unit, what " is or was critically low.")       \
	X(type, "crit_alarm", type "_crit_alarm", unit, what " is or was critically high.")

#define HWMON_HISTORY(X, type, unit, what)                                                         \
	X(type, "average", type "_average", unit, what ", average.")                               \
	X(type, "lowest", type "_lowest", unit, what ", lowest since the history was reset.")      \
	X(type, "highest", type "_highest", unit, what ", highest since the history was reset.")

#define HWMON_FAULT(X, type) X(type, "fault", type "_fault", PLAIN, "The sensor does not work.")
#define HWMON_BEEP(X, type)  X(type, "beep", type "_beep_enabled", PLAIN, "Whether an alarm beeps.")

#define HWMON_TEMPERATURES(X)                                                                      \
	X("temp", "input", "temp", CELSIUS, "Temperature.")                                        \
	HWMON_LIMITS(X, "temp", CELSIUS, "Temperature")                                            \
	HWMON_CRITICAL(X, "temp", CELSIUS, "Temperature")                                          \
	HWMON_HISTORY(X, "temp", CELSIUS, "Temperature")                                           \
	HWMON_FAULT(X, "temp")                                                                     \
	HWMON_BEEP(X, "temp")                                                                      \
	X("temp", "min_hyst", "temp_min_hyst", CELSIUS, "Where the lower limit's alarm ends.")     \
	X("temp", "max_hyst", "temp_max_hyst", CELSIUS, "Where the upper limit's alarm ends.")     \
	X("temp", "lcrit_hyst", "temp_lcrit_hyst", CELSIUS, "Where the critical low alarm ends.")  \
	X("temp", "crit_hyst", "temp_crit_hyst", CELSIUS, "Where the critical high alarm ends.")   \
	X("temp", "emergency", "temp_emergency", CELSIUS, "Temperature, limit above critical.")    \
	X("temp", "emergency_hyst", "temp_emergency_hyst", CELSIUS, "Where the emergency ends.")   \
	X("temp", "emergency_alarm", "temp_emergency_alarm", CELSIUS,                              \
	  "Above the emergency limit.")                                                            \
	X("temp", "offset", "temp_offset", CELSIUS, "What the chip adds to the temperature.")      \
	X("temp", "type", "temp_type", PLAIN, "What the sensor is made of, a number of the kernel.")

#define HWMON_VOLTAGES(X)                                                                          \
	X("in", "input", "in", VOLTS, "Voltage.")                                                  \
	HWMON_LIMITS(X, "in", VOLTS, "Voltage")                                                    \
	HWMON_CRITICAL(X, "in", VOLTS, "Voltage")                                                  \
	HWMON_HISTORY(X, "in", VOLTS, "Voltage")                                                   \
	HWMON_FAULT(X, "in")                                                                       \
	HWMON_BEEP(X, "in")                                                                        \
	X("cpu", "vid", "cpu_vid", VOLTS, "Voltage that the CPU asks for.")                        \
	X("vrm", "", "voltage_regulator_version", PLAIN, "Standard of the voltage regulator.")

#define HWMON_CURRENTS(X)                                                                          \
	X("curr", "input", "curr", AMPERES, "Current.")                                            \
	HWMON_LIMITS(X, "curr", AMPERES, "Current")                                                \
	HWMON_CRITICAL(X, "curr", AMPERES, "Current")                                              \
	HWMON_HISTORY(X, "curr", AMPERES, "Current")                                               \
	HWMON_FAULT(X, "curr")                                                                     \
	HWMON_BEEP(X, "curr")

#define HWMON_POWERS(X)                                                                            \
	X("power", "input", "power", WATTS, "Power.")                                              \
	HWMON_LIMITS(X, "power", WATTS, "Power")                                                   \
	HWMON_CRITICAL(X, "power", WATTS, "Power")                                                 \
	HWMON_FAULT(X, "power")                                                                    \
	X("power", "average", "power_average", WATTS, "Power, average of an interval.")            \
	X("power", "average_min", "power_average_min", WATTS, "Average below which it is told.")   \
	X("power", "average_max", "power_average_max", WATTS, "Average above which it is told.")   \
	X("power", "average_lowest", "power_average_lowest", WATTS, "Lowest average.")             \
	X("power", "average_highest", "power_average_highest", WATTS, "Highest average.")          \
	X("power", "input_lowest", "power_input_lowest", WATTS, "Lowest power.")                   \
	X("power", "input_highest", "power_input_highest", WATTS, "Highest power.")                \
	X("power", "average_interval", "power_average_interval", SECONDS, "Averages are of this.") \
	X("power", "average_interval_min", "power_average_interval_min", SECONDS,                  \
	  "At least that.")                                                                        \
	X("power", "average_interval_max", "power_average_interval_max", SECONDS, "At most that.") \
	X("power", "accuracy", "power_accuracy", ACCURACY, "Accuracy of the power meter.")         \
	X("power", "cap", "power_cap", WATTS, "Power that is not to be exceeded.")                 \
	X("power", "cap_default", "power_cap_default", WATTS, "The cap as it is from the start.")  \
	X("power", "cap_hyst", "power_cap_hyst", WATTS, "Margin below the cap.")                   \
	X("power", "cap_min", "power_cap_min", WATTS, "Lowest cap that can be set.")               \
	X("power", "cap_max", "power_cap_max", WATTS, "Highest cap that can be set.")              \
	X("power", "cap_alarm", "power_cap_alarm", WATTS, "Power is or was above the cap.")        \
	X("energy", "input", "energy", JOULES, "Energy used since the chip began to count.")       \
	X("energy", "enable", "energy_enable", JOULES, "Whether the sensor is switched on.")

#define HWMON_FANS(X)                                                                              \
	X("fan", "input", "fan", RPM, "Speed of the fan.")                                         \
	X("fan", "min", "fan_min", RPM, "Speed of the fan, lower limit.")                          \
	X("fan", "max", "fan_max", RPM, "Speed of the fan, upper limit.")                          \
	X("fan", "target", "fan_target", RPM, "Speed that the chip steers the fan to.")            \
	X("fan", "min_alarm", "fan_min_alarm", PLAIN, "The fan is or was too slow.")               \
	X("fan", "max_alarm", "fan_max_alarm", PLAIN, "The fan is or was too fast.")               \
	X("fan", "alarm", "fan_alarm", PLAIN, "The fan is or was out of its limits.")              \
	HWMON_FAULT(X, "fan")                                                                      \
	HWMON_BEEP(X, "fan")                                                                       \
	X("fan", "enable", "fan_enable", PLAIN, "Whether the sensor is switched on.")              \
	X("fan", "div", "fan_div", PLAIN, "What the counter's clock is divided by.")               \
	X("fan", "pulses", "fan_pulses", PLAIN, "Pulses of the fan for each turn.")                \
	X("fan", "manual", "fan_manual", PLAIN, "Whether the fan is set by hand.")                 \
	X("fan", "output", "fan_output", PLAIN, "Speed that is asked of the fan.")                 \
	X("fan", "safe", "fan_safe", PLAIN, "Speed that is always safe.")                          \
	X("fan", "tolerance", "fan_tolerance", PLAIN, "How far from its target the fan may be.")

#define HWMON_POINT(X, type, unit, n)                                                              \
	X(type, "auto_point" n "_pwm", type "_auto_point" n "_pwm", unit, "Fan curve, duty.")      \
	X(type, "auto_point" n "_temp", type "_auto_point" n "_temp", unit, "Fan curve, from it.") \
	X(type, "auto_point" n "_temp_hyst", type "_auto_point" n "_temp_hyst", unit,              \
	  "Fan curve, down to it.")

#define HWMON_CURVE(X, type, unit)                                                                 \
	HWMON_POINT(X, type, unit, "1")                                                            \
	HWMON_POINT(X, type, unit, "2")                                                            \
	HWMON_POINT(X, type, unit, "3")                                                            \
	HWMON_POINT(X, type, unit, "4")                                                            \
	HWMON_POINT(X, type, unit, "5")                                                            \
	HWMON_POINT(X, type, unit, "6")                                                            \
	HWMON_POINT(X, type, unit, "7")                                                            \
	HWMON_POINT(X, type, unit, "8")

#define HWMON_DUTY(X, property) X("pwm", property, "pwm_" property, PLAIN, "Setting of a fan.")

#define HWMON_DUTIES(X)                                                                            \
	X("pwm", "", "pwm", PLAIN, "Duty of the fan, 0 to 255.")                                   \
	X("pwm", "enable", "pwm_enable", PLAIN, "How the fan is controlled; 0 is at full speed.")  \
	X("pwm", "mode", "pwm_mode", PLAIN, "0 is direct current, 1 is modulation.")               \
	X("pwm", "freq", "pwm_freq", PLAIN, "Frequency of the modulation in hertz.")               \
	X("pwm", "auto_channels_temp", "pwm_auto_channels_temp", PLAIN,                            \
	  "Temperatures that steer the fan, a bit for each.")                                      \
	HWMON_DUTY(X, "temp_sel")                                                                  \
	HWMON_DUTY(X, "target_temp")                                                               \
	HWMON_DUTY(X, "temp_tolerance")                                                            \
	HWMON_DUTY(X, "crit_temp_tolerance")                                                       \
	HWMON_DUTY(X, "tolerance")                                                                 \
	HWMON_DUTY(X, "start")                                                                     \
	HWMON_DUTY(X, "floor")                                                                     \
	HWMON_DUTY(X, "min")                                                                       \
	HWMON_DUTY(X, "max")                                                                       \
	HWMON_DUTY(X, "step")                                                                      \
	HWMON_DUTY(X, "step_up_time")                                                              \
	HWMON_DUTY(X, "step_down_time")                                                            \
	HWMON_DUTY(X, "stop_time")                                                                 \
	HWMON_DUTY(X, "weight_temp_sel")                                                           \
	HWMON_DUTY(X, "weight_duty_base")                                                          \
	HWMON_DUTY(X, "weight_duty_step")                                                          \
	HWMON_DUTY(X, "weight_temp_step")                                                          \
	HWMON_DUTY(X, "weight_temp_step_base")                                                     \
	HWMON_DUTY(X, "weight_temp_step_tol")                                                      \
	HWMON_CURVE(X, "pwm", PLAIN)                                                               \
	HWMON_CURVE(X, "temp", CELSIUS)

#define HWMON_OTHERS(X)                                                                            \
	X("humidity", "input", "humidity", RATIO, "Relative humidity.")                            \
	HWMON_LIMITS(X, "humidity", RATIO, "Relative humidity")                                    \
	HWMON_FAULT(X, "humidity")                                                                 \
	X("humidity", "min_hyst", "humidity_min_hyst", RATIO, "Where the lower alarm ends.")       \
	X("humidity", "max_hyst", "humidity_max_hyst", RATIO, "Where the upper alarm ends.")       \
	X("intrusion", "alarm", "intrusion_alarm", PLAIN, "The case was opened.")                  \
	HWMON_BEEP(X, "intrusion")                                                                 \
	X("freq", "input", "freq", MHZ, "Clock frequency of a part.")                              \
	X("beep_enable", "", "beep_enabled", PLAIN, "Whether the chip may beep at all.")           \
	X("update_interval", "", "update_interval", SECONDS, "So often the chip measures anew.")

#define HWMON_SENSORS(X)                                                                           \
	HWMON_TEMPERATURES(X)                                                                      \
	HWMON_FANS(X)                                                                              \
	HWMON_VOLTAGES(X)                                                                          \
	HWMON_CURRENTS(X)                                                                          \
	HWMON_POWERS(X)                                                                            \
	HWMON_OTHERS(X)                                                                            \
	HWMON_DUTIES(X)

#endif
