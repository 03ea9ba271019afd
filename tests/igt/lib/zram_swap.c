// SPDX-License-Identifier: MIT
/* Documentation/admin-guide/blockdev/zram.rst; the header is that of include/linux/swap.h. */
#include "zram_swap.h"
#include "clock.h"
#include "leave.h"
#include "write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <time.h>
#include <unistd.h>

#define CONTROL "/sys/class/zram-control/"

enum { PAGE = 4096, HEADER_AT = 1024, MAGIC_AT = PAGE - 10, VERSION = 1 };

/* How long somebody may have it open who looks what it is. */
enum { LIMIT_MS = 100000 };

static int number = -1;		/* of the device */
static char device[32];

static int put_number(const char *path, unsigned long long value)
{
	char text[32];

	return write_file(path, text, snprintf(text, sizeof(text), "%llu", value));
}

bool zram_swap_available(void)
{
	return !access("/proc/swaps", R_OK) && !access(CONTROL "hot_add", R_OK);
}

static int add_device(void)
{
	char text[16] = "";
	const int fd = open(CONTROL "hot_add", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	number = atoi(text);
	snprintf(device, sizeof(device), "/dev/zram%d", number);
	return 0;
}

static int make_header(unsigned int pages)
{
	static uint8_t header[PAGE];
	const uint32_t info[2] = { VERSION, pages - 1 };

	memcpy(header + HEADER_AT, info, sizeof(info));
	memcpy(header + MAGIC_AT, "SWAPSPACE2", 10);
	return write_file(device, header, PAGE);
}

static int swap_on(void)
{
	return swapon(device, SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK) ? -errno : 0;
}

static void leave(void)
{
	zram_swap_end();
}

int zram_swap_begin(unsigned int mib)
{
	char path[64];
	int ret;

	leave_with(leave);
	ret = zram_swap_end();
	if (!ret)
		ret = add_device();
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "/sys/block/zram%d/disksize", number);
	ret = put_number(path, (unsigned long long)mib << 20);
	if (!ret)
		ret = make_header((mib << 20) / PAGE);
	if (!ret)
		ret = swap_on();
	if (ret)
		zram_swap_end();
	return ret;
}

int zram_swap_empty(void)
{
	return swapoff(device) ? -errno : swap_on();
}

int zram_swap_end(void)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	const int64_t limit = now_ms() + LIMIT_MS;
	int ret;

	if (number < 0)
		return 0;
	/* It may not be on. */
	if (swapoff(device) && errno != EINVAL)
		return -errno;
	/* udev looks at a device that was written to, and nothing tells when it is done. */
	while ((ret = put_number(CONTROL "hot_remove", number)) == -EBUSY && now_ms() < limit)
		nanosleep(&pause, NULL);
	if (!ret)
		number = -1;
	return ret;
}
