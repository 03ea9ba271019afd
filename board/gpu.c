// SPDX-License-Identifier: MIT
/*
 * Carries out what writes to registers ask for (struct pri_ask) and what steps of channels return
 * (enum channel_went).
 *
 *	fault:	channel_step() -> wait -> fault buffer -> interrupt -> driver
 *	replay:	0x100cbc -> flush -> waits end -> channel_step()
 *	cancel:	0x100cbc -> the wait that 0x409b00 named ends its channel
 *
 * Silicon of this generation reports faults of shaders for a replay, and those of its copy engines
 * end the channel. The board has no shaders: its copy engine stands in for them, unless the knob
 * `strict' is set.
 */
#include <string.h>

#include "gpu.h"

#define MS		1000000
#define STEPS		64	/* of a channel, until it is another's turn */
#define STATUS_VALID	(1 << 13)
#define STATUS_TSG	(1 << 12)
#define STATUS_FAULTED	(1 << 30)
#define USERD_SIZE	0x200
#define USERD_GP_PUT	0x8c
#define UNLIMITED	INT64_MAX
#define SEARCH_EVERY	(10 * MS)	/* between two pieces of the oracle's search */
#define SEARCH_AGAIN	(500 * MS)	/* between two searches */
#define GUEST_MIN	(64ULL << 20)	/* the guest's memory is at least that large */
/* IADD, unsigned. */
#define HAND_ATOMIC	(REDUCE_ADD | REDUCE_UNSIGNED)

static uint64_t knob(const struct gpu *gpu, enum knob nr)
{
	return gpu->knobs.value[nr];
}

static uint64_t now(const struct gpu *gpu)
{
	return event_now(gpu->events);
}

/* What PTIMER shows, for what the device writes. */
static uint64_t ptimer(const struct gpu *gpu)
{
	return timer_time(&gpu->pri.timer, now(gpu));
}

static bool asleep(const struct gpu *gpu)
{
	return pci_power(&gpu->pci) || knob(gpu, KNOB_all_ones);
}

/* ---- interrupts ---- */

static void update_interrupt(struct gpu *gpu)
{
	const bool notify = gpu->gates.closed[GATE_notify];

	gpu->pri.fault_held = notify;
	gpu->pri.fault_level = knob(gpu, KNOB_fault_level);
	gpu->gates.held[GATE_notify] = notify && gpu->pri.fault_buffer.pulse;
	if (!gpu->armed || asleep(gpu) || !pri_interrupts(&gpu->pri))
		return;
	/* A message is a write to memory, and needs bus mastering; INTx does not. */
	if (gpu->access.memory.bus_off && !gpu->intx(gpu->interrupt_arg))
		return;
	if (knob(gpu, KNOB_drop_interrupts) && gpu->interrupts) {
		knob_take(&gpu->knobs, KNOB_drop_interrupts);
	} else {
		/* Not enabled by the client: it stays due. */
		gpu->interrupts = gpu->interrupt(gpu->interrupt_arg);
		if (!gpu->interrupts)
			return;
		stat_add(gpu->events, STAT_interrupts, 1);
		event(gpu->events, EVENT_interrupt, -1, 0, pri_pending(&gpu->pri));
	}
	gpu->armed = false;
	gpu->pri.signalled = pri_pending(&gpu->pri) & gpu->pri.mc.mask[0];
}

/* ---- channels ---- */

static void hand_done(struct gpu *gpu, struct gpu_access *hand, enum gpu_access_state state)
{
	if (hand->state != ACCESS_RUNNING)
		return;
	hand->state = state;
	hand->wait.stall = STALL_NONE;
	gpu->pending--;
}

/* What was wanted in the name of an instance block ends. */
static void hand_end(struct gpu *gpu, uint64_t inst)
{
	for (uint32_t i = 0; i < gpu->hands; i++)
		if (gpu->hand[i].inst == inst)
			hand_done(gpu, &gpu->hand[i], ACCESS_CANCELLED);
}

/* Whose context is loaded on the copy engine; for recovery, which resets the engine if it is. */
static void load(struct gpu *gpu, const struct gpu_chan *chan)
{
	gpu->pri.fifo.engine_status[ENGINE_CE] = STATUS_VALID | STATUS_TSG | chan->tsg;
}

static void unload(struct gpu *gpu, unsigned int tsg)
{
	if ((gpu->pri.fifo.engine_status[ENGINE_CE] & ~STATUS_FAULTED) ==
	    (STATUS_VALID | STATUS_TSG | tsg))
		gpu->pri.fifo.engine_status[ENGINE_CE] = 0;
}

static void kill_channel(struct gpu *gpu, struct gpu_chan *chan)
{
	stat_add(gpu->events, STAT_channels_killed, 1);
	event(gpu->events, EVENT_dead, chan->channel.id, chan->channel.inst, 0);
	chan->dead = true;
	chan->wait.stall = STALL_NONE;
	hand_end(gpu, chan->channel.inst);
}

/* A fault that is not replayed ends its channel. */
static void fatal(struct gpu *gpu, struct gpu_chan *chan, const struct fault *fault)
{
	struct fault f = *fault;

	/* Host's MMU engines are its PBDMAs. */
	if (f.engine == FAULT_ENGINE_HOST)
		f.engine += fifo_pbdma_of(&gpu->pri.fifo, chan->runlist);
	/* The unit has a fault that the driver has not taken yet: this one waits for that. */
	if (gpu->pri.fifo.fault_id & 1U << f.engine % FIFO_UNITS) {
		chan->wait = (struct gpu_wait) { STALL_FATAL, *fault, now(gpu), 0 };
		return;
	}
	stat_add(gpu->events, STAT_faults_fatal, 1);
	event(gpu->events, EVENT_fault_fatal, chan->channel.id, f.va, fault_info(&f));
	fifo_fault(&gpu->pri.fifo, &f, chan->runlist);
	load(gpu, chan);
	kill_channel(gpu, chan);
}

