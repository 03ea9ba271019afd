/* SPDX-License-Identifier: MIT */
#ifndef PRI_H
#define PRI_H
/*
 * The registers, BAR0. One file per unit. A unit keeps its registers and says what a write asks
 * for; it acts on nothing else. What follows (a flush, a channel that runs) is gpu.c's.
 */
#include <stdbool.h>
#include <stdint.h>

#include "../event.h"
#include "../fault.h"

#define PRI_SIZE	(16U << 20)

/* Bits of 0x000100, and of the masks beside it. */
enum { INTR_FIFO = 1 << 8, INTR_FAULT_BUFFER = 1 << 9, INTR_TIMER = 1 << 20, INTR_PMU = 1 << 24,
       INTR_BUS = 1 << 28 };

/* What a write asks for. */
enum pri_asks {
	ASKS_NOTHING,
	ASKS_BAR1,		/* another instance block */
	ASKS_BAR2,
	ASKS_INVALIDATE,	/* addr: topmost directory, data: 0x100cbc */
	ASKS_BIND,		/* chan, addr: instance block */
	ASKS_UNBIND,		/* chan */
	ASKS_START,		/* chan */
	ASKS_STOP,		/* chan */
	ASKS_RUNLIST,		/* addr, aperture, data: id << 20 | entries */
	ASKS_PREEMPT,		/* data: 0x002634 */
	ASKS_SCHEDULE,		/* channels may run that did not */
	ASKS_PBDMA,		/* data: which one has no interrupt pending any more */
	ASKS_TRIGGER_FAULT,	/* chan: the engine, data: its MMU engine's ID */
	ASKS_FAULT_BUFFER,	/* enabled or disabled */
	ASKS_ENGINES,		/* data: bits of 0x000200 that went from 1 to 0 */
};

struct pri_ask {
	enum pri_asks what;
	int chan;
	uint64_t addr;
	enum aperture aperture;
	uint32_t data;
};

/* The engines, by their numbers in PTOP (top.c), which PFIFO's registers have too. */
enum { ENGINE_GR, ENGINE_CE, FIFO_ENGINES };
/* Units by their bits in PMC's enables (mc.c). PTOP tells the driver those of the engines. */
enum { RESET_CE = 6, RESET_FIFO = 8, RESET_GR = 12 };

/* mc.c */
struct pri_mc {
	uint32_t pending;	/* INTR(0), put there by pri.c before it is read */
	uint32_t mask[2];	/* INTR_EN */
	uint32_t enable, enable_pb;
};
void mc_reset(struct pri_mc *mc);
bool mc_read(const struct pri_mc *mc, uint32_t addr, uint32_t *value);
bool mc_write(struct pri_mc *mc, uint32_t addr, uint32_t value, struct pri_ask *ask);

/* bus.c */
struct pri_bus {
	uint32_t intr, mask;
	uint32_t window;	/* PRAMIN */
	uint32_t bar1, bar2;
};
void bus_reset(struct pri_bus *bus);
bool bus_read(const struct pri_bus *bus, uint32_t addr, uint32_t *value);
bool bus_write(struct pri_bus *bus, uint32_t addr, uint32_t value, struct pri_ask *ask);
uint64_t bus_pramin(const struct pri_bus *bus, enum aperture *aperture);
/* The instance block of a BAR; false: it is physical. */
bool bus_block(uint32_t reg, uint64_t *inst);

/* timer.c */
struct pri_timer {
	uint64_t offset;	/* to the board's own time */
	bool stands;		/* time creeps, see timer_stand() */
	uint64_t stood;
	uint32_t intr, mask, alarm;
	bool alarm_set;
	uint64_t due;		/* of the alarm */
	uint32_t numerator, denominator;
};
void timer_reset(struct pri_timer *timer);
bool timer_read(struct pri_timer *timer, uint32_t addr, uint64_t now, uint32_t *value);
bool timer_write(struct pri_timer *timer, uint32_t addr, uint32_t value, uint64_t now);
/* Time stands still, but for the little that shows that the timer is alive; or goes on. */
void timer_stand(struct pri_timer *timer, bool stands, uint64_t now);
/* Raise the alarm if it is due; else nanoseconds to it, or -1. */
int64_t timer_alarm(struct pri_timer *timer, uint64_t now);
/* What it shows. */
uint64_t timer_time(const struct pri_timer *timer, uint64_t now);

/* fifo.c */
#define FIFO_CHANNELS	512
#define FIFO_RUNLISTS	4
#define FIFO_PBDMAS	2
#define FIFO_UNITS	32	/* of the MMU */

struct pri_fifo_unit { uint32_t word[4]; };

struct pri_fifo {
	uint32_t intr, mask, mask1;
	uint32_t userd_bar1;
	uint32_t runlist_base, runlist_submitted[FIFO_RUNLISTS][2];
	uint32_t runlist_event, runlist_block, runlist_error;
	uint32_t bind_error, sched_error, chsw_error, preempt;
	uint32_t fault_id;	/* 0x00259c */
	struct pri_fifo_unit fault[FIFO_UNITS];
	uint32_t pbdma_map[FIFO_PBDMAS];
	uint32_t engine_status[FIFO_ENGINES];	/* kept by gpu.c */
	uint32_t trigger[FIFO_ENGINES];
	uint32_t bound[FIFO_CHANNELS];		/* 0x800000 */
	bool enabled[FIFO_CHANNELS];
	uint32_t next[FIFO_CHANNELS];		/* what else was written to 0x800004 */
	uint32_t fb_timeout, eng_timeout;
};
void fifo_reset(struct pri_fifo *fifo, uint32_t ce_runlist);
void fifo_map_pbdmas(struct pri_fifo *fifo, uint32_t ce_runlist);
bool fifo_read(const struct pri_fifo *fifo, uint32_t pbdma_pending, bool overflow, uint32_t addr,
	       uint32_t *value);
