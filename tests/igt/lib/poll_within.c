// SPDX-License-Identifier: MIT
#include "poll_within.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

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
