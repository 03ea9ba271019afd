/* SPDX-License-Identifier: MIT */
#ifndef __NVKM_SIM_H__
#define __NVKM_SIM_H__
/*
 * The software GPU as an nvkm device. Its parts, in files of their own:
 *
 *   nvkm_device.c	the platform device, the chip, registers, the small subdevs
 *   nvkm_memory.c	instance memory and VRAM
 *   nvkm_mmu.c		address spaces: flush, replay, cancel
 *   nvkm_fault.c	fault buffer
 *   nvkm_fifo.c	channels and runlists
 *   debugfs.c		knobs, statistics, accesses by hand
 */
#include <core/device.h>
#include "compat.h"
#include "model.h"

struct platform_device;

/* The registers that are used. */
#define NVKM_SIM_PRI_SIZE	SZ_2M
#define NVKM_SIM_PRI_BOOT0	0x000000
#define NVKM_SIM_PRI_FAULT_GET	0x002a7c
#define NVKM_SIM_PRI_FAULT_PUT	0x002a80
#define NVKM_SIM_PRI_USERD	0x180000
#define NVKM_SIM_USERD_SIZE	0x000200

/**
 * struct nvkm_sim - a software GPU
 * @device: what nouveau sees
 * @pdev: the device it belongs to
 * @model: what the silicon would be
 * @pri: registers
 * @vram_dma: where the model's VRAM is for the DMA API
 * @chan: channels that nouveau has made, bound or not; each belongs to its nvkm_chan
 * @thread: runs the model, from init to fini; protected by the model's lock
 * @debugfs: the folder of this device
 */
struct nvkm_sim {
	struct nvkm_device device;
	struct platform_device *pdev;
	struct nvsim model;
	u32 *pri;
	dma_addr_t vram_dma;
	struct nvsim_chan *chan[NVSIM_CHANS];
	struct task_struct *thread;
	struct dentry *debugfs;
};

static inline struct nvkm_sim *nvkm_sim(struct nvkm_device *device)
{
	return container_of(device, struct nvkm_sim, device);
}

static inline struct nvkm_sim *model_to_sim(struct nvsim *model)
{
	return container_of(model, struct nvkm_sim, model);
}

int nvkm_sim_instmem_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
			 struct nvkm_instmem **pimem);
int nvkm_sim_fb_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		    struct nvkm_fb **pfb);
int nvkm_sim_bar_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		     struct nvkm_bar **pbar);
int nvkm_sim_vram_init(struct nvkm_sim *sim);
void nvkm_sim_vram_fini(struct nvkm_sim *sim);
int nvkm_sim_mmu_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		     struct nvkm_mmu **pmmu);
int nvkm_sim_fault_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		       struct nvkm_fault **pfault);
int nvkm_sim_fifo_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		      struct nvkm_fifo **pfifo);
int nvkm_sim_ce_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		    struct nvkm_engine **pengine);

/* What the model calls. */
void nvkm_sim_fault_pending(struct nvsim *model);
void nvkm_sim_non_stall(struct nvsim *model, int runlist);
void nvkm_sim_mmu_fault(struct nvsim *model, const struct nvsim_fault *fault);
void nvkm_sim_illegal(struct nvsim *model, u64 inst, const char *why, u32 data);

void nvkm_sim_debugfs_init(struct nvkm_sim *sim);
void nvkm_sim_debugfs_fini(struct nvkm_sim *sim);
#endif
