/* SPDX-License-Identifier: GPL-2.0 */
/* Subscribers of mmu notifiers that refuse because a test wants it, see fail_mmu_notifier.c. */
#ifndef MM_FAIL_MMU_NOTIFIER_H
#define MM_FAIL_MMU_NOTIFIER_H

#include <linux/mmu_notifier.h>

#ifdef CONFIG_FAIL_MMU_NOTIFIER
bool fail_mmu_interval_notifier(const struct mmu_notifier_range *range);
const struct mmu_notifier_ops *fail_mmu_notifier_ops(const struct mmu_notifier *subscription,
						     const struct mmu_notifier_range *range);
#else
static inline bool fail_mmu_interval_notifier(const struct mmu_notifier_range *range)
{
	return false;
}

static inline const struct mmu_notifier_ops *
fail_mmu_notifier_ops(const struct mmu_notifier *subscription,
		      const struct mmu_notifier_range *range)
{
	return subscription->ops;
}
#endif

#endif