/* Something in the pushbuffer was none: the PBDMA says so and waits. */
static void illegal(struct gpu *gpu, struct gpu_chan *chan)
{
	const struct channel_illegal *why = &chan->channel.illegal;
	struct pri_pbdma *pbdma = &gpu->pri.pbdma[fifo_pbdma_of(&gpu->pri.fifo, chan->runlist)];

	event_once(gpu->events, GUEST_ERROR, 0x5000000000000ULL | (uint64_t)why->mthd << 32 | why->data,
		   "channel %d: %s: subchannel %u method %#x data %#x", chan->channel.id,
		   why->text, why->subc, why->mthd, why->data);
	pbdma->intr |= why->pbdma;
	pbdma->method = why->subc << 16 | why->mthd;
	pbdma->data = why->data;
	pbdma->channel = chan->channel.id;
	if (why->pbdma == PBDMA_DEVICE)
		return;
	chan->illegal = true;
	stat_add(gpu->events, STAT_channels_killed, 1);
	event(gpu->events, EVENT_dead, chan->channel.id, chan->channel.inst, why->pbdma);
	hand_end(gpu, chan->channel.inst);
}

static void bind(struct gpu *gpu, unsigned int id, uint64_t inst)
{
	struct gpu_chan *chan = &gpu->chan[id];
	const char *why;

	*chan = (struct gpu_chan) { .channel = { .id = id, .inst = inst } };
	why = channel_load(&chan->channel, &gpu->access.memory);
	if (why) {
		event_once(gpu->events, GUEST_ERROR, 0x6000000000000ULL | id,
			   "channel %u is bound: %s", id, why);
		return;
	}
	chan->bound = true;
	chan->enabled = gpu->pri.fifo.enabled[id];
	if (id >= gpu->chans)
		gpu->chans = id + 1;
	event(gpu->events, EVENT_bind, id, inst, chan->channel.space.pdb);
}

static void unbind(struct gpu *gpu, unsigned int id)
{
	struct gpu_chan *chan = &gpu->chan[id];
	const uint64_t pdb = chan->channel.space.pdb;
	bool used = false;

	if (!chan->bound)
		return;
	event(gpu->events, EVENT_unbind, id, chan->channel.inst, 0);
	hand_end(gpu, chan->channel.inst);
	unload(gpu, chan->tsg);
	*chan = (struct gpu_chan) {};
	while (gpu->chans && !gpu->chan[gpu->chans - 1].bound)
		gpu->chans--;
	for (unsigned int i = 0; i < gpu->chans && !used; i++)
		used = gpu->chan[i].bound && gpu->chan[i].channel.space.pdb == pdb;
	if (!used)
		access_forget(&gpu->access, pdb);
}

static bool is_listed(const struct gpu *gpu, unsigned int tsg)
{
	for (unsigned int i = 0; i < gpu->chans; i++)
		if (gpu->chan[i].listed && gpu->chan[i].tsg == tsg)
			return true;
	return false;
}

/*
 * A runlist: an entry of 8 bytes is a channel group's header (bit 13), with how many channels
 * follow (31:26), or a channel. Sources: hw_ram_gp106.h of nvgpu; gk110_runl_insert_cgrp() and
 * gp100_runl_insert_chan() of nouveau.
 */
static void runlist(struct gpu *gpu, const struct pri_ask *ask)
{
	const unsigned int id = ask->data >> 20 & 0xf, entries = ask->data & 0xffff;
	unsigned int tsg = 0, left = 0;
	bool was_listed[FIFO_CHANNELS] = {};
	uint32_t word;

	event(gpu->events, EVENT_runlist, -1, ask->addr, ask->data);
	if (id >= FIFO_RUNLISTS) {
		event_once(gpu->events, GUEST_ERROR, 0x7000000000000ULL | id,
			   "runlist %u is submitted, there is none", id);
		return;
	}
	/* All of it is read, or nothing is changed. */
	gpu->access.chan = -1;
	for (unsigned int i = 0; i < entries; i++) {
		if (!access_physical(&gpu->access, ask->aperture, ask->addr + i * 8ULL, false,
				     &word, 4)) {
			event_once(gpu->events, GUEST_ERROR, 0x8000000000000ULL | id,
				   "runlist %u cannot be read", id);
			return;
		}
	}
	for (unsigned int i = 0; i < gpu->chans; i++) {
		was_listed[i] = gpu->chan[i].listed && gpu->chan[i].runlist == id;
		if (was_listed[i])
			gpu->chan[i].listed = false;
	}
	for (unsigned int i = 0; i < entries; i++) {
		struct gpu_chan *chan;

		access_physical(&gpu->access, ask->aperture, ask->addr + i * 8ULL, false, &word, 4);
		if (word & 1 << 13) {
			tsg = word & 0xfff;
			left = word >> 26;
			continue;
		}
		if ((word & 0xfff) < FIFO_CHANNELS) {
			chan = &gpu->chan[word & 0xfff];
			chan->listed = true;
			chan->runlist = id;
			chan->tsg = left ? tsg : word & 0xfff;
		}
		left -= left ? 1 : 0;
	}
	for (unsigned int i = 0; i < gpu->chans; i++)
		if (was_listed[i] && !gpu->chan[i].listed && !is_listed(gpu, gpu->chan[i].tsg))
			unload(gpu, gpu->chan[i].tsg);
	gpu->kick = true;
}

static bool can_run(const struct gpu *gpu, const struct gpu_chan *chan)
{
	const uint32_t stopped = gpu->pri.fifo.runlist_block | gpu->pri.fifo.runlist_error;

	/* A PBDMA that interrupts stands. */
	return chan->bound && chan->enabled && chan->listed && !chan->dead &&
	       !gpu->pri.pbdma[fifo_pbdma_of(&gpu->pri.fifo, chan->runlist)].intr &&
	       !(stopped & 1U << chan->runlist);
}

/* ---- faults ---- */

