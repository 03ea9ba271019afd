// SPDX-License-Identifier: MIT
/*
 * Malformed submissions, at random but the same in every run: random words, submissions
 * that are nearly right, GPFIFO entries that point anywhere, PUT that is anything. Each has to
 * come to an end, and nothing outside of what the channel can reach may change.
 */
#include <linux/prandom.h>
#include <linux/sched.h>

#include "rig.h"

#define SUBMISSIONS	100000
#define SEED		0x6e6f7576ULL
/* So much may one do before it has to wait, be done, or be dead. */
#define PASSES		64

/* Submissions that are right. */
static const struct {
	u32 word[16];
	u32 nr;
} right[] = {
	{ { 0x20018000, 0xc0b5, 0x20088100, 0x7f12, (u32)RIG_VA, 0x7f12, (u32)RIG_VA + 0x4000,
	    0x100, 0x100, 0x100, 4, 0x200180c0, 0x382 }, 13 },
	{ { 0x20018000, 0xc0b5, 0x200381c0, 1, 2, 0x01030054, 0x20028102, 0x7f12, (u32)RIG_VA,
	    0x20028106, 64, 1, 0x200180c0, 0x582 }, 14 },
	{ { 0x20018000, 0xc0b5, 0x20038090, 0x7f12, (u32)RIG_VA + 0x7ff0, 7,
	    0x200180c0, 0x08 | 5 << 14 | 1 << 19 }, 8 },
	{ { 0x20040004, 0, (u32)RIG_SEM_VA, 1, 0x00000002, 0x20010008, 0 }, 7 },
	{ { 0x20040004, 0, (u32)RIG_SEM_VA, 0, 0x00000004, 0xa0030004, 1, 2, 3 }, 9 },
};

/* Now and then, something is wrong with one of its words, or with its length. */
static u32 nearly_right(struct rnd_state *rnd, u32 *word)
{
	u32 r = prandom_u32_state(rnd);
	const u32 which = r % ARRAY_SIZE(right);
	u32 nr = right[which].nr;

	memcpy(word, right[which].word, nr * 4);
	for (; r & 0x100; r >>= 1) {
		const u32 what = prandom_u32_state(rnd), at = (what >> 8) % nr;

		switch (what % 4) {
		case 0:
			word[at] ^= 1U << (what >> 16) % 32;
			break;
		case 1:
			word[at] = prandom_u32_state(rnd);
			break;
		case 2:
			word[at] += PAGE_SIZE * ((what >> 16) % 8);
			break;
		case 3:
			nr = at + 1;
			break;
		}
	}
	return nr;
}

static void submit(struct rig *rig, struct rnd_state *rnd)
{
	const u32 r = prandom_u32_state(rnd);
	const u32 put = rig->userd[0x8c / 4] % RIG_GP_NR;
	u32 nr = 0, i;

	if (r % 8) {
		for (i = 0; i <= (r >> 8) % 4; i++)
			nr += nearly_right(rnd, rig->push + nr);
	} else {
		nr = (r >> 8) % 64 + 1;
		for (i = 0; i < nr; i++)
			rig->push[i] = prandom_u32_state(rnd);
	}
	rig->gp[put] = RIG_PUSH_VA | (u64)nr << 42;
	rig->userd[0x8c / 4] = (put + 1) % RIG_GP_NR;
	switch (r >> 16 & 0x3f) {
	case 8:		/* an entry that points nowhere, or past the end, or is no entry */
		rig->gp[put] = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
		break;
	case 9:
		rig->gp[put] = (RIG_PUSH_VA + 0xff0) | 0x1fffffULL << 42;
		break;
	case 10:	/* PUT that is anything */
		rig->userd[0x8c / 4] = prandom_u32_state(rnd);
		break;
	case 11:	/* GET and PUT of the fault buffer that are anything */
		rig->fault_get = prandom_u32_state(rnd);
		rig->fault_put = prandom_u32_state(rnd);
		break;
	}
}

static void fuzz(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	const struct nvsim_chan fresh = rig->chan;
	u8 *canary = rig_page(test);
	unsigned int i, dead = 0, waiting = 0, busy = 0, done = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, SEED);
	memset(canary, 0x5a, PAGE_SIZE);
	kunit_info(test, "seed %#llx, %u submissions\n", SEED, SUBMISSIONS);

	for (i = 0; i < SUBMISSIONS; i++) {
		submit(rig, &rnd);
		if (rig_run(rig, PASSES))
			done++;
		else
			busy++;		/* A transfer of gigabytes, say; they are rare. */
		if (rig->chan.dead)
			dead++;
		else if (rig->chan.stall != NVSIM_RUNS || rig->chan.acquire)
			waiting++;

		if (prandom_u32_state(&rnd) % 2)
			nvsim_replay(&rig->sim);

		/* What has ended, or waits for what does not come, makes room. */
		if (rig->chan.dead || prandom_u32_state(&rnd) % 4 == 0) {
			nvsim_chan_unbind(&rig->sim, RIG_CHID);
			rig->chan = fresh;
			rig->fault_get = 0;
			rig->fault_put = 0;
			memset(rig->userd, 0, sizeof(rig->userd));
			KUNIT_ASSERT_EQ(test, 0, nvsim_chan_bind(&rig->sim, &rig->chan));
		}
		if (i % 1024 == 0) {
			KUNIT_ASSERT_NULL(test, memchr_inv(canary, 0x5a, PAGE_SIZE));
			cond_resched();
		}
	}
	kunit_info(test, "%u came to an end, %u of them dead; %u waited, %u were busy\n", done,
		   dead, waiting, busy);
	/* It was no fuzz if all of them died of their first word, or none did. */
	KUNIT_EXPECT_GT(test, dead, SUBMISSIONS / 10);
	KUNIT_EXPECT_LT(test, dead, SUBMISSIONS - SUBMISSIONS / 10);
	/* The others went on for ever. */
	KUNIT_EXPECT_LT(test, busy, SUBMISSIONS / 100);
	KUNIT_EXPECT_GT(test, rig->sim.stats.copied_bytes, 0);
	KUNIT_EXPECT_GT(test, rig->mmu_faults, 0);
	KUNIT_EXPECT_EQ(test, rig->sim.stats.bad_tables, 0);
	KUNIT_EXPECT_EQ(test, dead, rig->illegals + rig->mmu_faults);
	KUNIT_EXPECT_NULL(test, memchr_inv(canary, 0x5a, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, virt_to_phys(rig->pd2[0]), (rig->pd3[0] >> 8) << 12);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(fuzz),
	{}
};

static struct kunit_suite suite = {
	.name = "nouveau_sim_fuzz",
	.test_cases = cases,
};

kunit_test_suite(suite);
