// SPDX-License-Identifier: MIT
/*
 * Every access to memory by virtual address. From the look into the TLB to the last byte of a
 * page nothing else happens in the board, so when a flush is over no access goes by what it
 * dropped.
 */
#include <string.h>

#include "access.h"

void access_init(struct access *access, struct events *events, struct knobs *knobs)
{
	access->events = events;
	access->knobs = knobs;
	access->blocks = access->windows = 0;
	memset(access->block, 0, sizeof(access->block));
	tlb_init(&access->tlb);
	tlb_resize(&access->tlb, knobs->value[KNOB_tlb_size]);
	oracle_init(&access->oracle);
	access->chan = -1;
}

/* ---- whose addresses they are ---- */

/* The slot of a block, or a free one for it; NULL: the table is full. */
static struct access_block *block_slot(struct access *access, uint64_t pdb, uint64_t va)
{
	const uint64_t block = va >> 21;
	uint64_t at = (pdb >> 12 ^ block) * 0x9e3779b97f4a7c15ULL >> 32;

	for (uint32_t i = 0; i < ACCESS_BLOCKS; i++, at++) {
		struct access_block *slot = &access->block[at % ACCESS_BLOCKS];

		if (!slot->pdb || (slot->pdb == pdb && slot->block == block))
			return slot;
	}
	return NULL;
}

void access_is_process(struct access *access, uint64_t pdb, uint64_t va)
{
	struct access_block *slot = block_slot(access, pdb, va);

	/* One slot stays free, so that a search ends. */
	if (!slot || slot->pdb || access->blocks + 1 >= ACCESS_BLOCKS)
		return;
	*slot = (struct access_block) { pdb, va >> 21 };
	access->blocks++;
}

void access_forget(struct access *access, uint64_t pdb)
{
	uint32_t kept = 0;

	/* A slot cannot be taken out: what others found behind it would be lost. */
	memcpy(access->spare, access->block, sizeof(access->block));
	memset(access->block, 0, sizeof(access->block));
	access->blocks = 0;
	for (uint32_t i = 0; i < ACCESS_BLOCKS; i++) {
		const struct access_block *block = &access->spare[i];

		if (block->pdb && block->pdb != pdb)
			access_is_process(access, block->pdb, block->block << 21);
	}
	for (uint32_t i = 0; i < access->windows; i++)
		if (access->window[i].pdb != pdb)
			access->window[kept++] = access->window[i];
	access->windows = kept;
}

bool access_exclude(struct access *access, uint64_t pdb, uint64_t start, uint64_t size)
{
	for (uint32_t i = 0; i < access->windows; i++) {
		const struct access_window *window = &access->window[i];

		if (window->pdb == pdb && window->start == start && window->size == size)
			return true;
	}
	if (access->windows == ACCESS_WINDOWS)
		return false;
	access->window[access->windows++] = (struct access_window) { pdb, start, size };
	return true;
}

static bool is_driver(const struct access *access, uint64_t pdb, uint64_t va)
{
	for (uint32_t i = 0; i < access->windows; i++) {
		const struct access_window *window = &access->window[i];

		if ((!window->pdb || window->pdb == pdb) && va >= window->start &&
		    va - window->start < window->size)
			return true;
	}
	return false;
}

static bool is_process(struct access *access, uint64_t pdb, uint64_t va)
{
	const struct access_block *slot = block_slot(access, pdb, va);

	return slot && slot->pdb;
}

/* ---- translation ---- */

/* Which of a GPU page's pages of 4 KiB. */
static uint64_t page_in(const struct tlb_entry *entry, uint64_t va)
{
	return (va & ((1ULL << entry->page.shift) - 1)) / PAGE_SIZE;
}

/*
 * A page in the guest's memory has just been looked up: whose is it? A large page of the GPU is of
 * one owner, who has it from an index on.
 */
