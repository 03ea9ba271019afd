// SPDX-License-Identifier: MIT
/*
 * Host: GPFIFO, headers, methods, semaphores. Headers are spelled out: bits 31:29 what, 28:16
 * count or data, 15:13 subchannel, 11:0 method / 4. Methods are clc06f.h's, interrupts of a PBDMA
 * dev_pbdma's: GPPTR 14, GPENTRY 15, PBENTRY 18, METHOD 21, DEVICE 23, SEMAPHORE 25.
 */
#include "rig.h"

#define SEM		LO(SEM_VA)
#define INTR(bit)	(1U << (bit))

static uint32_t *sem(struct rig *rig)
{
	return vram32(rig, AT_SEM);
}

/* Another channel: what has been wrong with the one before is over. */
static void again(struct rig *rig)
{
	memset(userd(rig, 0), 0, USERD_SIZE);
	rig->put = rig->pushed = 0;
	rig->chan = (struct channel) { .id = RIG_CHAN, .inst = AT_INST };
	assert_null(channel_load(&rig->chan, rig->memory));
}

static void headers(void **state)
{
	struct rig *rig = *state;
	struct channel *chan = &rig->chan;

	/* Incrementing: SEMAPHOREA, B, C. */
	assert_int_equal(WENT(rig, 0x20030004, 1, 2, 3), WENT_NOWHERE);
	assert_int_equal(chan->sem_a, 1);
	assert_int_equal(chan->sem_b, 2);
	assert_int_equal(chan->sem_c, 3);
	/* Not incrementing: the last counts. */
	assert_int_equal(WENT(rig, 0x60030004, 4, 5, 6), WENT_NOWHERE);
	assert_int_equal(chan->sem_a, 6);
	assert_int_equal(chan->sem_b, 2);
	/* Incrementing once. */
	assert_int_equal(WENT(rig, 0xa0030004, 7, 8, 9), WENT_NOWHERE);
	assert_int_equal(chan->sem_a, 7);
	assert_int_equal(chan->sem_b, 9);
	assert_int_equal(chan->sem_c, 3);
	/* Immediate: the data is where the count would be. */
	assert_int_equal(WENT(rig, 0x80000000 | 0x1123 << 16 | 0x6), WENT_NOWHERE);
	assert_int_equal(chan->sem_c, 0x1123);
	/* The old form: count in 28:18, method in 12:2. */
	assert_int_equal(WENT(rig, 2 << 18 | 0x14, 0xb, 0xc), WENT_NOWHERE);
	assert_int_equal(chan->sem_b, 0xb);
	assert_int_equal(chan->sem_c, 0xc);
	/* And the old form that does not increment. */
	assert_int_equal(WENT(rig, 0x40000000 | 2 << 18 | 0x14, 0xd, 0xe), WENT_NOWHERE);
	assert_int_equal(chan->sem_b, 0xe);
	assert_int_equal(chan->sem_c, 0xc);
	/* Without data they say nothing. */
	assert_int_equal(WENT(rig, 0x20000004, 0x60000004, 0xa0000004), WENT_NOWHERE);
	assert_int_equal(chan->sem_a, 7);
	/* Padding, and the end of a segment: what follows it is not looked at. */
	assert_int_equal(WENT(rig, 0, 0, 0xe0000000, 0xc0000000), WENT_NOWHERE);
	/* The subchannel: objects are bound to each. */
	assert_int_equal(WENT(rig, 0x20010000 | 7 << 13, 0x1c0b5), WENT_NOWHERE);
	assert_int_equal(chan->object[7], 0xc0b5);
	assert_int_equal(chan->object[0], 0);
}

