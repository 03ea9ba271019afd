/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef BOARD_SCENARIO_H
#define BOARD_SCENARIO_H
/*
 * Tests for which the device has to do something at a certain moment, or to stop there: they use
 * the board's control function (board_client.h), and silicon has none.
 *
 * A scenario is a process of its own, so that the end of a client is part of it: afterwards no
 * channel may be left, and no access may have been to a page that was not the process's. In its
 * processes IGT's assertions are of no use, see child.h. There, what fails below ends the process.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board_client.h"
#include "child.h"
#include "clock.h"
#include "gpu.h"
#include "svm_wait.h"

/* In a fixture: skip unless nouveau's device is a board. */
void scenario_require_board(void);
/* Skip unless nouveau has a second board. */
void scenario_require_second_board(void);
/* For tests that use it themselves. */
struct board *scenario_board(void);
/*
 * What has to be the same before a test and afterwards, of all boards: channels, accesses to pages
 * that mm had freed, page tables that are none. scenario_compare() asserts it.
 */
struct scenario_before {
	uint64_t stale, bad_tables;
	unsigned int channels, second_channels;
};

void scenario_note(struct scenario_before *before);
void scenario_compare(const struct scenario_before *before);
/* Run one, and assert that it has done well, and that these are the same. */
void scenario_run(void (*run)(void));

/* A scenario that is a subtest. */
struct scenario {
	const char *name, *what;
	void (*run)(void);
	bool kills;		/* a channel */
	bool unbinds;		/* the device */
	bool fuse, huge;	/* it needs /dev/fuse, 2 MiB pages */
};

/* Each as a subtest; within igt_main(). */
void scenario_subtests(const struct scenario *scenario, unsigned int nr);

/* ---- in a scenario ---- */

/* The render node of the board. */
const char *scenario_node(void);
const char *scenario_second_node(void);
/* A client with shared virtual memory; with a channel; and the end of both. */
void scenario_open_client(struct gpu *gpu, const char *of);
void scenario_open(struct gpu *gpu, struct chan *chan);
void scenario_close(struct gpu *gpu, struct chan *chan);
void scenario_open_channel(struct gpu *gpu, struct chan *chan);

/* Bind the board's GPU to nouveau, or unbind it. */
void scenario_bind(bool bind);
/* How many channels there are, and wait until there are so many again. */
unsigned int channels_now(void);
void wait_channels(unsigned int nr);

/* What the board has counted. */
uint64_t counted(const char *stat);
/* Page faults that it has reported for a replay. */
uint64_t counted_faults(void);
/* Wait until there have been so many. */
void wait_faults(uint64_t count);
struct board_channel channel_of(const struct chan *chan);
void set_knob(const char *knob, uint64_t value);
void close_gate(const char *gate);
/* Fails if the gate has opened by itself. */
void open_gate(const char *gate);
/* Wait until it holds something. */
void wait_gate(const char *gate);

struct board_access access_of(const struct chan *chan, enum board_type type, const void *addr,
			      uint32_t value);
/* Accesses in the name of channels: begin, wait, and both. */
void accesses_begin(struct board_access *access, unsigned int nr);
bool accesses_ended(const struct board_access *access, unsigned int nr);
void accesses_wait(struct board_access *access, unsigned int nr);
void accesses(struct board_access *access, unsigned int nr);
/* The same for accesses that all fault. The driver gets the interrupt when all have. */
void accesses_in_one_batch(struct board_access *access, unsigned int nr);
/* One of them. Has it been done? */
bool access_one(const struct chan *chan, enum board_type type, const void *addr, uint32_t *value);
/* One that has to end its channel; what: "a write to ...". */
void refused_one(const struct chan *chan, enum board_type type, const void *addr, uint32_t value,
		 const char *what);

/* Begin a copy of bytes. */
void copy_begin(struct chan *chan, void *dst, const void *src, uint32_t n);
/* Wait for all that was begun on it. False: not within the limit. */
bool copy_ended(struct chan *chan);

/* Wait until a condition holds. */
#define WAIT_UNTIL(ok, what) do {						\
	const int64_t give_up = now_ms() + SVM_WAIT_MS;				\
										\
	while (!(ok)) {								\
		CHILD_CHECK(now_ms() < give_up, "waited %u ms until %s",	\
			    SVM_WAIT_MS, what);					\
		usleep(1000);							\
	}									\
} while (0)

/* Zeroed memory of small pages that nothing has touched. */
void *small_pages(size_t size);
/* The same, shared with children to come. */
void *shared_pages(size_t size);
/* Memory of 2 MiB pages, as far as the kernel has any, filled with a byte. */
enum { SCENARIO_HUGE = 2 << 20 };
void *huge_pages(size_t size, uint8_t byte);
/* A child of the scenario, see child_start(); its exit status, or 128 + the signal. */
pid_t scenario_child(void);
int scenario_reap(pid_t pid);
/* Kill it, and wait for it. */
void scenario_kill(pid_t pid);
#endif
