/* SPDX-License-Identifier: MIT */
#ifndef TLB_H
#define TLB_H
/*
 * Translations that are cached, by topmost directory and address. Nothing but a flush drops one,
 * or another that takes its place: a flush that the driver forgot shows.
 */
#include "oracle.h"
#include "vmm.h"

#define TLB_MAX	1024

struct tlb_entry {
	bool valid;
	uint64_t pdb, va;
	struct vmm_page page;
	struct oracle_owner owner;	/* whose its first 4 KiB were when it was cached */
};

struct tlb {
	struct tlb_entry entry[TLB_MAX];
	uint32_t size;		/* how many are used; 0: nothing is cached */
	uint32_t next;		/* the one to be replaced */
};

void tlb_init(struct tlb *tlb);
/* Empties it as well: what lay beyond a smaller size must not come back with a larger one. */
void tlb_resize(struct tlb *tlb, uint32_t size);
struct tlb_entry *tlb_find(struct tlb *tlb, uint64_t pdb, uint64_t va);
struct tlb_entry *tlb_add(struct tlb *tlb, uint64_t pdb, uint64_t va, const struct vmm_page *page);
void tlb_flush(struct tlb *tlb, uint64_t pdb);
void tlb_flush_all(struct tlb *tlb);
#endif
