// SPDX-License-Identifier: MIT
/*
 * The fault buffer: its memory is instance memory, GET and PUT are registers, its
 * interrupt is a call.
 */
#include "nvkm.h"

#include <core/memory.h>
#include <subdev/fault/priv.h>

#include <nvif/class.h>

static unsigned int nouveau_sim_fault_entries = 256;
module_param_named(sim_fault_entries, nouveau_sim_fault_entries, uint, 0400);
MODULE_PARM_DESC(sim_fault_entries, "entries of a software GPU's fault buffer (default 256)");

static void
nvkm_sim_fault_buffer_info(struct nvkm_fault_buffer *buffer)
{
	buffer->entries = clamp(nouveau_sim_fault_entries, 2U, 65536U);
	buffer->get = NVKM_SIM_PRI_FAULT_GET;
	buffer->put = NVKM_SIM_PRI_FAULT_PUT;
}

static u64
nvkm_sim_fault_buffer_pin(struct nvkm_fault_buffer *buffer)
{
	struct nvkm_sim *sim = nvkm_sim(buffer->fault->subdev.device);

	sim->model.fault.entry = phys_to_virt(nvkm_memory_addr(buffer->mem));
	sim->model.fault.entries = buffer->entries;
	return (uintptr_t)sim->model.fault.entry;
}

static void
nvkm_sim_fault_buffer_enable(struct nvkm_fault_buffer *buffer, bool enable)
{
	struct nvkm_sim *sim = nvkm_sim(buffer->fault->subdev.device);

	spin_lock(&sim->model.lock);
	sim->model.fault.enabled = enable;
	spin_unlock(&sim->model.lock);
}

static void
nvkm_sim_fault_buffer_init(struct nvkm_fault_buffer *buffer)
{
	nvkm_sim_fault_buffer_enable(buffer, true);
}

static void
nvkm_sim_fault_buffer_fini(struct nvkm_fault_buffer *buffer)
{
	nvkm_sim_fault_buffer_enable(buffer, false);
}

static void
nvkm_sim_fault_buffer_intr(struct nvkm_fault_buffer *buffer, bool enable)
{
	nvsim_fault_arm(&nvkm_sim(buffer->fault->subdev.device)->model, enable);
}

static void
nvkm_sim_fault_intr(struct nvkm_fault *fault)
{
	nvkm_event_ntfy(&fault->event, 0, NVKM_FAULT_BUFFER_EVENT_PENDING);
}

void
nvkm_sim_fault_pending(struct nvsim *model)
{
	nvkm_sim_fault_intr(model_to_sim(model)->device.fault);
}

static const struct nvkm_fault_func
nvkm_sim_fault = {
	.intr = nvkm_sim_fault_intr,
	.buffer.nr = 1,
	.buffer.entry_size = 32,
	.buffer.info = nvkm_sim_fault_buffer_info,
	.buffer.pin = nvkm_sim_fault_buffer_pin,
	.buffer.init = nvkm_sim_fault_buffer_init,
	.buffer.fini = nvkm_sim_fault_buffer_fini,
	.buffer.intr = nvkm_sim_fault_buffer_intr,
	.user = { { 0, 0, MAXWELL_FAULT_BUFFER_A }, 0 },
};

int
nvkm_sim_fault_new(struct nvkm_device *device, enum nvkm_subdev_type type, int inst,
		   struct nvkm_fault **pfault)
{
	return nvkm_fault_new_(&nvkm_sim_fault, device, type, inst, pfault);
}
