// SPDX-License-Identifier: MIT
/* The driver, its channels and its buffers, without shared virtual memory; and the driver's end. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nouveau/nouveau.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xf86drm.h>
#include <nouveau_drm.h>

#include "clock.h"
#include "smoke.h"
#include "write_file.h"

enum { GP100 = 0x130, MIB = 1 << 20, WORDS = MIB / 4, CLIENTS = 2, CHANNELS = 4, REBINDS = 3 };

/* An address at which no driver has anything; it begins with the lowest. */
#define NOWHERE (1ULL << 46)

static void probe(void)
{
	char path[64], driver[PATH_MAX] = "";
	struct gpu gpu;
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", board.gpu);
	CHECK(readlink(path, driver, sizeof(driver) - 1) > 0,
	      "%s: %s: no driver has probed %s; the kernel's log tells why", path, strerror(errno),
	      board.gpu);
	CHECK(strrchr(driver, '/') && !strcmp(strrchr(driver, '/'), "/nouveau"),
	      "the driver of %s is %s, not nouveau", board.gpu, driver);
	ret = gpu_open_plain(&gpu, smoke_node());
	CHECK(!ret, "%s does not open: %s", smoke_node(), strerror(-ret));
	CHECK(gpu_chipset(&gpu) == GP100, "chipset %#x, not GP100's %#x", gpu_chipset(&gpu), GP100);
	figure("chipset", gpu_chipset(&gpu));
	figure("vram_mib", gpu.dev->vram_size / MIB);
	gpu_close(&gpu);
}

static void channels(void)
{
	struct board_channel channel;
	struct chan chan;
	struct gpu gpu;

	plain_open(&gpu, &chan);
	BOARD(board_channel(&board, chan.id, &channel));
	figure("id", chan.id);
	figure("runlist", channel.runlist);
	chan_close(&chan);
	gpu_close(&gpu);
}

static uint32_t pattern(uint32_t i, uint32_t seed)
{
	return (i + seed) * 2654435761u;
}

static struct nouveau_bo *buffer(struct gpu *gpu, uint32_t where, bool map)
{
	struct nouveau_bo *bo = NULL;
	int ret = nouveau_bo_new(gpu->dev, where | (map ? NOUVEAU_BO_MAP : 0), 0, MIB, NULL, &bo);

	CHECK(!ret, "no buffer of 1 MiB in %s: %s", where == NOUVEAU_BO_VRAM ? "VRAM" : "GART",
	      strerror(-ret));
	ret = map ? nouveau_bo_map(bo, NOUVEAU_BO_RDWR, gpu->client) : 0;
	CHECK(!ret, "mapping a buffer: %s", strerror(-ret));
	return bo;
}

static void begin_copy(struct chan *chan, struct nouveau_bo *dst, struct nouveau_bo *src)
{
	struct nouveau_pushbuf_refn refs[] = {
		{ dst, (dst->flags & (NOUVEAU_BO_VRAM | NOUVEAU_BO_GART)) | NOUVEAU_BO_WR },
		{ src, (src->flags & (NOUVEAU_BO_VRAM | NOUVEAU_BO_GART)) | NOUVEAU_BO_RD },
	};
	const struct copy copy = {
		.dst = dst->offset, .src = src->offset, .length = MIB, .lines = 1,
		.dst_pitch = MIB, .src_pitch = MIB,
	};
	int ret = nouveau_pushbuf_refn(chan->push, refs, 2);

	CHECK(!ret, "the pushbuffer takes no more buffers: %s", strerror(-ret));
	ret = chan_copy(chan, &copy);
	CHECK(!ret, "a copy is not accepted: %s", strerror(-ret));
}

void put_in_vram(struct gpu *gpu, struct chan *chan, struct copied *copied, uint32_t seed)
{
	uint32_t i, *word;

	copied->from = buffer(gpu, NOUVEAU_BO_GART, true);
	copied->via = buffer(gpu, NOUVEAU_BO_VRAM, false);
	copied->to = buffer(gpu, NOUVEAU_BO_GART, true);
	copied->seed = seed;
	for (i = 0, word = copied->from->map; i < WORDS; i++)
		word[i] = pattern(i, seed);
	memset(copied->to->map, 0, MIB);
	begin_copy(chan, copied->via, copied->from);
}

void get_from_vram(struct chan *chan, struct copied *copied)
{
	begin_copy(chan, copied->to, copied->via);
}

/* GART to VRAM to GART. */
static void begin_round(struct gpu *gpu, struct chan *chan, struct copied *copied, uint32_t seed)
{
	put_in_vram(gpu, chan, copied, seed);
	get_from_vram(chan, copied);
}

