// SPDX-License-Identifier: MIT
/*
 * The copy engine: class PASCAL_DMA_COPY_A. Pitch-linear lines, with or without
 * components remapped, a semaphore after that.
 *
 * A transfer is done in pieces that end where a page does, of the source or of the
 * destination. Each can be done again: when one faults, the channel waits at it.
 *
 * Source: clc0b5.h of open-gpu-doc.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "model.h"

#define LAUNCH_TRANSFER			GENMASK(1, 0)
#define LAUNCH_SEMAPHORE		GENMASK(4, 3)
#define LAUNCH_SEMAPHORE_ONE_WORD	1
#define LAUNCH_SEMAPHORE_FOUR_WORDS	2
#define LAUNCH_INTERRUPT		GENMASK(6, 5)
#define LAUNCH_SRC_PITCH		BIT(7)
#define LAUNCH_DST_PITCH		BIT(8)
#define LAUNCH_MULTI_LINE		BIT(9)
#define LAUNCH_REMAP			BIT(10)
#define LAUNCH_SRC_PHYSICAL		BIT(12)
#define LAUNCH_DST_PHYSICAL		BIT(13)
#define LAUNCH_REDUCTION		GENMASK(17, 14)
#define LAUNCH_REDUCTION_SIGN		BIT(18)
#define LAUNCH_REDUCTION_ENABLE		BIT(19)

#define REMAP_CONST_A			4
#define REMAP_CONST_B			5
#define REMAP_NO_WRITE			6

#define REDUCTION_DEC			7	/* the last on integers */

#define ADDRESS_UPPER			GENMASK(16, 0)	/* 49 bits altogether */

#define PHYS_MODE_TARGET		GENMASK(1, 0)
#define PHYS_MODE_LOCAL_FB		0
#define PHYS_MODE_NONCOHERENT		2

/* A pixel is at most 4 components of 4 bytes. */
#define PIXEL_MAX			16

static u32 *method_word(struct nvsim_ce *ce, u32 mthd)
{
	switch (mthd) {
	case 0x0240:
		return &ce->sem_upper;
	case 0x0244:
		return &ce->sem_lower;
	case 0x0248:
		return &ce->sem_payload;
	case 0x0260:
		return &ce->src_target;
	case 0x0264:
		return &ce->dst_target;
	case 0x0400:
		return &ce->in_upper;
	case 0x0404:
		return &ce->in_lower;
	case 0x0408:
		return &ce->out_upper;
	case 0x040c:
		return &ce->out_lower;
	case 0x0410:
		return &ce->pitch_in;
	case 0x0414:
		return &ce->pitch_out;
	case 0x0418:
		return &ce->line_length;
	case 0x041c:
		return &ce->line_count;
	case 0x0700:
		return &ce->const_a;
	case 0x0704:
		return &ce->const_b;
	case 0x0708:
		return &ce->components;
	}
	return NULL;
}

static u64 address(u32 upper, u32 lower)
{
	return (u64)(upper & ADDRESS_UPPER) << 32 | lower;
}

static u32 component_size(const struct nvsim_ce *ce)
{
	return (ce->components >> 16 & 3) + 1;
}

static u32 src_pixel(const struct nvsim_ce *ce)
{
	return component_size(ce) * ((ce->components >> 20 & 3) + 1);
}

static u32 dst_pixel(const struct nvsim_ce *ce)
{
	return component_size(ce) * ((ce->components >> 24 & 3) + 1);
}

/* Component i of a pixel of the destination comes from there. */
static u32 component_from(const struct nvsim_ce *ce, u32 i)
{
	return ce->components >> (4 * i) & 7;
}

static u32 dst_components(const struct nvsim_ce *ce)
{
	return (ce->components >> 24 & 3) + 1;
}

static bool reads_source(const struct nvsim_ce *ce)
{
	u32 i;

	if (!(ce->launch & LAUNCH_REMAP))
		return true;
	for (i = 0; i < dst_components(ce); i++) {
		if (component_from(ce, i) < REMAP_CONST_A)
			return true;
	}
	return false;
}

static bool bad(struct nvsim_why *why, const char *text, u32 data)
{
	*why = (struct nvsim_why) { text, data };
	return false;
}