bool fifo_write(struct pri_fifo *fifo, uint32_t addr, uint32_t value, struct pri_ask *ask);
/* 0x002100, with what is derived from others. */
uint32_t fifo_intr(const struct pri_fifo *fifo, uint32_t pbdma_pending, bool overflow);
/* A fault that is not replayed. */
void fifo_fault(struct pri_fifo *fifo, const struct fault *fault, int runlist);
/* Which PBDMA serves a runlist. */
unsigned int fifo_pbdma_of(const struct pri_fifo *fifo, unsigned int runlist);

/* pbdma.c */
struct pri_pbdma {
	uint32_t intr, mask, hce_intr, hce_mask;
	uint32_t method, data, channel;
	uint32_t config, timeout;
};
void pbdma_reset(struct pri_pbdma *pbdma);
bool pbdma_read(const struct pri_pbdma *pbdma, uint32_t addr, uint32_t *value);
bool pbdma_write(struct pri_pbdma *pbdma, unsigned int nr, uint32_t addr, uint32_t value,
		 struct pri_ask *ask);
bool pbdma_pending(const struct pri_pbdma *pbdma);

/* fault_buffer.c: the replayable fault buffer */
#define FAULT_BUFFER_ENTRIES	4096

struct pri_fault_buffer {
	uint64_t base;		/* a virtual address of BAR2 */
	bool enabled;
	uint32_t get, put, entries;
	uint32_t info;		/* 0x002a84 */
	bool pulse;		/* the interrupt has not been seen yet */
};
void fault_buffer_reset(struct pri_fault_buffer *buffer);
bool fault_buffer_read(const struct pri_fault_buffer *buffer, uint32_t addr, uint32_t *value);
bool fault_buffer_write(struct pri_fault_buffer *buffer, uint32_t addr, uint32_t value,
			struct pri_ask *ask);
/* Where the next entry goes; false: it is full. limit: entries to be used, 0: all. */
bool fault_buffer_room(const struct pri_fault_buffer *buffer, uint32_t limit, uint64_t *at);
/* The entry is written. */
void fault_buffer_advance(struct pri_fault_buffer *buffer);
bool fault_buffer_empty(const struct pri_fault_buffer *buffer);

/* mmu.c */
struct pri_mmu {
	uint32_t pdb, pdb_hi, invalidate;
	uint32_t debug[3], flush_sysmem, local_range;
	bool busy;		/* a flush is held: no room for another, and not done */
};
void mmu_reset(struct pri_mmu *mmu);
bool mmu_read(const struct pri_mmu *mmu, uint32_t addr, uint32_t *value);
bool mmu_write(struct pri_mmu *mmu, uint32_t addr, uint32_t value, struct pri_ask *ask);
/* Fields of 0x100cbc. */
enum mmu_replay { REPLAY_NONE, REPLAY_START, REPLAY_START_ACK_ALL, REPLAY_CANCEL_TARGETED,
		  REPLAY_CANCEL_GLOBAL };
enum mmu_replay mmu_replay(uint32_t invalidate);
bool mmu_all_pdb(uint32_t invalidate);

/* Units without state to speak of. */
bool top_read(uint32_t ce_runlist, uint32_t addr, uint32_t *value);		/* top.c */
bool fuse_read(uint64_t vram_size, uint32_t addr, uint32_t *value);	/* fuse.c */
bool flush_read(uint32_t addr, uint32_t *value);			/* flush.c */
bool flush_write(uint32_t addr);

/* gr.c: the context switching firmware's mailbox, as far as a cancel needs it */
struct pri_gr {
	uint32_t data, method, status;
	uint64_t current;	/* the instance block on the engine; 0: none. Kept by gpu.c */
};
void gr_reset(struct pri_gr *gr);
bool gr_read(const struct pri_gr *gr, uint32_t addr, uint32_t *value);
bool gr_write(struct pri_gr *gr, uint32_t addr, uint32_t value);

/* kept.c: registers that only keep what is written to them */
#define KEPT_MAX	2048
struct pri_kept {
	uint32_t addr[KEPT_MAX], value[KEPT_MAX];
	uint32_t nr;
};
void kept_reset(struct pri_kept *kept);
/* False: it is not known to be one of these; it is kept all the same, as long as there is room. */
bool kept_read(const struct pri_kept *kept, uint32_t addr, uint32_t *value);
bool kept_write(struct pri_kept *kept, uint32_t addr, uint32_t value);

/* pri.c */
struct pri {
	struct pri_mc mc;
	struct pri_bus bus;
	struct pri_timer timer;
	struct pri_fifo fifo;
	struct pri_pbdma pbdma[FIFO_PBDMAS];
	struct pri_fault_buffer fault_buffer;
	struct pri_mmu mmu;
	struct pri_gr gr;
	struct pri_kept kept;
	uint64_t vram_size;
	uint32_t ce_runlist;
	bool fault_level;	/* the fault buffer's interrupt is a level, as on silicon */
	uint32_t signalled;	/* bits of INTR(0) for which the last message was, until it is read */
	bool fault_held;	/* the gate of that interrupt is closed */
	struct events *events;
};

void pri_reset(struct pri *pri, uint64_t vram_size, uint32_t ce_runlist, struct events *events);
uint32_t pri_read(struct pri *pri, uint32_t addr);
void pri_write(struct pri *pri, uint32_t addr, uint32_t value, struct pri_ask *ask);
/* 0x000100, and whether a message is to be signalled for it. */
uint32_t pri_pending(const struct pri *pri);
bool pri_interrupts(const struct pri *pri);
#endif