void end_round(struct chan *chan, struct copied *copied)
{
	const int ret = chan_wait(chan);
	const uint32_t *word = copied->to->map;
	uint32_t i;

	CHECK(!ret, "copies of channel %d: %s", chan->id, chan_said(ret));
	for (i = 0; i < WORDS; i++) {
		if (word[i] != pattern(i, copied->seed))
			smoke_fail("channel %d: word %u came back from VRAM as %#x, not %#x",
				   chan->id, i, word[i], pattern(i, copied->seed));
	}
	nouveau_bo_ref(NULL, &copied->from);
	nouveau_bo_ref(NULL, &copied->via);
	nouveau_bo_ref(NULL, &copied->to);
}

static int64_t copied_once(void)
{
	struct copied copied;
	struct chan chan;
	struct gpu gpu;
	int64_t us;

	plain_open(&gpu, &chan);
	us = now_us();
	begin_round(&gpu, &chan, &copied, 1);
	end_round(&chan, &copied);
	us = now_us() - us;
	chan_close(&chan);
	gpu_close(&gpu);
	return us;
}

static void copy(void)
{
	figure("us", copied_once());
}

static void copy_many(void)
{
	struct copied copied[CLIENTS][CHANNELS];
	struct chan chan[CLIENTS][CHANNELS];
	struct gpu gpu[CLIENTS];
	unsigned int i, j;

	for (i = 0; i < CLIENTS; i++) {
		plain_open(&gpu[i], &chan[i][0]);
		for (j = 1; j < CHANNELS; j++)
			more_open(&gpu[i], &chan[i][j]);
	}
	for (i = 0; i < CLIENTS; i++) {
		for (j = 0; j < CHANNELS; j++)
			begin_round(&gpu[i], &chan[i][j], &copied[i][j], 100 * i + j);
	}
	for (i = 0; i < CLIENTS; i++) {
		for (j = 0; j < CHANNELS; j++)
			end_round(&chan[i][j], &copied[i][j]);
	}
	for (i = 0; i < CLIENTS; i++) {
		for (j = 0; j < CHANNELS; j++)
			chan_close(&chan[i][j]);
		gpu_close(&gpu[i]);
	}
	figure("channels", CLIENTS * CHANNELS);
}

/* An address where nothing is ends a channel, and no other. */
static void recovery(void)
{
	struct copy lost = { .src = NOWHERE, .length = 4, .lines = 1 };
	struct chan chan, same, other, again;
	struct gpu gpu, gpu2;
	struct copied copied;
	const uint64_t killed = stat_now("channels_killed"), faults = counts_now().faults;
	int ret;

	plain_open(&gpu, &chan);
	more_open(&gpu, &same);
	plain_open(&gpu2, &other);

	lost.dst = chan_sem_addr(&chan) + 64;
	ret = chan_copy(&chan, &lost);
	CHECK(!ret, "a copy is not accepted: %s", strerror(-ret));
	ret = chan_wait(&chan);
	CHECK(ret == -EIO, "a read of %#llx, where nothing is: %s", NOWHERE, chan_said(ret));
	CHECK(stat_now("channels_killed") == killed + 1, "%llu channels ended of it, not one",
	      (unsigned long long)(stat_now("channels_killed") - killed));
	/* None of these has shared virtual memory. */
	CHECK(counts_now().faults == faults, "%llu faults are to be replayed",
	      (unsigned long long)(counts_now().faults - faults));
	begin_round(&gpu2, &other, &copied, 2);
	end_round(&other, &copied);
	begin_round(&gpu, &same, &copied, 3);
	end_round(&same, &copied);
	more_open(&gpu, &again);
	begin_round(&gpu, &again, &copied, 4);
	end_round(&again, &copied);

	chan_close(&again);
	chan_close(&other);
	chan_close(&same);
	chan_close(&chan);
	gpu_close(&gpu2);
	gpu_close(&gpu);
}

