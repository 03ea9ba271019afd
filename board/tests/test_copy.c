// SPDX-License-Identifier: MIT
/* The copy engine, through the pushbuffer. Methods are clc0b5.h's of open-gpu-doc. */
#include "rig.h"

#define CE	21	/* MMU engine CE0 */

/* SET_OBJECT, offsets, pitches, length, count, then LAUNCH_DMA. */
static enum channel_went copy(struct rig *rig, uint64_t dst, uint64_t src, uint32_t length,
			      uint32_t lines, uint32_t dst_pitch, uint32_t src_pitch,
			      uint32_t launch)
{
	return WENT(rig, 0x20018000, 0xc0b5,
		    0x20088100, HI(src), LO(src), HI(dst), LO(dst), src_pitch, dst_pitch, length,
		    lines, 0x200180c0, launch);
}

static bool done(struct rig *rig, enum channel_went went)
{
	return went == WENT_NOWHERE && !rig->chan.copy.busy;
}

static void fill(struct rig *rig)
{
	for (unsigned int i = 0; i < RIG_PAGES * PAGE_SIZE; i++)
		*byte(rig, i) = i < 0x4000 ? i * 7 + (i >> 8) : 0xee;
}

static void lengths(void **state)
{
	static const struct {
		uint32_t dst, src, length;
	} table[] = {
		{ 0x4000, 0x0000, 1 }, { 0x4001, 0x0003, 2 }, { 0x4fff, 0x0ffe, 4 },
		{ 0x4000, 0x0000, 0x1000 }, { 0x4abc, 0x0123, 0x2345 }, { 0x4000, 0x0fff, 0x3001 },
		{ 0x4ffc, 0x0ffc, 8 }, { 0x4000, 0x0000, 4 }, { 0x4002, 0x0001, 4 },
		{ 0x4000, 0x0000, 0 },
	};
	struct rig *rig = *state;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		fill(rig);
		assert_true(done(rig, copy(rig, RIG_VA + table[i].dst, RIG_VA + table[i].src,
					   table[i].length, 1, 0, 0, 0x182)));
		for (uint32_t j = 0x4000; j < RIG_PAGES * PAGE_SIZE; j++) {
			const uint32_t at = j - table[i].dst;
			const uint8_t want = at < table[i].length ? *byte(rig, table[i].src + at) :
								    0xee;

			if (*byte(rig, j) != want)
				fail_msg("entry %u, byte %#x: %#x, not %#x", i, j, *byte(rig, j),
					 want);
		}
		bytes += table[i].length;
	}
	assert_int_equal(stat_of(rig, STAT_copies), ARRAY_SIZE(table));
	assert_int_equal(stat_of(rig, STAT_copied_bytes), bytes);
}

static void lines(void **state)
{
	struct rig *rig = *state;

	for (unsigned int x = 0; x < 0x2000; x++)
		*byte(rig, x) = x * 3;
	/* 20 lines of 100 bytes, 300 apart there and 150 apart here. */
	assert_true(done(rig, copy(rig, RIG_VA + 0x4000, RIG_VA, 100, 20, 150, 300, 0x382)));
	for (unsigned int y = 0; y < 20; y++)
		for (unsigned int x = 0; x < 150; x++)
			assert_int_equal(*byte(rig, 0x4000 + 150 * y + x),
					 x < 100 ? *byte(rig, 300 * y + x) : 0);
	/* Without MULTI_LINE, the count does not count. */
	assert_true(done(rig, copy(rig, RIG_VA + 0x6000, RIG_VA + 0x100, 4, 3, 4, 4, 0x182)));
	assert_int_equal(*word(rig, 0x6000), *word(rig, 0x100));
	assert_int_equal(*word(rig, 0x6004), 0);
	/* No line, and lines of nothing. */
	assert_true(done(rig, copy(rig, RIG_VA + 0x6000, RIG_VA + 0x200, 4, 0, 4, 4, 0x382)));
	assert_true(done(rig, copy(rig, RIG_VA + 0x6000, RIG_VA + 0x200, 0, ~0U, 4, 4, 0x382)));
	assert_int_equal(*word(rig, 0x6000), *word(rig, 0x100));
}

