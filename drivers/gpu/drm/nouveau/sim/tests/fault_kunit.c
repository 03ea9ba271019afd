// SPDX-License-Identifier: MIT
/*
 * The fault buffer: its entries, its ends, its interrupt, replay and cancel. The layout
 * of an entry is clb069.h's of open-gpu-doc, but for the engine and "replayable", which are as
 * nouveau reads them.
 */
#include "rig.h"

static const struct nvsim_fault fault = {
	.inst = 0x1234567000ULL,
	.addr = 0x7f1234567000ULL,
	.type = NVSIM_ATOMIC,
	.reason = NVSIM_FAULT_RO,
	.engine = 0x15,
	.client = 0x18,
};

static bool report(struct rig *rig)
{
	bool ok;

	spin_lock(&rig->sim.lock);
	ok = nvsim_fault_report(&rig->sim, &fault);
	spin_unlock(&rig->sim.lock);
	return ok;
}

static bool is_due(struct rig *rig)
{
	bool due;

	spin_lock(&rig->sim.lock);
	due = nvsim_fault_is_due(&rig->sim);
	spin_unlock(&rig->sim.lock);
	return due;
}

static void entry(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	const u32 *word = rig->fault_entry;

	KUNIT_ASSERT_TRUE(test, report(rig));
	KUNIT_EXPECT_EQ(test, rig->fault_put, 1);
	KUNIT_EXPECT_EQ(test, word[0], 0x34567000);
	KUNIT_EXPECT_EQ(test, word[1], 0x12);
	KUNIT_EXPECT_EQ(test, word[2], 0x34567000);
	KUNIT_EXPECT_EQ(test, word[3], 0x7f12);
	KUNIT_EXPECT_EQ(test, word[6], 0x15);
	/* Valid (31), HUB (20), atomic (19:16), client (14:8), replayable (7), reason (4:0). */
	KUNIT_EXPECT_EQ(test, word[7], 0x80000000 | 0x00100000 | 2 << 16 | 0x18 << 8 | 0x80 | 6);
}

static void wrap(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	u32 i;

	/* Three times around, each read at once. */
	for (i = 0; i < 3 * RIG_FAULT_ENTRIES; i++) {
		KUNIT_ASSERT_TRUE(test, report(rig));
		KUNIT_ASSERT_EQ(test, rig->fault_put, (i + 1) % RIG_FAULT_ENTRIES);
		KUNIT_ASSERT_NE(test, rig->fault_entry[8 * (i % RIG_FAULT_ENTRIES) + 7], 0);
		rig->fault_entry[8 * (i % RIG_FAULT_ENTRIES) + 7] = 0;
		rig->fault_get = rig->fault_put;
	}
}

static void overflow(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	u32 i;

	/* One entry stays free: else full would look like empty. */
	for (i = 0; i < RIG_FAULT_ENTRIES - 1; i++)
		KUNIT_ASSERT_TRUE(test, report(rig));
	KUNIT_EXPECT_FALSE(test, report(rig));
	KUNIT_EXPECT_EQ(test, rig->fault_put, RIG_FAULT_ENTRIES - 1);
	rig->fault_get = 1;
	KUNIT_EXPECT_TRUE(test, report(rig));
	KUNIT_EXPECT_EQ(test, rig->fault_put, 0);
	KUNIT_EXPECT_FALSE(test, report(rig));
}

static void limit(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	rig->sim.fault.limit = 3;
	KUNIT_EXPECT_TRUE(test, report(rig));
	KUNIT_EXPECT_TRUE(test, report(rig));
	KUNIT_EXPECT_FALSE(test, report(rig));
}

/* The registers are the CPU's to write: nonsense there must not lead astray. */
static void nonsense(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	rig->fault_get = RIG_FAULT_ENTRIES;
	KUNIT_EXPECT_FALSE(test, report(rig));
	rig->fault_get = 0;
	rig->fault_put = ~0;
	KUNIT_EXPECT_FALSE(test, report(rig));
}

static void interrupt(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	KUNIT_EXPECT_FALSE(test, is_due(rig));
	nvsim_fault_arm(&rig->sim, false);
	KUNIT_ASSERT_TRUE(test, report(rig));
	KUNIT_EXPECT_FALSE(test, is_due(rig));
	nvsim_fault_arm(&rig->sim, true);
	KUNIT_EXPECT_TRUE(test, is_due(rig));
	KUNIT_EXPECT_FALSE(test, is_due(rig));
	/* What has not been read yet is told of again. */
	nvsim_fault_arm(&rig->sim, false);
	nvsim_fault_arm(&rig->sim, true);
	KUNIT_EXPECT_TRUE(test, is_due(rig));
	/* The gate holds it, and says so. */
	nvsim_gate_set(&rig->sim, NVSIM_GATE_NOTIFY, true);
	KUNIT_ASSERT_TRUE(test, report(rig));
	KUNIT_EXPECT_FALSE(test, is_due(rig));
	KUNIT_EXPECT_EQ(test, rig->sim.held[NVSIM_GATE_NOTIFY], 1);
	nvsim_gate_set(&rig->sim, NVSIM_GATE_NOTIFY, false);
	KUNIT_EXPECT_TRUE(test, is_due(rig));
	KUNIT_EXPECT_EQ(test, rig->sim.held[NVSIM_GATE_NOTIFY], 0);
}

