// SPDX-License-Identifier: MIT
/*
 * A fault buffer's entry has 8 words: the instance block's address (bits 31:12 and 63:32), the
 * virtual address (likewise), time, engine, and INFO. The instance block's aperture, bits 9:8 of
 * word 0, is 0: VRAM.
 *
 * Sources: clb069.h of open-gpu-kernel-modules; IDs of engines and clients: dev_fault.h there, at
 * 1739a20e (kernel-open/nvidia-uvm/hwref/pascal/gp100). The engine in word 6 and REPLAYABLE, INFO's
 * bit 7, which the header does not have, are as nouveau_svm_fault_cache() reads them.
 */
#include "fault.h"

#define INFO_VALID		(1U << 31)
#define INFO_HUB		(1U << 20)
#define INFO_ACCESS_SHIFT	16
#define INFO_CLIENT_SHIFT	8
#define INFO_REPLAYABLE		(1U << 7)

/* What an entry and 0x00280c + 16 * unit have in common. */
uint32_t fault_info(const struct fault *fault)
{
	return INFO_HUB | (uint32_t)fault->type << INFO_ACCESS_SHIFT |
	       (uint32_t)fault->client << INFO_CLIENT_SHIFT | (uint32_t)fault->reason;
}

void fault_entry(const struct fault *fault, uint64_t time, uint32_t word[FAULT_ENTRY_WORDS])
{
	word[0] = fault->inst;
	word[1] = fault->inst >> 32;
	word[2] = fault->va & PAGE_MASK;
	word[3] = fault->va >> 32;
	word[4] = time;
	word[5] = time >> 32;
	word[6] = fault->engine;
	word[7] = INFO_VALID | INFO_REPLAYABLE | fault_info(fault);
}
