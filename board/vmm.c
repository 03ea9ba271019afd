// SPDX-License-Identifier: MIT
/*
 * Page tables of GP100, "version 2". A virtual address has 49 bits:
 *
 *	48:47	46:38	37:29	28:21	20:12	11:0	small page, 4 KiB
 *	PDE3	PDE2	PDE1	PDE0	PTE
 *					20:16	15:0	big page, 64 KiB
 *
 * An entry has 8 bytes, but for PDE0, which has 16: its first word is either the big-page table
 * or, if bit 0 is set, the PTE of a 2 MiB page; its second word is the small-page table. The two
 * tables may be there at the same time, then the big one is looked at first.
 *
 * An entry that is not valid still says something by VOL (sparse) and, in a big-page table, by
 * PRIV (nothing here, not even small pages). In a directory the aperture field has another
 * meaning than in a PTE: 0 is "invalid", 1 VRAM.
 *
 * Sources: pascal/gp100-mmu-format.pdf of open-gpu-doc; the instance block: dev_ram.h of
 * open-gpu-kernel-modules (published/pascal/gp100).
 */
#include "vmm.h"

#define BITS(hi, lo)	((~0ULL >> (63 - (hi))) & (~0ULL << (lo)))

#define ENTRY_VALID		BITS(0, 0)	/* of a PTE; in PDE0: it is a PTE */
#define ENTRY_APERTURE		BITS(2, 1)
#define ENTRY_VOL		BITS(3, 3)
#define ENTRY_PRIV		BITS(5, 5)
#define ENTRY_RO		BITS(6, 6)
#define ENTRY_ATOMIC_DISABLE	BITS(7, 7)
/* Bits 63:56 are the kind, and those of VRAM end at 32: comptags follow. */
#define ENTRY_ADDR_SYS		BITS(53, 8)
#define ENTRY_ADDR_VID		BITS(32, 8)
/* A big-page table is aligned to 256 bytes only. */
#define ENTRY_ADDR_BIG		BITS(53, 4)

/* Of an instance block. */
#define INST_PDB		0x200
#define INST_LIMIT		0x208
#define PDB_TARGET		BITS(1, 0)
#define PDB_REPLAY		BITS(5, 4)	/* TEX, GCC */
#define PDB_ADDR		BITS(63, 12)

bool vmm_space_read(struct memory *memory, uint64_t inst, struct vmm_space *space)
{
	uint64_t pdb, limit;

	if (!memory_read64(memory, VRAM, inst + INST_PDB, &pdb) ||
	    !memory_read64(memory, VRAM, inst + INST_LIMIT, &limit))
		return false;
	*space = (struct vmm_space) {
		.pdb = pdb & PDB_ADDR,
		.aperture = pdb & PDB_TARGET,
		.limit = limit,
		.replay = pdb & PDB_REPLAY,
	};
	return true;
}

static bool read_entry(struct memory *memory, enum aperture aperture, uint64_t addr,
		       uint64_t *entry, struct vmm_walk_count *count)
{
	count->pte_reads++;
	if (memory_read64(memory, aperture, addr, entry))
		return true;
	count->bad_tables++;
	count->bus_errors += aperture != VRAM;
	return false;
}

/* A directory's entry: where the table is. False if there is none. */
static bool directory(uint64_t entry, uint64_t mask, enum aperture *aperture, uint64_t *table)
{
	static const enum aperture of[] = { PEER, VRAM, SYSTEM, SYSTEM_NONCOHERENT };

	*aperture = of[(entry & ENTRY_APERTURE) >> 1];
	*table = (entry & mask) << 4;
	return entry & ENTRY_APERTURE;
}

static bool leaf(uint64_t entry, uint8_t shift, struct vmm_page *page, enum fault_reason *reason)
{
	*page = (struct vmm_page) { .shift = shift };
	if (!(entry & ENTRY_VALID)) {
		page->sparse = entry & ENTRY_VOL;
		*reason = FAULT_PTE;
		return page->sparse;
	}
	page->aperture = (entry & ENTRY_APERTURE) >> 1;
	if (page->aperture == PEER) {
		*reason = FAULT_APERTURE;
		return false;
	}
	page->addr = (entry & (page->aperture == VRAM ? ENTRY_ADDR_VID : ENTRY_ADDR_SYS)) << 4;
	/* The bits below a larger page's size are no address. */
	page->addr &= ~((1ULL << shift) - 1);
	page->ro = entry & ENTRY_RO;
	page->no_atomic = entry & ENTRY_ATOMIC_DISABLE;
	page->priv = entry & ENTRY_PRIV;
	page->vol = entry & ENTRY_VOL;
	return true;
}

bool vmm_walk(struct memory *memory, const struct vmm_space *space, uint64_t va,
	      struct vmm_page *page, enum fault_reason *reason, struct vmm_walk_count *count)
{
	static const struct { uint8_t shift, bits; } level[] = { { 47, 2 }, { 38, 9 }, { 29, 9 } };
	enum aperture aperture = space->aperture;
	uint64_t table = space->pdb, entry, big, small;

	if (!space->pdb) {
		*reason = FAULT_UNBOUND_INST;
		return false;
	}
	if (va > space->limit || va >> 49) {
		*reason = FAULT_VA_LIMIT;
		return false;
	}

	*reason = FAULT_PDE;
	for (unsigned int i = 0; i < sizeof(level) / sizeof(level[0]); i++) {
		const uint64_t index = va >> level[i].shift & ((1ULL << level[i].bits) - 1);

		if (!read_entry(memory, aperture, table + index * 8, &entry, count))
			return false;
		if (!directory(entry, ENTRY_ADDR_SYS, &aperture, &table)) {
			*page = (struct vmm_page) {
				.shift = level[i].shift, .sparse = entry & ENTRY_VOL,
			};
			return page->sparse;
		}
	}

	table += (va >> 21 & 0xff) * 16;
	if (!read_entry(memory, aperture, table, &big, count))
		return false;
	if (big & ENTRY_VALID)
		return leaf(big, 21, page, reason);
	if (!read_entry(memory, aperture, table + 8, &small, count))
		return false;
	if (!(big & ENTRY_APERTURE) && !(small & ENTRY_APERTURE)) {
		*page = (struct vmm_page) { .shift = 21, .sparse = big & ENTRY_VOL };
		return page->sparse;
	}

	if (directory(big, ENTRY_ADDR_BIG, &aperture, &table)) {
		if (!read_entry(memory, aperture, table + (va >> 16 & 0x1f) * 8, &entry, count))
			return false;
		if (entry & (ENTRY_VALID | ENTRY_VOL | ENTRY_PRIV))
			return leaf(entry, 16, page, reason);
	}
	*reason = FAULT_PTE;
	if (!directory(small, ENTRY_ADDR_SYS, &aperture, &table))
		return false;
	if (!read_entry(memory, aperture, table + (va >> 12 & 0x1ff) * 8, &entry, count))
		return false;
	return leaf(entry, 12, page, reason);
}
