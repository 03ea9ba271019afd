// SPDX-License-Identifier: MIT
/*
 * The oracle: struct page of a kernel that runs, read from outside.
 *
 * Sources: kernel/vmcore_info.c (5.3: kernel/crash_core.c) and arch/x86/kernel/vmcore_info_64.c
 * of Linux for what VMCOREINFO has; include/linux/mm_types.h, page-flags.h and rmap.h for what the
 * fields mean; Documentation/admin-guide/kdump/vmcoreinfo.rst describes both. VMCOREINFO does not
 * have all: page.index follows page.mapping, anon_vma begins with its root, and a large folio's
 * _large_mapcount (from 6.12) is in the second page where page.mapping's predecessor is, in
 * 5.3, 6.1, 6.12 and 7.3.
 *
 * Why there is no false alarm. A device may access a page by a translation that its driver has
 * made from the process's page tables, and has to drop in an invalidation, before mm touches
 * the process's entry. So at a right access a page table of a process maps the page:
 *
 * - The entry has a reference. mm freezes a refcount (to 0) only if it has the value that it has
 *   with no entry left: when a page migrates, when a THP is split, when khugepaged collapses
 *   pages of a file, when a page is reclaimed. Each unmaps the page before, which invalidates.
 *   Splitting a PMD does not freeze. One exception: reuse_ksm_page(), which 5.3 has, 6.1 not,
 *   freezes a page of KSM that is mapped. Such a page has its mapping still, a free one has not.
 * - It is in _mapcount, or of a large folio in _large_mapcount; these are raised before the entry
 *   is written. From 5.14 to 6.14 device-exclusive entries (atomic accesses to anonymous memory)
 *   do not count, so there this is not judged.
 * - It is no slab, no page table, no free page: page types are in the word that is _mapcount. Of
 *   hugetlb pages it is a type though they are mapped.
 * - The mapping is set before the first entry is written. Truncation, reclaim and migration reset
 *   it when no entry is left; anonymous memory keeps it until it is free. What has none and is
 *   mapped all the same are pages that a driver inserted (vm_insert_page()), which count as
 *   mapped, and the zero pages, which do not: they may be read, and what is all zero is taken for
 *   one.
 * - Whose it is stays. Breaking COW, userfaultfd, mremap() and KSM bring another page or go by
 *   an invalidation, except that: the last process of a family takes a page over
 *   (page_move_anon_rmap(): the mapping is another, its root and the index are not), KSM makes a
 *   page its own (the mapping is), and 5.3 makes a page of KSM anonymous again (both are). A page
 *   of hugetlb, and a tail of a large folio before and after a split, have the same index, as it
 *   is counted from the head's here.
 * - The vmemmap of hugetlb pages may be mapped anew (HVO) while its translation is cached here.
 *   For that, and for what was seen half way, a bad verdict is looked at again, from the top. And
 *   it is believed only while VMCOREINFO is where it was.
 *
 * What it does not find:
 *
 * - a page whose owner looks the same: this process's again, or one's of its family, at the same
 *   address; or another's whose anon_vma lies where the last one lay, at the same address;
 * - a part of a large folio that is unmapped while another part is mapped;
 * - a page that is unmapped by this process and mapped by another, as by fork or of a file;
 * - a read of what is nobody's and all zero, if no owner is known;
 * - a page that is kept though no process maps it: before 6.12 of a large folio, and from 5.14 to
 *   6.14 an anonymous one.
 *
 * tests/board/oracle-truth.c asks a kernel, and counts.
 */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"
#include "oracle.h"

/* Where the text is within a page: of vmcoreinfo_data, and of the ELF note that has a copy. */
static const unsigned int text_at[] = { 0, 12 + 12 };

#define SEARCH_PIECE	(16ULL << 20)
#define KERNEL_MAP	0xffffffff80000000ULL	/* __START_KERNEL_map */
#define KERNEL_HALF	0xff00000000000000ULL	/* with five levels; with four it is smaller */
#define STRUCT_PAGE_MAX	128
#define ENTRY_PRESENT	1ULL
#define ENTRY_LEAF	(1ULL << 7)
#define ENTRY_ADDR	0x000ffffffffff000ULL

