// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection for mmu notifiers: a subscriber refuses a range that must not block. It is
 * not called, so that it has nothing to undo, as its refusal has to leave it.
 *
 * Each subscriber that is about to be called is one call of should_fail(): with
 * /proc/<pid>/fail-nth, the n-th that a system call reaches refuses. A range that may block
 * is never failed, nobody may refuse that. See Documentation/fault-injection/.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/init.h>

#include "fail_mmu_notifier.h"

static DECLARE_FAULT_ATTR(fail_mmu_notifier);

static bool should_refuse(const struct mmu_notifier_range *range)
{
	return !mmu_notifier_range_blockable(range) &&
	       should_fail_ex(&fail_mmu_notifier, 1, FAULT_NOWARN);
}

/**
 * fail_mmu_interval_notifier() - does the interval notifier that is next refuse?
 * @range: what is invalidated
 *
 * Context: any that invalidates.
 * Return: true if it is to be taken for one whose ->invalidate() returned false.
 */
bool fail_mmu_interval_notifier(const struct mmu_notifier_range *range)
{
	return should_refuse(range);
}

static int refuse(struct mmu_notifier *subscription, const struct mmu_notifier_range *range)
{
	return -EAGAIN;
}

static const struct mmu_notifier_ops refusing_ops = {
	.invalidate_range_start = refuse,
};

/**
 * fail_mmu_notifier_ops() - what to call of a subscriber
 * @subscription: the subscriber
 * @range: what is invalidated
 *
 * Context: any that invalidates.
 * Return: its operations, or those of one that refuses.
 */
const struct mmu_notifier_ops *fail_mmu_notifier_ops(const struct mmu_notifier *subscription,
						     const struct mmu_notifier_range *range)
{
	if (subscription->ops->invalidate_range_start && should_refuse(range))
		return &refusing_ops;
	return subscription->ops;
}

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
static int __init fail_mmu_notifier_debugfs(void)
{
	return PTR_ERR_OR_ZERO(fault_create_debugfs_attr("fail_mmu_notifier", NULL,
							 &fail_mmu_notifier));
}
late_initcall(fail_mmu_notifier_debugfs);
#endif
