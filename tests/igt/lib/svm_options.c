// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "svm_options.h"
#include "igt_decl.h"

#include <errno.h>

struct svm_options svm_options = { .kills = 8 };

enum { UNBIND = 1, GLOBAL_OOM, MACHINE, KILLS, SECONDS };

/* A day. */
enum { MOST_SECONDS = 86400 };

const struct option svm_long_options[] = {
	{ "unbind", no_argument, NULL, UNBIND },
	{ "global-oom", no_argument, NULL, GLOBAL_OOM },
	{ "machine", no_argument, NULL, MACHINE },
	{ "kills", required_argument, NULL, KILLS },
	{ "seconds", required_argument, NULL, SECONDS },
	{}
};

const char svm_help[] =
	"  --unbind\tUnbind the device from its driver, where a test is about that: all of its\n"
	"\t\tusers lose it, and there are kernels that crash\n"
	"  --global-oom\tLeave the machine without memory, where a test is about that\n"
	"  --machine\tCompact the machine's memory, merge its pages, add swap space, where a test\n"
	"\t\tis about that\n"
	"  --kills N\tKill N victims in nouveau_svm_oom@repeated-kills (8)\n"
	"  --seconds N\tGo on for N seconds in nouveau_svm_oom@pressure (as long as it takes)\n";

static bool to_number(const char *text, unsigned int min, unsigned int max, unsigned int *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min || value > max)
		return false;
	*number = value;
	return true;
}

int svm_option(int option, int index, void *unused)
{
	bool ok = true;

	(void)index;
	(void)unused;
	switch (option) {
	case UNBIND:
		svm_options.unbind = true;
		break;
	case GLOBAL_OOM:
		svm_options.global_oom = true;
		break;
	case MACHINE:
		svm_options.machine = true;
		break;
	case KILLS:
		/* Every fourth is the OOM killer's: two of these. */
		ok = to_number(optarg, 8, SVM_MOST_KILLS, &svm_options.kills);
		break;
	case SECONDS:
		ok = to_number(optarg, 0, MOST_SECONDS, &svm_options.seconds);
		break;
	default:
		ok = false;
	}
	if (ok)
		return IGT_OPT_HANDLER_SUCCESS;
	if (optarg)
		igt_warn("\"%s\" is no number that this option takes, see --help\n", optarg);
	return IGT_OPT_HANDLER_ERROR;
}

void require_unbind(void)
{
	igt_require_f(svm_options.unbind, "it takes the device from all of its users, and may "
		      "crash the kernel: --unbind\n");
}

void require_global_oom(void)
{
	igt_require_f(svm_options.global_oom, "it takes all of the machine's memory: "
		      "--global-oom\n");
}

void require_machine(void)
{
	igt_require_f(svm_options.machine, "it changes settings of all of the machine, or its "
		      "swap: --machine\n");
}
