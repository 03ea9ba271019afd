// SPDX-License-Identifier: MIT
/* The copy engine, through the pushbuffer. Methods are clc0b5.h's of open-gpu-doc. */
#include "rig.h"

#define HI(va)	((u32)((va) >> 32))
#define LO(va)	((u32)(va))

/* SET_OBJECT, offsets, pitches, length, count, then LAUNCH_DMA. */
static bool copy(struct rig *rig, u64 dst, u64 src, u32 length, u32 lines, u32 dst_pitch,
		 u32 src_pitch, u32 launch)
{
	const u32 word[] = {
		0x20018000, 0xc0b5,
		0x20088100, HI(src), LO(src), HI(dst), LO(dst), src_pitch, dst_pitch, length, lines,
		0x200180c0, launch,
	};

	rig_submit(rig, word, ARRAY_SIZE(word));
	KUNIT_ASSERT_TRUE(rig->test, rig_run(rig, 10000));
	return !rig->chan.dead && !rig->chan.ce.busy;
}

static u8 *byte(struct rig *rig, u32 offset)
{
	return (u8 *)rig->page[offset / PAGE_SIZE] + offset % PAGE_SIZE;
}

static void lengths(struct kunit *test)
{
	static const struct {
		u32 dst, src, length;
	} table[] = {
		{ 0x4000, 0x0000, 1 }, { 0x4001, 0x0003, 2 }, { 0x4fff, 0x0ffe, 4 },
		{ 0x4000, 0x0000, 0x1000 }, { 0x4abc, 0x0123, 0x2345 }, { 0x4000, 0x0fff, 0x3001 },
		{ 0x4000, 0x0000, 0 },
	};
	struct rig *rig = rig_new(test);
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (j = 0; j < RIG_PAGES * PAGE_SIZE; j++)
			*byte(rig, j) = j < 0x4000 ? j * 7 + (j >> 8) : 0xee;
		KUNIT_ASSERT_TRUE(test, copy(rig, RIG_VA + table[i].dst, RIG_VA + table[i].src,
					     table[i].length, 1, 0, 0, 0x182));
		for (j = 0x4000; j < RIG_PAGES * PAGE_SIZE; j++) {
			const u32 at = j - table[i].dst;
			const u8 want = at < table[i].length ? *byte(rig, table[i].src + at) : 0xee;

			if (*byte(rig, j) != want)
				KUNIT_FAIL(test, "entry %u, byte %#x: %#x, not %#x", i, j,
					   *byte(rig, j), want);
		}
	}
}

static void lines(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	u32 x, y;

	for (x = 0; x < 0x2000; x++)
		*byte(rig, x) = x * 3;
	/* 20 lines of 100 bytes, 300 apart there and 150 apart here. */
	KUNIT_ASSERT_TRUE(test, copy(rig, RIG_VA + 0x4000, RIG_VA, 100, 20, 150, 300, 0x382));
	for (y = 0; y < 20; y++) {
		for (x = 0; x < 150; x++)
			KUNIT_ASSERT_EQ(test, *byte(rig, 0x4000 + 150 * y + x),
					x < 100 ? *byte(rig, 300 * y + x) : 0);
	}
	/* Without MULTI_LINE, the count does not count. */
	KUNIT_ASSERT_TRUE(test, copy(rig, RIG_VA + 0x6000, RIG_VA + 0x100, 4, 3, 4, 4, 0x182));
	KUNIT_EXPECT_EQ(test, *(u32 *)byte(rig, 0x6000), *(u32 *)byte(rig, 0x100));
	KUNIT_EXPECT_EQ(test, *(u32 *)byte(rig, 0x6004), 0);
}

static void remap(struct kunit *test)
{
	static const u32 fill[] = {
		0x20018000, 0xc0b5,
		/* CONST_A, CONST_B; X from A, Y from B, 4 bytes each, 2 of them. */
		0x200381c0, 0x11111111, 0x22222222, 0x01030054,
		0x20048100, 0, 0, HI(RIG_VA), LO(RIG_VA),
		0x20028106, 3, 1,
		0x200180c0, 0x582,
		/* And back, swapped, dropping the second: X from Y, of 2. */
		0x200181c2, 0x00130001,
		0x20048100, HI(RIG_VA), LO(RIG_VA), HI(RIG_VA), LO(RIG_VA) + 0x4000,
		0x200180c0, 0x582,
	};
	struct rig *rig = rig_new(test);
	const u32 *there = rig->page[0], *back = rig->page[4];
	int i;

	rig_submit(rig, fill, ARRAY_SIZE(fill));
	KUNIT_ASSERT_TRUE(test, rig_run(rig, 1000));
	KUNIT_ASSERT_FALSE(test, rig->chan.dead);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, there[2 * i], 0x11111111);
		KUNIT_EXPECT_EQ(test, there[2 * i + 1], 0x22222222);
		KUNIT_EXPECT_EQ(test, back[i], 0x22222222);
	}
	KUNIT_EXPECT_EQ(test, there[6], 0);
	KUNIT_EXPECT_EQ(test, back[3], 0);
}

