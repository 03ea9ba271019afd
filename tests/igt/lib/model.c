// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "model.h"

#include <stdio.h>

enum { WORDS = MODEL_PAGE / 4, WORD_BITS = 10, PAGE_BITS = 9 };

/* A write that has ended, in one word: its number, the operations before it and after it. */
enum { OPS_BITS = 20 };

static uint64_t pack(uint64_t write, uint64_t before, uint64_t after)
{
	return write << 2 * OPS_BITS | before << OPS_BITS | after;
}

static unsigned int write_of(uint64_t ended)
{
	return ended >> 2 * OPS_BITS;
}

static unsigned int before(uint64_t ended)
{
	return ended >> OPS_BITS & ((1u << OPS_BITS) - 1);
}

static unsigned int after(uint64_t ended)
{
	return ended & ((1u << OPS_BITS) - 1);
}

void model_init(struct model *m, unsigned int pages, unsigned int first, unsigned int nr,
		enum model_effect effect)
{
	unsigned int i;

	m->pages = pages;
	m->first = first;
	m->nr = nr;
	m->effect = effect;
	m->ops_begun = 0;
	m->ops_done = 0;
	for (i = 0; i < pages; i++)
		m->page[i] = (struct model_page) { .writes = 0 };
}

bool model_in_part(const struct model *m, unsigned int page)
{
	return page >= m->first && page < m->first + m->nr;
}

void model_op_begin(struct model *m)
{
	atomic_fetch_add(&m->ops_begun, 1);
}

void model_op_end(struct model *m)
{
	atomic_fetch_add(&m->ops_done, 1);
}

unsigned int model_write_begin(struct model *m, unsigned int page)
{
	struct model_page *p = &m->page[page];

	if (p->writes == MODEL_WRITES)
		return 0;
	p->begun = ++p->writes;
	return p->writes;
}

void model_words(const struct model *m, uint32_t *words, unsigned int page, unsigned int write)
{
	unsigned int i;

	words[0] = m->page[page].added;
	for (i = 1; i < WORDS; i++)
		words[i] = write << (PAGE_BITS + WORD_BITS) | page << WORD_BITS | i;
}

void model_add(struct model *m, unsigned int page)
{
	atomic_fetch_add(&m->page[page].added, 1);
}

void model_write_end(struct model *m, unsigned int page, unsigned int write,
		     unsigned int ops_before)
{
	m->page[page].ended = pack(write, ops_before, m->ops_begun);
	m->page[page].added_ended = m->page[page].added;
}

struct model_range model_written(const struct model *m, unsigned int page, unsigned int write,
				 bool zero)
{
	const unsigned int added = m->page[page].added;

	return (struct model_range) {
		.low = write, .high = write, .added_low = zero ? 0 : added, .added_high = added,
		.zero = zero,
	};
}

void model_zeroed(struct model *m, unsigned int page)
{
	m->page[page].begun = 0;
	m->page[page].ended = 0;
	m->page[page].added = 0;
	m->page[page].added_ended = 0;
}

struct model_range model_from(const struct model *m, unsigned int page)
{
	const unsigned int added = m->page[page].added_ended;
	const uint64_t ended = m->page[page].ended;
	const bool zero = m->effect != MODEL_KEEPS && model_in_part(m, page) &&
			  before(ended) != m->ops_done;

	return (struct model_range) {
		.low = write_of(ended), .added_low = zero ? 0 : added, .zero = zero,
	};
}

void model_until(const struct model *m, unsigned int page, struct model_range *range)
{
	range->high = m->page[page].begun;
	range->added_high = m->page[page].added;
}

struct model_range model_now(const struct model *m, unsigned int page)
{
	const uint64_t ended = m->page[page].ended;
	struct model_range range = model_from(m, page);

	model_until(m, page, &range);
	/* Nothing was written since what was there has been dropped. */
	if (range.zero && m->effect == MODEL_DROPS && after(ended) < m->ops_begun &&
	    range.low == range.high)
		range = (struct model_range) { .zero = true };
	return range;
}

bool model_written_since(const struct model *m, unsigned int page)
{
	const uint64_t ended = m->page[page].ended;

	return write_of(ended) && before(ended) == m->ops_begun;
}

static void explain(uint32_t word, unsigned int page, unsigned int i, struct model_range range,
		    char *why, size_t size)
{
	const char *or = range.zero ? ", or zero" : "";

	if (!word)
		snprintf(why, size, "page %u, word %u is zero, not of write %u to %u", page, i,
			 range.low, range.high);
	else
		snprintf(why, size,
			 "page %u, word %u is %#x (page %u, word %u, write %u), not of write %u to "
			 "%u%s", page, i, word, word >> WORD_BITS & ((1 << PAGE_BITS) - 1),
			 word & (WORDS - 1), word >> (PAGE_BITS + WORD_BITS), range.low,
			 range.high, or);
}

bool model_check(const void *words, unsigned int page, struct model_range range, char *why,
		 size_t size)
{
	const volatile uint32_t *p = words;
	const uint32_t place = page << WORD_BITS;
	const uint32_t mask = (1 << (PAGE_BITS + WORD_BITS)) - 1;
	const uint32_t added = p[0];
	unsigned int i;

	if (added < range.added_low || added > range.added_high) {
		snprintf(why, size, "page %u, its counter is %u, not %u to %u", page, added,
			 range.added_low, range.added_high);
		return false;
	}
	for (i = 1; i < WORDS; i++) {
		const uint32_t word = p[i];
		const unsigned int write = word >> (PAGE_BITS + WORD_BITS);

		if (word ? write && write >= range.low && write <= range.high &&
			   (word & mask) == (place | i) : range.zero || !range.low)
			continue;
		explain(word, page, i, range, why, size);
		return false;
	}
	return true;
}
