// SPDX-License-Identifier: MIT
/*
 * oracle-truth [-s SEED]: does the board's oracle say the truth? Pages are mapped, which it must
 * find right; then they are taken from the process in all the ways there are, as they may be
 * under a device that missed an invalidation, and it must find them wrong. What they are by
 * then is asked of the kernel, by page_truth.ko: before and after the oracle, and what changed in
 * between does not count.
 *
 * Prints a line a kind. Fails on a false alarm, if a page is missed that has to be found, and if
 * what is free, a slab or a page table is called something else.
 */
#include "truth.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board_client.h"
#include "pagemap.h"

#define RAMFS "/tmp/oracle-truth"

/* How many frees have to be judged, of kinds that have to be found. */
#define ENOUGH 10000
/* How often in a row it may fail to bring a page where it should go. */
#define TRIES 2000
/* What is said of single pages. */
#define SAID_MAX 20

unsigned int right_asked, false_alarms;
struct kind *kept_kind;

static struct board board;
static int module = -1;
static uint64_t seed = 1;
static unsigned int said;

static const char *const verdict_name[VERDICTS] = {
	"fine", "free", "slab", "table", "nobody", "new-owner", "unmapped",
};

void die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("oracle-truth: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

uint32_t dice(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % n;
}

unsigned int kernel_version(void)
{
	struct utsname name;
	unsigned int major, minor;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		die("what kernel is this? '%s'", name.release);
	return major * 100 + minor;
}

/* ---- the oracle, and the truth ---- */

static void put(uint32_t reg, uint32_t value)
{
	board.reg[reg / 4] = value;
}

uint32_t ask(uint64_t pfn, bool write)
{
	const uint64_t pa = pfn * PAGE;
	uint32_t verdict;

	put(CONTROL_REG_ORACLE_WRITE, write);
	put(CONTROL_REG_ORACLE_PA, pa);
	put(CONTROL_REG_ORACLE_PA + 4, pa >> 32);
	verdict = board.reg[CONTROL_REG_ORACLE_VERDICT / 4];
	if (verdict >= VERDICTS)
		die("the board answers %#x for page %#llx: it has lost VMCOREINFO, or takes this for no memory",
		    verdict, (unsigned long long)pfn);
	return verdict;
}

void mark(void)
{
	put(CONTROL_REG_ORACLE_MARK, 1);
}

void unmark(void)
{
	put(CONTROL_REG_ORACLE_MARK, 0);
}

int truth(unsigned long cmd, unsigned long arg)
{
	return ioctl(module, cmd, arg) ? -errno : 0;
}

int truth_fd(void)
{
	return module;
}

struct page_truth_look look(uint64_t pfn)
{
	struct page_truth_look look = { .pfn = pfn };
	const int ret = truth(PAGE_TRUTH_LOOK, (uintptr_t)&look);

	if (ret)
		die("the module cannot look at page %#llx: %s", (unsigned long long)pfn, strerror(-ret));
	return look;
}

int truth_take(uint64_t pfn, enum page_truth_what what)
{
	struct page_truth_take take = { .pfn = pfn, .what = what };

	return truth(PAGE_TRUTH_TAKE, (uintptr_t)&take);
}

static void say_page(const char *what, uint64_t pfn, uint32_t verdict, bool write)
{
	struct page_truth_look now = look(pfn);

	if (said++ >= SAID_MAX)
		return;
	printf("  %s: a %s of page %#llx is %s; flags %#x, refcount %d, mapping %#llx, index %#llx\n",
	       what, write ? "write" : "read", (unsigned long long)pfn, verdict_name[verdict],
	       now.flags, now.refcount, (unsigned long long)now.mapping,
	       (unsigned long long)now.index);
}

static void right_once(const void *p, uint64_t pfn, bool write, const char *what)
{
	const uint32_t verdict = ask(pfn, write);

	/* The answer is for as long as it is the process's. */
	if (frame(p) != pfn)
		return;
	right_asked++;
	if (verdict == FINE)
		return;
	false_alarms++;
	say_page(what, pfn, verdict, write);
}

void judge_right(const void *p, uint64_t pfn, bool write, const char *what)
{
	if (write)
		right_once(p, pfn, true, what);
	right_once(p, pfn, false, what);
}

void judge_and_mark(const void *p, uint64_t pfn)
{
	judge_right(p, pfn, true, "false alarm");
	mark();
	judge_right(p, pfn, true, "false alarm, with its owner known");
}

static bool is_now(const struct page_truth_look *it, enum now now)
{
	const bool mapped = it->flags & PAGE_TRUTH_MAPPED;

	switch (now) {
	case NOW_FREE: return it->refcount == 0;
	case NOW_SLAB: return it->flags & PAGE_TRUTH_SLAB;
	case NOW_TABLE: return it->flags & PAGE_TRUTH_TABLE;
	case NOW_KEPT: return it->refcount && !mapped;
	case NOW_OTHERS: return it->refcount && mapped;
	case NOW_UNMAPPED: return !mapped;
	case NOW_ANY: return true;
	}
	return false;
}

static bool same(const struct page_truth_look *a, const struct page_truth_look *b)
{
	return a->flags == b->flags && a->refcount == b->refcount && a->mapping == b->mapping &&
	       a->index == b->index;
}

void judge_gone(struct kind *kind, uint64_t pfn, enum now now)
{
	static const uint32_t word[] = {
		[NOW_FREE] = FREE, [NOW_SLAB] = SLAB, [NOW_TABLE] = TABLE, [NOW_ANY] = 0,
	};
	struct page_truth_look before, after;
	uint32_t write, read;
	int tries = 5;

	do {
		before = look(pfn);
		write = ask(pfn, true);
		read = ask(pfn, false);
		after = look(pfn);
	} while (!same(&before, &after) && --tries);
	if (!tries) {
		kind->other++;
		return;
	}
	/* Lists of pages that are to go to the LRU have references, for a while. */
	if (now == NOW_FREE && is_now(&before, NOW_KEPT)) {
		kind = kept_kind;
		now = NOW_KEPT;
	} else if (!is_now(&before, now)) {
		kind->other++;
		return;
	}
	kind->judged++;
	kind->verdict[write]++;
	if (word[now] && write != FINE && write != word[now]) {
		kind->misnamed++;
		say_page("another word for it was expected", pfn, write, true);
	}
	if (write != FINE && read != FINE) {
		kind->found++;
		return;
	}
	kind->missed++;
	if (!kind->may_miss)
		say_page(kind->name, pfn, write == FINE ? write : read, write == FINE);
}

/* ---- pages ---- */

uint8_t *region(size_t n)
{
	uint8_t *p = mmap(NULL, (n + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + PAGE, n * PAGE, PROT_READ | PROT_WRITE))
		die("no address space: %s", strerror(errno));
	/* EINVAL: the kernel has no huge pages. */
	if (madvise(p + PAGE, n * PAGE, MADV_NOHUGEPAGE) && errno != EINVAL)
		die("madvise: %s", strerror(errno));
	return p + PAGE;
}

void forget(void *p, size_t n)
{
	if (munmap((uint8_t *)p - PAGE, (n + 2) * PAGE))
		die("munmap: %s", strerror(errno));
}

void touch(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)p)[i * PAGE + i % PAGE] = i | 1;
}

