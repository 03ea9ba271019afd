// SPDX-License-Identifier: MIT
/*
 * The software GPU as a platform device, its registers, and the subdevs that have
 * nothing to do: timer, graphics.
 *
 * It calls itself an unlisted chip of the GP100 family, the last whose SVM nouveau
 * supports. Registers are plain memory: writing one has no effect by itself.
 */
#include "nvkm.h"
#include "sim.h"

#include "nouveau_drv.h"
#include "nouveau_platform.h"

#include <engine/device/priv.h>
#include <engine/gr/priv.h>
#include <subdev/mmu/priv.h>
#include <subdev/timer/priv.h>

#include <linux/dma-mapping.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/platform_device.h>

#define BOOT0			0x13f000a1
#define DEVICES_MAX		8

/* The CPU writes a PTE in two halves; only the lower one may matter, or a walk could
 * see one half without the other.
 */
#define MEMORY_MAX		DMA_BIT_MASK(36)

static unsigned int nouveau_sim_devices = 1;
module_param_named(sim_devices, nouveau_sim_devices, uint, 0400);
MODULE_PARM_DESC(sim_devices, "number of software GPUs (default 1, at most 8)");

static u64
nvkm_sim_timer_read(struct nvkm_timer *tmr)
{
	return ktime_get_ns();
}

static void
nvkm_sim_timer_time(struct nvkm_timer *tmr, u64 time)
{
}

static void
nvkm_sim_timer_alarm_init(struct nvkm_timer *tmr, u32 time)
{
	/* Nothing on this device uses alarms. */
	WARN_ON_ONCE(1);
}

static void
nvkm_sim_timer_alarm_fini(struct nvkm_timer *tmr)
{
}

static const struct nvkm_timer_func
nvkm_sim_timer = {
	.read = nvkm_sim_timer_read,
	.time = nvkm_sim_timer_time,
	.alarm_init = nvkm_sim_timer_alarm_init,
	.alarm_fini = nvkm_sim_timer_alarm_fini,
};

static int
nvkm_sim_timer_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		   struct nvkm_timer **ptmr)
{
	return nvkm_timer_new_(&nvkm_sim_timer, device, type, inst, ptmr);
}

/* nouveau opens no channels without a graphics engine. This one has no classes. */
static const struct nvkm_gr_func
nvkm_sim_gr = {
	.sclass = { {} }
};

static int
nvkm_sim_gr_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		struct nvkm_gr **pgr)
{
	*pgr = kzalloc_obj(**pgr, GFP_KERNEL);
	if (!*pgr)
		return -ENOMEM;
	return nvkm_gr_ctor(&nvkm_sim_gr, device, type, inst, true, *pgr);
}

static const struct nvkm_device_chip
nvkm_sim_chip = {
	.name = "SIM",
	.bar   = { 0x00000001, nvkm_sim_bar_new },
	.fault = { 0x00000001, nvkm_sim_fault_new },
	.fb    = { 0x00000001, nvkm_sim_fb_new },
	.imem  = { 0x00000001, nvkm_sim_instmem_new },
	.mmu   = { 0x00000001, nvkm_sim_mmu_new },
	.timer = { 0x00000001, nvkm_sim_timer_new },
	.ce    = { 0x00000003, nvkm_sim_ce_new },
	.fifo  = { 0x00000001, nvkm_sim_fifo_new },
	.gr    = { 0x00000001, nvkm_sim_gr_new },
};

/* The thread sleeps for a while only, so it does not matter if it misses this. */
static void
nvkm_sim_wake(struct nvsim *model)
{
	struct nvkm_sim *sim = model_to_sim(model);

	lockdep_assert_held(&model->lock);
	if (sim->thread)
		wake_up_process(sim->thread);
}

static const struct nvsim_ops
nvkm_sim_ops = {
	.fault_pending = nvkm_sim_fault_pending,
	.non_stall = nvkm_sim_non_stall,
	.mmu_fault = nvkm_sim_mmu_fault,
	.illegal = nvkm_sim_illegal,
	.wake = nvkm_sim_wake,
};