static void take_owner(struct access *access, const struct vmm_space *space, uint64_t va,
		       struct tlb_entry *entry, const void *at)
{
	if (!space->replay || access->oracle.state != ORACLE_FOUND ||
	    is_driver(access, space->pdb, va))
		return;
	entry->owner = oracle_owner(&access->oracle, at);
	entry->owner.index -= page_in(entry, va);
	if (entry->owner.mapping)
		access_is_process(access, space->pdb, va);
}

/* Whether the oracle has anything against an access. */
static void check(struct access *access, const struct vmm_space *space, uint64_t va, bool write,
		  const struct oracle_owner *before, uint64_t addr, const void *at)
{
	enum oracle_verdict verdict;

	if (!space->replay || !access->knobs->value[KNOB_oracle] ||
	    access->oracle.state != ORACLE_FOUND || is_driver(access, space->pdb, va) ||
	    !is_process(access, space->pdb, va))
		return;
	stat_add(access->events, STAT_oracle_checks, 1);
	verdict = oracle_check(&access->oracle, at, write, before);
	if (verdict == ORACLE_FINE)
		return;
	stat_add(access->events, STAT_stale_accesses, 1);
	event(access->events, EVENT_stale, access->chan, va, addr);
	/* A line for each kind; the event log has them all. */
	event_once(access->events, GUEST_ERROR, 0x1000000000000ULL | verdict << 1 | write,
		   "stale %s: %s; the first: va %#llx bus %#llx", write ? "write" : "read",
		   oracle_verdict_name(verdict), (unsigned long long)va, (unsigned long long)addr);
}

/* Where an access goes. NULL memory and true: nowhere, reads give zeros. */
static bool translate(struct access *access, const struct vmm_space *space, uint64_t va,
		      enum access_type type, uint64_t len, void **at, uint64_t *n,
		      enum fault_reason *reason)
{
	const bool write = type == ACCESS_WRITE || type == ACCESS_ATOMIC;
	struct tlb_entry *entry = tlb_find(&access->tlb, space->pdb, va);
	struct tlb_entry uncached = {};
	struct oracle_owner owner;
	uint64_t addr, size;
	bool fresh = !entry;

	if (entry) {
		stat_add(access->events, STAT_tlb_hits, 1);
	} else {
		struct vmm_walk_count count = {};
		bool found;

		stat_add(access->events, STAT_tlb_misses, 1);
		found = vmm_walk(&access->memory, space, va, &uncached.page, reason, &count);
		stat_add(access->events, STAT_pte_reads, count.pte_reads);
		if (count.bad_tables) {
			stat_add(access->events, STAT_bad_tables, count.bad_tables);
			stat_add(access->events, STAT_bus_errors, count.bus_errors);
			event_once(access->events, GUEST_ERROR, 0x2000000000000ULL | space->pdb,
				   "page table where no memory is, directory %#llx",
				   (unsigned long long)space->pdb);
		}
		/* A walk that fails is not cached. */
		if (!found)
			return false;
		entry = tlb_add(&access->tlb, space->pdb, va, &uncached.page);
		if (!entry)
			entry = &uncached;
	}

	if (write && entry->page.ro) {
		*reason = FAULT_RO;
		return false;
	}
	if (type == ACCESS_ATOMIC && entry->page.no_atomic) {
		*reason = FAULT_ATOMIC;
		return false;
	}

	size = 1ULL << entry->page.shift;
	addr = entry->page.addr + (va & (size - 1));
	/* Page by page of the guest's: each has a struct page, and maps of an IOMMU are as small. */
	*n = PAGE_SIZE - (va & ~PAGE_MASK);
	if (*n > len)
		*n = len;
	*at = NULL;
	if (entry->page.sparse || type == ACCESS_PREFETCH)
		return true;
	*at = memory_at(&access->memory, entry->page.aperture, addr, *n, write);
	if (!*at) {
		/* Beyond VRAM, or with an IOMMU: what the driver has unmapped. */
		const bool off = access->memory.bus_off && entry->page.aperture != VRAM;

		stat_add(access->events, STAT_bus_errors, 1);
		event(access->events, EVENT_bus_error, access->chan, va, addr);
		event_once(access->events, GUEST_ERROR, 0x3000000000000ULL | off << 1 | write,
			   "%s %s; the first: va %#llx bus %#llx", write ? "write" : "read",
			   off ? "while bus mastering is off" : "where nothing is",
			   (unsigned long long)va, (unsigned long long)addr);
		return true;
	}
	if (entry->page.aperture != VRAM) {
		if (fresh)
			take_owner(access, space, va, entry, *at);
		owner = entry->owner;
		owner.index += page_in(entry, va);
		check(access, space, va, write, &owner, addr, *at);
	}
	return true;
}

