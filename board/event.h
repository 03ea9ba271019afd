/* SPDX-License-Identifier: MIT */
#ifndef EVENT_H
#define EVENT_H
/*
 * What happens, as counters and as a log. A record an event; the last EVENT_RING of them are
 * kept for the control function, all of them go to the file of --log, a line each:
 *
 *	TIME NAME chan=N addr=0x... data=0x...
 *
 * TIME is in nanoseconds since the board came up. The names and what addr and data are of each
 * is in event_kinds.h. Two logs beside it hold each line once: what the guest did wrong, and
 * what it asked for that is not modelled.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum event_kind {
#define EVENT(name, text) EVENT_##name,
#include "event_kinds.h"
#undef EVENT
	EVENT_KINDS
};

enum stat_id {
#define STAT(name, text) STAT_##name,
#include "stats.h"
#undef STAT
	STATS
};

/* Seen through the control function as 8 words. */
struct event {
	uint64_t time;
	uint32_t kind;
	int32_t chan;		/* -1: of none */
	uint64_t addr, data;
};

#define EVENT_RING	65536	/* a power of 2 */
#define EVENT_ONCE	1024

/* Where each line is written once. */
enum event_once { GUEST_ERROR, NOT_MODELLED, EVENT_ONCES };

struct event_said {
	uint64_t key[EVENT_ONCE];
	char text[EVENT_ONCE][120];
	uint32_t count[EVENT_ONCE];
	uint32_t nr;
	bool full;
};

struct events {
	uint64_t start;		/* CLOCK_MONOTONIC when the board came up */
	FILE *log;		/* or NULL */
	struct event ring[EVENT_RING];
	uint64_t nr;
	uint64_t stat[STATS];
	struct event_said said[EVENT_ONCES];
};

void events_init(struct events *events, FILE *log);
/* At the end: what was said, with how often, to a file. */
void events_summary(const struct events *events, FILE *to);

uint64_t event_now(const struct events *events);
void event(struct events *events, enum event_kind kind, int chan, uint64_t addr, uint64_t data);
/* Record number nr, or NULL if it is gone or not there yet. */
const struct event *event_at(const struct events *events, uint64_t nr);
const char *event_name(unsigned int kind);
const char *stat_name(unsigned int stat);

static inline void stat_add(struct events *events, enum stat_id stat, uint64_t n)
{
	events->stat[stat] += n;
}

/* Say it, unless it has been said; the key tells one from another. */
void event_once(struct events *events, enum event_once what, uint64_t key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#endif
