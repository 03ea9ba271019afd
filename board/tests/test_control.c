// SPDX-License-Identifier: MIT
/* The control function, as a program in the guest sees it: the register map of control_abi.h. */
#include "../control.h"
#include "rig.h"

#define MISSING		(RIG_VA + 8 * PAGE_SIZE)
#define ACCESS(nr, at)	(CONTROL_ACCESS_BASE + (nr) * CONTROL_ACCESS_SIZE + (at))
#define CHAN(nr, at)	(CONTROL_CHAN_BASE + (nr) * CONTROL_CHAN_SIZE + (at))

static struct control control;

static int setup(void **state)
{
	struct rig *rig;

	if (rig_setup(state))
		return -1;
	rig = *state;
	control_init(&control, rig->gpu, 0x1234);
	rig_start(rig);
	return 0;
}

static uint32_t get(uint32_t addr)
{
	uint32_t value = 0x55;

	control_read(&control, 0, addr, &value, 4);
	return value;
}

static uint64_t get64(uint32_t addr)
{
	const uint32_t low = get(addr);

	return (uint64_t)get(addr + 4) << 32 | low;
}

static void set(uint32_t addr, uint32_t value)
{
	control_write(&control, 0, addr, &value, 4);
}

static void set64(uint32_t addr, uint64_t value)
{
	set(addr, value);
	set(addr + 4, value >> 32);
}

static void identity(void **state)
{
	uint32_t value;

	(void)state;
	/* "NBRD", read byte by byte. */
	assert_int_equal(get(0x0000), 'N' | 'B' << 8 | 'R' << 16 | 'D' << 24);
	assert_int_equal(get(0x0004), CONTROL_VERSION);
	assert_int_equal(get(0x0008), 0x1234);
	assert_int_equal(get(0x000c), STATS);
	assert_int_equal(get(0x0010), KNOBS);
	assert_int_equal(get(0x0014), GATES);
	assert_int_equal(get(0x0018), FIFO_CHANNELS);
	assert_int_equal(get(0x001c), CONTROL_ORACLE_OFF);
	/* Configuration space: nobody's device, of a class that no driver claims. */
	control_read(&control, GPU_CONFIG, 0, &value, 4);
	assert_int_equal(value, CONTROL_DEVICE << 16 | CONTROL_VENDOR);
	control_read(&control, GPU_CONFIG, 8, &value, 4);
	assert_int_equal(value >> 8, 0xff0000);
	/* Read only, not there, another region. */
	set(0x0000, 0);
	assert_int_equal(get(0x0000), CONTROL_MAGIC);
	assert_int_equal(get(0xfffc), 0);
	assert_int_equal(get(0x0100), 0);
	control_read(&control, 1, 0, &value, 4);
	assert_int_equal(value, 0);
	value = 1;
	control_write(&control, 1, CONTROL_GATE_BASE, &value, 4);
	assert_int_equal(get(CONTROL_GATE_BASE), 0);
}

/* Registers have 32 bits: reads of any part of them, writes of the whole. */
static void sizes(void **state)
{
	uint8_t bytes[8];
	uint32_t words[2] = { 1, 0 };

	(void)state;
	control_read(&control, 0, 1, bytes, 5);
	assert_memory_equal(bytes, "BRD", 3);
	assert_int_equal(bytes[3], CONTROL_VERSION);
	assert_int_equal(bytes[4], 0);
	control_write(&control, 0, CONTROL_GATE_BASE, words, 2);
	control_write(&control, 0, CONTROL_GATE_BASE + 1, words, 4);
	control_write(&control, 0, CONTROL_GATE_BASE + 2, words, 4);
	assert_int_equal(get(CONTROL_GATE_BASE), 0);
	control_write(&control, 0, CONTROL_GATE_BASE, words, 8);
	assert_int_equal(get(CONTROL_GATE_BASE), 1);
}

static void name(uint32_t kind, uint32_t index, char text[33])
{
	memset(text, 0, 33);
	set(CONTROL_REG_NAME_SELECT, kind << 16 | index);
	for (uint32_t i = 0; i < 32; i += 4) {
		const uint32_t part = get(CONTROL_REG_NAME + i);

		memcpy(text + i, &part, 4);
	}
}

