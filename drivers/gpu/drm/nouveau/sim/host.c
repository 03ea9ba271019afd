// SPDX-License-Identifier: MIT
/*
 * Host: fetches GPFIFO entries and the pushbuffers that they point to, and decodes
 * methods. It does its own (semaphores, interrupt), the rest goes to the class that is
 * bound to the subchannel.
 *
 * What host itself reads and writes cannot be replayed: a fault there ends the channel,
 * and so does anything that is no method.
 *
 * A GPFIFO entry has two words: address bits 31:2, and in the second address bits
 * 39:32 (7:0), called by another (9), length in words (30:10), don't prefetch (31). An
 * entry without a length is a control entry, with an opcode in 7:0.
 *
 * A word of a pushbuffer is a header, or data for the header before it:
 *
 *	31:29	28:16		15:13		11:0
 *	what	count or data	subchannel	method / 4
 *
 * Source: clc06f.h of open-gpu-doc, nvhw/class/cl906f.h, nvif/chan506f.c.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>

#include "model.h"

/* Words of USERD, in bytes. */
#define USERD_GET		0x44
#define USERD_TOP_LEVEL_GET	0x58
#define USERD_TOP_LEVEL_GET_HI	0x5c
#define USERD_GET_HI		0x60
#define USERD_GP_GET		0x88
#define USERD_GP_PUT		0x8c
#define USERD_TOP_LEVEL_VALID	BIT(31)

#define GP_ENTRY_SIZE		8
#define GP_CALLED		BIT(9)
#define GP_OPCODE_NOP		0

/* A header's bits 31:29. */
#define OP_GRP0			0
#define OP_INC			1
#define OP_GRP2			2
#define OP_NON_INC		3
#define OP_IMMEDIATE		4
#define OP_ONE_INC		5
#define OP_END_SEGMENT		7
/* Its bits 17:16, for the two groups. */
#define OP_GRP0_INC		0

#define SET_OBJECT		0x0000
#define NOP			0x0008
#define SEMAPHOREA		0x0010
#define SEMAPHOREB		0x0014
#define SEMAPHOREC		0x0018
#define SEMAPHORED		0x001c
#define NON_STALL_INTERRUPT	0x0020
#define FB_FLUSH		0x0024
#define SET_REFERENCE		0x0050
#define WFI			0x0078
/* Methods below belong to host, whatever the subchannel. */
#define HOST_METHODS		0x0100

#define SEMAPHORED_OPERATION	GENMASK(4, 0)
#define SEMAPHORED_ACQUIRE	0x01
#define SEMAPHORED_RELEASE	0x02
#define SEMAPHORED_ACQ_GEQ	0x04
#define SEMAPHORED_ACQ_AND	0x08
#define SEMAPHORED_4BYTE	BIT(24)

static u32 userd(struct nvsim_chan *chan, u32 offset)
{
	/* Pairs with the wmb() before nouveau writes GP_PUT: entries are there. */
	return smp_load_acquire(&chan->userd[offset / 4]);
}

static void set_userd(struct nvsim_chan *chan, u32 offset, u32 value)
{
	/* Whoever sees GET may reuse what was read: the reads are done. */
	smp_store_release(&chan->userd[offset / 4], value);
}

static enum nvsim_went illegal(struct nvsim_why *why, const char *text, u32 data)
{
	*why = (struct nvsim_why) { text, data };
	return NVSIM_ILLEGAL;
}

static u64 semaphore(const struct nvsim_chan *chan)
{
	return (u64)(chan->sem_a & 0xff) << 32 | (chan->sem_b & ~3);
}

/* Let the CPU know how far this is. */
static void update_get(struct nvsim_chan *chan)
{
	const u64 get = chan->pb_get - (chan->pbuf_nr - chan->pbuf_cur) * 4;

	set_userd(chan, USERD_GET_HI, upper_32_bits(get));
	set_userd(chan, USERD_GET, lower_32_bits(get));
	if (chan->pb_main) {
		set_userd(chan, USERD_TOP_LEVEL_GET, lower_32_bits(get));
		set_userd(chan, USERD_TOP_LEVEL_GET_HI, upper_32_bits(get) | USERD_TOP_LEVEL_VALID);
	}
}

static enum nvsim_went next_entry(struct nvsim *sim, struct nvsim_chan *chan,
				  struct nvsim_why *why)
{
	const u32 put = userd(chan, USERD_GP_PUT);
	enum nvsim_reason reason;
	u32 word[2];
	u64 va;

	if (put >= chan->gp_nr)
		return illegal(why, "GP_PUT is outside of the GPFIFO", put);
	if (put == chan->gp_get)
		return NVSIM_NOTHING_TO_DO;

	va = chan->gp_base + chan->gp_get * GP_ENTRY_SIZE;
	if (!nvsim_rw(sim, &chan->as, va, NVSIM_READ, word, sizeof(word), &reason))
		return nvsim_chan_fault(sim, chan, va, NVSIM_READ, reason, false);