/* A segment longer than is fetched at once, and than a page. */
static void long_segments(void **state)
{
	struct rig *rig = *state;
	uint32_t words[1501];

	words[0] = 0x60000006 | 1500 << 16;
	for (unsigned int i = 1; i <= 1500; i++)
		words[i] = i;
	rig_submit(rig, words, 1501);
	assert_int_equal(rig_run(rig), WENT_NOWHERE);
	assert_int_equal(rig->chan.sem_c, 1500);
	/* Methods wrap at 14 bits: there is none at 0x3ffc, and so the next is not reached. */
	assert_int_equal(WENT(rig, 0x20010fff, 0), WENT_ILLEGAL);
}

static void methods(void **state)
{
	struct rig *rig = *state;

	/* NOP, FB_FLUSH, WFI, CRC_CHECK, YIELD. */
	assert_int_equal(WENT(rig, 0x20010002, 1, 0x20010009, 1, 0x2001001e, 1, 0x2001001f, 1,
			      0x20010020, 1), WENT_NOWHERE);
	/* MEM_OP_A to _D: taken, and said not to be modelled. */
	assert_int_equal(WENT(rig, 0x2004000a, 1, 2, 3, 4), WENT_NOWHERE);
	assert_int_equal(stat_of(rig, STAT_not_modelled), 4);
	/* SET_REFERENCE is seen in USERD. */
	assert_int_equal(WENT(rig, 0x20010014, 0x1234), WENT_NOWHERE);
	assert_int_equal(*userd(rig, 0x48), 0x1234);
	/* NON_STALL_INTERRUPT. */
	assert_int_equal(WENT(rig, 0x20010008, 0, 0x20010008, 0), WENT_NOWHERE);
	assert_int_equal(rig->non_stalls, 2);
	assert_int_equal(stat_of(rig, STAT_guest_errors), 0);
}

static void malformed(void **state)
{
	static const struct {
		const char *what;
		uint32_t pbdma;
		uint32_t words[6];
		unsigned int nr;
	} table[] = {
		{ "reserved header", INTR(18), { 0xc0010004, 0 }, 2 },
		{ "subdevice mask", INTR(18), { 0x00010000 }, 1 },
		{ "store of a subdevice mask", INTR(18), { 0x00020000 }, 1 },
		{ "use of a subdevice mask", INTR(18), { 0x00030000 }, 1 },
		{ "second group, no such", INTR(18), { 0x40010000 }, 1 },
		{ "ILLEGAL", INTR(21), { 0x20010001, 0 }, 2 },
		{ "SYNCPOINTA", INTR(21), { 0x2001001c, 0 }, 2 },
		{ "no host method", INTR(21), { 0x2001003f, 0 }, 2 },
		{ "method of no class", INTR(23), { 0x200100c0, 0 }, 2 },
		{ "class that is not there", INTR(21), { 0x20010000, 0x9097, 0x200100c0, 0 }, 4 },
		{ "no engine method", INTR(21), { 0x20018000, 0xc0b5, 0x20018fff, 0 }, 4 },
		{ "no semaphore operation", INTR(25), { 0x20010007, 0x3 }, 2 },
		{ "no semaphore operation", INTR(25), { 0x20010007, 0x0 }, 2 },
		{ "no reduction", INTR(25), { 0x20010007, 0x10 | 8 << 27 }, 2 },
	};
	struct rig *rig = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		again(rig);
		rig_submit(rig, table[i].words, table[i].nr);
		if (rig_run(rig) != WENT_ILLEGAL)
			fail_msg("%s is taken", table[i].what);
		if (rig->chan.illegal.pbdma != table[i].pbdma)
			fail_msg("%s: interrupt %#x", table[i].what, rig->chan.illegal.pbdma);
		assert_non_null(rig->chan.illegal.text);
	}
	/* What it was: subchannel, method, data. */
	again(rig);
	assert_int_equal(WENT(rig, 0x200160c0, 0x55), WENT_ILLEGAL);
	assert_int_equal(rig->chan.illegal.subc, 3);
	assert_int_equal(rig->chan.illegal.mthd, 0x300);
	assert_int_equal(rig->chan.illegal.data, 0x55);
	/* It goes on with the next method. */
	assert_int_equal(WENT(rig, 0x20010004, 0x66), WENT_NOWHERE);
	assert_int_equal(rig->chan.sem_a, 0x66);
}

