// SPDX-License-Identifier: GPL-2.0
/*
 * mn-contract: kills processes and has their memory reaped while one of the mmu
 * notifiers on their mm refuses, and compares what the others are told with
 * what they may rely on.
 *
 * Here: command line, judgement, result lines. Elsewhere:
 * scenario.c      what is done to whom
 * victim.c        the rig in the module and the process that is killed
 * host.c          clock, kernel log, cgroups
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host.h"
#include "scenario.h"
#include "victim.h"

/* Exit status */
#define EXIT_HELD	0
#define EXIT_BROKEN	1
#define EXIT_UNABLE	2

static void print_help(FILE *out)
{
	int i;

	fputs("usage: mn-contract [--help] [SCENARIO]...\n"
	      "\n"
	      "Shows what becomes of mmu notifiers when one of them refuses a non-blockable\n"
	      "invalidation. Needs root, the module mn_contract and the memory controller of a\n"
	      "cgroup2 at " CGROUP_ROOT ". Without arguments, all scenarios that the kernel\n"
	      "has the means for:\n"
	      "\n", out);
	for (i = 0; i < scenario_count; i++)
		fprintf(out, "  %-11s %s\n", scenarios[i].name,
			scenarios[i].what);
	fputs("\n"
	      "Each prints one line \"result scenario=NAME key=value ...\", \"-\" for what was not\n"
	      "measured. Counts of starts and ends are of non-blockable ranges. Exit status:\n"
	      "\n"
	      "  0  the contract was held\n"
	      "  1  it was broken, one line \"broken: SCENARIO: WHAT\" for each clause\n"
	      "  2  a scenario could not be set up\n", out);
}

struct judge {
	const char *scenario;
	int broken;
};

[[gnu::format(printf, 3, 4)]]
static void expect(struct judge *judge, bool ok, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return;
	printf("broken: %s: ", judge->scenario);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	judge->broken++;
}

/* What a subscriber must have been told that never refuses itself. */
static void judge_counter(struct judge *judge, const char *name,
			  const struct mn_contract_counter *counter,
			  unsigned long long starts)
{
	expect(judge, counter->starts == starts,
	       "%s: %llu starts, should be %llu", name,
	       (unsigned long long)counter->starts, (unsigned long long)starts);
	expect(judge, counter->starts == counter->ends,
	       "%s: %llu starts but %llu ends", name,
	       (unsigned long long)counter->starts,
	       (unsigned long long)counter->ends);
	expect(judge, !counter->count, "%s: the count is left at %lld", name,
	       (long long)counter->count);
}

static void judge_counts(struct judge *judge, const struct scenario *scenario,
			 const struct mn_contract_status *counts)
{
	const struct mn_contract_lock *lock = &counts->lock;

	if (scenario->refuser == THE_LOCK)
		expect(judge, lock->refusals, "nobody was asked and refused");
	else
		expect(judge, !lock->refusals, "refused without contention");
	if (scenario->refuser == ABOVE || scenario->refuser == MIRROR)
		expect(judge, counts->ordered, "nobody was asked and refused");
	expect(judge, lock->granted <= lock->ends,
	       "the lock: %llu starts but %llu ends",
	       (unsigned long long)lock->granted,
	       (unsigned long long)lock->ends);
	expect(judge, !lock->stray_ends,
	       "the refuser got %llu ends without a start",
	       (unsigned long long)lock->stray_ends);
	expect(judge, !lock->held, "the refuser is left with %lld starts held",
	       (long long)lock->held);
	/* Whom a refusal precedes is not called, whom it follows is ended. */
	judge_counter(judge, "below", &counts->below,
		      lock->granted + lock->refusals);
	judge_counter(judge, "above", &counts->above,
		      scenario->refuser == ABOVE ? 0 : lock->granted);
	expect(judge, scenario->refuser == MIRROR || counts->invalidations,
	       "the mirror was not called");
	expect(judge, !counts->under_way,
	       "the mirror is left with %lld invalidations under way",
	       (long long)counts->under_way);
}

