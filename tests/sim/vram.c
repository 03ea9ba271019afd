// SPDX-License-Identifier: MIT
/* Device-private memory. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <nouveau/nouveau.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum { N = 64 * 4096, CHANNELS = 1024, MANY = 4096 };

/* Migrate, and see that all of it was copied. SVM_BIND leaves out what somebody else has a
 * reference to for a moment.
 */
static void to_device(struct gpu *gpu, void *buf, size_t n)
{
	const uint64_t bytes = sim_stat("copied_bytes");
	int tries, ret;

	for (tries = 0; tries < 10 && sim_stat("copied_bytes") < bytes + n; tries++) {
		ret = gpu_svm_migrate(gpu, buf, n);
		CHECK(!ret, "SVM_BIND: error %d", ret);
	}
	CHECK(sim_stat("copied_bytes") >= bytes + n, "%llu bytes of %zu were copied to the device",
	      (unsigned long long)(sim_stat("copied_bytes") - bytes), n);
}

static void migrate(void)
{
	uint8_t *buf = pages(N), *out = pages(N), *want = malloc(N);
	uint32_t state = seed;
	struct chan chan;
	struct gpu gpu;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	fill_random(buf, N, &state);
	memcpy(want, buf, N);
	to_device(&gpu, buf, N);
	/* The device sees it there, the CPU gets it back. */
	CHECK(!chan_memcpy(&chan, out, buf, N), "copy");
	CHECK(!memcmp(out, want, N), "the device sees something else");
	CHECK(!memcmp(buf, want, N), "the CPU gets something else back");
	/* Changed on the device, seen by the CPU. */
	CHECK(!gpu_svm_migrate(&gpu, buf, N), "SVM_BIND");
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x5a5a5a5a, N / 4) && !chan_wait(&chan), "fill");
	memset(want, 0x5a, N);
	CHECK(!memcmp(buf, want, N), "the CPU does not see what the device wrote");
	chan_close(&chan);
	gpu_close(&gpu);
}

/* So many pages that the kernel's pushbuffer goes round a few times, there and back. */
static void migrate_many(void)
{
	uint32_t *buf = pages(MANY * 4096);
	struct gpu gpu;
	int i;

	CHECK(!gpu_open(&gpu, node), "no device");
	for (i = 0; i < MANY; i++)
		buf[i * 1024] = i + 1;
	CHECK(!gpu_svm_migrate(&gpu, buf, MANY * 4096), "SVM_BIND");
	for (i = 0; i < MANY; i++)
		DEFECT(buf[i * 1024] == i + 1u, "page %d has come back with %u in it", i,
		       buf[i * 1024]);
	gpu_close(&gpu);
}

/* Of 2 MiB, every word another. */
static uint32_t *huge_words(void)
{
	uint32_t *buf = huge_pages(HUGE, 1), i;

	for (i = 0; i < HUGE / 4; i++)
		buf[i] = i + 1;
	return buf;
}