/* A word is moved at once: the guest may look at it, or write it, meanwhile. */
static void move(void *to, const void *from, uint64_t len)
{
	if (len == 4 && !(((uintptr_t)to | (uintptr_t)from) & 3))
		__atomic_store_n((uint32_t *)to, __atomic_load_n((const uint32_t *)from,
				 __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	else
		memcpy(to, from, len);
}

bool access_bytes(struct access *access, const struct vmm_space *space, uint64_t va,
		  enum access_type type, void *buf, uint64_t len, uint64_t *fault_va,
		  enum fault_reason *reason)
{
	uint8_t *bytes = buf;

	while (len) {
		uint64_t n;
		void *at;

		if (!translate(access, space, va, type, len, &at, &n, reason)) {
			*fault_va = va;
			return false;
		}
		if (at && type == ACCESS_WRITE)
			move(at, bytes, n);
		else if (at)
			move(bytes, at, n);
		else if (type == ACCESS_READ)
			memset(bytes, 0, n);
		va += n;
		bytes += n;
		len -= n;
	}
	return true;
}

static uint32_t reduce(unsigned int op, uint32_t old, uint32_t value)
{
	const bool is_unsigned = op & REDUCE_UNSIGNED;

	switch (op & 0xf) {
	case REDUCE_MIN:
		return (is_unsigned ? old < value : (int32_t)old < (int32_t)value) ? old : value;
	case REDUCE_MAX:
		return (is_unsigned ? old > value : (int32_t)old > (int32_t)value) ? old : value;
	case REDUCE_XOR:
		return old ^ value;
	case REDUCE_AND:
		return old & value;
	case REDUCE_OR:
		return old | value;
	case REDUCE_ADD:
		return old + value;
	case REDUCE_INC:
		return old >= value ? 0 : old + 1;
	default:
		return !old || old > value ? value : old - 1;
	}
}

bool access_atomic(struct access *access, const struct vmm_space *space, uint64_t va,
		   unsigned int op, uint32_t value, uint32_t *old, enum fault_reason *reason)
{
	uint32_t seen = 0;
	uint64_t n;
	void *at;

	if (!translate(access, space, va & ~3ULL, ACCESS_ATOMIC, 4, &at, &n, reason))
		return false;
	if (at) {
		uint32_t *word = at;

		seen = __atomic_load_n(word, __ATOMIC_RELAXED);
		while (!__atomic_compare_exchange_n(word, &seen, reduce(op, seen, value), false,
						    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			;
	}
	if (old)
		*old = seen;
	return true;
}

bool access_physical(struct access *access, enum aperture aperture, uint64_t addr, bool write,
		     void *buf, uint64_t len)
{
	uint8_t *bytes = buf;
	bool all = true;

	while (len) {
		uint64_t n = PAGE_SIZE - (addr & ~PAGE_MASK);
		void *at;

		if (n > len)
			n = len;
		at = memory_at(&access->memory, aperture, addr, n, write);
		if (!at) {
			all = false;
			stat_add(access->events, STAT_bus_errors, 1);
			event(access->events, EVENT_bus_error, access->chan, 0, addr);
			if (!write)
				memset(bytes, 0, n);
		} else if (write) {
			move(at, bytes, n);
		} else {
			move(bytes, at, n);
		}
		addr += n;
		bytes += n;
		len -= n;
	}
	return all;
}

void access_flush(struct access *access, uint64_t pdb)
{
	tlb_flush(&access->tlb, pdb);
}
