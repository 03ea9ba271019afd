/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef MODEL_H
#define MODEL_H
/*
 * What has to be in memory that is written by one, read by others, and operated on (unmapped,
 * dropped, moved, ...) by a third, all at once.
 *
 * Each word says which page it is of, which word, and which of the page's writes it is from. So
 * what may be in a word at a moment is a range of writes, and perhaps zero, because what it had
 * was dropped. Writers tell the model when a write begins and has ended, and so do operations.
 * A page has one writer at a time.
 *
 * The first word of a page is a counter that the device adds to; a write of the page puts there
 * what has been added so far.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_PAGE = 4096, MODEL_PAGES = 512, MODEL_WRITES = 8191 };

/* What an operation does to what the pages have that it is about. */
enum model_effect {
	MODEL_KEEPS,
	MODEL_DROPS,		/* they are zero then */
	MODEL_MAY_DROP,		/* sooner or later, unless they are written before */
};

struct model {
	unsigned int pages;
	unsigned int first, nr;		/* those that operations are about */
	enum model_effect effect;
	atomic_uint ops_begun, ops_done;
	struct model_page {
		unsigned int writes;		/* the writer's */
		atomic_uint added, added_ended;
		atomic_uint begun;		/* the last write that has */
		/* The last write that has ended, and which operations were before and after it. */
		_Atomic uint64_t ended;
	} page[MODEL_PAGES];
};

/* What a page may have: what these writes wrote, word by word, or zero. */
struct model_range {
	unsigned int low, high;		/* 0: zero */
	unsigned int added_low, added_high;
	bool zero;
};

/* All of it zero. */
void model_init(struct model *m, unsigned int pages, unsigned int first, unsigned int nr,
		enum model_effect effect);
bool model_in_part(const struct model *m, unsigned int page);

void model_op_begin(struct model *m);
void model_op_end(struct model *m);

/*
 * A write of a whole page: its number, 0 if there are no more; its words, where they are copied
 * from; 1 is added to the counter behind it; all that has ended.
 */
unsigned int model_write_begin(struct model *m, unsigned int page);
void model_words(const struct model *m, uint32_t *words, unsigned int page, unsigned int write);
void model_add(struct model *m, unsigned int page);
void model_write_end(struct model *m, unsigned int page, unsigned int write,
		     unsigned int ops_before);
/* What the page has then; perhaps zero, or what was added since it was. */
struct model_range model_written(const struct model *m, unsigned int page, unsigned int write,
				 bool zero);
/* Nobody writes it, and it is zero now. */
void model_zeroed(struct model *m, unsigned int page);

/* What a page may have, now that no operation is under way; one that failed may be half done. */
struct model_range model_now(const struct model *m, unsigned int page);
/*
 * What a page that is read later may have: call the first before, the second after. No operation
 * may drop it in between; of one that is under way, nothing has been done yet.
 */
struct model_range model_from(const struct model *m, unsigned int page);
void model_until(const struct model *m, unsigned int page, struct model_range *range);
/* Is the page's last write one that began after the last operation had ended? */
bool model_written_since(const struct model *m, unsigned int page);

/* Does a page have what it may have? If not, why is a sentence without its end. */
bool model_check(const void *words, unsigned int page, struct model_range range, char *why,
		 size_t size);
#endif
