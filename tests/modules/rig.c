// SPDX-License-Identifier: GPL-2.0
/*
 * mn_contract: three mmu notifiers and a mirror on one mm, of which one refuses
 * non-blockable ranges when its lock is contended, and others when told to.
 *
 *	address      subscriber   start                  end
 *	-----------  -----------  ---------------------  ---------
 *	             mirror       see rig.h
 *	lowest       below        count++                count--
 *	             lock         take @gate to read,    release it
 *	                          or -EAGAIN
 *	highest      above        count++, or as told    count--
 *
 * below and above are made like KVM's notifier, lock like the one that RDMA's
 * on-demand paging had. They are registered in the order lock, above, below, so
 * that neither first-in-first-out nor last-in-first-out is ascending. The mirror
 * comes first: an interval notifier by the contract; HMM's, because its notifier
 * is allocated by kmalloc(), and the rig by vmalloc(), above all that is.
 *
 * The rig pins the mm, which stands for a driver's fault worker in the middle
 * of its work, until its reader is through.
 *
 * Lifetime: a rig lives while its file or one of its work items does. The file
 * keeps the module; see rig_close() for the work items that outlive it.
 */

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "rig.h"

/* How long the last close waits for the work items, in milliseconds. */
#define CLOSE_WAIT_MS	2000

static struct workqueue_struct *mn_contract_wq;

/**
 * struct counter - a subscriber that counts, and refuses only by order
 * @mn: the subscription
 * @rig: whose it is
 * @stat: what it has counted; under @rig->stat_lock
 */
struct counter {
	struct mmu_notifier mn;
	struct rig *rig;
	struct mn_contract_counter stat;
};

/**
 * struct rig - one open file, on at most one mm
 * @below: first in address order
 * @lock_mn: second, refuses when it cannot have @gate
 * @above: third
 * @mirror: subscribed from attach until detached by the worker of @read_work
 * @gate: what an invalidation holds for reading from lock_mn's start to its
 *	end, and what @hold_work holds for writing to make it refuse
 * @held: how many starts of lock_mn hold @gate
 * @mutex: serializes the calls that change the state of the rig. Protects @mm
 *	and @inserted; is outside of mmap_lock, never taken by a callback
 * @stat_lock: protects @stat, @changes, @seen, @works, @abandoned, @reading,
 *	@started and @pinned_mm. Innermost, taken in callbacks: no allocation
 *	under it
 * @stat: what STATUS shows, but for the counters'
 * @changes: number of changes that poll() tells of
 * @seen: @changes at the last STATUS
 * @works: number of work items queued or running
 * @abandoned: the work items have outlived the file and own a module reference
 * @reading: READ was called, @read_work is not only to remove
 * @started: when the step that @stat.reader names began
 * @error: with what to refuse by order, negative, or 0; by enum mn_contract_who
 * @let_go: tells @hold_work to release @gate
 * @closing: tells lingering tasks to leave
 * @wq: waiting for any change of the rig
 * @mm: attached to this one, which is kept from being freed, else NULL
 * @inserted: @mirror is attached and nobody was told to detach it
 * @pinned_mm: @mm while the rig is one of its users
 * @opener: the files of the monitor, only compared
 * @hold_work: holds @gate for writing
 * @held_done: @hold_work has @gate
 * @read_work: read side of @mirror, its removal, the end of the pin
 * @kref: one for the file and one for each work item
 */
struct rig {
	struct counter below;
	struct mmu_notifier lock_mn;
	struct counter above;
	struct mirror *mirror;

	struct rw_semaphore gate;
	atomic_t held;
	/* the calls, @mm, @inserted */
	struct mutex mutex;

	/* from here to @started, the counters' stat, and @pinned_mm */
	spinlock_t stat_lock;
	struct mn_contract_status stat;
	u64 changes;
	u64 seen;
	unsigned int works;
	bool abandoned;
	bool reading;
	ktime_t started;

	int error[MN_CONTRACT_WHOS];
	bool let_go;
	bool closing;
	wait_queue_head_t wq;

	struct mm_struct *mm;
	bool inserted;
	struct mm_struct *pinned_mm;
	fl_owner_t opener;

	struct work_struct hold_work;
	struct completion held_done;
	struct work_struct read_work;
	struct kref kref;
};

