// SPDX-License-Identifier: MIT
/*
 * The copy engine: class PASCAL_DMA_COPY_A. Pitch-linear lines, with or without components
 * remapped, a semaphore after that. A transfer is done in pieces that end where a page does, of
 * the source or of the destination. Each can be done again: when one faults, the channel waits
 * at it.
 *
 * Source: classes/dma-copy/clc0b5.h of open-gpu-doc.
 */
#include <string.h>

#include "channel.h"

#define LAUNCH_TRANSFER			0x3
#define LAUNCH_SEMAPHORE		0x18
#define LAUNCH_SEMAPHORE_FOUR_WORDS	2
#define LAUNCH_INTERRUPT		0x60
#define LAUNCH_SRC_PITCH		(1U << 7)
#define LAUNCH_DST_PITCH		(1U << 8)
#define LAUNCH_MULTI_LINE		(1U << 9)
#define LAUNCH_REMAP			(1U << 10)
#define LAUNCH_SRC_PHYSICAL		(1U << 12)
#define LAUNCH_DST_PHYSICAL		(1U << 13)
#define LAUNCH_REDUCTION_OP(l)		((l) >> 14 & 0xf)
#define LAUNCH_REDUCTION_UNSIGNED	(1U << 18)
#define LAUNCH_REDUCTION_ENABLE		(1U << 19)

#define REMAP_CONST_A			4
#define REMAP_CONST_B			5

#define ADDRESS_UPPER			0x1ffff	/* 49 bits altogether */

#define PHYS_MODE_TARGET		0x3
#define PHYS_MODE_NONCOHERENT		2

/* A pixel is at most 4 components of 4 bytes. */
#define PIXEL_MAX			16
/* Pixels that are remapped in a step: each may be several accesses. */
#define REMAP_STEP			64

static uint32_t *method_word(struct copy_engine *copy, uint32_t mthd)
{
	switch (mthd) {
	case 0x0240: return &copy->sem_upper;
	case 0x0244: return &copy->sem_lower;
	case 0x0248: return &copy->sem_payload;
	case 0x0260: return &copy->src_target;
	case 0x0264: return &copy->dst_target;
	case 0x0400: return &copy->in_upper;
	case 0x0404: return &copy->in_lower;
	case 0x0408: return &copy->out_upper;
	case 0x040c: return &copy->out_lower;
	case 0x0410: return &copy->pitch_in;
	case 0x0414: return &copy->pitch_out;
	case 0x0418: return &copy->line_length;
	case 0x041c: return &copy->line_count;
	case 0x0700: return &copy->const_a;
	case 0x0704: return &copy->const_b;
	case 0x0708: return &copy->components;
	}
	return NULL;
}

static uint64_t address(uint32_t upper, uint32_t lower)
{
	return (uint64_t)(upper & ADDRESS_UPPER) << 32 | lower;
}

static uint32_t component_size(const struct copy_engine *copy)
{
	return (copy->components >> 16 & 3) + 1;
}

static uint32_t src_pixel(const struct copy_engine *copy)
{
	return component_size(copy) * ((copy->components >> 20 & 3) + 1);
}

static uint32_t dst_components(const struct copy_engine *copy)
{
	return (copy->components >> 24 & 3) + 1;
}

static uint32_t dst_pixel(const struct copy_engine *copy)
{
	return component_size(copy) * dst_components(copy);
}

/* Component i of a pixel of the destination comes from there. */
static uint32_t component_from(const struct copy_engine *copy, uint32_t i)
{
	return copy->components >> (4 * i) & 7;
}

static bool reads_source(const struct copy_engine *copy)
{
	if (!(copy->launch & LAUNCH_REMAP))
		return true;
	for (uint32_t i = 0; i < dst_components(copy); i++)
		if (component_from(copy, i) < REMAP_CONST_A)
			return true;
	return false;
}

static bool bad(struct channel *channel, const char *text, uint32_t data)
{
	channel_illegal(channel, text, PBDMA_METHOD, data);
	return false;
}

