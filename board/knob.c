// SPDX-License-Identifier: MIT
/* The tables of knobs and gates. */
#include <stddef.h>
#include <string.h>

#include "knob.h"

static const struct {
	const char *name, *text;
	uint64_t value, max;
} knob[KNOBS] = {
#define KNOB(n, v, m, t) [KNOB_##n] = { .name = #n, .text = t, .value = v, .max = m },
#include "knobs.h"
#undef KNOB
};

static const struct {
	const char *name, *text;
} gate[GATES] = {
	[GATE_fault] = { "fault", "faults, before they are in the fault buffer" },
	[GATE_notify] = { "notify", "the fault buffer's interrupt" },
	[GATE_replay] = { "replay", "replays" },
	[GATE_flush] = { "flush", "TLB flushes; the driver waits, and its time stands still" },
	[GATE_copy] = { "copy", "transfers of the copy engine, before each page" },
};

void knobs_init(struct knobs *knobs)
{
	for (unsigned int i = 0; i < KNOBS; i++)
		knobs->value[i] = knob[i].value;
}

int knob_find(const char *name)
{
	for (unsigned int i = 0; i < KNOBS; i++)
		if (!strcmp(knob[i].name, name))
			return i;
	return -1;
}

const char *knob_name(unsigned int i)
{
	return i < KNOBS ? knob[i].name : "";
}

const char *knob_text(unsigned int i)
{
	return i < KNOBS ? knob[i].text : "";
}

uint64_t knob_max(unsigned int i)
{
	return i < KNOBS ? knob[i].max : 0;
}

const char *knob_set(struct knobs *knobs, unsigned int i, uint64_t value)
{
	if (i >= KNOBS)
		return "there is no such knob";
	if (value > knob[i].max)
		return "the value is too large";
	knobs->value[i] = value;
	return NULL;
}

bool knob_take(struct knobs *knobs, enum knob i)
{
	if (!knobs->value[i])
		return false;
	knobs->value[i]--;
	return true;
}

const char *gate_name(unsigned int i)
{
	return i < GATES ? gate[i].name : "";
}

const char *gate_text(unsigned int i)
{
	return i < GATES ? gate[i].text : "";
}