/* Nothing tells the GPU of work: it looks, more and more rarely while there is none. */
static int
nvkm_sim_thread(void *data)
{
	struct nvkm_sim *sim = data;
	unsigned int usec = 20;

	while (!kthread_should_stop()) {
		if (nvsim_run(&sim->model)) {
			usec = 20;
			cond_resched();
		} else {
			ktime_t timeout = ns_to_ktime(usec * NSEC_PER_USEC);

			set_current_state(TASK_IDLE);
			schedule_hrtimeout_range(&timeout, usec * NSEC_PER_USEC / 4,
						 HRTIMER_MODE_REL);
			usec = min(usec * 2, 1000U);
		}
	}
	return 0;
}

/* Returns the one before, which nobody wakes any more. */
static struct task_struct *
nvkm_sim_set_thread(struct nvkm_sim *sim, struct task_struct *thread)
{
	struct task_struct *old;

	spin_lock(&sim->model.lock);
	old = sim->thread;
	sim->thread = thread;
	spin_unlock(&sim->model.lock);
	return old;
}

static int
nvkm_sim_init(struct nvkm_device *device)
{
	struct nvkm_sim *sim = nvkm_sim(device);
	struct task_struct *thread;

	thread = kthread_create(nvkm_sim_thread, sim, "%s", dev_name(device->dev));
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	nvkm_sim_set_thread(sim, thread);
	wake_up_process(thread);
	return 0;
}

static void
nvkm_sim_fini(struct nvkm_device *device, nvkm_suspend_t suspend)
{
	struct nvkm_sim *sim = nvkm_sim(device);

	struct task_struct *thread = nvkm_sim_set_thread(sim, NULL);

	if (thread)
		kthread_stop(thread);
	/* nouveau empties its cache of page tables only with BAR1's address space. */
	nvkm_mmu_ptc_dump(device->mmu);
}

static void *
nvkm_sim_dtor(struct nvkm_device *device)
{
	struct nvkm_sim *sim = nvkm_sim(device);

	nvkm_sim_debugfs_fini(sim);
	nvkm_sim_vram_fini(sim);
	free_pages((unsigned long)sim->pri, get_order(NVKM_SIM_PRI_SIZE));
	return sim;
}

static resource_size_t
nvkm_sim_resource_addr(struct nvkm_device *device, nvkm_bar_id_t bar)
{
	struct nvkm_sim *sim = nvkm_sim(device);

	switch (bar) {
	case NVKM_BAR0_PRI:
		return (uintptr_t)sim->pri;
	case NVKM_BAR1_FB:
		return sim->model.vram ? virt_to_phys(sim->model.vram) : 0;
	default:
		/* Addresses in BAR2 are those of the linear map, see nvkm_fault.c. */
		return 0;
	}
}

static resource_size_t
nvkm_sim_resource_size(struct nvkm_device *device, nvkm_bar_id_t bar)
{
	struct nvkm_sim *sim = nvkm_sim(device);

	switch (bar) {
	case NVKM_BAR0_PRI:
		return NVKM_SIM_PRI_SIZE;
	case NVKM_BAR1_FB:
		return sim->model.vram_size;
	default:
		return 0;
	}
}

/* No .irq: the model calls. */
static const struct nvkm_device_func
nvkm_sim_func = {
	.dtor = nvkm_sim_dtor,
	.init = nvkm_sim_init,
	.fini = nvkm_sim_fini,
	.resource_addr = nvkm_sim_resource_addr,
	.resource_size = nvkm_sim_resource_size,
	.cpu_coherent = true,
};

/**
 * nvkm_sim_new() - make a software GPU
 * @pdev: the device it is to be
 * @cfg: nouveau's configuration string
 * @dbg: and that for debugging
 * @pdevice: the result
 *
 * Context: may sleep.
 * Return: 0, or an error.
 */