static void names(void **state)
{
	char text[33];

	(void)state;
	name(CONTROL_STAT, STAT_replays, text);
	assert_string_equal(text, "replays");
	name(CONTROL_KNOB, 0, text);
	assert_string_equal(text, "tlb_size");
	name(CONTROL_GATE, GATE_notify, text);
	assert_string_equal(text, "notify");
	name(CONTROL_EVENT, EVENT_fault, text);
	assert_string_equal(text, "fault");
	/* All there are have one, and those that there are not have none. */
	static const uint32_t count[] = { STATS, KNOBS, GATES, EVENT_KINDS };

	for (uint32_t kind = 0; kind < 4; kind++) {
		for (uint32_t i = 0; i < count[kind]; i++) {
			name(kind, i, text);
			assert_true(strlen(text) > 0 && strlen(text) < 32);
		}
		name(kind, count[kind], text);
		assert_string_equal(text, "");
		name(kind, 0xffff, text);
		assert_string_equal(text, "");
	}
	name(4, 0, text);
	assert_string_equal(text, "");
}

static void knobs_and_gates(void **state)
{
	struct rig *rig = *state;
	const uint32_t strict = CONTROL_KNOB_BASE + 8 * KNOB_strict;
	const uint32_t replay = CONTROL_GATE_BASE + 8 * GATE_replay;

	assert_int_equal(get64(CONTROL_KNOB_BASE + 8 * KNOB_bus_bits), 47);
	set(strict, 1);
	assert_int_equal(get64(strict), 1);
	assert_int_equal(rig->gpu->knobs.value[KNOB_strict], 1);
	/* Too large: it stays as it is. The upper half sets nothing. */
	set(strict, 2);
	set(strict + 4, 5);
	assert_int_equal(get64(strict), 1);
	set(CONTROL_KNOB_BASE + 8 * KNOBS, 1);
	set(replay, 1);
	assert_int_equal(get(replay), 1);
	rig_replay(rig);
	assert_int_equal(get(replay + 4), 1);
	set(replay + 4, 0);
	assert_int_equal(get(replay + 4), 1);
	set(replay, 0);
	assert_int_equal(get64(replay), 0);
	rig_work(rig);
	assert_int_equal(get64(CONTROL_STAT_BASE + 8 * STAT_replays), 1);
	set(CONTROL_GATE_BASE + 8 * GATES, 1);
}

static void statistics(void **state)
{
	struct rig *rig = *state;
	const uint32_t at = CONTROL_STAT_BASE + 8 * STAT_copied_bytes;

	rig->events->stat[STAT_copied_bytes] = 0x123456789ULL;
	/* The lower half freezes the upper one. */
	assert_int_equal(get(at), 0x23456789);
	rig->events->stat[STAT_copied_bytes] = 0x300000000ULL;
	assert_int_equal(get(at + 4), 1);
	assert_int_equal(get64(at), 0x300000000ULL);
	set(at, 5);
	assert_int_equal(get64(at), 0x300000000ULL);
	set(CONTROL_REG_CLEAR, 0);
	assert_int_equal(get64(at), 0);
	assert_int_equal(get64(CONTROL_STAT_BASE + 8 * STAT_mmio_writes), 0);
	assert_int_equal(get64(CONTROL_STAT_BASE + 8 * STATS), 0);
}

