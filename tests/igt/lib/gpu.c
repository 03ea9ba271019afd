// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/*
 * Methods and their formats are those of NVIDIA's class headers, clc06f.h and
 * clc0b5.h of open-gpu-doc.
 */
#include "gpu.h"
#include "pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>
#include <nouveau_drm.h>
#include <nouveau/nouveau.h>
#include <nouveau/nvif/class.h>
#include <nouveau/nvif/cl0080.h>

#define CLASS_COPY	0xc0b5
#define SUBC_COPY	4
#define INCR(subc, mthd, n)	(1u << 29 | (n) << 16 | (subc) << 13 | (mthd) >> 2)

#define SET_OBJECT		0x0000
#define SET_SEMAPHORE_A		0x0240
#define LAUNCH_DMA		0x0300
#define OFFSET_IN_UPPER		0x0400
#define SET_REMAP_CONST_A	0x0700

#define LAUNCH_NON_PIPELINED	2
#define LAUNCH_FLUSH		(1 << 2)
#define LAUNCH_SEMAPHORE	(1 << 3)	/* of one word */
#define LAUNCH_PITCH		(1 << 7 | 1 << 8)
#define LAUNCH_MULTI_LINE	(1 << 9)
#define LAUNCH_REMAP		(1 << 10)
#define LAUNCH_IADD		(5 << 14 | 1 << 18 | 1 << 19)
#define REMAP_FILL_WORDS	(4 | 3 << 16)	/* CONST_A, components of 4 bytes */

int gpu_open_plain(struct gpu *gpu, const char *node)
{
	struct nv_device_v0 args = { .device = ~0ULL };
	int ret;

	*gpu = (struct gpu) { .fd = open(node, O_RDWR | O_CLOEXEC) };
	if (gpu->fd < 0)
		return -errno;
	ret = nouveau_drm_new(gpu->fd, &gpu->drm);
	if (!ret)
		ret = nouveau_device_new(&gpu->drm->client, NV_DEVICE, &args,
					 sizeof(args), &gpu->dev);
	if (!ret)
		ret = nouveau_client_new(gpu->dev, &gpu->client);
	if (ret)
		gpu_close(gpu);
	return ret;
}

int gpu_svm_init(struct gpu *gpu, uint64_t addr, uint64_t size)
{
	struct drm_nouveau_svm_init args = { .unmanaged_addr = addr, .unmanaged_size = size };

	return drmCommandWriteRead(gpu->fd, DRM_NOUVEAU_SVM_INIT, &args, sizeof(args));
}

