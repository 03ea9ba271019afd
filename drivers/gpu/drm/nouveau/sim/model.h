/* SPDX-License-Identifier: MIT */
#ifndef __NVSIM_MODEL_H__
#define __NVSIM_MODEL_H__
/*
 * What the silicon would do: the state of a software GPU and its moves. Nothing
 * here knows nouveau, a device or DRM; the nvkm_*.c files beside it connect the two.
 *
 *   mmu.c	page-table walker, TLB, access to memory, stale-access oracle
 *   fault.c	replayable fault buffer, replay, cancel, gates
 *   host.c	GPFIFO, pushbuffer and host methods
 *   ce.c	copy engine
 *   engine.c	channels, and who runs when
 *   access.c	accesses made by hand, in the name of a channel
 *
 * Numbers of registers, methods and formats are NVIDIA's, as published in
 * https://github.com/NVIDIA/open-gpu-doc (gp100-mmu-format, classes/host/clc06f.h,
 * classes/dma-copy/clc0b5.h, classes/mmu-fault-buffer/clb069.h), and as nouveau
 * uses them.
 */
#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#define NVSIM_CHANS	256	/* channel IDs of a device */
#define NVSIM_TLB_MAX	256
#define NVSIM_PBUF	32	/* words of a pushbuffer that are fetched at once */
#define NVSIM_SUBCHANS	8

/* page_private() of a page that may hold page tables. */
#define NVSIM_TABLE_PAGE	0x6e76736dUL

/* Values of a fault buffer entry's ACCESS_TYPE. */
enum nvsim_type {
	NVSIM_READ	= 0,
	NVSIM_WRITE	= 1,
	NVSIM_ATOMIC	= 2,
	NVSIM_PREFETCH	= 3,
};

/* Values of a fault buffer entry's FAULT_TYPE. */
enum nvsim_reason {
	NVSIM_FAULT_PDE			= 0x0,
	NVSIM_FAULT_PTE			= 0x2,
	NVSIM_FAULT_VA_LIMIT		= 0x3,
	NVSIM_FAULT_UNBOUND_INST	= 0x4,
	NVSIM_FAULT_RO			= 0x6,
	NVSIM_FAULT_APERTURE		= 0xa,
	NVSIM_FAULT_ATOMIC		= 0xf,
};

/* MMU engine IDs, as gp100_fifo_mmu_fault_engine[] names them, and MMU clients. */
#define NVSIM_ENGINE_HOST	0x06
#define NVSIM_ENGINE_CE		0x15
#define NVSIM_CLIENT_HOST	0x07
#define NVSIM_CLIENT_CE		0x18

/* Where a PTE or an address in physical mode points to. */
enum nvsim_aperture {
	NVSIM_VRAM,
	NVSIM_SYS,
};

/**
 * struct nvsim_as - an address space, as an instance block describes it
 * @pdb: address of the topmost page directory
 * @pdb_aperture: and where that is
 * @limit: the last virtual address
 * @own: first address of where the driver maps its own memory; all other is a process's
 * @own_size: and how much of it there is
 * @replay: faults of engines wait for a replay instead of ending the channel
 */
struct nvsim_as {
	u64 pdb;
	enum nvsim_aperture pdb_aperture;
	u64 limit;
	u64 own;
	u64 own_size;
	bool replay;
};

/**
 * struct nvsim_xlat - what a walk finds out about a page
 * @addr: physical address of its first byte
 * @shift: log2 of its size
 * @aperture: where @addr is
 * @ro: must not be written
 * @no_atomic: no atomic access to it
 * @sparse: there is no memory: reads give zeros, writes are lost
 */
struct nvsim_xlat {
	u64 addr;
	u8 shift;
	enum nvsim_aperture aperture;
	bool ro;
	bool no_atomic;
	bool sparse;
};

struct nvsim_tlb_entry {
	bool valid;
	u64 pdb;
	u64 va;
	struct nvsim_xlat xlat;
};

/**
 * struct nvsim_fault - what is known of an access that failed
 * @inst: address of the channel's instance block
 * @addr: the virtual address, of a page
 * @type: the access
 * @reason: why it failed
 * @engine: whose access it was
 * @client: and which of its units'
 */
struct nvsim_fault {
	u64 inst;
	u64 addr;
	enum nvsim_type type;
	enum nvsim_reason reason;
	u8 engine;
	u8 client;
};

/* A retry after a fault: nothing to wait for, not reported yet, reported. */
enum nvsim_stall {
	NVSIM_RUNS,
	NVSIM_FAULTED,
	NVSIM_REPORTED,
};

/* Words of a transfer, named after the methods. */
struct nvsim_ce {
	u32 sem_upper, sem_lower, sem_payload;
	u32 src_target, dst_target;
	u32 in_upper, in_lower, out_upper, out_lower;
	u32 pitch_in, pitch_out;
	u32 line_length, line_count;
	u32 const_a, const_b, components;

