// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* Documentation/admin-guide/mm/ksm.rst */
#include "ksm.h"
#include "clock.h"
#include "leave.h"
#include "write_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What is set, in this order; smart_scan passes over pages, and not every kernel has it. */
static struct {
	const char *name, *value;
	bool optional, changed;
	char before[16];
} setting[] = {
	{ "smart_scan", "0", true },
	{ "sleep_millisecs", "0" },
	{ "pages_to_scan", "2000" },
	{ "run", "1" },
};

enum { SETTINGS = sizeof(setting) / sizeof(*setting) };

#define KSM "/sys/kernel/mm/ksm/"

static int get(const char *name, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), KSM "%s", name);
	return read_text(path, text, size);
}

static int put(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), KSM "%s", name);
	return write_text(path, text);
}

bool ksm_available(void)
{
	return !access(KSM "run", W_OK);
}

int ksm_begin(void)
{
	unsigned int i;
	int ret = 0;

	leave_with(ksm_end);
	for (i = 0; i < SETTINGS && !ret; i++) {
		if (!setting[i].changed) {
			ret = get(setting[i].name, setting[i].before, sizeof(setting[i].before));
			setting[i].changed = !ret;
		}
		if (!ret)
			ret = put(setting[i].name, setting[i].value);
		if (ret == -ENOENT && setting[i].optional)
			ret = 0;
	}
	if (ret)
		ksm_end();
	return ret;
}

void ksm_end(void)
{
	unsigned int i;

	for (i = SETTINGS; i-- > 0; ) {
		if (setting[i].changed)
			put(setting[i].name, setting[i].before);
		setting[i].changed = false;
	}
}

static long scans(void)
{
	char text[32];

	return get("full_scans", text, sizeof(text)) ? -1 : atol(text);
}

int ksm_scan(unsigned int times, unsigned int ms)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	const int64_t end = now_ms() + ms;
	const long begin = scans();

	if (begin < 0)
		return -EIO;
	/*
	 * There is no event to wait for. A scan that is under way may have passed us: it does not
	 * count.
	 */
	while (scans() < begin + (long)times + 1) {
		if (now_ms() > end)
			return -ETIME;
		nanosleep(&pause, NULL);
	}
	return 0;
}
