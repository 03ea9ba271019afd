/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef CLOCK_H
#define CLOCK_H
/*
 * CLOCK_MONOTONIC. igt_nsec_elapsed() has the time since its first call; most callers here have a
 * deadline, or compare with another process.
 */
#include <stdint.h>
#include <time.h>

static inline int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static inline int64_t now_ms(void)
{
	return now_us() / 1000;
}
#endif