static_assert(offsetof(struct rig, below.mn) < offsetof(struct rig, lock_mn));
static_assert(offsetof(struct rig, lock_mn) < offsetof(struct rig, above.mn));

static void rig_changed(struct rig *rig)
{
	lockdep_assert_held(&rig->stat_lock);
	rig->changes++;
}

static void rig_set_flag(struct rig *rig, u32 flag, bool on)
{
	spin_lock(&rig->stat_lock);
	if (on)
		rig->stat.flags |= flag;
	else
		rig->stat.flags &= ~flag;
	rig_changed(rig);
	spin_unlock(&rig->stat_lock);
	wake_up_all(&rig->wq);
}

static bool rig_flag(struct rig *rig, u32 flag)
{
	return READ_ONCE(rig->stat.flags) & flag;
}

bool rig_closing(struct rig *rig)
{
	return READ_ONCE(rig->closing);
}

/* Refusals by order */

static int rig_refuses(struct rig *rig, enum mn_contract_who who)
{
	int error = READ_ONCE(rig->error[who]);

	if (!error)
		return 0;

	spin_lock(&rig->stat_lock);
	rig->stat.ordered++;
	rig_changed(rig);
	spin_unlock(&rig->stat_lock);
	wake_up_all(&rig->wq);
	return error;
}

int rig_mirror_refuses(struct rig *rig, bool blockable)
{
	return blockable ? 0 : rig_refuses(rig, MN_CONTRACT_MIRROR);
}

void rig_mirror_called(struct rig *rig)
{
	spin_lock(&rig->stat_lock);
	rig->stat.invalidations++;
	spin_unlock(&rig->stat_lock);
}

/* The counters */

static int counter_start(struct mmu_notifier *mn,
			 const struct mmu_notifier_range *range)
{
	struct counter *counter = container_of(mn, struct counter, mn);
	bool blockable = mmu_notifier_range_blockable(range);
	struct rig *rig = counter->rig;
	int error = 0;

	if (blockable && counter == &rig->below)
		error = rig_refuses(rig, MN_CONTRACT_BLOCKABLE);
	if (!blockable && counter == &rig->above)
		error = rig_refuses(rig, MN_CONTRACT_ABOVE);
	if (error && !blockable)
		return error;

	spin_lock(&rig->stat_lock);
	if (blockable)
		counter->stat.blockable++;
	else
		counter->stat.starts++;
	counter->stat.count++;
	spin_unlock(&rig->stat_lock);
	return error;
}

static void counter_end(struct mmu_notifier *mn,
			const struct mmu_notifier_range *range)
{
	struct counter *counter = container_of(mn, struct counter, mn);

	spin_lock(&counter->rig->stat_lock);
	if (!mmu_notifier_range_blockable(range))
		counter->stat.ends++;
	counter->stat.count--;
	spin_unlock(&counter->rig->stat_lock);
}

static const struct mmu_notifier_ops counter_ops = {
	.invalidate_range_start = counter_start,
	.invalidate_range_end = counter_end,
};

/* The subscriber that holds a lock */

/*
 * @gate is held from start to end, as a lock held by nobody in particular. mm
 * tells lockdep about a pretended lock, held during every start and taken anew
 * for every end. A real lock held from start to end therefore looks inverted
 * with it: inside of it in start, outside of it in end. That is no deadlock, an
 * end waits for nobody; so lockdep is told nothing about @gate's readers.
 */
static bool gate_enter(struct rig *rig, bool may_block)
{
	if (may_block) {
		down_read_non_owner(&rig->gate);
	} else {
		if (!down_read_trylock(&rig->gate))
			return false;
		rig_rwsem_forget(&rig->gate);
	}
	atomic_inc(&rig->held);
	return true;
}

/*
 * Return: false if there was no start to end. @held is never more than the
 * readers of @gate, and each is taken off once, so @gate is never released by
 * an end that has no start. If other ranges are under way, a stray end may take
 * the place of one of theirs, which is then the stray; how many there were is
 * exact again as soon as no range is under way.
 */
static bool gate_leave(struct rig *rig)
{
	if (atomic_dec_if_positive(&rig->held) < 0)
		return false;

	up_read_non_owner(&rig->gate);
	return true;
}