	sim->stats.gpfifo_entries++;
	chan->gp_get = (chan->gp_get + 1) & (chan->gp_nr - 1);
	set_userd(chan, USERD_GP_GET, chan->gp_get);

	chan->pb_get = (u64)(word[1] & 0xff) << 32 | (word[0] & ~3);
	chan->pb_end = chan->pb_get + (u64)(word[1] >> 10 & 0x1fffff) * 4;
	chan->pb_main = !(word[1] & GP_CALLED);
	if (chan->pb_get == chan->pb_end) {
		if ((word[1] & 0xff) != GP_OPCODE_NOP)
			return illegal(why, "GPFIFO entry with no such opcode", word[1]);
		return NVSIM_WENT_ON;
	}
	/* A method does not continue in the next segment. */
	if (chan->dec.count)
		return illegal(why, "pushbuffer ends within a method", chan->dec.count);
	return NVSIM_WENT_ON;
}

static enum nvsim_went fetch(struct nvsim *sim, struct nvsim_chan *chan)
{
	const u64 left = min(chan->pb_end - chan->pb_get,
			     PAGE_SIZE - (chan->pb_get & ~PAGE_MASK));
	const u32 bytes = min_t(u64, left, sizeof(chan->pbuf));
	enum nvsim_reason reason;

	if (!nvsim_rw(sim, &chan->as, chan->pb_get, NVSIM_READ, chan->pbuf, bytes, &reason))
		return nvsim_chan_fault(sim, chan, chan->pb_get, NVSIM_READ, reason, false);
	chan->pb_get += bytes;
	chan->pbuf_nr = bytes / 4;
	chan->pbuf_cur = 0;
	return NVSIM_WENT_ON;
}

/* SEMAPHORED that waits: NVSIM_WAITS until the semaphore is as it should be. */
static enum nvsim_went acquire(struct nvsim *sim, struct nvsim_chan *chan)
{
	enum nvsim_reason reason;
	bool met;
	u32 value;

	if (!nvsim_rw(sim, &chan->as, semaphore(chan), NVSIM_READ, &value, 4, &reason))
		return nvsim_chan_fault(sim, chan, semaphore(chan), NVSIM_READ, reason, false);
	switch (chan->acquire) {
	case SEMAPHORED_ACQUIRE:
		met = value == chan->sem_c;
		break;
	case SEMAPHORED_ACQ_GEQ:
		met = (s32)(value - chan->sem_c) >= 0;
		break;
	default:
		met = value & chan->sem_c;
	}
	if (!met)
		return NVSIM_WAITS;
	sim->stats.semaphores++;
	chan->acquire = 0;
	return NVSIM_WENT_ON;
}

static enum nvsim_went release(struct nvsim *sim, struct nvsim_chan *chan, u32 data)
{
	const u64 va = semaphore(chan), now = ktime_get_ns();
	u32 word[4] = { chan->sem_c, 0, lower_32_bits(now), upper_32_bits(now) };
	const u32 len = data & SEMAPHORED_4BYTE ? 4 : 16;
	enum nvsim_reason reason;

	/* The payload last: who sees it finds the time there. */
	if (len == 16) {
		if (va & 0xf)
			return NVSIM_ILLEGAL;
		if (!nvsim_rw(sim, &chan->as, va + 4, NVSIM_WRITE, word + 1, 12, &reason))
			return nvsim_chan_fault(sim, chan, va, NVSIM_WRITE, reason, false);
		/* Pairs with what orders the reader's two looks. */
		smp_wmb();
	}
	if (!nvsim_rw(sim, &chan->as, va, NVSIM_WRITE, word, 4, &reason))
		return nvsim_chan_fault(sim, chan, va, NVSIM_WRITE, reason, false);
	sim->stats.semaphores++;
	return NVSIM_WENT_ON;
}

static enum nvsim_went host_method(struct nvsim *sim, struct nvsim_chan *chan, u32 mthd,
				   u32 data, struct nvsim_why *why)
{
	enum nvsim_went went;

	switch (mthd) {
	case SET_OBJECT:
		chan->object[chan->dec.subc] = data & 0xffff;
		return NVSIM_WENT_ON;
	case NOP:
	case FB_FLUSH:
	case WFI:	/* Everything before has been done. */
		return NVSIM_WENT_ON;
	case SEMAPHOREA:
		chan->sem_a = data;
		return NVSIM_WENT_ON;
	case SEMAPHOREB:
		chan->sem_b = data;
		return NVSIM_WENT_ON;
	case SEMAPHOREC:
		chan->sem_c = data;
		return NVSIM_WENT_ON;
	case SEMAPHORED:
		switch (data & SEMAPHORED_OPERATION) {
		case SEMAPHORED_RELEASE:
			went = release(sim, chan, data);
			if (went == NVSIM_ILLEGAL)
				return illegal(why, "misaligned semaphore", chan->sem_b);
			return went;
		case SEMAPHORED_ACQUIRE:
		case SEMAPHORED_ACQ_GEQ:
		case SEMAPHORED_ACQ_AND:
			chan->acquire = data & SEMAPHORED_OPERATION;
			return NVSIM_WENT_ON;
		}
		return illegal(why, "SEMAPHORED: no such operation", data);
	case NON_STALL_INTERRUPT:
		sim->stats.non_stall_interrupts++;
		return NVSIM_INTERRUPTS;
	case SET_REFERENCE:
		chan->reference = data;
		return NVSIM_WENT_ON;
	}
	return illegal(why, "host: no such method", mthd);
}

