// SPDX-License-Identifier: MIT
/*
 * Page tables of GP100 ("version 2"), the TLB, and every access to memory.
 *
 * A virtual address has 49 bits:
 *
 *	48:47	46:38	37:29	28:21	20:12	11:0	small page, 4 KiB
 *	PDE3	PDE2	PDE1	PDE0	PTE
 *					20:16	15:0	big page, 64 KiB
 *
 * An entry has 8 bytes, but for PDE0, which has 16: its first word is either the
 * big-page table, or, if bit 0 is set, the PTE of a 2 MiB page; its second word is
 * the small-page table. The two tables may be there at the same time, then the big
 * one is looked at first. Source: gp100-mmu-format.pdf of open-gpu-doc, and
 * nvkm/subdev/mmu/vmmgp100.c, which writes them.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/printk.h>

#include "model.h"

#define ENTRY_VALID		BIT_ULL(0)	/* of a PTE; in PDE0: it is a PTE */
#define ENTRY_APERTURE		GENMASK_ULL(2, 1)
#define ENTRY_VOL		BIT_ULL(3)
#define ENTRY_PRIV		BIT_ULL(5)
#define ENTRY_RO		BIT_ULL(6)
#define ENTRY_ATOMIC_DISABLE	BIT_ULL(7)
/* Bits 63:56 are the kind, and those of VRAM end at 32: comptags follow. */
#define ENTRY_ADDR_SYS		GENMASK_ULL(53, 8)
#define ENTRY_ADDR_VID		GENMASK_ULL(32, 8)
/* A big-page table is aligned to 256 bytes only. */
#define ENTRY_ADDR_BIG		GENMASK_ULL(53, 4)

/*
 * Page tables are written by the CPU meanwhile, a word at a time, like a real one's.
 * All of them are in pages that are marked. An entry that leads elsewhere, into a
 * process's memory say, would let that process write its own page tables; it is
 * counted and not followed.
 */
static bool read_entry(struct nvsim *sim, enum nvsim_aperture aperture, u64 addr, u64 *entry)
{
	const unsigned long pfn = addr >> PAGE_SHIFT;

	if (aperture == NVSIM_SYS && pfn_valid(pfn) &&
	    page_private(pfn_to_page(pfn)) == NVSIM_TABLE_PAGE) {
		*entry = READ_ONCE(*(u64 *)(page_address(pfn_to_page(pfn)) +
					    (addr & ~PAGE_MASK & ~7ULL)));
		return true;
	}

	sim->stats.bad_tables++;
	pr_err_ratelimited("nouveau-sim: no page table at %#llx\n", addr);
	return false;
}

/* A directory's entry: where the table is. False if there is none. */
static bool pde(u64 entry, u64 mask, enum nvsim_aperture *aperture, u64 *table)
{
	switch ((entry & ENTRY_APERTURE) >> 1) {
	case 1:
		*aperture = NVSIM_VRAM;
		break;
	case 2:
	case 3:
		*aperture = NVSIM_SYS;
		break;
	default:
		return false;
	}
	*table = (entry & mask) << 4;
	return true;
}

static bool pte(u64 entry, u8 shift, struct nvsim_xlat *xlat, enum nvsim_reason *reason)
{
	*xlat = (struct nvsim_xlat) { .shift = shift };
	if (!(entry & ENTRY_VALID)) {
		xlat->sparse = entry & ENTRY_VOL;
		*reason = NVSIM_FAULT_PTE;
		return xlat->sparse;
	}

	switch ((entry & ENTRY_APERTURE) >> 1) {
	case 0:
		xlat->aperture = NVSIM_VRAM;
		xlat->addr = (entry & ENTRY_ADDR_VID) << 4;
		break;
	case 2:
	case 3:
		xlat->aperture = NVSIM_SYS;
		xlat->addr = (entry & ENTRY_ADDR_SYS) << 4;
		break;
	default:
		*reason = NVSIM_FAULT_APERTURE;
		return false;
	}
	xlat->ro = entry & ENTRY_RO;
	xlat->no_atomic = entry & ENTRY_ATOMIC_DISABLE;
	return true;
}