/* Try to put a fault into the fault buffer. */
static void report(struct gpu *gpu, int id, struct gpu_wait *wait)
{
	static const enum stat_id of[] = { STAT_faults_read, STAT_faults_write, STAT_faults_atomic,
					STAT_faults_prefetch };
	struct pri_fault_buffer *buffer = &gpu->pri.fault_buffer;
	uint32_t word[FAULT_ENTRY_WORDS], info;
	enum fault_reason reason;
	uint64_t at;

	if (gpu->gates.closed[GATE_fault]) {
		gpu->gates.held[GATE_fault]++;
		return;
	}
	if (now(gpu) - wait->since < knob(gpu, KNOB_delay_fault) * 1000)
		return;
	if (!fault_buffer_room(buffer, knob(gpu, KNOB_fault_entries), &at)) {
		stat_add(gpu->events, STAT_faults_put_off, 1);
		if (wait->stall == STALL_FAULTED && !wait->order) {
			event(gpu->events, EVENT_fault_full, id, wait->fault.va, 0);
			wait->order = 1;	/* said once */
		}
		return;
	}
	fault_entry(&wait->fault, ptimer(gpu), word);
	if (knob_take(&gpu->knobs, KNOB_drop_valid))
		word[7] &= ~(1U << 31);
	info = word[7];
	/* VALID comes last: the reader looks at PUT, then at VALID, then at the rest. */
	word[7] = 0;
	if (!window_access(&gpu->bar[1], &gpu->access, at, true, word, sizeof(word), &reason) ||
	    !window_access(&gpu->bar[1], &gpu->access, at + 28, true, &info, 4, &reason)) {
		event_once(gpu->events, GUEST_ERROR, 0x9000000000000ULL,
			   "the fault buffer is not in BAR2: %#llx", (unsigned long long)at);
		return;
	}
	fault_buffer_advance(buffer);
	wait->stall = STALL_REPORTED;
	wait->order = ++gpu->orders;
	if (wait->fault.type < sizeof(of) / sizeof(of[0]))
		stat_add(gpu->events, of[wait->fault.type], 1);
	event(gpu->events, EVENT_fault, id, wait->fault.va, info);
}

/* An access has failed: it waits for a replay, or its channel ends. */
static void faulted(struct gpu *gpu, struct gpu_chan *chan, const struct vmm_space *space,
		    const struct fault *fault, struct gpu_wait *wait)
{
	if (fault->engine != FAULT_ENGINE_CE || !space->replay || knob(gpu, KNOB_strict) ||
	    !gpu->pri.fault_buffer.enabled) {
		fatal(gpu, chan, fault);
		return;
	}
	access_is_process(&gpu->access, space->pdb, fault->va);
	*wait = (struct gpu_wait) { STALL_FAULTED, *fault, now(gpu), 0 };
	report(gpu, chan->channel.id, wait);
}

/*
 * The wait whose fault was reported first, of an instance block or, for 0, of all; and whose it
 * is. NULL: none waits.
 */
static struct gpu_wait *first_wait(struct gpu *gpu, uint64_t inst, struct gpu_chan **whose)
{
	struct gpu_wait *first = NULL;

	for (unsigned int i = 0; i < gpu->chans; i++) {
		struct gpu_wait *wait = &gpu->chan[i].wait;

		if (gpu->chan[i].bound && wait->stall == STALL_REPORTED &&
		    (!inst || wait->fault.inst == inst) && (!first || wait->order < first->order)) {
			first = wait;
			*whose = &gpu->chan[i];
		}
	}
	for (uint32_t i = 0; i < gpu->hands; i++) {
		struct gpu_wait *wait = &gpu->hand[i].wait;

		if (gpu->hand[i].state == ACCESS_RUNNING && wait->stall == STALL_REPORTED &&
		    (!inst || wait->fault.inst == inst) && (!first || wait->order < first->order)) {
			first = wait;
			*whose = &gpu->chan[gpu->hand[i].chan];
		}
	}
	return first;
}

/* Of the instance block that 0x409b00 named last. */
static void cancel(struct gpu *gpu, uint64_t inst)
{
	struct gpu_chan *chan;
	struct gpu_wait *wait = inst ? first_wait(gpu, inst, &chan) : NULL;
	struct fault fault;

	if (!wait) {
		stat_add(gpu->events, STAT_cancels_missed, 1);
		return;
	}
	stat_add(gpu->events, STAT_cancels, 1);
	fault = wait->fault;
	event(gpu->events, EVENT_cancel, chan->channel.id, fault.va, 0);
	wait->stall = STALL_NONE;
	fatal(gpu, chan, &fault);
}

static void replay(struct gpu *gpu)
{
	stat_add(gpu->events, STAT_replays, 1);
	event(gpu->events, EVENT_replay, -1, 0, 0);
	for (unsigned int i = 0; i < gpu->chans; i++)
		if (gpu->chan[i].wait.stall == STALL_REPORTED)
			gpu->chan[i].wait.stall = STALL_NONE;
	for (uint32_t i = 0; i < gpu->hands; i++)
		if (gpu->hand[i].wait.stall == STALL_REPORTED)
			gpu->hand[i].wait.stall = STALL_NONE;
	gpu->kick = true;
}

static void want_replay(struct gpu *gpu)
{
	if (knob_take(&gpu->knobs, KNOB_drop_replays)) {
		stat_add(gpu->events, STAT_replays_dropped, 1);
		return;
	}
	if (gpu->gates.closed[GATE_replay])
		gpu->gates.held[GATE_replay]++;
	/* One that waits is not put off by the next. */
	if (!gpu->replay_due)
		gpu->replay_at = now(gpu) + knob(gpu, KNOB_delay_replay) * 1000;
	gpu->replay_due = true;
}

static void replay_if_due(struct gpu *gpu)
{
	if (!gpu->replay_due || gpu->gates.closed[GATE_replay] || now(gpu) < gpu->replay_at)
		return;
	gpu->replay_due = false;
	gpu->gates.held[GATE_replay] = 0;
	replay(gpu);
}

/* ---- TLB flushes ---- */

static void layout(struct gpu *gpu)
{
	const uint32_t changed = bar2_layout(&gpu->bar2, asleep(gpu) ? NULL : &gpu->bar[1],
					     &gpu->access);

	if (changed)
		event(gpu->events, EVENT_bar2_map, -1, 0, changed);
}

/* A flush of BAR1 or BAR2: what knobs and gates are for is the processes' address spaces. */
static bool is_bar(const struct gpu *gpu, const struct gpu_flush *f)
{
	return !mmu_all_pdb(f->data) &&
	       ((gpu->bar[0].bound && f->pdb == gpu->bar[0].space.pdb) ||
		(gpu->bar[1].bound && f->pdb == gpu->bar[1].space.pdb));
}

