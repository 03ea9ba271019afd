// SPDX-License-Identifier: MIT
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DIR "/sys/kernel/debug/nouveau-sim.0/"
#define DRIVER "/sys/bus/platform/drivers/nouveau-sim/"

static char *slurp(const char *name)
{
	static char text[16384];
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), DIR "%s", name);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n >= 0, "%s: %s", path, strerror(errno));
	close(fd);
	text[n] = 0;
	return text;
}

static void spit(const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), DIR "%s", name);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s to %s: %s", text, path,
	      strerror(errno));
	close(fd);
}

bool sim_present(void)
{
	return access(DIR "stats", F_OK) == 0;
}

uint64_t sim_stat(const char *name)
{
	char *line, *rest = slurp("stats");
	const size_t n = strlen(name);

	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, name, n) && line[n] == ' ')
			return strtoull(line + n, NULL, 10);
	}
	CHECK(false, "there is no counter %s", name);
	return 0;
}

int sim_channels(void)
{
	const char *p = slurp("channels");
	int lines = 0;

	for (; *p; p++)
		lines += *p == '\n';
	return lines - 1;
}

bool sim_channels_are(int nr)
{
	const uint64_t end = now_ms() + patience_ms();

	/* Nothing tells of it. */
	while (sim_channels() != nr) {
		if (now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

const char *sim_channel_state(int chan)
{
	static char state[32];
	char *line, *rest = slurp("channels");
	int id;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%d %*d %*s %*s %*d %31s", &id, state) == 2 && id == chan)
			return state;
	}
	return "";
}

uint64_t sim_channel_inst(int chan)
{
	char *line, *rest = slurp("channels");
	unsigned long long inst;
	int id;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%d %*d %llx", &id, &inst) == 2 && id == chan)
			return inst;
	}
	CHECK(false, "there is no channel %d", chan);
	return 0;
}

void sim_knob(const char *name, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	spit(name, text);
}

void sim_gate(const char *name, bool closed)
{
	char path[32];

	snprintf(path, sizeof(path), "gates/%s", name);
	spit(path, closed ? "1" : "0");
}

bool sim_gate_holds(const char *name, unsigned int nr)
{
	const uint64_t end = now_ms() + patience_ms();
	unsigned int held = 0;
	char file[32];

	snprintf(file, sizeof(file), "gates/%s", name);
	/* Nothing tells of it. */
	while (now_ms() < end) {
		if (sscanf(slurp(file), "%*s %u", &held) == 1 && held >= nr)
			return true;
		usleep(1000);
	}
	return false;
}

void sim_reset(void)
{
	static const char * const gate[] = { "fault", "notify", "replay", "flush" };
	unsigned int i;

	for (i = 0; i < 4; i++)
		sim_gate(gate[i], false);
	sim_knob("drop_replays", 0);
	sim_knob("drop_valid", 0);
	sim_knob("fault_entries", 0);
	sim_knob("tlb_size", 64);
}

int sim_access_text(const char *text)
{
	const int fd = open(DIR "access", O_WRONLY);
	int ret;

	CHECK(fd >= 0, DIR "access: %s", strerror(errno));
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

int sim_access(struct sim_access *access, unsigned int nr)
{
	static const char * const type[] = { "read", "write", "atomic", "prefetch" };
	char text[8192];
	size_t len = 0;
	unsigned int i;
	char *line, *rest;
	ssize_t n;
	int fd, ret = 0;

	fd = open(DIR "access", O_RDWR);
	CHECK(fd >= 0, DIR "access: %s", strerror(errno));
	for (i = 0; i < nr; i++)
		len += snprintf(text + len, sizeof(text) - len, "%d %s %#llx %#x\n",
				access[i].chan, type[access[i].type],
				(unsigned long long)access[i].addr, access[i].value);
	if (write(fd, text, len) < 0)
		ret = -errno;
	n = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	if (n < 0)
		return -errno;
	text[n] = 0;
	for (i = 0, rest = text; i < nr && (line = strsep(&rest, "\n")) && *line; i++)
		CHECK(sscanf(line, "%*d %*s %*x %d %x", &access[i].error, &access[i].value) == 2,
		      "cannot read: %s", line);
	return ret;
}

static void *async_run(void *arg)
{
	struct sim_async *async = arg;

	async->ret = sim_access(async->access, async->nr);
	async->done = true;
	return NULL;
}

void sim_access_start(struct sim_async *async, struct sim_access *access, unsigned int nr)
{
	*async = (struct sim_async) { .access = access, .nr = nr };
	CHECK(!pthread_create(&async->thread, NULL, async_run, async), "no thread");
}

int sim_access_wait(struct sim_async *async)
{
	CHECK(!pthread_join(async->thread, NULL), "pthread_join");
	return async->ret;
}

int sim_bind(bool bind)
{
	static const char device[] = "nouveau-sim.0";
	const char *path = bind ? DRIVER "bind" : DRIVER "unbind";
	const int fd = open(path, O_WRONLY);
	int ret = 0;

	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	if (write(fd, device, strlen(device)) != (ssize_t)strlen(device))
		ret = -errno;
	close(fd);
	return ret;
}
