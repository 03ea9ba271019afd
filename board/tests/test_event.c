// SPDX-License-Identifier: MIT
/* The event log, the two logs that say each thing once, counters; and the tables of knobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../event.h"
#include "../knob.h"

static struct events *events;
static FILE *file;
static char *text;
static size_t len;

static int setup(void **state)
{
	(void)state;
	events = calloc(1, sizeof(*events));
	file = open_memstream(&text, &len);
	if (!events || !file)
		return -1;
	events_init(events, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fclose(file);
	free(text);
	free(events);
	return 0;
}

static void ring(void **state)
{
	(void)state;
	assert_null(event_at(events, 0));
	for (uint64_t i = 0; i < EVENT_RING + 3; i++)
		event(events, EVENT_replay, -1, i, 0);
	/* The last EVENT_RING of them are there. */
	assert_null(event_at(events, 2));
	assert_true(event_at(events, 3)->addr == 3);
	assert_true(event_at(events, EVENT_RING + 2)->addr == EVENT_RING + 2);
	assert_null(event_at(events, EVENT_RING + 3));
	assert_null(event_at(events, ~0ULL));
	/* Time goes up. */
	for (uint64_t i = 4; i < EVENT_RING + 3; i++)
		assert_true(event_at(events, i)->time >= event_at(events, i - 1)->time);
}

static void log_file(void **state)
{
	unsigned long long time, addr, data;
	char name[32];
	int chan;

	(void)state;
	events->log = file;
	event(events, EVENT_fault, 7, 0x7f1234567000ULL, 0x80101882);
	event(events, EVENT_flush, -1, 0, 0);
	fflush(file);
	assert_int_equal(sscanf(text, "%llu %31s chan=%d addr=%llx data=%llx", &time, name, &chan,
				&addr, &data), 5);
	assert_string_equal(name, "fault");
	assert_int_equal(chan, 7);
	assert_true(addr == 0x7f1234567000ULL && data == 0x80101882);
	assert_true(time <= event_now(events));
	assert_non_null(strstr(text, " flush chan=-1 addr=0 data=0\n"));
}

/* Each once, by its key; and how often, at the end. */
static void once(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		event_once(events, GUEST_ERROR, 1, "first %d", i);
	event_once(events, GUEST_ERROR, 2, "second");
	event_once(events, NOT_MODELLED, 1, "third");
	assert_int_equal(events->stat[STAT_guest_errors], 6);
	assert_int_equal(events->stat[STAT_not_modelled], 1);
	events_summary(events, file);
	fflush(file);
	assert_non_null(strstr(text, "board: guest_errors 6\n"));
	assert_non_null(strstr(text, "board: guest error, 5 times: first 0\n"));
	assert_non_null(strstr(text, "board: guest error, 1 times: second\n"));
	assert_non_null(strstr(text, "board: not modelled, 1 times: third\n"));
	assert_null(strstr(text, "first 1"));
	/* What is 0 is not said. */
	assert_null(strstr(text, "replays"));
}

/* More than there is room for, and longer than there is room for. */
static void too_much(void **state)
{
	char line[400];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	event_once(events, GUEST_ERROR, 0x1000000, "%s", line);
	for (uint64_t i = 0; i < EVENT_ONCE + 10; i++)
		event_once(events, GUEST_ERROR, i, "number %u", (unsigned int)i);
	event_once(events, GUEST_ERROR, 5, "again");
	assert_int_equal(events->stat[STAT_guest_errors], EVENT_ONCE + 12);
	events_summary(events, file);
	fflush(file);
	assert_non_null(strstr(text, "board: guest error: and more\n"));
	assert_non_null(strstr(text, "guest error, 2 times: number 5\n"));
	assert_null(strstr(text, "not modelled: and more"));
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(event_name(EVENT_fault), "fault");
	assert_string_equal(event_name(EVENT_KINDS), "");
	assert_string_equal(stat_name(STAT_replays), "replays");
	assert_string_equal(stat_name(STATS), "");
	/* In the order that the control function shows. */
	assert_string_equal(stat_name(0), "faults_read");
	assert_string_equal(event_name(0), "fault");
}

static void knobs(void **state)
{
	struct knobs k;

	(void)state;
	knobs_init(&k);
	assert_int_equal(k.value[KNOB_tlb_size], 64);
	assert_int_equal(k.value[KNOB_bus_bits], 47);
	assert_int_equal(k.value[KNOB_strict], 0);
	assert_int_equal(knob_find("tlb_size"), KNOB_tlb_size);
	assert_int_equal(knob_find("tlb"), -1);
	assert_int_equal(knob_find(""), -1);
	for (unsigned int i = 0; i < KNOBS; i++) {
		assert_int_equal(knob_find(knob_name(i)), i);
		assert_true(strlen(knob_text(i)) > 0);
	}
	assert_string_equal(knob_name(KNOBS), "");
	assert_string_equal(knob_text(KNOBS), "");
	assert_null(knob_set(&k, KNOB_tlb_size, 1024));
	assert_non_null(knob_set(&k, KNOB_tlb_size, 1025));
	assert_non_null(knob_set(&k, KNOBS, 0));
	assert_int_equal(k.value[KNOB_tlb_size], 1024);
	/* So many times, and no more. */
	k.value[KNOB_drop_replays] = 2;
	assert_true(knob_take(&k, KNOB_drop_replays));
	assert_true(knob_take(&k, KNOB_drop_replays));
	assert_false(knob_take(&k, KNOB_drop_replays));
	for (unsigned int i = 0; i < GATES; i++)
		assert_true(strlen(gate_name(i)) > 0 && strlen(gate_text(i)) > 0);
	assert_string_equal(gate_name(GATES), "");
	assert_string_equal(gate_text(GATES), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ring, setup, teardown),
		cmocka_unit_test_setup_teardown(log_file, setup, teardown),
		cmocka_unit_test_setup_teardown(once, setup, teardown),
		cmocka_unit_test_setup_teardown(too_much, setup, teardown),
		cmocka_unit_test(names),
		cmocka_unit_test(knobs),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
