// SPDX-License-Identifier: MIT
/* The client's memory: what it maps, what it takes away, and what it says wrong about both. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../memory.h"

#define VRAM_SIZE	(1ULL << 20)

static struct memory memory;
static int fds[MEMORY_FILES + 2];

static int file(size_t nr, size_t size)
{
	fds[nr] = memfd_create("test", MFD_ALLOW_SEALING);
	assert_true(fds[nr] >= 0);
	assert_int_equal(ftruncate(fds[nr], size), 0);
	assert_int_equal(fcntl(fds[nr], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	return fds[nr];
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		fds[i] = -1;
	return memory_init(&memory, VRAM_SIZE);
}

static int teardown(void **state)
{
	(void)state;
	memory_fini(&memory);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return 0;
}

static void *at(uint64_t addr, uint64_t len)
{
	return memory_at(&memory, SYSTEM, addr, len, false);
}

static void vram(void **state)
{
	uint32_t value32;
	uint64_t value;

	(void)state;
	assert_ptr_equal(memory_at(&memory, VRAM, 0, VRAM_SIZE, true), memory.vram);
	assert_ptr_equal(memory_at(&memory, VRAM, VRAM_SIZE - 1, 1, true),
			 memory.vram + VRAM_SIZE - 1);
	assert_null(memory_at(&memory, VRAM, VRAM_SIZE - 1, 2, true));
	assert_null(memory_at(&memory, VRAM, VRAM_SIZE, 1, true));
	assert_null(memory_at(&memory, VRAM, ~0ULL, 1, true));
	assert_null(memory_at(&memory, VRAM, 8, ~0ULL, true));
	assert_null(memory_at(&memory, PEER, 0, 1, true));
	assert_true(memory_write32(&memory, VRAM, 8, 0x11223344));
	assert_true(memory_write32(&memory, VRAM, 12, 0x55667788));
	assert_true(memory_read32(&memory, VRAM, 12, &value32));
	assert_int_equal(value32, 0x55667788);
	assert_true(memory_read64(&memory, VRAM, 8, &value));
	assert_true(value == 0x5566778811223344ULL);
	/* Words are where words can be. */
	assert_false(memory_read64(&memory, VRAM, 12, &value));
	assert_true(value == 0);
	assert_false(memory_read32(&memory, VRAM, 10, &value32));
	assert_int_equal(value32, 0);
	assert_false(memory_write32(&memory, VRAM, 9, 1));
	assert_false(memory_write32(&memory, VRAM, VRAM_SIZE, 1));
	assert_false(memory_read64(&memory, VRAM, VRAM_SIZE - 4, &value));
	assert_null(memory_file_of(&memory, memory.vram));
}

static void maps(void **state)
{
	const int fd = file(0, 0x10000);
	uint8_t *host = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint64_t generation;

	(void)state;
	assert_ptr_not_equal(host, MAP_FAILED);
	for (int i = 0; i < 0x10000; i++)
		host[i] = i >> 12;
	/* In any order; with an offset. */
	assert_null(memory_map(&memory, 0x40000, 0x4000, fd, 0x4000, true));
	assert_null(memory_map(&memory, 0x10000, 0x1000, fd, 0xf000, true));
	assert_null(memory_map(&memory, 0x44000, 0x1000, fd, 0x1000, false));
	assert_int_equal(*(uint8_t *)at(0x40000, 1), 4);
	assert_int_equal(*(uint8_t *)at(0x43fff, 1), 7);
	assert_int_equal(*(uint8_t *)at(0x10000, 0x1000), 15);
	assert_int_equal(*(uint8_t *)at(0x44000, 1), 1);
	assert_non_null(memory_at(&memory, SYSTEM_NONCOHERENT, 0x10000, 1, true));
	/* Read-only; not beyond the end of a map, even if another follows; nothing between. */
	assert_null(memory_at(&memory, SYSTEM, 0x44000, 1, true));
	assert_null(at(0x43fff, 2));
	assert_null(at(0x10000, 0x1001));
	assert_null(at(0x11000, 1));
	assert_null(at(0x0ffff, 1));
	assert_null(at(0x3ffff, 2));
	assert_null(at(0x45000, 1));
	assert_null(at(~0ULL, 1));
	assert_null(at(~0ULL, 2));
	/* What the device writes the client sees. */
	assert_true(memory_write32(&memory, SYSTEM, 0x41000, 0x12345678));
	assert_int_equal(*(uint32_t *)(host + 0x5000), 0x12345678);
	assert_false(memory_write32(&memory, SYSTEM, 0x44000, 1));
	/* One file, mapped once. */
	assert_ptr_equal(memory_file_of(&memory, at(0x10000, 1)), &memory.file[0]);
	assert_ptr_equal(memory_file_of(&memory, at(0x44000, 1)), &memory.file[0]);
	assert_int_equal(memory.file[0].size, 0x10000);
	/* Taken away: one, then all within a range. */
	generation = memory.generation;
	assert_null(memory_unmap(&memory, 0x10000, 0x1000));
	assert_true(memory.generation != generation);
	assert_null(at(0x10000, 1));
	assert_non_null(at(0x40000, 1));
	assert_null(memory_unmap(&memory, 0, 0x100000));
	assert_null(at(0x40000, 1));
	assert_null(memory.file[0].host);
	/* The same again. */
	assert_null(memory_map(&memory, 0x10000, 0x1000, fd, 0, true));
	assert_int_equal(*(uint8_t *)at(0x10000, 1), 0);
	memory_unmap_all(&memory);
	assert_null(at(0x10000, 1));
	munmap(host, 0x10000);
}

