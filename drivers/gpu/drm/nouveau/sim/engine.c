// SPDX-License-Identifier: MIT
/*
 * Channels, and who runs when.
 *
 * One thread runs all channels in turn, each for a while or until it waits: for a
 * replay, for a semaphore, for work. A channel that waits is passed over, so it holds
 * up nobody. The thread is in the path of fences: it allocates nothing and waits for
 * nobody.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/sched.h>

#include "model.h"

/* How long a channel may go on, in steps; the lock is dropped after each. */
#define STEPS	64

/**
 * nvsim_init() - set a device up
 * @sim: the device, zeroed
 * @ops: its surroundings
 */
void nvsim_init(struct nvsim *sim, const struct nvsim_ops *ops)
{
	sim->ops = ops;
	spin_lock_init(&sim->lock);
	INIT_LIST_HEAD(&sim->access);
	init_waitqueue_head(&sim->wait);
	sim->tlb_size = 64;
}

/**
 * nvsim_chan_bind() - a channel can run from now on
 * @sim: the device
 * @chan: the channel, which has to stay until it is unbound
 *
 * Context: takes the device's lock.
 * Return: 0, or -EBUSY if there is another with its ID, -EINVAL if there is no such ID
 * or its GPFIFO is none.
 */
int nvsim_chan_bind(struct nvsim *sim, struct nvsim_chan *chan)
{
	int ret = 0;

	if (chan->id < 0 || chan->id >= NVSIM_CHANS || !is_power_of_2(chan->gp_nr) ||
	    chan->gp_base & 7)
		return -EINVAL;

	spin_lock(&sim->lock);
	if (WARN_ON_ONCE(sim->chan[chan->id])) {
		ret = -EBUSY;
	} else {
		sim->chan[chan->id] = chan;
		set_bit(chan->id, sim->bound);
	}
	spin_unlock(&sim->lock);
	return ret;
}

/**
 * nvsim_chan_unbind() - a channel cannot run any more
 * @sim: the device
 * @id: its ID
 *
 * When it returns, nothing goes on in the channel's name. What was wanted by hand ends.
 *
 * Context: may sleep; takes the device's lock.
 */
void nvsim_chan_unbind(struct nvsim *sim, int id)
{
	struct nvsim_chan *chan;

	spin_lock(&sim->lock);
	chan = sim->chan[id];
	sim->chan[id] = NULL;
	clear_bit(id, sim->bound);
	if (chan)
		nvsim_access_end(sim, chan->inst, -ENODEV);
	spin_unlock(&sim->lock);

	wait_event(sim->wait, !READ_ONCE(sim->calling));
}

/**
 * nvsim_called() - a call that ends a channel is over
 * @sim: the device, whose @calling was raised before
 *
 * Context: takes the device's lock.
 */
void nvsim_called(struct nvsim *sim)
{
	spin_lock(&sim->lock);
	WARN_ON_ONCE(!sim->calling);
	sim->calling--;
	wake_up_all(&sim->wait);
	spin_unlock(&sim->lock);
}

/**
 * nvsim_chan_fault() - an access of a channel has failed
 * @sim: the device
 * @chan: the channel
 * @va: the address
 * @type: the access
 * @reason: why it failed
 * @engine: it was the copy engine's; else it was host's
 *
 * Context: needs the device's lock.
 * Return: NVSIM_WAITS if it will be replayed, or NVSIM_FATAL_FAULT.
 */
enum nvsim_went nvsim_chan_fault(struct nvsim *sim, struct nvsim_chan *chan, u64 va,
				 enum nvsim_type type, enum nvsim_reason reason, bool engine)
{
	lockdep_assert_held(&sim->lock);

	chan->fault = (struct nvsim_fault) {
		.inst = chan->inst,
		.addr = va & PAGE_MASK,
		.type = type,
		.reason = reason,
		.engine = engine ? NVSIM_ENGINE_CE : NVSIM_ENGINE_HOST,
		.client = engine ? NVSIM_CLIENT_CE : NVSIM_CLIENT_HOST,
	};
	if (!engine || !chan->as.replay || !sim->fault.enabled) {
		sim->stats.faults_fatal++;
		return NVSIM_FATAL_FAULT;
	}
	chan->stall = nvsim_fault_try_report(sim, &chan->fault);
	return NVSIM_WAITS;
}

static enum nvsim_went step(struct nvsim *sim, struct nvsim_chan *chan, struct nvsim_why *why)
{
	if (!READ_ONCE(chan->running) || chan->dead || chan->stall == NVSIM_REPORTED)
		return NVSIM_NOTHING_TO_DO;
	if (chan->stall == NVSIM_FAULTED) {
		chan->stall = nvsim_fault_try_report(sim, &chan->fault);
		return NVSIM_WAITS;
	}
	if (chan->ce.busy)
		return nvsim_ce_step(sim, chan, why);
	return nvsim_host_step(sim, chan, why);
}

/* Run a channel for a while. Return whether it got anywhere. */
static bool run_chan(struct nvsim *sim, int id)
{
	struct nvsim_fault fault = {};
	struct nvsim_why why = {};
	enum nvsim_went went = NVSIM_WENT_ON;
	bool fault_is_due = false;
	int runlist = 0, steps;
	u64 inst = 0;

	for (steps = 0; steps < STEPS && went == NVSIM_WENT_ON; steps++) {
		struct nvsim_chan *chan;

		spin_lock(&sim->lock);
		chan = sim->chan[id];
		went = chan ? step(sim, chan, &why) : NVSIM_NOTHING_TO_DO;
		if (went == NVSIM_FATAL_FAULT || went == NVSIM_ILLEGAL) {
			sim->stats.channels_killed++;
			sim->calling++;
			chan->dead = true;
			fault = chan->fault;
			nvsim_access_end(sim, chan->inst, -EFAULT);
		}
		if (chan) {
			inst = chan->inst;
			runlist = chan->runlist;
		}
		if (went == NVSIM_WAITS)
			fault_is_due = nvsim_fault_is_due(sim);
		spin_unlock(&sim->lock);
	}

	/* Without the lock: they take nouveau's. */
	if (fault_is_due)
		sim->ops->fault_pending(sim);
	if (went == NVSIM_INTERRUPTS)
		sim->ops->non_stall(sim, runlist);
	else if (went == NVSIM_FATAL_FAULT)
		sim->ops->mmu_fault(sim, &fault);
	else if (went == NVSIM_ILLEGAL)
		sim->ops->illegal(sim, inst, why.text, why.data);
	if (went == NVSIM_FATAL_FAULT || went == NVSIM_ILLEGAL)
		nvsim_called(sim);
	return steps > 1 || went == NVSIM_INTERRUPTS;
}

/**
 * nvsim_run() - run all channels once
 * @sim: the device
 *
 * Context: may sleep, one caller at a time; takes the device's lock, and calls
 * the device's surroundings.
 * Return: whether anything went on.
 */
bool nvsim_run(struct nvsim *sim)
{
	bool progress, due;
	int id;

	spin_lock(&sim->lock);
	sim->faults_held = 0;
	nvsim_replay_if_due(sim);
	spin_unlock(&sim->lock);

	progress = nvsim_access_step(sim);
	for_each_set_bit(id, sim->bound, NVSIM_CHANS) {
		progress |= run_chan(sim, id);
		cond_resched();
	}

	spin_lock(&sim->lock);
	due = nvsim_fault_is_due(sim);
	nvsim_gate_held(sim, NVSIM_GATE_FAULT, sim->faults_held);
	spin_unlock(&sim->lock);
	if (due)
		sim->ops->fault_pending(sim);
	return progress;
}
