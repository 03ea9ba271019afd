// SPDX-License-Identifier: MIT
/*
 * sim-test [-s SEED] [-t SECONDS] [-n KILLS] [-p MIB] [-k] [-l] [SCENARIO...]: scenarios on the software GPU.
 * Exit status 0 if all of them hold; with -k, if those fail that are about a defect of
 * nouveau's, and the others hold.
 */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

unsigned int seed = 1;
unsigned int load_seconds = 60;
const char *node = "/dev/dri/renderD128";
/* What is about a defect of nouveau's has to fail: -k. */
static bool known;

/* A machine that is busy may take so many times as long. */
enum { BUSY = 10 };

static const struct scenario * const tables[] = {
	copy_scenarios, mm_scenarios, fault_scenarios, svm_scenarios, life_scenarios,
	teardown_scenarios, vram_scenarios,
	huge_scenarios, load_scenarios, reap_scenarios,
	pressure_scenarios,
};

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* What is about a defect may do nothing but hang, and that has to be waited for. */
unsigned int patience_ms(void)
{
	return known ? 20000 : 120000;
}

bool chan_done_in_time(struct chan *chan)
{
	const uint64_t end = now_ms() + patience_ms();

	/* Nothing tells of it but a wait without a limit of our own. */
	while (!chan_done(chan) && now_ms() < end)
		usleep(1000);
	return chan_done(chan);
}

uint32_t rnd(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

void fill_random(void *buf, size_t n, uint32_t *state)
{
	uint8_t *p = buf;

	for (; n >= 4; n -= 4, p += 4) {
		const uint32_t value = rnd(state);

		memcpy(p, &value, 4);
	}
	while (n--)
		*p++ = rnd(state);
}

void *pages(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED, "no %zu bytes: %s", n, strerror(errno));
	return p;
}

void *huge_pages(size_t n, uint8_t byte)
{
	const uintptr_t size = 2 << 20;
	void *p = (void *)(((uintptr_t)pages(n + size) + size - 1) & ~(size - 1));

	CHECK(!madvise(p, n, MADV_HUGEPAGE), "madvise: %s", strerror(errno));
	memset(p, byte, n);
	return p;
}

int child(void)
{
	const int parent = getpid();
	int pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

int reap(int pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid, "waitpid: %s", strerror(errno));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool wanted(const struct scenario *s, char **name)
{
	if (!*name)
		return !s->extra;
	for (; *name; name++) {
		if (!strcmp(*name, s->name))
			return true;
	}
	return false;
}

/* How nouveau was loaded; without a value, 0. */
static unsigned int parameter(const char *name)
{
	unsigned int value = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/nouveau/parameters/%s", name);
	f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%u", &value) != 1)
			value = 0;
		fclose(f);
	}
	return value;
}

/* Does the kernel give huge pages to who asks for them? */
static bool thp(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
	char text[64] = "";

	if (f) {
		if (!fgets(text, sizeof(text), f))
			text[0] = 0;
		fclose(f);
	}
	return text[0] && !strstr(text, "[never]");
}

/* Which kernel this is: 703 is 7.3. */
unsigned int release(void)
{
	unsigned int major, minor;
	struct utsname uts;

	CHECK(!uname(&uts) && sscanf(uts.release, "%u.%u", &major, &minor) == 2, "uname");
	return major * 100 + minor;
}

/* Why a scenario cannot be run here, or NULL. */
static const char *unfit(const struct scenario *s)
{
	if (s->vram && !parameter("sim_vram"))
		return "the device has no memory (nouveau.sim_vram)";
	if (s->no_vram && parameter("sim_vram"))
		return "the device has memory (nouveau.sim_vram)";
	if (s->second && parameter("sim_devices") < 2)
		return "there is no second device (nouveau.sim_devices)";
	if (s->huge && !thp())
		return "huge pages are off";
	/* With -k, defects are to be expected. */
	if (s->wrecks && known && release() >= s->since)
		return s->defect;
	return NULL;
}

static bool run(const struct scenario *s)
{
	const char *defect = known && release() >= s->since ? s->defect : NULL;
	uint64_t stale = sim_stat("stale_accesses"), bad = sim_stat("bad_tables");
	const unsigned int limit = defect ? s->limit : BUSY * s->limit;
	const uint64_t start = now_ms();
	const int channels = sim_channels();
	int pid, status;
	bool itself;

	pid = child();
	if (!pid) {
		alarm(limit);
		s->run();
		fflush(stdout);
		_exit(0);
	}
	status = reap(pid);
	if (!sim_present()) {
		printf("  the device is left unbound\n");
		CHECK(!sim_bind(true), "it cannot be bound again");
		status = 1;
	}
	/* Bound again, it counts from 0. */
	if (sim_stat("stale_accesses") < stale || sim_stat("bad_tables") < bad)
		stale = bad = 0;
	sim_reset();
	/* Its children end after it, and close the device's file with that. */
	if (!sim_channels_are(channels)) {
		printf("  %d channels are left\n", sim_channels() - channels);
		status = status ? status : 1;
	}
	if (status == 128 + SIGALRM)
		printf("  not done after %u s\n", limit);
	else if (status > 128)
		printf("  ended by signal %d\n", status - 128);
	/* What a defect looks like: stale accesses only, what is known of it, or no end. */
	itself = !status || status == DEFECT_STATUS || status == 128 + SIGALRM;
	if (sim_stat("stale_accesses") != stale) {
		printf("  %llu stale accesses\n",
		       (unsigned long long)(sim_stat("stale_accesses") - stale));
		status = 1;
	}
	if (sim_stat("bad_tables") != bad) {
		printf("  %llu times what is no page table was taken for one\n",
		       (unsigned long long)(sim_stat("bad_tables") - bad));
		status = 1;
	}
	if (defect && status && itself) {
		printf("known %s: %s; nouveau's defect: %s\n", s->name, s->what, defect);
		status = 0;
	} else if (defect && !status && !s->sometimes) {
		printf("FAIL %s: it should fail: %s\n", s->name, defect);
		status = 1;
	} else {
		printf("%s %s: %s (%llu ms)\n", status ? "FAIL" : "ok", s->name, s->what,
		       (unsigned long long)(now_ms() - start));
	}
	fflush(stdout);
	return !status;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0, skipped = 0, i;
	bool list = false;
	int opt;

	while ((opt = getopt(argc, argv, "s:t:n:p:kl")) != -1) {
		switch (opt) {
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 't':
			load_seconds = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			kills = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			small_mib = strtoul(optarg, NULL, 0);
			break;
		case 'k':
			known = true;
			break;
		case 'l':
			list = true;
			break;
		default:
			fprintf(stderr, "usage: sim-test [-s SEED] [-t SECONDS] [-n KILLS] [-p MIB] [-k] [-l] [SCENARIO...]\n");
			return 2;
		}
	}
	if (!list && !sim_present()) {
		fprintf(stderr, "no software GPU here: modprobe nouveau, of a kernel with CONFIG_DRM_NOUVEAU_SIM\n");
		return 2;
	}
	if (!list)
		printf("seed %u\n", seed);
	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		const struct scenario *s;

		for (s = tables[i]; s->name; s++) {
			if (!list && !wanted(s, argv + optind))
				continue;
			if (list) {
				printf("%s: %s\n", s->name, s->what);
			} else if (unfit(s)) {
				printf("skip %s: %s\n", s->name, unfit(s));
				skipped++;
			} else if (run(s)) {
				passed++;
			} else {
				failed++;
			}
		}
	}
	if (list)
		return 0;
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed || !(passed + skipped);
}
