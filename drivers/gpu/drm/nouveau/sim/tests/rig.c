// SPDX-License-Identifier: MIT

#include "rig.h"

static void fault_pending(struct nvsim *sim)
{
	container_of(sim, struct rig, sim)->fault_pending++;
}

static void non_stall(struct nvsim *sim, int runlist)
{
	container_of(sim, struct rig, sim)->non_stall++;
}

static void mmu_fault(struct nvsim *sim, const struct nvsim_fault *fault)
{
	struct rig *rig = container_of(sim, struct rig, sim);

	rig->mmu_faults++;
	rig->fault = *fault;
}

static void illegal(struct nvsim *sim, u64 inst, const char *why, u32 data)
{
	struct rig *rig = container_of(sim, struct rig, sim);

	rig->illegals++;
	rig->why = why;
}

static void wake(struct nvsim *sim)
{
}

static const struct nvsim_ops ops = {
	.fault_pending = fault_pending,
	.non_stall = non_stall,
	.mmu_fault = mmu_fault,
	.illegal = illegal,
	.wake = wake,
};

static void free_rig_page(void *page)
{
	set_page_private(virt_to_page(page), 0);
	free_page((unsigned long)page);
}

void *rig_page(struct kunit *test)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_rig_page, page));
	/* The oracle would call it stale: nobody maps it. */
	return page;
}

void *rig_table(struct kunit *test)
{
	void *page = rig_page(test);

	set_page_private(virt_to_page(page), NVSIM_TABLE_PAGE);
	return page;
}

struct rig *rig_new(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	nvsim_init(&rig->sim, &ops);
	rig->pd3 = rig_table(test);
	for (i = 0; i < 2; i++) {
		rig->pd2[i] = rig_table(test);
		rig->pd1[i] = rig_table(test);
		rig->pd0[i] = rig_table(test);
		rig->spt[i] = rig_table(test);
	}
	rig->lpt = rig_table(test);
	for (i = 0; i < RIG_PAGES; i++)
		rig->page[i] = rig_page(test);
	rig->gp = rig_page(test);
	rig->push = rig_page(test);
	rig->sem = rig_page(test);

	/* 0x7f1234400000: 47: 0, 38: 0x1fc, 29: 0x091, 21: 0x1a2 & 0xff, 12: 0 */
	rig->pd3[0] = RIG_PDE(rig->pd2[0]);
	rig->pd2[0][0x1fc] = RIG_PDE(rig->pd1[0]);
	rig->pd1[0][0x091] = RIG_PDE(rig->pd0[0]);
	rig->pd0[0][2 * 0xa2 + 1] = RIG_PDE(rig->spt[0]);
	for (i = 0; i < RIG_PAGES; i++)
		rig->spt[0][i] = RIG_PTE(rig->page[i]);
	/* 0x200000: 47: 0, 38: 0, 29: 0, 21: 1, 12: 0 */
	rig->pd2[0][0] = RIG_PDE(rig->pd1[1]);
	rig->pd1[1][0] = RIG_PDE(rig->pd0[1]);
	rig->pd0[1][2 * 1 + 1] = RIG_PDE(rig->spt[1]);
	rig->spt[1][0] = RIG_PTE(rig->gp);
	rig->spt[1][1] = RIG_PTE(rig->push);
	rig->spt[1][2] = RIG_PTE(rig->sem);

	rig->sim.fault.entry = rig->fault_entry;
	rig->sim.fault.entries = RIG_FAULT_ENTRIES;
	rig->sim.fault.get = &rig->fault_get;
	rig->sim.fault.put = &rig->fault_put;
	rig->sim.fault.enabled = true;
	rig->sim.fault.armed = true;

	rig->chan = (struct nvsim_chan) {
		.id = RIG_CHID,
		.inst = RIG_INST,
		.as.pdb = virt_to_phys(rig->pd3),
		.as.pdb_aperture = NVSIM_SYS,
		.as.limit = BIT_ULL(49) - 1,
		/* All is the driver's, for the oracle: nobody maps these pages. */
		.as.own_size = BIT_ULL(49),
		.as.replay = true,
		.userd = rig->userd,
		.gp_base = RIG_GP_VA,
		.gp_nr = RIG_GP_NR,
		.running = true,
	};
	KUNIT_ASSERT_EQ(test, 0, nvsim_chan_bind(&rig->sim, &rig->chan));
	return rig;
}

void rig_submit(struct rig *rig, const u32 *word, unsigned int nr)
{
	const u32 put = rig->userd[0x8c / 4];

	memcpy(rig->push, word, nr * 4);
	rig->gp[put] = RIG_PUSH_VA | (u64)nr << 42;
	rig->userd[0x8c / 4] = (put + 1) % RIG_GP_NR;
}

bool rig_run(struct rig *rig, unsigned int limit)
{
	while (limit--) {
		if (!nvsim_run(&rig->sim))
			return true;
	}
	return false;
}

bool rig_read(struct rig *rig, u64 va, u32 *value, enum nvsim_reason *reason)
{
	bool ok;

	spin_lock(&rig->sim.lock);
	ok = nvsim_rw(&rig->sim, &rig->chan.as, va, NVSIM_READ, value, 4, reason);
	spin_unlock(&rig->sim.lock);
	return ok;
}

bool rig_write(struct rig *rig, u64 va, u32 value, enum nvsim_reason *reason)
{
	bool ok;

	spin_lock(&rig->sim.lock);
	ok = nvsim_rw(&rig->sim, &rig->chan.as, va, NVSIM_WRITE, &value, 4, reason);
	spin_unlock(&rig->sim.lock);
	return ok;
}