static bool launch(struct channel *channel, uint32_t data)
{
	struct copy_engine *copy = &channel->copy;

	if ((data & LAUNCH_TRANSFER) == 3)
		return bad(channel, "LAUNCH_DMA: no such DATA_TRANSFER_TYPE", data);
	if ((data & LAUNCH_TRANSFER) && !(data & LAUNCH_SRC_PITCH && data & LAUNCH_DST_PITCH))
		return bad(channel, "LAUNCH_DMA: block-linear memory is not modelled", data);
	if ((data & LAUNCH_SEMAPHORE) >> 3 > LAUNCH_SEMAPHORE_FOUR_WORDS)
		return bad(channel, "LAUNCH_DMA: no such SEMAPHORE_TYPE", data);
	if (data & LAUNCH_SEMAPHORE && copy->sem_lower & 3)
		return bad(channel, "LAUNCH_DMA: misaligned semaphore", copy->sem_lower);
	if (data & LAUNCH_REDUCTION_ENABLE && LAUNCH_REDUCTION_OP(data) > REDUCE_DEC)
		return bad(channel, "LAUNCH_DMA: floating-point reductions are not modelled", data);
	if (data & (LAUNCH_SRC_PHYSICAL | LAUNCH_DST_PHYSICAL) && !channel->priv)
		return bad(channel, "LAUNCH_DMA: physical addresses, and no privilege", data);
	if (data & LAUNCH_SRC_PHYSICAL &&
	    (copy->src_target & PHYS_MODE_TARGET) > PHYS_MODE_NONCOHERENT)
		return bad(channel, "LAUNCH_DMA: no such SET_SRC_PHYS_MODE", copy->src_target);
	if (data & LAUNCH_DST_PHYSICAL &&
	    (copy->dst_target & PHYS_MODE_TARGET) > PHYS_MODE_NONCOHERENT)
		return bad(channel, "LAUNCH_DMA: no such SET_DST_PHYS_MODE", copy->dst_target);

	copy->launch = data;
	copy->busy = true;
	copy->line = copy->offset = copy->moved = 0;
	return true;
}

/*
 * Take a method of the class. LAUNCH_DMA leaves the engine busy, with copy_step() to be called.
 * False: it is none, channel->illegal says so.
 */
bool copy_method(struct events *events, struct channel *channel, uint32_t mthd, uint32_t data)
{
	uint32_t *word = method_word(&channel->copy, mthd);

	if (word) {
		*word = data;
		return true;
	}
	switch (mthd) {
	case 0x0100:	/* NOP */
	case 0x0140:	/* PM_TRIGGER */
		return true;
	case 0x0300:
		if (!launch(channel, data))
			return false;
		event(events, EVENT_copy_start, channel->id,
		      address(channel->copy.out_upper, channel->copy.out_lower), data);
		return true;
	}
	return bad(channel, "copy engine: no such method", mthd);
}

/* One side of a transfer. */
struct side {
	uint64_t addr;
	int64_t pitch;
	bool physical;
	enum aperture aperture;
};

static enum aperture aperture_of(uint32_t target)
{
	static const enum aperture of[] = { VRAM, SYSTEM, SYSTEM_NONCOHERENT, PEER };

	return of[target & PHYS_MODE_TARGET];
}

static uint64_t to_page_end(uint64_t addr)
{
	return PAGE_SIZE - (addr & ~PAGE_MASK);
}

/* Move bytes of a side. False: channel->fault says why not. */
static bool move(struct engine *engine, struct channel *channel, const struct side *side,
		 uint64_t addr, bool write, void *buf, uint64_t len)
{
	const enum access_type type = write ? ACCESS_WRITE : ACCESS_READ;
	enum fault_reason reason;
	uint64_t va;

	if (side->physical) {
		access_physical(engine->access, side->aperture, addr, write, buf, len);
		return true;
	}
	if (access_bytes(engine->access, &channel->space, addr, type, buf, len, &va, &reason))
		return true;
	channel_faulted(channel, va, type, reason, FAULT_ENGINE_CE);
	return false;
}

static enum channel_went copy_piece(struct engine *engine, struct channel *channel,
				    const struct side *in, const struct side *out)
{
	struct copy_engine *copy = &channel->copy;
	const uint64_t src = in->addr + copy->line * in->pitch + copy->offset;
	const uint64_t dst = out->addr + copy->line * out->pitch + copy->offset;
	uint64_t len = copy->line_length - copy->offset;

	if (len > to_page_end(src))
		len = to_page_end(src);
	if (len > to_page_end(dst))
		len = to_page_end(dst);
	if (!move(engine, channel, in, src, false, engine->bounce, len) ||
	    !move(engine, channel, out, dst, true, engine->bounce, len))
		return WENT_FAULTED;
	copy->offset += len;
	copy->moved += len;
	return WENT_ON;
}