static int lock_start(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	struct rig *rig = container_of(mn, struct rig, lock_mn);
	bool blockable = mmu_notifier_range_blockable(range);
	bool granted = gate_enter(rig, blockable);

	spin_lock(&rig->stat_lock);
	if (blockable)
		rig->stat.lock.blockable++;
	else if (granted)
		rig->stat.lock.granted++;
	else
		rig->stat.lock.refusals++;
	if (!granted)
		rig_changed(rig);
	spin_unlock(&rig->stat_lock);

	if (granted)
		return 0;

	wake_up_all(&rig->wq);
	return -EAGAIN;
}

static void lock_end(struct mmu_notifier *mn,
		     const struct mmu_notifier_range *range)
{
	struct rig *rig = container_of(mn, struct rig, lock_mn);
	bool matched = gate_leave(rig);

	spin_lock(&rig->stat_lock);
	if (matched)
		rig->stat.lock.ends++;
	else
		rig->stat.lock.stray_ends++;
	spin_unlock(&rig->stat_lock);
}

static void lock_release_mm(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct rig *rig = container_of(mn, struct rig, lock_mn);

	rig_set_flag(rig, MN_CONTRACT_RELEASED, true);
}

static const struct mmu_notifier_ops lock_ops = {
	.release = lock_release_mm,
	.invalidate_range_start = lock_start,
	.invalidate_range_end = lock_end,
};

/* Life and work items */

static void rig_free(struct kref *kref)
{
	struct rig *rig = container_of(kref, struct rig, kref);

	if (rig->mm) {
		/* Harmless where mm has called ->release before. */
		mmu_notifier_unregister(&rig->below.mn, rig->mm);
		mmu_notifier_unregister(&rig->lock_mn, rig->mm);
		mmu_notifier_unregister(&rig->above.mn, rig->mm);
		mmdrop(rig->mm);
	}
	mirror_free(rig->mirror);
	mutex_destroy(&rig->mutex);
	vfree(rig);
}

static void rig_queue(struct rig *rig, struct work_struct *work)
{
	kref_get(&rig->kref);
	spin_lock(&rig->stat_lock);
	rig->works++;
	spin_unlock(&rig->stat_lock);
	queue_work(mn_contract_wq, work);
}

/*
 * The last thing that a work item does. The module can go when its reference is
 * dropped, but not before mn_contract_exit() has waited for the work items.
 */
static void rig_work_done(struct rig *rig)
{
	bool put;

	spin_lock(&rig->stat_lock);
	rig->works--;
	put = !rig->works && rig->abandoned;
	rig_changed(rig);
	spin_unlock(&rig->stat_lock);

	wake_up_all(&rig->wq);
	kref_put(&rig->kref, rig_free);
	if (put)
		module_put(THIS_MODULE);
}

static void hold_work(struct work_struct *work)
{
	struct rig *rig = container_of(work, struct rig, hold_work);

	down_write(&rig->gate);
	rig_set_flag(rig, MN_CONTRACT_HELD, true);
	complete(&rig->held_done);

	wait_event_idle(rig->wq, READ_ONCE(rig->let_go));

	up_write(&rig->gate);
	rig_set_flag(rig, MN_CONTRACT_HELD, false);
	rig_work_done(rig);
}

/* Return: the mm that the caller has to mmput(), or NULL. */
static struct mm_struct *rig_unpin(struct rig *rig)
{
	struct mm_struct *mm;

	spin_lock(&rig->stat_lock);
	mm = rig->pinned_mm;
	rig->pinned_mm = NULL;
	rig->stat.flags &= ~MN_CONTRACT_PINNED;
	rig_changed(rig);
	spin_unlock(&rig->stat_lock);
	return mm;
}

/*
 * Drops the pin before the lingering tasks are woken: the mm is theirs to
 * destroy, and their exit does not find another user.
 */
static void rig_drop_pin(struct rig *rig)
{
	struct mm_struct *mm = rig_unpin(rig);

	if (mm)
		mmput(mm);
	wake_up_all(&rig->wq);
}

