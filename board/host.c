// SPDX-License-Identifier: MIT
/*
 * Host: fetches GPFIFO entries and the pushbuffers that they point to, and decodes methods. It
 * does its own (semaphores, interrupt), the rest goes to the class that is bound to the
 * subchannel. What host itself reads and writes is not replayable: a fault there ends the
 * channel, and so does anything that is no method.
 *
 * A GPFIFO entry has two words: address bits 31:2, and in the second address bits 39:32 (7:0),
 * called by another (9), length in words (30:10), don't prefetch (31). An entry without a length
 * is a control entry, with an opcode in 7:0.
 *
 * A word of a pushbuffer is a header, or data for the header before it:
 *
 *	31:29	28:16		15:13		11:0
 *	what	count or data	subchannel	method / 4
 *
 * Sources: classes/host/clc06f.h of open-gpu-doc; hw_pbdma_gp106.h and hw_ram_gp106.h (USERD) of
 * nvgpu; manuals/volta/gv100/dev_pbdma.ref.txt of open-gpu-doc.
 */
#include "channel.h"

/* Words of USERD. */
#define USERD_GET		0x44
#define USERD_TOP_LEVEL_GET	0x58
#define USERD_TOP_LEVEL_GET_HI	0x5c
#define USERD_GET_HI		0x60
#define USERD_GP_GET		0x88
#define USERD_GP_PUT		0x8c
#define USERD_TOP_LEVEL_VALID	(1U << 31)
#define USERD_REFERENCE		0x48

#define GP_ENTRY_SIZE		8
#define GP_CALLED		(1U << 9)
#define GP_OPCODE_NOP		0
#define GP_OPCODE_GP_CRC	2
#define GP_OPCODE_PB_CRC	3

/* A header's bits 31:29. */
enum { OP_GRP0, OP_INC, OP_GRP2, OP_NON_INC, OP_IMMEDIATE, OP_ONE_INC, OP_RESERVED,
       OP_END_SEGMENT };
/* Bits 17:16 of the two groups that older chips had. */
#define OP_GRP0_INC		0

#define SET_OBJECT		0x0000
#define ILLEGAL			0x0004
#define NOP			0x0008
#define SEMAPHOREA		0x0010
#define SEMAPHOREB		0x0014
#define SEMAPHOREC		0x0018
#define SEMAPHORED		0x001c
#define NON_STALL_INTERRUPT	0x0020
#define FB_FLUSH		0x0024
#define MEM_OP_A		0x0028
#define MEM_OP_D		0x0034
#define SET_REFERENCE		0x0050
#define WFI			0x0078
#define CRC_CHECK		0x007c
#define YIELD			0x0080
/* Methods below belong to host, whatever the subchannel. */
#define HOST_METHODS		0x0100

#define SEMAPHORED_OPERATION	0x1f
#define SEMAPHORED_ACQUIRE	0x01
#define SEMAPHORED_RELEASE	0x02
#define SEMAPHORED_ACQ_GEQ	0x04
#define SEMAPHORED_ACQ_AND	0x08
#define SEMAPHORED_REDUCTION	0x10
#define SEMAPHORED_4BYTE	(1U << 24)
#define SEMAPHORED_REDUCE_OP(d)	((d) >> 27 & 0xf)
#define SEMAPHORED_UNSIGNED	(1U << 31)

static uint32_t userd(struct engine *engine, const struct channel *channel, uint32_t offset)
{
	uint32_t value;

	memory_read32(&engine->access->memory, VRAM, channel->userd + offset, &value);
	return value;
}

static void set_userd(struct engine *engine, const struct channel *channel, uint32_t offset,
		      uint32_t value)
{
	memory_write32(&engine->access->memory, VRAM, channel->userd + offset, value);
}

static uint64_t semaphore(const struct channel *channel)
{
	return (uint64_t)(channel->sem_a & 0xff) << 32 | (channel->sem_b & ~3U);
}

static enum channel_went faulted(struct channel *channel, uint64_t va, enum access_type type,
				 enum fault_reason reason)
{
	return channel_faulted(channel, va, type, reason, FAULT_ENGINE_HOST);
}

