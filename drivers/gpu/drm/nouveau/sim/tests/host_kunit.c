// SPDX-License-Identifier: MIT
/*
 * Host: GPFIFO, headers, methods, semaphores. Headers are spelled out: bits 31:29 what,
 * 28:16 count or data, 15:13 subchannel, 11:0 method / 4.
 */
#include "rig.h"

#define SEM	((u32)RIG_SEM_VA)

/* Submit and run; whether the channel survives it. */
static bool works(struct rig *rig, const u32 *word, unsigned int nr)
{
	rig_submit(rig, word, nr);
	KUNIT_ASSERT_TRUE(rig->test, rig_run(rig, 1000));
	return !rig->chan.dead;
}

#define WORKS(rig, ...) ({						\
	static const u32 words_[] = { __VA_ARGS__ };			\
	works(rig, words_, ARRAY_SIZE(words_));				\
})

static void headers(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	/* Incrementing: SEMAPHOREA, B, C. */
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0x20030004, 1, 2, 3));
	KUNIT_EXPECT_EQ(test, rig->chan.sem_a, 1);
	KUNIT_EXPECT_EQ(test, rig->chan.sem_b, 2);
	KUNIT_EXPECT_EQ(test, rig->chan.sem_c, 3);
	/* Not incrementing: the last counts. */
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0x60030004, 4, 5, 6));
	KUNIT_EXPECT_EQ(test, rig->chan.sem_a, 6);
	KUNIT_EXPECT_EQ(test, rig->chan.sem_b, 2);
	/* Incrementing once. */
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0xa0030004, 7, 8, 9));
	KUNIT_EXPECT_EQ(test, rig->chan.sem_a, 7);
	KUNIT_EXPECT_EQ(test, rig->chan.sem_b, 9);
	/* Immediate: the data is where the count would be. */
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0x80000000 | 0x123 << 16 | 0x6));
	KUNIT_EXPECT_EQ(test, rig->chan.sem_c, 0x123);
	/* The old form: count in 28:18, method in 12:2. */
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 2 << 18 | 0x14, 0xb, 0xc));
	KUNIT_EXPECT_EQ(test, rig->chan.sem_b, 0xb);
	KUNIT_EXPECT_EQ(test, rig->chan.sem_c, 0xc);
	/* Padding, and the end of a segment: what follows it is not looked at. */
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0, 0, 0xe0000000, 0xc0000000));
	KUNIT_EXPECT_EQ(test, rig->illegals, 0);
}

static void malformed(struct kunit *test)
{
	static const struct {
		const char *what;
		u32 word[6];
		unsigned int nr;
	} table[] = {
		{ "reserved header", { 0xc0010004, 0 }, 2 },
		{ "subdevice mask", { 0x00010000 }, 1 },
		{ "second group, no such", { 0x40010000 }, 1 },
		{ "no host method", { 0x2001003f, 0 }, 2 },
		{ "method of no class", { 0x200100c0, 0 }, 2 },
		{ "class that is not there", { 0x20010000, 0x9097, 0x200100c0, 0 }, 4 },
		{ "no engine method", { 0x20018000, 0xc0b5, 0x20018fff, 0 }, 4 },
		{ "no semaphore operation", { 0x20010007, 0x3 }, 2 },
		{ "no semaphore operation", { 0x20010007, 0x0 }, 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct rig *rig = rig_new(test);

		KUNIT_EXPECT_FALSE_MSG(test, works(rig, table[i].word, table[i].nr), "%s",
				       table[i].what);
		KUNIT_EXPECT_EQ_MSG(test, rig->illegals, 1, "%s", table[i].what);
		KUNIT_EXPECT_EQ_MSG(test, rig->mmu_faults, 0, "%s", table[i].what);
		/* And a dead channel does nothing more. */
		rig->gp[rig->userd[0x8c / 4]] = RIG_PUSH_VA;
		rig->userd[0x8c / 4]++;
		KUNIT_EXPECT_FALSE(test, nvsim_run(&rig->sim));
	}
}

static void gpfifo(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	unsigned int i;

	/* Around the end. */
	for (i = 0; i < 3 * RIG_GP_NR; i++) {
		const u32 word[] = { 0x20010006, i };

		KUNIT_ASSERT_TRUE(test, works(rig, word, 2));
		KUNIT_ASSERT_EQ(test, rig->chan.sem_c, i);
		/* GP_GET, and how far the pushbuffer has been read. */
		KUNIT_ASSERT_EQ(test, rig->userd[0x88 / 4], (i + 1) % RIG_GP_NR);
		KUNIT_ASSERT_EQ(test, rig->userd[0x44 / 4], (u32)RIG_PUSH_VA + 8);
		KUNIT_ASSERT_EQ(test, rig->userd[0x60 / 4], 0);
		KUNIT_ASSERT_EQ(test, rig->userd[0x58 / 4], (u32)RIG_PUSH_VA + 8);
		KUNIT_ASSERT_EQ(test, rig->userd[0x5c / 4], 0x80000000);
	}
	/* A control entry that does nothing. */
	rig->gp[rig->userd[0x8c / 4]] = 0;
	rig->userd[0x8c / 4]++;
	KUNIT_EXPECT_TRUE(test, rig_run(rig, 100));
	KUNIT_EXPECT_FALSE(test, rig->chan.dead);
}

static void gpfifo_malformed(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	rig->userd[0x8c / 4] = RIG_GP_NR;
	KUNIT_EXPECT_TRUE(test, rig_run(rig, 100));
	KUNIT_EXPECT_EQ(test, rig->illegals, 1);

	/* A control entry that is none. */
	rig = rig_new(test);
	rig->gp[0] = 7ULL << 32;
	rig->userd[0x8c / 4] = 1;
	KUNIT_EXPECT_TRUE(test, rig_run(rig, 100));
	KUNIT_EXPECT_EQ(test, rig->illegals, 1);

	/* A pushbuffer that is nowhere: host's accesses are not replayed. */
	rig = rig_new(test);
	rig->gp[0] = 0x123456000ULL | 4ULL << 42;
	rig->userd[0x8c / 4] = 1;
	KUNIT_EXPECT_TRUE(test, rig_run(rig, 100));
	KUNIT_EXPECT_EQ(test, rig->mmu_faults, 1);
	KUNIT_EXPECT_EQ(test, rig->fault.addr, 0x123456000ULL);
	KUNIT_EXPECT_EQ(test, rig->fault.type, NVSIM_READ);
	KUNIT_EXPECT_EQ(test, rig->fault_put, 0);

	/* One that ends within a method. */
	rig = rig_new(test);
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0x20030004, 1));
	KUNIT_EXPECT_FALSE(test, WORKS(rig, 0));
	KUNIT_EXPECT_EQ(test, rig->illegals, 1);
}

