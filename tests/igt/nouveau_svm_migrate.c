// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm migrate
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: device memory
 * Test category: functionality test
 * Description: Pages of a process in device memory: who gets them back, with what in them, when
 *	the device, the process or the kernel's channels end, and beside moves of buffers
 *
 * SUBTEST: there-and-back
 * Description: the device sees pages in its memory, and the CPU gets them back
 *
 * SUBTEST: many
 * Description: thousands of pages go there and come back one by one
 *
 * SUBTEST: huge
 * Description: 2 MiB go there, and the device's first access is in the middle
 *
 * SUBTEST: exit
 * Description: processes end with their pages in device memory
 *
 * SUBTEST: mapped
 * Description: what the device has mapped already is migrated, and it goes on at the new place
 *
 * SUBTEST: fork
 * Description: parent and child share device memory, copied on write
 *
 * SUBTEST: orphan
 * Description: the parent migrates, forks and closes the device; the child then reads the pages
 *
 * SUBTEST: dead-channels
 * Description: the kernel's channels have ended: nothing is lost that was not in device memory
 *
 * SUBTEST: unbind
 * Description: the device is unbound while a process has pages in its memory; they come back
 *
 * SUBTEST: beside-moves
 * Description: pages go there and come back while buffers are moved
 *
 * SUBTEST: full
 * Description: buffers have all of the device's memory, and make room for pages
 */
#include "board_scenario.h"
#include "igt_decl.h"
#include "random.h"
#include "svm_options.h"

#include <errno.h>
#include <nouveau/nouveau.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

IGT_TEST_DESCRIPTION("Pages of a process in the memory of nouveau's device, and how they get back");

enum { PAGE = 4096, WORDS = PAGE / 4, HUGE = SCENARIO_HUGE, SEED = 20261130 };
enum { N = 64 * PAGE, MANY = 4096 };

static struct gpu gpu;
static struct chan chan;

static void bind_vram(void *buf, size_t n)
{
	const int ret = gpu_svm_migrate(&gpu, buf, n);

	CHILD_CHECK(!ret, "SVM_BIND: %s", strerror(-ret));
}

/*
 * Migrate, and see that all of it was copied: SVM_BIND leaves out what somebody else has a
 * reference to for a moment.
 */
static void to_device(void *buf, size_t n)
{
	const uint64_t bytes = counted("copied_bytes");
	unsigned int tries;

	for (tries = 0; tries < 10 && counted("copied_bytes") < bytes + n; tries++)
		bind_vram(buf, n);
	CHILD_CHECK(counted("copied_bytes") >= bytes + n,
		    "%llu bytes of %zu were copied to the device",
		    (unsigned long long)(counted("copied_bytes") - bytes), n);
}

static void fill(void *p, uint32_t value, size_t n)
{
	CHILD_CHECK(!chan_fill(&chan, (uintptr_t)p, value, n / 4) && !chan_wait(&chan), "a fill");
}

static void all_are(const uint8_t *buf, size_t n, uint8_t byte, const char *who)
{
	size_t i;

	for (i = 0; i < n; i++)
		CHILD_CHECK(buf[i] == byte, "byte %#zx: %s sees %#x", i, who, buf[i]);
}

static void there_and_back(void)
{
	uint8_t *buf = small_pages(N), *out = small_pages(N), *want = small_pages(N);

	scenario_open(&gpu, &chan);
	fill_random(buf, N, SEED);
	memcpy(want, buf, N);
	to_device(buf, N);
	CHILD_CHECK(!chan_memcpy(&chan, out, buf, N), "a copy");
	CHILD_CHECK(!memcmp(out, want, N), "the device sees something else");
	CHILD_CHECK(!memcmp(buf, want, N), "the CPU gets something else back");
	/* Changed on the device, seen by the CPU. */
	bind_vram(buf, N);
	fill(buf, 0x5a5a5a5a, N);
	all_are(buf, N, 0x5a, "the CPU");
	scenario_close(&gpu, &chan);
}

/* So many pages that the kernel's pushbuffer wraps a few times, in both directions. */
static void many(void)
{
	uint32_t *buf = small_pages(MANY * PAGE), i;

	scenario_open_client(&gpu, scenario_node());
	for (i = 0; i < MANY; i++)
		buf[i * WORDS] = i + 1;
	bind_vram(buf, MANY * PAGE);
	for (i = 0; i < MANY; i++)
		CHILD_CHECK(buf[i * WORDS] == i + 1, "page %u has come back with %u in it", i,
			    buf[i * WORDS]);
	gpu_close(&gpu);
}