static void flush(struct gpu *gpu, const struct gpu_flush *f)
{
	const uint64_t pdb = f->pdb;
	const uint32_t data = f->data;
	const enum mmu_replay what = mmu_replay(data);

	if (what == REPLAY_NONE && !is_bar(gpu, f) &&
	    knob_take(&gpu->knobs, KNOB_drop_flushes)) {
		stat_add(gpu->events, STAT_flushes_dropped, 1);
	} else if (what == REPLAY_NONE || knob(gpu, KNOB_replay_flushes)) {
		if (mmu_all_pdb(data))
			tlb_flush_all(&gpu->access.tlb);
		else
			tlb_flush(&gpu->access.tlb, pdb);
	}
	if (what == REPLAY_NONE) {
		stat_add(gpu->events, STAT_flushes, 1);
		event(gpu->events, EVENT_flush, -1, pdb, data);
		/* A replay drops everything as well, but no page table has changed for it. */
		if (mmu_all_pdb(data) || pdb == gpu->bar[1].space.pdb)
			layout(gpu);
	}
	switch (what) {
	case REPLAY_NONE:
		break;
	case REPLAY_START:
	case REPLAY_START_ACK_ALL:
		want_replay(gpu);
		break;
	case REPLAY_CANCEL_TARGETED:
	case REPLAY_CANCEL_GLOBAL:
		cancel(gpu, f->inst);
		break;
	default:
		event_once(gpu->events, GUEST_ERROR, 0xa000000000000ULL | data,
			   "0x100cbc = %#x: no such replay", data);
	}
}

/* Since when a gate holds something. */
static void note_held(struct gpu *gpu, unsigned int gate)
{
	const bool holds = gpu->gates.closed[gate] && gpu->gates.held[gate];

	if (holds && !gpu->holds[gate])
		gpu->held_since[gate] = now(gpu);
	gpu->holds[gate] = holds;
}

/* Do what waits, in the order it came, as far as its time has come. */
static void flush_what_is_due(struct gpu *gpu)
{
	uint32_t done = 0;

	if (!gpu->gates.closed[GATE_flush]) {
		while (done < gpu->flushes && gpu->flush[done].due <= now(gpu)) {
			const struct gpu_flush f = gpu->flush[done++];

			flush(gpu, &f);
		}
		memmove(gpu->flush, gpu->flush + done,
			(gpu->flushes - done) * sizeof(gpu->flush[0]));
		gpu->flushes -= done;
	}
	gpu->gates.held[GATE_flush] = gpu->gates.closed[GATE_flush] ? gpu->flushes : 0;
	note_held(gpu, GATE_flush);
	gpu->pri.mmu.busy = gpu->flushes;
	timer_stand(&gpu->pri.timer, gpu->flushes, now(gpu));
}

static void invalidate(struct gpu *gpu, const struct pri_ask *ask)
{
	const struct gpu_flush f = {
		.pdb = ask->addr, .data = ask->data, .inst = gpu->pri.gr.current,
		.due = now(gpu) + knob(gpu, KNOB_delay_flush) * 1000,
	};

	if (mmu_replay(f.data) != REPLAY_NONE)
		gpu->pri.gr.current = 0;
	if (is_bar(gpu, &f)) {
		flush(gpu, &f);
		return;
	}
	if (gpu->flushes == GPU_FLUSHES) {
		event_once(gpu->events, GUEST_ERROR, 0xb000000000000ULL,
			   "0x100cbc is written, and 0x100c80 says that there is no room");
		return;
	}
	gpu->flush[gpu->flushes++] = f;
	flush_what_is_due(gpu);
}

/* ---- registers ---- */

static void bind_bar(struct gpu *gpu, unsigned int nr, uint32_t reg)
{
	uint64_t inst;
	const bool bound = bus_block(reg, &inst);

	if (!window_bind(&gpu->bar[nr], &gpu->access.memory, bound, inst))
		event_once(gpu->events, GUEST_ERROR, 0xc000000000000ULL | reg,
			   "BAR%u's instance block is outside of VRAM: %#x", nr + 1, reg);
	if (nr == 1)
		layout(gpu);
}

static void engines(struct gpu *gpu, uint32_t reset)
{
	if (reset & 1U << RESET_GR)
		gpu->pri.fifo.engine_status[ENGINE_GR] = 0;
	if (reset & 1U << RESET_CE)
		gpu->pri.fifo.engine_status[ENGINE_CE] = 0;
	if (!(reset & 1U << RESET_FIFO))
		return;
	for (unsigned int i = gpu->chans; i--;)
		unbind(gpu, i);
	fifo_reset(&gpu->pri.fifo, gpu->pri.ce_runlist);
	for (unsigned int i = 0; i < FIFO_PBDMAS; i++)
		pbdma_reset(&gpu->pri.pbdma[i]);
}

static void enable(struct gpu *gpu, unsigned int id, bool on)
{
	gpu->chan[id].enabled = on;
	event(gpu->events, on ? EVENT_start : EVENT_stop, id, gpu->chan[id].channel.inst, 0);
	if (on)
		gpu->kick = true;
}

