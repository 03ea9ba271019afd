/* SPDX-License-Identifier: MIT */
#ifndef VMM_H
#define VMM_H
/* Address spaces: the walk through page tables in GP100's format. It reads memory, no more. */
#include "memory.h"

/* ACCESS_TYPE and FAULT_TYPE of a fault buffer's entry (clb069.h of open-gpu-kernel-modules). */
enum access_type { ACCESS_READ = 0, ACCESS_WRITE = 1, ACCESS_ATOMIC = 2, ACCESS_PREFETCH = 3 };

enum fault_reason {
	FAULT_PDE = 0x0, FAULT_PDE_SIZE = 0x1, FAULT_PTE = 0x2, FAULT_VA_LIMIT = 0x3,
	FAULT_UNBOUND_INST = 0x4, FAULT_PRIV = 0x5, FAULT_RO = 0x6, FAULT_WO = 0x7,
	FAULT_APERTURE = 0xa, FAULT_ATOMIC = 0xf,
};

/* An address space, as an instance block describes it. */
struct vmm_space {
	uint64_t pdb;		/* address of the topmost directory */
	enum aperture aperture;	/* and where that is */
	uint64_t limit;		/* last virtual address */
	bool replay;		/* faults of engines wait for a replay instead of ending the channel */
};

/* A translation. */
struct vmm_page {
	uint64_t addr;		/* of its first byte */
	uint8_t shift;		/* log2 of its size */
	enum aperture aperture;
	bool ro, no_atomic, priv;
	bool vol;		/* not cached in the L2; of no consequence here */
	bool sparse;		/* no memory: reads give zeros, writes are lost */
};

struct vmm_walk_count {
	uint64_t pte_reads;
	uint64_t bad_tables;	/* tables where no memory is */
	uint64_t bus_errors;	/* of these, on the bus */
};

/* Read the address space out of an instance block. False: there is no memory. */
bool vmm_space_read(struct memory *memory, uint64_t inst, struct vmm_space *space);

/* Look an address up. False: *reason says why there is no page. */
bool vmm_walk(struct memory *memory, const struct vmm_space *space, uint64_t va,
	      struct vmm_page *page, enum fault_reason *reason, struct vmm_walk_count *count);
#endif
