// SPDX-License-Identifier: MIT
/*
 * Channels and runlists as nouveau wants them, and what ends a channel. Recovery of
 * an ended channel is nouveau's own.
 *
 * There are two runlists: graphics with a copy engine, and a copy engine alone. A
 * channel's USERD is in the registers; its instance block is written as GK104 and
 * later have it (RAMFC: GPFIFO at 0x48, privilege at 0xe4) and read back when the
 * channel is bound, as is what nouveau's MMU code wrote of the address space (page
 * directory at 0x200, limit at 0x208).
 */
#include "nvkm.h"

#include <core/gpuobj.h>
#include <engine/ce/priv.h>
#include <engine/fifo/cgrp.h>
#include <engine/fifo/chan.h>
#include <engine/fifo/priv.h>
#include <engine/fifo/runl.h>
#include <subdev/fault.h>
#include <subdev/mmu.h>

#include <nvif/class.h>

#define RUNLISTS		2

#define RAMFC_GP_BASE		0x048
#define RAMFC_GP_BASE_HI	0x04c
#define RAMFC_CONFIG		0x0e4
#define RAMFC_CONFIG_PRIV	0x00000020
#define INST_PDB		0x200
#define INST_PDB_HI		0x204
#define INST_LIMIT		0x208
#define INST_LIMIT_HI		0x20c
#define PDB_TARGET		GENMASK_ULL(1, 0)
#define PDB_FAULT_REPLAY	GENMASK_ULL(5, 4)
#define PDB_ADDR		GENMASK_ULL(63, 12)

static struct nvkm_sim *
chan_to_sim(struct nvkm_chan *chan)
{
	return nvkm_sim(chan->cgrp->runl->fifo->engine.subdev.device);
}

static u32 *
nvkm_sim_chan_userd(struct nvkm_chan *chan)
{
	return chan_to_sim(chan)->pri + (NVKM_SIM_PRI_USERD + chan->userd.base) / 4;
}

static void
nvkm_sim_chan_userd_clear(struct nvkm_chan *chan)
{
	memset(nvkm_sim_chan_userd(chan), 0, NVKM_SIM_USERD_SIZE);
}

static const struct nvkm_chan_func_userd
nvkm_sim_chan_userd_func = {
	.bar = NVKM_BAR0_PRI,
	.base = NVKM_SIM_PRI_USERD,
	.size = NVKM_SIM_USERD_SIZE,
	.clear = nvkm_sim_chan_userd_clear,
};

static int
nvkm_sim_chan_ramfc_write(struct nvkm_chan *chan, u64 offset, u64 length, u32 devm, bool priv)
{
	struct nvkm_sim *sim = chan_to_sim(chan);

	nvkm_kmap(chan->inst);
	nvkm_wo32(chan->inst, RAMFC_GP_BASE, lower_32_bits(offset));
	nvkm_wo32(chan->inst, RAMFC_GP_BASE_HI, upper_32_bits(offset) | ilog2(length / 8) << 16);
	nvkm_wo32(chan->inst, RAMFC_CONFIG, priv ? RAMFC_CONFIG_PRIV : 0);
	nvkm_done(chan->inst);

	sim->chan[chan->id] = kzalloc_obj(*sim->chan[0], GFP_KERNEL);
	return sim->chan[chan->id] ? 0 : -ENOMEM;
}

static void
nvkm_sim_chan_ramfc_clear(struct nvkm_chan *chan)
{
	struct nvkm_sim *sim;

	if (!chan->cgrp || chan->id < 0)
		return;
	sim = chan_to_sim(chan);
	kfree(sim->chan[chan->id]);
	sim->chan[chan->id] = NULL;
}

static const struct nvkm_chan_func_ramfc
nvkm_sim_chan_ramfc = {
	.write = nvkm_sim_chan_ramfc_write,
	.clear = nvkm_sim_chan_ramfc_clear,
	.devm = 0xfff,
	.priv = true,
};

static u64
nvkm_sim_inst_rd64(struct nvkm_chan *chan, u32 offset)
{
	return (u64)nvkm_ro32(chan->inst, offset + 4) << 32 | nvkm_ro32(chan->inst, offset);
}

/* Where the driver maps buffer objects: nowhere else but in an SVM client's window. What
 * a client of VM_BIND maps, in a raw address space, are buffer objects as well.
 */
