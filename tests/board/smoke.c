// SPDX-License-Identifier: MIT
#include "smoke.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

const char *smoke_node(void)
{
	static char node[300];
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/drm", board.gpu);
	dir = opendir(path);
	CHECK(dir, "%s: %s: no driver has made a DRM device of %s; is nouveau loaded?", path,
	      strerror(errno), board.gpu);
	node[0] = 0;
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "renderD", 7))
			snprintf(node, sizeof(node), "/dev/dri/%s", entry->d_name);
	}
	closedir(dir);
	CHECK(node[0], "%s has no renderD*: there is no render node", path);
	return node;
}

uint64_t stat_now(const char *name)
{
	uint64_t value;

	BOARD(board_stat(&board, name, &value));
	return value;
}

struct counts counts_now(void)
{
	return (struct counts) {
		.faults = stat_now("faults_read") + stat_now("faults_write") +
			  stat_now("faults_atomic") + stat_now("faults_prefetch"),
		.replays = stat_now("replays"),
		.flushes = stat_now("flushes"),
		.mmio_reads = stat_now("mmio_reads"),
		.mmio_writes = stat_now("mmio_writes"),
		.bar2_reads = stat_now("bar2_reads"),
		.bar2_writes = stat_now("bar2_writes"),
		.pte_reads = stat_now("pte_reads"),
		.interrupts = stat_now("interrupts"),
		.stale = stat_now("stale_accesses"),
		.us = now_us(),
	};
}

struct counts counts_since(const struct counts *before)
{
	const int64_t us = now_us();
	struct counts now = counts_now();

	now.faults -= before->faults;
	now.replays -= before->replays;
	now.flushes -= before->flushes;
	now.mmio_reads -= before->mmio_reads;
	now.mmio_writes -= before->mmio_writes;
	now.bar2_reads -= before->bar2_reads;
	now.bar2_writes -= before->bar2_writes;
	now.pte_reads -= before->pte_reads;
	now.interrupts -= before->interrupts;
	now.stale -= before->stale;
	now.us = us - before->us;
	return now;
}

void counts_figures(const char *prefix, const struct counts *counts)
{
	const struct {
		const char *key;
		uint64_t value;
	} all[] = {
		{ "faults", counts->faults }, { "replays", counts->replays },
		{ "flushes", counts->flushes }, { "mmio_reads", counts->mmio_reads },
		{ "mmio_writes", counts->mmio_writes }, { "bar2_reads", counts->bar2_reads },
		{ "bar2_writes", counts->bar2_writes }, { "pte_reads", counts->pte_reads },
		{ "interrupts", counts->interrupts }, { "us", counts->us },
	};
	char key[40];
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		snprintf(key, sizeof(key), "%s_%s", prefix, all[i].key);
		figure(key, all[i].value);
	}
}

void more_open(struct gpu *gpu, struct chan *chan)
{
	struct board_channel channel;
	const int ret = chan_open_copy(gpu, chan);

	CHECK(!ret, "a channel with a copy engine is refused: %s", strerror(-ret));
	BOARD(board_channel(&board, chan->id, &channel));
	CHECK(channel.state != CONTROL_CHAN_NONE, "nouveau says channel %d, the board knows of none",
	      chan->id);
}

void plain_open(struct gpu *gpu, struct chan *chan)
{
	const int ret = gpu_open_plain(gpu, smoke_node());

	CHECK(!ret, "%s does not open: %s", smoke_node(), strerror(-ret));
	more_open(gpu, chan);
}

void svm_open(struct gpu *gpu, struct chan *chan)
{
	int ret;

	/* Before a channel has its first access there. */
	BOARD(board_exclude(&board, BOARD_ALL_CHANNELS, GPU_WINDOW_ADDR, GPU_WINDOW_SIZE));
	ret = gpu_open(gpu, smoke_node());

	CHECK(!ret, "%s with SVM_INIT: %s%s", smoke_node(), strerror(-ret),
	      ret == -ENOSYS ? ": the kernel has no CONFIG_DRM_NOUVEAU_SVM" : "");
	more_open(gpu, chan);
}

const char *chan_said(int ret)
{
	return !ret ? "it works" : ret == -EIO ? "the channel has ended" : strerror(-ret);
}

void must_copy(struct chan *chan, void *dst, const void *src, size_t n, const char *what)
{
	const int ret = chan_memcpy(chan, dst, src, n);

	CHECK(!ret, "%s: %s", what, chan_said(ret));
}

void *small_pages(unsigned int nr)
{
	void *p = mmap(NULL, (size_t)nr * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED, "mmap of %u pages: %s", nr, strerror(errno));
	/* EINVAL: the kernel has no huge pages at all. */
	CHECK(!madvise(p, (size_t)nr * PAGE, MADV_NOHUGEPAGE) || errno == EINVAL,
	      "MADV_NOHUGEPAGE: %s", strerror(errno));
	return p;
}

int reap_within(int pid, unsigned int ms)
{
	struct pollfd ended = { .events = POLLIN };
	int status, nr;

	ended.fd = syscall(SYS_pidfd_open, pid, 0);
	if (ended.fd < 0)
		return -errno;
	do
		nr = poll(&ended, 1, ms);
	while (nr < 0 && errno == EINTR);
	close(ended.fd);
	if (nr <= 0)
		return nr ? -errno : -ETIME;
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
