// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* Documentation/admin-guide/blockdev/zram.rst. */
#include "zram.h"
#include "clock.h"
#include "write_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CONTROL "/sys/class/zram-control/"

/* How long somebody may have it open who looks what it is. */
enum { LIMIT_MS = 100000 };

static int number = -1;		/* of the device */

static int put_number(const char *path, unsigned long long value)
{
	char text[32];

	return write_file(path, text, snprintf(text, sizeof(text), "%llu", value));
}

bool zram_available(void)
{
	return !access(CONTROL "hot_add", R_OK);
}

int zram_add(unsigned int mib, const char **path)
{
	static char device[32];
	char text[16], size[64];
	int ret = zram_remove();

	if (!ret)
		ret = read_text(CONTROL "hot_add", text, sizeof(text));
	if (!ret && !*text)
		ret = -EIO;
	if (ret)
		return ret;
	number = atoi(text);
	snprintf(device, sizeof(device), "/dev/zram%d", number);
	snprintf(size, sizeof(size), "/sys/block/zram%d/disksize", number);
	ret = put_number(size, (unsigned long long)mib << 20);
	if (ret)
		zram_remove();
	else
		*path = device;
	return ret;
}

int zram_remove(void)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	const int64_t limit = now_ms() + LIMIT_MS;
	int ret;

	if (number < 0)
		return 0;
	/* udev looks at a device that was written to, and nothing tells when it is done. */
	while ((ret = put_number(CONTROL "hot_remove", number)) == -EBUSY && now_ms() < limit)
		nanosleep(&pause, NULL);
	if (!ret)
		number = -1;
	return ret;
}
