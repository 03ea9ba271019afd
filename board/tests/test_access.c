// SPDX-License-Identifier: MIT
/* Accesses by virtual address. Reasons: no PDE 0, no PTE 2, read-only 6, atomic 0xf. */
#include "rig.h"

struct result {
	bool ok;
	uint64_t va;
	enum fault_reason reason;
};

static struct result rw(struct rig *rig, uint64_t va, enum access_type type, void *buf,
			uint64_t len)
{
	struct result r = { .va = 0, .reason = 0x7f };

	r.ok = access_bytes(rig->access, &rig->chan.space, va, type, buf, len, &r.va, &r.reason);
	return r;
}

static struct result read32(struct rig *rig, uint64_t va, uint32_t *value)
{
	return rw(rig, va, ACCESS_READ, value, 4);
}

static struct result write32(struct rig *rig, uint64_t va, uint32_t value)
{
	return rw(rig, va, ACCESS_WRITE, &value, 4);
}

static void flush(struct rig *rig)
{
	access_flush(rig->access, AT_PD3);
}

static void permissions(void **state)
{
	struct rig *rig = *state;
	uint32_t value = 0, old;
	enum fault_reason reason;
	struct result r;

	*word(rig, 0x10) = 7;
	*spt(rig, 0) |= RO;
	assert_true(read32(rig, RIG_VA + 0x10, &value).ok);
	assert_int_equal(value, 7);
	r = write32(rig, RIG_VA + 0x10, 8);
	assert_false(r.ok);
	assert_int_equal(r.reason, 0x6);
	assert_true(r.va == RIG_VA + 0x10);
	assert_false(access_atomic(rig->access, &rig->chan.space, RIG_VA + 0x10, REDUCE_ADD, 1, &old,
				   &reason));
	assert_int_equal(reason, 0x6);
	assert_int_equal(*word(rig, 0x10), 7);
	*spt(rig, 0) = PTE_SYS(RIG_IOVA) | NO_ATOMIC;
	flush(rig);
	assert_true(write32(rig, RIG_VA + 0x10, 9).ok);
	assert_false(access_atomic(rig->access, &rig->chan.space, RIG_VA + 0x10, REDUCE_ADD, 1, &old,
				   &reason));
	assert_int_equal(reason, 0xf);
	assert_int_equal(*word(rig, 0x10), 9);
	/* A prefetch only looks, and faults where a read does. */
	value = 0x55;
	assert_true(rw(rig, RIG_VA, ACCESS_PREFETCH, &value, 4).ok);
	assert_int_equal(value, 0x55);
	assert_false(rw(rig, RIG_VA + 0x8000, ACCESS_PREFETCH, &value, 4).ok);
}

static void tlb_caches(void **state)
{
	struct rig *rig = *state;
	uint32_t value;

	*word(rig, 0x0000) = 1;
	*word(rig, 0x1000) = 2;
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(value, 1);
	assert_int_equal(stat_of(rig, STAT_tlb_misses), 1);
	assert_int_equal(stat_of(rig, STAT_pte_reads), 6);
	/* A changed entry is not seen without a flush: that is what a TLB is. */
	*spt(rig, 0) = PTE_SYS(RIG_IOVA + 0x1000);
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(value, 1);
	assert_int_equal(stat_of(rig, STAT_tlb_hits), 1);
	/* Another address space's flush does not help, */
	access_flush(rig->access, AT_PD2);
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(value, 1);
	/* this one's does. */
	flush(rig);
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(value, 2);
}

static void tlb_keeps_permissions(void **state)
{
	struct rig *rig = *state;
	struct result r;
	uint32_t value;

	*spt(rig, 0) |= RO;
	assert_true(read32(rig, RIG_VA, &value).ok);
	*spt(rig, 0) &= ~RO;
	r = write32(rig, RIG_VA, 1);
	assert_false(r.ok);
	assert_int_equal(r.reason, 0x6);
	assert_int_equal(*word(rig, 0), 0);
	/* And what failed was not cached: with no flush, the next page is found. */
	*spt(rig, 1) = 0;
	assert_false(read32(rig, RIG_VA + 0x1000, &value).ok);
	*spt(rig, 1) = PTE_SYS(RIG_IOVA + 0x1000);
	assert_true(read32(rig, RIG_VA + 0x1000, &value).ok);
}