static int judge_looked_up(const struct scenario *scenario,
			   const struct stale *looked_up)
{
	struct judge judge = { .scenario = scenario->name };

	expect(&judge, looked_up->fresh == 1,
	       "a page that was just looked up is not valid");
	expect(&judge, looked_up->adjacent == 1,
	       "a page is not valid because the one before it was unmapped");
	expect(&judge, looked_up->stale == 0,
	       "a page is valid that was unmapped since it was looked up");
	expect(&judge, looked_up->again == 1,
	       "a page cannot be looked up again, or is not valid then");
	return judge.broken;
}

/* The caller's end reaches everybody once, also the one that failed. */
static int judge_blockable(const struct scenario *scenario,
			   const struct mn_contract_status *counts)
{
	struct judge judge = { .scenario = scenario->name };

	expect(&judge, counts->ordered, "nobody was asked and failed");
	expect(&judge, counts->above.blockable, "above was not called");
	expect(&judge, !counts->below.count, "below: the count is left at %lld",
	       (long long)counts->below.count);
	expect(&judge, !counts->above.count, "above: the count is left at %lld",
	       (long long)counts->above.count);
	expect(&judge, !counts->lock.held && !counts->lock.stray_ends,
	       "the lock is held %lld times, after %llu ends without a start",
	       (long long)counts->lock.held,
	       (unsigned long long)counts->lock.stray_ends);
	expect(&judge, !counts->under_way,
	       "the mirror is left with %lld invalidations under way",
	       (long long)counts->under_way);
	return judge.broken;
}

static int judge_outcome(const struct scenario *scenario,
			 const struct outcome *outcome)
{
	struct judge judge = { .scenario = scenario->name };

	if (outcome->asked)
		return judge_looked_up(scenario, &outcome->looked_up);
	if (!scenario->reap)
		return judge_blockable(scenario, &outcome->counts);

	judge_counts(&judge, scenario, &outcome->counts);
	expect(&judge, !strcmp(outcome->reap, scenario->reap),
	       "reaping came to \"%s\", should be \"%s\"", outcome->reap,
	       scenario->reap);
	expect(&judge, !strcmp(outcome->reader, "returned"),
	       "the mirror's reader does not return");
	expect(&judge, strcmp(outcome->remove, "stuck"),
	       "the mirror cannot be detached");
	expect(&judge, !strcmp(outcome->freed, "yes"),
	       "the victim's memory is not freed");
	/* What was reaped is free before the mm goes. */
	if (!strcmp(scenario->reap, "ok"))
		expect(&judge, !strcmp(outcome->pinned, "yes"),
		       "the mm went before the memory was reaped");
	return judge.broken;
}

static void print_number(const char *key, long long value)
{
	if (value == NOT_MEASURED)
		printf(" %s=-", key);
	else
		printf(" %s=%lld", key, value);
}

