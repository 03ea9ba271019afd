// SPDX-License-Identifier: MIT
/*
 * PFIFO: channels' instance blocks and enables, runlists, preemption, faults that are not
 * replayed. Three bits of its interrupt register are derived from other registers and cannot be
 * cleared in it.
 *
 * Sources: hw_fifo_gp106.h, hw_ccsr_gp106.h of nvgpu, which has the same host as GP100; codes of
 * errors: manuals/volta/gv100/dev_fifo.ref.txt of open-gpu-doc; 0x002a30: nouveau,
 * gf100_engn_mmu_fault_trigger().
 */
#include "pri.h"

#define INTR_BIND		(1U << 0)
#define INTR_OVERFLOW		(1U << 25)
#define INTR_DROPPED		(1U << 27)
#define INTR_MMU_FAULT		(1U << 28)
#define INTR_PBDMA		(1U << 29)
#define INTR_RUNLIST		(1U << 30)
#define INTR_DERIVED		(INTR_OVERFLOW | INTR_MMU_FAULT | INTR_PBDMA | INTR_RUNLIST)

#define BIND_NOT_UNBOUND	1
#define INST_BIND		(1U << 31)
#define INST_ADDR		0x0fffffff
#define CHANNEL_ENABLE		(1U << 0)
#define CHANNEL_NEXT		(1U << 1)
#define CHANNEL_ENABLE_SET	(1U << 10)
#define CHANNEL_ENABLE_CLEAR	(1U << 11)
#define CHANNEL_RUNLIST		0x000f0000	/* before GM107; kept */
#define TRIGGER_ENABLE		(1U << 8)
#define TRIGGER_UNIT		0x1f

void fifo_reset(struct pri_fifo *fifo, uint32_t ce_runlist)
{
	*fifo = (struct pri_fifo) {};
	fifo_map_pbdmas(fifo, ce_runlist);
}

/* The second serves the copy engine's runlist, be it the same. */
void fifo_map_pbdmas(struct pri_fifo *fifo, uint32_t ce_runlist)
{
	fifo->pbdma_map[0] = 1 << 0;
	fifo->pbdma_map[1] = 1U << ce_runlist;
}

uint32_t fifo_intr(const struct pri_fifo *fifo, uint32_t pbdma, bool overflow)
{
	return (fifo->intr & ~INTR_DERIVED) | (fifo->fault_id ? INTR_MMU_FAULT : 0) |
	       (pbdma ? INTR_PBDMA : 0) | (fifo->runlist_event ? INTR_RUNLIST : 0) |
	       (overflow ? INTR_OVERFLOW : 0);
}

bool fifo_read(const struct pri_fifo *fifo, uint32_t pbdma, bool overflow, uint32_t addr,
	       uint32_t *value)
{
	if (addr >= 0x800000 && addr < 0x800000 + FIFO_CHANNELS * 8) {
		const uint32_t chan = (addr - 0x800000) / 8;

		if (addr & 4)	/* The bits that set and clear read 0. */
			*value = fifo->next[chan] | (fifo->enabled[chan] ? CHANNEL_ENABLE : 0);
		else
			*value = fifo->bound[chan];
		return true;
	}
	if (addr >= 0x002800 && addr < 0x002800 + FIFO_UNITS * 16) {
		*value = fifo->fault[(addr - 0x2800) / 16].word[addr / 4 & 3];
		return true;
	}
	if (addr >= 0x002284 && addr < 0x002284 + FIFO_RUNLISTS * 8 && (addr & 4)) {
		/* Never pending: a runlist is taken when it is submitted. */
		*value = fifo->runlist_submitted[(addr - 0x2284) / 8][1];
		return true;
	}
	if (addr >= 0x002280 && addr < 0x002280 + FIFO_RUNLISTS * 8) {
		*value = fifo->runlist_submitted[(addr - 0x2280) / 8][0];
		return true;
	}
	if (addr >= 0x002390 && addr < 0x002390 + FIFO_PBDMAS * 4) {
		*value = fifo->pbdma_map[(addr - 0x2390) / 4];
		return true;
	}
	if (addr >= 0x002640 && addr < 0x002640 + FIFO_ENGINES * 8 && !(addr & 4)) {
		*value = fifo->engine_status[(addr - 0x2640) / 8];
		return true;
	}
	if (addr >= 0x002a30 && addr < 0x002a30 + FIFO_ENGINES * 4) {
		*value = fifo->trigger[(addr - 0x2a30) / 4];
		return true;
	}
	if (addr >= 0x003080 && addr < 0x003080 + FIFO_PBDMAS * 4) {
		*value = 0;	/* idle: nothing stays on a PBDMA between two steps */
		return true;
	}
	switch (addr) {
	case 0x002004: *value = FIFO_PBDMAS; return true;
	case 0x002008: *value = FIFO_CHANNELS; return true;
	case 0x002100: *value = fifo_intr(fifo, pbdma, overflow); return true;
	case 0x002140: *value = fifo->mask; return true;
	case 0x002528: *value = fifo->mask1; return true;
	case 0x002254: *value = fifo->userd_bar1; return true;
	case 0x002270: *value = fifo->runlist_base; return true;
	case 0x00252c: *value = fifo->bind_error; return true;
	case 0x00254c: *value = fifo->sched_error; return true;
	case 0x00256c: *value = fifo->chsw_error; return true;
	case 0x00259c: *value = fifo->fault_id; return true;
	case 0x0025a0: *value = pbdma; return true;
	case 0x00262c: *value = fifo->runlist_error; return true;
	case 0x002630: *value = fifo->runlist_block; return true;
	case 0x002634: *value = fifo->preempt; return true;	/* PENDING is never seen */
	case 0x002a00: *value = fifo->runlist_event; return true;
	case 0x002a04: *value = fifo->fb_timeout; return true;
	case 0x002a0c: *value = fifo->eng_timeout; return true;
	}
	return false;
}

