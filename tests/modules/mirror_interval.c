// SPDX-License-Identifier: GPL-2.0
/* The mirror on an interval notifier, as drivers have it since 5.5. */
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "rig.h"

/**
 * struct mirror - an interval subscription
 * @rig: whose it is
 * @interval: the subscription
 * @seq_lock: @interval's user lock, see mmu_interval_read_begin(). Never held
 *	across a sleep, so that the callback never has to refuse for it
 */
struct mirror {
	struct rig *rig;
	struct mmu_interval_notifier interval;
	/* @interval's user lock */
	spinlock_t seq_lock;
};

static bool mirror_invalidate(struct mmu_interval_notifier *interval,
			      const struct mmu_notifier_range *range,
			      unsigned long seq)
{
	struct mirror *mirror = container_of(interval, struct mirror, interval);

	if (rig_mirror_refuses(mirror->rig,
			       mmu_notifier_range_blockable(range)))
		return false;

	spin_lock(&mirror->seq_lock);
	mmu_interval_set_seq(interval, seq);
	spin_unlock(&mirror->seq_lock);

	rig_mirror_called(mirror->rig);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = {
	.invalidate = mirror_invalidate,
};

struct mirror *mirror_alloc(struct rig *rig)
{
	struct mirror *mirror = kzalloc(sizeof(*mirror), GFP_KERNEL);

	if (!mirror)
		return NULL;
	mirror->rig = rig;
	spin_lock_init(&mirror->seq_lock);
	return mirror;
}

void mirror_free(struct mirror *mirror)
{
	kfree(mirror);
}

int mirror_attach(struct mirror *mirror, struct mm_struct *mm,
		  const struct mn_contract_attach *args)
{
	return mmu_interval_notifier_insert(&mirror->interval, mm, args->start,
					    args->length, &mirror_ops);
}

void mirror_read(struct mirror *mirror)
{
	mmu_interval_read_begin(&mirror->interval);
}

void mirror_detach(struct mirror *mirror)
{
	mmu_interval_notifier_remove(&mirror->interval);
}

/* How many invalidations are under way is mm's secret. */
void mirror_stat(struct mirror *mirror, struct mn_contract_status *stat)
{
}

long mirror_ioctl(struct mirror *mirror, struct mm_struct *mm,
		  unsigned int cmd, unsigned long arg)
{
	return -ENOTTY;
}