uint64_t frame(const void *p)
{
	uint64_t entry;
	const int ret = pagemap_read(p, 1, &entry);

	if (ret)
		die("/proc/self/pagemap: %s", strerror(-ret));
	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_PFN : 0;
}

void frames(const void *p, size_t n, uint64_t *pfn)
{
	const int ret = pagemap_read(p, n, pfn);

	if (ret)
		die("/proc/self/pagemap: %s", strerror(-ret));
	for (size_t i = 0; i < n; i++) {
		if (!(pfn[i] & PAGEMAP_PRESENT))
			die("a page is not there that was just touched");
		pfn[i] &= PAGEMAP_PFN;
	}
}

uint8_t *huge_map(void)
{
	uint8_t *all = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *p = (uint8_t *)(((uintptr_t)all + HUGE - 1) & ~(uintptr_t)(HUGE - 1));

	if (all == MAP_FAILED)
		die("no address space: %s", strerror(errno));
	if (p != all)
		munmap(all, p - all);
	munmap(p + HUGE, all + HUGE - p);
	madvise(p, HUGE, MADV_HUGEPAGE);
	touch(p, 1);
	if (look(frame(p)).flags & PAGE_TRUTH_LARGE &&
	    frame(p) + HUGE_PAGES - 1 == frame(p + HUGE - PAGE)) {
		touch(p, HUGE_PAGES);
		return p;
	}
	munmap(p, HUGE);
	return NULL;
}

void huge_unmap(void *p)
{
	if (munmap(p, HUGE))
		die("munmap: %s", strerror(errno));
}

int file_new(bool ramfs)
{
	int fd;

	if (ramfs) {
		fd = open(RAMFS "/file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0 && unlink(RAMFS "/file"))
			die("unlink: %s", strerror(errno));
	} else {
		fd = memfd_create("oracle-truth", MFD_CLOEXEC);
	}
	if (fd < 0)
		die("no file in memory: %s", strerror(errno));
	return fd;
}

uint8_t *file_map(int fd, size_t first, size_t n)
{
	uint8_t *p;

	if (ftruncate(fd, (first + n) * PAGE))
		die("ftruncate: %s", strerror(errno));
	p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, first * PAGE);
	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return p;
}