/**
 * nvsim_walk() - look a virtual address up in the page tables
 * @sim: the device
 * @as: the address space
 * @va: any address in it
 * @xlat: the page that it is in
 * @reason: else, why there is none
 *
 * Context: needs the device's lock.
 * Return: whether there is a page.
 */
bool nvsim_walk(struct nvsim *sim, const struct nvsim_as *as, u64 va,
		struct nvsim_xlat *xlat, enum nvsim_reason *reason)
{
	static const struct {
		u8 shift, bits;
	} level[] = { { 47, 2 }, { 38, 9 }, { 29, 9 } };
	enum nvsim_aperture aperture = as->pdb_aperture;
	u64 table = as->pdb;
	u64 entry, big, small;
	int i;

	lockdep_assert_held(&sim->lock);

	if (!as->pdb) {
		*reason = NVSIM_FAULT_UNBOUND_INST;
		return false;
	}
	if (va > as->limit || va >> 49) {
		*reason = NVSIM_FAULT_VA_LIMIT;
		return false;
	}

	*reason = NVSIM_FAULT_PDE;
	for (i = 0; i < ARRAY_SIZE(level); i++) {
		const u64 index = (va >> level[i].shift) & (BIT_ULL(level[i].bits) - 1);

		if (!read_entry(sim, aperture, table + index * 8, &entry))
			return false;
		if (!pde(entry, ENTRY_ADDR_SYS, &aperture, &table)) {
			/* The same bit as a PTE's says that it is sparse. */
			*xlat = (struct nvsim_xlat) {
				.shift = level[i].shift,
				.sparse = entry & ENTRY_VOL,
			};
			return xlat->sparse;
		}
	}

	table += ((va >> 21) & 0xff) * 16;
	if (!read_entry(sim, aperture, table, &big) ||
	    !read_entry(sim, aperture, table + 8, &small))
		return false;
	if (big & ENTRY_VALID)
		return pte(big, 21, xlat, reason);
	if (!(big & ENTRY_APERTURE) && !(small & ENTRY_APERTURE)) {
		/* Sparse, or the remains of a 2 MiB PTE. */
		*xlat = (struct nvsim_xlat) { .shift = 21, .sparse = big & ENTRY_VOL };
		return xlat->sparse;
	}

	if (pde(big, ENTRY_ADDR_BIG, &aperture, &table)) {
		if (!read_entry(sim, aperture, table + ((va >> 16) & 0x1f) * 8, &entry))
			return false;
		/* Privileged and not valid: nothing, not even small pages. */
		if (entry & (ENTRY_VALID | ENTRY_VOL | ENTRY_PRIV))
			return pte(entry, 16, xlat, reason);
	}
	if (!pde(small, ENTRY_ADDR_SYS, &aperture, &table)) {
		*reason = NVSIM_FAULT_PTE;
		return false;
	}
	if (!read_entry(sim, aperture, table + ((va >> 12) & 0x1ff) * 8, &entry))
		return false;
	return pte(entry, 12, xlat, reason);
}

static struct nvsim_xlat *tlb_find(struct nvsim *sim, const struct nvsim_as *as, u64 va)
{
	u32 i;

	for (i = 0; i < sim->tlb_size; i++) {
		struct nvsim_tlb_entry *entry = &sim->tlb[i];

		if (entry->valid && entry->pdb == as->pdb &&
		    (va >> entry->xlat.shift) == (entry->va >> entry->xlat.shift))
			return &entry->xlat;
	}
	return NULL;
}

/*
 * The oracle. A page that is mapped at an address of a process belongs to that process:
 * somebody maps it, or it is in the page cache or the swap cache. One that is free or has
 * become the kernel's was given away under the device. What has become another
 * process's page in the meantime this cannot tell. It knows nothing of pages that the
 * driver maps for itself, whose count may well be 0.
 */