static void accesses(void **state)
{
	struct rig *rig = *state;

	*word(rig, 0) = 40;
	set(ACCESS(0, CONTROL_ACCESS_CHAN), RIG_CHAN);
	set(ACCESS(0, CONTROL_ACCESS_TYPE), 2);
	set64(ACCESS(0, CONTROL_ACCESS_VA), RIG_VA);
	set(ACCESS(0, CONTROL_ACCESS_VALUE), 2);
	set(ACCESS(1, CONTROL_ACCESS_CHAN), RIG_CHAN);
	set(ACCESS(1, CONTROL_ACCESS_TYPE), 0);
	set64(ACCESS(1, CONTROL_ACCESS_VA), MISSING);
	set(ACCESS(2, CONTROL_ACCESS_CHAN), 77);
	assert_int_equal(get(ACCESS(0, CONTROL_ACCESS_STATE)), CONTROL_FREE);
	set(ACCESS(0, CONTROL_ACCESS_STATE), CONTROL_DONE);
	assert_int_equal(get(ACCESS(0, CONTROL_ACCESS_STATE)), CONTROL_FREE);
	set(CONTROL_REG_START, 3);
	assert_int_equal(get(CONTROL_REG_PENDING), 2);
	assert_int_equal(get(ACCESS(1, CONTROL_ACCESS_STATE)), CONTROL_RUNNING);
	rig_work(rig);
	assert_int_equal(get(CONTROL_REG_PENDING), 1);
	assert_int_equal(get(ACCESS(0, CONTROL_ACCESS_STATE)), CONTROL_DONE);
	assert_int_equal(get(ACCESS(0, CONTROL_ACCESS_VALUE)), 40);
	assert_int_equal(*word(rig, 0), 42);
	assert_int_equal(get(ACCESS(2, CONTROL_ACCESS_STATE)), CONTROL_NO_CHANNEL);
	/* What is under way is not changed. */
	set64(ACCESS(1, CONTROL_ACCESS_VA), RIG_VA);
	assert_true(get64(ACCESS(1, CONTROL_ACCESS_VA)) == MISSING);
	assert_int_equal(get(ACCESS(1, CONTROL_ACCESS_CHAN)), RIG_CHAN);
	assert_int_equal(get(ACCESS(1, CONTROL_ACCESS_TYPE)), 0);
	assert_int_equal(get(ACCESS(1, 0x18)), 0);
	set(CONTROL_REG_STOP, 0);
	assert_int_equal(get(ACCESS(1, CONTROL_ACCESS_STATE)), CONTROL_STOPPED);
	assert_int_equal(get(CONTROL_REG_PENDING), 0);
	/* A replay too late is nobody's. */
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(get(ACCESS(1, CONTROL_ACCESS_STATE)), CONTROL_STOPPED);
	/* Others begin while one is under way; begun once more, it is another. */
	set(CONTROL_REG_START, 1 << 16 | 1);
	rig_work(rig);
	set(CONTROL_REG_START, 0 << 16 | 1);
	rig_work(rig);
	assert_int_equal(get(ACCESS(0, CONTROL_ACCESS_STATE)), CONTROL_DONE);
	assert_int_equal(get(ACCESS(1, CONTROL_ACCESS_STATE)), CONTROL_RUNNING);
	assert_int_equal(get(CONTROL_REG_PENDING), 1);
	set(CONTROL_REG_START, 1 << 16 | 1);
	assert_int_equal(get(CONTROL_REG_PENDING), 1);
	/* A cancel. */
	set(CONTROL_REG_START, 2);
	rig_work(rig);
	rd(rig, 0x409b00);
	wr(rig, 0x100cbc, 0x8000001b);
	assert_int_equal(get(ACCESS(1, CONTROL_ACCESS_STATE)), CONTROL_CANCELLED);
	assert_int_equal(get(CHAN(RIG_CHAN, CONTROL_CHAN_STATE)), CONTROL_CHAN_DEAD);
	/* The last entry, and none behind it. */
	set(ACCESS(CONTROL_ACCESSES - 1, CONTROL_ACCESS_VALUE), 9);
	assert_int_equal(get(ACCESS(CONTROL_ACCESSES - 1, CONTROL_ACCESS_VALUE)), 9);
	set(ACCESS(CONTROL_ACCESSES, CONTROL_ACCESS_VALUE), 9);
	assert_int_equal(get(ACCESS(CONTROL_ACCESSES, CONTROL_ACCESS_VALUE)), 0);
}

static void copy_word(struct rig *rig, uint64_t dst, uint64_t src)
{
	SUBMIT(rig, 0x20018000, 0xc0b5, 0x20088100, HI(src), LO(src), HI(dst), LO(dst), 4, 4, 4, 1,
	       0x200180c0, 0x182);
	rig_doorbell(rig);
}

