/* SPDX-License-Identifier: GPL-2.0 */
/* What the rig and its mirror know of each other. */
#ifndef MN_CONTRACT_RIG_H
#define MN_CONTRACT_RIG_H

#include <linux/types.h>

#include "mn_contract_uapi.h"

struct mm_struct;
struct mirror;
struct rig;

/*
 * The mirror: what a mirroring driver has, in the way of the kernel that the
 * module is built for. mirror_interval.c is on an interval notifier,
 * mirror_hmm.c on HMM as it was in 5.3.
 *
 * All may sleep. A mirror is attached at most once, and its calls but for
 * mirror_stat() are serialized by the rig.
 */

/* Returns NULL without memory. */
struct mirror *mirror_alloc(struct rig *rig);
/* Not attached, or detached again. */
void mirror_free(struct mirror *mirror);

/**
 * mirror_attach() - subscribe to a part of an mm
 * @mirror: not attached before
 * @mm: the mm, which the caller is a user of; mmap_lock not held
 * @args: which part, page aligned
 *
 * Return: 0 or a negative error number.
 */
int mirror_attach(struct mirror *mirror, struct mm_struct *mm,
		  const struct mn_contract_attach *args);

/*
 * The driver's read side: returns when no invalidation is under way. If one
 * was leaked, that is never, or when the rig is closing.
 */
void mirror_read(struct mirror *mirror);
/* Unsubscribe; waits as mirror_read() does, if this kernel does so. */
void mirror_detach(struct mirror *mirror);
/* Adds to @stat what the mirror knows; takes no sleeping lock. */
void mirror_stat(struct mirror *mirror, struct mn_contract_status *stat);
/* SNAPSHOT and VALID, or -ENOTTY. */
long mirror_ioctl(struct mirror *mirror, struct mm_struct *mm,
		  unsigned int cmd, unsigned long arg);

/* From the mirror's callback, which must not sleep: counts a call. */
void rig_mirror_called(struct rig *rig);

/**
 * rig_mirror_refuses() - ask what the mirror's callback is to do
 * @rig: the mirror's rig
 * @blockable: whether the range is
 *
 * Return: 0 to do its work, or the negative error number to refuse with, which
 * has been counted. Blockable ranges are never refused.
 */
int rig_mirror_refuses(struct rig *rig, bool blockable);
bool rig_closing(struct rig *rig);

#endif