static void semaphore_release(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	memset(rig->sem, 0xff, 32);
	/* Four bytes. */
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0x20040004, 0, SEM, 0x1111, 0x01000002));
	KUNIT_EXPECT_EQ(test, rig->sem[0], 0x1111);
	KUNIT_EXPECT_EQ(test, rig->sem[1], ~0);
	/* Sixteen: payload, zero, time. */
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0x20040004, 0, SEM, 0x2222, 0x00000002));
	KUNIT_EXPECT_EQ(test, rig->sem[0], 0x2222);
	KUNIT_EXPECT_EQ(test, rig->sem[1], 0);
	KUNIT_EXPECT_NE(test, rig->sem[2], ~0);
	KUNIT_EXPECT_EQ(test, rig->sem[4], ~0);
	/* Misaligned, nowhere, read-only. */
	KUNIT_EXPECT_FALSE(test, WORKS(rig, 0x20040004, 0, SEM + 4, 1, 0x00000002));
	KUNIT_EXPECT_EQ(test, rig->illegals, 1);
	rig = rig_new(test);
	KUNIT_EXPECT_FALSE(test, WORKS(rig, 0x20040004, 0x12, 0, 1, 0x01000002));
	KUNIT_EXPECT_EQ(test, rig->mmu_faults, 1);
	KUNIT_EXPECT_EQ(test, rig->fault.addr, 0x1200000000ULL);
	rig = rig_new(test);
	rig->spt[1][2] |= RIG_RO;
	KUNIT_EXPECT_FALSE(test, WORKS(rig, 0x20040004, 0, SEM, 1, 0x01000002));
	KUNIT_EXPECT_EQ(test, rig->fault.reason, 0x6);
}

static void semaphore_acquire(struct kunit *test)
{
	static const struct {
		u32 op, payload, not_yet, then;
	} table[] = {
		{ 0x1, 5, 4, 5 },		/* equal */
		{ 0x4, 5, 4, 6 },		/* greater or equal, ... */
		{ 0x4, 1, 0xfffffff0, 2 },	/* ... around the end */
		{ 0x8, 6, 1, 2 },		/* a bit in common */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct rig *rig = rig_new(test);
		const u32 word[] = { 0x20040004, 0, SEM, table[i].payload, table[i].op,
				     0x20010014, 0x77 };

		rig->sem[0] = table[i].not_yet;
		KUNIT_EXPECT_TRUE(test, works(rig, word, ARRAY_SIZE(word)));
		KUNIT_EXPECT_EQ_MSG(test, rig->chan.reference, 0, "entry %u does not wait", i);
		rig->sem[0] = table[i].then;
		KUNIT_EXPECT_TRUE(test, rig_run(rig, 100));
		KUNIT_EXPECT_EQ_MSG(test, rig->chan.reference, 0x77, "entry %u still waits", i);
	}
}

static void interrupt(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0x20010008, 0, 0x20010008, 0));
	KUNIT_EXPECT_EQ(test, rig->non_stall, 2);
}

/* A channel that is not started, or is unbound, does nothing. */
static void stopped(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	WRITE_ONCE(rig->chan.running, false);
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0x20010006, 9));
	KUNIT_EXPECT_EQ(test, rig->chan.sem_c, 0);
	WRITE_ONCE(rig->chan.running, true);
	KUNIT_EXPECT_TRUE(test, rig_run(rig, 100));
	KUNIT_EXPECT_EQ(test, rig->chan.sem_c, 9);
	nvsim_chan_unbind(&rig->sim, RIG_CHID);
	KUNIT_EXPECT_TRUE(test, WORKS(rig, 0x20010006, 10));
	KUNIT_EXPECT_EQ(test, rig->chan.sem_c, 9);
	rig->chan.gp_nr = 3;
	KUNIT_EXPECT_EQ(test, nvsim_chan_bind(&rig->sim, &rig->chan), -EINVAL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(headers),
	KUNIT_CASE(malformed),
	KUNIT_CASE(gpfifo),
	KUNIT_CASE(gpfifo_malformed),
	KUNIT_CASE(semaphore_release),
	KUNIT_CASE(semaphore_acquire),
	KUNIT_CASE(interrupt),
	KUNIT_CASE(stopped),
	{}
};

static struct kunit_suite suite = {
	.name = "nouveau_sim_host",
	.test_cases = cases,
};

kunit_test_suite(suite);
