/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef ZRAM_H
#define ZRAM_H
/* A block device of our own, in compressed memory, one at a time. For root. 0 or -errno. */
#include <stdbool.h>

/* Can the kernel make another one? */
bool zram_available(void);
/* Make it, and give its path, which stays until it is removed. One that is left goes first. */
int zram_add(unsigned int mib, const char **path);
/* It is gone. Without one, nothing. */
int zram_remove(void);
#endif
