/* SPDX-License-Identifier: MIT */
#ifndef KNOB_H
#define KNOB_H
/* Knobs change what the board does; gates hold what is going on, so that a test has its window. */
#include <stdbool.h>
#include <stdint.h>

enum knob {
#define KNOB(name, value, max, text) KNOB_##name,
#include "knobs.h"
#undef KNOB
	KNOBS
};

enum gate { GATE_fault, GATE_notify, GATE_replay, GATE_flush, GATE_copy, GATES };

struct knobs {
	uint64_t value[KNOBS];
};

struct gates {
	bool closed[GATES];
	uint32_t held[GATES];	/* how many wait at it */
};

void knobs_init(struct knobs *knobs);
/* -1: no such name. */
int knob_find(const char *name);
const char *knob_name(unsigned int knob);
const char *knob_text(unsigned int knob);
uint64_t knob_max(unsigned int knob);
/* NULL, or in words why not. */
const char *knob_set(struct knobs *knobs, unsigned int knob, uint64_t value);
/* One less of what is to be dropped. False: nothing is. */
bool knob_take(struct knobs *knobs, enum knob knob);
const char *gate_name(unsigned int gate);
const char *gate_text(unsigned int gate);
#endif