/* The device's first access to 2 MiB that are one page there is in the middle of it. */
static void migrate_huge(void)
{
	enum { AT = 300 * 1024 };
	uint32_t *buf = huge_words(), *out = pages(4096), i;
	struct chan chan;
	struct gpu gpu;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	to_device(&gpu, buf, HUGE);
	CHECK(!chan_memcpy(&chan, out, buf + AT, 4096), "copy");
	for (i = 0; i < 1024; i++)
		DEFECT(out[i] == AT + i + 1, "the device sees word %#x at %#x", out[i] - 1, AT + i);
	CHECK(!chan_fill(&chan, (uintptr_t)(buf + AT), 0x5a5a5a5a, 1024) && !chan_wait(&chan),
	      "fill");
	for (i = 0; i < HUGE / 4; i++)
		CHECK(buf[i] == (i - AT < 1024 ? 0x5a5a5a5a : i + 1),
		      "word %#x has come back as %#x", i, buf[i]);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* A process that ends with its pages on the device: they are given back. */
static void migrate_exit(void)
{
	const int channels = sim_channels();
	int i, pid;

	for (i = 0; i < 5; i++) {
		pid = child();
		if (!pid) {
			uint8_t *buf = pages(N);
			struct chan chan;
			struct gpu gpu;

			CHECK(!gpu_open(&gpu, node), "no device");
			CHECK(!chan_open(&gpu, &chan), "no channel");
			memset(buf, i + 1, N);
			CHECK(!gpu_svm_migrate(&gpu, buf, N), "SVM_BIND");
			_exit(0);
		}
		CHECK(!reap(pid), "the child");
	}
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
}

/* What the device has mapped already is migrated: it has to go on at the new place. */
static void migrate_mapped(void)
{
	uint8_t *buf = pages(N);
	struct chan chan;
	struct gpu gpu;
	int i;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x11111111, N / 4) && !chan_wait(&chan), "fill");
	CHECK(!gpu_svm_migrate(&gpu, buf, N), "SVM_BIND");
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x22222222, N / 4) && !chan_wait(&chan), "fill");
	for (i = 0; i < N; i++)
		DEFECT(buf[i] == 0x22, "byte %#x: the CPU sees %#x", i, buf[i]);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* Device memory that parent and child share after a fork: copy on write. */
static void migrate_fork(void)
{
	uint8_t *buf = pages(N);
	int pipe_[2], pid, i;
	struct chan chan;
	struct gpu gpu;
	char c = 0;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	CHECK(!gpu_svm_migrate(&gpu, memset(buf, 0, N), N), "SVM_BIND");
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x11111111, N / 4) && !chan_wait(&chan), "fill");
	CHECK(!pipe(pipe_), "pipe");
	pid = child();
	if (!pid) {
		close(pipe_[1]);
		CHECK(read(pipe_[0], &c, 1) == 1, "the parent is gone");
		for (i = 0; i < N; i++)
			CHECK(buf[i] == 0x11, "byte %#x: the child sees %#x", i, buf[i]);
		_exit(0);
	}
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x22222222, N / 4) && !chan_wait(&chan), "fill");
	CHECK(write(pipe_[1], &c, 1) == 1 && reap(pid) == 0, "the child has failed");
	for (i = 0; i < N; i++)
		CHECK(buf[i] == 0x22, "byte %#x: the parent sees %#x", i, buf[i]);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* The child of a process that has migrated and closed the device gets its memory back. */
static void migrate_orphan(void)
{
	uint8_t *buf = pages(N);
	int pipe_[2], pid, i;
	struct gpu gpu;
	char c = 0;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!gpu_svm_migrate(&gpu, memset(buf, 0x11, N), N), "SVM_BIND");
	CHECK(!pipe(pipe_), "pipe");
	pid = child();
	if (!pid) {
		/* Or the device would stay open. */
		close(gpu.fd);
		close(pipe_[1]);
		CHECK(read(pipe_[0], &c, 1) == 1, "the parent is gone");
		for (i = 0; i < N; i++)
			CHECK(buf[i] == 0x11, "byte %#x: the child sees %#x", i, buf[i]);
		_exit(0);
	}
	gpu_close(&gpu);
	CHECK(write(pipe_[1], &c, 1) == 1 && reap(pid) == 0, "the child has failed");
	for (i = 0; i < N; i++)
		CHECK(buf[i] == 0x11, "byte %#x: the parent sees %#x", i, buf[i]);
}

/*
 * The kernel's channels have ended. What is in the process's memory stays there; what is in
 * the device's is out of reach, and nothing else is to be had in its place.
 */
