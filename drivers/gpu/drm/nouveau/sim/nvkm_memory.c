// SPDX-License-Identifier: MIT
/*
 * Instance memory, which is system memory, and VRAM, which is as well.
 *
 * Instance memory is allocated without reclaim: a deadlock with reclaim is then not
 * the software GPU's.
 */
#include "nvkm.h"

#include <subdev/bar/priv.h>
#include <subdev/fb/ram.h>
#include <subdev/instmem/priv.h>
#include <subdev/mmu.h>

#include <linux/dma-mapping.h>
#include <linux/platform_device.h>

static unsigned int nouveau_sim_vram;
module_param_named(sim_vram, nouveau_sim_vram, uint, 0400);
MODULE_PARM_DESC(sim_vram, "device memory of a software GPU, in MiB (default 0)");

struct nvkm_sim_instobj {
	struct nvkm_instobj base;
	struct nvkm_instmem *imem;
	struct page *page;
	unsigned int order;
	struct nvkm_mm_node mn;
};

static struct nvkm_sim_instobj *
nvkm_sim_instobj(struct nvkm_memory *memory)
{
	return container_of(memory, struct nvkm_sim_instobj, base.memory);
}

static enum nvkm_memory_target
nvkm_sim_instobj_target(struct nvkm_memory *memory)
{
	return NVKM_MEM_TARGET_HOST;
}

static u8
nvkm_sim_instobj_page(struct nvkm_memory *memory)
{
	return PAGE_SHIFT;
}

static u64
nvkm_sim_instobj_addr(struct nvkm_memory *memory)
{
	return page_to_phys(nvkm_sim_instobj(memory)->page);
}

static u64
nvkm_sim_instobj_size(struct nvkm_memory *memory)
{
	return (u64)nvkm_sim_instobj(memory)->mn.length << PAGE_SHIFT;
}

static void __iomem *
nvkm_sim_instobj_acquire(struct nvkm_memory *memory)
{
	return (void __iomem *)page_address(nvkm_sim_instobj(memory)->page);
}

static void
nvkm_sim_instobj_release(struct nvkm_memory *memory)
{
	/* What was written is there before the flush or the PUT that tells of it;
	 * pairs with the model's lock, or with nvsim_host_step()'s look at PUT.
	 */
	wmb();
}

static u32
nvkm_sim_instobj_rd32(struct nvkm_memory *memory, u64 offset)
{
	u32 *word = page_address(nvkm_sim_instobj(memory)->page) + offset;

	return READ_ONCE(*word);
}

static void
nvkm_sim_instobj_wr32(struct nvkm_memory *memory, u64 offset, u32 data)
{
	u32 *word = page_address(nvkm_sim_instobj(memory)->page) + offset;

	WRITE_ONCE(*word, data);
}

static int
nvkm_sim_instobj_map(struct nvkm_memory *memory, u64 offset, struct nvkm_vmm *vmm,
		     struct nvkm_vma *vma, void *argv, u32 argc)
{
	struct nvkm_vmm_map map = {
		.memory = memory,
		.offset = offset,
		.mem = &nvkm_sim_instobj(memory)->mn,
	};

	return nvkm_vmm_map(vmm, vma, argv, argc, &map);
}

static void
nvkm_sim_instobj_mark(struct nvkm_sim_instobj *iobj, unsigned long mark)
{
	unsigned int i;

	for (i = 0; i < 1U << iobj->order; i++)
		set_page_private(iobj->page + i, mark);
}

static void *
nvkm_sim_instobj_dtor(struct nvkm_memory *memory)
{
	struct nvkm_sim_instobj *iobj = nvkm_sim_instobj(memory);

	nvkm_instobj_dtor(iobj->imem, &iobj->base);
	nvkm_sim_instobj_mark(iobj, 0);
	__free_pages(iobj->page, iobj->order);
	return iobj;
}

static const struct nvkm_memory_func
nvkm_sim_instobj_func = {
	.dtor = nvkm_sim_instobj_dtor,
	.target = nvkm_sim_instobj_target,
	.page = nvkm_sim_instobj_page,
	.addr = nvkm_sim_instobj_addr,
	.size = nvkm_sim_instobj_size,
	.acquire = nvkm_sim_instobj_acquire,
	.release = nvkm_sim_instobj_release,
	.map = nvkm_sim_instobj_map,
};

static const struct nvkm_memory_ptrs
nvkm_sim_instobj_ptrs = {
	.rd32 = nvkm_sim_instobj_rd32,
	.wr32 = nvkm_sim_instobj_wr32,
};

static int
nvkm_sim_instobj_new(struct nvkm_instmem *imem, u32 size, u32 align, bool zero,
		     struct nvkm_memory **pmemory)
{
	struct nvkm_sim_instobj *iobj;

