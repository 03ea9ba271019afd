// SPDX-License-Identifier: MIT
/*
 * Registers without an effect here. Some are known: drivers write and read them, and they keep
 * what is written. Any other address reads 0 until it is written; whoever asks is told that it is
 * not modelled, since a board answers it with an error.
 *
 * Source: what nouveau touches of a GP100 at probe (nvkm/subdev/{fb,ltc,therm,clk,pmu,privring}).
 */
#include <stddef.h>

#include "pri.h"

static const struct { uint32_t first, last; } known[] = {
	{ 0x001144, 0x001144 },			/* PBUS: the pushed interrupt's mask */
	{ 0x002200, 0x002200 },			/* PFIFO's configuration */
	{ 0x002350, 0x00237c },			/* timeslices of PBDMAs */
	{ 0x00dc00, 0x00dcff },			/* GPIO */
	{ 0x00d000, 0x00dfff },			/* PNVIO: GPIO, I2C, therm */
	{ 0x00e000, 0x00efff },
	{ 0x020000, 0x020fff },			/* PTHERM */
	{ 0x100000, 0x100fff },			/* PFB */
	{ 0x101000, 0x101fff },			/* straps */
	{ 0x10a000, 0x10afff },			/* PMU: a falcon that is never started */
	{ 0x10e000, 0x10efff },
	{ 0x110000, 0x11ffff },
	{ 0x120000, 0x12ffff },			/* the ring of private registers */
	{ 0x122000, 0x122fff },
	{ 0x137000, 0x137fff },			/* clocks */
	{ 0x17e000, 0x17efff },			/* LTC */
	{ 0x1fa000, 0x1fafff },			/* the memory's ECC and secure ranges */
	{ 0x104000, 0x104fff },			/* copy engine */
	{ 0x400000, 0x41bfff },			/* GR, without an engine */
	{ 0x6013d4, 0x6013d5 },			/* the VGA's index and data, no display behind it */
	{ 0x9a0000, 0x9affff },			/* FBPA */
};

void kept_reset(struct pri_kept *kept)
{
	kept->nr = 0;
}

static bool is_known(uint32_t addr)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (addr >= known[i].first && addr <= known[i].last)
			return true;
	return false;
}

bool kept_read(const struct pri_kept *kept, uint32_t addr, uint32_t *value)
{
	*value = 0;
	for (uint32_t i = 0; i < kept->nr; i++) {
		if (kept->addr[i] == addr) {
			*value = kept->value[i];
			break;
		}
	}
	return is_known(addr);
}

bool kept_write(struct pri_kept *kept, uint32_t addr, uint32_t value)
{
	for (uint32_t i = 0; i < kept->nr; i++) {
		if (kept->addr[i] == addr) {
			kept->value[i] = value;
			return is_known(addr);
		}
	}
	if (kept->nr < KEPT_MAX) {
		kept->addr[kept->nr] = addr;
		kept->value[kept->nr++] = value;
	}
	return is_known(addr);
}
