// SPDX-License-Identifier: MIT
/* Function 1: its registers are in control_abi.h, and nowhere else described. */
#include <string.h>

#include "control.h"

#define CONTROL_BAR	0

void control_init(struct control *control, struct gpu *gpu, uint32_t serial)
{
	const struct pci_identity identity = {
		.vendor = CONTROL_VENDOR, .device = CONTROL_DEVICE, .class = CONTROL_CLASS,
		.revision = CONTROL_VERSION, .bar_size = { CONTROL_BAR_SIZE },
	};

	*control = (struct control) { .gpu = gpu, .serial = serial, .power_on = gpu->knobs };
	pci_init(&control->pci, &identity);
}

void control_reset(struct control *control)
{
	pci_reset(&control->pci);
	gpu_access_stop(control->gpu);
	for (unsigned int i = 0; i < KNOBS; i++)
		if (control->gpu->knobs.value[i] != control->power_on.value[i])
			gpu_knob(control->gpu, i, control->power_on.value[i]);
	for (unsigned int i = 0; i < GATES; i++)
		gpu_gate(control->gpu, i, false);
}

/* The lower half of a pair now, the upper one when it is asked for. */
static uint32_t pair(struct control *control, uint64_t value)
{
	control->frozen = value >> 32;
	return value;
}

static uint32_t name_word(const struct control *control, uint32_t at)
{
	const char *name = "";
	char text[32] = {};
	uint32_t word;

	switch (control->name >> 16) {
	case CONTROL_STAT: name = stat_name(control->name & 0xffff); break;
	case CONTROL_KNOB: name = knob_name(control->name & 0xffff); break;
	case CONTROL_GATE: name = gate_name(control->name & 0xffff); break;
	case CONTROL_EVENT: name = event_name(control->name & 0xffff); break;
	}
	strncpy(text, name, sizeof(text) - 1);
	memcpy(&word, text + at, 4);
	return word;
}

static uint32_t record_word(const struct control *control, uint32_t at)
{
	const struct event *e = event_at(control->gpu->events, control->record);
	uint32_t word;

	_Static_assert(sizeof(*e) == 32, "an event has 8 words");
	if (!e)
		return 0;
	memcpy(&word, (const uint8_t *)e + at, 4);
	return word;
}

static uint32_t access_word(struct control *control, uint32_t index, uint32_t at)
{
	const struct gpu_access *hand = &control->gpu->hand[index];

	switch (at) {
	case CONTROL_ACCESS_CHAN: return hand->chan;
	case CONTROL_ACCESS_TYPE: return hand->type;
	case CONTROL_ACCESS_VA: return pair(control, hand->va);
	case CONTROL_ACCESS_VA + 4: return control->frozen;
	case CONTROL_ACCESS_VALUE: return hand->value;
	case CONTROL_ACCESS_STATE: return hand->state;
	}
	return 0;
}

static uint32_t channel_state(const struct gpu_chan *chan)
{
	if (!chan->bound)
		return CONTROL_CHAN_NONE;
	if (chan->dead || (chan->illegal && !chan->enabled))
		return CONTROL_CHAN_DEAD;
	if (!chan->enabled || !chan->listed)
		return CONTROL_CHAN_STOPPED;
	if (chan->wait.stall == STALL_FAULTED || chan->wait.stall == STALL_FATAL)
		return CONTROL_CHAN_FAULTED;
	if (chan->wait.stall == STALL_REPORTED)
		return CONTROL_CHAN_WAITS_REPLAY;
	if (chan->channel.acquire)
		return CONTROL_CHAN_WAITS_SEMAPHORE;
	return chan->channel.copy.busy ? CONTROL_CHAN_COPIES : CONTROL_CHAN_RUNS;
}

static uint32_t channel_word(struct control *control, uint32_t index, uint32_t at)
{
	const struct gpu_chan *chan = &control->gpu->chan[index];

	switch (at) {
	case CONTROL_CHAN_STATE: return channel_state(chan);
	case CONTROL_CHAN_RUNLIST: return chan->runlist;
	case CONTROL_CHAN_INST: return pair(control, chan->channel.inst);
	case CONTROL_CHAN_PDB: return pair(control, chan->channel.space.pdb);
	case CONTROL_CHAN_FAULT:
		return pair(control, chan->wait.stall ? chan->wait.fault.va : 0);
	case CONTROL_CHAN_INST + 4:
	case CONTROL_CHAN_PDB + 4:
	case CONTROL_CHAN_FAULT + 4:
		return control->frozen;
	}
	return 0;
}

