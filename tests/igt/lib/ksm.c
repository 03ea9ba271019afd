// SPDX-License-Identifier: MIT
/* Documentation/admin-guide/mm/ksm.rst */
#include "ksm.h"

#include <errno.h>
#include <fcntl.h>
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

static int file(const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	return open(path, flags | O_CLOEXEC);
}

static int get(const char *name, char *text, size_t size)
{
	const int fd = file(name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	text[n] = 0;
	return 0;
}

static int put(const char *name, const char *text)
{
	const int fd = file(name, O_WRONLY);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

bool ksm_available(void)
{
	const int fd = file("run", O_WRONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int ksm_begin(void)
{
	unsigned int i;
	int ret = 0;

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
	const long begin = scans();
	struct timespec t;
	long long end;

	if (begin < 0)
		return -EIO;
	clock_gettime(CLOCK_MONOTONIC, &t);
	end = t.tv_sec * 1000LL + t.tv_nsec / 1000000 + ms;
	/* Nothing tells of it. The one that is under way may have passed us. */
	while (scans() < begin + (long)times + 1) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		if (t.tv_sec * 1000LL + t.tv_nsec / 1000000 > end)
			return -ETIME;
		nanosleep(&pause, NULL);
	}
	return 0;
}