static void refused(void **state)
{
	const int fd = file(0, 0x10000);
	char name[] = "/tmp/test_memory.XXXXXX";

	(void)state;
	assert_null(memory_map(&memory, 0x10000, 0x2000, fd, 0, true));
	/* Nothing, beyond the last address. */
	assert_non_null(memory_map(&memory, 0x20000, 0, fd, 0, true));
	assert_non_null(memory_map(&memory, ~0xfffULL, 0x2000, fd, 0, true));
	assert_non_null(memory_map(&memory, 0x1000, ~0ULL, fd, 0, true));
	/* Over another: the same, before, after, within, around. */
	assert_non_null(memory_map(&memory, 0x10000, 0x2000, fd, 0, true));
	assert_non_null(memory_map(&memory, 0x0f000, 0x2000, fd, 0, true));
	assert_non_null(memory_map(&memory, 0x11000, 0x2000, fd, 0, true));
	assert_non_null(memory_map(&memory, 0x11000, 0x1000, fd, 0, true));
	assert_non_null(memory_map(&memory, 0x00000, 0x10000 * 4, fd, 0, true));
	/* Beyond the end of its file. */
	assert_non_null(memory_map(&memory, 0x20000, 0x11000, fd, 0, true));
	assert_non_null(memory_map(&memory, 0x20000, 0x2000, fd, 0xf000, true));
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, fd, 0x10000, true));
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, fd, ~0xfffULL, true));
	/* Not of whole pages. */
	assert_non_null(memory_map(&memory, 0x20800, 0x1000, fd, 0, true));
	assert_non_null(memory_map(&memory, 0x20000, 0x800, fd, 0, true));
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, fd, 0x800, true));
	/* No file, no such, none that is memory, an empty one. */
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, -1, 0, true));
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, 9999, 0, true));
	fds[1] = mkstemp(name);
	assert_true(fds[1] >= 0);
	unlink(name);
	assert_int_equal(ftruncate(fds[1], 0x1000), 0);
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, fds[1], 0, true));
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, file(2, 0), 0, true));
	/* Memory that can still be cut short, under the board. */
	fds[3] = memfd_create("test", MFD_ALLOW_SEALING);
	assert_true(fds[3] >= 0);
	assert_int_equal(ftruncate(fds[3], 0x1000), 0);
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, fds[3], 0, true));
	assert_int_equal(fcntl(fds[3], F_ADD_SEALS, F_SEAL_GROW), 0);
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, fds[3], 0, true));
	assert_non_null(memory_map(&memory, 0x20000, 0x1000, STDIN_FILENO, 0, true));
	/* Nothing has changed. */
	assert_int_equal(memory.maps, 1);
	assert_null(at(0x20000, 1));
	assert_null(at(0x12000, 1));
	assert_non_null(at(0x11fff, 1));
	/* Up to the last address, which is no overflow. */
	assert_null(memory_map(&memory, ~0xfffULL, 0x1000, fd, 0, true));
	assert_non_null(at(~0ULL, 1));
	/* Unmaps: of nothing, of a part, of what is not there. */
	assert_non_null(memory_unmap(&memory, 0x10000, 0));
	assert_non_null(memory_unmap(&memory, 0x10000, 0x1000));
	assert_non_null(memory_unmap(&memory, 0x11000, 0x1000));
	assert_non_null(memory_unmap(&memory, 0x11000, 0x8000));
	assert_non_null(memory_unmap(&memory, 0x11000, ~0ULL));
	assert_null(memory_unmap(&memory, 0x30000, 0x1000));
	assert_int_equal(memory.maps, 2);
}