static bool within(uint32_t addr, uint32_t base, uint32_t size, uint32_t count, uint32_t *index,
		   uint32_t *at)
{
	if (addr < base || addr - base >= size * count)
		return false;
	*index = (addr - base) / size;
	*at = (addr - base) % size;
	return true;
}

static uint32_t reg_read(struct control *control, uint32_t addr)
{
	struct gpu *gpu = control->gpu;
	uint32_t index, at;

	if (within(addr, CONTROL_STAT_BASE, 8, STATS, &index, &at))
		return at ? control->frozen : pair(control, gpu->events->stat[index]);
	if (within(addr, CONTROL_KNOB_BASE, 8, KNOBS, &index, &at))
		return at ? control->frozen : pair(control, gpu->knobs.value[index]);
	if (within(addr, CONTROL_GATE_BASE, 8, GATES, &index, &at))
		return at ? gpu->gates.held[index] : gpu->gates.closed[index];
	if (within(addr, CONTROL_ACCESS_BASE, CONTROL_ACCESS_SIZE, GPU_ACCESSES, &index, &at))
		return access_word(control, index, at);
	if (within(addr, CONTROL_CHAN_BASE, CONTROL_CHAN_SIZE, FIFO_CHANNELS, &index, &at))
		return channel_word(control, index, at);
	if (addr >= CONTROL_REG_NAME && addr < CONTROL_REG_NAME + 32)
		return name_word(control, addr - CONTROL_REG_NAME);
	if (addr >= CONTROL_REG_RECORD && addr < CONTROL_REG_RECORD + 32)
		return record_word(control, addr - CONTROL_REG_RECORD);
	switch (addr) {
	case CONTROL_REG_MAGIC: return CONTROL_MAGIC;
	case CONTROL_REG_VERSION: return CONTROL_VERSION;
	case CONTROL_REG_SERIAL: return control->serial;
	case CONTROL_REG_STATS: return STATS;
	case CONTROL_REG_KNOBS: return KNOBS;
	case CONTROL_REG_GATES: return GATES;
	case CONTROL_REG_CHANNELS: return FIFO_CHANNELS;
	case CONTROL_REG_ORACLE:
		return gpu->access.oracle.state == ORACLE_FOUND ? CONTROL_ORACLE_FOUND :
		       gpu->access.oracle.state == ORACLE_SEARCHES ? CONTROL_ORACLE_SEARCHES :
		       CONTROL_ORACLE_OFF;
	case CONTROL_REG_PENDING: return gpu->pending;
	case CONTROL_REG_EVENTS: return pair(control, gpu->events->nr);
	case CONTROL_REG_EVENTS + 4: return control->frozen;
	case CONTROL_REG_ORACLE_VERDICT: return control->verdict;
	case CONTROL_REG_ORACLE_WRITE: return control->asked_write;
	case CONTROL_REG_BOUND: return gpu_bound(gpu);
	}
	return 0;
}

static void ask_oracle(struct control *control, uint64_t pa)
{
	struct oracle *oracle = &control->gpu->access.oracle;
	const void *at = oracle->state == ORACLE_FOUND ? oracle_at(oracle, pa) : NULL;

	control->asked = pa;
	control->verdict = at ? oracle_check(oracle, at, control->asked_write, &control->mark) :
				~0U;
}

static void mark_owner(struct control *control, bool mark)
{
	struct oracle *oracle = &control->gpu->access.oracle;
	const void *at = mark ? oracle_at(oracle, control->asked) : NULL;

	control->mark = at ? oracle_owner(oracle, at) : (struct oracle_owner) {};
}