int gpu_open(struct gpu *gpu, const char *node)
{
	void *window;
	int ret;

	/* Nothing of the process may be there: the device could not reach it. */
	window = mmap((void *)GPU_WINDOW_ADDR, GPU_WINDOW_SIZE, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (window == MAP_FAILED && errno != EEXIST)
		return -errno;
	ret = gpu_open_plain(gpu, node);
	if (!ret) {
		ret = gpu_svm_init(gpu, GPU_WINDOW_ADDR, GPU_WINDOW_SIZE);
		if (ret)
			gpu_close(gpu);
	}
	return ret;
}

static int svm_migrate(int fd, void *addr, size_t size)
{
	struct drm_nouveau_svm_bind args = {
		.header = (uint64_t)NOUVEAU_SVM_BIND_COMMAND__MIGRATE <<
				NOUVEAU_SVM_BIND_COMMAND_SHIFT |
			  (uint64_t)NOUVEAU_SVM_BIND_TARGET__GPU_VRAM <<
				NOUVEAU_SVM_BIND_TARGET_SHIFT,
		.va_start = (uintptr_t)addr,
		.va_end = (uintptr_t)addr + size,
		.npages = size / 4096,	/* 5.3 refuses 0 */
	};

	return drmCommandWriteRead(fd, DRM_NOUVEAU_SVM_BIND, &args, sizeof(args));
}

int gpu_svm_migrate(struct gpu *gpu, void *addr, size_t size)
{
	return svm_migrate(gpu->fd, addr, size);
}

int gpu_svm_migrate_until(int fd, void *addr, size_t size, unsigned int pages)
{
	unsigned int tries;
	int ret, there = 0;

	for (tries = 0; tries < 10 && there < (int)pages; tries++) {
		ret = svm_migrate(fd, addr, size);
		if (ret)
			return ret;
		/* Then they are not present for the CPU. */
		there = pagemap_count(addr, size / 4096, PAGEMAP_AWAY);
		if (there < 0)
			return there;
	}
	return there;
}

uint32_t gpu_chipset(const struct gpu *gpu)
{
	return gpu->dev->chipset;
}

void gpu_close(struct gpu *gpu)
{
	nouveau_client_del(&gpu->client);
	nouveau_device_del(&gpu->dev);
	nouveau_drm_del(&gpu->drm);
	if (gpu->fd >= 0)
		close(gpu->fd);
	gpu->fd = -1;
}

/* Room for words, and the semaphore's buffer for the fence to be on. */
static int begin(struct chan *chan, unsigned int words)
{
	struct nouveau_pushbuf_refn ref = { chan->sem, NOUVEAU_BO_GART | NOUVEAU_BO_RDWR };
	int ret = 0;

	/* When libdrm goes on to the next buffer, it submits what is in this one. */
	if (chan->defers && chan->push->cur + words >= chan->push->end)
		ret = chan_wait(chan);
	if (!ret)
		ret = nouveau_pushbuf_space(chan->push, words, 0, 0);
	return ret ? ret : nouveau_pushbuf_refn(chan->push, &ref, 1);
}

static void word(struct chan *chan, uint32_t value)
{
	*chan->push->cur++ = value;
}

static void address(struct chan *chan, uint64_t value)
{
	word(chan, value >> 32);
	word(chan, value);
}

/* The copy engine writes the number of what it has done. */
static void finish(struct chan *chan, uint32_t launch)
{
	word(chan, INCR(SUBC_COPY, SET_SEMAPHORE_A, 3));
	address(chan, chan->sem->offset);
	word(chan, ++chan->wanted);
	word(chan, INCR(SUBC_COPY, LAUNCH_DMA, 1));
	word(chan, launch | LAUNCH_FLUSH | LAUNCH_SEMAPHORE | LAUNCH_PITCH);
}

bool chan_idle(const struct chan *chan)
{
	return *chan->seen == chan->submitted;
}

int chan_submit(struct chan *chan)
{
	if (chan->submitted == chan->wanted)
		return 0;
	chan->submitted = chan->wanted;
	return nouveau_pushbuf_kick(chan->push, chan->object);
}

static int submit(struct chan *chan)
{
	return chan->defers && !chan_idle(chan) ? 0 : chan_submit(chan);
}

static int open_on(struct gpu *gpu, struct chan *chan, uint32_t engine)
{
	struct nve0_fifo fifo = { .engine = engine };
	int ret;

	*chan = (struct chan) { .gpu = gpu };
	ret = nouveau_client_new(gpu->dev, &chan->client);
	if (ret)
		return ret;
	ret = nouveau_object_new(&gpu->dev->object, 0, NOUVEAU_FIFO_CHANNEL_CLASS,
				 &fifo, sizeof(fifo), &chan->object);
	if (ret) {
		nouveau_client_del(&chan->client);
		return ret;
	}
	chan->id = ((struct nouveau_fifo *)chan->object->data)->channel;

	ret = nouveau_object_new(chan->object, 0xbeef0000 | CLASS_COPY, CLASS_COPY, NULL, 0,
				 &chan->copy);
	if (!ret)
		ret = nouveau_pushbuf_new(chan->client, chan->object, 4, 32 * 1024, true,
					  &chan->push);
	if (!ret)
		ret = nouveau_bo_new(gpu->dev, NOUVEAU_BO_GART | NOUVEAU_BO_MAP |
				     NOUVEAU_BO_COHERENT, 0, 4096, NULL, &chan->sem);
	if (!ret)
		ret = nouveau_bo_map(chan->sem, NOUVEAU_BO_RDWR, chan->client);
	if (!ret) {
		chan->seen = chan->sem->map;
		*chan->seen = 0;
		ret = begin(chan, 2);
	}
	if (!ret) {
		word(chan, INCR(SUBC_COPY, SET_OBJECT, 1));
		word(chan, CLASS_COPY);
		ret = nouveau_pushbuf_kick(chan->push, chan->object);
	}
	if (ret)
		chan_close(chan);
	return ret;
}

int chan_open(struct gpu *gpu, struct chan *chan)
{
	return open_on(gpu, chan, NVE0_FIFO_ENGINE_GR);
}

int chan_open_copy(struct gpu *gpu, struct chan *chan)
{
	return open_on(gpu, chan, NVE0_FIFO_ENGINE_CE0 | NVE0_FIFO_ENGINE_CE1);
}

void chan_close(struct chan *chan)
{
	nouveau_bo_ref(NULL, &chan->sem);
	nouveau_pushbuf_del(&chan->push);
	nouveau_object_del(&chan->copy);
	nouveau_object_del(&chan->object);
	nouveau_client_del(&chan->client);
}

int chan_copy(struct chan *chan, const struct copy *copy)
{
	int ret = begin(chan, 16);

	if (ret)
		return ret;
	word(chan, INCR(SUBC_COPY, OFFSET_IN_UPPER, 8));
	address(chan, copy->src);
	address(chan, copy->dst);
	word(chan, copy->src_pitch);
	word(chan, copy->dst_pitch);
	word(chan, copy->length);
	word(chan, copy->lines);
	finish(chan, LAUNCH_NON_PIPELINED | LAUNCH_MULTI_LINE);
	return submit(chan);
}

int chan_fill(struct chan *chan, uint64_t dst, uint32_t value, uint32_t words)
{
	int ret = begin(chan, 24);

	if (ret)
		return ret;
	word(chan, INCR(SUBC_COPY, OFFSET_IN_UPPER, 8));
	address(chan, 0);
	address(chan, dst);
	word(chan, 0);
	word(chan, 0);
	word(chan, words);
	word(chan, 1);
	word(chan, INCR(SUBC_COPY, SET_REMAP_CONST_A, 3));
	word(chan, value);
	word(chan, 0);
	word(chan, REMAP_FILL_WORDS);
	finish(chan, LAUNCH_NON_PIPELINED | LAUNCH_REMAP);
	return submit(chan);
}

int chan_add(struct chan *chan, uint64_t addr, uint32_t value)
{
	int ret = begin(chan, 16);

	if (ret)
		return ret;
	word(chan, INCR(SUBC_COPY, SET_SEMAPHORE_A, 3));
	address(chan, addr);
	word(chan, value);
	word(chan, INCR(SUBC_COPY, LAUNCH_DMA, 1));
	word(chan, LAUNCH_SEMAPHORE | LAUNCH_IADD);
	finish(chan, 0);
	return submit(chan);
}

int chan_push(struct chan *chan, const uint32_t *words, unsigned int nr)
{
	int ret = begin(chan, nr);
	unsigned int i;

	if (ret)
		return ret;
	for (i = 0; i < nr; i++)
		word(chan, words[i]);
	return nouveau_pushbuf_kick(chan->push, chan->object);
}

uint64_t chan_sem_addr(const struct chan *chan)
{
	return chan->sem->offset;
}

bool chan_done(struct chan *chan)
{
	return *chan->seen == chan->wanted;
}

int chan_wait(struct chan *chan)
{
	/* Not nouveau_bo_wait(): it submits what is deferred, before it waits. */
	struct drm_nouveau_gem_cpu_prep prep = {
		.handle = chan->sem->handle, .flags = NOUVEAU_GEM_CPU_PREP_WRITE,
	};
	int ret;

	do {
		/* The driver waits for half a minute at most; a scenario has its own limit. */
		do {
			ret = drmCommandWrite(chan->gpu->fd, DRM_NOUVEAU_GEM_CPU_PREP, &prep,
					      sizeof(prep));
		} while (ret == -EBUSY && !chan_idle(chan));
		if (ret && ret != -EBUSY)
			return ret;
		/* The fence of a channel that has been killed is signalled as well. */
		if (!chan_idle(chan))
			return -EIO;
		if (chan_done(chan))
			return 0;
		ret = chan_submit(chan);
	} while (!ret);
	return ret;
}

int chan_memcpy(struct chan *chan, void *dst, const void *src, size_t n)
{
	struct copy copy = {
		.dst = (uintptr_t)dst, .src = (uintptr_t)src,
		.length = n, .lines = 1, .dst_pitch = n, .src_pitch = n,
	};
	int ret = chan_copy(chan, &copy);

	return ret ? ret : chan_wait(chan);
}