/* Low bits of page.mapping. */
enum { MAPPING_ANON = 1, MAPPING_KSM = 3, MAPPING_FLAGS = 3 };

/*
 * Guest-physical addresses, and offsets into the file that is its memory. q35 of QEMU
 * (hw/i386/pc_q35.c): from 2.75 GiB on, what is above 2 GiB is found from 4 GiB on.
 */
#define LOW_LIMIT	0xb0000000ULL
#define LOW_SPLIT	0x80000000ULL
#define HIGH_START	0x100000000ULL

static uint64_t low_size(const struct oracle *oracle)
{
	return oracle->ram_size >= LOW_LIMIT ? LOW_SPLIT : oracle->ram_size;
}

static uint64_t offset_to_pa(const struct oracle *oracle, uint64_t offset)
{
	const uint64_t low = low_size(oracle);

	return offset < low ? offset : offset - low + HIGH_START;
}

/* NULL: there is no memory, or not as much. */
static const uint8_t *ram_at(const struct oracle *oracle, uint64_t pa, uint64_t len)
{
	const uint64_t low = low_size(oracle);

	if (pa < low)
		return len <= low - pa ? oracle->ram + pa : NULL;
	if (pa < HIGH_START)
		return NULL;
	pa -= HIGH_START;
	if (pa >= oracle->ram_size - low || len > oracle->ram_size - low - pa)
		return NULL;
	return oracle->ram + low + pa;
}

const void *oracle_at(const struct oracle *oracle, uint64_t pa)
{
	return oracle->ram ? ram_at(oracle, pa, 1) : NULL;
}

/* The guest writes it meanwhile: a word is read once. */
static bool read_word(const struct oracle *oracle, uint64_t pa, uint64_t *value)
{
	const uint8_t *at = ram_at(oracle, pa, 8);

	if (!at || pa & 7)
		return false;
	*value = __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
	return true;
}

/* The kernel's own page tables. False: nothing is mapped there. */
static bool walk(struct oracle *oracle, uint64_t va, uint64_t *pa)
{
	uint64_t table = oracle->pgd;

	for (unsigned int level = oracle->levels; level; level--) {
		const unsigned int shift = 12 + (level - 1) * 9;
		const uint64_t mask = (1ULL << shift) - 1;
		uint64_t entry;

		if (!read_word(oracle, table + (va >> shift & 0x1ff) * 8, &entry) ||
		    !(entry & ENTRY_PRESENT))
			return false;
		if (level == 1 || (level <= 3 && entry & ENTRY_LEAF)) {
			oracle->last_va = va & ~mask;
			oracle->last_pa = entry & ENTRY_ADDR & ~mask;
			oracle->last_mask = mask;
			*pa = oracle->last_pa | (va & mask);
			return true;
		}
		table = entry & ENTRY_ADDR;
	}
	return false;
}

static void forget_walk(struct oracle *oracle)
{
	/* No address is that with no bit masked. */
	oracle->last_va = 1;
	oracle->last_mask = 0;
}

/* A word of the kernel's, by its virtual address. */
static bool read_kernel(struct oracle *oracle, uint64_t va, uint64_t *value)
{
	uint64_t pa;

	if ((va & ~oracle->last_mask) == oracle->last_va)
		pa = oracle->last_pa | (va & oracle->last_mask);
	else if (!walk(oracle, va, &pa))
		return false;
	return read_word(oracle, pa, value);
}

/* A page as it was at one moment, more or less. */
struct look {
	uint64_t va;		/* of its struct page */
	uint64_t word[STRUCT_PAGE_MAX / 8];
};