static void do_ask(struct gpu *gpu, const struct pri_ask *ask)
{
	switch (ask->what) {
	case ASKS_NOTHING:
		break;
	case ASKS_BAR1:
		bind_bar(gpu, 0, gpu->pri.bus.bar1);
		break;
	case ASKS_BAR2:
		bind_bar(gpu, 1, gpu->pri.bus.bar2);
		break;
	case ASKS_INVALIDATE:
		invalidate(gpu, ask);
		break;
	case ASKS_BIND:
		bind(gpu, ask->chan, ask->addr);
		gpu->kick = true;
		break;
	case ASKS_UNBIND:
		if (gpu->chan[ask->chan].bound)
			channel_save(&gpu->chan[ask->chan].channel, &gpu->access.memory);
		unbind(gpu, ask->chan);
		break;
	case ASKS_START:
	case ASKS_STOP:
		enable(gpu, ask->chan, ask->what == ASKS_START);
		break;
	case ASKS_RUNLIST:
		runlist(gpu, ask);
		break;
	case ASKS_PREEMPT:
		event(gpu->events, EVENT_preempt, -1, 0, ask->data);
		unload(gpu, ask->data & 0xfff);
		break;
	case ASKS_TRIGGER_FAULT: {
		struct fault fault = { .engine = ask->data, .client = FAULT_CLIENT_HOST };

		/* Who triggers it waits for the engine to say so. */
		gpu->pri.fifo.engine_status[ask->chan] |= STATUS_FAULTED;
		if (!(gpu->pri.fifo.fault_id & 1U << fault.engine))
			fifo_fault(&gpu->pri.fifo, &fault, -1);
		break;
	}
	case ASKS_PBDMA:
	case ASKS_SCHEDULE:
	case ASKS_FAULT_BUFFER:
		gpu->kick = true;
		break;
	case ASKS_ENGINES:
		engines(gpu, ask->data);
		break;
	}
}

/* Windows in BAR0 that are not registers. */
#define XVE_FIRST	0x088000	/* the configuration space; dev_nv_xve.h (gm107) */
#define XVE_LAST	0x088fff
#define XVE_REARM	0x704		/* CYA_2: the next message may be signalled */
#define PROM_FIRST	0x300000
#define PROM_LAST	0x3fffff
#define PRAMIN_FIRST	0x700000
#define PRAMIN_LAST	0x7fffff

static uint64_t pramin(const struct gpu *gpu, uint32_t addr, enum aperture *aperture)
{
	return bus_pramin(&gpu->pri.bus, aperture) + (addr - PRAMIN_FIRST);
}

static uint32_t bar0_read(struct gpu *gpu, uint32_t addr)
{
	enum aperture aperture;
	uint32_t value = ~0U;

	if (addr >= PRAMIN_FIRST && addr <= PRAMIN_LAST) {
		const uint64_t at = pramin(gpu, addr, &aperture);

		gpu->access.chan = -1;
		access_physical(&gpu->access, aperture, at, false, &value, 4);
		return value;
	}
	if (addr >= PROM_FIRST && addr <= PROM_LAST) {
		if (addr - PROM_FIRST < VBIOS_SIZE)
			memcpy(&value, gpu->vbios + (addr - PROM_FIRST), 4);
		return value;
	}
	if (addr >= XVE_FIRST && addr <= XVE_LAST) {
		pci_read(&gpu->pci, addr - XVE_FIRST, &value, 4);
		return value;
	}
	if (addr == 0x409b00) {
		struct gpu_chan *chan;

		gpu->pri.gr.current = first_wait(gpu, 0, &chan) ? chan->channel.inst : 0;
	}
	return pri_read(&gpu->pri, addr);
}

static void bar0_write(struct gpu *gpu, uint32_t addr, uint32_t value)
{
	struct pri_ask ask = { .what = ASKS_NOTHING };
	enum aperture aperture;

	if (addr >= PRAMIN_FIRST && addr <= PRAMIN_LAST) {
		const uint64_t at = pramin(gpu, addr, &aperture);

		gpu->access.chan = -1;
		access_physical(&gpu->access, aperture, at, true, &value, 4);
		return;
	}
	if (addr >= PROM_FIRST && addr <= PROM_LAST)
		return;
	if (addr >= XVE_FIRST && addr <= XVE_LAST) {
		if (addr - XVE_FIRST == XVE_REARM)
			gpu->armed = true;
		return;
	}
	pri_write(&gpu->pri, addr, value, &ask);
	/* Without messages nobody rearms: it is a level, looked at when the mask is opened. */
	if ((addr == 0x000160 || addr == 0x000164) && gpu->intx(gpu->interrupt_arg))
		gpu->armed = true;
	do_ask(gpu, &ask);
}

/* The registers that have to be read and written as words, in pieces of any size. */
static void bar0(struct gpu *gpu, uint64_t offset, uint8_t *bytes, uint32_t len, bool write)
{
	while (len) {
		const uint32_t addr = offset & ~3U, in = offset & 3;
		const uint32_t n = len < 4 - in ? len : 4 - in;
		uint32_t value = 0;

		if (write) {
			/* A part of a word: the rest of it stays. */
			if (n < 4 && addr >= PRAMIN_FIRST && addr <= PRAMIN_LAST)
				value = bar0_read(gpu, addr);
			memcpy((uint8_t *)&value + in, bytes, n);
			stat_add(gpu->events, STAT_mmio_writes, 1);
			event(gpu->events, EVENT_mmio_write, -1, offset, value);
			bar0_write(gpu, addr, value);
		} else {
			value = bar0_read(gpu, addr);
			stat_add(gpu->events, STAT_mmio_reads, 1);
			event(gpu->events, EVENT_mmio_read, -1, offset, value);
			memcpy(bytes, (uint8_t *)&value + in, n);
		}
		offset += n;
		bytes += n;
		len -= n;
	}
}

/* ---- BAR1 and BAR2 ---- */

static uint64_t first_word(const void *buf, uint32_t len)
{
	uint64_t value = 0;

	memcpy(&value, buf, len < 8 ? len : 8);
	return value;
}

static void bar(struct gpu *gpu, unsigned int nr, uint64_t offset, void *buf, uint32_t len,
		bool write)
{
	const uint64_t userd = (uint64_t)(gpu->pri.fifo.userd_bar1 & 0x0fffffff) << 12;
	enum fault_reason reason;

	gpu->access.chan = -1;
	if (!window_access(&gpu->bar[nr], &gpu->access, offset, write, buf, len, &reason))
		event_once(gpu->events, GUEST_ERROR,
			   0xd000000000000ULL | (uint64_t)nr << 40 | (offset & PAGE_MASK),
			   "BAR%u: %s of %#llx: fault %#x", nr + 1, write ? "write" : "read",
			   (unsigned long long)offset, reason);
	if (nr == 1) {
		stat_add(gpu->events, write ? STAT_bar2_writes : STAT_bar2_reads, 1);
		event(gpu->events, write ? EVENT_bar2_write : EVENT_bar2_read, -1, offset,
		      first_word(buf, len));
		return;
	}
	stat_add(gpu->events, write ? STAT_bar1_writes : STAT_bar1_reads, 1);
	if (!write)
		return;
	event(gpu->events, EVENT_bar1_write, -1, offset, first_word(buf, len));
	/* A channel's GP_PUT is its doorbell. */
	if (offset >= userd && offset < userd + FIFO_CHANNELS * USERD_SIZE &&
	    (offset & (USERD_SIZE - 1)) == USERD_GP_PUT)
		gpu->kick = true;
}