static void semaphore(struct kunit *test)
{
	static const u32 release[] = {
		0x20018000, 0xc0b5,
		0x20038090, HI(RIG_VA), LO(RIG_VA), 0x1234,
		0x200180c0, 0x08,			/* one word */
		0x20018092, 0x5678,
		0x20018091, LO(RIG_VA) + 0x1000,
		0x200180c0, 0x10 | 0x40,		/* four words, and the interrupt */
		0x20018091, LO(RIG_VA),
		0x20018092, 6,
		0x200180c0, 0x08 | 5 << 14 | 1 << 19,	/* add */
	};
	struct rig *rig = rig_new(test);

	memset(rig->page[0], 0xff, 16);
	memset(rig->page[1], 0xff, 32);
	rig_submit(rig, release, ARRAY_SIZE(release));
	KUNIT_ASSERT_TRUE(test, rig_run(rig, 1000));
	KUNIT_ASSERT_FALSE(test, rig->chan.dead);
	KUNIT_EXPECT_EQ(test, ((u32 *)rig->page[0])[0], 0x1234 + 6);
	KUNIT_EXPECT_EQ(test, ((u32 *)rig->page[0])[1], ~0);
	KUNIT_EXPECT_EQ(test, ((u32 *)rig->page[1])[0], 0x5678);
	KUNIT_EXPECT_EQ(test, ((u32 *)rig->page[1])[1], 0);
	KUNIT_EXPECT_EQ(test, ((u32 *)rig->page[1])[4], ~0);
	KUNIT_EXPECT_EQ(test, rig->non_stall, 1);
}

/* Of the destination's pages one cannot be written: what comes before it is there, once. */
static void fault_within(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	memset(rig->page[0], 0x5a, PAGE_SIZE);
	memset(rig->page[1], 0x5a, PAGE_SIZE);
	rig->spt[0][5] |= RIG_RO;
	KUNIT_EXPECT_FALSE(test, copy(rig, RIG_VA + 0x4800, RIG_VA, 0x1000, 1, 0, 0, 0x182));
	KUNIT_EXPECT_EQ(test, rig->chan.stall, NVSIM_REPORTED);
	KUNIT_EXPECT_EQ(test, *byte(rig, 0x4fff), 0x5a);
	KUNIT_EXPECT_EQ(test, *byte(rig, 0x5000), 0);
	/* Bits 19:16 of an entry's last word: a write. */
	KUNIT_EXPECT_EQ(test, rig->fault_entry[7] >> 16 & 0xf, 1);
	KUNIT_EXPECT_EQ(test, rig->fault_entry[2], LO(RIG_VA) + 0x5000);

	rig->spt[0][5] &= ~(u64)RIG_RO;
	nvsim_flush(&rig->sim, rig->chan.as.pdb);
	nvsim_replay(&rig->sim);
	KUNIT_ASSERT_TRUE(test, rig_run(rig, 1000));
	KUNIT_EXPECT_FALSE(test, rig->chan.ce.busy);
	KUNIT_EXPECT_EQ(test, *byte(rig, 0x57ff), 0x5a);
	KUNIT_EXPECT_EQ(test, *byte(rig, 0x5800), 0);
}

static void physical(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	u32 word[] = {
		0x20018000, 0xc0b5,
		0x20028098, 1, 1,	/* both in coherent system memory */
		0x20088100, 0, 0, 0, 0, 0, 0, 8, 1,
		0x200180c0, 0x3182,
	};
	const u64 src = virt_to_phys(rig->page[0]), dst = virt_to_phys(rig->page[1]);

	word[6] = HI(src);
	word[7] = LO(src);
	word[8] = HI(dst);
	word[9] = LO(dst);
	memset(rig->page[0], 0x77, 16);
	rig->chan.priv = true;
	rig_submit(rig, word, ARRAY_SIZE(word));
	KUNIT_ASSERT_TRUE(test, rig_run(rig, 1000));
	KUNIT_EXPECT_FALSE(test, rig->chan.dead);
	KUNIT_EXPECT_EQ(test, *byte(rig, 0x1007), 0x77);
	KUNIT_EXPECT_EQ(test, *byte(rig, 0x1008), 0);

	/* Without privilege that would be all of the machine's memory. */
	memset(rig->page[0], 0x88, 16);
	rig->chan.priv = false;
	rig_submit(rig, word, ARRAY_SIZE(word));
	KUNIT_ASSERT_TRUE(test, rig_run(rig, 1000));
	KUNIT_EXPECT_TRUE(test, rig->chan.dead);
	KUNIT_EXPECT_EQ(test, *byte(rig, 0x1007), 0x77);
}

static void malformed(struct kunit *test)
{
	static const u32 launch[] = {
		0x183,			/* transfer type */
		0x002, 0x082, 0x102,	/* block-linear */
		0x018,			/* semaphore type */
		0x80008 | 0xa << 14,	/* floating-point reduction */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(launch); i++) {
		struct rig *rig = rig_new(test);

		KUNIT_EXPECT_FALSE_MSG(test, copy(rig, RIG_VA, RIG_VA, 4, 1, 0, 0, launch[i]),
				       "%#x", launch[i]);
		KUNIT_EXPECT_EQ(test, rig->illegals, 1);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(lengths),
	KUNIT_CASE(lines),
	KUNIT_CASE(remap),
	KUNIT_CASE(semaphore),
	KUNIT_CASE(fault_within),
	KUNIT_CASE(physical),
	KUNIT_CASE(malformed),
	{}
};

static struct kunit_suite suite = {
	.name = "nouveau_sim_ce",
	.test_cases = cases,
};

kunit_test_suite(suite);
