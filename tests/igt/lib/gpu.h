/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef GPU_H
#define GPU_H
/*
 * nouveau through libdrm_nouveau: a client with shared virtual memory, channels, and
 * the copy engine by virtual address. Nothing here knows of the board.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The driver's window: below 2^40, where GPFIFO and host semaphores have to be. */
#define GPU_WINDOW_ADDR	0x4000000000ULL
#define GPU_WINDOW_SIZE	0x100000000ULL

struct gpu {
	int fd;
	struct nouveau_drm *drm;
	struct nouveau_device *dev;
	struct nouveau_client *client;
};

struct chan {
	struct gpu *gpu;
	/* nouveau_client has no lock: channels of several threads must not share one. */
	struct nouveau_client *client;
	struct nouveau_object *object;
	struct nouveau_object *copy;
	struct nouveau_pushbuf *push;
	struct nouveau_bo *sem;		/* where the copy engine says how far it is */
	volatile uint32_t *seen;
	uint32_t wanted;
	uint32_t submitted;		/* of these */
	bool defers;			/* submit only when idle, see chan_submit() */
	int id;
};

/* One copy-engine transfer: lines of bytes, from one virtual address to another. */
struct copy {
	uint64_t dst, src;
	uint32_t length, lines, dst_pitch, src_pitch;
};

/* Open a device, with shared virtual memory. 0 or -errno. */
int gpu_open(struct gpu *gpu, const char *node);
/* The same without shared virtual memory. */
int gpu_open_plain(struct gpu *gpu, const char *node);
void gpu_close(struct gpu *gpu);
uint32_t gpu_chipset(const struct gpu *gpu);
/* SVM_INIT with a window of the driver's own at [addr, addr + size). */
int gpu_svm_init(struct gpu *gpu, uint64_t addr, uint64_t size);
/* SVM_BIND: migrate to device memory. */
int gpu_svm_migrate(struct gpu *gpu, void *addr, size_t size);
/*
 * The same by a client's DRM file, up to ten times, until so many pages are there: SVM_BIND leaves
 * out what somebody else has a reference to for a moment. How many are there then, or -errno.
 */
int gpu_svm_migrate_until(int fd, void *addr, size_t size, unsigned int pages);

int chan_open(struct gpu *gpu, struct chan *chan);
/* On the copy engines' runlist, which may be the same. */
int chan_open_copy(struct gpu *gpu, struct chan *chan);
/* Where the device sees chan->seen; a page. */
uint64_t chan_sem_addr(const struct chan *chan);
void chan_close(struct chan *chan);
/* Begin something. 0 or -errno: -ENODEV if the channel is dead. */
int chan_copy(struct chan *chan, const struct copy *copy);
int chan_fill(struct chan *chan, uint64_t dst, uint32_t value, uint32_t words);
/* Add to a word by an atomic access. */
int chan_add(struct chan *chan, uint64_t word, uint32_t value);
/*
 * Submit what was deferred. A channel that defers has one submission at a time: while the GPU
 * stands in a fault, nouveau waits for space in its ring for milliseconds on 6.12 and for a second
 * on 7.3, then the ioctl fails, and libdrm drops what was submitted without an error.
 */
int chan_submit(struct chan *chan);
/* Has all that was submitted been done by now? */
bool chan_idle(const struct chan *chan);
/* Any words. */
int chan_push(struct chan *chan, const uint32_t *word, unsigned int nr);
/* Wait until all that was begun is done. 0, -EIO if the channel died of it, -EBUSY. */
int chan_wait(struct chan *chan);
/* Has it all been done by now? */
bool chan_done(struct chan *chan);
/* All of it: copy, and wait. */
int chan_memcpy(struct chan *chan, void *dst, const void *src, size_t n);
#endif
