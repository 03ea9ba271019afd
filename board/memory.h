/* SPDX-License-Identifier: MIT */
#ifndef MEMORY_H
#define MEMORY_H
/*
 * What the device can address: its own memory, and the guest's by DMA. The guest's memory is
 * files (memfd) that the client maps at bus addresses and takes away again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE	4096ULL
#define PAGE_MASK	(~(PAGE_SIZE - 1))

/* Values of a PTE's aperture field. */
enum aperture { VRAM = 0, PEER = 1, SYSTEM = 2, SYSTEM_NONCOHERENT = 3 };

/* A file of the client's memory, mapped whole and once. */
struct memory_file {
	uint64_t dev, ino;
	uint8_t *host;
	uint64_t size;
};

struct memory_map {
	uint64_t iova, size;
	uint8_t *host;
	bool writable;
};

#define MEMORY_FILES	16

struct memory {
	uint8_t *vram;
	uint64_t vram_size;
	uint64_t bus_limit;	/* first bus address that it cannot reach; 0: all */
	bool bus_off;		/* PCI_COMMAND_MASTER is clear: the guest's memory is out of reach */
	struct memory_file file[MEMORY_FILES];
	struct memory_map *map;	/* sorted by iova, without overlaps */
	size_t maps, room;
	uint64_t generation;	/* of the maps: a pointer into one is good as long as it is the same */
};

/* 0, or -1 with errno. */
int memory_init(struct memory *memory, uint64_t vram_size);
void memory_fini(struct memory *memory);
/* VRAM loses its contents. Nothing of it may be shown by BAR2's file. */
void memory_lose_vram(struct memory *memory);

/*
 * The client maps [iova, iova + size) to its file at offset; fd stays the caller's. NULL, or in
 * words why not: nothing has changed then.
 */
const char *memory_map(struct memory *memory, uint64_t iova, uint64_t size, int fd,
		       uint64_t offset, bool writable);
/* The client takes all maps that lie within [iova, iova + size). NULL, or in words why not. */
const char *memory_unmap(struct memory *memory, uint64_t iova, uint64_t size);
void memory_unmap_all(struct memory *memory);

/* Memory at an address, all of len bytes; or NULL: there is none. Valid until the next unmap. */
void *memory_at(struct memory *memory, enum aperture aperture, uint64_t addr, uint64_t len,
		bool write);
/* Words, each in one piece as a bus would. False: there is no memory, and nothing was done. */
bool memory_read64(struct memory *memory, enum aperture aperture, uint64_t addr, uint64_t *value);
bool memory_read32(struct memory *memory, enum aperture aperture, uint64_t addr, uint32_t *value);
bool memory_write32(struct memory *memory, enum aperture aperture, uint64_t addr, uint32_t value);

/* The file that a pointer of memory_at() is in, or NULL for VRAM. */
const struct memory_file *memory_file_of(const struct memory *memory, const void *at);
#endif