/* Pitches are signed: an image upside down; and 0: all lines at the same place. */
static void negative_pitch(void **state)
{
	struct rig *rig = *state;

	for (unsigned int i = 0; i < 0x1000; i++)
		*byte(rig, i) = i / 16;
	assert_true(done(rig, copy(rig, RIG_VA + 0x4000 + 15 * 16, RIG_VA, 16, 16, -16, 16, 0x382)));
	for (unsigned int i = 0; i < 256; i++)
		assert_int_equal(*byte(rig, 0x4000 + i), 15 - i / 16);
	/* Both, across a page's end. */
	assert_true(done(rig, copy(rig, RIG_VA + 0x6008, RIG_VA + 0x1f0, 16, 3, -16, -16, 0x382)));
	assert_int_equal(*byte(rig, 0x6008), 31);
	assert_int_equal(*byte(rig, 0x5ff8), 30);
	assert_int_equal(*byte(rig, 0x5fe8), 29);
	assert_int_equal(*byte(rig, 0x5fe7), 0);
	assert_true(done(rig, copy(rig, RIG_VA + 0x7000, RIG_VA, 16, 5, 0, 16, 0x382)));
	assert_int_equal(*byte(rig, 0x7000), 4);
	assert_int_equal(*byte(rig, 0x7010), 0);
}

static void remap(void **state)
{
	struct rig *rig = *state;
	const uint32_t *there = word(rig, 0), *back = word(rig, 0x4000);

	assert_true(done(rig, WENT(rig, 0x20018000, 0xc0b5,
		/* CONST_A, CONST_B; X from A, Y from B, 4 bytes each, 2 of them. */
		0x200381c0, 0x11111111, 0x22222222, 0x01030054,
		0x20048100, 0, 0, HI(RIG_VA), LO(RIG_VA),
		0x20028106, 3, 1,
		0x200180c0, 0x582,
		/* And back, swapped, dropping the second: X from Y, of 2. */
		0x200181c2, 0x00130001,
		0x20048100, HI(RIG_VA), LO(RIG_VA), HI(RIG_VA), LO(RIG_VA) + 0x4000,
		0x200180c0, 0x582)));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(there[2 * i], 0x11111111);
		assert_int_equal(there[2 * i + 1], 0x22222222);
		assert_int_equal(back[i], 0x22222222);
	}
	assert_int_equal(there[6], 0);
	assert_int_equal(back[3], 0);
}

/* Every size, number and source of components; what comes out is computed here, byte by byte. */
static void remap_components(void **state)
{
	static const uint32_t orders[] = {
		0x3210, 0x0123, 0x4545, 0x6060, 0x5146, 0x6666, 0x0000, 0x2603,
	};
	const uint32_t a = 0xa3a2a1a0, b = 0xb3b2b1b0;
	struct rig *rig = *state;
	unsigned int shapes = 0;

	for (uint32_t size = 1; size <= 4; size++)
	for (uint32_t nsrc = 1; nsrc <= 4; nsrc++)
	for (uint32_t ndst = 1; ndst <= 4; ndst++)
	for (unsigned int o = 0; o < ARRAY_SIZE(orders); o++) {
		/* Near a page's end, so that pixels cross it. */
		const uint32_t src = 0xff3, dst = 0x4fe9, pixels = 9;
		uint8_t want[256];
		bool beyond = false;

		/* A source's component that there is not is not asked for. */
		for (uint32_t c = 0; c < ndst; c++) {
			const uint32_t from = orders[o] >> (4 * c) & 7;

			beyond |= from < 4 && from >= nsrc;
		}
		if (beyond)
			continue;
		shapes++;
		fill(rig);
		memset(want, 0xee, sizeof(want));
		for (uint32_t p = 0; p < pixels; p++)
		for (uint32_t c = 0; c < ndst; c++)
		for (uint32_t i = 0; i < size; i++) {
			const uint32_t from = orders[o] >> (4 * c) & 7;
			uint8_t *to = want + (p * ndst + c) * size + i;

			if (from < 4)
				*to = *byte(rig, src + (p * nsrc + from) * size + i);
			else if (from < 6)
				*to = (from == 4 ? a : b) >> (8 * i);
		}
		assert_true(done(rig, WENT(rig, 0x20018000, 0xc0b5, 0x200381c0, a, b,
			(ndst - 1) << 24 | (nsrc - 1) << 20 | (size - 1) << 16 | orders[o],
			0x20048100, HI(RIG_VA), LO(RIG_VA) + src, HI(RIG_VA), LO(RIG_VA) + dst,
			0x20028106, pixels, 1, 0x200180c0, 0x582)));
		if (memcmp(want, byte(rig, dst), sizeof(want)))
			fail_msg("size %u, %u to %u components, order %#x", size, nsrc, ndst,
				 orders[o]);
	}
	assert_true(shapes > 200);
}

