// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* The header is that of include/linux/swap.h. */
#include "zram_swap.h"
#include "leave.h"
#include "write_file.h"
#include "zram.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

enum { PAGE = 4096, HEADER_AT = 1024, MAGIC_AT = PAGE - 10, VERSION = 1 };

static const char *device;	/* or NULL */

bool zram_swap_available(void)
{
	return !access("/proc/swaps", R_OK) && zram_available();
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
	int ret;

	leave_with(leave);
	ret = zram_swap_end();
	if (!ret)
		ret = zram_add(mib, &device);
	if (ret)
		return ret;
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
	int ret;

	if (!device)
		return 0;
	/* It may not be on. */
	if (swapoff(device) && errno != EINVAL)
		return -errno;
	ret = zram_remove();
	if (!ret)
		device = NULL;
	return ret;
}
