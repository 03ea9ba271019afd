// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* The format of /dev/kmsg, a record a read: Documentation/ABI/testing/dev-kmsg of the kernel. */
#include "kmsg.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

int kmsg_open(void)
{
	const int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		return -errno;
	return fd;
}

int kmsg_wait(int fd, const char *first, const char *second, unsigned int ms)
{
	const int64_t end = now_ms() + ms;
	char line[2048];
	int64_t left;
	ssize_t n;

	for (;;) {
		n = read(fd, line, sizeof(line) - 1);
		if (n > 0) {
			line[n] = 0;
			if (strstr(line, first))
				return 0;
			if (strstr(line, second))
				return 1;
			continue;
		}
		/* Overwritten before it was read: what is wanted may still come. */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		left = end - now_ms();
		if (left <= 0)
			return -ETIME;
		poll(&(struct pollfd) { .fd = fd, .events = POLLIN }, 1, left);
	}
}
