/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef RANDOM_H
#define RANDOM_H
/* The same numbers for the same state everywhere. A state is never 0. */
#include <stddef.h>
#include <stdint.h>

static inline uint32_t next_random(uint32_t *state)
{
	/* xorshift; Marsaglia 2003 */
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static inline void fill_random(void *buf, size_t n, uint32_t state)
{
	uint8_t *p = buf;

	while (n--)
		*p++ = next_random(&state) >> 8;
}
#endif
