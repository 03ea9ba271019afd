// SPDX-License-Identifier: MIT
/* Counters, the event log, and the two logs in which each line stands once. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "event.h"

static const char *const kind_name[EVENT_KINDS] = {
#define EVENT(name, text) [EVENT_##name] = #name,
#include "event_kinds.h"
#undef EVENT
};

static const char *const stat_names[STATS] = {
#define STAT(name, text) [STAT_##name] = #name,
#include "stats.h"
#undef STAT
};

static uint64_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

void events_init(struct events *events, FILE *log)
{
	memset(events, 0, sizeof(*events));
	events->start = monotonic();
	events->log = log;
}

uint64_t event_now(const struct events *events)
{
	return monotonic() - events->start;
}

void event(struct events *events, enum event_kind kind, int chan, uint64_t addr, uint64_t data)
{
	struct event *e = &events->ring[events->nr++ % EVENT_RING];

	*e = (struct event) { event_now(events), kind, chan, addr, data };
	if (!events->log)
		return;
	fprintf(events->log, "%" PRIu64 " %s chan=%d addr=%#" PRIx64 " data=%#" PRIx64 "\n",
		e->time, kind_name[kind], chan, addr, data);
}

const struct event *event_at(const struct events *events, uint64_t nr)
{
	if (nr >= events->nr || events->nr - nr > EVENT_RING)
		return NULL;
	return &events->ring[nr % EVENT_RING];
}

const char *event_name(unsigned int kind)
{
	return kind < EVENT_KINDS ? kind_name[kind] : "";
}

const char *stat_name(unsigned int stat)
{
	return stat < STATS ? stat_names[stat] : "";
}

static const char *const once_name[EVENT_ONCES] = {
	[GUEST_ERROR] = "guest error",
	[NOT_MODELLED] = "not modelled",
};

void event_once(struct events *events, enum event_once what, uint64_t key, const char *fmt, ...)
{
	struct event_said *said = &events->said[what];
	va_list args;

	stat_add(events, what == GUEST_ERROR ? STAT_guest_errors : STAT_not_modelled, 1);
	for (uint32_t i = 0; i < said->nr; i++) {
		if (said->key[i] == key) {
			said->count[i]++;
			return;
		}
	}
	if (said->nr == EVENT_ONCE) {
		said->full = true;
		return;
	}
	said->key[said->nr] = key;
	said->count[said->nr] = 1;
	va_start(args, fmt);
	vsnprintf(said->text[said->nr], sizeof(said->text[0]), fmt, args);
	va_end(args);
	fprintf(stderr, "board: %s: %s\n", once_name[what], said->text[said->nr]);
	said->nr++;
}

void events_summary(const struct events *events, FILE *to)
{
	for (unsigned int i = 0; i < STATS; i++)
		if (events->stat[i])
			fprintf(to, "board: %s %" PRIu64 "\n", stat_names[i], events->stat[i]);
	for (unsigned int what = 0; what < EVENT_ONCES; what++) {
		const struct event_said *said = &events->said[what];

		for (uint32_t i = 0; i < said->nr; i++)
			fprintf(to, "board: %s, %u times: %s\n", once_name[what], said->count[i],
				said->text[i]);
		if (said->full)
			fprintf(to, "board: %s: and more\n", once_name[what]);
	}
}