/* 2 MiB in which every word differs. */
static uint32_t *huge_words(void)
{
	uint32_t *buf = huge_pages(HUGE, 1), i;

	for (i = 0; i < HUGE / 4; i++)
		buf[i] = i + 1;
	return buf;
}

static void huge(void)
{
	enum { AT = 300 * WORDS };
	uint32_t *buf = huge_words(), *out = small_pages(PAGE), i;

	scenario_open(&gpu, &chan);
	to_device(buf, HUGE);
	CHILD_CHECK(!chan_memcpy(&chan, out, buf + AT, PAGE), "a copy");
	for (i = 0; i < WORDS; i++)
		CHILD_CHECK(out[i] == AT + i + 1, "the device sees word %#x at %#x", out[i] - 1,
			    AT + i);
	fill(buf + AT, 0x5a5a5a5a, PAGE);
	for (i = 0; i < HUGE / 4; i++)
		CHILD_CHECK(buf[i] == (i - AT < WORDS ? 0x5a5a5a5a : i + 1),
			    "word %#x has come back as %#x", i, buf[i]);
	scenario_close(&gpu, &chan);
}

static void exits(void)
{
	unsigned int i;
	pid_t pid;
	int ret;

	for (i = 0; i < 5; i++) {
		pid = scenario_child();
		if (!pid) {
			uint8_t *buf = memset(small_pages(N), i + 1, N);

			scenario_open(&gpu, &chan);
			to_device(buf, N);
			child_exit(0);
		}
		ret = scenario_reap(pid);
		CHILD_CHECK(!ret, "the client's status is %d", ret);
	}
}

static void mapped(void)
{
	uint8_t *buf = small_pages(N);

	scenario_open(&gpu, &chan);
	fill(buf, 0x11111111, N);
	to_device(buf, N);
	fill(buf, 0x22222222, N);
	all_are(buf, N, 0x22, "the CPU");
	scenario_close(&gpu, &chan);
}

/* A child that looks at memory which it shares with us, when it is told to. */
struct looker {
	pid_t pid;
	int go;
};

static struct looker looks_later(const uint8_t *buf, bool has_file)
{
	struct looker looker;
	int go[2];
	char c;

	CHILD_CHECK(!pipe(go), "pipe: %s", strerror(errno));
	looker.pid = scenario_child();
	looker.go = go[1];
	if (!looker.pid) {
		/* Or the device would stay open. */
		if (!has_file)
			close(gpu.fd);
		close(go[1]);
		CHILD_CHECK(read(go[0], &c, 1) == 1, "the parent is gone");
		all_are(buf, N, 0x11, "the child");
		child_exit(0);
	}
	close(go[0]);
	return looker;
}

static void look_now(const struct looker *looker)
{
	CHILD_CHECK(write(looker->go, "l", 1) == 1 && !scenario_reap(looker->pid),
		    "the child has failed");
}

static void forks(void)
{
	/* Pages that nobody has written would be cleared on the device, not copied. */
	uint8_t *buf = memset(small_pages(N), 0, N);
	struct looker looker;

	scenario_open(&gpu, &chan);
	to_device(buf, N);
	fill(buf, 0x11111111, N);
	looker = looks_later(buf, true);
	fill(buf, 0x22222222, N);
	look_now(&looker);
	all_are(buf, N, 0x22, "the parent");
	scenario_close(&gpu, &chan);
}

static void orphan(void)
{
	uint8_t *buf = memset(small_pages(N), 0x11, N);
	struct looker looker;

	scenario_open_client(&gpu, scenario_node());
	to_device(buf, N);
	looker = looks_later(buf, false);
	gpu_close(&gpu);
	look_now(&looker);
	all_are(buf, N, 0x11, "the parent");
}

/*
 * Pages in system memory stay there. Pages in device memory cannot be copied back: who reads one
 * gets SIGBUS, and nothing else in its place.
 */
