// SPDX-License-Identifier: MIT
/*
 * The oracle on guests that are made here: RAM with page tables, struct pages and VMCOREINFO as
 * 5.3, 6.12 and 7.3 have them. Before and behind the RAM no access is possible.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"
#include "oracle.h"

#define MIB		(1ULL << 20)
#define GIB		(1ULL << 30)
#define KERNEL_MAP	0xffffffff80000000ULL
#define TEXT_PA		(2 * MIB)	/* VMCOREINFO's page */
#define PGD_PA		(16 * MIB)
#define TABLES_PA	(17 * MIB)	/* and on */
#define STRUCTS_PA	(32 * MIB)	/* struct page of physical address 0 and on */
#define USER		(8 * MIB)	/* pages from here on are what a test makes of them */
#define USER_PFN	(USER / PAGE_SIZE)

/* Where fields of struct page are. */
struct layout {
	unsigned int size, flags, info, mapping, mapcount, refcount;
};

static const struct layout usual = { 64, 0, 8, 24, 48, 52 };
/* No kernel's, to see that what the text says is what counts. */
static const struct layout unusual = { 80, 72, 8, 40, 60, 24 };

enum kernel { V5_3, V6_1, V6_12, V7_3, KERNELS };

static const char *const kernel_release[KERNELS] = {
	"5.3.0", "6.1.0-57-amd64", "6.12.107", "7.3.4+",
};

/* Page types: what the word is that has it. */
enum { BUDDY, SLAB, TABLE, HUGETLB, OTHER, TYPES };

static const uint32_t type_word[KERNELS][TYPES] = {
	{ 0xffffff7f, 0, 0xfffffbff, 0, 0xfffff7ff },
	{ 0xffffff7f, 0, 0xfffffdff, 0, 0xfffffbff },
	{ 0xf0000000, 0xf5000000, 0xf2000000, 0xf4000000, 0xf6000000 },
	{ 0xf0000000, 0xf5000000, 0xf2000000, 0xf4000000, 0xf8000000 },
};

#define FLAG_SWAPCACHE	(1ULL << 10)
#define FLAG_SWAPBACKED	(1ULL << 17)
#define FLAG_SLAB	(1ULL << 9)	/* in 5.3 and 6.1 */

struct setup {
	enum kernel kernel;
	unsigned int levels;
	bool kaslr, small_leaves;
	uint64_t size;
	const struct layout *layout;
};

struct guest {
	struct setup setup;
	const struct layout *layout;
	uint8_t *reserved, *ram;
	uint64_t size;
	uint64_t phys_base, vmemmap, direct, next_table;
	struct oracle oracle;
};

static uint64_t *word(struct guest *guest, uint64_t offset)
{
	return (uint64_t *)(guest->ram + offset);
}

/* ---- page tables ---- */

static void map(struct guest *guest, uint64_t va, uint64_t pa, unsigned int leaf)
{
	uint64_t table = PGD_PA;

	for (unsigned int level = guest->setup.levels;; level--) {
		uint64_t *entry = word(guest, table + (va >> (12 + (level - 1) * 9) & 0x1ff) * 8);

		if (level == leaf) {
			/* With PAT, global and no-execute set, as real ones may have. */
			*entry = pa | 0x8000000000000163ULL | (leaf > 1 ? 0x80 : 0);
			return;
		}
		if (!*entry) {
			*entry = guest->next_table | 0x63;
			guest->next_table += PAGE_SIZE;
		}
		table = *entry & 0x000ffffffffff000ULL;
	}
}

/* ---- struct pages ---- */

static uint8_t *page_at(struct guest *guest, uint64_t pfn)
{
	return guest->ram + STRUCTS_PA + pfn * guest->layout->size;
}

static uint64_t page_va(struct guest *guest, uint64_t pfn)
{
	return guest->vmemmap + pfn * guest->layout->size;
}

static void put64(struct guest *guest, uint64_t pfn, unsigned int offset, uint64_t value)
{
	memcpy(page_at(guest, pfn) + offset, &value, 8);
}

static void put32(struct guest *guest, uint64_t pfn, unsigned int offset, uint32_t value)
{
	memcpy(page_at(guest, pfn) + offset, &value, 4);
}

static void set_flags(struct guest *guest, uint64_t pfn, uint64_t flags)
{
	put64(guest, pfn, guest->layout->flags, flags);
}

static void set_count(struct guest *guest, uint64_t pfn, int32_t count)
{
	put32(guest, pfn, guest->layout->refcount, count);
}

/* A mapcount or a page type. */
static void set_mapcount(struct guest *guest, uint64_t pfn, uint32_t mapcount)
{
	put32(guest, pfn, guest->layout->mapcount, mapcount);
}

static void set_owner(struct guest *guest, uint64_t pfn, uint64_t mapping, uint64_t index)
{
	put64(guest, pfn, guest->layout->mapping, mapping);
	put64(guest, pfn, guest->layout->mapping + 8, index);
}

static void set_free(struct guest *guest, uint64_t pfn)
{
	memset(page_at(guest, pfn), 0, guest->layout->size);
	set_mapcount(guest, pfn, -1);
}

/* Mapped once, by a process. */
static void set_user(struct guest *guest, uint64_t pfn, uint64_t mapping, uint64_t index)
{
	set_free(guest, pfn);
	set_count(guest, pfn, 1);
	set_mapcount(guest, pfn, 0);
	set_owner(guest, pfn, mapping, index);
}

static void set_kernel(struct guest *guest, uint64_t pfn)
{
	set_free(guest, pfn);
	set_count(guest, pfn, 1);
}

