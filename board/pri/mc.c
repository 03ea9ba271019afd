// SPDX-License-Identifier: MIT
/*
 * PMC: chip ID, interrupt status and masks, unit resets. Two leaves of interrupts,
 * each with its own mask; the second, for what does not stall, has nothing here.
 *
 * Sources: pascal/gp100-msi-intr.txt of open-gpu-doc (0x000100 to 0x0001a0); boot_0's fields and
 * 0x000200, 0x000204: hw_mc_gp106.h of nvgpu.
 */
#include "pri.h"

#define BOOT_0		0x130000a1	/* GP100, revision A1 */
/* Out of power-on: the display engine, which is fused off, as every unit but PFIFO. */
#define ENABLE_RESET	0x40000000

void mc_reset(struct pri_mc *mc)
{
	*mc = (struct pri_mc) { .enable = ENABLE_RESET };
}

bool mc_read(const struct pri_mc *mc, uint32_t addr, uint32_t *value)
{
	switch (addr) {
	case 0x000000: *value = BOOT_0; return true;
	case 0x000004: *value = 0; return true;		/* little-endian */
	case 0x000100: *value = mc->pending; return true;
	case 0x000104: *value = 0; return true;
	case 0x000140: case 0x000144: *value = mc->mask[(addr - 0x140) / 4]; return true;
	case 0x000160: case 0x000164:
	case 0x000180: case 0x000184: *value = mc->mask[addr / 4 & 1]; return true;
	case 0x000200: *value = mc->enable; return true;
	case 0x000204: *value = mc->enable_pb; return true;
	}
	return false;
}

bool mc_write(struct pri_mc *mc, uint32_t addr, uint32_t value, struct pri_ask *ask)
{
	switch (addr) {
	case 0x000000: case 0x000004: case 0x000100: case 0x000104:
		return true;
	case 0x000160: case 0x000164:
		mc->mask[(addr - 0x160) / 4] |= value;
		return true;
	case 0x000180: case 0x000184:
		mc->mask[(addr - 0x180) / 4] &= ~value;
		return true;
	case 0x000140: case 0x000144:
		mc->mask[(addr - 0x140) / 4] = value;
		return true;
	case 0x000200:
		*ask = (struct pri_ask) { .what = ASKS_ENGINES, .data = mc->enable & ~value };
		mc->enable = value;
		return true;
	case 0x000204:
		mc->enable_pb = value;
		return true;
	}
	return false;
}
