// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm faults
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: replayable faults
 * Test category: functionality test
 * Description: Replayable faults on a board whose fault buffer, TLB and interrupts are held, lost
 *	or made small: kinds of access, cancels, and who waits for whom
 *
 * SUBTEST: access-types
 * Description: a read, a write, an atomic access and a prefetch fault once each, and are done
 *
 * SUBTEST: prefetch-hole
 * Description: a prefetch of an address that is not mapped is cancelled
 *
 * SUBTEST: batch
 * Description: many faults at once take few replays
 *
 * SUBTEST: cancel
 * Description: a fault that cannot be resolved ends its channel, and no other
 *
 * SUBTEST: stalled
 * Description: while a channel waits for its fault, another one works
 *
 * SUBTEST: gates
 * Description: a fault, its interrupt and a replay are held, and go on
 *
 * SUBTEST: gate-flush
 * Description: munmap() does not return before the TLB flush is done
 *
 * SUBTEST: replay-dropped
 * Description: an access whose replay is lost goes on with the next one
 *
 * SUBTEST: valid-lost
 * Description: an access whose fault buffer entry never becomes valid faults again
 *
 * SUBTEST: buffer-full
 * Description: a fault buffer of three entries loses no fault
 *
 * SUBTEST: tlb-sizes
 * Description: copies are right with a TLB that is off, small and large
 */
#include "board_scenario.h"
#include "igt_decl.h"
#include "random.h"
#include "svm_options.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

IGT_TEST_DESCRIPTION("Replayable faults of nouveau's shared virtual memory, with a device that "
		     "holds or loses what it should report");

enum { PAGE = 4096, WORDS = PAGE / 4, SEED = 20261130 };

static struct gpu gpu;
static struct chan chan;

static void access_types(void)
{
	static const char * const stat[] = {
		"faults_read", "faults_write", "faults_atomic", "faults_prefetch",
	};
	uint32_t *word = small_pages(4 * PAGE), value[] = { 0, 0x1111, 5, 0 };
	unsigned int type;

	scenario_open(&gpu, &chan);
	word[0] = 0x2222;
	word[2 * WORDS] = 37;
	word[3 * WORDS] = 1;
	for (type = BOARD_READ; type <= BOARD_PREFETCH; type++) {
		const uint64_t before = counted(stat[type]);

		CHILD_CHECK(access_one(&chan, type, word + type * WORDS, &value[type]),
			    "access of type %u is not done", type);
		CHILD_CHECK(counted(stat[type]) == before + 1, "%llu faults are counted in %s",
			    (unsigned long long)(counted(stat[type]) - before), stat[type]);
	}
	CHILD_CHECK(value[BOARD_READ] == 0x2222, "read %#x", value[BOARD_READ]);
	CHILD_CHECK(word[WORDS] == 0x1111, "wrote %#x", word[WORDS]);
	CHILD_CHECK(value[BOARD_ATOMIC] == 37 && word[2 * WORDS] == 42, "37 + 5 is %u",
		    word[2 * WORDS]);
	scenario_close(&gpu, &chan);
}

static void prefetch_hole(void)
{
	uint8_t *hole = small_pages(PAGE);

	munmap(hole, PAGE);
	scenario_open(&gpu, &chan);
	refused_one(&chan, BOARD_PREFETCH, hole, 0, "a prefetch of what is not mapped");
	scenario_close(&gpu, &chan);
}

static void batch(void)
{
	enum { NR = 32 };
	struct board_access access[NR];
	uint32_t *word = small_pages(NR * PAGE);
	uint64_t replays;
	unsigned int i;

	scenario_open(&gpu, &chan);
	for (i = 0; i < NR; i++) {
		word[i * WORDS] = i;
		access[i] = access_of(&chan, BOARD_READ, word + i * WORDS, 0);
	}
	replays = counted("replays");
	accesses(access, NR);
	replays = counted("replays") - replays;
	for (i = 0; i < NR; i++)
		CHILD_CHECK(access[i].state == CONTROL_DONE && access[i].value == i,
			    "access %u: %s, read %u", i, board_access_state(access[i].state),
			    access[i].value);
	CHILD_CHECK(replays < NR, "%llu replays for a batch of %d", (unsigned long long)replays,
		    NR);
	scenario_close(&gpu, &chan);
}