/* A tail of a folio of 1 << order pages. */
static void set_tail(struct guest *guest, uint64_t pfn, uint64_t head, unsigned int order)
{
	const struct layout *l = guest->layout;

	set_free(guest, pfn);
	if (guest->setup.kernel == V7_3 && l->size == 64)
		put64(guest, pfn, l->info, (-1ULL << (order + 6)) | 1);
	else
		put64(guest, pfn, l->info, page_va(guest, head) | 1);
}

/* Mapped as a whole: only the whole folio's count says so. */
static void set_large(struct guest *guest, uint64_t head, unsigned int order, uint64_t mapping,
		      uint64_t index)
{
	set_user(guest, head, mapping, index);
	set_mapcount(guest, head, -1);
	for (uint64_t i = 1; i < 1ULL << order; i++)
		set_tail(guest, head + i, head, order);
	if (guest->setup.kernel >= V6_12)
		put32(guest, head + 1, guest->layout->mapping - 8, 0);
}

/* ---- anonymous memory: an anon_vma with its root, in a page that the kernel maps ---- */

#define ANON_PA		(4 * MIB)

static uint64_t anon_vma(struct guest *guest, unsigned int nr, unsigned int root)
{
	const uint64_t base = guest->direct + ANON_PA;

	*word(guest, ANON_PA + nr * 128) = base + root * 128;
	return base + nr * 128 + 1;
}

/* ---- VMCOREINFO ---- */

static size_t write_text(struct guest *guest, char *to, size_t room)
{
	const struct layout *l = guest->layout;
	const enum kernel kernel = guest->setup.kernel;
	const unsigned long long pgd = PGD_PA + KERNEL_MAP - guest->phys_base;
	char vmemmap[64] = "", slab[128], compound[64];

	if (kernel >= V6_12)
		snprintf(vmemmap, sizeof(vmemmap), "SYMBOL(vmemmap)=%llx\n",
			 (unsigned long long)guest->vmemmap);
	if (kernel >= V6_12)
		snprintf(slab, sizeof(slab), "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=%d\n"
			 "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=%d\n",
			 (int32_t)type_word[kernel][SLAB], (int32_t)type_word[kernel][HUGETLB]);
	else
		snprintf(slab, sizeof(slab), "NUMBER(PG_slab)=9\n");
	snprintf(compound, sizeof(compound), "OFFSET(page.compound_%s)=%u\n",
		 kernel == V7_3 ? "info" : "head", l->info);
	return snprintf(to, room,
			"OSRELEASE=%s\n"
			"PAGESIZE=4096\n"
			"SYMBOL(init_uts_ns)=ffffffff8191e1c0\n"
			"SYMBOL(swapper_pg_dir)=%llx\n"
			"%s"
			"SYMBOL(mem_section)=%llx\n"
			"OFFSET(mem_section.section_mem_map)=16\n"
			"SIZE(page)=%u\n"
			"OFFSET(page.flags)=%u\n"
			"OFFSET(page._refcount)=%u\n"
			"OFFSET(page.mapping)=%u\n"
			"OFFSET(page._mapcount)=%u\n"
			"%s"
			"NUMBER(PG_swapcache)=10\n"
			"NUMBER(PG_swapbacked)=17\n"
			"%s"
			"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=%d\n"
			"NUMBER(phys_base)=%lld\n"
			"SYMBOL(init_top_pgt)=%llx\n"
			"NUMBER(pgtable_l5_enabled)=%d\n"
			"KERNELOFFSET=%x\n",
			kernel_release[kernel], pgd, vmemmap,
			(unsigned long long)(guest->direct + ANON_PA + PAGE_SIZE),
			l->size, l->flags, l->refcount, l->mapping, l->mapcount, compound, slab,
			(int32_t)type_word[kernel][BUDDY], (long long)guest->phys_base, pgd,
			guest->setup.levels == 5, guest->setup.kaslr ? 0xa800000 : 0);
}

static void put_text(struct guest *guest, uint64_t offset)
{
	write_text(guest, (char *)guest->ram + offset, ORACLE_TEXT);
}

/* ---- a guest ---- */

static struct guest *guest_new(struct setup setup)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	const uint64_t structs = 4 * MIB;

	assert_non_null(guest);
	if (!setup.size)
		setup.size = 64 * MIB;
	if (!setup.levels)
		setup.levels = 4;
	guest->setup = setup;
	guest->layout = setup.layout ? setup.layout : &usual;
	guest->size = setup.size;
	guest->reserved = mmap(NULL, setup.size + 2 * PAGE_SIZE, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(guest->reserved != MAP_FAILED);
	guest->ram = guest->reserved + PAGE_SIZE;
	assert_int_equal(mprotect(guest->ram, setup.size, PROT_READ | PROT_WRITE), 0);

	/* The kernel lies elsewhere both in virtual and in physical memory; this is the difference. */
	guest->phys_base = !setup.kaslr ? 0 : setup.levels == 5 ? 6 * MIB : -0xa800000ULL;
	guest->vmemmap = setup.levels == 5 ? 0xffd4000000000000 : 0xffffea0000000000;
	guest->direct = setup.levels == 5 ? 0xff11000000000000 : 0xffff888000000000;
	if (setup.kaslr) {
		guest->vmemmap += 0x7c40000000;
		guest->direct += 0x340000000;
	}
	guest->next_table = TABLES_PA;
	map(guest, PGD_PA + KERNEL_MAP - guest->phys_base, PGD_PA, 1);
	for (uint64_t at = 0; at < structs; at += setup.small_leaves ? PAGE_SIZE : 2 * MIB)
		map(guest, guest->vmemmap + at, STRUCTS_PA + at, setup.small_leaves ? 1 : 2);
	map(guest, guest->direct + ANON_PA, ANON_PA, 1);
	map(guest, guest->direct + ANON_PA + PAGE_SIZE, ANON_PA + PAGE_SIZE, 1);
	/* The first section, for those that do not tell where the vmemmap is; with flags. */
	*word(guest, ANON_PA + PAGE_SIZE) = guest->direct + ANON_PA + PAGE_SIZE + 1024;
	*word(guest, ANON_PA + PAGE_SIZE + 1024 + 16) = guest->vmemmap | 0x1f;

	for (uint64_t pfn = 0; pfn < 64 * MIB / PAGE_SIZE && pfn < structs / guest->layout->size; pfn++)
		set_free(guest, pfn);
	set_kernel(guest, 0);
	set_kernel(guest, TEXT_PA / PAGE_SIZE);
	set_kernel(guest, PGD_PA / PAGE_SIZE);
	put_text(guest, TEXT_PA);
	oracle_init(&guest->oracle);
	oracle_memory(&guest->oracle, guest->ram, guest->size);
	return guest;
}

