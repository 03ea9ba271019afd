// SPDX-License-Identifier: MIT
/*
 * The walk through tables made by hand. What is expected is written out from the format
 * (pascal/gp100-mmu-format.pdf of open-gpu-doc), in rig.h; reasons are numbers of dev_fault.h:
 * no PDE 0, no PTE 2, past the limit 3, no instance block 4, aperture 0xa.
 */
#include "rig.h"

#define PDE	0x0
#define PTE	0x2
#define LIMIT_	0x3
#define UNBOUND	0x4
#define PEER_	0xa

struct walk {
	bool found;
	struct vmm_page page;
	enum fault_reason reason;
	struct vmm_walk_count count;
};

static struct walk walk(struct rig *rig, uint64_t va)
{
	struct walk w = { .reason = 0x7f };

	w.found = vmm_walk(rig->memory, &rig->chan.space, va, &w.page, &w.reason, &w.count);
	return w;
}

#define FAULTS(rig, va, why) do {						\
	const struct walk w_ = walk(rig, va);					\
	assert_false(w_.found);							\
	assert_int_equal(w_.reason, why);					\
} while (0)

#define SPARSE(rig, va, size) do {						\
	const struct walk w_ = walk(rig, va);					\
	assert_true(w_.found);							\
	assert_true(w_.page.sparse);						\
	assert_int_equal(w_.page.shift, size);					\
} while (0)

#define MAPPED(rig, va, where, at, size) do {					\
	const struct walk w_ = walk(rig, va);					\
	assert_true(w_.found);							\
	assert_false(w_.page.sparse);						\
	assert_int_equal(w_.page.shift, size);					\
	assert_int_equal(w_.page.aperture, where);				\
	assert_true(w_.page.addr == (at));					\
} while (0)

static void space_is_read(void **state)
{
	struct rig *rig = *state;
	struct vmm_space space;

	assert_true(vmm_space_read(rig->memory, AT_INST, &space));
	assert_true(space.pdb == AT_PD3);
	assert_int_equal(space.aperture, VRAM);
	assert_true(space.limit == LIMIT);
	assert_true(space.replay);

	/* In system memory (target 2), without replay; and with each of the two that replay. */
	*vram64(rig, AT_INST + 0x200) = 0x123456789000ULL | 0xc02;
	*vram64(rig, AT_INST + 0x208) = 0xffffffffULL;
	assert_true(vmm_space_read(rig->memory, AT_INST, &space));
	assert_true(space.pdb == 0x123456789000ULL);
	assert_int_equal(space.aperture, SYSTEM);
	assert_true(space.limit == 0xffffffffULL);
	assert_false(space.replay);
	*vram64(rig, AT_INST + 0x200) = AT_PD3 | 0xc10;
	assert_true(vmm_space_read(rig->memory, AT_INST, &space));
	assert_true(space.replay);
	*vram64(rig, AT_INST + 0x200) = AT_PD3 | 0xc20;
	assert_true(vmm_space_read(rig->memory, AT_INST, &space));
	assert_true(space.replay);

	/* Outside of VRAM, also by a few bytes. */
	assert_false(vmm_space_read(rig->memory, RIG_VRAM, &space));
	assert_false(vmm_space_read(rig->memory, RIG_VRAM - 0x208, &space));
	assert_false(vmm_space_read(rig->memory, ~0xfffULL, &space));
}