static void
nvkm_sim_chan_own(struct nvkm_vmm *vmm, struct nvsim_as *as)
{
	as->own = 0;
	as->own_size = vmm->limit;
	if (vmm->managed.n.size && !vmm->managed.raw) {
		as->own = vmm->managed.p.size;
		as->own_size = vmm->managed.n.addr - vmm->managed.p.size;
	}
}

static void
nvkm_sim_chan_bind(struct nvkm_chan *chan)
{
	struct nvkm_sim *sim = chan_to_sim(chan);
	struct nvsim_chan *model = sim->chan[chan->id];
	u64 pdb, gp;

	nvkm_kmap(chan->inst);
	pdb = nvkm_sim_inst_rd64(chan, INST_PDB);
	gp = nvkm_sim_inst_rd64(chan, RAMFC_GP_BASE);
	*model = (struct nvsim_chan) {
		.id = chan->id,
		.runlist = chan->cgrp->runl->id,
		.inst = chan->inst->addr,
		.as.pdb = pdb & PDB_ADDR,
		.as.pdb_aperture = pdb & PDB_TARGET ? NVSIM_SYS : NVSIM_VRAM,
		.as.replay = (pdb & PDB_FAULT_REPLAY) == PDB_FAULT_REPLAY,
		.as.limit = nvkm_sim_inst_rd64(chan, INST_LIMIT),
		.userd = nvkm_sim_chan_userd(chan),
		.gp_base = gp & GENMASK_ULL(39, 0),
		.gp_nr = 1U << (gp >> 48 & 0x1f),
		.priv = nvkm_ro32(chan->inst, RAMFC_CONFIG) & RAMFC_CONFIG_PRIV,
	};
	nvkm_done(chan->inst);
	nvkm_sim_chan_own(chan->vmm, &model->as);

	WARN_ON(nvsim_chan_bind(&sim->model, model));
}

static void
nvkm_sim_chan_unbind(struct nvkm_chan *chan)
{
	nvsim_chan_unbind(&chan_to_sim(chan)->model, chan->id);
}

static void
nvkm_sim_chan_run(struct nvkm_chan *chan, bool run)
{
	/* Read by the model's thread; unbinding waits for what it is at. */
	WRITE_ONCE(chan_to_sim(chan)->chan[chan->id]->running, run);
}

static void
nvkm_sim_chan_start(struct nvkm_chan *chan)
{
	nvkm_sim_chan_run(chan, true);
}

static void
nvkm_sim_chan_stop(struct nvkm_chan *chan)
{
	nvkm_sim_chan_run(chan, false);
}

static const struct nvkm_chan_func
nvkm_sim_chan = {
	.inst = &gf100_chan_inst,
	.userd = &nvkm_sim_chan_userd_func,
	.ramfc = &nvkm_sim_chan_ramfc,
	.bind = nvkm_sim_chan_bind,
	.unbind = nvkm_sim_chan_unbind,
	.start = nvkm_sim_chan_start,
	.stop = nvkm_sim_chan_stop,
};

static const struct nvkm_cgrp_func
nvkm_sim_cgrp = {
};

/* The model runs whatever is bound and started: a runlist has nothing to tell it. */
static int
nvkm_sim_runl_update(struct nvkm_runl *runl)
{
	return 0;
}

static int
nvkm_sim_runl_wait(struct nvkm_runl *runl)
{
	return 0;
}

static bool
nvkm_sim_runl_pending(struct nvkm_runl *runl)
{
	return false;
}

static void
nvkm_sim_runl_allow(struct nvkm_runl *runl, u32 engm)
{
}

static const struct nvkm_runl_func
nvkm_sim_runl = {
	.update = nvkm_sim_runl_update,
	.wait = nvkm_sim_runl_wait,
	.pending = nvkm_sim_runl_pending,
	.block = nvkm_sim_runl_allow,
	.allow = nvkm_sim_runl_allow,
	.preempt_pending = nvkm_sim_runl_pending,
};

static const struct nvkm_engn_func
nvkm_sim_engn = {
};

