// SPDX-License-Identifier: MIT
/* Documentation/admin-guide/blockdev/zram.rst; the header is that of include/linux/swap.h. */
#include "zram_swap.h"
#include "write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#define CONTROL "/sys/class/zram-control/"

enum { PAGE = 4096, HEADER_AT = 1024, MAGIC_AT = PAGE - 10, VERSION = 1 };

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

int zram_swap_begin(unsigned int mib)
{
	char path[64];
	int ret;

	zram_swap_end();
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
	const int nr = number;

	if (nr < 0)
		return 0;
	number = -1;
	/* It may not be on yet. */
	if (swapoff(device) && errno != EINVAL)
		return -errno;
	return put_number(CONTROL "hot_remove", nr);
}