static void small_pages(void **state)
{
	struct rig *rig = *state;
	struct walk w = walk(rig, RIG_VA + 0x3abc);

	assert_true(w.found);
	assert_int_equal(w.page.shift, 12);
	assert_true(w.page.addr == RIG_IOVA + 0x3000);
	assert_int_equal(w.page.aperture, SYSTEM);
	assert_false(w.page.ro || w.page.no_atomic || w.page.sparse || w.page.priv || w.page.vol);
	/* Three directories, the two words of the fourth, the entry. */
	assert_int_equal(w.count.pte_reads, 6);
	assert_int_equal(w.count.bad_tables, 0);

	*spt(rig, 3) |= RO | NO_ATOMIC | PRIV | VOL;
	w = walk(rig, RIG_VA + 0x3000);
	assert_true(w.found);
	assert_true(w.page.ro && w.page.no_atomic && w.page.priv && w.page.vol);
	assert_false(w.page.sparse);

	/* The kind, in bits 63:56, is no part of the address. */
	*spt(rig, 3) |= 0xdbULL << 56;
	MAPPED(rig, RIG_VA + 0x3000, SYSTEM, RIG_IOVA + 0x3000, 12);
	/* Not coherent. */
	*spt(rig, 3) = PTE_SYS(0x7fff12345000ULL) | 0x2;
	MAPPED(rig, RIG_VA + 0x3fff, SYSTEM_NONCOHERENT, 0x7fff12345000ULL, 12);
	/* In VRAM, where 35:33 is a peer's number and comptags follow: neither is address. */
	*spt(rig, 3) = PTE_VRAM(0x123000) | 7ULL << 33 | 0x5ULL << 36;
	MAPPED(rig, RIG_VA + 0x3000, VRAM, 0x123000ULL, 12);
	/* The first and the last entry of a table. */
	*spt(rig, 511) = PTE_VRAM(0x124000);
	MAPPED(rig, RIG_VA + 0x1fffff, VRAM, 0x124000ULL, 12);
	MAPPED(rig, RIG_VA, SYSTEM, RIG_IOVA, 12);
	/* Not valid; sparse; a peer's. */
	*spt(rig, 3) = PTE_SYS(RIG_IOVA) & ~1ULL;
	FAULTS(rig, RIG_VA + 0x3000, PTE);
	*spt(rig, 3) = VOL;
	SPARSE(rig, RIG_VA + 0x3000, 12);
	*spt(rig, 3) = PTE_VRAM(0x1000) | 0x2;
	FAULTS(rig, RIG_VA + 0x3000, PEER_);
	/* Valid cleared and VOL left: what nouveau leaves between two flushes. */
	*spt(rig, 3) = (PTE_SYS(RIG_IOVA) | VOL) & ~1ULL;
	SPARSE(rig, RIG_VA + 0x3000, 12);
}

static void big_pages(void **state)
{
	struct rig *rig = *state;

	/* The table is 256 bytes into its page. */
	pd0(rig)[0] = PDE_BIG(AT_LPT + 0x100);
	*lpt(rig, 32 + 1) = PTE_SYS(0x123450000ULL);
	MAPPED(rig, RIG_VA + 0x1abcd, SYSTEM, 0x123450000ULL, 16);
	/* Bits below its size are no address. */
	*lpt(rig, 32 + 1) = PTE_VRAM(0xabc000);
	MAPPED(rig, RIG_VA + 0x1abcd, VRAM, 0xab0000ULL, 16);
	/* The last of the table. */
	*lpt(rig, 32 + 31) = PTE_VRAM(0xac0000);
	MAPPED(rig, RIG_VA + 0x1fffff, VRAM, 0xac0000ULL, 16);

	/* Where the big one has nothing, the small one counts, ... */
	MAPPED(rig, RIG_VA + 0x3000, SYSTEM, RIG_IOVA + 0x3000, 12);
	assert_int_equal(walk(rig, RIG_VA + 0x3000).count.pte_reads, 7);
	/* ... unless the big one says that it does not. */
	*lpt(rig, 32) = PRIV;
	FAULTS(rig, RIG_VA + 0x3000, PTE);
	*lpt(rig, 32) = VOL;
	SPARSE(rig, RIG_VA + 0x3000, 16);
	/* Both: VOL is sparse. */
	*lpt(rig, 32) = VOL | PRIV;
	SPARSE(rig, RIG_VA + 0x3000, 16);
	/* Both valid: the big one is looked at first. */
	*lpt(rig, 32) = PTE_VRAM(0xad0000);
	MAPPED(rig, RIG_VA + 0x3000, VRAM, 0xad0000ULL, 16);
	*lpt(rig, 32) = PTE_VRAM(0xad0000) | 0x2;
	FAULTS(rig, RIG_VA + 0x3000, PEER_);

	/* Only a big table, with nothing in it. */
	*lpt(rig, 32) = 0;
	pd0(rig)[1] = 0;
	FAULTS(rig, RIG_VA + 0x3000, PTE);
}