static void cancel(void)
{
	uint8_t *buf = small_pages(2 * PAGE), *hole = small_pages(PAGE);
	uint64_t cancels;
	struct chan other;
	struct gpu gpu2;
	int ret;

	munmap(hole, PAGE);
	scenario_open(&gpu, &chan);
	scenario_open(&gpu2, &other);
	cancels = counted("cancels");
	ret = chan_memcpy(&chan, buf, hole, 100);
	CHILD_CHECK(ret == -EIO, "a copy from nowhere: %s", ret ? strerror(-ret) : "done");
	CHILD_CHECK(counted("cancels") == cancels + 1, "%llu cancels",
		    (unsigned long long)(counted("cancels") - cancels));
	CHILD_CHECK(channel_of(&chan).state == CONTROL_CHAN_DEAD, "the channel %s",
		    board_channel_state(channel_of(&chan).state));
	ret = chan_memcpy(&chan, buf, buf + PAGE, 100);
	CHILD_CHECK(ret == -ENODEV || ret == -EIO, "a copy on a dead channel: %s",
		    ret ? strerror(-ret) : "done");
	buf[PAGE] = 9;
	ret = chan_memcpy(&other, buf, buf + PAGE, 100);
	CHILD_CHECK(!ret && buf[0] == 9, "the other channel: %s, copied %u",
		    ret ? strerror(-ret) : "done", buf[0]);
	scenario_close(&gpu2, &other);
	scenario_close(&gpu, &chan);
}

static void stalled(void)
{
	uint8_t *buf = small_pages(4 * PAGE);
	struct chan other;
	unsigned int i;

	scenario_open(&gpu, &chan);
	scenario_open_channel(&gpu, &other);
	buf[0] = 1;
	/* What the other needs is mapped already. */
	CHILD_CHECK(!chan_memcpy(&other, buf + PAGE, buf, 100), "a copy");

	close_gate("fault");
	copy_begin(&chan, buf + 2 * PAGE, buf + 3 * PAGE, 100);
	wait_gate("fault");
	CHILD_CHECK(channel_of(&chan).state == CONTROL_CHAN_FAULTED, "the channel %s",
		    board_channel_state(channel_of(&chan).state));
	for (i = 0; i < 100; i++)
		CHILD_CHECK(!chan_memcpy(&other, buf + PAGE, buf, 100), "copy %u", i);
	CHILD_CHECK(!chan_done(&chan), "the one that is held is done");
	open_gate("fault");
	CHILD_CHECK(!chan_wait(&chan), "it does not go on");
	chan_close(&other);
	scenario_close(&gpu, &chan);
}

static void gates(void)
{
	static const char * const gate[] = { "fault", "notify", "replay" };
	uint8_t *buf = small_pages(6 * PAGE);
	unsigned int i;

	scenario_open(&gpu, &chan);
	for (i = 0; i < 3; i++) {
		uint8_t *src = buf + 2 * i * PAGE, *dst = src + PAGE;

		src[0] = i + 1;
		close_gate(gate[i]);
		copy_begin(&chan, dst, src, 1);
		wait_gate(gate[i]);
		CHILD_CHECK(!chan_done(&chan), "done although gate %s is closed", gate[i]);
		open_gate(gate[i]);
		CHILD_CHECK(!chan_wait(&chan) && dst[0] == i + 1, "gate %s: it does not go on",
			    gate[i]);
	}
	scenario_close(&gpu, &chan);
}

static void gate_flush(void)
{
	uint8_t *buf = small_pages(2 * PAGE);
	int go[2], done[2];
	pid_t pid;
	char c = 0;

	CHILD_CHECK(!pipe(go) && !pipe(done), "pipe: %s", strerror(errno));
	pid = scenario_child();
	if (!pid) {
		scenario_open(&gpu, &chan);
		CHILD_CHECK(!chan_memcpy(&chan, buf + PAGE, buf, 100), "a copy");
		CHILD_CHECK(write(done[1], &c, 1) == 1 && read(go[0], &c, 1) == 1, "pipe");
		CHILD_CHECK(!munmap(buf, PAGE), "munmap: %s", strerror(errno));
		CHILD_CHECK(write(done[1], &c, 1) == 1, "pipe");
		scenario_close(&gpu, &chan);
		child_exit(0);
	}
	close(done[1]);
	close(go[0]);
	CHILD_CHECK(read(done[0], &c, 1) == 1, "the client has failed");
	close_gate("flush");
	CHILD_CHECK(write(go[1], &c, 1) == 1, "the client has failed");
	wait_gate("flush");
	CHILD_CHECK(!poll(&(struct pollfd) { .fd = done[0], .events = POLLIN }, 1, 0),
		    "munmap() is done before its flush");
	open_gate("flush");
	CHILD_CHECK(read(done[0], &c, 1) == 1 && !scenario_reap(pid), "the client has failed");
}

