/* SPDX-License-Identifier: MIT */
#ifndef __NVSIM_RIG_H__
#define __NVSIM_RIG_H__
/*
 * A software GPU with nothing around it, and page tables made by hand.
 *
 * RIG_VA is the first address that is mapped: RIG_PAGES pages of 4 KiB that a process
 * would own. RIG_OWN_VA is where the driver would have its own: a GPFIFO page, a
 * pushbuffer page, a semaphore page.
 */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "../model.h"

#define RIG_PAGES	8
#define RIG_VA		0x7f1234400000ULL
#define RIG_OWN_VA	0x0000200000ULL
#define RIG_GP_VA	RIG_OWN_VA
#define RIG_PUSH_VA	(RIG_OWN_VA + 0x1000)
#define RIG_SEM_VA	(RIG_OWN_VA + 0x2000)
#define RIG_CHID	3
#define RIG_INST	0x12345000ULL
#define RIG_GP_NR	16
#define RIG_FAULT_ENTRIES	8

struct rig {
	struct kunit *test;
	struct nvsim sim;

	/* Tables of RIG_VA's and of RIG_OWN_VA's side. */
	u64 *pd3, *pd2[2], *pd1[2], *pd0[2], *spt[2], *lpt;
	void *page[RIG_PAGES];
	u64 *gp;
	u32 *push, *sem;

	u32 fault_entry[RIG_FAULT_ENTRIES * 8];
	u32 fault_get, fault_put;
	u32 userd[0x200 / 4];
	struct nvsim_chan chan;

	/* What the model has called for. */
	unsigned int fault_pending, non_stall, mmu_faults, illegals;
	struct nvsim_fault fault;
	const char *why;
};

struct rig *rig_new(struct kunit *test);
/* A page that may hold tables, zeroed. */
void *rig_table(struct kunit *test);
/* A page that a process would own, zeroed. */
void *rig_page(struct kunit *test);
/* Submit words as one segment of a pushbuffer. */
void rig_submit(struct rig *rig, const u32 *word, unsigned int nr);
/* Run the model until it does nothing any more, so often at most. False if it still does. */
bool rig_run(struct rig *rig, unsigned int limit);
bool rig_read(struct rig *rig, u64 va, u32 *value, enum nvsim_reason *reason);
bool rig_write(struct rig *rig, u64 va, u32 value, enum nvsim_reason *reason);

/*
 * Entries, spelled out from the format: bit 0 valid, bits 2:1 aperture (of a PTE: 0 video
 * memory, 2 coherent system memory; of a directory: 1 and 2), bit 3 volatile, 5
 * privileged, 6 read-only, 7 atomic disable, from 8 on the address in pages of 4 KiB.
 */
#define RIG_PTE(page)		(((u64)virt_to_phys(page) >> 12) << 8 | 0x5)
#define RIG_PDE(table)		(((u64)virt_to_phys(table) >> 12) << 8 | 0x4)
#define RIG_VOL			0x08
#define RIG_PRIV		0x20
#define RIG_RO			0x40
#define RIG_NO_ATOMIC		0x80
#endif