static bool look_at(struct oracle *oracle, uint64_t va, struct look *look)
{
	look->va = va;
	for (uint64_t i = 0; i < oracle->page_size / 8; i++)
		if (!read_kernel(oracle, va + i * 8, &look->word[i]))
			return false;
	return true;
}

static int32_t half(const struct look *look, uint32_t offset)
{
	return look->word[offset / 8] >> (offset & 4) * 8;
}

/*
 * What a tail says of its head: either its address, or (7.3, where hugetlb's vmemmap may be
 * optimized) a mask that makes it of the tail's own. 0: it is no tail, or this makes no sense.
 */
static uint64_t head_of(const struct oracle *oracle, uint64_t va, uint64_t info)
{
	uint64_t head = info - 1;

	if (!(info & 1))
		return 0;
	if (head && !(-head & (-head - 1)))
		head &= va;
	if (head < oracle->vmemmap || head > va || (head - oracle->vmemmap) % oracle->page_size)
		return 0;
	return head;
}

/* A page and the head of the folio that it is in. */
struct folio {
	struct look page, head;
	bool large;
	int32_t large_mapcount;		/* of a large one from 6.12 on; less by 1, as all are */
};

static bool look_at_folio(struct oracle *oracle, uint64_t pfn, struct folio *folio)
{
	const uint64_t va = oracle->vmemmap + pfn * oracle->page_size;
	uint64_t head, info = 0;

	folio->large = false;
	folio->large_mapcount = 0;
	if (!look_at(oracle, va, &folio->page))
		return false;
	info = folio->page.word[oracle->off_compound / 8];
	if (info & 1) {
		head = head_of(oracle, va, info);
		if (!head)
			return false;
	} else {
		/*
		 * The second page says if it is a head. Or if it only looks like one: before 7.3
		 * struct pages of hugetlb pages may all be mapped to the first few of them.
		 */
		head = va;
		if (!(pfn & 1) && read_kernel(oracle, va + oracle->page_size + oracle->off_compound,
					      &info) && info & 1) {
			head = head_of(oracle, va + oracle->page_size, info);
			if (!head || head > va)
				return false;
			folio->large = true;
		}
	}
	if (head == va) {
		folio->head = folio->page;
	} else {
		folio->large = true;
		if (!look_at(oracle, head, &folio->head))
			return false;
	}
	if (folio->large && oracle->type_is_value) {
		const uint64_t at = head + oracle->page_size + oracle->off_mapping - 8;

		if (!read_kernel(oracle, at, &info))
			return false;
		folio->large_mapcount = (int32_t)info;
	}
	return true;
}

static struct oracle_owner owner_of(const struct oracle *oracle, const struct folio *folio)
{
	struct oracle_owner owner = { .mapping = folio->head.word[oracle->off_mapping / 8] };

	if (owner.mapping)
		owner.index = folio->head.word[oracle->off_mapping / 8 + 1] +
			      (folio->page.va - folio->head.va) / oracle->page_size;
	return owner;
}

static bool is_anon(const struct oracle_owner *owner)
{
	return (owner->mapping & MAPPING_FLAGS) == MAPPING_ANON;
}

/* The root of the anon_vma: the same for all forks. What may be there in its place is a number. */
static uint64_t root_of(struct oracle *oracle, const struct oracle_owner *owner)
{
	uint64_t root;

	return is_anon(owner) && read_kernel(oracle, owner->mapping - MAPPING_ANON, &root) ? root : 0;
}

/* Whether a page has become another's; see the head of this file for what may change. */
static bool changed(struct oracle *oracle, const struct oracle_owner *before,
		    const struct oracle_owner *now)
{
	const bool was_ksm = (before->mapping & MAPPING_FLAGS) == MAPPING_KSM;
	const bool is_ksm = (now->mapping & MAPPING_FLAGS) == MAPPING_KSM;
	uint64_t root;

	if (!before->mapping)
		return false;
	if (!now->mapping)
		return true;
	if (now->mapping == before->mapping)
		return now->index != before->index;
	if (is_anon(before) && is_anon(now)) {
		root = root_of(oracle, now);
		return now->index != before->index ||
		       (root && before->root && root != before->root);
	}
	if (was_ksm && is_anon(now))
		return false;
	if (is_ksm && (was_ksm || is_anon(before)))
		return now->index != before->index;
	return true;
}