static void gpfifo(void **state)
{
	struct rig *rig = *state;

	/* Around the end. */
	for (unsigned int i = 0; i < 3 * GP_NR; i++) {
		const uint32_t end = LO(PUSH_VA) + rig->pushed * 4 + 8;

		assert_int_equal(WENT(rig, 0x20010006, i), WENT_NOWHERE);
		assert_int_equal(rig->chan.sem_c, i);
		/* GP_GET, and how far the pushbuffer has been read: GET, TOP_LEVEL_GET. */
		assert_int_equal(*userd(rig, 0x88), (i + 1) % GP_NR);
		assert_int_equal(*userd(rig, 0x44), end);
		assert_int_equal(*userd(rig, 0x60), 0);
		assert_int_equal(*userd(rig, 0x58), end);
		assert_int_equal(*userd(rig, 0x5c), 0x80000000);
	}
	assert_int_equal(stat_of(rig, STAT_gpfifo_entries), 3 * GP_NR);
	/* Several at once. */
	SUBMIT(rig, 0x20010004, 1);
	SUBMIT(rig, 0x20010005, 2);
	assert_int_equal(WENT(rig, 0x20010006, 3), WENT_NOWHERE);
	assert_int_equal(rig->chan.sem_a, 1);
	assert_int_equal(rig->chan.sem_b, 2);
	assert_int_equal(rig->chan.sem_c, 3);
	/* Called by another (bit 9): TOP_LEVEL_GET stays; don't prefetch (31) changes nothing. */
	*vram32(rig, AT_PUSH + 0x100) = 0x80550006;
	*userd(rig, 0x58) = 0x111;
	rig_entry(rig, LO(PUSH_VA) + 0x100, 1 << 10 | 1 << 9 | 1U << 31);
	assert_int_equal(rig_run(rig), WENT_NOWHERE);
	assert_int_equal(rig->chan.sem_c, 0x55);
	assert_int_equal(*userd(rig, 0x58), 0x111);
	assert_int_equal(*userd(rig, 0x44), LO(PUSH_VA) + 0x104);
	/* Nothing is done before GP_PUT says so. */
	*userd(rig, 0x8c) = (rig->put + GP_NR) % GP_NR;
	assert_int_equal(rig_run(rig), WENT_NOWHERE);
}

static void control_entries(void **state)
{
	struct rig *rig = *state;

	/* Without a length: NOP, GP_CRC, PB_CRC. */
	rig_entry(rig, 0x1234, 0);
	rig_entry(rig, 0x1234, 2);
	rig_entry(rig, 0x1234, 3);
	assert_int_equal(WENT(rig, 0x20010006, 0x77), WENT_NOWHERE);
	assert_int_equal(rig->chan.sem_c, 0x77);
	/* ILLEGAL, and none; the entry is discarded. */
	rig_entry(rig, 0, 1);
	assert_int_equal(rig_run(rig), WENT_ILLEGAL);
	assert_int_equal(rig->chan.illegal.pbdma, INTR(15));
	rig_entry(rig, 0, 7);
	assert_int_equal(rig_run(rig), WENT_ILLEGAL);
	assert_int_equal(rig->chan.illegal.pbdma, INTR(15));
	assert_int_equal(WENT(rig, 0x20010006, 0x78), WENT_NOWHERE);
	assert_int_equal(rig->chan.sem_c, 0x78);
}