static void tlb_size(void **state)
{
	struct rig *rig = *state;
	uint32_t value;

	tlb_resize(&rig->access->tlb, 0);
	for (int i = 0; i < 2; i++)
		assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(stat_of(rig, STAT_tlb_hits), 0);
	/* Two pages in turn do not fit into one entry. */
	tlb_resize(&rig->access->tlb, 1);
	for (int i = 0; i < 4; i++)
		assert_true(read32(rig, RIG_VA + (i & 1) * 0x1000, &value).ok);
	assert_int_equal(stat_of(rig, STAT_tlb_hits), 0);
	tlb_resize(&rig->access->tlb, 2);
	for (int i = 0; i < 4; i++)
		assert_true(read32(rig, RIG_VA + (i & 1) * 0x1000, &value).ok);
	assert_int_equal(stat_of(rig, STAT_tlb_hits), 2);
}

static void several_pages(void **state)
{
	struct rig *rig = *state;
	uint8_t buf[0x3000];
	struct result r;

	/* Pages that lie in another order. */
	*spt(rig, 0) = PTE_SYS(RIG_IOVA + 0x5000);
	*spt(rig, 2) = PTE_SYS(RIG_IOVA + 0x3000);
	for (unsigned int i = 0; i < sizeof(buf); i++)
		buf[i] = i * 5 + (i >> 8);
	assert_true(rw(rig, RIG_VA + 0x800, ACCESS_WRITE, buf, 0x2000).ok);
	assert_memory_equal(byte(rig, 0x5800), buf, 0x800);
	assert_memory_equal(byte(rig, 0x1000), buf + 0x800, 0x1000);
	assert_memory_equal(byte(rig, 0x3000), buf + 0x1800, 0x800);
	assert_int_equal(*byte(rig, 0x3800), 0);
	memset(buf, 0, sizeof(buf));
	assert_true(rw(rig, RIG_VA + 0xfff, ACCESS_READ, buf, 2).ok);
	assert_int_equal(buf[0], *byte(rig, 0x5fff));
	assert_int_equal(buf[1], *byte(rig, 0x1000));
	assert_int_equal(buf[2], 0);
	/* One that is missing: what comes before it has been done. */
	memset(buf, 0x77, sizeof(buf));
	r = rw(rig, RIG_VA + 0x7ff0, ACCESS_WRITE, buf, 0x20);
	assert_false(r.ok);
	assert_true(r.va == RIG_VA + 0x8000);
	assert_int_equal(r.reason, 0x2);
	assert_int_equal(*byte(rig, 0x7fff), 0x77);
	/* None. */
	assert_true(rw(rig, RIG_VA + 0x8000, ACCESS_READ, buf, 0).ok);
}

static void larger_pages(void **state)
{
	struct rig *rig = *state;
	uint32_t value;

	pd0(rig)[0] = PDE_BIG(AT_LPT);
	*lpt(rig, 1) = PTE_SYS(RIG_IOVA);	/* 64 KiB */
	*word(rig, 0x9008) = 0x99;
	assert_true(read32(rig, RIG_VA + 0x19008, &value).ok);
	assert_int_equal(value, 0x99);
	/* One entry of the TLB for all of it. */
	assert_true(read32(rig, RIG_VA + 0x1f000, &value).ok);
	assert_int_equal(stat_of(rig, STAT_tlb_hits), 1);
	pd0(rig)[0] = PTE_VRAM(0x400000);	/* 2 MiB */
	flush(rig);
	assert_true(write32(rig, RIG_VA + 0x123458, 0x98).ok);
	assert_int_equal(*vram32(rig, 0x523458), 0x98);
}

static void sparse(void **state)
{
	struct rig *rig = *state;
	uint32_t value = 0x55, old = 0x55;
	enum fault_reason reason;

	*spt(rig, 0) = VOL;
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(value, 0);
	assert_true(write32(rig, RIG_VA, 7).ok);
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(value, 0);
	assert_true(access_atomic(rig->access, &rig->chan.space, RIG_VA, REDUCE_ADD, 1, &old, &reason));
	assert_int_equal(old, 0);
	/* It is cached as any other: until a flush the page is sparse. */
	*spt(rig, 0) = PTE_SYS(RIG_IOVA);
	*word(rig, 0) = 3;
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(value, 0);
	flush(rig);
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(value, 3);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 0);
}

