/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What tests/board/oracle-truth.c asks of page_truth.ko: what a page is, and to make it so. */
#ifndef PAGE_TRUTH_UAPI_H
#define PAGE_TRUTH_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* What the kernel calls a page, or the folio that it is in. */
#define PAGE_TRUTH_BUDDY	(1 << 0)
#define PAGE_TRUTH_SLAB		(1 << 1)
#define PAGE_TRUTH_TABLE	(1 << 2)
#define PAGE_TRUTH_ANON		(1 << 3)
#define PAGE_TRUTH_KSM		(1 << 4)
#define PAGE_TRUTH_MAPPED	(1 << 5)
#define PAGE_TRUTH_LARGE	(1 << 6)
#define PAGE_TRUTH_HUGETLB	(1 << 7)
#define PAGE_TRUTH_RESERVED	(1 << 8)

/**
 * struct page_truth_look - LOOK: what a page is at this moment
 * @pfn: in: which
 * @flags: PAGE_TRUTH_*
 * @refcount: of the folio
 * @mapping: of the folio
 * @index: of the folio
 */
struct page_truth_look {
	__u64 pfn;
	__u32 flags;
	__s32 refcount;
	__u64 mapping;
	__u64 index;
};

/* What a page is allocated for. */
enum page_truth_what {
	PAGE_TRUTH_FOR_SLAB,	/* objects of a slab cache */
	PAGE_TRUTH_FOR_KERNEL,	/* a page of the kernel's own */
	PAGE_TRUTH_FOR_CACHE,	/* the same, of the memory that processes have */
};

/**
 * struct page_truth_take - TAKE: allocate until a certain page is among it
 * @pfn: which
 * @what: enum page_truth_what
 *
 * Fails with ENOENT if it is not among the first few hundred pages. What was allocated is
 * held until DROP, but for ENOENT.
 */
struct page_truth_take {
	__u64 pfn;
	__u32 what;
	__u32 reserved;
};

/**
 * struct page_truth_block - BLOCK: allocate 1 << order pages in a piece
 * @pfn: out: the first one
 * @order: how many
 * @compound: 1: as a compound page; 0: only the first page has a reference then
 *
 * Held until DROP.
 */
struct page_truth_block {
	__u64 pfn;
	__u32 order;
	__u32 compound;
};

#define PAGE_TRUTH_LOOK		_IOWR('T', 1, struct page_truth_look)
#define PAGE_TRUTH_TAKE		_IOW('T', 2, struct page_truth_take)
#define PAGE_TRUTH_BLOCK	_IOWR('T', 3, struct page_truth_block)
/* Take a reference on the page at an address of the caller's; held until DROP. */
#define PAGE_TRUTH_PIN		_IO('T', 4)
#define PAGE_TRUTH_DROP		_IO('T', 5)

/* mmap() of one page gives a page of the module's, inserted as drivers do. */
#endif
