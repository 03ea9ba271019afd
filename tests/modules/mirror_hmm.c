// SPDX-License-Identifier: GPL-2.0
/* The mirror on HMM, as it was up to 5.4. */
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "rig.h"

/* How often a reader that waits looks whether the rig is closing. */
#define SLICE_MS	100
/* How long an invalidation takes that is nobody's but the caller's own. */
#define PATIENCE_MS	10000

/**
 * struct mirror - an HMM mirror and one range
 * @rig: whose it is
 * @hmm: the mirror
 * @range: the range that SNAPSHOT or the reader registers
 * @pfn: @range's only page
 * @registered: @range is registered
 * @start: first address of the part that was attached to
 * @core_lock: protects @core
 * @core: what HMM keeps of the mm, while the mirror is registered, else NULL
 */
struct mirror {
	struct rig *rig;
	struct hmm_mirror hmm;
	struct hmm_range range;
	u64 pfn;
	bool registered;
	unsigned long start;
	/* @core */
	spinlock_t core_lock;
	struct hmm *core;
};

/* A device that has nothing mapped, and needs to do nothing to invalidate. */
static int mirror_sync(struct mirror *mirror, bool blockable)
{
	int ret = rig_mirror_refuses(mirror->rig, blockable);

	if (!ret)
		rig_mirror_called(mirror->rig);
	return ret;
}

#ifdef HAVE_HMM_UPDATE
static int mirror_update(struct hmm_mirror *hmm,
			 const struct hmm_update *update)
{
	return mirror_sync(container_of(hmm, struct mirror, hmm),
			   update->blockable);
}
#else
static int mirror_update(struct hmm_mirror *hmm,
			 const struct mmu_notifier_range *range)
{
	return mirror_sync(container_of(hmm, struct mirror, hmm),
			   mmu_notifier_range_blockable(range));
}
#endif

static const struct hmm_mirror_ops mirror_ops = {
	.sync_cpu_device_pagetables = mirror_update,
};

/* How the pfn of a page is encoded: the driver's choice. */
static const u64 mirror_flags[HMM_PFN_FLAG_MAX] = {
	[HMM_PFN_VALID] = BIT(0),
	[HMM_PFN_WRITE] = BIT(1),
};

static const u64 mirror_values[HMM_PFN_VALUE_MAX] = {
	[HMM_PFN_ERROR] = BIT(2),
	[HMM_PFN_NONE] = 0,
	[HMM_PFN_SPECIAL] = BIT(3),
};

struct mirror *mirror_alloc(struct rig *rig)
{
	struct mirror *mirror = kzalloc(sizeof(*mirror), GFP_KERNEL);

	if (!mirror)
		return NULL;
	mirror->rig = rig;
	spin_lock_init(&mirror->core_lock);
	mirror->hmm.ops = &mirror_ops;
	mirror->range.pfns = &mirror->pfn;
	mirror->range.flags = mirror_flags;
	mirror->range.values = mirror_values;
	/* To write, or it may be the zero page, which HMM does not give. */
	mirror->range.default_flags = mirror_flags[HMM_PFN_VALID] |
				      mirror_flags[HMM_PFN_WRITE];
	mirror->range.pfn_shift = PAGE_SHIFT;
	return mirror;
}

void mirror_free(struct mirror *mirror)
{
	kfree(mirror);
}

static void mirror_set_core(struct mirror *mirror, struct hmm *core)
{
	spin_lock(&mirror->core_lock);
	mirror->core = core;
	spin_unlock(&mirror->core_lock);
}

int mirror_attach(struct mirror *mirror, struct mm_struct *mm,
		  const struct mn_contract_attach *args)
{
	int ret;

	down_write(&mm->mmap_sem);
	ret = hmm_mirror_register(&mirror->hmm, mm);
	up_write(&mm->mmap_sem);
	mirror->start = args->start;
	if (!ret)
		mirror_set_core(mirror, mirror->hmm.hmm);
	return ret;
}

static int range_register(struct mirror *mirror, unsigned long addr)
{
	int ret;

	if (mirror->registered)
		return -EBUSY;
	ret = hmm_range_register(&mirror->range, &mirror->hmm, addr,
				 addr + PAGE_SIZE, PAGE_SHIFT);
	mirror->registered = !ret;
	return ret;
}

static void range_unregister(struct mirror *mirror)
{
	if (mirror->registered)
		hmm_range_unregister(&mirror->range);
	mirror->registered = false;
}

void mirror_read(struct mirror *mirror)
{
	range_unregister(mirror);
	if (WARN_ON(range_register(mirror, mirror->start)))
		return;
	while (!hmm_range_wait_until_valid(&mirror->range, SLICE_MS) &&
	       !rig_closing(mirror->rig))
		;
}

void mirror_detach(struct mirror *mirror)
{
	range_unregister(mirror);
	/* It goes with the last mirror. */
	mirror_set_core(mirror, NULL);
	hmm_mirror_unregister(&mirror->hmm);
}

void mirror_stat(struct mirror *mirror, struct mn_contract_status *stat)
{
	stat->flags |= MN_CONTRACT_HMM;
	spin_lock(&mirror->core_lock);
	if (mirror->core)
		stat->under_way = READ_ONCE(mirror->core->notifiers);
	spin_unlock(&mirror->core_lock);
}

/* What a driver's fault handler does before it maps the page. */
static int mirror_snapshot(struct mirror *mirror, struct mm_struct *mm)
{
	long ret;

	range_unregister(mirror);
	ret = range_register(mirror, mirror->start);
	if (ret)
		return ret;
	if (!hmm_range_wait_until_valid(&mirror->range, PATIENCE_MS))
		return -ETIMEDOUT;

	down_read(&mm->mmap_sem);
	ret = hmm_range_fault(&mirror->range, true);
	up_read(&mm->mmap_sem);
	if (ret < 0)
		return ret;
	return ret == 1 && mirror->pfn & mirror_flags[HMM_PFN_VALID] ? 0 :
								       -EIO;
}

long mirror_ioctl(struct mirror *mirror, struct mm_struct *mm,
		  unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case MN_CONTRACT_SNAPSHOT:
		return mirror_snapshot(mirror, mm);
	case MN_CONTRACT_VALID:
		if (!mirror->registered)
			return -EINVAL;
		return hmm_range_valid(&mirror->range);
	default:
		return -ENOTTY;
	}
}