static bool stale(struct page *page, enum nvsim_type type)
{
	struct folio *folio = page_folio(page);

	if (!folio_ref_count(folio))
		return true;
	/* Reading the zero page, which nobody owns, is all right. */
	if (type == NVSIM_READ)
		return PageSlab(page) || PageTable(page);
	return !folio_mapped(folio) && !folio->mapping && !folio_test_swapcache(folio);
}

/*
 * What a translation says of an access: xlat->addr is the address of the byte. A failed
 * walk is not cached.
 */
static bool translate(struct nvsim *sim, const struct nvsim_as *as, u64 va, enum nvsim_type type,
		      struct nvsim_xlat *xlat, enum nvsim_reason *reason)
{
	const struct nvsim_xlat *cached = tlb_find(sim, as, va);

	if (cached) {
		sim->stats.tlb_hits++;
		*xlat = *cached;
	} else {
		sim->stats.tlb_misses++;
		if (!nvsim_walk(sim, as, va, xlat, reason))
			return false;
		if (sim->tlb_size) {
			sim->tlb_next = (sim->tlb_next + 1) % sim->tlb_size;
			sim->tlb[sim->tlb_next] = (struct nvsim_tlb_entry) {
				.valid = true,
				.pdb = as->pdb,
				.va = va,
				.xlat = *xlat,
			};
		}
	}

	if ((type == NVSIM_WRITE || type == NVSIM_ATOMIC) && xlat->ro) {
		*reason = NVSIM_FAULT_RO;
		return false;
	}
	if (type == NVSIM_ATOMIC && xlat->no_atomic) {
		*reason = NVSIM_FAULT_ATOMIC;
		return false;
	}

	xlat->addr += va & (BIT_ULL(xlat->shift) - 1);
	if (xlat->aperture == NVSIM_SYS && !xlat->sparse && type != NVSIM_PREFETCH &&
	    (va < as->own || va - as->own >= as->own_size) &&
	    (!pfn_valid(xlat->addr >> PAGE_SHIFT) ||
	     stale(pfn_to_page(xlat->addr >> PAGE_SHIFT), type))) {
		sim->stats.stale_accesses++;
		pr_err_ratelimited("nouveau-sim: stale access: %s of %#llx, whose page %#llx is not the process's\n",
				   type == NVSIM_READ ? "read" : "write", va, xlat->addr);
		/* Nothing is read or written there. */
		xlat->sparse = true;
	}
	return true;
}

/*
 * Where the bytes at an address are: a pointer for unmap(). NULL: nowhere, and that is
 * no error.
 */
static void *map(struct nvsim *sim, enum nvsim_aperture aperture, u64 addr, u32 len)
{
	if (aperture == NVSIM_VRAM) {
		if (!sim->vram || addr >= sim->vram_size || len > sim->vram_size - addr)
			return NULL;
		return sim->vram + addr;
	}

	if (!pfn_valid(addr >> PAGE_SHIFT))
		return NULL;
	return kmap_local_page(pfn_to_page(addr >> PAGE_SHIFT)) + (addr & ~PAGE_MASK);
}

static void unmap(enum nvsim_aperture aperture, void *kaddr)
{
	if (aperture == NVSIM_SYS && kaddr)
		kunmap_local(kaddr);
}

/* A word is read or written at once: the CPU may look at it, or write it, meanwhile, and memcpy()
 * may well store it twice.
 */
static void move(void *to, const void *from, u32 len)
{
	if (len == 4 && IS_ALIGNED((uintptr_t)to | (uintptr_t)from, 4))
		WRITE_ONCE(*(u32 *)to, READ_ONCE(*(const u32 *)from));
	else
		memcpy(to, from, len);
}

/**
 * nvsim_rw_phys() - access memory by its physical address
 * @sim: the device
 * @aperture: where @addr is
 * @addr: the address
 * @write: else read
 * @buf: what to write, or where to put what is read
 * @len: bytes, which must not cross a page's end
 *
 * Context: needs the device's lock.
 * Return: false if there is no memory.
 */