/* More pixels than a step has, in lines; without a source nothing is read. */
static void remap_lines(void **state)
{
	struct rig *rig = *state;

	assert_true(done(rig, WENT(rig, 0x20018000, 0xc0b5, 0x200181c0, 0x77777777,
		/* One component of 4 bytes, from A. */
		0x200181c2, 0x00030004,
		0x20088100, 0x12, 0, HI(RIG_VA), LO(RIG_VA), 0, 0x1000, 200, 3,
		0x200180c0, 0x782)));
	for (unsigned int y = 0; y < 3; y++) {
		assert_int_equal(*word(rig, y * 0x1000), 0x77777777);
		assert_int_equal(*word(rig, y * 0x1000 + 199 * 4), 0x77777777);
		assert_int_equal(*word(rig, y * 0x1000 + 200 * 4), 0);
	}
	assert_int_equal(stat_of(rig, STAT_copied_bytes), 3 * 800);
}

static void semaphore(void **state)
{
	struct rig *rig = *state;

	memset(byte(rig, 0), 0xff, 16);
	memset(byte(rig, 0x1000), 0xff, 32);
	rig_advance(0x500000003ULL);
	assert_true(done(rig, WENT(rig, 0x20018000, 0xc0b5,
		0x20038090, HI(RIG_VA), LO(RIG_VA), 0x1234,
		0x200180c0, 0x08,			/* one word */
		0x20018092, 0x5678,
		0x20018091, LO(RIG_VA) + 0x1000,
		0x200180c0, 0x10 | 0x40,		/* four words, and the interrupt */
		0x20018091, LO(RIG_VA),
		0x20018092, 6,
		0x200180c0, 0x08 | 5 << 14 | 1 << 19)));	/* add */
	assert_int_equal(*word(rig, 0), 0x1234 + 6);
	assert_int_equal(*word(rig, 4), ~0U);
	assert_int_equal(*word(rig, 0x1000), 0x5678);
	assert_int_equal(*word(rig, 0x1004), 0);
	/* PTIMER's time. */
	assert_int_equal(*word(rig, 0x1008), 3);
	assert_int_equal(*word(rig, 0x100c), 5 + HI(RIG_PTIMER));
	assert_int_equal(*word(rig, 0x1010), ~0U);
	assert_int_equal(rig->non_stalls, 1);
	assert_int_equal(stat_of(rig, STAT_semaphores), 3);
	/* No transfer was one. */
	assert_int_equal(stat_of(rig, STAT_copies), 0);
	/* After a transfer; and the blocking interrupt. */
	assert_true(done(rig, copy(rig, RIG_VA + 0x2000, RIG_VA, 4, 1, 0, 0, 0x182 | 0x08 | 0x20)));
	assert_int_equal(*word(rig, 0x2000), 0x1234 + 6);
	assert_int_equal(*word(rig, 0), 6);
	assert_int_equal(rig->non_stalls, 2);
}