static void guest_free(struct guest *guest)
{
	munmap(guest->reserved, guest->size + 2 * PAGE_SIZE);
	free(guest);
}

/* All memory once. */
static bool search(struct guest *guest)
{
	int calls = 0;

	while (oracle_search(&guest->oracle))
		assert_true(++calls < 1000);
	return guest->oracle.state == ORACLE_FOUND;
}

static struct guest *guest_found(struct setup setup)
{
	struct guest *guest = guest_new(setup);

	assert_true(search(guest));
	return guest;
}

static enum oracle_verdict ask(struct guest *guest, uint64_t pfn, bool write,
			       const struct oracle_owner *before)
{
	return oracle_check(&guest->oracle, guest->ram + pfn * PAGE_SIZE + 8, write, before);
}

static struct oracle_owner owner(struct guest *guest, uint64_t pfn)
{
	return oracle_owner(&guest->oracle, guest->ram + pfn * PAGE_SIZE);
}

/* The same for a read and a write, with an owner known or not. */
#define assert_verdict(guest, pfn, verdict) do {						\
	const struct oracle_owner none = { 0 };						\
	assert_int_equal(ask(guest, pfn, true, NULL), verdict);				\
	assert_int_equal(ask(guest, pfn, false, NULL), verdict);			\
	assert_int_equal(ask(guest, pfn, true, &none), verdict);			\
} while (0)

#define for_each_kernel(k) for (enum kernel k = 0; k < KERNELS; k++)

/* ---- the search ---- */

static void finds_each_kernel(void **state)
{
	(void)state;
	for_each_kernel(kernel)
		for (unsigned int i = 0; i < 8; i++) {
			struct guest *guest = guest_found((struct setup){
				.kernel = kernel, .levels = i & 1 ? 5 : 4, .kaslr = i & 2,
				.small_leaves = i & 4 });

			assert_string_equal(guest->oracle.release, kernel_release[kernel]);
			assert_int_equal(guest->oracle.found, TEXT_PA);
			assert_int_equal(guest->oracle.pgd, PGD_PA);
			assert_int_equal(guest->oracle.vmemmap, guest->vmemmap);
			set_user(guest, USER_PFN, anon_vma(guest, 0, 0), 7);
			assert_verdict(guest, USER_PFN, ORACLE_FINE);
			assert_verdict(guest, USER_PFN + 1, ORACLE_FREE);
			guest_free(guest);
		}
}

static void finds_the_note(void **state)
{
	struct guest *guest = guest_new((struct setup){ .kernel = V7_3 });

	(void)state;
	memset(guest->ram + TEXT_PA, 0, PAGE_SIZE);
	put_text(guest, TEXT_PA + 24);
	assert_true(search(guest));
	assert_int_equal(guest->oracle.found, TEXT_PA + 24);
	guest_free(guest);
}

static void believes_the_layout(void **state)
{
	(void)state;
	for_each_kernel(kernel) {
		struct guest *guest = guest_found((struct setup){
			.kernel = kernel, .layout = &unusual, .small_leaves = true });
		struct oracle_owner it;

		/* Of some of these, struct page lies across two pages. */
		for (uint64_t pfn = USER_PFN; pfn < USER_PFN + 256; pfn++) {
			set_user(guest, pfn, anon_vma(guest, 0, 0), pfn * 3);
			assert_verdict(guest, pfn, ORACLE_FINE);
			it = owner(guest, pfn);
			assert_int_equal(it.index, pfn * 3);
			set_count(guest, pfn, 0);
			assert_verdict(guest, pfn, ORACLE_FREE);
		}
		guest_free(guest);
	}
}

/* Nothing is there, then something. */
static void searches_until_it_is_there(void **state)
{
	struct guest *guest = guest_new((struct setup){ .kernel = V6_12 });
	char text[ORACLE_TEXT];

	(void)state;
	memcpy(text, guest->ram + TEXT_PA, sizeof(text));
	memset(guest->ram + TEXT_PA, 0, sizeof(text));
	for (int pass = 0; pass < 3; pass++) {
		assert_false(search(guest));
		assert_int_equal(guest->oracle.state, ORACLE_SEARCHES);
		set_count(guest, USER_PFN, 0);
		assert_verdict(guest, USER_PFN, ORACLE_FINE);
		assert_int_equal(owner(guest, USER_PFN).mapping, 0);
	}
	memcpy(guest->ram + TEXT_PA, text, sizeof(text));
	assert_true(search(guest));
	assert_false(oracle_search(&guest->oracle));
	guest_free(guest);
}