bool nvsim_rw_phys(struct nvsim *sim, enum nvsim_aperture aperture, u64 addr, bool write,
		   void *buf, u32 len)
{
	void *kaddr;

	lockdep_assert_held(&sim->lock);
	WARN_ON_ONCE((addr & ~PAGE_MASK) + len > PAGE_SIZE);

	kaddr = map(sim, aperture, addr, len);
	if (!kaddr) {
		if (!write)
			memset(buf, 0, len);
		return false;
	}
	if (write)
		move(kaddr, buf, len);
	else
		move(buf, kaddr, len);
	unmap(aperture, kaddr);
	return true;
}

/**
 * nvsim_rw() - access memory by its virtual address
 * @sim: the device
 * @as: the address space
 * @va: the address
 * @type: read, write, or prefetch, which only looks whether it could read
 * @buf: what to write, or where to put what is read
 * @len: bytes, which must not cross a page's end
 * @reason: why it failed
 *
 * Context: needs the device's lock.
 * Return: false on a fault.
 */
bool nvsim_rw(struct nvsim *sim, const struct nvsim_as *as, u64 va, enum nvsim_type type,
	      void *buf, u32 len, enum nvsim_reason *reason)
{
	struct nvsim_xlat xlat;

	if (!translate(sim, as, va, type, &xlat, reason))
		return false;
	if (type == NVSIM_PREFETCH)
		return true;
	if (xlat.sparse) {
		if (type == NVSIM_READ)
			memset(buf, 0, len);
		return true;
	}
	nvsim_rw_phys(sim, xlat.aperture, xlat.addr, type == NVSIM_WRITE, buf, len);
	return true;
}

/* LAUNCH_DMA's SEMAPHORE_REDUCTION, the operations on integers. */
static u32 reduce(u32 op, u32 old, u32 value)
{
	switch (op & 0xf) {
	case 0:
		return op & 0x10 ? min(old, value) : min((s32)old, (s32)value);
	case 1:
		return op & 0x10 ? max(old, value) : max((s32)old, (s32)value);
	case 2:
		return old ^ value;
	case 3:
		return old & value;
	case 4:
		return old | value;
	case 5:
		return old + value;
	case 6:
		return old >= value ? 0 : old + 1;
	default:
		return !old || old > value ? value : old - 1;
	}
}

/**
 * nvsim_atomic() - change a word in one go
 * @sim: the device
 * @as: the address space
 * @va: the word's address, aligned
 * @op: LAUNCH_DMA's SEMAPHORE_REDUCTION, with its SIGN above it
 * @value: the operand
 * @old: what was there before, or NULL
 * @reason: why it failed
 *
 * Atomic with respect to the CPU as well.
 *
 * Context: needs the device's lock.
 * Return: false on a fault.
 */
bool nvsim_atomic(struct nvsim *sim, const struct nvsim_as *as, u64 va, u32 op, u32 value,
		  u32 *old, enum nvsim_reason *reason)
{
	struct nvsim_xlat xlat;
	u32 *word, seen = 0;

	if (!translate(sim, as, va, NVSIM_ATOMIC, &xlat, reason))
		return false;

	word = xlat.sparse ? NULL : map(sim, xlat.aperture, xlat.addr, 4);
	if (word) {
		seen = READ_ONCE(*word);
		while (!try_cmpxchg(word, &seen, reduce(op, seen, value)))
			;
		unmap(xlat.aperture, word);
	}
	if (old)
		*old = seen;
	return true;
}

/**
 * nvsim_flush() - drop cached translations
 * @sim: the device
 * @pdb: of the address space that has this topmost page directory
 *
 * When it returns, no access is under way that goes by one of them.
 *
 * Context: takes the device's lock. May sleep if the gate of flushes is closed.
 */
void nvsim_flush(struct nvsim *sim, u64 pdb)
{
	u32 i;

	nvsim_gate_flush(sim);

	spin_lock(&sim->lock);
	sim->stats.flushes++;
	for (i = 0; i < NVSIM_TLB_MAX; i++) {
		if (sim->tlb[i].pdb == pdb)
			sim->tlb[i].valid = false;
	}
	spin_unlock(&sim->lock);
}