/* A channel that has faulted waits; what wakes it is a replay, and only if it was reported. */
static void replay(struct kunit *test)
{
	/* A copy of one word from an address that is not mapped yet. */
	static const u32 word[] = {
		0x20018000, 0xc0b5,
		0x20088100, 0x7f12, 0x34408000, 0x7f12, 0x34400000, 4, 4, 4, 1,
		0x200180c0, 0x182,
	};
	struct rig *rig = rig_new(test);

	nvsim_gate_set(&rig->sim, NVSIM_GATE_FAULT, true);
	rig_submit(rig, word, ARRAY_SIZE(word));
	KUNIT_ASSERT_TRUE(test, rig_run(rig, 100));
	KUNIT_EXPECT_EQ(test, rig->chan.stall, NVSIM_FAULTED);
	KUNIT_EXPECT_EQ(test, rig->sim.held[NVSIM_GATE_FAULT], 1);
	nvsim_replay(&rig->sim);
	KUNIT_EXPECT_EQ(test, rig->chan.stall, NVSIM_FAULTED);
	KUNIT_EXPECT_EQ(test, rig->fault_put, 0);

	nvsim_gate_set(&rig->sim, NVSIM_GATE_FAULT, false);
	rig_run(rig, 100);
	KUNIT_EXPECT_EQ(test, rig->chan.stall, NVSIM_REPORTED);
	KUNIT_EXPECT_EQ(test, rig->fault_put, 1);
	KUNIT_EXPECT_EQ(test, rig->fault_pending, 1);
	KUNIT_EXPECT_EQ(test, rig->fault_entry[2], 0x34408000);

	/* Replayed in vain, it faults again. */
	nvsim_replay(&rig->sim);
	rig_run(rig, 100);
	KUNIT_EXPECT_EQ(test, rig->chan.stall, NVSIM_REPORTED);
	KUNIT_EXPECT_EQ(test, rig->fault_put, 2);

	atomic_set(&rig->sim.drop_replays, 1);
	rig->spt[0][8] = RIG_PTE(rig->page[7]);
	*(u32 *)rig->page[7] = 0xabcd;
	nvsim_replay(&rig->sim);
	rig_run(rig, 100);
	KUNIT_EXPECT_EQ(test, rig->chan.stall, NVSIM_REPORTED);

	nvsim_gate_set(&rig->sim, NVSIM_GATE_REPLAY, true);
	nvsim_replay(&rig->sim);
	rig_run(rig, 100);
	KUNIT_EXPECT_EQ(test, rig->chan.stall, NVSIM_REPORTED);
	nvsim_gate_set(&rig->sim, NVSIM_GATE_REPLAY, false);
	rig_run(rig, 100);
	KUNIT_EXPECT_EQ(test, rig->chan.stall, NVSIM_RUNS);
	KUNIT_EXPECT_EQ(test, *(u32 *)rig->page[0], 0xabcd);
	KUNIT_EXPECT_EQ(test, rig->mmu_faults, 0);
}

static void cancel(struct kunit *test)
{
	static const u32 word[] = {
		0x20018000, 0xc0b5,
		0x20088100, 0x7f12, 0x34408000, 0x7f12, 0x34400000, 4, 4, 4, 1,
		0x200180c0, 0x182,
	};
	struct rig *rig = rig_new(test);

	/* Who waits for no replay is left alone. */
	nvsim_cancel(&rig->sim, RIG_INST);
	KUNIT_EXPECT_FALSE(test, rig->chan.dead);
	rig_submit(rig, word, ARRAY_SIZE(word));
	rig_run(rig, 100);
	nvsim_cancel(&rig->sim, RIG_INST + 0x1000);
	KUNIT_EXPECT_FALSE(test, rig->chan.dead);
	nvsim_cancel(&rig->sim, RIG_INST);
	KUNIT_EXPECT_TRUE(test, rig->chan.dead);
	KUNIT_EXPECT_EQ(test, rig->mmu_faults, 1);
	KUNIT_EXPECT_EQ(test, rig->fault.addr, 0x7f1234408000ULL);
	KUNIT_EXPECT_EQ(test, rig->sim.stats.cancels, 1);
	KUNIT_EXPECT_EQ(test, rig->sim.stats.cancels_missed, 2);
}

/* Without a fault buffer, or in an address space without replay, a fault ends the channel. */
static void fatal(struct kunit *test)
{
	static const u32 word[] = {
		0x20018000, 0xc0b5,
		0x20088100, 0x7f12, 0x34408000, 0x7f12, 0x34400000, 4, 4, 4, 1,
		0x200180c0, 0x182,
	};
	struct rig *rig = rig_new(test);

	rig->chan.as.replay = false;
	rig_submit(rig, word, ARRAY_SIZE(word));
	rig_run(rig, 100);
	KUNIT_EXPECT_TRUE(test, rig->chan.dead);
	KUNIT_EXPECT_EQ(test, rig->mmu_faults, 1);
	KUNIT_EXPECT_EQ(test, rig->fault_put, 0);

	rig = rig_new(test);
	rig->sim.fault.enabled = false;
	rig_submit(rig, word, ARRAY_SIZE(word));
	rig_run(rig, 100);
	KUNIT_EXPECT_TRUE(test, rig->chan.dead);
	KUNIT_EXPECT_EQ(test, rig->mmu_faults, 1);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(entry),
	KUNIT_CASE(wrap),
	KUNIT_CASE(overflow),
	KUNIT_CASE(limit),
	KUNIT_CASE(nonsense),
	KUNIT_CASE(interrupt),
	KUNIT_CASE(replay),
	KUNIT_CASE(cancel),
	KUNIT_CASE(fatal),
	{}
};

static struct kunit_suite suite = {
	.name = "nouveau_sim_fault",
	.test_cases = cases,
};

kunit_test_suite(suite);