static void atomics(void **state)
{
	static const struct {
		uint32_t op, old, value, expect;
	} table[] = {
		{ 0x00, -1, 1, -1 }, { 0x10, -1, 1, 1 }, { 0x00, 5, 3, 3 },	/* IMIN */
		{ 0x01, -1, 1, 1 }, { 0x11, -1, 1, -1 }, { 0x01, 5, 3, 5 },	/* IMAX */
		{ 0x02, 0xc, 0xa, 0x6 }, { 0x12, 0xc, 0xa, 0x6 },
		{ 0x03, 0xc, 0xa, 0x8 }, { 0x13, 0xc, 0xa, 0x8 },
		{ 0x04, 0xc, 0xa, 0xe }, { 0x14, 0xc, 0xa, 0xe },
		{ 0x05, 40, 2, 42 }, { 0x15, -1, 2, 1 },
		/* INC wraps at the operand, and DEC to it. */
		{ 0x06, 1, 2, 2 }, { 0x06, 2, 2, 0 }, { 0x16, 3, 2, 0 }, { 0x16, -1, -1, 0 },
		{ 0x07, 2, 5, 1 }, { 0x07, 0, 5, 5 }, { 0x17, 9, 5, 5 }, { 0x17, 5, 5, 4 },
	};
	struct rig *rig = *state;
	enum fault_reason reason;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		uint32_t old = 0;

		*word(rig, 0) = table[i].old;
		/* Bits 1:0 of the address are none. */
		assert_true(access_atomic(rig->access, &rig->chan.space, RIG_VA + i % 4, table[i].op,
					  table[i].value, &old, &reason));
		assert_int_equal(old, table[i].old);
		if (*word(rig, 0) != table[i].expect)
			fail_msg("entry %u: %#x", i, *word(rig, 0));
	}
	/* Who asks for nothing back. */
	assert_true(access_atomic(rig->access, &rig->chan.space, RIG_VA, REDUCE_ADD, 1, NULL, &reason));
	assert_false(access_atomic(rig->access, &rig->chan.space, RIG_VA + 0x8000, 5, 1, NULL, &reason));
	assert_int_equal(reason, 0x2);
}

/* A page that leads nowhere on the bus: no fault, but an error that is counted. */
static void nowhere(void **state)
{
	struct rig *rig = *state;
	uint32_t value = 0x55;

	*spt(rig, 0) = PTE_SYS(RIG_IOVA + RIG_GUEST);
	*spt(rig, 1) = PTE_VRAM(RIG_VRAM);
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(value, 0);
	assert_true(write32(rig, RIG_VA, 1).ok);
	assert_true(write32(rig, RIG_VA + 0x1000, 1).ok);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 3);
	/* A guest's memory that is read-only on the bus. */
	assert_null(memory_map(rig->memory, 0x1000, 0x1000, rig->fd, 0, false));
	*spt(rig, 2) = PTE_SYS(0x1000);
	*word(rig, 0) = 5;
	assert_true(read32(rig, RIG_VA + 0x2000, &value).ok);
	assert_int_equal(value, 5);
	assert_true(write32(rig, RIG_VA + 0x2000, 6).ok);
	assert_int_equal(*word(rig, 0), 5);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 4);
	/* Page tables that are nowhere. */
	pd0(rig)[1] = PDE_VRAM(RIG_VRAM);
	assert_false(read32(rig, RIG_VA + 0x3000, &value).ok);
	assert_int_equal(stat_of(rig, STAT_bad_tables), 1);
}

static void bus_limit(void **state)
{
	struct rig *rig = *state;
	uint32_t value;

	rig->memory->bus_limit = RIG_IOVA + 0x1000;
	*word(rig, 0x0ffc) = 1;
	*word(rig, 0x1000) = 2;
	assert_true(read32(rig, RIG_VA + 0xffc, &value).ok);
	assert_int_equal(value, 1);
	assert_true(read32(rig, RIG_VA + 0x1000, &value).ok);
	assert_int_equal(value, 0);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 1);
}

