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
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "scenario.h"

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
	      "cgroup2 at " CGROUP_ROOT ". Without arguments, all scenarios:\n"
	      "\n", out);
	for (i = 0; i < scenario_count; i++)
		fprintf(out, "  %-10s %s\n", scenarios[i].name,
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

	if (scenario->contended)
		expect(judge, lock->refusals, "nobody was asked and refused");
	else
		expect(judge, !lock->refusals, "refused without contention");
	expect(judge, !lock->stray_ends,
	       "the refuser got %llu ends without a start",
	       (unsigned long long)lock->stray_ends);
	expect(judge, !lock->held, "the refuser is left with %lld starts held",
	       (long long)lock->held);
	/* Whom a refusal precedes is not called, whom it follows is ended. */
	judge_counter(judge, "below", &counts->below,
		      lock->granted + lock->refusals);
	judge_counter(judge, "above", &counts->above, lock->granted);
	expect(judge, counts->invalidations,
	       "the interval subscription was not called");
}

static int judge_outcome(const struct scenario *scenario,
			 const struct outcome *outcome)
{
	struct judge judge = { .scenario = scenario->name };

	judge_counts(&judge, scenario, &outcome->counts);
	expect(&judge, !strcmp(outcome->reap, scenario->reap),
	       "reaping came to \"%s\", should be \"%s\"", outcome->reap,
	       scenario->reap);
	expect(&judge, !strcmp(outcome->reader, "returned"),
	       "mmu_interval_read_begin() does not return");
	expect(&judge, strcmp(outcome->remove, "stuck"),
	       "mmu_interval_notifier_remove() does not return");
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
		{ "interval_calls", counts->invalidations },
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

static int usable(void)
{
	if (geteuid())
		return complain("needs root");
	if (access(MN_CONTRACT_DEVICE, R_OK | W_OK))
		return complain("no " MN_CONTRACT_DEVICE
				", is the module mn_contract loaded?");
	return cgroup_usable();
}

int main(int argc, char **argv)
{
	bool seen[UNABLE + 1] = { false };
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
	if (usable())
		return EXIT_UNABLE;

	if (argc > 1)
		for (i = 1; i < argc; i++)
			seen[run(find(argv[i]))] = true;
	else
		for (i = 0; i < scenario_count; i++)
			seen[run(&scenarios[i])] = true;

	if (seen[BROKEN])
		return EXIT_BROKEN;
	return seen[UNABLE] ? EXIT_UNABLE : EXIT_HELD;
}
