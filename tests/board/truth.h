/* SPDX-License-Identifier: MIT */
#ifndef TRUTH_H
#define TRUTH_H
/* What the parts of oracle-truth share: asking, judging, and pages to ask about. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../modules/page_truth_uapi.h"

enum { PAGE = 4096, HUGE = 2 << 20, HUGE_PAGES = HUGE / PAGE };

/* Verdicts as the board gives them: enum oracle_verdict of board/oracle.h. */
enum { FINE, FREE, SLAB, TABLE, VERDICTS = 7 };

/* A way in which a device comes to access a page that it must not. */
struct kind {
	const char *name;
	/*
	 * Make pages so, and judge them. False: this time it could not be done, a page went
	 * elsewhere. It sets absent, and returns true, if this kernel never can.
	 */
	bool (*run)(struct kind *kind);
	unsigned int wanted;		/* pages to be judged */
	const char *may_miss;		/* why it may not be found; NULL: it has to be */
	unsigned int judged, found, missed, misnamed, other, refused;
	unsigned int verdict[VERDICTS];
	bool absent;
};

extern struct kind kinds[];
/* Of these, what is not mapped any more and still referenced. */
extern struct kind *kept_kind;

/* What a page that was taken away is now, by the kernel's word. */
enum now {
	NOW_FREE,	/* no reference */
	NOW_SLAB, NOW_TABLE,
	NOW_KEPT,	/* referenced, not mapped */
	NOW_OTHERS,	/* mapped, by others or elsewhere */
	NOW_UNMAPPED,	/* not mapped, referenced or not */
	NOW_ANY,
};

/* How often it was asked about a page that was right, and how often the answer was wrong. */
extern unsigned int right_asked, false_alarms;

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
uint32_t dice(uint32_t n);
/* x.y of the kernel, as x * 100 + y. */
unsigned int kernel_version(void);

uint32_t ask(uint64_t pfn, bool write);
/* The page asked for last is whose it should be. */
void mark(void);
void unmark(void);
struct page_truth_look look(uint64_t pfn);
/* An ioctl of the module. 0 or -errno. */
int truth(unsigned long cmd, unsigned long arg);
int truth_take(uint64_t pfn, enum page_truth_what what);
int truth_fd(void);

/* This page is in the caller's page tables at p: nothing may be said against it. */
void judge_right(const void *p, uint64_t pfn, bool write, const char *what);
/* The same, and it is marked. */
void judge_and_mark(const void *p, uint64_t pfn);
/* It is not the caller's any more: something has to be said. */
void judge_gone(struct kind *kind, uint64_t pfn, enum now now);

/* n small pages of anonymous memory without neighbours, until forget(). */
uint8_t *region(size_t n);
void forget(void *p, size_t n);
/* Write to each page. */
void touch(void *p, size_t n);
/* The frame of a page, 0: there is none. */
uint64_t frame(const void *p);
void frames(const void *p, size_t n, uint64_t *pfn);
/* Map a huge page, aligned, of what huge_unmap() gives back. NULL: there was none. */
uint8_t *huge_map(void);
void huge_unmap(void *p);
/* A file in memory: of ramfs, whose pages are of the kind that the kernel takes; or of tmpfs. */
int file_new(bool ramfs);
/* n pages of it from one on. */
uint8_t *file_map(int fd, size_t first, size_t n);

/* A process to which something is left. */
struct child {
	int pid, to, from;
};

/* It runs serve(arg) for each order, which answers with a word. */
struct child child_new(uint64_t (*serve)(uint64_t order, void *arg), void *arg);
/* A serve that does nothing: the child only holds what was left to it. */
uint64_t child_waits(uint64_t order, void *arg);
uint64_t child_order(struct child *child, uint64_t order);
void child_end(struct child *child);

/* truth_gone.c */
void kinds_prepare(void);
/* truth_right.c */
void run_right(void);
#endif