/* Ends the step that the reader is in, if any, and begins @state. */
static void reader_step(struct rig *rig, enum mn_contract_reader state)
{
	ktime_t now = ktime_get();
	u64 ns;

	spin_lock(&rig->stat_lock);
	ns = ktime_to_ns(ktime_sub(now, rig->started));
	if (rig->stat.reader == MN_CONTRACT_READER_BEGIN)
		rig->stat.read_begin_ns = ns;
	else if (rig->stat.reader == MN_CONTRACT_READER_REMOVE)
		rig->stat.remove_ns = ns;
	rig->started = now;
	rig->stat.reader = state;
	rig_changed(rig);
	spin_unlock(&rig->stat_lock);
	wake_up_all(&rig->wq);
}

static void read_work(struct work_struct *work)
{
	struct rig *rig = container_of(work, struct rig, read_work);

	if (rig->reading) {
		reader_step(rig, MN_CONTRACT_READER_BEGIN);
		mirror_read(rig->mirror);
	}
	reader_step(rig, MN_CONTRACT_READER_REMOVE);
	mirror_detach(rig->mirror);
	reader_step(rig, MN_CONTRACT_READER_DONE);

	rig_drop_pin(rig);
	rig_work_done(rig);
}

/* The calls */

static int rig_register(struct rig *rig, struct mm_struct *mm,
			const struct mn_contract_attach *args)
{
	int ret;

	lockdep_assert_held(&rig->mutex);

	ret = mmu_notifier_register(&rig->lock_mn, mm);
	if (ret)
		return ret;
	ret = mmu_notifier_register(&rig->above.mn, mm);
	if (ret)
		goto out_lock;
	ret = mmu_notifier_register(&rig->below.mn, mm);
	if (ret)
		goto out_above;
	ret = mirror_attach(rig->mirror, mm, args);
	if (ret)
		goto out_below;
	return 0;

out_below:
	mmu_notifier_unregister(&rig->below.mn, mm);
out_above:
	mmu_notifier_unregister(&rig->above.mn, mm);
out_lock:
	mmu_notifier_unregister(&rig->lock_mn, mm);
	rig_set_flag(rig, MN_CONTRACT_RELEASED, false);
	return ret;
}

static int rig_attach(struct rig *rig, void __user *user)
{
	struct mm_struct *mm = current->mm;
	struct mn_contract_attach args;
	u64 end;
	int ret;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (!mm || !args.length ||
	    !PAGE_ALIGNED(args.start | args.length) ||
	    check_add_overflow(args.start, args.length, &end) ||
	    end > TASK_SIZE)
		return -EINVAL;

	mutex_lock(&rig->mutex);
	/* The monitor would keep itself from closing the rig. */
	ret = -EINVAL;
	if (rig->closing || rig->opener == current->files)
		goto out;
	ret = -EBUSY;
	if (rig->mm)
		goto out;

	ret = rig_register(rig, mm, &args);
	if (ret)
		goto out;

	mmgrab(mm);
	mmget(mm);
	rig->mm = mm;
	rig->inserted = true;
	spin_lock(&rig->stat_lock);
	rig->pinned_mm = mm;
	spin_unlock(&rig->stat_lock);
	rig_set_flag(rig, MN_CONTRACT_ATTACHED | MN_CONTRACT_PINNED, true);
out:
	mutex_unlock(&rig->mutex);
	return ret;
}

static int rig_hold(struct rig *rig)
{
	int ret = -EINVAL;

	mutex_lock(&rig->mutex);
	if (rig->closing || !rig->mm)
		goto out;
	/* Not before the last holder is through: it is the same work item. */
	ret = -EBUSY;
	if (work_busy(&rig->hold_work))
		goto out;

	WRITE_ONCE(rig->let_go, false);
	reinit_completion(&rig->held_done);
	rig_queue(rig, &rig->hold_work);
	/* Killed here, the lock is taken all the same, until LET_GO or close. */
	ret = wait_for_completion_killable(&rig->held_done);
out:
	mutex_unlock(&rig->mutex);
	return ret;
}

static int rig_let_go(struct rig *rig)
{
	int ret = -EINVAL;

	mutex_lock(&rig->mutex);
	if (!rig_flag(rig, MN_CONTRACT_HELD))
		goto out;

	WRITE_ONCE(rig->let_go, true);
	wake_up_all(&rig->wq);
	flush_work(&rig->hold_work);
	ret = 0;
out:
	mutex_unlock(&rig->mutex);
	return ret;
}