static void physical(void **state)
{
	struct rig *rig = *state;
	uint8_t buf[0x20];

	memset(buf, 0x5a, sizeof(buf));
	assert_true(access_physical(rig->access, SYSTEM, RIG_IOVA + 0xff0, true, buf, 0x20));
	assert_int_equal(*byte(rig, 0x100f), 0x5a);
	assert_true(access_physical(rig->access, VRAM, RIG_VRAM - 0x20, true, buf, 0x20));
	memset(buf, 0, sizeof(buf));
	assert_true(access_physical(rig->access, VRAM, RIG_VRAM - 0x20, false, buf, 0x20));
	assert_int_equal(buf[0x1f], 0x5a);
	/* Half of it: what is there is done, what is not reads 0. */
	memset(buf, 0x77, sizeof(buf));
	assert_false(access_physical(rig->access, SYSTEM, RIG_IOVA - 0x10, true, buf, 0x20));
	assert_int_equal(*byte(rig, 0xf), 0x77);
	assert_false(access_physical(rig->access, SYSTEM, RIG_IOVA - 0x10, false, buf, 0x20));
	assert_int_equal(buf[0xf], 0);
	assert_int_equal(buf[0x10], 0x77);
	assert_false(access_physical(rig->access, PEER, 0, false, buf, 4));
	assert_int_equal(stat_of(rig, STAT_bus_errors), 3);
}

/* ---- whose addresses they are ---- */

static bool knows(struct rig *rig, uint64_t pdb, uint64_t va)
{
	for (uint32_t i = 0; i < ACCESS_BLOCKS; i++)
		if (rig->access->block[i].pdb == pdb && rig->access->block[i].block == va >> 21)
			return true;
	return false;
}

static void blocks(void **state)
{
	struct rig *rig = *state;
	struct access *access = rig->access;

	access_is_process(access, 0x1000, RIG_VA);
	access_is_process(access, 0x1000, RIG_VA + 0x1fffff);
	assert_int_equal(access->blocks, 1);
	access_is_process(access, 0x1000, RIG_VA + 0x200000);
	access_is_process(access, 0x2000, RIG_VA);
	assert_int_equal(access->blocks, 3);
	/* One address space goes, with its windows; the other stays. */
	assert_true(access_exclude(access, 0x1000, 0, 0x1000));
	assert_true(access_exclude(access, 0x2000, 0, 0x1000));
	access_forget(access, 0x1000);
	assert_int_equal(access->blocks, 1);
	assert_false(knows(rig, 0x1000, RIG_VA));
	assert_true(knows(rig, 0x2000, RIG_VA));
	assert_int_equal(access->windows, 1);
	assert_true(access->window[0].pdb == 0x2000);
	access_forget(access, 0x3000);
	assert_int_equal(access->blocks, 1);
}

/* More than the table has room for: it is full, and says nothing wrong. */
static void many_blocks(void **state)
{
	struct rig *rig = *state;
	struct access *access = rig->access;

	for (uint64_t i = 0; i < ACCESS_BLOCKS + 100; i++)
		access_is_process(access, 0x1000 + (i % 3 << 12), i << 21);
	assert_int_equal(access->blocks, ACCESS_BLOCKS - 1);
	assert_true(knows(rig, 0x1000 + (3 % 3 << 12), 3ULL << 21));
	access_forget(access, 0x1000);
	/* Two of three are left, and can be found. */
	assert_true(access->blocks > ACCESS_BLOCKS / 2 && access->blocks < ACCESS_BLOCKS * 3 / 4);
	assert_true(knows(rig, 0x2000, 1ULL << 21));
	assert_false(knows(rig, 0x1000, 3ULL << 21));
	for (unsigned int i = 0; i < ACCESS_WINDOWS; i++)
		assert_true(access_exclude(access, 0x1000, i << 12, 0x1000));
	assert_false(access_exclude(access, 0x1000, 0, 0x2000));
	/* One that is there already takes no room. */
	assert_true(access_exclude(access, 0x1000, 0, 0x1000));
}

static void oracle_on(struct rig *rig)
{
	struct access *access = rig->access;
	uint64_t *top = (uint64_t *)(rig->guest + 0x20000);

	/* Of its kernel only page tables, which show one page of the vmemmap. */
	oracle_memory(&access->oracle, rig->memory->file[0].host, RIG_GUEST);
	access->oracle.state = ORACLE_FOUND;
	access->oracle.levels = 4;
	access->oracle.pgd = 0x20000;
	access->oracle.vmemmap = 0xffffea0000000000ULL;
	access->oracle.page_size = 64;
	access->oracle.off_refcount = 0x34;
	access->oracle.off_mapcount = 0x30;
	access->oracle.off_mapping = 0x18;
	access->oracle.off_compound = 0x8;
	top[0xffffea0000000000ULL >> 39 & 0x1ff] = 0x21000 | 0x3;
	((uint64_t *)(rig->guest + 0x21000))[0xffffea0000000000ULL >> 30 & 0x1ff] = 0x22000 | 0x3;
	((uint64_t *)(rig->guest + 0x22000))[0] = 0x23000 | 0x3;
	((uint64_t *)(rig->guest + 0x23000))[0] = 0x24000 | 0x3;
}

