// SPDX-License-Identifier: MIT
/* Which unit an address belongs to, and the way of an interrupt from a unit to PMC. */
#include "pri.h"

void pri_reset(struct pri *pri, uint64_t vram_size, uint32_t ce_runlist, struct events *events)
{
	mc_reset(&pri->mc);
	bus_reset(&pri->bus);
	timer_reset(&pri->timer);
	fifo_reset(&pri->fifo, ce_runlist);
	for (unsigned int i = 0; i < FIFO_PBDMAS; i++)
		pbdma_reset(&pri->pbdma[i]);
	fault_buffer_reset(&pri->fault_buffer);
	mmu_reset(&pri->mmu);
	gr_reset(&pri->gr);
	kept_reset(&pri->kept);
	pri->signalled = 0;
	pri->vram_size = vram_size;
	pri->ce_runlist = ce_runlist;
	pri->events = events;
}

static uint32_t pbdmas_pending(const struct pri *pri)
{
	uint32_t pending = 0;

	for (unsigned int i = 0; i < FIFO_PBDMAS; i++)
		if (pbdma_pending(&pri->pbdma[i]))
			pending |= 1U << i;
	return pending;
}

uint32_t pri_pending(const struct pri *pri)
{
	const struct pri_fault_buffer *buffer = &pri->fault_buffer;
	uint32_t pending = 0;

	if (fifo_intr(&pri->fifo, pbdmas_pending(pri), buffer->info) & pri->fifo.mask)
		pending |= INTR_FIFO;
	if (!pri->fault_held &&
	    (pri->fault_level ? buffer->enabled && !fault_buffer_empty(buffer) : buffer->pulse))
		pending |= INTR_FAULT_BUFFER;
	if (pri->timer.intr & pri->timer.mask)
		pending |= INTR_TIMER;
	if (pri->bus.intr & pri->bus.mask)
		pending |= INTR_BUS;
	return pending;
}

bool pri_interrupts(const struct pri *pri)
{
	return pri_pending(pri) & pri->mc.mask[0];
}

static bool pbdma_addr(uint32_t addr, unsigned int *nr)
{
	*nr = (addr - 0x040000) / 0x2000;
	return addr >= 0x040000 && *nr < FIFO_PBDMAS;
}

uint32_t pri_read(struct pri *pri, uint32_t addr)
{
	unsigned int nr;
	uint32_t value;

	if (addr == 0x000100) {
		pri->mc.pending = pri_pending(pri);
		/* It has been seen: see fault_buffer.c. Drivers close the mask before they look. */
		if (pri->signalled & INTR_FAULT_BUFFER)
			pri->fault_buffer.pulse = false;
		pri->signalled = 0;
	}
	if (mc_read(&pri->mc, addr, &value) ||
	    bus_read(&pri->bus, addr, &value) ||
	    timer_read(&pri->timer, addr, event_now(pri->events), &value) ||
	    fault_buffer_read(&pri->fault_buffer, addr, &value) ||
	    fifo_read(&pri->fifo, pbdmas_pending(pri), pri->fault_buffer.info, addr, &value) ||
	    mmu_read(&pri->mmu, addr, &value) ||
	    gr_read(&pri->gr, addr, &value) ||
	    top_read(pri->ce_runlist, addr, &value) ||
	    fuse_read(pri->vram_size, addr, &value) ||
	    flush_read(addr, &value))
		return value;
	if (pbdma_addr(addr, &nr) && pbdma_read(&pri->pbdma[nr], addr & 0x1fff, &value))
		return value;
	if (!kept_read(&pri->kept, addr, &value))
		event_once(pri->events, NOT_MODELLED, 0x100000000ULL | addr,
			   "register %#08x is read", addr);
	return value;
}

void pri_write(struct pri *pri, uint32_t addr, uint32_t value, struct pri_ask *ask)
{
	unsigned int nr;
	uint32_t fixed;

	*ask = (struct pri_ask) { .what = ASKS_NOTHING, .chan = -1 };
	if (mc_write(&pri->mc, addr, value, ask) ||
	    bus_write(&pri->bus, addr, value, ask) ||
	    timer_write(&pri->timer, addr, value, event_now(pri->events)) ||
	    fault_buffer_write(&pri->fault_buffer, addr, value, ask) ||
	    fifo_write(&pri->fifo, addr, value, ask) ||
	    mmu_write(&pri->mmu, addr, value, ask) ||
	    gr_write(&pri->gr, addr, value) ||
	    flush_write(addr))
		return;
	if (pbdma_addr(addr, &nr) && pbdma_write(&pri->pbdma[nr], nr, addr & 0x1fff, value, ask))
		return;
	/* What is fixed stays. */
	if (top_read(pri->ce_runlist, addr, &fixed) || fuse_read(pri->vram_size, addr, &fixed))
		return;
	if (!kept_write(&pri->kept, addr, value))
		event_once(pri->events, NOT_MODELLED, 0x200000000ULL | addr,
			   "register %#08x is written (%#x)", addr, value);
}