/* Let the CPU know how far this is: it may reuse what lies before. */
static void update_get(struct engine *engine, const struct channel *channel)
{
	const uint64_t get = channel->pb_get -
			     (channel->fetched_nr - channel->fetched_cur) * 4ULL;

	set_userd(engine, channel, USERD_GET_HI, get >> 32);
	set_userd(engine, channel, USERD_GET, get);
	if (channel->pb_main) {
		set_userd(engine, channel, USERD_TOP_LEVEL_GET, get);
		set_userd(engine, channel, USERD_TOP_LEVEL_GET_HI,
			  get >> 32 | USERD_TOP_LEVEL_VALID);
	}
}

static enum channel_went next_entry(struct engine *engine, struct channel *channel)
{
	const uint32_t put = userd(engine, channel, USERD_GP_PUT);
	enum fault_reason reason;
	uint64_t va, fault_va;
	uint32_t word[2];

	if (put >= channel->gp_nr)
		return channel_illegal(channel, "GP_PUT is outside of the GPFIFO", PBDMA_GPPTR, put);
	if (put == channel->gp_get)
		return WENT_NOWHERE;
	va = channel->gp_base + channel->gp_get * (uint64_t)GP_ENTRY_SIZE;
	if (!access_bytes(engine->access, &channel->space, va, ACCESS_READ, word, sizeof(word),
			  &fault_va, &reason))
		return faulted(channel, fault_va, ACCESS_READ, reason);

	stat_add(engine->access->events, STAT_gpfifo_entries, 1);
	channel->gp_get = (channel->gp_get + 1) & (channel->gp_nr - 1);
	set_userd(engine, channel, USERD_GP_GET, channel->gp_get);

	channel->pb_get = (uint64_t)(word[1] & 0xff) << 32 | (word[0] & ~3U);
	channel->pb_end = channel->pb_get + (uint64_t)(word[1] >> 10 & 0x1fffff) * 4;
	channel->pb_main = !(word[1] & GP_CALLED);
	if (channel->pb_get == channel->pb_end) {
		switch (word[1] & 0xff) {
		case GP_OPCODE_NOP:
		case GP_OPCODE_GP_CRC:
		case GP_OPCODE_PB_CRC:
			return WENT_ON;
		}
		return channel_illegal(channel, "GPFIFO entry with no such opcode", PBDMA_GPENTRY,
				       word[1]);
	}
	/* A method does not continue in the next segment. */
	if (channel->dec.count)
		return channel_illegal(channel, "pushbuffer ends within a method", PBDMA_PBENTRY,
				       channel->dec.count);
	return WENT_ON;
}

static enum channel_went fetch(struct engine *engine, struct channel *channel)
{
	const uint64_t to_end = PAGE_SIZE - (channel->pb_get & ~PAGE_MASK);
	uint64_t bytes = channel->pb_end - channel->pb_get, fault_va;
	enum fault_reason reason;

	if (bytes > to_end)
		bytes = to_end;
	if (bytes > sizeof(channel->fetched))
		bytes = sizeof(channel->fetched);
	if (!access_bytes(engine->access, &channel->space, channel->pb_get, ACCESS_READ,
			  channel->fetched, bytes, &fault_va, &reason))
		return faulted(channel, fault_va, ACCESS_READ, reason);
	channel->pb_get += bytes;
	channel->fetched_nr = bytes / 4;
	channel->fetched_cur = 0;
	return WENT_ON;
}

/* SEMAPHORED that waits: WENT_WAITS until the semaphore is as it should be. */
static enum channel_went acquire(struct engine *engine, struct channel *channel)
{
	const uint64_t va = semaphore(channel);
	enum fault_reason reason;
	uint64_t fault_va;
	uint32_t value;
	bool met;

	if (!access_bytes(engine->access, &channel->space, va, ACCESS_READ, &value, 4, &fault_va,
			  &reason))
		return faulted(channel, va, ACCESS_READ, reason);
	switch (channel->acquire) {
	case SEMAPHORED_ACQUIRE:
		met = value == channel->sem_c;
		break;
	case SEMAPHORED_ACQ_GEQ:
		met = (int32_t)(value - channel->sem_c) >= 0;
		break;
	default:
		met = value & channel->sem_c;
	}
	if (!met)
		return WENT_WAITS;
	stat_add(engine->access->events, STAT_semaphores, 1);
	channel->acquire = 0;
	return WENT_ON;
}