static void channels(void **state)
{
	struct rig *rig = *state;
	const uint32_t at = CHAN(RIG_CHAN, CONTROL_CHAN_STATE);
	const unsigned int chan = RIG_CHAN;

	assert_int_equal(get(CHAN(0, CONTROL_CHAN_STATE)), CONTROL_CHAN_NONE);
	assert_int_equal(get(CHAN(FIFO_CHANNELS - 1, CONTROL_CHAN_STATE)), CONTROL_CHAN_NONE);
	assert_int_equal(get(at), CONTROL_CHAN_RUNS);
	assert_int_equal(get(CONTROL_REG_BOUND), 1);
	assert_true(get64(CHAN(RIG_CHAN, CONTROL_CHAN_INST)) == AT_INST);
	assert_true(get64(CHAN(RIG_CHAN, CONTROL_CHAN_PDB)) == AT_PD3);
	assert_true(get64(CHAN(RIG_CHAN, CONTROL_CHAN_FAULT)) == 0);
	assert_int_equal(get(CHAN(RIG_CHAN, 0x1c + 4)), get(CHAN(RIG_CHAN + 1, 0)));
	/* Copies, waits at a gate, for a replay, for a semaphore. */
	set(CONTROL_GATE_BASE + 8 * GATE_copy, 1);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(get(at), CONTROL_CHAN_COPIES);
	set(CONTROL_GATE_BASE + 8 * GATE_fault, 1);
	set(CONTROL_GATE_BASE + 8 * GATE_copy, 0);
	rig_work(rig);
	assert_int_equal(get(at), CONTROL_CHAN_FAULTED);
	assert_true(get64(CHAN(RIG_CHAN, CONTROL_CHAN_FAULT)) == MISSING);
	set(CONTROL_GATE_BASE + 8 * GATE_fault, 0);
	rig_work(rig);
	assert_int_equal(get(at), CONTROL_CHAN_WAITS_REPLAY);
	*spt(rig, 8) = PTE_SYS(RIG_IOVA);
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(get(at), CONTROL_CHAN_RUNS);
	SUBMIT(rig, 0x20040004, 0, LO(SEM_VA), 5, 1);
	rig_doorbell(rig);
	rig_work(rig);
	assert_int_equal(get(at), CONTROL_CHAN_WAITS_SEMAPHORE);
	/* Off, out of its runlist, on another. */
	wr(rig, 0x800004 + RIG_CHAN * 8, 0x800);
	assert_int_equal(get(at), CONTROL_CHAN_STOPPED);
	wr(rig, 0x800004 + RIG_CHAN * 8, 0x400);
	rig_runlist(rig, 0, NULL, 0);
	assert_int_equal(get(at), CONTROL_CHAN_STOPPED);
	rig_runlist(rig, 2, &chan, 1);
	assert_int_equal(get(CHAN(RIG_CHAN, CONTROL_CHAN_RUNLIST)), 2);
	set(at, CONTROL_CHAN_DEAD);
	assert_int_equal(get(at), CONTROL_CHAN_WAITS_SEMAPHORE);
}

/* A record of the log by its number: time, kind and channel, address, data. */
static void records(void **state)
{
	struct rig *rig = *state;
	const uint64_t nr = get64(CONTROL_REG_EVENTS);

	rig_advance(1000);
	event(rig->events, EVENT_fault, 5, 0x123456789aULL, 0xbcdef01234ULL);
	assert_int_equal(get64(CONTROL_REG_EVENTS), nr + 1);
	set(CONTROL_REG_EVENT, nr);
	assert_true(get64(CONTROL_REG_RECORD) != 0);
	assert_true(((uint64_t)get(CONTROL_REG_RECORD + 4) << 32 | get(CONTROL_REG_RECORD)) ==
		    event_now(rig->events));
	assert_int_equal(get(CONTROL_REG_RECORD + 8), EVENT_fault);
	assert_int_equal(get(CONTROL_REG_RECORD + 12), 5);
	assert_int_equal(get(CONTROL_REG_RECORD + 16), 0x3456789a);
	assert_int_equal(get(CONTROL_REG_RECORD + 20), 0x12);
	assert_int_equal(get(CONTROL_REG_RECORD + 24), 0xdef01234);
	assert_int_equal(get(CONTROL_REG_RECORD + 28), 0xbc);
	/* Not there yet; gone. */
	set(CONTROL_REG_EVENT, nr + 1);
	assert_int_equal(get(CONTROL_REG_RECORD + 16), 0);
	for (unsigned int i = 0; i < EVENT_RING; i++)
		event(rig->events, EVENT_replay, -1, i, 0);
	set(CONTROL_REG_EVENT, nr);
	assert_int_equal(get(CONTROL_REG_RECORD + 16), 0);
	/* Of a number that has more than 32 bits, the last that is alike. */
	rig->events->nr = 0x500000010ULL;
	event(rig->events, EVENT_cancel, 1, 0x77, 0);
	set(CONTROL_REG_EVENT, 0x10);
	assert_int_equal(get(CONTROL_REG_RECORD + 16), 0x77);
	event(rig->events, EVENT_cancel, 1, 0x78, 0);
	rig->events->nr = 0x500000002ULL;
	rig->events->ring[0xffff] = (struct event) { 1, EVENT_cancel, 1, 0x79, 0 };
	set(CONTROL_REG_EVENT, 0xffffffff);
	assert_int_equal(get(CONTROL_REG_RECORD + 16), 0x79);
}

