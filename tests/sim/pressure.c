// SPDX-License-Identifier: MIT
/*
 * Memory pressure: a process whose pages are mapped on the device frees them lazily, so that
 * reclaim takes them, from whoever allocates; and that may be the worker that resolves the
 * process's faults.
 */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
	PAGE = 4096,
	N = 64 << 20,		/* what is freed and faulted in, again and again */
	CHUNK = 64 * PAGE,	/* at a time; the storm's progress is counted in these */
	LEFT = 8 << 20,		/* of the machine's memory, beside what is freed lazily */
	CHURN = 16 << 20,	/* what its threads allocate then, again and again */
	CHURNERS = 2,
	/* So much has to be seen of it. */
	CHUNKS = 2 * N / CHUNK,
	RECLAIMED = N / PAGE / 2,
	/* So often may the neighbours' threads churn while the storm stands still. */
	MOST = 100,
};

struct progress {
	volatile uint64_t chunks;
	volatile uint64_t rounds;	/* of the neighbour */
};

static void storm(struct progress *progress)
{
	uint8_t *p = pages(N);
	struct chan chan;
	struct gpu gpu;
	size_t at, i;

	CHECK(!gpu_open(&gpu, node) && !chan_open(&gpu, &chan), "no client");
	for (at = 0;; at = (at + CHUNK) % N) {
		for (i = 0; i < CHUNK; i += PAGE)
			p[at + i] = 1;
		/* A byte of every other page, to a page of the driver's: who keeps an account
		 * of what is mapped has something to allocate.
		 */
		CHECK(!chan_copy(&chan, &(struct copy) { .src = (uintptr_t)p + at,
			.dst = chan_sem_addr(&chan) + 1024, .length = 1,
			.lines = CHUNK / PAGE / 2, .src_pitch = 2 * PAGE }) && !chan_wait(&chan),
		      "the storm has ended");
		CHECK(!madvise(p + at, CHUNK, MADV_FREE), "MADV_FREE: %s", strerror(errno));
		progress->chunks++;
	}
}

/* A value of /proc/meminfo or /proc/vmstat. */
static int64_t value(const char *path, const char *name)
{
	const size_t n = strlen(name);
	long long value = -1;
	char line[128];
	FILE *f;

	f = fopen(path, "r");
	CHECK(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, n) && strchr(": ", line[n]))
			value = strtoll(line + n + 1, NULL, 10);
	}
	fclose(f);
	CHECK(value >= 0, "no %s in %s", name, path);
	return value;
}

static void touch(uint8_t *p, int64_t n)
{
	int64_t i;

	for (i = 0; i < n; i += PAGE)
		p[i] = 1;
}

static void neighbour(struct progress *progress)
{
	const int64_t hold = value("/proc/meminfo", "MemAvailable") * 1024 - N - LEFT;
	uint8_t *p;
	int i;

	CHECK(hold > 0, "this machine is too small");
	touch(pages(hold), hold);
	for (i = 1; i < CHURNERS && child(); i++)
		;
	for (;;) {
		p = pages(CHURN);
		touch(p, CHURN);
		munmap(p, CHURN);
		__atomic_add_fetch(&progress->rounds, 1, __ATOMIC_RELAXED);
	}
}

static uint64_t reclaimed(void)
{
	return value("/proc/vmstat", "pglazyfreed");
}

/*
 * What is judged is how many rounds the neighbours have done since the storm's last chunk: a busy
 * machine slows down both. The limit in seconds only ends what hangs, the neighbours with it.
 */
static void pressure(void)
{
	struct progress *progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t start, last, since, now, longest = 0, most = 0, seen = 0, before;
	int victim, other;

	CHECK(progress != MAP_FAILED, "mmap: %s", strerror(errno));
	victim = child();
	if (!victim)
		storm(progress);
	start = now_ms();
	while (!progress->chunks) {
		CHECK(now_ms() < start + patience_ms(), "the storm does not begin");
		usleep(1000);
	}
	before = reclaimed();
	other = child();
	if (!other)
		neighbour(progress);

	start = last = now_ms();
	since = 0;
	do {
		/* Nothing tells of progress. */
		usleep(1000);
		now = now_ms();
		if (progress->chunks != seen) {
			seen = progress->chunks;
			since = progress->rounds;
			last = now;
		}
		if (progress->rounds - since > most)
			most = progress->rounds - since;
		if (now - last > longest)
			longest = now - last;
		CHECK(most < MOST, "no fault was resolved while others have used %d times %d MiB",
		      MOST, CHURN >> 20);
		CHECK(longest < patience_ms(), "no fault was resolved for %u s",
		      patience_ms() / 1000);
	} while (now < start + load_seconds * 1000ULL || seen < CHUNKS ||
		 reclaimed() - before < RECLAIMED);
	REPORT("result scenario=pressure ms=%llu faults=%llu rounds=%llu reclaimed=%llu most_rounds=%llu longest_ms=%llu",
	       (unsigned long long)(now - start), (unsigned long long)seen * CHUNK / PAGE / 2,
	       (unsigned long long)progress->rounds, (unsigned long long)(reclaimed() - before),
	       (unsigned long long)most, (unsigned long long)longest);
}

const struct scenario pressure_scenarios[] = {
	{ "pressure", pressure, "faults go on while memory is short", 7200, .extra = true },
	{}
};