static void semaphore_reductions(void **state)
{
	static const struct {
		uint32_t op, is_unsigned, old, value, expect;
	} table[] = {
		{ 0, 0, -1, 1, -1 }, { 0, 1, -1, 1, 1 }, { 1, 0, -1, 1, 1 }, { 1, 1, -1, 1, -1 },
		{ 2, 0, 0xc, 0xa, 0x6 }, { 3, 0, 0xc, 0xa, 0x8 }, { 4, 0, 0xc, 0xa, 0xe },
		{ 5, 0, 40, 2, 42 }, { 6, 1, 1, 2, 2 }, { 6, 1, 2, 2, 0 }, { 7, 1, 2, 5, 1 },
		{ 7, 1, 0, 5, 5 }, { 7, 1, 9, 5, 5 },
	};
	struct rig *rig = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		*word(rig, 0) = table[i].old;
		assert_true(done(rig, WENT(rig, 0x20018000, 0xc0b5,
			0x20038090, HI(RIG_VA), LO(RIG_VA), table[i].value,
			0x200180c0, 0x08 | table[i].op << 14 | table[i].is_unsigned << 18 | 1 << 19)));
		if (*word(rig, 0) != table[i].expect)
			fail_msg("entry %u: %#x", i, *word(rig, 0));
	}
	/* Where atomics are not allowed, and where nothing is. */
	*spt(rig, 0) |= NO_ATOMIC;
	access_flush(rig->access, AT_PD3);
	assert_int_equal(WENT(rig, 0x200180c0, 0x08 | 5 << 14 | 1 << 19), WENT_FAULTED);
	assert_int_equal(rig->chan.fault.type, ACCESS_ATOMIC);
	assert_int_equal(rig->chan.fault.reason, 0xf);
	assert_int_equal(rig->chan.fault.engine, CE);
	/* It is tried again where it was. */
	*spt(rig, 0) &= ~NO_ATOMIC;
	access_flush(rig->access, AT_PD3);
	assert_true(done(rig, rig_run(rig)));
	assert_int_equal(*word(rig, 0), 5 + 5);
}

/* Of the destination's pages one cannot be written: what comes before it is there, once. */
static void fault_within(void **state)
{
	struct rig *rig = *state;

	memset(byte(rig, 0), 0x5a, 0x2000);
	*spt(rig, 5) |= RO;
	assert_int_equal(copy(rig, RIG_VA + 0x4800, RIG_VA, 0x1000, 1, 0, 0, 0x182), WENT_FAULTED);
	assert_int_equal(*byte(rig, 0x4fff), 0x5a);
	assert_int_equal(*byte(rig, 0x5000), 0);
	assert_int_equal(rig->chan.fault.type, ACCESS_WRITE);
	assert_int_equal(rig->chan.fault.reason, 0x6);
	assert_true(rig->chan.fault.va == RIG_VA + 0x5000);
	assert_int_equal(rig->chan.fault.engine, CE);
	assert_true(rig->chan.copy.busy);
	/* As often as it is tried. */
	assert_int_equal(rig_run(rig), WENT_FAULTED);
	*spt(rig, 5) &= ~RO;
	access_flush(rig->access, AT_PD3);
	assert_true(done(rig, rig_run(rig)));
	assert_int_equal(*byte(rig, 0x57ff), 0x5a);
	assert_int_equal(*byte(rig, 0x5800), 0);
	assert_int_equal(stat_of(rig, STAT_copied_bytes), 0x1000);
}

/* Each page of a transfer is missing until it has faulted. */
static void fault_at_each_page(void **state)
{
	struct rig *rig = *state;
	static const unsigned int order[] = { 0, 4, 5, 1, 6, 2, 7, 3 };
	unsigned int faults = 0;
	enum channel_went went;

	fill(rig);
	for (unsigned int i = 0; i < RIG_PAGES; i++)
		*spt(rig, i) = 0;
	went = copy(rig, RIG_VA + 0x4800, RIG_VA + 0x100, 0x3700, 1, 0, 0, 0x182);
	while (went == WENT_FAULTED) {
		const unsigned int page = (rig->chan.fault.va - RIG_VA) / PAGE_SIZE;

		assert_true(faults < ARRAY_SIZE(order));
		assert_int_equal(page, order[faults]);
		assert_int_equal(rig->chan.fault.type, page < 4 ? ACCESS_READ : ACCESS_WRITE);
		assert_int_equal(rig->chan.fault.reason, 0x2);
		faults++;
		/* No flush: what was not there is not cached. */
		*spt(rig, page) = PTE_SYS(RIG_IOVA + page * PAGE_SIZE);
		went = rig_run(rig);
	}
	assert_true(done(rig, went));
	assert_int_equal(faults, 8);
	assert_memory_equal(byte(rig, 0x4800), byte(rig, 0x100), 0x3700);
	assert_int_equal(*byte(rig, 0x7f00), 0xee);
	/* And the semaphore's page, when the rest is done. */
	*spt(rig, 7) = 0;
	access_flush(rig->access, AT_PD3);
	assert_int_equal(WENT(rig, 0x20038090, HI(RIG_VA), LO(RIG_VA) + 0x7000, 9, 0x20028106, 4, 1,
			      0x200180c0, 0x18a - 2 + 0x8), WENT_FAULTED);
	*spt(rig, 7) = PTE_SYS(RIG_IOVA + 7 * PAGE_SIZE);
	assert_true(done(rig, rig_run(rig)));
	assert_int_equal(*word(rig, 0x7000), 9);
}

