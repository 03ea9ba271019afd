// SPDX-License-Identifier: MIT
/*
 * PTOP: which engines there are. Up to three words of a device, chained by bit 31:
 *
 *	ENUM (2)	29:26 engine, 24:21 runlist, 19:15 interrupt, 13:9 reset; 5:2 which of them
 *	DATA (1)	29:26 instance, 23:12 registers >> 12, 9:3 MMU fault ID, 2 that there is one
 *	TYPE (3)	30:2 what it is
 *
 * Sources: hw_top_gp106.h of nvgpu; manuals/volta/gv100/dev_top.ref.txt of open-gpu-doc.
 */
#include "pri.h"

#define CHAIN			(1U << 31)
#define ENUM(engine, runlist, intr, reset) \
	(CHAIN | 2 | 1 << 5 | (engine) << 26 | 1 << 4 | (runlist) << 21 | 1 << 3 | (intr) << 15 | \
	 1 << 2 | (reset) << 9)
#define DATA(instance, base, fault) \
	(CHAIN | 1 | (uint32_t)(instance) << 26 | (base) | 1 << 2 | (fault) << 3)
#define TYPE(type)		(3 | (type) << 2)

#define TYPE_GRAPHICS		0
#define TYPE_LCE		0x13

bool top_read(uint32_t ce_runlist, uint32_t addr, uint32_t *value)
{
	const uint32_t word[] = {
		ENUM(ENGINE_GR, 0, 12, RESET_GR), DATA(0, 0x400000, 0),
		TYPE(TYPE_GRAPHICS),
		ENUM(ENGINE_CE, ce_runlist, 5, RESET_CE), DATA(0, 0x104000, FAULT_ENGINE_CE),
		TYPE(TYPE_LCE),
	};

	if (addr < 0x022700 || addr >= 0x022800)
		return false;
	addr = (addr - 0x022700) / 4;
	*value = addr < sizeof(word) / sizeof(word[0]) ? word[addr] : 0;
	return true;
}