/*
 * What a page type says. 6.12 has the type's number in the upper byte; before, a type was one bit
 * that is 0 instead of 1. Mapcounts are never as low.
 */
static enum oracle_verdict typed(const struct oracle *oracle, int32_t type)
{
	const uint32_t bits = type;

	if (oracle->type_is_value) {
		const uint32_t number = bits & 0xff000000;

		if (type >= 0 || number == 0xff000000)
			return ORACLE_FINE;
		return number == oracle->buddy ? ORACLE_FREE :
		       number == oracle->slab ? ORACLE_SLAB :
		       number == oracle->table ? ORACLE_TABLE :
		       number == oracle->hugetlb ? ORACLE_FINE : ORACLE_NOBODY;
	}

	if (type >= -128)
		return ORACLE_FINE;
	return !(bits & oracle->buddy) ? ORACLE_FREE :
	       oracle->slab && !(bits & oracle->slab) ? ORACLE_SLAB :
	       oracle->table && !(bits & oracle->table) ? ORACLE_TABLE :
	       oracle->hugetlb && !(bits & oracle->hugetlb) ? ORACLE_FINE : ORACLE_NOBODY;
}

static bool zeros(const uint8_t *page)
{
	static const uint8_t none[PAGE_SIZE];

	return !memcmp(page, none, sizeof(none));
}

static enum oracle_verdict judge(struct oracle *oracle, uint64_t offset, bool write,
				 const struct oracle_owner *before)
{
	struct oracle_owner now;
	enum oracle_verdict verdict;
	struct folio folio;
	bool mapped, judge_mapped;
	uint64_t flags;

	if (!look_at_folio(oracle, offset_to_pa(oracle, offset) / PAGE_SIZE, &folio))
		return ORACLE_FINE;

	/* A slab's refcount may be 0, so this is asked first. */
	flags = folio.head.word[oracle->off_flags / 8];
	if (flags & oracle->slab_flag)
		return ORACLE_SLAB;
	verdict = typed(oracle, half(&folio.head, oracle->off_mapcount));
	if (verdict != ORACLE_FINE)
		return verdict;

	now = owner_of(oracle, &folio);
	if (half(&folio.head, oracle->off_refcount) <= 0 &&
	    (now.mapping & MAPPING_FLAGS) != MAPPING_KSM)
		return ORACLE_FREE;

	/* Until 6.12 the mapcounts of a large folio cannot be had, but for those of its pages. */
	mapped = half(&folio.page, oracle->off_mapcount) >= 0;
	judge_mapped = true;
	if (folio.large && oracle->type_is_value)
		mapped = folio.large_mapcount >= 0;
	else if (folio.large)
		judge_mapped = false;
	if (now.mapping & MAPPING_ANON && oracle->exclusive_unmaps)
		judge_mapped = false;

	if (!now.mapping && !mapped && (flags & oracle->swapcache) != oracle->swapcache) {
		if (!write && !(before && before->mapping) &&
		    zeros(oracle->ram + (offset & PAGE_MASK)))
			return ORACLE_FINE;
		return ORACLE_NOBODY;
	}
	if (before && changed(oracle, before, &now))
		return ORACLE_NEW_OWNER;
	return mapped || !judge_mapped ? ORACLE_FINE : ORACLE_UNMAPPED;
}

static void search_again(struct oracle *oracle)
{
	oracle->state = oracle->ram ? ORACLE_SEARCHES : ORACLE_OFF;
	oracle->scan = 0;
	forget_walk(oracle);
}

static bool still_there(const struct oracle *oracle)
{
	const size_t len = strlen(oracle->text);
	const uint8_t *at = ram_at(oracle, oracle->found, len);

	return at && !memcmp(at, oracle->text, len);
}

