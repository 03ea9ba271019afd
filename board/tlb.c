// SPDX-License-Identifier: MIT
/*
 * Fully associative; the oldest entry gives way. How a real one is organized is not published,
 * and does not matter: a driver may rely on nothing but that a flush drops entries.
 */
#include <string.h>

#include "tlb.h"

void tlb_init(struct tlb *tlb)
{
	memset(tlb, 0, sizeof(*tlb));
}

void tlb_resize(struct tlb *tlb, uint32_t size)
{
	tlb_flush_all(tlb);
	tlb->size = size < TLB_MAX ? size : TLB_MAX;
	tlb->next = 0;
}

struct tlb_entry *tlb_find(struct tlb *tlb, uint64_t pdb, uint64_t va)
{
	for (uint32_t i = 0; i < tlb->size; i++) {
		struct tlb_entry *entry = &tlb->entry[i];

		if (entry->valid && entry->pdb == pdb &&
		    va >> entry->page.shift == entry->va >> entry->page.shift)
			return entry;
	}
	return NULL;
}

struct tlb_entry *tlb_add(struct tlb *tlb, uint64_t pdb, uint64_t va, const struct vmm_page *page)
{
	struct tlb_entry *entry;

	if (!tlb->size)
		return NULL;
	entry = &tlb->entry[tlb->next];
	tlb->next = (tlb->next + 1) % tlb->size;
	*entry = (struct tlb_entry) { .valid = true, .pdb = pdb, .va = va, .page = *page };
	return entry;
}

void tlb_flush(struct tlb *tlb, uint64_t pdb)
{
	for (uint32_t i = 0; i < tlb->size; i++)
		if (tlb->entry[i].pdb == pdb)
			tlb->entry[i].valid = false;
}

void tlb_flush_all(struct tlb *tlb)
{
	for (uint32_t i = 0; i < TLB_MAX; i++)
		tlb->entry[i].valid = false;
}
