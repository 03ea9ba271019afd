// SPDX-License-Identifier: MIT
/*
 * BAR2 as memory. A page of VRAM that BAR2 shows is made a page of BAR2's file, by a mapping of
 * that page of the file over its place in the board's VRAM: whoever uses VRAM's address, engines,
 * PRAMIN and walks, finds what the guest wrote. When it is shown no more, its content goes back
 * into VRAM's own memory, and the page of the file reads all ones.
 *
 * Between the driver's write of a page table entry and its flush the guest does not access what
 * the entry shows: so the flush is when the layout is looked at. What is shown twice, or is not
 * in VRAM, cannot be laid out; nouveau does neither.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "window.h"

int bar2_init(struct bar2 *bar2, uint64_t size, uint64_t vram_size, bool mapped)
{
	*bar2 = (struct bar2) { .fd = -1, .size = size };
	if (!mapped)
		return 0;
	bar2->fd = memfd_create("bar2", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (bar2->fd < 0 || ftruncate(bar2->fd, size))
		return -1;
	bar2->file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bar2->fd, 0);
	bar2->shows = calloc(size / PAGE_SIZE, sizeof(*bar2->shows));
	bar2->place = calloc(vram_size / PAGE_SIZE, sizeof(*bar2->place));
	if (bar2->file == MAP_FAILED || !bar2->shows || !bar2->place)
		return -1;
	return 0;
}

/* VRAM's page gets memory of its own again. */
static void hide(struct bar2 *bar2, struct memory *memory, uint64_t page)
{
	uint8_t *file = bar2->file + page * PAGE_SIZE;
	uint8_t *vram = memory->vram + (bar2->shows[page] - 1);
	uint8_t content[PAGE_SIZE];

	memcpy(content, file, PAGE_SIZE);
	if (mmap(vram, PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		abort();	/* out of mappings: VRAM has a hole now */
	memcpy(vram, content, PAGE_SIZE);
	memset(file, 0xff, PAGE_SIZE);
	bar2->place[(bar2->shows[page] - 1) / PAGE_SIZE] = false;
	bar2->shows[page] = 0;
}

static void show(struct bar2 *bar2, struct memory *memory, uint64_t page, uint64_t addr)
{
	uint8_t *vram = memory->vram + addr;

	memcpy(bar2->file + page * PAGE_SIZE, vram, PAGE_SIZE);
	if (mmap(vram, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, bar2->fd,
		 page * PAGE_SIZE) == MAP_FAILED)
		abort();
	bar2->place[addr / PAGE_SIZE] = true;
	bar2->shows[page] = addr + 1;
}

void bar2_fini(struct bar2 *bar2)
{
	if (bar2->file)
		munmap(bar2->file, bar2->size);
	if (bar2->fd >= 0)
		close(bar2->fd);
	free(bar2->shows);
	free(bar2->place);
	*bar2 = (struct bar2) { .fd = -1 };
}

/* What a page should show: a VRAM address + 1, or 0. *skip: so many pages have no table. */
static uint64_t wanted(const struct window *window, struct access *access, uint64_t offset,
		       uint64_t *skip)
{
	struct vmm_walk_count count = {};
	enum fault_reason reason;
	struct vmm_page page;
	uint64_t addr;

	*skip = 0;
	if (!window || !window->bound)
		return 0;
	if (!vmm_walk(&access->memory, &window->space, offset, &page, &reason, &count)) {
		if (reason == FAULT_PDE)
			*skip = ((2ULL << 20) - (offset & ((2ULL << 20) - 1))) / PAGE_SIZE - 1;
		return 0;
	}
	if (page.sparse || page.aperture != VRAM)
		return 0;
	addr = page.addr + (offset & ((1ULL << page.shift) - 1) & PAGE_MASK);
	return addr + PAGE_SIZE <= access->memory.vram_size ? addr + 1 : 0;
}

uint32_t bar2_layout(struct bar2 *bar2, const struct window *window, struct access *access)
{
	const uint64_t pages = bar2->size / PAGE_SIZE;
	uint32_t changed = 0;
	uint64_t skip;

	if (bar2->fd < 0)
		return 0;
	/* First take away, then show: a page may have moved from one place to another. */
	for (uint64_t i = 0; i < pages; i++) {
		if (!bar2->shows[i])
			continue;
		if (bar2->shows[i] == wanted(window, access, i * PAGE_SIZE, &skip))
			continue;
		hide(bar2, &access->memory, i);
		changed++;
	}
	for (uint64_t i = 0; i < pages; i++) {
		const uint64_t want = wanted(window, access, i * PAGE_SIZE, &skip);

		if (want && !bar2->shows[i] && bar2->place[(want - 1) / PAGE_SIZE]) {
			event_once(access->events, NOT_MODELLED, 0x400000000ULL | (want - 1),
				   "VRAM %#llx is shown twice by BAR2", (unsigned long long)want - 1);
		} else if (want && !bar2->shows[i]) {
			show(bar2, &access->memory, i, want - 1);
			changed++;
		}
		i += skip;
	}
	return changed;
}