static enum channel_went release(struct engine *engine, struct channel *channel, uint32_t data)
{
	const uint64_t va = semaphore(channel);
	uint32_t word[4] = { channel->sem_c, 0, engine->time, engine->time >> 32 };
	enum fault_reason reason;
	uint64_t fault_va;

	if (!(data & SEMAPHORED_4BYTE)) {
		if (va & 0xf)
			return channel_illegal(channel, "misaligned semaphore", PBDMA_SEMAPHORE,
					       channel->sem_b);
		/* The payload last: who sees it finds the time there. */
		if (!access_bytes(engine->access, &channel->space, va + 4, ACCESS_WRITE, word + 1,
				  12, &fault_va, &reason))
			return faulted(channel, va, ACCESS_WRITE, reason);
	}
	if (!access_bytes(engine->access, &channel->space, va, ACCESS_WRITE, word, 4, &fault_va,
			  &reason))
		return faulted(channel, va, ACCESS_WRITE, reason);
	stat_add(engine->access->events, STAT_semaphores, 1);
	event(engine->access->events, EVENT_semaphore, channel->id, va, channel->sem_c);
	return WENT_ON;
}

/* SEMAPHORED's reductions, in the order of clc06f.h, as those of the copy engine. */
static enum channel_went reduction(struct engine *engine, struct channel *channel, uint32_t data)
{
	static const enum reduction of[] = { REDUCE_MIN, REDUCE_MAX, REDUCE_XOR, REDUCE_AND,
					     REDUCE_OR, REDUCE_ADD, REDUCE_INC, REDUCE_DEC };
	const uint32_t op = SEMAPHORED_REDUCE_OP(data);
	enum fault_reason reason;

	if (op >= sizeof(of) / sizeof(of[0]))
		return channel_illegal(channel, "SEMAPHORED: no such reduction", PBDMA_SEMAPHORE,
				       data);
	if (!access_atomic(engine->access, &channel->space, semaphore(channel),
			   of[op] | (data & SEMAPHORED_UNSIGNED ? REDUCE_UNSIGNED : 0),
			   channel->sem_c, NULL, &reason))
		return faulted(channel, semaphore(channel), ACCESS_ATOMIC, reason);
	stat_add(engine->access->events, STAT_semaphores, 1);
	return WENT_ON;
}

static enum channel_went host_method(struct engine *engine, struct channel *channel,
				     uint32_t mthd, uint32_t data)
{
	switch (mthd) {
	case SET_OBJECT:
		channel->object[channel->dec.subc] = data & 0xffff;
		return WENT_ON;
	case NOP:
	case FB_FLUSH:
	case WFI:	/* Everything before has been done. */
	case CRC_CHECK:
	case YIELD:
		return WENT_ON;
	case SEMAPHOREA:
		channel->sem_a = data;
		return WENT_ON;
	case SEMAPHOREB:
		channel->sem_b = data;
		return WENT_ON;
	case SEMAPHOREC:
		channel->sem_c = data;
		return WENT_ON;
	case SEMAPHORED:
		switch (data & SEMAPHORED_OPERATION) {
		case SEMAPHORED_RELEASE:
			return release(engine, channel, data);
		case SEMAPHORED_ACQUIRE:
		case SEMAPHORED_ACQ_GEQ:
		case SEMAPHORED_ACQ_AND:
			channel->acquire = data & SEMAPHORED_OPERATION;
			return WENT_ON;
		case SEMAPHORED_REDUCTION:
			return reduction(engine, channel, data);
		}
		return channel_illegal(channel, "SEMAPHORED: no such operation", PBDMA_SEMAPHORE,
				       data);
	case NON_STALL_INTERRUPT:
		stat_add(engine->access->events, STAT_non_stall_interrupts, 1);
		return WENT_INTERRUPTS;
	case SET_REFERENCE:
		channel->reference = data;
		set_userd(engine, channel, USERD_REFERENCE, data);
		return WENT_ON;
	}
	if (mthd >= MEM_OP_A && mthd <= MEM_OP_D) {
		event_once(engine->access->events, NOT_MODELLED, 0x10000ULL | mthd,
			   "host: MEM_OP, method %#x", mthd);
		return WENT_ON;
	}
	return channel_illegal(channel, "host: no such method", PBDMA_METHOD, data);
}

