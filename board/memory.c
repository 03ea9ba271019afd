// SPDX-License-Identifier: MIT
/*
 * VRAM is one anonymous mapping, of which pages may be exchanged for those of BAR2's file
 * (bar2.c); addresses in it stay what they are. The guest's memory is mapped file by file, so
 * that with an IOMMU, where the client maps page by page, there is one mapping and not thousands.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "memory.h"

int memory_init(struct memory *memory, uint64_t vram_size)
{
	memset(memory, 0, sizeof(*memory));
	memory->vram = mmap(NULL, vram_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory->vram == MAP_FAILED) {
		memory->vram = NULL;
		return -1;
	}
	memory->vram_size = vram_size;
	return 0;
}

void memory_fini(struct memory *memory)
{
	memory_unmap_all(memory);
	free(memory->map);
	if (memory->vram)
		munmap(memory->vram, memory->vram_size);
	memset(memory, 0, sizeof(*memory));
}

void memory_lose_vram(struct memory *memory)
{
	madvise(memory->vram, memory->vram_size, MADV_DONTNEED);
}

static const char *whole_file(struct memory *memory, int fd, struct memory_file **found)
{
	struct memory_file *file = NULL;
	struct stat st;
	void *host;
	int seals;

	if (fd < 0)
		return "the client's memory has no file (start QEMU with -object memory-backend-memfd,share=on)";
	if (fstat(fd, &st))
		return "the client's memory has no file that can be looked at";
	/* Of another file, or without the seal, the end could be cut off under the mapping. */
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return "the client's memory is no sealed memfd (start QEMU with -object memory-backend-memfd,share=on)";
	for (size_t i = 0; i < MEMORY_FILES; i++) {
		struct memory_file *f = &memory->file[i];

		if (f->host && f->dev == st.st_dev && f->ino == st.st_ino) {
			*found = f;
			return NULL;
		}
		if (!f->host && !file)
			file = f;
	}
	if (!file)
		return "the client's memory is too many files at once";
	host = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (host == MAP_FAILED)
		return "the client's memory cannot be mapped";
	*file = (struct memory_file) {
		.dev = st.st_dev, .ino = st.st_ino, .host = host, .size = st.st_size,
	};
	*found = file;
	return NULL;
}

/* The first map that ends after an address. */
static size_t find(const struct memory *memory, uint64_t iova)
{
	size_t lo = 0, hi = memory->maps;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (memory->map[mid].iova + (memory->map[mid].size - 1) < iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A file of which nothing is mapped any more may be closed by the client: let go of it. */
static void close_unused(struct memory *memory)
{
	for (size_t i = 0; i < MEMORY_FILES; i++) {
		struct memory_file *file = &memory->file[i];
		bool used = false;

		for (size_t m = 0; file->host && !used && m < memory->maps; m++)
			used = memory->map[m].host >= file->host &&
			       memory->map[m].host < file->host + file->size;
		if (!file->host || used)
			continue;
		munmap(file->host, file->size);
		*file = (struct memory_file) {};
	}
}

const char *memory_map(struct memory *memory, uint64_t iova, uint64_t size, int fd,
		       uint64_t offset, bool writable)
{
	struct memory_file *file;
	const char *why;
	size_t at;

	if (!size || iova + (size - 1) < iova)
		return "a map of nothing, or beyond the last address";
	/* Words of the guest's are read and written at once. */
	if ((iova | size | offset) & ~PAGE_MASK)
		return "a map that is not of whole pages";
	at = find(memory, iova);
	if (at < memory->maps && memory->map[at].iova <= iova + (size - 1))
		return "a map over another";
	why = whole_file(memory, fd, &file);
	if (why)
		return why;
	if (offset > file->size || size > file->size - offset) {
		close_unused(memory);
		return "a map beyond the end of its file";
	}
	if (memory->maps == memory->room) {
		const size_t room = memory->room ? memory->room * 2 : 64;
		struct memory_map *map = realloc(memory->map, room * sizeof(*map));

		if (!map) {
			close_unused(memory);
			return "out of memory";
		}
		memory->map = map;
		memory->room = room;
	}
	memmove(memory->map + at + 1, memory->map + at, (memory->maps - at) * sizeof(*memory->map));
	memory->map[at] = (struct memory_map) { iova, size, file->host + offset, writable };
	memory->maps++;
	memory->generation++;
	return NULL;
}

const char *memory_unmap(struct memory *memory, uint64_t iova, uint64_t size)
{
	const uint64_t last = iova + (size - 1);
	size_t at, end;

	if (!size || last < iova)
		return "an unmap of nothing, or beyond the last address";
	at = find(memory, iova);
	for (end = at; end < memory->maps && memory->map[end].iova <= last; end++) {
		const struct memory_map *map = &memory->map[end];

		if (map->iova < iova || map->iova + (map->size - 1) > last)
			return "an unmap of a part of a map";
	}
	if (end > at)
		memmove(memory->map + at, memory->map + end,
			(memory->maps - end) * sizeof(*memory->map));
	memory->maps -= end - at;
	memory->generation++;
	if (!memory->maps)
		close_unused(memory);
	return NULL;
}

void memory_unmap_all(struct memory *memory)
{
	memory->maps = 0;
	memory->generation++;
	close_unused(memory);
}

void *memory_at(struct memory *memory, enum aperture aperture, uint64_t addr, uint64_t len,
		bool write)
{
	const struct memory_map *map;
	size_t i;

	if (aperture == VRAM) {
		if (addr >= memory->vram_size || len > memory->vram_size - addr)
			return NULL;
		return memory->vram + addr;
	}
	if (aperture == PEER || memory->bus_off || addr + (len - 1) < addr)
		return NULL;
	if (memory->bus_limit && addr + (len - 1) >= memory->bus_limit)
		return NULL;
	i = find(memory, addr);
	if (i == memory->maps)
		return NULL;
	map = &memory->map[i];
	/* What crosses the end of a map is not looked for in the next: callers go page by page. */
	if (addr < map->iova || addr - map->iova >= map->size ||
	    len > map->size - (addr - map->iova) || (write && !map->writable))
		return NULL;
	return map->host + (addr - map->iova);
}

bool memory_read64(struct memory *memory, enum aperture aperture, uint64_t addr, uint64_t *value)
{
	const uint64_t *at = addr & 7 ? NULL : memory_at(memory, aperture, addr, 8, false);

	*value = at ? __atomic_load_n(at, __ATOMIC_ACQUIRE) : 0;
	return at;
}

bool memory_read32(struct memory *memory, enum aperture aperture, uint64_t addr, uint32_t *value)
{
	const uint32_t *at = addr & 3 ? NULL : memory_at(memory, aperture, addr, 4, false);

	*value = at ? __atomic_load_n(at, __ATOMIC_ACQUIRE) : 0;
	return at;
}

bool memory_write32(struct memory *memory, enum aperture aperture, uint64_t addr, uint32_t value)
{
	uint32_t *at = addr & 3 ? NULL : memory_at(memory, aperture, addr, 4, true);

	if (at)
		__atomic_store_n(at, value, __ATOMIC_RELEASE);
	return at;
}

const struct memory_file *memory_file_of(const struct memory *memory, const void *at)
{
	for (size_t i = 0; i < MEMORY_FILES; i++) {
		const struct memory_file *file = &memory->file[i];

		if (file->host && (const uint8_t *)at >= file->host &&
		    (const uint8_t *)at < file->host + file->size)
			return file;
	}
	return NULL;
}