static void migrate_dead(void)
{
	uint8_t *buf = pages(N), *later = pages(N);
	const int channels = sim_channels();
	struct sim_access access = { .type = SIM_READ, .addr = 0x500000000000 };
	struct gpu gpu;
	int id, dead = 0, pid, i;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!gpu_svm_migrate(&gpu, memset(buf, 0x11, N), N), "SVM_BIND");
	for (id = 0; dead < channels; id++) {
		CHECK(id < CHANNELS, "%d channels instead of %d", dead, channels);
		if (!*sim_channel_state(id))
			continue;
		access.chan = id;
		CHECK(!sim_access(&access, 1) && access.error == -EFAULT,
		      "an address that is nowhere: error %d", access.error);
		dead++;
	}
	gpu_svm_migrate(&gpu, memset(later, 0x22, N), N);
	for (i = 0; i < N; i++)
		CHECK(later[i] == 0x22, "byte %#x has become %#x", i, later[i]);
	for (i = 0; i < 2; i++) {
		pid = child();
		if (!pid)
			_exit(buf[N - 1] == 0x11 ? 0 : 1);
		CHECK(reap(pid) == 128 + SIGBUS, "there is something else now");
	}
	gpu_close(&gpu);
	CHECK(!sim_bind(false) && !sim_bind(true), "no new channels");
}

/*
 * The device is unbound while it has pages of a process, which is to have them back: large ones,
 * and of small ones so many that their copies go round the kernel's pushbuffer, in one go.
 */
static void migrate_unbind(void)
{
	int pid, ready[2], go[2];
	uint32_t *buf, *part, *small, i;
	struct gpu gpu;
	char c = 0;

	CHECK(!pipe(ready) && !pipe(go), "pipe");
	pid = child();
	if (!pid) {
		close(go[1]);
		buf = huge_words();
		part = huge_words();
		small = pages(MANY * 4096);
		for (i = 0; i < MANY; i++)
			small[i * 1024] = i + 1;
		CHECK(!gpu_open(&gpu, node), "no device");
		to_device(&gpu, buf, HUGE);
		to_device(&gpu, part, HUGE);
		/* One page on the device still, but many in the process's page table. */
		CHECK(!mprotect(part, 4096, PROT_READ), "mprotect: %s", strerror(errno));
		to_device(&gpu, small, MANY * 4096);
		CHECK(write(ready[1], "r", 1) == 1, "pipe");
		CHECK(read(go[0], &c, 1) == 1, "the parent is gone");
		for (i = 0; i < HUGE / 4; i++)
			CHECK(buf[i] == i + 1 && part[i] == i + 1,
			      "word %#x of 2 MiB has come back as %#x and %#x", i, buf[i], part[i]);
		for (i = 0; i < MANY; i++)
			CHECK(small[i * 1024] == i + 1, "page %u has come back with %u in it", i,
			      small[i * 1024]);
		gpu_close(&gpu);
		_exit(0);
	}
	close(ready[1]);
	close(go[0]);
	CHECK(read(ready[0], &c, 1) == 1, "the child has failed");
	CHECK(!sim_bind(false), "unbind");
	CHECK(write(go[1], "g", 1) == 1 && !reap(pid), "the child has failed");
	CHECK(!sim_bind(true), "bind");
	close(ready[0]);
	close(go[1]);
}

struct moves {
	struct chan *chan;
	struct nouveau_bo *bo;
	volatile unsigned int done;
	volatile bool enough;
	volatile int ret;
};

/* A buffer that goes from the device's memory to the process's and back, again and again. */
static void *move(void *arg)
{
	struct moves *moves = arg;
	struct nouveau_pushbuf_refn ref = { .bo = moves->bo };
	static const uint32_t nop;

	while (!moves->ret && !moves->enough) {
		ref.flags = NOUVEAU_BO_RDWR |
			    (moves->done & 1 ? NOUVEAU_BO_GART : NOUVEAU_BO_VRAM);
		moves->ret = nouveau_pushbuf_refn(moves->chan->push, &ref, 1);
		if (!moves->ret)
			moves->ret = chan_push(moves->chan, &nop, 1);
		moves->done++;
	}
	return NULL;
}

