// SPDX-License-Identifier: MIT
/*
 * The MMU's registers of PFB: invalidation of the TLB, which also carries replays and cancels of
 * replayable faults.
 *
 * Sources: dev_fb.h of open-gpu-kernel-modules (published/pascal/gp100; 0x100cbc with all fields;
 * gm107: 0x100cb8, 0x100c10), hw_fb_gp106.h of nvgpu (0x100c80, 0x100cc4 to 0x100ce4); 0x100cec as
 * gp100_vmm_invalidate_pdb() of nouveau writes it.
 */
#include "pri.h"

#define CTRL_FIFO_EMPTY		0x00008000
#define CTRL_FIFO_SPACE		0x00ff0000
#define INVALIDATE_ALL_PDB	(1U << 1)
#define INVALIDATE_TRIGGER	(1U << 31)

void mmu_reset(struct pri_mmu *mmu)
{
	*mmu = (struct pri_mmu) {};
}

bool mmu_read(const struct pri_mmu *mmu, uint32_t addr, uint32_t *value)
{
	switch (addr) {
	case 0x100c10: *value = mmu->flush_sysmem; return true;
	case 0x100c80: *value = mmu->busy ? 0 : CTRL_FIFO_EMPTY | CTRL_FIFO_SPACE; return true;
	case 0x100cb8: *value = mmu->pdb; return true;
	case 0x100cbc: *value = mmu->invalidate; return true;
	case 0x100cc4: case 0x100cc8: case 0x100ccc:
		*value = mmu->debug[(addr - 0x100cc4) / 4];
		return true;
	case 0x100ce0: *value = mmu->local_range; return true;
	case 0x100cec: *value = mmu->pdb_hi; return true;
	}
	return false;
}

bool mmu_write(struct pri_mmu *mmu, uint32_t addr, uint32_t value, struct pri_ask *ask)
{
	switch (addr) {
	case 0x100c10:
		mmu->flush_sysmem = value;
		return true;
	case 0x100c80:
		return true;
	case 0x100cb8:
		mmu->pdb = value;
		return true;
	case 0x100cbc:
		mmu->invalidate = value & ~INVALIDATE_TRIGGER;
		if (value & INVALIDATE_TRIGGER)
			*ask = (struct pri_ask) {
				.what = ASKS_INVALIDATE,
				.addr = ((uint64_t)mmu->pdb_hi << 32 | (mmu->pdb & ~0xfU)) << 8,
				.data = value,
			};
		return true;
	case 0x100cc4: case 0x100cc8: case 0x100ccc:
		mmu->debug[(addr - 0x100cc4) / 4] = value;
		return true;
	case 0x100ce0:
		mmu->local_range = value;
		return true;
	case 0x100cec:
		mmu->pdb_hi = value;
		return true;
	}
	return false;
}

enum mmu_replay mmu_replay(uint32_t invalidate)
{
	return invalidate >> 3 & 7;
}

bool mmu_all_pdb(uint32_t invalidate)
{
	return invalidate & INVALIDATE_ALL_PDB;
}
