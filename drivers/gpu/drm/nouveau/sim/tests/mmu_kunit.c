// SPDX-License-Identifier: MIT
/*
 * The walker over tables made by hand, the TLB, the oracle. What is expected comes from
 * the format (gp100-mmu-format.pdf of open-gpu-doc), spelled out in rig.h. The reason of a
 * fault is a number of gp100's dev_fault.h: no PDE 0, no PTE 2, past the limit 3, no instance
 * block 4, read-only 6, aperture 0xa, atomic 0xf.
 */

#include "rig.h"

static bool walk(struct rig *rig, u64 va, struct nvsim_xlat *xlat, enum nvsim_reason *reason)
{
	bool ok;

	spin_lock(&rig->sim.lock);
	ok = nvsim_walk(&rig->sim, &rig->chan.as, va, xlat, reason);
	spin_unlock(&rig->sim.lock);
	return ok;
}

static void walk_small(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct nvsim_xlat xlat;
	enum nvsim_reason reason;

	KUNIT_ASSERT_TRUE(test, walk(rig, RIG_VA + 0x3abc, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, xlat.shift, 12);
	KUNIT_EXPECT_EQ(test, xlat.addr, (u64)virt_to_phys(rig->page[3]));
	KUNIT_EXPECT_EQ(test, xlat.aperture, NVSIM_SYS);
	KUNIT_EXPECT_FALSE(test, xlat.ro);
	KUNIT_EXPECT_FALSE(test, xlat.no_atomic);
	KUNIT_EXPECT_FALSE(test, xlat.sparse);

	rig->spt[0][3] |= RIG_RO | RIG_NO_ATOMIC;
	KUNIT_ASSERT_TRUE(test, walk(rig, RIG_VA + 0x3000, &xlat, &reason));
	KUNIT_EXPECT_TRUE(test, xlat.ro);
	KUNIT_EXPECT_TRUE(test, xlat.no_atomic);

	/* The kind, in bits 63:56, is no part of the address. */
	rig->spt[0][3] |= 0xdbULL << 56;
	KUNIT_ASSERT_TRUE(test, walk(rig, RIG_VA + 0x3000, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, xlat.addr, (u64)virt_to_phys(rig->page[3]));

	rig->spt[0][3] &= ~1ULL;
	KUNIT_EXPECT_FALSE(test, walk(rig, RIG_VA + 0x3000, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, reason, 0x2);
	rig->spt[0][3] = RIG_VOL;
	KUNIT_EXPECT_TRUE(test, walk(rig, RIG_VA + 0x3000, &xlat, &reason));
	KUNIT_EXPECT_TRUE(test, xlat.sparse);
	/* Aperture 1 is a peer's memory. */
	rig->spt[0][3] = 0x3;
	KUNIT_EXPECT_FALSE(test, walk(rig, RIG_VA + 0x3000, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, reason, 0xa);
}

static void walk_big(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct nvsim_xlat xlat;
	enum nvsim_reason reason;
	u64 *lpt;

	/* A table of 32 entries, 256 bytes into its page: bit 4 of the entry is 2^8. */
	lpt = rig->lpt + 32;
	rig->pd0[0][2 * 0xa2] = (u64)virt_to_phys(lpt) >> 4 | 0x4;
	lpt[1] = 0x123450000ULL >> 4 | 0x5;

	KUNIT_ASSERT_TRUE(test, walk(rig, RIG_VA + 0x1abcd, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, xlat.shift, 16);
	KUNIT_EXPECT_EQ(test, xlat.addr, 0x123450000ULL);

	/* Where the big one has nothing, the small one counts, ... */
	KUNIT_ASSERT_TRUE(test, walk(rig, RIG_VA + 0x3000, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, xlat.shift, 12);
	/* ... unless the big one says that it does not. */
	lpt[0] = RIG_PRIV;
	KUNIT_EXPECT_FALSE(test, walk(rig, RIG_VA + 0x3000, &xlat, &reason));
	lpt[0] = RIG_VOL;
	KUNIT_ASSERT_TRUE(test, walk(rig, RIG_VA + 0x3000, &xlat, &reason));
	KUNIT_EXPECT_TRUE(test, xlat.sparse);
	KUNIT_EXPECT_EQ(test, xlat.shift, 16);
}

static void walk_huge(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct nvsim_xlat xlat;
	enum nvsim_reason reason;

	/* 2 MiB at 0x40200000 of system memory, read-only. */
	rig->pd0[0][2 * 0xa2] = 0x40200000ULL >> 4 | 0x45;
	KUNIT_ASSERT_TRUE(test, walk(rig, RIG_VA + 0x1fffff, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, xlat.shift, 21);
	KUNIT_EXPECT_EQ(test, xlat.addr, 0x40200000ULL);
	KUNIT_EXPECT_TRUE(test, xlat.ro);
	/* The next 2 MiB are another's. */
	KUNIT_EXPECT_FALSE(test, walk(rig, RIG_VA + 0x200000, &xlat, &reason));

	/* In video memory, where comptags follow the address from bit 36 on. */
	rig->pd0[0][2 * 0xa2] = 0x200000ULL >> 4 | 0x1 | 0x5ULL << 36;
	KUNIT_ASSERT_TRUE(test, walk(rig, RIG_VA, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, xlat.aperture, NVSIM_VRAM);
	KUNIT_EXPECT_EQ(test, xlat.addr, 0x200000ULL);
}

static void walk_nothing(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct nvsim_xlat xlat;
	enum nvsim_reason reason;

	KUNIT_EXPECT_FALSE(test, walk(rig, 0x1000, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, reason, 0x0);
	KUNIT_EXPECT_FALSE(test, walk(rig, 1ULL << 47, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, reason, 0x0);
	KUNIT_EXPECT_FALSE(test, walk(rig, 1ULL << 49, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, reason, 0x3);
	rig->chan.as.limit = RIG_VA - 1;
	KUNIT_EXPECT_FALSE(test, walk(rig, RIG_VA, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, reason, 0x3);
	rig->chan.as.pdb = 0;
	KUNIT_EXPECT_FALSE(test, walk(rig, 0, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, reason, 0x4);
}

/* An entry that leads to memory that is no table's is not followed. */
static void walk_no_table(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct nvsim_xlat xlat;
	enum nvsim_reason reason;

	rig->pd1[0][0x091] = RIG_PDE(rig->page[0]);
	KUNIT_EXPECT_FALSE(test, walk(rig, RIG_VA, &xlat, &reason));
	KUNIT_EXPECT_EQ(test, rig->sim.stats.bad_tables, 1);
}

static void tlb_caches(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	enum nvsim_reason reason;
	u32 value;

	*(u32 *)rig->page[0] = 1;
	*(u32 *)rig->page[1] = 2;
	KUNIT_ASSERT_TRUE(test, rig_read(rig, RIG_VA, &value, &reason));
	KUNIT_EXPECT_EQ(test, value, 1);
	KUNIT_EXPECT_EQ(test, rig->sim.stats.tlb_misses, 1);

	/* A changed entry is not seen without a flush: that is what a TLB is. */
	rig->spt[0][0] = RIG_PTE(rig->page[1]);
	KUNIT_ASSERT_TRUE(test, rig_read(rig, RIG_VA, &value, &reason));
	KUNIT_EXPECT_EQ(test, value, 1);
	KUNIT_EXPECT_EQ(test, rig->sim.stats.tlb_hits, 1);

	/* Another address space's flush does not help, */
	nvsim_flush(&rig->sim, virt_to_phys(rig->pd2[0]));
	KUNIT_ASSERT_TRUE(test, rig_read(rig, RIG_VA, &value, &reason));
	KUNIT_EXPECT_EQ(test, value, 1);
	/* this one's does. */
	nvsim_flush(&rig->sim, virt_to_phys(rig->pd3));
	KUNIT_ASSERT_TRUE(test, rig_read(rig, RIG_VA, &value, &reason));
	KUNIT_EXPECT_EQ(test, value, 2);
}

static void tlb_keeps_permissions(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	enum nvsim_reason reason;
	u32 value;

	rig->spt[0][0] |= RIG_RO;
	KUNIT_ASSERT_TRUE(test, rig_read(rig, RIG_VA, &value, &reason));
	KUNIT_EXPECT_FALSE(test, rig_write(rig, RIG_VA, 1, &reason));
	KUNIT_EXPECT_EQ(test, reason, 0x6);
	KUNIT_EXPECT_EQ(test, *(u32 *)rig->page[0], 0);
	/* And what failed was not cached: with no flush, the next page is found. */
	rig->spt[0][1] = 0;
	KUNIT_EXPECT_FALSE(test, rig_read(rig, RIG_VA + 0x1000, &value, &reason));
	rig->spt[0][1] = RIG_PTE(rig->page[1]);
	KUNIT_EXPECT_TRUE(test, rig_read(rig, RIG_VA + 0x1000, &value, &reason));
}

static void tlb_size(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	enum nvsim_reason reason;
	u32 value, i;

	rig->sim.tlb_size = 0;
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_TRUE(test, rig_read(rig, RIG_VA, &value, &reason));
	KUNIT_EXPECT_EQ(test, rig->sim.stats.tlb_hits, 0);
	/* Two pages in turn do not fit into one entry. */
	rig->sim.tlb_size = 1;
	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_TRUE(test, rig_read(rig, RIG_VA + (i & 1) * 0x1000, &value, &reason));
	KUNIT_EXPECT_EQ(test, rig->sim.stats.tlb_hits, 0);
	rig->sim.tlb_size = 2;
	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_TRUE(test, rig_read(rig, RIG_VA + (i & 1) * 0x1000, &value, &reason));
	KUNIT_EXPECT_GE(test, rig->sim.stats.tlb_hits, 2);
}

static void atomic_op(struct kunit *test)
{
	static const struct {
		u32 op, old, value, expect;
	} table[] = {
		{ 0x00, -1, 1, -1 }, { 0x10, -1, 1, 1 },	/* IMIN, signed and not */
		{ 0x01, -1, 1, 1 }, { 0x11, -1, 1, -1 },	/* IMAX */
		{ 0x02, 0xc, 0xa, 0x6 }, { 0x03, 0xc, 0xa, 0x8 }, { 0x04, 0xc, 0xa, 0xe },
		{ 0x05, 40, 2, 42 },
		{ 0x06, 1, 2, 2 }, { 0x06, 2, 2, 0 },		/* INC wraps at the operand */
		{ 0x07, 2, 5, 1 }, { 0x07, 0, 5, 5 }, { 0x07, 9, 5, 5 },	/* and DEC to it */
	};
	struct rig *rig = rig_new(test);
	enum nvsim_reason reason;
	u32 old, i;
	bool ok;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		*(u32 *)rig->page[0] = table[i].old;
		spin_lock(&rig->sim.lock);
		ok = nvsim_atomic(&rig->sim, &rig->chan.as, RIG_VA, table[i].op, table[i].value,
				  &old, &reason);
		spin_unlock(&rig->sim.lock);
		KUNIT_ASSERT_TRUE(test, ok);
		KUNIT_EXPECT_EQ(test, old, table[i].old);
		KUNIT_EXPECT_EQ_MSG(test, *(u32 *)rig->page[0], table[i].expect, "entry %u", i);
	}
	rig->spt[0][0] |= RIG_NO_ATOMIC;
	nvsim_flush(&rig->sim, rig->chan.as.pdb);
	spin_lock(&rig->sim.lock);
	ok = nvsim_atomic(&rig->sim, &rig->chan.as, RIG_VA, 5, 1, &old, &reason);
	spin_unlock(&rig->sim.lock);
	KUNIT_EXPECT_FALSE(test, ok);
	KUNIT_EXPECT_EQ(test, reason, 0xf);
	KUNIT_EXPECT_TRUE(test, rig_write(rig, RIG_VA, 7, &reason));
}

/* A page that has been freed, or that is nobody's: counted, and neither read nor written. */
static void oracle(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	enum nvsim_reason reason;
	u32 value = 1;

	KUNIT_ASSERT_NOT_NULL(test, page);
	rig->chan.as.own_size = 0;
	rig->spt[0][0] = RIG_PTE(page_address(page));
	/* The kernel's page: it may be looked at, but not be written. */
	KUNIT_EXPECT_TRUE(test, rig_read(rig, RIG_VA, &value, &reason));
	KUNIT_EXPECT_EQ(test, rig->sim.stats.stale_accesses, 0);
	KUNIT_EXPECT_TRUE(test, rig_write(rig, RIG_VA, 7, &reason));
	KUNIT_EXPECT_EQ(test, rig->sim.stats.stale_accesses, 1);
	KUNIT_EXPECT_EQ(test, *(u32 *)page_address(page), 0);
	/* The driver's own are none of its business. */
	rig->chan.as.own = RIG_VA;
	rig->chan.as.own_size = 0x1000;
	KUNIT_EXPECT_TRUE(test, rig_write(rig, RIG_VA, 7, &reason));
	KUNIT_EXPECT_EQ(test, rig->sim.stats.stale_accesses, 1);
	KUNIT_EXPECT_EQ(test, *(u32 *)page_address(page), 7);
	rig->chan.as.own_size = 0;
	__free_page(page);
	/* Nobody else may take it while it is looked at. */
	if (!page_ref_count(page)) {
		KUNIT_EXPECT_TRUE(test, rig_read(rig, RIG_VA, &value, &reason));
		KUNIT_EXPECT_EQ(test, rig->sim.stats.stale_accesses, 2);
		KUNIT_EXPECT_EQ(test, value, 0);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(walk_small),
	KUNIT_CASE(walk_big),
	KUNIT_CASE(walk_huge),
	KUNIT_CASE(walk_nothing),
	KUNIT_CASE(walk_no_table),
	KUNIT_CASE(tlb_caches),
	KUNIT_CASE(tlb_keeps_permissions),
	KUNIT_CASE(tlb_size),
	KUNIT_CASE(atomic_op),
	KUNIT_CASE(oracle),
	{}
};

static struct kunit_suite suite = {
	.name = "nouveau_sim_mmu",
	.test_cases = cases,
};

kunit_test_suite(suite);