/* ---- children ---- */

struct child child_new(uint64_t (*serve)(uint64_t order, void *arg), void *arg)
{
	struct child child;
	int to[2], from[2];
	uint64_t word;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	fflush(stdout);
	child.pid = fork();
	if (child.pid < 0)
		die("fork: %s", strerror(errno));
	if (!child.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		close(from[0]);
		while (read(to[0], &word, sizeof(word)) == sizeof(word)) {
			word = serve(word, arg);
			if (write(from[1], &word, sizeof(word)) != sizeof(word))
				break;
		}
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	child.to = to[1];
	child.from = from[0];
	return child;
}

uint64_t child_waits(uint64_t order, void *arg)
{
	(void)arg;
	return order;
}

uint64_t child_order(struct child *child, uint64_t order)
{
	uint64_t word;

	if (write(child->to, &order, sizeof(order)) != sizeof(order) ||
	    read(child->from, &word, sizeof(word)) != sizeof(word))
		die("a child has ended early");
	return word;
}

void child_end(struct child *child)
{
	close(child->to);
	close(child->from);
	if (kill(child->pid, SIGKILL) || waitpid(child->pid, NULL, 0) != child->pid)
		die("a child does not end: %s", strerror(errno));
}

/* ---- */

static void prepare(void)
{
	cpu_set_t cpus;
	int ret;

	module = open("/dev/page_truth", O_RDWR | O_CLOEXEC);
	if (module < 0)
		die("/dev/page_truth: %s; insmod page_truth.ko", strerror(errno));
	if (board_open(&board, NULL) || board_oracle_wait(&board, 60000))
		die("%s", board.why);
	mkdir(RAMFS, 0700);
	if (mount("ramfs", RAMFS, "ramfs", 0, NULL))
		die("no ramfs at " RAMFS ": %s", strerror(errno));
	/* Lists of free pages are a processor's own: what one frees, it gets again. */
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("sched_setaffinity: %s", strerror(errno));
	ret = truth(PAGE_TRUTH_DROP, 0);
	if (ret)
		die("/dev/page_truth: %s", strerror(-ret));
	unmark();
}

/* One kind at random, of those that have not had enough. False: all have. */
static bool run_one(void)
{
	struct kind *left[64];
	unsigned int nr = 0;
	struct kind *kind;

	for (kind = kinds; kind->name; kind++)
		if (!kind->absent && kind->judged < kind->wanted)
			left[nr++] = kind;
	if (!nr)
		return false;
	kind = left[dice(nr)];
	if (kind->run(kind))
		kind->refused = 0;
	else if (++kind->refused > TRIES)
		die("'%s' could not be brought about in %u tries", kind->name, TRIES);
	unmark();
	return true;
}

static bool print_table(void)
{
	unsigned int judged = 0, found = 0, missed = 0, misnamed = 0;
	struct kind *kind;

	printf("%-46s %6s %6s %6s %6s  said of writes\n", "kind", "pages", "found", "missed", "other");
	for (kind = kinds; kind->name; kind++) {
		printf("%-46s %6u %6u %6u %6u ", kind->name, kind->judged, kind->found, kind->missed,
		       kind->other);
		if (kind->absent)
			printf(" not in this kernel");
		for (int i = 0; i < VERDICTS; i++)
			if (kind->verdict[i])
				printf(" %s %u", verdict_name[i], kind->verdict[i]);
		if (kind->may_miss)
			printf(" (%s)", kind->may_miss);
		printf("\n");
		misnamed += kind->misnamed;
		if (kind->may_miss)
			continue;
		judged += kind->judged;
		found += kind->found;
		missed += kind->missed;
	}
	printf("result oracle-truth: frees=%u found=%u missed=%u misnamed=%u right=%u false_alarms=%u\n",
	       judged, found, missed, misnamed, right_asked, false_alarms);
	if (judged < ENOUGH)
		printf("  only %u frees were judged, %u are wanted\n", judged, ENOUGH);
	return judged >= ENOUGH && !missed && !misnamed && !false_alarms;
}

int main(int argc, char **argv)
{
	int opt;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((opt = getopt(argc, argv, "s:")) != -1) {
		if (opt != 's')
			die("usage: oracle-truth [-s SEED]");
		seed = strtoull(optarg, NULL, 0);
	}
	printf("seed %llu\n", (unsigned long long)seed);
	prepare();
	kinds_prepare();
	run_right();
	while (run_one())
		;
	return print_table() ? 0 : 1;
}