/* A remapped pixel whose second half is on a page that is missing. */
static void remap_faults(void **state)
{
	struct rig *rig = *state;

	*spt(rig, 1) = 0;
	assert_int_equal(WENT(rig, 0x20018000, 0xc0b5, 0x200281c0, 0x11111111, 0x22222222,
			      0x200181c2, 0x01030054,
			      0x20048100, 0, 0, HI(RIG_VA), LO(RIG_VA) + 0xff4,
			      0x20028106, 3, 1, 0x200180c0, 0x582), WENT_FAULTED);
	assert_true(rig->chan.fault.va == RIG_VA + 0x1000);
	assert_int_equal(*word(rig, 0xff8), 0x22222222);
	assert_int_equal(*word(rig, 0xffc), 0x11111111);
	*spt(rig, 1) = PTE_SYS(RIG_IOVA + 0x1000);
	assert_true(done(rig, rig_run(rig)));
	assert_int_equal(*word(rig, 0x1000), 0x22222222);
	assert_int_equal(*word(rig, 0x1004), 0x11111111);
	assert_int_equal(*word(rig, 0x1008), 0x22222222);
	assert_int_equal(*word(rig, 0x100c), 0);
	/* Its source, as well. */
	*spt(rig, 2) = 0;
	assert_int_equal(WENT(rig, 0x200181c2, 0x00030000, 0x20048100, HI(RIG_VA),
			      LO(RIG_VA) + 0x2000, HI(RIG_VA), LO(RIG_VA), 0x200180c0, 0x582),
			 WENT_FAULTED);
	assert_int_equal(rig->chan.fault.type, ACCESS_READ);
}

static void physical(void **state)
{
	struct rig *rig = *state;
	const uint64_t src = RIG_IOVA, dst = RIG_IOVA + 0x1000;

	memset(byte(rig, 0), 0x77, 16);
	rig->chan.priv = true;
	/* Both in coherent system memory. */
	assert_true(done(rig, WENT(rig, 0x20018000, 0xc0b5, 0x20028098, 1, 1,
		0x20088100, HI(src), LO(src), HI(dst), LO(dst), 0, 0, 8, 1, 0x200180c0, 0x3182)));
	assert_int_equal(*byte(rig, 0x1007), 0x77);
	assert_int_equal(*byte(rig, 0x1008), 0);
	/* From there to VRAM, and back to where it is not coherent. */
	assert_true(done(rig, WENT(rig, 0x20028098, 1, 0, 0x20028102, 0, 0x300010,
				   0x200180c0, 0x3182)));
	assert_int_equal(*vram32(rig, 0x300010), 0x77777777);
	assert_true(done(rig, WENT(rig, 0x20028098, 0, 2, 0x20048100, 0, 0x300010, HI(dst),
				   LO(dst) + 0x800, 0x200180c0, 0x3182)));
	assert_int_equal(*word(rig, 0x1800), 0x77777777);
	/* One side only: the other goes through the page tables. */
	assert_true(done(rig, WENT(rig, 0x20028098, 0, 0, 0x20048100, 0, 0x300010, HI(RIG_VA),
				   LO(RIG_VA) + 0x2000, 0x200180c0, 0x1182)));
	assert_int_equal(*word(rig, 0x2000), 0x77777777);
	assert_true(done(rig, WENT(rig, 0x20048100, HI(RIG_VA), LO(RIG_VA) + 0x2000, 0, 0x300020,
				   0x200180c0, 0x2182)));
	assert_int_equal(*vram32(rig, 0x300020), 0x77777777);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 0);

	/* Where nothing is: zeros are read, writes are lost, the copy comes to its end. */
	*word(rig, 0x2000) = 0x99;
	assert_true(done(rig, WENT(rig, 0x20028098, 1, 1, 0x20048100, 0, 0x1000, HI(RIG_VA),
				   LO(RIG_VA) + 0x2000, 0x200180c0, 0x1182)));
	assert_int_equal(*word(rig, 0x2000), 0);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 1);
	assert_true(done(rig, WENT(rig, 0x20048100, HI(RIG_VA), LO(RIG_VA), 0, 0x1000,
				   0x200180c0, 0x2182)));
	assert_int_equal(stat_of(rig, STAT_bus_errors), 2);
}

