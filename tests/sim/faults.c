// SPDX-License-Identifier: MIT
/* Replayable faults: kinds of access, gates, cancel, a full buffer, who is held up. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

static struct gpu gpu;
static struct chan chan;

static void begin(void)
{
	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
}

static void end(void)
{
	chan_close(&chan);
	gpu_close(&gpu);
}

static void access_types(void)
{
	uint32_t *word = pages(4 * 4096);
	struct sim_access a[] = {
		{ chan.id, SIM_READ, (uintptr_t)word, 0, 1 },
		{ chan.id, SIM_WRITE, (uintptr_t)word + 4096, 0x1111, 1 },
		{ chan.id, SIM_ATOMIC, (uintptr_t)word + 2 * 4096, 5, 1 },
		{ chan.id, SIM_PREFETCH, (uintptr_t)word + 3 * 4096, 0, 1 },
	};
	static const char * const stat[] = { "faults_read", "faults_write", "faults_atomic",
					     "faults_prefetch" };
	uint64_t before;
	int i, ret;

	begin();
	word[0] = 0x2222;
	word[2 * 1024] = 37;
	word[3 * 1024] = 1;
	/* One at a time: what several at once come to is another scenario. */
	for (i = 0; i < 4; i++) {
		a[i].chan = chan.id;
		before = sim_stat(stat[i]);
		ret = sim_access(&a[i], 1);
		CHECK(!ret && !a[i].error, "access %d: error %d, %d", i, ret, a[i].error);
		CHECK(sim_stat(stat[i]) > before, "no fault counted in %s", stat[i]);
	}
	CHECK(a[0].value == 0x2222, "read %#x", a[0].value);
	CHECK(word[1024] == 0x1111, "wrote %#x", word[1024]);
	CHECK(a[2].value == 37 && word[2 * 1024] == 42, "37 + 5 is %u", word[2 * 1024]);
	end();
}

/* What the access file cannot do as a whole is refused as a whole. */
static void access_refused(void)
{
	enum { LINES = 64, BYTES = 8192 };
	uint32_t *word = pages(4096);
	struct sim_access a[LINES + 1];
	char text[BYTES + 2] = "";
	int i, ret;

	begin();
	for (i = 0; i <= LINES; i++)
		a[i] = (struct sim_access) { chan.id, SIM_WRITE, (uintptr_t)word, 1, 0 };
	ret = sim_access(a, LINES + 1);
	CHECK(ret == -E2BIG, "%d lines: %d", LINES + 1, ret);
	snprintf(text, sizeof(text), "%d jump %p 1\n", chan.id, (void *)word);
	ret = sim_access_text(text);
	CHECK(ret == -EINVAL, "no kind of access: %d", ret);
	snprintf(text, sizeof(text), "%d write %p 1\n-1 write %p 1\n", chan.id, (void *)word,
		 (void *)word);
	ret = sim_access_text(text);
	CHECK(ret == -ENOENT, "no channel: %d", ret);
	/* A line, and empty ones. */
	i = snprintf(text, sizeof(text), "%d write %p 1\n", chan.id, (void *)word);
	memset(text + i, '\n', BYTES + 1 - i);
	ret = sim_access_text(text);
	CHECK(ret == -E2BIG, "%d bytes: %d", BYTES + 1, ret);
	CHECK(!*word, "something of it was done");
	text[BYTES] = 0;
	ret = sim_access_text(text);
	CHECK(!ret && *word == 1, "%d bytes: %d", BYTES, ret);
	end();
}

/* Prefetch of what is not there is answered, and nothing happens. */
static void prefetch_hole(void)
{
	uint8_t *hole = pages(4096);
	struct sim_access a;
	int ret;

	munmap(hole, 4096);
	begin();
	a = (struct sim_access) { chan.id, SIM_PREFETCH, (uintptr_t)hole, 0, 0 };
	ret = sim_access(&a, 1);
	/* nouveau cancels it, as it does any fault that it cannot resolve. */
	CHECK(!ret && a.error == -EFAULT, "error %d, %d", ret, a.error);
	end();
}

static void batch(void)
{
	enum { NR = 32 };
	struct sim_access a[NR];
	uint32_t *word = pages(NR * 4096);
	uint64_t replays;
	int i, ret;

	begin();
	for (i = 0; i < NR; i++) {
		word[i * 1024] = i;
		a[i] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)word + i * 4096, 0, 1 };
	}
	replays = sim_stat("replays");
	ret = sim_access(a, NR);
	CHECK(!ret, "error %d", ret);
	for (i = 0; i < NR; i++)
		CHECK(!a[i].error && a[i].value == (uint32_t)i, "access %d: error %d, value %u", i,
		      a[i].error, a[i].value);
	replays = sim_stat("replays") - replays;
	CHECK(replays < NR, "%llu replays for a batch of %d", (unsigned long long)replays, NR);
	end();
}