/* Meanwhile pages go there and come back. */
static void migrate_and_move(void)
{
	enum { MOVES = 300 };
	uint32_t *buf = pages(N), i, turn;
	struct chan chan;
	struct moves moves = { .chan = &chan };
	pthread_t thread;
	struct gpu gpu;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	CHECK(!nouveau_bo_new(gpu.dev, NOUVEAU_BO_VRAM | NOUVEAU_BO_GART, 0, N, NULL, &moves.bo),
	      "no buffer");
	CHECK(!pthread_create(&thread, NULL, move, &moves), "no thread");
	for (turn = 1; moves.done < MOVES && !moves.ret; turn++) {
		for (i = 0; i < N / 4; i += 1024)
			buf[i] = turn + i;
		CHECK(!gpu_svm_migrate(&gpu, buf, N), "SVM_BIND");
		for (i = 0; i < N / 4; i += 1024)
			DEFECT(buf[i] == turn + i, "word %#x has come back as %#x", i, buf[i]);
	}
	moves.enough = true;
	CHECK(!pthread_join(thread, NULL) && !moves.ret, "move %u: error %d", moves.done, moves.ret);
	REPORT("%u moves, %u times %u pages", moves.done, turn, N / 4096);
	nouveau_bo_ref(NULL, &moves.bo);
	chan_close(&chan);
	gpu_close(&gpu);
}

static void migrate_nowhere(void)
{
	uint8_t *buf = pages(N);
	struct gpu gpu;
	int ret;

	CHECK(!gpu_open(&gpu, node), "no device");
	ret = gpu_svm_migrate(&gpu, memset(buf, 1, N), N);
	DEFECT(ret < 0, "SVM_BIND to a device without memory: %d", ret);
	CHECK(buf[0] == 1 && buf[N - 1] == 1, "the memory has changed");
	gpu_close(&gpu);
}

const struct scenario vram_scenarios[] = {
	{ "migrate", migrate, "pages go to the device and come back", 60, .vram = true },
	{ "migrate-many", migrate_many, "thousands of pages go to the device and come back", 60,
	  .vram = true, .defect = "loses what was pushed when the end of the ring is near", .since = 703 },
	{ "migrate-huge", migrate_huge, "2 MiB go to the device, which reads in the middle", 60,
	  .vram = true, .huge = true, .since = 703, .defect = "maps the wrong place of a large page" },
	{ "migrate-unbind", migrate_unbind, "the device is unbound with a process's pages on it", 60,
	  .vram = true, .huge = true, .wrecks = true, .defect = CLIENTS },
	{ "migrate-and-move", migrate_and_move, "pages and buffers go to the device and come back", 60,
	  .vram = true, .wrecks = true, .defect = "pushes copies of both to one channel at once" },
	{ "migrate-exit", migrate_exit, "a process ends with its pages on the device", 60,
	  .vram = true },
	{ "migrate-mapped", migrate_mapped, "what the device has mapped is migrated", 60,
	  .vram = true, .since = 703, .defect = "goes on in pages that it has migrated" },
	{ "migrate-fork", migrate_fork, "device memory and copy on write", 15, .vram = true,
	  .defect = "maps a page read-only for a write, and replays that for ever" },
	{ "migrate-orphan", migrate_orphan, "who has migrated is gone, its child reads", 60,
	  .vram = true, .wrecks = true,
	  .defect = "device memory remembers a client that is gone, and the kernel crashes" },
	{ "migrate-dead", migrate_dead, "the kernel's channels have ended", 60,
	  .vram = true, .wrecks = true,
	  .defect = "waits for a fence that there is not, and the kernel crashes" },
	{ "migrate-nowhere", migrate_nowhere, "migration to a device without memory", 30,
	  .no_vram = true, .defect = "warns, and says that it has migrated" },
	{}
};