/* A piece at a time; and what the guest has not touched stays without memory. */
static void searches_in_pieces(void **state)
{
	const uint64_t size = 256 * MIB;
	struct oracle oracle;
	struct stat before, after;
	uint8_t *ram;
	int calls = 1, fd = memfd_create("ram", 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(ram != MAP_FAILED);
	ram[100 * MIB] = 1;
	assert_int_equal(fstat(fd, &before), 0);
	oracle_init(&oracle);
	assert_int_equal(oracle.state, ORACLE_OFF);
	assert_false(oracle_search(&oracle));
	oracle_memory(&oracle, ram, size);
	while (oracle_search(&oracle))
		calls++;
	assert_int_equal(calls, 16);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(before.st_blocks, after.st_blocks);
	oracle_memory(&oracle, NULL, 0);
	assert_int_equal(oracle.state, ORACLE_OFF);
	assert_false(oracle_search(&oracle));
	munmap(ram, size);
	close(fd);
}

/* It may be cut off anywhere: by the guest that is writing it, or by the end of a copy. */
static void refuses_what_is_cut_off(void **state)
{
	(void)state;
	for_each_kernel(kernel) {
		struct guest *guest = guest_new((struct setup){ .kernel = kernel });
		char text[ORACLE_TEXT];
		const size_t len = write_text(guest, text, sizeof(text));
		/* The last that is needed. */
		const size_t need = strchr(strstr(text, "NUMBER(phys_base)"), '\n') + 1 - text;

		for (size_t n = 0; n <= len; n++) {
			memset(guest->ram + TEXT_PA, 0, PAGE_SIZE);
			memcpy(guest->ram + TEXT_PA, text, n);
			oracle_memory(&guest->oracle, guest->ram, guest->size);
			assert_int_equal(search(guest), n >= need);
		}
		guest_free(guest);
	}
}

/* Copies below the real one: each is passed over, for the page that it is in. */
static void refuses_copies(void **state)
{
	(void)state;
	for_each_kernel(kernel) {
		struct guest *guest = guest_new((struct setup){ .kernel = kernel });
		const uint64_t pfn = MIB / PAGE_SIZE;

		for (uint64_t i = 0; i < 6; i++) {
			put_text(guest, MIB + i * PAGE_SIZE);
			set_kernel(guest, pfn + i);
		}
		set_user(guest, pfn, anon_vma(guest, 0, 0), 0);
		set_owner(guest, pfn + 1, guest->direct, 3);
		set_free(guest, pfn + 2);
		set_mapcount(guest, pfn + 3, type_word[kernel][OTHER]);
		set_tail(guest, pfn + 4, pfn, 3);
		set_count(guest, pfn + 4, 1);
		set_mapcount(guest, pfn + 5, type_word[kernel][BUDDY]);
		assert_true(search(guest));
		assert_int_equal(guest->oracle.found, TEXT_PA);
		guest_free(guest);
	}
}

/* The index is behind the mapping, and has to be within struct page, however large that is. */
static void refuses_a_layout_without_room(void **state)
{
	static const struct layout last = { 128, 0, 8, 120, 48, 52 }, room = { 128, 0, 8, 112, 48, 52 };
	static const struct layout first = { 64, 32, 8, 0, 48, 52 };
	static const struct { const struct layout *layout; bool good; } test[] = {
		{ &last, false }, { &room, true }, { &first, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(test) / sizeof(test[0]); i++) {
		struct guest *guest = guest_new((struct setup){
			.kernel = V7_3, .layout = test[i].layout });

		assert_int_equal(search(guest), test[i].good);
		guest_free(guest);
	}
}

/* A text that fits but for page 0, or the tables. */
static void refuses_what_does_not_fit(void **state)
{
	struct guest *guest = guest_new((struct setup){ .kernel = V7_3 });

	(void)state;
	set_count(guest, 0, -5);
	assert_false(search(guest));
	set_count(guest, 0, 1);
	set_count(guest, PGD_PA / PAGE_SIZE, 0);
	assert_false(search(guest));
	set_count(guest, PGD_PA / PAGE_SIZE, 1);
	/* The tables map themselves elsewhere. */
	map(guest, PGD_PA + KERNEL_MAP, PGD_PA + PAGE_SIZE, 1);
	assert_false(search(guest));
	map(guest, PGD_PA + KERNEL_MAP, PGD_PA, 1);
	assert_true(search(guest));
	guest_free(guest);
}

/* In the last page, whole, and as a note that has no room. */
static void looks_at_the_end(void **state)
{
	struct guest *guest = guest_new((struct setup){ .kernel = V7_3 });
	const uint64_t last = guest->size - PAGE_SIZE;

	(void)state;
	memset(guest->ram + TEXT_PA, 0, PAGE_SIZE);
	set_kernel(guest, last / PAGE_SIZE);
	put_text(guest, last);
	assert_true(search(guest));
	assert_int_equal(guest->oracle.found, last);
	memset(guest->ram + last, 0, PAGE_SIZE);
	write_text(guest, (char *)guest->ram + last + 24, PAGE_SIZE - 24);
	/* The rest of the page is text as well: it has no end. */
	memset(guest->ram + last + 24 + strlen((char *)guest->ram + last + 24), 'x',
	       PAGE_SIZE - 24 - strlen((char *)guest->ram + last + 24));
	oracle_memory(&guest->oracle, guest->ram, guest->size);
	assert_true(search(guest));
	assert_int_equal(guest->oracle.found, last + 24);
	guest_free(guest);
}

static uint64_t seed;

static uint32_t dice(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % n;
}

static void look_everywhere(struct guest *guest)
{
	static const struct oracle_owner before = { 0xffff888000400001, 3, 0xffff888000400000 };

	for (int i = 0; i < 16; i++) {
		const uint64_t pfn = dice(guest->size / PAGE_SIZE);

		ask(guest, pfn, i & 1, i & 2 ? &before : NULL);
		owner(guest, pfn);
	}
	ask(guest, guest->size / PAGE_SIZE - 1, true, NULL);
}

/* Each number replaced by others: none leads out of the memory, sanitizers have nothing to say. */
static void survives_any_number(void **state)
{
	static const char *const other[] = {
		"", "-", "-1", "0", "1", "7", "8", "56", "60", "63", "64", "120", "127", "128",
		"4096", "4294967295", "9223372036854775807", "-9223372036854775808",
		"18446744073709551615", "99999999999999999999999", "ffffffffffffffff",
		"ffffffff80000000", "ffff888000000000", "0x10", "12x",
	};

	(void)state;
	seed = 1;
	for_each_kernel(kernel) {
		struct guest *guest = guest_new((struct setup){ .kernel = kernel });
		char text[ORACLE_TEXT];

		write_text(guest, text, sizeof(text));
		for (char *at = strchr(text, '='); at; at = strchr(at + 1, '='))
			for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
				snprintf((char *)guest->ram + TEXT_PA, ORACLE_TEXT, "%.*s%s%s",
					 (int)(at + 1 - text), text, other[i], strchr(at, '\n'));
				oracle_memory(&guest->oracle, guest->ram, guest->size);
				if (search(guest))
					look_everywhere(guest);
			}
		guest_free(guest);
	}
}

/* Words of page tables and struct pages replaced while the oracle uses them. */
static void survives_any_table(void **state)
{
	(void)state;
	seed = 2;
	for (int i = 0; i < 300; i++) {
		struct guest *guest = guest_found((struct setup){
			.kernel = i % KERNELS, .levels = i & 8 ? 5 : 4, .small_leaves = i & 16 });

		for (int n = 0; n < 20; n++) {
			uint64_t value = (uint64_t)dice(UINT32_MAX) << 32 | dice(UINT32_MAX);
			uint64_t at = dice(2) ? PGD_PA : TABLES_PA + dice(8) * PAGE_SIZE;

			if (dice(2))	/* a table beyond the end, or near it */
				value = (guest->size - PAGE_SIZE * dice(3)) | 0x63 | dice(2) << 7;
			if (dice(2))
				*word(guest, at + dice(512) * 8) = value;
			else
				put64(guest, dice(guest->size / PAGE_SIZE), dice(8) * 8, value);
			look_everywhere(guest);
		}
		/* All entries of all tables. */
		for (uint64_t at = PGD_PA; at < TABLES_PA + 8 * PAGE_SIZE; at += 8)
			if (*word(guest, at))
				*word(guest, at) = (guest->size + dice(2) * PAGE_SIZE) | 0xe3;
		look_everywhere(guest);
		guest_free(guest);
	}
}

/* q35: with 2.75 GiB or more, what is above 2 GiB is at 4 GiB. */
static void knows_the_hole(void **state)
{
	const uint64_t size = 3 * GIB, above = 0x100000000 / PAGE_SIZE;
	struct guest *guest = guest_new((struct setup){ .kernel = V7_3, .size = size });

	(void)state;
	/* struct pages from 4 GiB on; and what lies at 2 GiB would be others. */
	map(guest, page_va(guest, above), 40 * MIB, 2);
	map(guest, page_va(guest, 0x80000000 / PAGE_SIZE), 42 * MIB, 2);
	memset(guest->ram + 40 * MIB, 0, 4 * MIB);
	assert_true(search(guest));
	/* The second page from 4 GiB on has a user. */
	memcpy(guest->ram + 40 * MIB + 64 + 24, &(uint64_t){ guest->direct }, 8);
	memcpy(guest->ram + 40 * MIB + 64 + 52, &(uint32_t){ 2 }, 4);
	assert_int_equal(ask(guest, 0x80000, true, NULL), ORACLE_FREE);
	assert_int_equal(ask(guest, 0x80001, true, NULL), ORACLE_FINE);
	assert_int_equal(ask(guest, 0x7ffff, true, NULL), ORACLE_FINE);	/* no struct page */
	/* Back again: VMCOREINFO above 4 GiB. */
	memset(guest->ram + TEXT_PA, 0, PAGE_SIZE);
	put_text(guest, 0x80000000 + 2 * PAGE_SIZE);
	memcpy(guest->ram + 40 * MIB + 2 * 64 + 52, &(uint32_t){ 1 }, 4);
	oracle_memory(&guest->oracle, guest->ram, guest->size);
	assert_true(search(guest));
	assert_int_equal(guest->oracle.found, 0x100000000 + 2 * PAGE_SIZE);
	assert_int_equal(ask(guest, 0x80000, true, NULL), ORACLE_FREE);
	assert_ptr_equal(oracle_at(&guest->oracle, 0x100000000), guest->ram + 0x80000000);
	assert_ptr_equal(oracle_at(&guest->oracle, 0x7fffffff), guest->ram + 0x7fffffff);
	assert_null(oracle_at(&guest->oracle, 0x80000000));
	assert_ptr_equal(oracle_at(&guest->oracle, 0x13fffffff), guest->ram + size - 1);
	assert_null(oracle_at(&guest->oracle, 0x140000000));
	assert_null(oracle_at(&guest->oracle, UINT64_MAX));

	/* Below that, all is low. */
	oracle_memory(&guest->oracle, guest->ram, 0xb0000000 - PAGE_SIZE);
	assert_ptr_equal(oracle_at(&guest->oracle, 0x80000000), guest->ram + 0x80000000);
	assert_null(oracle_at(&guest->oracle, 0x100000000));
	oracle_memory(&guest->oracle, guest->ram, 0xb0000000);
	assert_null(oracle_at(&guest->oracle, 0x80000000));
	assert_ptr_equal(oracle_at(&guest->oracle, 0x100000000), guest->ram + 0x80000000);
	guest_free(guest);
}

/* ---- verdicts ---- */

static void finds_what_is_not_the_process_s(void **state)
{
	(void)state;
	for_each_kernel(kernel) {
		struct guest *guest = guest_found((struct setup){ .kernel = kernel });
		const uint64_t anon = anon_vma(guest, 0, 0), file = guest->direct + 0x1000;
		const uint64_t pfn = USER_PFN;

		set_user(guest, pfn, anon, 7);
		assert_verdict(guest, pfn, ORACLE_FINE);
		set_user(guest, pfn, file, 7);
		assert_verdict(guest, pfn, ORACLE_FINE);

		/* Being freed: it may have its mapping still. */
		set_count(guest, pfn, 0);
		assert_verdict(guest, pfn, ORACLE_FREE);
		set_free(guest, pfn);
		assert_verdict(guest, pfn, ORACLE_FREE);
		set_mapcount(guest, pfn, type_word[kernel][BUDDY]);
		assert_verdict(guest, pfn, ORACLE_FREE);

		/* 7.3 has slabs with a refcount of 0 as well. */
		set_kernel(guest, pfn);
		if (kernel < V6_12)
			set_flags(guest, pfn, FLAG_SLAB);
		else
			set_mapcount(guest, pfn, type_word[kernel][SLAB]);
		assert_verdict(guest, pfn, ORACLE_SLAB);
		set_count(guest, pfn, 0);
		assert_verdict(guest, pfn, ORACLE_SLAB);

		set_kernel(guest, pfn);
		set_mapcount(guest, pfn, type_word[kernel][TABLE]);
		assert_verdict(guest, pfn, ORACLE_TABLE);
		set_mapcount(guest, pfn, type_word[kernel][OTHER]);
		assert_verdict(guest, pfn, ORACLE_NOBODY);
		guest_free(guest);
	}
}

static void knows_nobody_s_pages(void **state)
{
	(void)state;
	for_each_kernel(kernel) {
		struct guest *guest = guest_found((struct setup){ .kernel = kernel });
		const struct oracle_owner had = { .mapping = 1, .index = 1 };
		const uint64_t pfn = USER_PFN;
		uint8_t *bytes = guest->ram + pfn * PAGE_SIZE;

		/* The zero page: it may be read, unless it was somebody's. */
		set_kernel(guest, pfn);
		assert_int_equal(ask(guest, pfn, false, NULL), ORACLE_FINE);
		assert_int_equal(ask(guest, pfn, false, &(struct oracle_owner){ 0 }), ORACLE_FINE);
		assert_int_equal(ask(guest, pfn, false, &had), ORACLE_NOBODY);
		assert_int_equal(ask(guest, pfn, true, NULL), ORACLE_NOBODY);
		bytes[PAGE_SIZE - 1] = 1;
		assert_verdict(guest, pfn, ORACLE_NOBODY);

		/* A driver's page in a process. */
		set_mapcount(guest, pfn, 0);
		assert_verdict(guest, pfn, ORACLE_FINE);
		assert_int_equal(ask(guest, pfn, true, &had), ORACLE_NEW_OWNER);

		/* Truncated or migrated, with a reference left. */
		set_kernel(guest, pfn);
		set_flags(guest, pfn, FLAG_SWAPCACHE);
		assert_verdict(guest, pfn, ORACLE_NOBODY);
		set_flags(guest, pfn, FLAG_SWAPBACKED);
		assert_verdict(guest, pfn, ORACLE_NOBODY);
		set_flags(guest, pfn, FLAG_SWAPCACHE | FLAG_SWAPBACKED);
		assert_verdict(guest, pfn, ORACLE_UNMAPPED);
		guest_free(guest);
	}
}

static void knows_what_nobody_maps(void **state)
{
	(void)state;
	for_each_kernel(kernel) {
		struct guest *guest = guest_found((struct setup){ .kernel = kernel });
		/* Device-exclusive entries do not count from 5.14 to 6.14. */
		const bool counts = kernel == V5_3 || kernel == V7_3;

		set_user(guest, USER_PFN, guest->direct, 1);
		set_mapcount(guest, USER_PFN, -1);
		assert_verdict(guest, USER_PFN, ORACLE_UNMAPPED);
		set_user(guest, USER_PFN, anon_vma(guest, 0, 0), 1);
		set_mapcount(guest, USER_PFN, -1);
		assert_verdict(guest, USER_PFN, counts ? ORACLE_UNMAPPED : ORACLE_FINE);
		guest_free(guest);
	}
}

static void knows_large_folios(void **state)
{
	(void)state;
	for_each_kernel(kernel) {
		struct guest *guest = guest_found((struct setup){ .kernel = kernel });
		const uint64_t pfn = USER_PFN, anon = anon_vma(guest, 0, 0);

		set_large(guest, pfn, 9, anon, 512);
		for (uint64_t i = 0; i < 512; i++) {
			assert_verdict(guest, pfn + i, ORACLE_FINE);
			assert_int_equal(owner(guest, pfn + i).mapping, anon);
			assert_int_equal(owner(guest, pfn + i).index, 512 + i);
		}
		/* No process maps it. */
		if (kernel >= V6_12) {
			set_large(guest, pfn, 9, guest->direct, 512);
			put32(guest, pfn + 1, guest->layout->mapping - 8, -1);
			assert_verdict(guest, pfn, ORACLE_UNMAPPED);
			assert_verdict(guest, pfn + 1, ORACLE_UNMAPPED);
			assert_verdict(guest, pfn + 77, ORACLE_UNMAPPED);
			put32(guest, pfn + 1, guest->layout->mapping - 8, 3);
			assert_verdict(guest, pfn + 77, ORACLE_FINE);
			/* hugetlb's type is where the mapcount would be. */
			set_mapcount(guest, pfn, type_word[kernel][HUGETLB]);
			assert_verdict(guest, pfn, ORACLE_FINE);
			assert_verdict(guest, pfn + 77, ORACLE_FINE);
		}
		set_count(guest, pfn, 0);
		assert_verdict(guest, pfn, ORACLE_FREE);
		assert_verdict(guest, pfn + 511, ORACLE_FREE);

		/* The kernel's own. */
		set_large(guest, pfn, 3, 0, 0);
		if (kernel >= V6_12)
			put32(guest, pfn + 1, guest->layout->mapping - 8, -1);
		assert_int_equal(ask(guest, pfn + 5, true, NULL), ORACLE_NOBODY);
		if (kernel < V6_12)
			set_flags(guest, pfn, FLAG_SLAB);
		else
			set_mapcount(guest, pfn, type_word[kernel][SLAB]);
		assert_verdict(guest, pfn + 5, ORACLE_SLAB);

		/* A head that is none: nothing is known, and nothing is said. */
		set_free(guest, pfn + 5);
		put64(guest, pfn + 5, guest->layout->info, page_va(guest, pfn) + 9);
		assert_verdict(guest, pfn + 5, ORACLE_FINE);
		put64(guest, pfn + 5, guest->layout->info, page_va(guest, pfn + 6) + 1);
		assert_verdict(guest, pfn + 5, ORACLE_FINE);
		map(guest, guest->vmemmap - PAGE_SIZE, 48 * MIB, 1);
		put64(guest, pfn + 5, guest->layout->info, guest->vmemmap - 64 + 1);
		assert_verdict(guest, pfn + 5, ORACLE_FINE);
		guest_free(guest);
	}
}

/* 6.12's HVO: struct pages of the tails are the same page as the head's. */
static void knows_a_head_that_is_none(void **state)
{
	struct guest *guest = guest_found((struct setup){ .kernel = V6_12, .small_leaves = true });
	const uint64_t pfn = USER_PFN;

	(void)state;
	set_large(guest, pfn, 9, anon_vma(guest, 0, 0), 512);
	set_mapcount(guest, pfn, type_word[V6_12][HUGETLB]);
	for (uint64_t i = 64; i < 512; i += 64)
		map(guest, page_va(guest, pfn + i), STRUCTS_PA + pfn * 64, 1);
	for (uint64_t i = 0; i < 512; i++) {
		assert_verdict(guest, pfn + i, ORACLE_FINE);
		assert_int_equal(owner(guest, pfn + i).index, 512 + i);
	}
	set_count(guest, pfn, 0);
	assert_verdict(guest, pfn + 64, ORACLE_FREE);
	guest_free(guest);
}

/* The vmemmap is mapped to another page while its translation is cached. */
static void looks_again(void **state)
{
	struct guest *guest = guest_found((struct setup){ .kernel = V7_3, .small_leaves = true });
	const uint64_t pfn = USER_PFN, structs = STRUCTS_PA + pfn * 64, copy = 48 * MIB;

	(void)state;
	set_user(guest, pfn, anon_vma(guest, 0, 0), 1);
	assert_verdict(guest, pfn, ORACLE_FINE);
	memcpy(guest->ram + copy, guest->ram + structs, PAGE_SIZE);
	map(guest, page_va(guest, pfn), copy, 1);
	memset(guest->ram + structs, 0, PAGE_SIZE);
	assert_verdict(guest, pfn, ORACLE_FINE);
	memset(guest->ram + copy + 52, 0, 4);
	assert_verdict(guest, pfn, ORACLE_FREE);
	guest_free(guest);
}

/* ---- owners ---- */

static void sees_a_new_owner(void **state)
{
	(void)state;
	for_each_kernel(kernel) {
		struct guest *guest = guest_found((struct setup){ .kernel = kernel });
		/* 1 was forked from 0; 2 is another process's. */
		const uint64_t own = anon_vma(guest, 0, 0), forked = anon_vma(guest, 1, 0);
		const uint64_t other = anon_vma(guest, 2, 2);
		const uint64_t file = guest->direct + 0x1000, file2 = guest->direct + 0x2000;
		const uint64_t ksm = (guest->direct + 0x3000) | 3, ksm2 = (guest->direct + 0x4000) | 3;
		const struct {
			uint64_t from, from_index, to, to_index;
			enum oracle_verdict verdict;
		} change[] = {
			{ own, 7, own, 7, ORACLE_FINE },
			{ own, 7, own, 8, ORACLE_NEW_OWNER },
			{ own, 7, forked, 7, ORACLE_FINE },	/* page_move_anon_rmap() */
			{ own, 7, forked, 8, ORACLE_NEW_OWNER },
			{ own, 7, other, 7, ORACLE_NEW_OWNER },
			{ own, 7, other, 8, ORACLE_NEW_OWNER },
			{ forked, 7, other, 7, ORACLE_NEW_OWNER },
			{ own, 7, file, 7, ORACLE_NEW_OWNER },
			{ file, 7, file, 7, ORACLE_FINE },
			{ file, 7, file, 8, ORACLE_NEW_OWNER },
			{ file, 7, file2, 7, ORACLE_NEW_OWNER },
			{ file, 7, own, 7, ORACLE_NEW_OWNER },
			{ own, 7, ksm, 7, ORACLE_FINE },	/* set_page_stable_node() */
			{ own, 7, 3, 7, ORACLE_FINE },		/* the first half of it */
			{ own, 7, ksm, 8, ORACLE_NEW_OWNER },
			{ 3, 7, ksm, 7, ORACLE_FINE },
			{ ksm, 7, ksm2, 7, ORACLE_FINE },
			{ ksm, 7, ksm2, 8, ORACLE_NEW_OWNER },
			{ ksm, 7, own, 8, ORACLE_FINE },	/* reuse_ksm_page() of 5.3 */
			{ ksm, 7, file, 7, ORACLE_NEW_OWNER },
			{ file, 7, ksm, 7, ORACLE_NEW_OWNER },
			/* Whose root cannot be read is not judged by it. */
			{ own, 7, 0xffffc90000000001, 7, ORACLE_FINE },
		};

		for (size_t i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
			struct oracle_owner before;

			set_user(guest, USER_PFN, change[i].from, change[i].from_index);
			before = owner(guest, USER_PFN);
			assert_int_equal(before.mapping, change[i].from);
			assert_int_equal(before.index, change[i].from_index);
			set_user(guest, USER_PFN, change[i].to, change[i].to_index);
			if (ask(guest, USER_PFN, true, &before) != change[i].verdict)
				fail_msg("change %zu", i);
			assert_int_equal(ask(guest, USER_PFN, true, NULL), ORACLE_FINE);
		}
		guest_free(guest);
	}
}

/* A tail, and the page that it is after a split. */
static void a_split_changes_no_owner(void **state)
{
	(void)state;
	for_each_kernel(kernel) {
		struct guest *guest = guest_found((struct setup){ .kernel = kernel });
		const uint64_t anon = anon_vma(guest, 0, 0);
		struct oracle_owner before;

		set_large(guest, USER_PFN, 9, anon, 512);
		before = owner(guest, USER_PFN + 100);
		for (uint64_t i = 0; i < 512; i++)
			set_user(guest, USER_PFN + i, anon, 512 + i);
		assert_int_equal(ask(guest, USER_PFN + 100, true, &before), ORACLE_FINE);
		assert_int_equal(ask(guest, USER_PFN + 101, true, &before), ORACLE_NEW_OWNER);
		guest_free(guest);
	}
}

/* 5.3 freezes a page of KSM while it is mapped. */
static void a_frozen_page_of_ksm_is_not_free(void **state)
{
	struct guest *guest = guest_found((struct setup){ .kernel = V5_3 });

	(void)state;
	set_user(guest, USER_PFN, (guest->direct + 0x3000) | 3, 7);
	set_count(guest, USER_PFN, 0);
	assert_verdict(guest, USER_PFN, ORACLE_FINE);
	set_free(guest, USER_PFN);
	assert_verdict(guest, USER_PFN, ORACLE_FREE);
	guest_free(guest);
}

/* ---- the guest restarts ---- */

static void another_guest_is_searched_for(void **state)
{
	struct guest *guest = guest_found((struct setup){ .kernel = V5_3 });
	struct guest *next = guest_new((struct setup){ .kernel = V7_3, .levels = 5, .kaslr = true });

	(void)state;
	assert_verdict(guest, USER_PFN, ORACLE_FREE);
	oracle_memory(&guest->oracle, next->ram, next->size);
	assert_int_equal(guest->oracle.state, ORACLE_SEARCHES);
	assert_int_equal(oracle_check(&guest->oracle, next->ram + USER, true, NULL), ORACLE_FINE);
	while (oracle_search(&guest->oracle))
		;
	assert_int_equal(guest->oracle.state, ORACLE_FOUND);
	assert_string_equal(guest->oracle.release, kernel_release[V7_3]);
	assert_int_equal(oracle_check(&guest->oracle, next->ram + USER, true, NULL), ORACLE_FREE);
	set_user(next, USER_PFN, anon_vma(next, 0, 0), 1);
	assert_int_equal(oracle_check(&guest->oracle, next->ram + USER, true, NULL), ORACLE_FINE);
	guest_free(guest);
	guest_free(next);
}

/* VMCOREINFO is overwritten: a restart that nobody told of. Nothing is judged by it any more. */
static void believes_only_what_is_still_there(void **state)
{
	struct guest *guest = guest_found((struct setup){ .kernel = V6_1 });

	(void)state;
	assert_verdict(guest, USER_PFN, ORACLE_FREE);
	guest->ram[TEXT_PA + 300] ^= 1;
	assert_int_equal(ask(guest, USER_PFN, true, NULL), ORACLE_FINE);
	assert_int_equal(guest->oracle.state, ORACLE_SEARCHES);
	guest->ram[TEXT_PA + 300] ^= 1;
	assert_true(search(guest));
	assert_verdict(guest, USER_PFN, ORACLE_FREE);
	guest_free(guest);
}

static void verdicts_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < ORACLE_VERDICTS; i++)
		assert_true(strlen(oracle_verdict_name(i)) > 3);
	assert_string_equal(oracle_verdict_name(ORACLE_FREE), "free");
	assert_string_equal(oracle_verdict_name(ORACLE_VERDICTS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_each_kernel),
		cmocka_unit_test(finds_the_note),
		cmocka_unit_test(believes_the_layout),
		cmocka_unit_test(searches_until_it_is_there),
		cmocka_unit_test(searches_in_pieces),
		cmocka_unit_test(refuses_what_is_cut_off),
		cmocka_unit_test(refuses_copies),
		cmocka_unit_test(refuses_a_layout_without_room),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(looks_at_the_end),
		cmocka_unit_test(survives_any_number),
		cmocka_unit_test(survives_any_table),
		cmocka_unit_test(knows_the_hole),
		cmocka_unit_test(finds_what_is_not_the_process_s),
		cmocka_unit_test(knows_nobody_s_pages),
		cmocka_unit_test(knows_what_nobody_maps),
		cmocka_unit_test(knows_large_folios),
		cmocka_unit_test(knows_a_head_that_is_none),
		cmocka_unit_test(looks_again),
		cmocka_unit_test(sees_a_new_owner),
		cmocka_unit_test(a_split_changes_no_owner),
		cmocka_unit_test(a_frozen_page_of_ksm_is_not_free),
		cmocka_unit_test(another_guest_is_searched_for),
		cmocka_unit_test(believes_only_what_is_still_there),
		cmocka_unit_test(verdicts_have_names),
	};

	return cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
}
