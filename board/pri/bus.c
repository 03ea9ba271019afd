// SPDX-License-Identifier: MIT
/*
 * PBUS: where PRAMIN looks, and the instance blocks of BAR1 and BAR2. A BAR that has none shows
 * VRAM from its beginning.
 *
 * Sources: dev_bus.h of open-gpu-kernel-modules (published/maxwell/gm107); 0x001140:
 * manuals/volta/gv100/dev_bus.ref.txt of open-gpu-doc.
 */
#include "pri.h"

#define BLOCK_VIRTUAL	(1U << 31)
#define BLOCK_ADDR	0x0fffffff

void bus_reset(struct pri_bus *bus)
{
	*bus = (struct pri_bus) {};
}

bool bus_read(const struct pri_bus *bus, uint32_t addr, uint32_t *value)
{
	switch (addr) {
	case 0x001100: *value = bus->intr; return true;
	case 0x001140: *value = bus->mask; return true;
	case 0x001700: *value = bus->window; return true;
	case 0x001704: *value = bus->bar1; return true;
	case 0x001710: *value = 0; return true;		/* bound, and nothing outstanding */
	case 0x001714: *value = bus->bar2; return true;
	}
	return false;
}

bool bus_write(struct pri_bus *bus, uint32_t addr, uint32_t value, struct pri_ask *ask)
{
	switch (addr) {
	case 0x001100:
		bus->intr &= ~value;
		return true;
	case 0x001140:
		bus->mask = value;
		return true;
	case 0x001700:
		bus->window = value;
		return true;
	case 0x001704:
		bus->bar1 = value;
		*ask = (struct pri_ask) { .what = ASKS_BAR1 };
		return true;
	case 0x001710:
		return true;
	case 0x001714:
		bus->bar2 = value;
		*ask = (struct pri_ask) { .what = ASKS_BAR2 };
		return true;
	}
	return false;
}

uint64_t bus_pramin(const struct pri_bus *bus, enum aperture *aperture)
{
	*aperture = bus->window >> 24 & 3;
	return (uint64_t)(bus->window & 0xffffff) << 16;
}

bool bus_block(uint32_t reg, uint64_t *inst)
{
	*inst = (uint64_t)(reg & BLOCK_ADDR) << 12;
	return reg & BLOCK_VIRTUAL;
}