	iobj = kzalloc_obj(*iobj, GFP_ATOMIC);
	if (!iobj)
		return -ENOMEM;
	iobj->imem = imem;
	iobj->order = get_order(max(size, align));
	iobj->page = alloc_pages(GFP_ATOMIC | __GFP_ZERO | __GFP_NOWARN, iobj->order);
	if (!iobj->page) {
		kfree(iobj);
		return -ENOMEM;
	}
	nvkm_sim_instobj_mark(iobj, NVSIM_TABLE_PAGE);
	iobj->mn.offset = page_to_pfn(iobj->page);
	iobj->mn.length = PAGE_ALIGN(size) >> PAGE_SHIFT;

	nvkm_instobj_ctor(&nvkm_sim_instobj_func, imem, &iobj->base);
	iobj->base.memory.ptrs = &nvkm_sim_instobj_ptrs;
	*pmemory = &iobj->base.memory;
	return 0;
}

static const struct nvkm_instmem_func
nvkm_sim_instmem = {
	.memory_new = nvkm_sim_instobj_new,
	.zero = true,
};

int
nvkm_sim_instmem_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		     struct nvkm_instmem **pimem)
{
	*pimem = kzalloc_obj(**pimem, GFP_KERNEL);
	if (!*pimem)
		return -ENOMEM;
	nvkm_instmem_ctor(&nvkm_sim_instmem, device, type, inst, *pimem);
	return 0;
}

static const struct nvkm_ram_func
nvkm_sim_ram = {
};

static int
nvkm_sim_ram_new(struct nvkm_fb *fb, struct nvkm_ram **pram)
{
	struct nvkm_sim *sim = nvkm_sim(fb->subdev.device);

	if (!sim->model.vram)
		return 0;
	return nvkm_ram_new_(&nvkm_sim_ram, fb, NVKM_RAM_TYPE_STOLEN, sim->model.vram_size, pram);
}

static const struct nvkm_fb_func
nvkm_sim_fb = {
	.ram_new = nvkm_sim_ram_new,
	.default_bigpage = 16,
};

int
nvkm_sim_fb_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		struct nvkm_fb **pfb)
{
	return nvkm_fb_new_(&nvkm_sim_fb, device, type, inst, pfb);
}

/* BAR1 shows all of VRAM as it is, with no address space of its own; see nvkm_mmu.c. */
static void *
nvkm_sim_bar_dtor(struct nvkm_bar *bar)
{
	return bar;
}

static int
nvkm_sim_bar_oneinit(struct nvkm_bar *bar)
{
	return 0;
}

static void
nvkm_sim_bar_init(struct nvkm_bar *bar)
{
}

static const struct nvkm_bar_func
nvkm_sim_bar = {
	.dtor = nvkm_sim_bar_dtor,
	.oneinit = nvkm_sim_bar_oneinit,
	.bar1.init = nvkm_sim_bar_init,
	.bar1.wait = nvkm_sim_bar_init,
};

int
nvkm_sim_bar_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		 struct nvkm_bar **pbar)
{
	*pbar = kzalloc_obj(**pbar, GFP_KERNEL);
	if (!*pbar)
		return -ENOMEM;
	nvkm_bar_ctor(&nvkm_sim_bar, device, type, inst, *pbar);
	return 0;
}

/**
 * nvkm_sim_vram_init() - allocate the device memory, if there is to be some
 * @sim: the device
 *
 * It is in one piece, because nouveau maps it into processes as a BAR.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int
nvkm_sim_vram_init(struct nvkm_sim *sim)
{
	const size_t size = (size_t)nouveau_sim_vram << 20;
	void *vram;

	if (!size)
		return 0;

	vram = dma_alloc_coherent(&sim->pdev->dev, size, &sim->vram_dma,
				  GFP_KERNEL | __GFP_NOWARN);
	if (!vram || !virt_addr_valid(vram)) {
		if (vram)
			dma_free_coherent(&sim->pdev->dev, size, vram, sim->vram_dma);
		dev_err(&sim->pdev->dev,
			"no %u MiB of memory in one piece for VRAM; boot with cma= and more than that, or set a smaller nouveau.sim_vram\n",
			nouveau_sim_vram);
		return -ENOMEM;
	}
	sim->model.vram = vram;
	sim->model.vram_size = size;
	return 0;
}

/**
 * nvkm_sim_vram_fini() - free the device memory
 * @sim: the device
 */
void
nvkm_sim_vram_fini(struct nvkm_sim *sim)
{
	if (sim->model.vram)
		dma_free_coherent(&sim->pdev->dev, sim->model.vram_size, sim->model.vram,
				  sim->vram_dma);
	sim->model.vram = NULL;
}
