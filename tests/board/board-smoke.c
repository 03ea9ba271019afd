// SPDX-License-Identifier: MIT
/*
 * Smoke test of nouveau on a board, from the probe to rmmod. A line for each step:
 *
 *	ok NAME: figures that are not 0
 *	FAIL NAME: why
 *	skip NAME: not applicable because ...
 *	skip NAME: this kernel is known to fail here: ...
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "smoke.h"
#include "write_file.h"

struct board board;
enum expect expect;

/*
 * Where the device is known to go on in pages that are not its process's any more, on a kernel
 * without this project's series. In every other step, and on every patched kernel, there must be
 * no such access. At least that many: a page that has been given away may have become somebody
 * else's, and then looks right.
 */
static const struct {
	const char *step;
	unsigned int since;	/* smoke_kernel() */
	unsigned int stale;
	const char *why;
} known[] = {
	{ "svm-bind", 703, 128,
	  "nouveau_pfns_map() takes a page shift, nouveau_dmem_migrate_chunk() gives it an order: "
	  "what was migrated stays mapped where it was" },
	{ "exit", 0, 128,
	  "nouveau has no mmu notifier release(): when an mm ends, its pages stay mapped" },
};

/*
 * Steps that break a kernel without the series that is older than .before. They run only if they
 * are named, and fail then; so do the steps after them.
 */
#define NO_FENCE	"fences of a channel that was killed are signalled by a time-out only"
#define ZERO_PAGE	"a read of the zero page ends its channel (hmm_range_fault()), and " NO_FENCE
static const struct {
	const char *step;
	unsigned int before;	/* smoke_kernel() */
	const char *why;
} broken[] = {
	{ "recovery", 504, NO_FENCE },
	{ "refault", 504, ZERO_PAGE },
	{ "cancel", 504, NO_FENCE },
	{ "gate-flush", 504, ZERO_PAGE },
};

static const struct {
	const char *name, *what;
} expects[] = {
	[STOCK] = { "stock", "a kernel as it is, with shared virtual memory" },
	[PATCHED] = { "patched", "a kernel with the series" },
	[PLAIN] = { "plain", "a kernel without CONFIG_DRM_NOUVEAU_SVM" },
};

/* What a step's process tells. */
enum verdict { UNKNOWN, FAILED, SKIPPED };

static struct result {
	enum verdict verdict;
	char why[400];
	unsigned int figures;
	struct {
		char key[40];
		unsigned long long value;
	} figure[64];
} *result;

static unsigned int passed, failed, skipped;
static bool figures;

/* What a step leaves behind would hold up its process's end, and the next step. */
static void let_go(void)
{
	board_gates_open(&board);
	board_access_stop(&board);
}

static void say(enum verdict verdict, const char *fmt, va_list args)
{
	result->verdict = verdict;
	vsnprintf(result->why, sizeof(result->why), fmt, args);
	let_go();
	_exit(1);
}

void smoke_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(FAILED, fmt, args);
	__builtin_unreachable();
}

void smoke_skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(SKIPPED, fmt, args);
	__builtin_unreachable();
}

void figure(const char *key, uint64_t value)
{
	const unsigned int i = result->figures;

	CHECK(i < sizeof(result->figure) / sizeof(*result->figure), "too many figures in a step");
	snprintf(result->figure[i].key, sizeof(result->figure[i].key), "%s", key);
	result->figure[i].value = value;
	result->figures++;
}

unsigned int smoke_kernel(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	return major * 100 + minor;
}

/* What channels wait for, for whoever reads of a step that is not done. */
static void note_waits(void)
{
	size_t len = 0;
	unsigned int i;

	result->why[0] = 0;
	for (i = 0; i < board.channels && len < sizeof(result->why); i++) {
		struct board_channel channel;

		if (board_channel(&board, i, &channel) || channel.state < CONTROL_CHAN_COPIES)
			continue;
		len += snprintf(result->why + len, sizeof(result->why) - len,
				"; channel %u: %s, at %#llx", i, board_channel_state(channel.state),
				(unsigned long long)channel.fault);
	}
}

