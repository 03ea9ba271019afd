// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/*
 * igt_emit_ignore_dmesg_regex() for libraries of before 2024. A runner that knows of it
 * finds this line in the kernel log; the words are those of IGT's lib/igt_core.c.
 */
#include "igt_decl.h"

#ifdef IGT_STANDALONE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void igt_emit_ignore_dmesg_regex(const char *regex)
{
	const int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char line[1024];
	/* One write is one line there, so no stream. */
	const int n = snprintf(line, sizeof(line), "<6>[IGT] add ignored dmesg regex: %s\n", regex);

	igt_assert_f(n < (int)sizeof(line), "a regular expression of %d bytes is too long\n", n);
	igt_assert_f(fd >= 0 && write(fd, line, n) == n, "/dev/kmsg: %s\n", strerror(errno));
	close(fd);
}
#endif