int
nvkm_sim_new(struct platform_device *pdev, const char *cfg, const char *dbg,
	     struct nvkm_device **pdevice)
{
	struct nvkm_sim *sim;
	int ret;

	if (dma_get_required_mask(&pdev->dev) > MEMORY_MAX) {
		dev_err(&pdev->dev, "there is memory above 64 GiB; boot with mem=64G\n");
		return -ENODEV;
	}

	sim = kzalloc_obj(*sim, GFP_KERNEL);
	if (!sim)
		return -ENOMEM;
	sim->pdev = pdev;
	nvsim_init(&sim->model, &nvkm_sim_ops);

	sim->pri = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
					    get_order(NVKM_SIM_PRI_SIZE));
	if (!sim->pri) {
		ret = -ENOMEM;
		goto free;
	}
	sim->pri[NVKM_SIM_PRI_BOOT0 / 4] = BOOT0;
	sim->model.fault.get = &sim->pri[NVKM_SIM_PRI_FAULT_GET / 4];
	sim->model.fault.put = &sim->pri[NVKM_SIM_PRI_FAULT_PUT / 4];

	ret = nvkm_sim_vram_init(sim);
	if (ret)
		goto free_pri;

	sim->device.chip = &nvkm_sim_chip;
	ret = nvkm_device_ctor(&nvkm_sim_func, NULL, &pdev->dev, NVKM_DEVICE_TEGRA, pdev->id,
			       NULL, cfg, dbg, &sim->device);
	if (ret)
		goto del;

	nvkm_sim_debugfs_init(sim);
	*pdevice = &sim->device;
	return 0;
del:
	/* It is listed by now, and knows how to end, unless another has its number. */
	if (ret != -EEXIST) {
		*pdevice = &sim->device;
		nvkm_device_del(pdevice);
		return ret;
	}
	nvkm_sim_vram_fini(sim);
free_pri:
	free_pages((unsigned long)sim->pri, get_order(NVKM_SIM_PRI_SIZE));
free:
	kfree(sim);
	return ret;
}

static int
nouveau_sim_probe(struct platform_device *pdev)
{
	return PTR_ERR_OR_ZERO(nouveau_sim_drm_create(pdev));
}

static void
nouveau_sim_remove(struct platform_device *pdev)
{
	nouveau_drm_device_remove(platform_get_drvdata(pdev));
}

static struct platform_driver
nouveau_sim_driver = {
	.driver.name = "nouveau-sim",
	.probe = nouveau_sim_probe,
	.remove = nouveau_sim_remove,
};

static struct platform_device *nouveau_sim_device[DEVICES_MAX];
static bool nouveau_sim_registered;

/**
 * nouveau_sim_init() - register the driver and its devices
 *
 * A failure is reported, and nouveau goes on without.
 *
 * Context: module initialisation.
 */
void
nouveau_sim_init(void)
{
	int ret, i;

	if (!nouveau_sim_devices)
		return;
	ret = platform_driver_register(&nouveau_sim_driver);
	nouveau_sim_registered = !ret;
	for (i = 0; !ret && i < min_t(unsigned int, nouveau_sim_devices, DEVICES_MAX); i++) {
		const struct platform_device_info info = {
			.name = "nouveau-sim",
			.id = i,
			.dma_mask = DMA_BIT_MASK(47),
		};
		struct platform_device *pdev = platform_device_register_full(&info);

		if (IS_ERR(pdev))
			ret = PTR_ERR(pdev);
		else
			nouveau_sim_device[i] = pdev;
	}
	if (ret)
		pr_err("nouveau: no software GPU %d: error %d\n", i, ret);
}

/**
 * nouveau_sim_exit() - undo nouveau_sim_init()
 *
 * Context: module exit, with no client left.
 */
void
nouveau_sim_exit(void)
{
	int i;

	if (!nouveau_sim_registered)
		return;
	for (i = 0; i < DEVICES_MAX; i++)
		platform_device_unregister(nouveau_sim_device[i]);
	platform_driver_unregister(&nouveau_sim_driver);
}