/* ---- the CPU's accesses ---- */

void gpu_read(struct gpu *gpu, unsigned int region, uint64_t offset, void *buf, uint32_t len)
{
	if (region == GPU_CONFIG) {
		pci_read(&gpu->pci, offset, buf, len);
		return;
	}
	if (asleep(gpu)) {
		memset(buf, 0xff, len);
		return;
	}
	switch (region) {
	case GPU_BAR0:
		bar0(gpu, offset, buf, len, false);
		break;
	case GPU_BAR1:
		bar(gpu, 0, offset, buf, len, false);
		break;
	case GPU_BAR2:
		bar(gpu, 1, offset, buf, len, false);
		break;
	default:
		memset(buf, 0, len);
	}
	update_interrupt(gpu);
}

static void command_changed(struct gpu *gpu)
{
	gpu->access.memory.bus_off = !pci_bus_master(&gpu->pci);
}

static void config_write(struct gpu *gpu, uint64_t offset, const void *buf, uint32_t len)
{
	const unsigned int before = pci_power(&gpu->pci);
	const enum pci_event what = pci_write(&gpu->pci, offset, buf, len);

	command_changed(gpu);
	switch (what) {
	case PCI_NOTHING:
		break;
	case PCI_POWER:
		if (pci_power(&gpu->pci) == before)
			break;
		stat_add(gpu->events, STAT_power_changes, 1);
		event(gpu->events, EVENT_power, -1, 0, pci_power(&gpu->pci));
		layout(gpu);
		if (pci_power(&gpu->pci) && knob(gpu, KNOB_lose_vram)) {
			memory_lose_vram(&gpu->access.memory);
			tlb_flush_all(&gpu->access.tlb);
		}
		gpu->kick = true;
		break;
	case PCI_FLR:
		gpu_reset(gpu);
		break;
	}
}

static bool run(struct gpu *gpu, bool *waits);

/* The half of a page table entry is written: the knob `torn' lets the engines see it. */
static void maybe_torn(struct gpu *gpu, uint32_t len)
{
	if (len == 4 && knob(gpu, KNOB_torn)) {
		bool waits = false;

		replay_if_due(gpu);
		run(gpu, &waits);
		gpu->kick = true;
	}
}

void gpu_write(struct gpu *gpu, unsigned int region, uint64_t offset, const void *buf,
	       uint32_t len)
{
	if (region == GPU_CONFIG) {
		config_write(gpu, offset, buf, len);
		return;
	}
	if (asleep(gpu))
		return;
	switch (region) {
	case GPU_BAR0:
		bar0(gpu, offset, (void *)buf, len, true);
		break;
	case GPU_BAR1:
		bar(gpu, 0, offset, (void *)buf, len, true);
		break;
	case GPU_BAR2:
		bar(gpu, 1, offset, (void *)buf, len, true);
		maybe_torn(gpu, len);
		break;
	}
	update_interrupt(gpu);
}

/* The oracle's memory is the guest's largest file, as long as something of it is mapped. */
static void update_oracle(struct gpu *gpu)
{
	struct oracle *oracle = &gpu->access.oracle;

	if (oracle->ram && !memory_file_of(&gpu->access.memory, oracle->ram))
		oracle_memory(oracle, NULL, 0);
	for (unsigned int i = 0; i < MEMORY_FILES; i++) {
		const struct memory_file *file = &gpu->access.memory.file[i];

		if (file->host && file->size >= GUEST_MIN &&
		    (!oracle->ram || file->size > oracle->ram_size))
			oracle_memory(oracle, file->host, file->size);
	}
}

const char *gpu_dma_map(struct gpu *gpu, uint64_t iova, uint64_t size, int fd, uint64_t offset,
			bool writable)
{
	struct memory *memory = &gpu->access.memory;
	const char *why;

	/* A ROM, or a device's memory: not the guest's, and nothing that is done there. */
	if (fd < 0 && size < GUEST_MIN)
		return NULL;
	why = memory_map(memory, iova, size, fd, offset, writable);
	update_oracle(gpu);
	if (why)
		return why;
	stat_add(gpu->events, STAT_dma_maps, 1);
	event(gpu->events, EVENT_dma_map, -1, iova, size);
	return NULL;
}

const char *gpu_dma_unmap(struct gpu *gpu, uint64_t iova, uint64_t size)
{
	struct memory *memory = &gpu->access.memory;
	const char *why = NULL;

	if (!iova && size == UINT64_MAX)
		memory_unmap_all(memory);
	else
		why = memory_unmap(memory, iova, size);
	stat_add(gpu->events, STAT_dma_unmaps, 1);
	event(gpu->events, EVENT_dma_unmap, -1, iova, size);
	update_oracle(gpu);
	return why;
}

/* ---- the engines ---- */

/* Go on with an access in the name of a channel. Returns whether it got anywhere. */
static bool hand_step(struct gpu *gpu, struct gpu_access *hand)
{
	struct gpu_chan *chan = &gpu->chan[hand->chan];
	const uint64_t va = hand->va & ~3ULL;
	enum fault_reason reason;
	struct fault fault;
	uint64_t fault_va;
	bool ok;

	if (hand->wait.stall == STALL_REPORTED || chan->wait.stall == STALL_FATAL)
		return false;
	if (hand->wait.stall == STALL_FAULTED) {
		report(gpu, hand->chan, &hand->wait);
		return false;
	}
	gpu->access.chan = hand->chan;
	if (hand->type == ACCESS_ATOMIC)
		ok = access_atomic(&gpu->access, &hand->space, va, HAND_ATOMIC, hand->value,
				   &hand->value, &reason);
	else
		ok = access_bytes(&gpu->access, &hand->space, va, hand->type, &hand->value, 4,
				  &fault_va, &reason);
	if (ok) {
		hand_done(gpu, hand, ACCESS_DONE);
		return true;
	}
	fault = (struct fault) {
		.inst = hand->inst, .va = va & PAGE_MASK, .type = hand->type, .reason = reason,
		.engine = FAULT_ENGINE_CE, .client = FAULT_CLIENT_GR_CE,
	};
	faulted(gpu, chan, &hand->space, &fault, &hand->wait);
	return true;
}

