/* SPDX-License-Identifier: GPL-2.0 */
/* The scenarios, what they measure, and what of it breaks the contract. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <limits.h>
#include <stdbool.h>

#include "mn_contract_uapi.h"
#include "stale.h"

struct victim;

/* Printed as "-". */
#define NOT_MEASURED	LLONG_MIN

enum verdict {
	HELD,
	BROKEN,
	UNABLE,		/* to set the scenario up */
};

/**
 * struct outcome - what a scenario has seen
 * @counts: the status after the tries to reap, before the reader; valid if
 *	@counted
 * @reap: what the last try to reap came to, in the result line's word
 * @reader: whether the mirror's reader returned, in the same way
 * @reader_us: how long it took, or had taken when it was given up, in us
 * @remove: whether the mirror was detached
 * @remove_us: as @reader_us
 * @freed: whether the victim's memory was given back
 * @freed_ms: how long that took, in ms, see scenario.c for what from
 * @freed_mib: how much was given back, in MiB
 * @rss_mib: anonymous memory of the victim before, in MiB
 * @pinned: whether the mm was still pinned when the memory was seen freed
 * @looked_up: the answers about a page that was looked up; valid if @asked
 */
struct outcome {
	struct mn_contract_status counts;
	bool counted;
	const char *reap;
	const char *reader;
	long long reader_us;
	const char *remove;
	long long remove_us;
	const char *freed;
	long long freed_ms;
	long long freed_mib;
	long long rss_mib;
	const char *pinned;
	struct stale looked_up;
	bool asked;
};

/* Who refuses a scenario's non-blockable ranges */
enum refuser {
	NOBODY,
	THE_LOCK,	/* while it is contended */
	ABOVE,
	MIRROR,
};

/**
 * struct scenario - one way to reap a victim
 * @name: for the command line and the result line
 * @what: one line of help
 * @run: sees to @outcome; returns -1 if that could not be done
 * @lingering: what @run does to a victim that lingers in the module, or NULL
 * @oom: what @run does to one that is to be killed by the OOM killer, with the
 *	kernel log open from before, or NULL
 * @reap: the @outcome.reap that the contract asks for, NULL: nobody reaps
 * @refuser: who is to refuse
 * @mrelease: needs process_mrelease()
 * @hmm: needs a mirror of HMM's
 */
struct scenario {
	const char *name;
	const char *what;
	int (*run)(const struct scenario *scenario, struct outcome *outcome);
	int (*lingering)(struct victim *victim, struct outcome *outcome);
	int (*oom)(struct victim *victim, struct outcome *outcome, int kmsg);
	const char *reap;
	enum refuser refuser;
	bool mrelease;
	bool hmm;
};

extern const struct scenario scenarios[];
extern const int scenario_count;

#endif