/* A copy waits at a closed gate, and goes on when it opens. */
static void gate_copy(void)
{
	struct copied copied;
	struct chan chan;
	struct gpu gpu;

	plain_open(&gpu, &chan);
	BOARD(board_gate_close(&board, "copy"));
	begin_round(&gpu, &chan, &copied, 5);
	BOARD(board_gate_wait_held(&board, "copy", 1, WAIT_MS));
	CHECK(!chan_done(&chan), "the copy is done with the gate closed");
	BOARD(board_gate_open(&board, "copy"));
	end_round(&chan, &copied);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* In a process of its own: sleep until the fence of a buffer is signalled. Exits with the error. */
static void __attribute__((noreturn)) sleep_on(const struct gpu *gpu, uint32_t handle)
{
	struct drm_nouveau_gem_cpu_prep prep = {
		.handle = handle, .flags = NOUVEAU_GEM_CPU_PREP_WRITE,
	};

	_exit(-drmCommandWrite(gpu->fd, DRM_NOUVEAU_GEM_CPU_PREP, &prep, sizeof(prep)));
}

static bool sleeps_on_fence(pid_t pid)
{
	char path[64], where[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(where, sizeof(where), file))
		where[0] = 0;
	fclose(file);
	return strstr(where, "fence");
}

static bool sleeps_within(pid_t pid, unsigned int ms)
{
	const int64_t end = now_us() + ms * 1000LL;

	while (!sleeps_on_fence(pid)) {
		if (now_us() > end)
			return false;
		usleep(1000);
	}
	return true;
}

/*
 * A waiter on a fence of the copy engines' runlist is woken by its non-stall interrupt. The copy
 * is held until somebody sleeps: a fence that is signalled when it is looked at shows nothing.
 */
static void fence(void)
{
	struct board_channel channel;
	struct copied copied;
	struct chan chan;
	struct gpu gpu;
	bool lost;
	pid_t pid;
	int ret;

	ret = gpu_open_plain(&gpu, smoke_node());
	CHECK(!ret, "%s does not open: %s", smoke_node(), strerror(-ret));
	ret = chan_open_copy(&gpu, &chan);
	CHECK(!ret, "no channel on the copy engines' runlist: %s", strerror(-ret));
	BOARD(board_channel(&board, chan.id, &channel));
	figure("runlist", channel.runlist);
	/* Those of other runlists than 0 are lost since the channels' events have an index each. */
	lost = channel.runlist && expect != PATCHED && smoke_kernel() >= 602;

	BOARD(board_gate_close(&board, "copy"));
	begin_round(&gpu, &chan, &copied, 6);
	BOARD(board_gate_wait_held(&board, "copy", 1, WAIT_MS));
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid)
		sleep_on(&gpu, copied.to->handle);
	CHECK(sleeps_within(pid, WAIT_MS), "nobody sleeps on the fence within %u s",
	      WAIT_MS / 1000);
	BOARD(board_gate_open(&board, "copy"));
	ret = reap_within(pid, WAIT_MS);
	CHECK(ret != -ETIME, "GEM_CPU_PREP does not return within %u s", WAIT_MS / 1000);
	if (lost)
		CHECK(ret == EBUSY, "GEM_CPU_PREP returned %d, where its interrupt is known to be lost (EBUSY); has it been fixed?",
		      ret);
	else
		CHECK(!ret, "GEM_CPU_PREP returned %d: %s", ret, strerror(ret));
	end_round(&chan, &copied);
	chan_close(&chan);
	gpu_close(&gpu);
}

const struct step driver_steps[] = {
	{ "probe", probe, "nouveau has the device: chipset, render node", .limit = 60 },
	{ "channels", channels, "a channel comes and goes", .limit = 120 },
	{ "copy", copy, "GART to VRAM to GART, the data are right", .limit = 120 },
	{ "copy-many", copy_many, "the same on 8 channels of 2 clients at once", .limit = 240 },
	{ "recovery", recovery, "a channel ends by its error, others and new ones work",
	  .limit = 240 },
	{ "gate-copy", gate_copy, "a copy waits at a gate", .limit = 120 },
	{ "fence", fence, "a waiter on the copy engine's fence is woken by its non-stall interrupt", .limit = 240 },
	{}
};

static void bind_driver(const char *what)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/nouveau/%s", what);
	ret = write_text(path, board.gpu);
	CHECK(!ret, "%s to %s: %s", board.gpu, path, strerror(-ret));
}

static void rebind(void)
{
	const uint64_t resets = stat_now("resets");
	char reset[64];
	unsigned int i;
	int ret;

	snprintf(reset, sizeof(reset), "/sys/bus/pci/devices/%s/reset", board.gpu);
	for (i = 0; i < REBINDS; i++) {
		bind_driver("unbind");
		BOARD(board_channels_wait(&board, 0, WAIT_MS));
		/* The first time without a reset in between. */
		ret = i ? write_text(reset, "1") : 0;
		CHECK(!ret, "%s: %s", reset, strerror(-ret));
		CHECK(stat_now("resets") == resets + i, "%s does not reset the device", reset);
		bind_driver("bind");
		copied_once();
	}
}

static void rmmod(void)
{
	const int ret = syscall(SYS_delete_module, "nouveau", O_NONBLOCK) ? -errno : 0;
	char path[64];

	if (ret == -ENOENT)
		smoke_skip("nouveau is no module of this kernel");
	CHECK(!ret, "nouveau is not removed: %s%s", strerror(-ret),
	      ret == -EWOULDBLOCK ? ": somebody uses it, see lsmod" : "");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", board.gpu);
	CHECK(access(path, F_OK), "%s is still there", path);
	BOARD(board_channels_wait(&board, 0, WAIT_MS));
	figure("guest_errors", stat_now("guest_errors"));
	figure("not_modelled", stat_now("not_modelled"));
}

const struct step end_steps[] = {
	{ "rebind", rebind, "the driver is unbound and bound three times, with resets in between",
	  .limit = 400 },
	{ "rmmod", rmmod, "and removed", .limit = 120 },
	{}
};
