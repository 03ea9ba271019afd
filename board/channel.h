/* SPDX-License-Identifier: MIT */
#ifndef CHANNEL_H
#define CHANNEL_H
/*
 * A channel: host, which fetches a GPFIFO's pushbuffers and decodes methods (host.c), and the
 * copy engine, to which it hands them (copy.c). A step does a bounded piece of work and says
 * what came of it; what follows from that is for the caller to decide.
 */
#include "access.h"
#include "fault.h"

#define CHANNEL_SUBCHANNELS	8
#define CHANNEL_FETCH		32	/* words of a pushbuffer that are fetched at once */
#define CLASS_PASCAL_DMA_COPY_A	0xc0b5

/* What became of a channel's attempt to go on. */
enum channel_went {
	WENT_ON,
	WENT_NOWHERE,		/* there is nothing to do */
	WENT_WAITS,		/* for a semaphore, or for its pace: look again later */
	WENT_INTERRUPTS,	/* went on, and a non-stall interrupt is due */
	WENT_FAULTED,		/* channel->fault says how */
	WENT_ILLEGAL,		/* channel->illegal says what */
};

/* A PBDMA's interrupt bits, 0x040108 and 0x040148 (hw_pbdma_gp106.h of nvgpu). */
enum { PBDMA_GPFIFO = 1 << 13, PBDMA_GPPTR = 1 << 14, PBDMA_GPENTRY = 1 << 15, PBDMA_PBPTR = 1 << 17,
       PBDMA_PBENTRY = 1 << 18, PBDMA_METHOD = 1 << 21, PBDMA_DEVICE = 1 << 23,
       PBDMA_SEMAPHORE = 1 << 25, PBDMA_SIGNATURE = -2147483647 - 1 };

struct channel_illegal {
	const char *text;
	uint32_t pbdma;		/* the interrupt that says so */
	uint32_t subc, mthd, data;
};

/* Words of a transfer, named after the methods. */
struct copy_engine {
	uint32_t sem_upper, sem_lower, sem_payload;
	uint32_t src_target, dst_target;
	uint32_t in_upper, in_lower, out_upper, out_lower;
	uint32_t pitch_in, pitch_out;
	uint32_t line_length, line_count;
	uint32_t const_a, const_b, components;
	/* The transfer under way. */
	uint32_t launch;
	bool busy;
	uint64_t line, offset, moved;
};

/* What the pushbuffer's words amount to so far. */
struct channel_decoder {
	uint32_t mthd;
	uint8_t subc;
	uint8_t step;	/* added to mthd for the next word */
	bool once;	/* ... but only for the next */
	uint32_t count;	/* words of data to come */
};

struct channel {
	int id;
	uint64_t inst;
	struct vmm_space space;
	uint64_t userd;		/* in VRAM */
	uint64_t gp_base;
	uint32_t gp_nr;
	bool priv;		/* may use physical addresses */

	uint32_t gp_get;
	uint64_t pb_get, pb_end;
	bool pb_main;
	uint32_t fetched[CHANNEL_FETCH];
	uint32_t fetched_nr, fetched_cur;
	struct channel_decoder dec;
	uint32_t object[CHANNEL_SUBCHANNELS];
	uint32_t sem_a, sem_b, sem_c;
	uint32_t acquire;	/* the operation of SEMAPHORED that waits, or 0 */
	uint32_t reference;
	struct copy_engine copy;

	struct fault fault;
	struct channel_illegal illegal;
};

/* What a channel works with; not its own. */
struct engine {
	struct access *access;
	int64_t budget;		/* pages that may be copied still, where there is a pace */
	bool copy_held;		/* the gate of copies is closed */
	uint64_t time;		/* PTIMER's, for semaphores */
	uint8_t bounce[PAGE_SIZE];
};

/* Take what the instance block says. NULL, or in words what is wrong with it. */
const char *channel_load(struct channel *channel, struct memory *memory);
/* Write down in the instance block where a channel is that goes idle. */
void channel_save(const struct channel *channel, struct memory *memory);
/* Host, or the copy engine if it is busy. */
enum channel_went channel_step(struct engine *engine, struct channel *channel);

/* host.c */
enum channel_went host_step(struct engine *engine, struct channel *channel);
/* copy.c */
bool copy_method(struct events *events, struct channel *channel, uint32_t mthd, uint32_t data);
enum channel_went copy_step(struct engine *engine, struct channel *channel);
/* channel.c, for the two */
enum channel_went channel_faulted(struct channel *channel, uint64_t va, enum access_type type,
				  enum fault_reason reason, uint8_t mmu_engine);
enum channel_went channel_illegal(struct channel *channel, const char *text, uint32_t pbdma,
				  uint32_t data);
#endif
