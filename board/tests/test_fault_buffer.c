// SPDX-License-Identifier: MIT
/*
 * The fault buffer's arithmetic and its registers (hw_fifo_gp106.h of nvgpu: 0x002a70 LO, 31:12 and
 * bit 0 ENABLE; 2a74 HI, 2a78 SIZE, 2a7c GET, 2a80 PUT, 2a84 INFO), and its entries (clb069.h of
 * open-gpu-doc, but for the engine and "replayable", which are as nouveau reads them).
 */
#include "rig.h"

#define ENTRIES		4096

static uint32_t get(const struct pri_fault_buffer *buffer, uint32_t addr)
{
	uint32_t value = 0x55;

	assert_true(fault_buffer_read(buffer, addr, &value));
	return value;
}

static enum pri_asks set(struct pri_fault_buffer *buffer, uint32_t addr, uint32_t value)
{
	struct pri_ask ask = { .what = ASKS_NOTHING };

	assert_true(fault_buffer_write(buffer, addr, value, &ask));
	return ask.what;
}

static void enabled(struct pri_fault_buffer *buffer)
{
	fault_buffer_reset(buffer);
	set(buffer, 0x2a74, 0x12);
	set(buffer, 0x2a70, 0x34567000);
	set(buffer, 0x2a70, 0x34567001);
}

static bool room(const struct pri_fault_buffer *buffer, uint32_t limit)
{
	uint64_t at;

	return fault_buffer_room(buffer, limit, &at);
}

static void registers(void **state)
{
	struct pri_fault_buffer buffer;
	uint32_t value;

	(void)state;
	fault_buffer_reset(&buffer);
	assert_int_equal(get(&buffer, 0x2a70), 0);
	assert_int_equal(get(&buffer, 0x2a74), 0);
	assert_int_equal(get(&buffer, 0x2a78), ENTRIES);
	assert_int_equal(get(&buffer, 0x2a7c), 0);
	assert_int_equal(get(&buffer, 0x2a80), 0);
	assert_int_equal(get(&buffer, 0x2a84), 0);
	/* The base, in two halves; bits 11:1 are none. */
	assert_int_equal(set(&buffer, 0x2a74, 0x12), ASKS_NOTHING);
	assert_int_equal(set(&buffer, 0x2a70, 0x34567ffe), ASKS_NOTHING);
	assert_int_equal(get(&buffer, 0x2a70), 0x34567000);
	assert_int_equal(get(&buffer, 0x2a74), 0x12);
	assert_int_equal(set(&buffer, 0x2a70, 0x34567001), ASKS_FAULT_BUFFER);
	assert_int_equal(get(&buffer, 0x2a70), 0x34567001);
	assert_int_equal(set(&buffer, 0x2a70, 0x34567001), ASKS_NOTHING);
	assert_int_equal(set(&buffer, 0x2a70, 0x34567000), ASKS_FAULT_BUFFER);
	/* SIZE and PUT are read only, INFO is cleared by ones. */
	set(&buffer, 0x2a78, 1);
	set(&buffer, 0x2a80, 1);
	assert_int_equal(get(&buffer, 0x2a78), ENTRIES);
	assert_int_equal(get(&buffer, 0x2a80), 0);
	buffer.info = 0x11000001;
	set(&buffer, 0x2a84, 0x01000001);
	assert_int_equal(get(&buffer, 0x2a84), 0x10000000);
	/* Not its own. */
	assert_false(fault_buffer_read(&buffer, 0x2a6c, &value));
	assert_false(fault_buffer_read(&buffer, 0x2a88, &value));
	assert_false(fault_buffer_write(&buffer, 0x2a88, 0, &(struct pri_ask) {}));
}

static void entry(void **state)
{
	const struct fault fault = {
		.inst = 0x1234567000ULL, .va = 0x7f1234567abcULL, .type = ACCESS_ATOMIC,
		.reason = FAULT_RO, .engine = 0x15, .client = 0x18,
	};
	uint32_t word[8];

	(void)state;
	fault_entry(&fault, 0x123456789aULL, word);
	assert_int_equal(word[0], 0x34567000);
	assert_int_equal(word[1], 0x12);
	assert_int_equal(word[2], 0x34567000);
	assert_int_equal(word[3], 0x7f12);
	assert_int_equal(word[4], 0x3456789a);
	assert_int_equal(word[5], 0x12);
	assert_int_equal(word[6], 0x15);
	/* Valid (31), HUB (20), atomic (18:16), client (14:8), replayable (7), reason (4:0). */
	assert_int_equal(word[7], 0x80000000 | 0x00100000 | 2 << 16 | 0x18 << 8 | 0x80 | 6);
	/* 0x00280c has the same fields, without valid and replayable. */
	assert_int_equal(fault_info(&fault), 0x00100000 | 2 << 16 | 0x18 << 8 | 6);
}

