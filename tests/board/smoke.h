/* SPDX-License-Identifier: MIT */
#ifndef SMOKE_H
#define SMOKE_H
/* The steps of the smoke test, each in a process of its own, and what they share. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board_client.h"
#include "gpu.h"

enum expect { STOCK, PATCHED, PLAIN };

struct step {
	const char *name;
	void (*run)(void);
	const char *what;	/* it shows */
	bool svm;		/* needs a kernel with shared virtual memory */
	unsigned int limit;	/* seconds, several times what a busy machine needs */
};

extern const struct step driver_steps[], svm_steps[], power_steps[], end_steps[];

/* Opened before the first step; a step's process has it from there. */
extern struct board board;
extern enum expect expect;

/* Limits of waits within a step, which end a hang. */
enum { WAIT_MS = 60000, PAGE = 4096 };

/* End the step. */
void smoke_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void smoke_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#define CHECK(ok, ...) do {						\
	if (!(ok))							\
		smoke_fail(__VA_ARGS__);				\
} while (0)
/* Something of board_client.h that has to succeed. */
#define BOARD(call) do {						\
	if (call)							\
		smoke_fail("%s", board.why);				\
} while (0)

/* A number to be printed with the step. */
void figure(const char *key, uint64_t value);

/* What the board has counted. */
struct counts {
	uint64_t faults, replays, flushes, mmio_reads, mmio_writes, bar2_reads, bar2_writes;
	uint64_t pte_reads, interrupts, stale;
	int64_t us;
};

struct counts counts_now(void);
/* Since then. */
struct counts counts_since(const struct counts *before);
/* As figures PREFIX_faults and so on. */
void counts_figures(const char *prefix, const struct counts *counts);
uint64_t stat_now(const char *name);

/* This kernel: 703 is 7.3. */
unsigned int smoke_kernel(void);
/* The render node of the board's GPU. */
const char *smoke_node(void);
/* A client, without and with shared virtual memory, and a channel of it. */
void plain_open(struct gpu *gpu, struct chan *chan);
void svm_open(struct gpu *gpu, struct chan *chan);
void more_open(struct gpu *gpu, struct chan *chan);
/* Copy, wait, and say what is wrong. */
void must_copy(struct chan *chan, void *dst, const void *src, size_t n, const char *what);
/* A MiB of words that is copied to VRAM, and from there. */
struct copied {
	struct nouveau_bo *from, *via, *to;
	uint32_t seed;
};

void put_in_vram(struct gpu *gpu, struct chan *chan, struct copied *copied, uint32_t seed);
void get_from_vram(struct chan *chan, struct copied *copied);
/* Wait for that, compare, and give the buffers back. */
void end_round(struct chan *chan, struct copied *copied);
/* Memory of 4 KiB pages that nothing has touched. */
void *small_pages(unsigned int nr);
/* As chan_wait() says it. */
const char *chan_said(int ret);
/* A child's exit status, or 128 + the signal that ended it. -ETIME: not within ms. */
int reap_within(int pid, unsigned int ms);
#endif