static void dead_channels(void)
{
	uint8_t *buf = memset(small_pages(N), 0x11, N), *later = small_pages(N);
	const unsigned int channels = channels_now();
	struct chan kernels = { .id = 0 };
	unsigned int dead = 0, i;
	pid_t pid;
	int ret;

	scenario_open_client(&gpu, scenario_node());
	to_device(buf, N);
	for (; dead < channels; kernels.id++) {
		CHILD_CHECK(kernels.id < 1024, "%u channels instead of %u", dead, channels);
		if (channel_of(&kernels).state == CONTROL_CHAN_NONE)
			continue;
		refused_one(&kernels, BOARD_READ, (void *)0x500000000000, 0,
			    "a read of an address that is nowhere");
		dead++;
	}
	/* It may fail or not, but no data may be lost. */
	gpu_svm_migrate(&gpu, memset(later, 0x22, N), N);
	all_are(later, N, 0x22, "the CPU");
	for (i = 0; i < 2; i++) {
		pid = scenario_child();
		if (!pid) {
			/* Not IGT's handler, which reports a crash. */
			signal(SIGBUS, SIG_DFL);
			child_exit(buf[N - 1] == 0x11 ? 0 : 1);
		}
		ret = scenario_reap(pid);
		CHILD_CHECK(ret == 128 + SIGBUS, "a page in device memory was read: status %d",
			    ret);
	}
	gpu_close(&gpu);
	/* Binding makes new channels. */
	scenario_bind(false);
	scenario_bind(true);
}

/* Large pages, and so many small ones that their copies wrap the kernel's pushbuffer. */
static void gets_back(int ready, int go)
{
	uint32_t *buf = huge_words(), *part = huge_words(), *small = small_pages(MANY * PAGE), i;
	char c;

	for (i = 0; i < MANY; i++)
		small[i * WORDS] = i + 1;
	scenario_open_client(&gpu, scenario_node());
	to_device(buf, HUGE);
	to_device(part, HUGE);
	/* One page on the device still, but many in the process's page table. */
	CHILD_CHECK(!mprotect(part, PAGE, PROT_READ), "mprotect: %s", strerror(errno));
	to_device(small, MANY * PAGE);
	CHILD_CHECK(write(ready, "r", 1) == 1, "pipe");
	CHILD_CHECK(read(go, &c, 1) == 1, "the parent is gone");
	for (i = 0; i < HUGE / 4; i++)
		CHILD_CHECK(buf[i] == i + 1 && part[i] == i + 1,
			    "word %#x of 2 MiB has come back as %#x and %#x", i, buf[i], part[i]);
	for (i = 0; i < MANY; i++)
		CHILD_CHECK(small[i * WORDS] == i + 1, "page %u has come back with %u in it", i,
			    small[i * WORDS]);
	gpu_close(&gpu);
	child_exit(0);
}

static void unbind(void)
{
	int ready[2], go[2];
	pid_t pid;
	char c;

	CHILD_CHECK(!pipe(ready) && !pipe(go), "pipe: %s", strerror(errno));
	pid = scenario_child();
	if (!pid) {
		close(go[1]);
		gets_back(ready[1], go[0]);
	}
	close(ready[1]);
	close(go[0]);
	CHILD_CHECK(read(ready[0], &c, 1) == 1, "the client has failed");
	scenario_bind(false);
	CHILD_CHECK(write(go[1], "g", 1) == 1 && !scenario_reap(pid), "the client has failed");
	scenario_bind(true);
}

struct moves {
	struct nouveau_bo *bo;
	_Atomic unsigned int done;
	_Atomic bool enough;
	_Atomic int ret;
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
		moves->ret = nouveau_pushbuf_refn(chan.push, &ref, 1);
		if (!moves->ret)
			moves->ret = chan_push(&chan, &nop, 1);
		moves->done++;
	}
	return NULL;
}

static void beside_moves(void)
{
	enum { MOVES = 300 };
	uint32_t *buf = small_pages(N), i, turn;
	struct moves moves = { .done = 0 };
	pthread_t thread;

	scenario_open(&gpu, &chan);
	CHILD_CHECK(!nouveau_bo_new(gpu.dev, NOUVEAU_BO_VRAM | NOUVEAU_BO_GART, 0, N, NULL,
				    &moves.bo), "a buffer");
	CHILD_CHECK(!pthread_create(&thread, NULL, move, &moves), "a thread");
	for (turn = 1; moves.done < MOVES && !moves.ret; turn++) {
		for (i = 0; i < N / 4; i += WORDS)
			buf[i] = turn + i;
		bind_vram(buf, N);
		for (i = 0; i < N / 4; i += WORDS)
			CHILD_CHECK(buf[i] == turn + i, "word %#x has come back as %#x", i, buf[i]);
	}
	moves.enough = true;
	CHILD_CHECK(!pthread_join(thread, NULL) && !moves.ret, "move %u: %s", moves.done,
		    strerror(-moves.ret));
	printf("%u moves, %u times %u pages\n", moves.done, turn, N / PAGE);
	nouveau_bo_ref(NULL, &moves.bo);
	scenario_close(&gpu, &chan);
}