/* Let a channel go on for a while. Returns whether it got anywhere; *waits: look again later. */
static bool chan_run(struct gpu *gpu, struct gpu_chan *chan, bool *waits)
{
	for (int steps = 0; steps < STEPS; steps++) {
		if (!can_run(gpu, chan) || chan->wait.stall == STALL_REPORTED)
			return steps;
		if (chan->wait.stall == STALL_FATAL) {
			const struct fault fault = chan->wait.fault;

			fatal(gpu, chan, &fault);
			return steps || chan->dead;
		}
		if (chan->wait.stall == STALL_FAULTED) {
			report(gpu, chan->channel.id, &chan->wait);
			*waits |= chan->wait.stall == STALL_FAULTED;
			return steps;
		}
		if (chan->channel.copy.busy)
			load(gpu, chan);
		gpu->engine.time = ptimer(gpu);
		switch (channel_step(&gpu->engine, &chan->channel)) {
		case WENT_ON:
			break;
		case WENT_NOWHERE:
			return steps;
		case WENT_WAITS:
			*waits = true;
			return steps;
		case WENT_INTERRUPTS:
			gpu->pri.fifo.intr |= 1U << 31;
			event(gpu->events, EVENT_non_stall, chan->channel.id, 0, chan->runlist);
			return true;
		case WENT_FAULTED:
			faulted(gpu, chan, &chan->channel.space, &chan->channel.fault, &chan->wait);
			return true;
		case WENT_ILLEGAL:
			illegal(gpu, chan);
			return true;
		}
	}
	return true;
}

static void refill(struct gpu *gpu)
{
	const uint64_t pace = knob(gpu, KNOB_pace), t = now(gpu);

	if (!pace) {
		gpu->engine.budget = UNLIMITED;
	} else if (gpu->engine.budget == UNLIMITED || t - gpu->refilled >= MS) {
		gpu->engine.budget = pace;
		gpu->refilled = t;
	}
}

/* Once around. Returns whether anything went on. */
static bool run(struct gpu *gpu, bool *waits)
{
	bool progress = false;

	gpu->gates.held[GATE_fault] = 0;
	gpu->gates.held[GATE_copy] = 0;
	gpu->engine.copy_held = gpu->gates.closed[GATE_copy];
	refill(gpu);
	for (uint32_t i = 0; i < gpu->hands; i++) {
		struct gpu_access *hand = &gpu->hand[i];

		if (hand->state != ACCESS_RUNNING)
			continue;
		progress |= hand_step(gpu, hand);
		*waits |= hand->state == ACCESS_RUNNING && hand->wait.stall == STALL_FAULTED;
	}
	gpu->turn++;
	for (unsigned int i = 0; i < gpu->chans; i++) {
		struct gpu_chan *chan = &gpu->chan[(gpu->turn + i) % gpu->chans];

		progress |= chan_run(gpu, chan, waits);
		if (gpu->engine.copy_held && can_run(gpu, chan) && chan->channel.copy.busy &&
		    chan->wait.stall == STALL_NONE)
			gpu->gates.held[GATE_copy]++;
	}
	return progress;
}

/* Who closed a gate may have died: one that has held something for long opens. */
static void limit_gates(struct gpu *gpu)
{
	for (unsigned int i = 0; i < GATES; i++) {
		note_held(gpu, i);
		if (gpu->holds[i] &&
		    now(gpu) - gpu->held_since[i] >= knob(gpu, KNOB_gate_limit) * MS) {
			fprintf(stderr, "board: gate %s was closed for %llu ms, it is opened\n",
				gate_name(i), (unsigned long long)knob(gpu, KNOB_gate_limit));
			gpu_gate(gpu, i, false);
		}
	}
}

static void sooner(int64_t *ns, int64_t other)
{
	if (other >= 0 && (*ns < 0 || other < *ns))
		*ns = other;
}

/* For VMCOREINFO, a piece every so often: messages come first. */
static void search(struct gpu *gpu, int64_t *ns)
{
	struct oracle *oracle = &gpu->access.oracle;
	const uint64_t t = now(gpu);

	if (oracle->state != ORACLE_SEARCHES || !knob(gpu, KNOB_oracle))
		return;
	if (t >= gpu->search_at) {
		gpu->search_at = t + (oracle_search(oracle) ? SEARCH_EVERY : SEARCH_AGAIN);
		if (oracle->state == ORACLE_FOUND) {
			event(gpu->events, EVENT_oracle, -1, oracle->found, 0);
			return;
		}
	}
	sooner(ns, gpu->search_at - t);
}

int64_t gpu_work(struct gpu *gpu)
{
	bool waits = false;
	int64_t ns = -1;

	gpu->access.memory.bus_limit = knob(gpu, KNOB_bus_bits) < 64 ?
				       1ULL << knob(gpu, KNOB_bus_bits) : 0;
	if (!asleep(gpu)) {
		limit_gates(gpu);
		flush_what_is_due(gpu);
		replay_if_due(gpu);
		if (gpu->kick) {
			gpu->kick = run(gpu, &waits);
			if (gpu->kick)
				ns = 0;
		}
		if (waits) {
			gpu->kick = true;
			sooner(&ns, MS / 4);
		}
		sooner(&ns, timer_alarm(&gpu->pri.timer, now(gpu)));
		if (gpu->flushes)
			sooner(&ns, MS / 10);
		if (gpu->replay_due && !gpu->gates.closed[GATE_replay])
			sooner(&ns, MS / 10);
		update_interrupt(gpu);
	}
	search(gpu, &ns);
	return ns;
}

/* ---- the control function's wishes ---- */