static bool launch(struct nvsim_chan *chan, u32 data, struct nvsim_why *why)
{
	struct nvsim_ce *ce = &chan->ce;

	if ((data & LAUNCH_TRANSFER) == 3)
		return bad(why, "LAUNCH_DMA: no such DATA_TRANSFER_TYPE", data);
	if ((data & LAUNCH_TRANSFER) && !(data & LAUNCH_SRC_PITCH && data & LAUNCH_DST_PITCH))
		return bad(why, "LAUNCH_DMA: block-linear memory is not modelled", data);
	if ((data & LAUNCH_SEMAPHORE) >> 3 > LAUNCH_SEMAPHORE_FOUR_WORDS)
		return bad(why, "LAUNCH_DMA: no such SEMAPHORE_TYPE", data);
	if (data & LAUNCH_SEMAPHORE && ce->sem_lower & 3)
		return bad(why, "LAUNCH_DMA: misaligned semaphore", ce->sem_lower);
	if (data & LAUNCH_REDUCTION_ENABLE && (data & LAUNCH_REDUCTION) >> 14 > REDUCTION_DEC)
		return bad(why, "LAUNCH_DMA: floating-point reductions are not modelled", data);
	if (data & (LAUNCH_SRC_PHYSICAL | LAUNCH_DST_PHYSICAL) && !chan->priv)
		return bad(why, "LAUNCH_DMA: physical addresses, and no privilege", data);
	if (data & LAUNCH_SRC_PHYSICAL &&
	    (ce->src_target & PHYS_MODE_TARGET) > PHYS_MODE_NONCOHERENT)
		return bad(why, "LAUNCH_DMA: no such SET_SRC_PHYS_MODE", ce->src_target);
	if (data & LAUNCH_DST_PHYSICAL &&
	    (ce->dst_target & PHYS_MODE_TARGET) > PHYS_MODE_NONCOHERENT)
		return bad(why, "LAUNCH_DMA: no such SET_DST_PHYS_MODE", ce->dst_target);

	ce->launch = data;
	ce->busy = true;
	ce->line = 0;
	ce->offset = 0;
	return true;
}

/**
 * nvsim_ce_method() - take a method of the copy engine's class
 * @chan: the channel
 * @mthd: its number, in bytes
 * @data: its operand
 * @why: else, why it is none
 *
 * LAUNCH_DMA leaves the engine busy, with nvsim_ce_step() to be called.
 *
 * Return: whether it is a method.
 */
bool nvsim_ce_method(struct nvsim_chan *chan, u32 mthd, u32 data, struct nvsim_why *why)
{
	u32 *word = method_word(&chan->ce, mthd);

	if (word) {
		*word = data;
		return true;
	}
	switch (mthd) {
	case 0x0100:	/* NOP */
	case 0x0140:	/* PM_TRIGGER */
		return true;
	case 0x0300:
		return launch(chan, data, why);
	}
	return bad(why, "copy engine: no such method", mthd);
}

/* What is left to the end of a page. */
static u32 to_page_end(u64 addr)
{
	return PAGE_SIZE - (addr & ~PAGE_MASK);
}

static enum nvsim_aperture aperture_of(u32 target)
{
	return (target & PHYS_MODE_TARGET) == PHYS_MODE_LOCAL_FB ? NVSIM_VRAM : NVSIM_SYS;
}

/* Bytes of a line, on either side, and one side of the transfer. */
struct side {
	u64 addr;
	u64 pitch;
	bool physical;
	enum nvsim_aperture aperture;
};

/* Move bytes of a side that may cross the end of a page. */
static bool move(struct nvsim *sim, struct nvsim_chan *chan, const struct side *side, u64 addr,
		 bool write, void *buf, u32 len, u64 *fault_va, enum nvsim_reason *reason)
{
	while (len) {
		const u32 n = min(len, to_page_end(addr));

		if (side->physical) {
			nvsim_rw_phys(sim, side->aperture, addr, write, buf, n);
		} else if (!nvsim_rw(sim, &chan->as, addr, write ? NVSIM_WRITE : NVSIM_READ,
				     buf, n, reason)) {
			*fault_va = addr;
			return false;
		}
		addr += n;
		buf += n;
		len -= n;
	}
	return true;
}

static enum nvsim_went copy_piece(struct nvsim *sim, struct nvsim_chan *chan,
				  const struct side *in, const struct side *out)
{
	struct nvsim_ce *ce = &chan->ce;
	const u64 src = in->addr + ce->line * in->pitch + ce->offset;
	const u64 dst = out->addr + ce->line * out->pitch + ce->offset;
	const u32 len = min3(to_page_end(src), to_page_end(dst),
			     (u32)(ce->line_length - ce->offset));
	enum nvsim_reason reason;
	u64 va;

	lockdep_assert_held(&sim->lock);
	if (!move(sim, chan, in, src, false, sim->bounce, len, &va, &reason))
		return nvsim_chan_fault(sim, chan, va, NVSIM_READ, reason, true);
	if (!move(sim, chan, out, dst, true, sim->bounce, len, &va, &reason))
		return nvsim_chan_fault(sim, chan, va, NVSIM_WRITE, reason, true);
	ce->offset += len;
	sim->stats.copied_bytes += len;
	return NVSIM_WENT_ON;
}