static enum channel_went remap_piece(struct engine *engine, struct channel *channel,
				     const struct side *in, const struct side *out)
{
	struct copy_engine *copy = &channel->copy;
	const uint32_t size = component_size(copy), components = dst_components(copy);
	const bool reads = reads_source(copy);
	uint8_t from[PIXEL_MAX] = {}, to[PIXEL_MAX];

	for (int n = 0; n < REMAP_STEP && copy->offset < copy->line_length; n++) {
		const uint64_t src = in->addr + copy->line * in->pitch +
				     copy->offset * src_pixel(copy);
		const uint64_t dst = out->addr + copy->line * out->pitch +
				     copy->offset * dst_pixel(copy);

		if (reads && !move(engine, channel, in, src, false, from, src_pixel(copy)))
			return WENT_FAULTED;
		for (uint32_t i = 0; i < components; i++) {
			const uint32_t which = component_from(copy, i);
			uint8_t *component = to + i * size;

			if (which < REMAP_CONST_A)
				memcpy(component, from + which * size, size);
			else if (which == REMAP_CONST_A)
				memcpy(component, &copy->const_a, size);
			else if (which == REMAP_CONST_B)
				memcpy(component, &copy->const_b, size);
			else	/* NO_WRITE */
				continue;
			if (!move(engine, channel, out, dst + i * size, true, component, size))
				return WENT_FAULTED;
		}
		copy->offset++;
		copy->moved += dst_pixel(copy);
	}
	return WENT_ON;
}

/* The semaphore at the end of a transfer. */
static enum channel_went release(struct engine *engine, struct channel *channel)
{
	struct copy_engine *copy = &channel->copy;
	const uint64_t va = address(copy->sem_upper, copy->sem_lower);
	uint32_t words[4] = { copy->sem_payload, 0, engine->time, engine->time >> 32 };

	if (copy->launch & LAUNCH_REDUCTION_ENABLE) {
		const bool is_unsigned = copy->launch & LAUNCH_REDUCTION_UNSIGNED;
		enum fault_reason reason;

		if (!access_atomic(engine->access, &channel->space, va,
				   LAUNCH_REDUCTION_OP(copy->launch) |
				   (is_unsigned ? REDUCE_UNSIGNED : 0), copy->sem_payload, NULL,
				   &reason))
			return channel_faulted(channel, va, ACCESS_ATOMIC, reason, FAULT_ENGINE_CE);
	} else {
		const struct side side = { .addr = va };

		/* The payload last: who sees it finds the time there. */
		if ((copy->launch & LAUNCH_SEMAPHORE) >> 3 == LAUNCH_SEMAPHORE_FOUR_WORDS &&
		    !move(engine, channel, &side, va + 4, true, words + 1, 12))
			return WENT_FAULTED;
		if (!move(engine, channel, &side, va, true, words, 4))
			return WENT_FAULTED;
	}
	stat_add(engine->access->events, STAT_semaphores, 1);
	event(engine->access->events, EVENT_semaphore, channel->id, va, copy->sem_payload);
	return WENT_ON;
}

enum channel_went copy_step(struct engine *engine, struct channel *channel)
{
	struct copy_engine *copy = &channel->copy;
	const struct side in = {
		.addr = address(copy->in_upper, copy->in_lower),
		.pitch = (int32_t)copy->pitch_in,
		.physical = copy->launch & LAUNCH_SRC_PHYSICAL,
		.aperture = aperture_of(copy->src_target),
	}, out = {
		.addr = address(copy->out_upper, copy->out_lower),
		.pitch = (int32_t)copy->pitch_out,
		.physical = copy->launch & LAUNCH_DST_PHYSICAL,
		.aperture = aperture_of(copy->dst_target),
	};
	const uint64_t lines = copy->launch & LAUNCH_MULTI_LINE ? copy->line_count : 1;
	struct events *events = engine->access->events;
	enum channel_went went;

	if (copy->launch & LAUNCH_TRANSFER) {
		if (copy->offset == copy->line_length) {
			copy->offset = 0;
			copy->line++;
		}
		if (copy->line_length && copy->line < lines) {
			const uint64_t before = copy->moved;

			if (engine->copy_held || engine->budget <= 0)
				return WENT_WAITS;
			went = copy->launch & LAUNCH_REMAP ?
			       remap_piece(engine, channel, &in, &out) :
			       copy_piece(engine, channel, &in, &out);
			if (went == WENT_ON)
				engine->budget--;
			stat_add(events, STAT_copied_bytes, copy->moved - before);
			return went;
		}
	}

	if (copy->launch & LAUNCH_SEMAPHORE) {
		went = release(engine, channel);
		if (went != WENT_ON)
			return went;
	}
	copy->busy = false;
	if (copy->launch & LAUNCH_TRANSFER)
		stat_add(events, STAT_copies, 1);
	event(events, EVENT_copy_end, channel->id, out.addr, copy->moved);
	if (!(copy->launch & LAUNCH_INTERRUPT))
		return WENT_ON;
	stat_add(events, STAT_non_stall_interrupts, 1);
	return WENT_INTERRUPTS;
}