static void gpfifo_malformed(void **state)
{
	struct rig *rig = *state;

	/* PUT outside of the GPFIFO. */
	*userd(rig, 0x8c) = GP_NR;
	assert_int_equal(rig_run(rig), WENT_ILLEGAL);
	assert_int_equal(rig->chan.illegal.pbdma, INTR(14));
	*userd(rig, 0x8c) = ~0U;
	assert_int_equal(rig_run(rig), WENT_ILLEGAL);

	/* A pushbuffer that is nowhere: client HOST (6), of MMU engine HOST0 (6). */
	again(rig);
	rig_entry(rig, 0x23456000, 1 | 4 << 10);
	assert_int_equal(rig_run(rig), WENT_FAULTED);
	assert_true(rig->chan.fault.va == 0x123456000ULL);
	assert_int_equal(rig->chan.fault.type, ACCESS_READ);
	assert_int_equal(rig->chan.fault.reason, 0x0);
	assert_int_equal(rig->chan.fault.engine, 6);
	assert_int_equal(rig->chan.fault.client, 6);
	assert_true(rig->chan.fault.inst == AT_INST);

	/* A GPFIFO that is nowhere. */
	again(rig);
	rig->chan.gp_base = 0x23456008ULL;
	*userd(rig, 0x8c) = 1;
	assert_int_equal(rig_run(rig), WENT_FAULTED);
	assert_true(rig->chan.fault.va == 0x23456000ULL);

	/* One that runs into a page that is not there: what comes before it is done. */
	again(rig);
	*vram32(rig, AT_PUSH + PUSH_SIZE - 4) = 0x80660006;
	rig_entry(rig, LO(PUSH_VA) + PUSH_SIZE - 4, 2 << 10);
	assert_int_equal(rig_run(rig), WENT_FAULTED);
	assert_true(rig->chan.fault.va == PUSH_VA + PUSH_SIZE);
	assert_int_equal(rig->chan.sem_c, 0x66);

	/* One that ends within a method. */
	again(rig);
	assert_int_equal(WENT(rig, 0x20030004, 1), WENT_NOWHERE);
	assert_int_equal(WENT(rig, 0), WENT_ILLEGAL);
	assert_int_equal(rig->chan.illegal.pbdma, INTR(18));
}

/* What an instance block says, and what of it is wrong. */
static void instance_block(void **state)
{
	struct rig *rig = *state;
	struct channel chan = { .inst = AT_INST };

	*vram32(rig, AT_INST + 0x48) = 0x12345678 | 7;
	*vram32(rig, AT_INST + 0x4c) = 0x9a | 10 << 16;
	*vram32(rig, AT_INST + 0xe4) = 0x20;
	assert_null(channel_load(&chan, rig->memory));
	assert_true(chan.gp_base == 0x9a12345678ULL);
	assert_int_equal(chan.gp_nr, 1024);
	assert_true(chan.userd == AT_USERD + RIG_CHAN * USERD_SIZE);
	assert_true(chan.priv);
	*vram32(rig, AT_INST + 0xe4) = ~0x20U;
	assert_null(channel_load(&chan, rig->memory));
	assert_false(chan.priv);
	*vram32(rig, AT_INST + 0x08) = RIG_VRAM;
	assert_non_null(channel_load(&chan, rig->memory));
	*vram32(rig, AT_INST + 0x08) = 0;
	*vram32(rig, AT_INST + 0x0c) = 1;
	assert_non_null(channel_load(&chan, rig->memory));
	chan.inst = RIG_VRAM;
	assert_non_null(channel_load(&chan, rig->memory));
}