static int rig_may_linger(struct rig *rig)
{
	lockdep_assert_held(&rig->mutex);

	if (rig->closing || !rig->mm || rig->mm != current->mm ||
	    rig->opener == current->files || !rig_flag(rig, MN_CONTRACT_PINNED))
		return -EINVAL;
	return rig_flag(rig, MN_CONTRACT_LINGERING) ? -EBUSY : 0;
}

static int rig_linger(struct rig *rig)
{
	int ret;

	mutex_lock(&rig->mutex);
	ret = rig_may_linger(rig);
	if (!ret)
		rig_set_flag(rig, MN_CONTRACT_LINGERING, true);
	mutex_unlock(&rig->mutex);
	if (ret)
		return ret;

	wait_event_idle(rig->wq, READ_ONCE(rig->closing) ||
			!rig_flag(rig, MN_CONTRACT_PINNED));
	rig_set_flag(rig, MN_CONTRACT_LINGERING, false);
	return 0;
}

static int rig_read(struct rig *rig)
{
	int ret = -EINVAL;

	mutex_lock(&rig->mutex);
	if (!rig->mm)
		goto out;
	ret = -EBUSY;
	if (!rig->inserted)
		goto out;
	ret = -EINVAL;
	if (rig->closing || !rig_flag(rig, MN_CONTRACT_PINNED))
		goto out;

	rig->inserted = false;
	rig->reading = true;
	rig_queue(rig, &rig->read_work);
	ret = 0;
out:
	mutex_unlock(&rig->mutex);
	return ret;
}

static int rig_refuse(struct rig *rig, void __user *user)
{
	struct mn_contract_refuse args;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.who >= MN_CONTRACT_WHOS || args.error < 0 ||
	    args.error > MAX_ERRNO)
		return -EINVAL;

	WRITE_ONCE(rig->error[args.who], -args.error);
	return 0;
}

static long rig_mirror_ioctl(struct rig *rig, unsigned int cmd,
			     unsigned long arg)
{
	long ret = -EINVAL;

	mutex_lock(&rig->mutex);
	if (rig->inserted && !rig->closing)
		ret = mirror_ioctl(rig->mirror, rig->mm, cmd, arg);
	mutex_unlock(&rig->mutex);
	return ret;
}

static int rig_status(struct rig *rig, void __user *user)
{
	struct mn_contract_status stat;
	struct mm_struct *mm;
	u64 ns;

	mutex_lock(&rig->mutex);
	mm = rig->mm;
	mutex_unlock(&rig->mutex);

	spin_lock(&rig->stat_lock);
	stat = rig->stat;
	stat.below = rig->below.stat;
	stat.above = rig->above.stat;
	ns = ktime_to_ns(ktime_sub(ktime_get(), rig->started));
	rig->seen = rig->changes;
	spin_unlock(&rig->stat_lock);

	if (stat.reader == MN_CONTRACT_READER_BEGIN)
		stat.read_begin_ns = ns;
	else if (stat.reader == MN_CONTRACT_READER_REMOVE)
		stat.remove_ns = ns;
	stat.lock.held = atomic_read(&rig->held);
	mirror_stat(rig->mirror, &stat);
	if (mm)
		stat.anon_pages = rig_anon_pages(mm);

	return copy_to_user(user, &stat, sizeof(stat)) ? -EFAULT : 0;
}

/* The file */

static int mn_contract_open(struct inode *inode, struct file *file)
{
	struct rig *rig = vzalloc(sizeof(*rig));

	if (!rig)
		return -ENOMEM;
	rig->mirror = mirror_alloc(rig);
	if (!rig->mirror) {
		vfree(rig);
		return -ENOMEM;
	}

	rig->below.mn.ops = &counter_ops;
	rig->below.rig = rig;
	rig->lock_mn.ops = &lock_ops;
	rig->above.mn.ops = &counter_ops;
	rig->above.rig = rig;
	init_rwsem(&rig->gate);
	atomic_set(&rig->held, 0);
	mutex_init(&rig->mutex);
	spin_lock_init(&rig->stat_lock);
	init_waitqueue_head(&rig->wq);
	init_completion(&rig->held_done);
	INIT_WORK(&rig->hold_work, hold_work);
	INIT_WORK(&rig->read_work, read_work);
	kref_init(&rig->kref);
	rig->opener = current->files;
	file->private_data = rig;
	return 0;
}