/* Migrate, and see in pagemap that all of it has gone: other copies are counted as well. */
static void all_to_device(void *buf, size_t n, const char *what)
{
	const int there = gpu_svm_migrate_until(gpu.fd, buf, n, n / PAGE);

	CHILD_CHECK(there >= 0, "%s: SVM_BIND: %s", what, strerror(-there));
	CHILD_CHECK(there == (int)(n / PAGE), "%s: %d of %zu pages have gone to the device", what,
		    there, n / PAGE);
}

/*
 * Buffers have all of the device's memory, and TTM evicts some to make room for pages. nouveau
 * takes 256 MiB for small pages and 256 MiB for huge ones (7.3), or 2 MiB at a time.
 */
static void full(void)
{
	enum { SIZE = 64 << 20, MOST = 64, MARK = 0x5a000000 };
	struct nouveau_bo *bo[MOST] = {};
	uint8_t *small = small_pages(N), *out = small_pages(N), *large;
	unsigned int nr, i;

	/* After it has been bound, nouveau has taken no memory for pages yet. */
	scenario_bind(false);
	scenario_bind(true);
	scenario_open(&gpu, &chan);
	large = huge_pages(HUGE, 7);
	nr = gpu.dev->vram_size / SIZE;
	CHILD_CHECK(nr >= 4 && nr <= MOST, "a device with %llu MiB",
		    (unsigned long long)gpu.dev->vram_size >> 20);
	for (i = 0; i < nr; i++) {
		CHILD_CHECK(!nouveau_bo_new(gpu.dev, NOUVEAU_BO_VRAM | NOUVEAU_BO_MAP, 0, SIZE,
					    NULL, &bo[i]) &&
			    !nouveau_bo_map(bo[i], NOUVEAU_BO_WR, gpu.client), "buffer %u of %u", i,
			    nr);
		*(volatile uint32_t *)bo[i]->map = MARK + i;
	}
	fill_random(small, N, SEED);
	memcpy(out, small, N);
	all_to_device(small, N, "small pages");
	all_to_device(large, HUGE, "a huge page");
	CHILD_CHECK(!memcmp(small, out, N), "the CPU gets something else back");
	all_are(large, HUGE, 7, "the CPU");
	for (i = 0; i < nr; i++) {
		CHILD_CHECK(!nouveau_bo_wait(bo[i], NOUVEAU_BO_RD, gpu.client), "buffer %u", i);
		CHILD_CHECK(*(volatile uint32_t *)bo[i]->map == MARK + i, "buffer %u has %#x", i,
			    *(volatile uint32_t *)bo[i]->map);
		nouveau_bo_ref(NULL, &bo[i]);
	}
	scenario_close(&gpu, &chan);
}

static const struct scenario scenario[] = {
	{ "there-and-back", "The device sees pages in its memory, and the CPU gets them back",
	  there_and_back },
	{ "many", "Thousands of pages go there and come back one by one", many },
	{ "huge", "2 MiB go there, and the device's first access is in the middle", huge,
	  .huge = true },
	{ "exit", "Processes end with their pages in device memory", exits },
	{ "mapped", "What the device has mapped already is migrated, and it goes on at the new "
	  "place", mapped },
	{ "fork", "Parent and child share device memory, copied on write", forks },
	{ "orphan", "The parent migrates, forks and closes the device; the child then reads the "
	  "pages", orphan },
	{ "dead-channels", "The kernel's channels have ended: nothing is lost that was not in "
	  "device memory", dead_channels, .kills = true, .unbinds = true },
	{ "unbind", "The device is unbound while a process has pages in its memory; they come back",
	  unbind, .huge = true, .unbinds = true },
	{ "beside-moves", "Pages go there and come back while buffers are moved", beside_moves },
	{ "full", "Buffers have all of the device's memory, and make room for pages", full,
	  .huge = true, .unbinds = true },
};

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		scenario_require_board();
		igt_info("Seed %d\n", SEED);
	}

	scenario_subtests(scenario, sizeof(scenario) / sizeof(*scenario));

	igt_fixture()
		child_kill_all(SVM_WAIT_MS);
}