static void cancel(void)
{
	uint8_t *buf = pages(8192), *hole = pages(4096);
	const uint64_t cancels = sim_stat("cancels");
	struct chan other;
	struct gpu gpu2;
	int ret;

	munmap(hole, 4096);
	begin();
	CHECK(!gpu_open(&gpu2, node) && !chan_open(&gpu2, &other), "no second client");
	ret = chan_memcpy(&chan, buf, hole, 100);
	CHECK(ret == -EIO, "a copy from nowhere: %d", ret);
	CHECK(sim_stat("cancels") == cancels + 1, "no cancel");
	CHECK(!strcmp(sim_channel_state(chan.id), "dead"), "the channel is \"%s\"",
	      sim_channel_state(chan.id));
	ret = chan_memcpy(&chan, buf, buf + 4096, 100);
	CHECK(ret == -ENODEV || ret == -EIO, "a copy on a dead channel: %d", ret);
	buf[4096] = 9;
	ret = chan_memcpy(&other, buf, buf + 4096, 100);
	CHECK(!ret && buf[0] == 9, "the other channel has suffered: %d, %d", ret, buf[0]);
	chan_close(&other);
	gpu_close(&gpu2);
	end();
}

/* While one channel waits for its fault, another works. */
static void stalled(void)
{
	uint8_t *buf = pages(4 * 4096);
	struct chan other;
	int i;

	begin();
	CHECK(!chan_open(&gpu, &other), "no second channel");
	buf[0] = 1;
	/* What the other needs is mapped already. */
	CHECK(!chan_memcpy(&other, buf + 4096, buf, 100), "copy");

	sim_gate("fault", true);
	CHECK(!chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)buf + 2 * 4096,
			 .src = (uintptr_t)buf + 3 * 4096, .length = 100, .lines = 1 }), "copy");
	CHECK(sim_gate_holds("fault", 1), "no fault is held");
	CHECK(!strcmp(sim_channel_state(chan.id), "faulted"), "the channel is \"%s\"",
	      sim_channel_state(chan.id));
	for (i = 0; i < 100; i++)
		CHECK(!chan_memcpy(&other, buf + 4096, buf, 100), "copy %d", i);
	CHECK(!chan_done(&chan), "the held one is done");
	sim_gate("fault", false);
	CHECK(!chan_wait(&chan), "it does not go on");
	chan_close(&other);
	end();
}

/* Every gate: what is held there goes on when it opens. */
static void gates(void)
{
	static const char * const gate[] = { "fault", "notify", "replay" };
	uint8_t *buf = pages(16 * 4096);
	int i;

	begin();
	for (i = 0; i < 3; i++) {
		uint8_t *src = buf + 2 * i * 4096, *dst = src + 4096;

		src[0] = i + 1;
		sim_gate(gate[i], true);
		CHECK(!chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)dst,
				 .src = (uintptr_t)src, .length = 1, .lines = 1 }), "copy");
		CHECK(sim_gate_holds(gate[i], 1), "nothing is held at %s", gate[i]);
		CHECK(!chan_done(&chan), "done although %s is closed", gate[i]);
		sim_gate(gate[i], false);
		CHECK(!chan_wait(&chan) && dst[0] == i + 1, "%s: it does not go on", gate[i]);
	}
	end();
}

/* An invalidation waits for the TLB flush: munmap() does not return before. */
static void gate_flush(void)
{
	uint8_t *buf = pages(2 * 4096);
	int pid, go[2], done[2];
	char c = 0;

	CHECK(!pipe(go) && !pipe(done), "pipe");
	pid = child();
	if (!pid) {
		begin();
		CHECK(!chan_memcpy(&chan, buf + 4096, buf, 100), "copy");
		CHECK(write(done[1], &c, 1) == 1 && read(go[0], &c, 1) == 1, "pipe");
		CHECK(!munmap(buf, 4096), "munmap");
		CHECK(write(done[1], &c, 1) == 1, "pipe");
		end();
		fflush(stdout);
		_exit(0);
	}
	close(done[1]);
	close(go[0]);
	CHECK(read(done[0], &c, 1) == 1, "the child has failed");
	sim_gate("flush", true);
	CHECK(write(go[1], &c, 1) == 1, "the child has failed");
	CHECK(sim_gate_holds("flush", 1), "no flush is held");
	CHECK(poll(&(struct pollfd) { .fd = done[0], .events = POLLIN }, 1, 0) == 0,
	      "unmapped before the flush");
	sim_gate("flush", false);
	CHECK(read(done[0], &c, 1) == 1 && reap(pid) == 0, "the child has failed");
}

