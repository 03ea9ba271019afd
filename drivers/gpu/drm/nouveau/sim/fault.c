// SPDX-License-Identifier: MIT
/*
 * The replayable fault buffer, and what ends the wait of an access in it.
 *
 *	access fails -> nvsim_fault_try_report() -> entry, PUT -> interrupt
 *	                                                            |
 *	access is made again <- nvsim_replay()  <- driver: GET, maps, flushes
 *	channel ends         <- nvsim_cancel()  <-
 *
 * An entry has 8 words: instance block's address (bits 31:12 and 63:32), virtual
 * address (likewise), time, engine, and INFO, whose bit 31, VALID, is written last.
 * Source: clb069.h of open-gpu-doc; of nouveau_svm_fault_cache() are the engine in word 6, and
 * INFO_REPLAYABLE, which the header does not have. The instance block's aperture, bits 9:8 of
 * word 0, is left out.
 *
 * A gate is where a test can hold what is going on. Closed, it lets nothing past;
 * how many wait at it can be read, so that a test knows when to act.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/printk.h>

#include "model.h"

#define ENTRY_WORDS		8
#define INFO_VALID		BIT(31)
#define INFO_REPLAYABLE		BIT(7)
#define INFO_HUB		BIT(20)
#define INFO_CLIENT_SHIFT	8
#define INFO_ACCESS_SHIFT	16

/* How long a flush waits at its gate for a test that may have died. */
#define FLUSH_GATE_SECONDS	30

/**
 * nvsim_fault_report() - write an entry of the fault buffer
 * @sim: the device
 * @fault: what it says
 *
 * Context: needs the device's lock.
 * Return: false if the buffer is full.
 */
bool nvsim_fault_report(struct nvsim *sim, const struct nvsim_fault *fault)
{
	struct nvsim_fault_buffer *buffer = &sim->fault;
	const u32 get = READ_ONCE(*buffer->get), put = READ_ONCE(*buffer->put);
	const u64 now = ktime_get_ns();
	const u32 entries = buffer->entries;
	u32 *entry, pending, next, valid = INFO_VALID;

	lockdep_assert_held(&sim->lock);

	if (get >= entries || put >= entries)
		return false;	/* The CPU has written nonsense there. */
	pending = put >= get ? put - get : put + entries - get;
	/* One entry stays free: a full buffer would look like an empty one. */
	if (pending + 1 >= (buffer->limit ? clamp(buffer->limit, 2, entries) : entries))
		return false;

	entry = buffer->entry + put * ENTRY_WORDS;
	entry[0] = lower_32_bits(fault->inst);
	entry[1] = upper_32_bits(fault->inst);
	entry[2] = lower_32_bits(fault->addr & PAGE_MASK);
	entry[3] = upper_32_bits(fault->addr);
	entry[4] = lower_32_bits(now);
	entry[5] = upper_32_bits(now);
	entry[6] = fault->engine;
	if (atomic_dec_if_positive(&sim->drop_valid) >= 0)
		valid = 0;
	/* Pairs with the reader, who looks at PUT, then at VALID, then at the rest. */
	smp_store_release(&entry[7], valid | INFO_HUB | INFO_REPLAYABLE |
			  fault->client << INFO_CLIENT_SHIFT |
			  fault->type << INFO_ACCESS_SHIFT | fault->reason);
	next = put + 1 == entries ? 0 : put + 1;
	/* Pairs with the reader's look at PUT: the entry is there. */
	smp_store_release(buffer->put, next);
	buffer->pending = true;
	return true;
}

/**
 * nvsim_fault_try_report() - report a fault, if nothing is in the way
 * @sim: the device
 * @fault: the fault
 *
 * In the way may be a full buffer, or the gate: then it is to be tried again.
 *
 * Context: needs the device's lock.
 * Return: the state of what has faulted.
 */
enum nvsim_stall nvsim_fault_try_report(struct nvsim *sim, const struct nvsim_fault *fault)
{
	if (sim->hold[NVSIM_GATE_FAULT]) {
		sim->faults_held++;
		return NVSIM_FAULTED;
	}
	if (!nvsim_fault_report(sim, fault)) {
		sim->stats.faults_put_off++;
		return NVSIM_FAULTED;
	}

	switch (fault->type) {
	case NVSIM_READ:
		sim->stats.faults_read++;
		break;
	case NVSIM_WRITE:
		sim->stats.faults_write++;
		break;
	case NVSIM_ATOMIC:
		sim->stats.faults_atomic++;
		break;
	case NVSIM_PREFETCH:
		sim->stats.faults_prefetch++;
		break;
	}
	return NVSIM_REPORTED;
}

/**
 * nvsim_fault_is_due() - take note of the fault buffer's interrupt
 * @sim: the device
 *
 * Context: needs the device's lock.
 * Return: whether the interrupt has to be raised; it counts as raised then.
 */
bool nvsim_fault_is_due(struct nvsim *sim)
{
	struct nvsim_fault_buffer *buffer = &sim->fault;

	lockdep_assert_held(&sim->lock);

	if (!buffer->pending || !buffer->armed)
		return false;
	nvsim_gate_held(sim, NVSIM_GATE_NOTIFY, sim->hold[NVSIM_GATE_NOTIFY]);
	if (sim->hold[NVSIM_GATE_NOTIFY])
		return false;
	buffer->pending = false;
	return true;
}

/**
 * nvsim_fault_arm() - enable or disable the fault buffer's interrupt
 * @sim: the device
 * @armed: enable it
 *
 * It is raised if there are entries, whenever they came.
 *
 * Context: any; takes no lock, nouveau calls it with locks that others hold around
 * the model's.
 */