/* The first message is an unmap; and an access while nothing is mapped. */
static void nothing_mapped(void **state)
{
	(void)state;
	assert_null(at(0, 1));
	assert_null(memory_unmap(&memory, 0, 0x1000));
	memory_unmap_all(&memory);
	assert_null(at(0, 1));
}

/* With an IOMMU the client maps and unmaps page by page, thousands of them, in any order. */
static void page_by_page(void **state)
{
	enum { PAGES = 4096 };
	const int fd = file(0, PAGES * PAGE_SIZE);
	unsigned int seed = 1;

	(void)state;
	for (unsigned int i = 0; i < PAGES; i++) {
		/* 2731 is odd: each page once. */
		const uint64_t page = i * 2731 % PAGES;

		assert_null(memory_map(&memory, page << 13, PAGE_SIZE, fd, page * PAGE_SIZE, true));
	}
	assert_int_equal(memory.maps, PAGES);
	for (uint64_t i = 0; i < PAGES; i++) {
		assert_ptr_equal(at(i << 13, PAGE_SIZE), memory.file[0].host + i * PAGE_SIZE);
		assert_null(at((i << 13) + PAGE_SIZE, 1));
	}
	for (unsigned int i = 0; i < 2000; i++) {
		const uint64_t page = rand_r(&seed) % PAGES;
		const bool there = at(page << 13, 1);

		if (there)
			assert_null(memory_unmap(&memory, page << 13, PAGE_SIZE));
		else
			assert_null(memory_map(&memory, page << 13, PAGE_SIZE, fd,
					       page * PAGE_SIZE, true));
		assert_int_equal(!at(page << 13, 1), there);
	}
	for (size_t i = 1; i < memory.maps; i++)
		assert_true(memory.map[i - 1].iova < memory.map[i].iova);
}

static void many_files(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < MEMORY_FILES; i++)
		assert_null(memory_map(&memory, i << 20, 0x1000, file(i, 0x1000), 0, true));
	assert_non_null(memory_map(&memory, 1 << 30, 0x1000, file(MEMORY_FILES, 0x1000), 0, true));
	/* One that is known has room for another map. */
	assert_null(memory_map(&memory, 1 << 30, 0x1000, fds[3], 0, true));
	assert_ptr_equal(memory_file_of(&memory, at(1 << 30, 1)),
			 memory_file_of(&memory, at(3 << 20, 1)));
	assert_null(memory_unmap(&memory, 0, 1ULL << 40));
	assert_null(memory_map(&memory, 0, 0x1000, fds[MEMORY_FILES], 0, true));
}

/* Maps that are refused take no file's place. */
static void refused_files(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < MEMORY_FILES + 1; i++)
		assert_non_null(memory_map(&memory, 0, 0x2000, file(i, 0x1000), 0, true));
	assert_null(memory_map(&memory, 0, 0x1000, fds[MEMORY_FILES], 0, true));
}

static void bus_limit(void **state)
{
	(void)state;
	assert_null(memory_map(&memory, 0x10000, 0x4000, file(0, 0x4000), 0, true));
	memory.bus_limit = 0x12000;
	assert_non_null(at(0x11fff, 1));
	assert_null(at(0x11fff, 2));
	assert_null(at(0x12000, 1));
	/* Not VRAM's. */
	assert_non_null(memory_at(&memory, VRAM, 0x12000, 1, true));
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vram),
		TEST(maps),
		TEST(refused),
		TEST(nothing_mapped),
		TEST(page_by_page),
		TEST(many_files),
		TEST(refused_files),
		TEST(bus_limit),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