static void print_counts(const struct mn_contract_status *counts, bool valid)
{
	const struct {
		const char *key;
		long long value;
	} fields[] = {
		{ "below_count", counts->below.count },
		{ "above_count", counts->above.count },
		{ "below_starts", counts->below.starts },
		{ "below_ends", counts->below.ends },
		{ "above_starts", counts->above.starts },
		{ "above_ends", counts->above.ends },
		{ "grants", counts->lock.granted },
		{ "refusals", counts->lock.refusals },
		{ "refuser_ends", counts->lock.stray_ends },
		{ "held", counts->lock.held },
		{ "ordered", counts->ordered },
		{ "mirror_calls", counts->invalidations },
		{ "under_way", counts->under_way },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		print_number(fields[i].key,
			     valid ? fields[i].value : NOT_MEASURED);
}

static void print_result(const struct scenario *scenario,
			 const struct outcome *outcome, enum verdict verdict,
			 long long took_ms)
{
	static const char *const verdicts[] = {
		[HELD] = "held", [BROKEN] = "broken", [UNABLE] = "unable",
	};

	printf("result scenario=%s", scenario->name);
	if (outcome->asked)
		printf(" fresh=%d adjacent=%d stale=%d again=%d",
		       outcome->looked_up.fresh, outcome->looked_up.adjacent,
		       outcome->looked_up.stale, outcome->looked_up.again);
	print_counts(&outcome->counts, outcome->counted);
	printf(" reader=%s", outcome->reader);
	print_number("reader_us", outcome->reader_us);
	printf(" remove=%s", outcome->remove);
	print_number("remove_us", outcome->remove_us);
	printf(" reap=%s freed=%s", outcome->reap, outcome->freed);
	print_number("freed_ms", outcome->freed_ms);
	print_number("freed_mib", outcome->freed_mib);
	print_number("rss_mib_before", outcome->rss_mib);
	printf(" freed_while_pinned=%s", outcome->pinned);
	print_number("took_ms", took_ms);
	printf(" verdict=%s\n", verdicts[verdict]);
	fflush(stdout);
}

static enum verdict run(const struct scenario *scenario)
{
	struct outcome outcome = {
		.reap = "-",
		.reader = "-",
		.reader_us = NOT_MEASURED,
		.remove = "-",
		.remove_us = NOT_MEASURED,
		.freed = "-",
		.freed_ms = NOT_MEASURED,
		.freed_mib = NOT_MEASURED,
		.rss_mib = NOT_MEASURED,
		.pinned = "-",
	};
	long long since = now_ns();
	enum verdict verdict;

	printf("%s: %s\n", scenario->name, scenario->what);
	if (scenario->run(scenario, &outcome))
		verdict = UNABLE;
	else
		verdict = judge_outcome(scenario, &outcome) ? BROKEN : HELD;
	print_result(scenario, &outcome, verdict,
		     (now_ns() - since) / 1000000);
	return verdict;
}

static const struct scenario *find(const char *name)
{
	int i;

	for (i = 0; i < scenario_count; i++)
		if (!strcmp(scenarios[i].name, name))
			return &scenarios[i];
	return NULL;
}

/* Why the scenario is none for this kernel, or NULL. */
static const char *why_not(const struct scenario *scenario,
			   const struct mn_contract_status *status)
{
	if (scenario->hmm && !(status->flags & MN_CONTRACT_HMM))
		return "its mirrors are not HMM's";
	if (scenario->mrelease && !victim_mrelease_exists())
		return "it has no process_mrelease()";
	return NULL;
}

static int usable(struct mn_contract_status *status)
{
	int rig;

	if (geteuid())
		return complain("needs root");
	rig = open(MN_CONTRACT_DEVICE, O_RDWR | O_CLOEXEC);
	if (rig < 0 || ioctl(rig, MN_CONTRACT_STATUS, status))
		return complain(MN_CONTRACT_DEVICE ": %s, is the module mn_contract loaded?",
				strerror(errno));
	close(rig);
	return cgroup_usable();
}

int main(int argc, char **argv)
{
	bool seen[UNABLE + 1] = { false };
	struct mn_contract_status status;
	const char *why;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			print_help(stdout);
			return EXIT_HELD;
		}
		if (!find(argv[i])) {
			complain("no scenario \"%s\", see --help", argv[i]);
			return EXIT_UNABLE;
		}
	}
	if (usable(&status))
		return EXIT_UNABLE;

	if (argc > 1)
		for (i = 1; i < argc; i++)
			seen[run(find(argv[i]))] = true;
	else
		for (i = 0; i < scenario_count; i++) {
			why = why_not(&scenarios[i], &status);
			if (why)
				printf("%s: not on this kernel, %s\n",
				       scenarios[i].name, why);
			else
				seen[run(&scenarios[i])] = true;
		}

	if (seen[BROKEN])
		return EXIT_BROKEN;
	return seen[UNABLE] ? EXIT_UNABLE : EXIT_HELD;
}