static void channel_write(struct pri_fifo *fifo, uint32_t addr, uint32_t value,
			  struct pri_ask *ask)
{
	const uint32_t chan = (addr - 0x800000) / 8;

	if (addr & 4) {
		/* A set and a clear at once: the clear wins. */
		fifo->next[chan] = value & (CHANNEL_NEXT | CHANNEL_RUNLIST);
		if (value & CHANNEL_ENABLE_CLEAR) {
			fifo->enabled[chan] = false;
			*ask = (struct pri_ask) { .what = ASKS_STOP, .chan = chan };
		} else if (value & CHANNEL_ENABLE_SET) {
			fifo->enabled[chan] = true;
			*ask = (struct pri_ask) { .what = ASKS_START, .chan = chan };
		}
		return;
	}
	if (value & INST_BIND) {
		if (fifo->bound[chan] & INST_BIND) {
			fifo->bind_error = BIND_NOT_UNBOUND;
			fifo->intr |= INTR_BIND;
			return;
		}
		*ask = (struct pri_ask) { .what = ASKS_BIND, .chan = chan,
					  .addr = (uint64_t)(value & INST_ADDR) << 12 };
	} else if (fifo->bound[chan] & INST_BIND) {
		*ask = (struct pri_ask) { .what = ASKS_UNBIND, .chan = chan };
	}
	fifo->bound[chan] = value;
}

bool fifo_write(struct pri_fifo *fifo, uint32_t addr, uint32_t value, struct pri_ask *ask)
{
	if (addr >= 0x800000 && addr < 0x800000 + FIFO_CHANNELS * 8) {
		channel_write(fifo, addr, value, ask);
		return true;
	}
	if (addr >= 0x002a30 && addr < 0x002a30 + FIFO_ENGINES * 4) {
		fifo->trigger[(addr - 0x2a30) / 4] = value;
		if (value & TRIGGER_ENABLE)
			*ask = (struct pri_ask) { .what = ASKS_TRIGGER_FAULT,
						  .chan = (addr - 0x2a30) / 4,
						  .data = value & TRIGGER_UNIT };
		return true;
	}
	switch (addr) {
	case 0x002100:
		fifo->intr &= ~value;
		return true;
	case 0x002140:
		fifo->mask = value;
		return true;
	case 0x002528:
		fifo->mask1 = value;
		return true;
	case 0x002254:
		fifo->userd_bar1 = value;
		return true;
	case 0x002270:
		fifo->runlist_base = value;
		return true;
	case 0x002274: {
		const uint32_t id = value >> 20 & 0xf;

		*ask = (struct pri_ask) {
			.what = ASKS_RUNLIST, .data = value,
			.addr = (uint64_t)(fifo->runlist_base & INST_ADDR) << 12,
			.aperture = fifo->runlist_base >> 28 & 3,
		};
		if (id < FIFO_RUNLISTS) {
			fifo->runlist_submitted[id][0] = fifo->runlist_base;
			fifo->runlist_submitted[id][1] = value & 0xffff;
			fifo->runlist_event |= 1U << id;
		}
		return true;
	}
	case 0x00256c:
		fifo->chsw_error = 0;
		return true;
	case 0x00259c:
		fifo->fault_id &= ~value;
		*ask = (struct pri_ask) { .what = ASKS_SCHEDULE };
		return true;
	case 0x00262c:
		fifo->runlist_error &= ~value;
		*ask = (struct pri_ask) { .what = ASKS_SCHEDULE };
		return true;
	case 0x002630:
		fifo->runlist_block = value;
		*ask = (struct pri_ask) { .what = ASKS_SCHEDULE };
		return true;
	case 0x002634:
		fifo->preempt = value & 0x01000fff;
		*ask = (struct pri_ask) { .what = ASKS_PREEMPT, .data = value };
		return true;
	case 0x002a00:
		fifo->runlist_event &= ~value;
		return true;
	case 0x002a04:
		fifo->fb_timeout = value;
		return true;
	case 0x002a0c:
		fifo->eng_timeout = value;
		return true;
	/* Read only. */
	case 0x002004: case 0x002008: case 0x00252c: case 0x00254c: case 0x0025a0:
		return true;
	}
	return false;
}

void fifo_fault(struct pri_fifo *fifo, const struct fault *fault, int runlist)
{
	const unsigned int unit = fault->engine % FIFO_UNITS;
	uint32_t *word = fifo->fault[unit].word;

	/* The first is kept until it is acknowledged. */
	if (fifo->fault_id & 1U << unit) {
		fifo->intr |= INTR_DROPPED;
		return;
	}
	word[0] = fault->inst >> 12;
	word[1] = fault->va;
	word[2] = fault->va >> 32;
	word[3] = fault_info(fault);
	fifo->fault_id |= 1U << unit;
	if (runlist >= 0)
		fifo->runlist_error |= 1U << runlist;
}

unsigned int fifo_pbdma_of(const struct pri_fifo *fifo, unsigned int runlist)
{
	for (unsigned int i = 0; i < FIFO_PBDMAS; i++)
		if (fifo->pbdma_map[i] & 1U << runlist)
			return i;
	return 0;
}
