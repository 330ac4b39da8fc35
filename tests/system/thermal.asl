// SPDX-License-Identifier: MIT
// Three thermal zones and two fans for a guest. All but zone 2 follow a page of its memory at 256 MiB,
// which the kernel is told to leave alone and the host writes: 32-bit words, temperatures in tenths
// of a kelvin, fans by their state.
DefinitionBlock ("", "SSDT", 2, "TEST", "THERMAL", 1)
{
	Scope (\_SB)
	{
		OperationRegion (PAGE, SystemMemory, 0x10000000, 0x1000)
		Field (PAGE, DWordAcc, NoLock, Preserve) { TMP0, 32, TMP1, 32, FAN0, 32, FAN1, 32 }
		Device (FN00)
		{
			Name (_HID, EisaId ("PNP0C0B"))
			Name (_UID, 0)
			Name (_FIF, Package () { 0, 0, 1, 0 })
			// Revision, then four states: control, trip point, speed, noise, power.
			Name (_FPS, Package ()
			{
				0,
				Package () { 0, 0xFFFFFFFF, 0, 0, 0 },
				Package () { 1, 0xFFFFFFFF, 1000, 0, 0 },
				Package () { 2, 0xFFFFFFFF, 2000, 0, 0 },
				Package () { 3, 0xFFFFFFFF, 3000, 0, 0 }
			})
			Method (_FSL, 1) { FAN0 = Arg0 }
			Method (_FST) { Return (Package () { 0, FAN0, 1000 }) }
		}
		Device (FN01)
		{
			Name (_HID, EisaId ("PNP0C0B"))
			Name (_UID, 1)
			Name (_FIF, Package () { 0, 0, 1, 0 })
			Name (_FPS, Package ()
			{
				0,
				Package () { 0, 0xFFFFFFFF, 0, 0, 0 },
				Package () { 1, 0xFFFFFFFF, 5000, 0, 0 }
			})
			Method (_FSL, 1) { FAN1 = Arg0 }
			Method (_FST) { Return (Package () { 0, FAN1, 1000 }) }
		}
	}
	Scope (\_TZ)
	{
		ThermalZone (TZ00)
		{
			Method (_TMP) { Return (\_SB.TMP0) }
			Method (_CRT) { Return (3982) }
			Method (_HOT) { Return (3932) }
		}
		ThermalZone (TZ01)
		{
			Method (_TMP) { Return (\_SB.TMP1) }
			Method (_CRT) { Return (3982) }
		}
		ThermalZone (TZ02)
		{
			Method (_TMP) { Return (3152) }
			Method (_CRT) { Return (3882) }
		}
	}
}