/* Without privilege physical addresses would be all of the machine's memory. */
static void no_privilege(void **state)
{
	struct rig *rig = *state;

	for (uint32_t launch = 0x1182; launch <= 0x3182; launch += 0x1000) {
		assert_int_equal(WENT(rig, 0x20018000, 0xc0b5, 0x20028098, 1, 1, 0x20048100,
				      HI(RIG_IOVA), LO(RIG_IOVA), HI(RIG_IOVA),
				      LO(RIG_IOVA) + 0x1000, 0x20028106, 8, 1, 0x200180c0, launch),
				 WENT_ILLEGAL);
		assert_false(rig->chan.copy.busy);
		rig->chan.dec.count = 0;
	}
	memset(byte(rig, 0), 0x88, 16);
	assert_int_equal(rig_run(rig), WENT_NOWHERE);
	assert_int_equal(*byte(rig, 0x1000), 0);
}

static void malformed(void **state)
{
	static const uint32_t launch[] = {
		0x183,			/* transfer type */
		0x002, 0x082, 0x102,	/* block-linear */
		0x018,			/* semaphore type */
		0x80008 | 0xa << 14,	/* floating-point reduction */
		0x80008 | 0x8 << 14, 0x80008 | 0xf << 14,	/* no reduction */
	};
	struct rig *rig = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(launch); i++) {
		if (copy(rig, RIG_VA, RIG_VA, 4, 1, 0, 0, launch[i]) != WENT_ILLEGAL)
			fail_msg("LAUNCH_DMA %#x is taken", launch[i]);
		/* METHOD */
		assert_int_equal(rig->chan.illegal.pbdma, 1 << 21);
		assert_int_equal(rig->chan.illegal.mthd, 0x300);
		assert_false(rig->chan.copy.busy);
	}
	/* A semaphore that is not aligned, a target that there is not, a method likewise. */
	assert_int_equal(WENT(rig, 0x20038090, HI(RIG_VA), LO(RIG_VA) + 2, 1, 0x200180c0, 0x8),
			 WENT_ILLEGAL);
	rig->chan.priv = true;
	assert_int_equal(WENT(rig, 0x20028098, 3, 0, 0x200180c0, 0x1182), WENT_ILLEGAL);
	assert_int_equal(WENT(rig, 0x20028098, 0, 3, 0x200180c0, 0x2182), WENT_ILLEGAL);
	assert_int_equal(WENT(rig, 0x200180c1, 0), WENT_ILLEGAL);
	/* NOP and PM_TRIGGER, which are some. */
	assert_int_equal(WENT(rig, 0x20018040, 0, 0x20018050, 0), WENT_NOWHERE);
}

/* The gate of copies, and a budget of pages. */
static void held(void **state)
{
	struct rig *rig = *state;

	memset(byte(rig, 0), 0x5a, 0x3000);
	rig->gpu->engine.copy_held = true;
	assert_int_equal(copy(rig, RIG_VA + 0x4000, RIG_VA, 0x3000, 1, 0, 0, 0x182), WENT_WAITS);
	assert_int_equal(*byte(rig, 0x4000), 0);
	rig->gpu->engine.copy_held = false;
	rig->gpu->engine.budget = 2;
	assert_int_equal(rig_run(rig), WENT_WAITS);
	assert_int_equal(*byte(rig, 0x5fff), 0x5a);
	assert_int_equal(*byte(rig, 0x6000), 0);
	rig->gpu->engine.budget = 1;
	assert_true(done(rig, rig_run(rig)));
	assert_int_equal(*byte(rig, 0x6fff), 0x5a);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lengths),
		TEST(lines),
		TEST(negative_pitch),
		TEST(remap),
		TEST(remap_components),
		TEST(remap_lines),
		TEST(semaphore),
		TEST(semaphore_reductions),
		TEST(fault_within),
		TEST(fault_at_each_page),
		TEST(remap_faults),
		TEST(physical),
		TEST(no_privilege),
		TEST(malformed),
		TEST(held),
	};

	return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