static void replay_dropped(void)
{
	const uint64_t dropped = sim_stat("replays_dropped");
	uint8_t *buf = pages(2 * 4096);

	begin();
	buf[0] = 3;
	sim_knob("drop_replays", 1);
	CHECK(!chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)buf + 4096,
			 .src = (uintptr_t)buf, .length = 1, .lines = 1 }), "copy");
	/* The next replay, of whatever fault, wakes it. */
	while (sim_stat("replays_dropped") == dropped)
		usleep(1000);
	CHECK(!chan_done(&chan), "done without a replay");
	CHECK(!strcmp(sim_channel_state(chan.id), "waits-for-replay"), "the channel is \"%s\"",
	      sim_channel_state(chan.id));
	CHECK(!sim_access(&(struct sim_access) { chan.id, SIM_READ, (uintptr_t)pages(4096), 0, 0 },
			  1), "another access");
	CHECK(!chan_wait(&chan) && buf[4096] == 3, "it does not go on");
	end();
}

/* An entry of the fault buffer does not become valid: its access is not forgotten. */
static void valid_lost(void)
{
	uint8_t *buf = pages(2 * 4096);

	begin();
	buf[0] = 3;
	sim_knob("drop_valid", 1);
	CHECK(!chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)buf + 4096,
			 .src = (uintptr_t)buf, .length = 1, .lines = 1 }), "copy");
	DEFECT(chan_done_in_time(&chan), "the channel is \"%s\"", sim_channel_state(chan.id));
	CHECK(buf[4096] == 3, "copied %u", buf[4096]);
	end();
}

/* A fault buffer with room for three, and many faults at once. */
static void buffer_full(void)
{
	enum { NR = 24 };
	struct sim_access a[NR];
	uint32_t *word = pages(NR * 4096);
	const uint64_t put_off = sim_stat("faults_put_off");
	int i, ret;

	begin();
	for (i = 0; i < NR; i++)
		a[i] = (struct sim_access) { chan.id, SIM_WRITE, (uintptr_t)word + i * 4096,
					     i + 1, 1 };
	sim_knob("fault_entries", 4);
	ret = sim_access(a, NR);
	sim_knob("fault_entries", 0);
	CHECK(!ret, "error %d", ret);
	for (i = 0; i < NR; i++)
		CHECK(!a[i].error && word[i * 1024] == (uint32_t)i + 1, "access %d: error %d", i,
		      a[i].error);
	CHECK(sim_stat("faults_put_off") > put_off, "the buffer was never full");
	end();
}

/* The same with a TLB that is off, and with one that is large. */
static void tlb_sizes(void)
{
	static const unsigned int size[] = { 0, 1, 256 };
	uint8_t *src = pages(64 * 4096), *dst = pages(64 * 4096);
	uint32_t state = seed;
	unsigned int i;

	begin();
	for (i = 0; i < 3; i++) {
		fill_random(src, 64 * 4096, &state);
		sim_knob("tlb_size", size[i]);
		CHECK(!chan_memcpy(&chan, dst, src, 64 * 4096), "copy");
		CHECK(!memcmp(dst, src, 64 * 4096), "they differ with a TLB of %u", size[i]);
	}
	sim_knob("tlb_size", 64);
	end();
}

const struct scenario fault_scenarios[] = {
	{ "access-types", access_types, "read, write, atomic, prefetch", 30 },
	{ "access-refused", access_refused, "accesses by hand that do not fit are refused", 30 },
	{ "prefetch-hole", prefetch_hole, "prefetch of an address that is not mapped", 5,
	  .defect = "replays an access that it mapped nothing for, for ever" },
	{ "batch", batch, "many faults and one interrupt", 30 },
	{ "cancel", cancel, "a fault that cannot be resolved ends its channel only", 30 },
	{ "stalled", stalled, "a stalled channel holds up nobody", 60 },
	{ "gates", gates, "a fault, its interrupt, a replay can be held", 90 },
	{ "gate-flush", gate_flush, "an unmapping waits for the flush", 60 },
	{ "replay-dropped", replay_dropped, "without its replay an access waits", 60 },
	{ "valid-lost", valid_lost, "an access whose fault entry is lost faults again", 60,
	  .defect = "drops an entry that is not valid yet, after GET has moved" },
	{ "buffer-full", buffer_full, "a full fault buffer loses nothing", 60 },
	{ "tlb-sizes", tlb_sizes, "the TLB's size makes no difference", 60 },
	{}
};