static void huge_pages(void **state)
{
	struct rig *rig = *state;

	/* 2 MiB of system memory, read-only; the second word is not looked at. */
	pd0(rig)[0] = PTE_SYS(0x40200000ULL) | RO;
	MAPPED(rig, RIG_VA + 0x1fffff, SYSTEM, 0x40200000ULL, 21);
	assert_true(walk(rig, RIG_VA).page.ro);
	assert_int_equal(walk(rig, RIG_VA).count.pte_reads, 4);
	/* The next 2 MiB are another's. */
	FAULTS(rig, RIG_VA + 0x200000, PDE);
	/* In VRAM, where comptags follow the address from bit 36 on. */
	pd0(rig)[0] = PTE_VRAM(0x234000) | 0x5ULL << 36;
	MAPPED(rig, RIG_VA, VRAM, 0x200000ULL, 21);
	pd0(rig)[0] = PTE_VRAM(0x200000) | 0x2;
	FAULTS(rig, RIG_VA, PEER_);
}

static void nothing(void **state)
{
	struct rig *rig = *state;

	FAULTS(rig, 0x40000000ULL, PDE);
	FAULTS(rig, RIG_VA + (1ULL << 29), PDE);
	FAULTS(rig, RIG_VA + (1ULL << 38), PDE);
	FAULTS(rig, 1ULL << 47, PDE);
	FAULTS(rig, RIG_VA + 8 * PAGE_SIZE, PTE);
	FAULTS(rig, 1ULL << 49, LIMIT_);
	FAULTS(rig, ~0ULL, LIMIT_);
	/* The limit is the last address that there is; it comes before all tables. */
	rig->chan.space.limit = RIG_VA + 0xfff;
	MAPPED(rig, RIG_VA + 0xfff, SYSTEM, RIG_IOVA, 12);
	FAULTS(rig, RIG_VA + 0x1000, LIMIT_);
	rig->chan.space.limit = ~0ULL;
	FAULTS(rig, 1ULL << 49, LIMIT_);
	rig->chan.space.pdb = 0;
	FAULTS(rig, 0, UNBOUND);
	FAULTS(rig, ~0ULL, UNBOUND);
}

/* A directory's entry that is sparse makes all that is below it so. */
static void sparse(void **state)
{
	struct rig *rig = *state;

	vram64(rig, AT_PD3)[1] = VOL;
	SPARSE(rig, 1ULL << 47, 47);
	vram64(rig, AT_PD2)[5] = VOL;
	SPARSE(rig, 5ULL << 38, 38);
	vram64(rig, AT_PD1)[7] = VOL;
	SPARSE(rig, (RIG_VA & ~((1ULL << 38) - 1)) + (7ULL << 29) + 0x1234, 29);
	pd0(rig)[0] = VOL;
	pd0(rig)[1] = 0;
	SPARSE(rig, RIG_VA, 21);
	/* Only VOL of the big half says so, ... */
	pd0(rig)[0] = 0;
	pd0(rig)[1] = VOL;
	FAULTS(rig, RIG_VA, PDE);
	/* ... and only while neither points to a table. */
	pd0(rig)[0] = VOL;
	pd0(rig)[1] = PDE_VRAM(AT_SPT);
	MAPPED(rig, RIG_VA, SYSTEM, RIG_IOVA, 12);
	FAULTS(rig, RIG_VA + 0x8000, PTE);
	/* Other fields are ignored as long as the aperture is 0. */
	vram64(rig, AT_PD2)[5] = VOL | 0x123456ULL << 8;
	SPARSE(rig, 5ULL << 38, 38);
	/* VOL beside an aperture means something else: host memory that is not cached. */
	vram64(rig, AT_PD2)[RIG_VA >> 38 & 0x1ff] |= VOL;
	MAPPED(rig, RIG_VA, SYSTEM, RIG_IOVA, 12);
}