static void access_set(struct gpu_access *hand, uint32_t at, uint32_t value)
{
	/* What is under way is not changed. */
	if (hand->state == ACCESS_RUNNING)
		return;
	switch (at) {
	case CONTROL_ACCESS_CHAN:
		hand->chan = value;
		break;
	case CONTROL_ACCESS_TYPE:
		hand->type = value;
		break;
	case CONTROL_ACCESS_VA:
		hand->va = (hand->va & ~0xffffffffULL) | value;
		break;
	case CONTROL_ACCESS_VA + 4:
		hand->va = (uint64_t)value << 32 | (uint32_t)hand->va;
		break;
	case CONTROL_ACCESS_VALUE:
		hand->value = value;
		break;
	}
}

static void reg_write(struct control *control, uint32_t addr, uint32_t value)
{
	struct gpu *gpu = control->gpu;
	uint32_t index, at;

	if (within(addr, CONTROL_KNOB_BASE, 8, KNOBS, &index, &at)) {
		/* The largest value has 32 bits. */
		if (!at)
			gpu_knob(gpu, index, value);
		return;
	}
	if (within(addr, CONTROL_GATE_BASE, 8, GATES, &index, &at)) {
		if (!at)
			gpu_gate(gpu, index, value);
		return;
	}
	if (within(addr, CONTROL_ACCESS_BASE, CONTROL_ACCESS_SIZE, GPU_ACCESSES, &index, &at)) {
		access_set(&gpu->hand[index], at, value);
		return;
	}
	switch (addr) {
	case CONTROL_REG_NAME_SELECT:
		control->name = value;
		break;
	case CONTROL_REG_START:
		gpu_access_start(gpu, value >> 16, value & 0xffff);
		break;
	case CONTROL_REG_STOP:
		gpu_access_stop(gpu);
		break;
	case CONTROL_REG_EVENT: {
		/* The last of that number modulo 2^32. */
		const uint64_t nr = gpu->events->nr;

		control->record = (nr & ~0xffffffffULL) | value;
		if (control->record >= nr && nr >> 32)
			control->record -= 1ULL << 32;
		break;
	}
	case CONTROL_REG_WINDOW:
	case CONTROL_REG_WINDOW + 8:
	case CONTROL_REG_ORACLE_PA:
		control->low = value;
		break;
	case CONTROL_REG_WINDOW + 4:
		control->window[0] = (uint64_t)value << 32 | control->low;
		break;
	case CONTROL_REG_WINDOW + 12:
		control->window[1] = (uint64_t)value << 32 | control->low;
		break;
	case CONTROL_REG_WINDOW_CHAN:
		gpu_exclude(gpu, value, control->window[0], control->window[1]);
		break;
	case CONTROL_REG_CLEAR:
		memset(gpu->events->stat, 0, sizeof(gpu->events->stat));
		break;
	case CONTROL_REG_ORACLE_PA + 4:
		ask_oracle(control, (uint64_t)value << 32 | control->low);
		break;
	case CONTROL_REG_ORACLE_WRITE:
		control->asked_write = value;
		break;
	case CONTROL_REG_ORACLE_MARK:
		mark_owner(control, value);
		break;
	}
}

void control_read(struct control *control, unsigned int region, uint64_t offset, void *buf,
		  uint32_t len)
{
	uint8_t *bytes = buf;

	if (region == GPU_CONFIG) {
		pci_read(&control->pci, offset, buf, len);
		return;
	}
	memset(buf, 0, len);
	if (region != CONTROL_BAR)
		return;
	while (len) {
		const uint32_t in = offset & 3, n = len < 4 - in ? len : 4 - in;
		const uint32_t value = reg_read(control, offset & ~3U);

		memcpy(bytes, (const uint8_t *)&value + in, n);
		offset += n;
		bytes += n;
		len -= n;
	}
}

void control_write(struct control *control, unsigned int region, uint64_t offset, const void *buf,
		   uint32_t len)
{
	const uint8_t *bytes = buf;

	if (region == GPU_CONFIG) {
		if (pci_write(&control->pci, offset, buf, len) == PCI_FLR)
			control_reset(control);
		return;
	}
	if (region != CONTROL_BAR || offset & 3 || len & 3)
		return;	/* registers have 32 bits */
	for (; len; len -= 4, bytes += 4, offset += 4) {
		uint32_t value;

		memcpy(&value, bytes, 4);
		reg_write(control, offset, value);
	}
}