	/* The transfer under way. */
	u32 launch;
	bool busy;
	u64 line, offset;
};

/* What the pushbuffer's words amount to so far. */
struct nvsim_decoder {
	u32 mthd;
	u8 subc;
	u8 step;	/* added to mthd for the next word */
	bool once;	/* ... but only for the next */
	u32 count;	/* words of data to come */
};

struct nvsim_chan {
	int id;
	int runlist;
	u64 inst;
	struct nvsim_as as;
	u32 *userd;	/* GP_PUT and the like, shared with the CPU */
	u64 gp_base;
	u32 gp_nr;	/* a power of 2 */
	bool priv;	/* may use physical addresses */

	bool running;	/* set and cleared without the lock: WRITE_ONCE, READ_ONCE */
	bool dead;
	enum nvsim_stall stall;
	struct nvsim_fault fault;

	u32 gp_get;
	u64 pb_get, pb_end;
	bool pb_main;
	u32 pbuf[NVSIM_PBUF];
	u32 pbuf_nr, pbuf_cur;
	struct nvsim_decoder dec;
	u32 object[NVSIM_SUBCHANS];
	u32 sem_a, sem_b, sem_c;
	u32 acquire;	/* the operation of SEMAPHORED that waits, or 0 */
	u32 reference;
	struct nvsim_ce ce;
};

/* An access made by hand; see access.c. */
struct nvsim_access {
	struct list_head head;	/* sim->access, while it is not done */
	int chid;
	u64 inst;
	struct nvsim_as as;
	u64 va;
	enum nvsim_type type;
	u32 value;
	enum nvsim_stall stall;
	struct nvsim_fault fault;
	bool done;
	int error;
};

/**
 * struct nvsim_fault_buffer - the fault buffer as the hardware sees it
 * @entry: its memory, 8 words an entry
 * @entries: how many
 * @limit: how many of them are used; a knob, 0 for all
 * @get: register, the reader's
 * @put: register, the writer's
 * @enabled: faults can be replayable
 * @armed: the interrupt is wanted
 * @pending: and is due
 */
struct nvsim_fault_buffer {
	u32 *entry;
	u32 entries;
	u32 limit;
	u32 *get;
	u32 *put;
	bool enabled;
	bool armed;
	bool pending;
};

/* Where things can be held, see Documentation/gpu/nouveau-sim.rst. */
enum nvsim_gate {
	NVSIM_GATE_FAULT,	/* a fault, before it is in the fault buffer */
	NVSIM_GATE_NOTIFY,	/* the interrupt of the fault buffer */
	NVSIM_GATE_REPLAY,	/* a replay */
	NVSIM_GATE_FLUSH,	/* a TLB flush */
	NVSIM_GATES
};

/* Counters, see Documentation/gpu/nouveau-sim.rst. */
struct nvsim_stats {
#define NVSIM_STAT(name) u64 name
#include "stats.h"
#undef NVSIM_STAT
};

struct nvsim;

/**
 * struct nvsim_ops - what the model tells its surroundings
 * @fault_pending: the fault buffer's interrupt
 * @non_stall: the non-stall interrupt of a runlist
 * @mmu_fault: a fault that ends a channel
 * @illegal: something else that does, in words
 * @wake: there may be something to do for nvsim_run(); called with the model's lock
 *
 * The others are called without the model's lock, from the model's thread or from whoever called
 * nvsim_run() or nvsim_cancel(). They may not sleep.
 */
struct nvsim_ops {
	void (*fault_pending)(struct nvsim *sim);
	void (*non_stall)(struct nvsim *sim, int runlist);
	void (*mmu_fault)(struct nvsim *sim, const struct nvsim_fault *fault);
	void (*illegal)(struct nvsim *sim, u64 inst, const char *why, u32 data);
	void (*wake)(struct nvsim *sim);
};

/**
 * struct nvsim - a software GPU
 * @ops: its surroundings
 * @lock: protects everything below that says nothing else. An access holds it from
 *	the look into the TLB to the last byte moved, and a flush takes it: when a
 *	flush is over, no access goes by what was there before. Innermost; taken in
 *	process context only.
 * @vram: device memory, linear in the kernel's address space, or NULL
 * @vram_size: its size in bytes
 * @tlb: the translations that are cached
 * @tlb_size: how many of them may be used; a knob
 * @tlb_next: the one to be replaced next
 * @fault: the fault buffer
 * @chan: the channels that are bound
 * @bound: the same as bits
 * @access: accesses made by hand that are not done
 * @hold: gates that are closed; a knob
 * @held: how many wait at each
 * @faults_held: how many faults were seen to, in the pass over all channels under way
 * @replay_due: a replay waits at its gate
 * @drop_replays: how many replays to ignore; a knob
 * @drop_valid: how many fault buffer entries to leave without VALID; a knob
 * @calling: calls under way that end a channel; who unbinds one waits for them, they
 *	know it by the address of its instance block, which may be another's afterwards
 * @wait: woken when anything about a gate or an access by hand changes
 * @bounce: what is being copied
 * @stats: counters
 */