/*
 * The oracle's view of it, with a kernel whose struct pages are all zero, so that every page is
 * free: counted where a process has memory, and nowhere else.
 */
static void oracle(void **state)
{
	struct rig *rig = *state;
	struct access *access = rig->access;
	uint32_t value;

	oracle_on(rig);
	/* No fault has been reported there: the driver's, as far as is known. */
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(stat_of(rig, STAT_oracle_checks), 0);
	access_is_process(access, AT_PD3, RIG_VA);
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(stat_of(rig, STAT_oracle_checks), 1);
	assert_int_equal(stat_of(rig, STAT_stale_accesses), 1);
	assert_true(write32(rig, RIG_VA, 5).ok);
	assert_int_equal(stat_of(rig, STAT_stale_accesses), 2);
	/* It looks, and changes nothing. */
	assert_int_equal(*word(rig, 0), 5);
	/* VRAM is nobody's concern. */
	*spt(rig, 1) = PTE_VRAM(0x300000);
	assert_true(read32(rig, RIG_VA + 0x1000, &value).ok);
	assert_int_equal(stat_of(rig, STAT_oracle_checks), 2);
	/* The driver's own addresses: from their first byte to their last. */
	assert_true(access_exclude(access, AT_PD3, RIG_VA + 0x2000, 0x1000));
	assert_true(read32(rig, RIG_VA + 0x2000, &value).ok);
	assert_true(read32(rig, RIG_VA + 0x2ffc, &value).ok);
	assert_int_equal(stat_of(rig, STAT_oracle_checks), 2);
	assert_true(read32(rig, RIG_VA + 0x3000, &value).ok);
	assert_int_equal(stat_of(rig, STAT_oracle_checks), 3);
	/* Switched off; and in an address space without replay. */
	rig->gpu->knobs.value[KNOB_oracle] = 0;
	assert_true(read32(rig, RIG_VA, &value).ok);
	rig->gpu->knobs.value[KNOB_oracle] = 1;
	rig->chan.space.replay = false;
	assert_true(read32(rig, RIG_VA, &value).ok);
	assert_int_equal(stat_of(rig, STAT_oracle_checks), 3);
}

/* The struct page of a page of the guest's memory: anonymous, mapped once. */
static void set_anon(struct rig *rig, unsigned int pfn, uint64_t index)
{
	uint8_t *page = rig->guest + 0x24000 + pfn * 64;

	*(uint64_t *)(page + 0x18) = 0xffff888000400001;
	*(uint64_t *)(page + 0x20) = index;
	*(uint32_t *)(page + 0x34) = 1;
}

/* One page of the GPU, many of the guest's: each has an index of its own. */
static void owner_of_large_page(void **state)
{
	struct rig *rig = *state;
	uint32_t value;

	oracle_on(rig);
	for (unsigned int i = 0; i < 8; i++)
		set_anon(rig, i, 100 + i);
	pd0(rig)[0] = PTE_SYS(RIG_IOVA);
	/* The TLB has it since the access in its middle. */
	assert_true(read32(rig, RIG_VA + 0x3000, &value).ok);
	for (unsigned int i = 0; i < 8; i++)
		assert_true(read32(rig, RIG_VA + i * PAGE_SIZE, &value).ok);
	assert_int_equal(stat_of(rig, STAT_oracle_checks), 9);
	assert_int_equal(stat_of(rig, STAT_stale_accesses), 0);
	set_anon(rig, 5, 100);
	for (unsigned int i = 0; i < 8; i++)
		assert_true(read32(rig, RIG_VA + i * PAGE_SIZE, &value).ok);
	assert_int_equal(stat_of(rig, STAT_stale_accesses), 1);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(permissions),
		TEST(tlb_caches),
		TEST(tlb_keeps_permissions),
		TEST(tlb_size),
		TEST(several_pages),
		TEST(larger_pages),
		TEST(sparse),
		TEST(atomics),
		TEST(nowhere),
		TEST(bus_limit),
		TEST(physical),
		TEST(blocks),
		TEST(many_blocks),
		TEST(oracle),
		TEST(owner_of_large_page),
	};

	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