enum oracle_verdict oracle_check(struct oracle *oracle, const void *at, bool write,
				 const struct oracle_owner *before)
{
	const uint64_t offset = (const uint8_t *)at - oracle->ram;
	enum oracle_verdict verdict;

	/* Other files than the guest's memory may be mapped as well. */
	if (oracle->state != ORACLE_FOUND || offset >= oracle->ram_size)
		return ORACLE_FINE;
	verdict = judge(oracle, offset, write, before);
	if (verdict == ORACLE_FINE)
		return ORACLE_FINE;
	forget_walk(oracle);
	verdict = judge(oracle, offset, write, before);
	if (verdict != ORACLE_FINE && !still_there(oracle)) {
		search_again(oracle);
		return ORACLE_FINE;
	}
	return verdict;
}

struct oracle_owner oracle_owner(struct oracle *oracle, const void *at)
{
	const uint64_t offset = (const uint8_t *)at - oracle->ram;
	struct oracle_owner owner;
	struct folio folio;

	if (oracle->state != ORACLE_FOUND || offset >= oracle->ram_size ||
	    !look_at_folio(oracle, offset_to_pa(oracle, offset) / PAGE_SIZE, &folio))
		return (struct oracle_owner) { 0 };
	owner = owner_of(oracle, &folio);
	owner.root = root_of(oracle, &owner);
	return owner;
}

/* What follows "\nKEY=". The first line is OSRELEASE's. */
static const char *line(const char *text, const char *key)
{
	const size_t len = strlen(key);

	for (const char *p = strchr(text, '\n'); p; p = strchr(p + 1, '\n'))
		if (!strncmp(p + 1, key, len) && p[1 + len] == '=')
			return p + 1 + len + 1;
	return NULL;
}

/* Numbers may be negative, symbols are not. */
static bool read_number(const char *text, const char *key, int base, uint64_t *value)
{
	const char *p = line(text, key);
	char *end;

	if (!p)
		return false;
	errno = 0;
	*value = *p == '-' ? (uint64_t)strtoll(p, &end, base) : strtoull(p, &end, base);
	return !errno && end != p && *end == '\n';
}

static bool read_offset(const struct oracle *oracle, const char *field, unsigned int align,
			uint32_t *value)
{
	uint64_t v;

	if (!read_number(oracle->text, field, 10, &v) || v % align || v >= oracle->page_size ||
	    align > oracle->page_size - v)
		return false;
	*value = v;
	return true;
}

static bool read_flag(const char *text, const char *key, uint64_t *mask)
{
	uint64_t bit;

	if (!read_number(text, key, 10, &bit) || bit > 63)
		return false;
	*mask = 1ULL << bit;
	return true;
}

static bool parse_layout(struct oracle *oracle)
{
	const char *text = oracle->text;
	uint64_t size;

	if (!read_number(text, "PAGESIZE", 10, &size) || size != PAGE_SIZE ||
	    !read_number(text, "SIZE(page)", 10, &oracle->page_size) || oracle->page_size % 8 ||
	    oracle->page_size < 48 || oracle->page_size > STRUCT_PAGE_MAX)
		return false;
	if (!read_offset(oracle, "OFFSET(page.flags)", 8, &oracle->off_flags) ||
	    !read_offset(oracle, "OFFSET(page._refcount)", 4, &oracle->off_refcount) ||
	    !read_offset(oracle, "OFFSET(page._mapcount)", 4, &oracle->off_mapcount) ||
	    !read_offset(oracle, "OFFSET(page.mapping)", 8, &oracle->off_mapping))
		return false;
	/* One name in 7.3, the other in 6.12 and before. */
	if (!read_offset(oracle, "OFFSET(page.compound_info)", 8, &oracle->off_compound) &&
	    !read_offset(oracle, "OFFSET(page.compound_head)", 8, &oracle->off_compound))
		return false;
	/* With the index behind it, and of a second page with _large_mapcount before it. */
	return oracle->off_mapping >= 8 && oracle->off_mapping <= oracle->page_size - 16;
}