const char *gpu_knob(struct gpu *gpu, unsigned int nr, uint64_t value)
{
	const char *why;

	if (nr == KNOB_torn && value && gpu->bar2.fd >= 0)
		return "writes of BAR2 are seen with --bar2 trapped only";
	why = knob_set(&gpu->knobs, nr, value);
	if (why)
		return why;
	event(gpu->events, EVENT_knob, -1, nr, value);
	if (nr == KNOB_tlb_size)
		tlb_resize(&gpu->access.tlb, value);
	/* What nouveau reads when it probes; channels that are there keep their runlist. */
	if (nr == KNOB_ce_runlist && !gpu->chans) {
		gpu->pri.ce_runlist = value;
		fifo_map_pbdmas(&gpu->pri.fifo, value);
	}
	/* What was lost was never answered, so nobody has rearmed. */
	if (nr == KNOB_drop_interrupts && !value)
		gpu->armed = true;
	if (nr == KNOB_all_ones)
		layout(gpu);
	gpu->kick = true;
	update_interrupt(gpu);
	return NULL;
}

void gpu_gate(struct gpu *gpu, unsigned int gate, bool closed)
{
	if (gate >= GATES)
		return;
	if (closed && !gpu->gates.closed[gate])
		gpu->gates.held[gate] = 0;
	gpu->gates.closed[gate] = closed;
	if (!closed)
		gpu->gates.held[gate] = 0;
	gpu->holds[gate] = false;
	event(gpu->events, EVENT_gate, -1, gate, closed);
	gpu->kick = true;
	update_interrupt(gpu);
}

void gpu_access_start(struct gpu *gpu, uint32_t first, uint32_t nr)
{
	uint32_t end = GPU_ACCESSES;

	if (first < end && nr < end - first)
		end = first + nr;
	if (gpu->hands < end)
		gpu->hands = end;
	for (uint32_t i = first; i < end; i++) {
		struct gpu_access *hand = &gpu->hand[i];
		const struct gpu_chan *chan = hand->chan < FIFO_CHANNELS ?
					      &gpu->chan[hand->chan] : NULL;

		hand_done(gpu, hand, ACCESS_STOPPED);
		hand->wait = (struct gpu_wait) {};
		if (!chan || !chan->bound || chan->dead || hand->type > ACCESS_PREFETCH) {
			hand->state = ACCESS_NO_CHANNEL;
			hand->inst = 0;
			continue;
		}
		hand->inst = chan->channel.inst;
		hand->space = chan->channel.space;
		hand->state = ACCESS_RUNNING;
		gpu->pending++;
	}
	gpu->kick = true;
}

void gpu_access_stop(struct gpu *gpu)
{
	for (uint32_t i = 0; i < gpu->hands; i++)
		hand_done(gpu, &gpu->hand[i], ACCESS_STOPPED);
}

uint32_t gpu_bound(const struct gpu *gpu)
{
	uint32_t nr = 0;

	for (unsigned int i = 0; i < gpu->chans; i++)
		nr += gpu->chan[i].bound;
	return nr;
}

bool gpu_exclude(struct gpu *gpu, uint32_t chan, uint64_t start, uint64_t size)
{
	if (chan == ~0U)
		return access_exclude(&gpu->access, 0, start, size);
	if (chan >= FIFO_CHANNELS || !gpu->chan[chan].bound)
		return false;
	return access_exclude(&gpu->access, gpu->chan[chan].channel.space.pdb, start, size);
}

/* ---- power-on ---- */

static void reset(struct gpu *gpu)
{
	gpu_access_stop(gpu);
	gpu->hands = 0;
	memset(gpu->chan, 0, sizeof(gpu->chan));
	gpu->chans = 0;
	pri_reset(&gpu->pri, gpu->access.memory.vram_size, knob(gpu, KNOB_ce_runlist), gpu->events);
	pci_reset(&gpu->pci);
	command_changed(gpu);
	tlb_flush_all(&gpu->access.tlb);
	gpu->access.blocks = gpu->access.windows = 0;
	memset(gpu->access.block, 0, sizeof(gpu->access.block));
	window_bind(&gpu->bar[0], &gpu->access.memory, false, 0);
	window_bind(&gpu->bar[1], &gpu->access.memory, false, 0);
	layout(gpu);
	gpu->flushes = 0;
	gpu->replay_due = false;
	gpu->kick = false;
	gpu->armed = true;
	memset(gpu->gates.held, 0, sizeof(gpu->gates.held));
	memset(gpu->holds, 0, sizeof(gpu->holds));
}

int gpu_init(struct gpu *gpu, struct events *events, uint64_t vram_size, bool bar2_mapped,
	     uint16_t subdevice)
{
	const struct pci_identity identity = {
		.vendor = GPU_VENDOR, .device = GPU_DEVICE,
		.subvendor = GPU_VENDOR, .subdevice = subdevice,
		.class = 0x030200, .revision = 0xa1,
		.bar_size = { PRI_SIZE, GPU_BAR1_SIZE, 0, GPU_BAR2_SIZE },
		.bar_64 = { false, true, false, true },
		/* All ones, as from a board, and not what QEMU makes up for a sleeping device. */
		.traps_in_d3 = true,
	};

	memset(gpu, 0, sizeof(*gpu));
	gpu->events = events;
	knobs_init(&gpu->knobs);
	if (memory_init(&gpu->access.memory, vram_size) ||
	    bar2_init(&gpu->bar2, GPU_BAR2_SIZE, vram_size, bar2_mapped))
		return -1;
	access_init(&gpu->access, events, &gpu->knobs);
	gpu->engine.access = &gpu->access;
	vbios_make(gpu->vbios, GPU_VENDOR, GPU_DEVICE);
	pci_init(&gpu->pci, &identity);
	reset(gpu);
	return 0;
}

void gpu_fini(struct gpu *gpu)
{
	bar2_fini(&gpu->bar2);
	memory_fini(&gpu->access.memory);
}

void gpu_reset(struct gpu *gpu)
{
	stat_add(gpu->events, STAT_resets, 1);
	event(gpu->events, EVENT_reset, -1, 0, 0);
	reset(gpu);
}