static void semaphore_release(void **state)
{
	struct rig *rig = *state;

	memset(sem(rig), 0xff, 64);
	/* Four bytes. */
	assert_int_equal(WENT(rig, 0x20040004, 0, SEM, 0x1111, 0x01000002), WENT_NOWHERE);
	assert_int_equal(sem(rig)[0], 0x1111);
	assert_int_equal(sem(rig)[1], ~0U);
	/* Sixteen: payload, zero, time. */
	rig_advance(0x123456789aULL);
	assert_int_equal(WENT(rig, 0x20040004, 0, SEM + 16, 0x2222, 0x00000002), WENT_NOWHERE);
	assert_int_equal(sem(rig)[4], 0x2222);
	assert_int_equal(sem(rig)[5], 0);
	assert_int_equal(sem(rig)[6], 0x3456789a);
	assert_int_equal(sem(rig)[7], 0x12 + HI(RIG_PTIMER));
	assert_int_equal(sem(rig)[8], ~0U);
	/* Without waiting for idle (bit 20): the same here. */
	assert_int_equal(WENT(rig, 0x20040004, 0, SEM + 16, 0x3333, 0x00100002), WENT_NOWHERE);
	assert_int_equal(sem(rig)[4], 0x3333);
	assert_int_equal(stat_of(rig, STAT_semaphores), 3);
	/* Bits 1:0 of the address are none; four bytes need no more than that. */
	assert_int_equal(WENT(rig, 0x20040004, 0, SEM + 7, 0x4444, 0x01000002), WENT_NOWHERE);
	assert_int_equal(sem(rig)[1], 0x4444);
	/* Sixteen do. */
	assert_int_equal(WENT(rig, 0x20040004, 0, SEM + 4, 1, 0x00000002), WENT_ILLEGAL);
	assert_int_equal(rig->chan.illegal.pbdma, INTR(25));
	assert_int_equal(sem(rig)[1], 0x4444);
	/* Nowhere; 39:32 of the address are SEMAPHOREA's. */
	again(rig);
	assert_int_equal(WENT(rig, 0x20040004, 0x112, 0x10, 1, 0x01000002), WENT_FAULTED);
	assert_true(rig->chan.fault.va == 0x1200000000ULL);
	assert_int_equal(rig->chan.fault.type, ACCESS_WRITE);
	again(rig);
	assert_int_equal(WENT(rig, 0x20040004, 0x12, 0, 1, 0x00000002), WENT_FAULTED);
	assert_true(rig->chan.fault.va == 0x1200000000ULL);
	/* Read-only: reason 6. */
	again(rig);
	*own_spt(rig, 1) |= RO;
	access_flush(rig->access, AT_PD3);
	assert_int_equal(WENT(rig, 0x20040004, 0, SEM, 1, 0x01000002), WENT_FAULTED);
	assert_int_equal(rig->chan.fault.reason, 0x6);
	assert_int_equal(sem(rig)[0], 0x1111);
}

/* Time goes up from release to release. */
static void semaphore_times(void **state)
{
	struct rig *rig = *state;
	uint64_t before = RIG_PTIMER;

	for (unsigned int i = 0; i < 4; i++) {
		uint64_t time;

		rig_advance(1500);
		SUBMIT(rig, 0x20040004, 0, SEM + 16 * i, i, 0x00000002);
		assert_int_equal(rig_run(rig), WENT_NOWHERE);
		memcpy(&time, sem(rig) + 4 * i + 2, 8);
		assert_true(time == before + 1500);
		before = time;
	}
}

static void semaphore_acquire(void **state)
{
	static const struct {
		uint32_t op, payload, not_yet, then;
	} table[] = {
		{ 0x1, 5, 4, 5 },		/* equal */
		{ 0x1, 5, 6, 5 },
		{ 0x4, 5, 4, 6 },		/* greater or equal, ... */
		{ 0x4, 5, 4, 5 },
		{ 0x4, 1, 0xfffffff0, 2 },	/* ... around the end */
		{ 0x4, 0x80000000, 0x7fffffff, 0x80000000 },
		{ 0x1004, 5, 4, 5 },		/* and let others run meanwhile */
		{ 0x8, 6, 1, 2 },		/* a bit in common */
		{ 0x8, 6, 9, 4 },
	};
	struct rig *rig = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		again(rig);
		sem(rig)[0] = table[i].not_yet;
		assert_int_equal(WENT(rig, 0x20040004, 0, SEM, table[i].payload, table[i].op,
				      0x20010014, 0x77), WENT_WAITS);
		assert_int_equal(rig_run(rig), WENT_WAITS);
		if (*userd(rig, 0x48))
			fail_msg("entry %u does not wait", i);
		sem(rig)[0] = table[i].then;
		assert_int_equal(rig_run(rig), WENT_NOWHERE);
		if (*userd(rig, 0x48) != 0x77)
			fail_msg("entry %u still waits", i);
	}
	/* Nowhere. */
	again(rig);
	assert_int_equal(WENT(rig, 0x20040004, 0x12, 0, 1, 1), WENT_FAULTED);
	assert_true(rig->chan.fault.va == 0x1200000000ULL);
	assert_int_equal(rig->chan.fault.type, ACCESS_READ);
}