static enum channel_went do_method(struct engine *engine, struct channel *channel, uint32_t mthd,
				   uint32_t data)
{
	struct events *events = engine->access->events;
	const uint32_t class = channel->object[channel->dec.subc];

	stat_add(events, STAT_methods, 1);
	channel->dec.mthd = mthd;
	if (mthd < HOST_METHODS)
		return host_method(engine, channel, mthd, data);
	if (class == CLASS_PASCAL_DMA_COPY_A) {
		if (copy_method(events, channel, mthd, data))
			return WENT_ON;
		return WENT_ILLEGAL;
	}
	/* Nothing is on the subchannel: software may be meant, and goes on with the next method. */
	if (!class)
		return channel_illegal(channel, "method of an empty subchannel", PBDMA_DEVICE, data);
	event_once(events, NOT_MODELLED, (uint64_t)class << 16 | mthd,
		   "class %#06x, method %#06x", class, mthd);
	return channel_illegal(channel, "method of a class that is not modelled", PBDMA_METHOD,
			       data);
}

static enum channel_went do_header(struct engine *engine, struct channel *channel, uint32_t word)
{
	struct channel_decoder *dec = &channel->dec;

	dec->mthd = (word & 0xfff) << 2;
	dec->subc = word >> 13 & 7;
	dec->count = word >> 16 & 0x1fff;
	dec->step = 4;
	dec->once = false;

	switch (word >> 29) {
	case OP_GRP0:
	case OP_GRP2:
		/* Those of older chips: the method in 12:2, 11 bits of count. */
		if ((word >> 16 & 3) != OP_GRP0_INC)
			break;
		dec->mthd = word & 0x1ffc;
		dec->count = word >> 18 & 0x7ff;
		dec->step = word >> 29 == OP_GRP2 ? 0 : 4;
		return WENT_ON;
	case OP_INC:
		return WENT_ON;
	case OP_NON_INC:
		dec->step = 0;
		return WENT_ON;
	case OP_ONE_INC:
		dec->once = true;
		return WENT_ON;
	case OP_IMMEDIATE:
		dec->count = 0;
		return do_method(engine, channel, dec->mthd, word >> 16 & 0x1fff);
	case OP_END_SEGMENT:
		dec->count = 0;
		channel->pb_get = channel->pb_end;
		channel->fetched_nr = channel->fetched_cur;
		return WENT_ON;
	}
	dec->count = 0;
	return channel_illegal(channel, "no such header", PBDMA_PBENTRY, word);
}

static enum channel_went do_word(struct engine *engine, struct channel *channel, uint32_t word)
{
	struct channel_decoder *dec = &channel->dec;
	const uint32_t mthd = dec->mthd;
	enum channel_went went;

	if (!dec->count)
		return do_header(engine, channel, word);
	dec->count--;
	went = do_method(engine, channel, mthd, word);
	dec->mthd = (mthd + dec->step) & 0x3ffc;
	if (dec->once)
		dec->step = 0;
	return went;
}

enum channel_went host_step(struct engine *engine, struct channel *channel)
{
	enum channel_went went = WENT_ON;

	if (channel->acquire)
		return acquire(engine, channel);
	if (channel->fetched_cur == channel->fetched_nr) {
		if (channel->pb_get == channel->pb_end)
			return next_entry(engine, channel);
		return fetch(engine, channel);
	}
	while (went == WENT_ON && channel->fetched_cur < channel->fetched_nr &&
	       !channel->copy.busy && !channel->acquire)
		went = do_word(engine, channel, channel->fetched[channel->fetched_cur++]);
	update_get(engine, channel);
	return went;
}