static void parse_types(struct oracle *oracle, unsigned int version, uint64_t buddy)
{
	const char *text = oracle->text;
	uint64_t value, backed;

	oracle->type_is_value = !((uint32_t)buddy & 0xffffff);
	oracle->buddy = oracle->type_is_value ? buddy : ~buddy;
	oracle->slab = oracle->hugetlb = oracle->table = 0;
	if (read_number(text, "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)", 10, &value))
		oracle->slab = oracle->type_is_value ? value : ~value;
	if (read_number(text, "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)", 10, &value))
		oracle->hugetlb = oracle->type_is_value ? value : ~value;
	/* Not in VMCOREINFO. PGTY_table; PG_table, which moved in 5.11. */
	if (oracle->type_is_value)
		oracle->table = 0xf2000000;
	else if (oracle->buddy == 0x80)
		oracle->table = version < 511 ? 0x400 : 0x200;

	oracle->slab_flag = 0;
	read_flag(text, "NUMBER(PG_slab)", &oracle->slab_flag);
	/* The bit means that only with the other. */
	oracle->swapcache = ~0ULL;
	if (read_flag(text, "NUMBER(PG_swapcache)", &value) &&
	    read_flag(text, "NUMBER(PG_swapbacked)", &backed))
		oracle->swapcache = value | backed;
	oracle->exclusive_unmaps = version >= 514 && version < 615;
}

/*
 * Where struct pages are. 5.3 and 6.1 do not say; but the first section's section_mem_map is the
 * same address, with flags in its lower bits.
 */
static bool find_vmemmap(struct oracle *oracle)
{
	const char *text = oracle->text;
	uint64_t sections, root, offset, map;

	if (!read_number(text, "SYMBOL(vmemmap)", 16, &map)) {
		if (!read_number(text, "SYMBOL(mem_section)", 16, &sections) ||
		    !read_number(text, "OFFSET(mem_section.section_mem_map)", 10, &offset) ||
		    offset > PAGE_SIZE || !read_kernel(oracle, sections, &root) ||
		    !read_kernel(oracle, root + offset, &map))
			return false;
		map &= PAGE_MASK;
	}
	oracle->vmemmap = map;
	return map >= KERNEL_HALF && map < KERNEL_MAP && map % PAGE_SIZE == 0;
}

static bool parse(struct oracle *oracle)
{
	const char *text = oracle->text;
	uint64_t pgd, phys_base, buddy, l5 = 0;
	unsigned long major, minor;
	size_t len;
	char *end;

	text += strlen("OSRELEASE=");
	len = strcspn(text, "\n");
	if (len >= sizeof(oracle->release))
		return false;
	memcpy(oracle->release, text, len);
	oracle->release[len] = '\0';
	major = strtoul(oracle->release, &end, 10);
	if (*end != '.' || major > 99)
		return false;
	minor = strtoul(end + 1, &end, 10);
	if (minor > 99)
		return false;

	text = oracle->text;
	if (!read_number(text, "SYMBOL(swapper_pg_dir)", 16, &pgd) ||
	    !read_number(text, "NUMBER(phys_base)", 10, &phys_base) ||
	    !read_number(text, "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", 10, &buddy) ||
	    !parse_layout(oracle))
		return false;
	read_number(text, "NUMBER(pgtable_l5_enabled)", 10, &l5);
	if (l5 > 1 || pgd < KERNEL_MAP)
		return false;
	oracle->levels = 4 + l5;
	oracle->pgd = pgd - KERNEL_MAP + phys_base;
	if (oracle->pgd % PAGE_SIZE)
		return false;
	parse_types(oracle, major * 100 + minor, buddy);

	/* The tables have to map themselves where they are said to be. */
	return walk(oracle, pgd, &phys_base) && phys_base == oracle->pgd && find_vmemmap(oracle);
}

