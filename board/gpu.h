/* SPDX-License-Identifier: MIT */
#ifndef GPU_H
#define GPU_H
/*
 * Function 0, a GP100: its units and channels. One thread: an access
 * of the CPU, or a bounded step of the engines, and nothing else meanwhile.
 */
#include "access.h"
#include "channel.h"
#include "knob.h"
#include "pci.h"
#include "pri/pri.h"
#include "vbios.h"
#include "window.h"

#define GPU_VENDOR	0x10de
#define GPU_DEVICE	0x15f8

#define GPU_BAR0	0
#define GPU_BAR1	1
#define GPU_BAR2	3	/* the PCI BAR; everybody calls it BAR2 */
#define GPU_CONFIG	7	/* vfio-user's number of the configuration space */
#define GPU_BAR1_SIZE	(256ULL << 20)
#define GPU_BAR2_SIZE	(32ULL << 20)

/* A fault that waits for a replay. */
enum gpu_stall {
	STALL_NONE,
	STALL_FAULTED,		/* it is not in the fault buffer yet */
	STALL_REPORTED,
	STALL_FATAL,		/* it ends the channel once its unit can take it */
};

struct gpu_wait {
	enum gpu_stall stall;
	struct fault fault;
	uint64_t since;		/* when it faulted */
	uint64_t order;		/* which report it was */
};

struct gpu_chan {
	struct channel channel;
	bool bound, enabled;
	bool listed;		/* it is in a runlist */
	bool illegal;		/* something in its pushbuffer was none */
	bool dead;		/* until it is unbound */
	unsigned int runlist, tsg;
	struct gpu_wait wait;
};

/* An access in the name of a channel, from the control function. */
enum gpu_access_state { ACCESS_FREE, ACCESS_RUNNING, ACCESS_DONE, ACCESS_CANCELLED, ACCESS_STOPPED,
			ACCESS_NO_CHANNEL };

struct gpu_access {
	uint32_t chan;
	enum access_type type;
	uint64_t va;
	uint32_t value;
	enum gpu_access_state state;
	uint64_t inst;
	struct vmm_space space;
	struct gpu_wait wait;
};

#define GPU_ACCESSES	64
#define GPU_FLUSHES	64

/* A TLB flush that is not done yet. */
struct gpu_flush {
	uint64_t pdb;
	uint32_t data;
	uint64_t inst;		/* that 0x409b00 had named, for a cancel */
	uint64_t due;
};

struct gpu {
	struct events *events;
	struct knobs knobs;
	struct gates gates;
	struct access access;
	struct engine engine;
	struct pri pri;
	struct pci pci;
	struct window bar[2];
	struct bar2 bar2;
	uint8_t vbios[VBIOS_SIZE];

	struct gpu_chan chan[FIFO_CHANNELS];
	unsigned int chans;		/* one more than the last that is bound */
	struct gpu_access hand[GPU_ACCESSES];
	uint32_t hands, pending;	/* entries that have been used, and those not done */

	struct gpu_flush flush[GPU_FLUSHES];
	uint32_t flushes;
	bool holds[GATES];		/* a gate is closed and holds something, since then: */
	uint64_t held_since[GATES];
	uint64_t search_at;		/* when to go on with the oracle's search */
	unsigned int turn;		/* which channel runs first */
	bool replay_due;
	uint64_t replay_at;
	uint64_t orders;
	uint64_t refilled;		/* when the engine's budget was */

	bool kick;			/* somebody may be able to go on */
	bool armed;			/* the next interrupt is signalled */
	bool interrupts;		/* the last was taken: the client has enabled it */
	/* Raise it; false: the client has not enabled it. */
	bool (*interrupt)(void *arg);
	bool (*intx)(void *arg);	/* the client wants no message, but a level */
	void *interrupt_arg;
};

/* 0, or -1 with errno. */
int gpu_init(struct gpu *gpu, struct events *events, uint64_t vram_size, bool bar2_mapped,
	     uint16_t subdevice);
void gpu_fini(struct gpu *gpu);
/* Power-on values; knobs, gates and the client's memory stay. */
void gpu_reset(struct gpu *gpu);

/* The CPU's accesses, as vfio_user_ops has them. */
void gpu_read(struct gpu *gpu, unsigned int region, uint64_t offset, void *buf, uint32_t len);
void gpu_write(struct gpu *gpu, unsigned int region, uint64_t offset, const void *buf,
	       uint32_t len);
const char *gpu_dma_map(struct gpu *gpu, uint64_t iova, uint64_t size, int fd, uint64_t offset,
			bool writable);
const char *gpu_dma_unmap(struct gpu *gpu, uint64_t iova, uint64_t size);

/*
 * Let the engines work, a bounded piece of it. Nanoseconds after which to call again at the
 * latest, 0: at once, -1: when something has been written.
 */
int64_t gpu_work(struct gpu *gpu);

/* For the control function. */
const char *gpu_knob(struct gpu *gpu, unsigned int knob, uint64_t value);
void gpu_gate(struct gpu *gpu, unsigned int gate, bool closed);
void gpu_access_start(struct gpu *gpu, uint32_t first, uint32_t nr);
void gpu_access_stop(struct gpu *gpu);
/* How many channels are bound. */
uint32_t gpu_bound(const struct gpu *gpu);
bool gpu_exclude(struct gpu *gpu, uint32_t chan, uint64_t start, uint64_t size);
#endif
