// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "mrelease.h"
#include "igt_decl.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_process_mrelease
#define SYS_process_mrelease	448
#endif

int mrelease(int pidfd)
{
	return syscall(SYS_process_mrelease, pidfd, 0) ? -errno : 0;
}

void require_mrelease(void)
{
	igt_require_f(mrelease(-1) != -ENOSYS, "this kernel has no process_mrelease()\n");
}