/* 1: as the step has it; 0: not within its limit; -1: and it cannot be killed. */
static int run_child(const struct step *step)
{
	const pid_t pid = fork();
	int status;

	if (pid < 0) {
		snprintf(result->why, sizeof(result->why), "fork: %s", strerror(errno));
		result->verdict = FAILED;
		return 1;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		step->run();
		_exit(0);
	}
	status = reap_within(pid, step->limit * 1000);
	if (status == -ETIME) {
		note_waits();
		let_go();
		kill(pid, SIGKILL);
		return reap_within(pid, WAIT_MS) < 0 ? -1 : 0;
	}
	if (status && result->verdict == UNKNOWN) {
		const size_t n = sizeof(result->why);

		if (status < 0)
			snprintf(result->why, n, "waiting for its process: %s", strerror(-status));
		else if (status > 128)
			snprintf(result->why, n, "its process got signal %d", status - 128);
		else
			snprintf(result->why, n, "its process exited with %d", status);
		result->verdict = FAILED;
	}
	return 1;
}

/* What holds for all steps: no stale access but the known ones, nothing left behind. */
static void afterwards(const struct step *step, uint64_t stale, uint64_t bus_errors,
		       unsigned int channels)
{
	unsigned int i, wanted = 0;
	const char *why = NULL;
	uint64_t now;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (expect == STOCK && !strcmp(known[i].step, step->name) &&
		    smoke_kernel() >= known[i].since) {
			wanted = known[i].stale;
			why = known[i].why;
		}
	}
	result->verdict = FAILED;
	if (board_stat(&board, "stale_accesses", &now))
		goto client;
	now -= stale;
	if (why && now < wanted) {
		snprintf(result->why, sizeof(result->why), "%llu stale accesses where at least %u were expected (%s); if it has been fixed, say --expect patched (EXPECT=patched)",
			 (unsigned long long)now, wanted, why);
		return;
	}
	if (!why && now) {
		snprintf(result->why, sizeof(result->why), "%llu accesses to pages that are not the process's any more; board-ctl events has them",
			 (unsigned long long)now);
		return;
	}
	if (now)
		figure("stale", now);
	if (board_stat(&board, "bus_errors", &now))
		goto client;
	if (now != bus_errors) {
		snprintf(result->why, sizeof(result->why), "%llu accesses to bus addresses where nothing is",
			 (unsigned long long)(now - bus_errors));
		return;
	}
	if (channels && board_channels_wait(&board, channels, WAIT_MS))
		goto client;
	result->verdict = UNKNOWN;
	return;
client:
	snprintf(result->why, sizeof(result->why), "%s", board.why);
}

static void print_figures(const struct step *step)
{
	const char *before = ":";
	unsigned int i;

	for (i = 0; !figures && i < result->figures; i++) {
		if (!result->figure[i].value)
			continue;
		printf("%s %s=%llu", before, result->figure[i].key, result->figure[i].value);
		before = "";
	}
	printf("\n");
	for (i = 0; figures && i < result->figures; i++)
		printf("%s.%s=%llu\n", step->name, result->figure[i].key, result->figure[i].value);
}

/* Why this kernel is known to fail there, or NULL. */
static const char *is_broken(const struct step *step)
{
	unsigned int i;

	for (i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		if (expect != PATCHED && !strcmp(broken[i].step, step->name) &&
		    smoke_kernel() < broken[i].before)
			return broken[i].why;
	}
	return NULL;
}

/* False: it is of no use to go on. */
static bool run_step(const struct step *step, bool by_name, bool last)
{
	const char *why = by_name ? NULL : is_broken(step);
	unsigned int channels = 0;
	uint64_t stale, bus_errors;
	char mark[80];
	int ended;

	memset(result, 0, sizeof(*result));
	if (step->svm && expect == PLAIN && strcmp(step->name, "svm-init")) {
		printf("skip %s: not applicable because the kernel has no SVM\n", step->name);
		skipped++;
		return true;
	}
	if (why) {
		printf("skip %s: this kernel is known to fail here: %s; name the step to see it\n",
		       step->name, why);
		skipped++;
		return true;
	}
	if (board_stat(&board, "stale_accesses", &stale) ||
	    board_stat(&board, "bus_errors", &bus_errors)) {
		printf("FAIL %s: %s\n", step->name, board.why);
		failed++;
		return false;
	}
	channels = last ? 0 : board_channels(&board);
	/* Without a way to the log the steps run all the same. */
	snprintf(mark, sizeof(mark), "board-smoke: %s\n", step->name);
	write_text("/dev/kmsg", mark);

	ended = run_child(step);
	if (ended == 1 && result->verdict == UNKNOWN)
		afterwards(step, stale, bus_errors, channels);
	if (ended != 1) {
		printf("FAIL %s: not done within %u s%s%s\n", step->name, step->limit, result->why, ended ?
		       "; SIGKILL does not end it: it is stuck in the kernel" : "");
		failed++;
	} else if (result->verdict == FAILED) {
		printf("FAIL %s: %s\n", step->name, result->why);
		failed++;
	} else if (result->verdict == SKIPPED) {
		printf("skip %s: not applicable because %s\n", step->name, result->why);
		skipped++;
	} else {
		printf("ok %s", step->name);
		print_figures(step);
		passed++;
	}
	fflush(stdout);
	return ended >= 0;
}