struct nvsim {
	const struct nvsim_ops *ops;
	spinlock_t lock; /* see above */

	void *vram;
	u64 vram_size;

	struct nvsim_tlb_entry tlb[NVSIM_TLB_MAX];
	u32 tlb_size;
	u32 tlb_next;

	struct nvsim_fault_buffer fault;

	struct nvsim_chan *chan[NVSIM_CHANS];
	DECLARE_BITMAP(bound, NVSIM_CHANS);
	struct list_head access;

	bool hold[NVSIM_GATES];
	u32 held[NVSIM_GATES];
	u32 faults_held;
	bool replay_due;
	atomic_t drop_replays;
	atomic_t drop_valid;
	u32 calling;
	wait_queue_head_t wait;

	u8 bounce[PAGE_SIZE];
	struct nvsim_stats stats;
};

/* engine.c */
void nvsim_init(struct nvsim *sim, const struct nvsim_ops *ops);
int nvsim_chan_bind(struct nvsim *sim, struct nvsim_chan *chan);
void nvsim_chan_unbind(struct nvsim *sim, int id);
bool nvsim_run(struct nvsim *sim);
void nvsim_called(struct nvsim *sim);

/* What became of a channel's attempt to go on. */
enum nvsim_went {
	NVSIM_WENT_ON,
	NVSIM_NOTHING_TO_DO,
	NVSIM_WAITS,
	NVSIM_INTERRUPTS,	/* went on, and the non-stall interrupt is due */
	NVSIM_FATAL_FAULT,	/* chan->fault ends the channel */
	NVSIM_ILLEGAL,		/* so does what *why says */
};

struct nvsim_why {
	const char *text;
	u32 data;
};

/* mmu.c */
bool nvsim_walk(struct nvsim *sim, const struct nvsim_as *as, u64 va,
		struct nvsim_xlat *xlat, enum nvsim_reason *reason);
bool nvsim_rw(struct nvsim *sim, const struct nvsim_as *as, u64 va, enum nvsim_type type,
	      void *buf, u32 len, enum nvsim_reason *reason);
bool nvsim_atomic(struct nvsim *sim, const struct nvsim_as *as, u64 va, u32 op, u32 value,
		  u32 *old, enum nvsim_reason *reason);
bool nvsim_rw_phys(struct nvsim *sim, enum nvsim_aperture aperture, u64 addr, bool write,
		   void *buf, u32 len);
void nvsim_flush(struct nvsim *sim, u64 pdb);

/* fault.c */
bool nvsim_fault_report(struct nvsim *sim, const struct nvsim_fault *fault);
enum nvsim_stall nvsim_fault_try_report(struct nvsim *sim, const struct nvsim_fault *fault);
bool nvsim_fault_is_due(struct nvsim *sim);
void nvsim_fault_arm(struct nvsim *sim, bool armed);
void nvsim_replay(struct nvsim *sim);
void nvsim_replay_if_due(struct nvsim *sim);
void nvsim_cancel(struct nvsim *sim, u64 inst);
void nvsim_gate_held(struct nvsim *sim, enum nvsim_gate gate, u32 held);
void nvsim_gate_set(struct nvsim *sim, enum nvsim_gate gate, bool hold);
void nvsim_gate_flush(struct nvsim *sim);

/* host.c */
enum nvsim_went nvsim_host_step(struct nvsim *sim, struct nvsim_chan *chan,
				struct nvsim_why *why);

/* ce.c */
bool nvsim_ce_method(struct nvsim_chan *chan, u32 mthd, u32 data, struct nvsim_why *why);
enum nvsim_went nvsim_ce_step(struct nvsim *sim, struct nvsim_chan *chan,
			      struct nvsim_why *why);
enum nvsim_went nvsim_chan_fault(struct nvsim *sim, struct nvsim_chan *chan, u64 va,
				 enum nvsim_type type, enum nvsim_reason reason, bool engine);

/* access.c */
struct nvsim_access_batch {
	struct nvsim_access *access;
	u32 nr;
};

int nvsim_access_start(struct nvsim *sim, struct nvsim_access_batch *batch);
void nvsim_access_stop(struct nvsim *sim, struct nvsim_access_batch *batch);
bool nvsim_access_done(struct nvsim *sim, struct nvsim_access_batch *batch);
bool nvsim_access_step(struct nvsim *sim);
void nvsim_access_end(struct nvsim *sim, u64 inst, int error);

#define NVSIM_CLASS_COPY	0xc0b5	/* PASCAL_DMA_COPY_A */
#endif
