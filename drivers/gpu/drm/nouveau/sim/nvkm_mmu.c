// SPDX-License-Identifier: MIT
/*
 * Address spaces. All that makes page tables is nouveau's, for GP100; what would be
 * commands to the MMU goes to the model: flush, replay, cancel.
 */
#include "nvkm.h"

#include <subdev/fb.h>
#include <subdev/mmu/mem.h>
#include <subdev/mmu/vmm.h>

#include <nvif/class.h>
#include <nvif/if900b.h>
#include <nvif/if900d.h>
#include <nvif/ifc00d.h>
#include <nvif/unpack.h>

static void
nvkm_sim_vmm_flush(struct nvkm_vmm *vmm, int depth)
{
	struct nvkm_sim *sim = nvkm_sim(vmm->mmu->subdev.device);

	nvsim_flush(&sim->model, vmm->pd->pt[0]->addr);
}

static int
nvkm_sim_vmm_mthd(struct nvkm_vmm *vmm, struct nvkm_client *client, u32 mthd, void *argv,
		  u32 argc)
{
	struct nvkm_sim *sim = nvkm_sim(vmm->mmu->subdev.device);
	union {
		struct gp100_vmm_fault_replay_vn replay;
		struct gp100_vmm_fault_cancel_v0 cancel;
	} *args = argv;
	int ret = -ENOSYS;

	switch (mthd) {
	case GP100_VMM_VN_FAULT_REPLAY:
		ret = nvif_unvers(ret, &argv, &argc, args->replay);
		if (!ret)
			nvsim_replay(&sim->model);
		return ret;
	case GP100_VMM_VN_FAULT_CANCEL:
		ret = nvif_unpack(ret, &argv, &argc, args->cancel, 0, 0, false);
		if (!ret)
			nvsim_cancel(&sim->model, args->cancel.inst);
		return ret;
	}
	return -EINVAL;
}

static const struct nvkm_vmm_func
nvkm_sim_vmm = {
	.join = gp100_vmm_join,
	.part = gf100_vmm_part,
	.aper = gf100_vmm_aper,
	.valid = gp100_vmm_valid,
	.flush = nvkm_sim_vmm_flush,
	.mthd = nvkm_sim_vmm_mthd,
	.page = {
		{ 47, &gp100_vmm_desc_16[4], NVKM_VMM_PAGE_Sxxx },
		{ 38, &gp100_vmm_desc_16[3], NVKM_VMM_PAGE_Sxxx },
		{ 29, &gp100_vmm_desc_16[2], NVKM_VMM_PAGE_Sxxx },
		{ 21, &gp100_vmm_desc_16[1], NVKM_VMM_PAGE_SVxx },
		{ 16, &gp100_vmm_desc_16[0], NVKM_VMM_PAGE_SVxx },
		{ 12, &gp100_vmm_desc_12[0], NVKM_VMM_PAGE_SVHx },
		{}
	}
};

static int
nvkm_sim_vmm_new(struct nvkm_mmu *mmu, bool managed, u64 addr, u64 size, void *argv, u32 argc,
		 struct lock_class_key *key, const char *name, struct nvkm_vmm **pvmm)
{
	return gp100_vmm_new_(&nvkm_sim_vmm, mmu, managed, addr, size, argv, argc, key, name,
			      pvmm);
}

/* VRAM in one piece, so that a BAR that shows all of VRAM shows it in one piece. */
static int
nvkm_sim_mem_new(struct nvkm_mmu *mmu, int type, u8 page, u64 size, void *argv, u32 argc,
		 struct nvkm_memory **pmemory)
{
	union {
		struct gf100_mem_vn vn;
		struct gf100_mem_v0 v0;
	} *args = argv;
	int ret = -ENOSYS;

	ret = nvif_unpack(ret, &argv, &argc, args->v0, 0, 0, false);
	if (ret)
		ret = nvif_unvers(ret, &argv, &argc, args->vn);
	if (ret)
		return ret;
	return nvkm_ram_get(mmu->subdev.device, NVKM_RAM_MM_NORMAL, 0x01, page, size, true, false,
			    pmemory);
}

static int
nvkm_sim_mem_map(struct nvkm_mmu *mmu, struct nvkm_memory *memory, void *argv, u32 argc,
		 u64 *paddr, u64 *psize, struct nvkm_vma **pvma)
{
	struct nvkm_device *device = mmu->subdev.device;

	*paddr = device->func->resource_addr(device, NVKM_BAR1_FB) + nvkm_memory_addr(memory);
	*psize = nvkm_memory_size(memory);
	*pvma = ERR_PTR(-ENODEV);	/* Mapped, and nothing to unmap; as NV04 has it. */
	return 0;
}

static const struct nvkm_mmu_func
nvkm_sim_mmu = {
	.dma_bits = 47,
	.mmu = {{ -1, -1, NVIF_CLASS_MMU_GF100 }},
	.mem = {{ -1,  0, NVIF_CLASS_MEM_GF100 }, nvkm_sim_mem_new, nvkm_sim_mem_map },
	.vmm = {{ -1,  0, NVIF_CLASS_VMM_GP100 }, nvkm_sim_vmm_new },
	.kind = gm200_mmu_kind,
	.kind_sys = true,
};

int
nvkm_sim_mmu_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		 struct nvkm_mmu **pmmu)
{
	return nvkm_mmu_new_(&nvkm_sim_mmu, device, type, inst, pmmu);
}