/* A page that the kernel has for itself, for ever; with so many references at least. */
static bool kernel_has(struct oracle *oracle, uint64_t pa, int32_t least)
{
	struct look look;
	int32_t count;

	if (!look_at(oracle, oracle->vmemmap + pa / PAGE_SIZE * oracle->page_size, &look))
		return false;
	count = half(&look, oracle->off_refcount);
	return count >= least && count < 1 << 20 &&
	       typed(oracle, half(&look, oracle->off_mapcount)) == ORACLE_FINE &&
	       !(look.word[oracle->off_flags / 8] & oracle->slab_flag) &&
	       !look.word[oracle->off_mapping / 8] && !(look.word[oracle->off_compound / 8] & 1);
}

/*
 * Text that begins as VMCOREINFO does may be anything: a copy in a process, a page that has been
 * freed, half of it while the guest boots. Nothing of it is followed outside of the memory, and
 * it has to describe the page that it is in, the page tables, and page 0, as the kernel's own.
 */
static bool examine(struct oracle *oracle, uint64_t at)
{
	const uint64_t pa = offset_to_pa(oracle, at);
	const uint64_t left = oracle->ram_size - at;
	size_t len = left < ORACLE_TEXT ? left : ORACLE_TEXT;

	memcpy(oracle->text, oracle->ram + at, len);
	oracle->text[len] = '\0';
	/* Page 0 is nobody's: reserved, and without a reference where memblock leaves it out (5.3). */
	if (!parse(oracle) || !kernel_has(oracle, pa, 1) || !kernel_has(oracle, oracle->pgd, 1) ||
	    !kernel_has(oracle, 0, 0))
		return false;
	oracle->found = pa;
	oracle->state = ORACLE_FOUND;
	return true;
}

bool oracle_search(struct oracle *oracle)
{
	static const char mark[] = "OSRELEASE=";
	unsigned char resident[SEARCH_PIECE / PAGE_SIZE];
	uint64_t len;

	if (oracle->state != ORACLE_SEARCHES)
		return false;
	len = oracle->ram_size - oracle->scan;
	if (len > SEARCH_PIECE)
		len = SEARCH_PIECE;
	/* What the guest has not touched must not get memory by being looked at. */
	if (mincore(oracle->ram + oracle->scan, len, resident))
		memset(resident, 1, sizeof(resident));
	for (uint64_t at = 0; at < len; at += PAGE_SIZE) {
		if (!(resident[at / PAGE_SIZE] & 1))
			continue;
		for (size_t i = 0; i < sizeof(text_at) / sizeof(text_at[0]); i++) {
			const uint64_t begin = oracle->scan + at + text_at[i];

			if (!memcmp(oracle->ram + begin, mark, sizeof(mark) - 1) &&
			    examine(oracle, begin))
				return false;
		}
	}
	oracle->scan += len;
	if (oracle->scan < oracle->ram_size)
		return true;
	oracle->scan = 0;
	return false;
}

void oracle_memory(struct oracle *oracle, uint8_t *ram, uint64_t size)
{
	oracle->ram = size >= PAGE_SIZE ? ram : NULL;
	oracle->ram_size = oracle->ram ? size & PAGE_MASK : 0;
	search_again(oracle);
}

void oracle_init(struct oracle *oracle)
{
	memset(oracle, 0, sizeof(*oracle));
	search_again(oracle);
}

const char *oracle_verdict_name(enum oracle_verdict verdict)
{
	static const char *const name[ORACLE_VERDICTS] = {
		[ORACLE_FINE] = "fine", [ORACLE_FREE] = "free", [ORACLE_SLAB] = "slab",
		[ORACLE_TABLE] = "page table", [ORACLE_NOBODY] = "nobody's",
		[ORACLE_NEW_OWNER] = "another owner's", [ORACLE_UNMAPPED] = "unmapped",
	};

	return verdict < ORACLE_VERDICTS ? name[verdict] : "unknown";
}
