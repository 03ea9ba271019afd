// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "poll_within.h"
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>

int poll_within(int fd, short events, unsigned int ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	const int64_t end = now_ms() + ms;
	int64_t left = ms;
	int ret;

	do {
		ret = poll(&pfd, 1, left > 0 ? left : 0);
		left = end - now_ms();
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}