static void semaphore_reduction(void **state)
{
	static const struct {
		uint32_t op, old, value, expect;
	} table[] = {
		{ 0, -1, 1, -1 }, { 0x10, -1, 1, 1 },		/* MIN, signed and not */
		{ 1, -1, 1, 1 }, { 0x11, -1, 1, -1 },		/* MAX */
		{ 2, 0xc, 0xa, 0x6 }, { 3, 0xc, 0xa, 0x8 }, { 4, 0xc, 0xa, 0xe },
		{ 5, 40, 2, 42 }, { 0x15, -1, 2, 1 },
		{ 0x16, 1, 2, 2 }, { 0x16, 2, 2, 0 },		/* INC wraps at the operand */
		{ 0x17, 2, 5, 1 }, { 0x17, 0, 5, 5 }, { 0x17, 9, 5, 5 },	/* and DEC to it */
	};
	struct rig *rig = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		/* Operation in 30:27, unsigned in 31. */
		const uint32_t op = 0x10 | table[i].op << 27;

		sem(rig)[0] = table[i].old;
		SUBMIT(rig, 0x20040004, 0, SEM, table[i].value, op);
		assert_int_equal(rig_run(rig), WENT_NOWHERE);
		if (sem(rig)[0] != table[i].expect)
			fail_msg("entry %u: %#x", i, sem(rig)[0]);
	}
	/* Where atomics are not allowed: reason 0xf, access 2. */
	*own_spt(rig, 1) |= NO_ATOMIC;
	access_flush(rig->access, AT_PD3);
	assert_int_equal(WENT(rig, 0x20040004, 0, SEM, 1, 0x10 | 5 << 27), WENT_FAULTED);
	assert_int_equal(rig->chan.fault.reason, 0xf);
	assert_int_equal(rig->chan.fault.type, 2);
	assert_int_equal(rig->chan.fault.engine, 6);
}

/* ---- at random, but the same in every run ---- */

#define SUBMISSIONS	20000
#define SEED		0x6e6f7576ULL

