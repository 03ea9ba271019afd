/* SPDX-License-Identifier: MIT */
#ifndef SIM_H
#define SIM_H
/* The software GPU's debugfs files; see Documentation/gpu/nouveau-sim.rst. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum sim_type { SIM_READ, SIM_WRITE, SIM_ATOMIC, SIM_PREFETCH };

struct sim_access {
	int chan;
	enum sim_type type;
	uint64_t addr;
	uint32_t value;		/* to write or add; read, or what was there before */
	int error;		/* 0 or -errno */
};

bool sim_present(void);
uint64_t sim_stat(const char *name);
/* Number of channels that are bound, and the state of one ("" if it is not). */
int sim_channels(void);
/* Wait until there are so many channels. False after a while. */
bool sim_channels_are(int nr);
const char *sim_channel_state(int chan);
/* The address of its instance block, by which nouveau sorts faults. */
uint64_t sim_channel_inst(int chan);
void sim_knob(const char *name, unsigned int value);
/* Close or open a gate: fault, notify, replay, flush. */
void sim_gate(const char *name, bool closed);
/* Wait until so many are held at a gate. False after a while. */
bool sim_gate_holds(const char *name, unsigned int nr);
/* All gates open, all knobs as they were: whatever a scenario has left behind. */
void sim_reset(void);
/* What is written to the access file, as it is. 0 or -errno. */
int sim_access_text(const char *text);
/* Make a batch of accesses, wait for all of them. 0 or -errno. */
int sim_access(struct sim_access *access, unsigned int nr);

/* The same in the background. */
struct sim_async {
	struct sim_access *access;
	unsigned int nr;
	int ret;
	volatile bool done;
	pthread_t thread;
};

void sim_access_start(struct sim_async *async, struct sim_access *access, unsigned int nr);
int sim_access_wait(struct sim_async *async);
/* Bind the device to its driver, or unbind it. 0 or -errno. */
int sim_bind(bool bind);
#endif
