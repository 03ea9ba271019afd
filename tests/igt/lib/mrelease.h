/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef MRELEASE_H
#define MRELEASE_H
/* process_mrelease(2), for which C libraries of before 2022 have no function. */

/* 0 or -errno. */
int mrelease(int pidfd);
/* Skips if the kernel has no such call. */
void require_mrelease(void);
#endif