static void wrap(void **state)
{
	struct pri_fault_buffer buffer;
	uint64_t at;

	(void)state;
	enabled(&buffer);
	/* Three times around, each read at once. */
	for (uint32_t i = 0; i < 3 * ENTRIES; i++) {
		assert_true(fault_buffer_empty(&buffer));
		assert_true(fault_buffer_room(&buffer, 0, &at));
		assert_true(at == 0x1234567000ULL + i % ENTRIES * 32);
		fault_buffer_advance(&buffer);
		assert_int_equal(get(&buffer, 0x2a80), (i + 1) % ENTRIES);
		assert_false(fault_buffer_empty(&buffer));
		set(&buffer, 0x2a7c, get(&buffer, 0x2a80));
	}
}

static void overflow(void **state)
{
	struct pri_fault_buffer buffer;

	(void)state;
	enabled(&buffer);
	/* One entry stays free: else full would look like empty. */
	for (uint32_t i = 0; i < ENTRIES - 1; i++) {
		assert_true(room(&buffer, 0));
		fault_buffer_advance(&buffer);
	}
	assert_false(room(&buffer, 0));
	assert_int_equal(get(&buffer, 0x2a80), ENTRIES - 1);
	/* One has been read: who waits for room is told. */
	assert_int_equal(set(&buffer, 0x2a7c, 1), ASKS_FAULT_BUFFER);
	assert_true(room(&buffer, 0));
	fault_buffer_advance(&buffer);
	assert_int_equal(get(&buffer, 0x2a80), 0);
	assert_false(room(&buffer, 0));
}

static void limit(void **state)
{
	struct pri_fault_buffer buffer;

	(void)state;
	enabled(&buffer);
	assert_true(room(&buffer, 3));
	fault_buffer_advance(&buffer);
	assert_true(room(&buffer, 3));
	fault_buffer_advance(&buffer);
	assert_false(room(&buffer, 3));
	assert_true(room(&buffer, 4));
	/* Around the end it is the same. */
	set(&buffer, 0x2a7c, ENTRIES - 1);
	assert_false(room(&buffer, 3));
	assert_false(room(&buffer, 4));
	assert_true(room(&buffer, 5));
	/* More than there are: all. An entry alone has no room for any. */
	set(&buffer, 0x2a7c, 3);
	assert_false(room(&buffer, ENTRIES + 1));
	set(&buffer, 0x2a7c, 2);
	assert_false(room(&buffer, 1));
}

/* The registers are the CPU's to write: nonsense there must not lead astray. */
static void nonsense(void **state)
{
	static const uint32_t bad[] = { ENTRIES, ENTRIES + 1, 0x3fff, 0x80000000, ~0U };
	struct pri_fault_buffer buffer;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		enabled(&buffer);
		set(&buffer, 0x2a7c, bad[i]);
		assert_false(room(&buffer, 0));
		set(&buffer, 0x2a7c, 0);
		assert_true(room(&buffer, 0));
		buffer.put = bad[i];
		assert_false(room(&buffer, 0));
	}
}

/* Enabling empties it; disabled, it takes nothing. */
static void enable(void **state)
{
	struct pri_fault_buffer buffer;

	(void)state;
	fault_buffer_reset(&buffer);
	assert_false(room(&buffer, 0));
	enabled(&buffer);
	fault_buffer_advance(&buffer);
	set(&buffer, 0x2a7c, 7);
	/* Written again, with ENABLE as it is: nothing is lost. */
	set(&buffer, 0x2a70, 0x34567001);
	assert_int_equal(get(&buffer, 0x2a7c), 7);
	assert_int_equal(get(&buffer, 0x2a80), 1);
	set(&buffer, 0x2a70, 0x34567000);
	assert_false(room(&buffer, 0));
	assert_int_equal(get(&buffer, 0x2a80), 1);
	set(&buffer, 0x2a70, 0x34567001);
	assert_int_equal(get(&buffer, 0x2a7c), 0);
	assert_int_equal(get(&buffer, 0x2a80), 0);
	assert_true(room(&buffer, 0));
}

/* An interrupt for each entry, and another if there are entries left when GET is written. */
static void pulse(void **state)
{
	struct pri_fault_buffer buffer;

	(void)state;
	enabled(&buffer);
	assert_false(buffer.pulse);
	fault_buffer_advance(&buffer);
	assert_true(buffer.pulse);
	buffer.pulse = false;
	fault_buffer_advance(&buffer);
	assert_true(buffer.pulse);
	buffer.pulse = false;
	set(&buffer, 0x2a7c, 1);
	assert_true(buffer.pulse);
	buffer.pulse = false;
	set(&buffer, 0x2a7c, 2);
	assert_false(buffer.pulse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers),
		cmocka_unit_test(entry),
		cmocka_unit_test(wrap),
		cmocka_unit_test(overflow),
		cmocka_unit_test(limit),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(enable),
		cmocka_unit_test(pulse),
	};

	return cmocka_run_group_tests_name("fault_buffer", tests, NULL, NULL);
}
