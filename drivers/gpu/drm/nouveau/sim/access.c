// SPDX-License-Identifier: MIT
/*
 * Accesses made by hand: what a shader would do, in the name of a channel and in its
 * address space. Many can be under way at once, where the copy engine waits at its
 * first fault. All faults of a batch are reported before the interrupt.
 */
#include <linux/kernel.h>

#include "model.h"

/* IADD, unsigned; see LAUNCH_DMA. */
#define ATOMIC_ADD	(5 | 0x10)

static void done(struct nvsim *sim, struct nvsim_access *access, int error)
{
	list_del(&access->head);
	access->error = error;
	access->done = true;
	wake_up_all(&sim->wait);
}

/**
 * nvsim_access_start() - begin a batch of accesses
 * @sim: the device
 * @batch: the accesses, with @chid, @va, @type, and @value for what is written or
 *	added, set; they must stay until nvsim_access_stop()
 *
 * Context: takes the device's lock.
 * Return: 0, or -ENOENT if there is no such channel: nothing has begun then.
 */
int nvsim_access_start(struct nvsim *sim, struct nvsim_access_batch *batch)
{
	u32 i;

	spin_lock(&sim->lock);
	for (i = 0; i < batch->nr; i++) {
		struct nvsim_access *access = &batch->access[i];
		const struct nvsim_chan *chan;

		chan = access->chid >= 0 && access->chid < NVSIM_CHANS ?
		       sim->chan[access->chid] : NULL;
		if (!chan || chan->dead) {
			spin_unlock(&sim->lock);
			return -ENOENT;
		}
		access->inst = chan->inst;
		access->as = chan->as;
		access->stall = NVSIM_RUNS;
		access->done = false;
	}
	for (i = 0; i < batch->nr; i++)
		list_add_tail(&batch->access[i].head, &sim->access);
	sim->ops->wake(sim);
	spin_unlock(&sim->lock);
	return 0;
}

/**
 * nvsim_access_stop() - take back what is not done of a batch
 * @sim: the device
 * @batch: the batch
 *
 * Context: takes the device's lock.
 */
void nvsim_access_stop(struct nvsim *sim, struct nvsim_access_batch *batch)
{
	u32 i;

	spin_lock(&sim->lock);
	for (i = 0; i < batch->nr; i++) {
		if (!batch->access[i].done)
			done(sim, &batch->access[i], -ETIME);
	}
	spin_unlock(&sim->lock);
}

/**
 * nvsim_access_done() - is a batch done?
 * @sim: the device
 * @batch: the batch
 *
 * Context: takes the device's lock.
 * Return: whether all of it is.
 */
bool nvsim_access_done(struct nvsim *sim, struct nvsim_access_batch *batch)
{
	bool all = true;
	u32 i;

	spin_lock(&sim->lock);
	for (i = 0; i < batch->nr; i++)
		all &= batch->access[i].done;
	spin_unlock(&sim->lock);
	return all;
}

/**
 * nvsim_access_end() - a channel has ended, and with it what was wanted in its name
 * @sim: the device
 * @inst: the channel's instance block
 * @error: why
 *
 * Context: needs the device's lock.
 */
void nvsim_access_end(struct nvsim *sim, u64 inst, int error)
{
	struct nvsim_access *access, *next;

	lockdep_assert_held(&sim->lock);
	list_for_each_entry_safe(access, next, &sim->access, head) {
		if (access->inst == inst)
			done(sim, access, error);
	}
}

static bool attempt(struct nvsim *sim, struct nvsim_access *access, enum nvsim_reason *reason)
{
	if (access->type == NVSIM_ATOMIC)
		return nvsim_atomic(sim, &access->as, access->va & ~3ULL, ATOMIC_ADD,
				    access->value, &access->value, reason);
	return nvsim_rw(sim, &access->as, access->va & ~3ULL, access->type,
			&access->value, 4, reason);
}

/**
 * nvsim_access_step() - attempt all accesses by hand that are not done
 * @sim: the device
 *
 * Context: takes the device's lock, and calls the device's surroundings.
 * Return: whether one has been done.
 */
bool nvsim_access_step(struct nvsim *sim)
{
	struct nvsim_access *access, *next;
	struct nvsim_fault fatal;
	bool progress = false, killed = false;

	spin_lock(&sim->lock);
	list_for_each_entry_safe(access, next, &sim->access, head) {
		struct nvsim_chan *chan = sim->chan[access->chid];
		enum nvsim_reason reason;

		if (access->stall == NVSIM_REPORTED || WARN_ON_ONCE(!chan))
			continue;
		if (access->stall == NVSIM_RUNS) {
			if (attempt(sim, access, &reason)) {
				done(sim, access, 0);
				progress = true;
				continue;
			}
			access->fault = (struct nvsim_fault) {
				.inst = access->inst,
				.addr = access->va & PAGE_MASK,
				.type = access->type,
				.reason = reason,
				.engine = NVSIM_ENGINE_CE,
				.client = NVSIM_CLIENT_CE,
			};
		}
		if (access->as.replay && sim->fault.enabled) {
			access->stall = nvsim_fault_try_report(sim, &access->fault);
			continue;
		}
		sim->stats.faults_fatal++;
		sim->stats.channels_killed++;
		sim->calling++;
		chan->dead = true;
		fatal = access->fault;
		killed = true;
		nvsim_access_end(sim, access->inst, -EFAULT);
		break;	/* The list has changed; the rest is for the next time. */
	}
	spin_unlock(&sim->lock);

	if (killed) {
		sim->ops->mmu_fault(sim, &fatal);
		nvsim_called(sim);
	}
	return progress || killed;
}