static uint32_t random32(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

/* Submissions that are right. */
static const struct {
	uint32_t word[16];
	uint32_t nr;
} right[] = {
	{ { 0x20018000, 0xc0b5, 0x20088100, 0x7f12, LO(RIG_VA), 0x7f12, LO(RIG_VA) + 0x4000,
	    0x100, 0x100, 0x100, 4, 0x200180c0, 0x382 }, 13 },
	{ { 0x20018000, 0xc0b5, 0x200381c0, 1, 2, 0x01030054, 0x20028102, 0x7f12, LO(RIG_VA),
	    0x20028106, 64, 1, 0x200180c0, 0x582 }, 14 },
	{ { 0x20018000, 0xc0b5, 0x20038090, 0x7f12, LO(RIG_VA) + 0x7ff0, 7,
	    0x200180c0, 0x08 | 5 << 14 | 1 << 19 }, 8 },
	{ { 0x20040004, 0, SEM, 1, 0x00000002, 0x20010008, 0 }, 7 },
	{ { 0x20040004, 0, SEM, 0, 0x00000004, 0xa0030004, 1, 2, 3 }, 9 },
};

/* Now and then, something is wrong with one of its words, or with its length. */
static uint32_t nearly_right(uint64_t *seed, uint32_t *to)
{
	uint32_t r = random32(seed);
	const uint32_t which = r % ARRAY_SIZE(right);
	uint32_t nr = right[which].nr;

	memcpy(to, right[which].word, nr * 4);
	for (; r & 0x100; r >>= 1) {
		const uint32_t what = random32(seed), at = (what >> 8) % nr;

		switch (what % 4) {
		case 0: to[at] ^= 1U << (what >> 16) % 32; break;
		case 1: to[at] = random32(seed); break;
		case 2: to[at] += PAGE_SIZE * ((what >> 16) % 8); break;
		case 3: nr = at + 1; break;
		}
	}
	return nr;
}

static void submit_something(struct rig *rig, uint64_t *seed)
{
	const uint32_t r = random32(seed);
	uint32_t words[80], nr = 0;

	if (r % 8) {
		for (uint32_t i = 0; i <= (r >> 8) % 4; i++)
			nr += nearly_right(seed, words + nr);
	} else {
		nr = (r >> 8) % 64 + 1;
		for (uint32_t i = 0; i < nr; i++)
			words[i] = random32(seed);
	}
	rig_submit(rig, words, nr);
	switch (r >> 16 & 0x3f) {
	case 8:		/* an entry that points nowhere, or past the end, or is no entry */
		rig->put = (rig->put + GP_NR - 1) % GP_NR;
		rig_entry(rig, random32(seed), random32(seed));
		break;
	case 9:
		rig->put = (rig->put + GP_NR - 1) % GP_NR;
		rig_entry(rig, LO(PUSH_VA) + PUSH_SIZE - 16, 0x1fffffU << 10);
		break;
	case 10:	/* PUT that is anything */
		*userd(rig, 0x8c) = random32(seed);
		break;
	}
}

/*
 * Each comes to an end: done, waiting, faulted or illegal; and nothing changes but what the
 * channel can reach.
 */
static void random_submissions(void **state)
{
	struct rig *rig = *state;
	unsigned int illegal = 0, faulted = 0, waits = 0, nowhere = 0, busy = 0;
	uint64_t seed = SEED;

	print_message("seed %#llx, %u submissions\n", SEED, SUBMISSIONS);
	memset(rig->guest + RIG_PAGES * PAGE_SIZE, 0x5a, RIG_GUEST - RIG_PAGES * PAGE_SIZE);
	for (unsigned int i = 0; i < SUBMISSIONS; i++) {
		enum channel_went went = WENT_ON;

		submit_something(rig, &seed);
		for (int steps = 0; steps < 2000 && (went == WENT_ON || went == WENT_INTERRUPTS);
		     steps++)
			went = channel_step(&rig->gpu->engine, &rig->chan);
		illegal += went == WENT_ILLEGAL;
		faulted += went == WENT_FAULTED;
		waits += went == WENT_WAITS;
		nowhere += went == WENT_NOWHERE;
		busy += went == WENT_ON;	/* a transfer of gigabytes, say; they are rare */
		if (went != WENT_NOWHERE || random32(&seed) % 4 == 0)
			again(rig);
	}
	print_message("%u done, %u illegal, %u faulted, %u waited, %u were busy\n", nowhere,
		      illegal, faulted, waits, busy);
	for (uint64_t i = RIG_PAGES * PAGE_SIZE; i < RIG_GUEST; i++)
		assert_int_equal(rig->guest[i], 0x5a);
	/* It was no test if all of them died of their first word, or none did. */
	assert_true(nowhere > SUBMISSIONS / 10 && illegal > SUBMISSIONS / 10);
	assert_true(faulted > SUBMISSIONS / 100 && waits > 0);
	assert_true(busy < SUBMISSIONS / 100);
	assert_true(stat_of(rig, STAT_copied_bytes) > 0);
	assert_true(stat_of(rig, STAT_bad_tables) == 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(headers),
		TEST(long_segments),
		TEST(methods),
		TEST(malformed),
		TEST(gpfifo),
		TEST(control_entries),
		TEST(gpfifo_malformed),
		TEST(instance_block),
		TEST(semaphore_release),
		TEST(semaphore_times),
		TEST(semaphore_acquire),
		TEST(semaphore_reduction),
		TEST(random_submissions),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
