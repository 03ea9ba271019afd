/* SPDX-License-Identifier: MIT */
#ifndef WINDOW_H
#define WINDOW_H
/* What the CPU sees of memory: PRAMIN, and BAR1 and BAR2 through the page tables of the GPU. */
#include "access.h"

struct window {
	bool bound;		/* there is an instance block; else it shows VRAM from its beginning */
	struct vmm_space space;
};

/* An instance block, or none. False: it is outside of VRAM, and the window shows nothing. */
bool window_bind(struct window *window, struct memory *memory, bool bound, uint64_t inst);
/* The CPU's access. False: a fault; reads give all ones. */
bool window_access(const struct window *window, struct access *access, uint64_t offset,
		   bool write, void *buf, uint64_t len, enum fault_reason *reason);

/*
 * BAR2 as memory: the client maps a file, and pages of VRAM that BAR2's page tables show are
 * pages of that file. So the guest's accesses are no messages, and are not counted.
 */
struct bar2 {
	int fd;			/* the file; -1: every access is trapped */
	uint8_t *file;
	uint64_t size;
	uint64_t *shows;	/* of each page: the VRAM address + 1; 0: nothing */
	bool *place;		/* of each page of VRAM: it is shown */
};

/* 0, or -1 with errno. */
int bar2_init(struct bar2 *bar2, uint64_t size, uint64_t vram_size, bool mapped);
/* VRAM goes with it: what is shown is not kept. */
void bar2_fini(struct bar2 *bar2);
/*
 * BAR2's page tables may have changed: lay it out anew. No window: the device is asleep, and all
 * of BAR2 reads all ones. Returns how many pages changed.
 */
uint32_t bar2_layout(struct bar2 *bar2, const struct window *window, struct access *access);
#endif
