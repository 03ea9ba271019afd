/* SPDX-License-Identifier: MIT */
#ifndef TEST_H
#define TEST_H
/* Scenarios, each in a process of its own, and what they have in common. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct scenario {
	const char *name;
	void (*run)(void);
	const char *what;	/* it shows */
	unsigned int limit;	/* seconds, on a machine that does nothing else; see main.c */
	bool vram;		/* needs device memory */
	bool no_vram;		/* needs a device without memory */
	bool second;		/* needs a second device */
	bool huge;		/* needs transparent huge pages */
	const char *defect;	/* of nouveau's, that makes it fail; see -k */
	unsigned int since;	/* ... and came with this kernel: 703 is 7.3 */
	bool sometimes;		/* ... but only by stale accesses, and not every time */
	bool wrecks;		/* ... and the kernel with it: not run with -k */
	bool extra;		/* only if it is asked for by its name */
};

/* One table per file. */
extern const struct scenario copy_scenarios[], mm_scenarios[], fault_scenarios[],
	life_scenarios[], load_scenarios[], vram_scenarios[],
	huge_scenarios[], reap_scenarios[], pressure_scenarios[], svm_scenarios[],
	teardown_scenarios[];

/* Options. */
extern unsigned int seed;
extern unsigned int load_seconds;
extern unsigned int kills;
extern unsigned int small_mib;
extern const char *node;

/* Say what is wrong, and end the scenario. */
#define CHECK(ok, ...) do {						\
	if (!(ok)) {							\
		printf("  %s:%d: ", __FILE__, __LINE__);		\
		printf(__VA_ARGS__);					\
		printf("\n");						\
		fflush(stdout);						\
		_exit(1);						\
	}								\
} while (0)

/* The same where the scenario's defect shows, and nothing else should be wrong. */
enum { DEFECT_STATUS = 3 };
#define DEFECT(ok, ...) do {						\
	if (!(ok)) {							\
		printf("  %s:%d: ", __FILE__, __LINE__);		\
		printf(__VA_ARGS__);					\
		printf("\n");						\
		fflush(stdout);						\
		_exit(DEFECT_STATUS);					\
	}								\
} while (0)

/* ... that more than one file has scenarios for. */
#define CLIENTS "ends the kernel's channels before the clients' that need them"

/* Something to be reported besides the verdict. */
#define REPORT(...) do {						\
	printf("  ");							\
	printf(__VA_ARGS__);						\
	printf("\n");							\
} while (0)

uint64_t now_ms(void);
/* How long to wait for what takes milliseconds before it counts as hanging. */
unsigned int patience_ms(void);
/* Wait until all that was begun on a channel is done. False after a while. */
struct chan;
bool chan_done_in_time(struct chan *chan);
/* Of the kernel: 703 is 7.3. */
unsigned int release(void);
/* xorshift: the same numbers for the same state everywhere. */
uint32_t rnd(uint32_t *state);
void fill_random(void *buf, size_t n, uint32_t *state);
/* Zeroed memory of whole pages, or the end of the scenario. */
void *pages(size_t n);
/* The same of huge pages, filled. They are huge as far as the kernel has any. */
enum { HUGE = 2 << 20 };
void *huge_pages(size_t n, uint8_t byte);
/* Start a child of the scenario; it ends with the scenario. Like fork(). */
int child(void);
/* Wait for a child; its exit status, or 128 + the signal that ended it. */
int reap(int pid);

#include <unistd.h>
#endif