static void window(void **state)
{
	struct rig *rig = *state;

	set64(CONTROL_REG_WINDOW, RIG_VA);
	set64(CONTROL_REG_WINDOW + 8, 0x123456000ULL);
	set(CONTROL_REG_WINDOW_CHAN, RIG_CHAN);
	assert_int_equal(rig->access->windows, 1);
	assert_true(rig->access->window[0].pdb == AT_PD3);
	assert_true(rig->access->window[0].start == RIG_VA);
	assert_true(rig->access->window[0].size == 0x123456000ULL);
	set(CONTROL_REG_WINDOW_CHAN, 77);
	assert_int_equal(rig->access->windows, 1);
}

/* Without a kernel that is understood there is no verdict. */
static void oracle(void **state)
{
	struct rig *rig = *state;

	set(CONTROL_REG_ORACLE_WRITE, 1);
	assert_int_equal(get(CONTROL_REG_ORACLE_WRITE), 1);
	set64(CONTROL_REG_ORACLE_PA, 0x1000);
	assert_int_equal(get(CONTROL_REG_ORACLE_VERDICT), ~0U);
	set(CONTROL_REG_ORACLE_MARK, 1);
	set(CONTROL_REG_ORACLE_MARK, 0);
	oracle_memory(&rig->access->oracle, rig->memory->file[0].host, RIG_GUEST);
	assert_int_equal(get(CONTROL_REG_ORACLE), CONTROL_ORACLE_SEARCHES);
	set64(CONTROL_REG_ORACLE_PA, 0x1000);
	assert_int_equal(get(CONTROL_REG_ORACLE_VERDICT), ~0U);
	set(CONTROL_REG_ORACLE_MARK, 1);
	/* Found, as far as it says; of page tables that are none nothing is known. */
	rig->access->oracle.state = ORACLE_FOUND;
	rig->access->oracle.levels = 4;
	rig->access->oracle.page_size = 64;
	assert_int_equal(get(CONTROL_REG_ORACLE), CONTROL_ORACLE_FOUND);
	set64(CONTROL_REG_ORACLE_PA, 0x1000);
	assert_int_equal(get(CONTROL_REG_ORACLE_VERDICT), ORACLE_FINE);
	set(CONTROL_REG_ORACLE_MARK, 1);
	/* No such memory. */
	set64(CONTROL_REG_ORACLE_PA, 1ULL << 40);
	assert_int_equal(get(CONTROL_REG_ORACLE_VERDICT), ~0U);
	set(CONTROL_REG_ORACLE_MARK, 1);
}

/* Whoever held gates and accesses is gone. */
static void reset(void **state)
{
	struct rig *rig = *state;
	const uint16_t flr = 0x8000;

	set(CONTROL_GATE_BASE + 8 * GATE_flush, 1);
	rig_flush(rig, AT_PD3);
	set(ACCESS(0, CONTROL_ACCESS_CHAN), RIG_CHAN);
	set64(ACCESS(0, CONTROL_ACCESS_VA), MISSING);
	set(CONTROL_REG_START, 1);
	control_write(&control, GPU_CONFIG, 0x80, &flr, 2);
	assert_int_equal(get(CONTROL_GATE_BASE + 8 * GATE_flush), 0);
	assert_int_equal(get(CONTROL_REG_PENDING), 0);
	assert_int_equal(get(ACCESS(0, CONTROL_ACCESS_STATE)), CONTROL_STOPPED);
	rig_work(rig);
	assert_int_equal(stat_of(rig, STAT_flushes), 1);
	/* The GPU goes on. */
	assert_int_equal(get(CHAN(RIG_CHAN, CONTROL_CHAN_STATE)), CONTROL_CHAN_RUNS);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity),
		TEST(sizes),
		TEST(names),
		TEST(knobs_and_gates),
		TEST(statistics),
		TEST(accesses),
		TEST(channels),
		TEST(records),
		TEST(window),
		TEST(oracle),
		TEST(reset),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
