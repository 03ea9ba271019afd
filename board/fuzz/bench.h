/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H
/*
 * What the fuzzers work on: a board that is made once and put back for each input, with page
 * tables, a channel, and a guest's memory. VRAM is 1 MiB.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../control.h"
#include "../gpu.h"

#define BENCH_VRAM	(1ULL << 20)
#define BENCH_IOVA	0x140000000ULL
#define BENCH_GUEST	(16 * PAGE_SIZE)
#define BENCH_CANARY	(BENCH_GUEST - PAGE_SIZE)	/* mapped, but in no page table */
#define BENCH_VA	0x7f1234400000ULL
#define BENCH_PAGES	8
#define BENCH_CHAN	3

#define GP_VA		0x200000ULL
#define GP_NR		16
#define SEM_VA		0x201000ULL
#define PUSH_VA		0x202000ULL
#define PUSH_SIZE	0x4000

enum {
	AT_PD3 = 0x10000, AT_PD2 = 0x11000, AT_PD1 = 0x12000, AT_PD0 = 0x13000, AT_SPT = 0x14000,
	AT_LPT = 0x15000, AT_OWN_PD1 = 0x16000, AT_OWN_PD0 = 0x17000, AT_OWN_SPT = 0x18000,
	AT_TABLES_END = 0x19000,
	AT_INST = 0x20000, AT_RUNLIST = 0x21000, AT_GP = 0x30000, AT_SEM = 0x31000,
	AT_PUSH = 0x32000, AT_BAR1 = 0x40000, AT_BAR2 = 0x50000, AT_USERD = 0x60000,
	AT_BAR2_SHOWS = 0xa0000,
};
#define FAULT_BUFFER	0x20000

struct bench {
	struct events events;
	struct gpu gpu;
	struct control control;
	uint8_t image[BENCH_VRAM];	/* VRAM as it is before each input */
	uint8_t *guest;
	int fd;
};

struct bench *bench_new(bool bar2_mapped);
/* As after bench_new(): with a channel that runs. */
void bench_reset(struct bench *bench);
/* Let the engines work, so often at most. */
void bench_work(struct bench *bench, unsigned int times);
/* What no translation leads to is as it was. */
void bench_check(const struct bench *bench);

void bench_write(struct bench *bench, uint32_t addr, uint32_t value);
uint32_t bench_read(struct bench *bench, uint32_t addr);

/* An input, taken piece by piece; when it is used up, zeros. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline void take(struct input *input, void *to, size_t len)
{
	const size_t n = len < input->left ? len : input->left;

	memset(to, 0, len);
	if (n)
		memcpy(to, input->at, n);
	input->at += n;
	input->left -= n;
}

static inline uint8_t take8(struct input *input)
{
	uint8_t value;

	take(input, &value, 1);
	return value;
}

static inline uint16_t take16(struct input *input)
{
	uint16_t value;

	take(input, &value, 2);
	return value;
}

static inline uint32_t take32(struct input *input)
{
	uint32_t value;

	take(input, &value, 4);
	return value;
}

static inline uint64_t take64(struct input *input)
{
	uint64_t value;

	take(input, &value, 8);
	return value;
}
#endif
