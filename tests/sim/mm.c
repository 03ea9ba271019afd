// SPDX-License-Identifier: MIT
/* What a process does to its memory between submissions has to reach the device. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { N = 16 * 4096 };

static struct gpu gpu;
static struct chan chan;
static uint8_t *out;	/* where the device copies what it sees */

static void begin(void)
{
	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	out = pages(N);
}

static void end(void)
{
	chan_close(&chan);
	gpu_close(&gpu);
}

/* The device sees this byte, all over the buffer. */
static void sees(const void *buf, uint8_t byte, const char *when)
{
	int i, ret;

	memset(out, ~byte, N);
	ret = chan_memcpy(&chan, out, buf, N);
	CHECK(!ret, "%s: error %d", when, ret);
	for (i = 0; i < N; i++)
		CHECK(out[i] == byte, "%s: byte %d is %#x, not %#x", when, i, out[i], byte);
}

/* The device can write there. */
static void writes(void *buf, uint8_t byte, const char *when)
{
	int ret = chan_fill(&chan, (uintptr_t)buf, byte * 0x01010101U, N / 4);

	if (!ret)
		ret = chan_wait(&chan);
	CHECK(!ret, "%s: error %d", when, ret);
	CHECK(((uint8_t *)buf)[0] == byte && ((uint8_t *)buf)[N - 1] == byte,
	      "%s: it is %#x", when, ((uint8_t *)buf)[0]);
}

static void mm_munmap(void)
{
	uint8_t *buf = pages(N), *again;

	begin();
	memset(buf, 1, N);
	sees(buf, 1, "before munmap");
	munmap(buf, N);
	again = mmap(buf, N, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(again == buf, "mmap: %s", strerror(errno));
	memset(buf, 2, N);
	sees(buf, 2, "other memory at the same address");

	munmap(buf, N);
	CHECK(chan_memcpy(&chan, out, buf, N) == -EIO, "unmapped memory was copied");
	end();
}

static void mm_mprotect(void)
{
	uint8_t *buf = pages(N);

	begin();
	writes(buf, 1, "before mprotect");
	CHECK(!mprotect(buf, N, PROT_READ), "mprotect");
	sees(buf, 1, "read-only");
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0, N / 4), "fill");
	CHECK(chan_wait(&chan) == -EIO, "read-only memory was written");
	CHECK(buf[0] == 1 && buf[N - 1] == 1, "read-only memory has changed");

	/* The channel has ended of it; another can go on. */
	chan_close(&chan);
	CHECK(!chan_open(&gpu, &chan), "no channel");
	CHECK(!mprotect(buf, N, PROT_READ | PROT_WRITE), "mprotect");
	writes(buf, 2, "writable again");
	end();
}

static void mm_fork(void)
{
	uint8_t *buf = pages(N);
	int pipe_[2], pid;
	char c = 0;

	begin();
	writes(buf, 1, "before fork");
	CHECK(!pipe(pipe_), "pipe");
	pid = child();
	if (!pid) {
		close(pipe_[1]);
		CHECK(read(pipe_[0], &c, 1) == 1, "the parent is gone");
		CHECK(buf[0] == 1 && buf[N - 1] == 1,
		      "the child sees what the parent's device wrote: %#x", buf[0]);
		_exit(0);
	}
	writes(buf, 2, "after fork");
	CHECK(write(pipe_[1], &c, 1) == 1, "the child is gone");
	CHECK(reap(pid) == 0, "the child failed");
	sees(buf, 2, "after the child has ended");
	memset(buf, 3, N);
	sees(buf, 3, "written by the CPU");
	end();
}

static void mm_mremap(void)
{
	uint8_t *buf = pages(N), *room = pages(N), *moved;

	begin();
	writes(buf, 1, "before mremap");
	moved = mremap(buf, N, N, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	CHECK(moved == room, "mremap: %s", strerror(errno));
	sees(moved, 1, "at the new address");
	writes(moved, 2, "at the new address");
	CHECK(chan_memcpy(&chan, out, buf, N) == -EIO, "the old address was copied");
	end();
}

static void mm_dontneed(void)
{
	uint8_t *buf = pages(N);

	begin();
	writes(buf, 1, "before MADV_DONTNEED");
	CHECK(!madvise(buf, N, MADV_DONTNEED), "madvise: %s", strerror(errno));
	sees(buf, 0, "after MADV_DONTNEED");
	writes(buf, 2, "after MADV_DONTNEED");
	end();
}

/* A file's pages, shared with who reads the file. */
static void mm_file(void)
{
	uint8_t *buf, byte;
	int fd = open("/tmp/sim-test-file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	begin();
	CHECK(fd >= 0 && !ftruncate(fd, N), "file: %s", strerror(errno));
	buf = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(buf != MAP_FAILED, "mmap: %s", strerror(errno));
	writes(buf, 7, "a file");
	CHECK(pread(fd, &byte, 1, N - 1) == 1 && byte == 7, "the file has %#x", byte);
	CHECK(!ftruncate(fd, 0), "truncate");
	CHECK(chan_memcpy(&chan, out, buf, N) == -EIO, "memory behind the file's end was copied");
	end();
}

/* Memory that nobody has touched: the device's access makes it. */
static void mm_untouched(void)
{
	uint8_t *buf = pages(N), *other = pages(N);

	begin();
	writes(buf, 5, "untouched");
	sees(other, 0, "untouched, read only");
	end();
}

const struct scenario mm_scenarios[] = {
	{ "munmap", mm_munmap, "what is unmapped is gone for the device too", 30 },
	{ "mprotect", mm_mprotect, "what is read-only is so for the device too", 30 },
	{ "fork", mm_fork, "copy on write holds for the device's writes", 30 },
	{ "mremap", mm_mremap, "what is moved has moved for the device too", 30 },
	{ "dontneed", mm_dontneed, "what is dropped reads as zeros", 30 },
	{ "file", mm_file, "a mapped file, and its truncation", 30 },
	{ "untouched", mm_untouched, "memory that no CPU has touched", 30 },
	{}
};
