/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef BOARD_CLIENT_H
#define BOARD_CLIENT_H
/*
 * The control function of a board (board/control_abi.h), through sysfs: statistics, knobs, gates,
 * channels, accesses in the name of channels, events. It needs root, and no driver.
 *
 * Functions return 0 or -errno; then board->why is a sentence that says what is wrong. Processes
 * that use one board take turns by themselves; of the threads of a process, one uses it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "control_abi.h"

#define BOARD_NAME	33	/* a name of 32 bytes and its end */
#define BOARD_NAMES	128	/* of a kind, at most */

struct board {
	char gpu[32], control[32];	/* PCI addresses: 0000:00:05.0, 0000:00:05.1 */
	int fd;
	volatile uint32_t *reg;
	unsigned int stats, knobs, gates, channels;	/* how many it has of each */
	unsigned int next;	/* entry of an access: those before it may still be read */
	char name[CONTROL_EVENT + 1][BOARD_NAMES][BOARD_NAME];	/* those that were asked for */
	char why[256];
};

/* Is the PCI device with that address a board? */
bool board_is(const char *gpu);
/* The board whose GPU has that PCI address; NULL: the only one. */
int board_open(struct board *board, const char *gpu);
void board_close(struct board *board);
uint32_t board_serial(struct board *board);

/*
 * The name of a statistic, a knob, a gate or an event; empty if there are not so many. It is asked
 * for once, here or where it is used first, and kept in *board.
 */
const char *board_name(struct board *board, enum control_kind kind, unsigned int index);

/* Statistics. They begin anew with board_clear(). */
int board_stat(struct board *board, const char *name, uint64_t *value);
int board_clear(struct board *board);

int board_knob(struct board *board, const char *name, uint64_t *value);
/* -EINVAL: the board does not take that value. */
int board_knob_set(struct board *board, const char *name, uint64_t value);

/* Save all of them, and set them as they were. */
struct board_knobs {
	uint64_t value[BOARD_NAMES];
};

void board_knobs(struct board *board, struct board_knobs *knobs);
void board_knobs_restore(struct board *board, const struct board_knobs *knobs);

/* Gates. held: how many wait at it. */
int board_gate(struct board *board, const char *name, bool *closed, uint32_t *held);
int board_gate_close(struct board *board, const char *name);
int board_gate_open(struct board *board, const char *name);
/* All of them. */
void board_gates_open(struct board *board);
/* Wait until so many are held. -ETIME: not within ms. */
int board_gate_wait_held(struct board *board, const char *name, uint32_t held, unsigned int ms);

/* Channels, by their number, which is what nouveau returns for a new one. */
struct board_channel {
	enum control_chan state;
	uint32_t runlist;
	uint64_t inst;		/* its instance block */
	uint64_t pdb;		/* its topmost page directory */
	uint64_t fault;		/* the address at which it waits or has failed */
};

int board_channel(struct board *board, unsigned int chan, struct board_channel *channel);
/* How many there are now. */
unsigned int board_channels(struct board *board);
/* Wait until there are so many. -ETIME: not within ms. */
int board_channels_wait(struct board *board, unsigned int nr, unsigned int ms);
const char *board_channel_state(enum control_chan state);

/* Accesses in the name of channels. */
enum board_type { BOARD_READ, BOARD_WRITE, BOARD_ATOMIC, BOARD_PREFETCH };

struct board_access {
	uint32_t chan;
	uint32_t type;		/* enum board_type */
	uint64_t va;
	uint32_t value;		/* to be written or added; then what was read */
	enum control_state state;
	unsigned int entry;	/* the control function's, once it has begun */
};

/*
 * Begin up to CONTROL_ACCESSES at once. There may be others under way, of this process or of
 * others: -EBUSY if there is no room for so many beside them. What they come to is kept while this
 * process begins as many again; another process may begin one in the place of one that has ended.
 */
int board_access_start(struct board *board, struct board_access *access, unsigned int nr);
/* Have they all ended by now? */
bool board_access_ended(struct board *board, const struct board_access *access, unsigned int nr);
/* Wait for all of them, and fill in value and state. -ETIME: not within ms; they go on. */
int board_access_wait(struct board *board, struct board_access *access, unsigned int nr,
		      unsigned int ms);
/* Give up all that are not done; their state is CONTROL_STOPPED. */
int board_access_stop(struct board *board);
/* Start and wait, in batches if there are many; what is not done in time is stopped. */
int board_access(struct board *board, struct board_access *access, unsigned int nr,
		 unsigned int ms);
const char *board_access_state(enum control_state state);

/* Events, numbered from 0. */
struct board_event {
	uint64_t time;		/* ns since the board came up */
	uint32_t kind;
	int32_t chan;		/* -1: of none */
	uint64_t addr, data;
};

/* The number of the next one: from here on. */
uint64_t board_mark(struct board *board);
/* Take event *mark and go on to the next. 1; 0: there is none yet; -ENODATA: it is gone. */
int board_event_next(struct board *board, uint64_t *mark, struct board_event *event);
const char *board_event_name(struct board *board, uint32_t kind);

#define BOARD_ALL_CHANNELS	(~0u)

/* Set the oracle aside for addresses of a channel's address space: the driver's own window. */
int board_exclude(struct board *board, unsigned int chan, uint64_t start, uint64_t size);
enum control_oracle board_oracle(struct board *board);
/* Wait until it has found the guest's struct page. -ETIME: not within ms; -ENODEV: it is off. */
int board_oracle_wait(struct board *board, unsigned int ms);
#endif