static enum nvsim_went do_method(struct nvsim *sim, struct nvsim_chan *chan, u32 mthd, u32 data,
				 struct nvsim_why *why)
{
	sim->stats.methods++;
	if (mthd < HOST_METHODS)
		return host_method(sim, chan, mthd, data, why);
	switch (chan->object[chan->dec.subc]) {
	case NVSIM_CLASS_COPY:
		return nvsim_ce_method(chan, mthd, data, why) ? NVSIM_WENT_ON : NVSIM_ILLEGAL;
	}
	return illegal(why, "method of a class that is not modelled", mthd);
}

static enum nvsim_went do_header(struct nvsim *sim, struct nvsim_chan *chan, u32 word,
				 struct nvsim_why *why)
{
	struct nvsim_decoder *dec = &chan->dec;

	dec->mthd = (word & 0xfff) << 2;
	dec->subc = word >> 13 & 7;
	dec->count = word >> 16 & 0x1fff;
	dec->step = 4;
	dec->once = false;

	switch (word >> 29) {
	case OP_GRP0:
		/* The old form, whose count starts higher and whose method ends lower. */
		if ((word >> 16 & 3) != OP_GRP0_INC)
			return illegal(why, "subdevice masks are not modelled", word);
		dec->count = word >> 18 & 0x7ff;
		dec->mthd = word & 0x1ffc;
		return NVSIM_WENT_ON;
	case OP_GRP2:
		if ((word >> 16 & 3) != 0)
			return illegal(why, "no such header", word);
		dec->count = word >> 18 & 0x7ff;
		dec->mthd = word & 0x1ffc;
		dec->step = 0;
		return NVSIM_WENT_ON;
	case OP_INC:
		return NVSIM_WENT_ON;
	case OP_NON_INC:
		dec->step = 0;
		return NVSIM_WENT_ON;
	case OP_ONE_INC:
		dec->once = true;
		return NVSIM_WENT_ON;
	case OP_IMMEDIATE:
		dec->count = 0;
		return do_method(sim, chan, dec->mthd, word >> 16 & 0x1fff, why);
	case OP_END_SEGMENT:
		dec->count = 0;
		chan->pb_get = chan->pb_end;
		chan->pbuf_nr = chan->pbuf_cur;
		return NVSIM_WENT_ON;
	}
	dec->count = 0;
	return illegal(why, "no such header", word);
}

static enum nvsim_went do_word(struct nvsim *sim, struct nvsim_chan *chan, u32 word,
			       struct nvsim_why *why)
{
	struct nvsim_decoder *dec = &chan->dec;
	const u32 mthd = dec->mthd;

	if (!dec->count)
		return do_header(sim, chan, word, why);
	dec->count--;
	dec->mthd = (dec->mthd + dec->step) & 0x3ffc;
	if (dec->once)
		dec->step = 0;
	return do_method(sim, chan, mthd, word, why);
}

/**
 * nvsim_host_step() - go on with a channel
 * @sim: the device
 * @chan: the channel, whose copy engine is not busy
 * @why: why it is illegal
 *
 * Does what has been fetched, up to the first thing that takes time; else fetches.
 *
 * Context: needs the device's lock.
 * Return: what became of it.
 */
enum nvsim_went nvsim_host_step(struct nvsim *sim, struct nvsim_chan *chan,
				struct nvsim_why *why)
{
	enum nvsim_went went = NVSIM_WENT_ON;

	lockdep_assert_held(&sim->lock);

	if (chan->acquire)
		return acquire(sim, chan);

	if (chan->pbuf_cur == chan->pbuf_nr) {
		if (chan->pb_get == chan->pb_end)
			return next_entry(sim, chan, why);
		return fetch(sim, chan);
	}

	while (went == NVSIM_WENT_ON && chan->pbuf_cur < chan->pbuf_nr && !chan->ce.busy &&
	       !chan->acquire)
		went = do_word(sim, chan, chan->pbuf[chan->pbuf_cur++], why);
	update_get(chan);
	return went;
}