static void replay_dropped(void)
{
	uint32_t *buf = small_pages(3 * PAGE);
	uint64_t dropped;

	scenario_open(&gpu, &chan);
	buf[0] = 3;
	dropped = counted("replays_dropped");
	set_knob("drop_replays", 1);
	copy_begin(&chan, buf + WORDS, buf, 4);
	WAIT_UNTIL(counted("replays_dropped") != dropped, "a replay is lost");
	CHILD_CHECK(!chan_done(&chan), "done without a replay");
	CHILD_CHECK(channel_of(&chan).state == CONTROL_CHAN_WAITS_REPLAY, "the channel %s",
		    board_channel_state(channel_of(&chan).state));
	/* A replay is of all accesses that wait, whichever fault it is for. */
	CHILD_CHECK(access_one(&chan, BOARD_READ, buf + 2 * WORDS, NULL), "another access");
	CHILD_CHECK(!chan_wait(&chan) && buf[WORDS] == 3, "it does not go on");
	scenario_close(&gpu, &chan);
}

static void valid_lost(void)
{
	uint8_t *buf = small_pages(2 * PAGE);

	scenario_open(&gpu, &chan);
	buf[0] = 3;
	set_knob("drop_valid", 1);
	copy_begin(&chan, buf + PAGE, buf, 1);
	CHILD_CHECK(copy_ended(&chan), "the channel %s",
		    board_channel_state(channel_of(&chan).state));
	CHILD_CHECK(buf[PAGE] == 3, "copied %u", buf[PAGE]);
	scenario_close(&gpu, &chan);
}

static void buffer_full(void)
{
	enum { NR = 24 };
	struct board_access access[NR];
	uint32_t *word = small_pages(NR * PAGE);
	uint64_t put_off;
	unsigned int i;

	scenario_open(&gpu, &chan);
	for (i = 0; i < NR; i++)
		access[i] = access_of(&chan, BOARD_WRITE, word + i * WORDS, i + 1);
	put_off = counted("faults_put_off");
	set_knob("fault_entries", 4);
	accesses(access, NR);
	set_knob("fault_entries", 0);
	for (i = 0; i < NR; i++)
		CHILD_CHECK(access[i].state == CONTROL_DONE && word[i * WORDS] == i + 1,
			    "access %u: %s, wrote %u", i, board_access_state(access[i].state),
			    word[i * WORDS]);
	CHILD_CHECK(counted("faults_put_off") > put_off, "the buffer was never full");
	scenario_close(&gpu, &chan);
}

static void tlb_sizes(void)
{
	static const unsigned int size[] = { 0, 1, 256 };
	enum { SIZE = 64 * PAGE };
	uint8_t *src = small_pages(SIZE), *dst = small_pages(SIZE);
	unsigned int i;

	scenario_open(&gpu, &chan);
	for (i = 0; i < 3; i++) {
		fill_random(src, SIZE, SEED + i);
		set_knob("tlb_size", size[i]);
		CHILD_CHECK(!chan_memcpy(&chan, dst, src, SIZE), "a copy with a TLB of %u",
			    size[i]);
		CHILD_CHECK(!memcmp(dst, src, SIZE), "they differ with a TLB of %u", size[i]);
	}
	scenario_close(&gpu, &chan);
}

static const struct scenario scenario[] = {
	{ "access-types", "A read, a write, an atomic access and a prefetch fault once each, and "
	  "are done", access_types },
	{ "prefetch-hole", "A prefetch of an address that is not mapped is cancelled",
	  prefetch_hole, .kills = true },
	{ "batch", "Many faults at once take few replays", batch },
	{ "cancel", "A fault that cannot be resolved ends its channel, and no other", cancel,
	  .kills = true },
	{ "stalled", "While a channel waits for its fault, another one works", stalled },
	{ "gates", "A fault, its interrupt and a replay are held, and go on", gates },
	{ "gate-flush", "munmap() does not return before the TLB flush is done", gate_flush },
	{ "replay-dropped", "An access whose replay is lost goes on with the next one",
	  replay_dropped },
	{ "valid-lost", "An access whose fault buffer entry never becomes valid faults again",
	  valid_lost },
	{ "buffer-full", "A fault buffer of three entries loses no fault", buffer_full },
	{ "tlb-sizes", "Copies are right with a TLB that is off, small and large", tlb_sizes },
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