static const struct step * const tables[] = { driver_steps, svm_steps, power_steps, end_steps };
enum { TABLES = sizeof(tables) / sizeof(*tables) };

static void list(void)
{
	const struct step *step;
	unsigned int i;

	for (i = 0; i < TABLES; i++) {
		for (step = tables[i]; step->name; step++)
			printf("%-14s %s%s\n", step->name, step->what, step->svm ? " (SVM)" : "");
	}
}

static bool chosen(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++) {
		if (!strcmp(*names, name))
			return true;
	}
	return false;
}

static bool is_step(const char *name)
{
	const struct step *step;
	unsigned int i;

	for (i = 0; i < TABLES; i++) {
		for (step = tables[i]; step->name; step++) {
			if (!strcmp(step->name, name))
				return true;
		}
	}
	return false;
}

static void usage(FILE *to)
{
	unsigned int i;

	fputs("usage: board-smoke --expect WHAT [--figures] [--gpu PCI-ADDRESS] [STEP...]\n"
	      "       board-smoke --list\n\n"
	      "Try nouveau on a board. --figures prints all figures, as lines STEP.KEY=VALUE. WHAT is:\n", to);
	for (i = 0; i < sizeof(expects) / sizeof(*expects); i++)
		fprintf(to, "  %-8s %s\n", expects[i].name, expects[i].what);
}

static int wrong(const char *cause)
{
	fprintf(stderr, "board-smoke: %s\n\n", cause);
	usage(stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const struct step *step;
	const char *gpu = NULL;
	bool has_expect = false, go_on = true;
	unsigned int i;
	int arg;

	for (arg = 1; arg < argc && argv[arg][0] == '-'; arg++) {
		if (!strcmp(argv[arg], "--help")) {
			usage(stdout);
			return 0;
		}
		if (!strcmp(argv[arg], "--list")) {
			list();
			return 0;
		}
		if (!strcmp(argv[arg], "--figures")) {
			figures = true;
		} else if (!strcmp(argv[arg], "--gpu") && arg + 1 < argc) {
			gpu = argv[++arg];
		} else if (!strcmp(argv[arg], "--expect") && arg + 1 < argc) {
			arg++;
			for (i = 0; i < sizeof(expects) / sizeof(*expects); i++) {
				if (!strcmp(argv[arg], expects[i].name)) {
					expect = i;
					has_expect = true;
				}
			}
			if (!has_expect)
				return wrong("--expect takes stock, patched or plain");
		} else {
			fprintf(stderr, "board-smoke: there is no option %s, or it needs a word after it\n\n",
				argv[arg]);
			usage(stderr);
			return 2;
		}
	}
	if (!has_expect)
		return wrong("--expect is missing; options come before the steps");
	for (i = arg; i < (unsigned int)argc; i++) {
		if (!is_step(argv[i])) {
			fprintf(stderr, "board-smoke: there is no step \"%s\"; --list has them\n", argv[i]);
			return 2;
		}
	}
	if (board_open(&board, gpu)) {
		fprintf(stderr, "board-smoke: %s\n", board.why);
		return 2;
	}
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (result == MAP_FAILED) {
		perror("board-smoke: mmap");
		return 2;
	}
	printf("board %u at %s, --expect %s\n", board_serial(&board), board.gpu,
	       expects[expect].name);
	fflush(stdout);
	for (i = 0; i < TABLES && go_on; i++) {
		for (step = tables[i]; step->name && go_on; step++) {
			if (chosen(step->name, argv + arg))
				go_on = run_step(step, argv[arg], tables[i] == end_steps);
		}
	}
	if (!go_on)
		printf("the steps after that were not run\n");
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed || !passed;
}