/* 1 is VRAM in a directory, and a peer's memory in a PTE. */
static void apertures(void **state)
{
	struct rig *rig = *state;
	uint64_t *there = (uint64_t *)(rig->guest + 0x20000);

	/* The small table is in system memory: coherent, then not. */
	there[3] = PTE_VRAM(0x777000);
	pd0(rig)[1] = PDE_SYS(RIG_IOVA + 0x20000);
	MAPPED(rig, RIG_VA + 0x3000, VRAM, 0x777000ULL, 12);
	pd0(rig)[1] = PDE_SYS(RIG_IOVA + 0x20000) | 0x2;
	MAPPED(rig, RIG_VA + 0x3000, VRAM, 0x777000ULL, 12);
	/* A big one, 256 bytes into a page. */
	there[32 + 2] = PTE_VRAM(0x780000);
	pd0(rig)[0] = ((RIG_IOVA + 0x20100) >> 8) << 4 | 0x4;
	MAPPED(rig, RIG_VA + 0x2a000, VRAM, 0x780000ULL, 16);
	/* A directory, and the topmost one. */
	memcpy(rig->guest + 0x21000, rig->memory->vram + AT_PD1, PAGE_SIZE);
	vram64(rig, AT_PD2)[RIG_VA >> 38 & 0x1ff] = PDE_SYS(RIG_IOVA + 0x21000);
	MAPPED(rig, RIG_VA + 0x2a000, VRAM, 0x780000ULL, 16);
	memcpy(rig->guest + 0x22000, rig->memory->vram + AT_PD3, PAGE_SIZE);
	rig->chan.space.pdb = RIG_IOVA + 0x22000;
	rig->chan.space.aperture = SYSTEM;
	MAPPED(rig, RIG_VA + 0x2a000, VRAM, 0x780000ULL, 16);
	/* Aperture 1 of an instance block is none. */
	rig->chan.space.aperture = PEER;
	FAULTS(rig, RIG_VA, PDE);
}

/* Tables that lie where no memory is: past VRAM, past the guest's memory, across its end. */
static void no_table(void **state)
{
	struct rig *rig = *state;
	struct walk w;

	pd0(rig)[1] = PDE_VRAM(RIG_VRAM);
	w = walk(rig, RIG_VA);
	assert_false(w.found);
	assert_int_equal(w.count.bad_tables, 1);
	pd0(rig)[1] = PDE_SYS(RIG_IOVA + RIG_GUEST);
	assert_int_equal(walk(rig, RIG_VA).count.bad_tables, 1);
	pd0(rig)[1] = PDE_SYS(0);
	assert_int_equal(walk(rig, RIG_VA).count.bad_tables, 1);
	pd0(rig)[0] = PDE_BIG(RIG_VRAM + 0x100);
	assert_int_equal(walk(rig, RIG_VA).count.bad_tables, 1);
	vram64(rig, AT_PD1)[RIG_VA >> 29 & 0x1ff] = PDE_VRAM(0x1ffffff000ULL);
	assert_int_equal(walk(rig, RIG_VA).count.bad_tables, 1);
	vram64(rig, AT_PD2)[RIG_VA >> 38 & 0x1ff] = PDE_SYS(0x3ffffffff000ULL);
	assert_int_equal(walk(rig, RIG_VA).count.bad_tables, 1);
	rig->chan.space.pdb = ~0xfffULL;
	w = walk(rig, RIG_VA);
	assert_false(w.found);
	assert_int_equal(w.count.bad_tables, 1);
	assert_int_equal(w.count.pte_reads, 1);
}