static int
nvkm_sim_fifo_runl_ctor(struct nvkm_fifo *fifo)
{
	struct nvkm_runl *runl[RUNLISTS];
	int i;

	for (i = 0; i < RUNLISTS; i++) {
		runl[i] = nvkm_runl_new(fifo, i, i, 0);
		if (IS_ERR(runl[i]))
			return PTR_ERR(runl[i]);
	}
	if (!nvkm_runl_add(runl[0], 0, &nvkm_sim_engn, NVKM_ENGINE_GR, 0) ||
	    !nvkm_runl_add(runl[0], 1, &nvkm_sim_engn, NVKM_ENGINE_CE, 0) ||
	    !nvkm_runl_add(runl[1], 2, &nvkm_sim_engn, NVKM_ENGINE_CE, 1))
		return -ENOMEM;
	return 0;
}

static int
nvkm_sim_fifo_chid_nr(struct nvkm_fifo *fifo)
{
	return NVSIM_CHANS;
}

/* One event for each runlist. */
static int
nvkm_sim_fifo_nonstall_ctor(struct nvkm_fifo *fifo)
{
	return RUNLISTS;
}

static const struct nvkm_event_func
nvkm_sim_fifo_nonstall = {
};

static const struct nvkm_enum
nvkm_sim_fifo_mmu_fault_engine[] = {
	{ NVSIM_ENGINE_HOST, "HOST0" },
	{ NVSIM_ENGINE_CE, "CE0", NULL, NVKM_ENGINE_CE },
	{}
};

static const struct nvkm_fifo_func_mmu_fault
nvkm_sim_fifo_mmu_fault_func = {
	.recover = gf100_fifo_mmu_fault_recover,
	.access = gf100_fifo_mmu_fault_access,
	.engine = nvkm_sim_fifo_mmu_fault_engine,
	.reason = gk104_fifo_mmu_fault_reason,
	.hubclient = gk104_fifo_mmu_fault_hubclient,
	.gpcclient = gk104_fifo_mmu_fault_gpcclient,
};

static const struct nvkm_fifo_func
nvkm_sim_fifo = {
	.chid_nr = nvkm_sim_fifo_chid_nr,
	.chid_ctor = gk110_fifo_chid_ctor,
	.runl_ctor = nvkm_sim_fifo_runl_ctor,
	.mmu_fault = &nvkm_sim_fifo_mmu_fault_func,
	.nonstall_ctor = nvkm_sim_fifo_nonstall_ctor,
	.nonstall = &nvkm_sim_fifo_nonstall,
	.runl = &nvkm_sim_runl,
	.engn = &nvkm_sim_engn,
	.cgrp = {{ 0, 0, KEPLER_CHANNEL_GROUP_A  }, &nvkm_sim_cgrp },
	.chan = {{ 0, 0, PASCAL_CHANNEL_GPFIFO_A }, &nvkm_sim_chan },
};

int
nvkm_sim_fifo_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		  struct nvkm_fifo **pfifo)
{
	return nvkm_fifo_new_(&nvkm_sim_fifo, device, type, inst, pfifo);
}

static const struct nvkm_engine_func
nvkm_sim_ce = {
	.sclass = {
		{ -1, -1, PASCAL_DMA_COPY_A },
		{}
	}
};

int
nvkm_sim_ce_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		struct nvkm_engine **pengine)
{
	return nvkm_engine_new_(&nvkm_sim_ce, device, type, inst, true, pengine);
}

void
nvkm_sim_non_stall(struct nvsim *model, int runlist)
{
	nvkm_event_ntfy(&model_to_sim(model)->device.fifo->nonstall.event, runlist,
			NVKM_FIFO_NONSTALL_EVENT);
}

void
nvkm_sim_mmu_fault(struct nvsim *model, const struct nvsim_fault *fault)
{
	struct nvkm_fault_data info = {
		.addr = fault->addr,
		.inst = fault->inst,
		.engine = fault->engine,
		.valid = 1,
		.hub = 1,
		.access = fault->type,
		.client = fault->client,
		.reason = fault->reason,
	};

	nvkm_fifo_fault(model_to_sim(model)->device.fifo, &info);
}

void
nvkm_sim_illegal(struct nvsim *model, u64 inst, const char *why, u32 data)
{
	struct nvkm_fifo *fifo = model_to_sim(model)->device.fifo;
	struct nvkm_chan *chan;
	unsigned long flags;

	chan = nvkm_chan_get_inst(&fifo->engine, inst, &flags);
	if (!chan)
		return;
	nvkm_error(&fifo->engine.subdev, "channel %d [%s]: %s: %08x\n", chan->id, chan->name,
		   why, data);
	nvkm_runl_rc_cgrp(chan->cgrp);
	nvkm_chan_put(&chan, flags);
}