static bool rig_quiet(struct rig *rig)
{
	bool quiet;

	spin_lock(&rig->stat_lock);
	quiet = !rig->works;
	spin_unlock(&rig->stat_lock);
	return quiet;
}

/*
 * The opener closes the file or dies. Others may still have the file open, or
 * sleep in it: nobody may depend on the monitor any longer.
 */
static int mn_contract_flush(struct file *file, fl_owner_t id)
{
	struct rig *rig = file->private_data;

	if (READ_ONCE(rig->opener) != id)
		return 0;

	mutex_lock(&rig->mutex);
	WRITE_ONCE(rig->opener, NULL);
	WRITE_ONCE(rig->closing, true);
	WRITE_ONCE(rig->let_go, true);
	mutex_unlock(&rig->mutex);
	wake_up_all(&rig->wq);
	return 0;
}

/*
 * On a kernel that leaks the write side of the interval tree, detaching an
 * interval mirror never returns, with or without a reader. Then close
 * must return nevertheless, and leaves behind the worker, the rig and the mm;
 * the module, whose code the worker is to return to, is kept by a reference
 * that nobody will drop.
 */
static void rig_close(struct rig *rig)
{
	mutex_lock(&rig->mutex);
	WRITE_ONCE(rig->let_go, true);
	if (rig->inserted) {
		rig->inserted = false;
		rig_queue(rig, &rig->read_work);
	}
	mutex_unlock(&rig->mutex);
	wake_up_all(&rig->wq);

	if (wait_event_timeout(rig->wq, rig_quiet(rig),
			       msecs_to_jiffies(CLOSE_WAIT_MS)))
		return;

	/* The file that is being closed has a reference still. */
	__module_get(THIS_MODULE);
	spin_lock(&rig->stat_lock);
	rig->abandoned = rig->works;
	spin_unlock(&rig->stat_lock);
	if (rig->abandoned)
		pr_info("mn_contract: stuck, the module stays loaded\n");
	else
		module_put(THIS_MODULE);
}

static int mn_contract_release(struct inode *inode, struct file *file)
{
	struct rig *rig = file->private_data;

	rig_close(rig);
	kref_put(&rig->kref, rig_free);
	return 0;
}

static __poll_t mn_contract_poll(struct file *file, poll_table *wait)
{
	struct rig *rig = file->private_data;
	bool changed;

	poll_wait(file, &rig->wq, wait);
	spin_lock(&rig->stat_lock);
	changed = rig->changes != rig->seen;
	spin_unlock(&rig->stat_lock);
	return changed ? EPOLLIN | EPOLLPRI : 0;
}

static long mn_contract_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	struct rig *rig = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case MN_CONTRACT_ATTACH:
		return rig_attach(rig, user);
	case MN_CONTRACT_HOLD:
		return rig_hold(rig);
	case MN_CONTRACT_LET_GO:
		return rig_let_go(rig);
	case MN_CONTRACT_LINGER:
		return rig_linger(rig);
	case MN_CONTRACT_READ:
		return rig_read(rig);
	case MN_CONTRACT_STATUS:
		return rig_status(rig, user);
	case MN_CONTRACT_REFUSE:
		return rig_refuse(rig, user);
	default:
		return rig_mirror_ioctl(rig, cmd, arg);
	}
}

static const struct file_operations mn_contract_fops = {
	.owner = THIS_MODULE,
	.open = mn_contract_open,
	.flush = mn_contract_flush,
	.release = mn_contract_release,
	.poll = mn_contract_poll,
	.unlocked_ioctl = mn_contract_ioctl,
};

static struct miscdevice mn_contract_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mn_contract",
	.fops = &mn_contract_fops,
	.mode = 0600,
};

static int __init mn_contract_init(void)
{
	int ret;

	mn_contract_wq = alloc_workqueue("mn_contract", WQ_UNBOUND, 0);
	if (!mn_contract_wq)
		return -ENOMEM;

	ret = misc_register(&mn_contract_device);
	if (ret)
		destroy_workqueue(mn_contract_wq);
	return ret;
}

static void __exit mn_contract_exit(void)
{
	misc_deregister(&mn_contract_device);
	destroy_workqueue(mn_contract_wq);
}

module_init(mn_contract_init);
module_exit(mn_contract_exit);

MODULE_DESCRIPTION("What a refused invalidation does to mmu notifiers");
MODULE_LICENSE("GPL");