/* Some pixels of the line. Each may be several accesses, and others wait for their turn. */
static enum nvsim_went remap_piece(struct nvsim *sim, struct nvsim_chan *chan,
				   const struct side *in, const struct side *out)
{
	struct nvsim_ce *ce = &chan->ce;
	const u32 size = component_size(ce), components = dst_components(ce);
	const bool reads = reads_source(ce);
	u8 from[PIXEL_MAX] = {}, to[PIXEL_MAX];
	enum nvsim_reason reason;
	u32 n, i;
	u64 va;

	for (n = 0; n < 32 && ce->offset < ce->line_length; n++) {
		const u64 src = in->addr + ce->line * in->pitch + ce->offset * src_pixel(ce);
		const u64 dst = out->addr + ce->line * out->pitch + ce->offset * dst_pixel(ce);

		if (reads && !move(sim, chan, in, src, false, from, src_pixel(ce), &va, &reason))
			return nvsim_chan_fault(sim, chan, va, NVSIM_READ, reason, true);
		for (i = 0; i < components; i++) {
			const u32 which = component_from(ce, i);
			u8 *component = to + i * size;

			if (which < REMAP_CONST_A)
				memcpy(component, from + which * size, size);
			else if (which == REMAP_CONST_A)
				memcpy(component, &ce->const_a, size);
			else if (which == REMAP_CONST_B)
				memcpy(component, &ce->const_b, size);
			else
				continue;
			if (!move(sim, chan, out, dst + i * size, true, component, size,
				  &va, &reason))
				return nvsim_chan_fault(sim, chan, va, NVSIM_WRITE, reason, true);
		}
		ce->offset++;
		sim->stats.copied_bytes += dst_pixel(ce);
	}
	return NVSIM_WENT_ON;
}

/* The semaphore at the end of a transfer. */
static enum nvsim_went release(struct nvsim *sim, struct nvsim_chan *chan)
{
	struct nvsim_ce *ce = &chan->ce;
	const u64 va = address(ce->sem_upper, ce->sem_lower);
	const u64 now = ktime_get_ns();
	u32 words[4] = { ce->sem_payload, 0, lower_32_bits(now), upper_32_bits(now) };
	enum nvsim_reason reason;
	u64 fault_va;

	if (ce->launch & LAUNCH_REDUCTION_ENABLE) {
		const u32 op = (ce->launch & LAUNCH_REDUCTION) >> 14 |
			       (ce->launch & LAUNCH_REDUCTION_SIGN ? 0x10 : 0);

		if (!nvsim_atomic(sim, &chan->as, va, op, ce->sem_payload, NULL, &reason))
			return nvsim_chan_fault(sim, chan, va, NVSIM_ATOMIC, reason, true);
	} else {
		const struct side side = { .addr = va };
		const bool four = (ce->launch & LAUNCH_SEMAPHORE) >> 3 ==
				  LAUNCH_SEMAPHORE_FOUR_WORDS;

		/* The payload last: who sees it finds the time there. */
		if (four &&
		    !move(sim, chan, &side, va + 4, true, words + 1, 12, &fault_va, &reason))
			return nvsim_chan_fault(sim, chan, fault_va, NVSIM_WRITE, reason, true);
		/* Pairs with what orders the reader's two looks. */
		smp_wmb();
		if (!move(sim, chan, &side, va, true, words, 4, &fault_va, &reason))
			return nvsim_chan_fault(sim, chan, fault_va, NVSIM_WRITE, reason, true);
	}
	sim->stats.semaphores++;
	return NVSIM_WENT_ON;
}

/**
 * nvsim_ce_step() - go on with a transfer
 * @sim: the device
 * @chan: a channel whose copy engine is busy
 * @why: why it is illegal
 *
 * Context: needs the device's lock.
 * Return: what became of it.
 */
enum nvsim_went nvsim_ce_step(struct nvsim *sim, struct nvsim_chan *chan, struct nvsim_why *why)
{
	struct nvsim_ce *ce = &chan->ce;
	const struct side in = {
		.addr = address(ce->in_upper, ce->in_lower),
		.pitch = ce->pitch_in,
		.physical = ce->launch & LAUNCH_SRC_PHYSICAL,
		.aperture = aperture_of(ce->src_target),
	}, out = {
		.addr = address(ce->out_upper, ce->out_lower),
		.pitch = ce->pitch_out,
		.physical = ce->launch & LAUNCH_DST_PHYSICAL,
		.aperture = aperture_of(ce->dst_target),
	};
	const u64 lines = ce->launch & LAUNCH_MULTI_LINE ? ce->line_count : 1;
	enum nvsim_went went;

	lockdep_assert_held(&sim->lock);

	if (ce->launch & LAUNCH_TRANSFER) {
		if (ce->offset == ce->line_length) {
			ce->offset = 0;
			ce->line++;
		}
		if (ce->line_length && ce->line < lines) {
			went = ce->launch & LAUNCH_REMAP ? remap_piece(sim, chan, &in, &out) :
							   copy_piece(sim, chan, &in, &out);
			return went;
		}
	}

	if (ce->launch & LAUNCH_SEMAPHORE) {
		went = release(sim, chan);
		if (went != NVSIM_WENT_ON)
			return went;
	}
	ce->busy = false;
	if (ce->launch & LAUNCH_TRANSFER)
		sim->stats.copies++;
	return ce->launch & LAUNCH_INTERRUPT ? NVSIM_INTERRUPTS : NVSIM_WENT_ON;
}
