// SPDX-License-Identifier: MIT
/*
 * What is fixed when the board is made: fuses, straps, how much memory there is. One FBP with one
 * LTC and one FBPA, no display, devinit done by the VBIOS.
 *
 * Sources: pascal/gp100-fbpa.txt of open-gpu-doc (0x021c14, 0x021d70, 0x022438 to 0x022458);
 * 0x021c04: dev_fuse.h of open-gpu-kernel-modules (gm107); the others as nouveau reads them:
 * 0x02240c nvkm/subdev/devinit/gm200.c, 0x101000 nvkm/subdev/devinit/nv50.c and engine/device,
 * 0x12006c nvkm/subdev/ltc/gp100.c, 0x17e280 nvkm/subdev/ltc/gm200.c, 0x90020c
 * nvkm/subdev/fb/ramgp100.c.
 */
#include "pri.h"

bool fuse_read(uint64_t vram_size, uint32_t addr, uint32_t *value)
{
	switch (addr) {
	case 0x021c00: *value = 0; return true;
	case 0x021c04: *value = 1; return true;			/* no display */
	case 0x021c14: case 0x021d38: case 0x021d70: *value = 0; return true;
	case 0x02240c: *value = 2; return true;			/* devinit has run */
	case 0x022438: case 0x022450: case 0x022458: *value = 1; return true;
	case 0x101000: *value = 0x00400000; return true;	/* a crystal of 27 MHz */
	case 0x12006c: *value = 1; return true;
	case 0x17e280: *value = 1 << 28; return true;
	case 0x90020c: *value = vram_size >> 20; return true;
	case 0x020460: *value = 0; return true;			/* a temperature: not valid */
	}
	return false;
}