void nvsim_fault_arm(struct nvsim *sim, bool armed)
{
	struct nvsim_fault_buffer *buffer = &sim->fault;

	if (armed && READ_ONCE(*buffer->get) != READ_ONCE(*buffer->put))
		WRITE_ONCE(buffer->pending, true);
	WRITE_ONCE(buffer->armed, armed);
}

static void replay(struct nvsim *sim)
{
	struct nvsim_access *access;
	int id;

	for_each_set_bit(id, sim->bound, NVSIM_CHANS) {
		if (sim->chan[id]->stall == NVSIM_REPORTED)
			sim->chan[id]->stall = NVSIM_RUNS;
	}
	list_for_each_entry(access, &sim->access, head) {
		if (access->stall == NVSIM_REPORTED)
			access->stall = NVSIM_RUNS;
	}
	sim->ops->wake(sim);
}

/**
 * nvsim_replay() - have all accesses whose fault was reported made again
 * @sim: the device
 *
 * Context: takes the device's lock.
 */
void nvsim_replay(struct nvsim *sim)
{
	spin_lock(&sim->lock);
	if (atomic_dec_if_positive(&sim->drop_replays) >= 0) {
		sim->stats.replays_dropped++;
	} else if (sim->hold[NVSIM_GATE_REPLAY]) {
		sim->replay_due = true;
		nvsim_gate_held(sim, NVSIM_GATE_REPLAY, sim->held[NVSIM_GATE_REPLAY] + 1);
	} else {
		sim->stats.replays++;
		replay(sim);
	}
	spin_unlock(&sim->lock);
}

/**
 * nvsim_replay_if_due() - do the replay that waited at its gate, if that is open
 * @sim: the device
 *
 * Context: needs the device's lock.
 */
void nvsim_replay_if_due(struct nvsim *sim)
{
	lockdep_assert_held(&sim->lock);

	if (!sim->replay_due || sim->hold[NVSIM_GATE_REPLAY])
		return;
	sim->replay_due = false;
	nvsim_gate_held(sim, NVSIM_GATE_REPLAY, 0);
	sim->stats.replays++;
	replay(sim);
}

/**
 * nvsim_cancel() - end a channel whose fault cannot be resolved
 * @sim: the device
 * @inst: address of its instance block, as its fault said
 *
 * A channel that waits for no replay is left alone.
 *
 * Context: takes the device's lock, and calls the device's surroundings.
 */
void nvsim_cancel(struct nvsim *sim, u64 inst)
{
	struct nvsim_access *access;
	struct nvsim_fault fault;
	bool found = false;
	int id;

	spin_lock(&sim->lock);
	for_each_set_bit(id, sim->bound, NVSIM_CHANS) {
		struct nvsim_chan *chan = sim->chan[id];

		if (chan->dead || chan->inst != inst || chan->stall != NVSIM_REPORTED)
			continue;
		fault = chan->fault;
		found = true;
	}
	list_for_each_entry(access, &sim->access, head) {
		if (access->inst != inst || access->stall != NVSIM_REPORTED)
			continue;
		fault = access->fault;
		found = true;
	}
	if (found) {
		sim->stats.cancels++;
		sim->stats.channels_killed++;
		sim->calling++;
		for_each_set_bit(id, sim->bound, NVSIM_CHANS) {
			if (sim->chan[id]->inst == inst)
				sim->chan[id]->dead = true;
		}
		nvsim_access_end(sim, inst, -EFAULT);
	} else {
		sim->stats.cancels_missed++;
	}
	spin_unlock(&sim->lock);

	if (found) {
		sim->ops->mmu_fault(sim, &fault);
		nvsim_called(sim);
	}
}

/**
 * nvsim_gate_held() - say how many wait at a gate
 * @sim: the device
 * @gate: the gate
 * @held: how many
 *
 * Context: needs the device's lock.
 */
void nvsim_gate_held(struct nvsim *sim, enum nvsim_gate gate, u32 held)
{
	lockdep_assert_held(&sim->lock);

	if (sim->held[gate] == held)
		return;
	sim->held[gate] = held;
	wake_up_all(&sim->wait);
}

/**
 * nvsim_gate_set() - close or open a gate
 * @sim: the device
 * @gate: the gate
 * @hold: close it
 *
 * Context: takes the device's lock.
 */
void nvsim_gate_set(struct nvsim *sim, enum nvsim_gate gate, bool hold)
{
	spin_lock(&sim->lock);
	sim->hold[gate] = hold;
	wake_up_all(&sim->wait);
	spin_unlock(&sim->lock);
}

/**
 * nvsim_gate_flush() - a flush passes its gate
 * @sim: the device
 *
 * Context: may sleep if the gate is closed.
 */
void nvsim_gate_flush(struct nvsim *sim)
{
	if (likely(!READ_ONCE(sim->hold[NVSIM_GATE_FLUSH])))
		return;

	spin_lock(&sim->lock);
	nvsim_gate_held(sim, NVSIM_GATE_FLUSH, sim->held[NVSIM_GATE_FLUSH] + 1);
	spin_unlock(&sim->lock);

	if (!wait_event_timeout(sim->wait, !READ_ONCE(sim->hold[NVSIM_GATE_FLUSH]),
				FLUSH_GATE_SECONDS * HZ)) {
		pr_warn("nouveau-sim: a flush was held for %d s, the gate is opened\n",
			FLUSH_GATE_SECONDS);
		nvsim_gate_set(sim, NVSIM_GATE_FLUSH, false);
	}

	spin_lock(&sim->lock);
	nvsim_gate_held(sim, NVSIM_GATE_FLUSH, sim->held[NVSIM_GATE_FLUSH] - 1);
	spin_unlock(&sim->lock);
}