/* nouveau writes an entry as two words, the lower one first. */
static void torn(void **state)
{
	struct rig *rig = *state;
	const uint64_t before = PTE_SYS(RIG_IOVA), after = PTE_SYS(0x7fff00001000ULL);

	/* From nothing: the lower half makes it valid, with the address of half an entry. */
	*spt(rig, 3) = (uint32_t)after;
	MAPPED(rig, RIG_VA + 0x3000, SYSTEM, 0xf00001000ULL, 12);
	*spt(rig, 3) = after;
	MAPPED(rig, RIG_VA + 0x3000, SYSTEM, 0x7fff00001000ULL, 12);
	/* From another: the new lower half with the old upper one. */
	*spt(rig, 3) = before;
	memcpy(spt(rig, 3), &after, 4);
	MAPPED(rig, RIG_VA + 0x3000, SYSTEM,
	       ((before & ~0xffffffffULL) | (after & 0xffffff00)) << 4 & ~0xfffULL, 12);
	/* Cleared by half: the lower half decides. */
	*spt(rig, 3) = after & ~0xffffffffULL;
	FAULTS(rig, RIG_VA + 0x3000, PTE);
	/* A directory's: big half written, small half not yet. */
	pd0(rig)[0] = PDE_BIG(AT_LPT);
	pd0(rig)[1] = 0;
	FAULTS(rig, RIG_VA + 0x3000, PTE);
}

/* Tables that lead to themselves: a walk has four levels, whatever they say. */
static void loops(void **state)
{
	struct rig *rig = *state;
	struct walk w;

	for (unsigned int i = 0; i < 512; i++)
		vram64(rig, AT_PD3)[i] = PDE_VRAM(AT_PD3);
	w = walk(rig, RIG_VA);
	/* PD3 is read as what it is, as PD2, as PD1, as PD0 (both words), as a table. */
	assert_true(w.count.pte_reads <= 7);
	assert_false(w.found);
	for (unsigned int i = 0; i < 512; i++)
		vram64(rig, AT_PD3)[i] = PDE_VRAM(AT_PD3) | 0x1;
	w = walk(rig, RIG_VA);
	/* As a page of 2 MiB it is a peer's. */
	assert_true(w.count.pte_reads <= 7);
	assert_false(w.found);
	assert_int_equal(w.reason, PEER_);
}

static uint64_t random64(uint64_t *seed)
{
	/* xorshift64 */
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Anything in the tables: the walk ends, and what it says is within what the format can say. */
static void random_tables(void **state)
{
	struct rig *rig = *state;
	const uint64_t first = 0x6e6f7576ULL;
	uint64_t seed = first;
	unsigned int found = 0, sparse_ = 0, bad = 0;

	print_message("seed %#llx\n", (unsigned long long)first);
	for (unsigned int round = 0; round < 200; round++) {
		for (uint64_t at = AT_PD3; at < AT_INST; at += 8) {
			const uint64_t r = random64(&seed), kind = r % 8;

			*vram64(rig, at) = kind < 5 ? PDE_VRAM(AT_PD3 + (r >> 8) % 16 * PAGE_SIZE) :
					   kind < 6 ? PTE_VRAM(r & 0xfff000) : random64(&seed);
		}
		for (unsigned int i = 0; i < 500; i++) {
			const struct walk w = walk(rig, random64(&seed) & LIMIT);

			assert_true(w.count.pte_reads <= 7);
			assert_true(w.count.bad_tables <= 1);
			bad += w.count.bad_tables;
			if (!w.found) {
				assert_true(w.reason == PDE || w.reason == PTE || w.reason == PEER_);
				continue;
			}
			found++;
			sparse_ += w.page.sparse;
			assert_int_not_equal(w.page.aperture, PEER);
			assert_true(w.page.addr < (w.page.aperture == VRAM ? 1ULL << 37 : 1ULL << 58));
			assert_false(w.page.addr & ((1ULL << w.page.shift) - 1));
		}
	}
	assert_true(found > 1000 && sparse_ > 100 && bad > 100);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(space_is_read),
		TEST(small_pages),
		TEST(big_pages),
		TEST(huge_pages),
		TEST(nothing),
		TEST(sparse),
		TEST(apertures),
		TEST(no_table),
		TEST(torn),
		TEST(loops),
		TEST(random_tables),
	};

	return cmocka_run_group_tests_name("vmm", tests, NULL, NULL);
}
