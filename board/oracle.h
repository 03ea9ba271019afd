/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_H
#define ORACLE_H
/*
 * Whose a page of the guest is, seen from outside: its kernel says in VMCOREINFO, which crash
 * dumps are read with, where struct page is and what is in it. It needs no change of the guest,
 * and finds its way with KASLR and five-level page tables. Linux on x86-64 with
 * SPARSEMEM_VMEMMAP.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oracle_state { ORACLE_OFF, ORACLE_SEARCHES, ORACLE_FOUND };

/* What is wrong with an access; ORACLE_FINE: nothing, or it is not known. New ones go last. */
enum oracle_verdict {
	ORACLE_FINE,
	ORACLE_FREE,		/* nobody has it: refcount 0 or in the buddy allocator */
	ORACLE_SLAB,		/* the slab allocator's */
	ORACLE_TABLE,		/* a page table of the guest's */
	ORACLE_NOBODY,		/* allocated, and no process, file or swap cache has it */
	ORACLE_NEW_OWNER,	/* another's than when the translation was cached */
	ORACLE_UNMAPPED,	/* no process maps it: a file has it, the swap cache, or a reference */
	ORACLE_VERDICTS
};

/* Whose a page is, as struct page says. All zero: not known, or nobody's. */
struct oracle_owner {
	uint64_t mapping, index;
	uint64_t root;		/* of anonymous memory: the anon_vma that all forks share */
};

#define ORACLE_TEXT	4096	/* as much as VMCOREINFO may be long */

struct oracle {
	enum oracle_state state;
	uint8_t *ram;		/* the guest's memory, linear as its file is */
	uint64_t ram_size;
	uint64_t scan;		/* how far the search for VMCOREINFO is */

	/* VMCOREINFO, and where it was found: a physical address. */
	char text[ORACLE_TEXT + 1];
	uint64_t found;
	/* What it says. */
	char release[65];
	uint64_t pgd;		/* physical address */
	unsigned int levels;
	uint64_t vmemmap, page_size;
	/* Within struct page. */
	uint32_t off_flags, off_refcount, off_mapcount, off_mapping, off_compound;
	/* Page types, see page_type(); 0: not known. */
	bool type_is_value;
	uint32_t buddy, slab, table, hugetlb;
	/* Bits of the flags; 0: there is none. */
	uint64_t swapcache, slab_flag;
	bool exclusive_unmaps;	/* device-exclusive pages do not count as mapped */

	/* The leaf of the vmemmap's page tables that was used last. */
	uint64_t last_va, last_pa, last_mask;
};

void oracle_init(struct oracle *oracle);
/* The guest's memory, or another guest's after a restart: search again. NULL: there is none. */
void oracle_memory(struct oracle *oracle, uint8_t *ram, uint64_t size);
/*
 * Go on with the search, a bounded piece of it: a few milliseconds. Never in the path of a reply.
 * True: there is more to do. False: it was found, or all memory was looked at in vain; then the
 * next call begins anew, which is of use when the guest has done something meanwhile.
 */
bool oracle_search(struct oracle *oracle);
/* Is a device's access to this byte of the guest's memory right? at is within ram. */
enum oracle_verdict oracle_check(struct oracle *oracle, const void *at, bool write,
				 const struct oracle_owner *before);
struct oracle_owner oracle_owner(struct oracle *oracle, const void *at);
/* A guest-physical address, or NULL: no memory is there. */
const void *oracle_at(const struct oracle *oracle, uint64_t pa);
const char *oracle_verdict_name(enum oracle_verdict verdict);
#endif
